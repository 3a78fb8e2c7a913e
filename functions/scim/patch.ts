/**
 * Carries out the steps of a request.
 *
 * Source: RFC 7644 section 3.5.2
 *
 * @module
 */
import { asciiAddress } from '../../client/address.ts'
import { type Filter, isMatch, readEqualities } from './filter.ts'
import { isRead, readParts } from './names.ts'
import { refuse } from './problem.ts'
import type { Attribute, Json } from './schema.ts'
import { type Change, isTurningOff, type Op, type Step } from './steps.ts'
import { isNothing, isObject, isSaying, mend, requireFew, withOnePrimary } from './values.ts'

/**
 * @param sent - the resource as the directory has sent it, with nothing that was made up for an answer
 * @returns how it is to be
 * @throws 400 with what cannot be read, or noTarget
 */
export function patch(sent: Json, { steps, refusal, mayTurnOff }: Change): Json {
  const resource = structuredClone(sent)
  let first = refusal
  for (const step of steps) {
    try {
      apply(resource, step)
    } catch (error) {
      first ??= error as Error
    }
  }
  const isOff = mayTurnOff && resource.active === false && steps.some(isTurningOff)
  if (first && !isOff) throw first
  return resource
}

function apply(resource: Json, { op, target, value }: Step): void {
  const { chain, filter, part } = target
  const [attribute, ...rest] = chain as [Attribute, ...Attribute[]]
  if (filter) applyToSome(resource, attribute, op, filter, part, value)
  else if (attribute.isMultiple && rest[0]) applyToMain(resource, attribute, rest[0], op, value)
  else if (rest.length > 0) {
    const inner = { ...((resource[attribute.name] as Json | undefined) ?? {}) }
    apply(inner, { op, target: { chain: rest, filter: null, part: null }, value })
    put(resource, attribute, inner)
  } else if (op === 'remove') removeFrom(resource, attribute, value)
  else if (attribute.isMultiple) give(resource, attribute, op, value)
  else if (attribute.type === 'complex' && isObject(value)) {
    const inner = { ...((resource[attribute.name] as Json | undefined) ?? {}) }
    for (const [name, one] of Object.entries(value)) {
      const chain = readParts(attribute.parts, name.trim())
      if (isRead(chain))
        apply(inner, { op, target: { chain, filter: null, part: null }, value: one })
    }
    put(resource, attribute, inner)
  } else {
    const mended = mend(attribute, value)
    if (mended !== undefined || isNothing(value)) put(resource, attribute, mended)
  }
}

/** Nothing is kept that says nothing. */
function put(holder: Json, attribute: Attribute, value: unknown): void {
  const isEmpty =
    isNothing(value) || (isObject(value) && Object.values(value).every((one) => one === undefined))
  if (isEmpty) delete holder[attribute.name]
  else holder[attribute.name] = value
}

const valuesOf = (resource: Json, { name }: Attribute) => (resource[name] ?? []) as Json[]

/** Of several values those that are named, as Entra ID does it; without a value, all. */
function removeFrom(resource: Json, attribute: Attribute, value: unknown): void {
  if (!attribute.isMultiple || isNothing(value)) {
    delete resource[attribute.name]
    return
  }
  const named = (mend(attribute, value) ?? []) as Json[]
  const left = valuesOf(resource, attribute).filter((one) => !named.some((n) => isOne(one, n)))
  put(resource, attribute, left)
}

const isSame = (a: unknown, b: unknown) => folded(a) === folded(b)

/** As it is compared: whatever the case, and however the domain of an address is spelt. */
const folded = (value: unknown) => asciiAddress(String(value ?? '')).toLowerCase()

/** Whether two values are one: of the same value and, as far as both say it, type; of an address, all of it. */
function isOne(a: Json, b: Json): boolean {
  if (a.value !== undefined || b.value !== undefined) {
    return isSame(a.value, b.value) && (!a.type || !b.type || isSame(a.type, b.type))
  }
  return Object.keys({ ...a, ...b }).every((name) => name === 'primary' || isSame(a[name], b[name]))
}

