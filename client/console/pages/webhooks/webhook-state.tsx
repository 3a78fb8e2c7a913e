/**
 * Whether a webhook works, and if not, why.
 *
 * @module
 */
import type { Webhook } from '../../../index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { Status } from '../../parts/status.tsx'

export function WebhookState({ webhook }: { webhook: Webhook }) {
  const { webhooks: words } = useTexts()
  const format = useFormat()
  const { disabledReason, failingSince } = webhook
  if (disabledReason) {
    return (
      <Status mood={disabledReason === 'by_hand' ? 'quiet' : 'bad'}>
        {words.disabledReasons[disabledReason]}
      </Status>
    )
  }
  if (failingSince) {
    return <Status mood="waiting">{words.failing(format.dateTime(failingSince))}</Status>
  }
  return <Status mood="good">{words.on}</Status>
}
