-- Mail: templates, what became of it, a pace, a way to stop it, and Supabase Auth's; calls that may be sent twice; views for operators; faster hot paths.

set local check_function_bodies = off;

DROP POLICY "organisation_audit_events_select" ON "public"."organisation_audit_events";

DROP POLICY "organisation_deliveries_select" ON "public"."organisation_deliveries";

DROP POLICY "organisation_domains_select" ON "public"."organisation_domains";

DROP POLICY "organisation_join_requests_select" ON "public"."organisation_join_requests";

DROP POLICY "organisation_members_select" ON "public"."organisation_members";

DROP POLICY "organisation_role_exclusions_select" ON "public"."organisation_role_exclusions";

DROP POLICY "organisation_roles_select" ON "public"."organisation_roles";

DROP POLICY "organisations_select" ON "public"."organisations";

DROP POLICY "invites_select" ON "usher"."invites";

ALTER TABLE "public"."organisation_deliveries" DROP CONSTRAINT "organisation_deliveries_kind";

ALTER TABLE "public"."organisation_deliveries" DROP CONSTRAINT "organisation_deliveries_sent";

ALTER TABLE "public"."organisation_deliveries" DROP CONSTRAINT "organisation_deliveries_status";

ALTER TABLE "public"."organisation_deliveries" DROP CONSTRAINT "organisation_deliveries_subject";

ALTER TABLE "public"."organisation_role_exclusions" DROP CONSTRAINT "organisation_role_exclusions_name";

ALTER TABLE "public"."organisations" DROP CONSTRAINT "organisations_name";

ALTER TABLE "public"."organisations" DROP CONSTRAINT "organisations_reply_to";

ALTER TABLE "usher"."settings" DROP CONSTRAINT "settings_limits";

DROP FUNCTION "public"."accept_organisation_invite"(text);

DROP FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid);

DROP FUNCTION "public"."expire_organisation_invite"(uuid);

DROP FUNCTION "public"."has_organisation_permission"(uuid, text);

DROP FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer);

DROP FUNCTION "public"."resend_organisation_invite"(uuid);

DROP FUNCTION "public"."revoke_organisation_invite"(uuid, text);

DROP FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]);

DROP FUNCTION "public"."validate_organisation_invite"(text);

DROP FUNCTION "usher"."clean_line"(text, integer);

DROP FUNCTION "usher"."clean_roles"(text[]);

DROP FUNCTION "usher"."clean_text"(text, integer);

DROP FUNCTION "usher"."create_invite"(uuid, jsonb);

DROP FUNCTION "usher"."display_name"(jsonb);

DROP FUNCTION "usher"."email_domain"(text);

DROP FUNCTION "usher"."enqueue_delivery"(text, uuid, text, text, uuid, boolean);

DROP FUNCTION "usher"."enqueue_invites"(uuid[], boolean);

DROP FUNCTION "usher"."enqueue_notice"(text, uuid, uuid);

DROP FUNCTION "usher"."excluded_together"(uuid, text[]);

DROP FUNCTION "usher"."expire_invite"(uuid);

DROP FUNCTION "usher"."fail_rate_limited"(interval);

DROP FUNCTION "usher"."has_permission"(uuid, text);

DROP FUNCTION "usher"."invite_fingerprint"(text, text[]);

DROP FUNCTION "usher"."invite_problem"(usher.invites);

DROP FUNCTION "usher"."invite_view"(uuid);

DROP FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer);

DROP FUNCTION "usher"."normalise_email"(text);

DROP FUNCTION "usher"."organisations_where"(text);

DROP FUNCTION "usher"."permissions_of"(uuid, text[]);

DROP FUNCTION "usher"."recipient_problems"(uuid, text[]);

DROP FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text);

DROP FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text);

DROP FUNCTION "usher"."request_header"(text);

DROP FUNCTION "usher"."resend_invite"(uuid);

DROP FUNCTION "usher"."revoke_invite"(uuid, text);

DROP FUNCTION "usher"."roles_with_inherited"(uuid, text[]);

DROP FUNCTION "usher"."take_allowance"(text, integer, integer, interval);

DROP FUNCTION "usher"."update_invite_roles"(uuid, text[]);

DROP VIEW "public"."organisation_invites";

CREATE TABLE "public"."organisation_email_templates" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "organisation_id" uuid NOT NULL, "kind" text NOT NULL, "locale" text NOT NULL, "name" text NOT NULL, "subject" text, "heading" text, "body" text, "button" text, "is_default" boolean NOT NULL DEFAULT false, "created_at" timestamp with time zone NOT NULL DEFAULT now(), "updated_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "organisation_email_templates_name_key" UNIQUE (organisation_id, kind, locale, name), CONSTRAINT "organisation_email_templates_pkey" PRIMARY KEY (id), CONSTRAINT "organisation_email_templates_says_something" CHECK ((num_nonnulls(subject, heading, body, button) > 0)), CONSTRAINT "organisation_email_templates_locale" CHECK (usher.is_locale(locale)));

ALTER TABLE "public"."organisation_email_templates" ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."organisation_email_templates" FROM "anon";

