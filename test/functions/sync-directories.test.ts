/** The SCIM client against the SCIM server: one organisation tells another, over HTTP. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { connect } from '../../functions/_shared/database.ts'
import { createOutgoing, type Outgoing } from '../../functions/_shared/outgoing.ts'
import { changesOf } from '../../functions/sync-directories/changes.ts'
import { syncDirectories } from '../../functions/sync-directories/sync.ts'
import type { Organisation } from '../support/acme.ts'
import { test as base, patchOf, type Scim, scimOf, userOf } from '../support/scim.ts'
import { workerUrl } from './worker-role.ts'

const outgoing = createOutgoing({ allow: '127.0.0.0/8' })

/** What is there of somebody: the User, and the names of their Groups. */
async function remoteOf(remote: Scim, email: string) {
  const filter = new URLSearchParams({ filter: `userName eq "${email}"` })
  const user = (await remote('GET', `/Users?${filter}`)).body.Resources[0]
  const groups = (await remote('GET', '/Groups')).body.Resources as {
    displayName: string
    members?: { value: string }[]
  }[]
  const held = groups.filter(({ members = [] }) => members.some(({ value }) => value === user?.id))
  return {
    id: user?.id as string,
    active: user?.active as boolean | undefined,
    displayName: user?.displayName as string | undefined,
    externalId: user?.externalId as string | undefined,
    groups: held.map(({ displayName }) => displayName).sort(),
  }
}

/**
 * `remote` is the directory of the outsider's organisation, seen from outside; `endpoint` makes it one of
 * Acme's; `sync` lets the worker do all that is due.
 */
const test = base
  .extend('privateTargets', { scope: 'file', auto: true }, async ({ database }) => {
    await database.sql`select usher.update_settings('{"allow_private_targets": true}')`
  })
  .extend('workerSql', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    const sql = connect(await workerUrl(database.sql, database.url))
    onCleanup(() => sql.end())
    return sql
  })
  .extend('remoteToken', async ({ acme }): Promise<string> => {
    const { token } = await acme.outsider.rpc('create_organisation_directory_token', {
      organisation_id: acme.otherId,
      name: 'Acme',
    })
    return token
  })
  .extend('remote', async ({ scimUrl, remoteToken }) => scimOf(scimUrl, remoteToken))
  .extend('sync', async ({ acme, workerSql }) => async (by: Outgoing = outgoing) => {
    // Other tests of this file have endpoints as well.
    await acme.sql`update public.organisation_directory_endpoints set is_enabled = false
      where organisation_id <> ${acme.id}`
    return syncDirectories({ changes: changesOf(workerSql), outgoing: by })
  })
  .extend('endpoint', async ({ acme, scimUrl, remoteToken }) =>
    acme.owner.rpc('create_organisation_directory_endpoint', {
      organisation_id: acme.id,
      name: 'Other',
      url: `${scimUrl}/`,
      token: remoteToken,
    }),
  )

const roles = (acme: Organisation, userId: string, names: string[]) =>
  acme.owner.rpc('update_organisation_member_roles', {
    organisation_id: acme.id,
    user_id: userId,
    roles: names,
  })
const remove = (acme: Organisation, userId: string) =>
  acme.owner.rpc('remove_organisation_member', { organisation_id: acme.id, user_id: userId })
const copies = (acme: Organisation) =>
  acme.owner.select('organisation_directory_copies', { organisation_id: acme.id })
const endpointOf = async (acme: Organisation) =>
  (
    await acme.owner.select('organisation_directory_endpoints', { organisation_id: acme.id })
  )[0] as postgres.Row
const reconcile = (acme: Organisation, endpoint: { id: string }) =>
  acme.owner.rpc('reconcile_organisation_directory_endpoint', { endpoint_id: endpoint.id })

