/**
 * A page of one card in the middle: for those who are not in yet.
 *
 * @module
 */
import { Group, Paper } from '@mantine/core'
import type { ReactNode } from 'react'
import { LanguageChoice, ThemeChoice } from './reader-choices.tsx'

export function SinglePage({ children }: { children: ReactNode }) {
  return (
    <div className="usher-single">
      <main>
        <Paper className="usher-words" withBorder p={{ base: 'lg', xs: 'xl' }} radius="lg" my="md">
          {children}
        </Paper>
      </main>
      <Group component="footer" gap="sm" justify="center">
        <LanguageChoice />
        <ThemeChoice />
      </Group>
    </div>
  )
}
