/**
 * What columns are called: in the exports of Google Workspace and Contacts, Microsoft 365, Entra ID, Okta and Slack,
 * and in the languages of the console. Case, accents, hyphens, stars and brackets do not matter.
 *
 * @module
 */

/** What is read of a row; all else is left alone. */
export type Field =
  | 'email'
  | 'roles'
  | 'message'
  | 'locale'
  | 'expiresIn'
  | 'redirectTo'
  | 'metadata'
  | 'templateId'
  | 'membershipEndsAt'

/** Best first: where two of one file hold addresses, the one that stands here first is taken. */
const NAMES: Record<Field, string[]> = {
  email: [
    'email, e mail, email address, e mail address, invitee email, email address to invite, work email, work email address, business email, company email, office email, user email, member email, invitee, invitee address, recipient, recipients, subscriber email',
    'e mail adresse, email adresse, mail adresse, mailadresse, adresse e mail, adresse email, adresse mail, adresse electronique, adresse de courriel, adresse courriel, adresse de messagerie, adresse de messagerie electronique, adresse mel, courriel, courrier electronique, messagerie, mel',
    'correo, correo electronico, direccion de correo, direccion de correo electronico, direccion de email, direccion email, e mail de trabajo, correo de trabajo',
    'adres e mail, adres email, adres mail, adres poczty elektronicznej, poczta elektroniczna, adres poczty, poczta',
    'البريد, البريد الإلكتروني, بريد إلكتروني, عنوان البريد الإلكتروني, عنوان البريد, الإيميل, إيميل, ايميل, الايميل, البريد الالكتروني',
    'posta elettronica, indirizzo e mail, indirizzo email, e mailadres, e mail adres, e posta, e posta adresi, e post, почта, эл почта, электронная почта, メール, メールアドレス, 邮箱, 电子邮件, 电子邮箱, 電子郵件, 이메일',
    'primary email, primary email address, primary smtp address, primarysmtpaddress, smtp address, mail primary, mailprimaryaddress, rfc822mailbox, internet address, email primary, emails work value, email 1, e mail 1 value, e mail 1 address, email 1 value, e mail value, email value',
    'mail, mail address, e mails, emails, email addresses, contact email, contact e mail',
    'user principal name, userprincipalname, upn, benutzerprinzipalname, nom d utilisateur principal, nom principal de l utilisateur, nombre principal de usuario, nombre principal del usuario, glowna nazwa uzytkownika, nazwa glowna uzytkownika, اسم المستخدم الأساسي, login, user login, logon name, anmeldename, user name, username, user id, sign in name, benutzername, nom d utilisateur, identifiant, usuario, nombre de usuario, nazwa uzytkownika, اسم المستخدم',
    'address, adresse, adres, direccion, العنوان',
  ],
  roles: [
    'roles, role, role s, role name, user role, user roles, member role, member roles, membership role, organisation role, organization role, org role',
    'rolle, rollen, rolle n, benutzerrolle, benutzerrollen, funktion, role utilisateur, roles utilisateur, fonction, rol, rol de usuario, roles de usuario, funcion, rola, rola uzytkownika, role uzytkownika, funkcja, الدور, دور, الأدوار, أدوار, دور المستخدم',
  ],
  message: [
    'message, personal message, invitation message, custom message, invite message, customizedmessagebody',
    'nachricht, persoenliche nachricht, personliche nachricht, mitteilung, message personnel, mensaje, mensaje personal, wiadomosc, الرسالة, رسالة, رسالة شخصية',
  ],
  locale: [
    'locale, language, preferred language, preferredlanguage, lang, user locale, user preferred language',
    'sprache, bevorzugte sprache, langue, langue preferee, idioma, idioma preferido, lengua, jezyk, اللغة, لغة',
  ],
  expiresIn: [
    'expires in, valid for, gultig fur, lauft ab in, expire dans, valable, valable pendant, caduca en, valido por, wazne przez, wygasa za, ينتهي خلال, صالح لمدة',
  ],
  redirectTo: ['redirect to, redirect url'],
  metadata: ['metadata'],
  templateId: ['template id'],
  membershipEndsAt: [
    'membership ends at, membership ends, membership ends on, membership end, membership end date, access ends, access ends at, access ends on, access end date, ends at, ends on, end date',
    'mitgliedschaft endet, mitgliedschaft endet am, ende der mitgliedschaft, zugriff endet, zugriff endet am, zugang endet am, enddatum, fin de l adhesion, fin d acces, date de fin, fin de la pertenencia, fin del acceso, fecha de fin, fecha de finalizacion, koniec czlonkostwa, koniec dostepu, data zakonczenia, نهاية العضوية, نهاية الوصول, تاريخ الانتهاء',
  ],
}

