/**
 * Where evidence comes from: the API, for whoever is signed in, or a database, for its operator.
 *
 * @module
 */

/** A row of a register, as the database gives it. Times are ISO 8601 in UTC. */
export type EvidenceRow = Record<string, unknown>

/** A link of the chain: its hash covers the seal before and the hashes of its events. */
export interface Seal {
  number: number
  /** How many events it covers. */
  events: number
  sealed_at: string
  first_event_at: string
  last_event_at: string
  /** When its events were removed, because their time was over. */
  purged_at: string | null
  /** SHA-256, as hex. */
  hash: string
}

/** What `export_organisation_evidence` returns. */
export interface Evidence {
  organisation: {
    id: string
    name: string
    slug: string
    created_at: string
    /** How long events are kept, such as `P365D`; null: for ever. */
    audit_retention: string | null
  }
  /** From then on. */
  since: string
  /** Before then. */
  until: string
  /** The moment that all of it is of. */
  collected_at: string
  has_member_addresses: boolean
  has_invite_addresses: boolean
  trail: {
    /** The seals that cover the period; null when nothing happened in it. */
    first_seal: number | null
    last_seal: number | null
    /** The newest seal. */
    head_seal: number
    /** From the one before `first_seal` to the newest. */
    seals: Seal[]
  }
  tables: Record<string, EvidenceRow[]>
}

/** An event as the texts that its seal was made of. */
export interface EvidenceEvent {
  seal_number: number
  /** Its place under the seal, from 1. */
  position: number
  event_id: string
  /** The SHA-256 of `event`. */
  event_hash: string
  /** The SHA-256 of the salt and `personal`. */
  personal_hash: string
  /** 16 bytes as hex; null where a person was erased. */
  personal_salt: string | null
  /** Null after the period, and where its time was over. */
  event: string | null
  personal: string | null
}

/** Where to go on: after this event of this seal. */
export interface EventCursor {
  lastSeal: number
  afterSeal: number
  afterPosition: number
}

export const EVENTS_A_PAGE = 1000

export interface EvidenceSource {
  collect(): Promise<Evidence>
  /** The next {@link EVENTS_A_PAGE} events; fewer when there are no more. */
  events(cursor: EventCursor): Promise<EvidenceEvent[]>
}

/** All events from the first seal of the period to the newest one that was there when it was collected. */
export async function allEvents(
  source: EvidenceSource,
  { first_seal, last_seal, head_seal }: Evidence['trail'],
): Promise<EvidenceEvent[]> {
  if (first_seal === null || last_seal === null) return []
  const events: EvidenceEvent[] = []
  const cursor = { lastSeal: last_seal, afterSeal: first_seal, afterPosition: 0 }
  for (;;) {
    const page = await source.events(cursor)
    for (const event of page) {
      // Sealed since: not of this moment.
      if (event.seal_number > head_seal) return events
      events.push(event)
    }
    const last = page.at(-1)
    if (!last || page.length < EVENTS_A_PAGE) return events
    cursor.afterSeal = last.seal_number
    cursor.afterPosition = last.position
  }
}
