/**
 * What the worker asks of the database: the functions that its role may call, and nothing else.
 *
 * @module
 */
import postgres from 'postgres'
import type { QueuedAuthMail } from '../auth-mail/handler.ts'
import type { DeliveryEvent } from '../mail-webhooks/event.ts'
import { createBatcher } from './batch.ts'
import type { PreparedDelivery } from './delivery.ts'
import { logTrouble } from './log.ts'
import type { MailReport } from './mail-report.ts'
import type { Signature } from './transports/index.ts'

export interface Lease {
  deliveryId: string
  /** Named with every answer; an old one is refused. */
  fence: string
  /** Which try this is, from 1. */
  attempts: number
}

/** Why a mail was not taken. What follows from it is decided in SQL. */
export type Failure = 'temporary' | 'permanent' | 'in_doubt'

/**
 * Of whom a refusal speaks: an address that does not exist; a recipient who takes no mail, or none of this; the mail; or
 * the sender, which is us.
 */
export type About = 'address' | 'recipient' | 'message' | 'sender'

/** What has to be done from time to time; no matter by which worker, nor how often. */
export interface Housekeeping {
  /** Follows up what members lost: their invites, and what they answered for. Returns how many members, at most this many. */
  followLostRights(batchSize?: number): Promise<number>
  /** Brings unanswered invites to mind. Returns how many. */
  remindDueInvites(): Promise<number>
  /** Tells reviewers of access reviews that are overdue. Returns how many. */
  remindOverdueReviews(): Promise<number>
  /** Removes events whose time is over. Returns how many. */
  purgeAuditTrail(): Promise<number>
  /** Removes old mails of Supabase Auth. Returns how many. */
  purgeAuthMails(): Promise<number>
  /** Removes old answers of webhooks. Returns how many. */
  purgeWebhookAnswers(): Promise<number>
  /** Writes down that invites have expired. Returns how many. */
  expireDueInvites(): Promise<number>
  /** Tells members what of their access will end. Returns how many. */
  announceEndingAccess(): Promise<number>
  /** Writes down what access has come to its end. Returns how many memberships. */
  endDueAccess(): Promise<number>
  /** Seals what has been added to the audit trails. Returns how many events. */
  sealAuditTrail(): Promise<number>
}

export interface Deliveries {
  /** Takes up to this many mails that are due. */
  lease(worker: string, batchSize: number): Promise<Lease[]>
  /** Reads what the mail says, just before it is sent; null when it is not to be sent any more. */
  prepare(lease: Lease): Promise<PreparedDelivery | null>
  /** Writes down that an organisation's wording could not be drawn. */
  failTemplate(templateId: string, failure: string): Promise<void>
  /** False when another worker has taken over. */
  complete(lease: Lease, response: string, providerMessageId: string | null): Promise<boolean>
  /** The new status; null when another worker has taken over. */
  fail(
    lease: Lease,
    failure: Failure,
    response: string,
    statusCode: string | null,
    about: About | null,
  ): Promise<string | null>
}

/**
 * Connects as the worker's role. No prepared statements: a transaction-mode pooler may be between.
 *
 * @param name - as pg_stat_activity shows it. `usher doctor` takes `usher-worker-…` for a worker that runs all the
 *   time; functions, which connect as the same role, are called otherwise.
 */
export function connect(databaseUrl: string, name = 'usher-function'): postgres.Sql {
  return postgres(databaseUrl, {
    max: 4,
    prepare: false,
    onnotice: () => {},
    connection: { application_name: name },
  })
}

/** Domains that organisations have claimed. */
export interface Domains {
  listToVerify(): Promise<{ organisationId: string; domain: string }[]>
  /** Takes what the TXT records say; returns whether that proves the domain. */
  confirm(organisationId: string, domain: string, txtValues: string[]): Promise<boolean>
}

export function domainsOf(sql: postgres.Sql): Domains {
  return {
    async listToVerify() {
      return sql<{ organisationId: string; domain: string }[]>`
        select d.organisation_id as "organisationId", d.domain from usher.list_domains_to_verify() d`
    },
    async confirm(organisationId, domain, txtValues) {
      const [row] = await sql<{ verified: boolean }[]>`
        select usher.confirm_domain(${organisationId}, ${domain}, ${sql.array(txtValues)}) as verified`
      return row?.verified ?? false
    },
  }
}

