/**
 * How long it takes until all has followed that one call has caused: a bulk of invites, in an organisation with many
 * webhooks. A worker does it, after the call; nobody waits for it.
 *
 * @module
 */
import type postgres from 'postgres'
import { BATCH as LINES } from '../../functions/_shared/outbox.ts'
import { addWebhooks, BATCH, bulkOf, WEBHOOKS } from './cases.ts'
import type { Bench } from './compare.ts'
import { ORGANISATION_HEARD } from './scene.ts'

/** Answers in words, for the page. */
export async function measureFollowing({ sql, clients }: Bench): Promise<string> {
  await addWebhooks(sql)
  await clients.run(1, {
    role: 'authenticated',
    statement: 'select count(*) from public.create_organisation_invites($1, $2)',
    calls: [bulkOf(ORGANISATION_HEARD)],
    timeout: '8s',
  })
  const looks: number[] = []
  const startedAt = performance.now()
  for (let followed = 1; followed > 0; ) {
    const lookedAt = performance.now()
    followed = await look(sql)
    looks.push(performance.now() - lookedAt)
  }
  const seconds = (performance.now() - startedAt) / 1_000
  const [rows] = await sql<{ mails: number; calls: number }[]>`select
    (select count(*)::int from public.organisation_deliveries
      where organisation_id = ${ORGANISATION_HEARD} and status = 'queued') as mails,
    (select count(*)::int from public.organisation_webhook_deliveries
      where organisation_id = ${ORGANISATION_HEARD}) as calls`
  return (
    `What follows ${words(BATCH)} invites in an organisation with ${WEBHOOKS} webhooks, ${words(rows?.mails)} mails and ` +
    `${words(rows?.calls)} webhook calls, one worker has queued in ${seconds.toFixed(1)} s, ${LINES} invites in at most ` +
    `${(Math.max(...looks) / 1_000).toFixed(1)} s.`
  )
}

async function look(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ followed: number }[]>`select followed from usher.fan_out(${LINES})`
  return row?.followed ?? 0
}

const words = (count = 0) => count.toLocaleString('en')
