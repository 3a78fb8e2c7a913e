import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type RepeatOptions, repeat } from '../../functions/_shared/repeat.ts'

/** Long enough for turns that follow at once, and not for any that waits. */
const A_WHILE = 150
const NEVER = 600_000

/** Repeats it until the test has ended; answers how often it has begun. */
function repeated(work: (turn: number) => unknown, options: Partial<RepeatOptions> = {}) {
  const stopping = new AbortController()
  let turns = 0
  const done = repeat(
    async () => {
      turns += 1
      return work(turns)
    },
    { every: NEVER, stop: stopping.signal, ...options },
  )
  onTestFinished(async () => {
    stopping.abort()
    await done
  })
  return { turns: () => turns, stop: () => stopping.abort(), done }
}

const ring = (bell: EventTarget) => bell.dispatchEvent(new Event('ring'))

describe('repeat', () => {
  test('begins at once, and then waits as long as it is told', async () => {
    const often = repeated(() => {}, { every: 1 })
    const seldom = repeated(() => {})

    await expect.poll(often.turns).toBeGreaterThan(3)
    expect(seldom.turns()).toBe(1)
  })

  test('waits as long as a turn answers, be that shorter or longer, and each turn anew', async () => {
    const sooner = repeated((turn) => (turn < 4 ? 1 : undefined))
    const later = repeated((turn) => (turn === 3 ? NEVER : undefined), { every: 1 })

    await expect.poll(sooner.turns).toBe(4)
    await expect.poll(later.turns).toBe(3)
    await wait(A_WHILE)
    expect([sooner.turns(), later.turns()]).toEqual([4, 3])
  })

  test('begins at once again where a turn answers 0', async () => {
    const { turns } = repeated((turn) => (turn < 50 ? 0 : NEVER))

    await expect.poll(turns).toBe(50)
  })

  test('goes on when the bell rings, also while a turn is under way', async () => {
    const bell = new EventTarget()
    const { turns } = repeated((turn) => turn === 2 && ring(bell), { bell })
    await wait(A_WHILE)
    expect(turns()).toBe(1)

    ring(bell)

    await expect.poll(turns).toBe(3)
    await wait(A_WHILE)
    expect(turns()).toBe(3)
  })

  test('after trouble it waits, whatever was answered before, and says so', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => said.mockRestore())
    const bell = new EventTarget()
    const { turns } = repeated(
      (turn) => {
        if (turn === 2) throw new Error('gone')
        return turn === 1 ? 1 : NEVER
      },
      { every: 1, bell },
    )

    await expect.poll(turns).toBe(2)
    await wait(A_WHILE)
    expect(turns()).toBe(2)
    expect(JSON.parse(String(said.mock.calls[0]?.[0]))).toMatchObject({
      level: 'error',
      event: 'work.trouble',
      times: 1,
      error: 'gone',
    })
    ring(bell)
    await expect.poll(turns).toBe(3)
  })

  test('ends once the turn that runs has ended', async () => {
    let finish = () => {}
    const { turns, stop, done } = repeated(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }),
      { every: 1 },
    )
    let hasEnded = false
    void done.then(() => {
      hasEnded = true
    })

    stop()
    await wait(A_WHILE)
    expect(hasEnded).toBe(false)
    finish()
    await done

    expect(turns()).toBe(1)
  })
})
