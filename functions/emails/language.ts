/**
 * The reader's language: texts, and how lists and times are said in it.
 *
 * @module
 */
import { ar } from './texts/ar.ts'
import { de } from './texts/de.ts'
import { en } from './texts/en.ts'
import { es } from './texts/es.ts'
import { fr } from './texts/fr.ts'
import { pl } from './texts/pl.ts'
import type { Texts } from './texts/texts.ts'

/** By language, or by language and script or region where they differ: `pt-BR` beside `pt`. */
export const LANGUAGES = { en, de, fr, es, pl, ar } satisfies Record<string, Texts>

export interface Language {
  texts: Texts
  /** For the html element. */
  lang: string
  /** Which way it is written. */
  dir: 'ltr' | 'rtl'
  /** "Finance and Member"; built-in roles by their names in this language. */
  listRoles(roles: string[]): string
  /** The same of any names, as they are. */
  sayList(names: string[]): string
  sayNumber(n: number): string
  /** "in 7 days": whole days from two days on, below that hours. */
  sayWhen(time: Date, now: Date): string
  /** With day of the week, and in UTC, because nobody knows where the reader is. */
  sayDate(time: Date): string
}

/**
 * The language for a locale: de-AT gives German with Austrian dates; a language that nobody has
 * translated, or that is none, gives English.
 */
export function languageFor(locale: string): Language {
  const known = languages.get(locale)
  if (known) return known
  const language = createLanguage(locale)
  // Formats take a while to make. No organisation mails in as many languages as fit.
  if (languages.size < 500) languages.set(locale, language)
  return language
}

const languages = new Map<string, Language>()

function createLanguage(locale: string): Language {
  const { texts, lang } = chooseTexts(locale)
  // Without a region, the order of day and month that most readers of English know.
  const region = lang === 'en' ? 'en-GB' : lang
  const list = new Intl.ListFormat(region)
  const number = new Intl.NumberFormat(region)
  const when = new Intl.RelativeTimeFormat(region, { numeric: 'always' })
  const date = new Intl.DateTimeFormat(region, {
    dateStyle: 'full',
    timeStyle: 'short',
    timeZone: 'UTC',
  })
  return {
    texts,
    lang,
    dir: ['ar', 'fa', 'he', 'ur'].includes(lang.split('-')[0] ?? '') ? 'rtl' : 'ltr',
    listRoles(roles) {
      const names = roles.map((role) => (isKey(texts.roles, role) ? texts.roles[role] : role))
      return list.format(names)
    },
    sayList: (names) => list.format(names),
    sayNumber: (n) => number.format(n),
    sayWhen(time, now) {
      const hours = Math.max(1, Math.round((time.getTime() - now.getTime()) / 3_600_000))
      return hours >= 48 ? when.format(Math.round(hours / 24), 'day') : when.format(hours, 'hour')
    },
    sayDate(time) {
      return `${date.format(time)} UTC`
    },
  }
}

/** From the whole locale to its language alone: zh-Hant-TW, zh-Hant, zh. */
function chooseTexts(locale: string): { texts: Texts; lang: string } {
  const lang = canonical(locale)
  for (let tag = lang; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
    if (isKey(LANGUAGES, tag)) return { texts: LANGUAGES[tag], lang }
  }
  return { texts: en, lang: 'en' }
}

/** As Intl spells it, without extensions: they could change the calendar. */
function canonical(locale: string): string {
  try {
    return new Intl.Locale(locale).baseName
  } catch {
    return 'en'
  }
}

/** Unlike `in`, false for `constructor`, which an organisation may well call a role of its own. */
function isKey<Map extends object>(map: Map, key: string): key is keyof Map & string {
  return Object.hasOwn(map, key)
}