export function housekeepingOf(sql: postgres.Sql): Housekeeping {
  return {
    async followLostRights(batchSize = LOST_AT_ONCE) {
      const [row] = await sql<{ count: number }[]>`
        select usher.follow_lost_rights(${batchSize}) as count`
      return row?.count ?? 0
    },
    async remindDueInvites() {
      const [row] = await sql<{ count: number }[]>`select usher.remind_due_invites() as count`
      return row?.count ?? 0
    },
    async remindOverdueReviews() {
      const [row] = await sql<{ count: number }[]>`select usher.remind_overdue_reviews() as count`
      return row?.count ?? 0
    },
    async purgeAuditTrail() {
      const [row] = await sql<{ count: number }[]>`select usher.purge_audit_trail() as count`
      return row?.count ?? 0
    },
    async purgeAuthMails() {
      const [row] = await sql<{ count: number }[]>`select usher.purge_auth_mails() as count`
      return row?.count ?? 0
    },
    async purgeWebhookAnswers() {
      const [row] = await sql<{ count: number }[]>`select usher.purge_webhook_answers() as count`
      return row?.count ?? 0
    },
    async expireDueInvites() {
      const [row] = await sql<{ count: number }[]>`select usher.expire_due_invites() as count`
      return row?.count ?? 0
    },
    async announceEndingAccess() {
      const [row] = await sql<{ count: number }[]>`select usher.announce_ending_access() as count`
      return row?.count ?? 0
    },
    async endDueAccess() {
      const [row] = await sql<{ count: number }[]>`select usher.end_due_access() as count`
      return row?.count ?? 0
    },
    async sealAuditTrail() {
      const [row] = await sql<{ count: number }[]>`select usher.seal_audit_trail() as count`
      return row?.count ?? 0
    },
  }
}

/** All that is to be followed up by now, a hundred members a transaction. */
export async function followLostRights({ followLostRights }: Housekeeping): Promise<void> {
  while ((await followLostRights(LOST_AT_ONCE)) === LOST_AT_ONCE);
}
const LOST_AT_ONCE = 100

/** The steps, in the order in which one thing may lead to another. */
export const STEPS = [
  'expireDueInvites',
  'remindDueInvites',
  'remindOverdueReviews',
  'endDueAccess',
  'followLostRights',
  'announceEndingAccess',
  'sealAuditTrail',
  'purgeAuditTrail',
  'purgeAuthMails',
  'purgeWebhookAnswers',
] as const satisfies (keyof Housekeeping)[]

/**
 * Does every step, also when one before it has failed: what fails for one organisation is noted by the database
 * (usher.upkeep_failures), and what fails as a whole comes into the log. Never throws.
 *
 * @returns the steps that have failed as a whole
 */
export async function keepHouse(housekeeping: Housekeeping): Promise<string[]> {
  const failed: string[] = []
  for (const step of STEPS) {
    try {
      await housekeeping[step]()
    } catch (error) {
      logTrouble('upkeep.failed', { step, error })
      failed.push(step)
    }
  }
  return failed
}

/** @param options.hasReturnTags - each mail gets a tag for the address that it comes from. Default: none does */
export function deliveriesOf(
  sql: postgres.Sql,
  { hasReturnTags = false }: { hasReturnTags?: boolean } = {},
): Deliveries {
  const prepare = createBatcher(async (leases: Lease[]) => {
    const rows = await sql<{ mail: PreparedDelivery | null; tag: string | null }[]>`
      select usher.prepare_delivery(l.id, l.fence) as mail,
        case when ${hasReturnTags} then usher.mint_return_tag(l.id) end as tag
      from unnest(${idsOf(leases)}::uuid[], ${fencesOf(leases)}::bigint[])
        with ordinality l (id, fence, n)
      order by l.n`
    return rows.map(({ mail, tag }) => mail && { ...mail, ...(tag && { return_tag: tag }) })
  })
  const complete = createBatcher(async (sent: Completed[]) => {
    const rows = await sql<{ done: boolean }[]>`
      select usher.complete_delivery(l.id, l.fence, l.response, l.message_id) as done
      from unnest(
        ${idsOf(sent)}::uuid[], ${fencesOf(sent)}::bigint[],
        ${sent.map(({ response }) => storable(response))}::text[],
        ${sent.map(({ providerMessageId }) => providerMessageId)}::text[])
        with ordinality l (id, fence, response, message_id, n)
      order by l.n`
    return rows.map(({ done }) => done)
  })
  return {
    async lease(worker, batchSize) {
      return sql<Lease[]>`
        select l.delivery_id as "deliveryId", l.fence, l.attempts
        from usher.lease_deliveries(${worker}, ${batchSize}) l`
    },
    prepare,
    async failTemplate(templateId, failure) {
      await sql`select usher.fail_template(${templateId}, ${storable(failure)})`
    },
    complete: (lease, response, providerMessageId) =>
      complete({ ...lease, response, providerMessageId }),
    async fail({ deliveryId, fence }, failure, response, statusCode, about) {
      const [row] = await sql<{ status: string | null }[]>`
        select usher.fail_delivery(
          ${deliveryId}, ${fence}, ${failure}, ${storable(response)}, ${statusCode}, ${about}) as status`
      return row?.status ?? null
    },
  }
}

