import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import {
  account,
  confirmsAddresses,
  email,
  knownDomain,
  RIVAL,
  SSO,
} from '../support/auth-sessions.ts'

describe('an address that a SAML provider names', () => {
  test('opens no invite of its own, unless the project has the provider for the domain', async ({
    acme,
  }) => {
    await confirmsAddresses(acme, true)
    await knownDomain(acme)
    const address = email()
    const { invite, token: link } = await acme.invite(address)
    const rival = await account(acme, address, { providers: [`sso:${RIVAL}`] })
    const own = await account(acme, address, { providers: [SSO] })
    const claim = { invite_id: invite.id }

    expect(await rival.rpc('list_my_organisation_invites')).toEqual([])
    await expect(rival.rpc('accept_my_organisation_invite', claim)).rejects.toMatchObject({
      code: 'permission_denied',
    })
    expect(await own.rpc('list_my_organisation_invites')).toMatchObject([{ id: invite.id }])
    // The link proves the mailbox, whoever named the address.
    expect(await rival.rpc('accept_organisation_invite', { token: link })).toMatchObject({
      status: 'active',
    })
    await confirmsAddresses(acme, false)
  })

  test('opens no domain to join either', async ({ acme }) => {
    await confirmsAddresses(acme, true)
    const domain = `d-${randomUUID().slice(0, 8)}.example`
    await knownDomain(acme, domain)
    await acme.sql`insert into public.organisation_domains
      (organisation_id, domain, verification, verified_at, join_policy)
      values (${acme.id}, ${domain}, 'x', now(), 'join')`
    const rival = await account(acme, `a@${domain}`, { providers: [`sso:${RIVAL}`] })
    const own = await account(acme, `a@${domain}`, { providers: [SSO] })
    const join = { organisation_id: acme.id }

    expect(await rival.rpc('list_joinable_organisations')).toEqual([])
    await expect(rival.rpc('join_organisation', join)).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
    expect(await own.rpc('join_organisation', join)).toBe('joined')
    await confirmsAddresses(acme, false)
  })
})
