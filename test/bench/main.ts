/**
 * What the rules cost: each call beside the least SQL that does the same with no rules at all, and some also beside
 * what plain tables would cost.
 *
 *   npm run bench                 at 1, 8 and 32 connections, with 100,000 invites
 *   npm run bench -- --growth     how the cost grows: 1,000, 100,000 and 1,000,000 invites
 *   npm run bench -- --where      only where the time of a call goes
 *   npm run bench -- accept 1,8   only cases whose name holds this, at these connections
 *
 * Without a choice of cases, the figures are written into docs/performance.md, and the plot of the growth
 * into docs/images/growth.svg. `--indexes <file>` adds what a run of the tests has counted of indexes, as
 * test/support/index-use.ts writes it.
 *
 * @module
 */
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { type IndexUse, readIndexUse, sumIndexUse } from '../support/index-use.ts'
import { CASES } from './cases.ts'
import { type Comparison, compare } from './compare.ts'
import { measureFollowing } from './following.ts'
import { measureGrowth, SIZES } from './growth.ts'
import { openClients } from './measure.ts'
import { drawGrowth } from './plot.ts'
import {
  comparisonTable,
  growthTable,
  indexTable,
  whereTable,
  writeFigures,
  writePlot,
} from './report.ts'
import { startServer } from './server.ts'
import { waits } from './waiting.ts'
import { measureRows, measureWhere, type Whereabouts } from './where.ts'

const ROUNDS = 5
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    growth: { type: 'boolean' },
    invites: { type: 'string' },
    indexes: { type: 'string' },
    where: { type: 'boolean' },
  },
})
const [choice = '', connections = '1,8,32'] = positionals
const cases = CASES.filter((one) => one.name.includes(choice))
/** Whose time is taken apart. */
const TIMED = /^(validate|accept|create) an |^create 10,000 invites in|^select an application's/

const server = await startServer()
try {
  if (options.growth) await runGrowth()
  else await runComparison()
} finally {
  await server.stop()
}

async function runComparison(): Promise<void> {
  const url = await server.database(Number(options.invites ?? 100_000))
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const clients = await openClients(url, 32)
  const comparisons: Comparison[] = []
  const whereabouts: Whereabouts[] = []
  let following = ''
  let uses: IndexUse[] = []
  try {
    for (const which of cases) {
      if (options.where) break
      for (const count of connections.split(',').map(Number)) {
        // Several batches at once would be more than an organisation may have open.
        if (which.cleanUp && count > 2) continue
        const rounds = which.rounds ?? (which.cleanUp ? 2 : ROUNDS)
        const news = await compare({ sql, clients }, which, count, rounds)
        comparisons.push(...news)
        console.log(comparisonTable(news).split('\n').slice(2).join('\n'))
      }
    }
    if (cases.some(({ beside }) => beside) && !options.where) {
      await sql`truncate usher.outbox`
      following = await measureFollowing({ sql, clients })
      console.log(following)
    }
    uses = await readIndexUse(sql)
    for (const { name } of cases.filter((one) => TIMED.test(one.name))) {
      whereabouts.push(await measureWhere({ sql }, url, name))
      console.log(whereTable(whereabouts.slice(-1)))
    }
    for (const { name } of cases.filter((one) => /^(accept|create) an /.test(one.name))) {
      const answer = (await waits({ sql }, url, name)) ? 'yes' : 'no'
      console.log(`To ${name} waits for another who does, in one organisation: ${answer}`)
    }
    if (!choice) {
      whereabouts.push(await measureRows({ sql }, url, 'accept an invite'))
      console.log(whereTable(whereabouts.slice(-1)))
    }
  } finally {
    await clients.close()
    await sql.end()
  }
  if (choice) return
  await writeFigures('where', whereTable(whereabouts))
  if (options.where) return
  await writeFigures('cost', `${comparisonTable(comparisons)}\n\n${following}`)
  const inSuite = options.indexes ? await sumIndexUse(options.indexes) : undefined
  await writeFigures('indexes', indexTable(uses, inSuite))
}

async function runGrowth(): Promise<void> {
  const benches = []
  for (const size of SIZES) {
    const url = await server.database(size)
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    benches.push({ size, sql, clients: await openClients(url, 8) })
  }
  const growths = []
  try {
    // How two calls compare does not grow with what is stored.
    for (const which of cases.filter((one) => !one.beside)) {
      growths.push(await measureGrowth(benches, which, which.cleanUp ? 2 : ROUNDS))
      console.log(growthTable(growths.slice(-1)).split('\n').at(-1))
    }
  } finally {
    for (const bench of benches) {
      await bench.clients.close()
      await bench.sql.end()
    }
  }
  if (choice) return
  await writeFigures('growth', growthTable(growths))
  await writePlot(drawGrowth(growths))
}
