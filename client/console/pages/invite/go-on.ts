/**
 * Where whoever has accepted goes next.
 *
 * @module
 */
import type { InvitePreview, Member } from '../../../index.ts'

/** Leaves the page for where the invitation leads, or for the organisation. */
export function goOn({ redirectTo }: InvitePreview, { organisationId }: Member): void {
  window.location.assign(redirectTo ?? `/organisations/${organisationId}`)
}
