/**
 * A hook for each mutation. To add options, such as `onSuccess`, give them to `mutate`, or spread those of
 * `useUsherMutations()` into `useMutation`.
 *
 * @module
 */
import { useMutation } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type UsherMutations, usherMutations } from './mutations.ts'
import { useUsher } from './provider.tsx'

/** `usherMutations` of the provider's client. */
export function useUsherMutations(): UsherMutations {
  const usher = useUsher()
  return useMemo(() => usherMutations(usher), [usher])
}

export const useCreateOrganisation = () => useMutation(useUsherMutations().organisations.create())

export const useUpdateOrganisation = (organisationId: string) =>
  useMutation(useUsherMutations().organisations.update(organisationId))

export const useDeleteOrganisation = (organisationId: string) =>
  useMutation(useUsherMutations().organisations.delete(organisationId))

export const useTransferOwnership = (organisationId: string) =>
  useMutation(useUsherMutations().organisations.transferOwnership(organisationId))

export const useLeaveOrganisation = (organisationId: string) =>
  useMutation(useUsherMutations().organisations.leave(organisationId))

export const useTakeOverCredentials = (organisationId: string) =>
  useMutation(useUsherMutations().organisations.takeOverCredentials(organisationId))

export const useJoinOrganisation = () => useMutation(useUsherMutations().organisations.join())

export const useCreateInvite = (organisationId: string) =>
  useMutation(useUsherMutations().invites.create(organisationId))

export const useCreateInvites = (organisationId: string) =>
  useMutation(useUsherMutations().invites.createMany(organisationId))

export const useReissueInvites = (organisationId: string) =>
  useMutation(useUsherMutations().invites.reissue(organisationId))

export const useResendInvite = (organisationId: string) =>
  useMutation(useUsherMutations().invites.resend(organisationId))

export const useRevokeInvite = (organisationId: string) =>
  useMutation(useUsherMutations().invites.revoke(organisationId))

export const useExpireInvite = (organisationId: string) =>
  useMutation(useUsherMutations().invites.expire(organisationId))

export const useUpdateInviteRoles = (organisationId: string) =>
  useMutation(useUsherMutations().invites.updateRoles(organisationId))

export const useRevealInviteLink = (organisationId: string) =>
  useMutation(useUsherMutations().invites.revealLink(organisationId))

export const useAcceptInvite = () => useMutation(useUsherMutations().invites.accept())

export const useAcceptMyInvite = () => useMutation(useUsherMutations().invites.acceptMine())

export const useDeclineInvite = () => useMutation(useUsherMutations().invites.decline())

export const useRequestInviteResend = () => useMutation(useUsherMutations().invites.requestResend())

export const useStopMail = () => useMutation(useUsherMutations().invites.stopMail())

export const useUpdateMemberRoles = (organisationId: string) =>
  useMutation(useUsherMutations().members.updateRoles(organisationId))

export const useUpdateMemberEnds = (organisationId: string) =>
  useMutation(useUsherMutations().members.updateEnds(organisationId))

export const useRemoveMember = (organisationId: string) =>
  useMutation(useUsherMutations().members.remove(organisationId))

export const useBanMember = (organisationId: string) =>
  useMutation(useUsherMutations().members.ban(organisationId))

export const useUnbanMember = (organisationId: string) =>
  useMutation(useUsherMutations().members.unban(organisationId))

export const useCreateRole = (organisationId: string) =>
  useMutation(useUsherMutations().roles.create(organisationId))

export const useUpdateRole = (organisationId: string) =>
  useMutation(useUsherMutations().roles.update(organisationId))

export const useDeleteRole = (organisationId: string) =>
  useMutation(useUsherMutations().roles.delete(organisationId))

export const useGrantPermission = (organisationId: string) =>
  useMutation(useUsherMutations().roles.grantPermission(organisationId))

export const useRevokePermission = (organisationId: string) =>
  useMutation(useUsherMutations().roles.revokePermission(organisationId))

