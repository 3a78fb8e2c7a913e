/**
 * The newest mail of each invitation.
 *
 * @module
 */
import { useMemo } from 'react'
import type { Delivery } from '../../../index.ts'
import { LIVE, useRead } from '../../app/data.ts'
import { useOrganisation } from '../../app/organisation.tsx'

/** Mails a page, the most that the API gives. */
const PAGE = 500

/**
 * @param since - the oldest invitation that is shown; older mails are not asked for. Undefined: none is
 * @returns by the invitation's id
 */
export function useNewestDeliveries(since: string | undefined): Map<string, Delivery> {
  const { id } = useOrganisation()
  const deliveries = useRead(
    [id, 'deliveries', since],
    async (usher) => {
      const found: Delivery[] = []
      let cursor: string | undefined
      do {
        const page = await usher.deliveries.list(id, { kind: 'invite', cursor, pageSize: PAGE })
        if (page.error) return page
        found.push(...page.data)
        const oldest = page.data.at(-1)
        cursor = oldest && since && oldest.createdAt > since ? (page.nextCursor ?? undefined) : undefined
      } while (cursor)
      return { data: found, error: null }
    },
    { enabled: since !== undefined, refetchInterval: LIVE },
  )
  return useMemo(() => {
    const newest = new Map<string, Delivery>()
    for (const delivery of deliveries.data ?? []) {
      const { inviteId } = delivery
      if (inviteId && !newest.has(inviteId)) newest.set(inviteId, delivery)
    }
    return newest
  }, [deliveries.data])
}
