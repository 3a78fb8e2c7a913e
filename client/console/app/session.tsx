/**
 * Who is signed in, and the client that acts for them.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { useQueryClient } from '@tanstack/react-query'
import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { forgetDrafts, holdDrafts } from './draft-store.ts'
import type { SessionGate, SignInReason } from './session-gate.ts'

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
  /**
   * null for nobody, undefined until that is known. Whoever was at work stays it while their session has ended
   * and they have not come back.
   */
  person: Person | null | undefined
  /** Why that person has to sign in again before anything goes on; null: they need not. */
  mustSignIn: SignInReason | null
  /** Says that whoever is signed in works on a page that must not go. Returns what ends that. */
  watch: () => () => void
  /** Asks the reader to sign in again: over their page, or, where nothing is lost by it, by signing them out. */
  signInAgain: (reason: SignInReason) => void
  /** Does without signing in again, where the session itself goes on. */
  putOff: () => void
  /** Leaves for good: what was typed and what was seen is forgotten. */
  signOut: () => Promise<void>
}

const SessionContext = createContext<Session | null>(null)

/** On it a tab tells the others that it was its reader who signed out. */
const CHANNEL = 'usher.signed-out'

interface SessionProviderProps {
  supabase: SupabaseClient
  gate: SessionGate
  ways: Ways
  children: ReactNode
}

export function SessionProvider({ supabase, gate, ways, children }: SessionProviderProps) {
  const [person, setPerson] = useState<Person | null>()
  const mustSignIn = useSyncExternalStore(gate.subscribe, gate.reason)
  const queryClient = useQueryClient()
  const known = useRef<string | undefined>(undefined)
  const isLeaving = useRef(false)
  const channel = useRef<BroadcastChannel | null>(null)

  useEffect(() => {
    let token: string | undefined
    let hasLeftElsewhere = false
    channel.current = new BroadcastChannel(CHANNEL)
    channel.current.onmessage = () => {
      hasLeftElsewhere = true
    }
    const { data } = supabase.auth.onAuthStateChange((event, session) => {
      if (!session) {
        // At work they stay who they are, until they are back or leave.
        if (gate.isWatched() && !isLeaving.current) {
          gate.close(hasLeftElsewhere ? 'other_tab' : 'ended')
        } else setPerson(null)
        return
      }
      const next = { id: session.user.id, email: session.user.email ?? '' }
      const isSame = known.current === undefined || known.current === next.id
      // What somebody else has seen is not for whoever comes next.
      if (!isSame) queryClient.clear()
      // A token that was only renewed is from the same signing in.
      if (event !== 'TOKEN_REFRESHED' && session.access_token !== token) {
        const wasHeld = gate.open(isSame)
        if (wasHeld) queryClient.invalidateQueries({}, { cancelRefetch: false })
      }
      known.current = next.id
      token = session.access_token
      hasLeftElsewhere = false
      holdDrafts()
      // A refreshed token is the same person: nothing below need be drawn again.
      setPerson((before) => (before && before.id === next.id ? before : next))
    })
    return () => {
      data.subscription.unsubscribe()
      channel.current?.close()
    }
  }, [supabase, gate, queryClient])

  const session = useMemo(() => {
    async function signOut() {
      isLeaving.current = true
      channel.current?.postMessage(null)
      forgetDrafts()
      // Only here: other devices stay signed in.
      await supabase.auth.signOut({ scope: 'local' })
      isLeaving.current = false
      gate.open(false)
      setPerson(null)
      queryClient.clear()
    }
    return {
      ...ways,
      supabase,
      person,
      mustSignIn,
      watch: gate.watch,
      signInAgain: (reason: SignInReason) =>
        gate.isWatched() ? gate.close(reason) : void signOut(),
      putOff: gate.putOff,
      signOut,
    }
  }, [supabase, gate, queryClient, person, mustSignIn, ways])
  return <SessionContext value={session}>{children}</SessionContext>
}

export function useSession(): Session {
  const session = use(SessionContext)
  if (!session) throw new Error('useSession needs a SessionProvider above it.')
  return session
}
