/**
 * To the inviter: the invitee is now a member.
 *
 * @module
 */
import type { MailProps } from './invite.tsx'
import { Layout, Paragraph } from './layout.tsx'

function wordsOf({ mail, language }: MailProps) {
  return {
    organisation: mail.organisation.name,
    invitee: mail.invite.email,
    roles: language.listRoles(mail.invite.roles),
  }
}

export function inviteAcceptedSubject(props: MailProps): string {
  return props.language.texts.accepted.subject(wordsOf(props))
}

export function InviteAccepted(props: MailProps) {
  const { mail, language } = props
  const { accepted: texts } = language.texts
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
    </Layout>
  )
}
