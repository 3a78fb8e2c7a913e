/**
 * Mail under fire: workers are killed, the mail server has a bad day, Postgres is restarted; and in the end
 * each invite's mail has arrived, or is shown as failed for a reason, and none is missing.
 *
 *   npm run test:faults -- mail                   2,000 invites, 50 kills, 2 restarts
 *   npm run test:faults -- mail --seed=1234       the same again
 *
 * Waiting is cut short: what is due in a minute is made due now, and so is the lease of a worker that was
 * killed. Nothing else is touched.
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { startPostgres } from '../../supabase/local/database.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { isUnknown, startHostileSmtp } from './hostile-smtp.ts'
import { createRandom } from './random.ts'
import { check, type FaultReport } from './report.ts'
import { ended, spawnWorker } from './worker.ts'

export interface MailFaultOptions {
  seed: number
  invites: number
  kills: number
  restarts: number
  workers?: number
  say?: (line: string) => void
}

export interface MailFaultReport {
  invites: number
  arrived: number
  /** Refused for good, as they had to be. */
  refused: number
  /** Lost on the way twice, and shown as failed: at most one more try is the contract. */
  givenUp: number
  /** None of these: has to be none. */
  missing: string[]
  /** Mails beyond the first of one delivery. */
  duplicates: number
  /** How many may be: those under way at the kills, and those that the server took without saying so. */
  duplicatesAllowed: number
  /** Deliveries that came under more than one Message-ID: has to be none. */
  severalIds: string[]
  /** What the mail server did, how often. */
  faults: Record<string, number>
}

const OWNER = '00000000-0000-4000-8000-0000000000aa'

export async function runMailFaults(options: MailFaultOptions): Promise<MailFaultReport> {
  const { seed, invites, kills, restarts, workers: workerCount = 3, say = () => {} } = options
  const random = createRandom(seed)
  const folder = await mkdtemp(join(tmpdir(), 'usher-faults-'))
  const port = await freePort()
  let server = await startPostgres({ folder, port })
  const smtp = await startHostileSmtp(random)
  let sql = postgres(server.url, { max: 2, onnotice: () => {} })
  const workers = new Set<ChildProcess>()
  let duplicatesAllowed = 0

  const startWorker = () => {
    const databaseUrl = server.url.replace(/\/\/[^@]+@/, '//usher_worker:worker@')
    workers.add(spawnWorker(databaseUrl, smtp.url))
  }

  /** Kills one at random, and lets its leases run out. */
  const killOne = async () => {
    const child = [...workers][Math.floor(random() * workers.size)]
    if (!child) return
    workers.delete(child)
    child.kill('SIGKILL')
    await ended(child)
    const underWay = await sql`update public.organisation_deliveries set due_at = clock_timestamp()
      where status = 'sending' and leased_by = ${`worker-${child.pid}`} returning id`
    duplicatesAllowed += underWay.length
    startWorker()
  }

  const restart = async () => {
    await sql.end({ timeout: 1 }).catch(() => {})
    await server.stop()
    server = await startPostgres({ folder, port })
    sql = postgres(server.url, { max: 2, onnotice: () => {} })
  }

  try {
    await preparePlatform(server.url)
    await applyMigrations(server.url)
    await sql.unsafe(`
      alter role usher_worker login password 'worker';
      insert into auth.users (id, email, email_confirmed_at) values ('${OWNER}', 'owner@example.com', now());`)
    const organisationId = await asOwner(sql, async (tx) => {
      const [row] = await tx`select (public.create_organisation('Faults')).id`
      return row?.id as string
    })
    for (let i = 0; i < workerCount; i++) startWorker()

    // Mails keep coming while all of it goes on, so that each kill finds some under way.
    const steps = Math.max(kills, 1)
    for (let step = 0; step < steps; step++) {
      const [from, to] = [step, step + 1].map((n) => Math.floor((n * invites) / steps))
      await invite(sql, organisationId, from ?? 0, to ?? 0)
      await wait(400 + random() * 800)
      if (step < kills) await killOne()
      if (restarts > 0 && step % Math.ceil(steps / (restarts + 1)) === 1 && step > 1) {
        await restart()
        say(`Postgres was restarted after ${step} kills.`)
      }
      await makeDue(sql)
    }
    say('All kills are done; waiting until nothing is left to send.')
    const deadline = Date.now() + 180_000
    for (;;) {
      await makeDue(sql)
      const [row] = await sql`select (
          select count(*)::int from public.organisation_deliveries where status in ('queued', 'sending')
        ) + (select count(*)::int from usher.outbox) as left`
      if (row?.left === 0) break
      if (Date.now() > deadline) throw new Error(`${row?.left} mails are still to be sent.`)
      await wait(500)
    }
    const rows = await sql<Row[]>`select recipient, status, in_doubt_at is not null as "inDoubt"
      from public.organisation_deliveries where kind = 'invite'`
    return judge(rows)
  } finally {
    for (const child of workers) child.kill('SIGTERM')
    await Promise.all([...workers].map(ended))
    await sql.end({ timeout: 1 }).catch(() => {})
    await smtp.stop()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }

  function judge(rows: Row[]): MailFaultReport {
    const arrived = new Map<string, string[]>()
    for (const { to, messageId } of smtp.arrivals) {
      arrived.set(to, [...(arrived.get(to) ?? []), messageId])
    }
    const refused = rows.filter(({ recipient }) => isUnknown(recipient))
    const absent = rows.filter((row) => !refused.includes(row) && !arrived.has(row.recipient))
    // The connection was lost twice after the whole mail had gone out: no third try, and an admin sees it.
    const givenUp = absent.filter(({ status, inDoubt }) => status === 'failed' && inDoubt)
    const severalIds = [...arrived].filter(([, ids]) => new Set(ids).size > 1)
    return {
      invites: rows.length,
      arrived: arrived.size,
      refused: refused.length,
      givenUp: givenUp.length,
      missing: absent.filter((row) => !givenUp.includes(row)).map(({ recipient }) => recipient),
      duplicates: smtp.arrivals.length - arrived.size,
      duplicatesAllowed: duplicatesAllowed + (smtp.counts['drops after the final dot'] ?? 0),
      severalIds: severalIds.map(([address]) => address),
      faults: smtp.counts,
    }
  }
}

