import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { allowOneClick, letPass, mailedLink } from '../support/one-click.ts'
import { Caller } from '../support/people.ts'
import { asWorker } from '../support/worker.ts'

const worker = (acme: Organisation) => new Caller(acme.sql, 'usher_worker')
const start = async (acme: Organisation, token: string) =>
  worker(acme).run((tx) => tx`select * from usher.start_one_click(${token})`)
const finish = async (acme: Organisation, inviteId: string, userId: string | null, issue = 1) => {
  const [row] = await asWorker(
    acme,
    (tx) => tx`select usher.finish_one_click(${inviteId}, ${issue}, ${userId}) as good`,
  )
  return row?.good
}
const preview = async (acme: Organisation, token: string) =>
  (await acme.anyone.rpc('validate_organisation_invite', { token })).one_click

/** An account as Auth's admin API makes it for an invite, or with other words. */
async function made(acme: Organisation, email: string, more: object = {}) {
  const row = { id: randomUUID(), email, encrypted_password: '', ...more }
  await acme.sql`insert into auth.users ${acme.sql(row as never)}`
  return row.id
}

describe('start_one_click', () => {
  test('uses a fresh link up, once, and is on record', async ({ acme }) => {
    await allowOneClick(acme)
    const { id, email, token } = await mailedLink(acme)

    expect(await preview(acme, token)).toBe(true)
    expect(await start(acme, token)).toEqual([{ invite_id: id, issue: 1, email }])
    expect(await start(acme, token)).toEqual([])
    expect(await preview(acme, token)).toBe(false)
    const events = await acme.owner.select('organisation_audit_events')
    expect(events.filter(({ event }) => event.startsWith('invite.one_click'))).toMatchObject([
      { event: 'invite.one_click_started', actor_kind: 'invitee', actor_id: null, target_id: id },
    ])
  })

  const cases: [string, (acme: Organisation) => Promise<string>][] = [
    [
      'the setting is off, as it is unless somebody turns it on',
      async (acme) => {
        const { token } = await mailedLink(acme)
        await acme.sql`select usher.update_settings('{"one_click": "off"}')`
        return token
      },
    ],
    [
      'somebody has an account with the address',
      async (acme) => (await mailedLink(acme, (await acme.person()).email)).token,
    ],
    [
      'somebody has begun to make one',
      async (acme) => {
        const { email, token } = await mailedLink(acme)
        await made(acme, email, { encrypted_password: '$2a$10$x' })
        return token
      },
    ],
    [
      'a single sign-on account has the address',
      async (acme) => {
        const { email, token } = await mailedLink(acme)
        const id = await made(acme, email, { is_sso_user: true, email_confirmed_at: new Date() })
        await acme.sql`insert into auth.identities
          (id, provider, provider_id, user_id, identity_data)
          values (${randomUUID()}, ${`sso:${randomUUID()}`}, ${email}, ${id},
            ${acme.sql.json({ email })})`
        return token
      },
    ],
    [
      'the mail is older than a day',
      async (acme) => {
        const { id, token } = await mailedLink(acme)
        await letPass(acme, id, '24 hours')
        return token
      },
    ],
    [
      'the link was revealed to an admin, and not mailed',
      async (acme) => {
        const { invite } = await acme.invite()
        const link = await acme.admin.rpc('reveal_organisation_invite_link', {
          invite_id: invite.id,
        })
        return link.split('#')[1]
      },
    ],
    [
      'the organisation has a sign-in rule',
      async (acme) => {
        await acme.owner.rpc('update_organisation_sign_in_rule', {
          organisation_id: acme.id,
          changes: { provider: 'keycloak' },
        })
        return (await mailedLink(acme)).token
      },
    ],
    [
      'the invite was withdrawn',
      async (acme) => {
        const { id, token } = await mailedLink(acme)
        await acme.owner.rpc('revoke_organisation_invite', { invite_id: id })
        return token
      },
    ],
    [
      'the invite was sent again',
      async (acme) => {
        const { id, token } = await mailedLink(acme)
        await acme.owner.rpc('resend_organisation_invite', { invite_id: id })
        return token
      },
    ],
    [
      'the invite has expired',
      async (acme) => {
        const { id, token } = await mailedLink(acme)
        await acme.expire(id)
        return token
      },
    ],
    ['the link is forged', async () => `inv_${'A'.repeat(116)}`],
    ['there is no link', async () => ''],
  ]
  test.for(cases)('is refused without a word when %s', async ([, scene], { acme }) => {
    await allowOneClick(acme)
    const token = await scene(acme)

    expect(await start(acme, token)).toEqual([])
    expect(await preview(acme, token)).not.toBe(true)
    expect(await acme.events()).not.toContain('invite.one_click_started')
  })

  test('a shorter time is a setting, a longer one is refused', async ({ acme }) => {
    await allowOneClick(acme, { one_click_within: '10 minutes' })
    const { id, token } = await mailedLink(acme)
    await letPass(acme, id, '10 minutes')

    expect(await start(acme, token)).toEqual([])
    await expect(
      acme.sql`select usher.update_settings('{"one_click_within": "25 hours"}')`,
    ).rejects.toThrow(/invalid_settings/)
    await expect(
      acme.sql`select usher.update_settings('{"one_click": "everybody"}')`,
    ).rejects.toThrow(/invalid_settings/)
  })

  test('of two at once one gets it', async ({ acme }) => {
    await allowOneClick(acme)
    const { token } = await mailedLink(acme)

    const answers = await Promise.all(Array.from({ length: 4 }, () => start(acme, token)))

    expect(answers.filter((rows) => rows.length > 0)).toHaveLength(1)
  })

  test('waits for a revocation under way, and then has nothing', async ({ acme }) => {
    await allowOneClick(acme)
    const { id, token } = await mailedLink(acme)
    let starting: Promise<unknown> | undefined

    await acme.owner.run(async (tx) => {
      await tx`select public.revoke_organisation_invite(${id})`
      starting = start(acme, token)
      await expect
        .poll(async () => {
          const rows = await acme.sql`select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`
          return rows.length
        })
        .toBeGreaterThan(0)
    })

    expect(await starting).toEqual([])
  })

  test('a new mail is a new click; five a day for one address', async ({ acme }) => {
    await allowOneClick(acme)
    const { id, email, token } = await mailedLink(acme)
    const links = [token]
    for (let issue = 2; issue <= 6; issue++) {
      await acme.sql`update usher.invites set issue = ${issue} where id = ${id}`
      const [row] = await acme.sql`select usher.mint_invite_token(${id}, true) as token`
      links[issue - 1] = row?.token
      if (issue < 6) expect(await start(acme, row?.token)).toMatchObject([{ email, issue }])
    }
    await acme.sql`update usher.rate_limits set used = 5 where key like 'one_clicks:%' and used < 6
      and key not like ${`%${acme.id}`}`

    await expect(start(acme, links[5] ?? '')).rejects.toMatchObject({
      code: 'rate_limited',
      status: 429,
    })
    // Who it was is nobody's to read there.
    const keys = await acme.sql`select key from usher.rate_limits where key like ${`%${email}%`}`
    expect([...keys]).toEqual([])
  })
})

