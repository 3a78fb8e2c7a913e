/**
 * Pending invitations to the reader's own address.
 *
 * @module
 */
import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { isUsherError } from '../../../index.ts'
import { useAcceptMyInvite, useSignUpPolicy, useUsherQueries } from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

export function MyInvitations() {
  const { home } = useTexts()
  const format = useFormat()
  const navigate = useNavigate()
  const invites = useQuery({ ...useUsherQueries().invites.mine(), ...live })
  const policy = useSignUpPolicy()
  const accept = useAcceptMyInvite()

  if (!invites.data?.length || policy.isPending) return null
  // Where the project's Auth does not confirm addresses by mail, only the link proves the mailbox.
  const isByLinkOnly = policy.data?.authConfirmsAddresses === false
  return (
    <section aria-labelledby="my-invitations">
      <Title order={2} size="h4" mb="sm" id="my-invitations">
        {home.invitations}
      </Title>
      <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
        {invites.data.map((invite) => (
          <Paper key={invite.id} component="li" withBorder p="md" className="usher-words">
            <Group justify="space-between">
              <div>
                <Text fw={600}>{invite.organisationName}</Text>
                <Text size="sm">{format.roles(invite.roles)}</Text>
                <Text size="sm" c="dimmed">
                  {home.invitedBy(
                    invite.inviterName ?? readableAddress(invite.inviterEmail ?? '–'),
                  )}
                  {' · '}
                  {format.relative(invite.expiresAt)}
                </Text>
              </div>
              {isByLinkOnly ? (
                <Text size="sm">{home.onlyByLink}</Text>
              ) : (
                <Button
                  size="xs"
                  aria-label={`${home.accept}: ${invite.organisationName}`}
                  loading={accept.isPending && accept.variables.inviteId === invite.id}
                  onClick={() =>
                    accept.mutate(
                      { inviteId: invite.id },
                      {
                        onSuccess: ({ organisationId }) =>
                          navigate(`/organisations/${organisationId}`),
                      },
                    )
                  }
                >
                  {home.accept}
                </Button>
              )}
            </Group>
            {accept.error && accept.variables?.inviteId === invite.id && (
              <Refusal error={accept.error} text={home.onlyByLink} />
            )}
          </Paper>
        ))}
      </Stack>
    </section>
  )
}

/** Also for who came by single sign-on through a provider that proves no address: the link does. */
function Refusal({ error, text }: { error: unknown; text: string }) {
  if (isUsherError(error) && error.code === 'permission_denied') {
    return (
      <Text size="sm" mt="xs" role="alert">
        {text}
      </Text>
    )
  }
  return <ProblemAlert isInvitee error={error} />
}
