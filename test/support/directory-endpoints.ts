/**
 * Other applications that are told who is a member.
 *
 * @module
 */
import type { Organisation } from './acme.ts'

export const ENDPOINT = {
  name: 'Tickets',
  url: 'https://tickets.example/scim/v2',
  token: 'secret-of-tickets',
}

export const createEndpoint = (acme: Organisation, draft: object = {}) =>
  acme.owner.rpc('create_organisation_directory_endpoint', {
    organisation_id: acme.id,
    ...ENDPOINT,
    ...draft,
  })

export const updateEndpoint = (acme: Organisation, endpointId: string, changes: object) =>
  acme.owner.rpc('update_organisation_directory_endpoint', { endpoint_id: endpointId, changes })

export const endpointToken = async (acme: Organisation, id: string) =>
  (await acme.sql`select usher.endpoint_token(${id}) as token`)[0]?.token
