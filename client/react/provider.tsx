/**
 * Which client the hooks beneath use.
 *
 * @module
 */
import { createContext, type ReactNode, useContext } from 'react'
import type { Usher } from '../index.ts'

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
