/** Queries, mutations and hooks on TanStack Query, against the real stack. */
import {
  dehydrate,
  HydrationBoundary,
  InfiniteQueryObserver,
  MutationObserver,
  QueryClient,
  QueryClientProvider,
} from '@tanstack/react-query'
import { renderToString } from 'react-dom/server'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  UsherProvider,
  type UsherQueries,
  useMembers,
  useRemoveMember,
  usherKeys,
  usherMutations,
  usherQueries,
} from '../../client/react/index.ts'
import { type ClientPerson, sharedStack } from './people.ts'

const stack = sharedStack()

async function scene() {
  const { id, owner } = await stack.organisation()
  const member = await stack.join(owner, id, ['member'])
  const queryClient = new QueryClient({ defaultOptions: { queries: { staleTime: 60_000 } } })
  const queries = usherQueries(owner.usher)
  return { id, owner, member, queryClient, queries, mutations: usherMutations(owner.usher) }
}

type Infinite = ReturnType<UsherQueries['members']['list']>

/** Watches a list as a page does; tells what it shows, each time that it changes. */
function watch(queryClient: QueryClient, options: Infinite) {
  const shown: (string[] | undefined)[] = []
  const observer = new InfiniteQueryObserver(queryClient, options)
  const stop = observer.subscribe(({ data }) => {
    shown.push(data?.map(({ status, roles }) => `${status}:${roles.join()}`))
  })
  onTestFinished(stop)
  return { shown, observer }
}

const settled = (queryClient: QueryClient) =>
  expect.poll(() => queryClient.isFetching() + queryClient.isMutating()).toBe(0)

/** A person whose calls of one function wait until they are let go. */
async function held(name: string, admin: ClientPerson, organisationId: string) {
  let letGo = () => {}
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const person = await stack.person(undefined, {
    fetch: async (input, init) => {
      if (String(input).endsWith(name)) await gate
      return fetch(input, init)
    },
  })
  const { data: invite } = await admin.must.invites.create(organisationId, {
    email: person.email,
    roles: ['admin'],
  })
  await person.must.invites.accept(await stack.tokenOf(admin, invite.id))
  return { person, letGo }
}

describe('queries', () => {
  test('fetch page after page, and show one list', async () => {
    const { id, queryClient, queries } = await scene()
    const options = queries.members.list(id, { pageSize: 1 })
    const { observer } = watch(queryClient, options)

    await expect.poll(() => observer.getCurrentResult().data?.length).toBe(1)
    expect(observer.getCurrentResult().hasNextPage).toBe(true)
    await observer.fetchNextPage()

    const { data } = observer.getCurrentResult()
    expect(data?.map(({ roles }) => roles.join())).toEqual(['member', 'owner'])
    const cached = queryClient.getQueryData(options.queryKey)
    expect(cached?.pages.map((page) => page.data.length)).toEqual([1, 1])
  })

  test('fail with the refusal, at once', async () => {
    const { id, queryClient } = await scene()
    const stranger = await stack.person()
    const queries = usherQueries(stranger.usher)

    const refused = queryClient.fetchQuery(queries.organisations.myPermissions(id))

    await expect(refused).rejects.toMatchObject({ code: 'organisation_not_found' })
    const state = queryClient.getQueryState(queries.organisations.myPermissions(id).queryKey)
    expect(state?.fetchFailureCount).toBe(1)
  })

  test('all answer, for whoever may ask', async () => {
    const { id, owner, queryClient, queries } = await scene()
    const { userId } = owner
    const [invite] = (await owner.must.invites.list(id)).data

    for (const options of [
      queries.organisations.mine(),
      queries.organisations.joinable(),
      queries.organisations.signUpPolicy(),
      queries.organisations.get(id),
      queries.organisations.myPermissions(id),
      queries.invites.get(id, invite?.id ?? ''),
      queries.invites.metrics(id),
      queries.invites.mine(),
      queries.invites.preview('inv_x'),
      queries.members.get(id, userId),
      queries.members.roles(id, userId),
      queries.members.permissions(id, userId),
      queries.roles.list(id),
      queries.roles.members(id, 'owner'),
      queries.roles.permissions(id, 'owner'),
      queries.roles.exclusions(id),
      queries.audit.verification(id),
      queries.domains.list(id),
      queries.templates.list(id, { kind: 'invite' }),
    ]) {
      expect(await queryClient.fetchQuery(options as never)).toBeTruthy()
    }
    for (const options of [
      queries.invites.list(id),
      queries.members.list(id),
      queries.audit.list(id),
      queries.devices.list(id),
      queries.devices.invites(id),
      queries.deliveries.list(id),
      queries.joinRequests.list(id),
    ]) {
      const { pages } = (await queryClient.fetchInfiniteQuery(options as never)) as unknown as {
        pages: unknown[]
      }
      expect(pages).toHaveLength(1)
    }
  })
})

