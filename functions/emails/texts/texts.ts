/**
 * What every language has to say. A file that lacks a text does not compile.
 *
 * @module
 */

export interface InviteWords {
  organisation: string
  /** How the inviter is named, or null when nobody is left to name. */
  inviter: string | null
  /** As a list in words, such as "Finance and Member". */
  roles: string
  /** Such as "in 7 days". */
  expiresIn: string
  /** Such as "Saturday, 28 November 2026 at 10:00 UTC". */
  expiresAt: string
}

export interface AnswerWords {
  organisation: string
  invitee: string
  roles: string
}

export interface Texts {
  /** The names of the built-in roles; an organisation's own roles are shown as they are called. */
  roles: { owner: string; admin: string; finance: string; member: string }
  invite: {
    subject(words: InviteWords): string
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
  accepted: {
    subject(words: AnswerWords): string
    heading(words: AnswerWords): string
    body(words: AnswerWords): string
    button: string
    why(words: { organisation: string }): string
  }
  declined: {
    subject(words: AnswerWords): string
    heading(words: AnswerWords): string
    body(words: AnswerWords): string
    /** Before the reason that was given. */
    reason: string
    button: string
    why(words: { organisation: string }): string
  }
}
