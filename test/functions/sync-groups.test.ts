/**
 * The Groups of an application that holds names for no more than names, and answers what it likes: RFC 7643 section
 * 8.7.1 makes no name of a Group unique, and PyPI's scim2-server is such a one.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { connect } from '../../functions/_shared/database.ts'
import { createOutgoing } from '../../functions/_shared/outgoing.ts'
import { changesOf } from '../../functions/sync-directories/changes.ts'
import { syncDirectories } from '../../functions/sync-directories/sync.ts'
import { test as base, type Organisation } from '../support/acme.ts'
import { workerUrl } from './worker-role.ts'

type Resource = Record<string, unknown> & { id: string }
type Operation = { op: string; path?: string; value?: unknown }
const ids = (members: unknown) => ((members ?? []) as { value: string }[]).map(({ value }) => value)

/** Two workers, each with connections of its own. */
const test = base
  .extend('workers', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    await database.sql`select usher.update_settings('{"allow_private_targets": true}')`
    const url = await workerUrl(database.sql, database.url)
    const both = [connect(url), connect(url)]
    onCleanup(async () => void (await Promise.all(both.map((sql) => sql.end()))))
    return both
  })
  .extend('sync', async ({ acme, workers }) => async () => {
    await acme.sql`update public.organisation_directory_endpoints set is_enabled = false
      where organisation_id <> ${acme.id}`
    const outgoing = createOutgoing({ allow: '127.0.0.0/8' })
    await Promise.all(workers.map((sql) => syncDirectories({ changes: changesOf(sql), outgoing })))
  })

/**
 * @param can.patch - without it, whole resources are read and written
 * @param can.remove - the removals that it carries out; others it answers with 200 all the same
 * @param can.say - whether a change is answered with how the resource is now
 */
async function startApplication(
  can: { patch?: boolean; remove?: (operation: Operation) => boolean; say?: boolean } = {},
) {
  const { patch = true, remove = () => true, say = true } = can
  const kinds = { Users: new Map<string, Resource>(), Groups: new Map<string, Resource>() }
  let last = 0
  const change = (resource: Resource, { op, path = '', value }: Operation) => {
    if (!path) return void Object.assign(resource, value)
    if (!path.startsWith('members')) return void Object.assign(resource, { [path]: value })
    const named = path.match(/value eq "(.*)"/)?.[1]
    const given = value ? ids(value) : named ? [named] : ids(resource.members)
    const now = op === 'replace' ? [] : ids(resource.members)
    if (op === 'remove' && !remove({ op, path, value })) return
    const left = op === 'remove' ? now.filter((id) => !given.includes(id)) : [...now, ...given]
    resource.members = [...new Set(left)].map((id) => ({ value: id }))
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}')
    const url = new URL(request.url ?? '', 'http://x')
    const [, name, id] = url.pathname.split('/')
    const answer = (status: number, json?: object) =>
      response.writeHead(status).end(json && JSON.stringify(json))
    if (name === 'ServiceProviderConfig') return answer(200, { patch: { supported: patch } })
    const all = kinds[name as 'Users' | 'Groups']
    const one = id ? all.get(id) : undefined
    // Long enough for another to look meanwhile.
    if (request.method === 'POST') {
      await new Promise((resolve) => setTimeout(resolve, 30))
      last += 1
      all.set(String(last), { ...body, id: String(last) })
      return answer(201, all.get(String(last)))
    }
    if (request.method === 'GET' && !id) {
      const [, attribute = '', value] =
        url.searchParams.get('filter')?.match(/^(\w+) eq "(.*)"$/) ?? []
      const Resources = [...all.values()].filter((r) => !attribute || r[attribute] === value)
      return answer(200, { totalResults: Resources.length, Resources })
    }
    if (!one) return answer(404, {})
    if (request.method === 'DELETE') all.delete(one.id)
    if (request.method === 'PATCH') for (const operation of body.Operations) change(one, operation)
    if (request.method === 'PUT') {
      // Read and written as a whole: of two at once, one is lost.
      await new Promise((resolve) => setTimeout(resolve, 20))
      all.set(one.id, { ...body, id: one.id })
    }
    return say || request.method === 'GET' ? answer(200, all.get(one.id) ?? {}) : answer(204)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const groupsOf = (email: string) => {
    const user = [...kinds.Users.values()].find(({ userName }) => userName === email)
    const held = [...kinds.Groups.values()].filter(({ members }) =>
      ids(members).includes(user?.id ?? ''),
    )
    return held.map(({ displayName }) => displayName).sort()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...kinds, groupsOf }
}

