/**
 * Says who decides whether people without an invitation may make an account.
 *
 * @module
 */
import { Code, Text } from '@mantine/core'
import { useTexts } from '../../app/language.tsx'
import { SettingsSection } from './settings-section.tsx'

export function ClosedDoor() {
  const { settings } = useTexts()
  return (
    <SettingsSection title={settings.closedDoor}>
      <Text size="sm">{settings.closedDoorText}</Text>
      <Code block dir="ltr" style={{ whiteSpace: 'pre-wrap' }}>
        {`select usher.update_settings('{"sign_up": "invite_only"}');`}
      </Code>
    </SettingsSection>
  )
}
