/**
 * What one operation is made of. The table of them (operations.ts) is all there is: it validates
 * requests, calls the database and describes itself in OpenAPI.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { whole } from './inputs.ts'
import type { RefusalCode } from './refusals.ts'

/** What was sent: path, query and body in one, by the names that the SQL function has for them. */
export type Input = Record<string, unknown>

/** A function of `public`. Its arguments are the input, unless said otherwise. */
export interface FunctionSource {
  function: string
  toArguments?: (input: Input) => Input
  /** The argument that holds rows of a batch: what Postgres could not read of them costs its own row only. */
  rows?: string
}

/** Rows of a table under row level security. */
export interface TableSource {
  table: string
  /** The input that is the id of a row. */
  byId?: string
  /** Input that has to be equal to the column of its name. */
  equal: string[]
  /** Input that bounds a column: from since on, before until. */
  between?: string
  /** The built-in rows, which belong to no organisation, come with an organisation's own. */
  withBuiltIn?: true
  /** One that no two rows share a place in. */
  order: [column: string, direction: 'asc' | 'desc'][]
}

export type Answer =
  /** The one row that comes back. */
  | { kind: 'row'; status: 200 | 201; schema: z.ZodType }
  | { kind: 'nothing'; status: 204 }
  /** All there are, as `{ data }`. */
  | { kind: 'list'; status: 200; schema: z.ZodType }
  /** As many as asked for, as `{ data, next_cursor }`, with a Link to the next. */
  | { kind: 'page'; status: 200; schema: z.ZodObject }
  /** A plain value, under a name. */
  | { kind: 'value'; status: 200; name: string; schema: z.ZodType }

export interface Operation {
  /** For programs made from the OpenAPI document. */
  id: string
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below `/api`, such as `/invitations/{invite_id}/revoke`. */
  path: string
  tag: string
  summary: string
  description?: string
  source: FunctionSource | TableSource
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodObject
  /** Takes a list as well, such as a CSV file, by an upload or as the body. The query then says how to read it. */
  takesCsv?: true
  /** Takes thousands at once: its body may be larger than others. */
  takesMany?: true
  answers: Answer
  /** The codes of the contract that it may answer. */
  refuses: RefusalCode[]
  /** Makes something: repeats are told apart by an Idempotency-Key. Says where it then is. */
  creates?: {
    at?: (row: Record<string, unknown>) => string
  }
  /** Needs no session. */
  isOpen?: true
}

export const row = (schema: z.ZodType): Answer => ({ kind: 'row', status: 200, schema })
export const created = (schema: z.ZodType): Answer => ({ kind: 'row', status: 201, schema })
export const nothing: Answer = { kind: 'nothing', status: 204 }
export const list = (schema: z.ZodType): Answer => ({ kind: 'list', status: 200, schema })
export const page = (schema: z.ZodObject): Answer => ({ kind: 'page', status: 200, schema })
export const value = (name: string, schema: z.ZodType): Answer => ({
  kind: 'value',
  status: 200,
  name,
  schema,
})

/** What whoever is not of the organisation, or not allowed to, is told. */
export const OUTSIDE: RefusalCode[] = [
  'unauthenticated',
  'organisation_not_found',
  'permission_denied',
  'sso_required',
]

/** Limits are SQL's business; only what no function of SQL sees is bounded here. */
export const id = z.guid().openapi({ format: 'uuid' })
export const text = z.string()
export const names = z.array(z.string())
export const time = z.string().openapi({ format: 'date-time' })
const organisation = z
  .string()
  .max(63)
  .regex(
    /^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[a-z0-9]+(-[a-z0-9]+)*)$/,
    'Give its id, or its slug.',
  )
/** An organisation in a path, by its id or its slug; see organisation.ts. */
export const inOrganisation = z.object({
  organisation_id: organisation.openapi({
    description: 'Its id, or its slug.',
    example: 'example-rockets',
  }),
})
export const WHICH_ORGANISATION =
  'Its id, or its slug. A member of one organisation only need not name it.'
/** The same in a query or a body. */
export const myOrganisation = organisation.optional().openapi({
  description: WHICH_ORGANISATION,
  example: 'example-rockets',
})

/** The part of a query that asks for a page of a table. */
export const pageOfTable = {
  // Which texts are one depends on the order of the table: see cursor.ts.
  cursor: z.string().optional(),
  // Bounded here, because it meets a table and no function.
  page_size: whole({ least: 1, most: 500 }, { least: 1, most: 500 })
    .default(50)
    .openapi({ default: 50 }),
}
