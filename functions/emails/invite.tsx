/**
 * To the invitee: who invites to what, as what, until when.
 *
 * @module
 */
import { Link } from 'react-email'
import type { InviteDelivery } from '../_shared/database.ts'
import type { Language } from './language.ts'
import { Layout, Paragraph, Quote } from './layout.tsx'
import type { InviteWords } from './texts/texts.ts'
import { accentOf, light, readableOn } from './theme.ts'

interface InviteProps {
  mail: InviteDelivery
  language: Language
  /** The moment of rendering; "in 7 days" is counted from it. */
  now: Date
}

function wordsOf({ mail, language, now }: InviteProps): InviteWords {
  const expiresAt = new Date(mail.invite.expires_at)
  return {
    organisation: mail.organisation.name,
    inviter: mail.invite.inviter_name ?? mail.invite.inviter_email,
    roles: language.listRoles(mail.invite.roles),
    roleCount: mail.invite.roles.length,
    expiresIn: language.sayWhen(expiresAt, now),
    expiresAt: language.sayDate(expiresAt),
  }
}

export function inviteSubject(props: InviteProps): string {
  const { subject, reminder } = props.language.texts.invite
  return (props.mail.kind === 'invite_reminder' ? reminder : subject)(wordsOf(props))
}

export function Invite(props: InviteProps) {
  const { mail, language } = props
  const { invite: texts } = language.texts
  const words = wordsOf(props)
  const link = mail.link ?? mail.site_url
  return (
    <Layout
      language={language}
      organisation={mail.organisation}
      preview={texts.preview(words)}
      heading={texts.heading(words)}
      button={{ label: texts.button, href: link }}
      why={texts.why({ organisation: words.organisation, email: mail.invite.email })}
      afterButton={
        <>
          <Paragraph isQuiet>{texts.expiry(words)}</Paragraph>
          <Paragraph isQuiet>
            {texts.link}
            <br />
            <Link
              href={link}
              className="link"
              style={{ color: readableOn(light.card, accentOf(mail.organisation)) }}
            >
              {link}
            </Link>
          </Paragraph>
        </>
      }
    >
      <Paragraph>{texts.intro(words)}</Paragraph>
      {mail.invite.message && <Quote>{mail.invite.message}</Quote>}
      <Paragraph>{texts.role(words)}</Paragraph>
    </Layout>
  )
}
