/**
 * Declines an invitation, with a reason if the invitee wants to give one.
 *
 * @module
 */
import { Button, Group, Stack, Text, Textarea, Title } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Landing } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface DeclineFormProps {
  organisation: string
  landing: Landing
  onDeclined: () => void
  onCancel: () => void
  onStale: () => void
}

export function DeclineForm(props: DeclineFormProps) {
  const { organisation, landing, onDeclined, onCancel, onStale } = props
  const { invite, common } = useTexts()
  const [reason, setReason] = useState('')
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    const { error } = await landing.decline({ reason: reason.trim() || undefined })
    setIsBusy(false)
    if (!error) return onDeclined()
    setError(error)
    if (landing.token === null) onStale()
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Title order={2} size="h4">
          {invite.declineTitle}
        </Title>
        <Text size="sm">{invite.declineText(organisation)}</Text>
        <Textarea
          label={common.reason}
          maxLength={500}
          rows={3}
          autoFocus
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {error !== undefined && <ProblemAlert isInvitee error={error} />}
        <Group grow preventGrowOverflow={false}>
          <Button variant="default" onClick={onCancel}>
            {common.back}
          </Button>
          <Button type="submit" loading={isBusy}>
            {invite.declineConfirm}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
