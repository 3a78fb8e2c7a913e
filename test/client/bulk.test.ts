/** Many invites, out of arrays, streams and CSV files. */
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { readInvites } from '../../client/csv/index.ts'
import type { BulkProgress, BulkRow } from '../../client/index.ts'
import { sharedStack } from './people.ts'

const stack = sharedStack()

const drafts = (size: number, tag = 'row') =>
  Array.from({ length: size }, (_, i) => ({
    email: `${tag}-${i + 1}@example.com`,
    roles: ['member'],
  }))

/** Someone whose n-th bulk call gets no answer. */
async function unlucky(lost: number) {
  let calls = 0
  const person = await stack.person(undefined, {
    fetch: (input, init) => {
      const isBulk = String(input).endsWith('create_organisation_invites')
      return isBulk && ++calls === lost ? Promise.reject(new TypeError('lost')) : fetch(input, init)
    },
  })
  const { data } = await person.must.organisations.create({ name: 'Unlucky' })
  return { id: data.id, person }
}

describe('createMany', () => {
  test('gives an outcome for each row, in order, across chunks', async () => {
    const { id, owner } = await stack.organisation()
    const rows: BulkRow[] = [
      ...drafts(3),
      { email: 'nobody', roles: ['member'] },
      { email: 'role@example.com', roles: ['no-such-role'] },
      { unreadable: 'Half of line 7 is missing.' },
      { email: 'row-1@example.com', roles: ['member'] },
    ]
    const progress: BulkProgress[] = []

    const { data } = await owner.must.invites.createMany(id, rows, {
      chunkSize: 2,
      onProgress: (step) => progress.push(step),
    })

    expect(data.map(({ rowNumber, status, errorCode }) => [rowNumber, status, errorCode])).toEqual([
      [1, 'created', null],
      [2, 'created', null],
      [3, 'created', null],
      [4, 'failed', 'invalid_email'],
      [5, 'failed', 'invalid_role'],
      [6, 'failed', 'invalid_row'],
      [7, 'failed', 'already_invited'],
    ])
    expect(data[5]?.errorDetails).toBe('Half of line 7 is missing.')
    expect(progress.map(({ done }) => done)).toEqual([2, 4, 6, 7])
    expect(progress.at(-1)).toEqual({ done: 7, total: 7, created: 3, failed: 4, unknown: 0 })
  })

  test('a cell that no database can hold costs its row, and says which character it is', async () => {
    const { id, owner } = await stack.organisation()
    const [first, last] = drafts(2, 'whole')

    const { data } = await owner.must.invites.createMany(id, [
      first as BulkRow,
      { email: 'nul@example.com', roles: ['member'], message: 'Hi\0there' },
      { email: 'half@example.com', roles: ['member'], metadata: { note: 'cut \ud83d' } },
      { email: 'cut\ud83d@example.com', roles: ['member'] },
      last as BulkRow,
    ])

    expect(data.map(({ errorCode }) => errorCode)).toEqual([
      null,
      'invalid_message',
      'invalid_settings',
      'invalid_email',
      null,
    ])
    expect(data[1]?.errorDetails).toContain('NUL (U+0000)')
    expect(data[3]?.email).toBe('cut\ufffd@example.com')
  })

  test('more rows than the API lets through of a list have an outcome each', async () => {
    const { id, owner } = await stack.organisation()

    const { data } = await owner.must.invites.createMany(id, drafts(1_500, 'many'), {
      chunkSize: 1_500,
    })

    expect(data.filter(({ status }) => status === 'created')).toHaveLength(1_500)
  })

  test('a row that the answer leaves out is not said to be anything', async () => {
    const person = await stack.person(undefined, {
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        if (!String(input).endsWith('create_organisation_invites')) return answer
        return Response.json(((await answer.json()) as unknown[]).slice(0, 1))
      },
    })
    const { data: own } = await person.must.organisations.create({ name: 'Cut' })

    const { data } = await person.must.invites.createMany(own.id, drafts(2, 'cut'))

    expect(data.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['created', null],
      ['unknown', 'incomplete_answer'],
    ])
  })

  test.for([0, 1.5, 10_001, Number.NaN])('a chunk of %s rows is refused', async (chunkSize) => {
    const { id, owner } = await stack.organisation()

    const { error } = await owner.usher.invites.createMany(id, drafts(1), { chunkSize })

    expect(error).toMatchObject({ code: 'invalid_settings', status: 422 })
  })

  test('loses nothing when a chunk gets no answer: nothing is said of its rows, and the others are made', async () => {
    const { id, person } = await unlucky(2)
    const progress: BulkProgress[] = []

    const { data, error } = await person.usher.invites.createMany(id, drafts(6), {
      chunkSize: 2,
      onProgress: (step) => progress.push(step),
    })

    expect(error).toBeNull()
    expect(progress).toEqual([
      { done: 2, total: 6, created: 2, failed: 0, unknown: 0 },
      { done: 4, total: 6, created: 2, failed: 0, unknown: 2 },
      { done: 6, total: 6, created: 4, failed: 0, unknown: 2 },
    ])
    expect(data?.map(({ errorCode }) => errorCode)).toEqual([
      null,
      null,
      'unreachable',
      'unreachable',
      null,
      null,
    ])
    expect(data?.[2]).toMatchObject({
      rowNumber: 3,
      email: 'row-3@example.com',
      status: 'unknown',
      inviteId: null,
    })
  })

  test('is refused when no chunk gets through', async () => {
    const { id } = await stack.organisation()
    const stranger = await stack.person()

    const { data, error } = await stranger.usher.invites.createMany(id, drafts(3))

    expect([data, error?.code]).toEqual([null, 'organisation_not_found'])
    await expect(stranger.must.invites.createMany(id, drafts(3))).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
  })

  test('stops when its signal says so, and says which rows were not sent', async () => {
    const { id, owner } = await stack.organisation()
    const controller = new AbortController()

    const { data } = await owner.must.invites.createMany(id, drafts(6), {
      chunkSize: 2,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })

    expect(data.map(({ errorCode }) => errorCode)).toEqual([
      null,
      null,
      ...Array.from({ length: 4 }, () => 'aborted'),
    ])
    expect(data.slice(2).every(({ status }) => status === 'failed')).toBe(true)
    expect((await owner.must.invites.list(id)).data).toHaveLength(2)
  })

  test('stopped while a chunk is on its way, it does not say that it failed', async () => {
    const controller = new AbortController()
    let calls = 0
    const person = await stack.person(undefined, {
      fetch: async (input, init) => {
        const isBulk = String(input).endsWith('create_organisation_invites')
        if (!isBulk || ++calls !== 2) return fetch(input, init)
        // Carried out, and nobody listens any more.
        await fetch(input, { ...init, signal: null })
        controller.abort()
        throw new DOMException('Aborted.', 'AbortError')
      },
    })
    const { data: own } = await person.must.organisations.create({ name: 'Stopped' })

    const { data } = await person.must.invites.createMany(own.id, drafts(6, 'stopped'), {
      chunkSize: 2,
      signal: controller.signal,
    })

    expect(data.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['created', null],
      ['created', null],
      ['unknown', 'aborted'],
      ['unknown', 'aborted'],
      ['failed', 'aborted'],
      ['failed', 'aborted'],
    ])
    expect((await person.must.invites.list(own.id)).data).toHaveLength(4)
  })

  test('a row that is no object costs itself only', async () => {
    const { id, owner } = await stack.organisation()
    const odd = [null, 7, 'x@example.com', []] as unknown as BulkRow[]

    const { data } = await owner.must.invites.createMany(id, [...odd, ...drafts(1, 'odd')])

    expect(data.map(({ errorCode }) => errorCode)).toEqual([
      ...odd.map(() => 'invalid_email'),
      null,
    ])
  })

  test('reads no more of a stream once it has been stopped', async () => {
    const { id, owner } = await stack.organisation()
    const controller = new AbortController()
    let given = 0
    async function* endless() {
      for (const draft of drafts(1_000)) {
        given++
        yield draft
      }
    }

    const { data } = await owner.must.invites.createMany(id, endless(), {
      chunkSize: 2,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })

    expect(data.map(({ status }) => status)).toEqual(['created', 'created'])
    expect(given).toBe(2)
  })

  test('keeps the outcomes that it has when the source breaks off', async () => {
    const { id, owner } = await stack.organisation()
    async function* broken() {
      yield* drafts(2)
      throw new Error('The upload was cut.')
    }

    const { data } = await owner.must.invites.createMany(id, broken())

    expect(data.map(({ errorCode, errorDetails }) => [errorCode, errorDetails])).toEqual([
      [null, null],
      [null, null],
      ['invalid_row', 'The upload was cut.'],
    ])
  })

  test('makes thousands', { timeout: 60_000 }, async () => {
    const { id, owner } = await stack.organisation()

    const { data } = await owner.must.invites.createMany(id, drafts(2_500, 'many'))

    expect(data.filter(({ status }) => status === 'created')).toHaveLength(2_500)
    expect(data.at(-1)).toMatchObject({ rowNumber: 2_500, email: 'many-2500@example.com' })
  })
})

