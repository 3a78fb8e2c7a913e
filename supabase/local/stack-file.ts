/**
 * `stack.json`: where everything answers, for programs. It is there while the stack is ready.
 *
 * @module
 */
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Stack {
  apiUrl: string
  publishableKey: string
  secretKey: string
  databaseUrl: string
  functionsUrl: string
  mailboxUrl: string
  smtpUrl: string
  consoleUrl: string
  jwtSecret: string
}

/** Written beside and moved into place, so that nobody reads half of it. For its owner only. */
export async function writeStackFile(folder: string, stack: Stack): Promise<void> {
  const file = join(folder, 'stack.json')
  await writeFile(`${file}.new`, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

export async function removeStackFile(folder: string): Promise<void> {
  await rm(join(folder, 'stack.json'), { force: true })
}
