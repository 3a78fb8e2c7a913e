/**
 * Filters: read once, and asked of each resource in the time of their length.
 *
 * Of the parsers on npm, scim2-parse-filter reads neither `$ref` nor escapes, scimmy multiplies out what is in
 * brackets, and none takes values without quotes, which identity providers document; so this is one of our own.
 *
 * Source: RFC 7644 section 3.4.2.2
 *
 * @module
 */

import { asciiAddress } from '../../client/address.ts'
import { storable } from '../_shared/database.ts'
import { type Chain, isRead, readName, valuesAt } from './names.ts'
import { refuse } from './problem.ts'
import type { Attribute, Json, Shape } from './schema.ts'
import { toBoolean } from './values.ts'

/** Characters. */
const MAX_LENGTH = 2_000
/** Brackets within brackets. */
const MAX_DEPTH = 40
const COMPARATORS = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'])

export type Filter =
  | { kind: 'and' | 'or'; filters: Filter[] }
  | { kind: 'not'; filter: Filter }
  | { kind: 'present'; chain: Chain }
  | { kind: 'compare'; chain: Chain; comparator: string; value: string | boolean | null }
  /** One of several values for which all of it holds. */
  | { kind: 'within'; chain: Chain; filter: Filter }

interface Token {
  kind: 'sign' | 'word' | 'text'
  text: string
  at: number
}

/** What names stand for: in a resource, or in one of several values of an attribute. */
type Scope = (name: string) => Chain | null

const scopeOf =
  (shape: Shape): Scope =>
  (name) => {
    const chain = readName(shape, name)
    return isRead(chain) && chain.length > 0 ? chain : null
  }

const scopeWithin =
  ({ parts }: Attribute): Scope =>
  (name) => {
    const part = parts.get(name.toLowerCase())
    return part ? [part] : null
  }

/** @throws 400 invalidFilter */
export function parseFilter(shape: Shape, text: string): Filter {
  const reader = createReader(text)
  const filter = reader.either(scopeOf(shape), 0)
  if (reader.peek()) throw unreadable(text)
  return filter
}

/**
 * Reads what stands in the square brackets of a path.
 *
 * @param text - from behind the opening bracket on
 * @returns the filter, and what is left behind the closing bracket
 * @throws 400 invalidFilter
 */
export function parseWithin(attribute: Attribute, text: string): { filter: Filter; rest: string } {
  const reader = createReader(text)
  const filter = reader.either(scopeWithin(attribute), 0)
  const end = reader.next()
  if (end?.text !== ']' || end.kind !== 'sign') throw unreadable(text)
  return { filter, rest: text.slice(end.at + 1) }
}

const unreadable = (text: string) =>
  refuse(400, 'invalidFilter', `The filter cannot be read: ${text.slice(0, 200)}`)

function tokenise(text: string): Token[] {
  if (text.length > MAX_LENGTH) {
    throw refuse(400, 'invalidFilter', `A filter has at most ${MAX_LENGTH} characters.`)
  }
  const token = /\s*(?:([()[\]])|("(?:[^"\\]|\\.)*")|([^\s()[\]"']+))/suy
  const tokens: Token[] = []
  const end = text.trimEnd().length
  while (token.lastIndex < end) {
    const from = token.lastIndex
    const found = token.exec(text)
    if (!found) {
      // Behind the bracket that closes a path's filter stands what is not part of it.
      if (tokens.at(-1)?.text === ']') return tokens
      throw unreadable(text.slice(from))
    }
    const [, sign, quoted, word] = found
    const at = token.lastIndex - (sign ?? quoted ?? word ?? '').length
    if (sign) tokens.push({ kind: 'sign', text: sign, at })
    else if (quoted) tokens.push({ kind: 'text', text: unquote(quoted), at })
    else if (word) tokens.push({ kind: 'word', text: word, at })
  }
  return tokens
}

/** A text in quotes has the escapes of JSON. */
function unquote(quoted: string): string {
  try {
    const text: string = JSON.parse(quoted)
    // Nothing that is kept has such a character in it.
    if (text === storable(text)) return text
  } catch {
    // As below.
  }
  throw unreadable(quoted)
}

function createReader(text: string) {
  const tokens = tokenise(text)
  let position = 0
  const peek = () => tokens[position]
  const next = () => tokens[position++]
  const isWord = (word: string) => {
    const token = peek()
    return token?.kind === 'word' && token.text.toLowerCase() === word
  }
  const isSign = (sign: string) => peek()?.kind === 'sign' && peek()?.text === sign
  const expect = (sign: string) => {
    if (!isSign(sign)) throw unreadable(text)
    next()
  }

  function either(scope: Scope, depth: number): Filter {
    return joined('or', () => joined('and', () => term(scope, depth)))
  }

  function joined(word: 'and' | 'or', read: () => Filter): Filter {
    const filters = [read()]
    while (isWord(word)) {
      next()
      filters.push(read())
    }
    const [only] = filters
    return only && filters.length === 1 ? only : { kind: word, filters }
  }

  function term(scope: Scope, depth: number): Filter {
    if (depth > MAX_DEPTH) {
      throw refuse(400, 'invalidFilter', 'The filter has too many brackets within brackets.')
    }
    if (isWord('not')) {
      next()
      return { kind: 'not', filter: term(scope, depth + 1) }
    }
    if (isSign('(')) {
      next()
      const filter = either(scope, depth + 1)
      expect(')')
      return filter
    }
    const name = next()
    if (name?.kind !== 'word') throw unreadable(text)
    const chain = scope(name.text)
    const attribute = chain?.at(-1)
    if (!chain || !attribute) {
      throw refuse(400, 'invalidFilter', `There is no attribute ${name.text.slice(0, 200)}.`)
    }
    if (!isSign('[')) return comparison(chain)

    if (!attribute.isMultiple) throw unreadable(text)
    next()
    const filter = either(scopeWithin(attribute), depth + 1)
    expect(']')
    // emails[type eq "work"].value eq "x": of the same one of them.
    const tail = peek()
    if (tail?.kind !== 'word' || !tail.text.startsWith('.'))
      return { kind: 'within', chain, filter }
    next()
    const part = scopeWithin(attribute)(tail.text.slice(1))
    if (!part)
      throw refuse(400, 'invalidFilter', `There is no attribute ${tail.text.slice(0, 200)}.`)
    return { kind: 'within', chain, filter: { kind: 'and', filters: [filter, comparison(part)] } }
  }

  function comparison(chain: Chain): Filter {
    const operator = next()
    if (operator?.kind !== 'word') throw unreadable(text)
    const comparator = operator.text.toLowerCase()
    if (comparator === 'pr') return { kind: 'present', chain }
    if (!COMPARATORS.has(comparator)) throw unreadable(text)
    const given = next()
    if (!given || given.kind === 'sign') throw unreadable(text)
    // Without quotes it is null, or what somebody forgot to quote: "007" is not 7.
    const isNull = given.kind === 'word' && /^null$/i.test(given.text)
    return compare(chain, comparator, isNull ? null : given.text)
  }

  return { either, peek, next }
}

