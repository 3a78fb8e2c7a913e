import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import type { Caller } from '../support/people.ts'

function once(
  caller: Caller,
  idempotency_key: string | null,
  args: object,
  function_name = 'create_organisation_invite',
) {
  return caller.rpc('call_organisation_function_once', {
    idempotency_key,
    function_name,
    arguments: args,
  })
}

const invitation = ({ id }: Organisation, email = 'once@example.com') => ({
  organisation_id: id,
  email,
  roles: ['member'],
})

const count = async ({ sql, id }: Organisation) => {
  const [row] =
    await sql`select count(*)::int as n from usher.invites where organisation_id = ${id}`
  return row?.n
}

describe('call_organisation_function_once', () => {
  test('the same call with the same key is carried out once, and answers the same', async ({
    acme,
  }) => {
    const key = randomUUID()

    const first = await once(acme.admin, key, invitation(acme))
    const again = await once(acme.admin, key, invitation(acme))

    expect(first).toMatchObject({ is_replay: false, result: { email: 'once@example.com' } })
    expect(again).toEqual({ is_replay: true, result: first.result })
    expect(await count(acme)).toBe(1)
  })

  test('returns what the function itself returns, a list for a list', async ({ acme }) => {
    const rows = [
      { email: 'one@example.com', roles: ['member'] },
      { email: 'no address', roles: ['member'] },
    ]
    const args = { organisation_id: acme.id, invites: rows }

    const { result } = await once(acme.admin, randomUUID(), args, 'create_organisation_invites')

    expect(result).toMatchObject([
      { row_number: 1, status: 'created' },
      { row_number: 2, status: 'failed', error_code: 'invalid_email' },
    ])
  })

  test('a key belongs to one request, whatever differs in the next', async ({ acme }) => {
    const key = randomUUID()
    await once(acme.admin, key, invitation(acme))

    const refusal = { code: 'idempotency_key_reused', status: 422 }
    await expect(once(acme.admin, key, invitation(acme, 'b@example.com'))).rejects.toMatchObject(
      refusal,
    )
    await expect(
      once(acme.admin, key, { name: 'New' }, 'create_organisation'),
    ).rejects.toMatchObject(refusal)
  })

  test('a key is the own of each caller', async ({ acme }) => {
    const key = randomUUID()
    await once(acme.admin, key, { name: 'New' }, 'create_organisation')

    expect(await once(acme.owner, key, { name: 'New' }, 'create_organisation')).toMatchObject({
      is_replay: false,
    })
  })

  test('a refusal keeps nothing, so that the key is free for the next try', async ({ acme }) => {
    const key = randomUUID()
    const args = { organisation_id: acme.id, email: 'x@example.com', roles: ['no-such-role'] }
    await expect(once(acme.admin, key, args)).rejects.toMatchObject({ code: 'invalid_role' })

    await acme.admin.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'no-such-role',
    })

    expect(await once(acme.admin, key, args)).toMatchObject({ is_replay: false })
  })

  test('whoever may not call the function may not call it once either', async ({ acme }) => {
    await expect(once(acme.member, randomUUID(), invitation(acme))).rejects.toMatchObject({
      code: 'permission_denied',
    })
    await expect(once(acme.anyone, randomUUID(), invitation(acme))).rejects.toMatchObject({
      code: '42501',
    })
    expect(await count(acme)).toBe(0)
  })

  test('two at the same time: one is carried out, the other is told to wait', async ({ acme }) => {
    const key = randomUUID()
    let release = () => {}
    const isHeld = new Promise<void>((resolve) => {
      release = resolve
    })
    let hasCalled = () => {}
    const called = new Promise<void>((resolve) => {
      hasCalled = resolve
    })
    const first = acme.admin.run(async (tx) => {
      await tx`select public.call_organisation_function_once(
        ${key}, 'create_organisation_invite', ${tx.json(invitation(acme))})`
      hasCalled()
      await isHeld
    })
    await called

    await expect(once(acme.admin, key, invitation(acme))).rejects.toMatchObject({
      code: 'idempotency_key_in_use',
      status: 409,
      headers: { 'retry-after': '1' },
    })
    release()
    await first
    expect(await once(acme.admin, key, invitation(acme))).toMatchObject({ is_replay: true })
    expect(await count(acme)).toBe(1)
  })

  test('ten at once make one invite', async ({ acme }) => {
    const key = randomUUID()

    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () =>
        once(acme.admin, key, invitation(acme)).then(
          ({ is_replay }) => (is_replay ? 'replay' : 'made'),
          (error) => error.code,
        ),
      ),
    )

    expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(1)
    const others = outcomes.filter((outcome) => outcome !== 'made')
    expect(others.filter((each) => !['replay', 'idempotency_key_in_use'].includes(each))).toEqual(
      [],
    )
    expect(await count(acme)).toBe(1)
  })

  test('after 24 hours a key is forgotten, and swept with the next call', async ({ acme }) => {
    const [key, other] = [randomUUID(), randomUUID()]
    await once(acme.admin, key, { name: 'New' }, 'create_organisation')
    await once(acme.admin, other, { name: 'Other' }, 'create_organisation')
    await acme.sql`update usher.idempotency_keys set created_at = now() - interval '25 hours'
      where user_id = ${acme.admin.userId}`

    expect(await once(acme.admin, key, { name: 'Third' }, 'create_organisation')).toMatchObject({
      is_replay: false,
      result: { name: 'Third' },
    })
    const rows =
      await acme.sql`select from usher.idempotency_keys where user_id = ${acme.admin.userId}`
    expect(rows).toHaveLength(1)
  })

  test('the code of a device is not to be read from the table', async ({ acme }) => {
    const key = randomUUID()
    const args = { organisation_id: acme.id, device_name: 'Door', roles: ['member'] }
    const { result } = await once(acme.admin, key, args, 'create_organisation_device_invite')

    const [row] = await acme.sql`select encode(k.result, 'escape') || k::text as text
      from usher.idempotency_keys k where user_id = ${acme.admin.userId}`

    expect(result.code).toMatch(/^\w{5}-\w{5}$/)
    expect(row?.text).not.toContain(result.code)
    expect(row?.text).not.toContain(key)
  })

  test.for([
    ['no key', null],
    ['a key that can be guessed', '1'],
    ['a key with spaces', 'one two three four five'],
    ['a key without end', 'a'.repeat(256)],
  ] as const)('%s is refused', async ([, key], { acme }) => {
    await expect(once(acme.admin, key, invitation(acme))).rejects.toMatchObject({
      code: 'invalid_settings',
    })
  })

  test.for([
    ['a function that creates nothing', 'delete_organisation', {}],
    ['a function that is not there', 'create_organisation_nothing', {}],
    ['itself', 'call_organisation_function_once', {}],
    ['a name with a statement in it', 'create_organisation(name => 1); select', {}],
    ['arguments that are none', 'create_organisation', []],
    ['an argument too few', 'create_organisation', { slug: 'only' }],
    ['an argument too many', 'create_organisation', { name: 'New', 'x) f; --': 1 }],
  ] as const)('%s is refused', async ([, name, args], { acme }) => {
    await expect(once(acme.admin, randomUUID(), args, name)).rejects.toMatchObject({
      code: 'invalid_settings',
    })
  })
})
