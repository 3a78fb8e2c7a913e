/**
 * The folder that holds all data of one local stack, used by one stack at a time.
 *
 * @module
 */
import { mkdir, open, readdir, readFile, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Problem } from './problem.ts'

/**
 * Takes the folder for this process. A lock whose process is gone (it was killed) is taken over.
 *
 * @returns how to give it back
 */
export async function takeDataFolder(folder: string): Promise<() => Promise<void>> {
  await makeWritable(folder)
  const lock = join(folder, 'lock')
  const holder = await holderOf(folder)
  if (holder) {
    throw new Problem(
      `The stack is running already in ${folder} (process ${holder}); see stack.json there, or stop it first.`,
    )
  }
  await rm(lock, { force: true })
  await rm(join(folder, 'stack.json'), { force: true })
  const file = await open(lock, 'wx').catch(() => {
    throw new Problem(`Another start took ${folder} at this very moment; it goes on there.`)
  })
  await file.writeFile(String(process.pid))
  await file.close()
  return () => unlink(lock).catch(() => {})
}

/** The process that runs a stack in this folder, if one does. */
export async function holderOf(folder: string): Promise<number | null> {
  const pid = Number(await readFile(join(folder, 'lock'), 'utf8').catch(() => ''))
  return pid && isRunning(pid) ? pid : null
}

/**
 * A run that was killed may leave its parts behind: its Postgres, which still serves the data, and the
 * processes whose ids it wrote down. They are asked to stop, which loses nothing.
 */
export async function stopOrphans(folder: string): Promise<void> {
  const names = await readdir(join(folder, 'pids')).catch(() => [])
  await Promise.all(
    names.map(async (name) => {
      const file = join(folder, 'pids', name)
      const isOurs = (_: string, env: string) => env.includes(`USHER_DATA=${folder}`)
      await stopOrphan(await readPid(file), 'SIGTERM', isOurs)
      await rm(file, { force: true })
    }),
  )
  // The database last: the others may be in the middle of something there.
  const postmaster = join(folder, 'postgres', 'postmaster.pid')
  await stopOrphan(await readPid(postmaster), 'SIGINT', (command) => command.includes('postgres'))
}

async function stopOrphan(
  pid: number,
  signal: NodeJS.Signals,
  isOurs: (command: string, environment: string) => boolean,
): Promise<void> {
  if (!pid || !isRunning(pid)) return
  // Process ids are used again: what has this one now may be anybody's.
  const read = (what: string) => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '')
  if (!isOurs(await read('cmdline'), await read('environ'))) return
  process.kill(pid, signal)
  const deadline = Date.now() + 20_000
  while (isRunning(pid)) {
    if (Date.now() > deadline) {
      throw new Problem(`Process ${pid} of an earlier run does not stop; end it by hand.`)
    }
    await wait(50)
  }
}

async function readPid(file: string): Promise<number> {
  return Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0])
}

async function makeWritable(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${process.pid}`)
  try {
    for (const part of ['logs', 'pids']) await mkdir(join(folder, part), { recursive: true })
    await (await open(probe, 'w')).close()
    await unlink(probe)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Problem(
      `The data folder ${folder} cannot be written (${code}); choose another one with USHER_DATA.`,
    )
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