/** They are addresses, and not the invitee's first one. */
const OTHER_ADDRESSES =
  /second|alternat|recovery|backup|personal|private|home|other|manager|supervis|superior|approver|sponsor|created by|added by|invited by|inviter|owner|assistant|billing|reply|e ?mail 2|e ?mail 3|messagerie 2|zweit|privat|alternativ|vorgesetzt|verantwort|leiter|eingeladen von|erstellt von|secours|recup|superieur|responsable|gestionnaire|invite par|cree par|secundari|recuperaci|jefe|encargad|invitado por|creado por|dodatkow|zapasow|przelozon|kierowni|zaproszon|ثانوي|بديل|احتياطي|المدير|المسؤول/
/** They say something of an address. */
const ABOUT_ADDRESSES =
  /type|label|status|verif|confirm|opt|subscri|sent|format|domain|signature|template|subject|date|count|notif|pass|prefer/
const SOUNDS_LIKE_ADDRESSES = /e ?mail|courriel|messagerie|correo|poczt|بريد|ايميل/

/** Words of other columns, by which a row of names is known where none is called as above. */
const OTHERS = new Set(
  [
    'name, first name, last name, given name, family name, middle name, full name, display name, firstname, lastname, fullname, displayname, surname, forename, nickname, title, job title, department, company, organisation, organization, team, teams, group, groups, phone, phone number, mobile, mobile phone, country, city, status, id, number, no, date, notes, comment, manager, location',
    'vorname, nachname, familienname, anzeigename, titel, abteilung, firma, telefon, nummer, datum, kommentar, land, ort, stadt',
    'nom, prenom, nom complet, nom de famille, service, societe, entreprise, telephone, poste, date, pays, ville',
    'nombre, apellido, apellidos, nombre completo, departamento, empresa, telefono, puesto, cargo, fecha, pais, ciudad',
    'imie, nazwisko, imie i nazwisko, dzial, firma, telefon, stanowisko, data, kraj, miasto',
    'الاسم, الاسم الأول, اسم العائلة, الاسم الكامل, القسم, الشركة, الهاتف, المسمى الوظيفي, الفريق',
  ].flatMap((line) => line.split(', ').map(normalise)),
)

const RANKS = new Map(
  Object.entries(NAMES).map(([field, lines]) => [
    field as Field,
    new Map(lines.flatMap((line, rank) => line.split(', ').map((name) => [normalise(name), rank]))),
  ]),
)
/** Behind all that are known by their name. */
export const BY_SOUND = 50

/** Lower case, without accents, signs and what nobody sees; words with one blank between them. */
export function normalise(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}\u0640]/gu, '')
    .replaceAll('ł', 'l')
    .replaceAll('Ł', 'l')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** No name is as long; what is, is not looked at more closely. */
const LONGEST = 100

/**
 * A name as it is, without what stands in brackets, what stands there, and without the word that it is required. What
 * holds an address, other than as an example in brackets, is no name, and has none.
 */
export function formsOf(name: string): string[] {
  if (name.length > LONGEST) return []
  const [, inside = ''] = name.match(/[[(]([^\])]*)[\])]/) ?? []
  const outside = name.replace(/[[(][^\])]*[\])]/g, ' ')
  if (outside.includes('@')) return []
  const forms = [name, outside, inside, name.replace(/([a-z])([A-Z])/g, '$1 $2')].map(normalise)
  const required =
    / (required|optional|mandatory|pflichtfeld|erforderlich|obligatoire|obligatorio|wymagane|مطلوب)$/
  return [...new Set(forms.flatMap((form) => [form, form.replace(required, '')]))].filter(Boolean)
}

/** How well a name fits a field: 0 is best; null where it does not. */
export function rankOf(name: string, field: Field): number | null {
  const forms = formsOf(name)
  const ranks = forms.flatMap((form) => RANKS.get(field)?.get(form) ?? [])
  if (ranks.length > 0) return Math.min(...ranks)
  if (field !== 'email') return null
  const isOne = forms.some(
    (form) => SOUNDS_LIKE_ADDRESSES.test(form) && !ABOUT_ADDRESSES.test(form),
  )
  return isOne && !isOtherAddress(name) ? BY_SOUND : null
}

/** Whether a column of this name holds addresses that nobody means to invite. */
export function isOtherAddress(name: string): boolean {
  return formsOf(name).some((form) => OTHER_ADDRESSES.test(form))
}

/** Whether it is the name of a column that other lists have. */
export function isOtherName(name: string): boolean {
  return formsOf(name).some((form) => OTHERS.has(form) || ABOUT_ADDRESSES.test(form))
}

export const FIELDS = Object.keys(NAMES) as Field[]
