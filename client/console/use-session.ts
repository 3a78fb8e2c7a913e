/**
 * Who is signed in.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { useEffect, useState } from 'react'

/** The address of whoever is signed in; null for nobody, undefined until that is known. */
export function useSessionEmail(supabase: SupabaseClient): string | null | undefined {
  const [email, setEmail] = useState<string | null>()
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_, session) => {
      setEmail(session?.user.email ?? null)
    })
    return () => data.subscription.unsubscribe()
  }, [supabase])
  return email
}
