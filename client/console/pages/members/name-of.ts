/**
 * What a member is called in a sentence.
 *
 * @module
 */
import type { Member } from '../../../index.ts'

export function nameOf(member: Member): string {
  return member.displayName ?? member.email ?? member.userId
}
