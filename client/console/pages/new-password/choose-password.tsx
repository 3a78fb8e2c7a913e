/**
 * Sets a new password for whoever is signed in.
 *
 * @module
 */
import { Anchor, Button, PasswordInput, Stack, Text } from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { AuthProblem } from '../../parts/auth-problem.tsx'

interface ChoosePasswordProps {
  email: string
  /** Where to go on to afterwards; a path. */
  to: string
}

export function ChoosePassword({ email, to }: ChoosePasswordProps) {
  const { common, recover, sign } = useTexts()
  const { supabase } = useSession()
  const navigate = useNavigate()
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<AuthError>()
  const [isBusy, setIsBusy] = useState(false)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    const { error } = await supabase.auth.updateUser({ password })
    setProblem(error ?? undefined)
    setIsBusy(false)
    if (!error) navigate(to, { replace: true })
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm">{sign.signedInAs(readableAddress(email))}</Text>
        {/* Password managers keep the two together. */}
        <input type="email" name="email" autoComplete="username" value={email} readOnly hidden />
        <PasswordInput
          label={recover.newPassword}
          description={sign.passwordRule}
          name="password"
          autoComplete="new-password"
          minLength={8}
          required
          withAsterisk={false}
          autoFocus
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {problem && <AuthProblem error={problem} />}
        <Button type="submit" loading={isBusy} fullWidth>
          {recover.save}
        </Button>
        <Anchor component={Link} to={to} size="sm" ta="center">
          {common.cancel}
        </Anchor>
      </Stack>
    </form>
  )
}
