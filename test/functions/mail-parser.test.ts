/** The mails as they go over the wire, read by a parser of another make than the composer. */
import { extract } from 'letterparser'
import { test as base, describe, expect } from 'vitest'
import type { PreparedDelivery } from '../../functions/_shared/delivery.ts'
import { createSmtpTransport } from '../../functions/_shared/transports/smtp.ts'
import { LANGUAGES } from '../../functions/emails/language.ts'
import { render } from '../../functions/emails/render.tsx'
import { PROJECT_NAME, SENT_AT, samples } from '../../functions/emails/samples.ts'
import { startSmtpServer } from '../support/smtp.ts'

const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures from the pattern
  .extend('server', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = await startSmtpServer()
    onCleanup(server.stop)
    return server
  })
  .extend('sendAndRead', { scope: 'file' }, ({ server }, { onCleanup }) => {
    const transport = createSmtpTransport(server.url)
    onCleanup(transport.close)
    return (mail: PreparedDelivery) => sendAndRead(server, transport, mail)
  })

/** Sends it to a real server, and reads what came. */
async function sendAndRead(
  server: Awaited<ReturnType<typeof startSmtpServer>>,
  transport: ReturnType<typeof createSmtpTransport>,
  mail: PreparedDelivery,
) {
  const { senderName, ...rendered } = await render(mail, {
    now: SENT_AT,
    projectName: PROJECT_NAME,
  })
  const outcome = await transport.send({
    deliveryId: mail.id,
    id: `${mail.id}@usher.test`,
    from: { name: senderName, address: 'no-reply@usher.test' },
    to: mail.to,
    replyTo: mail.reply_to,
    oneClickStopUrl: 'one_click_stop_url' in mail ? mail.one_click_stop_url : null,
    trackOpens: false,
    ...rendered,
  })
  expect(outcome).toMatchObject({ ok: true })
  const received = server.received.at(-1)
  return {
    rendered,
    raw: received?.raw ?? '',
    recipients: received?.recipients,
    read: extract(received?.raw ?? ''),
  }
}

/** Without the ends of lines, which travel as they like. */
const flat = (text = '') => text.replaceAll('\r\n', '\n').trim()

const WITHOUT_BUTTON: (keyof typeof samples)[] = [
  'member_removed',
  'member_banned',
  'join_declined',
]

describe('every mail parses cleanly', () => {
  test.for(Object.keys(samples) as (keyof typeof samples)[])(
    '%s',
    async (kind, { sendAndRead }) => {
      for (const locale of Object.keys(LANGUAGES)) {
        const { read, rendered } = await sendAndRead({ ...samples[kind], locale })

        expect(read.subject).toBe(rendered.subject)
        expect(flat(read.text)).toBe(flat(rendered.text))
        expect(flat(read.html)).toBe(flat(rendered.html))
        expect(read.to).toMatchObject([{ address: 'new@example.com' }])
        expect(read.from?.address).toBe('no-reply@usher.test')
        const links = [...(read.html ?? '').matchAll(/href="([^"]*)"/g)].map((match) => match[1])
        // Who is out gets a mail without a button: it would lead to nothing that they can see.
        if (!WITHOUT_BUTTON.includes(kind)) expect(links.length).toBeGreaterThan(0)
        for (const link of links) expect(link).toMatch(/^https:\/\/app\.example\.com/)
      }
    },
  )
})

test('an invitation can be stopped by the mail program, and answers itself to nobody', async ({
  sendAndRead,
}) => {
  const { raw } = await sendAndRead(samples.invite)
  const headers = raw.split('\r\n\r\n')[0]?.replace(/\r\n\s+/g, ' ') ?? ''

  expect(headers).toContain(`List-Unsubscribe: <${samples.invite.one_click_stop_url}>`)
  expect(headers).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click')
  expect(headers).toContain('Auto-Submitted: auto-generated')
})

test('a hostile organisation and inviter add no header and no recipient', async ({
  sendAndRead,
}) => {
  const hostile = 'Acme\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>'
  const { invite, organisation } = samples.invite
  const { raw, recipients, read } = await sendAndRead({
    ...samples.invite,
    reply_to: 'hr@acme.example',
    organisation: { ...organisation, name: hostile, sender_name: hostile },
    invite: { ...invite, inviter_name: hostile, message: hostile },
  })

  expect(recipients).toEqual(['new@example.com'])
  expect(raw.split('\r\n\r\n')[0]).not.toMatch(/^Bcc:/im)
  expect(read.html).not.toContain('<script')
})
