/**
 * The two kinds of resources, each with what can be done to it: the same operations for both.
 *
 * @module
 */
import type { Directory } from './directory.ts'
import { readEquality } from './filter.ts'
import { fromGroupRow, patchGroup, readGroup } from './groups.ts'
import type { ListQuery } from './listing.ts'
import { patchMembers } from './members.ts'
import { judgePatch } from './patch.ts'
import { isWithoutMembers } from './projection.ts'
import { Group, type Json, User } from './schema.ts'
import { fromUserRow, patchUser, readUser } from './users.ts'

export interface Kind {
  endpoint: '/Users' | '/Groups'
  schema: typeof User | typeof Group
  /** `total` null: these are all, still to be filtered, sorted and cut. */
  list(
    directory: Directory,
    query: ListQuery,
    given: Json,
    base: string,
  ): Promise<{ resources: Json[]; total: number | null }>
  find(directory: Directory, id: string, base: string): Promise<Json | null>
  /** Returns the id. */
  create(directory: Directory, body: object): Promise<string>
  /** @param now - the resource as it is */
  replace(directory: Directory, now: Json, body: object): Promise<unknown>
  /**
   * Whether a PATCH can be carried out at all: before the directory is opened, where others wait.
   *
   * @throws 400
   */
  judge(body: object): void
  /** @param now - the resource as it is */
  patch(directory: Directory, now: Json, body: object): Promise<unknown>
  delete(directory: Directory, id: string): Promise<void>
}

/** What the database looks up by itself, by an index. */
const LOOKED_UP: Record<string, 'userName' | 'externalId'> = {
  userName: 'userName',
  externalId: 'externalId',
}

const users: Kind = {
  endpoint: '/Users',
  schema: User,
  async list(directory, { filter, sortBy, startIndex, count }, _given, base) {
    const { attribute = '', value = '' } = (filter && readEquality(filter)) ?? {}
    const column = LOOKED_UP[attribute]
    const isPaged = !sortBy && (!filter || column)
    const { rows, total } = await directory.users({
      ...(column && { [column]: value }),
      ...(isPaged && { startIndex, count }),
    })
    return { resources: rows.map((row) => fromUserRow(row, base)), total: isPaged ? total : null }
  },
  async find(directory, id, base) {
    const [row] = (await directory.users({ id })).rows
    return row ? fromUserRow(row, base) : null
  },
  create: (directory, body) => directory.saveUser(null, readUser(body)),
  replace: (directory, now, body) =>
    directory.saveUser(String(now.id), readUser(body, now.active === true)),
  judge: judgePatch,
  patch: async (directory, now, body) =>
    directory.saveUser(String(now.id), await patchUser(now, body)),
  delete: (directory, id) => directory.deleteUser(id),
}

const groups: Kind = {
  endpoint: '/Groups',
  schema: Group,
  async list(directory, { filter }, given, base) {
    const rows = await directory.groups({
      withoutMembers: isWithoutMembers(given) && !filter?.some((part) => 'members' in part),
    })
    return { resources: rows.map((row) => fromGroupRow(row, base)), total: null }
  },
  async find(directory, id, base) {
    const [row] = await directory.groups({ id })
    return row ? fromGroupRow(row, base) : null
  },
  create: (directory, body) => directory.saveGroup(null, readGroup(body)),
  replace: (directory, now, body) => directory.saveGroup(String(now.id), readGroup(body)),
  judge(body) {
    const { rest } = patchMembers([], body)
    if (rest) judgePatch(rest)
  },
  patch: async (directory, now, body) =>
    directory.saveGroup(String(now.id), await patchGroup(now, body)),
  delete: (directory, id) => directory.deleteGroup(id),
}

export const KINDS: Kind[] = [users, groups]
