/**
 * Signs in or registers: by password, by a code that comes by mail, or by single sign-on.
 *
 * @module
 */
import {
  Anchor,
  Button,
  PasswordInput,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { type FormEvent, lazy, Suspense, useState } from 'react'
import { Link } from 'react-router'
import { asciiAddress } from '../../address.ts'
import type { SignUpOptions } from '../../index.ts'
import { readableAddress } from '../../readable-address.ts'
import { sentenceOf } from '../app/auth-errors.ts'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { sentAtOf, useWaiting, type Waiting } from '../app/waiting.ts'
import { AuthProblem } from './auth-problem.tsx'
import { PageSkeleton } from './page-skeleton.tsx'

// Whoever signs in by password never needs it.
const MailSent = lazy(async () => ({
  default: (await import('./mail-sent.tsx')).MailSent,
}))

interface SignInFormProps {
  /** What stands above the form, and is of no use once a mail is on its way. */
  intro?: string
  /** Fixed when it is given: whom an invitation is for. */
  fixedEmail?: string
  /** Why it is fixed, where that is not because of an invitation. */
  fixedEmailNote?: string
  /** Whether to make an account rather than to sign in. */
  isNew: boolean
  /** Whether the reader may say that it is the other of the two. */
  onSwitch?: () => void
  /** Where single sign-on and the links of mails come back to; a path. */
  returnTo: string
  /** What a sign-up carries beside the name. */
  signUp?: (fullName: string | undefined) => SignUpOptions
  /** Tells, before it is tried, whether an account is to be made; false again when that was refused. */
  onRegister?: (isRegistering: boolean) => void
  /** The way to begin with; `password` by default. */
  firstWay?: Way
}

type Way = 'password' | 'code' | 'sso'

export function SignInForm(props: SignInFormProps) {
  const { intro, fixedEmail, fixedEmailNote, isNew, onSwitch, returnTo, onRegister } = props
  const { sign } = useTexts()
  const { supabase, hasSso } = useSession()
  const [way, setWay] = useState<Way>(props.firstWay ?? 'password')
  const [typed, setTyped] = useState(readableAddress(fixedEmail ?? ''))
  const email = asciiAddress(typed)
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<AuthError>()
  const [isBusy, setIsBusy] = useState(false)
  const [waiting, setWaiting] = useWaiting()

  const fullName = name.trim() || undefined
  const signUp = props.signUp?.(fullName) ?? {
    data: fullName ? { full_name: fullName } : {},
    emailRedirectTo: new URL(returnTo, window.location.origin).href,
  }
  const { emailRedirectTo } = signUp

  /** By one of the ways; whether a mail is on its way then. */
  const ways: Record<Way, () => Promise<{ error: AuthError | null; isMailed?: boolean }>> = {
    async password() {
      if (!isNew) return supabase.auth.signInWithPassword({ email, password })
      const { data, error } = await supabase.auth.signUp({ email, password, options: signUp })
      return { error, isMailed: !data.session }
    },
    async code() {
      const options = { ...(isNew && signUp), emailRedirectTo, shouldCreateUser: isNew }
      const { error } = await supabase.auth.signInWithOtp({ email, options })
      return { error, isMailed: true }
    },
    async sso() {
      const domain = email.split('@').at(-1) ?? ''
      return supabase.auth.signInWithSSO({ domain, options: { redirectTo: emailRedirectTo } })
    },
  }

  /** Once more for somebody who waits. What was sent along the first time, Auth does not take again. */
  async function sendAgain({ email, kind, isNew }: Omit<Waiting, 'sentAt'>) {
    const { error } =
      kind === 'code'
        ? await supabase.auth.signInWithOtp({
            email,
            options: { emailRedirectTo, shouldCreateUser: isNew },
          })
        : await supabase.auth.resend({ type: 'signup', email, options: { emailRedirectTo } })
    return error
  }

  /** Waits for the mail, if there is one; shows why not. */
  function settle(mail: Omit<Waiting, 'sentAt'> | null, error: AuthError | null) {
    const sentAt = mail && sentAtOf(error)
    if (mail && sentAt) setWaiting({ ...mail, sentAt })
    else if (error) {
      onRegister?.(false)
      setProblem(error)
    }
  }

  async function run(work: () => Promise<void>) {
    setIsBusy(true)
    setProblem(undefined)
    await work()
    setIsBusy(false)
  }

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    return run(async () => {
      onRegister?.(isNew)
      const { error, isMailed } = await ways[way]()
      const kind = way === 'code' ? 'code' : 'signup'
      settle(isMailed ? { email, kind, isNew } : null, error)
    })
  }

  const confirmAfterAll = () =>
    run(async () => {
      const mail = { email, kind: 'signup', isNew: false } as const
      settle(mail, await sendAgain(mail))
    })

  if (waiting) {
    const goBack = () => {
      onRegister?.(false)
      setWaiting(null)
    }
    return (
      <Suspense fallback={<PageSkeleton />}>
        <MailSent
          waiting={waiting}
          send={() => sendAgain(waiting)}
          onSent={(sentAt) => setWaiting({ ...waiting, sentAt })}
          onBack={goBack}
          isFixed={fixedEmail !== undefined}
          onSignIn={
            isNew && onSwitch
              ? () => {
                  goBack()
                  onSwitch()
                }
              : undefined
          }
        />
      </Suspense>
    )
  }

  const buttons: Record<Way, string> = {
    password: isNew ? sign.register : sign.signIn,
    code: sign.sendCode,
    sso: sign.sso,
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {intro && <Text>{intro}</Text>}
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
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {isNew && way !== 'sso' && (
          <TextInput
            label={sign.name}
            description={sign.nameHint}
            name="name"
            autoComplete="name"
            maxLength={100}
            required
            withAsterisk={false}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
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
        {/* Whoever is at work would lose their page by it; a code by mail does for them. */}
        {way === 'password' && !isNew && !fixedEmailNote && (
          <Anchor
            component={Link}
            to={`/new-password?to=${encodeURIComponent(returnTo)}`}
            state={{ email }}
            size="sm"
          >
            {sign.forgot}
          </Anchor>
        )}
        {problem && (
          <AuthProblem error={problem}>
            {sentenceOf(problem) === 'notConfirmed' && (
              <Button
                size="xs"
                variant="default"
                mt="xs"
                onClick={confirmAfterAll}
                style={{ height: 'auto', paddingBlock: 6 }}
                styles={{ label: { whiteSpace: 'normal' } }}
              >
                {sign.mail.confirm}
              </Button>
            )}
          </AuthProblem>
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
