/** @module-tag long */
import { expect, test } from 'vitest'
import { runDiskFaults } from './disk.ts'
import { readSeed } from './random.ts'

test('a full disk at the mail server and under the log of the worker: every mail is kept and goes out later', {
  timeout: 150_000,
}, async ({ skip }) => {
  const seed = readSeed()
  const { broken, skipped, figures } = await runDiskFaults({ seed, invites: 30 })
  if (skipped) skip(skipped)

  expect(broken, `seed ${seed}`).toEqual([])
  expect(figures).toMatchObject({ invites: 30, arrived: 30 })
  expect(figures.kept).toBeGreaterThan(0)
})
