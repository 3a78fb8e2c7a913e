/**
 * Amazon SES, by its HTTP API, version 2.
 * https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 *
 * SES gives each message a Message-ID of its own; ours goes along as a tag, which its events carry.
 *
 * @module
 */
import { AwsClient } from 'aws4fetch'
import { createTransport } from 'nodemailer'
import { OURS, post } from './http.ts'
import type { Message, Transport } from './index.ts'
import { toMail } from './smtp.ts'

export interface SesSettings {
  /** Such as eu-central-1. */
  region: string
  accessKeyId: string
  secretAccessKey: string
  /** Of temporary credentials. */
  sessionToken?: string | null
  /** Which configuration set tells what became of mails. */
  configurationSet?: string | null
}

/** Refusals that speak of the account and not of the mail, beside those that their status tells. */
const ABOUT_THE_ACCOUNT = [
  'AccountSuspendedException',
  'LimitExceededException',
  'MailFromDomainNotVerifiedException',
  'NotFoundException',
  'SendingPausedException',
]

/** @param options.url - for tests. Default: the endpoint of the region */
export function createSesTransport(
  settings: SesSettings,
  { url, timeout }: { url?: string; timeout?: number | undefined } = {},
): Transport {
  const { region, accessKeyId, secretAccessKey, sessionToken, configurationSet } = settings
  // Its own tries are switched off: SQL decides about them.
  const aws = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    service: 'ses',
    region,
    retries: 0,
  })
  const endpoint = url ?? `https://email.${region}.amazonaws.com`
  return {
    async send(message) {
      const request = toMime(message).then((raw) =>
        aws.sign(`${endpoint}/v2/email/outbound-emails`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            Content: { Raw: { Data: raw.toString('base64') } },
            Destination: { ToAddresses: [message.to] },
            EmailTags: [{ Name: 'delivery_id', Value: message.deliveryId }],
            ...(configurationSet && { ConfigurationSetName: configurationSet }),
          }),
        }),
      )
      return post(request, {
        timeout,
        messageId: (body) => body.MessageId,
        judge: ({ body }) => {
          const type = String(body.__type ?? body.code ?? '')
          // In the sandbox, too, a sender or recipient has to be verified first.
          const isUnverified = /not verified/i.test(String(body.message ?? ''))
          return isUnverified || ABOUT_THE_ACCOUNT.some((name) => type.includes(name)) ? OURS : null
        },
      })
    },
    close() {},
  }
}

/** The message as it goes over the wire. */
async function toMime(message: Message): Promise<Buffer> {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  const { message: raw } = await composer.sendMail(toMail(message))
  return raw as Buffer
}
