import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    globalSetup: ['test/support/global-setup.ts'],
    // Postgres, SMTP servers and whole stacks share two cores with the tests.
    maxWorkers: 2,
    // The log of a test that passes is noise.
    silent: 'passed-only',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: process.env.CI
      ? ['default', ['json', { outputFile: 'node_modules/.cache/usher/vitest.json' }]]
      : ['default'],
  },
})
