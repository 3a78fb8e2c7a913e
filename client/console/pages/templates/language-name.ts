/**
 * What a language of mails is called.
 *
 * @module
 */
import { LANGUAGE_CODES, LANGUAGES } from '../../texts/languages.ts'

/** In itself where there are texts for it, otherwise its tag, such as `de-AT`. */
export function languageName(locale: string): string {
  const code = LANGUAGE_CODES.find((each) => each === locale)
  return code ? LANGUAGES[code].name : locale
}

/** The languages to choose from, and the one that is chosen already. */
export function languageChoices(chosen: string): { value: string; label: string }[] {
  return [...new Set<string>([...LANGUAGE_CODES, chosen])].map((value) => ({
    value,
    label: languageName(value),
  }))
}
