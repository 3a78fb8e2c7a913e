/**
 * What a mail says, as `usher.prepare_delivery` gives it. The names are those of the database.
 *
 * @module
 */

/** What a mail about an invite says. */
export interface InviteFacts {
  id: string
  /** Null for a device. */
  email: string | null
  /** What people call a device. */
  device_name: string | null
  roles: string[]
  inviter_name: string | null
  inviter_email: string | null
  message: string | null
  /** ISO 8601. */
  expires_at: string
  decline_reason: string | null
  /** ISO 8601; null: the membership has no end. */
  membership_ends_at: string | null
}

/** What a mail about a membership says, as it was when it was caused. */
export interface MemberFacts {
  roles: string[]
  /** Who did it. */
  actor_name: string | null
  actor_email: string | null
  /** Who owns the organisation now. */
  owner_name: string | null
}

/** What a mail about an end of access says. */
export interface AccessFacts {
  /** Which roles it is about. */
  roles: string[]
  /** Whether the membership itself ends, with all of them. */
  is_membership: boolean
  /** ISO 8601. */
  ends_at: string
}

/** What a mail about a request to join says. */
export interface JoinFacts {
  /** Who asks; in the mail to the admins. */
  requester_email?: string
  /** Who has decided, and why; in the answer. */
  actor_name?: string | null
  actor_email?: string | null
  reason?: string | null
}

/** What a mail about an access review says. */
export interface ReviewFacts {
  /** What it is called. */
  review: string
  /** Mails that were queued by an earlier version do not say which it is. */
  review_id?: string
  /** ISO 8601. */
  due_at: string
  /** Who started it. */
  actor_name: string | null
  actor_email: string | null
}

/** What a mail about a webhook says. */
export interface WebhookFacts {
  /** Its host. */
  webhook: string
}

/** What a mail says about what hung on the right of somebody who lost it. */
interface LostRightFacts {
  /** Null once they have no account. */
  person_name: string | null
  person_email: string | null
}
export interface LostInvitesFacts extends LostRightFacts {
  /** How many invites do not let in any more. */
  count: number
}
export interface LostCredentialsFacts extends LostRightFacts {
  /** Tokens by their names, and domains. */
  names: string[]
  /** ISO 8601: until when they go on unless somebody takes them over; past when that was at once. */
  ends_at: string
}

/** How the organisation words this mail; null: as built in. */
export interface Template {
  subject: string | null
  heading: string | null
  body: string | null
  button: string | null
}

export interface Organisation {
  id: string
  name: string
  sender_name: string
  logo_url: string | null
  accent_colour: string | null
}

interface AnyDelivery {
  id: string
  to: string
  /** BCP 47, such as `de-AT`. */
  locale: string
  reply_to: string | null
  site_url: string
  /** Whether the organisation lets it be seen that mails are opened. */
  track_opens: boolean
  template: Template | null
  /** Which one it is. */
  template_id?: string | null
  /** For the address that it comes from, where those are told apart. */
  return_tag?: string
}

interface OrganisationDelivery extends AnyDelivery {
  organisation: Organisation
}

/** To an invitee: what they may answer. */
export interface OfferDelivery extends OrganisationDelivery {
  kind: 'invite' | 'invite_reminder'
  invite: InviteFacts & { email: string }
  /** With a token of its own. */
  link: string
  /** The page where more of this is stopped. */
  stop_link: string
  /** The same by one POST, for mail programs (RFC 8058); null where no address of functions is set. */
  one_click_stop_url: string | null
}

export interface InviteNotice extends OrganisationDelivery {
  kind:
    | 'invite_accepted'
    | 'invite_declined'
    | 'invite_expired'
    | 'invite_resend_requested'
    | 'device_enrolled'
  invite: InviteFacts
}

export interface MemberNotice extends OrganisationDelivery {
  kind:
    | 'member_roles_updated'
    | 'member_removed'
    | 'member_banned'
    | 'ownership_transferred'
    | 'join_approved'
  facts: MemberFacts
}

/** Before access ends, and after. */
export interface AccessNotice extends OrganisationDelivery {
  kind: 'access_ending' | 'access_ended'
  facts: AccessFacts
}

export interface JoinNotice extends OrganisationDelivery {
  kind: 'join_requested' | 'join_declined'
  facts: JoinFacts
}

/** To those who may answer a review of who may do what. */
export interface ReviewNotice extends OrganisationDelivery {
  kind: 'access_review_started' | 'access_review_overdue'
  facts: ReviewFacts
}

export interface WebhookNotice extends OrganisationDelivery {
  kind: 'webhook_disabled'
  facts: WebhookFacts
}

/** To those who may invite: they may send them again. */
export interface LostInvitesNotice extends OrganisationDelivery {
  kind: 'invites_lost_right'
  facts: LostInvitesFacts
}

/** To those who keep the organisation: one of them may take them over. */
export interface LostCredentialsNotice extends OrganisationDelivery {
  kind: 'credentials_lost_right'
  facts: LostCredentialsFacts
}

/** A mail of Supabase Auth. */
export interface AuthDelivery extends AnyDelivery {
  kind: 'auth'
  /** Encrypted: see seal.ts. */
  facts: { sealed: string }
  /** What its reader is invited to, if they are. */
  organisation: Organisation | null
  invite: InviteFacts | null
}

export type NoticeDelivery =
  | InviteNotice
  | MemberNotice
  | AccessNotice
  | JoinNotice
  | ReviewNotice
  | WebhookNotice
  | LostInvitesNotice
  | LostCredentialsNotice

/** All that one mail needs. */
export type PreparedDelivery = OfferDelivery | NoticeDelivery | AuthDelivery

/** Source: supabase/auth, internal/mailer, the actions of its Send Email hook. */
export const AUTH_ACTIONS = [
  'signup',
  'invite',
  'magiclink',
  'recovery',
  'email_change',
  'reauthentication',
  'password_changed_notification',
  'email_changed_notification',
  'phone_changed_notification',
  'identity_linked_notification',
  'identity_unlinked_notification',
  'mfa_factor_enrolled_notification',
  'mfa_factor_unenrolled_notification',
] as const
export type AuthAction = (typeof AUTH_ACTIONS)[number]

/** What a mail of Supabase Auth says, once it is opened. */
export interface AuthFacts {
  action: AuthAction
  /** The address that it is about. */
  email: string
  /** To be typed in; null where there is none. */
  code: string | null
  /** To be opened; null where there is none. */
  link: string | null
}

/** Whether its reader is asked for an answer. */
export function isOffer(mail: PreparedDelivery): mail is OfferDelivery {
  return mail.kind === 'invite' || mail.kind === 'invite_reminder'
}
