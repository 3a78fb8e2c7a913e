/**
 * What is around every page of an organisation: its name, the way to its other pages, the account.
 *
 * @module
 */
import { AppShell, Burger, Group, ScrollArea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Suspense } from 'react'
import { Outlet, useLocation, useParams } from 'react-router'
import { NotFoundPage } from '../pages/not-found-page.tsx'
import { AccountMenu } from '../parts/account-menu.tsx'
import { OrganisationMenu } from '../parts/organisation-menu.tsx'
import { PageSkeleton } from '../parts/page-skeleton.tsx'
import { ProblemAlert } from '../parts/problem-alert.tsx'
import { ErrorBoundary } from './error-boundary.tsx'
import { useTexts } from './language.tsx'
import { Navigation } from './navigation.tsx'
import { OrganisationProvider } from './organisation.tsx'

export function OrganisationFrame() {
  const { organisation: key = '' } = useParams()
  const { home, common } = useTexts()
  // Without the organisation: what is being typed outlives a change of its short name.
  const page = useLocation().pathname.split('/').slice(3).join('/')
  const [isOpen, { toggle, close }] = useDisclosure(false)

  return (
    <OrganisationProvider
      organisationKey={key}
      whileLoading={<PageSkeleton />}
      whenMissing={<NotFoundPage />}
      whenFailed={(error, retry) => <ProblemAlert error={error} onRetry={retry} />}
    >
      <a className="usher-skip" href="#content">
        {common.skipToContent}
      </a>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
        padding={{ base: 'md', sm: 'xl' }}
      >
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
            <Group gap="xs" wrap="nowrap" miw={0}>
              <Burger
                opened={isOpen}
                onClick={toggle}
                hiddenFrom="sm"
                size="sm"
                aria-label={home.openNavigation}
                aria-expanded={isOpen}
              />
              <OrganisationMenu />
            </Group>
            <AccountMenu />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="sm" aria-label={home.navigation}>
          <ScrollArea>
            <Navigation onNavigate={close} />
          </ScrollArea>
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1}>
          {/* A page that breaks does not take the way to the others with it. */}
          <ErrorBoundary key={page}>
            <Suspense fallback={<PageSkeleton />}>
              <Outlet />
            </Suspense>
          </ErrorBoundary>
        </AppShell.Main>
      </AppShell>
    </OrganisationProvider>
  )
}
