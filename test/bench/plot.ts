/**
 * The growth as a picture: one line a call, the number of invites to the right, on a logarithmic scale,
 * and how many times the time of the smallest size upwards.
 *
 * Drawn here, because recharts draws in a browser only.
 *
 * @module
 */
import { type Growth, SIZES } from './growth.ts'

const WIDTH = 760
const HEIGHT = 400
const MARGIN = { left: 60, right: 290, top: 24, bottom: 48 }
/** Told apart by those who see no colours, too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000']

export function drawGrowth(growths: Growth[]): string {
  const highest = Math.max(1.5, ...growths.flatMap((growth) => growth.multiples))
  const [first = 1, last = 1] = [SIZES[0], SIZES.at(-1)]
  const x = (size: number) =>
    MARGIN.left +
    (Math.log(size / first) / Math.log(last / first)) * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (multiple: number) =>
    HEIGHT - MARGIN.bottom - (multiple / highest) * (HEIGHT - MARGIN.top - MARGIN.bottom)

  const ticks = Array.from({ length: Math.floor(highest * 2) + 1 }, (_, n) => n / 2)
  const grid = ticks.map(
    (tick) => `<path d="M${MARGIN.left} ${y(tick)}H${x(last)}" stroke="#ddd"/>
<text x="${MARGIN.left - 8}" y="${y(tick) + 4}" text-anchor="end">${tick.toFixed(1)}</text>`,
  )
  const sizes = SIZES.map(
    (size) =>
      `<text x="${x(size)}" y="${HEIGHT - MARGIN.bottom + 20}" text-anchor="middle">${size.toLocaleString('en')}</text>`,
  )
  const lines = growths.map(({ name, multiples }, n) => {
    const colour = COLOURS[n % COLOURS.length]
    const dash = n < COLOURS.length ? '' : ' stroke-dasharray="6 4"'
    const points = multiples.map((multiple, i) => `${x(SIZES[i] ?? 1)},${y(multiple).toFixed(1)}`)
    const legend = MARGIN.top + 8 + n * 22
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>
<path d="M${x(last) + 16} ${legend}h24" stroke="${colour}" stroke-width="2"${dash}/>
<text x="${x(last) + 48}" y="${legend + 4}">${name}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img">
<title>Time of each call by the number of invites, as a multiple of the time at ${first.toLocaleString('en')}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${[...grid, ...sizes, ...lines].join('\n')}
<path d="M${MARGIN.left} ${y(1.2)}H${x(last)}" stroke="#c00" stroke-dasharray="2 3"/>
<text x="${x(first) + 6}" y="${y(1.2) - 6}" fill="#c00">a fifth more: the limit</text>
<text x="${(MARGIN.left + x(last)) / 2}" y="${HEIGHT - 8}" text-anchor="middle">invites</text>
</svg>
`
}
