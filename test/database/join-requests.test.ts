import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { joinByDomain, openDomain } from '../support/domains.ts'

describe('asking to join', () => {
  test('makes a member once an admin agrees', async ({ acme }) => {
    const { employee } = await openDomain(acme, 'ask')
    expect([await joinByDomain(acme, employee), await joinByDomain(acme, employee)]).toEqual([
      'requested',
      'requested',
    ])
    expect(await employee.rpc('list_my_organisations')).toEqual([])

    const requests = await acme.admin.select('organisation_join_requests', { status: 'pending' })
    expect(requests).toMatchObject([{ email: employee.email }])
    const request_id = requests[0]?.id
    expect(
      await acme.admin.rpc('approve_organisation_join_request', { request_id, roles: ['finance'] }),
    ).toMatchObject({
      user_id: employee.userId,
      roles: ['finance'],
    })
    await expect(
      acme.admin.rpc('approve_organisation_join_request', { request_id }),
    ).rejects.toMatchObject({
      code: 'request_not_open',
    })
  })

  test('can be turned down, and asked again', async ({ acme }) => {
    const { employee } = await openDomain(acme, 'ask')
    await joinByDomain(acme, employee)
    const [request] = await acme.admin.select('organisation_join_requests')

    await acme.admin.rpc('decline_organisation_join_request', {
      request_id: request?.id,
      reason: 'Not yet',
    })

    expect(await employee.select('organisation_join_requests')).toMatchObject([
      { status: 'declined', reason: 'Not yet' },
    ])
    expect(await joinByDomain(acme, employee)).toBe('requested')
    expect(await acme.outsider.select('organisation_join_requests')).toHaveLength(0)
  })

  test('answers the invite that somebody has as well, and gives its roles too', async ({
    acme,
  }) => {
    const { employee } = await openDomain(acme, 'ask')
    await joinByDomain(acme, employee)
    const invited = await acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: employee.email,
      roles: ['finance'],
    })
    const [request] = await acme.owner.select('organisation_join_requests')

    await acme.admin.rpc('approve_organisation_join_request', { request_id: request?.id })

    expect(
      await acme.owner.select('organisation_members', { user_id: employee.userId }),
    ).toMatchObject([{ roles: ['finance', 'member'] }])
    expect(await acme.owner.select('organisation_invites', { id: invited.id })).toMatchObject([
      { status: 'accepted', accepted_by: employee.userId },
    ])
  })

  test('gives no role that the admin could not give', async ({ acme }) => {
    const { employee } = await openDomain(acme, 'ask')
    await joinByDomain(acme, employee)
    const [request] = await acme.admin.select('organisation_join_requests')

    await expect(
      acme.admin.rpc('approve_organisation_join_request', {
        request_id: request?.id,
        roles: ['admin'],
      }),
    ).rejects.toMatchObject({ code: 'role_not_assignable' })
  })
})
