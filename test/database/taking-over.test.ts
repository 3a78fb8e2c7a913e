import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import {
  directoryToken,
  followLostRights,
  inviteBy,
  mailsOf,
  removeAdmin,
  setAdminRoles,
} from '../support/lost-rights.ts'
import { scimOf, test } from '../support/scim.ts'

describe('whoever may invite', () => {
  test('gets one notice, and makes the same offers anew in their own name', async ({ acme }) => {
    const ends = '2999-01-01T00:00:00+00:00'
    const more = { message: 'Welcome', membership_ends_at: ends, metadata: { a: 1 } }
    const [one, two] = [await inviteBy(acme, 'admin', more), await inviteBy(acme)]
    await removeAdmin(acme)
    await followLostRights(acme)
    expect(await mailsOf(acme, 'invites_lost_right')).toMatchObject([
      { recipient: acme.owner.email, facts: { count: 2, person_email: acme.admin.email } },
    ])

    const open = await inviteBy(acme, 'owner')
    const outcomes = await acme.owner.rpc('reissue_organisation_invites', {
      invite_ids: [one.id, open.id, randomUUID(), two.id],
    })
    const failed = { status: 'failed', invite_id: null }
    expect(outcomes).toMatchObject([
      { row_number: 1, email: one.email, status: 'created' },
      { row_number: 2, ...failed, error_code: 'invite_not_pending', error_details: 'pending' },
      { row_number: 3, ...failed, error_code: 'invite_not_found' },
      { row_number: 4, email: two.email, status: 'created' },
    ])
    const id = outcomes[0].invite_id
    expect(await acme.owner.select('organisation_invites', { id })).toMatchObject([
      { ...more, invited_by: acme.owner.userId, roles: ['finance'], status: 'pending' },
    ])
    expect(await acme.owner.select('organisation_invites', { id: one.id })).toMatchObject([
      { status: 'revoked' },
    ])
  })

  test('need not wait for the worker to do so', async ({ acme }) => {
    const { id } = await inviteBy(acme)
    await removeAdmin(acme)

    expect(
      await acme.owner.rpc('reissue_organisation_invites', { invite_ids: [id] }),
    ).toMatchObject([{ status: 'created' }])
  })

  test('takes an invite over by sending it again, or by offering more with it', async ({
    acme,
  }) => {
    const [sent, changed] = [
      await inviteBy(acme),
      await inviteBy(acme, 'admin', { roles: ['member'] }),
    ]
    await setAdminRoles(acme, ['member'])
    await acme.owner.rpc('resend_organisation_invite', { invite_id: sent.id })
    await acme.owner.rpc('update_organisation_invite_roles', {
      invite_id: changed.id,
      roles: ['finance'],
    })
    await followLostRights(acme)

    for (const { id, email } of [sent, changed]) {
      const token = await acme.mint(id)
      const invitee = await acme.person(email)
      expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
        roles: ['finance'],
      })
    }
  })
})

describe('a token of a directory', () => {
  test('goes on without an end once somebody takes it over', async ({ acme, scimUrl, tokenBy }) => {
    const scim = scimOf(scimUrl, await tokenBy(acme.admin, 'Okta'))
    const { id } = await directoryToken(acme)
    await removeAdmin(acme)

    expect(await acme.owner.rpc('take_over_organisation_credentials', { ids: [id] })).toMatchObject(
      [{ id, kind: 'directory_token', name: 'Okta' }],
    )
    expect(await directoryToken(acme)).toMatchObject({
      responsible_id: acme.owner.userId,
      created_by: acme.admin.userId,
      stops_at: null,
    })
    expect((await scim('GET', '/Users')).status).toBe(200)
    expect(await acme.events()).toContain('credentials.taken_over')
  })

  test('that has stopped stays so when they are an admin again, until it is taken over', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const scim = scimOf(scimUrl, await tokenBy(acme.admin))
    const status = async () => (await scim('GET', '/Users')).status
    await setAdminRoles(acme, ['member'])
    await acme.sql`update public.organisation_directory_tokens set stops_at = now()
      where organisation_id = ${acme.id}`
    await setAdminRoles(acme, ['admin'])
    expect(await status()).toBe(403)

    const { id } = await directoryToken(acme)
    await acme.admin.rpc('take_over_organisation_credentials', { ids: [id] })
    expect(await status()).toBe(200)
  })
})
