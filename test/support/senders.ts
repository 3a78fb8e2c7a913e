/**
 * Requests as mail providers send them, signed as each of them signs.
 *
 * @module
 */
import { createSign, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Agent } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import Validator from 'sns-payload-validator'
import { Webhook } from 'standardwebhooks'
import { onTestFinished } from 'vitest'

/** Of a sender of Standard Webhooks. */
export const secret = `whsec_${randomBytes(24).toString('base64')}`
/** Of the mail that all of the samples are about. */
export const ID = '00000000-0000-4000-8000-000000000001'
export const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:mail'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Serves Amazon's part, the key that a message names, until the test ends; answers what checks a message. */
export async function amazon() {
  const server = createServer((_request, response) => {
    response.end(publicKey.export({ type: 'spki', format: 'pem' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  const { port } = server.address() as AddressInfo
  const agent = new Agent()
  agent.createConnection = () => connect(port, '127.0.0.1')
  return (message: unknown) => new Validator({ requestAgent: agent }).validate(message as never)
}

/** The headers that make a body genuine. A text is signed as it is, anything else as JSON. */
export function signature(
  body: unknown,
  { prefix = 'webhook', at = new Date(), key = secret } = {},
) {
  const id = `msg_${randomUUID()}`
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
    [`${prefix}-signature`]: new Webhook(key).sign(id, at, text),
  }
}

/** Signed as Amazon SNS signs. Source: its developer guide, "Verifying the signatures" */
export function sns(fields: Record<string, string>) {
  const message: Record<string, string> = {
    MessageId: randomUUID(),
    Timestamp: new Date().toISOString(),
    TopicArn: TOPIC,
    Type: 'Notification',
    ...fields,
  }
  const signer = createSign('sha256WithRSAEncryption')
  const keys = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  for (const key of keys) if (message[key] !== undefined) signer.write(`${key}\n${message[key]}\n`)
  signer.end()
  return {
    ...message,
    SignatureVersion: '2',
    SigningCertURL: `https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-${'a'.repeat(32)}.pem`,
    Signature: signer.sign(privateKey, 'base64'),
  }
}

/** What Postmark was told to send. */
export const basic = { authorization: `Basic ${btoa('usher:a-password')}` }

export const resendBounce = {
  type: 'email.bounced',
  created_at: '2026-11-22T23:41:12.126Z',
  data: {
    email_id: '56761188-7520-42d8-8898-ff6fc54ce618',
    tags: { delivery_id: ID },
    bounce: { type: 'Permanent', subType: 'General', message: '550 5.1.1 No such user' },
  },
}

export const postmarkBounce = {
  RecordType: 'Bounce',
  ID: 692560173,
  Type: 'HardBounce',
  MessageID: '883953f4-6105-42a2-a16a-77a8eac79483',
  Metadata: { delivery_id: ID },
  Details: 'smtp;550 5.1.1 The email account does not exist',
  BouncedAt: '2026-11-05T16:33:54.9070259Z',
}

export const sesBounce = {
  eventType: 'Bounce',
  bounce: {
    bounceType: 'Permanent',
    bouncedRecipients: [{ status: '5.1.1', diagnosticCode: 'smtp; 550 5.1.1 user unknown' }],
    timestamp: '2026-11-27T14:59:38.237Z',
  },
  mail: { messageId: '00000138111222aa-33322211', tags: { delivery_id: [ID] } },
}
