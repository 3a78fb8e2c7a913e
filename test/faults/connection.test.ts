/** @module-tag long */
import { expect, test } from 'vitest'
import { runConnectionFaults } from './connection.ts'
import { readSeed } from './random.ts'

test('whoever lost the answer asks again and hears the truth, and a create with a key happens once', {
  timeout: 120_000,
}, async () => {
  const seed = readSeed()
  const { broken, figures } = await runConnectionFaults({ seed, people: 12 })

  expect(broken, `seed ${seed}`).toEqual([])
  expect(figures['between commit and answer']).toBeGreaterThan(0)
  expect(figures['made again without a key']).toBeGreaterThan(0)
})
