/**
 * Prints the last line of a CI run, `N passed, N failed`, out of the JSON reports of its runs of the test runner.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'

interface Report {
  numPassedTests: number
  numFailedTests: number
  numFailedTestSuites: number
}

let passed = 0
let failed = 0
for (const run of ['test', 'long', 'postgrest']) {
  const text = await readFile(`node_modules/.cache/usher/${run}.json`, 'utf8').catch(() => null)
  const report: Report | null = text && JSON.parse(text)
  if (!report?.numPassedTests) console.error(`The run "${run}" passed no test, or did not end.`)
  passed += report?.numPassedTests ?? 0
  // A file that cannot be loaded has no test that fails.
  failed += report?.numPassedTests ? report.numFailedTests || report.numFailedTestSuites : 1
}
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
