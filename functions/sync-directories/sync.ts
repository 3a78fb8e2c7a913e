/**
 * Brings the directories of other applications up to date: what is due, and whom to compare.
 *
 * @module
 */
import { log } from '../_shared/log.ts'
import type { Outgoing } from '../_shared/outgoing.ts'
import type { Changes, Lease } from './changes.ts'
import { createScimClient, ScimFailure } from './client.ts'
import { push } from './push.ts'
import { reconcile } from './reconcile.ts'

export interface SyncOptions {
  changes: Changes
  outgoing: Outgoing
  /** How many members are under way at once. Default: 8 */
  concurrency?: number
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
 * Goes on until nothing is due. Throws when the database is away.
 *
 * @param signal - when it is aborted, what is under way is finished and nothing more is taken
 */
export async function syncDirectories(options: SyncOptions, signal?: AbortSignal): Promise<Counts> {
  const { changes, concurrency = 8 } = options
  const counts: Counts = { synced: 0, failed: 0, reconciled: 0 }
  while (!signal?.aborted) {
    // Members first: a removal does not wait until thousands have been compared.
    const leases = await changes.lease(concurrency)
    for (const outcome of await Promise.all(leases.map((lease) => bring(lease, options)))) {
      if (outcome) counts[outcome] += 1
    }
    if (leases.length > 0) continue
    const isDone = await compareNext(options)
    if (isDone === null) break
    if (isDone) counts.reconciled += 1
  }
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
    const outcome = await push(change, client, (role, remoteId) =>
      changes.saveGroup(lease.endpointId, role, remoteId),
    )
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

/** One endpoint. Null: none is due; false: it could not be compared. */
async function compareNext({ changes, outgoing }: SyncOptions): Promise<boolean | null> {
  const endpoint = await changes.leaseReconcile()
  if (!endpoint) return null
  try {
    const drift = await reconcile(endpoint, outgoing, (findings) =>
      changes.finishReconcile(endpoint, findings),
    )
    log('directory.reconciled', { endpoint_id: endpoint.id, drift })
    return true
  } catch (error) {
    const failure = toFailure(error)
    log('directory.failed', { endpoint_id: endpoint.id, failure: failure.failure, error: failure })
    await changes.failReconcile(endpoint, failure)
    return false
  }
}

/** An answer that cannot be worked with is the endpoint's fault; throws what is ours, such as a database that is away. */
function toFailure(error: unknown): ScimFailure {
  if (error instanceof ScimFailure) return error
  const isTheirs = error instanceof TypeError || /^22/.test((error as { code?: string }).code ?? '')
  if (!isTheirs) throw error
  return new ScimFailure('endpoint', 'The answer is not what SCIM says.')
}
