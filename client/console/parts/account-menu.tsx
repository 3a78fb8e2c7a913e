/**
 * Who is signed in, language, light or dark, and the way out.
 *
 * @module
 */
import { ActionIcon, Menu, Stack, Text } from '@mantine/core'
import { IconLogout, IconUserCircle } from '@tabler/icons-react'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { LanguageChoice, ThemeChoice } from './reader-choices.tsx'

export function AccountMenu() {
  const { home, sign } = useTexts()
  const { person, signOut } = useSession()
  return (
    <Menu position="bottom-end" width={240} closeOnItemClick={false} trapFocus>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" radius="xl" aria-label={home.account}>
          <IconUserCircle size={24} stroke={1.5} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{sign.signedInAs(person?.email ?? '')}</Menu.Label>
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
  )
}
