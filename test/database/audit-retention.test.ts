import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { sealTrail, verifyTrail } from '../support/audit.ts'

describe('verify_organisation_audit_trail', () => {
  test('the longest retention there is stops nobody’s upkeep', async ({ acme }) => {
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { audit_retention: '100 years' },
    })
    await sealTrail(acme)

    const [row] = await acme.sql`
      select usher.purge_audit_trail() as events, usher.purge_webhook_answers() as answers`
    expect(row).toEqual({ events: 0, answers: 0 })
    expect(await verifyTrail(acme)).toMatchObject({ is_whole: true, events: 2 })
  })

  test('events past the retention go, by whole seals, and the trail stays whole', async ({
    acme,
  }) => {
    await acme.invite()
    await sealTrail(acme)
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { audit_retention: '30 days' },
    })
    const old = `update usher.audit_seals set last_event_at = last_event_at - interval '31 days' where organisation_id = '${acme.id}'`
    await acme.sql.unsafe(old)

    await acme.sql`select usher.purge_audit_trail()`

    expect(await acme.events()).toEqual(['organisation.updated', 'audit.purged'])
    expect(await verifyTrail(acme)).toMatchObject({ is_whole: true, events: 2, seals: 1 })
  })
})
