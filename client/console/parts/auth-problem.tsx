/**
 * Why signing in or registering did not work, in words.
 *
 * @module
 */
import { Alert, Code, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../app/language.tsx'
import { useProblem } from '../app/problem.ts'

interface AuthProblemProps {
  error: unknown
  /** Better words where the place knows more. */
  text?: string | undefined
  /** The next step. */
  children?: ReactNode
}

export function AuthProblem({ error, text, children }: AuthProblemProps) {
  const { common, unexpected } = useTexts()
  const problem = useProblem()(error)
  const words = text ?? problem.text
  return (
    <Alert color="red" variant="outline" role="alert">
      <Text size="sm">{words}</Text>
      {/* Words that say what is wrong need no code beside them. */}
      {words === unexpected && problem.code && (
        <Text size="xs" c="dimmed" mt={4}>
          {common.errorCode}: <Code>{problem.code}</Code>
        </Text>
      )}
      {children}
    </Alert>
  )
}
