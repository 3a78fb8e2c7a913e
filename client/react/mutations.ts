/**
 * Options of all mutations, for `useMutation`. What is about an organisation is made for one, and takes
 * the rest as its variables. Changes of roles, removing, banning, revoking and expiring show at once,
 * and are taken back when they are refused.
 *
 * @module
 */
import type {
  AccessReviewAnswer,
  BulkOptions,
  BulkRow,
  DeviceDraft,
  DirectoryEndpointDraft,
  EmailTemplateChanges,
  EmailTemplateDraft,
  InviteDraft,
  JoinPolicy,
  MemberEnds,
  OrganisationChanges,
  Permission,
  RoleDraft,
  RoleName,
  SignInRuleChanges,
  Usher,
  WebhookChanges,
  WebhookDraft,
  WebhookReplay,
} from '../index.ts'
import { changeMutation, type Foretold } from './change.ts'

/** What `usherMutations` makes. */
export interface UsherMutations extends ReturnType<typeof usherMutations> {}

type OfInvite = { inviteId: string }
type OfMember = { userId: string }
type OfWebhook = { webhookId: string }
type OfEndpoint = { endpointId: string }
type Reason = { reason?: string | undefined }
type StopMail = { token: string; stop?: boolean | undefined; everywhere?: boolean | undefined }

function memberTurns<V extends OfMember>(change: (variables: V) => object): Foretold<V> {
  return {
    parts: ['members', 'devices'],
    row: ({ userId }) => ({ userId }),
    change: (variables) => ({ ...change(variables) }),
  }
}

function inviteTurns<V extends OfInvite>(change: (variables: V) => object): Foretold<V> {
  return {
    parts: ['invites'],
    row: ({ inviteId }) => ({ id: inviteId }),
    change: (variables) => ({ ...change(variables) }),
  }
}

