/**
 * The list of mails. One that is missing does not compile.
 *
 * @module
 */
import type { ReactElement } from 'react'
import type { PreparedDelivery } from '../_shared/database.ts'
import { Invite, inviteSubject, type MailProps } from './invite.tsx'
import { InviteAccepted, inviteAcceptedSubject } from './invite-accepted.tsx'
import { InviteDeclined, inviteDeclinedSubject } from './invite-declined.tsx'

interface Template {
  subject(props: MailProps): string
  body(props: MailProps): ReactElement
}

export const templates = {
  invite: { subject: inviteSubject, body: Invite },
  invite_accepted: { subject: inviteAcceptedSubject, body: InviteAccepted },
  invite_declined: { subject: inviteDeclinedSubject, body: InviteDeclined },
} satisfies Record<PreparedDelivery['kind'], Template>
