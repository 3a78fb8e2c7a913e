/**
 * The columns of the rows: each can be mended where it stands.
 *
 * @module
 */
import { ActionIcon, Text, TextInput } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useTexts } from '../../app/language.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { RolesInPlace } from '../../parts/role-choice.tsx'
import { Status } from '../../parts/status.tsx'
import { sayDetail } from './report.ts'
import { mended, type Row, type RowProblem } from './rows.ts'

/** Problems that another address mends. */
const OF_ADDRESS = new Set(['invalid_email', 'duplicate', 'unseen', 'no_address', 'unknown_names'])

interface RowColumnsOptions {
  rows: Row[]
  problems: Map<number, RowProblem>
  onChange: (rows: Row[]) => void
  /** Whether nothing may be changed now. */
  isLocked: boolean
}

export function useRowColumns(options: RowColumnsOptions): Column<Row>[] {
  const { rows, problems, onChange, isLocked } = options
  const { compose, errors } = useTexts()

  const mend = (id: number, change: Partial<Row>) =>
    onChange(rows.map((row) => (row.id === id ? mended(row, change) : row)))

  return [
    {
      id: 'number',
      accessorKey: 'number',
      header: compose.row,
      cell: ({ row: { original } }) => (
        <Text span size="sm" c="dimmed">
          {original.number}
        </Text>
      ),
    },
    {
      id: 'email',
      accessorKey: 'email',
      header: compose.columnEmail,
      cell: ({ row: { original } }) => (
        <TextInput
          aria-label={compose.editEmail(original.number)}
          size="xs"
          // On a page that runs to the left, a long one would show its end.
          dir="auto"
          miw={{ base: 0, sm: 180 }}
          disabled={isLocked || original.outcome?.status === 'created'}
          error={OF_ADDRESS.has(problems.get(original.id)?.code ?? '')}
          value={original.email}
          onChange={(event) => mend(original.id, { email: event.currentTarget.value })}
        />
      ),
    },
    {
      id: 'roles',
      header: compose.columnRoles,
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <RolesInPlace
          label={compose.editRoles(original.number)}
          roles={original.roles}
          onSave={(roles) => mend(original.id, { roles })}
        />
      ),
    },
    {
      id: 'problem',
      header: compose.status,
      enableSorting: false,
      cell: ({ row: { original } }) => {
        const problem = problems.get(original.id)
        if (problem) {
          const detail = sayDetail(problem, compose)
          return (
            <div style={{ maxWidth: 300 }}>
              <Status mood="bad" wraps>
                {compose.problems[problem.code]}
              </Status>
              {detail && (
                <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                  {problem.unseen ? detail : <bdi>{detail}</bdi>}
                </Text>
              )}
            </div>
          )
        }
        const { outcome } = original
        if (outcome?.status === 'created') {
          return <Status mood="good">{compose.statusCreated}</Status>
        }
        if (outcome?.status === 'unknown') {
          return (
            <span title={outcome.errorCode}>
              <Status mood="bad">{compose.statusUnknown}</Status>
            </span>
          )
        }
        if (outcome?.status === 'failed') {
          const known: Record<string, string> = errors
          return (
            <span title={outcome.errorCode}>
              <Text span size="sm" c="var(--mantine-color-error)">
                {known[outcome.errorCode] ?? outcome.errorCode}
              </Text>
            </span>
          )
        }
        return (
          <Text span size="sm" c="dimmed">
            –
          </Text>
        )
      },
    },
    {
      id: 'remove',
      header: '',
      enableSorting: false,
      cell: ({ row: { original } }) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          disabled={isLocked || original.outcome?.status === 'created'}
          aria-label={compose.removeRow(original.number)}
          onClick={() => onChange(rows.filter(({ id }) => id !== original.id))}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      ),
    },
  ]
}
