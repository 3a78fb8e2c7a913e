/**
 * Whether somebody sends the mail, and whether it moves.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const worker = findingsOf('worker')
const queue = findingsOf('queue')

/** @param workerUrl - where a worker of one's own answers /health (its WORKER_ADDRESS) */
export async function checkQueue(sql: postgres.Sql, workerUrl?: string): Promise<Finding[]> {
  return [...(await checkWorker(sql, workerUrl)), ...(await checkStuck(sql))]
}

async function checkWorker(sql: postgres.Sql, workerUrl?: string): Promise<Finding[]> {
  const findings = workerUrl ? [await askWorker(workerUrl)] : []
  const [connected] = await sql<{ count: number }[]>`
    select count(*)::int from pg_stat_activity
    where usename = 'usher_worker' and datname = current_database()`
  if (connected?.count) findings.push(worker.well('A worker is connected.'))

  const [cron] = await sql<{ is_there: boolean }[]>`
    select to_regclass('cron.job') is not null as is_there`
  const jobs = cron?.is_there ? await checkCron(sql) : []
  // A worker of one's own needs no clock beside it.
  if (jobs.length > 0) findings.push(...jobs)
  if (findings.length > 0) return findings

  const [last] = await sql<{ at: Date | null }[]>`
    select greatest(
      (select max(d.sent_at) from public.organisation_deliveries d),
      (select max(s.sealed_at) from usher.audit_seals s)) as at`
  return [
    worker.error(
      `Nobody seems to send mail: no worker is connected, and no cron job posts to send-mail.${last?.at ? ` The last sign of one is of ${last.at.toISOString()}.` : ''}`,
      'Run the worker, or call the function send-mail every minute: docs/mail.md, "Send it".',
    ),
  ]
}

async function checkCron(sql: postgres.Sql): Promise<Finding[]> {
  const jobs = await sql<
    {
      name: string | null
      command: string
      active: boolean
      status: string | null
      said: string | null
    }[]
  >`
    select j.jobname as name, j.command, j.active, r.status, r.return_message as said
    from cron.job j
    left join lateral (
      select d.status, d.return_message from cron.job_run_details d
      where d.jobid = j.jobid and d.status in ('succeeded', 'failed')
      order by d.start_time desc limit 1
    ) r on true
    where j.command ~ '/(send-mail|verify-domains)'`
  const findings = await checkCronSecrets(sql, jobs)
  const states = jobs.map(({ name, active, status, said }) => {
    const job = `The cron job ${name ?? 'without a name'}`
    if (!active) {
      return worker.error(
        `${job} is off.`,
        `update cron.job set active = true where jobname = '${name}';`,
      )
    }
    return status === 'failed'
      ? worker.error(
          `${job} failed: ${said?.trim()}`,
          'Mend what it says; select * from cron.job_run_details order by start_time desc shows more.',
        )
      : worker.well(`${job} is on${status ? ', and went well the last time' : ''}.`)
  })
  return [...findings, ...states]
}

/** A job that reads its secret from Vault, where there is none, goes well and is refused by the function. */
async function checkCronSecrets(
  sql: postgres.Sql,
  jobs: { command: string }[],
): Promise<Finding[]> {
  const named = jobs.flatMap(
    ({ command }) =>
      command.match(/vault\.decrypted_secrets[\s\S]*?\bname\s*=\s*'([^']+)'/)?.[1] ?? [],
  )
  if (named.length === 0) return []
  const rows = await sql<{ name: string }[]>`
    select name from vault.decrypted_secrets where name = any (${named})`
  return [...new Set(named)]
    .filter((name) => !rows.some((row) => row.name === name))
    .map((name) =>
      worker.error(
        `A cron job reads the secret ${name} from Vault, and there is none of that name: the function refuses it.`,
        `select vault.create_secret('the USHER_WORKER_SECRET of the functions', '${name}');`,
      ),
    )
}

async function askWorker(workerUrl: string): Promise<Finding> {
  const url = `${workerUrl.replace(/\/$/, '')}/health`
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => null)
  return answer?.ok
    ? worker.well(`${url} says that all is well.`)
    : worker.error(
        answer
          ? `${url} answers ${answer.status}: ${(await answer.text()).slice(0, 200)}`
          : `${url} does not answer.`,
        'See that it runs, with WORKER_ADDRESS set, and what its log says.',
      )
}

async function checkStuck(sql: postgres.Sql): Promise<Finding[]> {
  const rows = await sql<{ what: string; how_many: string; since: Date; look_at: string }[]>`
    select * from usher.stuck order by what`
  if (rows.length === 0) return [queue.well('Nothing is stuck.')]
  // What waits for a worker that does not come holds everybody up; the rest is a mail or a chore.
  const isHeldUp = (what: string) => /waiting|abandoned|not sealed/.test(what)
  return rows
    .filter(({ what }) => what !== 'signing key is old')
    .map(({ what, how_many, since, look_at }) =>
      queue[isHeldUp(what) ? 'error' : 'warning'](
        `${how_many} ${what}, since ${since.toISOString()}.`,
        `${look_at}; docs/sql.md says what helps.`,
      ),
    )
}
