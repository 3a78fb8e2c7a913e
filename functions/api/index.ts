/**
 * Edge function: the REST API, at `/api/…`. Reads the environment and wires the parts.
 *
 * @module
 */
import { readApiEnvironment } from './environment.ts'
import { createHandler } from './handler.ts'

Deno.serve(createHandler(readApiEnvironment(Deno.env.toObject())))
