import { createServer, type Socket } from 'node:net'
import { rootCertificates } from 'node:tls'
import type { SMTPServerOptions } from 'smtp-server'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Message } from '../../functions/_shared/transports/index.ts'
import { createSmtpTransport, type SmtpOptions } from '../../functions/_shared/transports/smtp.ts'
import { certificate, privateKey } from '../support/certificate.ts'
import { refusal, startSmtpServer } from '../support/smtp.ts'

const message: Message = {
  deliveryId: 'delivery-1',
  id: 'delivery-1@usher.test',
  from: { name: 'Acme', address: 'no-reply@usher.test' },
  to: 'new@example.com',
  replyTo: 'hr@acme.example',
  subject: 'Grüße from Acme',
  html: '<p>Hello</p>',
  text: 'Hello',
  oneClickStopUrl: null,
  trackOpens: false,
}

async function server(options: SMTPServerOptions = {}) {
  const started = await startSmtpServer(options)
  const transport = createSmtpTransport(started.url)
  onTestFinished(async () => {
    transport.close()
    await started.stop()
  })
  return { ...started, transport }
}

/** A server that speaks by a script: what it says to each line that comes. */
async function scripted(
  answer: (line: string, socket: Socket) => string | null,
  { greeting = '220 scripted', user = '', timeout = 10_000 } = {},
) {
  const sockets = new Set<Socket>()
  const listener = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write(`${greeting}\r\n`)
    socket.on('data', (data) => {
      for (const line of data.toString().split('\r\n').slice(0, -1)) {
        const said = answer(line, socket)
        if (said) socket.write(`${said}\r\n`)
      }
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const transport = createSmtpTransport(new URL(`smtp://${user}127.0.0.1:${port}`), { timeout })
  onTestFinished(async () => {
    transport.close()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => listener.close(resolve))
  })
  return transport
}

const hello = (line: string) => (/^(EHLO|HELO)/.test(line) ? '250 scripted' : null)

/** Says yes to all but the last line. */
const takes = (line: string) => {
  if (/^(MAIL|RCPT)/.test(line)) return '250 OK'
  return line === 'DATA' ? '354 Go on' : hello(line)
}

const takesAll = (line: string) => (line === '.' ? '250 OK' : takes(line))

describe('a mail over SMTP', () => {
  test('arrives whole, with the headers that it was given', async () => {
    const { transport, received } = await server()

    expect(await transport.send(message)).toMatchObject({
      ok: true,
      response: expect.stringContaining('250'),
    })

    expect(received).toMatchObject([
      {
        messageId: '<delivery-1@usher.test>',
        from: { name: 'Acme', address: 'no-reply@usher.test' },
        to: [{ address: 'new@example.com' }],
        replyTo: [{ address: 'hr@acme.example' }],
        subject: 'Grüße from Acme',
        recipients: ['new@example.com'],
      },
    ])
    expect(received[0]?.text?.trim()).toBe('Hello')
    expect(received[0]?.html?.trim()).toBe('<p>Hello</p>')
    expect(received[0]?.raw).toMatch(/^Auto-Submitted: auto-generated$/m)
    expect(received[0]?.raw).toMatch(/^Date: /m)
  })

  test('has no header and no recipient that a name or subject brings in', async () => {
    const { transport, received } = await server()
    const line = 'Hi\r\nBcc: victim@example.com\r\n\r\nsurprise'

    await transport.send({
      ...message,
      subject: line,
      from: { name: line, address: 'no-reply@usher.test' },
    })

    expect(received).toHaveLength(1)
    expect(received[0]?.recipients).toEqual(['new@example.com'])
    expect(received[0]?.raw).not.toMatch(/^Bcc:/im)
    expect(received[0]?.bcc ?? []).toEqual([])
  })

  test.for([
    'new@example.com, victim@example.com',
    'new@example.com>\r\nRCPT TO:<victim@example.com',
    'new@example.com\r\nBcc: victim@example.com',
    'Friends: new@example.com, victim@example.com;',
  ])('goes to nobody else, whatever its address holds: %j', async (address) => {
    const { transport, received } = await server()

    await transport.send({ ...message, to: address })
    await transport.send({ ...message, replyTo: address })

    const recipients = received.flatMap((mail) => mail.recipients)
    expect(recipients.filter((each) => !each.startsWith('new@example.com'))).toEqual([])
    expect(recipients.length).toBeLessThanOrEqual(2)
    for (const mail of received) {
      expect(mail.raw).not.toMatch(/^Bcc:/im)
      expect(mail.to?.length).toBe(1)
    }
  })

  test.for([
    [421, 'Try later', 'temporary', null],
    [451, '4.3.0 Busy', 'temporary', '4.3.0'],
    [452, '4.2.2 Mailbox full', 'temporary', '4.2.2'],
    [550, '5.1.1 No such user', 'permanent', '5.1.1'],
    [554, '5.7.1 <new@example.com>: Not wanted here', 'permanent', '5.7.1'],
    // Source: https://www.rfc-editor.org/rfc/rfc6647, greylisting
    [450, '4.7.1 Greylisted, please try again in 300 seconds', 'temporary', '4.7.1'],
    [421, '4.7.0 Too many connections, closing', 'temporary', '4.7.0'],
    [554, '5.7.1 Not wanted', 'temporary', '5.7.1'],
  ] as const)('%i %s is %s', async ([code, text, failure, statusCode]) => {
    const { transport } = await server({
      onRcptTo: (_address, _session, done) => done(refusal(code, text)),
    })

    expect(await transport.send(message)).toMatchObject({ ok: false, failure, statusCode })
  })

  test('that is refused after its last line is refused, not in doubt', async () => {
    const { transport } = await server({
      onData(stream, _session, done) {
        stream.resume()
        stream.on('end', () => done(refusal(550, '5.6.0 Malformed')))
      },
    })

    expect(await transport.send(message)).toMatchObject({
      ok: false,
      failure: 'permanent',
      about: 'message',
    })
  })

  test('is temporary when nobody listens', async () => {
    const { transport, stop } = await server()
    await stop()

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'temporary' })
  })

  test('is temporary when the connection drops before the message', async () => {
    const transport = await scripted((line, socket) => {
      if (line.startsWith('MAIL')) socket.destroy()
      return hello(line)
    })

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'temporary' })
  })

  test('is in doubt when the connection drops after its last line', async () => {
    const transport = await scripted((line, socket) => {
      if (line === '.') socket.destroy()
      return takes(line)
    })

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'in_doubt' })
  })

  test('is temporary when the connection drops in the middle of it', async () => {
    const transport = await scripted((line, socket) => {
      if (line.startsWith('Subject:')) socket.destroy()
      return takes(line)
    })

    // Longer than what the system takes off our hands before it notices.
    const html = `<p>${'Hello '.repeat(1_500_000)}</p>`
    expect(await transport.send({ ...message, html })).toMatchObject({
      ok: false,
      failure: 'temporary',
    })
  })

  test('is given up in time, also when a server answers each step just in time', async () => {
    const stuckAt = (step: string) =>
      scripted((line) => (line.startsWith(step) ? null : takes(line)), { timeout: 300 })

    const [before, after] = await Promise.all([stuckAt('RCPT'), stuckAt('.')])

    expect(await before.send(message)).toMatchObject({
      ok: false,
      failure: 'temporary',
      response: 'Given up after 0.3 seconds.',
    })
    expect(await after.send(message)).toMatchObject({ ok: false, failure: 'in_doubt' })
  })
})

