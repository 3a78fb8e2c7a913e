import { createRequire } from 'node:module'
import { defineConfig, mergeConfig } from 'vitest/config'

/** What all runs have in common. */
export const shared = defineConfig({
  resolve: {
    // graphql is there twice, once for development, and the two do not know each other's errors. Tests
    // take the one that Node gives to the libraries, as it is when the code runs outside of tests.
    alias: { graphql: createRequire(import.meta.url).resolve('graphql') },
  },
  test: {
    // Postgres, SMTP servers and whole stacks share two cores with the tests.
    maxWorkers: 2,
    // A fifth of the time went into loading the same modules anew for each file.
    isolate: false,
    // How long that may take says nothing of the code: whoever waits, waits long enough for a slow machine.
    expect: { poll: { timeout: 20_000 } },
    tags: [{ name: 'long', description: 'longer than one waits for; for `npm run test:long`' }],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The log of a test that passes is noise.
    silent: 'passed-only',
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
  },
})

export default mergeConfig(shared, {
  test: {
    outputFile: { json: 'node_modules/.cache/usher/test.json' },
    projects: [
      {
        extends: true,
        test: {
          name: 'rules',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ['test/{browser,client,doors}/**'],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'client',
          include: ['test/{client,doors}/**/*.test.{ts,tsx}'],
          globalSetup: ['test/support/global-setup.ts', 'test/support/stack-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/support/browser-setup.ts'],
          testTimeout: 120_000,
        },
      },
    ],
  },
})
