import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('organisation_audit_events', () => {
  test('says who did what to what, and from where', async ({ acme }) => {
    const { id } = await acme.admin.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: 'new@example.com',
      roles: ['member'],
    })
    await acme.admin.rpc('revoke_organisation_invite', { invite_id: id, reason: 'Wrong role' })

    const [revoked] = await acme.admin.select('organisation_audit_events', {
      event: 'invite.revoked',
    })
    expect(revoked).toMatchObject({
      organisation_id: acme.id,
      actor_kind: 'user',
      actor_id: acme.admin.userId,
      target_kind: 'invite',
      target_id: id,
      before: { status: 'pending' },
      after: { status: 'revoked' },
      reason: 'Wrong role',
      ip: '192.0.2.7',
      user_agent: 'test',
    })
  })

  test('holds no address and no token', async ({ acme }) => {
    const { invite, token } = await acme.invite('who@example.com')
    await (await acme.person('who@example.com')).rpc('accept_organisation_invite', { token })

    const trail = JSON.stringify(await acme.owner.select('organisation_audit_events'))
    expect(trail).toContain(invite.id)
    expect(trail).not.toContain('@')
    expect(trail).not.toContain('inv_')
  })

  test('a line cannot be changed or removed, not even by the owner of the table', async ({
    acme,
  }) => {
    for (const statement of [
      'update public.organisation_audit_events set event = event',
      'delete from public.organisation_audit_events',
      'truncate public.organisation_audit_events',
    ]) {
      await expect(acme.sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('a call that is refused leaves no line, no invite and no mail', async ({ acme }) => {
    const count = async () =>
      (
        await acme.sql`select
      (select count(*) from public.organisation_audit_events) as events,
      (select count(*) from public.organisation_deliveries) as deliveries,
      (select count(*) from usher.invites) as invites`
      )[0]
    const before = await count()

    await expect(
      acme.owner.rpc('create_organisation_invite', {
        organisation_id: acme.id,
        email: 'x@example.com',
        roles: ['owner'],
      }),
    ).rejects.toMatchObject({ code: 'role_not_assignable' })

    expect(await count()).toEqual(before)
  })

  test('outlives its organisation', async ({ acme }) => {
    await acme.invite()
    await acme.sql`delete from public.organisations where id = ${acme.id}`

    expect(await acme.events()).toEqual(['organisation.created', 'invite.created'])
  })
})
