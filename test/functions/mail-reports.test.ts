/**
 * Reports of servers in use, that mails came back, are late or have arrived. Their shapes are from RFC 3464 (its
 * appendix has them of four systems) and from the documents of each; addresses and hosts are replaced.
 */
import { describe, expect, test } from 'vitest'
import { readMailReport } from '../../functions/_shared/mail-report.ts'
import { failed, RETURN_PATH, reportMail, TAG } from '../support/mail-reports.ts'

const read = (status: string, options = {}) => readMailReport(reportMail({ status, ...options }))

describe('what a server says of one recipient', () => {
  test.for([
    // postfix.org/bounce.5.html
    ['Postfix', failed(), 'failed', 'address', '5.1.1'],
    [
      'Postfix, of a host that has no address',
      `Final-Recipient: rfc822; new@example.com
Action: failed
Status: 5.4.4
Diagnostic-Code: X-Postfix; Host or domain name not found. Name service error for
    name=example.com type=AAAA: Host not found`,
      'failed',
      'address',
      '5.4.4',
    ],
    [
      'Postfix, after five days of trying',
      `Final-Recipient: rfc822; new@example.com
Action: failed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.example.com[192.0.2.1]:25: Connection timed out`,
      'failed',
      'recipient',
      '4.4.1',
    ],
    // learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
    [
      'Exchange Online',
      `Final-Recipient: rfc822;new@example.com
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient new@example.com not found by SMTP address lookup`,
      'failed',
      'address',
      '5.1.10',
    ],
    [
      'Exchange Online, of us',
      `Final-Recipient: rfc822;new@example.com
Action: failed
Status: 5.7.606
Diagnostic-Code: smtp;550 5.7.606 Access denied, banned sending IP [203.0.113.1]`,
      'failed',
      'sender',
      '5.7.606',
    ],
    [
      'Exchange Online, of a server that was away',
      `Final-Recipient: rfc822;new@example.com
Action: failed
Status: 5.4.316
Diagnostic-Code: smtp;550 5.4.316 Message expired, connection refused`,
      'failed',
      'recipient',
      '5.4.316',
    ],
    [
      'Postfix, of a server that was away',
      `Final-Recipient: rfc822; new@example.com
Action: failed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.example.com[203.0.113.9]:25: Connection refused`,
      'failed',
      'recipient',
      '4.4.1',
    ],
    [
      'Postfix, of a DNS that was away, which says nothing of the address',
      `Final-Recipient: rfc822; new@example.com
Action: failed
Status: 4.4.3
Diagnostic-Code: X-Postfix; Host or domain name not found. Name service error for name=example.com: Host not found, try again`,
      'failed',
      'recipient',
      '4.4.3',
    ],
    [
      'Postfix, of one of those whom a list leads to',
      `Original-Recipient: rfc822;new@example.com
Final-Recipient: rfc822; bob@gone.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown`,
      'failed',
      'recipient',
      '5.1.1',
    ],
    // support.google.com/a/answer/3726730
    [
      'Gmail, whose own code says more than its status',
      `Final-Recipient: rfc822; new@example.com
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
 550 5.1.1 Please try double-checking the recipient's email address`,
      'failed',
      'address',
      '5.1.1',
    ],
    [
      'Gmail, of who sends',
      `Final-Recipient: rfc822; new@example.com
Action: failed
Status: 5.7.26
Diagnostic-Code: smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated.`,
      'failed',
      'sender',
      '5.7.26',
    ],
    // RFC 3464, appendix: sendmail
    [
      'sendmail, with a comment and the address in brackets',
      `Original-Recipient: rfc822;new@example.com
Final-Recipient: RFC822; <new@example.com>
Action: failed (bad address)
Status: 5.1.1 (user unknown)
Diagnostic-Code: SMTP; 550 User unknown`,
      'failed',
      'address',
      '5.1.1',
    ],
    [
      'a local program',
      `Final-Recipient: rfc822; new@example.com
Action: failed
Status: 5.0.0
Diagnostic-Code: x-unix; user unknown`,
      'failed',
      'address',
      '5.0.0',
    ],
    [
      'a mailbox that is full',
      failed('new@example.com', '5.2.2', 'Mailbox is full'),
      'failed',
      'recipient',
      '5.2.2',
    ],
    [
      'a text that was taken for spam',
      failed('new@example.com', '5.7.1', 'Message content rejected, spam'),
      'failed',
      'message',
      '5.7.1',
    ],
    [
      'nothing but that it failed',
      'Final-Recipient: rfc822; new@example.com\nAction: failed',
      'failed',
      null,
      null,
    ],
    [
      'one that is late',
      `Final-Recipient: rfc822; new@example.com
Action: delayed
Status: 4.4.1
Will-Retry-Until: Sat, 5 Dec 2026 08:00:00 +0000`,
      'delayed',
      'recipient',
      '4.4.1',
    ],
    [
      'one that arrived',
      'Final-Recipient: rfc822; new@example.com\nAction: delivered\nStatus: 2.0.0',
      'delivered',
      null,
      '2.0.0',
    ],
    [
      'one that was passed on',
      'Final-Recipient: rfc822; new@example.com\nAction: relayed\nStatus: 2.0.0',
      'relayed',
      null,
      '2.0.0',
    ],
    [
      'one to a list',
      'Final-Recipient: rfc822; new@example.com\nAction: expanded\nStatus: 2.0.0',
      'expanded',
      null,
      '2.0.0',
    ],
  ] as const)('%s', async ([, status, action, about, statusCode]) => {
    expect(await read(status)).toMatchObject([
      { tag: TAG, action, ...(action === 'failed' && { about }), statusCode },
    ])
    const [report] = await read(status)
    expect(report?.recipients).toContain('new@example.com')
  })

  test.for([
    ['German', 'Ihre Nachricht konnte nicht zugestellt werden: Empfänger unbekannt.'],
    ['Chinese', '您的郵件無法送達:查無此使用者。'],
    ['Arabic', 'تعذر تسليم رسالتك.'],
  ])('is in a part of its own, whatever stands in %s beside it', async ([, words]) => {
    expect(await read(failed(), { words })).toMatchObject([{ about: 'address' }])
  })

  test('is one of each, in a report of several', async () => {
    const reports = await read(
      [failed('one@example.com', '5.7.1', 'Relay access denied'), failed('two@example.com')].join(
        '\n\n',
      ),
    )

    expect(reports.map(({ recipients, about }) => [recipients[0], about])).toEqual([
      ['one@example.com', 'sender'],
      ['two@example.com', 'address'],
    ])
    expect(new Set(reports.map(({ eventId }) => eventId)).size).toBe(2)
  })

  test('names both to whom it was sent and to whom that was forwarded', async () => {
    const [report] = await read(`Original-Recipient: rfc822;new@example.com
Final-Recipient: rfc822; other@example.org
Action: failed
Status: 5.1.1`)

    expect(report?.recipients).toEqual(['new@example.com', 'other@example.org'])
  })

  // RFC 6533, and RFC 3461 section 4
  test.for([
    ['utf-8; jörg@example.com', 'jörg@example.com'],
    ['utf-8; j\\x{F6}rg@example.com', 'jörg@example.com'],
    ['rfc822;new+2Btag@example.com', 'new+tag@example.com'],
    ['rfc822;new+tag@example.com', 'new+tag@example.com'],
  ])('may have an address written as %s', async ([value, address]) => {
    const [report] = await read(`Final-Recipient: ${value}\nAction: failed\nStatus: 5.1.1`)

    expect(report?.recipients).toContain(address)
  })

  test('may be encoded, and of the kind for addresses that are not ASCII', async () => {
    const mail = reportMail({ status: failed(), contentType: 'message/global-delivery-status' })
    const [before = '', after = ''] = mail.split('message/global-delivery-status\r\n\r\n')
    const [status = '', ...rest] = after.split('\r\n--')
    const encoded = [
      `${before}message/global-delivery-status\r\nContent-Transfer-Encoding: base64\r\n`,
      [Buffer.from(status).toString('base64'), ...rest].join('\r\n--'),
    ].join('\r\n')

    expect(await readMailReport(encoded)).toMatchObject([{ about: 'address' }])
  })

  test('has the same id whenever it is read, and another for another', async () => {
    const id = async (status: string) => (await read(status))[0]?.eventId

    expect(await id(failed())).toBe(await id(failed()))
    expect(await id(failed())).not.toBe(await id(failed('new@example.com', '5.2.2')))
  })
})

