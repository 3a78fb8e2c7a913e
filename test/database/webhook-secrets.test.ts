import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { haveVault } from '../support/vault.ts'
import {
  createWebhook,
  happen,
  leaseWebhook,
  prepareWebhook,
  webhookLog,
  webhookTimePasses,
} from '../support/webhooks.ts'

const rotate = (acme: Organisation, webhook_id: string, keep_old_for?: string) =>
  acme.admin.rpc('rotate_organisation_webhook_secret', { webhook_id, keep_old_for })

const invalid = { code: 'invalid_settings' }

describe('rotate_organisation_webhook_secret', () => {
  test('answers a new one, and until when the old one signs', async ({ acme }) => {
    const { webhook_id, secret } = await createWebhook(acme)

    const rotated = await rotate(acme, webhook_id, '2 hours')

    expect(rotated.secret).not.toBe(secret)
    const hours = (new Date(rotated.old_secrets_end).getTime() - Date.now()) / 3_600_000
    expect(hours).toBeCloseTo(2, 1)
    expect(await acme.events()).toContain('webhook.secret_rotated')
  })

  test('one that has become known can be ended at once', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme)
    await rotate(acme, webhook_id)

    expect(await rotate(acme, webhook_id, '0')).toMatchObject({ old_secrets_end: null })
    expect(
      await acme.sql`select from usher.webhook_secrets where webhook_id = ${webhook_id}`,
    ).toHaveLength(1)
  })

  test('is refused for a longer time, and more than ten times a day', async ({ acme }) => {
    const { webhook_id } = await createWebhook(acme)

    await expect(rotate(acme, webhook_id, '8 days')).rejects.toMatchObject(invalid)
    await expect(rotate(acme, webhook_id, '-1 day')).rejects.toMatchObject(invalid)
    for (let i = 0; i < 10; i++) await rotate(acme, webhook_id)
    await expect(rotate(acme, webhook_id)).rejects.toMatchObject({ code: 'rate_limited' })
  })

  test('keeps secrets in Vault where the project has one, and takes them out in the end', async ({
    acme,
  }) => {
    await haveVault(acme.sql)

    const { webhook_id, secret } = await createWebhook(acme)

    expect(await acme.sql`select secret from vault.secrets`).toEqual([{ secret }])
    expect(
      await acme.sql`select secret from usher.webhook_secrets where webhook_id = ${webhook_id}`,
    ).toEqual([{ secret: null }])
    const [signed] = await acme.sql`select usher.webhook_signatures(${webhook_id}, 'a') as by_vault,
      'v1,' || encode(extensions.hmac('a', decode(${secret.slice(6)}, 'base64'), 'sha256'), 'base64') as expected`
    expect(signed?.by_vault).toBe(signed?.expected)
    await acme.admin.rpc('delete_organisation_webhook', { webhook_id })
    expect(await acme.sql`select from vault.secrets`).toEqual([])
  })

  test('a secret that Vault has lost sends nothing unsigned: the log says so, and a new one mends it', async ({
    acme,
  }) => {
    await haveVault(acme.sql)
    const { webhook_id } = await createWebhook(acme, { events: ['member.roles_updated'] })
    await happen(acme)
    await acme.sql`delete from vault.secrets`

    expect(await prepareWebhook(acme, await leaseWebhook(acme))).toBe(null)

    expect(await webhookLog(acme)).toMatchObject([
      {
        status: 'queued',
        attempts: 1,
        last_status_code: null,
        last_response: expect.stringContaining('not in Vault'),
      },
    ])
    await rotate(acme, webhook_id, '0')
    await webhookTimePasses(acme)
    const request = await prepareWebhook(acme, await leaseWebhook(acme))
    expect(request?.headers['webhook-signature']).toMatch(/^v1,\S+$/)
    await acme.admin.rpc('delete_organisation_webhook', { webhook_id })
  })
})
