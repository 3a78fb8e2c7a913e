/**
 * Seats, which addresses may be invited, how long the trail is kept, and how long what nobody answers for goes on.
 *
 * @module
 */
import { NativeSelect, NumberInput, SimpleGrid, TagsInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Organisation } from '../../../index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useFormDraft } from '../../app/use-draft.ts'
import { graces, including, retentions } from './lifetimes.ts'
import { SettingsSection } from './settings-section.tsx'

export function LimitSettings({ details }: { details: Organisation }) {
  const texts = useTexts()
  const { settings } = texts
  const { isOwner } = useOrganisation()
  const form = useForm({
    initialValues: {
      seatLimit: details.seatLimit ?? ('' as number | string),
      allowedEmailDomains: details.allowedEmailDomains.map(readableAddress),
      auditRetention: details.auditRetention ?? '',
      credentialGrace: details.credentialGrace,
    },
  })
  useFormDraft('limits', form)
  return (
    <SettingsSection
      title={settings.limits}
      isDirty={form.isDirty()}
      changes={() => ({
        seatLimit: form.values.seatLimit === '' ? null : Number(form.values.seatLimit),
        allowedEmailDomains: form.values.allowedEmailDomains,
        ...(isOwner && { auditRetention: form.values.auditRetention || null }),
        credentialGrace: form.values.credentialGrace,
      })}
      onSaved={() => form.resetDirty(form.values)}
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NumberInput
          label={settings.seats}
          description={settings.seatsHint}
          min={1}
          allowDecimal={false}
          hideControls
          inputWrapperOrder={['label', 'input', 'description']}
          {...form.getInputProps('seatLimit')}
        />
        <NativeSelect
          label={settings.retention}
          description={isOwner ? undefined : settings.retentionHint}
          disabled={!isOwner}
          inputWrapperOrder={['label', 'input', 'description']}
          data={including(retentions(texts), details.auditRetention)}
          {...form.getInputProps('auditRetention')}
        />
      </SimpleGrid>
      <NativeSelect
        label={settings.grace}
        description={settings.graceHint}
        data={including(graces(texts), details.credentialGrace)}
        inputWrapperOrder={['label', 'input', 'description']}
        {...form.getInputProps('credentialGrace')}
      />
      <TagsInput
        label={settings.allowedDomains}
        description={settings.allowedDomainsHint}
        splitChars={[',', ' ', ';']}
        acceptValueOnBlur
        inputWrapperOrder={['label', 'input', 'description']}
        {...form.getInputProps('allowedEmailDomains')}
      />
    </SettingsSection>
  )
}
