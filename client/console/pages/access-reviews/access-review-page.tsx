/**
 * One review: how far it is, and what it asks about.
 *
 * @module
 */
import { Anchor, Button, Group, Progress, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { useUsher, useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { ReviewItems } from './review-items.tsx'
import { ReviewStatus } from './review-status.tsx'

export function AccessReviewPage() {
  return (
    <Needs permission="access_review.manage">
      <Review />
    </Needs>
  )
}

function Review() {
  const { review: reviewId = '' } = useParams()
  const { accessReviews: words, common } = useTexts()
  const format = useFormat()
  const say = useSay()
  const usher = useUsher()
  const { id, path } = useOrganisation()
  const queries = useUsherQueries()
  const [question, setQuestion] = useState<Question | null>(null)
  const reviews = useInfiniteQuery({
    ...queries.accessReviews.list(id, { pageSize: 500 }),
    ...live,
  })
  const items = useQuery({ ...queries.accessReviews.items(id, reviewId), ...live })

  const error = reviews.error ?? items.error
  if (error) return <ProblemAlert error={error} onRetry={() => items.refetch()} />
  if (!reviews.data || !items.data) return <PageSkeleton lines={8} />
  const review = reviews.data.find((each) => each.id === reviewId)
  if (!review) {
    return (
      <>
        <PageHead title={common.notFoundTitle} />
        <Text>{common.notFound}</Text>
      </>
    )
  }
  const all = items.data.length
  const answered = items.data.filter(({ decision }) => decision !== null).length
  const share = all === 0 ? 100 : (answered / all) * 100

  const askToClose = () =>
    setQuestion({
      title: words.closeTitle(review.title),
      text: words.closeText,
      confirm: words.close,
      takesReason: true,
      async act(reason) {
        const result = await usher.accessReviews.close(review.id, reason ? { reason } : {})
        if (!result.error) say.done(words.closed(review.title))
        await Promise.all([reviews.refetch(), items.refetch()])
        return result
      },
    })

  return (
    <>
      <Anchor component={Link} to={`${path}/access-reviews`} size="sm">
        {words.title}
      </Anchor>
      <PageHead title={review.title}>
        {review.status === 'open' && (
          <Button variant="default" onClick={askToClose}>
            {words.close}
          </Button>
        )}
      </PageHead>
      <Group gap="xl" mb="xs">
        <ReviewStatus review={review} />
        <Text size="sm">
          {words.due}: <time dateTime={review.dueAt}>{format.date(review.dueAt)}</time>
        </Text>
        <Text size="sm">
          {words.progress}: {words.answered(format.number(answered), format.number(all))}
        </Text>
      </Group>
      <Progress value={share} mb="lg" aria-label={words.progress} />
      {review.closedReason && (
        <Text size="sm" mb="md" className="usher-words">
          {words.reason}: {review.closedReason}
        </Text>
      )}
      <ReviewItems review={review} items={items.data} onAsk={setQuestion} />
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </>
  )
}
