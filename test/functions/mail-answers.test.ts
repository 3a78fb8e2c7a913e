/**
 * What servers in use say when they do not take a mail, word for word, and what that means here. Each line says where
 * its words are from; addresses and hosts are replaced.
 */
import { describe, expect, test } from 'vitest'
import { judge, type Step } from '../../functions/_shared/transports/answers.ts'

const recipient = 'new@example.com'

type Means = 'address' | 'recipient' | 'message' | 'sender' | null
type Row = readonly [step: Step, text: string, means: Means]

const GMAIL = 'https://support.google.com/a/answer/3726730'
const EXCHANGE =
  'https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online'
const OUTLOOK = 'https://sendersupport.olc.protection.outlook.com/pm/troubleshooting.aspx'
const SES = 'https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html'
const POSTFIX = 'https://www.postfix.org/postconf.5.html'
const EXIM =
  'https://www.exim.org/exim-html-current/doc/html/spec_html/ch-access_control_lists.html'
const SENDMAIL = 'sendmail 8, cf/m4/proto.m4'
const RFC = 'https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3'
const YAHOO = 'https://senders.yahooinc.com/smtp-error-codes/'
const GEN_SMTP = 'https://github.com/gen-smtp/gen_smtp/issues/140'
const OPENSMTPD = 'https://github.com/OpenSMTPD/OpenSMTPD/issues/65'

/** Never again. */
const FINAL: Record<string, Row[]> = {
  [GMAIL]: [
    [
      'recipient',
      "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550 5.1.1 unnecessary spaces.",
      'address',
    ],
    ['recipient', '550 5.2.1 The email account that you tried to reach is disabled.', 'recipient'],
    [
      'recipient',
      '550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.',
      'recipient',
    ],
    [
      'recipient',
      '552 5.2.2 The email account that you tried to reach is over quota.',
      'recipient',
    ],
    ['recipient', '553 5.1.2 We weren’t able to find the recipient domain.', 'address'],
    [
      'recipient',
      '553-5.1.3 The recipient address <new@example.com> is not a valid RFC-5321 address.',
      'address',
    ],
    ['data', "552 5.3.4 Your message exceeded Google's message size limits.", 'message'],
    ['data', '552-5.3.4 The number of attachments (501) exceeds 500.\n552 5.3.4', 'message'],
    ['data', '550 5.6.0 Mail message is malformed. Not accepted.', 'message'],
  ],
  [EXCHANGE]: [
    [
      'recipient',
      '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient new@example.com not found by SMTP address lookup',
      'address',
    ],
    [
      'recipient',
      '550 5.4.1 Recipient address rejected: Access denied. [HE1EUR01FT001.eop-EUR01.prod.protection.outlook.com]',
      'recipient',
    ],
    [
      'recipient',
      '550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed',
      'recipient',
    ],
    ['recipient', '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required', 'recipient'],
    [
      'data',
      '554 5.6.0 STOREDRV.Deliver.Exception:ConversionFailedException; invalid message content',
      'message',
    ],
    ['report', '550 5.4.310 DNS domain example.com does not exist', 'address'],
    ['data', '554 5.4.14 Hop count exceeded - possible mail loop', 'recipient'],
  ],
  [OUTLOOK]: [
    [
      'recipient',
      '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).',
      'recipient',
    ],
  ],
  [POSTFIX]: [
    [
      'recipient',
      '550 5.1.1 <new@example.com>: Recipient address rejected: User unknown in virtual mailbox table',
      'address',
    ],
    [
      'recipient',
      '550 5.1.1 <new@example.com>: Recipient address rejected: User unknown in relay recipient table',
      'address',
    ],
    [
      'recipient',
      '550 5.1.1 <new@example.com>: Recipient address rejected: undeliverable address: host mx.example.com said: 550 User unknown',
      'address',
    ],
    [
      'recipient',
      '554 5.7.1 <new@example.com>: Recipient address rejected: Access denied',
      'recipient',
    ],
    [
      'recipient',
      '556 5.1.10 <new@example.com>: Recipient address rejected: Domain example.com does not accept mail (nullMX)',
      'address',
    ],
    ['sender', '552 5.3.4 Message size exceeds fixed limit', 'message'],
    ['report', '552 5.2.2 <new@example.com>: Mailbox is full / Quota exceeded', 'recipient'],
  ],
  [EXIM]: [
    ['recipient', '550 Unrouteable address', 'address'],
    ['recipient', '550 Unknown user', 'address'],
    ['data', '552 Message size exceeds maximum permitted', 'message'],
  ],
  [YAHOO]: [
    [
      'recipient',
      '554 delivery error: dd Sorry your message to new@example.com cannot be delivered. This mailbox is disabled (554.30).',
      'recipient',
    ],
    ['recipient', '552 1 Requested mail action aborted, mailbox not found', 'address'],
    [
      'recipient',
      "554 delivery error: dd This user doesn't have a yahoo.com account (new@example.com) [0]",
      'address',
    ],
  ],
  [SENDMAIL]: [['recipient', '550 5.1.1 <new@example.com>... User unknown', 'address']],
  [RFC]: [
    ['recipient', '550 Requested action not taken', 'recipient'],
    ['recipient', '551 User not local; please try <new@example.org>', 'recipient'],
    ['recipient', '552 Requested mail action aborted: exceeded storage allocation', 'recipient'],
    ['recipient', '553 Requested action not taken: mailbox name not allowed', 'recipient'],
    ['recipient', '556 No mail here', 'address'],
    ['recipient', '550 5.7.17 Mailbox owner has changed', 'address'],
    ['recipient', '553 5.6.7 Non-ASCII addresses not permitted', 'recipient'],
    ['data', '550 5.6.1 Media not supported', 'message'],
  ],
  'HCL Domino': [
    [
      'recipient',
      '550 new@example.com... No such user (not listed in Domino Directory)',
      'address',
    ],
  ],
  'Cisco Secure Email, its Recipient Access Table': [
    ['recipient', '550 #5.1.0 Address rejected.', 'recipient'],
    ['recipient', '550 #5.1.1 Unknown address', 'address'],
  ],
}

