/**
 * A value that Postgres could not read as what it has to be: class 22 of its errors, which say the value and never
 * whose it is.
 *
 * @module
 */

export interface Unreadable {
  /** The argument that it is, where one has just that value. */
  argument: string | null
  /** What the contract calls it; null: it has no word for it. */
  code: 'invalid_expiry' | 'invalid_settings' | null
}

/** @param args - what the function was called with @returns null for an error of another kind */
export function unreadable(
  { code, message }: { code?: string | null; message: string },
  args: object,
): Unreadable | null {
  if (!code || !/^22...$/.test(code)) return null
  const value = message.match(/: "(.*)"$/s)?.[1]
  const [argument = null] =
    Object.entries(args).find(([, each]) => value !== undefined && String(each) === value) ?? []
  const isInterval = /^(invalid input syntax for type )?interval\b/.test(message)
  // A length of time that is none has the code of one that is too long.
  if (isInterval) {
    return { argument, code: argument === 'expires_in' ? 'invalid_expiry' : 'invalid_settings' }
  }
  return { argument, code: null }
}
