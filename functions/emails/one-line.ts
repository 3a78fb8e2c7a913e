/**
 * Text that people typed, made harmless where a mail shows it.
 *
 * HTML is escaped by React and headers are folded by nodemailer; what is left are characters that
 * nobody sees and that change what others look like. The database refuses them already; what an
 * account calls itself is not ours, though.
 *
 * @module
 */

// Those that turn the direction of the text around them. Source: UAX 9, section 2
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const CONTROL = /(?![\n\t])\p{Cc}/gu
const BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
// The beginning of an encoded word, which mail programs read as what it stands for, the signs above among it.
// Source: RFC 2047 section 2
const ENCODED = /=\?/g

/** The same facts without control characters, but for line breaks and tabs, in any of their texts. */
export function withoutControls<Facts extends object>(facts: Facts): Facts {
  return JSON.parse(JSON.stringify(facts), (_key, value: unknown) =>
    typeof value === 'string' ? value.replace(TURNING, '').replace(CONTROL, '') : value,
  )
}

/** One line for a header, cut to this many characters, which means what it says. */
export function toLine(text: string, maxLength = 200): string {
  const plain = text.replace(TURNING, '').replace(BREAKS, ' ').replace(ENCODED, '= ?')
  // By characters, not by code units, so that no half of one is left.
  const line = [...plain.trim()]
  return line.length <= maxLength ? line.join('') : `${line.slice(0, maxLength - 1).join('')}…`
}
