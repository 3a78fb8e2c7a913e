/**
 * The head of a page: its title, how many, and what can be done.
 *
 * @module
 */
import { Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { usePageTitle } from '../app/use-page-title.ts'

interface PageHeadProps {
  title: string
  /** Quiet words beside the title. */
  note?: ReactNode
  /** Buttons. */
  children?: ReactNode
}

export function PageHead({ title, note, children }: PageHeadProps) {
  usePageTitle(title)
  return (
    <Group justify="space-between" align="center" mb="lg" mih={36}>
      <Group gap="sm" align="baseline">
        <Title order={1} size="h2" className="usher-words">
          {title}
        </Title>
        {note && (
          <Text size="sm" c="dimmed">
            {note}
          </Text>
        )}
      </Group>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  )
}
