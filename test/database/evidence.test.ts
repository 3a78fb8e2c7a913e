import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import type { Person } from '../support/people.ts'

const exportBy = (acme: Organisation, who: Person, period: object = {}) =>
  who.rpc('export_organisation_evidence', {
    organisation_id: acme.id,
    since: '2026-01-01T00:00:00Z',
    ...period,
  })

describe('export_organisation_evidence', () => {
  test('seals the trail first, is itself in it, and shows the seals', async ({ acme }) => {
    await acme.invite()

    const evidence = await exportBy(acme, acme.admin)

    const sealed = await acme.sql`select e.event from public.organisation_audit_events e
      join usher.sealed_events s on s.event_id = e.id
      where e.organisation_id = ${acme.id} order by s.seal_number, s.position`
    expect(sealed.map(({ event }) => event)).toEqual([
      'organisation.created',
      'invite.created',
      'evidence.exported',
    ])
    expect(evidence.trail).toMatchObject({ first_seal: 1, last_seal: 1, head_seal: 1 })
    expect(evidence.trail.seals).toEqual([
      expect.objectContaining({
        number: 1,
        events: 3,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    ])
    const [event] = await acme.owner.select('organisation_audit_events', {
      event: 'evidence.exported',
    })
    expect(event).toMatchObject({ actor_id: acme.admin.userId, actor_kind: 'user' })
  })

  test('tells of the period and of nothing else', async ({ acme }) => {
    const [then] = await acme.sql`select clock_timestamp() as at`
    await acme.inviteIn('accepted')

    const before = await exportBy(acme, acme.admin, { until: then?.at })
    const after = await exportBy(acme, acme.admin, { since: then?.at })

    expect(before.tables.changes.map(({ role }: { role: string }) => role)).toEqual(['owner'])
    expect(before.tables.invites).toEqual([])
    expect(after.tables.changes.map(({ role }: { role: string }) => role)).toEqual(['member'])
    expect(after.tables.invites).toEqual([
      expect.objectContaining({ status: 'accepted', roles: ['member'] }),
    ])
    // Who holds a right holds it in both.
    const owners = [before, after].map(({ tables }) =>
      tables.rights.find(({ role }: { role: string }) => role === 'owner'),
    )
    expect(owners.map(({ is_held }) => is_held)).toEqual([true, true])
  })

  test('writes times as ISO 8601 in UTC and durations as ISO 8601, whatever the session has', async ({
    acme,
  }) => {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { audit_retention: '365 days' },
    })
    const evidence = await acme.owner.run(async (tx) => {
      await tx`set local timezone = 'Asia/Kolkata'`
      const [row] =
        await tx`select public.export_organisation_evidence(${acme.id}, '2026-01-01T00:00:00Z') as evidence`
      return row?.evidence
    })

    expect(evidence.organisation.audit_retention).toBe('P365D')
    expect(evidence.since).toBe('2026-01-01T00:00:00+00:00')
    expect(evidence.tables.rights[0].granted_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/)
  })

  test('names separated duties, who breaks them, and who gave themselves a right', async ({
    acme,
  }) => {
    await acme.owner.rpc('create_organisation_role', { organisation_id: acme.id, name: 'auditor' })
    await acme.owner.rpc('create_organisation_role_exclusion', {
      organisation_id: acme.id,
      name: 'Books and their check',
      roles: ['finance', 'auditor'],
    })
    // The rules let nobody do this; somebody who owns the database can.
    await acme.sql`update public.organisation_members set roles = '{finance,auditor}'
      where user_id = ${acme.finance.userId}`
    await acme.admin.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.admin.userId,
      roles: ['admin', 'finance'],
    })

    const { tables } = await exportBy(acme, acme.owner)

    expect(tables.exclusions).toEqual([
      expect.objectContaining({ name: 'Books and their check', cardinality: 2, violations: 1 }),
    ])
    expect(tables.duty_findings).toEqual([
      expect.objectContaining({
        finding: 'excluded_roles_held',
        exclusion: 'Books and their check',
        user_id: acme.finance.userId,
        roles: ['auditor', 'finance'],
      }),
      expect.objectContaining({
        finding: 'granted_to_oneself',
        user_id: acme.admin.userId,
        roles: ['finance'],
      }),
    ])
  })

  test('lists the rotations of signing keys by number, and no secret', async ({ acme }) => {
    await acme.invite()
    await acme.sql`select usher.rotate_signing_key()`

    const evidence = await exportBy(acme, acme.owner)

    const { signing_keys: keys } = evidence.tables
    expect(keys.at(-1)).toMatchObject({ state: 'signs', retired_at: null })
    expect(keys.at(-2)).toMatchObject({ state: 'verifies' })
    const secrets = await acme.sql`select encode(secret, 'hex') as secret from usher.signing_keys`
    for (const { secret } of secrets) expect(JSON.stringify(evidence)).not.toContain(secret)
  })

  test('leaves addresses out that its reader may not see elsewhere', async ({ acme }) => {
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'auditor',
      permissions: ['audit.read'],
    })
    const auditor = await acme.join(['auditor'])
    const { invite } = await acme.invite('secret@example.com')

    const seen = JSON.stringify(await exportBy(acme, auditor))

    expect(seen).toContain(invite.id)
    expect(seen).not.toMatch(/@example\.com/)
    expect(JSON.stringify(await exportBy(acme, acme.admin))).toContain('secret@example.com')
  })

  test.for([
    ['member', {}, 'permission_denied'],
    ['outsider', {}, 'organisation_not_found'],
    ['admin', { since: '2026-02-01T00:00:00Z', until: '2026-01-01T00:00:00Z' }, 'invalid_settings'],
    ['admin', { since: '2100-01-01T00:00:00Z' }, 'invalid_settings'],
    ['admin', { since: null }, 'invalid_settings'],
  ] as const)('is refused: %s %j, %s', async ([who, period, code], { acme }) => {
    await expect(exportBy(acme, acme[who], period)).rejects.toMatchObject({ code })
    expect(await acme.events()).not.toContain('evidence.exported')
  })
})
