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
  const target = targetOf(mail)
  return (
    <Layout
      language={language}
      organisation={mail.organisation}
      preview={texts.body(words)}
      heading={template?.heading ? fill(template.heading, placeholders) : texts.heading}
      button={
        target && { label: template?.button ?? notices.buttons[target.to], href: target.href }
      }
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

interface Target {
  to: keyof Language['texts']['notices']['buttons']
  href: string
}

/** What the mail is about, on the pages; null for who cannot see it. */
function targetOf(mail: NoticeDelivery): Target | null {
  const organisation = `${mail.site_url}/organisations/${mail.organisation.id}`
  switch (mail.kind) {
    case 'member_removed':
    case 'member_banned':
    case 'join_declined':
      return null
    case 'access_ended':
      return mail.facts.is_membership ? null : { to: 'organisation', href: organisation }
    case 'invite_accepted':
      return { to: 'members', href: `${organisation}/members` }
    case 'invite_declined':
      return { to: 'invitation', href: `${organisation}/invitations/${mail.invite.id}` }
    case 'invite_expired':
    case 'invite_resend_requested':
      return { to: 'resend', href: `${organisation}/invitations/${mail.invite.id}` }
    case 'invites_lost_right':
      return { to: 'invitations', href: `${organisation}/invitations` }
    case 'device_enrolled':
      return { to: 'devices', href: `${organisation}/devices` }
    case 'join_requested':
      return { to: 'request', href: `${organisation}/members` }
    case 'access_review_started':
    case 'access_review_overdue': {
      const { review_id } = mail.facts
      const reviews = `${organisation}/access-reviews`
      return { to: 'review', href: review_id ? `${reviews}/${review_id}` : reviews }
    }
    case 'webhook_disabled':
      return { to: 'webhook', href: `${organisation}/webhooks` }
    default:
      return { to: 'organisation', href: organisation }
  }
}

function reasonOf(mail: NoticeDelivery): string | null {
  if (mail.kind === 'invite_declined') return mail.invite.decline_reason
  return mail.kind === 'join_declined' ? (mail.facts.reason ?? null) : null
}
