/** Signing up from an invitation, and coming back from the mail that confirms the address. */
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterEach, describe, expect, test } from 'vitest'
import { finishSignUp, type InvitePreview, signUpOptions } from '../../client/index.ts'
import { freshStack } from './people.ts'

const ORGANISATION = '5e0f4a7e-2c0b-4a53-9d0e-6a6f3a3c9f10'
const preview = { organisationId: ORGANISATION } as InvitePreview
const redirectTo = 'https://app.example.com/invite?lang=de'

describe('signUpOptions', () => {
  test('takes the token along as data, and never in the address to come back to', () => {
    const { data, emailRedirectTo } = signUpOptions({ token: 'inv_secret' }, preview, {
      redirectTo,
      fullName: 'Kim Lee',
    })

    expect(data).toEqual({ invite_token: 'inv_secret', full_name: 'Kim Lee' })
    expect(emailRedirectTo).toBe(
      `https://app.example.com/invite?lang=de&organisation=${ORGANISATION}`,
    )
  })

  test('has no more than there is', () => {
    expect(signUpOptions({ token: null }, { organisationId: null }, { redirectTo })).toEqual({
      data: {},
      emailRedirectTo: redirectTo,
    })
  })
})

describe('finishSignUp', () => {
  const stack = freshStack()

  async function settings(changes: Record<string, boolean>) {
    const sql = postgres(stack.stack.databaseUrl, { max: 1, onnotice: () => {} })
    await sql`select usher.update_settings(${sql.json(changes)})`
    await sql.end()
  }
  afterEach(() => settings({ auth_confirms_addresses: false }))

  async function invited() {
    const { id, owner } = await stack.organisation()
    const email = `signs-up-${randomUUID().slice(0, 8)}@example.com`
    const { data: invite } = await owner.must.invites.create(id, { email, roles: ['member'] })
    const token = await stack.tokenOf(owner, invite.id)
    const { data: shown } = await stack.anyone().invites.validate(token)
    return { id, owner, email, invite, token, preview: shown as InvitePreview }
  }
  /** A tab with a token: what it does with it counts, not where it came from. */
  const tabOf = (person: Awaited<ReturnType<typeof stack.person>>, token: string) => ({
    token,
    accept: () => person.usher.invites.accept(token),
  })

  test('finds whoever signed up with the options a member already', async () => {
    const { id, email, token, preview } = await invited()
    const supabase = stack.connect()
    const options = signUpOptions({ token }, preview, { redirectTo, fullName: 'Kim Lee' })
    const { error } = await supabase.auth.signUp({ email, password: 'password', options })
    expect(error).toBeNull()
    const newcomer = await stack.signedIn(supabase)

    expect(preview.organisationId).toBe(id)
    expect(await finishSignUp(newcomer.usher, id)).toEqual({
      data: { organisationId: id },
      error: null,
    })
    expect((await newcomer.must.members.get(id, newcomer.userId)).data?.displayName).toBe('Kim Lee')
  })

  test('makes a member by the link of the tab', async () => {
    const { id, email, token } = await invited()
    const newcomer = await stack.person(email)

    const { data } = await finishSignUp(newcomer.usher, id, tabOf(newcomer, token))

    expect(data).toEqual({ organisationId: id })
    expect((await newcomer.must.organisations.listMine()).data).toHaveLength(1)
  })

  test.for(['in another tab', 'with a link that a newer mail has replaced'])(
    'makes a member %s where Auth confirms addresses',
    async (where) => {
      const { id, owner, email, invite, token } = await invited()
      const newcomer = await stack.person(email)
      const landing = where === 'in another tab' ? undefined : tabOf(newcomer, token)
      if (landing) await owner.must.invites.resend(invite.id)

      const refused = await finishSignUp(newcomer.usher, id, landing)
      expect(refused.error?.code).toBe('permission_denied')

      await settings({ auth_confirms_addresses: true })
      const { data } = await finishSignUp(newcomer.usher, id, landing)
      expect(data).toEqual({ organisationId: id })
    },
  )

  test('says what stands in the way, and that nothing is open', async () => {
    const { id, owner, email, invite, token } = await invited()
    const newcomer = await stack.person(email)
    const other = await stack.person()
    const codeOf = async (by: typeof other, landing?: ReturnType<typeof tabOf>) =>
      (await finishSignUp(by.usher, id, landing)).error?.code

    expect(await codeOf(other)).toBe('invite_not_found')
    expect(await codeOf(other, tabOf(other, token))).toBe('invite_wrong_email')
    await owner.must.organisations.update(id, { seatLimit: 1 })
    expect(await codeOf(newcomer, tabOf(newcomer, token))).toBe('seat_limit_reached')
    await owner.must.invites.revoke(invite.id)
    expect(await codeOf(newcomer, tabOf(newcomer, token))).toBe('invite_revoked')
    expect(await codeOf(newcomer)).toBe('invite_not_found')
  })

  test('is safe in two tabs at once', async () => {
    const { id, email, token } = await invited()
    const newcomer = await stack.person(email)

    const outcomes = await Promise.all(
      [1, 2, 3].map(() => finishSignUp(newcomer.usher, id, tabOf(newcomer, token))),
    )

    expect(outcomes.map(({ data }) => data?.organisationId)).toEqual([id, id, id])
  })
})
