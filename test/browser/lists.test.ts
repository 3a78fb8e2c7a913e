/** Lists of any kind, as the console reads them: beside the page, with nothing lost on the way. */
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { axe, downloadOf, type Open, test } from '../support/browser.ts'
import { LISTS, windows1252 } from '../support/lists.ts'
import { workbook } from '../support/workbook.ts'

async function compose(open: Open, slug: string, options: Parameters<Open>[1]): Promise<Page> {
  const page = await open(`/organisations/${slug}/invitations/new`, options)
  await page.getByRole('tab').nth(1).click()
  return page
}

const give = (page: Page, content: string | Uint8Array, name = 'people.csv') =>
  page.locator('input[type=file]').setInputFiles({
    name,
    mimeType: 'text/csv',
    buffer: Buffer.from(content),
  })
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

/** All rows: number, address, and what is wrong. */
async function rowsOf(page: Page): Promise<[number, string, string][]> {
  const onlyBad = page.getByLabel('Only rows that need mending')
  await onlyBad.waitFor()
  await onlyBad.uncheck({ force: true })
  await page.locator('.usher-table tbody tr').first().waitFor()
  return page.locator('.usher-table tbody tr').evaluateAll((rows) =>
    rows.map((row) => {
      const [number, , , problem] = [...row.querySelectorAll('td')].map((cell) => cell.innerText)
      return [Number(number), row.querySelector('input')?.value ?? '', problem?.trim() ?? '']
    }),
  )
}

describe('a list', () => {
  test('of each kind has the rows that the client and REST see in it', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await compose(open, organisation.slug, { as: owner })
    const seen: Record<string, unknown> = {}
    const wanted: Record<string, unknown> = {}
    for (const { title, content, rows } of LISTS) {
      await give(page, content)
      await button(page, 'Check the rows').click()
      const good = (email: string, isBad: boolean) => (isBad ? 'bad' : email)
      seen[title] = (await rowsOf(page)).map(([number, email, problem]) => [
        number,
        good(email, problem !== '–'),
      ])
      wanted[title] = rows.map(([number, email, said]) => [
        number,
        good(email, said.startsWith('invalid_')),
      ])
      await button(page, 'Another list').click()
    }

    expect(seen).toEqual(wanted)
  })

  test('whose encoding cannot be told is shown in each that fits, and read in the one that is chosen', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await compose(open, organisation.slug, { as: owner })
    await give(page, windows1252('email,message\nann@example.com,Señor\n'))

    const ways = page.getByRole('alert')
    await ways.getByText('ann@example.com,Señor').waitFor()
    await ways.getByText('ann@example.com,Seńor').waitFor()
    expect(await axe(page)).toEqual([])
    await ways.getByLabel('windows-1252').check()
    await button(page, 'Read it so').click()

    await page.getByRole('cell', { name: 'Señor' }).waitFor()
  })

  test('out of a workbook asks for the sheet where several hold addresses, and keeps an end of membership', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await compose(open, organisation.slug, { as: owner })
    const ends = new Date(Date.now() + 90 * 86_400_000)
    const content = workbook({
      Ours: [['Email'], ['ann@example.com']],
      Theirs: [null, ['Email', 'Role', 'Membership ends at'], ['bob@example.com', 'member', ends]],
    })
    await give(page, content, 'people.xlsx')

    await page.getByRole('alert').getByLabel('Theirs').check()
    await button(page, 'Read it so').click()
    const column = page.getByLabel('Membership ends', { exact: true })
    expect(await column.locator('option:checked').textContent()).toBe('Membership ends at')
    await button(page, 'Check the rows').click()
    await button(page, 'Send 1 invitation').click()
    await page.getByText('1 invitation is on its way.').waitFor()

    const { data } = await owner.usher.invites.list(organisation.id)
    expect(data).toMatchObject([{ email: 'bob@example.com' }])
    expect(String(data[0]?.membershipEndsAt)).toContain(ends.toISOString().slice(0, 10))
  })

  test.for([
    ['an old workbook', Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0), 'people.xls', /old Excel workbook/],
    ['nothing', new Uint8Array(), 'people.csv', /nothing in it/],
    ['UTF-32', Uint8Array.of(0xff, 0xfe, 0, 0, 97, 0, 0, 0), 'people.csv', /UTF-32/],
    ['a PDF', new TextEncoder().encode('%PDF-1.7'), 'people.csv', /not a list/],
  ] as const)(
    'that is %s is refused, with what to do',
    async ([, content, name, says], { owner, organisation, open }) => {
      const page = await compose(open, organisation.slug, { as: owner })
      await give(page, content, name)

      await page.getByRole('alert').filter({ hasText: says }).waitFor()
    },
  )

  test('is shown from its left where the page runs to it, and so is what is said of a character', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await compose(open, organisation.slug, { as: owner, language: 'ar' })
    await give(page, 'email\nann\u200B@example.com\n')
    await page.getByRole('table').waitFor()
    await page.locator('main button').last().click()

    const address = page.locator('.usher-table tbody input').first()
    await address.waitFor()
    const direction = (element: Element) => getComputedStyle(element).direction
    expect(await address.evaluate(direction)).toBe('ltr')
    const said = page.getByText('في الموضع 4')
    expect(await said.evaluate(direction)).toBe('rtl')
  })

  test('says which character nobody sees, on the page and in the report, and is mended there', async ({
    owner,
    organisation,
    open,
  }) => {
    const page = await compose(open, organisation.slug, { as: owner })
    await page
      .getByLabel('Paste a list')
      .fill('email\nann\u200B@example.com\nbob@example.com\n"carl@example.com\n')
    await button(page, 'Read the list').click()
    await button(page, 'Check the rows').click()

    await page.getByText('U+200B (zero-width space) as character 4').waitFor()
    await page.getByText('A quote opens in this row and does not close').waitFor()
    await page.getByLabel('Address in row 2', { exact: true }).fill('ann@example.com')
    await button(page, 'Send 2 invitations').click()
    await page.getByText('2 invitations are on their way.').waitFor()
    const report = await downloadOf(page, 'Report (CSV)')
    expect(report).toContain('4,carl@example.com,member,Not sent,quote_open,')
  })
})