export const useCreateRoleExclusion = (organisationId: string) =>
  useMutation(useUsherMutations().roles.createExclusion(organisationId))

export const useDeleteRoleExclusion = (organisationId: string) =>
  useMutation(useUsherMutations().roles.deleteExclusion(organisationId))

export const useStartAccessReview = (organisationId: string) =>
  useMutation(useUsherMutations().accessReviews.start(organisationId))

export const useAnswerAccessReview = (organisationId: string) =>
  useMutation(useUsherMutations().accessReviews.answer(organisationId))

export const useCloseAccessReview = (organisationId: string) =>
  useMutation(useUsherMutations().accessReviews.close(organisationId))

export const useInviteDevice = (organisationId: string) =>
  useMutation(useUsherMutations().devices.invite(organisationId))

export const useEnrolDevice = () => useMutation(useUsherMutations().devices.enrol())

export const useRetryDelivery = (organisationId: string) =>
  useMutation(useUsherMutations().deliveries.retry(organisationId))

export const useLiftSuppression = (organisationId: string) =>
  useMutation(useUsherMutations().deliveries.liftSuppression(organisationId))

export const useCreateTemplate = (organisationId: string) =>
  useMutation(useUsherMutations().templates.create(organisationId))

export const useUpdateTemplate = (organisationId: string) =>
  useMutation(useUsherMutations().templates.update(organisationId))

export const useDeleteTemplate = (organisationId: string) =>
  useMutation(useUsherMutations().templates.delete(organisationId))

export const useCreateDirectoryToken = (organisationId: string) =>
  useMutation(useUsherMutations().directories.createToken(organisationId))

export const useRevokeDirectoryToken = (organisationId: string) =>
  useMutation(useUsherMutations().directories.revokeToken(organisationId))

export const useCreateDirectoryEndpoint = (organisationId: string) =>
  useMutation(useUsherMutations().directories.createEndpoint(organisationId))

export const useUpdateDirectoryEndpoint = (organisationId: string) =>
  useMutation(useUsherMutations().directories.updateEndpoint(organisationId))

export const useDeleteDirectoryEndpoint = (organisationId: string) =>
  useMutation(useUsherMutations().directories.deleteEndpoint(organisationId))

export const useReconcileDirectoryEndpoint = (organisationId: string) =>
  useMutation(useUsherMutations().directories.reconcileEndpoint(organisationId))

export const useCreateDomain = (organisationId: string) =>
  useMutation(useUsherMutations().domains.create(organisationId))

export const useUpdateDomain = (organisationId: string) =>
  useMutation(useUsherMutations().domains.update(organisationId))

export const useDeleteDomain = (organisationId: string) =>
  useMutation(useUsherMutations().domains.delete(organisationId))

export const useUpdateSignInRule = (organisationId: string) =>
  useMutation(useUsherMutations().signInRules.update(organisationId))

export const useApproveJoinRequest = (organisationId: string) =>
  useMutation(useUsherMutations().joinRequests.approve(organisationId))

export const useDeclineJoinRequest = (organisationId: string) =>
  useMutation(useUsherMutations().joinRequests.decline(organisationId))

export const useCreateWebhook = (organisationId: string) =>
  useMutation(useUsherMutations().webhooks.create(organisationId))

export const useUpdateWebhook = (organisationId: string) =>
  useMutation(useUsherMutations().webhooks.update(organisationId))

export const useDeleteWebhook = (organisationId: string) =>
  useMutation(useUsherMutations().webhooks.delete(organisationId))

export const useRotateWebhookSecret = (organisationId: string) =>
  useMutation(useUsherMutations().webhooks.rotateSecret(organisationId))

export const useTestWebhook = (organisationId: string) =>
  useMutation(useUsherMutations().webhooks.test(organisationId))

export const useReplayWebhookDeliveries = (organisationId: string) =>
  useMutation(useUsherMutations().webhooks.replay(organisationId))
