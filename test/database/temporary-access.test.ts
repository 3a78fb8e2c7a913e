import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'

type Who = 'owner' | 'admin' | 'finance' | 'member' | 'roleless' | 'outsider' | 'stranger'

const LATER = '2999-03-31T18:00:00+00:00'
const EVEN_LATER = '2999-12-31T18:00:00+00:00'

const setEnds = (acme: Organisation, by: Who, whom: Who, ends: Record<string, unknown>) =>
  acme[by].rpc('update_organisation_member_ends', {
    organisation_id: acme.id,
    user_id: acme[whom].userId,
    ...ends,
  })

/** Lets ends come that were set: what a clock does, without waiting for it. */
const letCome = (acme: Organisation, whom: Who, ends: { ends_at?: string; role_ends?: object }) =>
  acme.sql`update public.organisation_members m
    set ends_at = ${ends.ends_at ?? null}, role_ends = ${acme.sql.json((ends.role_ends ?? {}) as never)}
    where m.organisation_id = ${acme.id} and m.user_id = ${acme[whom].userId}`

const PAST = '2001-01-01T00:00:00Z'
const may = (acme: Organisation, who: Who, permission: string) =>
  acme[who].rpc('has_organisation_permission', { organisation_id: acme.id, permission })
const sweep = async ({ sql }: Organisation) => (await sql`select usher.end_due_access() as n`)[0]?.n

describe('update_organisation_member_ends', () => {
  test('an admin gives a membership and a role an end, with a line in the trail', async ({
    acme,
  }) => {
    expect(
      await setEnds(acme, 'admin', 'finance', {
        ends_at: EVEN_LATER,
        role_ends: { finance: LATER },
      }),
    ).toMatchObject({ status: 'active', roles: ['finance'], role_ends: { finance: LATER } })

    expect(await may(acme, 'finance', 'billing.read')).toBe(true)
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'member.ends_updated' }),
    ).toMatchObject([
      {
        actor_id: acme.admin.userId,
        target_id: acme.finance.userId,
        before: { ends_at: null, role_ends: {} },
        after: { ends_at: EVEN_LATER, role_ends: { finance: LATER } },
      },
    ])
  })

  test('what it does not name has no end any more', async ({ acme }) => {
    await setEnds(acme, 'admin', 'member', { ends_at: LATER, role_ends: { member: LATER } })

    expect(await setEnds(acme, 'admin', 'member', {})).toMatchObject({
      ends_at: null,
      role_ends: {},
      next_end_at: null,
    })
  })

  test('an end goes with its role, and does not come back with it', async ({ acme }) => {
    await setEnds(acme, 'admin', 'member', { role_ends: { member: LATER } })
    const setRoles = (roles: string[]) =>
      acme.admin.rpc('update_organisation_member_roles', {
        organisation_id: acme.id,
        user_id: acme.member.userId,
        roles,
      })

    expect(await setRoles(['finance', 'member'])).toMatchObject({ roles: ['finance', 'member'] })
    await setRoles(['finance'])
    await setRoles(['finance', 'member'])

    expect(
      await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
    ).toMatchObject([{ role_ends: {}, next_end_at: null }])
  })

  test.for([
    ['a time that is over', { ends_at: PAST }, 'invalid_expiry'],
    ['a role whose time is over', { role_ends: { member: PAST } }, 'invalid_expiry'],
    [
      'a time without an offset',
      { role_ends: { member: '2999-01-01T00:00:00' } },
      'invalid_expiry',
    ],
    ['a day that is none', { role_ends: { member: '2999-02-31T00:00:00Z' } }, 'invalid_expiry'],
    ['words', { role_ends: { member: 'next week' } }, 'invalid_expiry'],
    ['a role that they do not hold', { role_ends: { finance: LATER } }, 'invalid_role'],
    ['a list', { role_ends: ['member'] }, 'invalid_settings'],
  ] as const)('refuses %s', async ([, ends, code], { acme }) => {
    await expect(setEnds(acme, 'owner', 'member', ends)).rejects.toMatchObject({ code })

    expect(
      await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
    ).toMatchObject([{ ends_at: null, role_ends: {} }])
  })

  test.for([
    ['owner', 'owner', 'owner_required'],
    ['admin', 'owner', 'owner_required'],
    ['finance', 'member', 'permission_denied'],
    ['owner', 'stranger', 'member_not_found'],
    ['outsider', 'member', 'organisation_not_found'],
  ] as const)('%s on %s: %s', async ([by, whom, code], { acme }) => {
    await expect(setEnds(acme, by, whom, { ends_at: LATER })).rejects.toMatchObject({ code })
  })

  test('a longer time is a gift: nobody prolongs a role that is not theirs to give', async ({
    acme,
  }) => {
    await setEnds(acme, 'owner', 'admin', { role_ends: { admin: LATER } })

    await expect(
      setEnds(acme, 'admin', 'admin', { role_ends: { admin: EVEN_LATER } }),
    ).rejects.toMatchObject({ code: 'role_not_assignable', details: 'admin' })
    await expect(setEnds(acme, 'admin', 'admin', {})).rejects.toMatchObject({
      code: 'role_not_assignable',
    })
    // To go earlier is anyone's own choice who may change members.
    expect(
      await setEnds(acme, 'admin', 'admin', {
        ends_at: '2998-01-01T00:00:00Z',
        role_ends: { admin: LATER },
      }),
    ).toMatchObject({ role_ends: { admin: LATER } })
  })
})