describe('readInvites', () => {
  const read = async (...args: Parameters<typeof readInvites>) => {
    const rows: BulkRow[] = []
    for await (const row of readInvites(...args)) rows.push(row)
    return rows
  }

  test('takes names of columns as people write them, quotes, breaks and empty lines', async () => {
    const file =
      '\uFEFFE-Mail;Roles;Message\r\n"a@example.com";finance member;"Hello; ""you""\nthere"\r\n\r\nb@example.com;;\r\n'

    expect(await read(file, { roles: ['member'] })).toEqual([
      {
        rowNumber: 2,
        email: 'a@example.com',
        roles: ['finance', 'member'],
        message: 'Hello; "you"\nthere',
      },
      { rowNumber: 4, email: 'b@example.com', roles: ['member'] },
    ])
  })

  test('takes a file without names: address, then roles', async () => {
    expect(await read('a@example.com\t"finance,member"\nb@example.com\n')).toEqual([
      { rowNumber: 1, email: 'a@example.com', roles: ['finance', 'member'] },
      { rowNumber: 2, email: 'b@example.com', roles: [] },
    ])
  })

  test('gives a row that cannot be read in its place, and those after it', async () => {
    const rows = await read(
      'email,metadata\na@example.com,{"x":1}\n'.replace('{"x":1}', '"{""x"":1}"') +
        'b@example.com,"oops" x\nc@example.com,nonsense\n,\nd@example.com,\n',
    )

    expect(rows).toEqual([
      { rowNumber: 2, email: 'a@example.com', roles: [], metadata: { x: 1 } },
      { rowNumber: 3, unreadable: 'The metadata is not JSON.', email: 'b@example.com' },
      { rowNumber: 4, unreadable: 'The metadata is not JSON.', email: 'c@example.com' },
      { rowNumber: 6, email: 'd@example.com', roles: [] },
    ])
  })

  test.for([
    ['a text', (text: string) => text],
    ['a file', (text: string) => new Blob([text])],
    ['a stream of the web', (text: string) => new Blob([text]).stream()],
    ['a stream of Node', (text: string) => Readable.from(bytes(text))],
    [
      'a stream that cannot be iterated, as Safari has it',
      (text: string) => {
        const reader = new Blob([text]).stream().getReader()
        return { getReader: () => reader } as unknown as ReadableStream<Uint8Array>
      },
    ],
  ] as const)('reads %s, even if it is cut within a letter', async ([, source]) => {
    expect(await read(source('email\nmüller@example.com\n'))).toEqual([
      { rowNumber: 2, email: 'müller@example.com', roles: [] },
    ])
  })

  test('reads nothing out of nothing', async () => {
    expect(await read('')).toEqual([])
    expect(await read('email,roles\n')).toEqual([])
  })

  test('and createMany together invite a file, bad rows and all', async () => {
    const { id, owner } = await stack.organisation()
    const file = new Blob([
      'email,roles,metadata\ngood@example.com,member\nbad,member\n"x" y,member\nodd@example.com,member,oops\nlast@example.com,',
    ])

    const { data } = await owner.must.invites.createMany(
      id,
      readInvites(file, { roles: ['finance'] }),
    )

    expect(data.map(({ rowNumber }) => rowNumber)).toEqual([2, 3, 4, 5, 6])
    expect(data.map(({ email, errorCode }) => [email, errorCode])).toEqual([
      ['good@example.com', null],
      ['bad', 'invalid_email'],
      ['"x" y', 'invalid_email'],
      ['odd@example.com', 'invalid_row'],
      ['last@example.com', null],
    ])
    const { data: invites } = await owner.must.invites.list(id)
    expect(invites.find(({ email }) => email === 'last@example.com')?.roles).toEqual(['finance'])
  })
})

/** One byte at a time. */
function* bytes(text: string) {
  for (const byte of new TextEncoder().encode(text)) yield new Uint8Array([byte])
}