describe('a new endpoint', () => {
  test('gets everyone, with their roles as Groups', async ({ acme, remote, endpoint, sync }) => {
    await acme.owner.rpc('create_organisation_role', { organisation_id: acme.id, name: 'auditor' })
    await roles(acme, acme.member.userId, ['member', 'auditor'])

    await sync()

    expect(await remoteOf(remote, acme.finance.email)).toMatchObject({
      active: true,
      displayName: 'finance',
      externalId: acme.finance.userId,
      groups: ['finance'],
    })
    expect((await remoteOf(remote, acme.member.email)).groups).toEqual(['auditor', 'member'])
    expect(await endpointOf(acme)).toMatchObject({
      id: endpoint.id,
      features: { patch: true, filter: true, groups: true },
      last_error: null,
    })
    expect((await copies(acme)).filter(({ status }) => status === 'waiting')).toEqual([])
  })

  test('that refuses one thing takes all others; what it refused is said', async ({
    acme,
    remote,
    endpoint,
    sync,
  }) => {
    await sync()

    // There is one owner there, and no Group of that name.
    expect(await remoteOf(remote, acme.owner.email)).toMatchObject({ active: true })
    const failed = (await copies(acme)).filter(({ status }) => status === 'failed')
    expect(failed).toHaveLength(1)
    expect(failed[0]?.last_error).toContain('Group owner: 409')
    expect(failed[0]?.endpoint_id).toBe(endpoint.id)
  })

  test('takes over whom it has already, instead of making them twice', async ({
    acme,
    remote,
    endpoint,
    sync,
  }) => {
    const { body } = await remote('POST', '/Users', userOf(acme.member.email, { active: false }))

    await sync()

    expect(endpoint.id).toBeTruthy()
    expect(await remoteOf(remote, acme.member.email)).toMatchObject({ id: body.id, active: true })
  })
})

describe('a change', () => {
  test('of roles moves a member from Group to Group', async ({ acme, remote, endpoint, sync }) => {
    await sync()
    await roles(acme, acme.member.userId, ['finance'])

    expect(await sync()).toMatchObject({ synced: 1, failed: 0 })

    expect((await remoteOf(remote, acme.member.email)).groups).toEqual(['finance'])
    expect(endpoint.id).toBeTruthy()
  })

  test('of a name arrives', async ({ acme, remote, endpoint, sync }) => {
    await sync()
    await acme.sql`update auth.users set raw_user_meta_data = '{"full_name": "Renamed"}'
      where id = ${acme.member.userId}`

    await sync()

    expect((await remoteOf(remote, acme.member.email)).displayName).toBe('Renamed')
    expect(endpoint.id).toBeTruthy()
  })

  test.for([
    ['removed', (acme: Organisation) => remove(acme, acme.finance.userId)],
    [
      'banned',
      (acme: Organisation) =>
        acme.owner.rpc('ban_organisation_member', {
          organisation_id: acme.id,
          user_id: acme.finance.userId,
        }),
    ],
    [
      'gone by themselves',
      (acme: Organisation) => acme.finance.rpc('leave_organisation', { organisation_id: acme.id }),
    ],
    [
      'without an account any more',
      (acme: Organisation) => acme.sql`delete from auth.users where id = ${acme.finance.userId}`,
    ],
  ] as const)(
    'whoever is %s is inactive there, and in no Group',
    async ([, leave], { acme, remote, endpoint, sync }) => {
      await sync()
      const { id } = await remoteOf(remote, acme.finance.email)

      await leave(acme)
      expect(await sync()).toMatchObject({ synced: 1, failed: 0 })

      expect((await remote('GET', `/Users/${id}`)).body.active).toBe(false)
      const { body } = await remote('GET', '/Groups?filter=displayName%20eq%20%22finance%22')
      expect(JSON.stringify(body)).not.toContain(id)
      expect(endpoint.id).toBeTruthy()
    },
  )

  test('that takes something away goes before all others', async ({
    acme,
    endpoint,
    sync,
    workerSql,
  }) => {
    await sync()
    await roles(acme, acme.member.userId, ['finance'])
    await remove(acme, acme.finance.userId)

    const [first] = await changesOf(workerSql).lease(1)
    const [row] = await acme.sql`select user_id from public.organisation_members
      where id = ${first?.memberId ?? null}`
    expect(row?.user_id).toBe(acme.finance.userId)
    expect(endpoint.id).toBeTruthy()
  })

  test('and back again before anything was sent is no more than what it is now', async ({
    acme,
    endpoint,
    sync,
  }) => {
    await sync()
    for (const names of [['finance'], [], ['member']]) await roles(acme, acme.member.userId, names)

    expect(await sync()).toMatchObject({ synced: 1 })
    expect(await sync()).toMatchObject({ synced: 0 })
    expect(endpoint.id).toBeTruthy()
  })

  test('that comes while another one is being sent is sent after it', async ({
    acme,
    remote,
    endpoint,
    sync,
  }) => {
    await sync()
    await roles(acme, acme.member.userId, ['finance'])
    let isFirst = true
    const slow: Outgoing = async (request) => {
      const answer = await outgoing(request)
      if (isFirst && request.method === 'PATCH') {
        isFirst = false
        await remove(acme, acme.member.userId)
      }
      return answer
    }

    await sync(slow)

    expect(await remoteOf(remote, acme.member.email)).toMatchObject({ active: false, groups: [] })
    expect(endpoint.id).toBeTruthy()
  })

  test('that a worker has taken to its grave is taken over by another', async ({
    acme,
    remote,
    endpoint,
    sync,
    workerSql,
  }) => {
    await sync()
    await remove(acme, acme.member.userId)
    const [dead] = await changesOf(workerSql).lease(1)
    expect(await sync()).toMatchObject({ synced: 0 })
    await acme.sql`update public.organisation_directory_copies set leased_until = now()
      where endpoint_id = ${endpoint.id}`

    expect(await sync()).toMatchObject({ synced: 1 })
    expect((await remoteOf(remote, acme.member.email)).active).toBe(false)

    // And if it was only asleep: what it did meanwhile is put right.
    if (!dead) throw new Error('Nothing was due')
    const outcome = { remoteId: null, roles: [], error: null }
    expect(await changesOf(workerSql).complete(dead, 1, outcome)).toBe(false)
    expect(await sync()).toMatchObject({ synced: 1 })
  })
})

