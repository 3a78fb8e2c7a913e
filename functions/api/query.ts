/**
 * What the address of a request may hold.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { cursorSchema } from './cursor.ts'
import { words } from './inputs.ts'
import type { Operation } from './operation.ts'

/** How to read a list; not for the function. */
const reading = z.object({
  encoding: words.optional().openapi({
    description: 'What a list is encoded in, where that cannot be told.',
    example: 'windows-1252',
  }),
  sheet: words.optional().openapi({
    description: 'The sheet of a workbook, where several hold addresses.',
  }),
})

const known = new WeakMap<Operation, z.ZodObject>()

/** The schema of an operation's query; made once. */
export function queryOf(operation: Operation): z.ZodObject | undefined {
  const { query, takesCsv, source, answers } = operation
  if (!query) return undefined
  const made = known.get(operation)
  if (made) return made
  const isPage = 'table' in source && answers.kind === 'page'
  const schema = query.extend({
    ...(takesCsv && reading.shape),
    ...(isPage && { cursor: cursorSchema(source, answers) }),
  })
  known.set(operation, schema)
  return schema
}
