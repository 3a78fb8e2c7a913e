/**
 * The reader's own account: what they are called, and the way to a new password.
 *
 * @module
 */
import { Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import type { AuthError } from '@supabase/supabase-js'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link, useLocation } from 'react-router'
import { readableAddress } from '../../readable-address.ts'
import { useTexts } from '../app/language.tsx'
import { useSay } from '../app/say.tsx'
import { type Person, useSession } from '../app/session.tsx'
import { AuthProblem } from './auth-problem.tsx'
import { Dialog } from './dialog.tsx'

export function AccountDialog({ person, onClose }: { person: Person; onClose: () => void }) {
  const { account, common, sign } = useTexts()
  const { supabase } = useSession()
  const queryClient = useQueryClient()
  const say = useSay()
  const { pathname, search } = useLocation()
  const [name, setName] = useState(person.name ?? '')
  const [problem, setProblem] = useState<AuthError>()
  const [isBusy, setIsBusy] = useState(false)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    const full_name = name.trim()
    const { data } = await supabase.auth.getSession()
    // Another name that an application keeps there would be shown in its place.
    const hasOther = typeof data.session?.user.user_metadata.display_name === 'string'
    const { error } = await supabase.auth.updateUser({
      data: { full_name, ...(hasOther && { display_name: full_name }) },
    })
    setIsBusy(false)
    setProblem(error ?? undefined)
    if (error) return
    // The database has copied it to the memberships, and lists show it.
    queryClient.invalidateQueries()
    say.done(account.nameSaved)
    onClose()
  }

  return (
    <Dialog opened onClose={onClose} title={account.title}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" className="usher-words">
            {sign.signedInAs(readableAddress(person.email))}
          </Text>
          <TextInput
            label={sign.name}
            description={sign.nameHint}
            name="name"
            autoComplete="name"
            maxLength={100}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {problem && <AuthProblem error={problem} />}
          <Group justify="space-between">
            <Anchor
              component={Link}
              to={`/new-password?${new URLSearchParams({ to: pathname + search })}`}
              size="sm"
            >
              {account.changePassword}
            </Anchor>
            <Group>
              <Button variant="default" onClick={onClose}>
                {common.cancel}
              </Button>
              <Button type="submit" loading={isBusy}>
                {common.save}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
