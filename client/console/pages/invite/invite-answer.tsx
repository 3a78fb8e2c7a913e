/**
 * The answer to an invitation: sign in or register where need be, then accept, or decline.
 *
 * @module
 */
import { Alert, Anchor, Button, Divider, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { type Landing, nextStep, wayIn } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SignInForm } from '../../parts/sign-in-form.tsx'
import { WayInButton } from '../../parts/way-in.tsx'
import { DeclineForm } from './decline-form.tsx'
import { goOn } from './go-on.ts'
import type { PendingPreview } from './invite-page.tsx'
import { OneClick, OneClickIsOver } from './one-click.tsx'

interface InviteAnswerProps {
  preview: PendingPreview
  landing: Landing
  isRegistering: boolean
  onDeclined: () => void
  /** The invitation is no longer as it was shown. */
  onStale: () => void
}

export function InviteAnswer(props: InviteAnswerProps) {
  const { preview, landing, onDeclined, onStale } = props
  const { invite } = useTexts()
  const [query] = useSearchParams()
  // The mail has a link to decline: it has the form ready, and answers nothing.
  const [isDeclining, setIsDeclining] = useState(query.get('answer') === 'decline')

  if (isDeclining) {
    return (
      <DeclineForm
        organisation={preview.organisationName}
        landing={landing}
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
function Entry({ preview, landing, isRegistering, onStale }: InviteAnswerProps) {
  const { invite, sign } = useTexts()
  const { person, supabase, oneClickUrl } = useSession()
  const step = nextStep(preview, person?.email ?? null)
  const [isNew, setIsNew] = useState(step === 'register' || isRegistering)
  // Kept while it works: on its way it signs somebody in.
  const [oneClick, setOneClick] = useState<'offered' | 'left' | 'over'>(
    oneClickUrl && preview.oneClick && !person ? 'offered' : 'left',
  )
  const way = wayIn(preview)

  if (oneClickUrl && oneClick === 'offered') {
    return (
      <OneClick
        url={oneClickUrl}
        preview={preview}
        landing={landing}
        onOtherWay={(isOver) => setOneClick(isOver ? 'over' : 'left')}
      />
    )
  }
  if (!person && way) {
    return (
      <>
        <Text>{sign.wayInText(preview.organisationName)}</Text>
        <WayInButton way={way} email={preview.email} />
      </>
    )
  }
  if (!person) {
    return (
      <>
        {oneClick === 'over' && <OneClickIsOver />}
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
  if (step === 'switch-account') {
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
  return <AcceptButton preview={preview} landing={landing} onStale={onStale} />
}

function AcceptButton({
  preview,
  landing,
  onStale,
}: Pick<InviteAnswerProps, 'preview' | 'landing' | 'onStale'>) {
  const { invite, sign } = useTexts()
  const { person, supabase } = useSession()
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)

  async function accept() {
    setIsBusy(true)
    const { data, error } = await landing.accept()
    if (data) return goOn(preview, data)
    setIsBusy(false)
    setError(error)
    if (landing.token === null) onStale()
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
