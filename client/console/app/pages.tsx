/**
 * Which address shows which page. Each is fetched when it is opened, so that an invitee does not wait for
 * what only admins need.
 *
 * @module
 */
import { lazy, Suspense, useState } from 'react'
import { Navigate, Route, Routes, useLocation } from 'react-router'
import type { Landing } from '../../index.ts'
import { InvitePage } from '../pages/invite/invite-page.tsx'
import { PageSkeleton } from '../parts/page-skeleton.tsx'
import { useSession } from './session.tsx'

const SignInPage = lazy(async () => ({
  default: (await import('../pages/sign-in-page.tsx')).SignInPage,
}))
const NewPasswordPage = lazy(async () => ({
  default: (await import('../pages/new-password/new-password-page.tsx')).NewPasswordPage,
}))
const StopMailPage = lazy(async () => ({
  default: (await import('../pages/stop-mail/stop-mail-page.tsx')).StopMailPage,
}))
const Workspace = lazy(async () => ({
  default: (await import('./workspace.tsx')).Workspace,
}))

interface PagesProps {
  /** The invitation whose link led here. */
  landing: Landing
  /** What the link to stop mails carried; null when it was another that led here. */
  stopToken: string | null
}

export function Pages({ landing, stopToken }: PagesProps) {
  const { cameBack } = useSession()
  const { pathname, search } = useLocation()
  // Where the project does not let Auth lead to the page itself, it leads to the site.
  if (cameBack.by === 'recovery' && pathname !== '/new-password') {
    const to = new URLSearchParams({ to: pathname + search })
    return <Navigate to={`/new-password?${to}`} replace />
  }
  return (
    <Suspense fallback={<PageSkeleton />}>
      <Routes>
        <Route path="/invite" element={<InvitePage landing={landing} isRegistering={false} />} />
        <Route path="/register" element={<Register landing={landing} />} />
        <Route path="/stop-mail" element={<StopMailPage token={stopToken} />} />
        <Route path="/sign-in" element={<SignInPage />} />
        <Route path="/new-password" element={<NewPasswordPage />} />
        <Route path="*" element={<Workspace />} />
      </Routes>
    </Suspense>
  )
}

/** With an invitation it is the invitation's page; without one, anybody's. */
function Register({ landing }: { landing: Landing }) {
  // Its link is forgotten once it is answered, and its page stays.
  const [isInvited] = useState(landing.token !== null)
  return isInvited ? <InvitePage landing={landing} isRegistering /> : <SignInPage wantsAccount />
}
