/**
 * Reading and changing through the typed client, with TanStack Query in between.
 *
 * @module
 */
import {
  type QueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import type { PageResult, Result, Usher } from '../../index.ts'
import { isUsherError } from '../../index.ts'
import { useSession } from './session.tsx'

/** How often lists that others change are asked for again while somebody looks, in milliseconds. */
export const LIVE = 4_000

interface ReadOptions {
  enabled?: boolean
  /** Asked for again after so many milliseconds. */
  refetchInterval?: number
}

/**
 * Reads something, and keeps it.
 *
 * @param key - what it is; a change of an organisation makes all that begins with its id stale
 */
export function useRead<T>(
  key: QueryKey,
  read: (usher: Usher) => Promise<Result<T>>,
  options: ReadOptions = {},
) {
  const { usher, person } = useSession()
  return useQuery({
    queryKey: ['usher', person?.id, ...key],
    async queryFn() {
      const { data, error } = await read(usher)
      if (error) throw error
      return data as T
    },
    ...options,
  })
}

/** Reads a list page by page; what has come so far is kept while another filter is asked for. */
export function useReadPages<T>(
  key: QueryKey,
  read: (usher: Usher, cursor: string | undefined) => Promise<PageResult<T>>,
  options: ReadOptions = {},
) {
  const { usher, person } = useSession()
  return useInfiniteQuery({
    queryKey: ['usher', person?.id, ...key],
    initialPageParam: undefined as string | undefined,
    async queryFn({ pageParam }) {
      const { data, error, nextCursor } = await read(usher, pageParam)
      if (error) throw error
      return { rows: data, nextCursor }
    },
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    ...options,
  })
}

interface ChangeOptions<Input, T> {
  /** Shows the change before it is made; what it returns takes that back. */
  optimistic?: (input: Input) => () => void
  onDone?: (data: T, input: Input) => void
  onRefused?: (error: unknown, input: Input) => void
}

/**
 * Changes something. Afterwards all that is shown is asked for again: also when it was refused, because
 * then something is not as it was shown.
 */
export function useChange<Input, T>(
  change: (usher: Usher, input: Input) => Promise<Result<T>>,
  { optimistic, onDone, onRefused }: ChangeOptions<Input, T> = {},
) {
  const { usher } = useSession()
  const queryClient = useQueryClient()
  return useMutation({
    async mutationFn(input: Input) {
      const { data, error } = await change(usher, input)
      if (error) throw error
      return data as T
    },
    onMutate: (input) => optimistic?.(input),
    onSuccess: (data, input) => onDone?.(data, input),
    onError(error, input, takeBack) {
      takeBack?.()
      onRefused?.(error, input)
    },
    onSettled: (_, error) => {
      const isOurs = !error || isUsherError(error)
      return isOurs ? queryClient.invalidateQueries({ queryKey: ['usher'] }) : undefined
    },
  })
}
