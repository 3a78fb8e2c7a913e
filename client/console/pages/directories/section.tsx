/**
 * A part of the page: its title, what it is for, a button to add to it, and a list.
 *
 * @module
 */
import { Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { type ReactNode, useId } from 'react'
import { Empty } from '../../parts/empty.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface SectionProps {
  title: string
  text: string
  /** On the button. */
  add: string
  onAdd: () => void
  /** How many there are; undefined while that is not known. */
  count: number | undefined
  empty: { title: string; text: string; icon: ReactNode }
  error: unknown
  /** List items. */
  children: ReactNode
}

export function Section({ title, text, add, onAdd, count, empty, error, children }: SectionProps) {
  const titleId = useId()
  return (
    <section aria-labelledby={titleId}>
      <Group justify="space-between" mb={4}>
        <Title order={2} size="h4" id={titleId}>
          {title}
        </Title>
        <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={onAdd}>
          {add}
        </Button>
      </Group>
      <Text size="sm" c="dimmed" mb="md" maw={640}>
        {text}
      </Text>
      {error ? <ProblemAlert error={error} /> : count === undefined && <Skeleton height={72} />}
      {count === 0 && <Empty {...empty} />}
      <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
        {children}
      </Stack>
    </section>
  )
}
