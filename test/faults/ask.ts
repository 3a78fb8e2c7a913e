/**
 * A call of the API whose connection may die at any moment: role, claims and call are one message to Postgres
 * and one transaction, as the least that can be lost.
 *
 * @module
 */
import type postgres from 'postgres'
import { Refusal } from '../support/refusal.ts'

/** Milliseconds after which whoever asked stops to wait. */
const PATIENCE = 20_000

/** There was no answer: it may have been done, or not. */
export class NoAnswer extends Error {}

/**
 * Calls a function of `public` as somebody. Throws Refusal when it was refused, and NoAnswer when nothing was
 * heard.
 */
export async function ask<Body>(
  sql: postgres.Sql,
  { userId }: { userId: string },
  name: string,
  args: Record<string, string>,
): Promise<Body> {
  const claims = JSON.stringify({ sub: userId, role: 'authenticated' })
  const list = Object.entries(args).map(([key, value]) => `${key} => ${literal(value)}`)
  // Statements in one message are one transaction, which ends before the answer is sent.
  const asking = sql.unsafe(`
    select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${literal(claims)}, true);
    select to_json(public.${name}(${list.join(', ')})) as body`)
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Nothing was heard for ${PATIENCE} ms.`)), PATIENCE)
  })
  try {
    const [, rows] = (await Promise.race([asking.simple(), patience])) as unknown as {
      body: Body
    }[][]
    return rows?.[0]?.body as Body
  } catch (error) {
    const { name: kind, code } = error as postgres.PostgresError
    if (kind === 'PostgresError' && code === 'PGRST')
      throw Refusal.of(error as postgres.PostgresError)
    // 57P01 and the like: the server says goodbye, which is no answer either.
    if (kind === 'PostgresError' && !code.startsWith('57')) throw error
    throw new NoAnswer(String(error), { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
