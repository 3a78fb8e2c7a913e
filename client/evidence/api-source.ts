/**
 * Evidence out of the API, for whoever is signed in.
 *
 * @module
 */
import type { Usher } from '../index.ts'
import { EVENTS_A_PAGE, type EvidenceSource } from './source.ts'

/**
 * @param period - ISO 8601; without `until`, up to now
 * @returns a source that throws an `UsherError` when it is refused
 */
export function apiSource(
  usher: Usher,
  organisationId: string,
  period: { since: string; until?: string | undefined },
): EvidenceSource {
  const { audit } = usher.throwOnError()
  return {
    collect: async () => (await audit.exportEvidence(organisationId, period)).data,
    events: async (cursor) =>
      (await audit.listEvidenceEvents(organisationId, cursor, EVENTS_A_PAGE)).data,
  }
}
