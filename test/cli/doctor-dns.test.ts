/**
 * What `usher doctor` says of a mail domain, asked of a real DNS server.
 *
 * @module-tag long
 */
import { Resolver } from 'node:dns/promises'
import { describe, expect, test } from 'vitest'
import { checkMailDomain, type MailSignature } from '../../client/cli/doctor/check-mail-domain.ts'
import { startDns } from '../support/dns.ts'

const SPF = 'v=spf1 include:spf.example.net -all'
const KEY = 'A'.repeat(380)
const DKIM = `v=DKIM1; k=rsa; p=${KEY}`
const DMARC = 'v=DMARC1; p=reject; rua=mailto:dmarc@example.com'
const HEALTHY = {
  'mail.example.com': ['some-verification=1', SPF],
  'resend._domainkey.mail.example.com': [DKIM],
  '_dmarc.example.com': [DMARC],
}

async function examine(
  records: Record<string, string[] | null>,
  selector: string | null = 'resend',
  signature: MailSignature | null = null,
): Promise<Record<string, string>> {
  const resolver = new Resolver({ timeout: 2_000, tries: 1 })
  resolver.setServers([await startDns({ ...HEALTHY, ...records })])
  const findings = await checkMailDomain({
    domain: 'mail.example.com',
    selector,
    signature,
    resolveTxt: (name) => resolver.resolveTxt(name),
  })
  for (const { level, repair } of findings) {
    if (level === 'error' || level === 'warning') expect(repair).toBeTruthy()
  }
  return Object.fromEntries(findings.map(({ check, level }) => [check, level]))
}

describe('the DNS of a mail domain', () => {
  test('is well with SPF and DKIM of its own, and the DMARC policy of the domain above', async () => {
    expect(await examine({})).toEqual({ SPF: 'well', DKIM: 'well', DMARC: 'well' })
  })

  test('a key at a common name is found without being told', async () => {
    expect(await examine({}, null)).toMatchObject({ DKIM: 'well' })
  })

  const SPF_AT = 'mail.example.com'
  const DKIM_AT = 'resend._domainkey.mail.example.com'
  const DMARC_AT = '_dmarc.mail.example.com'
  test.for<[string, Record<string, string[] | null>, Record<string, string>]>([
    ['no SPF record', { [SPF_AT]: ['hello'] }, { SPF: 'error' }],
    ['two SPF records', { [SPF_AT]: [SPF, SPF] }, { SPF: 'error' }],
    ['SPF that lets everybody send', { [SPF_AT]: ['v=spf1 +all'] }, { SPF: 'error' }],
    ['the same, without the plus', { [SPF_AT]: ['v=spf1 mx all'] }, { SPF: 'error' }],
    ['SPF without an end', { [SPF_AT]: ['v=spf1 mx ?all'] }, { SPF: 'warning' }],
    ['SPF that leads elsewhere', { [SPF_AT]: ['v=spf1 redirect=example.net'] }, { SPF: 'well' }],
    ['no key', { [DKIM_AT]: [] }, { DKIM: 'error' }],
    ['a revoked key', { [DKIM_AT]: ['v=DKIM1; p='] }, { DKIM: 'error' }],
    ['no DMARC', { '_dmarc.example.com': [] }, { DMARC: 'error' }],
    ['two DMARC records', { [DMARC_AT]: [DMARC, DMARC] }, { DMARC: 'error' }],
    ['DMARC that only watches', { [DMARC_AT]: ['v=DMARC1; p=none'] }, { DMARC: 'warning' }],
    ['DMARC without a policy', { [DMARC_AT]: ['v=DMARC1; rua=x'] }, { DMARC: 'error' }],
    [
      'a server that does not answer',
      { [SPF_AT]: null, [DKIM_AT]: null, [DMARC_AT]: null },
      { SPF: 'unseen', DKIM: 'unseen', DMARC: 'unseen' },
    ],
  ])('%s', async ([, records, expected]) => {
    expect(await examine(records)).toEqual({
      SPF: 'well',
      DKIM: 'well',
      DMARC: 'well',
      ...expected,
    })
  })

  test.for([
    ['as DNS has it', DKIM_AT, KEY, {}, 'well'],
    [
      'in several pieces, with blanks',
      DKIM_AT,
      KEY,
      { [DKIM_AT]: [`v=DKIM1; p=${KEY.slice(0, 9)} ${KEY.slice(9)}`] },
      'well',
    ],
    [
      'for the domain above',
      'mail._domainkey.example.com',
      KEY,
      { 'mail._domainkey.example.com': [DKIM] },
      'well',
    ],
    ['with another key', DKIM_AT, 'B'.repeat(380), {}, 'error'],
    ['with one that DNS does not have', 'gone._domainkey.mail.example.com', KEY, {}, 'error'],
    [
      'for another domain',
      'mail._domainkey.example.org',
      KEY,
      { 'mail._domainkey.example.org': [DKIM] },
      'error',
    ],
    ['by nobody, though DNS has a key', null, null, {}, 'warning'],
  ] as const)('of a mail that went out, signed %s', async ([, name, key, records, level]) => {
    expect(
      await examine(records as Record<string, string[]>, 'resend', { name, key }),
    ).toMatchObject({ DKIM: level })
  })

  test('no key at a common name is no fault: it may have another', async () => {
    expect(await examine({ [DKIM_AT]: [] }, null)).toMatchObject({ DKIM: 'unseen' })
  })
})
