import { type ChildProcess, spawn } from 'node:child_process'
import { describe, expect, onTestFinished } from 'vitest'
import { denoArguments } from '../../supabase/local/functions.ts'
import { type Organisation, test } from '../support/acme.ts'
import { startSmtpServer } from '../support/smtp.ts'
import { workerUrl } from './worker-role.ts'

interface Worker {
  process: ChildProcess
  /** What it has said. */
  log(): string
  /** Its exit status. */
  ended: Promise<number | null>
}

/** The real process, under Deno, as the stack and a self-hosted project run it. */
function startWorker(databaseUrl: string, smtpUrl: URL): Worker {
  let log = ''
  const child = spawn('deno', denoArguments('send-mail/worker.ts'), {
    env: {
      ...process.env,
      NO_COLOR: '1',
      USHER_DATABASE_URL: databaseUrl,
      USHER_WORKER_SECRET: 'a-secret-of-the-worker',
      SMTP_URL: smtpUrl.href,
      MAIL_FROM: 'no-reply@usher.test',
    },
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      log += data
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { process: child, log: () => log, ended }
}

const statusOf = async (acme: Organisation, inviteId: string) =>
  (
    await acme.sql`select status from public.organisation_deliveries where invite_id = ${inviteId}`
  ).map((row) => row.status)

describe('the worker process', () => {
  test('sends by itself, outlives the database, and finishes what is under way', async ({
    acme,
    database,
  }) => {
    let isHolding = false
    let release: (() => void) | null = null
    const smtp = await startSmtpServer({
      onMailFrom(_address, _session, done) {
        if (isHolding) release = done
        else done()
      },
    })
    onTestFinished(smtp.stop)
    const arrived = (email: string) =>
      expect
        .poll(() => smtp.received.some((mail) => mail.recipients.includes(email)), {
          timeout: 15_000,
        })
        .toBe(true)
    const url = await workerUrl(acme.sql, database.url)
    const role = new URL(url).username
    const worker = startWorker(url, smtp.url)

    const first = await acme.invite()
    await arrived(first.invite.email)

    // Gone, and nobody is let in for a while.
    await acme.sql.unsafe(`alter role ${role} nologin`)
    await acme.sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`
    await expect.poll(worker.log, { timeout: 10_000 }).toContain('Trouble 1: ')
    await acme.sql.unsafe(`alter role ${role} login`)
    const second = await acme.invite()
    await arrived(second.invite.email)

    isHolding = true
    const third = await acme.invite()
    await expect.poll(() => release, { timeout: 10_000 }).not.toBeNull()
    expect(await statusOf(acme, third.invite.id)).toEqual(['sending'])
    worker.process.kill('SIGTERM')
    const fourth = await acme.invite()
    ;(release as (() => void) | null)?.()

    expect(await worker.ended).toBe(0)
    expect(await statusOf(acme, third.invite.id)).toEqual(['sent'])
    expect(await statusOf(acme, fourth.invite.id)).toEqual(['queued'])
    expect(smtp.received).toHaveLength(3)
  }, 40_000)

  test('names all that its environment lacks, and ends', async () => {
    const child = spawn('deno', denoArguments('send-mail/worker.ts'), {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' },
    })
    let log = ''
    child.stderr.on('data', (data: Buffer) => {
      log += data
    })

    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1)
    for (const name of ['USHER_DATABASE_URL', 'USHER_WORKER_SECRET', 'SMTP_URL', 'MAIL_FROM']) {
      expect(log).toContain(`${name} is missing`)
    }
  })
})
