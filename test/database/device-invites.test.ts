import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

const invite = (acme: Organisation, more: object = {}) =>
  acme.admin.rpc('create_organisation_device_invite', {
    organisation_id: acme.id,
    device_name: 'Door at the back',
    roles: ['member'],
    ...more,
  })

describe('create_organisation_device_invite', () => {
  test('gives a code that can be read out, once', async ({ acme }) => {
    const made = await invite(acme)

    expect(made).toMatchObject({ device_name: 'Door at the back', roles: ['member'] })
    expect(made.code).toMatch(/^[2-9A-HJKMNP-TV-Z]{5}-[2-9A-HJKMNP-TV-Z]{5}$/)
    expect(made.code).not.toMatch(/[01OILU]/)
    const listed = await acme.admin.select('organisation_invites', { id: made.invite_id })
    expect(listed).toMatchObject([
      { kind: 'device', device_name: 'Door at the back', email: null, status: 'pending' },
    ])
    const kept = JSON.stringify([
      listed,
      await acme.sql`select * from usher.device_codes`,
      await acme.admin.select('organisation_audit_events'),
    ])
    expect(kept).not.toContain(made.code)
    expect(kept).not.toContain(made.code.replace('-', ''))
  })

  test('no mail goes out, and it is not sent again', async ({ acme }) => {
    const { invite_id } = await invite(acme)

    await fanOut(acme.sql)
    expect(await acme.admin.select('organisation_deliveries')).toHaveLength(0)
    for (const call of ['resend_organisation_invite', 'reveal_organisation_invite_link']) {
      await expect(acme.admin.rpc(call, { invite_id })).rejects.toMatchObject({
        code: 'invite_not_pending',
      })
    }
  })

  test.for([
    ['invalid_settings', { device_name: '' }],
    ['invalid_settings', { device_name: 'two\nlines' }],
    ['invalid_role', { roles: ['nobody'] }],
    ['role_not_assignable', { roles: ['admin'] }],
    ['invalid_expiry', { expires_in: '31 days' }],
  ] as const)('%s: %j', async ([code, more], { acme }) => {
    await expect(invite(acme, more)).rejects.toMatchObject({ code })
  })

  test.for([
    ['member', 'permission_denied'],
    ['outsider', 'organisation_not_found'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    await expect(
      acme[who].rpc('create_organisation_device_invite', {
        organisation_id: acme.id,
        device_name: 'x',
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code })
  })
})
