import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import {
  createWebhook,
  HOOK,
  happen,
  INVALID,
  leaseWebhooks,
  webhook,
  webhookLog,
} from '../support/webhooks.ts'

const update = (acme: Organisation, webhook_id: string, changes: unknown) =>
  acme.admin.rpc('update_organisation_webhook', { webhook_id, changes })

describe('create_organisation_webhook', () => {
  test('shows the secret this once, in the form of the specification', async ({ acme }) => {
    const made = await createWebhook(acme, { events: ['member.joined'], description: 'Billing' })

    expect(made).toMatchObject({ organisation_id: acme.id, old_secrets_end: null })
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(await webhook(acme, made.webhook_id)).toMatchObject({
      url: HOOK,
      events: ['member.joined'],
      description: 'Billing',
      is_enabled: true,
    })
    expect(await acme.events()).toContain('webhook.created')
  })

  test('the trail names its host, and neither path nor secret', async ({ acme }) => {
    const { webhook_id, secret } = await createWebhook(acme, { url: `${HOOK}?key=hidden` })

    const [event] = await acme.sql`select after from public.organisation_audit_events
      where target_id = ${webhook_id}`
    expect(event?.after).toMatchObject({ host: 'hooks.example.com', events: null })
    expect(JSON.stringify(event)).not.toMatch(new RegExp(`hidden|usher|${secret.slice(6, 20)}`))
  })

  test.for([
    { events: [] },
    { events: ['member.danced'] },
    { events: ['organisation.deleted'] },
    { description: 'x'.repeat(201) },
    { description: 'two\nlines' },
  ])('refuses %j', async (more, { acme }) => {
    await expect(createWebhook(acme, more)).rejects.toMatchObject(INVALID)
  })

  test('an organisation has at most 20', async ({ acme }) => {
    for (let i = 0; i < 20; i++) await createWebhook(acme)

    await expect(createWebhook(acme)).rejects.toMatchObject(INVALID)
  })
})

describe('update_organisation_webhook', () => {
  test('changes what is named, and leaves the rest', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme, { events: ['member.left', 'member.joined'] })

    const changed = await update(acme, webhook_id, { url: 'https://b.example.com/', events: null })

    expect(changed).toMatchObject({ url: 'https://b.example.com/', events: null, is_enabled: true })
    expect(await acme.events()).toContain('webhook.updated')
  })

  test('what waits for one that is switched off fails, and nothing more is sent', async ({
    acme,
  }) => {
    const { webhook_id } = await createWebhook(acme, { events: ['member.roles_updated'] })
    await happen(acme)
    await fanOut(acme.sql)

    const off = await update(acme, webhook_id, { is_enabled: false })
    await acme.admin.rpc('remove_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
    })

    expect(off).toMatchObject({ is_enabled: false, disabled_reason: 'by_hand' })
    expect((await webhookLog(acme)).map(({ status }) => status)).toEqual(['failed'])
    expect(await leaseWebhooks(acme)).toEqual([])
    expect(await update(acme, webhook_id, { is_enabled: true })).toMatchObject({
      is_enabled: true,
      disabled_at: null,
      disabled_reason: null,
    })
  })

  test.for([
    { url: 'http://hooks.example.com' },
    { url: null },
    { events: ['nothing.happened'] },
    { events: 'member.joined' },
    { is_enabled: null },
    { is_enabled: 'perhaps' },
    { secret: 'whsec_AAAA' },
    { failing_since: null },
    [],
    null,
  ])('refuses %j', async (changes, { acme }) => {
    const { webhook_id } = await createWebhook(acme)

    await expect(update(acme, webhook_id, changes)).rejects.toMatchObject(INVALID)
  })
})

describe('delete_organisation_webhook', () => {
  test('takes its secrets and its log with it', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme)
    await happen(acme)

    await acme.admin.rpc('delete_organisation_webhook', { webhook_id })

    expect(await webhook(acme, webhook_id)).toBeUndefined()
    expect(await webhookLog(acme)).toEqual([])
    expect(
      await acme.sql`select from usher.webhook_secrets where webhook_id = ${webhook_id}`,
    ).toEqual([])
    expect(await acme.events()).toContain('webhook.deleted')
  })
})
