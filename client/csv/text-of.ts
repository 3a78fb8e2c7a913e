/**
 * Text, as it comes in.
 *
 * @module
 */

/** A text, a `File` or `Blob`, a stream of the web or of Node, or the body of a response. */
export type CsvSource =
  | string
  | Blob
  | ReadableStream<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>

/** The pieces of a source as text; UTF-8, with or without a byte order mark. */
export async function* textOf(source: CsvSource): AsyncGenerator<string, void, undefined> {
  if (typeof source === 'string') {
    yield source.replace(/^\uFEFF/, '')
    return
  }
  // Characters may be cut in two where pieces meet.
  const decoder = new TextDecoder()
  for await (const piece of 'stream' in source ? piecesOf(source.stream()) : piecesOf(source)) {
    yield typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
  }
  yield decoder.decode()
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
