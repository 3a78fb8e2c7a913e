/**
 * A SCIM 2.0 client, as far as keeping Users and Groups takes one.
 *
 * It asks for what the other side can do before it does it, reads lists a page at a time, and says of each
 * refusal what follows from it.
 *
 * Source: RFC 7644
 *
 * @module
 */
import { asciiAddress } from '../../client/address.ts'
import { storable } from '../_shared/database.ts'
import { redact } from '../_shared/log.ts'
import type { Outgoing, OutgoingAnswer } from '../_shared/outgoing.ts'
import { parseRetryAfter } from '../_shared/retry-after.ts'

export type Json = Record<string, unknown>

export interface Endpoint {
  /** Without a slash at the end. */
  url: string
  /** A bearer token. */
  token: string
}

/** What a server can do beyond the least. */
export interface Features {
  patch: boolean
  filter: boolean
  /** Whether it has Groups at all: some have Users only. */
  groups: boolean
}

/**
 * permanent: this request is refused, and will be again; temporary: another try may do; endpoint: the server
 * answers nobody now. What follows is decided in SQL.
 */
export type Failure = 'permanent' | 'temporary' | 'endpoint'

export class ScimFailure extends Error {
  override readonly name = 'ScimFailure'
  readonly failure: Failure
  /** 0: there was no answer. */
  readonly status: number
  /** Seconds, where the server says so. */
  readonly retryAfter: number | null

  constructor(failure: Failure, message: string, status = 0, retryAfter: number | null = null) {
    super(message)
    this.failure = failure
    this.status = status
    this.retryAfter = retryAfter
  }
}

export type Kind = 'Users' | 'Groups'

export interface ScimClient {
  features(): Promise<Features>
  /** Each of a kind, once. Fails with status 404 where there is no such kind. */
  list(kind: Kind): Promise<Json[]>
  /** Those with this value of an attribute. */
  find(kind: Kind, attribute: string, value: string, features: Features): Promise<Json[]>
  /** Null when it is not there. */
  get(kind: Kind, id: string): Promise<Json | null>
  create(kind: Kind, resource: Json): Promise<Json>
  /** How it is now, as far as the answer says; null when it is not there. */
  replace(kind: Kind, id: string, resource: Json): Promise<Json | null>
  /** How it is now, as far as the answer says; null when it is not there. */
  patch(kind: Kind, id: string, operations: object[]): Promise<Json | null>
  /** Whether it was there or not. */
  delete(kind: Kind, id: string): Promise<void>
}

const PAGE = 200
/** Bytes: a page of groups that have thousands of members each. */
const MAX_BYTES = 32 * 1024 * 1024
/** Of a kind: beyond that, it is not a directory but a stream. */
const MAX_RESOURCES = 200_000
/** Milliseconds for all pages; a lease to compare lasts ten minutes. */
const LIST_PATIENCE = 240_000
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

