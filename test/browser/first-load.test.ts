/** What the page that the mailed link opens costs: script, and time on a slow phone. */
import { expect } from 'vitest'
import { linkOf, newAddress, stack, test } from '../support/browser.ts'

const MOST_SCRIPT = 200_000
/** As Lighthouse simulates a slow 4G connection: 150 ms of round trip, 1.6 Mbit/s. */
const SLOW_NETWORK = {
  offline: false,
  latency: 150,
  downloadThroughput: (1.6 * 1024 * 1024) / 8,
  uploadThroughput: (750 * 1024) / 8,
}

test('an invitation takes at most 200 kB of script, is there soon on a slow phone, and does not move', async ({
  owner,
  organisation,
  open,
}) => {
  const { data: invite } = await owner.usher.invites.create(organisation.id, {
    email: newAddress('slow'),
    roles: ['member'],
  })
  const link = await linkOf(owner, invite)
  const page = await open('/config.json')
  const protocol = await page.context().newCDPSession(page)
  await protocol.send('Network.enable')
  await protocol.send('Network.emulateNetworkConditions', SLOW_NETWORK)
  await protocol.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  const scripts = new Map<string, number>()
  let transferred = 0
  protocol.on('Network.responseReceived', ({ requestId, type }) => {
    if (type === 'Script') scripts.set(requestId, 0)
  })
  protocol.on('Network.dataReceived', ({ requestId, encodedDataLength }) => {
    transferred += encodedDataLength
    const before = scripts.get(requestId)
    if (before !== undefined) scripts.set(requestId, before + encodedDataLength)
  })
  await page.addInitScript(() => {
    const figures = { shift: 0, largestPaint: 0, blocked: 0 }
    Object.assign(window, { figures })
    const watch = (type: string, note: (entry: PerformanceEntry) => void) =>
      new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({
        type,
        buffered: true,
      })
    watch('layout-shift', (entry) => {
      figures.shift += (entry as PerformanceEntry & { value: number }).value
    })
    watch('largest-contentful-paint', (entry) => {
      figures.largestPaint = entry.startTime
    })
    watch('longtask', (entry) => {
      figures.blocked += Math.max(0, entry.duration - 50)
    })
  })

  await page.goto(link, { timeout: 40_000 })
  await page.getByRole('button', { name: 'Create account' }).waitFor({ timeout: 40_000 })
  await page.waitForLoadState('networkidle')

  const figures = await page.evaluate(
    () =>
      (window as unknown as { figures: { shift: number; largestPaint: number; blocked: number } })
        .figures,
  )
  const script = [...scripts.values()].reduce((sum, size) => sum + size, 0)
  console.log(
    `${Math.round(script / 1000)} kB of script in ${scripts.size} files, ` +
      `${Math.round(transferred / 1000)} kB in all; on slow 4G with a quarter of the CPU: ` +
      `largest paint ${Math.round(figures.largestPaint)} ms, blocked ${Math.round(figures.blocked)} ms, ` +
      `layout shift ${figures.shift.toFixed(3)}`,
  )
  expect(script).toBeGreaterThan(50_000)
  expect(script).toBeLessThanOrEqual(MOST_SCRIPT)
  expect(figures.shift).toBeLessThan(0.1)
  expect(new URL(stack.consoleUrl).origin).toBe(new URL(link).origin)
})
