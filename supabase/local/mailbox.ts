/**
 * The mailbox: takes every mail of the local stack over SMTP and shows it on a page.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from './child.ts'

const require = createRequire(import.meta.url)

/** Starts maildev. Mails are kept in a folder, so that they are there after a restart. */
export async function startMailbox(options: {
  webPort: number
  smtpPort: number
  dataFolder: string
}) {
  const mailFolder = join(options.dataFolder, 'mail')
  await mkdir(mailFolder, { recursive: true })
  const program = fileURLToPath(new URL('./bin/maildev', `file://${require.resolve('maildev')}`))
  const child = startChild({
    command: process.execPath,
    args: [
      program,
      ...['--ip', '127.0.0.1', '--web-ip', '127.0.0.1'],
      ...['--web', String(options.webPort), '--smtp', String(options.smtpPort)],
      ...['--mail-directory', mailFolder],
    ],
    env: {},
    name: 'mailbox',
    dataFolder: options.dataFolder,
  })
  return {
    url: `http://127.0.0.1:${options.webPort}`,
    smtpUrl: `smtp://127.0.0.1:${options.smtpPort}`,
    stop: child.stop,
  }
}
