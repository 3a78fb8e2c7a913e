/**
 * Tells that something has happened: to an invite, to the reader's own membership, to a request.
 *
 * @module
 */
import type { NoticeDelivery } from '../_shared/delivery.ts'
import type { Language } from './language.ts'
import { Layout, Paragraph, Quote } from './layout.tsx'
import { TemplateBody } from './template-body.tsx'
import { accentOf, light, readableOn } from './theme.ts'
import { fill, noticePlaceholders, noticeWords } from './words.ts'

interface NoticeProps {
  mail: NoticeDelivery
  language: Language
}

export function noticeSubject({ mail, language }: NoticeProps): string {
  const words = noticeWords(mail, language)
  const written = mail.template?.subject
  return written
    ? fill(written, noticePlaceholders(words))
    : language.texts.notices[mail.kind].subject(words)
}

export function Notice({ mail, language }: NoticeProps) {
  const { template } = mail
  const { notices } = language.texts
  const texts = notices[mail.kind]
  const words = noticeWords(mail, language)
  const placeholders = noticePlaceholders(words)
  const reason = reasonOf(mail)
  return (
    <Layout
      language={language}
      organisation={mail.organisation}
      preview={texts.body(words)}
      heading={template?.heading ? fill(template.heading, placeholders) : texts.heading}
      button={{ label: template?.button ?? notices.button, href: mail.site_url }}
      why={texts.why(words)}
    >
      {template?.body ? (
        <TemplateBody
          source={template.body}
          placeholders={placeholders}
          linkColour={readableOn(light.card, accentOf(mail.organisation))}
        />
      ) : (
        <Paragraph>{texts.body(words)}</Paragraph>
      )}
      {reason && (
        <>
          <Paragraph>{notices.reason}</Paragraph>
          <Quote>{reason}</Quote>
        </>
      )}
    </Layout>
  )
}

function reasonOf(mail: NoticeDelivery): string | null {
  if (mail.kind === 'invite_declined') return mail.invite.decline_reason
  return mail.kind === 'join_declined' ? (mail.facts.reason ?? null) : null
}
