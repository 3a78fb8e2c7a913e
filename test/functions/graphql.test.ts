/** The GraphQL door as it is deployed: in Deno, on the whole stack, with the sessions of Auth. */
import { rm } from 'node:fs/promises'
import { createClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHandler } from '../../functions/graphql/handler.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { type Answer, post, readAnswer } from '../support/graphql.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

let folder: string
let run: Run
let stack: Stack
let url: string

beforeAll(async () => {
  folder = await temporaryFolder()
  run = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
  stack = await untilReady(run, folder)
  url = `${stack.functionsUrl}/graphql`
})

afterAll(async () => {
  run.process.kill('SIGTERM')
  await run.ended
  await rm(folder, { recursive: true, force: true })
})

type Ask = (query: string, variables?: object) => Promise<Answer>

const asker =
  (token?: string): Ask =>
  async (query, variables = {}) =>
    readAnswer(await fetch(post(url, { query, variables }, token)))

/** Somebody who is signed in; registers them first, when there is no such account. */
async function signIn(email: string, isNew = false): Promise<Ask> {
  const client = createClient(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false },
  })
  const credentials = { email, password: 'password' }
  const { data, error } = isNew
    ? await client.auth.signUp(credentials)
    : await client.auth.signInWithPassword(credentials)
  if (error) throw error
  return asker(data.session?.access_token)
}

const INVITE = `mutation ($organisationId: UUID!, $email: String!, $roles: [String!]!) {
  createInvite(organisationId: $organisationId, invite: { email: $email, roles: $roles }) { id status email roles }
}`

describe('the main job', { timeout: 60_000 }, () => {
  test('create, invite, look, accept, list, change, remove: all of it', async () => {
    const owner = await signIn('founder@example.com', true)
    const created = await owner('mutation { createOrganisation(name: "Graph Works") { id slug } }')
    expect(created).toMatchObject({
      errors: [],
      data: { createOrganisation: { slug: 'graph-works' } },
    })
    const organisationId = created.data.createOrganisation.id

    const email = 'joiner@example.com'
    const invited = await owner(INVITE, { organisationId, email, roles: ['finance', 'member'] })
    expect(invited.data.createInvite).toMatchObject({ status: 'pending', email })
    const { id: inviteId } = invited.data.createInvite
    const revealed = await owner('mutation ($id: UUID!) { revealInviteLink(inviteId: $id) }', {
      id: inviteId,
    })
    const token = revealed.data.revealInviteLink.split('#')[1]

    const look =
      'query ($token: String!) { validateInvite(token: $token) { status organisationName email roles } }'
    expect((await asker()(look, { token })).data.validateInvite).toEqual({
      status: 'pending',
      organisationName: 'Graph Works',
      email,
      roles: ['finance', 'member'],
    })

    const joiner = await signIn(email, true)
    const accept =
      'mutation ($token: String!) { acceptInvite(token: $token) { userId roles status organisation { name } } }'
    const { userId, ...member } = (await joiner(accept, { token })).data.acceptInvite
    expect(member).toEqual({
      roles: ['finance', 'member'],
      status: 'active',
      organisation: { name: 'Graph Works' },
    })
    expect((await joiner(accept, { token })).codes).toEqual(['invite_already_accepted'])

    const members = `query ($id: UUID!) { organisation(id: $id) { members { edges { node { email roles } } } } }`
    expect((await owner(members, { id: organisationId })).data.organisation.members.edges).toEqual([
      { node: { email: 'founder@example.com', roles: ['owner'] } },
      { node: { email, roles: ['finance', 'member'] } },
    ])

    const changed = await owner(
      `mutation ($organisationId: UUID!, $userId: UUID!) {
        updateMemberRoles(organisationId: $organisationId, userId: $userId, roles: ["admin"]) {
          roles roleDetails { name permissions } } }`,
      { organisationId, userId },
    )
    expect(changed.data.updateMemberRoles).toMatchObject({
      roles: ['admin'],
      roleDetails: [{ name: 'admin', permissions: expect.arrayContaining(['invite.create']) }],
    })

    const removed = await owner(
      `mutation ($organisationId: UUID!, $userId: UUID!) {
        removeMember(organisationId: $organisationId, userId: $userId, reason: "Done") { status statusReason } }`,
      { organisationId, userId },
    )
    expect(removed.data.removeMember).toEqual({ status: 'removed', statusReason: 'Done' })
    expect((await joiner('{ myOrganisations { id } }')).data.myOrganisations).toEqual([])

    const trail = await owner(
      `query ($id: UUID!) { organisation(id: $id) { auditEvents { edges { node { event userAgent } } } } }`,
      { id: organisationId },
    )
    const { edges } = trail.data.organisation.auditEvents
    expect(edges.map((edge: { node: { event: string } }) => edge.node.event)).toEqual(
      expect.arrayContaining(['invite.created', 'invite.accepted', 'member.removed']),
    )
    // Who called is said by the caller's own request, not by this function's.
    expect(edges.at(-1).node.userAgent).toBe('node')
  })

  test('a batch says of each row what became of it', async () => {
    const owner = await signIn('owner@example.com')
    const { data } = await owner('{ myOrganisations { id isOwner } }')
    const mine = data.myOrganisations.find(({ isOwner }: { isOwner: boolean }) => isOwner)

    const batch = await owner(
      `mutation ($id: UUID!, $invites: [InviteDraft!]!) {
        createInvites(organisationId: $id, invites: $invites) { rowNumber email status errorCode } }`,
      {
        id: mine.id,
        invites: [
          {
            email: 'one@example.com',
            roles: ['member'],
            expiresIn: '3 days',
            metadata: { team: 7 },
          },
          { email: 'no address', roles: ['member'] },
          { email: 'nul@example.com', roles: ['member'], message: 'Hi\0there' },
        ],
      },
    )

    expect(batch.data.createInvites).toEqual([
      { rowNumber: 1, email: 'one@example.com', status: 'created', errorCode: null },
      { rowNumber: 2, email: 'no address', status: 'failed', errorCode: 'invalid_email' },
      // No database could store it, and its row alone pays for it.
      { rowNumber: 3, email: 'nul@example.com', status: 'failed', errorCode: 'invalid_message' },
    ])
  })
})