describe('comparing', () => {
  test('finds what was changed there by hand, and puts it right', async ({
    acme,
    remote,
    endpoint,
    sync,
  }) => {
    await sync()
    const member = await remoteOf(remote, acme.member.email)
    const finance = await remoteOf(remote, acme.finance.email)
    const admin = await remoteOf(remote, acme.admin.email)
    const stranger = (await remote('POST', '/Users', userOf('stranger@example.net'))).body.id
    const groupId = async (name: string) =>
      (await remote('GET', `/Groups?filter=displayName%20eq%20%22${name}%22`)).body.Resources[0].id
    const inGroup = {
      op: 'add',
      path: 'members',
      value: [{ value: member.id }, { value: stranger }],
    }
    await remote('PATCH', `/Groups/${await groupId('finance')}`, patchOf(inGroup))
    await remote(
      'PATCH',
      `/Users/${finance.id}`,
      patchOf({ op: 'replace', value: { active: false, displayName: 'Somebody' } }),
    )
    await remote('DELETE', `/Users/${admin.id}`)

    await reconcile(acme, endpoint)
    await sync()

    expect(await remoteOf(remote, acme.member.email)).toEqual({ ...member, groups: ['member'] })
    expect(await remoteOf(remote, acme.finance.email)).toMatchObject({
      id: finance.id,
      active: true,
      displayName: 'finance',
    })
    const anew = await remoteOf(remote, acme.admin.email)
    expect([anew.active, anew.id === admin.id]).toEqual([true, false])
    const { body } = await remote('GET', `/Groups/${await groupId('finance')}`)
    expect(JSON.stringify(body)).not.toContain(stranger)
    // A User who has nothing to do with us is none of our business.
    expect((await remote('GET', `/Users/${stranger}`)).body.active).toBe(true)
    expect((await endpointOf(acme)).drift).toBeGreaterThanOrEqual(4)
    expect(await acme.events()).toContain('directory.drift_found')
  })

  test('finds nothing where nothing is', async ({ acme, endpoint, sync }) => {
    await sync()
    await acme.owner.rpc('transfer_organisation_ownership', {
      organisation_id: acme.id,
      new_owner_id: acme.admin.userId,
    })
    await sync()

    await reconcile(acme, endpoint)
    expect(await sync()).toMatchObject({ reconciled: 1 })

    // The owner, whose Group the other side refuses.
    expect((await endpointOf(acme)).drift).toBe(1)
  })

  test('does not take for drift what was sent while it was reading', async ({
    acme,
    endpoint,
    sync,
  }) => {
    await sync()
    let isFirst = true
    const slow: Outgoing = async (request) => {
      const answer = await outgoing(request)
      if (isFirst && request.url.includes('/Groups?startIndex=1&count=200')) {
        isFirst = false
        await roles(acme, acme.member.userId, ['finance'])
        expect(await sync()).toMatchObject({ synced: 1 })
      }
      return answer
    }

    await reconcile(acme, endpoint)
    expect(await sync(slow)).toMatchObject({ reconciled: 1, synced: 0 })

    // The owner, whose Group the other side refuses.
    expect((await endpointOf(acme)).drift).toBe(1)
  })

  test('turns off whoever was removed while the endpoint was turned off', async ({
    acme,
    remote,
    endpoint,
    sync,
  }) => {
    const turn = (is_enabled: boolean) =>
      acme.owner.rpc('update_organisation_directory_endpoint', {
        endpoint_id: endpoint.id,
        changes: { is_enabled },
      })
    await sync()
    await turn(false)
    await remove(acme, acme.member.userId)
    expect(await sync()).toEqual({ synced: 0, failed: 0, reconciled: 0 })
    expect((await remoteOf(remote, acme.member.email)).active).toBe(true)

    await turn(true)
    await sync()

    expect((await remoteOf(remote, acme.member.email)).active).toBe(false)
  })

  test('comes by itself once a day', async ({ acme, endpoint, sync }) => {
    await sync()
    const { reconcile_at } = await endpointOf(acme)
    expect(new Date(reconcile_at).getTime() - Date.now()).toBeGreaterThan(20 * 3600_000)
    await acme.sql`update public.organisation_directory_endpoints set reconcile_at = now()
      where id = ${endpoint.id}`

    expect(await sync()).toMatchObject({ reconciled: 1 })
  })
})

