/**
 * Directories, by SCIM 2.0: tokens of identity providers, and applications that are told who is a member.
 *
 * @module
 */
import { builder, command, operation, snakeCased } from '../builder.ts'
import { toConnection } from '../connection.ts'
import type {
  DirectoryCopyRow,
  DirectoryEndpointRow,
  DirectoryTokenRow,
  NewDirectoryTokenRow,
} from '../rows.ts'
import { inOrganisation, pageArgs } from './page.ts'

export const DirectoryToken = builder.objectRef<DirectoryTokenRow>('DirectoryToken')
export const DirectoryEndpoint = builder.objectRef<DirectoryEndpointRow>('DirectoryEndpoint')
const DirectoryCopy = builder.objectRef<DirectoryCopyRow>('DirectoryCopy')
const NewDirectoryToken = builder.objectRef<NewDirectoryTokenRow>('NewDirectoryToken')

builder.objectType(DirectoryToken, {
  description: 'A token of an identity provider, without its secret.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    name: t.exposeString('name'),
    createdBy: t.expose('created_by', { type: 'UUID' }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
    expiresAt: t.expose('expires_at', { type: 'DateTime', nullable: true }),
    lastUsedAt: t.expose('last_used_at', { type: 'DateTime', nullable: true }),
    revokedAt: t.expose('revoked_at', { type: 'DateTime', nullable: true }),
    revokedBy: t.expose('revoked_by', { type: 'UUID', nullable: true }),
    responsibleId: t.expose('responsible_id', {
      type: 'UUID',
      description: 'Who answers for it: whose rights it carries.',
    }),
    stopsAt: t.expose('stops_at', {
      type: 'DateTime',
      nullable: true,
      description:
        'When it stops unless somebody takes it over, because who answers for it lost the right.',
    }),
    carriedRoles: t.exposeStringList('carried_roles', {
      description: 'With which roles it goes on until stopsAt.',
    }),
  }),
})

builder.objectType(NewDirectoryToken, {
  description: 'A new token of a directory, with its secret, which is shown this once.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID', nullable: true }),
    organisationId: t.expose('organisation_id', { type: 'UUID', nullable: true }),
    name: t.exposeString('name', { nullable: true }),
    expiresAt: t.expose('expires_at', { type: 'DateTime', nullable: true }),
    token: t.exposeString('token', { nullable: true }),
    scimUrl: t.exposeString('scim_url', {
      nullable: true,
      description: 'Where it opens the directory, if that is known.',
    }),
  }),
})

builder.objectType(DirectoryCopy, {
  description: 'A member as an application has them.',
  fields: (t) => ({
    memberId: t.expose('member_id', { type: 'UUID' }),
    status: t.exposeString('status', { description: 'waiting, current or failed.' }),
    remoteId: t.exposeString('remote_id', { nullable: true }),
    roles: t.exposeStringList('roles', { description: 'In whose groups they are there.' }),
    lastError: t.exposeString('last_error', { nullable: true }),
    syncedAt: t.expose('synced_at', { type: 'DateTime', nullable: true }),
  }),
})

const DirectoryCopyConnection = builder.connectionObject({
  type: DirectoryCopy,
  name: 'DirectoryCopyConnection',
})

builder.objectType(DirectoryEndpoint, {
  description: 'An application that is told, by SCIM 2.0, who is a member.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    name: t.exposeString('name'),
    url: t.exposeString('url'),
    isEnabled: t.exposeBoolean('is_enabled'),
    failures: t.exposeInt('failures', { description: 'How often in a row it did not answer.' }),
    lastError: t.exposeString('last_error', { nullable: true }),
    lastSuccessAt: t.expose('last_success_at', { type: 'DateTime', nullable: true }),
    retryAt: t.expose('retry_at', { type: 'DateTime', nullable: true }),
    reconcileAt: t.expose('reconcile_at', { type: 'DateTime' }),
    reconciledAt: t.expose('reconciled_at', { type: 'DateTime', nullable: true }),
    drift: t.exposeInt('drift', {
      nullable: true,
      description: 'How much was other than it should be, the last time that it was compared.',
    }),
    createdBy: t.expose('created_by', { type: 'UUID' }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
    copies: t.field({
      type: DirectoryCopyConnection,
      description: 'Members as it has them.',
      args: { ...pageArgs, status: t.arg.string({ description: 'waiting, current or failed.' }) },
      resolve: async ({ id }, args, { loaders }) =>
        toConnection(
          await loaders.page('organisation_directory_copies', id, args),
          args.first,
          (row) => ({ at: '', id: row.member_id }),
        ),
    }),
  }),
})

const DirectoryEndpointChanges = builder.inputType('DirectoryEndpointChanges', {
  description: 'What is left out stays.',
  fields: (t) => ({
    name: t.string(),
    url: t.string({ description: 'A new one starts from nothing: that is another application.' }),
    token: t.string(),
    isEnabled: t.boolean(),
  }),
})

interface ChangesArgs {
  endpointId: string
  changes: typeof DirectoryEndpointChanges.$inferInput
}

const ofEndpoint = builder.args((t) => ({ endpointId: t.field({ type: 'UUID', required: true }) }))

builder.mutationFields((t) => ({
  createDirectoryToken: t.field({
    type: NewDirectoryToken,
    description: 'Makes a token for an identity provider. Needs directory.manage.',
    args: {
      ...inOrganisation,
      name: t.arg.string({ required: true, description: 'What it is for.' }),
      expiresIn: t.arg.string({ description: 'An interval, such as "1 year".' }),
    },
    ...operation('create_organisation_directory_token'),
  }),
  revokeDirectoryToken: t.field({
    type: DirectoryToken,
    description: 'Ends a token at once and for good. Needs directory.manage.',
    args: { tokenId: t.arg({ type: 'UUID', required: true }) },
    ...operation('revoke_organisation_directory_token'),
  }),
  createDirectoryEndpoint: t.field({
    type: DirectoryEndpoint,
    description: 'Tells an application who is a member. Needs directory.manage.',
    args: {
      ...inOrganisation,
      name: t.arg.string({ required: true }),
      url: t.arg.string({ required: true, description: 'Its SCIM base URL, https.' }),
      token: t.arg.string({ required: true, description: 'Nobody can read it back.' }),
    },
    ...operation('create_organisation_directory_endpoint'),
  }),
  updateDirectoryEndpoint: t.field({
    type: DirectoryEndpoint,
    description: 'Changes an endpoint, and tries it again at once. Needs directory.manage.',
    args: { ...ofEndpoint, changes: t.arg({ type: DirectoryEndpointChanges, required: true }) },
    ...operation(
      'update_organisation_directory_endpoint',
      ({ endpointId, changes }: ChangesArgs) => ({
        endpoint_id: endpointId,
        changes: snakeCased(changes),
      }),
    ),
  }),
  deleteDirectoryEndpoint: t.field({
    description: 'Tells an application of nothing any more. Needs directory.manage.',
    args: ofEndpoint,
    ...command('delete_organisation_directory_endpoint'),
  }),
  reconcileDirectoryEndpoint: t.field({
    type: DirectoryEndpoint,
    description: 'Has an application compared as a whole now. Needs directory.manage.',
    args: ofEndpoint,
    ...operation('reconcile_organisation_directory_endpoint'),
  }),
}))
