/**
 * What DNS says of the domain that mails come from: SPF, DKIM and DMARC, without which large mailbox providers
 * put them aside.
 *
 * Sources: RFC 7208 (SPF), RFC 6376 (DKIM), RFC 7489 (DMARC).
 *
 * @module
 */
import { type Finding, findingsOf } from './finding.ts'

const spf = findingsOf('SPF')
const dkim = findingsOf('DKIM')
const dmarc = findingsOf('DMARC')

/** The TXT records of a name, each in its pieces, as `node:dns/promises` has it. */
export type ResolveTxt = (name: string) => Promise<string[][]>

/** Where common providers and mail servers keep their keys. */
const COMMON_SELECTORS = [
  'resend',
  'default',
  'mail',
  'dkim',
  'google',
  'selector1',
  's1',
  'k1',
  'pm',
]

/** How the worker signed the last mail that was taken; null for its parts where it does not sign. */
export interface MailSignature {
  /** Where DNS has the key. */
  name: string | null
  /** The public half of the key. */
  key: string | null
}

export interface MailDomainOptions {
  /** What follows the @ of MAIL_FROM. */
  domain: string
  /** Of the DKIM key, such as `resend`; null: common ones are tried. */
  selector: string | null
  /** Null: nobody has sent a mail yet, or a provider by HTTP did. */
  signature?: MailSignature | null
  resolveTxt: ResolveTxt
}

export async function checkMailDomain(options: MailDomainOptions): Promise<Finding[]> {
  return [await checkSpf(options), await checkDkim(options), await checkDmarc(options)]
}

async function checkSpf({ domain, resolveTxt }: MailDomainOptions): Promise<Finding> {
  const records = await read(resolveTxt, domain)
  if (records === 'unreachable') return unreachable(spf, domain)
  const found = records.filter((record) => /^v=spf1( |$)/i.test(record))
  const [record = ''] = found
  if (found.length === 0) {
    return spf.error(
      `${domain} has no SPF record: anybody may send as you, and mailbox providers trust nobody who does.`,
      `A TXT record at ${domain}: v=spf1 include:<your provider's> -all`,
    )
  }
  if (found.length > 1) {
    return spf.error(
      `${domain} has ${found.length} SPF records, and more than one counts as none.`,
      'Join them into one.',
    )
  }
  if (/(^| )\+?all( |$)/i.test(record)) {
    return spf.error(`It lets everybody send: ${record}`, 'End it with -all, or ~all.')
  }
  return /(^| )([-~]all|redirect=\S+)( |$)/i.test(record)
    ? spf.well(record)
    : spf.warning(`It does not say what of others: ${record}`, 'End it with -all, or ~all.')
}

async function checkDkim(options: MailDomainOptions): Promise<Finding> {
  const { domain, selector, signature, resolveTxt } = options
  if (signature?.name) return checkSignature(signature.name, options)
  const selectors = selector ? [selector] : COMMON_SELECTORS
  const answers = await Promise.all(
    selectors.map(async (each) => {
      const records = await read(resolveTxt, `${each}._domainkey.${domain}`)
      const keys =
        records === 'unreachable' ? records : records.filter((text) => /(^|;)\s*p=/.test(text))
      return { selector: each, keys }
    }),
  )
  if (answers.every(({ keys }) => keys === 'unreachable')) return unreachable(dkim, domain)
  const found = answers.find(({ keys }) => keys !== 'unreachable' && keys.length > 0)
  if (!found) {
    return selector
      ? dkim.error(
          `There is no key at ${selector}._domainkey.${domain}.`,
          'Add the record that your mail provider shows, or the public half of DKIM_PRIVATE_KEY.',
        )
      : dkim.unseen(
          `None of the common names below _domainkey.${domain} has a key.`,
          "Give --dkim-selector: it is in your provider's dashboard, or DKIM_SELECTOR.",
        )
  }
  const name = `${found.selector}._domainkey.${domain}`
  if (/(^|;)\s*p=\s*(;|$)/.test(String(found.keys))) {
    return dkim.error(`The key at ${name} is revoked (p= is empty).`, 'Add the key in use.')
  }
  return signature
    ? dkim.warning(
        `There is a key at ${name}, and the worker did not sign the last mail that went out.`,
        'See that the mail server signs; otherwise set DKIM_DOMAIN, DKIM_SELECTOR and DKIM_PRIVATE_KEY.',
      )
    : dkim.well(`There is a key at ${name}.`)
}