/** Again later, and no mail is lost over it. */
const LATER: Record<string, Row[]> = {
  // Of who sends, by words in which the recipient stands as well.
  'https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html, of rights': [
    [
      'data',
      "554 Access denied: User 'arn:aws:iam::1:user/ses' is not authorized to perform 'ses:SendRawEmail' on resource",
      'sender',
    ],
  ],
  'https://cr.yp.to/qmail.html, qmail-smtpd': [
    [
      'recipient',
      "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
      'sender',
    ],
  ],
  'https://www.twilio.com/docs/sendgrid/for-developers/sending-email/sender-identity': [
    [
      'data',
      '550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.',
      'sender',
    ],
    ['data', '550 The from email does not contain a valid address', 'sender'],
    ['session', '451 Authentication failed: Maximum credits exceeded', 'sender'],
  ],
  [`${EXCHANGE}, of a limit`]: [
    [
      'data',
      "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
      'sender',
    ],
    ['recipient', '550 5.1.90 Recipient limit exceeded', 'sender'],
  ],
  [`${YAHOO}, of a host`]: [
    [
      'recipient',
      '553 5.7.2 [TSS09] All messages from 203.0.113.1 will be permanently deferred',
      'sender',
    ],
    ['recipient', '550 Too many invalid recipients', 'sender'],
  ],
  [`${GMAIL}, of a content`]: [
    [
      'data',
      '552-5.7.0 This message was blocked because its content presents a potential\n552 5.7.0 security issue.',
      'message',
    ],
    ['data', '550 5.7.1 Message rejected due to content restrictions', 'message'],
  ],
  [GEN_SMTP]: [
    ['sender', '550 5.4.5 Daily user sending limit exceeded', 'sender'],
    ['data', '550 5.4.5 Daily user sending limit exceeded', 'sender'],
  ],
  [OPENSMTPD]: [
    ['recipient', '554 5.7.1 Relay access denied', 'sender'],
    ['recipient', '554 5.7.1 <new@example.com>: Relay access denied', 'sender'],
  ],
  [GMAIL]: [
    [
      'data',
      '550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\n550 5.4.5 sending limits go to https://support.google.com/a/answer/166852 - gsmtp',
      'sender',
    ],
    [
      'data',
      '550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.',
      'sender',
    ],
    [
      'data',
      '550 5.7.1 Our system has detected that this message is likely unsolicited mail.',
      'message',
    ],
    [
      'data',
      '552 5.7.0 This message was blocked because its content presents a potential security issue: virus',
      'message',
    ],
    [
      'recipient',
      '450 4.2.1 The user you are trying to contact is receiving mail too quickly.',
      'recipient',
    ],
    [
      'recipient',
      '452 4.2.2 The email account that you tried to reach is over quota.',
      'recipient',
    ],
    ['session', '421 4.7.0 IP not in whitelist for RCPT domain, closing connection.', null],
    [
      'data',
      '421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address.',
      'sender',
    ],
    ['session', '534 5.7.9 Application-specific password required.', 'sender'],
    ['sender', '530 5.7.0 Must issue a STARTTLS command first', 'sender'],
    [
      'recipient',
      '550 5.7.1 Invalid credentials for relay [203.0.113.1]. The IP address you have registered is not valid',
      'sender',
    ],
  ],
  [EXCHANGE]: [
    ['data', '550 5.7.60 SMTP; Client does not have permissions to send as this sender', 'sender'],
    [
      'data',
      '554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied',
      'sender',
    ],
    [
      'data',
      '554 5.2.252 SendAsDenied; app@example.com not allowed to send as no-reply@example.com',
      'sender',
    ],
    ['data', '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException', 'sender'],
    [
      'recipient',
      '550 5.7.606 Access denied, banned sending IP [203.0.113.1]. To request removal visit',
      'sender',
    ],
    ['data', '550 5.1.8 Access denied, bad outbound sender', 'sender'],
    ['data', '550 5.7.501 Service unavailable. Spam abuse detected from account', 'message'],
    ['recipient', '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain', 'sender'],
    ['recipient', '550 5.7.1 Unable to relay for new@example.com', 'sender'],
    [
      'data',
      '550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.',
      'sender',
    ],
    [
      'recipient',
      '550 5.7.23 The message was rejected because of Sender Policy Framework violation',
      'sender',
    ],
    [
      'data',
      '432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending.',
      'sender',
    ],
    [
      'data',
      '550 5.3.190 Journaling on-premises messages to Microsoft 365 not supported',
      'sender',
    ],
  ],
  [OUTLOOK]: [
    [
      'sender',
      "550 5.7.1 Unfortunately, messages from [203.0.113.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).",
      'sender',
    ],
    ['session', '421 RP-001 Unfortunately, some messages from 203.0.113.1 were not sent', null],
  ],
  [SES]: [
    [
      'data',
      '554 Message rejected: Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: no-reply@example.com',
      'sender',
    ],
    ['data', '454 Throttling failure: Daily message quota exceeded', 'sender'],
    ['data', '454 Throttling failure: Maximum sending rate exceeded', 'sender'],
    [
      'data',
      '554 Message rejected: Sending suspended for this account. For more information, please check the inbox',
      'sender',
    ],
    ['session', '535 Authentication Credentials Invalid', 'sender'],
    [
      'session',
      '554 Access denied: User `arn:aws:iam::1:user/a` is not authorized to perform `ses:SendRawEmail`',
      'sender',
    ],
  ],
  [POSTFIX]: [
    ['recipient', '454 4.7.1 <new@example.com>: Relay access denied', 'sender'],
    [
      'recipient',
      '554 5.7.1 <no-reply@usher.test>: Sender address rejected: Access denied',
      'sender',
    ],
    [
      'recipient',
      '553 5.7.1 <no-reply@usher.test>: Sender address rejected: not owned by user app',
      'sender',
    ],
    [
      'recipient',
      '450 4.1.8 <no-reply@usher.test>: Sender address rejected: Domain not found',
      'sender',
    ],
    [
      'recipient',
      '554 5.7.1 <unknown[203.0.113.1]>: Client host rejected: Access denied',
      'sender',
    ],
    [
      'recipient',
      '554 5.7.1 Service unavailable; Client host [203.0.113.1] blocked using zen.spamhaus.org',
      'sender',
    ],
    [
      'recipient',
      '504 5.5.2 <app>: Helo command rejected: need fully-qualified hostname',
      'sender',
    ],
    [
      'recipient',
      '550 5.7.23 <new@example.com>: Recipient address rejected: Message rejected due to: SPF fail - not authorized',
      'sender',
    ],
    [
      'recipient',
      '450 4.7.1 <new@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example.com',
      null,
    ],
    [
      'recipient',
      '450 4.2.0 <new@example.com>: Recipient address rejected: Greylisted',
      'recipient',
    ],
    [
      'recipient',
      '450 4.1.1 <new@example.com>: Recipient address rejected: unverified address: connect to mx: timed out',
      'address',
    ],
    ['sender', '452 4.3.1 Insufficient system storage', null],
    ['data', '451 4.3.0 Error: queue file write error', null],
    ['recipient', '451 4.3.5 Server configuration error', null],
    ['sender', '530 5.7.0 Authentication required', 'sender'],
  ],
  [EXIM]: [
    [
      'recipient',
      '550-Verification failed for <no-reply@usher.test>\n550-No Such User Here\n550 Sender verify failed',
      'sender',
    ],
    ['recipient', '550 relay not permitted', 'sender'],
    ['data', '550 This message was classified as SPAM', 'message'],
    ['data', '451 Temporary local problem - please try later', null],
  ],
  [SENDMAIL]: [
    [
      'sender',
      '553 5.1.8 <no-reply@usher.test>... Domain of sender address no-reply@usher.test does not exist',
      'sender',
    ],
    ['sender', '501 5.1.7 Bad sender address syntax', 'sender'],
    [
      'recipient',
      '550 5.7.1 <new@example.com>... Relaying denied. Proper authentication required.',
      'sender',
    ],
    ['data', '554 5.7.1 Command rejected', 'sender'],
  ],
  [RFC]: [
    ['sender', '550 5.1.1 No', 'sender'],
    ['sender', '553 No', 'sender'],
    ['sender', '550 5.7.1 Account disabled', 'sender'],
    ['data', '550 5.7.1 Account disabled', 'sender'],
    ['data', '554 Transaction failed', 'message'],
    ['data', '552 5.3.1 Mail system full', 'sender'],
    ['recipient', '550 5.7.0 Policy', 'sender'],
    ['recipient', '503 5.5.1 Bad sequence of commands', 'sender'],
    ['recipient', '421 4.3.2 Shutting down', null],
    ['session', '554 No SMTP service here', 'sender'],
    ['session', '521 Server does not accept mail', 'sender'],
    ['session', '421 Try later', null],
    // A code for good and another for now.
    ['recipient', '550 4.2.2 Mailbox full', 'recipient'],
    ['recipient', '450 5.1.1 Unknown', 'address'],
  ],
}