function compare(given: Chain, comparator: string, value: string | null): Filter {
  // emails eq "x" means emails.value eq "x".
  const last = given.at(-1)
  const chain = last?.type === 'complex' ? [...given, last.parts.get('value')] : given
  const attribute = chain.at(-1)
  const isEquality = comparator === 'eq' || comparator === 'ne'
  const cannot = (why: string) =>
    refuse(400, 'invalidFilter', `${attribute?.name ?? last?.name} cannot be compared: ${why}.`)
  if (!attribute) throw cannot('it has no value of its own')
  if (value === null && !isEquality) throw cannot('null is equal or not')
  if (attribute.type === 'boolean' && value !== null) {
    if (!isEquality) throw cannot('it is true or false')
    const wanted = toBoolean(value)
    if (typeof wanted !== 'boolean') throw cannot('it is true or false')
    return { kind: 'compare', chain: chain as Chain, comparator, value: wanted }
  }
  if (attribute.type === 'dateTime' && value !== null && Number.isNaN(Date.parse(value))) {
    throw cannot('it is a time')
  }
  return { kind: 'compare', chain: chain as Chain, comparator, value }
}

/** Whether a filter lets a resource through, or one of several values. */
export function isMatch(filter: Filter, value: Json): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((one) => isMatch(one, value))
    case 'or':
      return filter.filters.some((one) => isMatch(one, value))
    case 'not':
      return !isMatch(filter.filter, value)
    case 'present':
      return valuesAt(value, filter.chain).length > 0
    case 'within':
      return valuesAt(value, filter.chain).some((one) => isMatch(filter.filter, one as Json))
    case 'compare': {
      const values = valuesAt(value, filter.chain)
      const { comparator, chain, value: wanted } = filter
      const attribute = chain.at(-1) as Attribute
      if (comparator === 'ne') return !holds(attribute, 'eq', values, wanted)
      return holds(attribute, comparator, values, wanted)
    }
  }
}

function holds(attribute: Attribute, comparator: string, values: unknown[], wanted: unknown) {
  if (wanted === null) return values.length === 0
  if (attribute.type === 'boolean') return values.some((one) => toBoolean(one) === wanted)
  const fold = (value: unknown): string | number => {
    const text = String(value)
    if (attribute.type === 'dateTime') return Date.parse(text)
    // Whatever is no address stays as it is.
    return attribute.isExact ? text : asciiAddress(text).toLowerCase()
  }
  const b = fold(wanted)
  return values.some((one) => isTrue(comparator, fold(one), b))
}

function isTrue(comparator: string, a: string | number, b: string | number): boolean {
  switch (comparator) {
    case 'eq':
      return a === b
    case 'co':
      return String(a).includes(String(b))
    case 'sw':
      return String(a).startsWith(String(b))
    case 'ew':
      return String(a).endsWith(String(b))
    case 'gt':
      return a > b
    case 'ge':
      return a >= b
    case 'lt':
      return a < b
    default:
      return a <= b
  }
}

/** Of a filter such as `userName eq "x"`: the attribute and the text; null for any other. */
export function readEquality(filter: Filter): { attribute: string; value: string } | null {
  if (filter.kind !== 'compare' || filter.comparator !== 'eq') return null
  const [attribute, ...more] = filter.chain
  if (!attribute || more.length > 0 || typeof filter.value !== 'string') return null
  return { attribute: attribute.name, value: filter.value }
}

/**
 * Of a filter that is nothing but equalities, all of which or one of which hold.
 *
 * @returns attribute and value of each; null for any other filter
 */
export function readEqualities(
  filter: Filter,
  word: 'and' | 'or',
): { name: string; value: unknown }[] | null {
  if (filter.kind === 'compare' && filter.comparator === 'eq') {
    return [{ name: filter.chain[0]?.name ?? '', value: filter.value }]
  }
  if (filter.kind !== word) return null
  const parts = filter.filters.map((one) => readEqualities(one, word))
  return parts.includes(null) ? null : parts.flatMap((one) => one ?? [])
}

/** Whether a filter asks for this attribute of a resource. */
export function asksFor(filter: Filter, name: string): boolean {
  if ('filters' in filter) return filter.filters.some((one) => asksFor(one, name))
  return 'chain' in filter ? filter.chain[0]?.name === name : asksFor(filter.filter, name)
}
