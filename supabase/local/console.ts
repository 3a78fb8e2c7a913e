/**
 * The pages, served as static files, with the REST door below `/api/` on the same origin.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import type { Server } from 'node:http'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { proxy } from 'hono/proxy'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SOURCES = join(ROOT, 'client/console')
/** What the pages are made of. */
const MADE_OF = ['client', 'functions', 'package-lock.json']
const CACHE = join(ROOT, 'node_modules/.cache/usher/console')

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

/** Puts the built pages into a folder. They are built once, until what they are made of changes. */
export async function buildConsole(folder: string): Promise<void> {
  const key = await hashFiles(MADE_OF.map((path) => join(ROOT, path)))
  const built = join(CACHE, key)
  await rm(folder, { recursive: true, force: true })
  if (existsSync(built)) return cp(built, folder, { recursive: true })

  const { build } = await import('vite')
  // React would be three times as large as it is for people, where tests have set this.
  process.env.NODE_ENV = 'production'
  await build({
    configFile: join(SOURCES, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder },
  })
  await keep(folder, key)
}

/** Keeps a copy in place of all older ones. Others may do the same at this moment, so it comes to its place whole. */
async function keep(folder: string, key: string): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const older = await readdir(CACHE)
  const copy = await mkdtemp(join(CACHE, 'new-'))
  await cp(folder, copy, { recursive: true })
  await rename(copy, join(CACHE, key)).catch(() => rm(copy, { recursive: true, force: true }))
  for (const name of older) {
    if (name !== key) await rm(join(CACHE, name), { recursive: true, force: true })
  }
}

/** One hash over the names and contents of files, and of all files in folders but what is installed or built there. */
export async function hashFiles(paths: string[]): Promise<string> {
  const hash = createHash('sha256')
  const add = async (path: string): Promise<void> => {
    if (['node_modules', 'dist'].includes(basename(path))) return
    if (!(await stat(path)).isDirectory()) {
      const content = await readFile(path)
      hash.update(`${path}\0${content.length}\0`).update(content)
      return
    }
    for (const name of (await readdir(path)).sort()) await add(join(path, name))
  }
  for (const path of paths) await add(path)
  return hash.digest('hex')
}

export interface ConsoleOptions {
  port: number
  folder: string
  apiUrl: string
  /** Where edge functions answer; `/api/…` leads to the one called `api`. */
  functionsUrl: string
  publishableKey: string
}

/** Starts to serve the pages of a folder. Unknown paths get the one page, which knows its own ways. */
export async function startConsole(options: ConsoleOptions) {
  const { port, apiUrl, functionsUrl, publishableKey } = options
  const read = createReader(options.folder)
  const app = new Hono()

  // The one rule of a static host: what is below /api/ is the function's, unknown paths too.
  app.all('/api/*', async (c) => {
    const { pathname, search } = new URL(c.req.url)
    return proxy(functionsUrl + pathname + search, { raw: c.req.raw })
  })
  app.use(async (c, next) => {
    await next()
    c.header(
      'content-security-policy',
      `default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; connect-src 'self' ${apiUrl}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`,
    )
    c.header('referrer-policy', 'no-referrer')
    c.header('x-content-type-options', 'nosniff')
  })
  app.get('/config.json', (c) =>
    c.json({ apiUrl, publishableKey }, 200, { 'cache-control': 'no-store' }),
  )
  app.get('*', async (c) => {
    // An address with a file name in it is a file; '..' has been resolved by URL.
    const file = extname(c.req.path) ? c.req.path.slice(1) : 'index.html'
    const found = await read(file).catch(() => null)
    if (!found) return c.notFound()
    const isZipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
    return c.body(new Uint8Array(isZipped ? found.zipped : found.plain), 200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      vary: 'accept-encoding',
      // What has a hash in its name never changes.
      'cache-control': file.startsWith('assets/')
        ? 'public, max-age=31536000, immutable'
        : 'no-store',
      ...(isZipped && { 'content-encoding': 'gzip' }),
    })
  })
  app.notFound((c) => c.text('There is no such page.\n', 404, { 'cache-control': 'no-store' }))
  app.onError((_, c) => c.text('The function behind this path did not answer.\n', 502))

  const server = serve({ hostname: '127.0.0.1', port, fetch: app.fetch }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  return {
    url: `http://127.0.0.1:${port}`,
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
