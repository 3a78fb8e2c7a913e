/** @module-tag long */
import { expect, test } from 'vitest'
import { runClockFaults } from './clock.ts'
import { readSeed } from './random.ts'

test('wherever the clock steps, no invite is answered after its end and no mail is lost or sent twice', {
  timeout: 120_000,
}, async () => {
  const seed = readSeed()
  const { broken, figures } = await runClockFaults({ seed, rounds: 30 })

  expect(broken, `seed ${seed}`).toEqual([])
  expect(figures['accepted before the end']).toBeGreaterThan(0)
  expect(figures['refused after the end']).toBeGreaterThan(0)
  expect(figures['past the end: accepting waits for a lock']).toBeGreaterThan(0)
})
