/** docs/webhooks.md, followed by a reader: its receiver runs, and hears what its commands cause. */
import { execFile } from 'node:child_process'
import { readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WEBHOOK_EVENT_TYPES } from '../../client/generated/webhook-event-types.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

const page = await readFile('docs/webhooks.md', 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  )

describe('the reader', { timeout: 60_000 }, () => {
  let folder: string
  let run: Run

  beforeAll(async () => {
    folder = await temporaryFolder()
    run = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
    await untilReady(run, folder)
    await symlink(resolve('node_modules'), join(folder, 'node_modules'))
    await writeFile(join(folder, 'receiver.ts'), blocks('ts')[0] ?? '')
  }, 60_000)

  afterAll(async () => {
    run.process.kill('SIGTERM')
    await run.ended
    await rm(folder, { recursive: true, force: true })
  })

  test('gets what the document promises', async () => {
    const env = { ...process.env, USHER_DATA: folder, PORT: String(await freePort()) }
    const script = blocks('sh').join('\n')

    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env,
    })

    expect(stdout).toMatch(/\{"type":"webhook\.tested","timestamp":"[^"]+","data":\{"id":"/)
    expect(stdout).toMatch(/\{"type":"invite\.created"/)
    expect(stdout).toContain('"status":"delivered"')
    expect(stdout).toContain('"old_secrets_end":"20')
  })
})

describe('the list of types', () => {
  test('is the list that the database has', () => {
    const [, table = ''] = page.match(/^## Types of events$(.*?)^## /ms) ?? []
    const types = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, type]) => type),
    )

    expect(types.sort()).toEqual([...WEBHOOK_EVENT_TYPES].sort())
  })
})
