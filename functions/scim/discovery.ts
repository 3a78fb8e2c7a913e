/**
 * What this server can do: for clients that ask before they act. The same for every organisation.
 *
 * Source: RFC 7643 sections 5 to 7
 *
 * @module
 */
import { MAX_RESULTS } from './listing.ts'
import { EnterpriseUser, Group, type Json, toJson, User } from './schema.ts'

/** @param base - where this server is found */
export function serviceProviderConfig(base: string): Json {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MAX_RESULTS },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token of the organisation, made on the page Directories.',
        specUri: 'https://www.rfc-editor.org/info/rfc6750',
        primary: true,
      },
    ],
    meta: {
      resourceType: 'ServiceProviderConfig',
      location: `${base}/ServiceProviderConfig`,
    },
  }
}

export function resourceTypes(base: string): Json[] {
  const type = (name: 'User' | 'Group', description: string, extensions: string[]) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint: `/${name}s`,
    description,
    schema: `urn:ietf:params:scim:schemas:core:2.0:${name}`,
    ...(extensions.length > 0 && {
      schemaExtensions: extensions.map((schema) => ({ schema, required: false })),
    }),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  })
  return [
    type('User', 'A member of the organisation, or somebody who is invited.', [EnterpriseUser.id]),
    type('Group', 'A role of the organisation, and who holds it.', []),
  ]
}

export function schemas(base: string): Json[] {
  return [User, Group, EnterpriseUser].map(({ definition }) =>
    toJson(definition.describe(`${base}/Schemas`)),
  )
}
