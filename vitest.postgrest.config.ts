/** `npm run test:postgrest`: whatever reaches `public`, once more over PostgREST itself. */
import { mergeConfig } from 'vitest/config'
import { hasPostgrest } from './supabase/local/postgrest.ts'
import { shared } from './vitest.config.ts'

if (!hasPostgrest) console.warn('npm has no PostgREST for this machine: nothing is run over it.')

export default mergeConfig(shared, {
  test: {
    name: 'postgrest',
    include: [
      'test/{client,database,doors}/**/*.test.{ts,tsx}',
      'test/functions/{api,graphql,long-lists}*.test.ts',
      'test/stack/{closed-door,differences}.test.ts',
    ],
    // The package reaches nothing of it that the others do not.
    exclude: hasPostgrest ? ['test/client/package.test.ts'] : ['**'],
    passWithNoTests: !hasPostgrest,
    env: { USHER_REST: 'postgrest' },
    globalSetup: ['test/support/global-setup.ts', 'test/support/stack-setup.ts'],
    outputFile: { json: 'node_modules/.cache/usher/postgrest.json' },
  },
})
