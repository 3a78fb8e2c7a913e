/**
 * A page of one card in the middle: for those who are not in yet.
 *
 * @module
 */
import { Group, Paper } from '@mantine/core'
import type { ReactNode } from 'react'
import { CameBackNotice } from './came-back.tsx'
import { LanguageChoice, ThemeChoice } from './reader-choices.tsx'

interface SinglePageProps {
  /** What to do about a link of Auth that is used up, where it is not to sign in. */
  whenExpired?: string
  children: ReactNode
}

export function SinglePage({ whenExpired, children }: SinglePageProps) {
  return (
    <div className="usher-single">
      <main>
        <Paper className="usher-words" withBorder p={{ base: 'lg', xs: 'xl' }} radius="lg" my="md">
          <CameBackNotice whenExpired={whenExpired} />
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
