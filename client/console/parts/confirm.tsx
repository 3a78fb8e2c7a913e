/**
 * Asks before something that cannot simply be undone: with a reason, or with a word to type.
 *
 * @module
 */
import { Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Result } from '../../index.ts'
import { useTexts } from '../app/language.tsx'
import { Dialog } from './dialog.tsx'
import { ProblemAlert } from './problem-alert.tsx'

export interface Question {
  title: string
  text: string
  /** On the button that does it. */
  confirm: string
  /** Has to be typed first. */
  word?: string
  /** Whether a reason may be given. */
  takesReason?: boolean
  /** What a reason that has to be given is called. */
  needsReason?: string
  /** Does it; a refusal is shown, and the question stays open. */
  act: (reason: string | undefined) => Promise<Result<unknown>>
}

interface ConfirmProps {
  question: Question | null
  onClose: () => void
}

export function Confirm({ question, onClose }: ConfirmProps) {
  return (
    <Dialog opened={question !== null} onClose={onClose} title={question?.title}>
      {question && <Form question={question} onClose={onClose} />}
    </Dialog>
  )
}

function Form({ question, onClose }: { question: Question; onClose: () => void }) {
  const { common } = useTexts()
  const [typed, setTyped] = useState('')
  const [reason, setReason] = useState('')
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)
  const { word } = question

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    const { error } = await question.act(reason.trim() || undefined)
    setIsBusy(false)
    if (error) setError(error)
    else onClose()
  }

  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{question.text}</Text>
        {(question.takesReason || question.needsReason) && (
          <Textarea
            label={question.needsReason ?? common.reason}
            required={Boolean(question.needsReason)}
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        )}
        {word && (
          <TextInput
            label={common.typeToConfirm(word)}
            autoComplete="off"
            data-autofocus
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        {error !== undefined && <ProblemAlert error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button
            type="submit"
            color="red.9"
            loading={isBusy}
            disabled={word !== undefined && typed.trim() !== word}
          >
            {question.confirm}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
