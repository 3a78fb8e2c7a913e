/**
 * Keeps a page as it is while its reader has to sign in again: what they ask of the API meanwhile waits, and goes out
 * once they are back. A request that was refused for its session has changed nothing, so that it can be sent again.
 *
 * @module
 */
import { isAuthRetryableFetchError, type SupabaseClient } from '@supabase/supabase-js'

/**
 * Why somebody has to sign in again. `ended`: their session has; `other_tab`: they signed out in another tab. With
 * the others the session goes on, but an organisation does not take it: it is too old, or was begun in another way.
 */
export type SignInReason = 'ended' | 'other_tab' | 'too_old' | 'other_way'

const REFUSED_TOKEN = ['PGRST301', 'PGRST303', 'unauthenticated', '42501']

export type SessionGate = ReturnType<typeof createSessionGate>

/** @param authOf - Auth of the client that is given `fetch` */
export function createSessionGate(authOf: () => SupabaseClient['auth']) {
  let watchers = 0
  let closed: { reason: SignInReason; opens: Promise<boolean> } | null = null
  let settle: (isBack: boolean) => void = () => {}
  let isPutOff = false
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }

  const tokenNow = async () => (await authOf().getSession()).data.session?.access_token ?? null

  async function withToken(init: RequestInit | undefined): Promise<RequestInit> {
    const headers = new Headers(init?.headers)
    headers.set('Authorization', `Bearer ${await tokenNow()}`)
    return { ...init, headers }
  }

  /** @returns true once the same person is back; false when they are not, and their requests are void */
  function close(reason: SignInReason): Promise<boolean> {
    const opens =
      closed?.opens ??
      new Promise<boolean>((resolve) => {
        settle = resolve
      })
    // What is put off on its own behalf is no longer so when the session itself is gone.
    if (!closed || isOver(reason)) {
      closed = { reason, opens }
      tell()
    }
    return opens
  }

  /** @returns whether anything was held back */
  function open(isBack: boolean): boolean {
    isPutOff = false
    if (!closed) return false
    closed = null
    settle(isBack)
    tell()
    return true
  }

  /** Whether there is another token than the one that was refused, or one can be had. */
  async function isRenewed(init: RequestInit | undefined): Promise<boolean | 'unknown'> {
    const refused = new Headers(init?.headers).get('Authorization')
    const isOther = async () => {
      const token = await tokenNow()
      return token !== null && refused !== `Bearer ${token}`
    }
    if (await isOther()) return true
    const { error } = await authOf().refreshSession()
    if (error && isAuthRetryableFetchError(error)) return 'unknown'
    return isOther()
  }

  async function guarded(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const address = input instanceof Request ? input.url : String(input)
    if (watchers === 0 || !address.includes('/rest/v1/')) return fetch(input, init)
    let sent = init
    if (closed && isOver(closed.reason) && (await orAborted(closed.opens, init?.signal))) {
      sent = await withToken(init)
    }
    const answer = await fetch(input, sent)
    const reason = await reasonIn(answer)
    if (!reason || watchers === 0) return answer
    if (reason === 'too_old' && isPutOff) return answer
    if (reason === 'ended' && !closed) {
      const renewed = await isRenewed(sent)
      if (renewed === 'unknown') return answer
      if (renewed) return fetch(input, await withToken(init))
    }
    const isBack = await orAborted(close(reason), init?.signal)
    return isBack ? fetch(input, await withToken(init)) : answer
  }

  // Before those of any dialog of a page, which would close below this one and lose what was typed into it.
  window.addEventListener(
    'keydown',
    (event) => {
      if (!closed || event.key !== 'Escape' || event.isComposing) return
      event.stopImmediatePropagation()
      if (!isOver(closed.reason)) putOff()
    },
    { capture: true },
  )

  /** The reader does not want to sign in now: what waits gets its refusal, and nothing asks again by itself. */
  function putOff() {
    open(false)
    isPutOff = true
  }

  return {
    fetch: guarded as typeof fetch,
    /** Why the reader has to sign in again; null: they need not. */
    reason: (): SignInReason | null => closed?.reason ?? null,
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** Says that somebody works on a page that must not go; ends by what it returns. */
    watch() {
      watchers += 1
      return () => {
        watchers -= 1
        if (watchers === 0) open(false)
      }
    },
    isWatched: () => watchers > 0,
    close: (reason: SignInReason) => void close(reason),
    open,
    putOff,
  }
}

/** Whether the session itself has ended. */
export function isOver(reason: SignInReason): boolean {
  return reason === 'ended' || reason === 'other_tab'
}

/** What an answer of the API says against the session; null: nothing. */
async function reasonIn(answer: Response): Promise<SignInReason | null> {
  if (answer.status !== 401 && answer.status !== 403) return null
  const refusal = await answer
    .clone()
    .json()
    .catch(() => null)
  if (answer.status === 401) return REFUSED_TOKEN.includes(refusal?.code) ? 'ended' : null
  return refusal?.code === 'sso_required' && refusal.details === 'max_age' ? 'too_old' : null
}

/** @throws what the signal was aborted with, if that comes first */
async function orAborted<T>(waiting: Promise<T>, signal: AbortSignal | null | undefined) {
  if (!signal) return waiting
  signal.throwIfAborted()
  return Promise.race([
    waiting,
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
  ])
}
