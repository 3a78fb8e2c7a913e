/**
 * The two ways to a database, and the difference between them: `sql/` says how it looks now,
 * `supabase/migrations/` how it got there.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { columnCommentDifferences } from './column-comments.ts'
import { SQL_FOLDER, sqlFiles } from './sql-files.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))

interface ReferenceTable {
  name: string
  key: string[]
  /** Its rows are the operator's once they are there: they are added, never changed. */
  isOperators?: true
}

/** Tables whose rows are part of the schema: the migration brings them along. */
const REFERENCE_TABLES: ReferenceTable[] = [
  { name: 'usher.settings', key: ['is_only_row'], isOperators: true },
  { name: 'usher.permissions', key: ['name'] },
  { name: 'public.organisation_roles', key: ['id'] },
  { name: 'usher.role_assigners', key: ['assigner', 'role'] },
]

/** Connects for a few statements, and closes whatever happens. */
export async function withDatabase<T>(url: string, work: (sql: postgres.Sql) => Promise<T>) {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

/** Loads `sql/` into a database that looks like an empty Supabase project. */
export async function loadPresentState(url: string): Promise<void> {
  await withDatabase(url, async (sql) => {
    for (const file of sqlFiles()) {
      const text = await readFile(join(SQL_FOLDER, file), 'utf8')
      await sql.unsafe(text).catch((cause: unknown) => {
        throw new Error(`sql/${file}: ${cause instanceof Error ? cause.message : cause}`, { cause })
      })
    }
  })
}

/**
 * What has to be done to the first database so that it equals the second.
 *
 * @returns the statements, in order, without semicolons; none when the two agree
 */
export async function differences(fromUrl: string, toUrl: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-plan-'))
  try {
    const plan = join(folder, 'plan.json')
    const pgdelta = join(root, 'node_modules/.bin/pgdelta')
    await run(pgdelta, ['plan', '--source', fromUrl, '--desired', toUrl, '--out', plan])
    const { actions } = JSON.parse(await readFile(plan, 'utf8')) as { actions: { sql: string }[] }
    const statements = actions.map(({ sql }) => sql.trim().replace(/;$/, '')).filter(isPortable)
    return [
      ...statements,
      ...(await columnCommentDifferences(fromUrl, toUrl)),
      ...(await rowDifferences(fromUrl, toUrl)),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/**
 * Whoever creates an object owns it and holds all rights on it. To say so again is noise, and an
 * error where the names differ: MAINTAIN is unknown to Postgres 15, and a project may not call its
 * administrator postgres.
 */
function isPortable(statement: string): boolean {
  return !(
    // Where the Supabase CLI notes what it has applied: its own, not part of any schema.
    statement.includes('"supabase_migrations"') ||
    /^(GRANT|REVOKE) .* (TO|FROM) "postgres"$/s.test(statement) ||
    /^ALTER .* OWNER TO "postgres"$/s.test(statement)
  )
}

type Row = Record<string, unknown>

async function rowDifferences(fromUrl: string, toUrl: string): Promise<string[]> {
  const statements: string[] = []
  for (const table of REFERENCE_TABLES) {
    const [from, to] = await Promise.all([readRows(fromUrl, table), readRows(toUrl, table)])
    for (const [key, row] of to) {
      const record = `jsonb_populate_record(null::${table.name}, ${quote(JSON.stringify(row))})`
      const before = from.get(key)
      if (!before) {
        // What the registry of an application holds already stays as it is.
        statements.push(
          `insert into ${table.name}\nselect * from ${record}\non conflict do nothing`,
        )
        continue
      }
      // A column that is new gets its default from the statement that adds it.
      const changed = Object.keys(before).filter(
        (column) => column in row && canonical(before[column]) !== canonical(row[column]),
      )
      if (changed.length === 0 || table.isOperators) continue
      const assignments = changed
        .map((column) => `${column} = ${newValue(column, before[column], row[column])}`)
        .join(', ')
      statements.push(`update ${table.name} t\nset ${assignments}\nfrom ${record} r\nwhere ${key}`)
    }
    for (const key of from.keys()) {
      if (!to.has(key)) statements.push(`delete from ${table.name} t where ${key}`)
    }
  }
  return statements
}

/** A list of names is a set. */
function canonical(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value)
}

/** Of a set, only what is new or gone changes: an application may have added to it (`usher.create_permission`). */
function newValue(column: string, before: unknown, after: unknown): string {
  if (!Array.isArray(before) || !Array.isArray(after)) return `r.${column}`
  const array = (names: unknown[]) => quote(`{${names.map((name) => JSON.stringify(name)).join()}}`)
  const added = after.filter((name) => !before.includes(name))
  const gone = before.filter((name) => !after.includes(name))
  const kept = `select n from unnest(t.${column}) n where n <> all (${array([...added, ...gone])})`
  return `array(${kept}) || ${array(added)}::text[]`
}

/** Rows by a condition that names their key. Empty while the table does not exist. */
async function readRows(url: string, table: ReferenceTable): Promise<Map<string, Row>> {
  return withDatabase(url, async (sql) => {
    const [found] = await sql`select to_regclass(${table.name}) is not null as exists`
    if (!found?.exists) return new Map()
    const condition = table.key
      .map((column) => `'t.${column} = ' || quote_literal(t.${column})`)
      .join(` || ' and ' || `)
    const rows = await sql.unsafe<{ key: string; row: Row }[]>(
      `select ${condition} as key, to_jsonb(t) as row from ${table.name} t order by 1`,
    )
    return new Map(rows.map(({ key, row }) => [key, row]))
  })
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
