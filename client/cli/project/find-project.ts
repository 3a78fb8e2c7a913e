/**
 * The Supabase project that a command works on.
 *
 * @module
 */
import { join, resolve } from 'node:path'
import { readText } from './files.ts'
import { Refusal } from './refusal.ts'

export const CONFIG_FILE = 'supabase/config.toml'

export interface Project {
  /** Absolute: the folder that holds `supabase/`. */
  root: string
  /** The text of its config.toml. */
  config: string
}

/** @param folder - the one that holds `supabase/config.toml`. Throws a refusal when it does not. */
export async function findProject(folder: string): Promise<Project> {
  const root = resolve(folder)
  const config = await readText(join(root, CONFIG_FILE))
  if (config === null) {
    throw new Refusal(
      `There is no ${CONFIG_FILE} in ${root}. Go to the folder of your Supabase project, or name it with --workdir; \`supabase init\` makes a new one.`,
    )
  }
  return { root, config }
}
