/**
 * The worker's side of telling other applications, as its role sees it.
 *
 * @module
 */
import { test as base, type Organisation } from './acme.ts'
import { asWorker } from './worker.ts'

export interface Lease {
  endpoint_id: string
  member_id: string
  fence: string
  attempts: number
}

/** `endpoint`: one that has been compared, and where all is as it should be. */
export const test = base.extend('endpoint', async ({ acme }): Promise<string> => {
  const { id } = await acme.owner.rpc('create_organisation_directory_endpoint', {
    organisation_id: acme.id,
    name: 'Tickets',
    url: 'https://tickets.example/scim',
    token: 'secret',
  })
  await acme.sql`update public.organisation_directory_endpoints set is_enabled = id = ${id},
    reconciled_at = now(), reconcile_at = 'infinity', features = '{"patch": true}'`
  await acme.sql`update public.organisation_directory_copies set status = 'current'`
  return id
})

export const leaseChanges = (acme: Organisation, size = 50) =>
  asWorker(acme, (tx) => tx<Lease[]>`select * from usher.lease_directory_changes(${size})`)

export async function leaseChange(acme: Organisation): Promise<Lease> {
  const [taken] = await leaseChanges(acme, 1)
  if (!taken) throw new Error('Nothing was due')
  return taken
}

export const endpointOf = async (acme: Organisation, id: string) =>
  (await acme.sql`select * from public.organisation_directory_endpoints where id = ${id}`)[0]

export const changeRoles = (acme: Organisation, roles: string[]) =>
  acme.owner.rpc('update_organisation_member_roles', {
    organisation_id: acme.id,
    user_id: acme.member.userId,
    roles,
  })
