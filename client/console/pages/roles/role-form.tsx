/**
 * Makes an own role, or changes one.
 *
 * @module
 */
import { Button, Checkbox, Group, MultiSelect, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Role } from '../../../index.ts'
import { useCreateRole, useUpdateRole } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { permissionsOf } from './permissions-of.ts'

interface RoleFormProps {
  /** null: a new one. */
  role: Role | null
  roles: Role[]
  onClose: () => void
}

export function RoleForm({ role, roles, onClose }: RoleFormProps) {
  const { roles: words, permissions: texts, common } = useTexts()
  const format = useFormat()
  const say = useSay()
  const { id } = useOrganisation()
  const create = useCreateRole(id)
  const update = useUpdateRole(id)
  const names: Record<string, string> = texts
  const form = useForm({
    initialValues: {
      name: role?.name ?? '',
      description: role?.description ?? '',
      permissions: role?.grantedPermissions ?? [],
      inherits: role?.inherits ?? [],
    },
  })
  const error = create.error ?? update.error

  function save({ name, ...changes }: typeof form.values) {
    const onSuccess = () => {
      say.done(words.saved(name))
      onClose()
    }
    if (role) update.mutate({ role: role.name, ...changes }, { onSuccess })
    else create.mutate({ name: name.trim(), ...changes }, { onSuccess })
  }

  return (
    <Dialog opened={true} onClose={onClose} title={role ? role.name : words.create} size="lg">
      <form onSubmit={form.onSubmit(save)}>
        <Stack>
          <TextInput
            label={words.name}
            description={words.nameHint}
            required
            withAsterisk={false}
            readOnly={role !== null}
            pattern="[a-z][a-z0-9_\-]{0,62}"
            data-autofocus
            {...form.getInputProps('name')}
          />
          <TextInput
            label={words.description}
            maxLength={500}
            {...form.getInputProps('description')}
          />
          <MultiSelect
            label={words.inherits}
            data={roles
              .filter(({ name }) => name !== role?.name && name !== 'owner')
              .map(({ name }) => ({ value: name, label: format.role(name) }))}
            {...form.getInputProps('inherits')}
          />
          <Checkbox.Group label={words.permissions} {...form.getInputProps('permissions')}>
            <Stack gap="xs" mt="xs">
              {permissionsOf(roles).map((permission) => (
                <Checkbox
                  key={permission}
                  value={permission}
                  label={names[permission] ?? permission}
                  description={permission}
                />
              ))}
            </Stack>
          </Checkbox.Group>
          {error && <ProblemAlert error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={create.isPending || update.isPending}>
              {common.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
