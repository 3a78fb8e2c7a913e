import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { newDomain, openDomain } from '../support/domains.ts'
import { Caller, person } from '../support/people.ts'

const signUp = (acme: Organisation, value: 'open' | 'invite_only') =>
  acme.sql`select usher.update_settings(${acme.sql.json({ sign_up: value })})`

/** What Auth does when somebody registers, before their address is confirmed. */
async function register(acme: Organisation, email: string, metadata: Record<string, string> = {}) {
  const id = randomUUID()
  await acme.sql`insert into auth.users (id, email, raw_user_meta_data) values (${id}, ${email}, ${acme.sql.json(metadata)})`
  return id
}

const confirm = (acme: Organisation, id: string) =>
  acme.sql`update auth.users set email_confirmed_at = now() where id = ${id}`

const memberships = (acme: Organisation, id: string) =>
  acme.sql`select roles, status from public.organisation_members where user_id = ${id}`

/**
 * What Supabase Auth does in one sign-up, statement by statement: it holds the account in memory, with the data as
 * it came, and writes that data with the account, with its identity, and by an update afterwards.
 *
 * Source: internal/api/signup.go and internal/models/{user,identity}.go of github.com/supabase/auth.
 */
async function registerAsAuth(acme: Organisation, email: string, sent: Record<string, string>) {
  const { sql } = acme
  const id = randomUUID()
  const inMemory = { ...sent, sub: id, email, email_verified: false, phone_verified: false }
  await sql.begin(async (tx) => {
    await tx`insert into auth.users (id, aud, email, encrypted_password, raw_app_meta_data, raw_user_meta_data)
      values (${id}, 'authenticated', ${email}, 'hash', '{}', ${tx.json(sent)})`
    await tx`update auth.users set role = 'authenticated', raw_user_meta_data = ${tx.json(sent)} where id = ${id}`
    await tx`insert into auth.identities (id, provider, provider_id, user_id, identity_data)
      values (${randomUUID()}, 'email', ${id}, ${id}, ${tx.json(inMemory)})`
    await tx`update auth.users set raw_app_meta_data = '{"provider": "email", "providers": ["email"]}',
      raw_user_meta_data = ${tx.json(inMemory)} where id = ${id}`
    await tx`update auth.users set confirmation_token = 'code', confirmation_sent_at = now() where id = ${id}`
  })
  return id
}

/** The columns of every table, Auth's own among them, that hold a text somewhere. */
async function columnsWith({ sql }: Organisation, text: string): Promise<string[]> {
  const columns = await sql`select table_schema as s, table_name as t, column_name as c
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema in ('auth', 'public', 'usher') and table_type = 'BASE TABLE' and is_generated = 'NEVER'`
  expect(columns.length).toBeGreaterThan(200)
  const found = columns.map(async ({ s, t, c }) => {
    const [row] = await sql`select exists (
      select from ${sql(`${s}.${t}`)} where position(${text} in ${sql(c)}::text) > 0) as is`
    return row?.is ? [`${s}.${t}.${c}`] : []
  })
  return (await Promise.all(found)).flat()
}

const fresh = () => `fresh-${randomUUID().slice(0, 8)}@example.com`

