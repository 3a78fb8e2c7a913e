/**
 * All checks of a deployed project.
 *
 * @module
 */
import { domainToASCII } from 'node:url'
import type postgres from 'postgres'
import { functionNames, type Payload } from '../project/payload.ts'
import { checkApiRows } from './check-api-rows.ts'
import { checkExposure } from './check-exposure.ts'
import { checkFunctions } from './check-functions.ts'
import { checkGrants } from './check-grants.ts'
import { checkHooks } from './check-hooks.ts'
import { checkKeys } from './check-keys.ts'
import { checkMailDomain, type MailSignature, type ResolveTxt } from './check-mail-domain.ts'
import { checkMigrations } from './check-migrations.ts'
import { checkQueue } from './check-queue.ts'
import { checkSettings } from './check-settings.ts'
import { checkVault } from './check-vault.ts'
import { checkWorker } from './check-worker.ts'
import { checkWorkerRole } from './check-worker-role.ts'
import type { Finding } from './finding.ts'

export interface ExamineOptions {
  /** As the owner of the database, or another role that reads the schema `usher`. */
  sql: postgres.Sql
  payload: Payload
  /** The text of config.toml, where the project is at hand. */
  config: string | null
  /** Whether links may lead to this machine itself. */
  isLocal: boolean
  /** Default: `functions_url` of the settings. */
  functionsUrl: string | null
  workerUrl: string | undefined
  workerSecret: string | null
  /** Null: DNS is not asked. */
  mailDomain: string | null
  dkimSelector: string | null
  resolveTxt: ResolveTxt
}

/** Only reads. One thing that is wrong keeps no other from being found. */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const { sql, payload, config, mailDomain, dkimSelector, resolveTxt } = options
  const { finding, isThere } = await checkMigrations(sql, payload)
  const findings = [finding]
  if (isThere) {
    findings.push(
      ...(await attempt('grants', () => checkGrants(sql))),
      ...(await attempt('exposed schemas', () => checkExposure(sql))),
      ...(await attempt('rows of the API', () => checkApiRows(sql, config))),
      ...(await attempt('auth hooks', () => checkHooks(sql, config))),
      ...(await attempt('settings', () => checkSettings(sql, options.isLocal))),
      ...(await attempt('signing key', () => checkKeys(sql))),
      ...(await attempt('vault', () => checkVault(sql))),
      ...(await attempt('worker role', () => checkWorkerRole(sql))),
      ...(await attempt('worker', () => checkWorker(sql, options.workerUrl))),
      ...(await attempt('queue', () => checkQueue(sql))),
      ...(await attempt('functions', async () =>
        checkFunctions({
          url: options.functionsUrl ?? (await functionsUrlOf(sql)),
          names: functionNames(payload),
          workerSecret: options.workerSecret,
        }),
      )),
    )
  }
  if (mailDomain) {
    findings.push(
      ...(await checkMailDomain({
        domain: domainToASCII(mailDomain) || mailDomain,
        selector: dkimSelector,
        signature: isThere ? await signatureOf(sql) : null,
        resolveTxt,
      })),
    )
  }
  return findings
}

/** A database that is half there may refuse any question. */
async function attempt(
  check: string,
  work: () => Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await work()].flat()
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return [
      {
        check,
        level: 'error',
        message: `It cannot be looked at: ${said}`,
        repair:
          'See that --db-url is of the owner of the database, and that all migrations have been applied.',
      },
    ]
  }
}

/** Null where that cannot be read, too: then DNS alone is looked at. */
async function signatureOf(sql: postgres.Sql): Promise<MailSignature | null> {
  const rows = await sql<MailSignature[]>`
    select signed_by as name, signing_key as key from usher.mail_transport
    where signed_at is not null`.catch(() => [])
  return rows[0] ?? null
}

async function functionsUrlOf(sql: postgres.Sql): Promise<string | null> {
  const [settings] = await sql<{ functions_url: string | null }[]>`
    select functions_url from usher.settings`
  return settings?.functions_url ?? null
}