CREATE TABLE "usher"."delivery_events" ("provider" text NOT NULL, "event_id" text NOT NULL, "delivery_id" uuid NOT NULL, "kind" text NOT NULL, "occurred_at" timestamp with time zone NOT NULL, "recorded_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "delivery_events_kind" CHECK ((kind = ANY (ARRAY['delivered'::text, 'opened'::text, 'bounced'::text, 'complained'::text]))), CONSTRAINT "delivery_events_pkey" PRIMARY KEY (provider, event_id));

ALTER TABLE "usher"."delivery_events" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."idempotency_keys" ("user_id" uuid NOT NULL, "key_hash" bytea NOT NULL, "request_hash" bytea NOT NULL, "result" bytea NOT NULL, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY (user_id, key_hash));

ALTER TABLE "usher"."idempotency_keys" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."mail_opt_outs" ("organisation_id" uuid NOT NULL, "email" text NOT NULL, "created_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "mail_opt_outs_pkey" PRIMARY KEY (organisation_id, email));

ALTER TABLE "usher"."mail_opt_outs" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."mail_pace" ("line" text NOT NULL, "next_free_at" timestamp with time zone NOT NULL, CONSTRAINT "mail_pace_pkey" PRIMARY KEY (line));

ALTER TABLE "usher"."mail_pace" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "is_paced" boolean NOT NULL DEFAULT false;

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "dedupe_key" bytea;

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "delivered_at" timestamp with time zone;

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "opened_at" timestamp with time zone;

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "bounced_at" timestamp with time zone;

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "complained_at" timestamp with time zone;

ALTER TABLE "public"."organisations" ADD COLUMN "sender_name" text;

ALTER TABLE "public"."organisations" ADD COLUMN "track_opens" boolean NOT NULL DEFAULT false;

ALTER TABLE "usher"."invites" ADD COLUMN "template_id" uuid;

ALTER TABLE "usher"."invites" ADD COLUMN "bounced_at" timestamp with time zone;

ALTER TABLE "usher"."settings" ADD COLUMN "functions_url" text;

ALTER TABLE "usher"."settings" ADD COLUMN "mails_per_minute_to_domain" integer;

ALTER TABLE "usher"."settings" ADD COLUMN "mails_per_minute_of_organisation" integer;

ALTER TABLE "usher"."suppressed_addresses" ADD COLUMN "reason" text NOT NULL DEFAULT 'bounce'::text;

ALTER TABLE "public"."organisation_deliveries" ALTER COLUMN "organisation_id" DROP NOT NULL;

ALTER TABLE "usher"."suppressed_addresses" ALTER COLUMN "status_code" DROP NOT NULL;

CREATE TYPE "public"."organisation_call" AS ("result" jsonb, "is_replay" boolean);

CREATE OR REPLACE FUNCTION public.accept_organisation_invite(token text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  return usher.accept_invite(accept_organisation_invite.token);
end
$function$;

REVOKE ALL ON FUNCTION "public"."accept_organisation_invite"(text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."accept_organisation_invite"(text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.call_organisation_function_once(idempotency_key text, function_name text, arguments jsonb)
 RETURNS public.organisation_call
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.call_function_once($1, $2, $3) $function$;

REVOKE ALL ON FUNCTION "public"."call_organisation_function_once"(text, text, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."call_organisation_function_once"(text, text, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.create_organisation_email_template(organisation_id uuid, kind text, locale text, name text DEFAULT 'default'::text, subject text DEFAULT NULL::text, heading text DEFAULT NULL::text, body text DEFAULT NULL::text, button text DEFAULT NULL::text, is_default boolean DEFAULT true)
 RETURNS public.organisation_email_templates
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select usher.create_email_template($1, jsonb_build_object(
    'kind', $2, 'locale', $3, 'name', $4, 'subject', $5, 'heading', $6, 'body', $7, 'button', $8,
    'is_default', $9))
$function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_email_template"(uuid, text, text, text, text, text, text, text, boolean) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_email_template"(uuid, text, text, text, text, text, text, text, boolean) FROM "service_role";

CREATE OR REPLACE FUNCTION public.delete_organisation_email_template(template_id uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.delete_email_template($1) $function$;

REVOKE ALL ON FUNCTION "public"."delete_organisation_email_template"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."delete_organisation_email_template"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.has_organisation_permission(organisation_id uuid, permission text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return usher.has_permission(has_organisation_permission.organisation_id, has_organisation_permission.permission);
end
$function$;

REVOKE ALL ON FUNCTION "public"."has_organisation_permission"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."has_organisation_permission"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.lift_organisation_mail_suppression(organisation_id uuid, email text)
 RETURNS boolean
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.lift_mail_suppression($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."lift_organisation_mail_suppression"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."lift_organisation_mail_suppression"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION public.retry_organisation_delivery(delivery_id uuid)
 RETURNS public.organisation_deliveries
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.retry_delivery($1) $function$;

REVOKE ALL ON FUNCTION "public"."retry_organisation_delivery"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."retry_organisation_delivery"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.stop_organisation_mail(token text, stop boolean DEFAULT true)
 RETURNS text
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.stop_mail($1, $2) $function$;

CREATE OR REPLACE FUNCTION public.update_organisation_email_template(template_id uuid, changes jsonb)
 RETURNS public.organisation_email_templates
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select usher.update_email_template($1, $2) $function$;

REVOKE ALL ON FUNCTION "public"."update_organisation_email_template"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."update_organisation_email_template"(uuid, jsonb) FROM "service_role";

CREATE OR REPLACE FUNCTION public.validate_organisation_invite(token text)
 RETURNS public.organisation_invite_preview
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return usher.validate_invite(validate_organisation_invite.token);
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
  -- Not by usher.enqueue_delivery, which would read the invite again, and be planned anew each time.
  insert into public.organisation_deliveries (organisation_id, invite_id, issue, kind, recipient)
  select v_invite.organisation_id, v_invite.id, v_invite.issue, 'invite_accepted', m.email
  from public.organisation_members m
  where m.organisation_id = v_invite.organisation_id
    and m.user_id = v_invite.invited_by and m.status = 'active' and m.email is not null;
  return v_member;
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
  perform usher.enqueue_notice('join_approved', v_member.id, auth.uid());
  perform usher.wake_worker();
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.call_function_once(idempotency_key text, function_name text, arguments jsonb)
 RETURNS public.organisation_call
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_hash bytea := sha256(
    convert_to(call_function_once.function_name || call_function_once.arguments::text, 'UTF8'));
  v_call public.organisation_call;
begin
  v_call.result := usher.take_idempotency_key(call_function_once.idempotency_key, v_hash);
  v_call.is_replay := v_call.result is not null;
  if not v_call.is_replay then
    execute usher.call_statement(call_function_once.function_name, call_function_once.arguments)
    into strict v_call.result
    using call_function_once.arguments;
    perform usher.keep_idempotent_result(call_function_once.idempotency_key, v_hash, v_call.result);
  end if;
  return v_call;
end
$function$;

CREATE OR REPLACE FUNCTION usher.call_statement(function_name text, arguments jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_function pg_catalog.pg_proc;
  v_problem  text;
  v_list     text;
  v_columns  text;
begin
  select p.* into v_function
  from pg_catalog.pg_proc p
  where p.pronamespace = 'public'::regnamespace
    and p.proname = call_statement.function_name
    and p.proname ~ '^create_organisation(_|$)';
  if not found then
    perform usher.fail('invalid_settings', hint => 'function_name is one of the create_organisation functions.');
  elsif jsonb_typeof(call_statement.arguments) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'arguments is an object.');
  end if;

  select
    string_agg(format('%I => a.%1$I', n.name), ', ') filter (where n.is_given),
    string_agg(format('%I %s', n.name, pg_catalog.format_type(n.type, null)), ', ') filter (where n.is_given),
    string_agg(n.name || ' is missing.', ' ')
      filter (where not n.is_given and n.place <= v_function.pronargs - v_function.pronargdefaults)
  into v_list, v_columns, v_problem
  from (
    select t.name, t.type, t.place, call_statement.arguments ? t.name as is_given
    from unnest(v_function.proargnames, v_function.proargtypes::oid[]) with ordinality t (name, type, place)
  ) n;
  select coalesce(v_problem, string_agg(k.name || ' is not an argument of it.', ' ')) into v_problem
  from jsonb_object_keys(call_statement.arguments) k (name)
  where k.name <> all (v_function.proargnames);
  if v_problem is not null then
    perform usher.fail('invalid_settings', hint => v_problem);
  end if;

  return format(
    'select %s from jsonb_to_record($1) a(%s) cross join lateral public.%I(%s) f',
    case when v_function.proretset then $sql$coalesce(jsonb_agg(to_jsonb(f)), '[]')$sql$ else 'to_jsonb(f)' end,
    v_columns, v_function.proname, v_list);
end
$function$;

CREATE OR REPLACE FUNCTION usher.check_audit_trail(organisation_id uuid)
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
  select count(*) into v_found.events
  from public.organisation_audit_events e where e.organisation_id = check_audit_trail.organisation_id;
  select count(*) into v_found.sealed_events
  from usher.sealed_events s where s.organisation_id = check_audit_trail.organisation_id;

  -- Up to this seal the trail itself says that events were removed because their time was over.
  select coalesce(max((e.after ->> 'up_to_seal')::integer), 0) into v_purged
  from public.organisation_audit_events e
  where e.organisation_id = check_audit_trail.organisation_id and e.event = 'audit.purged';
  select count(*) into v_found.erased_events
  from usher.sealed_events s
  where s.organisation_id = check_audit_trail.organisation_id and s.personal_salt is null;

  -- The first line that does not fit, in the order of the seals.
  select s.event_id, s.seal_number,
    case when e.id is null then 'event_removed' else 'event_changed' end
  into v_found.event_id, v_found.seal_number, v_found.problem
  from usher.sealed_events s
  join usher.audit_seals a on a.organisation_id = s.organisation_id and a.number = s.seal_number
  left join public.organisation_audit_events e on e.id = s.event_id
  where s.organisation_id = check_audit_trail.organisation_id
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
    where e.organisation_id = check_audit_trail.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id)
    order by e.occurred_at, e.id
    limit 1;
  end if;

  v_found.seals := 0;
  for v_seal in
    select s.* from usher.audit_seals s
    where s.organisation_id = check_audit_trail.organisation_id
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

CREATE OR REPLACE FUNCTION usher.check_audit_trails()
 RETURNS TABLE(organisation_id uuid, organisation text, is_whole boolean, events bigint, sealed_events bigint, erased_events bigint, seals integer, last_seal text, problem text, event_id uuid, seal_number integer)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select i.organisation_id, o.name, c.*
  from (
    select e.organisation_id from public.organisation_audit_events e
    union
    select s.organisation_id from usher.audit_seals s
  ) i
  left join public.organisations o on o.id = i.organisation_id
  cross join lateral usher.check_audit_trail(i.organisation_id) c
  order by c.is_whole, o.name, i.organisation_id
$function$;

CREATE OR REPLACE FUNCTION usher.clean_line(value text, max_length integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_line text := normalize(btrim(clean_line.value), nfc);
begin
  return case
    when v_line !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]'
      and length(v_line) between 1 and clean_line.max_length
    then v_line
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_roles(roles text[])
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return array(select distinct btrim(r) from unnest(clean_roles.roles) r order by 1);
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_text(value text, max_length integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_text text := normalize(btrim(replace(clean_text.value, e'\r\n', e'\n'), e' \t\n'), nfc);
begin
  return case
    when v_text !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]'
      and length(v_text) <= clean_text.max_length
    then v_text
  end;
end
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
    last_status_code = null, provider_message_id = complete_delivery.provider_message_id,
    facts = d.facts - 'sealed'
  where d.id = complete_delivery.delivery_id
    and d.fence = complete_delivery.fence
    and d.status = 'sending'
  returning d.* into v_delivery;
  if not found then
    return false;
  end if;
  perform usher.record_turn(v_delivery, 'delivery.sent');
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_email_template(organisation_id uuid, draft jsonb)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_template public.organisation_email_templates;
begin
  perform usher.require_permission(create_email_template.organisation_id, 'organisation.update');
  v_template := jsonb_populate_record(null::public.organisation_email_templates, create_email_template.draft);
  v_template.id := gen_random_uuid();
  v_template.organisation_id := create_email_template.organisation_id;
  -- A template is read in whole for each mail, and an editor shows all of them at once.
  if (select count(*) from public.organisation_email_templates t
      where t.organisation_id = v_template.organisation_id) >= 500 then
    perform usher.fail('invalid_settings', hint => 'An organisation has at most 500 templates: delete some.');
  end if;
  v_template := usher.save_email_template(v_template);
  perform usher.record_event(v_template.organisation_id, 'template.created', 'template', v_template.id,
    after => to_jsonb(v_template) - 'id' - 'organisation_id' - 'created_at' - 'updated_at');
  return v_template;
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
    select d.*, t.id as checked_template_id, r.roles, p.invite_id as open_invite_id,
      case
        when d.address is null then 'invalid_email'
        when r.problem is not null then r.problem
        when d.lifetime is null then 'invalid_expiry'
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
      invited_by, lifetime, expires_at)
    select r.id, create_invites.organisation_id, r.address, r.roles, nullif(r.message, ''), r.locale, r.redirect_to,
      r.metadata, r.checked_template_id, v_member.user_id, r.lifetime, date_trunc('second', now() + r.lifetime)
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
  perform usher.enqueue_join_mail('join_declined', m.organisation_id, v_request.email, jsonb_build_object(
      'actor_name', m.display_name, 'actor_email', m.email, 'reason', v_request.reason))
    from public.organisation_members m
    where m.organisation_id = v_request.organisation_id and m.user_id = auth.uid();
  perform usher.wake_worker();
  return v_request;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_email_template(template_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_template public.organisation_email_templates := usher.template_for_change(delete_email_template.template_id);
begin
  delete from public.organisation_email_templates t where t.id = v_template.id;
  perform usher.record_event(v_template.organisation_id, 'template.deleted', 'template', v_template.id,
    before => to_jsonb(v_template) - 'id' - 'organisation_id' - 'created_at' - 'updated_at');
end
$function$;

CREATE OR REPLACE FUNCTION usher.delivery_metrics()
 RETURNS TABLE(status text, is_bulk boolean, count bigint, oldest_seconds double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select d.status, d.is_bulk, count(*),
    -- Since it was due, not since it was made: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - d.due_at))
      filter (where d.status = 'queued' and d.due_at <= clock_timestamp())::double precision
  from public.organisation_deliveries d
  group by d.status, d.is_bulk
$function$;

CREATE OR REPLACE FUNCTION usher.display_name(user_metadata jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return coalesce(
    usher.clean_line(display_name.user_metadata ->> 'display_name', 100),
    usher.clean_line(display_name.user_metadata ->> 'full_name', 100),
    usher.clean_line(display_name.user_metadata ->> 'name', 100));
end
$function$;

CREATE OR REPLACE FUNCTION usher.email_domain(email text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return substring(email_domain.email from position('@' in email_domain.email) + 1);
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_undeliverable(delivery public.organisation_deliveries, invite usher.invites)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery public.organisation_deliveries := end_undeliverable.delivery;
  v_invite   usher.invites := end_undeliverable.invite;
  v_is_offer boolean := v_delivery.kind in ('invite', 'invite_reminder');
  v_end      text;
begin
  v_end := case
    when exists (select from usher.suppressed_addresses s where s.email = v_delivery.recipient)
      or v_is_offer and exists (
        select from usher.mail_opt_outs o
        where o.organisation_id = v_delivery.organisation_id and o.email = v_delivery.recipient)
      then 'suppressed'
    when v_is_offer and (
      v_delivery.issue <> v_invite.issue
      or v_invite.status <> 'pending' or v_invite.expires_at <= statement_timestamp())
      then 'cancelled'
    -- What it lets its reader do is over by then: Supabase Auth's codes live for an hour unless set otherwise.
    when v_delivery.kind = 'auth' and v_delivery.created_at < clock_timestamp() - interval '1 day'
      then 'cancelled'
  end;
  if v_end is null then
    return false;
  end if;

  update public.organisation_deliveries d
  set status = v_end, facts = d.facts - 'sealed'
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;
  if v_end = 'suppressed' then
    perform usher.mark_bounced(v_delivery);
  end if;
  perform usher.record_turn(v_delivery, 'delivery.' || v_end);
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_auth_mail(recipient text, locale text, sealed text, dedupe_key bytea)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_recipient text := usher.normalise_email(enqueue_auth_mail.recipient);
begin
  if v_recipient is null then
    perform usher.fail('invalid_email');
  end if;
  insert into public.organisation_deliveries (kind, recipient, locale, facts, dedupe_key)
  values ('auth', v_recipient,
    case when usher.is_locale(enqueue_auth_mail.locale) then enqueue_auth_mail.locale end,
    jsonb_build_object('sealed', enqueue_auth_mail.sealed), enqueue_auth_mail.dedupe_key)
  on conflict do nothing;
  if not found then
    return false;
  end if;
  perform usher.wake_worker();
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_delivery(kind text, organisation_id uuid, recipient text, locale text, invite_id uuid, is_bulk boolean DEFAULT false)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk)
  select enqueue_delivery.organisation_id, i.id, i.issue, enqueue_delivery.kind,
    enqueue_delivery.recipient, enqueue_delivery.locale, enqueue_delivery.is_bulk
  from usher.invites i
  where i.id = enqueue_delivery.invite_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_invites(invite_ids uuid[], is_bulk boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_deliveries (
    organisation_id, invite_id, issue, kind, recipient, locale, is_bulk)
  select i.organisation_id, i.id, i.issue, 'invite', i.email, i.locale, enqueue_invites.is_bulk
  from usher.invites i
  where i.id = any (enqueue_invites.invite_ids);
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_join_mail(kind text, organisation_id uuid, recipient text, facts jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_deliveries (organisation_id, kind, recipient, facts)
  values (enqueue_join_mail.organisation_id, enqueue_join_mail.kind, enqueue_join_mail.recipient,
    enqueue_join_mail.facts);
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_notice(kind text, member_id uuid, actor_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, enqueue_notice.kind, m.email, jsonb_build_object(
    'roles', m.roles,
    'actor_name', a.display_name, 'actor_email', a.email,
    'owner_name', coalesce(o.display_name, o.email))
  from public.organisation_members m
  left join public.organisation_members a
    on a.organisation_id = m.organisation_id and a.user_id = enqueue_notice.actor_id
  left join public.organisation_members o
    on o.organisation_id = m.organisation_id and 'owner' = any (o.roles)
  where m.id = enqueue_notice.member_id and m.email is not null and m.kind = 'user';
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
  perform usher.enqueue_delivery('device_enrolled', v_invite.organisation_id, m.email, null, v_invite.id)
    from public.organisation_members m
    where m.organisation_id = v_invite.organisation_id
      and m.user_id = v_invite.invited_by and m.status = 'active' and m.email is not null;
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
  delete from usher.suppressed_addresses s where s.email = v_email;
  delete from usher.mail_opt_outs o where o.email = v_email;
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

CREATE OR REPLACE FUNCTION usher.excluded_together(organisation_id uuid, roles text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select e.name
    from public.organisation_role_exclusions e
    where e.organisation_id = excluded_together.organisation_id
      and e.cardinality <= (
        select count(*)
        from usher.roles_with_inherited(excluded_together.organisation_id, excluded_together.roles) h (name)
        where h.name = any (e.roles))
    limit 1);
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
    -- A join, because it can only be done address by address; for = any, whole indexes were read.
    from unnest(expire_overdue_invites.emails) e (email)
    where i.organisation_id = expire_overdue_invites.organisation_id
      and i.email = e.email
      and i.status = 'pending'
      and i.expires_at <= statement_timestamp()
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  if v_expired is not null then
    perform usher.record_expiry(v_expired);
  end if;
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
    last_status_code = fail_delivery.status_code,
    facts = case when v_is_final then d.facts - 'sealed' else d.facts end
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if fail_delivery.failure = 'permanent' and fail_delivery.status_code = '5.1.1' then
    perform usher.suppress_address(v_delivery.recipient, 'bounce', fail_delivery.status_code);
  end if;
  if v_is_final then
    perform usher.mark_bounced(v_delivery);
  end if;
  perform usher.record_turn(v_delivery,
    case when v_is_final then 'delivery.failed' else 'delivery.deferred' end);
  return v_delivery.status;
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail_rate_limited(wait interval, headers jsonb DEFAULT '{}'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_seconds text := greatest(1, ceil(extract(epoch from fail_rate_limited.wait)))::integer::text;
begin
  perform usher.fail('rate_limited', details => v_seconds,
    headers => fail_rate_limited.headers || jsonb_build_object('Retry-After', v_seconds));
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
    select from public.organisation_members m
    join public.organisation_roles r on r.name = any (m.roles)
    where m.organisation_id = has_permission.organisation_id
      and m.user_id = auth.uid()
      and m.status = 'active'
      and (r.organisation_id is null or r.organisation_id = m.organisation_id)
      and has_permission.permission = any (r.permissions));
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_fingerprint(email text, roles text[])
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  -- JSON keeps apart where one value ends and the next begins.
  return substring(
    sha256(convert_to(jsonb_build_array(invite_fingerprint.email, invite_fingerprint.roles)::text, 'UTF8'))
    from 1 for 16);
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
    count(*) filter (where d.sent_at is not null),
    round(count(*) filter (where d.status in ('sent', 'delivered', 'opened', 'complained'))::numeric
      / nullif(count(*), 0), 4),
    round(count(*) filter (where d.status in ('failed', 'suppressed', 'bounced'))::numeric / nullif(count(*), 0), 4)
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
    from (
      -- Two ranges of two indexes, invites_newest and invites_ended: what lies before them is not read.
      select 'created' as what, i.created_at as at
      from usher.invites i
      where i.organisation_id = invite_metrics.organisation_id
        and i.created_at >= v_since and i.created_at < v_until
      union all
      select i.status, coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at)
      from public.organisation_invites i
      where i.organisation_id = invite_metrics.organisation_id
        and i.created_at < v_until and i.status <> 'pending'
        and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) >= v_since
        and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) < v_until
    ) h
    group by 1
  ) e;
  return v_metrics;
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_problem(invite usher.invites)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  return case (invite_problem.invite).status
    when 'accepted' then 'invite_already_accepted'
    when 'declined' then 'invite_declined'
    when 'revoked' then 'invite_revoked'
    when 'expired' then 'invite_expired'
    -- By the clock, not by the start of the transaction, which may have waited for another.
    else case when (invite_problem.invite).expires_at <= clock_timestamp() then 'invite_expired' end
  end;
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
    perform usher.enqueue_join_mail('join_requested', m.organisation_id, m.email,
        jsonb_build_object('requester_email', v_email))
      from public.organisation_members m
      where m.organisation_id = v_domain.organisation_id and m.status = 'active' and m.email is not null
        and 'invite.create' in (select usher.permissions_of(m.organisation_id, m.roles));
    perform usher.wake_worker();
  end if;
  return 'requested';
end
$function$;

CREATE OR REPLACE FUNCTION usher.keep_idempotent_result(idempotency_key text, request_hash bytea, result jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into usher.idempotency_keys as k (user_id, key_hash, request_hash, result)
  values (auth.uid(), sha256(convert_to($1, 'UTF8')), $2, extensions.pgp_sym_encrypt($3::text, $1))
  -- Of a key that has run out and is not swept yet.
  on conflict on constraint idempotency_keys_pkey do update
  set request_hash = excluded.request_hash, result = excluded.result, created_at = excluded.created_at
  where k.created_at < now() - interval '24 hours'
$function$;

CREATE OR REPLACE FUNCTION usher.lease_deliveries(worker text, batch_size integer DEFAULT 50, lease interval DEFAULT '00:01:00'::interval)
 RETURNS SETOF usher.delivery_lease
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_is_paced boolean := usher.pace_deliveries();
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
        and (q.is_paced or not v_is_paced)
      order by q.is_bulk, q.due_at
      limit lease_deliveries.batch_size
      for update skip locked
    ) due
    where d.id = due.id
    returning d.id, d.fence, d.attempts;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lift_mail_suppression(organisation_id uuid, email text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(lift_mail_suppression.organisation_id, 'invite.resend');
  v_email  text := usher.normalise_email(lift_mail_suppression.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  -- Only where this organisation has met it, so that nobody can ask which addresses are on the list.
  delete from usher.suppressed_addresses s
  where s.email = v_email and s.reason = 'bounce'
    and exists (
      select from public.organisation_deliveries d
      where d.organisation_id = v_member.organisation_id and d.recipient = v_email
        and d.status in ('failed', 'bounced', 'suppressed'));
  if not found then
    return false;
  end if;
  perform usher.take_allowance('lifted:' || v_member.organisation_id, 1, 50, interval '1 day');
  perform usher.record_event(v_member.organisation_id, 'mail.suppression_lifted', 'organisation',
    v_member.organisation_id);
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lift_suppression(email text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  delete from usher.suppressed_addresses s where s.email = usher.normalise_email(lift_suppression.email);
  return found;
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
    ('ownership_transferred',   array['organisation', 'roles', 'actor', 'owner']),
    ('join_requested',          array['organisation', 'requester']),
    ('join_approved',           array['organisation', 'roles', 'actor']),
    ('join_declined',           array['organisation', 'actor']),
    ('device_enrolled',         array['organisation', 'device', 'roles'])
$function$;

CREATE OR REPLACE FUNCTION usher.mark_bounced(delivery public.organisation_deliveries)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery public.organisation_deliveries := mark_bounced.delivery;
begin
  update usher.invites i
  set bounced_at = now()
  where i.id = v_delivery.invite_id and i.issue = v_delivery.issue
    and v_delivery.kind in ('invite', 'invite_reminder');
end
$function$;

CREATE OR REPLACE FUNCTION usher.mint_stop_token(delivery_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_key_id  smallint := usher.ensure_signing_key();
  -- Another version than a token of an invite, so that neither can be taken for the other.
  v_payload bytea := '\x02'::bytea || int2send(v_key_id) || uuid_send(mint_stop_token.delivery_id);
begin
  return 'stp_' || translate(
    encode(v_payload || extensions.hmac(v_payload, usher.signing_key_secret(v_key_id), 'sha256'), 'base64'),
    e'+/\n', '-_');
end
$function$;

CREATE OR REPLACE FUNCTION usher.normalise_email(email text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_address text := lower(
    normalize(
      regexp_replace(normalise_email.email, '^[\s\u00a0\u200b\ufeff]+|[\s\u00a0\u200b\ufeff]+$', '', 'g'), nfc)
    collate "und-x-icu");
begin
  return case
    when length(v_address) <= 254
      -- The local part as an RFC 5321 dot-atom of at most 64; anything else needs SMTPUTF8 all the
      -- way to the mailbox, which no sender can promise.
      and position('@' in v_address) <= 65
      and v_address ~ (
        '^[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*@'
        -- Labels of letters (of any script), digits and inner hyphens, and a top level not all digits.
        '([[:alnum:]]([[:alnum:]-]*[[:alnum:]])?\.)+[[:alpha:]][[:alnum:]-]*[[:alnum:]]$'
        collate "und-x-icu")
      -- Each label at most 63. Not part of the shape above: counting makes a match fifty times as slow.
      and (length(v_address) <= 64 or v_address !~ '@.*[^.]{64}')
    then v_address
  end;
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
    from public.organisation_members m
    where m.user_id = auth.uid()
      and m.status = 'active'
      and exists (
        select from public.organisation_roles r
        where r.name = any (m.roles)
          and (r.organisation_id is null or r.organisation_id = m.organisation_id)
          and organisations_where.permission = any (r.permissions));
end
$function$;

CREATE OR REPLACE FUNCTION usher.pace_deliveries(batch_size integer DEFAULT 1000)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_to_domain       integer;
  v_of_organisation integer;
begin
  select s.mails_per_minute_to_domain, s.mails_per_minute_of_organisation
  into strict v_to_domain, v_of_organisation
  from usher.settings s;
  if num_nonnulls(v_to_domain, v_of_organisation) = 0 then
    return false;
  end if;

  with waiting as materialized (
    select d.id, d.is_bulk, d.due_at, d.recipient, d.organisation_id
    from public.organisation_deliveries d
    where d.status = 'queued' and not d.is_paced and d.due_at <= clock_timestamp()
    order by d.is_bulk, d.due_at
    limit pace_deliveries.batch_size
    for update skip locked
  ),
  standing as materialized (
    select w.id, l.line, l.step, row_number() over (partition by l.line order by w.due_at, w.id) as rank
    from waiting w
    cross join lateral (values
      ('domain:' || usher.email_domain(w.recipient), interval '1 minute' / v_to_domain),
      ('organisation:' || w.organisation_id, interval '1 minute' / v_of_organisation)
    ) b (base, step)
    cross join lateral (
      select case when w.is_bulk then 'bulk:' else 'single:' end || b.base, b.step) l (line, step)
    where l.line is not null and l.step is not null
  ),
  line as (
    insert into usher.mail_pace as p (line, next_free_at)
    select s.line, clock_timestamp() + count(*) * min(s.step)
    from standing s
    group by s.line
    -- In one order, so that two workers never wait for each other.
    order by s.line
    on conflict on constraint mail_pace_pkey do update
    set next_free_at = greatest(p.next_free_at, clock_timestamp()) + (excluded.next_free_at - clock_timestamp())
    returning p.line, p.next_free_at
  ),
  place as (
    select s.id, max(l.next_free_at - s.step * (t.total - s.rank + 1)) as at
    from standing s
    join line l on l.line = s.line
    join (select s.line, count(*) as total from standing s group by s.line) t on t.line = s.line
    group by s.id
  )
  update public.organisation_deliveries d
  set is_paced = true, due_at = greatest(d.due_at, p.at)
  from waiting w
  left join place p on p.id = w.id
  where d.id = w.id;
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.permissions_of(organisation_id uuid, roles text[])
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query
    select distinct p.name
    from public.organisation_roles r
    cross join unnest(r.permissions) p (name)
    where r.name = any (permissions_of.roles)
      and (r.organisation_id is null or r.organisation_id = permissions_of.organisation_id);
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

  select i.* into v_invite
  from usher.invites i
  where i.id = v_delivery.invite_id
    -- A mail of Supabase Auth to somebody who is invited says to what.
    or v_delivery.kind = 'auth' and i.email = v_delivery.recipient and i.status = 'pending'
      and i.expires_at > clock_timestamp()
  order by i.created_at desc
  limit 1;
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
    v_link := v_settings.site_url || '/invite#' || usher.mint_invite_token(v_invite.id);
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
      'decline_reason', v_invite.declined_reason) end);
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_auth_mails()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_purged integer;
begin
  delete from public.organisation_deliveries d
  where d.kind = 'auth' and d.created_at < now() - interval '30 days';
  get diagnostics v_purged = row_count;
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.rate_limit_headers(policy text, allowance integer, remaining integer, period interval, reset interval)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select jsonb_build_object(
    'RateLimit-Policy', format('"%s";q=%s;w=%s', $1, $2, extract(epoch from $4)::integer),
    'RateLimit', format('"%s";r=%s;t=%s', $1, greatest($3, 0), greatest(1, ceil(extract(epoch from $5))::integer)))
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
            when bool_or(m.status = 'active') then 'already_member' end
          from public.organisation_members m
          where m.organisation_id = o.id and m.email = a.email)
      end,
      (select i.id from usher.invites i
        where i.organisation_id = o.id and i.email = a.email and i.status = 'pending')
    from (select distinct e as email from unnest(recipient_problems.emails) e) a
    join public.organisations o on o.id = recipient_problems.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_delivery_event(provider text, event_id text, kind text, delivery_id uuid DEFAULT NULL::uuid, provider_message_id text DEFAULT NULL::text, occurred_at timestamp with time zone DEFAULT NULL::timestamp with time zone, is_permanent boolean DEFAULT false, response text DEFAULT NULL::text, status_code text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_kind     text := record_delivery_event.kind;
  -- A provider's clock may be wrong; nothing has happened after now.
  v_at       timestamptz := least(coalesce(record_delivery_event.occurred_at, now()), now());
  v_delivery public.organisation_deliveries;
begin
  if v_kind is null or v_kind not in ('delivered', 'opened', 'bounced', 'complained') then
    raise exception 'kind is delivered, opened, bounced or complained, not %', v_kind
      using errcode = 'invalid_parameter_value';
  end if;
  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = record_delivery_event.delivery_id
    or record_delivery_event.delivery_id is null
      and d.provider_message_id = record_delivery_event.provider_message_id
  for update;
  -- Not ours, or of a time before the mail was ever handed out.
  if not found or v_delivery.fence = 0 then
    return 'unknown';
  end if;
  if v_kind = 'opened' and not coalesce((
    select o.track_opens from public.organisations o where o.id = v_delivery.organisation_id), false) then
    return 'ignored';
  end if;

  insert into usher.delivery_events (provider, event_id, delivery_id, kind, occurred_at)
  values (record_delivery_event.provider, record_delivery_event.event_id, v_delivery.id, v_kind, v_at)
  on conflict do nothing;
  if not found then
    return 'duplicate';
  end if;

  update public.organisation_deliveries d
  set
    delivered_at = case when v_kind = 'delivered' then least(d.delivered_at, v_at) else d.delivered_at end,
    opened_at = case when v_kind = 'opened' then least(d.opened_at, v_at) else d.opened_at end,
    bounced_at = case when v_kind = 'bounced' then least(d.bounced_at, v_at) else d.bounced_at end,
    complained_at = case when v_kind = 'complained' then least(d.complained_at, v_at) else d.complained_at end,
    last_response = case when v_kind = 'bounced'
      then left(record_delivery_event.response, 1000) else d.last_response end,
    last_status_code = case when v_kind = 'bounced'
      then record_delivery_event.status_code else d.last_status_code end,
    -- Whoever tells of it has taken it, whether or not the worker lived to hear so.
    sent_at = coalesce(d.sent_at, v_at),
    provider_message_id = coalesce(d.provider_message_id, record_delivery_event.provider_message_id),
    status = case
      when v_kind = 'complained' or d.complained_at is not null then 'complained'
      when v_kind = 'bounced' or d.bounced_at is not null then 'bounced'
      when v_kind = 'opened' or d.opened_at is not null then 'opened'
      else 'delivered'
    end,
    facts = d.facts - 'sealed'
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if v_kind = 'bounced' then
    perform usher.mark_bounced(v_delivery);
    if record_delivery_event.is_permanent then
      perform usher.suppress_address(v_delivery.recipient, 'bounce', record_delivery_event.status_code);
    end if;
  elsif v_kind = 'complained' then
    perform usher.suppress_address(v_delivery.recipient, 'complaint');
  end if;
  perform usher.record_turn(v_delivery, 'delivery.' || v_kind);
  return 'recorded';
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_event(organisation_id uuid, event text, target_kind text, target_id uuid, before jsonb DEFAULT NULL::jsonb, after jsonb DEFAULT NULL::jsonb, reason text DEFAULT NULL::text, actor_kind text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform usher.record_events(
    record_event.organisation_id, record_event.event, record_event.target_kind, array[record_event.target_id],
    record_event.before, array[record_event.after], record_event.reason, record_event.actor_kind);
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
    coalesce(record_events.actor_kind, case when auth.uid() is null then 'operator' else 'user' end), auth.uid(),
    record_events.target_kind, t.id, record_events.before, t.after, record_events.reason,
    left(btrim(split_part(v_headers ->> 'x-forwarded-for', ',', 1)), 64), left(v_headers ->> 'user-agent', 500)
  from unnest(record_events.target_ids, record_events.afters) t (id, after);
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_turn(delivery public.organisation_deliveries, event text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery public.organisation_deliveries := record_turn.delivery;
begin
  -- Mails of Supabase Auth belong to no organisation, and so to no trail.
  if v_delivery.organisation_id is null then
    return;
  end if;
  perform usher.record_event(v_delivery.organisation_id, record_turn.event, 'delivery', v_delivery.id,
    after      => jsonb_strip_nulls(jsonb_build_object(
      'kind', v_delivery.kind, 'invite_id', v_delivery.invite_id, 'attempts', v_delivery.attempts,
      'status_code', v_delivery.last_status_code)),
    actor_kind => 'worker');
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

CREATE OR REPLACE FUNCTION usher.requeue_deliveries(delivery_ids uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_requeued integer;
begin
  with requeued as (
    update public.organisation_deliveries d
    set status = 'queued', attempts = 0, due_at = now(), in_doubt_at = null
    where d.id = any (requeue_deliveries.delivery_ids)
      and (d.status in ('failed', 'suppressed') or d.status = 'queued' and d.attempts > 0)
    returning d.*
  ), recorded as (
    select usher.record_event(r.organisation_id, 'delivery.requeued', 'delivery', r.id,
      after => jsonb_build_object('kind', r.kind, 'invite_id', r.invite_id))
    from requeued r
  )
  select count(*) into v_requeued from recorded;
  perform usher.wake_worker();
  return v_requeued;
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
  join public.organisation_members m
    on m.organisation_id = d.organisation_id and m.user_id = auth.uid() and m.status = 'active'
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
  perform usher.record_event(v_delivery.organisation_id, 'delivery.retried', 'delivery', v_delivery.id,
    after => jsonb_build_object('kind', v_delivery.kind, 'invite_id', v_delivery.invite_id));
  perform usher.wake_worker();
  return v_delivery;
end
$function$;

CREATE OR REPLACE FUNCTION usher.reveal_invite_link(invite_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- The key before the invite, as the worker does it: on a first day it is being made at this moment.
  v_key_id  smallint := usher.ensure_signing_key();
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

CREATE OR REPLACE FUNCTION usher.roles_with_inherited(organisation_id uuid, roles text[])
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query
    with recursive held (name) as (
      select unnest(roles_with_inherited.roles)
      union
      select i.name
      from held h
      join public.organisation_roles r on r.name = h.name
        and (r.organisation_id is null or r.organisation_id = roles_with_inherited.organisation_id)
      cross join unnest(r.inherits) i (name)
    )
    select h.name from held h;
end
$function$;

CREATE OR REPLACE FUNCTION usher.save_email_template(template public.organisation_email_templates)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_template public.organisation_email_templates := save_email_template.template;
  v_problem  text := usher.template_problem(v_template.kind, to_jsonb(v_template));
begin
  if v_problem is not null then
    perform usher.fail('invalid_settings', hint => v_problem);
  end if;
  if num_nonnulls(v_template.subject, v_template.heading, v_template.body, v_template.button) = 0 then
    perform usher.fail('invalid_settings', hint => 'Give one of subject, heading, body and button.');
  end if;

  -- The new default takes the place of the old one.
  if v_template.is_default then
    update public.organisation_email_templates t
    set is_default = false
    where t.organisation_id = v_template.organisation_id and t.kind = v_template.kind
      and t.locale = v_template.locale and t.is_default and t.id <> v_template.id;
  end if;
  begin
    insert into public.organisation_email_templates as t (
      id, organisation_id, kind, locale, name, subject, heading, body, button, is_default)
    values (v_template.id, v_template.organisation_id, v_template.kind, v_template.locale,
      usher.clean_line(v_template.name, 100), usher.clean_line(v_template.subject, 200),
      usher.clean_line(v_template.heading, 200), usher.clean_text(v_template.body, 5000),
      usher.clean_line(v_template.button, 60), coalesce(v_template.is_default, false))
    on conflict (id) do update
    set locale = excluded.locale, name = excluded.name, subject = excluded.subject,
      heading = excluded.heading, body = excluded.body, button = excluded.button,
      is_default = excluded.is_default, updated_at = now()
    returning t.* into strict v_template;
  exception
    when unique_violation then
      perform usher.fail('invalid_settings',
        hint => 'There is a template of this kind, language and name already: change that one.');
  end;
  return v_template;
end
$function$;

CREATE OR REPLACE FUNCTION usher.stop_mail(token text, stop boolean DEFAULT true)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_delivery public.organisation_deliveries;
begin
  select d.* into v_delivery
  from public.organisation_deliveries d where d.id = usher.verify_stop_token(stop_mail.token);
  if not found or v_delivery.organisation_id is null then
    perform usher.fail('invite_invalid');
  end if;

  if stop_mail.stop then
    insert into usher.mail_opt_outs (organisation_id, email)
    values (v_delivery.organisation_id, v_delivery.recipient)
    on conflict do nothing;
  else
    delete from usher.mail_opt_outs o
    where o.organisation_id = v_delivery.organisation_id and o.email = v_delivery.recipient;
  end if;
  if found then
    perform usher.record_event(v_delivery.organisation_id,
      case when stop_mail.stop then 'mail.stopped' else 'mail.resumed' end, 'delivery', v_delivery.id,
      actor_kind => 'invitee');
  end if;
  return (select o.name from public.organisations o where o.id = v_delivery.organisation_id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.suppress_address(email text, reason text, status_code text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into usher.suppressed_addresses as s (email, reason, status_code)
  values ($1, $2, $3)
  on conflict on constraint suppressed_addresses_pkey do update
  -- A complaint weighs more than a bounce: it says that the mail came, and was not wanted.
  set reason = excluded.reason, status_code = excluded.status_code
  where s.reason = 'bounce' and excluded.reason <> 'bounce'
$function$;

CREATE OR REPLACE FUNCTION usher.take_allowance(key text, amount integer, allowance integer, period interval, is_secret boolean DEFAULT false)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_limit   usher.rate_limits;
  v_left    interval;
  v_headers jsonb;
begin
  insert into usher.rate_limits as r (key, window_start, used)
  values (take_allowance.key, now(), take_allowance.amount)
  on conflict on constraint rate_limits_pkey do update
  set
    window_start = case when r.window_start + take_allowance.period <= now() then now() else r.window_start end,
    used = take_allowance.amount
      + case when r.window_start + take_allowance.period <= now() then 0 else r.used end
  returning r.* into v_limit;

  v_left := v_limit.window_start + take_allowance.period - now();
  v_headers := case when take_allowance.is_secret then '{}' else usher.rate_limit_headers(
    split_part(take_allowance.key, ':', 1), take_allowance.allowance,
    take_allowance.allowance - v_limit.used, take_allowance.period, v_left) end;
  if v_limit.used > take_allowance.allowance then
    perform usher.fail_rate_limited(v_left, v_headers);
  elsif not take_allowance.is_secret then
    -- PostgREST's way to set headers of the answer; nobody reads it elsewhere.
    perform set_config('response.headers',
      (select jsonb_agg(jsonb_build_object(h.key, h.value)) from jsonb_each(v_headers) h)::text, true);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.take_idempotency_key(idempotency_key text, request_hash bytea)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_kept usher.idempotency_keys;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  elsif coalesce(take_idempotency_key.idempotency_key, '') !~ '^[!-~]{16,255}$' then
    perform usher.fail('invalid_settings',
      hint => 'The idempotency key is 16 to 255 visible ASCII characters, such as a new UUID.');
  end if;

  -- Held until the end of the transaction, so that a second request at the same time is told apart
  -- from one that comes later.
  if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended(
    'usher.idempotency_keys:' || auth.uid() || take_idempotency_key.idempotency_key, 0)) then
    perform usher.fail('idempotency_key_in_use', headers => '{"Retry-After": "1"}');
  end if;

  -- A few at a time, and none that another caller is removing now.
  delete from usher.idempotency_keys k
  where (k.user_id, k.key_hash) in (
    select o.user_id, o.key_hash
    from usher.idempotency_keys o
    where o.created_at < now() - interval '24 hours'
    order by o.created_at
    limit 100
    for update skip locked
  );

  select k.* into v_kept
  from usher.idempotency_keys k
  where k.user_id = auth.uid()
    and k.key_hash = sha256(convert_to(take_idempotency_key.idempotency_key, 'UTF8'))
    and k.created_at >= now() - interval '24 hours';
  if not found then
    return null;
  elsif v_kept.request_hash <> take_idempotency_key.request_hash then
    perform usher.fail('idempotency_key_reused');
  end if;
  return extensions.pgp_sym_decrypt(v_kept.result, take_idempotency_key.idempotency_key)::jsonb;
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
  join public.organisation_members m
    on m.organisation_id = t.organisation_id and m.user_id = auth.uid() and m.status = 'active'
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

CREATE OR REPLACE FUNCTION usher.template_for_mail(kind text, organisation_id uuid, locale text, template_id uuid)
 RETURNS public.organisation_email_templates
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select t
  from public.organisation_email_templates t
  where t.organisation_id = $2 and t.kind = $1
    and (t.id = $4 or t.is_default and t.locale in ($3, split_part($3, '-', 1)))
  order by t.id is not distinct from $4 desc, length(t.locale) desc
  limit 1
$function$;

CREATE OR REPLACE FUNCTION usher.template_problem(kind text, template jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  v_allowed text[] := (select k.placeholders from usher.mail_kinds() k where k.kind = template_problem.kind);
  v_part    record;
  v_unknown text;
begin
  if v_allowed is null then
    return format('There is no mail of the kind %L.', template_problem.kind);
  end if;
  if not coalesce(usher.is_locale(template_problem.template ->> 'locale'), false) then
    return 'locale is a language such as de or de-AT.';
  end if;
  if usher.clean_line(template_problem.template ->> 'name', 100) is null then
    return 'name is one line of 1 to 100 characters.';
  end if;

  for v_part in
    select p.name, template_problem.template ->> p.name as value,
      case p.name when 'body' then usher.clean_text(template_problem.template ->> p.name, 5000)
        else usher.clean_line(template_problem.template ->> p.name, p.max_length) end as clean
    from (values ('subject', 200), ('heading', 200), ('body', 5000), ('button', 60)) p (name, max_length)
  loop
    continue when v_part.value is null;
    if coalesce(v_part.clean, '') = '' then
      return format('%s is %s, without control characters, or null.', v_part.name,
        case v_part.name when 'body' then 'text of 1 to 5,000 characters'
          when 'button' then 'one line of 1 to 60 characters' else 'one line of 1 to 200 characters' end);
    end if;
    select m.found [1] into v_unknown
    from regexp_matches(v_part.clean, '\{\{\s*([^{}]*?)\s*\}\}', 'g') m (found)
    where m.found [1] <> all (v_allowed) or v_part.name = 'button'
    limit 1;
    if found then
      return format('%s: there is no placeholder {{%s}} here; %s.', v_part.name, v_unknown,
        case v_part.name when 'button' then 'a button has none'
          else 'there are {{' || array_to_string(v_allowed, '}}, {{') || '}}' end);
    end if;
    if regexp_replace(v_part.clean, '\{\{[^{}]*\}\}', '', 'g') ~ '\{\{|\}\}' then
      return format('%s: a placeholder is {{name}}, in two braces on each side.', v_part.name);
    end if;
  end loop;

  -- A link must lead where whoever saved it saw it lead.
  if template_problem.template ->> 'body' ~ '\]\((?!https://[^\s{}()]+\))' then
    return 'body: a link is [words](https://…), to an https address without spaces, brackets or placeholders.';
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_email_template(template_id uuid, changes jsonb)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before  public.organisation_email_templates := usher.template_for_change(update_email_template.template_id);
  v_after   public.organisation_email_templates;
  v_unknown text;
begin
  if jsonb_typeof(update_email_template.changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of parts and texts.');
  end if;
  select k into v_unknown
  from jsonb_object_keys(update_email_template.changes) k
  where k not in ('locale', 'name', 'subject', 'heading', 'body', 'button', 'is_default') limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be changed.', v_unknown));
  end if;
  begin
    v_after := jsonb_populate_record(v_before, update_email_template.changes);
  exception
    when data_exception then
      perform usher.fail('invalid_settings', hint => 'is_default is true or false.');
  end;

  v_after := usher.save_email_template(v_after);
  perform usher.record_event(v_after.organisation_id, 'template.updated', 'template', v_after.id,
    before => (select jsonb_object_agg(b.key, b.value) from jsonb_each(to_jsonb(v_before)) b
      where b.key <> 'updated_at' and to_jsonb(v_after) -> b.key <> b.value),
    after  => (select jsonb_object_agg(a.key, a.value) from jsonb_each(to_jsonb(v_after)) a
      where a.key <> 'updated_at' and to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
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
    'audit_retention', 'sender_name', 'track_opens'];
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
  v_after.sender_name := case when v_after.sender_name is not null
    then coalesce(usher.clean_line(v_after.sender_name, 100), '') end;
  v_after.reply_to := case when v_after.reply_to is not null
    then coalesce(usher.normalise_email(v_after.reply_to), '') end;
  v_after.accent_colour := lower(v_after.accent_colour);
  v_after.allowed_email_domains := array(
    select distinct lower(btrim(d, ' @')) from unnest(v_after.allowed_email_domains) d order by 1);

  if v_after.name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters, without control characters.');
  elsif v_after.sender_name = '' then
    perform usher.fail('invalid_settings',
      hint => 'sender_name is one line of 1 to 100 characters, without control characters, or null.');
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
    or v_after.self_service_resend is null or v_after.expiry_mail is null or v_after.track_opens is null
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
      reminder_before = v_after.reminder_before, audit_retention = v_after.audit_retention,
      sender_name = v_after.sender_name, track_opens = v_after.track_opens
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
  v_settings.functions_url := rtrim(v_settings.functions_url, '/');
  if v_settings.functions_url is not null and usher.url_origin(v_settings.functions_url) is null then
    perform usher.fail('invalid_settings',
      hint => 'functions_url is an absolute https address (http only for this machine itself), or null.');
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
      -- Auth writes addresses in lower case, and has an index of those without single sign-on.
      select from auth.users u where u.email = v_invite.email and u.is_sso_user = false);
    if not v_preview.has_account and to_regclass('auth.identities') is not null then
      v_preview.has_account := exists (
        select from auth.identities d where d.email = v_invite.email and d.provider like 'sso:%');
    end if;
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
begin
  perform usher.require_permission(verify_audit_trail.organisation_id, 'audit.read');
  return usher.check_audit_trail(verify_audit_trail.organisation_id);
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
  -- The length apart: counting in a pattern takes longer than all else here.
  if verify_invite_token.token is null or length(verify_invite_token.token) <> 120
    or verify_invite_token.token !~ '^inv_[A-Za-z0-9_-]+$'
  then
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

CREATE OR REPLACE FUNCTION usher.verify_stop_token(token text)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_bytes  bytea;
  v_secret bytea;
  v_blind  bytea := extensions.gen_random_bytes(32);
begin
  if verify_stop_token.token is null or verify_stop_token.token !~ '^stp_[A-Za-z0-9_-]{68}$' then
    return null;
  end if;
  v_bytes := decode(translate(substring(verify_stop_token.token from 5), '-_', '+/'), 'base64');
  v_secret := usher.signing_key_secret(get_byte(v_bytes, 1) * 256 + get_byte(v_bytes, 2));
  -- Compared in constant time, as usher.verify_invite_token does.
  if get_byte(v_bytes, 0) <> 2 or v_secret is null
    or extensions.hmac(extensions.hmac(substring(v_bytes from 1 for 19), v_secret, 'sha256'), v_blind, 'sha256')
      <> extensions.hmac(substring(v_bytes from 20), v_blind, 'sha256')
  then
    return null;
  end if;
  return encode(substring(v_bytes from 4 for 16), 'hex')::uuid;
end
$function$;

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_kind" CHECK ((kind = ANY (ARRAY['invite'::text, 'invite_reminder'::text, 'invite_accepted'::text, 'invite_declined'::text, 'invite_expired'::text, 'invite_resend_requested'::text, 'member_roles_updated'::text, 'member_removed'::text, 'member_banned'::text, 'ownership_transferred'::text, 'join_requested'::text, 'join_approved'::text, 'join_declined'::text, 'device_enrolled'::text, 'auth'::text])));

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_sent" CHECK (((status = ANY (ARRAY['sent'::text, 'delivered'::text, 'opened'::text, 'bounced'::text, 'complained'::text])) = (sent_at IS NOT NULL)));

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_status" CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'cancelled'::text, 'suppressed'::text, 'delivered'::text, 'opened'::text, 'bounced'::text, 'complained'::text])));

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_subject" CHECK ((num_nonnulls(invite_id, member_id) <= 1));

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_tenant" CHECK (((organisation_id IS NULL) = (kind = 'auth'::text)));

ALTER TABLE "public"."organisation_email_templates" ADD CONSTRAINT "organisation_email_templates_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "usher"."delivery_events" ADD CONSTRAINT "delivery_events_delivery_id_fkey" FOREIGN KEY (delivery_id) REFERENCES public.organisation_deliveries(id) ON DELETE CASCADE;

ALTER TABLE "usher"."idempotency_keys" ADD CONSTRAINT "idempotency_keys_user_id_fkey" FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE "usher"."invites" ADD CONSTRAINT "invites_template_id_fkey" FOREIGN KEY (template_id) REFERENCES public.organisation_email_templates(id) ON DELETE SET NULL;

ALTER TABLE "usher"."mail_opt_outs" ADD CONSTRAINT "mail_opt_outs_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_limits" CHECK (((resend_cooldown >= '00:00:00'::interval) AND (resends_per_day >= 0) AND (invites_per_day >= 0) AND (mails_per_minute_to_domain > 0) AND (mails_per_minute_of_organisation > 0)));

ALTER TABLE "usher"."suppressed_addresses" ADD CONSTRAINT "suppressed_addresses_reason" CHECK ((reason = ANY (ARRAY['bounce'::text, 'complaint'::text, 'operator'::text])));

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
    bounced_at
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
    a.email AS granted_by_email
   FROM ((((public.organisation_members m
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
     LEFT JOIN public.organisation_members a ON (((a.organisation_id = m.organisation_id) AND (a.user_id = g.granted_by))))
  WHERE (m.status = 'active'::text);

CREATE VIEW "usher"."audit_export" WITH (security_invoker=true) AS  SELECT e.organisation_id,
    o.name AS organisation,
    e.occurred_at,
    e.id AS event_id,
    e.event,
    e.actor_kind,
    e.actor_id,
    a.email AS actor_email,
    e.target_kind,
    e.target_id,
    t.email AS target_email,
    e.before,
    e.after,
    e.reason,
    e.ip,
    e.user_agent,
    s.seal_number,
    s."position" AS seal_position,
    encode(s.hash, 'hex'::text) AS event_hash,
    encode(s.personal_hash, 'hex'::text) AS personal_hash
   FROM ((((public.organisation_audit_events e
     LEFT JOIN public.organisations o ON ((o.id = e.organisation_id)))
     LEFT JOIN public.organisation_members a ON (((a.organisation_id = e.organisation_id) AND (a.user_id = e.actor_id))))
     LEFT JOIN public.organisation_members t ON (((t.organisation_id = e.organisation_id) AND (t.user_id = e.target_id) AND (e.target_kind = 'user'::text))))
     LEFT JOIN usher.sealed_events s ON ((s.event_id = e.id)));

CREATE VIEW "usher"."expiring_invites" WITH (security_invoker=true) AS  SELECT i.id,
    i.organisation_id,
    o.name AS organisation,
    i.email,
    i.device_name,
    i.roles,
    m.email AS invited_by_email,
    i.issued_at,
    i.expires_at,
    (i.reminded_issue = i.issue) AS is_reminded,
    d.status AS mail
   FROM (((usher.invites i
     JOIN public.organisations o ON ((o.id = i.organisation_id)))
     LEFT JOIN public.organisation_members m ON (((m.organisation_id = i.organisation_id) AND (m.user_id = i.invited_by))))
     LEFT JOIN LATERAL ( SELECT n.status
           FROM public.organisation_deliveries n
          WHERE ((n.invite_id = i.id) AND (n.kind = 'invite'::text))
          ORDER BY n.created_at DESC
         LIMIT 1) d ON (true))
  WHERE ((i.status = 'pending'::text) AND ((i.expires_at >= now()) AND (i.expires_at <= (now() + '2 days'::interval))));

CREATE VIEW "usher"."sent_mails" WITH (security_invoker=true) AS  SELECT d.sent_at,
    d.organisation_id,
    o.name AS organisation,
    d.kind,
    d.recipient,
    d.id AS message_id,
    d.provider_message_id,
    d.attempts,
    d.last_response AS answer,
    d.invite_id,
    d.member_id
   FROM (public.organisation_deliveries d
     JOIN public.organisations o ON ((o.id = d.organisation_id)))
  WHERE (d.status = 'sent'::text);

CREATE VIEW "usher"."signing_key_states" WITH (security_invoker=true) AS  SELECT id,
        CASE
            WHEN (retired_at IS NULL) THEN 'signs'::text
            WHEN (retired_at > (now() - '30 days'::interval)) THEN 'verifies'::text
            ELSE 'dead'::text
        END AS state,
        CASE
            WHEN (secret IS NULL) THEN 'vault'::text
            ELSE 'table'::text
        END AS kept_in,
    created_at,
    retired_at,
    (retired_at + '30 days'::interval) AS verifies_until,
    ((retired_at IS NULL) AND (created_at < (now() - '1 year'::interval))) AS is_due
   FROM usher.signing_keys k;

CREATE VIEW "usher"."stuck_deliveries" WITH (security_invoker=true) AS  SELECT
        CASE
            WHEN ((d.status = 'failed'::text) AND (d.in_doubt_at IS NOT NULL)) THEN 'in_doubt'::text
            WHEN (d.status = ANY (ARRAY['failed'::text, 'suppressed'::text])) THEN d.status
            WHEN (d.status = 'sending'::text) THEN 'abandoned'::text
            WHEN (d.attempts = 0) THEN 'waiting'::text
            ELSE 'retrying'::text
        END AS problem,
    d.id,
    d.organisation_id,
    o.name AS organisation,
    d.kind,
    d.recipient,
    d.attempts,
    d.created_at,
    d.due_at,
    d.in_doubt_at,
    d.last_status_code,
    d.last_response
   FROM (public.organisation_deliveries d
     JOIN public.organisations o ON ((o.id = d.organisation_id)))
  WHERE ((d.status = ANY (ARRAY['failed'::text, 'suppressed'::text])) OR ((d.status = ANY (ARRAY['queued'::text, 'sending'::text])) AND (d.due_at < (now() - '00:10:00'::interval))) OR ((d.status = 'queued'::text) AND (d.attempts >= 3)));

CREATE VIEW "usher"."unsealed_trails" WITH (security_invoker=true) AS  SELECT e.organisation_id,
    o.name AS organisation,
    count(*) AS events,
    min(e.occurred_at) AS oldest_at,
    (min(e.occurred_at) < (now() - '00:10:00'::interval)) AS is_late
   FROM (public.organisation_audit_events e
     LEFT JOIN public.organisations o ON ((o.id = e.organisation_id)))
  WHERE (NOT (EXISTS ( SELECT
           FROM usher.sealed_events s
          WHERE (s.event_id = e.id))))
  GROUP BY e.organisation_id, o.name;

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

CREATE UNIQUE INDEX organisation_deliveries_dedupe_key ON public.organisation_deliveries USING btree (dedupe_key) WHERE (dedupe_key IS NOT NULL);

CREATE INDEX organisation_deliveries_provider_message_id ON public.organisation_deliveries USING btree (provider_message_id) WHERE (provider_message_id IS NOT NULL);

CREATE UNIQUE INDEX organisation_email_templates_one_default ON public.organisation_email_templates USING btree (organisation_id, kind, locale) WHERE is_default;

CREATE INDEX delivery_events_delivery_id ON usher.delivery_events USING btree (delivery_id);

CREATE INDEX idempotency_keys_created_at ON usher.idempotency_keys USING btree (created_at);

CREATE INDEX invites_ended ON usher.invites USING btree (organisation_id, COALESCE(accepted_at, declined_at, revoked_at, expires_at));

CREATE INDEX invites_template_id ON usher.invites USING btree (template_id) WHERE (template_id IS NOT NULL);

CREATE POLICY "organisation_audit_events_select" ON "public"."organisation_audit_events" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('audit.read'::text) AS organisations_where)));

CREATE POLICY "organisation_deliveries_select" ON "public"."organisation_deliveries" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('invite.read'::text) AS organisations_where)));

CREATE POLICY "organisation_domains_select" ON "public"."organisation_domains" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('organisation.update'::text) AS organisations_where)));

CREATE POLICY "organisation_email_templates_select" ON "public"."organisation_email_templates" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('invite.read'::text) AS organisations_where)));

CREATE POLICY "organisation_join_requests_select" ON "public"."organisation_join_requests" FOR SELECT TO "authenticated" USING (((user_id = ( SELECT auth.uid() AS uid)) OR (organisation_id IN ( SELECT usher.organisations_where('invite.read'::text) AS organisations_where))));

CREATE POLICY "organisation_members_select" ON "public"."organisation_members" FOR SELECT TO "authenticated" USING (((user_id = ( SELECT auth.uid() AS uid)) OR (organisation_id IN ( SELECT usher.organisations_where('member.read'::text) AS organisations_where))));

CREATE POLICY "organisation_role_exclusions_select" ON "public"."organisation_role_exclusions" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('role.read'::text) AS organisations_where)));

CREATE POLICY "organisation_roles_select" ON "public"."organisation_roles" FOR SELECT TO "authenticated" USING (((organisation_id IS NULL) OR (organisation_id IN ( SELECT usher.organisations_where('role.read'::text) AS organisations_where))));

CREATE POLICY "organisations_select" ON "public"."organisations" FOR SELECT TO "authenticated" USING ((id IN ( SELECT usher.organisations_where('organisation.read'::text) AS organisations_where)));

CREATE POLICY "delivery_events_nobody" ON "usher"."delivery_events" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "idempotency_keys_nobody" ON "usher"."idempotency_keys" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "invites_select" ON "usher"."invites" FOR SELECT TO "authenticated" USING ((organisation_id IN ( SELECT usher.organisations_where('invite.read'::text) AS organisations_where)));

CREATE POLICY "mail_opt_outs_nobody" ON "usher"."mail_opt_outs" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "mail_pace_nobody" ON "usher"."mail_pace" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_deliveries"."dedupe_key" IS 'Tells that a mail of Supabase Auth was asked for before.';

COMMENT ON COLUMN "public"."organisation_deliveries"."facts" IS 'What a mail says beside its invite, as it was when it was caused: roles, by whom, the reason.';

COMMENT ON COLUMN "public"."organisation_deliveries"."is_paced" IS 'Whether its due_at is a place in the line of its organisation and its recipient''s domain.';

COMMENT ON COLUMN "public"."organisation_deliveries"."opened_at" IS 'When it was first opened; only where the organisation allows it, and its mail provider tells.';

COMMENT ON COLUMN "public"."organisation_deliveries"."organisation_id" IS 'Null for mails of Supabase Auth only, which no member can read: see 43_auth_mails.sql.';

COMMENT ON COLUMN "public"."organisation_email_templates"."body" IS 'Text with placeholders and a little Markdown, in place of the mail''s first words; null: as built in.';

COMMENT ON COLUMN "public"."organisation_email_templates"."button" IS 'One line without placeholders; null: as built in.';

COMMENT ON COLUMN "public"."organisation_email_templates"."heading" IS 'One line with placeholders; null: as built in.';

COMMENT ON COLUMN "public"."organisation_email_templates"."is_default" IS 'Whether it counts for mails of its kind and language that name no template.';

COMMENT ON COLUMN "public"."organisation_email_templates"."kind" IS 'Which mail; one of usher.mail_kinds().';

COMMENT ON COLUMN "public"."organisation_email_templates"."locale" IS 'Its language, such as de or de-AT: dates and roles in the mail are said in it, too.';

COMMENT ON COLUMN "public"."organisation_email_templates"."subject" IS 'One line with placeholders; null: as built in.';

COMMENT ON COLUMN "public"."organisations"."sender_name" IS 'Who its mails come from by name; null: its name.';

COMMENT ON COLUMN "public"."organisations"."track_opens" IS 'Whether it is recorded that a mail was opened, where the mail provider tells.';

COMMENT ON COLUMN "usher"."idempotency_keys"."result" IS 'Encrypted under the key, which is kept nowhere: the code of a device may be in it.';

COMMENT ON COLUMN "usher"."invites"."bounced_at" IS 'When the mail of the present issue came back for good, or was not sent because the address takes none.';

COMMENT ON COLUMN "usher"."invites"."template_id" IS 'How its mail is worded; null: by the organisation''s default.';

COMMENT ON COLUMN "usher"."settings"."functions_url" IS 'Where edge functions answer, without a slash at the end, such as https://<project>.supabase.co/functions/v1.
With it, mails to invitees carry a one-click header to stop them (RFC 8058).';

COMMENT ON COLUMN "usher"."settings"."mails_per_minute_of_organisation" IS 'How many mails of one organisation may go out in a minute; null: as many as there are.';

COMMENT ON COLUMN "usher"."settings"."mails_per_minute_to_domain" IS 'How many mails may go to one domain in a minute; null: as many as there are.';

COMMENT ON COLUMN "usher"."suppressed_addresses"."reason" IS 'bounce: a mail server said that it does not exist; complaint: its owner called a mail spam; operator: by hand.';

COMMENT ON COLUMN "usher"."suppressed_addresses"."status_code" IS 'What the mail server said, such as 5.1.1 (RFC 3463).';

COMMENT ON FUNCTION "public"."accept_organisation_invite"(text) IS 'Accepts an invite: the caller becomes a member with the invite''s roles, in one transaction.

  token  as the mailed link carries it

Returns the membership. Anyone signed in whose confirmed address is the invited one may. Fails with
unauthenticated, invite_invalid, invite_superseded, invite_already_accepted, invite_declined,
invite_revoked, invite_expired, invite_wrong_email, email_unverified, invalid_role (a role is gone),
domain_not_allowed, seat_limit_reached, already_member, member_banned; the invite then stays as it was.';

COMMENT ON FUNCTION "public"."call_organisation_function_once"(text, text, jsonb) IS 'Calls one of the create_organisation functions, but only once for each key: called again with the same key
and the same arguments, it does nothing and returns what the first call has returned.

  idempotency_key  16 to 255 visible ASCII characters, such as a new UUID; kept for 24 hours, for the caller
  function_name    such as create_organisation_invite
  arguments        an object of its arguments, named as in SQL

Returns the result of the function and whether it is that of an earlier call. Needs what the function
needs. Fails as the function does, and then keeps nothing; and with unauthenticated, invalid_settings,
idempotency_key_in_use (the first call still runs), idempotency_key_reused (for other arguments).';

COMMENT ON FUNCTION "public"."create_organisation_email_template"(uuid, text, text, text, text, text, text, text, boolean) IS 'Words a kind of mail in one language; what is left out is said as built in.

  kind        such as invite, invite_reminder, member_roles_updated, join_approved
  locale      such as de or de-AT
  name        tells several of one kind apart: one line, 1 to 100 characters
  subject     one line of at most 200 characters, with placeholders such as {{organisation}}
  heading     the same
  body        at most 5,000 characters, with placeholders and a little Markdown: paragraphs, lists, **bold**,
              *italic*, [links](https://…)
  button      one line of at most 60 characters
  is_default  whether it counts for mails that name no template; takes the place of the one that did

Placeholders: organisation everywhere; for invites inviter, invitee, roles, expires_in, expires_at; what a
refusal does not know, its hint lists. Returns the template; its id is what create_organisation_invite takes.
Needs organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings (hint says what is wrong).';

COMMENT ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) IS 'Invites an address to an organisation, with exactly these roles; the mail goes out at once.

  email        one address; case and spaces around it do not matter
  roles        1 to 20 names of roles; never owner, which is transferred
  expires_in   1 hour to 30 days; without it, the organisation''s invite_ttl (7 days)
  message      to the invitee: plain text of at most 1,000 characters
  locale       language of the mail and the page, such as de-AT; without it, the organisation''s
  redirect_to  where to go after accepting: a path, or an address of an allowed origin
  metadata     an object of at most 8 kB for the application''s own use
  template_id  a template of the kind invite; without it, the organisation''s default, or the built-in one

Returns the invite, never the token. Needs invite.create, and the right to give each of the roles. Fails
with unauthenticated, organisation_not_found, permission_denied, role_not_assignable, domain_not_allowed,
member_banned, already_member, already_invited (details: the id of the open invite), seat_limit_reached,
invalid_email, invalid_role, invalid_expiry, invalid_message, invalid_redirect, invalid_settings,
rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) IS 'Invites up to 10,000 addresses in one call; good rows are not lost to bad ones.

  invites  an array of objects with the parameters of create_organisation_invite: email and roles, and
           where wanted expires_in, message, locale, redirect_to, metadata, template_id

Returns a row for each row given, in order: row_number (from 1), email, status (created or failed),
invite_id, error_code, error_details (for already_invited: the id of the invite in the way). Needs
invite.create. Fails as a whole with unauthenticated, organisation_not_found, permission_denied,
batch_too_large, seat_limit_reached, invalid_settings, rate_limited.';

COMMENT ON FUNCTION "public"."delete_organisation_email_template"(uuid) IS 'Deletes a template; open invites that name it are mailed as built in from now on. Needs organisation.update.
Fails with unauthenticated, organisation_not_found (no such template), permission_denied.';

COMMENT ON FUNCTION "public"."expire_organisation_invite"(uuid) IS 'Lets a pending invite expire now. Unlike a revoked one, it can be sent again.

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found,
permission_denied, invite_not_pending.';

COMMENT ON FUNCTION "public"."has_organisation_permission"(uuid, text) IS 'Whether the caller may do something in an organisation.

  permission  thing.action, such as invite.create

False, too, for an organisation or a permission that does not exist. For one row; to filter many, let a
policy ask usher.organisations_where. Anyone signed in may.';

COMMENT ON FUNCTION "public"."lift_organisation_mail_suppression"(uuid, text) IS 'Lets mails go again to an address that a mail server said does not exist: for a mailbox that was made since.

  email  one that a mail of this organisation came back from

Returns whether it was stopped for that. Complaints, and what its owner has stopped, stay. Needs invite.resend;
50 a day. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_email, rate_limited.';

COMMENT ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) IS 'The invites of an organisation, newest first, a page at a time.

  status     only those that are pending, accepted, declined, revoked or expired
  search     only those whose address, or device''s name, holds this text, in any case
  cursor     the id of the last invite of the page before; without it, the first page
  page_size  1 to 500

Returns invites; fewer than page_size means that there are no more. Needs invite.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invite_not_found (a cursor
that is not this organisation''s).';

COMMENT ON FUNCTION "public"."resend_organisation_invite"(uuid) IS 'Sends an invite again: a new mail with a new link, the old links die, and its time starts anew.

  invite_id  an invite that is pending or has expired

Returns the invite. Needs invite.resend, and the right to give its roles. Fails with unauthenticated,
invite_not_found, permission_denied, invite_not_pending, role_not_assignable, invalid_role,
domain_not_allowed, already_member, member_banned, already_invited, rate_limited (with Retry-After).';

COMMENT ON FUNCTION "public"."retry_organisation_delivery"(uuid) IS 'Tries a mail anew that has failed or was suppressed, from its first try on. One for an invite that is no
longer open is cancelled when its turn comes, and one to an address that still gets no mail is suppressed again:
lift_organisation_mail_suppression comes first.

  delivery_id  a row of organisation_deliveries

Returns the delivery. Needs invite.resend. Fails with unauthenticated, invite_not_found (no such mail),
permission_denied, invite_not_pending (it has not failed; details: its status).';

COMMENT ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) IS 'Withdraws a pending invite for good; its link stops working at once.

  invite_id  the invite
  reason     at most 500 characters; for the audit trail, never shown to the invitee

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found (also for another
tenant''s), permission_denied, invite_not_pending, invalid_message.';

COMMENT ON FUNCTION "public"."stop_organisation_mail"(text, boolean) IS 'Stops invites and reminders of an organisation to the address that a mail went to.

  token  as the mail''s link to stop carries it; it is good for nothing else
  stop   false takes it back

Returns the name of the organisation, also when it was stopped before. Whoever holds the link may, with or
without an account. Fails with invite_invalid.';

COMMENT ON FUNCTION "public"."update_organisation"(uuid, jsonb) IS 'Changes settings of an organisation; what is left out stays, and null takes an optional one back.

  changes  an object with any of
    name                   one line, 1 to 100 characters
    slug                   2 to 63 of a-z, 0-9 and single inner hyphens
    logo_url               an https address, or null
    accent_colour          #rrggbb, or null
    sender_name            who its mails come from by name: one line, 1 to 100 characters, or null: its name
    reply_to               where answers to its mails go, or null
    locale                 language of its mails, such as de-AT
    invite_ttl             lifetime of invites: 1 hour to 30 days
    seat_limit             how many active members there may be, 1 or more, or null
    allowed_email_domains  only addresses of these may be invited and may accept; empty: any
    self_service_resend    whether the holder of an expired link gets a new one without an admin
    expiry_mail            whether who sent an invite hears when it has expired
    track_opens            whether it is recorded that a mail was opened, where the mail provider tells
    reminder_before        how long before its end an invite is brought to mind: 1 hour to 14 days, or null
    audit_retention        how long the trail is kept, 30 days or more, or null: for ever

Returns the organisation. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.';

COMMENT ON FUNCTION "public"."update_organisation_email_template"(uuid, jsonb) IS 'Changes a template; mails that go out from now on say it so.

  changes  an object with any of locale, name, subject, heading, body, button, is_default, as in
           create_organisation_email_template; what is left out stays, null: as built in

Returns the template. Needs organisation.update. Fails with unauthenticated, organisation_not_found (no such
template), permission_denied, invalid_settings (hint says what is wrong).';

COMMENT ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) IS 'Changes what a pending invite offers. The roles are signed into the link, so a new mail goes out, and the old
links die; the time that is left stays.

  roles  as in create_organisation_invite

Returns the invite. Needs invite.create, and the right to give the old roles and the new. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, invalid_role,
role_not_assignable.';

COMMENT ON FUNCTION "public"."validate_organisation_invite"(text) IS 'What an invitee may see before deciding: who invites to what, as what, until when.

  token  as the mailed link carries it

Never raises for a bad token and never changes anything. status is pending, accepted, declined, revoked,
expired, superseded (a newer mail was sent) or invalid; reason is the error code that accepting would give,
null while it is pending. has_account says whether to offer signing in or registering. A link that is
spent shows the organisation only; one that is not ours, nothing. Anyone may.';

COMMENT ON FUNCTION "usher"."accept_open_invite"(usher.invites) IS 'Makes the caller a member by this invite, which was open when it was read, if it is theirs and still is: one
transaction, with the event and the mail. Fails as public.accept_organisation_invite says, but for what is
wrong with a token.';

COMMENT ON FUNCTION "usher"."call_function_once"(text, text, jsonb) IS 'The rule behind public.call_organisation_function_once.';

COMMENT ON FUNCTION "usher"."call_statement"(text, jsonb) IS 'The statement that calls a create_organisation function with the arguments in $1, named as in SQL. Every name
in it comes from the catalog. Fails with invalid_settings.';

COMMENT ON FUNCTION "usher"."check_audit_trail"(uuid) IS 'Recomputes the seals of a trail, whoever asks; also of an organisation that is gone. For operators, and for
usher.verify_audit_trail.';

COMMENT ON FUNCTION "usher"."check_audit_trails"() IS 'Recomputes the seals of all trails, also of organisations that are gone; those that are not whole come first.
Columns as in verify_organisation_audit_trail. For operators. Reads every event: minutes, where there are
millions.';

COMMENT ON FUNCTION "usher"."clean_line"(text, integer) IS 'One line of text that may stand in a subject or beside other text: trimmed, NFC, 1 to max_length
characters. Null if it holds a line break, another control character, or one that turns the direction
of the text around it: each can make a mail say what its sender did not write.';

COMMENT ON FUNCTION "usher"."clean_roles"(text[]) IS 'Sorted, each once: the one form in which a set of roles is stored, compared and signed.';

COMMENT ON FUNCTION "usher"."clean_text"(text, integer) IS 'Text of several lines: trimmed, NFC, at most max_length characters. Null if it holds a control
character other than a line break or a tab, or one that turns the direction of the text.';

COMMENT ON FUNCTION "usher"."create_email_template"(uuid, jsonb) IS 'The rule behind public.create_organisation_email_template.';

COMMENT ON FUNCTION "usher"."create_invite"(uuid, jsonb) IS 'One invite by the rule of usher.create_invites; a refusal is raised.';

COMMENT ON FUNCTION "usher"."delete_email_template"(uuid) IS 'The rule behind public.delete_organisation_email_template.';

COMMENT ON FUNCTION "usher"."delivery_metrics"() IS 'How many mails are in which status, and for how many seconds the oldest of those due has waited. For the
worker''s metrics.';

COMMENT ON FUNCTION "usher"."display_name"(jsonb) IS 'What a person calls themselves in their sign-up data, if it is one line of at most 100 characters.
They can write anything there: it is shown beside the address, and decides nothing.';

COMMENT ON FUNCTION "usher"."email_domain"(text) IS 'The part after the @ of a normalised address.';

COMMENT ON FUNCTION "usher"."end_undeliverable"(public.organisation_deliveries, usher.invites) IS 'Ends a delivery that must not go out any more, cancelled or suppressed. Returns whether it did.';

COMMENT ON FUNCTION "usher"."enqueue_auth_mail"(text, text, text, bytea) IS 'Puts a mail of Supabase Auth into the outbox. For the function behind its Send Email hook.

  recipient   the address
  locale      the reader''s language, such as de-AT; null or another shape: that of their invite, or English
  sealed      what the mail says, encrypted with a key that only the functions have
  dedupe_key  a hash of user, action and token: the same again is not sent again

Returns whether it is new. Fails with invalid_email.';

COMMENT ON FUNCTION "usher"."enqueue_delivery"(text, uuid, text, text, uuid, boolean) IS 'Puts a mail about an invite into the outbox, to go out when this transaction has been committed.';

COMMENT ON FUNCTION "usher"."enqueue_invites"(uuid[], boolean) IS 'Puts the mails of several new invites into the outbox at once.';

COMMENT ON FUNCTION "usher"."enqueue_join_mail"(text, uuid, text, jsonb) IS 'Puts a mail about a request to join into the outbox: to an admin, or to the one who asked.';

COMMENT ON FUNCTION "usher"."enqueue_notice"(text, uuid, uuid) IS 'Puts a mail to a member about their membership into the outbox, with the facts as they are now: what is
written later must not change what the mail says happened.';

COMMENT ON FUNCTION "usher"."excluded_together"(uuid, text[]) IS 'The name of a separation of duty that these roles, held together, would break; null when none.';

COMMENT ON FUNCTION "usher"."expire_invite"(uuid) IS 'The rule behind public.expire_organisation_invite.';

COMMENT ON FUNCTION "usher"."fail_rate_limited"(interval, jsonb) IS 'Refuses with rate_limited; Retry-After, and details, say how many seconds to wait, at least one.';

COMMENT ON FUNCTION "usher"."has_permission"(uuid, text) IS 'The rule behind public.has_organisation_permission.';

COMMENT ON FUNCTION "usher"."invite_fingerprint"(text, text[]) IS '16 bytes that bind a token to the address and the exact roles that it was minted for.';

COMMENT ON FUNCTION "usher"."invite_problem"(usher.invites) IS 'The error code of why an invite cannot be answered any more; null when it can.';

COMMENT ON FUNCTION "usher"."invite_view"(uuid) IS 'An invite as the API shows it, for functions that return one.';

COMMENT ON FUNCTION "usher"."keep_idempotent_result"(text, bytea, jsonb) IS 'Keeps what a call has returned under the key that take_idempotency_key has taken.';

COMMENT ON FUNCTION "usher"."lift_mail_suppression"(uuid, text) IS 'The rule behind public.lift_organisation_mail_suppression.';

COMMENT ON FUNCTION "usher"."lift_suppression"(text) IS 'Lets mails go to an address again, whatever stopped them; for operators. Returns whether it was on the list.
What its owner has stopped of one organisation stays stopped.';

COMMENT ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) IS 'The rule behind public.list_organisation_invites.';

COMMENT ON FUNCTION "usher"."mail_kinds"() IS 'Every kind of mail of an organisation, and the placeholders that a template of it may name.';

COMMENT ON FUNCTION "usher"."mark_bounced"(public.organisation_deliveries) IS 'Shows on an invite that its mail did not arrive, unless it has been sent again since.';

COMMENT ON FUNCTION "usher"."mint_stop_token"(uuid) IS 'The token with which the recipient of this mail stops more of the same. Never stored; it works for as long as
its signing key is there, 30 days after a rotation at least. Source: RFC 8058 section 3.1.';

COMMENT ON FUNCTION "usher"."normalise_email"(text) IS 'The one form of an address that is stored and compared: trimmed, NFC, lower case. Null for anything
that is not one address of at most 254 characters. Dots and tags (a.b+c@…) are kept, because only the
mailbox''s owner knows what they mean there.

Source: RFC 5321 section 4.1.2; OWASP Input Validation Cheat Sheet, e-mail addresses.';

COMMENT ON FUNCTION "usher"."organisations_where"(text) IS 'The organisations in which the caller has a permission. For row level security, also of an application''s
own tables, evaluated once a query:

  using (organisation_id in (select usher.organisations_where(''billing.read'')))

Empty for whoever is not signed in.';

COMMENT ON FUNCTION "usher"."pace_deliveries"(integer) IS 'Gives mails that have come up their places in line. Called before each lease.

Returns whether there is a pace at all: mails_per_minute_to_domain or mails_per_minute_of_organisation is set.';

COMMENT ON FUNCTION "usher"."permissions_of"(uuid, text[]) IS 'What these roles permit together in this organisation.';

COMMENT ON FUNCTION "usher"."prepare_delivery"(uuid, bigint) IS 'All that a leased mail needs, read at this moment, with a token of its own. For workers, just before
sending.

Null when it is not to be sent any more: the fence is old, its invite is no longer open or was sent again
(the delivery is then cancelled), or the address gets no mail (it is then suppressed).';

COMMENT ON FUNCTION "usher"."purge_auth_mails"() IS 'Removes mails of Supabase Auth that are older than 30 days: no trail needs them. For workers. Returns how many.';

COMMENT ON FUNCTION "usher"."rate_limit_headers"(text, integer, integer, interval, interval) IS 'The headers that say how much is left: the allowance of a period, what remains of it, and for how many
seconds. Source: draft-ietf-httpapi-ratelimit-headers.';

COMMENT ON FUNCTION "usher"."recipient_problems"(uuid, text[]) IS 'For each of these addresses, why it may not be sent an invite of this organisation: domain_not_allowed,
member_banned, already_member; null when it may. invite_id is its open invite, if it has one.';

COMMENT ON FUNCTION "usher"."record_delivery_event"(text, text, text, uuid, text, timestamp with time zone, boolean, text, text) IS 'Writes down what a mail provider tells of a mail. For the function that takes its webhooks and has checked
that they are genuine.

  provider             such as resend; with event_id, what tells a repetition
  event_id             the provider''s own id of the event, or one made of what it tells
  kind                 delivered, opened, bounced or complained
  delivery_id          which mail, when the provider was given our id
  provider_message_id  which mail, otherwise
  occurred_at          when, by the provider''s clock; null: now
  is_permanent         of a bounce: whether the address will never take mail; it is then suppressed
  response             of a bounce: what the recipient''s server said, kept to 1,000 characters
  status_code          of a bounce: its enhanced status code (RFC 3463)

Returns recorded, duplicate (told before), unknown (no mail of ours), or ignored (opened, where the organisation
does not track that). The worst that is known is the status: complained, bounced, opened, delivered, sent.';

COMMENT ON FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text) IS 'Adds a line to the audit trail.

  event          thing.happened, such as invite.revoked
  target         what it happened to
  before, after  what changed, as it was and as it is; ids and values, never an address or a token
  actor_kind     null: the caller, or an operator when there is none';

