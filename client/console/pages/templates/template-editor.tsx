/**
 * Writes a template, saves or deletes it, and shows the mail while it is written.
 *
 * @module
 */
import { Button, Grid, Group, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import type { EmailTemplate, MailKind, Organisation } from '../../../index.ts'
import { useCreateTemplate, useUpdateTemplate, useUsher, usherKeys } from '../../../react/index.ts'
import { useLanguage } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { useFormDraft } from '../../app/use-draft.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { MailPreview } from './mail-preview.tsx'
import { refusedField } from './refused-field.ts'
import { TemplateFields, type TemplateValues } from './template-fields.tsx'
import { toTyped, toWording } from './wording.ts'

interface TemplateEditorProps {
  kind: MailKind
  /** null: a new one. */
  template: EmailTemplate | null
  /** All of the organisation's. */
  templates: EmailTemplate[]
  organisation: Organisation
}

export function TemplateEditor({ kind, template, templates, organisation }: TemplateEditorProps) {
  const { code, texts } = useLanguage()
  const { templates: words, common } = texts
  const { id, path } = useOrganisation()
  const usher = useUsher()
  const say = useSay()
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const create = useCreateTemplate(id)
  const update = useUpdateTemplate(id)
  const [question, setQuestion] = useState<Question | null>(null)
  const form = useForm<TemplateValues>({
    initialValues: {
      locale: template?.locale ?? code,
      name: template?.name ?? 'default',
      isDefault: template?.isDefault ?? true,
      ...toTyped(template),
    },
  })
  useFormDraft(`template ${template?.id ?? kind}`, form)
  const { locale, name, isDefault, ...typed } = form.values
  const error = create.error ?? update.error

  function save() {
    const changes = { locale, name: name.trim(), isDefault, ...toWording(typed) }
    const onError = (refusal: unknown) => {
      const refused = refusedField(refusal)
      if (refused) form.setFieldError(refused.field, refused.text)
    }
    const onSuccess = (saved: EmailTemplate) => {
      say.done(common.saved)
      form.resetDirty(form.values)
      if (!template) navigate(`${path}/settings/templates/${saved.id}`, { replace: true })
    }
    create.reset()
    if (template) update.mutate({ templateId: template.id, ...changes }, { onSuccess, onError })
    else create.mutate({ kind, ...changes }, { onSuccess, onError })
  }

  function askToDelete({ id: templateId, name }: EmailTemplate) {
    setQuestion({
      title: words.deleteTitle(name),
      text: words.deleteText,
      confirm: words.delete,
      async act() {
        const result = await usher.templates.delete(templateId)
        if (result.error) return result
        say.done(words.deleted(name))
        navigate(`${path}/settings/templates`, { replace: true })
        await queryClient.invalidateQueries({ queryKey: usherKeys.part(id, 'templates') })
        return result
      },
    })
  }

  return (
    <Grid gap="xl">
      <Grid.Col span={{ base: 12, lg: 5 }}>
        <form onSubmit={form.onSubmit(save)}>
          <Stack>
            <TemplateFields kind={kind} form={form} />
            {error && !refusedField(error) && <ProblemAlert error={error} />}
            <Group>
              <Button
                type="submit"
                loading={create.isPending || update.isPending}
                disabled={!form.isDirty()}
              >
                {common.save}
              </Button>
              {template && (
                <Button variant="default" onClick={() => askToDelete(template)}>
                  {words.delete}
                </Button>
              )}
            </Group>
          </Stack>
        </form>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 7 }}>
        <MailPreview
          kind={kind}
          organisation={organisation}
          typed={form.values}
          templates={templates.filter((each) => each.kind === kind && each.id !== template?.id)}
        />
      </Grid.Col>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </Grid>
  )
}
