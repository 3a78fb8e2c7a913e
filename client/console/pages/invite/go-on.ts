/**
 * Where whoever has accepted goes next.
 *
 * @module
 */
import type { InvitePreview } from '../../../index.ts'
import { ownPath, ownPathOf } from '../../app/own-path.ts'

/**
 * The page that a confirmation mail leads back to: this one, without the token, and with where the invitation leads
 * if that is one of these pages. Of another, anybody could have written the address.
 */
export function wayBack({ redirectTo }: InvitePreview): string {
  const to = redirectTo && ownPathOf(redirectTo)
  return `${window.location.origin}/invite${to ? `?${new URLSearchParams({ to })}` : ''}`
}

/** Leaves the page for where the invitation leads, or for the organisation. */
export function goOn(organisationId: string, redirectTo: string | null): void {
  window.location.assign(redirectTo ?? `/organisations/${organisationId}`)
}

/** Where `wayBack` has said that the invitation leads; null: nowhere in particular. */
export function redirectOf(query: URLSearchParams): string | null {
  return ownPath(query.get('to'))
}
