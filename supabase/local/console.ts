/**
 * The pages, served as static files.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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
  await build({
    root: SOURCES,
    configFile: false,
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true, reportCompressedSize: false },
  })
}

/** Starts to serve the pages of a folder. Unknown paths get the one page, which knows its own ways. */
export async function startConsole(options: {
  port: number
  folder: string
  apiUrl: string
  publishableKey: string
}) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    // An address with a file name in it is a file; '..' has been resolved by URL.
    const file = extname(path) ? path.slice(1) : 'index.html'
    const headers = {
      'content-security-policy': `default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; connect-src 'self' ${options.apiUrl}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    }
    if (path === '/config.json') {
      response.writeHead(200, { ...headers, 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ apiUrl: options.apiUrl, publishableKey: options.publishableKey }),
      )
      return
    }
    try {
      const content = await readFile(join(options.folder, file))
      const type = TYPES[extname(file)] ?? 'application/octet-stream'
      response.writeHead(200, { ...headers, 'content-type': type })
      response.end(content)
    } catch {
      response.writeHead(404, { ...headers, 'content-type': 'text/plain; charset=utf-8' })
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
