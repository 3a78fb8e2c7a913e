/**
 * A migration as the Supabase CLI notes it down.
 *
 * @module
 */

/** What may hold a semicolon that ends nothing: quoted text and names, comments, bodies. */
const WHOLE = [
  "\\b[eE]'(?:[^'\\\\]|\\\\[\\s\\S]|'')*'",
  "'(?:[^']|'')*'",
  '"(?:[^"]|"")*"',
  '--[^\\n]*',
  '/\\*[\\s\\S]*?\\*/',
  '\\$([A-Za-z_]\\w*)?\\$[\\s\\S]*?\\$\\1\\$',
].join('|')
const STATEMENT = new RegExp(`(?:${WHOLE}|[^;])+`, 'g')

/** @returns its statements without their semicolons, each with the comments before it */
export function statementsIn(sql: string): string[] {
  return [...sql.matchAll(STATEMENT)].map(([text]) => text.trim()).filter(Boolean)
}
