/**
 * JSON from strangers.
 *
 * @module
 */

/** Lists and objects within one another; what is made to be read has a handful. */
const DEPTH = 64

/**
 * Parses JSON, but none that is nested so deeply that whoever walks it next would run out of stack:
 * this function, the client or Postgres.
 *
 * @throws SyntaxError: not JSON, or nested too deeply
 */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new SyntaxError('Nested too deeply.')
  return JSON.parse(text)
}

/** One pass, and no pattern: a pattern for strings takes time without end on quotes left open. */
function isTooDeep(text: string): boolean {
  let depth = 0
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (isInString) {
      if (character === '\\') i++
      else if (character === '"') isInString = false
    } else if (character === '"') isInString = true
    else if (character === ']' || character === '}') depth--
    else if ((character === '[' || character === '{') && ++depth > DEPTH) return true
  }
  return false
}
