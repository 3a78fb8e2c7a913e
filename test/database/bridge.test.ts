/** From the migrations of before the first release to what sql/ says, rows and all. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { describe, expect, onTestFinished, test } from 'vitest'
import { REPLACED } from '../../client/cli/bridge/migrations.ts'
import { differences, loadPresentState, withDatabase } from '../../scripts/schema.ts'
import { startPostgres } from '../../supabase/local/database.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { createAcme } from '../support/acme.ts'
import { BEFORE, createDatabaseOfBefore, crossBridge, setScene } from '../support/before-bridge.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { createProjectOwner } from '../support/project-owner.ts'
import { temporaryFolder } from '../support/stack.ts'
import { answerWebhook, happen, leaseWebhooks, prepareWebhook } from '../support/webhooks.ts'
import { asWorker, complete, delivery, lease, prepare } from '../support/worker.ts'

/**
 * What has its columns in another order after the bridge, because later ones come last there. Rules that name columns do
 * not mind, and none may rely on the order of these.
 */
const ANOTHER_ORDER = [
  ...['organisation_deliveries', 'organisation_invite_preview', 'organisations'],
  ...['usher.invite_tokens', 'usher.invites', 'usher.mail_opt_outs', 'usher.settings'],
  'usher.suppressed_addresses',
]

const orderOf = ({ sql }: TestDatabase) =>
  sql<{ relation: string; columns: string }[]>`
    select c.oid::regclass::text as relation, string_agg(a.attname, ' ' order by a.attnum) as columns
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace::regnamespace::text in ('public', 'usher') and c.relkind in ('r', 'v', 'c')
    group by c.oid order by 1`

async function databaseOfBefore() {
  const database = await createDatabaseOfBefore()
  onTestFinished(() => database.drop())
  return database
}

