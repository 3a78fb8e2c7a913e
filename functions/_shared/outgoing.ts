/**
 * HTTP requests to addresses that an organisation chose, such as a webhook's: never to our own network.
 *
 * The name is resolved once, what it resolves to is checked, and the connection goes to that very address, so
 * that a name cannot mean one thing when it is checked and another when it is called (DNS rebinding). TLS is
 * checked against the name all the same. No redirect is followed: where it leads was not checked.
 * Source: OWASP Server-Side Request Forgery Prevention Cheat Sheet
 *
 * @module
 */
import { lookup } from 'node:dns/promises'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { createTargetRules, type TargetRules } from './outgoing-targets.ts'

export interface OutgoingRequest {
  url: string
  /** Default: GET */
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Milliseconds for all of it, from the look-up of the name to the end of the answer. Default: 15,000 */
  timeout?: number
  /** The answer is cut after so many bytes. Default: 65,536 */
  maxBytes?: number
}

export interface OutgoingAnswer {
  status: number
  /** Names in lower case; of one that came several times, the values joined by a comma. */
  headers: Record<string, string>
  /** Read as UTF-8. */
  body: string
  /** Whether the answer was longer than that. */
  isCut: boolean
}

/**
 * Asks, and answers whatever the other side says, errors and redirects too. Throws `TargetRefused` where it
 * may not ask there, and an `Error` in words when no whole answer came in time.
 */
export type Outgoing = (request: OutgoingRequest) => Promise<OutgoingAnswer>

/** The target is not one that may be asked: nothing was sent. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused'
}

export interface OutgoingOptions {
  /**
   * Private targets that the operator allows: USHER_ALLOW_PRIVATE_TARGETS, CIDRs parted by commas, or all.
   * http is allowed there too. Default: none
   */
  allow?: string | undefined
  /** Addresses of a name. Default: as the system looks names up */
  resolve?: (name: string) => Promise<string[]>
  /** Certificates to trust instead of the system's, as PEM. */
  certificates?: string
}

/** Throws when `allow` cannot be read. */
export function createOutgoing(options: OutgoingOptions = {}): Outgoing {
  const { allow = '', resolve = resolveBySystem, certificates } = options
  const rules = createTargetRules(allow)

  return async ({ url, method = 'GET', headers, body, timeout = 15_000, maxBytes = 65_536 }) => {
    const target = parseTarget(url)
    const signal = AbortSignal.timeout(timeout)
    const address = await inTime(findAddress(target, resolve, rules), signal, timeout)
    const isSecure = target.protocol === 'https:'
    const asked = (isSecure ? requestHttps : requestHttp)({
      // The address, not the name: nothing looks it up again.
      host: address,
      port: target.port || (isSecure ? 443 : 80),
      path: target.pathname + target.search,
      method,
      // Sent by its length, never in chunks, which small receivers do not understand.
      headers: {
        ...headers,
        host: target.host,
        ...(body !== undefined && { 'content-length': `${Buffer.byteLength(body)}` }),
      },
      // A connection that is kept could be used for a name that means another address by now.
      agent: false,
      // TLS knows no name that is an address; such a certificate is checked against the address.
      ...(isSecure && !rules.isAddress(nameOf(target)) && { servername: nameOf(target) }),
      ...(isSecure && certificates && { ca: certificates }),
    })
    try {
      return await inTime(exchange(asked, body, maxBytes), signal, timeout)
    } finally {
      asked.destroy()
    }
  }
}

function parseTarget(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !['https:', 'http:'].includes(url.protocol)) {
    throw new TargetRefused('The target is not an https:// address.')
  }
  if (url.username || url.password) {
    throw new TargetRefused('The target holds a user name or a password.')
  }
  return url
}

async function findAddress(
  target: URL,
  resolve: (name: string) => Promise<string[]>,
  rules: TargetRules,
): Promise<string> {
  const isSecure = target.protocol === 'https:'
  const name = nameOf(target)
  const addresses = rules.isAddress(name) ? [name] : await resolve(name)
  // IPv4 first: a name may have both where this machine has no IPv6.
  const allowed = addresses
    .filter((address) => rules.allows(address, isSecure))
    .sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
  if (allowed[0]) return allowed[0]
  if (addresses.length === 0) throw new Error(`${name} has no address.`)
  throw new TargetRefused(
    isSecure
      ? `${name} is not on the public internet; only the operator can allow such a target.`
      : 'Only https:// is allowed.',
  )
}

/** Without the brackets of an IPv6 address. */
const nameOf = ({ hostname }: URL) => hostname.replace(/^\[(.*)\]$/, '$1')

async function resolveBySystem(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address)
}

/** Sends the body and reads the answer, as far as it may be long. */
function exchange(
  asked: ClientRequest,
  body: string | undefined,
  maxBytes: number,
): Promise<OutgoingAnswer> {
  return new Promise((done, fail) => {
    asked.on('error', fail)
    asked.on('response', (answer) => {
      read(answer, maxBytes)
        .then(({ text, isCut }) =>
          done({ status: answer.statusCode ?? 0, headers: flatten(answer), body: text, isCut }),
        )
        .catch(fail)
    })
    asked.end(body)
  })
}

async function read(answer: IncomingMessage, maxBytes: number) {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes) break
  }
  const bytes = Buffer.concat(chunks).subarray(0, maxBytes)
  return { text: new TextDecoder().decode(bytes), isCut: length > maxBytes }
}

function flatten({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
  )
}

/** What is still under way when the time is over fails later, when nobody waits for it any more. */
async function inTime<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
  timeout: number,
): Promise<Value> {
  let giveUp = () => {}
  const late = new Promise<never>((_, fail) => {
    giveUp = () => fail(new Error(`No whole answer within ${timeout / 1000} seconds.`))
  })
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp)
  try {
    return await Promise.race([work, late])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
