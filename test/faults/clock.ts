/**
 * The clock steps. It cannot be set here, so that times are moved around it instead: of invites, resends and
 * leases, by seconds and by days, in both directions, while transactions that began before go on.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'
import type postgres from 'postgres'
import { fanOut } from '../support/outbox.ts'
import { Refusal } from '../support/refusal.ts'
import { createRandom } from './random.ts'
import { check, type FaultOptions, type FaultReport } from './report.ts'
import { connectTo, halfAccepts, type Invitee, onTop, type Scene, startScene } from './scene.ts'

type Random = () => number
interface Run {
  scene: Scene
  random: Random
  broken: string[]
  figures: Record<string, number>
}

/** @param options.rounds - invites that are answered around their end, and as many mails that are leased */
export async function runClockFaults(
  options: FaultOptions & { rounds: number },
): Promise<FaultReport> {
  const { seed, rounds, say = () => {} } = options
  const scene = await startScene()
  const run: Run = { scene, random: createRandom(seed), broken: [], figures: {} }
  try {
    await answerAroundTheEnd(run, rounds)
    say(`${rounds} invites were answered around their end.`)
    await answerInLongTransactions(run, Math.ceil(rounds / 10))
    await sweepWhileAnswering(run, Math.ceil(rounds / 3))
    await resendAfterSteps(run, Math.ceil(rounds / 10))
    say('Long transactions, sweeps and resends are done.')
    await leaseWhileTimeSteps(run, rounds)
    check(run.broken, 'half an accept', await halfAccepts(scene.sql))
    return { broken: run.broken, figures: run.figures }
  } finally {
    await scene.stop()
  }
}

function count({ figures }: Run, what: string) {
  figures[what] = (figures[what] ?? 0) + 1
}

function wordOf(error: unknown): string {
  const { name, code } = error as postgres.PostgresError
  const refusal =
    name === 'PostgresError' && code === 'PGRST'
      ? Refusal.of(error as postgres.PostgresError)
      : error
  return refusal instanceof Refusal ? refusal.code : String(refusal)
}

/** What the database's clock says, in milliseconds since 1970. */
async function clock(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`select extract(epoch from clock_timestamp()) * 1000 as now`
  return Number(row?.now)
}

const endAt = (sql: postgres.Sql, { inviteId }: Invitee, milliseconds: number) =>
  sql`update usher.invites set expires_at = to_timestamp(${milliseconds}::float8 / 1000) where id = ${inviteId}`

/** Before its end an invite can be answered, from then on it cannot; accepting and looking agree. */
async function answerAroundTheEnd(run: Run, rounds: number) {
  const { scene, random, broken } = run
  for (const invitee of await scene.invite(rounds)) {
    // Mostly milliseconds before or after, sometimes days.
    const step = random() < 0.8 ? (random() - 0.3) * 30 : (random() - 0.5) * 10 * 86_400_000
    const end = Math.round((await clock(scene.sql)) + step)
    await endAt(scene.sql, invitee, end)
    const { token } = invitee
    const caller = onTop(scene.sql, invitee)
    const before = await clock(scene.sql)
    const answer = await caller
      .rpc('accept_organisation_invite', { token })
      .then((member) => member.status as string, wordOf)
    const after = await clock(scene.sql)
    const { status } = await caller.rpc('validate_organisation_invite', { token })

    const isLate = answer === 'invite_expired'
    if (!isLate && answer !== 'active')
      check(broken, `accepting was answered with ${answer}`, [step])
    if (isLate && after < end) check(broken, 'refused before the end', [{ step, before, end }])
    if (!isLate && before >= end) check(broken, 'accepted after the end', [{ step, before, end }])
    if (status !== (isLate ? 'expired' : 'accepted')) {
      check(broken, `after ${answer} it reads as ${status}`, [step])
    }
    count(run, isLate ? 'refused after the end' : 'accepted before the end')
  }
}

/**
 * What began before the end does not accept after it: a transaction that was open meanwhile, whatever its
 * isolation, and a call that waited for a lock.
 */
