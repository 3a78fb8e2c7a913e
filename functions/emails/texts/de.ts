/** German. @module */
import type { Texts } from './texts.ts'

const whyInviter = ({ organisation }: { organisation: string }) =>
  `Sie erhalten diese Nachricht, weil Sie die Einladung zu ${organisation} verschickt haben.`
const whyMayInvite = ({ organisation }: { organisation: string }) =>
  `Sie erhalten diese Nachricht, weil Sie zu ${organisation} einladen dürfen.`
const whyMember = ({ organisation }: { organisation: string }) =>
  `Sie erhalten diese Nachricht, weil Sie Mitglied von ${organisation} sind.`
const whyFormerMember = ({ organisation }: { organisation: string }) =>
  `Sie erhalten diese Nachricht, weil Sie Mitglied von ${organisation} waren.`
const whyAsked = ({ organisation }: { organisation: string }) =>
  `Sie erhalten diese Nachricht, weil Sie ${organisation} beitreten wollten.`
const whyReviewer = ({ organisation }: { organisation: string }) =>
  `Sie erhalten diese Nachricht, weil Sie Rechte in ${organisation} prüfen dürfen.`

export const de: Texts = {
  roles: { owner: 'Inhaber', admin: 'Administrator', finance: 'Finanzen', member: 'Mitglied' },
  someone: 'Ein Administrator',
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
    membershipEnd: ({ membershipEndsAt }) => `Ihre Mitgliedschaft gälte bis ${membershipEndsAt}.`,
    button: 'Einladung ansehen',
    link: 'Falls der Knopf nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:',
    why: ({ organisation, email }) =>
      `Sie erhalten diese Nachricht, weil jemand bei ${organisation} die Adresse ${email} eingegeben hat. Wenn Sie nichts davon wissen, beachten Sie sie nicht: Es geschieht nichts, solange Sie nicht annehmen.`,
    decline: 'Einladung ablehnen',
    stop: ({ organisation }) => `Keine Einladungen von ${organisation} mehr`,
  },
  notices: {
    reason: 'Der angegebene Grund:',
    buttons: {
      organisation: 'Organisation ansehen',
      members: 'Mitglieder ansehen',
      invitation: 'Einladung ansehen',
      invitations: 'Einladungen ansehen',
      resend: 'Einladung erneut senden',
      devices: 'Geräte ansehen',
      review: 'Prüfung öffnen',
      webhook: 'Webhooks ansehen',
      request: 'Anfrage ansehen',
    },
    invite_accepted: {
      subject: ({ organisation, invitee }) => `${invitee} ist jetzt bei ${organisation}`,
      heading: 'Ihre Einladung wurde angenommen',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} ist jetzt Mitglied von ${organisation}. Rolle: ${roles}.`,
      why: whyInviter,
    },
    invite_declined: {
      subject: ({ organisation, invitee }) => `${invitee} kommt nicht zu ${organisation}`,
      heading: 'Eine Einladung wurde abgelehnt',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} hat die Einladung zu ${organisation} abgelehnt. Rolle: ${roles}.`,
      why: whyMayInvite,
    },
    invite_expired: {
      subject: ({ organisation, invitee }) =>
        `Die Einladung von ${invitee} zu ${organisation} ist abgelaufen`,
      heading: 'Eine Einladung ist abgelaufen',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} hat die Einladung zu ${organisation} nicht rechtzeitig beantwortet. Rolle: ${roles}. Sie können sie erneut senden.`,
      why: whyInviter,
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
    device_enrolled: {
      subject: ({ organisation, device }) => `${device} ist bei ${organisation} angemeldet`,
      heading: 'Ein Gerät ist angemeldet',
      body: ({ organisation, device, roles }) =>
        `Das Gerät ${device} hat seinen Code benutzt und gehört jetzt zu ${organisation}. Rolle: ${roles}. Wenn das nicht gewollt war, entfernen Sie es.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie den Code für ${organisation} erstellt haben.`,
    },
    access_review_started: {
      subject: ({ organisation, review }) =>
        `Bitte die Rechte in ${organisation} prüfen: ${review}`,
      heading: 'Eine Prüfung der Rechte hat begonnen',
      body: ({ organisation, review, actor, due_at }) =>
        `${actor} hat in ${organisation} die Prüfung „${review}“ begonnen. Bitte jedes Recht bestätigen oder entziehen, bis ${due_at}.`,
      why: whyReviewer,
    },
    access_review_overdue: {
      subject: ({ organisation, review }) =>
        `Die Prüfung ${review} in ${organisation} ist überfällig`,
      heading: 'Eine Prüfung der Rechte ist überfällig',
      body: ({ organisation, review, due_at }) =>
        `Die Prüfung „${review}“ in ${organisation} sollte bis ${due_at} fertig sein, und noch warten Rechte auf eine Antwort.`,
      why: whyReviewer,
    },
    webhook_disabled: {
      subject: ({ webhook }) => `Der Webhook an ${webhook} wurde abgeschaltet`,
      heading: 'Ein Webhook wurde abgeschaltet',
      body: ({ organisation, webhook }) =>
        `${webhook} erfährt nicht mehr, was bei ${organisation} geschieht: Die Adresse nahm tagelang nichts an oder gibt es nicht mehr. Sie können sie wieder einschalten.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie die Webhooks von ${organisation} verwalten.`,
    },
    invites_lost_right: {
      subject: ({ organisation }) => `Einladungen zu ${organisation} gelten nicht mehr`,
      heading: 'Einladungen gelten nicht mehr',
      body: ({ organisation, person, count }) =>
        `${person} darf zu ${organisation} nicht mehr einladen. Offene Einladungen dieser Person, die nicht mehr gelten: ${count}. Sie können sie in Ihrem eigenen Namen neu senden.`,
      why: whyMayInvite,
    },
    credentials_lost_right: {
      subject: ({ credentials }) => `Jemand muss für ${credentials} einstehen`,
      heading: 'Dafür steht niemand mehr ein',
      body: ({ organisation, person, credentials, endsAt }) =>
        `${person} darf bei ${organisation} dafür nicht mehr einstehen: ${credentials}. Das gilt bis ${endsAt} und läuft weiter, wenn es jemand anderes übernimmt.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie ${organisation} verwalten.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `Ihre Rollen bei ${organisation} wurden geändert`,
      heading: 'Ihre Rollen wurden geändert',
      body: ({ organisation, roles, actor }) =>
        `${actor} hat geändert, was Sie bei ${organisation} dürfen. ${roles ? `Ihre Rollen sind jetzt: ${roles}.` : 'Sie haben dort jetzt keine Rolle.'}`,
      why: whyMember,
    },
    member_removed: {
      subject: ({ organisation }) => `Sie sind nicht mehr Mitglied von ${organisation}`,
      heading: 'Ihre Mitgliedschaft ist beendet',
      body: ({ organisation, actor }) => `${actor} hat Sie aus ${organisation} entfernt.`,
      why: whyFormerMember,
    },
    member_banned: {
      subject: ({ organisation }) => `Sie sind von ${organisation} ausgeschlossen`,
      heading: 'Sie sind ausgeschlossen',
      body: ({ organisation, actor }) =>
        `${actor} hat Sie von ${organisation} ausgeschlossen. Sie können dort nicht eingeladen werden, bis das aufgehoben ist.`,
      why: whyFormerMember,
    },
    access_ending: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Ihre Mitgliedschaft in ${organisation} endet bald`
          : `Eine Ihrer Rollen in ${organisation} endet bald`,
      heading: 'Ihr Zugang endet bald',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Ihre Mitgliedschaft in ${organisation} endet am ${endsAt}. Wenn Sie sie länger brauchen, fragen Sie einen Admin.`
          : `In ${organisation} haben Sie bis ${endsAt}: ${roles}. Wenn Sie das länger brauchen, fragen Sie einen Admin.`,
      why: whyMember,
    },
    access_ended: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Ihre Mitgliedschaft in ${organisation} ist zu Ende`
          : `Eine Ihrer Rollen in ${organisation} ist zu Ende`,
      heading: 'Ihr Zugang ist zu Ende',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Ihre Mitgliedschaft in ${organisation} ist am ${endsAt} wie vereinbart zu Ende gegangen.`
          : `In ${organisation} haben Sie nicht mehr: ${roles}. Die Zeit dafür endete am ${endsAt}.`,
      why: (words) => (words.isMembership ? whyFormerMember(words) : whyMember(words)),
    },
    ownership_transferred: {
      subject: ({ organisation }) => `${organisation} hat einen neuen Inhaber`,
      heading: 'Die Organisation hat einen neuen Inhaber',
      body: ({ organisation, owner, actor, roles }) =>
        `${actor} hat ${organisation} an ${owner} übergeben. Ihre Rolle ist jetzt: ${roles}.`,
      why: ({ organisation }) =>
        `Sie erhalten diese Nachricht, weil Sie Inhaber von ${organisation} waren oder jetzt sind.`,
    },
    join_requested: {
      subject: ({ organisation, requester }) => `${requester} möchte ${organisation} beitreten`,
      heading: 'Jemand möchte beitreten',
      body: ({ organisation, requester }) =>
        `${requester} hat eine bestätigte Adresse einer Ihrer Domains und möchte Mitglied von ${organisation} werden. Sie entscheiden.`,
      why: whyMayInvite,
    },
    join_approved: {
      subject: ({ organisation }) => `Sie sind jetzt Mitglied von ${organisation}`,
      heading: 'Sie sind aufgenommen',
      body: ({ organisation, roles, actor }) =>
        `${actor} hat Sie in ${organisation} aufgenommen. Rolle: ${roles}.`,
      why: whyAsked,
    },
    join_declined: {
      subject: ({ organisation }) => `Sie können ${organisation} nicht beitreten`,
      heading: 'Ihre Anfrage wurde abgelehnt',
      body: ({ organisation, actor }) =>
        `${actor} hat Ihre Anfrage abgelehnt, ${organisation} beizutreten.`,
      why: whyAsked,
    },
  },
  auth: {
    code: 'Oder geben Sie diesen Code ein:',
    invited: ({ organisation, roles, expiresIn, expiresAt }) =>
      `Sie sind zu ${organisation} eingeladen. Rolle: ${roles}. Die Einladung endet ${expiresIn}, am ${expiresAt}.`,
    whyAsked: ({ email, project }) =>
      `Sie erhalten diese E-Mail, weil jemand die Adresse ${email} bei ${project} eingegeben hat. Wenn Sie das nicht waren, beachten Sie sie nicht, und geben Sie Code und Link an niemanden weiter.`,
    whyTold: ({ project }) =>
      `Sie erhalten diese E-Mail, weil sie die Sicherheit Ihres Kontos bei ${project} betrifft.`,
    signup: {
      subject: 'Bestätigen Sie Ihre Adresse',
      body: ({ email }) => `Bestätigen Sie, dass ${email} Ihnen gehört: Dann ist Ihr Konto bereit.`,
      button: 'Adresse bestätigen',
    },
    invite: {
      subject: 'Sie sind eingeladen',
      body: ({ email }) =>
        `Für ${email} steht ein Konto bereit. Aktivieren Sie es, um sich anzumelden.`,
      button: 'Konto aktivieren',
    },
    magiclink: {
      subject: 'Ihr Link zum Anmelden',
      body: ({ email }) =>
        `Mit diesem Link melden Sie sich als ${email} an. Er funktioniert einmal.`,
      button: 'Anmelden',
    },
    recovery: {
      subject: 'Neues Passwort wählen',
      body: ({ email }) =>
        `Jemand möchte ein neues Passwort für ${email} wählen. Wenn Sie es waren, geht es hier weiter.`,
      button: 'Neues Passwort wählen',
    },
    email_change: {
      subject: 'Bestätigen Sie Ihre neue Adresse',
      body: ({ email }) =>
        `Bestätigen Sie, dass Ihr Konto von jetzt an die Adresse ${email} benutzen soll.`,
      button: 'Änderung bestätigen',
    },
    reauthentication: {
      subject: 'Ihr Code',
      body: () => 'Geben Sie diesen Code ein, um zu zeigen, dass Sie es sind.',
      button: null,
    },
    password_changed_notification: {
      subject: 'Ihr Passwort wurde geändert',
      body: ({ email }) =>
        `Das Passwort von ${email} wurde geändert. Wenn Sie es nicht waren, wählen Sie sofort ein neues.`,
      button: 'Neues Passwort wählen',
    },
    email_changed_notification: {
      subject: 'Ihre Adresse wurde geändert',
      body: ({ email, project }) =>
        `Ihr Konto benutzt jetzt die Adresse ${email}. Wenn Sie es nicht waren, wenden Sie sich sofort an ${project}.`,
      button: null,
    },
    phone_changed_notification: {
      subject: 'Ihre Telefonnummer wurde geändert',
      body: ({ email, project }) =>
        `Die Telefonnummer von ${email} wurde geändert. Wenn Sie es nicht waren, wenden Sie sich sofort an ${project}.`,
      button: null,
    },
    identity_linked_notification: {
      subject: 'Ein weiterer Weg zum Anmelden kam hinzu',
      body: ({ email }) =>
        `${email} kann sich jetzt auch über ein anderes Konto anmelden. Wenn Sie es nicht waren, entfernen Sie es sofort.`,
      button: null,
    },
    identity_unlinked_notification: {
      subject: 'Ein Weg zum Anmelden wurde entfernt',
      body: ({ email, project }) =>
        `Einer der Wege, sich als ${email} anzumelden, wurde entfernt. Wenn Sie es nicht waren, wenden Sie sich sofort an ${project}.`,
      button: null,
    },
    mfa_factor_enrolled_notification: {
      subject: 'Ein zweiter Faktor kam hinzu',
      body: ({ email }) =>
        `Beim Anmelden als ${email} wird jetzt ein weiterer Faktor verlangt. Wenn Sie es nicht waren, entfernen Sie ihn sofort.`,
      button: null,
    },
    mfa_factor_unenrolled_notification: {
      subject: 'Ein zweiter Faktor wurde entfernt',
      body: ({ email }) =>
        `Beim Anmelden als ${email} wird einer der Faktoren nicht mehr verlangt. Wenn Sie es nicht waren, fügen Sie ihn sofort wieder hinzu.`,
      button: null,
    },
  },
}
