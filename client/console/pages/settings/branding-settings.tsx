/**
 * Who mails come from, logo and accent colour, with a preview in light and dark.
 *
 * @module
 */
import { Avatar, ColorInput, Group, Paper, SimpleGrid, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { readableOn, textOn } from '../../../../functions/emails/theme.ts'
import type { Organisation } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { DEFAULT_ACCENT, GROUND } from '../../app/theme.ts'
import { useFormDraft } from '../../app/use-draft.ts'
import { SettingsSection } from './settings-section.tsx'

export function BrandingSettings({ details }: { details: Organisation }) {
  const { settings, invite } = useTexts()
  const form = useForm({
    initialValues: {
      senderName: details.senderName ?? '',
      logoUrl: details.logoUrl ?? '',
      accentColour: details.accentColour ?? '',
    },
  })
  useFormDraft('branding', form)
  const { senderName, accentColour, logoUrl } = form.values
  const accent = /^#[0-9a-f]{6}$/i.test(accentColour) ? accentColour : DEFAULT_ACCENT

  return (
    <SettingsSection
      title={settings.branding}
      isDirty={form.isDirty()}
      changes={() => ({
        senderName: senderName.trim() || null,
        logoUrl: logoUrl.trim() || null,
        accentColour: accentColour.trim().toLowerCase() || null,
      })}
      onSaved={() => form.resetDirty(form.values)}
    >
      <TextInput
        label={settings.senderName}
        description={settings.senderNameHint}
        placeholder={details.name}
        maxLength={100}
        inputWrapperOrder={['label', 'input', 'description']}
        {...form.getInputProps('senderName')}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <ColorInput
          label={settings.colour}
          format="hex"
          placeholder={DEFAULT_ACCENT}
          eyeDropperButtonProps={{ 'aria-label': settings.colour }}
          withEyeDropper={false}
          {...form.getInputProps('accentColour')}
        />
        <TextInput
          label={settings.logo}
          description={settings.logoHint}
          type="url"
          inputWrapperOrder={['label', 'input', 'description']}
          {...form.getInputProps('logoUrl')}
        />
      </SimpleGrid>
      <div>
        <Text size="sm" fw={500} mb={6}>
          {settings.preview}
        </Text>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          {Object.entries(GROUND).map(([scheme, ground]) => (
            <Paper key={scheme} withBorder p="md" bg={ground}>
              <Group gap="sm" mb="sm" wrap="nowrap">
                <Avatar
                  src={logoUrl || null}
                  alt=""
                  radius="md"
                  styles={{ placeholder: { background: accent, color: textOn(accent) } }}
                >
                  {details.name.slice(0, 1).toUpperCase()}
                </Avatar>
                <Text size="sm" fw={600} c={readableOn(ground, accent)} lineClamp={2}>
                  {invite.joinTitle(details.name)}
                </Text>
              </Group>
              <Text ta="center" size="sm" fw={600} py={8} bdrs="md" bg={accent} c={textOn(accent)}>
                {settings.previewButton}
              </Text>
            </Paper>
          ))}
        </SimpleGrid>
      </div>
    </SettingsSection>
  )
}
