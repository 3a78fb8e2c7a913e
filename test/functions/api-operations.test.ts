/** The whole permission matrix again, this time through the REST function. */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Operation } from '../../functions/api/operation.ts'
import { BY_PRECISION, OPERATIONS } from '../../functions/api/operations.ts'
import { PROBLEMS, type ProblemCode } from '../../functions/api/problem.ts'
import { KEYS } from '../support/keys.ts'
import { CALLS, sceneOf, scenesOf } from '../support/matrix-calls.ts'
import { describes } from '../support/openapi.ts'
import { type CallerName, MATRIX } from '../support/permission-matrix.ts'
import { test as base } from '../support/rest.ts'

const test = base.extend('scenes', { scope: 'file' }, ({ database }) => scenesOf(database.sql))

/** Reached by the header Idempotency-Key instead, which every create takes. */
const BY_HEADER = ['call_organisation_function_once']

const callable = OPERATIONS.filter(({ source }) => 'function' in source)
const nameOf = ({ source }: Operation) => ('function' in source ? source.function : '')

/** Puts arguments, named as in SQL, where the operation takes them. */
function toRequest(operation: Operation, args: Record<string, unknown>) {
  const has = (schema: Operation['query'], name: string) => Object.hasOwn(schema?.shape ?? {}, name)
  const { changes, ...others } = args
  const entries = Object.entries({ ...others, ...(changes as object) })
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(String(args[name])),
  )
  const isInPath = (name: string) => operation.path.includes(`{${name}}`)
  const query = entries.filter(
    ([name]) => has(operation.query, name) && !isInPath(name) && !has(operation.body, name),
  )
  const body = entries.filter(
    ([name]) => (!isInPath(name) && !has(operation.query, name)) || has(operation.body, name),
  )
  const search = new URLSearchParams(query.map(([name, value]) => [name, String(value)]))
  return {
    path: `/api${path}${query.length > 0 ? `?${search}` : ''}`,
    method: operation.method.toUpperCase(),
    ...(operation.body && { json: Object.fromEntries(body.filter(([name]) => !isInPath(name))) }),
  }
}

/** Postgres's own refusal, as the door puts it. */
const asCode = (outcome: string, caller: CallerName) =>
  outcome !== '42501' ? outcome : caller === 'anyone' ? 'unauthenticated' : 'permission_denied'

describe.for(callable.map((operation) => [operation.id, operation] as const))(
  '%s',
  ([, operation]) => {
    const name = nameOf(operation)

    test.for(['anyone', 'service', 'stranger', 'banned', 'roleless', 'member', 'owner'] as const)(
      '%s',
      async (caller, { scenes, rest }) => {
        const { scene, args } = await scenes(name, caller)
        const { path, ...request } = toRequest(operation, args)

        const answer = await rest(path, {
          ...request,
          by: scene[caller],
          ...(caller === 'service' && { headers: { apikey: KEYS.secretKey } }),
        })

        const expected = asCode(MATRIX[name]?.[caller] ?? '', caller)
        const outcome = answer.status < 300 ? 'ok' : answer.body.code
        expect(outcome).toBe(expected)
        expect(answer.status).toBe(
          expected === 'ok' ? operation.answers.status : PROBLEMS[expected as ProblemCode].status,
        )
        expect(describes(operation, answer)).toEqual([])
      },
    )
  },
)

/** By its slug; but joining, which is for those who cannot see whose a slug is. */
const inOrganisation = callable.filter(
  ({ id, params, query, body }) =>
    id !== 'joinOrganisation' &&
    [params, query, body].some((schema) => Object.hasOwn(schema?.shape ?? {}, 'organisation_id')),
)
test.for(inOrganisation.map((operation) => [operation.id, operation] as const))(
  '%s by the slug is the same as by the id, and the slug of others leads nowhere',
  async ([, operation], { acme, rest }) => {
    const name = nameOf(operation)
    const scene = await sceneOf(acme)
    const args = (await CALLS[name]?.(scene)) ?? {}
    const slugs =
      await acme.sql`select id, slug from public.organisations where id in (${acme.id}, ${acme.otherId})`
    const slugOf = (id: string) => slugs.find((row) => row.id === id)?.slug
    const ask = async (organisation_id: string) => {
      const { path, ...request } = toRequest(operation, { ...args, organisation_id })
      const { status, body } = await rest(path, { ...request, by: scene.owner })
      return { status, said: { ...body, request_id: null } }
    }

    const [theirs, unknown] = [await ask(slugOf(acme.otherId)), await ask(randomUUID())]
    const own = await ask(slugOf(acme.id))

    expect(theirs).toEqual(unknown)
    const expected = MATRIX[name]?.owner
    expect(own.status < 300 ? 'ok' : own.said.code).toBe(expected)
  },
)

test('every function of public that a person may call is reached by one operation', async ({
  database,
}) => {
  const rows = await database.sql`
    select p.proname as name from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proname ~ 'organisation'
      and (has_function_privilege('authenticated', p.oid, 'execute')
        or has_function_privilege('anon', p.oid, 'execute'))`

  expect([...callable.map(nameOf), ...BY_HEADER].sort()).toEqual(rows.map((row) => row.name).sort())
})

test('every table of public that a person may read is reached, but invites by their function', async ({
  database,
}) => {
  const rows = await database.sql`
    select c.relname as name from pg_catalog.pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
      and has_table_privilege('authenticated', c.oid, 'select')`
  const tables = OPERATIONS.flatMap(({ source }) => ('table' in source ? [source.table] : []))

  expect([...new Set(tables)].sort()).toEqual(rows.map((row) => row.name).sort())
})

test.for(callable.map((operation) => [nameOf(operation), operation] as const))(
  '%s: the operation takes exactly its arguments, and knows every code of its comment',
  async ([name, operation], { database }) => {
    const [fn] = await database.sql`
      select coalesce(p.proargnames[1:p.pronargs], '{}') as names, obj_description(p.oid, 'pg_proc') as comment
      from pg_catalog.pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.proname = ${name}`
    const { params, query, body, source, refuses } = operation
    const taken = Object.assign({}, params?.shape, query?.shape, body?.shape)
    const isMapped = 'toArguments' in source
    // From there on its comment lists them.
    const refusals = String(fn?.comment).split('Fails')[1] ?? ''
    const codes = Object.keys(PROBLEMS).filter((code) => new RegExp(`\\b${code}\\b`).test(refusals))

    const mapped = ['changes', ...Object.keys(params?.shape ?? {})]
    expect((isMapped ? mapped : Object.keys(taken)).sort()).toEqual([...(fn?.names ?? [])].sort())
    expect(codes.filter((code) => !refuses.includes(code as never))).toEqual([])
  },
)

test('a router tries the exact address before one with a parameter', () => {
  const paths = BY_PRECISION.map(({ path }) => path)

  expect(paths.indexOf('/invitations/mine')).toBeLessThan(paths.indexOf('/invitations/{invite_id}'))
})
