/**
 * Text that JSON can carry and Postgres cannot hold: NUL, and half of a surrogate pair, which is what is left
 * of a character such as an emoji when it is cut in two. Postgres refuses a whole request for one such text,
 * before any function of ours runs. So whoever sends has to look first: the client, the REST and the GraphQL
 * function do, with this.
 *
 * @module
 */

/** What is said of a call that holds such text. */
export const UNSTORABLE = 'A text holds a character that cannot be stored.'

/** What is wrong, in the words of the contract; `invalid_row` of a file, which could not be read. */
export interface RowProblem {
  code: 'invalid_email' | 'invalid_message' | 'invalid_settings' | 'invalid_role' | 'invalid_row'
  /** Where it stands, and which character it is. */
  hint: string
}

const CODES: Record<string, RowProblem['code']> = {
  email: 'invalid_email',
  message: 'invalid_message',
}

/**
 * The first such text in the arguments of a call, or in a row of a batch, which may be anything, or in a name in it;
 * null where there is none. What is no object has no address.
 */
export function rowProblem(row: unknown): RowProblem | null {
  const isDraft = row !== null && typeof row === 'object' && !Array.isArray(row)
  for (const [field, value] of Object.entries(isDraft ? row : { email: row })) {
    const inName = characterIn(field)
    const character = inName ?? characterIn(value)
    if (!character) continue
    return {
      code: (!inName && CODES[field]) || 'invalid_settings',
      hint: `${inName ? 'A name' : field} holds ${character}, which cannot be stored: take it out.`,
    }
  }
  return null
}

/** As it may be shown, and kept anywhere: with U+FFFD in the place of such characters. */
export function presentable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD')
}

/**
 * The arguments of a function as they can be sent. Only `validate_organisation_invite`, which never refuses, needs
 * others: a token with such characters is none of ours, as is one with U+FFFD.
 */
export function withToken<Args extends object>(functionName: string, args: Args): Args {
  const { token } = args as { token?: unknown }
  if (functionName !== 'validate_organisation_invite' || typeof token !== 'string') return args
  return { ...args, token: presentable(token) }
}

/** What became of a row, as `create_organisation_invites` says it. */
export interface OutcomeRow {
  row_number: number
  email: string | null
  status: string
  invite_id: string | null
  error_code: string | null
  error_details: string | null
}

/**
 * Sends the rows of a batch without those that Postgres could not read, and puts in their places what is wrong
 * with them.
 *
 * @param send - calls `create_organisation_invites`; a row that is held back is null there, and keeps its number
 * @param known - what is known to be wrong with a row, by its place
 */
export async function withoutUnreadable(
  rows: unknown[],
  send: (rows: unknown[]) => Promise<OutcomeRow[]>,
  known: (RowProblem | null | undefined)[] = [],
): Promise<OutcomeRow[]> {
  const problems = rows.map((row, i) => known[i] ?? rowProblem(row))
  const outcomes = await send(rows.map((row, i) => (problems[i] ? null : row)))
  return outcomes.map((outcome) => {
    const problem = problems[outcome.row_number - 1]
    if (!problem) return outcome
    const { code, hint } = problem
    const email = emailOf(rows[outcome.row_number - 1])
    return { ...outcome, email, error_code: code, error_details: hint }
  })
}

function emailOf(row: unknown): string | null {
  const { email } = (row ?? {}) as { email?: unknown }
  return typeof email === 'string' ? presentable(email) : null
}

/** How such a character is called, if there is one in this value or in a name in it. */
function characterIn(value: unknown): string | null {
  if (typeof value === 'string') {
    if (value.includes('\0')) return 'NUL (U+0000)'
    // A pair is one character to this pattern; what it finds is half of one.
    const [half] = value.match(/\p{Surrogate}/u) ?? []
    const code = half?.charCodeAt(0).toString(16).toUpperCase()
    return code ? `half of a character that was cut in two (U+${code})` : null
  }
  if (!value || typeof value !== 'object') return null
  for (const [name, each] of Object.entries(value)) {
    const character = characterIn(name) ?? characterIn(each)
    if (character) return character
  }
  return null
}
