/**
 * The organisations that the reader is in, with their roles there.
 *
 * @module
 */
import { Anchor, Button, Group, Paper, Skeleton, Stack, Text } from '@mantine/core'
import { IconBuilding } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { useUsher, useUsherQueries } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useSay } from '../../app/say.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

export function MyOrganisations() {
  const { home } = useTexts()
  const format = useFormat()
  const say = useSay()
  const usher = useUsher()
  const [question, setQuestion] = useState<Question | null>(null)
  const mine = useQuery({ ...useUsherQueries().organisations.mine(), ...live })

  if (mine.error) return <ProblemAlert error={mine.error} onRetry={() => mine.refetch()} />
  if (!mine.data) {
    return (
      <Stack gap="sm" aria-busy>
        <Skeleton height={70} />
        <Skeleton height={70} />
      </Stack>
    )
  }
  if (mine.data.length === 0) {
    return (
      <Empty
        title={home.empty}
        text={home.emptyText}
        icon={<IconBuilding size={28} aria-hidden />}
      />
    )
  }
  return (
    <>
      <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
        {mine.data.map(({ id, name, slug, roles, isOwner }) => (
          <Paper key={id} component="li" withBorder p="md" className="usher-words">
            <Group justify="space-between">
              <div>
                <Anchor component={Link} to={`/organisations/${slug}`} fw={600}>
                  {name}
                </Anchor>
                <Text size="sm" c="dimmed">
                  {format.roles(roles) || home.noRole}
                </Text>
              </div>
              {!isOwner && (
                <Button
                  variant="default"
                  size="xs"
                  aria-label={`${home.leave}: ${name}`}
                  onClick={() =>
                    setQuestion({
                      title: home.leaveTitle(name),
                      text: home.leaveText,
                      confirm: home.leave,
                      async act() {
                        const result = await usher.organisations.leave(id)
                        if (!result.error) say.done(home.left(name))
                        await mine.refetch()
                        return result
                      },
                    })
                  }
                >
                  {home.leave}
                </Button>
              )}
            </Group>
          </Paper>
        ))}
      </Stack>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </>
  )
}
