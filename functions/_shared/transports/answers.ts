/**
 * What a mail server's no means: whether it is for good, and of whom it speaks. For what is said while a mail is handed
 * over, and for reports that come later (RFC 3464).
 *
 * Codes count where they say it, and words where codes are known to be put wrong: servers in use say 5.7.1 of nearly
 * everything, 5.2.0 of a sender and 5.4.1 of an address that does not exist. What nothing is known of is for now.
 *
 * Sources: RFC 5321 section 4.2; RFC 3463 and its registry, iana.org/assignments/smtp-enhanced-status-codes; RFC 7504;
 * learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online;
 * support.google.com/a/answer/3726730; docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html;
 * postfix.org/postconf.5.html, the …_reject_code and …_restrictions.
 *
 * @module
 */
import type { About, Failure } from '../database.ts'

/** When it was said: before a mail was named, of MAIL FROM, RCPT TO or DATA and what follows, or in a report. */
export type Step = 'session' | 'sender' | 'recipient' | 'data' | 'report'

export interface Answer {
  step: Step
  /** All lines of it, as the server sent them. */
  text: string
  /** Whom the mail is to. */
  recipient: string
  /** Of a report: its Status, for where the answer itself has none. */
  status?: string | null
}

export interface Verdict {
  failure: Failure
  /** Null: of nothing in particular, such as a server that is busy. */
  about: About | null
  /** The enhanced status code (RFC 3463). */
  statusCode: string | null
}

interface Facts {
  step: Step
  /** Whether it has the recipient's address in it. */
  isNamed: boolean
  /** Three digits; null in a report that has none. */
  code: number | null
  status: string | null
  /** The enhanced status code without its class, such as 1.1; empty for none. */
  detail: string
  /** In lower case and on one line, without addresses and links: they are called what they like. */
  words: string
  isForGood: boolean
}

export function judge(answer: Answer): Verdict {
  const facts = read(answer)
  const about = aboutWhom(facts)
  const isFinal =
    about === 'address' ||
    about === 'recipient' ||
    // What is too long or no text to this server stays so; what a filter thinks of it is often of today.
    (about === 'message' && (isTooLong(facts) || facts.detail.startsWith('6.')))
  return {
    failure: facts.isForGood && isFinal ? 'permanent' : 'temporary',
    about,
    statusCode: facts.status,
  }
}

/** A server's words may be as long as it likes; what they are about stands at their beginning. */
const MAX_LENGTH = 2_000

