/**
 * The audit trail: filtered, read, exported, verified.
 *
 * @module
 */
import { Button, Group, Text } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AuditEvent, AuditFilter } from '../../../index.ts'
import { useUsher, useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useMemberNames } from '../../app/member-names.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { EventDetails } from './event-details.tsx'
import { EvidenceButton } from './evidence.tsx'
import { exportTrail } from './export-trail.ts'
import { TrailFilter } from './trail-filter.tsx'
import { Verification } from './verification.tsx'

export function TrailPage() {
  return (
    <Needs permission="audit.read">
      <Trail />
    </Needs>
  )
}

function Trail() {
  const { trail, events: eventTexts, actorKinds } = useTexts()
  const format = useFormat()
  const { id } = useOrganisation()
  const usher = useUsher()
  const say = useSay()
  const named = useMemberNames()
  const [filter, setFilter] = useState<AuditFilter>({})
  const [exporting, setExporting] = useState<'csv' | 'json' | null>(null)
  const list = useInfiniteQuery(useUsherQueries().audit.list(id, filter))
  const titles: Record<string, string> = eventTexts

  async function exportAs(kind: 'csv' | 'json') {
    setExporting(kind)
    await exportTrail(usher, id, filter, kind).catch((error) => say.refused(error))
    setExporting(null)
  }

  const columns: Column<AuditEvent>[] = [
    {
      id: 'when',
      header: trail.when,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" style={{ whiteSpace: 'nowrap' }}>
          <time dateTime={original.occurredAt}>{format.dateTime(original.occurredAt)}</time>
        </Text>
      ),
    },
    {
      id: 'event',
      header: trail.event,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <div>
          <Text size="sm" fw={500}>
            {titles[original.event] ?? original.event}
          </Text>
          <Text size="xs" c="dimmed">
            {original.event}
          </Text>
        </div>
      ),
    },
    {
      id: 'who',
      header: trail.who,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <Text span size="sm" className="usher-words">
          {named(original.actorId) ?? actorKinds[original.actorKind]}
        </Text>
      ),
    },
    {
      id: 'details',
      header: trail.details,
      enableSorting: false,
      cell: ({ row: { original } }) => <EventDetails event={original} named={named} />,
    },
  ]

  return (
    <>
      <PageHead title={trail.title}>
        <EvidenceButton />
        <Button variant="default" loading={exporting === 'csv'} onClick={() => exportAs('csv')}>
          {trail.exportCsv}
        </Button>
        <Button variant="default" loading={exporting === 'json'} onClick={() => exportAs('json')}>
          {trail.exportJson}
        </Button>
      </PageHead>
      <Verification />
      <Group mb="md">
        <TrailFilter filter={filter} onChange={setFilter} />
      </Group>
      {list.error ? (
        <ProblemAlert error={list.error} onRetry={() => list.refetch()} />
      ) : (
        <DataTable
          label={trail.title}
          columns={columns}
          rows={list.data}
          rowId={(event) => event.id}
          empty={
            <Empty
              title={trail.empty}
              text={trail.emptyText}
              icon={<IconHistory size={28} aria-hidden />}
            />
          }
        />
      )}
      <LoadMore query={list} />
    </>
  )
}
