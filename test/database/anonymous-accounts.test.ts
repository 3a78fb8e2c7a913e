import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import { CALLS, sceneOf } from '../support/matrix-calls.ts'
import { Caller } from '../support/people.ts'

/** A session of signInAnonymously: an account without an address. */
async function anonymous(acme: Organisation, claims: object = { is_anonymous: true }) {
  const id = randomUUID()
  await acme.sql`insert into auth.users (id) values (${id})`
  return new Caller(acme.sql, 'authenticated', { id, email: '' }, claims)
}

/** What somebody without any session may do as well. */
const forAnyone = async ({ sql }: Organisation) =>
  (
    await sql`select p.proname as name from pg_proc p
      where p.pronamespace = 'public'::regnamespace and has_function_privilege('anon', p.oid, 'execute')`
  ).map(({ name }) => name as string)

const reading = async ({ sql }: Organisation) =>
  (
    await sql`select p.proname as name from pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.provolatile <> 'v'`
  ).map(({ name }) => name as string)

/** Which functions of `public` let this caller do what they are for. */
async function allowed(acme: Organisation, callerIn: (scene: Organisation) => Promise<Caller>) {
  const names = (
    await acme.sql`select distinct p.proname as name from pg_proc p
      where p.pronamespace = 'public'::regnamespace
        and has_function_privilege('authenticated', p.oid, 'execute')`
  ).map(({ name }) => name as string)
  const done: string[] = []
  for (const name of names) {
    const call = CALLS[name]
    if (!call) throw new Error(`${name} is not in matrix-calls.ts`)
    const scene = await sceneOf(await createAcme(acme.sql))
    const args = await call(scene)
    const caller = await callerIn(scene)
    const answer = await caller.rpc(name, args).catch((error) => error)
    // A wrong code of a device is an answer, and a refusal.
    const isRefused = answer instanceof Error || answer?.code === 'invite_invalid'
    if (!isRefused) done.push(name)
  }
  return done.sort()
}

describe('a session of an anonymous account', () => {
  test('may look, decline and enrol a device, and nothing else: of all functions', async ({
    acme,
  }) => {
    const free = new Set([...(await forAnyone(acme)), ...(await reading(acme))])

    const changes = (await allowed(acme, anonymous)).filter((name) => !free.has(name))

    expect(changes).toEqual(['enrol_organisation_device'])
    expect([...free]).toContain('decline_organisation_invite')
  }, 120_000)

  test('of an enrolled device is no freer', async ({ acme }) => {
    const free = new Set([...(await forAnyone(acme)), ...(await reading(acme))])
    const device = async (scene: Organisation) => {
      const caller = await anonymous(scene)
      const { code } = await scene.owner.rpc('create_organisation_device_invite', {
        organisation_id: scene.id,
        device_name: 'Door',
        roles: ['member'],
      })
      await caller.rpc('enrol_organisation_device', { code })
      return caller
    }

    // Its organisation has it already.
    expect((await allowed(acme, device)).filter((name) => !free.has(name))).toEqual([])
  }, 120_000)

  test('is known by the account where the token does not say it', async ({ acme }) => {
    const caller = await anonymous(acme, {})
    await acme.sql`alter table auth.users add column if not exists is_anonymous boolean not null default false`
    await acme.sql`update auth.users set is_anonymous = true where id = ${caller.userId}`

    await expect(caller.rpc('create_organisation', { name: 'Nobody' })).rejects.toMatchObject({
      code: 'permission_denied',
    })
  })

  test('may not accept, not even with the address in its account', async ({ acme }) => {
    const { invite, token } = await acme.invite()
    const person = await acme.person(invite.email)

    await expect(
      person.inSession({ is_anonymous: true }).rpc('accept_organisation_invite', { token }),
    ).rejects.toMatchObject({ code: 'permission_denied' })
    await person.rpc('accept_organisation_invite', { token })
  })
})

describe('create_organisation', () => {
  test('takes a confirmed address', async ({ acme }) => {
    const person = await acme.person()
    await acme.sql`update auth.users set email_confirmed_at = null where id = ${person.userId}`

    await expect(person.rpc('create_organisation', { name: 'Early' })).rejects.toMatchObject({
      code: 'email_unverified',
    })
    await acme.sql`update auth.users set email_confirmed_at = now() where id = ${person.userId}`
    expect(await person.rpc('create_organisation', { name: 'Early' })).toMatchObject({
      name: 'Early',
    })
  })
})
