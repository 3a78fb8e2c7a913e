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
      // Our own tokens, those of Supabase Auth in its links, and signed ones of any kind.
      .replace(/\b(inv_|stp_|scim_|whsec_|re_)[\w+/=-]{8,}/g, '$1…')
      .replace(/\b(token|token_hash|apikey|secret|password)=[^\s&"']+/gi, '$1=…')
      .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '…')
      .replace(/:\/\/[^\s/@]+@/g, '://…@')
      .replace(/[\w.!#$%&'*+/=?^`{|}~-]+@([\p{L}\p{N}.-]+)/gu, '…@$1')
  )
}
