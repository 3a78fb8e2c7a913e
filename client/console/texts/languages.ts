/**
 * The languages of the console: which there are, and how their texts are fetched.
 *
 * @module
 */
import type { Texts } from './en.ts'

/** By language; each is a file of its own, fetched when it is chosen. */
export const LANGUAGES = {
  en: { name: 'English', load: async () => (await import('./en.ts')).en },
  de: { name: 'Deutsch', load: async () => (await import('./de.ts')).de },
  fr: { name: 'Français', load: async () => (await import('./fr.ts')).fr },
  es: { name: 'Español', load: async () => (await import('./es.ts')).es },
  pl: { name: 'Polski', load: async () => (await import('./pl.ts')).pl },
  ar: { name: 'العربية', load: async () => (await import('./ar.ts')).ar },
} satisfies Record<string, { name: string; load(): Promise<Texts> }>

export type LanguageCode = keyof typeof LANGUAGES

export const LANGUAGE_CODES = Object.keys(LANGUAGES) as LanguageCode[]

/** Which way a language is written. */
export function directionOf(language: LanguageCode): 'ltr' | 'rtl' {
  return language === 'ar' ? 'rtl' : 'ltr'
}

/** The first of these locales that there are texts for: `de-AT` gives `de`. */
export function matchLanguage(
  locales: readonly (string | null | undefined)[],
): LanguageCode | null {
  for (const locale of locales) {
    const language = locale?.toLowerCase().split('-')[0]
    const found = LANGUAGE_CODES.find((code) => code === language)
    if (found) return found
  }
  return null
}
