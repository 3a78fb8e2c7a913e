/**
 * The Supabase CLI in a project, on a database of the tests.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SUPABASE = join(
  fileURLToPath(new URL('../..', import.meta.url)),
  'node_modules/.bin/supabase',
)

/** @returns its exit code, and all that it said */
export function supabase(
  root: string,
  databaseUrl: string,
  ...args: string[]
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      SUPABASE,
      // It would insist on TLS.
      [...args, '--workdir', root, `--remote=${databaseUrl}?sslmode=disable`],
      { env: { ...process.env, DO_NOT_TRACK: '1', NO_COLOR: '1' }, timeout: 60_000 },
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
    )
    child.stdin?.end()
  })
}
