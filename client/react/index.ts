/**
 * React hooks on TanStack Query: `usher/react`.
 *
 * @module
 */
export { type UsherPart, usherKeys } from './keys.ts'
export * from './mutation-hooks.ts'
export { usherMutations } from './mutations.ts'
export { UsherProvider, useUsher, useUsherMutations, useUsherQueries } from './provider.tsx'
export { usherQueries } from './queries.ts'
export * from './query-hooks.ts'
