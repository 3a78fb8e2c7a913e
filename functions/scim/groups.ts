/**
 * A Group on the wire and in the database.
 *
 * @module
 */
import type { GroupFacts, GroupRow } from './directory.ts'
import { refuse } from './problem.ts'
import { Group, type Json, toJson, withoutNulls } from './schema.ts'

type GroupResource = InstanceType<typeof Group>

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Whether this can be the id of anything here. */
export const isId = (text: string): boolean => UUID.test(text)

/** @param base - where this server is found, for `meta.location` and the members' `$ref` */
export function fromGroupRow(row: GroupRow, base: string): GroupResource {
  const source = {
    id: row.id,
    ...(row.externalId && { externalId: row.externalId }),
    displayName: row.displayName,
    members: row.members.map(({ value, display }) => ({
      value,
      display,
      $ref: `${base}/Users/${value}`,
      type: 'User',
    })),
    meta: { created: row.createdAt, lastModified: row.updatedAt },
  }
  return new Group(source as never, 'out', `${base}/Groups`)
}

/** @throws 400 for a body that is no Group */
export function readGroup(body: unknown): GroupResource {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw refuse(400, 'invalidSyntax', 'The body is a Group, as an object.')
  }
  return new Group(withoutNulls(body) as never, 'in')
}

/** @param withMembers - false: who is in it stays as it is */
export function toGroupFacts(group: GroupResource, withMembers = true): GroupFacts {
  const { displayName, externalId, members } = toJson(group) as Json & Partial<GroupRow>
  const ids = [...new Set((members ?? []).map(({ value }) => value))]
  const unknown = ids.find((id) => !isId(id ?? ''))
  if (unknown !== undefined) {
    throw refuse(400, 'invalidValue', `There is no User ${unknown} to be a member.`)
  }
  return {
    displayName: displayName ?? '',
    externalId: externalId ?? null,
    ...(withMembers && { members: ids }),
  }
}
