/**
 * React hooks on TanStack Query: `usher/react`.
 *
 * @module
 */
export type { AnswerQuery, CachedPage, PagesQuery } from './ask.ts'
export type { ChangeOptions, Snapshot } from './change.ts'
export { type UsherPart, usherKeys } from './keys.ts'
export * from './mutation-hooks.ts'
export { type UsherMutations, usherMutations } from './mutations.ts'
export { UsherProvider, useUsher } from './provider.tsx'
export { type UsherQueries, usherQueries } from './queries.ts'
export * from './query-hooks.ts'