describe('mutations', () => {
  test('show new roles at once, before the server has answered', async () => {
    const { id, owner, member, queryClient } = await scene()
    const { person, letGo } = await held('update_organisation_member_roles', owner, id)
    const options = usherQueries(person.usher).members.list(id)
    await queryClient.prefetchInfiniteQuery(options)
    const { shown } = watch(queryClient, options)

    const mutation = new MutationObserver(
      queryClient,
      usherMutations(person.usher).members.updateRoles(id),
    ).mutate({ userId: member.userId, roles: ['finance'] })
    await expect.poll(() => shown.at(-1)).toContain('active:finance')
    expect((await owner.must.members.get(id, member.userId)).data?.roles).toEqual(['member'])
    letGo()
    await mutation
    await settled(queryClient)

    expect(shown.at(-1)).toContain('active:finance')
    expect((await owner.must.members.get(id, member.userId)).data?.roles).toEqual(['finance'])
  })

  test('take it back when they are refused', async () => {
    const { id, owner, queryClient, queries, mutations } = await scene()
    const options = queries.members.list(id)
    await queryClient.prefetchInfiniteQuery(options)
    const { shown } = watch(queryClient, options)

    const refused = new MutationObserver(queryClient, mutations.members.remove(id)).mutate({
      userId: owner.userId,
    })

    await expect(refused).rejects.toMatchObject({ code: 'owner_required' })
    await settled(queryClient)
    expect(shown).toContainEqual(expect.arrayContaining(['removed:owner']))
    expect(shown.at(-1)).toContain('active:owner')
  })

  test('take a row out of a list that it does not belong to any more', async () => {
    const { id, owner, queryClient, queries, mutations } = await scene()
    const { data: invite } = await owner.must.invites.create(id, {
      email: 'gone@example.com',
      roles: ['member'],
    })
    const pending = queries.invites.list(id, { status: 'pending' })
    const all = queries.invites.list(id)
    const one = queries.invites.get(id, invite.id)
    await queryClient.prefetchInfiniteQuery(pending)
    await queryClient.prefetchInfiniteQuery(all)
    await queryClient.prefetchQuery(one)

    await new MutationObserver(queryClient, mutations.invites.revoke(id)).mutate({
      inviteId: invite.id,
      reason: 'A mistake',
    })

    const rows = (options: typeof all) =>
      queryClient.getQueryData(options.queryKey)?.pages.flatMap(({ data }) => data) ?? []
    expect(rows(pending)).toEqual([])
    expect(rows(all).find((row) => row.id === invite.id)).toMatchObject({ status: 'revoked' })
    expect(queryClient.getQueryData(one.queryKey)).toMatchObject({ revokedReason: 'A mistake' })
  })

  test('have all of the organisation fetched anew, and nothing of another', async () => {
    const { id, queryClient, queries, mutations } = await scene()
    const other = await stack.organisation()
    await queryClient.prefetchInfiniteQuery(queries.audit.list(id))
    await queryClient.prefetchInfiniteQuery(queries.audit.list(other.id))

    await new MutationObserver(queryClient, mutations.invites.create(id)).mutate({
      email: 'new@example.com',
      roles: ['member'],
    })

    const isStale = (organisationId: string) =>
      queryClient.getQueryState(queries.audit.list(organisationId).queryKey)?.isInvalidated
    expect([isStale(id), isStale(other.id)]).toEqual([true, false])
  })
})

