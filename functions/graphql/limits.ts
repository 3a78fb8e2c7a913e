/**
 * What a document may ask for at most, so that no single request keeps the server busy.
 *
 * @module
 */
import { complexityFromQuery } from '@pothos/plugin-complexity'
import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type ValidationContext,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'

export const LIMITS = {
  /** Of the request, in bytes: enough for a batch of 10,000 invites. */
  body: 4_000_000,
  /** Of a document: words, names, numbers and signs. */
  tokens: 2_000,
  /** Of a field inside of fields; asking for the schema needs as many. */
  depth: 15,
  /** In points; see cost.ts. */
  cost: 10_000,
}

/** Refuses documents beyond the limits, before anything is asked of the database. */
export function limitPlugin(schema: GraphQLSchema): Plugin {
  return {
    onParse({ parseFn, setParseFn }) {
      setParseFn((source, options) => parseFn(source, { ...options, maxTokens: LIMITS.tokens }))
    },
    onValidate({ addValidationRule }) {
      addValidationRule(schemaOnce)
    },
    onExecute({ args, setResultAndStopExecution }) {
      const { document, operationName, variableValues } = args
      const error = problemOf(schema, document, operationName, variableValues)
      if (error) setResultAndStopExecution({ errors: [error] })
    },
  }
}

/** The cost of a document does not count introspection, so it may be asked for once only. */
function schemaOnce(context: ValidationContext): ASTVisitor {
  let count = 0
  return {
    Field(node) {
      if (!['__schema', '__type'].includes(node.name.value)) return
      count += 1
      if (count === 2) context.reportError(refused('A document may ask for the schema once.'))
    },
  }
}

function problemOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Record<string, unknown> | null | undefined,
): GraphQLError | null {
  const chosen = getOperationAST(document, operationName)
  if (!chosen) return null
  const rest = document.definitions.filter(({ kind }) => kind !== Kind.OPERATION_DEFINITION)
  try {
    const measured = { ...document, definitions: [chosen, ...rest] }
    return beyond(complexityFromQuery(measured, { schema, variables: variables ?? {} }))
  } catch (error) {
    // What cannot be measured is not done: variables of the wrong kind, for one.
    return new GraphQLError(error instanceof GraphQLError ? error.message : 'Not a request.', {
      extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } },
    })
  }
}

function beyond({ depth, complexity }: { depth: number; complexity: number }): GraphQLError | null {
  if (depth > LIMITS.depth) {
    return refused(`This is ${depth} fields deep; at most ${LIMITS.depth} are possible.`)
  }
  // Not "greater than": what is no number is refused as well.
  if (!(complexity <= LIMITS.cost)) {
    return refused(
      `This would cost ${complexity} points; a request has ${LIMITS.cost}. Ask for smaller pages.`,
    )
  }
  return null
}

function refused(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: 'QUERY_TOO_COSTLY', http: { status: 400 } },
  })
}
