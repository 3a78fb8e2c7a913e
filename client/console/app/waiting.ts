/**
 * Whom a mail of Auth is awaited for on a page, so that a reload does not ask for the address again. Kept in the tab,
 * and for as long as codes live at most.
 *
 * @module
 */
import type { AuthError } from '@supabase/supabase-js'
import { useCallback, useEffect, useState } from 'react'
import { secondsToWait } from './auth-errors.ts'

export interface Waiting {
  email: string
  /** `signup`: to confirm a new account; `code`: to sign in; `recovery`: to choose a new password. */
  kind: 'signup' | 'code' | 'recovery'
  /** Whether they came to make an account. */
  isNew: boolean
  /** Milliseconds since 1970. */
  sentAt: number
}

const KEY = 'usher.waiting'
/** An hour, Auth's default for codes and links. */
const LIFETIME = 3_600_000

/** Seconds between two mails to one address, as Auth has it unless a project says otherwise. */
export const PAUSE = 60

/**
 * When the mail went out that was just asked for. One that went out a moment ago, because of which Auth sends no
 * other, is as good as one that goes out now.
 *
 * @returns milliseconds since 1970; null when there is none
 */
export function sentAtOf(error: AuthError | null): number | null {
  const seconds = error ? secondsToWait(error) : PAUSE
  return seconds === null ? null : Date.now() - (PAUSE - seconds) * 1000
}

/** What this page waits for, also after a reload. */
export function readWaiting(): Waiting | null {
  try {
    const { page, ...waiting } = JSON.parse(sessionStorage.getItem(KEY) ?? 'null')
    const isCurrent = page === window.location.pathname && Date.now() - waiting.sentAt < LIFETIME
    return isCurrent ? waiting : null
  } catch {
    return null
  }
}

function writeWaiting(waiting: Waiting | null): void {
  try {
    const page = window.location.pathname
    if (waiting) sessionStorage.setItem(KEY, JSON.stringify({ page, ...waiting }))
    else sessionStorage.removeItem(KEY)
  } catch {
    // A storage may be full or forbidden: then a reload asks again.
  }
}

/** It is over when it is set to null, and when what waits is no longer shown. */
export function useWaiting(): [Waiting | null, (waiting: Waiting | null) => void] {
  const [waiting, setWaiting] = useState(readWaiting)
  useEffect(() => () => writeWaiting(null), [])
  const set = useCallback((next: Waiting | null) => {
    writeWaiting(next)
    setWaiting(next)
  }, [])
  return [waiting, set]
}
