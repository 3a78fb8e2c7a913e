/**
 * Calls that are held open, and calls that wait beside them.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Claims } from './calls.ts'
import { runAs } from './calls-in-sql.ts'

type Args = Record<string, unknown>

/** A call of a function of `public` inside a transaction of the caller. */
export function callIn(tx: postgres.TransactionSql, name: string, args: Args) {
  const names = Object.keys(args)
  const list = names.map((key, i) => `${key} => $${i + 1}`).join(', ')
  return tx.unsafe(`select public.${name}(${list})`, names.map((key) => args[key]) as never[])
}

/** Begins a transaction as this caller, and leaves it open. */
export async function begin(sql: postgres.Sql, claims: Claims | null) {
  let end: (how: 'commit' | 'rollback') => void = () => {}
  const ended = new Promise<'commit' | 'rollback'>((resolve) => {
    end = resolve
  })
  let pid = 0
  const work = async (
    tx: postgres.TransactionSql,
    opened: (tx: postgres.TransactionSql) => void,
  ) => {
    const [row] = await tx`select pg_backend_pid() as pid`
    pid = row?.pid
    opened(tx)
    if ((await ended) === 'rollback') throw new Error('rolled back')
  }
  let finished: Promise<unknown> = Promise.resolve()
  const tx = await new Promise<postgres.TransactionSql>((resolve, reject) => {
    finished = (
      claims
        ? runAs(sql, claims, (inner) => work(inner, resolve))
        : sql.begin((inner) => work(inner, resolve))
    ).catch((error) => {
      reject(error)
      if (!(error instanceof Error) || error.message !== 'rolled back') throw error
    })
  })
  return {
    tx,
    pid,
    async commit() {
      end('commit')
      await finished
    },
    async rollback() {
      end('rollback')
      await finished
    },
  }
}

/** Waits until a backend waits for a lock, or its work is done; says which. */
export async function settled(sql: postgres.Sql, pid: number, work: Promise<unknown>) {
  let isDone = false
  const done = work.then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  for (;;) {
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 3))])
    if (isDone) return 'done'
    const [row] = await sql`select cardinality(pg_blocking_pids(${pid})) > 0 as waits`
    if (row?.waits) return 'waits'
  }
}
