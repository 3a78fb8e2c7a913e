/**
 * The page that a mailed link opens: the token, what to do next, and the answer.
 *
 * @module
 */
import { asciiAddress } from './address.ts'
import type { Usher } from './client.ts'
import { isUsherError, type UsherError } from './errors.ts'
import type { InvitePreview } from './invites.ts'
import type { Reason } from './members.ts'
import type { Result } from './result.ts'

/** `sessionStorage`, or anything like it. */
export interface TokenStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

export interface LandingOptions {
  /** Where the page is; default: the browser's. Without one, there is no token in the address. */
  location?: { hash: string; search: string; pathname: string } | undefined
  history?:
    | { state: unknown; replaceState(data: unknown, unused: string, url: string): void }
    | undefined
  /**
   * Where the token waits while its holder signs in or registers; default: the tab's sessionStorage. A tab that a
   * confirmation mail opens needs no token: see `signUpOptions`.
   */
  storage?: TokenStorage | undefined
  /** The key in the storage. */
  key?: string | undefined
}

/** Where the token is kept, unless an option says otherwise. */
const KEY = 'usher.invite'

/** What the holder of a link has to do; `closed`: nothing, the preview says why. */
export type LandingStep = 'sign-in' | 'register' | 'switch-account' | 'accept' | 'closed'

/**
 * Reads the token from the fragment (`/invite#inv_…`) or from `?token=`, and takes it out of the
 * address bar and of the history, so that it reaches no screenshot, bookmark or referrer. The rest of
 * the address stays.
 *
 * @returns the token, or null
 */
export function takeToken(
  location: LandingOptions['location'] = globalThis.location,
  history: LandingOptions['history'] = globalThis.history,
): string | null {
  if (!location) return null
  const query = new URLSearchParams(location.search)
  const isInFragment = location.hash.startsWith('#inv_')
  const token = isInFragment ? location.hash.slice(1) : query.get('token')
  if (!token && !query.has('token')) return null
  query.delete('token')
  const search = query.size ? `?${query}` : ''
  const hash = isInFragment ? '' : location.hash
  history?.replaceState(history.state, '', location.pathname + search + hash)
  return token || null
}

/**
 * Takes the token out of the address, as `takeToken` does, and keeps it in the storage at once: for pages
 * that load something before they can call `openLanding`, which finds it there.
 *
 * @returns the token, or null; where a storage is full or forbidden, hand it on yourself
 */
export function keepToken(options: LandingOptions = {}): string | null {
  const token = takeToken(options.location, options.history)
  if (token) attempt(() => storageOf(options)?.setItem(options.key ?? KEY, token))
  return token
}

/**
 * What to do next on the page of an invite. Only for comfort: who may accept is decided by the server. A link that was
 * revealed does not say whether there is an account: then it is `register`, beside which signing in has to be offered.
 *
 * @param sessionEmail - the address of whoever is signed in; null for nobody
 */
export function nextStep(
  preview: Pick<InvitePreview, 'status' | 'email' | 'hasAccount'>,
  sessionEmail: string | null,
): LandingStep {
  if (preview.status !== 'pending') return 'closed'
  if (!sessionEmail) return preview.hasAccount ? 'sign-in' : 'register'
  return asciiAddress(sessionEmail).toLowerCase() === preview.email ? 'accept' : 'switch-account'
}

type Invites<Dates extends boolean, Throws extends boolean> = Usher<Dates, Throws>['invites']

/** A link that is being answered. */
export interface Landing<Dates extends boolean = false, Throws extends boolean = false> {
  /** Null when nobody came by a link, and once it is spent. */
  readonly token: string | null
  /** What the link says. Without a token, one that is `invalid`. */
  preview(): ReturnType<Invites<Dates, Throws>['validate']>
  /** Accepts, once, however often it is called; forgets the token when it is spent. */
  accept(): ReturnType<Invites<Dates, Throws>['accept']>
  /** Declines, once; forgets the token. */
  decline(options?: Reason): ReturnType<Invites<Dates, Throws>['decline']>
  /** Forgets the token. */
  clear(): void
}

/**
 * Takes the token out of the address and keeps it until it has been answered, so that it survives the
 * way through registration and sign-in. Call it before anything else reads the address.
 *
 * @example
 * const landing = openLanding(usher)
 * const { data: preview } = await landing.preview()
 * const step = preview && nextStep(preview, session?.user.email ?? null)
 */
export function openLanding<Dates extends boolean, Throws extends boolean>(
  usher: Usher<Dates, Throws>,
  options: LandingOptions = {},
): Landing<Dates, Throws> {
  // Answers pass through as they are, whatever the client makes of dates and refusals.
  const { invites } = usher as unknown as Usher
  const { key = KEY } = options
  const storage = storageOf(options)
  // A storage may be full or forbidden: then the token lives as long as the page.
  let token = keepToken(options) ?? attempt(() => storage?.getItem(key)) ?? null
  const firstToken = token ?? ''

  function clear() {
    token = null
    attempt(() => storage?.removeItem(key))
  }

  /** Makes one call of many, until it is refused in a way that another try may mend. */
  function once<Args extends unknown[], T>(ask: (...args: Args) => Promise<Result<T>>) {
    let asked: Promise<Result<T>> | undefined
    const settle = (error: unknown) => {
      if (!error || (isUsherError(error) && isSpent(error))) clear()
      else asked = undefined
    }
    return (...args: Args) => {
      asked ??= ask(...args).then(
        (result) => {
          settle(result.error)
          return result
        },
        (error) => {
          settle(error)
          throw error
        },
      )
      return asked
    }
  }

  return {
    get token() {
      return token
    },
    preview: () => invites.validate(firstToken),
    accept: once(() => invites.accept(firstToken)),
    decline: once((reason?: Reason) => invites.decline(firstToken, reason)),
    clear,
  } as unknown as Landing<Dates, Throws>
}

/** Whether no further try can help: the link is unknown, answered or over. */
export function isSpent({ status, code }: UsherError): boolean {
  return status === 404 || status === 410 || code === 'invite_already_accepted'
}

function storageOf({ storage }: LandingOptions): TokenStorage | undefined {
  return storage ?? attempt(() => globalThis.sessionStorage)
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
