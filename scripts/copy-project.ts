/**
 * Copies into the npm package what `usher init` brings into a project, laid out as it will lie there:
 *
 *   supabase/migrations/   as they are
 *   supabase/usher/        functions/ and what those import from elsewhere, in a folder of our own, so that
 *                          nothing of the project's, such as its `_shared/`, can be in the way
 *   config.toml            the sections for the project's own
 *   bridge.sql             what `usher upgrade` runs in a database of before the first release
 *
 * @module
 */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { readBlocks } from '../client/cli/project/config-blocks.ts'

/** @param root - of this repository; @param target - a folder that is not there yet */
export async function copyProject(root: string, target: string): Promise<void> {
  const usher = join(target, 'supabase/usher')
  await mkdir(usher, { recursive: true })
  await cp(join(root, 'supabase/migrations'), join(target, 'supabase/migrations'), {
    recursive: true,
  })
  await cp(join(root, 'functions'), join(usher, 'functions'), {
    recursive: true,
    // Deno writes it where it runs.
    filter: (file) => !file.endsWith('deno.lock'),
  })
  for (const file of await importedFromElsewhere(join(root, 'functions'))) {
    const path = relative(root, file)
    await mkdir(join(usher, dirname(path)), { recursive: true })
    await cp(file, join(usher, path))
  }
  await writeFile(
    join(target, 'config.toml'),
    configSections(await readFile(join(root, 'supabase/config.toml'), 'utf8')),
  )
  await cp(join(root, 'CHANGELOG.md'), join(target, 'CHANGELOG.md'))
  await cp(join(root, 'supabase/bridge/bridge.sql'), join(target, 'bridge.sql'))
}

/** Files outside of the folder that its files import, and what those import, such as generated types. */
async function importedFromElsewhere(folder: string): Promise<Set<string>> {
  const names = await readdir(folder, { recursive: true })
  const toRead = names.filter((name) => /\.tsx?$/.test(name)).map((name) => join(folder, name))
  const found = new Set<string>()
  for (const file of toRead) {
    const text = await readFile(file, 'utf8')
    for (const [, path = ''] of text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)) {
      const imported = join(dirname(file), path)
      if (!relative(folder, imported).startsWith('..') || found.has(imported)) continue
      found.add(imported)
      toRead.push(imported)
    }
  }
  return found
}

/** The sections of our config.toml that a project needs, with the paths that hold there. */
function configSections(config: string): string {
  const sections = readBlocks(config).filter(
    ({ path }) => path[0] === 'functions' || path.slice(0, 2).join('.') === 'auth.hook',
  )
  const text = sections.map(({ text }) => text).join('\n\n')
  return `${text
    .replaceAll('"../functions/', '"./usher/functions/')
    // Where `supabase start` has functions; `npm start` here has them on a port of their own.
    .replaceAll(
      /"http:\/\/host\.docker\.internal:\d+\//g,
      '"http://host.docker.internal:54321/functions/v1/',
    )}\n`
}
