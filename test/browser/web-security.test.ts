/** The browser of these tests keeps pages apart as the browser of a reader does. */

import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { corsHeaders } from '@supabase/supabase-js/cors'
import { expect, onTestFinished } from 'vitest'
import { stack, test } from '../support/browser.ts'

/** A page of somebody else, with no policy of its own. */
async function otherSite(): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>Another site</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('what does not say that other pages may read it cannot be read by them', async ({ open }) => {
  const page = await open(await otherSite(), { logs: /CORS policy|net::ERR_FAILED/ })
  const read = (url: string) =>
    page.evaluate((url) => fetch(url).then((answer) => answer.text(), String), url)

  expect(await read(`${stack.consoleUrl}/config.json`)).toMatch(/^TypeError: Failed to fetch/)
})

/** What supabase-js says that it sends, with what the call below gives a value of its own left out. */
const SENT = (corsHeaders['Access-Control-Allow-Headers'] ?? '')
  .split(', ')
  .filter((name) => !['authorization', 'apikey', 'content-type'].includes(name))
  .map((name) => [name, '1'])

test('the API, Auth and the doors may be called by any page, with all that supabase-js sends', async ({
  open,
}) => {
  // Who accepts without a session is refused, by the door itself.
  const page = await open(await otherSite(), { logs: /status of 401/ })
  const call = (url: string, body: unknown, more = {}) =>
    page.evaluate(
      async ([url, key, body, more, headers]) => {
        const answer = await fetch(url as string, {
          method: 'POST',
          headers: {
            apikey: key as string,
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            ...Object.fromEntries(headers as string[][]),
            ...(more as Record<string, string>),
          },
          body: JSON.stringify(body),
        })
        return answer.status
      },
      [url, stack.publishableKey, body, more, SENT],
    )

  const { apiUrl, functionsUrl } = stack
  const rpc = `${apiUrl}/rest/v1/rpc/validate_organisation_invite`
  expect(await call(rpc, { token: 'inv_x' })).toBe(200)
  const credentials = { email: 'owner@example.com', password: 'password' }
  const version = { 'x-supabase-api-version': '2024-01-01' }
  const signIn = `${apiUrl}/auth/v1/token?grant_type=password`
  expect(await call(signIn, credentials, version)).toBe(200)
  const query = { query: '{ __typename }' }
  for (const functions of [functionsUrl, `${apiUrl}/functions/v1`]) {
    expect(await call(`${functions}/graphql`, query)).toBe(200)
    expect(await call(`${functions}/api/invitations/accept`, { token: 'inv_x' })).toBe(401)
  }
})

test('no test or script starts a browser that is kinder, and none gets a second try', async () => {
  // Put together here, so that this file itself does not hold them.
  const kinder = [
    ['disable', 'web', 'security'],
    ['disable', 'site', 'isolation', 'trials'],
    ['allow', 'running', 'insecure', 'content'],
    ['ignore', 'certificate', 'errors'],
  ].map((words) => words.join('-'))
  const patterns = [
    new RegExp(kinder.join('|')),
    new RegExp(['bypass', 'CSP|ignore', 'HTTPSErrors|spartic', 'uz\\.ar', 'gs'].join('')),
    new RegExp(['\\bre', 'try(: *[1-9{]|[= ]+[1-9])'].join('')),
  ]
  const files = execFileSync(
    'git',
    ['ls-files', 'test', 'scripts', 'supabase/local', '*.config.ts', '.ci', 'package.json'],
    {
      encoding: 'utf8',
    },
  )
  const found: string[] = []
  for (const file of files.trim().split('\n')) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const pattern of patterns) if (pattern.test(text)) found.push(`${file}: ${pattern}`)
  }
  expect(found).toEqual([])
})
