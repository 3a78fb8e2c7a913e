/**
 * Reads a report of a mail server that a mail came back, or is late, or has arrived: a delivery status notification.
 * Only the part for machines is read; what is written for people is in any language, and forged more easily.
 *
 * Sources: RFC 3464, RFC 6522 (multipart/report), RFC 6533 (addresses that are not ASCII).
 *
 * @module
 */
import PostalMime, { type Email } from 'postal-mime'
import { asciiAddress } from '../../client/address.ts'
import type { About } from './database.ts'
import { judge } from './transports/answers.ts'

/** What it says of one recipient, as `usher.record_mail_report` takes it. */
export interface MailReport {
  /** Of the address that it came to: says which mail it was. */
  tag: string
  /** The same whenever the same report is read. */
  eventId: string
  /** Original and final; either may be whom the mail was to. */
  recipients: string[]
  /** failed, delayed, delivered, relayed or expanded. */
  action: string
  about: About | null
  response: string
  statusCode: string | null
}

/** More than any server returns of a mail of ours; the report comes before what is returned. */
export const MAX_REPORT_BYTES = 262_144

/** More recipients than one mail of ours has, and more than is said of them. */
const MAX_RECIPIENTS = 20
const MAX_STATUS_LENGTH = 65_536

/**
 * @param message - the whole mail, as it was received
 * @param sentTo - to which address, where that is known beside the mail itself
 * @returns empty for a mail that is no report, such as an answer of somebody who is on holiday, or is of no mail of ours
 */
export async function readMailReport(
  message: Uint8Array | string,
  sentTo: string | null = null,
): Promise<MailReport[]> {
  let email: Email
  try {
    email = await PostalMime.parse(message.slice(0, MAX_REPORT_BYTES) as Uint8Array<ArrayBuffer>, {
      rfc822Attachments: true,
      maxNestingDepth: 20,
    })
  } catch {
    // No mail at all.
    return []
  }
  const tag = tagOf(sentTo, email)
  const status = email.attachments.find(({ mimeType }) =>
    /^message\/(global-)?delivery-status$/.test(mimeType.toLowerCase()),
  )
  if (!tag || !status) return []

  const groups = toGroups(textOf(status.content).slice(0, MAX_STATUS_LENGTH))
  const eventId = await hash(`${tag} ${JSON.stringify(groups.map((fields) => [...fields]))}`)
  return groups
    .filter((fields) => fields.has('action'))
    .slice(0, MAX_RECIPIENTS)
    .map((fields, i) => toReport(fields, tag, `${eventId} ${i}`))
}

/** Anywhere in the address, whatever stands around it. */
const TAG = /(?<![0-9a-f])[0-9a-f]{52}(?![0-9a-f])/i

/** Where mail servers write to whom a mail came; `To` of a report is whom the mail came from. */
const RECEIVED_FOR = ['x-original-to', 'delivered-to', 'envelope-to', 'x-envelope-to', 'to']

function tagOf(sentTo: string | null, { headers }: Email): string | null {
  const found = [
    sentTo ?? '',
    ...RECEIVED_FOR.flatMap((name) =>
      headers.filter(({ key }) => key === name).map(({ value }) => value.slice(0, 1_000)),
    ),
  ].flatMap((address) => address.match(TAG)?.[0] ?? [])
  return found[0]?.toLowerCase() ?? null
}

type Fields = Map<string, string>

/** Groups of fields with an empty line between them: one of the mail, then one of each recipient. */
function toGroups(text: string): Fields[] {
  return text
    .replace(/\r\n?/g, '\n')
    .split(/\n[ \t]*(?=\n)/)
    .map((group) => {
      const fields: Fields = new Map()
      for (const line of group.replace(/\n[ \t]+/g, ' ').split('\n')) {
        const at = line.indexOf(':')
        const name = line.slice(0, Math.max(at, 0)).trim().toLowerCase()
        if (name && !fields.has(name)) fields.set(name, line.slice(at + 1).trim())
      }
      return fields
    })
}

function toReport(fields: Fields, tag: string, eventId: string): MailReport {
  const recipients = ['original-recipient', 'final-recipient'].flatMap((name) =>
    toAddresses(fields.get(name) ?? ''),
  )
  const status = fields.get('status')?.match(/[245]\.\d{1,3}\.\d{1,3}/)?.[0] ?? null
  // What the server said that did not take it; other kinds, such as x-unix, are words as well.
  const response = withoutType(fields.get('diagnostic-code') ?? '') || (status ?? '')
  const verdict = judge({
    step: 'report',
    text: response,
    recipient: recipients.at(-1) ?? '',
    status,
  })
  const { statusCode } = verdict
  // What was only so at that moment, such as a DNS that is away, keeps nobody from mail. Nor does one of those whom an
  // alias leads to, who has another address: the others still read it.
  const isOfAnAlias =
    fields.has('original-recipient') &&
    !sameAddress(fields.get('original-recipient') ?? '', fields.get('final-recipient') ?? '')
  const isDoubtful = verdict.failure === 'temporary' || isOfAnAlias
  const about = verdict.about === 'address' && isDoubtful ? 'recipient' : verdict.about
  return {
    tag,
    eventId,
    recipients,
    // Comments may stand behind it: `failed (bad address)`.
    action:
      fields
        .get('action')
        ?.match(/^[a-z]+/i)?.[0]
        .toLowerCase() ?? '',
    about,
    response,
    statusCode,
  }
}

/** Whether two fields name one address, however it is written. */
function sameAddress(one: string, other: string): boolean {
  const forms = (value: string) =>
    toAddresses(value).map((address) => asciiAddress(address).toLowerCase())
  const others = forms(other)
  return others.length === 0 || forms(one).some((form) => others.includes(form))
}

const withoutType = (value: string) => value.replace(/^[\w-]+\s*;\s*/, '')

/** `rfc822; name@example.com`, with < and > or without; as it stands, and without what xtext and utf-8 escape. */
function toAddresses(value: string): string[] {
  const address = withoutType(value)
    .replace(/\(.{0,200}\)$/, '')
    .replace(/[<>]/g, '')
    .trim()
  if (!address.includes('@')) return []
  const plain = address
    .replace(/\\x\{([0-9a-f]{1,6})\}/gi, (_, hex) => character(Number.parseInt(hex, 16)))
    .replace(/\+([0-9A-F]{2})/g, (_, hex) => character(Number.parseInt(hex, 16)))
  return plain === address ? [address] : [address, plain]
}

const character = (code: number) =>
  code > 0x1f && code <= 0x10ffff ? String.fromCodePoint(code) : ''

const textOf = (content: ArrayBuffer | Uint8Array | string) =>
  typeof content === 'string' ? content : new TextDecoder().decode(content)

async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
