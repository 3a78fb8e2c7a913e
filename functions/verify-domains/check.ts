/**
 * Looks up the TXT records of claimed domains. Whether they prove anything is decided in SQL.
 *
 * @module
 */
import type { Domains } from '../_shared/database.ts'
import { logTrouble } from '../_shared/log.ts'
import { isOwnFault } from '../_shared/own-fault.ts'

/** Each record as the pieces that it is sent in. Throws when there are none. */
export type ResolveTxt = (name: string) => Promise<string[][]>

/** Returns how many were looked up, and how many of them are verified by it. */
export async function checkDomains(domains: Domains, resolveTxt: ResolveTxt) {
  const due = await domains.listToVerify()
  const results = await Promise.all(
    due.map(async ({ organisationId, domain }) => {
      // No record, no such domain, no name server: nothing found, looked for again later.
      const records = await resolveTxt(`_usher.${domain}`).catch(() => [])
      try {
        return await domains.confirm(
          organisationId,
          domain,
          records.map((pieces) => pieces.join('')),
        )
      } catch (error) {
        if (!isOwnFault(error)) throw error
        logTrouble('domain.refused', { organisation_id: organisationId, error })
        return false
      }
    }),
  )
  return { checked: due.length, verified: results.filter(Boolean).length }
}
