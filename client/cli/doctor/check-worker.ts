/**
 * Whether somebody does the work of the worker: one that runs all the time, or cron jobs that call its functions.
 *
 * @module
 */
import type postgres from 'postgres'
import { checkCron } from './check-cron.ts'
import { type Finding, findingsOf } from './finding.ts'

const { well, unseen, warning, error } = findingsOf('worker')

const REPAIR = 'Run the worker, or let a cron job call it: docs/install.md, "Cron jobs".'

/** What stays undone when nobody calls a function of the worker. */
const UNDONE = {
  'send-webhooks': 'webhooks hear nothing',
  'sync-directories': 'other applications are not told of members',
  'verify-domains': 'domains are never verified',
}

/** @param workerUrl - where a worker of one's own answers /health (its WORKER_ADDRESS) */
export async function checkWorker(sql: postgres.Sql, workerUrl?: string): Promise<Finding[]> {
  const { hasWorker, hiddenBy } = await readConnections(sql)
  const seen = [
    ...(workerUrl ? [await askWorker(workerUrl)] : []),
    ...(hasWorker ? [well('A worker is connected.')] : []),
  ]
  const { findings, called } = await checkCron(sql)
  // A worker does all of it, and needs no clock beside it.
  if (seen.some(({ level }) => level === 'well')) return [...seen, ...findings]

  // With a worker behind the pooler, there would be no clock for mail.
  const isMailed = called.includes('send-mail')
  if (seen.length === 0 && !isMailed && hiddenBy) return [unseenBehind(hiddenBy), ...findings]
  const undone = Object.entries(UNDONE)
    .filter(([name]) => !called.includes(name))
    .map(([name, what]) =>
      warning(`No worker is connected, and no cron job posts to ${name}: ${what}.`, REPAIR),
    )
  const mail = isMailed || seen.length > 0 ? [] : [await nobodySends(sql)]
  return [...seen, ...findings, ...mail, ...undone]
}

/** Functions connect as the same role; each connection says what it is of (functions/_shared/database.ts). */
async function readConnections(sql: postgres.Sql) {
  const rows = await sql<{ name: string }[]>`
    select distinct application_name as name from pg_stat_activity
    where usename = 'usher_worker' and datname = current_database()`
  const hidden = rows.find(({ name }) => !name.startsWith('usher-'))
  return {
    hasWorker: rows.some(({ name }) => name.startsWith('usher-worker-')),
    hiddenBy: hidden ? hidden.name || 'a pooler' : null,
  }
}

/** Supavisor calls all of its connections Supavisor. */
const unseenBehind = (pooler: string) =>
  unseen(
    `Somebody is connected as usher_worker through ${pooler}, which hides whether it is a worker or a function.`,
    'Give --worker-url, where the worker answers (its WORKER_ADDRESS).',
  )

async function nobodySends(sql: postgres.Sql): Promise<Finding> {
  const [last] = await sql<{ at: Date | null }[]>`
    select greatest(
      (select max(d.sent_at) from public.organisation_deliveries d),
      (select max(s.sealed_at) from usher.audit_seals s)) as at`
  return error(
    `Nobody seems to send mail: no worker is connected, and no cron job posts to send-mail.${last?.at ? ` The last sign of one is of ${last.at.toISOString()}.` : ''}`,
    REPAIR,
  )
}

async function askWorker(workerUrl: string): Promise<Finding> {
  const url = `${workerUrl.replace(/\/$/, '')}/health`
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => null)
  return answer?.ok
    ? well(`${url} says that all is well.`)
    : error(
        answer
          ? `${url} answers ${answer.status}: ${(await answer.text()).slice(0, 200)}`
          : `${url} does not answer.`,
        'See that it runs, with WORKER_ADDRESS set, and what its log says.',
      )
}
