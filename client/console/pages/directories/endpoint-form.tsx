/**
 * Adds an application, or changes one. Its token cannot be read back: left empty, it stays.
 *
 * @module
 */
import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { DirectoryEndpoint } from '../../../index.ts'
import { useCreateDirectoryEndpoint, useUpdateDirectoryEndpoint } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface EndpointFormProps {
  /** null: a new one. */
  endpoint: DirectoryEndpoint | null
  onClose: () => void
}

export function EndpointForm({ endpoint, onClose }: EndpointFormProps) {
  const { directories: words, common } = useTexts()
  const { id } = useOrganisation()
  const create = useCreateDirectoryEndpoint(id)
  const update = useUpdateDirectoryEndpoint(id)
  const { isPending, error } = endpoint ? update : create
  const form = useForm({
    initialValues: { name: endpoint?.name ?? '', url: endpoint?.url ?? '', token: '' },
  })

  const save = form.onSubmit(({ name, url, token }) => {
    const done = { onSuccess: onClose }
    if (!endpoint) return create.mutate({ name, url, token }, done)
    const changes = { endpointId: endpoint.id, name, url, ...(token && { token }) }
    return update.mutate(changes, done)
  })

  return (
    <Dialog opened={true} onClose={onClose} title={endpoint ? words.edit : words.newEndpoint}>
      <form onSubmit={save}>
        <Stack>
          <TextInput
            label={words.endpointName}
            required
            withAsterisk={false}
            maxLength={100}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <TextInput
            label={words.address}
            description={words.addressHint}
            placeholder="https://app.example.com/scim/v2"
            type="url"
            dir="ltr"
            required
            withAsterisk={false}
            {...form.getInputProps('url')}
          />
          <PasswordInput
            label={words.token}
            description={endpoint ? words.tokenStays : words.tokenHint}
            autoComplete="off"
            dir="ltr"
            required={!endpoint || form.values.url !== endpoint.url}
            withAsterisk={false}
            {...form.getInputProps('token')}
          />
          {error && <ProblemAlert error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={isPending}>
              {common.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
