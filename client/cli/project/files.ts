/**
 * Reading what may not be there.
 *
 * @module
 */
import { lstat, readdir, readFile } from 'node:fs/promises'

/** The text of a file; null where there is nothing. Throws when it cannot be read, as a folder cannot. */
export async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(nullWhereMissing)
}

/** The names in a folder; none where there is no folder. */
export async function readNames(path: string): Promise<string[]> {
  return (await readdir(path).catch(nullWhereMissing)) ?? []
}

/** What is at a path. */
export async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  const found = await lstat(path).catch(nullWhereMissing)
  if (!found) return null
  return found.isDirectory() ? 'folder' : 'file'
}

function nullWhereMissing(error: NodeJS.ErrnoException): null {
  // ENOTDIR: on the way to it is a file, so it is not there either.
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
  return null
}
