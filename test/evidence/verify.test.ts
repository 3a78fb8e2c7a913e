/** What verification finds in a package that somebody has changed, with the package alone. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { bytesOf, sha256 } from '../../client/evidence/bytes.ts'
import { toCsv } from '../../client/evidence/files.ts'
import {
  buildEvidencePackage,
  databaseSource,
  type EvidencePackage,
  verifyEvidencePackage,
} from '../../client/evidence/index.ts'
import { TABLES } from '../../client/evidence/tables.ts'
import { test as base, type Organisation } from '../support/acme.ts'
import { eventsOf, forge, pack, type Texts, unpack, withEvents, withTable } from './tampering.ts'

const run = promisify(execFile)
const seal = ({ sql }: Organisation) => sql`select usher.seal_audit_trail()`
const packageOf = ({ sql, id }: Organisation, since = '2026-01-01T00:00:00Z') =>
  buildEvidencePackage(databaseSource(sql, id, { since }))

const test = base
  /** A package of three seals, with something in each. */
  .extend('made', async ({ acme }): Promise<EvidencePackage> => {
    await acme.invite()
    await seal(acme)
    await acme.inviteIn('accepted')
    await acme.inviteIn('declined')
    await seal(acme)
    await acme.owner.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
      roles: ['finance', 'member'],
    })
    return packageOf(acme)
  })
  .extend('texts', async ({ made }): Promise<Texts> => unpack(made.zip))

/** The first thing that verification finds. */
async function firstProblem(zip: Uint8Array) {
  const { isWhole, problems } = await verifyEvidencePackage(zip)
  expect(isWhole).toBe(problems.length === 0)
  return problems[0]
}

