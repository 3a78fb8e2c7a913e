import { describe, expect } from 'vitest'
import { createAcme, type Organisation } from '../support/acme.ts'
import { newDomain } from '../support/domains.ts'
import { scimOf, test, userOf } from '../support/scim.ts'

const inactive = { active: false }

/** A domain of acme by which people may join, and somebody of it. */
async function employee(acme: Organisation) {
  const domain = newDomain()
  await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
  await acme.sql`insert into public.organisation_domains
    (organisation_id, domain, verification, verified_at, join_policy)
    values (${acme.id}, ${domain}, 'x', now(), 'join')`
  const them = await acme.person(`e@${domain}`)
  return { them, join: () => them.rpc('join_organisation', { organisation_id: acme.id }) }
}

/** Writes a row past the functions, as two that come at the same moment would. */
const insert = ({ sql, id }: Organisation, user_name: string, email: string) =>
  sql`insert into usher.directory_users (organisation_id, user_name, email)
    values (${id}, ${user_name}, ${email})`

describe('whom a directory has named', () => {
  test('is one person, in whatever case the name is written', async ({ acme, scim }) => {
    const email = `ann@${newDomain()}`
    await scim('POST', '/Users', userOf(email, inactive))

    expect(await scim('POST', '/Users', userOf(email.toUpperCase(), inactive))).toMatchObject({
      status: 409,
      body: { scimType: 'uniqueness' },
    })
    await expect(insert(acme, email.toUpperCase(), `x${email}`)).rejects.toMatchObject({
      constraint_name: 'directory_users_user_name',
    })
  })

  test('has an address of their own, whatever they are called there', async ({ acme, scim }) => {
    const email = `ann@${newDomain()}`
    await scim('POST', '/Users', userOf(email, { ...inactive, userName: 'ann' }))

    expect(
      await scim('POST', '/Users', userOf(email, { ...inactive, userName: 'ann2' })),
    ).toMatchObject({ status: 409 })
    await expect(insert(acme, 'ann3', email)).rejects.toMatchObject({
      constraint_name: 'directory_users_email',
    })
  })

  test('may be named by another organisation as well, which knows nothing of it', async ({
    acme,
    scim,
    scimUrl,
  }) => {
    const email = `ann@${newDomain()}`
    await scim('POST', '/Users', userOf(email, inactive))
    const other = await createAcme(acme.sql)
    const { token } = await other.owner.rpc('create_organisation_directory_token', {
      organisation_id: other.id,
      name: 'Entra ID',
    })

    expect((await scimOf(scimUrl, token)('POST', '/Users', userOf(email, inactive))).status).toBe(
      201,
    )
  })

  test('and turned off does not come in by a domain, but asks', async ({ acme, scim }) => {
    const [off, on] = [await employee(acme), await employee(acme)]
    await scim('POST', '/Users', userOf(off.them.email, inactive))

    expect(await off.join()).toBe('requested')
    expect(await on.join()).toBe('joined')
  })

  test('is forgotten with the organisation', async ({ acme, scim }) => {
    await scim('POST', '/Users', userOf(`ann@${newDomain()}`, inactive))
    await acme.owner.rpc('delete_organisation', { organisation_id: acme.id })

    expect(
      await acme.sql`select from usher.directory_users where organisation_id = ${acme.id}`,
    ).toEqual([])
  })

  test('is read by nobody past the directory', async ({ acme }) => {
    for (const who of [acme.anyone, acme.owner, acme.service]) {
      await expect(who.run((tx) => tx`select * from usher.directory_users`)).rejects.toMatchObject({
        code: '42501',
      })
    }
  })
})
