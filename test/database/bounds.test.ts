/**
 * Everything that an organisation or an operator can set has a bound in the table itself, so that no rule that comes to
 * use it can be made to fail, or to take for ever, by one row.
 */
import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

/** Columns without a bound, by the reason. */
const UNBOUNDED: Record<string, string[]> = {
  'the clock of the database': [
    'organisation_access_review_items.granted_at',
    'organisation_access_reviews.started_at, reminded_at',
    'organisation_audit_events.occurred_at',
    'organisation_deliveries.due_at, in_doubt_at, delivered_at, opened_at, bounced_at, complained_at, created_at',
    'organisation_directory_copies.due_at, leased_until, synced_at',
    'organisation_directory_endpoints.retry_at, last_success_at, reconcile_at, reconciled_at, leased_at, created_at',
    'organisation_directory_tokens.created_at, last_used_at, revoked_at',
    'organisation_domains.verified_at, checked_at, created_at',
    'organisation_email_templates.created_at, updated_at',
    'organisation_join_requests.created_at',
    'organisation_members.joined_at',
    'organisation_roles.created_at',
    'organisation_sign_in_rules.updated_at',
    'organisation_webhook_deliveries.due_at, created_at',
    'organisation_webhooks.failing_since, created_at',
    'organisations.created_at',
    'usher.audit_seals.sealed_at, first_event_at, last_event_at, purged_at',
    'usher.delivery_events.occurred_at, recorded_at',
    'usher.directory_groups.created_at, updated_at',
    'usher.directory_users.created_at, updated_at',
    'usher.idempotency_keys.created_at',
    'usher.invite_tokens.minted_at',
    'usher.invites.created_at, issued_at, bounced_at',
    'usher.mail_opt_outs.created_at',
    'usher.mail_pace.next_free_at',
    'usher.mail_transport.refused_since, stopped_until, signed_at',
    'usher.one_clicks.started_at, ended_at',
    'usher.outbox.due_at',
    'usher.rate_limits.window_start',
    'usher.signing_keys.created_at, retired_at',
    'usher.suppressed_addresses.created_at',
    'usher.upkeep_failures.failing_since, failed_at, retry_at',
    'usher.webhook_secrets.created_at, expires_at',
  ],
  'set together with a status, by the clock': [
    'organisation_access_reviews.ended_at',
    'organisation_deliveries.sent_at, taken_at',
    'organisation_directory_tokens.stops_at',
    'organisation_domains.stops_at',
    'organisation_email_templates.failed_at',
    'usher.erased_members.erased_at',
    'usher.lost_rights.noted_at',
    'organisation_join_requests.decided_at',
    'organisation_members.ended_at',
    'organisation_webhook_deliveries.delivered_at',
    'organisation_webhooks.disabled_at',
    'usher.invites.accepted_at, declined_at, revoked_at',
  ],
  'one of two words, by a check of several columns': ['usher.invites.kind'],
  'counted by one': [
    'organisation_deliveries.issue, attempts, fence',
    'usher.outbox.id, attempts',
    'organisation_directory_copies.change, attempts, fence',
    'organisation_directory_endpoints.failures, drift, fence',
    'organisation_webhook_deliveries.attempts, fence',
    'usher.audit_seals.number, events',
    'usher.device_codes.key_id',
    'usher.invite_tokens.issue',
    'usher.invites.issue, reminded_issue',
    'usher.one_clicks.issue',
    'usher.rate_limits.used',
    'usher.sealed_events.seal_number, position',
    'usher.sign_up_invites.issue',
    'usher.signing_keys.id',
    'usher.upkeep_failures.times',
    'usher.mail_transport.refusals',
  ],
  'words of ours, and what rules make of values that have a bound': [
    'organisation_audit_events.event, target_kind, before, after',
    'organisation_deliveries.recipient, locale, facts, dedupe_key, mailbox',
    'organisation_directory_tokens.carried_roles',
    'organisation_webhook_deliveries.event',
    'usher.erased_stops.kept',
    'usher.mail_pace.line',
    'usher.rate_limits.key',
    'usher.suppressed_addresses.email',
    'usher.upkeep_failures.step',
  ],
  'hashes and secrets of ours, of one length': [
    'usher.address_salt.salt',
    'usher.audit_seals.hash',
    'usher.device_codes.hash',
    'usher.erased_deliveries.recipient_hash, mailbox_hash',
    'usher.erased_stops.hash',
    'usher.sanctions.address_hash',
    'usher.directory_token_hashes.hash',
    'usher.idempotency_keys.key_hash, request_hash',
    'usher.invite_tokens.nonce_hash',
    'usher.sealed_events.hash, personal_hash, personal_salt',
    'usher.signing_keys.secret',
    'usher.webhook_secrets.secret',
  ],
  'what a call has answered, for its caller, for a day': ['usher.idempotency_keys.result'],
  'written by the worker, which cuts what others tell it': [
    'organisation_deliveries.leased_by, last_response, last_status_code, provider_message_id',
    'organisation_directory_copies.last_error',
    'organisation_email_templates.failure',
    'organisation_directory_endpoints.features, last_error',
    'organisation_webhook_deliveries.leased_by, last_status_code, last_response, tries',
    'usher.delivery_events.provider, event_id',
    'usher.suppressed_addresses.status_code',
    'usher.upkeep_failures.error',
  ],
  'of operators, in a migration of theirs': [
    'usher.permissions.description',
    'usher.role_assigners.assigner, role',
  ],
}

