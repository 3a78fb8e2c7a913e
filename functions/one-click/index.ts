/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect } from '../_shared/database.ts'
import { createCodeMaker } from './auth.ts'
import { readOneClickEnvironment } from './environment.ts'
import { createHandler } from './handler.ts'
import { oneClickRulesOf } from './rules.ts'

const { databaseUrl, supabaseUrl, secretKey, allowedOrigins } = readOneClickEnvironment(
  Deno.env.toObject(),
)

Deno.serve(
  createHandler({
    rules: oneClickRulesOf(connect(databaseUrl)),
    makeCode: createCodeMaker(supabaseUrl, secretKey),
    allowedOrigins,
  }),
)
