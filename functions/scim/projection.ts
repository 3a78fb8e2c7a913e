/**
 * What of a resource goes out: the attributes that were asked for, and its version.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { refuse } from './problem.ts'
import { Filter, type Group, type Json, toJson, type User } from './schema.ts'

/** More than a resource has. */
const MAX_NAMES = 100
const MAX_NAME = 200

type Definition = typeof User | typeof Group

/** As JSON, with a weak entity tag in `meta.version` that changes when anything of it does. */
export function withVersion(json: Json): Json & { meta: { version: string; location: string } } {
  const hash = createHash('sha256').update(JSON.stringify(json)).digest('base64url').slice(0, 22)
  return { ...json, meta: { ...(json.meta as { location: string }), version: `W/"${hash}"` } }
}

/** Whether an If-Match or If-None-Match names this version. */
export const names = (header: string, version: string) =>
  header === '*' || header.split(',').some((one) => one.trim() === version)

/**
 * @param given - `attributes` or `excludedAttributes`, parted by commas or as a list
 * @returns leaves the rest out; `id` and `schemas` stay always
 */
export function createProjection(
  given: Json,
  { definition }: Definition,
): (resource: Json) => Json {
  const wanted = readNames(given.attributes)
  const unwanted = readNames(given.excludedAttributes)
  if (wanted.length === 0 && unwanted.length === 0) return (resource) => resource
  const words =
    wanted.length > 0 ? wanted.map((one) => `${one} pr`) : unwanted.map((one) => `${one} np`)
  const filter = new Filter(words.join(' and '))
  return (resource) => {
    const { schemas, id } = resource
    const { meta: _, ...kept } = definition.coerce(
      resource as never,
      'out',
      undefined,
      filter,
    ) as Json
    // scimmy always names where it is; RFC 7644 returns it by default only.
    const isMetaKept = wanted.length > 0 ? has(wanted, 'meta') : !has(unwanted, 'meta')
    return toJson({ schemas, id, ...kept, ...(isMetaKept && { meta: resource.meta }) })
  }
}

/** Whether this attribute, or a part of it, is among the names. */
const has = (list: string[], name: string) => list.some((one) => one.split('.')[0] === name)

/** Whether the answer leaves the members of groups out, which may be many. */
export const isWithoutMembers = (given: Json): boolean => {
  const wanted = readNames(given.attributes)
  return (
    has(readNames(given.excludedAttributes), 'members') ||
    (wanted.length > 0 && !has(wanted, 'members'))
  )
}

function readNames(value: unknown): string[] {
  const list = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : []
  const texts = list.map((one) => String(one).trim()).filter(Boolean)
  // They become a filter, which scimmy reads in the square of its length.
  if (texts.length > MAX_NAMES || texts.some((one) => one.length > MAX_NAME)) {
    throw refuse(
      400,
      'invalidValue',
      `attributes and excludedAttributes are at most ${MAX_NAMES} names of ${MAX_NAME} characters.`,
    )
  }
  if (texts.some((one) => !/^[\w.:$-]+$/.test(one))) {
    throw refuse(
      400,
      'invalidValue',
      'attributes and excludedAttributes are names parted by commas.',
    )
  }
  return texts
}
