/** A failing run of tests, or a check that finds something, ends with the status that it has. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test.for([0, 3])(
  'a program that may start Postgres ends with the status it was given: %i',
  (status) => {
    const program = `await import('./supabase/local/database.ts'); process.exitCode = ${status}`
    const ended = spawnSync('node', ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect([ended.status, ended.stderr]).toEqual([status, ''])
  },
)
