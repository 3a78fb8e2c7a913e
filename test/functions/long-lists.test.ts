/** Lists with more rows than the API lets through at once, which hosted is 1,000. */
import { createClient } from '@supabase/supabase-js'
import { describe, expect } from 'vitest'
import { createUsher } from '../../client/index.ts'
import { createHandler } from '../../functions/graphql/handler.ts'
import type { Organisation } from '../support/acme.ts'
import { post, readAnswer } from '../support/graphql.ts'
import { accessToken, KEYS } from '../support/keys.ts'
import { test as rest } from '../support/rest.ts'

const MANY = 1_234

/** What lists a person's things through each door. */
const test = rest
  .extend('supabase', ({ project, acme }) =>
    createClient(project.SUPABASE_URL, KEYS.publishableKey, {
      accessToken: () => accessToken(acme.owner.userId),
    }),
  )
  .extend('usher', ({ supabase }) => createUsher(supabase).throwOnError())
  .extend('graphql', async ({ project, acme }) => {
    const handle = createHandler({
      supabaseUrl: project.SUPABASE_URL,
      publishableKey: KEYS.publishableKey,
      allowedOrigins: ['*'],
    })
    const token = await accessToken(acme.owner.userId)
    return async (query: string, variables: object = {}) =>
      readAnswer(await handle(post('http://door.test/graphql', { query, variables }, token)))
  })

/** So many organisations of the owner, with names that sort and quote in all ways. */
async function inMany({ sql, owner }: Organisation) {
  await sql`
    with made as (
      insert into public.organisations (name, slug)
      select case n % 4 when 0 then 'Same' when 1 then 'Ä (in brackets), ' || n else 'Name ' || n end,
        'many-' || n || '-' || left(${owner.userId}, 8)
      from generate_series(1, ${MANY}) n
      returning id
    )
    select usher.add_member(id, ${owner.userId}, array['member']) from made`
}

/** So many pending invites to the owner, each of an organisation of its own, many at the same moment. */
async function invitedByMany({ sql, owner }: Organisation) {
  await sql`
    with made as (
      insert into public.organisations (name, slug)
      select 'Inviting ' || n, 'inviting-' || n || '-' || left(${owner.userId}, 8)
      from generate_series(1, ${MANY}) n
      returning id
    )
    insert into usher.invites (organisation_id, email, roles, lifetime, expires_at, created_at)
    select id, ${owner.email}, array['member'], '1 day', now() + interval '1 day',
      now() - (random() * 3)::integer * interval '1 second'
    from made`
}

async function withMembers({ sql, id }: Organisation) {
  await sql`
    with made as (
      insert into auth.users (id, email, email_confirmed_at)
      select gen_random_uuid(), 'crowd-' || n || '-' || left(${id}, 8) || '@example.com', now()
      from generate_series(1, ${MANY}) n
      returning id
    )
    select usher.add_member(${id}, id, array['finance']) from made`
}

const ids = (rows: { id: string }[]) => rows.map(({ id }) => id)

/** What such a function lists for the owner where nothing cuts it. */
const inSql = async ({ owner }: Organisation, name: string) =>
  ids(await owner.run((tx) => tx<{ id: string }[]>`select id from ${tx(`public.${name}`)}()`))

