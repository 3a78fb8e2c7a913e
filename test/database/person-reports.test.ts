import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { somebody } from '../support/erasure.ts'

describe('however they are written', () => {
  test('a stop by an address with a tag is in the report of it', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const tagged = email.replace('@', '+a@')
    await sql`insert into usher.mail_opt_outs (organisation_id, email) values (${acme.id}, ${email})`
    await sql`select usher.suppress_address(${email.replace('@', '+b@')}, 'complaint')`

    for (const asked of [tagged, email]) {
      const rows = await sql`select place from usher.report_address(${asked}) order by place`
      expect(rows.map(({ place }) => place)).toEqual([
        'usher.mail_opt_outs',
        'usher.suppressed_addresses',
      ])
    }
  })
})

describe('a person without an account', () => {
  test.for(['report_address', 'erase_address'])(
    '%s refuses what is no address',
    async (name, { acme }) => {
      for (const address of ['nobody', null]) {
        await expect(acme.sql`select usher.${acme.sql(name)}(${address})`).rejects.toThrow(
          /invalid_email/,
        )
      }
    },
  )
})