describe('what is not said of the mail is no reason to lose it', () => {
  test('a server that greets with 554', async () => {
    const transport = await scripted(takes, { greeting: '554 No service here' })

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'temporary' })
  })

  test('a password that is wrong today', async () => {
    const transport = await scripted(
      (line) => {
        if (line.startsWith('EHLO')) return '250-scripted\r\n250 AUTH PLAIN'
        return line.startsWith('AUTH') ? '535 5.7.8 Wrong' : takes(line)
      },
      { user: 'user:wrong@' },
    )

    expect(await transport.send(message)).toMatchObject({
      ok: false,
      failure: 'temporary',
      statusCode: '5.7.8',
    })
  })

  test('a server that wants a password that we were not given', async () => {
    const transport = await scripted((line) =>
      line.startsWith('MAIL') ? '530 5.7.0 Authentication required' : takes(line),
    )

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'temporary' })
  })
})

/**
 * What the server says of us is not taken for what it says of the mail.
 *
 * Sources: https://github.com/gen-smtp/gen_smtp/issues/140, https://github.com/OpenSMTPD/OpenSMTPD/issues/65
 */
describe('a refusal of the sender loses no mail', () => {
  const WORDS = [
    '550 5.4.5 Daily user sending limit exceeded',
    '554 Message rejected: Email address is not verified',
    '550 5.7.60 Client does not have permissions to send as this sender',
    '554 5.7.1 Relay access denied',
    '550 5.7.606 Access denied, banned sending IP',
    '550 5.1.8 Access denied, bad outbound sender',
    '553 5.1.8 Bad outbound sender',
    '550 5.7.1 Account disabled',
    '550-5.7.26 Unauthenticated email is not accepted\r\n550 5.7.26 due to its DMARC policy',
  ]
  test.for(
    ['MAIL', 'RCPT', 'DATA', '.', 'pipelined MAIL']
      .flatMap((step) => WORDS.map((words) => [step, words] as const))
      // To RCPT TO, a server speaks of the recipient's account.
      .filter(([step, words]) => step !== 'RCPT' || !words.includes('Account')),
  )('at %s: %s', async ([step, words]) => {
    const isPipelined = step.startsWith('pipelined ')
    const transport = await scripted((line) => {
      if (line.startsWith('EHLO') && isPipelined) return '250-scripted\r\n250 PIPELINING'
      return line.startsWith(step.replace('pipelined ', '')) ? words : takes(line)
    })

    expect(await transport.send(message)).toMatchObject({
      ok: false,
      failure: 'temporary',
      about: 'sender',
      statusCode: words.match(/\d\.\d\.\d+/)?.[0] ?? null,
    })
  })

  test.for([
    ['greeting', '554 5.7.1 No'],
    ['EHLO', '550 5.7.1 Helo command rejected'],
    ['AUTH', '535 5.7.8 Wrong'],
    ['AUTH', '454 4.7.0 Temporary authentication failure'],
    ['AUTH', '534 5.7.9 Application-specific password required'],
  ] as const)('before any mail was named, at %s: %s', async ([step, words]) => {
    const transport = await scripted(
      (line) => {
        if (line.startsWith('EHLO') && step === 'AUTH') return '250-scripted\r\n250 AUTH PLAIN'
        if (/^(EHLO|HELO)/.test(line) && step === 'EHLO') return words
        return line.startsWith(step) ? words : takes(line)
      },
      { user: 'user:wrong@', ...(step === 'greeting' && { greeting: words }) },
    )

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'temporary' })
  })
})

