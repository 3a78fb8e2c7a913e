import { describe, expect } from 'vitest'
import { startReview } from '../support/access-reviews.ts'
import { type Organisation, test } from '../support/acme.ts'
import { joinByDomain, openDomain } from '../support/domains.ts'
import { deviceCode, followLostRights, inviteBy, removeAdmin } from '../support/lost-rights.ts'
import { onMember } from '../support/members.ts'
import { fanOut } from '../support/outbox.ts'
import { createWebhook } from '../support/webhooks.ts'
import { lease, prepare } from '../support/worker.ts'

const SOON = () => new Date(Date.now() + 86_400_000).toISOString()

const update = (acme: Organisation, changes: object) =>
  acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes })

const setRoles = (acme: Organisation, roles: string[]) =>
  acme.admin.rpc('update_organisation_member_roles', onMember(acme, 'member', { roles }))

/** A new invite, its id and address. */
const invited = async (acme: Organisation) => (await acme.invite()).invite

const letEnd = (acme: Organisation, ends: string) =>
  acme.sql.unsafe(
    `update public.organisation_members set ${ends} where user_id = '${acme.member.userId}'`,
  )

/** Somebody has asked to join; their request. */
async function requested(acme: Organisation) {
  const { employee } = await openDomain(acme, 'ask')
  await joinByDomain(acme, employee)
  const [request] = await acme.admin.select('organisation_join_requests')
  return { email: employee.email, request_id: request?.id }
}

async function credentialsLost(acme: Organisation) {
  await acme.owner.rpc(
    'update_organisation_member_roles',
    onMember(acme, 'admin', { roles: ['admin'] }),
  )
  await acme.admin.rpc('create_organisation_directory_token', {
    organisation_id: acme.id,
    name: 'Okta',
  })
  await removeAdmin(acme)
  await followLostRights(acme)
}

type Row = [
  event: string,
  kind: string,
  whom: string,
  /** Lets it happen; answers to whom it is mailed. */
  happen: (acme: Organisation) => Promise<string[]>,
]

