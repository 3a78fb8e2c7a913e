/**
 * A mailbox that speaks as much IMAP as reading what is unread takes, in memory.
 *
 * Source: RFC 3501. A real one, Dovecot, is in test/foreign/postfix/.
 *
 * @module
 */
import { createServer, type Socket } from 'node:net'

interface Kept {
  source: string
  isRead: boolean
}

export async function startMailbox(sources: string[]) {
  const mails: Kept[] = sources.map((source) => ({ source, isRead: false }))
  const sockets = new Set<Socket>()

  const answer = (line: string): string => {
    const [tag = '', command = '', sub = ''] = line.split(' ')
    const verb = `${command}${command.toUpperCase() === 'UID' ? ` ${sub}` : ''}`.toUpperCase()
    const done = `${tag} OK done\r\n`
    const uid = Number(line.match(/^\S+ UID \S+ (\d+)/i)?.[1])
    const mail = mails[uid - 1]
    switch (verb) {
      case 'CAPABILITY':
        return `* CAPABILITY IMAP4rev1\r\n${done}`
      case 'LOGIN':
        return /"?a-password"?$/.test(line) ? done : `${tag} NO [AUTHENTICATIONFAILED] wrong\r\n`
      case 'LIST':
      case 'LSUB':
        return `* ${verb} () "/" INBOX\r\n${done}`
      case 'SELECT':
        return `* ${mails.length} EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT ${mails.length + 1}] ok\r\n${tag} OK [READ-WRITE] done\r\n`
      case 'UID SEARCH': {
        const unread = mails.flatMap(({ isRead }, i) => (isRead ? [] : [i + 1]))
        return `* SEARCH ${unread.join(' ')}\r\n${done}`
      }
      case 'UID FETCH': {
        const bytes = Buffer.from(mail?.source ?? '')
        return `* ${uid} FETCH (UID ${uid} BODY[]<0> {${bytes.length}}\r\n${bytes})\r\n${done}`
      }
      case 'UID STORE':
        if (mail) mail.isRead = true
        return `* ${uid} FETCH (UID ${uid} FLAGS (\\Seen))\r\n${done}`
      case 'LOGOUT':
        return `* BYE\r\n${done}`
      default:
        return done
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write('* OK ready\r\n')
    let rest = ''
    socket.on('data', (data) => {
      const lines = (rest + data).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) socket.write(answer(line))
    })
  })
  // By all names of this machine.
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: (password = 'a-password') => new URL(`imap://returns:${password}@127.0.0.1:${port}/INBOX`),
    /** Which mails are unread, from 0. */
    unread: () => mails.flatMap(({ isRead }, i) => (isRead ? [] : [i])),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
