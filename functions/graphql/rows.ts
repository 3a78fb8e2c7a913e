/**
 * What the database answers, as its generated types say it.
 *
 * @module
 */
import type { Database } from '../../client/generated/database.types.ts'

type Public = Database['public']
type Table<T extends keyof Public['Tables']> = Public['Tables'][T]['Row']
type Returned<F extends keyof Public['Functions']> = Public['Functions'][F]['Returns']
/** Postgres knows no "not null" for fields of a composite type; here are those that can be null. */
type Known<Row, Nullable extends keyof Row = never> = {
  [K in keyof Row]: K extends Nullable ? Row[K] | null : NonNullable<Row[K]>
}

export type OrganisationRow = Table<'organisations'>
export type MemberRow = Table<'organisation_members'>
export type RoleRow = Table<'organisation_roles'>
export type RoleExclusionRow = Table<'organisation_role_exclusions'>
export type DeliveryRow = Table<'organisation_deliveries'>
export type EmailTemplateRow = Table<'organisation_email_templates'>
export type DomainRow = Table<'organisation_domains'>
export type SignInRuleRow = Table<'organisation_sign_in_rules'>
export type WebhookRow = Table<'organisation_webhooks'>
export type WebhookDeliveryRow = Table<'organisation_webhook_deliveries'>
export type DirectoryTokenRow = Table<'organisation_directory_tokens'>
export type DirectoryEndpointRow = Table<'organisation_directory_endpoints'>
export type DirectoryCopyRow = Table<'organisation_directory_copies'>
export type JoinRequestRow = Table<'organisation_join_requests'>
export type AccessReviewRow = Table<'organisation_access_reviews'>
export type AccessReviewItemRow = Table<'organisation_access_review_items'>
export type AuditEventRow = Table<'organisation_audit_events'>
export type InviteRow = Public['Views']['organisation_invites']['Row']

export type MyOrganisationRow = Returned<'list_my_organisations'>[number]
export type JoinableOrganisationRow = Known<
  Returned<'list_joinable_organisations'>[number],
  'logo_url' | 'accent_colour'
>
export type MyInviteRow = Known<
  Returned<'list_my_organisation_invites'>[number],
  | 'organisation_logo_url'
  | 'organisation_accent_colour'
  | 'inviter_name'
  | 'inviter_email'
  | 'message'
>
type Composites = Public['CompositeTypes']
export type InvitePreviewRow = Composites['organisation_invite_preview']
export type InviteResultRow = Composites['organisation_invite_result']
export type DeviceInviteRow = Composites['organisation_device_invite']
export type WebhookSecretRow = Composites['organisation_webhook_secret']
export type NewDirectoryTokenRow = Composites['organisation_directory_token']
export type SignUpPolicyRow = Composites['organisation_sign_up_policy']
export type InviteMetricsRow = Composites['organisation_invite_metrics']
export type AuditVerificationRow = Composites['organisation_audit_verification']

export type EvidenceEventRow = Composites['organisation_evidence_event']

export type JsonValue = Public['Tables']['organisation_audit_events']['Row']['before']