/** Each line of the trail that somebody is mailed, in the order of sql/70_worker/01_event_mails.sql. */
const MAILS: Row[] = [
  ['invite.created', 'invite', 'the invitee', async (acme) => [(await invited(acme)).email]],
  [
    'invite.resent',
    'invite',
    'the invitee',
    async (acme) => {
      const { id, email } = await invited(acme)
      await acme.sql`update usher.invites set issued_at = now() - interval '1 day' where id = ${id}`
      await acme.owner.rpc('resend_organisation_invite', { invite_id: id })
      return [email]
    },
  ],
  [
    'invite.roles_updated',
    'invite',
    'the invitee',
    async (acme) => {
      const { id, email } = await invited(acme)
      await acme.owner.rpc('update_organisation_invite_roles', {
        invite_id: id,
        roles: ['finance'],
      })
      return [email]
    },
  ],
  [
    'invite.reminded',
    'invite_reminder',
    'the invitee',
    async (acme) => {
      const { id, email } = await invited(acme)
      await update(acme, { reminder_before: '2 days' })
      await acme.sql`update usher.invites set issued_at = now() - interval '6 days',
        expires_at = now() + interval '1 day' where id = ${id}`
      await acme.sql`select usher.remind_due_invites()`
      return [email]
    },
  ],
  [
    'invite.accepted',
    'invite_accepted',
    'who invited',
    async (acme) => {
      await acme.inviteIn('accepted')
      return [acme.owner.email]
    },
  ],
  [
    'invite.expired',
    'invite_expired',
    'who invited, where the organisation wants it',
    async (acme) => {
      await update(acme, { expiry_mail: true })
      await acme.inviteIn('expired')
      await acme.sql`select usher.expire_due_invites()`
      return [acme.owner.email]
    },
  ],
  [
    'device.enrolled',
    'device_enrolled',
    'who made its code',
    async (acme) => {
      const code = await deviceCode(acme)
      await (await acme.person()).rpc('enrol_organisation_device', { code })
      return [acme.admin.email]
    },
  ],
  [
    'member.roles_updated',
    'member_roles_updated',
    'the member',
    async (acme) => {
      await setRoles(acme, ['finance'])
      return [acme.member.email]
    },
  ],
  [
    'member.roles_updated',
    'access_ended',
    'the member, once a role has come to its end',
    async (acme) => {
      await letEnd(acme, `role_ends = '{"member": "2001-01-01T00:00:00Z"}'`)
      await acme.sql`select usher.end_due_access()`
      return [acme.member.email]
    },
  ],
  [
    'member.removed',
    'member_removed',
    'who was a member',
    async (acme) => {
      await acme.admin.rpc('remove_organisation_member', onMember(acme, 'member'))
      return [acme.member.email]
    },
  ],
  [
    'member.banned',
    'member_banned',
    'who was a member',
    async (acme) => {
      await acme.admin.rpc('ban_organisation_member', onMember(acme, 'member'))
      return [acme.member.email]
    },
  ],
  [
    'member.access_ending',
    'access_ending',
    'the member',
    async (acme) => {
      await acme.owner.rpc(
        'update_organisation_member_ends',
        onMember(acme, 'member', { ends_at: SOON() }),
      )
      await acme.sql`select usher.announce_ending_access()`
      return [acme.member.email]
    },
  ],
  [
    'member.access_ended',
    'access_ended',
    'who was a member',
    async (acme) => {
      await letEnd(acme, `ends_at = '2001-01-01T00:00:00Z'`)
      await acme.sql`select usher.end_due_access()`
      return [acme.member.email]
    },
  ],
  [
    'organisation.transferred',
    'ownership_transferred',
    'the new owner and the old one',
    async (acme) => {
      await acme.owner.rpc('transfer_organisation_ownership', {
        organisation_id: acme.id,
        new_owner_id: acme.admin.userId,
      })
      return [acme.owner.email, acme.admin.email]
    },
  ],
  [
    'join.requested',
    'join_requested',
    'those who may invite',
    async (acme) => {
      await requested(acme)
      return [acme.owner.email, acme.admin.email]
    },
  ],
  [
    'join.approved',
    'join_approved',
    'who asked',
    async (acme) => {
      const { request_id, email } = await requested(acme)
      await acme.admin.rpc('approve_organisation_join_request', { request_id })
      return [email]
    },
  ],
  [
    'join.declined',
    'join_declined',
    'who asked',
    async (acme) => {
      const { request_id, email } = await requested(acme)
      await acme.admin.rpc('decline_organisation_join_request', { request_id, reason: 'Not yet' })
      return [email]
    },
  ],
  [
    'invite.declined',
    'invite_declined',
    'those who may invite',
    async (acme) => {
      await acme.inviteIn('declined')
      return [acme.owner.email, acme.admin.email]
    },
  ],
  [
    'invite.resend_requested',
    'invite_resend_requested',
    'those who may send it again',
    async (acme) => {
      const { token } = await acme.inviteIn('expired')
      await acme.anyone.rpc('request_organisation_invite_resend', { token })
      return [acme.owner.email, acme.admin.email]
    },
  ],
  [
    'webhook.disabled',
    'webhook_disabled',
    'those who may manage webhooks',
    async (acme) => {
      const { webhook_id } = await createWebhook(acme)
      await acme.sql`select usher.disable_webhook(${webhook_id}, 'gone')`
      return [acme.owner.email, acme.admin.email]
    },
  ],
  [
    'invites.inviter_lost_right',
    'invites_lost_right',
    'those who may invite',
    async (acme) => {
      const successor = await acme.join(['admin'])
      await inviteBy(acme)
      await removeAdmin(acme)
      await followLostRights(acme)
      return [acme.owner.email, successor.email]
    },
  ],
  [
    'credentials.responsible_lost_right',
    'credentials_lost_right',
    'those who may take them over',
    async (acme) => {
      await credentialsLost(acme)
      return [acme.owner.email]
    },
  ],
  [
    'access_review.started',
    'access_review_started',
    'those who answer it',
    async (acme) => {
      await startReview(acme)
      return [acme.owner.email, acme.admin.email]
    },
  ],
  [
    'access_review.overdue',
    'access_review_overdue',
    'those who answer it',
    async (acme) => {
      const { id } = await startReview(acme)
      await acme.sql`update public.organisation_access_reviews set due_at = now() - interval '1 hour' where id = ${id}`
      await acme.sql`select usher.remind_overdue_reviews()`
      return [acme.owner.email, acme.admin.email]
    },
  ],
]

const mailsOf = async (acme: Organisation, event: string) => {
  await fanOut(acme.sql)
  return acme.sql`select d.kind, d.recipient, d.status, d.facts, d.caused_by
    from public.organisation_deliveries d
    join public.organisation_audit_events e on e.id = d.event_id
    where e.organisation_id = ${acme.id} and e.event = ${event}
    order by e.occurred_at, d.recipient`
}

