/**
 * Whether the npm package can be published as it stands: builds it, and has publint and
 * are-the-types-wrong look at it, weighs the core, compares the API with its checked-in pages, and publishes it
 * for show, which needs neither network nor login.
 *
 *   npm run check:client
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import { buildClient, CLIENT, DIST } from './build-client.ts'

const LARGEST_CORE = 8 * 1024

await buildClient()
run('publint', ['--strict', CLIENT], 'mend client/package.json or scripts/build-client.ts')
run('attw', ['--pack', CLIENT, '--profile', 'esm-only'], 'mend the exports of client/package.json')
run('node', ['scripts/client-api.ts', '--check'], 'npm run api:client')
run('npm', ['publish', CLIENT, '--dry-run', '--offline'], 'mend client/package.json')

const size = await weigh('index.js')
if (size > LARGEST_CORE) {
  fail(
    `The core has ${size} bytes, gzipped; ${LARGEST_CORE} are allowed. Move something to a subpath.`,
  )
} else {
  console.log(`✓ ${size} bytes, gzipped`)
}

function run(program: string, args: string[], repair: string) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) console.log(`✓ ${program} ${args[0]}`)
  else fail(`${stdout}${stderr}\n✗ ${program} ${args[0]}. To repair: ${repair}`)
}

function fail(message: string) {
  console.error(message)
  process.exitCode = 1
}

/** What an application downloads that uses all of an entry. */
async function weigh(entry: string): Promise<number> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      lib: { entry: join(DIST, entry), formats: ['es'] },
      rolldownOptions: { external: /^[^./]/ },
    },
  })
  const [result] = [built].flat()
  if (!result || !('output' in result)) throw new Error('Vite did not build.')
  return gzipSync(result.output[0].code).length
}
