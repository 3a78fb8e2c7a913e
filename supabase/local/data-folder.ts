/**
 * The folder that holds all data of one local stack, used by one stack at a time.
 *
 * @module
 */
import { mkdir, open, readFile, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
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
 * A run that was killed may leave its Postgres behind, which still serves the data. It is asked to
 * stop, which loses nothing.
 */
export async function stopOrphanedPostgres(folder: string): Promise<void> {
  const file = join(folder, 'postgres', 'postmaster.pid')
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0])
  if (!pid || !isRunning(pid) || !(await isPostgres(pid))) return
  process.kill(pid, 'SIGINT')
  const deadline = Date.now() + 20_000
  while (isRunning(pid)) {
    if (Date.now() > deadline) {
      throw new Problem(
        `A Postgres of an earlier run (process ${pid}) does not stop; end it by hand.`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function makeWritable(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${process.pid}`)
  try {
    await mkdir(folder, { recursive: true })
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

/** Process ids are used again: what has this one now may be another's. Unknown counts as yes. */
async function isPostgres(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres')
  return command.includes('postgres')
}
