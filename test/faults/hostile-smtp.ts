/**
 * A mail server on a bad day: it takes most mails, and does everything to the others that real ones do.
 *
 * @module
 */
import { createServer, type Socket } from 'node:net'

/** What it does to a session, and how often in a hundred. */
const FAULTS = {
  '421 at the greeting': 2,
  '454 to STARTTLS': 2,
  '451 to the recipient': 4,
  '451 after the message': 3,
  'hangs after MAIL': 0.3,
  'drops in the middle of DATA': 3,
  'drops after the final dot': 1,
} as const
type Fault = keyof typeof FAULTS

export interface Arrival {
  messageId: string
  to: string
}

/** Those whom no server knows: 550, for good. */
export const isUnknown = (address: string) => address.startsWith('unknown')

export async function startHostileSmtp(random: () => number) {
  const arrivals: Arrival[] = []
  const counts: Record<string, number> = {}
  const sockets = new Set<Socket>()

  const pickFault = (): Fault | null => {
    let at = random() * 100
    for (const [name, share] of Object.entries(FAULTS)) {
      at -= share
      if (at < 0) {
        counts[name] = (counts[name] ?? 0) + 1
        return name as Fault
      }
    }
    return null
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    const say = (line: string) => socket.write(`${line}\r\n`)
    const greetingFault = pickFault()
    let fault: Fault | null = null
    let to = ''
    let message: string[] | null = null
    let rest = ''
    if (greetingFault === '421 at the greeting') {
      say('421 Too busy')
      return void socket.end()
    }
    say('220 bad.day.test')

    const take = (line: string) => {
      if (message) {
        if (fault === 'drops in the middle of DATA' && message.length > 20) {
          return void socket.destroy()
        }
        if (line !== '.') return void message.push(line)
        const messageId = message.join('\n').match(/^Message-ID: <(.*)>$/im)?.[1] ?? ''
        message = null
        if (fault === '451 after the message') return say('451 Try again')
        arrivals.push({ messageId, to })
        if (fault === 'drops after the final dot') return void socket.destroy()
        return say('250 Taken')
      }
      const [word = ''] = line.toUpperCase().split(/[ :]/)
      switch (word) {
        case 'EHLO':
          say('250-bad.day.test')
          return say(greetingFault === '454 to STARTTLS' ? '250 STARTTLS' : '250 SIZE 1000000')
        case 'STARTTLS':
          return say('454 TLS not available')
        case 'MAIL':
          fault = pickFault()
          if (fault === 'hangs after MAIL') return
          return say('250 OK')
        case 'RCPT':
          to = line.match(/<(.*)>/)?.[1] ?? ''
          if (isUnknown(to)) return say('550 5.1.1 No such user')
          return say(fault === '451 to the recipient' ? '451 4.7.1 Greylisted' : '250 OK')
        case 'DATA':
          message = []
          return say('354 Go on')
        case 'QUIT':
          say('221 Bye')
          return void socket.end()
        default:
          return say('250 OK')
      }
    }
    socket.on('data', (data) => {
      const lines = (rest + data.toString('latin1')).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (!socket.destroyed) take(line)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `smtp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    arrivals,
    /** How often it did what. */
    counts,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
