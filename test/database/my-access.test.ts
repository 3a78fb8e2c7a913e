import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { PEOPLE, PERMISSIONS } from '../support/built-in-roles.ts'

describe('list_my_organisation_permissions', () => {
  test.for(PEOPLE.slice(0, 5))('says what %s may do', async (who, { acme }) => {
    const expected = Object.entries(PERMISSIONS)
      .filter(([, holders]) => holders.some((role) => role === who))
      .map(([permission]) => permission)

    const listed = await acme[who].rpc('list_my_organisation_permissions', {
      organisation_id: acme.id,
    })

    expect(listed).toEqual(expected.sort())
  })

  test.for(['outsider', 'stranger'] as const)(
    '%s is told of no such organisation',
    async (who, { acme }) => {
      await expect(
        acme[who].rpc('list_my_organisation_permissions', { organisation_id: acme.id }),
      ).rejects.toMatchObject({ code: 'organisation_not_found', status: 404 })
    },
  )
})
