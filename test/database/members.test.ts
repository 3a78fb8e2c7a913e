import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('organisation_members', () => {
  test('members see each other with address and name', async ({ acme }) => {
    const rows = await acme.member.select('organisation_members', { organisation_id: acme.id })

    expect(rows).toHaveLength(5)
    expect(rows).toContainEqual(
      expect.objectContaining({
        user_id: acme.owner.userId,
        email: acme.owner.email,
        display_name: 'owner',
      }),
    )
  })

  test('outsiders see none, and everyone sees themselves', async ({ acme }) => {
    expect(
      await acme.outsider.select('organisation_members', { organisation_id: acme.id }),
    ).toHaveLength(0)
    expect(await acme.roleless.select('organisation_members')).toMatchObject([
      { user_id: acme.roleless.userId },
    ])
  })

  test.for(['left', 'removed', 'banned'])(
    'who has %s sees their own row only',
    async (status, { acme }) => {
      const former = await acme.join(['admin'], status)

      expect(await former.select('organisation_members')).toMatchObject([{ status }])
      expect(await former.rpc('list_my_organisations')).toEqual([])
      expect(
        await former.rpc('has_organisation_permission', {
          organisation_id: acme.id,
          permission: 'member.read',
        }),
      ).toBe(false)
    },
  )

  test('there is one owner, whatever is tried', async ({ acme }) => {
    await expect(
      acme.sql`update public.organisation_members set roles = '{owner}' where user_id = ${acme.admin.userId}`,
    ).rejects.toThrow(/organisation_members_one_owner/)
  })
})
