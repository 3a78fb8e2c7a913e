/**
 * What the texts of a mail are filled with, said in the reader's language; and the same by the names of
 * a template's placeholders.
 *
 * @module
 */
import { readableAddress } from '../../client/readable-address.ts'
import type { InviteFacts, NoticeDelivery, Organisation } from '../_shared/delivery.ts'
import type { Language } from './language.ts'
import type { InviteWords, NoticeWords } from './texts/texts.ts'

/** @param now - the moment of rendering; "in 7 days" is counted from it */
export function inviteWords(
  invite: InviteFacts,
  organisation: Organisation,
  language: Language,
  now: Date,
): InviteWords {
  const expiresAt = new Date(invite.expires_at)
  return {
    organisation: organisation.name,
    inviter: invite.inviter_name ?? (invite.inviter_email && readableAddress(invite.inviter_email)),
    roles: language.listRoles(invite.roles),
    roleCount: invite.roles.length,
    expiresIn: language.sayWhen(expiresAt, now),
    expiresAt: language.sayDate(expiresAt),
    membershipEndsAt: invite.membership_ends_at
      ? language.sayDate(new Date(invite.membership_ends_at))
      : '',
  }
}

export function noticeWords(mail: NoticeDelivery, language: Language): NoticeWords {
  const invite = 'invite' in mail ? mail.invite : null
  const facts = 'facts' in mail ? mail.facts : {}
  const said = (key: string) => {
    const value = (facts as Record<string, string | null | undefined>)[key]
    return value && key.endsWith('_email') ? readableAddress(value) : value
  }
  const dueAt = said('due_at')
  return {
    organisation: mail.organisation.name,
    invitee: readableAddress(invite?.email ?? ''),
    device: invite?.device_name ?? '',
    roles: language.listRoles(invite?.roles ?? ('roles' in facts ? facts.roles : [])),
    actor: said('actor_name') ?? said('actor_email') ?? language.texts.someone,
    owner: said('owner_name') ?? '',
    requester: said('requester_email') ?? '',
    review: said('review') ?? '',
    due_at: dueAt ? language.sayDate(new Date(dueAt)) : '',
    isMembership: 'is_membership' in facts && facts.is_membership,
    endsAt: 'ends_at' in facts ? language.sayDate(new Date(facts.ends_at)) : '',
    webhook: said('webhook') ?? '',
    person: said('person_name') ?? said('person_email') ?? language.texts.someone,
    count: 'count' in facts ? language.sayNumber(facts.count) : '',
    credentials: 'names' in facts ? language.sayList(facts.names) : '',
  }
}

/** By the names that `usher.mail_kinds()` allows in templates. */
export type Placeholders = Record<string, string>

export function invitePlaceholders(words: InviteWords, invitee: string): Placeholders {
  return {
    organisation: words.organisation,
    inviter: words.inviter ?? words.organisation,
    invitee,
    roles: words.roles,
    expires_in: words.expiresIn,
    expires_at: words.expiresAt,
  }
}

export function noticePlaceholders({ isMembership, endsAt, ...words }: NoticeWords): Placeholders {
  return { ...words, ends_at: endsAt }
}

/** Puts the words in; a name that is none of them stays as it was written. */
export function fill(text: string, placeholders: Placeholders): string {
  return text.replace(/\{\{\s*([a-z_]+)\s*\}\}/g, (written, name: string) =>
    Object.hasOwn(placeholders, name) ? (placeholders[name] ?? '') : written,
  )
}
