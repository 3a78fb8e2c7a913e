/**
 * Supabase Auth's admin API: makes an account, and the code that confirms its address.
 *
 * @module
 */
import { createClient } from '@supabase/supabase-js'

export interface MadeCode {
  /** The account that the code is for. */
  userId: string
  /** For `verifyOtp({ token_hash, type: 'invite' })`. */
  tokenHash: string
}

/** Milliseconds. Whoever pressed the button waits for this. */
const PATIENCE = 10_000

/**
 * `POST /auth/v1/admin/generate_link` of the type `invite`: it makes the account, without a password, and sends
 * no mail. For a confirmed account it gives no code, where `magiclink` would: it lets nobody into an account
 * that is there.
 *
 * @param supabaseUrl - the project's API
 * @param secretKey - the project's secret key
 * @returns what to hand out; throws when Auth refuses or does not answer
 */
export function createCodeMaker(supabaseUrl: string, secretKey: string) {
  const supabase = createClient(supabaseUrl, secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: {
      fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(PATIENCE) }),
    },
  })
  return async (email: string): Promise<MadeCode> => {
    const { data, error } = await supabase.auth.admin.generateLink({ type: 'invite', email })
    if (error) throw error
    return { userId: data.user.id, tokenHash: data.properties.hashed_token }
  }
}
