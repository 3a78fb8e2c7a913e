/**
 * A project as the migrations of before the first release have made it, in the middle of its work.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { createAcme, type Organisation } from './acme.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import type { Person } from './people.ts'
import { createWebhook, happen, leaseQueuedWebhooks, type WebhookLease } from './webhooks.ts'
import { type Lease, leaseQueued } from './worker.ts'

export const BEFORE = 'supabase/bridge/from'

/** A database that has the migrations of before, and nothing else. */
export async function createDatabaseOfBefore(): Promise<TestDatabase> {
  const database = await createDatabase(null)
  await preparePlatform(database.url)
  await applyMigrations(database.url, BEFORE)
  return database
}

/** Runs the bridge as `usher upgrade` does, the list of migrations aside. */
export async function crossBridge({ sql }: TestDatabase): Promise<void> {
  const bridge = await readFile('supabase/bridge/bridge.sql', 'utf8')
  await sql.begin((tx) => tx.unsafe(bridge))
}

export interface Scene {
  acme: Organisation
  /** The link of an open invite, and who it is for. */
  open: { token: string; invitee: Person }
  expired: { token: string; email: string }
  /** The code of a device. */
  code: string
  /** A delivery that a worker has in hand. */
  leased: Lease
  /** How many mails wait beside. */
  waiting: number
  webhook: { webhook_id: string; secret: string }
  leasedWebhook: WebhookLease
  /** Of an identity provider. */
  directoryToken: string
  endpoint: { id: string; token: string }
}

/** An organisation with all that can wait for something: mails, events, invites, directories. */
export async function setScene(sql: TestDatabase['sql']): Promise<Scene> {
  const acme = await createAcme(sql)
  const open = await acme.inviteIn('pending')
  const expired = await acme.inviteIn('expired')
  await acme.inviteIn('accepted')
  const { code } = await acme.admin.rpc('create_organisation_device_invite', {
    ...{ organisation_id: acme.id, device_name: 'Tablet', roles: ['member'] },
  })
  // Mails of both, and one that a worker has taken. Here they are queued by the call itself: there is no outbox yet.
  await acme.invite()
  await acme.invite()
  const [leased] = await leaseQueued(acme, 1)
  const webhook = await createWebhook(acme)
  await happen(acme)
  const [leasedWebhook] = await leaseQueuedWebhooks(acme)
  await happen(acme)
  await happen(acme)
  const { token: directoryToken } = await acme.owner.rpc('create_organisation_directory_token', {
    ...{ organisation_id: acme.id, name: 'Okta' },
  })
  const { id } = await acme.owner.rpc('create_organisation_directory_endpoint', {
    ...{ organisation_id: acme.id, name: 'Tickets', url: 'https://tickets.example/scim' },
    token: 'secret-of-tickets',
  })
  // Half of the trail is sealed, half is not.
  await sql`select usher.seal_trail(${acme.id})`
  await happen(acme)
  const [waiting] = await sql`select count(*)::int as n from public.organisation_deliveries
    where organisation_id = ${acme.id} and status = 'queued'`
  if (!leased || !leasedWebhook) throw new Error('Nothing was due')
  return {
    acme,
    open: { token: open.token, invitee: await acme.person(open.email) },
    expired,
    code,
    leased,
    waiting: waiting?.n,
    webhook,
    leasedWebhook,
    directoryToken,
    endpoint: { id, token: 'secret-of-tickets' },
  }
}
