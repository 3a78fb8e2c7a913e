/**
 * The directory in the database, as the token of a request opens it. What may be done is decided there.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Json } from './schema.ts'

export interface UserRow {
  id: string
  userName: string
  externalId: string | null
  email: string
  /** What the account calls itself. */
  displayName: string | null
  isActive: boolean
  /** What the directory says beside that. */
  attributes: Json
  createdAt: Date
  updatedAt: Date
}

export interface GroupRow {
  id: string
  displayName: string
  externalId: string | null
  members: { value: string; display: string }[]
  createdAt: Date
  updatedAt: Date
}

export interface UserQuery {
  id?: string
  userName?: string
  externalId?: string
  /** From 1. Default: 1 */
  startIndex?: number
  /** Default: all */
  count?: number
}

export interface GroupQuery {
  id?: string
  displayName?: string
  /** Default: with them */
  withoutMembers?: boolean
}

export interface UserFacts {
  userName: string
  externalId: string | null
  email: string
  isActive: boolean
  attributes: Json
}

export interface GroupFacts {
  displayName: string
  externalId: string | null
  /** Ids of Users, of whom only those that are there count; undefined: as they are. */
  members?: string[]
  /** When a request does nothing but put these in: one of them has to be a User. */
  added?: string[]
}

/** One request's transaction. Whatever it refuses undoes all of it. */
export interface Directory {
  users(query: UserQuery): Promise<{ rows: UserRow[]; total: number }>
  saveUser(id: string | null, facts: UserFacts): Promise<string>
  deleteUser(id: string): Promise<void>
  groups(query: GroupQuery): Promise<GroupRow[]>
  saveGroup(id: string | null, facts: GroupFacts): Promise<string>
  deleteGroup(id: string): Promise<void>
}

export interface Opening {
  token: string
  /** A change follows: other changes of the same organisation wait. */
  isChange: boolean
  /** For the trail: where the request comes from. */
  headers: Headers
}

export type OpenDirectory = <Answer>(
  opening: Opening,
  work: (directory: Directory) => Promise<Answer>,
) => Promise<Answer>

/** @param sql - connected as the role usher_worker */
export function directoryOf(sql: postgres.Sql): OpenDirectory {
  return <Answer>(
    { token, isChange, headers }: Opening,
    work: (directory: Directory) => Promise<Answer>,
  ) =>
    sql.begin(async (tx) => {
      // All but secrets: which of them the gateway in front of this function writes is a setting of the project.
      const origin = Object.fromEntries([...headers].filter(([name]) => !SECRETS.has(name)))
      await tx`select set_config('request.headers', ${JSON.stringify(origin)}, true)`
      return work(openWith(tx, token, isChange))
    }) as Promise<Answer>
}

function openWith(tx: postgres.TransactionSql, token: string, isChange: boolean): Directory {
  return {
    async users({ id, userName, externalId, startIndex = 1, count }) {
      const list = (from: number, size: number | null) => tx<(UserRow & { total: string })[]>`
        select (l.item).id, (l.item).user_name as "userName", (l.item).external_id as "externalId",
          (l.item).email, (l.item).display_name as "displayName", (l.item).is_active as "isActive",
          (l.item).attributes, (l.item).created_at as "createdAt", (l.item).updated_at as "updatedAt",
          l.total
        from usher.list_directory_users(${token}, id => ${id ?? null},
          user_name => ${userName ?? null}, external_id => ${externalId ?? null},
          start_index => ${from}, page_size => ${size}, for_change => ${isChange}) l`
      const rows = await list(startIndex, count ?? null)
      // A page beyond the end, or of none, does not say how many there are.
      const counted = rows[0] ?? (await list(1, 1))[0]
      return { rows, total: Number(counted?.total ?? 0) }
    },
    async saveUser(id, { userName, externalId, email, isActive, attributes }) {
      const facts = {
        user_name: userName,
        external_id: externalId,
        email,
        is_active: isActive,
        attributes,
      }
      return idOf(
        await tx`select usher.save_directory_user(${token}, ${id}, ${tx.json(facts as never)}) as id`,
      )
    },
    async deleteUser(id) {
      await tx`select usher.delete_directory_user(${token}, ${id})`
    },
    async groups({ id, displayName, withoutMembers = false }) {
      return tx<GroupRow[]>`
        select (l.item).id, (l.item).display_name as "displayName",
          (l.item).external_id as "externalId", l.members,
          (l.item).created_at as "createdAt", (l.item).updated_at as "updatedAt"
        from usher.list_directory_groups(${token}, id => ${id ?? null},
          display_name => ${displayName ?? null}, with_members => ${!withoutMembers},
          for_change => ${isChange}) l`
    },
    async saveGroup(id, { displayName, externalId, members, added }) {
      const facts = {
        display_name: displayName,
        external_id: externalId,
        ...(members && { members }),
        ...(added && { added }),
      }
      return idOf(
        await tx`select usher.save_directory_group(${token}, ${id}, ${tx.json(facts)}) as id`,
      )
    },
    async deleteGroup(id) {
      await tx`select usher.delete_directory_group(${token}, ${id})`
    },
  }
}

const SECRETS = new Set(['authorization', 'apikey', 'cookie'])

const idOf = ([row]: postgres.RowList<postgres.Row[]>) => row?.id as string
