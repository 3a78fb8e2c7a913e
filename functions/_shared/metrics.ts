/**
 * How mail, webhooks and directories are doing, as Prometheus reads it, and whether the worker is well.
 *
 * @module
 */
import type postgres from 'postgres'
import { Counter, Gauge, Registry } from 'prom-client'

export interface MailMetrics {
  /** Counts what this worker has done since it was started. */
  count(outcome: 'sent' | 'failed' | 'skipped'): void
  /** Whether mails wait because the mail server or provider refuses us. Throws when the database does not answer. */
  isMailStopped?(): Promise<boolean>
  /** In the text format of Prometheus. Throws when the database does not answer. */
  read(): Promise<string>
  contentType: string
}

interface FigureRow {
  status: string
  count: string
  oldestSeconds: number | null
}

export function createMailMetrics(sql: postgres.Sql): MailMetrics {
  const registry = new Registry()
  const registers = [registry]
  const mails = new Counter({
    name: 'usher_mails_total',
    help: 'Mails that this worker has handled, by what became of them.',
    labelNames: ['outcome'],
    registers,
  })
  const deliveries = new Gauge({
    name: 'usher_deliveries',
    help: 'Mails in the database by status: queued, sending, sent, failed and so on.',
    labelNames: ['status', 'bulk'],
    registers,
  })
  const oldest = new Gauge({
    name: 'usher_deliveries_oldest_due_seconds',
    help: 'How long the mail that has waited longest since it was due has done so.',
    labelNames: ['bulk'],
    registers,
  })
  const stopped = new Gauge({
    name: 'usher_mail_stopped',
    help: '1 while mails wait because the mail server or provider refuses us, otherwise 0.',
    registers,
  })
  const webhookDeliveries = new Gauge({
    name: 'usher_webhook_deliveries',
    help: 'Events to webhooks in the database by status: queued, sending, delivered, failed.',
    labelNames: ['status'],
    registers,
  })
  const oldestOfWebhooks = new Gauge({
    name: 'usher_webhook_deliveries_oldest_due_seconds',
    help: 'How long the event to a webhook that has waited longest since it was due has done so.',
    registers,
  })
  const directoryCopies = new Gauge({
    name: 'usher_directory_copies',
    help: 'Members at other applications in the database by status: waiting, current, failed.',
    labelNames: ['status'],
    registers,
  })
  const oldestOfDirectories = new Gauge({
    name: 'usher_directory_copies_oldest_due_seconds',
    help: 'How long the member whom an application is to hear of, and who has waited longest since, has done so.',
    registers,
  })
  const outbox = new Gauge({
    name: 'usher_outbox',
    help: 'What has happened and nothing has followed yet.',
    registers,
  })
  const oldestOfOutbox = new Gauge({
    name: 'usher_outbox_oldest_seconds',
    help: 'How long ago the oldest of that happened.',
    registers,
  })
  const show = (rows: FigureRow[], statuses: Gauge<'status'>, longest: Gauge) => {
    statuses.reset()
    longest.set(0)
    for (const { status, count, oldestSeconds } of rows) {
      statuses.set({ status }, Number(count))
      if (oldestSeconds !== null) longest.set(oldestSeconds)
    }
  }
  const readWebhooks = async () => {
    const rows = await sql<FigureRow[]>`
      select m.status, m.count, m.oldest_seconds as "oldestSeconds" from usher.webhook_metrics() m`
    show(rows, webhookDeliveries, oldestOfWebhooks)
  }
  const readDirectories = async () => {
    const rows = await sql<FigureRow[]>`
      select m.status, m.count, m.oldest_seconds as "oldestSeconds" from usher.directory_metrics() m`
    show(rows, directoryCopies, oldestOfDirectories)
  }
  const isMailStopped = async () => {
    const [row] = await sql<{ isStopped: boolean }[]>`select usher.is_mail_stopped() as "isStopped"`
    return row?.isStopped ?? false
  }
  return {
    count: (outcome) => mails.inc({ outcome }),
    isMailStopped,
    async read() {
      const rows = await sql<
        { status: string; isBulk: boolean; count: string; oldestSeconds: number | null }[]
      >`select m.status, m.is_bulk as "isBulk", m.count, m.oldest_seconds as "oldestSeconds"
        from usher.delivery_metrics() m`
      deliveries.reset()
      oldest.reset()
      for (const bulk of ['true', 'false']) oldest.set({ bulk }, 0)
      for (const { status, isBulk, count, oldestSeconds } of rows) {
        deliveries.set({ status, bulk: String(isBulk) }, Number(count))
        if (oldestSeconds !== null) oldest.set({ bulk: String(isBulk) }, oldestSeconds)
      }
      stopped.set(Number(await isMailStopped()))
      const [fresh] = await sql<{ count: string; oldestSeconds: number | null }[]>`
        select m.count, m.oldest_seconds as "oldestSeconds" from usher.outbox_metrics() m`
      outbox.set(Number(fresh?.count ?? 0))
      oldestOfOutbox.set(fresh?.oldestSeconds ?? 0)
      await readWebhooks()
      await readDirectories()
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

/**
 * Answers GET for paths that end in /health (whether the database answers, and mail is taken) and /metrics; null for any other.
 *
 * @param mayRead - who may see the metrics; health says no more than well or not
 */
export async function answerOperations(
  request: Request,
  metrics: MailMetrics,
  mayRead: (request: Request) => Promise<boolean>,
): Promise<Response | null> {
  const [path] = new URL(request.url).pathname.match(/\/(health|metrics)$/) ?? []
  if (request.method !== 'GET' || !path) return null
  if (path === '/metrics' && !(await mayRead(request))) {
    return Response.json(
      { message: 'Send USHER_WORKER_SECRET as a bearer token.' },
      { status: 401 },
    )
  }
  try {
    const text = await metrics.read()
    if (path === '/health' && (await metrics.isMailStopped?.())) {
      const status = 'Mail is stopped: the mail server refuses it. See usher.mail_transport.'
      return Response.json({ status }, { status: 503 })
    }
    return path === '/health'
      ? Response.json({ status: 'ok' })
      : new Response(text, { headers: { 'content-type': metrics.contentType } })
  } catch {
    return Response.json({ status: 'The database does not answer.' }, { status: 503 })
  }
}
