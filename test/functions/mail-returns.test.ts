/**
 * A worker and a mail server that refuses it for a while, and one that takes a mail and sends it back later.
 *
 * Sources: https://github.com/gen-smtp/gen_smtp/issues/140, a batch that was lost over a quota; RFC 3464.
 */
import { describe, expect, onTestFinished } from 'vitest'
import { connect, deliveriesOf, recordMailReportOf } from '../../functions/_shared/database.ts'
import { readMailEnvironment } from '../../functions/_shared/environment.ts'
import { createSmtpTransport } from '../../functions/_shared/transports/smtp.ts'
import { createHandler } from '../../functions/mail-webhooks/handler.ts'
import { createReportReader } from '../../functions/mail-webhooks/report.ts'
import { drain } from '../../functions/send-mail/drain.ts'
import { type Organisation, test } from '../support/acme.ts'
import { failed, reportMail } from '../support/mail-reports.ts'
import { fanOut } from '../support/outbox.ts'
import { refusal, startSmtpServer } from '../support/smtp.ts'
import { workerUrl } from './worker-role.ts'

const environment = (more = {}) =>
  readMailEnvironment({
    USHER_DATABASE_URL: 'postgres://usher_worker:x@localhost/postgres',
    USHER_WORKER_SECRET: 'a-secret-of-the-worker',
    SMTP_URL: 'smtp://localhost:1',
    MAIL_FROM: 'Usher <no-reply@usher.test>',
    ...more,
  })

async function worker(
  acme: Organisation,
  databaseUrl: string,
  smtp: ReturnType<typeof startSmtpServer>,
) {
  const server = await smtp
  await fanOut(acme.sql)
  await acme.sql`delete from public.organisation_deliveries where organisation_id <> ${acme.id}`
  await acme.sql`delete from usher.mail_transport`
  const sql = connect(await workerUrl(acme.sql, databaseUrl))
  const transport = createSmtpTransport(server.url)
  onTestFinished(async () => {
    transport.close()
    await sql.end()
    await server.stop()
  })
  const { from, returnPath } = environment({ MAIL_RETURN_PATH: 'bounces@usher.test' })
  return {
    sql,
    async drain() {
      await fanOut(acme.sql)
      return drain({
        deliveries: deliveriesOf(sql, { hasReturnTags: true }),
        transport,
        from,
        returnPath,
        worker: 'test',
        concurrency: 8,
      })
    },
  }
}

const statuses = (acme: Organisation) =>
  acme.sql`select status, count(*)::int from public.organisation_deliveries
    where organisation_id = ${acme.id} group by status`

describe('a batch that a quota cuts off', () => {
  test('is not tried to its end, and goes out whole when it is over', async ({
    acme,
    database,
  }) => {
    let isOver = false
    let tried = 0
    const received = new Set<string>()
    const { drain } = await worker(
      acme,
      database.url,
      startSmtpServer({
        onMailFrom(_address, _session, done) {
          if (isOver) return done()
          tried += 1
          done(refusal(550, '5.4.5 Daily user sending limit exceeded'))
        },
        onRcptTo({ address }, _session, done) {
          received.add(address)
          done()
        },
      }),
    )
    await acme.owner.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: Array.from({ length: 200 }, (_, i) => ({
        email: `q${i}@example.com`,
        roles: ['member'],
      })),
    })

    await drain()

    // What is under way at once, once more at most.
    expect(tried).toBeLessThanOrEqual(16)
    expect(await statuses(acme)).toEqual([{ status: 'queued', count: 200 }])
    expect(
      await acme.sql`select from usher.invites where organisation_id = ${acme.id} and bounced_at is not null`,
    ).toHaveLength(0)

    isOver = true
    await acme.sql`select usher.resume_mail()`
    await drain()

    expect(await statuses(acme)).toEqual([{ status: 'sent', count: 200 }])
    expect(received.size).toBe(200)
  })
})

