/** What the compiler says of the client; `tsc` is the test. */
import type { SupabaseClient } from '@supabase/supabase-js'
import {
  createUsher,
  type Database,
  isUsherError,
  type Member,
  type RoleName,
  type Usher,
} from '../../client/index.ts'
import { usherMutations, usherQueries } from '../../client/react/index.ts'

declare const supabase: SupabaseClient
declare const typed: SupabaseClient<Database>

/** Compiles only if both are the same type. */
function same<A>() {
  return <B extends A>(_: B & ([A] extends [B] ? unknown : never)) => {}
}

export async function answers(usher: Usher) {
  const { data, error } = await usher.invites.create('', { email: '', roles: ['member', 'own'] })
  // @ts-expect-error: it may have been refused
  data.id
  if (error) return error.hint?.length
  same<string>()(data.expiresAt)
  same<'pending' | 'accepted' | 'declined' | 'revoked' | 'expired'>()(data.status)
  return data.id
}

export async function throwing() {
  const usher = createUsher(typed).throwOnError()
  const { data, error } = await usher.members.list('')
  same<Member[]>()(data)
  same<null>()(error)
}

export async function dates() {
  const { data } = await createUsher(supabase, { dates: true }).throwOnError().members.list('')
  for (const { joinedAt, endedAt, email } of data) {
    same<Date>()(joinedAt)
    same<Date | null>()(endedAt)
    same<string | null>()(email)
  }
  for await (const { occurredAt } of createUsher(supabase, { dates: true }).audit.iterate('')) {
    same<Date>()(occurredAt)
  }
}

export function codes(error: unknown) {
  if (isUsherError(error, 'rate_limited')) same<'rate_limited'>()(error.code)
  // @ts-expect-error: there is no such word
  isUsherError(error, 'rate_limit')
  if (isUsherError(error) && error.code === 'a word of a newer server') return error.status
  return null
}

export function names() {
  const own: RoleName = 'a role of our own'
  return [own, 'owner'] satisfies RoleName[]
}

export function wrong(usher: Usher) {
  // @ts-expect-error: roles are missing
  usher.invites.create('', { email: '' })
  // @ts-expect-error: no such status
  usher.invites.list('', { status: 'open' })
  // @ts-expect-error: no such kind of mail
  usher.deliveries.list('', { kind: 'newsletter' })
  // @ts-expect-error: a template stays what it words
  usher.templates.update('', { kind: 'invite' })
  // @ts-expect-error: the id is not for changing
  usher.organisations.update('', { id: '' })
}

export function react(usher: Usher) {
  const { queryFn, select } = usherQueries(usher).members.list('')
  same<boolean>()(queryFn !== undefined)
  same<Member[] | undefined>()(select?.({ pages: [], pageParams: [] }))
  const { mutationFn } = usherMutations(usher).members.remove('')
  // @ts-expect-error: whom?
  mutationFn?.({ reason: '' }, {} as never)
}
