import { describe, expect, onTestFinished, vi } from 'vitest'
import {
  connect,
  deliveriesOf,
  domainsOf,
  type Housekeeping,
  housekeepingOf,
  keepHouse,
  STEPS,
} from '../../functions/_shared/database.ts'
import { webhookDeliveriesOf } from '../../functions/_shared/webhook-deliveries.ts'
import { drain as drainMails } from '../../functions/send-mail/drain.ts'
import { drain as drainWebhooks } from '../../functions/send-webhooks/drain.ts'
import { checkDomains } from '../../functions/verify-domains/check.ts'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { createWebhook, happen, webhookLog } from '../support/webhooks.ts'
import { workerUrl } from './worker-role.ts'

/** What is said of trouble in the meantime, a line an entry. */
function listen(): string[] {
  const lines: string[] = []
  const spies = (['error', 'log'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((line) => void lines.push(String(line))),
  )
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
  })
  return lines
}

describe('keepHouse', () => {
  test.for(STEPS)('does every other step when %s fails, and says so', async (bad) => {
    const lines = listen()
    const called: string[] = []
    const housekeeping = Object.fromEntries(
      STEPS.map((step) => [
        step,
        async () => {
          called.push(step)
          if (step === bad) throw new Error('poisoned')
          return 1
        },
      ]),
    ) as unknown as Housekeeping

    expect(await keepHouse(housekeeping)).toEqual([bad])

    expect(called).toEqual([...STEPS])
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', event: 'upkeep.failed', step: bad, error: 'poisoned' },
    ])
  })

  test('is done by the role of the worker', async ({ acme, database }) => {
    const { id } = await acme.inviteIn('expired')
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())

    expect(await keepHouse(housekeepingOf(sql))).toEqual([])
    expect(await acme.sql`select status from usher.invites where id = ${id}`).toEqual([
      { status: 'expired' },
    ])
  })
})

describe('draining', () => {
  test('an event of one organisation that the database refuses keeps those of others from nothing', async ({
    acme,
    database,
  }) => {
    const lines = listen()
    const other = await createAcme(acme.sql)
    for (const one of [acme, other]) {
      await createWebhook(one)
      await happen(one)
    }
    await fanOut(acme.sql)
    await refuseUpdates(acme, 'organisation_webhook_deliveries', 'new.tries <> old.tries')
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())

    const counts = await drainWebhooks({
      deliveries: webhookDeliveriesOf(sql),
      outgoing: async () => ({ status: 200, headers: {}, body: 'OK', isCut: false }),
      worker: 'test',
    })

    const sent = await webhookLog(other)
    expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 'delivered'))
    expect(counts.delivered).toBe(sent.length)
    expect(counts.skipped).toBeGreaterThan(0)
    expect(lines.join()).toContain('webhook.refused')
  })

  test('a mail of one organisation that cannot be written down keeps those of others from nothing', async ({
    acme,
    database,
  }) => {
    const lines = listen()
    const other = await createAcme(acme.sql)
    await acme.invite()
    const { invite } = await other.invite()
    await fanOut(acme.sql)
    await refuseUpdates(acme, 'organisation_deliveries', "new.status = 'sent'")
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())

    const counts = await drainMails({
      deliveries: deliveriesOf(sql),
      transport: {
        send: async () => ({ ok: true, response: '250 OK', providerMessageId: null }),
        close() {},
      },
      from: { name: 'Usher', address: 'usher@example.com' },
      worker: 'test',
    })

    expect(counts.sent).toBeGreaterThan(0)
    const [mail] = await acme.sql`select status from public.organisation_deliveries
      where invite_id = ${invite.id}`
    expect(mail?.status).toBe('sent')
    expect(lines.join()).toContain('mail.refused')
  })

  test('a domain of one organisation that cannot be written down keeps those of others from nothing', async ({
    acme,
    database,
  }) => {
    const lines = listen()
    const other = await createAcme(acme.sql)
    for (const one of [acme, other]) {
      await one.owner.rpc('create_organisation_domain', {
        ...{ organisation_id: one.id, domain: `${one.id}.example` },
      })
    }
    await refuseUpdates(acme, 'organisation_domains', 'true')
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())

    expect(await checkDomains(domainsOf(sql), async () => [])).toEqual({ checked: 2, verified: 0 })

    const [looked] = await acme.sql`select checked_at from public.organisation_domains
      where organisation_id = ${other.id}`
    expect(looked?.checked_at).not.toBeNull()
    expect(lines.join()).toContain('domain.refused')
  })
})

/** Makes the database refuse what is written to a row of this organisation. */
async function refuseUpdates({ sql, id }: Organisation, table: string, condition: string) {
  await sql.unsafe(`
    create function public.refuse() returns trigger language plpgsql as $$
      begin
        if new.organisation_id = '${id}' and ${condition} then raise exception 'poisoned'; end if;
        return new;
      end $$;
    create trigger refuse before update on public.${table} for each row execute function public.refuse()`)
  onTestFinished(async () => {
    await sql.unsafe('drop function public.refuse() cascade')
  })
}