describe('addresses that are pasted into the field', () => {
  test.for([
    ['what Outlook copies', 'Ann Example <ann@example.com>; "Doe, Bob" <bob@example.com>'],
    ['lines', 'ann@example.com\r\nbob@example.com\r\n'],
  ])('%s: become an address each', async ([, text = ''], { owner, organisation, open }) => {
    const page = await open(`/organisations/${organisation.slug}/invitations/new`, { as: owner })
    const field = page.getByRole('combobox', { name: 'Addresses' })
    await field.evaluate((input, pasted) => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', pasted)
      const paste = { clipboardData, bubbles: true, cancelable: true }
      input.dispatchEvent(new ClipboardEvent('paste', paste))
    }, text)

    await button(page, 'Send 2 invitations').click()
    await page.getByRole('link', { name: 'ann@example.com' }).waitFor()
    await page.getByRole('link', { name: 'bob@example.com' }).waitFor()
  })

  test('and a name that is typed waits for its address', async ({ owner, organisation, open }) => {
    const page = await open(`/organisations/${organisation.slug}/invitations/new`, { as: owner })
    await page.getByRole('combobox', { name: 'Addresses' }).click()
    await page.keyboard.type('Doe, Ann <ann@example.com>bob@example.com, carl@example.com')

    await button(page, 'Send 3 invitations').waitFor()
    await page.getByText('bob@example.com', { exact: true }).waitFor()
  })
})

describe('a hundred thousand rows', () => {
  const ROWS = 100_000
  /** Makes the file on the page, because handing over megabytes holds it up by itself. */
  const makeFile = (page: Page) =>
    page.evaluate((count) => {
      const line = (at: number) => `person.${at}@example.com;member;"Hello, number ${at}"\n`
      const lines = ['email;role;message\n', ...Array.from({ length: count }, (_, at) => line(at))]
      Object.assign(window, { people: new File(lines, 'people.csv', { type: 'text/csv' }) })
    }, ROWS)
  const giveFile = (page: Page) =>
    page.locator('input[type=file]').evaluate((input: HTMLInputElement) => {
      const given = new DataTransfer()
      given.items.add((window as unknown as { people: File }).people)
      input.files = given.files
      input.dispatchEvent(new Event('change', { bubbles: true }))
    })

  const sheet = workbook({
    People: [['Email'], ...Array.from({ length: ROWS }, (_, at) => [`p${at}@example.com`])],
  })

  /** Notes the longest time in which the page could do nothing. */
  const watch = (page: Page) =>
    page.evaluate(() => {
      const gaps = { longest: 0 }
      Object.assign(window, { gaps })
      let last = performance.now()
      const tick = () => {
        const now = performance.now()
        gaps.longest = Math.max(gaps.longest, now - last)
        last = now
        setTimeout(tick, 0)
      }
      tick()
    })
  const longest = (page: Page) =>
    page.evaluate(() => {
      const { gaps } = window as unknown as { gaps: { longest: number } }
      const found = gaps.longest
      gaps.longest = 0
      return Math.round(found)
    })

  test('are read and checked without freezing the page', async ({ owner, organisation, open }) => {
    const page = await compose(open, organisation.slug, { as: owner })
    await makeFile(page)
    await watch(page)
    const start = Date.now()
    const took: string[] = []
    const note = async (what: string) =>
      took.push(`${what}: after ${Date.now() - start} ms, longest gap ${await longest(page)} ms`)

    await giveFile(page)
    await page.getByText('(100,000 rows)').waitFor({ timeout: 60_000 })
    await note('read')
    await button(page, 'Check the rows').click()
    await page.getByText('100,000 rows are ready').waitFor({ timeout: 60_000 })
    await note('checked')
    await button(page, 'Page 4000').click()
    await page.getByLabel('Address in row 100001', { exact: true }).fill('changed@example.com')
    await page.getByText('100,000 rows are ready').waitFor()
    await note('one changed')

    console.log(took.join('\n'))
    // Loose, because the machine may be busy: a page that reads by itself stands still for several seconds.
    const gaps = took.map((each) => Number(each.match(/gap (\d+) ms/)?.[1]))
    expect(Math.max(...gaps)).toBeLessThan(2_000)
  })

  test('of a workbook as well', async ({ owner, organisation, open }) => {
    const page = await compose(open, organisation.slug, { as: owner })
    await watch(page)
    await give(page, sheet, 'people.xlsx')
    await page.getByText('(100,000 rows)').waitFor({ timeout: 90_000 })

    const gap = await longest(page)
    console.log(`a workbook: longest gap ${gap} ms`)
    expect(gap).toBeLessThan(2_000)
  })

  test('show how far they are, and can be stopped', async ({ owner, organisation, open }) => {
    const page = await compose(open, organisation.slug, { as: owner })
    await give(page, sheet, 'people.xlsx')

    // At its start it has no width, and is not seen.
    await page.getByRole('progressbar', { name: 'Reading' }).waitFor({ state: 'attached' })
    await button(page, 'Stop').click()

    await page.getByRole('progressbar').waitFor({ state: 'detached' })
    expect(await button(page, 'Check the rows').count()).toBe(0)
    await give(page, 'email\nann@example.com\n')
    await page.getByText('(1 row)').waitFor()
  })
})
