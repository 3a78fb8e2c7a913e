/**
 * Does the whole job against the running stack as an outside program would: it knows `stack.json`,
 * supabase-js and the mailbox, and nothing else.
 *
 *   npm run demo -- someone@example.com
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { createUsher, type Result } from '../client/index.ts'

const tag = randomBytes(3).toString('hex')
const invitee = process.argv[2] ?? `demo-${tag}@example.com`
const password = `demo-${tag}-password`

const stack = await readStack()
const admin = connect()
const newcomer = connect()
const other = connect()

step('An admin signs up and creates an organisation')
await signUp(admin, `admin-${tag}@example.com`)
const organisation = get(await createUsher(admin).organisations.create({ name: `Demo ${tag}` }))
say('organisation', organisation.name)

step(`The admin invites ${invitee}`)
const invite = get(
  await createUsher(admin).invites.create(organisation.id, {
    email: invitee,
    roles: ['finance', 'member'],
    message: 'Please have a look at our books.',
  }),
)
say('roles', invite.roles.join(', '))
say('expires', invite.expiresAt)

step('The mail arrives')
const token = await tokenFromMail(invite.email, 1)

step('Whoever has the link sees what it is, without an account')
const preview = get(await createUsher(newcomer).invites.validate(token))
say('invited by', preview.inviterEmail)
say('to', `${preview.organisationName} as ${preview.roles?.join(', ')}`)
say('account', preview.hasAccount ? 'there is one: sign in' : 'there is none yet: register')

step('The newcomer registers and accepts')
await signUp(newcomer, invite.email)
const member = get(await createUsher(newcomer).invites.accept(token))
say('membership', `${member.status}, ${member.roles.join(', ')}`)
for (const mine of get(await createUsher(newcomer).organisations.listMine())) {
  say('my organisation', `${mine.name} (${mine.roles.join(', ')})`)
}

step('The audit trail tells of it')
const { data: events, error } = await admin
  .from('organisation_audit_events')
  .select('occurred_at, event, actor_kind')
  .eq('organisation_id', organisation.id)
  .order('occurred_at')
if (error) stop(error.message)
for (const event of events ?? []) say(event.occurred_at, `${event.event} by ${event.actor_kind}`)

step('A link is good once, for one person, while it is the newest, and not after a revoke')
await refused(
  'the same link again',
  createUsher(newcomer).invites.accept(token),
  'invite_already_accepted',
)

const second = get(
  await createUsher(admin).invites.create(organisation.id, {
    email: `second-${tag}@example.com`,
    roles: ['member'],
  }),
)
const first = await tokenFromMail(second.email, 1)
await signUp(other, `other-${tag}@example.com`)
await refused('another address', createUsher(other).invites.accept(first), 'invite_wrong_email')

get(await createUsher(admin).invites.resend(second.id))
const newest = await tokenFromMail(second.email, 2)
await refused(
  'the old link after a resend',
  createUsher(other).invites.accept(first),
  'invite_superseded',
)

get(await createUsher(admin).invites.revoke(second.id, { reason: 'The demo is over' }))
await refused(
  'the new link after a revoke',
  createUsher(other).invites.accept(newest),
  'invite_revoked',
)

await refused(
  'a forged link',
  createUsher(other).invites.accept(`inv_${'A'.repeat(116)}`),
  'invite_invalid',
)
console.log('\nAll of it worked.')

async function readStack(): Promise<Record<'apiUrl' | 'publishableKey' | 'mailboxUrl', string>> {
  const file = join(process.env.USHER_DATA ?? '.usher', 'stack.json')
  const text = await readFile(file, 'utf8').catch(() =>
    stop(`There is no ${file}. Start the stack first, in another terminal: npm start`),
  )
  return JSON.parse(text)
}

function connect(): SupabaseClient {
  return createClient(stack.apiUrl, stack.publishableKey, { auth: { persistSession: false } })
}

/** Registers, and confirms the address by the link in Auth's mail where Auth wants that. */
async function signUp(client: SupabaseClient, email: string): Promise<void> {
  const { data, error } = await client.auth.signUp({ email, password })
  if (error) stop(`${email} could not register: ${error.message}`)
  if (!data.session) {
    const [, hash = ''] = await findInMail(email, /\/auth\/v1\/verify\?token=([^&\s]+)/, 1)
    const confirmed = await client.auth.verifyOtp({ token_hash: hash, type: 'signup' })
    if (confirmed.error) stop(`${email} could not be confirmed: ${confirmed.error.message}`)
  }
  say('signed up', email)
}

/** The token in the newest invitation to an address, once this many have come. */
async function tokenFromMail(address: string, count: number): Promise<string> {
  const [link, token = ''] = await findInMail(address, /https?:\/\/\S+#(inv_[A-Za-z0-9_-]+)/, count)
  say('link', link)
  return token
}

/** Waits until this many mails with something have come to an address, and finds it in the newest. */
async function findInMail(address: string, what: RegExp, count: number): Promise<RegExpMatchArray> {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    const answer = await fetch(new URL('/email', stack.mailboxUrl))
    const mails = ((await answer.json()) as Mail[]).filter(
      ({ to, text }) => to.some((each) => each.address === address) && what.test(text),
    )
    const mail = mails.at(-1)
    const found = mail?.text.match(what)
    if (mail && found && mails.length >= count) {
      say('subject', mail.subject)
      return found
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return stop(`No such mail for ${address} within 30 seconds.`)
}

interface Mail {
  subject: string
  text: string
  to: { address: string }[]
}

function get<T>(result: Result<T>): T {
  return result.error ? stop(`${result.error.code}: ${result.error.message}`) : result.data
}

async function refused(what: string, call: Promise<Result<unknown>>, code: string): Promise<void> {
  const { error } = await call
  if (error?.code !== code) stop(`${what}: expected ${code}, got ${error?.code ?? 'no refusal'}`)
  say(what, `refused: ${code}`)
}

function step(title: string): void {
  console.log(`\n${title}`)
}

function say(label: string, value: string | null): void {
  console.log(`  ${label.padEnd(28)} ${value ?? '–'}`)
}

function stop(message: string): never {
  console.error(`\n${message}`)
  process.exit(1)
}
