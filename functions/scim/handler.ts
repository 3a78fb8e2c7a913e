/**
 * `/scim/v2/…`: a SCIM 2.0 server for the directory of one organisation, which the token names. It translates;
 * the database decides.
 *
 * Source: RFC 7644 section 3
 *
 * @module
 */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Directory, OpenDirectory } from './directory.ts'
import { resourceTypes, schemas, serviceProviderConfig } from './discovery.ts'
import { asksFor } from './filter.ts'
import { type Found, KINDS, type Kind } from './kinds.ts'
import { type ListQuery, listResponse, readListQuery, select } from './listing.ts'
import { isId } from './members.ts'
import { refuse, toResponse } from './problem.ts'
import { createProjection, names, withVersion } from './projection.ts'
import type { Json } from './schema.ts'

const BASE = '/scim/v2'
/** The id of nothing. */
const NOBODY = '00000000-0000-0000-0000-000000000000'
/** Bytes: a Group of 50,000 members. */
const BODY_LIMIT = 5 * 1024 * 1024

/**
 * Answers any request; never throws.
 *
 * @param scimUrl - where callers find this server, for the addresses in its answers
 */
export function createHandler(
  open: OpenDirectory,
  scimUrl: string,
): (request: Request) => Promise<Response> {
  const app = new Hono({ strict: false }).basePath(BASE)
  app.use(async (c, next) => {
    await next()
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
  })
  app.use(
    bodyLimit({
      maxSize: BODY_LIMIT,
      onError: () => toResponse(refuse(413, null, 'The body is too large: at most 5 MB.')),
    }),
  )

  /** Of a path, what can be done there: anything else is refused as that, and not as a path that is not there. */
  const only = (path: string, ...methods: string[]) =>
    app.all(path, () => {
      const allow = methods.join(', ')
      return toResponse(refuse(405, null, `What can be done here: ${allow}.`), { allow })
    })
  /** What a server says of itself cannot be filtered: RFC 7644 section 4. */
  const discover = (path: string, find: (c: Context) => Json) => {
    app.get(path, (c) => {
      if (c.req.query('filter') !== undefined) {
        throw refuse(403, null, 'What this server says of itself cannot be filtered.')
      }
      return answer(find(c))
    })
    only(path, 'GET')
  }
  discover('/ServiceProviderConfig', () => serviceProviderConfig(scimUrl))
  for (const [path, all] of [
    ['/ResourceTypes', resourceTypes(scimUrl)],
    ['/Schemas', schemas(scimUrl)],
  ] as const) {
    discover(path, () => listResponse(all, all.length))
    const isIt = (id: unknown, wanted: string | undefined) =>
      String(id).toLowerCase() === wanted?.toLowerCase()
    discover(`${path}/:id`, (c) => found(all.find(({ id }) => isIt(id, c.req.param('id')))))
  }

  const enter = <Answer>(
    c: Context,
    isChange: boolean,
    work: (d: Directory) => Promise<Answer>,
  ) => {
    const token = c.req.header('authorization')?.match(/^Bearer +(\S+)$/i)?.[1]
    if (!token)
      throw refuse(401, null, 'Authorization is "Bearer" and a token of the organisation.')
    return open({ token, isChange, headers: c.req.raw.headers }, work)
  }
  /** Whoever has no valid token has nothing read: neither a filter nor a body. */
  const admit = (c: Context) =>
    enter(c, false, (directory) => directory.groups({ id: NOBODY, withoutMembers: true }))

  for (const kind of KINDS) {
    const list = async (c: Context, given: Json) => {
      const query = readListQuery(given, kind.shape)
      const project = createProjection(given, kind.shape)
      const { page, total } = await enter(c, false, (directory) =>
        listOf(kind, directory, query, given, scimUrl),
      )
      return answer(listResponse(page.map(project), total, query.startIndex))
    }
    const find = async (directory: Directory, id: string): Promise<Found> =>
      // Asked for in any case: whoever has no valid token learns nothing else.
      found(await kind.find(directory, isId(id) ? id : NOBODY, scimUrl))
    const one = async (directory: Directory, id: string): Promise<Versioned> =>
      withVersion((await find(directory, id)).resource)
    const show = (c: Context, resource: Versioned, status = 200) =>
      answer(createProjection(c.req.query(), kind.shape)(resource), status, {
        etag: resource.meta.version,
        ...(status === 201 && { location: resource.meta.location }),
      })
    const path = kind.endpoint

    app.get(path, async (c) => {
      await admit(c)
      return list(c, c.req.query())
    })
    app.post(`${path}/.search`, async (c) => {
      await admit(c)
      return list(c, await readBody(c))
    })
    only(`${path}/.search`, 'POST')
    app.get(`${path}/:id`, async (c) => {
      const resource = await enter(c, false, (directory) => one(directory, c.req.param('id')))
      const known = c.req.header('if-none-match')
      if (known && names(known, resource.meta.version)) {
        return new Response(null, { status: 304, headers: { etag: resource.meta.version } })
      }
      return show(c, resource)
    })
    app.post(path, async (c) => {
      await admit(c)
      const create = kind.readNew(await readBody(c))
      const resource = await enter(c, true, async (directory) =>
        one(directory, await create(directory)),
      )
      return show(c, resource, 201)
    })
    only(path, 'GET', 'POST')
    for (const method of ['PUT', 'PATCH'] as const) {
      app.on(method, `${path}/:id`, async (c) => {
        await admit(c)
        const body = await readBody(c)
        const change = method === 'PUT' ? kind.readWhole(body) : kind.readPatch(body)
        const resource = await enter(c, true, async (directory) => {
          const now = await find(directory, c.req.param('id'))
          requireVersion(c, withVersion(now.resource))
          return one(directory, await change(directory, now))
        })
        return show(c, resource)
      })
    }
    app.delete(`${path}/:id`, async (c) => {
      const id = c.req.param('id')
      await enter(c, true, async (directory) => {
        requireVersion(c, await one(directory, id))
        await kind.delete(directory, id)
      })
      return new Response(null, { status: 204 })
    })
    only(`${path}/:id`, 'GET', 'PUT', 'PATCH', 'DELETE')
  }

  app.post('/.search', async (c) => {
    await admit(c)
    const given = await readBody(c)
    const { page, total, startIndex } = await searchAll(
      given,
      (work) => enter(c, false, work),
      scimUrl,
    )
    return answer(listResponse(page, total, startIndex))
  })
  only('/.search', 'POST')
  app.all('/Me', () => toResponse(refuse(501, null, 'A token is not a User here.')))
  app.all('/Bulk', () => toResponse(refuse(501, null, 'See bulk in /ServiceProviderConfig.')))
  app.notFound(() =>
    toResponse(refuse(404, null, 'There is nothing here: see /scim/v2/ResourceTypes.')),
  )
  app.onError((error) => toResponse(error))
  return async (request) => app.fetch(request)
}

