import { describe, expect, onTestFinished } from 'vitest'
import { en } from '../../client/console/texts/en.ts'
import { type Organisation, test } from '../support/acme.ts'
import {
  createWebhook,
  HOOK,
  happen,
  leaseWebhooks,
  webhook,
  webhookLog,
} from '../support/webhooks.ts'

const update = (acme: Organisation, webhook_id: string, changes: unknown) =>
  acme.admin.rpc('update_organisation_webhook', { webhook_id, changes })

const invalid = { code: 'invalid_settings' }

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
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'https://user:word@hooks.example.com/',
    'https://hooks.example.com/#part',
    'https://hooks.example.com\\@127.0.0.1/',
    'https://hooks example.com/',
    'https://localhost/',
    'https://api.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://intranet/',
    'https://0.0.0.0/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://10.0.0.1:8443/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.100.100.200/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://[ff02::1]/',
    'https://[2002:7f00:1::]/',
    'https://[::zz]/',
    `https://hooks.example.com/${'x'.repeat(2000)}`,
    '',
  ])('refuses %s', async (url, { acme }) => {
    await expect(createWebhook(acme, { url })).rejects.toMatchObject(invalid)
  })

  test.for([
    'https://93.184.215.14/hook',
    'https://[2606:4700::1111]:8443/hook',
    'https://a-b.example.com?x=1',
  ])('takes %s', async (url, { acme }) => {
    expect(await createWebhook(acme, { url })).toHaveProperty('secret')
  })

  test('takes this machine where the operator allows private targets', async ({ acme }) => {
    await acme.sql`select usher.update_settings('{"allow_private_targets": true}')`
    onTestFinished(async () => {
      await acme.sql`select usher.update_settings('{"allow_private_targets": false}')`
    })

    expect(await createWebhook(acme, { url: 'http://127.0.0.1:8080/' })).toHaveProperty('secret')
    await expect(createWebhook(acme, { url: 'http://a:b@127.0.0.1/' })).rejects.toMatchObject(
      invalid,
    )
  })

  test.for([
    { events: [] },
    { events: ['member.danced'] },
    { events: ['organisation.deleted'] },
    { description: 'x'.repeat(201) },
    { description: 'two\nlines' },
  ])('refuses %j', async (more, { acme }) => {
    await expect(createWebhook(acme, more)).rejects.toMatchObject(invalid)
  })

  test('an organisation has at most 20', async ({ acme }) => {
    for (let i = 0; i < 20; i++) await createWebhook(acme)

    await expect(createWebhook(acme)).rejects.toMatchObject(invalid)
  })

  test.for(['finance', 'member', 'roleless'] as const)(
    'a %s may neither make one nor see one',
    async (who, { acme }) => {
      const { webhook_id } = await createWebhook(acme)

      await expect(
        acme[who].rpc('create_organisation_webhook', { organisation_id: acme.id, url: HOOK }),
      ).rejects.toMatchObject({ code: 'permission_denied' })
      await expect(
        acme[who].rpc('delete_organisation_webhook', { webhook_id }),
      ).rejects.toMatchObject({ code: 'permission_denied' })
      expect(await acme[who].run((tx) => tx`select * from public.organisation_webhooks`)).toEqual(
        [],
      )
    },
  )

  test('those of another organisation look like none', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme)
    const notFound = { code: 'webhook_not_found', status: 404 }

    for (const [name, args] of [
      ['update_organisation_webhook', { changes: {} }],
      ['delete_organisation_webhook', {}],
      ['rotate_organisation_webhook_secret', {}],
      ['test_organisation_webhook', {}],
      ['replay_organisation_webhook_deliveries', { since: '2020-01-01' }],
    ] as const) {
      await expect(acme.outsider.rpc(name, { webhook_id, ...args })).rejects.toMatchObject(notFound)
    }
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

    await expect(update(acme, webhook_id, changes)).rejects.toMatchObject(invalid)
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

/** Written in the trail, and not for webhooks: what only the machinery does, and the beginning and end of an organisation. */
const NOT_SENT = [
  'audit.purged',
  'delivery.cancelled',
  'delivery.requeued',
  'delivery.retried',
  'mail.resumed',
  'mail.stopped',
  'mail.suppression_lifted',
  'organisation.created',
  'organisation.deleted',
  'webhook.replayed',
  'webhook.tested',
]

describe('the types of events', () => {
  test('are those of the audit trail, but for what is left out by name', async ({ acme }) => {
    const types = (await acme.sql`select unnest(usher.webhook_event_types()) as type`).map(
      ({ type }) => type,
    )

    expect([...types, ...NOT_SENT].sort()).toEqual(Object.keys(en.events).sort())
  })
})
