/**
 * A register as a table of the report: some of its columns, and not more rows than anyone reads.
 *
 * @module
 */
import { html } from 'hono/html'
import type { EvidenceRow } from '../source.ts'

/** Longer registers are in their files. */
export const MOST_ROWS = 500

export type Markup = ReturnType<typeof html>

export interface Column {
  title: string
  /** What stands in the cell: markup, text, or nothing. */
  of: (row: EvidenceRow) => Markup | string | number | null
  isNumber?: boolean
}

interface TableOptions {
  /** Where all rows are. */
  file: string
  /** Said where there are none. */
  empty: string
}

export function table(
  rows: EvidenceRow[],
  columns: Column[],
  { file, empty }: TableOptions,
): Markup {
  if (rows.length === 0) return html`<p class="quiet">${empty}</p>`
  const shown = rows.slice(0, MOST_ROWS)
  const rest = rows.length - shown.length
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${file}"><table>
<thead><tr>${columns.map(({ title, isNumber }) => html`<th scope="col"${isNumber ? html` class="number"` : ''}>${title}</th>`)}</tr></thead>
<tbody>${shown.map(
    (row) =>
      html`<tr>${columns.map(({ of, isNumber }) => html`<td${isNumber ? html` class="number"` : ''}>${of(row) ?? ''}</td>`)}</tr>\n`,
  )}</tbody>
</table></div>
${rest > 0 ? html`<p class="quiet">And ${rest} more, in <code>${file}</code>.</p>` : ''}`
}

/** ISO 8601 to the second, in UTC. */
export function time(value: unknown): Markup | null {
  if (!value) return null
  const iso = new Date(String(value)).toISOString().replace(/\.\d+Z$/, 'Z')
  return html`<time datetime="${iso}">${iso}</time>`
}

/** Several facts in a cell, one under the other; those that are not there take no room. */
export const stack =
  (...parts: Column['of'][]) =>
  (row: EvidenceRow): Markup | null => {
    const said = parts.map((of) => of(row)).filter((part) => part !== null && part !== '')
    if (said.length === 0) return null
    return html`${said.map((part, place) => html`<div${place > 0 ? html` class="quiet"` : ''}>${part}</div>`)}`
  }

export const text = (key: string) => (row: EvidenceRow) => {
  const value = row[key]
  if (value === null || value === undefined) return null
  return Array.isArray(value) ? value.join(', ') : String(value)
}

export const at = (key: string) => (row: EvidenceRow) => time(row[key])

/** A name, an address, or the id that nobody is known by any more. */
export const person =
  (...keys: string[]) =>
  (row: EvidenceRow) =>
    String(keys.map((key) => row[key]).find(Boolean) ?? '') || null
