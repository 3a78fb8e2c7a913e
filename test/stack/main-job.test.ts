/** The main job, as an outside program does it: supabase-js, stack.json and the mailbox. */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUsher } from '../../client/index.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

let folder: string
let run: Run
let stack: Stack

beforeAll(async () => {
  folder = await temporaryFolder()
  run = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
  stack = await untilReady(run, folder)
})

afterAll(async () => {
  run.process.kill('SIGTERM')
  await run.ended
  await rm(folder, { recursive: true, force: true })
})

function connect(key = stack.publishableKey): SupabaseClient {
  return createClient(stack.apiUrl, key, { auth: { persistSession: false } })
}

async function signIn(email: string): Promise<SupabaseClient> {
  const client = connect()
  const { error } = await client.auth.signInWithPassword({ email, password: 'password' })
  if (error) throw error
  return client
}

async function ownOrganisation(client: SupabaseClient): Promise<string> {
  const { data } = await createUsher(client).organisations.listMine()
  return data?.find((organisation) => organisation.isOwner)?.id ?? ''
}

describe('the main job', { timeout: 60_000 }, () => {
  test('npm run demo does all of it', async () => {
    const { stdout } = await promisify(execFile)('node', ['scripts/demo.ts'], {
      env: { ...process.env, USHER_DATA: folder },
    })

    expect(stdout).toContain('membership                   active, finance, member')
    for (const code of [
      'invite_already_accepted',
      'invite_wrong_email',
      'invite_superseded',
      'invite_revoked',
    ]) {
      expect(stdout).toContain(`refused: ${code}`)
    }
    expect(stdout.trim()).toMatch(/All of it worked\.$/)
  })
})

describe('supabase-js', () => {
  test('signs the demo people in, each with their roles', async () => {
    const { data } = await createUsher(await signIn('admin@example.com')).organisations.listMine()

    expect(data).toMatchObject([
      { name: 'Example Rockets', roles: ['admin'], isOwner: false },
      { name: 'Sample Bakery', roles: ['finance', 'member'], isOwner: false },
    ])
  })

  test('gets the words of the contract as error.code, with status and hint', async () => {
    const owner = await signIn('owner@example.com')
    const organisationId = await ownOrganisation(owner)
    const member = await signIn('member@example.com')

    const { error, status } = await member.rpc('create_organisation_invite', {
      organisation_id: organisationId,
      email: 'x@example.com',
      roles: ['member'],
    })

    expect([status, error?.code, error?.details]).toEqual([
      403,
      'permission_denied',
      'invite.create',
    ])
    expect(error?.hint).toBeTruthy()
  })

  test('gets Retry-After with rate_limited', async () => {
    const owner = await signIn('owner@example.com')
    const usher = createUsher(owner)
    const { data: invite } = await usher.invites.create(await ownOrganisation(owner), {
      email: 'often@example.com',
      roles: ['member'],
    })
    await usher.invites.resend(invite?.id ?? '')
    const { data } = await owner.auth.getSession()

    const answer = await fetch(`${stack.apiUrl}/rest/v1/rpc/resend_organisation_invite`, {
      method: 'POST',
      headers: {
        apikey: stack.publishableKey,
        authorization: `Bearer ${data.session?.access_token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ invite_id: invite?.id }),
    })

    expect(answer.status).toBe(429)
    expect(answer.headers.get('retry-after')).toMatch(/^(60|5\d)$/)
  })

  test('without a session gets 401 and 42501 for what is not for everyone', async () => {
    const anyone = connect()

    for (const name of ['list_my_organisations', 'accept_organisation_invite']) {
      const { error, status } = await anyone.rpc(
        name,
        name.startsWith('accept') ? { token: 'inv_x' } : {},
      )
      expect([status, error?.code]).toEqual([401, '42501'])
    }
    for (const table of ['organisations', 'organisation_invites', 'organisation_members']) {
      const { error, status } = await anyone.from(table).select('*')
      expect([status, error?.code]).toEqual([401, '42501'])
    }
  })

  test('may look at an invite with a GET, which changes nothing, and not answer it', async () => {
    const anyone = connect()

    expect(
      await anyone.rpc('validate_organisation_invite', { token: 'inv_x' }, { get: true }),
    ).toMatchObject({
      status: 200,
      data: { status: 'invalid', reason: 'invite_invalid' },
    })
  })

  test('reads tables under their policies, and writes none', async () => {
    const bakers = await signIn('baker@example.com')

    expect((await bakers.from('organisations').select('name')).data).toEqual([
      { name: 'Sample Bakery' },
    ])
    expect((await bakers.from('organisation_invites').select('email')).data).toContainEqual({
      email: 'member@example.com',
    })
    const { error } = await bakers.from('organisations').insert({ name: 'Mine', slug: 'mine' })
    expect(error?.code).toBe('42501')
  })

  test('with the secret key reads everything, and still writes nothing', async () => {
    const server = connect(stack.secretKey)

    expect((await server.from('organisations').select('name')).data?.length).toBeGreaterThanOrEqual(
      2,
    )
    const { error } = await server.from('organisations').delete().eq('name', 'Sample Bakery')
    expect(error?.code).toBe('42501')
  })

  test('is told of a wrong device code by status and code, though the guess is counted', async () => {
    const { error, status } = await (await signIn('member@example.com')).rpc(
      'enrol_organisation_device',
      {
        code: 'AAAAA-AAAAA',
      },
    )

    expect([status, error?.code]).toEqual([404, 'invite_invalid'])
  })

  test('becomes a member while registering, with the token in the sign-up data', async () => {
    const owner = await signIn('owner@example.com')
    const organisationId = await ownOrganisation(owner)
    const email = `joins-${organisationId.slice(0, 6)}@example.com`
    const { data: invite } = await createUsher(owner).invites.create(organisationId, {
      email,
      roles: ['member'],
    })
    const { data: link } = await owner.rpc('reveal_organisation_invite_link', {
      invite_id: invite?.id,
    })

    const newcomer = connect()
    const { error } = await newcomer.auth.signUp({
      email,
      password: 'password',
      options: { data: { invite_token: link.split('#')[1] } },
    })

    expect(error).toBeNull()
    expect((await createUsher(newcomer).organisations.listMine()).data).toMatchObject([
      { roles: ['member'] },
    ])
    const { data: me } = await newcomer.auth.getUser()
    expect(JSON.stringify(me)).not.toContain('inv_')
  })

  test('gets times in ISO 8601', async () => {
    const owner = await signIn('owner@example.com')
    const { data } = await owner.from('organisations').select('created_at').limit(1).single()

    expect(data?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/)
  })
})
