/**
 * To the invitee: who invites to what, as what, until when; and how to say no.
 *
 * @module
 */
import { Link } from 'react-email'
import { readableAddress } from '../../client/readable-address.ts'
import type { OfferDelivery } from '../_shared/delivery.ts'
import type { Language } from './language.ts'
import { Layout, Paragraph, Quote } from './layout.tsx'
import { TemplateBody } from './template-body.tsx'
import { accentOf, light, readableOn } from './theme.ts'
import { fill, invitePlaceholders, inviteWords } from './words.ts'

interface InviteProps {
  mail: OfferDelivery
  language: Language
  /** The moment of rendering; "in 7 days" is counted from it. */
  now: Date
}

/** The words of one mail, and what they are filled with. */
function readWords({ mail, language, now }: InviteProps) {
  const words = inviteWords(mail.invite, mail.organisation, language, now)
  return { words, placeholders: invitePlaceholders(words, readableAddress(mail.invite.email)) }
}

export function inviteSubject(props: InviteProps): string {
  const { subject, reminder } = props.language.texts.invite
  const { words, placeholders } = readWords(props)
  const written = props.mail.template?.subject
  if (written) return fill(written, placeholders)
  return (props.mail.kind === 'invite_reminder' ? reminder : subject)(words)
}

export function Invite(props: InviteProps) {
  const { mail, language } = props
  const { template } = mail
  const { invite: texts } = language.texts
  const { words, placeholders } = readWords(props)
  const linkColour = readableOn(light.card, accentOf(mail.organisation))
  return (
    <Layout
      language={language}
      organisation={mail.organisation}
      preview={texts.preview(words)}
      heading={template?.heading ? fill(template.heading, placeholders) : texts.heading(words)}
      button={{ label: template?.button ?? texts.button, href: mail.link }}
      why={texts.why({
        organisation: words.organisation,
        email: readableAddress(mail.invite.email),
      })}
      afterButton={
        <>
          <Paragraph isQuiet>{texts.expiry(words)}</Paragraph>
          <Paragraph isQuiet>
            {texts.link}
            <br />
            <Link href={mail.link} className="link" style={{ color: linkColour }}>
              {mail.link}
            </Link>
          </Paragraph>
        </>
      }
      afterWhy={[
        { label: texts.decline, href: declineLink(mail.link) },
        { label: texts.stop(words), href: mail.stop_link },
      ]}
    >
      {template?.body ? (
        <TemplateBody source={template.body} placeholders={placeholders} linkColour={linkColour} />
      ) : (
        <Paragraph>{texts.intro(words)}</Paragraph>
      )}
      {mail.invite.message && <Quote>{mail.invite.message}</Quote>}
      <Paragraph>{texts.role(words)}</Paragraph>
      {words.membershipEndsAt && <Paragraph>{texts.membershipEnd(words)}</Paragraph>}
    </Layout>
  )
}

/** The same page, asked to have the refusal ready: nothing is answered by opening it. */
function declineLink(link: string): string {
  const url = new URL(link)
  url.searchParams.set('answer', 'decline')
  return url.href
}
