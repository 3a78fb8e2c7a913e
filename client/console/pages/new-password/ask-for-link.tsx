/**
 * Asks for the mail with which a new password is chosen.
 *
 * @module
 */
import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { type FormEvent, useState } from 'react'
import { Link, useLocation } from 'react-router'
import { asciiAddress } from '../../../address.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { sentAtOf, useWaiting } from '../../app/waiting.ts'
import { AuthProblem } from '../../parts/auth-problem.tsx'
import { MailSent } from '../../parts/mail-sent.tsx'

interface AskForLinkProps {
  /** Where to go on to afterwards; a path. */
  to: string
  onAsked: () => void
  /** Before a code is tried. */
  onCode: () => void
}

export function AskForLink({ to, onAsked, onCode }: AskForLinkProps) {
  const { recover, sign } = useTexts()
  const { supabase } = useSession()
  const { state } = useLocation()
  // Whom the form was filled in for that the reader comes from.
  const [typed, setTyped] = useState<string>(readableAddress(state?.email ?? ''))
  const email = asciiAddress(typed)
  const [problem, setProblem] = useState<AuthError>()
  const [isBusy, setIsBusy] = useState(false)
  const [waiting, setWaiting] = useWaiting()

  async function send(email: string) {
    const { origin } = window.location
    const redirectTo = `${origin}/new-password?${new URLSearchParams({ to })}`
    const { error } = await supabase.auth.resetPasswordForEmail(email, { redirectTo })
    onAsked()
    return error
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    const error = await send(email)
    const sentAt = sentAtOf(error)
    if (sentAt !== null) setWaiting({ email, kind: 'recovery', isNew: false, sentAt })
    setProblem(error ?? undefined)
    setIsBusy(false)
  }

  if (waiting) {
    return (
      <MailSent
        waiting={waiting}
        send={() => send(waiting.email)}
        onSent={(sentAt) => setWaiting({ ...waiting, sentAt })}
        onCode={onCode}
        onBack={() => {
          setProblem(undefined)
          setWaiting(null)
        }}
        isFixed={false}
      />
    )
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">{recover.text}</Text>
        <TextInput
          label={sign.email}
          type="email"
          name="email"
          autoComplete="username"
          required
          withAsterisk={false}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {problem && <AuthProblem error={problem} />}
        <Button type="submit" loading={isBusy} fullWidth>
          {recover.send}
        </Button>
        <Anchor
          component={Link}
          to={`/sign-in?${new URLSearchParams({ to })}`}
          size="sm"
          ta="center"
        >
          {recover.back}
        </Anchor>
      </Stack>
    </form>
  )
}
