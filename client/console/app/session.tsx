/**
 * Who is signed in, and the client that acts for them.
 *
 * @module
 */
import type { AuthError, SupabaseClient, User } from '@supabase/supabase-js'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useEffect, useMemo, useRef, useState } from 'react'

/** Whoever is signed in. */
export interface Person {
  id: string
  email: string
  /** What they call themselves; null when they have not said. */
  name: string | null
}

/** How somebody came back from a mail of Auth, or from an identity provider. */
export interface CameBack {
  /** What the mail was for, such as `signup`; null when it was none. */
  by: string | null
  /** Why there is no session; null when nothing was wrong. */
  refusal: AuthError | null
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
  cameBack: CameBack
  /** What there was to do about it is done. */
  forgetCameBack(): void
}

const SessionContext = createContext<Session | null>(null)

interface SessionProviderProps {
  supabase: SupabaseClient
  ways: Ways
  /** With what the address of the page led here. */
  cameBack: CameBack
  children: ReactNode
}

const NOT_BACK: CameBack = { by: null, refusal: null }

/** In the order in which Usher reads them (`usher.display_name`); the one that it shows stands with each membership. */
function nameOf({ user_metadata: said }: User): string | null {
  const names: unknown[] = [said.display_name, said.full_name, said.name]
  return names.find((name): name is string => typeof name === 'string' && name !== '') ?? null
}

export function SessionProvider(props: SessionProviderProps) {
  const { supabase, ways, children } = props
  const [person, setPerson] = useState<Person | null>()
  const [cameBack, setCameBack] = useState(props.cameBack)

  const queryClient = useQueryClient()
  const known = useRef<string | undefined>(undefined)

  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((event, session) => {
      const next = session && {
        id: session.user.id,
        email: session.user.email ?? '',
        name: nameOf(session.user),
      }
      // What somebody else has seen is not for whoever comes next.
      if (known.current !== undefined && known.current !== next?.id) queryClient.clear()
      known.current = next?.id
      // Why it did not work before is of no interest once it has.
      if (event === 'SIGNED_IN') setCameBack(({ by }) => ({ by, refusal: null }))
      // A refreshed token is the same person: nothing below need be drawn again.
      setPerson((before) => (before && next && isSame(before, next) ? before : next))
    })
    return () => data.subscription.unsubscribe()
  }, [supabase, queryClient])

  const session = useMemo(
    () => ({
      ...{ supabase, person, cameBack, ...ways },
      forgetCameBack: () => setCameBack(NOT_BACK),
    }),
    [supabase, person, cameBack, ways],
  )
  return <SessionContext value={session}>{children}</SessionContext>
}

const isSame = (one: Person, other: Person) =>
  one.id === other.id && one.email === other.email && one.name === other.name

export function useSession(): Session {
  const session = use(SessionContext)
  if (!session) throw new Error('useSession needs a SessionProvider above it.')
  return session
}
