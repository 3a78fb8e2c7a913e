/**
 * A state as a word with a dot: the colour only repeats what the word says.
 *
 * @module
 */
import { Text } from '@mantine/core'
import type { CSSProperties } from 'react'

const DOTS = {
  good: 'light-dark(#12805c, #3ecf9b)',
  bad: 'light-dark(#c4320a, #ff8f6b)',
  waiting: 'light-dark(#b54708, #f5b83d)',
  quiet: 'light-dark(#667085, #98a1b3)',
} as const

export type Mood = keyof typeof DOTS

interface StatusProps {
  mood: Mood
  /** Whether it may take several lines, as a sentence may. */
  wraps?: boolean
  children: string
}

export function Status({ mood, wraps = false, children }: StatusProps) {
  return (
    <Text
      span
      size="sm"
      className="usher-status"
      style={{ '--usher-dot': DOTS[mood], ...(wraps && { whiteSpace: 'normal' }) } as CSSProperties}
    >
      {children}
    </Text>
  )
}
