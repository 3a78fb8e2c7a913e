/**
 * That the mail of an invitation did not arrive, and what can be done about it.
 *
 * @module
 */
import { Alert, Button, Code, Text } from '@mantine/core'
import type { Delivery, MailedInvite } from '../../../index.ts'
import { useLiftSuppression, useResendInvite, useRetryDelivery } from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { canBeRetried } from './invite-states.ts'

interface ReturnedMailProps {
  invite: MailedInvite
  /** Its newest mail; undefined when it is not known. */
  mail: Delivery | undefined
}

export function ReturnedMail({ invite, mail }: ReturnedMailProps) {
  const { mails } = useTexts()
  const { id, can } = useOrganisation()
  const say = useSay()
  const lift = useLiftSuppression(id)
  const retry = useRetryDelivery(id)
  const resend = useResendInvite(id)
  const { email } = invite
  const shown = readableAddress(email)
  const error = lift.error ?? retry.error ?? resend.error

  /** A mail that a server has taken cannot go out twice; the invitation is sent anew then. */
  async function tryAgain() {
    try {
      const wasLifted = await lift.mutateAsync({ email })
      if (mail && canBeRetried(mail)) await retry.mutateAsync({ deliveryId: mail.id })
      else await resend.mutateAsync({ inviteId: invite.id })
      const mayBeHeldAgain = mail?.status === 'suppressed' && !wasLifted
      say.done(mayBeHeldAgain ? mails.mayBeHeldAgain(shown) : mails.retried(shown))
    } catch {
      // The mutations hold what was refused.
    }
  }

  return (
    <Alert color="red" variant="outline" title={mails.returnedTitle} mb="lg">
      <Text size="sm">{mails.returnedText(shown)}</Text>
      {mail?.lastResponse && (
        <Code block mt="xs" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} dir="ltr">
          {mail.lastResponse}
        </Code>
      )}
      {error && <ProblemAlert error={error} />}
      {can('invite.resend') && (
        <Button
          mt="sm"
          size="xs"
          variant="default"
          loading={lift.isPending || retry.isPending || resend.isPending}
          onClick={tryAgain}
        >
          {mails.liftAndRetry}
        </Button>
      )}
    </Alert>
  )
}
