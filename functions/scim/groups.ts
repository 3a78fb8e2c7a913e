/**
 * A Group on the wire and in the database.
 *
 * @module
 */
import type { GroupFacts, GroupRow } from './directory.ts'
import { patchMembers } from './members.ts'
import { patch } from './patch.ts'
import { refuse } from './problem.ts'
import { GROUP, Group, type Json, metaOf } from './schema.ts'
import { type Change, readWhole, type Step } from './steps.ts'

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
  return carryOut({}, [], readWhole(GROUP, body))
}

/** @param now - the Group as it is */
export function patchGroup(now: Json, change: Change): GroupFacts {
  const { members = [], ...rest } = now as Json & { members?: Json[] }
  return carryOut(rest, members, change)
}

function carryOut(group: Json, members: Json[], change: Change): GroupFacts {
  const about = change.steps.filter(isAboutMembers)
  const others = change.steps.filter((step) => !isAboutMembers(step))
  return {
    ...toFacts(patch(group, { ...change, steps: others })),
    ...patchMembers(members, about, others.length === 0),
  }
}

const isAboutMembers = ({ target }: Step) => target.chain[0]?.name === 'members'

function toFacts({ displayName, externalId }: Json): GroupFacts {
  if (typeof displayName !== 'string') {
    throw refuse(400, 'invalidValue', 'A Group has a displayName.')
  }
  return { displayName, externalId: typeof externalId === 'string' ? externalId : null }
}
