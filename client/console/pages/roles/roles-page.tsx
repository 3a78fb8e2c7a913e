/**
 * What each role may do, and an organisation's own roles.
 *
 * @module
 */
import { Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Role } from '../../../index.ts'
import { useRoles, useUsher, usherKeys } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RoleForm } from './role-form.tsx'
import { RoleMatrix } from './role-matrix.tsx'

export function RolesPage() {
  return (
    <Needs permission="role.read">
      <Roles />
    </Needs>
  )
}

function Roles() {
  const { roles: words } = useTexts()
  const format = useFormat()
  const say = useSay()
  const usher = useUsher()
  const queryClient = useQueryClient()
  const { id, can } = useOrganisation()
  const roles = useRoles(id)
  const [edited, setEdited] = useState<Role | 'new' | null>(null)
  const [question, setQuestion] = useState<Question | null>(null)
  const own = roles.data?.filter(({ organisationId }) => organisationId !== null)

  const ask = (name: string) =>
    setQuestion({
      title: words.deleteTitle(name),
      text: words.deleteText,
      confirm: words.delete,
      async act() {
        const result = await usher.roles.delete(id, name)
        if (!result.error) say.done(words.deleted(name))
        await queryClient.invalidateQueries({ queryKey: usherKeys.part(id, 'roles') })
        return result
      },
    })

  if (roles.error) return <ProblemAlert error={roles.error} onRetry={() => roles.refetch()} />
  const createButton = can('role.manage') && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEdited('new')}>
      {words.create}
    </Button>
  )
  return (
    <>
      <PageHead title={words.title}>{createButton}</PageHead>
      <Stack gap="xl">
        <section aria-labelledby="own-roles">
          <Title order={2} size="h4" id="own-roles">
            {words.own}
          </Title>
          <Text size="sm" c="dimmed" mb="md">
            {words.ownText}
          </Text>
          {!own && <Skeleton height={72} />}
          {own?.length === 0 && (
            <Empty
              title={words.empty}
              text={words.emptyText}
              icon={<IconKey size={28} aria-hidden />}
            />
          )}
          <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
            {own?.map((role) => (
              <Paper key={role.id} component="li" withBorder p="md" className="usher-words">
                <Group justify="space-between">
                  <div>
                    <Text fw={600}>{role.name}</Text>
                    <Text size="sm" c="dimmed">
                      {role.description || format.list(role.permissions)}
                    </Text>
                  </div>
                  {can('role.manage') && (
                    <Group gap="xs">
                      <Button
                        size="xs"
                        variant="default"
                        aria-label={`${words.edit}: ${role.name}`}
                        onClick={() => setEdited(role)}
                      >
                        {words.edit}
                      </Button>
                      <Button
                        size="xs"
                        variant="default"
                        aria-label={`${words.delete}: ${role.name}`}
                        onClick={() => ask(role.name)}
                      >
                        {words.delete}
                      </Button>
                    </Group>
                  )}
                </Group>
              </Paper>
            ))}
          </Stack>
        </section>
        <section aria-labelledby="matrix">
          <Title order={2} size="h4" mb="md" id="matrix">
            {words.matrix}
          </Title>
          {roles.data ? <RoleMatrix roles={roles.data} /> : <Skeleton height={480} />}
        </section>
      </Stack>
      {edited && (
        <RoleForm
          key={edited === 'new' ? 'new' : edited.id}
          role={edited === 'new' ? null : edited}
          roles={roles.data ?? []}
          onClose={() => setEdited(null)}
        />
      )}
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </>
  )
}
