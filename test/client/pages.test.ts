/** Lists a page at a time, and all pages in a row. */
import { describe, expect, test } from 'vitest'
import { createUsher, UsherError } from '../../client/index.ts'
import { sharedStack } from './people.ts'

const stack = sharedStack()

async function crowd(size: number) {
  const { id, owner } = await stack.organisation()
  const rows = Array.from({ length: size }, (_, i) => ({
    email: `guest-${i}@example.com`,
    roles: ['member'],
  }))
  await owner.must.invites.createMany(id, rows)
  return { id, owner }
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

describe('a page', () => {
  test('says how to get the next one, and the last one that it is the last', async () => {
    const { id, owner } = await crowd(5)

    const first = await owner.must.invites.list(id, { pageSize: 3 })
    const second = await owner.must.invites.list(id, {
      pageSize: 3,
      cursor: first.nextCursor,
    })

    expect([first.data.length, second.data.length]).toEqual([3, 2])
    expect(first.nextCursor).toBe(first.data[2]?.id)
    expect(second.nextCursor).toBeNull()
  })

  test('misses no row of those made in the same instant', async () => {
    const { id, owner } = await crowd(7)

    const queued = () => owner.must.deliveries.list(id, { pageSize: 7 })
    await expect.poll(async () => (await queued()).data.length).toBe(7)
    const mails = await all(owner.usher.deliveries.iterate(id, { pageSize: 2 }))

    expect(new Set(mails.map(({ recipient }) => recipient)).size).toBe(7)
    expect(mails.length).toBe(7)
  })

  test('of members at an application holds each of them once', async () => {
    const { id, owner } = await stack.organisation()
    for (let i = 0; i < 3; i += 1) await stack.join(owner, id, ['member'])
    const { data: endpoint } = await owner.must.directories.createEndpoint(id, {
      name: 'Tickets',
      url: 'https://tickets.example/scim',
      token: 'secret',
    })

    const copies = await all(
      owner.usher.directories.iterateCopies(endpoint.id, { pageSize: 2, status: 'waiting' }),
    )

    expect(new Set(copies.map(({ memberId }) => memberId)).size).toBe(4)
    expect(copies).toHaveLength(4)
    expect(
      await all(owner.usher.directories.iterateCopies(endpoint.id, { status: 'failed' })),
    ).toEqual([])
  })

  test('is the same with dates, which have no microseconds', async () => {
    const { id, owner } = await crowd(7)
    const dated = createUsher(owner.supabase, { dates: true })

    const before = (await owner.must.audit.list(id)).data.map((event) => event.id)
    const events = await all(dated.audit.iterate(id, { pageSize: 3 }))

    // More may have come, because the worker tells which mails it has sent.
    const ids = events.map((event) => event.id)
    expect(ids).toEqual(expect.arrayContaining(before))
    expect(new Set(ids).size).toBe(ids.length)
    expect(events[0]?.occurredAt).toBeInstanceOf(Date)
  })

  test('does not move when rows come meanwhile', async () => {
    const { id, owner } = await crowd(4)
    const first = await owner.must.invites.list(id, { pageSize: 2 })

    await owner.must.invites.create(id, { email: 'late@example.com', roles: ['member'] })
    const second = await owner.must.invites.list(id, {
      pageSize: 2,
      cursor: first.nextCursor,
    })

    const seen = [...first.data, ...second.data].map(({ email }) => email)
    expect(seen).not.toContain('late@example.com')
    expect(new Set(seen).size).toBe(4)
  })

  test('of members is narrowed by role, status and text, whatever signs the text has', async () => {
    const { id, owner } = await stack.organisation()
    await stack.join(owner, id, ['finance'])
    const plus = await stack.person('odd+name_x@example.com')
    const { data: invite } = await owner.must.invites.create(id, {
      email: plus.email,
      roles: ['member'],
    })
    await plus.must.invites.accept(await stack.tokenOf(owner, invite.id))
    const found = async (search: string) =>
      (await owner.must.members.list(id, { search })).data.map(({ email }) => email)

    expect((await owner.must.members.list(id, { role: 'finance' })).data).toHaveLength(1)
    expect((await owner.must.members.list(id, { status: 'banned' })).data).toEqual([])
    expect(await found(' ODD+NAME_x@ ')).toEqual([plus.email])
    expect(await found('odd.name')).toEqual([])
    for (const search of ['%', '(', ')', ',', '*', "'", 'a,b', 'x)or(']) {
      expect(await found(search)).toEqual([])
    }
  })

  test('of a kind that there is not is refused', async () => {
    const { id, owner } = await stack.organisation()

    const { error } = await owner.usher.invites.list(id, { pageSize: 501 })

    expect(error?.code).toBe('invalid_settings')
  })
})

describe('iterate', () => {
  test('gives all rows, fetching a page only when it is needed', async () => {
    const { id, owner } = await crowd(6)
    let calls = 0
    const counted = await stack.person(undefined, {
      fetch: (input, init) => {
        if (String(input).includes('list_organisation_invites')) calls++
        return fetch(input, init)
      },
    })
    const { data: invite } = await owner.must.invites.create(id, {
      email: counted.email,
      roles: ['admin'],
    })
    await counted.must.invites.accept(await stack.tokenOf(owner, invite.id))

    for await (const _ of counted.usher.invites.iterate(id, { pageSize: 3 })) break
    expect(calls).toBe(1)

    const emails = await all(counted.usher.invites.iterate(id, { pageSize: 3, status: 'pending' }))
    expect(emails.length).toBe(6)
    expect(calls).toBe(4)
  })

  test('throws when it is refused', async () => {
    const { id } = await stack.organisation()
    const stranger = await stack.person()

    const refusal = await all(stranger.usher.invites.iterate(id)).catch((error) => error)

    expect(refusal).toBeInstanceOf(UsherError)
    expect(refusal.code).toBe('organisation_not_found')
  })

  test('ends when its signal says so, with the reason', async () => {
    const { id, owner } = await crowd(4)
    const controller = new AbortController()
    const seen: string[] = []

    const ended = (async () => {
      const { signal } = controller
      for await (const { id: inviteId } of owner.usher.invites.iterate(id, {
        pageSize: 1,
        signal,
      })) {
        seen.push(inviteId)
        if (seen.length === 2) controller.abort(new Error('enough'))
      }
    })()

    await expect(ended).rejects.toThrow('enough')
    expect(seen.length).toBe(2)
  })
})
