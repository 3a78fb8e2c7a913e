/**
 * Measures two ways of doing the same in turn, A B A B, so that whatever else the machine does falls on both.
 *
 * Both ways go as the API goes: a transaction that sets role and claims, runs one prepared statement, and
 * commits, sent in one go. What is counted is from sending to the answer of the commit.
 *
 * @module
 */
import postgres from 'postgres'

export interface Call {
  /** Who calls; null: nobody is signed in. */
  userId: string | null
  values: unknown[]
}

export interface Side {
  role: 'postgres' | 'authenticated' | 'anon'
  statement: string
  calls: Call[]
  /** The `statement_timeout` of each. */
  timeout: string
}

/** Times in milliseconds. */
export interface Block {
  /** From sending to the answer, of each call. */
  latencies: number[]
  /** Of all calls together. */
  elapsed: number
}

export interface Clients {
  run(connections: number, side: Side): Promise<Block>
  close(): Promise<void>
}

const HEADERS =
  '{"user-agent": "bench", "cf-connecting-ip": "192.0.2.7", "x-forwarded-for": "192.0.2.7"}'

export async function openClients(url: string, count: number): Promise<Clients> {
  const sql = postgres(url, { max: count, onnotice: () => {}, idle_timeout: 0 })
  const clients = await Promise.all(Array.from({ length: count }, () => sql.reserve()))
  return {
    async run(connections, side) {
      const latencies: number[] = []
      let next = 0
      const startedAt = performance.now()
      await Promise.all(
        clients.slice(0, connections).map(async (client) => {
          for (let call = side.calls[next++]; call; call = side.calls[next++]) {
            const sentAt = performance.now()
            await send(client, side, call)
            latencies.push(performance.now() - sentAt)
          }
        }),
      )
      return { latencies, elapsed: performance.now() - startedAt }
    },
    async close() {
      for (const client of clients) client.release()
      await sql.end()
    },
  }
}

async function send(client: postgres.ReservedSql, { role, statement, timeout }: Side, call: Call) {
  const claims = JSON.stringify({ role, ...(call.userId && { sub: call.userId }) })
  const prepared = { prepare: true }
  await Promise.all([
    client.unsafe('begin', [], prepared),
    client`select set_config('role', ${role}, true), set_config('request.jwt.claims', ${claims}, true),
      set_config('request.headers', ${HEADERS}, true), set_config('statement_timeout', ${timeout}, true)`,
    client.unsafe(statement, call.values as never[], prepared),
    client.unsafe('commit', [], prepared),
  ])
}

/** The value below which this share of the values lies. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Of an even number of values, what lies between the two in the middle. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}
