/**
 * A wire that breaks: a TCP proxy that cuts some of the connections in the middle of a question or its answer.
 *
 * @module
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What it does to a question, and how often in a hundred. */
const CUTS = {
  'before it arrives': 10,
  'while it is worked on': 15,
  // Of Postgres's answers each comes after the commit: they are shorter than its buffer.
  'between commit and answer': 25,
  'in the middle of the answer': 10,
} as const
export type Cut = keyof typeof CUTS

/** What comes before every answer: a request by HTTP, or a message to Postgres that sets role and claims. */
const QUESTION = /^POST |set_config\('role'/

/** @param port - of the server, on this machine */
export async function startCuttingProxy({ port, random }: { port: number; random: () => number }) {
  const cuts: Partial<Record<Cut, number>> = {}
  const planned: Cut[] = []
  const sockets = new Set<Socket>()

  const pickCut = (): Cut | null => {
    const next = planned.shift()
    if (next) return next
    let at = random() * 100
    for (const [name, share] of Object.entries(CUTS)) {
      at -= share
      if (at < 0) return name as Cut
    }
    return null
  }

  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    let fate: Cut | null = null
    const cut = () => {
      if (fate) cuts[fate] = (cuts[fate] ?? 0) + 1
      fate = null
      client.destroy()
      upstream.destroy()
    }
    client.on('data', async (data) => {
      if (QUESTION.test(data.toString('latin1'))) fate = pickCut()
      if (fate === 'before it arrives') return cut()
      upstream.write(data)
      if (fate === 'while it is worked on') {
        await wait(random() * 8)
        if (fate) cut()
      }
    })
    upstream.on('data', (data) => {
      if (fate === 'between commit and answer') return cut()
      if (fate === 'in the middle of the answer') {
        return client.write(data.subarray(0, data.length / 2), cut)
      }
      fate = null
      client.write(data)
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    /** How often it cut where. */
    cuts,
    /** Cuts the next question there. */
    plan(cut: Cut) {
      planned.push(cut)
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
