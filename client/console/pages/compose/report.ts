/**
 * The report on a list that was sent: what became of each row, and why.
 *
 * @module
 */
import type { Unseen } from '../../../csv/invisible.ts'
import { downloadCsv } from '../../app/download.ts'
import type { Texts } from '../../texts/en.ts'
import type { Row } from './rows.ts'

/** What a problem is about, in the reader's language. */
export const sayDetail = (
  { detail, unseen }: { detail: string; unseen: Unseen | null },
  compose: Texts['compose'],
) => (unseen ? compose.unseenAt(unseen) : detail)

export function downloadReport(
  rows: Row[],
  compose: Texts['compose'],
  errors: Record<string, string>,
): void {
  const said = {
    created: compose.statusCreated,
    failed: compose.statusFailed,
    unknown: compose.statusUnknown,
  }
  downloadCsv('invitations.csv', [
    [
      compose.row,
      compose.columnEmail,
      compose.columnRoles,
      compose.status,
      'code',
      compose.problem,
    ],
    ...rows.map(({ number, email, roles, unread, outcome }) => {
      const status = outcome ? said[outcome.status] : compose.statusSkipped
      const code = outcome?.errorCode ?? unread?.problem ?? null
      const problem = unread
        ? [compose.problems[unread.problem], sayDetail(unread, compose)].filter(Boolean).join(': ')
        : code && (errors[code] ?? null)
      return [number, email, roles.join(' '), status, code, problem]
    }),
  ])
}
