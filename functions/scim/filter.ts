/**
 * Filters: parsed by scimmy, and compared as RFC 7643 has it, without regard to case where an attribute is
 * not caseExact.
 *
 * Source: RFC 7644 section 3.4.2.2
 *
 * @module
 */
import { refuse } from './problem.ts'
import { Filter, type Json } from './schema.ts'

/** Characters. */
const MAX_LENGTH = 2_000
/** Attributes in which case matters; a value is that of a reference, unless it is an address. */
const EXACT = new Set(['id', 'externalId', 'value', '$ref', 'meta', 'schemas'])
/** `emails eq "x"` means `emails.value eq "x"`. */
const BY_VALUE = new Set(['emails', 'phoneNumbers', 'members'])

/**
 * Alternatives that scimmy may make of a filter: it multiplies out every `or` in brackets with all that is joined to it
 * by `and`, so that each further pair of brackets doubles time and memory.
 */
const MAX_ALTERNATIVES = 256
/** Brackets of a filter: each is read anew for each that it stands in. */
const MAX_BRACKETS = 40

/**
 * Whether a filter, or a path that holds one, is more than scimmy may be given. Never too low, whatever stands in quotes:
 * what only looks like an operator counts as one.
 */
export function isCostly(text: string): boolean {
  const count = (sign: RegExp) => text.match(sign)?.length ?? 0
  const brackets = count(/[([]/g)
  const ors = count(/or(?![a-z\d])/gi)
  // A value in brackets joins what is in it to what stands behind it.
  const ands = count(/\[/g) + count(/and(?![a-z\d])/gi)
  // Spread evenly over the brackets, they make the most of it. A term outside of them is crossed with each.
  const groups = Math.min(brackets, ors)
  const alternatives = groups === 0 ? 1 : ((1 + ors / groups) * Math.max(ands, 1)) ** groups
  return brackets > MAX_BRACKETS || alternatives > MAX_ALTERNATIVES
}

/** @throws 400 invalidFilter */
export function parseFilter(text: string): InstanceType<typeof Filter> {
  if (text.length > MAX_LENGTH) {
    throw refuse(400, 'invalidFilter', `A filter has at most ${MAX_LENGTH} characters.`)
  }
  if (isCostly(text)) {
    throw refuse(
      400,
      'invalidFilter',
      'The filter joins too many alternatives: use fewer brackets.',
    )
  }
  try {
    const filter = new Filter(text)
    // scimmy reads what it can, and finds fault with the rest only in a filter that it is given in parts.
    new Filter(filter.map((part) => foldExpression(part, '')))
    if (filter.length > 0) return filter
  } catch {
    // Said below, in words.
  }
  throw refuse(400, 'invalidFilter', `The filter cannot be read: ${text}`)
}

/** Of a filter such as `userName eq "x"`: the attribute and the text; null for any other. */
export function readEquality(filter: object[]): { attribute: string; value: string } | null {
  const [part = {}, ...others] = filter
  const [[attribute, expression] = [], ...more] = Object.entries(part)
  if (others.length > 0 || more.length > 0 || !attribute || !Array.isArray(expression)) return null
  const [comparator, value, ...rest] = expression
  const isEquality = comparator === 'eq' && typeof value === 'string' && rest.length === 0
  return isEquality ? { attribute, value } : null
}

/** Those of the resources that a filter lets through, in their order. */
export function matching<Resource extends Json>(
  filter: object[],
  resources: Resource[],
): Resource[] {
  const folded = new Filter(filter.map((part) => foldExpression(part, '')))
  return resources.filter((resource) => {
    const candidate = withExtensions(fold(resource, '') as Json)
    return folded.match([withParts(candidate, folded)]).length > 0
  })
}

/** A filter names attributes of an extension by `urn:…:User:department`. */
function withExtensions(resource: Json): Json {
  const extensions = Object.entries(resource).filter(([name]) => name.startsWith('urn:'))
  const attributes = extensions.flatMap(([urn, values]) =>
    Object.entries(values as Json).map(([name, value]) => [`${urn}:${name}`, value]),
  )
  return { ...resource, ...Object.fromEntries(attributes) }
}

/** scimmy looks into each attribute that the filter goes into, so there has to be one. */
function withParts(resource: Json, filter: object[]): Json {
  const known = new Set(Object.keys(resource).map((name) => name.toLowerCase()))
  const missing = filter
    .flatMap((part) => Object.entries(part))
    .filter(([name, node]) => !Array.isArray(node) && !known.has(name.toLowerCase()))
  return { ...resource, ...Object.fromEntries(missing.map(([name]) => [name, {}])) }
}

function fold(value: unknown, name: string): unknown {
  if (typeof value === 'string')
    return EXACT.has(name) && !value.includes('@') ? value : value.toLowerCase()
  if (Array.isArray(value)) return value.map((one) => fold(one, name))
  if (value === null || typeof value !== 'object') return value
  if (EXACT.has(name)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fold(one, key)]))
}

/** An expression is `[comparator, value]`, perhaps after `not`; a node holds several, or other nodes. */
function foldExpression(node: unknown, name: string): unknown {
  if (!Array.isArray(node)) {
    const parts = Object.entries(node as object)
    const isExact = (key: string, one: unknown) => EXACT.has(key) && !Array.isArray(one)
    return Object.fromEntries(
      parts.map(([key, one]) => [key, isExact(key, one) ? one : foldExpression(one, key)]),
    )
  }
  if (node.every((one) => typeof one === 'object' && one !== null)) {
    return node.map((one) => foldExpression(one, name))
  }
  const words = node.slice(0, -1)
  const last = node.at(-1)
  const isAlone = ['pr', 'np'].includes(last)
  const expression = isAlone ? [...node] : [...words, fold(last, name)]
  return BY_VALUE.has(name) && !isAlone ? { value: expression } : expression
}
