/**
 * Invites: send, track, answer, withdraw.
 *
 * @module
 */
import { type AnySupabaseClient, type Camel, call, camelise, type Returned } from './call.ts'
import type { ErrorCode } from './generated/error-codes.ts'
import { type Member, toMember } from './members.ts'
import type { Result } from './result.ts'

type InviteRow = Returned<'create_organisation_invite'>
type PreviewRow = Returned<'validate_organisation_invite'>
type ResultRow = Returned<'create_organisation_invites'>[number]

export type InviteStatus = 'pending' | 'accepted' | 'declined' | 'revoked' | 'expired'
type AnyInvite = Omit<
  Camel<InviteRow>,
  'status' | 'resendCount' | 'kind' | 'email' | 'deviceName'
> & {
  status: InviteStatus
  resendCount: number
}
/** An invite by mail. */
export type MailedInvite = AnyInvite & { kind: 'user'; email: string; deviceName: null }
/** An invite of a device, by a code. */
export type DeviceInvite = AnyInvite & { kind: 'device'; email: null; deviceName: string }
export type Invite = MailedInvite | DeviceInvite

/** What an invitee may see before deciding. Fields that the link does not show are null. */
export type InvitePreview = Omit<Camel<PreviewRow>, 'status' | 'reason'> & {
  status: InviteStatus | 'superseded' | 'invalid'
  /** The error that accepting would give; null while the invite is pending. */
  reason: ErrorCode | null
}

/** What became of one row of a batch. */
export type InviteOutcome = {
  rowNumber: number
  email: string | null
} & (
  | { status: 'created'; inviteId: string; errorCode: null; errorDetails: null }
  | { status: 'failed'; inviteId: null; errorCode: ErrorCode; errorDetails: string | null }
)

export interface InviteDraft {
  /** One address; case and spaces around it do not matter. */
  email: string
  /** 1 to 20 names of roles; never `owner`, which is transferred. */
  roles: string[]
  /** An interval from 1 hour to 30 days, such as `3 days`; default: the organisation's, 7 days. */
  expiresIn?: string
  /** Plain text of at most 1,000 characters. */
  message?: string
  /** Language of mail and page, such as `de-AT`; default: the organisation's. */
  locale?: string
  /** Where to go after accepting: a path, or an address of an allowed origin. */
  redirectTo?: string
  /** At most 8 kB, for the application's own use. */
  metadata?: Record<string, unknown>
  /** The mail template; default: the built-in one. */
  templateId?: string
}

const toInvite = (row: InviteRow) => camelise(row) as Invite
const toMailedInvite = (row: InviteRow) => camelise(row) as MailedInvite
const toPreview = (row: PreviewRow) => camelise(row) as InvitePreview

function toWire(draft: InviteDraft) {
  return {
    email: draft.email,
    roles: draft.roles,
    expires_in: draft.expiresIn,
    message: draft.message,
    locale: draft.locale,
    redirect_to: draft.redirectTo,
    metadata: draft.metadata,
    template_id: draft.templateId,
  }
}

/** `usher.invites` */
export function invites(supabase: AnySupabaseClient) {
  return {
    /**
     * Invites an address with exactly these roles; the mail goes out at once.
     *
     * @returns the invite, never its token, or `permission_denied`, `role_not_assignable`,
     *   `already_member`, `already_invited` (details: the id of the open invite), `member_banned`,
     *   `domain_not_allowed`, `seat_limit_reached`, `rate_limited`, or an `invalid_…` code
     */
    create(organisationId: string, draft: InviteDraft): Promise<Result<MailedInvite>> {
      const args = { organisation_id: organisationId, ...toWire(draft) }
      return call(supabase, 'create_organisation_invite', args, toMailedInvite)
    },

    /**
     * Invites up to 10,000 addresses in one call; good rows are not lost to bad ones.
     *
     * @returns an outcome for each draft, in order
     */
    createMany(organisationId: string, drafts: InviteDraft[]): Promise<Result<InviteOutcome[]>> {
      const args = { organisation_id: organisationId, invites: drafts.map(toWire) }
      return call(supabase, 'create_organisation_invites', args, (rows) =>
        rows.map((row: ResultRow) => camelise(row) as InviteOutcome),
      )
    },

    /**
     * The invites of an organisation, newest first, a page at a time.
     *
     * @param page.cursor - the id of the last invite of the page before
     * @param page.pageSize - 1 to 500, default 50; a shorter page is the last one
     */
    list(
      organisationId: string,
      page: { status?: InviteStatus; search?: string; cursor?: string; pageSize?: number } = {},
    ): Promise<Result<Invite[]>> {
      const { status, search, cursor, pageSize } = page
      const args = { organisation_id: organisationId, status, search, cursor, page_size: pageSize }
      return call(supabase, 'list_organisation_invites', args, (rows) => rows.map(toInvite))
    },

    /** What the holder of a link may see. Needs no session, changes nothing, never refuses. */
    validate(token: string): Promise<Result<InvitePreview>> {
      return call(supabase, 'validate_organisation_invite', { token }, toPreview)
    },

    /**
     * Accepts: the caller, whose confirmed address must be the invited one, becomes a member.
     *
     * @returns the membership, or why not; the invite then stays as it was
     */
    accept(token: string): Promise<Result<Member>> {
      return call(supabase, 'accept_organisation_invite', { token }, toMember)
    },

    /**
     * Declines for good; needs no account. The organisation's admins get a mail.
     *
     * @param options.reason - for the admins, at most 500 characters
     */
    decline(token: string, options: { reason?: string } = {}): Promise<Result<InvitePreview>> {
      return call(supabase, 'decline_organisation_invite', { token, ...options }, toPreview)
    },

    /**
     * Sends a pending or expired invite again: new link, new time, old links dead.
     *
     * @returns the invite, or `invite_not_pending`, `rate_limited` (details: seconds to wait), …
     */
    resend(inviteId: string): Promise<Result<MailedInvite>> {
      return call(supabase, 'resend_organisation_invite', { invite_id: inviteId }, toMailedInvite)
    },

    /**
     * Withdraws a pending invite for good; its link stops working at once.
     *
     * @param options.reason - at most 500 characters; for the trail, never shown to the invitee
     * @returns the invite, or `invite_not_found`, `permission_denied`, `invite_not_pending`
     */
    revoke(inviteId: string, options: { reason?: string } = {}): Promise<Result<Invite>> {
      const args = { invite_id: inviteId, ...options }
      return call(supabase, 'revoke_organisation_invite', args, toInvite)
    },
  }
}
