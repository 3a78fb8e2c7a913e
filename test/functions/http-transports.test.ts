import PostalMime from 'postal-mime'
import { describe, expect, test } from 'vitest'
import type { Message, Transport } from '../../functions/_shared/transports/index.ts'
import { createPostmarkTransport } from '../../functions/_shared/transports/postmark.ts'
import { createResendTransport } from '../../functions/_shared/transports/resend.ts'
import { createSesTransport } from '../../functions/_shared/transports/ses.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { type Reply, startProvider } from '../support/http.ts'

const ID = '00000000-0000-4000-8000-000000000001'

const message: Message = {
  deliveryId: ID,
  id: `${ID}@usher.test`,
  from: { name: 'Acme "The" Company', address: 'no-reply@usher.test' },
  to: 'new@example.com',
  replyTo: 'hr@acme.example',
  subject: 'Grüße',
  html: '<p>Hello</p>',
  text: 'Hello',
  oneClickStopUrl: 'https://api.example.com/stop-mail?token=stp_x',
  trackOpens: true,
}

const PROVIDERS = {
  resend: {
    create: (url: string) => createResendTransport('re_key', { url, timeout: 2_000 }),
    taken: { status: 200, body: { id: 'provider-1' } },
  },
  postmark: {
    create: (url: string) => createPostmarkTransport('token', { url, timeout: 2_000 }),
    taken: { status: 200, body: { ErrorCode: 0, Message: 'OK', MessageID: 'provider-1' } },
  },
  ses: {
    create: (url: string) =>
      createSesTransport(
        { region: 'eu-central-1', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
        { url, timeout: 2_000 },
      ),
    taken: { status: 200, body: { MessageId: 'provider-1' } },
  },
} satisfies Record<string, { create(url: string): Transport; taken: Reply }>

const NAMES = Object.keys(PROVIDERS) as (keyof typeof PROVIDERS)[]

async function send(name: keyof typeof PROVIDERS, ...script: Reply[]) {
  const provider = await startProvider(...script)
  const outcome = await PROVIDERS[name].create(provider.url).send(message)
  return { outcome, received: provider.received }
}

describe.for(NAMES)('%s', (name) => {
  test('gives back its own id of a mail that it has taken', async () => {
    const { outcome } = await send(name, PROVIDERS[name].taken)

    expect(outcome).toMatchObject({ ok: true, providerMessageId: 'provider-1' })
  })

  test.for([
    ['a mail that is wrong in itself', 400, 'permanent'],
    ['a wrong key', 401, 'temporary'],
    ['an account that may not', 403, 'temporary'],
    ['too many at once', 429, 'temporary'],
    ['trouble of its own', 500, 'temporary'],
  ] as const)('%s (%i) is %s', async ([, status, failure]) => {
    const { outcome } = await send(name, { status, body: { message: 'No' } })

    expect(outcome).toMatchObject({ ok: false, failure })
  })

  test('that is not there has taken nothing', async () => {
    const outcome = await PROVIDERS[name]
      .create(`http://127.0.0.1:${await freePort()}`)
      .send(message)

    expect(outcome).toMatchObject({ ok: false, failure: 'temporary' })
  })
})

describe('resend', () => {
  test('gets the delivery as idempotency key, tag and Message-ID', async () => {
    const { received } = await send('resend', PROVIDERS.resend.taken)

    expect(received[0]).toMatchObject({
      path: '/emails',
      headers: { authorization: 'Bearer re_key', 'idempotency-key': ID },
      body: {
        from: '"Acme \\"The\\" Company" <no-reply@usher.test>',
        to: ['new@example.com'],
        reply_to: 'hr@acme.example',
        subject: 'Grüße',
        tags: [{ name: 'delivery_id', value: ID }],
        headers: {
          'Message-ID': `<${ID}@usher.test>`,
          'List-Unsubscribe': '<https://api.example.com/stop-mail?token=stp_x>',
          'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        },
      },
    })
  })

  test('that has taken an earlier try under the same key is believed', async () => {
    const { outcome } = await send('resend', {
      status: 409,
      body: { name: 'invalid_idempotent_request', message: 'Same key, another body' },
    })

    expect(outcome).toMatchObject({ ok: true, providerMessageId: null })
  })

  test('may be asked again when its answer is lost: the key tells', async () => {
    expect((await send('resend', 'hang up')).outcome).toMatchObject({ failure: 'temporary' })
  })
})

describe('postmark', () => {
  test('keeps our Message-ID, and gives the delivery back with its webhooks', async () => {
    const { received } = await send('postmark', PROVIDERS.postmark.taken)

    expect(received[0]).toMatchObject({
      path: '/email',
      headers: { 'x-postmark-server-token': 'token' },
      body: {
        To: 'new@example.com',
        ReplyTo: 'hr@acme.example',
        Metadata: { delivery_id: ID },
        MessageStream: 'outbound',
        TrackOpens: true,
        Headers: expect.arrayContaining([
          { Name: 'Message-ID', Value: `<${ID}@usher.test>` },
          { Name: 'X-PM-KeepID', Value: 'true' },
        ]),
      },
    })
  })

  test.for([
    [406, 'an address that it has given up', 'permanent'],
    [300, 'an address that is none', 'permanent'],
    [400, 'a sender that is not confirmed', 'temporary'],
    [405, 'an account without credit', 'temporary'],
  ] as const)('of its code %i, %s, it is %s', async ([ErrorCode, , failure]) => {
    const { outcome } = await send('postmark', { status: 422, body: { ErrorCode, Message: 'No' } })

    expect(outcome).toMatchObject({ ok: false, failure })
  })

  test('whose answer is lost may have taken it', async () => {
    expect((await send('postmark', 'hang up')).outcome).toMatchObject({ failure: 'in_doubt' })
  })
})

describe('ses', () => {
  test('gets the whole message, signed for its region, with the delivery as a tag', async () => {
    const { received } = await send('ses', PROVIDERS.ses.taken)

    const [request] = received
    expect(request).toMatchObject({
      path: '/v2/email/outbound-emails',
      headers: {
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/ses\/aws4_request/,
        ),
      },
      body: {
        Destination: { ToAddresses: ['new@example.com'] },
        EmailTags: [{ Name: 'delivery_id', Value: ID }],
      },
    })
    const content = request?.body.Content as { Raw: { Data: string } }
    const mail = await PostalMime.parse(Buffer.from(content.Raw.Data, 'base64'))
    expect(mail).toMatchObject({
      subject: 'Grüße',
      text: 'Hello\n',
      messageId: `<${ID}@usher.test>`,
      from: { name: 'Acme "The" Company' },
    })
  })

  test.for([
    [{ message: 'Email address is not verified.' }, 400],
    [{ __type: 'SendingPausedException' }, 400],
    [{ __type: 'MailFromDomainNotVerifiedException' }, 400],
    [{ __type: 'NotFoundException', message: 'Configuration set' }, 404],
  ] as const)('%j is for the operator to mend', async ([body, status]) => {
    expect((await send('ses', { status, body })).outcome).toMatchObject({ failure: 'temporary' })
  })

  test('whose answer is lost may have taken it', async () => {
    expect((await send('ses', 'hang up')).outcome).toMatchObject({ failure: 'in_doubt' })
  })
})
