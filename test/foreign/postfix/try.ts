/**
 * Lets the worker send through a real Postfix, and hear of what comes back: by a pipe of Postfix, and by IMAP. Prints a
 * line for each thing that was tried, and ends with 1 when one of them failed.
 *
 * @module
 */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@supabase/supabase-js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import postgres from 'postgres'
import { createUsher } from '../../../client/index.ts'
import type { Message } from '../../../functions/_shared/transports/index.ts'
import { createSmtpTransport } from '../../../functions/_shared/transports/smtp.ts'
import { freeRange, runStart, temporaryFolder, untilReady } from '../../support/stack.ts'
import { freePorts, PASSWORD, type Servers, startServers } from './servers.ts'

const SECRET = 'a-secret-of-the-pipe'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const record = `v=DKIM1; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`

const plainMail: Message = {
  deliveryId: 'plain',
  id: 'plain@usher.test',
  from: { name: 'Usher', address: 'no-reply@usher.test' },
  to: '',
  replyTo: null,
  subject: 'Grüße',
  html: '<p>Hello</p>',
  text: 'Hello',
  oneClickStopUrl: null,
  trackOpens: false,
}

let failures = 0
function say(what: string, isRight: boolean, seen: unknown): void {
  if (!isRight) failures += 1
  console.log(`${isRight ? '✓' : '✗'} ${what}${isRight ? '' : `: ${JSON.stringify(seen)}`}`)
}

/** Asks until the answer is right, or for 90 seconds. */
async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + 90_000; ; await wait(250)) {
    const answer = await ask()
    if (isRight(answer) || Date.now() > end) return answer
  }
}

interface Row {
  status: string
  attempts: number
  last_status_code: string | null
  last_response: string | null
  suppressed: boolean
}

/** A stack whose worker sends through the servers, with an organisation in it. */
async function withStack(
  returnPath: string,
  more: (servers: { ca: string; imap: number }) => Record<string, string>,
  work: (tools: {
    servers: Servers
    smtpUrl: URL
    sql: postgres.Sql
    invite(...emails: string[]): Promise<void>
    expectRow(what: string, email: string, isRight: (row: Row) => boolean): Promise<void>
  }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-postfix-'))
  const data = await temporaryFolder()
  const ports = await freePorts()
  const first = await freeRange()
  const servers = startServers(
    folder,
    ports,
    `http://127.0.0.1:${first + 2}/mail-webhooks/report`,
    SECRET,
  )
  const smtpUrl = new URL(`smtp://app:${PASSWORD}@localhost:${ports.submission}`)
  const run = runStart({
    USHER_DATA: data,
    USHER_PORT: String(first),
    USHER_SEED: 'none',
    USHER_MAIL: 'environment',
    SMTP_URL: smtpUrl.href,
    SMTP_CA_FILE: servers.certificate,
    MAIL_FROM: 'Usher <no-reply@usher.test>',
    MAIL_RETURN_PATH: returnPath,
    MAIL_REPORT_SECRET: SECRET,
    DKIM_DOMAIN: 'usher.test',
    DKIM_SELECTOR: 'mail',
    DKIM_PRIVATE_KEY: pem,
    ...more({ ca: servers.certificate, imap: ports.imap }),
  })
  try {
    const stack = await untilReady(run, data)
    const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} })
    const owner = createClient(stack.apiUrl, stack.publishableKey, {
      auth: { persistSession: false },
    })
    await owner.auth.signUp({ email: 'owner@usher.test', password: 'a-long-password' })
    const usher = createUsher(owner)
    const { data: organisation } = await usher.organisations.create({ name: 'Postfix' })
    const rowOf = async (email: string) =>
      (
        await sql<Row[]>`select d.status, d.attempts, d.last_status_code, d.last_response,
            exists (select from usher.suppressed_addresses s where s.email = d.recipient) as suppressed
          from public.organisation_deliveries d where d.recipient = ${email} and d.kind = 'invite'`
      )[0]
    await work({
      servers,
      smtpUrl,
      sql,
      async invite(...emails) {
        for (const email of emails) {
          const { error } = await usher.invites.create(organisation?.id ?? '', {
            email,
            roles: ['member'],
          })
          if (error) throw error
        }
      },
      async expectRow(what, email, isRight) {
        const row = await until(
          () => rowOf(email),
          (found) => found !== undefined && isRight(found),
        )
        say(what, row !== undefined && isRight(row), row)
      },
    })
    await sql.end()
  } finally {
    run.process.kill('SIGTERM')
    await run.ended
    await servers.stop()
    if (failures > 0) console.log(servers.logs())
    await rm(folder, { recursive: true, force: true })
    await rm(data, { recursive: true, force: true })
  }
}

