/**
 * What is done with a report that a mail could not be delivered, and of whom it is believed. Reading reports is tried in
 * test/functions/mail-reports.test.ts, with those of servers in use.
 */
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { asWorker, delivery, leaseOne, send } from '../support/worker.ts'

interface Report {
  tag: string
  recipients?: string[]
  action?: string
  about?: string | null
  eventId?: string
}

async function sent(acme: Organisation, email = `p${crypto.randomUUID()}@example.com`) {
  const { invite } = await acme.invite(email)
  const id = await send(acme)
  return { id, invite, email, tag: await tagOf(acme, id) }
}

const tagOf = async (acme: Organisation, id: string): Promise<string> =>
  (await asWorker(acme, (tx) => tx`select usher.mint_return_tag(${id}) as tag`))[0]?.tag

const report = async (
  acme: Organisation,
  {
    tag,
    recipients = [],
    action = 'failed',
    about = 'address',
    eventId = crypto.randomUUID(),
  }: Report,
) =>
  (
    await asWorker(
      acme,
      (tx) => tx`select usher.record_mail_report(
        ${tag}, ${eventId}, ${recipients}, ${action}, ${about}, '550 5.1.1 No', '5.1.1') as outcome`,
    )
  )[0]?.outcome

const isSuppressed = async (acme: Organisation, email: string) =>
  (await acme.sql`select from usher.suppressed_addresses where email = ${email}`).length === 1

const state = async (acme: Organisation, id: string, email: string) => ({
  status: (await delivery(acme, id))?.status,
  isBounced:
    (await acme.sql`select bounced_at from usher.invites where email = ${email}`)[0]?.bounced_at !==
    null,
  isSuppressed: await isSuppressed(acme, email),
})

describe('a report that a mail came back', () => {
  test.for([
    ['address', { status: 'bounced', isBounced: true, isSuppressed: true }],
    ['recipient', { status: 'bounced', isBounced: true, isSuppressed: false }],
    [null, { status: 'bounced', isBounced: true, isSuppressed: false }],
    ['sender', { status: 'failed', isBounced: false, isSuppressed: false }],
    ['message', { status: 'failed', isBounced: false, isSuppressed: false }],
  ] as const)('of %s: %o', async ([about, expected], { acme }) => {
    const { id, email, tag } = await sent(acme)

    expect(await report(acme, { tag, recipients: [email], about })).toBe('recorded')

    expect(await state(acme, id, email)).toEqual(expected)
    expect(await delivery(acme, id)).toMatchObject({
      last_response: '550 5.1.1 No',
      last_status_code: '5.1.1',
    })
    expect(await acme.events()).toContain(`delivery.${expected.status}`)
  })

  test('because of us stops no mail to others, and can be sent again', async ({ acme }) => {
    const { id, email, tag } = await sent(acme)
    await report(acme, { tag, recipients: [email], about: 'sender' })

    expect(
      await acme.sql`select from usher.mail_transport where refused_since is not null`,
    ).toEqual([])
    expect(await acme.owner.rpc('retry_organisation_delivery', { delivery_id: id })).toMatchObject({
      status: 'queued',
    })
  })

  test('counts once, however often it is told', async ({ acme }) => {
    const one = await sent(acme)
    const two = await sent(acme)
    for (const [about, { tag, email }] of [
      ['address', one],
      ['sender', two],
    ] as const) {
      const told = { tag, recipients: [email], about, eventId: `report-${about}` }
      expect(await report(acme, told)).toBe('recorded')
      const again = await report(acme, told)
      expect(['duplicate', 'ignored']).toContain(again)
    }
    expect(
      (await acme.events()).filter((event) => /delivery.(bounced|failed)/.test(event)),
    ).toHaveLength(2)
  })

  test('may come before the worker has written down that it was sent', async ({ acme }) => {
    const email = 'quick@example.com'
    await acme.invite(email)
    const { delivery_id, fence } = await leaseOne(acme)
    const tag = await tagOf(acme, delivery_id)

    expect(await report(acme, { tag, recipients: [email], about: 'sender' })).toBe('recorded')

    await asWorker(
      acme,
      (tx) => tx`select usher.complete_delivery(${delivery_id}, ${fence}, '250')`,
    )
    expect(await delivery(acme, delivery_id)).toMatchObject({ status: 'failed' })
  })

  test.for(['NEW@EXAMPLE.COM', 'new@Example.com', ' new@example.com'])(
    'names the recipient as %s',
    async (recipient, { acme }) => {
      const { id, tag } = await sent(acme, 'new@example.com')

      await report(acme, { tag, recipients: ['forwarded@example.org', recipient] })

      expect(await delivery(acme, id)).toMatchObject({ status: 'bounced' })
    },
  )
})

