/**
 * Calls that come while one is under way go together, in one round trip and one transaction.
 *
 * Nobody waits for a batch to fill: the first call goes at once, and what gathers meanwhile is the next.
 *
 * @module
 */

interface Waiting<In, Out> {
  input: In
  resolve(output: Out): void
  reject(error: unknown): void
}

/**
 * @param work - answers for all inputs, in their order
 * @param maxSize - how many go together at most. Default: 50
 * @returns does the same for one. When a batch fails, each of it is tried alone, so that one that cannot be
 *   done stops no other
 */
export function createBatcher<In, Out>(
  work: (inputs: In[]) => Promise<Out[]>,
  maxSize = 50,
): (input: In) => Promise<Out> {
  const queue: Waiting<In, Out>[] = []
  let isRunning = false

  const run = async (batch: Waiting<In, Out>[]): Promise<void> => {
    try {
      const outputs = await work(batch.map(({ input }) => input))
      for (const [i, { resolve }] of batch.entries()) resolve(outputs[i] as Out)
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error)
      else for (const one of batch) await run([one])
    }
  }

  const start = async (): Promise<void> => {
    isRunning = true
    while (queue.length > 0) await run(queue.splice(0, maxSize))
    isRunning = false
  }

  return (input) =>
    new Promise((resolve, reject) => {
      queue.push({ input, resolve, reject })
      if (!isRunning) void start()
    })
}
