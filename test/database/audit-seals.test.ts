import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { sealTrail, verifyTrail } from '../support/audit.ts'

/** Changes what cannot be changed, as somebody could who owns the database. */
const tamper = (acme: Organisation, statement: string) =>
  acme.sql.begin(async (tx) => {
    await tx`alter table public.organisation_audit_events disable trigger usher_append_only`
    await tx.unsafe(statement)
    await tx`alter table public.organisation_audit_events enable trigger usher_append_only`
  })

const eventId = async (acme: Organisation, event: string) =>
  (
    await acme.sql`select id from public.organisation_audit_events
    where organisation_id = ${acme.id} and event = ${event} order by occurred_at limit 1`
  )[0]?.id

describe('what a request claims of its address', () => {
  test('is under the seal; what was sealed before such was kept reads as it did', async ({
    acme,
  }) => {
    await acme.invite()
    const [older] =
      await acme.sql`select usher.personal_text(row(e.*)::public.organisation_audit_events) as text
      from (
        select e.* from public.organisation_audit_events e where e.organisation_id = ${acme.id} limit 0
      ) e
      right join (values (1)) one (n) on true`
    expect(older?.text).toBe('[null, null, null]')
    await sealTrail(acme)
    expect(await verifyTrail(acme)).toMatchObject({ is_whole: true })
    const id = await eventId(acme, 'invite.created')

    for (const statement of [
      `claimed_ip = '203.0.113.5'`,
      'claimed_ip = null',
      'ip = claimed_ip',
    ]) {
      const [before] =
        await acme.sql`select * from public.organisation_audit_events where id = ${id}`
      await tamper(
        acme,
        `update public.organisation_audit_events set ${statement} where id = '${id}'`,
      )
      expect(await verifyTrail(acme)).toMatchObject({
        is_whole: false,
        problem: 'event_changed',
        event_id: id,
      })
      await tamper(
        acme,
        `update public.organisation_audit_events set ip = '${before?.ip}',
        claimed_ip = '${before?.claimed_ip}' where id = '${id}'`,
      )
    }
    expect(await verifyTrail(acme)).toMatchObject({ is_whole: true })
  })

  test('goes with the person, and the trail stays whole', async ({ acme }) => {
    await acme.admin.rpc('create_organisation_invite', {
      ...{ organisation_id: acme.id, email: 'new@example.com', roles: ['member'] },
    })
    await sealTrail(acme)

    await acme.sql`select usher.erase_person(${acme.admin.userId})`

    expect(
      await acme.sql`select ip, claimed_ip, user_agent from public.organisation_audit_events
        where actor_id = ${acme.admin.userId} and claimed_ip is not null`,
    ).toEqual([])
    expect(await verifyTrail({ ...acme, admin: acme.owner })).toMatchObject({ is_whole: true })
  })
})
