/**
 * Mails of Supabase Auth: confirm an address, sign in, choose a new password. To somebody who is invited
 * they wear the organisation's colours and say to what.
 *
 * @module
 */
import { readableAddress } from '../../client/readable-address.ts'
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

/** Whether it tells what has happened: whoever did not do it must not ignore that. */
const isTold = ({ action }: AuthFacts) => action.endsWith('_notification')

/** Where the reader can do something about it, where the mail brings no link of Auth. */
const pageOf = ({ site_url }: AuthDelivery, { action }: AuthFacts): string | null =>
  action === 'password_changed_notification' ? `${site_url}/new-password` : null

export function AuthMail({ mail, facts, language, now, projectName }: AuthMailProps) {
  const { auth } = language.texts
  const texts = auth[facts.action]
  const organisation = senderOf(mail, facts)
  const words = { email: readableAddress(facts.email), project: projectName }
  const body = texts.body(words)
  const href = facts.link ?? pageOf(mail, facts)
  const button = texts.button && href ? { label: texts.button, href } : null
  return (
    <Layout
      language={language}
      organisation={organisation ?? { name: projectName, logo_url: null, accent_colour: null }}
      preview={body}
      heading={texts.subject}
      button={button}
      why={isTold(facts) ? auth.whyTold(words) : auth.whyAsked(words)}
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
