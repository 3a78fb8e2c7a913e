/**
 * Who is signed in, their account, language, light or dark, and the way out.
 *
 * @module
 */
import { ActionIcon, Menu, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconLogout, IconUserCircle, IconUserEdit } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { readableAddress } from '../../readable-address.ts'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { LanguageChoice, ThemeChoice } from './reader-choices.tsx'

const AccountDialog = lazy(async () => ({
  default: (await import('./account-dialog.tsx')).AccountDialog,
}))

export function AccountMenu() {
  const { account, home, sign } = useTexts()
  const { person, signOut } = useSession()
  const [isOpen, { open, close }] = useDisclosure(false)
  return (
    <>
      <Menu position="bottom-end" width={240} closeOnItemClick={false} trapFocus>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" radius="xl" aria-label={home.account}>
            <IconUserCircle size={24} stroke={1.5} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label className="usher-words">
            {person?.name && (
              <Text size="sm" c="var(--mantine-color-text)" fw={600}>
                {person.name}
              </Text>
            )}
            {sign.signedInAs(readableAddress(person?.email ?? ''))}
          </Menu.Label>
          <Menu.Item
            leftSection={<IconUserEdit size={16} aria-hidden />}
            onClick={open}
            closeMenuOnClick
          >
            <Text size="sm">{account.title}</Text>
          </Menu.Item>
          <Stack gap="xs" px="sm" py={6}>
            <LanguageChoice />
            <ThemeChoice />
          </Stack>
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={signOut}>
            <Text size="sm">{sign.signOut}</Text>
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isOpen && person && (
        <Suspense>
          <AccountDialog person={person} onClose={close} />
        </Suspense>
      )}
    </>
  )
}
