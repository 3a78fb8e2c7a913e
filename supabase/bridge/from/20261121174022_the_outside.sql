-- What is outside: single sign-on, one click, directories, webhooks, evidence and reviews; and access with an end.

set local lock_timeout = '5s';

set local check_function_bodies = off;

DROP VIEW "usher"."access_register";

DROP VIEW "usher"."stuck";

ALTER TABLE "public"."organisation_audit_events" DROP CONSTRAINT "organisation_audit_events_actor_kind";

ALTER TABLE "public"."organisation_deliveries" DROP CONSTRAINT "organisation_deliveries_kind";

ALTER TABLE "usher"."settings" DROP CONSTRAINT "settings_limits";

DROP FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid);

DROP FUNCTION "public"."expire_organisation_invite"(uuid);

DROP FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer);

DROP FUNCTION "public"."resend_organisation_invite"(uuid);

DROP FUNCTION "public"."revoke_organisation_invite"(uuid, text);

DROP FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]);

DROP FUNCTION "usher"."add_member"(uuid, uuid, text[]);

DROP FUNCTION "usher"."create_invite"(uuid, jsonb);

DROP FUNCTION "usher"."end_membership"(uuid, text, text, text);

DROP FUNCTION "usher"."event_hash"(public.organisation_audit_events);

DROP FUNCTION "usher"."expire_invite"(uuid);

DROP FUNCTION "usher"."invite_view"(uuid);

DROP FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer);

DROP FUNCTION "usher"."list_role_members"(uuid, text);

DROP FUNCTION "usher"."mint_invite_token"(uuid);

DROP FUNCTION "usher"."personal_hash"(public.organisation_audit_events, bytea);

DROP FUNCTION "usher"."resend_invite"(uuid);

DROP FUNCTION "usher"."revoke_invite"(uuid, text);

DROP FUNCTION "usher"."update_invite_roles"(uuid, text[]);

DROP VIEW "public"."organisation_invites";

CREATE TABLE "public"."organisation_access_review_items" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "review_id" uuid NOT NULL, "user_id" uuid NOT NULL, "role" text NOT NULL, "granted_at" timestamp with time zone NOT NULL, "granted_by" uuid, "decision" text, "reason" text, "decided_at" timestamp with time zone, "decided_by" uuid, CONSTRAINT "organisation_access_review_items_decided" CHECK (((decision IS NULL) = (decided_at IS NULL))), CONSTRAINT "organisation_access_review_items_decision" CHECK ((decision = ANY (ARRAY['confirmed'::text, 'withdrawn'::text, 'lapsed'::text]))), CONSTRAINT "organisation_access_review_items_pkey" PRIMARY KEY (id), CONSTRAINT "organisation_access_review_items_right" UNIQUE (review_id, user_id, role), CONSTRAINT "organisation_access_review_items_withdrawn_for_a_reason" CHECK (((decision IS DISTINCT FROM 'withdrawn'::text) OR (reason IS NOT NULL))));

ALTER TABLE "public"."organisation_access_review_items" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_access_review_items" FROM "anon";

CREATE TABLE "public"."organisation_access_reviews" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "title" text NOT NULL, "status" text NOT NULL DEFAULT 'open'::text, "due_at" timestamp with time zone NOT NULL, "started_at" timestamp with time zone NOT NULL DEFAULT now(), "started_by" uuid, "ended_at" timestamp with time zone, "closed_by" uuid, "closed_reason" text, "reminded_at" timestamp with time zone, CONSTRAINT "organisation_access_reviews_closed" CHECK (((status = 'closed'::text) OR (closed_reason IS NULL))), CONSTRAINT "organisation_access_reviews_ended" CHECK (((status = 'open'::text) = (ended_at IS NULL))), CONSTRAINT "organisation_access_reviews_pkey" PRIMARY KEY (id), CONSTRAINT "organisation_access_reviews_status" CHECK ((status = ANY (ARRAY['open'::text, 'completed'::text, 'closed'::text]))), CONSTRAINT "organisation_access_reviews_title" CHECK ((usher.clean_line(title, 100) = title)));

ALTER TABLE "public"."organisation_access_reviews" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_access_reviews" FROM "anon";

CREATE TABLE "public"."organisation_directory_copies" ("endpoint_id" uuid NOT NULL, "member_id" uuid NOT NULL, "organisation_id" uuid NOT NULL, "status" text NOT NULL DEFAULT 'waiting'::text, "remote_id" text, "roles" text[] NOT NULL DEFAULT '{}'::text[], "change" bigint NOT NULL DEFAULT 1, "due_at" timestamp with time zone NOT NULL DEFAULT now(), "attempts" integer NOT NULL DEFAULT 0, "fence" bigint NOT NULL DEFAULT 0, "leased_until" timestamp with time zone, "last_error" text, "synced_at" timestamp with time zone, CONSTRAINT "organisation_directory_copies_pkey" PRIMARY KEY (endpoint_id, member_id), CONSTRAINT "organisation_directory_copies_status" CHECK ((status = ANY (ARRAY['waiting'::text, 'current'::text, 'failed'::text]))));

ALTER TABLE "public"."organisation_directory_copies" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_directory_copies" FROM "anon";

CREATE TABLE "public"."organisation_directory_endpoints" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "name" text NOT NULL, "url" text NOT NULL, "is_enabled" boolean NOT NULL DEFAULT true, "features" jsonb, "failures" integer NOT NULL DEFAULT 0, "retry_at" timestamp with time zone, "last_error" text, "last_success_at" timestamp with time zone, "reconcile_at" timestamp with time zone NOT NULL DEFAULT now(), "reconciled_at" timestamp with time zone, "drift" integer, "fence" bigint NOT NULL DEFAULT 0, "leased_at" timestamp with time zone, "created_by" uuid NOT NULL, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisation_directory_endpoints_pkey" PRIMARY KEY (id));

ALTER TABLE "public"."organisation_directory_endpoints" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_directory_endpoints" FROM "anon";

CREATE TABLE "public"."organisation_directory_tokens" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "name" text NOT NULL, "created_by" uuid NOT NULL, "created_at" timestamp with time zone NOT NULL DEFAULT now(), "expires_at" timestamp with time zone, "last_used_at" timestamp with time zone, "revoked_at" timestamp with time zone, "revoked_by" uuid, CONSTRAINT "organisation_directory_tokens_pkey" PRIMARY KEY (id));

ALTER TABLE "public"."organisation_directory_tokens" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_directory_tokens" FROM "anon";

CREATE TABLE "public"."organisation_sign_in_rules" ("organisation_id" uuid NOT NULL, "provider" text, "domain" text, "level" text NOT NULL DEFAULT 'aal1'::text, "methods" text[] NOT NULL DEFAULT '{}'::text[], "max_age" interval, "for_members" boolean NOT NULL DEFAULT false, "updated_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisation_sign_in_rules_level" CHECK ((level = ANY (ARRAY['aal1'::text, 'aal2'::text]))), CONSTRAINT "organisation_sign_in_rules_max_age" CHECK (((max_age >= '00:01:00'::interval) AND (max_age <= '30 days'::interval))), CONSTRAINT "organisation_sign_in_rules_one_provider" CHECK ((num_nonnulls(provider, domain) <= 1)), CONSTRAINT "organisation_sign_in_rules_pkey" PRIMARY KEY (organisation_id), CONSTRAINT "organisation_sign_in_rules_provider" CHECK (((provider ~ '^(sso:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|custom:[a-z0-9:-]{1,43}|[a-z][a-z0-9_]{1,49})$'::text) AND (provider <> ALL (ARRAY['email'::text, 'phone'::text, 'sso'::text, 'custom'::text])))));

ALTER TABLE "public"."organisation_sign_in_rules" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_sign_in_rules" FROM "anon";

CREATE TABLE "public"."organisation_webhook_deliveries" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "webhook_id" uuid NOT NULL, "event_id" uuid NOT NULL, "event" text NOT NULL, "status" text NOT NULL DEFAULT 'queued'::text, "attempts" integer NOT NULL DEFAULT 0, "due_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "fence" bigint NOT NULL DEFAULT 0, "leased_by" text, "last_status_code" integer, "last_response" text, "tries" jsonb NOT NULL DEFAULT '[]'::jsonb, "delivered_at" timestamp with time zone, "created_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), CONSTRAINT "organisation_webhook_deliveries_delivered" CHECK (((status <> 'delivered'::text) OR (delivered_at IS NOT NULL))), CONSTRAINT "organisation_webhook_deliveries_once" UNIQUE (webhook_id, event_id), CONSTRAINT "organisation_webhook_deliveries_pkey" PRIMARY KEY (id), CONSTRAINT "organisation_webhook_deliveries_status" CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'delivered'::text, 'failed'::text]))));

ALTER TABLE "public"."organisation_webhook_deliveries" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_webhook_deliveries" FROM "anon";

CREATE TABLE "public"."organisation_webhooks" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "url" text NOT NULL, "description" text NOT NULL DEFAULT ''::text, "events" text[], "is_enabled" boolean NOT NULL DEFAULT true, "disabled_at" timestamp with time zone, "disabled_reason" text, "failing_since" timestamp with time zone, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisation_webhooks_disabled_reason" CHECK ((disabled_reason = ANY (ARRAY['by_hand'::text, 'failing'::text, 'gone'::text]))), CONSTRAINT "organisation_webhooks_disabled" CHECK (((is_enabled = (disabled_at IS NULL)) AND (is_enabled = (disabled_reason IS NULL)))), CONSTRAINT "organisation_webhooks_has_events" CHECK ((cardinality(events) > 0)), CONSTRAINT "organisation_webhooks_pkey" PRIMARY KEY (id));

ALTER TABLE "public"."organisation_webhooks" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_webhooks" FROM "anon";

CREATE TABLE "usher"."directory_endpoint_tokens" ("endpoint_id" uuid NOT NULL, "token" text, "vault_secret_id" uuid, CONSTRAINT "directory_endpoint_tokens_one_place" CHECK ((num_nonnulls(token, vault_secret_id) = 1)), CONSTRAINT "directory_endpoint_tokens_pkey" PRIMARY KEY (endpoint_id));

ALTER TABLE "usher"."directory_endpoint_tokens" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."directory_group_copies" ("endpoint_id" uuid NOT NULL, "role" text NOT NULL, "remote_id" text NOT NULL, CONSTRAINT "directory_group_copies_pkey" PRIMARY KEY (endpoint_id, role));

