/**
 * A way in for a worker under test.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type postgres from 'postgres'

/**
 * Makes a role that may do what usher_worker may, and no more. Roles belong to the whole server, which
 * test files share: one of its own can be locked out without locking out others.
 *
 * @returns the database's address as that role
 */
export async function workerUrl(sql: postgres.Sql, databaseUrl: string): Promise<string> {
  const role = `worker_${randomBytes(6).toString('hex')}`
  await sql.unsafe(`create role ${role} login password 'worker' in role usher_worker`)
  return databaseUrl.replace(/\/\/[^@]+@/, `//${role}:worker@`)
}
