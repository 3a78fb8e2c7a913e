/**
 * Ports of the local stack: which are free, and who says so when one is not.
 *
 * @module
 */
import { createServer } from 'node:net'
import { Problem } from './problem.ts'

/** Whether nobody listens on this port of this machine. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })
}

/** A port that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address
          ? resolve(address.port)
          : reject(new Error('The system gave no port.')),
      )
    })
  })
}

/** Refuses with one sentence when somebody else listens on a port of the stack. */
export async function requireFreePorts(ports: Record<string, number>): Promise<void> {
  for (const [part, port] of Object.entries(ports)) {
    if (!(await isFree(port))) {
      throw new Problem(
        `Port ${port}, for the ${part}, is taken by another program; set USHER_PORT to move all ports, such as USHER_PORT=55000.`,
      )
    }
  }
}