COMMENT ON FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text) IS 'Adds a line to the audit trail for each of several targets. See usher.record_event.';

COMMENT ON FUNCTION "usher"."record_turn"(public.organisation_deliveries, text) IS 'Adds what became of a mail to the trail of its organisation: which mail and what, never to whom.';

COMMENT ON FUNCTION "usher"."requeue_deliveries"(uuid[]) IS 'Lets mails that failed, or wait for their next try, go out now, with all tries before them again. For operators,
once the cause is mended; an address that is suppressed has to be taken from usher.suppressed_addresses first. An
invite that is no longer open is not sent in any case.

  delivery_ids  the id of usher.stuck_deliveries

Returns how many there were.';

COMMENT ON FUNCTION "usher"."resend_invite"(uuid) IS 'The rule behind public.resend_organisation_invite.';

COMMENT ON FUNCTION "usher"."retry_delivery"(uuid) IS 'The rule behind public.retry_organisation_delivery.';

COMMENT ON FUNCTION "usher"."revoke_invite"(uuid, text) IS 'The rule behind public.revoke_organisation_invite.';

COMMENT ON FUNCTION "usher"."roles_with_inherited"(uuid, text[]) IS 'These roles and all that they inherit: the authorised roles of ANSI/INCITS 359-2004.';

