/**
 * Cursors of tables: the place of a row in its order, a part for each column. Opaque to callers, safe in an address;
 * the document says by a pattern which texts are one, so that none of those is refused.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { presentable } from '../../client/text-problem.ts'
import { type Answer, id, type TableSource, time } from './operation.ts'

interface Part {
  pattern: string
  write(value: string): string
  read(part: string): string
}

/** Microseconds since 1970: a date that is well written is not always one. */
const TIME: Part = {
  pattern: '-?\\d{1,16}',
  write(value) {
    const [, seconds = '', fraction = '', offset = ''] =
      value.match(/^(.{19})(?:\.(\d+))?(.+)$/) ?? []
    const micros = BigInt(Date.parse(seconds + offset)) * 1000n
    return String(micros + BigInt(fraction.slice(0, 6).padEnd(6, '0')))
  },
  read(part) {
    const micros = BigInt.asIntN(64, BigInt(part))
    const fraction = ((micros % MILLION) + MILLION) % MILLION
    const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19)
    return `${seconds}.${String(fraction).padStart(6, '0')}Z`
  },
}
const MILLION = 1_000_000n

const ID: Part = {
  pattern: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  write: (value) => value,
  read: (part) => part,
}

/** base64url of UTF-8. What is none is read as far as it can be: it names a place all the same. */
const TEXT: Part = {
  pattern: '(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?',
  write: (value) =>
    btoa(String.fromCharCode(...new TextEncoder().encode(value)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', ''),
  read(part) {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    return presentable(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
  },
}

function partsOf({ order }: TableSource, answers: Answer): Part[] {
  const columns = answers.kind === 'page' ? answers.schema.shape : {}
  return order.map(([column]) => {
    const kind = columns[column]
    return kind === time ? TIME : kind === id ? ID : TEXT
  })
}

/** What a cursor of this table looks like. */
export function cursorSchema(source: TableSource, answers: Answer) {
  const patterns = partsOf(source, answers).map(({ pattern }) => pattern)
  return z
    .string()
    .max(1000)
    .regex(new RegExp(`^${patterns.join('\\.')}$`), 'Give next_cursor of the page before.')
    .optional()
    .openapi({ description: 'next_cursor of the page before; without it, the first page.' })
}

/** Where the next page begins: behind this row. */
export function cursorAfter(
  row: Record<string, unknown>,
  source: TableSource,
  answers: Answer,
): string {
  const parts = partsOf(source, answers)
  return source.order.map(([column], i) => parts[i]?.write(String(row[column]))).join('.')
}

/** @param cursor - as `cursorSchema` has it @returns the values of the order's columns */
export function readCursor(cursor: string, source: TableSource, answers: Answer): string[] {
  const given = cursor.split('.')
  return partsOf(source, answers).map((part, i) => part.read(given[i] ?? ''))
}
