/**
 * Forms that get back what was typed into them, after single sign-on has led away and back, and after their page was
 * taken from under them. Never for secrets: it is kept in the tab's storage meanwhile.
 *
 * @module
 */
import { useEffect, useRef } from 'react'
import { keepDraft, takeDraft } from './draft-store.ts'
import { useOrganisation } from './organisation.tsx'
import { useSession } from './session.tsx'

interface Draft<T> {
  values: T
  /** Whether there is something that would be lost. */
  isDirty: boolean
  restore: (values: T) => void
}

/** @param name - of the form, among those of an organisation */
export function useDraft<T>(name: string, draft: Draft<T>): void {
  const { person } = useSession()
  const { id } = useOrganisation()
  // Somebody else who comes back finds nothing of it.
  const key = `${person?.id}.${id}.${name}`
  const latest = useRef(draft)
  useEffect(() => {
    latest.current = draft
  })

  useEffect(() => {
    const kept = takeDraft(key)
    if (kept !== undefined) latest.current.restore(kept as T)
    const here = window.location.pathname + window.location.search
    const keep = () => {
      if (latest.current.isDirty) keepDraft(key, latest.current.values)
    }
    // A page that comes back out of the browser's memory has all of it.
    const forget = () => void takeDraft(key)
    window.addEventListener('pagehide', keep)
    window.addEventListener('pageshow', forget)
    return () => {
      window.removeEventListener('pagehide', keep)
      window.removeEventListener('pageshow', forget)
      // Whoever goes to another page leaves the form; here it was taken from them.
      if (window.location.pathname + window.location.search === here) keep()
    }
  }, [key])
}

/** What `useForm` of Mantine returns, as far as it is needed. */
interface Form<Values> {
  values: Values
  isDirty(): boolean
  setValues(values: Values): void
}

/** `useDraft` for a form of Mantine's. */
export function useFormDraft<Values>(name: string, form: Form<Values>): void {
  useDraft(name, {
    values: form.values,
    isDirty: form.isDirty(),
    restore: (values) => form.setValues(values),
  })
}
