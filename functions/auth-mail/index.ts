/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect, enqueueAuthMailOf } from '../_shared/database.ts'
import { readAuthHookEnvironment } from '../_shared/environment.ts'
import { createSeal } from '../_shared/seal.ts'
import { createHandler } from './handler.ts'

const { databaseUrl, authHookSecret, supabaseUrl } = readAuthHookEnvironment(Deno.env.toObject())

Deno.serve(
  createHandler({
    secret: authHookSecret,
    supabaseUrl,
    seal: createSeal(authHookSecret),
    enqueue: enqueueAuthMailOf(connect(databaseUrl)),
  }),
)
