/** Nothing of the contract is missing in the GraphQL schema, and nothing is there that is not in it. */
import { readFile } from 'node:fs/promises'
import { type GraphQLField, parse, validate } from 'graphql'
import { describe, expect } from 'vitest'
import { schema } from '../../functions/graphql/schema.ts'
import { test } from '../support/acme.ts'

const fieldsOf = (type: ReturnType<typeof schema.getQueryType>) =>
  Object.values(type?.getFields() ?? {}) as GraphQLField<unknown, unknown>[]
const queries = fieldsOf(schema.getQueryType())
const mutations = fieldsOf(schema.getMutationType())
const page = readFile(new URL('../../docs/graphql.md', import.meta.url), 'utf8')
const functionOf = (field: GraphQLField<unknown, unknown>) =>
  field.extensions.function as string | undefined

describe('the operations of the schema', () => {
  test('are the functions of public, each once', async ({ database }) => {
    // One is no operation of its own: it carries another out, for callers who repeat requests.
    const rows = await database.sql`
      select p.proname from pg_catalog.pg_proc p
      where p.pronamespace = 'public'::regnamespace
        and p.proname <> 'call_organisation_function_once'
        and has_function_privilege('authenticated', p.oid, 'execute')
      order by p.proname`
    const offered = [...queries, ...mutations].flatMap((field) => functionOf(field) ?? [])

    expect(offered.sort()).toEqual(rows.map((row) => row.proname))
  })

  test('are queries where the function changes nothing, and mutations where it may', async ({
    database,
  }) => {
    const rows = await database.sql`
      select p.proname, p.provolatile = 'v' as changes from pg_catalog.pg_proc p
      where p.pronamespace = 'public'::regnamespace`
    const changes = new Map(rows.map((row) => [row.proname, row.changes]))

    expect(queries.filter((field) => changes.get(functionOf(field)))).toEqual([])
    expect(mutations.filter((field) => !changes.get(functionOf(field)))).toEqual([])
  })

  test('take every parameter of their function', async ({ database }) => {
    const rows = await database.sql`
      select p.proname, p.proargnames[1:p.pronargs] as parameters from pg_catalog.pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.pronargs > 0`
    const parameters = new Map(rows.map((row) => [row.proname, row.parameters as string[]]))
    // Pages have Relay's names, and an invite is an object of its own.
    const others: Record<string, string[]> = {
      invites: ['organisation_id', 'status', 'search', 'after', 'first'],
      createInvite: ['organisation_id', 'invite'],
    }

    for (const field of [...queries, ...mutations]) {
      const name = functionOf(field)
      if (!name) continue
      const taken = field.args.map((arg) =>
        arg.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      )
      expect(taken.sort(), field.name).toEqual(
        [...(others[field.name] ?? parameters.get(name) ?? [])].sort(),
      )
    }
  })

  test('take all that an invite or an organisation can be given', async ({ database }) => {
    const [row] = await database.sql`
      select p.proargnames[2:p.pronargs] as parameters from pg_catalog.pg_proc p
      where p.oid = to_regproc('public.create_organisation_invite')`
    const draft = schema.getType('InviteDraft')
    const fields = draft && 'getFields' in draft ? Object.keys(draft.getFields()) : []

    expect(
      fields.map((name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)).sort(),
    ).toEqual([...(row?.parameters ?? [])].sort())
  })

  test('are all described, and listed in docs/graphql.md beside their function', async () => {
    for (const field of [...queries, ...mutations]) {
      expect(field.description, field.name).toBeTruthy()
      if (functionOf(field)) {
        expect(await page).toContain(`| \`${field.name}\` | \`${functionOf(field)}\` |`)
      }
    }
  })

  test('are used in the examples of docs/graphql.md as they are', async () => {
    const examples = [...(await page).matchAll(/```graphql\n(.*?)```/gs)].map(([, text]) => text)

    expect(examples.length).toBeGreaterThan(3)
    for (const text of examples) expect(validate(schema, parse(text ?? ''))).toEqual([])
  })
})
