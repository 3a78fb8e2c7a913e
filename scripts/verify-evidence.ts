/**
 * Checks a package of evidence, offline: it reads the file and nothing else.
 *
 *   npm run evidence:verify -- evidence.zip
 *   npm run evidence:verify -- evidence.zip --seal 9f86d081…
 *
 * `--seal` is a hash that was noted elsewhere, such as of an earlier package; it has to be in the chain. May be
 * given several times. Ends with 1 when something does not fit.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { verifyEvidencePackage } from '../client/evidence/index.ts'

const MOST_PROBLEMS = 50

const { values, positionals } = parseArgs({
  options: { seal: { type: 'string', multiple: true } },
  allowPositionals: true,
})
const [file] = positionals
if (!file) {
  console.error('Say which package: npm run evidence:verify -- evidence.zip')
  process.exit(2)
}

try {
  const found = await verifyEvidencePackage(await readFile(file), { knownSeals: values.seal })
  const { organisation, since, until, trail, files } = found.manifest
  console.log(`${organisation.name}, from ${since} to ${until}`)
  for (const { problem, what } of found.problems.slice(0, MOST_PROBLEMS)) {
    console.log(`${problem}: ${what}`)
  }
  if (found.isWhole) {
    console.log(`Whole: ${trail.events} events under their seals, and ${files.length} files.`)
  } else {
    console.log(`Not whole: ${found.problems.length} things do not fit; begin with the first.`)
    process.exitCode = 1
  }
  console.log(`Newest seal ${trail.head_seal}: ${trail.head_hash}`)
  console.log(`SHA-256 of its manifest: ${found.manifestSum}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
