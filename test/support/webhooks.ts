/**
 * Webhooks of an organisation, and the worker's side of them, as its role sees it.
 *
 * @module
 */
import type { Organisation } from './acme.ts'
import { fanOut } from './outbox.ts'
import { asWorker } from './worker.ts'

export const HOOK = 'https://hooks.example.com/usher'

/** Makes an endpoint, by the admin; answers its id and its secret. */
export const createWebhook = (
  acme: Organisation,
  more: { url?: string; events?: string[]; description?: string } = {},
): Promise<{ webhook_id: string; secret: string; organisation_id: string }> =>
  acme.admin.rpc('create_organisation_webhook', { organisation_id: acme.id, url: HOOK, ...more })

/** Makes something happen that webhooks can hear, as member.roles_updated. */
export async function happen(acme: Organisation) {
  const { userId: user_id } = acme.member
  const [member] = await acme.owner.select('organisation_members', { user_id })
  await acme.admin.rpc('update_organisation_member_roles', {
    ...{ organisation_id: acme.id, user_id },
    roles: member.roles.includes('finance') ? ['member'] : ['finance'],
  })
}

export interface WebhookLease {
  delivery_id: string
  fence: string
  attempts: number
}

/** Lets follow what has happened, and leases what is due for this organisation. */
export async function leaseWebhooks(acme: Organisation, batchSize = 50): Promise<WebhookLease[]> {
  await fanOut(acme.sql)
  return leaseQueuedWebhooks(acme, batchSize)
}

/** Leases what is due for this organisation, and leaves the rest of the file's queue alone. */
export async function leaseQueuedWebhooks(
  acme: Organisation,
  batchSize = 50,
): Promise<WebhookLease[]> {
  await acme.sql`update public.organisation_webhook_deliveries set due_at = now() + interval '1 day'
    where organisation_id <> ${acme.id}`
  return asWorker(
    acme,
    (tx) => tx<WebhookLease[]>`select * from usher.lease_webhook_deliveries('test', ${batchSize})`,
  )
}

export async function leaseWebhook(acme: Organisation): Promise<WebhookLease> {
  const [lease] = await leaseWebhooks(acme)
  if (!lease) throw new Error('Nothing was due')
  return lease
}

export const prepareWebhook = async (
  acme: Organisation,
  { delivery_id, fence }: WebhookLease,
): Promise<{ url: string; body: string; headers: Record<string, string> } | null> =>
  (
    await asWorker(
      acme,
      (tx) => tx`select usher.prepare_webhook_delivery(${delivery_id}, ${fence}) as request`,
    )
  )[0]?.request

/** @param statusCode - null: the endpoint did not answer */
export const answerWebhook = async (
  acme: Organisation,
  { delivery_id, fence }: WebhookLease,
  statusCode: number | null,
  retryAfter: number | null = null,
): Promise<string | null> =>
  (
    await asWorker(
      acme,
      (tx) => tx`select usher.record_webhook_try(
        ${delivery_id}, ${fence}, ${statusCode}, 'Said so', 12, ${retryAfter}) as status`,
    )
  )[0]?.status

/** The log of an organisation, oldest first. */
export async function webhookLog(acme: Organisation) {
  await fanOut(acme.sql)
  return acme.sql`select d.*, extract(epoch from d.due_at - clock_timestamp())::float8 as due_in
    from public.organisation_webhook_deliveries d
    where d.organisation_id = ${acme.id} order by d.created_at`
}

export const webhook = async (acme: Organisation, id: string) =>
  (await acme.sql`select * from public.organisation_webhooks where id = ${id}`)[0]

/** Lets a lease, or the wait for the next try, run out. */
export async function webhookTimePasses(acme: Organisation) {
  await fanOut(acme.sql)
  await acme.sql`update public.organisation_webhook_deliveries set due_at = now() - interval '1 second'
    where organisation_id = ${acme.id}`
}

export const INVALID = { code: 'invalid_settings' }

export const ROLES_UPDATED = ['member.roles_updated']