async function answerInLongTransactions(run: Run, rounds: number) {
  const { scene, random, broken } = run
  const sql = connectTo(scene.url, 8)
  const ways = {
    'read committed': accept,
    'repeatable read': accept,
    serializable: accept,
    'accepting waits for a lock': behindLock('accept_organisation_invite'),
    'declining waits for a lock': behindLock('decline_organisation_invite'),
    'enrolling waits for a lock': behindLock('enrol_organisation_device'),
  }
  try {
    for (const [way, answer] of Object.entries(ways)) {
      for (const invited of await scene.invite(rounds)) {
        const invitee = way.startsWith('enrolling') ? await deviceOf(invited) : invited
        const end = (await clock(sql)) + 150 + random() * 100
        await endAt(sql, invitee, end)
        const untilOver = async () => wait(Math.max(0, end - (await clock(sql))) + 20)
        const word = await answer(invitee, untilOver, way).then(() => 'taken', wordOf)
        if (word !== 'invite_expired') check(broken, `past the end, ${way}`, [word])
        count(run, `past the end: ${way}`)
      }
    }
  } finally {
    await sql.end()
  }

  function accept(invitee: Invitee, untilOver: () => Promise<unknown>, isolation: string) {
    return sql.begin(`isolation level ${isolation}`, async (tx) => {
      const claims = JSON.stringify({ sub: invitee.userId, role: 'authenticated' })
      await tx`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${claims}, true)`
      const [row] = await tx`
        select (public.validate_organisation_invite(${invitee.token})).status as status`
      if (row?.status !== 'pending') throw new Error(`It began too late: ${row?.status}`)
      await untilOver()
      await tx`select public.accept_organisation_invite(${invitee.token})`
    })
  }

  /** A device in the place of the person: its code is what it has for a link. */
  async function deviceOf(invitee: Invitee): Promise<Invitee> {
    const { invite_id, code } = await scene.owner.rpc('create_organisation_device_invite', {
      organisation_id: scene.organisationId,
      device_name: 'Door',
      roles: ['member'],
    })
    return { ...invitee, inviteId: invite_id, token: code }
  }

  /** Somebody looks at the row to change it, and then lets it be. */
  function behindLock(name: string) {
    return async (invitee: Invitee, untilOver: () => Promise<unknown>) => {
      let answering: Promise<unknown> = Promise.resolve()
      await sql.begin(async (tx) => {
        await tx`select from usher.invites where id = ${invitee.inviteId} for update`
        const key = name === 'enrol_organisation_device' ? 'code' : 'token'
        answering = onTop(sql, invitee).rpc(name, { [key]: invitee.token })
        answering.catch(() => {})
        await untilOver()
      })
      return answering
    }
  }
}

/** The sweep and an answer at the same moment: one of the two happens, and one event tells of it. */
async function sweepWhileAnswering(run: Run, rounds: number) {
  const { scene, random, broken } = run
  for (const invitee of await scene.invite(rounds)) {
    await endAt(scene.sql, invitee, (await clock(scene.sql)) + random() * 12)
    const [accepted] = await Promise.all([
      onTop(scene.sql, invitee)
        .rpc('accept_organisation_invite', { token: invitee.token })
        .then(() => 'accepted', wordOf),
      wait(random() * 12).then(() => scene.sql`select usher.expire_due_invites()`),
    ])
    await wait(15)
    await scene.sql`select usher.expire_due_invites()`
    const [row] = await scene.sql<{ status: string; events: string[] }[]>`
      select i.status, array(select e.event from public.organisation_audit_events e
        where e.organisation_id = i.organisation_id and e.target_id = i.id
          and e.event in ('invite.accepted', 'invite.expired')) as events
      from usher.invites i where i.id = ${invitee.inviteId}`
    const end = accepted === 'accepted' ? 'accepted' : 'expired'
    const isOne = row?.status === end && row.events.join() === `invite.${end}`
    if (!isOne) check(broken, `${accepted} beside a sweep`, [row])
    count(run, `beside a sweep: ${end}`)
  }
}

/**
 * After a step back of the clock, what was sent lies in the future, and after one forward in a distant past:
 * sending again is then possible, or refused with a time to wait that is over at some time.
 */
