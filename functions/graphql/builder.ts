/**
 * The builder that all types and operations are made with: its scalars, its plugins, its defaults.
 *
 * @module
 */
import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import RelayPlugin from '@pothos/plugin-relay'
import { GraphQLScalarType } from 'graphql'
import { GraphQLDateTime, GraphQLJSON, GraphQLUUID } from 'graphql-scalars'
import type { Context, FunctionName, Returned } from './context.ts'
import { cost } from './cost.ts'
import type { JsonValue } from './rows.ts'

export const builder = new SchemaBuilder<{
  Context: Context
  DefaultFieldNullability: false
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  Scalars: {
    UUID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: string }
    JSON: { Input: JsonValue; Output: JsonValue }
  }
}>({
  plugins: [ComplexityPlugin, RelayPlugin],
  defaultFieldNullability: false,
  complexity: { fieldComplexity: cost },
  relay: {
    // Ids are the database's own, the same through every door.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    cursorType: 'String',
    edgesFieldOptions: { nullable: { list: false, items: false } },
    nodeFieldOptions: { nullable: false },
  },
})

/** Says what a scalar is, for programs made from the schema: its name alone tells them nothing. */
const specified = <Input, Output>(
  scalar: GraphQLScalarType<Input, Output>,
  specifiedByURL: string,
) => new GraphQLScalarType<Input, Output>({ ...scalar.toConfig(), specifiedByURL })

builder.addScalarType('UUID', specified(GraphQLUUID, 'https://www.rfc-editor.org/rfc/rfc9562'))
builder.addScalarType(
  'DateTime',
  specified(GraphQLDateTime, 'https://www.rfc-editor.org/rfc/rfc3339#section-5.6'),
)
builder.addScalarType(
  'JSON',
  specified(
    GraphQLJSON,
    'https://ecma-international.org/publications-and-standards/standards/ecma-404/',
  ),
)

builder.queryType({})
builder.mutationType({})

/**
 * What makes a field the face of one function of the contract: it hands its arguments on, renamed, and
 * answers what the function does. Nullable, so that one refusal leaves other fields of a document alone.
 * The type of its answer is the generated one, unless more is known of it.
 *
 * @param toWire - makes the arguments of the function; default: the same names in snake_case
 */
export function operation<F extends FunctionName, Args extends object, Answer = Returned<F>>(
  name: F,
  toWire: (args: Args) => Record<string, unknown> = snakeCased,
) {
  return {
    nullable: true as const,
    extensions: { function: name },
    resolve: (_: unknown, args: Args, context: Context) =>
      context.call(name, toWire(args)) as Promise<Answer>,
  }
}

/** The same for a function that returns nothing: the field says `true`. */
export function command<F extends FunctionName>(name: F) {
  return {
    type: 'Boolean' as const,
    nullable: true as const,
    extensions: { function: name },
    async resolve(_: unknown, args: object, context: Context) {
      await context.call(name, snakeCased(args))
      return true
    },
  }
}

/** Renames the keys of one object; not of what is inside its values. */
export function snakeCased(args: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}
