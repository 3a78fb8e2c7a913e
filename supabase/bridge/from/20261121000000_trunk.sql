-- The trunk: organisations, roles, members, invites, tokens, deliveries and the audit trail.

-- By hand, because the next cannot be derived: the extension is the platform's where there is one,
-- and a role belongs to the whole cluster, so another database may have made it.
create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;

do $$
begin
  if not exists (select from pg_catalog.pg_roles r where r.rolname = 'usher_worker') then
    create role usher_worker nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
end
$$;

-- Derived from sql/ by npm run migrate.
set local check_function_bodies = off;

CREATE SCHEMA "usher" AUTHORIZATION "postgres";

CREATE TABLE "public"."organisation_audit_events" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "occurred_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "event" text NOT NULL, "actor_kind" text NOT NULL, "actor_id" uuid, "target_kind" text NOT NULL, "target_id" uuid NOT NULL, "before" jsonb, "after" jsonb, "reason" text, "ip" text, "user_agent" text, CONSTRAINT "organisation_audit_events_actor_kind" CHECK ((actor_kind = ANY (ARRAY['user'::text, 'device'::text, 'invitee'::text, 'worker'::text, 'operator'::text]))), CONSTRAINT "organisation_audit_events_pkey" PRIMARY KEY (id));

ALTER TABLE "public"."organisation_audit_events" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_audit_events" FROM "anon";

CREATE TABLE "public"."organisation_deliveries" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "invite_id" uuid, "member_id" uuid, "issue" integer, "kind" text NOT NULL, "recipient" text NOT NULL, "locale" text, "is_bulk" boolean NOT NULL DEFAULT false, "status" text NOT NULL DEFAULT 'queued'::text, "attempts" integer NOT NULL DEFAULT 0, "due_at" timestamp with time zone NOT NULL DEFAULT now(), "fence" bigint NOT NULL DEFAULT 0, "leased_by" text, "in_doubt_at" timestamp with time zone, "last_response" text, "last_status_code" text, "provider_message_id" text, "facts" jsonb NOT NULL DEFAULT '{}'::jsonb, "sent_at" timestamp with time zone, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisation_deliveries_kind" CHECK ((kind = ANY (ARRAY['invite'::text, 'invite_reminder'::text, 'invite_accepted'::text, 'invite_declined'::text, 'invite_expired'::text, 'invite_resend_requested'::text, 'member_roles_updated'::text, 'member_removed'::text, 'member_banned'::text, 'ownership_transferred'::text]))), CONSTRAINT "organisation_deliveries_pkey" PRIMARY KEY (id), CONSTRAINT "organisation_deliveries_sent" CHECK (((status = 'sent'::text) = (sent_at IS NOT NULL))), CONSTRAINT "organisation_deliveries_status" CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'cancelled'::text, 'suppressed'::text]))), CONSTRAINT "organisation_deliveries_subject" CHECK ((num_nonnulls(invite_id, member_id) = 1)));

ALTER TABLE "public"."organisation_deliveries" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_deliveries" FROM "anon";

CREATE TABLE "public"."organisation_domains" ("organisation_id" uuid NOT NULL, "domain" text NOT NULL, "verification" text NOT NULL, "verified_at" timestamp with time zone, "checked_at" timestamp with time zone, "join_policy" text NOT NULL DEFAULT 'none'::text, "role" text NOT NULL DEFAULT 'member'::text, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisation_domains_join_policy" CHECK ((join_policy = ANY (ARRAY['none'::text, 'join'::text, 'ask'::text]))), CONSTRAINT "organisation_domains_pkey" PRIMARY KEY (organisation_id, domain));

ALTER TABLE "public"."organisation_domains" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_domains" FROM "anon";

CREATE TABLE "public"."organisation_join_requests" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "user_id" uuid NOT NULL, "email" text NOT NULL, "status" text NOT NULL DEFAULT 'pending'::text, "reason" text, "created_at" timestamp with time zone NOT NULL DEFAULT now(), "decided_at" timestamp with time zone, "decided_by" uuid, CONSTRAINT "organisation_join_requests_decided" CHECK (((status = 'pending'::text) = (decided_at IS NULL))), CONSTRAINT "organisation_join_requests_pkey" PRIMARY KEY (id), CONSTRAINT "organisation_join_requests_status" CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'declined'::text]))));

ALTER TABLE "public"."organisation_join_requests" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_join_requests" FROM "anon";

CREATE TABLE "public"."organisation_members" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "user_id" uuid NOT NULL, "kind" text NOT NULL DEFAULT 'user'::text, "status" text NOT NULL DEFAULT 'active'::text, "roles" text[] NOT NULL, "email" text, "display_name" text, "joined_at" timestamp with time zone NOT NULL DEFAULT now(), "ended_at" timestamp with time zone, "status_reason" text, CONSTRAINT "organisation_members_ended" CHECK (((status = 'active'::text) = (ended_at IS NULL))), CONSTRAINT "organisation_members_kind" CHECK ((kind = ANY (ARRAY['user'::text, 'device'::text]))), CONSTRAINT "organisation_members_owner_is_active" CHECK (((status = 'active'::text) OR (NOT ('owner'::text = ANY (roles))))), CONSTRAINT "organisation_members_pkey" PRIMARY KEY (id), CONSTRAINT "organisation_members_status" CHECK ((status = ANY (ARRAY['active'::text, 'banned'::text, 'left'::text, 'removed'::text]))), CONSTRAINT "organisation_members_subject_key" UNIQUE (organisation_id, user_id));

ALTER TABLE "public"."organisation_members" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_members" FROM "anon";

CREATE TABLE "public"."organisation_role_exclusions" ("organisation_id" uuid NOT NULL, "name" text NOT NULL, "roles" text[] NOT NULL, "cardinality" integer NOT NULL DEFAULT 2, CONSTRAINT "organisation_role_exclusions_cardinality" CHECK (((cardinality >= 2) AND (cardinality <= cardinality(roles)))), CONSTRAINT "organisation_role_exclusions_pkey" PRIMARY KEY (organisation_id, name));

ALTER TABLE "public"."organisation_role_exclusions" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_role_exclusions" FROM "anon";

CREATE TABLE "public"."organisation_roles" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid, "name" text NOT NULL, "description" text NOT NULL DEFAULT ''::text, "permissions" text[] NOT NULL DEFAULT '{}'::text[], "granted_permissions" text[] NOT NULL DEFAULT '{}'::text[], "inherits" text[] NOT NULL DEFAULT '{}'::text[], "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisation_roles_name_key" UNIQUE NULLS NOT DISTINCT (organisation_id, name), CONSTRAINT "organisation_roles_name" CHECK ((name ~ '^[a-z][a-z0-9_-]{0,62}$'::text)), CONSTRAINT "organisation_roles_pkey" PRIMARY KEY (id));

ALTER TABLE "public"."organisation_roles" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_roles" FROM "anon";

CREATE TABLE "public"."organisations" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "name" text NOT NULL, "slug" text NOT NULL, "logo_url" text, "accent_colour" text, "reply_to" text, "locale" text NOT NULL DEFAULT 'en'::text, "invite_ttl" interval NOT NULL DEFAULT '7 days'::interval, "seat_limit" integer, "allowed_email_domains" text[] NOT NULL DEFAULT '{}'::text[], "self_service_resend" boolean NOT NULL DEFAULT false, "expiry_mail" boolean NOT NULL DEFAULT false, "reminder_before" interval, "audit_retention" interval, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisations_accent_colour" CHECK ((accent_colour ~ '^#[0-9a-f]{6}$'::text)), CONSTRAINT "organisations_audit_retention" CHECK ((audit_retention >= '30 days'::interval)), CONSTRAINT "organisations_invite_ttl" CHECK (((invite_ttl >= '01:00:00'::interval) AND (invite_ttl <= '30 days'::interval))), CONSTRAINT "organisations_pkey" PRIMARY KEY (id), CONSTRAINT "organisations_reminder_before" CHECK (((reminder_before >= '01:00:00'::interval) AND (reminder_before <= '14 days'::interval))), CONSTRAINT "organisations_seat_limit" CHECK ((seat_limit >= 1)), CONSTRAINT "organisations_slug_key" UNIQUE (slug));

ALTER TABLE "public"."organisations" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisations" FROM "anon";

