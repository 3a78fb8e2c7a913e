/**
 * The worker's side of deliveries, as its role sees it.
 *
 * @module
 */
import type postgres from 'postgres'
import type { Organisation } from './acme.ts'
import { fanOut } from './outbox.ts'

/** Runs as the worker's role, which can do nothing else. */
export function asWorker<T>(acme: Organisation, work: (tx: postgres.TransactionSql) => Promise<T>) {
  return acme.sql.begin(async (tx) => {
    await tx`set local role usher_worker`
    return work(tx)
  }) as Promise<T>
}

export interface Lease {
  delivery_id: string
  fence: string
  attempts: number
}

/** Lets follow what has happened, and leases what is due for this organisation. */
export async function lease(acme: Organisation, batchSize = 50): Promise<Lease[]> {
  await fanOut(acme.sql)
  return leaseQueued(acme, batchSize)
}

/** Leases what is due for this organisation, and leaves the rest of the file's queue alone. */
export async function leaseQueued(acme: Organisation, batchSize = 50): Promise<Lease[]> {
  await acme.sql`update public.organisation_deliveries set due_at = now() + interval '1 day'
    where organisation_id <> ${acme.id}`
  return asWorker(
    acme,
    (tx) => tx<Lease[]>`select * from usher.lease_deliveries('test', ${batchSize})`,
  )
}

export const prepare = async (acme: Organisation, { delivery_id, fence }: Lease) =>
  (
    await asWorker(
      acme,
      (tx) => tx`select usher.prepare_delivery(${delivery_id}, ${fence}) as mail`,
    )
  )[0]?.mail

export const complete = async (acme: Organisation, { delivery_id, fence }: Lease) =>
  (
    await asWorker(
      acme,
      (tx) => tx`select usher.complete_delivery(${delivery_id}, ${fence}, '250 OK') as ok`,
    )
  )[0]?.ok

export const fail = async (
  acme: Organisation,
  { delivery_id, fence }: Lease,
  failure: string,
  code: string | null = null,
  about: string | null = null,
) =>
  (
    await asWorker(
      acme,
      (tx) =>
        tx`select usher.fail_delivery(${delivery_id}, ${fence}, ${failure}, 'No', ${code}, ${about}) as status`,
    )
  )[0]?.status

export const delivery = async (acme: Organisation, id: string) =>
  (await acme.sql`select * from public.organisation_deliveries where id = ${id}`)[0]

/** Lets a lease, or the wait for the next try, run out. */
export const timePasses = (acme: Organisation) =>
  acme.sql`update public.organisation_deliveries set due_at = now() - interval '1 second'
    where organisation_id = ${acme.id}`

export async function leaseOne(acme: Organisation): Promise<Lease> {
  const [leased] = await lease(acme)
  if (!leased) throw new Error('Nothing was due')
  return leased
}

/** Leases the one mail that is due and hands it to a mail server; returns its id. */
export async function send(acme: Organisation): Promise<string> {
  const leased = await leaseOne(acme)
  await prepare(acme, leased)
  await complete(acme, leased)
  return leased.delivery_id
}
