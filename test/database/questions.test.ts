/** What is asked of whoever joins is asked whichever way they come. */
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { joinByDomain, openDomain } from '../support/domains.ts'
import type { Person } from '../support/people.ts'
import { type Scim, test, userOf } from '../support/scim.ts'

interface Scene {
  acme: Organisation
  scim: Scim
}

interface Way {
  /** Who is about to join. */
  person: Person
  join(): Promise<unknown>
}

/** Every way of becoming a member, up to the last step. */
const WAYS: Record<string, (scene: Scene) => Promise<Way>> = {
  async 'the link of an invite'({ acme }) {
    const { invite, token } = await acme.invite()
    const person = await acme.person(invite.email)
    return { person, join: () => person.rpc('accept_organisation_invite', { token }) }
  },
  async 'an invite without its link'({ acme }) {
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
    const { invite } = await acme.invite()
    const person = await acme.person(invite.email)
    return {
      person,
      join: () => person.rpc('accept_my_organisation_invite', { invite_id: invite.id }),
    }
  },
  async 'the link of an invite, as they sign up'({ acme }) {
    const { invite, token } = await acme.invite()
    const person = await acme.person(invite.email)
    // As Supabase Auth writes it: the account, and then that its address is confirmed.
    await acme.sql`delete from auth.users where id = ${person.userId}`
    await acme.sql`insert into auth.users (id, email, raw_user_meta_data)
      values (${person.userId}, ${invite.email}, ${acme.sql.json({ invite_token: token })})`
    return {
      person,
      join: () =>
        acme.sql`update auth.users set email_confirmed_at = now() where id = ${person.userId}`,
    }
  },
  async 'the code of a device'({ acme }) {
    const { code } = await acme.owner.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Door',
      roles: ['member'],
    })
    const person = await acme.person()
    return { person, join: () => person.rpc('enrol_organisation_device', { code }) }
  },
  async 'the domain of an address'({ acme }) {
    const { employee } = await openDomain(acme, 'join')
    return { person: employee, join: () => joinByDomain(acme, employee) }
  },
  async 'a request that is approved'({ acme }) {
    const { employee } = await openDomain(acme, 'ask')
    await joinByDomain(acme, employee)
    const [request] = await acme.admin.select('organisation_join_requests')
    return {
      person: employee,
      join: () => acme.admin.rpc('approve_organisation_join_request', { request_id: request?.id }),
    }
  },
  async 'a directory'({ acme, scim }) {
    const { employee: person } = await openDomain(acme, 'ask')
    return {
      person,
      async join() {
        const { status, body } = await scim('POST', '/Users', userOf(person.email))
        if (status !== 201) throw Object.assign(new Error(body.detail), { code: body.detail })
      },
    }
  },
}

const isActive = async (acme: Organisation, { userId }: Person) =>
  (
    await acme.sql`select from public.organisation_members
      where organisation_id = ${acme.id} and user_id = ${userId} and status = 'active'`
  ).length === 1

describe.for(Object.keys(WAYS))('by %s', (way) => {
  test('they join', async ({ acme, scim }) => {
    const { person, join } = await (WAYS[way] as (typeof WAYS)[string])({ acme, scim })
    await join()
    expect(await isActive(acme, person)).toBe(true)
  })

  test.for([
    [
      'no seat is free',
      (acme: Organisation) =>
        acme.sql`update public.organisations set seat_limit = 1 where id = ${acme.id}`,
      /seat/i,
      [],
    ],
    [
      'an account of the same address is banned',
      async (acme: Organisation, { email }: Person) => {
        const earlier = await acme.join(['member'])
        await acme.owner.rpc('ban_organisation_member', {
          organisation_id: acme.id,
          user_id: earlier.userId,
        })
        await acme.sql`update usher.sanctions
          set address_hash = usher.sanction_hash(organisation_id, ${email})
          where organisation_id = ${acme.id}`
      },
      /ban/i,
      [],
    ],
    [
      'the organisation takes no people of their domain',
      (acme: Organisation) =>
        acme.sql`update public.organisations set allowed_email_domains = '{elsewhere.example}'
          where id = ${acme.id}`,
      /domain/i,
      // The organisation has named their domain itself, and proved that it is its own.
      ['the domain of an address', 'a request that is approved'],
    ],
    [
      'the organisation asks for another way of signing in',
      (acme: Organisation) =>
        acme.sql`insert into public.organisation_sign_in_rules (organisation_id, provider)
          values (${acme.id}, 'keycloak')`,
      /sso/i,
      // Nobody is there to show a session: whom the provider does not know gets an invite.
      ['a directory'],
    ],
    [
      'the role they would have is gone',
      (acme: Organisation) =>
        acme.sql`update public.organisation_roles set name = 'associate' where name = 'member'`,
      /role/i,
      [],
    ],
  ] as const)('they do not where %s', async ([, hinder, words, ways], { acme, scim, skip }) => {
    skip(
      ways.some((one) => one === way),
      'not asked of those who come this way',
    )
    const { person, join } = await (WAYS[way] as (typeof WAYS)[string])({ acme, scim })
    await hinder(acme, person)

    const error = await join().then(
      () => null,
      (refusal: { code: string; message: string }) => refusal,
    )
    await acme.sql`update public.organisation_roles set name = 'member' where name = 'associate'`

    // Signing up goes on where joining does not.
    if (!way.includes('as they sign up')) {
      expect(`${error?.code} ${error?.message}`).toMatch(words)
    }
    expect(await isActive(acme, person)).toBe(false)
  })
})
