/**
 * How invitations behave: lifetime, reminder, who gets a new link, what is recorded of mails.
 *
 * @module
 */
import { NativeSelect, SimpleGrid, Switch } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Organisation } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { useFormDraft } from '../../app/use-draft.ts'
import { including, lifetimes, reminders } from './lifetimes.ts'
import { SettingsSection } from './settings-section.tsx'

export function InviteSettings({ details }: { details: Organisation }) {
  const texts = useTexts()
  const { settings } = texts
  const form = useForm({
    initialValues: {
      inviteTtl: details.inviteTtl,
      reminderBefore: details.reminderBefore ?? '',
      expiryMail: details.expiryMail,
      selfServiceResend: details.selfServiceResend,
      trackOpens: details.trackOpens,
    },
  })
  useFormDraft('invitations', form)
  return (
    <SettingsSection
      title={settings.invitations}
      isDirty={form.isDirty()}
      changes={() => ({ ...form.values, reminderBefore: form.values.reminderBefore || null })}
      onSaved={() => form.resetDirty(form.values)}
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NativeSelect
          label={settings.lifetime}
          data={including(lifetimes(texts), details.inviteTtl)}
          {...form.getInputProps('inviteTtl')}
        />
        <NativeSelect
          label={settings.reminder}
          data={including(reminders(texts), details.reminderBefore)}
          {...form.getInputProps('reminderBefore')}
        />
      </SimpleGrid>
      <Switch
        label={settings.expiryMail}
        {...form.getInputProps('expiryMail', { type: 'checkbox' })}
      />
      <Switch
        label={settings.selfService}
        {...form.getInputProps('selfServiceResend', { type: 'checkbox' })}
      />
      <Switch
        label={settings.trackOpens}
        description={settings.trackOpensHint}
        {...form.getInputProps('trackOpens', { type: 'checkbox' })}
      />
    </SettingsSection>
  )
}
