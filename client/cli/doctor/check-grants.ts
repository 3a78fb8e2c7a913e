/**
 * Whether everybody may do what they should, and nothing else; and row level security.
 *
 * @module
 */
import type postgres from 'postgres'
import { GRANTS } from '../../generated/grants.ts'
import { type Finding, findingsOf } from './finding.ts'
import { readGrants } from './read-grants.ts'

const grants = findingsOf('grants')
const rls = findingsOf('row level security')

/** Compares each table and function of ours with how it is right after the migrations. */
export async function checkGrants(sql: postgres.Sql): Promise<Finding[]> {
  const found = await readGrants(sql)
  const findings: Finding[] = []
  const missing = Object.keys(GRANTS).filter((object) => !found[object])
  if (missing.length > 0) {
    findings.push(
      grants.error(
        `Not there: ${shortened(missing)}.`,
        'Apply the migrations. If they are: something has dropped it; restore it from a migration.',
      ),
    )
  }
  for (const [object, expected] of Object.entries(GRANTS)) {
    const rights = found[object]
    if (!rights) continue
    for (const right of rights.filter((each) => !expected.includes(each))) {
      findings.push(tooMuch(object, right))
    }
    for (const right of expected.filter((each) => !rights.includes(each))) {
      findings.push(tooLittle(object, right))
    }
  }
  if (!findings.some(({ check }) => check === 'grants')) {
    findings.push(
      grants.well(`All ${Object.keys(GRANTS).length} tables and functions as they are meant.`),
    )
  }
  if (!findings.some(({ check }) => check === 'row level security')) {
    findings.push(rls.well('On for every table.'))
  }
  return findings
}

function tooMuch(object: string, right: string): Finding {
  const [role, privilege] = right.split(' ')
  return grants.error(
    `${role} may ${privilege} ${object}, and should not.`,
    // What everybody may, a role may too, so both are said.
    `revoke ${privilege} on ${object} from ${role}, public;`,
  )
}

function tooLittle(object: string, right: string): Finding {
  if (right === 'rls') {
    return rls.error(
      `Off for ${object}: whoever may read it, reads every row.`,
      `alter ${object} enable row level security;`,
    )
  }
  const [role, privilege] = right.split(' ')
  return grants.error(
    `${role} may not ${privilege} ${object}, and should.`,
    `grant ${privilege} on ${object} to ${role};`,
  )
}

function shortened(names: string[]): string {
  const more = names.length - 5
  return names.slice(0, 5).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
