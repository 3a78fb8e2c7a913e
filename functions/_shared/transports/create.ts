/**
 * The transport that the environment asks for.
 *
 * @module
 */
import type { TransportSettings } from '../environment.ts'
import type { Transport } from './index.ts'
import { createPostmarkTransport } from './postmark.ts'
import { createResendTransport } from './resend.ts'
import { createSesTransport } from './ses.ts'
import { createSmtpTransport } from './smtp.ts'

export function createTransport(settings: TransportSettings): Transport {
  switch (settings.name) {
    case 'smtp':
      return createSmtpTransport(settings.url, settings)
    case 'resend':
      return createResendTransport(settings.apiKey)
    case 'postmark':
      return createPostmarkTransport(settings.serverToken, { stream: settings.stream })
    case 'ses':
      return createSesTransport(settings)
  }
}
