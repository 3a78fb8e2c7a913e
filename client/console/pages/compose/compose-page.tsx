/**
 * Invites people: a few by address, or many from a list or a file.
 *
 * @module
 */
import { Anchor, Tabs } from '@mantine/core'
import { Link } from 'react-router'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ByAddress } from './by-address.tsx'
import { ByList } from './by-list.tsx'

export function ComposePage() {
  const { compose, invitations } = useTexts()
  const { path } = useOrganisation()
  return (
    <Needs permission="invite.create">
      <Anchor component={Link} to={`${path}/invitations`} size="sm">
        {invitations.title}
      </Anchor>
      <PageHead title={compose.title} />
      <Tabs defaultValue="address" keepMounted>
        <Tabs.List mb="lg">
          <Tabs.Tab value="address">{compose.byAddress}</Tabs.Tab>
          <Tabs.Tab value="list">{compose.byList}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="address">
          <ByAddress />
        </Tabs.Panel>
        <Tabs.Panel value="list">
          <ByList />
        </Tabs.Panel>
      </Tabs>
    </Needs>
  )
}