export function usherMutations(usher: Usher) {
  return {
    organisations: {
      create: () =>
        changeMutation(usher, {
          name: ['organisations', 'create'],
          run: (to, draft: { name: string; slug?: string }) => to.organisations.create(draft),
        }),
      update: (organisationId: string) =>
        changeMutation(usher, {
          name: ['organisations', 'update'],
          organisationId,
          concernsMe: true,
          run: (to, changes: OrganisationChanges) =>
            to.organisations.update(organisationId, changes),
        }),
      delete: (organisationId: string) =>
        changeMutation(usher, {
          name: ['organisations', 'delete'],
          organisationId,
          concernsMe: true,
          run: (to, _: undefined) => to.organisations.delete(organisationId),
        }),
      transferOwnership: (organisationId: string) =>
        changeMutation(usher, {
          name: ['organisations', 'transferOwnership'],
          organisationId,
          concernsMe: true,
          run: (to, { newOwnerId }: { newOwnerId: string }) =>
            to.organisations.transferOwnership(organisationId, newOwnerId),
        }),
      leave: (organisationId: string) =>
        changeMutation(usher, {
          name: ['organisations', 'leave'],
          organisationId,
          concernsMe: true,
          run: (to, _: undefined) => to.organisations.leave(organisationId),
        }),
      takeOverCredentials: (organisationId: string) =>
        changeMutation(usher, {
          name: ['organisations', 'takeOverCredentials'],
          organisationId,
          run: (to, { ids }: { ids: string[] }) => to.organisations.takeOverCredentials(ids),
        }),
      join: () =>
        changeMutation(usher, {
          name: ['organisations', 'join'],
          run: (to, { organisationId }: { organisationId: string }) =>
            to.organisations.join(organisationId),
        }),
    },
    invites: {
      create: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'create'],
          organisationId,
          run: (to, draft: InviteDraft) => to.invites.create(organisationId, draft),
        }),
      createMany: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'createMany'],
          organisationId,
          run: (
            to,
            {
              rows,
              ...options
            }: BulkOptions & { rows: Iterable<BulkRow> | AsyncIterable<BulkRow> },
          ) => to.invites.createMany(organisationId, rows, options),
        }),
      reissue: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'reissue'],
          organisationId,
          run: (to, { inviteIds, ...options }: BulkOptions & { inviteIds: string[] }) =>
            to.invites.reissue(inviteIds, options),
        }),
      resend: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'resend'],
          organisationId,
          run: (to, { inviteId }: OfInvite) => to.invites.resend(inviteId),
        }),
      revoke: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'revoke'],
          organisationId,
          run: (to, { inviteId, reason }: OfInvite & Reason) =>
            to.invites.revoke(inviteId, { reason }),
          foretold: inviteTurns(({ reason }: OfInvite & Reason) => ({
            status: 'revoked',
            revokedReason: reason ?? null,
          })),
        }),
      expire: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'expire'],
          organisationId,
          run: (to, { inviteId }: OfInvite) => to.invites.expire(inviteId),
          foretold: inviteTurns(() => ({ status: 'expired' })),
        }),
      updateRoles: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'updateRoles'],
          organisationId,
          run: (to, { inviteId, roles }: OfInvite & { roles: RoleName[] }) =>
            to.invites.updateRoles(inviteId, roles),
          foretold: inviteTurns(({ roles }: OfInvite & { roles: RoleName[] }) => ({ roles })),
        }),
      revealLink: (organisationId: string) =>
        changeMutation(usher, {
          name: ['invites', 'revealLink'],
          organisationId,
          run: (to, { inviteId }: OfInvite) => to.invites.revealLink(inviteId),
        }),
      accept: () =>
        changeMutation(usher, {
          name: ['invites', 'accept'],
          run: (to, { token }: { token: string }) => to.invites.accept(token),
        }),
      acceptMine: () =>
        changeMutation(usher, {
          name: ['invites', 'acceptMine'],
          run: (to, { inviteId }: OfInvite) => to.invites.acceptMine(inviteId),
        }),
      decline: () =>
        changeMutation(usher, {
          name: ['invites', 'decline'],
          run: (to, { token, reason }: { token: string } & Reason) =>
            to.invites.decline(token, { reason }),
        }),
      requestResend: () =>
        changeMutation(usher, {
          name: ['invites', 'requestResend'],
          run: (to, { token }: { token: string }) => to.invites.requestResend(token),
        }),
      stopMail: () =>
        changeMutation(usher, {
          name: ['invites', 'stopMail'],
          run: (to, { token, ...options }: StopMail) => to.invites.stopMail(token, options),
        }),
    },
    members: {
      updateRoles: (organisationId: string) =>
        changeMutation(usher, {
          name: ['members', 'updateRoles'],
          organisationId,
          concernsMe: true,
          run: (to, { userId, roles }: OfMember & { roles: RoleName[] }) =>
            to.members.updateRoles(organisationId, userId, roles),
          foretold: memberTurns(({ roles }: OfMember & { roles: RoleName[] }) => ({ roles })),
        }),
      updateEnds: (organisationId: string) =>
        changeMutation(usher, {
          name: ['members', 'updateEnds'],
          organisationId,
          concernsMe: true,
          run: (to, { userId, ...ends }: OfMember & MemberEnds) =>
            to.members.updateEnds(organisationId, userId, ends),
        }),
      remove: (organisationId: string) =>
        changeMutation(usher, {
          name: ['members', 'remove'],
          organisationId,
          concernsMe: true,
          run: (to, { userId, reason }: OfMember & Reason) =>
            to.members.remove(organisationId, userId, { reason }),
          foretold: memberTurns(({ reason }: OfMember & Reason) => ({
            status: 'removed',
            statusReason: reason ?? null,
          })),
        }),
      ban: (organisationId: string) =>
        changeMutation(usher, {
          name: ['members', 'ban'],
          organisationId,
          concernsMe: true,
          run: (to, { userId, reason }: OfMember & Reason) =>
            to.members.ban(organisationId, userId, { reason }),
          foretold: memberTurns(({ reason }: OfMember & Reason) => ({
            status: 'banned',
            statusReason: reason ?? null,
          })),
        }),
      unban: (organisationId: string) =>
        changeMutation(usher, {
          name: ['members', 'unban'],
          organisationId,
          run: (to, { userId, reason }: OfMember & Reason) =>
            to.members.unban(organisationId, userId, { reason }),
          foretold: memberTurns(() => ({ status: 'removed' })),
        }),
    },
    roles: {
      create: (organisationId: string) =>
        changeMutation(usher, {
          name: ['roles', 'create'],
          organisationId,
          run: (to, draft: RoleDraft) => to.roles.create(organisationId, draft),
        }),
      update: (organisationId: string) =>
        changeMutation(usher, {
          name: ['roles', 'update'],
          organisationId,
          concernsMe: true,
          run: (to, { role, ...changes }: Omit<RoleDraft, 'name'> & { role: RoleName }) =>
            to.roles.update(organisationId, role, changes),
        }),
      delete: (organisationId: string) =>
        changeMutation(usher, {
          name: ['roles', 'delete'],
          organisationId,
          run: (to, { role }: { role: RoleName }) => to.roles.delete(organisationId, role),
        }),
      grantPermission: (organisationId: string) =>
        changeMutation(usher, {
          name: ['roles', 'grantPermission'],
          organisationId,
          run: (to, { role, permission }: { role: RoleName; permission: Permission }) =>
            to.roles.grantPermission(organisationId, role, permission),
        }),
      revokePermission: (organisationId: string) =>
        changeMutation(usher, {
          name: ['roles', 'revokePermission'],
          organisationId,
          run: (to, { role, permission }: { role: RoleName; permission: Permission }) =>
            to.roles.revokePermission(organisationId, role, permission),
        }),
      createExclusion: (organisationId: string) =>
        changeMutation(usher, {
          name: ['roles', 'createExclusion'],
          organisationId,
          run: (
            to,
            exclusion: { name: string; roles: RoleName[]; cardinality?: number | undefined },
          ) => to.roles.createExclusion(organisationId, exclusion),
        }),
      deleteExclusion: (organisationId: string) =>
        changeMutation(usher, {
          name: ['roles', 'deleteExclusion'],
          organisationId,
          run: (to, { name }: { name: string }) => to.roles.deleteExclusion(organisationId, name),
        }),
    },
    devices: {
      invite: (organisationId: string) =>
        changeMutation(usher, {
          name: ['devices', 'invite'],
          organisationId,
          run: (to, draft: DeviceDraft) => to.devices.invite(organisationId, draft),
        }),
      enrol: () =>
        changeMutation(usher, {
          name: ['devices', 'enrol'],
          run: (to, { code }: { code: string }) => to.devices.enrol(code),
        }),
    },
    deliveries: {
      retry: (organisationId: string) =>
        changeMutation(usher, {
          name: ['deliveries', 'retry'],
          organisationId,
          run: (to, { deliveryId }: { deliveryId: string }) => to.deliveries.retry(deliveryId),
        }),
      liftSuppression: (organisationId: string) =>
        changeMutation(usher, {
          name: ['deliveries', 'liftSuppression'],
          organisationId,
          run: (to, { email }: { email: string }) =>
            to.deliveries.liftSuppression(organisationId, email),
        }),
    },
    templates: {
      create: (organisationId: string) =>
        changeMutation(usher, {
          name: ['templates', 'create'],
          organisationId,
          run: (to, draft: EmailTemplateDraft) => to.templates.create(organisationId, draft),
        }),
      update: (organisationId: string) =>
        changeMutation(usher, {
          name: ['templates', 'update'],
          organisationId,
          run: (to, { templateId, ...changes }: EmailTemplateChanges & { templateId: string }) =>
            to.templates.update(templateId, changes),
        }),
      delete: (organisationId: string) =>
        changeMutation(usher, {
          name: ['templates', 'delete'],
          organisationId,
          run: (to, { templateId }: { templateId: string }) => to.templates.delete(templateId),
        }),
    },
    directories: {
      createToken: (organisationId: string) =>
        changeMutation(usher, {
          name: ['directories', 'createToken'],
          organisationId,
          run: (to, draft: { name: string; expiresIn?: string | undefined }) =>
            to.directories.createToken(organisationId, draft),
        }),
      revokeToken: (organisationId: string) =>
        changeMutation(usher, {
          name: ['directories', 'revokeToken'],
          organisationId,
          run: (to, { tokenId }: { tokenId: string }) => to.directories.revokeToken(tokenId),
        }),
      createEndpoint: (organisationId: string) =>
        changeMutation(usher, {
          name: ['directories', 'createEndpoint'],
          organisationId,
          run: (to, draft: DirectoryEndpointDraft) =>
            to.directories.createEndpoint(organisationId, draft),
        }),
      updateEndpoint: (organisationId: string) =>
        changeMutation(usher, {
          name: ['directories', 'updateEndpoint'],
          organisationId,
          run: (
            to,
            {
              endpointId,
              ...changes
            }: OfEndpoint & Partial<DirectoryEndpointDraft> & { isEnabled?: boolean | undefined },
          ) => to.directories.updateEndpoint(endpointId, changes),
        }),
      deleteEndpoint: (organisationId: string) =>
        changeMutation(usher, {
          name: ['directories', 'deleteEndpoint'],
          organisationId,
          run: (to, { endpointId }: OfEndpoint) => to.directories.deleteEndpoint(endpointId),
        }),
      reconcileEndpoint: (organisationId: string) =>
        changeMutation(usher, {
          name: ['directories', 'reconcileEndpoint'],
          organisationId,
          run: (to, { endpointId }: OfEndpoint) => to.directories.reconcileEndpoint(endpointId),
        }),
    },
    domains: {
      create: (organisationId: string) =>
        changeMutation(usher, {
          name: ['domains', 'create'],
          organisationId,
          run: (to, { domain }: { domain: string }) => to.domains.create(organisationId, domain),
        }),
      update: (organisationId: string) =>
        changeMutation(usher, {
          name: ['domains', 'update'],
          organisationId,
          run: (
            to,
            {
              domain,
              ...changes
            }: {
              domain: string
              joinPolicy?: JoinPolicy | undefined
              role?: RoleName | undefined
            },
          ) => to.domains.update(organisationId, domain, changes),
        }),
      delete: (organisationId: string) =>
        changeMutation(usher, {
          name: ['domains', 'delete'],
          organisationId,
          run: (to, { domain }: { domain: string }) => to.domains.delete(organisationId, domain),
        }),
    },
    accessReviews: {
      start: (organisationId: string) =>
        changeMutation(usher, {
          name: ['accessReviews', 'start'],
          organisationId,
          run: (to, review: { title: string; dueAt: string | Date }) =>
            to.accessReviews.start(organisationId, review),
        }),
      answer: (organisationId: string) =>
        changeMutation(usher, {
          name: ['accessReviews', 'answer'],
          organisationId,
          run: (to, { reviewId, answers }: { reviewId: string; answers: AccessReviewAnswer[] }) =>
            to.accessReviews.answer(reviewId, answers),
        }),
      close: (organisationId: string) =>
        changeMutation(usher, {
          name: ['accessReviews', 'close'],
          organisationId,
          run: (to, { reviewId, ...reason }: { reviewId: string; reason?: string }) =>
            to.accessReviews.close(reviewId, reason),
        }),
    },
    signInRules: {
      update: (organisationId: string) =>
        changeMutation(usher, {
          name: ['signInRules', 'update'],
          organisationId,
          run: (to, changes: SignInRuleChanges) => to.signInRules.update(organisationId, changes),
        }),
    },
    joinRequests: {
      approve: (organisationId: string) =>
        changeMutation(usher, {
          name: ['joinRequests', 'approve'],
          organisationId,
          run: (to, { requestId, roles }: { requestId: string; roles?: RoleName[] | undefined }) =>
            to.joinRequests.approve(requestId, { roles }),
        }),
      decline: (organisationId: string) =>
        changeMutation(usher, {
          name: ['joinRequests', 'decline'],
          organisationId,
          run: (to, { requestId, reason }: { requestId: string } & Reason) =>
            to.joinRequests.decline(requestId, { reason }),
        }),
    },
    webhooks: {
      create: (organisationId: string) =>
        changeMutation(usher, {
          name: ['webhooks', 'create'],
          organisationId,
          run: (to, draft: WebhookDraft) => to.webhooks.create(organisationId, draft),
        }),
      update: (organisationId: string) =>
        changeMutation(usher, {
          name: ['webhooks', 'update'],
          organisationId,
          run: (to, { webhookId, ...changes }: WebhookChanges & OfWebhook) =>
            to.webhooks.update(webhookId, changes),
        }),
      delete: (organisationId: string) =>
        changeMutation(usher, {
          name: ['webhooks', 'delete'],
          organisationId,
          run: (to, { webhookId }: OfWebhook) => to.webhooks.delete(webhookId),
        }),
      rotateSecret: (organisationId: string) =>
        changeMutation(usher, {
          name: ['webhooks', 'rotateSecret'],
          organisationId,
          run: (to, { webhookId, ...options }: OfWebhook & { keepOldFor?: string | undefined }) =>
            to.webhooks.rotateSecret(webhookId, options),
        }),
      test: (organisationId: string) =>
        changeMutation(usher, {
          name: ['webhooks', 'test'],
          organisationId,
          run: (to, { webhookId }: OfWebhook) => to.webhooks.test(webhookId),
        }),
      replay: (organisationId: string) =>
        changeMutation(usher, {
          name: ['webhooks', 'replay'],
          organisationId,
          run: (to, { webhookId, ...which }: OfWebhook & WebhookReplay) =>
            to.webhooks.replay(webhookId, which),
        }),
    },
  }
}
