/**
 * The worker dies while it follows what happens: it is killed with SIGKILL, half of the times with its connections,
 * while people invite, accept, decline, revoke, change roles and settings from several connections. In the end each
 * line of the trail is followed by exactly the mails and webhook calls that it should be.
 *
 *   npm run test:faults -- outbox                   2,000 changes, 50 kills
 *   npm run test:faults -- outbox --seed=1234       the same again
 *
 * What should follow is said here once more, in the words of the docs: the rules are not asked.
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type postgres from 'postgres'
import { fanOut } from '../support/outbox.ts'
import { type Person, person } from '../support/people.ts'
import { startHostileSmtp } from './hostile-smtp.ts'
import { createRandom } from './random.ts'
import { check, type FaultOptions, type FaultReport } from './report.ts'
import { connectTo, onTop, type Scene, startScene } from './scene.ts'
import { ended, spawnWorker } from './worker.ts'

const CLIENTS = 8
const WORKERS = 2
const BULK = 25

/** How many webhooks an organisation has, and what each hears; null: everything. */
const WEBHOOKS: (string[] | null)[][] = [
  [],
  [null],
  [['invite.created'], ['invite.accepted', 'member.roles_updated'], null],
  Array.from({ length: 20 }, (_, n) => ['invite.created', ...(n % 2 ? ['invite.declined'] : [])]),
]

/** What people do, and how many of a hundred do it. */
const SHARES = {
  invite: 35,
  roles: 20,
  accept: 12,
  decline: 8,
  revoke: 5,
  resend: 5,
  rename: 8,
  bulk: 4,
  undone: 3,
}
type Kind = keyof typeof SHARES

interface Organisation {
  id: string
  owner: Person
  members: Person[]
}

interface Offer {
  id: string
  email: string
  organisation: Organisation
}

