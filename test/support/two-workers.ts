/**
 * Two workers, each with connections of its own; `sync` lets both do all that is due.
 *
 * @module
 */
import { connect } from '../../functions/_shared/database.ts'
import { createOutgoing } from '../../functions/_shared/outgoing.ts'
import { changesOf } from '../../functions/sync-directories/changes.ts'
import { syncDirectories } from '../../functions/sync-directories/sync.ts'
import { workerUrl } from '../functions/worker-role.ts'
import { test as base, type Organisation } from './acme.ts'

export const test = base
  .extend('workers', { scope: 'file' }, async ({ database }, { onCleanup }) => {
    await database.sql`select usher.update_settings('{"allow_private_targets": true}')`
    const url = await workerUrl(database.sql, database.url)
    const both = [connect(url), connect(url)]
    onCleanup(async () => void (await Promise.all(both.map((sql) => sql.end()))))
    return both
  })
  .extend('sync', async ({ acme, workers }) => async () => {
    await acme.sql`update public.organisation_directory_endpoints set is_enabled = false
      where organisation_id <> ${acme.id}`
    const outgoing = createOutgoing({ allow: '127.0.0.0/8' })
    await Promise.all(workers.map((sql) => syncDirectories({ changes: changesOf(sql), outgoing })))
  })

export const endpointAt = (acme: Organisation, url: string) =>
  acme.owner.rpc('create_organisation_directory_endpoint', {
    organisation_id: acme.id,
    name: 'Application',
    url,
    token: 'secret',
  })
export const remove = (acme: Organisation) =>
  acme.owner.rpc('remove_organisation_member', {
    organisation_id: acme.id,
    user_id: acme.member.userId,
  })
export const roles = (acme: Organisation, userId: string, names: string[]) =>
  acme.owner.rpc('update_organisation_member_roles', {
    organisation_id: acme.id,
    user_id: userId,
    roles: names,
  })
