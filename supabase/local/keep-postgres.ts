/**
 * A Postgres that is started again, on the same data and the same port, when it ends by itself: somebody killed it,
 * or the machine ran out of memory.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'
import {
  hasDatabase,
  type PostgresOptions,
  type PostgresServer,
  startPostgres,
} from './database.ts'
import { Problem } from './problem.ts'

export interface KeptPostgresOptions extends Omit<PostgresOptions, 'onReset'> {
  /** Once it says so, an end is no surprise, and nothing is started again. */
  signal: AbortSignal
  /** It has ended. @param how - such as `signal SIGKILL` */
  onEnd(how: string): void
  /** It takes connections again. What holds connections that were cut gets new ones here. */
  onBack(): Promise<void>
  /** One of its processes was killed, it has cut all connections for that, and takes new ones: the same is to do. */
  onReset(): Promise<void>
  /** It does not start again, or what holds connections gets no new ones, and nothing is tried any more. @param reason - a sentence */
  onGiveUp(reason: string): void
}

export interface KeptPostgres {
  /** The database `postgres`, as the superuser `postgres`. */
  url: string
  /** Whether it takes connections, as far as is known. */
  isUp(): boolean
  /** How it has ended by itself the last time; null: never. */
  lostBy(): string | null
  stop(): Promise<void>
}

/** Milliseconds from its end to the last moment in which it counts as back. */
const LIMIT = 30_000
/** Milliseconds in which a start that fails is tried again: what is left of the old server may hold its memory. */
const PATIENCE = 10_000

/** @throws Problem when it does not start in the first place */
export async function keepPostgres(options: KeptPostgresOptions): Promise<KeptPostgres> {
  const { folder, signal, onEnd, onBack, onGiveUp } = options
  const startOptions: PostgresOptions = {
    ...options,
    onReset: () => void options.onReset().catch(unlessLost(server)).catch(giveUp),
  }
  let server = await startPostgres(startOptions)
  let isUp = true
  let lostBy: string | null = null
  /** The start that is under way. */
  let starting: Promise<PostgresServer> | null = null

  async function startAgain(endedAt: number): Promise<PostgresServer> {
    for (;;) {
      // It would start with an empty one.
      if (!hasDatabase(folder)) throw new Problem(`There is no database in ${folder} any more.`)
      try {
        return await startPostgres(startOptions)
      } catch (error) {
        await wait(250)
        if (signal.aborted || Date.now() - endedAt > PATIENCE) throw error
      }
    }
  }

  async function keep(): Promise<void> {
    for (;;) {
      lostBy = await server.lost
      isUp = false
      const endedAt = Date.now()
      if (!signal.aborted) onEnd(lostBy)
      if (signal.aborted) return
      starting = startAgain(endedAt)
      server = await inTime(starting)
      starting = null
      if (signal.aborted) return
      isUp = true
      await Promise.race([onBack().catch(unlessLost(server)), server.lost])
    }
  }

  function giveUp(error: unknown): void {
    starting = null
    if (!signal.aborted) onGiveUp(error instanceof Problem ? error.message : String(error))
  }
  keep().catch(giveUp)

  return {
    url: server.url,
    isUp: () => isUp,
    lostBy: () => lostBy,
    async stop() {
      const last = await starting?.catch(() => null)
      await (last ?? server).stop()
    },
  }
}

/** What fails because it has ended once more is over with that; the next turn begins it anew. */
const unlessLost = (server: PostgresServer) => async (error: unknown) => {
  const isLost = await Promise.race([server.lost.then(() => true), wait(1_000, false)])
  if (!isLost) throw error
}

/** @throws Problem when it takes too long */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const limit = new AbortController()
  const tooLate = wait(LIMIT, undefined, { signal: limit.signal, ref: false }).then(() => {
    throw new Problem(`Postgres was not back within ${LIMIT / 1000} seconds.`)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    tooLate.catch(() => {})
    limit.abort()
  }
}
