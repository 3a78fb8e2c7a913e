/**
 * Disks are full on the side of the mail: the mail server says so, at every step at which it can, and the worker
 * cannot write its own log either. Every mail is kept, and goes out once there is room.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type postgres from 'postgres'
import { refusal, startSmtpServer } from '../support/smtp.ts'
import { createRandom } from './random.ts'
import { check, type FaultOptions, type FaultReport } from './report.ts'
import { startScene } from './scene.ts'
import { ended, isRunning, spawnWorker } from './worker.ts'

/** Writing to it fails as on a full disk. Linux has it. */
const FULL = '/dev/full'
const FOR_NOW = '452 4.3.1 Insufficient system storage'
const FOR_GOOD = '552 5.2.2 Mailbox full'

interface Delivery {
  id: string
  recipient: string
  status: string
  response: string | null
}

export async function runDiskFaults(
  options: FaultOptions & { invites: number },
): Promise<FaultReport> {
  const { seed, invites, say = () => {} } = options
  if (!existsSync(FULL)) return { broken: [], skipped: `There is no ${FULL} here.`, figures: {} }
  const random = createRandom(seed)
  const scene = await startScene()
  const disk = { isFull: true }
  const smtp = await startFillingSmtp(random, disk)
  const log = await open(FULL, 'w')
  const stdio = ['ignore', log.fd, log.fd] as const
  const workers = [1, 2].map(() => spawnWorker(scene.workerUrl, smtp.url.href, [...stdio]))
  const broken: string[] = []

  try {
    await scene.invite(invites)
    const refused = await until(scene.sql, (rows) =>
      rows.every(({ status, response }) => status !== 'sending' && response !== null),
    )
    const kept = refused.filter(({ status }) => status === 'queued')
    const failed = refused.filter(({ status }) => status === 'failed')
    check(broken, 'a mail is gone', Array(invites - refused.length).fill('missing'))
    check(
      broken,
      'a mail does not say what keeps it',
      refused.filter(({ status, response }) =>
        status === 'queued' ? response !== FOR_NOW : status !== 'failed' || response !== FOR_GOOD,
      ),
    )
    check(broken, 'a mail arrived at a full disk', smtp.arrived)
    say(`${kept.length} mails wait and ${failed.length} have failed; now there is room.`)

    disk.isFull = false
    for (const { id } of failed) {
      await scene.owner.rpc('retry_organisation_delivery', { delivery_id: id })
    }
    await scene.sql`update public.organisation_deliveries set due_at = clock_timestamp()
      where status = 'queued'`
    const sent = await until(scene.sql, (rows) => rows.every(({ status }) => status === 'sent'))
    const { arrived } = smtp
    check(
      broken,
      'a mail has not arrived',
      sent.filter(({ recipient }) => !arrived.includes(recipient)),
    )
    check(broken, 'a mail came twice', Array(arrived.length - new Set(arrived).size).fill('twice'))
    check(
      broken,
      'a worker ended because of its log',
      workers.filter((worker) => !isRunning(worker)).map(({ pid }) => pid),
    )
    return {
      broken,
      figures: { invites, kept: kept.length, failed: failed.length, arrived: arrived.length },
    }
  } finally {
    for (const worker of workers) worker.kill('SIGTERM')
    await Promise.all(workers.map(ended))
    await log.close()
    await smtp.stop()
    await scene.stop()
  }
}

/** Takes nothing while the disk is full: refuses the sender, the recipient or the whole message. */
async function startFillingSmtp(random: () => number, disk: { isFull: boolean }) {
  const arrived: string[] = []
  const refuse = (share: number, only?: string): Error | null => {
    if (!disk.isFull || random() > share) return null
    const text = only ?? (random() < 0.8 ? FOR_NOW : FOR_GOOD)
    return refusal(Number(text.slice(0, 3)), text.slice(4))
  }
  const { url, stop } = await startSmtpServer({
    // Before anybody is named, what a server says for good is of who sends: that mail would wait, with those words.
    onMailFrom: (_address, _session, done) => done(refuse(0.3, FOR_NOW)),
    onRcptTo: (_address, _session, done) => done(refuse(0.5)),
    onData(stream, { envelope }, done) {
      stream.resume().on('end', () => {
        const problem = refuse(1)
        if (!problem) arrived.push(...envelope.rcptTo.map(({ address }) => address))
        done(problem)
      })
    },
  })
  return { url, stop, arrived }
}

/** What became of the invites' mails, as soon as it is so. */
async function until(sql: postgres.Sql, isSo: (rows: Delivery[]) => boolean): Promise<Delivery[]> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const [outbox] = await sql`select count(*)::int as left from usher.outbox`
    const rows = await sql<Delivery[]>`
      select id, recipient, status, last_response as response
      from public.organisation_deliveries where kind = 'invite'`
    if (outbox?.left === 0 && isSo(rows)) return rows
    if (Date.now() > deadline) {
      throw new Error(`It did not come to that: ${JSON.stringify(rows.slice(0, 3))}`)
    }
    await wait(100)
  }
}