/** Each method throws a `ScimFailure` for all that is not an answer to its question. */
export function createScimClient({ url, token }: Endpoint, outgoing: Outgoing): ScimClient {
  const ask = async (method: string, path: string, body?: Json): Promise<OutgoingAnswer> => {
    const answer = await outgoing({
      url: url + path,
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/scim+json, application/json',
        'user-agent': 'Usher',
        ...(body && { 'content-type': 'application/scim+json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      maxBytes: MAX_BYTES,
    }).catch((error: Error) => {
      throw new ScimFailure('endpoint', redact(error.message))
    })
    if (answer.status < 200 || (answer.status > 299 && answer.status !== 404))
      throw toFailure(answer)
    return answer
  }

  const get = async (path: string): Promise<Json | null> => {
    const answer = await ask('GET', path)
    return answer.status === 404 ? null : read(answer)
  }

  const page = async (kind: Kind, query: string) => {
    const body = await get(`/${kind}?${query}`)
    if (!body) throw new ScimFailure('endpoint', `There is no /${kind} at this address.`, 404)
    const { Resources = [] } = body
    if (
      !Array.isArray(Resources) ||
      Resources.some((one) => one === null || typeof one !== 'object')
    )
      throw new ScimFailure('endpoint', `The list of /${kind} is no list of resources.`)
    return { resources: Resources as Json[], total: Number(body.totalResults ?? Infinity) || 0 }
  }

  const list = async (kind: Kind): Promise<Json[]> => {
    const found = new Map<string, Json>()
    const end = Date.now() + LIST_PATIENCE
    for (let start = 1; ; ) {
      const { resources, total } = await page(kind, `startIndex=${start}&count=${PAGE}`)
      const before = found.size
      for (const resource of resources) found.set(String(resource.id), resource)
      start += resources.length
      if (found.size > MAX_RESOURCES || Date.now() > end)
        throw new ScimFailure('endpoint', `The list of /${kind} does not end.`)
      // Some say of how many are on the page that these are all, and some say nothing.
      const isLast = start > total && resources.length < PAGE
      if (found.size === before || isLast) return [...found.values()]
    }
  }

  const change = async (method: string, path: string, body: Json): Promise<Json | null> => {
    const answer = await ask(method, path, body)
    if (answer.status === 404) return null
    // Of a change, the answer may say nothing, or be no JSON: it has been made all the same.
    return answer.isCut ? {} : (parse(answer.body) ?? {})
  }

  return {
    async features() {
      // Whoever does not say can do what nearly all can.
      const config = await get('/ServiceProviderConfig').catch(unlessAway)
      const can = (name: string) =>
        (config?.[name] as { supported?: boolean } | undefined)?.supported
      return {
        patch: can('patch') ?? true,
        filter: can('filter') ?? true,
        groups: await hasGroups(get),
      }
    },
    list,
    async find(kind, attribute, value, features) {
      const filter = encodeURIComponent(`${attribute} eq ${JSON.stringify(value)}`)
      const all = features.filter
        ? (await page(kind, `filter=${filter}`)).resources
        : await list(kind)
      const folded = (of: unknown) => asciiAddress(String(of ?? '')).toLowerCase()
      const isIt = (one: Json) => folded(one[attribute]) === folded(value)
      return all.filter(isIt)
    },
    get: (kind, id) => get(`/${kind}/${encodeURIComponent(id)}`),
    async create(kind, resource) {
      const answer = await ask('POST', `/${kind}`, resource)
      const body = answer.status === 404 ? null : read(answer)
      if (typeof body?.id !== 'string' && typeof body?.id !== 'number') {
        throw new ScimFailure('permanent', `The answer to a new one of /${kind} has no id.`)
      }
      return body
    },
    replace: (kind, id, resource) =>
      change('PUT', `/${kind}/${encodeURIComponent(id)}`, { ...resource, id }),
    patch: (kind, id, operations) =>
      change('PATCH', `/${kind}/${encodeURIComponent(id)}`, {
        schemas: [PATCH],
        Operations: operations,
      }),
    async delete(kind, id) {
      await ask('DELETE', `/${kind}/${encodeURIComponent(id)}`)
    },
  }
}

function read({ body, isCut, status }: OutgoingAnswer): Json {
  if (isCut) throw new ScimFailure('endpoint', `The answer is longer than ${MAX_BYTES} bytes.`)
  const json = body === '' ? {} : parse(body)
  if (json) return json
  throw new ScimFailure('endpoint', `The answer (${status}) is no JSON: is this a SCIM base URL?`)
}

/** Null for what is no object. */
function parse(body: string): Json | null {
  try {
    // What Postgres does not store: NUL, and halves of characters.
    const json = JSON.parse(body, (_, value) =>
      typeof value === 'string' ? storable(value) : value,
    )
    return json !== null && typeof json === 'object' ? (json as Json) : null
  } catch {
    return null
  }
}

/** What is asked for to know more, and need not be there. */
function unlessAway(error: ScimFailure): null {
  if (error.failure === 'endpoint') throw error
  return null
}

/** Some that have none answer 404 to whoever asks for them, others 405, 501 or 500: goauthentik/authentik#24486. */
async function hasGroups(get: (path: string) => Promise<Json | null>): Promise<boolean> {
  const listed = (await get('/ResourceTypes').catch(unlessAway))?.Resources
  const endpoints = (Array.isArray(listed) ? listed : []).map((one) => textOf(one?.endpoint))
  const isSaid = endpoints.some((one) => /\/users$/i.test(one))
  if (isSaid) return endpoints.some((one) => /\/groups$/i.test(one))
  const groups = await get('/Groups?startIndex=1&count=1').catch((error: ScimFailure) => {
    if (![405, 501].includes(error.status)) throw error
    return null
  })
  return groups !== null
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

function toFailure({ status, headers, body }: OutgoingAnswer): ScimFailure {
  const retryAfter = parseRetryAfter(headers['retry-after'], Date.now())
  return new ScimFailure(failureOf(status), `${status}: ${detailOf(body)}`, status, retryAfter)
}

function failureOf(status: number): Failure {
  // Nobody is let in, nobody is answered, or the address is another.
  if ([401, 429, 503].includes(status) || status < 400) return 'endpoint'
  return status >= 500 ? 'temporary' : 'permanent'
}

/** What an error document says, or the beginning of whatever came instead; with nothing secret in it. */
function detailOf(body: string): string {
  let text = body
  try {
    text = String((JSON.parse(body) as Json).detail ?? body)
  } catch {
    // No JSON: as it is.
  }
  return redact(text.replace(/\s+/g, ' ').trim()).slice(0, 300) || 'without a word.'
}
