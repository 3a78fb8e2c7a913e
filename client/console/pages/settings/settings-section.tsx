/**
 * A part of the settings that is saved by itself.
 *
 * @module
 */
import { Button, Group, Paper, Stack, Title } from '@mantine/core'
import { type FormEvent, type ReactNode, useId } from 'react'
import type { OrganisationChanges } from '../../../index.ts'
import { useUpdateOrganisation } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface SettingsSectionProps {
  title: string
  /** What to save; undefined: the section has no button. */
  changes?: () => OrganisationChanges
  /** Whether there is something to save. */
  isDirty?: boolean
  onSaved?: (saved: { slug: string }) => void
  children: ReactNode
}

export function SettingsSection(props: SettingsSectionProps) {
  const { title, changes, isDirty = true, onSaved, children } = props
  const { common } = useTexts()
  const { id } = useOrganisation()
  const say = useSay()
  const update = useUpdateOrganisation(id)
  const titleId = useId()

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (!changes) return
    update.mutate(changes(), {
      onSuccess(saved) {
        say.done(common.saved)
        onSaved?.(saved)
      },
    })
  }

  const content = (
    <Stack>
      <Title order={2} size="h4" id={titleId}>
        {title}
      </Title>
      {children}
      {update.error && <ProblemAlert error={update.error} />}
      {changes && (
        <Group>
          <Button type="submit" loading={update.isPending} disabled={!isDirty}>
            {common.save}
          </Button>
        </Group>
      )}
    </Stack>
  )
  return (
    <Paper component="section" withBorder p={{ base: 'md', sm: 'lg' }} aria-labelledby={titleId}>
      {changes ? <form onSubmit={submit}>{content}</form> : content}
    </Paper>
  )
}
