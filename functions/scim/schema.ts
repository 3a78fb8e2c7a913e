/**
 * The resources of SCIM 2.0 as this server has them: what it keeps is what it says that it keeps.
 *
 * scimmy holds its schemas once for the whole process, so they are adjusted here, and used from here.
 * Source: RFC 7643
 *
 * @module
 */
import SCIMMY from 'scimmy'

export const { User, Group, EnterpriseUser } = SCIMMY.Schemas
export const { Filter, Error: ScimError } = SCIMMY.Types
export const { PatchOp } = SCIMMY.Messages

/** A resource, or a part of one, as JSON. */
export type Json = Record<string, unknown>

// Secrets are no business of ours; roles are given by Groups; the rest says nothing about a membership.
User.truncate(['password', 'roles', 'entitlements', 'x509Certificates', 'photos', 'ims', 'groups'])
User.extend(EnterpriseUser as never)

// Canonical values are what RFC 7643 (section 7) suggests; identity providers send others as well.
for (const { subAttributes = [] } of User.definition.attributes as Described[]) {
  for (const { config } of subAttributes) config.canonicalValues = false
}

interface Described {
  subAttributes?: { config: { canonicalValues: unknown } }[]
}

/** What a resource says of itself. */
export const metaOf = (
  { id, createdAt, updatedAt }: { id: string; createdAt: Date; updatedAt: Date },
  resourceType: 'User' | 'Group',
  base: string,
): Json => ({
  resourceType,
  created: createdAt.toISOString(),
  lastModified: updatedAt.toISOString(),
  location: `${base}/${resourceType}s/${id}`,
})

/** What is null is not there: RFC 7643 section 2.5. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((one) => one !== null).map(withoutNulls)
  if (value === null || typeof value !== 'object') return value
  const present = Object.entries(value).filter(([, one]) => one !== null)
  return Object.fromEntries(present.map(([name, one]) => [name, withoutNulls(one)]))
}

/** A resource of scimmy as what goes over the wire. */
export const toJson = (resource: object): Json => JSON.parse(JSON.stringify(resource))
