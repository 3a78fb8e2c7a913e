/**
 * An admin who loses the right to what they gave, and what comes of it.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Organisation } from './acme.ts'
import { onMember } from './members.ts'
import { fanOut } from './outbox.ts'

export const setAdminRoles = (acme: Organisation, roles: string[]) =>
  acme.owner.rpc('update_organisation_member_roles', onMember(acme, 'admin', { roles }))

export const removeAdmin = (acme: Organisation) =>
  acme.owner.rpc('remove_organisation_member', onMember(acme, 'admin'))

export const inviteBy = (acme: Organisation, who: 'admin' | 'owner' = 'admin', more: object = {}) =>
  acme[who].rpc('create_organisation_invite', {
    organisation_id: acme.id,
    email: `new-${randomUUID().slice(0, 8)}@example.com`,
    roles: ['finance'],
    ...more,
  })

export const deviceCode = async (acme: Organisation): Promise<string> =>
  (
    await acme.admin.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Door',
      roles: ['member'],
    })
  ).code

export const followLostRights = ({ sql }: Organisation) => sql`select usher.follow_lost_rights()`

export async function mailsOf(acme: Organisation, kind: string) {
  await fanOut(acme.sql)
  return acme.sql`select recipient, facts from public.organisation_deliveries
    where organisation_id = ${acme.id} and kind = ${kind} order by recipient`
}

export const directoryToken = async (acme: Organisation) =>
  (await acme.owner.select('organisation_directory_tokens'))[0]
