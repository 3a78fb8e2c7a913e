/**
 * The answer to an invitation: sign in or register where need be, then accept, or decline.
 *
 * @module
 */
import { Alert, Anchor, Button, Divider, Stack, Text } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { useSearchParams } from 'react-router'
import { finishSignUp, type Landing, nextStep, signUpOptions, wayIn } from '../../../index.ts'
import { useUsher } from '../../../react/provider.tsx'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { ownPathOf } from '../../app/own-path.ts'
import { useSession } from '../../app/session.tsx'
import { readWaiting } from '../../app/waiting.ts'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { SignInForm } from '../../parts/sign-in-form.tsx'
import { WayInButton } from '../../parts/way-in.tsx'
import { AcceptButton } from './accept-button.tsx'
import { goOn, wayBack } from './go-on.ts'
import type { PendingPreview } from './invite-page.tsx'

// What many do not need waits until it is wanted.
const DeclineForm = lazy(async () => ({
  default: (await import('./decline-form.tsx')).DeclineForm,
}))
const OneClick = lazy(async () => ({
  default: (await import('./one-click.tsx')).OneClick,
}))

interface InviteAnswerProps {
  preview: PendingPreview
  landing: Landing
  isRegistering: boolean
  /** Tells, before it is tried, that an account is made to accept; false again when that was refused. */
  onRegister: (isRegistering: boolean) => void
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
      <Suspense fallback={<PageSkeleton />}>
        <DeclineForm
          organisation={preview.organisationName}
          landing={landing}
          onDeclined={onDeclined}
          onCancel={() => setIsDeclining(false)}
          onStale={onStale}
        />
      </Suspense>
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
function Entry({ preview, landing, isRegistering, onRegister, onStale }: InviteAnswerProps) {
  const { invite, sign } = useTexts()
  const usher = useUsher()
  const { person, signOut, oneClickUrl } = useSession()
  const step = nextStep(preview, person?.email ?? null)
  const [isNew, setIsNew] = useState(
    () => readWaiting()?.isNew ?? (step === 'register' || isRegistering),
  )
  // Kept while it works: on its way it signs somebody in.
  const [oneClick, setOneClick] = useState<'offered' | 'left' | 'over'>(
    oneClickUrl && preview.oneClick && !person ? 'offered' : 'left',
  )
  const way = wayIn(preview)
  const signUp = (fullName?: string) =>
    signUpOptions(landing, preview, { redirectTo: wayBack(preview), fullName })

  if (oneClickUrl && oneClick === 'offered') {
    return (
      <Suspense fallback={<PageSkeleton lines={2} />}>
        <OneClick
          url={oneClickUrl}
          preview={preview}
          landing={landing}
          onOtherWay={(isOver) => setOneClick(isOver ? 'over' : 'left')}
        />
      </Suspense>
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
        {oneClick === 'over' && (
          <Alert color="yellow" variant="outline" role="status">
            {invite.oneClickOver}
          </Alert>
        )}
        <SignInForm
          // A link that was not mailed does not tell whether there is an account: both ways are offered.
          intro={
            preview.hasAccount === null
              ? invite.eitherAccount
              : isNew
                ? invite.noAccount
                : invite.hasAccount
          }
          fixedEmail={preview.email}
          isNew={isNew}
          onSwitch={() => setIsNew(!isNew)}
          returnTo={ownPathOf(signUp().emailRedirectTo) ?? '/invite'}
          signUp={signUp}
          onRegister={onRegister}
        />
      </>
    )
  }
  if (step === 'switch-account') {
    return (
      <Alert color="yellow" variant="outline" title={invite.wrongAccountTitle} role="alert">
        <Text size="sm" mb="sm">
          {invite.wrongAccount(readableAddress(person.email), readableAddress(preview.email))}
        </Text>
        {/* Only here: other devices and tabs of the other account stay signed in. */}
        <Button
          variant="default"
          onClick={signOut}
          style={{ height: 'auto', paddingBlock: 8 }}
          styles={{ label: { whiteSpace: 'normal' } }}
        >
          {invite.switchAccount(readableAddress(preview.email))}
        </Button>
      </Alert>
    )
  }
  return (
    <AcceptButton
      accept={() => finishSignUp(usher, preview.organisationId, landing)}
      onAccepted={() => goOn(preview.organisationId, preview.redirectTo)}
      onRefused={() => {
        if (landing.token === null) onStale()
      }}
    />
  )
}
