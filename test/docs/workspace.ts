/**
 * Where a reader of the documents stands: a checkout, with the built package among its modules. What the blocks
 * write lands here and not in the repository.
 *
 * @module
 */
import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { temporaryFolder } from '../support/stack.ts'

const LEFT_OUT = ['.git', '.usher', 'node_modules']

/** @param unpacked - the folder of the package as it would be published */
export async function createWorkspace(unpacked: string): Promise<string> {
  const folder = await temporaryFolder()
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '.bin'), { recursive: true })
  const links = [
    ...(await linksOf('.', folder, LEFT_OUT)),
    ...(await linksOf('node_modules', modules, ['.bin', 'usher'])),
    ...(await linksOf('node_modules/.bin', join(modules, '.bin'), [])),
  ]
  await Promise.all(links.map(([target, path]) => symlink(target, path)))
  // Copied, so that it finds its peers where an application has them.
  await cp(unpacked, join(modules, 'usher'), { recursive: true })
  await symlink('../usher/dist/cli/index.js', join(modules, '.bin/usher'))
  return folder
}

async function linksOf(from: string, to: string, leftOut: string[]) {
  const names = (await readdir(from)).filter((name) => !leftOut.includes(name))
  return names.map((name) => [resolve(from, name), join(to, name)] as const)
}
