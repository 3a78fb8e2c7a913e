/**
 * PATCH, and the bodies of POST and PUT, which are a replace of all that they name.
 *
 * A request becomes steps: one attribute each, its name and value put right. A step that cannot be read refuses the
 * whole request, and nothing of it is done, but for one thing: who is turned off is turned off, whatever else the
 * request says. Otherwise a mapping that nobody needs would keep somebody in who has left.
 *
 * What is not kept here is left out: https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/539
 * Sources: RFC 7644 section 3.5.2; Microsoft, "Known issues and resolutions with SCIM 2.0 protocol compliance
 * of the Microsoft Entra user provisioning service"; Okta, "SCIM 2.0 Protocol Reference"
 *
 * @module
 */
import { type Filter, isMatch, parseWithin, readEqualities } from './filter.ts'
import { type Chain, isRead, readName, type Unread } from './names.ts'
import { refuse } from './problem.ts'
import type { Attribute, Json, Shape } from './schema.ts'
import { isNothing, isObject, mend, partOf, withOnePrimary } from './values.ts'

/** With the URN of a schema before it, of which more than one is sent: thomaspoignant/scim-patch#207. */
const PATCH = /:patchop$/i
/** Characters of a path. */
const MAX_PATH = 2_000
/**
 * Each may look at all values of an attribute while others wait. Identity providers send one per attribute; members
 * of a Group are not among them.
 */
const MAX_OPERATIONS = 100
/** Attributes that a value without a path may name. */
const MAX_NAMES = 1_000

export type Op = 'add' | 'remove' | 'replace'

/** `emails[type eq "work"].value`: an attribute, which of its values, and what of that. */
export interface Target {
  chain: Chain
  filter: Filter | null
  /** Of the values that the filter chooses. */
  part: Attribute | null
}

export interface Step {
  op: Op
  target: Target
  value: unknown
}

/** The steps of a request, and what of it cannot be read. */
export interface Change {
  steps: Step[]
  refusal: Error | null
}

/**
 * Reads the body of a POST or PUT.
 *
 * @returns the resource, and which of its attributes the body names, if only to say that there is nothing
 * @throws 400 with invalidSyntax or invalidValue
 */
export function readBody(shape: Shape, body: object): { resource: Json; names: Set<string> } {
  const given = body as Json
  const schemas = partOf(given, 'schemas')
  const names = [schemas ?? []].flat().map((one) => String(one).toLowerCase())
  // Extensions may be missing from the list, and unknown ones may be in it.
  if (names.length > 0 && !names.includes(shape.urn.toLowerCase())) {
    throw refuse(400, 'invalidSyntax', `The schemas of this resource have ${shape.urn} among them.`)
  }
  const collector = createCollector(shape)
  collector.readNames('replace', given)
  const { steps, refusal } = collector.change
  if (refusal) throw refusal
  const resource = {}
  for (const step of steps) apply(resource, step)
  return { resource, names: new Set(steps.map(({ target }) => target.chain[0]?.name ?? '')) }
}

/**
 * Reads the body of a PATCH, before anything is done for it.
 *
 * @throws 400 with invalidSyntax, invalidPath, invalidFilter, invalidValue, noTarget, mutability or tooMany
 */
export function readPatch(shape: Shape, body: object): Change {
  const schemas = [partOf(body as Json, 'schemas') ?? []].flat()
  const operations = partOf(body as Json, 'operations')
  if (!Array.isArray(operations) || !operations.every(isObject)) {
    throw refuse(400, 'invalidSyntax', 'Operations is an array of objects.')
  }
  if (schemas.length > 0 && !schemas.some((one) => PATCH.test(String(one)))) {
    throw refuse(400, 'invalidSyntax', 'The schemas of a PATCH have urn:…:2.0:PatchOp among them.')
  }
  if (operations.length === 0) throw refuse(400, 'invalidValue', 'There are no Operations.')

  const collector = createCollector(shape)
  for (const operation of operations) collector.readOperation(operation)
  const { change, unknown, counts } = collector
  if (counts.operations > MAX_OPERATIONS) {
    throw refuse(400, 'tooMany', `There are more than ${MAX_OPERATIONS} Operations.`)
  }
  // Beside others it is left out, as in POST and PUT. Alone, nothing would be done, and that is said.
  const [name] = unknown
  if (name !== undefined && change.steps.length === 0 && counts.leftOut === unknown.length) {
    throw refuse(400, 'invalidPath', `There is no attribute ${name.slice(0, 200)}.`)
  }
  if (change.refusal && !change.steps.some(isTurningOff)) throw change.refusal
  return change
}

/** Whether somebody is to be no member any more. */
const isTurningOff = ({ op, target: { chain, filter }, value }: Step): boolean =>
  op !== 'remove' &&
  filter === null &&
  chain.length === 1 &&
  chain[0]?.name === 'active' &&
  mend(chain[0], value) === false

