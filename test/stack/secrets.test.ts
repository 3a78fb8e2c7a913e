/**
 * What opens something, and who somebody is, stays out of logs, refusals and the trail's free text: the main
 * job is done at every door of a whole stack, and then all that was written down is searched.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import postgres from 'postgres'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUsher } from '../../client/index.ts'
import type { Secrets } from '../../supabase/local/secrets.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

let folder: string
let run: Run
let stack: Stack
let secrets: Secrets
/** Nothing of this may be found, by a name that can be told. */
const needles = new Map<string, string>()
/** Every refusal, as it came over the wire. */
const refusals: string[] = []
/** All mails, where the links have to be: what shows that the search would find them. */
let mails = ''
let said = 0

beforeAll(async () => {
  folder = await temporaryFolder()
  run = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
  stack = await untilReady(run, folder)
  // What it says to whoever started it, with the keys to use, is no log.
  said = run.output().length
  secrets = JSON.parse(await readFile(join(folder, 'secrets.json'), 'utf8'))
  await mainJob()
}, 120_000)

afterAll(async () => {
  run.process.kill('SIGTERM')
  await run.ended
  await rm(folder, { recursive: true, force: true })
})

/** Keeps what is refused; a GraphQL refusal has status 200. */
const listening: typeof fetch = async (...request) => {
  const answer = await fetch(...request)
  const text = await answer.clone().text()
  if (!answer.ok || text.includes('"errors"')) refusals.push(text)
  return answer
}

interface Someone {
  email: string
  client: SupabaseClient
  token: string
}

async function signUp(name: string): Promise<Someone> {
  const email = `${name}-${randomBytes(6).toString('hex')}@example.com`
  const password = randomBytes(12).toString('hex')
  const client = createClient(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false },
    global: { fetch: listening },
  })
  const { data, error } = await client.auth.signUp({ email, password })
  if (error) throw error
  const token = data.session?.access_token ?? ''
  needles.set(`address of ${name}`, email)
  needles.set(`password of ${name}`, password)
  needles.set(`session of ${name}`, token)
  needles.set(`refresh token of ${name}`, data.session?.refresh_token ?? '')
  return { email, client, token }
}