describe('what happened is mailed', () => {
  test.for(MAILS)('%s: %s, to %s', async ([event, kind, , happen], { acme }) => {
    const whom = await happen(acme)

    const mails = await mailsOf(acme, event)
    expect(mails.map((mail) => [mail.kind, mail.recipient])).toEqual(
      whom.toSorted().map((recipient) => [kind, recipient]),
    )
  })

  test('in each kind of mail that there is, but for those of Supabase Auth', async ({ acme }) => {
    const [row] = await acme.sql`select pg_get_constraintdef(oid) as kinds from pg_constraint
      where conname = 'organisation_deliveries_kind'`
    const kinds = [...String(row?.kinds).matchAll(/'(\w+)'/g)].map(([, kind]) => kind)

    expect(kinds.length).toBeGreaterThan(20)
    expect(kinds.filter((kind) => kind !== 'auth').toSorted()).toEqual(
      [...new Set(MAILS.map(([, kind]) => kind))].toSorted(),
    )
  })

  test('by every event that the functions name, and by no other', async ({ acme }) => {
    const rows = await acme.sql`select prosrc from pg_proc
      where pronamespace = 'usher'::regnamespace
        and proname in ('invite_mails', 'notices_to_members', 'notices_to_admins', 'other_notices')`
    const named = rows.flatMap(({ prosrc }) =>
      [...prosrc.matchAll(/'([a-z_]+\.[a-z_]+)'/g)].map(([, event]) => event),
    )
    const permissions = await acme.sql`select name from usher.permissions`

    expect(rows).toHaveLength(4)
    expect(
      [...new Set(named)]
        .filter((name) => !permissions.some((each) => each.name === name))
        .toSorted(),
    ).toEqual([...new Set(MAILS.map(([event]) => event))].toSorted())
  })
})

describe('what happened is not mailed', () => {
  test.for<[string, string, (acme: Organisation) => Promise<unknown>]>([
    [
      'an invite that somebody lets expire, who knows it',
      'invite.expired',
      async (acme) => {
        await update(acme, { expiry_mail: true })
        await acme.owner.rpc('expire_organisation_invite', { invite_id: (await invited(acme)).id })
      },
    ],
    [
      'an invite that expires, where the organisation does not want it',
      'invite.expired',
      async (acme) => {
        await acme.inviteIn('expired')
        await acme.sql`select usher.expire_due_invites()`
      },
    ],
    ['an invite to a device', 'invite.created', deviceCode],
    [
      'an invite that is revoked, to its invitee',
      'invite.revoked',
      (acme) => acme.inviteIn('revoked'),
    ],
    [
      'a wish for another link that was sent by itself',
      'invite.resend_requested',
      async (acme) => {
        await update(acme, { self_service_resend: true })
        const { token } = await acme.inviteIn('expired')
        await acme.anyone.rpc('request_organisation_invite_resend', { token })
      },
    ],
    [
      'a device that a rule has removed: it has no reader',
      'member.removed',
      (
        acme,
      ) => acme.sql`select usher.end_membership(m.id, 'removed', 'member.removed', 'Rule', 'worker')
        from public.organisation_members m where m.user_id = ${acme.member.userId}`,
    ],
    [
      'who leaves',
      'member.left',
      (acme) => acme.member.rpc('leave_organisation', { organisation_id: acme.id }),
    ],
    [
      'who invited and is a member no longer, when it is accepted',
      'invite.accepted',
      async (acme) => {
        const invitee = await acme.person()
        const { id } = await inviteBy(acme, 'admin', { email: invitee.email, roles: ['member'] })
        await invitee.rpc('accept_organisation_invite', { token: await acme.mint(id) })
        await removeAdmin(acme)
      },
    ],
  ])('%s', async ([, event, happen], { acme }) => {
    await happen(acme)

    expect(await acme.events()).toContain(event)
    expect(await mailsOf(acme, event)).toEqual([])
  })
})

