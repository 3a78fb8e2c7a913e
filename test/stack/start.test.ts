import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isFree } from '../../supabase/local/ports.ts'
import {
  freeRange,
  PORTS,
  type Run,
  runStart,
  temporaryFolder,
  untilReady,
} from '../support/stack.ts'

async function place(seed = 'none') {
  const folder = await temporaryFolder()
  const port = await freeRange()
  const env = { USHER_DATA: folder, USHER_PORT: String(port), USHER_SEED: seed }
  const runs: Run[] = []
  onTestFinished(async () => {
    for (const run of runs) {
      run.process.kill('SIGTERM')
      await run.ended
    }
    await rm(folder, { recursive: true, force: true })
  })
  return {
    folder,
    port,
    env,
    start() {
      const run = runStart(env)
      runs.push(run)
      return run
    },
  }
}

const count = async (url: string, query: string) => {
  const sql = postgres(url, { max: 1 })
  const [row] = await sql.unsafe(query)
  await sql.end()
  return row?.n
}

describe('npm start', { timeout: 60_000 }, () => {
  test('says where everything answers, and all of it does', async () => {
    const { start, folder } = await place('demo')
    const run = start()
    const stack = await untilReady(run, folder)

    expect(Object.keys(stack)).toEqual([
      'apiUrl',
      'publishableKey',
      'secretKey',
      'databaseUrl',
      'functionsUrl',
      'mailboxUrl',
      'smtpUrl',
      'consoleUrl',
      'jwtSecret',
    ])
    expect(
      await count(stack.databaseUrl, 'select count(*)::int as n from public.organisations'),
    ).toBe(2)
    expect(run.output()).toMatch(/owner@example\.com +Example Rockets: owner/)
    const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status
    expect(await status(`${stack.mailboxUrl}/email`)).toBe(200)
    expect(await status(stack.consoleUrl)).toBe(200)
    expect(await status(`${stack.consoleUrl}/invite`)).toBe(200)
    expect(await status(`${stack.functionsUrl}/send-mail`, { method: 'POST' })).toBe(401)
    expect(await status(`${stack.functionsUrl}/no-such-function`)).toBe(404)
    expect(await status(`${stack.functionsUrl}/_shared`)).toBe(404)
    expect(await status(`${stack.apiUrl}/rest/v1/organisations`)).toBe(401)
  })

  test('says to reset where the database was made by other migrations', async () => {
    const { start, folder, port } = await place()
    const first = start()
    const { databaseUrl } = await untilReady(first, folder)
    const sql = postgres(databaseUrl, { max: 1 })
    // As the stack of before the first release has it.
    await sql`update supabase_migrations.schema_migrations
      set version = '20261121000000', name = 'trunk'`
    await sql.end()
    first.process.kill('SIGTERM')
    await first.ended

    const second = start()

    expect(await second.ended).toBe(1)
    expect(second.output()).toMatch(/another 20261121000000_trunk\.sql .* npm run reset/)
    expect(await isFree(port)).toBe(true)
  })

  test('keeps the data over a restart, leaves nothing behind, and takes one place once', async () => {
    const { start, folder, port } = await place()
    const first = start()
    const { databaseUrl } = await untilReady(first, folder)
    await count(
      databaseUrl,
      `insert into usher.rate_limits values ('kept', now(), 1) returning 1 as n`,
    )

    const second = start()
    expect(await second.ended).toBe(1)
    expect(second.output()).toContain(`The stack is running already in ${folder}`)

    first.process.kill('SIGINT')
    expect(await first.ended).toBe(0)
    expect(existsSync(join(folder, 'stack.json'))).toBe(false)
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => isFree(port + i)))
    expect(free.every(Boolean)).toBe(true)

    const third = start()
    await untilReady(third, folder)
    expect(
      await count(
        databaseUrl,
        `select count(*)::int as n from usher.rate_limits where key = 'kept'`,
      ),
    ).toBe(1)
  })

  test('is told to end with all its processes at once, and leaves nothing behind', {
    tags: 'long',
  }, async () => {
    const { folder, env } = await place()
    const run = runStart(env, undefined, true)
    onTestFinished(() => void run.process.kill('SIGKILL'))
    const { databaseUrl } = await untilReady(run, folder)
    // A function that runs, too.
    await fetch(`${(await untilReady(run, folder)).functionsUrl}/api/openapi.json`)

    process.kill(-(run.process.pid ?? 0), 'SIGTERM')

    expect(await run.ended).toBe(0)
    expect(await isFree(Number(new URL(databaseUrl).port))).toBe(true)
    expect(existsSync(join(folder, 'stack.json'))).toBe(false)
    expect(existsSync(join(folder, 'lock'))).toBe(false)
  })

  test('a run that was killed is taken over with no data lost', { tags: 'long' }, async () => {
    const { start, folder } = await place()
    const killed = start()
    const { databaseUrl } = await untilReady(killed, folder)
    await count(
      databaseUrl,
      `insert into usher.rate_limits values ('kept', now(), 1) returning 1 as n`,
    )
    killed.process.kill('SIGKILL')
    await killed.ended

    await untilReady(start(), folder)

    expect(
      await count(
        databaseUrl,
        `select count(*)::int as n from usher.rate_limits where key = 'kept'`,
      ),
    ).toBe(1)
  })

  test('two stacks run side by side', { tags: 'long' }, async () => {
    const [one, two] = [await place(), await place()]
    const [a, b] = await Promise.all([
      untilReady(one.start(), one.folder),
      untilReady(two.start(), two.folder),
    ])

    expect(a.apiUrl).not.toBe(b.apiUrl)
    expect(a.jwtSecret).not.toBe(b.jwtSecret)
  })

  test('a port that is taken is named in one sentence', async () => {
    const { start, port } = await place()
    const squatter = createServer().listen(port + 3, '127.0.0.1')
    onTestFinished(() => void squatter.close())
    const run = start()

    expect(await run.ended).toBe(1)
    expect(run.output().trim()).toBe(
      `Port ${port + 3}, for the mailbox, is taken by another program; set USHER_PORT to move all ports, such as USHER_PORT=55000.`,
    )
  })

  test('a folder that cannot be written is named in one sentence', async () => {
    const { folder, env } = await place()
    await writeFile(join(folder, 'file'), '')
    const run = runStart({ ...env, USHER_DATA: join(folder, 'file', 'data') })

    expect(await run.ended).toBe(1)
    expect(run.output()).toMatch(
      /^\nThe data folder .* cannot be written \(ENOTDIR\); choose another one with USHER_DATA\.\n$/,
    )
  })

  test.for([
    [{ USHER_PORT: 'http' }, 'USHER_PORT is a number'],
    [{ USHER_PORT: '80' }, 'USHER_PORT is a number'],
    [{ USHER_SEED: 'nothing' }, 'USHER_SEED is "none"'],
  ] as const)('%j: %s', async ([wrong, sentence]) => {
    const { env } = await place()
    const run = runStart({ ...env, ...wrong })

    expect(await run.ended).toBe(1)
    expect(run.output()).toContain(sentence)
  })

  test('an old Node is told so', async () => {
    const script = `const { requireNode } = await import('./supabase/local/node-version.js'); requireNode('20.20.2')`
    const run = runStart({}, ['--input-type=module', '-e', script])

    expect(await run.ended).toBe(1)
    expect(run.output()).toMatch(/^Node 20\.20\.2 is too old/)
  })
})

describe('npm run reset', { timeout: 60_000 }, () => {
  test('deletes the data, but not under a running stack, and nothing that is not ours', async () => {
    const { start, folder, env } = await place()
    const reset = async (data: string) => {
      const run = runStart({ ...env, USHER_DATA: data }, ['supabase/local/reset.js'])
      return { status: await run.ended, output: run.output() }
    }
    const run = start()
    await untilReady(run, folder)

    expect(await reset(folder)).toMatchObject({
      status: 1,
      output: expect.stringContaining('stop it first'),
    })
    run.process.kill('SIGTERM')
    await run.ended

    await mkdir(join(folder, 'precious'))
    expect(await reset(join(folder, 'precious'))).toMatchObject({
      status: 1,
      output: expect.stringContaining('nothing was deleted'),
    })
    expect(await reset(folder)).toMatchObject({ status: 0 })
    expect(existsSync(folder)).toBe(false)
  })
})
