/**
 * The charts of the overview.
 *
 * @module
 */
import { BarChart, LineChart } from '@mantine/charts'
import '@mantine/charts/styles.css'
import { SimpleGrid } from '@mantine/core'
import { useReducedMotion } from '@mantine/hooks'
import type { InviteMetrics } from '../../../index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { ChartCard } from './chart-card.tsx'
import { everyDay } from './every-day.ts'
import type { Part } from './use-period-metrics.ts'

interface ChartsProps {
  days: number
  total: InviteMetrics | undefined
  parts: Part[] | undefined
}

const HEIGHT = 240
/** Who cannot see a chart reads its table. */
const UNFOCUSABLE = { accessibilityLayer: false } as const
const SHARE = { domain: [0, 1] as [number, number] }
/** Told apart also by who does not see colours: they differ in lightness, and each line is named. */
const COLOURS = {
  created: 'light-dark(#3b4cca, #9aa5ff)',
  accepted: 'light-dark(#12805c, #3ecf9b)',
  declined: 'light-dark(#c4320a, #ff8f6b)',
  expired: 'light-dark(#667085, #98a1b3)',
  revoked: 'light-dark(#7a5af8, #bdb4fe)',
  pending: 'light-dark(#b54708, #f5b83d)',
} as const

export function Charts({ days, total, parts }: ChartsProps) {
  const { overview } = useTexts()
  const format = useFormat()
  const isStill = useReducedMotion()
  const motion = isStill ? { isAnimationActive: false } : {}
  const flows = ['created', 'accepted', 'declined', 'expired'] as const
  const states = ['pending', 'accepted', 'declined', 'expired', 'revoked'] as const
  const byDay = total && everyDay(total.days, days)

  const rateOf = (value: number | null | undefined) => (value === null ? undefined : value)
  const trends = [
    {
      title: overview.rateOverTime,
      name: overview.acceptanceRate,
      read: ({ metrics }: Part) => rateOf(metrics.acceptanceRate),
      say: format.percent,
      axis: SHARE,
      colour: COLOURS.accepted,
    },
    {
      title: overview.hoursOverTime,
      name: overview.medianHours,
      read: ({ metrics }: Part) => rateOf(metrics.medianHoursToAccept),
      say: (value: number) => overview.hours(format.number(value)),
      axis: {},
      colour: COLOURS.created,
    },
    {
      title: overview.bouncesOverTime,
      name: overview.bounceRate,
      read: ({ metrics }: Part) => rateOf(metrics.bounceRate),
      say: format.percent,
      axis: SHARE,
      colour: COLOURS.declined,
    },
  ]

  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
      <ChartCard
        title={overview.overTime}
        isReady={byDay !== undefined}
        height={HEIGHT}
        head={[overview.day, ...flows.map((flow) => overview[flow])]}
        rows={(byDay ?? []).map((day) => [
          format.shortDay(day.day),
          ...flows.map((flow) => format.number(day[flow])),
        ])}
        chart={
          <LineChart
            h={HEIGHT}
            data={(byDay ?? []).map((day) => ({ ...day, day: format.shortDay(day.day) }))}
            dataKey="day"
            series={flows.map((name) => ({ name, label: overview[name], color: COLOURS[name] }))}
            curveType="monotone"
            withDots={false}
            withLegend
            lineProps={motion}
            lineChartProps={UNFOCUSABLE}
            yAxisProps={{ allowDecimals: false, width: 36 }}
          />
        }
      />
      <ChartCard
        title={overview.outcomes}
        isReady={total !== undefined}
        height={HEIGHT}
        head={[overview.outcomes, '']}
        rows={states.map((state) => [overview[state], format.number(total?.[state] ?? 0)])}
        chart={
          <BarChart
            h={HEIGHT}
            data={states.map((state) => ({
              state: overview[state],
              count: total?.[state] ?? 0,
              color: COLOURS[state],
            }))}
            dataKey="state"
            series={[{ name: 'count', label: overview.outcomes, color: COLOURS.created }]}
            barProps={motion}
            barChartProps={UNFOCUSABLE}
            yAxisProps={{ allowDecimals: false, width: 36 }}
          />
        }
      />
      {trends.map(({ title, name, read, say, colour, axis }) => (
        <ChartCard
          key={title}
          title={title}
          isReady={parts !== undefined}
          height={HEIGHT}
          head={[overview.from, name]}
          rows={(parts ?? []).map((part) => {
            const value = read(part)
            return [format.shortDay(part.from), value === undefined ? '–' : say(Number(value))]
          })}
          chart={
            <LineChart
              h={HEIGHT}
              data={(parts ?? []).map((part) => ({
                from: format.shortDay(part.from),
                value: read(part),
              }))}
              dataKey="from"
              series={[{ name: 'value', label: name, color: colour }]}
              valueFormatter={say}
              curveType="linear"
              connectNulls
              lineProps={motion}
              lineChartProps={UNFOCUSABLE}
              yAxisProps={{ width: 56, ...axis }}
            />
          }
        />
      ))}
    </SimpleGrid>
  )
}
