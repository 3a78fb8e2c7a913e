/**
 * Everything that can be checked without running the product: format, lint, types, SQL, and that
 * generated files are fresh. Each failure says which command repairs it.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { BASELINE } from './baseline-text.ts'
import { sqlFiles } from './sql-files.ts'

// The baseline holds what sql/ holds, and the bridge what pg-delta wrote between two files by hand.
const migrations = [
  ...readdirSync('supabase/migrations').map((file) => `supabase/migrations/${file}`),
  'supabase/bridge/before.sql',
  'supabase/bridge/after.sql',
].filter((file) => file !== BASELINE)
const sql = sqlFiles().map((file) => `sql/${file}`)

const CHECKS = [
  { name: 'format and lint', command: ['biome', 'ci', '.'], repair: 'npm run fix' },
  { name: 'types', command: ['tsc', '--noEmit'], repair: 'mend the lines above' },
  { name: 'SQL', command: ['squawk', ...migrations, ...sql], repair: 'mend the lines above' },
  {
    name: 'SQL format',
    command: ['node', 'scripts/format-sql.ts', '--check'],
    repair: 'npm run fix',
  },
  {
    name: 'baseline',
    command: ['node', 'scripts/baseline.ts', '--check'],
    repair: 'npm run baseline',
  },
  {
    name: 'generated files',
    command: ['node', 'scripts/generate.ts', '--check'],
    repair: 'npm run generate',
  },
  {
    name: 'npm package',
    command: ['node', 'scripts/check-client.ts'],
    repair: 'do as the lines above say',
  },
]

const failed = CHECKS.filter(({ name, command: [program = '', ...args], repair }) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) console.log(`✓ ${name}`)
  else console.error(`${stdout}${stderr}\n✗ ${name}. To repair: ${repair}`)
  return status !== 0
})
process.exitCode = failed.length > 0 ? 1 : 0
