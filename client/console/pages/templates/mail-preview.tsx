/**
 * A mail as its readers see it, in each language, light and dark, narrow and wide, while it is written.
 *
 * @module
 */
import {
  Group,
  NativeSelect,
  Paper,
  SegmentedControl,
  Skeleton,
  Stack,
  Text,
  Title,
  useComputedColorScheme,
} from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { EmailTemplate, MailKind, Organisation } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { languageChoices } from './language-name.ts'
import { type TypedWording, toWording } from './wording.ts'

interface MailPreviewProps {
  kind: MailKind
  organisation: Organisation
  /** What is being written. */
  typed: TypedWording & { locale: string }
  /** The other templates of the kind. */
  templates: EmailTemplate[]
}

type Scheme = 'light' | 'dark'

/** Pixels, as a phone has them. */
const NARROW = 360

export function MailPreview({ kind, organisation, typed, templates }: MailPreviewProps) {
  const { templates: words, common } = useTexts()
  const [other, setOther] = useState<string | null>(null)
  const [chosenScheme, setScheme] = useState<Scheme | null>(null)
  const [width, setWidth] = useState<'wide' | 'narrow'>('wide')
  const ownScheme = useComputedColorScheme('light')
  const scheme = chosenScheme ?? ownScheme

  const [draft] = useDebouncedValue(typed, 200)
  const locale = other ?? draft.locale
  const saved = templates.find((each) => each.isDefault && each.locale === locale) ?? null
  const isDraft = locale === draft.locale
  const wording = isDraft ? toWording(draft) : saved
  const shown = { kind, locale, scheme, organisation, wording }
  const mail = useQuery({
    queryKey: ['mail-preview', shown],
    queryFn: async () => (await import('./draw-mail.ts')).drawMail(shown),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })

  return (
    <Stack component="section" aria-label={words.preview} gap="sm">
      <Title order={2} size="h4">
        {words.preview}
      </Title>
      <Group gap="sm">
        <NativeSelect
          aria-label={words.previewLanguage}
          size="xs"
          value={locale}
          data={languageChoices(draft.locale)}
          onChange={({ currentTarget: { value } }) =>
            setOther(value === draft.locale ? null : value)
          }
        />
        <SegmentedControl
          size="xs"
          aria-label={common.theme}
          value={scheme}
          onChange={(value) => setScheme(value as Scheme)}
          data={[
            { value: 'light', label: common.light },
            { value: 'dark', label: common.dark },
          ]}
        />
        <SegmentedControl
          size="xs"
          aria-label={words.width}
          value={width}
          onChange={(value) => setWidth(value as 'wide' | 'narrow')}
          data={[
            { value: 'wide', label: words.wide },
            { value: 'narrow', label: words.narrow },
          ]}
        />
      </Group>
      {!isDraft && (
        <Text size="sm" c="dimmed">
          {saved ? words.previewSaved(saved.name) : words.previewBuiltIn}
        </Text>
      )}
      {mail.error && <ProblemAlert error={mail.error} onRetry={() => mail.refetch()} />}
      {mail.isPending && <Skeleton height={720} />}
      {mail.data && (
        <Paper
          withBorder
          style={{ overflow: 'hidden' }}
          w="100%"
          maw={width === 'narrow' ? NARROW : undefined}
        >
          <Stack gap={2} p="sm" className="usher-words">
            <Text size="sm" c="dimmed">
              <bdi>{mail.data.senderName}</bdi>
            </Text>
            <Text size="sm" fw={600} dir="auto">
              {mail.data.subject}
            </Text>
          </Stack>
          {/* Nothing in it runs, and nothing in it can reach the page. */}
          <iframe
            sandbox=""
            srcDoc={mail.data.html}
            title={words.previewFrame}
            style={{ display: 'block', width: '100%', height: 640, border: 0 }}
          />
        </Paper>
      )}
    </Stack>
  )
}
