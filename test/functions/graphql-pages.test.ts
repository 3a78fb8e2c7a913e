/** Pages, and how many requests they take. */
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { type Door, test } from '../support/graphql.ts'

/** All nodes of a connection, page by page. */
async function walk(door: Door, acme: Organisation, query: string, first: number) {
  const nodes: { id: string }[] = []
  let after: string | null = null
  for (let pages = 1; ; pages += 1) {
    const { data, errors } = await door.ask(acme.owner, query, { id: acme.id, first, after })
    expect(errors).toEqual([])
    const page = data.page ?? data.organisation.page
    nodes.push(...page.edges.map((edge: { node: { id: string } }) => edge.node))
    after = page.pageInfo.endCursor
    if (!page.pageInfo.hasNextPage) return { nodes, pages }
  }
}

const PAGE = '{ pageInfo { hasNextPage endCursor } edges { cursor node { id } } }'

describe('pages', () => {
  test('of invites hold each once, the newest first, and the last says that it is', async ({
    door,
    acme,
  }) => {
    const ids: string[] = []
    for (let i = 0; i < 6; i += 1) ids.unshift((await acme.invite()).invite.id)
    const byFunction = `query ($id: UUID!, $first: Int!, $after: String) {
      page: invites(organisationId: $id, first: $first, after: $after) ${PAGE} }`
    const inGraph = `query ($id: UUID!, $first: Int!, $after: String) {
      organisation(id: $id) { page: invites(first: $first, after: $after) ${PAGE} } }`

    for (const query of [byFunction, inGraph]) {
      const { nodes, pages } = await walk(door, acme, query, 2)
      expect(nodes.map(({ id }) => id)).toEqual(ids)
      expect(pages).toBe(3)
    }
  })

  test('of members are the same whatever their size', async ({ door, acme }) => {
    // All at the same moment, so that the id has to decide.
    await acme.sql`update public.organisation_members set joined_at = '2026-01-01T00:00:00.123456Z'
      where organisation_id = ${acme.id}`
    const query = `query ($id: UUID!, $first: Int!, $after: String) {
      organisation(id: $id) { page: members(first: $first, after: $after) ${PAGE} } }`

    const { nodes } = await walk(door, acme, query, 2)

    expect(nodes).toHaveLength(5)
    expect((await walk(door, acme, query, 100)).nodes).toEqual(nodes)
  })

  test('of members at an application hold each once, of the status that is asked for', async ({
    door,
    acme,
  }) => {
    const { id } = await acme.owner.rpc('create_organisation_directory_endpoint', {
      organisation_id: acme.id,
      name: 'Tickets',
      url: 'https://tickets.example/scim',
      token: 'secret',
    })
    await acme.sql`update public.organisation_directory_copies c set status = 'current'
      from public.organisation_members m
      where m.id = c.member_id and c.endpoint_id = ${id} and m.user_id = ${acme.owner.userId}`
    const query = `query ($id: UUID!, $first: Int!, $after: String, $status: String) {
      organisation(id: $id) { directoryEndpoints { copies(first: $first, after: $after, status: $status) {
        pageInfo { hasNextPage endCursor } edges { node { memberId } } } } } }`
    const ask = async (first: number, after: string | null, status: string | null) => {
      const { data, errors } = await door.ask(acme.owner, query, {
        id: acme.id,
        first,
        after,
        status,
      })
      expect(errors).toEqual([])
      const { pageInfo, edges } = data.organisation.directoryEndpoints[0].copies
      const ids = edges.map((edge: { node: { memberId: string } }) => edge.node.memberId)
      return { ids, ...pageInfo } as { ids: string[]; hasNextPage: boolean; endCursor: string }
    }

    const first = await ask(3, null, 'waiting')
    const second = await ask(3, first.endCursor, 'waiting')
    const current = await ask(3, null, 'current')

    expect([first.hasNextPage, second.hasNextPage, current.hasNextPage]).toEqual([
      true,
      false,
      false,
    ])
    expect(current.ids).toHaveLength(1)
    expect(new Set([...first.ids, ...second.ids, ...current.ids]).size).toBe(5)
    expect((await ask(100, null, null)).ids).toHaveLength(5)
  })

  test('of the trail walk through all of it', async ({ door, acme }) => {
    const query = `query ($id: UUID!, $first: Int!, $after: String) {
      organisation(id: $id) { page: auditEvents(first: $first, after: $after) ${PAGE} } }`
    await acme.inviteIn('revoked')

    expect((await walk(door, acme, query, 1)).nodes).toHaveLength((await acme.events()).length)
  })

  test('can be of one status only', async ({ door, acme }) => {
    await acme.invite()
    const { id } = await acme.inviteIn('expired')

    const { data } = await door.ask(
      acme.owner,
      `query ($id: UUID!) { organisation(id: $id) { invites(status: expired) { edges { node { id status } } } } }`,
      { id: acme.id },
    )

    expect(data.organisation.invites.edges).toEqual([{ node: { id, status: 'expired' } }])
  })

  test.for([
    ['first: 0', 'more than none'],
    ['first: -1', 'not a negative number'],
    ['first: 101', 'at most a hundred'],
    ['after: "nonsense"', 'a cursor'],
    [`after: "${btoa('2026-01-01T00:00:00Z",id.gt.0 x')}"`, 'a cursor of ours'],
  ])('of %s are refused: it has to be %s', async ([args], { door, acme }) => {
    for (const field of ['invites', 'members', 'auditEvents']) {
      const { codes } = await door.ask(
        acme.owner,
        `query ($id: UUID!) { organisation(id: $id) { ${field}(${args}) { edges { cursor } } } }`,
        { id: acme.id },
      )
      expect(codes).toEqual(['invalid_settings'])
    }
  })
})

