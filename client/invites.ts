/**
 * Invites: send, track, answer, withdraw.
 *
 * @module
 */
import {
  type BulkOptions,
  type BulkRow,
  creating,
  type InviteOutcome,
  reissuing,
  sendMany,
} from './bulk.ts'
import { type Connection, call, type Returned, settleOne } from './call.ts'
import type { ErrorCode } from './generated/error-codes.ts'
import type { RoleName } from './generated/roles.ts'
import type { Member, Reason } from './members.ts'
import type { Camel } from './names.ts'
import { eachOf, type IterateOptions, longList, type PageOptions } from './pages.ts'
import type { PageResult, Result } from './result.ts'

type InviteRow = Camel<Returned<'create_organisation_invite'>>
type PreviewRow = Camel<Returned<'validate_organisation_invite'>>
type MyInviteRow = Camel<Returned<'list_my_organisation_invites'>[number]>
type MetricsRow = Camel<Returned<'organisation_invite_metrics'>>

export type InviteStatus = 'pending' | 'accepted' | 'declined' | 'revoked' | 'expired'
type AnyInvite = Omit<
  InviteRow,
  'status' | 'resendCount' | 'kind' | 'email' | 'deviceName' | 'roles'
> & {
  status: InviteStatus
  resendCount: number
  roles: RoleName[]
}
/** An invite by mail. */
export type MailedInvite = AnyInvite & { kind: 'user'; email: string; deviceName: null }
/** An invite of a device, by a code. */
export type DeviceInvite = AnyInvite & { kind: 'device'; email: null; deviceName: string }
export type Invite = MailedInvite | DeviceInvite

/** What an invitee may see before deciding. Fields that the link does not show are null. */
export type InvitePreview = Omit<PreviewRow, 'status' | 'reason'> & {
  status: InviteStatus | 'superseded' | 'invalid'
  /** The error that accepting would give; null while the invite is pending. */
  reason: ErrorCode | null
}

/** A pending invite to the caller's own address. */
export type MyInvite = Omit<MyInviteRow, NullableInMyInvite | 'roles'> & {
  roles: RoleName[]
} & { [K in NullableInMyInvite]: MyInviteRow[K] | null }
type NullableInMyInvite =
  | 'inviterName'
  | 'inviterEmail'
  | 'message'
  | 'organisationLogoUrl'
  | 'organisationAccentColour'

type Rates = (typeof RATES)[number]
/** Counts by state as they are now; rates from 0 to 1, null where there is nothing to count. */
export type InviteMetrics = {
  [K in Exclude<keyof MetricsRow, Rates | 'days'>]: NonNullable<MetricsRow[K]>
} & Pick<MetricsRow, Rates> & { days: InviteMetricsDay[] }
/** What happened on one day in UTC, such as `2026-01-31`; days without anything are left out. */
export type InviteMetricsDay = { day: string } & Record<
  'created' | 'accepted' | 'declined' | 'revoked' | 'expired',
  number
>

export interface InviteDraft {
  /** One address; case and spaces around it do not matter. */
  email: string
  /** 1 to 20 names of roles; never `owner`, which is transferred. */
  roles: RoleName[]
  /** An interval from 1 hour to 30 days, such as `3 days`; default: the organisation's, 7 days. */
  expiresIn?: string | undefined
  /** Plain text of at most 1,000 characters. */
  message?: string | undefined
  /** Language of mail and page, such as `de-AT`; default: the organisation's. */
  locale?: string | undefined
  /** Where to go after accepting: a path, or an address of an allowed origin. */
  redirectTo?: string | undefined
  /** At most 8 kB, for the application's own use. */
  metadata?: Record<string, unknown> | undefined
  /** The id of a template of the kind `invite`; default: the organisation's default, or as built in. */
  templateId?: string | undefined
  /**
   * Until when the membership counts, more than an hour from now: a `Date`, or ISO 8601 with an offset;
   * default: it has no end.
   */
  membershipEndsAt?: string | Date | undefined
}

export interface InviteFilter extends PageOptions {
  status?: InviteStatus | undefined
  /** Only those whose address, or device's name, holds this text, in any case. */
  search?: string | undefined
}

