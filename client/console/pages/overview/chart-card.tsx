/**
 * A chart, or the same figures as a table.
 *
 * @module
 */
import { Group, Paper, ScrollArea, SegmentedControl, Skeleton, Table, Title } from '@mantine/core'
import { type ReactNode, useId, useState } from 'react'
import { useTexts } from '../../app/language.tsx'

interface ChartCardProps {
  title: string
  isReady: boolean
  /** Of the chart, in pixels; the table gets no more, so that nothing moves. */
  height: number
  chart: ReactNode
  head: string[]
  rows: string[][]
}

export function ChartCard({ title, isReady, height, chart, head, rows }: ChartCardProps) {
  const { overview } = useTexts()
  const [view, setView] = useState('chart')
  const id = useId()
  return (
    <Paper component="section" withBorder p="md" aria-labelledby={id} miw={0}>
      <Group justify="space-between" mb="md" gap="xs">
        <Title order={2} size="h5" id={id}>
          {title}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label={overview.viewAs(title)}
          value={view}
          onChange={setView}
          data={[
            { value: 'chart', label: overview.chart },
            { value: 'table', label: overview.table },
          ]}
        />
      </Group>
      {!isReady && <Skeleton height={height} />}
      {isReady && view === 'chart' && (
        // What a chart shows, the table says.
        <div aria-hidden>{chart}</div>
      )}
      {isReady && view === 'table' && (
        <ScrollArea h={height} viewportProps={{ tabIndex: 0, role: 'group', 'aria-label': title }}>
          <Table aria-label={title} stickyHeader>
            <Table.Thead>
              <Table.Tr>
                {head.map((label) => (
                  <Table.Th key={label} scope="col">
                    {label}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={row[0]}>
                  {row.map((cell, at) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
                    <Table.Td key={at}>{cell}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea>
      )}
    </Paper>
  )
}
