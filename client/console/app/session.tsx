/**
 * Who is signed in, and the client that acts for them.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useEffect, useMemo, useRef, useState } from 'react'

/** Whoever is signed in. */
export interface Person {
  id: string
  email: string
}

/** What the project offers beside passwords and codes. */
export interface Ways {
  /** Whether there is single sign-on. */
  hasSso: boolean
  /** Where the one-click function answers; null: not. */
  oneClickUrl: string | null
}

interface Session extends Ways {
  supabase: SupabaseClient
  /** null for nobody, undefined until that is known. */
  person: Person | null | undefined
}

const SessionContext = createContext<Session | null>(null)

interface SessionProviderProps {
  supabase: SupabaseClient
  ways: Ways
  children: ReactNode
}

export function SessionProvider({ supabase, ways, children }: SessionProviderProps) {
  const [person, setPerson] = useState<Person | null>()

  const queryClient = useQueryClient()
  const known = useRef<string | undefined>(undefined)

  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_, session) => {
      const next = session && { id: session.user.id, email: session.user.email ?? '' }
      // What somebody else has seen is not for whoever comes next.
      if (known.current !== undefined && known.current !== next?.id) queryClient.clear()
      known.current = next?.id
      // A refreshed token is the same person: nothing below need be drawn again.
      setPerson((before) => (before && before.id === next?.id ? before : next))
    })
    return () => data.subscription.unsubscribe()
  }, [supabase, queryClient])

  const session = useMemo(() => ({ supabase, person, ...ways }), [supabase, person, ways])
  return <SessionContext value={session}>{children}</SessionContext>
}

export function useSession(): Session {
  const session = use(SessionContext)
  if (!session) throw new Error('useSession needs a SessionProvider above it.')
  return session
}
