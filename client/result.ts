/**
 * What every call answers, as supabase-js has it: data or an error, never a throw.
 *
 * @module
 */
import type { UsherError } from './errors.ts'

/** Exactly one of the two is there; check `error` first, and TypeScript knows the other. */
export type Result<T> = { data: T; error: null } | { data: null; error: UsherError }

/** A page of a list. Give `nextCursor` back as `cursor` to get the next one; null: this was the last. */
export type PageResult<T> =
  | { data: T[]; error: null; nextCursor: string | null }
  | { data: null; error: UsherError; nextCursor: null }
