/**
 * Builds the command `usher` of the npm package: one file with all that it needs, so that `npx usher` has
 * nothing more to fetch.
 *
 * @module
 */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'

/** Out of `client/cli/` into `dist/cli/index.js`, for Node. */
export async function buildCli(client: string, dist: string): Promise<void> {
  const outDir = join(dist, 'cli')
  await build({
    root: client,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: join(client, 'cli/index.ts'),
      target: 'node20',
      minify: false,
      outDir,
      emptyOutDir: true,
      // Of what is bundled, as those licences ask.
      license: { fileName: 'licences.md' },
      rolldownOptions: { output: { entryFileNames: 'index.js', codeSplitting: false } },
    },
  })
  await chmod(join(outDir, 'index.js'), 0o755)
}
