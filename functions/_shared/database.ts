/**
 * What the worker asks of the database: the functions that its role may call, and nothing else.
 *
 * @module
 */
import postgres from 'postgres'

export interface Lease {
  deliveryId: string
  /** Named with every answer; an old one is refused. */
  fence: string
  /** Which try this is, from 1. */
  attempts: number
}

/** What a mail about an invite says. */
export interface InviteFacts {
  id: string
  email: string
  roles: string[]
  inviter_name: string | null
  inviter_email: string | null
  message: string | null
  /** ISO 8601. */
  expires_at: string
  decline_reason: string | null
}

/** What a mail about a membership says, as it was when it was caused. */
export interface MemberFacts {
  roles: string[]
  /** Who did it. */
  actor_name: string | null
  actor_email: string | null
  /** Who owns the organisation now. */
  owner_name: string | null
}

interface AnyDelivery {
  id: string
  to: string
  /** BCP 47, such as `de-AT`. */
  locale: string
  reply_to: string | null
  site_url: string
  /** With a token of its own; for an invite only. */
  link: string | null
  organisation: { id: string; name: string; logo_url: string | null; accent_colour: string | null }
}

export interface InviteDelivery extends AnyDelivery {
  kind:
    | 'invite'
    | 'invite_reminder'
    | 'invite_accepted'
    | 'invite_declined'
    | 'invite_expired'
    | 'invite_resend_requested'
  invite: InviteFacts
  member: null
}

export interface MemberDelivery extends AnyDelivery {
  kind: 'member_roles_updated' | 'member_removed' | 'member_banned' | 'ownership_transferred'
  invite: null
  member: MemberFacts
}

/** All that one mail needs, as `usher.prepare_delivery` gives it. */
export type PreparedDelivery = InviteDelivery | MemberDelivery

/** Why a mail was not taken. What follows from it is decided in SQL. */
export type Failure = 'temporary' | 'permanent' | 'in_doubt'

/** What has to be done from time to time; no matter by which worker, nor how often. */
export interface Housekeeping {
  /** Brings unanswered invites to mind. Returns how many. */
  remindDueInvites(): Promise<number>
  /** Removes events whose time is over. Returns how many. */
  purgeAuditTrail(): Promise<number>
  /** Writes down that invites have expired. Returns how many. */
  expireDueInvites(): Promise<number>
  /** Seals what has been added to the audit trails. Returns how many events. */
  sealAuditTrail(): Promise<number>
}

export interface Deliveries {
  /** Takes up to this many mails that are due. */
  lease(worker: string, batchSize: number): Promise<Lease[]>
  /** Reads what the mail says, just before it is sent; null when it is not to be sent any more. */
  prepare(lease: Lease): Promise<PreparedDelivery | null>
  /** False when another worker has taken over. */
  complete(lease: Lease, response: string, providerMessageId: string | null): Promise<boolean>
  /** The new status; null when another worker has taken over. */
  fail(
    lease: Lease,
    failure: Failure,
    response: string,
    statusCode: string | null,
  ): Promise<string | null>
}

/** Connects as the worker's role. No prepared statements: a transaction-mode pooler may be between. */
export function connect(databaseUrl: string): postgres.Sql {
  return postgres(databaseUrl, { max: 4, prepare: false, onnotice: () => {} })
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
    async remindDueInvites() {
      const [row] = await sql<{ count: number }[]>`select usher.remind_due_invites() as count`
      return row?.count ?? 0
    },
    async purgeAuditTrail() {
      const [row] = await sql<{ count: number }[]>`select usher.purge_audit_trail() as count`
      return row?.count ?? 0
    },
    async expireDueInvites() {
      const [row] = await sql<{ count: number }[]>`select usher.expire_due_invites() as count`
      return row?.count ?? 0
    },
    async sealAuditTrail() {
      const [row] = await sql<{ count: number }[]>`select usher.seal_audit_trail() as count`
      return row?.count ?? 0
    },
  }
}

/** All of it, in the order in which one thing may lead to another. */
export async function keepHouse(housekeeping: Housekeeping): Promise<void> {
  await housekeeping.expireDueInvites()
  await housekeeping.remindDueInvites()
  await housekeeping.sealAuditTrail()
  await housekeeping.purgeAuditTrail()
}

export function deliveriesOf(sql: postgres.Sql): Deliveries {
  return {
    async lease(worker, batchSize) {
      return sql<Lease[]>`
        select l.delivery_id as "deliveryId", l.fence, l.attempts
        from usher.lease_deliveries(${worker}, ${batchSize}) l`
    },
    async prepare({ deliveryId, fence }) {
      const [row] = await sql<{ mail: PreparedDelivery | null }[]>`
        select usher.prepare_delivery(${deliveryId}, ${fence}) as mail`
      return row?.mail ?? null
    },
    async complete({ deliveryId, fence }, response, providerMessageId) {
      const [row] = await sql<{ done: boolean }[]>`
        select usher.complete_delivery(
          ${deliveryId}, ${fence}, ${storable(response)}, ${providerMessageId}) as done`
      return row?.done ?? false
    },
    async fail({ deliveryId, fence }, failure, response, statusCode) {
      const [row] = await sql<{ status: string | null }[]>`
        select usher.fail_delivery(
          ${deliveryId}, ${fence}, ${failure}, ${storable(response)}, ${statusCode}) as status`
      return row?.status ?? null
    },
  }
}

/** What a stranger's mail server says, without the one character that Postgres does not store. */
function storable(text: string): string {
  return text.replaceAll('\0', '')
}
