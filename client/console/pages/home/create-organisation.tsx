/**
 * Creates an organisation; whoever does is its owner.
 *
 * @module
 */
import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import { useNavigate } from 'react-router'
import { useCreateOrganisation } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

export function CreateOrganisation() {
  const { home, common } = useTexts()
  const navigate = useNavigate()
  const [isOpen, { open, close }] = useDisclosure(false)
  const [name, setName] = useState('')
  const create = useCreateOrganisation()

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    // Nobody is there yet but the owner: the next thing is to invite somebody.
    const onSuccess = ({ slug }: { slug: string }) =>
      navigate(`/organisations/${slug}/invitations/new`)
    create.mutate({ name }, { onSuccess })
  }

  return (
    <>
      <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
        {home.create}
      </Button>
      <Dialog opened={isOpen} onClose={close} title={home.createTitle}>
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label={home.name}
              required
              withAsterisk={false}
              maxLength={100}
              data-autofocus
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            {create.error && <ProblemAlert error={create.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {common.cancel}
              </Button>
              <Button type="submit" loading={create.isPending}>
                {home.createConfirm}
              </Button>
            </Group>
          </Stack>
        </form>
      </Dialog>
    </>
  )
}
