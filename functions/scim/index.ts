/**
 * Edge function: a SCIM 2.0 server, at `/scim/v2/…`. Reads the environment and wires the parts.
 *
 * @module
 */
import { connect } from '../_shared/database.ts'
import { directoryOf } from './directory.ts'
import { readScimEnvironment } from './environment.ts'
import { createHandler } from './handler.ts'

const { databaseUrl, scimUrl } = readScimEnvironment(Deno.env.toObject())

Deno.serve(createHandler(directoryOf(connect(databaseUrl)), scimUrl))
