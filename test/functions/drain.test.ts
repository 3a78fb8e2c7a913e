import { describe, expect, test } from 'vitest'
import type { Deliveries, Failure, Lease } from '../../functions/_shared/database.ts'
import type { Message, Transport } from '../../functions/_shared/transports/index.ts'
import { samples } from '../../functions/emails/samples.ts'
import { drain } from '../../functions/send-mail/drain.ts'

/** As many mails as there are names; each is leased once. What it is told is kept by name. */
function queue(names: string[], changes: Partial<Deliveries> = {}) {
  const waiting = [...names]
  const leased: number[] = []
  const said = new Map<string, string>()
  const deliveries: Deliveries = {
    async lease(_worker, batchSize) {
      leased.push(batchSize)
      return waiting
        .splice(0, batchSize)
        .map((deliveryId) => ({ deliveryId, fence: '1', attempts: 1 }))
    },
    async prepare({ deliveryId }) {
      return { ...samples.invite, id: deliveryId }
    },
    async failTemplate(templateId, failure) {
      said.set(templateId, failure)
    },
    async complete({ deliveryId }, response) {
      said.set(deliveryId, response)
      return true
    },
    async fail({ deliveryId }: Lease, failure: Failure, response: string) {
      said.set(deliveryId, `${failure}: ${response}`)
      return 'queued'
    },
    ...changes,
  }
  return { deliveries, said, leased }
}

function transportThat(send: (message: Message) => Promise<void> = async () => {}): Transport {
  return {
    async send(message) {
      await send(message)
      return { ok: true, response: '250 OK', providerMessageId: null }
    },
    close() {},
  }
}

const options = (deliveries: Deliveries, transport = transportThat()) => ({
  deliveries,
  transport,
  from: { name: 'Usher', address: 'no-reply@usher.test' },
  worker: 'test',
})

const names = (count: number) => Array.from({ length: count }, (_, i) => `mail-${i}`)

describe('drain', () => {
  test('names the same message each time it is sent', async () => {
    const sent: Message[] = []
    const transport = transportThat(async (message) => void sent.push(message))

    await drain(options(queue(['mail']).deliveries, transport))
    await drain(options(queue(['mail']).deliveries, transport))

    expect(sent.map((message) => message.id)).toEqual(['mail@usher.test', 'mail@usher.test'])
  })

  test('takes no more than it can start at once', async () => {
    const { deliveries, leased } = queue(names(30))
    let underWay = 0
    let most = 0
    const transport = transportThat(async () => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setTimeout(resolve, 1))
      underWay -= 1
    })

    const counts = await drain({ ...options(deliveries, transport), concurrency: 4 })

    expect(counts.sent).toBe(30)
    expect(most).toBe(4)
    expect(Math.max(...leased)).toBe(4)
  })

  test('sends the others while one server hangs', async () => {
    const { deliveries, said } = queue(names(20))
    let release = () => {}
    const hangs = new Promise<void>((resolve) => {
      release = resolve
    })
    const transport = transportThat((message) =>
      message.id.startsWith('mail-0@') ? hangs : Promise.resolve(),
    )

    const done = drain({ ...options(deliveries, transport), concurrency: 2 })
    await expect.poll(() => said.size).toBe(19)
    release()

    expect(await done).toEqual({ sent: 20, failed: 0, skipped: 0 })
  })

  test('one whose own wording cannot be drawn goes out as built in, and says which it was', async () => {
    const { deliveries, said } = queue(['mail'], {
      async prepare({ deliveryId }) {
        const template = { subject: 'Ours', heading: null, body: '>'.repeat(5000), button: null }
        return { ...samples.invite, id: deliveryId, template, template_id: 'ours' }
      },
    })
    const sent: Message[] = []
    const transport = transportThat(async (message) => void sent.push(message))

    expect(await drain(options(deliveries, transport))).toEqual({ sent: 1, failed: 0, skipped: 0 })

    expect(sent[0]).toMatchObject({ subject: 'Ada Admin invites you to Acme' })
    expect(sent[0]).not.toHaveProperty('templateFailure')
    expect(said.get('ours')).toMatch(/Maximum call stack/)
  })

  test('goes out as built in also where nobody can write that down', async () => {
    const { deliveries } = queue(['mail'], {
      async prepare({ deliveryId }) {
        const template = { subject: null, heading: null, body: '>'.repeat(5000), button: null }
        return { ...samples.invite, id: deliveryId, template, template_id: 'ours' }
      },
      async failTemplate() {
        throw new Error('the database is away')
      },
    })

    expect(await drain(options(deliveries))).toEqual({ sent: 1, failed: 0, skipped: 0 })
  })

  test('one that cannot be read is tried again later; one that cannot be drawn never', async () => {
    const { deliveries, said } = queue(['unreadable', 'undrawable', 'good', 'gone'], {
      async prepare({ deliveryId }) {
        if (deliveryId === 'unreadable') throw new Error('no signing key')
        if (deliveryId === 'gone') return null
        const { invite } = samples.invite
        const expires_at = deliveryId === 'undrawable' ? 'not a time' : invite.expires_at
        return { ...samples.invite, id: deliveryId, invite: { ...invite, expires_at } }
      },
    })

    expect(await drain(options(deliveries))).toEqual({ sent: 1, failed: 2, skipped: 1 })

    expect(said.get('unreadable')).toBe('temporary: Not prepared: Error: no signing key')
    expect(said.get('undrawable')).toMatch(/^permanent: Not rendered: RangeError/)
    expect(said.get('good')).toBe('250 OK')
  })

  test('writes down what was sent, even when the database is away for a moment', async () => {
    let tries = 0
    const { deliveries, said } = queue(['mail'])
    const { complete } = deliveries
    deliveries.complete = async (...answer) => {
      tries += 1
      if (tries < 4) throw new Error('connection refused')
      return complete(...answer)
    }

    expect(await drain(options(deliveries))).toEqual({ sent: 1, failed: 0, skipped: 0 })
    expect(said.get('mail')).toBe('250 OK')
  })

  test('says that the database is away only when nothing is under way any more', async () => {
    let leases = 0
    const { deliveries, said } = queue(names(2))
    const { lease } = deliveries
    deliveries.lease = async (worker, batchSize) => {
      leases += 1
      if (leases > 1) throw new Error('connection refused')
      return lease(worker, batchSize)
    }
    const transport = transportThat((message) =>
      message.id.startsWith('mail-0@')
        ? Promise.resolve()
        : new Promise((resolve) => setTimeout(resolve, 50)),
    )

    await expect(drain(options(deliveries, transport))).rejects.toThrow('connection refused')
    expect([...said.keys()]).toEqual(['mail-0', 'mail-1'])
  })

  test('finishes what is under way when it is told to stop, and takes nothing more', async () => {
    const stop = new AbortController()
    const { deliveries, said } = queue(names(10))
    const transport = transportThat(async () => stop.abort())

    const counts = await drain({ ...options(deliveries, transport), concurrency: 3 }, stop.signal)

    expect(counts).toEqual({ sent: 3, failed: 0, skipped: 0 })
    expect(said.size).toBe(3)
  })
})
