import { describe, expect, test } from 'vitest'
import { readDoorEnvironment } from '../../functions/_shared/environment.ts'

describe('the environment of a door', () => {
  const hosted = { SUPABASE_URL: 'https://project.supabase.test', SUPABASE_ANON_KEY: 'key' }

  test('is what every edge function has, and any page may call', () => {
    expect(readDoorEnvironment(hosted)).toEqual({
      apiUrl: 'https://project.supabase.test',
      publishableKey: 'key',
      allowedOrigins: ['*'],
    })
  })

  test('names the origins that may call', () => {
    const origins = 'https://app.test, http://localhost:5173/'

    expect(
      readDoorEnvironment({ ...hosted, USHER_ALLOWED_ORIGINS: origins }).allowedOrigins,
    ).toEqual(['https://app.test', 'http://localhost:5173'])
  })

  test.for(['app.test', 'https://app.test/path', 'https://*.app.test x', ''])(
    'does not take %j for origins',
    (origins) => {
      expect(() => readDoorEnvironment({ ...hosted, USHER_ALLOWED_ORIGINS: origins })).toThrow(
        /USHER_ALLOWED_ORIGINS is/,
      )
    },
  )

  test('says all that is missing at once', () => {
    expect(() => readDoorEnvironment({})).toThrow(
      /SUPABASE_URL is missing.*SUPABASE_ANON_KEY is missing/,
    )
  })
})
