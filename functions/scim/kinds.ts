/**
 * The two kinds of resources, each with what can be done to it: the same operations for both.
 *
 * @module
 */
import type { Directory } from './directory.ts'
import { readEquality } from './filter.ts'
import { fromGroupRow, readGroup, toGroupFacts } from './groups.ts'
import type { ListQuery } from './listing.ts'
import { patch } from './patch.ts'
import { isWithoutMembers } from './projection.ts'
import { Group, type Json, User } from './schema.ts'
import { fromUserRow, readUser, toUserFacts } from './users.ts'

type Resource = InstanceType<typeof User> | InstanceType<typeof Group>

export interface Kind {
  endpoint: '/Users' | '/Groups'
  schema: typeof User | typeof Group
  /** `total` null: these are all, still to be filtered, sorted and cut. */
  list(
    directory: Directory,
    query: ListQuery,
    given: Json,
    base: string,
  ): Promise<{ resources: Resource[]; total: number | null }>
  find(directory: Directory, id: string, base: string): Promise<Resource | null>
  /** Returns the id. */
  create(directory: Directory, body: unknown): Promise<string>
  replace(directory: Directory, id: string, body: unknown, base: string): Promise<unknown>
  patch(directory: Directory, id: string, body: unknown, base: string): Promise<unknown>
  delete(directory: Directory, id: string): Promise<void>
}

/** What the database looks up by itself, by an index. */
const LOOKED_UP: Record<string, 'userName' | 'externalId'> = {
  userName: 'userName',
  externalId: 'externalId',
}

const findUser = async (directory: Directory, id: string, base: string) => {
  const [row] = (await directory.users({ id })).rows
  return row ? fromUserRow(row, base) : null
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
  find: findUser,
  create: (directory, body) => directory.saveUser(null, toUserFacts(readUser(body))),
  async replace(directory, id, body, base) {
    const { active } = (await findUser(directory, id, base)) as InstanceType<typeof User>
    return directory.saveUser(id, toUserFacts(readUser(body), active))
  },
  async patch(directory, id, body, base) {
    const user = (await findUser(directory, id, base)) as InstanceType<typeof User>
    return directory.saveUser(id, toUserFacts(await patch(user, body)))
  },
  delete: (directory, id) => directory.deleteUser(id),
}

const hasMembers = (body: Json) => Object.keys(body).some((name) => /^members$/i.test(name))

const findGroup = async (directory: Directory, id: string, base: string) => {
  const [row] = await directory.groups({ id })
  return row ? fromGroupRow(row, base) : null
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
  find: findGroup,
  create: (directory, body) => directory.saveGroup(null, toGroupFacts(readGroup(body))),
  // Without members, it says nothing of them: taking a role from everyone has to be said.
  replace: (directory, id, body) =>
    directory.saveGroup(id, toGroupFacts(readGroup(body), hasMembers(body as Json))),
  async patch(directory, id, body, base) {
    const group = (await findGroup(directory, id, base)) as InstanceType<typeof Group>
    return directory.saveGroup(id, toGroupFacts(await patch(group, body)))
  },
  delete: (directory, id) => directory.deleteGroup(id),
}

export const KINDS: Kind[] = [users, groups]
