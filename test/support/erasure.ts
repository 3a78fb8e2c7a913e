/**
 * Somebody to be forgotten, and every place where they may still stand.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import type { Organisation } from './acme.ts'
import type { Person } from './people.ts'

/** Somebody whose address and name stand nowhere by chance. */
export function somebody() {
  const tag = randomUUID().slice(0, 8)
  const email = `zephyrine-${tag}@planted.test`
  const name = `Zephyrine Quill${tag}`
  return {
    email,
    name,
    sentence: `Ask ${name} <${email}> about it.`,
    plain: `Ask ${name} about it.`,
  }
}

export type Somebody = ReturnType<typeof somebody>

interface Column {
  schema: string
  table: string
  column: string
  type: string
  isOfOrganisation: boolean
}

/** Every column of a table in public or usher that can hold a text. */
export const textColumns = (sql: postgres.Sql) =>
  sql<
    Column[]
  >`select n.nspname as schema, c.relname as table, a.attname as column, format_type(a.atttypid, null) as type,
      exists (select from pg_attribute o where o.attrelid = c.oid and o.attname = 'organisation_id') as "isOfOrganisation"
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    where c.relkind in ('r', 'p') and n.nspname in ('public', 'usher')
      and (t.typcategory in ('S', 'U') or t.typtype = 'd' or format_type(a.atttypid, null) like '%[]')
      and a.atttypid not in ('uuid'::regtype, 'bytea'::regtype)
    order by 1, 2, 3`

const placeOf = ({ schema, table, column }: Column) => `${schema}.${table}.${column}`

/** Where a text stands, in whatever case, also of letters that the C locale does not know. */
export async function placesOf(sql: postgres.Sql, text: string): Promise<string[]> {
  const found: string[] = []
  for (const each of await textColumns(sql)) {
    const [row] = await sql`select exists (
      select from ${sql(`${each.schema}.${each.table}`)}
      where position(lower(${text} collate "und-x-icu") in lower(${sql(each.column)}::text collate "und-x-icu")) > 0) as is`
    if (row?.is) found.push(placeOf(each))
  }
  return found
}

export const erase = ({ sql }: Organisation, { userId }: Person) =>
  sql`select usher.erase_person(${userId})`
