/**
 * Lists with other quotes than those of CSV: typographic or single ones, backslashes before those within a cell, and each
 * line quoted once more as a whole. Which quotes they are, the names of the columns say.
 *
 * @module
 */
import { DELIMITERS, isNamed } from './layout.ts'

const OPENING = `['‘’‚‹“”„‟«»]`
const CLOSING = `['’‘›‹”“»«]`
const QUOTED = new RegExp(`^${OPENING}(.*)${CLOSING}$`)
/** Next to what parts cells, they are quotes; within a word, an apostrophe. */
const OPENS = new RegExp(`(^|[,;\\t|\\n\\r\\u0085])( *)${OPENING}`, 'g')
const CLOSES = new RegExp(`${CLOSING}(?= ?(?:[,;\\t|\\n\\r\\u0085]|$))`, 'g')

/** In cells of CSV, quotes are doubled: after a single one, no letter follows. */
const BACKSLASHED = /(?:^|[,;\t|\n\r]) *"[^"]*\\"(?=[^",;\t|\s])/

/** The first line that is not empty, and all of them in a sample. */
const SAMPLE = 1 << 14
const LINE = /\r\n|[\n\r\u0085]/
const WHOLE = /^"((?:[^"\n\r]|"")*)"[,;\t]*(?=\r|\n|$)/
const LINES = new RegExp(WHOLE.source, 'gm')

/** The text with the quotes of CSV. */
export function inPlainQuotes(text: string): string {
  const lines = text
    .slice(0, SAMPLE)
    .split(LINE)
    .filter((line) => line.trim() !== '')
  const [first = ''] = lines
  if (isOfOtherQuotes(first)) {
    return text.replaceAll('"', '""').replace(OPENS, '$1$2"').replace(CLOSES, '"')
  }
  // The last line of a sample may be cut.
  const whole = text.length > SAMPLE ? lines.slice(0, -1) : lines
  const [, names = ''] = first.match(WHOLE) ?? []
  if (hasNames(names) && whole.every((line) => WHOLE.test(line))) {
    return text.replace(LINES, (_, line: string) => line.replaceAll('""', '"'))
  }
  return BACKSLASHED.test(text) ? text.replaceAll('\\"', '""') : text
}

/** Each name stands in them, and one of them is known. */
const isOfOtherQuotes = (line: string) =>
  DELIMITERS.some((delimiter) => {
    const cells = line.split(delimiter).map((cell) => cell.trim())
    return (
      cells.every((cell) => cell === '' || QUOTED.test(cell)) &&
      cells.some((cell) => isNamed(cell.replace(QUOTED, '$1')))
    )
  })

/** Several columns, of which one is known. */
const hasNames = (line: string) =>
  DELIMITERS.some((delimiter) => {
    const names = line.split(delimiter)
    return names.length > 1 && names.some(isNamed)
  })
