/**
 * Delivery status notifications as servers in use write them, for any mail of ours.
 *
 * @module
 */

export const TAG = `0001${'ab12'.repeat(8)}${'c'.repeat(16)}`
export const RETURN_PATH = `bounces+${TAG}@usher.test`

export interface ReportOptions {
  to?: string
  /** For people: of no meaning to us. */
  words?: string
  /** Lines of the part for machines, without those of the mail. */
  status: string
  headers?: string
  contentType?: string
}

/** In the shape that Postfix gives it. Source: postfix.org/bounce.5.html, and RFC 3464 appendix */
export function reportMail({
  to = RETURN_PATH,
  words = 'I could not deliver your message.',
  status,
  headers = '',
  contentType = 'message/delivery-status',
}: ReportOptions): string {
  return `Return-Path: <>
Date: Mon, 30 Nov 2026 08:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.test (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: ${to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4Q.1764.4Rw/mx.test"
Message-Id: <20261130080000.4Q@mx.test>
${headers}
This is a MIME-encapsulated message.

--4Q.1764.4Rw/mx.test
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

${words}

--4Q.1764.4Rw/mx.test
Content-Description: Delivery report
Content-Type: ${contentType}

Reporting-MTA: dns; mx.test
X-Postfix-Queue-ID: 4Q
X-Postfix-Sender: rfc822; ${to}
Arrival-Date: Mon, 30 Nov 2026 07:59:59 +0000 (UTC)

${status}

--4Q.1764.4Rw/mx.test
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

From: Acme <no-reply@usher.test>
To: new@example.com
Subject: Action: failed
Status: 5.1.1

--4Q.1764.4Rw/mx.test--
`.replaceAll('\n', '\r\n')
}

export const failed = (recipient = 'new@example.com', status = '5.1.1', words = 'No such user') =>
  `Final-Recipient: rfc822; ${recipient}
Original-Recipient: rfc822;${recipient}
Action: failed
Status: ${status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 ${status} <${recipient}>: ${words}`
