/**
 * Domains: claim one, let its people join or ask to.
 *
 * @module
 */
import { builder, command, operation } from '../builder.ts'
import type { DomainRow, JoinableOrganisationRow, JoinRequestRow } from '../rows.ts'
import { Member } from './member.ts'
import { inOrganisation } from './page.ts'

export const Domain = builder.objectRef<DomainRow>('Domain')
const JoinRequest = builder.objectRef<JoinRequestRow>('JoinRequest')
const JoinableOrganisation = builder.objectRef<JoinableOrganisationRow>('JoinableOrganisation')

builder.objectType(Domain, {
  description: 'A mail domain that an organisation claims.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    domain: t.exposeString('domain'),
    verification: t.exposeString('verification', {
      description: 'What the TXT record at _usher.<domain> has to say.',
    }),
    verifiedAt: t.expose('verified_at', { type: 'DateTime', nullable: true }),
    checkedAt: t.expose('checked_at', { type: 'DateTime', nullable: true }),
    joinPolicy: t.exposeString('join_policy', { description: 'none, join or ask.' }),
    role: t.exposeString('role', { description: 'What people join with.' }),
    responsibleId: t.expose('responsible_id', {
      type: 'UUID',
      nullable: true,
      description: 'Who answers for joining by it.',
    }),
    stopsAt: t.expose('stops_at', {
      type: 'DateTime',
      nullable: true,
      description:
        'When joining by it stops unless somebody takes it over, because who answers for it lost the right.',
    }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
  }),
})

builder.objectType(JoinRequest, {
  description: 'Somebody asks to join.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    userId: t.expose('user_id', { type: 'UUID' }),
    email: t.exposeString('email'),
    status: t.exposeString('status', { description: 'pending, approved or declined.' }),
    reason: t.exposeString('reason', { nullable: true }),
    createdAt: t.expose('created_at', { type: 'DateTime' }),
    decidedAt: t.expose('decided_at', { type: 'DateTime', nullable: true }),
    decidedBy: t.expose('decided_by', { type: 'UUID', nullable: true }),
  }),
})

builder.objectType(JoinableOrganisation, {
  description: 'An organisation that the caller may join, or ask to, because of their address.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    name: t.exposeString('name'),
    logoUrl: t.exposeString('logo_url', { nullable: true }),
    accentColour: t.exposeString('accent_colour', { nullable: true }),
    domain: t.exposeString('domain'),
    joinPolicy: t.exposeString('join_policy', { description: 'join or ask.' }),
  }),
})

export const JoinRequestConnection = builder.connectionObject({
  type: JoinRequest,
  name: 'JoinRequestConnection',
})

const ofDomain = builder.args((t) => ({
  ...inOrganisation,
  domain: t.string({ required: true, description: 'Such as example.com.' }),
}))
const ofRequest = builder.args((t) => ({ requestId: t.field({ type: 'UUID', required: true }) }))

builder.queryFields((t) => ({
  joinableOrganisations: t.field({
    type: [JoinableOrganisation],
    description: 'Organisations that the caller may join, or ask to.',
    ...operation('list_joinable_organisations'),
  }),
}))

builder.mutationFields((t) => ({
  createDomain: t.field({
    type: Domain,
    description: 'Claims a mail domain. Needs organisation.update.',
    args: ofDomain,
    ...operation('create_organisation_domain'),
  }),
  updateDomain: t.field({
    type: Domain,
    description:
      'Says what people of a domain may do; what is left out stays. Needs organisation.update.',
    args: {
      ...ofDomain,
      joinPolicy: t.arg.string({ description: 'none, join or ask.' }),
      role: t.arg.string({ description: 'What they join with.' }),
    },
    ...operation('update_organisation_domain'),
  }),
  deleteDomain: t.field({
    description: 'Gives a domain up; who has joined by it stays. Needs organisation.update.',
    args: ofDomain,
    ...command('delete_organisation_domain'),
  }),
  joinOrganisation: t.field({
    type: 'String',
    description: 'Joins one of joinableOrganisations, or asks to. Says joined or requested.',
    args: inOrganisation,
    ...operation('join_organisation'),
  }),
  approveJoinRequest: t.field({
    type: Member,
    description: 'Lets somebody in who asked. Needs invite.create.',
    args: {
      ...ofRequest,
      roles: t.arg.stringList({ description: 'Default: the role of the domain.' }),
    },
    ...operation('approve_organisation_join_request'),
  }),
  declineJoinRequest: t.field({
    type: JoinRequest,
    description: 'Turns a request down; they may ask again. Needs invite.create.',
    args: {
      ...ofRequest,
      reason: t.arg.string({ description: 'At most 500 characters, for the one who asked.' }),
    },
    ...operation('decline_organisation_join_request'),
  }),
}))
