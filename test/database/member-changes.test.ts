import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { onMember } from '../support/members.ts'
import { fanOut } from '../support/outbox.ts'

describe('update_organisation_member_roles', () => {
  test('that somebody has already are no change: no mail, and no line in the trail', async ({
    acme,
  }) => {
    const set = (roles: string[]) =>
      acme.admin.rpc('update_organisation_member_roles', onMember(acme, 'member', { roles }))
    await set(['finance', 'member'])
    const before = await acme.events()

    expect(await set(['member', 'finance', 'member'])).toMatchObject({
      roles: ['finance', 'member'],
    })

    expect(await acme.events()).toEqual(before)
    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: 'member_roles_updated' }),
    ).toHaveLength(1)
  })

  test('gives exactly these roles, at once, with a mail and a line in the trail', async ({
    acme,
  }) => {
    expect(
      await acme.admin.rpc(
        'update_organisation_member_roles',
        onMember(acme, 'member', { roles: ['finance', 'member'] }),
      ),
    ).toMatchObject({ roles: ['finance', 'member'] })

    expect(
      await acme.member.rpc('has_organisation_permission', {
        organisation_id: acme.id,
        permission: 'billing.read',
      }),
    ).toBe(true)
    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: 'member_roles_updated' }),
    ).toMatchObject([
      {
        recipient: acme.member.email,
        facts: { roles: ['finance', 'member'], actor_name: 'admin' },
      },
    ])
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'member.roles_updated' }),
    ).toMatchObject([
      {
        actor_id: acme.admin.userId,
        before: { roles: ['member'] },
        after: { roles: ['finance', 'member'] },
      },
    ])
  })

  test('a member without a role may do nothing', async ({ acme }) => {
    await acme.admin.rpc(
      'update_organisation_member_roles',
      onMember(acme, 'member', { roles: [] }),
    )

    expect(
      await acme.member.rpc('list_my_organisation_permissions', { organisation_id: acme.id }),
    ).toEqual([])
  })

  test.for([
    ['admin', 'owner', ['member'], 'owner_required'],
    ['admin', 'member', ['admin'], 'role_not_assignable'],
    ['owner', 'member', ['owner'], 'role_not_assignable'],
    ['owner', 'member', ['nobody'], 'invalid_role'],
    ['owner', 'stranger', ['member'], 'member_not_found'],
    ['finance', 'member', ['member'], 'permission_denied'],
    ['outsider', 'member', ['member'], 'organisation_not_found'],
  ] as const)('%s on %s to %j: %s', async ([who, whom, roles, code], { acme }) => {
    await expect(
      acme[who].rpc('update_organisation_member_roles', onMember(acme, whom, { roles })),
    ).rejects.toMatchObject({ code })
  })

  test('nobody acts on someone who holds more than they do', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'helper',
      permissions: ['member.read', 'member.update', 'member.remove', 'member.ban'],
    })
    await acme.owner.rpc(
      'update_organisation_member_roles',
      onMember(acme, 'member', { roles: ['helper'] }),
    )

    for (const call of [
      'update_organisation_member_roles',
      'remove_organisation_member',
      'ban_organisation_member',
    ]) {
      const more = call.startsWith('update') ? { roles: [] } : {}
      await expect(acme.member.rpc(call, onMember(acme, 'admin', more))).rejects.toMatchObject({
        code: 'permission_denied',
      })
    }
    expect(
      await acme.member.rpc('remove_organisation_member', onMember(acme, 'roleless')),
    ).toMatchObject({ status: 'removed' })
  })
})

