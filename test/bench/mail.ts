/**
 * How fast mails go out: the worker, with everything that it does, beside bare nodemailer with a message that
 * is ready; in turn, in one run, to the same sink. Mails a second, and their ratio.
 *
 *   npm run bench:mail             2,000 mails, three rounds
 *   npm run bench:mail -- 5000     more
 *
 * Both run in Deno and send over eight connections. The sink takes what it gets and reads no further than SMTP demands.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import postgres from 'postgres'
import { startPostgres } from '../../supabase/local/database.ts'
import { denoArguments } from '../../supabase/local/functions.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { ended } from '../faults/worker.ts'

const total = Number(process.argv[2] ?? 2_000)
const ROUNDS = 3
const run = promisify(execFile)
const OWNER = '00000000-0000-4000-8000-0000000000aa'

const folder = await mkdtemp(join(tmpdir(), 'usher-bench-'))
const server = await startPostgres({ folder, port: await freePort() })
const sql = postgres(server.url, { max: 1, onnotice: () => {} })
const sink = await startSink()
const message = join(folder, 'message.json')
try {
  await preparePlatform(server.url)
  await applyMigrations(server.url)
  await sql.unsafe(`
    alter role usher_worker login password 'worker';
    insert into auth.users (id, email, email_confirmed_at) values ('${OWNER}', 'bench@example.com', now());
    select usher.update_settings('{"invites_per_day": 1000000,
      "mails_per_hour_of_sender": null, "new_mails_per_hour_of_sender": null}');`)
  await writeMessage()
  const results: { bare: number; worker: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const bare = await rate(sendBare)
    const worker = await rate(() => sendByWorker(round))
    results.push({ bare, worker })
    console.log(
      `round ${round + 1}: bare ${bare.toFixed(0)}/s, worker ${worker.toFixed(0)}/s, ${percent(worker / bare)}`,
    )
  }
  const ratios = results.map(({ bare, worker }) => worker / bare).sort()
  console.log(`median: ${percent(ratios[Math.floor(ROUNDS / 2)] ?? 0)} of bare nodemailer`)
} finally {
  sink.stop()
  await sql.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

/** From the first mail that arrives to the last: how long it took to start does not count. */
async function rate(send: () => Promise<ChildProcess>): Promise<number> {
  const arrived = sink.expect(total)
  const sender = await send()
  const milliseconds = await arrived
  // It writes down what it has sent; without the database it would try that for minutes.
  sender.kill()
  await ended(sender)
  return (total - 1) / (milliseconds / 1000)
}

/** An invitation as it goes out, drawn once. */
async function writeMessage(): Promise<void> {
  const file = '../test/bench/draw-message.ts'
  const { stdout } = await run('deno', denoArguments(file))
  await writeFile(message, stdout)
}

async function sendBare() {
  const file = '../test/bench/bare-nodemailer.ts'
  return spawn('deno', [...denoArguments(file), sink.url, String(total), message], {
    stdio: 'inherit',
  })
}

async function sendByWorker(round: number) {
  await sql.begin(async (tx) => {
    const claims = JSON.stringify({ sub: OWNER, role: 'authenticated' })
    await tx`select set_config('request.jwt.claims', ${claims}, true)`
    const [row] = await tx`select (public.create_organisation(${`Bench ${round}`})).id`
    const invites = Array.from({ length: total }, (_, i) => ({
      email: `p${i}@example.com`,
      roles: ['member'],
    }))
    await tx`select public.create_organisation_invites(${row?.id}, ${tx.json(invites)})`
  })
  await sql`analyze`
  return spawn('deno', denoArguments('send-mail/worker.ts'), {
    stdio: 'ignore',
    env: {
      ...process.env,
      USHER_DATABASE_URL: server.url.replace(/\/\/[^@]+@/, '//usher_worker:worker@'),
      USHER_WORKER_SECRET: 'a-secret-of-the-worker',
      SMTP_URL: sink.url,
      MAIL_FROM: 'Usher <no-reply@usher.test>',
    },
  })
}

/** In a thread of its own, so that counting does not slow whoever sends. */
async function startSink() {
  const worker = new Worker(new URL('./smtp-sink.ts', import.meta.url))
  const next = <T>(): Promise<T> => new Promise((resolve) => worker.once('message', resolve))
  const port = await next<number>()
  return {
    url: `smtp://127.0.0.1:${port}`,
    /** Milliseconds between the first of so many mails and the last. */
    expect(count: number): Promise<number> {
      worker.postMessage(count)
      return next<number>()
    },
    stop: () => void worker.terminate(),
  }
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`
}
