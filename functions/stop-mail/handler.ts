/**
 * `POST /stop-mail?token=stp_…`: a mail program's one click to stop invites of an organisation.
 *
 * It takes nothing but POST, because mail scanners follow links; the page for people is the console's
 * `/stop-mail`, where all organisations can be stopped at once. Source: RFC 8058
 *
 * @module
 */
import { logTrouble } from '../_shared/log.ts'

/** @param stop - takes the token; false when it is none of ours */
export function createHandler(stop: (token: string) => Promise<boolean>) {
  return async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') {
      return new Response('Use POST.', { status: 405, headers: { allow: 'POST' } })
    }
    const token = new URL(request.url).searchParams.get('token') ?? ''
    try {
      return (await stop(token))
        ? new Response('Stopped.')
        : new Response('This is not a link that we have sent.', { status: 404 })
    } catch (error) {
      logTrouble('stop_mail.failed', { error })
      return new Response('Please try again later.', { status: 503 })
    }
  }
}