async function listInvites(
  connection: Connection,
  organisationId: string,
  { status, search, cursor, pageSize }: InviteFilter,
): Promise<PageResult<Invite>> {
  const args = { organisationId, status, search, cursor: cursor ?? undefined, pageSize }
  const { data, error } = await call<'list_organisation_invites', Invite[]>(
    connection,
    'list_organisation_invites',
    args,
  )
  if (error) return { data: null, error, nextCursor: null }
  return { data, error, nextCursor: data[(pageSize ?? 50) - 1]?.id ?? null }
}

const RATES = ['acceptanceRate', 'medianHoursToAccept', 'deliveryRate', 'bounceRate'] as const

async function readMetrics(
  connection: Connection,
  organisationId: string,
  since: string | undefined,
  until: string | undefined,
): Promise<Result<InviteMetrics>> {
  const { data, error } = await call<'organisation_invite_metrics', InviteMetrics>(
    connection,
    'organisation_invite_metrics',
    { organisationId, since, until },
  )
  if (error) return { data: null, error }
  // A numeric may come as text, which is how Postgres itself writes it.
  for (const rate of RATES) data[rate] &&= Number(data[rate])
  return { data, error }
}

/** `usher.invites` */
export function invites(connection: Connection) {
  return {
    /**
     * Invites an address with exactly these roles; the mail goes out at once.
     *
     * @returns the invite, never its token, or `permission_denied`, `role_not_assignable`,
     *   `already_member`, `already_invited` (details: the id of the open invite), `member_banned`,
     *   `domain_not_allowed`, `seat_limit_reached`, `rate_limited`, or an `invalid_…` code
     */
    create(organisationId: string, draft: InviteDraft): Promise<Result<MailedInvite>> {
      const { email, roles, expiresIn, message, locale, redirectTo, templateId } = draft
      const { membershipEndsAt } = draft
      return call(connection, 'create_organisation_invite', {
        ...{ organisationId, email, roles, expiresIn, message, locale, redirectTo, templateId },
        metadata: draft.metadata as never,
        membershipEndsAt: membershipEndsAt as string | undefined,
      })
    },

    /**
     * Invites any number of addresses, out of an array or a stream, a chunk at a time; good rows are
     * not lost to bad ones, nor to a chunk that fails: each of its rows then says why.
     *
     * @returns an outcome for each row, in order; an error only when no chunk got through at all
     */
    createMany(
      organisationId: string,
      rows: Iterable<BulkRow> | AsyncIterable<BulkRow>,
      options: BulkOptions = {},
    ): Promise<Result<InviteOutcome[]>> {
      return sendMany(connection, creating(organisationId), rows, options)
    },

    /**
     * Makes new invites in the caller's name, of those that were revoked because whoever sent them may not
     * give them any more (`inviter_lost_right`); new mails go out, the old invites stay revoked.
     *
     * @param inviteIds - any number, of one organisation; sent a chunk at a time
     * @returns an outcome for each id, in order, with the id of the new invite; an error only when no chunk
     *   got through at all
     */
    reissue(inviteIds: string[], options: BulkOptions = {}): Promise<Result<InviteOutcome[]>> {
      return sendMany(connection, reissuing, inviteIds as never, options)
    },

    /**
     * The invites of an organisation, newest first, a page at a time.
     *
     * @returns a page, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_settings`, `invite_not_found` (the cursor's)
     */
    list(organisationId: string, page: InviteFilter = {}): Promise<PageResult<Invite>> {
      return listInvites(connection, organisationId, page)
    },

    /** All that `list` gives, page by page, one at a time. */
    iterate(organisationId: string, options: IterateOptions<InviteFilter> = {}) {
      return eachOf(connection, options, (to, page: InviteFilter) =>
        listInvites(to, organisationId, page),
      )
    },

    /** One invite; null when there is none, or none that the caller may read. */
    get(inviteId: string): Promise<Result<Invite | null>> {
      const select = connection.supabase.from('organisation_invites').select('*').eq('id', inviteId)
      return settleOne(connection, select)
    },

    /** What the holder of a link may see. Needs no session, changes nothing, never refuses. */
    validate(token: string): Promise<Result<InvitePreview>> {
      return call(connection, 'validate_organisation_invite', { token })
    },

    /**
     * Accepts: the caller, whose confirmed address must be the invited one, becomes a member.
     *
     * @returns the membership, or why not (`invite_wrong_email`, `email_unverified`,
     *   `invite_expired`, `invite_revoked`, `seat_limit_reached`, …); the invite then stays as it was
     */
    accept(token: string): Promise<Result<Member>> {
      return call(connection, 'accept_organisation_invite', { token })
    },

    /**
     * Declines for good; needs no account. The organisation's admins get a mail.
     *
     * @param options.reason - for the admins, at most 500 characters
     */
    decline(token: string, { reason }: Reason = {}): Promise<Result<InvitePreview>> {
      return call(connection, 'decline_organisation_invite', { token, reason })
    },

    /**
     * Asks for a new link with one that has expired; once a day counts. Answers the same whatever
     * happens, so that nothing can be learnt from it.
     */
    requestResend(token: string): Promise<Result<null>> {
      return call(connection, 'request_organisation_invite_resend', { token })
    },

    /**
     * Stops invites and reminders of an organisation, or of all of them, to the mailbox that a mail went to, with
     * whatever +tag, or lets them come again. Needs no session.
     *
     * @param token - as the mail's link to stop carries it; not that of an invite
     * @param options.stop - false takes it back; default: true
     * @param options.everywhere - of every organisation, also of those to come; default: false
     * @returns the name of the organisation that sent the mail, or `invite_invalid`
     */
    stopMail(
      token: string,
      { stop, everywhere }: { stop?: boolean | undefined; everywhere?: boolean | undefined } = {},
    ): Promise<Result<string>> {
      return call(connection, 'stop_organisation_mail', { token, stop, everywhere })
    },

    /** The pending invites to the caller's own address, newest first; none until it is confirmed. */
    listMine(): Promise<Result<MyInvite[]>> {
      return longList(connection, 'list_my_organisation_invites')
    },

    /**
     * Accepts one of `listMine` without the link, where the project's Auth confirms addresses by mail.
     *
     * @returns as `accept`, or `permission_denied` (accept by the link), `invite_not_found`
     */
    acceptMine(inviteId: string): Promise<Result<Member>> {
      return call(connection, 'accept_my_organisation_invite', { inviteId })
    },

    /**
     * Sends a pending or expired invite again: new link, new time, old links dead.
     *
     * @returns the invite, or `invite_not_pending`, `rate_limited` (details: seconds to wait), …
     */
    resend(inviteId: string): Promise<Result<MailedInvite>> {
      return call(connection, 'resend_organisation_invite', { inviteId })
    },

    /**
     * Changes what a pending invite offers. The roles are signed into the link: a new mail goes out,
     * the old links die, the time that is left stays.
     *
     * @returns the invite, or `unauthenticated`, `invite_not_found`, `permission_denied`,
     *   `invite_not_pending`, `invalid_role`, `role_not_assignable`
     */
    updateRoles(inviteId: string, roles: RoleName[]): Promise<Result<MailedInvite>> {
      return call(connection, 'update_organisation_invite_roles', { inviteId, roles })
    },

    /**
     * Withdraws a pending invite for good; its link stops working at once.
     *
     * @param options.reason - at most 500 characters; for the trail, never shown to the invitee
     * @returns the invite, or `invite_not_found`, `permission_denied`, `invite_not_pending`
     */
    revoke(inviteId: string, { reason }: Reason = {}): Promise<Result<Invite>> {
      return call(connection, 'revoke_organisation_invite', { inviteId, reason })
    },

    /**
     * Lets a pending invite expire now; it can be sent again.
     *
     * @returns the invite, or as `revoke`
     */
    expire(inviteId: string): Promise<Result<Invite>> {
      return call(connection, 'expire_organisation_invite', { inviteId })
    },

    /**
     * The link of a pending invite, for when mail cannot bring it; the trail says who took it.
     *
     * @returns the address, or `unauthenticated`, `invite_not_found`, `permission_denied`,
     *   `invite_not_pending`, `role_not_assignable`
     */
    revealLink(inviteId: string): Promise<Result<string>> {
      return call(connection, 'reveal_organisation_invite_link', { inviteId })
    },

    /**
     * How invites fare that were made in a time: by default, the last 30 days.
     *
     * @param time.since - from then on; at most five years
     * @param time.until - before then; default: now
     * @returns counts and rates, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_settings`
     */
    metrics(
      organisationId: string,
      time: { since?: string | Date | undefined; until?: string | Date | undefined } = {},
    ): Promise<Result<InviteMetrics>> {
      const [since, until] = [time.since, time.until].map((at) => at && new Date(at).toISOString())
      return readMetrics(connection, organisationId, since, until)
    },
  }
}
