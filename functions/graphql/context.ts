/**
 * What every resolver gets: the way to the database as the caller, for the length of one request.
 *
 * @module
 */
import type { Database } from '../../client/generated/database.types.ts'
import { everyPage, LONG_LISTS, pageAfter } from '../../client/keyset.ts'
import { withToken } from '../../client/text-problem.ts'
import type { CallerClient } from '../_shared/caller.ts'
import { requireText, settle } from './errors.ts'
import { createLoaders, type Loaders } from './loaders.ts'

type Functions = Database['public']['Functions']
export type FunctionName = keyof Functions & string
export type Returned<F extends FunctionName> = Functions[F]['Returns']

export interface Context {
  /**
   * Calls a function of the contract. What is null or undefined is left to the function's default.
   * Throws the refusal as a GraphQL error.
   */
  call<F extends FunctionName>(name: F, args: Record<string, unknown>): Promise<Returned<F>>
  loaders: Loaders
}

export function createContext(client: CallerClient): Context {
  return {
    async call(name, given) {
      const args = withToken(name, given)
      requireText(args)
      const wanted = Object.entries(args).filter(([, value]) => value !== null)
      const rpc = () => client.rpc(name, Object.fromEntries(wanted) as never)
      const order = LONG_LISTS[name]
      if (!order) return settle(rpc()) as never
      return everyPage<Record<string, unknown>>((last) =>
        settle(pageAfter(rpc(), order, last)),
      ) as never
    },
    loaders: createLoaders(client),
  }
}