describe('which mail it was is in the address that it came to', () => {
  test.for([
    ['that the mail server named', { sentTo: RETURN_PATH, to: 'postmaster@usher.test' }],
    ['in any case of letters', { sentTo: RETURN_PATH.toUpperCase(), to: 'x@usher.test' }],
    ['at the beginning of it', { sentTo: `${TAG}@bounces.usher.test`, to: 'x@usher.test' }],
    ['behind a hyphen', { sentTo: `bounces-${TAG}@usher.test`, to: 'x@usher.test' }],
    ['To', {}],
    ['X-Original-To', { to: 'x@usher.test', headers: `X-Original-To: ${RETURN_PATH}\n` }],
    ['Delivered-To', { to: 'x@usher.test', headers: `Delivered-To: <${RETURN_PATH}>\n` }],
    ['Envelope-To', { to: 'x@usher.test', headers: `Envelope-to: ${RETURN_PATH}\n` }],
  ] as const)('%s', async ([, options]) => {
    const mail = reportMail({ status: failed(), ...options })

    expect(await readMailReport(mail, 'sentTo' in options ? options.sentTo : null)).toMatchObject([
      { tag: TAG },
    ])
  })
})

describe('is no report', () => {
  test.for([
    // RFC 3834: these come to where a mail came from as well.
    [
      'an answer of somebody who is on holiday',
      `To: ${RETURN_PATH}\r\nAuto-Submitted: auto-replied\r\nSubject: Out of office\r\n\r\n550 5.1.1 No such user`,
    ],
    ['one to another address', reportMail({ to: 'bounces@usher.test', status: failed() })],
    [
      'one of which only what is returned names a mail of ours',
      reportMail({ to: 'x@usher.test', status: `${failed()}\nX-Sender: ${RETURN_PATH}` }),
    ],
    [
      'a mail with a report in its text',
      `To: ${RETURN_PATH}\r\nContent-Type: text/plain\r\n\r\n${failed()}`,
    ],
    ['nothing', ''],
    ['no mail', '\0'.repeat(100)],
    ['a report of nobody', reportMail({ status: '' })],
  ] as const)('%s', async ([, mail]) => {
    expect(await readMailReport(mail)).toEqual([])
  })

  test('what nests without end, and what has parts without end, takes no time', async () => {
    const start = performance.now()
    const nested = Array.from(
      { length: 5_000 },
      (_, i) => `--b${i}\r\nContent-Type: multipart/mixed; boundary=b${i + 1}\r\n\r\n`,
    )
    await readMailReport(
      `To: ${RETURN_PATH}\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n${nested.join('')}`,
    )
    await readMailReport(reportMail({ status: `${failed()}\n\n`.repeat(20_000) }))
    await readMailReport(reportMail({ status: 'Action: '.repeat(200_000) }))
    await readMailReport(reportMail({ status: '\n '.repeat(300_000) }))

    expect(performance.now() - start).toBeLessThan(20_000)
  })

  test('and of one with thousands of recipients, twenty are read', async () => {
    const status = Array.from({ length: 1_000 }, (_, i) => failed(`p${i}@example.com`)).join('\n\n')

    expect(await read(status)).toHaveLength(20)
  })
})