describe.for([
  ['remove_organisation_member', 'removed', 'member.removed'],
  ['ban_organisation_member', 'banned', 'member.banned'],
] as const)('%s', ([name, status, event]) => {
  test('ends the membership at once, and says why', async ({ acme }) => {
    expect(
      await acme.admin.rpc(name, onMember(acme, 'member', { reason: ' Left the firm ' })),
    ).toMatchObject({
      status,
      status_reason: 'Left the firm',
    })

    expect(await acme.member.rpc('list_my_organisations')).toEqual([])
    expect(await acme.member.select('organisations')).toHaveLength(0)
    expect(await acme.owner.select('organisation_audit_events', { event })).toMatchObject([
      { actor_id: acme.admin.userId, target_id: acme.member.userId, reason: 'Left the firm' },
    ])
    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: `member_${status}` }),
    ).toHaveLength(1)
  })

  test.for([
    ['admin', 'owner', 'owner_required'],
    ['owner', 'owner', 'owner_required'],
    ['member', 'finance', 'permission_denied'],
    ['admin', 'stranger', 'member_not_found'],
    ['outsider', 'member', 'organisation_not_found'],
  ] as const)('%s on %s: %s', async ([who, whom, code], { acme }) => {
    await expect(acme[who].rpc(name, onMember(acme, whom))).rejects.toMatchObject({ code })
  })

  test('a reason that is too long is refused', async ({ acme }) => {
    await expect(
      acme.admin.rpc(name, onMember(acme, 'member', { reason: 'x'.repeat(501) })),
    ).rejects.toMatchObject({ code: 'invalid_message' })
  })
})

describe('banning', () => {
  test.for(['ban', 'remove'] as const)('nobody can %s themselves', async (what, { acme }) => {
    await expect(
      acme.admin.rpc(`${what}_organisation_member`, onMember(acme, 'admin')),
    ).rejects.toMatchObject({ code: 'permission_denied', hint: expect.stringContaining('leave') })
  })

  test('of two who ban each other at once shuts one of them out', async ({ acme }) => {
    const other = await acme.join(['admin'])
    const outcomes = await Promise.allSettled([
      acme.admin.rpc('ban_organisation_member', {
        organisation_id: acme.id,
        user_id: other.userId,
      }),
      other.rpc('ban_organisation_member', onMember(acme, 'admin')),
    ])

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('shuts every way back, until it is lifted', async ({ acme }) => {
    const invited = await acme.admin.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: 'accomplice@example.com',
      roles: ['member'],
    })
    await acme.owner.rpc('ban_organisation_member', onMember(acme, 'admin'))

    expect(
      await acme.anyone.rpc('validate_organisation_invite', { token: await acme.mint(invited.id) }),
    ).toMatchObject({ status: 'revoked', reason: 'inviter_lost_right' })
    await expect(acme.invite(acme.admin.email)).rejects.toMatchObject({ code: 'member_banned' })
    await expect(
      acme.owner.rpc('ban_organisation_member', onMember(acme, 'admin')),
    ).rejects.toMatchObject({
      code: 'member_banned',
    })

    expect(
      await acme.owner.rpc('unban_organisation_member', onMember(acme, 'admin')),
    ).toMatchObject({
      status: 'removed',
    })
    const { token } = await acme.invite(acme.admin.email, ['finance'])
    expect(await acme.admin.rpc('accept_organisation_invite', { token })).toMatchObject({
      status: 'active',
      roles: ['finance'],
      status_reason: null,
    })
  })

  test('only a ban can be lifted', async ({ acme }) => {
    await expect(
      acme.owner.rpc('unban_organisation_member', onMember(acme, 'member')),
    ).rejects.toMatchObject({
      code: 'member_not_found',
    })
  })
})

describe('leave_organisation', () => {
  test('ends the own membership, and a new invite brings it back in the same row', async ({
    acme,
  }) => {
    const left = await acme.member.rpc('leave_organisation', { organisation_id: acme.id })
    expect(left).toMatchObject({ status: 'left', user_id: acme.member.userId })
    await expect(
      acme.member.rpc('leave_organisation', { organisation_id: acme.id }),
    ).rejects.toMatchObject({
      code: 'organisation_not_found',
    })

    const { token } = await acme.invite(acme.member.email, ['finance'])
    expect(await acme.member.rpc('accept_organisation_invite', { token })).toMatchObject({
      id: left.id,
      status: 'active',
      roles: ['finance'],
    })
  })

  test('is not for the owner', async ({ acme }) => {
    await expect(
      acme.owner.rpc('leave_organisation', { organisation_id: acme.id }),
    ).rejects.toMatchObject({
      code: 'owner_required',
      status: 409,
    })
  })
})
