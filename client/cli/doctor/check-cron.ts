/**
 * The cron jobs that do what a worker does, or call the functions that do.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const { well, error } = findingsOf('worker')

const CALL = /\/(send-mail|send-webhooks|sync-directories|verify-domains)/
/** A job that posts nowhere: the functions above do it as well, only later. */
const FAN_OUT = /usher\.fan_out\(/

interface Job {
  name: string | null
  command: string
  active: boolean
  status: string | null
  said: string | null
}

/** @returns `called`: the functions that some job posts to, whether it is on or not; none without pg_cron */
export async function checkCron(
  sql: postgres.Sql,
): Promise<{ findings: Finding[]; called: string[] }> {
  const [cron] = await sql<{ is_there: boolean }[]>`
    select to_regclass('cron.job') is not null as is_there`
  if (!cron?.is_there) return { findings: [], called: [] }

  const jobs = await sql<Job[]>`
    select j.jobname as name, j.command, j.active, r.status, r.return_message as said
    from cron.job j
    left join lateral (
      select d.status, d.return_message from cron.job_run_details d
      where d.jobid = j.jobid and d.status in ('succeeded', 'failed')
      order by d.start_time desc limit 1
    ) r on true
    where j.command ~ ${CALL.source} or j.command ~ ${FAN_OUT.source}
    order by j.jobid`
  return {
    findings: [...(await checkSecrets(sql, jobs)), ...jobs.map(stateOf)],
    called: jobs.flatMap(({ command }) =>
      [...command.matchAll(new RegExp(CALL, 'g'))].flatMap(([, name]) => name ?? []),
    ),
  }
}

function stateOf({ name, active, status, said }: Job): Finding {
  const job = `The cron job ${name ?? 'without a name'}`
  if (!active) {
    return error(`${job} is off.`, `update cron.job set active = true where jobname = '${name}';`)
  }
  return status === 'failed'
    ? error(
        `${job} failed: ${said?.trim()}`,
        'Mend what it says; select * from cron.job_run_details order by start_time desc shows more.',
      )
    : well(`${job} is on${status ? ', and went well the last time' : ''}.`)
}

/** A job that reads its secret from Vault, where there is none, goes well and is refused by the function. */
async function checkSecrets(sql: postgres.Sql, jobs: Job[]): Promise<Finding[]> {
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
      error(
        `A cron job reads the secret ${name} from Vault, and there is none of that name: the function refuses it.`,
        `select vault.create_secret('the USHER_WORKER_SECRET of the functions', '${name}');`,
      ),
    )
}
