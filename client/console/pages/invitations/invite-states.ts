/**
 * How states of invitations and mails look.
 *
 * @module
 */
import type { DeliveryStatus, InviteStatus } from '../../../index.ts'
import type { Mood } from '../../parts/status.tsx'

export const INVITE_MOODS: Record<InviteStatus, Mood> = {
  pending: 'waiting',
  accepted: 'good',
  declined: 'bad',
  revoked: 'quiet',
  expired: 'quiet',
}

/** A newer server may know more states than this page: those are quiet. */
export const DELIVERY_MOODS: Partial<Record<string, Mood>> = {
  queued: 'waiting',
  sending: 'waiting',
  sent: 'good',
  delivered: 'good',
  failed: 'bad',
  suppressed: 'bad',
  complained: 'bad',
  cancelled: 'quiet',
} satisfies Record<DeliveryStatus | 'delivered' | 'complained', Mood>
