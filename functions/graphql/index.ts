/**
 * Edge function: `/graphql`, all operations of people in one typed schema.
 *
 * @module
 */
import { readDoorEnvironment } from '../_shared/door-environment.ts'
import { createHandler } from './handler.ts'

const variables = Deno.env.toObject()

Deno.serve(
  createHandler(readDoorEnvironment(variables), { hasGraphiql: variables.USHER_GRAPHIQL === 'on' }),
)
