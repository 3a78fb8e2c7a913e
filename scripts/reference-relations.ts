/**
 * The tables and views of the reference, with their columns.
 *
 * @module
 */
import type postgres from 'postgres'
import { cell, code, prose } from './reference-text.ts'

interface Column {
  name: string
  type: string
  isRequired: boolean
  default: string | null
  comment: string | null
}

export interface RelationEntry {
  schema: string
  name: string
  comment: string
  /** Roles of the API that may read it, under row level security. */
  readers: string[]
  columns: Column[]
}

/** All of `public`, and of `usher` what operators are meant to read: the views, and the settings. */
export async function readRelations(sql: postgres.Sql): Promise<RelationEntry[]> {
  return sql<RelationEntry[]>`
    select n.nspname as schema, c.relname as name, obj_description(c.oid, 'pg_class') as comment,
      array(select r.name from unnest(array['anon', 'authenticated', 'service_role']) r (name)
        where has_any_column_privilege(r.name, c.oid, 'select')) as readers,
      (select json_agg(json_build_object(
          'name', a.attname,
          'type', format_type(a.atttypid, a.atttypmod),
          -- Of a view, nobody knows.
          'isRequired', a.attnotnull or c.relkind = 'v',
          'default', pg_get_expr(d.adbin, d.adrelid),
          'comment', col_description(c.oid, a.attnum)) order by a.attnum)
        from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v')
      and (n.nspname = 'public' and c.relname ~ 'organisation'
        or n.nspname = 'usher' and (c.relkind = 'v' or c.relname = 'settings'))
    order by n.nspname, c.relname`
}

export function describeRelation({
  schema,
  name,
  comment,
  readers,
  columns,
}: RelationEntry): string {
  const rows = columns.map(
    (each) =>
      `| ${code(each.name)} | ${code(each.type)}${each.isRequired ? '' : ', or null'} | ${each.default ? code(each.default) : ''} | ${cell(each.comment ?? '')} |`,
  )
  return [
    `### ${schema === 'public' ? name : `${schema}.${name}`}`,
    prose(comment),
    ...(readers.length > 0 ? [`Read by ${readers.map(code).join(', ')}.`] : []),
    ['| column | type | default | |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n')
}
