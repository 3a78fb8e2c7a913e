/**
 * What the worker asks of the database about directory endpoints.
 *
 * @module
 */
import type postgres from 'postgres'
import { storable } from '../_shared/database.ts'
import type { Endpoint, Features, ScimFailure } from './client.ts'

export interface Lease {
  endpointId: string
  memberId: string
  /** Named with every answer; an old one is refused. */
  fence: string
  /** Which try this is, from 1. */
  attempts: number
}

/** How a member has to be at an endpoint, and how they are known to be there. */
export interface Change {
  /** To be named when it is done: what was marked meanwhile stays marked. */
  change: number
  /** Null: whoever it is, is no member any more. */
  user: { user_id: string; email: string; display_name: string; roles: string[] } | null
  /** Who is no member any more; null: a member, or nobody knows, because the account is deleted. */
  former: { user_id: string } | null
  /** Null: there is no User of theirs there, as far as is known. */
  remote_id: string | null
  remote_roles: string[]
  /** Groups of the endpoint, by role. */
  groups: Record<string, string>
  endpoint: Endpoint & { id: string; features: Features }
}

/** How they are there now. */
export interface Outcome {
  remoteId: string | null
  roles: string[]
  /** What was refused for good nevertheless. */
  error: string | null
}

export interface Reconcile extends Endpoint {
  id: string
  fence: string
}

/** All that an endpoint holds. */
export interface Findings {
  features: Features
  users: {
    id: string
    external_id: string | null
    user_name: string | null
    display_name: string | null
    active: boolean
  }[]
  groups: { id: string; display_name: string; external_id: string | null; members: string[] }[]
}

/** What was other than it should be. */
export interface Drift {
  drift: number
  /** To be taken out of these groups. */
  strangers: { group_id: string; role: string; user_id: string }[]
  /** Groups of which there is another one: to be emptied and deleted. */
  doubles: { group_id: string; role: string }[]
}

/** The Group of a role at an endpoint, which nobody else writes to meanwhile. */
export interface GroupLease {
  /** Named when it is given back; an old one is refused. */
  fence: string
  /** Null: none is known. Written down when it is given back. */
  remote_id: string | null
  /** What a new one is called by us. */
  external_id: string
}

export interface Changes {
  lease(batchSize: number): Promise<Lease[]>
  /** Null when it is not to be sent any more. */
  prepare(lease: Lease): Promise<Change | null>
  /** False when another worker has taken over. */
  complete(lease: Lease, change: number, outcome: Outcome): Promise<boolean>
  fail(lease: Lease, failure: ScimFailure): Promise<void>
  /** Null when another worker has it. */
  leaseGroup(endpointId: string, role: string): Promise<GroupLease | null>
  releaseGroup(endpointId: string, role: string, group: GroupLease): Promise<void>
  /** Null when no endpoint is due. */
  leaseReconcile(): Promise<Reconcile | null>
  /** Null when another worker has taken over. */
  finishReconcile(reconcile: Reconcile, findings: Findings): Promise<Drift | null>
  failReconcile(reconcile: Reconcile, failure: ScimFailure): Promise<void>
  /** What the other side would not let be put right. */
  refuseReconcile(reconcile: Reconcile, error: string): Promise<void>
}

/** @param sql - connected as the role usher_worker */
export function changesOf(sql: postgres.Sql): Changes {
  return {
    async lease(batchSize) {
      return sql<Lease[]>`
        select l.endpoint_id as "endpointId", l.member_id as "memberId", l.fence, l.attempts
        from usher.lease_directory_changes(${batchSize}) l`
    },
    async prepare({ endpointId, memberId, fence }) {
      const [row] = await sql<{ change: Change | null }[]>`
        select usher.prepare_directory_change(${endpointId}, ${memberId}, ${fence}) as change`
      return row?.change ?? null
    },
    async complete({ endpointId, memberId, fence }, change, { remoteId, roles, error }) {
      const [row] = await sql<{ done: boolean }[]>`
        select usher.complete_directory_change(${endpointId}, ${memberId}, ${fence}, ${change},
          ${remoteId}, ${sql.array(roles)}::text[], ${error && storable(error)}) as done`
      return row?.done ?? false
    },
    async fail({ endpointId, memberId, fence }, { failure, message, retryAfter }) {
      await sql`select usher.fail_directory_change(
        ${endpointId}, ${memberId}, ${fence}, ${failure}, ${storable(message)}, ${retryAfter})`
    },
    async leaseGroup(endpointId, role) {
      const [row] = await sql<{ group: GroupLease | null }[]>`
        select usher.lease_directory_group(${endpointId}, ${role}) as group`
      return row?.group ?? null
    },
    async releaseGroup(endpointId, role, { fence, remote_id }) {
      await sql`select usher.release_directory_group(${endpointId}, ${role}, ${fence}, ${remote_id})`
    },
    async leaseReconcile() {
      const [row] = await sql<{ reconcile: Reconcile | null }[]>`
        select usher.lease_directory_reconcile() as reconcile`
      return row?.reconcile ?? null
    },
    async finishReconcile({ id, fence }, { features, users, groups }) {
      const [row] = await sql<{ drift: Drift | null }[]>`
        select usher.finish_directory_reconcile(${id}, ${fence}, ${sql.json({ ...features })},
          ${sql.json(users)}, ${sql.json(groups)}) as drift`
      return row?.drift ?? null
    },
    async refuseReconcile({ id, fence }, error) {
      await sql`select usher.refuse_directory_reconcile(${id}, ${fence}, ${storable(error)})`
    },
    async failReconcile({ id, fence }, { message, retryAfter }) {
      await sql`select usher.fail_directory_reconcile(${id}, ${fence}, ${storable(message)}, ${retryAfter})`
    },
  }
}
