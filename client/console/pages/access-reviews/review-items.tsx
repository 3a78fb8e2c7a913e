/**
 * The rights that a review asks about, each to be confirmed or withdrawn.
 *
 * @module
 */
import { Button, Checkbox, Group, Text } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { AccessReview, AccessReviewItem } from '../../../index.ts'
import {
  useAnswerAccessReview,
  useUsher,
  useUsherQueries,
  usherKeys,
} from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useMemberNames } from '../../app/member-names.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { useSession } from '../../app/session.tsx'
import type { Question } from '../../parts/confirm.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Person } from '../../parts/person.tsx'
import { Status } from '../../parts/status.tsx'

const MOODS = { confirmed: 'good', withdrawn: 'bad', lapsed: 'quiet' } as const

interface ReviewItemsProps {
  review: AccessReview
  items: AccessReviewItem[]
  onAsk: (question: Question) => void
}

export function ReviewItems({ review, items, onAsk }: ReviewItemsProps) {
  const { accessReviews: words, members: memberWords } = useTexts()
  const format = useFormat()
  const say = useSay()
  const named = useMemberNames()
  const usher = useUsher()
  const client = useQueryClient()
  const { person } = useSession()
  const { id } = useOrganisation()
  const members = useInfiniteQuery(useUsherQueries().members.list(id, { pageSize: 500 }))
  const answer = useAnswerAccessReview(id)
  const [chosen, setChosen] = useState<string[]>([])
  const isOpen = ({ decision }: AccessReviewItem) => review.status === 'open' && decision === null
  const picked = items.filter((item) => isOpen(item) && chosen.includes(item.id))
  const nameOf = (userId: string) => named(userId) ?? userId

  function confirm(some: AccessReviewItem[]) {
    const answers = some.map((item) => ({ itemId: item.id, decision: 'confirm' as const }))
    answer.mutate(
      { reviewId: review.id, answers },
      {
        onSuccess: () => {
          say.done(words.confirmed(some.length))
          setChosen([])
        },
        onError: (error) => {
          const isOwn = some.some((item) => item.id === error.details && item.userId === person?.id)
          say.refused(error, isOwn ? words.own : undefined)
        },
      },
    )
  }

  const askToWithdraw = (item: AccessReviewItem) => {
    const role = format.role(item.role)
    const name = nameOf(item.userId)
    onAsk({
      title: words.withdrawTitle(role, name),
      text: words.withdrawText,
      confirm: words.withdraw,
      needsReason: words.reason,
      async act(reason) {
        const result = await usher.accessReviews.answer(review.id, [
          { itemId: item.id, decision: 'withdraw', reason },
        ])
        if (!result.error) say.done(words.withdrawn(role, name))
        await client.invalidateQueries({ queryKey: usherKeys.organisation(id) })
        return result
      },
    })
  }

  const columns: Column<AccessReviewItem>[] = [
    {
      id: 'person',
      header: words.person,
      accessorFn: ({ userId }) => nameOf(userId),
      cell: ({ row: { original } }) => {
        const member = members.data?.find(({ userId }) => userId === original.userId)
        return (
          <Group gap="sm" wrap="nowrap">
            {review.status === 'open' && (
              <Checkbox
                aria-label={words.choose(format.role(original.role), nameOf(original.userId))}
                disabled={!isOpen(original)}
                checked={chosen.includes(original.id) && isOpen(original)}
                onChange={({ currentTarget: { checked } }) =>
                  setChosen((before) =>
                    checked
                      ? [...before, original.id]
                      : before.filter((each) => each !== original.id),
                  )
                }
              />
            )}
            <Person
              name={member?.displayName ?? null}
              email={member?.email ?? (member ? null : original.userId)}
              mark={original.userId === person?.id ? memberWords.you : undefined}
            />
          </Group>
        )
      },
    },
    {
      id: 'role',
      header: words.role,
      accessorFn: ({ role }) => format.role(role),
      cell: ({ row: { original } }) => <Text size="sm">{format.role(original.role)}</Text>,
    },
    {
      id: 'since',
      header: words.since,
      accessorFn: ({ grantedAt }) => grantedAt,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed">
          <time dateTime={original.grantedAt}>{format.date(original.grantedAt)}</time>
        </Text>
      ),
    },
    {
      id: 'by',
      header: words.givenBy,
      accessorFn: ({ grantedBy }) => named(grantedBy) ?? '',
      cell: ({ row: { original } }) => (
        <Text span size="sm" className="usher-words">
          {named(original.grantedBy) ?? '–'}
        </Text>
      ),
    },
    {
      id: 'answer',
      header: words.answer,
      enableSorting: false,
      cell: ({ row: { original } }) => {
        const role = format.role(original.role)
        const name = nameOf(original.userId)
        if (!isOpen(original)) return <Answer item={original} named={named} />
        return (
          <Group gap="xs">
            <Button
              size="compact-sm"
              variant="default"
              aria-label={words.confirmOne(role, name)}
              disabled={answer.isPending}
              onClick={() => confirm([original])}
            >
              {words.confirm}
            </Button>
            {original.role !== 'owner' && (
              <Button
                size="compact-sm"
                variant="default"
                aria-label={words.withdrawOne(role, name)}
                onClick={() => askToWithdraw(original)}
              >
                {words.withdraw}
              </Button>
            )}
          </Group>
        )
      },
    },
  ]

  return (
    <>
      {picked.length > 0 && (
        <Button mb="md" loading={answer.isPending} onClick={() => confirm(picked)}>
          {words.confirmChosen(picked.length)}
        </Button>
      )}
      <DataTable
        label={review.title}
        columns={columns}
        rows={items}
        rowId={(item) => item.id}
        pageSize={100}
        empty={<Text size="sm">{words.notAnswered}</Text>}
      />
    </>
  )
}

function Answer({
  item,
  named,
}: {
  item: AccessReviewItem
  named: (userId: string | null) => string | null
}) {
  const { accessReviews: words } = useTexts()
  if (item.decision === null) return <Status mood="waiting">{words.notAnswered}</Status>
  const by = named(item.decidedBy)
  return (
    <div className="usher-words">
      <Status mood={MOODS[item.decision]}>{words.decisions[item.decision]}</Status>
      {(by || item.reason) && (
        <Text size="xs" c="dimmed">
          {[by, item.reason].filter(Boolean).join(': ')}
        </Text>
      )}
    </div>
  )
}
