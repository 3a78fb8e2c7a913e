/**
 * The answer to an invitation: sign in or register where need be, then accept, or decline.
 *
 * @module
 */
import { Alert, Anchor, Button, Divider, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SignInForm } from '../../parts/sign-in-form.tsx'
import { DeclineForm } from './decline-form.tsx'
import type { PendingPreview } from './invite-page.tsx'

interface InviteAnswerProps {
  preview: PendingPreview
  token: string
  isRegistering: boolean
  onDeclined: () => void
  /** The invitation is no longer as it was shown. */
  onStale: () => void
}

export function InviteAnswer(props: InviteAnswerProps) {
  const { preview, token, onDeclined, onStale } = props
  const { invite } = useTexts()
  const [isDeclining, setIsDeclining] = useState(false)

  if (isDeclining) {
    return (
      <DeclineForm
        organisation={preview.organisationName}
        token={token}
        onDeclined={onDeclined}
        onCancel={() => setIsDeclining(false)}
        onStale={onStale}
      />
    )
  }
  return (
    <Stack gap="md">
      <Entry {...props} />
      <Divider />
      <Anchor
        component="button"
        type="button"
        size="sm"
        ta="center"
        onClick={() => setIsDeclining(true)}
      >
        {invite.decline}
      </Anchor>
    </Stack>
  )
}

/** What stands between the reader and the membership: an account, the right one, or a button. */
function Entry({ preview, token, isRegistering, onStale }: InviteAnswerProps) {
  const { invite } = useTexts()
  const { person, supabase } = useSession()
  const [isNew, setIsNew] = useState(preview.hasAccount === false || isRegistering)

  if (!person) {
    return (
      <>
        <Text fw={500}>{isNew ? invite.noAccount : invite.hasAccount}</Text>
        <SignInForm
          fixedEmail={preview.email}
          isNew={isNew}
          onSwitch={() => setIsNew(!isNew)}
          returnTo="/invite"
        />
      </>
    )
  }
  if (person.email.toLowerCase() !== preview.email) {
    return (
      <Alert color="yellow" variant="outline" title={invite.wrongAccountTitle} role="alert">
        <Text size="sm" mb="sm">
          {invite.wrongAccount(person.email, preview.email)}
        </Text>
        {/* Only here: other devices and tabs of the other account stay signed in. */}
        <Button
          variant="default"
          onClick={() => supabase.auth.signOut({ scope: 'local' })}
          style={{ height: 'auto', paddingBlock: 8 }}
          styles={{ label: { whiteSpace: 'normal' } }}
        >
          {invite.switchAccount(preview.email)}
        </Button>
      </Alert>
    )
  }
  return <AcceptButton preview={preview} token={token} onStale={onStale} />
}

function AcceptButton({
  preview,
  token,
  onStale,
}: Pick<InviteAnswerProps, 'preview' | 'token' | 'onStale'>) {
  const { invite, sign } = useTexts()
  const { usher, person, supabase } = useSession()
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)

  async function accept() {
    setIsBusy(true)
    const { data, error } = await usher.invites.accept(token)
    if (data) {
      window.location.assign(preview.redirectTo ?? `/organisations/${data.organisationId}`)
      return
    }
    setIsBusy(false)
    setError(error)
    if (error.status === 410 || error.status === 404) onStale()
  }

  return (
    <>
      {error !== undefined && <ProblemAlert error={error} />}
      <Button size="md" fullWidth loading={isBusy} onClick={accept}>
        {invite.accept}
      </Button>
      <Text size="sm" c="dimmed" ta="center">
        {sign.signedInAs(person?.email ?? '')}
        {' · '}
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => supabase.auth.signOut({ scope: 'local' })}
        >
          {sign.signOut}
        </Anchor>
      </Text>
    </>
  )
}