COMMENT ON FUNCTION "usher"."save_email_template"(public.organisation_email_templates) IS 'Checks a template and writes it down, new or changed. Fails with invalid_settings, which says why.';

COMMENT ON FUNCTION "usher"."stop_mail"(text, boolean) IS 'The rule behind public.stop_organisation_mail.';

COMMENT ON FUNCTION "usher"."suppress_address"(text, text, text) IS 'Puts an address on the list of those that nothing is sent to: bounce, complaint or operator.';

COMMENT ON FUNCTION "usher"."take_allowance"(text, integer, integer, interval, boolean) IS 'Counts amount against an allowance within a period that starts with the first use, and says in the headers of
the answer what is left, unless that is_secret. Fails with rate_limited when that is more than there is; nothing
is counted then.';

COMMENT ON FUNCTION "usher"."take_idempotency_key"(text, bytea) IS 'Takes the caller''s key until the end of the transaction. Returns the result kept under it, null when there
is none. Fails with unauthenticated, invalid_settings, idempotency_key_in_use, idempotency_key_reused.';

COMMENT ON FUNCTION "usher"."template_for_change"(uuid) IS 'A template, locked, for a caller with organisation.update in its organisation; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."template_for_mail"(text, uuid, text, uuid) IS 'The template that a mail is worded by: the one that its invite names, or else the default of the reader''s
language, de-AT before de. Null: as built in.';

