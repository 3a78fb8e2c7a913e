/** German. @module */
import type { Texts } from './texts.ts'

export const de: Texts = {
  roles: { owner: 'Inhaber', admin: 'Administrator', finance: 'Finanzen', member: 'Mitglied' },
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} lädt Sie zu ${organisation} ein`
        : `Sie sind zu ${organisation} eingeladen`,
    preview: ({ roles, expiresIn }) => `Ihre Rolle: ${roles}. Die Einladung endet ${expiresIn}.`,
    heading: ({ organisation }) => `Einladung zu ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} lädt Sie ein, Mitglied von ${organisation} zu werden.`
        : `Sie sind eingeladen, Mitglied von ${organisation} zu werden.`,
    role: ({ roles }) => `Ihre Rolle: ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `Die Einladung endet ${expiresIn}, am ${expiresAt}.`,
    button: 'Einladung ansehen',
    link: 'Falls der Knopf nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:',
    why: ({ organisation, email }) =>
      `Sie erhalten diese Nachricht, weil jemand bei ${organisation} die Adresse ${email} eingegeben hat. Wenn Sie nichts davon wissen, beachten Sie sie nicht: Es geschieht nichts, solange Sie nicht annehmen.`,
  },
  accepted: {
    subject: ({ organisation, invitee }) => `${invitee} ist jetzt bei ${organisation}`,
    heading: () => 'Ihre Einladung wurde angenommen',
    body: ({ organisation, invitee, roles }) =>
      `${invitee} ist jetzt Mitglied von ${organisation}. Rolle: ${roles}.`,
    button: 'Organisation ansehen',
    why: ({ organisation }) =>
      `Sie erhalten diese Nachricht, weil Sie die Einladung zu ${organisation} verschickt haben.`,
  },
  declined: {
    subject: ({ organisation, invitee }) => `${invitee} kommt nicht zu ${organisation}`,
    heading: () => 'Eine Einladung wurde abgelehnt',
    body: ({ organisation, invitee, roles }) =>
      `${invitee} hat die Einladung zu ${organisation} abgelehnt. Rolle: ${roles}.`,
    reason: 'Der angegebene Grund:',
    button: 'Organisation ansehen',
    why: ({ organisation }) =>
      `Sie erhalten diese Nachricht, weil Sie zu ${organisation} einladen dürfen.`,
  },
}
