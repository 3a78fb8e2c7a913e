import { randomUUID } from 'node:crypto'
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

describe('verify_organisation_audit_trail', () => {
  test('finds a trail that nobody touched whole, seal after seal', async ({ acme }) => {
    await acme.invite()
    await sealTrail(acme)
    const first = await verifyTrail(acme)
    await acme.inviteIn('revoked')
    await sealTrail(acme)

    expect(first).toMatchObject({
      is_whole: true,
      events: 2,
      sealed_events: 2,
      seals: 1,
      problem: null,
    })
    const second = await verifyTrail(acme)
    expect(second).toMatchObject({ is_whole: true, events: 4, sealed_events: 4, seals: 2 })
    expect(second.last_seal).toMatch(/^[0-9a-f]{64}$/)
    expect(second.last_seal).not.toBe(first.last_seal)
  })

  test('what is not sealed yet is no fault', async ({ acme }) => {
    await sealTrail(acme)
    await acme.invite()

    expect(await verifyTrail(acme)).toMatchObject({ is_whole: true, events: 2, sealed_events: 1 })
  })

  test.for([
    ['event_changed', `update public.organisation_audit_events set reason = 'x' where id = `],
    ['event_changed', `update public.organisation_audit_events set after = '{}' where id = `],
    [
      'event_changed',
      `update public.organisation_audit_events set occurred_at = occurred_at + interval '1 microsecond' where id = `,
    ],
    ['event_removed', 'delete from public.organisation_audit_events where id = '],
  ] as const)('%s: %s', async ([problem, statement], { acme }) => {
    await acme.invite()
    await acme.inviteIn('declined')
    await sealTrail(acme)
    const id = await eventId(acme, 'invite.created')

    await tamper(acme, `${statement} '${id}'`)

    expect(await verifyTrail(acme)).toMatchObject({
      is_whole: false,
      problem,
      event_id: id,
      seal_number: 1,
    })
  })

  test('a line that was put in later is found', async ({ acme }) => {
    await acme.invite()
    await sealTrail(acme)
    await acme.sql`insert into public.organisation_audit_events
      (organisation_id, occurred_at, event, actor_kind, target_kind, target_id)
      select organisation_id, occurred_at - interval '1 hour', 'invite.accepted', 'user', 'invite', target_id
      from public.organisation_audit_events where id = ${await eventId(acme, 'invite.created')}`

    expect(await verifyTrail(acme)).toMatchObject({
      is_whole: false,
      problem: 'event_inserted',
      seal_number: 1,
    })
  })

  test('who changes an event and its hash breaks the seal; who changes the seal breaks the next', async ({
    acme,
  }) => {
    await sealTrail(acme)
    await acme.invite()
    await sealTrail(acme)
    const id = await eventId(acme, 'organisation.created')
    await tamper(
      acme,
      `update public.organisation_audit_events set after = '{}' where id = '${id}'`,
    )
    await acme.sql`update usher.sealed_events s set hash = usher.event_hash(e)
      from public.organisation_audit_events e where e.id = s.event_id and e.id = ${id}`

    expect(await verifyTrail(acme)).toMatchObject({
      is_whole: false,
      problem: 'seal_broken',
      seal_number: 1,
    })

    await acme.sql`update usher.audit_seals set hash = usher.seal_hash(organisation_id, number, '')
      where organisation_id = ${acme.id} and number = 1`
    expect(await verifyTrail(acme)).toMatchObject({
      is_whole: false,
      problem: 'seal_broken',
      seal_number: 2,
    })
  })

  test('of an organisation that never was, nothing is said to be whole', async ({ acme }) => {
    const check = (id: string) =>
      acme.sql`select usher.check_audit_trail(${id})`.catch(
        (error) => JSON.parse(error.message).code,
      )

    expect(await check(randomUUID())).toBe('organisation_not_found')
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })
    expect(await check(acme.id)).toHaveLength(1)
  })

  test('a removal that the trail does not tell of is found, whatever the seal says', async ({
    acme,
  }) => {
    await sealTrail(acme)
    const id = await eventId(acme, 'organisation.created')
    await tamper(acme, `delete from public.organisation_audit_events where id = '${id}'`)
    await acme.sql`update usher.audit_seals set purged_at = now() where organisation_id = ${acme.id}`

    expect(await verifyTrail(acme)).toMatchObject({
      is_whole: false,
      problem: 'event_removed',
      event_id: id,
    })
  })

  test('a person is forgotten, and the trail stays whole', async ({ acme }) => {
    const { invite, token } = await acme.invite(acme.stranger.email)
    await acme.stranger.rpc('accept_organisation_invite', { token })
    await acme.admin.rpc('remove_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.stranger.userId,
      reason: 'Known for being strange',
    })
    await sealTrail(acme)

    await acme.sql`select usher.erase_person(${acme.stranger.userId})`

    const kept = JSON.stringify([
      await acme.owner.select('organisation_members'),
      await acme.owner.select('organisation_invites'),
      await acme.owner.select('organisation_deliveries'),
      await acme.owner.select('organisation_audit_events'),
    ])
    expect(kept).not.toContain(acme.stranger.email)
    expect(kept).not.toContain('strange')
    expect(kept).toContain(invite.id)
    const verified = await verifyTrail(acme)
    expect(verified).toMatchObject({ is_whole: true, problem: null })
    expect(verified.erased_events).toBeGreaterThan(0)
  })

  test('what is personal cannot be changed either, only erased', async ({ acme }) => {
    await sealTrail(acme)
    const id = await eventId(acme, 'organisation.created')
    await tamper(
      acme,
      `update public.organisation_audit_events set ip = '198.51.100.1' where id = '${id}'`,
    )

    expect(await verifyTrail(acme)).toMatchObject({
      is_whole: false,
      problem: 'event_changed',
      event_id: id,
    })
  })

  test('seals that are removed are missed', async ({ acme }) => {
    await sealTrail(acme)
    await acme.invite()
    await sealTrail(acme)
    await acme.sql`delete from usher.sealed_events where organisation_id = ${acme.id} and seal_number = 1`
    await acme.sql`delete from usher.audit_seals where organisation_id = ${acme.id} and number = 1`

    expect((await verifyTrail(acme)).is_whole).toBe(false)
  })

  test.for([
    ['member', 'permission_denied'],
    ['outsider', 'organisation_not_found'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    await expect(
      acme[who].rpc('verify_organisation_audit_trail', { organisation_id: acme.id }),
    ).rejects.toMatchObject({ code })
  })
})
