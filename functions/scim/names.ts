/**
 * Names of attributes, as any request spells them: in any case, with or without the URN of their schema.
 *
 * The one reader of names for filters, paths, keys, `attributes` and `sortBy`, in every verb.
 * Sources: RFC 7643 section 2.1; RFC 7644 section 3.10
 *
 * @module
 */
import type { Attribute, Shape } from './schema.ts'

/** From the resource inwards: `name.givenName` is name, givenName. Empty: the resource itself. */
export type Chain = readonly Attribute[]

/**
 * not kept: of a schema that is unknown here, or left out on purpose, such as a password; unknown: nothing has
 * that name
 */
export type Unread = 'not kept' | 'unknown'

/** Reads a name such as `userName`, `NAME.givenname` or `urn:…:2.0:User:emails.value`. */
export function readName(shape: Shape, text: string): Chain | Unread {
  const [schema, rest] = splitSchema(shape, text.trim())
  if (schema === 'unknown') return 'not kept'
  const start = schema === 'core' ? [] : [schema]
  if (rest === '') return start
  const [first = ''] = rest.split('.')
  if (schema === 'core' && shape.notKept.has(first.toLowerCase())) return 'not kept'
  const inner = readParts(schema === 'core' ? shape.attributes : schema.parts, rest)
  return isRead(inner) ? [...start, ...inner] : inner
}

/** Reads a name within a schema, or within an attribute: `manager.value`. */
export function readParts(parts: Attribute['parts'], text: string): Chain | Unread {
  const chain: Attribute[] = []
  let attributes = parts
  for (const name of text.split('.')) {
    const attribute = attributes.get(name.toLowerCase())
    if (!attribute) return 'unknown'
    chain.push(attribute)
    attributes = attribute.parts
  }
  return chain
}

export const isRead = (name: Chain | Unread): name is Chain => typeof name !== 'string'

/** What belongs to a schema, and what is left behind the schema's URN. */
function splitSchema(shape: Shape, text: string): ['core' | 'unknown' | Attribute, string] {
  const small = text.toLowerCase()
  const known: [string, 'core' | Attribute][] = [
    [shape.urn.toLowerCase(), 'core'],
    ...shape.extensions,
  ]
  for (const [urn, schema] of known) {
    if (small === urn) return [schema, '']
    // A colon by the RFC; some write a dot.
    if (small.startsWith(urn) && ':.'.includes(small.charAt(urn.length))) {
      return [schema, text.slice(urn.length + 1)]
    }
  }
  return small.includes(':') ? ['unknown', ''] : ['core', text]
}

/** All values at a chain, of each of several in turn; nothing that is not there. */
export function valuesAt(value: unknown, chain: Chain): unknown[] {
  const [attribute, ...rest] = chain
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, chain))
  if (value === undefined || value === null || value === '') return []
  if (!attribute) return [value]
  return typeof value === 'object'
    ? valuesAt((value as Record<string, unknown>)[attribute.name], rest)
    : []
}
