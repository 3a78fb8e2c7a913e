/**
 * Signs in, or registers, with address and password.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { type FormEvent, useState } from 'react'

interface SignInFormProps {
  supabase: SupabaseClient
  /** Fixed when it is given: whom the invitation is for. */
  email: string | null
  isNew: boolean
}

export function SignInForm({ supabase, email, isNew }: SignInFormProps) {
  const [problem, setProblem] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const credentials = {
      email: email ?? String(form.get('email')),
      password: String(form.get('password')),
    }
    setIsBusy(true)
    setProblem(undefined)
    const { data, error } = isNew
      ? await supabase.auth.signUp(credentials)
      : await supabase.auth.signInWithPassword(credentials)
    if (error) setProblem(error.message)
    else if (!data.session)
      setProblem('Confirm your address by the mail that we have sent, then come back.')
    setIsBusy(false)
  }

  return (
    <form onSubmit={submit}>
      <label>
        Address
        <input
          name="email"
          type="email"
          autoComplete="username"
          required
          readOnly={email !== null}
          {...(email !== null && { value: email })}
        />
      </label>
      <label>
        {isNew ? 'Choose a password' : 'Password'}
        <input
          name="password"
          type="password"
          autoComplete={isNew ? 'new-password' : 'current-password'}
          minLength={isNew ? 8 : 1}
          required
        />
      </label>
      {problem && <p role="alert">{problem}</p>}
      <button type="submit" disabled={isBusy}>
        {isNew ? 'Register' : 'Sign in'}
      </button>
    </form>
  )
}