COMMENT ON FUNCTION "usher"."template_problem"(text, jsonb) IS 'What is wrong with a template of this kind, in words; null when it can be saved.';

COMMENT ON FUNCTION "usher"."update_email_template"(uuid, jsonb) IS 'The rule behind public.update_organisation_email_template.';

COMMENT ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) IS 'The rule behind public.update_organisation_invite_roles.';

COMMENT ON FUNCTION "usher"."verify_stop_token"(text) IS 'The delivery that a stop token was minted for; null when it is none of ours.';

COMMENT ON TABLE "public"."organisation_email_templates" IS 'How organisations word their mails. Read with invite.read; written by functions only.';

COMMENT ON TABLE "usher"."delivery_events" IS 'What providers have told, once each, so that a webhook that comes again changes nothing.';

COMMENT ON TABLE "usher"."idempotency_keys" IS 'What the calls of the last 24 hours that came with a key have returned.';

COMMENT ON TABLE "usher"."mail_opt_outs" IS 'Who has stopped invites and reminders of which organisation; only they start them again.';

COMMENT ON TABLE "usher"."mail_pace" IS 'When the next place is free in a line, such as domain:example.com. Old rows may be deleted.';

COMMENT ON TABLE "usher"."suppressed_addresses" IS 'Addresses that nothing is sent to. usher.lift_suppression takes one off.';

