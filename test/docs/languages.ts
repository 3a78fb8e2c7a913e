/**
 * What is done with a block, by its language.
 *
 * @module
 */
import { parse as parseToml } from '@decimalturn/toml-patch'
import { parse as parseGraphql, validate } from 'graphql'
import { schema } from '../../functions/graphql/schema.ts'
import type { Block } from './documents.ts'

/** Run against the demo stack. */
export const RUN = ['sh', 'sql']
/** Compiled against the built package; see snippets.ts. */
export const COMPILED = ['ts', 'tsx']
/** Read, and where there is a schema, checked. */
export const READ: Record<string, (text: string) => unknown> = {
  json: JSON.parse,
  toml: parseToml,
  graphql(text) {
    const faults = validate(schema, parseGraphql(text))
    if (faults.length > 0) throw new Error(faults.join('\n'))
  },
}
/** Other names of the above: a block must not get around being run by its name. */
const ALIASES = [
  'bash',
  'shell',
  'console',
  'zsh',
  'js',
  'jsx',
  'javascript',
  'typescript',
  'psql',
  'postgresql',
  'jsonc',
]

/** Why nothing would be done with a block that looks as if it could be run; null where all is well. */
export function problemOf({ language, notRun }: Block): string | null {
  if (notRun || !ALIASES.includes(language)) return null
  return `"${language}" is neither run nor checked. Call it sh, sql, ts, tsx, json or toml, or say above it why not: <!-- not run: the reason -->`
}

/** The file that a block is to be saved as, where its first line is a comment that is only a path. */
export function fileNameOf({ text }: Block): string | null {
  return (
    text.match(/^(?:\/\/|--|#) ((?:[\w.-]+\/)*[\w.-]+\.(?:tsx?|sql|toml|json|sh))\n/)?.[1] ?? null
  )
}
