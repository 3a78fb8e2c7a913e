/**
 * What to do about a session that an organisation does not take: the way in that it asks for.
 *
 * @module
 */
import { Button, Stack, Text } from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { lazy, Suspense, useState } from 'react'
import { signInBy, type WayIn as Way, wayIn } from '../../index.ts'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { AuthProblem } from './auth-problem.tsx'

// Few need it, and every invitee would wait for it.
const SecondFactor = lazy(async () => ({
  default: (await import('./second-factor.tsx')).SecondFactor,
}))

/** @param props.lacks - `details` of the refusal `sso_required` */
export function WayIn({ lacks }: { lacks: string }) {
  const { session } = useTexts()
  const { signInAgain } = useSession()
  const way = wayIn(lacks)

  if (way) return <WayInButton way={way} />
  if (lacks === 'aal2' || /^amr:(.*,)?totp(,|$)/.test(lacks)) {
    return (
      <Suspense>
        <SecondFactor />
      </Suspense>
    )
  }
  const reason = lacks === 'max_age' ? 'too_old' : 'other_way'
  return (
    <Stack gap="xs" mt="xs" align="flex-start">
      <Text size="sm">{session.reasons[reason]}</Text>
      <Button size="xs" onClick={() => signInAgain(reason)}>
        {session.title}
      </Button>
    </Stack>
  )
}

interface WayInButtonProps {
  way: Way
  /** For the form of the identity provider. */
  email?: string
}

/** Leads to the identity provider, and back to this page. The token of an invitation stays in the tab. */
export function WayInButton({ way, email }: WayInButtonProps) {
  const { sign } = useTexts()
  const { supabase } = useSession()
  const [problem, setProblem] = useState<AuthError>()
  const [isBusy, setIsBusy] = useState(false)

  async function go() {
    setIsBusy(true)
    setProblem(undefined)
    const { origin, pathname, search } = window.location
    const error = await signInBy(supabase, {
      ...way,
      email,
      redirectTo: origin + pathname + search,
    })
    // Without an error, the browser is on its way.
    if (!error) return
    setProblem(error)
    setIsBusy(false)
  }

  return (
    <Stack gap="xs" mt="xs">
      {problem && <AuthProblem error={problem} />}
      <Button loading={isBusy} onClick={go}>
        {sign.wayIn}
      </Button>
    </Stack>
  )
}
