/**
 * The fields of a template, and the placeholders that its kind of mail has.
 *
 * @module
 */
import {
  Button,
  Fieldset,
  Group,
  NativeSelect,
  SimpleGrid,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core'
import type { useForm } from '@mantine/form'
import { type FocusEvent, useRef } from 'react'
import { flushSync } from 'react-dom'
import { MAIL_PLACEHOLDERS } from '../../../generated/mail-placeholders.ts'
import type { MailKind } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { languageChoices } from './language-name.ts'
import type { TypedWording } from './wording.ts'

export interface TemplateValues extends TypedWording {
  locale: string
  name: string
  isDefault: boolean
}

interface TemplateFieldsProps {
  kind: MailKind
  form: ReturnType<typeof useForm<TemplateValues>>
}

/** Where placeholders can stand. */
type Fillable = 'subject' | 'heading' | 'body'

export function TemplateFields({ kind, form }: TemplateFieldsProps) {
  const { templates: words } = useTexts()
  const last = useRef<{ field: Fillable; element: HTMLInputElement | HTMLTextAreaElement }>(null)

  const fillable = (field: Fillable) => {
    const props = form.getInputProps(field)
    return {
      ...props,
      placeholder: words.builtIn,
      // In whichever language it is written.
      dir: 'auto',
      onFocus(event: FocusEvent<HTMLInputElement | HTMLTextAreaElement>) {
        last.current = { field, element: event.currentTarget }
        props.onFocus?.(event)
      },
    }
  }

  /** Puts it where the cursor was; into an empty template's body. */
  function insert(placeholder: string) {
    const { field, element } = last.current ?? { field: 'body' as const, element: null }
    const text = form.values[field]
    const start = element?.selectionStart ?? text.length
    const end = element?.selectionEnd ?? text.length
    // At once: a moment later, whoever types on may be in another field.
    flushSync(() => {
      form.setFieldValue(field, `${text.slice(0, start)}{{${placeholder}}}${text.slice(end)}`)
    })
    const cursor = start + placeholder.length + '{{}}'.length
    element?.focus()
    element?.setSelectionRange(cursor, cursor)
  }

  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NativeSelect
          label={words.locale}
          data={languageChoices(form.values.locale)}
          {...form.getInputProps('locale')}
        />
        <TextInput
          label={words.name}
          description={words.nameHint}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          required
          withAsterisk={false}
          maxLength={100}
          {...form.getInputProps('name')}
        />
      </SimpleGrid>
      <TextInput label={words.subject} maxLength={200} {...fillable('subject')} />
      <TextInput label={words.heading} maxLength={200} {...fillable('heading')} />
      <Textarea
        label={words.body}
        description={words.bodyHint}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        rows={8}
        maxLength={5000}
        {...fillable('body')}
      />
      <Fieldset variant="unstyled" m={0} legend={words.insert}>
        <Group gap={6}>
          {MAIL_PLACEHOLDERS[kind].map((placeholder) => (
            <Button
              key={placeholder}
              size="compact-sm"
              variant="default"
              title={`{{${placeholder}}}`}
              onClick={() => insert(placeholder)}
            >
              {words.placeholders[placeholder]}
            </Button>
          ))}
        </Group>
      </Fieldset>
      <TextInput
        label={words.button}
        placeholder={words.builtIn}
        maxLength={60}
        dir="auto"
        {...form.getInputProps('button')}
      />
      <Switch
        label={words.useByDefault}
        description={words.useByDefaultHint}
        {...form.getInputProps('isDefault', { type: 'checkbox' })}
      />
    </>
  )
}
