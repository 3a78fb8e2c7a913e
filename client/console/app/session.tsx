/**
 * Who is signed in, and the client that acts for them.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react'
import type { Usher } from '../../index.ts'

/** Whoever is signed in. */
export interface Person {
  id: string
  email: string
}

interface Session {
  supabase: SupabaseClient
  usher: Usher
  /** null for nobody, undefined until that is known. */
  person: Person | null | undefined
  /** Whether the project offers single sign-on. */
  hasSso: boolean
}

const SessionContext = createContext<Session | null>(null)

interface SessionProviderProps {
  supabase: SupabaseClient
  usher: Usher
  hasSso: boolean
  children: ReactNode
}

export function SessionProvider({ supabase, usher, hasSso, children }: SessionProviderProps) {
  const [person, setPerson] = useState<Person | null>()

  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_, session) => {
      const next = session && { id: session.user.id, email: session.user.email ?? '' }
      // A refreshed token is the same person: nothing below need be drawn again.
      setPerson((before) => (before && before.id === next?.id ? before : next))
    })
    return () => data.subscription.unsubscribe()
  }, [supabase])

  const session = useMemo(
    () => ({ supabase, usher, person, hasSso }),
    [supabase, usher, person, hasSso],
  )
  return <SessionContext value={session}>{children}</SessionContext>
}

export function useSession(): Session {
  const session = use(SessionContext)
  if (!session) throw new Error('useSession needs a SessionProvider above it.')
  return session
}
