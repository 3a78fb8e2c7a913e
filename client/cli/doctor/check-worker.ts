/**
 * Whether somebody does the work of the worker: one that runs all the time, or cron jobs that call its functions.
 *
 * @module
 */
import type postgres from 'postgres'
import { checkCron } from './check-cron.ts'
import { type Finding, findingsOf } from './finding.ts'

const { well, warning, error } = findingsOf('worker')

const REPAIR = 'Run the worker, or let a cron job call it: docs/install.md, "Cron jobs".'

/** What stays undone when nobody calls a function of the worker. */
const UNDONE = {
  'send-webhooks': 'webhooks hear nothing',
  'sync-directories': 'other applications are not told of members',
  'verify-domains': 'domains are never verified',
}

/** @param workerUrl - where a worker of one's own answers /health (its WORKER_ADDRESS) */
export async function checkWorker(sql: postgres.Sql, workerUrl?: string): Promise<Finding[]> {
  const asked = workerUrl ? [await askWorker(workerUrl)] : []
  // Functions connect as the same role; only the worker has this name (functions/_shared/database.ts).
  const [connected] = await sql<{ exists: boolean }[]>`
    select exists (
      select from pg_stat_activity
      where usename = 'usher_worker' and datname = current_database()
        and application_name like 'usher-worker-%')`
  if (connected?.exists) asked.push(well('A worker is connected.'))

  const { findings, called } = await checkCron(sql)
  // A worker does all of it, and needs no clock beside it.
  const isRunning = asked.some(({ level }) => level === 'well')
  const missing = isRunning ? [] : await missingCalls(sql, called, asked.length > 0)
  return [...asked, ...findings, ...missing]
}

/** @param isSaid - whether it is an error already that the worker does not answer */
async function missingCalls(sql: postgres.Sql, called: string[], isSaid: boolean) {
  const undone = Object.entries(UNDONE)
    .filter(([name]) => !called.includes(name))
    .map(([name, what]) =>
      warning(`No worker is connected, and no cron job posts to ${name}: ${what}.`, REPAIR),
    )
  return isSaid || called.includes('send-mail') ? undone : [await nobodySends(sql), ...undone]
}

async function nobodySends(sql: postgres.Sql): Promise<Finding> {
  const [last] = await sql<{ at: Date | null }[]>`
    select greatest(
      (select max(d.sent_at) from public.organisation_deliveries d),
      (select max(s.sealed_at) from usher.audit_seals s)) as at`
  return error(
    `Nobody seems to send mail: no worker is connected, and no cron job posts to send-mail.${last?.at ? ` The last sign of one is of ${last.at.toISOString()}.` : ''}`,
    `${REPAIR} A worker behind a pooler that renames connections is seen with --worker-url.`,
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
