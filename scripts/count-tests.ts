/**
 * Prints the last line of a CI run, `N passed, N failed`, out of the JSON reports of its runs of the test runner.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { hasPostgrest } from '../supabase/local/postgrest.ts'

interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

let passed = 0
let failed = 0
for (const run of ['test', 'long', ...(hasPostgrest ? ['postgrest'] : [])]) {
  const text = await readFile(`node_modules/.cache/usher/${run}.json`, 'utf8').catch(() => null)
  const report: Report | null = text && JSON.parse(text)
  if (!report?.numPassedTests) {
    console.error(`The run "${run}" passed no test, or did not end.`)
    failed += 1
    continue
  }
  // A file that cannot be loaded has no test that fails.
  const unread = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  passed += report.numPassedTests
  failed += report.numFailedTests + unread.length
}
if (process.platform === 'linux' && process.arch === 'x64' && !hasPostgrest) {
  console.error('npm has left PostgREST out, so nothing was run over it: npm ci once more.')
  failed += 1
}
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
