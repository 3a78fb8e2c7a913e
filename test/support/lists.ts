/**
 * Lists that failed once, here or in another system: each kind with the report that it comes from. The client, the REST
 * door and the console read the same ones.
 *
 * @module
 */

/** What is to become of a row: its number and address, and its roles, or what is wrong with it. */
export type Expected = [number: number, email: string, rolesOrProblem: string]

export interface ListCase {
  title: string
  /** Where somebody met it. */
  source: string
  content: string | Uint8Array<ArrayBuffer>
  /** In order. Roles stand with spaces; a problem as the code of its outcome. */
  rows: Expected[]
  /** What the server finds wrong, by the number of the row. */
  refused?: Record<number, string>
  /** The messages, where it is about them. */
  messages?: (string | undefined)[]
}

const WINDOWS: Record<string, number> = { ö: 0xf6, ü: 0xfc, ß: 0xdf, é: 0xe9, ñ: 0xf1, ó: 0xf3 }
/** What PHP writes unless it is told not to: https://www.php.net/manual/en/function.fputcsv.php */
const BACKSLASHES = 'https://www.php.net/manual/en/function.fputcsv.php'
/** As spreadsheets on Windows wrote before Unicode. */
export const windows1252 = (text: string) =>
  Uint8Array.from(text, (sign) => WINDOWS[sign] ?? sign.charCodeAt(0))

export function utf16(text: string, isBigEndian = false): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 2)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), !isBigEndian)
  return bytes
}

const ann = (number: number, roles = ''): Expected => [number, 'ann@example.com', roles]
const bob = (number: number, roles = ''): Expected => [number, 'bob@example.com', roles]
const carl = (number: number, roles = ''): Expected => [number, 'carl@example.com', roles]

const MIXED_ENDS = 'https://github.com/AIObjectives/tttc-light-js/pull/567'
const DELIMITERS = 'https://github.com/TablePress/TablePress/issues/198'
const ONE_LINE = 'https://github.com/wekan/wekan/issues/2633'
const UNICODE_TEXT = 'https://github.com/pimcore/pimcore/pull/3921'
const WINDOWS_TEXT = 'https://github.com/mitodl/mitxpro/issues/965'
const NAMES = 'https://github.com/KAMRONBEK/talim-ai/issues/65'
const TWO_NAMES = 'https://github.com/RainLoop/rainloop-webmail/issues/960'
const EMPTY_ROWS = 'https://github.com/sul-dlss/argo/issues/4316'
const ROW_NUMBERS = 'https://github.com/alphagov/notifications-utils/pull/14'
const CLIPBOARD = 'https://github.com/zulip/zulip/issues/1419'

