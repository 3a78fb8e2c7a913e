/** A mailbox that mails come back to. With a real Dovecot: test/foreign/postfix/. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MailReport } from '../../functions/_shared/mail-report.ts'
import { readReturnedMail } from '../../functions/_shared/returned-mailbox.ts'
import { startMailbox } from '../support/imap.ts'
import { failed, RETURN_PATH, reportMail, TAG } from '../support/mail-reports.ts'

const holiday = `To: ${RETURN_PATH}\r\n\r\nI am on holiday.`
const report = (email: string) => reportMail({ status: failed(email) })

async function mailbox(...sources: string[]) {
  const started = await startMailbox(sources)
  onTestFinished(started.stop)
  const recorded: MailReport[] = []
  const record = async (one: MailReport) => {
    recorded.push(one)
    return 'recorded'
  }
  return { ...started, recorded, record }
}

describe('what is unread in the mailbox', () => {
  test('is read once, and reports in it are written down', async () => {
    const { url, unread, recorded, record } = await mailbox(
      report('one@example.com'),
      holiday,
      report('two@example.com'),
    )

    expect(await readReturnedMail({ url: url(), record })).toBe(2)
    expect(await readReturnedMail({ url: url(), record })).toBe(0)

    expect(recorded).toMatchObject([
      { tag: TAG, recipients: ['one@example.com', 'one@example.com'] },
      { tag: TAG, recipients: ['two@example.com', 'two@example.com'] },
    ])
    expect(unread()).toEqual([])
  })

  test('stays unread while it cannot be written down', async () => {
    const { url, unread, record } = await mailbox(report('one@example.com'), holiday)
    const away = () => Promise.reject(new Error('the database is away'))

    await expect(readReturnedMail({ url: url(), record: away })).rejects.toThrow('is away')
    expect(unread()).toEqual([0, 1])
    expect(await readReturnedMail({ url: url(), record })).toBe(1)
  })

  test('what the database refuses for its own sake holds up no other', async () => {
    const { url, unread, recorded } = await mailbox(
      report('one@example.com'),
      report('two@example.com'),
    )
    const record = async (one: MailReport) => {
      if (one.recipients.includes('one@example.com')) {
        throw Object.assign(new Error('refused'), { name: 'PostgresError', code: '23514' })
      }
      recorded.push(one)
      return 'recorded'
    }

    await readReturnedMail({ url: url(), record })

    expect(recorded).toHaveLength(1)
    expect(unread()).toEqual([])
  })

  test('is not read with a wrong password, nor where nobody listens', async () => {
    const { url, unread, record, stop } = await mailbox(report('one@example.com'))

    await expect(readReturnedMail({ url: url('wrong'), record })).rejects.toThrow()
    expect(unread()).toEqual([0])
    const address = url()
    await stop()
    await expect(readReturnedMail({ url: address, record })).rejects.toThrow()
  })

  test('is not read in the clear, unless it is on this machine', async () => {
    const { url, unread, record } = await mailbox(report('one@example.com'))
    const elsewhere = url()
    // This machine as well, but not by a name that is let through in the clear.
    elsewhere.hostname = '127.0.0.2'

    await expect(readReturnedMail({ url: elsewhere, record })).rejects.toThrow(/STARTTLS/)
    expect(unread()).toEqual([0])
  })
})
