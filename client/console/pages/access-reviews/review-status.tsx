/**
 * How a review stands, as a word.
 *
 * @module
 */
import type { AccessReview } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { Status } from '../../parts/status.tsx'

const MOODS = { open: 'waiting', completed: 'good', closed: 'quiet' } as const

export function ReviewStatus({ review: { status, dueAt } }: { review: AccessReview }) {
  const { accessReviews: words } = useTexts()
  if (status === 'open' && Date.parse(dueAt) < Date.now()) {
    return <Status mood="bad">{words.overdue}</Status>
  }
  return <Status mood={MOODS[status]}>{words.statuses[status]}</Status>
}
