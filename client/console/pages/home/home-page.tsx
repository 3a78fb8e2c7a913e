/**
 * Everyone's own page: organisations and roles, invitations, what is open to join.
 *
 * @module
 */
import { Container, Group, Stack, Text, Title } from '@mantine/core'
import { useTexts } from '../../app/language.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { AccountMenu } from '../../parts/account-menu.tsx'
import { CreateOrganisation } from './create-organisation.tsx'
import { Joinable } from './joinable.tsx'
import { MyInvitations } from './my-invitations.tsx'
import { MyOrganisations } from './my-organisations.tsx'

export function HomePage() {
  const { home, common } = useTexts()
  usePageTitle(home.title)
  return (
    <>
      <a className="usher-skip" href="#content">
        {common.skipToContent}
      </a>
      <Container size="sm" py="md">
        <Group component="header" justify="space-between" mb="xl">
          <Text fw={700}>Usher</Text>
          <AccountMenu />
        </Group>
        <Stack component="main" id="content" tabIndex={-1} gap="xl">
          <Group justify="space-between">
            <Title order={1} size="h2">
              {home.title}
            </Title>
            <CreateOrganisation />
          </Group>
          <MyInvitations />
          <MyOrganisations />
          <Joinable />
        </Stack>
      </Container>
    </>
  )
}
