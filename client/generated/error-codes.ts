// Generated from the database by npm run generate. Do not edit.
/** Why a call can be refused; `error.code` is one of these. */
export type ErrorCode =
  /** 401: This directory token is not valid, or not any more. */
  | 'directory_token_invalid'
  /** 401: You are not signed in. */
  | 'unauthenticated'
  /** 403: The organisation does not take addresses of this domain. */
  | 'domain_not_allowed'
  /** 403: Your address has not been confirmed yet. */
  | 'email_unverified'
  /** 403: This invite was sent to another address. */
  | 'invite_wrong_email'
  /** 403: This person is banned from the organisation. */
  | 'member_banned'
  /** 403: Your roles do not permit this in this organisation. */
  | 'permission_denied'
  /** 403: Your roles do not let you give out this role. */
  | 'role_not_assignable'
  /** 403: Only people who have been invited can make an account. */
  | 'signup_not_invited'
  /** 403: The organisation asks for another way of signing in. */
  | 'sso_required'
  /** 404: There is no such review, or it is not yours to see. */
  | 'access_review_not_found'
  /** 404: There is no such token or domain, or it is not yours to see. */
  | 'credential_not_found'
  /** 404: There is no such mail, or it is not yours to see. */
  | 'delivery_not_found'
  /** 404: The directory holds no such thing, or it is not yours to see. */
  | 'directory_not_found'
  /** 404: This is not a link that we have sent. */
  | 'invite_invalid'
  /** 404: There is no such invite, or it is not yours to see. */
  | 'invite_not_found'
  /** 404: There is no such member, or you are not in the organisation. */
  | 'member_not_found'
  /** 404: There is no such organisation, or you are not in it. */
  | 'organisation_not_found'
  /** 404: There is no such request, or it is not yours to see. */
  | 'request_not_found'
  /** 404: There is no such template, or it is not yours to see. */
  | 'template_not_found'
  /** 404: There is no such webhook, or it is not yours to see. */
  | 'webhook_not_found'
  /** 409: This has been answered, or the review has ended. */
  | 'access_review_not_open'
  /** 409: This address already has an open invite. */
  | 'already_invited'
  /** 409: This person is already a member. */
  | 'already_member'
  /** 409: The directory holds another one with this name or address. */
  | 'directory_conflict'
  /** 409: A request with this key is being carried out. */
  | 'idempotency_key_in_use'
  /** 409: This invite has already been accepted. */
  | 'invite_already_accepted'
  /** 409: This invite is no longer open. */
  | 'invite_not_pending'
  /** 409: An organisation cannot be without its owner. */
  | 'owner_required'
  /** 409: This request has been decided. */
  | 'request_not_open'
  /** 409: Somebody holds this role, or it is part of another. */
  | 'role_in_use'
  /** 409: All seats of the organisation are taken. */
  | 'seat_limit_reached'
  /** 409: Another organisation has this slug. */
  | 'slug_taken'
  /** 409: This webhook is switched off. */
  | 'webhook_disabled'
  /** 410: This invite has been declined. */
  | 'invite_declined'
  /** 410: This invite has expired. */
  | 'invite_expired'
  /** 410: This invite has been withdrawn. */
  | 'invite_revoked'
  /** 410: A newer mail has replaced this link. */
  | 'invite_superseded'
  /** 410: Whoever sent this invite may not give it any more. */
  | 'inviter_lost_right'
  /** 413: Too many invites in one call. */
  | 'batch_too_large'
  /** 422: This key belongs to another request. */
  | 'idempotency_key_reused'
  /** 422: This is not an address that mail can be sent to. */
  | 'invalid_email'
  /** 422: This lifetime is not allowed. */
  | 'invalid_expiry'
  /** 422: This message cannot be sent. */
  | 'invalid_message'
  /** 422: This redirect is not allowed. */
  | 'invalid_redirect'
  /** 422: There is no such role here, or it cannot be given. */
  | 'invalid_role'
  /** 422: A value is not allowed. */
  | 'invalid_settings'
  /** 422: This slug cannot be used. */
  | 'invalid_slug'
  /** 429: Too many requests. */
  | 'rate_limited'
  /** 503: Somebody else changed the same thing at this moment. */
  | 'try_again'
