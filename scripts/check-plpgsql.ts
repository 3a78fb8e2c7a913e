/**
 * Lets plpgsql_check read every plpgsql function of ours as it would run: names of tables and columns that are not
 * there, types that do not fit, variables that nobody reads, and what may be called stable and is not.
 *
 *   npm run check:plpgsql
 *
 * It takes Postgres 15 with the extension from Debian's packages, which npm has not, and says so when they are
 * missing. The cluster is its own and gone afterwards; root runs it as the user postgres. Not part of `npm test`.
 *
 * @module
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import type postgres from 'postgres'
import { applyMigrations } from '../supabase/local/migrations.ts'
import { preparePlatform } from '../supabase/local/platform.ts'
import { freePort } from '../supabase/local/ports.ts'
import { SSO_DOMAINS, VAULT } from '../test/support/stand-ins.ts'
import { withDatabase } from './schema.ts'

const run = promisify(execFile)
/** Where Debian and Ubuntu put them; elsewhere the two variables say so. */
const bin = process.env.USHER_POSTGRES_BIN ?? '/usr/lib/postgresql/15/bin'
const control =
  process.env.USHER_PLPGSQL_CHECK ?? '/usr/share/postgresql/15/extension/plpgsql_check.control'

/** What it says of these is known, and right as it is: function, message, and why. */
const KNOWN: [RegExp, RegExp, string][] = [
  [
    /^usher\.(add_member|create_role)\(/,
    /^control reached end of function without RETURN$/,
    'usher.fail never returns, which it cannot know.',
  ],
  [
    /^usher\.call_function_once\(/,
    /^text type variable is not sanitized$/,
    'usher.call_statement makes the statement of names out of the catalog, quoted by format.',
  ],
  [
    /^usher\.call_statement\(/,
    /^text type variable is not sanitized$/,
    'It makes the statement of names out of the catalog, quoted by format.',
  ],
  [
    /^usher\.redact_everywhere\(/,
    /^text type variable is not sanitized$/,
    'Tables and columns out of the catalog, quoted by format.',
  ],
  [
    /^usher\.require_room\(/,
    /^text type variable is not sanitized$/,
    'Table and condition are constants of usher.tenant_limits.',
  ],
  [
    /^usher\.reveal_invite_link\(/,
    /^never read variable "v_key_id"$/,
    'It is there so that the key comes before the invite: see its comment.',
  ],
  [
    /^usher\.\w+_of\(uuid,uuid\[\],integer\)$/,
    /^unused parameter "(organisation_id|ids|batch_size)"$/,
    'A step of upkeep has the parameters that all have.',
  ],
]

interface Finding {
  function: string
  lineno: number | null
  level: string
  sqlstate: string
  message: string
  detail: string | null
  hint: string | null
}

for (const file of [join(bin, 'initdb'), join(bin, 'postgres'), control]) {
  if (existsSync(file)) continue
  console.error(
    `${file} is not there. plpgsql_check comes with Debian and Ubuntu:\n` +
      '  sudo apt-get install postgresql-15 postgresql-15-plpgsql-check\n' +
      'Elsewhere, USHER_POSTGRES_BIN names the folder with initdb and postgres, and USHER_PLPGSQL_CHECK the file ' +
      'plpgsql_check.control.',
  )
  process.exit(2)
}

const folder = await mkdtemp(join(tmpdir(), 'usher-plpgsql-'))
try {
  const { url, stop } = await startCluster()
  try {
    await preparePlatform(url)
    await applyMigrations(url)
    await withDatabase(url, (sql) => sql.unsafe(VAULT + SSO_DOMAINS))
    const { functions, findings } = await withDatabase(url, check)
    for (const { lineno, level, message, detail, hint, ...found } of findings) {
      const where = lineno ? `${found.function}, line ${lineno}` : found.function
      console.error([`${level}: ${where}: ${message}`, detail, hint].filter(Boolean).join('\n    '))
    }
    if (functions === 0) throw new Error('There was no function to be checked.')
    console.log(
      `plpgsql_check read ${functions} functions and found ${findings.length || 'nothing'}.`,
    )
    process.exitCode = findings.length > 0 ? 1 : 0
  } finally {
    await stop()
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** A cluster for this run, on a port of its own, which takes nobody without a password that nobody knows. */
async function startCluster(): Promise<{ url: string; stop(): Promise<void> }> {
  const password = crypto.randomUUID()
  const port = await freePort()
  const secret = join(folder, 'password')
  await writeFile(secret, password, { mode: 0o600 })
  // Postgres refuses to be root.
  const user = process.getuid?.() === 0 ? await idsOf('postgres') : null
  if (user) {
    await chown(secret, user.uid, user.gid)
    await chown(folder, user.uid, user.gid)
  }
  await chmod(folder, 0o700)
  const data = join(folder, 'data')
  await run(
    join(bin, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${secret}`,
      '-E',
      'UTF8',
    ].concat('--locale=C', '--no-sync'),
    { ...user, cwd: folder },
  )
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'].concat(
      '-c',
      'unix_socket_directories=',
    ),
    { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  server.stderr.on('data', (lines) => {
    said += lines
  })
  const ended = once(server, 'exit')
  for (let tries = 0; !said.includes('ready to accept connections'); tries += 1) {
    if (server.exitCode !== null || tries > 600) {
      server.kill('SIGQUIT')
      throw new Error(`Postgres did not start: ${said}`)
    }
    await wait(100)
  }
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      server.kill('SIGINT')
      await ended
    },
  }
}

async function idsOf(name: string): Promise<{ uid: number; gid: number }> {
  const id = async (flag: string) => Number((await run('id', [flag, name])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

async function check(sql: postgres.Sql): Promise<{ functions: number; findings: Finding[] }> {
  await sql`create extension plpgsql_check`
  // A trigger's function is read once for each table that it stands on, with the rows that it sees there.
  const targets = await sql<
    { oid: number; relid: number; old: string | null; new: string | null }[]
  >`
    select distinct p.oid::integer, coalesce(t.tgrelid, 0)::integer as relid, t.tgoldtable as old, t.tgnewtable as new
    from pg_proc p
    join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
    left join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
    where p.pronamespace in ('usher'::regnamespace, 'public'::regnamespace)
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      and (p.prorettype <> 'trigger'::regtype or t.oid is not null)
    order by 1, 2`
  const findings: Finding[] = []
  for (const { oid, relid, old, new: fresh } of targets) {
    const found = await sql<Finding[]>`
      select ${oid}::regprocedure::text as function, lineno, level, sqlstate, message, detail, hint
      from plpgsql_check_function_tb(
        funcoid => ${oid}::regprocedure, relid => ${relid}::oid::regclass, fatal_errors => false,
        other_warnings => true, extra_warnings => true, performance_warnings => true, security_warnings => true,
        oldtable => ${old}, newtable => ${fresh})`
    findings.push(...found)
  }
  return {
    functions: new Set(targets.map(({ oid }) => oid)).size,
    findings: findings.filter(
      (found) =>
        !KNOWN.some(([name, message]) => name.test(found.function) && message.test(found.message)),
    ),
  }
}
