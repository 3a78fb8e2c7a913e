/**
 * Signs in or registers: by password, by a code that comes by mail, or by single sign-on.
 *
 * @module
 */
import {
  Alert,
  Anchor,
  Button,
  PasswordInput,
  SegmentedControl,
  Stack,
  TextInput,
} from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { type FormEvent, useState } from 'react'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { CodeForm } from './code-form.tsx'

interface SignInFormProps {
  /** Fixed when it is given: whom an invitation is for. */
  fixedEmail?: string
  /** Why it is fixed, where that is not because of an invitation. */
  fixedEmailNote?: string
  /** Whether to make an account rather than to sign in. */
  isNew: boolean
  /** Whether the reader may say that it is the other of the two. */
  onSwitch?: () => void
  /** Where single sign-on comes back to; a path. */
  returnTo: string
}

type Way = 'password' | 'code' | 'sso'

export function SignInForm(props: SignInFormProps) {
  const { fixedEmail, fixedEmailNote, isNew, onSwitch, returnTo } = props
  const { sign, errors } = useTexts()
  const { supabase, hasSso } = useSession()
  const [way, setWay] = useState<Way>('password')
  const [email, setEmail] = useState(fixedEmail ?? '')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<string>()
  const [note, setNote] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)
  const [codeSentTo, setCodeSentTo] = useState<string>()

  const say = (error: AuthError) => {
    if (error.code === 'invalid_credentials') return sign.wrongCredentials
    if (error.code === 'user_already_exists') return sign.hasAccount
    // Hooks' refusals have no code of their own; this is what a new account is refused for.
    if (isNew && error.status === 403) return errors.signup_not_invited
    return error.message
  }

  const ways: Record<Way, () => Promise<{ error: AuthError | null }>> = {
    async password() {
      if (!isNew) return supabase.auth.signInWithPassword({ email, password })
      const { data, error } = await supabase.auth.signUp({ email, password })
      if (!error && !data.session) setNote(sign.confirmByMail)
      return { error }
    },
    async code() {
      const { error } = await supabase.auth.signInWithOtp({
        email,
        options: { shouldCreateUser: isNew },
      })
      if (!error) setCodeSentTo(email)
      return { error }
    },
    async sso() {
      return supabase.auth.signInWithSSO({
        domain: email.split('@').at(-1) ?? '',
        options: { redirectTo: new URL(returnTo, window.location.origin).href },
      })
    },
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    setProblem(undefined)
    setNote(undefined)
    const { error } = await ways[way]()
    if (error) setProblem(say(error))
    setIsBusy(false)
  }

  if (codeSentTo) return <CodeForm email={codeSentTo} onBack={() => setCodeSentTo(undefined)} />

  const buttons: Record<Way, string> = {
    password: isNew ? sign.register : sign.signIn,
    code: sign.sendCode,
    sso: sign.sso,
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <SegmentedControl
          fullWidth
          aria-label={sign.how}
          value={way}
          onChange={(value) => setWay(value as Way)}
          data={[
            { value: 'password', label: sign.withPassword },
            { value: 'code', label: sign.withCode },
            ...(hasSso ? [{ value: 'sso', label: sign.withSso }] : []),
          ]}
        />
        <TextInput
          label={sign.email}
          description={fixedEmail && (fixedEmailNote ?? sign.emailFixed)}
          type="email"
          name="email"
          autoComplete="username"
          required
          withAsterisk={false}
          readOnly={fixedEmail !== undefined}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        {way === 'password' && (
          <PasswordInput
            label={isNew ? sign.newPassword : sign.password}
            description={isNew ? sign.passwordRule : undefined}
            name="password"
            // In a dialog: the address is there already.
            data-autofocus={fixedEmail !== undefined || undefined}
            autoComplete={isNew ? 'new-password' : 'current-password'}
            minLength={isNew ? 8 : 1}
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
        )}
        {problem && (
          <Alert color="red" variant="outline" role="alert">
            {problem}
          </Alert>
        )}
        {note && (
          <Alert variant="outline" role="status">
            {note}
          </Alert>
        )}
        <Button type="submit" loading={isBusy} fullWidth>
          {buttons[way]}
        </Button>
        {onSwitch && (
          <Anchor component="button" type="button" size="sm" ta="center" onClick={onSwitch}>
            {isNew ? sign.signInInstead : sign.registerInstead}
          </Anchor>
        )}
      </Stack>
    </form>
  )
}
