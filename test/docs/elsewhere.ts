/**
 * Blocks that another test runs already, with more to say about what comes out. That test names the document.
 *
 * @module
 */
export const RUN_ELSEWHERE: Record<string, Record<string, string>> = {
  'docs/rest.md': { sh: 'test/functions/api-deno.test.ts' },
  'docs/sql.md': { sql: 'test/database/operators.test.ts' },
  'docs/graphql.md': { graphql: 'test/functions/graphql-operations.test.ts' },
}
