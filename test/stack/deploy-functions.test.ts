/** What the Supabase CLI makes of config.toml, up to the point where a hosted project takes over. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../supabase/local/ports.ts'

interface Upload {
  metadata: { entrypoint_path: string; import_map_path: string; verify_jwt: boolean }
  files: File[]
}

let folder: string
const uploads = new Map<string, Upload>()

/** Takes what the CLI uploads, as Supabase's management API would. */
async function startManagementApi() {
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk) => chunks.push(chunk))
    incoming.on('end', async () => {
      const slug = incoming.url?.match(/\/functions\/deploy\?slug=([\w-]+)/)?.[1]
      const type = incoming.headers['content-type'] ?? ''
      if (slug) {
        const form = await new Response(Buffer.concat(chunks), {
          headers: { 'content-type': type },
        }).formData()
        uploads.set(slug, {
          metadata: JSON.parse(String(form.get('metadata'))),
          files: form.getAll('file') as File[],
        })
      }
      response.writeHead(slug ? 201 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: slug, slug, name: slug, version: 1, status: 'ACTIVE' }))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usher-deploy-'))
  const { server, url } = await startManagementApi()
  const profile = join(folder, 'profile.yaml')
  const hosts = ['api_url', 'dashboard_url'].map((key) => `${key}: ${url}`)
  await writeFile(
    profile,
    ['name: test', ...hosts, 'project_host: test', 'pooler_host: test', ''].join('\n'),
  )
  const project = ['--remote=abcdefghijklmnopqrst', '--profile', profile]
  // It may end with an error about what our API answers after the uploads; those are what counts.
  await promisify(execFile)(
    'node_modules/.bin/supabase',
    ['functions', 'deploy', '--use-api', '--yes', ...project],
    {
      env: {
        ...process.env,
        DO_NOT_TRACK: '1',
        SUPABASE_ACCESS_TOKEN: `sbp_${'0123456789'.repeat(4)}`,
      },
    },
  ).catch((error) => {
    if (uploads.size === 0) throw error
  })
  server.close()
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
