/**
 * What became of a mail, in one word; the mail server's answer on pointing at it.
 *
 * @module
 */
import { Text } from '@mantine/core'
import type { Delivery } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { Status } from '../../parts/status.tsx'
import { DELIVERY_MOODS } from './invite-states.ts'

export function DeliveryStatus({ delivery }: { delivery: Delivery | undefined }) {
  const { invitations } = useTexts()
  if (!delivery) {
    return (
      <Text span size="sm" c="dimmed">
        –
      </Text>
    )
  }
  const { status, lastResponse } = delivery
  const words: Record<string, string> = invitations.deliveries
  return (
    <span title={lastResponse ?? undefined}>
      <Status mood={DELIVERY_MOODS[status] ?? 'quiet'}>{words[status] ?? status}</Status>
    </span>
  )
}
