/**
 * What every language has to say. A file that lacks a text does not compile.
 *
 * @module
 */
import type { PreparedDelivery } from '../../_shared/database.ts'

export interface InviteWords {
  organisation: string
  /** How the inviter is named, or null when nobody is left to name. */
  inviter: string | null
  /** As a list in words, such as "Finance and Member". */
  roles: string
  roleCount: number
  /** Such as "in 7 days". */
  expiresIn: string
  /** Such as "Saturday, 28 November 2026 at 10:00 UTC". */
  expiresAt: string
}

/** A mail that tells that something has happened. */
export interface NoticeWords {
  organisation: string
  /** The invited address; empty in mails about a membership. */
  invitee: string
  /** As a list in words; empty when there is none. */
  roles: string
  /** Who did it, or null when nobody is left to name. */
  actor: string | null
  /** Who owns the organisation now. */
  owner: string
}

export interface Notice {
  subject(words: NoticeWords): string
  heading: string
  body(words: NoticeWords): string
  why(words: NoticeWords): string
}

export type NoticeKind = Exclude<PreparedDelivery['kind'], 'invite' | 'invite_reminder'>

export interface Texts {
  /** The names of the built-in roles; an organisation's own roles are shown as they are called. */
  roles: { owner: string; admin: string; finance: string; member: string }
  invite: {
    subject(words: InviteWords): string
    /** When it is brought to mind. */
    reminder(words: InviteWords): string
    preview(words: InviteWords): string
    heading(words: InviteWords): string
    intro(words: InviteWords): string
    role(words: InviteWords): string
    expiry(words: InviteWords): string
    button: string
    /** Before the link in full. */
    link: string
    why(words: { organisation: string; email: string }): string
  }
  notices: Record<NoticeKind, Notice> & {
    /** Before a reason that was given. */
    reason: string
    button: string
  }
}
