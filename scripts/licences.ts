/**
 * Writes docs/licences.md: what is shipped or loaded at run time, with what it needs in turn, and under which
 * licence. Ends with 1 when one is not permissive, and, with `--check`, when the page is not fresh.
 *
 * Run time is what the edge functions load (functions/deno.json), and what the npm package and the console
 * import. Everything else in package.json builds or tests, and reaches nobody.
 *
 * @module
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'

const PAGE = 'docs/licences.md'
const ALLOWED = ['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD']

interface Locked {
  version: string
  license?: string
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
}
const locked = (
  JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> }
).packages

/** The packages that files name in their imports. */
function importedBy(pattern: string): string[] {
  const texts = globSync(pattern, { exclude: ['client/dist/**'] }).map((file) =>
    readFileSync(file, 'utf8'),
  )
  return texts.flatMap((text) =>
    [...text.matchAll(/(?:^import |(?<!\.)\bfrom |\bimport\()'([^'.#][^']*)'/gm)].map(
      ([, name = '']) => packageOf(name),
    ),
  )
}
const packageOf = (specifier: string) =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

/** Where npm has put a package for the one that needs it: next to it, or further out. */
function find(name: string, from: string): string | null {
  for (
    let folder = from;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  ) {
    const path = `${folder ? `${folder}/` : ''}node_modules/${name}`
    if (locked[path]) return path
    if (!folder) return null
  }
}

function collect(roots: string[]): Map<string, Locked> {
  const found = new Map<string, Locked>()
  const queue = roots.map((name) => {
    const path = find(name, '')
    if (!path) throw new Error(`${name} is imported, and not in package-lock.json.`)
    return path
  })
  for (const path of queue) {
    const entry = locked[path]
    if (!entry || found.has(path)) continue
    found.set(path, entry)
    const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = entry
    const peers = Object.keys(peerDependencies).filter(
      (peer) => !peerDependenciesMeta[peer]?.optional,
    )
    for (const name of [...Object.keys(dependencies), ...peers]) {
      const next = find(name, path)
      if (next) queue.push(next)
    }
  }
  return found
}

/** Of an SPDX expression: one of several is enough, all of several have to be. */
function isAllowed(license = ''): boolean {
  const plain = license.replace(/^\((.*)\)$/, '$1')
  if (plain.includes(' OR ')) return plain.split(' OR ').some(isAllowed)
  return plain.split(' AND ').every((each) => ALLOWED.includes(each))
}

const { imports } = JSON.parse(readFileSync('functions/deno.json', 'utf8')) as {
  imports: Record<string, string>
}
const ours = ['usher', 'virtual:']
const roots = [
  ...Object.values(imports).map((specifier) =>
    packageOf(specifier.replace(/^npm:/, '').replace(/(.)@[\d.][^/]*/, '$1')),
  ),
  ...importedBy('client/**/*.{ts,tsx}'),
  ...importedBy('functions/**/*.{ts,tsx}'),
].filter(
  (name) =>
    !name.startsWith('node:') &&
    !builtinModules.includes(name) &&
    !ours.some((own) => name.startsWith(own)),
)
const shipped = [...collect([...new Set(roots)])]
  .map(([path, { version, license }]) => ({
    name: path.split('node_modules/').at(-1),
    version,
    license,
  }))
  .sort(
    (a, b) =>
      (a.name ?? '').localeCompare(b.name ?? '', 'en') || a.version.localeCompare(b.version),
  )

const refused = shipped.filter(({ license }) => !isAllowed(license))
const table = (packages: typeof shipped) => `| package | version | licence |
|---|---|---|
${packages.map(({ name, version, license }) => `| ${name} | ${version} | ${license ?? 'none given'} |`).join('\n')}
`
const page = `# Licences

What is shipped or loaded at run time, with what it needs in turn. Written by \`npm run licences\`, which fails
for anything but ${ALLOWED.slice(0, -1).join(', ')} and ${ALLOWED.at(-1)}. What only builds or tests, such as axe-core
(MPL-2.0), reaches nobody and is not listed. Usher itself is Apache-2.0.

## Outside that list

To be decided on, or done without; until then \`npm run licences\` fails.

${refused.length > 0 ? table(refused) : 'None.\n'}
## All

${table(shipped)}`

for (const { name, version, license } of refused) {
  console.error(`${name} ${version} is under ${license ?? 'no licence'}, which we do not ship.`)
}
const isStale =
  process.argv.includes('--check') && readFileSync(PAGE, { encoding: 'utf8', flag: 'a+' }) !== page
if (isStale) console.error(`${PAGE} is not fresh.`)
else writeFileSync(PAGE, page)
if (refused.length > 0 || isStale) process.exitCode = 1