function read({ step, text, recipient, status: reported = null }: Answer): Facts {
  const lines = text.slice(0, MAX_LENGTH).split(/\r?\n/)
  const first = lines[0]?.match(/^\s*(\d{3})(?:[ -]|$)/)?.[1]
  const said = lines.map(
    (line) =>
      line.match(/^\s*\d{3}[ -]\s*#?([245]\.\d{1,3}\.\d{1,3})(?![\d.])/)?.[1] ??
      // As qmail has it, behind the words.
      line.match(/\(#([245]\.\d{1,3}\.\d{1,3})\)\s*$/)?.[1],
  )
  const own = said.find((code) => code !== undefined) ?? null
  // 5.0.0 says no more than that it is for good.
  const status = own && (!reported || !/^\d\.0\.0$/.test(own)) ? own : (reported ?? own)
  const code = first === undefined ? null : Number(first)
  const words = lines
    .map((line) => line.replace(/^\s*\d{3}[ -]\s*(#?[245](\.\d{1,3}){2}(?![\d.]))?/, '').trim())
    .join(' ')
    .toLowerCase()
  return {
    step,
    isNamed: recipient !== '' && words.includes(recipient.toLowerCase()),
    code,
    status,
    detail: status?.slice(2) ?? '',
    words: words.replace(/https?:\/\/\S+|[^\s<>,;:"'()]+@[^\s<>,;:"'()]+/g, ''),
    // Of a code for good and another for now, now counts: nothing is lost by asking again.
    isForGood:
      code === null ? (status ?? '').startsWith('5') : code >= 500 && !status?.startsWith('4'),
  }
}

function aboutWhom(facts: Facts): About | null {
  const { step, code, detail, words, isForGood } = facts
  if (step === 'session') return isForGood || isOfQuota(facts) ? 'sender' : null
  if (code !== null && OF_CREDENTIALS.includes(code)) return 'sender'
  if (isTooLong(facts)) return 'message'
  if (OF_RESTRICTIONS.test(`${detail} ${words}`)) return 'recipient'
  // That the recipient's server was away, or on the way to it, says nothing of us.
  if (step === 'report' && /^4\.(?!5$|310$)/.test(detail) && !ADDRESS_WORDS.test(words)) {
    return isOfQuota(facts) ? 'sender' : 'recipient'
  }
  if (SENDER_DETAILS.includes(detail) || SENDER_WORDS.test(words) || isOfQuota(facts))
    return 'sender'
  // Nobody has been named yet, whatever is said.
  if (step === 'sender') return isForGood ? 'sender' : null

  if (isFull(facts)) return 'recipient'
  if (ADDRESS_WORDS.test(words) || ADDRESS_DETAILS.includes(detail)) return 'address'
  if (code === 556) return 'address'
  const isOpinion = OPINION_WORDS.test(words)
  if (RECIPIENT_DETAILS.test(detail) && !(isOpinion && detail.endsWith('.0'))) return 'recipient'
  if (!isForGood) return null

  if (isOpinion || detail.startsWith('6.')) return 'message'
  const isNamed = facts.isNamed || RECIPIENT_WORDS.test(words)
  if (isNamed && !detail.startsWith('3.')) return 'recipient'
  if (/^[37]\./.test(detail)) return 'sender'
  if (step === 'recipient') return OF_MAILBOXES.includes(code ?? 0) ? 'recipient' : 'sender'
  // Nothing is tried again after a report: unless it says otherwise, it is of the one who did not take it.
  if (step === 'report') return code === 554 ? 'message' : 'recipient'
  return detail.startsWith('5.') || OF_COMMANDS.includes(code ?? 0) ? 'sender' : 'message'
}

/** Whoever asks for a password does not know us: nothing is said of the mail. Source: RFC 4954 section 6 */
const OF_CREDENTIALS = [530, 534, 535, 538]

/** What a server says to RCPT TO of the mailbox or its spelling, if it says no more. Source: RFC 5321 section 4.2.3 */
const OF_MAILBOXES = [501, 550, 551, 552, 553, 555]

const OF_COMMANDS = [500, 501, 502, 503, 504]

/** Its address, where it comes from, and what it may send. */
const SENDER_DETAILS = ['1.7', '1.8', '1.90', '4.5']

/** No such mailbox, no such domain, no address at all, moved away, takes no mail, or somebody else's by now (RFC 7293). */
const ADDRESS_DETAILS = ['1.1', '1.2', '1.3', '1.6', '1.10', '7.17', '7.18', '4.310']

/** The rest of 1 and 2, what keeps a mail from where the address leads (4), an address that is not ASCII (6.7). */
const RECIPIENT_DETAILS = /^(1\.[045]|2\.\d+|4\.\d+|6\.7|7\.(2|13))$/

/** From whom a mailbox or a list takes mail: Exchange's codes of their own for it, and its words. */
const OF_RESTRICTIONS =
  /^7\.(12|12[0-9]|13[0-6]|190|193|194) |resolver\.rst\.(authrequired|notauthorized|sendernotauthenticated|restricted)/

const SENDER_WORDS = new RegExp(
  [
    // Who we are to this server.
    'relay(ing)? (access )?(is )?(not (allowed|permitted)|denied|prohibited|refused|disabled)',
    "(unable|not permitted|not allowed|not authori[sz]ed) to relay|(cannot|can't|do(es)? not|don't|no) relay",
    'not authenticated|authenticat(e|ion) (is )?(required|needed)|must (first )?(be )?authenticate|log ?in (first|required)',
    // As whom we send.
    'sender address rejected|(sender|from address|mail from) (is |was |address )?(denied|rejected|refused|blocked|invalid|not)',
    'allowed rcpthosts|not authori[sz]ed to perform|verified sender identity|from (address|email) does not',
    'bad outbound sender|submissionquota|send ?as ?denied|(send|sending) (as|on behalf)|not owned by user',
    '(address|domain|identit(y|ies)|sender) (is |are )?(not|un)( yet| been)? ?verified|not a verified',
    'invalid (mail )?from|invalid sender|sender( address)?[ -](verif|domain)|domain of sender|verification failed for',
    // From where.
    String.raw`\b(client|host|server|helo|ehlo|ips?|network|connection)( host| command| name| address)? ?(<[^>]{0,60}>|\[[^\]]{0,60}\]|[\d.]{7,15})?:? ?(is |was |has been |are |temporarily )*(rejected|blocked|banned|refused|listed|blacklisted|blocklisted)`,
    String.raw`block ?-?list|black ?-?list|deny ?list|\bdnsb?l\b|\brbl\b|spamhaus|spamcop|barracuda|sorbs|(is|are|was) listed (at|in|by|on)`,
    String.raw`banned sending|(sending|source|your|client) ips?\b|reputation|reverse (dns|lookup)|\bptr\b|\brdns\b|poor_?rep`,
    // How that can be proved.
    String.raw`\b(spf|dkim|dmarc|arc)\b|unauthenticated|authentication (checks?|results?) fail|starttls|\btls\b|encryption`,
    // What becomes of us.
    'sending.{0,40}(paused|suspended|disabled|blocked)|sender (suspended|disabled)|too many (messages|mails|emails|connections)',
    String.raw`all messages from \[?[\d.]{7,15}|\[(tss|bl)\d+\]|too many (invalid|bad|unknown) recipients`,
    'rate ?-?limit|unusual rate|throttl',
  ].join('|'),
)

/** Of an account that is closed: ours, unless it is the recipient whom the server was asked about. */
const ACCOUNT_WORDS =
  /\b(account|subscription)\b.{0,30}\b(disabled|suspended|locked|deactivated|terminated|blocked)/

const QUOTA_WORDS =
  /(daily|hourly|monthly|per (day|hour|minute)|sending|send|submission|messages?|user|sender|outbound|recipients?).{0,40}\b(quotas?|limits?)\b|limits?\b.{0,30}(exceeded|reached)|credits exceeded|exceeded.{0,40}\b(limit|rate|maximum)|quota exceeded|exceeded.{0,20}quota/

const FULL_WORDS =
  /box (is )?(full|over)|over ?-?quota|quota.{0,20}full|exceeded.{0,20}(storage|quota)|storage (allocation|limit)|insufficient (disk|storage)|out of (storage|space)|not enough (storage|space)|quota exceeded/

const ADDRESS_WORDS = new RegExp(
  [
    'no such (user|mailbox|recipient|address|account|person|domain|local)|no (mailbox|user|account) (here|by|with|found)',
    '(user|recipient|mailbox|account|alias|address)( name)?( is)? (unknown|not (found|known|listed))',
    'unknown (user|recipient|mailbox|local|account|or illegal)|unknown address|unroutt?e?able address|not listed in',
    "(user|recipient|mailbox|address|account|alias|domain).{0,80}(does not|doesn't|doesn’t|not) exist",
    "does(n't| not) have an? .{0,60}account|(isn't|is not) a (valid|known) (mailbox|user|recipient)",
    '(invalid|bad|illegal) (recipient|mailbox|destination)|recipientnotfound|(user|recipient|mailbox) not found',
    '(mailbox|user|address|account) (is )?no longer|null ?mx|does not accept (any )?(e?mail|messages)',
    'host or domain name not found|domain name not found|undeliverable address',
  ].join('|'),
)

/** What no sender is called. */
const RECIPIENT_WORDS =
  /\b(recipient|mailbox|mail box|inbox|rcpt|user|destination address)\b|account.{0,30}(disabled|inactive|suspended)/

/** What a filter makes of a mail. */
const OPINION_WORDS =
  /spam|unsolicited|\bjunk\b|bulk mail|virus|malware|phish|malicious|suspicious|\buce\b|looks like|contents? (is |was )?(reject|refus|filter|block|not|violat|polic)|message (content|filtered)|content (presents|restrictions)|\burls?\b|fingerprint|executable|attachment/

/** SIZE, wherever it is said. Source: RFC 1870 section 6.1 */
function isTooLong({ detail, words }: Facts): boolean {
  if (detail === '3.4') return true
  return /(message|mail|data|size)\b.{0,30}\b(too (big|large|long)|exceeds?( the)?( fixed)?( maximum)?( message)? (size|limit))|message (size|length).{0,20}(exceed|larger|limit)/.test(
    words,
  )
}

/** The mailbox, not the disk of the server (3.1). */
function isFull({ detail, words }: Facts): boolean {
  return FULL_WORDS.test(words) && !detail.startsWith('3.') && !/system/.test(words)
}

/** What somebody may send is used up, or has been taken from them; a mailbox that is full is another thing. */
function isOfQuota(facts: Facts): boolean {
  const { step, detail, words } = facts
  const isOfSending = /daily|hourly|sending|submission|sender|per (day|hour)/.test(words)
  // Of mailboxes: that it is full, or takes no more for this hour.
  if (/^[12]\./.test(detail) && !/submission|sender.{0,20}(quota|limit)/.test(words)) return false
  if (/\bhops?\b|\bloop/.test(words)) return false
  if ((step === 'sender' || step === 'data') && ACCOUNT_WORDS.test(words)) return true
  if (isFull(facts) && !isOfSending) return false
  return QUOTA_WORDS.test(words)
}
