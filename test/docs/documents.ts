/**
 * The documents of this repository, and what in them can be run, checked or followed.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fromMarkdown } from 'mdast-util-from-markdown'

type Node = ReturnType<typeof fromMarkdown> | ReturnType<typeof fromMarkdown>['children'][number]

export interface Block {
  /** Such as `sh` or `ts`; empty for a drawing or a list of words. */
  language: string
  text: string
  line: number
  /** Why it cannot run here, as a comment directly above says; null: it can. */
  notRun: string | null
}

export interface Link {
  url: string
  line: number
}

export interface MarkdownDocument {
  /** From the root of the repository. */
  path: string
  blocks: Block[]
  links: Link[]
  /** Lines of comments that would say why a block is not run, and stand above none, or give no reason. */
  strays: number[]
  /** What a link may lead to within it. */
  anchors: Set<string>
}

/** Every document that people read, in the order of their paths. */
export function readDocuments(): MarkdownDocument[] {
  const docs = readdirSync('docs')
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`)
  return [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'client/README.md',
    'sql/README.md',
    ...docs,
  ]
    .sort()
    .map((path) => parseDocument(path, readFileSync(path, 'utf8')))
}

export function parseDocument(path: string, markdown: string): MarkdownDocument {
  const document: MarkdownDocument = { path, blocks: [], links: [], strays: [], anchors: new Set() }
  visit(document, fromMarkdown(markdown))
  return document
}

function visit(document: MarkdownDocument, node: Node, before?: Node, after?: Node): void {
  const line = node.position?.start.line ?? 0
  if (node.type === 'code') {
    document.blocks.push({
      language: node.lang ?? '',
      text: node.value,
      line,
      notRun: before?.type === 'html' ? reasonIn(before.value) : null,
    })
  }
  if (node.type === 'html' && /not run/i.test(node.value)) {
    if (after?.type !== 'code' || !reasonIn(node.value)) document.strays.push(line)
  }
  if (node.type === 'heading') document.anchors.add(anchorOf(textOf(node), document.anchors))
  if (node.type === 'link' || node.type === 'image' || node.type === 'definition') {
    document.links.push({ url: node.url, line })
  }
  if (!('children' in node)) return
  node.children.forEach((child, i) => {
    visit(document, child as Node, node.children[i - 1], node.children[i + 1])
  })
}

function reasonIn(html: string): string | null {
  return html.match(/^<!--\s*not run:\s*(\S[\s\S]*?)\s*-->$/)?.[1] ?? null
}

function textOf(node: Node): string {
  if ('value' in node) return node.value
  return 'children' in node ? node.children.map((child) => textOf(child as Node)).join('') : ''
}

/** As GitHub makes them: small letters, no signs, a hyphen for each space, a number where it is there already. */
function anchorOf(heading: string, taken: Set<string>): string {
  const anchor = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-')
  for (let n = 0; ; n++) {
    const name = n === 0 ? anchor : `${anchor}-${n}`
    if (!taken.has(name)) return name
  }
}
