/** The client covers the contract: each function that a person may call has its method. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const source = globSync('client/*.ts')
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')
const matrix = readFileSync('docs/permissions.md', 'utf8')
const types = readFileSync('client/generated/database.types.ts', 'utf8')

test('every function of the contract is called by the client', () => {
  const functions = [...matrix.matchAll(/^\| `(\w+)` \|/gm)]
    .map(([, name]) => name)
    // For callers over HTTP, whose answers get lost: REST's Idempotency-Key.
    .filter((name) => name !== 'call_organisation_function_once')

  expect(functions.length).toBeGreaterThan(40)
  expect(functions.filter((name) => !source.includes(`'${name}'`))).toEqual([])
})

test('the client knows every kind of mail and every status of one', () => {
  const deliveries = readFileSync('client/deliveries.ts', 'utf8')
  const wordsOf = (text: string | undefined) => (text?.match(/'\w+'/g) ?? []).sort()
  const union = (name: string) =>
    wordsOf(deliveries.match(`export type ${name} =([^;{]*?)\n\\S`)?.[1])
  const table = readFileSync('sql/50_mail/01_deliveries.sql', 'utf8')
  const check = (name: string) =>
    wordsOf(
      table.match(
        `constraint organisation_deliveries_${name} check \\(\\s*${name} in \\(([^)]*)`,
      )?.[1],
    )

  expect(union('DeliveryStatus')).toContain("'complained'")
  expect(union('DeliveryStatus')).toEqual(check('status'))
  expect(union('MailKind')).toContain("'device_enrolled'")
  // Mails of Supabase Auth are for no member to read.
  expect(union('MailKind')).toEqual(check('kind').filter((kind) => kind !== "'auth'"))
})

test('every table and view that the API shows is read by the client', () => {
  const tables = types.slice(types.indexOf('Tables: {'), types.indexOf('Functions: {'))
  const names = [...tables.matchAll(/^ {6}(\w+): \{/gm)].map(([, name]) => name)

  expect(names).toContain('organisation_invites')
  expect(names.filter((name) => !source.includes(`'${name}'`))).toEqual([])
})
