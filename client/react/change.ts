/**
 * How a mutation changes: at once in the cache where that is foretold, back if it is refused, and in
 * the end as the server says.
 *
 * @module
 */
import {
  mutationOptions,
  type QueryClient,
  type QueryKey,
  type UseMutationOptions,
} from '@tanstack/react-query'
import type { Usher, UsherError } from '../index.ts'
import type { ThrowingUsher } from './ask.ts'
import { type UsherPart, usherKeys } from './keys.ts'

/** What a change will do to rows in the cache. */
export interface Foretold<Variables> {
  parts: UsherPart[]
  /** The column that tells which row it is, and its value. */
  row: (variables: Variables) => Record<string, string>
  change: (variables: Variables) => Record<string, unknown>
}

/** The cache before a change, as it is put back. */
export type Snapshot = [QueryKey, unknown][]
export type ChangeOptions<T, Variables> = UseMutationOptions<T, UsherError, Variables, Snapshot>

interface Change<T, Variables> {
  /** For `useIsMutating` and the like. */
  name: [service: string, method: string]
  /** The organisation that it is about; without one, the caller's own things. */
  organisationId?: string
  run: (usher: ThrowingUsher, variables: Variables) => Promise<{ data: T }>
  foretold?: Foretold<Variables>
  /** Whether what is the caller's own changes too, such as the list of their organisations. */
  concernsMe?: boolean
}

/** Options of a mutation. Everything cached of the organisation is fetched anew afterwards. */
export function changeMutation<T, Variables>(
  usher: Usher,
  { name, organisationId, run, foretold, concernsMe = !organisationId }: Change<T, Variables>,
): ChangeOptions<T, Variables> {
  return mutationOptions<T, UsherError, Variables, Snapshot>({
    mutationKey: ['usher', ...name, ...(organisationId ? [organisationId] : [])],
    mutationFn: async (variables) => (await run(usher.throwOnError(), variables)).data,
    onMutate: async (variables, { client }) =>
      foretold && organisationId ? foretell(client, organisationId, foretold, variables) : [],
    onError: (_error, _variables, snapshot, { client }) => {
      for (const [key, data] of snapshot ?? []) client.setQueryData(key, data)
    },
    onSettled: async (_data, _error, _variables, _snapshot, { client }) => {
      const queryKey = organisationId ? usherKeys.organisation(organisationId) : usherKeys.all
      await Promise.all([
        client.invalidateQueries({ queryKey }),
        concernsMe && client.invalidateQueries({ queryKey: usherKeys.mine() }),
      ])
    },
  })
}

async function foretell<Variables>(
  client: QueryClient,
  organisationId: string,
  { parts, row, change }: Foretold<Variables>,
  variables: Variables,
): Promise<Snapshot> {
  const keys = parts.map((part) => usherKeys.part(organisationId, part))
  // An answer that is under way is older than the change.
  await Promise.all(keys.map((queryKey) => client.cancelQueries({ queryKey })))
  const before = keys.flatMap((queryKey) => client.getQueriesData({ queryKey }))
  const [[column, id] = ['', '']] = Object.entries(row(variables))
  for (const [key, data] of before) {
    const isIt = (value: unknown) => isRow(value) && value[column] === id
    client.setQueryData(key, patch(data, isIt, change(variables), filterOf(key)))
  }
  return before
}

type Row = Record<string, unknown>

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The filter of a list is the last part of its key. */
function filterOf(key: QueryKey): Row {
  const last = key.at(-1)
  return isRow(last) ? last : {}
}

/** Changes a row wherever it is: by itself, in a list, in a page of one. */
function patch(
  data: unknown,
  isIt: (value: unknown) => boolean,
  change: Row,
  filter: Row,
): unknown {
  if (isIt(data)) return { ...(data as Row), ...change }
  if (Array.isArray(data)) {
    return data.flatMap((item) => {
      const next = patch(item, isIt, change, filter)
      // What a list is not about any more, it does not show.
      const isOut = next !== item && isIt(item) && isRow(next) && leaves(next, filter)
      return isOut ? [] : [next]
    })
  }
  if (isRow(data) && Array.isArray(data.pages)) {
    return { ...data, pages: patch(data.pages, isIt, change, filter) }
  }
  if (isRow(data) && Array.isArray(data.data)) {
    return { ...data, data: patch(data.data, isIt, change, filter) }
  }
  return data
}

function leaves({ status, roles }: Row, filter: Row): boolean {
  return (
    (filter.status !== undefined && filter.status !== status) ||
    (filter.role !== undefined && Array.isArray(roles) && !roles.includes(filter.role))
  )
}
