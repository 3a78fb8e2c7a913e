/**
 * Compiles the TypeScript of the documents against the built package.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Block, MarkdownDocument } from './documents.ts'
import { COMPILED } from './languages.ts'

const GIVEN = 'given.d.ts'
const OPTIONS = {
  strict: true,
  target: 'es2023',
  lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
  module: 'preserve',
  moduleResolution: 'bundler',
  moduleDetection: 'force',
  jsx: 'react-jsx',
  types: ['node', 'deno'],
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
}

export interface Snippet {
  /** Absolute. */
  file: string
  /** What the compiler says, with the names of given.d.ts known. */
  faults: string[]
  /** Whether it needs nothing that is given, so that it can run as it stands. */
  isWhole: boolean
}

/** @param workspace - with node_modules; a folder `snippets/` is made in it */
export async function compileSnippets(
  workspace: string,
  documents: MarkdownDocument[],
): Promise<Map<Block, Snippet>> {
  const folder = join(workspace, 'snippets')
  await mkdir(folder)
  await copyFile(join('test/docs', GIVEN), join(folder, GIVEN))
  const snippets = new Map<Block, Snippet>()
  const names = new Map<string, Block>()
  for (const { path, blocks } of documents) {
    for (const block of blocks) {
      if (block.notRun || !COMPILED.includes(block.language)) continue
      const name = `${path.replaceAll(/[/.]/g, '-')}-${block.line}.${block.language}`
      await writeFile(join(folder, name), `${block.text}\n`)
      names.set(name, block)
    }
  }
  const files = [...names.keys()]
  const faults = await faultsOf(folder, [...files, GIVEN])
  const missing = await faultsOf(folder, files)
  for (const [name, block] of names) {
    snippets.set(block, {
      file: join(folder, name),
      faults: faults.filter((fault) => fault.startsWith(name)),
      isWhole: !missing.some((fault) => fault.startsWith(name)),
    })
  }
  return snippets
}

async function faultsOf(folder: string, files: string[]): Promise<string[]> {
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: OPTIONS, files }),
  )
  const { stdout } = await promisify(execFile)('tsc', ['--project', folder], {
    cwd: folder,
  }).catch((failed: { stdout: string }) => failed)
  return stdout.split('\n').filter((line) => /^\S+\.(d\.)?tsx?\(/.test(line))
}
