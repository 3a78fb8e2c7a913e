/**
 * `supabase/usher.json`: what was put into this project, so that a later version can tell what its people
 * have changed since. It belongs into version control.
 *
 * @module
 */
import { join } from 'node:path'
import { readText } from './files.ts'
import { Refusal } from './refusal.ts'

export const STATE_FILE = 'supabase/usher.json'

export interface State {
  /** Of the package that wrote it. */
  version: string
  /** The SHA-256 of each file as it was brought, by its path. */
  files: Record<string, string>
  /** Each value of config.toml as it was brought, by its path, such as `functions.api.verify_jwt`. */
  config: Record<string, unknown>
}

/** Null where Usher is not in the project. Throws a refusal when the file cannot be understood. */
export async function readState(root: string): Promise<State | null> {
  const text = await readText(join(root, STATE_FILE))
  if (text === null) return null
  const state = parse(text)
  if (typeof state?.version !== 'string' || !isObject(state.files) || !isObject(state.config)) {
    throw new Refusal(
      `${STATE_FILE} is not what Usher wrote. Take it back from version control; without it, nobody can tell which files you changed.`,
    )
  }
  return state
}

export const writtenState = (state: State) => `${JSON.stringify(state, null, 2)}\n`

function parse(text: string): State | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null
