/**
 * The scene of the runs: a Postgres of their own, which waits for the disk as a real one does, with an
 * organisation in it, and people who are invited.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { loadPresentState } from '../../scripts/schema.ts'
import { startPostgres } from '../../supabase/local/database.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { fanOut } from '../support/outbox.ts'
import { Caller, type Person, person } from '../support/people.ts'

export interface Invitee {
  userId: string
  email: string
  inviteId: string
  /** A link's token. */
  token: string
}

export type Scene = Awaited<ReturnType<typeof startScene>>

export const WORKER_PASSWORD = 'worker'

export async function startScene() {
  const folder = await mkdtemp(join(tmpdir(), 'usher-faults-'))
  const options = { folder, port: await freePort() }
  let server = await startPostgres(options)
  let sql = connectTo(server.url)
  await preparePlatform(server.url)
  await loadPresentState(server.url)
  await sql.unsafe(`alter role usher_worker login password '${WORKER_PASSWORD}'`)
  await sql`select usher.update_settings('{"invites_per_day": 1000000, "resend_cooldown": "0", "resends_per_day": 1000,
    "mails_per_hour_to_recipient": null, "new_mails_per_hour_to_recipient": null,
    "mails_per_hour_of_sender": null, "new_mails_per_hour_of_sender": null}')`
  const owner = await person(sql, 'owner')
  const organisation = await owner.rpc('create_organisation', { name: 'Faults' })

  return {
    folder,
    organisationId: organisation.id as string,
    get url() {
      return server.url
    },
    get workerUrl() {
      return server.url.replace(/\/\/[^@]+@/, `//usher_worker:${WORKER_PASSWORD}@`)
    },
    /** As the superuser; another one after each restart. */
    get sql() {
      return sql
    },
    get owner() {
      return onTop(sql, owner)
    },
    /** Invites so many people who have accounts, and mints a link for each. */
    async invite(count: number): Promise<Invitee[]> {
      const people = Array.from({ length: count }, () => {
        const id = randomUUID()
        return { id, email: `person-${id}@example.com` }
      })
      await sql`insert into auth.users (id, email, email_confirmed_at)
        select p.id, p.email, now() from jsonb_to_recordset(${sql.json(people)}) p (id uuid, email text)`
      const rows = await onTop(sql, owner).rpc('create_organisation_invites', {
        organisation_id: organisation.id,
        invites: people.map(({ email }) => ({ email, roles: ['member'] })),
      })
      const ids: string[] = rows.map((row: { invite_id: string }) => row.invite_id)
      const tokens = await sql`select usher.mint_invite_token(i.id) as token
        from unnest(${ids}::uuid[]) with ordinality i (id, n) order by i.n`
      return people.map(({ id, email }, i) => ({
        userId: id,
        email,
        inviteId: ids[i] as string,
        token: tokens[i]?.token as string,
      }))
    },
    /** Kills the postmaster and all that it has started, as the kernel does when memory is short. */
    async kill() {
      const [line] = (await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split(
        '\n',
      )
      const backends = await sql`select pid from pg_stat_activity where pid <> pg_backend_pid()`
      // The postmaster first: it must not clean up after its children.
      for (const pid of [Number(line), ...backends.map((row) => row.pid as number)]) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended by itself meanwhile.
        }
      }
      await sql.end({ timeout: 0 }).catch(() => {})
    },
    /** Starts it again on the same data, as soon as what was killed is gone. */
    async start() {
      for (let tries = 1; ; tries++) {
        try {
          server = await startPostgres(options)
          break
        } catch (error) {
          if (tries === 20) throw error
          await wait(250)
        }
      }
      sql = connectTo(server.url)
    },
    async stop() {
      await sql.end({ timeout: 1 }).catch(() => {})
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function connectTo(url: string, max = 4): postgres.Sql {
  return postgres(url, { max, onnotice: () => {} })
}

/** The same person, over other connections. */
export function onTop(sql: postgres.Sql, { userId, email }: Pick<Person, 'userId' | 'email'>) {
  return new Caller(sql, 'authenticated', { id: userId, email }) as Person
}

/**
 * Half an accept: invites of which not all four parts of being accepted are there, or more than one. The last of them,
 * the mail, follows from what has happened, and is let follow first.
 */
export async function halfAccepts(sql: postgres.Sql): Promise<string[]> {
  await fanOut(sql)
  const rows = await sql<{ id: string }[]>`
    select i.id
    from usher.invites i
    left join (
      select u.email, m.organisation_id, count(*) as n
      from auth.users u
      join public.organisation_members m on m.user_id = u.id and m.status = 'active'
      group by u.email, m.organisation_id) m on m.email = i.email and m.organisation_id = i.organisation_id
    left join (
      select e.target_id, count(*) as n from public.organisation_audit_events e
      where e.event = 'invite.accepted' group by e.target_id) e on e.target_id = i.id
    left join (
      select d.invite_id, count(*) as n from public.organisation_deliveries d
      where d.kind = 'invite_accepted' group by d.invite_id) d on d.invite_id = i.id
    cross join lateral (select (i.status = 'accepted')::int::bigint as accepted) a
    where (coalesce(m.n, 0), coalesce(e.n, 0), coalesce(d.n, 0)) is distinct from (a.accepted, a.accepted, a.accepted)`
  return rows.map(({ id }) => id)
}

/** How many accepted invites, active members beside the owner, and events of accepting there are. */
export async function countAccepts(sql: postgres.Sql, organisationId: string) {
  const [row] = await sql<{ invites: number; members: number; events: number }[]>`select
    (select count(*)::int from usher.invites i
      where i.organisation_id = ${organisationId} and i.status = 'accepted') as invites,
    (select count(*)::int from public.organisation_members m
      where m.organisation_id = ${organisationId} and m.status = 'active' and not 'owner' = any (m.roles)) as members,
    (select count(*)::int from public.organisation_audit_events e
      where e.organisation_id = ${organisationId} and e.event = 'invite.accepted') as events`
  return row ?? { invites: 0, members: 0, events: 0 }
}
