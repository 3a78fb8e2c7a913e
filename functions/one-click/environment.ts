/**
 * The environment of the one-click function: a door, with a connection and a key of its own.
 *
 * @module
 */
import { type DoorEnvironment, keyOf, readDoor } from '../_shared/door-environment.ts'
import { matching, readAll, readDatabaseUrl, type Variables } from '../_shared/environment.ts'

export interface OneClickEnvironment extends DoorEnvironment {
  /** As the role usher_worker. */
  databaseUrl: string
  /** The project's secret key, for the admin API of Supabase Auth; it goes nowhere else. */
  secretKey: string
}

/** Reads what every edge function has, and `USHER_DATABASE_URL`. Throws one error that names all that is wrong. */
export function readOneClickEnvironment(variables: Variables): OneClickEnvironment {
  const { SUPABASE_SECRET_KEYS, SUPABASE_SECRET_KEY } = variables
  return readAll(variables, (read) => ({
    ...readDoor(read, variables),
    databaseUrl: readDatabaseUrl(read),
    secretKey:
      keyOf(SUPABASE_SECRET_KEYS, SUPABASE_SECRET_KEY) ??
      read('SUPABASE_SERVICE_ROLE_KEY', matching(/^\S+$/), 'the secret key of the project'),
  }))
}
