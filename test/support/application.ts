/**
 * An application that is told by SCIM, and answers what it likes.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export type Resource = Record<string, unknown> & { id: string }
// biome-ignore lint/suspicious/noExplicitAny: whatever was sent
type Json = Record<string, any>
export type Operation = { op: string; path?: string; value?: unknown }
export const ids = (members: unknown) =>
  ((members ?? []) as { value: string }[]).map(({ value }) => value)

/**
 * @param can.patch - without it, whole resources are read and written
 * @param can.remove - the removals that it carries out; others it answers with 200 all the same
 * @param can.say - whether a change is answered with how the resource is now
 * @param can.keep - what is kept of a new resource
 * @param can.show - how a resource is shown
 * @param can.types - the endpoints of /ResourceTypes
 * @param can.answer - a status instead of an answer; 'lost': it is done, and nobody hears of it
 */
export async function startApplication(
  can: {
    patch?: boolean
    remove?: (operation: Operation) => boolean
    say?: boolean
    keep?: (resource: Resource) => Resource
    show?: (resource: Resource) => object
    answer?: (method: string, path: string, body: Json) => number | 'lost' | undefined
    types?: string[]
  } = {},
) {
  const { patch = true, remove = () => true, say = true } = can
  const { keep = (one) => one, show = (one) => one, answer: instead = () => undefined, types } = can
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
    const other = instead(request.method ?? '', url.pathname, body)
    const answer = (status: number, json?: object) =>
      other === 'lost'
        ? response.destroy()
        : response.writeHead(status).end(json && JSON.stringify(json))
    if (typeof other === 'number') return answer(other, {})
    if (name === 'ServiceProviderConfig') return answer(200, { patch: { supported: patch } })
    if (name === 'ResourceTypes' && types) {
      return answer(200, { Resources: types.map((endpoint) => ({ endpoint })) })
    }
    const all = kinds[name as 'Users' | 'Groups']
    if (!all) return answer(404, {})
    const one = id ? all.get(id) : undefined
    // Long enough for another to look meanwhile.
    if (request.method === 'POST') {
      await new Promise((resolve) => setTimeout(resolve, 30))
      last += 1
      const made = keep({ ...body, id: String(last) })
      all.set(made.id, made)
      return answer(201, show(made))
    }
    if (request.method === 'GET' && !id) {
      const [, attribute = '', value] =
        url.searchParams.get('filter')?.match(/^(\w+) eq "(.*)"$/) ?? []
      const Resources = [...all.values()]
        .filter((r) => !attribute || r[attribute] === value)
        .map(show)
      return answer(200, { totalResults: Resources.length, Resources })
    }
    if (!one) return answer(404, {})
    if (request.method === 'DELETE') all.delete(one.id)
    if (request.method === 'PATCH') for (const operation of body.Operations) change(one, operation)
    if (request.method === 'PUT') {
      // Read and written as a whole: of two at once, one is lost.
      await new Promise((resolve) => setTimeout(resolve, 20))
      const members = ids(body.members).map((value) => ({ value: String(value) }))
      all.set(one.id, { ...body, ...(body.members && { members }), id: one.id })
    }
    const now = all.get(one.id)
    return say || request.method === 'GET' ? answer(200, now ? show(now) : {}) : answer(204)
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
