/**
 * Chooses roles: in a form, or in place.
 *
 * @module
 */
import {
  Badge,
  Button,
  Checkbox,
  Group,
  MultiSelect,
  Popover,
  Stack,
  Text,
  VisuallyHidden,
} from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import { useState } from 'react'
import type { RoleName } from '../../index.ts'
import { useAssignableRoles, useRoles } from '../../react/index.ts'
import { useFormat, useTexts } from '../app/language.tsx'
import { useOrganisation } from '../app/organisation.tsx'

/** The roles that the reader may give here, built-in ones first. */
export function useGivableRoles(): { value: RoleName; label: string }[] {
  const { id } = useOrganisation()
  const { role } = useFormat()
  const roles = useAssignableRoles(id)
  return (roles.data ?? []).map((name) => ({ value: name, label: role(name) }))
}

/** All roles that somebody may hold here, built-in ones first. */
export function useAllRoles(): { value: RoleName; label: string }[] {
  const { id } = useOrganisation()
  const { role } = useFormat()
  const roles = useRoles(id)
  return (roles.data ?? [])
    .toSorted((a, b) => Number(a.organisationId !== null) - Number(b.organisationId !== null))
    .map(({ name }) => ({ value: name, label: role(name) }))
}

interface RoleSelectProps {
  label: string
  description?: string
  value: RoleName[]
  onChange: (roles: RoleName[]) => void
  error?: string | undefined
}

export function RoleSelect({ label, description, value, onChange, error }: RoleSelectProps) {
  const { common } = useTexts()
  return (
    <MultiSelect
      label={label}
      description={description}
      data={useGivableRoles()}
      value={value}
      onChange={onChange}
      error={error}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': `${label}: ${common.none}` }}
    />
  )
}

/** The roles as badges. */
export function RoleBadges({ roles }: { roles: RoleName[] }) {
  const { home } = useTexts()
  const { role } = useFormat()
  if (roles.length === 0) {
    return (
      <Text span size="sm" c="dimmed">
        {home.noRole}
      </Text>
    )
  }
  return (
    <Group gap={4}>
      {roles.map((name) => (
        <Badge key={name} variant="default" tt="none" fw={500}>
          {role(name)}
        </Badge>
      ))}
    </Group>
  )
}

interface RolesInPlaceProps {
  /** Whose roles, for screen readers. */
  label: string
  roles: RoleName[]
  onSave: (roles: RoleName[]) => void
}

/** The roles, which open to be changed. Nothing changes before it is saved: each change sends a mail. */
export function RolesInPlace({ label, roles, onSave }: RolesInPlaceProps) {
  const { common } = useTexts()
  const [chosen, setChosen] = useState<RoleName[] | null>(null)
  const all = useAllRoles()
  const givable = useGivableRoles()
  // What is held can be kept or taken away, whoever may give it; a role that is not there cannot.
  const present = roles.filter((name) => all.some(({ value }) => value === name))
  const offered = all.filter(
    ({ value }) => present.includes(value) || givable.some((each) => each.value === value),
  )
  return (
    <Popover
      opened={chosen !== null}
      onChange={(isOpen) => setChosen(isOpen ? present : null)}
      trapFocus
      returnFocus
      withinPortal
      position="bottom-start"
    >
      <Popover.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          h="auto"
          mih={28}
          px={4}
          onClick={() => setChosen(chosen ? null : present)}
          rightSection={<IconPencil size={14} aria-hidden color="var(--mantine-color-dimmed)" />}
        >
          <VisuallyHidden>{label}: </VisuallyHidden>
          <RoleBadges roles={roles} />
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Checkbox.Group label={label} value={chosen ?? []} onChange={setChosen}>
          <Stack gap="xs" mt="xs">
            {offered.map(({ value, label: name }) => (
              <Checkbox key={value} value={value} label={name} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Group mt="md" gap="xs">
          <Button
            size="xs"
            onClick={() => {
              onSave(chosen ?? roles)
              setChosen(null)
            }}
          >
            {common.save}
          </Button>
          <Button size="xs" variant="default" onClick={() => setChosen(null)}>
            {common.cancel}
          </Button>
        </Group>
      </Popover.Dropdown>
    </Popover>
  )
}
