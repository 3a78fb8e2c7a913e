/**
 * Deletes an organisation, once its name has been typed.
 *
 * @module
 */
import { Button, Group, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useUsher, usherKeys } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { SettingsSection } from './settings-section.tsx'

export function DeleteOrganisation() {
  const { settings } = useTexts()
  const { id, name } = useOrganisation()
  const usher = useUsher()
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const say = useSay()
  const [question, setQuestion] = useState<Question | null>(null)

  const ask = () =>
    setQuestion({
      title: settings.deleteTitle(name),
      text: settings.deleteText,
      confirm: settings.delete,
      word: name,
      async act() {
        const result = await usher.organisations.delete(id)
        if (result.error) return result
        say.done(settings.deleted(name))
        navigate('/')
        await queryClient.invalidateQueries({ queryKey: usherKeys.all })
        return result
      },
    })

  return (
    <SettingsSection title={settings.danger}>
      <Text size="sm">{settings.deleteText}</Text>
      <Group>
        <Button color="red" variant="outline" onClick={ask}>
          {settings.delete}
        </Button>
      </Group>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </SettingsSection>
  )
}
