/**
 * The npm package as it would be published, and projects into which it is installed.
 *
 * @module
 */
import { type ExecFileOptions, execFile } from 'node:child_process'
import {
  copyFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildClient } from '../../scripts/build-client.ts'
import { temporaryFolder } from './stack.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Packs a folder with a package.json as `npm publish` would, into `<target>/usher.tgz`. */
export async function pack(folder: string, target: string): Promise<void> {
  const { stdout } = await run(
    'npm',
    ['pack', folder, '--pack-destination', target, '--offline', '--loglevel=error'],
    { cwd: target },
  )
  await rename(join(target, stdout.trim().split('\n').at(-1) ?? ''), join(target, 'usher.tgz'))
}

/**
 * Builds and packs the package, in a folder of its own, so that several test files can at once, and unpacks it.
 *
 * @returns the folder of the unpacked package
 */
export async function unpackedPackage(): Promise<string> {
  const folder = await temporaryFolder()
  const client = join(folder, 'client')
  await mkdir(client)
  for (const file of ['package.json', 'README.md']) {
    await copyFile(join(ROOT, 'client', file), join(client, file))
  }
  await buildClient(join(client, 'dist'))
  await pack(client, folder)
  await run('tar', ['-xzf', 'usher.tgz'], { cwd: folder })
  return join(folder, 'package')
}

/** By the folder that they are in, which ends with the tests of a file. */
const empties = new Map<string, Promise<string>>()

/** @returns the folder `supabase/` of an empty project; made once, and copied */
async function supabaseInit(root: string): Promise<string> {
  await run(join(ROOT, 'node_modules/.bin/supabase'), ['init', '--yes', '--workdir', root], {
    env: { ...process.env, DO_NOT_TRACK: '1' },
  })
  return join(root, 'supabase')
}

export interface Outcome {
  code: number
  output: string
}

/** A Supabase project as `supabase init` makes it, with the package among its modules. */
export async function createProject(unpacked: string) {
  const root = await temporaryFolder()
  const parent = dirname(unpacked)
  const empty = empties.get(parent) ?? supabaseInit(parent)
  empties.set(parent, empty)
  await cp(await empty, join(root, 'supabase'), { recursive: true })
  const installed = join(root, 'node_modules/usher')
  await mkdir(dirname(installed))
  await symlink(unpacked, installed)
  const { bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const at = (path: string) => join(root, path)
  return {
    root,
    at,
    /** What the package brings, as it lies in there. */
    payload: (path: string) => join(installed, 'dist/project', path),
    read: (path: string) => readFile(at(path), 'utf8'),
    async write(path: string, text: string) {
      await mkdir(dirname(at(path)), { recursive: true })
      await writeFile(at(path), text)
    },
    /** Its files with what they hold, the installed package aside. */
    async files(): Promise<Record<string, string>> {
      const entries = await readdir(at('supabase'), { recursive: true, withFileTypes: true })
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
      const texts = files.map(async (file) => [
        file.slice(root.length + 1),
        await readFile(file, 'utf8'),
      ])
      return Object.fromEntries(await Promise.all(texts))
    },
    /** Runs the installed command in the project, with nobody at the terminal. */
    usher: (...args: string[]): Promise<Outcome> =>
      outcomeOf(process.execPath, [join(installed, bin.usher), ...args], { cwd: root }),
  }
}

export type TestProject = Awaited<ReturnType<typeof createProject>>

function outcomeOf(program: string, args: string[], options: ExecFileOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { ...options, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
    )
    child.stdin?.end()
  })
}
