/**
 * A list as it comes in: from the disk, from the network, from the clipboard.
 *
 * @module
 */
import { ListProblem } from './list-problem.ts'

/** A text, bytes, a `File` or `Blob`, a stream of the web or of Node, or the body of a response. */
export type CsvSource =
  | string
  | Blob
  | ArrayBuffer
  | Uint8Array
  | ReadableStream<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>

/** A source gives text or bytes; which text bytes are, only all of them tell. */
export type Content = { text: string } | { bytes: Uint8Array<ArrayBuffer> }

/**
 * All of a source.
 *
 * @param maxBytes - more are not read: `too_large`
 */
export async function contentOf(source: CsvSource, maxBytes: number): Promise<Content> {
  const tooLarge = () => {
    const most = Math.floor(maxBytes / 2 ** 20)
    return new ListProblem('too_large', `The file is larger than ${most} MB: split it.`)
  }
  if (typeof source === 'string') {
    // A character is at most three bytes for each unit of the text.
    if (source.length > maxBytes) throw tooLarge()
    return { text: source }
  }
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    if (source.byteLength > maxBytes) throw tooLarge()
    return { bytes: new Uint8Array(source) }
  }
  if ('size' in source && source.size > maxBytes) throw tooLarge()

  const pieces: Uint8Array[] = []
  let size = 0
  let isText = false
  const encoder = new TextEncoder()
  for await (const piece of piecesOf('stream' in source ? source.stream() : source)) {
    isText ||= typeof piece === 'string'
    const bytes = typeof piece === 'string' ? encoder.encode(piece) : piece
    size += bytes.length
    if (size > maxBytes) throw tooLarge()
    pieces.push(bytes)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return isText ? { text: new TextDecoder().decode(bytes) } : { bytes }
}

/** Safari's streams cannot be iterated. */
async function* piecesOf(
  source: ReadableStream<Uint8Array | string> | AsyncIterable<Uint8Array | string>,
) {
  if (Symbol.asyncIterator in source) {
    yield* source
    return
  }
  const reader = (source as ReadableStream<Uint8Array | string>).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}
