/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect } from '../_shared/database.ts'
import { readWorkerEnvironment } from '../_shared/environment.ts'
import { drain } from './drain.ts'
import { createHandler } from './handler.ts'
import { wire } from './wire.ts'

const variables = Deno.env.toObject()
const { databaseUrl, workerSecret } = readWorkerEnvironment(variables)
const options = wire(connect(databaseUrl), variables, `function-${crypto.randomUUID().slice(0, 8)}`)

Deno.serve(createHandler({ drain: (signal) => drain(options, signal), secret: workerSecret }))
