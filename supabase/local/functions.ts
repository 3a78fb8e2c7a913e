/**
 * Edge functions at `<functionsUrl>/<name>`, each in a Deno of its own, as Supabase serves them.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startChild } from './child.ts'
import { freePort, isFree } from './ports.ts'

const FUNCTIONS = fileURLToPath(new URL('../../functions/', import.meta.url))

/** What Deno needs to run a file of `functions/` with what npm has installed, and no download. */
export function denoArguments(file: string): string[] {
  return [
    'run',
    '--quiet',
    '--no-remote',
    '--node-modules-dir=manual',
    '--allow-net',
    '--allow-env',
    '--allow-sys',
    '--allow-read',
    `--config=${join(FUNCTIONS, 'deno.json')}`,
    join(FUNCTIONS, file),
  ]
}

interface Running {
  port: number
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Starts to answer at `url`. A function starts with the first request for it. */
export async function startFunctions(options: {
  port: number
  env: Record<string, string>
  dataFolder: string
}) {
  const running = new Map<string, Promise<Running>>()

  const start = async (name: string): Promise<Running> => {
    const port = await freePort()
    const child = startChild({
      command: 'deno',
      args: denoArguments(`${name}/index.ts`),
      // Deno.serve listens there when the code names no address, as on Supabase.
      env: { ...options.env, DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`, NO_COLOR: '1' },
      name,
      dataFolder: options.dataFolder,
    })
    await untilTaken(port)
    return {
      port,
      async restart() {
        await child.restart()
        await untilTaken(port)
      },
      stop: child.stop,
    }
  }

  const server = createServer(async (incoming, outgoing) => {
    const name = incoming.url?.match(/^\/([a-z][a-z0-9-]*)(?=[/?]|$)/)?.[1]
    if (!name || name === 'emails' || !existsSync(join(FUNCTIONS, name, 'index.ts'))) {
      answer(outgoing, 404, 'There is no such function.')
      return
    }
    const started = running.get(name) ?? start(name)
    running.set(name, started)
    forward(incoming, outgoing, (await started).port)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${options.port}`,
    /** Lets each that runs begin anew, and answers when they listen. */
    async restart() {
      await Promise.all([...running.values()].map(async (each) => (await each).restart()))
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await Promise.all([...running.values()].map(async (each) => (await each).stop()))
    },
  }
}

/** Waits until a function listens, and not for ever: one that fails at once never does. */
async function untilTaken(port: number): Promise<void> {
  const deadline = Date.now() + 10_000
  while ((await isFree(port)) && Date.now() < deadline) await wait(50)
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number): void {
  const { method, url: path, headers } = incoming
  const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answered) => {
    outgoing.writeHead(answered.statusCode ?? 502, answered.headers)
    answered.pipe(outgoing)
  })
  onward.on('error', () => answer(outgoing, 503, 'The function did not answer; see its log.'))
  incoming.pipe(onward)
}

function answer(outgoing: ServerResponse, status: number, message: string): void {
  if (outgoing.headersSent) return void outgoing.destroy()
  outgoing.writeHead(status, { 'content-type': 'application/json' })
  outgoing.end(JSON.stringify({ message }))
}
