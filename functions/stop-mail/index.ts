/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect, stopMailOf } from '../_shared/database.ts'
import { readDatabaseEnvironment } from '../_shared/environment.ts'
import { createHandler } from './handler.ts'

const { databaseUrl } = readDatabaseEnvironment(Deno.env.toObject())

Deno.serve(createHandler(stopMailOf(connect(databaseUrl))))
