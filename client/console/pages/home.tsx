/**
 * The organisations of whoever is signed in.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { useEffect, useState } from 'react'
import { createUsher, type MyOrganisation } from '../../index.ts'
import { SignInForm } from '../sign-in-form.tsx'
import { useSessionEmail } from '../use-session.ts'

export function HomePage({ supabase }: { supabase: SupabaseClient }) {
  const email = useSessionEmail(supabase)
  const [organisations, setOrganisations] = useState<MyOrganisation[]>()
  const [problem, setProblem] = useState<string>()

  useEffect(() => {
    if (!email) return
    createUsher(supabase)
      .organisations.listMine()
      .then(({ data, error }) => (error ? setProblem(error.message) : setOrganisations(data)))
  }, [email, supabase])

  if (email === undefined) return null
  if (email === null) {
    return (
      <section className="card">
        <h1>Sign in</h1>
        <SignInForm supabase={supabase} email={null} isNew={false} />
      </section>
    )
  }
  return (
    <section className="card">
      <h1>Your organisations</h1>
      {problem && <p role="alert">{problem}</p>}
      {organisations?.length === 0 && (
        <p>None yet. When somebody invites {email}, a link comes by mail.</p>
      )}
      <ul className="list">
        {organisations?.map(({ id, name, roles }) => (
          <li key={id}>
            <strong>{name}</strong>
            <span className="quiet">{roles.join(', ') || 'no role'}</span>
          </li>
        ))}
      </ul>
      <p className="quiet">
        You are signed in as {email}.{' '}
        <button type="button" className="link" onClick={() => supabase.auth.signOut()}>
          Sign out
        </button>
      </p>
    </section>
  )
}