describe('the closed door', () => {
  test('lets in who is invited, whatever way they come, and nobody else', async ({ acme }) => {
    const { email, id } = await acme.inviteIn('pending')
    const revoked = await acme.inviteIn('revoked')
    const expired = await acme.inviteIn('expired')
    await signUp(acme, 'invite_only')

    try {
      for (const address of [fresh(), revoked.email, expired.email]) {
        await expect(register(acme, address)).rejects.toThrow(/signup_not_invited/)
      }
      await expect(
        acme.sql`insert into auth.users (id) values (gen_random_uuid())`,
      ).rejects.toThrow(/signup_not_invited/)
      expect(await register(acme, email.toUpperCase())).toBeTruthy()
    } finally {
      await signUp(acme, 'open')
    }
    expect(id).toBeTruthy()
  })

  test('lets a device in that brings an open code', async ({ acme }) => {
    const { code } = await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Scanner',
      roles: ['member'],
    })
    await signUp(acme, 'invite_only')

    try {
      expect(await register(acme, fresh(), { device_code: code })).toBeTruthy()
      await expect(register(acme, fresh(), { device_code: 'AAAAA-AAAAA' })).rejects.toThrow(
        /signup_not_invited/,
      )
    } finally {
      await signUp(acme, 'open')
    }
  })

  test("says so in words by Auth's hook", async ({ acme }) => {
    const { email } = await acme.inviteIn('pending')
    const hook = async (user: object) =>
      (
        await acme.sql`select usher.before_user_created(${acme.sql.json({ metadata: {}, user } as never)}) as answer`
      )[0]?.answer
    expect(await hook({ email: fresh() })).toEqual({})
    await signUp(acme, 'invite_only')

    try {
      expect(await hook({ email, user_metadata: {} })).toEqual({})
      expect(await hook({ email: fresh(), user_metadata: {} })).toMatchObject({
        error: { http_code: 403 },
      })
      expect(await hook({ phone: '123' })).toMatchObject({ error: { http_code: 403 } })
    } finally {
      await signUp(acme, 'open')
    }
  })

  test('is known to everybody, and no other setting with it', async ({ acme }) => {
    const open = { sign_up: 'open', auth_confirms_addresses: false }
    expect(await acme.anyone.rpc('organisation_sign_up_policy')).toEqual(open)
    await signUp(acme, 'invite_only')
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`

    try {
      const closed = { sign_up: 'invite_only', auth_confirms_addresses: true }
      for (const caller of [acme.anyone, acme.roleless, acme.owner]) {
        expect(await caller.rpc('organisation_sign_up_policy')).toEqual(closed)
      }
    } finally {
      await signUp(acme, 'open')
      await acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`
    }
  })

  test('knows two positions', async ({ acme }) => {
    await expect(signUp(acme, 'ajar' as 'open')).rejects.toThrow(/invalid_settings/)
  })
})

