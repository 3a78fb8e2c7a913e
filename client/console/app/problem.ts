/**
 * Refusals in the reader's words.
 *
 * @module
 */
import { isUsherError } from '../../index.ts'
import { useTexts } from './language.tsx'

/** What to tell the reader: a sentence, what to do next, and the contract's code. */
export interface Problem {
  text: string
  hint: string | null
  code: string | null
}

/** Makes any error into words; errors of Usher by their code. */
export function useProblem(): (error: unknown) => Problem {
  const texts = useTexts()
  return (error) => {
    if (!isUsherError(error)) return { text: texts.unexpected, hint: null, code: null }
    const { code, hint } = error
    if (code === 'unreachable') return { text: texts.unreachable, hint: null, code }
    const isKnown = Object.hasOwn(texts.errors, code)
    return {
      text: isKnown ? texts.errors[code as keyof typeof texts.errors] : error.message,
      // What is wrong with a value only the server can say; other hints repeat our sentence.
      hint: code.startsWith('invalid_') ? hint : null,
      code,
    }
  }
}