export async function runOutboxFaults(
  options: FaultOptions & { changes: number; kills: number },
): Promise<FaultReport> {
  const { seed, changes, kills, say = () => {} } = options
  const random = createRandom(seed)
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T
  const scene = await startScene()
  const smtp = await startHostileSmtp(random)
  const sql = connectTo(scene.url, CLIENTS)
  const workers = new Set<ChildProcess>()
  const broken: string[] = []
  const figures: Record<string, number> = { kills: 0, 'killed while following': 0, changes: 0 }
  const offers: Offer[] = []

  const startWorker = () => workers.add(spawnWorker(scene.workerUrl, smtp.url))
  const count = (what: string, by = 1) => {
    figures[what] = (figures[what] ?? 0) + by
  }

  /** Lets one die: at any moment, or in the middle of following. */
  const killOne = async () => {
    const child = pick([...workers])
    const name = `usher-worker-${child.pid}`
    await until(async () => (await connectionsOf(name)).length > 0)
    if (random() < 0.5) await wait(random() * 700)
    else await until(async () => (await connectionsOf(name)).some(isFollowing), 2_000)
    const connections = await connectionsOf(name)
    workers.delete(child)
    child.kill('SIGKILL')
    // Otherwise Postgres brings to its end what it was asked before it sees that nobody is there any more.
    if (random() < 0.5) {
      await scene.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`
    }
    count('kills')
    if (connections.some(isFollowing)) count('killed while following')
    await ended(child)
    startWorker()
  }

  const connectionsOf = (name: string) =>
    scene.sql<{ query: string; state: string }[]>`
      select query, state from pg_stat_activity where application_name = ${name}`
  const isFollowing = ({ query, state }: { query: string; state: string }) =>
    state === 'active' && query.includes('fan_out')

  const doOne = async (organisations: Organisation[]) => {
    const kind = draw(random())
    const organisation = pick(organisations)
    const offer = ['accept', 'decline', 'revoke', 'resend'].includes(kind)
      ? offers.splice(Math.floor(random() * offers.length), 1)[0]
      : undefined
    if (offer) await answer(kind, offer)
    else await change(kind, organisation)
    count('changes')
  }

  const change = async (kind: Kind, { id: organisation_id, owner, members }: Organisation) => {
    if (kind === 'roles') {
      const user_id = pick(members).userId
      await owner.rpc('update_organisation_member_roles', {
        ...{ organisation_id, user_id },
        roles: pick([['member'], ['finance'], ['finance', 'member']]),
      })
    } else if (kind === 'rename') {
      const changes = { name: `Faults ${randomUUID().slice(0, 8)}` }
      await owner.rpc('update_organisation', { organisation_id, changes })
    } else if (kind === 'bulk') {
      const invites = Array.from({ length: BULK }, () => ({
        email: newAddress(),
        roles: ['member'],
      }))
      await owner.rpc('create_organisation_invites', { organisation_id, invites })
      count('invites', BULK)
    } else if (kind === 'undone') {
      await owner
        .run(async (tx) => {
          await tx`select public.create_organisation_invite(${organisation_id}, ${`undone-${newAddress()}`}, '{member}')`
          throw new Error('undone')
        })
        .catch((error) => {
          if (!String(error).includes('undone')) throw error
        })
    } else {
      const email = newAddress()
      const roles = ['member']
      const { id } = await owner.rpc('create_organisation_invite', {
        ...{ organisation_id, email, roles },
      })
      offers.push({ id, email, organisation: { id: organisation_id, owner, members } })
      count('invites')
    }
  }

  const answer = async (kind: Kind, { id: invite_id, email, organisation }: Offer) => {
    const { owner } = organisation
    if (kind === 'revoke') await owner.rpc('revoke_organisation_invite', { invite_id })
    if (kind === 'resend') await owner.rpc('resend_organisation_invite', { invite_id })
    if (kind === 'accept' || kind === 'decline') {
      const [row] = await sql`select usher.mint_invite_token(${invite_id}) as token`
      const invitee = await person(sql, 'invitee', { email })
      await invitee.rpc(`${kind}_organisation_invite`, { token: row?.token })
    }
    count(kind)
  }

  try {
    const organisations: Organisation[] = []
    for (const webhooks of WEBHOOKS) organisations.push(await found(scene, sql, webhooks))
    await fanOut(scene.sql)
    for (let i = 0; i < WORKERS; i++) startWorker()

    for (let step = 0; step < kills; step++) {
      let left = Math.floor(((step + 1) * changes) / kills) - Math.floor((step * changes) / kills)
      const clients = Array.from({ length: CLIENTS }, async () => {
        while (left-- > 0) await doOne(organisations)
      })
      await Promise.all([killOne(), ...clients])
      const [worst] = await scene.sql`select coalesce(max(attempts), 0)::int as n from usher.outbox`
      figures['tries that failed'] = Math.max(figures['tries that failed'] ?? 0, worst?.n)
      if ((step + 1) % 10 === 0) say(`Workers were killed ${step + 1} times.`)
    }
    say('All kills are done; waiting until all is followed.')
    await until(
      async () => (await scene.sql`select from usher.outbox limit 1`).length === 0,
      120_000,
    )
    for (const child of workers) child.kill('SIGTERM')
    await Promise.all([...workers].map(ended))
    // What the last mails have come to is in the trail as well.
    await fanOut(scene.sql)
    Object.assign(figures, await judge(scene.sql, broken, figures))
    return { broken, figures }
  } finally {
    for (const child of workers) child.kill('SIGKILL')
    await Promise.all([...workers].map(ended))
    await sql.end({ timeout: 1 }).catch(() => {})
    await smtp.stop()
    await scene.stop()
  }
}

/** An organisation with an owner, an admin, ten members, and these webhooks, which lead nowhere. */
async function found(scene: Scene, sql: postgres.Sql, webhooks: (string[] | null)[]) {
  const owner = onTop(sql, await person(sql, 'owner'))
  const { id } = await owner.rpc('create_organisation', { name: 'Faults' })
  const join = async (role: string) => {
    const joined = await person(sql, role)
    await sql`select usher.add_member(${id}, ${joined.userId}, ${[role]})`
    return joined
  }
  await join('admin')
  const members = []
  for (let i = 0; i < 10; i++) members.push(await join('member'))
  for (const events of webhooks) {
    await owner.rpc('create_organisation_webhook', {
      ...{ organisation_id: id, url: 'https://hooks.example.com/faults' },
      ...(events && { events }),
    })
  }
  // A worker refuses to call it: the run is about what follows, not about sending.
  await scene.sql`update public.organisation_webhooks set url = 'https://127.0.0.1:9/' where organisation_id = ${id}`
  return { id, owner, members } as Organisation
}

/** Counts what there is beside what there should be. */
async function judge(sql: postgres.Sql, broken: string[], done: Record<string, number>) {
  const unlike = await sql`
    with due as (
      select e.id as event_id, 'invite' as kind, i.email as recipient
      from public.organisation_audit_events e join usher.invites i on i.id = e.target_id
      where e.event in ('invite.created', 'invite.resent')
      union all
      select e.id, 'invite_accepted', m.email
      from public.organisation_audit_events e
      join usher.invites i on i.id = e.target_id
      join public.organisation_members m on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
      where e.event = 'invite.accepted'
      union all
      select e.id, 'invite_declined', m.email
      from public.organisation_audit_events e
      join public.organisation_members m on m.organisation_id = e.organisation_id and m.roles && '{owner,admin}'
      where e.event = 'invite.declined'
      union all
      select e.id, 'member_roles_updated', m.email
      from public.organisation_audit_events e
      join public.organisation_members m on m.organisation_id = e.organisation_id and m.user_id = e.target_id
      where e.event = 'member.roles_updated'
    ), there as (
      select event_id, kind, recipient, count(*) as n from public.organisation_deliveries group by 1, 2, 3
    )
    select coalesce(d.kind, t.kind) as kind, coalesce(d.event_id, t.event_id) as event_id, coalesce(t.n, 0)::int as n
    from due d full join there t using (event_id, kind, recipient)
    where d.event_id is null or t.n is distinct from 1`
  check(broken, 'a line has other mails than it should, or one twice', unlike)

  const calls = await sql`
    with due as (
      select e.id as event_id, w.id as webhook_id
      from public.organisation_audit_events e
      join public.organisation_webhooks w on w.organisation_id = e.organisation_id
      where e.event <> 'webhook.created' and w.created_at <= e.occurred_at
        and e.event = any (coalesce(w.events, usher.webhook_event_types()))
    ), there as (
      select event_id, webhook_id, count(*) as n from public.organisation_webhook_deliveries
      where event <> 'webhook.created' group by 1, 2
    )
    select coalesce(d.event_id, t.event_id) as event_id, coalesce(t.n, 0)::int as n
    from due d full join there t using (event_id, webhook_id)
    where d.event_id is null or t.n is distinct from 1`
  check(broken, 'a line has other webhook calls than it should, or one twice', calls)

  check(broken, 'something is left in the outbox', await sql`select * from usher.outbox`)
  const orphans = await sql`
    select d.event_id from (
      select event_id from public.organisation_deliveries
      union all select event_id from public.organisation_webhook_deliveries) d
    where not exists (select from public.organisation_audit_events e where e.id = d.event_id)`
  check(broken, 'something follows what has not happened', orphans)

  const [row] = await sql<Record<string, number>[]>`select
    (select count(*)::int from public.organisation_audit_events) as lines,
    (select count(*)::int from public.organisation_deliveries) as mails,
    (select count(*)::int from public.organisation_webhook_deliveries) as "webhook calls",
    (select count(*)::int from public.organisation_audit_events where event = 'invite.created') as created`
  const { created, ...figures } = row ?? {}
  if (created !== done.invites) {
    broken.push(`${done.invites} invites were acknowledged, and the trail has ${created}`)
  }
  return figures
}

function draw(chance: number): Kind {
  let rest = chance * 100
  for (const [kind, share] of Object.entries(SHARES)) {
    rest -= share
    if (rest < 0) return kind as Kind
  }
  return 'invite'
}

const newAddress = () => `new-${randomUUID()}@example.com`

/** Looks every few milliseconds, and gives up without a word. */
async function until(isSo: () => Promise<boolean>, atMost = 20_000): Promise<void> {
  const deadline = Date.now() + atMost
  while (Date.now() < deadline && !(await isSo())) await wait(3)
}
