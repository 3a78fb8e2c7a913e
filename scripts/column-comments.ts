/**
 * Comments on columns of views and of types, which pg-delta does not compare.
 *
 * @module
 */
import { withDatabase } from './schema.ts'

/** @returns the statements that give the first database the comments of the second */
export async function columnCommentDifferences(fromUrl: string, toUrl: string): Promise<string[]> {
  const [from, to] = await Promise.all([readComments(fromUrl), readComments(toUrl)])
  return [...to]
    .filter(([column, comment]) => from.get(column) !== comment)
    .map(([column, comment]) => `comment on column ${column} is ${comment}`)
}

/** By the name of the column, as literals; `null` where there is none. */
async function readComments(url: string): Promise<Map<string, string>> {
  return withDatabase(url, async (sql) => {
    const rows = await sql<{ column: string; comment: string }[]>`
      select format('%I.%I.%I', c.relnamespace::regnamespace, c.relname, a.attname) as column,
        quote_nullable(col_description(c.oid, a.attnum)) as comment
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace::regnamespace::text in ('public', 'usher') and c.relkind in ('v', 'c')
      order by c.relnamespace::regnamespace::text, c.relname, a.attnum`
    return new Map(rows.map(({ column, comment }) => [column, comment]))
  })
}
