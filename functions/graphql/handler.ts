/**
 * The GraphQL door as a function from Request to Response.
 *
 * @module
 */
import { GraphQLError } from 'graphql'
import { createYoga, maskError, type Plugin } from 'graphql-yoga'
import { callerClient, credentialsOf } from '../_shared/caller.ts'
import { CLIENT_HEADERS } from '../_shared/cors.ts'
import type { DoorEnvironment } from '../_shared/door-environment.ts'
import { redact } from '../_shared/log.ts'
import { type Context, createContext } from './context.ts'
import { notACaller } from './errors.ts'
import { LIMITS, limitPlugin } from './limits.ts'
import { schema } from './schema.ts'

export interface HandlerOptions {
  /** Whether a browser is shown GraphiQL, for development. Default: false */
  hasGraphiql?: boolean
  /** How it reaches the project's API. Default: `fetch` */
  send?: typeof fetch
}

/**
 * Answers GraphQL over HTTP at `/graphql`: queries by GET or POST, mutations by POST.
 *
 * Refusals of the database are answered with status 200 and `extensions.code`; what is no request at all,
 * or too large a one, with 4xx.
 */
export function createHandler(
  environment: DoorEnvironment,
  { hasGraphiql = false, send }: HandlerOptions = {},
): (request: Request) => Promise<Response> {
  const yoga = createYoga<object, Context>({
    schema,
    context({ request }) {
      const credentials = credentialsOf(request.headers, environment)
      if (!credentials) throw notACaller()
      return createContext(callerClient(environment, credentials, request.headers, { send }))
    },
    plugins: [limitPlugin(schema), discreet],
    maxRequestBodySize: LIMITS.body,
    cors: {
      origin: environment.allowedOrigins,
      credentials: false,
      methods: ['GET', 'POST'],
      allowedHeaders: CLIENT_HEADERS,
    },
    graphiql: hasGraphiql && {
      title: 'Usher',
      defaultQuery: '{ myOrganisations { id name roles } }',
    },
    landingPage: false,
    multipart: false,
    maskedErrors: { maskError: speak },
  })
  return async (request) => yoga.fetch(request)
}

/** GraphQL repeats what it could not read, which may be a token or an address, and errors are kept in many places. */
const discreet: Plugin = {
  onResultProcess({ result }) {
    for (const answer of [result].flat()) {
      if (!('errors' in answer)) continue
      for (const error of answer.errors ?? []) error.message = redact(error.message)
    }
  },
}

/** What the caller is told of an error: ours and GraphQL's own as they are, anything else in one sentence. */
function speak(error: unknown): Error {
  // Never the stack, whatever NODE_ENV is in the place where this runs.
  const masked = maskError(error, 'Something went wrong here.', false)
  if (!(masked instanceof GraphQLError) || masked.extensions.code) return masked
  if (masked.path) return maskError(masked.message, 'Something went wrong here.', false)
  // Of the request as a whole, such as a variable of the wrong kind. The same object: a new one would be
  // taken for a fault, and logged.
  masked.extensions.code = 'BAD_USER_INPUT'
  return masked
}
