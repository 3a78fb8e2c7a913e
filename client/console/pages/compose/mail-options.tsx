/**
 * What all invitations that are sent together have in common: lifetime, language, message, end.
 *
 * @module
 */
import { NativeSelect, SimpleGrid, Stack, Textarea } from '@mantine/core'
import type { InviteDraft } from '../../../index.ts'
import { useTexts } from '../../app/language.tsx'
import { MomentInput } from '../../parts/moment-input.tsx'
import { LANGUAGE_CODES, LANGUAGES } from '../../texts/languages.ts'

/** An empty text stands for what the organisation has. */
export interface MailOptions {
  expiresIn: string
  locale: string
  message: string
  /** ISO 8601; null: the membership has no end. */
  membershipEndsAt: string | null
}

export const NO_OPTIONS: MailOptions = {
  expiresIn: '',
  locale: '',
  message: '',
  membershipEndsAt: null,
}

/** The options as a draft takes them. */
export function toDraft(options: MailOptions): Partial<InviteDraft> {
  const { expiresIn, locale, message, membershipEndsAt } = options
  return {
    expiresIn: expiresIn || undefined,
    locale: locale || undefined,
    message: message.trim() || undefined,
    membershipEndsAt: membershipEndsAt ?? undefined,
  }
}

interface MailOptionsFormProps {
  value: MailOptions
  onChange: (options: MailOptions) => void
}

export function MailOptionsForm({ value, onChange }: MailOptionsFormProps) {
  const { compose } = useTexts()
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NativeSelect
          label={compose.expiry}
          value={value.expiresIn}
          onChange={(event) => onChange({ ...value, expiresIn: event.currentTarget.value })}
          data={[
            { value: '', label: compose.expiryDefault },
            { value: '1 day', label: compose.days(1) },
            { value: '3 days', label: compose.days(3) },
            { value: '7 days', label: compose.days(7) },
            { value: '14 days', label: compose.days(14) },
            { value: '30 days', label: compose.days(30) },
          ]}
        />
        <NativeSelect
          label={compose.language}
          value={value.locale}
          onChange={(event) => onChange({ ...value, locale: event.currentTarget.value })}
          data={[
            { value: '', label: compose.languageDefault },
            ...LANGUAGE_CODES.map((code) => ({ value: code, label: LANGUAGES[code].name })),
          ]}
        />
        <MomentInput
          label={compose.membershipEnds}
          description={compose.membershipEndsHint}
          value={value.membershipEndsAt}
          onChange={(membershipEndsAt) => onChange({ ...value, membershipEndsAt })}
        />
      </SimpleGrid>
      <Textarea
        label={compose.message}
        description={compose.messageHint}
        maxLength={1000}
        rows={4}
        value={value.message}
        onChange={(event) => onChange({ ...value, message: event.currentTarget.value })}
      />
    </Stack>
  )
}