describe('at its end', () => {
  test('a membership stops counting, before any sweep has come by', async ({ acme }) => {
    await letCome(acme, 'admin', { ends_at: PAST })

    expect(await may(acme, 'admin', 'organisation.read')).toBe(false)
    expect(await acme.admin.rpc('list_my_organisations')).toEqual([])
    expect(await acme.admin.select('organisations')).toEqual([])
    await expect(
      acme.admin.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'new@example.com',
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code: 'organisation_not_found' })
    const { invite } = await acme.invite()
    await expect(
      acme.admin.rpc('revoke_organisation_invite', { invite_id: invite.id }),
    ).rejects.toMatchObject({ code: 'invite_not_found' })
  })

  test('a role stops counting, and the others go on', async ({ acme }) => {
    await acme.owner.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
      roles: ['admin', 'member'],
    })
    await letCome(acme, 'member', { role_ends: { admin: PAST } })

    expect(await may(acme, 'member', 'invite.create')).toBe(false)
    expect(await may(acme, 'member', 'organisation.read')).toBe(true)
    expect(await acme.member.rpc('list_my_organisations')).toMatchObject([{ roles: ['member'] }])
    await expect(
      acme.member.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'new@example.com',
        roles: ['member'],
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
    expect(
      await acme.owner.rpc('list_organisation_role_members', {
        organisation_id: acme.id,
        role: 'admin',
      }),
    ).toMatchObject([{ user_id: acme.admin.userId }])
    expect(
      await acme.owner.rpc('list_organisation_member_roles', {
        organisation_id: acme.id,
        user_id: acme.member.userId,
      }),
    ).toEqual(['member'])
  })

  test('its seat is free', async ({ acme }) => {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { seat_limit: 5 },
    })
    await expect(acme.invite()).rejects.toMatchObject({ code: 'seat_limit_reached' })

    await letCome(acme, 'member', { ends_at: PAST })

    expect(await acme.invite()).toMatchObject({ invite: { status: 'pending' } })
  })

  test('the sweep writes it down, with a mail and a line in the trail', async ({ acme }) => {
    await sweep(acme)
    await letCome(acme, 'member', { ends_at: PAST })

    expect(await sweep(acme)).toBe(1)
    expect(await sweep(acme)).toBe(0)

    expect(
      await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
    ).toMatchObject([{ status: 'removed', status_reason: 'The membership had an end.' }])
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'member.access_ended' }),
    ).toMatchObject([{ actor_kind: 'worker', target_id: acme.member.userId }])
    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: 'access_ended' }),
    ).toMatchObject([
      { recipient: acme.member.email, facts: { roles: ['member'], is_membership: true } },
    ])
  })

  test('the sweep takes a role whose time is over, and leaves the others', async ({ acme }) => {
    await acme.owner.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
      roles: ['finance', 'member'],
    })
    await sweep(acme)
    await letCome(acme, 'member', { ends_at: LATER, role_ends: { finance: PAST } })

    expect(await sweep(acme)).toBe(1)

    expect(
      await acme.owner.select('organisation_members', { user_id: acme.member.userId }),
    ).toMatchObject([{ status: 'active', roles: ['member'], role_ends: {} }])
    expect(
      await acme.owner.select('organisation_audit_events', {
        event: 'member.roles_updated',
        actor_kind: 'worker',
      }),
    ).toMatchObject([
      {
        before: { roles: ['finance', 'member'] },
        after: { roles: ['member'] },
        reason: 'The role had an end.',
      },
    ])
    await fanOut(acme.sql)
    expect(
      await acme.owner.select('organisation_deliveries', { kind: 'access_ended' }),
    ).toMatchObject([{ facts: { roles: ['finance'], is_membership: false } }])
  })

  test('whoever was here for a time can be invited again, without that end', async ({ acme }) => {
    await letCome(acme, 'member', { ends_at: PAST })
    const { token } = await acme.invite(acme.member.email)

    expect(await acme.member.rpc('accept_organisation_invite', { token })).toMatchObject({
      status: 'active',
      ends_at: null,
      next_end_at: null,
    })
    const trail = await acme.events()
    expect(trail.indexOf('member.access_ended')).toBeGreaterThan(0)
    expect(trail.lastIndexOf('invite.accepted')).toBeGreaterThan(
      trail.indexOf('member.access_ended'),
    )
  })

  test('a ban outlasts it', async ({ acme }) => {
    await acme.owner.rpc('ban_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
    })
    await letCome(acme, 'member', { ends_at: PAST })
    await sweep(acme)

    await expect(acme.invite(acme.member.email)).rejects.toMatchObject({ code: 'member_banned' })
  })

  test('who becomes the owner has no end any more, and nobody becomes it after theirs', async ({
    acme,
  }) => {
    await letCome(acme, 'member', { ends_at: PAST })
    const transfer = (to: Who) =>
      acme.owner.rpc('transfer_organisation_ownership', {
        organisation_id: acme.id,
        new_owner_id: acme[to].userId,
      })
    await expect(transfer('member')).rejects.toMatchObject({ code: 'member_not_found' })

    await letCome(acme, 'admin', { ends_at: LATER, role_ends: { admin: LATER } })
    expect(await transfer('admin')).toMatchObject({
      roles: ['owner'],
      ends_at: null,
      next_end_at: null,
    })
  })
})

