/**
 * Invites a few people, by typing or pasting their addresses.
 *
 * @module
 */
import { Alert, Button, Code, Group, List, Stack, TagsInput, Text } from '@mantine/core'
import { type ClipboardEvent, type FormEvent, useState } from 'react'
import { useNavigate } from 'react-router'
import { addressesIn } from '../../../csv/addresses.ts'
import type { InviteOutcome, RoleName } from '../../../index.ts'
import { useCreateInvites } from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { useDraft } from '../../app/use-draft.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RoleSelect } from '../../parts/role-choice.tsx'
import { MailOptionsForm, NO_OPTIONS, toDraft } from './mail-options.tsx'

/** Up to the last address that something ends, and what comes after it. */
const COMPLETE = /^(.*(?:[^\s,;<]@[^\s,;<]+[\s,;]+|>))(.*)$/s

export function ByAddress() {
  const { compose, errors, common } = useTexts()
  const { id, path } = useOrganisation()
  const navigate = useNavigate()
  const say = useSay()
  const [emails, setEmails] = useState<string[]>([])
  const [typed, setTyped] = useState('')
  const [roles, setRoles] = useState<RoleName[]>(['member'])
  const [options, setOptions] = useState(NO_OPTIONS)
  const [refused, setRefused] = useState<InviteOutcome[]>([])

  useDraft('invite', {
    values: { emails, typed, roles, options },
    isDirty: emails.length > 0 || typed !== '' || options !== NO_OPTIONS,
    restore(kept) {
      setEmails(kept.emails)
      setTyped(kept.typed)
      setRoles(kept.roles)
      setOptions(kept.options)
    },
  })

  const failed = refused.filter(({ status }) => status === 'failed').length
  const unknown = refused.length - failed

  const send = useCreateInvites(id)

  /** What is typed and not yet made a tag counts as well. */
  const all = [...new Set([...emails, ...addressesIn(typed)])]

  const add = (text: string) => setEmails([...new Set([...emails, ...addressesIn(text)])])

  /** What stands before a separator is an address at once; a name waits for the one in brackets behind it. */
  function type(text: string) {
    const [, complete, last = ''] = text.match(COMPLETE) ?? []
    if (complete) add(complete)
    setTyped(complete ? last : text)
  }

  /** In the field itself, lines would run into each other. */
  function paste(event: ClipboardEvent) {
    const text = event.clipboardData.getData('text/plain')
    if (!text.includes('@')) return
    event.preventDefault()
    event.stopPropagation()
    add(typed + text)
    setTyped('')
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setEmails(all)
    setTyped('')
    const rows = all.map((email) => ({ email, roles, ...toDraft(options) }))
    send.mutate({ rows }, { onSuccess: tell })
  }

  function tell(outcomes: InviteOutcome[]) {
    const rest = outcomes.filter(({ status }) => status !== 'created')
    const created = outcomes.length - rest.length
    if (created > 0) say.done(compose.sent(created))
    setRefused(rest)
    setEmails(rest.flatMap(({ email }) => email ?? []))
    if (rest.length === 0) navigate(`${path}/invitations`)
  }

  return (
    <form onSubmit={submit}>
      <Stack maw={640}>
        <TagsInput
          label={compose.addresses}
          description={compose.addressesHint}
          // Whoever opens this page is about to type one.
          autoFocus
          inputMode="email"
          autoComplete="off"
          // A comma or a blank may be part of a name.
          splitChars={[]}
          onPasteCapture={paste}
          acceptValueOnBlur
          clearable
          clearButtonProps={{ 'aria-label': `${compose.addresses}: ${common.none}` }}
          value={emails}
          onChange={(tags) => setEmails([...new Set(tags.flatMap(addressesIn))])}
          searchValue={typed}
          onSearchChange={type}
          // Room for some lines, so that the button below stays where it is about to be pressed.
          styles={{ input: { minHeight: 84, alignItems: 'flex-start' } }}
        />
        <RoleSelect
          label={compose.rolesLabel}
          description={compose.rolesHint}
          value={roles}
          onChange={setRoles}
        />
        <MailOptionsForm value={options} onChange={setOptions} />
        {send.error && <ProblemAlert error={send.error} />}
        {refused.length > 0 && (
          <Alert
            color="red"
            variant="outline"
            title={[failed > 0 && compose.failed(failed), unknown > 0 && compose.unknown(unknown)]
              .filter(Boolean)
              .join(' ')}
            role="alert"
          >
            <List size="sm">
              {refused.map(({ rowNumber, email, errorCode }) => (
                <List.Item key={rowNumber}>
                  <bdi>{readableAddress(email ?? '')}</bdi>:{' '}
                  {Object.hasOwn(errors, errorCode ?? '')
                    ? errors[errorCode as keyof typeof errors]
                    : errorCode}{' '}
                  <Text span size="xs" c="dimmed">
                    <Code>{errorCode}</Code>
                  </Text>
                </List.Item>
              ))}
            </List>
          </Alert>
        )}
        <Group>
          <Button
            type="submit"
            loading={send.isPending}
            disabled={all.length === 0 || roles.length === 0}
          >
            {compose.send(all.length)}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
