import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { log, redact } from '../../functions/_shared/log.ts'

describe('the log', () => {
  test.for([
    ['550 <ada.lovelace+x@example.com> is unknown', '550 <…@example.com> is unknown'],
    [`Bearer scim_${'A'.repeat(43)}`, 'Bearer scim_…'],
    [`https://a.example/invite#inv_${'A'.repeat(116)}`, 'https://a.example/invite#inv_…'],
    ['/auth/v1/verify?token=abc&type=signup', '/auth/v1/verify?token=…&type=signup'],
    ['Bearer eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl failed', 'Bearer … failed'],
    ['connect postgres://usher_worker:pass@db:5432/x', 'connect postgres://…@db:5432/x'],
    [`apikey sb_secret_${'F'.repeat(30)}`, 'apikey sb_secret_…'],
    [`Authorization: Bearer sb_secret_${'F'.repeat(30)}`, 'Authorization: Bearer …'],
    ['authorization: bearer  0123456789abcdef', 'authorization: bearer …'],
    ['device_code=3CKMN-3RNJF&x=1', 'device_code=…&x=1'],
    ['{"device_code":"3CKMN-3RNJF"}', '{"device_code":"…"}'],
    ['the device code 3ckmn-3rnjf is unknown', 'the device code … is unknown'],
    ['asked for a later-write', 'asked for a later-write'],
    ['to anna%40example.com', 'to …@example.com'],
    ['/x?to=anna%2Bnews%2540example.com&y=1', '…@example.com&y=1'],
    ["o'brien/a=b@example.com", '…@example.com'],
    ['josé.garcía@example.com', '…@example.com'],
    ['nothing to hide', 'nothing to hide'],
  ] as const)('%s: %s', ([text, safe]) => {
    expect(redact(text)).toBe(safe)
  })

  test('is one line of JSON, also of an error of many lines', () => {
    const written = vi.spyOn(console, 'log').mockImplementation(() => {})
    onTestFinished(() => written.mockRestore())

    log('mail.failed', { error: new Error('to ada@example.com\nrefused'), count: 2 })

    const line = String(written.mock.calls[0]?.[0])
    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      event: 'mail.failed',
      error: 'to …@example.com\nrefused',
      count: 2,
    })
  })

  test('is written at once, however long what went wrong is', () => {
    // Whoever looked through all of it would be at it for hours.
    for (const text of ['a'.repeat(1_000_000), 'eyJ'.repeat(300_000), 'eyJa.'.repeat(200_000)]) {
      expect(redact(text).length).toBeLessThan(5_000)
    }
  })

  test('holds no full address, whatever is around it', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,12}$/)
    fc.assert(
      fc.property(fc.string(), part, part, (around, local, domain) => {
        expect(redact(`${around} ${local}@${domain}.example ${around}`)).not.toContain(
          ` ${local}@${domain}.example `,
        )
      }),
    )
  })
})
