/**
 * The scene of most tests: an organisation with someone of each role, and people outside of it.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { test as base } from 'vitest'
import { createDatabase } from './database.ts'
import { Caller, type Person, person } from './people.ts'

export type InviteStatus = 'pending' | 'accepted' | 'declined' | 'revoked' | 'expired'

export interface Organisation {
  id: string
  owner: Person
  admin: Person
  finance: Person
  member: Person
  /** A member without any role. */
  roleless: Person
  /** The owner of another organisation, `otherId`. */
  outsider: Person
  otherId: string
  /** Signed in, member of nothing. */
  stranger: Person
  /** Not signed in. */
  anyone: Caller
  service: Caller
  sql: postgres.Sql
  /** Invites an address (a new one by default), by the owner, and mints a link for it. */
  invite(
    email?: string,
    roles?: string[],
  ): Promise<{ invite: { id: string; email: string }; token: string }>
  /** An invite that has come to this status, and its link. */
  inviteIn(status: InviteStatus): Promise<{ id: string; email: string; token: string }>
  /** A new link for an invite, as the worker mints one when it renders the mail. */
  mint(inviteId: string): Promise<string>
  /** Lets the time of an invite run out. */
  expire(inviteId: string): Promise<void>
  /** An account with this address (a new one by default), confirmed. */
  person(email?: string): Promise<Person>
  /** Makes someone a member without an invite. */
  join(roles: string[], status?: string): Promise<Person>
  events(): Promise<string[]>
}

export async function createAcme(sql: postgres.Sql): Promise<Organisation> {
  const owner = await person(sql, 'owner')
  const { id } = await owner.rpc('create_organisation', { name: 'Acme' })
  const outsider = await person(sql, 'outsider')
  const other = await outsider.rpc('create_organisation', { name: 'Other' })

  const join = async (roles: string[], status = 'active') => {
    const joined = await person(sql, roles[0] ?? 'roleless')
    await sql`select usher.add_member(${id}, ${joined.userId}, ${roles})`
    if (status !== 'active') {
      await sql`update public.organisation_members set status = ${status}, ended_at = now()
        where user_id = ${joined.userId}`
    }
    return joined
  }
  const mint = async (inviteId: string) => {
    const [row] = await sql`select usher.mint_invite_token(${inviteId}, is_mailed => true) as token`
    return row?.token as string
  }
  const invite = async (
    email = `new-${randomUUID().slice(0, 8)}@example.com`,
    roles = ['member'],
  ) => {
    const created = await owner.rpc('create_organisation_invite', {
      organisation_id: id,
      email,
      roles,
    })
    return { invite: created, token: await mint(created.id) }
  }
  const expire = async (inviteId: string) => {
    await sql`update public.organisation_invites set expires_at = now() - interval '1 second'
      where id = ${inviteId}`
  }

  return {
    id,
    owner,
    outsider,
    otherId: other.id,
    admin: await join(['admin']),
    finance: await join(['finance']),
    member: await join(['member']),
    roleless: await join([]),
    stranger: await person(sql, 'stranger'),
    anyone: new Caller(sql, 'anon'),
    service: new Caller(sql, 'service_role'),
    sql,
    invite,
    mint,
    expire,
    join,
    person: (email) => person(sql, 'invitee', email ? { email } : {}),
    async inviteIn(status) {
      const { invite: created, token } = await invite()
      const answers: Record<InviteStatus, () => Promise<unknown>> = {
        pending: async () => {},
        accepted: async () =>
          (await person(sql, 'invitee', { email: created.email })).rpc(
            'accept_organisation_invite',
            { token },
          ),
        declined: () => new Caller(sql, 'anon').rpc('decline_organisation_invite', { token }),
        revoked: () => owner.rpc('revoke_organisation_invite', { invite_id: created.id }),
        expired: () => expire(created.id),
      }
      await answers[status]()
      return { id: created.id, email: created.email, token }
    },
    async events() {
      const rows = await sql`select event from public.organisation_audit_events
        where organisation_id = ${id} order by occurred_at`
      return rows.map((row) => row.event)
    },
  }
}

/** `test` with a database a file, and a new organisation a test. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures from the pattern
  .extend('database', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await createDatabase()
    onCleanup(() => database.drop())
    return database
  })
  .extend('acme', async ({ database }) => createAcme(database.sql))