COMMENT ON TYPE "public"."organisation_call" IS 'What a call has returned, and whether that was kept from an earlier one with the same key.';

COMMENT ON VIEW "public"."organisation_invites" IS 'Invites as they stand at this moment. Read with invite.read; written by functions only.';

COMMENT ON VIEW "usher"."access_register" IS 'Who has access to what at this moment: a row for each role of each active member, with what the role
permits, since when they hold it, and who gave it to them. A member without a role is there with none. Where
the trail does not know (purged, or by SQL), since is the day of joining, and nobody has granted it.

Source: ISO/IEC 27001:2022 A.5.18, review of access rights.';

COMMENT ON VIEW "usher"."audit_export" IS 'The trail as an auditor wants it: with the addresses that people have today, and with the seal that covers each
line. An address is null for somebody who was erased. Order it by occurred_at, event_id.';

COMMENT ON VIEW "usher"."expiring_invites" IS 'Pending invites that expire within two days, and what became of their mail: not sent, they cannot be accepted.';

COMMENT ON VIEW "usher"."sent_mails" IS 'What a mail server took, when, for whom, and what it answered. message_id is the part of the Message-ID before
the @, to be found in the logs of any mail server on the way.';

COMMENT ON VIEW "usher"."signing_key_states" IS 'The keys that sign links, without the keys: which one signs, which still verify and until when, and whether it
is time for usher.rotate_signing_key.