describe('what is read', () => {
  test('is found by an id in capitals too', async ({ door, acme }) => {
    const { data } = await door.ask(
      acme.owner,
      'query ($id: UUID!) { organisation(id: $id) { name members { edges { node { id } } } } }',
      { id: acme.id.toUpperCase() },
    )

    expect(data.organisation.name).toBe('Acme')
    expect(data.organisation.members.edges).toHaveLength(5)
  })

  test('after a change in the same document is as it is then', async ({ door, acme }) => {
    const { data } = await door.ask(
      acme.owner,
      `mutation ($id: UUID!, $member: UUID!) {
        a: updateMemberRoles(organisationId: $id, userId: $member, roles: ["finance"]) { organisation { name } }
        b: updateOrganisation(organisationId: $id, changes: { name: "Renamed" }) { name }
        c: updateMemberRoles(organisationId: $id, userId: $member, roles: ["member"]) { organisation { name } }
      }`,
      { id: acme.id, member: acme.member.userId },
    )

    expect(data).toEqual({
      a: { organisation: { name: 'Acme' } },
      b: { name: 'Renamed' },
      c: { organisation: { name: 'Renamed' } },
    })
  })

  test('by somebody who may not is empty or null, as row level security has it', async ({
    door,
    acme,
  }) => {
    const query = `query ($id: UUID!) { organisation(id: $id) {
      name members { edges { node { email } } } invites { edges { node { email } } } } }`
    await acme.invite()

    expect((await door.ask(acme.stranger, query, { id: acme.id })).data.organisation).toBeNull()
    const { data } = await door.ask(acme.member, query, { id: acme.id })
    expect(data.organisation.members.edges).toHaveLength(5)
    expect(data.organisation.invites.edges).toEqual([])
  })
})

describe('the number of requests to the database', () => {
  async function count(door: Door, work: () => Promise<{ codes: string[] }>) {
    const before = door.requests()
    expect((await work()).codes).toEqual([])
    return door.requests() - before
  }

  test('is the same for a page of one member and of all, with their roles', async ({
    door,
    acme,
  }) => {
    const ask = (first: number) =>
      door.ask(
        acme.owner,
        `query ($id: UUID!, $first: Int!) { organisation(id: $id) { members(first: $first) { edges { node {
          email roles roleDetails { name permissions } organisation { name } } } } } }`,
        { id: acme.id, first },
      )

    // The organisation, its members, their roles, their organisation again.
    expect(await count(door, () => ask(1))).toBe(4)
    for (let i = 0; i < 120; i += 1) await acme.join(['member'])
    expect(await count(door, () => ask(100))).toBe(4)
  })

  test('is the same for more than a hundred members of several organisations', async ({
    door,
    acme,
  }) => {
    const other = await acme.owner.rpc('create_organisation', { name: 'Beside' })
    for (const { id } of [acme, other]) {
      for (let i = 0; i < 80; i += 1) {
        const { userId } = await acme.person()
        await acme.sql`select usher.add_member(${id}, ${userId}, '{member}')`
      }
    }

    const ask = () =>
      door.ask(
        acme.owner,
        '{ myOrganisations { organisation { members(first: 75) { edges { node { roleDetails { name } } } } } } }',
      )
    expect(
      (await ask()).data.myOrganisations.map(
        ({ organisation }: { organisation: { members: { edges: unknown[] } } }) =>
          organisation.members.edges.length,
      ),
    ).toEqual([75, 75])
    expect(await count(door, ask)).toBe(4)
  })

  test('is the same for one organisation and for several, with their members', async ({
    door,
    acme,
  }) => {
    const ask = () =>
      door.ask(
        acme.owner,
        `{ myOrganisations { organisation {
          name
          members(first: 5) { edges { node { email roleDetails { permissions } } } }
          invites(first: 5) { edges { node { email } } }
          domains { domain }
          roleExclusions { name }
        } } }`,
      )
    const alone = await count(door, ask)
    for (const name of ['Second', 'Third', 'Fourth']) {
      await acme.owner.rpc('create_organisation', { name })
    }

    const { data } = await ask()

    expect(data.myOrganisations).toHaveLength(4)
    for (const { organisation } of data.myOrganisations) {
      expect(organisation.members.edges[0].node.roleDetails[0].permissions).toContain('audit.read')
    }
    expect(await count(door, ask)).toBe(alone)
  })
})
