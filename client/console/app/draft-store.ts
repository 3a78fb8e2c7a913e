/**
 * What somebody has typed, kept in the tab while they are away to sign in. It goes with the tab, and when they
 * sign out.
 *
 * @module
 */

const PREFIX = 'usher.draft.'
let isHolding = true

/** Keeps it if there is room; where a storage is full or forbidden, it is not kept. */
export function keepDraft(key: string, values: unknown): void {
  if (!isHolding) return
  try {
    sessionStorage.setItem(PREFIX + key, JSON.stringify(values))
  } catch {
    // Nothing else is lost by it.
  }
}

/** Gives back what was kept, once. @returns undefined when there is nothing */
export function takeDraft(key: string): unknown {
  try {
    const kept = sessionStorage.getItem(PREFIX + key)
    sessionStorage.removeItem(PREFIX + key)
    return kept === null ? undefined : JSON.parse(kept)
  } catch {
    return undefined
  }
}

/** Forgets all, and keeps nothing until somebody is signed in: forms that close now belong to whoever has left. */
export function forgetDrafts(): void {
  isHolding = false
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX)) sessionStorage.removeItem(key)
    }
  } catch {
    // A storage that is forbidden holds nothing.
  }
}

export function holdDrafts(): void {
  isHolding = true
}
