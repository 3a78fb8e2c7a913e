/**
 * A pgbouncer in transaction mode in front of a Postgres of this machine.
 *
 * @module
 */
import { execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, isFree } from '../../supabase/local/ports.ts'
import { ended } from './worker.ts'

// Debian puts it where only root looks.
const PATH = `${process.env.PATH}:/usr/sbin`

/** Its first line about itself, such as "PgBouncer 1.18.0"; null where it is not installed. */
export async function findPgbouncer(): Promise<string | null> {
  const run = promisify(execFile)('pgbouncer', ['--version'], { env: { ...process.env, PATH } })
  return run.then(
    ({ stdout }) => stdout.split('\n')[0] ?? '',
    () => null,
  )
}

/**
 * @param options.folder - where it may write, and the user postgres may read
 * @param options.url - of the database, with the superuser's name and password
 * @param options.users - passwords by name, of all who come
 * @param options.poolSize - connections to the database for each of them
 */
export async function startPgbouncer(options: {
  folder: string
  url: string
  users: Record<string, string>
  poolSize: number
}) {
  const { folder, url, users, poolSize } = options
  const port = await freePort()
  const file = join(folder, 'pgbouncer.ini')
  const userList = join(folder, 'pgbouncer-users.txt')
  await writeFile(
    userList,
    Object.entries(users)
      .map(([name, password]) => `"${name}" "${password}"\n`)
      .join(''),
  )
  await writeFile(
    file,
    `[databases]
* = host=127.0.0.1 port=${new URL(url).port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${userList}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 500
; What the local API asks of its sessions: a pooler knows none.
ignore_startup_parameters = statement_timeout,lock_timeout,search_path
${process.getuid?.() === 0 ? 'user = postgres' : ''}
`,
  )
  const child = spawn('pgbouncer', [file], { stdio: 'ignore', env: { ...process.env, PATH } })
  const deadline = Date.now() + 10_000
  while (await isFree(port)) {
    if (Date.now() > deadline) throw new Error('pgbouncer did not start within 10 seconds.')
    await wait(50)
  }
  const pooled = new URL(url)
  pooled.port = String(port)
  return {
    url: pooled.href,
    async stop() {
      child.kill('SIGTERM')
      await ended(child)
    },
  }
}
