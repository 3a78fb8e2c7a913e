/**
 * `docs/triggers.md`: what happens by itself when a membership or an account changes, in the order in which Postgres
 * carries it out.
 *
 * @module
 */
import type postgres from 'postgres'
import { cell, code } from './reference-text.ts'
import { readSql } from './sql-calls.ts'

const TABLES = ['public.organisation_members', 'auth.users']

/** Triggers of the same moment fire in the order of their names: 40.1 of the manual of Postgres. */
export async function triggersPage(sql: postgres.Sql): Promise<string> {
  const subjects = await readSql()
  const parts = await Promise.all(
    TABLES.map(async (table) => {
      const rows = await sql`
        select t.tgname as name, t.tgfoid::regproc::text as function,
          (t.tgtype & 2) > 0 as is_before,
          array_to_string(array_remove(array[
            case when (t.tgtype & 4) > 0 then 'insert' end,
            case when (t.tgtype & 16) > 0 then 'update' || coalesce((
              select ' of ' || string_agg(a.attname, ', ' order by k.n)
              from unnest(t.tgattr) with ordinality k (attnum, n)
              join pg_attribute a on a.attrelid = t.tgrelid and a.attnum = k.attnum), '') end,
            case when (t.tgtype & 8) > 0 then 'delete' end], null), ', ') as events,
          obj_description(t.tgfoid, 'pg_proc') as does
        from pg_trigger t
        where t.tgrelid = ${table}::regclass and not t.tgisinternal and t.tgname like 'usher%'
        order by (t.tgtype & 2) = 0, t.tgname`
      const lines = rows.map(
        ({ name, function: of, is_before, events, does }) =>
          `| ${is_before ? 'before' : 'after'} ${events} | ${code(name)} | ${cell(does)} | ${code(
            `sql/${subjects.get(of)?.file}`,
          )} |`,
      )
      return `## ${table}

| when | trigger | does | in |
| ---- | ------- | ---- | -- |
${lines.join('\n')}
`
    }),
  )
  return `# Triggers

What happens by itself when a membership or an account changes, in the order in which it happens: first all that fires
before the change, then all that fires after it, each by name. Some fire only under a condition, which stands at the
trigger. One that a later file of [\`sql/\`](../sql/README.md) attaches to a table of ours fires once the change
is made, and does not refuse it.

Generated from the database by \`npm run generate\`.

${parts.join('\n')}`
}
