/**
 * The package as it would be published: checked, packed, installed, compiled and run.
 *
 * @module-tag long
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { build, preview } from 'vite'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumOptions } from '../support/chromium.ts'
import { pack } from '../support/package.ts'
import { temporaryFolder } from '../support/stack.ts'
import { sharedStack } from './people.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = fileURLToPath(new URL('package/', import.meta.url))
const stack = sharedStack()
let folder: string

/** What the applications have installed beside the package: the peers, and what they are made with. */
const INSTALLED = [
  '@supabase/supabase-js',
  '@tanstack/react-query',
  '@types/node',
  '@types/react',
  '@types/react-dom',
  'csv-parse',
  'react',
  'react-dom',
]
const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  target: 'es2022',
  jsx: 'react-jsx',
  skipLibCheck: false,
  noEmit: true,
}

beforeAll(async () => {
  folder = await temporaryFolder()
  await run('node', ['scripts/check-client.ts'], { cwd: ROOT })
  await pack(join(ROOT, 'client'), folder)
  await run('tar', ['-xzf', 'usher.tgz'], { cwd: folder })
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** An application of its own, with the unpacked tarball among its modules. */
async function application(name: string, compilerOptions: object): Promise<string> {
  const app = join(folder, name)
  await cp(join(SOURCES, name), app, { recursive: true })
  await cp(join(folder, 'package'), join(app, 'node_modules/usher'), { recursive: true })
  for (const installed of INSTALLED) {
    const link = join(app, 'node_modules', installed)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(ROOT, 'node_modules', installed), link)
  }
  const dependencies = Object.fromEntries(['usher', ...INSTALLED].map((name) => [name, '*']))
  await writeFile(join(app, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
  const options = { ...STRICT, ...compilerOptions }
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))
  return app
}

/** What the compiler says of the application and of the package; supabase-js has faults of its own. */
async function faultsOf(app: string): Promise<string[]> {
  const { stdout } = await run('tsc', ['--project', app], { cwd: app }).catch((failed) => failed)
  return stdout.split('\n').filter((line: string) => /^(main|node_modules)/.test(line))
}

async function scene() {
  const { id, owner } = await stack.organisation()
  const { apiUrl, publishableKey } = stack.stack
  const env = {
    ...process.env,
    API_URL: apiUrl,
    KEY: publishableKey,
    EMAIL: owner.email,
    ORGANISATION: id,
  }
  return { id, owner, env, apiUrl, publishableKey }
}

describe('the published tarball', { timeout: 120_000 }, () => {
  test('holds what it needs, and no source, test or console', async () => {
    const { stdout } = await run('tar', ['-tzf', 'usher.tgz'], { cwd: folder })
    const files = stdout.trim().split('\n')

    expect(files).toContain('package/dist/index.js')
    expect(files).toContain('package/README.md')
    expect(files).toContain('package/LICENSE')
    expect(files).toContain('package/dist/cli/index.js')
    expect(
      files.filter((file) => !/\/dist\/|README\.md$|LICENSE$|package\.json$/.test(file)),
    ).toEqual([])
    expect(files.filter((file) => /console|test/.test(file))).toEqual([])
    const code = await run(
      'cat',
      files.filter((file) => file.endsWith('.js') && !file.includes('/cli/')),
      { cwd: folder },
    )
    expect(code.stdout).not.toMatch(/\b(window|document|process|Deno)\./)
    const manifest = JSON.parse(await readFile(join(folder, 'package/package.json'), 'utf8'))
    expect(manifest.dependencies).toBeUndefined()
  })

  test('works in an empty Node script', async () => {
    const { env, id, owner } = await scene()
    const app = await application('node-script', {
      module: 'nodenext',
      lib: ['es2023', 'dom', 'dom.iterable'],
      types: ['node'],
    })

    expect(await faultsOf(app)).toEqual([])
    const { stdout } = await run('node', ['main.ts'], { cwd: app, env })

    const { outcomes, emails } = JSON.parse(stdout)
    expect(outcomes).toMatchObject([{ status: 'created' }, { errorCode: 'invalid_email' }])
    expect(emails).toEqual(['one@example.com'])
    expect((await owner.must.invites.list(id)).data).toHaveLength(1)
  })

  test('works in a Deno script', async () => {
    const { env } = await scene()
    const app = await application('deno-script', {})
    await rm(join(app, 'tsconfig.json'))
    await writeFile(join(app, 'deno.json'), JSON.stringify({ nodeModulesDir: 'manual' }))

    await run('deno', ['check', 'main.ts'], { cwd: app, env })
    const { stdout } = await run('deno', ['run', '--allow-all', 'main.ts'], { cwd: app, env })

    expect(JSON.parse(stdout)).toMatchObject({
      outcomes: [{ status: 'created' }],
      isDate: true,
      code: 'invite_invalid',
    })
  })

  test('works in an empty Vite app, in a browser', async () => {
    const { id, owner, apiUrl, publishableKey } = await scene()
    const member = await stack.join(owner, id, ['member'])
    const app = await application('vite-app', {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
      types: [],
    })

    expect(await faultsOf(app)).toEqual([])
    const config = { root: app, configFile: false, logLevel: 'error' } as const
    await build({
      ...config,
      define: { STACK: JSON.stringify({ apiUrl, publishableKey, email: owner.email, id }) },
    })
    const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } })
    onTestFinished(() => server.close())
    const browser = await chromium.launch(await chromiumOptions())
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', ({ message }) => problems.push(message))

    await page.goto(`${server.resolvedUrls?.local[0]}#inv_abc`)
    const row = page.locator('li', { hasText: member.email })
    await row.getByText('member').waitFor()
    expect(await page.locator('#token').textContent()).toBe('inv_abc')
    expect(page.url()).not.toContain('inv_')
    await row.getByRole('button').click()
    await row.getByText('admin').waitFor()
    await page.locator('input').setInputFiles({
      name: 'people.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('email\nfile@example.com\nnobody\n'),
    })
    await page.getByText('created,failed').waitFor()

    expect((await owner.must.members.get(id, member.userId)).data?.roles).toEqual(['admin'])
    expect(problems).toEqual([])
  })
})
