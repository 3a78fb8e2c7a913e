/**
 * The two kinds of resources, each with what can be done to it: the same operations for both.
 *
 * @module
 */
import type { Directory, GroupRow, UserRow } from './directory.ts'
import { asksFor, readEquality } from './filter.ts'
import { fromGroupRow, patchGroup, readGroup } from './groups.ts'
import type { ListQuery } from './listing.ts'
import { isId } from './members.ts'
import { isWithoutMembers } from './projection.ts'
import { GROUP, type Json, type Shape, USER } from './schema.ts'
import { readPatch } from './steps.ts'
import { fromUserRow, patchUser, readUser } from './users.ts'

/** A resource as it goes out, and what it was made of. */
export interface Found {
  resource: Json
  row: UserRow | GroupRow
}

/** What a body asks for, read before the directory is opened, where others wait. Returns the id. */
export type Change = (directory: Directory, now: Found) => Promise<string>

export interface Kind {
  endpoint: '/Users' | '/Groups'
  shape: Shape
  /** `total` null: these are all, still to be filtered, sorted and cut. */
  list(
    directory: Directory,
    query: ListQuery,
    given: Json,
    base: string,
  ): Promise<{ resources: Json[]; total: number | null }>
  find(directory: Directory, id: string, base: string): Promise<Found | null>
  /** @throws 400 for a body that is no such resource */
  readNew(body: object): (directory: Directory) => Promise<string>
  /** @throws 400 for a body that is no such resource */
  readWhole(body: object): Change
  /** @throws 400 for what cannot be carried out at all */
  readPatch(body: object): Change
  delete(directory: Directory, id: string): Promise<void>
}

/** What the database looks up by itself, by an index. */
const LOOKED_UP = ['id', 'userName', 'externalId']

const users: Kind = {
  endpoint: '/Users',
  shape: USER,
  async list(directory, { filter, sortBy, startIndex, count }, _given, base) {
    const { attribute = '', value = '' } = (filter && readEquality(filter)) ?? {}
    const isLookedUp = LOOKED_UP.includes(attribute) && (attribute !== 'id' || isId(value))
    const isPaged = !sortBy && (!filter || isLookedUp)
    const { rows, total } = await directory.users({
      ...(isLookedUp && { [attribute]: value }),
      ...(isPaged && { startIndex, count }),
    })
    return { resources: rows.map((row) => fromUserRow(row, base)), total: isPaged ? total : null }
  },
  async find(directory, id, base) {
    const [row] = (await directory.users({ id })).rows
    return row ? { resource: fromUserRow(row, base), row } : null
  },
  readNew(body) {
    const facts = readUser(body)(null)
    return (directory) => directory.saveUser(null, facts)
  },
  readWhole(body) {
    const factsFor = readUser(body)
    return (directory, { row }) => directory.saveUser(row.id, factsFor(row as UserRow))
  },
  readPatch(body) {
    const change = readPatch(USER, body)
    return async (directory, { row }) =>
      directory.saveUser(row.id, patchUser(row as UserRow, change))
  },
  delete: (directory, id) => directory.deleteUser(id),
}

const groups: Kind = {
  endpoint: '/Groups',
  shape: GROUP,
  async list(directory, { filter }, given, base) {
    const rows = await directory.groups({
      withoutMembers: isWithoutMembers(given) && !(filter && asksFor(filter, 'members')),
    })
    return { resources: rows.map((row) => fromGroupRow(row, base)), total: null }
  },
  async find(directory, id, base) {
    const [row] = await directory.groups({ id })
    return row ? { resource: fromGroupRow(row, base), row } : null
  },
  readNew(body) {
    const facts = readGroup(body)
    return (directory) => directory.saveGroup(null, facts)
  },
  readWhole(body) {
    const facts = readGroup(body)
    return (directory, { row }) => directory.saveGroup(row.id, facts)
  },
  readPatch(body) {
    const change = readPatch(GROUP, body)
    return async (directory, { row, resource }) =>
      directory.saveGroup(row.id, patchGroup(resource, change))
  },
  delete: (directory, id) => directory.deleteGroup(id),
}

export const KINDS: Kind[] = [users, groups]
