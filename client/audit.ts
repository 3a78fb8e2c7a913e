/**
 * The audit trail: read it, and check that it is whole.
 *
 * @module
 */
import { type Connection, call, type Returned, type RowOf, receive } from './call.ts'
import type { EventCursor, Evidence, EvidenceEvent } from './evidence/source.ts'
import type { Camel } from './names.ts'
import { eachOf, type IterateOptions, type PageOptions, pageOf } from './pages.ts'
import type { PageResult, Result } from './result.ts'

/** One line of the trail. `event` is `thing.happened`, such as `invite.accepted`. */
export type AuditEvent = Omit<Camel<RowOf<'organisation_audit_events'>>, 'actorKind'> & {
  /** `invitee`: the holder of a link, without a session; `directory`: by SCIM; `operator`: by SQL. */
  actorKind: 'user' | 'device' | 'invitee' | 'directory' | 'worker' | 'operator'
}

type VerificationRow = Camel<Returned<'verify_organisation_audit_trail'>>
type Counts = 'events' | 'sealedEvents' | 'erasedEvents' | 'seals'
/** What `verify` found. Keep `lastSeal` elsewhere, and compare it later. */
export type AuditVerification = Omit<VerificationRow, Counts | 'isWhole' | 'problem'> & {
  [K in Counts]: number
} & (
    | { isWhole: true; problem: null }
    | {
        isWhole: false
        problem: 'event_changed' | 'event_removed' | 'event_inserted' | 'seal_broken'
      }
  )

export interface AuditFilter extends PageOptions {
  /** From then on; ISO 8601 when it is a text. */
  since?: string | Date | undefined
  /** Before then. */
  until?: string | Date | undefined
  /** One event or several, such as `invite.accepted`. */
  event?: string | string[] | undefined
  /** The user id of who did it. */
  actorId?: string | undefined
  actorKind?: AuditEvent['actorKind'] | undefined
  /** The id of what it was done to: an invite's, a person's, a role's, the organisation's. */
  targetId?: string | undefined
}

function listEvents(
  connection: Connection,
  organisationId: string,
  { since, until, event, actorId, actorKind, targetId, ...page }: AuditFilter,
): Promise<PageResult<AuditEvent>> {
  return pageOf(connection, 'organisation_audit_events', 'occurred_at', page, (select) => {
    let events = select.eq('organisation_id', organisationId)
    if (since) events = events.gte('occurred_at', new Date(since).toISOString())
    if (until) events = events.lt('occurred_at', new Date(until).toISOString())
    if (event) events = events.in('event', [event].flat())
    if (actorId) events = events.eq('actor_id', actorId)
    if (actorKind) events = events.eq('actor_kind', actorKind)
    return targetId ? events.eq('target_id', targetId) : events
  })
}

/** `usher.audit` */
export function audit(connection: Connection) {
  return {
    /** The trail of an organisation, newest first. Needs `audit.read`; otherwise empty. */
    list(organisationId: string, page: AuditFilter = {}): Promise<PageResult<AuditEvent>> {
      return listEvents(connection, organisationId, page)
    },

    /** All that `list` gives, page by page, one at a time. */
    iterate(organisationId: string, options: IterateOptions<AuditFilter> = {}) {
      return eachOf(connection, options, (to, page: AuditFilter) =>
        listEvents(to, organisationId, page),
      )
    },

    /**
     * Recomputes the seals of the trail.
     *
     * @returns whether it is whole, how many events there are, and the first that does not fit; or
     *   `unauthenticated`, `organisation_not_found`, `permission_denied`
     */
    verify(organisationId: string): Promise<Result<AuditVerification>> {
      return call(connection, 'verify_organisation_audit_trail', { organisationId })
    },

    /**
     * The registers for an auditor, all of one moment, and the seals of the trail; its events come from
     * `listEvidenceEvents`. The export is itself recorded, and the trail is sealed by it.
     *
     * @param period.since - from then on; ISO 8601 when it is a text
     * @param period.until - before then; by default, and at most, now
     * @returns it by the names of the database, as the files of a package have them; or
     *   `unauthenticated`, `organisation_not_found`, `permission_denied`, `invalid_settings`
     */
    exportEvidence(
      organisationId: string,
      { since, until }: { since: string | Date; until?: string | Date | undefined },
    ): Promise<Result<Evidence>> {
      return receive(
        connection,
        connection.supabase.rpc('export_organisation_evidence', {
          organisation_id: organisationId,
          since: new Date(since).toISOString(),
          until: until && new Date(until).toISOString(),
        }),
      ) as Promise<Result<Evidence>>
    },

    /**
     * The sealed events as the texts that were hashed, oldest seal first.
     *
     * @param cursor - after which event to go on, and up to which seal events say what happened
     * @param pageSize - 1 to 5,000
     * @returns fewer than `pageSize` when there are no more; or as `exportEvidence`
     */
    listEvidenceEvents(
      organisationId: string,
      { lastSeal, afterSeal, afterPosition }: EventCursor,
      pageSize = 1000,
    ): Promise<Result<EvidenceEvent[]>> {
      return receive(
        connection,
        connection.supabase.rpc('list_organisation_evidence_events', {
          organisation_id: organisationId,
          last_seal: lastSeal,
          after_seal: afterSeal,
          after_position: afterPosition,
          page_size: pageSize,
        }),
      ) as Promise<Result<EvidenceEvent[]>>
    },
  }
}
