/** Sign-in rules through the GraphQL door. */
import { describe, expect } from 'vitest'
import { test } from '../support/graphql.ts'

const CHANGE = `mutation ($id: UUID!, $changes: SignInRuleChanges!) {
  updateSignInRule(organisationId: $id, changes: $changes) {
    organisationId provider domain level methods maxAge forMembers updatedAt } }`
const READ = `query ($id: UUID!) { organisation(id: $id) { signInRule { provider level maxAge } } }`

describe('sign-in rules', () => {
  test('are changed, read by members, and null where there is none', async ({ door, acme }) => {
    const change = (changes: object) => door.ask(acme.owner, CHANGE, { id: acme.id, changes })
    const read = async () => (await door.ask(acme.member, READ, { id: acme.id })).data.organisation
    expect(await read()).toEqual({ signInRule: null })

    const { data, errors } = await change({ provider: 'custom:zitadel', maxAge: '12 hours' })

    expect(errors).toEqual([])
    expect(data.updateSignInRule).toMatchObject({
      organisationId: acme.id,
      provider: 'custom:zitadel',
      domain: null,
      level: 'aal1',
      methods: [],
      maxAge: '12:00:00',
      forMembers: false,
    })
    await change({ level: 'aal2', maxAge: null })
    expect(await read()).toEqual({
      signInRule: { provider: 'custom:zitadel', level: 'aal2', maxAge: null },
    })
  })

  test('refuse in the words of the contract, and name what is missing', async ({ door, acme }) => {
    const change = (changes: object) => door.ask(acme.owner, CHANGE, { id: acme.id, changes })

    expect((await change({ provider: 'email' })).codes).toEqual(['invalid_settings'])
    const { errors } = await change({ provider: 'keycloak', forMembers: true })
    expect(errors[0]?.extensions).toMatchObject({
      code: 'sso_required',
      status: 403,
      details: 'keycloak',
    })
  })
})
