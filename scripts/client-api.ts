/**
 * The public types of the npm package, as a page to review: a change of the API is a change of
 * `client/api/`. It is made of the built declarations, without their comments; what is generated from the
 * database is left out.
 *
 *   npm run api:client            builds, and writes the pages
 *   npm run api:client -- --check fails when something would change
 *
 * @module
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildClient, DIST } from './build-client.ts'

const PAGES = fileURLToPath(new URL('../client/api/', import.meta.url))
const ENTRIES = { usher: 'index', 'usher-react': 'react/index', 'usher-csv': 'csv/index' }

await buildClient()
const texts = new Map<string, string>()
const core = await reachableFrom('index')
for (const [name, entry] of Object.entries(ENTRIES)) {
  const files =
    entry === 'index' ? core : (await reachableFrom(entry)).filter((file) => !core.includes(file))
  const blocks = files.map((file) => `## ${file}\n\n\`\`\`ts\n${texts.get(file)}\`\`\`\n`)
  const page = `# \`${name.replace('-', '/')}\`\n\nWritten by \`npm run api:client\`. Do not edit.\n\n${blocks.join('\n')}`
  const path = join(PAGES, `${name}.api.md`)
  if ((await readFile(path, 'utf8').catch(() => '')) === page) continue
  if (process.argv.includes('--check')) {
    console.error(`client/api/${name}.api.md is out of date. Run: npm run api:client`)
    process.exitCode = 1
  } else {
    await mkdir(PAGES, { recursive: true })
    await writeFile(path, page)
    console.log(`Wrote client/api/${name}.api.md`)
  }
}

/** The declarations that an entry leads to, itself first, the others by name. */
async function reachableFrom(entry: string): Promise<string[]> {
  const found = new Set<string>()
  const visit = async (file: string): Promise<void> => {
    if (found.has(file) || file.startsWith('generated/')) return
    found.add(file)
    const text = await readFile(join(DIST, `${file}.d.ts`), 'utf8')
    texts.set(file, text.replace(/^ *\/\*\*[\s\S]*?\*\/\n/gm, ''))
    for (const [, path = ''] of text.matchAll(/['"](\.{1,2}\/[^'"]+)\.js['"]/g)) {
      await visit(relative(DIST, join(DIST, dirname(file), path)))
    }
  }
  await visit(entry)
  const [first = entry, ...others] = found
  return [first, ...others.sort()]
}
