/**
 * Organisations that are open to the domain of the reader's address.
 *
 * @module
 */
import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useJoinableOrganisations, useJoinOrganisation } from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useSay } from '../../app/say.tsx'

export function Joinable() {
  const { home } = useTexts()
  const say = useSay(true)
  const joinable = useJoinableOrganisations()
  const join = useJoinOrganisation()

  if (!joinable.data?.length) return null
  return (
    <section aria-labelledby="joinable">
      <Title order={2} size="h4" mb="sm" id="joinable">
        {home.joinable}
      </Title>
      <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
        {joinable.data.map((organisation) => (
          <Paper key={organisation.id} component="li" withBorder p="md" className="usher-words">
            <Group justify="space-between">
              <div>
                <Text fw={600}>{organisation.name}</Text>
                <Text size="sm" c="dimmed">
                  {readableAddress(organisation.domain)}
                </Text>
              </div>
              <Button
                size="xs"
                variant="default"
                aria-label={`${organisation.joinPolicy === 'join' ? home.join : home.ask}: ${organisation.name}`}
                loading={join.isPending && join.variables.organisationId === organisation.id}
                onClick={() =>
                  join.mutate(
                    { organisationId: organisation.id },
                    {
                      onSuccess: (outcome) =>
                        say.done(
                          outcome === 'joined' ? home.joined(organisation.name) : home.requested,
                        ),
                      onError: (error) => say.refused(error),
                    },
                  )
                }
              >
                {organisation.joinPolicy === 'join' ? home.join : home.ask}
              </Button>
            </Group>
          </Paper>
        ))}
      </Stack>
    </section>
  )
}
