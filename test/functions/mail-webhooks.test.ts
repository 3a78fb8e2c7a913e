import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { MailReport } from '../../functions/_shared/mail-report.ts'
import type { DeliveryEvent } from '../../functions/mail-webhooks/event.ts'
import { createHandler } from '../../functions/mail-webhooks/handler.ts'
import { createPostmarkReader } from '../../functions/mail-webhooks/postmark.ts'
import { createReportReader } from '../../functions/mail-webhooks/report.ts'
import { createSesReader } from '../../functions/mail-webhooks/ses.ts'
import { createStandardReader } from '../../functions/mail-webhooks/standard.ts'
import { failed, RETURN_PATH, reportMail, TAG } from '../support/mail-reports.ts'
import {
  amazon,
  basic,
  ID,
  postmarkBounce,
  resendBounce,
  secret,
  sesBounce,
  signature,
  sns,
  TOPIC,
} from '../support/senders.ts'

async function webhooks() {
  const recorded: (DeliveryEvent & { provider: string })[] = []
  const confirmed: string[] = []
  const reports: MailReport[] = []
  const handler = createHandler({
    readers: {
      resend: createStandardReader(secret),
      standard: createStandardReader(secret),
      postmark: createPostmarkReader('usher:a-password'),
      report: createReportReader('a-secret-of-the-pipe'),
      ses: createSesReader({
        topicArn: TOPIC,
        validate: await amazon(),
        confirm: async (url) => void confirmed.push(url.href),
      }),
    },
    async recordReport(report) {
      reports.push(report)
      return 'recorded'
    },
    async record(provider, event) {
      recorded.push({ provider, ...event })
      return 'recorded'
    },
  })
  const post = (provider: string, body: unknown, headers: Record<string, string> = {}) =>
    handler(
      new Request(`https://functions.test/mail-webhooks/${provider}`, {
        method: 'POST',
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    )
  return { handler, post, recorded, reports, confirmed }
}

describe('a bounce for good is read alike', () => {
  test.for([
    ['resend', resendBounce, signature(resendBounce, { prefix: 'svix' })],
    ['standard', resendBounce, signature(resendBounce)],
    ['postmark', postmarkBounce, basic],
    ['ses', sns({ Message: JSON.stringify(sesBounce) }), {}],
  ] as const)('from %s', async ([provider, body, headers]) => {
    const { post, recorded } = await webhooks()

    expect((await post(provider, body, headers)).status).toBe(200)
    expect(recorded).toEqual([
      {
        provider,
        eventId: expect.stringMatching(/./),
        kind: 'bounced',
        deliveryId: ID,
        providerMessageId: expect.stringMatching(/./),
        occurredAt: expect.stringMatching(/^2026-11-\d\dT/),
        isPermanent: true,
        response: expect.stringContaining('5.1.1'),
        statusCode: provider === 'resend' || provider === 'standard' ? null : '5.1.1',
      },
    ])
  })
})

describe('a mail server passes on what came back', () => {
  const pipe = { authorization: 'Bearer a-secret-of-the-pipe' }

  test('as it came, to the address that it came to', async () => {
    const { handler, reports } = await webhooks()
    const words = 'Grüße'
    // Not in UTF-8: some servers write as they always did.
    const body = Buffer.from(reportMail({ status: failed(), words, to: 'x@usher.test' }), 'latin1')
    const answer = await handler(
      new Request(
        `https://functions.test/mail-webhooks/report?to=${encodeURIComponent(RETURN_PATH)}`,
        {
          method: 'POST',
          headers: pipe,
          body,
        },
      ),
    )

    expect(answer.status).toBe(200)
    expect(reports).toMatchObject([
      { tag: TAG, about: 'address', recipients: ['new@example.com', 'new@example.com'] },
    ])
  })

  test('also with all of a long mail behind the report', async () => {
    const { post, reports } = await webhooks()

    expect(
      (await post('report', `${reportMail({ status: failed() })}${'x'.repeat(2_000_000)}`, pipe))
        .status,
    ).toBe(200)
    expect(reports).toHaveLength(1)
  })

  test('and anything else is taken and thrown away: nobody is there whom it could be sent back to', async () => {
    const { post, reports } = await webhooks()

    expect((await post('report', `To: ${RETURN_PATH}\r\n\r\nI am on holiday.`, pipe)).status).toBe(
      200,
    )
    expect(reports).toEqual([])
  })
})

describe('each kind is known by its name', () => {
  const of = (type: string) => ({ type, data: { delivery_id: ID } })
  const told = (eventType: string) => sns({ Message: JSON.stringify({ eventType, mail: {} }) })
  test.for([
    ['standard', of('email.delivered'), 'delivered'],
    ['standard', of('email.opened'), 'opened'],
    ['standard', of('email.complained'), 'complained'],
    ['standard', of('email.clicked'), null],
    ['postmark', { RecordType: 'Delivery', MessageID: 'm' }, 'delivered'],
    ['postmark', { RecordType: 'Open', MessageID: 'm' }, 'opened'],
    ['postmark', { RecordType: 'SpamComplaint', ID: 1 }, 'complained'],
    ['postmark', { RecordType: 'Bounce', Type: 'AutoResponder', ID: 2 }, null],
    ['postmark', { RecordType: 'SubscriptionChange' }, null],
    ['ses', told('Delivery'), 'delivered'],
    ['ses', told('Open'), 'opened'],
    ['ses', told('Complaint'), 'complained'],
    ['ses', told('Click'), null],
    ['ses', sns({ Message: 'Successfully validated SNS topic' }), null],
  ] as const)('%s, %j: %s', async ([provider, body, kind]) => {
    const { post, recorded } = await webhooks()

    const headers = { standard: signature(body), postmark: basic, ses: {} }[provider]
    expect((await post(provider, body, headers)).status).toBe(200)
    expect(recorded.map((event) => event.kind)).toEqual(kind ? [kind] : [])
  })
})

describe('a repetition has the same id', () => {
  test('from Postmark, which gives deliveries none', async () => {
    const { post, recorded } = await webhooks()
    const body = { RecordType: 'Delivery', MessageID: 'm-1' }
    await post('postmark', body, basic)
    await post('postmark', body, basic)
    await post('postmark', { ...body, MessageID: 'm-2' }, basic)

    const [one, again, other] = recorded.map((event) => event.eventId)
    expect(again).toBe(one)
    expect(other).not.toBe(one)
  })
})

describe('refuses', () => {
  const old = new Date(Date.now() - 600_000)
  const otherSecret = `whsec_${randomBytes(24).toString('base64')}`
  const forged = { ...sns({ Message: '{}' }), Message: '{"eventType":"Bounce"}' }
  test.for([
    ['no signature', 'resend', resendBounce, {}, 401],
    [
      'a signature of another',
      'resend',
      resendBounce,
      signature(resendBounce, { key: otherSecret }),
      401,
    ],
    ['a signature of something else', 'standard', resendBounce, signature({}), 401],
    [
      'what is ten minutes old',
      'standard',
      resendBounce,
      signature(resendBounce, { at: old }),
      401,
    ],
    ['no password', 'postmark', postmarkBounce, {}, 401],
    [
      'a wrong password',
      'postmark',
      postmarkBounce,
      { authorization: `Basic ${btoa('usher:x')}` },
      401,
    ],
    ['a pipe without its secret', 'report', reportMail({ status: failed() }), {}, 401],
    ['what is no JSON', 'postmark', 'x', basic, 400],
    ['what Amazon did not sign', 'ses', forged, {}, 401],
    [
      'a certificate of somebody else',
      'ses',
      { ...forged, SigningCertURL: 'https://evil.example/x.pem' },
      {},
      401,
    ],
    ['another topic', 'ses', sns({ Message: '{}', TopicArn: `${TOPIC}-x` }), {}, 403],
    [
      'a message of two hours ago',
      'ses',
      sns({ Message: '{}', Timestamp: new Date(Date.now() - 7_200_000).toISOString() }),
      {},
      401,
    ],
    ['a provider that is not set up', 'mailgun', {}, {}, 404],
    ['a provider by a name that every object has', 'constructor', {}, {}, 404],
    ['what is too long', 'postmark', 'x'.repeat(300_000), basic, 413],
  ] as const)('%s', async ([, provider, body, headers, status]) => {
    const { post, recorded } = await webhooks()

    expect((await post(provider, body, headers)).status).toBe(status)
    expect(recorded).toEqual([])
  })

  test('anything but POST', async () => {
    const { handler } = await webhooks()

    expect((await handler(new Request('https://functions.test/mail-webhooks/resend'))).status).toBe(
      405,
    )
  })
})

describe('Amazon SNS asks first whether it may report', () => {
  const ask = (SubscribeURL: string) =>
    sns({ Type: 'SubscriptionConfirmation', Message: 'x', Token: 't', SubscribeURL })

  test('and is told so at its own address only', async () => {
    const { post, confirmed } = await webhooks()
    const url = 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription'

    expect((await post('ses', ask(url))).status).toBe(200)
    expect((await post('ses', ask('https://evil.example/'))).status).toBe(403)
    expect(confirmed).toEqual([url])
  })
})

test('what could not be written down is asked for again', async () => {
  const handler = createHandler({
    readers: { postmark: createPostmarkReader('usher:a-password') },
    record: () => Promise.reject(new Error('gone')),
  })
  const request = new Request('https://functions.test/mail-webhooks/postmark', {
    method: 'POST',
    headers: basic,
    body: JSON.stringify(postmarkBounce),
  })

  expect((await handler(request)).status).toBe(503)
})
