/**
 * Whether one who calls waits for another who does, in the same organisation: the first holds its transaction open,
 * and the second may wait for no lock.
 *
 * @module
 */
import postgres from 'postgres'
import { CASES, type Case } from './cases.ts'
import type { Bench } from './compare.ts'

/** Answers false if the second went through while the first was still open. */
export async function waits({ sql }: Pick<Bench, 'sql'>, url: string, name: string) {
  const which = CASES.find((one) => one.name === name) as Case
  const [first, second] = (await which.prepare(sql, 2)).rules
  const [one, other] = [postgres(url, { max: 1 }), postgres(url, { max: 1 })]
  const run = async (tx: postgres.TransactionSql, call = first) => {
    await tx`select set_config('lock_timeout', '1s', true), set_config('role', 'authenticated', true),
      set_config('request.jwt.claims', ${JSON.stringify({ sub: call?.userId })}, true)`
    await tx.unsafe(which.rules, call?.values as never[])
  }
  try {
    return await one.begin(async (tx) => {
      await run(tx)
      return other
        .begin((late) => run(late, second))
        .then(
          () => false,
          (error: postgres.PostgresError) => {
            if (error.code === '55P03') return true
            throw error
          },
        )
    })
  } finally {
    await Promise.all([one.end(), other.end()])
  }
}
