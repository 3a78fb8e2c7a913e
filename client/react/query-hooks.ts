/**
 * A hook for each query. To add options, such as `enabled` or `staleTime`, spread those of
 * `useUsherQueries()` into `useQuery` or `useInfiniteQuery`.
 *
 * Lists with pages answer all rows fetched so far as `data`, and have `fetchNextPage` and `hasNextPage`.
 *
 * @module
 */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { RoleName } from '../index.ts'
import { useUsher } from './provider.tsx'
import { type UsherQueries as Queries, usherQueries } from './queries.ts'

/** `usherQueries` of the provider's client. */
export function useUsherQueries(): Queries {
  const usher = useUsher()
  return useMemo(() => usherQueries(usher), [usher])
}

export const useMyOrganisations = () => useQuery(useUsherQueries().organisations.mine())

export const useSignUpPolicy = () => useQuery(useUsherQueries().organisations.signUpPolicy())

export const useJoinableOrganisations = () => useQuery(useUsherQueries().organisations.joinable())

export const useOrganisation = (organisationId: string) =>
  useQuery(useUsherQueries().organisations.get(organisationId))

export const useMyPermissions = (organisationId: string) =>
  useQuery(useUsherQueries().organisations.myPermissions(organisationId))

export const useInvites = (
  organisationId: string,
  filter?: Parameters<Queries['invites']['list']>[1],
) => useInfiniteQuery(useUsherQueries().invites.list(organisationId, filter))

export const useInvite = (organisationId: string, inviteId: string) =>
  useQuery(useUsherQueries().invites.get(organisationId, inviteId))

export const useInviteMetrics = (
  organisationId: string,
  time?: Parameters<Queries['invites']['metrics']>[1],
) => useQuery(useUsherQueries().invites.metrics(organisationId, time))

export const useMyInvites = () => useQuery(useUsherQueries().invites.mine())

export const useInvitePreview = (token: string) =>
  useQuery(useUsherQueries().invites.preview(token))

export const useMembers = (
  organisationId: string,
  filter?: Parameters<Queries['members']['list']>[1],
) => useInfiniteQuery(useUsherQueries().members.list(organisationId, filter))

export const useMember = (organisationId: string, userId: string) =>
  useQuery(useUsherQueries().members.get(organisationId, userId))

export const useMemberRoles = (organisationId: string, userId: string) =>
  useQuery(useUsherQueries().members.roles(organisationId, userId))

export const useMemberPermissions = (organisationId: string, userId: string) =>
  useQuery(useUsherQueries().members.permissions(organisationId, userId))

export const useRoles = (organisationId: string) =>
  useQuery(useUsherQueries().roles.list(organisationId))

export const useAssignableRoles = (organisationId: string) =>
  useQuery(useUsherQueries().roles.assignable(organisationId))

export const useRoleMembers = (organisationId: string, role: RoleName) =>
  useQuery(useUsherQueries().roles.members(organisationId, role))

export const useRolePermissions = (organisationId: string, role: RoleName) =>
  useQuery(useUsherQueries().roles.permissions(organisationId, role))

export const useRoleExclusions = (organisationId: string) =>
  useQuery(useUsherQueries().roles.exclusions(organisationId))

export const useAuditEvents = (
  organisationId: string,
  filter?: Parameters<Queries['audit']['list']>[1],
) => useInfiniteQuery(useUsherQueries().audit.list(organisationId, filter))

export const useAuditVerification = (organisationId: string) =>
  useQuery(useUsherQueries().audit.verification(organisationId))

export const useAccessReviews = (
  organisationId: string,
  filter?: Parameters<Queries['accessReviews']['list']>[1],
) => useInfiniteQuery(useUsherQueries().accessReviews.list(organisationId, filter))

export const useAccessReviewItems = (organisationId: string, reviewId: string) =>
  useQuery(useUsherQueries().accessReviews.items(organisationId, reviewId))

export const useDevices = (
  organisationId: string,
  filter?: Parameters<Queries['devices']['list']>[1],
) => useInfiniteQuery(useUsherQueries().devices.list(organisationId, filter))

export const useDeviceInvites = (
  organisationId: string,
  filter?: Parameters<Queries['devices']['invites']>[1],
) => useInfiniteQuery(useUsherQueries().devices.invites(organisationId, filter))

export const useDeliveries = (
  organisationId: string,
  filter?: Parameters<Queries['deliveries']['list']>[1],
) => useInfiniteQuery(useUsherQueries().deliveries.list(organisationId, filter))

export const useTemplates = (
  organisationId: string,
  filter?: Parameters<Queries['templates']['list']>[1],
) => useQuery(useUsherQueries().templates.list(organisationId, filter))

export const useDirectoryTokens = (organisationId: string) =>
  useQuery(useUsherQueries().directories.tokens(organisationId))

export const useDirectoryEndpoints = (organisationId: string) =>
  useQuery(useUsherQueries().directories.endpoints(organisationId))

export const useDirectoryCopies = (
  organisationId: string,
  endpointId: string,
  filter?: Parameters<Queries['directories']['copies']>[2],
) => useInfiniteQuery(useUsherQueries().directories.copies(organisationId, endpointId, filter))

export const useDomains = (organisationId: string) =>
  useQuery(useUsherQueries().domains.list(organisationId))

export const useSignInRule = (organisationId: string) =>
  useQuery(useUsherQueries().signInRules.get(organisationId))

export const useJoinRequests = (
  organisationId: string,
  filter?: Parameters<Queries['joinRequests']['list']>[1],
) => useInfiniteQuery(useUsherQueries().joinRequests.list(organisationId, filter))

export const useWebhooks = (organisationId: string) =>
  useQuery(useUsherQueries().webhooks.list(organisationId))

export const useWebhookDeliveries = (
  organisationId: string,
  filter?: Parameters<Queries['webhooks']['deliveries']>[1],
) => useInfiniteQuery(useUsherQueries().webhooks.deliveries(organisationId, filter))
