/**
 * Tokens of invites: what they are made of, and what is said of them.
 *
 * @module
 */
import type { Organisation } from './acme.ts'

export const bytesOfToken = (token: string) => Buffer.from(token.slice('inv_'.length), 'base64url')

/** The statuses that many tokens get, asked in one statement. */
export async function statusesOf(acme: Organisation, tokens: string[]): Promise<Set<string>> {
  const rows = await acme.anyone.run(
    (tx) => tx`select distinct (public.validate_organisation_invite(t)).status
      from unnest(${tokens}::text[]) t`,
  )
  return new Set(rows.map((row) => row.status))
}
