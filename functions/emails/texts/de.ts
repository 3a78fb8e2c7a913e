/** German. @module */
import type { Texts } from './texts.ts'

export const de: Texts = {
  roles: { owner: 'Inhaber', admin: 'Administrator', finance: 'Finanzen', member: 'Mitglied' },
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} lädt Sie zu ${organisation} ein`
        : `Sie sind zu ${organisation} eingeladen`,
    reminder: ({ organisation, expiresIn }) =>
      `Ihre Einladung zu ${organisation} endet ${expiresIn}`,
    preview: ({ roles, roleCount, expiresIn }) =>
      `${roleCount === 1 ? 'Ihre Rolle' : 'Ihre Rollen'}: ${roles}. Die Einladung endet ${expiresIn}.`,
    heading: ({ organisation }) => `Einladung zu ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} lädt Sie ein, Mitglied von ${organisation} zu werden.`
        : `Sie sind eingeladen, Mitglied von ${organisation} zu werden.`,
    role: ({ roles, roleCount }) => `${roleCount === 1 ? 'Ihre Rolle' : 'Ihre Rollen'}: ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `Die Einladung endet ${expiresIn}, am ${expiresAt}.`,
    button: 'Einladung ansehen',
    link: 'Falls der Knopf nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:',
    why: ({ organisation, email }) =>
      `Sie erhalten diese Nachricht, weil jemand bei ${organisation} die Adresse ${email} eingegeben hat. Wenn Sie nichts davon wissen, beachten Sie sie nicht: Es geschieht nichts, solange Sie nicht annehmen.`,
  },
  notices: {
    reason: 'Der angegebene Grund:',
    button: 'Organisation ansehen',
    invite_accepted: {
      subject: ({ organisation, invitee }) => `${invitee} ist jetzt bei ${organisation}`,
      heading: 'Ihre Einladung wurde angenommen',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} ist jetzt Mitglied von ${organisation}. Rolle: ${roles}.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie die Einladung zu ${organisation} verschickt haben.`,
    },
    invite_declined: {
      subject: ({ organisation, invitee }) => `${invitee} kommt nicht zu ${organisation}`,
      heading: 'Eine Einladung wurde abgelehnt',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} hat die Einladung zu ${organisation} abgelehnt. Rolle: ${roles}.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie zu ${organisation} einladen dürfen.`,
    },
    invite_expired: {
      subject: ({ organisation, invitee }) =>
        `Die Einladung von ${invitee} zu ${organisation} ist abgelaufen`,
      heading: 'Eine Einladung ist abgelaufen',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} hat die Einladung zu ${organisation} nicht rechtzeitig beantwortet. Rolle: ${roles}. Sie können sie erneut senden.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie die Einladung zu ${organisation} verschickt haben.`,
    },
    invite_resend_requested: {
      subject: ({ organisation, invitee }) =>
        `${invitee} bittet um eine neue Einladung zu ${organisation}`,
      heading: 'Jemand bittet um eine neue Einladung',
      body: ({ organisation, invitee, roles }) =>
        `Die Einladung von ${invitee} zu ${organisation} ist abgelaufen, und es wird um eine neue gebeten. Rolle: ${roles}. Sie können sie erneut senden.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie Einladungen zu ${organisation} erneut senden dürfen.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `Ihre Rollen bei ${organisation} wurden geändert`,
      heading: 'Ihre Rollen wurden geändert',
      body: ({ organisation, roles, actor }) =>
        `${actor ?? 'Ein Administrator'} hat geändert, was Sie bei ${organisation} dürfen. ${roles ? `Ihre Rollen sind jetzt: ${roles}.` : 'Sie haben dort jetzt keine Rolle.'}`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie Mitglied von ${organisation} sind.`,
    },
    member_removed: {
      subject: ({ organisation }) => `Sie sind nicht mehr Mitglied von ${organisation}`,
      heading: 'Ihre Mitgliedschaft ist beendet',
      body: ({ organisation, actor }) =>
        `${actor ?? 'Ein Administrator'} hat Sie aus ${organisation} entfernt.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie Mitglied von ${organisation} waren.`,
    },
    member_banned: {
      subject: ({ organisation }) => `Sie sind von ${organisation} ausgeschlossen`,
      heading: 'Sie sind ausgeschlossen',
      body: ({ organisation, actor }) =>
        `${actor ?? 'Ein Administrator'} hat Sie von ${organisation} ausgeschlossen. Sie können dort nicht eingeladen werden, bis das aufgehoben ist.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie Mitglied von ${organisation} waren.`,
    },
    ownership_transferred: {
      subject: ({ organisation }) => `${organisation} hat einen neuen Inhaber`,
      heading: 'Die Organisation hat einen neuen Inhaber',
      body: ({ organisation, owner, actor, roles }) =>
        `${actor ?? 'Der Inhaber'} hat ${organisation} an ${owner} übergeben. Ihre Rolle ist jetzt: ${roles}.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie Inhaber von ${organisation} waren oder jetzt sind.`,
    },
  },
}
