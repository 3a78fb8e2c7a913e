/**
 * Colours and sizes of all mails. Nowhere else is a colour named.
 *
 * @module
 */

export const light = {
  page: '#f6f7f9',
  card: '#ffffff',
  border: '#e4e7ec',
  text: '#1d2433',
  quiet: '#5b6475',
  accent: '#3b4cca',
} as const

export const dark = {
  page: '#14171f',
  card: '#1d212b',
  border: '#343a48',
  text: '#eceef3',
  quiet: '#a6aebd',
} as const

export const font =
  "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

export const size = {
  title: '22px',
  text: '16px',
  small: '14px',
  fine: '13px',
  width: '560px',
} as const

/** The organisation's own colour, or ours. */
export function accentOf(organisation: { accent_colour: string | null }): string {
  return organisation.accent_colour ?? light.accent
}

/** Contrast of two colours, from 1 to 21. Source: WCAG 2.2, definition of contrast ratio. */
export function contrast(one: string, two: string): number {
  const [a, b] = [luminance(one), luminance(two)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

/** Black or white, whichever reads better on this colour: one of them always has 4.5 or more. */
export function textOn(colour: string): '#ffffff' | '#000000' {
  return contrast(colour, '#ffffff') >= contrast(colour, '#000000') ? '#ffffff' : '#000000'
}

/**
 * The accent colour made so dark, or so light, that text in it reads on this ground: 4.5 or more, as
 * WCAG 2.2 AA wants it.
 */
export function readableOn(ground: string, colour: string): string {
  const towards = luminance(ground) > 0.18 ? 0 : 255
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = toHex(channels(colour).map((c) => Math.round(c + (towards - c) * share)))
    if (contrast(ground, mixed) >= 4.5) return mixed
  }
  return towards === 0 ? '#000000' : '#ffffff'
}

/** @param colour - # and six hex digits */
function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
}

function toHex(values: number[]): string {
  return `#${values.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = channels(colour).map((channel) => {
    const c = channel / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
