/**
 * The page that a mailed link opens: the token, what to do next, and the answer.
 *
 * @module
 */
import type { Usher } from './client.ts'
import type { InvitePreview } from './invites.ts'
import type { Member, Reason } from './members.ts'
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
   * Where the token waits while its holder signs in or registers; default: the tab's sessionStorage.
   * Take one that all tabs share where a confirmation mail opens a new tab.
   */
  storage?: TokenStorage | undefined
  /** The key in the storage. */
  key?: string | undefined
}

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
 * What to do next on the page of an invite. Only for comfort: who may accept is decided by the server.
 *
 * @param sessionEmail - the address of whoever is signed in; null for nobody
 */
export function nextStep(preview: InvitePreview, sessionEmail: string | null): LandingStep {
  if (preview.status !== 'pending') return 'closed'
  if (!sessionEmail) return preview.hasAccount === false ? 'register' : 'sign-in'
  return sessionEmail.toLowerCase() === preview.email ? 'accept' : 'switch-account'
}

/** A link that is being answered. */
export interface Landing {
  /** Null when nobody came by a link. */
  readonly token: string | null
  /** What the link says. Without a token, one that is `invalid`. */
  preview(): Promise<Result<InvitePreview>>
  /** Accepts, once, however often it is called; forgets the token when it is spent. */
  accept(): Promise<Result<Member>>
  /** Declines, once; forgets the token. */
  decline(options?: Reason): Promise<Result<InvitePreview>>
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
 * const step = nextStep(preview, session?.user.email ?? null)
 */
export function openLanding(usher: Usher, options: LandingOptions = {}): Landing {
  const { location, history, key = 'usher.invite' } = options
  const storage = options.storage ?? sessionStorageIfAny()
  const taken = takeToken(location, history)
  // A storage may be full or forbidden: then the token lives as long as the page.
  if (taken) attempt(() => storage?.setItem(key, taken))
  let token = taken ?? attempt(() => storage?.getItem(key)) ?? null
  const firstToken = token ?? ''
  let accepting: Promise<Result<Member>> | undefined
  let declining: Promise<Result<InvitePreview>> | undefined

  function clear() {
    token = null
    attempt(() => storage?.removeItem(key))
  }

  /** Clears when the link is spent; otherwise it can be tried again. */
  async function answer<T>(request: Promise<Result<T>>, again: () => void): Promise<Result<T>> {
    const result = await request.catch((error) => {
      again()
      throw error
    })
    if (!result.error || isSpent(result.error)) clear()
    else again()
    return result
  }

  return {
    get token() {
      return token
    },
    preview: () => usher.invites.validate(firstToken),
    accept() {
      accepting ??= answer(usher.invites.accept(firstToken), () => {
        accepting = undefined
      })
      return accepting
    },
    decline(options) {
      declining ??= answer(usher.invites.decline(firstToken, options), () => {
        declining = undefined
      })
      return declining
    },
    clear,
  }
}

/** Whether no further try can help: the link is unknown, answered or over. */
function isSpent({ status, code }: { status: number; code: string }): boolean {
  return status === 404 || status === 410 || code === 'invite_already_accepted'
}

function sessionStorageIfAny(): TokenStorage | undefined {
  return attempt(() => globalThis.sessionStorage)
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
