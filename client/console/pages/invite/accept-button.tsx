/**
 * The button that accepts, as whom it accepts, and why it could not.
 *
 * @module
 */
import { Anchor, Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { isUsherError, type Result } from '../../../index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface AcceptButtonProps {
  accept: () => Promise<Result<unknown>>
  /** The page is left. */
  onAccepted: () => void
  onRefused: (error: unknown) => void
}

export function AcceptButton({ accept, onAccepted, onRefused }: AcceptButtonProps) {
  const { home, invite, sign } = useTexts()
  const { person, signOut } = useSession()
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)

  async function press() {
    setIsBusy(true)
    const { error } = await accept()
    if (!error) return onAccepted()
    setIsBusy(false)
    setError(error)
    onRefused(error)
  }

  return (
    <Stack gap="md">
      {/* Where the project's Auth does not confirm addresses by mail, only the link proves the mailbox. */}
      {isUsherError(error, 'permission_denied') ? (
        <Text size="sm" role="alert">
          {home.onlyByLink}
        </Text>
      ) : (
        error !== undefined && <ProblemAlert isInvitee error={error} />
      )}
      <Button size="md" fullWidth loading={isBusy} onClick={press}>
        {invite.accept}
      </Button>
      <Text size="sm" c="dimmed" ta="center">
        {sign.signedInAs(readableAddress(person?.email ?? ''))}
        {' · '}
        <Anchor component="button" type="button" size="sm" onClick={signOut}>
          {sign.signOut}
        </Anchor>
      </Text>
    </Stack>
  )
}
