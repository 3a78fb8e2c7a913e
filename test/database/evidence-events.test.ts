import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import type { Person } from '../support/people.ts'

const exportBy = (acme: Organisation, who: Person, period: object = {}) =>
  who.rpc('export_organisation_evidence', {
    organisation_id: acme.id,
    since: '2026-01-01T00:00:00Z',
    ...period,
  })

const eventsBy = (acme: Organisation, who: Person, page: object = {}) =>
  who.rpc('list_organisation_evidence_events', {
    organisation_id: acme.id,
    last_seal: 1,
    after_seal: 1,
    ...page,
  })

describe('list_organisation_evidence_events', () => {
  test('goes through all sealed events page by page, as the texts that were hashed', async ({
    acme,
  }) => {
    await acme.invite()
    await acme.inviteIn('revoked')
    await exportBy(acme, acme.admin)

    const first = await eventsBy(acme, acme.admin, { page_size: 3 })
    const second = await eventsBy(acme, acme.admin, { after_position: 3, page_size: 3 })

    expect([first, second].map(({ length }) => length)).toEqual([3, 2])
    for (const { event, event_hash, personal, personal_salt, personal_hash } of [
      ...first,
      ...second,
    ]) {
      const [row] =
        await acme.sql`select encode(sha256(convert_to(${event}, 'UTF8')), 'hex') as event_hash,
        encode(sha256(decode(${personal_salt}, 'hex') || convert_to(${personal}, 'UTF8')), 'hex') as personal_hash`
      expect(row).toEqual({ event_hash, personal_hash })
    }
  })

  test('gives hashes only of what comes after the period', async ({ acme }) => {
    await exportBy(acme, acme.admin)
    await acme.invite()
    await exportBy(acme, acme.admin)

    const events = await eventsBy(acme, acme.admin)

    const told = events.map(({ seal_number, event }: { seal_number: number; event: unknown }) => [
      seal_number,
      event !== null,
    ])
    expect(told).toEqual([
      [1, true],
      [1, true],
      [2, false],
      [2, false],
    ])
  })

  test.for([
    ['member', {}, 'permission_denied'],
    ['outsider', {}, 'organisation_not_found'],
    ['admin', { page_size: 0 }, 'invalid_settings'],
    ['admin', { page_size: 5001 }, 'invalid_settings'],
  ] as const)('is refused: %s %j, %s', async ([who, page, code], { acme }) => {
    await expect(eventsBy(acme, acme[who], page)).rejects.toMatchObject({ code })
  })
})
