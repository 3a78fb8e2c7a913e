/**
 * A second factor for this session: a code of an authenticator app, which is set up first where there is none.
 *
 * @module
 */
import { Button, Code, Image, Stack, Text, TextInput } from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { type FormEvent, useState } from 'react'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { AuthProblem } from './auth-problem.tsx'

/** An app that is being set up, or is. */
interface Factor {
  id: string
  /** For an app that does not know it yet. */
  secret?: { picture: string; key: string }
}

export function SecondFactor() {
  const { sign } = useTexts()
  const { supabase } = useSession()
  const [factor, setFactor] = useState<Factor>()
  const [code, setCode] = useState('')
  const [problem, setProblem] = useState<AuthError>()
  const [isBusy, setIsBusy] = useState(false)
  const [isDone, setIsDone] = useState(false)

  /** The app that there is, or a new one. */
  async function begin() {
    setIsBusy(true)
    const { data: factors, error } = await supabase.auth.mfa.listFactors()
    const known = factors?.totp[0]
    if (known) setFactor({ id: known.id })
    else if (error) setProblem(error)
    else await enrol()
    setIsBusy(false)
  }

  async function enrol() {
    const { data, error } = await supabase.auth.mfa.enroll({
      factorType: 'totp',
      // Two may not have one name, and one that was begun and left is not offered again.
      friendlyName: new Date().toISOString(),
    })
    if (error) return setProblem(error)
    setFactor({ id: data.id, secret: { picture: data.totp.qr_code, key: data.totp.secret } })
  }

  async function confirm(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (!factor) return
    setIsBusy(true)
    const { error } = await supabase.auth.mfa.challengeAndVerify({
      factorId: factor.id,
      code: code.trim(),
    })
    setProblem(error ?? undefined)
    setIsDone(!error)
    setIsBusy(false)
  }

  if (isDone) {
    return (
      <Text size="sm" mt="xs" role="status">
        {sign.secondFactorDone}
      </Text>
    )
  }
  return (
    <Stack gap="xs" mt="xs" align="flex-start">
      <Text size="sm">{sign.secondFactorText}</Text>
      {problem && <AuthProblem error={problem} />}
      {!factor && (
        <Button size="xs" loading={isBusy} onClick={begin}>
          {sign.useCode}
        </Button>
      )}
      {factor?.secret && (
        <>
          <Text size="sm">{sign.secondFactorScan}</Text>
          <Image src={factor.secret.picture} alt={sign.secondFactorPicture} w={180} h={180} />
          <Code dir="ltr" style={{ overflowWrap: 'anywhere' }}>
            {factor.secret.key}
          </Code>
        </>
      )}
      {factor && (
        <form onSubmit={confirm}>
          <Stack gap="xs" align="flex-start">
            <TextInput
              label={sign.secondFactorCode}
              name="code"
              inputMode="numeric"
              autoComplete="one-time-code"
              pattern="\s*[0-9]{6}\s*"
              required
              withAsterisk={false}
              autoFocus
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
            />
            <Button type="submit" size="xs" loading={isBusy}>
              {sign.secondFactorConfirm}
            </Button>
          </Stack>
        </form>
      )}
    </Stack>
  )
}
