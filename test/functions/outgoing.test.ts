import { execFile } from 'node:child_process'
import { createServer as createPlain, type RequestListener, type Server } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createOutgoing, TargetRefused } from '../../functions/_shared/outgoing.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { certificate, privateKey } from '../support/certificate.ts'

/** A receiver on this machine; answers its port. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

const plain = (listener: RequestListener) => listen(createPlain(listener))
const secure = (listener: RequestListener) =>
  listen(createSecure({ cert: certificate, key: privateKey }, listener))

const toThisMachine = async () => ['127.0.0.1']
const local = createOutgoing({
  allow: '127.0.0.0/8',
  resolve: toThisMachine,
  certificates: certificate,
})

describe('which targets are refused', () => {
  test.for([
    ['this machine', '127.0.0.1'],
    ['all of 127/8', '127.8.9.10'],
    ['no address', '0.0.0.0'],
    ['private 10/8', '10.0.0.1'],
    ['private 172.16/12', '172.31.255.254'],
    ['private 192.168/16', '192.168.1.1'],
    ['link-local, where clouds keep their metadata', '169.254.169.254'],
    ['carrier-grade NAT, where Alibaba keeps its metadata', '100.100.100.200'],
    ['what Azure tells its machines', '168.63.129.16'],
    ['protocol assignments, where Oracle keeps its metadata', '192.0.0.192'],
    ['documentation', '203.0.113.7'],
    ['benchmarks', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['this machine by IPv6', '::1'],
    ['no address by IPv6', '::'],
    ['IPv4 within IPv6, private', '::ffff:10.0.0.1'],
    ['IPv4 within IPv6, written in hex', '::ffff:7f00:1'],
    ['IPv4-compatible IPv6', '::7f00:1'],
    ['unique local', 'fd00:ec2::254'],
    ['link-local by IPv6', 'fe80::1'],
    ['site-local', 'fec0::1'],
    ['multicast by IPv6', 'ff02::1'],
    ['6to4, which holds an IPv4 address', '2002:7f00:1::'],
    ['NAT64, which holds an IPv4 address', '64:ff9b::7f00:1'],
    ['documentation by IPv6', '2001:db8::1'],
  ] as const)('%s: %s, as an address and as what a name means', async ([, address]) => {
    const host = address.includes(':') ? `[${address}]` : address
    const ask = createOutgoing({ resolve: async () => [address] })

    await expect(ask({ url: `https://${host}/` })).rejects.toThrow(TargetRefused)
    await expect(ask({ url: 'https://hooks.example.test/' })).rejects.toThrow(TargetRefused)
  })

  test.for(['https://2130706433/', 'https://0x7f.1/', 'https://0177.0.0.1/'])(
    'this machine written as %s',
    async (url) => {
      await expect(createOutgoing()({ url })).rejects.toThrow(TargetRefused)
    },
  )

  test.for(['ftp://example.com/', 'file:///etc/passwd', 'nonsense', 'https://a:b@example.com/'])(
    'what is no plain https address: %s',
    async (url) => {
      await expect(createOutgoing()({ url })).rejects.toThrow(TargetRefused)
    },
  )

  test('http to the public internet', async () => {
    await expect(local({ url: 'http://93.184.215.14/' })).rejects.toThrow(TargetRefused)
  })

  test('what lies outside the ranges that the operator allows', async () => {
    const ask = createOutgoing({ allow: '10.1.0.0/16, fd00::/8' })

    await expect(ask({ url: 'https://10.2.0.1/' })).rejects.toThrow(TargetRefused)
    await expect(ask({ url: 'https://[fc00::1]/' })).rejects.toThrow(TargetRefused)
  })

  test('a setting of the operator that is no range is said at once', () => {
    expect(() => createOutgoing({ allow: '10.1.0.0' })).toThrow('10.1.0.0 is not a range')
  })
})

describe('a name', () => {
  test('is resolved once, and what it means a moment later counts for nothing', async () => {
    const port = await plain((_, response) => response.end('here'))
    const meanings = ['127.0.0.1', '127.0.0.2']
    let lookups = 0
    const ask = createOutgoing({
      allow: '127.0.0.1/32',
      resolve: async () => [meanings[Math.min(lookups++, 1)] ?? ''],
    })

    expect(await ask({ url: `http://hooks.example.test:${port}/` })).toMatchObject({ body: 'here' })
    expect(lookups).toBe(1)
    await expect(ask({ url: `http://hooks.example.test:${port}/` })).rejects.toThrow(TargetRefused)
  })

  test('that means a private address beside an allowed one is asked at the allowed one', async () => {
    const port = await plain((_, response) => response.end('here'))
    const ask = createOutgoing({
      allow: '127.0.0.1/32',
      resolve: async () => ['10.0.0.1', '127.0.0.1'],
    })

    expect(await ask({ url: `http://hooks.example.test:${port}/` })).toMatchObject({ status: 200 })
  })

  test('of no address is trouble of the moment, not a refusal', async () => {
    const asking = createOutgoing({ resolve: async () => [] })({
      url: 'https://hooks.example.test/',
    })

    await expect(asking).rejects.toThrow('has no address')
    await expect(asking).rejects.not.toThrow(TargetRefused)
  })
})

describe('a request', () => {
  test('carries method, headers and body, and the answer comes back whole', async () => {
    const port = await secure((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        response.writeHead(201, { 'x-answer': 'yes' })
        const { method, url, headers } = request
        response.end(
          JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }),
        )
      })
    })

    const answer = await local({
      url: `https://hooks.example.test:${port}/a?b=c`,
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"é":1}',
    })

    expect(answer).toMatchObject({ status: 201, headers: { 'x-answer': 'yes' }, isCut: false })
    expect(JSON.parse(answer.body)).toMatchObject({
      method: 'PATCH',
      url: '/a?b=c',
      headers: {
        host: `hooks.example.test:${port}`,
        'content-length': '8',
        'content-type': 'application/json',
      },
      body: '{"é":1}',
    })
  })

  test('fails where the certificate is for another name', async () => {
    const port = await secure((_, response) => response.end())

    await expect(local({ url: `https://other.example.test:${port}/` })).rejects.toThrow(
      /certificate/,
    )
  })

  test('fails where nobody vouches for the certificate', async () => {
    const port = await secure((_, response) => response.end())
    const ask = createOutgoing({ allow: 'all', resolve: toThisMachine })

    await expect(ask({ url: `https://hooks.example.test:${port}/` })).rejects.toThrow(/self-signed/)
  })

  test('follows no redirect', async () => {
    const paths: (string | undefined)[] = []
    const port = await plain((request, response) => {
      paths.push(request.url)
      response.writeHead(302, { location: '/elsewhere' }).end()
    })

    expect(await local({ url: `http://127.0.0.1:${port}/first` })).toMatchObject({ status: 302 })
    expect(paths).toEqual(['/first'])
  })

  test('ends in time where nothing is answered, and where the answer only drips', async () => {
    const port = await plain((request, response) => {
      if (request.url === '/silent') return
      const drip = setInterval(() => response.write('.'), 20)
      request.socket.on('close', () => clearInterval(drip))
    })

    for (const path of ['silent', 'drip']) {
      await expect(
        local({ url: `http://127.0.0.1:${port}/${path}`, timeout: 200 }),
      ).rejects.toThrow('No whole answer within 0.2 seconds.')
    }
  })

  test('ends in time where the name is never found', async () => {
    const ask = createOutgoing({ resolve: () => new Promise(() => {}) })

    await expect(ask({ url: 'https://hooks.example.test/', timeout: 100 })).rejects.toThrow(
      'No whole answer within 0.1 seconds.',
    )
  })

  test('takes no more of an endless answer than it has room for, and hangs up', async () => {
    let hungUp = () => {}
    const closed = new Promise<void>((resolve) => {
      hungUp = resolve
    })
    const port = await plain((request, response) => {
      const flood = setInterval(() => response.write('x'.repeat(10_000)), 1)
      request.socket.on('close', () => {
        clearInterval(flood)
        hungUp()
      })
    })

    const answer = await local({ url: `http://127.0.0.1:${port}/`, maxBytes: 1_000 })

    expect(answer).toMatchObject({ isCut: true, body: 'x'.repeat(1_000) })
    await closed
  })

  test('says why nobody could be reached', async () => {
    const asking = local({ url: `http://127.0.0.1:${await freePort()}/` })

    await expect(asking).rejects.toThrow(/ECONNREFUSED/)
  })

  test('does the same in Deno, where it runs', { timeout: 90_000 }, async () => {
    const port = await secure((request, response) => response.end(request.headers.host))
    const module = new URL('../../functions/_shared/outgoing.ts', import.meta.url)
    const script = `
      import { createOutgoing } from '${module}'
      const resolve = async () => ['127.0.0.1']
      const certificates = ${JSON.stringify(certificate)}
      const ask = createOutgoing({ allow: '127.0.0.1/32', resolve, certificates })
      const said = async (ask, name) =>
        ask({ url: 'https://' + name + ':${port}/' }).then(({ body }) => body, ({ message }) => message)
      console.log(JSON.stringify([
        await said(ask, 'hooks.example.test'),
        await said(ask, 'other.example.test'),
        await said(createOutgoing({ resolve }), 'hooks.example.test'),
      ]))`

    const [right, wrongName, refused] = JSON.parse(await runInDeno(script))

    expect(right).toBe(`hooks.example.test:${port}`)
    expect(wrongName).toMatch(/certificate/)
    expect(refused).toMatch(/not on the public internet/)
  })
})

function runInDeno(script: string): Promise<string> {
  const args = ['run', '--quiet', '--allow-all', '--config=functions/deno.json']
  return new Promise((done, fail) => {
    const child = execFile('deno', [...args, '--node-modules-dir=manual', '-'], (error, output) =>
      error ? fail(error) : done(output),
    )
    child.stdin?.end(script)
  })
}