ALTER TABLE "usher"."directory_group_copies" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."directory_groups" ("organisation_id" uuid NOT NULL, "role_id" uuid NOT NULL, "display_name" text NOT NULL, "external_id" text, "is_made" boolean NOT NULL, "created_at" timestamp with time zone NOT NULL DEFAULT now(), "updated_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "directory_groups_pkey" PRIMARY KEY (organisation_id, role_id));

ALTER TABLE "usher"."directory_groups" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."directory_token_hashes" ("hash" bytea NOT NULL, "token_id" uuid NOT NULL, CONSTRAINT "directory_token_hashes_pkey" PRIMARY KEY (hash), CONSTRAINT "directory_token_hashes_token_id_key" UNIQUE (token_id));

ALTER TABLE "usher"."directory_token_hashes" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."directory_users" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "user_name" text NOT NULL, "external_id" text, "email" text NOT NULL, "is_active" boolean NOT NULL DEFAULT false, "roles" text[] NOT NULL DEFAULT '{member}'::text[], "attributes" jsonb NOT NULL DEFAULT '{}'::jsonb, "member_id" uuid, "invite_id" uuid, "created_at" timestamp with time zone NOT NULL DEFAULT now(), "updated_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "directory_users_member_id_key" UNIQUE (member_id), CONSTRAINT "directory_users_pkey" PRIMARY KEY (id));

ALTER TABLE "usher"."directory_users" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."one_clicks" ("invite_id" uuid NOT NULL, "issue" integer NOT NULL, "started_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "ended_at" timestamp with time zone, "user_id" uuid, CONSTRAINT "one_clicks_pkey" PRIMARY KEY (invite_id, issue), CONSTRAINT "one_clicks_user" CHECK (((user_id IS NULL) OR (ended_at IS NOT NULL))));

ALTER TABLE "usher"."one_clicks" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."webhook_secrets" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "webhook_id" uuid NOT NULL, "secret" bytea, "vault_secret_id" uuid, "created_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "expires_at" timestamp with time zone, CONSTRAINT "webhook_secrets_one_place" CHECK ((num_nonnulls(secret, vault_secret_id) = 1)), CONSTRAINT "webhook_secrets_pkey" PRIMARY KEY (id));

ALTER TABLE "usher"."webhook_secrets" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."organisation_members" ADD COLUMN "ends_at" timestamp with time zone;

ALTER TABLE "public"."organisation_members" ADD COLUMN "role_ends" jsonb NOT NULL DEFAULT '{}'::jsonb;

ALTER TABLE "public"."organisation_members" ADD COLUMN "next_end_at" timestamp with time zone;

ALTER TABLE "public"."organisation_members" ADD COLUMN "announced_end_at" timestamp with time zone;

ALTER TABLE "usher"."invite_tokens" ADD COLUMN "is_mailed" boolean NOT NULL DEFAULT false;

ALTER TABLE "usher"."invites" ADD COLUMN "membership_ends_at" timestamp with time zone;

ALTER TABLE "usher"."settings" ADD COLUMN "one_click" text NOT NULL DEFAULT 'off'::text;

ALTER TABLE "usher"."settings" ADD COLUMN "one_click_within" interval NOT NULL DEFAULT '24:00:00'::interval;

ALTER TABLE "usher"."settings" ADD COLUMN "access_end_notice" interval NOT NULL DEFAULT '3 days'::interval;

ALTER TABLE "usher"."settings" ADD COLUMN "allow_private_targets" boolean NOT NULL DEFAULT false;

ALTER TABLE "usher"."settings" ADD COLUMN "webhook_failing_for" interval NOT NULL DEFAULT '5 days'::interval;

ALTER TABLE "usher"."settings" ADD COLUMN "webhook_answers_kept_for" interval NOT NULL DEFAULT '30 days'::interval;

CREATE TYPE "public"."organisation_directory_token" AS ("id" uuid, "organisation_id" uuid, "name" text, "expires_at" timestamp with time zone, "token" text, "scim_url" text);

CREATE TYPE "public"."organisation_evidence_event" AS ("seal_number" integer, "position" integer, "event_id" uuid, "event_hash" text, "personal_hash" text, "personal_salt" text, "event" text, "personal" text);

CREATE TYPE "public"."organisation_webhook_secret" AS ("webhook_id" uuid, "organisation_id" uuid, "secret" text, "old_secrets_end" timestamp with time zone);

CREATE TYPE "usher"."access_change" AS ("event_id" uuid, "occurred_at" timestamp with time zone, "user_id" uuid, "role" text, "change" text, "through" text, "actor_kind" text, "actor_id" uuid, "reason" text);

CREATE TYPE "usher"."access_right" AS ("user_id" uuid, "role" text, "is_held" boolean, "is_explained" boolean, "granted_at" timestamp with time zone, "granted_through" text, "granted_by" uuid, "granted_event_id" uuid, "grant_reason" text, "ends_at" timestamp with time zone, "ended_at" timestamp with time zone, "ended_through" text, "ended_by" uuid, "ended_event_id" uuid, "end_reason" text);

CREATE TYPE "usher"."directory_change" AS ("endpoint_id" uuid, "member_id" uuid, "fence" bigint, "attempts" integer);

CREATE TYPE "usher"."directory_group" AS ("id" uuid, "role" text, "display_name" text, "external_id" text, "is_made" boolean, "created_at" timestamp with time zone, "updated_at" timestamp with time zone);

CREATE TYPE "usher"."directory_user" AS ("id" uuid, "user_name" text, "external_id" text, "email" text, "display_name" text, "is_active" boolean, "roles" text[], "attributes" jsonb, "member_id" uuid, "created_at" timestamp with time zone, "updated_at" timestamp with time zone);

CREATE TYPE "usher"."webhook_lease" AS ("delivery_id" uuid, "fence" bigint, "attempts" integer);

ALTER TYPE "public"."organisation_invite_preview" ADD ATTRIBUTE "membership_ends_at" timestamp with time zone CASCADE;

ALTER TYPE "public"."organisation_invite_preview" ADD ATTRIBUTE "one_click" boolean CASCADE;

ALTER TYPE "public"."organisation_invite_preview" ADD ATTRIBUTE "sign_in_domain" text CASCADE;

ALTER TYPE "public"."organisation_invite_preview" ADD ATTRIBUTE "sign_in_level" text CASCADE;

ALTER TYPE "public"."organisation_invite_preview" ADD ATTRIBUTE "sign_in_provider" text CASCADE;

CREATE OR REPLACE FUNCTION public.answer_organisation_access_review(review_id uuid, answers jsonb)
 RETURNS public.organisation_access_reviews
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.answer_access_review($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."answer_organisation_access_review"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."answer_organisation_access_review"(uuid, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.close_organisation_access_review(review_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_access_reviews
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.close_access_review($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."close_organisation_access_review"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."close_organisation_access_review"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_directory_endpoint(organisation_id uuid, name text, url text, token text)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_directory_endpoint($1, $2, $3, $4) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_directory_endpoint"(uuid, text, text, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_directory_endpoint"(uuid, text, text, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_directory_token(organisation_id uuid, name text, expires_in interval DEFAULT NULL::interval)
 RETURNS public.organisation_directory_token
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_directory_token($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_webhook(organisation_id uuid, url text, events text[] DEFAULT NULL::text[], description text DEFAULT NULL::text)
 RETURNS public.organisation_webhook_secret
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.create_webhook($1, $2, $3, $4) $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_webhook"(uuid, text, text[], text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_webhook"(uuid, text, text[], text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.delete_organisation_directory_endpoint(endpoint_id uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.delete_directory_endpoint($1) $function$;

REVOKE ALL ON FUNCTION "public"."delete_organisation_directory_endpoint"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."delete_organisation_directory_endpoint"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.delete_organisation_webhook(webhook_id uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.delete_webhook($1) $function$;

REVOKE ALL ON FUNCTION "public"."delete_organisation_webhook"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."delete_organisation_webhook"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.export_organisation_evidence(organisation_id uuid, since timestamp with time zone, until timestamp with time zone DEFAULT now())
 RETURNS json
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.export_evidence($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."export_organisation_evidence"(uuid, timestamp with time zone, timestamp with time zone) FROM "anon";

REVOKE ALL ON FUNCTION "public"."export_organisation_evidence"(uuid, timestamp with time zone, timestamp with time zone) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_assignable_organisation_roles(organisation_id uuid)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select usher.list_assignable_roles($1) $function$;

REVOKE ALL ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer DEFAULT 0, page_size integer DEFAULT 1000)
 RETURNS SETOF public.organisation_evidence_event
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_evidence_events($1, $2, $3, $4, $5) $function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) FROM "service_role";

CREATE OR REPLACE FUNCTION public.reconcile_organisation_directory_endpoint(endpoint_id uuid)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.reconcile_directory_endpoint($1) $function$;

REVOKE ALL ON FUNCTION "public"."reconcile_organisation_directory_endpoint"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."reconcile_organisation_directory_endpoint"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.replay_organisation_webhook_deliveries(webhook_id uuid, delivery_id uuid DEFAULT NULL::uuid, since timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS integer
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.replay_webhook_deliveries($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."replay_organisation_webhook_deliveries"(uuid, uuid, timestamp with time zone) FROM "anon";

REVOKE ALL ON FUNCTION "public"."replay_organisation_webhook_deliveries"(uuid, uuid, timestamp with time zone) FROM "service_role";

CREATE OR REPLACE FUNCTION public.revoke_organisation_directory_token(token_id uuid)
 RETURNS public.organisation_directory_tokens
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.revoke_directory_token($1) $function$;

REVOKE ALL ON FUNCTION "public"."revoke_organisation_directory_token"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_directory_token"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.rotate_organisation_webhook_secret(webhook_id uuid, keep_old_for interval DEFAULT NULL::interval)
 RETURNS public.organisation_webhook_secret
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.rotate_webhook_secret($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."rotate_organisation_webhook_secret"(uuid, interval) FROM "anon";

REVOKE ALL ON FUNCTION "public"."rotate_organisation_webhook_secret"(uuid, interval) FROM "service_role";

CREATE OR REPLACE FUNCTION public.start_organisation_access_review(organisation_id uuid, title text, due_at timestamp with time zone)
 RETURNS public.organisation_access_reviews
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.start_access_review($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."start_organisation_access_review"(uuid, text, timestamp with time zone) FROM "anon";

REVOKE ALL ON FUNCTION "public"."start_organisation_access_review"(uuid, text, timestamp with time zone) FROM "service_role";

CREATE OR REPLACE FUNCTION public.test_organisation_webhook(webhook_id uuid)
 RETURNS public.organisation_webhook_deliveries
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.test_webhook($1) $function$;

REVOKE ALL ON FUNCTION "public"."test_organisation_webhook"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."test_organisation_webhook"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_directory_endpoint(endpoint_id uuid, changes jsonb)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_directory_endpoint($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_directory_endpoint"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_directory_endpoint"(uuid, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_member_ends(organisation_id uuid, user_id uuid, ends_at timestamp with time zone DEFAULT NULL::timestamp with time zone, role_ends jsonb DEFAULT '{}'::jsonb)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_member_ends($1, $2, $3, $4) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_member_ends"(uuid, uuid, timestamp with time zone, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_member_ends"(uuid, uuid, timestamp with time zone, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_sign_in_rule(organisation_id uuid, changes jsonb)
 RETURNS public.organisation_sign_in_rules
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_sign_in_rule($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_sign_in_rule"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_sign_in_rule"(uuid, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.update_organisation_webhook(webhook_id uuid, changes jsonb)
 RETURNS public.organisation_webhooks
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_webhook($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_webhook"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_webhook"(uuid, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION usher.accept_my_invite(invite_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites;
begin
  if not (select s.auth_confirms_addresses from usher.settings s)
    or exists (
      select from auth.users u
      where u.id = auth.uid() and u.is_sso_user and not usher.has_proven_address(u.id))
  then
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
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
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
  -- Whoever waited for a row that then stayed as it was had its time compared before the wait.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  -- What may have changed since it was sent: the roles, the domains, the way in, the seats, a ban.
  perform usher.require_roles(v_invite.organisation_id, v_invite.roles);
  if exists (
    select from public.organisations o
    where o.id = v_invite.organisation_id
      and cardinality(o.allowed_email_domains) > 0
      and usher.email_domain(v_invite.email) <> all (o.allowed_email_domains))
  then
    perform usher.fail('domain_not_allowed');
  end if;
  perform usher.require_sign_in(v_invite.organisation_id, v_user.id, v_invite.email);
  perform usher.require_free_seat(v_invite.organisation_id);
  v_member := usher.add_member(
    v_invite.organisation_id, v_user.id, v_invite.roles, v_invite.membership_ends_at);

  perform usher.record_event(v_invite.organisation_id, 'invite.accepted', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'accepted', 'user_id', v_user.id, 'roles', v_member.roles)
      || jsonb_strip_nulls(jsonb_build_object('ends_at', v_member.ends_at)));
  -- Not by usher.enqueue_delivery, which would read the invite again.
  insert into public.organisation_deliveries (organisation_id, invite_id, issue, kind, recipient)
  select v_invite.organisation_id, v_invite.id, v_invite.issue, 'invite_accepted', m.email
  from usher.current_members m
  where m.organisation_id = v_invite.organisation_id
    and m.user_id = v_invite.invited_by and m.email is not null;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.access_changes(organisation_id uuid)
 RETURNS SETOF usher.access_change
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query
    with touched as (
      select e.id, e.occurred_at, e.event, e.actor_kind, coalesce(i.invited_by, e.actor_id) as actor_id,
        coalesce(e.reason, i.message) as reason, t.user_id, t.had, t.has
      from public.organisation_audit_events e
      left join usher.invites i on i.id = case e.event
        when 'invite.accepted' then e.target_id
        when 'device.enrolled' then (e.after ->> 'invite_id')::uuid
      end
      cross join lateral (
        select e.actor_id, '[]'::jsonb, '["owner"]'::jsonb where e.event = 'organisation.created'
        union all
        select (e.after ->> 'user_id')::uuid, '[]', e.after -> 'roles' where e.event = 'invite.accepted'
        union all
        -- Of two people: the new owner stands below, with all others.
        select (e.before ->> 'owner_id')::uuid, '["owner"]', '["admin"]' where e.event = 'organisation.transferred'
        union all
        -- Whoever has gone, or is banned, keeps their roles in name only.
        select e.target_id,
          case when coalesce(e.before ->> 'status', 'active') = 'active' then e.before -> 'roles' end,
          case when coalesce(e.after ->> 'status', 'active') = 'active' then e.after -> 'roles' end
        where e.target_kind = 'user' and (e.before ? 'roles' or e.after ? 'roles')
      ) t (user_id, had, has)
      where e.organisation_id = access_changes.organisation_id
    ), changed as (
      select t.*, r.role, 'granted' as change
      from touched t
      cross join jsonb_array_elements_text(coalesce(t.has, '[]')) r (role)
      where not coalesce(t.had ? r.role, false)
      union all
      select t.*, r.role, 'withdrawn'
      from touched t
      cross join jsonb_array_elements_text(coalesce(t.had, '[]')) r (role)
      where not coalesce(t.has ? r.role, false)
    )
    select c.id, c.occurred_at, c.user_id, c.role, c.change, c.event, c.actor_kind, c.actor_id,
      coalesce(c.reason, a.reason)
    from changed c
    -- By a review: why is what the reviewer wrote, just before.
    left join lateral (
      select i.reason
      from public.organisation_access_review_items i
      where i.organisation_id = access_changes.organisation_id and i.user_id = c.user_id and i.role = c.role
        and i.decision = 'withdrawn' and c.change = 'withdrawn' and c.event = 'member.roles_updated'
        and i.decided_at between c.occurred_at - interval '10 seconds' and c.occurred_at
      order by i.decided_at desc
      limit 1
    ) a on true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.access_rights(organisation_id uuid)
 RETURNS SETOF usher.access_right
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query
    with steps as (
      select c.*,
        row_number() over w as step,
        count(*) over (partition by c.user_id, c.role) as steps,
        lead(c.change) over w as next_change,
        lead(c.occurred_at) over w as next_at,
        lead(c.through) over w as next_through,
        lead(c.actor_id) over w as next_by,
        lead(c.event_id) over w as next_event_id,
        lead(c.reason) over w as next_reason
      from usher.access_changes(access_rights.organisation_id) c
      window w as (partition by c.user_id, c.role order by c.occurred_at, c.event_id)
    ), held as (
      select m.user_id, r.role, m.joined_at,
        least(m.ends_at, (m.role_ends ->> r.role)::timestamptz) as ends_at,
        -- Over, though the sweep has not come by.
        coalesce(least(m.ends_at, (m.role_ends ->> r.role)::timestamptz) <= statement_timestamp(), false) as is_over
      from public.organisation_members m
      cross join unnest(m.roles) r (role)
      where m.organisation_id = access_rights.organisation_id and m.status = 'active'
    )
    select s.user_id, s.role,
      s.step = s.steps and h.user_id is not null and not h.is_over,
      -- A right that is gone, and nothing tells how.
      coalesce(s.next_change = 'withdrawn', h.user_id is not null),
      s.occurred_at, s.through, s.actor_id, s.event_id, s.reason,
      case when s.step = s.steps then h.ends_at end,
      coalesce(s.next_at, case when h.is_over then h.ends_at end, m.ended_at),
      case when s.next_change = 'withdrawn' then s.next_through end,
      case when s.next_change = 'withdrawn' then s.next_by end,
      case when s.next_change = 'withdrawn' then s.next_event_id end,
      case when s.next_change = 'withdrawn' then s.next_reason end
    from steps s
    left join held h on h.user_id = s.user_id and h.role = s.role
    left join public.organisation_members m
      on m.organisation_id = access_rights.organisation_id and m.user_id = s.user_id
    where s.change = 'granted'
    union all
    -- A right that is there, and nothing tells how it came.
    select h.user_id, h.role, not h.is_over, false, h.joined_at, null, null, null, null, h.ends_at,
      case when h.is_over then h.ends_at end, null, null, null, null
    from held h
    where not exists (
      select from steps s
      where s.user_id = h.user_id and s.role = h.role and s.step = s.steps and s.change = 'granted');
end
$function$;

CREATE OR REPLACE FUNCTION usher.add_member(organisation_id uuid, user_id uuid, roles text[], ends_at timestamp with time zone DEFAULT NULL::timestamp with time zone, kind text DEFAULT 'user'::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
begin
  -- The unique key decides between two who come at once: one inserts, the other finds the row.
  insert into public.organisation_members as m (organisation_id, user_id, kind, roles, ends_at, email, display_name)
  select add_member.organisation_id, u.id, add_member.kind, add_member.roles, add_member.ends_at,
    usher.normalise_email(u.email), usher.display_name(u.raw_user_meta_data::jsonb)
  from auth.users u
  where u.id = add_member.user_id
  on conflict on constraint organisation_members_subject_key do update
  set status = 'active', kind = excluded.kind, roles = excluded.roles, ends_at = excluded.ends_at, role_ends = '{}', email = excluded.email,
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
  elsif v_member.status = 'active' and v_member.ends_at <= statement_timestamp() then
    -- The sweep has not come by: the end is written down before the new beginning.
    perform usher.end_access(v_member);
    return usher.add_member(
      add_member.organisation_id, add_member.user_id, add_member.roles, add_member.ends_at, add_member.kind);
  end if;
  perform usher.fail(case v_member.status when 'banned' then 'member_banned' else 'already_member' end);
end
$function$;

CREATE OR REPLACE FUNCTION usher.add_webhook_secret(webhook public.organisation_webhooks)
 RETURNS public.organisation_webhook_secret
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook  public.organisation_webhooks := add_webhook_secret.webhook;
  -- 192 to 512 bits, says the specification.
  v_secret   bytea := extensions.gen_random_bytes(32);
  v_text     text := 'whsec_' || encode(v_secret, 'base64');
  v_id       uuid := gen_random_uuid();
  v_vault_id uuid;
begin
  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using v_text, 'usher_webhook_secret_' || v_id, 'Signs what a webhook is sent (Usher).';
    v_secret := null;
  end if;
  insert into usher.webhook_secrets (id, webhook_id, secret, vault_secret_id)
  values (v_id, v_webhook.id, v_secret, v_vault_id);
  return row(v_webhook.id, v_webhook.organisation_id, v_text, (
    select max(s.expires_at) from usher.webhook_secrets s where s.webhook_id = v_webhook.id
  ))::public.organisation_webhook_secret;
end
$function$;

CREATE OR REPLACE FUNCTION usher.admit_directory_user(directory_user usher.directory_users)
 RETURNS usher.directory_users
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_user    usher.directory_users := admit_directory_user.directory_user;
  v_actor   public.organisation_members := usher.require_permission(v_user.organisation_id, 'invite.create');
  v_problem text := case when v_user.roles <> '{}'
    then usher.roles_problem(v_user.organisation_id, v_user.roles, v_actor.roles) end;
  v_account uuid := usher.directory_account(v_user);
  v_before  public.organisation_members;
  v_member  public.organisation_members;
begin
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  select p.problem, p.invite_id into v_problem, v_user.invite_id
  from usher.recipient_problems(v_user.organisation_id, array[v_user.email]) p;
  -- A ban holds under whatever address the directory gives them now.
  if exists (
    select from public.organisation_members m where m.id = v_user.member_id and m.status = 'banned')
  then
    v_problem := 'member_banned';
  end if;
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  select m.* into v_before from public.organisation_members m where m.id = v_user.member_id;
  if v_before.ends_at <= statement_timestamp() then
    perform usher.fail('permission_denied', hint => 'Their access had an end: somebody here has to give it anew.');
  end if;

  if v_account is null and v_user.invite_id is null then
    v_user.invite_id := (usher.create_invite(v_user.organisation_id,
      jsonb_strip_nulls(jsonb_build_object(
        'email', v_user.email, 'roles', '{member}'::text[], 'membership_ends_at', v_before.ends_at)))).id;
  elsif v_account is not null then
    -- What was offered to them is in their hands now. First the invites, then the member, as accepting does.
    perform usher.revoke_invites_to(v_user.organisation_id, v_user.email);
    v_user.invite_id := null;
    perform usher.require_roles(v_user.organisation_id, v_user.roles);
    perform usher.require_free_seat(v_user.organisation_id);
    select m.* into v_before from public.organisation_members m
    where m.organisation_id = v_user.organisation_id and m.user_id = v_account for update;
    v_member := usher.add_member(v_user.organisation_id, v_account, v_user.roles, v_before.ends_at);
    -- What a directory turns off and on again has the ends that people here gave it.
    if v_before.role_ends <> '{}' then
      update public.organisation_members m set role_ends = v_before.role_ends
      where m.id = v_member.id
      returning m.* into v_member;
    end if;
    v_user.member_id := v_member.id;
    perform usher.record_event(v_user.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('roles', v_member.roles));
  end if;
  return v_user;
end
$function$;

CREATE OR REPLACE FUNCTION usher.amr_entries(claims jsonb)
 RETURNS TABLE(method text, provider text, at timestamp with time zone)
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  -- Auth writes objects; a hook that rewrites tokens may leave the plain words of RFC 8176.
  return query
    select coalesce(a.entry ->> 'method', a.entry #>> '{}'), nullif(a.entry ->> 'provider', ''),
      case when jsonb_typeof(a.entry -> 'timestamp') = 'number'
        then to_timestamp((a.entry ->> 'timestamp')::double precision) end
    from jsonb_array_elements(
      case jsonb_typeof(amr_entries.claims -> 'amr') when 'array' then amr_entries.claims -> 'amr' end) a (entry);
end
$function$;

CREATE OR REPLACE FUNCTION usher.announce_ending_access(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
  v_count  integer := 0;
begin
  for v_member in
    select m.*
    from public.organisation_members m, usher.settings s
    where m.status = 'active'
      and m.next_end_at > statement_timestamp()
      and m.next_end_at <= statement_timestamp() + s.access_end_notice
      and m.announced_end_at is distinct from m.next_end_at
    order by m.next_end_at
    limit announce_ending_access.batch_size
    for update of m skip locked
  loop
    update public.organisation_members m set announced_end_at = m.next_end_at where m.id = v_member.id;
    perform usher.enqueue_access_mail('access_ending', v_member.id,
      case when v_member.ends_at = v_member.next_end_at then v_member.roles else array(
        select e.key from jsonb_each_text(v_member.role_ends) e
        where e.value::timestamptz = v_member.next_end_at order by e.key) end,
      coalesce(v_member.ends_at = v_member.next_end_at, false), v_member.next_end_at);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$function$;

CREATE OR REPLACE FUNCTION usher.answer_access_review(review_id uuid, answers jsonb)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_review public.organisation_access_reviews := usher.require_access_review(answer_access_review.review_id);
  v_answer record;
  v_item   public.organisation_access_review_items;
begin
  if jsonb_typeof(answer_access_review.answers) is distinct from 'array'
    or jsonb_array_length(answer_access_review.answers) not between 1 and 1000
  then
    perform usher.fail('invalid_settings', hint => 'answers is an array of 1 to 1,000 answers.');
  end if;
  perform from public.organisation_members m
  where m.organisation_id = v_review.organisation_id and m.user_id in (
    select i.user_id
    from jsonb_array_elements(answer_access_review.answers) a
    join public.organisation_access_review_items i
      on i.review_id = v_review.id and i.id::text = a ->> 'item_id')
  order by m.id
  for update;
  perform usher.lock_open_review(v_review.id);

  for v_answer in
    select a.item ->> 'item_id' as item_id, a.item ->> 'decision' as decision, a.item ->> 'reason' as reason
    from jsonb_array_elements(answer_access_review.answers) with ordinality a (item, position)
    order by a.position
  loop
    if v_answer.decision is null or v_answer.decision not in ('confirm', 'withdraw') then
      perform usher.fail('invalid_settings', hint => 'decision is confirm or withdraw.', details => v_answer.item_id);
    end if;
    select i.* into v_item
    from public.organisation_access_review_items i
    where i.review_id = v_review.id and i.id::text = v_answer.item_id;
    if not found then
      perform usher.fail('access_review_not_found', hint => 'The review does not ask about this.', details => v_answer.item_id);
    end if;
    perform usher.answer_review_item(v_item, v_answer.decision, v_answer.reason);
  end loop;

  perform usher.complete_access_review(v_review.id);
  select r.* into v_review from public.organisation_access_reviews r where r.id = v_review.id;
  return v_review;
end
$function$;

CREATE OR REPLACE FUNCTION usher.answer_review_item(item public.organisation_access_review_items, decision text, reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_item   public.organisation_access_review_items := answer_review_item.item;
  v_reason text := nullif(usher.clean_text(answer_review_item.reason, 500), '');
  v_roles  text[];
begin
  if answer_review_item.reason is not null and usher.clean_text(answer_review_item.reason, 500) is null
    or answer_review_item.decision = 'withdraw' and v_reason is null
  then
    perform usher.fail('invalid_message', details => v_item.id::text,
      hint => 'A reason is plain text of at most 500 characters; to withdraw, one is needed.');
  end if;
  if v_item.decision is not null then
    perform usher.fail('access_review_not_open', hint => 'This right has been answered.', details => v_item.id::text);
  end if;
  if v_item.user_id = auth.uid()
    and exists (select from usher.reviewers(v_item.organisation_id) m where m.user_id <> v_item.user_id)
  then
    perform usher.fail('permission_denied', details => v_item.id::text,
      hint => 'Nobody reviews their own rights: ask another who holds access_review.manage.');
  end if;

  -- Gone at the very moment at which the review was started, or over, though the sweep has not come by.
  if not exists (
    select from usher.current_members m
    where m.organisation_id = v_item.organisation_id and m.user_id = v_item.user_id
      and v_item.role = any (m.roles))
  then
    update public.organisation_access_review_items i
    set decision = 'lapsed', decided_at = clock_timestamp() where i.id = v_item.id;
    return;
  end if;

  -- Before the role goes, so that it goes by this answer and does not lapse.
  update public.organisation_access_review_items i
  set decision = case answer_review_item.decision when 'confirm' then 'confirmed' else 'withdrawn' end,
    reason = v_reason, decided_at = clock_timestamp(), decided_by = auth.uid()
  where i.id = v_item.id
  returning i.* into v_item;
  perform usher.record_event(v_item.organisation_id, 'access_review.' || v_item.decision, 'user', v_item.user_id,
    after  => jsonb_build_object('review_id', v_item.review_id, 'item_id', v_item.id, 'role', v_item.role),
    reason => v_item.reason);
  if v_item.decision = 'withdrawn' then
    select array_remove(m.roles, v_item.role) into v_roles
    from public.organisation_members m
    where m.organisation_id = v_item.organisation_id and m.user_id = v_item.user_id;
    perform usher.update_member_roles(v_item.organisation_id, v_item.user_id, v_roles);
  end if;
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
  -- They came as the organisation asks when they asked to join; but it may ask more since.
  if usher.lacks_identity(v_request.organisation_id, v_request.user_id, v_request.email) then
    perform usher.fail('sso_required',
      hint => 'Decline the request: they can ask again once they sign in the way that the organisation asks for.');
  end if;
  perform usher.require_roles(v_request.organisation_id, v_roles);
  perform usher.require_free_seat(v_request.organisation_id);
  v_member := usher.add_member(v_request.organisation_id, v_request.user_id, v_roles);
  update public.organisation_join_requests r
  set status = 'approved', decided_at = now(), decided_by = auth.uid()
  where r.id = v_request.id;
  perform usher.record_event(v_request.organisation_id, 'join.approved', 'user', v_request.user_id,
    after => jsonb_build_object('request_id', v_request.id, 'roles', v_member.roles));
  perform usher.enqueue_notice('join_approved', v_member.id, auth.uid());
  perform usher.wake_worker();
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_events(events text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$ select array_agg(distinct e order by e) from unnest($1) e $function$;

CREATE OR REPLACE FUNCTION usher.close_access_review(review_id uuid, reason text)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_review public.organisation_access_reviews := usher.require_access_review(close_access_review.review_id);
begin
  if close_access_review.reason is not null and usher.clean_text(close_access_review.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;
  perform usher.lock_open_review(v_review.id);
  update public.organisation_access_reviews r
  set status = 'closed', ended_at = now(), closed_by = auth.uid(),
    closed_reason = nullif(usher.clean_text(close_access_review.reason, 500), '')
  where r.id = v_review.id
  returning r.* into v_review;
  perform usher.record_event(v_review.organisation_id, 'access_review.closed', 'access_review', v_review.id,
    after => usher.review_results(v_review.id), reason => v_review.closed_reason);
  return v_review;
end
$function$;

CREATE OR REPLACE FUNCTION usher.collect_evidence(organisation_id uuid, since timestamp with time zone, until timestamp with time zone, with_people boolean DEFAULT true, with_invites boolean DEFAULT true)
 RETURNS json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
 SET "IntervalStyle" TO 'iso_8601'
AS $function$
declare
  v_organisation public.organisations;
  v_until        timestamptz := least(collect_evidence.until, now());
begin
  select o.* into v_organisation from public.organisations o where o.id = collect_evidence.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;
  if collect_evidence.since is null or v_until is null or collect_evidence.since >= v_until then
    perform usher.fail('invalid_settings', hint => 'since is before until, and in the past.');
  end if;
  -- Whoever is given evidence stands in it, and all that it tells of is under a seal.
  perform usher.record_event(v_organisation.id, 'evidence.exported', 'organisation', v_organisation.id,
    after => jsonb_build_object('since', collect_evidence.since, 'until', v_until));
  perform usher.seal_trail(v_organisation.id);

  return (
    -- One statement, so that all of it is of one moment.
    select json_build_object(
      'organisation', json_build_object(
        'id', v_organisation.id, 'name', v_organisation.name, 'slug', v_organisation.slug,
        'created_at', v_organisation.created_at, 'audit_retention', v_organisation.audit_retention),
      'since', collect_evidence.since,
      'until', v_until,
      'collected_at', now(),
      'has_member_addresses', collect_evidence.with_people,
      'has_invite_addresses', collect_evidence.with_invites,
      'trail', usher.evidence_trail(v_organisation.id, collect_evidence.since, v_until),
      'tables', usher.evidence_tables(v_organisation.id, collect_evidence.since, v_until,
        collect_evidence.with_people, collect_evidence.with_invites)));
end
$function$;

CREATE OR REPLACE FUNCTION usher.collect_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer, page_size integer)
 RETURNS SETOF public.organisation_evidence_event
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if collect_evidence_events.page_size is null or collect_evidence_events.page_size not between 1 and 5000 then
    perform usher.fail('invalid_settings', hint => 'page_size is 1 to 5,000.');
  end if;
  return query
    select s.seal_number, s.position, s.event_id, encode(s.hash, 'hex'), encode(s.personal_hash, 'hex'),
      encode(s.personal_salt, 'hex'),
      case when e.id is not null then usher.event_text(e) end,
      case when e.id is not null then usher.personal_text(e) end
    from (
      select c.*
      from usher.sealed_events c
      where c.organisation_id = collect_evidence_events.organisation_id
        and (c.seal_number, c.position) >
          (collect_evidence_events.after_seal, collect_evidence_events.after_position)
      order by c.seal_number, c.position
      limit collect_evidence_events.page_size
    ) s
    -- After the period only what tells that older events were removed.
    left join public.organisation_audit_events e
      on e.id = s.event_id and (s.seal_number <= collect_evidence_events.last_seal or e.event = 'audit.purged')
    order by s.seal_number, s.position;
end
$function$;

CREATE OR REPLACE FUNCTION usher.complete_access_review(review_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_review public.organisation_access_reviews;
begin
  update public.organisation_access_reviews r
  set status = 'completed', ended_at = now()
  where r.id = complete_access_review.review_id and r.status = 'open'
    and not exists (
      select from public.organisation_access_review_items i where i.review_id = r.id and i.decision is null)
  returning r.* into v_review;
  if found then
    perform usher.record_event(v_review.organisation_id, 'access_review.completed', 'access_review', v_review.id,
      after => usher.review_results(v_review.id));
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.complete_directory_change(endpoint_id uuid, member_id uuid, fence bigint, change bigint, remote_id text, roles text[], error text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not usher.end_directory_lease(
    complete_directory_change.endpoint_id, complete_directory_change.member_id, complete_directory_change.fence)
  then
    return false;
  end if;
  update public.organisation_directory_copies c
  set remote_id = complete_directory_change.remote_id,
    roles = usher.clean_roles(complete_directory_change.roles),
    last_error = left(complete_directory_change.error, 500),
    synced_at = now(), attempts = 0,
    -- Marked while it was being sent: once more.
    status = case
      when c.change <> complete_directory_change.change then 'waiting'
      when complete_directory_change.error is not null then 'failed'
      else 'current'
    end
  where c.endpoint_id = complete_directory_change.endpoint_id and c.member_id = complete_directory_change.member_id;
  -- Not each time: many at once would wait for this row.
  update public.organisation_directory_endpoints e
  set last_success_at = now(), failures = 0, retry_at = null, last_error = null
  where e.id = complete_directory_change.endpoint_id
    and (e.last_error is not null or e.last_success_at is null or e.last_success_at < now() - interval '10 seconds');
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.counting_roles(roles text[], ends_at timestamp with time zone, role_ends jsonb)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  if counting_roles.ends_at <= statement_timestamp() then
    return '{}';
  end if;
  return array(
    select r from unnest(counting_roles.roles) r
    where coalesce((counting_roles.role_ends ->> r)::timestamptz > statement_timestamp(), true)
    order by r);
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_directory_endpoint(organisation_id uuid, name text, url text, token text)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member   public.organisation_members :=
    usher.require_permission(create_directory_endpoint.organisation_id, 'directory.manage');
  v_name     text := usher.clean_line(create_directory_endpoint.name, 100);
  v_url      text := usher.directory_url(create_directory_endpoint.url);
  v_endpoint public.organisation_directory_endpoints;
begin
  if v_name is null or v_url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_url is null then usher.target_problem(btrim(create_directory_endpoint.url)) end,
        'Give a name of one line, and the https address that the application calls its SCIM base URL.'));
  end if;
  perform from public.organisations o where o.id = v_member.organisation_id for no key update;
  if 10 <= (
    select count(*) from public.organisation_directory_endpoints e where e.organisation_id = v_member.organisation_id)
  then
    perform usher.fail('invalid_settings', hint => 'An organisation has at most 10 endpoints: delete one first.');
  end if;
  insert into public.organisation_directory_endpoints as e (organisation_id, name, url, created_by)
  values (v_member.organisation_id, v_name, v_url, v_member.user_id)
  returning e.* into v_endpoint;
  perform usher.keep_endpoint_token(v_endpoint.id, create_directory_endpoint.token);
  perform usher.mark_copies(v_endpoint.id);
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_created', 'directory', v_endpoint.id,
    after => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url)));
  return v_endpoint;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_directory_token(organisation_id uuid, name text, expires_in interval)
 RETURNS public.organisation_directory_token
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_directory_token.organisation_id, 'directory.manage');
  v_name   text := usher.clean_line(create_directory_token.name, 100);
  v_secret text := 'scim_' || translate(
    encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || e'\n', '-_');
  v_token  public.organisation_directory_tokens;
begin
  if v_name is null then
    perform usher.fail('invalid_settings', hint => 'A name is one line of 1 to 100 characters.');
  end if;
  if create_directory_token.expires_in not between interval '1 hour' and interval '10 years' then
    perform usher.fail('invalid_expiry', hint => 'Give an interval from 1 hour to 10 years, or none.');
  end if;
  perform from public.organisations o where o.id = v_member.organisation_id for no key update;
  if 20 <= (
    select count(*) from public.organisation_directory_tokens t
    where t.organisation_id = v_member.organisation_id and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > now()))
  then
    perform usher.fail('invalid_settings', hint => 'An organisation has at most 20 tokens: revoke one first.');
  end if;

  insert into public.organisation_directory_tokens as t (organisation_id, name, created_by, expires_at)
  values (v_member.organisation_id, v_name, v_member.user_id, now() + create_directory_token.expires_in)
  returning t.* into v_token;
  insert into usher.directory_token_hashes (hash, token_id)
  values (sha256(convert_to(v_secret, 'UTF8')), v_token.id);
  perform usher.record_event(v_token.organisation_id, 'directory.token_created', 'directory', v_token.id,
    after => jsonb_build_object('name', v_token.name, 'expires_at', v_token.expires_at));
  return row(v_token.id, v_token.organisation_id, v_token.name, v_token.expires_at, v_secret,
    (select s.functions_url || '/scim/v2' from usher.settings s));
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_invites(organisation_id uuid, drafts jsonb)
 RETURNS SETOF public.organisation_invite_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
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
      d.item ->> 'template_id' as template_id,
      d.item ->> 'membership_ends_at' as given_end,
      usher.read_time(d.item ->> 'membership_ends_at') as membership_ends_at
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
    select d.*, t.id as checked_template_id, r.roles, p.invite_id as open_invite_id,
      case
        when d.address is null then 'invalid_email'
        when r.problem is not null then r.problem
        when d.lifetime is null then 'invalid_expiry'
        when d.given_end is not null
          and coalesce(d.membership_ends_at <= now() + interval '1 hour', true) then 'invalid_expiry'
        when d.given_message is not null and d.message is null then 'invalid_message'
        when d.redirect_to is not null and not usher.is_redirect(d.redirect_to) then 'invalid_redirect'
        when d.locale is not null and not usher.is_locale(d.locale) then 'invalid_settings'
        when jsonb_typeof(d.metadata) <> 'object'
          or pg_column_size(d.metadata) > 8192 then 'invalid_settings'
        when d.template_id is not null and t.id is null then 'invalid_settings'
        when p.problem is not null then p.problem
        when p.invite_id is not null then 'already_invited'
      end as problem
    from draft d
    join role_set r on coalesce(r.given_roles, 'null') = coalesce(d.given_roles, 'null')
    left join public.organisation_email_templates t
      on t.id::text = lower(d.template_id) and t.organisation_id = create_invites.organisation_id
      and t.kind = 'invite'
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
      id, organisation_id, email, roles, message, locale, redirect_to, metadata, template_id,
      invited_by, lifetime, membership_ends_at, expires_at)
    select r.id, create_invites.organisation_id, r.address, r.roles, nullif(r.message, ''), r.locale, r.redirect_to,
      r.metadata, r.checked_template_id, v_member.user_id, r.lifetime, r.membership_ends_at,
      usher.invite_end(r.lifetime, r.membership_ends_at)
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
      array_agg(jsonb_build_object('roles', i.roles, 'expires_at', i.expires_at)
        || case when i.membership_ends_at is null then '{}'
          else jsonb_build_object('membership_ends_at', i.membership_ends_at) end order by r.row_number)
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

CREATE OR REPLACE FUNCTION usher.create_webhook(organisation_id uuid, url text, events text[], description text)
 RETURNS public.organisation_webhook_secret
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_webhook.organisation_id, 'webhook.manage');
  v_webhook public.organisation_webhooks;
begin
  perform usher.require_webhook(create_webhook.url, create_webhook.events, create_webhook.description);
  perform from public.organisations o where o.id = v_member.organisation_id for no key update;
  -- Each one more is one more request for each thing that happens.
  if (select count(*) >= 20 from public.organisation_webhooks w where w.organisation_id = v_member.organisation_id) then
    perform usher.fail('invalid_settings', hint => 'An organisation has at most 20 webhooks; delete one first.');
  end if;

  insert into public.organisation_webhooks as w (organisation_id, url, events, description)
  values (v_member.organisation_id, create_webhook.url, usher.clean_events(create_webhook.events),
    coalesce(usher.clean_line(create_webhook.description, 200), ''))
  returning w.* into v_webhook;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.created', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook));
  return usher.add_webhook_secret(v_webhook);
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
  -- As when accepting: it may have waited for the row until after its end.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  perform usher.record_event(v_invite.organisation_id, 'invite.declined', 'invite', v_invite.id,
    before     => jsonb_build_object('status', 'pending'),
    after      => jsonb_build_object('status', 'declined'),
    reason     => v_invite.declined_reason,
    actor_kind => case when auth.uid() is null then 'invitee' end);
  perform usher.enqueue_delivery('invite_declined', v_invite.organisation_id, m.email, null, v_invite.id)
    from usher.current_members m
    where m.organisation_id = v_invite.organisation_id and m.email is not null
      and 'invite.create' in (select usher.permissions_of(m.organisation_id, m.roles));
  return usher.validate_invite(decline_invite.token);
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_directory_endpoint(endpoint_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_endpoint public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(delete_directory_endpoint.endpoint_id);
begin
  delete from public.organisation_directory_endpoints e where e.id = v_endpoint.id;
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_deleted', 'directory', v_endpoint.id,
    before => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url)));
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_directory_group(token text, id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_organisation_id uuid := usher.open_directory(delete_directory_group.token, true);
  v_group usher.directory_group;
begin
  select g.* into v_group
  from usher.directory_groups_of(v_organisation_id) g where g.id = delete_directory_group.id;
  if not found then
    perform usher.fail('directory_not_found');
  elsif not v_group.is_made then
    perform usher.fail('permission_denied',
      hint => 'This role was not made by the directory: it can be emptied, not deleted.');
  end if;
  perform usher.set_directory_members(v_organisation_id, v_group.role, '{}');
  perform usher.delete_role(v_organisation_id, v_group.role);
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_directory_user(token text, id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_organisation_id uuid := usher.open_directory(delete_directory_user.token, true);
  v_user usher.directory_users :=
    usher.directory_user_for_change(v_organisation_id, delete_directory_user.id);
begin
  perform usher.dismiss_directory_user(v_user);
  delete from usher.directory_users d where d.id = v_user.id;
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

  update usher.directory_users d set roles = array_remove(d.roles, v_role.name)
  where d.organisation_id = v_role.organisation_id and v_role.name = any (d.roles);
  delete from public.organisation_roles r where r.id = v_role.id;
  perform usher.record_event(v_role.organisation_id, 'role.deleted', 'role', v_role.id,
    before => usher.role_facts(v_role));
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_webhook(webhook_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(delete_webhook.webhook_id);
begin
  delete from public.organisation_webhooks w where w.id = v_webhook.id;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.deleted', 'webhook', v_webhook.id,
    before => usher.webhook_facts(v_webhook));
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_account(directory_user usher.directory_users)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_user     usher.directory_users := directory_account.directory_user;
  v_accounts uuid[];
  v_status   text;
begin
  -- What only a session can show is asked of them when they accept.
  if exists (
    select from public.organisation_sign_in_rules r
    where r.organisation_id = v_user.organisation_id
      and (r.level <> 'aal1' or cardinality(r.methods) > 0 or r.max_age is not null))
  then
    return null;
  end if;
  -- Whoever was a member is the same account, by whichever way they sign in.
  select array_agg(m.user_id), max(m.status) into v_accounts, v_status
  from public.organisation_members m
  join auth.users u on u.id = m.user_id
  where m.id = v_user.member_id and u.email = v_user.email and u.email_confirmed_at is not null
    -- Where people have to come in through a provider, an account without it is nobody's yet.
    and not usher.lacks_identity(m.organisation_id, u.id, v_user.email);
  if v_accounts is not null then
    return case when v_status = 'removed' then v_accounts[1] end;
  end if;

  -- Of single sign-on only where the project has that provider for the domain: else the address is whatever the
  -- provider says.
  select array_agg(u.id) into v_accounts
  from auth.users u
  where u.email = v_user.email and u.email_confirmed_at is not null
    and (u.is_sso_user = false or usher.has_proven_address(u.id))
    and not usher.lacks_identity(v_user.organisation_id, u.id, v_user.email);
  return (
    select v_accounts[1]
    where cardinality(v_accounts) = 1
      and (select s.auth_confirms_addresses from usher.settings s)
      and exists (
        select from public.organisation_domains d
        where d.organisation_id = v_user.organisation_id and d.verified_at is not null
          and d.domain = usher.email_domain(v_user.email))
      and not exists (
        select from public.organisation_members m
        where m.organisation_id = v_user.organisation_id and m.user_id = v_accounts[1]));
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_endpoint_for_change(endpoint_id uuid)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_endpoint public.organisation_directory_endpoints;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  select e.* into v_endpoint
  from public.organisation_directory_endpoints e
  join usher.current_members m
    on m.organisation_id = e.organisation_id and m.user_id = auth.uid()
  where e.id = directory_endpoint_for_change.endpoint_id;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  perform usher.require_permission(v_endpoint.organisation_id, 'directory.manage');
  select e.* into strict v_endpoint
  from public.organisation_directory_endpoints e where e.id = v_endpoint.id for update;
  return v_endpoint;
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_groups_of(organisation_id uuid)
 RETURNS SETOF usher.directory_group
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select r.id, r.name, coalesce(g.display_name, r.name), g.external_id, coalesce(g.is_made, false),
    coalesce(g.created_at, r.created_at), coalesce(g.updated_at, r.created_at)
  from public.organisation_roles r
  left join usher.directory_groups g on g.organisation_id = $1 and g.role_id = r.id
  where (r.organisation_id is null or r.organisation_id = $1)
    and not (r.organisation_id is null and r.name = 'owner')
$function$;

CREATE OR REPLACE FUNCTION usher.directory_metrics()
 RETURNS TABLE(status text, count bigint, oldest_seconds double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select c.status, count(*),
    -- Since it was due, not since it was marked: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - c.due_at))
      filter (where c.status = 'waiting' and c.due_at <= clock_timestamp() and e.is_enabled)::double precision
  from public.organisation_directory_copies c
  join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  group by c.status
$function$;

CREATE OR REPLACE FUNCTION usher.directory_url(url text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return case when usher.target_problem(btrim(directory_url.url)) is null and directory_url.url !~ '[?#]'
    then rtrim(btrim(directory_url.url), '/') end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_user_for_change(organisation_id uuid, id uuid)
 RETURNS usher.directory_users
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_user usher.directory_users;
begin
  -- A member whom the directory has not named so far is taken over, under the id that it was shown.
  insert into usher.directory_users (
    id, organisation_id, user_name, email, is_active, roles, member_id, created_at)
  select m.id, m.organisation_id, m.email, m.email, true, array_remove(m.roles, 'owner'), m.id, m.joined_at
  from public.organisation_members m
  where m.id = directory_user_for_change.id
    and m.organisation_id = directory_user_for_change.organisation_id
    and m.kind = 'user' and m.status = 'active' and m.email is not null
    and not exists (select from usher.directory_users d where d.member_id = m.id)
  on conflict do nothing;

  -- First the invites, then the member, then what the directory says: as accepting does.
  perform from usher.invites i
  join usher.directory_users d on d.organisation_id = i.organisation_id and d.email = i.email
  where d.id = directory_user_for_change.id and d.organisation_id = directory_user_for_change.organisation_id
    and i.status = 'pending'
  order by i.id
  for update of i;
  perform from public.organisation_members m
  join usher.directory_users d on d.member_id = m.id
  where d.id = directory_user_for_change.id and d.organisation_id = directory_user_for_change.organisation_id
  for update of m;
  select d.* into v_user
  from usher.directory_users d
  where d.id = directory_user_for_change.id
    and d.organisation_id = directory_user_for_change.organisation_id
  for update;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  return v_user;
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_users_of(organisation_id uuid)
 RETURNS SETOF usher.directory_user
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select d.id, d.user_name, d.external_id, d.email, m.display_name,
    -- An invite that somebody here took back is a no; one that is not answered yet is not.
    d.is_active and coalesce(m.status = 'active', i.status is distinct from 'revoked'),
    case when m.status = 'active' and not 'owner' = any (m.roles) then m.roles else d.roles end,
    d.attributes, d.member_id, d.created_at, greatest(d.updated_at, m.ended_at)
  from usher.directory_users d
  left join public.organisation_members m on m.id = d.member_id
  left join usher.invites i on i.id = d.invite_id
  where d.organisation_id = $1
  union all
  select m.id, m.email, null, m.email, m.display_name, true, array_remove(m.roles, 'owner'),
    '{}', m.id, m.joined_at, m.joined_at
  from public.organisation_members m
  where m.organisation_id = $1 and m.kind = 'user' and m.status = 'active' and m.email is not null
    and not exists (select from usher.directory_users d where d.member_id = m.id)
$function$;

CREATE OR REPLACE FUNCTION usher.disable_webhook(webhook_id uuid, reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook public.organisation_webhooks;
begin
  update public.organisation_webhooks w
  set is_enabled = false, disabled_at = clock_timestamp(), disabled_reason = disable_webhook.reason
  where w.id = disable_webhook.webhook_id and w.is_enabled
  returning w.* into v_webhook;
  if not found then
    return;
  end if;
  perform usher.end_queued_webhook_deliveries(v_webhook.id);
  perform usher.record_event(v_webhook.organisation_id, 'webhook.disabled', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook) || jsonb_build_object('reason', v_webhook.disabled_reason),
    actor_kind => 'worker');
  insert into public.organisation_deliveries (organisation_id, kind, recipient, facts)
  select m.organisation_id, 'webhook_disabled', m.email,
    jsonb_build_object('webhook', usher.webhook_facts(v_webhook) ->> 'host')
  from usher.current_members m
  where m.organisation_id = v_webhook.organisation_id and m.email is not null
    and 'webhook.manage' in (select usher.permissions_of(m.organisation_id, m.roles));
  perform usher.wake_worker();
end
$function$;

CREATE OR REPLACE FUNCTION usher.dismiss_directory_user(directory_user usher.directory_users)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_user usher.directory_users := dismiss_directory_user.directory_user;
begin
  -- First the invites, then the member, as accepting does: so the two wait and never block each other.
  perform usher.revoke_invites_to(v_user.organisation_id, v_user.email);
  perform usher.remove_member(m.organisation_id, m.user_id, 'By the directory')
    from public.organisation_members m
    where m.id = v_user.member_id and m.status = 'active';
end
$function$;

CREATE OR REPLACE FUNCTION usher.enabled_webhook_for_change(webhook_id uuid)
 RETURNS public.organisation_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(enabled_webhook_for_change.webhook_id);
begin
  if not v_webhook.is_enabled then
    perform usher.fail('webhook_disabled', details => v_webhook.disabled_reason);
  end if;
  return v_webhook;
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_access(member public.organisation_members)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform usher.end_membership(
    (end_access.member).id, 'removed', 'member.access_ended', 'The membership had an end.', 'worker');
  perform usher.enqueue_access_mail('access_ended', (end_access.member).id, (end_access.member).roles, true,
    (end_access.member).ends_at);
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_directory_lease(endpoint_id uuid, member_id uuid, fence bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update public.organisation_directory_copies c
  set leased_until = null
  where c.endpoint_id = end_directory_lease.endpoint_id
    and c.member_id = end_directory_lease.member_id
    and c.fence = end_directory_lease.fence;
  if found then
    return true;
  end if;
  -- Whoever took over may have been first: what is there now is anybody's guess, and is sent again.
  update public.organisation_directory_copies c
  set status = 'waiting', change = c.change + 1, due_at = now()
  where c.endpoint_id = end_directory_lease.endpoint_id and c.member_id = end_directory_lease.member_id;
  return false;
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_due_access(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members;
  v_kept   text[];
  v_ended  text[];
  v_count  integer := 0;
begin
  for v_member in
    select m.*
    from public.organisation_members m
    where m.status = 'active' and m.next_end_at <= statement_timestamp()
    order by m.next_end_at
    limit end_due_access.batch_size
    -- One that is being changed at this moment is left to the next sweep.
    for update skip locked
  loop
    v_count := v_count + 1;
    if v_member.ends_at <= statement_timestamp() then
      perform usher.end_access(v_member);
      continue;
    end if;

    v_kept := usher.counting_roles(v_member.roles, v_member.ends_at, v_member.role_ends);
    v_ended := array(select unnest(v_member.roles) except select unnest(v_kept) order by 1);
    update public.organisation_members m set roles = v_kept where m.id = v_member.id;
    perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
      before     => jsonb_build_object('roles', v_member.roles),
      after      => jsonb_build_object('roles', v_kept),
      reason     => 'The role had an end.',
      actor_kind => 'worker');
    perform usher.enqueue_access_mail('access_ended', v_member.id, v_ended, false, v_member.next_end_at);
  end loop;
  return v_count;
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_membership(member_id uuid, status text, event text, reason text, actor_kind text DEFAULT NULL::text)
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
    reason => v_member.status_reason,
    actor_kind => end_membership.actor_kind);
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_queued_webhook_deliveries(webhook_id uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  update public.organisation_webhook_deliveries d
  set status = 'failed', last_response = 'Not sent: the webhook was switched off.'
  where d.webhook_id = end_queued_webhook_deliveries.webhook_id and d.status = 'queued'
$function$;

CREATE OR REPLACE FUNCTION usher.endpoint_token(endpoint_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_kept  usher.directory_endpoint_tokens;
  v_token text;
begin
  select t.* into v_kept from usher.directory_endpoint_tokens t where t.endpoint_id = endpoint_token.endpoint_id;
  if v_kept.vault_secret_id is null then
    return v_kept.token;
  end if;
  execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
    into v_token using v_kept.vault_secret_id;
  return v_token;
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_access_mail(kind text, member_id uuid, roles text[], is_membership boolean, ends_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, enqueue_access_mail.kind, m.email, jsonb_build_object(
    'roles', enqueue_access_mail.roles, 'is_membership', enqueue_access_mail.is_membership,
    'ends_at', enqueue_access_mail.ends_at)
  from public.organisation_members m
  where m.id = enqueue_access_mail.member_id and m.email is not null and m.kind = 'user';
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_review_mail(kind text, review public.organisation_access_reviews)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, enqueue_review_mail.kind, m.email, jsonb_build_object(
    'review', (enqueue_review_mail.review).title,
    'due_at', (enqueue_review_mail.review).due_at,
    'actor_name', a.display_name, 'actor_email', a.email)
  from usher.reviewers((enqueue_review_mail.review).organisation_id) m
  left join public.organisation_members a
    on a.organisation_id = m.organisation_id and a.user_id = (enqueue_review_mail.review).started_by
  where m.email is not null and m.kind = 'user';
  perform usher.wake_worker();
end
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
  -- As when accepting an invite: it may have waited for the row until after its end.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  perform usher.require_roles(v_invite.organisation_id, v_invite.roles);
  perform usher.require_free_seat(v_invite.organisation_id);
  v_member := usher.add_member(
    v_invite.organisation_id, auth.uid(), v_invite.roles, kind => 'device');
  update public.organisation_members m
  set display_name = v_invite.device_name, email = null
  where m.id = v_member.id
  returning m.* into v_member;

  perform usher.record_event(v_invite.organisation_id, 'device.enrolled', 'user', v_member.user_id,
    after => jsonb_build_object('invite_id', v_invite.id, 'roles', v_member.roles),
    actor_kind => 'device');
  perform usher.enqueue_delivery('device_enrolled', v_invite.organisation_id, m.email, null, v_invite.id)
    from usher.current_members m
    where m.organisation_id = v_invite.organisation_id
      and m.user_id = v_invite.invited_by and m.email is not null;
  return to_jsonb(v_member);
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
  update public.organisation_access_review_items i
  set reason = case when i.decision = 'withdrawn' then '-' end
  where i.user_id = erase_person.user_id and i.reason is not null;
  delete from usher.suppressed_addresses s where s.email = v_email;
  delete from usher.mail_opt_outs o where o.email = v_email;
  delete from usher.sign_up_invites s where s.user_id = erase_person.user_id;
  delete from usher.directory_users d
  where d.email = v_email
    or d.member_id in (select m.id from public.organisation_members m where m.user_id = erase_person.user_id);

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
    ('directory_token_invalid', 401, 'This directory token is not valid, or not any more.',
      'Make a new one on the page Directories, and give it to the identity provider.'),
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
    ('sso_required',            403, 'The organisation asks for another way of signing in.',
      'Sign in the way that details names, then try again.'),
    ('signup_not_invited',      403, 'Only people who have been invited can make an account.',
      'Ask for an invite, and sign up with the address that it was sent to.'),
    ('organisation_not_found',  404, 'There is no such organisation, or you are not in it.',
      'Check the id, and who you are signed in as.'),
    ('member_not_found',        404, 'There is no such member, or you are not in the organisation.',
      'Check the ids, and who you are signed in as.'),
    ('invite_not_found',        404, 'There is no such invite, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('access_review_not_found', 404, 'There is no such review, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('webhook_not_found',       404, 'There is no such webhook, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('directory_not_found',     404, 'The directory holds no such thing, or it is not yours to see.',
      'Check the id, and which token you use.'),
    ('invite_invalid',          404, 'This is not a link that we have sent.',
      'Open the link straight from the mail, without changing it.'),
    ('invite_already_accepted', 409, 'This invite has already been accepted.',
      'Sign in to see the organisation.'),
    ('invite_not_pending',      409, 'This invite is no longer open.',
      'Make a new one.'),
    ('access_review_not_open',  409, 'This has been answered, or the review has ended.',
      'See what the review says; start a new one if need be.'),
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
    ('directory_conflict',      409, 'The directory holds another one with this name or address.',
      'Look for that one, and change it instead.'),
    ('seat_limit_reached',      409, 'All seats of the organisation are taken.',
      'Remove a member, or raise the limit.'),
    ('webhook_disabled',        409, 'This webhook is switched off.',
      'Switch it on first; details says why it is off.'),
    ('idempotency_key_in_use',  409, 'A request with this key is being carried out.',
      'Wait a moment, then send the same request with the same key.'),
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
    ('idempotency_key_reused',  422, 'This key belongs to another request.',
      'Take a new key for each new request.'),
    ('rate_limited',            429, 'Too many requests.',
      'Wait as long as Retry-After says.')
$function$;

CREATE OR REPLACE FUNCTION usher.event_hash(event public.organisation_audit_events)
 RETURNS bytea
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return sha256(convert_to(usher.event_text(event_hash.event), 'UTF8'));
end
$function$;

CREATE OR REPLACE FUNCTION usher.event_text(event public.organisation_audit_events)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  v_event public.organisation_audit_events := event_text.event;
begin
  -- As JSON in UTC: every column, each value apart from the next, the same on every machine.
  return jsonb_build_array(
    v_event.id, v_event.organisation_id, extract(epoch from v_event.occurred_at), v_event.event,
    v_event.actor_kind, v_event.actor_id, v_event.target_kind, v_event.target_id, v_event.before,
    v_event.after)::text;
end
$function$;

CREATE OR REPLACE FUNCTION usher.evidence_tables(organisation_id uuid, since timestamp with time zone, until timestamp with time zone, with_people boolean, with_invites boolean)
 RETURNS json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  v_id     uuid        := evidence_tables.organisation_id;
  v_since  timestamptz := evidence_tables.since;
  v_until  timestamptz := evidence_tables.until;
  v_tables json;
begin
  with people as (
    select m.user_id, m.kind, case when evidence_tables.with_people then m.display_name end as display_name,
      case when evidence_tables.with_people then m.email end as email
    from public.organisation_members m where m.organisation_id = v_id
  ), rights as (
    select r.*,
      r.granted_at < v_until and case when r.ended_at is null then r.is_held else r.ended_at >= v_until end as is_held_then
    from usher.access_rights(v_id) r
    where r.granted_at < v_until and (r.ended_at is null or r.ended_at >= v_since)
  ), members as (
    select m.user_id, m.roles from usher.current_members m where m.organisation_id = v_id
  )
  select json_build_object(
    'rights', (
      select coalesce(json_agg(x order by x.email, x.user_id, x.role, x.granted_at), '[]') from (
        select r.user_id, p.kind, p.display_name as name, p.email, r.role, r.is_held_then as is_held,
          r.granted_at, r.granted_through, r.granted_by, g.email as granted_by_email,
          -- Of an invite, it is what the invite said.
          case when evidence_tables.with_invites
            or r.granted_through not in ('invite.accepted', 'device.enrolled') then r.grant_reason end as grant_reason,
          r.ends_at,
          r.ended_at, r.ended_through, r.ended_by, e.email as ended_by_email, r.end_reason, r.is_explained,
          r.granted_event_id, r.ended_event_id
        from rights r
        left join people p on p.user_id = r.user_id
        left join people g on g.user_id = r.granted_by
        left join people e on e.user_id = r.ended_by) x),
    'changes', (
      select coalesce(json_agg(x order by x.occurred_at, x.event_id, x.change, x.role), '[]') from (
        select c.occurred_at, c.event_id, c.change, c.user_id, p.email, c.role, c.through, c.actor_kind, c.actor_id,
          a.email as actor_email,
          case when evidence_tables.with_invites
            or c.through not in ('invite.accepted', 'device.enrolled') then c.reason end as reason,
          c.ends
        from (
          select h.*, null::jsonb as ends from usher.access_changes(v_id) h
          union all
          select e.id, e.occurred_at, e.target_id, null, 'end_changed', e.event, e.actor_kind, e.actor_id, e.reason, e.after
          from public.organisation_audit_events e
          where e.organisation_id = v_id and e.event = 'member.ends_updated'
        ) c
        left join people p on p.user_id = c.user_id
        left join people a on a.user_id = c.actor_id
        where c.occurred_at >= v_since and c.occurred_at < v_until) x),
    'invites', (
      select coalesce(json_agg(x order by x.created_at, x.id), '[]') from (
        select i.id, i.kind, case when evidence_tables.with_invites then coalesce(i.email, i.device_name) end as invitee,
          i.roles, i.status, i.created_at, i.invited_by, p.email as invited_by_email,
          case when evidence_tables.with_invites then i.message end as message, i.expires_at, i.resend_count,
          i.accepted_at, i.accepted_by, i.declined_at,
          case when evidence_tables.with_invites then i.declined_reason end as declined_reason,
          i.revoked_at, i.revoked_by, i.revoked_reason, d.status as mail
        from public.organisation_invites i
        left join people p on p.user_id = i.invited_by
        left join lateral (
          select n.status
          from public.organisation_deliveries n
          where n.invite_id = i.id and n.kind = 'invite'
          order by n.created_at desc
          limit 1
        ) d on true
        where i.organisation_id = v_id and i.created_at < v_until
          and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) >= v_since) x),
    'roles', (
      select coalesce(json_agg(x order by x.is_built_in desc, x.name), '[]') from (
        select r.name, r.description, r.organisation_id is null as is_built_in, r.permissions, r.inherits,
          (select count(*) from members m where r.name = any (m.roles)) as holders, r.created_at
        from public.organisation_roles r
        where r.organisation_id is null or r.organisation_id = v_id) x),
    'reviews', (
      select coalesce(json_agg(x order by x.started_at, x.id), '[]') from (
        select r.id, r.title, r.status, r.started_at, r.started_by, s.email as started_by_email, r.due_at, r.ended_at,
          r.closed_by, c.email as closed_by_email, r.closed_reason, n.confirmed, n.withdrawn, n.lapsed, n.open
        from public.organisation_access_reviews r
        cross join jsonb_to_record(usher.review_results(r.id))
          n (confirmed integer, withdrawn integer, lapsed integer, open integer)
        left join people s on s.user_id = r.started_by
        left join people c on c.user_id = r.closed_by
        where r.organisation_id = v_id and r.started_at < v_until and coalesce(r.ended_at, now()) >= v_since) x),
    'review_items', (
      select coalesce(json_agg(x order by x.review_id, x.email, x.user_id, x.role), '[]') from (
        select i.review_id, i.id, i.user_id, p.email, i.role, i.granted_at, i.granted_by, i.decision, i.reason,
          i.decided_at, i.decided_by, d.email as decided_by_email
        from public.organisation_access_review_items i
        join public.organisation_access_reviews r on r.id = i.review_id
        left join people p on p.user_id = i.user_id
        left join people d on d.user_id = i.decided_by
        where r.organisation_id = v_id and r.started_at < v_until and coalesce(r.ended_at, now()) >= v_since) x),
    'exclusions', (
      select coalesce(json_agg(x order by x.name), '[]') from (
        select e.name, e.roles, e.cardinality, (
          select count(*) from members m
          where e.cardinality <= (
            select count(*) from usher.roles_with_inherited(v_id, m.roles) h (name) where h.name = any (e.roles))
        ) as violations
        from public.organisation_role_exclusions e where e.organisation_id = v_id) x),
    'duty_findings', (
      select coalesce(json_agg(x order by x.finding, x.email, x.user_id, x.at), '[]') from (
        select 'excluded_roles_held' as finding, e.name as exclusion, m.user_id, p.email, h.roles, null::timestamptz as at
        from public.organisation_role_exclusions e
        cross join members m
        cross join lateral (
          select array_agg(r.name order by r.name) as roles
          from usher.roles_with_inherited(v_id, m.roles) r (name) where r.name = any (e.roles)
        ) h
        left join people p on p.user_id = m.user_id
        where e.organisation_id = v_id and cardinality(h.roles) >= e.cardinality
        union all
        -- Founding and joining by a domain are nobody's decision about themselves.
        select 'granted_to_oneself', null, r.user_id, p.email, array[r.role], r.granted_at
        from rights r
        left join people p on p.user_id = r.user_id
        where r.granted_by = r.user_id and r.granted_through not in ('organisation.created', 'member.joined')
        union all
        select 'reviewed_by_oneself', null, i.user_id, p.email, array[i.role], i.decided_at
        from public.organisation_access_review_items i
        left join people p on p.user_id = i.user_id
        where i.organisation_id = v_id and i.decided_by = i.user_id
          and i.decided_at >= v_since and i.decided_at < v_until) x),
    'signing_keys', (
      select coalesce(json_agg(x order by x.id), '[]') from (
        select k.id, k.state, k.kept_in, k.created_at, k.retired_at, k.verifies_until, k.is_due
        from usher.signing_key_states k
        where k.created_at < v_until and (k.retired_at is null or k.verifies_until >= v_since)) x),
    'deliveries', (
      select coalesce(json_agg(x order by x.created_at, x.id), '[]') from (
        select d.id, d.kind, d.status, case when evidence_tables.with_invites then d.recipient end as recipient,
          d.invite_id, d.attempts, d.created_at, d.sent_at, d.delivered_at, d.opened_at, d.bounced_at, d.complained_at,
          d.last_status_code,
          case when evidence_tables.with_invites then d.last_response end as last_response,
          d.provider_message_id
        from public.organisation_deliveries d
        where d.organisation_id = v_id and d.created_at >= v_since and d.created_at < v_until) x),
    'delivery_counts', (
      select coalesce(json_agg(x order by x.kind, x.status), '[]') from (
        select d.kind, d.status, count(*) as mails
        from public.organisation_deliveries d
        where d.organisation_id = v_id and d.created_at >= v_since and d.created_at < v_until
        group by d.kind, d.status) x),
    -- Those who did something, or had something done to them: the trail itself names no one.
    'people', (
      select coalesce(json_agg(x order by x.user_id), '[]') from (
        select p.user_id, p.kind, p.display_name as name, p.email from people p) x)
  ) into v_tables;
  return v_tables;
end
$function$;

CREATE OR REPLACE FUNCTION usher.evidence_trail(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)
 RETURNS json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  v_first integer;
  v_last  integer;
begin
  -- By the events themselves; of those whose time is over, by the times of their seal.
  select min(n.number), max(n.number) into v_first, v_last
  from (
    select s.seal_number as number
    from public.organisation_audit_events e
    join usher.sealed_events s on s.event_id = e.id
    where e.organisation_id = evidence_trail.organisation_id
      and e.occurred_at >= evidence_trail.since and e.occurred_at < evidence_trail.until
    union all
    select a.number
    from usher.audit_seals a
    where a.organisation_id = evidence_trail.organisation_id and a.purged_at is not null
      and a.last_event_at >= evidence_trail.since and a.first_event_at < evidence_trail.until
  ) n;

  return json_build_object(
    'first_seal', v_first,
    'last_seal', v_last,
    'head_seal', (
      select max(a.number) from usher.audit_seals a where a.organisation_id = evidence_trail.organisation_id),
    'seals', (
      select coalesce(json_agg(x order by x.number), '[]') from (
        select a.number, a.events, a.sealed_at, a.first_event_at, a.last_event_at, a.purged_at,
          encode(a.hash, 'hex') as hash
        from usher.audit_seals a
        -- And the one before, which the first is chained to.
        where a.organisation_id = evidence_trail.organisation_id and a.number >= v_first - 1) x));
end
$function$;

CREATE OR REPLACE FUNCTION usher.export_evidence(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)
 RETURNS json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform usher.require_permission(export_evidence.organisation_id, 'audit.read');
  return usher.collect_evidence(export_evidence.organisation_id, export_evidence.since, export_evidence.until,
    usher.has_permission(export_evidence.organisation_id, 'member.read'),
    usher.has_permission(export_evidence.organisation_id, 'invite.read'));
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail_directory_change(endpoint_id uuid, member_id uuid, fence bigint, failure text, error text, retry_after integer DEFAULT NULL::integer)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_status text;
begin
  if not usher.end_directory_lease(
    fail_directory_change.endpoint_id, fail_directory_change.member_id, fail_directory_change.fence)
  then
    return null;
  end if;
  if fail_directory_change.failure = 'endpoint' then
    perform usher.pause_directory_endpoint(
      fail_directory_change.endpoint_id, fail_directory_change.error, fail_directory_change.retry_after);
  end if;
  update public.organisation_directory_copies c
  set last_error = left(fail_directory_change.error, 500),
    -- What is wrong with the endpoint is no fault of this member.
    attempts = case when fail_directory_change.failure = 'endpoint' then c.attempts - 1 else c.attempts end,
    due_at = case when fail_directory_change.failure = 'temporary'
      then now() + least(interval '1 hour', interval '5 seconds' * 2 ^ c.attempts) * (0.8 + 0.4 * random())
      else c.due_at end,
    status = case
      when fail_directory_change.failure = 'permanent' then 'failed'
      when fail_directory_change.failure = 'temporary' and c.attempts >= 12 then 'failed'
      else 'waiting'
    end
  where c.endpoint_id = fail_directory_change.endpoint_id and c.member_id = fail_directory_change.member_id
  returning c.status into v_status;
  return v_status;
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail_directory_reconcile(endpoint_id uuid, fence bigint, error text, retry_after integer DEFAULT NULL::integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update public.organisation_directory_endpoints e
  set leased_at = null, reconcile_at = least(e.reconcile_at, now())
  where e.id = fail_directory_reconcile.endpoint_id and e.fence = fail_directory_reconcile.fence;
  if found then
    perform usher.pause_directory_endpoint(
      fail_directory_reconcile.endpoint_id, fail_directory_reconcile.error, fail_directory_reconcile.retry_after);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.finish_directory_reconcile(endpoint_id uuid, fence bigint, features jsonb, users jsonb, groups jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET enable_nestloop TO 'off'
AS $function$
declare
  v_endpoint  public.organisation_directory_endpoints;
  v_drift     integer;
  v_strangers jsonb;
begin
  select e.* into v_endpoint
  from public.organisation_directory_endpoints e
  where e.id = finish_directory_reconcile.endpoint_id and e.fence = finish_directory_reconcile.fence
  for update;
  if not found then
    return null;
  end if;

  delete from usher.directory_group_copies g where g.endpoint_id = v_endpoint.id;
  insert into usher.directory_group_copies (endpoint_id, role, remote_id)
  select distinct on (r.name) v_endpoint.id, r.name, g.item ->> 'id'
  from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
  join public.organisation_roles r on lower(g.item ->> 'display_name') = r.name
    and (r.organisation_id is null or r.organisation_id = v_endpoint.organisation_id)
  order by r.name, g.item ->> 'id';

  with remote as materialized (
    select u.item ->> 'id' as id, u.item ->> 'external_id' as external_id, lower(u.item ->> 'user_name') as user_name,
      u.item ->> 'display_name' as display_name, (u.item ->> 'active')::boolean as is_active
    from jsonb_array_elements(finish_directory_reconcile.users) u (item)
  ),
  held as materialized (
    select h.id, array_agg(distinct c.role order by c.role) as roles
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    join usher.directory_group_copies c on c.endpoint_id = v_endpoint.id and c.remote_id = g.item ->> 'id'
    cross join jsonb_array_elements_text(g.item -> 'members') h (id)
    group by h.id
  ),
  -- Who is being sent, or was since the reading began: what was read of them may be older than that.
  sent as materialized (
    select c.member_id
    from public.organisation_directory_copies c
    where c.endpoint_id = v_endpoint.id
      and (c.leased_until > clock_timestamp() or c.synced_at >= v_endpoint.leased_at)
  ),
  subject as (
    select m.id, m.user_id, m.email, coalesce(m.display_name, m.email) as display_name, m.roles, c.remote_id,
      m.status = 'active' and m.kind = 'user' and m.email is not null as is_member
    from public.organisation_members m
    left join public.organisation_directory_copies c on c.endpoint_id = v_endpoint.id and c.member_id = m.id
    where m.organisation_id = v_endpoint.organisation_id
      and (m.status = 'active' and m.kind = 'user' or c.remote_id is not null)
      and not exists (select from sent s where s.member_id = m.id)
    union all
    -- Whose account was deleted here, and is still known there.
    select c.member_id, null, null, null, '{}', c.remote_id, false
    from public.organisation_directory_copies c
    where c.endpoint_id = v_endpoint.id
      and not exists (select from public.organisation_members m where m.id = c.member_id)
      and not exists (select from sent s where s.member_id = c.member_id)
  ),
  -- Known, or named by us, or of the same address: the first of these that is there.
  found as (
    select distinct on (s.id) s.*, coalesce(k.id, x.id, a.id) as found_id
    from subject s
    left join remote k on k.id = s.remote_id
    left join remote x on x.external_id = s.user_id::text
    left join remote a on a.user_name = s.email and s.is_member
    order by s.id
  ),
  compared as (
    select s.id, r.id as remote_id, coalesce(h.roles, '{}') as roles,
      case when s.is_member
        then r.is_active and r.user_name = s.email and coalesce(r.display_name, s.display_name) = s.display_name
          and (coalesce(h.roles, '{}') = s.roles or finish_directory_reconcile.features ->> 'groups' = 'false')
        else r.id is null or not r.is_active and h.roles is null
      end is not true as has_drifted
    from found s
    left join remote r on r.id = s.found_id
    left join held h on h.id = r.id
  ),
  written as (
    insert into public.organisation_directory_copies as c (
      endpoint_id, member_id, organisation_id, status, remote_id, roles, synced_at)
    select v_endpoint.id, p.id, v_endpoint.organisation_id,
      case when p.has_drifted then 'waiting' else 'current' end, p.remote_id, p.roles, now()
    from compared p
    on conflict on constraint organisation_directory_copies_pkey do update
    set remote_id = excluded.remote_id, roles = excluded.roles,
      -- What waits already waits on; what was refused, and still differs, is tried once more.
      status = case when c.status = 'waiting' then 'waiting' else excluded.status end,
      change = c.change + (excluded.status = 'waiting')::integer,
      due_at = case when excluded.status = 'waiting' then now() else c.due_at end,
      attempts = case when excluded.status = 'waiting' then 0 else c.attempts end,
      last_error = case when excluded.status = 'current' then null else c.last_error end,
      synced_at = case when excluded.status = 'current' then now() else c.synced_at end
  )
  select count(*) filter (where p.has_drifted) into v_drift from compared p;

  -- Names alone: each of thousands of members would carry all of its group along.
  with named as materialized (
    select g.item ->> 'id' as group_id, h.id as user_id
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    cross join jsonb_array_elements_text(g.item -> 'members') h (id)
  )
  select coalesce(jsonb_agg(jsonb_build_object('group_id', n.group_id, 'user_id', n.user_id)), '[]') into v_strangers
  from named n
  join usher.directory_group_copies c on c.endpoint_id = v_endpoint.id and c.remote_id = n.group_id
  where not exists (
    select from public.organisation_directory_copies k
    where k.endpoint_id = v_endpoint.id
      -- Or one who is being made there at this moment: nobody knows yet as whom.
      and (k.remote_id = n.user_id or k.remote_id is null and k.leased_until > clock_timestamp()));

  v_drift := v_drift + jsonb_array_length(v_strangers);
  update public.organisation_directory_endpoints e
  set features = finish_directory_reconcile.features, leased_at = null,
    failures = 0, retry_at = null, last_error = null, last_success_at = now(), reconciled_at = now(), drift = v_drift,
    -- Unless somebody has asked for it meanwhile; and not all at the same hour.
    reconcile_at = case when e.reconcile_at > e.leased_at then e.reconcile_at
      else now() + interval '1 day' * (0.9 + 0.2 * random()) end
  where e.id = v_endpoint.id;
  if v_drift > 0 and v_endpoint.reconciled_at is not null then
    perform usher.record_event(v_endpoint.organisation_id, 'directory.drift_found', 'directory', v_endpoint.id,
      after => jsonb_build_object('drift', v_drift), actor_kind => 'worker');
  end if;
  return jsonb_build_object('drift', v_drift, 'strangers', v_strangers);
end
$function$;

CREATE OR REPLACE FUNCTION usher.finish_one_click(invite_id uuid, issue integer, user_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite  usher.invites;
  v_is_good boolean;
begin
  select i.* into v_invite from usher.invites i where i.id = finish_one_click.invite_id for no key update;
  -- Somebody may have signed up with the address since we looked. Auth gives no code of a confirmed account;
  -- one that is not confirmed yet has a password, which only who made it knows, and would be left with it.
  v_is_good := coalesce(
    v_invite.issue = finish_one_click.issue and usher.invite_problem(v_invite) is null
    and exists (
      select from auth.users u
      where u.id = finish_one_click.user_id
        and usher.normalise_email(u.email) = v_invite.email
        and not u.is_sso_user
        and u.email_confirmed_at is null
        and coalesce(u.encrypted_password, '') = ''), false);

  update usher.one_clicks c
  set ended_at = clock_timestamp(), user_id = case when v_is_good then finish_one_click.user_id end
  where c.invite_id = finish_one_click.invite_id and c.issue = finish_one_click.issue and c.ended_at is null;
  if not found then
    return false;
  end if;
  perform usher.record_event(v_invite.organisation_id,
    case when v_is_good then 'invite.one_click_done' else 'invite.one_click_failed' end, 'invite', v_invite.id,
    after => case when v_is_good then jsonb_build_object('user_id', finish_one_click.user_id) end,
    actor_kind => 'invitee');
  return v_is_good;
end
$function$;

CREATE OR REPLACE FUNCTION usher.has_account(email text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- Auth writes addresses in lower case, and has an index of those without single sign-on.
  if exists (select from auth.users u where u.email = has_account.email and u.is_sso_user = false) then
    return true;
  end if;
  -- Auth's own table, which a stand-in for Auth may lack.
  return to_regclass('auth.identities') is not null and exists (
    select from auth.identities d where d.email = has_account.email and d.provider like 'sso:%');
end
$function$;

CREATE OR REPLACE FUNCTION usher.has_identity(user_id uuid, provider text, email text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return to_regclass('auth.identities') is not null and exists (
    select from auth.identities d
    where d.user_id = has_identity.user_id
      and d.provider = has_identity.provider
      and lower(normalize(d.email, nfc) collate "und-x-icu") = has_identity.email);
end
$function$;

CREATE OR REPLACE FUNCTION usher.has_permission(organisation_id uuid, permission text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return exists (
    select from usher.current_members m
    join public.organisation_roles r on r.name = any (m.roles)
    where m.organisation_id = has_permission.organisation_id
      and m.user_id = auth.uid()
      and not usher.is_kept_out(row(m.*)::public.organisation_members)
      and (r.organisation_id is null or r.organisation_id = m.organisation_id)
      and has_permission.permission = any (r.permissions));
end
$function$;

CREATE OR REPLACE FUNCTION usher.has_proven_address(user_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_user record;
begin
  select usher.normalise_email(u.email) as email, u.email_confirmed_at, u.is_sso_user into v_user
  from auth.users u where u.id = has_proven_address.user_id;
  if not found or v_user.email_confirmed_at is null then
    return false;
  elsif not v_user.is_sso_user then
    return true;
  end if;
  return coalesce(usher.has_identity(has_proven_address.user_id,
    usher.sso_provider_of(usher.email_domain(v_user.email)), v_user.email), false);
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_end(lifetime interval, membership_ends_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- Whoever accepted after the end of the membership would be no member.
  return least(date_trunc('second', now() + invite_end.lifetime), invite_end.membership_ends_at);
end
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
  join usher.current_members m
    on m.organisation_id = i.organisation_id and m.user_id = auth.uid()
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

CREATE OR REPLACE FUNCTION usher.is_kept_out(member public.organisation_members)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rule public.organisation_sign_in_rules;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r
  where r.organisation_id = (is_kept_out.member).organisation_id and r.for_members;
  return found
    and (is_kept_out.member).kind = 'user'
    and current_setting('usher.directory', true) is distinct from 'on'
    and not 'owner' = any ((is_kept_out.member).roles)
    and usher.sign_in_problem(v_rule, (is_kept_out.member).user_id, (is_kept_out.member).email) is not null;
end
$function$;

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
    set status = 'pending', issue = i.issue + 1, issued_at = now(), bounced_at = null,
      expires_at = usher.invite_end(i.lifetime, i.membership_ends_at)
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
  select usher.normalise_email(u.email) into v_email from auth.users u where u.id = auth.uid();
  -- Whoever was sent away, whose time was over, or whom a directory has turned off: not back by themselves.
  if v_member.status = 'removed' or v_member.ends_at is not null or exists (
    select from usher.directory_users d
    where d.organisation_id = v_domain.organisation_id and not d.is_active
      and (d.member_id = v_member.id or d.email = v_email))
  then
    v_domain.join_policy := 'ask';
  end if;
  perform usher.require_sign_in(v_domain.organisation_id, auth.uid(), v_email);

  if v_domain.join_policy = 'join' then
    perform usher.require_roles(v_domain.organisation_id, array[v_domain.role]);
    perform usher.require_free_seat(v_domain.organisation_id);
    v_member := usher.add_member(v_domain.organisation_id, auth.uid(), array[v_domain.role]);
    perform usher.record_event(v_domain.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('domain', v_domain.domain, 'roles', v_member.roles));
    return 'joined';
  end if;

  insert into public.organisation_join_requests (organisation_id, user_id, email)
  values (v_domain.organisation_id, auth.uid(), v_email)
  on conflict do nothing;
  if found then
    perform usher.record_event(v_domain.organisation_id, 'join.requested', 'user', auth.uid());
    perform usher.enqueue_join_mail('join_requested', m.organisation_id, m.email,
        jsonb_build_object('requester_email', v_email))
      from usher.current_members m
      where m.organisation_id = v_domain.organisation_id and m.email is not null
        and 'invite.create' in (select usher.permissions_of(m.organisation_id, m.roles));
    perform usher.wake_worker();
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
  join usher.current_members m
    on m.organisation_id = r.organisation_id and m.user_id = auth.uid()
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

CREATE OR REPLACE FUNCTION usher.keep_endpoint_token(endpoint_id uuid, token text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_vault_id uuid;
begin
  if keep_endpoint_token.token is null
    or length(keep_endpoint_token.token) not between 1 and 4000 or keep_endpoint_token.token !~ '^[!-~]+$'
  then
    perform usher.fail('invalid_settings', hint => 'A token is 1 to 4,000 characters of ASCII, without spaces.');
  end if;
  delete from usher.directory_endpoint_tokens t where t.endpoint_id = keep_endpoint_token.endpoint_id;
  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using keep_endpoint_token.token, 'usher_directory_endpoint_' || keep_endpoint_token.endpoint_id,
        'Opens a directory endpoint (Usher).';
  end if;
  insert into usher.directory_endpoint_tokens (endpoint_id, token, vault_secret_id)
  values (keep_endpoint_token.endpoint_id,
    case when v_vault_id is null then keep_endpoint_token.token end, v_vault_id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.lacks_identity(organisation_id uuid, user_id uuid, email text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rule public.organisation_sign_in_rules;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r
  where r.organisation_id = lacks_identity.organisation_id and num_nonnulls(r.provider, r.domain) > 0;
  return found and usher.has_identity(lacks_identity.user_id,
    coalesce(v_rule.provider, usher.sso_provider_of(v_rule.domain)), lacks_identity.email) is not true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lease_deliveries(worker text, batch_size integer DEFAULT 50, lease interval DEFAULT '00:01:00'::interval)
 RETURNS SETOF usher.delivery_lease
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_is_paced boolean := usher.pace_deliveries();
  v_given_up public.organisation_deliveries;
begin
  -- A mail that took its workers down with it eight times is not tried a ninth.
  for v_given_up in
    update public.organisation_deliveries d
    set status = 'failed', last_response = 'Given up: no worker came back from sending it.',
      facts = d.facts - 'sealed'
    where d.status = 'sending' and d.due_at <= clock_timestamp() and d.attempts >= 8
    returning d.*
  loop
    perform usher.mark_bounced(v_given_up);
    perform usher.record_turn(v_given_up, 'delivery.failed');
  end loop;

  return query
    update public.organisation_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_deliveries.worker, due_at = clock_timestamp() + lease_deliveries.lease
    from (
      select q.id
      from public.organisation_deliveries q
      where q.status in ('queued', 'sending') and q.due_at <= clock_timestamp()
        and (q.is_paced or not v_is_paced)
      order by q.is_bulk, q.due_at
      limit lease_deliveries.batch_size
      for update skip locked
    ) due
    where d.id = due.id
    returning d.id, d.fence, d.attempts;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lease_directory_changes(batch_size integer DEFAULT 20, lease interval DEFAULT '00:02:00'::interval)
 RETURNS SETOF usher.directory_change
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query
    update public.organisation_directory_copies c
    set fence = c.fence + 1, attempts = c.attempts + 1,
      leased_until = clock_timestamp() + lease_directory_changes.lease
    from (
      select q.endpoint_id, q.member_id
      from public.organisation_directory_endpoints e
      cross join lateral (
        select k.endpoint_id, k.member_id, m.status is not distinct from 'active' as is_in, k.due_at
        from public.organisation_directory_copies k
        left join public.organisation_members m on m.id = k.member_id
        where k.endpoint_id = e.id and k.status = 'waiting' and k.due_at <= clock_timestamp()
          and (k.leased_until is null or k.leased_until <= clock_timestamp())
        -- Whoever is out does not wait behind thousands who are in.
        order by is_in, k.due_at
        -- Two at once, but one where the last one failed: an endpoint that hangs holds up few places.
        limit greatest(0, case when e.failures = 0 then 2 else 1 end - (
          select count(*)
          from public.organisation_directory_copies s
          where s.endpoint_id = e.id and s.status = 'waiting' and s.leased_until > clock_timestamp()))
        for update of k skip locked
      ) q
      -- What it is able to do has to be known, and who is there already.
      where e.is_enabled and e.features is not null and e.reconciled_at is not null
        and (e.retry_at is null or e.retry_at <= clock_timestamp())
      order by q.is_in, q.due_at
      limit lease_directory_changes.batch_size
    ) due
    where c.endpoint_id = due.endpoint_id and c.member_id = due.member_id
    returning c.endpoint_id, c.member_id, c.fence, c.attempts;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lease_directory_reconcile()
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_endpoint public.organisation_directory_endpoints;
  v_token    text;
begin
  loop
    update public.organisation_directory_endpoints e
    set fence = e.fence + 1, leased_at = clock_timestamp()
    from (
      select d.id
      from public.organisation_directory_endpoints d
      where d.is_enabled and d.reconcile_at <= clock_timestamp()
        and (d.retry_at is null or d.retry_at <= clock_timestamp())
        -- Whoever takes longer than that has died over it.
        and (d.leased_at is null or d.leased_at <= clock_timestamp() - interval '10 minutes')
        -- Members first, once they can be sent: whoever waits is no drift.
        and (d.features is null or d.reconciled_at is null or not exists (
          select from public.organisation_directory_copies c
          where c.endpoint_id = d.id and c.status = 'waiting' and c.due_at <= clock_timestamp()))
      order by d.reconcile_at
      limit 1
      for update skip locked
    ) due
    where e.id = due.id
    returning e.* into v_endpoint;
    if not found then
      return null;
    end if;
    v_token := usher.endpoint_token(v_endpoint.id);
    exit when v_token is not null;
    perform usher.fail_directory_reconcile(v_endpoint.id, v_endpoint.fence,
      'The token that opens it is not in Vault any more: give it anew.');
  end loop;
  return jsonb_build_object(
    'id', v_endpoint.id, 'fence', v_endpoint.fence::text, 'url', v_endpoint.url, 'token', v_token);
end
$function$;

CREATE OR REPLACE FUNCTION usher.lease_webhook_deliveries(worker text, batch_size integer DEFAULT 50, lease interval DEFAULT '00:01:00'::interval)
 RETURNS SETOF usher.webhook_lease
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_failing_under_way integer;
begin
  -- One that took its workers down with it at its last try is not tried again.
  update public.organisation_webhook_deliveries d
  set status = 'failed', last_response = 'Given up: no worker came back from sending it.'
  where d.status = 'sending' and d.due_at <= clock_timestamp() and d.attempts >= 10;

  select count(*) into v_failing_under_way
  from public.organisation_webhook_deliveries d
  join public.organisation_webhooks w on w.id = d.webhook_id
  where d.status = 'sending' and d.due_at > clock_timestamp() and w.failing_since is not null;

  return query
    -- From one endpoint to the next by the index: as many steps as endpoints have something to be sent,
    -- however much that is.
    with recursive open_webhooks (id) as (
      (select d.webhook_id
        from public.organisation_webhook_deliveries d
        where d.status in ('queued', 'sending')
        order by d.webhook_id limit 1)
      union all
      select (
        select d.webhook_id
        from public.organisation_webhook_deliveries d
        where d.status in ('queued', 'sending') and d.webhook_id > o.id
        order by d.webhook_id limit 1)
      from open_webhooks o
      where o.id is not null
    ),
    due as (
      select q.id, q.due_at, w.failing_since,
        row_number() over (partition by w.organisation_id, w.failing_since is null order by q.due_at) as turn,
        row_number() over (partition by w.failing_since is null order by q.due_at) as place
      from open_webhooks o
      join public.organisation_webhooks w on w.id = o.id
      cross join lateral (
        select d.id, d.due_at
        from public.organisation_webhook_deliveries d
        where d.webhook_id = w.id and d.status in ('queued', 'sending') and d.due_at <= clock_timestamp()
        order by d.due_at
        -- Five at once, but one where the last one failed: a dead endpoint holds up one place, for one timeout.
        limit greatest(0, case when w.failing_since is null then 5 else 1 end - (
          select count(*)
          from public.organisation_webhook_deliveries s
          where s.webhook_id = w.id and s.status = 'sending' and s.due_at > clock_timestamp()))
        for update skip locked
      ) q
    ),
    -- The healthy before the failing, and each organisation's first before any one's second.
    chosen as (
      select d.id from due d
      -- However many endpoints are dead, most places stay free of them.
      where d.failing_since is null or d.place <= 50 - v_failing_under_way
      order by d.failing_since is not null, d.turn, d.due_at
      limit lease_webhook_deliveries.batch_size
    )
    update public.organisation_webhook_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_webhook_deliveries.worker,
      due_at = clock_timestamp() + lease_webhook_deliveries.lease
    from chosen c
    where d.id = c.id
    returning d.id, d.fence, d.attempts;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_assignable_roles(organisation_id uuid)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members := usher.require_member(list_assignable_roles.organisation_id);
begin
  return query
    select r.name
    from public.organisation_roles r
    where (r.organisation_id is null or r.organisation_id = list_assignable_roles.organisation_id)
      and usher.roles_problem(list_assignable_roles.organisation_id, array[r.name], v_member.roles) is null
    order by r.organisation_id is not null, r.name;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_directory_groups(token text, id uuid DEFAULT NULL::uuid, display_name text DEFAULT NULL::text, with_members boolean DEFAULT true, for_change boolean DEFAULT false)
 RETURNS TABLE(item usher.directory_group, members jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_groups.token, list_directory_groups.for_change);
begin
  return query
    with held as (
      select h.role, jsonb_agg(
        jsonb_build_object('value', u.id, 'display', coalesce(u.attributes ->> 'displayName', u.display_name, u.user_name))
        order by u.created_at, u.id) as members
      from usher.directory_users_of(v_organisation_id) u
      cross join unnest(u.roles) h (role)
      where list_directory_groups.with_members
      group by h.role
    )
    select g::usher.directory_group, coalesce(h.members, '[]')
    from usher.directory_groups_of(v_organisation_id) g
    left join held h on h.role = g.role
    where (list_directory_groups.id is null or g.id = list_directory_groups.id)
      and (list_directory_groups.display_name is null
        or lower(g.display_name) = lower(list_directory_groups.display_name))
    order by g.created_at, g.id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_directory_users(token text, id uuid DEFAULT NULL::uuid, user_name text DEFAULT NULL::text, external_id text DEFAULT NULL::text, email text DEFAULT NULL::text, start_index integer DEFAULT 1, page_size integer DEFAULT NULL::integer, for_change boolean DEFAULT false)
 RETURNS TABLE(item usher.directory_user, total bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_users.token, list_directory_users.for_change);
begin
  return query
    select u::usher.directory_user, count(*) over ()
    from usher.directory_users_of(v_organisation_id) u
    where (list_directory_users.id is null or u.id = list_directory_users.id)
      and (list_directory_users.user_name is null or lower(u.user_name) = lower(list_directory_users.user_name))
      and (list_directory_users.external_id is null or u.external_id = list_directory_users.external_id)
      and (list_directory_users.email is null or u.email = lower(list_directory_users.email))
    order by u.created_at, u.id
    offset greatest(list_directory_users.start_index, 1) - 1
    limit list_directory_users.page_size;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer, page_size integer)
 RETURNS SETOF public.organisation_evidence_event
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform usher.require_permission(list_evidence_events.organisation_id, 'audit.read');
  return query
    select * from usher.collect_evidence_events(list_evidence_events.organisation_id,
      list_evidence_events.last_seal, list_evidence_events.after_seal, list_evidence_events.after_position,
      list_evidence_events.page_size);
end
$function$;

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
    and usher.has_proven_address(u.id)
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
  from usher.current_members m
  join public.organisations o on o.id = m.organisation_id
  where m.user_id = auth.uid()
  order by o.name, o.id
$function$;

CREATE OR REPLACE FUNCTION usher.list_role_members(organisation_id uuid, role text)
 RETURNS SETOF public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- Before the query, not in it: there it is asked only where there are members, and an organisation that is
  -- somebody else's could be told from one that is not there.
  v_role public.organisation_roles :=
    usher.require_role(list_role_members.organisation_id, list_role_members.role);
begin
  return query
    select m.*
    from usher.current_members m
    where m.organisation_id = list_role_members.organisation_id
      and v_role.name = any (m.roles)
    order by m.email, m.id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lock_open_review(review_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_status text;
begin
  -- All that are open, in one order: to withdraw makes rights lapse in the others.
  perform from public.organisation_access_reviews r
  where r.status = 'open' and r.organisation_id = (
    select o.organisation_id from public.organisation_access_reviews o where o.id = lock_open_review.review_id)
  order by r.id
  for update;
  select r.status into v_status
  from public.organisation_access_reviews r where r.id = lock_open_review.review_id for update;
  if v_status is distinct from 'open' then
    perform usher.fail('access_review_not_open', details => v_status);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.mail_kinds()
 RETURNS TABLE(kind text, placeholders text[])
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  values
    ('invite',                  array['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at']),
    ('invite_reminder',         array['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at']),
    ('invite_accepted',         array['organisation', 'invitee', 'roles']),
    ('invite_declined',         array['organisation', 'invitee', 'roles']),
    ('invite_expired',          array['organisation', 'invitee', 'roles']),
    ('invite_resend_requested', array['organisation', 'invitee', 'roles']),
    ('member_roles_updated',    array['organisation', 'roles', 'actor']),
    ('member_removed',          array['organisation', 'actor']),
    ('member_banned',           array['organisation', 'actor']),
    ('access_ending',           array['organisation', 'roles', 'ends_at']),
    ('access_ended',            array['organisation', 'roles']),
    ('ownership_transferred',   array['organisation', 'roles', 'actor', 'owner']),
    ('join_requested',          array['organisation', 'requester']),
    ('join_approved',           array['organisation', 'roles', 'actor']),
    ('join_declined',           array['organisation', 'actor']),
    ('device_enrolled',         array['organisation', 'device', 'roles']),
    ('access_review_started',   array['organisation', 'review', 'due_at', 'actor']),
    ('access_review_overdue',   array['organisation', 'review', 'due_at']),
    ('webhook_disabled',        array['organisation', 'webhook'])
$function$;

CREATE OR REPLACE FUNCTION usher.make_directory_role(organisation_id uuid, display_name text)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_stem text := btrim(regexp_replace(lower(make_directory_role.display_name), '[^a-z0-9_]+', '-', 'g'), '-_');
  v_name text;
begin
  v_stem := left(case when v_stem ~ '^[a-z]' then v_stem else btrim('group-' || v_stem, '-') end, 56);
  select c.name into v_name
  from (
    select 0 as n, v_stem as name
    union all
    select n, v_stem || '-' || n from generate_series(2, 1000) n
  ) c
  where not exists (
    select from public.organisation_roles r
    where r.name = c.name
      and (r.organisation_id is null or r.organisation_id = make_directory_role.organisation_id))
  order by c.n
  limit 1;
  return (usher.create_role(make_directory_role.organisation_id, v_name,
    'A group of the directory: ' || make_directory_role.display_name, '{}', '{}')).id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.mark_copies(endpoint_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_directory_copies (endpoint_id, member_id, organisation_id)
  select e.id, m.id, e.organisation_id
  from public.organisation_directory_endpoints e
  join public.organisation_members m on m.organisation_id = e.organisation_id
  where e.id = mark_copies.endpoint_id and m.status = 'active' and m.kind = 'user';
end
$function$;

CREATE OR REPLACE FUNCTION usher.mint_invite_token(invite_id uuid, is_mailed boolean DEFAULT false)
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

  insert into usher.invite_tokens (invite_id, nonce_hash, issue, is_mailed)
  values (v_invite.id, sha256(v_nonce), v_invite.issue, mint_invite_token.is_mailed);

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
  where u.id = auth.uid() and usher.has_proven_address(u.id)
    and (select s.auth_confirms_addresses from usher.settings s)
    and d.verified_at is not null and d.join_policy <> 'none'
$function$;

CREATE OR REPLACE FUNCTION usher.one_click_invite(token text)
 RETURNS usher.invites
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_within  interval;
  v_reading usher.token_reading;
  v_claims  usher.token_claims;
begin
  select s.one_click_within into v_within from usher.settings s where s.one_click = 'new_addresses';
  if not found then
    return null;
  end if;
  v_reading := usher.read_invite_token(one_click_invite.token);
  if v_reading.problem is not null or (v_reading.invite).kind <> 'user' then
    return null;
  end if;
  v_claims := usher.verify_invite_token(one_click_invite.token);

  if not exists (
      select from usher.invite_tokens t
      where t.invite_id = v_claims.invite_id and t.nonce_hash = v_claims.nonce_hash
        and t.is_mailed and t.minted_at > clock_timestamp() - v_within)
    or exists (
      select from usher.one_clicks c
      where c.invite_id = (v_reading.invite).id and c.issue = (v_reading.invite).issue)
    or exists (
      select from public.organisation_sign_in_rules r where r.organisation_id = (v_reading.invite).organisation_id)
    or usher.has_account((v_reading.invite).email)
  then
    return null;
  end if;
  return v_reading.invite;
end
$function$;

CREATE OR REPLACE FUNCTION usher.open_directory(token text, for_change boolean)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_token public.organisation_directory_tokens;
begin
  select t.* into v_token
  from usher.directory_token_hashes h
  join public.organisation_directory_tokens t on t.id = h.token_id
  where h.hash = sha256(convert_to(open_directory.token, 'UTF8'))
    and t.revoked_at is null
    and (t.expires_at is null or t.expires_at > statement_timestamp());
  if not found then
    perform usher.fail('directory_token_invalid');
  end if;

  -- From here on to the end of the transaction, the rules ask after whoever made the token.
  perform set_config('request.jwt.claims',
    json_build_object('sub', v_token.created_by, 'role', 'authenticated')::text, true);
  perform set_config('usher.directory', 'on', true);
  if not usher.has_permission(v_token.organisation_id, 'directory.manage') then
    perform usher.fail('permission_denied', details => 'directory.manage',
      hint => 'Whoever made this token may no longer manage directories. Let somebody who may make a new one.');
  end if;

  update public.organisation_directory_tokens t set last_used_at = now()
  where t.id = v_token.id
    and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
  -- Changes of one directory come one after another: each starts from what the one before has left.
  if open_directory.for_change then
    perform pg_advisory_xact_lock(hashtextextended('usher directory ' || v_token.organisation_id, 0));
  end if;
  return v_token.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.organisations_where(permission text)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER ROWS 10
 SET search_path TO ''
AS $function$
begin
  return query
    select m.organisation_id
    from usher.current_members m
    where m.user_id = auth.uid()
      and not usher.is_kept_out(row(m.*)::public.organisation_members)
      and exists (
        select from public.organisation_roles r
        where r.name = any (m.roles)
          and (r.organisation_id is null or r.organisation_id = m.organisation_id)
          and organisations_where.permission = any (r.permissions));
end
$function$;

CREATE OR REPLACE FUNCTION usher.pause_directory_endpoint(endpoint_id uuid, error text, retry_after integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update public.organisation_directory_endpoints e
  set failures = e.failures + 1, last_error = left(pause_directory_endpoint.error, 500),
    -- 10, 20, 40 seconds … up to an hour; and not all endpoints of a host that is down at the same moment.
    retry_at = now() + greatest(
      case when pause_directory_endpoint.retry_after > 0
        then make_interval(secs => least(pause_directory_endpoint.retry_after, 86400)) end,
      least(interval '1 hour', interval '10 seconds' * 2 ^ least(e.failures, 10)) * (0.8 + 0.4 * random()))
  where e.id = pause_directory_endpoint.endpoint_id
    -- Of several that fail at the same time, the first counts.
    and (e.retry_at is null or e.retry_at <= clock_timestamp());
end
$function$;

CREATE OR REPLACE FUNCTION usher.personal_hash(event public.organisation_audit_events, salt bytea)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return sha256(personal_hash.salt || convert_to(usher.personal_text(personal_hash.event), 'UTF8'));
end
$function$;

CREATE OR REPLACE FUNCTION usher.personal_text(event public.organisation_audit_events)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return jsonb_build_array(
    (personal_text.event).reason, (personal_text.event).ip, (personal_text.event).user_agent)::text;
end
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
  v_invite_id    uuid;
  v_organisation public.organisations;
  v_inviter      public.organisation_members;
  v_template     public.organisation_email_templates;
  v_settings     usher.settings;
  v_is_offer     boolean;
  v_locale       text;
  v_link         text;
  v_stop_token   text;
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

  v_invite_id := v_delivery.invite_id;
  -- A mail of Supabase Auth to somebody who is invited says to what.
  if v_delivery.kind = 'auth' then
    select i.id into v_invite_id
    from usher.invites i
    where i.email = v_delivery.recipient and i.status = 'pending' and i.expires_at > clock_timestamp()
    order by i.created_at desc
    limit 1;
  end if;
  select i.* into v_invite from usher.invites i where i.id = v_invite_id;
  if usher.end_undeliverable(v_delivery, v_invite) then
    return null;
  end if;

  v_is_offer := v_delivery.kind in ('invite', 'invite_reminder');
  select s.* into strict v_settings from usher.settings s;
  select o.* into v_organisation
  from public.organisations o where o.id = coalesce(v_delivery.organisation_id, v_invite.organisation_id);
  select m.* into v_inviter
  from public.organisation_members m
  where m.organisation_id = v_invite.organisation_id and m.user_id = v_invite.invited_by;

  v_locale := coalesce(v_delivery.locale, v_invite.locale, v_organisation.locale, 'en');
  v_template := usher.template_for_mail(v_delivery.kind, v_organisation.id, v_locale,
    case when v_delivery.kind = 'invite' then v_invite.template_id end);
  if v_is_offer then
    v_link := v_settings.site_url || '/invite#' || usher.mint_invite_token(v_invite.id, is_mailed => true);
    v_stop_token := usher.mint_stop_token(v_delivery.id);
  end if;

  return jsonb_build_object(
    'id', v_delivery.id,
    'kind', v_delivery.kind,
    'to', v_delivery.recipient,
    'locale', coalesce(v_template.locale, v_locale),
    'reply_to', v_organisation.reply_to,
    'site_url', v_settings.site_url,
    'link', v_link,
    'stop_link', v_settings.site_url || '/stop-mail#' || v_stop_token,
    'one_click_stop_url', v_settings.functions_url || '/stop-mail?token=' || v_stop_token,
    'track_opens', coalesce(v_organisation.track_opens, false),
    'template', case when v_template.id is not null then jsonb_build_object(
      'subject', v_template.subject, 'heading', v_template.heading,
      'body', v_template.body, 'button', v_template.button) end,
    'organisation', case when v_organisation.id is not null then jsonb_build_object(
      'id', v_organisation.id,
      'name', v_organisation.name,
      'sender_name', coalesce(v_organisation.sender_name, v_organisation.name),
      'logo_url', v_organisation.logo_url,
      'accent_colour', v_organisation.accent_colour) end,
    'facts', v_delivery.facts,
    'invite', case when v_invite.id is not null then jsonb_build_object(
      'id', v_invite.id,
      'email', v_invite.email,
      'device_name', v_invite.device_name,
      'roles', v_invite.roles,
      'inviter_name', v_inviter.display_name,
      'inviter_email', v_inviter.email,
      'message', v_invite.message,
      'expires_at', v_invite.expires_at,
      'decline_reason', v_invite.declined_reason,
      'membership_ends_at', v_invite.membership_ends_at) end);
end
$function$;

CREATE OR REPLACE FUNCTION usher.prepare_directory_change(endpoint_id uuid, member_id uuid, fence bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_change jsonb;
begin
  select jsonb_build_object(
    'change', c.change,
    'remote_id', c.remote_id,
    'remote_roles', c.roles,
    'groups', coalesce((
      select jsonb_object_agg(g.role, g.remote_id)
      from usher.directory_group_copies g where g.endpoint_id = c.endpoint_id), '{}'),
    'user', case when m.status = 'active' and m.kind = 'user' and m.email is not null then jsonb_build_object(
      'user_id', m.user_id,
      'email', m.email,
      'display_name', coalesce(m.display_name, m.email),
      'roles', m.roles) end,
    'endpoint', jsonb_build_object(
      'id', e.id, 'url', e.url, 'token', usher.endpoint_token(e.id), 'features', e.features))
  into v_change
  from public.organisation_directory_copies c
  join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  left join public.organisation_members m on m.id = c.member_id
  where c.endpoint_id = prepare_directory_change.endpoint_id
    and c.member_id = prepare_directory_change.member_id
    and c.fence = prepare_directory_change.fence
    and c.leased_until > clock_timestamp();
  if v_change #>> '{endpoint,token}' is null and v_change is not null then
    perform usher.fail_directory_change(prepare_directory_change.endpoint_id, prepare_directory_change.member_id,
      prepare_directory_change.fence, 'endpoint', 'The token that opens it is not in Vault any more: give it anew.');
    return null;
  end if;
  return v_change;
end
$function$;

CREATE OR REPLACE FUNCTION usher.prepare_webhook_delivery(delivery_id uuid, fence bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery  public.organisation_webhook_deliveries;
  v_webhook   public.organisation_webhooks;
  v_event     public.organisation_audit_events;
  v_message   text;
  v_timestamp text := floor(extract(epoch from clock_timestamp()))::bigint::text;
  v_body      text;
  v_signed    text;
begin
  select d.* into v_delivery
  from public.organisation_webhook_deliveries d
  where d.id = prepare_webhook_delivery.delivery_id
    and d.fence = prepare_webhook_delivery.fence
    and d.status = 'sending'
    and d.due_at > clock_timestamp()
  for update;
  if not found then
    return null;
  end if;
  select w.* into strict v_webhook from public.organisation_webhooks w where w.id = v_delivery.webhook_id;
  select e.* into v_event from public.organisation_audit_events e where e.id = v_delivery.event_id;
  if v_event.id is null or not v_webhook.is_enabled then
    update public.organisation_webhook_deliveries d
    set status = 'failed', last_response = case when v_event.id is null
      then 'Not sent: its time in the audit trail is over.' else 'Not sent: the webhook was switched off.' end
    where d.id = v_delivery.id;
    return null;
  end if;

  v_message := 'msg_' || replace(v_event.id::text, '-', '');
  v_body := usher.webhook_body(v_event);
  v_signed := usher.webhook_signatures(v_webhook.id, concat_ws('.', v_message, v_timestamp, v_body));
  if v_signed is null then
    perform usher.record_webhook_try(v_delivery.id, v_delivery.fence, null,
      'Not sent: the secret that signs is not in Vault any more. Rotate it.', 0);
    return null;
  end if;
  return jsonb_build_object(
    'url', v_webhook.url,
    'body', v_body,
    'headers', jsonb_build_object(
      'content-type', 'application/json',
      'user-agent', 'Usher-Webhooks/1',
      'webhook-id', v_message,
      'webhook-timestamp', v_timestamp,
      'webhook-signature', v_signed));
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_webhook_answers()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_purged integer;
begin
  update public.organisation_webhook_deliveries d
  set last_response = null
  where d.last_response is not null and d.status in ('delivered', 'failed')
    and d.created_at < now() - (select s.webhook_answers_kept_for from usher.settings s);
  get diagnostics v_purged = row_count;
  -- With the line of the trail, what became of it goes.
  delete from public.organisation_webhook_deliveries d
  using public.organisations o
  where o.id = d.organisation_id and d.created_at < now() - o.audit_retention;
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.read_time(value text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- Without a date, or without an offset, it would be another moment in another session.
  if read_time.value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$' then
    return null;
  end if;
  return read_time.value::timestamptz;
exception
  when invalid_datetime_format or datetime_field_overflow then
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.recipient_problems(organisation_id uuid, emails text[])
 RETURNS TABLE(email text, problem text, invite_id uuid)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- Address by address, each by an index: an organisation may have many more members than are asked for.
  return query
    select a.email,
      case
        when cardinality(o.allowed_email_domains) > 0
          and usher.email_domain(a.email) <> all (o.allowed_email_domains) then 'domain_not_allowed'
        else (
          select case when bool_or(m.status = 'banned') then 'member_banned'
            when bool_or(m.status = 'active' and coalesce(m.ends_at > statement_timestamp(), true)) then 'already_member' end
          from public.organisation_members m
          where m.organisation_id = o.id and m.email = a.email)
      end,
      (select i.id from usher.invites i
        where i.organisation_id = o.id and i.email = a.email and i.status = 'pending')
    from (select distinct e as email from unnest(recipient_problems.emails) e) a
    join public.organisations o on o.id = recipient_problems.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.reconcile_directory_endpoint(endpoint_id uuid)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_endpoint public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(reconcile_directory_endpoint.endpoint_id);
begin
  if not v_endpoint.is_enabled then
    perform usher.fail('invalid_settings', hint => 'The endpoint is turned off: turn it on first.');
  end if;
  update public.organisation_directory_endpoints e
  set reconcile_at = now(), retry_at = null
  where e.id = v_endpoint.id
  returning e.* into v_endpoint;
  return v_endpoint;
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_events(organisation_id uuid, event text, target_kind text, target_ids uuid[], before jsonb, afters jsonb[], reason text, actor_kind text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_headers jsonb := nullif(current_setting('request.headers', true), '');
begin
  insert into public.organisation_audit_events (
    organisation_id, event, actor_kind, actor_id, target_kind, target_id,
    before, after, reason, ip, user_agent)
  select record_events.organisation_id, record_events.event,
    coalesce(record_events.actor_kind, case
      when auth.uid() is null then 'operator'
      when current_setting('usher.directory', true) = 'on' then 'directory'
      else 'user'
    end), auth.uid(),
    record_events.target_kind, t.id, record_events.before, t.after, record_events.reason,
    left(btrim(split_part(v_headers ->> 'x-forwarded-for', ',', 1)), 64), left(v_headers ->> 'user-agent', 500)
  from unnest(record_events.target_ids, record_events.afters) t (id, after);
end
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
    join usher.current_members m
      on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
    where m.email is not null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_webhook_try(delivery_id uuid, fence bigint, status_code integer, response text, milliseconds integer, retry_after integer DEFAULT NULL::integer)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook  public.organisation_webhooks;
  v_delivery public.organisation_webhook_deliveries;
  v_delays   interval[] := '{5 seconds,5 minutes,30 minutes,2 hours,5 hours,10 hours,14 hours,20 hours,24 hours}';
  v_is_ok    boolean := coalesce(record_webhook_try.status_code between 200 and 299, false);
  v_status   text;
begin
  -- The endpoint first, as wherever both are locked.
  select w.* into v_webhook
  from public.organisation_webhooks w
  where w.id = (
    select d.webhook_id from public.organisation_webhook_deliveries d
    where d.id = record_webhook_try.delivery_id)
  for no key update;
  select d.* into v_delivery
  from public.organisation_webhook_deliveries d
  where d.id = record_webhook_try.delivery_id
    and d.fence = record_webhook_try.fence
    and d.status = 'sending'
  for update;
  if not found then
    return null;
  end if;

  v_status := case
    when v_is_ok then 'delivered'
    when v_delivery.attempts >= 10 or record_webhook_try.status_code = 410 or not v_webhook.is_enabled then 'failed'
    else 'queued' end;

  update public.organisation_webhook_deliveries d
  set status = v_status,
    delivered_at = case when v_is_ok then clock_timestamp() else d.delivered_at end,
    -- Up to a fifth later, so that what failed together does not come back together; and no earlier than the
    -- endpoint asks for, within a day.
    due_at = case when v_status <> 'queued' then clock_timestamp() else
      clock_timestamp() + greatest(v_delays[least(d.attempts, 9)] * (1 + 0.2 * random()),
        make_interval(secs => least(greatest(record_webhook_try.retry_after, 0), 86400))) end,
    last_status_code = record_webhook_try.status_code,
    last_response = left(record_webhook_try.response, 1000),
    tries = case when jsonb_array_length(d.tries) >= 20 then d.tries - 0 else d.tries end || jsonb_build_object(
      'at', clock_timestamp(), 'status_code', record_webhook_try.status_code,
      'milliseconds', record_webhook_try.milliseconds)
  where d.id = v_delivery.id;

  if v_is_ok <> (v_webhook.failing_since is null) then
    update public.organisation_webhooks w
    set failing_since = case when not v_is_ok then clock_timestamp() end
    where w.id = v_webhook.id;
  end if;
  if record_webhook_try.status_code = 410 then
    perform usher.disable_webhook(v_webhook.id, 'gone');
  elsif not v_is_ok
    and v_webhook.failing_since < clock_timestamp() - (select s.webhook_failing_for from usher.settings s)
  then
    perform usher.disable_webhook(v_webhook.id, 'failing');
  end if;
  return v_status;
end
$function$;

CREATE OR REPLACE FUNCTION usher.remind_overdue_reviews()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_review   public.organisation_access_reviews;
  v_reminded integer := 0;
begin
  for v_review in
    update public.organisation_access_reviews r
    set reminded_at = now()
    where r.status = 'open' and r.due_at < now() and r.reminded_at is null
    returning r.*
  loop
    perform usher.record_event(v_review.organisation_id, 'access_review.overdue', 'access_review', v_review.id,
      after => usher.review_results(v_review.id), actor_kind => 'worker');
    perform usher.enqueue_review_mail('access_review_overdue', v_review);
    v_reminded := v_reminded + 1;
  end loop;
  return v_reminded;
end
$function$;

CREATE OR REPLACE FUNCTION usher.replay_webhook_deliveries(webhook_id uuid, delivery_id uuid, since timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook public.organisation_webhooks := usher.enabled_webhook_for_change(replay_webhook_deliveries.webhook_id);
  v_again   integer;
  v_missed  integer := 0;
begin
  if num_nonnulls(replay_webhook_deliveries.delivery_id, replay_webhook_deliveries.since) <> 1 then
    perform usher.fail('invalid_settings', hint => 'Give either delivery_id or since.');
  end if;
  perform usher.take_allowance('webhook-replays:' || v_webhook.id, 1, 60, interval '1 hour');
  if replay_webhook_deliveries.delivery_id is not null and not exists (
    select from public.organisation_webhook_deliveries d
    where d.id = replay_webhook_deliveries.delivery_id and d.webhook_id = v_webhook.id)
  then
    perform usher.fail('webhook_not_found', hint => 'The webhook has no such delivery.');
  end if;

  update public.organisation_webhook_deliveries d
  set status = 'queued', attempts = 0, due_at = clock_timestamp()
  where d.webhook_id = v_webhook.id
    and (d.id = replay_webhook_deliveries.delivery_id and d.status in ('delivered', 'failed')
      or d.created_at >= replay_webhook_deliveries.since and d.status = 'failed');
  get diagnostics v_again = row_count;

  if replay_webhook_deliveries.since is not null then
    insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
    select e.organisation_id, v_webhook.id, e.id, e.event
    from public.organisation_audit_events e
    where e.organisation_id = v_webhook.organisation_id
      and e.occurred_at >= greatest(replay_webhook_deliveries.since, v_webhook.created_at)
      and e.event <> 'webhook.tested' and usher.webhook_hears(v_webhook, e.event, e.target_id)
      and not exists (
        select from public.organisation_webhook_deliveries d
        where d.webhook_id = v_webhook.id and d.event_id = e.id)
    order by e.occurred_at
    -- More would take longer than a call may; the next call brings the rest.
    limit 10000
    on conflict on constraint organisation_webhook_deliveries_once do nothing;
    get diagnostics v_missed = row_count;
  end if;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.replayed', 'webhook', v_webhook.id,
    after => jsonb_build_object('deliveries', v_again + v_missed, 'since', replay_webhook_deliveries.since));
  return v_again + v_missed;
end
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
  perform usher.take_allowance('resend_requests:' || v_invite.id, 1, 1, interval '1 day', is_secret => true);
  perform usher.record_event(v_invite.organisation_id, 'invite.resend_requested', 'invite', v_invite.id,
    actor_kind => case when auth.uid() is null then 'invitee' end);

  select o.self_service_resend into v_is_self_service
  from public.organisations o where o.id = v_invite.organisation_id;
  if v_is_self_service
    and coalesce(v_invite.membership_ends_at > now(), true)
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
      from usher.current_members m
      where m.organisation_id = v_invite.organisation_id and m.email is not null
        and 'invite.resend' in (select usher.permissions_of(m.organisation_id, m.roles));
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_access_review(review_id uuid)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_review public.organisation_access_reviews;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  -- Only a member of its organisation learns that a review exists.
  select r.* into v_review
  from public.organisation_access_reviews r
  join usher.current_members m on m.organisation_id = r.organisation_id and m.user_id = auth.uid()
  where r.id = require_access_review.review_id;
  if not found then
    perform usher.fail('access_review_not_found');
  end if;
  perform usher.require_permission(v_review.organisation_id, 'access_review.manage');
  return v_review;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_end(ends_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  if require_end.ends_at <= statement_timestamp() or not isfinite(require_end.ends_at) then
    perform usher.fail('invalid_expiry', hint => 'An end is a moment to come; null stands for none.');
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
    select count(*) from usher.current_members m
    where m.organisation_id = require_free_seat.organisation_id)
  then
    perform usher.fail('seat_limit_reached');
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
  from usher.current_members m
  where m.organisation_id = require_member.organisation_id
    and m.user_id = auth.uid();
  if not found then
    perform usher.fail('organisation_not_found');
  elsif usher.is_kept_out(v_member) then
    perform usher.require_sign_in(v_member.organisation_id, v_member.user_id, v_member.email);
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
  from usher.current_members m
  where m.organisation_id = require_reviewed_member.organisation_id
    and m.user_id = require_reviewed_member.user_id;
  if not found then
    perform usher.fail('member_not_found');
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_sign_in(organisation_id uuid, user_id uuid, email text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rule    public.organisation_sign_in_rules;
  v_problem text;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r where r.organisation_id = require_sign_in.organisation_id;
  if not found then
    return;
  end if;
  v_problem := usher.sign_in_problem(v_rule, require_sign_in.user_id, require_sign_in.email);
  if v_problem is not null then
    perform usher.fail('sso_required', details => v_problem);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_webhook(url text, events text[], description text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_problem text := usher.target_problem(require_webhook.url);
  v_unknown text := (
    select e from unnest(require_webhook.events) e
    where e is null or e <> all (usher.webhook_event_types()) limit 1);
begin
  if require_webhook.url is null or v_problem is not null then
    perform usher.fail('invalid_settings', hint => coalesce(v_problem, 'Give a url.'));
  elsif cardinality(require_webhook.events) = 0 then
    perform usher.fail('invalid_settings', hint => 'Choose at least one type of events, or null for all.');
  elsif v_unknown is not null then
    perform usher.fail('invalid_settings', hint => format('There is no type of events %L.', v_unknown));
  elsif require_webhook.description <> '' and usher.clean_line(require_webhook.description, 200) is null then
    perform usher.fail('invalid_settings', hint => 'description is one line of at most 200 characters.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.retry_delivery(delivery_id uuid)
 RETURNS public.organisation_deliveries
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery public.organisation_deliveries;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  -- Another's mail looks like none at all.
  select d.* into v_delivery
  from public.organisation_deliveries d
  join usher.current_members m
    on m.organisation_id = d.organisation_id and m.user_id = auth.uid()
  where d.id = retry_delivery.delivery_id;
  if not found then
    perform usher.fail('invite_not_found', hint => 'There is no such mail, or it is not yours to see.');
  end if;
  perform usher.require_permission(v_delivery.organisation_id, 'invite.resend');

  update public.organisation_deliveries d
  set status = 'queued', attempts = 0, due_at = clock_timestamp(), in_doubt_at = null
  where d.id = v_delivery.id and d.status in ('failed', 'suppressed')
  returning d.* into v_delivery;
  if not found then
    perform usher.fail('invite_not_pending', hint => 'Only a mail that has failed can be tried again.',
      details => (select d.status from public.organisation_deliveries d where d.id = retry_delivery.delivery_id));
  end if;
  -- What is under way again has not come back.
  update usher.invites i
  set bounced_at = null
  where i.id = v_delivery.invite_id and i.issue = v_delivery.issue
    and v_delivery.kind in ('invite', 'invite_reminder');
  perform usher.record_event(v_delivery.organisation_id, 'delivery.retried', 'delivery', v_delivery.id,
    after => jsonb_build_object('kind', v_delivery.kind, 'invite_id', v_delivery.invite_id));
  perform usher.wake_worker();
  return v_delivery;
end
$function$;

CREATE OR REPLACE FUNCTION usher.review_results(review_id uuid)
 RETURNS jsonb
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select jsonb_build_object(
    'confirmed', count(*) filter (where i.decision = 'confirmed'),
    'withdrawn', count(*) filter (where i.decision = 'withdrawn'),
    'lapsed',    count(*) filter (where i.decision = 'lapsed'),
    'open',      count(*) filter (where i.decision is null))
  from public.organisation_access_review_items i
  where i.review_id = review_results.review_id
$function$;

CREATE OR REPLACE FUNCTION usher.reviewers(organisation_id uuid)
 RETURNS SETOF public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query
    select m.*
    from usher.current_members m
    where m.organisation_id = reviewers.organisation_id
      and 'access_review.manage' in (select usher.permissions_of(m.organisation_id, m.roles));
end
$function$;

CREATE OR REPLACE FUNCTION usher.revoke_directory_token(token_id uuid)
 RETURNS public.organisation_directory_tokens
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_token public.organisation_directory_tokens;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  select t.* into v_token
  from public.organisation_directory_tokens t
  join usher.current_members m
    on m.organisation_id = t.organisation_id and m.user_id = auth.uid()
  where t.id = revoke_directory_token.token_id;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  perform usher.require_permission(v_token.organisation_id, 'directory.manage');

  update public.organisation_directory_tokens t
  set revoked_at = now(), revoked_by = auth.uid()
  where t.id = v_token.id and t.revoked_at is null
  returning t.* into v_token;
  if found then
    delete from usher.directory_token_hashes h where h.token_id = v_token.id;
    perform usher.record_event(v_token.organisation_id, 'directory.token_revoked', 'directory', v_token.id,
      before => jsonb_build_object('name', v_token.name));
  else
    select t.* into v_token from public.organisation_directory_tokens t where t.id = revoke_directory_token.token_id;
  end if;
  return v_token;
end
$function$;

CREATE OR REPLACE FUNCTION usher.revoke_invites_to(organisation_id uuid, email text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform from usher.invites i
  where i.organisation_id = revoke_invites_to.organisation_id and i.email = revoke_invites_to.email
    and i.status = 'pending'
  for update;
  perform usher.end_invite(i.id, 'By the directory')
    from usher.invites i
    where i.organisation_id = revoke_invites_to.organisation_id and i.email = revoke_invites_to.email
      and i.status = 'pending';
end
$function$;

CREATE OR REPLACE FUNCTION usher.rotate_webhook_secret(webhook_id uuid, keep_old_for interval)
 RETURNS public.organisation_webhook_secret
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(rotate_webhook_secret.webhook_id);
  v_keep    interval := coalesce(rotate_webhook_secret.keep_old_for, interval '1 day');
  v_secret  public.organisation_webhook_secret;
begin
  if v_keep not between interval '0' and interval '7 days' then
    perform usher.fail('invalid_settings', hint => 'keep_old_for is from 0 to 7 days.');
  end if;
  -- Each that still signs is one more signature in the header.
  perform usher.take_allowance('webhook-rotations:' || v_webhook.id, 1, 10, interval '1 day');

  update usher.webhook_secrets s
  set expires_at = least(s.expires_at, clock_timestamp() + v_keep)
  where s.webhook_id = v_webhook.id;
  delete from usher.webhook_secrets s
  where s.webhook_id = v_webhook.id and s.expires_at <= clock_timestamp();
  v_secret := usher.add_webhook_secret(v_webhook);
  perform usher.record_event(v_webhook.organisation_id, 'webhook.secret_rotated', 'webhook', v_webhook.id,
    after => jsonb_build_object('old_secrets_end', v_secret.old_secrets_end));
  return v_secret;
end
$function$;

CREATE OR REPLACE FUNCTION usher.save_directory_group(token text, id uuid, facts jsonb)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_organisation_id uuid := usher.open_directory(save_directory_group.token, true);
  v_name        text := usher.clean_line(save_directory_group.facts ->> 'display_name', 200);
  v_external_id text := usher.clean_line(save_directory_group.facts ->> 'external_id', 254);
  v_group       usher.directory_group;
begin
  if v_name is null then
    perform usher.fail('invalid_settings', hint => 'A displayName is one line of 1 to 200 characters.');
  end if;
  if exists (
    select from usher.directory_groups_of(v_organisation_id) g
    where lower(g.display_name) = lower(v_name) and g.id is distinct from save_directory_group.id)
  then
    perform usher.fail('directory_conflict');
  elsif lower(v_name) = 'owner' then
    perform usher.fail('directory_conflict', hint => 'Owner is transferred by people, never given by a directory.');
  end if;

  select g.* into v_group
  from usher.directory_groups_of(v_organisation_id) g where g.id = save_directory_group.id;
  if save_directory_group.id is null then
    v_group.id := usher.make_directory_role(v_organisation_id, v_name);
    v_group.is_made := true;
    select r.name into v_group.role from public.organisation_roles r where r.id = v_group.id;
  elsif not found then
    perform usher.fail('directory_not_found');
  end if;
  if (v_name, v_external_id) is distinct from (v_group.display_name, v_group.external_id) then
    insert into usher.directory_groups (organisation_id, role_id, display_name, external_id, is_made)
    values (v_organisation_id, v_group.id, v_name, v_external_id, v_group.is_made)
    on conflict on constraint directory_groups_pkey do update
    set display_name = excluded.display_name, external_id = excluded.external_id, updated_at = now();
  end if;
  if save_directory_group.facts ? 'members' then
    perform usher.set_directory_members(v_organisation_id, v_group.role, array(
      select m.id::uuid from jsonb_array_elements_text(save_directory_group.facts -> 'members') m (id)));
  end if;
  return v_group.id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.save_directory_group_copy(endpoint_id uuid, role text, remote_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if save_directory_group_copy.remote_id is null then
    delete from usher.directory_group_copies g
    where g.endpoint_id = save_directory_group_copy.endpoint_id and g.role = save_directory_group_copy.role;
    return;
  end if;
  insert into usher.directory_group_copies (endpoint_id, role, remote_id)
  select e.id, save_directory_group_copy.role, save_directory_group_copy.remote_id
  from public.organisation_directory_endpoints e where e.id = save_directory_group_copy.endpoint_id
  on conflict on constraint directory_group_copies_pkey do update set remote_id = excluded.remote_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.save_directory_user(token text, id uuid, facts jsonb)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_organisation_id uuid := usher.open_directory(save_directory_user.token, true);
  v_facts  jsonb := save_directory_user.facts;
  v_user   usher.directory_users;
  v_before usher.directory_users;
  v_wanted boolean := coalesce((v_facts ->> 'is_active')::boolean, true);
  v_is_in  boolean := false;
begin
  if save_directory_user.id is not null then
    v_user := usher.directory_user_for_change(v_organisation_id, save_directory_user.id);
    select u.is_active into v_is_in
    from usher.directory_users_of(v_organisation_id) u where u.id = v_user.id;
  else
    v_user.id := gen_random_uuid();
    v_user.organisation_id := v_organisation_id;
    v_user.roles := '{member}';
  end if;
  v_before := v_user;
  v_user.user_name := usher.clean_line(v_facts ->> 'user_name', 254);
  v_user.external_id := usher.clean_line(v_facts ->> 'external_id', 254);
  v_user.email := usher.normalise_email(v_facts ->> 'email');
  v_user.attributes := coalesce(v_facts -> 'attributes', '{}');
  v_user.is_active := v_wanted;
  if v_user.email is null then
    perform usher.fail('invalid_email', hint => 'A User needs an address: as userName, or as one of emails.');
  elsif v_user.user_name is null or pg_column_size(v_user.attributes) > 16384 then
    perform usher.fail('invalid_settings',
      hint => 'A userName is one line of at most 254 characters; the rest has at most 16 kB.');
  end if;
  if exists (
    select from usher.directory_users_of(v_organisation_id) u
    where u.id <> v_user.id
      and (lower(u.user_name) = lower(v_user.user_name) or u.email = v_user.email))
  then
    perform usher.fail('directory_conflict');
  end if;

  if v_user.member_id is null then
    select m.id into v_user.member_id
    from public.organisation_members m
    where m.organisation_id = v_organisation_id and m.email = v_user.email and m.kind = 'user'
      -- By the address alone nobody comes back who has not proved it.
      and (m.status in ('active', 'banned') or usher.has_proven_address(m.user_id)
        and (select s.auth_confirms_addresses from usher.settings s))
      and not exists (select from usher.directory_users d where d.member_id = m.id)
    order by m.joined_at desc
    limit 1;
  end if;

  if not v_wanted then
    perform usher.dismiss_directory_user(v_before) where v_before.email is not null;
    perform usher.revoke_invites_to(v_organisation_id, v_user.email);
  elsif not v_is_in then
    v_user := usher.admit_directory_user(v_user);
  elsif v_before.email <> v_user.email and exists (
    select from usher.invites i where i.id = v_user.invite_id and i.status = 'pending')
  then
    -- The offer follows them to their new address; the membership of a member is tied to the account.
    perform usher.revoke_invites_to(v_organisation_id, v_before.email);
    v_user := usher.admit_directory_user(v_user);
  end if;

  insert into usher.directory_users as d (
    id, organisation_id, user_name, external_id, email, is_active, roles, attributes, member_id, invite_id)
  values (
    v_user.id, v_user.organisation_id, v_user.user_name, v_user.external_id, v_user.email, v_user.is_active,
    v_user.roles, v_user.attributes, v_user.member_id, v_user.invite_id)
  on conflict on constraint directory_users_pkey do update
  set user_name = excluded.user_name, external_id = excluded.external_id, email = excluded.email,
    is_active = excluded.is_active, attributes = excluded.attributes, member_id = excluded.member_id,
    invite_id = excluded.invite_id, updated_at = now();
  return v_user.id;
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
  v_sealed          integer := 0;
begin
  for v_organisation_id in
    select distinct e.organisation_id
    from public.organisation_audit_events e
    where not exists (select from usher.sealed_events s where s.event_id = e.id)
  loop
    v_sealed := v_sealed + usher.seal_events(v_organisation_id, seal_audit_trail.batch_size);
  end loop;
  return v_sealed;
end
$function$;

CREATE OR REPLACE FUNCTION usher.seal_events(organisation_id uuid, batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_number   integer;
  v_previous bytea;
  v_events   integer;
begin
  -- One at a time: two would number their seals alike.
  perform pg_advisory_xact_lock(hashtext('usher.seal_audit_trail'));
  if not exists (
    select from public.organisation_audit_events e
    where e.organisation_id = seal_events.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id))
  then
    return 0;
  end if;

  select s.number, s.hash into v_number, v_previous
  from usher.audit_seals s
  where s.organisation_id = seal_events.organisation_id
  order by s.number desc
  limit 1;
  v_number := coalesce(v_number, 0) + 1;

  insert into usher.audit_seals (organisation_id, number, events, first_event_at, last_event_at, hash)
  values (seal_events.organisation_id, v_number, 0, now(), now(), '');
  insert into usher.sealed_events (
    event_id, organisation_id, seal_number, position, hash, personal_hash, personal_salt)
  select (d.e).id, seal_events.organisation_id, v_number,
    row_number() over (order by (d.e).occurred_at, (d.e).id),
    usher.event_hash(d.e), usher.personal_hash(d.e, d.salt), d.salt
  from (
    select e, extensions.gen_random_bytes(16) as salt
    from public.organisation_audit_events e
    where e.organisation_id = seal_events.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id)
    order by e.occurred_at, e.id
    limit seal_events.batch_size
  ) d;
  get diagnostics v_events = row_count;

  update usher.audit_seals s
  set events = v_events, hash = usher.seal_hash(seal_events.organisation_id, v_number, coalesce(v_previous, '')),
    first_event_at = t.first_at, last_event_at = t.last_at
  from (
    select min(e.occurred_at) as first_at, max(e.occurred_at) as last_at
    from usher.sealed_events c
    join public.organisation_audit_events e on e.id = c.event_id
    where c.organisation_id = seal_events.organisation_id and c.seal_number = v_number
  ) t
  where s.organisation_id = seal_events.organisation_id and s.number = v_number;
  return v_events;
end
$function$;

CREATE OR REPLACE FUNCTION usher.seal_trail(organisation_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  while usher.seal_events(seal_trail.organisation_id, 10000) > 0 loop
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.session_came_by(claims jsonb, provider text, since timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_app      jsonb := session_came_by.claims -> 'app_metadata';
  v_is_saml  boolean := session_came_by.provider like 'sso:%';
  -- Which providers the account has come by at one time or another, beside mail and phone.
  v_external text[] := array(
    select distinct p.name
    from jsonb_array_elements_text(
      case jsonb_typeof(v_app -> 'providers') when 'array' then v_app -> 'providers' end) p (name)
    where p.name not in ('email', 'phone'));
begin
  return exists (
    select from usher.amr_entries(session_came_by.claims) a
    where a.method = case when v_is_saml then 'sso/saml' else 'oauth' end
      and (session_came_by.since is null or a.at >= session_came_by.since)
      and case
        -- A SAML account has one identity; Auth names it in both places, here without sso:.
        when v_is_saml then v_app ->> 'provider' = session_came_by.provider
          and coalesce('sso:' || a.provider, session_came_by.provider) = session_came_by.provider
        when a.provider is not null then a.provider = session_came_by.provider
        -- oauth does not say through whom: good only where there is one whom it can have been.
        else v_external = array[session_came_by.provider]
      end);
end
$function$;

CREATE OR REPLACE FUNCTION usher.set_directory_members(organisation_id uuid, role text, user_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_unknown uuid;
begin
  select i.id into v_unknown
  from unnest(set_directory_members.user_ids) i (id)
  where i.id not in (select u.id from usher.directory_users_of(set_directory_members.organisation_id) u)
  limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('There is no User %s to be a member.', v_unknown));
  end if;
  perform usher.set_directory_role(
      set_directory_members.organisation_id, coalesce(h.id, w.id), set_directory_members.role, w.id is not null)
    from (
      select u.id from usher.directory_users_of(set_directory_members.organisation_id) u
      where set_directory_members.role = any (u.roles)
    ) h
    full join (select distinct i.id from unnest(set_directory_members.user_ids) i (id)) w on w.id = h.id
    where h.id is null or w.id is null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.set_directory_role(organisation_id uuid, user_id uuid, role text, is_held boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_user    usher.directory_users :=
    usher.directory_user_for_change(set_directory_role.organisation_id, set_directory_role.user_id);
  v_actor   public.organisation_members :=
    usher.require_permission(set_directory_role.organisation_id, 'member.update');
  v_member  public.organisation_members;
  v_roles   text[];
  v_problem text;
begin
  if set_directory_role.is_held then
    v_problem := usher.roles_problem(v_user.organisation_id, array[set_directory_role.role], v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem, details => set_directory_role.role);
    end if;
  end if;
  update usher.directory_users d
  set updated_at = now(), roles = case when set_directory_role.is_held
    then usher.clean_roles(d.roles || set_directory_role.role) else array_remove(d.roles, set_directory_role.role) end
  where d.id = v_user.id
  returning d.roles into v_roles;

  select m.* into v_member from public.organisation_members m where m.id = v_user.member_id;
  if not found or v_member.status <> 'active' then
    if set_directory_role.is_held and usher.excluded_together(v_user.organisation_id, v_roles) is not null then
      perform usher.fail('role_not_assignable', hint => 'These roles may not be held together.');
    end if;
    return;
  elsif 'owner' = any (v_member.roles) then
    return;
  end if;

  v_member := usher.member_for_change(v_member.organisation_id, v_member.user_id, 'member.update');
  v_roles := case when set_directory_role.is_held
    then usher.clean_roles(v_member.roles || set_directory_role.role)
    else array_remove(v_member.roles, set_directory_role.role) end;
  if set_directory_role.is_held then
    perform usher.require_roles(v_member.organisation_id, v_roles);
  end if;
  -- No mail, unlike a change by hand: a directory makes many of them, and tells its people itself.
  update public.organisation_members m set roles = v_roles where m.id = v_member.id and m.roles <> v_roles;
  if found then
    perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
      before => jsonb_build_object('roles', v_member.roles), after => jsonb_build_object('roles', v_roles));
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.sign_in_problem(rule public.organisation_sign_in_rules, user_id uuid, email text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rule     public.organisation_sign_in_rules := sign_in_problem.rule;
  v_claims   jsonb := auth.jwt();
  v_since    timestamptz := now() - v_rule.max_age;
  v_provider text := coalesce(v_rule.provider, usher.sso_provider_of(v_rule.domain));
begin
  if num_nonnulls(v_rule.provider, v_rule.domain) > 0 and (
    v_provider is null
    or usher.session_came_by(v_claims, v_provider, v_since) is not true
    or not usher.has_identity(sign_in_problem.user_id, v_provider, sign_in_problem.email))
  then
    return coalesce(v_rule.provider, 'domain:' || v_rule.domain);
  end if;

  if v_rule.level = 'aal2' and coalesce(v_claims ->> 'aal', '') not in ('aal2', 'aal3') then
    return 'aal2';
  elsif cardinality(v_rule.methods) > 0 and not exists (
    select from usher.amr_entries(v_claims) a where a.method = any (v_rule.methods))
  then
    return 'amr:' || array_to_string(v_rule.methods, ',');
  elsif v_since is not null and not exists (
    select from usher.amr_entries(v_claims) a where a.at >= v_since and a.method <> 'token_refresh')
  then
    return 'max_age';
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.sso_provider_of(domain text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- A stand-in for Auth may lack it, and a platform may keep it to itself: then no domain leads anywhere.
  if has_table_privilege(to_regclass('auth.sso_domains'), 'select') is not true then
    return null;
  end if;
  return (
    select 'sso:' || d.sso_provider_id
    from auth.sso_domains d where lower(d.domain) = lower(sso_provider_of.domain));
end
$function$;

CREATE OR REPLACE FUNCTION usher.start_access_review(organisation_id uuid, title text, due_at timestamp with time zone)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(start_access_review.organisation_id, 'access_review.manage');
  v_review public.organisation_access_reviews;
  v_items  integer;
begin
  if usher.clean_line(start_access_review.title, 100) is null then
    perform usher.fail('invalid_settings', hint => 'A title is one line of 1 to 100 characters.');
  end if;
  if start_access_review.due_at is null
    or start_access_review.due_at not between now() and now() + interval '1 year'
  then
    perform usher.fail('invalid_settings', hint => 'due_at is in the future, by a year at most.');
  end if;

  insert into public.organisation_access_reviews (organisation_id, title, due_at, started_by)
  values (v_actor.organisation_id, usher.clean_line(start_access_review.title, 100),
    start_access_review.due_at, v_actor.user_id)
  returning * into v_review;
  insert into public.organisation_access_review_items (
    organisation_id, review_id, user_id, role, granted_at, granted_by)
  select v_review.organisation_id, v_review.id, r.user_id, r.role, r.granted_at, r.granted_by
  from usher.access_rights(v_review.organisation_id) r
  where r.is_held;
  get diagnostics v_items = row_count;

  perform usher.record_event(v_review.organisation_id, 'access_review.started', 'access_review', v_review.id,
    after => jsonb_build_object('title', v_review.title, 'due_at', v_review.due_at, 'items', v_items));
  perform usher.enqueue_review_mail('access_review_started', v_review);
  return v_review;
end
$function$;

CREATE OR REPLACE FUNCTION usher.start_one_click(token text)
 RETURNS TABLE(invite_id uuid, issue integer, email text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite usher.invites := usher.one_click_invite(start_one_click.token);
begin
  if v_invite.id is null then
    return;
  end if;
  perform usher.take_allowance('one_clicks:' || v_invite.organisation_id, 1, 1000, interval '1 hour', is_secret => true);
  -- The address itself is nobody's to read out of this table.
  perform usher.take_allowance('one_clicks:' || encode(sha256(convert_to(v_invite.email, 'UTF8')), 'hex'),
    1, 5, interval '1 day', is_secret => true);

  -- Who revokes, resends or answers it at this moment is waited for; what they did is then seen.
  perform from usher.invites i where i.id = v_invite.id for no key update;
  v_invite := usher.one_click_invite(start_one_click.token);
  if v_invite.id is null then
    return;
  end if;
  insert into usher.one_clicks (invite_id, issue) values (v_invite.id, v_invite.issue);
  perform usher.record_event(v_invite.organisation_id, 'invite.one_click_started', 'invite', v_invite.id,
    actor_kind => 'invitee');
  return query select v_invite.id, v_invite.issue, v_invite.email;
end
$function$;

CREATE OR REPLACE FUNCTION usher.target_host(url text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$ select (regexp_match($1, '^https?://([^/?]+)', 'i'))[1] $function$;

CREATE OR REPLACE FUNCTION usher.target_problem(url text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_parts      text[] := regexp_match(target_problem.url,
    '^(https?)://(\[[0-9a-f:.]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?)(?::\d{1,5})?(?:[/?][!-~]*)?$', 'i');
  v_host       text := lower(rtrim(v_parts[2], '.'));
  v_is_private boolean;
begin
  if v_parts is null or length(target_problem.url) > 2000 or target_problem.url ~ '[\\#]' then
    return 'Give an address such as https://example.com: at most 2,000 characters, without user name and fragment.';
  elsif (select s.allow_private_targets from usher.settings s) then
    return null;
  elsif lower(v_parts[1]) <> 'https' then
    return 'The address begins with https://.';
  elsif v_host ~ '(^|\.)(localhost|local|internal)$' or v_host !~ '[.:]' then
    return 'The address is one of the public internet.';
  elsif v_host !~ '^\[' and v_host !~ '(^|\.)(\d+|0x[0-9a-f]*)$' then
    return null;
  end if;

  -- An address can be written in many ways, of which one is allowed; 0177 is 127 to some.
  if v_host ~ '(^|\.)0\d' then
    return 'The address is one of the public internet.';
  end if;
  begin
    v_is_private := case family(btrim(v_host, '[]')::inet)
      when 4 then exists (
        select from unnest('{0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,
          192.0.0.0/24,192.0.2.0/24,192.168.0.0/16,198.18.0.0/15,198.51.100.0/24,203.0.113.0/24,
          224.0.0.0/3}'::cidr[]) c
        where btrim(v_host, '[]')::inet <<= c)
      -- Of IPv6, all that is public begins with 2 or 3; 2002: holds an address of IPv4.
      else not btrim(v_host, '[]')::inet <<= '2000::/3'
        or btrim(v_host, '[]')::inet <<= any ('{2001::/23,2001:db8::/32,2002::/16,3fff::/20}'::cidr[])
    end;
  exception
    when invalid_text_representation then
      v_is_private := true;
  end;
  return case when v_is_private then 'The address is one of the public internet.' end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.template_for_change(template_id uuid)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_template public.organisation_email_templates;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  -- Another's template looks like none at all.
  select t.* into v_template
  from public.organisation_email_templates t
  join usher.current_members m
    on m.organisation_id = t.organisation_id and m.user_id = auth.uid()
  where t.id = template_for_change.template_id;
  if not found then
    perform usher.fail('organisation_not_found', hint => 'There is no such template, or it is not yours to see.');
  end if;
  perform usher.require_permission(v_template.organisation_id, 'organisation.update');
  select t.* into strict v_template
  from public.organisation_email_templates t where t.id = v_template.id for update;
  return v_template;
end
$function$;

CREATE OR REPLACE FUNCTION usher.test_webhook(webhook_id uuid)
 RETURNS public.organisation_webhook_deliveries
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook  public.organisation_webhooks := usher.enabled_webhook_for_change(test_webhook.webhook_id);
  v_delivery public.organisation_webhook_deliveries;
begin
  perform usher.take_allowance('webhook-tests:' || v_webhook.id, 1, 60, interval '1 hour');
  perform usher.record_event(v_webhook.organisation_id, 'webhook.tested', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook));
  select d.* into strict v_delivery
  from public.organisation_webhook_deliveries d
  where d.webhook_id = v_webhook.id and d.event = 'webhook.tested'
  order by d.created_at desc, d.id
  limit 1;
  return v_delivery;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_directory_endpoint_tokens__forget()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  execute 'delete from vault.secrets s where s.id = $1' using old.vault_secret_id;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_audit_events__tell_webhooks()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
  select e.organisation_id, w.id, e.id, e.event
  from new_events e
  join public.organisation_webhooks w on w.organisation_id = e.organisation_id
  where w.is_enabled and usher.webhook_hears(w, e.event, e.target_id);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__follow_ends()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  -- A role that is not held any more has no end either: whoever gets it again gets it as it is given then.
  new.role_ends := coalesce((
    select jsonb_object_agg(e.key, e.value)
    from jsonb_each(new.role_ends) e
    where e.key = any (new.roles)), '{}');
  new.next_end_at := least(new.ends_at, (
    select min(e.value::timestamptz) from jsonb_each_text(new.role_ends) e));
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__join_directory()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_user  usher.directory_users;
  v_roles text[];
begin
  update usher.directory_users d
  set member_id = new.id, is_active = true, updated_at = now()
  from usher.directory_users o
  where o.id = d.id
    and d.organisation_id = new.organisation_id
    and (d.member_id = new.id or d.email = new.email and not exists (
      select from public.organisation_members m where m.id = d.member_id and m.status = 'active'))
  returning o.* into v_user;
  if v_user.is_active is not true then
    return null;
  end if;

  -- What the invite of a directory carries stands for those; what somebody here has offered comes on top.
  v_roles := usher.clean_roles(case when exists (
    select from usher.invites i
    where i.id = v_user.invite_id and i.accepted_by = new.user_id and i.roles = '{member}')
    then '{}' else new.roles end || array(
    select r.name from public.organisation_roles r
    where r.name = any (v_user.roles)
      -- What they had for a time is theirs again when somebody gives it again.
      and not coalesce(old.role_ends ? r.name, false)
      and (r.organisation_id is null or r.organisation_id = new.organisation_id)));
  -- What may not be held together stays with what they were let in as.
  if v_roles <> new.roles and usher.excluded_together(new.organisation_id, v_roles) is null then
    update public.organisation_members m set roles = v_roles where m.id = new.id;
    perform usher.record_event(new.organisation_id, 'member.roles_updated', 'user', new.user_id,
      before => jsonb_build_object('roles', new.roles), after => jsonb_build_object('roles', v_roles),
      actor_kind => 'directory');
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__lapse_review_items()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_review_id uuid;
begin
  -- When the organisation itself is deleted, its reviews go as well.
  if tg_op = 'DELETE' and not exists (select from public.organisations o where o.id = old.organisation_id) then
    return null;
  end if;
  for v_review_id in
    select distinct i.review_id
    from public.organisation_access_review_items i
    join public.organisation_access_reviews r on r.id = i.review_id and r.status = 'open'
    where i.organisation_id = old.organisation_id and i.user_id = old.user_id and i.decision is null
    order by i.review_id
  loop
    perform from public.organisation_access_reviews r where r.id = v_review_id for update;
    update public.organisation_access_review_items i
    set decision = 'lapsed', decided_at = now()
    where i.review_id = v_review_id and i.user_id = old.user_id and i.decision is null
      and (tg_op = 'DELETE' or new.status <> 'active' or i.role <> all (new.roles));
    perform usher.complete_access_review(v_review_id);
  end loop;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__lose_directory_roles()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update usher.directory_users d
  set roles = array(select r from unnest(d.roles) r where r = any (new.roles) or r <> all (old.roles) order by r)
  where d.member_id = new.id;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__mark_copies()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members := coalesce(new, old);
begin
  insert into public.organisation_directory_copies as c (endpoint_id, member_id, organisation_id)
  select e.id, v_member.id, e.organisation_id
  from public.organisation_directory_endpoints e
  where e.organisation_id = v_member.organisation_id
    and (v_member.status = 'active' and v_member.kind = 'user' and tg_op <> 'DELETE' or exists (
      select from public.organisation_directory_copies k
      where k.endpoint_id = e.id and k.member_id = v_member.id))
  on conflict on constraint organisation_directory_copies_pkey do update
  set status = 'waiting', change = c.change + 1, due_at = now(), attempts = 0;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_webhook_secrets__leave_vault()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if old.vault_secret_id is not null then
    execute 'delete from vault.secrets where id = $1' using old.vault_secret_id;
  end if;
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
  from usher.current_members m
  where m.organisation_id = v_owner.organisation_id
    and m.user_id = transfer_ownership.new_owner_id
    and m.kind = 'user' and m.id <> v_owner.id
  for update;
  if not found then
    perform usher.fail('member_not_found', hint => 'The new owner is another active member, and a person.');
  end if;

  update public.organisation_members m
  set roles = usher.clean_roles(array_append(array_remove(m.roles, 'owner'), 'admin'))
  where m.id = v_owner.id;
  update public.organisation_members m
  set roles = '{owner}', ends_at = null
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

CREATE OR REPLACE FUNCTION usher.update_directory_endpoint(endpoint_id uuid, changes jsonb)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before   public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(update_directory_endpoint.endpoint_id);
  v_changes  jsonb := update_directory_endpoint.changes;
  v_endpoint public.organisation_directory_endpoints := v_before;
begin
  if jsonb_typeof(v_changes) is distinct from 'object' or v_changes - '{name,url,token,is_enabled}'::text[] <> '{}'
    or v_changes ? 'is_enabled' and jsonb_typeof(v_changes -> 'is_enabled') <> 'boolean'
  then
    perform usher.fail('invalid_settings', hint => 'changes is an object of name, url, token and is_enabled.');
  end if;
  if v_changes ? 'name' then
    v_endpoint.name := usher.clean_line(v_changes ->> 'name', 100);
  end if;
  if v_changes ? 'url' then
    v_endpoint.url := usher.directory_url(v_changes ->> 'url');
  end if;
  if v_endpoint.name is null or v_endpoint.url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_endpoint.url is null then usher.target_problem(btrim(v_changes ->> 'url')) end,
        'Give a name of one line, and the https address that the application calls its SCIM base URL.'));
  end if;
  -- Nobody reads the token back: not by having it sent to an address of theirs either.
  if v_endpoint.url <> v_before.url and not v_changes ? 'token' then
    perform usher.fail('invalid_settings', hint => 'A new url needs its token as well.');
  end if;
  if v_changes ? 'token' then
    perform usher.keep_endpoint_token(v_before.id, v_changes ->> 'token');
  end if;

  -- Whatever was wrong with it may be right now: it is asked anew, and compared as a whole.
  update public.organisation_directory_endpoints e
  set name = v_endpoint.name, url = v_endpoint.url,
    is_enabled = coalesce((v_changes ->> 'is_enabled')::boolean, e.is_enabled),
    failures = 0, retry_at = null, last_error = null, features = null, reconcile_at = now(),
    -- A lease is over: what its holder finds is that of another address, or of another token.
    fence = e.fence + 1, leased_at = null
  where e.id = v_before.id
  returning e.* into v_endpoint;
  -- At another address there is another application, in which nobody is known yet.
  if v_endpoint.url <> v_before.url then
    delete from public.organisation_directory_copies c where c.endpoint_id = v_endpoint.id;
    delete from usher.directory_group_copies g where g.endpoint_id = v_endpoint.id;
    update public.organisation_directory_endpoints e set reconciled_at = null
    where e.id = v_endpoint.id
    returning e.* into v_endpoint;
    perform usher.mark_copies(v_endpoint.id);
  end if;
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_updated', 'directory', v_endpoint.id,
    before => jsonb_build_object('name', v_before.name, 'host', usher.target_host(v_before.url), 'is_enabled', v_before.is_enabled),
    after  => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url), 'is_enabled', v_endpoint.is_enabled,
      'has_new_token', v_changes ? 'token'));
  return v_endpoint;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_member_ends(organisation_id uuid, user_id uuid, ends_at timestamp with time zone DEFAULT NULL::timestamp with time zone, role_ends jsonb DEFAULT '{}'::jsonb)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member    public.organisation_members := usher.member_for_change(
    update_member_ends.organisation_id, update_member_ends.user_id, 'member.update');
  v_before    public.organisation_members := v_member;
  v_role_ends jsonb := coalesce(nullif(update_member_ends.role_ends, 'null'), '{}');
  v_end       record;
  v_prolonged text[];
  v_problem   text;
begin
  if v_member.status <> 'active' or v_member.ends_at <= statement_timestamp() then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  end if;

  if jsonb_typeof(v_role_ends) <> 'object' then
    perform usher.fail('invalid_settings', hint => 'role_ends is an object of roles and times.');
  end if;
  perform usher.require_end(update_member_ends.ends_at);
  v_role_ends := jsonb_strip_nulls(v_role_ends);
  for v_end in select e.key as role, usher.read_time(e.value) as at from jsonb_each_text(v_role_ends) e loop
    if v_end.role <> all (v_member.roles) then
      perform usher.fail('invalid_role', details => v_end.role, hint => 'Only a role that the member holds has an end.');
    end if;
    if v_end.at is null then
      perform usher.fail('invalid_expiry', details => v_end.role,
        hint => 'An end is a time in ISO 8601 with its offset, such as 2027-03-31T18:00:00Z.');
    end if;
    perform usher.require_end(v_end.at);
  end loop;

  update public.organisation_members m
  set ends_at = update_member_ends.ends_at, role_ends = v_role_ends
  where m.id = v_member.id
  returning m.* into v_member;

  -- A longer time is a gift, as the role itself is: it has to be the caller's to give.
  v_prolonged := array(
    select r from unnest(v_member.roles) r
    where coalesce(least(v_member.ends_at, (v_member.role_ends ->> r)::timestamptz), 'infinity')
      > coalesce(least(v_before.ends_at, (v_before.role_ends ->> r)::timestamptz), 'infinity'));
  if cardinality(v_prolonged) > 0 then
    v_problem := usher.roles_problem(v_member.organisation_id, v_prolonged,
      (usher.require_member(v_member.organisation_id)).roles);
    if v_problem is not null then
      perform usher.fail(v_problem, details => array_to_string(v_prolonged, ', '));
    elsif v_member.user_id = auth.uid() then
      perform usher.fail('role_not_assignable', hint => 'Nobody prolongs their own access.');
    end if;
  end if;

  perform usher.record_event(v_member.organisation_id, 'member.ends_updated', 'user', v_member.user_id,
    before => jsonb_build_object('ends_at', v_before.ends_at, 'role_ends', v_before.role_ends),
    after  => jsonb_build_object('ends_at', v_member.ends_at, 'role_ends', v_member.role_ends));
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_sign_in_rule(organisation_id uuid, changes jsonb)
 RETURNS public.organisation_sign_in_rules
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_keys    constant text[] := array['provider', 'domain', 'level', 'methods', 'max_age', 'for_members'];
  v_changes jsonb := update_sign_in_rule.changes;
  v_member  public.organisation_members;
  v_before  public.organisation_sign_in_rules;
  v_after   public.organisation_sign_in_rules;
  v_unknown text;
begin
  v_member := usher.require_permission(update_sign_in_rule.organisation_id, 'organisation.update');
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k where k <> all (v_keys) limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;

  -- Two changes at once: the second waits here, also while there is no rule yet.
  perform from public.organisations o where o.id = v_member.organisation_id for no key update;
  select r.* into v_before
  from public.organisation_sign_in_rules r where r.organisation_id = v_member.organisation_id;
  v_before.organisation_id := v_member.organisation_id;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  v_after.provider := lower(btrim(v_after.provider));
  v_after.domain := lower(btrim(v_after.domain, ' @'));
  v_after.level := coalesce(v_after.level, 'aal1');
  v_after.methods := array(select distinct lower(btrim(m)) from unnest(v_after.methods) m order by 1);
  v_after.for_members := coalesce(v_after.for_members, false);
  v_after.updated_at := now();

  if cardinality(v_after.methods) > 10
    or exists (select from unnest(v_after.methods) m where m is null or m !~ '^[a-z0-9][a-z0-9_/-]{0,39}$')
  then
    perform usher.fail('invalid_settings', hint => 'methods is a list of at most 10, such as ["totp"].');
  elsif v_after.domain is not null and usher.sso_provider_of(v_after.domain) is null then
    perform usher.fail('invalid_settings',
      hint => 'The project has no SAML provider for this domain: supabase sso add, or sso update --add-domains.');
  elsif v_after.for_members and usher.sign_in_problem(v_after, v_member.user_id, v_member.email) is not null then
    perform usher.fail('sso_required',
      hint => 'Come this way yourself before you ask it of all members.',
      details => usher.sign_in_problem(v_after, v_member.user_id, v_member.email));
  end if;

  begin
    delete from public.organisation_sign_in_rules r where r.organisation_id = v_member.organisation_id;
    -- A rule that asks nothing is none.
    if num_nonnulls(v_after.provider, v_after.domain, v_after.max_age) > 0
      or v_after.level <> 'aal1' or cardinality(v_after.methods) > 0
    then
      insert into public.organisation_sign_in_rules select v_after.*;
    else
      v_after.for_members := false;
    end if;
  exception
    when check_violation then
      perform usher.fail('invalid_settings', hint => 'provider is sso:<id>, custom:<name> or the name of a '
        'provider such as keycloak, and not beside domain; level aal1 or aal2; max_age 1 minute to 30 days.');
  end;

  perform usher.record_event(v_after.organisation_id, 'sign_in_rule.updated', 'organisation', v_after.organisation_id,
    before => (select jsonb_object_agg(k, to_jsonb(v_before) -> k) from unnest(v_keys) k),
    after  => (select jsonb_object_agg(k, to_jsonb(v_after) -> k) from unnest(v_keys) k));
  return v_after;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_webhook(webhook_id uuid, changes jsonb)
 RETURNS public.organisation_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before  public.organisation_webhooks := usher.webhook_for_change(update_webhook.webhook_id);
  v_changes jsonb := update_webhook.changes;
  v_after   public.organisation_webhooks;
  v_unknown text;
begin
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k
  where k not in ('url', 'events', 'description', 'is_enabled') limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  perform usher.require_webhook(v_after.url, v_after.events, v_after.description);
  if v_after.is_enabled is null then
    perform usher.fail('invalid_settings', hint => 'is_enabled is true or false.');
  end if;

  update public.organisation_webhooks w
  set url = v_after.url, events = usher.clean_events(v_after.events), is_enabled = v_after.is_enabled,
    description = coalesce(usher.clean_line(v_after.description, 200), ''),
    disabled_at = case when not v_after.is_enabled then coalesce(w.disabled_at, now()) end,
    disabled_reason = case when not v_after.is_enabled then coalesce(w.disabled_reason, 'by_hand') end,
    -- Elsewhere, or switched on again, it begins anew.
    failing_since = case when v_after.is_enabled = w.is_enabled and v_after.url = w.url then w.failing_since end
  where w.id = v_before.id
  returning w.* into strict v_after;
  if not v_after.is_enabled then
    perform usher.end_queued_webhook_deliveries(v_after.id);
  end if;
  perform usher.record_event(v_after.organisation_id, 'webhook.updated', 'webhook', v_after.id,
    before => usher.webhook_facts(v_before), after => usher.webhook_facts(v_after));
  return v_after;
end
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
    v_preview.membership_ends_at := v_invite.membership_ends_at;
    v_preview.has_account := usher.has_account(v_invite.email);
    select r.provider, r.domain, r.level
    into v_preview.sign_in_provider, v_preview.sign_in_domain, v_preview.sign_in_level
    from public.organisation_sign_in_rules r where r.organisation_id = v_invite.organisation_id;
    v_preview.one_click := (usher.one_click_invite(validate_invite.token)).id is not null;
    select m.display_name, m.email into v_preview.inviter_name, v_preview.inviter_email
    from public.organisation_members m
    where m.organisation_id = v_invite.organisation_id and m.user_id = v_invite.invited_by;
  end if;
  return v_preview;
end
$function$;

CREATE OR REPLACE FUNCTION usher.webhook_body(event public.organisation_audit_events)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  -- json, not jsonb, which would sort the keys. Nothing personal: no reason, address or browser.
  select json_build_object(
    'type', ($1).event,
    'timestamp', to_char(($1).occurred_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'data', json_build_object(
      'id', ($1).id,
      'organisation_id', ($1).organisation_id,
      'actor', json_build_object('kind', ($1).actor_kind, 'id', ($1).actor_id),
      'target', json_build_object('kind', ($1).target_kind, 'id', ($1).target_id),
      'before', ($1).before,
      'after', ($1).after))::text
$function$;

CREATE OR REPLACE FUNCTION usher.webhook_event_types()
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return array[
    'access_review.closed', 'access_review.completed', 'access_review.confirmed', 'access_review.overdue',
    'access_review.started', 'access_review.withdrawn',
    'delivery.bounced', 'delivery.complained', 'delivery.delivered', 'delivery.failed',
    'delivery.opened', 'delivery.sent', 'delivery.suppressed',
    'device.enrolled',
    'directory.drift_found', 'directory.endpoint_created', 'directory.endpoint_deleted', 'directory.endpoint_updated',
    'directory.token_created', 'directory.token_revoked',
    'domain.claimed', 'domain.deleted', 'domain.updated', 'domain.verified',
    'evidence.exported',
    'invite.accepted', 'invite.created', 'invite.declined', 'invite.expired',
    'invite.link_revealed', 'invite.one_click_done', 'invite.one_click_failed', 'invite.one_click_started',
    'invite.reminded', 'invite.resend_requested', 'invite.resent',
    'invite.revoked', 'invite.roles_updated',
    'join.approved', 'join.declined', 'join.requested',
    'member.access_ended', 'member.banned', 'member.ends_updated', 'member.joined', 'member.left',
    'member.removed', 'member.roles_updated', 'member.unbanned',
    'organisation.transferred', 'organisation.updated',
    'person.erased',
    'role.created', 'role.deleted', 'role.updated',
    'role_exclusion.created', 'role_exclusion.deleted',
    'sign_in_rule.updated',
    'template.created', 'template.deleted', 'template.updated',
    'webhook.created', 'webhook.deleted', 'webhook.disabled', 'webhook.secret_rotated',
    'webhook.updated'
  ];
end
$function$;

CREATE OR REPLACE FUNCTION usher.webhook_facts(webhook public.organisation_webhooks)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  -- Without path and query: with many receivers, whoever knows those can send.
  select jsonb_build_object('host', usher.target_host(($1).url),
    'events', ($1).events, 'is_enabled', ($1).is_enabled)
$function$;

CREATE OR REPLACE FUNCTION usher.webhook_for_change(webhook_id uuid)
 RETURNS public.organisation_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_webhook public.organisation_webhooks;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
  -- Another's endpoint looks like none at all.
  select w.* into v_webhook
  from public.organisation_webhooks w
  join usher.current_members m
    on m.organisation_id = w.organisation_id and m.user_id = auth.uid()
  where w.id = webhook_for_change.webhook_id
  for no key update of w;
  if not found then
    perform usher.fail('webhook_not_found');
  end if;
  perform usher.require_permission(v_webhook.organisation_id, 'webhook.manage');
  return v_webhook;
end
$function$;

CREATE OR REPLACE FUNCTION usher.webhook_hears(webhook public.organisation_webhooks, event text, target_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_webhook public.organisation_webhooks := webhook_hears.webhook;
begin
  return case
    -- A test is for the one endpoint that is tested.
    when webhook_hears.event = 'webhook.tested' then v_webhook.id = webhook_hears.target_id
    -- Nobody has the secret of one that is only being made.
    when webhook_hears.event = 'webhook.created' and v_webhook.id = webhook_hears.target_id then false
    else webhook_hears.event = any (coalesce(v_webhook.events, usher.webhook_event_types()))
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.webhook_metrics()
 RETURNS TABLE(status text, count bigint, oldest_seconds double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select d.status, count(*),
    -- Since it was due, not since it was made: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - d.due_at))
      filter (where d.status = 'queued' and d.due_at <= clock_timestamp())::double precision
  from public.organisation_webhook_deliveries d
  group by d.status
$function$;

CREATE OR REPLACE FUNCTION usher.webhook_signatures(webhook_id uuid, content text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_row        usher.webhook_secrets;
  v_secret     text;
  v_signatures text[] := '{}';
begin
  for v_row in
    select s.* from usher.webhook_secrets s
    where s.webhook_id = webhook_signatures.webhook_id
      and (s.expires_at is null or s.expires_at > clock_timestamp())
    order by s.created_at desc
  loop
    if v_row.secret is null then
      execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
        into v_secret using v_row.vault_secret_id;
      if v_secret is null then
        return null;
      end if;
      v_row.secret := decode(substring(v_secret from 7), 'base64');
    end if;
    v_signatures := v_signatures || ('v1,' || encode(extensions.hmac(
      convert_to(webhook_signatures.content, 'UTF8'), v_row.secret, 'sha256'), 'base64'));
  end loop;
  return array_to_string(v_signatures, ' ');
end
$function$;

ALTER TABLE "public"."organisation_access_review_items" ADD CONSTRAINT "organisation_access_review_items_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_access_reviews" ADD CONSTRAINT "organisation_access_reviews_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_access_review_items" ADD CONSTRAINT "organisation_access_review_items_review_id_fkey" FOREIGN KEY (review_id) REFERENCES public.organisation_access_reviews(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_audit_events" ADD CONSTRAINT "organisation_audit_events_actor_kind" CHECK ((actor_kind = ANY (ARRAY['user'::text, 'device'::text, 'invitee'::text, 'directory'::text, 'worker'::text, 'operator'::text])));

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_kind" CHECK ((kind = ANY (ARRAY['invite'::text, 'invite_reminder'::text, 'invite_accepted'::text, 'invite_declined'::text, 'invite_expired'::text, 'invite_resend_requested'::text, 'member_roles_updated'::text, 'member_removed'::text, 'member_banned'::text, 'ownership_transferred'::text, 'access_ending'::text, 'access_ended'::text, 'join_requested'::text, 'join_approved'::text, 'join_declined'::text, 'device_enrolled'::text, 'access_review_started'::text, 'access_review_overdue'::text, 'webhook_disabled'::text, 'auth'::text])));

ALTER TABLE "public"."organisation_directory_copies" ADD CONSTRAINT "organisation_directory_copies_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_directory_endpoints" ADD CONSTRAINT "organisation_directory_endpoints_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_directory_copies" ADD CONSTRAINT "organisation_directory_copies_endpoint_id_fkey" FOREIGN KEY (endpoint_id) REFERENCES public.organisation_directory_endpoints(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_directory_tokens" ADD CONSTRAINT "organisation_directory_tokens_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_members" ADD CONSTRAINT "organisation_members_owner_has_no_end" CHECK (((next_end_at IS NULL) OR (NOT ('owner'::text = ANY (roles)))));

ALTER TABLE "public"."organisation_sign_in_rules" ADD CONSTRAINT "organisation_sign_in_rules_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_webhook_deliveries" ADD CONSTRAINT "organisation_webhook_deliveries_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_webhooks" ADD CONSTRAINT "organisation_webhooks_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "public"."organisation_webhook_deliveries" ADD CONSTRAINT "organisation_webhook_deliveries_webhook_id_fkey" FOREIGN KEY (webhook_id) REFERENCES public.organisation_webhooks(id) ON DELETE CASCADE;

ALTER TABLE "usher"."directory_endpoint_tokens" ADD CONSTRAINT "directory_endpoint_tokens_endpoint_id_fkey" FOREIGN KEY (endpoint_id) REFERENCES public.organisation_directory_endpoints(id) ON DELETE CASCADE;

ALTER TABLE "usher"."directory_group_copies" ADD CONSTRAINT "directory_group_copies_endpoint_id_fkey" FOREIGN KEY (endpoint_id) REFERENCES public.organisation_directory_endpoints(id) ON DELETE CASCADE;

ALTER TABLE "usher"."directory_groups" ADD CONSTRAINT "directory_groups_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "usher"."directory_groups" ADD CONSTRAINT "directory_groups_role_id_fkey" FOREIGN KEY (role_id) REFERENCES public.organisation_roles(id) ON DELETE CASCADE;

ALTER TABLE "usher"."directory_token_hashes" ADD CONSTRAINT "directory_token_hashes_token_id_fkey" FOREIGN KEY (token_id) REFERENCES public.organisation_directory_tokens(id) ON DELETE CASCADE;

ALTER TABLE "usher"."directory_users" ADD CONSTRAINT "directory_users_invite_id_fkey" FOREIGN KEY (invite_id) REFERENCES usher.invites(id) ON DELETE SET NULL;

ALTER TABLE "usher"."directory_users" ADD CONSTRAINT "directory_users_member_id_fkey" FOREIGN KEY (member_id) REFERENCES public.organisation_members(id) ON DELETE CASCADE;

ALTER TABLE "usher"."directory_users" ADD CONSTRAINT "directory_users_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "usher"."one_clicks" ADD CONSTRAINT "one_clicks_invite_id_fkey" FOREIGN KEY (invite_id) REFERENCES usher.invites(id) ON DELETE CASCADE;

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_limits" CHECK (((resend_cooldown >= '00:00:00'::interval) AND (resends_per_day >= 0) AND (invites_per_day >= 0) AND (access_end_notice >= '00:00:00'::interval) AND (webhook_failing_for >= '01:00:00'::interval) AND (webhook_answers_kept_for >= '1 day'::interval) AND (mails_per_minute_to_domain > 0) AND (mails_per_minute_of_organisation > 0)));

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_one_click" CHECK (((one_click = ANY (ARRAY['off'::text, 'new_addresses'::text])) AND ((one_click_within >= '00:01:00'::interval) AND (one_click_within <= '24:00:00'::interval))));

ALTER TABLE "usher"."webhook_secrets" ADD CONSTRAINT "webhook_secrets_webhook_id_fkey" FOREIGN KEY (webhook_id) REFERENCES public.organisation_webhooks(id) ON DELETE CASCADE;

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
    revoked_reason,
    template_id,
    bounced_at,
    membership_ends_at
   FROM usher.invites i;

CREATE OR REPLACE FUNCTION public.create_organisation_invite(organisation_id uuid, email text, roles text[], expires_in interval DEFAULT NULL::interval, message text DEFAULT NULL::text, locale text DEFAULT NULL::text, redirect_to text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, template_id uuid DEFAULT NULL::uuid, membership_ends_at timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS public.organisation_invites
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select usher.create_invite($1, jsonb_build_object(
    'email', $2, 'roles', $3, 'expires_in', $4, 'message', $5, 'locale', $6, 'redirect_to', $7,
    'metadata', $8, 'template_id', $9, 'membership_ends_at', $10))
$function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid, timestamp with time zone) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid, timestamp with time zone) FROM "service_role";

CREATE OR REPLACE FUNCTION public.expire_organisation_invite(invite_id uuid)
 RETURNS public.organisation_invites
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.expire_invite($1) $function$;

REVOKE ALL ON FUNCTION "public"."expire_organisation_invite"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."expire_organisation_invite"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_invites(organisation_id uuid, status text DEFAULT NULL::text, search text DEFAULT NULL::text, cursor uuid DEFAULT NULL::uuid, page_size integer DEFAULT 50)
 RETURNS SETOF public.organisation_invites
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return query
    select * from usher.list_invites(
      list_organisation_invites.organisation_id, list_organisation_invites.status,
      list_organisation_invites.search, list_organisation_invites.cursor, list_organisation_invites.page_size);
end
$function$;

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
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invite public.organisation_invites;
begin
  select v.* into v_invite from public.organisation_invites v where v.id = invite_view.invite_id;
  return v_invite;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_invites(organisation_id uuid, status text DEFAULT NULL::text, search text DEFAULT NULL::text, cursor uuid DEFAULT NULL::uuid, page_size integer DEFAULT 50)
 RETURNS SETOF public.organisation_invites
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_sort TO 'off'
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
  -- The first page comes after the end of time, so that every page is one range of the index.
  v_after.created_at := 'infinity';
  v_after.id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
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
      and (v.created_at, v.id) < (v_after.created_at, v_after.id)
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
  if v_invite.membership_ends_at <= now() then
    perform usher.fail('invalid_expiry', hint => 'The membership that it offers would be over: make another invite.');
  end if;

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
  set roles = v_roles, issue = i.issue + 1, bounced_at = null
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

CREATE VIEW "usher"."current_members" WITH (security_invoker=true) AS  SELECT id,
    organisation_id,
    user_id,
    kind,
    status,
        CASE
            WHEN (next_end_at <= statement_timestamp()) THEN usher.counting_roles(roles, ends_at, role_ends)
            ELSE roles
        END AS roles,
    email,
    display_name,
    joined_at,
    ended_at,
    status_reason,
    ends_at,
    role_ends,
    next_end_at,
    announced_end_at
   FROM public.organisation_members m
  WHERE ((status = 'active'::text) AND ((ends_at IS NULL) OR (ends_at > statement_timestamp())));

CREATE VIEW "usher"."access_register" WITH (security_invoker=true) AS  SELECT m.organisation_id,
    o.name AS organisation,
    m.user_id,
    m.email,
    m.display_name,
    m.kind,
    h.role,
    ARRAY( SELECT p.name
           FROM usher.permissions_of(m.organisation_id, ARRAY[h.role]) p(name)
          ORDER BY p.name) AS permissions,
    COALESCE(g.occurred_at, m.joined_at) AS since,
    g.event AS granted_through,
    g.granted_by,
    a.email AS granted_by_email,
    LEAST(m.ends_at, ((m.role_ends ->> h.role))::timestamp with time zone) AS until
   FROM ((((usher.current_members m
     JOIN public.organisations o ON ((o.id = m.organisation_id)))
     LEFT JOIN LATERAL unnest(m.roles) h(role) ON (true))
     LEFT JOIN LATERAL ( SELECT e.occurred_at,
            e.event,
            COALESCE(i.invited_by, e.actor_id) AS granted_by
           FROM (public.organisation_audit_events e
             LEFT JOIN usher.invites i ON ((i.id =
                CASE e.event
                    WHEN 'invite.accepted'::text THEN e.target_id
                    WHEN 'device.enrolled'::text THEN ((e.after ->> 'invite_id'::text))::uuid
                    ELSE NULL::uuid
                END)))
          WHERE ((e.organisation_id = m.organisation_id) AND
                CASE
                    WHEN (e.event = 'organisation.created'::text) THEN ((e.actor_id = m.user_id) AND (h.role = 'owner'::text))
                    WHEN (e.event = 'invite.accepted'::text) THEN (((e.after ->> 'user_id'::text) = (m.user_id)::text) AND ((e.after -> 'roles'::text) ? h.role))
                    WHEN ((e.event = 'organisation.transferred'::text) AND ((e.before ->> 'owner_id'::text) = (m.user_id)::text)) THEN (h.role = 'admin'::text)
                    WHEN (e.event = ANY (ARRAY['organisation.transferred'::text, 'member.roles_updated'::text, 'member.joined'::text, 'join.approved'::text, 'device.enrolled'::text])) THEN ((e.target_id = m.user_id) AND ((e.after -> 'roles'::text) ? h.role) AND (NOT COALESCE(((e.before -> 'roles'::text) ? h.role), false)))
                    ELSE false
                END)
          ORDER BY e.occurred_at DESC, e.id DESC
         LIMIT 1) g ON (true))
     LEFT JOIN public.organisation_members a ON (((a.organisation_id = m.organisation_id) AND (a.user_id = g.granted_by))));

CREATE VIEW "usher"."stuck" WITH (security_invoker=true) AS  SELECT ('deliveries '::text || s.problem) AS what,
    count(*) AS how_many,
    min(s.created_at) AS since,
    'select * from usher.stuck_deliveries'::text AS look_at
   FROM usher.stuck_deliveries s
  GROUP BY s.problem
UNION ALL
 SELECT 'invites that expire, not delivered'::text AS what,
    count(*) AS how_many,
    min(e.issued_at) AS since,
    'select * from usher.expiring_invites'::text AS look_at
   FROM usher.expiring_invites e
  WHERE (e.mail = ANY (ARRAY['queued'::text, 'sending'::text, 'failed'::text, 'suppressed'::text]))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'events that no worker sends to webhooks'::text AS what,
    count(*) AS how_many,
    min(d.created_at) AS since,
    'select * from public.organisation_webhook_deliveries where status in (''queued'', ''sending'')'::text AS look_at
   FROM public.organisation_webhook_deliveries d
  WHERE ((d.status = ANY (ARRAY['queued'::text, 'sending'::text])) AND (d.due_at < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'members that no worker tells applications of'::text AS what,
    count(*) AS how_many,
    min(c.due_at) AS since,
    'select * from public.organisation_directory_copies where status = ''waiting'''::text AS look_at
   FROM (public.organisation_directory_copies c
     JOIN public.organisation_directory_endpoints e ON ((e.id = c.endpoint_id)))
  WHERE ((c.status = 'waiting'::text) AND (c.due_at < (now() - '00:10:00'::interval)) AND e.is_enabled AND (e.last_error IS NULL) AND (COALESCE(e.last_success_at, e.created_at) < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'applications that no worker compares'::text AS what,
    count(*) AS how_many,
    min(e.reconcile_at) AS since,
    'select * from public.organisation_directory_endpoints where is_enabled order by reconcile_at'::text AS look_at
   FROM public.organisation_directory_endpoints e
  WHERE (e.is_enabled AND (e.last_error IS NULL) AND (e.reconcile_at < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'applications that do not answer'::text AS what,
    count(*) AS how_many,
    min(COALESCE(e.last_success_at, e.created_at)) AS since,
    'select * from public.organisation_directory_endpoints where is_enabled and last_error is not null'::text AS look_at
   FROM public.organisation_directory_endpoints e
  WHERE (e.is_enabled AND (e.last_error IS NOT NULL) AND (COALESCE(e.last_success_at, e.created_at) < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'events not sealed'::text AS what,
    (sum(u.events))::bigint AS how_many,
    min(u.oldest_at) AS since,
    'select * from usher.unsealed_trails'::text AS look_at
   FROM usher.unsealed_trails u
  WHERE u.is_late
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'signing key is old'::text AS what,
    count(*) AS how_many,
    min(k.created_at) AS since,
    'select usher.rotate_signing_key()'::text AS look_at
   FROM usher.signing_key_states k
  WHERE k.is_due
 HAVING (count(*) > 0);

CREATE INDEX organisation_access_review_items_open ON public.organisation_access_review_items USING btree (organisation_id, user_id) WHERE (decision IS NULL);

CREATE INDEX organisation_access_review_items_organisation_id ON public.organisation_access_review_items USING btree (organisation_id);

CREATE INDEX organisation_access_reviews_newest ON public.organisation_access_reviews USING btree (organisation_id, started_at DESC, id DESC);

CREATE INDEX organisation_access_reviews_open ON public.organisation_access_reviews USING btree (due_at) WHERE (status = 'open'::text);

CREATE INDEX organisation_directory_copies_due ON public.organisation_directory_copies USING btree (endpoint_id, due_at) WHERE (status = 'waiting'::text);

CREATE INDEX organisation_directory_copies_member_id ON public.organisation_directory_copies USING btree (member_id);

CREATE INDEX organisation_directory_copies_organisation_id ON public.organisation_directory_copies USING btree (organisation_id);

CREATE INDEX organisation_directory_endpoints_due ON public.organisation_directory_endpoints USING btree (reconcile_at) WHERE is_enabled;

CREATE INDEX organisation_directory_endpoints_organisation_id ON public.organisation_directory_endpoints USING btree (organisation_id);

CREATE INDEX organisation_directory_tokens_organisation_id ON public.organisation_directory_tokens USING btree (organisation_id, created_at DESC);

CREATE INDEX organisation_members_next_end_at ON public.organisation_members USING btree (next_end_at) WHERE ((next_end_at IS NOT NULL) AND (status = 'active'::text));

CREATE INDEX organisation_webhook_deliveries_answers ON public.organisation_webhook_deliveries USING btree (created_at) WHERE (last_response IS NOT NULL);

CREATE INDEX organisation_webhook_deliveries_newest ON public.organisation_webhook_deliveries USING btree (organisation_id, created_at DESC, id DESC);

CREATE INDEX organisation_webhook_deliveries_open ON public.organisation_webhook_deliveries USING btree (webhook_id, due_at) WHERE (status = ANY (ARRAY['queued'::text, 'sending'::text]));

CREATE INDEX organisation_webhooks_organisation_id ON public.organisation_webhooks USING btree (organisation_id, created_at, id);

CREATE INDEX directory_groups_role_id ON usher.directory_groups USING btree (role_id);

CREATE UNIQUE INDEX directory_users_email ON usher.directory_users USING btree (organisation_id, email);

CREATE INDEX directory_users_external_id ON usher.directory_users USING btree (organisation_id, external_id);

CREATE INDEX directory_users_invite_id ON usher.directory_users USING btree (invite_id);

CREATE UNIQUE INDEX directory_users_user_name ON usher.directory_users USING btree (organisation_id, lower(user_name));

CREATE UNIQUE INDEX webhook_secrets_one_stays ON usher.webhook_secrets USING btree (webhook_id) WHERE (expires_at IS NULL);

CREATE INDEX webhook_secrets_webhook_id ON usher.webhook_secrets USING btree (webhook_id);

CREATE TRIGGER usher_tell_webhooks AFTER INSERT ON public.organisation_audit_events REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION usher.tg_organisation_audit_events__tell_webhooks();

CREATE TRIGGER usher_follow_ends BEFORE INSERT OR UPDATE OF roles, ends_at, role_ends ON public.organisation_members FOR EACH ROW WHEN (((new.ends_at IS NOT NULL) OR (new.role_ends <> '{}'::jsonb) OR (new.next_end_at IS NOT NULL))) EXECUTE FUNCTION usher.tg_organisation_members__follow_ends();

CREATE TRIGGER usher_join_directory AFTER INSERT ON public.organisation_members FOR EACH ROW WHEN (((new.kind = 'user'::text) AND (new.status = 'active'::text))) EXECUTE FUNCTION usher.tg_organisation_members__join_directory();

CREATE TRIGGER usher_lapse_review_items_of_deleted AFTER DELETE ON public.organisation_members FOR EACH ROW EXECUTE FUNCTION usher.tg_organisation_members__lapse_review_items();

CREATE TRIGGER usher_lapse_review_items AFTER UPDATE OF roles, status ON public.organisation_members FOR EACH ROW WHEN (((old.roles IS DISTINCT FROM new.roles) OR (old.status <> new.status))) EXECUTE FUNCTION usher.tg_organisation_members__lapse_review_items();

CREATE TRIGGER usher_lose_directory_roles AFTER UPDATE OF roles ON public.organisation_members FOR EACH ROW WHEN (((old.status = 'active'::text) AND (new.status = 'active'::text) AND (NOT (old.roles <@ new.roles)) AND (NOT ('owner'::text = ANY (new.roles))))) EXECUTE FUNCTION usher.tg_organisation_members__lose_directory_roles();

CREATE TRIGGER usher_mark_changed_copies AFTER UPDATE OF status, roles, email, display_name, kind ON public.organisation_members FOR EACH ROW WHEN (((old.status <> new.status) OR (old.roles <> new.roles) OR (old.kind <> new.kind) OR (old.email IS DISTINCT FROM new.email) OR (old.display_name IS DISTINCT FROM new.display_name))) EXECUTE FUNCTION usher.tg_organisation_members__mark_copies();

CREATE TRIGGER usher_mark_copies AFTER INSERT OR DELETE ON public.organisation_members FOR EACH ROW EXECUTE FUNCTION usher.tg_organisation_members__mark_copies();

CREATE TRIGGER usher_rejoin_directory AFTER UPDATE OF status ON public.organisation_members FOR EACH ROW WHEN (((new.kind = 'user'::text) AND (new.status = 'active'::text) AND (old.status <> 'active'::text))) EXECUTE FUNCTION usher.tg_organisation_members__join_directory();

CREATE TRIGGER usher_forget AFTER DELETE ON usher.directory_endpoint_tokens FOR EACH ROW WHEN ((old.vault_secret_id IS NOT NULL)) EXECUTE FUNCTION usher.tg_directory_endpoint_tokens__forget();

CREATE TRIGGER usher_leave_vault AFTER DELETE ON usher.webhook_secrets FOR EACH ROW EXECUTE FUNCTION usher.tg_webhook_secrets__leave_vault();

CREATE POLICY "organisation_access_review_items_select" ON "public"."organisation_access_review_items" FOR SELECT TO "authenticated" USING (((organisation_id IN ( SELECT usher.organisations_where('access_review.manage'::text) AS organisations_where)) OR (organisation_id IN ( SELECT usher.organisations_where('audit.read'::text) AS organisations_where))));

CREATE POLICY "organisation_access_reviews_select" ON "public"."organisation_access_reviews" FOR SELECT TO "authenticated" USING (((organisation_id IN ( SELECT usher.organisations_where('access_review.manage'::text) AS organisations_where)) OR (organisation_id IN ( SELECT usher.organisations_where('audit.read'::text) AS organisations_where))));

CREATE POLICY "organisation_directory_copies_select" ON "public"."organisation_directory_copies" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('directory.manage'::text) AS organisations_where)));

CREATE POLICY "organisation_directory_endpoints_select" ON "public"."organisation_directory_endpoints" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('directory.manage'::text) AS organisations_where)));

CREATE POLICY "organisation_directory_tokens_select" ON "public"."organisation_directory_tokens" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('directory.manage'::text) AS organisations_where)));

CREATE POLICY "organisation_sign_in_rules_select" ON "public"."organisation_sign_in_rules" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('organisation.read'::text) AS organisations_where)));

CREATE POLICY "organisation_webhook_deliveries_select" ON "public"."organisation_webhook_deliveries" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('webhook.manage'::text) AS organisations_where)));

CREATE POLICY "organisation_webhooks_select" ON "public"."organisation_webhooks" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('webhook.manage'::text) AS organisations_where)));

CREATE POLICY "directory_endpoint_tokens_nobody" ON "usher"."directory_endpoint_tokens" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "directory_group_copies_nobody" ON "usher"."directory_group_copies" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "directory_groups_nobody" ON "usher"."directory_groups" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "directory_token_hashes_nobody" ON "usher"."directory_token_hashes" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "directory_users_nobody" ON "usher"."directory_users" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "one_clicks_nobody" ON "usher"."one_clicks" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "webhook_secrets_nobody" ON "usher"."webhook_secrets" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_access_review_items"."decision" IS 'confirmed; withdrawn: the reviewer took the role away; lapsed: it went before anybody answered; null: open.';

COMMENT ON COLUMN "public"."organisation_access_review_items"."granted_by" IS 'Who gave it to them; null where the trail does not say.';

COMMENT ON COLUMN "public"."organisation_access_review_items"."user_id" IS 'Who held the role when the review started; no foreign key, because it outlives the account.';

COMMENT ON COLUMN "public"."organisation_access_reviews"."due_at" IS 'By when it should be done; a later answer counts as well.';

COMMENT ON COLUMN "public"."organisation_access_reviews"."ended_at" IS 'When the last right was answered, or when it was closed by hand.';

COMMENT ON COLUMN "public"."organisation_access_reviews"."reminded_at" IS 'When reviewers were told that it is overdue; once.';

COMMENT ON COLUMN "public"."organisation_access_reviews"."started_by" IS 'Who started it; no foreign key, because it outlives the account. Null: an operator.';

COMMENT ON COLUMN "public"."organisation_audit_events"."actor_kind" IS 'user, device; invitee: the holder of a link, without a session; directory: an identity provider, with the
rights of actor_id, who made its token; worker; operator: by SQL.';

COMMENT ON COLUMN "public"."organisation_directory_copies"."change" IS 'Goes up with each mark.';

COMMENT ON COLUMN "public"."organisation_directory_copies"."fence" IS 'Goes up with each lease; older holders are refused.';

COMMENT ON COLUMN "public"."organisation_directory_copies"."member_id" IS 'No foreign key: whoever is gone here has still to be gone there.';

COMMENT ON COLUMN "public"."organisation_directory_copies"."remote_id" IS 'The id of the User there; null: none is known.';

COMMENT ON COLUMN "public"."organisation_directory_copies"."roles" IS 'In whose Groups they are there, as far as is known.';

COMMENT ON COLUMN "public"."organisation_directory_endpoints"."drift" IS 'How many members were found to be other than they should, the last time that it was compared.';

COMMENT ON COLUMN "public"."organisation_directory_endpoints"."features" IS 'What its /ServiceProviderConfig says: {"patch": true, "filter": true}, and whether it has groups; null:
not asked yet.';

COMMENT ON COLUMN "public"."organisation_directory_endpoints"."fence" IS 'Goes up with each lease; older holders are refused.';

COMMENT ON COLUMN "public"."organisation_directory_endpoints"."reconcile_at" IS 'When it is compared as a whole the next time: once a day, or as soon as somebody asks for it.';

COMMENT ON COLUMN "public"."organisation_directory_endpoints"."retry_at" IS 'Nothing is sent there before this time, because it did not answer; null: nothing is wrong with it.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."created_by" IS 'Whose rights it carries; no foreign key, because it outlives the account.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."expires_at" IS 'Null: it does not end by itself.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."last_used_at" IS 'To the minute; null: never.';

COMMENT ON COLUMN "public"."organisation_members"."announced_end_at" IS 'Which next_end_at the member was told of beforehand.';

COMMENT ON COLUMN "public"."organisation_members"."ends_at" IS 'When the membership stops counting; null: it has no end. See 19_temporary_access.sql.';

COMMENT ON COLUMN "public"."organisation_members"."next_end_at" IS 'The first of all these ends. Kept by a trigger, so that whoever has none pays for one comparison only.';

COMMENT ON COLUMN "public"."organisation_members"."role_ends" IS 'When roles stop counting: names of roles to times in ISO 8601. A role that is not among them has no end.';

COMMENT ON COLUMN "public"."organisation_sign_in_rules"."domain" IS 'In place of provider: the SAML provider that the project has for this mail domain.';

COMMENT ON COLUMN "public"."organisation_sign_in_rules"."for_members" IS 'Whether members, too, need such a session for what they do; the owner and devices do not.';

COMMENT ON COLUMN "public"."organisation_sign_in_rules"."level" IS 'The assurance level that Auth itself vouches for; aal2: with a second factor.';

COMMENT ON COLUMN "public"."organisation_sign_in_rules"."max_age" IS 'How long ago they signed in at most, 1 minute to 30 days; null: as long as the session lives.';

COMMENT ON COLUMN "public"."organisation_sign_in_rules"."methods" IS 'One of these has to be among the session''s methods (amr), such as totp; empty: any.';

COMMENT ON COLUMN "public"."organisation_sign_in_rules"."provider" IS 'As Supabase Auth names it: sso:<id> for SAML, keycloak or custom:<name> for OIDC; null: any, or by domain.';

COMMENT ON COLUMN "public"."organisation_webhook_deliveries"."due_at" IS 'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';

COMMENT ON COLUMN "public"."organisation_webhook_deliveries"."event_id" IS 'The line of the audit trail that is sent; the webhook-id is made of it.';

COMMENT ON COLUMN "public"."organisation_webhook_deliveries"."fence" IS 'Goes up with each lease; older holders are refused.';

COMMENT ON COLUMN "public"."organisation_webhook_deliveries"."last_response" IS 'What the endpoint answered the last time, or why there was no answer; null once its days are over.';

COMMENT ON COLUMN "public"."organisation_webhook_deliveries"."tries" IS 'The last 20 tries: [{"at", "status_code" (null: no answer), "milliseconds"}].';

COMMENT ON COLUMN "public"."organisation_webhooks"."disabled_reason" IS 'by_hand; failing: for days nothing was taken; gone: it answered 410.';

COMMENT ON COLUMN "public"."organisation_webhooks"."events" IS 'Which types of usher.webhook_event_types() it hears; null: all of them, those to come as well.';

COMMENT ON COLUMN "public"."organisation_webhooks"."failing_since" IS 'The first try that failed since the last one that was taken; null while all is well.';

COMMENT ON COLUMN "usher"."directory_endpoint_tokens"."token" IS 'Only where the project has no Vault.';

COMMENT ON COLUMN "usher"."directory_endpoint_tokens"."vault_secret_id" IS 'Where it lies in vault.secrets.';

COMMENT ON COLUMN "usher"."directory_groups"."is_made" IS 'Whether the directory made the role.';

COMMENT ON COLUMN "usher"."directory_users"."attributes" IS 'What else it says of them, to be given back to it; decides nothing. At most 16 kB.';

COMMENT ON COLUMN "usher"."directory_users"."id" IS 'The id by SCIM: of a member whom the directory took over, that of the membership.';

COMMENT ON COLUMN "usher"."directory_users"."is_active" IS 'What the directory said last.';

COMMENT ON COLUMN "usher"."directory_users"."roles" IS 'What its groups give: held once they are a member, and again when they come back.';

COMMENT ON COLUMN "usher"."invite_tokens"."is_mailed" IS 'Whether it went out in a mail, to be seen by whoever reads the mailbox; false: shown to somebody else.';

COMMENT ON COLUMN "usher"."one_clicks"."ended_at" IS 'When it came out well or not; null: under way, or never heard of again.';

COMMENT ON COLUMN "usher"."one_clicks"."user_id" IS 'The account whose code was handed out; null: none was.';

COMMENT ON COLUMN "usher"."settings"."access_end_notice" IS 'How long before a membership or a role ends its member is told; 0: not at all.';

COMMENT ON COLUMN "usher"."settings"."allow_private_targets" IS 'Whether organisations may name private addresses, and http, to be called at. The worker calls those that
its own USHER_ALLOW_PRIVATE_TARGETS names, and no others.';

COMMENT ON COLUMN "usher"."settings"."one_click" IS 'Who may register by one click, without a second mail. new_addresses: addresses that nobody has an account with;
off: nobody. It takes functions/one-click and Supabase Auth''s admin API.';

COMMENT ON COLUMN "usher"."settings"."one_click_within" IS 'How long after its mail a link registers by one click: 1 minute to 24 hours.';

COMMENT ON COLUMN "usher"."settings"."webhook_answers_kept_for" IS 'How long the log keeps what endpoints answered.';

COMMENT ON COLUMN "usher"."settings"."webhook_failing_for" IS 'A webhook that has taken nothing for so long is switched off. Longer than the ten tries of one event take.';

COMMENT ON COLUMN "usher"."webhook_secrets"."secret" IS '32 bytes, only where the project has no Vault.';

COMMENT ON COLUMN "usher"."webhook_secrets"."vault_secret_id" IS 'Where it lies in vault.secrets, as whsec_….';

COMMENT ON FUNCTION "public"."accept_my_organisation_invite"(uuid) IS 'Accepts one of list_my_organisation_invites without the link.

Only where usher.settings.auth_confirms_addresses says that the project''s Auth confirms addresses by mail:
otherwise anyone could register the address and take the invite, and it fails with permission_denied; so it does
for single sign-on by a provider that the project does not have for the domain of the address.
Fails with invite_not_found, and as accept_organisation_invite does.';

COMMENT ON FUNCTION "public"."accept_organisation_invite"(text) IS 'Accepts an invite: the caller becomes a member with the invite''s roles, in one transaction.

  token  as the mailed link carries it

Returns the membership. Anyone signed in whose confirmed address is the invited one may. Fails with
unauthenticated, invite_invalid, invite_superseded, invite_already_accepted, invite_declined,
invite_revoked, invite_expired, invite_wrong_email, email_unverified, invalid_role (a role is gone),
domain_not_allowed, sso_required, seat_limit_reached, already_member, member_banned; the invite then stays as it was.';

COMMENT ON FUNCTION "public"."answer_organisation_access_review"(uuid, jsonb) IS 'Confirms or withdraws rights that a review asks about: all of these answers count, or none does. Whoever loses a
role gets a mail; the last answer completes the review.

  answers  1 to 1,000 of {"item_id", "decision", "reason"}: decision is confirm or withdraw; reason is at most
           500 characters, and has to be there to withdraw

Returns the review. Needs access_review.manage, and to withdraw, what update_organisation_member_roles needs. Nobody
answers for their own rights unless nobody else holds access_review.manage. Fails with unauthenticated,
access_review_not_found, permission_denied, access_review_not_open (also for a right that has been answered; details holds
its id), invalid_settings, invalid_message, owner_required (the owner''s right can only be confirmed).';

COMMENT ON FUNCTION "public"."approve_organisation_join_request"(uuid, text[]) IS 'Lets somebody in who asked to join.

  roles  what they join with; without it, the role of their domain

Returns the membership. Needs invite.create, and the right to give the roles. Fails with unauthenticated,
invite_not_found, permission_denied, invite_not_pending, invalid_role, role_not_assignable,
sso_required (they asked before the organisation asked for another way in), seat_limit_reached, already_member,
member_banned.';

COMMENT ON FUNCTION "public"."close_organisation_access_review"(uuid, text) IS 'Ends a review by hand. Answers that were given stand; rights that nobody answered stay as they are, and the
review says so for good.

  reason  at most 500 characters

Returns the review. Needs access_review.manage. Fails with unauthenticated, access_review_not_found, permission_denied,
access_review_not_open, invalid_message.';

COMMENT ON FUNCTION "public"."create_organisation_directory_endpoint"(uuid, text, text, text) IS 'Tells another application, by SCIM 2.0, who is a member and with which roles: from now on, and at first for all.

  name   of the application, one line of at most 100 characters
  url    its SCIM base URL, https, such as https://app.example.com/scim/v2
  token  the bearer token that it gave out; nobody can read it back

Returns the endpoint. Needs directory.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) IS 'Makes a token with which an identity provider keeps the people and roles of the organisation by SCIM 2.0. It
carries the rights of the caller, asked anew with each request.

  name        what it is for, one line of at most 100 characters, such as Okta
  expires_in  1 hour to 10 years; without it, it does not end by itself

Returns the token, which is shown this once. Needs directory.manage. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings, invalid_expiry.';

COMMENT ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid, timestamp with time zone) IS 'Invites an address to an organisation, with exactly these roles; the mail goes out at once.

  email        one address; case and spaces around it do not matter
  roles        1 to 20 names of roles; never owner, which is transferred
  expires_in   1 hour to 30 days; without it, the organisation''s invite_ttl (7 days)
  message      to the invitee: plain text of at most 1,000 characters
  locale       language of the mail and the page, such as de-AT; without it, the organisation''s
  redirect_to  where to go after accepting: a path, or an address of an allowed origin
  metadata     an object of at most 8 kB for the application''s own use
  template_id  a template of the kind invite; without it, the organisation''s default, or the built-in one
  membership_ends_at  until when the membership counts, more than an hour from now; without it, it has no end

Returns the invite, never the token. Needs invite.create, and the right to give each of the roles. Fails
with unauthenticated, organisation_not_found, permission_denied, role_not_assignable, domain_not_allowed,
member_banned, already_member, already_invited (details: the id of the open invite), seat_limit_reached,
invalid_email, invalid_role, invalid_expiry, invalid_message, invalid_redirect, invalid_settings,
rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) IS 'Invites up to 10,000 addresses in one call; good rows are not lost to bad ones.

  invites  an array of objects with the parameters of create_organisation_invite: email and roles, and
           where wanted expires_in, message, locale, redirect_to, metadata, template_id, membership_ends_at

Returns a row for each row given, in order: row_number (from 1), email, status (created or failed),
invite_id, error_code, error_details (for already_invited: the id of the invite in the way). Needs
invite.create. Fails as a whole with unauthenticated, organisation_not_found, permission_denied,
batch_too_large, seat_limit_reached, invalid_settings, rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_webhook"(uuid, text, text[], text) IS 'Lets an endpoint hear what happens in an organisation, by Standard Webhooks. At most 20 of an organisation.

  url          where to POST: https, on the public internet, at most 2,000 characters
  events       which types, such as member.joined; without it, all
  description  what it is for: one line of at most 200 characters

Returns its id, and its secret, shown this once. Needs webhook.manage. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."delete_organisation_directory_endpoint"(uuid) IS 'Tells an application of nothing any more, and forgets its token; what it has stays there as it is. Needs
directory.manage. Fails with unauthenticated, directory_not_found, permission_denied.';

COMMENT ON FUNCTION "public"."delete_organisation_email_template"(uuid) IS 'Deletes a template; invites that name it are mailed by the default from now on. Needs organisation.update.
Fails with unauthenticated, organisation_not_found (no such template), permission_denied.';

COMMENT ON FUNCTION "public"."delete_organisation_webhook"(uuid) IS 'Deletes an endpoint, its secrets and its log. Needs webhook.manage. Fails with unauthenticated,
webhook_not_found, permission_denied.';

COMMENT ON FUNCTION "public"."expire_organisation_invite"(uuid) IS 'Lets a pending invite expire now. Unlike a revoked one, it can be sent again.

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found,
permission_denied, invite_not_pending.';

COMMENT ON FUNCTION "public"."export_organisation_evidence"(uuid, timestamp with time zone, timestamp with time zone) IS 'The registers for an auditor, all of one moment, and the seals of the trail; its events come from
list_organisation_evidence_events. The export is itself recorded, and the trail is sealed by it.

  since, until  the period: from the first on, before the second; until is at most now

Returns organisation, since, until, collected_at, trail (first_seal, last_seal, head_seal, seals) and tables: rights,
changes, invites, roles, reviews, review_items, exclusions, duty_findings, signing_keys, deliveries,
delivery_counts, people. Addresses of members are null without member.read, those of invites and mails without
invite.read. Needs audit.read. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings.';

COMMENT ON FUNCTION "public"."join_organisation"(uuid) IS 'Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested: where the organisation wants to be asked, for whoever was removed, had access with an
end or is turned off by a directory, and when asked before. Fails with unauthenticated, organisation_not_found
(also where the caller''s address does not open it), sso_required, already_member, member_banned,
seat_limit_reached, invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) IS 'The roles that the caller may give, built-in ones first, by name: what a page offers to those who may invite or
change members. Two of them together may still be refused, where they may not be held together. Any member
may. Fails with unauthenticated, organisation_not_found.';

COMMENT ON FUNCTION "public"."list_my_organisation_invites"() IS 'The pending invites to the caller''s own address, newest first.

Empty until the address is confirmed; and for single sign-on by a provider that the project does not have for the
domain of the address: then the mailed link is the way. Anyone signed in may.';

COMMENT ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) IS 'The sealed events of the trail, oldest seal first, a page at a time. What is sealed never changes, so that pages
fetched one after the other fit together.

  last_seal                   up to this seal, events come with what they say; later ones with their hashes only
  after_seal, after_position  those of the last event of the page before; at first, first_seal of
                              export_organisation_evidence and 0
  page_size                   1 to 5,000

Returns events; fewer than page_size means that there are no more. event and personal are the very texts whose
SHA-256 (of personal with the salt before it) are event_hash and personal_hash; both are null for an event whose
time was over, the salt for one that was erased. Needs audit.read. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) IS 'The invites of an organisation, newest first, a page at a time.

  status     only those that are pending, accepted, declined, revoked or expired
  search     only those whose address, or device''s name, holds this text, in any case
  cursor     the id of the last invite of the page before; without it, the first page
  page_size  1 to 500

Returns invites; fewer than page_size means that there are no more. Needs invite.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invite_not_found (a cursor
that is not this organisation''s).';

COMMENT ON FUNCTION "public"."reconcile_organisation_directory_endpoint"(uuid) IS 'Has an endpoint compared as a whole now, and put right what differs, as happens by itself once a day. It is done
when reconciled_at is later than now; drift then says how much there was.

Returns the endpoint. Needs directory.manage. Fails with unauthenticated, directory_not_found,
permission_denied, invalid_settings (it is turned off).';

COMMENT ON FUNCTION "public"."replay_organisation_webhook_deliveries"(uuid, uuid, timestamp with time zone) IS 'Sends again what an endpoint has missed, from the first try on and under the same webhook-id. Either, or:

  delivery_id  this one, also if it was taken before
  since        all that failed since then, and all that happened since then and was never put on its way,
               because the endpoint was switched off or had not chosen it; of these at most 10,000 in a call

Returns how many go out; 0 when the one is on its way already. Needs webhook.manage. Fails with
unauthenticated, webhook_not_found (also for a delivery that is not the endpoint''s), permission_denied,
webhook_disabled, invalid_settings, rate_limited.';

COMMENT ON FUNCTION "public"."resend_organisation_invite"(uuid) IS 'Sends an invite again: a new mail with a new link, the old links die, and its time starts anew.

  invite_id  an invite that is pending or has expired

Returns the invite. Needs invite.resend, and the right to give its roles. Fails with unauthenticated,
invite_not_found, permission_denied, invite_not_pending, role_not_assignable, invalid_role,
domain_not_allowed, already_member, member_banned, already_invited, invalid_expiry (the membership that it
offers would be over), rate_limited (with Retry-After).';

COMMENT ON FUNCTION "public"."revoke_organisation_directory_token"(uuid) IS 'Ends a token of a directory at once and for good; whom it brought in stays. Twice does no harm.

Returns the token, without its secret. Needs directory.manage. Fails with unauthenticated,
directory_not_found, permission_denied.';

COMMENT ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) IS 'Withdraws a pending invite for good; its link stops working at once.

  invite_id  the invite
  reason     at most 500 characters; for the audit trail, never shown to the invitee

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found (also for another
tenant''s), permission_denied, invite_not_pending, invalid_message.';

COMMENT ON FUNCTION "public"."rotate_organisation_webhook_secret"(uuid, interval) IS 'Makes a new secret for an endpoint. Older ones sign beside it for a while, so that receivers can change over
without missing an event. At most ten times a day.

  keep_old_for  how long older ones go on signing: 0, for one that has become known, to 7 days; without it,
                1 day. Also ends those of an earlier rotation that would have gone on longer

Returns the secret, shown this once. Needs webhook.manage. Fails with unauthenticated, webhook_not_found,
permission_denied, invalid_settings, rate_limited.';

COMMENT ON FUNCTION "public"."start_organisation_access_review"(uuid, text, timestamp with time zone) IS 'Starts a review: each role of each active member, as it is now, is to be confirmed or withdrawn. Whoever holds
access_review.manage gets a mail.

  title   one line of at most 100 characters, such as "Third quarter"
  due_at  by when it should be done; in the future, by a year at most

Returns the review; what it asks about is in organisation_access_review_items. Needs access_review.manage. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."test_organisation_webhook"(uuid) IS 'Sends an event of type webhook.tested to this one endpoint, whatever it has chosen. At most 60 an hour.

Returns the delivery, whose status tells what became of it. Needs webhook.manage. Fails with unauthenticated,
webhook_not_found, permission_denied, webhook_disabled, rate_limited.';

COMMENT ON FUNCTION "public"."update_organisation_directory_endpoint"(uuid, jsonb) IS 'Changes an endpoint, and tries it again at once if it had failed.

  changes  an object with any of name, url, token (as in create_organisation_directory_endpoint) and
           is_enabled; what is left out stays. A new url needs its token, and starts from nothing: that is
           another application

Returns the endpoint. Needs directory.manage. Fails with unauthenticated, directory_not_found,
permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) IS 'Changes what a pending invite offers. The roles are signed into the link, so a new mail goes out, and the old
links die; the time that is left stays.

  roles  as in create_organisation_invite

Returns the invite. Needs invite.create, and the right to give the old roles and the new. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, invalid_role,
role_not_assignable.';

COMMENT ON FUNCTION "public"."update_organisation_member_ends"(uuid, uuid, timestamp with time zone, jsonb) IS 'Says until when a membership counts, and each of its roles; what was said before is forgotten.

  ends_at    when the membership ends; null: it has no end
  role_ends  an object of roles that the member holds and their ends, in ISO 8601 with an offset, such as
             {"finance": "2027-03-31T18:00:00Z"}; a role that it does not name has no end of its own

At that second it stops counting; within a minute it is written down as removed, and the member gets a mail,
as some days before. Returns the membership. Needs member.update, at least the permissions that the member
holds, and the right to give every role that would count for longer, which nobody gives themselves. Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found, owner_required, invalid_role, invalid_expiry,
invalid_settings, role_not_assignable.';

COMMENT ON FUNCTION "public"."update_organisation_sign_in_rule"(uuid, jsonb) IS 'Says which way people have to come in to become members; what is left out stays, null takes it back.

  changes  an object with any of
    provider     as Supabase Auth names it: sso:<id> (SAML), keycloak, custom:<name> (OIDC)
    domain       in its place: the SAML provider that the project has for this mail domain
    level        aal1, or aal2: with a second factor of Supabase Auth''s own
    methods      one of these has to be among the session''s methods (amr), such as ["totp"]
    max_age      how long ago they signed in at most: 1 minute to 30 days
    for_members  whether members, too, need such a session for what they do; not the owner, and no device.
                 Only a caller whose own session is such a one may turn it on

Returns the rule; one that asks nothing is taken away. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings, sso_required (for_members).';

COMMENT ON FUNCTION "public"."update_organisation_webhook"(uuid, jsonb) IS 'Changes an endpoint; what is left out stays.

  changes  any of url, events (null: all), description, is_enabled, such as {"is_enabled": false}. What waits
           for an endpoint that is switched off fails; replay_organisation_webhook_deliveries brings it, and
           what happened meanwhile, once it is on again

Returns the endpoint. Needs webhook.manage. Fails with unauthenticated, webhook_not_found, permission_denied,
invalid_settings.';

COMMENT ON FUNCTION "public"."validate_organisation_invite"(text) IS 'What an invitee may see before deciding: who invites to what, as what, until when.

  token  as the mailed link carries it

Never raises for a bad token and never changes anything. status is pending, accepted, declined, revoked,
expired, superseded (a newer mail was sent) or invalid; reason is the error code that accepting would give,
null while it is pending. membership_ends_at says until when the membership would count; null: without an
end. has_account says whether to offer signing in or registering; sign_in_provider, sign_in_domain and
sign_in_level say which way in the organisation asks for, as its sign-in rule has it; one_click says whether
functions/one-click takes this link. A link that is
spent shows the organisation only; one that is not ours, nothing. Anyone may.';

COMMENT ON FUNCTION "usher"."access_changes"(uuid) IS 'Every role that was given or taken away in an organisation, as the trail tells it, in no order. Whoever invited
somebody has given the roles; the message of the invite is why.';

COMMENT ON FUNCTION "usher"."access_rights"(uuid) IS 'Who holds which role, and who held it: a row for each stretch of time, in no order.

  is_held       now
  is_explained  false: it came or went in a way that the trail does not tell; then granted_at is the day of
                joining, and ended_at null where nobody knows
  ends_at       when it will end by itself, for access that is temporary';

COMMENT ON FUNCTION "usher"."add_member"(uuid, uuid, text[], timestamp with time zone, text) IS 'Makes someone an active member with exactly these roles, until ends_at if it says so, or brings back who had
left or was removed.

Fails with already_member, member_banned, and unauthenticated when the account is gone.';

COMMENT ON FUNCTION "usher"."add_webhook_secret"(public.organisation_webhooks) IS 'Makes a secret for an endpoint, in Vault where the project has one; answers it, as nothing else ever will.';

COMMENT ON FUNCTION "usher"."admit_directory_user"(usher.directory_users) IS 'Makes a User a member with the roles of their groups, or invites them as a member: the roles of groups come on
joining, as they are then. Fails with role_not_assignable, invalid_role, domain_not_allowed, member_banned,
already_member, seat_limit_reached, permission_denied, rate_limited.';

COMMENT ON FUNCTION "usher"."amr_entries"(jsonb) IS 'How the session of a token has signed in, and when, as its amr claim says.';

COMMENT ON FUNCTION "usher"."announce_ending_access"(integer) IS 'Tells members, once for each end, what of their access will end within usher.settings.access_end_notice. For
workers, every minute. Returns how many.';

COMMENT ON FUNCTION "usher"."answer_access_review"(uuid, jsonb) IS 'The rule behind public.answer_organisation_access_review.';

COMMENT ON FUNCTION "usher"."answer_review_item"(public.organisation_access_review_items, text, text) IS 'Writes down the answer to one item, whose member and review its caller has locked, and carries it out. Fails with
invalid_message, access_review_not_open (answered before), permission_denied (one''s own right), and as
usher.update_member_roles does.';

COMMENT ON FUNCTION "usher"."clean_events"(text[]) IS 'Sorted, each once; null stays null, and means all.';

COMMENT ON FUNCTION "usher"."close_access_review"(uuid, text) IS 'The rule behind public.close_organisation_access_review.';

COMMENT ON FUNCTION "usher"."collect_evidence"(uuid, timestamp with time zone, timestamp with time zone, boolean, boolean) IS 'All of a package of evidence but the events themselves, whoever asks. For operators, and for
usher.export_evidence. Fails with organisation_not_found, invalid_settings.

  since, until  the period: from the first on, before the second; until is at most now';

COMMENT ON FUNCTION "usher"."collect_evidence_events"(uuid, integer, integer, integer, integer) IS 'A page of the events of a package of evidence, whoever asks. For operators, and for usher.list_evidence_events.';

COMMENT ON FUNCTION "usher"."complete_access_review"(uuid) IS 'Ends a review, which its caller has locked, once nothing in it is open any more.';

COMMENT ON FUNCTION "usher"."complete_directory_change"(uuid, uuid, bigint, bigint, text, text[], text) IS 'Writes down that a copy is as prepare_directory_change said. For workers.

  change     as prepared: what was marked meanwhile stays marked
  remote_id  the User there; null: none
  roles      in whose Groups they are there
  error      what was refused for good nevertheless, such as one of the Groups

False when another worker has taken over.';

COMMENT ON FUNCTION "usher"."counting_roles"(text[], timestamp with time zone, jsonb) IS 'Those of a member''s roles whose end has not come yet.';

COMMENT ON FUNCTION "usher"."create_directory_endpoint"(uuid, text, text, text) IS 'The rule behind public.create_organisation_directory_endpoint.';

COMMENT ON FUNCTION "usher"."create_directory_token"(uuid, text, interval) IS 'The rule behind public.create_organisation_directory_token.';

COMMENT ON FUNCTION "usher"."create_invite"(uuid, jsonb) IS 'One invite by the rule of usher.create_invites; a refusal is raised.';

COMMENT ON FUNCTION "usher"."create_webhook"(uuid, text, text[], text) IS 'The rule behind public.create_organisation_webhook.';

COMMENT ON FUNCTION "usher"."delete_directory_endpoint"(uuid) IS 'The rule behind public.delete_organisation_directory_endpoint.';

COMMENT ON FUNCTION "usher"."delete_directory_group"(text, uuid) IS 'Takes the role of a Group from everyone and deletes it. For the SCIM function. Fails with
directory_token_invalid, directory_not_found, permission_denied (a role that the directory did not make),
role_in_use.';

COMMENT ON FUNCTION "usher"."delete_directory_user"(text, uuid) IS 'Removes a User at once and forgets what the directory said of them; the membership''s history stays. For the SCIM
function. Fails with directory_token_invalid, directory_not_found, owner_required, permission_denied.';

COMMENT ON FUNCTION "usher"."delete_webhook"(uuid) IS 'The rule behind public.delete_organisation_webhook.';

COMMENT ON FUNCTION "usher"."directory_account"(usher.directory_users) IS 'The account that is certainly this User''s, so that no invite is needed; null when that is not known. Certain
is who was a member before and was removed, and who has confirmed an address of a domain that the
organisation has verified. Who left by themselves, or comes for the first time, is asked by an invite.';

COMMENT ON FUNCTION "usher"."directory_endpoint_for_change"(uuid) IS 'An endpoint, locked until the end of the transaction. Fails with unauthenticated, directory_not_found (also
for another tenant''s), permission_denied.';

COMMENT ON FUNCTION "usher"."directory_groups_of"(uuid) IS 'The roles of an organisation as Groups: all but owner.';

COMMENT ON FUNCTION "usher"."directory_metrics"() IS 'How many members at other applications are in which status, and for how many seconds the oldest of those due has
waited, where the application is not turned off. For the worker''s metrics.';

COMMENT ON FUNCTION "usher"."directory_url"(text) IS 'The base address of a SCIM server, without a slash at its end; null for what is none.';

COMMENT ON FUNCTION "usher"."directory_user_for_change"(uuid, uuid) IS 'A User of this organisation, locked until the end of the transaction. Fails with directory_not_found.';

COMMENT ON FUNCTION "usher"."directory_users_of"(uuid) IS 'Everyone whom a directory of this organisation sees: whom it has named, and the active members beside them. Never
a device. roles are those that its groups may give and take: never owner.';

COMMENT ON FUNCTION "usher"."disable_webhook"(uuid, text) IS 'Switches an endpoint off that no longer takes anything, failing or gone, and tells whoever manages webhooks.';

COMMENT ON FUNCTION "usher"."dismiss_directory_user"(usher.directory_users) IS 'Removes a User at once, and revokes what is open for their address. Fails with owner_required, and
permission_denied where the token''s maker may not remove them.';

COMMENT ON FUNCTION "usher"."enabled_webhook_for_change"(uuid) IS 'As usher.webhook_for_change, but refused while the endpoint is switched off.';

COMMENT ON FUNCTION "usher"."end_access"(public.organisation_members) IS 'Writes down that a membership whose end its caller has seen is over, with the event and the mail.';

COMMENT ON FUNCTION "usher"."end_directory_lease"(uuid, uuid, bigint) IS 'Gives a leased copy back; false when another worker has taken over, and then marks it once more.';

COMMENT ON FUNCTION "usher"."end_due_access"(integer) IS 'The sweep: writes down what access has come to its end, earliest first, with an event and a mail each. It counts
no more before that, too. For workers, every minute.

Returns how many memberships; call again when it is as many as batch_size.';

COMMENT ON FUNCTION "usher"."end_membership"(uuid, text, text, text, text) IS 'Ends a membership that its caller has checked, with the event; its roles are kept as they were.';

COMMENT ON FUNCTION "usher"."end_queued_webhook_deliveries"(uuid) IS 'Ends what has not gone out yet to an endpoint that is switched off; it can be replayed later.';

COMMENT ON FUNCTION "usher"."endpoint_token"(uuid) IS 'What opens an endpoint; null when Vault has lost it.';

COMMENT ON FUNCTION "usher"."enqueue_access_mail"(text, uuid, text[], boolean, timestamp with time zone) IS 'Puts a mail into the outbox that says what of a membership ends, or has ended, and when.';

COMMENT ON FUNCTION "usher"."enqueue_review_mail"(text, public.organisation_access_reviews) IS 'Puts a mail about a review into the outbox, to everybody who may answer it.';

COMMENT ON FUNCTION "usher"."event_hash"(public.organisation_audit_events) IS 'The SHA-256 of all that a line of the trail says, but for what is personal.';

COMMENT ON FUNCTION "usher"."event_text"(public.organisation_audit_events) IS 'All that a line of the trail says, but for what is personal, as the text that is hashed.';

COMMENT ON FUNCTION "usher"."evidence_tables"(uuid, timestamp with time zone, timestamp with time zone, boolean, boolean) IS 'The registers of a package of evidence, all of one moment. with_people and with_invites: whether names and addresses
of members are in it, and addresses and words of invites and mails.';

COMMENT ON FUNCTION "usher"."evidence_trail"(uuid, timestamp with time zone, timestamp with time zone) IS 'The seals that cover the events of a period, and all later ones: first_seal to last_seal cover it, head_seal is the
newest; seals begins one before the first.';

COMMENT ON FUNCTION "usher"."expire_invite"(uuid) IS 'The rule behind public.expire_organisation_invite.';

COMMENT ON FUNCTION "usher"."export_evidence"(uuid, timestamp with time zone, timestamp with time zone) IS 'The rule behind public.export_organisation_evidence.';

COMMENT ON FUNCTION "usher"."fail_directory_change"(uuid, uuid, bigint, text, text, integer) IS 'Writes down that a copy could not be brought up to date. For workers.

  failure      permanent: refused; temporary: tried again, 12 times at most; endpoint: it is the whole endpoint,
               which is then left alone for a while
  error        in words, for the admins of the organisation
  retry_after  seconds, where the other side says so

Returns the new status; null when another worker has taken over.';

COMMENT ON FUNCTION "usher"."fail_directory_reconcile"(uuid, bigint, text, integer) IS 'Writes down that an endpoint could not be compared; it is tried again after a while. For workers.';

COMMENT ON FUNCTION "usher"."finish_directory_reconcile"(uuid, bigint, jsonb, jsonb, jsonb) IS 'Takes what a worker found at an endpoint, and marks every member who is other there than here. For workers.

  features  {"patch", "filter", "groups"}: whether it can do these, and has Groups at all
  users     [{"id", "external_id", "user_name", "display_name", "active"}], all of them
  groups    [{"id", "display_name", "members": [id, …]}], all of them

Users of the other side that have nothing to do with the organisation are left alone; in the Groups that stand for
roles they have no place. Returns drift (how much differs) and strangers, [{"group_id", "user_id"}], to be
taken out of those Groups; null when another worker has taken over.';

COMMENT ON FUNCTION "usher"."finish_one_click"(uuid, integer, uuid) IS 'Decides, once, whether the code of an account may be handed out. For functions/one-click.

  invite_id, issue  as start_one_click returned them
  user_id           the account that Auth made, or found; null: Auth has refused, or did not answer

Returns true only for an account without a password that nobody has confirmed, of the invite''s address, while the
invite is still as it was.';

COMMENT ON FUNCTION "usher"."has_account"(text) IS 'Whether anyone has an account with this normalised address, confirmed or not, by whichever way in.';

COMMENT ON FUNCTION "usher"."has_identity"(uuid, text, text) IS 'Whether this account is known to a provider under this normalised address. Provider and address have to
belong to the one identity: an address that another identity of the account brought along does not count.';

COMMENT ON FUNCTION "usher"."has_proven_address"(uuid) IS 'Whether an account may do by its address alone what otherwise takes a mailed link: the address is confirmed,
and, where a SAML provider named it, that provider is the one that the project has for its domain.';

COMMENT ON FUNCTION "usher"."invite_end"(interval, timestamp with time zone) IS 'Until when an invite that is sent now can be answered.';

COMMENT ON FUNCTION "usher"."invite_view"(uuid) IS 'An invite as the API shows it, for functions that return one.';

COMMENT ON FUNCTION "usher"."is_kept_out"(public.organisation_members) IS 'Whether a rule for members asks more than the caller''s session has; member is the caller''s own row.';

COMMENT ON FUNCTION "usher"."keep_endpoint_token"(uuid, text) IS 'Puts away what opens an endpoint, in the place of what did so far. Fails with invalid_settings.';

COMMENT ON FUNCTION "usher"."lacks_identity"(uuid, uuid, text) IS 'Whether an organisation asks for a provider that does not know this account under this address: what can be said
of somebody who is not there to show a session.';

COMMENT ON FUNCTION "usher"."lease_directory_changes"(integer, interval) IS 'Takes copies that are due, of endpoints that answer: removals first, then oldest first; of one endpoint about
two at once. For workers.

  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each what to name when answering, and which try this is.';

COMMENT ON FUNCTION "usher"."lease_directory_reconcile"() IS 'Takes an endpoint that is due to be compared as a whole; null: none is. For workers. One whose token is missing
from Vault is left alone for a while.';

COMMENT ON FUNCTION "usher"."lease_webhook_deliveries"(text, integer, interval) IS 'Takes events that are due to be sent: of healthy endpoints first, organisation by organisation, about five at
once of an endpoint; one where the last try failed, and 50 of all such. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is.';

COMMENT ON FUNCTION "usher"."list_assignable_roles"(uuid) IS 'The rule behind public.list_assignable_organisation_roles.';

COMMENT ON FUNCTION "usher"."list_directory_groups"(text, uuid, text, boolean, boolean) IS 'The Groups that a directory sees, each with its members as value (the id of a User) and display. For the SCIM
function.

  id, display_name  only this one, in any case
  with_members      false: members are left empty
  for_change        a change follows in this transaction: others wait

Fails with directory_token_invalid, permission_denied.';

COMMENT ON FUNCTION "usher"."list_directory_users"(text, uuid, text, text, text, integer, integer, boolean) IS 'The Users that a directory sees, oldest first, with how many there are in all. For the SCIM function.

  id, user_name, external_id, email  only this one; case matters in external_id alone
  start_index, page_size             from the first on, counted from 1; null: all
  for_change                         a change follows in this transaction: others wait

Fails with directory_token_invalid, permission_denied.';

COMMENT ON FUNCTION "usher"."list_evidence_events"(uuid, integer, integer, integer, integer) IS 'The rule behind public.list_organisation_evidence_events.';

COMMENT ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) IS 'The rule behind public.list_organisation_invites.';

COMMENT ON FUNCTION "usher"."list_role_members"(uuid, text) IS 'The rule behind public.list_organisation_role_members.';

COMMENT ON FUNCTION "usher"."lock_open_review"(uuid) IS 'Locks a review until the end of the transaction; fails with access_review_not_open. Members are always locked before
their reviews, so that nobody waits in a circle.';

COMMENT ON FUNCTION "usher"."make_directory_role"(uuid, text) IS 'An own role without permissions for a new Group, named after it as far as a role''s name can be.';

COMMENT ON FUNCTION "usher"."mark_copies"(uuid) IS 'Marks every member at an endpoint at which nobody is marked yet.';

COMMENT ON FUNCTION "usher"."mint_invite_token"(uuid, boolean) IS 'A new token for the invite as it is now. It works beside those minted earlier for the same issue, so that
a mail that is sent twice has two good links; all die with the next issue.

  is_mailed  whether it goes out in a mail: only then may it register somebody by one click

Called when the mail is rendered or the link revealed; never stored.';

COMMENT ON FUNCTION "usher"."my_joinable_domains"() IS 'Verified domains that the caller''s proven address belongs to and that let people join or ask.';

COMMENT ON FUNCTION "usher"."one_click_invite"(text) IS 'The invite whose link may register by one click at this moment; null for any other.';

COMMENT ON FUNCTION "usher"."open_directory"(text, boolean) IS 'The organisation that a token opens; from here on, the transaction acts as the maker of the token, and the
trail calls it directory. With for_change, other changes by directories of the organisation wait. Fails with
directory_token_invalid, and permission_denied when its maker may not any more.';

COMMENT ON FUNCTION "usher"."pause_directory_endpoint"(uuid, text, integer) IS 'Sends nothing to an endpoint for a while, longer each time; retry_after: at least so many seconds.';

COMMENT ON FUNCTION "usher"."personal_hash"(public.organisation_audit_events, bytea) IS 'The SHA-256 of what is personal in a line of the trail, with a salt of 16 random bytes.';

COMMENT ON FUNCTION "usher"."personal_text"(public.organisation_audit_events) IS 'What is personal in a line of the trail, as the text that is hashed.';

COMMENT ON FUNCTION "usher"."prepare_directory_change"(uuid, uuid, bigint) IS 'How a leased copy has to be, read at this moment, and how it is known to be there; user is null for whoever is no
active member. For workers, just before sending. Null when the lease is over; or when the token is missing from
Vault: the endpoint is then left alone for a while.';

COMMENT ON FUNCTION "usher"."prepare_webhook_delivery"(uuid, bigint) IS 'The request that a leased delivery is, {url, body, headers}, signed for this moment: to be sent as it is, at
once. For workers. Null when it is not to be sent any more: the fence is old, the endpoint is switched off, or
the line of the trail is gone; or not now: the secret is missing from Vault, which counts as a try.';

COMMENT ON FUNCTION "usher"."purge_webhook_answers"() IS 'Removes what endpoints answered once settings.webhook_answers_kept_for is over, and rows that are older than
their organisation''s audit_retention. For workers. Returns how many answers went.';

COMMENT ON FUNCTION "usher"."read_time"(text) IS 'A moment in ISO 8601, with its offset, such as 2027-03-31T18:00:00Z; null for anything else.';

COMMENT ON FUNCTION "usher"."reconcile_directory_endpoint"(uuid) IS 'The rule behind public.reconcile_organisation_directory_endpoint.';

COMMENT ON FUNCTION "usher"."record_webhook_try"(uuid, bigint, integer, text, integer, integer) IS 'Writes down what an endpoint answered, and decides what follows. For workers.

  status_code   of HTTP; 200 to 299: taken; 410: the endpoint is switched off; null: there was no answer
  response      the answer''s body, or why there was none, kept to 1,000 characters
  milliseconds  how long it took
  retry_after   seconds, where the answer says so

Returns the delivery''s status, delivered, queued or failed; null when the fence is old. Ten tries within about
three days, each wait up to a fifth longer; an endpoint that has taken nothing for settings.webhook_failing_for
is switched off.';

COMMENT ON FUNCTION "usher"."remind_overdue_reviews"() IS 'Tells reviewers, once, of reviews that are past their day. For workers, now and then. Returns how many reviews
there were.';

COMMENT ON FUNCTION "usher"."replay_webhook_deliveries"(uuid, uuid, timestamp with time zone) IS 'The rule behind public.replay_organisation_webhook_deliveries.';

COMMENT ON FUNCTION "usher"."require_access_review"(uuid) IS 'A review, for a caller with access_review.manage in its organisation. Fails with unauthenticated, access_review_not_found
(also for another tenant''s), permission_denied.';

COMMENT ON FUNCTION "usher"."require_end"(timestamp with time zone) IS 'Fails with invalid_expiry for an end that is not to come.';

COMMENT ON FUNCTION "usher"."require_member"(uuid) IS 'The caller''s membership, or a refusal: unauthenticated, organisation_not_found, which does not tell
an organisation that is not there from one that is somebody else''s, or sso_required.';

COMMENT ON FUNCTION "usher"."require_sign_in"(uuid, uuid, text) IS 'Fails with sso_required unless the caller''s session is as the organisation asks; details say what it lacks, as
usher.sign_in_problem does. To be asked only of whoever is known to be meant: details name the provider.';

COMMENT ON FUNCTION "usher"."require_webhook"(text, text[], text) IS 'Fails with invalid_settings unless an endpoint may be like this.';

COMMENT ON FUNCTION "usher"."resend_invite"(uuid) IS 'The rule behind public.resend_organisation_invite.';

COMMENT ON FUNCTION "usher"."review_results"(uuid) IS 'How many rights of a review were answered in which way.';

COMMENT ON FUNCTION "usher"."reviewers"(uuid) IS 'The active members who may answer a review: those with access_review.manage.';

COMMENT ON FUNCTION "usher"."revoke_directory_token"(uuid) IS 'The rule behind public.revoke_organisation_directory_token.';

COMMENT ON FUNCTION "usher"."revoke_invite"(uuid, text) IS 'The rule behind public.revoke_organisation_invite.';

COMMENT ON FUNCTION "usher"."revoke_invites_to"(uuid, text) IS 'Withdraws what is open for an address of which a directory says that it is out.';

COMMENT ON FUNCTION "usher"."rotate_webhook_secret"(uuid, interval) IS 'The rule behind public.rotate_organisation_webhook_secret.';

COMMENT ON FUNCTION "usher"."save_directory_group"(text, uuid, jsonb) IS 'Writes a Group as a directory says it is: who holds the role, and what the directory calls it. The name of the
role itself stays, because it is signed into links. For the SCIM function.

  id     the Group; null: a new one, which makes an own role without permissions
  facts  display_name, external_id, members (ids of Users: exactly these; left out: as they are)

Returns the id. Fails with directory_token_invalid, directory_not_found, directory_conflict,
invalid_settings (also for an unknown member), invalid_role, role_not_assignable, permission_denied.';

COMMENT ON FUNCTION "usher"."save_directory_group_copy"(uuid, text, text) IS 'Writes down which Group of an endpoint stands for a role; null: none does any more. For workers.';

COMMENT ON FUNCTION "usher"."save_directory_user"(text, uuid, jsonb) IS 'Writes a User as a directory says they are, and does what follows from it. For the SCIM function.

  id     the User; null: a new one
  facts  user_name, external_id, email, is_active (default: true), attributes (an object, at most 16 kB)

Returns the id. Fails with directory_token_invalid, directory_not_found, directory_conflict, invalid_email,
invalid_settings, owner_required, and as usher.admit_directory_user does.';

COMMENT ON FUNCTION "usher"."seal_events"(uuid, integer) IS 'Puts one seal on the oldest events of an organisation that have none yet, batch_size of them at most. Returns how
many there were; with none, there is no seal.';

COMMENT ON FUNCTION "usher"."seal_trail"(uuid) IS 'Seals all of an organisation''s events that have no seal yet.';

COMMENT ON FUNCTION "usher"."session_came_by"(jsonb, text, timestamp with time zone) IS 'Whether the session of a token was begun through a provider, and not only belongs to an account that could.

  claims    the token''s
  provider  sso:<id>, or the name of an OIDC provider
  since     not before; null: whenever';

COMMENT ON FUNCTION "usher"."set_directory_members"(uuid, text, uuid[]) IS 'Gives a role to exactly these Users: only whom it is new to, or taken from, is changed. Fails as
set_directory_role, and with invalid_settings for an unknown one.';

COMMENT ON FUNCTION "usher"."set_directory_role"(uuid, uuid, text, boolean) IS 'Gives a User a role or takes it: at once if they are a member, otherwise for when they join. Fails with
directory_not_found, invalid_role, role_not_assignable, permission_denied.';

COMMENT ON FUNCTION "usher"."sign_in_problem"(public.organisation_sign_in_rules, uuid, text) IS 'What the caller''s session lacks for a rule: the provider as the rule names it (sso:<id>, keycloak, custom:<name>,
domain:<domain>), aal2, amr:<methods>, or max_age; null when it lacks nothing.

  user_id, email  the account, and the address that it is to be known by at the provider';

COMMENT ON FUNCTION "usher"."sso_provider_of"(text) IS 'The SAML provider that Supabase Auth knows for a mail domain, as sso:<id>; null where there is none. It is what
signInWithSSO({ domain }) leads to.';

COMMENT ON FUNCTION "usher"."start_access_review"(uuid, text, timestamp with time zone) IS 'The rule behind public.start_organisation_access_review.';

COMMENT ON FUNCTION "usher"."start_one_click"(text) IS 'Uses a link up for one click: from now on nobody else can, whatever comes of it. For functions/one-click.

Returns whom to make an account for; no row when the link is not good for it, whyever. Fails with rate_limited:
1,000 an hour of one organisation, 5 a day of one address.';

COMMENT ON FUNCTION "usher"."target_host"(text) IS 'What the trail says of such an address: without path and query, because whoever knows those can often send.';

COMMENT ON FUNCTION "usher"."target_problem"(text) IS 'What is wrong with an address that an organisation wants to be called at, as far as its text tells; null for
nothing. Who calls it looks at what its name means at that moment.

Source: OWASP Server-Side Request Forgery Prevention Cheat Sheet.';

COMMENT ON FUNCTION "usher"."test_webhook"(uuid) IS 'The rule behind public.test_organisation_webhook.';

COMMENT ON FUNCTION "usher"."tg_directory_endpoint_tokens__forget"() IS 'Deletes what opened an endpoint from Vault.';

COMMENT ON FUNCTION "usher"."tg_organisation_audit_events__tell_webhooks"() IS 'Puts new lines of the trail on their way to the endpoints that have chosen them.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__follow_ends"() IS 'Keeps next_end_at, and forgets the ends of roles that are no longer held.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__join_directory"() IS 'Ties a new member to the User of the same address, and gives the roles of that User''s groups.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__lapse_review_items"() IS 'Takes rights that are gone out of what open reviews still ask about.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__lose_directory_roles"() IS 'Whoever loses a role, in whichever way, does not get it back by leaving and coming again.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__mark_copies"() IS 'Marks a member who has changed at each endpoint of the organisation.';

COMMENT ON FUNCTION "usher"."tg_webhook_secrets__leave_vault"() IS 'Takes a secret out of Vault when its endpoint is done with it.';

COMMENT ON FUNCTION "usher"."update_directory_endpoint"(uuid, jsonb) IS 'The rule behind public.update_organisation_directory_endpoint.';

COMMENT ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) IS 'The rule behind public.update_organisation_invite_roles.';

COMMENT ON FUNCTION "usher"."update_member_ends"(uuid, uuid, timestamp with time zone, jsonb) IS 'The rule behind public.update_organisation_member_ends.';

COMMENT ON FUNCTION "usher"."update_sign_in_rule"(uuid, jsonb) IS 'The rule behind public.update_organisation_sign_in_rule.';

COMMENT ON FUNCTION "usher"."update_webhook"(uuid, jsonb) IS 'The rule behind public.update_organisation_webhook.';

COMMENT ON FUNCTION "usher"."webhook_body"(public.organisation_audit_events) IS 'What is sent of a line of the trail: {type, timestamp, data}.';

COMMENT ON FUNCTION "usher"."webhook_event_types"() IS 'Every type that an endpoint can choose, in the words of the audit trail. Left out is what only the machinery
does, and an organisation''s own beginning and end: before the one and after the other it has no endpoints.';

COMMENT ON FUNCTION "usher"."webhook_facts"(public.organisation_webhooks) IS 'What the trail says of an endpoint.';

COMMENT ON FUNCTION "usher"."webhook_for_change"(uuid) IS 'An endpoint, locked, for a caller with webhook.manage; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."webhook_hears"(public.organisation_webhooks, text, uuid) IS 'Whether an endpoint has chosen an event.';

COMMENT ON FUNCTION "usher"."webhook_metrics"() IS 'How many events to webhooks are in which status, and for how many seconds the oldest of those due has waited. For
the worker''s metrics.';

COMMENT ON FUNCTION "usher"."webhook_signatures"(uuid, text) IS 'The header webhook-signature: HMAC-SHA-256 by each secret that still signs, the newest first. Made here, so
that no secret leaves the database. Null when Vault has lost one of them.';

COMMENT ON TABLE "public"."organisation_access_review_items" IS 'The rights that a review asks about, one a row. Read with access_review.manage or audit.read.';

COMMENT ON TABLE "public"."organisation_access_reviews" IS 'Reviews of who may do what. Read with access_review.manage or audit.read; written by functions only.';

COMMENT ON TABLE "public"."organisation_directory_copies" IS 'Members as other applications have them. Read with directory.manage; written by functions only.';

COMMENT ON TABLE "public"."organisation_directory_endpoints" IS 'SCIM servers of other applications, without their tokens. Read with directory.manage; written by functions only.';

COMMENT ON TABLE "public"."organisation_directory_tokens" IS 'Tokens of identity providers, without the secret. Read with directory.manage; written by functions only.';

COMMENT ON TABLE "public"."organisation_sign_in_rules" IS 'Which way an organisation''s people have to come in; no row: any. Read by members; written by functions only.';

COMMENT ON TABLE "public"."organisation_webhook_deliveries" IS 'Events on their way to endpoints, and what became of them. Read with webhook.manage; written by functions only.';

COMMENT ON TABLE "public"."organisation_webhooks" IS 'Endpoints that hear what happens. Read with webhook.manage; written by functions only.';

COMMENT ON TABLE "usher"."directory_endpoint_tokens" IS 'What opens each endpoint.';

COMMENT ON TABLE "usher"."directory_group_copies" IS 'Which Group of an endpoint stands for which role.';

COMMENT ON TABLE "usher"."directory_groups" IS 'What a directory calls a role. A role that it has not named goes by its own name.';

COMMENT ON TABLE "usher"."directory_token_hashes" IS 'The SHA-256 of each directory token; the token itself is kept nowhere.';

COMMENT ON TABLE "usher"."directory_users" IS 'Whom a directory has named: one row a person and organisation.';

COMMENT ON TABLE "usher"."one_clicks" IS 'Which issue of an invite was exchanged for a code of Auth; each at most once.';

COMMENT ON TABLE "usher"."webhook_secrets" IS 'What signs for an endpoint: one without an end, and those that it has replaced, until their end.';

COMMENT ON TYPE "public"."organisation_directory_token" IS 'A new token of a directory with its secret, which is shown this once. scim_url is where it opens the directory;
null when the project''s settings do not say where its functions answer (functions_url).';

COMMENT ON TYPE "public"."organisation_evidence_event" IS 'An event of the trail, as the texts that its seal was made of.';

COMMENT ON TYPE "public"."organisation_webhook_secret" IS 'The secret of an endpoint, whsec_…, which is shown this once, and until when older ones sign beside it.';

COMMENT ON TYPE "usher"."access_change" IS 'A role given to somebody, or taken from them.';

COMMENT ON TYPE "usher"."access_right" IS 'A role that somebody held, or holds, for one stretch of time.';

COMMENT ON TYPE "usher"."directory_change" IS 'A copy that a worker may bring up to date now, and the fence to name with it.';

COMMENT ON TYPE "usher"."directory_group" IS 'A Group as the directory sees it at this moment.';

COMMENT ON TYPE "usher"."directory_user" IS 'A User as the directory sees it at this moment.';

COMMENT ON TYPE "usher"."webhook_lease" IS 'An event that a worker may send to an endpoint now, and the fence to name with it.';

COMMENT ON VIEW "public"."organisation_invites" IS 'Invites as they stand at this moment. Read with invite.read; written by functions only.';

COMMENT ON VIEW "usher"."access_register" IS 'Who has access to what at this moment: a row for each role of each active member, with what the role
permits, since when they hold it and until when (null: without an end), and who gave it to them. A member without a role is there with none. Where
the trail does not know (purged, or by SQL), since is the day of joining, and nobody has granted it.

Source: ISO/IEC 27001:2022 A.5.18, review of access rights.';

COMMENT ON VIEW "usher"."current_members" IS 'The members of this moment, with the roles that count now: what has come to its end is left out, swept or not.
Every rule asks it, and not the table, which may be up to a minute behind. Its columns are the table''s.';

COMMENT ON VIEW "usher"."stuck" IS 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

REVOKE ALL ON FUNCTION "public"."answer_organisation_access_review"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."answer_organisation_access_review"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."close_organisation_access_review"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."close_organisation_access_review"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_directory_endpoint"(uuid, text, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_directory_endpoint"(uuid, text, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_webhook"(uuid, text, text[], text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_webhook"(uuid, text, text[], text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."delete_organisation_directory_endpoint"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."delete_organisation_directory_endpoint"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."delete_organisation_webhook"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."delete_organisation_webhook"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."expire_organisation_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."expire_organisation_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."export_organisation_evidence"(uuid, timestamp with time zone, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."export_organisation_evidence"(uuid, timestamp with time zone, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."reconcile_organisation_directory_endpoint"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."reconcile_organisation_directory_endpoint"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."replay_organisation_webhook_deliveries"(uuid, uuid, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."replay_organisation_webhook_deliveries"(uuid, uuid, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."resend_organisation_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."resend_organisation_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_directory_token"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."revoke_organisation_directory_token"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."rotate_organisation_webhook_secret"(uuid, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."rotate_organisation_webhook_secret"(uuid, interval) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."start_organisation_access_review"(uuid, text, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."start_organisation_access_review"(uuid, text, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."test_organisation_webhook"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."test_organisation_webhook"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_directory_endpoint"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_directory_endpoint"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_member_ends"(uuid, uuid, timestamp with time zone, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_member_ends"(uuid, uuid, timestamp with time zone, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_sign_in_rule"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_sign_in_rule"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_webhook"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_webhook"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."access_changes"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."access_rights"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."add_member"(uuid, uuid, text[], timestamp with time zone, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."add_webhook_secret"(public.organisation_webhooks) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."admit_directory_user"(usher.directory_users) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."amr_entries"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."announce_ending_access"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."announce_ending_access"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."answer_access_review"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."answer_access_review"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."answer_review_item"(public.organisation_access_review_items, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_events"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."close_access_review"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."close_access_review"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."collect_evidence"(uuid, timestamp with time zone, timestamp with time zone, boolean, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."collect_evidence_events"(uuid, integer, integer, integer, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."complete_access_review"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."complete_directory_change"(uuid, uuid, bigint, bigint, text, text[], text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."complete_directory_change"(uuid, uuid, bigint, bigint, text, text[], text) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."counting_roles"(text[], timestamp with time zone, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."create_directory_endpoint"(uuid, text, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_directory_endpoint"(uuid, text, text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_directory_token"(uuid, text, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_directory_token"(uuid, text, interval) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_invite"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_invite"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_webhook"(uuid, text, text[], text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_webhook"(uuid, text, text[], text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delete_directory_endpoint"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_directory_endpoint"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delete_directory_group"(text, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_directory_group"(text, uuid) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."delete_directory_user"(text, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_directory_user"(text, uuid) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."delete_webhook"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_webhook"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."directory_account"(usher.directory_users) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_endpoint_for_change"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_groups_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_metrics"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."directory_metrics"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."directory_url"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_user_for_change"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_users_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."disable_webhook"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."dismiss_directory_user"(usher.directory_users) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enabled_webhook_for_change"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_access"(public.organisation_members) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_directory_lease"(uuid, uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_due_access"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."end_due_access"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."end_membership"(uuid, text, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_queued_webhook_deliveries"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."endpoint_token"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_access_mail"(text, uuid, text[], boolean, timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_review_mail"(text, public.organisation_access_reviews) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."event_hash"(public.organisation_audit_events) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."event_text"(public.organisation_audit_events) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."evidence_tables"(uuid, timestamp with time zone, timestamp with time zone, boolean, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."evidence_trail"(uuid, timestamp with time zone, timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."expire_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."expire_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."export_evidence"(uuid, timestamp with time zone, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."export_evidence"(uuid, timestamp with time zone, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."fail_directory_change"(uuid, uuid, bigint, text, text, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."fail_directory_change"(uuid, uuid, bigint, text, text, integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."fail_directory_reconcile"(uuid, bigint, text, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."fail_directory_reconcile"(uuid, bigint, text, integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."finish_directory_reconcile"(uuid, bigint, jsonb, jsonb, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."finish_directory_reconcile"(uuid, bigint, jsonb, jsonb, jsonb) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."finish_one_click"(uuid, integer, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."finish_one_click"(uuid, integer, uuid) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."has_account"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."has_identity"(uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."has_proven_address"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_end"(interval, timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_view"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_kept_out"(public.organisation_members) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."keep_endpoint_token"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lacks_identity"(uuid, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lease_directory_changes"(integer, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."lease_directory_changes"(integer, interval) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."lease_directory_reconcile"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."lease_directory_reconcile"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."lease_webhook_deliveries"(text, integer, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."lease_webhook_deliveries"(text, integer, interval) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."list_assignable_roles"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_assignable_roles"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_directory_groups"(text, uuid, text, boolean, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_directory_groups"(text, uuid, text, boolean, boolean) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."list_directory_users"(text, uuid, text, text, text, integer, integer, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_directory_users"(text, uuid, text, text, text, integer, integer, boolean) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."list_evidence_events"(uuid, integer, integer, integer, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_evidence_events"(uuid, integer, integer, integer, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_role_members"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_role_members"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."lock_open_review"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."make_directory_role"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."mark_copies"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."mint_invite_token"(uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."one_click_invite"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."open_directory"(text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."pause_directory_endpoint"(uuid, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."personal_hash"(public.organisation_audit_events, bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."personal_text"(public.organisation_audit_events) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."prepare_directory_change"(uuid, uuid, bigint) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."prepare_directory_change"(uuid, uuid, bigint) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."prepare_webhook_delivery"(uuid, bigint) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."prepare_webhook_delivery"(uuid, bigint) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."purge_webhook_answers"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."purge_webhook_answers"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."read_time"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."reconcile_directory_endpoint"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."reconcile_directory_endpoint"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."record_webhook_try"(uuid, bigint, integer, text, integer, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."record_webhook_try"(uuid, bigint, integer, text, integer, integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."remind_overdue_reviews"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."remind_overdue_reviews"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."replay_webhook_deliveries"(uuid, uuid, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."replay_webhook_deliveries"(uuid, uuid, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."require_access_review"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_end"(timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_sign_in"(uuid, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_webhook"(text, text[], text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."resend_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."resend_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."review_results"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."reviewers"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."revoke_directory_token"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."revoke_directory_token"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."revoke_invite"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."revoke_invite"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."revoke_invites_to"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."rotate_webhook_secret"(uuid, interval) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."rotate_webhook_secret"(uuid, interval) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."save_directory_group"(text, uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."save_directory_group"(text, uuid, jsonb) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."save_directory_group_copy"(uuid, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."save_directory_group_copy"(uuid, text, text) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."save_directory_user"(text, uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."save_directory_user"(text, uuid, jsonb) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."seal_events"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."seal_trail"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."session_came_by"(jsonb, text, timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."set_directory_members"(uuid, text, uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."set_directory_role"(uuid, uuid, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."sign_in_problem"(public.organisation_sign_in_rules, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."sso_provider_of"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."start_access_review"(uuid, text, timestamp with time zone) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."start_access_review"(uuid, text, timestamp with time zone) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."start_one_click"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."start_one_click"(text) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."target_host"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."target_problem"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."test_webhook"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."test_webhook"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."tg_directory_endpoint_tokens__forget"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_audit_events__tell_webhooks"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__follow_ends"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__join_directory"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__lapse_review_items"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__lose_directory_roles"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__mark_copies"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_webhook_secrets__leave_vault"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."update_directory_endpoint"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_directory_endpoint"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_member_ends"(uuid, uuid, timestamp with time zone, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_member_ends"(uuid, uuid, timestamp with time zone, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_sign_in_rule"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_sign_in_rule"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_webhook"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_webhook"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."webhook_body"(public.organisation_audit_events) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."webhook_event_types"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."webhook_facts"(public.organisation_webhooks) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."webhook_for_change"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."webhook_hears"(public.organisation_webhooks, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."webhook_metrics"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."webhook_metrics"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."webhook_signatures"(uuid, text) FROM PUBLIC;

REVOKE ALL ON TABLE "public"."organisation_access_review_items" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_access_review_items" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_access_review_items" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_access_review_items" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_access_reviews" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_access_reviews" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_access_reviews" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_access_reviews" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_directory_copies" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_directory_copies" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_directory_copies" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_directory_copies" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_directory_endpoints" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_directory_endpoints" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_directory_endpoints" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_directory_endpoints" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_directory_tokens" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_directory_tokens" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_directory_tokens" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_directory_tokens" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_sign_in_rules" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_sign_in_rules" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_sign_in_rules" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_sign_in_rules" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_webhook_deliveries" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_webhook_deliveries" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_webhook_deliveries" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_webhook_deliveries" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_webhooks" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_webhooks" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_webhooks" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_webhooks" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_invites" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_invites" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_invites" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_invites" TO "service_role";

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"access_review.manage","description":"Review who may do what: confirm and withdraw rights"}')
on conflict do nothing;

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"directory.manage","description":"Let identity providers and applications keep members"}')
on conflict do nothing;

insert into usher.permissions
select * from jsonb_populate_record(null::usher.permissions, '{"name":"webhook.manage","description":"See and change webhooks"}')
on conflict do nothing;

update public.organisation_roles t
set permissions = array(select n from unnest(t.permissions) n where n <> all ('{"directory.manage","access_review.manage","webhook.manage"}')) || '{"directory.manage","access_review.manage","webhook.manage"}'::text[]
from jsonb_populate_record(null::public.organisation_roles, '{"id":"00000000-0000-4000-8000-000000000001","name":"owner","inherits":[],"created_at":"2026-01-01T00:00:00+00:00","description":"Everything. Exactly one member, never invited.","permissions":["organisation.read","organisation.update","organisation.delete","organisation.transfer","member.read","member.update","member.remove","member.ban","role.read","role.manage","invite.read","invite.create","invite.resend","invite.revoke","invite.reveal","directory.manage","audit.read","access_review.manage","webhook.manage","billing.read","billing.manage"],"organisation_id":null,"granted_permissions":[]}') r
where t.id = '00000000-0000-4000-8000-000000000001';

update public.organisation_roles t
set permissions = array(select n from unnest(t.permissions) n where n <> all ('{"directory.manage","access_review.manage","webhook.manage"}')) || '{"directory.manage","access_review.manage","webhook.manage"}'::text[]
from jsonb_populate_record(null::public.organisation_roles, '{"id":"00000000-0000-4000-8000-000000000002","name":"admin","inherits":[],"created_at":"2026-01-01T00:00:00+00:00","description":"Everything but deleting or handing over the organisation.","permissions":["organisation.read","organisation.update","member.read","member.update","member.remove","member.ban","role.read","role.manage","invite.read","invite.create","invite.resend","invite.revoke","invite.reveal","directory.manage","audit.read","access_review.manage","webhook.manage","billing.read","billing.manage"],"organisation_id":null,"granted_permissions":[]}') r
where t.id = '00000000-0000-4000-8000-000000000002';
