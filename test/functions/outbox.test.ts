import type postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BATCH, outboxOf } from '../../functions/_shared/outbox.ts'

interface Answer {
  followed: number
  newest: string
}

const START = Date.parse('2026-11-21T12:00:00Z')
const NOTHING: Answer = { followed: 0, newest: '0' }

/** A database that answers so, one after the other, and notes down where it was asked to begin. */
function stub(...answers: (Answer | Error)[]) {
  const begins: unknown[] = []
  const sizes: number[] = []
  const sql = async (_query: TemplateStringsArray, batch: number, after: unknown) => {
    begins.push(after)
    sizes.push(batch)
    const answer = answers.shift() ?? NOTHING
    if (answer instanceof Error) throw answer
    return [answer]
  }
  return { begins, sizes, fanOut: outboxOf(sql as unknown as postgres.Sql) }
}

const at = (seconds: number) => vi.setSystemTime(START + seconds * 1_000)

describe('the outbox', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: START })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is read on from what was the newest ten seconds ago, and all of it every thirty', async () => {
    const turns = [
      // [seconds, the newest at that time, where it begins]
      [0, '100', '0'],
      [5, '150', '0'],
      [10, '200', '0'],
      [10.5, '210', '100'],
      [19.5, '290', '100'],
      [20, '300', '100'],
      [20.5, '310', '200'],
      [30, '400', '0'],
      [30.5, '410', '300'],
      [40, '500', '300'],
      [40.5, '510', '400'],
      [60, '700', '0'],
      [60.5, '710', '500'],
    ] as const
    const { begins, fanOut } = stub(...turns.map(([, newest]): Answer => ({ followed: 0, newest })))

    for (const [seconds] of turns) {
      at(seconds)
      await fanOut()
    }

    expect(begins).toEqual(turns.map(([, , begin]) => begin))
  })

  test('is read on at once while as much comes of it as may, from the same place', async () => {
    const full = { followed: BATCH, newest: '9000' }
    const { begins, fanOut } = stub(full, full, { followed: 3, newest: '9000' })

    const heard = vi.fn()
    expect(await fanOut(heard)).toBe(2 * BATCH + 3)
    // What the first of a bulk is mailed does not wait for the last.
    expect(heard).toHaveBeenCalledTimes(3)
    expect(await fanOut(heard)).toBe(0)
    expect(heard).toHaveBeenCalledTimes(3)

    expect(begins).toEqual(['0', '0', '0', '0', '0'])
  })

  test('is read from the start again where that did not work', async () => {
    const full = { followed: BATCH, newest: '100' }
    const { begins, fanOut } = stub(full, NOTHING, full, new Error('gone'))
    await fanOut()
    at(30)

    await expect(fanOut()).rejects.toThrow('gone')
    at(31)
    await fanOut()

    expect(begins).toEqual(['0', '0', '0', '0', '0'])
  })

  test('is followed in smaller parts where the database has no time for as many', async () => {
    const late = Object.assign(new Error('canceling statement'), { code: '57014' })
    const { sizes, fanOut } = stub(late, late, { followed: 3, newest: '9' })

    expect(await fanOut()).toBe(3)
    expect(sizes).toEqual([BATCH, 25, 3, 3])
  })

  test('gives up where not even one can be followed in time', async () => {
    const late = Object.assign(new Error('canceling statement'), { code: '57014' })
    const { sizes, fanOut } = stub(late, late, late, late)

    await expect(fanOut()).rejects.toThrow('canceling statement')
    expect(sizes).toEqual([BATCH, 25, 3, 1])
  })
})
