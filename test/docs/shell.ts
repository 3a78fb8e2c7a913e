/**
 * A shell in which the blocks of a document are run one after the other, as a reader would type them.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Shell {
  /**
   * What a block prints. Variables, functions and the folder stay for the next one. Throws when a command
   * of it fails.
   */
  run(block: string): Promise<string>
  stop(): Promise<void>
}

export function openShell(folder: string, env: NodeJS.ProcessEnv): Shell {
  const child = spawn('bash', ['-euo', 'pipefail'], { cwd: folder, env, detached: true })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let output = ''
  let isEnded = false
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data
      tell()
    })
  }
  ended.then(() => {
    isEnded = true
    tell()
  })
  child.stdin.on('error', () => {})

  return {
    async run(block) {
      output = ''
      const mark = `done-${randomUUID()}`
      const file = join(folder, '.block.sh')
      await writeFile(file, block)
      // Its input is nothing: what asks at a terminal takes its default.
      child.stdin.write(`source '${file}' </dev/null\nprintf '%s\\n' '${mark}'\n`)
      await new Promise<void>((resolve) => {
        const listener = () => {
          if (!isEnded && !output.includes(mark)) return
          listeners.delete(listener)
          resolve()
        }
        listeners.add(listener)
        listener()
      })
      if (isEnded)
        throw new Error(`A command of this block failed:\n${block}\n\n${output.slice(-2000)}`)
      return output.replace(`${mark}\n`, '')
    },
    async stop() {
      // With all that its blocks have left running.
      if (child.pid && !isEnded) process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}