const rows = (table: Record<string, Row[]>) =>
  Object.entries(table).flatMap(([source, list]) => list.map((row) => [...row, source] as const))

describe('never tried again: what is of the recipient, or cannot be otherwise tomorrow', () => {
  test.for(rows(FINAL))('at %s: %s (%s; %s)', ([step, text, about]) => {
    expect(judge({ step, text, recipient })).toMatchObject({ failure: 'permanent', about })
  })
})

describe('tried again: what is of the sender, of today, or of nothing that is known', () => {
  test.for(rows(LATER))('at %s: %s (%s; %s)', ([step, text, about]) => {
    expect(judge({ step, text, recipient })).toMatchObject({ failure: 'temporary', about })
  })
})

describe('what addresses and links are called says nothing', () => {
  test.for([
    [
      'arc@example.com',
      '550 5.1.1 <arc@example.com>: Recipient address rejected: User unknown',
      'address',
    ],
    ['spam@dmarc.test', '550 5.1.1 spam@dmarc.test: No such user', 'address'],
    ['relay-denied@x.test', '550 5.2.1 <relay-denied@x.test> is disabled', 'recipient'],
    ['new@spamhaus.test', '550 5.1.1 see https://x.test/blacklist?spf', 'address'],
    ['user-unknown@x.test', '550 5.7.1 <user-unknown@x.test>: Relay access denied', 'sender'],
  ] as const)('%s: %s', ([recipient, text, about]) => {
    expect(judge({ step: 'recipient', text, recipient })).toMatchObject({ about })
  })
})

describe('the status code', () => {
  test.for([
    ['550 5.1.1 No', '5.1.1'],
    ['550-5.1.1 No\r\n550 5.1.1 user', '5.1.1'],
    ['550-Sorry\n550 5.7.1 No', '5.7.1'],
    ['550 #5.1.0 No', '5.1.0'],
    // Addresses of machines, and what runs on them, are no codes.
    ['550 4.5.6.7 is listed', null],
    ['554 5.7.1.2 No', null],
    ['550 Exim 4.9.1', null],
    ['550 No', null],
  ] as const)('of %j is %s', ([text, statusCode]) => {
    expect(judge({ step: 'recipient', text, recipient }).statusCode).toBe(statusCode)
  })
})

test('words without end cost no time', () => {
  const start = performance.now()
  for (const word of ['user ', 'limit ', 'exceeded ', 'sending ', 'message ', 'a', ' ']) {
    judge({ step: 'data', text: `550 5.0.0 ${word.repeat(1_000_000)}`, recipient })
  }
  expect(performance.now() - start).toBeLessThan(5_000)
})
