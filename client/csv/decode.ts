/**
 * Which text bytes are. What a file is says more than what it is called: a byte order mark, UTF-16 by its zeros,
 * UTF-8 by its rules; what is left is of the time before Unicode, and `chardet` is asked.
 *
 * @module
 */

import { isLikelyText } from './likely-text.ts'
import { ListProblem } from './list-problem.ts'

/** @param name - an encoding as the web names it (https://encoding.spec.whatwg.org/#names-and-labels) */
export async function decode(bytes: Uint8Array<ArrayBuffer>, name?: string): Promise<string> {
  refuseWhatIsNoText(bytes)
  const marked = byteOrderMark(bytes)
  if (marked) return decodeAs(bytes, marked) ?? refuseAs(marked)
  if (name !== undefined) return decodeAs(bytes, knownEncoding(name)) ?? refuseAs(name)
  const unmarked = utf16ByZeros(bytes)
  if (unmarked) return decodeAs(bytes, unmarked) ?? refuseAs(unmarked)
  return decodeAs(bytes, 'utf-8') ?? (await decodeByGuess(bytes))
}

/** The name of an encoding that there is, as the web has it. */
function knownEncoding(name: string): string {
  try {
    return new TextDecoder(name.trim()).encoding
  } catch {
    throw new ListProblem(
      'encoding_unknown',
      `There is no encoding called ${name.slice(0, 40)}. Such are utf-8, utf-16le, windows-1252.`,
    )
  }
}

function decodeAs(bytes: Uint8Array<ArrayBuffer>, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function refuseAs(encoding: string): never {
  throw new ListProblem(
    'encoding_wrong',
    `The file is not ${encoding}. Say what it is, or save it as CSV UTF-8.`,
  )
}

const startsWith = (bytes: Uint8Array, ...start: number[]) =>
  start.every((byte, at) => bytes[at] === byte)

function byteOrderMark(bytes: Uint8Array): string | null {
  if (startsWith(bytes, 0xef, 0xbb, 0xbf)) return 'utf-8'
  if (startsWith(bytes, 0xff, 0xfe)) return 'utf-16le'
  if (startsWith(bytes, 0xfe, 0xff)) return 'utf-16be'
  return null
}

/** How much of a file is looked at to tell what it is. */
const SAMPLE = 4096

/** Tab, line ends, comma, semicolon, at: every list holds some, whatever its letters are. */
const SIGNS = [0x09, 0x0a, 0x0d, 0x2c, 0x3b, 0x40]

/** In UTF-16, what is ASCII stands beside a zero. Other letters do not, and may be most of a list. */
function utf16ByZeros(bytes: Uint8Array): string | null {
  const sample = bytes.subarray(0, SAMPLE)
  const [first, second, third, fourth] = zerosByPlace(bytes)
  const [even, odd] = [first + third, second + fourth]
  let signs = 0
  let little = 0
  let big = 0
  for (const [at, byte] of sample.entries()) {
    if (!SIGNS.includes(byte)) continue
    signs++
    if (at % 2 === 0 && sample[at + 1] === 0) little++
    if (at % 2 === 1 && sample[at - 1] === 0) big++
  }
  if (little > signs / 2 && odd > 4 * even) return 'utf-16le'
  return big > signs / 2 && even > 4 * odd ? 'utf-16be' : null
}

/** By their place in four bytes. */
function zerosByPlace(bytes: Uint8Array): [number, number, number, number] {
  const zeros: [number, number, number, number] = [0, 0, 0, 0]
  for (const [at, byte] of bytes.subarray(0, SAMPLE).entries()) {
    if (byte === 0) zeros[(at % 4) as 0 | 1 | 2 | 3]++
  }
  return zeros
}

const SAVE_AS = 'Open it, and save it as an Excel workbook (.xlsx) or as CSV UTF-8.'

/** How PDF, RTF, gzip, PNG, JPEG, RAR and 7z start. */
const OTHERS = [
  [0x25, 0x50, 0x44, 0x46],
  [0x7b, 0x5c, 0x72, 0x74, 0x66],
  [0x1f, 0x8b],
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
  [0x52, 0x61, 0x72, 0x21],
  [0x37, 0x7a, 0xbc, 0xaf],
]

function refuseWhatIsNoText(bytes: Uint8Array): void {
  // No character needs more than three of the four bytes, and hardly any that many.
  const [first, second, third, fourth] = zerosByPlace(bytes)
  const most = Math.floor(Math.min(bytes.length, SAMPLE) / 4) * 0.9
  const is32 = most >= 1 && Math.max(Math.min(first, second), Math.min(third, fourth)) >= most
  if (startsWith(bytes, 0xff, 0xfe, 0, 0) || startsWith(bytes, 0, 0, 0xfe, 0xff) || is32) {
    throw new ListProblem('utf_32', 'The file is UTF-32: save it as CSV UTF-8.')
  }
  // Compound files, which hold .xls as well as what is encrypted; and the stream of .xls by itself.
  const isStream = bytes[0] === 9 && [0, 2, 4, 8].includes(bytes[1] ?? -1) && bytes[3] === 0
  if (startsWith(bytes, 0xd0, 0xcf, 0x11, 0xe0) || isStream) {
    throw new ListProblem(
      'old_workbook',
      `The file is an old Excel workbook (.xls), or one behind a password. ${SAVE_AS}`,
    )
  }
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, SAMPLE))
  const isPage = /^\W{0,3}\s*<(!doctype|!--|\?xml|(html|head|meta|body|table|div|style)\b)/i.test(
    start,
  )
  if (OTHERS.some((other) => startsWith(bytes, ...other)) || isPage || isBinary(bytes)) {
    throw new ListProblem('not_text', `The file is not a list of text. ${SAVE_AS}`)
  }
}

