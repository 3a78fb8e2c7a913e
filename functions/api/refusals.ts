// Generated from the database by npm run generate. Do not edit.
/**
 * What the database may refuse with: the status, what is wrong, and what to do about it.
 *
 * @module
 */
export const REFUSALS = {
  directory_token_invalid: {
    status: 401,
    title: 'This directory token is not valid, or not any more.',
    hint: 'Make a new one on the page Directories, and give it to the identity provider.',
  },
  unauthenticated: { status: 401, title: 'You are not signed in.', hint: 'Sign in and try again.' },
  domain_not_allowed: {
    status: 403,
    title: 'The organisation does not take addresses of this domain.',
    hint: 'Use an address of one of its own domains.',
  },
  email_unverified: {
    status: 403,
    title: 'Your address has not been confirmed yet.',
    hint: 'Follow the link in the confirmation mail, then try again.',
  },
  invite_wrong_email: {
    status: 403,
    title: 'This invite was sent to another address.',
    hint: 'Sign in with the address that the invite was sent to.',
  },
  member_banned: {
    status: 403,
    title: 'This person is banned from the organisation.',
    hint: 'An admin can lift the ban.',
  },
  permission_denied: {
    status: 403,
    title: 'Your roles do not permit this in this organisation.',
    hint: 'Ask an admin of the organisation.',
  },
  role_not_assignable: {
    status: 403,
    title: 'Your roles do not let you give out this role.',
    hint: 'Ask someone who holds it, or choose another role.',
  },
  signup_not_invited: {
    status: 403,
    title: 'Only people who have been invited can make an account.',
    hint: 'Ask for an invite, and sign up with the address that it was sent to.',
  },
  sso_required: {
    status: 403,
    title: 'The organisation asks for another way of signing in.',
    hint: 'Sign in the way that details names, then try again.',
  },
  access_review_not_found: {
    status: 404,
    title: 'There is no such review, or it is not yours to see.',
    hint: 'Check the id, and who you are signed in as.',
  },
  credential_not_found: {
    status: 404,
    title: 'There is no such token or domain, or it is not yours to see.',
    hint: 'Check the id, and who you are signed in as.',
  },
  delivery_not_found: {
    status: 404,
    title: 'There is no such mail, or it is not yours to see.',
    hint: 'Check the id, and who you are signed in as.',
  },
  directory_not_found: {
    status: 404,
    title: 'The directory holds no such thing, or it is not yours to see.',
    hint: 'Check the id, and which token you use.',
  },
  invite_invalid: {
    status: 404,
    title: 'This is not a link that we have sent.',
    hint: 'Open the link straight from the mail, without changing it.',
  },
  invite_not_found: {
    status: 404,
    title: 'There is no such invite, or it is not yours to see.',
    hint: 'Check the id, and who you are signed in as.',
  },
  member_not_found: {
    status: 404,
    title: 'There is no such member, or you are not in the organisation.',
    hint: 'Check the ids, and who you are signed in as.',
  },
  organisation_not_found: {
    status: 404,
    title: 'There is no such organisation, or you are not in it.',
    hint: 'Check the id, and who you are signed in as.',
  },
  request_not_found: {
    status: 404,
    title: 'There is no such request, or it is not yours to see.',
    hint: 'Check the id, and who you are signed in as.',
  },
  template_not_found: {
    status: 404,
    title: 'There is no such template, or it is not yours to see.',
    hint: 'Check the id, and who you are signed in as.',
  },
  webhook_not_found: {
    status: 404,
    title: 'There is no such webhook, or it is not yours to see.',
    hint: 'Check the id, and who you are signed in as.',
  },
  access_review_not_open: {
    status: 409,
    title: 'This has been answered, or the review has ended.',
    hint: 'See what the review says; start a new one if need be.',
  },
  already_invited: {
    status: 409,
    title: 'This address already has an open invite.',
    hint: 'Resend that one, or revoke it first; details holds its id.',
  },
  already_member: {
    status: 409,
    title: 'This person is already a member.',
    hint: 'Change the roles of the member instead.',
  },
  directory_conflict: {
    status: 409,
    title: 'The directory holds another one with this name or address.',
    hint: 'Look for that one, and change it instead.',
  },
  idempotency_key_in_use: {
    status: 409,
    title: 'A request with this key is being carried out.',
    hint: 'Wait a moment, then send the same request with the same key.',
  },
  invite_already_accepted: {
    status: 409,
    title: 'This invite has already been accepted.',
    hint: 'Sign in to see the organisation.',
  },
  invite_not_pending: {
    status: 409,
    title: 'This invite is no longer open.',
    hint: 'Make a new one.',
  },
  owner_required: {
    status: 409,
    title: 'An organisation cannot be without its owner.',
    hint: 'Transfer or delete the organisation first.',
  },
  request_not_open: {
    status: 409,
    title: 'This request has been decided.',
    hint: 'See what was decided; they can ask again.',
  },
  role_in_use: {
    status: 409,
    title: 'Somebody holds this role, or it is part of another.',
    hint: 'Take it from members, invites and roles first; details says where it was found.',
  },
  seat_limit_reached: {
    status: 409,
    title: 'All seats of the organisation are taken.',
    hint: 'Remove a member, or raise the limit.',
  },
  slug_taken: {
    status: 409,
    title: 'Another organisation has this slug.',
    hint: 'Choose another slug, or leave it out.',
  },
  webhook_disabled: {
    status: 409,
    title: 'This webhook is switched off.',
    hint: 'Switch it on first; details says why it is off.',
  },
  invite_declined: {
    status: 410,
    title: 'This invite has been declined.',
    hint: 'Ask for a new one if you have changed your mind.',
  },
  invite_expired: { status: 410, title: 'This invite has expired.', hint: 'Ask for a new one.' },
  invite_revoked: {
    status: 410,
    title: 'This invite has been withdrawn.',
    hint: 'Ask the organisation if that was not meant.',
  },
  invite_superseded: {
    status: 410,
    title: 'A newer mail has replaced this link.',
    hint: 'Open the link in the newest mail.',
  },
  inviter_lost_right: {
    status: 410,
    title: 'Whoever sent this invite may not give it any more.',
    hint: 'Ask the organisation for a new one.',
  },
  batch_too_large: {
    status: 413,
    title: 'Too many invites in one call.',
    hint: 'Send at most 10,000 at a time.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'This key belongs to another request.',
    hint: 'Take a new key for each new request.',
  },
  invalid_email: {
    status: 422,
    title: 'This is not an address that mail can be sent to.',
    hint: 'Give one address such as name@example.com, of at most 254 characters.',
  },
  invalid_expiry: {
    status: 422,
    title: 'This lifetime is not allowed.',
    hint: 'Give an interval from 1 hour to 30 days, such as "3 days".',
  },
  invalid_message: {
    status: 422,
    title: 'This message cannot be sent.',
    hint: 'Give at most 1,000 characters of plain text, without addresses and links.',
  },
  invalid_redirect: {
    status: 422,
    title: 'This redirect is not allowed.',
    hint: 'Give a path such as /welcome, or an https address of an allowed origin.',
  },
  invalid_role: {
    status: 422,
    title: 'There is no such role here, or it cannot be given.',
    hint: 'Give 1 to 20 roles of this organisation.',
  },
  invalid_settings: {
    status: 422,
    title: 'A value is not allowed.',
    hint: "See what the function's comment says of its parameters.",
  },
  invalid_slug: {
    status: 422,
    title: 'This slug cannot be used.',
    hint: 'Use 2 to 63 of a-z, 0-9 and single hyphens between them, and no word such as admin, api or www.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests.',
    hint: 'Wait as long as Retry-After says.',
  },
  try_again: {
    status: 503,
    title: 'Somebody else changed the same thing at this moment.',
    hint: 'Send the same request again, after the time in Retry-After.',
  },
} as const

export type RefusalCode = keyof typeof REFUSALS