export const LISTS: ListCase[] = [
  {
    title: 'CR LF in the first line and LF in the others',
    source: MIXED_ENDS,
    content:
      'email,role\r\nann@example.com,member\nbob@example.com,member\ncarl@example.com,member\n',
    rows: [ann(2, 'member'), bob(3, 'member'), carl(4, 'member')],
  },
  {
    title: 'LF in the first line, CR and NEL in the others',
    source: 'https://github.com/mholt/PapaParse/pull/1123',
    content:
      'email,role\nann@example.com,member\rbob@example.com,member\u0085carl@example.com,member',
    rows: [ann(2, 'member'), bob(3, 'member'), carl(4, 'member')],
  },
  {
    title: 'CR alone, as old Macs end lines',
    source: MIXED_ENDS,
    content: '"Email","Role"\r"ann@example.com","member"\r',
    rows: [ann(2, 'member')],
  },
  {
    title: 'semicolons between cells, commas in a message',
    source: DELIMITERS,
    content: 'email;message\r\nann@example.com;Hello Ann, welcome to the team\r\n',
    rows: [ann(2)],
    messages: ['Hello Ann, welcome to the team'],
  },
  {
    title: 'commas between cells, a semicolon in a message',
    source: 'https://github.com/orbinson/aem-dictionary-translator/issues/118',
    content: 'email,message\nann@example.com,Hello; welcome\n',
    rows: [ann(2)],
    messages: ['Hello; welcome'],
  },
  {
    title: 'two roles in a cell',
    source: DELIMITERS,
    content: 'email,roles\nann@example.com,member;finance\n',
    rows: [ann(2, 'member finance')],
  },
  {
    title: 'a comma in a name, semicolons between cells',
    source: 'https://github.com/invoiceninja/invoiceninja/issues/9112',
    content: 'Name;E-Mail\r\nDoe, Ann;ann@example.com\r\nRoe, Bob;bob@example.com\r\n',
    rows: [ann(2), bob(3)],
  },
  {
    title: 'bars between cells',
    source: DELIMITERS,
    content: 'name|email|roles\nAnn|ann@example.com|member,finance\n',
    rows: [ann(2, 'member finance')],
  },
  {
    title: 'tabs between cells, without names',
    source: DELIMITERS,
    content: 'ann@example.com\tmember\nbob@example.com\tmember finance\n',
    rows: [ann(1, 'member'), bob(2, 'member finance')],
  },
  {
    title: 'the line sep=, which a spreadsheet does not show',
    source: DELIMITERS,
    content: 'sep=;\r\nemail;role\r\nann@example.com;member\r\n',
    rows: [ann(2, 'member')],
  },
  {
    title: 'a row with more cells than there are names',
    source: 'https://github.com/invoiceninja/invoiceninja/issues/9112',
    content: 'email,message\nann@example.com,Hello Ann, welcome\nbob@example.com,"Hello, Bob",,\n',
    rows: [ann(2, 'invalid_row'), bob(3)],
  },
  {
    title: 'three addresses on a line',
    source: ONE_LINE,
    content: 'ann@example.com; bob@example.com; carl@example.com',
    rows: [ann(1), bob(1), carl(1)],
  },
  {
    title: 'addresses with commas, semicolons and lines between them',
    source: 'https://github.com/ActiveState/cli/pull/2054',
    content: 'ann@example.com, bob@example.com;\ncarl@example.com\n',
    rows: [ann(1), bob(1), carl(2)],
  },
  {
    title: 'addresses on a line, and a word among them',
    source: ONE_LINE,
    content: 'ann@example.com, bobby, carl@example.com\n',
    rows: [ann(1), [1, 'bobby', 'invalid_email'], carl(1)],
  },
  {
    title: 'UTF-16 as Excel writes "Unicode Text"',
    source: UNICODE_TEXT,
    content: utf16('\uFEFFEmail\tRole\r\nann@example.com\tmember\r\n'),
    rows: [ann(2, 'member')],
  },
  {
    title: 'UTF-16 with the big end first',
    source: UNICODE_TEXT,
    content: utf16('\uFEFFEmail,Role\nann@example.com,member\n', true),
    rows: [ann(2, 'member')],
  },
  {
    title: 'UTF-16 without a mark',
    source: UNICODE_TEXT,
    content: utf16('Email;Role\r\nann@example.com;member\r\n'),
    rows: [ann(2, 'member')],
  },
  {
    title: "Windows-1252 as Excel's plain CSV is",
    source: WINDOWS_TEXT,
    content: windows1252('email,message\nann@example.com,Schöne Grüße\n'),
    rows: [ann(2)],
    messages: ['Schöne Grüße'],
  },
  {
    title: 'Windows-1252 whose columns say that it is Spanish',
    source: 'https://github.com/adaptlearning/adapt_framework/pull/1216',
    content: windows1252('Correo electrónico;Mensaje\nann@example.com;Hola, señor Peña\n'),
    rows: [ann(2)],
    messages: ['Hola, señor Peña'],
  },
  {
    title: 'what Google Workspace exports',
    source: NAMES,
    content:
      'First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Recovery Email\n' +
      'Ann,Example,ann@example.com,****,ann@home.example\n',
    rows: [ann(2)],
  },
  {
    title: 'what Google Contacts exports',
    source: NAMES,
    content:
      'Name,Given Name,E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Value\n' +
      'Ann Example,Ann,Work,ann@example.com,ann@home.example\n',
    rows: [ann(2)],
  },
  {
    title: 'the template of Microsoft 365',
    source: NAMES,
    content:
      'Username,First name,Last name,Display name,Job title,Alternate email address,Address\n' +
      'ann@example.com,Ann,Example,Ann Example,,ann@home.example,Street 5\n',
    rows: [ann(2)],
  },
  {
    title: 'the template of Entra ID, with its line above',
    source: NAMES,
    content:
      'version:v1.0\nEmail address to invite [inviteeEmail] Required,Redirection url [inviteRedirectURL] Required\n' +
      'ann@example.com,https://example.com\n',
    rows: [ann(3)],
  },
  {
    title: 'what Okta exports',
    source: NAMES,
    content:
      'login,firstName,lastName,email,secondEmail\nann,Ann,Example,ann@example.com,a@home.example\n',
    rows: [ann(2)],
  },
  {
    title: 'what Slack exports',
    source: NAMES,
    content:
      'username,email,status,billing-active,has-2fa,fullname\nann,ann@example.com,Member,1,0,Ann Example\n',
    rows: [ann(2)],
  },
  ...[
    'Vorname;Nachname;E-Mail-Adresse;Rolle',
    'Prénom;Nom;Adresse e-mail;Rôle',
    'Nombre;Apellidos;Correo electrónico;Función',
    'Imię;Nazwisko;Adres e-mail;Rola',
    'الاسم;اسم العائلة;البريد الإلكتروني;الدور',
    'Name;Company;Email *;Role(s)',
  ].map((names) => ({
    title: `columns called ${names}`,
    source: NAMES,
    content: `${names}\nAnn;Example;ann@example.com;member\n`,
    rows: [ann(2, 'member')],
  })),
  {
    title: 'two columns that may be the address, of which one holds rooms',
    source: TWO_NAMES,
    content: 'Email,Mail\nann@example.com,Room 5\nbob@example.com,Room 6\n',
    rows: [ann(2), bob(3)],
  },
  {
    title: 'a column called twice, once without anything in it',
    source: TWO_NAMES,
    content: 'email,role,email\n,member,ann@example.com\n',
    rows: [ann(2, 'member')],
  },
  {
    title: 'a first row that is neither names nor an address',
    source: NAMES,
    content: 'nobody,member\nann@example.com,member\n',
    rows: [[1, '', 'invalid_row'], ann(2, 'member')],
  },
  {
    title: 'titles above the names of the columns',
    source: ROW_NUMBERS,
    content:
      'Members of Acme\n\n"Exported, 2026-11-01"\nName,Email,Role\nAnn,ann@example.com,member\n',
    rows: [ann(5, 'member')],
  },
  {
    title: 'an address above the names of the columns',
    source: ROW_NUMBERS,
    content: 'carl@example.com,member\nEmail,Role\nann@example.com,member\n',
    rows: [carl(1, 'invalid_row'), ann(3, 'member')],
  },
  {
    title: 'rows of nothing but separators',
    source: EMPTY_ROWS,
    content:
      'email,role,message\nann@example.com,member,\n,,\n,,\n  ,,\n,,\nbob@example.com,member,\n\n',
    rows: [ann(2, 'member'), bob(7, 'member')],
  },
  {
    title: 'cells of several lines, and empty lines, between rows',
    source: ROW_NUMBERS,
    content: 'email,message\nann@example.com,"Hello\n\nAnn"\n\nbob@example.com,Hi\n',
    rows: [ann(2), bob(4)],
    messages: ['Hello\n\nAnn', 'Hi'],
  },
  {
    title: 'a quote that never closes',
    source: ROW_NUMBERS,
    content: 'email,message\nann@example.com,"Hello\nbob@example.com,Hi\ncarl@example.com,Hey\n',
    rows: [ann(2, 'invalid_row'), bob(3), carl(4)],
  },
  {
    title: 'a quote that only the next one closes',
    source: ROW_NUMBERS,
    content:
      'email,message\nann@example.com,"Hello\nbob@example.com,"Hi, Bob"\ncarl@example.com,Hey\n',
    rows: [ann(2, 'invalid_row'), bob(3), carl(4)],
    messages: [undefined, 'Hi, Bob', 'Hey'],
  },
  {
    title: 'quotes in the middle of a cell',
    source: ROW_NUMBERS,
    content: 'email,message\nann@example.com,Say "hi" to us\n',
    rows: [ann(2)],
    messages: ['Say "hi" to us'],
  },
  {
    title: 'addresses with Arabic and Chinese signs between them',
    source: CLIPBOARD,
    content: 'ann@example.com، bob@example.com；carl@example.com',
    rows: [ann(1), bob(1), carl(1)],
  },
  {
    title: 'what Slack copies, and a link of a spreadsheet',
    source: CLIPBOARD,
    content:
      'email\n<mailto:ann@example.com|ann@example.com>\n"=HYPERLINK(""mailto:bob@example.com"",""Bob"")"\n',
    rows: [ann(2), bob(3)],
  },
  {
    title: 'what Outlook and Gmail put on the clipboard',
    source: CLIPBOARD,
    content: 'Ann Example <ann@example.com>; "Doe, Bob" <bob@example.com>',
    rows: [ann(1), bob(1)],
  },
  {
    title: 'names with a comma before brackets, and commas between',
    source: 'https://github.com/nextcloud/mail/issues/6014',
    content: 'Example, Ann <ann@example.com>, Doe, Bob <bob@example.com>, carl@example.com',
    rows: [ann(1), bob(1), carl(1)],
  },
  {
    title: 'addresses as they are copied: brackets, mailto:, full stops, formulas',
    source: 'https://github.com/growthbook/growthbook/pull/6629',
    content:
      'email\nAnn <a@example.com>\n<b@example.com>\nmailto:c@example.com\nd@example.com;\ne@example.com.\n' +
      '"=""f@example.com"""\ng\uFF20example.com\n\u00A0h@example.com \n',
    rows: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(
      (name, at): Expected => [at + 2, `${name}@example.com`, ''],
    ),
  },
  {
    title: 'characters in an address that nobody sees',
    source: 'https://github.com/greenmail-mail-test/greenmail/pull/1010',
    content:
      'email\nann\u200B@example.com\nb\u202Eob@example.com\ncarl\u00A0x@example.com\nx@example.com\n',
    rows: [
      [2, 'ann\u200B@example.com', 'invalid_email'],
      [3, 'b\u202Eob@example.com', 'invalid_email'],
      [4, 'carl\u00A0x@example.com', 'invalid_email'],
      [5, 'x@example.com', ''],
    ],
  },
  {
    title: 'U+2028 at the end of each line, and nothing else',
    source: MIXED_ENDS,
    content: 'email,role\u2028ann@example.com,member\u2028bob@example.com,member',
    rows: [ann(2, 'member'), bob(3, 'member')],
  },
  {
    title: 'U+2028 in a message ends no line',
    source: MIXED_ENDS,
    content: 'email,message\nann@example.com,Hello\u2028Ann\nbob@example.com,Hi\n',
    rows: [ann(2), bob(3)],
    messages: ['Hello\u2028Ann', 'Hi'],
  },
  {
    title: 'line ends that are written out: one line, which is no row of names',
    source: MIXED_ENDS,
    content: 'email,role\\nann@example.com,member\\nbob@example.com,member',
    rows: [[1, '', 'invalid_row']],
  },
  {
    title: 'an example of an address in the name of its column',
    source: NAMES,
    content: 'Email (such as you@example.com),Role\nann@example.com,member\n',
    rows: [ann(2, 'member')],
  },
  {
    title: 'UTF-16 without a mark, in which most letters are Arabic',
    source: UNICODE_TEXT,
    content: utf16(
      'الاسم;البريد الإلكتروني;الرسالة\r\nأحمد;ann@example.com;مرحبا بك في الفريق\r\n',
    ),
    rows: [ann(2)],
    messages: ['مرحبا بك في الفريق'],
  },
  {
    title: 'NULs and a Ctrl-Z at the end, as old programs fill up files',
    source: UNICODE_TEXT,
    content: `email,role\nann@example.com,member\n\u001A${'\0'.repeat(20)}`,
    rows: [ann(2, 'member')],
  },
  {
    title: 'rows of what nobody sees',
    source: EMPTY_ROWS,
    content: 'email,role\nann@example.com,member\n\u200B,\n\u00A0,\uFEFF\nbob@example.com,member\n',
    rows: [ann(2, 'member'), bob(5, 'member')],
  },
  {
    title: 'a soft hyphen and a mark in names of columns',
    source: NAMES,
    content: '\u200Bemail,ro\u00ADle\nann@example.com,member\n',
    rows: [ann(2, 'member')],
  },
  {
    title: 'the line sep=, which the file was saved without heeding',
    source: DELIMITERS,
    content: 'sep=;\r\nemail,role\r\nann@example.com,member\r\n',
    rows: [ann(2, 'member')],
  },
  {
    title: 'the line sep=\\t, written out',
    source: DELIMITERS,
    content: 'sep=\\t\r\nemail\trole\r\nann@example.com\tmember\r\n',
    rows: [ann(2, 'member')],
  },
  ...[
    'email,role\nann@example.com;member\nbob@example.com;member\n',
    'Role\tEmail\nmember,ann@example.com\nmember,bob@example.com\n',
    '"email","role"\nann@example.com|member\nbob@example.com|member\n',
  ].map((content) => ({
    title: `another sign between names than between cells: ${content.slice(0, 14)}`,
    source: DELIMITERS,
    content,
    rows: [ann(2, 'member'), bob(3, 'member')],
  })),
  {
    title: 'roles as a program writes a list',
    source: DELIMITERS,
    content:
      'email;roles\nann@example.com;"[""member"", ""finance""]"\nbob@example.com;{member,finance}\ncarl@example.com;member & finance\n',
    rows: [ann(2, 'member finance'), bob(3, 'member finance'), carl(4, 'member finance')],
  },
  {
    title: 'each line quoted as a whole',
    source: DELIMITERS,
    content: '"email,role,""message"""\r\n"ann@example.com,member,""Hello, Ann"""\r\n',
    rows: [ann(2, 'member')],
    messages: ['Hello, Ann'],
  },
  {
    title: 'typographic quotes around cells',
    source: DELIMITERS,
    content: '“email”,“role”,“message”\n“ann@example.com”,“member”,“Hello, Ann”\n',
    rows: [ann(2, 'member')],
    messages: ['Hello, Ann'],
  },
  {
    title: 'single quotes around cells, and an apostrophe in one',
    source: DELIMITERS,
    content: "'email';'role';'message'\n'ann@example.com';'member';'It''s on; don’t wait'\n",
    rows: [ann(2, 'member')],
    messages: ["It''s on; don’t wait"],
  },
  {
    title: 'backslashes before quotes in a cell',
    source: BACKSLASHES,
    content:
      'email,message\nann@example.com,"She said \\"hello, Ann\\" to us"\nbob@example.com,"Hi, Bob"\n',
    rows: [ann(2), bob(3)],
    messages: ['She said "hello, Ann" to us', 'Hi, Bob'],
  },
  {
    title: 'backslashes before quotes in JSON, in a cell without quotes of its own',
    source: BACKSLASHES,
    content: 'email\tmetadata\nann@example.com\t{"said":"\\"hi\\" to us"}\n',
    rows: [ann(2)],
  },
  {
    title: 'tabs between cells, and a quote that never closes',
    source: ROW_NUMBERS,
    content: 'email\tmessage\nann@example.com\t"Hello\nbob@example.com\tHi\n',
    rows: [ann(2, 'invalid_row'), bob(3)],
  },
  ...[
    'Prénom;Responsable;Adresse de messagerie',
    'Vorname;Verantwortlich;Benutzerprinzipalname',
    'Imię;Kierownik;Główna nazwa użytkownika',
    'Nombre;Encargado;Nombre principal de usuario',
    'Name;Approver;PrimarySmtpAddress',
    'الاسم;المدير;اسم المستخدم الأساسي',
  ].map((names) => ({
    title: `not whoever is responsible, in columns called ${names}`,
    source: TWO_NAMES,
    content: `${names}\nAnn;boss@example.com;ann@example.com\nBob;boss@example.com;bob@example.com\n`,
    rows: [ann(2), bob(3)],
  })),
  {
    title: 'an end of membership that is none',
    source: NAMES,
    content:
      'email;role;Fin d’accès;Langue\nann@example.com;member;bientôt;fr\nbob@example.com;member;;\n',
    rows: [ann(2, 'member'), bob(3, 'member')],
    refused: { 2: 'invalid_expiry' },
  },
  {
    title: 'addresses as they are copied: comments, links of Markdown, labels, bullets',
    source: CLIPBOARD,
    content:
      'email\na@example.com (Ann)\nBob (b@example.com)\n[Carl](mailto:c@example.com)\nEmail: d@example.com\n• e@example.com\n' +
      'smtp:f@example.com\n**g@example.com**\n"h@example.com [mailto:h@example.com]"\n',
    rows: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(
      (name, at): Expected => [at + 2, `${name}@example.com`, ''],
    ),
  },
  ...[' / ', ' & ', ' and ', ' und ', ' و ', '  '].map((between) => ({
    title: `addresses in a cell, with "${between}" between them`,
    source: CLIPBOARD,
    content: `email;role\nann@example.com${between}bob@example.com;member\n`,
    rows: [ann(2, 'member'), bob(2, 'member')],
  })),
  {
    title: 'a message that another program has saved in the wrong encoding',
    source: WINDOWS_TEXT,
    content: 'email,message\nann@example.com,Gr\uFFFD\uFFFDe\nbob@example.com,Grüße\n',
    rows: [ann(2, 'invalid_row'), bob(3)],
    messages: [undefined, 'Grüße'],
  },
]
