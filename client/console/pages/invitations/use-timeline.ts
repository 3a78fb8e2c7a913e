/**
 * What happened to an invitation, in order: out of the trail where it may be read, otherwise out of the
 * invitation and its mails.
 *
 * @module
 */
import { useInfiniteQuery } from '@tanstack/react-query'
import type { AuditEvent, Delivery, Invite } from '../../../index.ts'
import { useUsherQueries } from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useMemberNames } from '../../app/member-names.ts'
import { useOrganisation } from '../../app/organisation.tsx'

export interface Step {
  key: string
  title: string
  /** ISO 8601. */
  time: string
  /** By whom, with which answer, for which reason. */
  note: string | null
}

export function useTimeline(invite: Invite | null): Step[] {
  const { events: eventTexts, invitations, mails, actorKinds } = useTexts()
  const format = useFormat()
  const { id, can } = useOrganisation()
  const inviteId = invite?.id ?? ''

  const queries = useUsherQueries()
  const events = useInfiniteQuery({
    ...queries.audit.list(id, { targetId: inviteId, pageSize: 200 }),
    ...live,
    enabled: invite !== null && can('audit.read'),
  })
  const deliveries = useInfiniteQuery({
    ...queries.deliveries.list(id, { inviteId, pageSize: 200 }),
    ...live,
    enabled: invite !== null,
  })
  const named = useMemberNames()
  if (!invite) return []

  const titles: Record<string, string> = eventTexts
  const deliveryWords: Record<string, string> = invitations.deliveries
  const reasonWords: Record<string, string> = invitations.reasons
  const sayReason = (reason: string | null) => (reason && reasonWords[reason]) ?? reason
  const kindWords: Record<string, string> = mails.kinds

  const fromEvent = (event: AuditEvent): Step => {
    const after = event.after as { roles?: string[] } | null
    return {
      key: event.id,
      title: titles[event.event] ?? event.event,
      time: event.occurredAt,
      note: [
        named(event.actorId) ?? actorKinds[event.actorKind],
        after?.roles && format.roles(after.roles),
        sayReason(event.reason),
      ]
        .filter(Boolean)
        .join(' · '),
    }
  }
  const fromMail = (mail: Delivery): Step[] =>
    turnsOf(mail).map(([status, time]) => ({
      key: `${mail.id} ${status}`,
      title: `${kindWords[mail.kind] ?? mail.kind}: ${deliveryWords[status] ?? status}`,
      time,
      // The mail server's last word belongs to what came last.
      note: [readableAddress(mail.recipient), status === mail.status && mail.lastResponse]
        .filter(Boolean)
        .join(' · '),
    }))
  const own: [string | null, string, string | null][] = [
    [invite.createdAt, 'invite.created', named(invite.invitedBy)],
    [invite.acceptedAt, 'invite.accepted', named(invite.acceptedBy)],
    [invite.declinedAt, 'invite.declined', invite.declinedReason],
    [invite.revokedAt, 'invite.revoked', sayReason(invite.revokedReason)],
    [invite.status === 'expired' ? invite.expiresAt : null, 'invite.expired', null],
  ]
  const fromInvite = own.flatMap(([time, event, note]) =>
    time ? [{ key: event, title: titles[event] ?? event, time, note }] : [],
  )

  // The trail also tells that a mail went out; the mail itself tells more.
  const told = events.data?.filter((event) => !event.event.startsWith('delivery.')).map(fromEvent)
  return [...(told ?? fromInvite), ...(deliveries.data ?? []).flatMap(fromMail)].sort((a, b) =>
    a.time.localeCompare(b.time),
  )
}

/** What became of a mail, and when: all that is known, and where it is now. */
function turnsOf(mail: Delivery): [status: string, time: string][] {
  const { status, createdAt, sentAt, deliveredAt, openedAt, bouncedAt, complainedAt } = mail
  const known: [string, string | null][] = [
    ['sent', sentAt],
    ['delivered', deliveredAt],
    ['opened', openedAt],
    ['bounced', bouncedAt],
    ['complained', complainedAt],
  ]
  const turns = known.flatMap(([turn, time]): [string, string][] => (time ? [[turn, time]] : []))
  return turns.some(([turn]) => turn === status) ? turns : [...turns, [status, createdAt]]
}
