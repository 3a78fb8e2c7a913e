import { describe, expect, test } from 'vitest'
import { readDoorEnvironment } from '../../functions/_shared/door-environment.ts'
import { readApiEnvironment } from '../../functions/api/environment.ts'
import { readScimEnvironment } from '../../functions/scim/environment.ts'

const DOORS = [
  ['GraphQL', readDoorEnvironment],
  ['REST', readApiEnvironment],
] as const

describe.for(DOORS)('the environment of %s', ([, readEnvironment]) => {
  const hosted = { SUPABASE_URL: 'https://project.supabase.test', SUPABASE_ANON_KEY: 'key' }

  test('is what every edge function has, and any page may call', () => {
    expect(readEnvironment(hosted)).toMatchObject({
      supabaseUrl: 'https://project.supabase.test',
      publishableKey: 'key',
      allowedOrigins: ['*'],
    })
  })

  test('names the origins that may call', () => {
    const origins = 'https://app.test, http://localhost:5173/'

    expect(readEnvironment({ ...hosted, USHER_ALLOWED_ORIGINS: origins }).allowedOrigins).toEqual([
      'https://app.test',
      'http://localhost:5173',
    ])
  })

  test.for(['app.test', 'https://app.test/path', 'https://*.app.test x', 'none', ''])(
    'does not take %j for origins',
    (origins) => {
      expect(() => readEnvironment({ ...hosted, USHER_ALLOWED_ORIGINS: origins })).toThrow(
        /USHER_ALLOWED_ORIGINS is/,
      )
    },
  )

  test.for([
    ['{"default": "sb_publishable_1", "web": "sb_publishable_2"}', 'sb_publishable_1'],
    ['{"web": "sb_publishable_2"}', 'sb_publishable_2'],
    [undefined, 'key'],
    ['no json', 'key'],
  ] as const)('of the keys %s it takes %s', ([SUPABASE_PUBLISHABLE_KEYS, expected]) => {
    const { publishableKey } = readEnvironment({ ...hosted, SUPABASE_PUBLISHABLE_KEYS })

    expect(publishableKey).toBe(expected)
  })

  test('says all that is missing at once', () => {
    expect(() => readEnvironment({})).toThrow(
      /SUPABASE_URL is missing.*SUPABASE_ANON_KEY is missing/,
    )
  })
})

describe('the environment of SCIM', () => {
  const hosted = {
    SUPABASE_URL: 'https://project.supabase.test',
    USHER_DATABASE_URL: 'postgres://usher_worker@db.test/postgres',
  }

  test('knows where identity providers find the function', () => {
    expect(readScimEnvironment(hosted).scimUrl).toBe(
      'https://project.supabase.test/functions/v1/scim/v2',
    )
    const elsewhere = { ...hosted, USHER_SCIM_URL: 'https://id.test/scim/v2' }
    expect(readScimEnvironment(elsewhere).scimUrl).toBe('https://id.test/scim/v2')
  })

  test('names all that is wrong', () => {
    expect(() => readScimEnvironment({ USHER_SCIM_URL: 'https://id.test' })).toThrow(
      /USHER_DATABASE_URL is missing.*USHER_SCIM_URL is not/,
    )
  })
})
