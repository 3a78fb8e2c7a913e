import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { asRefusal } from '../support/refusal.ts'

const requireRoom = (
  { sql, id }: Pick<Organisation, 'sql' | 'id'>,
  thing: string,
  more: number | null = 1,
) => asRefusal(() => sql`select usher.require_room(${thing}, ${id}, ${more})`)

/** So many exclusions of roles, of which an organisation may have a hundred. */
const plantExclusions = ({ sql, id }: Organisation, count: number) =>
  sql`insert into public.organisation_role_exclusions (organisation_id, name, roles)
    select ${id}, 'Apart ' || n, '{finance,member}' from generate_series(1, ${count}::integer) n`

describe('room for more', () => {
  test('is there up to the limit, and not for one beyond it', async ({ acme }) => {
    await plantExclusions(acme, 98)

    await requireRoom(acme, 'role exclusions', 2)
    await expect(requireRoom(acme, 'role exclusions', 3)).rejects.toMatchObject({
      code: 'invalid_settings',
      status: 422,
      hint: 'An organisation has at most 100 role exclusions: end or delete some first.',
    })
  })

  test('is not taken by what another organisation has', async ({ acme }) => {
    await plantExclusions(acme, 100)

    await expect(requireRoom(acme, 'role exclusions')).rejects.toMatchObject({
      code: 'invalid_settings',
    })
    await requireRoom({ ...acme, id: acme.otherId }, 'role exclusions', 100)
  })

  test('is not taken by what is over: an invite that is answered, a token that is revoked', async ({
    acme,
  }) => {
    const { sql, id } = acme
    await sql`insert into public.organisation_directory_tokens
        (organisation_id, name, created_by, responsible_id, revoked_at, expires_at)
      select ${id}, 'Token ' || n, ${acme.owner.userId}, ${acme.owner.userId},
        case when n <= 20 then now() end, case when n > 20 then now() - interval '1 second' end
      from generate_series(1, 40) n`
    await acme.inviteIn('declined')

    await requireRoom(acme, 'directory tokens', 20)
    await requireRoom(acme, 'open invites', 50_000)
    await expect(requireRoom(acme, 'open invites', 50_001)).rejects.toMatchObject({
      hint: expect.stringContaining('at most 50,000 open invites'),
    })
  })

  test('that somebody else has to make is waited for: who asks to join is told how long', async ({
    acme,
  }) => {
    await expect(requireRoom(acme, 'requests to join', 1001)).rejects.toMatchObject({
      code: 'rate_limited',
      status: 429,
      headers: { 'retry-after': '3600' },
      hint: 'An organisation has at most 1,000 requests to join: some have to be answered first.',
    })
  })

  test('is never there for something that has no limit: a misspelt name lets nobody in', async ({
    acme,
  }) => {
    await expect(acme.sql`select usher.require_room('webhook', ${acme.id})`).rejects.toMatchObject({
      code: 'P0002',
    })
  })
})