Source: NIST SP 800-57 part 1 rev. 5, table 1: a symmetric authentication key signs for at most two years. Half
of that leaves time.';

COMMENT ON VIEW "usher"."stuck" IS 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

COMMENT ON VIEW "usher"."stuck_deliveries" IS 'Mails that somebody should look at.

  failed      given up; last_response says what the mail server answered
  in_doubt    given up after a connection was lost twice: it may have arrived
  suppressed  not sent, because the address does not exist
  waiting     due for ten minutes, and no worker has come
  abandoned   a worker took it and did not come back, and no other has come
  retrying    refused three times or more, and tried again

After mending the cause: usher.requeue_deliveries.';

COMMENT ON VIEW "usher"."unsealed_trails" IS 'Events that no seal covers yet, by organisation. A worker seals every minute; is_late after ten: until then,
nothing would tell that one was changed.';

REVOKE ALL ON FUNCTION "public"."accept_organisation_invite"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."accept_organisation_invite"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."call_organisation_function_once"(text, text, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."call_organisation_function_once"(text, text, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_email_template"(uuid, text, text, text, text, text, text, text, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_email_template"(uuid, text, text, text, text, text, text, text, boolean) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."delete_organisation_email_template"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."delete_organisation_email_template"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."expire_organisation_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."expire_organisation_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."has_organisation_permission"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."has_organisation_permission"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."lift_organisation_mail_suppression"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."lift_organisation_mail_suppression"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."resend_organisation_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."resend_organisation_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."retry_organisation_delivery"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."retry_organisation_delivery"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."revoke_organisation_invite"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."stop_organisation_mail"(text, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."stop_organisation_mail"(text, boolean) TO "anon", "authenticated";

GRANT EXECUTE ON FUNCTION "public"."stop_organisation_mail"(text, boolean) TO "service_role";

REVOKE ALL ON FUNCTION "public"."update_organisation_email_template"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_email_template"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."update_organisation_invite_roles"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."validate_organisation_invite"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."validate_organisation_invite"(text) TO "anon", "authenticated";

GRANT EXECUTE ON FUNCTION "public"."validate_organisation_invite"(text) TO "service_role";

REVOKE ALL ON FUNCTION "usher"."call_function_once"(text, text, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."call_function_once"(text, text, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."call_statement"(text, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."call_statement"(text, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."check_audit_trail"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."check_audit_trails"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_line"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_roles"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_text"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."create_email_template"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_email_template"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."create_invite"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."create_invite"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delete_email_template"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delete_email_template"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."delivery_metrics"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."delivery_metrics"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."display_name"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."email_domain"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_undeliverable"(public.organisation_deliveries, usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_auth_mail"(text, text, text, bytea) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."enqueue_auth_mail"(text, text, text, bytea) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."enqueue_delivery"(text, uuid, text, text, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_invites"(uuid[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_join_mail"(text, uuid, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_notice"(text, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."excluded_together"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."expire_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."expire_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."fail_rate_limited"(interval, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."has_permission"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."has_permission"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."invite_fingerprint"(text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_problem"(usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_view"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."keep_idempotent_result"(text, bytea, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."keep_idempotent_result"(text, bytea, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."lift_mail_suppression"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."lift_mail_suppression"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."lift_suppression"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_invites"(uuid, text, text, uuid, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."mail_kinds"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."mark_bounced"(public.organisation_deliveries) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."mint_stop_token"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."normalise_email"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."organisations_where"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."organisations_where"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."pace_deliveries"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."permissions_of"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."purge_auth_mails"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."purge_auth_mails"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."rate_limit_headers"(text, integer, integer, interval, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."recipient_problems"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_delivery_event"(text, text, text, uuid, text, timestamp with time zone, boolean, text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."record_delivery_event"(text, text, text, uuid, text, timestamp with time zone, boolean, text, text) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_turn"(public.organisation_deliveries, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."requeue_deliveries"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."resend_invite"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."resend_invite"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."retry_delivery"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."retry_delivery"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."revoke_invite"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."revoke_invite"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."roles_with_inherited"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."save_email_template"(public.organisation_email_templates) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."stop_mail"(text, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."stop_mail"(text, boolean) TO "anon", "authenticated", "service_role", "usher_worker";

REVOKE ALL ON FUNCTION "usher"."suppress_address"(text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."take_allowance"(text, integer, integer, interval, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."take_idempotency_key"(text, bytea) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."take_idempotency_key"(text, bytea) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."template_for_change"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."template_for_mail"(text, uuid, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."template_problem"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."update_email_template"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_email_template"(uuid, jsonb) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."update_invite_roles"(uuid, text[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."verify_stop_token"(text) FROM PUBLIC;

REVOKE ALL ON TABLE "public"."organisation_email_templates" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_email_templates" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_email_templates" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_email_templates" TO "service_role";

REVOKE ALL ON TABLE "public"."organisation_invites" FROM "authenticated";

GRANT SELECT ON TABLE "public"."organisation_invites" TO "authenticated";

REVOKE ALL ON TABLE "public"."organisation_invites" FROM "service_role";

GRANT SELECT ON TABLE "public"."organisation_invites" TO "service_role";

ALTER TABLE "public"."organisation_email_templates" ADD CONSTRAINT "organisation_email_templates_name" CHECK ((usher.clean_line(name, 100) = name));

ALTER TABLE "public"."organisation_role_exclusions" ADD CONSTRAINT "organisation_role_exclusions_name" CHECK ((usher.clean_line(name, 100) = name));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_name" CHECK ((usher.clean_line(name, 100) = name));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_reply_to" CHECK (((usher.normalise_email(reply_to) = reply_to) OR (reply_to IS NULL)));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_sender_name" CHECK (((usher.clean_line(sender_name, 100) = sender_name) OR (sender_name IS NULL)));
