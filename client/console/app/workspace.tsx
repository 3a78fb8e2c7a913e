/**
 * What those see who are signed in: their organisations, and the pages of each.
 *
 * @module
 */
import { ModalsProvider } from '@mantine/modals'
import { Notifications } from '@mantine/notifications'
import '@mantine/notifications/styles.css'
import { lazy, useEffect, useRef } from 'react'
import { Navigate, Route, Routes, useLocation, useNavigate } from 'react-router'
import { readableAddress } from '../../readable-address.ts'
import { HomePage } from '../pages/home/home-page.tsx'
import { NotFoundPage } from '../pages/not-found-page.tsx'
import { PageSkeleton } from '../parts/page-skeleton.tsx'
import { sentenceOf } from './auth-errors.ts'
import { useTexts } from './language.tsx'
import { OrganisationFrame } from './organisation-frame.tsx'
import { useSay } from './say.tsx'
import { type Person, useSession } from './session.tsx'
import { SignInAgain } from './sign-in-again.tsx'

const MembersPage = lazy(async () => ({
  default: (await import('../pages/members/members-page.tsx')).MembersPage,
}))
const OverviewPage = lazy(async () => ({
  default: (await import('../pages/overview/overview-page.tsx')).OverviewPage,
}))
const InvitationsPage = lazy(async () => ({
  default: (await import('../pages/invitations/invitations-page.tsx')).InvitationsPage,
}))
const InvitationPage = lazy(async () => ({
  default: (await import('../pages/invitations/invitation-page.tsx')).InvitationPage,
}))
const ComposePage = lazy(async () => ({
  default: (await import('../pages/compose/compose-page.tsx')).ComposePage,
}))
const DevicesPage = lazy(async () => ({
  default: (await import('../pages/devices/devices-page.tsx')).DevicesPage,
}))
const DirectoriesPage = lazy(async () => ({
  default: (await import('../pages/directories/directories-page.tsx')).DirectoriesPage,
}))
const RolesPage = lazy(async () => ({
  default: (await import('../pages/roles/roles-page.tsx')).RolesPage,
}))
const AccessReviewsPage = lazy(async () => ({
  default: (await import('../pages/access-reviews/access-reviews-page.tsx')).AccessReviewsPage,
}))
const AccessReviewPage = lazy(async () => ({
  default: (await import('../pages/access-reviews/access-review-page.tsx')).AccessReviewPage,
}))
const TrailPage = lazy(async () => ({
  default: (await import('../pages/trail/trail-page.tsx')).TrailPage,
}))
const MailsPage = lazy(async () => ({
  default: (await import('../pages/mails/mails-page.tsx')).MailsPage,
}))
const TemplatesPage = lazy(async () => ({
  default: (await import('../pages/templates/templates-page.tsx')).TemplatesPage,
}))
const TemplatePage = lazy(async () => ({
  default: (await import('../pages/templates/template-page.tsx')).TemplatePage,
}))
const WebhooksPage = lazy(async () => ({
  default: (await import('../pages/webhooks/webhooks-page.tsx')).WebhooksPage,
}))
const SettingsPage = lazy(async () => ({
  default: (await import('../pages/settings/settings-page.tsx')).SettingsPage,
}))

export function Workspace() {
  const { person } = useSession()
  const { pathname, search } = useLocation()
  useCameBack()

  if (person === undefined) return <PageSkeleton />
  if (person === null) {
    const wanted = pathname + search
    const to = wanted === '/' ? '' : `?to=${encodeURIComponent(wanted)}`
    return <Navigate to={`/sign-in${to}`} replace />
  }
  return (
    <ModalsProvider>
      <Notifications position="bottom-right" autoClose={6000} />
      <AtWork person={person} />
      {/* What one person has typed is not for another to send. */}
      <WorkspaceRoutes key={person.id} />
      <SignInAgain />
    </ModalsProvider>
  )
}

/** Tells whoever is signed in anyway why the link that led here did not work. */
function useCameBack(): void {
  const { sign } = useTexts()
  const { person, cameBack, forgetCameBack } = useSession()
  const say = useSay()
  const { refusal } = cameBack
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, in the language of that moment
  useEffect(() => {
    if (!person || !refusal) return
    if (sentenceOf(refusal) === 'linkExpired') say.done(sign.alreadyIn)
    else say.refused(refusal)
    forgetCameBack()
  }, [person, refusal])
}

/** Keeps the page while its reader signs in again; leaves it when it is somebody else who comes. */
function AtWork({ person }: { person: Person }) {
  const { session } = useTexts()
  const { watch } = useSession()
  const say = useSay()
  const navigate = useNavigate()
  const before = useRef(person.id)

  useEffect(() => watch(), [watch])
  useEffect(() => {
    if (before.current === person.id) return
    before.current = person.id
    navigate('/', { replace: true })
    say.done(session.switched(readableAddress(person.email)))
  }, [person, navigate, say, session])
  return null
}

function WorkspaceRoutes() {
  return (
    <Routes>
      <Route index element={<HomePage />} />
      <Route path="organisations/:organisation" element={<OrganisationFrame />}>
        <Route index element={<Navigate to="members" replace />} />
        <Route path="members" element={<MembersPage />} />
        <Route path="overview" element={<OverviewPage />} />
        <Route path="invitations" element={<InvitationsPage />} />
        <Route path="invitations/new" element={<ComposePage />} />
        <Route path="invitations/:invitation" element={<InvitationPage />} />
        <Route path="mails" element={<MailsPage />} />
        <Route path="devices" element={<DevicesPage />} />
        <Route path="directories" element={<DirectoriesPage />} />
        <Route path="roles" element={<RolesPage />} />
        <Route path="access-reviews" element={<AccessReviewsPage />} />
        <Route path="access-reviews/:review" element={<AccessReviewPage />} />
        <Route path="trail" element={<TrailPage />} />
        <Route path="webhooks" element={<WebhooksPage />} />
        <Route path="settings" element={<SettingsPage />} />
        <Route path="settings/templates" element={<TemplatesPage />} />
        <Route path="settings/templates/new" element={<TemplatePage />} />
        <Route path="settings/templates/:template" element={<TemplatePage />} />
      </Route>
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  )
}
