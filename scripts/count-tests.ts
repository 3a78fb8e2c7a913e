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
for (const name of ['test', 'long', 'postgrest']) {
  const report: Report = JSON.parse(
    await readFile(`node_modules/.cache/usher/${name}.json`, 'utf8'),
  )
  passed += report.numPassedTests
  failed += Math.max(report.numFailedTests, report.numFailedTestSuites)
  if (report.numPassedTests === 0) process.exitCode = 1
}
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
