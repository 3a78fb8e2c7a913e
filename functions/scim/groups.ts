/**
 * A Group on the wire and in the database.
 *
 * @module
 */
import type { GroupFacts, GroupRow } from './directory.ts'
import { patchMembers, readMembers } from './members.ts'
import { type Change, patch, readBody } from './patch.ts'
import { refuse } from './problem.ts'
import { GROUP, Group, type Json, metaOf } from './schema.ts'

/** @param base - where this server is found, for `meta.location` and the members' `$ref` */
export function fromGroupRow(row: GroupRow, base: string): Json {
  const members = row.members.map(({ value, display }) => ({
    value,
    display,
    $ref: `${base}/Users/${value}`,
    type: 'User',
  }))
  return {
    schemas: [Group.id],
    id: row.id,
    ...(row.externalId && { externalId: row.externalId }),
    meta: metaOf(row, 'Group', base),
    displayName: row.displayName,
    ...(members.length > 0 && { members }),
  }
}

/**
 * Reads a Group. Where it says nothing of members, they stay as they are: taking a role from everyone has to be
 * said.
 *
 * @throws 400 for a body that is no Group
 */
export function readGroup(body: object): GroupFacts {
  const { resource, names } = readBody(GROUP, body)
  const { members, ...facts } = resource
  return {
    ...toFacts(facts),
    ...(names.has('members') && { members: readMembers(members ?? []) }),
  }
}

/** @param now - the Group as it is */
export function patchGroup(now: Json, { steps, refusal }: Change): GroupFacts {
  const isAboutMembers = ({ target }: Change['steps'][number]) =>
    target.chain[0]?.name === 'members'
  const others = steps.filter((step) => !isAboutMembers(step))
  const { members = [], ...rest } = now as Json & { members?: Json[] }
  return {
    ...toFacts(patch(rest, { steps: others, refusal })),
    ...patchMembers(members, steps.filter(isAboutMembers), others.length === 0),
  }
}

function toFacts({ displayName, externalId }: Json): GroupFacts {
  if (typeof displayName !== 'string') {
    throw refuse(400, 'invalidValue', 'A Group has a displayName.')
  }
  return { displayName, externalId: typeof externalId === 'string' ? externalId : null }
}
