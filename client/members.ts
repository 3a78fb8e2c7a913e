/**
 * Members: who belongs to an organisation, and with which roles.
 *
 * @module
 */
import { type AnySupabaseClient, type Camel, camelise, settle } from './call.ts'
import type { Database } from './generated/database.types.ts'
import type { Result } from './result.ts'

type MemberRow = Database['public']['Tables']['organisation_members']['Row']
export type MemberStatus = 'active' | 'banned' | 'left' | 'removed'
export type Member = Omit<Camel<MemberRow>, 'kind' | 'status'> & {
  kind: 'user' | 'device'
  status: MemberStatus
}

/** Makes a row of `organisation_members` into a `Member`. */
export function toMember(row: MemberRow): Member {
  return camelise(row) as Member
}

/** `usher.members` */
export function members(supabase: AnySupabaseClient) {
  return {
    /**
     * The memberships of an organisation that the caller may see, past ones too: all with
     * `member.read`, otherwise one's own. An organisation of others is empty.
     */
    list(organisationId: string): Promise<Result<Member[]>> {
      const request = supabase
        .from('organisation_members')
        .select('*')
        .eq('organisation_id', organisationId)
      return settle(request, (rows) => (rows as MemberRow[]).map(toMember))
    },
  }
}
