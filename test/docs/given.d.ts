/**
 * What a snippet may take as given, because the words around it say so.
 *
 * @module
 */
import type { Session, SupabaseClient } from '@supabase/supabase-js'
import type { QueryClient } from '@tanstack/react-query'
import type { Usher } from 'usher'

declare global {
  const supabase: SupabaseClient
  const usher: Usher
  const session: Session | null
  const queryClient: QueryClient
  const url: string
  const publishableKey: string
  const organisationId: string
  const userId: string
  const token: string
  const email: string
  const roles: string[]
  const file: File
  const since: string
  const signal: AbortSignal
}
