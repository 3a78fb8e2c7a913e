/**
 * A refusal in words, with the contract's code at hand.
 *
 * @module
 */
import { Alert, Button, Code, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../app/language.tsx'
import { useProblem } from '../app/problem.ts'

interface ProblemAlertProps {
  error: unknown
  /** What was tried is tried again. */
  onRetry?: () => void
  children?: ReactNode
}

export function ProblemAlert({ error, onRetry, children }: ProblemAlertProps) {
  const { common } = useTexts()
  const { text, hint, code } = useProblem()(error)
  return (
    <Alert color="red" variant="outline" title={common.somethingWrong} role="alert">
      <Text size="sm">
        {text} {hint}
      </Text>
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
