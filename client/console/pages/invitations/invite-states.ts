/**
 * How states of invitations and mails look.
 *
 * @module
 */
import type { Delivery, DeliveryStatus, Invite, InviteStatus } from '../../../index.ts'
import type { Mood } from '../../parts/status.tsx'

export const INVITE_MOODS: Record<InviteStatus, Mood> = {
  pending: 'waiting',
  accepted: 'good',
  declined: 'bad',
  revoked: 'quiet',
  expired: 'quiet',
}

/** By the rules' own word for it: nobody said it. */
export function isLostRight({ status, revokedReason }: Invite): boolean {
  return status === 'revoked' && revokedReason === 'inviter_lost_right'
}

/** A newer server may know more states than this page: those are quiet. */
export const DELIVERY_MOODS: Partial<Record<string, Mood>> = {
  queued: 'waiting',
  sending: 'waiting',
  sent: 'good',
  delivered: 'good',
  opened: 'good',
  bounced: 'bad',
  failed: 'bad',
  suppressed: 'bad',
  complained: 'bad',
  cancelled: 'quiet',
} satisfies Record<DeliveryStatus, Mood>

/** Whether a mail can be tried anew as it is. Only for comfort: the server decides. */
export function canBeRetried({ status }: Delivery): boolean {
  return status === 'failed' || status === 'suppressed'
}

/** Whether a mail brought the invitation itself, not news of it. */
export function isOffer({ kind }: Delivery): boolean {
  return kind === 'invite' || kind === 'invite_reminder'
}

/**
 * Whether an invitation has not reached its reader, and will not by itself. Once its newest mail is on its way
 * again, what became of an older one no longer counts.
 */
export function isReturned({ bouncedAt }: Invite, newest: Delivery | undefined): boolean {
  if (!newest) return bouncedAt !== null
  return canBeRetried(newest) || newest.status === 'bounced'
}
