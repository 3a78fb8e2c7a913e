/**
 * Brings the directories of other applications up to date: what is due, and whom to compare.
 *
 * @module
 */
import { log, logTrouble } from '../_shared/log.ts'
import type { Outgoing } from '../_shared/outgoing.ts'
import { isOwnFault } from '../_shared/own-fault.ts'
import { untilSome } from '../_shared/until-some.ts'
import type { Changes, Lease, Reconcile } from './changes.ts'
import { createScimClient, ScimFailure } from './client.ts'
import { createWithGroup } from './groups.ts'
import { push } from './push.ts'
import { reconcile } from './reconcile.ts'

export interface SyncOptions {
  changes: Changes
  outgoing: Outgoing
  /** How many members are under way at once; an endpoint that hangs holds up few of them. Default: 8 */
  concurrency?: number
  /** How many endpoints are compared at once, beside them. Default: 2 */
  compares?: number
}

export interface Counts {
  /** Members that are now as they should be, as far as the other side let them. */
  synced: number
  /** Members that were refused, or will be tried again. */
  failed: number
  /** Endpoints that were compared as a whole. */
  reconciled: number
}

/**
 * Goes on until nothing is due. Throws when the database is away, and then as well only once nothing is under
 * way any more.
 *
 * @param signal - when it is aborted, what is under way is finished and nothing more is taken
 */
export async function syncDirectories(options: SyncOptions, signal?: AbortSignal): Promise<Counts> {
  const { changes, concurrency = 8, compares = 2 } = options
  const counts: Counts = { synced: 0, failed: 0, reconciled: 0 }
  const members = new Set<Promise<void>>()
  // In places of their own: a removal does not wait until thousands have been compared.
  const endpoints = new Set<Promise<void>>()
  let trouble: { error: unknown } | null = null
  const start = (
    underWay: Set<Promise<void>>,
    work: Promise<keyof Counts | null>,
    about: Record<string, string>,
  ) => {
    const handling: Promise<void> = work
      .then((outcome) => {
        if (outcome) counts[outcome] += 1
      })
      .catch((error) => {
        if (!isOwnFault(error)) {
          trouble = { error }
          return
        }
        // One that the database does not let be done: its lease runs out, and the others go on.
        logTrouble('directory.refused', { ...about, error })
        counts.failed += 1
      })
      .finally(() => underWay.delete(handling))
    underWay.add(handling)
  }

  try {
    while (!signal?.aborted && !trouble) {
      // Whatever ends while the database is being asked may have made more due: it is asked again.
      const isBusy = members.size + endpoints.size > 0
      const free = concurrency - members.size
      const leases = free > 0 ? await changes.lease(free) : []
      for (const lease of leases) {
        start(members, bring(lease, options), {
          endpoint_id: lease.endpointId,
          member_id: lease.memberId,
        })
      }
      const endpoint = endpoints.size < compares ? await changes.leaseReconcile() : null
      if (endpoint) {
        start(endpoints, compare(endpoint, options), { endpoint_id: endpoint.id })
        continue
      }
      const underWay = [...members, ...endpoints]
      if (underWay.length > 0) await untilSome(underWay)
      else if (!isBusy && leases.length === 0) break
    }
  } finally {
    await Promise.all([...members, ...endpoints])
  }
  if (trouble) throw (trouble as { error: unknown }).error
  return counts
}

/** One member. Null: not to be sent any more. */
async function bring(
  lease: Lease,
  { changes, outgoing }: SyncOptions,
): Promise<'synced' | 'failed' | null> {
  const change = await changes.prepare(lease)
  if (!change) return null
  const about = {
    endpoint_id: lease.endpointId,
    member_id: lease.memberId,
    attempt: lease.attempts,
  }
  try {
    const client = createScimClient(change.endpoint, outgoing)
    const outcome = await push(change, client, withGroupOf(lease.endpointId, changes))
    await changes.complete(lease, change.change, outcome)
    log('directory.synced', { ...about, is_member: change.user !== null, error: outcome.error })
    return outcome.error ? 'failed' : 'synced'
  } catch (error) {
    const failure = toFailure(error)
    log('directory.failed', { ...about, failure: failure.failure, error: failure })
    await changes.fail(lease, failure)
    return 'failed'
  }
}

const withGroupOf = (endpointId: string, changes: Changes) =>
  createWithGroup(
    endpointId,
    (role) => changes.leaseGroup(endpointId, role),
    (role, group) => changes.releaseGroup(endpointId, role, group),
  )

/** One endpoint. Null: it could not be compared. */
async function compare(
  endpoint: Reconcile,
  { changes, outgoing }: SyncOptions,
): Promise<'reconciled' | null> {
  try {
    const { drift, refused } = await reconcile(
      endpoint,
      outgoing,
      (findings) => changes.finishReconcile(endpoint, findings),
      withGroupOf(endpoint.id, changes),
    )
    if (refused) await changes.refuseReconcile(endpoint, refused)
    log('directory.reconciled', { endpoint_id: endpoint.id, drift, refused })
    return 'reconciled'
  } catch (error) {
    const failure = toFailure(error)
    log('directory.failed', { endpoint_id: endpoint.id, failure: failure.failure, error: failure })
    await changes.failReconcile(endpoint, failure)
    return null
  }
}

/** An answer that cannot be worked with is the endpoint's fault; throws what is ours, such as a database that is away. */
function toFailure(error: unknown): ScimFailure {
  if (error instanceof ScimFailure) return error
  const isTheirs =
    error instanceof TypeError || /^2[23]/.test((error as { code?: string }).code ?? '')
  if (!isTheirs) throw error
  return new ScimFailure('endpoint', 'The answer is not what SCIM says.')
}
