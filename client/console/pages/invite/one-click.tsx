/**
 * Registers, signs in and accepts by one press, where the project exchanges fresh links for codes.
 *
 * @module
 */
import { Anchor, Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { Landing } from '../../../index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { goOn } from './go-on.ts'
import type { PendingPreview } from './invite-page.tsx'

interface OneClickProps {
  /** Where the function answers. */
  url: string
  preview: PendingPreview
  landing: Landing
  /** The ordinary way is wanted, or is all that is left. */
  onOtherWay: (isOver: boolean) => void
}

export function OneClick({ url, preview, landing, onOtherWay }: OneClickProps) {
  const { invite } = useTexts()
  const { supabase } = useSession()
  const [isBusy, setIsBusy] = useState(false)

  async function join() {
    setIsBusy(true)
    const tokenHash = await exchange(url, landing.token ?? '')
    const { error } = tokenHash
      ? await supabase.auth.verifyOtp({ token_hash: tokenHash, type: 'invite' })
      : { error: true }
    const { data } = error ? { data: null } : await landing.accept()
    if (data) goOn(data.organisationId, preview.redirectTo)
    // Whoever is signed in by now finds the button to accept, and what is wrong with it.
    else onOtherWay(Boolean(error))
  }

  return (
    <Stack gap="xs">
      <Button size="md" fullWidth loading={isBusy} onClick={join}>
        {invite.oneClick}
      </Button>
      <Text size="sm" c="dimmed" ta="center">
        {invite.oneClickText(readableAddress(preview.email))}
      </Text>
      <Anchor
        component="button"
        type="button"
        size="sm"
        ta="center"
        onClick={() => onOtherWay(false)}
      >
        {invite.otherWays}
      </Anchor>
    </Stack>
  )
}

/** The code for the link; null when there is none, whyever. */
async function exchange(url: string, token: string): Promise<string | null> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
    return ((await answer.json()) as { token_hash?: string | null }).token_hash ?? null
  } catch {
    return null
  }
}
