import { describe, expect, onTestFinished } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { createWebhook } from '../support/webhooks.ts'

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
    // The interface of supabase_vault, as its documentation gives it; the extension itself is not
    // to be had without Supabase's image.
    await acme.sql.unsafe(`
      create schema vault;
      create table vault.secrets (id uuid primary key default gen_random_uuid(), secret text, name text);
      create view vault.decrypted_secrets as select id, name, secret as decrypted_secret from vault.secrets;
      create function vault.create_secret(new_secret text, new_name text, new_description text)
      returns uuid language sql as
      $$ insert into vault.secrets (secret, name) values ($1, $2) returning id $$;`)
    onTestFinished(async () => {
      await acme.sql.unsafe('drop schema vault cascade')
    })

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
})
