/**
 * Builds the npm package out of `client/` into `client/dist/`: a module a file, so that a bundler takes
 * only what is used, and its types; beside it the command `usher`, and what that brings into a project.
 *
 *   npm run build:client
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { buildCli } from './build-cli.ts'
import { copyProject } from './copy-project.ts'

export const CLIENT = fileURLToPath(new URL('../client/', import.meta.url))
export const DIST = join(CLIENT, 'dist')

if (import.meta.main) await buildClient()

/** @param dist - where to. Default: `client/dist/` */
export async function buildClient(dist = DIST): Promise<void> {
  await build({
    root: CLIENT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      target: 'es2022',
      minify: false,
      outDir: dist,
      emptyOutDir: true,
      lib: {
        entry: [
          'index.ts',
          'csv/index.ts',
          'readable-address.ts',
          'react/index.ts',
          'generated/webhook-event-types.ts',
        ].map((file) => join(CLIENT, file)),
        formats: ['es'],
      },
      rolldownOptions: {
        // What is not ours is the application's: it has, or chooses, the version.
        external: /^[^./]/,
        output: { preserveModules: true, preserveModulesRoot: CLIENT, entryFileNames: '[name].js' },
      },
    },
  })
  await buildTypes(dist)
  await buildCli(CLIENT, dist)
  await copyProject(join(CLIENT, '..'), join(dist, 'project'))
  await copyFile(join(CLIENT, '..', 'LICENSE'), join(dist, '..', 'LICENSE'))
}

async function buildTypes(dist: string): Promise<void> {
  const { status, stdout } = spawnSync(
    'tsc',
    ['--project', join(CLIENT, 'tsconfig.json'), '--outDir', dist],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`The types were not built:\n${stdout}`)

  // tsc leaves the endings of imports alone in declarations, where not every reader knows `.ts`.
  for (const file of await readdir(dist, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue
    const text = await readFile(join(dist, file), 'utf8')
    const renamed = text.replace(/(['"])(\.{1,2}\/[^'"]+)\.tsx?\1/g, '$1$2.js$1')
    await writeFile(join(dist, file), renamed)
  }
}
