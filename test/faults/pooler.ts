/**
 * A transaction-mode pooler between everything and the database: the main job, the worker and the functions work
 * through it, and nothing of one caller reaches the next one on the same connection. The worker looks for what has
 * happened, so that a mail is as soon on its way as without one.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { startFunctions } from '../../supabase/local/functions.ts'
import { startMailbox } from '../../supabase/local/mailbox.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { startQuietApi } from './api.ts'
import { findPgbouncer, startPgbouncer } from './pgbouncer.ts'
import { check, type FaultOptions, type FaultReport } from './report.ts'
import { countAccepts, halfAccepts, onTop, startScene, WORKER_PASSWORD } from './scene.ts'
import { ended, spawnWorker } from './worker.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Connections to the database, for eight times as many callers. */
const POOL_SIZE = 4
const WORKER_SECRET = 'a-secret-of-the-worker'

/** @param options.people - how many accept at once */
export async function runPoolerFaults(
  options: FaultOptions & { people: number },
): Promise<FaultReport> {
  const { people, say = () => {} } = options
  const version = await findPgbouncer()
  if (!version) {
    const skipped = 'pgbouncer is not installed; on Debian: apt-get install pgbouncer'
    return { broken: [], skipped, figures: {} }
  }
  say(version)
  const scene = await startScene()
  const parts: { stop(): Promise<unknown> }[] = [scene]
  const keep = <Part extends { stop(): Promise<unknown> }>(part: Part): Part => {
    parts.push(part)
    return part
  }
  const broken: string[] = []
  const figures: Record<string, number> = {}

  try {
    const users = { postgres: 'postgres', usher_worker: WORKER_PASSWORD }
    const { folder } = scene
    const pooler = keep(
      await startPgbouncer({ folder, url: scene.url, users, poolSize: POOL_SIZE }),
    )
    const workerUrl = pooler.url.replace(/\/\/[^@]+@/, `//usher_worker:${WORKER_PASSWORD}@`)
    // What the local API prepares would stay behind on a connection that is another's the next time.
    const api = keep(await startQuietApi(`${pooler.url}?prepare=false`))
    for (const name of ['logs', 'pids']) await mkdir(join(folder, name), { recursive: true })
    const mailbox = keep(
      await startMailbox({
        webPort: await freePort(),
        smtpPort: await freePort(),
        dataFolder: folder,
      }),
    )
    await untilItAnswers(`${mailbox.url}/healthz`)

    await doTheMainJob(workerUrl, mailbox, api)
    say('The main job is done.')
    await callFunctions(workerUrl, mailbox.smtpUrl, api)
    await acceptAtOnce(pooler.url)
    return { broken, figures }
  } finally {
    for (const part of parts.reverse()) await part.stop()
  }

  /** As an outside program does it: npm run demo. */
  async function doTheMainJob(
    workerUrl: string,
    mailbox: { url: string; smtpUrl: string },
    api: { url: string; publishableKey: string },
  ) {
    const worker = spawnWorker(workerUrl, mailbox.smtpUrl)
    const stack = {
      apiUrl: api.url,
      publishableKey: api.publishableKey,
      mailboxUrl: mailbox.url,
    }
    await writeFile(join(scene.folder, 'stack.json'), JSON.stringify(stack))
    try {
      const env = { ...process.env, USHER_DATA: scene.folder }
      const { stdout } = await promisify(execFile)(process.execPath, ['scripts/demo.ts'], {
        cwd: ROOT,
        env,
      })
      if (!stdout.trim().endsWith('All of it worked.')) check(broken, 'the main job', [stdout])
      const [row] = await scene.sql`select count(*)::int as sent
        from public.organisation_deliveries where status = 'sent'`
      figures['mails sent by the worker'] = row?.sent
      figures['milliseconds until the slowest of five mails was sent'] = await slowestMail()
    } catch (error) {
      check(broken, 'the main job', [String((error as { stderr?: string }).stderr ?? error)])
    } finally {
      worker.kill('SIGTERM')
      await ended(worker)
    }
  }

  /** From the call that causes a mail until it is sent, while the worker runs and has nothing else to do. */
  async function slowestMail(): Promise<number> {
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const { id } = await scene.owner.rpc('create_organisation_invite', {
        organisation_id: scene.organisationId,
        email: `soon-${i}@example.com`,
        roles: ['member'],
      })
      const deadline = Date.now() + 10_000
      for (;;) {
        const [row] = await scene.sql<{ milliseconds: number }[]>`
          select 1000 * extract(epoch from d.sent_at - i.created_at)::float8 as milliseconds
          from usher.invites i join public.organisation_deliveries d on d.invite_id = i.id
          where i.id = ${id} and d.status = 'sent'`
        if (row) {
          times.push(Math.round(row.milliseconds))
          break
        }
        if (Date.now() > deadline) throw new Error('A mail was not sent within 10 seconds.')
        await wait(50)
      }
    }
    return Math.max(...times)
  }

  async function callFunctions(
    workerUrl: string,
    smtpUrl: string,
    api: Awaited<ReturnType<typeof startQuietApi>>,
  ) {
    const functions = await startFunctions({
      port: await freePort(),
      dataFolder: scene.folder,
      env: {
        SUPABASE_URL: api.url,
        SUPABASE_ANON_KEY: api.publishableKey,
        USHER_DATABASE_URL: workerUrl,
        USHER_WORKER_SECRET: WORKER_SECRET,
        SMTP_URL: smtpUrl,
        MAIL_FROM: 'Usher <no-reply@usher.test>',
      },
    })
    try {
      const headers = {
        authorization: `Bearer ${await api.tokenOf(scene.owner.userId)}`,
        'content-type': 'application/json',
        'idempotency-key': crypto.randomUUID(),
      }
      const body = JSON.stringify({
        organisation_id: scene.organisationId,
        email: 'through-the-pooler@example.com',
        roles: ['member'],
      })
      const made: string[] = []
      for (const _ of ['first', 'again']) {
        const answer = await fetch(`${functions.url}/api/invitations`, {
          method: 'POST',
          headers,
          body,
        })
        made.push(`${answer.status} ${(await answer.json()).id}`)
      }
      if (new Set(made).size !== 1 || !made[0]?.startsWith('201 ')) {
        check(broken, 'the same create with the same key', made)
      }
      const drained = await fetch(`${functions.url}/send-mail`, {
        method: 'POST',
        headers: { authorization: `Bearer ${WORKER_SECRET}` },
      })
      const counts = await drained.json()
      figures['mails sent by the function'] = counts.sent
      if (drained.status !== 200 || !(counts.sent >= 1)) {
        const log = await readFile(join(scene.folder, 'logs', 'send-mail.log'), 'utf8').catch(
          () => '',
        )
        check(broken, 'send-mail', [drained.status, counts, log.slice(-300)])
      }
    } finally {
      await functions.stop()
    }
  }

  /** Many callers on few connections: each is who they are, and leaves nothing behind. */
  async function acceptAtOnce(url: string) {
    const invitees = await scene.invite(people)
    const sql = postgres(url, { max: POOL_SIZE * 8, prepare: false, onnotice: () => {} })
    try {
      await Promise.all(
        invitees.map(async (invitee) => {
          const caller = onTop(sql, invitee)
          const member = await caller.rpc('accept_organisation_invite', { token: invitee.token })
          const mine = await caller.rpc('list_my_organisations')
          const [left] = await sql`select current_user::text as who,
            coalesce(current_setting('request.jwt.claims', true), '') as claims`
          if (member.user_id !== invitee.userId) check(broken, 'somebody became another', [member])
          if (mine.length !== 1) check(broken, "somebody saw another's organisations", [mine])
          if (left?.who !== 'postgres' || left?.claims !== '') {
            check(broken, 'somebody left something behind', [left])
          }
        }),
      )
      const [row] = await scene.sql`select count(*)::int as n from pg_stat_activity
        where backend_type = 'client backend' and usename = 'postgres' and pid <> pg_backend_pid()`
      figures.connections = row?.n
    } finally {
      await sql.end({ timeout: 1 })
    }
    check(broken, 'half an accept', await halfAccepts(scene.sql))
    const { invites } = await countAccepts(scene.sql, scene.organisationId)
    if (invites !== people) broken.push(`${invites} of ${people} are in`)
    figures.accepted = invites
  }
}

async function untilItAnswers(url: string): Promise<void> {
  const deadline = Date.now() + 20_000
  while (
    !(await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (Date.now() > deadline) throw new Error(`${url} did not answer within 20 seconds.`)
    await wait(50)
  }
}
