/**
 * What a template says: as it is typed, and as it is saved.
 *
 * @module
 */
import type { EmailTemplate } from '../../../index.ts'

export const WORDING_PARTS = ['subject', 'heading', 'body', 'button'] as const
export type WordingPart = (typeof WORDING_PARTS)[number]

/** null: as built in. */
export type Wording = Record<WordingPart, string | null>

/** As it is typed; an empty text stands for what is built in. */
export type TypedWording = Record<WordingPart, string>

export function toTyped(template: EmailTemplate | null): TypedWording {
  return {
    subject: template?.subject ?? '',
    heading: template?.heading ?? '',
    body: template?.body ?? '',
    button: template?.button ?? '',
  }
}

export function toWording({ subject, heading, body, button }: TypedWording): Wording {
  return {
    subject: subject.trim() || null,
    heading: heading.trim() || null,
    body: body.trim() || null,
    button: button.trim() || null,
  }
}
