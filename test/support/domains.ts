/**
 * Domains of an organisation, and joining by them.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Organisation } from './acme.ts'

export const claimDomain = (
  acme: Organisation,
  domain: string,
  who: 'admin' | 'outsider' = 'admin',
) =>
  acme[who].rpc('create_organisation_domain', {
    organisation_id: who === 'admin' ? acme.id : acme.otherId,
    domain,
  })

export const confirmDomain = async (
  acme: Organisation,
  organisationId: string,
  domain: string,
  values: string[],
) =>
  (
    await acme.sql.begin(async (tx) => {
      await tx`set local role usher_worker`
      return tx`select usher.confirm_domain(${organisationId}, ${domain}, ${tx.array(values)}) as ok`
    })
  )[0]?.ok

export const newDomain = () => `d${randomUUID().slice(0, 8)}.example`

/** A verified domain of acme, and someone whose confirmed address is of it. */
export async function openDomain(acme: Organisation, join_policy: 'join' | 'ask', role = 'member') {
  await acme.sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
  onTestFinished(async () => {
    await acme.sql`select usher.update_settings('{"auth_confirms_addresses": false}')`
  })
  const domain = newDomain()
  const { verification } = await claimDomain(acme, domain)
  await confirmDomain(acme, acme.id, domain, [verification])
  await acme.admin.rpc('update_organisation_domain', {
    organisation_id: acme.id,
    domain,
    join_policy,
    role,
  })
  return { domain, employee: await acme.person(`e-${randomUUID().slice(0, 6)}@${domain}`) }
}

export const joinByDomain = (acme: Organisation, who: { rpc: Organisation['owner']['rpc'] }) =>
  who.rpc('join_organisation', { organisation_id: acme.id })
