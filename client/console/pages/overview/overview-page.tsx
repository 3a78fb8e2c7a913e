/**
 * How invitations fare: figures and charts, each chart also as a table.
 *
 * @module
 */
import { NativeSelect, Paper, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core'
import { IconChartBar } from '@tabler/icons-react'
import { useState } from 'react'
import type { InviteMetrics } from '../../../index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { Charts } from './charts.tsx'
import { usePeriodMetrics } from './use-period-metrics.ts'

const PERIODS = [7, 30, 90, 365] as const

export function OverviewPage() {
  return (
    <Needs permission="invite.read">
      <Overview />
    </Needs>
  )
}

function Overview() {
  const { overview } = useTexts()
  const [days, setDays] = useState<number>(30)
  const { total, parts, error, refetch } = usePeriodMetrics(days)

  return (
    <>
      <PageHead title={overview.title}>
        <NativeSelect
          aria-label={overview.period}
          value={days}
          onChange={(event) => setDays(Number(event.currentTarget.value))}
          data={PERIODS.map((value) => ({
            value: String(value),
            label: overview.lastDays(value),
          }))}
        />
      </PageHead>
      {error ? (
        <ProblemAlert error={error} onRetry={refetch} />
      ) : (
        <Stack gap="lg">
          <Figures metrics={total} />
          {total?.created === 0 && total.days.length === 0 ? (
            <Empty
              title={overview.empty}
              text={overview.emptyText}
              icon={<IconChartBar size={28} aria-hidden />}
            />
          ) : (
            <Charts days={days} total={total} parts={parts} />
          )}
        </Stack>
      )}
    </>
  )
}

function Figures({ metrics }: { metrics: InviteMetrics | undefined }) {
  const { overview } = useTexts()
  const format = useFormat()
  const rate = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : format.percent(value)
  const hours = metrics?.medianHoursToAccept
  const figures = [
    { label: overview.created, value: format.number(metrics?.created ?? 0), hint: null },
    {
      label: overview.acceptanceRate,
      value: rate(metrics?.acceptanceRate),
      hint: overview.acceptanceRateHint,
    },
    {
      label: overview.medianHours,
      value: typeof hours === 'number' ? overview.hours(format.number(hours)) : '–',
      hint: overview.medianHint,
    },
    { label: overview.deliveryRate, value: rate(metrics?.deliveryRate), hint: null },
    { label: overview.bounceRate, value: rate(metrics?.bounceRate), hint: null },
  ]
  return (
    <SimpleGrid component="dl" cols={{ base: 2, md: 3, lg: 5 }} spacing="sm" m={0}>
      {figures.map(({ label, value, hint }) => (
        <Paper key={label} withBorder p="md" mih={112}>
          <Text component="dt" size="sm" c="dimmed">
            {label}
          </Text>
          <Text component="dd" m={0} fz={26} fw={600}>
            {metrics ? value : <Skeleton height={26} width={70} mt={6} component="span" />}
          </Text>
          {hint && (
            <Text component="dd" m={0} size="xs" c="dimmed">
              {hint}
            </Text>
          )}
        </Paper>
      ))}
    </SimpleGrid>
  )
}
