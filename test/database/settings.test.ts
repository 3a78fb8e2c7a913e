import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { asRefusal } from '../support/refusal.ts'

const settings = async (sql: postgres.Sql) => (await sql`select * from usher.settings`)[0]

const update = (sql: postgres.Sql, changes: object) =>
  asRefusal(
    async () =>
      (
        await sql`select to_jsonb(usher.update_settings(${sql.json(changes as never)})) as settings`
      )[0]?.settings,
  )

describe('update_settings', () => {
  test('changes what is named, keeps the rest, and answers all of it', async ({
    database: { sql },
  }) => {
    const before = await settings(sql)

    const answer = await update(sql, { resend_cooldown: '2 minutes', resends_per_day: 7 })

    expect(answer).toMatchObject({ resend_cooldown: '00:02:00', site_url: before?.site_url })
    expect(await settings(sql)).toEqual({
      ...before,
      resend_cooldown: '00:02:00',
      resends_per_day: 7,
    })
  })

  test('writes addresses without the slash at their end', async ({ database: { sql } }) => {
    expect(
      await update(sql, {
        site_url: 'https://app.example.com/team//',
        functions_url: 'https://api.example.com/functions/v1/',
      }),
    ).toMatchObject({
      site_url: 'https://app.example.com/team',
      functions_url: 'https://api.example.com/functions/v1',
    })
  })

  test('takes an optional one back with null', async ({ database: { sql } }) => {
    await update(sql, { functions_url: 'https://api.example.com', mails_per_minute_to_domain: 5 })

    expect(
      await update(sql, { functions_url: null, mails_per_minute_to_domain: null }),
    ).toMatchObject({ functions_url: null, mails_per_minute_to_domain: null })
  })

  test.for([
    { site_name: 'Acme' },
    { is_only_row: false },
    { site_url: null },
    { site_url: 'app.example.com' },
    { site_url: 'http://app.example.com' },
    { site_url: 'https://app.example.com@evil.example' },
    { functions_url: 'ftp://api.example.com' },
    { redirect_origins: null },
    { sign_up: 'closed' },
    { one_click: 'everybody' },
    { resends_per_day: -1 },
    { mails_per_hour_to_recipient: 0 },
    // With fewer, the first single mails of a new organisation would wait.
    { new_mails_per_hour_of_sender: 49 },
    { client_address_header: 'X-Forwarded-For' },
  ])(
    'refuses %j, and changes nothing that was sent along',
    async (changes, { database: { sql } }) => {
      const before = await settings(sql)

      await expect(update(sql, { resends_per_day: 3, ...changes })).rejects.toMatchObject({
        code: 'invalid_settings',
        status: 422,
      })
      expect(await settings(sql)).toEqual(before)
    },
  )

  test('says which setting there is not', async ({ database: { sql } }) => {
    await expect(
      asRefusal(() => sql`select usher.update_settings('{"colour": 1}')`),
    ).rejects.toMatchObject({
      hint: "There is no setting 'colour'.",
    })
  })
})

describe('the settings', () => {
  test('are one row', async ({ database: { sql } }) => {
    await expect(sql`insert into usher.settings default values`).rejects.toMatchObject({
      code: '23505',
    })
    await expect(
      sql`insert into usher.settings (is_only_row) values (false)`,
    ).rejects.toMatchObject({ code: '23514' })
  })

  test('are neither read nor changed through the API', async ({ acme }) => {
    for (const who of [acme.anyone, acme.owner, acme.service]) {
      for (const statement of [
        'select * from usher.settings',
        `update usher.settings set sign_up = 'open'`,
        `select usher.update_settings('{"sign_up": "open"}')`,
      ]) {
        await expect(who.run((tx) => tx.unsafe(statement))).rejects.toMatchObject({ code: '42501' })
      }
    }
  })
})
