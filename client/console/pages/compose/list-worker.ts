/**
 * Reads a list beside the page, so that the page goes on meanwhile, whatever the list is.
 *
 * @module
 */
import { ListProblem } from '../../../csv/list-problem.ts'
import { openList } from '../../../csv/read-list.ts'
import type { ListRecord } from '../../../csv/records.ts'
import { LARGEST_FILE, type List, MOST_ROWS, type Unread, type Wanted } from './list.ts'

export type Asked = { source: File | string; wanted: Wanted }
export type Said =
  | { done: number; total: number }
  | { records: ListRecord[] }
  | { list: Omit<List, 'records'> }
  | { unread: Unread }

const say = (said: Said) => self.postMessage(said)

self.addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  read(data).catch((error: unknown) => {
    const { code, choices } =
      error instanceof ListProblem ? error : ({ code: 'broken', choices: [] } as const)
    say({ unread: { code, choices: [...choices] } })
  })
})

async function read({ source, wanted }: Asked): Promise<void> {
  const { layout, delimiter, records } = await openList(source, {
    ...wanted,
    maxBytes: LARGEST_FILE,
    onProgress: say,
  })
  let count = 0
  let width = 1
  let first: ListRecord | null = null
  for await (const some of records) {
    if (count < 100) width = Math.max(width, ...some.slice(0, 100).map(({ cells }) => cells.length))
    first ??= some[0] ?? null
    count += some.length
    // The names of the columns are one more.
    if (count > MOST_ROWS + 1) return say({ unread: { code: 'too_many', choices: [] } })
    say({ records: some })
  }
  const { header, isNamed, matching } = layout
  say(
    first
      ? { list: { names: header ?? first, hasHeader: isNamed, matching, width, delimiter } }
      : { unread: { code: 'empty', choices: [] } },
  )
}