describe('what the server can do', () => {
  test('it is called by the name that it was given', async () => {
    const names: string[] = []
    const { url, stop } = await startSmtpServer({
      onMailFrom(_address, session, done) {
        names.push(session.hostNameAppearsAs)
        done()
      },
    })
    const transport = createSmtpTransport(url, { helloName: 'mail.usher.test' })
    onTestFinished(async () => {
      transport.close()
      await stop()
    })

    await transport.send(message)

    expect(names).toEqual(['mail.usher.test'])
  })

  // Source: RFC 6531, and jörg@ok.test, who was refused although the server has SMTPUTF8.
  test.for([
    ['jörg@münchen.example', 'RCPT TO:<jörg@xn--mnchen-3ya.example>', ' SMTPUTF8'],
    ['jörg@xn--mnchen-3ya.example', 'RCPT TO:<jörg@xn--mnchen-3ya.example>', ' SMTPUTF8'],
    ['new@münchen.example', 'RCPT TO:<new@xn--mnchen-3ya.example>', ''],
  ] as const)('%s goes to a server with SMTPUTF8 as %s', async ([to, rcpt, parameter]) => {
    const told: string[] = []
    const transport = await scripted((line) => {
      if (/^(MAIL|RCPT)/.test(line)) told.push(line)
      return line.startsWith('EHLO') ? '250-scripted\r\n250 SMTPUTF8' : takesAll(line)
    })

    expect(await transport.send({ ...message, to })).toMatchObject({ ok: true })
    expect(told).toEqual([`MAIL FROM:<no-reply@usher.test>${parameter}`, rcpt])
  })

  test('and is refused for good, and not to that address for ever, where it has none', async () => {
    const lines: string[] = []
    const transport = await scripted((line) => {
      lines.push(line)
      return takes(line)
    })

    expect(await transport.send({ ...message, to: 'jörg@ok.test' })).toMatchObject({
      ok: false,
      failure: 'permanent',
      about: 'recipient',
      statusCode: '5.6.7',
      response: expect.stringMatching(/SMTPUTF8/),
    })
    expect(lines.filter((line) => /^(MAIL|RCPT)/.test(line))).toEqual([])
  })

  test('a domain that is not ASCII goes to any server, in ASCII', async () => {
    const lines: string[] = []
    const transport = await scripted((line) => {
      lines.push(line)
      return takesAll(line)
    })

    expect(await transport.send({ ...message, to: 'new@münchen.example' })).toMatchObject({
      ok: true,
    })
    expect(lines).toContain('RCPT TO:<new@xn--mnchen-3ya.example>')
    expect(lines).toContain('To: new@xn--mnchen-3ya.example')
  })

  // Source: RFC 1870; and message_size_limit of Postfix.
  test.for([
    ['by what it said before', '250-scripted\r\n250 SIZE 100', '250 OK'],
    ['as it is told', '250-scripted\r\n250 SIZE', '552 5.3.4 Message size exceeds fixed limit'],
  ] as const)(
    'a mail that is too long for it is refused for good, %s',
    async ([, hello, words]) => {
      const transport = await scripted((line) => {
        if (line.startsWith('EHLO')) return hello
        return line.startsWith('MAIL') ? words : takes(line)
      })

      expect(await transport.send(message)).toMatchObject({
        ok: false,
        failure: 'permanent',
        about: 'message',
      })
    },
  )

  test('what comes back goes where it was told, with a report that has no link in it', async () => {
    const told: string[] = []
    const transport = await scripted((line) => {
      if (/^(MAIL|RCPT)/.test(line)) told.push(line)
      return line.startsWith('EHLO') ? '250-scripted\r\n250 DSN' : takesAll(line)
    })

    expect(
      await transport.send({ ...message, returnPath: 'bounces+abc@usher.test' }),
    ).toMatchObject({ ok: true })

    expect(told).toEqual([
      'MAIL FROM:<bounces+abc@usher.test> RET=HDRS ENVID=delivery-1',
      'RCPT TO:<new@example.com> NOTIFY=FAILURE ORCPT=rfc822;new@example.com',
    ])
  })
})

