/**
 * What the mailed link opens: who invites to what, and the answer to it. Nothing is answered before a
 * button is pressed.
 *
 * @module
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { useEffect, useState } from 'react'
import { createUsher, type InvitePreview } from '../../index.ts'
import { SignInForm } from '../sign-in-form.tsx'
import { useSessionEmail } from '../use-session.ts'

/** What each dead end means, and the way out. */
const DEAD_ENDS: Record<
  Exclude<InvitePreview['status'], 'pending'>,
  { title: string; next: string }
> = {
  accepted: {
    title: 'This invitation has been used',
    next: 'If it was you, sign in to see the organisation.',
  },
  declined: {
    title: 'This invitation was declined',
    next: 'Ask for a new one if you have changed your mind.',
  },
  revoked: {
    title: 'This invitation was withdrawn',
    next: 'Ask whoever invited you if that was not meant.',
  },
  expired: { title: 'This invitation has expired', next: 'Ask whoever invited you for a new one.' },
  superseded: {
    title: 'There is a newer mail',
    next: 'Open the link in the newest mail that you got.',
  },
  invalid: {
    title: 'This link is not complete',
    next: 'Open it straight from the mail, or copy all of it.',
  },
}

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })

interface InvitePageProps {
  supabase: SupabaseClient
  token: string | null
}

export function InvitePage({ supabase, token }: InvitePageProps) {
  const usher = createUsher(supabase)
  const sessionEmail = useSessionEmail(supabase)
  const [preview, setPreview] = useState<InvitePreview>()
  const [problem, setProblem] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)

  useEffect(() => {
    createUsher(supabase)
      .invites.validate(token ?? '')
      .then(({ data, error }) => (error ? setProblem(error.message) : setPreview(data)))
  }, [supabase, token])

  async function accept() {
    setIsBusy(true)
    const { error } = await usher.invites.accept(token ?? '')
    setIsBusy(false)
    if (error) setProblem(`${error.message} ${error.hint ?? ''}`)
    else window.location.assign(preview?.redirectTo ?? '/')
  }

  async function decline() {
    setIsBusy(true)
    const { data, error } = await usher.invites.decline(token ?? '')
    setIsBusy(false)
    if (error) setProblem(error.message)
    else setPreview(data)
  }

  if (problem) return <Notice title="That did not work" text={problem} />
  if (!preview || sessionEmail === undefined) return null
  if (preview.status !== 'pending') {
    const { title, next } = DEAD_ENDS[preview.status]
    return <Notice title={title} text={next} organisation={preview.organisationName} />
  }

  const inviter = preview.inviterName ?? preview.inviterEmail
  const isTheirs = sessionEmail?.toLowerCase() === preview.email
  return (
    <section className="card">
      <p className="badge">{preview.organisationName}</p>
      <h1>Join {preview.organisationName}</h1>
      <p>
        {inviter ? `${inviter} invites you` : 'You are invited'} to become a member, as{' '}
        <strong>{preview.roles?.join(', ')}</strong>.
      </p>
      {preview.message && <blockquote>{preview.message}</blockquote>}
      <p className="quiet">
        For {preview.email}
        {preview.expiresAt && `, until ${date.format(new Date(preview.expiresAt))}`}
      </p>

      {sessionEmail && !isTheirs && (
        <p role="alert">
          You are signed in as {sessionEmail}, and this invitation is for {preview.email}.{' '}
          <button type="button" className="link" onClick={() => supabase.auth.signOut()}>
            Sign out
          </button>
        </p>
      )}
      {isTheirs && (
        <button type="button" disabled={isBusy} onClick={accept}>
          Accept as {sessionEmail}
        </button>
      )}
      {!sessionEmail && (
        <SignInForm
          supabase={supabase}
          email={preview.email}
          isNew={preview.hasAccount === false}
        />
      )}
      <button type="button" className="link" disabled={isBusy} onClick={decline}>
        Decline the invitation
      </button>
    </section>
  )
}

function Notice({
  title,
  text,
  organisation,
}: {
  title: string
  text: string
  organisation?: string | null
}) {
  return (
    <section className="card">
      {organisation && <p className="badge">{organisation}</p>}
      <h1>{title}</h1>
      <p>{text}</p>
    </section>
  )
}
