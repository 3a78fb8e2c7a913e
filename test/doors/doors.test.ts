/** What people do with organisations, four times: every door has the same outcomes and the same codes. */
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REFUSALS, type RefusalCode } from '../../functions/api/refusals.ts'
import { sharedStack } from '../client/people.ts'
import { signToken } from '../support/keys.ts'
import { person } from '../support/people.ts'
import { DOORS } from './all.ts'
import type { Door, OpenDoor, Person } from './door.ts'

const shared = sharedStack()
let sql: postgres.Sql
beforeAll(() => {
  sql = postgres(shared.stack.databaseUrl, { max: 1 })
})
afterAll(() => sql.end())

const address = () => `new-${randomUUID().slice(0, 8)}@example.com`

/** An account, signed in. Auth would take longer for its password than a door for its answer. */
async function register(email = address()): Promise<Person> {
  const { userId } = await person(sql, 'caller', { email })
  const session = { role: 'authenticated', sub: userId, email }
  return { email, userId, accessToken: await signToken(session, '1 hour', shared.stack.jwtSecret) }
}

/** The token of an invite's link, as the worker mints one when it draws the mail. */
async function linkOf(inviteId: string): Promise<string> {
  const [row] = await sql`select usher.mint_invite_token(${inviteId}) as token`
  return row?.token
}

const refusal = (code: RefusalCode) => ({ code, status: REFUSALS[code].status })

interface Caller extends Person {
  door: Door
}

/** An organisation, and everybody at the same door. */
async function createScene(open: OpenDoor) {
  const enter = (person: Person | null) => open(shared.stack, person)
  const someone = async (email?: string): Promise<Caller> => {
    const person = await register(email)
    return { ...person, door: enter(person) }
  }
  const owner = await someone()
  const organisation = await owner.door.createOrganisation('Acme')
  return {
    owner,
    organisation,
    someone,
    nobody: enter(null),
    /** Someone who has joined. */
    async join(roles: string[]): Promise<Caller> {
      const newcomer = await someone()
      const draft = { email: newcomer.email, roles }
      const { id } = await owner.door.invite(organisation.id, draft)
      await newcomer.door.accept(await linkOf(id))
      return newcomer
    },
  }
}