const endpointAt = (acme: Organisation, url: string) =>
  acme.owner.rpc('create_organisation_directory_endpoint', {
    organisation_id: acme.id,
    name: 'Application',
    url,
    token: 'secret',
  })
const remove = (acme: Organisation) =>
  acme.owner.rpc('remove_organisation_member', {
    organisation_id: acme.id,
    user_id: acme.member.userId,
  })
const roles = (acme: Organisation, userId: string, names: string[]) =>
  acme.owner.rpc('update_organisation_member_roles', {
    organisation_id: acme.id,
    user_id: userId,
    roles: names,
  })

test.for([
  ['by PATCH', {}],
  ['by PATCH that is answered without a word', { say: false }],
  ['by PUT', { patch: false }],
] as const)('makes each Group once, and loses nobody, %s', async ([, can], { acme, sync }) => {
  const application = await startApplication(can)
  for (const { userId } of [acme.finance, acme.roleless, acme.admin]) {
    await roles(acme, userId, ['member', 'finance'])
  }
  await endpointAt(acme, application.url)

  await sync()

  const names = [...application.Groups.values()].map(({ displayName }) => displayName)
  expect(names.sort()).toEqual(['finance', 'member', 'owner'])
  for (const { email } of [acme.finance, acme.roleless, acme.admin]) {
    expect(application.groupsOf(email)).toEqual(['finance', 'member'])
  }
  expect([...application.Groups.values()].map(({ externalId }) => externalId).sort()).toEqual(
    ['finance', 'member', 'owner'].map((role) => `${acme.id}:${role}`),
  )

  await remove(acme)
  await sync()
  expect(application.groupsOf(acme.member.email)).toEqual([])
})

test('empties and deletes what is double when it compares, and knows its own under any name', async ({
  acme,
  sync,
}) => {
  const application = await startApplication()
  const { id } = await endpointAt(acme, application.url)
  await sync()
  const [user] = [...application.Users.values()].filter(
    ({ userName }) => userName === acme.member.email,
  )
  const own = [...application.Groups.values()].find(({ displayName }) => displayName === 'member')
  if (own) own.displayName = 'Staff'
  const members = [{ value: user?.id }]
  application.Groups.set('lost', { id: 'lost', displayName: 'member', members })
  application.Groups.set('theirs', {
    id: 'theirs',
    displayName: 'member',
    externalId: 'x',
    members,
  })
  await roles(acme, acme.member.userId, ['finance'])

  await acme.owner.rpc('reconcile_organisation_directory_endpoint', { endpoint_id: id })
  await sync()

  expect(application.Groups.has('lost')).toBe(false)
  expect(application.Groups.has('theirs')).toBe(true)
  expect(ids(own?.members)).not.toContain(user?.id)
  expect(application.groupsOf(acme.member.email)).toEqual(['finance', 'member'])
})

test('takes out by another way what the first did not, and says who is in still', async ({
  acme,
  sync,
}) => {
  const knowsValues = await startApplication({ remove: ({ path }) => path === 'members' })
  const knowsNothing = await startApplication({ remove: () => false, say: false })
  await endpointAt(acme, knowsValues.url)
  await endpointAt(acme, knowsNothing.url)
  await sync()

  await remove(acme)
  await sync()

  expect(knowsValues.groupsOf(acme.member.email)).toEqual([])
  expect(knowsNothing.groupsOf(acme.member.email)).toEqual(['member'])
  const failed = (
    await acme.owner.select('organisation_directory_copies', { organisation_id: acme.id })
  ).filter(({ status }) => status === 'failed')
  expect(failed).toMatchObject([{ roles: ['member'] }])
  expect(failed[0]?.last_error).toContain('Group member: Somebody is in it still')
})
