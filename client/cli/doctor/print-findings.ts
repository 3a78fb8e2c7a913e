/**
 * Findings as a person reads them.
 *
 * @module
 */
import type { Finding } from './finding.ts'

const SIGNS = { well: '✓', unseen: '?', warning: '!', error: '✗' } as const

export function describeFindings(findings: Finding[]): string {
  const lines = findings.flatMap(({ check, level, message, repair }) => [
    `${SIGNS[level]} ${check}: ${message}`,
    ...(repair ? [`    ${repair}`] : []),
  ])
  const count = (level: Finding['level']) =>
    findings.filter((finding) => finding.level === level).length
  return [
    ...lines,
    '',
    `${count('well')} well, ${count('error')} to mend, ${count('warning')} to think about, ${count('unseen')} not to be seen from here`,
  ].join('\n')
}
