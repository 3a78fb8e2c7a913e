/**
 * Mails of Supabase Auth: confirm an address, sign in, choose a new password. To somebody who is invited
 * they wear the organisation's colours and say to what.
 *
 * @module
 */
import type { AuthDelivery, AuthFacts, Organisation } from '../_shared/delivery.ts'
import type { Language } from './language.ts'
import { Code, Layout, Paragraph } from './layout.tsx'
import { inviteWords } from './words.ts'

interface AuthMailProps {
  mail: AuthDelivery
  facts: AuthFacts
  language: Language
  now: Date
  /** Who sends it where no organisation does: the project. */
  projectName: string
}

/** Who an invited reader is to see as the sender: only while signing up or in, never beside a password. */
export function senderOf(mail: AuthDelivery, facts: AuthFacts): Organisation | null {
  return ['signup', 'invite', 'magiclink'].includes(facts.action) ? mail.organisation : null
}

export function AuthMail({ mail, facts, language, now, projectName }: AuthMailProps) {
  const { auth } = language.texts
  const texts = auth[facts.action]
  const organisation = senderOf(mail, facts)
  const body = texts.body({ email: facts.email })
  const button = texts.button && facts.link ? { label: texts.button, href: facts.link } : null
  return (
    <Layout
      language={language}
      organisation={organisation ?? { name: projectName, logo_url: null, accent_colour: null }}
      preview={body}
      heading={texts.subject}
      button={button}
      why={auth.why({ email: facts.email })}
      afterButton={
        facts.code && (
          <>
            {button && <Paragraph isQuiet>{auth.code}</Paragraph>}
            <Code>{facts.code}</Code>
          </>
        )
      }
    >
      <Paragraph>{body}</Paragraph>
      {organisation && mail.invite && (
        <Paragraph>{auth.invited(inviteWords(mail.invite, organisation, language, now))}</Paragraph>
      )}
    </Layout>
  )
}
