/**
 * What the files of `sql/` call of each other. The catalogue does not know: bodies of functions are text to it. So
 * they are read by Postgres's own scanner and parser.
 *
 *   npm run calls -- public.accept_organisation_invite    all that a reader opens to believe it
 *
 * A call is: a function, a relation or a type of ours that is named in a body or signature, and each trigger that
 * fires on what a body writes, or on what a foreign key deletes or empties with it. Functions are told apart by name, not by arguments. What is named in a text (`execute`,
 * `regprocedure`) is not seen as a call: `Subject.dynamic` lists it.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadModule, parsePlPgSQLSync, parseSync, scanSync } from 'libpg-query'
import { SQL_FOLDER, sqlFiles } from './sql-files.ts'

/** Something that a file makes: a function, a relation, a type. */
export interface Subject {
  /** With its schema: `usher.accept_invite`. */
  name: string
  kind: 'function' | 'relation' | 'type'
  /** Under `sql/`; null for what Supabase brings, such as `auth.users`. */
  file: string | null
  /** Names of what it calls, of ours. */
  calls: Set<string>
  /** What it carries out or finds by a text: `execute`, or the name that stands in a text. */
  dynamic: string[]
  /** Those of calls that are triggers on what a foreign key deletes or empties with what it deletes. */
  cascades: Set<string>
  /** Tables that a function writes, with their schema. */
  writes: Set<string>
  /** Whether it raises an error of its own. */
  raises: boolean
  /** Of a relation: what hears of each change. */
  triggers: Trigger[]
}

export interface Trigger {
  name: string
  table: string
  function: string
  file: string
  timing: 'before' | 'after'
  events: Event[]
}

type Event = 'insert' | 'delete' | 'update'
type Node = Record<string, unknown>

/** As Postgres's `elog.h` has it. */
const ERROR = 21

/** As Postgres's `pg_trigger.h` has them. */
const BEFORE = 2
const EVENTS: Record<Event, number> = { insert: 4, delete: 8, update: 16 }

/** Each node below one, itself included, with the name under which it stands. */
function* nodesOf(value: unknown, key = ''): Generator<[string, Node]> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item, key)
  else if (typeof value === 'object' && value !== null) {
    yield [key, value as Node]
    for (const [below, child] of Object.entries(value)) yield* nodesOf(child, below)
  }
}

const words = (names: unknown) =>
  (names as { String: { sval: string } }[]).map((name) => name.String.sval).join('.')
const relation = (node: unknown) => `${(node as Node).schemaname ?? ''}.${(node as Node).relname}`

/** Each `schema.name` of a text, outside its comments and strings. */
function namesIn(text: string): string[] {
  const { tokens } = scanSync(text)
  return tokens.flatMap(({ text: schema }, at) =>
    tokens[at + 1]?.text === '.' && tokens[at - 1]?.text !== '.'
      ? [`${schema}.${tokens[at + 2]?.text}`]
      : [],
  )
}

/** A statement or an expression of plpgsql, which does not say which of them a text is. */
function parseQuery(query: string): unknown {
  for (const text of [query, `select ${query}`, `select ${query.replace(/^[^=]*?:?=/, '')}`]) {
    try {
      return parseSync(text)
    } catch {
      // The next reading.
    }
  }
  throw new Error(`cannot be parsed: ${query}`)
}

function bodyOf(statement: Node): { language: string; text: string } {
  const options = (statement.options as { DefElem: Node }[]).map(({ DefElem }) => DefElem)
  const optionOf = (name: string) => options.find(({ defname }) => defname === name)?.arg
  const [language, body] = ['language', 'as'].map((name) =>
    [...nodesOf(optionOf(name))]
      .map(([, node]) => node.sval)
      .find((text) => typeof text === 'string'),
  )
  return { language: String(language), text: String(body) }
}

/** What a function writes, and what it does by a text. */
function deedsOf(source: string, statement: Node) {
  const { language, text } = bodyOf(statement)
  const parts = language === 'plpgsql' ? [...nodesOf(parsePlPgSQLSync(source))] : []
  const trees =
    language === 'plpgsql'
      ? parts.flatMap(([key, node]) =>
          key === 'PLpgSQL_expr' ? [parseQuery(node.query as string)] : [],
        )
      : [parseSync(text)]
  const writes: { table: string; event: Event }[] = []
  const dynamic = parts.flatMap(([key]) => (key.startsWith('PLpgSQL_stmt_dyn') ? ['execute'] : []))
  for (const [key, node] of nodesOf(trees)) {
    const [, verb] = /^(Insert|Update|Delete)Stmt$/.exec(key) ?? []
    if (verb) {
      const table = relation(node.relation)
      writes.push({ table, event: verb.toLowerCase() as Event })
      const conflict = node.onConflictClause as Node | undefined
      if (conflict?.action === 'ONCONFLICT_UPDATE') writes.push({ table, event: 'update' })
    }
    if (key === 'sval' && /^(usher|public)\.[a-z_]+/.test(String(node.sval)))
      dynamic.push(String(node.sval))
  }
  const raises = parts.some(
    ([key, node]) => key === 'PLpgSQL_stmt_raise' && Number(node.elog_level) >= ERROR,
  )
  return { writes, dynamic, raises }
}

