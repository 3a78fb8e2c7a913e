/**
 * Which words of ours say what Supabase Auth says by its codes. What it says in English reaches no reader: it is
 * written for developers, and what stands in an address anybody can have put there.
 *
 * @module
 */
import type { AuthError } from '@supabase/supabase-js'
import type { Texts } from '../texts/en.ts'

/** The codes that this supabase-js knows; a newer Auth may send others. */
export type AuthErrorCode = Literal<NonNullable<AuthError['code']>>
type Literal<T> = T extends string ? (string extends T ? never : T) : never

/** A sentence of `texts.authErrors`, or one of the two general ones. */
export type AuthSentence =
  | Exclude<keyof Texts['authErrors'], 'tooManyMailsUntil'>
  | 'unexpected'
  | 'unreachable'

const SENTENCES = {
  anonymous_provider_disabled: 'notOffered',
  bad_code_verifier: 'tookTooLong',
  bad_json: 'notAccepted',
  bad_jwt: 'sessionEnded',
  bad_oauth_callback: 'providerFault',
  bad_oauth_state: 'tookTooLong',
  captcha_failed: 'captcha',
  conflict: 'busy',
  email_address_invalid: 'invalidEmail',
  email_address_not_authorized: 'cannotMail',
  email_conflict_identity_not_deletable: 'notAccepted',
  email_exists: 'hasAccount',
  email_not_confirmed: 'notConfirmed',
  email_provider_disabled: 'notOffered',
  flow_state_expired: 'tookTooLong',
  flow_state_not_found: 'tookTooLong',
  hook_payload_invalid_content_type: 'unexpected',
  hook_payload_over_size_limit: 'unexpected',
  hook_timeout: 'busy',
  hook_timeout_after_retry: 'busy',
  identity_already_exists: 'hasAccount',
  identity_not_found: 'notAccepted',
  insufficient_aal: 'secondFactorFirst',
  invalid_credentials: 'wrongCredentials',
  invite_not_found: 'linkExpired',
  manual_linking_disabled: 'notOffered',
  mfa_challenge_expired: 'wrongCode',
  mfa_factor_name_conflict: 'notAccepted',
  mfa_factor_not_found: 'wrongCode',
  mfa_ip_address_mismatch: 'tookTooLong',
  mfa_phone_enroll_not_enabled: 'notOffered',
  mfa_phone_verify_not_enabled: 'notOffered',
  mfa_recovery_codes_enroll_not_enabled: 'notOffered',
  mfa_recovery_codes_locked: 'tooManyRequests',
  mfa_recovery_codes_sole_factor: 'notAccepted',
  mfa_recovery_codes_verify_not_enabled: 'notOffered',
  mfa_totp_enroll_not_enabled: 'notOffered',
  mfa_totp_verify_not_enabled: 'notOffered',
  mfa_verification_failed: 'wrongCode',
  mfa_verification_rejected: 'wrongCode',
  mfa_verified_factor_exists: 'secondFactorFirst',
  mfa_webauthn_enroll_not_enabled: 'notOffered',
  mfa_webauthn_verify_not_enabled: 'notOffered',
  no_authorization: 'sessionEnded',
  not_admin: 'notAccepted',
  oauth_provider_not_supported: 'notOffered',
  otp_disabled: 'noAccount',
  otp_expired: 'linkExpired',
  over_email_send_rate_limit: 'tooManyMails',
  over_request_rate_limit: 'tooManyRequests',
  over_sms_send_rate_limit: 'tooManyRequests',
  phone_exists: 'hasAccount',
  phone_not_confirmed: 'notConfirmed',
  phone_provider_disabled: 'notOffered',
  provider_disabled: 'notOffered',
  provider_email_needs_verification: 'providerUnconfirmed',
  reauth_nonce_missing: 'signInFirst',
  reauthentication_needed: 'signInFirst',
  reauthentication_not_valid: 'wrongCode',
  refresh_token_already_used: 'sessionEnded',
  refresh_token_not_found: 'sessionEnded',
  request_timeout: 'busy',
  same_password: 'samePassword',
  saml_assertion_no_email: 'providerFault',
  saml_assertion_no_user_id: 'providerFault',
  saml_entity_id_mismatch: 'providerFault',
  saml_idp_already_exists: 'providerFault',
  saml_idp_not_found: 'noSso',
  saml_metadata_fetch_failed: 'providerFault',
  saml_provider_disabled: 'notOffered',
  saml_relay_state_expired: 'tookTooLong',
  saml_relay_state_not_found: 'tookTooLong',
  session_expired: 'sessionEnded',
  session_not_found: 'sessionEnded',
  signup_disabled: 'notInvited',
  single_identity_not_deletable: 'notAccepted',
  sms_send_failed: 'busy',
  sso_domain_already_exists: 'providerFault',
  sso_provider_not_found: 'noSso',
  too_many_enrolled_mfa_factors: 'notAccepted',
  unexpected_audience: 'providerFault',
  unexpected_failure: 'unexpected',
  user_already_exists: 'hasAccount',
  user_banned: 'suspended',
  user_not_found: 'sessionEnded',
  user_sso_managed: 'managedElsewhere',
  validation_failed: 'notAccepted',
  weak_password: 'weakPassword',
  webauthn_challenge_expired: 'tookTooLong',
} satisfies Record<AuthErrorCode, AuthSentence>

/** What comes back from an identity provider, where Auth has no code of its own for it (RFC 6749, 4.1.2.1). */
const OF_PROVIDERS: Record<string, AuthSentence> = {
  access_denied: 'providerRefused',
  invalid_request: 'providerFault',
  invalid_scope: 'providerFault',
  temporarily_unavailable: 'busy',
  unauthorized_client: 'providerFault',
  unsupported_response_type: 'providerFault',
  // A hook of the project has refused; Usher's says who may sign up.
  unknown: 'notInvited',
}

/** The sentence for an error of Auth; a general one for codes that nobody here knows. */
export function sentenceOf(
  error: Pick<AuthError, 'name' | 'code' | 'status' | 'message'>,
): AuthSentence {
  const { name, code = '', status, message } = error
  // So Auth says of any trigger that refuses: of ours, where no hook asks before it, and of the project's own.
  if (message.includes('saving new user')) return 'notCreated'
  if (name === 'AuthRetryableFetchError' && status !== 500) return 'unreachable'
  if (name === 'AuthSessionMissingError') return 'sessionEnded'
  if (
    name === 'AuthWeakPasswordError' &&
    (error as { reasons?: string[] }).reasons?.includes('pwned')
  ) {
    return 'leakedPassword'
  }
  if (Object.hasOwn(SENTENCES, code)) return SENTENCES[code as AuthErrorCode]
  return Object.hasOwn(OF_PROVIDERS, code) ? (OF_PROVIDERS[code] as AuthSentence) : 'unexpected'
}

/** How many seconds Auth wants to be left alone; null when it does not say. */
export function secondsToWait({
  code,
  message,
}: Pick<AuthError, 'code' | 'message'>): number | null {
  if (code !== 'over_email_send_rate_limit') return null
  const seconds = message.match(/after (\d+) seconds?/)?.[1]
  return seconds === undefined ? null : Number(seconds)
}
