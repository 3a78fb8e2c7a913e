/**
 * Values, as identity providers write them, in the form of their attribute. For POST, PUT and PATCH alike.
 *
 * Sources: RFC 7643 sections 2.3 to 2.5; Microsoft, "Known issues and resolutions with SCIM 2.0 protocol compliance of
 * the Microsoft Entra user provisioning service"; https://github.com/AzureAD/SCIMReferenceCode/issues/21
 *
 * @module
 */
import { storable } from '../_shared/database.ts'
import { refuse } from './problem.ts'
import type { Attribute, Json } from './schema.ts'

/** Of an attribute of a User, each of which is compared with each when some are added. */
const MAX_VALUES = 200

export const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

const isBlank = (value: unknown) =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '')

/** What is no list and no object as a text; those as an empty one: they may be of any depth. */
export const textOf = (value: unknown): string =>
  value === undefined || value === null || typeof value === 'object' ? '' : String(value)

/** Whether a value says that there is none: RFC 7643 section 2.5; and an empty text, which nobody means. */
export const isNothing = (value: unknown): boolean =>
  isBlank(value) || (Array.isArray(value) && value.every(isBlank))

/** Entra ID writes "True" and "False", others 1 and 0; what is neither stays. */
export function toBoolean(value: unknown): unknown {
  const text = textOf(value).trim().toLowerCase()
  if (text === 'true' || text === '1') return true
  return text === 'false' || text === '0' ? false : value
}

/**
 * A value in the form of its attribute; undefined when there is none, or none that can be read.
 *
 * @throws 400 invalidValue where something follows from the attribute
 */
export function mend(attribute: Attribute, value: unknown): unknown {
  if (isNothing(value)) return undefined
  if (!attribute.isMultiple) return mendOne(attribute, [value].flat()[0])
  const list = [value].flat()
  requireFew(attribute, list)
  const mended = list.map((one) => mendOne(attribute, one)) as (Json | undefined)[]
  return withOnePrimary(mended.filter((one) => one !== undefined).filter(isSaying))
}

/** @throws 400 invalidValue */
export function requireFew({ name }: Attribute, values: unknown[]): void {
  if (values.length > MAX_VALUES) {
    throw refuse(400, 'invalidValue', `${name} has more than ${MAX_VALUES} values.`)
  }
}

function mendOne(attribute: Attribute, value: unknown): unknown {
  if (isNothing(value)) return undefined
  if (attribute.type === 'complex') return mendComplex(attribute, value)
  // Entra ID wraps what it replaces: [{"$ref": null, "value": "Renamed"}].
  const bare = isObject(value) ? partOf(value, 'value') : value
  if (isNothing(bare)) return isObject(value) ? unread(attribute) : undefined
  if (attribute.type === 'boolean') {
    const boolean = toBoolean(bare)
    return typeof boolean === 'boolean' ? boolean : unread(attribute)
  }
  if (typeof bare === 'object') return unread(attribute)
  const text = String(bare)
  // Half of a pair as well, which a name that was cut to a length ends with.
  if (text !== storable(text) || /\p{Surrogate}/u.test(text)) {
    throw refuse(400, 'invalidValue', `${attribute.name} has a character that cannot be kept.`)
  }
  return text
}

function mendComplex(attribute: Attribute, value: unknown): unknown {
  if (!isObject(value)) {
    // A bare address, the id of a manager, or a name in one.
    const part = attribute.parts.get('value') ?? attribute.parts.get('formatted')
    const held = part && typeof value !== 'object' ? mend(part, value) : undefined
    return part && held !== undefined ? { [part.name]: held } : unread(attribute)
  }
  const names = Object.keys(value).map((name) => name.trim().toLowerCase())
  if (names.length > 0 && !names.some((name) => attribute.parts.has(name))) return unread(attribute)
  const mended: Json = {}
  for (const [name, one] of Object.entries(value)) {
    const part = attribute.parts.get(name.trim().toLowerCase())
    const held = part && mend(part, one)
    if (part && held !== undefined) mended[part.name] = held
  }
  return Object.keys(mended).length > 0 ? mended : undefined
}

function unread(attribute: Attribute): undefined {
  if (!attribute.isDeciding) return undefined
  throw refuse(400, 'invalidValue', `The value of ${attribute.name} cannot be read.`)
}

/** A part of an object, by its name in any case. */
export const partOf = (value: Json, name: string): unknown =>
  Object.entries(value).find(([key]) => key.toLowerCase() === name)?.[1]

/** Whether something is said by one of several values, beside what it is called. */
export const isSaying = (one: Json): boolean =>
  Object.keys(one).some((name) => name !== 'type' && name !== 'primary')

/** At most one of several is primary: the first that says so. */
export function withOnePrimary(values: Json[]): Json[] {
  const first = values.find(({ primary }) => primary === true)
  return values.map((one) =>
    one.primary === true && one !== first ? { ...one, primary: false } : one,
  )
}
