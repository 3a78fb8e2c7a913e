/**
 * The accent colour of the organisation that is being looked at.
 *
 * @module
 */
import { createContext, use, useEffect } from 'react'

export const AccentContext = createContext<(accent: string | null) => void>(() => {})

/** Shows everything in this accent, until the caller goes away. null or undefined: our own. */
export function useAccent(accent: string | null | undefined): void {
  const setAccent = use(AccentContext)
  useEffect(() => {
    setAccent(accent ?? null)
    return () => setAccent(null)
  }, [accent, setAccent])
}
