/**
 * The reader's language: texts, and how dates, numbers and lists are said in it.
 *
 * @module
 */
import { useDirection } from '@mantine/core'
import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react'
import type { Texts } from '../texts/en.ts'
import { directionOf, LANGUAGES, type LanguageCode, matchLanguage } from '../texts/languages.ts'
import { createFormat, type Format } from './format.ts'

const STORED = 'usher.language'

interface Language {
  code: LanguageCode
  texts: Texts
  format: Format
  /** Chooses a language for good. */
  choose(code: LanguageCode): void
  /** Takes this one unless the reader has chosen another, such as the language of their invitation. */
  suggest(locale: string | null): void
}

const LanguageContext = createContext<Language | null>(null)

function chosen(): LanguageCode | null {
  return matchLanguage([localStorage.getItem(STORED)])
}

/** The language to begin with: the chosen one, or the first of the browser's that we have. */
export function initialLanguage(): LanguageCode {
  return chosen() ?? matchLanguage(navigator.languages) ?? 'en'
}

interface LanguageProviderProps {
  initial: { code: LanguageCode; texts: Texts }
  children: ReactNode
}

/** Gives all below it the language. It changes once the texts of the new one are there. */
export function LanguageProvider({ initial, children }: LanguageProviderProps) {
  const [{ code, texts }, setCurrent] = useState(initial)
  const { setDirection } = useDirection()

  useEffect(() => {
    document.documentElement.lang = code
    setDirection(directionOf(code))
  }, [code, setDirection])

  const language = useMemo(() => {
    const load = async (next: LanguageCode) =>
      setCurrent({ code: next, texts: await LANGUAGES[next].load() })
    return {
      code,
      texts,
      format: createFormat(code, texts),
      choose(next: LanguageCode) {
        localStorage.setItem(STORED, next)
        load(next)
      },
      suggest(locale: string | null) {
        const next = chosen() ? null : matchLanguage([locale])
        if (next && next !== code) load(next)
      },
    }
  }, [code, texts])

  return <LanguageContext value={language}>{children}</LanguageContext>
}

export function useLanguage(): Language {
  const language = use(LanguageContext)
  if (!language) throw new Error('useLanguage needs a LanguageProvider above it.')
  return language
}

/** The texts in the reader's language. */
export function useTexts(): Texts {
  return useLanguage().texts
}

/** How dates, numbers and lists are said in the reader's language. */
export function useFormat(): Format {
  return useLanguage().format
}
