import { describe, expect, onTestFinished } from 'vitest'
import { test } from '../support/acme.ts'
import { createWebhook, INVALID } from '../support/webhooks.ts'

describe('create_organisation_webhook', () => {
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
    await expect(createWebhook(acme, { url })).rejects.toMatchObject(INVALID)
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
      INVALID,
    )
  })
})

describe('create_organisation_invite', () => {
  test('an allowed origin may be led to', async ({ acme }) => {
    await acme.sql`select usher.update_settings('{"redirect_origins": ["https://app.example.com"]}')`

    for (const redirect_to of [
      'https://app.example.com/start?a=b#c',
      'http://localhost:3000/x',
      '/x',
    ]) {
      const email = `r${redirect_to.length}@example.com`
      expect(
        await acme.owner.rpc('create_organisation_invite', {
          organisation_id: acme.id,
          email,
          roles: ['member'],
          redirect_to,
        }),
      ).toMatchObject({ redirect_to })
    }
  })
})