describe('a refusal has the words of the contract', () => {
  test('with status, hint and details', async () => {
    const owner = await signIn('owner@example.com')
    const member = await signIn('member@example.com')
    const { data } = await member('{ myOrganisations { id } }')
    const args = { organisationId: data.myOrganisations[0].id, roles: ['member'] }

    const { status, errors } = await member(INVITE, { ...args, email: 'x@example.com' })
    expect(status).toBe(200)
    expect(errors).toMatchObject([
      {
        path: ['createInvite'],
        extensions: { code: 'permission_denied', status: 403, details: 'invite.create' },
      },
    ])
    expect(errors[0]?.extensions.hint).toBeTruthy()

    const first = await owner(INVITE, { ...args, email: 'twice@example.com' })
    const second = await owner(INVITE, { ...args, email: 'twice@example.com' })
    expect(second.errors[0]?.extensions).toMatchObject({
      code: 'already_invited',
      status: 409,
      details: first.data.createInvite.id,
    })
  })

  test('and says how long to wait', async () => {
    const owner = await signIn('owner@example.com')
    const { data } = await owner('{ myOrganisations { id isOwner } }')
    const mine = data.myOrganisations.find(({ isOwner }: { isOwner: boolean }) => isOwner)
    const { data: made } = await owner(INVITE, {
      organisationId: mine.id,
      email: 'often@example.com',
      roles: ['member'],
    })
    const resend = 'mutation ($id: UUID!) { resendInvite(inviteId: $id) { id } }'
    const { id } = made.createInvite
    await owner(resend, { id })

    const { errors } = await owner(resend, { id })

    expect(errors[0]?.extensions).toMatchObject({ code: 'rate_limited', status: 429 })
    expect(errors[0]?.extensions.retryAfter).toBeGreaterThan(50)
  })

  test('when nobody is signed in, or not really', async () => {
    for (const ask of [asker(), asker('no.such.session')]) {
      expect((await ask('{ myOrganisations { id } }')).codes).toEqual(['unauthenticated'])
      expect((await ask('mutation { createOrganisation(name: "X") { id } }')).codes).toEqual([
        'unauthenticated',
      ])
    }
  })

  test('and leaves the other fields of the document alone', async () => {
    const { data, codes } = await asker()(
      '{ myOrganisations { id } validateInvite(token: "inv_x") { reason } }',
    )

    expect(codes).toEqual(['unauthenticated'])
    expect(data).toEqual({ myOrganisations: null, validateInvite: { reason: 'invite_invalid' } })
  })

  test('text that no database can hold is refused in the words of the contract', async () => {
    const owner = await signIn('owner@example.com')
    const { errors } = await owner(`mutation { createOrganisation(name: "A\\u0000") { id } }`)

    expect(errors[0]?.extensions).toMatchObject({
      code: 'invalid_settings',
      status: 422,
      hint: expect.stringContaining('name holds NUL (U+0000)'),
    })
    const { data } = await asker()('{ validateInvite(token: "inv_\\u0000") { reason } }')
    expect(data).toEqual({ validateInvite: { reason: 'invite_invalid' } })
  })

  test('a value that cannot be read is told without the words of Postgres', async () => {
    const owner = await signIn('owner@example.com')
    const { data } = await owner('{ myOrganisations { id } }')
    const { codes, text } = await owner(
      `mutation ($id: UUID!) {
        createInvite(
          organisationId: $id, invite: { email: "a@example.com", roles: ["member"], expiresIn: "soon" }
        ) { id }
      }`,
      { id: data.myOrganisations[0].id },
    )

    expect(codes).toEqual(['BAD_USER_INPUT'])
    expect(text).not.toContain('interval')
  })
})

