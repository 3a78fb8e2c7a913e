/** Polish. @module */
import type { Texts } from './texts.ts'

const whyInviter = ({ organisation }: { organisation: string }) =>
  `Otrzymujesz tę wiadomość, ponieważ to Ty wysłałeś(-aś) zaproszenie do ${organisation}.`
const whyMayInvite = ({ organisation }: { organisation: string }) =>
  `Otrzymujesz tę wiadomość, ponieważ możesz zapraszać do ${organisation}.`
const whyMember = ({ organisation }: { organisation: string }) =>
  `Otrzymujesz tę wiadomość, ponieważ należysz do ${organisation}.`
const whyFormerMember = ({ organisation }: { organisation: string }) =>
  `Otrzymujesz tę wiadomość, ponieważ należałeś(-aś) do ${organisation}.`
const whyAsked = ({ organisation }: { organisation: string }) =>
  `Otrzymujesz tę wiadomość, ponieważ poprosiłeś(-aś) o dołączenie do ${organisation}.`
const whyReviewer = ({ organisation }: { organisation: string }) =>
  `Otrzymujesz tę wiadomość, ponieważ możesz przeglądać uprawnienia w ${organisation}.`

export const pl: Texts = {
  roles: { owner: 'Właściciel', admin: 'Administrator', finance: 'Finanse', member: 'Członek' },
  someone: 'Administrator',
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter ? `${inviter} zaprasza Cię do ${organisation}` : `Zaproszenie do ${organisation}`,
    reminder: ({ organisation, expiresIn }) =>
      `Twoje zaproszenie do ${organisation} wygasa ${expiresIn}`,
    preview: ({ roles, roleCount, expiresIn }) =>
      `${roleCount === 1 ? 'Twoja rola' : 'Twoje role'}: ${roles}. Zaproszenie wygasa ${expiresIn}.`,
    heading: ({ organisation }) => `Dołącz do ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} zaprasza Cię do grona członków ${organisation}.`
        : `Zapraszamy Cię do grona członków ${organisation}.`,
    role: ({ roles, roleCount }) => `${roleCount === 1 ? 'Twoja rola' : 'Twoje role'}: ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `Zaproszenie wygasa ${expiresIn}: ${expiresAt}.`,
    membershipEnd: ({ membershipEndsAt }) => `Twoje członkostwo trwałoby do: ${membershipEndsAt}.`,
    button: 'Zobacz zaproszenie',
    link: 'Jeśli przycisk nie działa, skopiuj ten adres do przeglądarki:',
    why: ({ organisation, email }) =>
      `Otrzymujesz tę wiadomość, ponieważ ktoś z ${organisation} podał adres ${email}. Jeśli się jej nie spodziewasz, zignoruj ją: nic się nie stanie, dopóki nie przyjmiesz zaproszenia.`,
    decline: 'Odrzuć zaproszenie',
    stop: ({ organisation }) => `Nie chcę więcej zaproszeń od ${organisation}`,
  },
  notices: {
    reason: 'Podany powód:',
    buttons: {
      organisation: 'Zobacz organizację',
      members: 'Zobacz członków',
      invitation: 'Zobacz zaproszenie',
      invitations: 'Zobacz zaproszenia',
      resend: 'Wyślij zaproszenie ponownie',
      devices: 'Zobacz urządzenia',
      review: 'Otwórz przegląd',
      webhook: 'Zobacz webhooki',
      request: 'Zobacz prośbę',
    },
    invite_accepted: {
      subject: ({ organisation, invitee }) => `${invitee} należy już do ${organisation}`,
      heading: 'Twoje zaproszenie zostało przyjęte',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} należy teraz do ${organisation}. Rola: ${roles}.`,
      why: whyInviter,
    },
    invite_declined: {
      subject: ({ organisation, invitee }) => `${invitee} nie dołączy do ${organisation}`,
      heading: 'Zaproszenie zostało odrzucone',
      body: ({ organisation, invitee, roles }) =>
        `Zaproszenie do ${organisation} dla ${invitee} zostało odrzucone. Rola: ${roles}.`,
      why: whyMayInvite,
    },
    invite_expired: {
      subject: ({ organisation, invitee }) =>
        `Zaproszenie dla ${invitee} do ${organisation} wygasło`,
      heading: 'Zaproszenie wygasło',
      body: ({ organisation, invitee, roles }) =>
        `Nie było w porę odpowiedzi na zaproszenie do ${organisation} dla ${invitee}. Rola: ${roles}. Możesz wysłać je ponownie.`,
      why: whyInviter,
    },
    invite_resend_requested: {
      subject: ({ organisation, invitee }) =>
        `${invitee} prosi o nowe zaproszenie do ${organisation}`,
      heading: 'Ktoś prosi o nowe zaproszenie',
      body: ({ organisation, invitee, roles }) =>
        `Zaproszenie do ${organisation} dla ${invitee} wygasło i potrzebne jest nowe. Rola: ${roles}. Możesz wysłać je ponownie.`,
      why: ({ organisation }) =>
        `Otrzymujesz tę wiadomość, ponieważ możesz ponownie wysyłać zaproszenia do ${organisation}.`,
    },
    device_enrolled: {
      subject: ({ organisation, device }) => `Urządzenie ${device} należy do ${organisation}`,
      heading: 'Urządzenie zostało dołączone',
      body: ({ organisation, device, roles }) =>
        `Urządzenie ${device} użyło swojego kodu i należy teraz do ${organisation}. Rola: ${roles}. Jeśli tak nie miało być, usuń je.`,
      why: ({ organisation }) =>
        `Otrzymujesz tę wiadomość, ponieważ to Ty utworzyłeś(-aś) kod dla ${organisation}.`,
    },
    access_review_started: {
      subject: ({ organisation, review }) =>
        `Prosimy o przegląd uprawnień w ${organisation}: ${review}`,
      heading: 'Rozpoczął się przegląd uprawnień',
      body: ({ organisation, review, actor, due_at }) =>
        `Przegląd „${review}” w ${organisation} został rozpoczęty (${actor}). Prosimy potwierdzić lub odebrać każde uprawnienie. Termin: ${due_at}.`,
      why: whyReviewer,
    },
    access_review_overdue: {
      subject: ({ organisation, review }) =>
        `Przegląd ${review} w ${organisation} jest po terminie`,
      heading: 'Przegląd uprawnień jest po terminie',
      body: ({ organisation, review, due_at }) =>
        `Przegląd „${review}” w ${organisation} miał się zakończyć w terminie: ${due_at}, a niektóre uprawnienia nadal czekają na odpowiedź.`,
      why: whyReviewer,
    },
    webhook_disabled: {
      subject: ({ webhook }) => `Webhook do ${webhook} został wyłączony`,
      heading: 'Webhook został wyłączony',
      body: ({ organisation, webhook }) =>
        `${webhook} nie dowiaduje się już, co dzieje się w ${organisation}: od wielu dni niczego nie przyjmował albo już nie istnieje. Możesz włączyć go ponownie.`,
      why: ({ organisation }) =>
        `Otrzymujesz tę wiadomość, ponieważ zarządzasz webhookami w ${organisation}.`,
    },
    invites_lost_right: {
      subject: ({ organisation }) => `Niektóre zaproszenia do ${organisation} straciły ważność`,
      heading: 'Zaproszenia straciły ważność',
      body: ({ organisation, person, count }) =>
        `Prawo do zapraszania do ${organisation} wygasło. Kogo dotyczy: ${person}. Liczba otwartych zaproszeń, które straciły ważność: ${count}. Możesz wysłać je od nowa we własnym imieniu.`,
      why: whyMayInvite,
    },
    credentials_lost_right: {
      subject: ({ credentials }) => `Ktoś musi odpowiadać za ${credentials}`,
      heading: 'Nikt już za to nie odpowiada',
      body: ({ organisation, person, credentials, endsAt }) =>
        `Prawo do odpowiadania za to w ${organisation} wygasło: ${credentials}. Kogo dotyczy: ${person}. Działa do ${endsAt} i będzie działać dalej, jeśli przejmie to ktoś inny.`,
      why: ({ organisation }) => `Otrzymujesz tę wiadomość, ponieważ zarządzasz ${organisation}.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `Twoje role w ${organisation} uległy zmianie`,
      heading: 'Twoje role uległy zmianie',
      body: ({ organisation, roles, actor }) =>
        `Zakres Twoich uprawnień w ${organisation} uległ zmianie. Kto: ${actor}. ${roles ? `Twoje role: ${roles}.` : 'Nie masz tam teraz żadnej roli.'}`,
      why: whyMember,
    },
    member_removed: {
      subject: ({ organisation }) => `Nie należysz już do ${organisation}`,
      heading: 'Twoje członkostwo dobiegło końca',
      body: ({ organisation, actor }) =>
        `Nie należysz już do ${organisation}. Decyzję podjął(-ęła): ${actor}.`,
      why: whyFormerMember,
    },
    member_banned: {
      subject: ({ organisation }) => `Masz zakaz wstępu do ${organisation}`,
      heading: 'Masz zakaz wstępu',
      body: ({ organisation, actor }) =>
        `Masz zakaz wstępu do ${organisation}. Decyzję podjął(-ęła): ${actor}. Nie można Cię tam zaprosić, dopóki zakaz obowiązuje.`,
      why: whyFormerMember,
    },
    access_ending: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Twoje członkostwo w ${organisation} wkrótce się kończy`
          : `Jedna z Twoich ról w ${organisation} wkrótce się kończy`,
      heading: 'Twój dostęp wkrótce się kończy',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Twoje członkostwo w ${organisation} kończy się: ${endsAt}. Jeśli potrzebujesz go dłużej, zwróć się do administratora.`
          : `W ${organisation} masz: ${roles}, do: ${endsAt}. Jeśli potrzebujesz tego dłużej, zwróć się do administratora.`,
      why: whyMember,
    },
    access_ended: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Twoje członkostwo w ${organisation} dobiegło końca`
          : `Jedna z Twoich ról w ${organisation} dobiegła końca`,
      heading: 'Twój dostęp dobiegł końca',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Twoje członkostwo w ${organisation} zakończyło się zgodnie z ustaleniami: ${endsAt}.`
          : `W ${organisation} nie masz już: ${roles}. Termin upłynął: ${endsAt}.`,
      why: (words) => (words.isMembership ? whyFormerMember(words) : whyMember(words)),
    },
    ownership_transferred: {
      subject: ({ organisation }) => `${organisation} ma nowego właściciela`,
      heading: 'Organizacja ma nowego właściciela',
      body: ({ organisation, owner, actor, roles }) =>
        `Nowym właścicielem ${organisation} jest ${owner}. Decyzję podjął(-ęła): ${actor}. Twoja rola to teraz: ${roles}.`,
      why: ({ organisation }) =>
        `Otrzymujesz tę wiadomość, ponieważ należała lub należy do Ciebie organizacja ${organisation}.`,
    },
    join_requested: {
      subject: ({ organisation, requester }) =>
        `${requester} prosi o dołączenie do ${organisation}`,
      heading: 'Ktoś prosi o dołączenie',
      body: ({ organisation, requester }) =>
        `${requester} ma potwierdzony adres w jednej z Waszych domen i prosi o dołączenie do ${organisation}. Decyzja należy do Ciebie.`,
      why: whyMayInvite,
    },
    join_approved: {
      subject: ({ organisation }) => `Należysz teraz do ${organisation}`,
      heading: 'Twoja prośba została przyjęta',
      body: ({ organisation, roles, actor }) =>
        `Należysz teraz do ${organisation}. Decyzję podjął(-ęła): ${actor}. Rola: ${roles}.`,
      why: whyAsked,
    },
    join_declined: {
      subject: ({ organisation }) => `Nie możesz dołączyć do ${organisation}`,
      heading: 'Twoja prośba została odrzucona',
      body: ({ organisation, actor }) =>
        `Twoja prośba o dołączenie do ${organisation} została odrzucona. Decyzję podjął(-ęła): ${actor}.`,
      why: whyAsked,
    },
  },
  auth: {
    code: 'Albo wpisz ten kod:',
    invited: ({ organisation, roles, expiresIn, expiresAt }) =>
      `Masz zaproszenie do ${organisation}. Rola: ${roles}. Zaproszenie wygasa ${expiresIn}: ${expiresAt}.`,
    whyAsked: ({ email, project }) =>
      `Otrzymujesz tę wiadomość, ponieważ ktoś podał adres ${email} w serwisie ${project}. Jeśli to nie Ty, zignoruj ją i nikomu nie podawaj kodu ani linku.`,
    whyTold: ({ project }) =>
      `Otrzymujesz tę wiadomość, ponieważ dotyczy bezpieczeństwa Twojego konta w serwisie ${project}.`,
    signup: {
      subject: 'Potwierdź swój adres',
      body: ({ email }) => `Potwierdź, że ${email} to Twój adres, a konto będzie gotowe.`,
      button: 'Potwierdź adres',
    },
    invite: {
      subject: 'Masz zaproszenie',
      body: ({ email }) => `Konto dla ${email} jest gotowe. Aktywuj je, aby się zalogować.`,
      button: 'Aktywuj konto',
    },
    magiclink: {
      subject: 'Twój link do logowania',
      body: ({ email }) => `Tym linkiem zalogujesz się jako ${email}. Działa raz.`,
      button: 'Zaloguj się',
    },
    recovery: {
      subject: 'Ustaw nowe hasło',
      body: ({ email }) =>
        `Ktoś chce ustawić nowe hasło dla ${email}. Jeśli to Ty, kontynuuj tutaj.`,
      button: 'Ustaw nowe hasło',
    },
    email_change: {
      subject: 'Potwierdź zmianę adresu',
      body: ({ email }) => `Potwierdź, że Twoje konto ma odtąd używać adresu ${email}.`,
      button: 'Potwierdź zmianę',
    },
    reauthentication: {
      subject: 'Twój kod',
      body: () => 'Wpisz ten kod, aby pokazać, że to Ty.',
      button: null,
    },
    password_changed_notification: {
      subject: 'Twoje hasło zostało zmienione',
      body: ({ email }) =>
        `Hasło dla ${email} zostało zmienione. Jeśli to nie Ty, natychmiast ustaw nowe.`,
      button: 'Ustaw nowe hasło',
    },
    email_changed_notification: {
      subject: 'Twój adres został zmieniony',
      body: ({ email, project }) =>
        `Twoje konto używa teraz adresu ${email}. Jeśli to nie Ty, natychmiast skontaktuj się z serwisem ${project}.`,
      button: null,
    },
    phone_changed_notification: {
      subject: 'Twój numer telefonu został zmieniony',
      body: ({ email, project }) =>
        `Numer telefonu dla ${email} został zmieniony. Jeśli to nie Ty, natychmiast skontaktuj się z serwisem ${project}.`,
      button: null,
    },
    identity_linked_notification: {
      subject: 'Dodano nowy sposób logowania',
      body: ({ email }) =>
        `Jako ${email} można się teraz zalogować także innym kontem. Jeśli to nie Ty, natychmiast je usuń.`,
      button: null,
    },
    identity_unlinked_notification: {
      subject: 'Usunięto sposób logowania',
      body: ({ email, project }) =>
        `Usunięto jeden ze sposobów logowania jako ${email}. Jeśli to nie Ty, natychmiast skontaktuj się z serwisem ${project}.`,
      button: null,
    },
    mfa_factor_enrolled_notification: {
      subject: 'Dodano drugi składnik logowania',
      body: ({ email }) =>
        `Logowanie jako ${email} wymaga teraz jeszcze jednego składnika. Jeśli to nie Ty, natychmiast go usuń.`,
      button: null,
    },
    mfa_factor_unenrolled_notification: {
      subject: 'Usunięto drugi składnik logowania',
      body: ({ email }) =>
        `Logowanie jako ${email} nie wymaga już jednego ze składników. Jeśli to nie Ty, natychmiast go przywróć.`,
      button: null,
    },
  },
}
