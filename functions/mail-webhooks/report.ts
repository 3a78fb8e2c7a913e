/**
 * A mail server that posts what came back, as it came: a pipe of Postfix or Exim, or the inbound mail of a provider.
 * docs/mail.md says how to set one up.
 *
 * @module
 */
import { readMailReport } from '../_shared/mail-report.ts'
import { knowsSecret } from '../_shared/worker-request.ts'
import type { Reader } from './event.ts'

/** @param secret - what it sends as a bearer token. That a report is genuine is in the address that it came to. */
export function createReportReader(secret: string): Reader {
  return async (request, _body, bytes) => {
    if (!(await knowsSecret(request, secret))) {
      return { refusal: 'Send MAIL_REPORT_SECRET as a bearer token.', status: 401 }
    }
    const sentTo = new URL(request.url).searchParams.get('to')
    return { reports: await readMailReport(bytes, sentTo) }
  }
}
