/**
 * What the rules cost: each call beside the least SQL that leaves the same rows behind, or reads them, with
 * no rules at all; both in turn, in one run. Figures are medians, in milliseconds, and their ratio.
 *
 *   npm run bench                 a million invites in ten thousand organisations
 *   npm run bench -- 100000       fewer
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { startPostgres } from '../../supabase/local/database.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'

const total = Number(process.argv[2] ?? 1_000_000)
const RUNS = 11
const BATCH = 10_000

const folder = await mkdtemp(join(tmpdir(), 'usher-bench-'))
const server = await startPostgres({ folder, port: await freePort() })
const sql = postgres(server.url, { max: 1, onnotice: () => {} })
try {
  await preparePlatform(server.url)
  await applyMigrations(server.url)
  await fill()
  await compareAll()
} finally {
  await sql.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

/** One user owns all organisations; the first has a hundredth of all invites, the others share the rest. */
async function fill(): Promise<void> {
  await sql.unsafe(`
    insert into auth.users (id, email, email_confirmed_at)
      values ('00000000-0000-4000-8000-0000000000aa', 'bench@example.com', now());
    insert into public.organisations (id, name, slug)
      select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Bench ' || n, 'bench-' || n
      from generate_series(1, 10000) n;
    insert into public.organisation_members (organisation_id, user_id, roles, email)
      select o.id, '00000000-0000-4000-8000-0000000000aa', '{owner}', 'bench@example.com'
      from public.organisations o where o.slug in ('bench-1', 'bench-2', 'bench-3');
    insert into usher.invites (organisation_id, email, roles, status, invited_by, lifetime, created_at, expires_at,
      accepted_at, accepted_by)
    select ('00000000-0000-4000-8000-' || lpad((case when n % 100 = 0 then 1 else 2 + n % 9999 end)::text, 12, '0'))::uuid,
      'p' || n || '@example.com', '{member}', case when n % 3 = 0 then 'accepted' else 'pending' end,
      '00000000-0000-4000-8000-0000000000aa', '7 days', now() - n % 2500 * interval '1 hour',
      now() + interval '1 day' - n % 200 * interval '1 hour',
      case when n % 3 = 0 then now() - n % 2500 * interval '1 hour' + interval '5 hours' end,
      case when n % 3 = 0 then '00000000-0000-4000-8000-0000000000aa'::uuid end
    from generate_series(1, ${total}) n;
    analyze;`)
}

async function compareAll(): Promise<void> {
  const org = '00000000-0000-4000-8000-000000000001'
  const [first, last] = await sql<{ id: string }[]>`
    select id from usher.invites where organisation_id = ${org} order by created_at desc, id desc
    offset ${Math.min(4999, Math.floor(total / 200))} limit 2`
  const cursor = (last ?? first)?.id
  const columns = 'id, organisation_id, email, roles, status, expires_at, created_at'
  console.log(`${total.toLocaleString('en')} invites, 10,000 organisations; medians of ${RUNS}`)
  console.log(`${'call'.padEnd(44)}${'rules'.padStart(10)}${'floor'.padStart(10)}   floor/rules`)

  await compare(
    `create ${BATCH.toLocaleString('en')} invites in one call`,
    (run) => `select count(*) from public.create_organisation_invites('${org}', (
      select jsonb_agg(jsonb_build_object('email', 'a${run}-' || n || '@example.com', 'roles', '["member"]'::jsonb))
      from generate_series(1, ${BATCH}) n))`,
    (run) => `with made as (
        insert into usher.invites (organisation_id, email, roles, lifetime, expires_at, invited_by)
        select '${org}', 'f${run}-' || n || '@example.com', '{member}', '7 days', now() + interval '7 days',
          '00000000-0000-4000-8000-0000000000aa'
        from generate_series(1, ${BATCH}) n returning id, email
      ), told as (
        insert into public.organisation_audit_events (organisation_id, event, actor_kind, target_kind, target_id)
        select '${org}', 'invite.created', 'user', 'invite', id from made
      )
      insert into public.organisation_deliveries (organisation_id, invite_id, issue, kind, recipient)
      select '${org}', id, 1, 'invite', email from made`,
    { setUp: 'delete from usher.rate_limits' },
  )
  await sql.unsafe('analyze')
  await compare(
    'first page of 50, by function',
    () => `select * from public.list_organisation_invites('${org}')`,
    () => `select ${columns} from usher.invites where organisation_id = '${org}'
      order by created_at desc, id desc limit 50`,
  )
  await compare(
    'a page far behind, by function',
    () => `select * from public.list_organisation_invites('${org}', cursor => '${cursor}')`,
    () => `select ${columns} from usher.invites where organisation_id = '${org}'
      and (created_at, id) < (select created_at, id from usher.invites where id = '${cursor}')
      order by created_at desc, id desc limit 50`,
  )
  await compare(
    'first page of 50, through row level security',
    () => `select * from public.organisation_invites where organisation_id = '${org}'
      order by created_at desc, id desc limit 50`,
    () => `select ${columns} from usher.invites where organisation_id = '${org}'
      order by created_at desc, id desc limit 50`,
  )
  await compare(
    'metrics of 30 days',
    () => `select * from public.organisation_invite_metrics('${org}')`,
    () => `select count(*), count(*) filter (where status = 'accepted'), count(*) filter (where status = 'pending'),
        percentile_cont(0.5) within group (order by accepted_at - created_at)
      from usher.invites where organisation_id = '${org}' and created_at >= now() - interval '30 days'`,
  )
  await compare(
    'has_organisation_permission',
    () => `select public.has_organisation_permission('${org}', 'invite.create')`,
    () => `select exists (select from public.organisation_members where organisation_id = '${org}'
      and user_id = '00000000-0000-4000-8000-0000000000aa' and 'owner' = any (roles))`,
  )
}

interface Options {
  /** Before each run, as the table owner. */
  setUp?: string
}

async function compare(
  name: string,
  withRules: (run: number) => string,
  floor: (run: number) => string,
  { setUp }: Options = {},
): Promise<void> {
  const times = { rules: [] as number[], floor: [] as number[] }
  for (let run = 0; run <= RUNS; run++) {
    if (setUp) await sql.unsafe(setUp)
    const rules = await time(withRules(run), 'authenticated')
    const bare = await time(floor(run), 'postgres')
    // The first run only warms up.
    if (run > 0) {
      times.rules.push(rules)
      times.floor.push(bare)
    }
  }
  const [rules, bare] = [median(times.rules), median(times.floor)]
  const ratio = `${Math.round((bare / rules) * 100)} %`
  console.log(
    `${name.padEnd(44)}${rules.toFixed(2).padStart(10)}${bare.toFixed(2).padStart(10)}${ratio.padStart(14)}`,
  )
}

async function time(statement: string, role: string): Promise<number> {
  return sql.begin(async (tx) => {
    await tx`select set_config('role', ${role}, true),
      set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-0000000000aa"}', true)`
    const startedAt = performance.now()
    await tx.unsafe(statement)
    return performance.now() - startedAt
  }) as Promise<number>
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