/** Text has line ends and tabs, and next to nothing else below the blank; some programs fill up its end with NULs. */
function isBinary(bytes: Uint8Array): boolean {
  if (byteOrderMark(bytes) || utf16ByZeros(bytes)) return false
  let end = Math.min(bytes.length, SAMPLE)
  while (end > 0 && bytes[end - 1] === 0) end--
  const sample = bytes.subarray(0, end)
  const isControl = (byte: number) => byte < 0x20 && ![0x09, 0x0a, 0x0b, 0x0c, 0x0d].includes(byte)
  const controls = sample.filter(isControl).length
  return controls > 8 && controls > sample.length * 0.05
}

/** These share most letters: where `chardet` finds one, it may be the other. */
const FAMILIES = [
  ['iso-8859-1', 'windows-1252'],
  ['iso-8859-2', 'windows-1250'],
  ['iso-8859-7', 'windows-1253'],
  ['iso-8859-8', 'windows-1255'],
  ['iso-8859-9', 'windows-1254'],
  ['iso-8859-13', 'windows-1257'],
]
/** Of these, `chardet` is asked with whole lines, because some of their bytes are those of ASCII. */
const OF_SEVERAL_BYTES = /^(shift_jis|big5|euc-|gb18030|iso-2022)/
/**
 * Spreadsheets in Europe and America write these, databases the last, with a euro that Windows reads as another sign;
 * they are tried even where `chardet` does not name them.
 */
const ALWAYS = ['windows-1252', 'windows-1250', 'windows-1254', 'iso-8859-15']
/** Below, and beside a second of more than half of it, a guess is no finding. */
const SURE = 30
/** Names of columns, as far as they are ASCII, tell the language, and with it what its spreadsheets write. */
const BY_COLUMNS: [encoding: string, names: RegExp][] = [
  ['windows-1252', /\b(vorname|nachname|e-?mail-adresse|rolle|nachricht|sprache)\b/i],
  ['windows-1252', /\b(nom|courriel|adresse|langue|nombre|apellidos?|correo|mensaje|idioma)\b/i],
  ['windows-1250', /\b(nazwisko|imi|adres|rola|wiadomo|j.zyk)\b/i],
]
const AS_BY_COLUMNS = 100