describe('more than the API lets through at once', () => {
  test('the API does cut what is not read in pages', async ({ acme, supabase }) => {
    await withMembers(acme)

    const { data } = await supabase.from('organisation_members').select('id')

    expect(data?.length).toBe(1_000)
  })

  test("one's organisations come whole and sorted through each door", async ({
    acme,
    usher,
    rest,
    graphql,
  }) => {
    await inMany(acme)
    const expected = await inSql(acme, 'list_my_organisations')

    const { data: byClient } = await usher.organisations.listMine()
    const byRest = await rest('/api/organisations', { by: acme.owner })
    const byGraphql = await graphql('{ myOrganisations { id } }')

    expect(expected.length).toBe(MANY + 1)
    expect(ids(byClient)).toEqual(expected)
    expect(ids(byRest.body.data)).toEqual(expected)
    expect(ids(byGraphql.data.myOrganisations)).toEqual(expected)
  })

  test("one's invites come whole and the newest first through each door", async ({
    acme,
    usher,
    rest,
    graphql,
  }) => {
    await invitedByMany(acme)
    const expected = await inSql(acme, 'list_my_organisation_invites')

    const { data: byClient } = await usher.invites.listMine()
    const byRest = await rest('/api/invitations/mine', { by: acme.owner })
    const byGraphql = await graphql('{ myInvites { id } }')

    expect(expected.length).toBe(MANY)
    expect(ids(byClient)).toEqual(expected)
    expect(ids(byRest.body.data)).toEqual(expected)
    expect(ids(byGraphql.data.myInvites)).toEqual(expected)
  })

  test('the members of a role come whole through each door', async ({
    acme,
    supabase,
    usher,
    rest,
    graphql,
  }) => {
    await withMembers(acme)

    const { data: byRpc } = await supabase.rpc('list_organisation_role_members', {
      organisation_id: acme.id,
      role: 'finance',
    })
    const { data: byClient } = await usher.roles.listMembers(acme.id, 'finance')
    const byRest = await rest(`/api/organisations/${acme.id}/roles/finance/members`, {
      by: acme.owner,
    })
    const byGraphql = await graphql(
      'query ($id: UUID!) { roleMembers(organisationId: $id, role: "finance") { id } }',
      { id: acme.id },
    )

    expect(byRpc.length).toBe(MANY + 1)
    expect(ids(byClient)).toEqual(ids(byRpc))
    expect(ids(byRest.body.data)).toEqual(ids(byRpc))
    expect(ids(byGraphql.data.roleMembers)).toEqual(ids(byRpc))
  })

  test('the roles of an organisation come whole and sorted through client and GraphQL', async ({
    acme,
    usher,
    graphql,
  }) => {
    await acme.sql`insert into public.organisation_roles (organisation_id, name)
      select ${acme.id}, 'role-' || n from generate_series(1, ${MANY}) n`
    const rows = await acme.sql`select name from public.organisation_roles
      where organisation_id = ${acme.id} or organisation_id is null order by name collate "C"`

    const { data: byClient } = await usher.roles.list(acme.id)
    const byGraphql = await graphql(
      'query ($id: UUID!) { organisation(id: $id) { roles { name isBuiltIn } } }',
      { id: acme.id },
    )

    const names = rows.map(({ name }) => name)
    const builtIn = ['admin', 'finance', 'member', 'owner']
    expect(names.length).toBe(MANY + 4)
    expect(byClient.map(({ name }) => name)).toEqual(names)
    expect(byGraphql.data.organisation.roles.map(({ name }: { name: string }) => name)).toEqual([
      ...builtIn,
      ...names.filter((name) => !builtIn.includes(name)),
    ])
  })

  test('what an access review asks about comes whole through client and GraphQL', async ({
    acme,
    usher,
    graphql,
  }) => {
    await withMembers(acme)
    const { data: review } = await usher.accessReviews.start(acme.id, {
      title: 'All',
      dueAt: new Date(Date.now() + 7 * 86_400_000),
    })
    const [count] = await acme.sql`
      select count(*)::integer from public.organisation_access_review_items where review_id = ${review.id}`

    const { data: byClient } = await usher.accessReviews.listItems(review.id)
    const byGraphql = await graphql(
      `query ($id: UUID!) {
        organisation(id: $id) { accessReviews(first: 1) { edges { node { items { userId role } } } } }
      }`,
      { id: acme.id },
    )

    expect(count?.count).toBeGreaterThan(MANY)
    expect(byClient.length).toBe(count?.count)
    const [{ node }] = byGraphql.data.organisation.accessReviews.edges
    expect(node.items).toEqual(byClient.map(({ userId, role }) => ({ userId, role })))
  })

  test('a page of evidence is as long as was asked for', async ({ acme, supabase, rest }) => {
    await acme.sql`
      insert into public.organisation_audit_events
        (organisation_id, event, actor_kind, target_kind, target_id, occurred_at)
      select ${acme.id}, 'organisation.updated', 'operator', 'organisation', ${acme.id}, now() - interval '1 hour'
      from generate_series(1, ${MANY})`
    const { trail } = await acme.owner.rpc('export_organisation_evidence', {
      organisation_id: acme.id,
      since: new Date(0).toISOString(),
    })
    const page = { last_seal: trail.last_seal, after_seal: 0, page_size: 5_000 }

    const { data: byRpc } = await supabase.rpc('list_organisation_evidence_events', {
      organisation_id: acme.id,
      ...page,
    })
    const byRest = await rest(
      `/api/organisations/${acme.id}/evidence-events?${new URLSearchParams(page as never)}`,
      { by: acme.owner },
    )

    expect(byRpc.length).toBeGreaterThan(MANY)
    expect(byRest.body.data).toEqual(byRpc)
  })
})
