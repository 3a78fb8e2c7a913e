import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'

async function inviteMany(acme: Organisation, count: number) {
  await acme.owner.rpc('create_organisation_invites', {
    organisation_id: acme.id,
    invites: Array.from({ length: count }, (_, i) => ({
      email: `p${i}@example.com`,
      roles: ['member'],
    })),
  })
}

const emails = (rows: { email: string }[]) => rows.map(({ email }) => email)

describe('list_organisation_invites', () => {
  test('pages through all of them, newest first, none twice', async ({ acme }) => {
    await inviteMany(acme, 25)
    const pages: string[][] = []
    let cursor: string | undefined

    for (let page = 0; page < 3; page++) {
      const rows = await acme.admin.rpc('list_organisation_invites', {
        organisation_id: acme.id,
        cursor,
        page_size: 10,
      })
      pages.push(emails(rows))
      cursor = rows.at(-1).id
    }

    expect(pages.map((page) => page.length)).toEqual([10, 10, 5])
    expect(pages.flat()).toEqual(Array.from({ length: 25 }, (_, i) => `p${24 - i}@example.com`))
  })

  test('a page stays where it was when new ones come in between', async ({ acme }) => {
    await inviteMany(acme, 4)
    const first = await acme.admin.rpc('list_organisation_invites', {
      organisation_id: acme.id,
      page_size: 2,
    })
    await acme.invite('later@example.com')

    const second = await acme.admin.rpc('list_organisation_invites', {
      organisation_id: acme.id,
      page_size: 2,
      cursor: first[1].id,
    })

    expect(emails(second)).toEqual(['p1@example.com', 'p0@example.com'])
  })

  test('finds by a part of the address, in any case, and takes no wildcard', async ({ acme }) => {
    await acme.invite('jane.doe@example.com')
    await acme.invite('john@example.org')
    const search = async (text: string) =>
      emails(
        await acme.owner.rpc('list_organisation_invites', {
          organisation_id: acme.id,
          search: text,
        }),
      )

    expect(await search(' JANE ')).toEqual(['jane.doe@example.com'])
    expect(await search('example.o')).toEqual(['john@example.org'])
    expect(await search('%')).toEqual([])
    expect(await search("' or true --")).toEqual([])
  })

  test('by status', async ({ acme }) => {
    for (const status of ['pending', 'accepted', 'declined', 'revoked', 'expired'] as const) {
      const { id } = await acme.inviteIn(status)
      expect(
        await acme.owner.rpc('list_organisation_invites', { organisation_id: acme.id, status }),
      ).toMatchObject([{ id, status }])
    }
  })

  test.for([
    ['invalid_settings', { status: 'open' }],
    ['invalid_settings', { page_size: 0 }],
    ['invalid_settings', { page_size: 501 }],
    ['invite_not_found', { cursor: '00000000-0000-4000-8000-000000000000' }],
  ] as const)('%s: %j', async ([code, args], { acme }) => {
    await expect(
      acme.owner.rpc('list_organisation_invites', { organisation_id: acme.id, ...args }),
    ).rejects.toMatchObject({ code })
  })

  test("another organisation's invite is no cursor here", async ({ acme }) => {
    const { invite } = await acme.invite()

    await expect(
      acme.outsider.rpc('list_organisation_invites', {
        organisation_id: acme.otherId,
        cursor: invite.id,
      }),
    ).rejects.toMatchObject({ code: 'invite_not_found' })
  })

  test.for([
    ['finance', 'permission_denied'],
    ['member', 'permission_denied'],
    ['outsider', 'organisation_not_found'],
    ['stranger', 'organisation_not_found'],
    ['anyone', '42501'],
  ] as const)('%s: %s', async ([who, code], { acme }) => {
    await expect(
      acme[who].rpc('list_organisation_invites', { organisation_id: acme.id }),
    ).rejects.toMatchObject({ code })
  })
})
