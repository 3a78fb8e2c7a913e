// Generated from the database by npm run generate. Do not edit.
/** What a template may name, as `{{organisation}}`, by the kind of mail. */
export const MAIL_PLACEHOLDERS = {
  invite: ['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at'],
  invite_reminder: ['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at'],
  invite_accepted: ['organisation', 'invitee', 'roles'],
  invite_declined: ['organisation', 'invitee', 'roles'],
  invite_expired: ['organisation', 'invitee', 'roles'],
  invite_resend_requested: ['organisation', 'invitee', 'roles'],
  member_roles_updated: ['organisation', 'roles', 'actor'],
  member_removed: ['organisation', 'actor'],
  member_banned: ['organisation', 'actor'],
  access_ending: ['organisation', 'roles', 'ends_at'],
  access_ended: ['organisation', 'roles'],
  ownership_transferred: ['organisation', 'roles', 'actor', 'owner'],
  join_requested: ['organisation', 'requester'],
  join_approved: ['organisation', 'roles', 'actor'],
  join_declined: ['organisation', 'actor'],
  device_enrolled: ['organisation', 'device', 'roles'],
  access_review_started: ['organisation', 'review', 'due_at', 'actor'],
  access_review_overdue: ['organisation', 'review', 'due_at'],
  webhook_disabled: ['organisation', 'webhook'],
} as const
