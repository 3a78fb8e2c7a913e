/** What hangs on the right of somebody who lost it, as the worker follows it up. */
import { describe, expect, onTestFinished } from 'vitest'
import {
  connect,
  deliveriesOf,
  followLostRights,
  housekeepingOf,
  keepHouse,
} from '../../functions/_shared/database.ts'
import { createSmtpTransport } from '../../functions/_shared/transports/smtp.ts'
import { drain } from '../../functions/send-mail/drain.ts'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { startSmtpServer } from '../support/smtp.ts'
import { workerUrl } from './worker-role.ts'

/** The database as a worker of its own has it. */
async function workerOf(acme: Organisation, databaseUrl: string) {
  const sql = connect(await workerUrl(acme.sql, databaseUrl))
  onTestFinished(() => sql.end())
  return { sql, housekeeping: housekeepingOf(sql) }
}

async function invitesBy(acme: Organisation, who: Organisation['admin'], count: number) {
  const invites = Array.from({ length: count }, (_, i) => ({
    email: `${who.userId.slice(0, 8)}-${i}@example.com`,
    roles: ['member'],
  }))
  const rows = await who.rpc('create_organisation_invites', { organisation_id: acme.id, invites })
  return rows.map(({ invite_id }: { invite_id: string }) => invite_id) as string[]
}

const remove = (acme: Organisation, { userId }: Organisation['admin']) =>
  acme.owner.rpc('remove_organisation_member', { organisation_id: acme.id, user_id: userId })

const openInvites = async (acme: Organisation) =>
  (
    await acme.sql<{ id: string }[]>`
      select id from usher.invites where organisation_id = ${acme.id} and status = 'pending'`
  ).map(({ id }) => id)

describe('an admin who is removed', () => {
  test('leaves no open invite: the worker revokes each, and says why', async ({
    acme,
    database,
  }) => {
    const { housekeeping } = await workerOf(acme, database.url)
    const theirs = await invitesBy(acme, acme.admin, 3)
    const others = await invitesBy(acme, acme.owner, 2)
    await remove(acme, acme.admin)

    await followLostRights(housekeeping)

    expect((await openInvites(acme)).sort()).toEqual(others.sort())
    const rows = await acme.sql`
      select distinct status, revoked_reason from usher.invites where id = any (${theirs})`
    expect(rows).toEqual([{ status: 'revoked', revoked_reason: 'inviter_lost_right' }])
  })

  test('and so does one whose role is taken, or who comes to an end, when the house is kept', async ({
    acme,
    database,
  }) => {
    const { housekeeping } = await workerOf(acme, database.url)
    await invitesBy(acme, acme.admin, 1)
    const temporary = await acme.join(['admin'])
    await invitesBy(acme, temporary, 1)
    await acme.owner.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.admin.userId,
      roles: ['member'],
    })
    await acme.sql`update public.organisation_members set ends_at = now() - interval '1 second'
      where organisation_id = ${acme.id} and user_id = ${temporary.userId}`

    await keepHouse(housekeeping)

    expect(await openInvites(acme)).toEqual([])
  })

  test('is told to those who may invite in one mail, whose words say how many', async ({
    acme,
    database,
  }) => {
    const { sql, housekeeping } = await workerOf(acme, database.url)
    await invitesBy(acme, acme.admin, 3)
    await remove(acme, acme.admin)
    await followLostRights(housekeeping)
    await fanOut(acme.sql)
    // Of this test, the notices alone.
    await acme.sql`delete from public.organisation_deliveries where kind <> 'invites_lost_right'
      or organisation_id <> ${acme.id}`
    const server = await startSmtpServer()
    const transport = createSmtpTransport(server.url)
    onTestFinished(async () => {
      transport.close()
      await server.stop()
    })

    await drain({
      deliveries: deliveriesOf(sql),
      transport,
      from: { name: 'Usher', address: 'no-reply@usher.test' },
      worker: 'test',
    })

    expect(server.received.map(({ recipients }) => recipients)).toEqual([[acme.owner.email]])
    expect(server.received[0]?.text).toContain('no longer work: 3.')
  })

  test('however many lose it at once, all of it is followed up', async ({ acme, database }) => {
    const { housekeeping } = await workerOf(acme, database.url)
    await acme.sql`
      insert into usher.lost_rights (organisation_id, user_id)
      select ${acme.id}, gen_random_uuid() from generate_series(1, 250)`

    await followLostRights(housekeeping)

    const [left] = await acme.sql`
      select count(*)::int from usher.lost_rights where organisation_id = ${acme.id}`
    expect(left).toEqual({ count: 0 })
  })
})

test('a member who keeps the right keeps the invites', async ({ acme, database }) => {
  const { housekeeping } = await workerOf(acme, database.url)
  const theirs = await invitesBy(acme, acme.admin, 2)
  await acme.owner.rpc('update_organisation_member_roles', {
    organisation_id: acme.id,
    user_id: acme.admin.userId,
    roles: ['admin', 'member'],
  })

  await followLostRights(housekeeping)

  expect((await openInvites(acme)).sort()).toEqual(theirs.sort())
})
