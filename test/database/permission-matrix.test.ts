import { describe, expect } from 'vitest'
import { test as base } from '../support/acme.ts'
import { CALLS, scenesOf } from '../support/matrix-calls.ts'
import { CALLERS, type CallerName, MATRIX } from '../support/permission-matrix.ts'

const test = base.extend('scenes', { scope: 'file' }, ({ database }) => scenesOf(database.sql))

describe.for(Object.entries(MATRIX))('%s', ([name, expected]) => {
  test.for(Object.keys(CALLERS) as CallerName[])('%s', async (caller, { scenes }) => {
    const { scene, args } = await scenes(name, caller)
    const outcome = await scene[caller].rpc(name, args).then(
      () => 'ok',
      (error: { code?: string }) => error.code ?? String(error),
    )
    expect(outcome).toBe(expected[caller])
  })
})

test('no function of public is missing from the matrix, and none too many', async ({
  database,
}) => {
  const rows = await database.sql`select distinct proname as name from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace`

  expect(Object.keys(MATRIX).sort()).toEqual(rows.map((row) => row.name).sort())
  expect(Object.keys(CALLS).sort()).toEqual(Object.keys(MATRIX).sort())
})