const signatureOf = async (raw: string) => {
  const { results } = await dkimVerify(Buffer.from(raw, 'latin1'), {
    resolver: async () => [[record]],
  } as object)
  return results[0]?.status.result
}

await withStack(
  'bounces@usher.test',
  () => ({}),
  async ({ servers, smtpUrl, sql, invite, expectRow }) => {
    await invite('there@example.test', 'gone@example.test')
    await invite('later@example.test', 'policy@example.test', 'grey@example.test')

    await expectRow(
      'sent by STARTTLS and AUTH, to a certificate that was given',
      'there@example.test',
      (row) => row.status === 'sent',
    )
    const mail = await until(async () => servers.mailbox('there'), Boolean)
    say(
      'comes from an address of its own',
      /^Return-Path: <bounces\+[0-9a-f]{52}@usher\.test>/m.test(mail),
      mail.slice(0, 500),
    )
    say(
      'arrives with a signature that holds',
      (await signatureOf(mail)) === 'pass',
      await signatureOf(mail),
    )
    // By the transport alone: the database takes no such address yet.
    const transport = createSmtpTransport(smtpUrl, {
      ca: readFileSync(servers.certificate, 'utf8'),
      dkim: { domain: 'usher.test', selector: 'mail', privateKey: pem },
    })
    const outcome = await transport.send({ ...plainMail, to: 'jörg@example.test' })
    transport.close()
    say('goes to a name that is not ASCII', outcome.ok, outcome)
    const other = await until(async () => servers.mailbox('joerg'), Boolean)
    say(
      'and holds its signature there',
      (await signatureOf(other)) === 'pass',
      other.slice(0, 1500),
    )

    await expectRow(
      'returned by our own server, which was refused: nobody there',
      'gone@example.test',
      (row) => row.status === 'bounced' && row.suppressed && row.last_status_code === '5.1.1',
    )
    await expectRow(
      'returned by the server that had taken it: nobody there',
      'later@example.test',
      (row) => row.status === 'bounced' && row.suppressed,
    )
    await expectRow(
      'returned because of us: can be sent again, the address is good',
      'policy@example.test',
      (row) => row.status === 'failed' && !row.suppressed,
    )

    servers.letThrough()
    say(
      'arrives once the greylist lets it',
      (await until(async () => servers.mailbox('grey'), Boolean)) !== '',
      '',
    )
    await expectRow(
      'and is no bounce',
      'grey@example.test',
      (row) => row.status === 'sent' && !row.suppressed,
    )

    servers.refuseUs(true)
    await invite(...Array.from({ length: 5 }, (_, i) => `there+${i}@example.test`))
    const stopped = await until(
      () =>
        sql`select refusals, last_response from usher.mail_transport where stopped_until is not null`,
      (rows) => rows.length > 0,
    )
    say(
      'a quota that is used up stops the way',
      /5\.4\.5/.test(String(stopped[0]?.last_response)),
      stopped,
    )
    await expectRow('and loses no mail', 'there+0@example.test', (row) => row.status === 'queued')
    servers.refuseUs(false)
    await sql`select usher.resume_mail()`
    const sent = await until(
      () =>
        sql`select from public.organisation_deliveries where recipient like 'there+%' and status = 'sent'`,
      (rows) => rows.length === 5,
    )
    say('which all go once that is mended', sent.length === 5, sent.length)
  },
)

await withStack(
  'returns@usher.test',
  ({ ca, imap }) => ({
    MAIL_RETURN_MAILBOX: `imaps://returns:${PASSWORD}@localhost:${imap}/INBOX`,
    SMTP_CA_FILE: ca,
  }),
  async ({ invite, expectRow }) => {
    await invite('gone@example.test', 'box-later@example.test', 'policy@example.test')

    await expectRow(
      'read from the mailbox by IMAP: nobody there',
      'gone@example.test',
      (row) => row.status === 'bounced' && row.suppressed,
    )
    await expectRow(
      'read from the mailbox: returned later',
      'box-later@example.test',
      (row) => row.status === 'bounced' && row.suppressed,
    )
    await expectRow(
      'read from the mailbox: because of us',
      'policy@example.test',
      (row) => row.status === 'failed' && !row.suppressed,
    )
  },
)

console.log(failures === 0 ? 'All is well.' : `${failures} failed.`)
process.exitCode = failures === 0 ? 0 : 1
