/**
 * Carries out a plan: all of it or nothing.
 *
 * @module
 */
import { mkdir, mkdtemp, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { kindOf } from './files.ts'
import type { Change } from './plan.ts'

type Undo = () => Promise<unknown>

/**
 * Writes all new texts into a folder beside, then moves each to its place. When something fails, what has been
 * moved is moved back, and folders that were made for it go.
 *
 * @param root - the project; its folder `supabase/` has to be there
 */
export async function applyChanges(root: string, changes: Change[]): Promise<void> {
  const stage = await mkdtemp(join(root, 'supabase', '.usher-'))
  const undo: Undo[] = []
  try {
    for (const [i, { content }] of changes.entries()) {
      if (content !== null) await writeFile(join(stage, `${i}.new`), content)
    }
    for (const [i, { path, content }] of changes.entries()) {
      await replace(join(root, path), content === null ? null : join(stage, `${i}.new`), {
        old: join(stage, `${i}.old`),
        undo,
      })
    }
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  } finally {
    await rm(stage, { recursive: true, force: true })
  }
}

async function replace(
  path: string,
  newFile: string | null,
  { old, undo }: { old: string; undo: Undo[] },
): Promise<void> {
  if (await kindOf(path)) {
    await rename(path, old)
    undo.push(() => rename(old, path))
  }
  if (newFile === null) return
  await makeFolder(dirname(path), undo)
  await rename(newFile, path)
  undo.push(() => rm(path))
}

async function makeFolder(folder: string, undo: Undo[]): Promise<void> {
  if ((await kindOf(folder)) === 'folder') return
  await makeFolder(dirname(folder), undo)
  await mkdir(folder)
  undo.push(() => rmdir(folder))
}
