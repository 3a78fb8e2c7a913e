/**
 * Name, short name, language, where answers go.
 *
 * @module
 */
import { NativeSelect, SimpleGrid, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useNavigate } from 'react-router'
import type { Organisation } from '../../../index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useFormDraft } from '../../app/use-draft.ts'
import { LANGUAGE_CODES, LANGUAGES } from '../../texts/languages.ts'
import { SettingsSection } from './settings-section.tsx'

export function GeneralSettings({ details }: { details: Organisation }) {
  const { settings } = useTexts()
  const navigate = useNavigate()
  const form = useForm({
    initialValues: {
      name: details.name,
      slug: details.slug,
      locale: details.locale,
      replyTo: readableAddress(details.replyTo ?? ''),
    },
  })
  useFormDraft('general', form)
  const isKnown = LANGUAGE_CODES.some((code) => code === details.locale)

  return (
    <SettingsSection
      title={settings.general}
      isDirty={form.isDirty()}
      changes={() => ({ ...form.values, replyTo: form.values.replyTo.trim() || null })}
      onSaved={({ slug }) => {
        form.resetDirty(form.values)
        if (slug !== details.slug) navigate(`/organisations/${slug}/settings`, { replace: true })
      }}
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput
          label={settings.name}
          required
          withAsterisk={false}
          maxLength={100}
          {...form.getInputProps('name')}
        />
        <TextInput
          label={settings.slug}
          description={settings.slugHint}
          required
          withAsterisk={false}
          maxLength={63}
          inputWrapperOrder={['label', 'input', 'description']}
          {...form.getInputProps('slug')}
        />
        <NativeSelect
          label={settings.locale}
          data={[
            ...(isKnown ? [] : [details.locale]),
            ...LANGUAGE_CODES.map((code) => ({ value: code, label: LANGUAGES[code].name })),
          ]}
          {...form.getInputProps('locale')}
        />
        <TextInput
          label={settings.replyTo}
          description={settings.replyToHint}
          type="email"
          inputWrapperOrder={['label', 'input', 'description']}
          {...form.getInputProps('replyTo')}
        />
      </SimpleGrid>
    </SettingsSection>
  )
}
