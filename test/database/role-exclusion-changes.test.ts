import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { excludeRoles } from '../support/own-roles.ts'

describe('separation of duty', () => {
  test('is refused while somebody holds the roles together', async ({ acme }) => {
    await acme.join(['finance', 'member'])

    await expect(excludeRoles(acme, ['finance', 'member'])).rejects.toMatchObject({
      code: 'role_in_use',
      details: 'members',
    })
  })

  test.for(['finance', 'finance,nobody', 'owner,finance'])('not of %s', async (roles, { acme }) => {
    await expect(excludeRoles(acme, roles.split(','))).rejects.toMatchObject({
      code: 'invalid_role',
    })
  })
})
