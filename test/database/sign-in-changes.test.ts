import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { CORP, knownDomain, SSO, setRule } from '../support/auth-sessions.ts'

const bySaml = { provider: SSO }

describe('update_organisation_sign_in_rule', () => {
  test('changes what is named, keeps the rest, and is on record', async ({ acme }) => {
    await setRule(acme, { provider: ` SSO:${CORP} `, max_age: '12 hours' })
    const rule = await setRule(acme, { level: 'aal2', max_age: null })

    expect(rule).toMatchObject({ provider: SSO, level: 'aal2', max_age: null, methods: [] })
    expect(await acme.member.select('organisation_sign_in_rules')).toMatchObject([
      { provider: SSO, level: 'aal2' },
    ])
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'sign_in_rule.updated' }),
    ).toMatchObject([
      { before: { provider: null }, after: { provider: SSO, max_age: '12:00:00' } },
      { before: { level: 'aal1' }, after: { level: 'aal2', max_age: null } },
    ])
  })

  test('a rule that asks nothing is none', async ({ acme }) => {
    await setRule(acme, { level: 'aal2' })
    await setRule(acme, { level: null })

    expect(await acme.owner.select('organisation_sign_in_rules')).toEqual([])
  })

  test('one provider takes the place of a domain only when the domain goes', async ({ acme }) => {
    await knownDomain(acme)
    await setRule(acme, { domain: ' @Corp.Example ' })

    await expect(setRule(acme, bySaml)).rejects.toMatchObject({ code: 'invalid_settings' })
    expect(await setRule(acme, { ...bySaml, domain: null })).toMatchObject({
      provider: SSO,
      domain: null,
    })
  })

  test.for([
    { provider: 'sso:corp' },
    { provider: 'email' },
    { provider: 'phone' },
    { provider: '' },
    { provider: "keycloak'; --" },
    { provider: `custom:${'x'.repeat(60)}` },
    { domain: 'nobody.example' },
    { level: 'aal9' },
    { methods: ['Not A Method'] },
    { methods: 'totp' },
    { methods: Array.from({ length: 11 }, (_, i) => `m${i}`) },
    { max_age: '1 second' },
    { max_age: 'soon' },
    { unknown: true },
    { organisation_id: randomUUID() },
  ])('refuses %j', async (changes, { acme }) => {
    await expect(setRule(acme, changes)).rejects.toMatchObject({
      code: 'invalid_settings',
      status: 422,
    })
    expect(await acme.owner.select('organisation_sign_in_rules')).toEqual([])
  })

  test('takes an object, nothing else', async ({ acme }) => {
    for (const changes of ['[]', '"keycloak"', 'null']) {
      await expect(
        acme.owner.run(
          (tx) =>
            tx`select public.update_organisation_sign_in_rule(${acme.id}, ${changes}::text::jsonb)`,
        ),
      ).rejects.toMatchObject({ code: 'invalid_settings' })
    }
  })
})
