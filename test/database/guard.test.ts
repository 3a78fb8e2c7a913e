import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { account, email, oauth, password, setRule, token } from '../support/auth-sessions.ts'
import { begin, settled } from '../support/locks.ts'
import type { Caller } from '../support/people.ts'
import { asRefusal } from '../support/refusal.ts'

interface Question {
  organisationId?: string | null
  permission?: string | null
  lock?: string | null
  notFound?: string
}

/** What every rule asks in its first line, in a call of this caller; answers whose membership it found. */
const guard = (
  { sql, id }: Pick<Organisation, 'sql' | 'id'>,
  { userId, claims }: Caller,
  {
    organisationId = id,
    permission = 'member.remove',
    lock = null,
    notFound = 'organisation_not_found',
  }: Question = {},
) =>
  asRefusal(() =>
    sql.begin(async (tx) => {
      const said = { role: 'authenticated', ...claims, ...(userId && { sub: userId }) }
      await tx`select set_config('request.jwt.claims', ${JSON.stringify(said)}, true)`
      const [row] = await tx`select (usher.require_permission(
        ${organisationId}, ${permission}, ${lock}, ${notFound})).user_id as found`
      return row?.found
    }),
  )

const DENIED = { code: 'permission_denied', status: 403 }
const NOT_FOUND = { code: 'organisation_not_found', status: 404 }

describe('the guard', () => {
  test('lets in a member whose roles permit it, and says who they are', async ({ acme }) => {
    expect(await guard(acme, acme.admin)).toBe(acme.admin.userId)
    expect(await guard(acme, acme.owner, { lock: 'share' })).toBe(acme.owner.userId)
  })

  test.for(['finance', 'member', 'roleless'] as const)(
    'tells a %s which permission is missing',
    async (who, { acme }) => {
      await expect(guard(acme, acme[who])).rejects.toMatchObject({
        ...DENIED,
        details: 'member.remove',
      })
    },
  )

  test('lets in any member where nothing in particular is asked for', async ({ acme }) => {
    expect(await guard(acme, acme.roleless, { permission: null })).toBe(acme.roleless.userId)
    await expect(guard(acme, acme.outsider, { permission: null })).rejects.toMatchObject(NOT_FOUND)
  })

  test('tells a stranger the same of what is somebody else’s and of what is not there', async ({
    acme,
  }) => {
    const told = (who: Caller, question: Question = {}) =>
      guard(acme, who, question).catch(({ code, status, message, details, hint }) => ({
        ...{ code, status, message, details, hint },
      }))
    const foreign = await told(acme.outsider)

    expect(foreign).toMatchObject(NOT_FOUND)
    expect(await told(acme.stranger)).toEqual(foreign)
    expect(await told(acme.outsider, { organisationId: randomUUID() })).toEqual(foreign)
    expect(await told(acme.owner, { organisationId: null })).toEqual(foreign)
  })

  test('says it in the word for the thing that was asked for', async ({ acme }) => {
    await expect(
      guard(acme, acme.outsider, { notFound: 'invite_not_found' }),
    ).rejects.toMatchObject({ code: 'invite_not_found', status: 404 })
  })

  test.for(['left', 'removed', 'banned'])(
    'takes who has %s for a stranger',
    async (status, { acme }) => {
      await expect(guard(acme, await acme.join(['admin'], status))).rejects.toMatchObject(NOT_FOUND)
    },
  )

  test('asks for a session', async ({ acme }) => {
    for (const lock of [null, 'share']) {
      await expect(guard(acme, acme.anyone, { lock })).rejects.toMatchObject({
        code: 'unauthenticated',
        status: 401,
      })
    }
  })

  test('lets an anonymous account look, and change nothing', async ({ acme }) => {
    const device = acme.admin.inSession({ is_anonymous: true })

    expect(await guard(acme, device)).toBe(acme.admin.userId)
    await expect(guard(acme, device, { lock: 'share' })).rejects.toMatchObject({
      ...DENIED,
      hint: expect.stringContaining('anonymous'),
    })
  })

  test('sends a member to the way in that is asked for, before it says what they may do', async ({
    acme,
  }) => {
    const address = email()
    const providers = ['email', 'keycloak']
    const member = await account(acme, address, { providers })
    await acme.sql`select usher.add_member(${acme.id}, ${member.userId}, '{member}')`
    await setRule(acme, { provider: 'keycloak' })
    await acme.sql`update public.organisation_sign_in_rules set for_members = true
      where organisation_id = ${acme.id}`
    const by = (amr: ReturnType<typeof oauth>) => member.inSession(token(address, providers, [amr]))

    await expect(guard(acme, by(password()))).rejects.toMatchObject({
      code: 'sso_required',
      details: 'keycloak',
    })
    await expect(guard(acme, by(oauth()))).rejects.toMatchObject(DENIED)
    expect(await guard(acme, by(oauth()), { permission: 'member.read' })).toBe(member.userId)
  })

  test('asks again once it has waited: who was removed meanwhile is a stranger', async ({
    acme,
  }) => {
    const held = await begin(acme.sql, null)
    await held.tx`select usher.lock_organisation(${acme.id}, 'settings')`
    await held.tx`update public.organisation_members set status = 'removed', ended_at = now()
      where user_id = ${acme.admin.userId}`
    const own = await acme.sql.reserve()
    const [row] = await own`select pg_backend_pid() as pid`
    const claims = JSON.stringify({ sub: acme.admin.userId })
    const asking = asRefusal(async () => {
      await own`select set_config('request.jwt.claims', ${claims}, false)`
      return own`select usher.require_permission(${acme.id}, 'member.remove', 'share')`
    })
    try {
      expect(await settled(acme.sql, row?.pid, asking)).toBe('waits')
    } finally {
      await held.commit()
      await asking.catch(() => {})
      await own`reset all`
      own.release()
    }

    await expect(asking).rejects.toMatchObject(NOT_FOUND)
  })

  test('lets nobody wait who is no member', async ({ acme }) => {
    const held = await begin(acme.sql, null)
    try {
      await held.tx`select usher.lock_organisation(${acme.id}, 'delete')`

      await expect(guard(acme, acme.stranger, { lock: 'share' })).rejects.toMatchObject(NOT_FOUND)
    } finally {
      await held.rollback()
    }
  })
})
