/**
 * The trail as people read it, made of nothing but the sealed texts and a list of who is who: so it can be
 * made anew from a package, and has to come out the same.
 *
 * @module
 */
import type { EvidenceEvent, EvidenceRow } from './source.ts'

const TRAIL_COLUMNS = [
  'occurred_at',
  'event',
  'actor_kind',
  'actor_id',
  'actor_email',
  'target_kind',
  'target_id',
  'target_email',
  'before',
  'after',
  'reason',
  'ip',
  'user_agent',
  'seal_number',
  'position',
  'event_id',
] as const

/**
 * What its files hold. A claimed address has a column only where there is one: events were sealed before such were
 * kept, and packages of them come out as they did.
 */
export function trailColumns(rows: EvidenceRow[]): readonly string[] {
  return rows.some(({ claimed_ip }) => claimed_ip !== null)
    ? [...TRAIL_COLUMNS, 'claimed_ip']
    : TRAIL_COLUMNS
}

/** What a sealed text says, in the order of `usher.event_text` of `sql/15_audit/03_audit_seals.sql`. */
export interface SaidEvent {
  id: string
  organisation_id: string
  /** ISO 8601 with microseconds, in UTC. */
  occurred_at: string
  event: string
  actor_kind: string
  actor_id: string | null
  target_kind: string
  target_id: string
  before: unknown
  after: unknown
}

/** @throws SyntaxError when it is no JSON */
export function readEvent(text: string): SaidEvent {
  const [
    id,
    organisation_id,
    epoch,
    event,
    actor_kind,
    actor_id,
    target_kind,
    target_id,
    before,
    after,
  ] = JSON.parse(text)
  const occurred_at = isoOf(epoch)
  return {
    id,
    organisation_id,
    occurred_at,
    event,
    actor_kind,
    actor_id,
    target_kind,
    target_id,
    before,
    after,
  }
}

/** @param epoch - seconds since 1970; its microseconds fit into a double until the year 2255 */
function isoOf(epoch: number): string {
  const microseconds = Math.round(epoch * 1e6)
  const rest = String(((microseconds % 1e6) + 1e6) % 1e6).padStart(6, '0')
  const seconds = new Date(Math.floor(microseconds / 1e6) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${rest}+00:00`
}

/** The events that say something, as rows. */
export function trailRows(events: EvidenceEvent[], people: EvidenceRow[]): EvidenceRow[] {
  const emails = new Map(people.map(({ user_id, email }) => [user_id, email]))
  const emailOf = (id: string | null) => emails.get(id) ?? null
  return events.flatMap(({ event, personal, seal_number, position, event_id }) => {
    if (event === null) return []
    const { id: _, organisation_id: __, ...said } = readEvent(event)
    const [reason, ip, user_agent, claimed_ip = null] = JSON.parse(personal ?? '[null,null,null]')
    return {
      ...said,
      actor_email: emailOf(said.actor_id),
      target_email: said.target_kind === 'user' ? emailOf(said.target_id) : null,
      reason,
      ip,
      user_agent,
      seal_number,
      position,
      event_id,
      claimed_ip,
    }
  })
}
