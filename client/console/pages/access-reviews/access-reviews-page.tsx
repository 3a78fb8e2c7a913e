/**
 * The reviews of who may do what: those that are open, and those that were.
 *
 * @module
 */
import { Anchor, Button, Text } from '@mantine/core'
import { IconClipboardCheck, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import type { AccessReview } from '../../../index.ts'
import { useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useMemberNames } from '../../app/member-names.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { ReviewStatus } from './review-status.tsx'
import { StartReview } from './start-review.tsx'

export function AccessReviewsPage() {
  return (
    <Needs permission="access_review.manage">
      <AccessReviews />
    </Needs>
  )
}

function AccessReviews() {
  const { accessReviews: words } = useTexts()
  const format = useFormat()
  const named = useMemberNames()
  const { id, path } = useOrganisation()
  const [isStarting, setIsStarting] = useState(false)
  const list = useInfiniteQuery({ ...useUsherQueries().accessReviews.list(id), ...live })

  const columns: Column<AccessReview>[] = [
    {
      id: 'title',
      header: words.name,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Anchor component={Link} to={`${path}/access-reviews/${original.id}`} size="sm" fw={500}>
          {original.title}
        </Anchor>
      ),
    },
    {
      id: 'status',
      header: words.status,
      enableSorting: false,
      cell: ({ row: { original } }) => <ReviewStatus review={original} />,
    },
    {
      id: 'due',
      header: words.due,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm">
          <time dateTime={original.dueAt}>{format.date(original.dueAt)}</time>
        </Text>
      ),
    },
    {
      id: 'by',
      header: words.startedBy,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" className="usher-words">
          {named(original.startedBy) ?? '–'}
        </Text>
      ),
    },
    {
      id: 'ended',
      header: words.ended,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm">
          {original.endedAt ? format.date(original.endedAt) : '–'}
        </Text>
      ),
    },
  ]

  return (
    <>
      <PageHead title={words.title}>
        <Button
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => setIsStarting(true)}
        >
          {words.start}
        </Button>
      </PageHead>
      <Text size="sm" c="dimmed" mb="md">
        {words.text}
      </Text>
      {list.error ? (
        <ProblemAlert error={list.error} onRetry={() => list.refetch()} />
      ) : (
        <DataTable
          label={words.title}
          columns={columns}
          rows={list.data}
          rowId={(review) => review.id}
          empty={
            <Empty
              title={words.empty}
              text={words.emptyText}
              icon={<IconClipboardCheck size={28} aria-hidden />}
            />
          }
        />
      )}
      <LoadMore query={list} />
      {isStarting && <StartReview onClose={() => setIsStarting(false)} />}
    </>
  )
}
