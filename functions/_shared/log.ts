/**
 * One line of JSON for each thing that happens, with no token and no full address in it.
 *
 * @module
 */

/**
 * @param event - thing.happened, such as mail.sent
 * @param fields - texts are made safe here; ids, numbers and words of our own pass as they are
 */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  write(console.log, toLogLine('info', event, fields))
}

/** The same for what somebody should look at. */
export function logTrouble(event: string, fields: Record<string, unknown> = {}): void {
  write(console.error, toLogLine('error', event, fields))
}

function write(print: (line: string) => void, line: string): void {
  try {
    print(line)
  } catch {
    // A full disk under the log: no mail waits for that, and the rows of the deliveries tell the same.
  }
}

function toLogLine(level: string, event: string, fields: Record<string, unknown>): string {
  const safe = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string'
      ? redact(value)
      : value instanceof Error
        ? redact(value.message)
        : value,
  ])
  return JSON.stringify({
    time: new Date().toISOString(),
    level,
    event,
    ...Object.fromEntries(safe),
  })
}

/** An error may repeat what somebody sent, and these patterns take the square of its length. */
const MAX_LENGTH = 4_000

/**
 * Takes out what opens something, and who somebody is: of an address the domain stays, for finding faults. What is too
 * long is cut.
 */
export function redact(text: string): string {
  const measured = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return (
    measured
      // Our own tokens, those of Supabase Auth in its links, keys of its API, and signed ones of any kind.
      .replace(/\b(inv_|stp_|scim_|whsec_|re_|sb_secret_)[\w+/=-]{8,}/g, '$1…')
      .replace(/\b(token|token_hash|apikey|secret|password|device_code)=[^\s&"']+/gi, '$1=…')
      .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '…')
      .replace(/\b(Bearer\s)\s{0,8}[\w.~+/=-]{8,}…?/gi, '$1…')
      // The code of a device, where it says that it is one: it looks like any other word with a hyphen.
      .replace(
        /(code["'\\]{0,4}\s{0,4}[=:]?\s{0,4}["'\\]{0,4})[\da-z]{5}-[\da-z]{5}(?![\da-z])/gi,
        '$1…',
      )
      .replace(/:\/\/[^\s/@]+@/g, '://…@')
      // From the beginning of a word only: or a long one is gone through once for each of its letters.
      .replace(
        /(?<![\p{L}\p{N}_.!#$%&'*+/=?^`{|}~-])[\p{L}\p{N}_.!#$%&'*+/=?^`{|}~-]+(?:@|%(?:25)*40)([\p{L}\p{N}.%-]+)/gu,
        '…@$1',
      )
  )
}
