import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the files of `sql/` lie. */
export const SQL_FOLDER = fileURLToPath(new URL('../sql', import.meta.url))

/** Files of `sql/`, relative to it, in the order in which they are loaded. */
export function sqlFiles(): string[] {
  return readdirSync(SQL_FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql'))
    .sort()
}