/** A server that answers as it is told to, and says what it was asked. */
async function startServer(
  answer: (request: IncomingMessage) => {
    status: number
    body?: object
    headers?: Record<string, string>
  },
) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const { status, body = {}, headers = {} } = answer(request)
    response.writeHead(status, { 'content-type': 'application/scim+json', ...headers })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

describe('an endpoint that does not answer as it should', () => {
  const create = (acme: Organisation, url: string) =>
    acme.owner.rpc('create_organisation_directory_endpoint', {
      organisation_id: acme.id,
      name: 'Broken',
      url,
      token: 'secret-token-of-the-application',
    })

  test.for([
    ['lets nobody in', 401, '401'],
    ['is too busy', 429, '429'],
    ['leads elsewhere', 302, '302'],
    ['is broken', 500, '500'],
    ['is no SCIM server', 404, '/Users'],
  ] as const)(
    '%s: it says so, and is left alone for a while',
    async ([, status, said], { acme, sync }) => {
      const { url, asked } = await startServer(() => ({
        status,
        headers: { 'retry-after': '120' },
      }))
      await create(acme, url)

      await sync()
      const before = asked.length
      await sync()

      expect(asked).toHaveLength(before)
      const { last_error, retry_at, failures } = await endpointOf(acme)
      expect([last_error, failures]).toEqual([expect.stringContaining(said), 1])
      const wait = (new Date(retry_at).getTime() - Date.now()) / 1000
      expect(wait).toBeGreaterThan(status === 404 ? 5 : 100)
      expect(wait).toBeLessThan(status === 404 ? 15 : 121)
    },
  )

  test.for([
    ['lists what is no resource', { totalResults: 1, Resources: [null] }],
    [
      'says what no database stores',
      { totalResults: 1, Resources: [{ id: '1', userName: '\u0000' }] },
    ],
    ['lists one thing', { totalResults: 1, Resources: 'everyone' }],
  ] as const)(
    '%s: the others are told all the same',
    async ([, body], { acme, sync, endpoint }) => {
      const { url } = await startServer((request) =>
        request.method === 'GET' ? { status: 200, body } : { status: 400 },
      )
      await create(acme, url)

      await sync()
      await sync()

      const rows =
        await acme.sql`select e.id, count(*) filter (where c.status = 'current')::int as told
      from public.organisation_directory_endpoints e
      join public.organisation_directory_copies c on c.endpoint_id = e.id
      where e.organisation_id = ${acme.id} group by e.id`
      expect(rows.find(({ id }) => id === endpoint.id)?.told).toBeGreaterThan(0)
      expect(rows.find(({ id }) => id !== endpoint.id)?.told).toBe(0)
    },
  )

  test('that hangs holds up no other', async ({ acme, remote, endpoint, sync }) => {
    await sync()
    const { url } = await startServer(() => ({ status: 200, body: {} }))
    const hanging = await create(acme, url)
    await acme.sql`update public.organisation_directory_endpoints
      set reconciled_at = now(), reconcile_at = 'infinity', features = '{"patch": true, "filter": true}'
      where id = ${hanging.id}`
    let held = 0
    const end = new AbortController()
    const working = sync(async (request) => {
      if (!request.url.startsWith(url)) return outgoing(request)
      held += 1
      await new Promise((resolve) => end.signal.addEventListener('abort', resolve))
      throw new Error('No answer.')
    })
    await expect.poll(() => held).toBe(2)

    await remove(acme, acme.member.userId)

    await expect.poll(async () => (await remoteOf(remote, acme.member.email)).active).toBe(false)
    expect([held, endpoint.is_enabled]).toEqual([2, true])
    end.abort()
    expect(await working).toMatchObject({ synced: 1, failed: 2 })
  })

  test('on our own network is not asked', async ({ acme, sync }) => {
    const { url, asked } = await startServer(() => ({ status: 200 }))
    await create(acme, url)

    await sync(createOutgoing())

    expect(asked).toEqual([])
    expect((await endpointOf(acme)).last_error).toContain('https')
  })

  test('never has its token repeated, whatever it says', async ({ acme, sync }) => {
    const { url } = await startServer(({ headers }) => ({
      status: 400,
      body: { detail: `token=${headers.authorization?.slice(7)} of alice@example.com` },
    }))
    await create(acme, url)

    await sync()

    const { last_error } = await endpointOf(acme)
    expect(last_error).toContain('400')
    expect(last_error).not.toContain('secret-token')
    expect(last_error).not.toContain('alice')
  })

  test('that has no Groups gets the Users', async ({ acme, sync }) => {
    const users: Record<string, unknown>[] = []
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const isKnown = !request.url?.startsWith('/Groups')
      const made = {
        ...JSON.parse(Buffer.concat(chunks).toString() || '{}'),
        id: `${users.length}`,
      }
      if (request.method === 'POST') users.push(made)
      const all = { totalResults: users.length, Resources: users }
      response.writeHead(isKnown ? 200 : 404)
      response.end(JSON.stringify(request.method === 'POST' ? made : all))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const endpoint = await create(acme, `http://127.0.0.1:${port}`)

    await sync()
    await reconcile(acme, endpoint)
    await sync()

    expect(users).toHaveLength(5)
    expect(await endpointOf(acme)).toMatchObject({ last_error: null, drift: 0 })
  })

  test('without PATCH and filters is served by PUT and lists', async ({ acme, sync }) => {
    const users = new Map<string, Record<string, unknown>>()
    const groups = new Map<string, Record<string, unknown>>()
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}')
      const [, kind, id] = request.url?.split(/[/?]/) ?? []
      const say = (status: number, json: object) => {
        response.writeHead(status).end(JSON.stringify(json))
      }
      const all = kind === 'Users' ? users : groups
      if (kind === 'ServiceProviderConfig') {
        return say(200, { patch: { supported: false }, filter: { supported: false } })
      }
      if (request.url?.includes('filter=') || request.method === 'PATCH') return say(501, {})
      if (request.method === 'POST') {
        const made = { ...body, id: `${all.size + 1}` }
        all.set(made.id, made)
        return say(201, made)
      }
      if (request.method === 'PUT') all.set(id ?? '', body)
      const one = id && !request.url?.includes('startIndex') ? all.get(id) : null
      return say(200, one ?? { totalResults: all.size, Resources: [...all.values()] })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    await create(acme, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)

    await sync()
    await roles(acme, acme.member.userId, ['finance'])
    await remove(acme, acme.admin.userId)
    await sync()

    const idOf = (email: string) =>
      [...users.values()].find(({ userName }) => userName === email)?.id as string
    const members = (name: string) => {
      const group = [...groups.values()].find(({ displayName }) => displayName === name)
      const held = (group?.members ?? []) as { value: string }[]
      return held.map(({ value }) => value).sort()
    }
    expect(users.size).toBe(5)
    expect(users.get(idOf(acme.admin.email))).toMatchObject({ active: false })
    expect(members('finance')).toEqual([idOf(acme.member.email), idOf(acme.finance.email)].sort())
    expect(members('admin')).toEqual([])
    expect((await copies(acme)).every(({ status }) => status === 'current')).toBe(true)
  })
})
