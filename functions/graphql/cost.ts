/**
 * What a field costs: about one point a value, and as many as a question to the database is worth.
 *
 * @module
 */
import type { FieldComplexityValue } from '@pothos/plugin-complexity'
import { DEFAULT_PAGE } from './connection.ts'

/** A call of a function: each is a request of its own. */
const CALL = 100
/** A page: several of the same kind share a request. */
const PAGE = 20
/** How many items a list without pages is taken to hold. */
const LIST = 10

export function cost(
  args: Record<string, unknown>,
  _context: object,
  field: { name: string; type: object; extensions: { function?: string } },
): FieldComplexityValue {
  const multiplier = 'first' in args ? Number(args.first ?? DEFAULT_PAGE) : undefined
  const isCall = Boolean(field.extensions.function)
  if (multiplier !== undefined) return { field: isCall ? CALL : PAGE, multiplier }
  // The page has counted them.
  if (field.name === 'edges') return { field: 0, multiplier: 1 }
  const isList = String(field.type).startsWith('[')
  return { field: isCall ? CALL : 1, multiplier: isList ? LIST : 1 }
}
