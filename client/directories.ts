/**
 * Directories, by SCIM 2.0: identity providers that keep the members of an organisation (tokens), and other
 * applications that are told of them (endpoints).
 *
 * @module
 */
import { type Connection, call, type Returned, type RowOf } from './call.ts'
import type { Order } from './keyset.ts'
import type { Camel } from './names.ts'
import {
  allOf,
  eachOf,
  type IterateOptions,
  type PageOptions,
  pageOf,
  type Select,
} from './pages.ts'
import type { PageResult, Result } from './result.ts'

/** A token of an identity provider, without its secret. */
export interface DirectoryToken extends Camel<RowOf<'organisation_directory_tokens'>> {}

type NewTokenRow = Camel<Returned<'create_organisation_directory_token'>>
/** A new token with its secret, which is shown this once. */
export type NewDirectoryToken = Omit<
  { [K in keyof NewTokenRow]: NonNullable<NewTokenRow[K]> },
  'expiresAt' | 'scimUrl'
> & {
  expiresAt: NewTokenRow['expiresAt']
  /** Where it opens the directory; null when the project's settings do not say so. */
  scimUrl: string | null
}

/** What an application said that it can do. */
export interface DirectoryFeatures {
  patch: boolean
  filter: boolean
  /** Whether it has groups at all. */
  groups: boolean
}
/** An application that is told who is a member. `retryAt` and `lastError` are null while all is well. */
export type DirectoryEndpoint = Omit<
  Camel<RowOf<'organisation_directory_endpoints'>>,
  'features' | 'fence' | 'leasedAt'
> & { features: DirectoryFeatures | null }

/** `waiting`; `current`: as it should be; `failed`: refused for good, until the next change. */
export type DirectoryCopyStatus = 'waiting' | 'current' | 'failed'
/** A member as an application has them. */
export type DirectoryCopy = Omit<
  Camel<RowOf<'organisation_directory_copies'>>,
  'status' | 'change' | 'fence' | 'leasedUntil'
> & { status: DirectoryCopyStatus }

export interface DirectoryCopyFilter extends PageOptions {
  status?: DirectoryCopyStatus | undefined
}

export interface DirectoryEndpointDraft {
  /** Of the application: one line, at most 100 characters. */
  name: string
  /** Its SCIM base URL, https. */
  url: string
  /** The bearer token that it gave out; nobody can read it back. */
  token: string
}

function listCopies(
  connection: Connection,
  endpointId: string,
  { status, ...page }: DirectoryCopyFilter,
): Promise<PageResult<DirectoryCopy>> {
  const narrow = (select: Select) => {
    const copies = select.eq('endpoint_id', endpointId)
    return status ? copies.eq('status', status) : copies
  }
  // By what never changes: a copy that is sent meanwhile stays on its page.
  const table = 'organisation_directory_copies'
  return pageOf(connection, table, 'member_id', page, narrow, 'endpoint_id')
}

/** `usher.directories` */
export function directories(connection: Connection) {
  return {
    /** Tokens, newest first, past ones too. Needs `directory.manage`; otherwise empty. */
    listTokens(organisationId: string): Promise<Result<DirectoryToken[]>> {
      const order: Order = [
        ['created_at', 'desc'],
        ['id', 'asc'],
      ]
      return allOf(connection, 'organisation_directory_tokens', order, (select) =>
        select.eq('organisation_id', organisationId),
      )
    },

    /**
     * Makes a token with which an identity provider keeps people and roles, with the caller's rights.
     *
     * @param draft.name - what it is for: one line, at most 100 characters
     * @param draft.expiresIn - an interval from 1 hour to 10 years; default: it does not end by itself
     * @returns the token, which is shown this once, or `unauthenticated`, `organisation_not_found`,
     *   `permission_denied`, `invalid_settings`, `invalid_expiry`
     */
    createToken(
      organisationId: string,
      draft: { name: string; expiresIn?: string | undefined },
    ): Promise<Result<NewDirectoryToken>> {
      const { name, expiresIn } = draft
      const args = { organisationId, name, expiresIn }
      return call(connection, 'create_organisation_directory_token', args)
    },

    /**
     * Ends a token at once and for good; whom it brought in stays.
     *
     * @returns the token, or `unauthenticated`, `directory_not_found`, `permission_denied`
     */
    revokeToken(tokenId: string): Promise<Result<DirectoryToken>> {
      return call(connection, 'revoke_organisation_directory_token', { tokenId })
    },

    /** Endpoints, by name. Needs `directory.manage`; otherwise empty. */
    listEndpoints(organisationId: string): Promise<Result<DirectoryEndpoint[]>> {
      const order: Order = [
        ['name', 'asc'],
        ['id', 'asc'],
      ]
      return allOf(connection, 'organisation_directory_endpoints', order, (select) =>
        select.eq('organisation_id', organisationId),
      )
    },

    /**
     * Tells another application who is a member, from now on, and at first of all.
     *
     * @returns the endpoint, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_settings`
     */
    createEndpoint(
      organisationId: string,
      draft: DirectoryEndpointDraft,
    ): Promise<Result<DirectoryEndpoint>> {
      const { name, url, token } = draft
      const args = { organisationId, name, url, token }
      return call(connection, 'create_organisation_directory_endpoint', args)
    },

    /**
     * Changes an endpoint, and tries it again at once; what is left out stays.
     *
     * @returns the endpoint, or `unauthenticated`, `directory_not_found`, `permission_denied`,
     *   `invalid_settings`
     */
    updateEndpoint(
      endpointId: string,
      changes: Partial<DirectoryEndpointDraft> & { isEnabled?: boolean | undefined },
    ): Promise<Result<DirectoryEndpoint>> {
      const { name, url, token, isEnabled } = changes
      const given = { name, url, token, is_enabled: isEnabled }
      return call(connection, 'update_organisation_directory_endpoint', {
        endpointId,
        changes: given,
      })
    },

    /**
     * Tells an application of nothing any more, and forgets its token; what it has stays there.
     *
     * @returns nothing, or `unauthenticated`, `directory_not_found`, `permission_denied`
     */
    deleteEndpoint(endpointId: string): Promise<Result<null>> {
      return call(connection, 'delete_organisation_directory_endpoint', { endpointId })
    },

    /**
     * Has an endpoint compared as a whole now, and put right what differs: done when `reconciledAt` is
     * later than now.
     *
     * @returns the endpoint, or as `updateEndpoint`
     */
    reconcileEndpoint(endpointId: string): Promise<Result<DirectoryEndpoint>> {
      return call(connection, 'reconcile_organisation_directory_endpoint', { endpointId })
    },

    /** Members as an application has them, in no order that means anything. Needs `directory.manage`; otherwise empty. */
    listCopies(
      endpointId: string,
      page: DirectoryCopyFilter = {},
    ): Promise<PageResult<DirectoryCopy>> {
      return listCopies(connection, endpointId, page)
    },

    /** All that `listCopies` gives, page by page, one at a time. */
    iterateCopies(endpointId: string, options: IterateOptions<DirectoryCopyFilter> = {}) {
      return eachOf(connection, options, (to, page: DirectoryCopyFilter) =>
        listCopies(to, endpointId, page),
      )
    },
  }
}