/** Far beyond what anybody needs, of each type. */
const EXTREMES: Record<string, string[]> = {
  text: [`repeat('x', 1000000)`],
  'text[]': [`array_fill('x'::text, array[100000])`, `array[repeat('x', 1000000)]`],
  'cidr[]': [`array_fill('10.0.0.0/8'::cidr, array[100000])`],
  // Of many, so that it is not packed into little.
  jsonb: [`(select jsonb_object_agg(n, md5(n::text)) from generate_series(1, 20000) n)`],
  bytea: [`decode(repeat('00', 1000000), 'hex')`],
  interval: [
    `interval '170000 years'`,
    `interval '-170000 years'`,
    `interval 'infinity'`,
    // They equal an hour, a week, a month, a year, and are none of it once they are added to a date.
    `interval '-70000000 mons 2100000000 days 1 hour'`,
    `interval '-70000000 mons 2100000007 days'`,
    `interval '24000 mons -719970 days'`,
    `interval '24000 mons -719640 days'`,
  ],
  smallint: ['32767::smallint', '(-32768)::smallint'],
  integer: ['2147483647', '-2147483648'],
  bigint: ['9223372036854775807', '-9223372036854775808'],
  numeric: ['1e100'],
  'double precision': [`'infinity'::double precision`],
  'timestamp with time zone': [
    `timestamptz 'infinity'`,
    `timestamptz '-infinity'`,
    `timestamptz '294276-01-01T00:00:00Z'`,
  ],
}

