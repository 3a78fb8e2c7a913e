/** What the Supabase CLI makes of config.toml, up to the point where a hosted project takes over. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../supabase/local/ports.ts'
import { deployedFunctions, type Upload } from '../support/deploy.ts'

let folder: string
let uploads: Map<string, Upload>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usher-deploy-'))
  uploads = await deployedFunctions('.')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('supabase functions deploy', () => {
  test('finds every function that there is, and takes its settings', async () => {
    const names = (await readdir('functions', { recursive: true }))
      .filter((file) => /^[^/]+\/index\.ts$/.test(file))
      .map((file) => dirname(file))
      .sort()

    expect([...uploads.keys()].sort()).toEqual(names)
    for (const [name, { metadata }] of uploads) {
      expect(metadata).toMatchObject({
        entrypoint_path: `functions/${name}/index.ts`,
        import_map_path: 'functions/deno.json',
        verify_jwt: false,
      })
    }
  })

  test('what it uploads is the whole of the REST function: it starts from that alone', async () => {
    for (const file of uploads.get('api')?.files ?? []) {
      const path = join(folder, file.name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, Buffer.from(await file.arrayBuffer()))
    }
    // Hosted, these come from npm, by the versions of deno.json.
    await symlink(resolve('node_modules'), join(folder, 'node_modules'))
    const port = await freePort()
    const child = spawn(
      'node_modules/.bin/deno',
      [
        'run',
        '--quiet',
        '--no-remote',
        '--node-modules-dir=manual',
        '--allow-net',
        '--allow-env',
        '--allow-read',
        `--config=${join(folder, 'functions/deno.json')}`,
        join(folder, uploads.get('api')?.metadata.entrypoint_path ?? ''),
      ],
      {
        env: {
          PATH: process.env.PATH,
          // All that a hosted function is given.
          SUPABASE_URL: 'https://project.supabase.test',
          SUPABASE_ANON_KEY: 'key',
          DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
        },
      },
    )
    onTestFinished(() => end(child))
    let output = ''
    child.stderr.on('data', (data) => {
      output += data
    })

    await expect
      .poll(() => fetch(`http://127.0.0.1:${port}/api/openapi.json`).then((it) => it.json()), {
        timeout: 15_000,
        message: output,
      })
      .toMatchObject({ servers: [{ url: 'https://project.supabase.test/functions/v1' }] })
    expect(output).toBe('')
  })
})

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGTERM')
  await ended
}
