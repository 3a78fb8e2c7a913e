/**
 * For somebody who is signed in, and whom the organisation has not invited, or not any more.
 *
 * @module
 */
import { Anchor, Button, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useSession } from '../../app/session.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { SinglePage } from '../../parts/single-page.tsx'

export function NoneOpen() {
  const { invite, sign } = useTexts()
  const { person, signOut } = useSession()
  usePageTitle(invite.withoutLinkTitle)
  return (
    <SinglePage>
      <Stack gap="md" align="flex-start">
        <Title order={1} size="h3">
          {invite.withoutLinkTitle}
        </Title>
        <Text>{invite.noneOpen(readableAddress(person?.email ?? ''))}</Text>
        <Button variant="default" onClick={signOut}>
          {sign.signOut}
        </Button>
        <Anchor component={Link} to="/">
          {invite.toOrganisations}
        </Anchor>
      </Stack>
    </SinglePage>
  )
}
