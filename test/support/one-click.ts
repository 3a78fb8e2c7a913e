/**
 * One click: the setting, a mailed link, and a stand-in for the part of Supabase Auth that it needs.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Organisation } from './acme.ts'
import { fanOut } from './outbox.ts'
import { leaseOne, prepare } from './worker.ts'

export const AUTH_KEY = 'sb_secret_of_the_test'

/** Changes settings of the project until the test has ended. */
export async function allowOneClick(acme: Organisation, settings: object = {}) {
  const update = (changes: object) =>
    acme.sql`select usher.update_settings(${acme.sql.json(changes as never)})`
  await update({ one_click: 'new_addresses', ...settings })
  onTestFinished(async () => {
    await update({ one_click: 'off', one_click_within: '24 hours' })
  })
}

/** Invites an address, and takes the link out of the mail, as its reader would. */
export async function mailedLink(acme: Organisation, email?: string) {
  const { invite } = await acme.invite(email)
  await fanOut(acme.sql)
  await acme.sql`update public.organisation_deliveries set due_at = now() + interval '1 day'
    where organisation_id = ${acme.id} and invite_id is distinct from ${invite.id}`
  const mail = await prepare(acme, await leaseOne(acme))
  return { ...invite, token: String(mail.link).split('#')[1] ?? '' }
}

/** The time of the mail moves back, and with it the time of the link. */
export async function letPass(acme: Organisation, inviteId: string, time: string) {
  await acme.sql`update usher.invite_tokens set minted_at = minted_at - ${time}::interval
    where invite_id = ${inviteId}`
}

/**
 * What Supabase Auth does, on the same database: `POST /admin/generate_link` of the type invite, and
 * `POST /verify` with its code. Source: internal/api/mail.go and internal/api/verify.go of github.com/supabase/auth
 *
 * @param before - what happens just before an account is looked for; `down`: it answers nothing
 */
export async function startAuth(
  { sql }: Pick<Organisation, 'sql'>,
  before: (email: string) => Promise<unknown | 'down'> = async () => null,
) {
  const codes = new Map<string, string>()
  const asked: { type: string; email: string }[] = []

  async function generateLink({ type, email }: { type: string; email: string }) {
    if (type !== 'invite') return [400, { code: 400, error_code: 'validation_failed' }] as const
    const [known] = await sql`select id, email_confirmed_at from auth.users
      where email = ${email} and is_sso_user = false`
    if (known?.email_confirmed_at) {
      const msg = 'A user with this email address has already been registered'
      return [422, { code: 422, error_code: 'email_exists', msg }] as const
    }
    const id = known?.id ?? randomUUID()
    const providers = { provider: 'email', providers: ['email'] }
    if (!known) {
      await sql`insert into auth.users (id, email, encrypted_password, invited_at, raw_app_meta_data)
        values (${id}, ${email}, '', now(), ${sql.json(providers)})`
    }
    const hash = randomBytes(28).toString('hex')
    codes.set(hash, id)
    return [
      200,
      {
        ...{ id, aud: 'authenticated', role: 'authenticated', email, app_metadata: providers },
        ...{ user_metadata: {}, created_at: new Date().toISOString() },
        ...{ invited_at: new Date().toISOString(), confirmation_sent_at: new Date().toISOString() },
        action_link: `https://auth.example.com/verify?token=${hash}&type=invite`,
        email_otp: '123456',
        hashed_token: hash,
        verification_type: 'invite',
        redirect_to: 'https://app.example.com',
      },
    ] as const
  }

  async function verify({ token_hash: hash }: { token_hash: string }) {
    const id = codes.get(hash)
    codes.delete(hash)
    const rows = await sql`update auth.users set email_confirmed_at = now()
      where id = ${id ?? randomUUID()} returning id, email`
    const [user] = rows
    if (!user) return [403, { code: 403, error_code: 'otp_expired', msg: 'Expired' }] as const
    const session = { access_token: 'e30.e30.e30', refresh_token: 'refresh', token_type: 'bearer' }
    return [200, { ...session, expires_in: 3600, user }] as const
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}')
    const isAdmin = request.url?.startsWith('/auth/v1/admin/') ?? false
    if (isAdmin) asked.push(body)
    if (isAdmin && (await before(body.email)) === 'down') return void request.socket.destroy()
    const isKnown = request.headers.authorization === `Bearer ${AUTH_KEY}`
    const [status, answer] =
      isAdmin && !isKnown
        ? ([401, { code: 401, error_code: 'no_authorization' }] as const)
        : await (isAdmin ? generateLink(body) : verify(body))
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