async function decodeByGuess(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { analyse } = await import('chardet').catch(() => {
    throw new ListProblem(
      'reader_missing',
      'The file is not UTF-8. Say what it is, save it as CSV UTF-8, or install chardet.',
    )
  })
  const lines = partsBeyondAscii(bytes, isLineEnd)
  const words = partsBeyondAscii(lines, (byte) => byte < 0x80 && !isLetter(byte))
  const sureness = new Map<string, number>()
  const note = (found: { name: string; confidence: number }[], isOfSeveral: boolean) => {
    for (const { name, confidence } of found) {
      const encoding = name.toLowerCase()
      if (encoding === 'ascii' || OF_SEVERAL_BYTES.test(encoding) !== isOfSeveral) continue
      for (const each of FAMILIES.find((family) => family.includes(encoding)) ?? [encoding]) {
        sureness.set(each, Math.max(confidence, sureness.get(each) ?? 0))
      }
    }
  }
  note(analyse(words), false)
  note(analyse(lines), true)
  for (const each of ALWAYS) if (!sureness.has(each)) sureness.set(each, 0)
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, SAMPLE))
  const byColumns = BY_COLUMNS.find(([, names]) => names.test(start))?.[0]
  if (byColumns) sureness.set(byColumns, AS_BY_COLUMNS)

  const [first, second, ...others] = await textsOf(lines, sureness)
  const isSure = !second || (first && first.sure >= SURE && first.sure >= 2 * second.sure)
  if (first && isSure) return decodeAs(bytes, first.encoding) ?? refuseAs(first.encoding)
  if (first && second) {
    const fitting = [first, second, ...others].slice(0, 4)
    const names = fitting.map(({ encoding }) => encoding)
    throw new ListProblem(
      'encoding_unclear',
      `The file is not UTF-8, and may be ${names.join(' or ')}. Say which, or save it as CSV UTF-8.`,
      fitting.map(({ encoding, text }) => ({
        name: encoding,
        sample: differingLines(text, fitting),
      })),
    )
  }
  throw new ListProblem(
    'encoding_not_found',
    'The file is not UTF-8, and its encoding cannot be told. Say what it is, or save it as CSV UTF-8.',
  )
}

interface Reading {
  encoding: string
  text: string
  sure: number
}

/** Each text that a person may have written, under the name of the surest encoding that gives it, surest first. */
async function textsOf(
  sample: Uint8Array<ArrayBuffer>,
  sureness: Map<string, number>,
): Promise<Reading[]> {
  const read = (encoding: string): Reading[] => {
    let text: string | null = null
    try {
      text = decodeAs(sample, encoding)
    } catch {
      // chardet knows more encodings than the web.
    }
    return text !== null && isLikelyText(text)
      ? [{ encoding, text, sure: sureness.get(encoding) ?? 0 }]
      : []
  }
  const windowsFirst = (encoding: string) => (encoding.startsWith('iso') ? 1 : 0)
  const order = [...sureness].sort(
    ([a, sureA], [b, sureB]) => sureB - sureA || windowsFirst(a) - windowsFirst(b),
  )
  let readings = order.flatMap(([encoding]) => read(encoding))
  // Old Macs: hardly ever, and then nothing else fits as well.
  if (!readings.some(({ encoding }) => encoding === 'windows-1252')) {
    readings = [...readings, ...read('macintosh')]
  }
  return readings.filter(
    ({ text }, at) => readings.findIndex((other) => other.text === text) === at,
  )
}

function differingLines(text: string, readings: Reading[]): string[] {
  const all = readings.map((reading) => reading.text.split('\n'))
  return text
    .split('\n')
    .filter((line, at) => all.some((lines) => lines[at] !== line))
    .map((line) => line.slice(0, 120))
    .slice(0, 3)
}

const isLineEnd = (byte: number) => byte === 0x0a || byte === 0x0d
const isLetter = (byte: number) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a

/** The parts of a file, ended as said, that hold bytes beyond ASCII, each on a line. At most 64 kB. */
function partsBeyondAscii(
  bytes: Uint8Array,
  isEnd: (byte: number) => boolean,
): Uint8Array<ArrayBuffer> {
  const found: number[] = []
  let start = 0
  let isBeyond = false
  for (let at = 0; at <= bytes.length && found.length < 65_536; at++) {
    const byte = bytes[at]
    if (byte !== undefined && !isEnd(byte)) {
      isBeyond ||= byte >= 0x80
      continue
    }
    if (isBeyond) found.push(...bytes.subarray(start, Math.min(at, start + 8_192)), 0x0a)
    start = at + 1
    isBeyond = false
  }
  return new Uint8Array(found)
}
