/**
 * Which column is what, with the first rows to look at.
 *
 * @module
 */
import {
  Button,
  Checkbox,
  Group,
  NativeSelect,
  ScrollArea,
  SimpleGrid,
  Stack,
  Table,
  Title,
} from '@mantine/core'
import { columnName } from '../../../csv/layout.ts'
import type { RoleName } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { RoleSelect } from '../../parts/role-choice.tsx'
import { CHOSEN, type Chosen, countRows, type List } from './list.ts'
import type { WorkProgress as Progress } from './use-list-reader.ts'
import { WorkProgress } from './work-progress.tsx'

interface ListColumnsProps {
  list: List
  onChange: (list: List) => void
  defaultRoles: RoleName[]
  onDefaultRoles: (roles: RoleName[]) => void
  /** While the rows are looked at. */
  progress: Progress | null
  onStop: () => void
  onBack: () => void
  onDone: () => void
}

export function ListColumns(props: ListColumnsProps) {
  const { list, onChange, defaultRoles, onDefaultRoles, progress, onStop, onBack, onDone } = props
  const { compose, common } = useTexts()
  const { records, names, hasHeader, matching, width } = list
  const header = Array.from({ length: width }, (_, column) =>
    hasHeader ? names?.cells[column]?.trim() || columnName(column) : columnName(column),
  )
  const fields: Record<Chosen, string> = {
    email: compose.columnEmail,
    roles: compose.columnRoles,
    message: compose.columnMessage,
    locale: compose.columnLocale,
    expiresIn: compose.expiry,
    membershipEndsAt: compose.columnEnds,
  }
  const total = countRows(list)
  const shown = records.slice(records.length - total).slice(0, 4)

  return (
    <Stack maw={760}>
      <Title order={2} size="h4">
        {compose.columns} ({compose.rows(total)})
      </Title>
      <Checkbox
        label={compose.headerRow(names?.number ?? 1)}
        checked={hasHeader}
        onChange={(event) => onChange({ ...list, hasHeader: event.currentTarget.checked })}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {CHOSEN.map((field) => (
          <NativeSelect
            key={field}
            label={fields[field]}
            value={String(matching[field] ?? '')}
            onChange={(event) => {
              const { value } = event.currentTarget
              const column = value === '' ? null : Number(value)
              onChange({ ...list, matching: { ...matching, [field]: column } })
            }}
            data={[
              ...(field === 'email' ? [] : [{ value: '', label: compose.columnNone }]),
              ...header.map((label, column) => ({ value: String(column), label })),
            ]}
          />
        ))}
      </SimpleGrid>
      <RoleSelect label={compose.defaultRoles} value={defaultRoles} onChange={onDefaultRoles} />
      <ScrollArea viewportProps={{ tabIndex: 0, role: 'group', 'aria-label': compose.columns }}>
        <Table aria-label={compose.columns} fz="sm" style={{ whiteSpace: 'nowrap' }}>
          <Table.Thead>
            <Table.Tr>
              {header.map((label, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
                <Table.Th key={column} scope="col">
                  {label}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map(({ number, cells }) => (
              <Table.Tr key={number}>
                {header.map((_, column) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
                  <Table.Td key={column} dir="auto">
                    {cells[column]?.slice(0, 200)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      {progress && <WorkProgress {...progress} isShare label={compose.checking} onStop={onStop} />}
      <Group>
        <Button variant="default" disabled={progress !== null} onClick={onBack}>
          {common.back}
        </Button>
        <Button loading={progress !== null} onClick={onDone}>
          {compose.check}
        </Button>
      </Group>
    </Stack>
  )
}
