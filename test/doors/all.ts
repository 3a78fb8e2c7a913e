/**
 * The four doors, by name.
 *
 * @module
 */
import { openClient } from './client.ts'
import type { OpenDoor } from './door.ts'
import { openGraphql } from './graphql.ts'
import { openRest } from './rest.ts'
import { openRpc } from './rpc.ts'

export const DOORS = {
  RPC: openRpc,
  client: openClient,
  REST: openRest,
  GraphQL: openGraphql,
} satisfies Record<string, OpenDoor>
