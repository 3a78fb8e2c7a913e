/**
 * A refusal in words, with the contract's code at hand.
 *
 * @module
 */
import { Alert, Button, Code, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { isUsherError } from '../../index.ts'
import { useTexts } from '../app/language.tsx'
import { useProblem } from '../app/problem.ts'
import { WayIn } from './way-in.tsx'

interface ProblemAlertProps {
  error: unknown
  /** What was tried is tried again. */
  onRetry?: () => void
  /** Whether the reader answers an invitation. */
  isInvitee?: boolean
  children?: ReactNode
}

export function ProblemAlert({ error, onRetry, isInvitee, children }: ProblemAlertProps) {
  const { common } = useTexts()
  const { text, hint, code } = useProblem(isInvitee)(error)
  return (
    <Alert color="red" variant="outline" title={common.somethingWrong} role="alert">
      <Text size="sm">
        {text} {hint}
      </Text>
      {code === 'sso_required' && isUsherError(error) && error.details && (
        <WayIn lacks={error.details} />
      )}
      {children}
      <Group mt="xs" justify="space-between">
        {code && (
          <Text size="xs" c="dimmed">
            {common.errorCode}: <Code>{code}</Code>
          </Text>
        )}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {common.tryAgain}
          </Button>
        )}
      </Group>
    </Alert>
  )
}
