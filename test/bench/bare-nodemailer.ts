/**
 * nodemailer and nothing else: one invitation that is drawn already, again and again, as fast as it can.
 *
 * @module
 */
import process from 'node:process'
import { createTransport } from 'nodemailer'

/** The sink, how many mails, and the file that holds the message. */
const [, , url = '', count = '0', file = ''] = process.argv
const { default: message } = await import(file, { with: { type: 'json' } })

const pool = createTransport({ url, pool: true, maxConnections: 8, maxMessages: 500 } as object)
await Promise.all(
  Array.from({ length: Number(count) }, (_, i) =>
    pool.sendMail({
      from: { name: 'Acme', address: 'no-reply@usher.test' },
      to: `p${i}@example.com`,
      ...message,
    }),
  ),
)
pool.close()
