/**
 * The sum by which a file is known again.
 *
 * @module
 */
import { createHash } from 'node:crypto'

/** Of a text, in hex. Line ends do not count: git may have changed them on the way. */
export function sha256(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
}
