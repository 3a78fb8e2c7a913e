/**
 * A DNS server on this machine that knows a few TXT records.
 *
 * @module
 */
import { createSocket } from 'node:dgram'
import { decode, encode } from 'dns-packet'
import { onTestFinished } from 'vitest'

/**
 * @param records - the texts at each name; a name that is missing does not exist, and `null` is not answered at all
 * @returns its address, as `--dns-server` takes it
 */
export async function startDns(records: Record<string, string[] | null>): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (message, { address, port }) => {
    const query = decode(message)
    const [question] = query.questions ?? []
    const texts = records[question?.name.toLowerCase() ?? '']
    if (!question || texts === null) return
    const answer = encode({
      type: 'response',
      id: query.id ?? 0,
      // 3: there is no such name.
      flags: 0x8180 | (texts ? 0 : 3),
      questions: [question],
      answers: (texts ?? []).map((text) => ({
        type: 'TXT' as const,
        name: question.name,
        ttl: 0,
        // A string of DNS holds 255 bytes; longer texts come in pieces.
        data: text.match(/.{1,255}/g) ?? [''],
      })),
    })
    socket.send(answer, port, address)
  })
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound))
  onTestFinished(() => new Promise<void>((closed) => socket.close(() => closed())))
  return `127.0.0.1:${socket.address().port}`
}
