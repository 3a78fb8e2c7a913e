/**
 * What a request asks for, as steps: one attribute each, its name read, its value looked at. PATCH, and the bodies of
 * POST and PUT, which are a replace of all that they name.
 *
 * What cannot be read refuses the whole request, and nothing of it is done, but for one thing: who is turned off is
 * turned off, whatever else is said of them. Otherwise a mapping that nobody needs would keep somebody in who has left.
 * What is not kept here is left out: https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/539
 *
 * Sources: RFC 7644 section 3.5.2; Microsoft, "Known issues and resolutions with SCIM 2.0 protocol compliance
 * of the Microsoft Entra user provisioning service"; Okta, "SCIM 2.0 Protocol Reference"
 *
 * @module
 */
import { type Filter, parseWithin } from './filter.ts'
import { requireLeavable, saysOff } from './left-out.ts'
import { type Chain, isRead, readName, type Unread } from './names.ts'
import { refuse } from './problem.ts'
import type { Attribute, Json, Shape } from './schema.ts'
import { isNothing, isObject, mend, partOf, textOf } from './values.ts'

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

/** The steps of a request, and the first thing in it that cannot be read. */
export interface Change {
  steps: Step[]
  refusal: Error | null
  /** Whether turning somebody off goes before what cannot be read. */
  mayTurnOff: boolean
}

/**
 * Reads the body of a POST or PUT.
 *
 * @throws 400 with invalidSyntax or tooMany
 */
export function readWhole(shape: Shape, body: object): Change {
  const schemas = [partOf(body as Json, 'schemas') ?? []].flat()
  const names = schemas.map((one) => textOf(one).toLowerCase())
  // Extensions may be missing from the list, and unknown ones may be in it.
  if (names.length > 0 && !names.includes(shape.urn.toLowerCase())) {
    throw refuse(400, 'invalidSyntax', `The schemas of this resource have ${shape.urn} among them.`)
  }
  const collector = createCollector(shape)
  collector.readNames('replace', body as Json)
  return collector.finish()
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
  if (schemas.length > 0 && !schemas.some((one) => PATCH.test(textOf(one)))) {
    throw refuse(400, 'invalidSyntax', 'The schemas of a PATCH have urn:…:2.0:PatchOp among them.')
  }
  if (operations.length === 0) throw refuse(400, 'invalidValue', 'There are no Operations.')

  const collector = createCollector(shape)
  for (const operation of operations) collector.readOperation(operation)
  const { unknown, counts } = collector
  const change = collector.finish()
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

const isAboutActive = ({ target: { chain } }: Step) => chain[0]?.name === 'active'

/** Whether somebody is to be no member any more. */
export const isTurningOff = (step: Step): boolean =>
  step.op !== 'remove' &&
  isAboutActive(step) &&
  mend(step.target.chain[0] as Attribute, step.value) === false

/** Reads operations one by one, and remembers the first that cannot be read. */
function createCollector(shape: Shape) {
  const change: Change = { steps: [], refusal: null, mayTurnOff: true }
  const unknown: string[] = []
  /** Somebody is to be turned off, in words that nothing here is called by. */
  let misspelt: Error | null = null
  /** operations: those that are about other things than members. */
  const counts = { operations: 0, leftOut: 0, others: 0, named: 0 }

  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      change.refusal ??= error as Error
    }
  }

  const doubt = (name: string, value: unknown) => {
    if (!saysOff(shape, name, value)) return
    misspelt ??= refuse(400, 'invalidPath', `${name.slice(0, 200)} turns nobody off: active does.`)
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
      requireLeavable(shape, op, target, name, value)
      doubt(name, value)
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
    if (shape.extensions.has(attribute.name.toLowerCase())) doubt(name, value)
    if (attribute.name === 'schemas' || (attribute.isReadOnly && isNamed)) return
    if (attribute.isReadOnly)
      throw refuse(400, 'mutability', `${attribute.name} cannot be changed.`)
    if (op === 'add' && value === null && attribute.name === 'members') {
      throw refuse(400, 'invalidValue', 'There is no value to be added.')
    }
    // What is set to null is there no more: RFC 7643 section 2.5.
    const given = op !== 'remove' && value === null ? 'remove' : op
    if (!attribute.isRemovable && target.chain.length === 1) {
      const isLeftOut = !attribute.isRequired && isNothing(value)
      // Among others it says nothing: neither on, nor on again after off.
      if (isNamed && isLeftOut) return
      if (!isNamed && (given === 'remove' || isLeftOut)) {
        throw refuse(400, 'mutability', `${attribute.name} cannot be removed.`)
      }
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
    const op = textOf(partOf(operation, 'op')).toLowerCase()
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

  const finish = (): Change => {
    // An application may have an `active` of its own, beside ours.
    if (misspelt && !change.steps.some(isAboutActive)) change.refusal ??= misspelt
    return change
  }

  return { unknown, counts, readNames, readOperation, finish }
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
