import { describe, expect, onTestFinished } from 'vitest'
import { connect } from '../../functions/_shared/database.ts'
import { createMailMetrics } from '../../functions/_shared/metrics.ts'
import { test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { workerUrl } from './worker-role.ts'

describe('the figures', () => {
  test('say what has happened and nothing has followed yet', async ({ acme, database }) => {
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())
    const metrics = createMailMetrics(sql)
    const figure = async (name: string) => {
      const [, value] = (await metrics.read()).match(new RegExp(`^${name} (\\S+)$`, 'm')) ?? []
      return Number(value)
    }
    await fanOut(acme.sql)
    expect(await figure('usher_outbox')).toBe(0)
    expect(await figure('usher_outbox_oldest_seconds')).toBe(0)

    await acme.invite()
    await acme.invite()

    expect(await figure('usher_outbox')).toBe(2)
    const oldest = await figure('usher_outbox_oldest_seconds')
    expect(oldest).toBeGreaterThan(0)
    expect(oldest).toBeLessThan(60)
    expect(await fanOut(acme.sql)).toBe(2)
    expect(await figure('usher_outbox')).toBe(0)
    expect(await figure('usher_outbox_oldest_seconds')).toBe(0)
  })
})
