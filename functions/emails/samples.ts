/**
 * One mail of each kind with sample data, for tests and for looking at.
 *
 * @module
 */
import {
  type AccessNotice,
  AUTH_ACTIONS,
  type AuthAction,
  type AuthDelivery,
  type AuthFacts,
  type InviteFacts,
  type InviteNotice,
  type JoinFacts,
  type JoinNotice,
  type MemberNotice,
  type OfferDelivery,
  type Organisation,
  type PreparedDelivery,
  type ReviewNotice,
} from '../_shared/delivery.ts'

/** The moment at which they are sent. */
export const SENT_AT = new Date('2026-11-21T10:00:00Z')

export const PROJECT_NAME = 'Example'

const organisation: Organisation = {
  id: '1',
  name: 'Acme',
  sender_name: 'Acme',
  logo_url: null,
  accent_colour: null,
}

const common = {
  id: '00000000-0000-4000-8000-000000000001',
  to: 'new@example.com',
  locale: 'en',
  reply_to: null,
  site_url: 'https://app.example.com',
  track_opens: false,
  template: null,
  organisation,
}

const facts: InviteFacts & { email: string } = {
  id: '2',
  email: 'new@example.com',
  device_name: null,
  roles: ['member'],
  inviter_name: 'Ada Admin',
  inviter_email: 'ada@example.com',
  message: null,
  expires_at: '2026-11-28T10:00:00+00:00',
  decline_reason: null,
  membership_ends_at: null,
}

const invite: OfferDelivery = {
  ...common,
  kind: 'invite',
  invite: facts,
  // As long as real ones.
  link: `https://app.example.com/invite#inv_${'A'.repeat(116)}`,
  stop_link: `https://app.example.com/stop-mail#stp_${'A'.repeat(68)}`,
  one_click_stop_url: `https://api.example.com/functions/v1/stop-mail?token=stp_${'A'.repeat(68)}`,
}

const notice = (kind: InviteNotice['kind'], more: Partial<InviteFacts> = {}): InviteNotice => ({
  ...common,
  kind,
  invite: { ...facts, ...more },
})

const membership = (kind: MemberNotice['kind'], roles: string[]): MemberNotice => ({
  ...common,
  kind,
  facts: {
    roles,
    actor_name: 'Ada Admin',
    actor_email: 'ada@example.com',
    owner_name: 'Olive Owner',
  },
})

const access = (kind: AccessNotice['kind'], is_membership: boolean): AccessNotice => ({
  ...common,
  kind,
  facts: { roles: ['finance'], is_membership, ends_at: '2027-03-31T18:00:00Z' },
})

const request = (kind: JoinNotice['kind'], said: JoinFacts): JoinNotice => ({
  ...common,
  kind,
  facts: said,
})

const review = (kind: ReviewNotice['kind']): ReviewNotice => ({
  ...common,
  kind,
  facts: {
    review: 'Third quarter',
    review_id: '00000000-0000-4000-8000-000000000003',
    due_at: '2026-12-05T10:00:00+00:00',
    actor_name: 'Ada Admin',
    actor_email: 'ada@example.com',
  },
})

/** A kind that has no sample does not compile. */
export const samples = {
  invite,
  invite_reminder: { ...invite, kind: 'invite_reminder' },
  invite_accepted: notice('invite_accepted'),
  invite_declined: notice('invite_declined', {
    decline_reason: 'I have changed jobs.\nAll the best to you.',
  }),
  invite_expired: notice('invite_expired'),
  invite_resend_requested: notice('invite_resend_requested'),
  device_enrolled: notice('device_enrolled', { email: null, device_name: 'Reception tablet' }),
  webhook_disabled: {
    ...common,
    kind: 'webhook_disabled',
    facts: { webhook: 'hooks.example.com' },
  },
  invites_lost_right: {
    ...common,
    kind: 'invites_lost_right',
    facts: { count: 12, person_name: 'Ada Admin', person_email: 'ada@example.com' },
  },
  credentials_lost_right: {
    ...common,
    kind: 'credentials_lost_right',
    facts: {
      names: ['Okta', 'example.com'],
      ends_at: '2026-11-28T10:00:00+00:00',
      person_name: 'Ada Admin',
      person_email: 'ada@example.com',
    },
  },
  member_roles_updated: membership('member_roles_updated', ['finance', 'member']),
  member_removed: membership('member_removed', ['member']),
  member_banned: membership('member_banned', ['member']),
  access_ending: access('access_ending', true),
  access_ended: access('access_ended', false),
  ownership_transferred: membership('ownership_transferred', ['admin']),
  join_requested: request('join_requested', { requester_email: 'rea@example.com' }),
  join_approved: membership('join_approved', ['member']),
  join_declined: request('join_declined', {
    actor_name: 'Ada Admin',
    reason: 'Please ask your own department first.',
  }),
  access_review_started: review('access_review_started'),
  access_review_overdue: review('access_review_overdue'),
} satisfies Record<Exclude<PreparedDelivery['kind'], 'auth'>, PreparedDelivery>

/** Mails of Supabase Auth, to somebody who is invited. */
export const authSample: AuthDelivery = {
  ...common,
  kind: 'auth',
  facts: { sealed: '' },
  invite: facts,
}

export function authFactsSample(action: AuthAction): AuthFacts {
  const hasLink = !action.endsWith('_notification') && action !== 'reauthentication'
  return {
    action,
    email: 'new@example.com',
    code: action.endsWith('_notification') ? null : '123456',
    link: hasLink
      ? `https://api.example.com/auth/v1/verify?token=${'a'.repeat(56)}&type=${action}&redirect_to=https%3A%2F%2Fapp.example.com`
      : null,
  }
}

export { AUTH_ACTIONS }