/** Reads operations one by one, and remembers the first that cannot be read. */
function createCollector(shape: Shape) {
  const change: Change = { steps: [], refusal: null }
  const unknown: string[] = []
  /** operations: those that are about other things than members. */
  const counts = { operations: 0, leftOut: 0, others: 0, named: 0 }

  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      change.refusal ??= error as Error
    }
  }

  const take = (
    op: Op,
    target: Target | Unread,
    name: string,
    value: unknown,
    isNamed: boolean,
  ) => {
    if (typeof target === 'string') {
      counts.leftOut += 1
      counts.others += 1
      if (target === 'unknown' && !isNamed) unknown.push(name)
      return
    }
    const [attribute] = target.chain
    if (attribute?.name !== 'members') counts.others += 1
    // The resource as a whole, or an extension, is an object of names again.
    if (!attribute) {
      if (op === 'remove' || !isObject(value)) {
        throw refuse(400, op === 'remove' ? 'noTarget' : 'invalidValue', `${name} names a schema.`)
      }
      readNames(op, value)
      return
    }
    if (attribute.name === 'schemas' || (attribute.isReadOnly && isNamed)) return
    if (attribute.isReadOnly)
      throw refuse(400, 'mutability', `${attribute.name} cannot be changed.`)
    // What is set to null is there no more: RFC 7643 section 2.5.
    const given = op !== 'remove' && value === null ? 'remove' : op
    if (!attribute.isRemovable && target.chain.length === 1 && given === 'remove' && !isNamed) {
      throw refuse(400, 'mutability', `${attribute.name} cannot be removed.`)
    }
    if (isReadable(attribute, given, target, value)) change.steps.push({ op: given, target, value })
  }

  /** Looks at a value before anything is done with it. */
  const isReadable = (attribute: Attribute, op: Op, target: Target, value: unknown): boolean => {
    if (op === 'remove' || attribute.name === 'members') return true
    const last = target.part ?? (target.chain.at(-1) as Attribute)
    if (target.filter && !target.part) {
      mend({ ...attribute, isMultiple: false }, value)
      return true
    }
    if (attribute.isRequired && isNothing(value)) {
      throw refuse(400, 'invalidValue', `${attribute.name} has to have a value.`)
    }
    // A value that cannot be read, and decides nothing: what is there stays.
    return mend(last, value) !== undefined || isNothing(value) || isObject(value)
  }

  /** Without a path, the value is an object by names, each of which may be a path. */
  const readNames = (op: Op, value: Json) => {
    const entries = Object.entries(value)
    counts.named += entries.length
    if (counts.named > MAX_NAMES)
      throw refuse(400, 'tooMany', `There are more than ${MAX_NAMES} names.`)
    for (const [name, one] of entries) {
      attempt(() => take(op, readPath(shape, name), name, one, true))
    }
  }

  const readOperation = (operation: Json) => {
    const op = String(partOf(operation, 'op')).toLowerCase()
    if (op !== 'add' && op !== 'remove' && op !== 'replace') {
      throw refuse(400, 'invalidSyntax', 'An operation is one of add, remove, replace.')
    }
    const path = partOf(operation, 'path')
    const value = partOf(operation, 'value')
    const before = counts.others
    attempt(() => {
      if (!isNothing(path) && typeof path !== 'string') {
        throw refuse(400, 'invalidPath', 'A path is a text.')
      }
      if (op !== 'remove' && value === undefined) {
        throw refuse(400, 'invalidValue', `There is no value for ${path ?? 'an operation'}.`)
      }
      if (typeof path === 'string' && !isNothing(path)) {
        take(op, readPath(shape, path), path, value, false)
        return
      }
      if (op === 'remove')
        throw refuse(400, 'noTarget', 'What is to be removed is named by a path.')
      for (const one of [value].flat()) {
        if (!isObject(one)) {
          throw refuse(400, 'invalidValue', 'Without a path, the value is an object by attributes.')
        }
        readNames(op, one)
      }
    })
    if (counts.others > before || change.refusal) counts.operations += 1
  }

  return { change, unknown, counts, readNames, readOperation }
}

/** @throws 400 with invalidPath or invalidFilter */
function readPath(shape: Shape, text: string): Target | Unread {
  const path = text.trim()
  if (path.length > MAX_PATH) {
    throw refuse(400, 'invalidPath', `A path has at most ${MAX_PATH} characters.`)
  }
  const bracket = path.indexOf('[')
  const chain = readName(shape, bracket < 0 ? path : path.slice(0, bracket))
  if (!isRead(chain)) return chain
  if (bracket < 0) return { chain, filter: null, part: null }

  const attribute = chain.at(-1)
  if (chain.length !== 1 || !attribute?.isMultiple || attribute.type !== 'complex') {
    throw refuse(400, 'invalidPath', `${path.slice(0, bracket)} does not have several values.`)
  }
  const { filter, rest } = parseWithin(attribute, path.slice(bracket + 1))
  const name = rest.trim()
  if (name === '') return { chain, filter, part: null }
  const part = name.startsWith('.') ? attribute.parts.get(name.slice(1).toLowerCase()) : undefined
  if (name.startsWith('.') && !part) return 'unknown'
  if (!part) throw refuse(400, 'invalidPath', `The path cannot be read: ${path.slice(0, 200)}`)
  return { chain, filter, part }
}

/**
 * Carries out what a PATCH says.
 *
 * @param sent - the resource as the directory has sent it, with nothing that was made up for an answer
 * @returns how it is to be
 * @throws 400 with noTarget
 */
export function patch(sent: Json, { steps, refusal }: Change): Json {
  const resource = structuredClone(sent)
  let first = refusal
  for (const step of steps) {
    try {
      apply(resource, step)
    } catch (error) {
      first ??= error as Error
    }
  }
  if (first && !(steps.some(isTurningOff) && resource.active === false)) throw first
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
      const found = attribute.parts.get(name.trim().toLowerCase())
      if (found)
        apply(inner, { op, target: { chain: [found], filter: null, part: null }, value: one })
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

const isSame = (a: unknown, b: unknown) =>
  String(a ?? '').toLowerCase() === String(b ?? '').toLowerCase()

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
  put(
    resource,
    attribute,
    onePrimary(
      values,
      mended.find(({ primary }) => primary === true),
    ),
  )
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

/** Whether something is left of a value beside what it is called. */
const isSaying = (one: Json) =>
  Object.keys(one).some((name) => name !== 'type' && name !== 'primary')
