/**
 * One template, new or saved: its texts, and beside them the mail as it becomes.
 *
 * @module
 */
import { Anchor, Text } from '@mantine/core'
import { Link, useParams, useSearchParams } from 'react-router'
import type { MailKind } from '../../../index.ts'
import { useTemplates } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { TemplateEditor } from './template-editor.tsx'

export function TemplatePage() {
  return (
    <Needs permission="organisation.update">
      <Template />
    </Needs>
  )
}

function Template() {
  const { template: templateId } = useParams()
  const [query] = useSearchParams()
  const { templates: words, mails, common } = useTexts()
  const { id, path, details } = useOrganisation()
  const templates = useTemplates(id)
  const isNew = templateId === undefined

  if (templates.error && !templates.data) {
    return <ProblemAlert error={templates.error} onRetry={() => templates.refetch()} />
  }
  if (!templates.data || !details) return <PageSkeleton lines={10} />
  const template = templates.data.find((each) => each.id === templateId) ?? null
  const kind = template?.kind ?? asKind(query.get('kind'), mails.kinds)
  const isMissing = !isNew && !template
  return (
    <>
      <Anchor component={Link} to={`${path}/settings/templates`} size="sm">
        {words.title}
      </Anchor>
      <PageHead title={isMissing ? common.notFoundTitle : mails.kinds[kind]} />
      {isMissing ? (
        <Text>{common.notFound}</Text>
      ) : (
        <TemplateEditor
          key={`${templateId} ${kind}`}
          kind={kind}
          template={template}
          templates={templates.data}
          organisation={details}
        />
      )}
    </>
  )
}

/** What somebody typed into the address may be no kind of mail. */
function asKind(typed: string | null, kinds: Record<MailKind, string>): MailKind {
  return typed !== null && Object.hasOwn(kinds, typed) ? (typed as MailKind) : 'invite'
}
