/**
 * Charts as SVG, drawn without a browser. Colours are variables of the page, so that they follow light,
 * dark and print.
 *
 * @module
 */
import { BarChart } from 'echarts/charts'
import { GridComponent, LegendComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Timeline } from './figures.ts'

use([BarChart, GridComponent, LegendComponent, SVGRenderer])

type Options = Parameters<ReturnType<typeof init>['setOption']>[0]

const WIDTH = 720
const ink = { color: 'var(--ink)', fontSize: 12 }
const line = { lineStyle: { color: 'var(--line)' } }

/** One bar a name, the first on top. Numbers stand at their ends. */
export function bars(counts: [string, number][]): string {
  const rows = [...counts].reverse()
  return draw(40 + rows.length * 30, {
    grid: { left: 8, right: 48, top: 8, bottom: 8, outerBoundsMode: 'same' },
    xAxis: { type: 'value', show: false, minInterval: 1 },
    yAxis: {
      type: 'category',
      data: rows.map(([name]) => name),
      axisLabel: { ...ink, width: 210, overflow: 'truncate' },
      axisLine: line,
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        data: rows.map(([, count]) => count),
        barMaxWidth: 18,
        itemStyle: { color: 'var(--series-1)', borderRadius: [0, 3, 3, 0] },
        label: { show: true, position: 'right', ...ink },
      },
    ],
  })
}

/** A column a step of time, with the series on top of each other. */
export function columns({ steps, series }: Timeline): string {
  const names = Object.keys(series).sort()
  return draw(240, {
    legend: names.length > 1 ? { data: names, textStyle: ink, top: 0, left: 0 } : { show: false },
    grid: {
      left: 8,
      right: 16,
      top: names.length > 1 ? 36 : 12,
      bottom: 8,
      outerBoundsMode: 'same',
    },
    xAxis: { type: 'category', data: steps, axisLabel: ink, axisLine: line, axisTick: line },
    yAxis: { type: 'value', minInterval: 1, axisLabel: ink, splitLine: line },
    series: names.map((name, place) => ({
      type: 'bar',
      name,
      stack: 'all',
      barMaxWidth: 28,
      data: series[name] ?? [],
      itemStyle: { color: `var(--series-${(place % 4) + 1})` },
    })),
  })
}

/** For each name a bar of parts, as long as all others. */
export function shares(rows: { name: string; parts: Record<string, number> }[]): string {
  const names = Object.keys(rows[0]?.parts ?? {})
  return draw(64 + rows.length * 32, {
    legend: { data: names, textStyle: ink, top: 0, left: 0 },
    grid: { left: 8, right: 16, top: 36, bottom: 8, outerBoundsMode: 'same' },
    xAxis: { type: 'value', minInterval: 1, axisLabel: ink, splitLine: line },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ name }) => name),
      axisLabel: { ...ink, width: 210, overflow: 'truncate' },
      axisLine: line,
      axisTick: { show: false },
    },
    series: names.map((name, place) => ({
      type: 'bar',
      name,
      stack: 'all',
      barMaxWidth: 18,
      data: rows.map(({ parts }) => parts[name] ?? 0),
      itemStyle: { color: `var(--series-${(place % 4) + 1})` },
    })),
  })
}

function draw(height: number, options: Options): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: 'inherit' }, ...options })
    return chart
      .renderToSVGString()
      .replace(/^<svg width="\d+" height="\d+"/, '<svg aria-hidden="true"')
  } finally {
    // Its timer would keep a program from ending.
    chart.dispose()
  }
}
