/** What Supabase Auth says, in the address and by its codes, as the console takes it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuthApiError, AuthRetryableFetchError, AuthWeakPasswordError } from '@supabase/supabase-js'
import { describe, expect, test } from 'vitest'
import { secondsToWait, sentenceOf } from '../../client/console/app/auth-errors.ts'
import { takeAuthReturn } from '../../client/console/app/auth-return.ts'
import { ownPath } from '../../client/console/app/own-path.ts'

function at(address: string) {
  const url = new URL(address, 'https://app.example.com')
  const replaced: string[] = []
  const history = {
    state: null,
    replaceState: (_data: unknown, _unused: string, path?: string | URL | null) =>
      void replaced.push(String(path)),
  }
  return { ...takeAuthReturn(url, history), replaced }
}

describe('takeAuthReturn', () => {
  test.for([
    [
      '/invite?organisation=1#error=access_denied&error_code=otp_expired&sb=',
      'otp_expired',
      '/invite?organisation=1',
    ],
    ['/?error=invalid_request&error_code=bad_oauth_state', 'bad_oauth_state', '/'],
    [
      '/sign-in?to=%2Fx&error=access_denied#error=access_denied',
      'access_denied',
      '/sign-in?to=%2Fx',
    ],
    ['/#error_description=Something', undefined, '/'],
  ] as const)('%s: why there is no session, and leaves the rest', ([address, code, left]) => {
    const { refusal, session, by, replaced } = at(address)

    expect(refusal?.code).toBe(code)
    expect([session, by]).toEqual([null, null])
    expect(replaced).toEqual([left])
  })

  test('a session, what brought it, and no token left behind', () => {
    const { session, by, refusal, replaced, putBack } = at(
      '/invite?organisation=1#access_token=a&refresh_token=r&expires_in=3600&token_type=bearer&type=signup',
    )

    expect(session).toEqual({ access_token: 'a', refresh_token: 'r' })
    expect([by, refusal]).toEqual(['signup', null])
    expect(replaced).toEqual(['/invite?organisation=1'])
    putBack()
    expect(replaced[1]).toContain('access_token=a')
  })

  test.for(['/invite', '/invite#section', '/?type=signup', '/#type=signup'])(
    'leaves %s alone',
    (address) => {
      const { session, by, refusal, replaced } = at(address)

      expect([session, by, refusal, replaced]).toEqual([null, null, null, []])
    },
  )
})

describe('words for errors of Auth', () => {
  test.for([
    [new AuthApiError('Email link is invalid or has expired', 403, 'otp_expired'), 'linkExpired'],
    [new AuthApiError('Only people who have been invited', 403, 'unknown'), 'notInvited'],
    [new AuthRetryableFetchError('Database error saving new user', 500), 'notCreated'],
    [new AuthRetryableFetchError('Something else', 500), 'unexpected'],
    [new AuthRetryableFetchError('Failed to fetch', 0), 'unreachable'],
    [new AuthRetryableFetchError('HTTP 502', 502), 'unreachable'],
    [new AuthWeakPasswordError('Pwned', 422, ['pwned']), 'leakedPassword'],
    [new AuthWeakPasswordError('Short', 422, ['length']), 'weakPassword'],
    [new AuthApiError('?', 400, 'toString'), 'unexpected'],
    [new AuthApiError('?', 400, undefined), 'unexpected'],
  ] as const)('%s: %s', ([error, sentence]) => {
    expect(sentenceOf(error)).toBe(sentence)
  })

  test('say how long to wait where Auth does', () => {
    const limit = (message: string) => new AuthApiError(message, 429, 'over_email_send_rate_limit')

    expect(
      secondsToWait(limit('For security purposes, you can only request this after 42 seconds.')),
    ).toBe(42)
    expect(secondsToWait(limit('Email rate limit exceeded'))).toBeNull()
    expect(secondsToWait(new AuthApiError('after 42 seconds', 429, 'other'))).toBeNull()
  })

  test('no page of the console shows what a library says', () => {
    const files = readdirSync('client/console', { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('texts'))
      .map((file) => join('client/console', file))

    const found = files.filter((file) =>
      /\b(error|problem|refusal|failed)\??\.message\b/.test(readFileSync(file, 'utf8')),
    )
    expect(files.length).toBeGreaterThan(100)
    expect(found).toEqual([])
  })
})

test.for([
  ['/organisations/acme/members?x=1#y', true],
  ['/', true],
  ['//evil.example', false],
  ['/\\evil.example', false],
  ['/\t/evil.example', false],
  ['https://evil.example', false],
  ['javascript:alert(1)', false],
  ['', false],
] as const)('%j leads to these pages: %s', ([path, isOurs]) => {
  expect(ownPath(path)).toBe(isOurs ? path : null)
})
