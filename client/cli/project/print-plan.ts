/**
 * A plan as a person reads it.
 *
 * @module
 */
import type { Plan } from './plan.ts'

const SIGNS = { adds: '+', replaces: '~', extends: '~', removes: '-' } as const

/** File by file; then what stays, what stands in the way, and what to know. */
export function describePlan(plan: Plan): string {
  const { changes, database, present, kept, collisions, notes } = plan
  const parts = [
    section(
      'Will do in the database',
      database.map((step) => `~ ${step}`),
    ),
    section(
      'Will write',
      changes.map(({ path, does }) => `${SIGNS[does]} ${path} (${does})`),
    ),
    present.length > 0 ? `${present.length} there already, as this version has them.` : '',
    section(
      'Stays as you have it',
      kept.map(({ path, why }) => `  ${path}: ${why}`),
    ),
    section(
      'In the way',
      collisions.map(({ where, why }) => `✗ ${where}\n    ${why}`),
    ),
    section(
      'To know',
      notes.map((note) => `  ${note}`),
    ),
  ]
  return parts.filter(Boolean).join('\n\n')
}

function section(title: string, lines: string[]): string {
  return lines.length > 0 ? [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n') : ''
}
