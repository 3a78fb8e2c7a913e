import { describe, expect, onTestFinished, vi } from 'vitest'
import { connect, deliveriesOf } from '../../functions/_shared/database.ts'
import { readMailEnvironment } from '../../functions/_shared/environment.ts'
import type { MailMetrics } from '../../functions/_shared/metrics.ts'
import { createSmtpTransport } from '../../functions/_shared/transports/smtp.ts'
import { drain } from '../../functions/send-mail/drain.ts'
import { createHandler } from '../../functions/send-mail/handler.ts'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { refusal, startSmtpServer } from '../support/smtp.ts'
import { workerUrl } from './worker-role.ts'

/** A worker with its own connection, as the role that the real one has, and a mail server. */
async function worker(acme: Organisation, databaseUrl: string, smtp = startSmtpServer()) {
  const server = await smtp
  await fanOut(acme.sql)
  await acme.sql`delete from public.organisation_deliveries where organisation_id <> ${acme.id}`
  const sql = connect(await workerUrl(acme.sql, databaseUrl))
  const transport = createSmtpTransport(server.url)
  onTestFinished(async () => {
    transport.close()
    await sql.end()
    await server.stop()
  })
  const options = {
    deliveries: deliveriesOf(sql),
    transport,
    from: { name: 'Usher', address: 'no-reply@usher.test' },
    worker: 'test',
  }
  return {
    received: server.received,
    options,
    async drain(signal?: AbortSignal) {
      await fanOut(acme.sql)
      return drain(options, signal)
    },
  }
}

const statuses = async (acme: Organisation) =>
  (
    await acme.sql`select status from public.organisation_deliveries where organisation_id = ${acme.id}`
  ).map((row) => row.status)

