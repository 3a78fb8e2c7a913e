/**
 * One case at some number of connections: its rules and its floor, block by block in turn.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Case } from './cases.ts'
import { type Block, type Clients, median, quantile, type Side } from './measure.ts'

/** Times in milliseconds, shares of 1. */
export interface Comparison {
  connections: number
  rules: { median: number; p99: number }
  floor: { median: number; p99: number }
  /** Throughput with rules as a share of the floor's: the median of the rounds. */
  share: number
  /** The lowest and the highest of the rounds. */
  spread: [number, number]
  /** Time of a call within the server alone, without the way there, the claims and the commit. */
  server: { rules: number; floor: number }
}

export interface Bench {
  /** As the superuser: for what is not timed. */
  sql: postgres.Sql
  clients: Clients
}

/** The first round only warms up: plans, caches, pages. */
export async function compare(
  { sql, clients }: Bench,
  which: Case,
  connections: number,
  rounds: number,
): Promise<Comparison> {
  const blocks = { rules: [] as Block[], floor: [] as Block[] }
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) await sql`select extensions.pg_stat_statements_reset()`
    const calls = await which.prepare(sql, Math.max(which.calls, connections))
    // Whoever comes second finds the pages warm: take turns in that, too.
    for (const way of round % 2 ? (['rules', 'floor'] as const) : (['floor', 'rules'] as const)) {
      const block = await clients.run(connections, side(which, way, calls[way]))
      if (round > 0) blocks[way].push(block)
    }
    if (which.cleanUp) {
      for (const statement of which.cleanUp.split(';')) await sql.unsafe(statement)
    }
  }
  const shares = blocks.rules.map((block, n) => (blocks.floor[n] as Block).elapsed / block.elapsed)
  return {
    connections,
    rules: summary(blocks.rules),
    floor: summary(blocks.floor),
    share: median(shares),
    spread: [Math.min(...shares), Math.max(...shares)],
    server: {
      rules: await timeInServer(sql, 'rules'),
      floor: await timeInServer(sql, 'floor'),
    },
  }
}

export function side(which: Case, way: Way, calls: Side['calls']): Side {
  const role = way === 'floor' ? 'postgres' : (which.role ?? 'authenticated')
  // A comment after the first word stays in pg_stat_statements, where constants do not.
  return { role, statement: which[way].replace(/^\w+/, (word) => word + mark(way)), calls }
}

type Way = 'rules' | 'floor'

const mark = (way: Way) => ` /* ${way} */`

function summary(blocks: Block[]) {
  const latencies = blocks.flatMap((block) => block.latencies)
  return { median: median(latencies), p99: quantile(latencies, 0.99) }
}

/** Milliseconds a call, planning included. */
async function timeInServer(sql: postgres.Sql, way: Way): Promise<number> {
  const [row] = await sql`
    select sum(s.total_exec_time + s.total_plan_time) / sum(s.calls) as time
    from extensions.pg_stat_statements s where position(${mark(way)} in s.query) > 0 and s.toplevel`
  return Number(row?.time)
}