function give(resource: Json, attribute: Attribute, op: Op, value: unknown): void {
  const mended = mend(attribute, value) as Json[] | undefined
  if (mended === undefined) {
    if (op === 'replace' && isNothing(value)) delete resource[attribute.name]
    return
  }
  const values = op === 'add' ? [...valuesOf(resource, attribute)] : []
  for (const one of mended) {
    const place = values.findIndex((now) => isOne(now, one))
    if (place < 0) values.push(one)
    else values[place] = { ...values[place], ...one }
  }
  requireFew(attribute, values)
  const main = mended.find(({ primary }) => primary === true)
  put(resource, attribute, onePrimary(values, main))
}

/** The new primary one takes the place of the old: RFC 7644 section 3.5.2. */
function onePrimary(values: Json[], chosen: Json | undefined): Json[] {
  if (!chosen) return withOnePrimary(values)
  const main = values.find((one) => one.primary === true && isOne(one, chosen))
  return values.map((one) => (one.primary && one !== main ? { ...one, primary: false } : one))
}

/** `emails.value`, which names none of several: the one that the User goes by. */
function applyToMain(
  resource: Json,
  attribute: Attribute,
  part: Attribute,
  op: Op,
  value: unknown,
): void {
  const values = valuesOf(resource, attribute)
  if (op === 'remove') {
    put(resource, attribute, values.map((one) => without(one, part)).filter(isSaying))
    return
  }
  const mended = mend(part, value)
  if (mended === undefined) return
  const main = mainOf(values)
  put(
    resource,
    attribute,
    main
      ? values.map((one) => (one === main ? { ...one, [part.name]: mended } : one))
      : [{ [part.name]: mended }],
  )
}

/** The primary one, that of work, or the first. */
export const mainOf = (values: Json[]): Json | undefined =>
  values.find(({ primary }) => primary === true) ??
  values.find(({ type }) => isSame(type, 'work')) ??
  values[0]

function applyToSome(
  resource: Json,
  attribute: Attribute,
  op: Op,
  filter: Filter,
  part: Attribute | null,
  value: unknown,
): void {
  const values = valuesOf(resource, attribute)
  const chosen = new Set(values.filter((one) => isMatch(filter, one)))
  if (op === 'remove' || isNothing(value)) {
    // Whatever is not there need not be removed.
    const left = values.map((one) => {
      if (!chosen.has(one)) return one
      const rest = part ? without(one, part) : {}
      return isSaying(rest) ? rest : null
    })
    put(
      resource,
      attribute,
      left.filter((one) => one !== null),
    )
    return
  }
  const one = { ...attribute, isMultiple: false }
  const mended = (part ? { [part.name]: mend(part, value) } : mend(one, value)) as Json | undefined
  if (!mended || Object.values(mended).includes(undefined)) return
  if (chosen.size > 0) {
    const changed = values.map((now) => (chosen.has(now) ? { ...now, ...mended } : now))
    const main = changed.find((now, place) => now.primary && chosen.has(values[place] as Json))
    put(resource, attribute, onePrimary(changed, mended.primary ? main : undefined))
    return
  }
  // Entra ID changes the value of an address that is not there yet, and means that it be added.
  const equal = readEqualities(filter, 'and')
  if (!equal || equal.some(({ name }) => name === 'value')) {
    throw refuse(400, 'noTarget', `None of ${attribute.name} is what the path chooses.`)
  }
  const wanted = Object.fromEntries(equal.map(({ name, value: is }) => [name, is]))
  const added = mend(one, { ...wanted, ...mended }) as Json
  put(resource, attribute, onePrimary([...values, added], added.primary ? added : undefined))
}

const without = (one: Json, part: Attribute): Json =>
  Object.fromEntries(Object.entries(one).filter(([name]) => name !== part.name))
