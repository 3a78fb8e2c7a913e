import { describe, expect } from 'vitest'
import { CALLS, type Scene, test } from '../support/matrix-calls.ts'
import { CALLERS, type CallerName, MATRIX } from '../support/permission-matrix.ts'

async function outcome(scene: Scene, name: string, caller: CallerName): Promise<string> {
  const args = await CALLS[name]?.(scene, scene[caller])
  return scene[caller].rpc(name, args).then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

describe.for(Object.entries(MATRIX))('%s', ([name, expected]) => {
  test.for(Object.keys(CALLERS) as CallerName[])('%s', async (caller, { scene }) => {
    expect(await outcome(scene, name, caller)).toBe(expected[caller])
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
