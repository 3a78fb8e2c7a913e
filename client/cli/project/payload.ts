/**
 * What this version of the package brings into a project.
 *
 * @module
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import manifest from '../../package.json' with { type: 'json' }

export interface Payload {
  version: string
  /** By their path in the project, with slashes: migrations, functions and what those import. */
  files: Map<string, string>
  /** The sections of config.toml, with their comments. */
  config: string
  changelog: string
  /** What brings a database over that has the migrations of before the first release. */
  bridge: string
}

/** Beside the folder of the built command: see scripts/build-client.ts. */
const FOLDER = fileURLToPath(new URL('../project', import.meta.url))

/** Reads it from the installed package. */
export async function readPayload(folder = FOLDER): Promise<Payload> {
  const files = new Map<string, string>()
  const root = join(folder, 'supabase')
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = `supabase${path.slice(root.length).replaceAll(sep, '/')}`
    files.set(name, await readFile(path, 'utf8'))
  }
  return {
    version: manifest.version,
    files: new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))),
    config: await readFile(join(folder, 'config.toml'), 'utf8'),
    changelog: await readFile(join(folder, 'CHANGELOG.md'), 'utf8'),
    bridge: await readFile(join(folder, 'bridge.sql'), 'utf8'),
  }
}

export const isMigration = (path: string) => path.startsWith('supabase/migrations/')

/** Its number, by which Supabase knows it: `20261121000001` of `20261121000001_usher.sql`. */
export const versionOf = (file: string) => file.match(/(?:^|\/)(\d+)_[^/]*\.sql$/)?.[1]

/** The edge functions that are in it, such as `send-mail`. */
export function functionNames({ files }: Payload): string[] {
  return [...files.keys()].flatMap(
    (path) => path.match(/^supabase\/usher\/functions\/([\w-]+)\/index\.ts$/)?.[1] ?? [],
  )
}