/** The same, as the other runs say it. */
export async function reportMailFaults(options: MailFaultOptions): Promise<FaultReport> {
  const { missing, severalIds, duplicates, duplicatesAllowed, faults, ...figures } =
    await runMailFaults(options)
  const broken: string[] = []
  check(broken, 'a mail is missing', missing)
  check(broken, 'a mail came under several ids', severalIds)
  if (duplicates > duplicatesAllowed) {
    broken.push(`${duplicates} mails came twice, of ${duplicatesAllowed} that may`)
  }
  return { broken, figures: { ...figures, duplicates, duplicatesAllowed, ...faults } }
}

interface Row {
  recipient: string
  status: string
  inDoubt: boolean
}

/** What would be due in minutes or hours is due now. */
const makeDue = (sql: postgres.Sql) =>
  sql`update public.organisation_deliveries set due_at = clock_timestamp()
    where status = 'queued' and due_at > clock_timestamp()`

async function asOwner<T>(
  sql: postgres.Sql,
  work: (tx: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  return (await sql.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${JSON.stringify({ sub: OWNER, role: 'authenticated' })}, true)`
    await tx`set local role authenticated`
    return work(tx)
  })) as T
}

/** One in fifty goes to an address that there is not. */
async function invite(sql: postgres.Sql, organisationId: string, from: number, to: number) {
  const invites = Array.from({ length: to - from }, (_, i) => ({
    email: `${(from + i) % 50 === 49 ? 'unknown' : 'person'}-${from + i}@example.com`,
    roles: ['member'],
  }))
  await asOwner(
    sql,
    (tx) => tx`select public.create_organisation_invites(${organisationId}, ${tx.json(invites)})`,
  )
}
