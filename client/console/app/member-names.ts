/**
 * What people are called, by their ids.
 *
 * @module
 */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useUsherQueries } from '../../react/index.ts'
import { readableAddress } from '../../readable-address.ts'
import { useOrganisation } from './organisation.tsx'

/**
 * @returns the name, or the address, of a member, also a former one; null for somebody unknown. Of very
 *   large organisations only the newest five hundred are known
 */
export function useMemberNames(): (userId: string | null) => string | null {
  const { id, can } = useOrganisation()
  const members = useInfiniteQuery({
    ...useUsherQueries().members.list(id, { pageSize: 500 }),
    enabled: can('member.read'),
  })
  return (userId) => {
    const member = members.data?.find((each) => each.userId === userId)
    return member?.displayName ?? (member?.email ? readableAddress(member.email) : null)
  }
}
