/**
 * Mails are signed as they arrive. Verified by mailauth, which has no code of the signer's.
 *
 * Source: a worker with DKIM_* set whose mails had no DKIM-Signature, found with a real Postfix.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readMailEnvironment, type Variables } from '../../functions/_shared/environment.ts'
import { toDkimKey } from '../../functions/_shared/transports/dkim-key.ts'
import type { Message } from '../../functions/_shared/transports/index.ts'
import { createSmtpTransport } from '../../functions/_shared/transports/smtp.ts'
import { certificate, privateKey as certificateKey } from '../support/certificate.ts'
import { startSmtpServer } from '../support/smtp.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = (type: 'pkcs1' | 'pkcs8', key: KeyObject = privateKey) =>
  key.export({ type, format: 'pem' }).toString()
const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`

const message: Message = {
  deliveryId: 'delivery-1',
  id: 'delivery-1@usher.test',
  from: { name: 'Åsa via Ünïted', address: 'no-reply@usher.test' },
  to: 'new@example.com',
  replyTo: 'hr@acme.example',
  subject: `Grüße: ${'a long subject that is folded '.repeat(8)}`,
  html: `<p>Zażółć ${'gęślą jaźń '.repeat(400)}</p>`,
  text: 'A line that begins with a dot\n.\n..\n.hidden\n\n\ntrailing blanks   \n\n\n',
  oneClickStopUrl: 'https://usher.test/stop-mail?token=stp_1',
  trackOpens: false,
}

/** What DNS would say, and nothing else. */
const verify = (raw: string) =>
  dkimVerify(raw, {
    resolver: async (name: string) => {
      if (name === 'mail._domainkey.usher.test') return [[record]]
      throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
    },
  } as object)

async function arrived(change: Partial<Message> = {}, options = {}) {
  const server = await startSmtpServer({
    disabledCommands: [],
    key: certificateKey,
    cert: certificate,
    onAuth: (_auth, _session, done) => done(null, { user: 'app' }),
    ...options,
  })
  server.url.username = 'app'
  server.url.password = 'secret'
  const transport = createSmtpTransport(server.url, {
    ca: certificate,
    dkim: { domain: 'usher.test', selector: 'mail', privateKey: toDkimKey(pem('pkcs1')) },
  })
  onTestFinished(async () => {
    transport.close()
    await server.stop()
  })
  expect(await transport.send({ ...message, ...change })).toMatchObject({ ok: true })
  return server.received[0]?.raw ?? ''
}

describe('a mail that was sent through STARTTLS and AUTH', () => {
  test.for([
    ['as it is', {}],
    ['to an address that is not ASCII', { to: 'jörg@example.com' }],
    ['with a text of a megabyte', { text: 'Hello\n'.repeat(200_000) }],
    ['of one line', { text: 'x'.repeat(10_000), html: '' }],
  ] as const)('%s arrives with a signature that holds', async ([, change]) => {
    const raw = await arrived(change)

    const { results } = await verify(raw)
    expect(results).toMatchObject([
      {
        status: { result: 'pass', aligned: 'usher.test' },
        signingDomain: 'usher.test',
        selector: 'mail',
      },
    ])
    const [signed = ''] = raw.match(/^DKIM-Signature:[\s\S]*?(?=\r\n\S)/) ?? []
    for (const header of ['from', 'to', 'subject', 'date', 'message-id', 'list-unsubscribe']) {
      expect(signed.replace(/\s/g, '')).toMatch(new RegExp(`h=[^;]*\\b${header}\\b`))
    }
  })

  test('holds no longer once a word of it was changed', async () => {
    const { results } = await verify((await arrived()).replace('hidden', 'visible'))

    expect(results).toMatchObject([{ status: { result: 'neutral' } }])
  })
})

const complete: Variables = {
  USHER_DATABASE_URL: 'postgres://usher_worker@db.test/postgres',
  USHER_WORKER_SECRET: 'a-secret-of-sixteen',
  MAIL_FROM: 'Usher <no-reply@usher.test>',
  SMTP_URL: 'smtp://127.0.0.1:1',
  DKIM_DOMAIN: 'usher.test',
  DKIM_SELECTOR: 'mail',
}

