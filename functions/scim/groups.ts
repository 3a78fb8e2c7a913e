/**
 * A Group on the wire and in the database.
 *
 * @module
 */
import type { GroupFacts, GroupRow } from './directory.ts'
import { patchMembers } from './members.ts'
import { patch } from './patch.ts'
import { refuse } from './problem.ts'
import { Group, type Json, metaOf, toJson, withoutNulls } from './schema.ts'

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Whether this can be the id of anything here. */
export const isId = (text: string): boolean => UUID.test(text)

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
  const { members, ...facts } = toFacts(new Group(withoutNulls(body) as never, 'in'))
  const saysMembers = Object.keys(body).some((name) => /^members$/i.test(name))
  return { ...facts, ...(saysMembers && { members: members ?? [] }) }
}

/** @param now - the Group as it is */
export async function patchGroup(now: Json, body: object): Promise<GroupFacts> {
  const { members = [], ...others } = now as Json & Partial<Pick<GroupRow, 'members'>>
  const patched = patchMembers(
    members.map(({ value }) => value),
    body,
  )
  const group = new Group(others as never, 'out')
  const facts = toFacts(patched.rest ? await patch(group, patched.rest) : group)
  return { ...facts, members: checked(patched.members) }
}

function toFacts(group: InstanceType<typeof Group>): GroupFacts {
  const { displayName, externalId, members } = toJson(group) as Json & Partial<GroupRow>
  return {
    displayName: displayName ?? '',
    externalId: externalId ?? null,
    members: checked((members ?? []).map(({ value }) => value)),
  }
}

/** Each once. @throws 400 for what cannot be a User */
function checked(ids: string[]): string[] {
  const unknown = ids.find((id) => !isId(id ?? ''))
  if (unknown !== undefined) {
    throw refuse(400, 'invalidValue', `There is no User ${unknown} to be a member.`)
  }
  return [...new Set(ids)]
}
