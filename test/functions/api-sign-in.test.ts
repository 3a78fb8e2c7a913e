/** Sign-in rules through the REST door. */
import { describe, expect } from 'vitest'
import { test } from '../support/rest.ts'

describe('sign-in rules', () => {
  test('are one or none, and change by what is named', async ({ acme, rest }) => {
    const path = `/api/organisations/${acme.id}/sign-in-rule`
    const change = (json: object) => rest(path, { method: 'PATCH', by: acme.owner, json })
    expect((await rest(path, { by: acme.member })).body).toEqual({ data: [] })

    expect((await change({ provider: 'keycloak', methods: ['totp'] })).status).toBe(200)
    expect((await change({ max_age: '12 hours' })).body).toMatchObject({
      organisation_id: acme.id,
      provider: 'keycloak',
      methods: ['totp'],
      max_age: '12:00:00',
    })
    expect((await rest(path, { by: acme.member })).body.data).toMatchObject([
      { provider: 'keycloak', level: 'aal1', for_members: false },
    ])
    expect((await rest(path, { by: acme.outsider })).body).toEqual({ data: [] })
  })

  test('keep an invitee out in a problem document that names the way', async ({ acme, rest }) => {
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email)
    await acme.owner.rpc('update_organisation_sign_in_rule', {
      organisation_id: acme.id,
      changes: { provider: 'keycloak' },
    })

    const answer = await rest('/api/invitations/accept', { by: invitee, json: { token } })

    expect(answer.status).toBe(403)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.body).toMatchObject({ code: 'sso_required', details: 'keycloak' })
  })
})
