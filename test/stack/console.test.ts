import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hashFiles } from '../../supabase/local/console.ts'
import { temporaryFolder } from '../support/stack.ts'

test('pages are built anew when a file that they are made of changes, comes, goes or moves', async () => {
  const folder = await temporaryFolder()
  onTestFinished(() => rm(folder, { recursive: true }))
  const at = (name: string) => join(folder, name)
  const hash = () => hashFiles([folder])
  await mkdir(at('parts'))
  await writeFile(at('parts/a.ts'), 'ab')
  const seen = [await hash()]
  expect(await hash()).toBe(seen[0])

  const changes = [
    () => writeFile(at('parts/a.ts'), 'ac'),
    () => writeFile(at('b.ts'), ''),
    () => rename(at('b.ts'), at('c.ts')),
    () => rename(at('parts'), at('pieces')),
    () => rm(at('pieces/a.ts')),
  ]
  for (const change of changes) {
    await change()
    seen.push(await hash())
  }

  expect(new Set(seen).size).toBe(seen.length)
  await mkdir(at('node_modules'))
  await writeFile(at('node_modules/x.js'), 'x')
  expect(await hash()).toBe(seen.at(-1))
})