CREATE TABLE "usher"."audit_seals" ("organisation_id" uuid NOT NULL, "number" integer NOT NULL, "sealed_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "events" integer NOT NULL, "first_event_at" timestamp with time zone NOT NULL, "last_event_at" timestamp with time zone NOT NULL, "hash" bytea NOT NULL, "purged_at" timestamp with time zone, CONSTRAINT "audit_seals_pkey" PRIMARY KEY (organisation_id, number));

ALTER TABLE "usher"."audit_seals" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."device_codes" ("invite_id" uuid NOT NULL, "key_id" smallint NOT NULL, "hash" bytea NOT NULL, CONSTRAINT "device_codes_hash_key" UNIQUE (hash), CONSTRAINT "device_codes_pkey" PRIMARY KEY (invite_id));

ALTER TABLE "usher"."device_codes" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."invite_tokens" ("invite_id" uuid NOT NULL, "nonce_hash" bytea NOT NULL, "issue" integer NOT NULL, "minted_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "invite_tokens_pkey" PRIMARY KEY (invite_id, nonce_hash));

ALTER TABLE "usher"."invite_tokens" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."invites" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "kind" text NOT NULL DEFAULT 'user'::text, "email" text, "device_name" text, "roles" text[] NOT NULL, "status" text NOT NULL DEFAULT 'pending'::text, "message" text, "locale" text, "redirect_to" text, "metadata" jsonb NOT NULL DEFAULT '{}'::jsonb, "invited_by" uuid, "created_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "issue" integer NOT NULL DEFAULT 1, "issued_at" timestamp with time zone NOT NULL DEFAULT now(), "lifetime" interval NOT NULL, "reminded_issue" integer NOT NULL DEFAULT 0, "expires_at" timestamp with time zone NOT NULL, "accepted_at" timestamp with time zone, "accepted_by" uuid, "declined_at" timestamp with time zone, "declined_reason" text, "revoked_at" timestamp with time zone, "revoked_by" uuid, "revoked_reason" text, CONSTRAINT "invites_accepted" CHECK (((status = 'accepted'::text) = ((accepted_at IS NOT NULL) AND (accepted_by IS NOT NULL)))), CONSTRAINT "invites_declined" CHECK (((status = 'declined'::text) = (declined_at IS NOT NULL))), CONSTRAINT "invites_has_roles" CHECK ((cardinality(roles) > 0)), CONSTRAINT "invites_lifetime" CHECK (((lifetime >= '01:00:00'::interval) AND (lifetime <= '30 days'::interval))), CONSTRAINT "invites_owner_is_transferred" CHECK ((NOT ('owner'::text = ANY (roles)))), CONSTRAINT "invites_pkey" PRIMARY KEY (id), CONSTRAINT "invites_revoked" CHECK (((status = 'revoked'::text) = (revoked_at IS NOT NULL))), CONSTRAINT "invites_status" CHECK ((status = ANY (ARRAY['pending'::text, 'accepted'::text, 'declined'::text, 'revoked'::text, 'expired'::text]))), CONSTRAINT "invites_subject" CHECK ((((kind = 'user'::text) AND (email IS NOT NULL) AND (device_name IS NULL)) OR ((kind = 'device'::text) AND (email IS NULL) AND (device_name IS NOT NULL)))));

ALTER TABLE "usher"."invites" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."permissions" ("name" text NOT NULL, "description" text NOT NULL, CONSTRAINT "permissions_name" CHECK ((name ~ '^[a-z][a-z_]*\.[a-z][a-z_]*$'::text)), CONSTRAINT "permissions_pkey" PRIMARY KEY (name));

ALTER TABLE "usher"."permissions" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."rate_limits" ("key" text NOT NULL, "window_start" timestamp with time zone NOT NULL, "used" integer NOT NULL, CONSTRAINT "rate_limits_pkey" PRIMARY KEY (key));

ALTER TABLE "usher"."rate_limits" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."role_assigners" ("assigner" text NOT NULL, "role" text NOT NULL, CONSTRAINT "role_assigners_pkey" PRIMARY KEY (assigner, role));

ALTER TABLE "usher"."role_assigners" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."sealed_events" ("event_id" uuid NOT NULL, "organisation_id" uuid NOT NULL, "seal_number" integer NOT NULL, "position" integer NOT NULL, "hash" bytea NOT NULL, "personal_hash" bytea NOT NULL, "personal_salt" bytea, CONSTRAINT "sealed_events_pkey" PRIMARY KEY (event_id), CONSTRAINT "sealed_events_position" UNIQUE (organisation_id, seal_number, "position"));

ALTER TABLE "usher"."sealed_events" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."settings" ("is_only_row" boolean NOT NULL DEFAULT true, "site_url" text NOT NULL DEFAULT 'http://localhost:3000'::text, "redirect_origins" text[] NOT NULL DEFAULT '{}'::text[], "resend_cooldown" interval NOT NULL DEFAULT '00:01:00'::interval, "resends_per_day" integer NOT NULL DEFAULT 5, "invites_per_day" integer NOT NULL DEFAULT 20000, "auth_confirms_addresses" boolean NOT NULL DEFAULT false, "sign_up" text NOT NULL DEFAULT 'open'::text, CONSTRAINT "settings_is_only_row" CHECK (is_only_row), CONSTRAINT "settings_limits" CHECK (((resend_cooldown >= '00:00:00'::interval) AND (resends_per_day >= 0) AND (invites_per_day >= 0))), CONSTRAINT "settings_pkey" PRIMARY KEY (is_only_row), CONSTRAINT "settings_sign_up" CHECK ((sign_up = ANY (ARRAY['open'::text, 'invite_only'::text]))));

ALTER TABLE "usher"."settings" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."sign_up_invites" ("user_id" uuid NOT NULL, "invite_id" uuid NOT NULL, "issue" integer NOT NULL, CONSTRAINT "sign_up_invites_pkey" PRIMARY KEY (user_id));

ALTER TABLE "usher"."sign_up_invites" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."signing_keys" ("id" smallint NOT NULL, "secret" bytea, "vault_secret_id" uuid, "created_at" timestamp with time zone NOT NULL DEFAULT now(), "retired_at" timestamp with time zone, CONSTRAINT "signing_keys_one_place" CHECK ((num_nonnulls(secret, vault_secret_id) = 1)), CONSTRAINT "signing_keys_pkey" PRIMARY KEY (id));

ALTER TABLE "usher"."signing_keys" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."suppressed_addresses" ("email" text NOT NULL, "status_code" text NOT NULL, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "suppressed_addresses_pkey" PRIMARY KEY (email));

ALTER TABLE "usher"."suppressed_addresses" ENABLE ROW LEVEL SECURITY;

CREATE TYPE "public"."organisation_audit_verification" AS ("is_whole" boolean, "events" bigint, "sealed_events" bigint, "erased_events" bigint, "seals" integer, "last_seal" text, "problem" text, "event_id" uuid, "seal_number" integer);

CREATE TYPE "public"."organisation_device_invite" AS ("invite_id" uuid, "organisation_id" uuid, "device_name" text, "roles" text[], "expires_at" timestamp with time zone, "code" text);

CREATE TYPE "public"."organisation_invite_metrics" AS ("created" bigint, "pending" bigint, "accepted" bigint, "declined" bigint, "revoked" bigint, "expired" bigint, "acceptance_rate" numeric, "median_hours_to_accept" numeric, "mails_sent" bigint, "delivery_rate" numeric, "bounce_rate" numeric, "days" jsonb);

CREATE TYPE "public"."organisation_invite_preview" AS ("status" text, "reason" text, "organisation_name" text, "organisation_logo_url" text, "organisation_accent_colour" text, "email" text, "roles" text[], "inviter_name" text, "inviter_email" text, "message" text, "locale" text, "redirect_to" text, "expires_at" timestamp with time zone, "has_account" boolean);

CREATE TYPE "public"."organisation_invite_result" AS ("row_number" integer, "email" text, "status" text, "invite_id" uuid, "error_code" text, "error_details" text);

CREATE TYPE "usher"."delivery_lease" AS ("delivery_id" uuid, "fence" bigint, "attempts" integer);

CREATE TYPE "usher"."token_claims" AS ("invite_id" uuid, "nonce_hash" bytea, "expires_at" timestamp with time zone, "fingerprint" bytea);

CREATE TYPE "usher"."token_reading" AS ("invite" usher.invites, "problem" text);

CREATE OR REPLACE FUNCTION public.accept_my_organisation_invite(invite_id uuid)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.accept_my_invite($1) $function$;

REVOKE ALL ON FUNCTION "public"."accept_my_organisation_invite"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."accept_my_organisation_invite"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.accept_organisation_invite(token text)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.accept_invite($1) $function$;

REVOKE ALL ON FUNCTION "public"."accept_organisation_invite"(text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."accept_organisation_invite"(text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.approve_organisation_join_request(request_id uuid, roles text[] DEFAULT NULL::text[])
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.approve_join_request($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."approve_organisation_join_request"(uuid, text[]) FROM "anon";

REVOKE ALL ON FUNCTION "public"."approve_organisation_join_request"(uuid, text[]) FROM "service_role";

CREATE OR REPLACE FUNCTION public.ban_organisation_member(organisation_id uuid, user_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.ban_member($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."ban_organisation_member"(uuid, uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."ban_organisation_member"(uuid, uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation(name text, slug text DEFAULT NULL::text)
 RETURNS public.organisations
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_organisation($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation"(text, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation"(text, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_device_invite(organisation_id uuid, device_name text, roles text[], expires_in interval DEFAULT NULL::interval)
 RETURNS public.organisation_device_invite
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_device_invite($1, $2, $3, $4) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_device_invite"(uuid, text, text[], interval) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_device_invite"(uuid, text, text[], interval) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_domain(organisation_id uuid, domain text)
 RETURNS public.organisation_domains
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_domain($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_domain"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_domain"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_invites(organisation_id uuid, invites jsonb)
 RETURNS SETOF public.organisation_invite_result
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select * from usher.create_invites($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_role(organisation_id uuid, name text, description text DEFAULT ''::text, permissions text[] DEFAULT '{}'::text[], inherits text[] DEFAULT '{}'::text[])
 RETURNS public.organisation_roles
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_role($1, $2, $3, $4, $5) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_role"(uuid, text, text, text[], text[]) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_role"(uuid, text, text, text[], text[]) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_role_exclusion(organisation_id uuid, name text, roles text[], cardinality integer DEFAULT 2)
 RETURNS public.organisation_role_exclusions
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_role_exclusion($1, $2, $3, $4) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) FROM "service_role";

CREATE OR REPLACE FUNCTION public.decline_organisation_invite(token text, reason text DEFAULT NULL::text)
 RETURNS public.organisation_invite_preview
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.decline_invite($1, $2) $function$;

CREATE OR REPLACE FUNCTION public.decline_organisation_join_request(request_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_join_requests
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.decline_join_request($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."decline_organisation_join_request"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."decline_organisation_join_request"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.delete_organisation(organisation_id uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.delete_organisation($1) $function$;

REVOKE ALL ON FUNCTION "public"."delete_organisation"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."delete_organisation"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.delete_organisation_domain(organisation_id uuid, domain text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.delete_domain($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."delete_organisation_domain"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."delete_organisation_domain"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.delete_organisation_role(organisation_id uuid, role text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.delete_role($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."delete_organisation_role"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."delete_organisation_role"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.delete_organisation_role_exclusion(organisation_id uuid, name text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.delete_role_exclusion($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."delete_organisation_role_exclusion"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."delete_organisation_role_exclusion"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.enrol_organisation_device(code text)
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.enrol_device($1) $function$;

REVOKE ALL ON FUNCTION "public"."enrol_organisation_device"(text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."enrol_organisation_device"(text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.grant_organisation_permission(organisation_id uuid, role text, permission text)
 RETURNS public.organisation_roles
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.grant_permission($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."grant_organisation_permission"(uuid, text, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."grant_organisation_permission"(uuid, text, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.has_organisation_permission(organisation_id uuid, permission text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select usher.has_permission($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."has_organisation_permission"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."has_organisation_permission"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.join_organisation(organisation_id uuid)
 RETURNS text
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.join_organisation($1) $function$;

REVOKE ALL ON FUNCTION "public"."join_organisation"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."join_organisation"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.leave_organisation(organisation_id uuid)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.leave_organisation($1) $function$;

REVOKE ALL ON FUNCTION "public"."leave_organisation"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."leave_organisation"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_joinable_organisations()
 RETURNS TABLE(id uuid, name text, logo_url text, accent_colour text, domain text, join_policy text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_joinable_organisations() $function$;

REVOKE ALL ON FUNCTION "public"."list_joinable_organisations"() FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_joinable_organisations"() FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_my_organisation_invites()
 RETURNS TABLE(id uuid, organisation_id uuid, organisation_name text, organisation_logo_url text, organisation_accent_colour text, roles text[], inviter_name text, inviter_email text, message text, expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_my_invites() $function$;

REVOKE ALL ON FUNCTION "public"."list_my_organisation_invites"() FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_my_organisation_invites"() FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_my_organisation_permissions(organisation_id uuid)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select usher.list_my_permissions($1) $function$;

REVOKE ALL ON FUNCTION "public"."list_my_organisation_permissions"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_my_organisation_permissions"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_my_organisations()
 RETURNS TABLE(id uuid, name text, slug text, roles text[], kind text, joined_at timestamp with time zone, is_owner boolean)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_my_organisations() $function$;

REVOKE ALL ON FUNCTION "public"."list_my_organisations"() FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_my_organisations"() FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_member_permissions(organisation_id uuid, user_id uuid)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_member_permissions($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_member_permissions"(uuid, uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_member_permissions"(uuid, uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_member_roles(organisation_id uuid, user_id uuid)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_member_roles($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_member_roles"(uuid, uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_member_roles"(uuid, uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_role_members(organisation_id uuid, role text)
 RETURNS SETOF public.organisation_members
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_role_members($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_role_members"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_role_members"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_role_permissions(organisation_id uuid, role text)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_role_permissions($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_role_permissions"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_role_permissions"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.organisation_invite_metrics(organisation_id uuid, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS public.organisation_invite_metrics
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select usher.invite_metrics($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."organisation_invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) FROM "anon";

REVOKE ALL ON FUNCTION "public"."organisation_invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) FROM "service_role";

CREATE OR REPLACE FUNCTION public.remove_organisation_member(organisation_id uuid, user_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.remove_member($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."remove_organisation_member"(uuid, uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."remove_organisation_member"(uuid, uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.request_organisation_invite_resend(token text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.request_invite_resend($1) $function$;

CREATE OR REPLACE FUNCTION public.reveal_organisation_invite_link(invite_id uuid)
 RETURNS text
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.reveal_invite_link($1) $function$;

REVOKE ALL ON FUNCTION "public"."reveal_organisation_invite_link"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."reveal_organisation_invite_link"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.revoke_organisation_permission(organisation_id uuid, role text, permission text)
 RETURNS public.organisation_roles
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.revoke_permission($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."revoke_organisation_permission"(uuid, text, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_permission"(uuid, text, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.transfer_organisation_ownership(organisation_id uuid, new_owner_id uuid)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.transfer_ownership($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."transfer_organisation_ownership"(uuid, uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."transfer_organisation_ownership"(uuid, uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.unban_organisation_member(organisation_id uuid, user_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.unban_member($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."unban_organisation_member"(uuid, uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."unban_organisation_member"(uuid, uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation(organisation_id uuid, changes jsonb)
 RETURNS public.organisations
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_organisation($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation"(uuid, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_domain(organisation_id uuid, domain text, join_policy text DEFAULT NULL::text, role text DEFAULT NULL::text)
 RETURNS public.organisation_domains
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_domain($1, $2, $3, $4) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_domain"(uuid, text, text, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_domain"(uuid, text, text, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_member_roles(organisation_id uuid, user_id uuid, roles text[])
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_member_roles($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_role(organisation_id uuid, role text, description text DEFAULT NULL::text, permissions text[] DEFAULT NULL::text[], inherits text[] DEFAULT NULL::text[])
 RETURNS public.organisation_roles
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_role($1, $2, $3, $4, $5) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_role"(uuid, text, text, text[], text[]) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_role"(uuid, text, text, text[], text[]) FROM "service_role";

CREATE OR REPLACE FUNCTION public.validate_organisation_invite(token text)
 RETURNS public.organisation_invite_preview
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select usher.validate_invite($1) $function$;

CREATE OR REPLACE FUNCTION public.verify_organisation_audit_trail(organisation_id uuid)
 RETURNS public.organisation_audit_verification
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select usher.verify_audit_trail($1) $function$;

REVOKE ALL ON FUNCTION "public"."verify_organisation_audit_trail"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."verify_organisation_audit_trail"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION usher.accept_invite(token text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_reading usher.token_reading := usher.read_invite_token(accept_invite.token);
begin
  if v_reading.problem is not null then
    perform usher.fail(v_reading.problem);
  end if;
  return usher.accept_open_invite(v_reading.invite);
end
$function$;

CREATE OR REPLACE FUNCTION usher.accept_my_invite(invite_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites;
begin
  if not (select s.auth_confirms_addresses from usher.settings s) then
    perform usher.fail('permission_denied', hint => 'Accept by the link in the mail.');
  end if;

  -- Another's invite looks like none at all.
  select i.* into v_invite
  from usher.invites i
  join auth.users u on u.id = auth.uid() and i.email = lower(normalize(u.email, nfc) collate "und-x-icu")
  where i.id = accept_my_invite.invite_id;
  if not found then
    perform usher.fail('invite_not_found');
  end if;
  return usher.accept_open_invite(v_invite);
end
$function$;

CREATE OR REPLACE FUNCTION usher.accept_open_invite(invite usher.invites)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites := accept_open_invite.invite;
  v_user   record;
  v_member public.organisation_members;
begin
  select u.id, lower(normalize(u.email, nfc) collate "und-x-icu") as email, u.email_confirmed_at
  into v_user
  from auth.users u
  where u.id = auth.uid();
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
  end if;
  if v_user.email is distinct from v_invite.email then
    perform usher.fail('invite_wrong_email');
  end if;
  if v_user.email_confirmed_at is null then
    perform usher.fail('email_unverified');
  end if;

  -- The whole race is decided here: of all who come at once, one finds the row as it was.
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = v_user.id
  where i.id = v_invite.id
    and i.status = 'pending'
    and i.issue = v_invite.issue
    and i.roles = v_invite.roles
    and i.expires_at > clock_timestamp()
  returning i.* into v_invite;
  if not found then
    select i.* into v_invite from usher.invites i where i.id = (accept_open_invite.invite).id;
    perform usher.fail(coalesce(usher.invite_problem(v_invite), 'invite_superseded'));
  end if;

  -- What may have changed since it was sent: the roles, the domains, the seats, a ban.
  perform usher.require_roles(v_invite.organisation_id, v_invite.roles);
  if exists (
    select from public.organisations o
    where o.id = v_invite.organisation_id
      and cardinality(o.allowed_email_domains) > 0
      and usher.email_domain(v_invite.email) <> all (o.allowed_email_domains))
  then
    perform usher.fail('domain_not_allowed');
  end if;
  perform usher.require_free_seat(v_invite.organisation_id);
  v_member := usher.add_member(v_invite.organisation_id, v_user.id, v_invite.roles);

  perform usher.record_event(v_invite.organisation_id, 'invite.accepted', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'accepted', 'user_id', v_user.id, 'roles', v_member.roles));
  perform usher.enqueue_delivery(
      'invite_accepted', v_invite.organisation_id, m.email, null, v_invite.id)
    from public.organisation_members m
    where m.organisation_id = v_invite.organisation_id
      and m.user_id = v_invite.invited_by and m.status = 'active' and m.email is not null;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.add_member(organisation_id uuid, user_id uuid, roles text[])
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
begin
  -- The unique key decides between two who come at once: one inserts, the other finds the row.
  insert into public.organisation_members as m (organisation_id, user_id, roles, email, display_name)
  select add_member.organisation_id, u.id, add_member.roles,
    usher.normalise_email(u.email), usher.display_name(u.raw_user_meta_data::jsonb)
  from auth.users u
  where u.id = add_member.user_id
  on conflict on constraint organisation_members_subject_key do update
  set status = 'active', roles = excluded.roles, email = excluded.email,
    display_name = excluded.display_name, joined_at = now(), ended_at = null, status_reason = null
  where m.status in ('left', 'removed')
  returning * into v_member;
  if found then
    return v_member;
  end if;

  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = add_member.organisation_id and m.user_id = add_member.user_id;
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  perform usher.fail(case v_member.status when 'banned' then 'member_banned' else 'already_member' end);
end
$function$;

CREATE OR REPLACE FUNCTION usher.answer_error(code text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_error record;
begin
  select e.* into strict v_error from usher.errors() e where e.code = answer_error.code;
  perform set_config('response.status', v_error.status::text, true);
  return jsonb_build_object(
    'code', v_error.code, 'message', v_error.message, 'details', null, 'hint', v_error.hint);
end
$function$;

CREATE OR REPLACE FUNCTION usher.approve_join_request(request_id uuid, roles text[])
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_request public.organisation_join_requests := usher.join_request_for_change(approve_join_request.request_id);
  v_actor   public.organisation_members := usher.require_member(v_request.organisation_id);
  v_roles   text[] := usher.clean_roles(coalesce(approve_join_request.roles, array[(
    select d.role from public.organisation_domains d
    where d.organisation_id = v_request.organisation_id
      and d.domain = usher.email_domain(v_request.email))]));
  v_problem text := usher.roles_problem(v_request.organisation_id, v_roles, v_actor.roles);
  v_member  public.organisation_members;
begin
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  perform usher.require_roles(v_request.organisation_id, v_roles);
  perform usher.require_free_seat(v_request.organisation_id);
  v_member := usher.add_member(v_request.organisation_id, v_request.user_id, v_roles);
  update public.organisation_join_requests r
  set status = 'approved', decided_at = now(), decided_by = auth.uid()
  where r.id = v_request.id;
  perform usher.record_event(v_request.organisation_id, 'join.approved', 'user', v_request.user_id,
    after => jsonb_build_object('request_id', v_request.id, 'roles', v_member.roles));
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.ban_member(organisation_id uuid, user_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
begin
  perform usher.require_permission(ban_member.organisation_id, 'member.ban');
  -- First the invites, then the member, as accepting does: so the two wait and never block each other.
  perform from usher.invites i
  join public.organisation_members m
    on m.organisation_id = i.organisation_id and (i.email = m.email or i.invited_by = m.user_id)
  where m.organisation_id = ban_member.organisation_id and m.user_id = ban_member.user_id
    and i.status = 'pending'
  order by i.id
  for update of i;

  v_member := usher.member_for_change(ban_member.organisation_id, ban_member.user_id, 'member.ban');
  if v_member.status = 'banned' then
    perform usher.fail('member_banned');
  end if;
  v_member := usher.end_membership(v_member.id, 'banned', 'member.banned', ban_member.reason);

  -- No way back by an invite that was sent to them, or to an accomplice by them.
  perform usher.end_invite(i.id, 'Its sender or its address was banned')
    from usher.invites i
    where i.organisation_id = v_member.organisation_id and i.status = 'pending'
      and (i.email = v_member.email or i.invited_by = v_member.user_id);
  perform usher.enqueue_notice('member_banned', v_member.id, auth.uid());
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.before_user_created(event jsonb)
 RETURNS jsonb
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select case
    when usher.may_sign_up($1 -> 'user' ->> 'email', $1 -> 'user' -> 'user_metadata') then '{}'::jsonb
    else (
      select jsonb_build_object('error', jsonb_build_object('http_code', e.status, 'message', e.message))
      from usher.errors() e where e.code = 'signup_not_invited')
  end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_line(value text, max_length integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select case
    when l.line !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]'
      and length(l.line) between 1 and clean_line.max_length
    then l.line
  end
  from (select normalize(btrim(clean_line.value), nfc) as line) l
$function$;

CREATE OR REPLACE FUNCTION usher.clean_roles(roles text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$ select array(select distinct btrim(r) from unnest($1) r order by 1) $function$;

CREATE OR REPLACE FUNCTION usher.clean_text(value text, max_length integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select case
    when t.body !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]'
      and length(t.body) <= clean_text.max_length
    then t.body
  end
  from (
    select normalize(btrim(replace(clean_text.value, e'\r\n', e'\n'), e' \t\n'), nfc) as body
  ) t
$function$;

CREATE OR REPLACE FUNCTION usher.complete_delivery(delivery_id uuid, fence bigint, response text, provider_message_id text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery public.organisation_deliveries;
begin
  update public.organisation_deliveries d
  set status = 'sent', sent_at = clock_timestamp(), last_response = left(complete_delivery.response, 1000),
    last_status_code = null, provider_message_id = complete_delivery.provider_message_id
  where d.id = complete_delivery.delivery_id
    and d.fence = complete_delivery.fence
    and d.status = 'sending'
  returning d.* into v_delivery;
  if not found then
    return false;
  end if;

  perform usher.record_event(v_delivery.organisation_id, 'delivery.sent', 'delivery', v_delivery.id,
    after      => jsonb_build_object(
      'kind', v_delivery.kind, 'invite_id', v_delivery.invite_id, 'attempts', v_delivery.attempts),
    actor_kind => 'worker');
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.confirm_domain(organisation_id uuid, domain text, txt_values text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_verified_at timestamptz;
begin
  begin
    update public.organisation_domains d
    set checked_at = now(),
      verified_at = case when d.verification = any (confirm_domain.txt_values) then now() end
    where d.organisation_id = confirm_domain.organisation_id and d.domain = confirm_domain.domain
      and d.verified_at is null
    returning d.verified_at into v_verified_at;
  exception
    when unique_violation then
      -- Another organisation proved it first, and keeps it until it gives it up.
      update public.organisation_domains d set checked_at = now()
      where d.organisation_id = confirm_domain.organisation_id and d.domain = confirm_domain.domain;
  end;
  if v_verified_at is not null then
    perform usher.record_event(confirm_domain.organisation_id, 'domain.verified', 'organisation',
      confirm_domain.organisation_id, after => jsonb_build_object('domain', confirm_domain.domain),
      actor_kind => 'worker');
  end if;
  return v_verified_at is not null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_device_invite(organisation_id uuid, device_name text, roles text[], expires_in interval)
 RETURNS public.organisation_device_invite
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_device_invite.organisation_id, 'invite.create');
  v_name    text := usher.clean_line(create_device_invite.device_name, 100);
  v_roles   text[] := usher.clean_roles(create_device_invite.roles);
  v_problem text := usher.roles_problem(v_member.organisation_id, v_roles, v_member.roles);
  v_ttl     interval := usher.invite_lifetime(
    coalesce(create_device_invite.expires_in, interval '1 day')::text, interval '1 day');
  v_invite  public.organisation_device_invite;
  v_key_id  smallint;
begin
  if v_name is null then
    perform usher.fail('invalid_settings', hint => 'device_name is one line of 1 to 100 characters.');
  elsif v_problem is not null then
    perform usher.fail(v_problem);
  elsif v_ttl is null then
    perform usher.fail('invalid_expiry');
  end if;
  perform usher.require_free_seat(v_member.organisation_id);
  perform usher.take_allowance('invites:' || v_member.organisation_id, 1,
    (select s.invites_per_day from usher.settings s), interval '1 day');

  insert into usher.invites as i (organisation_id, kind, device_name, roles, invited_by, lifetime, expires_at)
  values (v_member.organisation_id, 'device', v_name, v_roles, v_member.user_id, v_ttl,
    date_trunc('second', now() + v_ttl))
  returning i.id, i.organisation_id, i.device_name, i.roles, i.expires_at
  into v_invite.invite_id, v_invite.organisation_id, v_invite.device_name, v_invite.roles, v_invite.expires_at;

  v_key_id := usher.ensure_signing_key();
  v_invite.code := usher.random_device_code();
  insert into usher.device_codes (invite_id, key_id, hash)
  values (v_invite.invite_id, v_key_id, usher.device_code_hash(v_invite.code, v_key_id));

  perform usher.record_event(v_invite.organisation_id, 'invite.created', 'invite', v_invite.invite_id,
    after => jsonb_build_object(
      'kind', 'device', 'roles', v_invite.roles, 'expires_at', v_invite.expires_at));
  return v_invite;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_domain(organisation_id uuid, domain text)
 RETURNS public.organisation_domains
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_domain.organisation_id, 'organisation.update');
  v_domain text := usher.email_domain(usher.normalise_email('a@' || btrim(create_domain.domain, ' @')));
  v_row    public.organisation_domains;
begin
  if v_domain is null then
    perform usher.fail('invalid_settings', hint => 'Give a domain such as example.com.');
  end if;

  insert into public.organisation_domains as d (organisation_id, domain, verification)
  values (v_member.organisation_id, v_domain,
    'usher-verification=' || encode(extensions.gen_random_bytes(16), 'hex'))
  -- Claimed again: the same record is still good, and is looked for again.
  on conflict on constraint organisation_domains_pkey do update set created_at = now()
  returning d.* into v_row;
  perform usher.record_event(v_row.organisation_id, 'domain.claimed', 'organisation', v_row.organisation_id,
    after => jsonb_build_object('domain', v_row.domain));
  return v_row;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_invites(organisation_id uuid, drafts jsonb)
 RETURNS SETOF public.organisation_invite_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member  public.organisation_members := usher.require_permission(create_invites.organisation_id, 'invite.create');
  v_ttl     interval;
  v_emails  text[];
  v_results public.organisation_invite_result[];
  v_created integer;
  v_ids     uuid[];
  v_afters  jsonb[];
begin
  if jsonb_typeof(create_invites.drafts) is distinct from 'array' then
    perform usher.fail('invalid_settings', hint => 'invites is an array of objects.');
  end if;
  if jsonb_array_length(create_invites.drafts) > 10000 then
    perform usher.fail('batch_too_large');
  end if;

  select o.invite_ttl into strict v_ttl
  from public.organisations o where o.id = create_invites.organisation_id;
  perform usher.require_free_seat(create_invites.organisation_id);

  -- Each address and each set of roles is looked at once: a batch has many rows and few kinds of them.
  select array_agg(usher.normalise_email(d.item ->> 'email') order by d.n) into v_emails
  from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n);
  -- An invite that is past its time must not stand in the way of a new one.
  perform usher.expire_overdue_invites(create_invites.organisation_id, v_emails);

  with draft as materialized (
    select
      d.n::integer as row_number,
      gen_random_uuid() as id,
      coalesce(a.address, d.item ->> 'email') as email,
      a.address,
      d.item -> 'roles' as given_roles,
      case when d.item ->> 'expires_in' is null then v_ttl
        else usher.invite_lifetime(d.item ->> 'expires_in', v_ttl) end as lifetime,
      d.item ->> 'message' as given_message,
      case when d.item ->> 'message' is not null
        then usher.clean_text(d.item ->> 'message', 1000) end as message,
      d.item ->> 'locale' as locale,
      d.item ->> 'redirect_to' as redirect_to,
      coalesce(nullif(d.item -> 'metadata', 'null'), '{}') as metadata,
      d.item ->> 'template_id' as template_id
    from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n)
    join unnest(v_emails) with ordinality a (address, n) on a.n = d.n
  ),
  role_set as materialized (
    select c.given_roles, c.roles,
      usher.roles_problem(create_invites.organisation_id, c.roles, v_member.roles) as problem
    from (
      select g.given_roles, case when jsonb_typeof(g.given_roles) = 'array'
        then usher.clean_roles(array(select jsonb_array_elements_text(g.given_roles))) end as roles
      from (select distinct d.given_roles from draft d) g
    ) c
  ),
  judged as (
    select d.*, r.roles, p.invite_id as open_invite_id,
      case
        when d.address is null then 'invalid_email'
        when r.problem is not null then r.problem
        when d.lifetime is null then 'invalid_expiry'
        when d.given_message is not null and d.message is null then 'invalid_message'
        when d.redirect_to is not null and not usher.is_redirect(d.redirect_to) then 'invalid_redirect'
        when d.locale is not null and not usher.is_locale(d.locale) then 'invalid_settings'
        when jsonb_typeof(d.metadata) <> 'object'
          or pg_column_size(d.metadata) > 8192 then 'invalid_settings'
        -- There are no templates yet, so that no id can be one.
        when d.template_id is not null then 'invalid_settings'
        when p.problem is not null then p.problem
        when p.invite_id is not null then 'already_invited'
      end as problem
    from draft d
    join role_set r on coalesce(r.given_roles, 'null') = coalesce(d.given_roles, 'null')
    left join usher.recipient_problems(create_invites.organisation_id, v_emails) p on p.email = d.address
  ),
  -- Of two good rows for one address, the first is sent.
  ranked as (
    select j.*, first_value(j.id) over (
      partition by j.address, j.problem is null order by j.row_number) as first_id
    from judged j
  ),
  inserted as (
    insert into usher.invites (
      id, organisation_id, email, roles, message, locale, redirect_to, metadata, invited_by,
      lifetime, expires_at)
    select r.id, create_invites.organisation_id, r.address, r.roles, nullif(r.message, ''), r.locale, r.redirect_to,
      r.metadata, v_member.user_id, r.lifetime, date_trunc('second', now() + r.lifetime)
    from ranked r
    where r.problem is null and r.first_id = r.id
    order by r.row_number
    -- Someone else may be inviting the same address at this moment; theirs stands then.
    on conflict do nothing
    returning id
  )
  select array_agg(
    case when i.id is not null
      then row(r.row_number, r.email, 'created', r.id, null, null)::public.organisation_invite_result
      else row(r.row_number, r.email, 'failed', null, coalesce(r.problem, 'already_invited'),
        coalesce(r.open_invite_id, nullif(r.first_id, r.id))::text)::public.organisation_invite_result
    end order by r.row_number)
  into v_results
  from ranked r
  left join inserted i on i.id = r.id;

  select count(*) into v_created from unnest(v_results) r where r.status = 'created';
  if v_created > 0 then
    perform usher.take_allowance('invites:' || create_invites.organisation_id, v_created,
      (select s.invites_per_day from usher.settings s), interval '1 day');
    select array_agg(i.id order by r.row_number),
      array_agg(jsonb_build_object('roles', i.roles, 'expires_at', i.expires_at) order by r.row_number)
    into v_ids, v_afters
    from unnest(v_results) r join usher.invites i on i.id = r.invite_id
    where r.status = 'created';
    perform usher.record_events(create_invites.organisation_id, 'invite.created', 'invite', v_ids,
      null, v_afters, null, null);
    -- One that somebody waits for does not stand behind ten thousand.
    perform usher.enqueue_invites(v_ids, is_bulk => v_created > 20);
    perform usher.wake_worker();
  end if;

  return query select r.* from unnest(v_results) r order by r.row_number;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_organisation(name text, slug text DEFAULT NULL::text)
 RETURNS public.organisations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_name         text := usher.clean_line(create_organisation.name, 100);
  v_organisation public.organisations;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters, without control characters.');
  end if;
  if create_organisation.slug is not null and not usher.is_slug(create_organisation.slug) then
    perform usher.fail('invalid_slug');
  end if;

  loop
    insert into public.organisations (name, slug)
    values (v_name, coalesce(create_organisation.slug, usher.free_slug(v_name)))
    on conflict on constraint organisations_slug_key do nothing
    returning * into v_organisation;
    exit when found;
    if create_organisation.slug is not null then
      perform usher.fail('slug_taken');
    end if;
    -- Somebody took the free slug at this very moment: look for the next.
  end loop;

  perform usher.add_member(v_organisation.id, auth.uid(), array['owner']);
  perform usher.record_event(v_organisation.id, 'organisation.created', 'organisation',
    v_organisation.id, after => jsonb_build_object('name', v_organisation.name, 'slug', v_organisation.slug));
  return v_organisation;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_permission(name text, description text, roles text[] DEFAULT '{}'::text[])
 RETURNS usher.permissions
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_permission usher.permissions;
begin
  if create_permission.name !~ '^[a-z][a-z_]*\.[a-z][a-z_]*$' or create_permission.name is null then
    perform usher.fail('invalid_settings', hint => 'A permission is thing.action, such as invoice.approve.');
  end if;
  insert into usher.permissions as p (name, description)
  values (create_permission.name, coalesce(usher.clean_text(create_permission.description, 500), ''))
  on conflict on constraint permissions_pkey do update set description = excluded.description
  returning p.* into v_permission;

  -- The owner holds everything; otherwise nobody could give it to anyone.
  update public.organisation_roles r
  set permissions = usher.clean_roles(array_append(r.permissions, v_permission.name))
  where r.organisation_id is null
    and (r.name = 'owner' or r.name = any (create_permission.roles))
    and v_permission.name <> all (r.permissions);
  return v_permission;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_role(organisation_id uuid, name text, description text, permissions text[], inherits text[])
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_manageable(create_role.organisation_id, create_role.permissions);
  if create_role.name !~ '^[a-z][a-z0-9_-]{0,62}$' or create_role.name is null
    or usher.clean_text(coalesce(create_role.description, ''), 500) is null
    or exists (
      select from public.organisation_roles r
      where r.name = create_role.name
        and (r.organisation_id is null or r.organisation_id = create_role.organisation_id))
  then
    perform usher.fail('invalid_role', hint =>
      'A name is free in the organisation, not built in, and 1 to 63 of a-z, 0-9, - and _, a letter first.');
  end if;

  v_role.id := gen_random_uuid();
  v_role.organisation_id := create_role.organisation_id;
  v_role.name := create_role.name;
  v_role.description := usher.clean_text(coalesce(create_role.description, ''), 500);
  v_role.granted_permissions := usher.clean_roles(coalesce(create_role.permissions, '{}'));
  v_role.inherits := usher.clean_roles(coalesce(create_role.inherits, '{}'));
  v_role.created_at := now();
  return usher.save_own_role(v_role, 'role.created', null);
exception
  when unique_violation then
    perform usher.fail('invalid_role', hint => 'Somebody made a role of this name at this very moment.');
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_role_exclusion(organisation_id uuid, name text, roles text[], cardinality integer)
 RETURNS public.organisation_role_exclusions
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_roles     text[] := usher.clean_roles(create_role_exclusion.roles);
  v_exclusion public.organisation_role_exclusions;
begin
  perform usher.require_permission(create_role_exclusion.organisation_id, 'role.manage');
  -- Nobody joins or is given roles between this check and the end: joining locks the same row, shared.
  perform from public.organisations o where o.id = create_role_exclusion.organisation_id for update;

  if usher.clean_line(create_role_exclusion.name, 100) is null
    or coalesce(cardinality(v_roles), 0) < 2
    or create_role_exclusion.cardinality not between 2 and cardinality(v_roles)
    or exists (
      select from unnest(v_roles) g (name)
      where g.name = 'owner' or not exists (
        select from public.organisation_roles r
        where r.name = g.name
          and (r.organisation_id is null or r.organisation_id = create_role_exclusion.organisation_id)))
  then
    perform usher.fail('invalid_role',
      hint => 'Give a name, two or more roles of the organisation other than owner, and how many are too many.');
  end if;

  insert into public.organisation_role_exclusions (organisation_id, name, roles, cardinality)
  values (create_role_exclusion.organisation_id, usher.clean_line(create_role_exclusion.name, 100), v_roles,
    create_role_exclusion.cardinality)
  on conflict on constraint organisation_role_exclusions_pkey do update
  set roles = excluded.roles, cardinality = excluded.cardinality
  returning * into v_exclusion;

  if exists (
    select from public.organisation_members m
    where m.organisation_id = v_exclusion.organisation_id and m.status = 'active'
      and usher.excluded_together(m.organisation_id, m.roles) is not null)
  then
    perform usher.fail('role_in_use', hint => 'A member holds these roles together: change that first.',
      details => 'members');
  end if;

  perform usher.record_event(v_exclusion.organisation_id, 'role_exclusion.created', 'organisation',
    v_exclusion.organisation_id, after => to_jsonb(v_exclusion) - 'organisation_id');
  return v_exclusion;
end
$function$;

CREATE OR REPLACE FUNCTION usher.decline_invite(token text, reason text DEFAULT NULL::text)
 RETURNS public.organisation_invite_preview
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_reading usher.token_reading := usher.read_invite_token(decline_invite.token);
  v_invite  usher.invites := v_reading.invite;
begin
  if v_reading.problem is not null then
    perform usher.fail(v_reading.problem);
  end if;
  if decline_invite.reason is not null and usher.clean_text(decline_invite.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;

  update usher.invites i
  set status = 'declined', declined_at = now(),
    declined_reason = nullif(usher.clean_text(decline_invite.reason, 500), '')
  where i.id = v_invite.id
    and i.status = 'pending'
    and i.issue = v_invite.issue
    and i.expires_at > clock_timestamp()
  returning i.* into v_invite;
  if not found then
    perform usher.fail(
      coalesce((usher.read_invite_token(decline_invite.token)).problem, 'invite_not_pending'));
  end if;

  perform usher.record_event(v_invite.organisation_id, 'invite.declined', 'invite', v_invite.id,
    before     => jsonb_build_object('status', 'pending'),
    after      => jsonb_build_object('status', 'declined'),
    reason     => v_invite.declined_reason,
    actor_kind => case when auth.uid() is null then 'invitee' end);
  perform usher.enqueue_delivery('invite_declined', v_invite.organisation_id, m.email, null, v_invite.id)
    from public.organisation_members m
    where m.organisation_id = v_invite.organisation_id and m.status = 'active' and m.email is not null
      and 'invite.create' in (select usher.permissions_of(m.organisation_id, m.roles));
  return usher.validate_invite(decline_invite.token);
end
$function$;

CREATE OR REPLACE FUNCTION usher.decline_join_request(request_id uuid, reason text)
 RETURNS public.organisation_join_requests
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_request public.organisation_join_requests := usher.join_request_for_change(decline_join_request.request_id);
begin
  if decline_join_request.reason is not null and usher.clean_text(decline_join_request.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;
  update public.organisation_join_requests r
  set status = 'declined', decided_at = now(), decided_by = auth.uid(),
    reason = nullif(usher.clean_text(decline_join_request.reason, 500), '')
  where r.id = v_request.id
  returning r.* into v_request;
  perform usher.record_event(v_request.organisation_id, 'join.declined', 'user', v_request.user_id,
    after => jsonb_build_object('request_id', v_request.id), reason => v_request.reason);
  return v_request;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_domain(organisation_id uuid, domain text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_row public.organisation_domains;
begin
  perform usher.require_permission(delete_domain.organisation_id, 'organisation.update');
  delete from public.organisation_domains d
  where d.organisation_id = delete_domain.organisation_id and d.domain = lower(btrim(delete_domain.domain, ' @'))
  returning * into v_row;
  if not found then
    perform usher.fail('invalid_settings', hint => 'The organisation has no such domain.');
  end if;
  perform usher.record_event(v_row.organisation_id, 'domain.deleted', 'organisation', v_row.organisation_id,
    before => jsonb_build_object('domain', v_row.domain));
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_organisation(organisation_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(delete_organisation.organisation_id, 'organisation.delete');
begin
  perform usher.record_event(v_member.organisation_id, 'organisation.deleted', 'organisation',
    v_member.organisation_id);
  delete from public.organisations o where o.id = v_member.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_role(organisation_id uuid, role text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role public.organisation_roles := usher.own_role_for_change(delete_role.organisation_id, delete_role.role);
  v_use  text;
begin
  v_use := case
    when exists (
      select from public.organisation_members m
      where m.organisation_id = v_role.organisation_id and m.status = 'active' and v_role.name = any (m.roles))
      then 'members'
    when exists (
      select from usher.invites i
      where i.organisation_id = v_role.organisation_id and i.status = 'pending' and v_role.name = any (i.roles)
        and usher.invite_status(i.status, i.expires_at) = 'pending')
      then 'invites'
    when exists (
      select from public.organisation_roles r
      where r.organisation_id = v_role.organisation_id and v_role.name = any (r.inherits))
      then 'roles'
    when exists (
      select from public.organisation_role_exclusions e
      where e.organisation_id = v_role.organisation_id and v_role.name = any (e.roles))
      then 'exclusions'
  end;
  if v_use is not null then
    perform usher.fail('role_in_use', details => v_use);
  end if;

  delete from public.organisation_roles r where r.id = v_role.id;
  perform usher.record_event(v_role.organisation_id, 'role.deleted', 'role', v_role.id,
    before => usher.role_facts(v_role));
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_role_exclusion(organisation_id uuid, name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_exclusion public.organisation_role_exclusions;
begin
  perform usher.require_permission(delete_role_exclusion.organisation_id, 'role.manage');
  delete from public.organisation_role_exclusions e
  where e.organisation_id = delete_role_exclusion.organisation_id and e.name = delete_role_exclusion.name
  returning * into v_exclusion;
  if not found then
    perform usher.fail('invalid_role', hint => 'There is no exclusion of this name.');
  end if;
  perform usher.record_event(v_exclusion.organisation_id, 'role_exclusion.deleted', 'organisation',
    v_exclusion.organisation_id, before => to_jsonb(v_exclusion) - 'organisation_id');
end
$function$;

CREATE OR REPLACE FUNCTION usher.device_code_hash(code text, key_id integer)
 RETURNS bytea
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  -- Keyed, because so short a code could be found from a plain hash by trying them all.
  select extensions.hmac(
    convert_to(translate(upper(device_code_hash.code), '- ', ''), 'UTF8'),
    usher.signing_key_secret(device_code_hash.key_id), 'sha256')
$function$;

CREATE OR REPLACE FUNCTION usher.display_name(user_metadata jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select coalesce(
    usher.clean_line($1 ->> 'display_name', 100),
    usher.clean_line($1 ->> 'full_name', 100),
    usher.clean_line($1 ->> 'name', 100))
$function$;

CREATE OR REPLACE FUNCTION usher.email_domain(email text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$ select substring($1 from position('@' in $1) + 1) $function$;

CREATE OR REPLACE FUNCTION usher.end_invite(invite_id uuid, reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites;
begin
  update usher.invites i
  set status = 'revoked', revoked_at = now(), revoked_by = auth.uid(), revoked_reason = end_invite.reason
  where i.id = end_invite.invite_id
  returning i.* into strict v_invite;

  perform usher.record_event(v_invite.organisation_id, 'invite.revoked', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'revoked'),
    reason => v_invite.revoked_reason);
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_membership(member_id uuid, status text, event text, reason text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before public.organisation_members;
  v_member public.organisation_members;
begin
  if end_membership.reason is not null and usher.clean_text(end_membership.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;

  select m.* into strict v_before from public.organisation_members m where m.id = end_membership.member_id;
  update public.organisation_members m
  set status = end_membership.status, ended_at = now(),
    status_reason = nullif(usher.clean_text(end_membership.reason, 500), '')
  where m.id = end_membership.member_id
  returning m.* into v_member;

  perform usher.record_event(v_member.organisation_id, end_membership.event, 'user', v_member.user_id,
    before => jsonb_build_object('status', v_before.status, 'roles', v_before.roles),
    after  => jsonb_build_object('status', v_member.status),
    reason => v_member.status_reason);
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_delivery(kind text, organisation_id uuid, recipient text, locale text, invite_id uuid, is_bulk boolean DEFAULT false)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk)
  select $2, i.id, i.issue, $1, $3, $4, $6
  from usher.invites i
  where i.id = $5
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_invites(invite_ids uuid[], is_bulk boolean)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk)
  select i.organisation_id, i.id, i.issue, 'invite', i.email, i.locale, $2
  from usher.invites i
  where i.id = any ($1)
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_notice(kind text, member_id uuid, actor_id uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, $1, m.email, jsonb_build_object(
    'roles', m.roles,
    'actor_name', a.display_name, 'actor_email', a.email,
    'owner_name', coalesce(o.display_name, o.email))
  from public.organisation_members m
  left join public.organisation_members a on a.organisation_id = m.organisation_id and a.user_id = $3
  left join public.organisation_members o
    on o.organisation_id = m.organisation_id and 'owner' = any (o.roles)
  where m.id = $2 and m.email is not null and m.kind = 'user'
$function$;

CREATE OR REPLACE FUNCTION usher.enrol_device(code text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_wait   interval;
  v_invite usher.invites;
  v_member public.organisation_members;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  -- Before the code is looked at: who has guessed too often learns nothing more, right or wrong.
  select r.window_start + interval '1 hour' - now() into v_wait
  from usher.rate_limits r
  where r.key = 'device_codes:' || auth.uid() and r.used >= 10
    and r.window_start + interval '1 hour' > now();
  if found then
    perform usher.fail_rate_limited(v_wait);
  end if;

  select i.* into v_invite
  from usher.signing_keys k
  join usher.device_codes d
    on d.key_id = k.id and d.hash = usher.device_code_hash(enrol_device.code, k.id)
  join usher.invites i on i.id = d.invite_id
  where length(enrol_device.code) <= 20;
  if not found then
    perform usher.take_allowance('device_codes:' || auth.uid(), 1, 10, interval '1 hour');
    return usher.answer_error('invite_invalid');
  end if;
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
  end if;

  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = auth.uid()
  where i.id = v_invite.id and i.status = 'pending' and i.expires_at > clock_timestamp();
  if not found then
    select i.* into v_invite from usher.invites i where i.id = v_invite.id;
    perform usher.fail(coalesce(usher.invite_problem(v_invite), 'invite_not_pending'));
  end if;

  perform usher.require_roles(v_invite.organisation_id, v_invite.roles);
  perform usher.require_free_seat(v_invite.organisation_id);
  v_member := usher.add_member(v_invite.organisation_id, auth.uid(), v_invite.roles);
  update public.organisation_members m
  set kind = 'device', display_name = v_invite.device_name, email = null
  where m.id = v_member.id
  returning m.* into v_member;

  perform usher.record_event(v_invite.organisation_id, 'device.enrolled', 'user', v_member.user_id,
    after => jsonb_build_object('invite_id', v_invite.id, 'roles', v_member.roles),
    actor_kind => 'device');
  return to_jsonb(v_member);
end
$function$;

CREATE OR REPLACE FUNCTION usher.ensure_signing_key()
 RETURNS smallint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id smallint;
begin
  select k.id into v_id from usher.signing_keys k where k.retired_at is null;
  if found then
    return v_id;
  end if;

  -- Two first mails at once: the second waits here and finds the key of the first.
  lock table usher.signing_keys in share row exclusive mode;
  select k.id into v_id from usher.signing_keys k where k.retired_at is null;
  return coalesce(v_id, usher.rotate_signing_key());
end
$function$;

CREATE OR REPLACE FUNCTION usher.erase_person(user_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_email text := (
    select usher.normalise_email(u.email) from auth.users u where u.id = erase_person.user_id);
begin
  -- Their open invites end, so that no mail goes out any more.
  perform usher.end_invite(i.id, null)
    from usher.invites i
    where i.status = 'pending' and i.email = v_email;

  -- In the words of RFC 2606, an address that can never be anyone's.
  update public.organisation_deliveries d
  set recipient = 'erased@' || d.id || '.invalid', facts = '{}', last_response = null,
    status = case when d.status in ('queued', 'sending') then 'cancelled' else d.status end
  where d.recipient = v_email
    or d.member_id in (select m.id from public.organisation_members m where m.user_id = erase_person.user_id);
  update usher.invites i
  set email = 'erased@' || i.id || '.invalid', message = null, declined_reason = null, metadata = '{}'
  where i.email = v_email;
  update public.organisation_join_requests r
  set email = 'erased@' || r.id || '.invalid', reason = null
  where r.user_id = erase_person.user_id;
  delete from usher.suppressed_addresses s where s.email = v_email;
  delete from usher.sign_up_invites s where s.user_id = erase_person.user_id;

  perform set_config('usher.audit_exception', 'UPDATE', true);
  update usher.sealed_events c set personal_salt = null
  from public.organisation_audit_events e
  where e.id = c.event_id and erase_person.user_id in (e.actor_id, e.target_id);
  update public.organisation_audit_events e
  set reason = null, ip = null, user_agent = null
  where erase_person.user_id in (e.actor_id, e.target_id);
  perform set_config('usher.audit_exception', '', true);

  perform usher.record_event(m.organisation_id, 'person.erased', 'user', erase_person.user_id)
    from public.organisation_members m where m.user_id = erase_person.user_id;
  update public.organisation_members m
  set email = null, display_name = null, status_reason = null
  where m.user_id = erase_person.user_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.errors()
 RETURNS TABLE(code text, status integer, message text, hint text)
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  values
    ('unauthenticated',         401, 'You are not signed in.',
      'Sign in and try again.'),
    ('permission_denied',       403, 'Your roles do not permit this in this organisation.',
      'Ask an admin of the organisation.'),
    ('invite_wrong_email',      403, 'This invite was sent to another address.',
      'Sign in with the address that the invite was sent to.'),
    ('email_unverified',        403, 'Your address has not been confirmed yet.',
      'Follow the link in the confirmation mail, then try again.'),
    ('role_not_assignable',     403, 'Your roles do not let you give out this role.',
      'Ask someone who holds it, or choose another role.'),
    ('member_banned',           403, 'This person is banned from the organisation.',
      'An admin can lift the ban.'),
    ('domain_not_allowed',      403, 'The organisation does not take addresses of this domain.',
      'Use an address of one of its own domains.'),
    ('signup_not_invited',      403, 'Only people who have been invited can make an account.',
      'Ask for an invite, and sign up with the address that it was sent to.'),
    ('organisation_not_found',  404, 'There is no such organisation, or you are not in it.',
      'Check the id, and who you are signed in as.'),
    ('member_not_found',        404, 'There is no such member, or you are not in the organisation.',
      'Check the ids, and who you are signed in as.'),
    ('invite_not_found',        404, 'There is no such invite, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('invite_invalid',          404, 'This is not a link that we have sent.',
      'Open the link straight from the mail, without changing it.'),
    ('invite_already_accepted', 409, 'This invite has already been accepted.',
      'Sign in to see the organisation.'),
    ('invite_not_pending',      409, 'This invite is no longer open.',
      'Make a new one.'),
    ('already_member',          409, 'This person is already a member.',
      'Change the roles of the member instead.'),
    ('already_invited',         409, 'This address already has an open invite.',
      'Resend that one, or revoke it first; details holds its id.'),
    ('owner_required',          409, 'An organisation cannot be without its owner.',
      'Transfer or delete the organisation first.'),
    ('slug_taken',              409, 'Another organisation has this slug.',
      'Choose another slug, or leave it out.'),
    ('role_in_use',             409, 'Somebody holds this role, or it is part of another.',
      'Take it from members, invites and roles first; details says where it was found.'),
    ('seat_limit_reached',      409, 'All seats of the organisation are taken.',
      'Remove a member, or raise the limit.'),
    ('invite_expired',          410, 'This invite has expired.',
      'Ask for a new one.'),
    ('invite_revoked',          410, 'This invite has been withdrawn.',
      'Ask the organisation if that was not meant.'),
    ('invite_declined',         410, 'This invite has been declined.',
      'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       410, 'A newer mail has replaced this link.',
      'Open the link in the newest mail.'),
    ('batch_too_large',         413, 'Too many invites in one call.',
      'Send at most 10,000 at a time.'),
    ('invalid_email',           422, 'This is not an address that mail can be sent to.',
      'Give one address such as name@example.com, of at most 254 characters.'),
    ('invalid_expiry',          422, 'This lifetime is not allowed.',
      'Give an interval from 1 hour to 30 days, such as "3 days".'),
    ('invalid_slug',            422, 'This slug cannot be used.',
      'Use 2 to 63 of a-z, 0-9 and single hyphens between them.'),
    ('invalid_role',            422, 'There is no such role here, or it cannot be given.',
      'Give 1 to 20 roles of this organisation.'),
    ('invalid_redirect',        422, 'This redirect is not allowed.',
      'Give a path such as /welcome, or an https address of an allowed origin.'),
    ('invalid_message',         422, 'This message cannot be sent.',
      'Give at most 1,000 characters of plain text.'),
    ('invalid_settings',        422, 'A value is not allowed.',
      'See what the function''s comment says of its parameters.'),
    ('rate_limited',            429, 'Too many requests.',
      'Wait as long as Retry-After says.')
$function$;

CREATE OR REPLACE FUNCTION usher.event_hash(event public.organisation_audit_events)
 RETURNS bytea
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  -- As JSON in UTC: every column, each value apart from the next, the same on every machine.
  select sha256(convert_to(jsonb_build_array(
    ($1).id, ($1).organisation_id, extract(epoch from ($1).occurred_at), ($1).event, ($1).actor_kind,
    ($1).actor_id, ($1).target_kind, ($1).target_id, ($1).before, ($1).after)::text, 'UTF8'))
$function$;

CREATE OR REPLACE FUNCTION usher.excluded_together(organisation_id uuid, roles text[])
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select e.name
  from public.organisation_role_exclusions e
  where e.organisation_id = excluded_together.organisation_id
    and e.cardinality <= (
      select count(*)
      from usher.roles_with_inherited(excluded_together.organisation_id, excluded_together.roles) h (name)
      where h.name = any (e.roles))
  limit 1
$function$;

CREATE OR REPLACE FUNCTION usher.expire_due_invites(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_expired usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    where i.status = 'pending' and i.expires_at <= statement_timestamp()
    order by i.expires_at
    limit expire_due_invites.batch_size
    -- One that is being answered or sent again at this moment is left to the next sweep.
    for update skip locked
  ),
  expired as (
    update usher.invites i set status = 'expired' from due d where i.id = d.id
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  perform usher.record_expiry(v_expired);
  return coalesce(cardinality(v_expired), 0);
end
$function$;

CREATE OR REPLACE FUNCTION usher.expire_overdue_invites(organisation_id uuid, emails text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_expired usher.invites[];
begin
  with expired as (
    update usher.invites i
    set status = 'expired'
    where i.organisation_id = expire_overdue_invites.organisation_id
      and i.email = any (expire_overdue_invites.emails)
      and i.status = 'pending'
      and i.expires_at <= statement_timestamp()
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  perform usher.record_expiry(v_expired);
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail(code text, hint text DEFAULT NULL::text, details text DEFAULT NULL::text, headers jsonb DEFAULT '{}'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_error record;
begin
  -- strict: a code that is not in the list is our own mistake, and must not pass for an answer.
  select e.* into strict v_error from usher.errors() e where e.code = fail.code;

  raise sqlstate 'PGRST' using
    message = json_build_object(
      'code', fail.code, 'message', v_error.message, 'details', fail.details,
      'hint', coalesce(fail.hint, v_error.hint)),
    detail = json_build_object('status', v_error.status, 'headers', fail.headers);
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail_delivery(delivery_id uuid, fence bigint, failure text, response text DEFAULT NULL::text, status_code text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery public.organisation_deliveries;
  -- About when a greylist lets through, then rarer; eight tries in two days.
  v_delays   interval[] := '{1 minute,5 minutes,30 minutes,2 hours,6 hours,12 hours,1 day}';
  v_is_final boolean;
begin
  if fail_delivery.failure not in ('temporary', 'permanent', 'in_doubt') then
    raise exception 'failure is temporary, permanent or in_doubt, not %', fail_delivery.failure
      using errcode = 'invalid_parameter_value';
  end if;

  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = fail_delivery.delivery_id
    and d.fence = fail_delivery.fence
    and d.status = 'sending'
  for update;
  if not found then
    return null;
  end if;

  v_is_final := fail_delivery.failure = 'permanent'
    or fail_delivery.failure = 'in_doubt' and v_delivery.in_doubt_at is not null
    or v_delivery.attempts >= 8;

  update public.organisation_deliveries d
  set status = case when v_is_final then 'failed' else 'queued' end,
    -- A fifth more or less, so that what failed together does not come back together.
    due_at = clock_timestamp() + v_delays[least(d.attempts, 7)] * (0.8 + 0.4 * random()),
    in_doubt_at = case when fail_delivery.failure = 'in_doubt' then clock_timestamp() else d.in_doubt_at end,
    last_response = left(fail_delivery.response, 1000),
    last_status_code = fail_delivery.status_code
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if fail_delivery.failure = 'permanent' and fail_delivery.status_code = '5.1.1' then
    insert into usher.suppressed_addresses (email, status_code)
    values (v_delivery.recipient, fail_delivery.status_code)
    on conflict (email) do nothing;
  end if;
  if v_is_final then
    perform usher.record_event(v_delivery.organisation_id, 'delivery.failed', 'delivery', v_delivery.id,
      after      => jsonb_build_object(
        'kind', v_delivery.kind, 'invite_id', v_delivery.invite_id, 'attempts', v_delivery.attempts,
        'status_code', v_delivery.last_status_code),
      actor_kind => 'worker');
  end if;
  return v_delivery.status;
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail_rate_limited(wait interval)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_seconds text := greatest(1, ceil(extract(epoch from fail_rate_limited.wait)))::integer::text;
begin
  perform usher.fail('rate_limited',
    details => v_seconds, headers => jsonb_build_object('Retry-After', v_seconds));
end
$function$;

CREATE OR REPLACE FUNCTION usher.free_slug(name text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- Accents go first, so that Söhne gives sohne; then everything that is not a letter or digit.
  v_base text := regexp_replace(normalize(lower(free_slug.name collate "und-x-icu"), nfkd), '[\u0300-\u036f]', '', 'g');
  v_slug text;
begin
  v_base := trim('-' from left(regexp_replace(v_base, '[^a-z0-9]+', '-', 'g'), 50));
  v_slug := v_base;
  -- Names in other scripts leave nothing over; names that are taken get a random tail.
  while not usher.is_slug(v_slug) or exists (select from public.organisations o where o.slug = v_slug) loop
    v_slug := concat_ws('-', nullif(v_base, ''), encode(extensions.gen_random_bytes(3), 'hex'));
  end loop;
  return v_slug;
end
$function$;

CREATE OR REPLACE FUNCTION usher.grant_permission(organisation_id uuid, role text, permission text)
 RETURNS public.organisation_roles
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select usher.update_role($1, $2, null, r.granted_permissions || $3, null)
  from usher.own_role_for_change($1, $2) r
$function$;

CREATE OR REPLACE FUNCTION usher.has_permission(organisation_id uuid, permission text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select exists (
    select from public.organisation_members m
    join public.organisation_roles r on r.name = any (m.roles)
    where m.organisation_id = has_permission.organisation_id
      and m.user_id = auth.uid()
      and m.status = 'active'
      and (r.organisation_id is null or r.organisation_id = m.organisation_id)
      and has_permission.permission = any (r.permissions))
$function$;

CREATE OR REPLACE FUNCTION usher.invite_fingerprint(email text, roles text[])
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  -- JSON keeps apart where one value ends and the next begins.
  select substring(sha256(convert_to(jsonb_build_array($1, to_jsonb($2))::text, 'UTF8')) from 1 for 16)
$function$;

CREATE OR REPLACE FUNCTION usher.invite_for_change(invite_id uuid, permission text)
 RETURNS usher.invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  -- Only a member of its organisation learns that an invite exists. Those who may not change it
  -- wait for no lock, and let nobody wait.
  select i.* into v_invite
  from usher.invites i
  join public.organisation_members m
    on m.organisation_id = i.organisation_id and m.user_id = auth.uid() and m.status = 'active'
  where i.id = invite_for_change.invite_id;
  if not found then
    perform usher.fail('invite_not_found');
  end if;
  perform usher.require_permission(v_invite.organisation_id, invite_for_change.permission);

  select i.* into v_invite from usher.invites i where i.id = invite_for_change.invite_id for update;
  if not found then
    perform usher.fail('invite_not_found');
  end if;
  v_invite.status := usher.invite_status(v_invite.status, v_invite.expires_at);
  return v_invite;
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_lifetime(expires_in text, organisation_ttl interval)
 RETURNS interval
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  v_lifetime interval := organisation_ttl;
begin
  if expires_in is not null then
    v_lifetime := expires_in::interval;
  end if;
  return case when v_lifetime between interval '1 hour' and interval '30 days' then v_lifetime end;
exception
  when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_metrics(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)
 RETURNS public.organisation_invite_metrics
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_since   timestamptz := coalesce(invite_metrics.since, now() - interval '30 days');
  v_until   timestamptz := coalesce(invite_metrics.until, now());
  v_metrics public.organisation_invite_metrics;
begin
  perform usher.require_permission(invite_metrics.organisation_id, 'invite.read');
  if v_until <= v_since or v_until - v_since > interval '5 years' then
    perform usher.fail('invalid_settings', hint => 'until lies after since, by at most five years.');
  end if;

  select
    count(*),
    count(*) filter (where i.status = 'pending'),
    count(*) filter (where i.status = 'accepted'),
    count(*) filter (where i.status = 'declined'),
    count(*) filter (where i.status = 'revoked'),
    count(*) filter (where i.status = 'expired'),
    round(count(*) filter (where i.status = 'accepted')::numeric
      / nullif(count(*) filter (where i.status <> 'pending'), 0), 4),
    round(percentile_cont(0.5) within group (
      order by extract(epoch from i.accepted_at - i.created_at) / 3600)::numeric, 2)
  into v_metrics.created, v_metrics.pending, v_metrics.accepted, v_metrics.declined, v_metrics.revoked,
    v_metrics.expired, v_metrics.acceptance_rate, v_metrics.median_hours_to_accept
  from public.organisation_invites i
  where i.organisation_id = invite_metrics.organisation_id
    and i.created_at >= v_since and i.created_at < v_until;

  select
    count(*) filter (where d.status = 'sent'),
    round(count(*) filter (where d.status = 'sent')::numeric / nullif(count(*), 0), 4),
    round(count(*) filter (where d.status in ('failed', 'suppressed'))::numeric / nullif(count(*), 0), 4)
  into v_metrics.mails_sent, v_metrics.delivery_rate, v_metrics.bounce_rate
  from public.organisation_deliveries d
  where d.organisation_id = invite_metrics.organisation_id
    and d.kind = 'invite' and d.status in ('sent', 'failed', 'suppressed')
    and d.created_at >= v_since and d.created_at < v_until;

  -- What happened on which day, in UTC, of all invites: also of those made before.
  select coalesce(jsonb_agg(jsonb_build_object(
      'day', e.day, 'created', e.created, 'accepted', e.accepted, 'declined', e.declined,
      'revoked', e.revoked, 'expired', e.expired) order by e.day), '[]')
  into v_metrics.days
  from (
    select (h.at at time zone 'UTC')::date as day,
      count(*) filter (where h.what = 'created') as created,
      count(*) filter (where h.what = 'accepted') as accepted,
      count(*) filter (where h.what = 'declined') as declined,
      count(*) filter (where h.what = 'revoked') as revoked,
      count(*) filter (where h.what = 'expired') as expired
    from public.organisation_invites i
    cross join lateral (values
      ('created', i.created_at), ('accepted', i.accepted_at), ('declined', i.declined_at),
      ('revoked', i.revoked_at),
      ('expired', case when i.status = 'expired' then i.expires_at end)
    ) h (what, at)
    where i.organisation_id = invite_metrics.organisation_id
      -- What was made afterwards did nothing before; what ended long before is past.
      and i.created_at < v_until and h.at >= v_since and h.at < v_until
    group by 1
  ) e;
  return v_metrics;
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_problem(invite usher.invites)
 RETURNS text
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select case ($1).status
    when 'accepted' then 'invite_already_accepted'
    when 'declined' then 'invite_declined'
    when 'revoked' then 'invite_revoked'
    when 'expired' then 'invite_expired'
    -- By the clock, not by the start of the transaction, which may have waited for another.
    else case when ($1).expires_at <= clock_timestamp() then 'invite_expired' end
  end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_status(status text, expires_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select case when $1 = 'pending' and $2 <= statement_timestamp() then 'expired' else $1 end $function$;

CREATE OR REPLACE FUNCTION usher.is_locale(locale text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$ select $1 ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$' $function$;

CREATE OR REPLACE FUNCTION usher.is_redirect(redirect_to text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select coalesce(
    -- A path of the pages themselves: one slash, then none and no backslash, which browsers take for one.
    is_redirect.redirect_to ~ '^/([!-.0-\[\]-~][!-\[\]-~]*)?$' and length(is_redirect.redirect_to) <= 2000
    or usher.url_origin(is_redirect.redirect_to) in (
      select usher.url_origin(s.site_url) from usher.settings s
      union all
      select lower(o) from usher.settings s, unnest(s.redirect_origins) o),
    false)
$function$;

CREATE OR REPLACE FUNCTION usher.is_slug(slug text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$ select length($1) between 2 and 63 and $1 ~ '^[a-z0-9]+(-[a-z0-9]+)*$' $function$;

CREATE OR REPLACE FUNCTION usher.issue_again(invite_id uuid, actor_kind text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before usher.invites;
  v_invite usher.invites;
begin
  select i.* into strict v_before from usher.invites i where i.id = issue_again.invite_id for update;
  begin
    update usher.invites i
    set status = 'pending', issue = i.issue + 1, issued_at = now(),
      expires_at = date_trunc('second', now() + i.lifetime)
    where i.id = v_before.id
    returning i.* into strict v_invite;
  exception
    when unique_violation then
      perform usher.fail('already_invited', details => (
        select i.id::text from usher.invites i
        where i.organisation_id = v_before.organisation_id and i.email = v_before.email
          and i.status = 'pending'));
  end;

  perform usher.record_event(v_invite.organisation_id, 'invite.resent', 'invite', v_invite.id,
    before     => jsonb_build_object(
      'status', usher.invite_status(v_before.status, v_before.expires_at), 'expires_at', v_before.expires_at),
    after      => jsonb_build_object('status', 'pending', 'expires_at', v_invite.expires_at),
    actor_kind => issue_again.actor_kind);
  perform usher.enqueue_delivery(
    'invite', v_invite.organisation_id, v_invite.email, v_invite.locale, v_invite.id);
  perform usher.wake_worker();
end
$function$;

CREATE OR REPLACE FUNCTION usher.join_organisation(organisation_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_domain public.organisation_domains;
  v_member public.organisation_members;
  v_email  text;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  select d.* into v_domain
  from usher.my_joinable_domains() d where d.organisation_id = join_organisation.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = v_domain.organisation_id and m.user_id = auth.uid();
  if v_member.status = 'active' then
    perform usher.fail('already_member');
  elsif v_member.status = 'banned' then
    perform usher.fail('member_banned');
  end if;

  if v_domain.join_policy = 'join' then
    perform usher.require_roles(v_domain.organisation_id, array[v_domain.role]);
    perform usher.require_free_seat(v_domain.organisation_id);
    v_member := usher.add_member(v_domain.organisation_id, auth.uid(), array[v_domain.role]);
    perform usher.record_event(v_domain.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('domain', v_domain.domain, 'roles', v_member.roles));
    return 'joined';
  end if;

  select usher.normalise_email(u.email) into v_email from auth.users u where u.id = auth.uid();
  insert into public.organisation_join_requests (organisation_id, user_id, email)
  values (v_domain.organisation_id, auth.uid(), v_email)
  on conflict do nothing;
  if found then
    perform usher.record_event(v_domain.organisation_id, 'join.requested', 'user', auth.uid());
  end if;
  return 'requested';
end
$function$;

CREATE OR REPLACE FUNCTION usher.join_request_for_change(request_id uuid)
 RETURNS public.organisation_join_requests
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_request public.organisation_join_requests;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  select r.* into v_request
  from public.organisation_join_requests r
  join public.organisation_members m
    on m.organisation_id = r.organisation_id and m.user_id = auth.uid() and m.status = 'active'
  where r.id = join_request_for_change.request_id;
  if not found then
    perform usher.fail('invite_not_found', hint => 'There is no such request, or it is not yours to see.');
  end if;
  perform usher.require_permission(v_request.organisation_id, 'invite.create');

  select r.* into v_request
  from public.organisation_join_requests r where r.id = join_request_for_change.request_id for update;
  if v_request.status <> 'pending' then
    perform usher.fail('invite_not_pending', hint => 'The request has been decided.', details => v_request.status);
  end if;
  return v_request;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lease_deliveries(worker text, batch_size integer DEFAULT 50, lease interval DEFAULT '00:01:00'::interval)
 RETURNS SETOF usher.delivery_lease
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- A mail that took its workers down with it eight times is not tried a ninth.
  update public.organisation_deliveries d
  set status = 'failed', last_response = 'Given up: no worker came back from sending it.'
  where d.status = 'sending' and d.due_at <= clock_timestamp() and d.attempts >= 8;

  return query
    update public.organisation_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_deliveries.worker, due_at = clock_timestamp() + lease_deliveries.lease
    from (
      select q.id
      from public.organisation_deliveries q
      where q.status in ('queued', 'sending') and q.due_at <= clock_timestamp()
      order by q.is_bulk, q.due_at
      limit lease_deliveries.batch_size
      for update skip locked
    ) due
    where d.id = due.id
    returning d.id, d.fence, d.attempts;
end
$function$;

CREATE OR REPLACE FUNCTION usher.leave_organisation(organisation_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members := usher.require_member(leave_organisation.organisation_id);
begin
  -- Roles may be changing at this moment: who has just become the owner stays.
  select m.* into strict v_member from public.organisation_members m where m.id = v_member.id for update;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required');
  end if;
  if v_member.status <> 'active' then
    perform usher.fail('organisation_not_found');
  end if;
  return usher.end_membership(v_member.id, 'left', 'member.left', null);
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_domains_to_verify()
 RETURNS TABLE(organisation_id uuid, domain text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select d.organisation_id, d.domain
  from public.organisation_domains d
  where d.verified_at is null
    and d.created_at > now() - interval '30 days'
    -- Every minute at first, every hour in the end: a tenth of its age.
    and (d.checked_at is null
      or d.checked_at < now() - greatest(interval '1 minute', least(interval '1 hour', (now() - d.created_at) / 10)))
  order by d.checked_at nulls first
  limit 100
$function$;

CREATE OR REPLACE FUNCTION usher.list_joinable_organisations()
 RETURNS TABLE(id uuid, name text, logo_url text, accent_colour text, domain text, join_policy text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select o.id, o.name, o.logo_url, o.accent_colour, d.domain, d.join_policy
  from usher.my_joinable_domains() d
  join public.organisations o on o.id = d.organisation_id
  where not exists (
    select from public.organisation_members m
    where m.organisation_id = o.id and m.user_id = auth.uid() and m.status in ('active', 'banned'))
  order by o.name
$function$;

CREATE OR REPLACE FUNCTION usher.list_member_permissions(organisation_id uuid, user_id uuid)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select p.name
  from usher.require_reviewed_member($1, $2) m
  cross join usher.permissions_of(m.organisation_id, m.roles) p (name)
  order by p.name
$function$;

CREATE OR REPLACE FUNCTION usher.list_member_roles(organisation_id uuid, user_id uuid)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ select r from usher.require_reviewed_member($1, $2) m, unnest(m.roles) r order by r $function$;

CREATE OR REPLACE FUNCTION usher.list_my_invites()
 RETURNS TABLE(id uuid, organisation_id uuid, organisation_name text, organisation_logo_url text, organisation_accent_colour text, roles text[], inviter_name text, inviter_email text, message text, expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select i.id, o.id, o.name, o.logo_url, o.accent_colour, i.roles, m.display_name, m.email, i.message,
    i.expires_at
  from auth.users u
  join usher.invites i on i.email = lower(normalize(u.email, nfc) collate "und-x-icu")
  join public.organisations o on o.id = i.organisation_id
  left join public.organisation_members m
    on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
  where u.id = auth.uid()
    and u.email_confirmed_at is not null
    and i.status = 'pending' and usher.invite_status(i.status, i.expires_at) = 'pending'
  order by i.created_at desc
$function$;

CREATE OR REPLACE FUNCTION usher.list_my_organisations()
 RETURNS TABLE(id uuid, name text, slug text, roles text[], kind text, joined_at timestamp with time zone, is_owner boolean)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select o.id, o.name, o.slug, m.roles, m.kind, m.joined_at, 'owner' = any (m.roles)
  from public.organisation_members m
  join public.organisations o on o.id = m.organisation_id
  where m.user_id = auth.uid() and m.status = 'active'
  order by o.name, o.id
$function$;

CREATE OR REPLACE FUNCTION usher.list_my_permissions(organisation_id uuid)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members := usher.require_member(list_my_permissions.organisation_id);
begin
  return query
    select p.name from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    order by p.name;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_role_members(organisation_id uuid, role text)
 RETURNS SETOF public.organisation_members
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select m.*
  from usher.require_role($1, $2) r
  join public.organisation_members m on r.name = any (m.roles)
  where m.organisation_id = list_role_members.organisation_id and m.status = 'active'
  order by m.email, m.id
$function$;

CREATE OR REPLACE FUNCTION usher.list_role_permissions(organisation_id uuid, role text)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ select p from usher.require_role($1, $2) r, unnest(r.permissions) p order by p $function$;

CREATE OR REPLACE FUNCTION usher.may_sign_up(email text, user_metadata jsonb)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select (select s.sign_up from usher.settings s) = 'open'
    or exists (
      select from usher.invites i
      where i.email = usher.normalise_email(may_sign_up.email)
        and i.status = 'pending' and usher.invite_status(i.status, i.expires_at) = 'pending')
    or exists (
      select from public.organisation_domains d
      where d.domain = usher.email_domain(usher.normalise_email(may_sign_up.email))
        and d.verified_at is not null and d.join_policy <> 'none')
    or exists (
      select from usher.signing_keys k
      join usher.device_codes d on d.key_id = k.id
        and d.hash = usher.device_code_hash(may_sign_up.user_metadata ->> 'device_code', k.id)
      join usher.invites i on i.id = d.invite_id
      where length(may_sign_up.user_metadata ->> 'device_code') <= 20
        and usher.invite_status(i.status, i.expires_at) = 'pending')
$function$;

CREATE OR REPLACE FUNCTION usher.member_for_change(organisation_id uuid, user_id uuid, permission text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(member_for_change.organisation_id, member_for_change.permission);
  v_member public.organisation_members;
begin
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = member_for_change.organisation_id and m.user_id = member_for_change.user_id
  for update;
  if not found then
    perform usher.fail('member_not_found');
  end if;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required', hint => 'Transfer the organisation first.');
  end if;
  if exists (
    select from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    where p.name not in (select usher.permissions_of(v_actor.organisation_id, v_actor.roles)))
  then
    perform usher.fail('permission_denied', hint => 'This member may do more than you.',
      details => member_for_change.permission);
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.mint_invite_token(invite_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_key_id  smallint := usher.ensure_signing_key();
  v_nonce   bytea := extensions.gen_random_bytes(16);
  v_invite  usher.invites;
  v_payload bytea;
begin
  select i.* into strict v_invite from usher.invites i where i.id = mint_invite_token.invite_id;

  v_payload := '\x01'::bytea
    || int2send(v_key_id)
    || uuid_send(v_invite.id)
    || v_nonce
    || substring(int8send(floor(extract(epoch from v_invite.expires_at))::bigint) from 5)
    || usher.invite_fingerprint(v_invite.email, v_invite.roles);

  insert into usher.invite_tokens (invite_id, nonce_hash, issue)
  values (v_invite.id, sha256(v_nonce), v_invite.issue);

  return 'inv_' || translate(
    encode(v_payload || extensions.hmac(v_payload, usher.signing_key_secret(v_key_id), 'sha256'), 'base64'),
    e'+/\n', '-_');
end
$function$;

CREATE OR REPLACE FUNCTION usher.my_joinable_domains()
 RETURNS SETOF public.organisation_domains
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select d.*
  from auth.users u
  join public.organisation_domains d on d.domain = usher.email_domain(usher.normalise_email(u.email))
  where u.id = auth.uid() and u.email_confirmed_at is not null
    and (select s.auth_confirms_addresses from usher.settings s)
    and d.verified_at is not null and d.join_policy <> 'none'
$function$;

CREATE OR REPLACE FUNCTION usher.normalise_email(email text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select case
    when length(a.address) <= 254 and a.address ~ (
      -- The local part as an RFC 5321 dot-atom of at most 64; anything else needs SMTPUTF8 all the
      -- way to the mailbox, which no sender can promise.
      '^(?=[^@]{1,64}@)[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*@'
      -- Labels of letters (of any script), digits and inner hyphens, and a top level not all digits.
      '([[:alnum:]]([[:alnum:]-]{0,61}[[:alnum:]])?\.)+[[:alpha:]][[:alnum:]-]{0,61}[[:alnum:]]$'
      collate "und-x-icu")
    then a.address
  end
  from (
    select lower(
      normalize(
        regexp_replace($1, '^[\s\u00a0\u200b\ufeff]+|[\s\u00a0\u200b\ufeff]+$', '', 'g'), nfc)
      collate "und-x-icu") as address
  ) a
$function$;

CREATE OR REPLACE FUNCTION usher.organisations_where(permission text)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER ROWS 10
 SET search_path TO ''
AS $function$
  select m.organisation_id
  from public.organisation_members m
  where m.user_id = auth.uid()
    and m.status = 'active'
    and exists (
      select from public.organisation_roles r
      where r.name = any (m.roles)
        and (r.organisation_id is null or r.organisation_id = m.organisation_id)
        and organisations_where.permission = any (r.permissions))
$function$;

CREATE OR REPLACE FUNCTION usher.own_role_for_change(organisation_id uuid, role text)
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_permission(own_role_for_change.organisation_id, 'role.manage');
  select r.* into v_role
  from public.organisation_roles r
  where r.organisation_id = own_role_for_change.organisation_id and r.name = own_role_for_change.role
  for update;
  if not found then
    perform usher.fail('invalid_role', hint => 'Only an own role of the organisation can be changed.');
  end if;
  perform usher.require_manageable(v_role.organisation_id, v_role.permissions);
  return v_role;
end
$function$;

CREATE OR REPLACE FUNCTION usher.permissions_of(organisation_id uuid, roles text[])
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select distinct p.name
  from public.organisation_roles r
  cross join unnest(r.permissions) p (name)
  where r.name = any (permissions_of.roles)
    and (r.organisation_id is null or r.organisation_id = permissions_of.organisation_id)
$function$;

CREATE OR REPLACE FUNCTION usher.personal_hash(event public.organisation_audit_events, salt bytea)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select sha256($2 || convert_to(
    jsonb_build_array(($1).reason, ($1).ip, ($1).user_agent)::text, 'UTF8'))
$function$;

CREATE OR REPLACE FUNCTION usher.prepare_delivery(delivery_id uuid, fence bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery     public.organisation_deliveries;
  v_invite       usher.invites;
  v_organisation public.organisations;
  v_inviter      public.organisation_members;
  v_site_url     text := (select s.site_url from usher.settings s);
  v_end          text;
begin
  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = prepare_delivery.delivery_id
    and d.fence = prepare_delivery.fence
    and d.status = 'sending'
    and d.due_at > clock_timestamp()
  for update;
  if not found then
    return null;
  end if;

  select i.* into v_invite from usher.invites i where i.id = v_delivery.invite_id;
  v_end := case
    when exists (select from usher.suppressed_addresses s where s.email = v_delivery.recipient)
      then 'suppressed'
    when v_delivery.kind in ('invite', 'invite_reminder') and (
      v_delivery.issue <> v_invite.issue
      or usher.invite_status(v_invite.status, v_invite.expires_at) <> 'pending')
      then 'cancelled'
  end;
  if v_end is not null then
    update public.organisation_deliveries d set status = v_end where d.id = v_delivery.id;
    return null;
  end if;

  select o.* into strict v_organisation from public.organisations o where o.id = v_delivery.organisation_id;
  select m.* into v_inviter
  from public.organisation_members m
  where m.organisation_id = v_delivery.organisation_id and m.user_id = v_invite.invited_by;

  return jsonb_build_object(
    'id', v_delivery.id,
    'kind', v_delivery.kind,
    'to', v_delivery.recipient,
    'locale', coalesce(v_delivery.locale, v_organisation.locale),
    'reply_to', v_organisation.reply_to,
    'site_url', v_site_url,
    'link', case when v_delivery.kind in ('invite', 'invite_reminder')
      then v_site_url || '/invite#' || usher.mint_invite_token(v_invite.id) end,
    'organisation', jsonb_build_object(
      'id', v_organisation.id,
      'name', v_organisation.name,
      'logo_url', v_organisation.logo_url,
      'accent_colour', v_organisation.accent_colour),
    'member', case when v_delivery.member_id is not null then v_delivery.facts end,
    'invite', case when v_delivery.invite_id is not null then jsonb_build_object(
      'id', v_invite.id,
      'email', v_invite.email,
      'roles', v_invite.roles,
      'inviter_name', v_inviter.display_name,
      'inviter_email', v_inviter.email,
      'message', v_invite.message,
      'expires_at', v_invite.expires_at,
      'decline_reason', v_invite.declined_reason) end);
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_audit_trail()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_due    record;
  v_purged integer := 0;
  v_events integer;
begin
  perform set_config('usher.audit_exception', 'DELETE', true);
  for v_due in
    select o.id as organisation_id, max(s.number) as up_to_seal
    from public.organisations o
    join usher.audit_seals s on s.organisation_id = o.id
    where o.audit_retention is not null and s.purged_at is null
      and s.last_event_at < now() - o.audit_retention
    group by o.id
  loop
    delete from public.organisation_audit_events e
    using usher.sealed_events c
    where c.event_id = e.id and c.organisation_id = v_due.organisation_id and c.seal_number <= v_due.up_to_seal;
    get diagnostics v_events = row_count;
    update usher.audit_seals s set purged_at = now()
    where s.organisation_id = v_due.organisation_id and s.number <= v_due.up_to_seal and s.purged_at is null;
    perform usher.record_event(v_due.organisation_id, 'audit.purged', 'organisation', v_due.organisation_id,
      after      => jsonb_build_object('up_to_seal', v_due.up_to_seal, 'events', v_events),
      actor_kind => 'worker');
    v_purged := v_purged + v_events;
  end loop;
  perform set_config('usher.audit_exception', '', true);
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.random_device_code()
 RETURNS text
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  -- No 0 O, 1 I L, U V. A byte of 240 or more is left out, so that each character is as likely.
  select substring(c.code from 1 for 5) || '-' || substring(c.code from 6 for 5)
  from (
    select string_agg(substring('23456789ABCDEFGHJKMNPQRSTVWXYZ' from b.value % 30 + 1 for 1), '' order by b.n) as code
    from (
      select r.n, get_byte(r.bytes, r.n) as value, row_number() over (order by r.n) as place
      from (select g.n, t.bytes from (select extensions.gen_random_bytes(64) as bytes) t, generate_series(0, 63) g (n)) r
      where get_byte(r.bytes, r.n) < 240
    ) b
    where b.place <= 10
  ) c
$function$;

CREATE OR REPLACE FUNCTION usher.read_invite_token(token text)
 RETURNS usher.token_reading
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims  usher.token_claims := usher.verify_invite_token(read_invite_token.token);
  v_reading usher.token_reading;
  v_issue   integer;
begin
  v_reading.problem := 'invite_invalid';
  if v_claims.invite_id is null then
    return v_reading;
  end if;

  select t.issue into v_issue
  from usher.invite_tokens t
  where t.invite_id = v_claims.invite_id and t.nonce_hash = v_claims.nonce_hash;
  if not found then
    return v_reading;
  end if;

  select i into v_reading.invite from usher.invites i where i.id = v_claims.invite_id;
  v_reading.problem := case
    when v_issue <> (v_reading.invite).issue then 'invite_superseded'
    when v_claims.fingerprint
      <> usher.invite_fingerprint((v_reading.invite).email, (v_reading.invite).roles) then 'invite_invalid'
    when v_claims.expires_at <= clock_timestamp()
      then coalesce(usher.invite_problem(v_reading.invite), 'invite_expired')
    else usher.invite_problem(v_reading.invite)
  end;
  return v_reading;
end
$function$;

CREATE OR REPLACE FUNCTION usher.recipient_problems(organisation_id uuid, emails text[])
 RETURNS TABLE(email text, problem text, invite_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select a.email,
    case
      when cardinality(o.allowed_email_domains) > 0
        and usher.email_domain(a.email) <> all (o.allowed_email_domains) then 'domain_not_allowed'
      when m.is_banned then 'member_banned'
      when m.is_active then 'already_member'
    end,
    i.id
  from (select distinct e as email from unnest(recipient_problems.emails) e) a
  join public.organisations o on o.id = recipient_problems.organisation_id
  left join (
    select m.email, bool_or(m.status = 'banned') as is_banned, bool_or(m.status = 'active') as is_active
    from public.organisation_members m
    where m.organisation_id = recipient_problems.organisation_id
      and m.email = any (recipient_problems.emails)
    group by m.email
  ) m on m.email = a.email
  left join usher.invites i
    on i.organisation_id = recipient_problems.organisation_id and i.email = a.email and i.status = 'pending'
$function$;

CREATE OR REPLACE FUNCTION usher.record_event(organisation_id uuid, event text, target_kind text, target_id uuid, before jsonb DEFAULT NULL::jsonb, after jsonb DEFAULT NULL::jsonb, reason text DEFAULT NULL::text, actor_kind text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$ select usher.record_events($1, $2, $3, array[$4], $5, array[$6], $7, $8) $function$;

CREATE OR REPLACE FUNCTION usher.record_events(organisation_id uuid, event text, target_kind text, target_ids uuid[], before jsonb, afters jsonb[], reason text, actor_kind text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into public.organisation_audit_events (
    organisation_id, event, actor_kind, actor_id, target_kind, target_id,
    before, after, reason, ip, user_agent)
  select $1, $2, c.actor_kind, c.user_id, $3, t.id, $5, t.after, $7, c.ip, c.user_agent
  from (
    select auth.uid() as user_id,
      coalesce($8, case when auth.uid() is null then 'operator' else 'user' end) as actor_kind,
      left(btrim(split_part(usher.request_header('x-forwarded-for'), ',', 1)), 64) as ip,
      left(usher.request_header('user-agent'), 500) as user_agent
    -- Asked once, however many lines there are.
    offset 0
  ) c
  cross join unnest($4, $6) with ordinality t (id, after, n)
  order by t.n
$function$;

CREATE OR REPLACE FUNCTION usher.record_expiry(invites usher.invites[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform usher.record_event(i.organisation_id, 'invite.expired', 'invite', i.id,
      before     => jsonb_build_object('status', 'pending', 'expires_at', i.expires_at),
      after      => jsonb_build_object('status', 'expired'),
      actor_kind => 'worker')
    from unnest(record_expiry.invites) i;
  perform usher.enqueue_delivery('invite_expired', i.organisation_id, m.email, null, i.id, is_bulk => true)
    from unnest(record_expiry.invites) i
    join public.organisations o on o.id = i.organisation_id and o.expiry_mail
    join public.organisation_members m
      on m.organisation_id = i.organisation_id and m.user_id = i.invited_by and m.status = 'active'
    where m.email is not null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.remind_due_invites(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_reminded usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    join public.organisations o on o.id = i.organisation_id
    where i.status = 'pending' and i.kind = 'user'
      and i.reminded_issue < i.issue
      and i.expires_at > statement_timestamp()
      and i.expires_at <= statement_timestamp() + o.reminder_before
      -- Not on the day of the mail itself: what has just come needs no bringing to mind.
      and i.issued_at < statement_timestamp() - interval '1 day'
    limit remind_due_invites.batch_size
    for update of i skip locked
  ),
  reminded as (
    update usher.invites i set reminded_issue = i.issue from due d where i.id = d.id
    returning i
  )
  select array_agg(r.i) into v_reminded from reminded r;

  perform usher.record_event(i.organisation_id, 'invite.reminded', 'invite', i.id, actor_kind => 'worker')
    from unnest(v_reminded) i;
  perform usher.enqueue_delivery('invite_reminder', i.organisation_id, i.email, i.locale, i.id, is_bulk => true)
    from unnest(v_reminded) i;
  return coalesce(cardinality(v_reminded), 0);
end
$function$;

CREATE OR REPLACE FUNCTION usher.remove_member(organisation_id uuid, user_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members := usher.member_for_change(
    remove_member.organisation_id, remove_member.user_id, 'member.remove');
begin
  if v_member.status <> 'active' then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  end if;
  v_member := usher.end_membership(v_member.id, 'removed', 'member.removed', remove_member.reason);
  perform usher.enqueue_notice('member_removed', v_member.id, auth.uid());
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.request_header(name text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select nullif(current_setting('request.headers', true), '')::jsonb ->> request_header.name
$function$;

CREATE OR REPLACE FUNCTION usher.request_invite_resend(token text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_reading usher.token_reading := usher.read_invite_token(request_invite_resend.token);
  v_invite  usher.invites := v_reading.invite;
  v_is_self_service boolean;
begin
  if v_reading.problem is distinct from 'invite_expired' then
    return;
  end if;
  select i.* into v_invite from usher.invites i where i.id = v_invite.id for update;
  -- Once a day: whoever presses again is not told, and nobody gets a second mail.
  if exists (
    select from usher.rate_limits r
    where r.key = 'resend_requests:' || v_invite.id and r.window_start > now() - interval '1 day')
  then
    return;
  end if;
  perform usher.take_allowance('resend_requests:' || v_invite.id, 1, 1, interval '1 day');
  perform usher.record_event(v_invite.organisation_id, 'invite.resend_requested', 'invite', v_invite.id,
    actor_kind => case when auth.uid() is null then 'invitee' end);

  select o.self_service_resend into v_is_self_service
  from public.organisations o where o.id = v_invite.organisation_id;
  if v_is_self_service
    -- What has changed since is checked again; otherwise an admin decides.
    and (select p.problem is null and (p.invite_id is null or p.invite_id = v_invite.id)
      from usher.recipient_problems(v_invite.organisation_id, array[v_invite.email]) p)
  then
    begin
      perform usher.issue_again(v_invite.id, case when auth.uid() is null then 'invitee' end);
    exception
      when others then
        -- A newer invite was sent at this very moment: that mail is on its way, and the answer is the same.
        null;
    end;
  else
    perform usher.enqueue_delivery(
        'invite_resend_requested', v_invite.organisation_id, m.email, null, v_invite.id)
      from public.organisation_members m
      where m.organisation_id = v_invite.organisation_id and m.status = 'active' and m.email is not null
        and 'invite.resend' in (select usher.permissions_of(m.organisation_id, m.roles));
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_free_seat(organisation_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_seat_limit integer;
begin
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id;
  if v_seat_limit is null then
    return;
  end if;

  -- Only where seats are counted do those who join wait for each other.
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id
  for no key update;
  if v_seat_limit <= (
    select count(*) from public.organisation_members m
    where m.organisation_id = require_free_seat.organisation_id and m.status = 'active')
  then
    perform usher.fail('seat_limit_reached');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_mailed(invite usher.invites)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  if (require_mailed.invite).kind <> 'user' then
    perform usher.fail('invite_not_pending', hint => 'A device gets a code, not a mail: revoke this one and make another.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_manageable(organisation_id uuid, permissions text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_actor   public.organisation_members := usher.require_permission(require_manageable.organisation_id, 'role.manage');
  v_unknown text;
  v_lacking text;
begin
  select p into v_unknown
  from unnest(require_manageable.permissions) p
  where p not in (select k.name from usher.permissions k)
  limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('There is no permission %L.', v_unknown));
  end if;

  select p into v_lacking
  from unnest(require_manageable.permissions) p
  where p not in (select usher.permissions_of(v_actor.organisation_id, v_actor.roles))
  limit 1;
  if found then
    perform usher.fail('permission_denied',
      hint => 'Nobody manages a role that holds more than they do.', details => v_lacking);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_member(organisation_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = require_member.organisation_id
    and m.user_id = auth.uid()
    and m.status = 'active';
  if not found then
    perform usher.fail('organisation_not_found');
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_permission(organisation_id uuid, permission text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
begin
  v_member := usher.require_member(require_permission.organisation_id);
  if require_permission.permission not in (
    select usher.permissions_of(v_member.organisation_id, v_member.roles))
  then
    perform usher.fail('permission_denied', details => require_permission.permission);
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_reviewed_member(organisation_id uuid, user_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
begin
  perform usher.require_permission(require_reviewed_member.organisation_id, 'member.read');
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = require_reviewed_member.organisation_id
    and m.user_id = require_reviewed_member.user_id and m.status = 'active';
  if not found then
    perform usher.fail('member_not_found');
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_role(organisation_id uuid, role text)
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_permission(require_role.organisation_id, 'member.read');
  select r.* into v_role
  from public.organisation_roles r
  where r.name = require_role.role
    and (r.organisation_id is null or r.organisation_id = require_role.organisation_id);
  if not found then
    perform usher.fail('invalid_role');
  end if;
  return v_role;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_roles(organisation_id uuid, roles text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- Whoever separates duties at this moment is waited for; those who join do not wait for each other.
  perform from public.organisations o where o.id = require_roles.organisation_id for key share;
  -- An own role that is about to be given must not be deleted meanwhile; built-in ones never are.
  perform from public.organisation_roles r
  where r.organisation_id = require_roles.organisation_id and r.name = any (require_roles.roles)
  for key share;

  if exists (
    select from unnest(require_roles.roles) g (name)
    where not exists (
      select from public.organisation_roles r
      where r.name = g.name
        and (r.organisation_id is null or r.organisation_id = require_roles.organisation_id)))
  then
    perform usher.fail('invalid_role');
  end if;
  if usher.excluded_together(require_roles.organisation_id, require_roles.roles) is not null then
    perform usher.fail('role_not_assignable', hint => 'These roles may not be held together.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.reveal_invite_link(invite_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite  usher.invites := usher.invite_for_change(reveal_invite_link.invite_id, 'invite.reveal');
  v_problem text;
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  v_problem := usher.roles_problem(
    v_invite.organisation_id, v_invite.roles, (usher.require_member(v_invite.organisation_id)).roles);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  perform usher.record_event(v_invite.organisation_id, 'invite.link_revealed', 'invite', v_invite.id);
  return (select s.site_url from usher.settings s) || '/invite#' || usher.mint_invite_token(v_invite.id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.revoke_permission(organisation_id uuid, role text, permission text)
 RETURNS public.organisation_roles
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select usher.update_role($1, $2, null, array_remove(r.granted_permissions, $3), null)
  from usher.own_role_for_change($1, $2) r
$function$;

CREATE OR REPLACE FUNCTION usher.role_facts(role public.organisation_roles)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select jsonb_build_object(
    'name', ($1).name, 'permissions', ($1).granted_permissions, 'inherits', ($1).inherits)
$function$;

CREATE OR REPLACE FUNCTION usher.roles_problem(organisation_id uuid, roles text[], assigner_roles text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role        text;
  v_own_role    public.organisation_roles;
begin
  if roles_problem.roles is null or cardinality(roles_problem.roles) not between 1 and 20 then
    return 'invalid_role';
  end if;

  foreach v_role in array roles_problem.roles loop
    select r.* into v_own_role
    from public.organisation_roles r
    where r.name = v_role
      and (r.organisation_id is null or r.organisation_id = roles_problem.organisation_id);
    if not found then
      return 'invalid_role';
    end if;

    continue when v_own_role.organisation_id is null and exists (
      select from usher.role_assigners a
      where a.role = v_role and a.assigner = any (roles_problem.assigner_roles));
    continue when v_own_role.organisation_id is not null and not exists (
      select from unnest(v_own_role.permissions) p
      where p not in (
        select usher.permissions_of(roles_problem.organisation_id, roles_problem.assigner_roles)));
    return 'role_not_assignable';
  end loop;

  return case
    when usher.excluded_together(roles_problem.organisation_id, roles_problem.roles) is not null
      then 'role_not_assignable'
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.roles_with_inherited(organisation_id uuid, roles text[])
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  with recursive held (name) as (
    select unnest(roles_with_inherited.roles)
    union
    select i.name
    from held h
    join public.organisation_roles r on r.name = h.name
      and (r.organisation_id is null or r.organisation_id = roles_with_inherited.organisation_id)
    cross join unnest(r.inherits) i (name)
  )
  select h.name from held h
$function$;

CREATE OR REPLACE FUNCTION usher.rotate_signing_key()
 RETURNS smallint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_secret   bytea := extensions.gen_random_bytes(32);
  v_id       smallint;
  v_vault_id uuid;
begin
  lock table usher.signing_keys in share row exclusive mode;
  select coalesce(max(k.id), 0) + 1 into v_id from usher.signing_keys k;

  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using encode(v_secret, 'hex'), 'usher_signing_key_' || v_id, 'Signs the links of invites (Usher).';
    v_secret := null;
  end if;

  update usher.signing_keys k set retired_at = now() where k.retired_at is null;
  insert into usher.signing_keys (id, secret, vault_secret_id) values (v_id, v_secret, v_vault_id);
  return v_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.save_own_role(role public.organisation_roles, event text, before jsonb)
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role      public.organisation_roles := save_own_role.role;
  v_inherited text[];
begin
  if exists (
    select from unnest(v_role.inherits) i (name)
    where i.name = 'owner' or not exists (
      select from public.organisation_roles r
      where r.name = i.name and (r.organisation_id is null or r.organisation_id = v_role.organisation_id)))
  then
    perform usher.fail('invalid_role', hint => 'A role inherits roles of the organisation, never owner.');
  end if;
  if v_role.name in (select usher.roles_with_inherited(v_role.organisation_id, v_role.inherits)) then
    perform usher.fail('invalid_role', hint => 'A role cannot inherit itself, not even by way of others.');
  end if;

  v_inherited := array(select usher.permissions_of(v_role.organisation_id, v_role.inherits));
  v_role.permissions := usher.clean_roles(v_role.granted_permissions || v_inherited);
  perform usher.require_manageable(v_role.organisation_id, v_role.permissions);

  insert into public.organisation_roles select v_role.*
  on conflict (id) do update
  set description = excluded.description, inherits = excluded.inherits,
    granted_permissions = excluded.granted_permissions, permissions = excluded.permissions;

  -- Roles that inherit this one permit what it permits now; each pass reaches one step further.
  loop
    update public.organisation_roles r
    set permissions = p.permissions
    from (
      select c.id, usher.clean_roles(c.granted_permissions
        || array(select usher.permissions_of(c.organisation_id, c.inherits))) as permissions
      from public.organisation_roles c
      where c.organisation_id = v_role.organisation_id and cardinality(c.inherits) > 0
    ) p
    where r.id = p.id and r.permissions <> p.permissions;
    exit when not found;
  end loop;
  if exists (
    select from public.organisation_members m
    where m.organisation_id = v_role.organisation_id and m.status = 'active'
      and usher.excluded_together(m.organisation_id, m.roles) is not null)
  then
    perform usher.fail('role_not_assignable',
      hint => 'A member would hold roles that may not be held together.');
  end if;

  perform usher.record_event(v_role.organisation_id, save_own_role.event, 'role', v_role.id,
    before => save_own_role.before, after => usher.role_facts(v_role));
  return v_role;
end
$function$;

CREATE OR REPLACE FUNCTION usher.seal_audit_trail(batch_size integer DEFAULT 10000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_organisation_id uuid;
  v_number          integer;
  v_previous        bytea;
  v_sealed          integer := 0;
  v_events          integer;
begin
  -- One at a time: two would number their seals alike.
  perform pg_advisory_xact_lock(hashtext('usher.seal_audit_trail'));

  for v_organisation_id in
    select distinct e.organisation_id
    from public.organisation_audit_events e
    where not exists (select from usher.sealed_events s where s.event_id = e.id)
  loop
    select s.number, s.hash into v_number, v_previous
    from usher.audit_seals s
    where s.organisation_id = v_organisation_id
    order by s.number desc
    limit 1;
    v_number := coalesce(v_number, 0) + 1;

    insert into usher.audit_seals (organisation_id, number, events, first_event_at, last_event_at, hash)
    values (v_organisation_id, v_number, 0, now(), now(), '');
    insert into usher.sealed_events (
      event_id, organisation_id, seal_number, position, hash, personal_hash, personal_salt)
    select (d.e).id, v_organisation_id, v_number, row_number() over (order by (d.e).occurred_at, (d.e).id),
      usher.event_hash(d.e), usher.personal_hash(d.e, d.salt), d.salt
    from (
      select e, extensions.gen_random_bytes(16) as salt
      from public.organisation_audit_events e
      where e.organisation_id = v_organisation_id
        and not exists (select from usher.sealed_events s where s.event_id = e.id)
      order by e.occurred_at, e.id
      limit seal_audit_trail.batch_size
    ) d;
    get diagnostics v_events = row_count;

    update usher.audit_seals s
    set events = v_events, hash = usher.seal_hash(v_organisation_id, v_number, coalesce(v_previous, '')),
      first_event_at = t.first_at, last_event_at = t.last_at
    from (
      select min(e.occurred_at) as first_at, max(e.occurred_at) as last_at
      from usher.sealed_events c
      join public.organisation_audit_events e on e.id = c.event_id
      where c.organisation_id = v_organisation_id and c.seal_number = v_number
    ) t
    where s.organisation_id = v_organisation_id and s.number = v_number;
    v_sealed := v_sealed + v_events;
  end loop;
  return v_sealed;
end
$function$;

CREATE OR REPLACE FUNCTION usher.seal_hash(organisation_id uuid, number integer, previous bytea)
 RETURNS bytea
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select sha256(seal_hash.previous || coalesce(
    string_agg(s.hash || s.personal_hash, ''::bytea order by s.position), ''))
  from usher.sealed_events s
  where s.organisation_id = seal_hash.organisation_id and s.seal_number = seal_hash.number
$function$;

CREATE OR REPLACE FUNCTION usher.signing_key_secret(key_id integer)
 RETURNS bytea
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_key    usher.signing_keys;
  v_secret text;
begin
  -- No token outlives its key's retirement by more than the longest lifetime, 30 days.
  select k.* into v_key
  from usher.signing_keys k
  where k.id = signing_key_secret.key_id
    and (k.retired_at is null or k.retired_at > statement_timestamp() - interval '30 days');
  if not found or v_key.secret is not null then
    return v_key.secret;
  end if;

  execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
    into v_secret using v_key.vault_secret_id;
  return decode(v_secret, 'hex');
end
$function$;

CREATE OR REPLACE FUNCTION usher.take_allowance(key text, amount integer, allowance integer, period interval)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_limit usher.rate_limits;
begin
  insert into usher.rate_limits as r (key, window_start, used)
  values (take_allowance.key, now(), take_allowance.amount)
  on conflict on constraint rate_limits_pkey do update
  set
    window_start = case when r.window_start + take_allowance.period <= now() then now() else r.window_start end,
    used = take_allowance.amount
      + case when r.window_start + take_allowance.period <= now() then 0 else r.used end
  returning r.* into v_limit;

  if v_limit.used > take_allowance.allowance then
    perform usher.fail_rate_limited(v_limit.window_start + take_allowance.period - now());
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_identities__no_secrets()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  new.identity_data := new.identity_data::jsonb - array['invite_token', 'device_code'];
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_audit_events__append_only()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if tg_op = current_setting('usher.audit_exception', true) then
    return null;
  end if;
  raise exception 'The audit trail is append-only.'
    using errcode = 'insufficient_privilege', hint = 'Lines can be added and read, never changed or removed.';
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__keep_owner()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- When the organisation itself is deleted, it is gone already, and so may its owner be.
  if exists (select from public.organisations o where o.id = old.organisation_id) then
    perform usher.fail('owner_required', details => old.organisation_id::text);
  end if;
  return old;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_users__closed_door()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_reading usher.token_reading;
begin
  if not usher.may_sign_up(new.email, new.raw_user_meta_data::jsonb) then
    perform usher.fail('signup_not_invited');
  end if;

  if new.raw_user_meta_data::jsonb ? 'invite_token' then
    v_reading := usher.read_invite_token(new.raw_user_meta_data::jsonb ->> 'invite_token');
    if v_reading.problem is null then
      insert into usher.sign_up_invites (user_id, invite_id, issue)
      values (new.id, (v_reading.invite).id, (v_reading.invite).issue)
      on conflict on constraint sign_up_invites_pkey do nothing;
    end if;
  end if;
  -- Token and code are secrets: they must not lie about in the account's data.
  new.raw_user_meta_data := new.raw_user_meta_data::jsonb - array['invite_token', 'device_code'];
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_users__follow_profile()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update public.organisation_members m
  set email = usher.normalise_email(new.email),
    display_name = usher.display_name(new.raw_user_meta_data::jsonb)
  -- A device goes by the name that it was given.
  where m.user_id = new.id and m.kind = 'user';
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_users__join_when_confirmed()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims text := current_setting('request.jwt.claims', true);
  v_sub    text := current_setting('request.jwt.claim.sub', true);
  v_invite usher.invites;
begin
  delete from usher.sign_up_invites s
  using usher.invites i
  where s.user_id = new.id and i.id = s.invite_id and i.issue = s.issue
  returning i.* into v_invite;
  if not found then
    return null;
  end if;

  begin
    -- They act themselves, though Auth does it for them: their name stands in the trail.
    perform set_config('request.jwt.claims', json_build_object('sub', new.id)::text, true),
      set_config('request.jwt.claim.sub', new.id::text, true);
    perform usher.accept_open_invite(v_invite);
  exception
    when others then
      -- Whatever is wrong with the invite, the account is made; its page says what is wrong.
      null;
  end;
  perform set_config('request.jwt.claims', coalesce(v_claims, ''), true),
    set_config('request.jwt.claim.sub', coalesce(v_sub, ''), true);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.transfer_ownership(organisation_id uuid, new_owner_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_owner     public.organisation_members :=
    usher.require_permission(transfer_ownership.organisation_id, 'organisation.transfer');
  v_new_owner public.organisation_members;
begin
  -- Of two transfers at once, the second waits here and finds that its caller owns nothing any more.
  select m.* into v_owner
  from public.organisation_members m
  where m.id = v_owner.id and m.status = 'active' and 'owner' = any (m.roles)
  for update;
  if not found then
    perform usher.fail('permission_denied', details => 'organisation.transfer');
  end if;

  select m.* into v_new_owner
  from public.organisation_members m
  where m.organisation_id = v_owner.organisation_id
    and m.user_id = transfer_ownership.new_owner_id
    and m.status = 'active' and m.kind = 'user' and m.id <> v_owner.id
  for update;
  if not found then
    perform usher.fail('member_not_found', hint => 'The new owner is another active member, and a person.');
  end if;

  update public.organisation_members m
  set roles = usher.clean_roles(array_append(array_remove(m.roles, 'owner'), 'admin'))
  where m.id = v_owner.id;
  update public.organisation_members m
  set roles = '{owner}'
  where m.id = v_new_owner.id;

  perform usher.record_event(v_owner.organisation_id, 'organisation.transferred', 'user', v_new_owner.user_id,
    before => jsonb_build_object('owner_id', v_owner.user_id, 'roles', v_new_owner.roles),
    after  => jsonb_build_object('owner_id', v_new_owner.user_id, 'roles', array['owner']));
  perform usher.enqueue_notice('ownership_transferred', m.id, v_owner.user_id)
    from public.organisation_members m where m.id in (v_owner.id, v_new_owner.id);

  select m.* into v_new_owner from public.organisation_members m where m.id = v_new_owner.id;
  return v_new_owner;
end
$function$;

CREATE OR REPLACE FUNCTION usher.unban_member(organisation_id uuid, user_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members := usher.member_for_change(
    unban_member.organisation_id, unban_member.user_id, 'member.ban');
begin
  if v_member.status <> 'banned' then
    perform usher.fail('member_not_found', hint => 'This person is not banned.');
  end if;
  return usher.end_membership(v_member.id, 'removed', 'member.unbanned', unban_member.reason);
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_domain(organisation_id uuid, domain text, join_policy text, role text)
 RETURNS public.organisation_domains
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(update_domain.organisation_id, 'organisation.update');
  v_before  public.organisation_domains;
  v_row     public.organisation_domains;
  v_problem text;
begin
  select d.* into v_before
  from public.organisation_domains d
  where d.organisation_id = v_member.organisation_id and d.domain = lower(btrim(update_domain.domain, ' @'))
  for update;
  if not found then
    perform usher.fail('invalid_settings', hint => 'Claim the domain first.');
  elsif update_domain.join_policy not in ('none', 'join', 'ask') then
    perform usher.fail('invalid_settings', hint => 'join_policy is none, join or ask.');
  end if;
  -- Whoever opens this door gives the role to all who come through.
  v_problem := usher.roles_problem(v_member.organisation_id,
    array[coalesce(update_domain.role, v_before.role)], v_member.roles);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  update public.organisation_domains d
  set join_policy = coalesce(update_domain.join_policy, d.join_policy), role = coalesce(update_domain.role, d.role)
  where d.organisation_id = v_before.organisation_id and d.domain = v_before.domain
  returning d.* into v_row;
  perform usher.record_event(v_row.organisation_id, 'domain.updated', 'organisation', v_row.organisation_id,
    before => jsonb_build_object('domain', v_row.domain, 'join_policy', v_before.join_policy, 'role', v_before.role),
    after  => jsonb_build_object('domain', v_row.domain, 'join_policy', v_row.join_policy, 'role', v_row.role));
  return v_row;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_member_roles(organisation_id uuid, user_id uuid, roles text[])
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_actor   public.organisation_members;
  v_member  public.organisation_members := usher.member_for_change(
    update_member_roles.organisation_id, update_member_roles.user_id, 'member.update');
  v_roles   text[] := usher.clean_roles(update_member_roles.roles);
  v_added   text[] := array(select unnest(v_roles) except select unnest(v_member.roles));
  v_problem text;
begin
  if v_member.status <> 'active' then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  end if;
  if v_roles is null then
    perform usher.fail('invalid_role');
  end if;

  v_actor := usher.require_member(v_member.organisation_id);
  -- Who keeps a role is not given it anew: only what is added has to be the caller's to give.
  if cardinality(v_added) > 0 then
    v_problem := usher.roles_problem(v_member.organisation_id, v_added, v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem);
    end if;
    perform usher.require_roles(v_member.organisation_id, v_roles);
  end if;

  update public.organisation_members m set roles = v_roles where m.id = v_member.id;
  perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
    before => jsonb_build_object('roles', v_member.roles), after => jsonb_build_object('roles', v_roles));
  perform usher.enqueue_notice('member_roles_updated', v_member.id, v_actor.user_id);

  v_member.roles := v_roles;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_organisation(organisation_id uuid, changes jsonb)
 RETURNS public.organisations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_keys    constant text[] := array['name', 'slug', 'logo_url', 'accent_colour', 'reply_to', 'locale',
    'invite_ttl', 'seat_limit', 'allowed_email_domains', 'self_service_resend', 'expiry_mail', 'reminder_before',
    'audit_retention'];
  v_changes jsonb := update_organisation.changes;
  v_before  public.organisations;
  v_after   public.organisations;
  v_unknown text;
begin
  perform usher.require_permission(update_organisation.organisation_id, 'organisation.update');
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k where k <> all (v_keys) limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;

  select o.* into strict v_before
  from public.organisations o where o.id = update_organisation.organisation_id for no key update;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;

  -- null puts a setting back, where it can be without a value.
  v_after.name := usher.clean_line(v_after.name, 100);
  v_after.reply_to := case when v_after.reply_to is not null
    then coalesce(usher.normalise_email(v_after.reply_to), '') end;
  v_after.accent_colour := lower(v_after.accent_colour);
  v_after.allowed_email_domains := array(
    select distinct lower(btrim(d, ' @')) from unnest(v_after.allowed_email_domains) d order by 1);

  if v_after.name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters, without control characters.');
  elsif v_after.slug is null or not usher.is_slug(v_after.slug) then
    perform usher.fail('invalid_slug');
  elsif v_after.reply_to = '' then
    perform usher.fail('invalid_email');
  elsif v_after.invite_ttl is null or v_after.invite_ttl not between interval '1 hour' and interval '30 days' then
    perform usher.fail('invalid_expiry');
  elsif v_after.logo_url is not null and usher.url_origin(v_after.logo_url) is null
    or v_after.accent_colour !~ '^#[0-9a-f]{6}$'
    or v_after.locale is null or not usher.is_locale(v_after.locale)
    or v_after.seat_limit < 1
    or v_after.self_service_resend is null or v_after.expiry_mail is null
    or v_after.reminder_before not between interval '1 hour' and interval '14 days'
    or v_after.audit_retention < interval '30 days'
    or exists (
      select from unnest(v_after.allowed_email_domains) d
      where usher.normalise_email('a@' || d) is null)
  then
    perform usher.fail('invalid_settings', hint => 'logo_url is an https address, accent_colour #rrggbb, '
      'locale such as de-AT, seat_limit 1 or more, allowed_email_domains a list of domains, '
      'reminder_before 1 hour to 14 days, audit_retention 30 days or more.');
  end if;

  begin
    update public.organisations o
    set name = v_after.name, slug = v_after.slug, logo_url = v_after.logo_url,
      accent_colour = v_after.accent_colour, reply_to = v_after.reply_to, locale = v_after.locale,
      invite_ttl = v_after.invite_ttl, seat_limit = v_after.seat_limit,
      allowed_email_domains = v_after.allowed_email_domains,
      self_service_resend = v_after.self_service_resend, expiry_mail = v_after.expiry_mail,
      reminder_before = v_after.reminder_before, audit_retention = v_after.audit_retention
    where o.id = v_after.id;
  exception
    when unique_violation then
      perform usher.fail('slug_taken');
  end;

  -- What has changed; that there is another address for answers is said, the address is not.
  perform usher.record_event(v_after.id, 'organisation.updated', 'organisation', v_after.id,
    before => (select jsonb_object_agg(b.key, case b.key when 'reply_to' then to_jsonb(b.value <> 'null') else b.value end)
      from jsonb_each(to_jsonb(v_before)) b where to_jsonb(v_after) -> b.key <> b.value),
    after  => (select jsonb_object_agg(a.key, case a.key when 'reply_to' then to_jsonb(a.value <> 'null') else a.value end)
      from jsonb_each(to_jsonb(v_after)) a where to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_role(organisation_id uuid, role text, description text, permissions text[], inherits text[])
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role   public.organisation_roles := usher.own_role_for_change(update_role.organisation_id, update_role.role);
  v_before jsonb := usher.role_facts(v_role);
begin
  if usher.clean_text(coalesce(update_role.description, ''), 500) is null then
    perform usher.fail('invalid_role', hint => 'A description is plain text of at most 500 characters.');
  end if;
  v_role.description := coalesce(usher.clean_text(update_role.description, 500), v_role.description);
  v_role.granted_permissions := usher.clean_roles(coalesce(update_role.permissions, v_role.granted_permissions));
  v_role.inherits := usher.clean_roles(coalesce(update_role.inherits, v_role.inherits));
  perform usher.require_manageable(v_role.organisation_id, v_role.granted_permissions);
  return usher.save_own_role(v_role, 'role.updated', v_before);
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_settings(changes jsonb)
 RETURNS usher.settings
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_settings usher.settings;
  v_unknown  text;
begin
  select s.* into strict v_settings from usher.settings s;

  select k into v_unknown
  from jsonb_object_keys(update_settings.changes) k
  where not to_jsonb(v_settings) - 'is_only_row' ? k;
  if found then
    perform usher.fail('invalid_settings', hint => format('There is no setting %L.', v_unknown));
  end if;

  v_settings := jsonb_populate_record(v_settings, update_settings.changes);
  v_settings.site_url := rtrim(v_settings.site_url, '/');
  if usher.url_origin(v_settings.site_url) is null then
    perform usher.fail('invalid_settings',
      hint => 'site_url is an absolute https address (http only for this machine itself).');
  end if;

  begin
    delete from usher.settings;
    insert into usher.settings select v_settings.*;
  exception
    when check_violation or not_null_violation then
      perform usher.fail('invalid_settings', hint => sqlerrm);
  end;
  return v_settings;
end
$function$;

CREATE OR REPLACE FUNCTION usher.url_origin(url text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select lower((regexp_match(
    $1, '^(https://[a-z0-9.-]+(?::\d{1,5})?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?)(?:[/?#][!-~]*)?$',
    'i'))[1])
  where $1 !~ '[\\<>"`]' and length($1) <= 2000
$function$;

CREATE OR REPLACE FUNCTION usher.validate_invite(token text)
 RETURNS public.organisation_invite_preview
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_reading usher.token_reading := usher.read_invite_token(validate_invite.token);
  v_invite  usher.invites := v_reading.invite;
  v_preview public.organisation_invite_preview;
begin
  v_preview.reason := v_reading.problem;
  v_preview.status := case v_reading.problem
    when 'invite_invalid' then 'invalid'
    when 'invite_superseded' then 'superseded'
    when 'invite_expired' then 'expired'
    else v_invite.status
  end;
  if v_reading.problem = 'invite_invalid' then
    return v_preview;
  end if;

  select o.name, o.logo_url, o.accent_colour, coalesce(v_invite.locale, o.locale)
  into v_preview.organisation_name, v_preview.organisation_logo_url,
    v_preview.organisation_accent_colour, v_preview.locale
  from public.organisations o
  where o.id = v_invite.organisation_id;

  -- A link that is spent shows whose it was, and no more.
  if v_reading.problem is null or v_reading.problem = 'invite_expired' then
    v_preview.email := v_invite.email;
    v_preview.roles := v_invite.roles;
    v_preview.message := v_invite.message;
    v_preview.redirect_to := v_invite.redirect_to;
    v_preview.expires_at := v_invite.expires_at;
    v_preview.has_account := exists (
      select from auth.users u where lower(u.email) = v_invite.email);
    select m.display_name, m.email into v_preview.inviter_name, v_preview.inviter_email
    from public.organisation_members m
    where m.organisation_id = v_invite.organisation_id and m.user_id = v_invite.invited_by;
  end if;
  return v_preview;
end
$function$;

CREATE OR REPLACE FUNCTION usher.verify_audit_trail(organisation_id uuid)
 RETURNS public.organisation_audit_verification
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_found    public.organisation_audit_verification;
  v_seal     usher.audit_seals;
  v_previous bytea := '';
  v_purged   integer;
begin
  perform usher.require_permission(verify_audit_trail.organisation_id, 'audit.read');

  select count(*) into v_found.events
  from public.organisation_audit_events e where e.organisation_id = verify_audit_trail.organisation_id;
  select count(*) into v_found.sealed_events
  from usher.sealed_events s where s.organisation_id = verify_audit_trail.organisation_id;

  -- Up to this seal the trail itself says that events were removed because their time was over.
  select coalesce(max((e.after ->> 'up_to_seal')::integer), 0) into v_purged
  from public.organisation_audit_events e
  where e.organisation_id = verify_audit_trail.organisation_id and e.event = 'audit.purged';
  select count(*) into v_found.erased_events
  from usher.sealed_events s
  where s.organisation_id = verify_audit_trail.organisation_id and s.personal_salt is null;

  -- The first line that does not fit, in the order of the seals.
  select s.event_id, s.seal_number,
    case when e.id is null then 'event_removed' else 'event_changed' end
  into v_found.event_id, v_found.seal_number, v_found.problem
  from usher.sealed_events s
  join usher.audit_seals a on a.organisation_id = s.organisation_id and a.number = s.seal_number
  left join public.organisation_audit_events e on e.id = s.event_id
  where s.organisation_id = verify_audit_trail.organisation_id
    and not (a.purged_at is not null and a.number <= v_purged)
    and (e.id is null or usher.event_hash(e) <> s.hash or case
      when s.personal_salt is null then num_nonnulls(e.reason, e.ip, e.user_agent) > 0
      else usher.personal_hash(e, s.personal_salt) <> s.personal_hash end)
  order by s.seal_number, s.position
  limit 1;

  if v_found.problem is null then
    -- A line from a time that was sealed long before, which no seal covers. A transaction may be slow to
    -- commit what it wrote down, but not by five minutes: the API ends it sooner.
    select e.id, x.number, 'event_inserted'
    into v_found.event_id, v_found.seal_number, v_found.problem
    from public.organisation_audit_events e
    join lateral (
      select s.number from usher.audit_seals s
      where s.organisation_id = e.organisation_id and e.occurred_at < s.sealed_at - interval '5 minutes'
      order by s.number
      limit 1
    ) x on true
    where e.organisation_id = verify_audit_trail.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id)
    order by e.occurred_at, e.id
    limit 1;
  end if;

  v_found.seals := 0;
  for v_seal in
    select s.* from usher.audit_seals s
    where s.organisation_id = verify_audit_trail.organisation_id
    order by s.number
  loop
    v_found.seals := v_found.seals + 1;
    if v_found.problem is null and (
      v_seal.number <> v_found.seals
      or v_seal.hash <> usher.seal_hash(v_seal.organisation_id, v_seal.number, v_previous))
    then
      v_found.problem := 'seal_broken';
      v_found.seal_number := v_found.seals;
    end if;
    v_previous := v_seal.hash;
  end loop;

  v_found.last_seal := nullif(encode(v_previous, 'hex'), '');
  v_found.is_whole := v_found.problem is null;
  return v_found;
end
$function$;

CREATE OR REPLACE FUNCTION usher.verify_invite_token(token text)
 RETURNS usher.token_claims
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_bytes  bytea;
  v_secret bytea;
  v_blind  bytea := extensions.gen_random_bytes(32);
begin
  if verify_invite_token.token is null or verify_invite_token.token !~ '^inv_[A-Za-z0-9_-]{116}$' then
    return null;
  end if;
  v_bytes := decode(translate(substring(verify_invite_token.token from 5), '-_', '+/'), 'base64');
  if get_byte(v_bytes, 0) <> 1 then
    return null;
  end if;

  v_secret := usher.signing_key_secret(get_byte(v_bytes, 1) * 256 + get_byte(v_bytes, 2));
  -- Both sides go through a MAC under a key of this moment, so that how long the comparison takes
  -- tells nothing of the true one (double HMAC verification).
  if v_secret is null
    or extensions.hmac(extensions.hmac(substring(v_bytes from 1 for 55), v_secret, 'sha256'), v_blind, 'sha256')
      <> extensions.hmac(substring(v_bytes from 56), v_blind, 'sha256')
  then
    return null;
  end if;

  return row(
    encode(substring(v_bytes from 4 for 16), 'hex')::uuid,
    sha256(substring(v_bytes from 20 for 16)),
    to_timestamp(('x' || encode(substring(v_bytes from 36 for 4), 'hex'))::bit(32)::bigint),
    substring(v_bytes from 40 for 16)
  )::usher.token_claims;
end
$function$;

CREATE OR REPLACE FUNCTION usher.wake_worker()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$ select pg_notify('usher_deliveries', '') $function$;

ALTER TABLE "public"."organisation_join_requests" ADD CONSTRAINT "organisation_join_requests_user_id_fkey" FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_member_id_fkey" FOREIGN KEY (member_id) REFERENCES public.organisation_members(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_members" ADD CONSTRAINT "organisation_members_user_id_fkey" FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_domains" ADD CONSTRAINT "organisation_domains_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_join_requests" ADD CONSTRAINT "organisation_join_requests_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_members" ADD CONSTRAINT "organisation_members_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_role_exclusions" ADD CONSTRAINT "organisation_role_exclusions_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_roles" ADD CONSTRAINT "organisation_roles_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "usher"."invites" ADD CONSTRAINT "invites_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_invite_id_fkey" FOREIGN KEY (invite_id) REFERENCES usher.invites(id) ON DELETE CASCADE;

ALTER TABLE "usher"."device_codes" ADD CONSTRAINT "device_codes_invite_id_fkey" FOREIGN KEY (invite_id) REFERENCES usher.invites(id) ON DELETE CASCADE;

ALTER TABLE "usher"."invite_tokens" ADD CONSTRAINT "invite_tokens_invite_id_fkey" FOREIGN KEY (invite_id) REFERENCES usher.invites(id) ON DELETE CASCADE;

ALTER TABLE "usher"."sealed_events" ADD CONSTRAINT "sealed_events_seal" FOREIGN KEY (organisation_id, seal_number) REFERENCES usher.audit_seals(organisation_id, number);

ALTER TABLE "usher"."sign_up_invites" ADD CONSTRAINT "sign_up_invites_invite_id_fkey" FOREIGN KEY (invite_id) REFERENCES usher.invites(id) ON DELETE CASCADE;

ALTER TABLE "usher"."device_codes" ADD CONSTRAINT "device_codes_key_id_fkey" FOREIGN KEY (key_id) REFERENCES usher.signing_keys(id);

CREATE VIEW "public"."organisation_invites" WITH (security_invoker=true) AS  SELECT id,
    organisation_id,
    kind,
    email,
    device_name,
    roles,
        CASE
            WHEN ((status = 'pending'::text) AND (expires_at <= statement_timestamp())) THEN 'expired'::text
            ELSE status
        END AS status,
    message,
    locale,
    redirect_to,
    metadata,
    invited_by,
    created_at,
    issued_at,
    (issue - 1) AS resend_count,
    expires_at,
    accepted_at,
    accepted_by,
    declined_at,
    declined_reason,
    revoked_at,
    revoked_by,
    revoked_reason
   FROM usher.invites i;

CREATE OR REPLACE FUNCTION public.create_organisation_invite(organisation_id uuid, email text, roles text[], expires_in interval DEFAULT NULL::interval, message text DEFAULT NULL::text, locale text DEFAULT NULL::text, redirect_to text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, template_id uuid DEFAULT NULL::uuid)
 RETURNS public.organisation_invites
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select usher.create_invite($1, jsonb_build_object(
    'email', $2, 'roles', $3, 'expires_in', $4, 'message', $5, 'locale', $6, 'redirect_to', $7,
    'metadata', $8, 'template_id', $9))
$function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.expire_organisation_invite(invite_id uuid)
 RETURNS public.organisation_invites
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.expire_invite($1) $function$;

REVOKE ALL ON FUNCTION "public"."expire_organisation_invite"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."expire_organisation_invite"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_invites(organisation_id uuid, status text DEFAULT NULL::text, search text DEFAULT NULL::text, cursor uuid DEFAULT NULL::uuid, page_size integer DEFAULT 50)
 RETURNS SETOF public.organisation_invites
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_invites($1, $2, $3, $4, $5) $function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) FROM "service_role";

CREATE OR REPLACE FUNCTION public.resend_organisation_invite(invite_id uuid)
 RETURNS public.organisation_invites
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.resend_invite($1) $function$;

REVOKE ALL ON FUNCTION "public"."resend_organisation_invite"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."resend_organisation_invite"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.revoke_organisation_invite(invite_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_invites
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.revoke_invite($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_invite_roles(invite_id uuid, roles text[])
 RETURNS public.organisation_invites
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_invite_roles($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) FROM "service_role";

CREATE OR REPLACE FUNCTION usher.create_invite(organisation_id uuid, draft jsonb)
 RETURNS public.organisation_invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_result public.organisation_invite_result;
begin
  select r.* into strict v_result
  from usher.create_invites(create_invite.organisation_id, jsonb_build_array(create_invite.draft)) r;
  if v_result.error_code is not null then
    perform usher.fail(v_result.error_code,
      details => case when v_result.error_code = 'already_invited' then v_result.error_details end);
  end if;
  return usher.invite_view(v_result.invite_id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.expire_invite(invite_id uuid)
 RETURNS public.organisation_invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites := usher.invite_for_change(expire_invite.invite_id, 'invite.revoke');
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;

  update usher.invites i
  set status = 'expired', expires_at = least(i.expires_at, clock_timestamp())
  where i.id = v_invite.id;
  perform usher.record_event(v_invite.organisation_id, 'invite.expired', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending', 'expires_at', v_invite.expires_at),
    after  => jsonb_build_object('status', 'expired'));
  return usher.invite_view(v_invite.id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_view(invite_id uuid)
 RETURNS public.organisation_invites
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ select v from public.organisation_invites v where v.id = invite_view.invite_id $function$;

CREATE OR REPLACE FUNCTION usher.list_invites(organisation_id uuid, status text DEFAULT NULL::text, search text DEFAULT NULL::text, cursor uuid DEFAULT NULL::uuid, page_size integer DEFAULT 50)
 RETURNS SETOF public.organisation_invites
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
declare
  v_after usher.invites;
begin
  perform usher.require_permission(list_invites.organisation_id, 'invite.read');

  if list_invites.status not in ('pending', 'accepted', 'declined', 'revoked', 'expired') then
    perform usher.fail('invalid_settings',
      hint => 'status is pending, accepted, declined, revoked or expired.');
  end if;
  if list_invites.page_size is null or list_invites.page_size not between 1 and 500 then
    perform usher.fail('invalid_settings', hint => 'page_size is 1 to 500.');
  end if;
  if list_invites.cursor is not null then
    select i.* into v_after
    from usher.invites i
    where i.id = list_invites.cursor and i.organisation_id = list_invites.organisation_id;
    if not found then
      perform usher.fail('invite_not_found', hint => 'cursor is the id of the last invite that you have.');
    end if;
  end if;

  return query
    select v.*
    from public.organisation_invites v
    where v.organisation_id = list_invites.organisation_id
      and (list_invites.status is null or v.status = list_invites.status)
      and (list_invites.search is null
        or position(lower(btrim(list_invites.search) collate "und-x-icu")
          in lower(coalesce(v.email, v.device_name) collate "und-x-icu")) > 0)
      and (v_after.id is null or (v.created_at, v.id) < (v_after.created_at, v_after.id))
    order by v.created_at desc, v.id desc
    limit list_invites.page_size;
end
$function$;

CREATE OR REPLACE FUNCTION usher.resend_invite(invite_id uuid)
 RETURNS public.organisation_invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite   usher.invites := usher.invite_for_change(resend_invite.invite_id, 'invite.resend');
  v_settings usher.settings;
  v_problem  text;
begin
  if v_invite.status not in ('pending', 'expired') then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);

  -- Sending again offers the roles again, so it is judged as a new offer by whoever sends it.
  v_problem := usher.roles_problem(v_invite.organisation_id, v_invite.roles,
    (usher.require_member(v_invite.organisation_id)).roles);
  v_problem := coalesce(v_problem, (
    select p.problem from usher.recipient_problems(v_invite.organisation_id, array[v_invite.email]) p));
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  select s.* into strict v_settings from usher.settings s;
  -- The first resend may follow at once: whoever just mistyped a message should not have to wait.
  if v_invite.issue > 1 and v_invite.issued_at + v_settings.resend_cooldown > now() then
    perform usher.fail_rate_limited(v_invite.issued_at + v_settings.resend_cooldown - now());
  end if;
  perform usher.take_allowance('resends:' || v_invite.id, 1, v_settings.resends_per_day, interval '1 day');

  perform usher.issue_again(v_invite.id);
  return usher.invite_view(v_invite.id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.revoke_invite(invite_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites := usher.invite_for_change(revoke_invite.invite_id, 'invite.revoke');
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  if revoke_invite.reason is not null and usher.clean_text(revoke_invite.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;

  perform usher.end_invite(v_invite.id, nullif(usher.clean_text(revoke_invite.reason, 500), ''));
  return usher.invite_view(v_invite.id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_invite_roles(invite_id uuid, roles text[])
 RETURNS public.organisation_invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite  usher.invites := usher.invite_for_change(update_invite_roles.invite_id, 'invite.create');
  v_roles   text[] := usher.clean_roles(update_invite_roles.roles);
  v_actor   public.organisation_members;
  v_problem text;
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  v_actor := usher.require_member(v_invite.organisation_id);
  -- Whoever may not give the roles that it carries may not take them away either.
  v_problem := coalesce(
    usher.roles_problem(v_invite.organisation_id, v_roles, v_actor.roles),
    nullif(usher.roles_problem(v_invite.organisation_id, v_invite.roles, v_actor.roles), 'invalid_role'));
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  if v_roles = v_invite.roles then
    return usher.invite_view(v_invite.id);
  end if;

  update usher.invites i
  set roles = v_roles, issue = i.issue + 1
  where i.id = v_invite.id;
  perform usher.record_event(v_invite.organisation_id, 'invite.roles_updated', 'invite', v_invite.id,
    before => jsonb_build_object('roles', v_invite.roles), after => jsonb_build_object('roles', v_roles));
  perform usher.enqueue_delivery(
    'invite', v_invite.organisation_id, v_invite.email, v_invite.locale, v_invite.id);
  perform usher.wake_worker();
  return usher.invite_view(v_invite.id);
end
$function$;

REVOKE ALL ON TABLE "public"."organisation_invites" FROM "anon";

CREATE INDEX organisation_audit_events_newest ON public.organisation_audit_events USING btree (organisation_id, occurred_at DESC, id DESC);

CREATE INDEX organisation_deliveries_due ON public.organisation_deliveries USING btree (is_bulk, due_at) WHERE (status = ANY (ARRAY['queued'::text, 'sending'::text]));

CREATE INDEX organisation_deliveries_invite_id ON public.organisation_deliveries USING btree (invite_id);

CREATE INDEX organisation_deliveries_member_id ON public.organisation_deliveries USING btree (member_id);

CREATE INDEX organisation_deliveries_organisation_id ON public.organisation_deliveries USING btree (organisation_id, created_at DESC);

CREATE UNIQUE INDEX organisation_domains_one_owner ON public.organisation_domains USING btree (domain) WHERE (verified_at IS NOT NULL);

CREATE INDEX organisation_join_requests_newest ON public.organisation_join_requests USING btree (organisation_id, created_at DESC);

CREATE UNIQUE INDEX organisation_join_requests_one_pending ON public.organisation_join_requests USING btree (organisation_id, user_id) WHERE (status = 'pending'::text);

CREATE INDEX organisation_join_requests_user_id ON public.organisation_join_requests USING btree (user_id);

CREATE INDEX organisation_members_email ON public.organisation_members USING btree (organisation_id, email);

CREATE UNIQUE INDEX organisation_members_one_owner ON public.organisation_members USING btree (organisation_id) WHERE ('owner'::text = ANY (roles));

CREATE INDEX organisation_members_user_id ON public.organisation_members USING btree (user_id);

CREATE INDEX device_codes_key_id ON usher.device_codes USING btree (key_id);

CREATE INDEX invites_due ON usher.invites USING btree (expires_at) WHERE (status = 'pending'::text);

CREATE INDEX invites_newest ON usher.invites USING btree (organisation_id, created_at DESC, id DESC);

CREATE UNIQUE INDEX invites_one_pending ON usher.invites USING btree (organisation_id, email) WHERE (status = 'pending'::text);

CREATE INDEX invites_pending_email ON usher.invites USING btree (email) WHERE (status = 'pending'::text);

CREATE INDEX sign_up_invites_invite_id ON usher.sign_up_invites USING btree (invite_id);

CREATE UNIQUE INDEX signing_keys_one_signs ON usher.signing_keys USING btree ((true)) WHERE (retired_at IS NULL);


CREATE TRIGGER usher_closed_door BEFORE INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION usher.tg_users__closed_door();

CREATE TRIGGER usher_follow_profile AFTER UPDATE OF email, raw_user_meta_data ON auth.users FOR EACH ROW WHEN (((old.email IS DISTINCT FROM new.email) OR ((old.raw_user_meta_data)::text IS DISTINCT FROM (new.raw_user_meta_data)::text))) EXECUTE FUNCTION usher.tg_users__follow_profile();

CREATE TRIGGER usher_join_when_confirmed_at_once AFTER INSERT ON auth.users FOR EACH ROW WHEN ((new.email_confirmed_at IS NOT NULL)) EXECUTE FUNCTION usher.tg_users__join_when_confirmed();

CREATE TRIGGER usher_join_when_confirmed AFTER UPDATE OF email_confirmed_at ON auth.users FOR EACH ROW WHEN (((old.email_confirmed_at IS NULL) AND (new.email_confirmed_at IS NOT NULL))) EXECUTE FUNCTION usher.tg_users__join_when_confirmed();

CREATE TRIGGER usher_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.organisation_audit_events FOR EACH STATEMENT EXECUTE FUNCTION usher.tg_organisation_audit_events__append_only();

CREATE TRIGGER usher_keep_owner BEFORE DELETE ON public.organisation_members FOR EACH ROW WHEN (('owner'::text = ANY (old.roles))) EXECUTE FUNCTION usher.tg_organisation_members__keep_owner();

CREATE POLICY "organisation_audit_events_select" ON "public"."organisation_audit_events" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('audit.read'::text) AS organisations_where)));

CREATE POLICY "organisation_deliveries_select" ON "public"."organisation_deliveries" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('invite.read'::text) AS organisations_where)));

CREATE POLICY "organisation_domains_select" ON "public"."organisation_domains" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('organisation.update'::text) AS organisations_where)));

CREATE POLICY "organisation_join_requests_select" ON "public"."organisation_join_requests" FOR SELECT TO "authenticated" USING (((user_id = ( SELECT auth.uid() AS uid)) OR (organisation_id IN ( SELECT usher.organisations_where('invite.read'::text) AS organisations_where))));

CREATE POLICY "organisation_members_select" ON "public"."organisation_members" FOR SELECT TO "authenticated" USING (((user_id = ( SELECT auth.uid() AS uid)) OR (organisation_id IN ( SELECT usher.organisations_where('member.read'::text) AS organisations_where))));

CREATE POLICY "organisation_role_exclusions_select" ON "public"."organisation_role_exclusions" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('role.read'::text) AS organisations_where)));

CREATE POLICY "organisation_roles_select" ON "public"."organisation_roles" FOR SELECT TO "authenticated" USING (((organisation_id IS NULL) OR (organisation_id IN ( SELECT usher.organisations_where('role.read'::text) AS organisations_where))));

CREATE POLICY "organisations_select" ON "public"."organisations" FOR SELECT TO "authenticated" USING ((id IN ( SELECT usher.organisations_where('organisation.read'::text) AS organisations_where)));

CREATE POLICY "audit_seals_nobody" ON "usher"."audit_seals" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "device_codes_nobody" ON "usher"."device_codes" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "invite_tokens_nobody" ON "usher"."invite_tokens" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "invites_select" ON "usher"."invites" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('invite.read'::text) AS organisations_where)));

CREATE POLICY "permissions_nobody" ON "usher"."permissions" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "rate_limits_nobody" ON "usher"."rate_limits" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "role_assigners_nobody" ON "usher"."role_assigners" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "sealed_events_nobody" ON "usher"."sealed_events" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "settings_nobody" ON "usher"."settings" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "sign_up_invites_nobody" ON "usher"."sign_up_invites" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "signing_keys_nobody" ON "usher"."signing_keys" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "suppressed_addresses_nobody" ON "usher"."suppressed_addresses" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_audit_events"."actor_kind" IS 'user, device; invitee: the holder of a link, without a session; worker; operator: by SQL.';

COMMENT ON COLUMN "public"."organisation_audit_events"."event" IS 'thing.happened, such as invite.accepted.';

COMMENT ON COLUMN "public"."organisation_audit_events"."ip" IS 'As the API''s first proxy reports it (x-forwarded-for); null for SQL and for the worker.';

COMMENT ON COLUMN "public"."organisation_deliveries"."due_at" IS 'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';

COMMENT ON COLUMN "public"."organisation_deliveries"."facts" IS 'What a mail about a membership says, as it was when it was caused: roles, by whom.';

COMMENT ON COLUMN "public"."organisation_deliveries"."fence" IS 'Goes up with each lease; older holders are refused.';

COMMENT ON COLUMN "public"."organisation_deliveries"."in_doubt_at" IS 'When a connection was lost after the mail had gone out: it may have arrived. One more try follows.';

COMMENT ON COLUMN "public"."organisation_deliveries"."issue" IS 'Which issue of the invite it announces.';

COMMENT ON COLUMN "public"."organisation_domains"."join_policy" IS 'none; join: people of the domain become members by themselves; ask: they ask, and are approved.';

COMMENT ON COLUMN "public"."organisation_domains"."role" IS 'What they join with.';

COMMENT ON COLUMN "public"."organisation_domains"."verification" IS 'What the TXT record at _usher.<domain> has to say.';

COMMENT ON COLUMN "public"."organisation_members"."display_name" IS 'What the account calls itself; null when it says nothing fit to show.';

COMMENT ON COLUMN "public"."organisation_members"."email" IS 'The account''s address, kept in step with auth.users, which the API does not show.';

COMMENT ON COLUMN "public"."organisation_members"."status_reason" IS 'Why they were removed or banned.';

COMMENT ON COLUMN "public"."organisation_role_exclusions"."cardinality" IS 'So many of the roles may not come together: 2 means that no two may.';

COMMENT ON COLUMN "public"."organisation_roles"."granted_permissions" IS 'What was granted to an own role itself; empty for a built-in one.';

COMMENT ON COLUMN "public"."organisation_roles"."inherits" IS 'Roles whose permissions an own role has as well.';

COMMENT ON COLUMN "public"."organisation_roles"."permissions" IS 'All that it permits: what was granted and what it inherits. Names out of usher.permissions.';

COMMENT ON COLUMN "public"."organisations"."accent_colour" IS 'For pages and mails: # and six lower-case hex digits.';

COMMENT ON COLUMN "public"."organisations"."allowed_email_domains" IS 'Only addresses of these domains may be invited and may accept; empty: any.';

COMMENT ON COLUMN "public"."organisations"."audit_retention" IS 'How long the trail is kept, 30 days or more; null: for ever.';

COMMENT ON COLUMN "public"."organisations"."expiry_mail" IS 'Whether who sent an invite hears when it has expired.';

COMMENT ON COLUMN "public"."organisations"."invite_ttl" IS 'Lifetime of an invite when it names none: 1 hour to 30 days.';

COMMENT ON COLUMN "public"."organisations"."locale" IS 'Language of its mails when an invite names none.';

COMMENT ON COLUMN "public"."organisations"."reminder_before" IS 'How long before its end an unanswered invite is brought to mind again, once; null: not.';

COMMENT ON COLUMN "public"."organisations"."reply_to" IS 'Where answers to its mails go; null: nowhere.';

COMMENT ON COLUMN "public"."organisations"."seat_limit" IS 'How many active members there may be; null: any number.';

COMMENT ON COLUMN "public"."organisations"."self_service_resend" IS 'Whether the holder of an expired link gets a new one without asking an admin.';

COMMENT ON COLUMN "usher"."audit_seals"."hash" IS 'SHA-256 over the hash of the seal before and the hashes of the events that it covers, in order.';

COMMENT ON COLUMN "usher"."audit_seals"."purged_at" IS 'When its events were removed because their time was over; their hashes stay.';

COMMENT ON COLUMN "usher"."invites"."invited_by" IS 'Who made it; no foreign key, because it outlives the account.';

COMMENT ON COLUMN "usher"."invites"."issue" IS 'Which sending of it counts: links of an earlier issue are dead. 1 at first, one more with each resend.';

COMMENT ON COLUMN "usher"."invites"."lifetime" IS 'How long each issue of it lives: 1 hour to 30 days.';

COMMENT ON COLUMN "usher"."invites"."reminded_issue" IS 'The issue that was brought to mind; each is at most once.';

COMMENT ON COLUMN "usher"."settings"."auth_confirms_addresses" IS 'Whether the project''s Auth confirms an address by a mail to it. Only then is having the address proof
enough to accept an invite without its link.';

COMMENT ON COLUMN "usher"."settings"."invites_per_day" IS 'Invites of one organisation within 24 hours: two full batches, so that a stolen session cannot spam.';

COMMENT ON COLUMN "usher"."settings"."redirect_origins" IS 'Origins, beside site_url''s own, that an invite may lead to once it is accepted.';

COMMENT ON COLUMN "usher"."settings"."resend_cooldown" IS 'Time between two resends of one invite. A minute, as Supabase Auth has it between two mails.';

COMMENT ON COLUMN "usher"."settings"."resends_per_day" IS 'Resends of one invite within 24 hours: whoever ignores five will ignore the sixth.';

COMMENT ON COLUMN "usher"."settings"."sign_up" IS 'open: anyone may make an account; invite_only: those with a pending invite, or a device with a code.';

COMMENT ON COLUMN "usher"."settings"."site_url" IS 'Where the pages are, without a slash at the end. Mailed links are {site_url}/invite#{token}.';

COMMENT ON COLUMN "usher"."signing_keys"."secret" IS '32 bytes, only where the project has no Vault.';

COMMENT ON COLUMN "usher"."signing_keys"."vault_secret_id" IS 'Where it lies in vault.secrets, as hex.';

COMMENT ON FUNCTION "public"."accept_my_organisation_invite"(uuid) IS 'Accepts one of list_my_organisation_invites without the link.

Only where usher.settings.auth_confirms_addresses says that the project''s Auth confirms addresses by mail:
otherwise anyone could register the address and take the invite, and it fails with permission_denied.
Fails with invite_not_found, and as accept_organisation_invite does.';

COMMENT ON FUNCTION "public"."accept_organisation_invite"(text) IS 'Accepts an invite: the caller becomes a member with the invite''s roles, in one transaction.

  token  as the mailed link carries it

Returns the membership. Anyone signed in whose confirmed address is the invited one may. Fails with
unauthenticated, invite_invalid, invite_superseded, invite_already_accepted, invite_declined,
invite_revoked, invite_expired, invite_wrong_email, email_unverified, invalid_role (a role is gone),
domain_not_allowed, seat_limit_reached, already_member, member_banned; the invite then stays as it was.';

COMMENT ON FUNCTION "public"."approve_organisation_join_request"(uuid, text[]) IS 'Lets somebody in who asked to join.

  roles  what they join with; without it, the role of their domain

Returns the membership. Needs invite.create, and the right to give the roles. Fails with unauthenticated,
invite_not_found, permission_denied, invite_not_pending, invalid_role, role_not_assignable,
seat_limit_reached, already_member, member_banned.';

COMMENT ON FUNCTION "public"."ban_organisation_member"(uuid, uuid, text) IS 'Shuts a member, or a former one, out: no access, no invite, no accepting, until the ban is lifted. Pending
invites to them and by them are revoked.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
member_banned, invalid_message.';

COMMENT ON FUNCTION "public"."create_organisation"(text, text) IS 'Creates an organisation; the caller becomes its owner.

  name  one line, 1 to 100 characters
  slug  2 to 63 of a-z, 0-9 and single inner hyphens; without it, one is made of the name

Returns the organisation. Anyone signed in may. Fails with unauthenticated, invalid_settings,
invalid_slug, slug_taken.';

COMMENT ON FUNCTION "public"."create_organisation_device_invite"(uuid, text, text[], interval) IS 'Invites a device: makes a short code for it, to be read out and typed in.

  device_name  what people call it: one line, 1 to 100 characters
  roles        as in create_organisation_invite
  expires_in   1 hour to 30 days; without it, a day

Returns the invite with its code, shown this once. Needs invite.create, and the right to give each of the
roles. Fails with unauthenticated, organisation_not_found, permission_denied, role_not_assignable,
invalid_role, invalid_expiry, invalid_settings, seat_limit_reached, rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_domain"(uuid, text) IS 'Claims a mail domain. It counts once a TXT record at _usher.<domain> holds what verification says; workers
look for it for 30 days.

Returns the domain with its verification. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) IS 'Invites an address to an organisation, with exactly these roles; the mail goes out at once.

  email        one address; case and spaces around it do not matter
  roles        1 to 20 names of roles; never owner, which is transferred
  expires_in   1 hour to 30 days; without it, the organisation''s invite_ttl (7 days)
  message      to the invitee: plain text of at most 1,000 characters
  locale       language of the mail and the page, such as de-AT; without it, the organisation''s
  redirect_to  where to go after accepting: a path, or an address of an allowed origin
  metadata     an object of at most 8 kB for the application''s own use
  template_id  the mail template; without it, the built-in one

Returns the invite, never the token. Needs invite.create, and the right to give each of the roles. Fails
with unauthenticated, organisation_not_found, permission_denied, role_not_assignable, domain_not_allowed,
member_banned, already_member, already_invited (details: the id of the open invite), seat_limit_reached,
invalid_email, invalid_role, invalid_expiry, invalid_message, invalid_redirect, invalid_settings,
rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) IS 'Invites up to 10,000 addresses in one call; good rows are not lost to bad ones.

  invites  an array of objects with the parameters of create_organisation_invite: email and roles, and
           where wanted expires_in, message, locale, redirect_to, metadata

Returns a row for each row given, in order: row_number (from 1), email, status (created or failed),
invite_id, error_code, error_details (for already_invited: the id of the invite in the way). Needs
invite.create. Fails as a whole with unauthenticated, organisation_not_found, permission_denied,
batch_too_large, seat_limit_reached, invalid_settings, rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_role"(uuid, text, text, text[], text[]) IS 'Makes an own role.

  name         1 to 63 of a-z, 0-9, - and _, a letter first; free in the organisation and not built in
  description  at most 500 characters
  permissions  what it permits, out of what the caller holds
  inherits     roles whose permissions it has as well; never owner

Returns the role. Needs role.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_role, invalid_settings (an unknown permission).';

COMMENT ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) IS 'Separates duties: nobody may hold so many of these roles, by themselves or by inheritance. One of the same
name is replaced.

  name         one line, at most 100 characters
  roles        two or more roles of the organisation, never owner
  cardinality  how many are too many; 2: no two together

Returns the exclusion. It holds for invites, for accepting and for changes of roles. Needs role.manage.
Fails with unauthenticated, organisation_not_found, permission_denied, invalid_role, role_in_use (a member
holds them together already). Source: ANSI/INCITS 359-2004, CreateSsdSet and SetSsdSetCardinality.';

COMMENT ON FUNCTION "public"."decline_organisation_invite"(text, text) IS 'Declines an invite for good; the admins of the organisation get a mail.

  token   as the mailed link carries it
  reason  for the admins: plain text of at most 500 characters

Returns what validate_organisation_invite now says. Whoever holds the link may, with or without an account.
Fails with invite_invalid, invite_superseded, invite_already_accepted, invite_declined, invite_revoked,
invite_expired, invalid_message.';

COMMENT ON FUNCTION "public"."decline_organisation_join_request"(uuid, text) IS 'Turns a request to join down; they may ask again.

  reason  at most 500 characters; the one who asked can read it

Returns the request. Needs invite.create. Fails with unauthenticated, invite_not_found, permission_denied,
invite_not_pending, invalid_message.';

COMMENT ON FUNCTION "public"."delete_organisation"(uuid) IS 'Deletes an organisation with its members, roles, invites and mails, for good. Its audit trail stays, for
operators. The owner may. Fails with unauthenticated, organisation_not_found, permission_denied.';

COMMENT ON FUNCTION "public"."delete_organisation_domain"(uuid, text) IS 'Gives a domain up; who has joined by it stays. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."delete_organisation_role"(uuid, text) IS 'Deletes an own role that nobody holds. Needs role.manage and all that the role permits. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role, role_in_use (details: members,
invites, roles or exclusions).';

COMMENT ON FUNCTION "public"."delete_organisation_role_exclusion"(uuid, text) IS 'Lifts a separation of duty. Needs role.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_role. Source: ANSI/INCITS 359-2004, DeleteSsdSet.';

COMMENT ON FUNCTION "public"."enrol_organisation_device"(text) IS 'Enrols the caller, a device that is signed in to an account of its own, with a code.

  code  as the admin was shown it; case, spaces and hyphens do not matter

Returns the membership, of kind device. Anyone signed in may. Fails with unauthenticated, invite_invalid (no
such code; an answer of status 404, not an exception, so that the guess is counted), rate_limited (ten wrong
codes within an hour), invite_already_accepted, invite_revoked, invite_expired, invalid_role,
role_not_assignable, seat_limit_reached, already_member, member_banned.';

COMMENT ON FUNCTION "public"."expire_organisation_invite"(uuid) IS 'Lets a pending invite expire now. Unlike a revoked one, it can be sent again.

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found,
permission_denied, invite_not_pending.';

COMMENT ON FUNCTION "public"."grant_organisation_permission"(uuid, text, text) IS 'Adds a permission that the caller holds to an own role. Returns the role. Needs role.manage. Fails as
update_organisation_role does.';

COMMENT ON FUNCTION "public"."has_organisation_permission"(uuid, text) IS 'Whether the caller may do something in an organisation.

  permission  thing.action, such as invite.create

False, too, for an organisation or a permission that does not exist. For one row; to filter many, let a
policy ask usher.organisations_where. Anyone signed in may.';

COMMENT ON FUNCTION "public"."join_organisation"(uuid) IS 'Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested (also when asked before). Fails with unauthenticated, organisation_not_found
(also where the caller''s address does not open it), already_member, member_banned, seat_limit_reached,
invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "public"."leave_organisation"(uuid) IS 'Ends the caller''s own membership. Returns it. Any member may but the owner, who transfers or deletes the
organisation. Fails with unauthenticated, organisation_not_found, owner_required.';

COMMENT ON FUNCTION "public"."list_joinable_organisations"() IS 'Organisations that the caller may join, or ask to, because of the domain of their confirmed address. Anyone
signed in may.';

COMMENT ON FUNCTION "public"."list_my_organisation_invites"() IS 'The pending invites to the caller''s own address, newest first.

Empty until the address is confirmed. Anyone signed in may.';

COMMENT ON FUNCTION "public"."list_my_organisation_permissions"(uuid) IS 'What the caller may do in an organisation: names of permissions, sorted; none for a member without a
role.

Any member may. Fails with unauthenticated, organisation_not_found.';

COMMENT ON FUNCTION "public"."list_my_organisations"() IS 'The organisations that the caller is an active member of, by name, with the caller''s own roles, kind of
membership (user or device) and day of joining. Anyone signed in may.';

COMMENT ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) IS 'The invites of an organisation, newest first, a page at a time.

  status     only those that are pending, accepted, declined, revoked or expired
  search     only those whose address, or device''s name, holds this text, in any case
  cursor     the id of the last invite of the page before; without it, the first page
  page_size  1 to 500

Returns invites; fewer than page_size means that there are no more. Needs invite.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invite_not_found (a cursor
that is not this organisation''s).';

COMMENT ON FUNCTION "public"."list_organisation_member_permissions"(uuid, uuid) IS 'UserPermissions: all that an active member may do, sorted. Needs member.read. Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found.';

COMMENT ON FUNCTION "public"."list_organisation_member_roles"(uuid, uuid) IS 'AssignedRoles: the roles that an active member is given, sorted. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found.';

COMMENT ON FUNCTION "public"."list_organisation_role_members"(uuid, text) IS 'AssignedUsers: the active members who are given this role itself, by address. A member who has it by
inheritance only is not among them. Needs member.read. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_role.';

COMMENT ON FUNCTION "public"."list_organisation_role_permissions"(uuid, text) IS 'RolePermissions: all that a role permits, its own and what it inherits, sorted. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role.';

COMMENT ON FUNCTION "public"."organisation_invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) IS 'How invites fare, exactly, from the rows.

  since, until  the time in which invites were made: from since on, before until; without them, the last 30
                days; at most five years

Returns counts by state as they are now; acceptance_rate, of those no longer pending; the median of hours
from making to accepting; mails sent, and the shares of mails delivered and bounced (0 to 1, null when there
are none); days: for each day in UTC on which something happened, how many were created, accepted, declined,
revoked and expired. Needs invite.read. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."remove_organisation_member"(uuid, uuid, text) IS 'Ends a membership at once; the person gets a mail and may be invited again.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.remove and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
invalid_message.';

COMMENT ON FUNCTION "public"."request_organisation_invite_resend"(text) IS 'Asks for a new link with one that has expired. Where the organisation allows it, a new mail goes to the
invited address; otherwise those who may send it again get a mail. Once a day counts.

Answers the same whatever happens, so that nothing can be learnt from it. Whoever holds the link may.';

COMMENT ON FUNCTION "public"."resend_organisation_invite"(uuid) IS 'Sends an invite again: a new mail with a new link, the old links die, and its time starts anew.

  invite_id  an invite that is pending or has expired

Returns the invite. Needs invite.resend, and the right to give its roles. Fails with unauthenticated,
invite_not_found, permission_denied, invite_not_pending, role_not_assignable, invalid_role,
domain_not_allowed, already_member, member_banned, already_invited, rate_limited (with Retry-After).';

COMMENT ON FUNCTION "public"."reveal_organisation_invite_link"(uuid) IS 'The link of a pending invite, for when mail cannot bring it; the trail says who took it. It works beside the
mailed one, and only for the invited address.

Returns the link. Needs invite.reveal, and the right to give the invite''s roles. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, role_not_assignable.';

COMMENT ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) IS 'Withdraws a pending invite for good; its link stops working at once.

  invite_id  the invite
  reason     at most 500 characters; for the audit trail, never shown to the invitee

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found (also for another
tenant''s), permission_denied, invite_not_pending, invalid_message.';

COMMENT ON FUNCTION "public"."revoke_organisation_permission"(uuid, text, text) IS 'Takes a permission from an own role; what it inherits stays. Returns the role. Needs role.manage. Fails as
update_organisation_role does.';

COMMENT ON FUNCTION "public"."transfer_organisation_ownership"(uuid, uuid) IS 'Hands an organisation over; the old owner becomes an admin. The only way to a second owner.

  new_owner_id  the user id of another active member

Returns the membership of the new owner; both get a mail. The owner may. Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found.';

COMMENT ON FUNCTION "public"."unban_organisation_member"(uuid, uuid, text) IS 'Lifts a ban. The person is then a removed member, who may be invited again.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member held. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, invalid_message.';

COMMENT ON FUNCTION "public"."update_organisation"(uuid, jsonb) IS 'Changes settings of an organisation; what is left out stays, and null takes an optional one back.

  changes  an object with any of
    name                   one line, 1 to 100 characters
    slug                   2 to 63 of a-z, 0-9 and single inner hyphens
    logo_url               an https address, or null
    accent_colour          #rrggbb, or null
    reply_to               where answers to its mails go, or null
    locale                 language of its mails, such as de-AT
    invite_ttl             lifetime of invites: 1 hour to 30 days
    seat_limit             how many active members there may be, 1 or more, or null
    allowed_email_domains  only addresses of these may be invited and may accept; empty: any
    self_service_resend    whether the holder of an expired link gets a new one without an admin
    expiry_mail            whether who sent an invite hears when it has expired
    reminder_before        how long before its end an invite is brought to mind: 1 hour to 14 days, or null
    audit_retention        how long the trail is kept, 30 days or more, or null: for ever

Returns the organisation. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.';

COMMENT ON FUNCTION "public"."update_organisation_domain"(uuid, text, text, text) IS 'Says what people of a domain may do, once it is verified; what is left out stays.

  join_policy  none; join: become members by themselves; ask: ask, and be approved
  role         what they join with; the caller must be able to give it

Returns the domain. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) IS 'Changes what a pending invite offers. The roles are signed into the link, so a new mail goes out, and the old
links die; the time that is left stays.

  roles  as in create_organisation_invite

Returns the invite. Needs invite.create, and the right to give the old roles and the new. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, invalid_role,
role_not_assignable.';

COMMENT ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) IS 'Gives a member exactly these roles; they count at once, and the member gets a mail.

  roles  names of roles, or none: a member without a role may do nothing; never owner

Returns the membership. Needs member.update, at least the permissions that the member holds, and the right
to give what is added. Fails with unauthenticated, organisation_not_found, permission_denied,
member_not_found, owner_required, invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "public"."update_organisation_role"(uuid, text, text, text[], text[]) IS 'Changes an own role; what is left out stays. Its holders have the new permissions at once. The name stays for
good, because it is signed into links.

  description, permissions, inherits  as in create_organisation_role

Returns the role. Needs role.manage and all that the role permits, before and after. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_not_assignable (a member would hold what may not be held together).';

COMMENT ON FUNCTION "public"."validate_organisation_invite"(text) IS 'What an invitee may see before deciding: who invites to what, as what, until when.

  token  as the mailed link carries it

Never raises for a bad token and never changes anything. status is pending, accepted, declined, revoked,
expired, superseded (a newer mail was sent) or invalid; reason is the error code that accepting would give,
null while it is pending. has_account says whether to offer signing in or registering. A link that is
spent shows the organisation only; one that is not ours, nothing. Anyone may.';

COMMENT ON FUNCTION "public"."verify_organisation_audit_trail"(uuid) IS 'Recomputes the seals of the trail, and says the first event that does not fit.

Returns is_whole; how many events there are, how many are sealed (those of the last minute are not yet) and
from how many a person''s data was erased;
last_seal, the newest hash, to be kept elsewhere and compared later; and where it is not whole, problem
(event_changed, event_removed, event_inserted, seal_broken) with the event_id and the seal_number. Needs
audit.read. Fails with unauthenticated, organisation_not_found, permission_denied.';

COMMENT ON FUNCTION "usher"."accept_invite"(text) IS 'The rule behind public.accept_organisation_invite.';

COMMENT ON FUNCTION "usher"."accept_my_invite"(uuid) IS 'The rule behind public.accept_my_organisation_invite.';

COMMENT ON FUNCTION "usher"."accept_open_invite"(usher.invites) IS 'Makes the caller a member by this invite, if it is theirs and still open: one transaction, with the event and
the mail. Fails as public.accept_organisation_invite says, but for what is wrong with a token.';

COMMENT ON FUNCTION "usher"."add_member"(uuid, uuid, text[]) IS 'Makes someone an active member with exactly these roles, or brings back who had left or was removed.

Fails with already_member, member_banned, and unauthenticated when the account is gone.';

COMMENT ON FUNCTION "usher"."answer_error"(text) IS 'An error as an answer instead of an exception: same status and body over HTTP, but what the transaction has
counted stays counted. For guesses.';

COMMENT ON FUNCTION "usher"."approve_join_request"(uuid, text[]) IS 'The rule behind public.approve_organisation_join_request.';

COMMENT ON FUNCTION "usher"."ban_member"(uuid, uuid, text) IS 'The rule behind public.ban_organisation_member.';

COMMENT ON FUNCTION "usher"."before_user_created"(jsonb) IS 'Supabase Auth''s before-user-created hook: refuses in words whom the trigger on auth.users would refuse.

  event  as Supabase Auth sends it: {"metadata": …, "user": {"email", "user_metadata", …}}

Returns {} or {"error": {"http_code", "message"}}. In config.toml, [auth.hook.before_user_created] with
uri = "pg-functions://postgres/usher/before_user_created".
Source: https://supabase.com/docs/guides/auth/auth-hooks/before-user-created-hook';

COMMENT ON FUNCTION "usher"."clean_line"(text, integer) IS 'One line of text that may stand in a subject or beside other text: trimmed, NFC, 1 to max_length
characters. Null if it holds a line break, another control character, or one that turns the direction
of the text around it: each can make a mail say what its sender did not write.';

COMMENT ON FUNCTION "usher"."clean_roles"(text[]) IS 'Sorted, each once: the one form in which a set of roles is stored, compared and signed.';

COMMENT ON FUNCTION "usher"."clean_text"(text, integer) IS 'Text of several lines: trimmed, NFC, at most max_length characters. Null if it holds a control
character other than a line break or a tab, or one that turns the direction of the text.';

COMMENT ON FUNCTION "usher"."complete_delivery"(uuid, bigint, text, text) IS 'Writes down that a mail server took a mail. For workers.

  response             what it answered, kept to 1,000 characters
  provider_message_id  the provider''s own id, to match its webhooks

False when the fence is old: another worker has taken over, and what it says counts.';

COMMENT ON FUNCTION "usher"."confirm_domain"(uuid, text, text[]) IS 'Takes what a worker found in the TXT records at _usher.<domain>, and decides whether that proves the domain.

  txt_values  each record as one text; empty when there are none

Returns whether the domain is verified by this.';

COMMENT ON FUNCTION "usher"."create_device_invite"(uuid, text, text[], interval) IS 'The rule behind public.create_organisation_device_invite.';

COMMENT ON FUNCTION "usher"."create_domain"(uuid, text) IS 'The rule behind public.create_organisation_domain.';

COMMENT ON FUNCTION "usher"."create_invite"(uuid, jsonb) IS 'One invite by the rule of usher.create_invites; a refusal is raised.';

COMMENT ON FUNCTION "usher"."create_invites"(uuid, jsonb) IS 'The rule behind create_organisation_invite and create_organisation_invites: judges each draft, creates the
good ones with their audit events and deliveries, and says what became of each, in order.';

COMMENT ON FUNCTION "usher"."create_organisation"(text, text) IS 'The rule behind public.create_organisation.';

COMMENT ON FUNCTION "usher"."create_permission"(text, text, text[]) IS 'Adds a permission of the application to the registry. For operators, in a migration of the application.

  name         thing.action, in lower case, such as invoice.approve
  description  at most 500 characters
  roles        which built-in roles hold it, beside owner, who holds everything

Ask for it by has_organisation_permission and usher.organisations_where. Returns the permission. Fails with
invalid_settings.';

COMMENT ON FUNCTION "usher"."create_role"(uuid, text, text, text[], text[]) IS 'The rule behind public.create_organisation_role.';

COMMENT ON FUNCTION "usher"."create_role_exclusion"(uuid, text, text[], integer) IS 'The rule behind public.create_organisation_role_exclusion.';

COMMENT ON FUNCTION "usher"."decline_invite"(text, text) IS 'The rule behind public.decline_organisation_invite.';

COMMENT ON FUNCTION "usher"."decline_join_request"(uuid, text) IS 'The rule behind public.decline_organisation_join_request.';

COMMENT ON FUNCTION "usher"."delete_domain"(uuid, text) IS 'The rule behind public.delete_organisation_domain.';

COMMENT ON FUNCTION "usher"."delete_organisation"(uuid) IS 'The rule behind public.delete_organisation.';

COMMENT ON FUNCTION "usher"."delete_role"(uuid, text) IS 'The rule behind public.delete_organisation_role.';

COMMENT ON FUNCTION "usher"."delete_role_exclusion"(uuid, text) IS 'The rule behind public.delete_organisation_role_exclusion.';

COMMENT ON FUNCTION "usher"."device_code_hash"(text, integer) IS 'What is kept of a device code: its HMAC under a signing key. Case, spaces and hyphens do not matter.';

COMMENT ON FUNCTION "usher"."display_name"(jsonb) IS 'What a person calls themselves in their sign-up data, if it is one line of at most 100 characters.
They can write anything there: it is shown beside the address, and decides nothing.';

COMMENT ON FUNCTION "usher"."email_domain"(text) IS 'The part after the @ of a normalised address.';

COMMENT ON FUNCTION "usher"."end_invite"(uuid, text) IS 'Revokes an invite that its caller has checked, with the event.';

COMMENT ON FUNCTION "usher"."end_membership"(uuid, text, text, text) IS 'Ends a membership that its caller has checked, with the event; its roles are kept as they were.';

COMMENT ON FUNCTION "usher"."enqueue_delivery"(text, uuid, text, text, uuid, boolean) IS 'Puts a mail about an invite into the outbox, to go out when this transaction has been committed.';

COMMENT ON FUNCTION "usher"."enqueue_invites"(uuid[], boolean) IS 'Puts the mails of several new invites into the outbox at once.';

COMMENT ON FUNCTION "usher"."enqueue_notice"(text, uuid, uuid) IS 'Puts a mail to a member about their membership into the outbox, with the facts as they are now: what is
written later must not change what the mail says happened.';

COMMENT ON FUNCTION "usher"."enrol_device"(text) IS 'The rule behind public.enrol_organisation_device.';

COMMENT ON FUNCTION "usher"."ensure_signing_key"() IS 'The id of the key that signs; makes the first one when there is none yet.';

COMMENT ON FUNCTION "usher"."erase_person"(uuid) IS 'Forgets a person: addresses, names, reasons, computers and browsers go from members, invites, mails and the
trail. What they were and did stays, under an id that no longer leads to anyone. For operators; then delete
the account in Auth, which an owner has to be relieved of first.

  user_id  the account, which must still be there: its address says which invites and mails are theirs';

COMMENT ON FUNCTION "usher"."errors"() IS 'Every error that Usher raises: code, HTTP status, message, and what to do about it.

TypeScript''s ErrorCode union is generated from this list.';

COMMENT ON FUNCTION "usher"."event_hash"(public.organisation_audit_events) IS 'The SHA-256 of all that a line of the trail says, but for what is personal.';

COMMENT ON FUNCTION "usher"."excluded_together"(uuid, text[]) IS 'The name of a separation of duty that these roles, held together, would break; null when none.';

COMMENT ON FUNCTION "usher"."expire_due_invites"(integer) IS 'The sweep: writes down that invites past their time have expired, oldest first. They read as expired before
it, too; the sweep adds the event, and the mail where the organisation wants it. For workers, every minute.

Returns how many; call again when it is as many as batch_size.';

COMMENT ON FUNCTION "usher"."expire_invite"(uuid) IS 'The rule behind public.expire_organisation_invite.';

COMMENT ON FUNCTION "usher"."expire_overdue_invites"(uuid, text[]) IS 'Writes down that the invites of these addresses that are past their time have expired.';

COMMENT ON FUNCTION "usher"."fail"(text, text, text, jsonb) IS 'Refuses: raises the error of this code, so that nothing of the transaction stays.

  code     a word of usher.errors(); an unknown one fails loudly
  hint     what to do about it, where that can be said better than in the list
  details  what it was about, such as the id of the invite in the way; never an address or a token
  headers  HTTP headers of the answer, such as {"Retry-After": "60"}

Never returns.';

COMMENT ON FUNCTION "usher"."fail_delivery"(uuid, bigint, text, text, text) IS 'Writes down that a mail was not taken, and decides whether it is tried again. For workers.

  failure      temporary: again later, at most eight times in all; permanent: never again; in_doubt: the
               connection was lost after the mail had gone out, so at most one more try
  response     what the mail server answered, kept to 1,000 characters
  status_code  its enhanced status code (RFC 3463); 5.1.1 says that the address does not exist, and puts
               it on the list of suppressed addresses

Returns the delivery''s status, queued or failed; null when the fence is old. Waiting times grow from a
minute to a day, a fifth more or less. Source: RFC 5321 section 4.5.4.1.';

COMMENT ON FUNCTION "usher"."fail_rate_limited"(interval) IS 'Refuses with rate_limited; Retry-After, and details, say how many seconds to wait, at least one.';

COMMENT ON FUNCTION "usher"."free_slug"(text) IS 'A slug made of the name that no organisation has at this moment.';

COMMENT ON FUNCTION "usher"."grant_permission"(uuid, text, text) IS 'The rule behind public.grant_organisation_permission.';

COMMENT ON FUNCTION "usher"."has_permission"(uuid, text) IS 'The rule behind public.has_organisation_permission.';

COMMENT ON FUNCTION "usher"."invite_fingerprint"(text, text[]) IS '16 bytes that bind a token to the address and the exact roles that it was minted for.';

COMMENT ON FUNCTION "usher"."invite_for_change"(uuid, text) IS 'The invite, locked until the end of the transaction, with the status it has at this moment. Fails with
unauthenticated, invite_not_found (also for another tenant''s), permission_denied.';

COMMENT ON FUNCTION "usher"."invite_lifetime"(text, interval) IS 'The lifetime asked for, or the organisation''s; null when it is no interval from 1 hour to 30 days.';

COMMENT ON FUNCTION "usher"."invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) IS 'The rule behind public.organisation_invite_metrics.';

COMMENT ON FUNCTION "usher"."invite_problem"(usher.invites) IS 'The error code of why an invite cannot be answered any more; null when it can.';

COMMENT ON FUNCTION "usher"."invite_status"(text, timestamp with time zone) IS 'The status that a stored one stands for at this moment: a pending invite past its time is expired.';

COMMENT ON FUNCTION "usher"."invite_view"(uuid) IS 'An invite as the API shows it, for functions that return one.';

COMMENT ON FUNCTION "usher"."is_locale"(text) IS 'Whether this is a language tag such as en, de-AT, zh-Hant-TW. Source: RFC 5646, without variants.';

COMMENT ON FUNCTION "usher"."is_redirect"(text) IS 'Whether an invite may lead there: a path of the pages, or an address of site_url''s origin or of an origin
in usher.settings.redirect_origins. Source: OWASP Unvalidated Redirects Cheat Sheet.';

COMMENT ON FUNCTION "usher"."is_slug"(text) IS 'Whether this can name an organisation in an address: 2 to 63 of a-z, 0-9 and single inner hyphens, so
that it can also be a DNS label. Source: RFC 1035 section 2.3.1.';

COMMENT ON FUNCTION "usher"."issue_again"(uuid, text) IS 'A new issue of an invite that its caller has checked: old links die, its time starts anew, a mail goes out.
Fails with already_invited when a newer invite of the address is open.';

COMMENT ON FUNCTION "usher"."join_organisation"(uuid) IS 'The rule behind public.join_organisation.';

COMMENT ON FUNCTION "usher"."join_request_for_change"(uuid) IS 'A pending request, locked, for a caller with invite.create; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."lease_deliveries"(text, integer, interval) IS 'Takes mails that are due, single ones before bulk, oldest first. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is.';

COMMENT ON FUNCTION "usher"."leave_organisation"(uuid) IS 'The rule behind public.leave_organisation.';

COMMENT ON FUNCTION "usher"."list_domains_to_verify"() IS 'Claimed domains whose TXT record should be looked up now. For workers.';

COMMENT ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) IS 'The rule behind public.list_organisation_invites.';

COMMENT ON FUNCTION "usher"."list_joinable_organisations"() IS 'The rule behind public.list_joinable_organisations.';

COMMENT ON FUNCTION "usher"."list_member_permissions"(uuid, uuid) IS 'The rule behind public.list_organisation_member_permissions.';

COMMENT ON FUNCTION "usher"."list_member_roles"(uuid, uuid) IS 'The rule behind public.list_organisation_member_roles.';

COMMENT ON FUNCTION "usher"."list_my_invites"() IS 'The rule behind public.list_my_organisation_invites.';

COMMENT ON FUNCTION "usher"."list_my_organisations"() IS 'The rule behind public.list_my_organisations.';

COMMENT ON FUNCTION "usher"."list_my_permissions"(uuid) IS 'The rule behind public.list_my_organisation_permissions.';

COMMENT ON FUNCTION "usher"."list_role_members"(uuid, text) IS 'The rule behind public.list_organisation_role_members.';

COMMENT ON FUNCTION "usher"."list_role_permissions"(uuid, text) IS 'The rule behind public.list_organisation_role_permissions.';

COMMENT ON FUNCTION "usher"."may_sign_up"(text, jsonb) IS 'Whether an account may be made: sign-up is open, the address has a pending invite or is of a domain that lets
its people join, or the sign-up data holds the code of an open device invite (device_code).';

COMMENT ON FUNCTION "usher"."member_for_change"(uuid, uuid, text) IS 'The membership, locked until the end of the transaction. Fails with unauthenticated,
organisation_not_found, permission_denied (also for a member who holds more than the caller),
member_not_found, owner_required.';

COMMENT ON FUNCTION "usher"."mint_invite_token"(uuid) IS 'A new token for the invite as it is now. It works beside those minted earlier for the same issue, so that
a mail that is sent twice has two good links; all die with the next issue.

Called when the mail is rendered or the link revealed; never stored.';

COMMENT ON FUNCTION "usher"."my_joinable_domains"() IS 'Verified domains that the caller''s confirmed address belongs to and that let people join or ask.';

COMMENT ON FUNCTION "usher"."normalise_email"(text) IS 'The one form of an address that is stored and compared: trimmed, NFC, lower case. Null for anything
that is not one address of at most 254 characters. Dots and tags (a.b+c@…) are kept, because only the
mailbox''s owner knows what they mean there.

Source: RFC 5321 section 4.1.2; OWASP Input Validation Cheat Sheet, e-mail addresses.';

COMMENT ON FUNCTION "usher"."organisations_where"(text) IS 'The organisations in which the caller has a permission. For row level security, also of an application''s
own tables, evaluated once a query:

  using (organisation_id in (select usher.organisations_where(''billing.read'')))

Empty for whoever is not signed in.';

COMMENT ON FUNCTION "usher"."own_role_for_change"(uuid, text) IS 'An own role, locked, that the caller may manage as it is; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."permissions_of"(uuid, text[]) IS 'What these roles permit together in this organisation.';

COMMENT ON FUNCTION "usher"."personal_hash"(public.organisation_audit_events, bytea) IS 'The SHA-256 of what is personal in a line of the trail, with a salt of 16 random bytes.';

COMMENT ON FUNCTION "usher"."prepare_delivery"(uuid, bigint) IS 'All that a leased mail needs, read at this moment, with a token of its own. For workers, just before
sending.

Null when it is not to be sent any more: the fence is old, its invite is no longer open or was sent again
(the delivery is then cancelled), or the address is suppressed.';

COMMENT ON FUNCTION "usher"."purge_audit_trail"() IS 'Removes events that are older than their organisation''s audit_retention, by whole seals, and says so in the
trail. For workers, once a day. Returns how many events went.';

COMMENT ON FUNCTION "usher"."random_device_code"() IS 'A new code such as 7KQ4M-XW2BD, from a CSPRNG.';

COMMENT ON FUNCTION "usher"."read_invite_token"(text) IS 'The invite behind a token, and why it cannot be answered any more (null: it can). For a token that is not
ours, problem is invite_invalid and there is no invite.';

COMMENT ON FUNCTION "usher"."recipient_problems"(uuid, text[]) IS 'For each of these addresses, why it may not be sent an invite of this organisation: domain_not_allowed,
member_banned, already_member; null when it may. invite_id is its open invite, if it has one.';

COMMENT ON FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text) IS 'Adds a line to the audit trail.

  event          thing.happened, such as invite.revoked
  target         what it happened to
  before, after  what changed, as it was and as it is; ids and values, never an address or a token
  actor_kind     null: the caller, or an operator when there is none';

COMMENT ON FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text) IS 'Adds a line to the audit trail for each of several targets. See usher.record_event.';

COMMENT ON FUNCTION "usher"."record_expiry"(usher.invites[]) IS 'Writes the events of invites that have just expired, and the mails to who sent them where wanted.';

COMMENT ON FUNCTION "usher"."remind_due_invites"(integer) IS 'Brings unanswered invites to mind before they end, once an issue, where the organisation wants it
(reminder_before). For workers, every minute. Returns how many.';

COMMENT ON FUNCTION "usher"."remove_member"(uuid, uuid, text) IS 'The rule behind public.remove_organisation_member.';

COMMENT ON FUNCTION "usher"."request_header"(text) IS 'A header of the API call, by its lower-case name; null outside of one.';

COMMENT ON FUNCTION "usher"."request_invite_resend"(text) IS 'The rule behind public.request_organisation_invite_resend.';

COMMENT ON FUNCTION "usher"."require_free_seat"(uuid) IS 'Fails with seat_limit_reached when the organisation has as many active members as it may. Until the end
of the transaction nobody else takes the seat.';

COMMENT ON FUNCTION "usher"."require_mailed"(usher.invites) IS 'Refuses with invite_not_pending what is not sent by mail: the invite of a device.';

COMMENT ON FUNCTION "usher"."require_manageable"(uuid, text[]) IS 'Refuses unless the caller has role.manage and holds all of these permissions. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings (an unknown permission).';

COMMENT ON FUNCTION "usher"."require_member"(uuid) IS 'The caller''s membership, or a refusal: unauthenticated, or organisation_not_found, which does not tell
an organisation that is not there from one that is somebody else''s.';

COMMENT ON FUNCTION "usher"."require_permission"(uuid, text) IS 'The guard of every rule: the caller''s membership if it holds the permission. Otherwise a refusal:
permission_denied for a member, and for anyone else what usher.require_member says.';

COMMENT ON FUNCTION "usher"."require_reviewed_member"(uuid, uuid) IS 'An active member of the organisation, for a caller with member.read; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."require_role"(uuid, text) IS 'A role that can be held in the organisation, for a caller with member.read; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."require_roles"(uuid, text[]) IS 'Fails unless all of these roles exist in the organisation at this moment (invalid_role) and may be held
together (role_not_assignable).';

COMMENT ON FUNCTION "usher"."resend_invite"(uuid) IS 'The rule behind public.resend_organisation_invite.';

COMMENT ON FUNCTION "usher"."reveal_invite_link"(uuid) IS 'The rule behind public.reveal_organisation_invite_link.';

COMMENT ON FUNCTION "usher"."revoke_invite"(uuid, text) IS 'The rule behind public.revoke_organisation_invite.';

COMMENT ON FUNCTION "usher"."revoke_permission"(uuid, text, text) IS 'The rule behind public.revoke_organisation_permission.';

COMMENT ON FUNCTION "usher"."role_facts"(public.organisation_roles) IS 'What the trail keeps of a role.';

COMMENT ON FUNCTION "usher"."roles_problem"(uuid, text[], text[]) IS 'Why a holder of assigner_roles may not give these roles: invalid_role (none, over 20, unknown here) or
role_not_assignable (not theirs to give, or not to be held together). Null when they may. An own role may
be given by whoever holds all that is in it.';

COMMENT ON FUNCTION "usher"."roles_with_inherited"(uuid, text[]) IS 'These roles and all that they inherit: the authorised roles of ANSI/INCITS 359-2004.';

COMMENT ON FUNCTION "usher"."rotate_signing_key"() IS 'Makes a new signing key, in Vault where the project has one, and retires the one that signed so far. Links
that are out keep working until they expire. For operators.

Returns the id of the new key.';

COMMENT ON FUNCTION "usher"."save_own_role"(public.organisation_roles, text, jsonb) IS 'Writes a role down, with what it permits by inheritance, and brings those that inherit it up to date. Fails
with invalid_role (an unknown role, a circle), permission_denied, role_not_assignable.';

COMMENT ON FUNCTION "usher"."seal_audit_trail"(integer) IS 'Seals the events of all organisations that are not sealed yet. For workers, every minute. Returns how many
events it sealed.

  batch_size  how many events a seal covers at most';

COMMENT ON FUNCTION "usher"."seal_hash"(uuid, integer, bytea) IS 'What the hash of a seal has to be, given the one before.';

COMMENT ON FUNCTION "usher"."signing_key_secret"(integer) IS 'The 32 bytes of a key that still signs or verifies; null for any other.';

COMMENT ON FUNCTION "usher"."take_allowance"(text, integer, integer, interval) IS 'Counts amount against an allowance within a period that starts with the first use. Fails with
rate_limited when that is more than there is; nothing is counted then.';

COMMENT ON FUNCTION "usher"."tg_identities__no_secrets"() IS 'Takes tokens and codes out of the copy of the sign-up data that Auth keeps with the identity.';

COMMENT ON FUNCTION "usher"."tg_organisation_audit_events__append_only"() IS 'Refuses to change or remove a line, whoever asks, but for retention and erasure.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__keep_owner"() IS 'Refuses with owner_required when the row of an owner would go while the organisation stays.';

COMMENT ON FUNCTION "usher"."tg_users__closed_door"() IS 'Refuses with signup_not_invited; takes an invite token out of the sign-up data and notes its invite.';

COMMENT ON FUNCTION "usher"."tg_users__follow_profile"() IS 'Copies address and name of an account to its memberships.';

COMMENT ON FUNCTION "usher"."tg_users__join_when_confirmed"() IS 'Accepts the invite that an account came with, now that its address is confirmed; never fails.';

COMMENT ON FUNCTION "usher"."transfer_ownership"(uuid, uuid) IS 'The rule behind public.transfer_organisation_ownership.';

COMMENT ON FUNCTION "usher"."unban_member"(uuid, uuid, text) IS 'The rule behind public.unban_organisation_member.';

COMMENT ON FUNCTION "usher"."update_domain"(uuid, text, text, text) IS 'The rule behind public.update_organisation_domain.';

COMMENT ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) IS 'The rule behind public.update_organisation_invite_roles.';

COMMENT ON FUNCTION "usher"."update_member_roles"(uuid, uuid, text[]) IS 'The rule behind public.update_organisation_member_roles.';

COMMENT ON FUNCTION "usher"."update_organisation"(uuid, jsonb) IS 'The rule behind public.update_organisation.';

COMMENT ON FUNCTION "usher"."update_role"(uuid, text, text, text[], text[]) IS 'The rule behind public.update_organisation_role, and of granting and revoking.';

COMMENT ON FUNCTION "usher"."update_settings"(jsonb) IS 'Changes settings of the project, for operators: no role of the API may call it.

  changes  an object of column names of usher.settings and their new values, such as
           {"site_url": "https://app.example.com", "resend_cooldown": "2 minutes"}

Returns all settings. Fails with invalid_settings.';

COMMENT ON FUNCTION "usher"."url_origin"(text) IS 'Scheme, host and port of an absolute https address (http only for this machine itself). Null for any
other, so also for javascript:, for user@host, for backslashes and for spaces.
Source: OWASP Unvalidated Redirects Cheat Sheet.';

COMMENT ON FUNCTION "usher"."validate_invite"(text) IS 'The rule behind public.validate_organisation_invite.';

COMMENT ON FUNCTION "usher"."verify_audit_trail"(uuid) IS 'The rule behind public.verify_organisation_audit_trail.';

COMMENT ON FUNCTION "usher"."verify_invite_token"(text) IS 'What a token says, if it is one of ours: shape and signature only, in constant time, before any invite is
read. Null for anything else.';

COMMENT ON FUNCTION "usher"."wake_worker"() IS 'Tells a listening worker that there is a mail to send. A hint: workers also look by themselves. Not called
when an invite is answered, because notifications make commits wait for each other.';

COMMENT ON SCHEMA "usher" IS 'The rules behind the organisation functions of public. Not exposed over HTTP.';

COMMENT ON TABLE "public"."organisation_audit_events" IS 'The append-only record. Read with audit.read; written in the transaction of the change itself.';

COMMENT ON TABLE "public"."organisation_deliveries" IS 'Mails, sent and to be sent. The Message-ID is the id. Read with invite.read; written by functions only.';

COMMENT ON TABLE "public"."organisation_domains" IS 'Mail domains of organisations. Read with organisation.update; written by functions only.';

COMMENT ON TABLE "public"."organisation_join_requests" IS 'Requests to join. Read with invite.read, and one''s own; written by functions only.';

COMMENT ON TABLE "public"."organisation_members" IS 'Memberships, past ones too. Read with member.read, and one''s own; written by functions only.';

COMMENT ON TABLE "public"."organisation_role_exclusions" IS 'Static separation of duty: of these roles, one subject holds fewer than cardinality. Read with role.read.';

COMMENT ON TABLE "public"."organisation_roles" IS 'The built-in roles (no organisation_id) and the own roles of organisations. Read with role.read.';

COMMENT ON TABLE "public"."organisations" IS 'The tenants. Read with organisation.read; written by functions only.';

COMMENT ON TABLE "usher"."audit_seals" IS 'The chain of seals, from 1 for each organisation.';

COMMENT ON TABLE "usher"."device_codes" IS 'The HMAC of the code of each device invite. The code itself is kept nowhere.';

COMMENT ON TABLE "usher"."invite_tokens" IS 'One row a minted token: the SHA-256 of its nonce, and the issue of the invite that it belongs to.';

COMMENT ON TABLE "usher"."invites" IS 'Offers of membership. The API reads them as public.organisation_invites.';

COMMENT ON TABLE "usher"."permissions" IS 'Every permission there is, as thing.action.';

COMMENT ON TABLE "usher"."rate_limits" IS 'How much of an allowance is used: one row a thing, such as resends:<invite id>. Old rows may be deleted.';

COMMENT ON TABLE "usher"."role_assigners" IS 'Who may give which built-in role. owner is nobody''s to give: it is transferred.';

COMMENT ON TABLE "usher"."sealed_events" IS 'Which seal covers an event, at which place, and its SHA-256 by then. What is personal (address of the
computer, browser, reason) is hashed apart, with a salt: without the salt, nothing can be tried against the
hash, so that it may stay when the data has to go.';

COMMENT ON TABLE "usher"."settings" IS 'Settings of the project. One row; change it by usher.update_settings.';

COMMENT ON TABLE "usher"."sign_up_invites" IS 'Which invite an account that is not confirmed yet came with. The token itself is not kept.';

COMMENT ON TABLE "usher"."signing_keys" IS 'Keys that sign tokens. The one not retired signs; retired ones verify until their last token has expired.';

COMMENT ON TABLE "usher"."suppressed_addresses" IS 'Addresses that a mail server said do not exist. Nothing is sent to them until the row is deleted.';

COMMENT ON TYPE "public"."organisation_audit_verification" IS 'What verify_organisation_audit_trail found.';

COMMENT ON TYPE "public"."organisation_device_invite" IS 'A device invite with its code, which is shown this once.';

COMMENT ON TYPE "public"."organisation_invite_metrics" IS 'Counts and rates of invites over a time, as organisation_invite_metrics returns them.';

COMMENT ON TYPE "public"."organisation_invite_preview" IS 'What an invitee may see before deciding, as validate_organisation_invite returns it.';

COMMENT ON TYPE "public"."organisation_invite_result" IS 'What became of one row: created with its id, or failed with a code, and what stood in the way.';

COMMENT ON TYPE "usher"."delivery_lease" IS 'A delivery that a worker may send now, and the fence to name with it.';

COMMENT ON TYPE "usher"."token_claims" IS 'What a token with a good signature says.';

COMMENT ON TYPE "usher"."token_reading" IS 'The invite that a genuine token is for, and the error code of why it cannot be answered with it any more.';

COMMENT ON VIEW "public"."organisation_invites" IS 'Invites as they stand at this moment. Read with invite.read; written by functions only.';

REVOKE ALL ON FUNCTION "public"."accept_my_organisation_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."accept_my_organisation_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."accept_organisation_invite"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."accept_organisation_invite"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."approve_organisation_join_request"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."approve_organisation_join_request"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."ban_organisation_member"(uuid, uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."ban_organisation_member"(uuid, uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation"(text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation"(text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_device_invite"(uuid, text, text[], interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_device_invite"(uuid, text, text[], interval) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_domain"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_domain"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_role"(uuid, text, text, text[], text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_role"(uuid, text, text, text[], text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."decline_organisation_invite"(text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."decline_organisation_invite"(text, text) TO "anon", "authenticated";

GRANT EXECUTE ON FUNCTION "public"."decline_organisation_invite"(text, text) TO "service_role";

REVOKE ALL ON FUNCTION "public"."decline_organisation_join_request"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."decline_organisation_join_request"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."delete_organisation"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."delete_organisation"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."delete_organisation_domain"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."delete_organisation_domain"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."delete_organisation_role"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."delete_organisation_role"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."delete_organisation_role_exclusion"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."delete_organisation_role_exclusion"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."enrol_organisation_device"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."enrol_organisation_device"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."expire_organisation_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."expire_organisation_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."grant_organisation_permission"(uuid, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."grant_organisation_permission"(uuid, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."has_organisation_permission"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."has_organisation_permission"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."join_organisation"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."join_organisation"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."leave_organisation"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."leave_organisation"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_joinable_organisations"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_joinable_organisations"() TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_my_organisation_invites"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_my_organisation_invites"() TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_my_organisation_permissions"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_my_organisation_permissions"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_my_organisations"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_my_organisations"() TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_member_permissions"(uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_member_permissions"(uuid, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_member_roles"(uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_member_roles"(uuid, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_role_members"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_role_members"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_role_permissions"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_role_permissions"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."organisation_invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."organisation_invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."remove_organisation_member"(uuid, uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."remove_organisation_member"(uuid, uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."request_organisation_invite_resend"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."request_organisation_invite_resend"(text) TO "anon", "authenticated";

GRANT EXECUTE ON FUNCTION "public"."request_organisation_invite_resend"(text) TO "service_role";

REVOKE ALL ON FUNCTION "public"."resend_organisation_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."resend_organisation_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."reveal_organisation_invite_link"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."reveal_organisation_invite_link"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_permission"(uuid, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."revoke_organisation_permission"(uuid, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."transfer_organisation_ownership"(uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."transfer_organisation_ownership"(uuid, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."unban_organisation_member"(uuid, uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."unban_organisation_member"(uuid, uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_domain"(uuid, text, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_domain"(uuid, text, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_role"(uuid, text, text, text[], text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_role"(uuid, text, text, text[], text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."validate_organisation_invite"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."validate_organisation_invite"(text) TO "anon", "authenticated";

GRANT EXECUTE ON FUNCTION "public"."validate_organisation_invite"(text) TO "service_role";

REVOKE ALL ON FUNCTION "public"."verify_organisation_audit_trail"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."verify_organisation_audit_trail"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."accept_invite"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."accept_invite"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."accept_my_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."accept_my_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."accept_open_invite"(usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."add_member"(uuid, uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."answer_error"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."approve_join_request"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."approve_join_request"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."ban_member"(uuid, uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."ban_member"(uuid, uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."before_user_created"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_line"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_roles"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_text"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."complete_delivery"(uuid, bigint, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."complete_delivery"(uuid, bigint, text, text) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."confirm_domain"(uuid, text, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."confirm_domain"(uuid, text, text[]) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."create_device_invite"(uuid, text, text[], interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_device_invite"(uuid, text, text[], interval) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_domain"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_domain"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_invite"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_invite"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_invites"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_invites"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_organisation"(text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_organisation"(text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_permission"(text, text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."create_role"(uuid, text, text, text[], text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_role"(uuid, text, text, text[], text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_role_exclusion"(uuid, text, text[], integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_role_exclusion"(uuid, text, text[], integer) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."decline_invite"(text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."decline_invite"(text, text) TO "anon", "authenticated", "service_role";

REVOKE ALL ON FUNCTION "usher"."decline_join_request"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."decline_join_request"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delete_domain"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_domain"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delete_organisation"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_organisation"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delete_role"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_role"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delete_role_exclusion"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_role_exclusion"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."device_code_hash"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."display_name"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."email_domain"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_invite"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_membership"(uuid, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_delivery"(text, uuid, text, text, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_invites"(uuid[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_notice"(text, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enrol_device"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."enrol_device"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."ensure_signing_key"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."erase_person"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."errors"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."event_hash"(public.organisation_audit_events) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."excluded_together"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."expire_due_invites"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."expire_due_invites"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."expire_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."expire_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."expire_overdue_invites"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."fail"(text, text, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."fail_delivery"(uuid, bigint, text, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."fail_delivery"(uuid, bigint, text, text, text) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."fail_rate_limited"(interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."free_slug"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."grant_permission"(uuid, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."grant_permission"(uuid, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."has_permission"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."has_permission"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."invite_fingerprint"(text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_for_change"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_lifetime"(text, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."invite_metrics"(uuid, timestamp with time zone, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."invite_problem"(usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_status"(text, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."invite_status"(text, timestamp with time zone) TO "authenticated", "service_role";

REVOKE ALL ON FUNCTION "usher"."invite_view"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_locale"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_redirect"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_slug"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."issue_again"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."join_organisation"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."join_organisation"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."join_request_for_change"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lease_deliveries"(text, integer, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."lease_deliveries"(text, integer, interval) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."leave_organisation"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."leave_organisation"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_domains_to_verify"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_domains_to_verify"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_joinable_organisations"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_joinable_organisations"() TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_member_permissions"(uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_member_permissions"(uuid, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_member_roles"(uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_member_roles"(uuid, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_my_invites"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_my_invites"() TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_my_organisations"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_my_organisations"() TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_my_permissions"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_my_permissions"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_role_members"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_role_members"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_role_permissions"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_role_permissions"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."may_sign_up"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."member_for_change"(uuid, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."mint_invite_token"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."my_joinable_domains"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."normalise_email"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."organisations_where"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."organisations_where"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."own_role_for_change"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."permissions_of"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."personal_hash"(public.organisation_audit_events, bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."prepare_delivery"(uuid, bigint) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."prepare_delivery"(uuid, bigint) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."purge_audit_trail"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."purge_audit_trail"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."random_device_code"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."read_invite_token"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."recipient_problems"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_expiry"(usher.invites[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."remind_due_invites"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."remind_due_invites"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."remove_member"(uuid, uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."remove_member"(uuid, uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."request_header"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."request_invite_resend"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."request_invite_resend"(text) TO "anon", "authenticated", "service_role";

REVOKE ALL ON FUNCTION "usher"."require_free_seat"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_mailed"(usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_manageable"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_member"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_permission"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_reviewed_member"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_role"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_roles"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."resend_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."resend_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."reveal_invite_link"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."reveal_invite_link"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."revoke_invite"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."revoke_invite"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."revoke_permission"(uuid, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."revoke_permission"(uuid, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."role_facts"(public.organisation_roles) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."roles_problem"(uuid, text[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."roles_with_inherited"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."rotate_signing_key"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."save_own_role"(public.organisation_roles, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."seal_audit_trail"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."seal_audit_trail"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."seal_hash"(uuid, integer, bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."signing_key_secret"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."take_allowance"(text, integer, integer, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_identities__no_secrets"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_audit_events__append_only"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__keep_owner"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_users__closed_door"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_users__follow_profile"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_users__join_when_confirmed"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."transfer_ownership"(uuid, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."transfer_ownership"(uuid, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."unban_member"(uuid, uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."unban_member"(uuid, uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_domain"(uuid, text, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_domain"(uuid, text, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_member_roles"(uuid, uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_member_roles"(uuid, uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_organisation"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_organisation"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_role"(uuid, text, text, text[], text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_role"(uuid, text, text, text[], text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_settings"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."url_origin"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."validate_invite"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."validate_invite"(text) TO "anon", "authenticated", "service_role";

REVOKE ALL ON FUNCTION "usher"."verify_audit_trail"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."verify_audit_trail"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."verify_invite_token"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."wake_worker"() FROM PUBLIC;

GRANT USAGE ON SCHEMA "usher" TO "anon", "authenticated", "service_role", "usher_worker";

REVOKE ALL ON TABLE "public"."organisation_audit_events" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_audit_events" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_audit_events" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_audit_events" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_deliveries" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_deliveries" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_deliveries" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_deliveries" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_domains" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_domains" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_domains" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_domains" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_join_requests" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_join_requests" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_join_requests" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_join_requests" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_members" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_members" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_members" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_members" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_role_exclusions" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_role_exclusions" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_role_exclusions" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_role_exclusions" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_roles" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_roles" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_roles" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_roles" TO "service_role";

REVOKE ALL ON TABLE "public"."organisations" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisations" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisations" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisations" TO "service_role";

GRANT SELECT ON TABLE "usher"."invites" TO "authenticated", "service_role";

REVOKE ALL ON TABLE "public"."organisation_invites" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_invites" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_invites" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_invites" TO "service_role";

ALTER TABLE "public"."organisation_role_exclusions" ADD CONSTRAINT "organisation_role_exclusions_name" CHECK ((usher.clean_line(name, 100) = name));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_locale" CHECK (usher.is_locale(locale));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_logo_url" CHECK (((usher.url_origin(logo_url) IS NOT NULL) OR (logo_url IS NULL)));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_name" CHECK ((usher.clean_line(name, 100) = name));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_reply_to" CHECK (((usher.normalise_email(reply_to) = reply_to) OR (reply_to IS NULL)));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_slug" CHECK (usher.is_slug(slug));

insert into usher.settings
select * from jsonb_populate_record(null::usher.settings, '{"sign_up":"open","site_url":"http://localhost:3000","is_only_row":true,"invites_per_day":20000,"resend_cooldown":"00:01:00","resends_per_day":5,"redirect_origins":[],"auth_confirms_addresses":false}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"audit.read","description":"Read and verify the audit trail"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"billing.manage","description":"For your application: pay and change plans"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"billing.read","description":"For your application: see invoices and plans"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"invite.create","description":"Invite people and devices"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"invite.read","description":"See invites and what became of them"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"invite.resend","description":"Send an invite again"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"invite.reveal","description":"See the link of an invite"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"invite.revoke","description":"Withdraw an invite, or let it expire"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"member.ban","description":"Ban members and lift bans"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"member.read","description":"See members, their roles and addresses"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"member.remove","description":"Remove members"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"member.update","description":"Change the roles of members"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"organisation.delete","description":"Delete the organisation"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"organisation.read","description":"See the organisation itself"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"organisation.transfer","description":"Make another member the owner"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"organisation.update","description":"Change name, branding, lifetimes and limits"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"role.manage","description":"Create, change and delete own roles"}');

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"role.read","description":"See roles and what they permit"}');

insert into public.organisation_roles
select * from jsonb_populate_record(null::public.organisation_roles, '{"id":"00000000-0000-4000-8000-000000000001","name":"owner","inherits":[],"created_at":"2026-01-01T00:00:00+00:00","description":"Everything. Exactly one member, never invited.","permissions":["organisation.read","organisation.update","organisation.delete","organisation.transfer","member.read","member.update","member.remove","member.ban","role.read","role.manage","invite.read","invite.create","invite.resend","invite.revoke","invite.reveal","audit.read","billing.read","billing.manage"],"organisation_id":null,"granted_permissions":[]}');

insert into public.organisation_roles
select * from jsonb_populate_record(null::public.organisation_roles, '{"id":"00000000-0000-4000-8000-000000000002","name":"admin","inherits":[],"created_at":"2026-01-01T00:00:00+00:00","description":"Everything but deleting or handing over the organisation.","permissions":["organisation.read","organisation.update","member.read","member.update","member.remove","member.ban","role.read","role.manage","invite.read","invite.create","invite.resend","invite.revoke","invite.reveal","audit.read","billing.read","billing.manage"],"organisation_id":null,"granted_permissions":[]}');

insert into public.organisation_roles
select * from jsonb_populate_record(null::public.organisation_roles, '{"id":"00000000-0000-4000-8000-000000000003","name":"finance","inherits":[],"created_at":"2026-01-01T00:00:00+00:00","description":"A member who also sees to the bills.","permissions":["organisation.read","member.read","role.read","billing.read","billing.manage"],"organisation_id":null,"granted_permissions":[]}');

insert into public.organisation_roles
select * from jsonb_populate_record(null::public.organisation_roles, '{"id":"00000000-0000-4000-8000-000000000004","name":"member","inherits":[],"created_at":"2026-01-01T00:00:00+00:00","description":"Sees the organisation, its members and its roles.","permissions":["organisation.read","member.read","role.read"],"organisation_id":null,"granted_permissions":[]}');

insert into usher.role_assigners
select * from jsonb_populate_record(null::usher.role_assigners, '{"role":"finance","assigner":"admin"}');

insert into usher.role_assigners
select * from jsonb_populate_record(null::usher.role_assigners, '{"role":"member","assigner":"admin"}');

insert into usher.role_assigners
select * from jsonb_populate_record(null::usher.role_assigners, '{"role":"admin","assigner":"owner"}');

insert into usher.role_assigners
select * from jsonb_populate_record(null::usher.role_assigners, '{"role":"finance","assigner":"owner"}');

insert into usher.role_assigners
select * from jsonb_populate_record(null::usher.role_assigners, '{"role":"member","assigner":"owner"}');

-- By hand: a grant to a role of the platform, which a bare Postgres does not have.
do $$
begin
  if exists (select from pg_catalog.pg_roles r where r.rolname = 'supabase_auth_admin') then
    grant usage on schema usher to supabase_auth_admin;
    grant execute on function usher.before_user_created to supabase_auth_admin;
  end if;
end
$$;

-- By hand: a trigger on a table of Auth that a stand-in for it may lack.
do $$
begin
  if to_regclass('auth.identities') is not null then
    create trigger usher_no_secrets
    before insert or update of identity_data on auth.identities
    for each row execute function usher.tg_identities__no_secrets();
  end if;
end
$$;
