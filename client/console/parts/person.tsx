/**
 * Somebody: name and address, with their initials.
 *
 * @module
 */

import { Avatar, Badge, Group, Text } from '@mantine/core'
import { readableAddress } from '../../readable-address.ts'

interface PersonProps {
  name: string | null
  email: string | null
  /** A word beside the name, such as "You". */
  mark?: string | undefined
}

export function Person({ name, email, mark }: PersonProps) {
  return (
    <Group gap="sm" wrap="nowrap" miw={0}>
      <Avatar name={name ?? email ?? '?'} color="gray" radius="xl" size={34} alt="" aria-hidden />
      <div style={{ minWidth: 0 }} className="usher-words">
        <Group gap={6}>
          <Text size="sm" fw={500}>
            {name ?? (email && readableAddress(email))}
          </Text>
          {mark && (
            <Badge size="xs" variant="default" tt="none">
              {mark}
            </Badge>
          )}
        </Group>
        {name && email && (
          <Text size="xs" c="dimmed">
            <bdi>{readableAddress(email)}</bdi>
          </Text>
        )}
      </div>
    </Group>
  )
}
