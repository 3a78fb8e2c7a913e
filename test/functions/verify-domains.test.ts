import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { decode, encode } from 'dns-packet'
import { describe, expect, onTestFinished } from 'vitest'
import { connect, domainsOf } from '../../functions/_shared/database.ts'
import { checkDomains } from '../../functions/verify-domains/check.ts'
import { test } from '../support/acme.ts'
import { workerUrl } from './worker-role.ts'

/** A real name server that knows these TXT records and no others. */
async function startNameServer(records: Record<string, string[]>) {
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    const query = decode(message)
    const name = query.questions?.[0]?.name ?? ''
    const answers = (records[name] ?? []).map((data) => ({
      type: 'TXT' as const,
      name,
      ttl: 1,
      data,
    }))
    const rcode = answers.length > 0 ? 0 : 3
    const { id, questions } = query
    socket.send(
      encode({ type: 'response', id: id ?? 0, flags: rcode, questions: questions ?? [], answers }),
      port,
      address,
    )
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return resolver
}

describe('verify-domains', () => {
  test('finds the record by DNS, among others, and leaves the rest for later', async ({
    acme,
    database,
  }) => {
    const claim = (domain: string) =>
      acme.owner.rpc('create_organisation_domain', { organisation_id: acme.id, domain })
    const { verification } = await claim('proved.example')
    await claim('unproved.example')
    const resolver = await startNameServer({
      '_usher.proved.example': ['v=something else', verification],
      '_usher.unproved.example': ['usher-verification=wrong'],
    })
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())

    expect(await checkDomains(domainsOf(sql), (name) => resolver.resolveTxt(name))).toEqual({
      checked: 2,
      verified: 1,
    })

    const domains = await acme.owner.select('organisation_domains')
    expect(domains.map((row) => [row.domain, row.verified_at !== null]).sort()).toEqual([
      ['proved.example', true],
      ['unproved.example', false],
    ])
    expect(await checkDomains(domainsOf(sql), (name) => resolver.resolveTxt(name))).toEqual({
      checked: 0,
      verified: 0,
    })
  })
})
