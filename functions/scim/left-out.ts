/**
 * What is not kept is left out, and the rest is done. Not so where somebody would be in still whom the other side
 * believes out: what is answered with 200 has happened.
 *
 * Source: https://github.com/OneUptime/oneuptime/pull/3852
 *
 * @module
 */
import type { Unread } from './names.ts'
import { refuse } from './problem.ts'
import type { Shape } from './schema.ts'
import type { Op } from './steps.ts'
import { isObject, mend, partOf } from './values.ts'

/** The first word of a name, behind whatever schema stands before it: active of `urn:…:1.0:active` and `/active`. */
const firstWord = (name: string): string =>
  (name.split('[')[0] ?? '')
    .replace(/^.*:/s, '')
    .match(/[^\s./]+/)?.[0]
    ?.toLowerCase() ?? ''

/**
 * What decides, and is spelt as nothing here is spelt, is not left out: whoever believes it done has to hear of it.
 * So of all names that take somebody out of a Group, or say who is in it; and of any part that what decides has not.
 *
 * @throws 400 with invalidPath or mutability
 */
export function requireLeavable(
  { attributes }: Shape,
  op: Op,
  unread: Unread,
  name: string,
  value: unknown,
): void {
  const word = firstWord(name)
  const isGroup = attributes.has('members')
  const isAboutMembers =
    isGroup && (word === 'members' || (isObject(value) && partOf(value, 'members') !== undefined))
  const isMisspelt = unread === 'unknown' && attributes.get(word)?.isDeciding
  if (isMisspelt || isAboutMembers || (isGroup && op === 'remove')) {
    throw refuse(400, 'invalidPath', `There is no attribute ${name.slice(0, 200)}.`)
  }
  if (op === 'remove' && word === 'groups') {
    throw refuse(400, 'mutability', 'Whoever is to leave a Group is removed from its members.')
  }
}

/** Whether a name that cannot be read says of somebody that they are not active: itself, or what it holds. */
export function saysOff({ attributes }: Shape, name: string, value: unknown): boolean {
  const active = attributes.get('active')
  if (!active) return false
  const inner = isObject(value) ? partOf(value, 'active') : undefined
  const said = firstWord(name) === 'active' ? value : inner
  return mend({ ...active, isDeciding: false }, said) === false
}
