/** @module-tag long */
import { expect, test } from 'vitest'
import { runAcceptFaults } from './accepts.ts'
import { readSeed } from './random.ts'

test('Postgres killed in the middle of accepts: all that was acknowledged is there, and nobody is half in', {
  timeout: 120_000,
}, async () => {
  const seed = readSeed()
  const { broken, figures } = await runAcceptFaults({ seed, kills: 2 })

  expect(broken, `seed ${seed}`).toEqual([])
  expect(figures.acknowledged).toBeGreaterThan(0)
})
