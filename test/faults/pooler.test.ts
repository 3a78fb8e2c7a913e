/** @module-tag long */
import { expect, test } from 'vitest'
import { runPoolerFaults } from './pooler.ts'
import { readSeed } from './random.ts'

test('behind a transaction-mode pooler the main job, the worker and the functions work, and callers stay apart', {
  timeout: 120_000,
}, async ({ skip }) => {
  const { broken, skipped, figures } = await runPoolerFaults({ seed: readSeed(), people: 40 })
  if (skipped) skip(skipped)

  expect(broken).toEqual([])
  expect(figures.accepted).toBe(40)
  expect(figures['mails sent by the worker']).toBeGreaterThan(0)
})
