/** Evidence of the demo organisation: by the operator's command, by the API, and without a network. */
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiSource } from '../../client/evidence/api-source.ts'
import { buildEvidencePackage } from '../../client/evidence/index.ts'
import { createUsher } from '../../client/index.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { eventsOf, forge, type Texts, unpack, withEvents } from '../evidence/tampering.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

const run = promisify(execFile)
let folder: string
let start: Run
let stack: Stack

beforeAll(async () => {
  folder = await temporaryFolder()
  start = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
  stack = await untilReady(start, folder)
})

afterAll(async () => {
  start.process.kill('SIGTERM')
  await start.ended
  await rm(folder, { recursive: true, force: true })
})

const command = (...args: string[]) =>
  run('node', args, { env: { ...process.env, USHER_DATA: folder, NO_COLOR: '1' } })
const verify = (file: string) => command('scripts/verify-evidence.ts', file)

/** Without what is of its own moment. */
const settled = (texts: Texts, path: string) =>
  JSON.parse(texts[path] ?? '[]').map(({ at: _, ...row }: Record<string, unknown>) => row)

describe('evidence of the demo organisation', { timeout: 60_000 }, () => {
  test('is whole, and one event changed in a copy is pointed to, without any server', async () => {
    const file = join(folder, 'evidence.zip')
    const made = await command(
      'scripts/evidence.ts',
      ...['--organisation', 'example-rockets', '--since', '2026-01-01', '--out', file],
    )
    const texts = unpack(await readFile(file))
    const events = eventsOf(texts)
    const revoked = events.find(({ event }) => event?.includes('"invite.revoked"'))
    if (revoked?.event) revoked.event = revoked.event.replace('"revoked"', '"accepted"')
    const copy = join(folder, 'copy.zip')
    await writeFile(copy, await forge(withEvents(texts, events)))

    const whole = await verify(file)
    const broken = await verify(copy).catch((error: { code: number; stdout: string }) => error)

    expect(whole.stdout).toContain('Whole: ')
    const sum = made.stdout.match(/manifest.*: ([0-9a-f]{64})/)?.[1]
    expect(whole.stdout).toContain(`SHA-256 of its manifest: ${sum}`)
    expect(broken).toMatchObject({ code: 1 })
    expect(broken.stdout).toContain(`event_changed: Event ${revoked?.event_id} was changed`)
    expect(texts['tables/rights.csv']).toContain('Finn Finance')
    expect(texts['report.html']).toContain('<h1>Evidence of access rights: Example Rockets</h1>')
  })

  test('says the same to an admin by the API as to the operator by the database', async () => {
    const supabase = createClient(stack.apiUrl, stack.publishableKey, {
      auth: { persistSession: false },
    })
    await supabase.auth.signInWithPassword({ email: 'admin@example.com', password: 'password' })
    const usher = createUsher(supabase)
    const { data } = await usher.organisations.listMine()
    const rockets = data?.find(({ slug }) => slug === 'example-rockets')
    const until = new Date().toISOString()
    const period = { since: '2026-01-01T00:00:00Z', until }
    const byApi = await buildEvidencePackage(apiSource(usher, rockets?.id ?? '', period))
    const file = join(folder, 'operator.zip')
    await command(
      'scripts/evidence.ts',
      ...['--organisation', 'example-rockets', '--since', period.since, '--until', until],
      ...['--out', file],
    )

    const [mine, theirs] = [unpack(byApi.zip), unpack(await readFile(file))]
    for (const table of ['rights', 'changes', 'invites', 'roles', 'reviews', 'people']) {
      const path = `tables/${table}.json`
      expect(settled(mine, path), path).toEqual(settled(theirs, path))
    }
    const said = (texts: Texts) => eventsOf(texts).flatMap(({ event }) => event ?? [])
    expect(said(theirs)).toEqual(expect.arrayContaining(said(mine).slice(0, 20)))
    expect(byApi.name).toMatch(/^example-rockets-2026-01-01-\d{4}-\d\d-\d\d\.zip$/)
  })

  test('is refused in words', async () => {
    const refused = (...args: string[]) =>
      command('scripts/evidence.ts', ...args).catch((error: { stderr: string }) => error.stderr)
    const rockets = ['--organisation', 'example-rockets']

    expect(await refused('--organisation', 'nobody', '--since', '2026-01-01')).toContain(
      'There is no organisation nobody',
    )
    expect(await refused(...rockets)).toContain('since when')
    expect(await refused(...rockets, '--since', 'yesterday')).toContain('ISO 8601')
    expect(await refused(...rockets, '--since', '2100-01-01')).toContain('since is before until')
    await expect(verify('package.json')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no ZIP file'),
    })
  })
})