describe('a mail says what was true at the change', () => {
  test('of roles that change twice before it is queued, each mail says its own', async ({
    acme,
  }) => {
    await setRoles(acme, ['finance'])
    await setRoles(acme, ['finance', 'member'])
    await acme.owner.rpc('remove_organisation_member', onMember(acme, 'member'))

    const changed = await mailsOf(acme, 'member.roles_updated')
    expect(changed.map(({ facts }) => facts.roles)).toEqual([['finance'], ['finance', 'member']])
    expect(changed.map(({ caused_by }) => caused_by)).toEqual([
      acme.admin.userId,
      acme.admin.userId,
    ])
    expect(changed[0]?.facts).toMatchObject({ actor_name: 'admin', owner_name: 'owner' })
    expect(await mailsOf(acme, 'member.removed')).toMatchObject([
      { facts: { roles: ['finance', 'member'], actor_name: 'owner' } },
    ])
  })

  test('of an end that came, what ended and when', async ({ acme }) => {
    await setRoles(acme, ['finance', 'member'])
    await letEnd(acme, `role_ends = '{"finance": "2001-01-01T00:00:00Z"}'`)
    await acme.sql`select usher.end_due_access()`
    await letEnd(acme, `ends_at = '2001-01-02T00:00:00Z'`)
    await acme.sql`select usher.end_due_access()`

    const said = [
      ...(await mailsOf(acme, 'member.roles_updated')),
      ...(await mailsOf(acme, 'member.access_ended')),
    ].filter(({ kind }) => kind === 'access_ended')
    expect(said).toMatchObject([
      {
        facts: {
          roles: ['finance'],
          is_membership: false,
          ends_at: expect.stringMatching(/^2001-01-01/),
        },
      },
      {
        facts: {
          roles: ['member'],
          is_membership: true,
          ends_at: expect.stringMatching(/^2001-01-02/),
        },
      },
    ])
  })

  test('of an invite that is sent again before it is queued, only the newest goes', async ({
    acme,
  }) => {
    const { id, email } = await invited(acme)
    await acme.sql`update usher.invites set issued_at = now() - interval '1 day' where id = ${id}`
    await acme.owner.rpc('resend_organisation_invite', { invite_id: id })

    const leases = await lease(acme)
    const prepared = []
    for (const each of leases) prepared.push(await prepare(acme, each))
    const sent = prepared.filter((mail) => mail !== null)

    expect(sent.map((mail) => [mail.kind, mail.to])).toEqual([['invite', email]])
    expect(
      await acme.sql`select issue, status from public.organisation_deliveries
        where invite_id = ${id} order by issue`,
    ).toEqual([
      { issue: 1, status: 'cancelled' },
      { issue: 2, status: 'sending' },
    ])
  })

  test('of a change in the organisation that was deleted meanwhile, nothing', async ({ acme }) => {
    await setRoles(acme, ['finance'])
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })

    expect(await mailsOf(acme, 'member.roles_updated')).toEqual([])
  })

  test('of two transfers, each names the owner that it made', async ({ acme }) => {
    await acme.owner.rpc('transfer_organisation_ownership', {
      organisation_id: acme.id,
      new_owner_id: acme.admin.userId,
    })
    await acme.admin.rpc('transfer_organisation_ownership', {
      organisation_id: acme.id,
      new_owner_id: acme.member.userId,
    })

    const said = await mailsOf(acme, 'organisation.transferred')
    const names = said.map(({ recipient, facts }) => [recipient, facts.owner_name, facts.roles])
    expect(names).toEqual(
      expect.arrayContaining([
        [acme.owner.email, 'admin', ['admin']],
        [acme.admin.email, 'admin', ['owner']],
        [acme.admin.email, 'member', ['admin']],
        [acme.member.email, 'member', ['owner']],
      ]),
    )
    expect(names).toHaveLength(4)
  })

  test('two members with one address get it once, and everybody else theirs', async ({ acme }) => {
    await acme.sql`update public.organisation_members set roles = '{admin}', email = ${acme.admin.email}
      where organisation_id = ${acme.id} and user_id = ${acme.member.userId}`
    const { token } = await acme.invite()
    await acme.anyone.rpc('decline_organisation_invite', { token })

    const said = await mailsOf(acme, 'invite.declined')
    expect(said.map(({ recipient }) => recipient).sort()).toEqual(
      [acme.admin.email, acme.owner.email].sort(),
    )
  })

  test('nobody is told of who was forgotten meanwhile', async ({ acme }) => {
    const { email } = await invited(acme)
    const invitee = await acme.person(email)
    const [invite] = await acme.sql`select id from usher.invites where email = ${email}`
    await invitee.rpc('accept_organisation_invite', { token: await acme.mint(invite?.id) })
    await acme.sql`select usher.erase_person(${invitee.userId})`

    expect(await mailsOf(acme, 'invite.accepted')).toEqual([])
    expect(await mailsOf(acme, 'invite.created')).toEqual([])
  })
})
