/**
 * Keys and passwords of one local stack, made once and kept in its data folder.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Secrets {
  jwtSecret: string
  publishableKey: string
  secretKey: string
  databasePassword: string
  /** Of the role under which PostgREST comes. */
  authenticatorPassword: string
  workerPassword: string
  workerSecret: string
  /** Of Supabase Auth's Send Email hook. */
  authHookSecret: string
  /** Of a sender of webhooks about mails. */
  mailWebhookSecret: string
}

/** Reads the secrets of this folder, and makes those that are missing: readable by their owner only. */
export async function loadSecrets(folder: string): Promise<Secrets> {
  const file = join(folder, 'secrets.json')
  const stored = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Partial<Secrets>,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return {}
    },
  )
  const random = () => randomBytes(24).toString('base64url')
  const webhookSecret = () => `whsec_${randomBytes(24).toString('base64')}`
  const secrets: Secrets = {
    jwtSecret: random(),
    publishableKey: `sb_publishable_${random()}`,
    secretKey: `sb_secret_${random()}`,
    databasePassword: random(),
    authenticatorPassword: random(),
    workerPassword: random(),
    workerSecret: random(),
    authHookSecret: `v1,${webhookSecret()}`,
    mailWebhookSecret: webhookSecret(),
    ...stored,
  }
  await writeFile(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  return secrets
}
