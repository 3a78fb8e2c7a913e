/**
 * Prints the last line of a CI run, `N passed, N failed`, out of the test runner's JSON report.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'

const report = JSON.parse(await readFile('node_modules/.cache/usher/vitest.json', 'utf8')) as {
  numPassedTests: number
  numFailedTests: number
  numFailedTestSuites: number
}
const failed = Math.max(report.numFailedTests, report.numFailedTestSuites)
console.log(`${report.numPassedTests} passed, ${failed} failed`)
if (failed > 0 || report.numPassedTests === 0) process.exitCode = 1
