/**
 * The newest mail of each invitation.
 *
 * @module
 */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import type { Delivery } from '../../../index.ts'
import { useUsherQueries } from '../../../react/index.ts'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'

/** Mails a page, the most that the API gives. */
const PAGE = 500

/**
 * @param since - the oldest invitation that is shown; older mails are not asked for. Undefined: none is
 * @returns by the invitation's id
 */
export function useNewestDeliveries(since: string | undefined): Map<string, Delivery> {
  const { id } = useOrganisation()
  const deliveries = useInfiniteQuery({
    ...useUsherQueries().deliveries.list(id, { kind: 'invite', pageSize: PAGE }),
    ...live,
    enabled: since !== undefined,
  })
  const { data, hasNextPage, isFetching, fetchNextPage } = deliveries
  const oldest = data?.at(-1)?.createdAt

  useEffect(() => {
    const isMissingSome = oldest !== undefined && since !== undefined && oldest > since
    if (isMissingSome && hasNextPage && !isFetching) fetchNextPage()
  }, [oldest, since, hasNextPage, isFetching, fetchNextPage])

  return useMemo(() => {
    const newest = new Map<string, Delivery>()
    for (const delivery of data ?? []) {
      const { inviteId } = delivery
      if (inviteId && !newest.has(inviteId)) newest.set(inviteId, delivery)
    }
    return newest
  }, [data])
}