async function resendAfterSteps(run: Run, rounds: number) {
  const { scene, random, broken } = run
  await scene.sql`select usher.update_settings('{"resend_cooldown": "1 minute"}')`
  for (const invitee of await scene.invite(rounds)) {
    const resend = () =>
      scene.owner.rpc('resend_organisation_invite', { invite_id: invitee.inviteId }).then(
        () => null,
        (error) => error,
      )
    const first = await resend()
    if (first) check(broken, 'the first resend was refused', [wordOf(first)])
    const seconds = Math.round((random() - 0.5) * 7200)
    await scene.sql`update usher.invites set issued_at = now() + make_interval(secs => ${seconds})
      where id = ${invitee.inviteId}`
    const second = await resend()
    const mustWait = seconds + 60
    const told = Number(second?.headers?.['retry-after'] ?? 0)
    const isTrue =
      mustWait <= 0
        ? second === null
        : second?.code === 'rate_limited' && Math.abs(told - mustWait) <= 2
    if (!isTrue)
      check(broken, 'a resend after a step', [{ seconds, told, word: second && wordOf(second) }])
    count(run, second ? 'resends that had to wait' : 'resends after a step')
  }
  await scene.sql`select usher.update_settings('{"resend_cooldown": "0"}')`
}

interface Lease {
  delivery_id: string
  fence: string
  worker: number
}

/**
 * Three workers, of which each may fall asleep with a mail in hand while leases run out early or late. Each mail
 * is written down as sent once, by who holds it, and none is left.
 */
async function leaseWhileTimeSteps(run: Run, mails: number) {
  const { scene, random, broken } = run
  const { sql } = scene
  await scene.invite(mails)
  await fanOut(sql)
  const held: Lease[] = []
  const sent = new Map<string, number>()
  const asWorker = <T>(work: (tx: postgres.TransactionSql) => Promise<T>) =>
    sql.begin(async (tx) => {
      await tx`set local role usher_worker`
      return work(tx)
    }) as Promise<T>

  const take = async (worker: number, batchSize: number) => {
    const leases = await asWorker(
      (tx) => tx<Omit<Lease, 'worker'>[]>`
        select l.delivery_id, l.fence from usher.lease_deliveries(${`worker-${worker}`}, ${batchSize}) l`,
    )
    held.push(...leases.map((lease) => ({ ...lease, worker })))
    return leases.length
  }
  const finish = async ({ delivery_id, fence }: Lease) => {
    const [row] =
      await sql`select fence, status from public.organisation_deliveries where id = ${delivery_id}`
    const isHolder = row?.fence === fence && row?.status === 'sending'
    const [answer] = await asWorker(
      (tx) => tx`select usher.complete_delivery(${delivery_id}, ${fence}, '250 OK') as done`,
    )
    if (answer?.done !== isHolder)
      check(broken, 'a fence let the wrong one through', [{ isHolder, ...row }])
    if (answer?.done) sent.set(delivery_id, (sent.get(delivery_id) ?? 0) + 1)
    count(run, answer?.done ? 'mails sent' : 'workers that came too late')
  }
  const step = async (interval: string) => {
    await sql`update public.organisation_deliveries set due_at = due_at + ${interval}::interval
      where status in ('queued', 'sending')`
    count(run, 'steps of the clock')
  }

  for (let turn = 0; turn < mails; turn++) {
    const what = random()
    if (what < 0.4) await take(Math.floor(random() * 3), 1 + Math.floor(random() * 5))
    else if (what < 0.8) {
      const [lease] = held.splice(Math.floor(random() * held.length), 1)
      if (lease) await finish(lease)
    } else await step(`${Math.round((random() - 0.5) * 7200)} seconds`)
  }
  // The clock goes right again: what lies in the future comes up, and everybody wakes up.
  for (let turn = 0; turn < 100; turn++) {
    await step('-1 day')
    if ((await take(0, 500)) === 0 && held.length === 0) break
    for (const lease of held.splice(0)) await finish(lease)
  }
  const twice = [...sent].filter(([, times]) => times !== 1).map(([id]) => id)
  check(broken, 'a mail was sent twice', twice)
  const left = await sql`select d.id, d.status, d.kind from public.organisation_deliveries d
    left join usher.invites i on i.id = d.invite_id
    where d.status in ('queued', 'sending')
      or d.status = 'failed' and d.attempts < 8`
  check(broken, 'a mail was left behind', [...left])
}