/** The newest mail to an address, once there are so many. */
async function mailTo(address: string, count = 1) {
  for (;;) {
    const all = (await (await fetch(new URL('/email', stack.mailboxUrl))).json()) as {
      text: string
      headers: Record<string, string>
      to: { address: string }[]
    }[]
    const theirs = all.filter(({ to }) => to.some((each) => each.address === address))
    mails = JSON.stringify(all)
    if (theirs.length < count) await wait(200)
    else {
      const mail = theirs.at(-1)
      const link = mail?.text.match(/inv_[\w-]+/)?.[0] ?? ''
      const stop = JSON.stringify(mail?.headers).match(/stp_[\w-]+/)?.[0] ?? ''
      if (link) needles.set(`link ${needles.size}`, link)
      if (stop) needles.set(`link to stop ${needles.size}`, stop)
      return { link, stop }
    }
  }
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  listening(`${stack.functionsUrl}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const as = ({ token }: Someone) => ({ authorization: `Bearer ${token}` })

function signed(secret: string, body: string, prefix = 'webhook') {
  const [id, at] = [`msg_${randomUUID()}`, new Date()]
  return {
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
    [`${prefix}-signature`]: new Webhook(secret.replace('v1,', '')).sign(id, at, body),
  }
}

async function mainJob() {
  const { publishableKey: _, ...hidden } = secrets
  for (const [name, secret] of Object.entries(hidden)) needles.set(name, secret)
  const owner = await signUp('owner')
  const invitee = await signUp('invitee')
  const other = await signUp('other')
  const usher = createUsher(owner.client)
  const { data: organisation } = await usher.organisations.create({ name: 'Discreet' })
  const id = organisation?.id ?? ''
  const invite = async (email: string) =>
    (await usher.invites.create(id, { email, roles: ['member'] })).data?.id ?? ''

  // One that is refused, resent, refused again at every door, and accepted.
  const first = await invite(invitee.email)
  const old = await mailTo(invitee.email)
  await invite(invitee.email)
  await post('api/invitations/accept', { token: old.link }, as(other))
  await post('graphql', accepting(old.link), as(other))
  await createUsher(other.client).invites.accept(old.link)
  await usher.invites.resend(first)
  const { link, stop } = await mailTo(invitee.email, 2)
  await createUsher(invitee.client).invites.accept(old.link)
  await createUsher(invitee.client).invites.accept(link)
  await createUsher(invitee.client).invites.accept(link)
  await post('api/invitations/accept', { token: link }, as(invitee))
  await post('graphql', accepting(link), as(invitee))

  // One that is revealed, declined for a reason, and one of an address that is none.
  const second = await invite(other.email)
  const { data: revealed } = await owner.client.rpc('reveal_organisation_invite_link', {
    invite_id: second,
  })
  needles.set('revealed link', revealed.split('#')[1])
  await createUsher(other.client).invites.decline(revealed.split('#')[1], { reason: 'Not for me.' })
  await usher.invites.create(id, { email: `${invitee.email}, ${other.email}`, roles: ['member'] })
  await post(
    'api/invitations',
    { organisation_id: id, email: `<${other.email}>`, roles: [] },
    as(owner),
  )
  await post('graphql', { query: `{ organisation(id: "${invitee.email}") { id } }` }, as(owner))
  const device = await usher.devices.invite(id, { deviceName: 'Door', roles: ['member'] })
  needles.set('device code', device.data?.code ?? '')
  await createUsher(other.client).devices.enrol(`${device.data?.code}x`)

  // The doors of machines, each with what is right and what is not.
  await post(`stop-mail?token=${stop}x`, '')
  await post(`stop-mail?token=${stop}`, '')
  await post('send-mail', '', { authorization: `Bearer ${secrets.workerSecret}x` })
  await post('send-mail', '', { authorization: `Bearer ${secrets.workerSecret}` })
  const told = JSON.stringify({
    type: 'email.bounced',
    data: { email_id: '1', bounce: { type: 'Permanent', message: `550 5.1.1 <${invitee.email}>` } },
  })
  await post('mail-webhooks/standard', told, signed(secrets.mailWebhookSecret, told))
  await post('mail-webhooks/standard', told, signed(`whsec_${btoa('x'.repeat(24))}`, told))
  const asked = JSON.stringify({
    user: { id: randomUUID(), email: invitee.email },
    email_data: {
      token: secret('code of Auth'),
      token_hash: secret('token hash of Auth'),
      email_action_type: 'magiclink',
    },
  })
  await post('auth-mail', asked, signed(secrets.authHookSecret, asked))
  await post('auth-mail', asked, signed(`whsec_${btoa('x'.repeat(24))}`, asked))
  const nobody = asked.replaceAll(invitee.email, 'no address')
  await post('auth-mail', nobody, signed(secrets.authHookSecret, nobody))
  await usher.members.remove(id, (await invitee.client.auth.getUser()).data.user?.id ?? '')
  await mailTo(invitee.email, 4)
}

const accepting = (token: string) => ({
  query: 'mutation ($token: String!) { acceptInvite(token: $token) { __typename } }',
  variables: { token },
})

function secret(name: string): string {
  const value = randomBytes(20).toString('hex')
  needles.set(name, value)
  return value
}

/** The names of what is found in a text. */
const foundIn = (text: string) =>
  [...needles]
    .filter(
      ([, value]) => value && (text.includes(value) || text.includes(encodeURIComponent(value))),
    )
    .map(([name]) => name)

describe('after the main job, at every door', () => {
  test('the search would find what it looks for', () => {
    expect([...needles].filter(([, value]) => value.length < 6)).toEqual([])
    expect(foundIn(mails)).toEqual(expect.arrayContaining(['address of invitee', 'code of Auth']))
    expect(foundIn(mails).filter((name) => name.startsWith('link'))).not.toEqual([])
  })

  test('no log holds a secret, a link or a full address', async () => {
    const names = await readdir(join(folder, 'logs'))
    expect(names).toEqual(expect.arrayContaining(['mail-worker.log', 'mail-webhooks.log']))
    const found: string[] = foundIn(run.output().slice(said)).map((name) => `the stack: ${name}`)
    for (const name of names) {
      const text = await readFile(join(folder, 'logs', name), 'utf8')
      if (name === 'mail-worker.log') expect(text).toContain('mail.sent')
      found.push(...foundIn(text).map((needle) => `${name}: ${needle}`))
    }
    expect(found).toEqual([])
  })

  test('no refusal does, of PostgREST, REST, GraphQL or a function', () => {
    expect(refusals.length).toBeGreaterThan(12)
    expect(refusals.join()).toContain('invite_wrong_email')
    expect(refusals.filter((text) => foundIn(text).length > 0)).toEqual([])
  })

  test("no line of the audit trail does, nor what mails' servers said", async () => {
    const sql = postgres(stack.databaseUrl, { max: 1 })
    const events =
      await sql`select to_jsonb(e)::text as line from public.organisation_audit_events e`
    await sql.end()

    expect(events.map(({ line }) => line).join()).toContain('invite.accepted')
    expect(events.flatMap(({ line }) => foundIn(line))).toEqual([])
  })
})
