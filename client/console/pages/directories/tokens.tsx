/**
 * Tokens of identity providers: made, shown once, revoked.
 *
 * @module
 */
import { Button, Group, Paper, Text } from '@mantine/core'
import { IconUsersGroup } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DirectoryToken } from '../../../index.ts'
import { useUsher, useUsherQueries, usherKeys } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { TakeOver } from '../../parts/take-over.tsx'
import { Section } from './section.tsx'
import { TokenForm } from './token-form.tsx'

export function Tokens() {
  const { directories: words } = useTexts()
  const say = useSay()
  const usher = useUsher()
  const queryClient = useQueryClient()
  const { id } = useOrganisation()
  const tokens = useQuery({ ...useUsherQueries().directories.tokens(id), ...live })
  const [isMaking, setIsMaking] = useState(false)
  const [question, setQuestion] = useState<Question | null>(null)
  const valid = tokens.data?.filter(({ revokedAt }) => revokedAt === null)

  const ask = ({ id: tokenId, name }: DirectoryToken) =>
    setQuestion({
      title: words.revokeTitle(name),
      text: words.revokeText,
      confirm: words.revoke,
      async act() {
        const result = await usher.directories.revokeToken(tokenId)
        if (!result.error) say.done(words.revoked(name))
        await queryClient.invalidateQueries({ queryKey: usherKeys.part(id, 'directories') })
        return result
      },
    })

  return (
    <Section
      title={words.providers}
      text={words.providersText}
      add={words.newToken}
      onAdd={() => setIsMaking(true)}
      count={valid?.length}
      empty={{
        title: words.noTokens,
        text: words.noTokensText,
        icon: <IconUsersGroup size={28} aria-hidden />,
      }}
      error={tokens.error}
    >
      {valid?.map((token) => (
        <TokenCard key={token.id} token={token} onRevoke={() => ask(token)} />
      ))}
      {isMaking && <TokenForm onClose={() => setIsMaking(false)} />}
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </Section>
  )
}

function TokenCard({ token, onRevoke }: { token: DirectoryToken; onRevoke: () => void }) {
  const { directories: words } = useTexts()
  const format = useFormat()
  const { id, name, lastUsedAt, expiresAt, stopsAt } = token
  return (
    <Paper component="li" withBorder p="md" className="usher-words">
      <Group justify="space-between">
        <div>
          <Text fw={600}>{name}</Text>
          <Text size="sm" c="dimmed">
            {lastUsedAt ? words.lastUsed(format.relative(lastUsedAt)) : words.neverUsed}
            {' · '}
            {expiresAt ? words.until(format.date(expiresAt)) : words.forever}
          </Text>
        </div>
        <Button
          size="xs"
          variant="default"
          aria-label={`${words.revoke}: ${name}`}
          onClick={onRevoke}
        >
          {words.revoke}
        </Button>
      </Group>
      <TakeOver {...{ id, name, stopsAt }} />
    </Paper>
  )
}
