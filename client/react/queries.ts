/**
 * Options of all queries, for `useQuery` and `useSuspenseQuery`, for `prefetchQuery` on a server, and
 * for whoever reads or writes the cache. Lists that have pages are infinite queries.
 *
 * @module
 */
import type {
  AccessReviewFilter,
  AuditFilter,
  DeliveryFilter,
  DeviceFilter,
  DeviceInviteFilter,
  DirectoryCopyFilter,
  InviteFilter,
  JoinRequestFilter,
  MailKind,
  MemberFilter,
  RoleName,
  Usher,
  WebhookDeliveryFilter,
} from '../index.ts'
import { answerQuery, pagesQuery } from './ask.ts'
import { usherKeys as keys } from './keys.ts'

/** What `usherQueries` makes. */
export interface UsherQueries extends ReturnType<typeof usherQueries> {}

type Filter<T> = Omit<T, 'cursor'>

/**
 * @example
 * await queryClient.prefetchInfiniteQuery(usherQueries(usher).members.list(organisationId))
 * return <HydrationBoundary state={dehydrate(queryClient)}>…</HydrationBoundary>
 */
export function usherQueries(usher: Usher) {
  return {
    organisations: {
      mine: () =>
        answerQuery(usher, keys.mine('organisations'), (to) => to.organisations.listMine()),
      joinable: () =>
        answerQuery(usher, keys.mine('joinable'), (to) => to.organisations.listJoinable()),
      signUpPolicy: () =>
        answerQuery(usher, keys.signUpPolicy, (to) => to.organisations.getSignUpPolicy()),
      get: (id: string) =>
        answerQuery(usher, keys.part(id, 'settings'), (to) => to.organisations.get(id)),
      myPermissions: (id: string) =>
        answerQuery(usher, keys.part(id, 'permissions'), (to) =>
          to.organisations.listMyPermissions(id),
        ),
    },
    invites: {
      list: (id: string, filter: Filter<InviteFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'invites', 'list', filter), (to, page) =>
          to.invites.list(id, { ...filter, ...page }),
        ),
      get: (id: string, inviteId: string) =>
        answerQuery(usher, keys.part(id, 'invites', 'one', inviteId), (to) =>
          to.invites.get(inviteId),
        ),
      metrics: (id: string, time: { since?: string; until?: string } = {}) =>
        answerQuery(usher, keys.part(id, 'invites', 'metrics', time), (to) =>
          to.invites.metrics(id, time),
        ),
      mine: () => answerQuery(usher, keys.mine('invites'), (to) => to.invites.listMine()),
      /** The key holds the token: keep it out of what is stored or sent. */
      preview: (token: string) =>
        answerQuery(usher, keys.preview(token), (to) => to.invites.validate(token)),
    },
    members: {
      list: (id: string, filter: Filter<MemberFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'members', 'list', filter), (to, page) =>
          to.members.list(id, { ...filter, ...page }),
        ),
      get: (id: string, userId: string) =>
        answerQuery(usher, keys.part(id, 'members', 'one', userId), (to) =>
          to.members.get(id, userId),
        ),
      roles: (id: string, userId: string) =>
        answerQuery(usher, keys.part(id, 'members', 'roles', userId), (to) =>
          to.members.listRoles(id, userId),
        ),
      permissions: (id: string, userId: string) =>
        answerQuery(usher, keys.part(id, 'members', 'permissions', userId), (to) =>
          to.members.listPermissions(id, userId),
        ),
    },
    roles: {
      list: (id: string) =>
        answerQuery(usher, keys.part(id, 'roles', 'list'), (to) => to.roles.list(id)),
      assignable: (id: string) =>
        answerQuery(usher, keys.part(id, 'roles', 'assignable'), (to) =>
          to.roles.listAssignable(id),
        ),
      members: (id: string, role: RoleName) =>
        answerQuery(usher, keys.part(id, 'roles', 'members', role), (to) =>
          to.roles.listMembers(id, role),
        ),
      permissions: (id: string, role: RoleName) =>
        answerQuery(usher, keys.part(id, 'roles', 'permissions', role), (to) =>
          to.roles.listPermissions(id, role),
        ),
      exclusions: (id: string) =>
        answerQuery(usher, keys.part(id, 'roles', 'exclusions'), (to) =>
          to.roles.listExclusions(id),
        ),
    },
    audit: {
      list: (id: string, filter: Filter<AuditFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'audit', 'list', filter), (to, page) =>
          to.audit.list(id, { ...filter, ...page }),
        ),
      verification: (id: string) =>
        answerQuery(usher, keys.part(id, 'audit', 'verification'), (to) => to.audit.verify(id)),
    },
    accessReviews: {
      list: (id: string, filter: Filter<AccessReviewFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'accessReviews', 'list', filter), (to, page) =>
          to.accessReviews.list(id, { ...filter, ...page }),
        ),
      items: (id: string, reviewId: string) =>
        answerQuery(usher, keys.part(id, 'accessReviews', 'items', reviewId), (to) =>
          to.accessReviews.listItems(reviewId),
        ),
    },
    devices: {
      list: (id: string, filter: Filter<DeviceFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'devices', 'list', filter), (to, page) =>
          to.devices.list(id, { ...filter, ...page }),
        ),
      invites: (id: string, filter: Filter<DeviceInviteFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'invites', 'devices', filter), (to, page) =>
          to.devices.listInvites(id, { ...filter, ...page }),
        ),
    },
    deliveries: {
      list: (id: string, filter: Filter<DeliveryFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'deliveries', 'list', filter), (to, page) =>
          to.deliveries.list(id, { ...filter, ...page }),
        ),
    },
    templates: {
      list: (id: string, filter: { kind?: MailKind } = {}) =>
        answerQuery(usher, keys.part(id, 'templates', 'list', filter), (to) =>
          to.templates.list(id, filter),
        ),
    },
    directories: {
      tokens: (id: string) =>
        answerQuery(usher, keys.part(id, 'directories', 'tokens'), (to) =>
          to.directories.listTokens(id),
        ),
      endpoints: (id: string) =>
        answerQuery(usher, keys.part(id, 'directories', 'endpoints'), (to) =>
          to.directories.listEndpoints(id),
        ),
      copies: (id: string, endpointId: string, filter: Filter<DirectoryCopyFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'directories', 'copies', endpointId, filter), (to, page) =>
          to.directories.listCopies(endpointId, { ...filter, ...page }),
        ),
    },
    domains: {
      list: (id: string) =>
        answerQuery(usher, keys.part(id, 'domains', 'list'), (to) => to.domains.list(id)),
    },
    signInRules: {
      get: (id: string) =>
        answerQuery(usher, keys.part(id, 'signInRule'), (to) => to.signInRules.get(id)),
    },
    joinRequests: {
      list: (id: string, filter: Filter<JoinRequestFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'joinRequests', 'list', filter), (to, page) =>
          to.joinRequests.list(id, { ...filter, ...page }),
        ),
    },
    webhooks: {
      list: (id: string) =>
        answerQuery(usher, keys.part(id, 'webhooks', 'list'), (to) => to.webhooks.list(id)),
      deliveries: (id: string, filter: Filter<WebhookDeliveryFilter> = {}) =>
        pagesQuery(usher, keys.part(id, 'webhooks', 'deliveries', filter), (to, page) =>
          to.webhooks.listDeliveries(id, { ...filter, ...page }),
        ),
    },
  }
}
