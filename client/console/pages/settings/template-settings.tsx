/**
 * The way to the templates of mails.
 *
 * @module
 */
import { Button, Group, Text } from '@mantine/core'
import { Link } from 'react-router'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { SettingsSection } from './settings-section.tsx'

export function TemplateSettings() {
  const { templates } = useTexts()
  const { path } = useOrganisation()
  return (
    <SettingsSection title={templates.title}>
      <Text size="sm" c="dimmed">
        {templates.text}
      </Text>
      <Group>
        <Button component={Link} to={`${path}/settings/templates`} variant="default">
          {templates.open}
        </Button>
      </Group>
    </SettingsSection>
  )
}