describe('over HTTP', () => {
  const get = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${url}?${new URLSearchParams({ query })}`, { headers })

  test('a GET may ask, and may not change anything', async () => {
    const asked = await readAnswer(await get('{ validateInvite(token: "inv_x") { status } }'))
    expect(asked.data).toEqual({ validateInvite: { status: 'invalid' } })

    const changed = await get('mutation { declineInvite(token: "inv_x") { status } }')
    expect(changed.status).toBe(405)
  })

  test('what is no request is told so, and does not end the function', async () => {
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"query": 7}',
      '{"query": "{"}',
      '\u0000',
      '{"query": "{ a }", "x": 1}',
    ]
    for (const body of bodies) {
      for (const type of ['application/json', 'text/plain', 'application/graphql']) {
        const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
        expect(answer.status, `${type}: ${body}`).toBeLessThan(500)
        expect(await answer.text()).not.toMatch(/node_modules|file:\/\//)
      }
    }
    expect((await asker()('{ __typename }')).data).toEqual({ __typename: 'Query' })
  })

  test('a browser on this machine is shown GraphiQL, and nowhere else', async () => {
    const page = await fetch(url, { headers: { accept: 'text/html' } })
    expect(await page.text()).toContain('<title>Usher</title>')

    const hosted = createHandler({
      supabaseUrl: stack.apiUrl,
      publishableKey: 'x',
      allowedOrigins: ['*'],
    })
    const answer = await hosted(new Request(url, { headers: { accept: 'text/html' } }))
    expect(answer.headers.get('content-type') ?? '').not.toContain('text/html')
  })

  test('an Authorization that cannot be read is refused, and not taken for nobody', async () => {
    const request = post(url, { query: '{ validateInvite(token: "inv_x") { status } }' })
    request.headers.set('authorization', 'Basic b3duZXI6cGFzc3dvcmQ=')
    const answer = await readAnswer(await fetch(request))

    expect([answer.codes, answer.data?.validateInvite ?? null]).toEqual([['unauthenticated'], null])
  })

  test('pages of other origins may call, or only those that the environment names', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { origin: 'https://app.test', 'access-control-request-method': 'POST' },
    }
    const anyone = await fetch(url, preflight)
    expect(anyone.headers.get('access-control-allow-origin')).toMatch(/^(\*|https:\/\/app\.test)$/)
    expect(anyone.headers.get('access-control-allow-headers')).toContain('authorization')

    const handle = createHandler({
      supabaseUrl: stack.apiUrl,
      publishableKey: 'x',
      allowedOrigins: ['https://app.test', 'https://admin.test'],
    })
    const ours = await handle(new Request(url, preflight))
    const others = await handle(
      new Request(url, {
        ...preflight,
        headers: { ...preflight.headers, origin: 'https://evil.test' },
      }),
    )
    expect(ours.headers.get('access-control-allow-origin')).toBe('https://app.test')
    expect(others.headers.get('access-control-allow-origin')).not.toBe('https://evil.test')
    expect(others.headers.get('access-control-allow-credentials')).toBeNull()
  })
})
