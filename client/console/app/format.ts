/**
 * Dates, numbers and lists as a language says them, all by Intl.
 *
 * @module
 */
import type { Texts } from '../texts/en.ts'
import type { LanguageCode } from '../texts/languages.ts'

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

export type Format = ReturnType<typeof createFormat>

export function createFormat(code: LanguageCode, texts: Texts) {
  // Without a region, the order of day and month that most readers of English know.
  const locale = code === 'en' ? 'en-GB' : code
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
  const fullDateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' })
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
  const shortDay = new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  })
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const list = new Intl.ListFormat(locale)
  const role = (name: string) =>
    Object.hasOwn(texts.builtInRoles, name)
      ? texts.builtInRoles[name as keyof Texts['builtInRoles']]
      : name

  return {
    dateTime: (time: string | Date) => dateTime.format(new Date(time)),
    /** With the day of the week. */
    fullDateTime: (time: string | Date) => fullDateTime.format(new Date(time)),
    date: (time: string | Date) => date.format(new Date(time)),
    /** @param day - a day in UTC, such as `2026-01-31` */
    shortDay: (day: string) => shortDay.format(new Date(day)),
    number: (value: number) => number.format(value),
    /** @param share - 0 to 1 */
    percent: (share: number) => percent.format(share),
    list: (items: string[]) => list.format(items),
    role,
    roles: (names: string[]) => list.format(names.map(role)),
    /** "in 42 seconds". */
    inSeconds: (seconds: number) => relative.format(seconds, 'second'),
    /** "in 3 days", "2 hours ago". */
    relative(time: string | Date, now = Date.now()) {
      const distance = new Date(time).getTime() - now
      for (const [unit, length] of UNITS) {
        if (Math.abs(distance) >= length) {
          return relative.format(Math.trunc(distance / length), unit)
        }
      }
      return relative.format(Math.trunc(distance / 1000), 'second')
    },
  }
}
