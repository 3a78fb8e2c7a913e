/**
 * The pages, served as static files.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

const SOURCES = fileURLToPath(new URL('../../client/console/', import.meta.url))

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

/** Builds the pages into a folder. */
export async function buildConsole(folder: string): Promise<void> {
  const { build } = await import('vite')
  // React would be three times as large as it is for people, where tests have set this.
  process.env.NODE_ENV = 'production'
  await build({
    configFile: join(SOURCES, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder },
  })
}

/** Starts to serve the pages of a folder. Unknown paths get the one page, which knows its own ways. */
export async function startConsole(options: {
  port: number
  folder: string
  apiUrl: string
  publishableKey: string
}) {
  const read = createReader(options.folder)
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    // An address with a file name in it is a file; '..' has been resolved by URL.
    const file = extname(path) ? path.slice(1) : 'index.html'
    const headers = {
      'content-security-policy': `default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; connect-src 'self' ${options.apiUrl}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      // What has a hash in its name never changes.
      'cache-control': path.startsWith('/assets/')
        ? 'public, max-age=31536000, immutable'
        : 'no-store',
    }
    if (path === '/config.json') {
      response.writeHead(200, { ...headers, 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ apiUrl: options.apiUrl, publishableKey: options.publishableKey }),
      )
      return
    }
    try {
      const { plain, zipped } = await read(file)
      const isZipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
      response.writeHead(200, {
        ...headers,
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        vary: 'accept-encoding',
        ...(isZipped && { 'content-encoding': 'gzip' }),
      })
      response.end(isZipped ? zipped : plain)
    } catch {
      response.writeHead(404, {
        ...headers,
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
      })
      response.end('There is no such page.\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${options.port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Reads files, each once. */
function createReader(folder: string) {
  const zip = promisify(gzip)
  const files = new Map<string, Promise<{ plain: Buffer; zipped: Buffer }>>()
  return (file: string) => {
    const known = files.get(file)
    if (known) return known
    const reading = readFile(join(folder, file)).then(async (plain) => ({
      plain,
      zipped: await zip(plain),
    }))
    files.set(file, reading)
    // A file that is not there is looked for again: addresses are anybody's to make up.
    reading.catch(() => files.delete(file))
    return reading
  }
}