/** Whether whoever got the last mail could verify it. */
async function checkSignature(
  name: string,
  { domain, signature, resolveTxt }: MailDomainOptions,
): Promise<Finding> {
  const records = await read(resolveTxt, name)
  if (records === 'unreachable') return unreachable(dkim, name)
  const keys = records.flatMap((record) => record.match(/(?:^|;)\s*p=([^;]*)/)?.[1] ?? [])
  if (!keys.some((key) => key.replace(/\s/g, '') === signature?.key)) {
    return dkim.error(
      keys.length > 0
        ? `The last mail that went out was signed with another key than the one at ${name}.`
        : `The last mail that went out was signed, and there is no key at ${name}.`,
      `A TXT record at ${name}: v=DKIM1; k=rsa; p=${signature?.key}`,
    )
  }
  const signer = name.split('._domainkey.')[1] ?? ''
  const isAligned =
    domain === signer || domain.endsWith(`.${signer}`) || signer.endsWith(`.${domain}`)
  return isAligned
    ? dkim.well(`The last mail that went out was signed with the key at ${name}.`)
    : dkim.error(
        `Mails from ${domain} are signed for ${signer}, which counts as not signed.`,
        'DKIM_DOMAIN has to be the domain of MAIL_FROM, or one above it.',
      )
}

async function checkDmarc({ domain, resolveTxt }: MailDomainOptions): Promise<Finding> {
  // Of the domain itself, or of the nearest one above it that has a policy.
  const labels = domain.split('.')
  for (let i = 0; i < labels.length - 1; i++) {
    const name = `_dmarc.${labels.slice(i).join('.')}`
    const records = await read(resolveTxt, name)
    if (records === 'unreachable') return unreachable(dmarc, name)
    const found = records.filter((record) => /^v=DMARC1\s*(;|$)/.test(record))
    const [record = ''] = found
    if (found.length > 1) {
      return dmarc.error(`${name} has ${found.length} records, which counts as none.`, 'Keep one.')
    }
    if (found.length === 0) continue
    const policy = record.match(/;\s*p\s*=\s*(\w+)/)?.[1]?.toLowerCase()
    if (policy === 'quarantine' || policy === 'reject') return dmarc.well(`${name}: ${record}`)
    return policy === 'none'
      ? dmarc.warning(
          `${name} only watches (p=none).`,
          'Once the reports show no mail of yours failing: p=quarantine, then p=reject.',
        )
      : dmarc.error(`${name} has no policy that is known: ${record}`, 'v=DMARC1; p=quarantine')
  }
  return dmarc.error(
    `${domain} has no DMARC record: large mailbox providers refuse bulk mail without.`,
    `A TXT record at _dmarc.${domain}: v=DMARC1; p=none; rua=mailto:dmarc@${domain}`,
  )
}

/** The records of a name, none where there is no such name. */
async function read(resolveTxt: ResolveTxt, name: string): Promise<string[] | 'unreachable'> {
  try {
    return (await resolveTxt(name)).map((pieces) => pieces.join(''))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOTFOUND' || code === 'ENODATA' ? [] : 'unreachable'
  }
}

const unreachable = ({ unseen }: ReturnType<typeof findingsOf>, name: string) =>
  unseen(`DNS did not answer for ${name}.`, 'Try again, or give --dns-server.')
