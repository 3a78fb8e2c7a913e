/**
 * Which client the hooks beneath use.
 *
 * @module
 */
import { createContext, type ReactNode, useContext, useMemo } from 'react'
import type { Usher } from '../index.ts'
import { type UsherMutations, usherMutations } from './mutations.ts'
import { type UsherQueries, usherQueries } from './queries.ts'

const UsherContext = createContext<Usher | null>(null)

/** Stands inside TanStack's `QueryClientProvider`. */
export function UsherProvider({ usher, children }: { usher: Usher; children: ReactNode }) {
  return <UsherContext.Provider value={usher}>{children}</UsherContext.Provider>
}

/** The client of the provider above. */
export function useUsher(): Usher {
  const usher = useContext(UsherContext)
  if (!usher) throw new Error('Put an <UsherProvider usher={createUsher(supabase)}> above.')
  return usher
}

/** `usherQueries` of the provider's client. */
export function useUsherQueries(): UsherQueries {
  const usher = useUsher()
  return useMemo(() => usherQueries(usher), [usher])
}

/** `usherMutations` of the provider's client. */
export function useUsherMutations(): UsherMutations {
  const usher = useUsher()
  return useMemo(() => usherMutations(usher), [usher])
}