describe.for(Object.entries(DOORS))('by %s', ([, open]) => {
  test('anyone learns who may create an account', async () => {
    const { owner, nobody } = await createScene(open)
    const policy = { signUp: 'open', authConfirmsAddresses: false }

    expect(await nobody.signUpPolicy()).toEqual(policy)
    expect(await owner.door.signUpPolicy()).toEqual(policy)
  })

  test('who creates an organisation owns it, and sees it; nobody else does', async () => {
    const { owner, organisation, someone, nobody } = await createScene(open)
    const stranger = await someone()

    expect(organisation.name).toBe('Acme')
    expect(await owner.door.organisation(organisation.id)).toEqual(organisation)
    expect(await stranger.door.organisation(organisation.id)).toBeNull()
    await expect(nobody.createOrganisation('Mine')).rejects.toMatchObject(
      refusal('unauthenticated'),
    )
    await expect(owner.door.createOrganisation('')).rejects.toMatchObject(
      refusal('invalid_settings'),
    )
  })

  test('an address is invited once, and the second try names the first', async () => {
    const { owner, organisation } = await createScene(open)
    const draft = { email: address(), roles: ['finance', 'member'] }
    const invite = await owner.door.invite(organisation.id, draft)

    expect(invite).toEqual({ ...draft, id: invite.id, status: 'pending' })
    await expect(owner.door.invite(organisation.id, draft)).rejects.toMatchObject({
      ...refusal('already_invited'),
      details: invite.id,
    })
    await expect(
      owner.door.invite(organisation.id, { ...draft, email: 'no address' }),
    ).rejects.toMatchObject(refusal('invalid_email'))
  })

  test('of many rows the good ones are not lost to the bad ones', async () => {
    const { owner, organisation } = await createScene(open)
    const [one, two] = [address(), address()]
    const outcomes = await owner.door.inviteMany(organisation.id, [
      { email: one, roles: ['member'] },
      { email: 'no address', roles: ['member'] },
      { email: one, roles: ['member'] },
      { email: two, roles: ['emperor'] },
      { email: two, roles: ['finance'] },
    ])

    expect(outcomes).toEqual([
      { email: one, status: 'created', errorCode: null },
      { email: 'no address', status: 'failed', errorCode: 'invalid_email' },
      { email: one, status: 'failed', errorCode: 'already_invited' },
      { email: two, status: 'failed', errorCode: 'invalid_role' },
      { email: two, status: 'created', errorCode: null },
    ])
  })

  test('whoever holds the link sees whose invite it is, without an account', async () => {
    const { owner, organisation, nobody } = await createScene(open)
    const { id } = await owner.door.invite(organisation.id, { email: address(), roles: ['member'] })

    expect(await nobody.validate(await linkOf(id))).toEqual({
      status: 'pending',
      reason: null,
      organisationName: 'Acme',
    })
    expect(await nobody.validate('inv_of-nobody')).toEqual({
      status: 'invalid',
      reason: 'invite_invalid',
      organisationName: null,
    })
  })

  test('only the person who was invited gets in, and only once', async () => {
    const { owner, organisation, someone, nobody } = await createScene(open)
    const [invitee, thief] = [await someone(), await someone()]
    const draft = { email: invitee.email, roles: ['finance'] }
    const token = await linkOf((await owner.door.invite(organisation.id, draft)).id)

    await expect(nobody.accept(token)).rejects.toMatchObject(refusal('unauthenticated'))
    await expect(thief.door.accept(token)).rejects.toMatchObject(refusal('invite_wrong_email'))
    expect(await invitee.door.accept(token)).toEqual({
      userId: invitee.userId,
      roles: ['finance'],
      status: 'active',
    })
    await expect(invitee.door.accept(token)).rejects.toMatchObject(
      refusal('invite_already_accepted'),
    )
    await expect(owner.door.invite(organisation.id, draft)).rejects.toMatchObject(
      refusal('already_member'),
    )
  })

  test('an invite that was declined is declined for good', async () => {
    const { owner, organisation, nobody } = await createScene(open)
    const { id } = await owner.door.invite(organisation.id, { email: address(), roles: ['member'] })
    const token = await linkOf(id)

    expect(await nobody.decline(token, 'Thank you, no')).toMatchObject({ status: 'declined' })
    await expect(nobody.decline(token, 'No')).rejects.toMatchObject(refusal('invite_declined'))
    await expect(owner.door.resend(id)).rejects.toMatchObject(refusal('invite_not_pending'))
  })

  test('what is sent again has a new link, and the old one is dead', async () => {
    const { owner, organisation, someone } = await createScene(open)
    const invitee = await someone()
    const draft = { email: invitee.email, roles: ['member'] }
    const { id } = await owner.door.invite(organisation.id, draft)
    const old = await linkOf(id)

    expect(await owner.door.resend(id)).toEqual({ ...draft, id, status: 'pending' })
    await expect(invitee.door.accept(old)).rejects.toMatchObject(refusal('invite_superseded'))
    expect(await invitee.door.accept(await linkOf(id))).toMatchObject({ status: 'active' })
  })

  test('an invite that was withdrawn opens nothing, and cannot be withdrawn twice', async () => {
    const { owner, organisation, someone } = await createScene(open)
    const invitee = await someone()
    const draft = { email: invitee.email, roles: ['member'] }
    const { id } = await owner.door.invite(organisation.id, draft)
    const token = await linkOf(id)

    expect(await owner.door.revoke(id)).toMatchObject({ id, status: 'revoked' })
    await expect(invitee.door.accept(token)).rejects.toMatchObject(refusal('invite_revoked'))
    await expect(owner.door.revoke(id)).rejects.toMatchObject(refusal('invite_not_pending'))
  })

  test('nobody gives out a role above their own, and nobody owner', async () => {
    const { owner, organisation, join } = await createScene(open)
    const admin = await join(['admin'])
    const member = await join(['member'])
    const draft = (role: string) => ({ email: address(), roles: [role] })

    await expect(admin.door.invite(organisation.id, draft('admin'))).rejects.toMatchObject(
      refusal('role_not_assignable'),
    )
    await expect(owner.door.invite(organisation.id, draft('owner'))).rejects.toMatchObject(
      refusal('role_not_assignable'),
    )
    await expect(owner.door.invite(organisation.id, draft('emperor'))).rejects.toMatchObject(
      refusal('invalid_role'),
    )
    await expect(member.door.invite(organisation.id, draft('member'))).rejects.toMatchObject(
      refusal('permission_denied'),
    )
  })

  test('roles change by those who may; the owner keeps theirs', async () => {
    const { owner, organisation, join } = await createScene(open)
    const admin = await join(['admin'])
    const member = await join(['member'])

    expect(await admin.door.updateRoles(organisation.id, member.userId, ['finance'])).toEqual({
      userId: member.userId,
      roles: ['finance'],
      status: 'active',
    })
    await expect(
      admin.door.updateRoles(organisation.id, member.userId, ['admin']),
    ).rejects.toMatchObject(refusal('role_not_assignable'))
    await expect(
      admin.door.updateRoles(organisation.id, owner.userId, ['member']),
    ).rejects.toMatchObject(refusal('owner_required'))
    await expect(
      admin.door.updateRoles(organisation.id, randomUUID(), ['member']),
    ).rejects.toMatchObject(refusal('member_not_found'))
  })

  test('who is removed is out at once, and may be invited again', async () => {
    const { owner, organisation, join } = await createScene(open)
    const member = await join(['member'])

    expect(await owner.door.remove(organisation.id, member.userId)).toMatchObject({
      userId: member.userId,
      status: 'removed',
    })
    expect(await member.door.organisation(organisation.id)).toBeNull()
    await expect(owner.door.remove(organisation.id, owner.userId)).rejects.toMatchObject(
      refusal('owner_required'),
    )
    const draft = { email: member.email, roles: ['member'] }
    const again = await owner.door.invite(organisation.id, draft)
    expect(await member.door.accept(await linkOf(again.id))).toMatchObject({ status: 'active' })
  })

  test('who is banned stays out until the ban is lifted', async () => {
    const { owner, organisation, join } = await createScene(open)
    const member = await join(['member'])
    const draft = { email: member.email, roles: ['member'] }

    expect(await owner.door.ban(organisation.id, member.userId)).toMatchObject({ status: 'banned' })
    await expect(owner.door.invite(organisation.id, draft)).rejects.toMatchObject(
      refusal('member_banned'),
    )
    await expect(member.door.invites(organisation.id, 10)).rejects.toMatchObject(
      refusal('organisation_not_found'),
    )
    expect(await owner.door.unban(organisation.id, member.userId)).toMatchObject({
      status: 'removed',
    })
    expect(await owner.door.invite(organisation.id, draft)).toMatchObject({ status: 'pending' })
  })

  test('an organisation has a new owner only from the old one, who is admin then', async () => {
    const { owner, organisation, join } = await createScene(open)
    const heir = await join(['admin'])

    await expect(heir.door.transfer(organisation.id, heir.userId)).rejects.toMatchObject(
      refusal('permission_denied'),
    )
    expect(await owner.door.transfer(organisation.id, heir.userId)).toMatchObject({
      userId: heir.userId,
      roles: ['owner'],
    })
    expect(await heir.door.updateRoles(organisation.id, owner.userId, ['member'])).toMatchObject({
      roles: ['member'],
    })
    await expect(owner.door.transfer(organisation.id, owner.userId)).rejects.toMatchObject(
      refusal('permission_denied'),
    )
  })

  test('what belongs to another organisation is not there', async () => {
    const { owner, organisation, join } = await createScene(open)
    const member = await join(['member'])
    const { id } = await owner.door.invite(organisation.id, { email: address(), roles: ['member'] })
    const { owner: other } = await createScene(open)
    const draft = { email: address(), roles: ['member'] }
    const absent = randomUUID()

    // The same for what is another's and for what is nowhere.
    for (const organisationId of [organisation.id, absent]) {
      expect(await other.door.organisation(organisationId)).toBeNull()
      for (const attempt of [
        () => other.door.invites(organisationId, 10),
        () => other.door.invite(organisationId, draft),
        () => other.door.inviteMany(organisationId, [draft]),
        () => other.door.remove(organisationId, member.userId),
        () => other.door.transfer(organisationId, other.userId),
      ]) {
        await expect(attempt()).rejects.toMatchObject(refusal('organisation_not_found'))
      }
    }
    for (const inviteId of [id, absent]) {
      await expect(other.door.resend(inviteId)).rejects.toMatchObject(refusal('invite_not_found'))
      await expect(other.door.revoke(inviteId)).rejects.toMatchObject(refusal('invite_not_found'))
    }
  })

  test('pages hold every invite once, newest first, also when one comes meanwhile', async () => {
    const { owner, organisation } = await createScene(open)
    const emails: string[] = []
    const inviteOne = async () => {
      const email = address()
      await owner.door.invite(organisation.id, { email, roles: ['member'] })
      return email
    }
    for (let i = 0; i < 5; i++) emails.unshift(await inviteOne())

    const first = await owner.door.invites(organisation.id, 2)
    await inviteOne()
    const second = await owner.door.invites(organisation.id, 2, first.next)
    const third = await owner.door.invites(organisation.id, 2, second.next)

    const pages = [first, second, third].map((page) => page.invites.map(({ email }) => email))
    expect(pages).toEqual([emails.slice(0, 2), emails.slice(2, 4), emails.slice(4)])
    expect(third.next).toBeNull()
  })
})
