/**
 * Characters that nobody sees, and that make another word of one: named, with their place.
 *
 * @module
 */

/** Formatting, control and blank characters; variation selectors; and the sign for one that was lost. */
const UNSEEN =
  /\p{Cc}|\p{Cf}|\p{Z}|\p{Variation_Selector}|[\u115F\u1160\u2800\u3164\uFFA0\uFFFD]|\u034F|[\u17B4\u17B5]/u

const ONLY_UNSEEN = new RegExp(`^(?:(?!\\uFFFD)(?:${UNSEEN.source}))*$`, 'u')

const NAMES: Record<string, string> = {
  '0000': 'NUL',
  '0009': 'tab',
  '000A': 'line break',
  '000D': 'line break',
  '0020': 'space',
  '00A0': 'no-break space',
  '00AD': 'soft hyphen',
  '061C': 'Arabic letter mark',
  '200B': 'zero-width space',
  '200C': 'zero-width non-joiner',
  '200D': 'zero-width joiner',
  '200E': 'left-to-right mark',
  '200F': 'right-to-left mark',
  '202A': 'left-to-right embedding',
  '202B': 'right-to-left embedding',
  '202C': 'end of a change of direction',
  '202D': 'left-to-right override',
  '202E': 'right-to-left override',
  '202F': 'narrow no-break space',
  '2060': 'word joiner',
  '2066': 'left-to-right isolate',
  '2067': 'right-to-left isolate',
  '2068': 'first strong isolate',
  '2069': 'end of an isolate',
  '3000': 'ideographic space',
  FEFF: 'zero-width no-break space',
  FFFD: 'sign for a character that was lost',
}

/** One of them. */
export interface Unseen {
  /** Such as `U+200B`. */
  code: string
  /** In English, such as `zero-width space`. */
  name: string
  /** Which character of the text it is, from 1. */
  place: number
}

/** The first of them; null where there is none. */
export function invisibleIn(text: string): Unseen | null {
  const at = text.search(UNSEEN)
  if (at < 0) return null
  const [character = ''] = text.slice(at)
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const name = NAMES[code] ?? 'a character that is not seen'
  return { code: `U+${code}`, name, place: [...text.slice(0, at)].length + 1 }
}

/** Whether nobody sees anything in it: blanks, formatting, and the Ctrl-Z and NULs that some programs end files with. */
export const isBlank = (text: string) => text.trim() === '' || ONLY_UNSEEN.test(text)

/** Such as `U+200B (zero-width space) as character 4`. */
export const sayUnseen = ({ code, name, place }: Unseen) =>
  `${code} (${name}) as character ${place}`

/** The text with such characters in the open, as `‹U+200B›`, for those who are to find them. */
export function shown(text: string): string {
  return text.replace(new RegExp(UNSEEN, 'gu'), (character) => {
    if (character === ' ') return character
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    return `‹U+${code}›`
  })
}
