import { describe, expect } from 'vitest'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import { claimDomain, confirmDomain, newDomain } from '../support/domains.ts'
import { updateOrganisation } from '../support/organisations.ts'
import { fanOut } from '../support/outbox.ts'
import { asWorker, leaseOne, prepare } from '../support/worker.ts'

describe('claiming a domain', () => {
  test('is proved by the record that was asked for, and by no other', async ({ acme }) => {
    const domain = newDomain()
    const claimed = await claimDomain(acme, ` @${domain.toUpperCase()} `)

    expect(claimed).toMatchObject({ domain, verified_at: null, join_policy: 'none' })
    expect(claimed.verification).toMatch(/^usher-verification=[0-9a-f]{32}$/)
    expect(await confirmDomain(acme, acme.id, domain, [])).toBe(false)
    expect(
      await confirmDomain(acme, acme.id, domain, ['v=spf1 -all', 'usher-verification=0']),
    ).toBe(false)
    expect(await confirmDomain(acme, acme.id, domain, ['v=spf1 -all', claimed.verification])).toBe(
      true,
    )
    expect(await acme.events()).toContain('domain.verified')
  })

  test('belongs to who proves it first', async ({ acme }) => {
    const domain = newDomain()
    const [ours, theirs] = [
      await claimDomain(acme, domain),
      await claimDomain(acme, domain, 'outsider'),
    ]

    expect(await confirmDomain(acme, acme.id, domain, [ours.verification])).toBe(true)
    expect(await confirmDomain(acme, acme.otherId, domain, [theirs.verification])).toBe(false)
  })

  test.for(['', 'example', 'not a domain', 'exa_mple.com', '10.0.0.12'])(
    '%j is none',
    async (domain, { acme }) => {
      await expect(claimDomain(acme, domain)).rejects.toMatchObject({ code: 'invalid_settings' })
    },
  )

  test('its role is one that the admin can give', async ({ acme }) => {
    const domain = newDomain()
    await claimDomain(acme, domain)
    const update = (changes: object) =>
      acme.admin.rpc('update_organisation_domain', { organisation_id: acme.id, domain, ...changes })

    await expect(update({ role: 'admin' })).rejects.toMatchObject({ code: 'role_not_assignable' })
    await expect(update({ role: 'nobody' })).rejects.toMatchObject({ code: 'invalid_role' })
    await expect(update({ join_policy: 'sometimes' })).rejects.toMatchObject({
      code: 'invalid_settings',
    })
    expect(await update({ role: 'finance', join_policy: 'ask' })).toMatchObject({
      role: 'finance',
      join_policy: 'ask',
    })
  })

  test('is looked for at once, and then ever more rarely', async ({ acme }) => {
    const domain = newDomain()
    await claimDomain(acme, domain)
    const isDue = async () =>
      (await acme.sql`select from usher.list_domains_to_verify() where domain = ${domain}`)
        .length === 1
    expect(await isDue()).toBe(true)

    await confirmDomain(acme, acme.id, domain, [])
    expect(await isDue()).toBe(false)

    await acme.sql`update public.organisation_domains set checked_at = now() - interval '2 minutes' where domain = ${domain}`
    expect(await isDue()).toBe(true)
    await acme.sql`update public.organisation_domains set created_at = now() - interval '31 days' where domain = ${domain}`
    expect(await isDue()).toBe(false)
  })
})

describe('reply_to', () => {
  const verify = ({ sql, id }: Organisation, domain: string) =>
    sql`insert into public.organisation_domains (organisation_id, domain, verification, verified_at)
      values (${id}, ${domain}, 'x', now())`
  /** One that nobody else has. */
  const domainOf = ({ id }: Organisation) => `${id}.example`
  const REFUSAL = { code: 'invalid_email', hint: expect.stringMatching(/member|verified/) }
  const mailed = async (acme: Organisation) => {
    await acme.invite()
    return (await prepare(acme, await leaseOne(acme))).reply_to
  }

  test('is the confirmed address of a member', async ({ acme }) => {
    await updateOrganisation(acme, { reply_to: ` ${acme.finance.email.toUpperCase()} ` })
    expect(await mailed(acme)).toBe(acme.finance.email)
  })

  test('or one of a domain that the organisation has verified', async ({ acme }) => {
    await verify(acme, domainOf(acme))
    await updateOrganisation(acme, { reply_to: `hr@${domainOf(acme)}` })
    expect(await mailed(acme)).toBe(`hr@${domainOf(acme)}`)
  })

  test('is nobody else', async ({ acme }) => {
    const left = await acme.join(['member'], 'left')
    const banned = await acme.join(['member'], 'banned')
    const unconfirmed = await acme.join(['member'])
    await acme.sql`update auth.users set email_confirmed_at = null where id = ${unconfirmed.userId}`
    await acme.sql`insert into public.organisation_domains (organisation_id, domain, verification)
      values (${acme.id}, 'claimed.example', 'x')`
    await verify({ ...acme, id: acme.otherId }, `other.${domainOf(acme)}`)
    await verify(acme, domainOf(acme))

    for (const reply_to of [
      'somebody@example.com',
      acme.stranger.email,
      acme.outsider.email,
      left.email,
      banned.email,
      unconfirmed.email,
      'hr@claimed.example',
      `hr@other.${domainOf(acme)}`,
      `hr@sub.${domainOf(acme)}`,
      `hr@${domainOf(acme)}.evil.example`,
    ]) {
      await expect(updateOrganisation(acme, { reply_to }), reply_to).rejects.toMatchObject(REFUSAL)
    }
  })

  test('takes no answers any more once that is over', async ({ acme }) => {
    await updateOrganisation(acme, { reply_to: acme.finance.email })
    await acme.owner.rpc('remove_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.finance.userId,
    })
    await fanOut(acme.sql)
    await acme.sql`delete from public.organisation_deliveries where organisation_id = ${acme.id}`

    expect(await mailed(acme)).toBeNull()
    // It stands in the way of no other setting, and of none that sends it along.
    await updateOrganisation(acme, { reply_to: acme.finance.email, locale: 'de' })
  })

  test('nor once the domain is gone', async ({ acme }) => {
    await verify(acme, domainOf(acme))
    await updateOrganisation(acme, { reply_to: `hr@${domainOf(acme)}` })
    await acme.sql`delete from public.organisation_domains where organisation_id = ${acme.id}`

    expect(await mailed(acme)).toBeNull()
  })
})

describe('usher.list_domains_to_verify', () => {
  test('takes one domain of each organisation before the second of any', async ({ acme }) => {
    await acme.sql`insert into public.organisation_domains (organisation_id, domain, verification, created_at)
      select ${acme.id}, n || '.greedy.example', 'x', now() - interval '1 hour' from generate_series(1, 1000) n`
    const other = await createAcme(acme.sql)
    await other.owner.rpc('create_organisation_domain', {
      ...{ organisation_id: other.id, domain: 'patient.example' },
    })

    const due = await asWorker(acme, (tx) => tx`select * from usher.list_domains_to_verify()`)

    expect(due).toHaveLength(100)
    expect(due).toContainEqual({ organisation_id: other.id, domain: 'patient.example' })
  })
})
