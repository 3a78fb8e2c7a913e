/**
 * A Vault for a test.
 *
 * @module
 */
import type postgres from 'postgres'
import { onTestFinished } from 'vitest'
import { VAULT } from './stand-ins.ts'

/** Gives the database a Vault until the test is over. */
export async function haveVault(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(VAULT)
  onTestFinished(async () => {
    await sql.unsafe('drop schema vault cascade')
  })
}