interface Cascade {
  table: string
  event: Event
}

/** By a table, what a foreign key does to others when a row of it is deleted. `pg_constraint.h` has c and n. */
function* cascadesOf(node: Node): Generator<[string, Cascade]> {
  const table = relation(node.relation)
  for (const [key, constraint] of nodesOf(node.tableElts)) {
    const event = { c: 'delete', n: 'update' }[String(constraint.fk_del_action)] as
      | Event
      | undefined
    if (key === 'Constraint' && constraint.contype === 'CONSTR_FOREIGN' && event)
      yield [relation(constraint.pktable), { table, event }]
  }
}

/** Reads `sql/`: what each file makes, in load order, and what that calls. */
export async function readSql(): Promise<Map<string, Subject>> {
  await loadModule()
  const subjects = new Map<string, Subject>()
  const cascades = new Map<string, Cascade[]>()
  const written = new Map<Subject, { table: string; event: Event }[]>()
  const define = (name: string, kind: Subject['kind'], file: string | null) => {
    const subject: Subject = subjects.get(name) ?? {
      ...{ name, kind, file, dynamic: [], raises: false, triggers: [] },
      ...{ calls: new Set(), cascades: new Set(), writes: new Set() },
    }
    subjects.set(name, subject)
    return subject
  }

  for (const file of sqlFiles()) {
    for (const { source, kind, node } of statementsOf(file)) {
      if (kind === 'CreateStmt') {
        define(relation(node.relation), 'relation', file)
        for (const [parent, cascade] of cascadesOf(node))
          cascades.set(parent, [...(cascades.get(parent) ?? []), cascade])
      }
      if (kind === 'CompositeTypeStmt') define(relation(node.typevar), 'type', file)
      if (kind === 'ViewStmt') {
        const view = define(relation(node.view), 'relation', file)
        for (const name of namesIn(source)) view.calls.add(name)
      }
      if (kind === 'CreateFunctionStmt') {
        const made = define(words(node.funcname), 'function', file)
        for (const text of [source, bodyOf(node).text])
          for (const name of namesIn(text)) made.calls.add(name)
        const { writes, dynamic, raises } = deedsOf(source, node)
        for (const { table } of writes) made.writes.add(table)
        made.raises ||= raises
        written.set(made, [...(written.get(made) ?? []), ...writes])
        made.dynamic.push(...dynamic)
      }
      if (kind === 'CreateTrigStmt') {
        const table = relation(node.relation)
        define(table, 'relation', null).triggers.push({
          name: String(node.trigname),
          table,
          function: words(node.funcname),
          file,
          timing: Number(node.timing ?? 0) & BEFORE ? 'before' : 'after',
          events: (Object.keys(EVENTS) as Event[]).filter(
            (event) => Number(node.events) & EVENTS[event],
          ),
        })
      }
    }
  }

  const fire = (subject: Subject, table: string, event: Event, seen = new Set<string>()): void => {
    if (seen.has(`${event} ${table}`)) return
    seen.add(`${event} ${table}`)
    for (const trigger of subjects.get(table)?.triggers ?? [])
      if (trigger.events.includes(event)) {
        subject.calls.add(trigger.function)
        if (seen.size > 1) subject.cascades.add(trigger.function)
      }
    for (const next of event === 'delete' ? (cascades.get(table) ?? []) : [])
      fire(subject, next.table, next.event, seen)
  }
  for (const subject of subjects.values()) {
    for (const { table, event } of written.get(subject) ?? []) fire(subject, table, event)
    subject.dynamic = subject.dynamic.filter(
      (text) => text === 'execute' || subjects.has(/^\w+\.\w+/.exec(text)?.[0] ?? ''),
    )
    for (const name of subject.calls)
      if (!subjects.has(name) || name === subject.name) subject.calls.delete(name)
  }
  return subjects
}

/** The statements of a file, parsed, with their text. */
function statementsOf(file: string): { source: string; kind: string; node: Node }[] {
  const bytes = readFileSync(join(SQL_FOLDER, file))
  const { stmts } = parseSync(bytes.toString('utf8')) as unknown as {
    stmts: { stmt: Record<string, Node>; stmt_location?: number; stmt_len?: number }[]
  }
  return stmts.map(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    const [[kind, node] = ['', {}]] = Object.entries(stmt)
    const source = bytes.subarray(start, length ? start + length : undefined).toString('utf8')
    return { source, kind, node }
  })
}

/** All that is reached from a function: what a reader opens to believe it. */
export function chainOf(subjects: Map<string, Subject>, start: string): Subject[] {
  const seen = new Set<string>()
  const visit = (name: string): Subject[] => {
    const subject = subjects.get(name)
    if (!subject || seen.has(name)) return []
    seen.add(name)
    return [subject, ...[...subject.calls].flatMap(visit)]
  }
  return visit(start)
}
