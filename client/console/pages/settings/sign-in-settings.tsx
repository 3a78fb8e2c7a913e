/**
 * Which way people have to come in before they become members.
 *
 * @module
 */
import {
  Button,
  Group,
  NativeSelect,
  SimpleGrid,
  Skeleton,
  Switch,
  Text,
  TextInput,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import type { FormEvent } from 'react'
import type { SignInRule } from '../../../index.ts'
import { useSignInRule, useUpdateSignInRule } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { useFormDraft } from '../../app/use-draft.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { including, signInAges } from './lifetimes.ts'
import { SettingsSection } from './settings-section.tsx'

type Way = 'any' | 'provider' | 'domain'

export function SignInSettings() {
  const { settings } = useTexts()
  const { id } = useOrganisation()
  const rule = useSignInRule(id)

  return (
    <SettingsSection title={settings.signIn}>
      <Text size="sm" c="dimmed">
        {settings.signInText}
      </Text>
      {rule.isPending && <Skeleton height={120} />}
      {rule.error && <ProblemAlert error={rule.error} />}
      {rule.data !== undefined && <RuleForm rule={rule.data} />}
    </SettingsSection>
  )
}

function RuleForm({ rule }: { rule: SignInRule | null }) {
  const texts = useTexts()
  const { settings, common } = texts
  const { id } = useOrganisation()
  const say = useSay()
  const update = useUpdateSignInRule(id)
  const form = useForm({
    initialValues: {
      way: (rule?.provider ? 'provider' : rule?.domain ? 'domain' : 'any') as Way,
      provider: rule?.provider ?? '',
      domain: rule?.domain ?? '',
      level: rule?.level ?? ('aal1' as SignInRule['level']),
      maxAge: rule?.maxAge ?? '',
      forMembers: rule?.forMembers ?? false,
    },
  })
  useFormDraft('sign-in', form)
  const { way, provider, domain, level, maxAge, forMembers } = form.values

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const changes = {
      provider: way === 'provider' ? provider : null,
      domain: way === 'domain' ? domain : null,
      level,
      maxAge: maxAge || null,
      forMembers,
    }
    update.mutate(changes, {
      onSuccess() {
        // What was changed while this was under way is still to be saved.
        form.resetDirty(form.values)
        say.done(common.saved)
      },
    })
  }

  return (
    <form onSubmit={submit}>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NativeSelect
          label={settings.signInBy}
          data={Object.entries(settings.signInWays).map(([value, label]) => ({ value, label }))}
          {...form.getInputProps('way')}
        />
        {way === 'provider' && (
          <TextInput
            label={settings.signInProvider}
            description={settings.signInProviderHint}
            inputWrapperOrder={['label', 'input', 'description']}
            required
            withAsterisk={false}
            {...form.getInputProps('provider')}
          />
        )}
        {way === 'domain' && (
          <TextInput
            label={settings.signInDomain}
            placeholder="example.com"
            required
            withAsterisk={false}
            {...form.getInputProps('domain')}
          />
        )}
        <NativeSelect
          label={settings.signInLevel}
          data={Object.entries(settings.signInLevels).map(([value, label]) => ({ value, label }))}
          {...form.getInputProps('level')}
        />
        <NativeSelect
          label={settings.signInMaxAge}
          data={including(signInAges(texts), maxAge)}
          {...form.getInputProps('maxAge')}
        />
      </SimpleGrid>
      <Switch
        mt="md"
        label={settings.signInForMembers}
        description={settings.signInForMembersHint}
        {...form.getInputProps('forMembers', { type: 'checkbox' })}
      />
      {update.error && <ProblemAlert error={update.error} />}
      <Group mt="md">
        <Button type="submit" loading={update.isPending} disabled={!form.isDirty()}>
          {common.save}
        </Button>
      </Group>
    </form>
  )
}
