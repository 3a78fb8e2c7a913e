/**
 * One stack and one browser for all browser tests. They start when the first of them is to run. The stack confirms
 * addresses by mail, as hosted projects do.
 *
 * @module
 */
import { rm } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { chromiumOptions } from './chromium.ts'
import { freeRange, runStart, temporaryFolder, untilReady } from './stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    stack: Stack
    browserAddress: string
  }
}

export async function setup(project: TestProject) {
  const folder = await temporaryFolder()
  const run = runStart({
    USHER_DATA: folder,
    USHER_PORT: String(await freeRange()),
    USHER_CONFIRM_ADDRESSES: 'by-mail',
  })
  const [stack, browser] = await Promise.all([
    untilReady(run, folder),
    chromiumOptions().then((options) => chromium.launchServer(options)),
  ])
  project.provide('stack', stack)
  project.provide('browserAddress', browser.wsEndpoint())

  return async () => {
    await browser.close()
    run.process.kill('SIGTERM')
    await run.ended
    await rm(folder, { recursive: true, force: true })
  }
}
