/**
 * A megabyte of text, in the worst shapes that we know.
 *
 * @module
 */

const BYTES = 1_000_000
/** So often that it makes a megabyte, as JSON. */
const long = (text: string) =>
  text.repeat(Math.ceil(BYTES / (Buffer.byteLength(JSON.stringify(text)) - 2)))

/** Text that makes somebody work: Unicode, patterns that look for the end of something, and readers of addresses. */
export const TEXTS: Record<string, string> = {
  letters: long('a'),
  'marks out of order': `a${long('\u0300\u0316')}`,
  'letters that become marks': `a${long('\u0316\uff9e')}`,
  'marks of more than one script': `a${long('\u05b0\u064b\u0345\u3099\u0f71\u0327')}`,
  blanks: long(' '),
  'blanks within': `a${long(' \u00a0\t')}a`,
  'an address': `a@${long('a.')}a`,
  addresses: long('a@a.a '),
  dots: long('a.'),
  digits: long('1.'),
  hyphens: long('a-'),
  'an interval': long('1 day '),
  'encoded words': long('=?a?q?'),
  placeholders: long('{{a '),
  'links of Markdown': long('](https://a'),
  'the beginning of a URL': `https://${long('a.a/?:@')}`,
  'an array in text': long('{'),
  quotes: long(`"'\\`),
}
