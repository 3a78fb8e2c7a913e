/**
 * `npx usher doctor` on the demo database: healthy, and with each fault planted.
 *
 * @module-tag long
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Finding } from '../../client/cli/doctor/finding.ts'
import { connect } from '../../functions/_shared/database.ts'
import { withDatabase } from '../../scripts/schema.ts'
import { type PostgresServer, startPostgres } from '../../supabase/local/database.ts'
import { applyMigrations, applySeed } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { parseDocument } from '../docs/documents.ts'
import { startDns } from '../support/dns.ts'
import { createProject, type TestProject, unpackedPackage } from '../support/package.ts'

let unpacked: string
let project: TestProject
let folder: string
let server: PostgresServer
let databases = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usher-doctor-'))
  unpacked = await unpackedPackage()
  project = await createProject(unpacked)
  await project.usher('init', '--yes')
  // A server of its own: faults of roles belong to the whole server, and other tests need theirs whole.
  server = await startPostgres({ folder, port: await freePort(), durable: false })
  await withDatabase(server.url, (sql) => sql.unsafe('create database healthy'))
  const url = urlOf('healthy')
  await preparePlatform(url)
  await applyMigrations(url)
  await applySeed(url)
  await withDatabase(url, (sql) => sql.unsafe(HEALTHY))
})

afterAll(async () => {
  await server?.stop()
  for (const each of [folder, project?.root, unpacked && dirname(unpacked)]) {
    if (each) await rm(each, { recursive: true, force: true })
  }
})

const urlOf = (database: string) => server.url.replace(/[^/]+$/, database)

/** What is not there on a bare Postgres stands in for pg_cron, with the columns that they have. */
const HEALTHY = `
  select usher.update_settings('{"site_url": "https://app.example.com",
    "functions_url": "https://project.supabase.test/functions/v1"}');
  alter role usher_worker login password 'a long random password';
  select usher.fan_out(10000);
  update public.organisation_deliveries set due_at = now() + interval '1 day' where status in ('queued', 'sending');
  update public.organisation_deliveries set status = 'cancelled' where status in ('failed', 'suppressed');
  select usher.seal_audit_trail();
  create schema cron;
  create table cron.job (jobid bigint, schedule text, command text, active boolean, jobname text);
  create table cron.job_run_details (jobid bigint, runid bigint, status text, return_message text, start_time timestamptz);
  insert into cron.job
  select i, '* * * * *', format('select net.http_post(url := %L)', 'https://project.supabase.test/functions/v1/' || name),
    true, 'usher-' || name
  from unnest('{send-mail,send-webhooks,sync-directories,verify-domains}'::text[]) with ordinality as job (name, i);
  insert into cron.job_run_details values (1, 1, 'succeeded', '1 row', now());`

