/**
 * Which field of a template the server refused, so that the refusal is shown there.
 *
 * @module
 */
import { isUsherError } from '../../../index.ts'

const FIELDS = ['locale', 'name', 'subject', 'heading', 'body', 'button'] as const
export type TemplateField = (typeof FIELDS)[number]

/**
 * @returns the field and what is wrong with it, as the server says it; null for other refusals: its hint
 *   begins with the name of the field
 */
export function refusedField(error: unknown): { field: TemplateField; text: string } | null {
  if (!isUsherError(error) || error.code !== 'invalid_settings' || !error.hint) return null
  const [, first, text] = error.hint.match(/^(\w+):?\s+(.+)$/s) ?? []
  const field = FIELDS.find((each) => each === first)
  return field && text ? { field, text: error.hint } : null
}