describe('mutations of mails', () => {
  test('answer and are refused as the client is', async () => {
    const { id, owner, queryClient, mutations } = await scene()
    const mails = async () => (await owner.must.deliveries.list(id, { kind: 'invite' })).data
    await expect.poll(async () => (await mails()).length).toBe(1)
    const [sent] = await mails()

    await expect(
      new MutationObserver(queryClient, mutations.deliveries.retry(id)).mutate({
        deliveryId: sent?.id ?? '',
      }),
    ).rejects.toMatchObject({ code: 'invite_not_pending' })
    expect(
      await new MutationObserver(queryClient, mutations.deliveries.liftSuppression(id)).mutate({
        email: 'nobody-met@example.com',
      }),
    ).toBe(false)
    await expect(
      new MutationObserver(queryClient, mutations.invites.stopMail()).mutate({ token: 'stp_x' }),
    ).rejects.toMatchObject({ code: 'invite_invalid' })
  })
})

describe('mutations of templates', () => {
  test('have the list of templates fetched anew', async () => {
    const { id, queryClient, queries, mutations } = await scene()
    const all = queries.templates.list(id)
    const fresh = () => queryClient.fetchQuery({ ...all, staleTime: 0 })
    const made = await new MutationObserver(queryClient, mutations.templates.create(id)).mutate({
      kind: 'invite',
      locale: 'en',
      button: 'Come in',
    })
    expect(await fresh()).toEqual([made])

    const templateId = made.id
    await new MutationObserver(queryClient, mutations.templates.update(id)).mutate({
      templateId,
      button: 'Step in',
    })
    expect(queryClient.getQueryState(all.queryKey)?.isInvalidated).toBe(true)
    expect(await fresh()).toMatchObject([{ button: 'Step in' }])
    await new MutationObserver(queryClient, mutations.templates.delete(id)).mutate({ templateId })
    expect(await fresh()).toEqual([])
  })
})

describe('hooks', () => {
  function Members({ organisationId }: { organisationId: string }) {
    const { data, isPending } = useMembers(organisationId)
    const remove = useRemoveMember(organisationId)
    if (isPending) return <p>…</p>
    return (
      <ul>
        {data?.map(({ id, userId, email }) => (
          <li key={id}>
            {email} <button type="button" onClick={() => remove.mutate({ userId })} />
          </li>
        ))}
      </ul>
    )
  }

  test('render on a server what was fetched there', async () => {
    const { id, owner, member, queryClient, queries } = await scene()
    await queryClient.prefetchInfiniteQuery(queries.members.list(id))
    // As it travels from the server to the browser.
    const state = JSON.parse(JSON.stringify(dehydrate(queryClient)))

    const html = renderToString(
      <QueryClientProvider client={new QueryClient()}>
        <UsherProvider usher={stack.anyone()}>
          <HydrationBoundary state={state}>
            <Members organisationId={id} />
          </HydrationBoundary>
        </UsherProvider>
      </QueryClientProvider>,
    )

    expect(html).toContain(owner.email)
    expect(html).toContain(member.email)
  })

  test('say what is missing when there is no provider', () => {
    const page = (
      <QueryClientProvider client={new QueryClient()}>
        <Members organisationId="" />
      </QueryClientProvider>
    )

    expect(() => renderToString(page)).toThrow('UsherProvider')
  })

  test('keep what is cached apart by organisation and part', () => {
    expect(usherKeys.part('o', 'members', 'list', {}).slice(0, 3)).toEqual(
      usherKeys.organisation('o'),
    )
  })
})
