/**
 * How the organisation words its mails: each kind of mail, and the templates that there are for it.
 *
 * @module
 */
import { Anchor, Badge, Button, Group, List, Paper, Skeleton, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import type { MailKind } from '../../../index.ts'
import { useTemplates } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { languageName } from './language-name.ts'

export function TemplatesPage() {
  return (
    <Needs permission="organisation.update">
      <Templates />
    </Needs>
  )
}

function Templates() {
  const { templates: words, mails, settings } = useTexts()
  const { id, path } = useOrganisation()
  const templates = useTemplates(id)

  return (
    <>
      <Anchor component={Link} to={`${path}/settings`} size="sm">
        {settings.title}
      </Anchor>
      <PageHead title={words.title} />
      <Text size="sm" c="dimmed" mb="lg" maw={760}>
        {words.text}
      </Text>
      {templates.error && (
        <ProblemAlert error={templates.error} onRetry={() => templates.refetch()} />
      )}
      <Paper withBorder maw={760} className="usher-words">
        {(Object.keys(mails.kinds) as MailKind[]).map((kind, at) => {
          const ofKind = templates.data?.filter((template) => template.kind === kind)
          return (
            <Group
              key={kind}
              component="section"
              aria-label={mails.kinds[kind]}
              justify="space-between"
              align="flex-start"
              p="md"
              style={at > 0 ? { borderTop: '1px solid var(--mantine-color-default-border)' } : {}}
            >
              <div style={{ flex: '1 1 220px', minWidth: 0 }}>
                <Title order={2} size="h6">
                  {mails.kinds[kind]}
                </Title>
                {!ofKind && <Skeleton height={20} width={140} />}
                {ofKind?.length === 0 && (
                  <Text size="sm" c="dimmed">
                    {words.builtIn}
                  </Text>
                )}
                <List listStyleType="none" size="sm">
                  {ofKind?.map((template) => (
                    <List.Item key={template.id}>
                      <Anchor
                        component={Link}
                        to={`${path}/settings/templates/${template.id}`}
                        size="sm"
                      >
                        {languageName(template.locale)}: <bdi>{template.name}</bdi>
                      </Anchor>{' '}
                      {template.isDefault && (
                        <Badge variant="default" tt="none" fw={500} size="sm">
                          {words.isDefault}
                        </Badge>
                      )}
                      {template.failedAt && (
                        <Text size="sm" c="red">
                          {words.failed}
                        </Text>
                      )}
                    </List.Item>
                  ))}
                </List>
              </div>
              <Button
                component={Link}
                to={`${path}/settings/templates/new?kind=${kind}`}
                variant="default"
                size="xs"
                aria-label={`${words.new}: ${mails.kinds[kind]}`}
              >
                {words.new}
              </Button>
            </Group>
          )
        })}
      </Paper>
    </>
  )
}