/** The functions of a project, each answering this. */
async function startFunctions(answer: (path: string) => { status: number; text: string }) {
  const http = createServer((request, response) => {
    const { status, text } = answer(request.url ?? '')
    response.writeHead(status, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening))
  onTestFinished(() => new Promise<void>((closed) => http.close(() => closed())))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/functions/v1`
}

const ANSWERING = () => ({ status: 200, text: '{}' })

async function examine({
  plant = '',
  mend = '',
  args = [],
  answer = ANSWERING,
  connected,
}: {
  plant?: string
  mend?: string
  args?: string[]
  answer?: (path: string) => { status: number; text: string }
  /** Who else is connected meanwhile, as the worker's role. */
  connected?: (url: string) => postgres.Sql
} = {}) {
  const name = `patient_${++databases}`
  await withDatabase(server.url, (sql) => sql.unsafe(`create database ${name} template healthy`))
  const url = urlOf(name)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const other = connected?.(
    Object.assign(new URL(url), { username: 'usher_worker', password: 'a long random password' })
      .href,
  )
  try {
    await sql.unsafe(plant)
    if (other) await other`select`
    const { code, output } = await project.usher(
      'doctor',
      '--json',
      ...['--db-url', url],
      ...['--functions-url', await startFunctions(answer)],
      ...args,
    )
    const { findings } = JSON.parse(output) as { findings: Finding[] }
    return {
      code,
      findings,
      of: (level: string) => findings.filter((each) => each.level === level),
    }
  } finally {
    await sql.unsafe(mend)
    await sql.end()
    await other?.end()
  }
}

interface Fault {
  plant?: string
  /** What belongs to the whole server, and has to go back. */
  mend?: string
  args?: string[]
  answer?: (path: string) => { status: number; text: string }
  level?: 'error' | 'warning'
  check: string
  says: RegExp
  repair: RegExp
}

const VAULT = `create schema vault;
  create view vault.decrypted_secrets as select null::uuid as id, null::text as name, null::text as decrypted_secret where false;`

const FAULTS: Record<string, Fault> = {
  'a migration that was not applied': {
    plant: `delete from supabase_migrations.schema_migrations where version = (
      select max(version) from supabase_migrations.schema_migrations)`,
    check: 'migrations',
    says: /Not applied: \d+/,
    repair: /supabase db push/,
  },
  'a right to write': {
    plant: 'grant insert on public.organisations to authenticated',
    check: 'grants',
    says: /authenticated may insert table public\.organisations/,
    repair: /^revoke insert on table public\.organisations from authenticated/,
  },
  'a right to write one column': {
    plant: 'grant update (name) on public.organisations to anon',
    check: 'grants',
    says: /anon may update table public\.organisations/,
    repair: /^revoke update/,
  },
  'a right to read what is secret': {
    plant: 'grant select on usher.signing_keys to anon',
    check: 'grants',
    says: /anon may select table usher\.signing_keys/,
    repair: /^revoke select/,
  },
  'a function that everybody may call': {
    plant: 'grant execute on function usher.mint_invite_token to public',
    check: 'grants',
    says: /anon may execute function usher\.mint_invite_token/,
    repair:
      /^revoke execute on function usher\.mint_invite_token\(invite_id uuid, is_mailed boolean\) from anon, public;$/,
  },
  'a function that nobody may call any more': {
    plant: 'revoke execute on function public.accept_organisation_invite from authenticated',
    check: 'grants',
    says: /authenticated may not execute function public\.accept_organisation_invite/,
    repair:
      /^grant execute on function public\.accept_organisation_invite\(token text\) to authenticated;$/,
  },
  'a function that is gone': {
    plant: 'drop function public.leave_organisation',
    check: 'grants',
    says: /Not there: function public\.leave_organisation/,
    repair: /restore/,
  },
  'row level security switched off': {
    plant: 'alter table public.organisation_members disable row level security',
    check: 'row level security',
    says: /Off for table public\.organisation_members/,
    repair: /^alter table public\.organisation_members enable row level security;$/,
  },
  'the schema usher exposed': {
    plant: `do $$ begin execute format(
      'alter database %I set pgrst.db_schemas = %L', current_database(), 'public, usher'); end $$`,
    check: 'exposed schemas',
    says: /exposes usher/,
    repair: /Exposed schemas/,
  },
  'fewer rows than a page has': {
    plant: `do $$ begin execute format(
      'alter database %I set pgrst.db_max_rows = %L', current_database(), '100'); end $$`,
    check: 'rows of the API',
    says: /lets 100 rows through at once/,
    repair: /max_rows to 500 or more/,
  },
  'a trigger of the closed door that is off': {
    plant: 'alter table auth.users disable trigger usher_closed_door',
    check: 'auth hooks',
    says: /usher_closed_door/,
    repair: /enable trigger usher_closed_door/,
  },
  'a hook that Auth may not call': {
    plant: 'create role supabase_auth_admin',
    mend: 'drop role supabase_auth_admin',
    check: 'auth hooks',
    says: /may not call usher\.before_user_created/,
    repair: /grant execute on function usher\.before_user_created to supabase_auth_admin/,
  },
  'a hook that Auth may not call when it signs a token': {
    plant: 'create role supabase_auth_admin',
    mend: 'drop role supabase_auth_admin',
    check: 'auth hooks',
    says: /may not call usher\.custom_access_token_hook/,
    repair: /grant execute on function usher\.custom_access_token_hook to supabase_auth_admin/,
  },
  'a trigger that keeps tokens out of accounts and is off': {
    plant: 'alter table auth.users disable trigger usher_no_secrets',
    check: 'auth hooks',
    says: /usher_no_secrets/,
    repair: /enable trigger usher_no_secrets/,
  },
  'links that lead to nowhere': {
    plant: `update usher.settings set site_url = 'http://localhost:3000'`,
    check: 'settings',
    says: /still http:\/\/localhost:3000/,
    repair: /usher\.update_settings/,
  },
  'no address of the functions': {
    plant: 'update usher.settings set functions_url = null',
    level: 'warning',
    check: 'settings',
    says: /functions_url is not set.*button that stops them.*directory tokens/,
    repair: /usher\.update_settings/,
  },
  'keys that are all retired': {
    plant: 'select usher.ensure_signing_key(); update usher.signing_keys set retired_at = now()',
    check: 'signing key',
    says: /no link can be signed/,
    repair: /rotate_signing_key/,
  },
  'a key that is old': {
    plant: `select usher.ensure_signing_key();
      update usher.signing_keys set created_at = now() - interval '2 years' where retired_at is null`,
    level: 'warning',
    check: 'signing key',
    says: /more than a year/,
    repair: /rotate_signing_key/,
  },
  'a key in a table, where there is Vault': {
    plant: `select usher.ensure_signing_key(); ${VAULT}`,
    level: 'warning',
    check: 'signing key',
    says: /though this project has Vault/,
    repair: /rotate_signing_key/,
  },
  'a key that Vault has lost': {
    plant: `select usher.ensure_signing_key(); ${VAULT}
      update usher.signing_keys set secret = null, vault_secret_id = gen_random_uuid() where retired_at is null`,
    check: 'signing key',
    says: /should lie in Vault/,
    repair: /rotate_signing_key/,
  },
  'a webhook secret that Vault has lost': {
    plant: `${VAULT}
      with hook as (
        insert into public.organisation_webhooks (organisation_id, url)
        select id, 'https://example.com/hooks' from public.organisations limit 1
        returning id)
      insert into usher.webhook_secrets (webhook_id, vault_secret_id) select id, gen_random_uuid() from hook`,
    check: 'vault',
    says: /1 secrets that sign webhooks should lie in Vault/,
    repair: /rotate_organisation_webhook_secret/,
  },
  "an application's token that Vault has lost": {
    plant: `${VAULT}
      with endpoint as (
        insert into public.organisation_directory_endpoints (organisation_id, name, url, created_by)
        select id, 'Bakery', 'https://example.com/scim/v2', gen_random_uuid() from public.organisations limit 1
        returning id)
      insert into usher.directory_endpoint_tokens (endpoint_id, vault_secret_id)
      select id, gen_random_uuid() from endpoint`,
    check: 'vault',
    says: /1 tokens that open other applications should lie in Vault/,
    repair: /update_organisation_directory_endpoint/,
  },
  'a worker that may not log in': {
    plant: 'alter role usher_worker nologin',
    mend: 'alter role usher_worker login',
    check: 'worker role',
    says: /may not log in/,
    repair: /alter role usher_worker login/,
  },
  'a worker without a password': {
    plant: 'alter role usher_worker password null',
    mend: `alter role usher_worker password 'a long random password'`,
    check: 'worker role',
    says: /no password/,
    repair: /alter role usher_worker password/,
  },
  'a worker that may pass by row level security': {
    plant: 'alter role usher_worker bypassrls',
    mend: 'alter role usher_worker nobypassrls',
    check: 'worker role',
    says: /bypassrls/,
    repair: /nobypassrls/,
  },
  'a worker that is somebody else, too': {
    plant: 'grant pg_monitor to usher_worker',
    mend: 'revoke pg_monitor from usher_worker',
    check: 'worker role',
    says: /all that pg_monitor may/,
    repair: /^revoke pg_monitor from usher_worker;$/,
  },
  'a worker that reads the accounts': {
    plant: 'grant select on auth.users to usher_worker',
    check: 'worker role',
    says: /may select table auth\.users/,
    repair: /^revoke select on table auth\.users from usher_worker;$/,
  },
  'no worker and no clock': {
    plant: 'delete from cron.job',
    check: 'worker',
    says: /Nobody seems to send mail/,
    repair: /docs\/install\.md, "Cron jobs"/,
  },
  'a clock for mail alone': {
    plant: `delete from cron.job where jobname <> 'usher-send-mail'`,
    level: 'warning',
    check: 'worker',
    says: /no cron job posts to sync-directories/,
    repair: /docs\/install\.md, "Cron jobs"/,
  },
  'a clock for all but domains': {
    plant: `delete from cron.job where jobname = 'usher-verify-domains'`,
    level: 'warning',
    check: 'worker',
    says: /verify-domains: domains are never verified/,
    repair: /docs\/install\.md, "Cron jobs"/,
  },
  'a clock for all but mail': {
    plant: `delete from cron.job where jobname = 'usher-send-mail'`,
    check: 'worker',
    says: /Nobody seems to send mail/,
    repair: /docs\/install\.md, "Cron jobs"/,
  },
  'a clock that is off': {
    plant: 'update cron.job set active = false',
    check: 'worker',
    says: /usher-send-mail is off/,
    repair: /active = true/,
  },
  'a clock that fails': {
    plant: `insert into cron.job_run_details values (1, 2, 'failed', 'ERROR: no secret', now() + interval '1 minute')`,
    check: 'worker',
    says: /ERROR: no secret/,
    repair: /job_run_details/,
  },
  'a clock of the outbox that fails': {
    plant: `insert into cron.job values (7, '1 second', 'select usher.fan_out()', true, 'usher-fan-out');
      insert into cron.job_run_details values (7, 1, 'failed', 'ERROR: permission denied', now())`,
    check: 'worker',
    says: /usher-fan-out failed: ERROR: permission denied/,
    repair: /job_run_details/,
  },
  'a clock whose secret is not in Vault': {
    plant: `${VAULT}
      update cron.job set command = command ||
        ' -- select decrypted_secret from vault.decrypted_secrets where name = ''usher_worker_secret'''`,
    check: 'worker',
    says: /secret usher_worker_secret from Vault/,
    repair: /^select vault\.create_secret\(/,
  },
  'a worker of their own that does not answer': {
    args: ['--worker-url', 'http://127.0.0.1:9'],
    check: 'worker',
    says: /127\.0\.0\.1:9\/health does not answer/,
    repair: /WORKER_ADDRESS/,
  },
  'a queue that stands still': {
    plant: `insert into public.organisation_deliveries (organisation_id, kind, recipient, due_at)
      select id, 'join_requested', 'a@example.com', now() - interval '1 hour' from public.organisations limit 1`,
    check: 'queue',
    says: /1 deliveries waiting/,
    repair: /stuck_deliveries/,
  },
  'a trail that nobody seals': {
    plant: `alter table public.organisation_audit_events disable trigger user;
      update public.organisation_audit_events set occurred_at = now() - interval '1 hour';
      delete from usher.sealed_events`,
    check: 'queue',
    says: /events not sealed/,
    repair: /unsealed_trails/,
  },
  'webhooks that nobody sends': {
    plant: `with hook as (
        insert into public.organisation_webhooks (organisation_id, url)
        select id, 'https://example.com/hooks' from public.organisations limit 1
        returning id, organisation_id)
      insert into public.organisation_webhook_deliveries (webhook_id, organisation_id, event_id, event, due_at)
      select id, organisation_id, gen_random_uuid(), 'webhook.tested', now() - interval '1 hour' from hook`,
    check: 'queue',
    says: /1 events that no worker sends to webhooks/,
    repair: /organisation_webhook_deliveries/,
  },
  'a mail server that refuses us': {
    plant: `insert into usher.mail_transport (refusals, refused_since, stopped_until, last_response)
      values (3, now(), now() + interval '1 minute', '550 5.4.5 Daily user sending limit exceeded')`,
    check: 'queue',
    says: /1 mail server that refuses us/,
    repair: /mail_transport/,
  },
  'a mail that was given up': {
    plant: `insert into public.organisation_deliveries (organisation_id, kind, recipient, status)
      select id, 'join_requested', 'a@example.com', 'failed' from public.organisations limit 1`,
    level: 'warning',
    check: 'queue',
    says: /1 deliveries failed/,
    repair: /docs\/sql\.md/,
  },
  'a function that lacks a secret': {
    answer: (path) =>
      path.endsWith('/api') ? { status: 503, text: '{"code":"BOOT_ERROR"}' } : ANSWERING(),
    check: 'functions',
    says: /api answers 503.*BOOT_ERROR/,
    repair: /supabase secrets set/,
  },
  'a function that wants a JWT': {
    answer: (path) =>
      path.includes('/send-mail')
        ? { status: 401, text: '{"message":"Missing authorization header"}' }
        : ANSWERING(),
    check: 'functions',
    says: /send-mail asks its callers for a JWT/,
    repair: /verify_jwt = false/,
  },
  'a function that is not deployed': {
    answer: (path) =>
      path.endsWith('/graphql')
        ? { status: 404, text: '{"code":"NOT_FOUND","message":"Requested function was not found"}' }
        : ANSWERING(),
    level: 'warning',
    check: 'functions',
    says: /graphql is not deployed/,
    repair: /supabase functions deploy graphql/,
  },
}

describe('usher doctor', () => {
  test('finds nothing wrong with the demo database, and says what cannot be seen', async () => {
    const { code, of } = await examine()

    expect(of('error')).toEqual([])
    expect(of('warning')).toEqual([])
    expect(code).toBe(0)
    expect(of('well').map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'migrations',
        'grants',
        'row level security',
        'worker role',
        'queue',
      ]),
    )
    expect(of('unseen').map(({ check }) => check)).toContain('auth hooks')
  })

  test.for(Object.entries(FAULTS))('finds %s, and says how to mend it', async ([, fault]) => {
    const { level = 'error', check, says, repair } = fault

    const { code, of } = await examine(fault)

    expect(of(level)).toContainEqual({
      check,
      level,
      message: expect.stringMatching(says),
      repair: expect.stringMatching(repair),
    })
    expect(code).toBe(level === 'error' ? 1 : 0)
  })

  test.for([
    'a right to write',
    'a function that everybody may call',
    'a function that nobody may call any more',
    'row level security switched off',
    'a worker that reads the accounts',
  ])('what it says to do about %s mends it', async (name) => {
    const { plant = '' } = FAULTS[name] ?? {}
    const { of } = await examine({ plant })

    const repairs = of('error').map(({ repair }) => repair)
    const again = await examine({ plant: [plant, ...repairs].join(';\n') })

    expect(repairs).not.toEqual([])
    expect(again.of('error')).toEqual([])
  })

  test.for([
    ['a function is taken', undefined, false],
    ['a worker is taken', 'usher-worker-7', true],
  ] as const)('of those who are connected, %s for what it is', async ([, name, isRunning]) => {
    const { of } = await examine({
      plant: 'delete from cron.job',
      connected: (url) => connect(url, name),
    })

    expect(of('well').some(({ message }) => message === 'A worker is connected.')).toBe(isRunning)
    expect(of('error').some(({ check }) => check === 'worker')).toBe(!isRunning)
  })

  test('of those who come through a pooler, it says that it cannot see who they are', async () => {
    const { of } = await examine({
      plant: 'delete from cron.job',
      connected: (url) => connect(url, 'Supavisor'),
    })

    expect(of('unseen')).toContainEqual({
      check: 'worker',
      level: 'unseen',
      message: expect.stringContaining('through Supavisor'),
      repair: expect.stringContaining('--worker-url'),
    })
    expect(of('error')).toEqual([])
  })

  test('behind a pooler, too, a clock for mail alone leaves the rest undone', async () => {
    const { of } = await examine({
      plant: `delete from cron.job where jobname <> 'usher-send-mail'`,
      connected: (url) => connect(url, 'Supavisor'),
    })

    expect(of('warning').filter(({ check }) => check === 'worker')).toHaveLength(3)
  })

  test('the cron jobs of docs/install.md are all that the worker does', async () => {
    const { blocks } = parseDocument('docs/install.md', await readFile('docs/install.md', 'utf8'))
    const schedule = blocks.find(({ text }) => text.includes('cron.schedule'))?.text ?? ''
    const { of } = await examine({
      plant: `delete from cron.job;
        create schema vault;
        create table vault.decrypted_secrets (id uuid default gen_random_uuid(), name text, decrypted_secret text);
        create function vault.create_secret(text, text) returns uuid language sql as
          'insert into vault.decrypted_secrets (decrypted_secret, name) values ($1, $2) returning id';
        create function cron.schedule(text, text, text) returns bigint language sql as
          'insert into cron.job values (9, $2, $3, true, $1) returning jobid';
        ${schedule.replaceAll(/^create extension .*;$/gm, '')}`,
    })

    expect(of('error')).toEqual([])
    expect(of('warning').filter(({ check }) => check === 'worker')).toEqual([])
    expect(of('well').filter(({ check }) => check === 'worker')).toHaveLength(5)
  })

  test('looks at the DNS of the mail domain where it is told of one', async () => {
    const dns = await startDns({
      'example.com': ['v=spf1 -all'],
      '_dmarc.example.com': ['v=DMARC1; p=none'],
    })

    const { code, findings } = await examine({
      args: ['--mail-domain', 'example.com', '--dkim-selector', 'x', '--dns-server', dns],
    })

    expect(findings.slice(-3).map(({ check, level }) => `${check} ${level}`)).toEqual([
      'SPF well',
      'DKIM error',
      'DMARC warning',
    ])
    expect(code).toBe(1)
  })

  test('without --json, says it in words', async () => {
    const { code, output } = await project.usher('doctor', '--db-url', server.url)

    expect(code).toBe(1)
    expect(output).toContain('✗ migrations: Usher is not in this database.\n    npx usher init')
  })

  test.for([
    ['no database is named', [], 'SUPABASE_DB_URL'],
    ['the address is none', ['--db-url', 'nonsense'], 'postgres:// address'],
  ] as const)('says what to do when %s', async ([, args, words]) => {
    const { code, output } = await project.usher('doctor', ...args)

    expect(code).toBe(1)
    expect(output).toContain(words)
  })
})
