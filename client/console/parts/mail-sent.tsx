/**
 * After a mail of Auth has been sent: to which address, what to do with it, and what to do if it does not come. When
 * its link is opened in another tab of this browser, the session comes from there, and the page goes on.
 *
 * @module
 */
import { Alert, Anchor, Button, Stack, Text, TextInput, Title } from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { type FormEvent, useEffect, useState } from 'react'
import { readableAddress } from '../../readable-address.ts'
import { sentenceOf } from '../app/auth-errors.ts'
import { useFormat, useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { PAUSE, sentAtOf, type Waiting } from '../app/waiting.ts'
import { AuthProblem } from './auth-problem.tsx'

interface MailSentProps {
  waiting: Waiting
  /** Sends it once more. */
  send: () => Promise<AuthError | null>
  onSent: (sentAt: number) => void
  /** Before a code is tried: what comes of it comes in this tab. */
  onCode?: () => void
  onBack: () => void
  /** Whether the address can be no other. */
  isFixed: boolean
  /** For those who have an account already. */
  onSignIn?: (() => void) | undefined
}

export function MailSent(props: MailSentProps) {
  const { waiting, send, onSent, onCode, onBack, isFixed, onSignIn } = props
  const { email, kind, isNew, sentAt } = waiting
  const { sign, common } = useTexts()
  const format = useFormat()
  const { supabase } = useSession()
  const [code, setCode] = useState('')
  const [problem, setProblem] = useState<AuthError>()
  const [isCodeWrong, setIsCodeWrong] = useState(false)
  const [isResent, setIsResent] = useState(false)
  const [isBusy, setIsBusy] = useState(false)
  const secondsLeft = useSecondsUntil(sentAt + PAUSE * 1000)

  async function tryCode(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    setIsResent(false)
    onCode?.()
    const type = kind === 'recovery' ? 'recovery' : 'email'
    const { error } = await supabase.auth.verifyOtp({ email, token: code.trim(), type })
    setProblem(error ?? undefined)
    setIsCodeWrong(error !== null && sentenceOf(error) === 'linkExpired')
    setIsBusy(false)
  }

  async function resend() {
    setIsBusy(true)
    setIsCodeWrong(false)
    const error = await send()
    const sentAt = sentAtOf(error)
    if (sentAt !== null) onSent(sentAt)
    setProblem(error ?? undefined)
    setIsResent(!error)
    setIsBusy(false)
  }

  return (
    <form onSubmit={tryCode}>
      <Stack gap="md">
        <Title order={2} size="h4">
          {sign.mail.title}
        </Title>
        <Text size="sm" role="status">
          {sign.mail.sent(readableAddress(email))}
        </Text>
        <TextInput
          label={sign.codeLabel}
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
        {problem && <AuthProblem error={problem} text={isCodeWrong ? sign.codeWrong : undefined} />}
        {isResent && (
          <Alert variant="outline" role="status">
            {sign.mail.resent}
          </Alert>
        )}
        <Button type="submit" loading={isBusy} fullWidth>
          {sign.useCode}
        </Button>
        <Text size="sm" c="dimmed">
          {sign.mail.missing} {isNew && kind === 'signup' && sign.mail.hasAccount}
          {kind === 'recovery' && sign.mail.noAccount}
        </Text>
        <Button
          variant="default"
          disabled={secondsLeft > 0 || isBusy}
          onClick={resend}
          fullWidth
          style={{ height: 'auto', paddingBlock: 8 }}
          styles={{ label: { whiteSpace: 'normal' } }}
        >
          {secondsLeft > 0 ? sign.mail.resendIn(format.inSeconds(secondsLeft)) : sign.mail.resend}
        </Button>
        {onSignIn && (
          <Anchor component="button" type="button" size="sm" ta="center" onClick={onSignIn}>
            {sign.signInInstead}
          </Anchor>
        )}
        <Anchor component="button" type="button" size="sm" ta="center" onClick={onBack}>
          {isFixed ? common.back : sign.mail.otherAddress}
        </Anchor>
      </Stack>
    </form>
  )
}

/** Counts down by the clock, whatever a sleeping tab misses. */
function useSecondsUntil(time: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  return Math.max(0, Math.ceil((time - now) / 1000))
}
