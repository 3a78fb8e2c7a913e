/**
 * The rows that are going to be invitations, and what is wrong with them as far as it can be seen here.
 * The last word has the server.
 *
 * @module
 */
import type { InviteOutcome, RoleName } from '../../../index.ts'
import { rowProblem } from '../../../text-problem.ts'
import type { List } from './read-list.ts'

export interface Row {
  /** Where it stood in the list, from 1. */
  number: number
  email: string
  /** Names of roles, also such as there are not. */
  roles: RoleName[]
  message: string
  locale: string
  /** What became of it when it was sent. */
  outcome: InviteOutcome | null
}

export type RowProblem =
  | 'invalid_email'
  | 'invalid_role'
  | 'no_roles'
  | 'duplicate'
  | 'invalid_text'

/**
 * @param roles - the roles that there are, with what they are called in the reader's language
 * @param defaultRoles - for rows that name none
 */
export function toRows(
  { cells, hasHeader, matching }: List,
  roles: { value: RoleName; label: string }[],
  defaultRoles: RoleName[],
): Row[] {
  const byName = new Map(
    roles.flatMap(({ value, label }) => [
      [value.toLowerCase(), value],
      [label.toLowerCase(), value],
    ]),
  )
  return cells.slice(hasHeader ? 1 : 0).map((row, at) => {
    const cell = (column: number | null) => (column === null ? '' : (row[column] ?? ''))
    const named = cell(matching.roles)
      .split(/[,;|/]+|\s+/)
      .filter(Boolean)
      .map((name) => byName.get(name.toLowerCase()) ?? name)
    return {
      number: at + 1,
      email: cell(matching.email),
      roles: named.length > 0 ? named : defaultRoles,
      message: cell(matching.message),
      locale: cell(matching.locale),
      outcome: null,
    }
  })
}

/** The first problem of each row that has one, by its number. */
export function findProblems(rows: Row[], known: Set<RoleName>): Map<number, RowProblem> {
  const problems = new Map<number, RowProblem>()
  const seen = new Set<string>()
  for (const { number, email, roles, message, locale } of rows) {
    const address = email.trim().toLowerCase()
    const unreadable = rowProblem({ email, roles, message, locale })
    if (unreadable) {
      const isAddress = unreadable.code === 'invalid_email'
      problems.set(number, isAddress ? 'invalid_email' : 'invalid_text')
    } else if (!/^[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]+$/.test(address)) {
      problems.set(number, 'invalid_email')
    } else if (seen.has(address)) problems.set(number, 'duplicate')
    else if (roles.length === 0) problems.set(number, 'no_roles')
    else if (roles.some((role) => !known.has(role))) problems.set(number, 'invalid_role')
    seen.add(address)
  }
  return problems
}
