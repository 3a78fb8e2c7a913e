import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

describe('transfer_organisation_ownership', () => {
  test('makes another member the owner, and the old owner an admin', async ({ acme }) => {
    const args = { organisation_id: acme.id, new_owner_id: acme.member.userId }

    expect(await acme.owner.rpc('transfer_organisation_ownership', args)).toMatchObject({
      user_id: acme.member.userId,
      roles: ['owner'],
    })

    expect(await acme.owner.rpc('list_my_organisations')).toMatchObject([
      { roles: ['admin'], is_owner: false },
    ])
    expect(await acme.member.rpc('list_my_organisations')).toMatchObject([
      { roles: ['owner'], is_owner: true },
    ])
    await fanOut(acme.sql)
    const mails = await acme.admin.select('organisation_deliveries', {
      kind: 'ownership_transferred',
    })
    expect(mails.map((mail) => mail.recipient).sort()).toEqual(
      [acme.owner.email, acme.member.email].sort(),
    )
    expect(await acme.events()).toContain('organisation.transferred')
  })

  test('of two transfers at once one counts, and there is one owner', async ({ acme }) => {
    const outcomes = await Promise.allSettled(
      [acme.member, acme.finance].map(({ userId }) =>
        acme.owner.rpc('transfer_organisation_ownership', {
          organisation_id: acme.id,
          new_owner_id: userId,
        }),
      ),
    )

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'permission_denied' },
    })
    expect(
      await acme.sql`select from public.organisation_members
      where organisation_id = ${acme.id} and 'owner' = any (roles)`,
    ).toHaveLength(1)
  })

  test.for([
    ['owner', 'owner', 'member_not_found'],
    ['owner', 'stranger', 'member_not_found'],
    ['owner', 'outsider', 'member_not_found'],
    ['admin', 'admin', 'permission_denied'],
    ['member', 'member', 'permission_denied'],
    ['outsider', 'outsider', 'organisation_not_found'],
  ] as const)('%s to %s: %s', async ([who, whom, code], { acme }) => {
    await expect(
      acme[who].rpc('transfer_organisation_ownership', {
        organisation_id: acme.id,
        new_owner_id: acme[whom].userId,
      }),
    ).rejects.toMatchObject({ code })
  })

  test('not to someone who has left', async ({ acme }) => {
    await acme.member.rpc('leave_organisation', { organisation_id: acme.id })

    await expect(
      acme.owner.rpc('transfer_organisation_ownership', {
        organisation_id: acme.id,
        new_owner_id: acme.member.userId,
      }),
    ).rejects.toMatchObject({ code: 'member_not_found' })
  })
})
