/**
 * Runs the real `npm start` command in a folder of its own.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isFree } from '../../supabase/local/ports.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const PORTS = 6

export const temporaryFolder = () => mkdtemp(join(tmpdir(), 'usher-stack-'))

const taken = new Set<number>()

/**
 * The first of six free ports that follow one another: in steps, so that two ranges never overlap, and
 * below those that the system gives to whoever asks for any.
 */
export async function freeRange(): Promise<number> {
  for (;;) {
    const first = 20_000 + 10 * Math.floor(Math.random() * 1_200)
    if (taken.has(first)) continue
    taken.add(first)
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => isFree(first + i)))
    if (free.every(Boolean)) return first
  }
}

export interface Run {
  process: ChildProcess
  /** What it has printed so far. */
  output(): string
  /** Its exit status, once it has ended. */
  ended: Promise<number | null>
}

/** @param isGroup - whether it heads a group of processes, which can be sent a signal as a whole */
export function runStart(
  env: Record<string, string>,
  args = ['supabase/local/start.js'],
  isGroup = false,
): Run {
  let output = ''
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', ...env },
    detached: isGroup,
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { process: child, output: () => output, ended }
}

/** Waits until the stack has said where it answers. */
export async function untilReady(run: Run, folder: string): Promise<Stack> {
  const file = join(folder, 'stack.json')
  const hasEnded = run.ended.then(() => true)
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => null)
    if (text && run.output().includes('ready')) return JSON.parse(text)
    if (await Promise.race([hasEnded, wait(50).then(() => false)])) {
      throw new Error(`The stack ended before it was ready:\n${run.output()}`)
    }
  }
}