describe('a mail that comes back later', () => {
  async function returned(acme: Organisation, databaseUrl: string, email: string) {
    let from = ''
    const { drain, sql } = await worker(
      acme,
      databaseUrl,
      startSmtpServer({
        onMailFrom({ address }, _session, done) {
          from = address
          done()
        },
      }),
    )
    const handler = createHandler({
      readers: { report: createReportReader('a-secret-of-the-pipe') },
      record: () => Promise.reject(new Error('no webhook')),
      recordReport: recordMailReportOf(sql),
    })
    await acme.invite(email)
    expect(await drain()).toMatchObject({ sent: 1 })
    const post = (status: string) =>
      handler(
        new Request('https://functions.test/mail-webhooks/report', {
          method: 'POST',
          headers: { authorization: 'Bearer a-secret-of-the-pipe' },
          body: reportMail({ to: from, status }),
        }),
      )
    return { from, post }
  }

  test('comes from an address of its own, and its report finds it', async ({ acme, database }) => {
    const { from, post } = await returned(acme, database.url, 'gone@example.com')
    expect(from).toMatch(/^bounces\+[0-9a-f]{52}@usher\.test$/)

    expect((await post(failed('gone@example.com'))).status).toBe(200)

    expect(await statuses(acme)).toEqual([{ status: 'bounced', count: 1 }])
    expect(
      await acme.sql`select reason, status_code from usher.suppressed_addresses where email = 'gone@example.com'`,
    ).toEqual([{ reason: 'bounce', status_code: '5.1.1' }])
  })

  test('and not for the address, where the next server has something against us', async ({
    acme,
    database,
  }) => {
    const { post } = await returned(acme, database.url, 'there@example.com')

    await post(failed('there@example.com', '5.7.606', 'Access denied, banned sending IP'))

    expect(await statuses(acme)).toEqual([{ status: 'failed', count: 1 }])
    expect(
      await acme.sql`select from usher.suppressed_addresses where email = 'there@example.com'`,
    ).toHaveLength(0)
  })

  test('nobody is stopped by a report of what somebody else was sent', async ({
    acme,
    database,
  }) => {
    const { post } = await returned(acme, database.url, 'mine@example.com')

    await post(failed('victim@example.com'))

    expect(await statuses(acme)).toEqual([{ status: 'sent', count: 1 }])
    expect(
      await acme.sql`select from usher.suppressed_addresses where email = 'victim@example.com'`,
    ).toHaveLength(0)
  })
})

describe('MAIL_RETURN_PATH', () => {
  const tag = 'a'.repeat(52)
  test.for([
    ['bounces@usher.test', `bounces+${tag}@usher.test`],
    ['{tag}@bounces.usher.test', `${tag}@bounces.usher.test`],
    ['bounces-{tag}@usher.test', `bounces-${tag}@usher.test`],
    ['b+{tag}@münchen.example', `b+${tag}@xn--mnchen-3ya.example`],
  ] as const)('%s', ([MAIL_RETURN_PATH, address]) => {
    expect(environment({ MAIL_RETURN_PATH }).returnPath?.(tag)).toBe(address)
  })

  test.for([
    'bounces',
    'Bounces <>',
    'a b@usher.test',
    'prüfung@usher.test',
    'returned-mail-of-us@usher.test',
  ])('is not %s', (MAIL_RETURN_PATH) => {
    expect(() => environment({ MAIL_RETURN_PATH })).toThrow(/MAIL_RETURN_PATH (is not|has no room)/)
  })
})

describe('SMTP_CA', () => {
  test.for(['no certificate', '-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----'])(
    'is not %j',
    (SMTP_CA) => {
      expect(() => environment({ SMTP_CA })).toThrow(/SMTP_CA /)
    },
  )

  test('is not a file that is not there', () => {
    expect(() => environment({ SMTP_CA_FILE: '/nowhere/ca.pem' })).toThrow(/SMTP_CA_FILE .*ENOENT/)
  })
})

describe('MAIL_FROM', () => {
  test('may have a domain that is not ASCII: on the wire it is', () => {
    expect(environment({ MAIL_FROM: 'Usher <no-reply@münchen.example>' }).from.address).toBe(
      'no-reply@xn--mnchen-3ya.example',
    )
  })
})
