/**
 * The rows: checked, mended in place, sent; afterwards what became of each.
 *
 * @module
 */
import { Alert, Button, Group, Stack, Switch, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { useGivableRoles } from '../../parts/role-choice.tsx'
import { type MailOptions, MailOptionsForm } from './mail-options.tsx'
import { downloadReport } from './report.ts'
import { findProblems, type Row } from './rows.ts'
import { useRowColumns } from './use-row-columns.tsx'
import { useSending } from './use-sending.ts'
import { WorkProgress } from './work-progress.tsx'

const rowId = (row: Row) => String(row.id)

interface ListRowsProps {
  rows: Row[]
  onChange: (rows: Row[]) => void
  options: MailOptions
  onOptions: (options: MailOptions) => void
  onStartOver: () => void
}

export function ListRows(props: ListRowsProps) {
  const { rows, onChange, options, onOptions, onStartOver } = props
  const { compose, errors } = useTexts()
  const { path } = useOrganisation()
  const givable = useGivableRoles()
  const known = givable.map(({ value }) => value).join(' ')
  const open = useMemo(() => rows.filter(({ outcome }) => outcome?.status !== 'created'), [rows])
  const problems = useMemo(() => findProblems(open, new Set(known.split(' '))), [open, known])
  /** The rows that needed mending when only those were asked for; a mended one stays in sight. */
  const [onlyBad, setOnlyBad] = useState<Set<number> | null>(
    problems.size > 0 ? new Set(problems.keys()) : null,
  )
  const sending = useSending(options, rows, onChange)
  const columns = useRowColumns({ rows, problems, onChange, isLocked: sending.progress !== null })

  const shown = useMemo(
    () => (onlyBad ? rows.filter(({ id }) => onlyBad.has(id)) : rows),
    [rows, onlyBad],
  )
  const ready = useMemo(
    () => open.filter(({ id, outcome }) => !problems.has(id) && outcome === null),
    [open, problems],
  )
  const refused = rows.filter(({ outcome }) => outcome?.status === 'failed')
  /** Sending one again does no harm: where it was made before, that is what is said. */
  const unanswered = rows.filter(({ outcome }) => outcome?.status === 'unknown')
  const again = [...refused, ...unanswered]
  const created = rows.length - open.length
  const isDone = created > 0 || again.length > 0

  return (
    <Stack>
      {sending.progress && (
        <WorkProgress {...sending.progress} label={compose.sending} onStop={sending.stop} />
      )}
      {sending.error !== null && <ProblemAlert error={sending.error} />}
      {isDone && !sending.progress && (
        <Alert
          color={again.length > 0 ? 'yellow' : 'teal'}
          variant="outline"
          title={compose.sent(created)}
          role="status"
        >
          <Stack gap="sm">
            {refused.length > 0 && <Text size="sm">{compose.failed(refused.length)}</Text>}
            {unanswered.length > 0 && <Text size="sm">{compose.unknown(unanswered.length)}</Text>}
            {problems.size > 0 && <Text size="sm">{compose.skipBad(problems.size)}</Text>}
            <Group gap="xs">
              <Button size="xs" component={Link} to={`${path}/invitations`}>
                {compose.toList}
              </Button>
              <Button
                size="xs"
                variant="default"
                onClick={() => downloadReport(rows, compose, errors)}
              >
                {compose.report}
              </Button>
              {again.length > 0 && (
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => {
                    setOnlyBad(new Set(again.map(({ id }) => id)))
                    onChange(
                      rows.map((row) =>
                        row.outcome && row.outcome.status !== 'created'
                          ? { ...row, outcome: null }
                          : row,
                      ),
                    )
                  }}
                >
                  {compose.mendFailed}
                </Button>
              )}
              <Button size="xs" variant="default" onClick={onStartOver}>
                {compose.startOver}
              </Button>
            </Group>
          </Stack>
        </Alert>
      )}
      <Group justify="space-between">
        <Text role="status" aria-live="polite" size="sm">
          {compose.rowsGood(ready.length)}
          {problems.size > 0 && ` · ${compose.rowsBad(problems.size)}`}
        </Text>
        <Switch
          label={compose.onlyBad}
          checked={onlyBad !== null}
          onChange={(event) =>
            setOnlyBad(event.currentTarget.checked ? new Set(problems.keys()) : null)
          }
        />
      </Group>
      <DataTable
        label={compose.rows(rows.length)}
        columns={columns}
        rows={shown}
        rowId={rowId}
        pageSize={25}
        empty={<Empty title={compose.rowsBad(0)} text={compose.rowsGood(ready.length)} />}
      />
      {!isDone && <MailOptionsForm value={options} onChange={onOptions} />}
      <Group>
        <Button variant="default" disabled={sending.progress !== null} onClick={onStartOver}>
          {compose.startOver}
        </Button>
        <Button
          disabled={ready.length === 0}
          loading={sending.progress !== null}
          onClick={() => sending.send(ready)}
        >
          {compose.send(ready.length)}
        </Button>
        {problems.size > 0 && (
          <Text size="sm" c="dimmed">
            {compose.skipBad(problems.size)}
          </Text>
        )}
      </Group>
    </Stack>
  )
}
