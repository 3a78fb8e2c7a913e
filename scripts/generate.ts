/**
 * Writes what is derived. From a database that is built from the migrations and thrown away: under
 * `client/generated/`, the `Database` types, the unions of error codes, built-in roles and permissions, the
 * placeholders of mails, the events of webhooks, and the grants that `usher doctor` expects; for the REST function
 * `functions/api/refusals.ts`; from the comments, `docs/reference.md` and
 * `docs/triggers.md`. From the permission matrix, `docs/permissions.md`; from the REST function's table of operations, `docs/openapi.json`; from the GraphQL
 * function, `docs/schema.graphql`.
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
import { lexicographicSortSchema, printSchema } from 'graphql'
import { readGrants } from '../client/cli/doctor/read-grants.ts'
import { schema } from '../functions/graphql/schema.ts'
import { startPostgres } from '../supabase/local/database.ts'
import { applyMigrations } from '../supabase/local/migrations.ts'
import { preparePlatform } from '../supabase/local/platform.ts'
import { freePort } from '../supabase/local/ports.ts'
import { permissionsPage } from '../test/support/permission-matrix.ts'
import { referencePage } from './reference.ts'
import { withDatabase } from './schema.ts'
import { triggersPage } from './triggers-page.ts'

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
  const placeholders = 'client/generated/mail-placeholders.ts'
  const webhookEvents = 'client/generated/webhook-event-types.ts'
  const grants = 'client/generated/grants.ts'
  const refusals = 'functions/api/refusals.ts'
  const openApi = 'docs/openapi.json'
  const graphql = 'docs/schema.graphql'
  await put(types, await format(types, HEADER + (await databaseTypes(server.url))))
  await put(codes, await format(codes, HEADER + (await errorCodes(server.url))))
  await put(roles, await format(roles, HEADER + (await rolesAndPermissions(server.url))))
  await put(placeholders, await format(placeholders, HEADER + (await mailPlaceholders(server.url))))
  await put(
    webhookEvents,
    await format(webhookEvents, HEADER + (await webhookEventTypes(server.url))),
  )
  await put(grants, await format(grants, HEADER + (await grantList(server.url))))
  await put(refusals, await format(refusals, HEADER + (await refusalList(server.url))))
  await put('docs/permissions.md', permissionsPage())
  await put('docs/reference.md', await withDatabase(server.url, referencePage))
  await put('docs/triggers.md', await withDatabase(server.url, triggersPage))
  await put(graphql, await format(graphql, printSchema(lexicographicSortSchema(schema))))
  // It is made of the refusals, among others, which are fresh only now.
  const { openApiDocument } = await import('../functions/api/openapi.ts')
  await put(openApi, await format(openApi, JSON.stringify(openApiDocument())))
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

async function put(file: string, text: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '')
  if (before === text) return
  if (process.argv.includes('--check')) {
    console.error(`${file} is out of date. Run: npm run generate`)
    process.exitCode = 1
  } else {
    await writeFile(file, text)
    console.log(`Wrote ${file}`)
  }
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

async function mailPlaceholders(url: string): Promise<string> {
  const rows = await withDatabase(
    url,
    (sql) => sql`select kind, placeholders from usher.mail_kinds()`,
  )
  const entries = rows.map(({ kind, placeholders }) => `${kind}: ${JSON.stringify(placeholders)},`)
  return `/** What a template may name, as \`{{organisation}}\`, by the kind of mail. */
export const MAIL_PLACEHOLDERS = {
  ${entries.join('\n  ')}
} as const
`
}

async function webhookEventTypes(url: string): Promise<string> {
  const rows = await withDatabase(
    url,
    (sql) => sql`select t from unnest(usher.webhook_event_types()) t order by t`,
  )
  return `/** What a webhook can hear, in the words of the audit trail. */
export const WEBHOOK_EVENT_TYPES = ${JSON.stringify(rows.map(({ t }) => t))} as const

export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number]
`
}

async function grantList(url: string): Promise<string> {
  const grants = await withDatabase(url, readGrants)
  return `/** Each table and function, with who may do what; how a project's database has to look. */
export const GRANTS: Record<string, string[]> = ${JSON.stringify(grants)}
`
}

async function refusalList(url: string): Promise<string> {
  const rows = await withDatabase(
    url,
    (sql) => sql`select code, status, message, hint from usher.errors() order by status, code`,
  )
  const entries = rows.map(
    ({ code, status, message, hint }) =>
      `${code}: { status: ${status}, title: ${JSON.stringify(message)}, hint: ${JSON.stringify(hint)} },`,
  )
  return `/**
 * What the database may refuse with: the status, what is wrong, and what to do about it.
 *
 * @module
 */
export const REFUSALS = {
  ${entries.join('\n  ')}
} as const

export type RefusalCode = keyof typeof REFUSALS
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
