/**
 * One mail of each kind with sample data, for tests and for looking at.
 *
 * @module
 */
import type { InviteDelivery, MemberDelivery, PreparedDelivery } from '../_shared/database.ts'

/** The moment at which they are sent. */
export const SENT_AT = new Date('2026-11-21T10:00:00Z')

const common = {
  id: '00000000-0000-4000-8000-000000000001',
  to: 'new@example.com',
  locale: 'en',
  reply_to: null,
  site_url: 'https://app.example.com',
  link: null,
  organisation: { id: '1', name: 'Acme', logo_url: null, accent_colour: null },
}

const invite: InviteDelivery = {
  ...common,
  kind: 'invite',
  // As long as a real one.
  link: `https://app.example.com/invite#inv_${'A'.repeat(116)}`,
  member: null,
  invite: {
    id: '2',
    email: 'new@example.com',
    roles: ['member'],
    inviter_name: 'Ada Admin',
    inviter_email: 'ada@example.com',
    message: null,
    expires_at: '2026-11-28T10:00:00+00:00',
    decline_reason: null,
  },
}

const notice = <Kind extends InviteDelivery['kind']>(kind: Kind) => ({
  ...invite,
  kind,
  link: null,
})

const membership = <Kind extends MemberDelivery['kind']>(kind: Kind, roles: string[]) => ({
  ...common,
  kind,
  invite: null,
  member: {
    roles,
    actor_name: 'Ada Admin',
    actor_email: 'ada@example.com',
    owner_name: 'Olive Owner',
  },
})

/** A kind that has no sample does not compile. */
export const samples = {
  invite,
  invite_reminder: { ...invite, kind: 'invite_reminder' },
  invite_accepted: notice('invite_accepted'),
  invite_declined: {
    ...notice('invite_declined'),
    invite: { ...invite.invite, decline_reason: 'I have changed jobs.\nAll the best to you.' },
  },
  invite_expired: notice('invite_expired'),
  invite_resend_requested: notice('invite_resend_requested'),
  member_roles_updated: membership('member_roles_updated', ['finance', 'member']),
  member_removed: membership('member_removed', ['member']),
  member_banned: membership('member_banned', ['member']),
  ownership_transferred: membership('ownership_transferred', ['admin']),
} satisfies Record<PreparedDelivery['kind'], PreparedDelivery>
