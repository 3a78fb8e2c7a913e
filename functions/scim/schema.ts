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
    referenceTypes: unknown
    description: string
    returned: boolean | string
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
const describe = (name: string, config: Partial<Described['config']>) => {
  const found = described(User.definition).find((one) => one.name === name)
  if (found) Object.assign(found.config, config)
  return found
}
describe('userName', {
  description:
    'The name by which the directory knows the User, in any case. REQUIRED. Without emails it has to be an address ' +
    'that gets mail; otherwise the User is refused with scimType invalidValue.',
})
// Required for whoever goes by what this says: what is left out is answered for below.
describe('emails', {
  required: true,
  description:
    'Addresses of the User. The primary one, or that of type work, or the first is where invitations go. It may be ' +
    'left out where the userName is an address, which then stands for it.',
})?.subAttributes?.forEach((part) => {
  if (part.name === 'value') part.config.required = true
})
describe('active', {
  required: true,
  description:
    'Whether the User is to be a member. It cannot be removed. Left out of a new User it is true; left out of a PUT it ' +
    'stays what it is.',
})
// A Group has people in it; a Group among them is left out.
for (const { subAttributes = [] } of described(Group.definition as never)) {
  for (const { name, config } of subAttributes) {
    if (name === 'type') config.canonicalValues = ['User']
    if (name === '$ref') config.referenceTypes = ['User']
    // Whoever puts somebody in does not say what they are called, and compares what comes back.
    if (name === 'display') Object.assign(config, { mutable: false, returned: 'request' })
  }
}

export interface Attribute {
  /** As the schema spells it; of an extension, its URN. */
  name: string
  type: string
  isMultiple: boolean
  isExact: boolean
  isReadOnly: boolean
  /** Whether answers hold it only where it is asked for by its name. */
  isOnRequest: boolean
  /** Whether there is always one. */
  isRequired: boolean
  /** Whether a PATCH may say that there is to be none. */
  isRemovable: boolean
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
    // An id is a UUID here, which is the same in any case.
    isExact: (config.caseExact && name !== 'id') || name === '$ref' || name === 'location',
    isReadOnly: ['id', 'meta'].includes(name),
    isOnRequest: config.returned === 'request',
    isRequired: ['userName', 'displayName'].includes(name) && config.required,
    isRemovable: !config.required || name === 'emails',
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
  isOnRequest: false,
  isRequired: false,
  isRemovable: true,
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