describe('bounds', () => {
  test('are there for every column, or the reason why there is none', async ({ acme }) => {
    const columns = await acme.sql<{ table: string; column: string; type: string }[]>`
      select c.oid::regclass::text as table, a.attname as column, format_type(a.atttypid, null) as type
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'usher'::regnamespace)
        and format_type(a.atttypid, null) not in ('uuid', 'boolean')
      order by 1, a.attnum`
    const unknown = columns.filter(({ type }) => !EXTREMES[type])
    expect(unknown, 'a type of which this test knows no extremes').toEqual([])

    const unbounded = await acme.sql.begin(async (tx) => {
      const found: string[] = []
      for (const table of new Set(columns.map((column) => column.table))) {
        // The same checks over a row of which nothing else is known.
        await tx.unsafe(`create temp table probe (like ${table} including constraints)`)
        const required = await tx<{ name: string }[]>`select attname as name from pg_attribute
          where attrelid = 'pg_temp.probe'::regclass and attnum > 0 and attnotnull`
        for (const { name } of required) {
          await tx.unsafe(`alter table pg_temp.probe alter ${name} drop not null`)
        }
        // Which of several columns has to be there is no bound of any of them.
        const emptyRow = () =>
          tx
            .savepoint((inner) => inner`insert into pg_temp.probe default values`)
            .then(
              () => null,
              (error: { constraint_name?: string }) => error.constraint_name ?? 'unknown',
            )
        for (let name = await emptyRow(); name; name = await emptyRow()) {
          await tx.unsafe(`alter table pg_temp.probe drop constraint ${name}`)
        }
        for (const { column, type } of columns.filter((one) => one.table === table)) {
          for (const value of EXTREMES[type] ?? []) {
            const outcome = await tx
              .savepoint(async (inner) => {
                await inner.unsafe(`insert into pg_temp.probe (${column}) values (${value})`)
              })
              .then(
                () => 'taken',
                (error: { code?: string }) => error.code,
              )
            // 22007: Postgres 15 knows no interval without an end.
            if (outcome === 'taken') found.push(`${table}.${column}`)
            else expect(['23514', '22007'], `${table}.${column}`).toContain(outcome)
          }
        }
        await tx`drop table pg_temp.probe`
      }
      return [...new Set(found)].sort()
    })

    const named = Object.values(UNBOUNDED).flatMap((lines) =>
      lines.flatMap((line) => {
        const [first = '', ...rest] = line.split(', ')
        const table = first.slice(0, first.lastIndexOf('.'))
        return [first, ...rest.map((column) => `${table}.${column}`)]
      }),
    )
    expect(unbounded).toEqual(named.sort())
  }, 60_000)

  test.for([
    ['update_organisation', { changes: { audit_retention: '200000 years' } }, 'invalid_settings'],
    ['update_organisation', { changes: { audit_retention: '-1 day' } }, 'invalid_settings'],
    ['update_organisation', { changes: { reminder_before: '200000 years' } }, 'invalid_settings'],
    ['update_organisation', { changes: { invite_ttl: '200000 years' } }, 'invalid_expiry'],
    ['update_organisation', { changes: { seat_limit: 2_000_000_000 } }, 'invalid_settings'],
    ['update_organisation', { changes: { seat_limit: 20_000_000_000 } }, 'invalid_settings'],
    [
      'update_organisation',
      {
        changes: { allowed_email_domains: Array.from({ length: 1001 }, (_, i) => `${i}.example`) },
      },
      'invalid_settings',
    ],
    [
      'create_organisation_directory_token',
      { name: 'x', expires_in: '170000 years' },
      'invalid_expiry',
    ],
    [
      'update_organisation_sign_in_rule',
      { changes: { max_age: '170000 years' } },
      'invalid_settings',
    ],
  ] as const)('%s refuses %j with a code of the contract', async ([name, args, code], { acme }) => {
    await expect(acme.owner.rpc(name, { organisation_id: acme.id, ...args })).rejects.toMatchObject(
      { code },
    )
  })

  test.for(['infinity', '294276-01-01T00:00:00Z', '10000-01-01T00:00:00Z', '-infinity'])(
    'a moment of %s is none that anybody can give',
    async (moment, { acme }) => {
      // As text: the driver of these tests makes a Date of a time, which has bounds of its own.
      const call = (statement: string) => acme.owner.run((tx) => tx.unsafe(statement))
      const ends = (ends_at: string, role_ends = '{}') =>
        call(`select public.update_organisation_member_ends(
          '${acme.id}', '${acme.member.userId}', ${ends_at}, '${role_ends}')`)

      await expect(ends(`'${moment}'`)).rejects.toMatchObject({ code: 'invalid_expiry' })
      await expect(ends('null', `{"member": "${moment}"}`)).rejects.toMatchObject({
        code: 'invalid_expiry',
      })
      await expect(
        call(`select public.create_organisation_invite('${acme.id}', 'x@example.com', '{member}',
          membership_ends_at => '${moment}')`),
      ).rejects.toMatchObject({ code: 'invalid_expiry' })
      await expect(
        call(`select public.start_organisation_access_review('${acme.id}', 'x', '${moment}')`),
      ).rejects.toMatchObject({ code: 'invalid_settings' })

      await ends(`'9999-12-31T00:00:00Z'`)
    },
  )

  test('the settings of the project have an end as well', async ({ acme }) => {
    for (const changes of [
      { resend_cooldown: '170000 years' },
      { access_end_notice: '170000 years' },
      { webhook_failing_for: '170000 years' },
      { webhook_answers_kept_for: '170000 years' },
      { invites_per_day: 2_000_000_001 },
      { mails_per_minute_to_domain: 2_000_000_000 },
      { client_address_header: 'X-Forwarded-For' },
      { redirect_origins: Array.from({ length: 101 }, (_, i) => `https://${i}.example`) },
    ]) {
      await expect(
        acme.sql`select usher.update_settings(${acme.sql.json(changes)})`,
      ).rejects.toMatchObject({
        code: 'PGRST',
        message: expect.stringContaining('invalid_settings'),
      })
    }
  })
})
