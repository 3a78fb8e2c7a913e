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
import type { RoleName } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { RoleSelect } from '../../parts/role-choice.tsx'
import type { Field, List } from './read-list.ts'

interface ListColumnsProps {
  list: List
  onChange: (list: List) => void
  defaultRoles: RoleName[]
  onDefaultRoles: (roles: RoleName[]) => void
  onBack: () => void
  onDone: () => void
}

export function ListColumns(props: ListColumnsProps) {
  const { list, onChange, defaultRoles, onDefaultRoles, onBack, onDone } = props
  const { compose, common } = useTexts()
  const { cells, hasHeader, matching } = list
  const width = Math.max(...cells.slice(0, 20).map((row) => row.length))
  const header = Array.from({ length: width }, (_, column) =>
    hasHeader ? cells[0]?.[column] || String(column + 1) : String(column + 1),
  )
  const fields: Record<Field, string> = {
    email: compose.columnEmail,
    roles: compose.columnRoles,
    message: compose.columnMessage,
    locale: compose.columnLocale,
  }
  const total = cells.length - (hasHeader ? 1 : 0)

  return (
    <Stack maw={760}>
      <Title order={2} size="h4">
        {compose.columns} ({compose.rows(total)})
      </Title>
      <Checkbox
        label={compose.headerRow}
        checked={hasHeader}
        onChange={(event) => onChange({ ...list, hasHeader: event.currentTarget.checked })}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {(Object.keys(fields) as Field[]).map((field) => (
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
            {cells.slice(hasHeader ? 1 : 0, hasHeader ? 5 : 4).map((row, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows do not move
              <Table.Tr key={at}>
                {header.map((_, column) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
                  <Table.Td key={column}>{row[column]}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      <Group>
        <Button variant="default" onClick={onBack}>
          {common.back}
        </Button>
        <Button onClick={onDone}>{compose.check}</Button>
      </Group>
    </Stack>
  )
}
