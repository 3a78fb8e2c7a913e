/**
 * Makes a package of evidence for an auditor, over the database of its operator.
 *
 *   npm run evidence -- --organisation acme --since 2026-01-01 --until 2026-04-01 --out evidence.zip
 *
 * `--database` is the address of the database as its owner; without it, `USHER_OPERATOR_URL`, or that of the
 * local stack. Without `--until` the period ends now; without `--out` the file is named after both.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { buildEvidencePackage, databaseSource } from '../client/evidence/index.ts'

const { values } = parseArgs({
  options: {
    organisation: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    out: { type: 'string' },
    database: { type: 'string' },
  },
})

if (!values.organisation || !values.since) {
  console.error(
    'Say whose evidence, and since when: npm run evidence -- --organisation acme --since 2026-01-01',
  )
  process.exit(2)
}
for (const time of [values.since, values.until]) {
  if (time !== undefined && Number.isNaN(Date.parse(time))) {
    console.error(`${time} is no time: write ISO 8601, such as 2026-01-01 or 2026-01-01T00:00:00Z.`)
    process.exit(2)
  }
}

const sql = postgres(await databaseUrl(), { max: 1, onnotice: () => {} })
try {
  // A day without a time begins in UTC, wherever the database is.
  const since = new Date(values.since).toISOString()
  const until = values.until && new Date(values.until).toISOString()
  const { name, zip, manifest, manifestSum } = await buildEvidencePackage(
    databaseSource(sql, values.organisation, { since, until }),
  )
  const file = values.out ?? name
  await writeFile(file, zip)
  const { trail } = manifest
  console.log(`Wrote ${file}: ${manifest.files.length} files, ${trail.events} events.`)
  console.log(`Newest seal ${trail.head_seal}: ${trail.head_hash}`)
  console.log(`SHA-256 of its manifest, to be noted elsewhere: ${manifestSum}`)
} catch (error) {
  console.error(wordsOf(error))
  process.exitCode = 1
} finally {
  await sql.end()
}

async function databaseUrl(): Promise<string> {
  const given = values.database ?? process.env.USHER_OPERATOR_URL
  if (given) return given
  const folder = process.env.USHER_DATA ?? join(import.meta.dirname, '..', '.usher')
  const text = await readFile(join(folder, 'stack.json'), 'utf8').catch(() => null)
  if (text) return JSON.parse(text).databaseUrl
  console.error('Say which database: --database postgres://…, or run the local stack by npm start.')
  process.exit(2)
}

/** A refusal of the database is JSON; its message and hint are for people. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!('code' in error) || error.code !== 'PGRST') return error.message
  const { message, hint } = JSON.parse(error.message)
  return `${message} ${hint}`
}
