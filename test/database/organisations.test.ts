import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('organisations', () => {
  test('members see their organisation, and nobody else does', async ({ acme }) => {
    const where = { id: acme.id }

    expect(await acme.member.select('organisations', where)).toHaveLength(1)
    expect(await acme.outsider.select('organisations', where)).toHaveLength(0)
    expect(await acme.stranger.select('organisations', where)).toHaveLength(0)
    await expect(acme.anyone.select('organisations')).rejects.toMatchObject({ code: '42501' })
  })

  test('a member without a role sees it in their list, and nothing of it', async ({ acme }) => {
    expect(await acme.roleless.rpc('list_my_organisations')).toMatchObject([
      { id: acme.id, roles: [] },
    ])
    expect(await acme.roleless.select('organisations')).toHaveLength(0)
  })
})