describe('before its end', () => {
  const announce = async ({ sql }: Organisation) =>
    (await sql`select usher.announce_ending_access() as n`)[0]?.n
  const inDays = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString()

  test('the member is told once, and again when the end is another', async ({ acme }) => {
    await setEnds(acme, 'owner', 'member', { ends_at: inDays(10) })
    await announce(acme)
    await fanOut(acme.sql)
    expect(await acme.owner.select('organisation_deliveries', { kind: 'access_ending' })).toEqual(
      [],
    )

    await setEnds(acme, 'owner', 'member', { ends_at: inDays(2) })
    expect(await announce(acme)).toBe(1)
    expect(await announce(acme)).toBe(0)

    await setEnds(acme, 'owner', 'member', {
      ends_at: inDays(1),
      role_ends: { member: inDays(0.5) },
    })
    expect(await announce(acme)).toBe(1)
    await fanOut(acme.sql)
    expect(
      (await acme.owner.select('organisation_deliveries', { kind: 'access_ending' })).sort((a, b) =>
        a.created_at.localeCompare(b.created_at),
      ),
    ).toMatchObject([
      { recipient: acme.member.email, facts: { roles: ['member'], is_membership: true } },
      { recipient: acme.member.email, facts: { roles: ['member'], is_membership: false } },
    ])
  })

  test('nobody is told where the project does not want it', async ({ acme }) => {
    await acme.sql`select usher.update_settings('{"access_end_notice": "0"}')`
    await setEnds(acme, 'owner', 'member', { ends_at: inDays(1) })

    expect(await announce(acme)).toBe(0)
  })
})

describe('an invite to a membership with an end', () => {
  const invite = (acme: Organisation, ends: unknown) =>
    acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: 'new@example.com',
      roles: ['member'],
      membership_ends_at: ends,
    })

  test('says so, and makes a membership that ends then', async ({ acme }) => {
    const { id } = await invite(acme, LATER)
    const token = await acme.mint(id)
    const invitee = await acme.person('new@example.com')

    const preview = await acme.anyone.rpc('validate_organisation_invite', { token })
    expect(new Date(preview.membership_ends_at)).toEqual(new Date(LATER))
    const member = await invitee.rpc('accept_organisation_invite', { token })
    expect(new Date(member.ends_at)).toEqual(new Date(LATER))
  })

  test('ends with it at the latest, and is not sent again after it', async ({ acme }) => {
    const soon = new Date(Date.now() + 2 * 3_600_000)
    const { id, expires_at } = await invite(acme, soon.toISOString())
    expect(new Date(expires_at)).toEqual(soon)

    await acme.sql`update usher.invites set expires_at = now() - interval '1 second',
      membership_ends_at = now() - interval '1 second' where id = ${id}`
    await expect(
      acme.owner.rpc('resend_organisation_invite', { invite_id: id }),
    ).rejects.toMatchObject({ code: 'invalid_expiry' })
  })

  test.for([
    ['in half an hour', 30],
    ['a minute ago', -1],
  ] as const)('not one that ends %s', async ([, minutes], { acme }) => {
    const end = new Date(Date.now() + minutes * 60_000).toISOString()
    await expect(invite(acme, end)).rejects.toMatchObject({ code: 'invalid_expiry' })
  })

  test('row by row in a batch', async ({ acme }) => {
    const row = (email: string, membership_ends_at: string) => ({
      email,
      roles: ['member'],
      membership_ends_at,
    })
    expect(
      await acme.owner.rpc('create_organisation_invites', {
        organisation_id: acme.id,
        invites: [
          row('a@example.com', LATER),
          row('b@example.com', 'tomorrow'),
          row('c@example.com', PAST),
        ],
      }),
    ).toMatchObject([
      { status: 'created' },
      { status: 'failed', error_code: 'invalid_expiry' },
      { status: 'failed', error_code: 'invalid_expiry' },
    ])
  })
})
