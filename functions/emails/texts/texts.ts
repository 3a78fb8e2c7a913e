/**
 * What every language has to say. A file that lacks a text does not compile.
 *
 * @module
 */
import type { AuthAction, NoticeDelivery } from '../../_shared/delivery.ts'

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
  /** Until when the membership would count; empty: it has no end. */
  membershipEndsAt: string
}

/** A mail that tells that something has happened. What a kind does not know is empty. */
export interface NoticeWords {
  organisation: string
  /** The invited address. */
  invitee: string
  /** As a list in words; empty when there is none. */
  roles: string
  /** Who did it: a name, or `someone` of the language. */
  actor: string
  /** Who owns the organisation now. */
  owner: string
  /** Who asks to join. */
  requester: string
  /** What people call a device. */
  device: string
  /** What a review of who may do what is called. */
  review: string
  /** By when it should be done, such as "Saturday, 5 December 2026 at 10:00 UTC". By the name of the placeholder. */
  due_at: string
  /** Whether the whole membership ends, or only these roles. */
  isMembership: boolean
  /** When access ends, with day and time. */
  endsAt: string
  /** The host of a webhook. */
  webhook: string
  /** Who lost the right by which something counted: a name, or `someone` of the language. */
  person: string
  /** How many invites hung on it. */
  count: string
  /** Which tokens and domains hung on it, as a list in words. */
  credentials: string
}

export interface Notice {
  subject(words: NoticeWords): string
  heading: string
  body(words: NoticeWords): string
  why(words: NoticeWords): string
}

export type NoticeKind = NoticeDelivery['kind']

export interface AuthWords {
  /** Whose account it is about. */
  email: string
  /** What the project calls itself. */
  project: string
}

export interface AuthText {
  subject: string
  body(words: AuthWords): string
  /** Null where there is nothing to open. */
  button: string | null
}

export interface Texts {
  /** The names of the built-in roles; an organisation's own roles are shown as they are called. */
  roles: { owner: string; admin: string; finance: string; member: string }
  /** Who did it, when nobody is left to name. At the beginning of a sentence. */
  someone: string
  invite: {
    subject(words: InviteWords): string
    /** When it is brought to mind. */
    reminder(words: InviteWords): string
    preview(words: InviteWords): string
    heading(words: InviteWords): string
    intro(words: InviteWords): string
    role(words: InviteWords): string
    expiry(words: InviteWords): string
    /** Only where the membership has an end. */
    membershipEnd(words: InviteWords): string
    button: string
    /** Before the link in full. */
    link: string
    why(words: { organisation: string; email: string }): string
    /** Two links at the end. */
    decline: string
    stop(words: { organisation: string }): string
  }
  notices: Record<NoticeKind, Notice> & {
    /** Before a reason that was given. */
    reason: string
    /** To what a mail is about. */
    buttons: {
      organisation: string
      members: string
      invitation: string
      invitations: string
      resend: string
      devices: string
      review: string
      webhook: string
      request: string
    }
  }
  auth: Record<AuthAction, AuthText> & {
    /** Before a code to type in. */
    code: string
    /** To somebody who is invited: to what, as what, until when. */
    invited(words: InviteWords): string
    /** Where something was asked for, by the reader or by somebody else. */
    whyAsked(words: AuthWords): string
    /** Where something has happened to the account: never to be ignored. */
    whyTold(words: AuthWords): string
  }
}