describe('the worker', () => {
  test('sends the invitation, and the link in it is good', async ({ acme, database }) => {
    const { drain, received } = await worker(acme, database.url)
    const { invite } = await acme.invite()

    expect(await drain()).toEqual({ sent: 1, failed: 0, skipped: 0 })

    expect(received).toHaveLength(1)
    const [mail] = received
    expect(mail).toMatchObject({ subject: 'owner invites you to Acme', recipients: [invite.email] })
    const [row] =
      await acme.sql`select id from public.organisation_deliveries where invite_id = ${invite.id}`
    expect(mail?.messageId).toBe(`<${row?.id}@usher.test>`)
    const token = mail?.text?.match(/#(inv_[\w-]+)/)?.[1]
    expect(await acme.anyone.rpc('validate_organisation_invite', { token })).toMatchObject({
      status: 'pending',
    })
    expect(await statuses(acme)).toEqual(['sent'])
  })

  test('has no mail for an invite that was revoked meanwhile', async ({ acme, database }) => {
    const { drain, received } = await worker(acme, database.url)
    await acme.inviteIn('revoked')

    expect(await drain()).toEqual({ sent: 0, failed: 0, skipped: 1 })
    expect(received).toEqual([])
  })

  test('several side by side send each mail once', async ({ acme, database }) => {
    const { drain, received } = await worker(acme, database.url)
    await acme.owner.rpc('create_organisation_invites', {
      organisation_id: acme.id,
      invites: Array.from({ length: 40 }, (_, i) => ({
        email: `m${i}@example.com`,
        roles: ['member'],
      })),
    })

    await fanOut(acme.sql)
    const counts = await Promise.all([drain(), drain(), drain()])

    expect(counts.reduce((sum, count) => sum + count.sent, 0)).toBe(40)
    expect(new Set(received.map((mail) => mail.messageId)).size).toBe(40)
    expect(received).toHaveLength(40)
  })

  test('one mail that is refused does not stop the others', async ({ acme, database }) => {
    const { drain, received } = await worker(
      acme,
      database.url,
      startSmtpServer({
        onRcptTo: ({ address }, _session, done) =>
          address.startsWith('gone') ? done(refusal(550, '5.1.1 No such user')) : done(),
      }),
    )
    await acme.invite(`gone-${acme.id}@example.com`)
    await acme.invite()

    expect(await drain()).toEqual({ sent: 1, failed: 1, skipped: 0 })
    expect(received).toHaveLength(1)
    expect((await statuses(acme)).sort()).toEqual(['failed', 'sent'])
    expect(
      await acme.sql`select status_code from usher.suppressed_addresses
      where email = ${`gone-${acme.id}@example.com`}`,
    ).toEqual([{ status_code: '5.1.1' }])
  })

  test('takes nothing more once it has been told to stop', async ({ acme, database }) => {
    const { drain } = await worker(acme, database.url)
    await acme.invite()

    expect(await drain(AbortSignal.abort())).toEqual({ sent: 0, failed: 0, skipped: 0 })
    expect(await statuses(acme)).toEqual(['queued'])
  })

  test('keeps a token out of the audit trail and the deliveries', async ({ acme, database }) => {
    const { drain } = await worker(acme, database.url)
    await acme.invite()
    await drain()

    const kept = JSON.stringify([
      await acme.owner.select('organisation_audit_events'),
      await acme.owner.select('organisation_deliveries'),
    ])
    expect(kept).toContain('delivery.sent')
    expect(kept).not.toContain('inv_')
  })
})

describe('the function', () => {
  const secret = 'a-secret-of-the-worker'
  const counts = { sent: 3, failed: 0, skipped: 1 }
  const metrics: MailMetrics = {
    count() {},
    read: async () => 'usher_deliveries 1',
    contentType: 'text/plain',
  }
  const handler = createHandler({ drain: async () => counts, metrics, secret })
  const call = (init: RequestInit) => handler(new Request('https://functions.test/send-mail', init))

  test('sends for whoever knows the secret', async () => {
    const answer = await call({ method: 'POST', headers: { authorization: `Bearer ${secret}` } })

    expect([answer.status, await answer.json()]).toEqual([200, counts])
  })

  test.for([
    [401, { method: 'POST' }],
    [401, { method: 'POST', headers: { authorization: 'Bearer wrong' } }],
    [401, { method: 'POST', headers: { authorization: secret } }],
    [401, { method: 'POST', headers: { authorization: `Bearer ${secret} x` } }],
    [405, { method: 'GET', headers: { authorization: `Bearer ${secret}` } }],
  ] as const)('%i: %j', async ([status, init]) => {
    expect((await call(init)).status).toBe(status)
  })

  test('answers as JSON, and without the reason, when the database is away', async () => {
    const reason = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => reason.mockRestore())
    const drain = () => Promise.reject(new Error('at 10.0.0.1'))
    const broken = createHandler({ drain, metrics, secret })

    const answer = await broken(
      new Request('https://functions.test/send-mail', {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}` },
      }),
    )

    expect(answer.status).toBe(503)
    expect(JSON.stringify(await answer.json())).not.toContain('10.0.0.1')
    expect(reason).toHaveBeenCalledWith(expect.stringContaining('at 10.0.0.1'))
  })

  test('says that it is well to anyone, and how the mail is doing to whoever knows the secret', async () => {
    const get = (path: string, authorization = '') =>
      handler(
        new Request(`https://functions.test/send-mail/${path}`, { headers: { authorization } }),
      )

    expect((await get('health')).status).toBe(200)
    expect((await get('metrics')).status).toBe(401)
    expect(await (await get('metrics', `Bearer ${secret}`)).text()).toBe('usher_deliveries 1')
  })

  test('says that it is not well while the mail server refuses us, and to nobody why', async () => {
    const stopped = createHandler({
      drain: async () => counts,
      metrics: { ...metrics, isMailStopped: async () => true },
      secret,
    })
    const answer = await stopped(new Request('https://functions.test/send-mail/health'))

    expect(answer.status).toBe(503)
    expect((await answer.json()).status).toMatch(/^Mail is stopped/)
  })

  test('says that it is not well when the database does not answer', async () => {
    const read = () => Promise.reject(new Error('gone'))
    const sick = createHandler({
      drain: async () => counts,
      metrics: { ...metrics, read },
      secret,
    })

    expect((await sick(new Request('https://functions.test/send-mail/health'))).status).toBe(503)
  })
})

describe('the environment', () => {
  const good = {
    USHER_DATABASE_URL: 'postgres://usher_worker:x@localhost/postgres',
    USHER_WORKER_SECRET: 'a-secret-of-the-worker',
    SMTP_URL: 'smtps://user:p%40ss@mail.example.com:465',
    MAIL_FROM: 'Acme <no-reply@acme.example>',
  }

  test('is read into typed values', () => {
    expect(readMailEnvironment(good)).toMatchObject({
      databaseUrl: good.USHER_DATABASE_URL,
      from: { name: 'Acme', address: 'no-reply@acme.example' },
    })
  })

  test('takes an address without a name', () => {
    expect(readMailEnvironment({ ...good, MAIL_FROM: 'no-reply@acme.example' }).from).toEqual({
      name: '',
      address: 'no-reply@acme.example',
    })
  })

  test('one message names everything that is wrong', () => {
    const read = () =>
      readMailEnvironment({
        ...good,
        USHER_DATABASE_URL: undefined,
        SMTP_URL: 'http://x',
        MAIL_FROM: 'a\nb',
      })

    expect(read).toThrow(/USHER_DATABASE_URL is missing.*SMTP_URL is not.*MAIL_FROM is not/)
  })
})
