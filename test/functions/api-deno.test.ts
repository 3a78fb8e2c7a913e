/** The REST function as it runs: in Deno, started by the stack, called over HTTP. */
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { parseDocument } from '../docs/documents.ts'
import { windows1252 } from '../support/lists.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'
import { workbook } from '../support/workbook.ts'

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

async function signIn(email: string): Promise<{ authorization: string }> {
  const client = createClient(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false },
  })
  const { data, error } = await client.auth.signInWithPassword({ email, password: 'password' })
  if (error) throw error
  return { authorization: `Bearer ${data.session.access_token}` }
}

const at = (path: string) => `${stack.functionsUrl}/api${path}`

/** The headers of the owner of the demo data, and the organisation that is theirs. */
async function asOwner() {
  const headers = await signIn('owner@example.com')
  const { data } = await (await fetch(at('/organisations'), { headers })).json()
  const { id } = data.find((each: { is_owner: boolean }) => each.is_owner)
  return { headers, id: id as string }
}

describe('the REST function on the stack', { timeout: 60_000 }, () => {
  test('invites, lists by Link, and has the codes of the contract', async () => {
    const { id, headers } = await asOwner()
    const create = () =>
      fetch(at('/invitations'), {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ organisation_id: id, email: 'rest@example.com', roles: ['member'] }),
      })

    const created = await create()
    const again = await create()
    const invite = await created.json()
    const location = await fetch(created.headers.get('location') ?? '', { headers })
    const page = await fetch(at(`/invitations?organisation_id=${id}&page_size=1`), { headers })
    const next = page.headers.get('link')?.match(/<(.*)>/)?.[1] ?? ''

    expect([created.status, again.status]).toEqual([201, 409])
    expect(await again.json()).toMatchObject({ code: 'already_invited', details: invite.id })
    expect(await location.json()).toEqual(invite)
    expect((await page.json()).data).toMatchObject([{ id: invite.id }])
    expect(next).toMatch(new RegExp(`^${stack.functionsUrl}/api/invitations\\?`))
    expect((await fetch(next, { headers })).status).toBe(200)
  })

  test('the token of a mailed link is all that an invitee needs', async () => {
    const { id, headers } = await asOwner()
    const post = (path: string, body: object, more: object = headers) =>
      fetch(at(path), {
        method: 'POST',
        headers: { ...more, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const invited = { organisation_id: id, email: 'decliner@example.com', roles: ['member'] }
    const invite = await (await post('/invitations', invited)).json()
    const { link } = await (await post(`/invitations/${invite.id}/reveal-link`, {})).json()
    const token = link.split('#')[1]

    const preview = await (await fetch(at(`/invitations/validate?token=${token}`))).json()
    const declined = await post('/invitations/decline', { token, reason: 'Not now' }, {})
    const seen = await (await fetch(at(`/invitations/${invite.id}`), { headers })).json()

    expect(preview).toMatchObject({ status: 'pending', email: 'decliner@example.com' })
    expect(declined.status).toBe(200)
    expect(seen).toMatchObject({ status: 'declined', declined_reason: 'Not now' })
  })

  test('a workbook and an old encoding are read, each by what is loaded for it', async () => {
    const { id, headers } = await asOwner()
    const post = async (content: Uint8Array<ArrayBuffer>, type: string) => {
      const response = await fetch(at(`/invitations/bulk?organisation_id=${id}`), {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body: content,
      })
      return ((await response.json()) as { data: { email: string; status: string }[] }).data
    }
    const people = Array.from({ length: 9_000 }, (_, i) => [
      `nobody-${i}`,
      'member',
      'x'.repeat(60),
    ])
    const sheet = workbook({
      People: [['Email', 'Role', 'Note'], ['sheet@example.com', 'member'], ...people],
    })
    const old = windows1252('email;roles;message\nold@example.com;member;Schöne Grüße\n')

    const [first] = await post(
      sheet,
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    )
    const [second] = await post(old, 'text/csv')

    expect(first).toMatchObject({ email: 'sheet@example.com', status: 'created' })
    expect(second).toMatchObject({ email: 'old@example.com', status: 'created' })
  })

  test('uploads of a CSV file pass, and so does a repeat with the same key', async () => {
    const { id, headers } = await asOwner()
    const upload = () => {
      const form = new FormData()
      form.set('organisation_id', id)
      form.set('file', new File(['email,roles\nup@example.com,member\nbad,member\n'], 'people.csv'))
      return fetch(at('/invitations/bulk'), {
        method: 'POST',
        headers: { ...headers, 'idempotency-key': 'upload-of-people-csv' },
        body: form,
      })
    }

    const first = await upload()
    const again = await upload()

    const { data } = await first.json()
    expect(data).toMatchObject([{ status: 'created' }, { error_code: 'invalid_email' }])
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await again.json()).toEqual({ data })
  })

  test('does what docs/rest.md says, line by line', async () => {
    const { blocks } = parseDocument('docs/rest.md', await readFile('docs/rest.md', 'utf8'))
    const script = blocks
      .filter(({ language, notRun }) => language === 'sh' && !notRun)
      .map(({ text }) => text)
      .join('\n')

    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { ...process.env, USHER_DATA: folder },
    })

    for (const expected of [
      '"email":"new@example.com"',
      '"email":"two@example.com","status":"created"',
      '"error_code":"invalid_email"',
      'rel="next"',
      '"resend_count":1',
      '"revoked_reason":"Left before the first day"',
      '"subject":"{{inviter}} lädt Sie zu {{organisation}} ein"',
      '"status":"invalid"',
    ]) {
      expect(stdout).toContain(expected)
    }
    expect(stdout).not.toContain('/problems/')
  })

  test('serves its document, and a page that needs nothing from elsewhere', async () => {
    const document = await (await fetch(at('/openapi.json'))).json()
    const page = await (await fetch(at('/reference'))).text()
    const script = page.match(/src="(reference\/swagger[^"]*)"/)?.[1] ?? ''

    expect(document.servers).toEqual([{ url: stack.functionsUrl }])
    expect((await fetch(at(`/${script}`))).headers.get('content-type')).toContain('javascript')
  })

  test('takes pages of the console, and a body that is too large is not waited for', async () => {
    const preflight = await fetch(at('/invitations'), {
      method: 'OPTIONS',
      headers: { origin: stack.consoleUrl, 'access-control-request-method': 'POST' },
    })
    const large = await fetch(at('/organisations'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'a'.repeat(200_000) }),
    })

    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect([large.status, (await large.json()).code]).toEqual([413, 'body_too_large'])
  })
})
