/**
 * The resources of SCIM 2.0 as this server has them: what it keeps is what it says that it keeps.
 *
 * scimmy holds the definitions of RFC 7643, once for the whole process, so they are adjusted here, and used from here.
 * Requests are read by `names.ts`, `filter.ts`, `values.ts` and `patch.ts`: what identity providers send is wider than
 * what scimmy takes.
 * Source: RFC 7643
 *
 * @module
 */
import SCIMMY from 'scimmy'

export const { User, Group, EnterpriseUser } = SCIMMY.Schemas
export const { Error: ScimError } = SCIMMY.Types

/** A resource, or a part of one, as JSON. */
export type Json = Record<string, unknown>

/** Secrets are no business of ours; roles are given by Groups; the rest says nothing about a membership. */
const NOT_KEPT = [
  'password',
  'roles',
  'entitlements',
  'x509Certificates',
  'photos',
  'ims',
  'groups',
]
User.truncate(NOT_KEPT)
User.extend(EnterpriseUser as never)

interface Described {
  name: string
  type: string
  config: {
    multiValued: boolean
    caseExact: boolean
    mutable: boolean | string
    required: boolean
    canonicalValues: unknown
    description: string
    shadow: boolean
  }
  subAttributes?: Described[]
}

const described = (definition: typeof User.definition) =>
  (definition.attributes as unknown as Described[]).filter(({ config }) => config)

// Canonical values are what RFC 7643 (section 7) suggests; identity providers send others as well.
for (const { subAttributes = [] } of described(User.definition)) {
  for (const { config } of subAttributes) config.canonicalValues = false
}
const describe = (name: string, description: string) => {
  const found = described(User.definition).find((one) => one.name === name)
  if (found) found.config.description = description
}
describe(
  'userName',
  'The name by which the directory knows the User, in any case. REQUIRED. Without emails it has to be an address ' +
    'that gets mail; otherwise the User is refused with scimType invalidValue.',
)
describe(
  'emails',
  'Addresses of the User. The primary one, or that of type work, or the first is where invitations go; without any, ' +
    'it is the userName.',
)
describe(
  'active',
  'Whether the User is to be a member. Left out of a new User it is true; left out of a change, or removed, it stays.',
)

export interface Attribute {
  /** As the schema spells it; of an extension, its URN. */
  name: string
  type: string
  isMultiple: boolean
  isExact: boolean
  isReadOnly: boolean
  isRequired: boolean
  /** Whether something follows from it here, so that a value which cannot be read is refused and never left out. */
  isDeciding: boolean
  /** By name in small letters. */
  parts: ReadonlyMap<string, Attribute>
}

/** A kind of resource: what it is made of, and how its schemas are called. */
export interface Shape {
  urn: string
  /** By name in small letters. */
  attributes: ReadonlyMap<string, Attribute>
  /** Of extensions, by URN in small letters. */
  extensions: ReadonlyMap<string, Attribute>
  /** Names in small letters of what the RFC has, and this server leaves out. */
  notKept: ReadonlySet<string>
}

const byName = (attributes: Attribute[]) =>
  new Map(attributes.map((one) => [one.name.toLowerCase(), one]))

function toAttribute(
  { name, type, config, subAttributes = [] }: Described,
  deciding: string[],
  isInDeciding = false,
): Attribute {
  const isDeciding = deciding.includes(name) || (isInDeciding && name === 'value')
  return {
    name,
    type,
    isMultiple: config.multiValued,
    isExact: config.caseExact || name === '$ref' || name === 'location',
    isReadOnly: ['id', 'meta'].includes(name),
    isRequired: config.required,
    isDeciding,
    parts: byName(subAttributes.map((one) => toAttribute(one, [], isDeciding))),
  }
}

function shapeOf(
  { definition }: { definition: typeof User.definition },
  deciding: string[],
  extensions: Attribute[] = [],
  notKept: string[] = [],
): Shape {
  return {
    urn: definition.id,
    attributes: byName(described(definition).map((one) => toAttribute(one, deciding))),
    extensions: byName(extensions),
    notKept: new Set(notKept.map((name) => name.toLowerCase())),
  }
}

const enterprise: Attribute = {
  name: EnterpriseUser.id,
  type: 'complex',
  isMultiple: false,
  isExact: false,
  isReadOnly: false,
  isRequired: false,
  isDeciding: false,
  parts: byName(
    described(EnterpriseUser.definition)
      .filter(({ config }) => !config.shadow)
      .map((one) => toAttribute(one, [])),
  ),
}

export const USER = shapeOf(
  User,
  ['userName', 'externalId', 'active', 'emails'],
  [enterprise],
  NOT_KEPT,
)
export const GROUP = shapeOf(Group as never, ['displayName', 'externalId', 'members'])

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

/** A definition of scimmy as what goes over the wire. */
export const toJson = (definition: object): Json => JSON.parse(JSON.stringify(definition))
