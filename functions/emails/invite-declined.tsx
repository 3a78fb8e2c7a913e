/**
 * To those who may invite: the invitee has declined, and why.
 *
 * @module
 */
import type { MailProps } from './invite.tsx'
import { Layout, Paragraph, Quote } from './layout.tsx'

function wordsOf({ mail, language }: MailProps) {
  return {
    organisation: mail.organisation.name,
    invitee: mail.invite.email,
    roles: language.listRoles(mail.invite.roles),
  }
}

export function inviteDeclinedSubject(props: MailProps): string {
  return props.language.texts.declined.subject(wordsOf(props))
}

export function InviteDeclined(props: MailProps) {
  const { mail, language } = props
  const { declined: texts } = language.texts
  const words = wordsOf(props)
  return (
    <Layout
      language={language}
      organisation={mail.organisation}
      preview={texts.body(words)}
      heading={texts.heading(words)}
      button={{ label: texts.button, href: mail.site_url }}
      why={texts.why(words)}
    >
      <Paragraph>{texts.body(words)}</Paragraph>
      {mail.invite.decline_reason && (
        <>
          <Paragraph>{texts.reason}</Paragraph>
          <Quote>{mail.invite.decline_reason}</Quote>
        </>
      )}
    </Layout>
  )
}
