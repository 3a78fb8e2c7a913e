/** Every command and snippet of the documents, in their order, against one demo stack. */
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { loadSecrets } from '../../supabase/local/secrets.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { unpackedPackage } from '../support/package.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'
import { type Block, type MarkdownDocument, readDocuments } from './documents.ts'
import { RUN_ELSEWHERE } from './elsewhere.ts'
import { type EmptyProject, startEmptyProject } from './empty-project.ts'
import { COMPILED, fileNameOf, RUN } from './languages.ts'
import { rememberProject } from './restore.ts'
import { openShell, type Shell } from './shell.ts'
import { compileSnippets, type Snippet } from './snippets.ts'
import { createWorkspace } from './workspace.ts'

/** Begins with a project that has nothing yet. */
const FROM_NOTHING = 'docs/tutorial.md'

const documents = readDocuments()
const isRunHere = ({ path }: MarkdownDocument, { language, notRun }: Block) =>
  !notRun && [...RUN, ...COMPILED].includes(language) && !RUN_ELSEWHERE[path]?.[language]

let folder: string
let run: Run
let stack: Stack
let unpacked: string
let workspace: string
let snippets: Map<Block, Snippet>

beforeAll(async () => {
  folder = await temporaryFolder()
  run = runStart({ USHER_DATA: folder, USHER_PORT: String(await freeRange()) })
  unpacked = await unpackedPackage()
  workspace = await createWorkspace(unpacked)
  snippets = await compileSnippets(workspace, documents)
  stack = await untilReady(run, folder)
}, 120_000)

afterAll(async () => {
  run.process.kill('SIGTERM')
  await run.ended
  for (const each of [folder, workspace, dirname(unpacked)]) {
    await rm(each, { recursive: true, force: true })
  }
})

/** What a reader has at hand: the demo stack, or a project that is still empty. */
async function openPlace(document: MarkdownDocument) {
  const empty = document.path === FROM_NOTHING ? await startEmptyProject() : null
  if (empty) onTestFinished(() => empty.stop())
  const shell = openShell(workspace, {
    ...process.env,
    CI: 'true',
    NO_COLOR: '1',
    DO_NOT_TRACK: '1',
    USHER_DATA: folder,
    PATH: `${join(workspace, 'node_modules/.bin')}:${process.env.PATH}`,
    ...empty?.env,
  })
  onTestFinished(() => shell.stop())
  const sql = postgres(empty?.databaseUrl ?? stack.databaseUrl, { max: 1, onnotice: () => {} })
  onTestFinished(() => sql.end())
  if (!empty) onTestFinished(await rememberProject(sql, await loadSecrets(folder)))
  return { shell, sql, empty }
}

interface Place {
  shell: Shell
  sql: postgres.Sql
  empty: EmptyProject | null
}

async function follow(block: Block, { shell, sql, empty }: Place): Promise<void> {
  const file = fileNameOf(block)
  if (file) {
    const path = join((await shell.run('pwd')).trim(), file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `${block.text}\n`)
  } else if (block.language === 'sh') {
    await shell.run(block.text)
    if (block.text.includes('supabase db push')) await empty?.startApi()
  } else if (block.language === 'sql') {
    await runSql(sql, block.text)
  } else if (snippets.get(block)?.isWhole) {
    await promisify(execFile)('node', [snippets.get(block)?.file ?? ''], { cwd: workspace })
  }
}

async function runSql(sql: postgres.Sql, text: string): Promise<void> {
  if (!/^\s*copy\b/i.test(text)) return void (await sql.unsafe(text))
  for await (const _ of await sql.unsafe(text).readable()) {
    // What comes out is for the reader.
  }
}

describe('who follows the documents gets where they lead', { timeout: 60_000 }, () => {
  const followed = documents.filter((each) => each.blocks.some((block) => isRunHere(each, block)))

  test.for(followed.map((document) => [document.path, document] as const))(
    '%s',
    async ([path, document]) => {
      const blocks = document.blocks.filter((block) => isRunHere(document, block))
      const faults = blocks.flatMap((block) => snippets.get(block)?.faults ?? [])
      expect(faults).toEqual([])
      const place = await openPlace(document)

      for (const block of blocks) {
        await follow(block, place).catch((cause: unknown) => {
          throw new Error(`${path}:${block.line}: ${cause}`, { cause })
        })
      }
    },
  )
})

describe('a reader would see it if something did not work', () => {
  const blocks = (text: string, language: string): Block[] => [
    { language, text, line: 1, notRun: null },
  ]

  test.for([
    ['a command that fails', 'sh', 'echo before\nfalse\necho after'],
    ['a command that fails within a pipe', 'sh', 'false | cat'],
    ['a variable that nobody has set', 'sh', 'echo "$NOBODY_HAS_SET_THIS"'],
    ['a statement that fails', 'sql', 'select 1; select no_such_column;'],
  ])('%s', async ([, language = '', text = '']) => {
    const place = await openPlace({
      path: 'a.md',
      blocks: [],
      links: [],
      strays: [],
      anchors: new Set(),
    })

    for (const block of blocks(text, language)) await expect(follow(block, place)).rejects.toThrow()
  })

  test('TypeScript that calls what is not there', async () => {
    const other = await createWorkspace(unpacked)
    onTestFinished(() => rm(other, { recursive: true, force: true }))
    const [block] = blocks('await usher.invites.creat(organisationId)', 'ts')
    const document = {
      path: 'a.md',
      blocks: block ? [block] : [],
      links: [],
      strays: [],
      anchors: new Set<string>(),
    }

    const compiled = await compileSnippets(other, [document])

    expect([...compiled.values()]).toMatchObject([
      { faults: [expect.stringContaining("'creat' does not exist")], isWhole: false },
    ])
  })
})
