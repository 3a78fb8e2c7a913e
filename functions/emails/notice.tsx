/**
 * Tells that something has happened: to an invite, or to the reader's own membership.
 *
 * @module
 */
import type { PreparedDelivery } from '../_shared/database.ts'
import type { Language } from './language.ts'
import { Layout, Paragraph, Quote } from './layout.tsx'
import type { NoticeKind, NoticeWords } from './texts/texts.ts'

interface NoticeProps {
  kind: NoticeKind
  mail: PreparedDelivery
  language: Language
}

function wordsOf({ mail, language }: NoticeProps): NoticeWords {
  const { invite, member } = mail
  return {
    organisation: mail.organisation.name,
    invitee: invite?.email ?? '',
    roles: language.listRoles((invite ?? member).roles),
    actor: member?.actor_name ?? member?.actor_email ?? null,
    owner: member?.owner_name ?? '',
  }
}

export function noticeSubject(props: NoticeProps): string {
  return props.language.texts.notices[props.kind].subject(wordsOf(props))
}

export function Notice(props: NoticeProps) {
  const { kind, mail, language } = props
  const { notices } = language.texts
  const words = wordsOf(props)
  const reason = mail.invite?.decline_reason
  return (
    <Layout
      language={language}
      organisation={mail.organisation}
      preview={notices[kind].body(words)}
      heading={notices[kind].heading}
      button={{ label: notices.button, href: mail.site_url }}
      why={notices[kind].why(words)}
    >
      <Paragraph>{notices[kind].body(words)}</Paragraph>
      {reason && (
        <>
          <Paragraph>{notices.reason}</Paragraph>
          <Quote>{reason}</Quote>
        </>
      )}
    </Layout>
  )
}
