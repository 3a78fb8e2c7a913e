/** @module-tag long */
import { expect, test } from 'vitest'
import { runMailFaults } from './mail.ts'
import { readSeed } from './random.ts'

test('no mail is lost and none comes under two ids, whatever is killed; npm run test:faults at length', {
  timeout: 180_000,
}, async () => {
  const seed = readSeed()
  const report = await runMailFaults({ seed, invites: 120, kills: 4, restarts: 1 })

  expect(report, `seed ${seed}`).toMatchObject({ invites: 120, missing: [], severalIds: [] })
  expect(report.duplicates, `seed ${seed}`).toBeLessThanOrEqual(report.duplicatesAllowed)
})
