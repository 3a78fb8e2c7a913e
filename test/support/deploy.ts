/**
 * What `supabase functions deploy` uploads, up to the point where a hosted project takes over.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from './stack.ts'

export interface Upload {
  metadata: { entrypoint_path: string; import_map_path: string; verify_jwt: boolean }
  files: File[]
}

/**
 * Runs the real CLI.
 *
 * @param workdir - the folder that holds `supabase/`
 * @returns what it uploads, by the name of the function
 */
export async function deployedFunctions(workdir: string): Promise<Map<string, Upload>> {
  const uploads = new Map<string, Upload>()
  const { server, url } = await startManagementApi(uploads)
  const folder = await temporaryFolder()
  const profile = join(folder, 'profile.yaml')
  const hosts = ['api_url', 'dashboard_url'].map((key) => `${key}: ${url}`)
  await writeFile(
    profile,
    ['name: test', ...hosts, 'project_host: test', 'pooler_host: test', ''].join('\n'),
  )
  const project = ['--remote=abcdefghijklmnopqrst', '--profile', profile, '--workdir', workdir]
  // It may end with an error about what our API answers after the uploads; those are what counts.
  await promisify(execFile)(
    resolve('node_modules/.bin/supabase'),
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
  await rm(folder, { recursive: true, force: true })
  return uploads
}

/** Takes what the CLI uploads, as Supabase's management API would. */
async function startManagementApi(uploads: Map<string, Upload>) {
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
