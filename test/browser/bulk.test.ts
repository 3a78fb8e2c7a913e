/**
 * Five thousand invitations out of a file, of which some rows are bad.
 *
 * @module-tag long
 */
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { downloadOf, joined, test } from '../support/browser.ts'

const ROWS = 5_000

/** 37 bad rows: 20 without a proper address, 10 with a role that is not there, 6 twice, 1 a member. */
function makeFile(memberEmail: string) {
  const tag = randomUUID().slice(0, 6)
  const rows = Array.from({ length: ROWS }, (_, at) => {
    if (at % 250 === 7) return `"person ${at}";not-an-address-${at};member`
    if (at % 500 === 8) return `Person ${at};p${at}-${tag}@example.com;astronaut`
    if (at >= 100 && at < 106) return `Again;p9-${tag}@example.com;member`
    if (at === 200) return `Known;${memberEmail};member`
    return `"Person, ${at}";p${at}-${tag}@example.com;${at % 3 ? 'member' : 'member, finance'}`
  })
  return { tag, content: `\uFEFFName;E-Mail;Role\r\n${rows.join('\r\n')}\r\n` }
}

describe('a file of 5,000 rows with 37 bad ones', () => {
  test('is matched, checked, mended in place, sent with progress, and reported', async ({
    owner,
    organisation,
    open,
  }) => {
    const member = await joined(owner, organisation.id, ['member'], 'Known Member')
    const { tag, content } = makeFile(member.email)
    const page = await open(`/organisations/${organisation.slug}/invitations/new`, { as: owner })
    const button = (name: string | RegExp) => page.getByRole('button', { name })

    await page.getByRole('tab', { name: 'From a list or file' }).click()
    await page.locator('input[type=file]').setInputFiles({
      name: 'people.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(content),
    })
    await page.getByText('(5,000 rows)').waitFor()
    const chosen = async (label: string) =>
      page.getByLabel(label, { exact: true }).locator('option:checked').innerText()
    expect(await chosen('Address')).toBe('E-Mail')
    expect(await chosen('Roles')).toBe('Role')
    await button('Check the rows').click()

    // 36 can be seen here; who is a member already, only the server knows.
    await page.getByText('4,964 rows are ready · 36 rows need mending').waitFor()
    await page.getByLabel('Address in row 9', { exact: true }).fill(`mended-${tag}@example.com`)
    await button(/^Roles in row 10:/).click()
    await page.getByRole('checkbox', { name: 'Finance' }).check()
    await button('Save').click()
    await page.getByText('4,966 rows are ready · 34 rows need mending').waitFor()

    await button('Send 4,966 invitations').click()
    await page.getByText(/Sending: [\d,]+ of 4,966/).waitFor()
    await page.getByText('4,965 invitations are on their way.').waitFor({ timeout: 40_000 })
    await page.getByText('1 row was refused.').waitFor()

    const report = (await downloadOf(page, 'Report (CSV)')).trim().split('\n')
    const holding = (text: string) => report.filter((line) => line.includes(text)).length
    expect(report.length).toBe(ROWS + 1)
    expect(holding(',Sent,')).toBe(4_965)
    expect(holding(',Not sent,')).toBe(34)
    expect(report.find((line) => line.includes(member.email))).toContain('already_member')

    await page.getByRole('link', { name: 'See the invitations' }).click()
    await page.getByLabel('Search by address').fill(`mended-${tag}`)
    await page.getByRole('row', { name: new RegExp(`mended-${tag}.*Member.*Pending`) }).waitFor()
  })
})

describe('a list of which a part gets no answer', () => {
  test('is said to be so, and sent again it says what had become of it', async ({
    organisation,
    open,
    owner,
  }) => {
    const tag = randomUUID().slice(0, 6)
    const rows = Array.from({ length: 700 }, (_, at) => `p${at}-${tag}@example.com;member`)
    const page = await open(`/organisations/${organisation.slug}/invitations/new`, {
      as: owner,
      logs: /net::ERR_CONNECTION_RESET/,
    })
    const button = (name: string | RegExp) => page.getByRole('button', { name })
    let calls = 0
    await page.route('**/rpc/create_organisation_invites', async (route) => {
      if (route.request().method() !== 'POST' || ++calls !== 2) return route.continue()
      // It is carried out, and its answer is lost on the way.
      await route.fetch()
      await route.abort('connectionreset')
    })

    await page.getByRole('tab', { name: 'From a list or file' }).click()
    await page.locator('input[type=file]').setInputFiles({
      name: 'people.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(`E-Mail;Role\n${rows.join('\n')}\n`),
    })
    await button('Check the rows').click()
    await button('Send 700 invitations').click()

    await page.getByText(/rows got no answer: look whether they were sent\./).waitFor()
    expect(await page.getByText(/rows? (was|were) refused/).count()).toBe(0)
    const report = await downloadOf(page, 'Report (CSV)')
    const unanswered = report.split('\n').filter((line) => line.includes(',No answer,')).length
    expect(unanswered).toBe(200)
    expect(report.split(',Sent,').length - 1).toBe(700 - unanswered)

    await button('Mend what was refused').click()
    await button(`Send ${unanswered} invitations`).click()
    await page.getByText(`${unanswered} rows were refused.`).waitFor()
    expect(await downloadOf(page, 'Report (CSV)')).toContain('already_invited')
  })
})
