/**
 * Who is signed in, and the client that acts for them.
 *
 * @module
 */
import type { AuthError, SupabaseClient, User } from '@supabase/supabase-js'
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
  /**
   * null for nobody, undefined until that is known. Whoever was at work stays it while their session has ended
   * and they have not come back.
   */
  person: Person | null | undefined
  cameBack: CameBack
  /** What there was to do about it is done. */
  forgetCameBack(): void
  /** Why that person has to sign in again before anything goes on; null: they need not. */
  mustSignIn: SignInReason | null
  /** Says that whoever is signed in works on a page that must not go. Returns what ends that. */
  watch(): () => void
  /** Asks the reader to sign in again: over their page, or, where nothing is lost by it, by signing them out. */
  signInAgain(reason: SignInReason): void
  /** Does without signing in again, where the session itself goes on. */
  putOff(): void
  /** Leaves for good: what was typed and what was seen is forgotten. */
  signOut(): Promise<void>
}

const SessionContext = createContext<Session | null>(null)

/** On it a tab tells the others that it was its reader who signed out. */
const CHANNEL = 'usher.signed-out'

interface SessionProviderProps {
  supabase: SupabaseClient
  gate: SessionGate
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
  const { supabase, gate, ways, children } = props
  const [person, setPerson] = useState<Person | null>()
  const [cameBack, setCameBack] = useState(props.cameBack)
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
      const next = {
        id: session.user.id,
        email: session.user.email ?? '',
        name: nameOf(session.user),
      }
      const isSamePerson = known.current === undefined || known.current === next.id
      // What somebody else has seen is not for whoever comes next.
      if (!isSamePerson) queryClient.clear()
      // A token that was only renewed is from the same signing in.
      if (event !== 'TOKEN_REFRESHED' && session.access_token !== token) {
        const wasHeld = gate.open(isSamePerson)
        if (wasHeld) queryClient.invalidateQueries({}, { cancelRefetch: false })
      }
      known.current = next.id
      token = session.access_token
      hasLeftElsewhere = false
      holdDrafts()
      // Why it did not work before is of no interest once it has.
      if (event === 'SIGNED_IN') setCameBack(({ by }) => ({ by, refusal: null }))
      // A refreshed token is the same person: nothing below need be drawn again.
      setPerson((before) => (before && isSame(before, next) ? before : next))
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
      cameBack,
      forgetCameBack: () => setCameBack(NOT_BACK),
      mustSignIn,
      watch: gate.watch,
      signInAgain: (reason: SignInReason) =>
        gate.isWatched() ? gate.close(reason) : void signOut(),
      putOff: gate.putOff,
      signOut,
    }
  }, [supabase, gate, queryClient, person, cameBack, mustSignIn, ways])
  return <SessionContext value={session}>{children}</SessionContext>
}

const isSame = (one: Person, other: Person) =>
  one.id === other.id && one.email === other.email && one.name === other.name

export function useSession(): Session {
  const session = use(SessionContext)
  if (!session) throw new Error('useSession needs a SessionProvider above it.')
  return session
}