const oneLine = (text: string) => text.trim().replaceAll('\n', '\\n')
const armour = /-----[A-Z ]+-----|\n/g
const SHAPES: [string, string][] = [
  ['PKCS#1', pem('pkcs1')],
  ['PKCS#8', pem('pkcs8')],
  ['with Windows line ends', pem('pkcs8').replaceAll('\n', '\r\n')],
  ['with line breaks as \\n', oneLine(pem('pkcs8'))],
  ['with line breaks as \\r\\n', pem('pkcs1').trim().replaceAll('\n', '\\r\\n')],
  ['in quotes', `"${oneLine(pem('pkcs8'))}"`],
  ['on one line with blanks', pem('pkcs1').replaceAll('\n', ' ')],
  ['without its first and last line, PKCS#1', pem('pkcs1').replace(armour, '')],
  ['without its first and last line, PKCS#8', pem('pkcs8').replace(armour, '')],
  ['encoded once more', Buffer.from(pem('pkcs1')).toString('base64')],
  ['with blanks around it', `\n  ${pem('pkcs8')}\n\n`],
]

describe('the key is taken', () => {
  test.for(SHAPES)('%s', ([, DKIM_PRIVATE_KEY]) => {
    const { transport } = readMailEnvironment({ ...complete, DKIM_PRIVATE_KEY })

    expect(transport).toMatchObject({ dkim: { privateKey: pem('pkcs8') } })
  })
})

describe('what cannot sign is said at the start', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey
  const edwards = generateKeyPairSync('ed25519').privateKey
  const locked = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString()
  test.for([
    ['no key', 'secret', /DKIM_PRIVATE_KEY is no private key/],
    ['half a key', pem('pkcs8').slice(0, 900), /DKIM_PRIVATE_KEY is no private key/],
    [
      'half a key without its first line',
      pem('pkcs8').replace(armour, '').slice(0, 900),
      /not a whole one/,
    ],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString(), /private key/],
    ['a certificate', certificate, /DKIM_PRIVATE_KEY is a certificate/],
    ['a key with a password', locked, /is encrypted with a password/],
    ['a key of 512 bits', pem('pkcs8', small), /512 bits/],
    // Source: RFC 8463 asks verifiers for it, and Gmail and Outlook report such a signature as none.
    ['an Ed25519 key', pem('pkcs8', edwards), /ed25519.*RSA/],
    ['an elliptic key', certificateKey, /\bec\b.*RSA/],
  ] as const)('%s', ([, DKIM_PRIVATE_KEY, problem]) => {
    const read = () => readMailEnvironment({ ...complete, DKIM_PRIVATE_KEY })

    expect(read).toThrow(problem)
    // Of a secret, nothing is repeated.
    expect(read).not.toThrow(DKIM_PRIVATE_KEY.slice(-80, -40) || DKIM_PRIVATE_KEY)
  })

  test('a domain and a selector without a key, and a key without them', () => {
    expect(() => readMailEnvironment(complete)).toThrow(/DKIM_PRIVATE_KEY is missing/)
    const { DKIM_DOMAIN: _1, DKIM_SELECTOR: _2, ...rest } = complete
    expect(() => readMailEnvironment({ ...rest, DKIM_PRIVATE_KEY: pem('pkcs8') })).toThrow(
      /DKIM_DOMAIN is missing.*DKIM_SELECTOR is missing/,
    )
  })
})

test('a key that does not sign after all sends no mail that nobody has signed', async () => {
  const { url, received, stop } = await startSmtpServer()
  const transport = createSmtpTransport(url, {
    dkim: { domain: 'usher.test', selector: 'mail', privateKey: 'none' },
  })
  onTestFinished(async () => {
    transport.close()
    await stop()
  })

  expect(await transport.send(message)).toMatchObject({
    ok: false,
    failure: 'temporary',
    about: 'sender',
  })
  expect(received).toEqual([])
})