type Versioned = ReturnType<typeof withVersion>

async function listOf(
  kind: Kind,
  directory: Directory,
  query: ListQuery,
  given: Json,
  scimUrl: string,
) {
  const { resources, total } = await kind.list(directory, query, given, scimUrl)
  if (total !== null) return { page: resources.map(withVersion), total }
  // The version is part of what a filter may ask for.
  const isAsked = query.filter && asksFor(query.filter, 'meta')
  const chosen = select(isAsked ? resources.map(withVersion) : resources, query)
  return { page: isAsked ? chosen.page : chosen.page.map(withVersion), total: chosen.total }
}

/** Looks into all kinds at once: RFC 7644 section 3.4.3. A kind that has not what the filter names has none of it. */
async function searchAll(
  given: Json,
  enter: <Answer>(work: (directory: Directory) => Promise<Answer>) => Promise<Answer>,
  scimUrl: string,
) {
  const asked: { kind: Kind; query: ListQuery }[] = []
  let refusal: unknown = null
  for (const kind of KINDS) {
    try {
      asked.push({ kind, query: readListQuery(given, kind.shape) })
    } catch (error) {
      refusal = error
    }
  }
  const [first] = asked
  if (!first) throw refusal
  const { startIndex, count } = first.query
  return enter(async (directory) => {
    const all: Json[] = []
    for (const { kind, query } of asked) {
      const project = createProjection(given, kind.shape)
      const whole = { ...query, startIndex: 1, count: startIndex - 1 + count }
      const { page, total } = await listOf(kind, directory, whole, given, scimUrl)
      all.push(...page.map(project), ...Array<Json>(total - page.length))
    }
    const page = all.slice(startIndex - 1, startIndex - 1 + count).filter(Boolean)
    return { page, total: all.length, startIndex }
  })
}

function found<Resource>(resource: Resource | null | undefined): Resource {
  if (resource === null || resource === undefined)
    throw refuse(404, null, 'There is no such resource.')
  return resource
}

function requireVersion(c: Context, { meta }: Versioned): void {
  const wanted = c.req.header('if-match')
  if (wanted && !names(wanted, meta.version)) {
    throw refuse(412, null, 'Somebody has changed it since: read it again.')
  }
}

/** Every body of SCIM is an object. */
async function readBody(c: Context): Promise<Json> {
  const body: unknown = await c.req.json().catch(() => undefined)
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw refuse(400, 'invalidSyntax', 'The body is not an object in JSON.')
  }
  return body as Json
}

function answer(body: Json, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/scim+json', ...headers },
  })
}
