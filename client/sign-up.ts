/**
 * Signing up from an invitation where Supabase Auth confirms addresses by mail: what the sign-up carries, and how
 * whoever comes back from that mail, maybe on another device, becomes a member.
 *
 * @module
 */
import type { Usher } from './client.ts'
import { isUsherError, UsherError } from './errors.ts'
import type { InvitePreview } from './invites.ts'
import { isSpent, type Landing } from './landing.ts'
import type { Result } from './result.ts'

/** As `signUp` and `signInWithOtp` of supabase-js take them. */
export interface SignUpOptions {
  data: { invite_token?: string; full_name?: string }
  emailRedirectTo: string
}

/**
 * What a sign-up from an invitation carries: with the token among its data, the database makes a member of
 * whoever confirms the address, at that moment. The token goes to Supabase Auth in the body of a request, and is
 * kept nowhere; the address to come back to names the organisation and never holds a token, because it passes
 * through mail and through the logs of Auth.
 *
 * @param options.redirectTo - the page to come back to, absolute; one that Auth may lead to
 * @param options.fullName - what others are to see beside the address
 * @example
 * const options = signUpOptions(landing, preview, { redirectTo: `${location.origin}/invite`, fullName })
 * await supabase.auth.signUp({ email: preview.email, password, options })
 */
export function signUpOptions(
  { token }: Pick<Landing, 'token'>,
  { organisationId }: Pick<InvitePreview, 'organisationId'>,
  { redirectTo, fullName }: { redirectTo: string; fullName?: string | undefined },
): SignUpOptions {
  const back = new URL(redirectTo)
  if (organisationId) back.searchParams.set('organisation', organisationId)
  return {
    data: { ...(token && { invite_token: token }), ...(fullName && { full_name: fullName }) },
    emailRedirectTo: back.href,
  }
}

/**
 * Makes a member of whoever has confirmed their address for this organisation, if confirming has not done so: when
 * they had signed up once before, without the token, or when the invitation was sent again meanwhile. It accepts, so
 * call it only for who came to accept, not on each visit of the page. Without the link, it takes a project whose
 * settings say that its Auth confirms addresses (`auth_confirms_addresses`).
 *
 * @param organisationId - from the address that `signUpOptions` made
 * @param landing - with the token, if this tab has it
 * @returns where they are a member now; or as `accept` and `acceptMine`: `permission_denied` where only the link of
 *   the invitation will do, `invite_not_found` where none is open
 */
export async function finishSignUp<Dates extends boolean>(
  usher: Usher<Dates>,
  organisationId: string,
  landing?: Pick<Landing, 'token' | 'accept'>,
): Promise<Result<{ organisationId: string }>> {
  const { organisations, invites } = usher as unknown as Usher
  const isMember = async () => {
    const { data, error } = await organisations.listMine()
    return error ? { error } : { is: data.some(({ id }) => id === organisationId) }
  }
  const member = { data: { organisationId }, error: null }

  const before = await isMember()
  if (before.error) return { data: null, error: before.error }
  if (before.is) return member

  let refusal: UsherError | null = null
  if (landing?.token) {
    const { error } = await landing.accept()
    if (!error) return member
    // What is wrong with the link, and with nothing else, the invitation without its link may mend.
    if (!isSpent(error) && !isUsherError(error, 'already_member')) return { data: null, error }
    refusal = error
  }
  const mine = await invites.listMine()
  if (mine.error) return { data: null, error: mine.error }
  const open = mine.data.find((invite) => invite.organisationId === organisationId)
  if (open) {
    const { error } = await invites.acceptMine(open.id)
    if (!error) return member
    refusal = error
  }
  // Another tab may have been quicker.
  const after = await isMember()
  if (after.error) return { data: null, error: after.error }
  if (after.is) return member
  const missing = { code: 'invite_not_found', message: 'There is no such invite.' }
  return { data: null, error: refusal ?? new UsherError(missing, 404) }
}
