/** What can be told of the documents without running anything. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { describe, expect, test } from 'vitest'
import { parseDocument, readDocuments } from './documents.ts'
import { RUN_ELSEWHERE } from './elsewhere.ts'
import { problemOf, READ } from './languages.ts'

type Nodes = ReturnType<typeof fromMarkdown> | ReturnType<typeof fromMarkdown>['children'][number]

const documents = readDocuments()

describe.for(documents.map((document) => [document.path, document] as const))(
  '%s',
  ([path, { blocks, links, strays }]) => {
    test('each block is run or checked, or says why not', () => {
      for (const { language, line, notRun } of blocks) {
        if (notRun) console.log(`${path}:${line} ${language} is not run: ${notRun}`)
      }
      expect(blocks.flatMap((block) => problemOf(block) ?? [])).toEqual([])
      expect(strays).toEqual([])
    })

    test('what is JSON, TOML or GraphQL can be read as such', () => {
      for (const { language, text, line, notRun } of blocks) {
        if (notRun) continue
        expect(() => READ[language]?.(text), `${path}:${line}`).not.toThrow()
      }
    })

    test('each link within the repository leads somewhere', () => {
      const broken = links.filter(({ url }) => !/^[a-z]+:/.test(url) && !leadsSomewhere(path, url))

      expect(broken).toEqual([])
    })
  },
)

function leadsSomewhere(path: string, url: string): boolean {
  const [file = '', anchor] = decodeURI(url).split('#')
  const target = file ? normalize(join(dirname(path), file)) : path
  if (!existsSync(target)) return false
  if (!anchor) return true
  const name = statSync(target).isDirectory() ? join(target, 'README.md') : target
  return parseDocument(name, readFileSync(name, 'utf8')).anchors.has(anchor)
}

test('in the reference, no text of the database is taken for HTML or for emphasis', () => {
  const found = [...nodesOf(fromMarkdown(readFileSync('docs/reference.md', 'utf8')))]
    .filter(({ type }) => ['emphasis', 'strong', 'html'].includes(type))
    .filter((node) => !('value' in node && node.value === '<br>'))

  expect(found).toEqual([])
})

function* nodesOf(node: Nodes): Generator<Nodes> {
  yield node
  if ('children' in node) for (const child of node.children) yield* nodesOf(child)
}

describe('what stands above a block', () => {
  test('is a reason only directly above it', () => {
    const { blocks, strays } = parseDocument(
      'a.md',
      '<!-- not run: needs a phone -->\n```sh\na\n```\n\n<!-- not run: x -->\n\nWords.\n\n```sh\nb\n```\n\n<!-- not run: -->\n```bash\nc\n```\n',
    )

    expect(blocks.map(({ notRun }) => notRun)).toEqual(['needs a phone', null, null])
    expect(blocks.map(problemOf)).toEqual([null, null, expect.stringContaining('not run:')])
    expect(strays).toEqual([6, 14])
  })

  test('anchors are as GitHub makes them', () => {
    const { anchors } = parseDocument('a.md', '# Put it, there!\n## `usher init`\n## A\n## A\n')

    expect([...anchors]).toEqual(['put-it-there', 'usher-init', 'a', 'a-1'])
  })

  test('what another test is said to run, that test names', () => {
    for (const [path, languages] of Object.entries(RUN_ELSEWHERE)) {
      for (const file of Object.values(languages)) {
        expect(readFileSync(file, 'utf8'), file).toContain(path)
      }
    }
  })
})
