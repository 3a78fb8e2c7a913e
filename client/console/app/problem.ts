/**
 * Refusals in the reader's words.
 *
 * @module
 */
import { isAuthError } from '@supabase/supabase-js'
import { isUsherError } from '../../index.ts'
import { secondsToWait, sentenceOf } from './auth-errors.ts'
import { useLanguage } from './language.tsx'

/** What to tell the reader: a sentence, what to do next, and the contract's code or that of Supabase Auth. */
export interface Problem {
  text: string
  hint: string | null
  code: string | null
}

/**
 * Makes any error into words; those of Usher and of Supabase Auth by their codes.
 *
 * @param isInvitee - whether the reader answers an invitation: they can do other things about it than an admin
 */
export function useProblem(isInvitee = false): (error: unknown) => Problem {
  const { texts, format } = useLanguage()
  return (error) => {
    if (isAuthError(error)) {
      const sentence = sentenceOf(error)
      const seconds = secondsToWait(error)
      const isGeneral = sentence === 'unexpected' || sentence === 'unreachable'
      const text = isGeneral
        ? texts[sentence]
        : seconds === null
          ? texts.authErrors[sentence]
          : texts.authErrors.tooManyMailsUntil(format.inSeconds(seconds))
      return {
        text,
        hint: null,
        code: sentence === 'unreachable' ? sentence : (error.code ?? null),
      }
    }
    if (!isUsherError(error)) return { text: texts.unexpected, hint: null, code: null }
    const { code, status, hint } = error
    if (code === 'unreachable') return { text: texts.unreachable, hint: null, code }
    // Codes of Postgres and of its API come with English for developers.
    const isKnown = Object.hasOwn(texts.errors, code)
    if (isInvitee && Object.hasOwn(texts.inviteeErrors, code)) {
      const text = texts.inviteeErrors[code as keyof typeof texts.inviteeErrors]
      return { text, hint: null, code }
    }
    const unknown = status === 401 ? texts.errors.unauthenticated : texts.unexpected
    return {
      text: isKnown ? texts.errors[code as keyof typeof texts.errors] : unknown,
      // What is wrong with a value only the server can say; other hints repeat our sentence.
      hint: code.startsWith('invalid_') ? hint : null,
      code,
    }
  }
}
