import { describe, expect } from 'vitest'
import { scimOf, test } from '../support/scim.ts'

describe('a token', () => {
  test('that is unknown, revoked, over or missing opens nothing', async ({
    acme,
    scimUrl,
    tokenBy,
  }) => {
    const token = await tokenBy(acme.owner)
    await acme.sql`update public.organisation_directory_tokens set expires_at = now()`

    const paths = ['/Users', '/Groups/1', '/Users/00000000-0000-4000-8000-0000000000ff']
    const tokens = [token, token.replace('scim_', 'scim_x'), 'nonsense', null]
    for (const [one, path] of tokens.flatMap((each) => paths.map((to) => [each, to] as const))) {
      const { status, headers, body } = await scimOf(scimUrl, one)('GET', path)
      expect([status, headers.get('www-authenticate'), body.status]).toEqual([401, 'Bearer', '401'])
    }
  })

  test('opens its own organisation and no other', async ({ acme, scim }) => {
    const { body } = await scim('GET', '/Users')

    const names = body.Resources.map(({ userName }: { userName: string }) => userName)
    expect(names).toContain(acme.member.email)
    expect(names).not.toContain(acme.outsider.email)
    const [other] = await acme.sql`select id from public.organisation_members
      where user_id = ${acme.outsider.userId}`
    expect((await scim('GET', `/Users/${other?.id}`)).status).toBe(404)
    expect((await scim('DELETE', `/Users/${other?.id}`)).status).toBe(404)
  })

  test('that has stopped says what to do', async ({ acme, scimUrl, tokenBy }) => {
    const token = await tokenBy(acme.admin)
    await acme.owner.rpc('ban_organisation_member', {
      organisation_id: acme.id,
      user_id: acme.admin.userId,
    })

    const refused = await scimOf(scimUrl, token)('GET', '/Users')
    const advice = expect.stringContaining('take it over')
    expect([refused.status, refused.body.detail]).toEqual([403, advice])
  })
})
