/**
 * Figures as Markdown, and where in `docs/` they go.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import type { IndexUse } from '../support/index-use.ts'
import type { Comparison } from './compare.ts'
import { type Growth, SIZES } from './growth.ts'
import type { Whereabouts } from './where.ts'

const DOCS = new URL('../../docs/', import.meta.url)

export function comparisonTable(comparisons: Comparison[]): string {
  return table(
    [
      'call',
      'connections',
      'ms',
      'p99',
      'beside',
      'ms',
      'p99',
      'share of its throughput',
      'rounds',
      'in the server, ms',
      'aim',
    ],
    comparisons.map(({ call, connections, one, beside, other, share, spread, aim }) => [
      call,
      String(connections),
      milliseconds(one.median),
      milliseconds(one.p99),
      beside,
      milliseconds(other.median),
      milliseconds(other.p99),
      percent(share),
      `${percent(spread[0])}–${percent(spread[1])}`,
      `${milliseconds(one.server)} / ${milliseconds(other.server)}`,
      aim ? percent(aim) : '',
    ]),
  )
}

export function growthTable(growths: Growth[]): string {
  const sizes = SIZES.map((size) => size.toLocaleString('en'))
  return table(
    [
      'call, 8 connections',
      ...sizes.map((size) => `${size}, ms`),
      ...sizes.slice(1).map((size) => `${size} ÷ ${sizes[0]}`),
    ],
    growths.map((growth) => [
      growth.name,
      ...growth.medians.map(milliseconds),
      ...growth.multiples.slice(1).map((multiple, n) => {
        const [low, high] = growth.spreads[n + 1] ?? [0, 0]
        return `${multiple.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`
      }),
    ]),
  )
}

interface RefusalRow {
  name: string
  /** Milliseconds. */
  letters: number
  worst: number
  /** Of the worst. */
  shape: string
}

export function refusalTable(rows: RefusalRow[], aim: number): string {
  return table(
    ['1 MB as', 'letters, ms', 'the worst, ms', 'of what', 'worst ÷ letters', 'aim'],
    rows.map(({ name, letters, worst, shape }) => [
      name,
      milliseconds(letters),
      milliseconds(worst),
      shape,
      (worst / letters).toFixed(2),
      aim.toFixed(1),
    ]),
  )
}

/** Replaces what stands between the two markers of this name in `docs/performance.md`. */
export async function writeFigures(
  name: 'cost' | 'growth' | 'indexes' | 'refusals' | 'where',
  figures: string,
): Promise<void> {
  const page = new URL('performance.md', DOCS)
  const text = await readFile(page, 'utf8')
  const [before, after] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [start, end] = [text.indexOf(before), text.indexOf(after)]
  if (start < 0 || end < start) throw new Error(`docs/performance.md has no ${before} … ${after}`)
  await writeFile(page, `${text.slice(0, start)}${before}\n\n${figures}\n\n${text.slice(end)}`)
}

/** The parts of each call that take a hundredth of it or more, and what the others take together. */
export function whereTable(calls: Whereabouts[]): string {
  return table(
    ['call', 'where', 'µs', 'share'],
    calls.flatMap(({ call, whole, parts }) => {
      const large = parts.filter(({ own }) => own >= whole / 100)
      const rest = whole - large.reduce((sum, { own }) => sum + own, 0)
      return [
        [call, 'all of it', whole.toFixed(0), ''],
        ...large.map(({ name, calls: times, own }) => [
          '',
          `${name}${times >= 1.5 ? `, ${Math.round(times)} times` : ''}`,
          own.toFixed(0),
          percent(own / whole),
        ]),
        // Timing a function is counted with the one that calls it: of what it leaves, nothing may be left.
        ...(rest > 0 ? [['', 'everything else', rest.toFixed(0), percent(rest / whole)]] : []),
      ]
    }),
  )
}

export function indexTable(uses: IndexUse[], inSuite: Map<string, number> | undefined): string {
  const words = (count: number) => count.toLocaleString('en')
  return table(
    ['index', 'of', 'scans in the benchmark', ...(inSuite ? ['scans in the tests'] : [])],
    uses.map(({ table: of, index, scans }) => [
      `\`${index}\``,
      `\`${of}\``,
      words(scans),
      ...(inSuite ? [words(inSuite.get(index) ?? 0)] : []),
    ]),
  )
}

export async function writePlot(svg: string): Promise<void> {
  await writeFile(new URL('images/growth.svg', DOCS), svg)
}

function table(head: string[], rows: string[][]): string {
  const rule = head.map((_, n) => (n === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function milliseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
