/**
 * nodemailer and nothing else: the same message, again and again, as fast as it can.
 *
 *   node test/bench/bare-nodemailer.ts smtp://127.0.0.1:2525 2000
 *
 * @module
 */
import { createTransport } from 'nodemailer'
import { SENT_AT } from '../../functions/emails/samples.ts'

const [, , url = '', count = '0'] = process.argv
const paragraph = `<p style="margin:0">Ada Admin invites you to become a member of Acme. ${SENT_AT.toISOString()}</p>\n`
// As long as an invitation is.
const html = paragraph.repeat(70)
const text = 'Ada Admin invites you to become a member of Acme.\n'.repeat(20)

const pool = createTransport({ url, pool: true, maxConnections: 8, maxMessages: 500 } as object)
await Promise.all(
  Array.from({ length: Number(count) }, (_, i) =>
    pool.sendMail({
      from: { name: 'Acme', address: 'no-reply@usher.test' },
      to: `p${i}@example.com`,
      subject: 'Ada Admin invites you to Acme',
      html,
      text,
    }),
  ),
)
pool.close()
