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

export function Status({ mood, children }: { mood: Mood; children: string }) {
  return (
    <Text
      span
      size="sm"
      className="usher-status"
      style={{ '--usher-dot': DOTS[mood] } as CSSProperties}
    >
      {children}
    </Text>
  )
}