describe('the bridge', () => {
  test('leads on from the migrations that were given out, as they were', async () => {
    const texts = (await readdir(BEFORE)).sort().map(async (file) => {
      const sum = createHash('sha256').update(await readFile(join(BEFORE, file)))
      return [`supabase/migrations/${file}`, sum.digest('hex')]
    })

    expect(await Promise.all(texts)).toEqual(Object.entries(REPLACED))
  })

  test('leads to what sql/ says; if not: npm run baseline', async () => {
    const older = await databaseOfBefore()
    const present = await createDatabase(null)
    onTestFinished(() => present.drop())
    await preparePlatform(present.url)
    await loadPresentState(present.url)

    await crossBridge(older)

    expect(await differences(older.url, present.url)).toEqual([])
    const rows = ({ sql }: typeof older) =>
      sql`select (select to_jsonb(s) from usher.settings s) as settings,
        (select count(*)::int from usher.mail_turns) as turns,
        (select count(*)::int from usher.address_salt) as salts,
        (select count(*)::int from usher.signing_keys) as keys`
    expect(await rows(older)).toEqual(await rows(present))
  })

  test('leaves no more columns in another order than it has to', async () => {
    const older = await databaseOfBefore()
    const present = await createDatabase(null)
    onTestFinished(() => present.drop())
    await preparePlatform(present.url)
    await applyMigrations(present.url)

    await crossBridge(older)

    const [here, there] = [await orderOf(older), await orderOf(present)]
    const differing = here.filter(({ columns }, i) => columns !== there[i]?.columns)
    expect(here.map(({ relation }) => relation)).toEqual(there.map(({ relation }) => relation))
    expect(differing.map(({ relation }) => relation).sort()).toEqual(ANOTHER_ORDER.sort())
  })

  test('sends each mail that waits once, also one that a worker has in hand', async () => {
    const older = await databaseOfBefore()
    const { acme, leased, waiting } = await setScene(older.sql)

    await crossBridge(older)

    expect(await complete(acme, leased)).toBe(true)
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'sent' })
    const taken: string[] = []
    for (let due = await lease(acme); due.length > 0; due = await lease(acme)) {
      for (const each of due) {
        taken.push(each.delivery_id)
        if (await prepare(acme, each)) expect(await complete(acme, each)).toBe(true)
      }
    }
    expect(taken).toHaveLength(waiting)
    expect(new Set(taken).size).toBe(waiting)
    expect(taken).not.toContain(leased.delivery_id)
    const statuses =
      await older.sql`select status, count(*)::int from public.organisation_deliveries
      where organisation_id = ${acme.id} group by status order by status`
    // Nobody wants the mails of two invites any more: one was accepted, one has expired.
    expect(statuses).toEqual([
      { status: 'cancelled', count: 2 },
      { status: 'sent', count: waiting - 1 },
    ])
  })

  test('keeps links and codes: open ones are accepted, expired ones are not', async () => {
    const older = await databaseOfBefore()
    const { acme, open, expired, code } = await setScene(older.sql)

    await crossBridge(older)

    expect(
      await open.invitee.rpc('accept_organisation_invite', { token: open.token }),
    ).toMatchObject({ status: 'active', roles: ['member'] })
    expect(
      await acme.anyone.rpc('validate_organisation_invite', { token: expired.token }),
    ).toMatchObject({ status: 'expired' })
    const late = await acme.person(expired.email)
    await expect(
      late.rpc('accept_organisation_invite', { token: expired.token }),
    ).rejects.toMatchObject({ code: 'invite_expired' })
    const device = await acme.person()
    await older.sql`update auth.users set is_anonymous = true, email = null
      where id = ${device.userId}`
    expect(await device.rpc('enrol_organisation_device', { code })).toMatchObject({
      kind: 'device',
    })
  })

  test('sends each event that waits once, signed by the secret that its receiver has', async () => {
    const older = await databaseOfBefore()
    const { acme, webhook, leasedWebhook } = await setScene(older.sql)

    await crossBridge(older)

    expect(await answerWebhook(acme, leasedWebhook, 204)).toBe('delivered')
    const taken = await leaseWebhooks(acme)
    expect(taken.length).toBeGreaterThanOrEqual(3)
    expect(taken.map(({ delivery_id }) => delivery_id)).not.toContain(leasedWebhook.delivery_id)
    for (const each of taken) {
      const request = await prepareWebhook(acme, each)
      const verify = new Webhook(webhook.secret)
      expect(verify.verify(request?.body ?? '', request?.headers ?? {})).toMatchObject({
        type: expect.any(String),
      })
      expect(await answerWebhook(acme, each, 204)).toBe('delivered')
    }
    expect(await leaseWebhooks(acme)).toEqual([])
  })

  test('keeps the tokens of directories, both ways, and who answers for them', async () => {
    const older = await databaseOfBefore()
    const { acme, directoryToken, endpoint } = await setScene(older.sql)

    await crossBridge(older)

    const user = { user_name: 'jo@example.com', email: 'jo@example.com', is_active: true }
    const [row] = await asWorker(
      acme,
      (tx) => tx`select usher.save_directory_user(${directoryToken}, null, ${tx.json(user)}) as it`,
    )
    expect(row?.it).toBeTruthy()
    const [token] = await older.sql`select usher.endpoint_token(${endpoint.id}) as is`
    expect(token?.is).toBe(endpoint.token)
    expect(
      await older.sql`select responsible_id, stops_at from public.organisation_directory_tokens`,
    ).toMatchObject([{ responsible_id: acme.owner.userId, stops_at: null }])
  })

  test('keeps the trail whole, and goes on sealing it', async () => {
    const older = await databaseOfBefore()
    const { acme } = await setScene(older.sql)
    const verify = () =>
      acme.owner.rpc('verify_organisation_audit_trail', { organisation_id: acme.id })
    const earlier = await verify()

    await crossBridge(older)

    expect(earlier.seals).toBeGreaterThan(0)
    expect(await verify()).toMatchObject({ is_whole: true, seals: earlier.seals })
    await happen(acme)
    await older.sql`select usher.seal_trail(${acme.id})`
    const later = await verify()
    expect(later).toMatchObject({ is_whole: true, problem: null })
    expect(later.seals).toBeGreaterThan(earlier.seals)
  })

  test('brings over what is there: tokens in accounts, addresses in the trail, bans, rules of who is no admin now', async () => {
    const older = await databaseOfBefore()
    const { sql } = older
    const acme = await createAcme(sql)
    const secret = sql.json({ invite_token: 'inv_x', full_name: 'Fresh' })
    await sql.unsafe('alter table auth.users disable trigger user')
    await sql`update auth.users set raw_user_meta_data = ${secret} where id = ${acme.stranger.userId}`
    await sql.unsafe('alter table auth.users enable trigger user')
    const written = sql.json({ title: `Ask ${acme.stranger.email}` })
    await sql`insert into public.organisation_audit_events
      (organisation_id, event, actor_kind, target_kind, target_id, after)
      values (${acme.id}, 'access_review.started', 'user', 'access_review', gen_random_uuid(), ${written})`
    await sql`select usher.erase_person(${acme.member.userId})`
    const by = { organisation_id: acme.id, user_id: acme.finance.userId }
    await acme.owner.rpc('ban_organisation_member', by)
    // An admin opens a domain and a directory, invites, and is no admin any more.
    const domain = { organisation_id: acme.id, domain: 'b.example' }
    await acme.admin.rpc('create_organisation_domain', domain)
    await acme.admin.rpc('update_organisation_domain', { ...domain, join_policy: 'join' })
    await acme.admin.rpc('create_organisation_directory_token', {
      ...{ organisation_id: acme.id, name: 'Okta' },
    })
    await acme.admin.rpc('create_organisation_invite', {
      ...{ organisation_id: acme.id, email: 'old@example.com', roles: ['member'] },
    })
    await acme.owner.rpc('update_organisation_member_roles', {
      ...{ organisation_id: acme.id, user_id: acme.admin.userId, roles: ['member'] },
    })

    await crossBridge(older)

    const [user] =
      await sql`select raw_user_meta_data as data from auth.users where id = ${acme.stranger.userId}`
    expect(user?.data).toEqual({ full_name: 'Fresh' })
    const [line] = await sql`select after from public.organisation_audit_events
      where event = 'access_review.started'`
    expect(line?.after).toEqual({ title: 'Ask …@example.com' })
    await sql`update auth.users set raw_user_meta_data = '{"full_name": "Back"}' where id = ${acme.member.userId}`
    const [member] = await sql`select email, display_name from public.organisation_members
      where user_id = ${acme.member.userId}`
    expect(member).toMatchObject({ email: null, display_name: null })
    await sql`delete from auth.users where id = ${acme.finance.userId}`
    await expect(acme.invite(acme.finance.email)).rejects.toMatchObject({ code: 'member_banned' })
    await sql`select usher.follow_lost_rights()`
    const stopping = await sql`select responsible_id, stops_at > now() as goes_on
      from public.organisation_domains
      union all select responsible_id, stops_at > now() from public.organisation_directory_tokens`
    const until = { responsible_id: acme.admin.userId, goes_on: true }
    expect(stopping).toMatchObject([until, until])
    expect(
      await sql`select status from usher.invites where email = 'old@example.com'`,
    ).toMatchObject([{ status: 'revoked' }])
  })

  test('brings rows within the bounds that there are now', async () => {
    const older = await databaseOfBefore()
    const { sql } = older
    const acme = await createAcme(sql)
    await acme.invite('ann@münchen.example')
    await sql`update public.organisations set seat_limit = 2000000, audit_retention = '200 years',
      invite_ttl = '2 days -12 hours',
      allowed_email_domains = (select array_agg('d' || n || '.example') from generate_series(1, 1200) n)
      where id = ${acme.id}`
    await sql`update public.organisation_members set ends_at = '20000-01-01'
      where user_id = ${acme.member.userId}`
    await sql`update public.organisation_members set display_name = 'me@example.com'
      where user_id = ${acme.finance.userId}`
    await sql`update usher.settings set resend_cooldown = '90 days', mails_per_minute_to_domain = null`
    await sql`insert into usher.mail_opt_outs (organisation_id, email)
      values (${acme.id}, 'jo+news@example.com')`
    // Two spellings of one domain, which were two.
    await sql`update public.organisations set allowed_email_domains = '{münchen.example}', reply_to = 'ann@münchen.example'
      where id = ${acme.otherId}`
    await sql`insert into usher.mail_opt_outs (organisation_id, email)
      values (${acme.id}, 'ann@münchen.example'), (${acme.id}, 'ann@xn--mnchen-3ya.example')`
    await sql`insert into public.organisation_domains (organisation_id, domain, verification)
      values (${acme.id}, 'münchen.example', 'x'), (${acme.id}, 'xn--mnchen-3ya.example', 'y')`

    await crossBridge(older)

    const [organisation] = await sql`select seat_limit, audit_retention::text, invite_ttl::text,
      cardinality(allowed_email_domains) as domains from public.organisations where id = ${acme.id}`
    expect(organisation).toEqual({
      seat_limit: null,
      audit_retention: '100 years',
      invite_ttl: '36:00:00',
      domains: 1000,
    })
    expect(
      await sql`select allowed_email_domains, reply_to from public.organisations where id = ${acme.otherId}`,
    ).toEqual([
      {
        allowed_email_domains: ['xn--mnchen-3ya.example'],
        reply_to: 'ann@xn--mnchen-3ya.example',
      },
    ])
    expect(
      await sql`select o.email, d.domain, i.email as invited
        from usher.mail_opt_outs o, public.organisation_domains d, usher.invites i
        where o.email like 'ann@%' and i.email like 'ann@%'`,
    ).toEqual([
      {
        email: 'ann@xn--mnchen-3ya.example',
        domain: 'xn--mnchen-3ya.example',
        invited: 'ann@xn--mnchen-3ya.example',
      },
    ])
    const [member] = await sql`select ends_at = '9999-12-31T00:00:00Z' as is_far
      from public.organisation_members where user_id = ${acme.member.userId}`
    expect(member?.is_far).toBe(true)
    const [named] = await sql`select display_name from public.organisation_members
      where user_id = ${acme.finance.userId}`
    expect(named?.display_name).toBeNull()
    const [settings] = await sql`select resend_cooldown::text, mails_per_minute_to_domain as limit
      from usher.settings`
    expect(settings).toEqual({ resend_cooldown: '30 days', limit: null })
    expect(await sql`select email from usher.mail_opt_outs order by email`).toMatchObject([
      { email: 'ann@xn--mnchen-3ya.example' },
      { email: 'jo@example.com' },
    ])
  })

  test.for([15, 17] as const)(
    'leads there on Postgres %i, by the owner of a project who is no superuser',
    async (version) => {
      const folder = await temporaryFolder()
      const server = await startPostgres({
        ...{ folder, port: await freePort(), version, durable: false },
      })
      onTestFinished(() => server.stop())
      await preparePlatform(server.url)
      await applyMigrations(server.url, BEFORE)
      const owner = await createProjectOwner(server.url)
      const bridge = await readFile('supabase/bridge/bridge.sql', 'utf8')

      await withDatabase(server.url, async (sql) => {
        const { open } = await setScene(sql)
        await withDatabase(owner, (own) => own.begin((tx) => tx.unsafe(bridge)))

        expect(
          await open.invitee.rpc('accept_organisation_invite', { token: open.token }),
        ).toMatchObject({ status: 'active' })
      })
    },
  )
})