describe('encryption', () => {
  test('a server that is not this machine and offers no STARTTLS gets nothing', async () => {
    const { received, url, stop } = await startSmtpServer()
    onTestFinished(stop)
    // 127.0.0.2 is this machine as well, but not by a name that is let through in the clear.
    const transport = createSmtpTransport(new URL(`smtp://127.0.0.2:${url.port}`))
    onTestFinished(() => transport.close())

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'temporary' })
    expect(received).toEqual([])
  })

  /** A server as Debian installs it: with a certificate that it has signed itself, for another name. */
  async function selfSigned(options: SmtpOptions) {
    const { received, url, stop } = await startSmtpServer({
      disabledCommands: [],
      key: privateKey,
      cert: certificate,
    })
    const transport = createSmtpTransport(new URL(`smtp://127.0.0.1:${url.port}`), options)
    onTestFinished(async () => {
      transport.close()
      await stop()
    })
    return { transport, received }
  }

  test('a certificate that nobody vouches for is not believed, and the error says how to', async () => {
    const { transport, received } = await selfSigned({})

    expect(await transport.send(message)).toMatchObject({
      ok: false,
      failure: 'temporary',
      about: 'sender',
      response: expect.stringMatching(/certificate.*SMTP_CA/),
    })
    expect(received).toEqual([])
  })

  test('a certificate that was given is believed, whatever the server is called', async () => {
    const { transport, received } = await selfSigned({ ca: certificate })

    expect(await transport.send(message)).toMatchObject({ ok: true })
    expect(received).toHaveLength(1)
  })

  test('and no other one is', async () => {
    const { transport, received } = await selfSigned({ ca: rootCertificates[0] ?? '' })

    expect(await transport.send(message)).toMatchObject({ ok: false, failure: 'temporary' })
    expect(received).toEqual([])
  })
})
