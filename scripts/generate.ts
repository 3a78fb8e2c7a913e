/**
 * Writes what is derived: from the database, under `client/generated/`, the `Database` types and the
 * unions of error codes, built-in roles and permissions (it is built from the migrations and thrown away); from the permission matrix,
 * `docs/permissions.md`.
 *
 *   npm run generate            writes
 *   npm run generate -- --check fails when something would change
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startPostgres } from '../supabase/local/database.ts'
import { applyMigrations } from '../supabase/local/migrations.ts'
import { preparePlatform } from '../supabase/local/platform.ts'
import { freePort } from '../supabase/local/ports.ts'
import { permissionsPage } from '../test/support/permission-matrix.ts'
import { withDatabase } from './schema.ts'

const run = promisify(execFile)
const HEADER = '// Generated from the database by npm run generate. Do not edit.\n'

const folder = await mkdtemp(join(tmpdir(), 'usher-generate-'))
const server = await startPostgres({ folder, port: await freePort(), durable: false })
try {
  await preparePlatform(server.url)
  await applyMigrations(server.url)
  const types = 'client/generated/database.types.ts'
  const codes = 'client/generated/error-codes.ts'
  const roles = 'client/generated/roles.ts'
  const files = {
    [types]: await format(types, HEADER + (await databaseTypes(server.url))),
    [codes]: await format(codes, HEADER + (await errorCodes(server.url))),
    [roles]: await format(roles, HEADER + (await rolesAndPermissions(server.url))),
    'docs/permissions.md': permissionsPage(),
  }
  for (const [file, text] of Object.entries(files)) {
    const before = await readFile(file, 'utf8').catch(() => '')
    if (before === text) continue
    if (process.argv.includes('--check')) {
      console.error(`${file} is out of date. Run: npm run generate`)
      process.exitCode = 1
    } else {
      await writeFile(file, text)
      console.log(`Wrote ${file}`)
    }
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

async function databaseTypes(url: string): Promise<string> {
  const { stdout } = await run(
    'supabase',
    ['gen', 'types', `--remote=${url}?sslmode=disable`, '--schema', 'public'],
    {
      env: { ...process.env, DO_NOT_TRACK: '1' },
    },
  )
  return stdout
}

async function errorCodes(url: string): Promise<string> {
  const rows = await withDatabase(
    url,
    (sql) => sql`select code, status, message from usher.errors() order by status, code`,
  )
  const members = rows.map(
    ({ code, status, message }) => `  /** ${status}: ${message} */\n  | '${code}'`,
  )
  return `/** Why a call can be refused; \`error.code\` is one of these. */\nexport type ErrorCode =\n${members.join('\n')}\n`
}

async function rolesAndPermissions(url: string): Promise<string> {
  const [roles, permissions] = await withDatabase(url, (sql) =>
    Promise.all([
      sql`select name, description from public.organisation_roles
        where organisation_id is null order by id`,
      sql`select name, description from usher.permissions order by name`,
    ]),
  )
  const union = (rows: Iterable<Record<string, string>>) =>
    [...rows].map(({ name, description }) => `  /** ${description} */\n  | '${name}'`).join('\n')
  return `/** The roles that every organisation has. */
export type BuiltInRole =
${union(roles)}

/** The name of a role: a built-in one, or an organisation's own. */
export type RoleName = BuiltInRole | (string & {})

/** What a role permits, as \`thing.action\`; an application may have added its own. */
export type Permission =
${union(permissions)}
  | (string & {})
`
}

/** As `npm run fix` would; the generated folder is left out of linting, not of tidiness. */
function format(file: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const biome = execFile(
      'biome',
      ['format', `--stdin-file-path=${file.replace('/generated/', '/')}`],
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    )
    biome.stdin?.end(text)
  })
}
