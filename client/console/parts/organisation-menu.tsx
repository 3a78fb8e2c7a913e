/**
 * Says which organisation is shown, and switches to another.
 *
 * @module
 */
import { Avatar, Button, Menu, Text, VisuallyHidden } from '@mantine/core'
import { IconCheck, IconSelector } from '@tabler/icons-react'
import { Link } from 'react-router'
import { useMyOrganisations } from '../../react/index.ts'
import { useTexts } from '../app/language.tsx'
import { useOrganisation } from '../app/organisation.tsx'

export function OrganisationMenu() {
  const { home } = useTexts()
  const current = useOrganisation()
  const mine = useMyOrganisations()
  return (
    <Menu position="bottom-start" width={280}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          px="xs"
          miw={0}
          leftSection={
            <Avatar
              src={current.details?.logoUrl ?? null}
              alt=""
              aria-hidden
              size={26}
              radius="sm"
              color="accent"
              variant="filled"
            >
              {current.name.slice(0, 1).toUpperCase()}
            </Avatar>
          }
          rightSection={<IconSelector size={16} aria-hidden />}
        >
          <Text span truncate fw={600}>
            {current.name}
          </Text>
          <VisuallyHidden>: {home.switch}</VisuallyHidden>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {mine.data?.map(({ id, name, slug }) => (
          <Menu.Item
            key={id}
            component={Link}
            to={`/organisations/${slug}`}
            {...(id === current.id && {
              'aria-current': 'true' as const,
              rightSection: <IconCheck size={16} aria-hidden />,
            })}
          >
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item component={Link} to="/">
          {home.title}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
