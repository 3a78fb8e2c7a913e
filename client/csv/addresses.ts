/**
 * Addresses as people write and copy them: `Ann <ann@example.com>; "Doe, Bob" <bob@example.com>`, `mailto:`,
 * `="ann@example.com"`. Readers of RFC 5322 refuse half of what stands in spreadsheets and on clipboards; this finds
 * the addresses, and leaves it to the server to say which are good.
 *
 * @module
 */
import { invisibleIn, type Unseen } from './invisible.ts'

/** What nearly every cell holds; the rest is looked at more closely. */
const PLAIN = /^[\w.%+'-]+@[a-z\d.-]*[a-z\d]$/i
const ADDRESS = /^[^\s@<>,;:،؛，；、|"()[\]\\]+@[^\s@<>,;:،؛，；、|/&"()[\]\\]+$/
/** The at of full-width and of small forms, which Asian keyboards write. */
const OTHER_ATS = /[\uFF20\uFE6B]/g
/** Commas and semicolons, also as Arabic and East Asian keyboards have them, and line ends. */
const BETWEEN = /[,;،؛，；、\n\r\u0085\u2028\u2029]+/
/** And in each of the languages. */
const BETWEEN_WORDS = /\s+(?:(?:[&/|+·•]|and|or|und|oder|et|ou|y|o|i|oraz|lub|و|أو)\s+)?|[/|&]/i
/** What stands before an address in a list, and in the head of a mail. */
const MARK = /^(?:[-*•·–—]|>+|\d{1,4}[.)])\s+/
const LABEL = /^\p{L}[\p{L}-]{0,19}\s?:\s*(?=[\w.%+'-]+@)/u
/** No address is as long; what is, is not looked at more closely. */
const LONGEST = 1_000

/** Whether it is an address by its form. Characters that cannot be seen are not looked at. */
export function isAddress(text: string): boolean {
  return PLAIN.test(text) || ADDRESS.test(text.replace(/\p{Cf}/gu, ''))
}

/**
 * What a text holds where addresses are expected: each one by itself. What is none is given as it is, so that it has
 * its outcome too.
 *
 * @returns empty for an empty text, otherwise at least one
 */
export function addressesIn(text: string): string[] {
  const trimmed = text.trim()
  if (PLAIN.test(trimmed) || trimmed === '') return trimmed ? [trimmed] : []
  const plain = bracketed(withoutFormula(trimmed).replace(OTHER_ATS, '@'))
  if (!plain.includes('@')) return [plain]
  const brackets = [...plain.matchAll(/<([^<>]*)>/g)].filter(({ 1: inside }) =>
    inside?.includes('@'),
  )
  const found = brackets.length > 0 ? inBrackets(plain, brackets) : listed(plain)
  return [...new Set(found)].filter(Boolean)
}

/** `Ann (ann@example.com)`, `[Ann](mailto:ann@example.com)` and `a@example.com [mailto:a@example.com]` in one spelling. */
function bracketed(text: string): string {
  if (!/[([]/.test(text)) return text
  const found = text
    .replace(/\[[^[\]]*\]\(([^()\s"@]*@[^()\s"@]*)\)/g, '<$1>')
    .replace(/\(([^()\s"@]*@[^()\s"@]*)\)|\[([^[\]\s",;@]*@[^[\]\s",;@]*)\]/g, ' <$1$2>')
    .replace(/\([^()@]*\)/g, '')
  return found.includes('@') ? found : text
}

/** Whether a cell holds addresses and nothing else, apart from names before them. */
export function holdsAddresses(cell: string): boolean {
  const found = addressesIn(cell)
  return found.length > 0 && found.every(isAddress)
}

/** `Ann <ann@example.com>`, several, and bare ones between them. */
function inBrackets(text: string, brackets: RegExpExecArray[]): string[] {
  const found: string[] = []
  let end = 0
  for (const { 0: whole, 1: inside = '', index } of brackets) {
    // The last part is the name of this one, and a name may hold commas.
    const before = unquoted(text.slice(end, index)).split(BETWEEN).slice(0, -1)
    found.push(...before.filter((part) => part.includes('@')).flatMap(words), clean(inside))
    end = index + whole.length
  }
  const rest = unquoted(text.slice(end)).split(BETWEEN)
  return [...found, ...rest.flatMap((part) => (part.includes('@') ? words(part) : clean(part)))]
}

/** What stands in quotes or in brackets is a name or a remark. */
const unquoted = (text: string) => text.replace(/"[^"]*"|\([^()]*\)/g, '')

function listed(text: string): string[] {
  return text.split(BETWEEN).flatMap(words)
}

/** With blanks, bars, slashes or a word between them, all of them have to be addresses. */
function words(part: string): string[] {
  const each = part.trim().split(BETWEEN_WORDS)
  return each.length > 1 && each.every((word) => isAddress(clean(word)))
    ? each.map(clean)
    : [clean(part)]
}

/** Without what belongs to the place that it was copied from. */
function clean(text: string): string {
  if (text.length > LONGEST) return text.trim()
  const bare = text
    .trim()
    .replace(MARK, '')
    // An address may itself start with an apostrophe; in quotes it is only where it ends with one, too.
    .replace(/^(['`]|\*\*?|__?)(.*)\1$/s, '$2')
    .replace(/^[<(["“”„‘’«\s]+|[>)\]"'“”‘’»`.,;:\s]+$/g, '')
  if (!/^mailto:/i.test(bare)) return bare.replace(LABEL, '')
  // Slack copies <mailto:ann@example.com|ann@example.com>.
  const address = bare.slice('mailto:'.length).replace(/[?|].*$/s, '')
  try {
    return decodeURIComponent(address)
  } catch {
    return address
  }
}

/** `="ann@example.com"`, `=HYPERLINK("mailto:…"; "…")`, and the apostrophe that makes text of a formula. */
function withoutFormula(text: string): string {
  const formula = text.replace(/^'(?==)/, '')
  const [, value] =
    formula.match(/^=\s*"((?:[^"]|"")*)"$/) ??
    formula.match(/^=\s*HYPERLINK\s*\(\s*"((?:[^"]|"")*)"/i) ??
    []
  return value === undefined ? text : value.replaceAll('""', '"')
}

/** What is wrong with an address that only a machine sees, and where; null where nothing is. */
export function unseenIn(address: string): Unseen | null {
  if (PLAIN.test(address)) return null
  return invisibleIn(address)
}
