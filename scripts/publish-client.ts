/**
 * Publishes the npm package, once everything is ready for it: the changelog has a section of its version on
 * top, and check-client finds nothing.
 *
 *   npm run publish:client            checks, and publishes; in a CI that npm trusts, for the provenance
 *   npm run publish:client -- --dry-run
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CLIENT } from './build-client.ts'

const { version } = JSON.parse(await readFile(join(CLIENT, 'package.json'), 'utf8'))
const changelog = await readFile(join(CLIENT, '..', 'CHANGELOG.md'), 'utf8')
const newest = changelog.match(/^## (.+)$/m)?.[1]
const isDryRun = process.argv.includes('--dry-run')

if (newest !== version) {
  const message = `CHANGELOG.md begins with "${newest}", and client/package.json says ${version}. Name the section after the version.`
  if (isDryRun) console.warn(message)
  else end(message)
}
run('node', ['scripts/check-client.ts'])
run('npm', ['publish', CLIENT, ...(isDryRun ? ['--dry-run', '--offline'] : [])])

function run(program: string, args: string[]) {
  const { status } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) end(`${program} ${args[0]} ended with ${status}. Nothing was published.`)
}

function end(message: string): never {
  console.error(message)
  process.exit(1)
}
