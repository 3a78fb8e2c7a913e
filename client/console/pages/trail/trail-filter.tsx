/**
 * Which events of the trail are shown.
 *
 * @module
 */
import { Group, MultiSelect, TextInput } from '@mantine/core'
import type { AuditFilter } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'

interface TrailFilterProps {
  filter: AuditFilter
  onChange: (filter: AuditFilter) => void
}

export function TrailFilter({ filter, onChange }: TrailFilterProps) {
  const { trail, events, common } = useTexts()
  const chosen = [filter.event ?? []].flat()
  return (
    <Group align="flex-end" gap="sm" w="100%">
      <MultiSelect
        flex="2 1 260px"
        label={trail.filterEvent}
        data={Object.entries(events).map(([value, label]) => ({ value, label }))}
        value={chosen}
        onChange={(event) => onChange({ ...filter, event: event.length > 0 ? event : undefined })}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': `${trail.filterEvent}: ${common.all}` }}
      />
      <TextInput
        flex="1 1 140px"
        type="date"
        label={trail.since}
        value={dayOf(filter.since)}
        onChange={(event) => {
          const day = event.currentTarget.value
          onChange({ ...filter, since: day ? `${day}T00:00:00Z` : undefined })
        }}
      />
      <TextInput
        flex="1 1 140px"
        type="date"
        label={trail.until}
        value={dayOf(filter.until)}
        onChange={(event) => {
          const day = event.currentTarget.value
          // The day itself is meant as well.
          onChange({ ...filter, until: day ? `${day}T23:59:59.999Z` : undefined })
        }}
      />
    </Group>
  )
}

function dayOf(time: string | Date | undefined): string {
  return typeof time === 'string' ? time.slice(0, 10) : ''
}