describe('changes nothing', () => {
  test.for(['delayed', 'relayed', 'expanded', 'FAILED!', ''])(
    'a report that a mail was %s',
    async (action, { acme }) => {
      const { id, email, tag } = await sent(acme)

      expect(await report(acme, { tag, recipients: [email], action })).toBe('ignored')
      expect(await state(acme, id, email)).toEqual({
        status: 'sent',
        isBounced: false,
        isSuppressed: false,
      })
    },
  )

  test('a report of somebody else, by the tag of a mail that one has got', async ({ acme }) => {
    const { id, tag } = await sent(acme)
    const victim = `victim${crypto.randomUUID()}@example.com`
    const other = await sent(acme, victim)

    expect(await report(acme, { tag, recipients: [victim] })).toBe('ignored')

    expect(await isSuppressed(acme, victim)).toBe(false)
    expect(await delivery(acme, id)).toMatchObject({ status: 'sent' })
    expect(await delivery(acme, other.id)).toMatchObject({ status: 'sent' })
  })

  test('a tag that was made up of what may be known: ids of mails, and the tags of others', async ({
    acme,
  }) => {
    const mine = await sent(acme)
    const theirs = await sent(acme)
    const id = (text: string) => text.replaceAll('-', '')
    const forged = [
      // The id is in the Message-ID of each mail.
      mine.tag.slice(0, 4) + id(theirs.id) + mine.tag.slice(36),
      mine.tag.slice(0, 4) + id(theirs.id) + '0'.repeat(16),
      `ffff${theirs.tag.slice(4)}`,
      `0000${theirs.tag.slice(4)}`,
      theirs.tag.slice(0, -1),
      `${theirs.tag}0`,
      id(theirs.id),
      '',
      'x'.repeat(52),
      'x'.repeat(1_000_000),
    ]
    for (const tag of forged) {
      expect(await report(acme, { tag, recipients: [theirs.email] }), tag.slice(0, 60)).toBe(
        'unknown',
      )
    }
    expect(await state(acme, theirs.id, theirs.email)).toMatchObject({ status: 'sent' })
    expect(await report(acme, { tag: theirs.tag.toUpperCase(), recipients: [theirs.email] })).toBe(
      'recorded',
    )
  })

  test('a report of a mail that was never handed out', async ({ acme }) => {
    const { invite } = await acme.invite('waits@example.com')
    const [row] = await acme.sql`insert into public.organisation_deliveries
      (organisation_id, invite_id, kind, recipient) values (${acme.id}, ${invite.id}, 'invite_reminder', 'waits@example.com')
      returning id`
    const tag = await tagOf(acme, row?.id)

    expect(await report(acme, { tag, recipients: ['waits@example.com'] })).toBe('unknown')
  })

  test('a report with no recipient at all', async ({ acme }) => {
    const { id, tag } = await sent(acme)

    expect(await report(acme, { tag, recipients: [] })).toBe('ignored')
    expect(await delivery(acme, id)).toMatchObject({ status: 'sent' })
  })
})

test('of somebody who was erased meanwhile it still holds, and only of them', async ({ acme }) => {
  const { email, tag } = await sent(acme)
  await acme.sql`select usher.erase_address(${email})`

  expect(await report(acme, { tag, recipients: ['victim@example.com'] })).toBe('ignored')
  expect(await report(acme, { tag, recipients: [email] })).toBe('recorded')
  expect(
    await acme.sql`select from usher.erased_stops
    where place = 'suppressed_addresses' and hash = usher.address_hash(${email})`,
  ).toHaveLength(1)
  expect(await isSuppressed(acme, email)).toBe(false)
})

test('a report that it was delivered says so', async ({ acme }) => {
  const { id, email, tag } = await sent(acme)

  expect(await report(acme, { tag, recipients: [email], action: 'delivered' })).toBe('recorded')
  expect(await delivery(acme, id)).toMatchObject({ status: 'delivered' })
})

test('a tag fits into an address, and into one of its own kind of token only', async ({ acme }) => {
  const { id, tag } = await sent(acme)

  expect(tag).toMatch(/^[0-9a-f]{52}$/)
  expect(`bounces+${tag}`.length).toBeLessThanOrEqual(64)
  await acme.sql`select usher.rotate_signing_key()`
  // What is out stays good.
  const [row] = await acme.sql`select usher.verify_return_tag(${tag}) as id`
  expect(row?.id).toBe(id)
  expect(await tagOf(acme, id)).not.toBe(tag)
})
