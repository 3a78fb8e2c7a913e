/**
 * Makes a token for an identity provider, and shows it once, with the address that goes with it.
 *
 * @module
 */
import {
  Button,
  Code,
  CopyButton,
  Group,
  NativeSelect,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NewDirectoryToken } from '../../../index.ts'
import { useCreateDirectoryToken } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

export function TokenForm({ onClose }: { onClose: () => void }) {
  const { directories: words, common, compose } = useTexts()
  const { id } = useOrganisation()
  const create = useCreateDirectoryToken(id)
  const form = useForm({ initialValues: { name: '', expiresIn: '1 year' } })

  return (
    <Dialog
      opened={true}
      onClose={onClose}
      size="lg"
      title={create.data ? words.tokenTitle : words.newToken}
    >
      {create.data ? (
        <Secret token={create.data} onClose={onClose} />
      ) : (
        <form
          onSubmit={form.onSubmit(({ name, expiresIn }) =>
            create.mutate({ name, expiresIn: expiresIn || undefined }),
          )}
        >
          <Stack>
            <TextInput
              label={words.tokenName}
              description={words.tokenNameHint}
              required
              withAsterisk={false}
              maxLength={100}
              data-autofocus
              {...form.getInputProps('name')}
            />
            <NativeSelect
              label={compose.expiry}
              data={[
                { value: '90 days', label: compose.days(90) },
                { value: '1 year', label: compose.days(365) },
                { value: '', label: words.forever },
              ]}
              {...form.getInputProps('expiresIn')}
            />
            <Text size="sm" c="dimmed">
              {words.rightsText}
            </Text>
            {create.error && <ProblemAlert error={create.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {common.cancel}
              </Button>
              <Button type="submit" loading={create.isPending}>
                {words.makeToken}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  )
}

function Secret({ token, onClose }: { token: NewDirectoryToken; onClose: () => void }) {
  const { directories: words, common } = useTexts()
  const lines = [
    ...(token.scimUrl ? [[words.address, token.scimUrl] as const] : []),
    [words.token, token.token] as const,
  ]
  return (
    <Stack>
      <Text size="sm">{words.tokenText}</Text>
      {lines.map(([label, value]) => (
        <div key={label}>
          <Text size="sm" fw={600}>
            {label}
          </Text>
          <Group gap="xs" wrap="nowrap">
            <Code dir="ltr" flex={1} style={{ overflowWrap: 'anywhere' }}>
              {value}
            </Code>
            <CopyButton value={value}>
              {({ copied, copy }) => (
                <Button
                  size="xs"
                  variant="default"
                  aria-label={`${common.copy}: ${label}`}
                  onClick={copy}
                >
                  {copied ? common.copied : common.copy}
                </Button>
              )}
            </CopyButton>
          </Group>
        </div>
      ))}
      <Group justify="flex-end">
        <Button onClick={onClose}>{common.close}</Button>
      </Group>
    </Stack>
  )
}
