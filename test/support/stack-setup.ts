/**
 * One empty stack for all tests that come to it as people do, each with an organisation of their own. It starts when
 * the first of them is to run.
 *
 * @module
 */
import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { freeRange, runStart, temporaryFolder, untilReady } from './stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    sharedStack: Stack
  }
}

export async function setup(project: TestProject) {
  const folder = await temporaryFolder()
  const run = runStart({
    ...(project.config.env as Record<string, string>),
    USHER_DATA: folder,
    USHER_PORT: String(await freeRange()),
    USHER_SEED: 'none',
  })
  project.provide('sharedStack', await untilReady(run, folder))

  return async () => {
    run.process.kill('SIGTERM')
    await run.ended
    await rm(folder, { recursive: true, force: true })
  }
}
