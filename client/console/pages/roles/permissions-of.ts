/**
 * All permissions that there are: the owner holds every one, also those that an application has added.
 *
 * @module
 */
import type { Permission, Role } from '../../../index.ts'

export function permissionsOf(roles: Role[]): Permission[] {
  return [...new Set(roles.flatMap(({ permissions }) => permissions))].sort()
}
