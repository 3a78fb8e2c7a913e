import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

/** Of a code that opens nothing. */
const INVALID = { code: 'invite_invalid', status: 404 }

const invite = (acme: Organisation, more: object = {}) =>
  acme.admin.rpc('create_organisation_device_invite', {
    organisation_id: acme.id,
    device_name: 'Door at the back',
    roles: ['member'],
    ...more,
  })

describe('enrol_organisation_device', () => {
  test('makes the device a subject of its own, with roles like anyone', async ({ acme }) => {
    const { code } = await invite(acme)
    const device = await acme.person()

    const member = await device.rpc('enrol_organisation_device', {
      code: code.toLowerCase().replace('-', ' '),
    })

    expect(member).toMatchObject({
      kind: 'device',
      display_name: 'Door at the back',
      email: null,
      roles: ['member'],
    })
    expect(await device.rpc('list_my_organisations')).toMatchObject([{ kind: 'device' }])
    expect(
      await device.rpc('has_organisation_permission', {
        organisation_id: acme.id,
        permission: 'member.read',
      }),
    ).toBe(true)
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'device.enrolled' }),
    ).toMatchObject([{ actor_kind: 'device', actor_id: device.userId }])
    expect(
      await acme.owner.rpc('remove_organisation_member', {
        organisation_id: acme.id,
        user_id: device.userId,
      }),
    ).toMatchObject({ status: 'removed' })
  })

  test('a code works once, and never for two at once', async ({ acme }) => {
    const { code } = await invite(acme)
    const devices = [await acme.person(), await acme.person()]

    const outcomes = await Promise.allSettled(
      devices.map((device) => device.rpc('enrol_organisation_device', { code })),
    )

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'invite_already_accepted' },
    })
  })

  test('a code that was revoked, or has expired, is dead', async ({ acme }) => {
    const revoked = await invite(acme)
    await acme.admin.rpc('revoke_organisation_invite', { invite_id: revoked.invite_id })
    const expired = await invite(acme)
    await acme.expire(expired.invite_id)

    await expect(
      acme.stranger.rpc('enrol_organisation_device', { code: revoked.code }),
    ).rejects.toMatchObject({
      code: 'invite_revoked',
    })
    await expect(
      acme.stranger.rpc('enrol_organisation_device', { code: expired.code }),
    ).rejects.toMatchObject({
      code: 'invite_expired',
    })
  })

  test('who guesses is stopped after ten wrong codes, even with a right one', async ({ acme }) => {
    const { code } = await invite(acme)
    const guess = (text: string) => acme.stranger.rpc('enrol_organisation_device', { code: text })

    for (let i = 0; i < 10; i++)
      await expect(guess(`AAAAA-AAAA${i}`)).rejects.toMatchObject(INVALID)

    await expect(guess('AAAAA-AAAAA')).rejects.toMatchObject({ code: 'rate_limited', status: 429 })
    await expect(guess(code)).rejects.toMatchObject({ code: 'rate_limited' })
  })

  test('a code that is no code is wrong as any other', async ({ acme }) => {
    await expect(
      acme.stranger.rpc('enrol_organisation_device', { code: 'x'.repeat(10_000) }),
    ).rejects.toMatchObject(INVALID)
    await expect(acme.anyone.rpc('enrol_organisation_device', { code: 'x' })).rejects.toMatchObject(
      { code: '42501' },
    )
  })
})

describe('a code is no way round what the organisation asks of people', () => {
  const enrol = async (acme: Organisation, who: { rpc: Organisation['owner']['rpc'] }) =>
    who.rpc('enrol_organisation_device', { code: (await invite(acme)).code })
  const nameless = async (acme: Organisation) => {
    const account = await acme.person()
    await acme.sql`update auth.users set email = null where id = ${account.userId}`
    return account
  }

  test('its domains', async ({ acme }) => {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { allowed_email_domains: ['acme.example'] },
    })

    await expect(enrol(acme, acme.stranger)).rejects.toMatchObject({ code: 'domain_not_allowed' })
    expect(await enrol(acme, await acme.person('door@acme.example'))).toMatchObject({
      kind: 'device',
    })
    expect(await enrol(acme, await nameless(acme))).toMatchObject({ kind: 'device' })
  })

  test('its sign-in rule', async ({ acme }) => {
    await acme.owner.rpc('update_organisation_sign_in_rule', {
      organisation_id: acme.id,
      changes: { provider: 'keycloak' },
    })

    await expect(enrol(acme, acme.stranger)).rejects.toMatchObject({ code: 'sso_required' })
    expect(await enrol(acme, await nameless(acme))).toMatchObject({ kind: 'device' })
  })
})
