/**
 * Reviews of who may do what, and evidence for auditors, in the console.
 *
 * @module-tag long
 */
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { verifyEvidencePackage } from '../../client/evidence/index.ts'
import { unpack } from '../evidence/tampering.ts'
import { axe, joined, mailTo, test } from '../support/browser.ts'

describe('an access review', () => {
  test('is started, answered right by right, and complete when all are', async ({
    owner,
    organisation,
    open,
  }) => {
    const admin = await joined(owner, organisation.id, ['admin'], 'Ada Admin')
    const member = await joined(owner, organisation.id, ['finance', 'member'], 'Mel Member')
    const page = await open(`/organisations/${organisation.slug}/access-reviews`, { as: owner })
    const dialog = page.getByRole('dialog')

    await page.getByRole('button', { name: 'Start a review' }).first().click()
    await dialog.getByLabel('What it is called').fill('Third quarter')
    await dialog.getByRole('button', { name: 'Start a review' }).click()
    await page.getByRole('heading', { name: 'Third quarter' }).waitFor()
    await page.getByText('Answered: 0 of 4').waitFor()
    expect(await axe(page)).toEqual([])
    await mailTo(admin.email, ({ subject }) => subject.includes('Third quarter'))

    await page.getByRole('button', { name: 'Withdraw Finance of Mel Member' }).click()
    const withdraw = dialog.getByRole('button', { name: 'Withdraw' })
    await dialog.getByLabel('Reason').fill('The books went to Ada')
    await withdraw.click()
    await page.getByRole('row', { name: /Mel Member.*Finance.*Withdrawn.*The books/ }).waitFor()
    expect((await owner.usher.members.listRoles(organisation.id, member.userId)).data).toEqual([
      'member',
    ])

    await page.getByRole('checkbox', { name: 'Choose Admin of Ada Admin' }).check()
    await page.getByRole('checkbox', { name: 'Choose Member of Mel Member' }).check()
    await page.getByRole('button', { name: 'Confirm 2 rights' }).click()
    await page.getByText('Answered: 3 of 4').waitFor()

    await page.getByRole('button', { name: /^Confirm Owner of/ }).click()
    await page.getByText('Your own right: somebody else answers').waitFor()

    const theirs = await open(new URL(page.url()).pathname, { as: admin })
    await theirs.getByRole('button', { name: /^Confirm Owner of/ }).click()
    await theirs.getByText('Completed', { exact: true }).waitFor()
    await page.getByText('Completed', { exact: true }).waitFor({ timeout: 30_000 })
  })

  test('is closed by hand, with what was left open', async ({ owner, organisation, open }) => {
    await joined(owner, organisation.id, ['member'], 'Mel Member')
    const dueAt = new Date(Date.now() + 86_400_000)
    await owner.usher.accessReviews.start(organisation.id, { title: 'By mistake', dueAt })
    const page = await open(`/organisations/${organisation.slug}/access-reviews`, { as: owner })

    await page.getByRole('link', { name: 'By mistake' }).click()
    await page.getByRole('button', { name: 'Close the review' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason (optional)').fill('Too early')
    await dialog.getByRole('button', { name: 'Close the review' }).click()

    await page.getByText('Closed', { exact: true }).waitFor()
    await page.getByText('Reason: Too early').waitFor()
    await page.getByRole('row', { name: /Mel Member.*Not answered/ }).waitFor()
  })

  test('is nothing for members', async ({ owner, organisation, open }) => {
    const member = await joined(owner, organisation.id, ['member'], 'Mel Member')
    const page = await open(`/organisations/${organisation.slug}/access-reviews`, { as: member })

    await page.getByText('You may not see this').waitFor()
  })
})

test('evidence is made by a button, and verified without the server', async ({
  owner,
  organisation,
  open,
}) => {
  await joined(owner, organisation.id, ['member'], 'Mel Member')
  const page = await open(`/organisations/${organisation.slug}/trail`, { as: owner })

  await page.getByRole('button', { name: 'Evidence for auditors' }).click()
  const arrives = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Make the file' }).click()
  const download = await arrives
  await page.getByText('The file is made').waitFor()

  expect(download.suggestedFilename()).toMatch(new RegExp(`^${organisation.slug}-.*\\.zip$`))
  const file = join(tmpdir(), `usher-${randomUUID()}.zip`)
  await download.saveAs(file)
  const found = await verifyEvidencePackage(await readFile(file))
  const html = unpack(await readFile(file))['report.html'] ?? ''
  await rm(file)
  expect(found).toMatchObject({ isWhole: true, problems: [] })
  expect(found.manifest.trail.events).toBeGreaterThan(2)
  await page.getByText(found.manifestSum).waitFor()
  expect(await axe(page)).toEqual([])

  for (const colorScheme of ['light', 'dark'] as const) {
    const report = await open('/config.json', { colorScheme })
    await report.setContent(html)
    await report.getByRole('heading', { name: /^Evidence of access rights/ }).waitFor()
    expect(await axe(report)).toEqual([])
  }
})
