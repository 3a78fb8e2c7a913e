/** What is refused to an invitee is said to an invitee: what happened to them, and what they themselves can do. */
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

/** Functions of public that somebody calls who answers an invite, enrols a device or joins. */
const INVITEES_CALL = `
  select p.proname as name, obj_description(p.oid, 'pg_proc') as comment, p.prosrc as body
  from pg_proc p
  where p.pronamespace = 'public'::regnamespace and p.provolatile = 'v'
    and (p.proargnames && '{token,code}' and p.proname !~ '^(create|update)_'
      or p.proname in ('join_organisation', 'accept_my_organisation_invite'))`

/** Those that refuse nothing, so that nothing can be learnt from it. */
const NEVER_REFUSES = ['request_organisation_invite_resend']

/** The codes that a comment names behind its "Fails with". */
const codesIn = (comment: string) =>
  [
    ...comment
      .split(/Fails with/)
      .slice(1)
      .join(' ')
      .matchAll(/\b[a-z]+(?:_[a-z]+)+\b/g),
  ].map(([code]) => code)

describe('every code that an invitee may hear', () => {
  test('has words for invitees', async ({ acme }) => {
    const functions = await acme.sql.unsafe(INVITEES_CALL)
    const listed = await acme.sql`select code from usher.errors()`
    const codes = new Set(listed.map(({ code }) => code))
    const spoken = await acme.sql`select code from usher.invitee_errors()`
    const words = spoken.map(({ code }) => code)
    const heard = new Set(
      functions.flatMap(({ comment }) => codesIn(comment)).filter((code) => codes.has(code)),
    )

    expect(functions.length).toBeGreaterThanOrEqual(6)
    expect(heard.size).toBeGreaterThan(15)
    expect([...heard].filter((code) => !words.includes(code))).toEqual([])
    expect(words.filter((code) => !codes.has(code))).toEqual([])
  })

  test('is said by functions that say whom they speak to', async ({ acme }) => {
    const functions = await acme.sql.unsafe(INVITEES_CALL)

    expect(
      functions
        .filter(
          ({ name, body }) => !NEVER_REFUSES.includes(name) && !/speak_to_invitee\(\)/.test(body),
        )
        .map(({ name }) => name),
    ).toEqual([])
  })
})

const accept = async (acme: Organisation) => {
  const { token, invite } = await acme.invite()
  const them = await acme.person(invite.email)
  return { invite, them, answer: () => them.rpc('accept_organisation_invite', { token }) }
}
const settings = (acme: Organisation, changes: object) =>
  acme.owner.rpc('update_organisation', { organisation_id: acme.id, changes })

describe('an invitee', () => {
  test('is not told to remove a member, but whom to ask', async ({ acme }) => {
    const { answer } = await accept(acme)
    await settings(acme, { seat_limit: 1 })

    await expect(answer()).rejects.toMatchObject({
      code: 'seat_limit_reached',
      message: 'All seats of the organisation are taken.',
      hint: 'Ask an admin of the organisation to make room, then try again.',
    })
  })

  test('is spoken to, and not of', async ({ acme }) => {
    const { invite, them } = await accept(acme)
    await acme.sql`select usher.add_member(${acme.id}, ${them.userId}, '{member}')`
    const token = await acme.mint(invite.id)
    const accepted = () => them.rpc('accept_organisation_invite', { token })

    await expect(accepted()).rejects.toMatchObject({
      code: 'already_member',
      message: 'You are already a member.',
      hint: 'Go on to the organisation.',
    })
    await acme.sql`update public.organisation_members set status = 'banned', ended_at = now()
      where user_id = ${them.userId}`
    await expect(accepted()).rejects.toMatchObject({
      code: 'member_banned',
      message: 'You are banned from the organisation.',
    })
  })

  test('with an address that is not taken any more is told whom to ask', async ({ acme }) => {
    const { answer } = await accept(acme)
    await settings(acme, { allowed_email_domains: ['acme.test'] })

    await expect(answer()).rejects.toMatchObject({
      code: 'domain_not_allowed',
      hint: 'Ask whoever invited you to invite an address that the organisation takes.',
    })
  })

  test('a device hears of its code', async ({ acme }) => {
    await expect(
      acme.stranger.rpc('enrol_organisation_device', { code: 'AAAAA-AAAAA' }),
    ).rejects.toMatchObject({
      code: 'invite_invalid',
      message: 'This is not a link or a code of ours.',
    })
  })
})

describe('an admin', () => {
  test('hears what admins can do, also in a transaction in which somebody accepted', async ({
    acme,
  }) => {
    const { them, invite } = await accept(acme)
    const token = await acme.mint(invite.id)
    await settings(acme, { seat_limit: 6 })
    const said = (work: Promise<unknown>) =>
      work.then(
        () => null,
        (error) => error.hint,
      )

    expect(
      await said(
        acme.owner.rpc('create_organisation_invite', {
          organisation_id: acme.id,
          email: acme.member.email,
          roles: ['member'],
        }),
      ),
    ).toBe('Change the roles of the member instead.')
    const answers = them.run(async (tx) => {
      await tx`select public.accept_organisation_invite(${token})`
      await tx`select public.update_organisation(${acme.id}, '{"seat_limit": 0}')`
    })
    expect(await said(answers)).toBe('Ask an admin of the organisation.')
  })
})
