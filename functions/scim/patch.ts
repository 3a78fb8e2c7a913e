/**
 * PATCH: scimmy carries it out; what identity providers write in ways of their own is put right before.
 *
 * Sources: RFC 7644 section 3.5.2; Microsoft, "Known issues and resolutions with SCIM 2.0 protocol compliance
 * of the Microsoft Entra user provisioning service"; Okta, "SCIM 2.0 Protocol Reference"
 *
 * @module
 */
import { isCostly } from './filter.ts'
import { refuse } from './problem.ts'
import { type Json, PatchOp } from './schema.ts'

interface Operation {
  op?: unknown
  path?: unknown
  value?: unknown
}

/** `emails[type eq "work"].value`: an attribute, which of its values, and what of that. */
const VALUE_PATH = /^(?:urn:[^[]+:)?(\w+)\[(\w+) eq "?([^"\]]*)"?\](?:\.(\w+))?$/i
/** Characters of a path: scimmy reads one in the square of its length. */
const MAX_PATH = 2_000
/** Of all the paths of a request together. */
const MAX_PATHS = 20_000
/**
 * Each is carried out by itself, on the whole resource, while others wait. Identity providers send one per attribute;
 * members of a Group are not among them.
 */
const MAX_OPERATIONS = 100
const BOOLEANS = /^(active|primary|emails\[.*\]\.primary)$/i

/**
 * Looks at the body of a PATCH before anything is done for it.
 *
 * @throws 400 with invalidSyntax, invalidPath or tooMany
 */
export function judgePatch(body: object): void {
  const { Operations } = body as { Operations?: unknown }
  const isObject = (one: unknown) => one !== null && typeof one === 'object' && !Array.isArray(one)
  if (!Array.isArray(Operations) || !Operations.every(isObject)) {
    throw refuse(400, 'invalidSyntax', 'Operations is an array of objects.')
  }
  if (Operations.length > MAX_OPERATIONS) {
    throw refuse(400, 'tooMany', `There are more than ${MAX_OPERATIONS} Operations.`)
  }
  const paths = Operations.flatMap(pathsOf)
  if (paths.some((one) => one.length > MAX_PATH || isCostly(one))) {
    throw refuse(400, 'invalidPath', `A path has at most ${MAX_PATH} characters, and few brackets.`)
  }
  if (paths.reduce((sum, one) => sum + one.length, 0) > MAX_PATHS) {
    throw refuse(400, 'invalidPath', `All paths together have at most ${MAX_PATHS} characters.`)
  }
}

/** Without a path, the names in the value are paths. */
function pathsOf({ path, value }: Operation): string[] {
  if (typeof path === 'string') return [path]
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value)
  return isObject ? Object.keys(value) : []
}

/**
 * Applies the body of a PATCH to a resource.
 *
 * @param resource - of scimmy, as it is now
 * @returns how it is to be, whether or not that is another way
 * @throws 400 with invalidSyntax, invalidPath, invalidValue or noTarget
 */
export async function patch<Resource extends object>(
  resource: Resource,
  body: object,
): Promise<Resource> {
  judgePatch(body)
  const { Operations, ...rest } = body as Json & { Operations: Operation[] }
  new PatchOp(body as never)
  let patched = resource
  // One at a time, because what one operation adds another one may look for.
  for (const operation of Operations) {
    for (const given of mend(operation, patched as Json)) {
      const message = new PatchOp({ ...rest, Operations: [given] } as never)
      patched = ((await message.apply(patched as never)) as Resource | undefined) ?? patched
    }
  }
  return patched
}

/** An operation as RFC 7644 would write it: one, or several. */
function mend({ op, path, value, ...rest }: Operation, resource: Json): unknown[] {
  if (typeof path !== 'string') {
    const { nulls, values } = mendValues(value)
    return [...nulls.map((name) => ({ op: 'remove', path: name })), { ...rest, op, value: values }]
  }
  if (value === undefined && !/^remove$/i.test(String(op))) {
    throw refuse(400, 'invalidValue', `There is no value for ${path}.`)
  }
  // What is set to null is there no more: RFC 7643 section 2.5.
  if (value === null) return [{ ...rest, op: 'remove', path }]

  const operation = { ...rest, op, path, value: mendValue(path, value) }
  const [, attribute, key, wanted, part] = path.match(VALUE_PATH) ?? []
  const isGiving = typeof op === 'string' && /^(add|replace)$/i.test(op)
  if (!attribute || !key || !isGiving) return [operation]
  const name = Object.keys(resource).find((one) => one.toLowerCase() === attribute.toLowerCase())
  const values = name ? ((resource[name] as Json[] | undefined) ?? []) : []
  if (values.some((one) => String(one[key]).toLowerCase() === wanted?.toLowerCase()))
    return [operation]
  // Entra ID changes the value of an address that is not there yet, and means that it be added.
  const added = part ? { [part]: operation.value } : (operation.value as object)
  return [{ ...rest, op: 'add', path: attribute, value: [{ [key]: toBoolean(wanted), ...added }] }]
}

/** Without a path, the value is an object by attributes, each of which may be a path. */
function mendValues(value: unknown): { nulls: string[]; values: unknown } {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { nulls: [], values: value }
  }
  // Okta repeats the id, which cannot change.
  const given = Object.entries(value).filter(
    ([name]) => !['id', 'schemas', 'meta'].includes(name.toLowerCase()),
  )
  const present = given.filter(([, one]) => one !== null)
  return {
    nulls: given.filter(([, one]) => one === null).map(([name]) => name),
    values: Object.fromEntries(present.map(([name, one]) => [name, mendValue(name, one)])),
  }
}

function mendValue(path: string, value: unknown): unknown {
  if (BOOLEANS.test(path)) return toBoolean(Array.isArray(value) ? value[0]?.value : value)
  // The enterprise extension's manager is an object; Entra ID sends the bare id.
  if (/:manager$/i.test(path) && typeof value === 'string') return { value }
  if (Array.isArray(value)) return value.map(withBooleans)
  return withBooleans(value)
}

function withBooleans(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  const { primary, ...others } = value as Json
  return primary === undefined ? value : { ...others, primary: toBoolean(primary) }
}

/** Entra ID writes "True" and "False"; what is neither stays, and is refused where it must be. */
export function toBoolean(value: unknown): unknown {
  if (typeof value !== 'string' || !/^(true|false)$/i.test(value)) return value
  return value.toLowerCase() === 'true'
}
