/**
 * The registers of a package: what each is called, what is in it, and its columns in their order.
 *
 * @module
 */

export interface EvidenceTable {
  /** The name of its files, and its key in what the database gives. */
  name: string
  title: string
  about: string
  columns: readonly string[]
}

export const TABLES: readonly EvidenceTable[] = [
  {
    name: 'rights',
    title: 'Register of access rights',
    about:
      'Who held which role in the period: from when to when, given and taken by whom, through what and why. is_held: at the end of the period. ends_at: when it ends by itself. is_explained false: it came or went in a way that the trail does not tell, such as by SQL or before older events were removed.',
    columns: [
      'user_id',
      'kind',
      'name',
      'email',
      'role',
      'is_held',
      'granted_at',
      'granted_through',
      'granted_by',
      'granted_by_email',
      'grant_reason',
      'ends_at',
      'ended_at',
      'ended_through',
      'ended_by',
      'ended_by_email',
      'end_reason',
      'is_explained',
      'granted_event_id',
      'ended_event_id',
    ],
  },
  {
    name: 'changes',
    title: 'Changes to access rights',
    about:
      'Each role that was given or taken in the period, with the event of the trail. end_changed: somebody said until when access counts; ends says it.',
    columns: [
      'occurred_at',
      'change',
      'user_id',
      'email',
      'role',
      'through',
      'actor_kind',
      'actor_id',
      'actor_email',
      'reason',
      'ends',
      'event_id',
    ],
  },
  {
    name: 'roles',
    title: 'Roles',
    about: 'What each role permits, and how many active members hold it now.',
    columns: [
      'name',
      'description',
      'is_built_in',
      'permissions',
      'inherits',
      'holders',
      'created_at',
    ],
  },
  {
    name: 'invites',
    title: 'Invitations',
    about:
      'Invitations that were open at some time in the period, what became of them, and of the newest mail of each.',
    columns: [
      'id',
      'kind',
      'invitee',
      'roles',
      'status',
      'created_at',
      'invited_by',
      'invited_by_email',
      'message',
      'expires_at',
      'resend_count',
      'accepted_at',
      'accepted_by',
      'declined_at',
      'declined_reason',
      'revoked_at',
      'revoked_by',
      'revoked_reason',
      'mail',
    ],
  },
  {
    name: 'reviews',
    title: 'Access reviews',
    about: 'Reviews that were open at some time in the period, with how many rights were answered.',
    columns: [
      'id',
      'title',
      'status',
      'started_at',
      'started_by',
      'started_by_email',
      'due_at',
      'ended_at',
      'closed_by',
      'closed_by_email',
      'closed_reason',
      'confirmed',
      'withdrawn',
      'lapsed',
      'open',
    ],
  },
  {
    name: 'review_items',
    title: 'Answers of access reviews',
    about:
      'Each right that a review asked about, and the answer: confirmed, withdrawn, or lapsed, because it went before anybody answered. Without a decision: open.',
    columns: [
      'review_id',
      'id',
      'user_id',
      'email',
      'role',
      'granted_at',
      'granted_by',
      'decision',
      'reason',
      'decided_at',
      'decided_by',
      'decided_by_email',
    ],
  },
  {
    name: 'exclusions',
    title: 'Separation of duties',
    about:
      'Roles of which nobody may hold cardinality or more, and how many active members do now.',
    columns: ['name', 'roles', 'cardinality', 'violations'],
  },
  {
    name: 'duty_findings',
    title: 'Findings on the separation of duties',
    about:
      'excluded_roles_held: somebody holds what may not be held together. granted_to_oneself: somebody gave themselves a role. reviewed_by_oneself: somebody answered for their own right, as the only reviewer.',
    columns: ['finding', 'exclusion', 'user_id', 'email', 'roles', 'at'],
  },
  {
    name: 'signing_keys',
    title: 'Signing keys',
    about: 'The keys that sign the links of invitations, by number, and when each was replaced.',
    columns: ['id', 'state', 'kept_in', 'created_at', 'retired_at', 'verifies_until', 'is_due'],
  },
  {
    name: 'deliveries',
    title: 'Mails',
    about: 'The mails of the period and what became of each, as mail servers and providers said.',
    columns: [
      'id',
      'kind',
      'status',
      'recipient',
      'invite_id',
      'attempts',
      'created_at',
      'sent_at',
      'delivered_at',
      'opened_at',
      'bounced_at',
      'complained_at',
      'last_status_code',
      'last_response',
      'provider_message_id',
    ],
  },
  {
    name: 'delivery_counts',
    title: 'Mails, counted',
    about: 'How many mails of each kind came to which state.',
    columns: ['kind', 'status', 'mails'],
  },
  {
    name: 'people',
    title: 'People',
    about: 'Whom the ids stand for, as they are called today. The trail itself names nobody.',
    columns: ['user_id', 'kind', 'name', 'email'],
  },
]
