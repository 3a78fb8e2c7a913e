/**
 * The reader's language: texts, and how lists and times are said in it.
 *
 * @module
 */
import { de } from './texts/de.ts'
import { en } from './texts/en.ts'
import type { Texts } from './texts/texts.ts'

const LANGUAGES: Record<string, Texts> = { en, de }

export interface Language {
  texts: Texts
  /** For the html element. */
  lang: string
  /** Which way it is written. */
  dir: 'ltr' | 'rtl'
  /** "Finance and Member"; built-in roles by their names in this language. */
  listRoles(roles: string[]): string
  /** "in 7 days": whole days from two days on, below that hours. */
  sayWhen(time: Date, now: Date): string
  /** With day of the week, and in UTC, because nobody knows where the reader is. */
  sayDate(time: Date): string
}

/**
 * The language for a locale: de-AT gives German with Austrian dates; a language that nobody has
 * translated gives English.
 */
export function languageFor(locale: string): Language {
  const code = locale.split('-')[0] ?? ''
  const texts = LANGUAGES[code] ?? en
  const lang = LANGUAGES[code] ? locale : 'en'
  // Without a region, the order of day and month that most readers of English know.
  const region = lang === 'en' ? 'en-GB' : lang
  return {
    texts,
    lang,
    dir: ['ar', 'fa', 'he', 'ur'].includes(lang.split('-')[0] ?? '') ? 'rtl' : 'ltr',
    listRoles(roles) {
      const names: Record<string, string> = texts.roles
      return new Intl.ListFormat(region).format(roles.map((role) => names[role] ?? role))
    },
    sayWhen(time, now) {
      const hours = Math.max(1, Math.round((time.getTime() - now.getTime()) / 3_600_000))
      const format = new Intl.RelativeTimeFormat(region, { numeric: 'always' })
      return hours >= 48
        ? format.format(Math.round(hours / 24), 'day')
        : format.format(hours, 'hour')
    },
    sayDate(time) {
      const date = new Intl.DateTimeFormat(region, {
        dateStyle: 'full',
        timeStyle: 'short',
        timeZone: 'UTC',
      })
      return `${date.format(time)} UTC`
    },
  }
}
