/** @module-tag long */
import { expect, test } from 'vitest'
import { runOutboxFaults } from './outbox.ts'
import { readSeed } from './random.ts'

test('workers killed in the middle of following: each change is followed exactly once; npm run test:faults at length', {
  timeout: 180_000,
}, async () => {
  const seed = readSeed()
  const { broken, figures } = await runOutboxFaults({ seed, changes: 200, kills: 5 })

  expect(broken, `seed ${seed}`).toEqual([])
  expect(figures).toMatchObject({ kills: 5, changes: 200 })
})
