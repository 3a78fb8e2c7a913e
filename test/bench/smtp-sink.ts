/**
 * Takes mails and throws them away; says how long so many took from the first to the last.
 *
 * @module
 */
import { type AddressInfo, createServer } from 'node:net'
import { parentPort } from 'node:worker_threads'

let expected = 0
let arrived = 0
let start = 0

parentPort?.on('message', (count: number) => {
  expected = count
  arrived = 0
})

function count(): void {
  arrived += 1
  if (arrived === 1) start = performance.now()
  if (arrived === expected) parentPort?.postMessage(performance.now() - start)
}

const server = createServer((socket) => {
  let isMessage = false
  let tail = ''
  socket.setNoDelay().on('error', () => {})
  socket.write('220 sink\r\n')
  socket.on('data', (data) => {
    const text = tail + data.toString('latin1')
    if (isMessage) {
      if (!text.endsWith('\r\n.\r\n')) {
        tail = text.slice(-4)
        return
      }
      isMessage = false
      tail = ''
      count()
      socket.write('250 Taken\r\n')
      return
    }
    for (const line of text.split('\r\n').slice(0, -1)) {
      isMessage = line.toUpperCase() === 'DATA'
      socket.write(isMessage ? '354 Go on\r\n' : line === 'QUIT' ? '221 Bye\r\n' : '250 OK\r\n')
    }
  })
})
server.listen(0, '127.0.0.1', () => {
  parentPort?.postMessage((server.address() as AddressInfo).port)
})
