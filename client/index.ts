/**
 * Usher's client: organisations, members, roles and invitations on top of supabase-js.
 *
 * @module
 */
export type {
  AccessReview,
  AccessReviewAnswer,
  AccessReviewFilter,
  AccessReviewItem,
  AccessReviewStatus,
} from './access-reviews.ts'
export { asciiAddress } from './address.ts'
export type { AuditEvent, AuditFilter, AuditVerification } from './audit.ts'
export type {
  BulkOptions,
  BulkProgress,
  BulkRow,
  InviteOutcome,
  UnreadableRow,
} from './bulk.ts'
export { createUsher, type Usher, type UsherOptions } from './client.ts'
export type { Delivery, DeliveryFilter, DeliveryStatus, MailKind } from './deliveries.ts'
export type { DeviceCode, DeviceDraft, DeviceFilter, DeviceInviteFilter } from './devices.ts'
export type {
  DirectoryCopy,
  DirectoryCopyFilter,
  DirectoryCopyStatus,
  DirectoryEndpoint,
  DirectoryEndpointDraft,
  DirectoryFeatures,
  DirectoryToken,
  NewDirectoryToken,
} from './directories.ts'
export type { Domain, JoinPolicy } from './domains.ts'
export { isUsherError, UsherError, type UsherErrorCode } from './errors.ts'
export type { EventCursor, Evidence, EvidenceEvent, Seal } from './evidence/source.ts'
export type { Database } from './generated/database.types.ts'
export type { ErrorCode } from './generated/error-codes.ts'
export type { BuiltInRole, Permission, RoleName } from './generated/roles.ts'
export type { WebhookEventType } from './generated/webhook-event-types.ts'
export type {
  DeviceInvite,
  Invite,
  InviteDraft,
  InviteFilter,
  InviteMetrics,
  InviteMetricsDay,
  InvitePreview,
  InviteStatus,
  MailedInvite,
  MyInvite,
} from './invites.ts'
export type { JoinRequest, JoinRequestFilter, JoinRequestStatus } from './join-requests.ts'
export {
  keepToken,
  type Landing,
  type LandingOptions,
  type LandingStep,
  nextStep,
  openLanding,
  type TokenStorage,
  takeToken,
} from './landing.ts'
export type { Member, MemberEnds, MemberFilter, MemberStatus } from './members.ts'
export type { Dated } from './modes.ts'
export type {
  JoinableOrganisation,
  MyOrganisation,
  Organisation,
  OrganisationChanges,
  SignUpPolicy,
  TakenOverCredential,
} from './organisations.ts'
export type { IterateOptions, PageOptions } from './pages.ts'
export type { PageResult, Result } from './result.ts'
export type { Role, RoleDraft, RoleExclusion } from './roles.ts'
export type { SignInRule, SignInRuleChanges } from './sign-in-rules.ts'
export { finishSignUp, type SignUpOptions, signUpOptions } from './sign-up.ts'
export type { EmailTemplate, EmailTemplateChanges, EmailTemplateDraft } from './templates.ts'
export { signInBy, type WayIn, wayIn } from './way-in.ts'
export type {
  Webhook,
  WebhookChanges,
  WebhookDelivery,
  WebhookDeliveryFilter,
  WebhookDeliveryStatus,
  WebhookDisabledReason,
  WebhookDraft,
  WebhookEvent,
  WebhookReplay,
  WebhookSecret,
  WebhookTry,
} from './webhooks.ts'