describe('a package as it was made', () => {
  test('is whole, and says so with the sum that was shown when it was made', async ({ made }) => {
    const found = await verifyEvidencePackage(made.zip)

    expect(found.problems).toEqual([])
    expect(found).toMatchObject({ isWhole: true, manifestSum: made.manifestSum })
    expect(found.manifest.trail).toMatchObject({ first_seal: 1, last_seal: 3, head_seal: 3 })
  })

  test('is checked by hand as its README.txt says', async ({ made }) => {
    const folder = await mkdtemp(join(tmpdir(), 'usher-evidence-'))
    try {
      await writeFile(join(folder, 'evidence.zip'), made.zip)
      const script = (unpack(made.zip)['README.txt'] ?? '')
        .split('\n')
        .filter((line) => line.startsWith('     '))
        .filter((line) => !/^\s+[0-9a-f]{64}$/.test(line))
        .join('\n')
      const { stdout } = await run('bash', ['-ec', `unzip -q evidence.zip\n${script}`], {
        cwd: folder,
      })

      const sums = [...stdout.matchAll(/^([0-9a-f]{64})/gm)].map(([, sum]) => sum)
      expect(stdout).not.toContain('FAILED')
      expect(sums).toHaveLength(6)
      for (const at of [0, 2, 4]) expect(sums[at]).toBe(sums[at + 1])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('of a later period is chained to an earlier one, and to every seal noted since', async ({
    acme,
    made,
  }) => {
    const { head_hash } = made.manifest.trail
    await acme.invite()
    const later = await packageOf(acme)

    const knownSeals = [String(head_hash), String(later.manifest.trail.head_hash)]
    expect((await verifyEvidencePackage(later.zip, { knownSeals })).isWhole).toBe(true)
    const foreign = await verifyEvidencePackage(later.zip, { knownSeals: ['0'.repeat(64)] })
    expect(foreign.problems[0]?.problem).toBe('unknown_seal')
  })

  test('begins in the middle of the trail, and is whole all the same', async ({ acme, made }) => {
    const until = made.manifest.until
    await acme.inviteIn('accepted')
    const later = await packageOf(acme, until)

    expect(later.manifest.trail.first_seal).toBeGreaterThan(1)
    expect(await firstProblem(later.zip)).toBeUndefined()
  })

  test('of a period in which nothing happened is whole', async ({ acme }) => {
    const source = databaseSource(acme.sql, acme.id, {
      since: '2020-01-01T00:00:00Z',
      until: '2020-02-01T00:00:00Z',
    })
    const { zip, manifest } = await buildEvidencePackage(source)

    expect(manifest.trail).toMatchObject({ first_seal: null, events: 0 })
    expect(await firstProblem(zip)).toBeUndefined()
  })
})

describe('an event that was changed in a copy is pointed to', () => {
  const changed = (texts: Texts, at: number) => {
    const events = eventsOf(texts)
    const event = events[at]
    if (event?.event) event.event = event.event.replace(/"(user|invitee)"/, '"worker"')
    return { events, id: event?.event_id }
  }

  test('also when all sums were made anew', async ({ texts }) => {
    for (const at of [0, 2, 5]) {
      const { events, id } = changed(texts, at)
      const forged = await forge(withEvents(texts, events))

      expect(await firstProblem(forged)).toMatchObject({ problem: 'event_changed', event_id: id })
    }
  })

  test('also when its own hash was made anew: by the seal, and by what people read', async ({
    texts,
  }) => {
    const { events, id } = changed(texts, 2)
    const event = events[2]
    if (event) event.event_hash = await sha256(bytesOf(event.event ?? ''))

    const { problems } = await verifyEvidencePackage(await forge(withEvents(texts, events)))

    expect(problems[0]).toMatchObject({ problem: 'seal_broken', seal_number: event?.seal_number })
    expect(problems).toContainEqual(
      expect.objectContaining({ file: 'trail/events.json', event_id: id }),
    )
  })

  test('also when only what is personal in it was changed', async ({ texts }) => {
    const events = eventsOf(texts)
    const event = events.find(({ personal }) => personal?.includes('192.0.2.7'))
    if (event) event.personal = event.personal?.replace('192.0.2.7', '198.51.100.9') ?? null

    expect(await firstProblem(await forge(withEvents(texts, events)))).toMatchObject({
      problem: 'event_changed',
      event_id: event?.event_id,
    })
  })

  test('also where only the file that people read was changed', async ({ texts }) => {
    const path = 'trail/events.csv'
    const lines = (texts[path] ?? '').split('\n')
    lines[3] = lines[3]?.replace(/invite\.\w+/, 'invite.revoked') ?? ''
    const forged = await forge({ ...texts, [path]: lines.join('\n') })

    expect(await firstProblem(forged)).toMatchObject({
      problem: 'file_changed',
      file: path,
      event_id: eventsOf(texts)[2]?.event_id,
    })
  })
})

describe('also found is', () => {
  test('an event that was removed', async ({ texts }) => {
    const events = eventsOf(texts)
    const [gone] = events.splice(3, 1)

    expect(await firstProblem(await forge(withEvents(texts, events)))).toMatchObject({
      problem: 'event_removed',
      event_id: events[3]?.event_id,
      seal_number: gone?.seal_number,
    })
  })

  test('an event whose words were removed, whatever its seal says of its time', async ({
    texts,
  }) => {
    const events = eventsOf(texts)
    const event = events[3]
    if (event) Object.assign(event, { event: null, personal: null })
    const seals = JSON.parse(texts['trail/seals.json'] ?? '')
    for (const each of seals) each.purged_at = '2026-01-01T00:00:00+00:00'
    const forged = await forge({
      ...withEvents(texts, events),
      'trail/seals.json': JSON.stringify(seals),
    })

    expect(await firstProblem(forged)).toMatchObject({
      problem: 'event_removed',
      event_id: event?.event_id,
    })
  })

  test('the last events of a seal, and a whole seal, that were removed', async ({ texts }) => {
    const events = eventsOf(texts)
    const withoutLast = events.filter((_, at) => at !== events.length - 1)
    expect(await firstProblem(await forge(withEvents(texts, withoutLast)))).toMatchObject({
      problem: 'event_removed',
      seal_number: 3,
    })

    const seals = JSON.parse(texts['trail/seals.json'] ?? '').filter(
      ({ number }: { number: number }) => number !== 2,
    )
    const withoutSeal = withEvents(
      texts,
      events.filter(({ seal_number }) => seal_number !== 2),
    )
    const forged = await forge({ ...withoutSeal, 'trail/seals.json': JSON.stringify(seals) })
    expect(await firstProblem(forged)).toMatchObject({ problem: 'seal_removed', seal_number: 2 })
  })

  test('a seal whose events are said to be outside of the period, be it by a microsecond', async ({
    made,
    texts,
  }) => {
    const manifest = JSON.parse(texts['manifest.json'] ?? '')
    const seals = JSON.parse(texts['trail/seals.json'] ?? '[]')
    const { first_event_at } = seals.at(-1)
    // Later, and all but once in a thousand times within the same millisecond.
    const micros = Number((first_event_at.match(/\.(\d+)/)?.[1] ?? '').padEnd(6, '0')) + 1
    manifest.until =
      micros % 1000 === 0
        ? new Date(Date.parse(first_event_at) + 1).toISOString()
        : first_event_at.replace(/(\.\d+)?(?=[+Z])/, `.${String(micros).padStart(6, '0')}`)
    manifest.trail.last_seal = Number(made.manifest.trail.last_seal) - 1

    const forged = await forge({ ...texts, 'manifest.json': JSON.stringify(manifest) })

    const { problems } = await verifyEvidencePackage(forged)
    expect(problems).toContainEqual(
      expect.objectContaining({
        problem: 'event_removed',
        seal_number: made.manifest.trail.last_seal,
        what: expect.stringContaining('covers events of the period'),
      }),
    )
  })

  test('a seal whose events are said to be outside of the period', async ({ made, texts }) => {
    const { first_seal, last_seal } = made.manifest.trail
    for (const trail of [
      { last_seal: Number(last_seal) - 1 },
      { first_seal: Number(first_seal) + 1 },
    ]) {
      const manifest = JSON.parse(texts['manifest.json'] ?? '')
      Object.assign(manifest.trail, trail)
      const hidden = 'last_seal' in trail ? last_seal : first_seal
      const events = eventsOf(texts).flatMap((event) => {
        if (event.seal_number !== hidden) return event
        return 'last_seal' in trail ? { ...event, event: null, personal: null } : []
      })
      const forged = await forge({
        ...withEvents(texts, events),
        'manifest.json': JSON.stringify(manifest),
      })

      expect(await firstProblem(forged)).toMatchObject({
        problem: 'event_removed',
        seal_number: hidden,
      })
    }
  })

  test('two events that changed places, also with their numbers', async ({ texts }) => {
    const events = eventsOf(texts)
    const [one, other] = [events[3], events[4]]
    if (!one || !other) throw new Error('There have to be five events.')
    const swapped = events.with(3, other).with(4, one)
    expect(await firstProblem(await forge(withEvents(texts, swapped)))).toMatchObject({
      problem: 'event_removed',
      seal_number: one.seal_number,
    })

    const renumbered = events
      .with(3, { ...other, position: one.position })
      .with(4, { ...one, position: other.position })
    expect(await firstProblem(await forge(withEvents(texts, renumbered)))).toMatchObject({
      problem: 'event_reordered',
      event_id: one.event_id,
    })
  })

  test('an event that was put in', async ({ texts }) => {
    const events = eventsOf(texts)
    const last = events.at(-1)
    if (!last) throw new Error('There have to be events.')
    const added = { ...last, position: last.position + 1 }

    expect(await firstProblem(await forge(withEvents(texts, [...events, added])))).toMatchObject({
      problem: 'event_inserted',
      event_id: last.event_id,
    })
  })

  test('a seal that was made anew, by the next one', async ({ texts }) => {
    const seals = JSON.parse(texts['trail/seals.json'] ?? '')
    seals[0].hash = '0'.repeat(64)
    const forged = await forge({ ...texts, 'trail/seals.json': JSON.stringify(seals) })

    expect(await firstProblem(forged)).toMatchObject({ problem: 'seal_broken', seal_number: 1 })
  })

  test('a register that was changed: by its sum, and where it tells of an event, by the event', async ({
    texts,
  }) => {
    const columns = TABLES.find(({ name }) => name === 'rights')?.columns ?? []
    const change = (rows: Record<string, unknown>[]) => {
      const row = rows.find(({ granted_through }) => granted_through === 'invite.accepted')
      if (row) row.role = 'admin'
    }
    const tampered = withTable(texts, 'rights', change, (rows) => toCsv(rows, columns))

    const { problems } = await verifyEvidencePackage(pack(tampered))
    expect(problems.map(({ file }) => file)).toContain('tables/rights.json')
    expect(await firstProblem(await forge(tampered))).toMatchObject({
      problem: 'file_changed',
      file: 'tables/rights.json',
      event_id: expect.any(String),
    })
  })

  test.for([
    ['file_changed', { 'report.html': '<p>All is well</p>' }],
    ['file_changed', { SHA256SUMS: '' }],
    ['file_added', { 'more.txt': 'more' }],
  ] as const)('%s: %j', async ([problem, change], { texts }) => {
    const [file] = Object.keys(change)
    expect(await firstProblem(pack({ ...texts, ...change }))).toMatchObject({ problem, file })
  })

  test('a file that is missing', async ({ texts }) => {
    const { 'tables/changes.csv': _, ...others } = texts
    expect(await firstProblem(pack(others))).toMatchObject({
      problem: 'file_missing',
      file: 'tables/changes.csv',
    })
  })

  test('anything that is no package', async ({ texts }) => {
    await expect(verifyEvidencePackage(bytesOf('nothing'))).rejects.toThrow('no ZIP file')
    await expect(verifyEvidencePackage(pack({ 'a.txt': 'a' }))).rejects.toThrow('no package')
    const later = (texts['manifest.json'] ?? '').replace('usher-evidence/1', 'usher-evidence/2')
    await expect(verifyEvidencePackage(pack({ ...texts, 'manifest.json': later }))).rejects.toThrow(
      'usher-evidence/2',
    )
  })
})

describe('what the law takes away leaves a package whole', () => {
  test('events whose time is over, as long as the trail says so', async ({ acme }) => {
    await acme.invite()
    await seal(acme)
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { audit_retention: '30 days' },
    })
    await acme.sql`update usher.audit_seals
      set last_event_at = last_event_at - interval '31 days', first_event_at = first_event_at - interval '31 days'
      where organisation_id = ${acme.id}`
    await acme.sql`select usher.purge_audit_trail()`

    const { zip, manifest } = await packageOf(acme)

    expect(manifest.trail).toMatchObject({ first_seal: 1, hashes_only: 2 })
    expect(await firstProblem(zip)).toBeUndefined()
  })

  test('a person who was forgotten', async ({ acme }) => {
    const { token } = await acme.invite(acme.stranger.email)
    await acme.stranger.rpc('accept_organisation_invite', { token })
    await seal(acme)
    await acme.sql`select usher.erase_person(${acme.stranger.userId})`

    const { zip } = await packageOf(acme)

    expect(JSON.stringify(unpack(zip))).not.toContain(acme.stranger.email)
    expect(await firstProblem(zip)).toBeUndefined()
  })
})
