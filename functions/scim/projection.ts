/**
 * What of a resource goes out: the attributes that were asked for, and its version.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { type Chain, isRead, readName } from './names.ts'
import { refuse } from './problem.ts'
import { type Attribute, GROUP, type Json, type Shape } from './schema.ts'
import { partOf, textOf } from './values.ts'

/** More than a resource has. */
const MAX_NAMES = 100
const MAX_NAME = 200

/** As JSON, with a weak entity tag in `meta.version` that changes when anything of it does. */
export function withVersion(json: Json): Json & { meta: { version: string; location: string } } {
  const hash = createHash('sha256').update(JSON.stringify(json)).digest('base64url').slice(0, 22)
  return { ...json, meta: { ...(json.meta as { location: string }), version: `W/"${hash}"` } }
}

/** Whether an If-Match or If-None-Match names this version, in its weak form or without. */
export const names = (header: string, version: string) =>
  header.trim() === '*' ||
  header.split(',').some((one) => one.trim().replace(/^W\//, '') === version.replace(/^W\//, ''))

/**
 * @param given - `attributes` or `excludedAttributes`, parted by commas or as a list
 * @returns leaves the rest out; `id` and `schemas` stay always
 */
export function createProjection(given: Json, shape: Shape): (resource: Json) => Json {
  const wanted = readNames(given, 'attributes')
  const unwanted = readNames(given, 'excludedattributes')
  // A name that nothing has asks for nothing.
  const toChains = (names: string[]) =>
    names
      .map((name) => readName(shape, name))
      .filter(isRead)
      .flatMap((chain) => (chain.length > 0 ? [chain] : [...shape.attributes.values()].map(alone)))
  const asked = toChains(wanted)
  const left = [...(wanted.length > 0 ? [] : toChains(unwanted)), ...unasked(shape, asked)]
  return (resource) => {
    const { schemas, id } = resource
    const chosen = wanted.length > 0 ? only(resource, asked) : resource
    return { schemas, id, ...(without(chosen ?? {}, left) as Json) }
  }
}

/** What answers hold only where it is asked for by its name: RFC 7643 section 7, returned "request". */
function unasked(shape: Shape, asked: Chain[]): Chain[] {
  const all = [...shape.attributes.values()]
  return all.flatMap((attribute) =>
    [...attribute.parts.values()]
      .filter((part) => part.isOnRequest && !asked.some(([, second]) => second === part))
      .map((part) => [attribute, part]),
  )
}

const alone = (attribute: Attribute): Chain => [attribute]

function only(value: unknown, chains: Chain[]): unknown {
  if (Array.isArray(value)) return value.map((one) => only(one, chains)).filter(isPresent)
  if (value === null || typeof value !== 'object') return undefined
  const kept = Object.entries(value).flatMap(([name, one]) => {
    const own = chains.filter(([first]) => first?.name === name)
    if (own.length === 0) return []
    const isWhole = own.some((chain) => chain.length === 1)
    const inner = isWhole
      ? one
      : only(
          one,
          own.map((chain) => chain.slice(1)),
        )
    return isPresent(inner) ? [[name, inner]] : []
  })
  return kept.length > 0 ? Object.fromEntries(kept) : undefined
}

function without(value: unknown, chains: Chain[]): unknown {
  if (Array.isArray(value)) return value.map((one) => without(one, chains))
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).flatMap(([name, one]) => {
    const own = chains.filter(([first]) => first?.name === name)
    if (own.some((chain) => chain.length === 1)) return []
    return [
      [
        name,
        own.length > 0
          ? without(
              one,
              own.map((chain) => chain.slice(1)),
            )
          : one,
      ],
    ]
  })
  return Object.fromEntries(kept)
}

const isPresent = (value: unknown) =>
  value !== undefined && !(Array.isArray(value) && value.length === 0)

/** Whether the answer leaves the members of groups out, which may be many. */
export const isWithoutMembers = (given: Json): boolean => {
  const wanted = readNames(given, 'attributes')
  const isMembers = (name: string) => {
    const chain = readName(GROUP, name)
    return isRead(chain) && (chain.length === 0 || chain[0]?.name === 'members')
  }
  const isWhole = (name: string) => isMembers(name) && !name.replace(/^urn:.*:/i, '').includes('.')
  return wanted.length > 0
    ? !wanted.some(isMembers)
    : readNames(given, 'excludedattributes').some(isWhole)
}

function readNames(given: Json, name: string): string[] {
  const value = partOf(given, name)
  const list = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : []
  if (list.length > MAX_NAMES || list.some((one) => textOf(one).length > MAX_NAME)) {
    throw refuse(
      400,
      'invalidValue',
      `attributes and excludedAttributes are at most ${MAX_NAMES} names of ${MAX_NAME} characters.`,
    )
  }
  const texts = list.map((one) => textOf(one).trim()).filter(Boolean)
  if (texts.some((one) => !/^[\w.:$-]+$/.test(one))) {
    throw refuse(
      400,
      'invalidValue',
      'attributes and excludedAttributes are names parted by commas.',
    )
  }
  return texts
}
