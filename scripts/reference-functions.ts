/**
 * The functions of the reference: signature, parameters, and what the comment says of them.
 *
 * @module
 */
import type postgres from 'postgres'
import { cell, code, prose } from './reference-text.ts'

/** Stands for a new line within a cell, until everything else of HTML has been escaped. */
const BREAK = '\u2028'

interface Parameter {
  name: string
  type: string
  default: string | null
}

export interface FunctionEntry {
  schema: string
  name: string
  parameters: Parameter[]
  returns: string
  comment: string
  /** Roles of the API that may call it. */
  callers: string[]
}

/** All of `public`, and those of `usher` whose comment says that they are for operators or for policies. */
export async function readFunctions(sql: postgres.Sql): Promise<FunctionEntry[]> {
  return sql<FunctionEntry[]>`
    select n.nspname as schema, p.proname as name, obj_description(p.oid, 'pg_proc') as comment,
      pg_get_function_result(p.oid) as returns,
      coalesce((
        select json_agg(json_build_object(
          'name', a.name,
          'type', format_type(p.proargtypes[a.n - 1], null),
          'default', pg_get_function_arg_default(p.oid, a.n::int)) order by a.n)
        from unnest(p.proargnames) with ordinality a (name, n) where a.n <= p.pronargs
      ), '[]') as parameters,
      array(select r.name from unnest(array['anon', 'authenticated', 'service_role']) r (name)
        where has_function_privilege(r.name, p.oid, 'execute')) as callers
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'public' and p.proname ~ 'organisation'
      or n.nspname = 'usher' and obj_description(p.oid, 'pg_proc') ~* '\\mfor (operators|policies)\\M'
    order by n.nspname, p.proname`
}

export function describeFunction(entry: FunctionEntry): string {
  const { schema, name, parameters, returns, comment, callers } = entry
  const { text, meanings } = readComment(comment, parameters)
  const signature = parameters.map((each) => `${each.name}${each.default ? '?' : ''}`).join(', ')
  const rows = parameters.map(
    (each) =>
      `| ${code(each.name)} | ${code(each.type)} | ${each.default ? code(each.default) : ''} | ${cell(meanings.get(each.name) ?? '').replaceAll(BREAK, '<br>')} |`,
  )
  return [
    `### ${schema === 'public' ? name : `${schema}.${name}`}`,
    `${code(`${name}(${signature})`)} → ${code(returns)}${callers.length > 0 ? ` · ${callersOf(callers)}` : ''}`,
    prose(text),
    ...(rows.length > 0
      ? [['| parameter | type | default | |', '| --- | --- | --- | --- |', ...rows].join('\n')]
      : []),
  ].join('\n\n')
}

function callersOf(callers: string[]): string {
  if (callers.includes('anon')) return 'anyone'
  return callers.includes('authenticated') ? 'signed in' : 'the service key'
}

/**
 * A comment tells of parameters in lines of their own, two spaces in: `  reason  at most 500 characters`, and
 * goes on where it is further in.
 */
function readComment(comment: string, parameters: Parameter[]) {
  const meanings = new Map<string, string>()
  const rest: string[] = []
  let current: string | null = null
  for (const line of comment.split('\n')) {
    const [, name = '', meaning = ''] = line.match(/^ {2}(\w+)(?: +(.*))?$/) ?? []
    if (parameters.some((each) => each.name === name)) {
      current = name
      meanings.set(name, meaning)
    } else if (current && /^ {4,}\S/.test(line)) {
      meanings.set(current, `${meanings.get(current)}${continued(line)}`)
    } else {
      current = null
      rest.push(line.trimEnd())
    }
  }
  return {
    text: rest
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim(),
    meanings,
  }
}

/** What goes on, or, where it is set out as `name   meaning`, one more of several things. */
function continued(line: string): string {
  const [, name, meaning] = line.match(/^ +(\w+) {2,}(\S.*)$/) ?? []
  return name ? `${BREAK}\`${name}\`: ${meaning}` : ` ${line.trim()}`
}
