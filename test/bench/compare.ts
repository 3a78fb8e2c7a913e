/**
 * One case at some number of connections: its rules and its floors, block by block in turn.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Case } from './cases.ts'
import { type Block, type Clients, median, quantile, type Side } from './measure.ts'

/** One way beside another. Times in milliseconds, shares of 1. */
export interface Comparison {
  call: string
  beside: string
  connections: number
  one: Times
  other: Times
  /** Throughput of the one as a share of the other's: the median of the rounds. */
  share: number
  /** The lowest and the highest of the rounds. */
  spread: [number, number]
  aim: number | undefined
}

interface Times {
  median: number
  p99: number
  /** Of a call within the server alone, without the way there, the claims and the commit. */
  server: number
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
): Promise<Comparison[]> {
  const ways: Way[] = which.plain ? ['rules', 'floor', 'plain'] : ['rules', 'floor']
  const blocks: Record<Way, Block[]> = { rules: [], floor: [], plain: [] }
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) await sql`select extensions.pg_stat_statements_reset()`
    const calls = await which.prepare(sql, Math.max(which.calls, connections))
    // Whoever comes second finds the pages warm: take turns in that, too.
    const first = round % ways.length
    for (const way of [...ways.slice(first), ...ways.slice(0, first)]) {
      const block = await clients.run(connections, side(which, way, calls[way] ?? []))
      if (round > 0) blocks[way].push(block)
    }
    if (which.cleanUp) {
      for (const statement of which.cleanUp.split(';')) await sql.unsafe(statement)
    }
  }

  const times: Partial<Record<Way, Times>> = {}
  for (const way of ways) times[way] = await summary(sql, way, blocks[way])
  const pair = (one: Way, other: Way, beside: string, aim?: number): Comparison => {
    const shares = blocks[one].map(
      (block, n) => (blocks[other][n] as Block).elapsed / block.elapsed,
    )
    return {
      call: one === 'rules' ? which.name : `${which.name}: its rows alone`,
      ...{ beside, connections, aim },
      one: times[one] as Times,
      other: times[other] as Times,
      share: median(shares),
      spread: [Math.min(...shares), Math.max(...shares)],
    }
  }
  const { plain } = which
  return [
    pair('rules', 'floor', which.beside ?? 'its floor', which.aim),
    ...(plain ? [pair('rules', 'plain', plain.name, plain.aim)] : []),
    ...(plain?.floorAim ? [pair('floor', 'plain', plain.name, plain.floorAim)] : []),
  ]
}

export function side(which: Case, way: Way, calls: Side['calls']): Side {
  const role = way === 'rules' || which.beside ? (which.role ?? 'authenticated') : 'postgres'
  const statement = way === 'plain' ? (which.plain?.sql ?? '') : which[way]
  // A comment after the first word stays in pg_stat_statements, where constants do not.
  return {
    role,
    statement: statement.replace(/^\w+/, (word) => word + mark(way)),
    calls,
    timeout: which.timeout ?? '0',
  }
}

type Way = 'rules' | 'floor' | 'plain'

const mark = (way: Way) => ` /* ${way} */`

async function summary(sql: postgres.Sql, way: Way, blocks: Block[]): Promise<Times> {
  const latencies = blocks.flatMap((block) => block.latencies)
  // Planning included.
  const [row] = await sql`
    select sum(s.total_exec_time + s.total_plan_time) / sum(s.calls) as time
    from extensions.pg_stat_statements s where position(${mark(way)} in s.query) > 0 and s.toplevel`
  return { median: median(latencies), p99: quantile(latencies, 0.99), server: Number(row?.time) }
}