/** Stops invites of an organisation by a mail's token; false when it is none of ours. */
export function stopMailOf(sql: postgres.Sql) {
  return async (token: string): Promise<boolean> => {
    try {
      await sql`select usher.stop_mail(${storable(token)})`
      return true
    } catch (error) {
      if (codeOf(error) === 'invite_invalid') return false
      throw error
    }
  }
}

/** Queues a mail of Supabase Auth; false when mail cannot be sent to such an address. */
export function enqueueAuthMailOf(sql: postgres.Sql) {
  return async (mail: QueuedAuthMail): Promise<boolean> => {
    if (mail.to.includes('\0')) return false
    try {
      await sql`select usher.enqueue_auth_mail(
        ${mail.to}, ${mail.locale}, ${mail.sealed}, ${mail.dedupeKey})`
      return true
    } catch (error) {
      if (codeOf(error) === 'invalid_email') return false
      throw error
    }
  }
}

/** Writes down what a provider tells of a mail; answers recorded, duplicate, unknown or ignored. */
export function recordDeliveryEventOf(sql: postgres.Sql) {
  return async (provider: string, event: DeliveryEvent): Promise<string> => {
    const [row] = await sql<{ outcome: string }[]>`
      select usher.record_delivery_event(
        ${provider}, ${storable(event.eventId)}, ${event.kind}, ${event.deliveryId},
        ${event.providerMessageId && storable(event.providerMessageId)}, ${event.occurredAt},
        ${event.isPermanent}, ${event.response && storable(event.response)},
        ${event.statusCode && storable(event.statusCode)}) as outcome`
    return row?.outcome ?? 'unknown'
  }
}

/** Writes down what a mail server reports of a mail; answers recorded, duplicate, unknown or ignored. */
export function recordMailReportOf(sql: postgres.Sql) {
  return async ({
    tag,
    eventId,
    recipients,
    action,
    about,
    ...report
  }: MailReport): Promise<string> => {
    const [row] = await sql<{ outcome: string }[]>`
      select usher.record_mail_report(
        ${tag}, ${eventId}, ${sql.array(recipients.map(storable))}, ${action}, ${about},
        ${storable(report.response)}, ${report.statusCode}) as outcome`
    return row?.outcome ?? 'unknown'
  }
}

/** Writes down, at the first mail that a worker has sent, how it was signed. */
export function noteSignatureOf(sql: postgres.Sql) {
  return async (signature: Signature | null): Promise<void> => {
    const name = signature && `${signature.selector}._domainkey.${signature.domain}`
    await sql`select usher.note_signature(${name}, ${signature?.publicKey ?? null})`
  }
}

/** The word of a refusal; null for what is none of ours. */
export function codeOf(error: unknown): string | null {
  const { code, message } = error as { code?: string; message?: string }
  return code === 'PGRST' ? ((JSON.parse(message ?? '{}') as { code?: string }).code ?? null) : null
}

interface Completed extends Lease {
  response: string
  providerMessageId: string | null
}

const idsOf = (leases: Lease[]) => leases.map(({ deliveryId }) => deliveryId)
const fencesOf = (leases: Lease[]) => leases.map(({ fence }) => fence)

/** What a stranger's server says, without the one character that Postgres does not store. */
export function storable(text: string): string {
  return text.replaceAll('\0', '')
}