describe('signing up with a token', () => {
  test('makes a member once the address is confirmed, and not before', async ({ acme }) => {
    const { invite, token } = await acme.invite(fresh(), ['finance'])
    const id = await register(acme, invite.email, { invite_token: token, full_name: 'Fresh' })
    expect(await memberships(acme, id)).toEqual([])

    await confirm(acme, id)

    expect(await memberships(acme, id)).toEqual([{ roles: ['finance'], status: 'active' }])
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'invite.accepted' }),
    ).toMatchObject([{ actor_kind: 'user', actor_id: id }])
  })

  test('makes a member at once where Auth confirms at once', async ({ acme }) => {
    const { invite, token } = await acme.invite(fresh())

    const invitee = await person(acme.sql, 'fresh', {
      email: invite.email,
      metadata: { invite_token: token },
    })

    expect(await invitee.rpc('list_my_organisations')).toMatchObject([
      { id: acme.id, roles: ['member'] },
    ])
  })

  test('keeps no token in the account', async ({ acme }) => {
    const { invite, token } = await acme.invite(fresh())
    const id = await register(acme, invite.email, { invite_token: token, full_name: 'Fresh' })

    expect(
      await acme.sql`select raw_user_meta_data as data from auth.users where id = ${id}`,
    ).toEqual([{ data: { full_name: 'Fresh' } }])
  })

  test('leaves it in no column of any table, whatever Auth writes again from its memory', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite(fresh(), ['finance'])
    const nowhere = async () => expect(await columnsWith(acme, token)).toEqual([])
    const id = await registerAsAuth(acme, invite.email, { invite_token: token, full_name: 'Fresh' })
    await nowhere()
    // What is found is found: the name went the same ways.
    expect(await columnsWith(acme, 'Fresh')).toEqual(
      expect.arrayContaining(['auth.identities.identity_data', 'auth.users.raw_user_meta_data']),
    )

    await confirm(acme, id)
    const verified = acme.sql.json({ invite_token: token, email_verified: true })
    await acme.sql`update auth.users set raw_user_meta_data = raw_user_meta_data || ${verified} where id = ${id}`
    await acme.sql`update auth.identities set identity_data = identity_data || ${verified} where user_id = ${id}`

    await nowhere()
    expect(await memberships(acme, id)).toEqual([{ roles: ['finance'], status: 'active' }])
  })

  test('leaves none when they accept by it later, nor does the code of a device', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite(fresh())
    const invitee = await acme.person(invite.email)
    await invitee.rpc('accept_organisation_invite', { token })
    const { code } = await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Scanner',
      roles: ['member'],
    })
    const device = await registerAsAuth(acme, fresh(), { device_code: code })
    await confirm(acme, device)
    await new Caller(acme.sql, 'authenticated', { id: device, email: '' }).rpc(
      'enrol_organisation_device',
      { code },
    )

    for (const secret of [token, code, code.replace('-', '')]) {
      expect(await columnsWith(acme, secret)).toEqual([])
    }
  })

  test('leaves data that is no object as it is', async ({ acme }) => {
    for (const data of [null, 'null', '[]', '"text"']) {
      const id = randomUUID()
      await acme.sql`insert into auth.users (id, email, raw_user_meta_data)
        values (${id}, ${fresh()}, ${data}::text::jsonb)`
      await acme.sql`update auth.users set raw_user_meta_data = raw_user_meta_data where id = ${id}`
      const [row] =
        await acme.sql`select raw_user_meta_data::text as data from auth.users where id = ${id}`
      expect(row?.data ?? null).toBe(data)
    }
  })

  test('is not in the token of a session that Auth signs from its memory', async ({ acme }) => {
    const hook = async (event: object) => {
      const [row] = await acme.sql`select usher.custom_access_token_hook(${acme.sql.json(
        event as never,
      )}) as said`
      return row?.said
    }
    const claims = { sub: randomUUID(), role: 'authenticated', aal: 'aal1', app_metadata: {} }
    const event = (user_metadata: unknown) => ({
      user_id: claims.sub,
      authentication_method: 'password',
      claims: { ...claims, user_metadata },
    })

    expect(
      await hook(event({ invite_token: 'inv_x', device_code: 'A-B', full_name: 'Fresh' })),
    ).toEqual(event({ full_name: 'Fresh' }))
    for (const other of [{}, null, 'text', [1]]) {
      expect(await hook(event(other))).toEqual(event(other))
    }
    expect(await hook({ claims })).toEqual({ claims })
  })

  test('never fails because of the token', async ({ acme }) => {
    const other = await acme.invite(fresh())
    const revoked = await acme.inviteIn('revoked')
    const broken: [string, string][] = [
      [fresh(), 'inv_nonsense'],
      [fresh(), other.token],
      [revoked.email, revoked.token],
    ]

    for (const [email, invite_token] of broken) {
      const id = await register(acme, email, { invite_token })
      await confirm(acme, id)
      expect(await memberships(acme, id)).toEqual([])
    }
    expect(await acme.owner.select('organisation_invites', { id: other.invite.id })).toMatchObject([
      { status: 'pending' },
    ])
  })

  test('does not join by an invite that was sent anew or revoked before the address was confirmed', async ({
    acme,
  }) => {
    const { invite, token } = await acme.invite(fresh())
    const id = await register(acme, invite.email, { invite_token: token })
    await acme.owner.rpc('resend_organisation_invite', { invite_id: invite.id })

    await confirm(acme, id)

    expect(await memberships(acme, id)).toEqual([])
  })
})

test('the closed door opens for people of a domain that lets them join', async ({ acme }) => {
  const { domain } = await openDomain(acme, 'join')
  await acme.sql`select usher.update_settings('{"sign_up": "invite_only"}')`
  onTestFinished(async () => {
    await acme.sql`select usher.update_settings('{"sign_up": "open"}')`
  })

  expect(await acme.person(`new@${domain}`)).toBeTruthy()
  await expect(acme.person(`new@${newDomain()}`)).rejects.toThrow(/signup_not_invited/)
})