describe('finish_one_click', () => {
  async function started(acme: Organisation) {
    await allowOneClick(acme)
    const link = await mailedLink(acme)
    await start(acme, link.token)
    return link
  }

  test('lets the code of a new account go out, once', async ({ acme }) => {
    const { id, email } = await started(acme)
    const userId = await made(acme, email)

    expect(await finish(acme, id, userId)).toBe(true)
    expect(await finish(acme, id, userId)).toBe(false)
    expect(
      await acme.owner.select('organisation_audit_events', { event: 'invite.one_click_done' }),
    ).toMatchObject([{ actor_kind: 'invitee', after: { user_id: userId } }])
  })

  const others: [string, object][] = [
    ['whoever signed up in between left a password', { encrypted_password: '$2a$10$theirs' }],
    ['the account is confirmed by now', { email_confirmed_at: new Date() }],
    ['the account has another address', { email: 'somebody-else@example.com' }],
    ['it is a single sign-on account', { is_sso_user: true }],
  ]
  test.for(others)('keeps the code back when %s', async ([, more], { acme }) => {
    const { id, email } = await started(acme)
    const userId = await made(acme, email, more)

    expect(await finish(acme, id, userId)).toBe(false)
    expect(await acme.events()).toContain('invite.one_click_failed')
  })

  test('keeps the code back when the invite was withdrawn meanwhile', async ({ acme }) => {
    const { id, email } = await started(acme)
    const userId = await made(acme, email)
    await acme.owner.rpc('revoke_organisation_invite', { invite_id: id })

    expect(await finish(acme, id, userId)).toBe(false)
  })

  test('writes down that Auth gave nothing; the link stays used', async ({ acme }) => {
    const { id, token } = await started(acme)

    expect(await finish(acme, id, null)).toBe(false)
    expect(await acme.events()).toContain('invite.one_click_failed')
    expect(await start(acme, token)).toEqual([])
    // The ordinary way is open as before.
    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'pending',
      one_click: false,
    })
  })

  test('of a click that nobody began, nothing', async ({ acme }) => {
    const { invite } = await acme.invite()

    expect(await finish(acme, invite.id, await made(acme, invite.email))).toBe(false)
    expect(await finish(acme, randomUUID(), null)).toBe(false)
  })
})
