/**
 * A part of the stack that runs as a process of its own.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export interface ChildOptions {
  command: string
  args: string[]
  env: Record<string, string>
  /** Its log is `logs/<name>.log` in the data folder, and its process id `pids/<name>`. */
  name: string
  dataFolder: string
}

/**
 * Starts a process and starts it again when it ends by itself, at first after 0.2 seconds, then
 * later each time up to 10.
 */
export function startChild({ command, args, env, name, dataFolder }: ChildOptions) {
  const log = createWriteStream(join(dataFolder, 'logs', `${name}.log`), { flags: 'a' })
  const pidFile = join(dataFolder, 'pids', name)
  let child: ChildProcess | null = null
  const stopping = new AbortController()
  const { signal } = stopping

  const run = (async () => {
    for (let delay = 200; !signal.aborted; delay = Math.min(delay * 2, 10_000)) {
      const startedAt = Date.now()
      child = spawn(command, args, {
        env: {
          PATH: process.env.PATH ?? '',
          HOME: process.env.HOME ?? '',
          // By this a later start knows a process that a killed one has left behind.
          USHER_DATA: dataFolder,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      if (child.pid) writeFileSync(pidFile, String(child.pid))
      child.stdout?.pipe(log, { end: false })
      child.stderr?.pipe(log, { end: false })
      await new Promise((resolve) => child?.once('close', resolve).once('error', resolve))
      if (Date.now() - startedAt > 30_000) delay = 200
      // Told to stop, it waits no longer: what does not hold the process would never end.
      if (!signal.aborted) await wait(delay, undefined, { ref: false, signal }).catch(() => {})
    }
    log.end()
    rmSync(pidFile, { force: true })
  })()

  /** Asks it to end, and insists after five seconds. */
  async function end(): Promise<void> {
    const ending = child
    if (!ending?.pid || ending.exitCode !== null || ending.signalCode !== null) return
    const hasEnded = new Promise((resolve) => ending.once('close', resolve))
    ending.kill('SIGTERM')
    const insist = setTimeout(() => ending.kill('SIGKILL'), 5_000)
    await hasEnded
    clearTimeout(insist)
  }

  return {
    /** Ends it, and another one begins as after any end. */
    restart: end,
    async stop() {
      stopping.abort()
      await end()
      await run
    },
  }
}
