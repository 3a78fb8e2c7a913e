-- The token of an invitation stayed in accounts that were not confirmed yet, and in their sessions. Erasing a person left
-- their address with others, and it came back; whoever had no account could not be erased. A link that its maker
-- revealed told whether any address has an account. A template that could not be drawn made every mail of its kind fail.

set local check_function_bodies = off;

-- By hand: a trigger on a table of Auth that a stand-in for it may lack.
do $$
begin
  if to_regclass('auth.identities') is not null then
    drop trigger if exists usher_no_secrets on auth.identities;
  end if;
end
$$;

DROP VIEW "usher"."stuck";

CREATE TABLE "usher"."address_salt" ("is_only_row" boolean NOT NULL DEFAULT true, "salt" bytea NOT NULL DEFAULT extensions.gen_random_bytes(32), CONSTRAINT "address_salt_one_row" CHECK (is_only_row), CONSTRAINT "address_salt_pkey" PRIMARY KEY (is_only_row));

ALTER TABLE "usher"."address_salt" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."erased_members" ("member_id" uuid NOT NULL, "erased_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "erased_members_pkey" PRIMARY KEY (member_id));

ALTER TABLE "usher"."erased_members" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."erased_stops" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "hash" bytea NOT NULL, "place" text NOT NULL, "organisation_id" uuid, "kept" jsonb NOT NULL, CONSTRAINT "erased_stops_pkey" PRIMARY KEY (id), CONSTRAINT "erased_stops_place" CHECK ((place = ANY (ARRAY['mail_opt_outs'::text, 'suppressed_addresses'::text]))));

ALTER TABLE "usher"."erased_stops" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."organisation_email_templates" ADD COLUMN "failed_at" timestamp with time zone;

ALTER TABLE "public"."organisation_email_templates" ADD COLUMN "failure" text;

CREATE TYPE "usher"."person_traces" AS ("user_ids" uuid[], "member_ids" uuid[], "invite_ids" uuid[], "delivery_ids" uuid[], "organisation_ids" uuid[], "emails" text[], "names" text[]);

ALTER TYPE "usher"."token_reading" ADD ATTRIBUTE "is_mailed" boolean CASCADE;

CREATE OR REPLACE FUNCTION public.accept_my_organisation_invite(invite_id uuid)
 RETURNS public.organisation_members
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select usher.speak_to_invitee();
  select usher.accept_my_invite($1);
$function$;

CREATE OR REPLACE FUNCTION public.accept_organisation_invite(token text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.speak_to_invitee();
  return usher.accept_invite(accept_organisation_invite.token);
end
$function$;

CREATE OR REPLACE FUNCTION public.decline_organisation_invite(token text, reason text DEFAULT NULL::text)
 RETURNS public.organisation_invite_preview
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select usher.speak_to_invitee();
  select usher.decline_invite($1, $2);
$function$;

CREATE OR REPLACE FUNCTION public.enrol_organisation_device(code text)
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select usher.speak_to_invitee();
  select usher.enrol_device($1);
$function$;

CREATE OR REPLACE FUNCTION public.join_organisation(organisation_id uuid)
 RETURNS text
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select usher.speak_to_invitee();
  select usher.join_organisation($1);
$function$;

CREATE OR REPLACE FUNCTION public.stop_organisation_mail(token text, stop boolean DEFAULT true)
 RETURNS text
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select usher.speak_to_invitee();
  select usher.stop_mail($1, $2);
$function$;

CREATE OR REPLACE FUNCTION usher.accounts_of(email text)
 RETURNS uuid[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(array_agg(u.id), '{}') from auth.users u where usher.normalise_email(u.email) = accounts_of.email
$function$;

CREATE OR REPLACE FUNCTION usher.address_hash(email text)
 RETURNS bytea
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (select sha256(s.salt || convert_to(address_hash.email, 'UTF8')) from usher.address_salt s);
end
$function$;

CREATE OR REPLACE FUNCTION usher.answer_error(code text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_error record;
begin
  select e.* into strict v_error from usher.error_of(answer_error.code) e;
  perform set_config('response.status', v_error.status::text, true);
  return jsonb_build_object(
    'code', answer_error.code, 'message', v_error.message, 'details', null, 'hint', v_error.hint);
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_email_template(organisation_id uuid, draft jsonb)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    after => usher.template_facts(v_template));
  return v_template;
end
$function$;

CREATE OR REPLACE FUNCTION usher.custom_access_token_hook(event jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if jsonb_typeof(custom_access_token_hook.event #> '{claims,user_metadata}') = 'object' then
    return jsonb_set(custom_access_token_hook.event, '{claims,user_metadata}',
      usher.without_secrets(custom_access_token_hook.event #> '{claims,user_metadata}'));
  end if;
  return custom_access_token_hook.event;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_email_template(template_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_template public.organisation_email_templates := usher.template_for_change(delete_email_template.template_id);
begin
  delete from public.organisation_email_templates t where t.id = v_template.id;
  perform usher.record_event(v_template.organisation_id, 'template.deleted', 'template', v_template.id,
    before => usher.template_facts(v_template));
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_review_mail(kind text, review public.organisation_access_reviews)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, enqueue_review_mail.kind, m.email, jsonb_build_object(
    'review', (enqueue_review_mail.review).title,
    'review_id', (enqueue_review_mail.review).id,
    'due_at', (enqueue_review_mail.review).due_at,
    'actor_name', a.display_name, 'actor_email', a.email)
  from usher.reviewers((enqueue_review_mail.review).organisation_id) m
  left join public.organisation_members a
    on a.organisation_id = m.organisation_id and a.user_id = (enqueue_review_mail.review).started_by
  where m.email is not null and m.kind = 'user';
  perform usher.wake_worker();
end
$function$;

CREATE OR REPLACE FUNCTION usher.erase_address(email text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_email text := usher.normalise_email(erase_address.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  perform usher.erase_traces(usher.person_traces(usher.accounts_of(v_email), v_email));
end
$function$;

CREATE OR REPLACE FUNCTION usher.erase_from_trail(traces usher.person_traces)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces usher.person_traces := erase_from_trail.traces;
  v_words  record;
  v_emails text;
  v_names  text;
  v_events uuid[];
begin
  select * into v_words from usher.searched_words(v_traces);
  v_emails := usher.words_pattern(v_words.emails, false);
  v_names := usher.words_pattern(v_words.names, false);
  v_events := array(
    select e.id
    from public.organisation_audit_events e
    where num_nonnulls(e.reason, e.ip, e.user_agent) > 0
      and (e.actor_id = any (v_traces.user_ids) or e.target_id = any (v_traces.user_ids)
        -- What they did with a link and without a session, and what somebody said of them.
        or (e.target_id = any (v_traces.invite_ids) or e.target_id = any (v_traces.delivery_ids))
          and (e.actor_kind = 'invitee' or e.reason is not null)
        or concat_ws(' ', e.reason, e.user_agent) collate "und-x-icu" ~* v_emails
        or e.organisation_id = any (v_traces.organisation_ids) and e.reason collate "und-x-icu" ~* v_names));

  perform set_config('usher.audit_exception', 'UPDATE', true);
  update usher.sealed_events c set personal_salt = null where c.event_id = any (v_events);
  update public.organisation_audit_events e
  set reason = null, ip = null, user_agent = null
  where e.id = any (v_events);
  perform set_config('usher.audit_exception', '', true);
end
$function$;

CREATE OR REPLACE FUNCTION usher.erase_person(user_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_email text := (select usher.normalise_email(u.email) from auth.users u where u.id = erase_person.user_id);
begin
  perform usher.erase_traces(usher.person_traces(
    array(select erase_person.user_id union select unnest(usher.accounts_of(v_email))), v_email));
end
$function$;

CREATE OR REPLACE FUNCTION usher.erase_traces(traces usher.person_traces)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces usher.person_traces := erase_traces.traces;
begin
  -- Their open invites end, so that no mail goes out any more.
  perform usher.end_invite(i.id, null)
    from usher.invites i
    where i.status = 'pending' and i.email = any (v_traces.emails)
    order by i.id;
  perform usher.keep_stops(v_traces.emails);

  -- In the words of RFC 2606, an address that can never be anyone's.
  update public.organisation_deliveries d
  set recipient = 'erased@' || d.id || '.invalid', facts = '{}', last_response = null,
    status = case when d.status in ('queued', 'sending') then 'cancelled' else d.status end
  where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);
  -- To others, about them: whoever acted is nobody in particular, and news of an invite has lost what it tells.
  update public.organisation_deliveries d
  set facts = d.facts
    || case when d.facts ->> 'actor_email' = any (v_traces.emails)
      then '{"actor_email": null, "actor_name": null}'::jsonb else '{}' end
    || case when d.facts ->> 'owner_name' = any (v_traces.names) then '{"owner_name": null}'::jsonb else '{}' end,
    status = case when d.status in ('queued', 'sending')
      and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails))
      then 'cancelled' else d.status end
  where d.organisation_id = any (v_traces.organisation_ids)
    and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails)
      or d.facts ->> 'actor_email' = any (v_traces.emails) or d.facts ->> 'owner_name' = any (v_traces.names));
  update usher.invites i
  set email = 'erased@' || i.id || '.invalid', message = null, declined_reason = null, revoked_reason = null,
    metadata = '{}'
  where i.id = any (v_traces.invite_ids) and i.kind = 'user';
  update public.organisation_join_requests r
  set email = 'erased@' || r.id || '.invalid', reason = null
  where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails);
  update public.organisation_access_review_items i
  set reason = case when i.decision = 'withdrawn' then '-' end
  where i.user_id = any (v_traces.user_ids) and i.reason is not null;
  update public.organisations o set reply_to = null where o.reply_to = any (v_traces.emails);
  delete from usher.sign_up_invites s
  where s.user_id = any (v_traces.user_ids) or s.invite_id = any (v_traces.invite_ids);
  delete from usher.idempotency_keys k where k.user_id = any (v_traces.user_ids);
  delete from usher.directory_users d
  where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);

  perform usher.erase_from_trail(v_traces);

  perform usher.record_event(m.organisation_id, 'person.erased', 'user', m.user_id)
    from public.organisation_members m where m.id = any (v_traces.member_ids);
  -- Who never had an account here is known to others by the invite alone.
  perform usher.record_event(i.organisation_id, 'person.erased', 'invite', i.id)
    from usher.invites i
    where i.id = any (v_traces.invite_ids) and not exists (
      select from public.organisation_members m
      where m.organisation_id = i.organisation_id and m.id = any (v_traces.member_ids));
  update public.organisation_members m
  set email = null, display_name = null, status_reason = null
  where m.id = any (v_traces.member_ids);
  insert into usher.erased_members (member_id) select unnest(v_traces.member_ids)
  on conflict on constraint erased_members_pkey do nothing;
  perform usher.redact_everywhere(v_traces);
end
$function$;

CREATE OR REPLACE FUNCTION usher.error_of(code text)
 RETURNS TABLE(status integer, message text, hint text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if usher.is_to_invitee() then
    return query
      select e.status, coalesce(i.message, e.message), coalesce(i.hint, e.hint)
      from usher.errors() e
      left join usher.invitee_errors() i on i.code = e.code
      where e.code = error_of.code;
  else
    return query select e.status, e.message, e.hint from usher.errors() e where e.code = error_of.code;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail(code text, hint text DEFAULT NULL::text, details text DEFAULT NULL::text, headers jsonb DEFAULT '{}'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_error record;
begin
  -- strict: a code that is not in the list is our own mistake, and must not pass for an answer.
  select e.* into strict v_error from usher.error_of(fail.code) e;

  raise sqlstate 'PGRST' using
    message = json_build_object(
      'code', fail.code, 'message', v_error.message, 'details', fail.details,
      -- What a rule adds is for those who manage; an invitee is told what they can do.
      'hint', case when usher.is_to_invitee() then v_error.hint else coalesce(fail.hint, v_error.hint) end),
    detail = json_build_object('status', v_error.status, 'headers', fail.headers);
end
$function$;

CREATE OR REPLACE FUNCTION usher.fail_template(template_id uuid, failure text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_template public.organisation_email_templates;
begin
  -- Once: the next thousand mails say nothing new, and do not wait for each other.
  update public.organisation_email_templates t
  set failed_at = clock_timestamp(), failure = left(fail_template.failure, 500)
  where t.id = fail_template.template_id and t.failed_at is null
  returning t.* into v_template;
  if not found then
    return false;
  end if;
  perform usher.record_event(v_template.organisation_id, 'template.failed', 'template', v_template.id,
    after      => jsonb_build_object('kind', v_template.kind, 'locale', v_template.locale, 'name', v_template.name),
    actor_kind => 'worker');
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.invitee_errors()
 RETURNS TABLE(code text, message text, hint text)
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  values
    ('unauthenticated',         null, 'Sign in and try again.'),
    ('permission_denied',       'This cannot be accepted without its link.', 'Accept by the link in the mail.'),
    ('invite_wrong_email',      null, 'Sign in with the address that the invite was sent to.'),
    ('email_unverified',        null, 'Follow the link in the confirmation mail, then try again.'),
    ('role_not_assignable',     'The roles of this invite cannot be yours as they are.',
      'Ask whoever invited you for a new one.'),
    ('member_banned',           'You are banned from the organisation.', 'Write to the organisation if that is a mistake.'),
    ('domain_not_allowed',      null, 'Ask whoever invited you to invite an address that the organisation takes.'),
    ('sso_required',            null, 'Sign in the way that details names, then try again.'),
    ('organisation_not_found',  'There is no such organisation, or your address does not let you join it.',
      'Check who you are signed in as.'),
    ('invite_not_found',        'There is no such invite, or it is not for you.',
      'Check who you are signed in as, or open the link in the mail.'),
    ('invite_invalid',          'This is not a link or a code of ours.',
      'Open the link straight from the mail, or enter the code as it was shown.'),
    ('invite_already_accepted', null, 'Sign in to see the organisation.'),
    ('invite_not_pending',      null, 'Open the link in the newest mail, or ask for a new one.'),
    ('already_member',          'You are already a member.', 'Go on to the organisation.'),
    ('seat_limit_reached',      null, 'Ask an admin of the organisation to make room, then try again.'),
    ('invite_expired',          null, 'Ask for a new one.'),
    ('invite_revoked',          null, 'Ask the organisation if that was not meant.'),
    ('invite_declined',         null, 'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       null, 'Open the link in the newest mail.'),
    ('invalid_role',            'A role that this gives is no longer there.', 'Ask whoever invited you for a new one.'),
    ('invalid_message',         null, 'Give a reason of at most 500 characters of plain text, or none.'),
    ('rate_limited',            null, 'Wait as long as Retry-After says.')
$function$;

CREATE OR REPLACE FUNCTION usher.is_to_invitee()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(current_setting('usher.reader', true) = 'invitee ' || statement_timestamp(), false);
end
$function$;

CREATE OR REPLACE FUNCTION usher.keep_stops(emails text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into usher.address_salt default values on conflict do nothing;
  with gone as (
    delete from usher.mail_opt_outs o where o.email = any (keep_stops.emails) returning o.*
  )
  insert into usher.erased_stops (hash, place, organisation_id, kept)
  select usher.address_hash(g.email), 'mail_opt_outs', g.organisation_id, to_jsonb(g) - 'email' from gone g;
  with gone as (
    delete from usher.suppressed_addresses s where s.email = any (keep_stops.emails) returning s.*
  )
  insert into usher.erased_stops (hash, place, kept)
  select usher.address_hash(g.email), 'suppressed_addresses', to_jsonb(g) - 'email' from gone g;
end
$function$;

CREATE OR REPLACE FUNCTION usher.kept_at_erasure()
 RETURNS TABLE(place text, what text, reason text)
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  values
    ('public.organisation_audit_events.before', 'all', 'Sealed. No address comes into it: usher.without_addresses.'),
    ('public.organisation_audit_events.after', 'all', 'Sealed. No address comes into it: usher.without_addresses.'),
    ('public.organisation_audit_events.event', 'all', 'A word of ours.'),
    ('public.organisation_audit_events.target_kind', 'all', 'A word of ours.'),
    ('usher.directory_endpoint_tokens.token', 'all', 'The key of another system, which a change would break.'),
    ('usher.idempotency_keys.result', 'all', 'Encrypted under a key that is kept nowhere; gone within a day.'),
    ('public.organisations.name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisations.sender_name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisation_members.display_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.user_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.attributes', 'names', 'Of another member who is called the same.')
$function$;

CREATE OR REPLACE FUNCTION usher.markdown_problem(body text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- What stands within something else is drawn by what draws that: thousands of levels are more than it can hold.
  -- A line of one sign alone is a rule, and nests nothing.
  if exists (
    select from regexp_split_to_table(markdown_problem.body, '\n') l (line)
    where l.line ~ '^[ \t]*((>|([*+-]|[0-9]{1,9}[.)])([ \t]|$))[ \t]*){7}'
      and l.line !~ '^[ \t]*([-*])[ \t]*(\1[ \t]*)*$')
  then
    return 'body: at most 6 lists and quotes stand within each other.';
  end if;
  -- Emphasis ends with its paragraph, or its line of a list. Names of placeholders have underscores of their own.
  if exists (
    select from regexp_split_to_table(
      regexp_replace(markdown_problem.body, '\{\{ *[a-z_]+ *\}\}', '', 'g'),
      '\n[ \t]*(?:\n|(?:[>*+-]|[0-9]{1,9}[.)])[ \t])') p (block)
    where length(p.block) - length(translate(p.block, '*_~', '')) > 100)
  then
    return 'body: at most 100 of the signs * _ ~ stand in one paragraph.';
  end if;
  if length(markdown_problem.body) - length(translate(markdown_problem.body, '[', '')) > 200 then
    return 'body: at most 200 of the sign [.';
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.own_tables()
 RETURNS SETOF regclass
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select c.oid::regclass
  from pg_catalog.pg_class c
  where c.relkind in ('r', 'p') and not c.relispartition
    and (c.relnamespace = to_regnamespace('usher')
      -- An application may have called tables of its own alike: those are named, and no others are touched.
      or c.relnamespace = to_regnamespace('public') and c.relname in (
        'organisation_access_review_items', 'organisation_access_reviews', 'organisation_audit_events',
        'organisation_deliveries', 'organisation_directory_copies', 'organisation_directory_endpoints',
        'organisation_directory_tokens', 'organisation_domains', 'organisation_email_templates',
        'organisation_join_requests', 'organisation_members', 'organisation_role_exclusions',
        'organisation_roles', 'organisation_sign_in_rules', 'organisation_webhook_deliveries',
        'organisation_webhooks', 'organisations'))
  order by c.oid::regclass::text
$function$;

CREATE OR REPLACE FUNCTION usher.person_traces(user_ids uuid[], email text)
 RETURNS usher.person_traces
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces usher.person_traces;
begin
  v_traces.user_ids := person_traces.user_ids;
  v_traces.member_ids := array(
    select m.id from public.organisation_members m where m.user_id = any (v_traces.user_ids));
  v_traces.emails := array(
    select person_traces.email
    union
    select u.email from auth.users u where u.id = any (v_traces.user_ids)
    union
    select usher.normalise_email(u.email) from auth.users u where u.id = any (v_traces.user_ids)
    union
    select m.email from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select r.email from public.organisation_join_requests r where r.user_id = any (v_traces.user_ids)
    union
    select i.email from usher.invites i where i.accepted_by = any (v_traces.user_ids)
    union
    select d.email from usher.directory_users d where d.member_id = any (v_traces.member_ids));
  -- An address of theirs from before may be somebody else's today.
  v_traces.emails := array(
    select e from unnest(v_traces.emails) e
    where position('@' in e) > 1 and e not like 'erased@%.invalid'
      and (e = person_traces.email or not exists (
        select from auth.users u
        where usher.normalise_email(u.email) = e and u.id <> all (v_traces.user_ids))));
  v_traces.invite_ids := array(
    select i.id from usher.invites i
    where i.email = any (v_traces.emails) or i.accepted_by = any (v_traces.user_ids));
  v_traces.delivery_ids := array(
    select d.id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      or d.invite_id = any (v_traces.invite_ids));
  v_traces.organisation_ids := array(
    select m.organisation_id from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select i.organisation_id from usher.invites i where i.id = any (v_traces.invite_ids)
    union
    select r.organisation_id from public.organisation_join_requests r
    where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails)
    union
    select d.organisation_id from usher.directory_users d
    where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
    union
    select d.organisation_id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) and d.organisation_id is not null);
  v_traces.names := array(
    select n.name
    from (
      select m.display_name from public.organisation_members m where m.id = any (v_traces.member_ids)
      union
      select k.value #>> '{}'
      from auth.users u
      cross join lateral jsonb_each(
        case jsonb_typeof(u.raw_user_meta_data::jsonb) when 'object' then u.raw_user_meta_data::jsonb end) k
      where u.id = any (v_traces.user_ids) and k.key in ('display_name', 'full_name', 'name')
        and jsonb_typeof(k.value) = 'string'
      union
      select coalesce(d.attributes ->> 'displayName', d.attributes #>> '{name,formatted}')
      from usher.directory_users d
      where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      union
      select d.facts ->> 'actor_name'
      from public.organisation_deliveries d where d.facts ->> 'actor_email' = any (v_traces.emails)
    ) n (name)
    where btrim(n.name) <> '');
  return v_traces;
end
$function$;

CREATE OR REPLACE FUNCTION usher.prepare_delivery(delivery_id uuid, fence bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    'template_id', v_template.id,
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

CREATE OR REPLACE FUNCTION usher.read_invite_token(token text)
 RETURNS usher.token_reading
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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

  select t.issue, t.is_mailed into v_issue, v_reading.is_mailed
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

CREATE OR REPLACE FUNCTION usher.record_events(organisation_id uuid, event text, target_kind text, target_ids uuid[], before jsonb, afters jsonb[], reason text, actor_kind text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    record_events.target_kind, t.id, usher.without_addresses(record_events.before),
    usher.without_addresses(t.after), record_events.reason,
    left(btrim(split_part(v_headers ->> 'x-forwarded-for', ',', 1)), 64), left(v_headers ->> 'user-agent', 500)
  from unnest(record_events.target_ids, record_events.afters) t (id, after);
end
$function$;

CREATE OR REPLACE FUNCTION usher.redact(value jsonb, pattern text, replacement text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Value by value: in the text of JSON, the n of a line break would stand before the word that follows it.
  return case jsonb_typeof(redact.value)
    when 'string' then to_jsonb(usher.redact(redact.value #>> '{}', redact.pattern, redact.replacement))
    when 'array' then (
      select coalesce(jsonb_agg(usher.redact(a.value, redact.pattern, redact.replacement) order by a.n), '[]')
      from jsonb_array_elements(redact.value) with ordinality a (value, n))
    when 'object' then (
      select coalesce(jsonb_object_agg(usher.redact(o.key, redact.pattern, redact.replacement),
        usher.redact(o.value, redact.pattern, redact.replacement)), '{}')
      from jsonb_each(redact.value) o)
    else redact.value
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.redact(value text, pattern text, replacement text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return regexp_replace(redact.value collate "und-x-icu", redact.pattern, redact.replacement, 'gi');
end
$function$;

CREATE OR REPLACE FUNCTION usher.redact_everywhere(traces usher.person_traces)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces  usher.person_traces := redact_everywhere.traces;
  v_words   record;
  v_known   text[];
  v_instead text;
  v_column  record;
begin
  select * into v_words from usher.searched_words(v_traces);
  -- Of the kind that columns of addresses, names and titles take, and never longer than what it stands for. Not the
  -- same each time, so that two who are erased do not become one where names are unique.
  v_instead := left('erased-' || encode(extensions.gen_random_bytes(2), 'hex'),
    (select min(length(w)) from unnest(v_words.emails || v_words.names) w));

  for v_column in
    select t.id as table_id, n.nspname || '.' || c.relname as table_name, a.attname as name,
      coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text as type, k.what as kept,
      exists (
        select from pg_catalog.pg_attribute o
        where o.attrelid = t.id and o.attname = 'organisation_id' and not o.attisdropped) as is_of_organisation
    from usher.own_tables() t (id)
    join pg_catalog.pg_class c on c.oid = t.id
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a
      on a.attrelid = t.id and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_catalog.pg_type y on y.oid = a.atttypid
    left join usher.kept_at_erasure() k on k.place = n.nspname || '.' || c.relname || '.' || a.attname
    where t.id <> 'public.organisation_audit_events'::regclass
      and k.what is distinct from 'all'
      and coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text in (
        'text', 'character varying', 'citext', 'extensions.citext', 'character', 'text[]', 'character varying[]', 'json',
        'jsonb')
    order by t.id::text, a.attnum
  loop
    for v_known in
      select w.words
      from (values (v_words.emails, false), (v_words.names, true)) w (words, are_names)
      where cardinality(w.words) > 0
        and (not w.are_names or v_column.kept is null and v_column.is_of_organisation)
    loop
      execute format(
        case
          when v_column.type like 'json%' then
            'update %1$s t set %2$I = usher.redact(t.%2$I::jsonb, $2, $3)::%3$s where t.%2$I::text ~* $1'
          when v_column.type like '%[]' then
            'update %1$s t set %2$I = array(
              select usher.redact(e.value, $2, $3) from unnest(t.%2$I) with ordinality e (value, n) order by e.n)
            where array_to_string(t.%2$I, '' '') ~* $1'
          else 'update %1$s t set %2$I = usher.redact(t.%2$I::text, $2, $3) where t.%2$I::text ~* $1'
        end || case when v_known = v_words.names then ' and t.organisation_id = any ($4)' else '' end,
        v_column.table_name, v_column.name, v_column.type)
      using usher.words_pattern(v_known || array(select btrim(to_jsonb(w)::text, '"') from unnest(v_known) w), false),
        usher.words_pattern(v_known, true), v_instead, v_traces.organisation_ids;
    end loop;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.report_address(email text)
 RETURNS TABLE(place text, data jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_email text := usher.normalise_email(report_address.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  return query
    select r.place, r.data from usher.report_traces(usher.person_traces(usher.accounts_of(v_email), v_email)) r;
end
$function$;

CREATE OR REPLACE FUNCTION usher.report_person(user_id uuid)
 RETURNS TABLE(place text, data jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_email text := (select usher.normalise_email(u.email) from auth.users u where u.id = report_person.user_id);
begin
  return query
    select r.place, r.data
    from usher.report_traces(usher.person_traces(
      array(select report_person.user_id union select unnest(usher.accounts_of(v_email))), v_email)) r;
end
$function$;

CREATE OR REPLACE FUNCTION usher.report_traces(traces usher.person_traces)
 RETURNS TABLE(place text, data jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_traces usher.person_traces := report_traces.traces;
  v_words  record;
  v_known  text;
  v_names  text;
  v_table  regclass;
begin
  select * into v_words from usher.searched_words(v_traces);
  v_known := usher.words_pattern(v_words.emails
    || (v_traces.user_ids || v_traces.member_ids || v_traces.invite_ids)::text[], false);
  v_names := usher.words_pattern(v_words.names
    || array(select btrim(to_jsonb(n)::text, '"') from unnest(v_words.names) n), false);

  for v_table in select usher.own_tables() loop
    -- What opens something is no data of a person, and a report is handed out.
    return query execute format(
      $query$
        select %1$L, r.data - $4
        from %1$s t
        cross join lateral (select to_jsonb(t) as data) r
        where r.data::text collate "und-x-icu" ~* $1
          or r.data ->> %2$L = any ($3::text[]) and r.data::text collate "und-x-icu" ~* $2
      $query$,
      case when position('.' in v_table::text) = 0 then 'public.' || v_table::text else v_table::text end,
      case when v_table = 'public.organisations'::regclass then 'id' else 'organisation_id' end)
    using v_known, v_names, v_traces.organisation_ids, array(
      select a.attname from pg_catalog.pg_attribute a
      where a.attrelid = v_table and (a.atttypid = 'bytea'::regtype or a.attname in ('token', 'secret')));
  end loop;

  return query
    select 'auth.users', to_jsonb(u) - array['encrypted_password', 'confirmation_token', 'recovery_token',
      'email_change_token_new', 'email_change_token_current', 'phone_change_token', 'reauthentication_token']
    from auth.users u where u.id = any (v_traces.user_ids);
  -- Auth's own table, which a stand-in for Auth may lack.
  if to_regclass('auth.identities') is not null then
    return query
      select 'auth.identities', to_jsonb(d) from auth.identities d where d.user_id = any (v_traces.user_ids);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.save_email_template(template public.organisation_email_templates)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
      is_default = excluded.is_default, updated_at = now(), failed_at = null, failure = null
    returning t.* into strict v_template;
  exception
    when unique_violation then
      perform usher.fail('invalid_settings',
        hint => 'There is a template of this kind, language and name already: change that one.');
  end;
  return v_template;
end
$function$;

CREATE OR REPLACE FUNCTION usher.searched_words(traces usher.person_traces)
 RETURNS TABLE(emails text[], names text[])
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select array(select e from unnest((searched_words.traces).emails) e
      union select replace(e, '@', '%40') from unnest((searched_words.traces).emails) e),
    -- A name of one word is a word as well: Max, Will, Ann. Where it stands by itself it is found otherwise.
    array(select n from unnest((searched_words.traces).names) n where btrim(n) ~ '\s')
$function$;

CREATE OR REPLACE FUNCTION usher.sign_up_secrets()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select array['invite_token', 'device_code'] $function$;

CREATE OR REPLACE FUNCTION usher.speak_to_invitee()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- For this statement alone: another one of the same transaction may be somebody else's business.
  perform set_config('usher.reader', 'invitee ' || statement_timestamp(), true);
end
$function$;

CREATE OR REPLACE FUNCTION usher.template_facts(template public.organisation_email_templates)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select to_jsonb(template_facts.template)
    - array['id', 'organisation_id', 'created_at', 'updated_at', 'failed_at', 'failure']
$function$;

CREATE OR REPLACE FUNCTION usher.template_problem(kind text, template jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    -- On one line, as it is read when it is filled: a line break inside ends the paragraph first.
    from regexp_matches(v_part.clean, '\{\{ *([^{}]*?) *\}\}', 'g') m (found)
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
  return usher.markdown_problem(usher.clean_text(template_problem.template ->> 'body', 5000));
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_identities__no_secrets()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  new.identity_data := usher.without_secrets(new.identity_data::jsonb);
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_deliveries__bring_back_stops()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- In most projects nobody was erased who had stopped anything.
  if not exists (select from usher.erased_stops) then
    return null;
  end if;
  -- The address is here again, because somebody has entered it again: then what it wants is, too. Also the one
  -- without its tag, which a stop may be kept for.
  with known as materialized (
    select distinct k.email
    from new_deliveries d
    cross join lateral (values (d.recipient), (regexp_replace(d.recipient, '\+[^@]*@', '@'))) k (email)
  ), back as (
    delete from usher.erased_stops s
    using known k
    where s.hash = usher.address_hash(k.email)
    returning s.place, s.kept || jsonb_build_object('email', k.email) as stop
  ), opt_outs as (
    insert into usher.mail_opt_outs
    select (jsonb_populate_record(null::usher.mail_opt_outs, b.stop)).* from back b where b.place = 'mail_opt_outs'
    on conflict do nothing
  )
  insert into usher.suppressed_addresses
  select (jsonb_populate_record(null::usher.suppressed_addresses, b.stop)).*
  from back b where b.place = 'suppressed_addresses'
  on conflict do nothing;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__known_again()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  delete from usher.erased_members e where e.member_id = new.id;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_users__closed_door()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_users__follow_profile()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update public.organisation_members m
  set email = usher.normalise_email(new.email),
    display_name = usher.display_name(new.raw_user_meta_data::jsonb)
  -- A device goes by the name that it was given.
  where m.user_id = new.id and m.kind = 'user'
    and not exists (select from usher.erased_members e where e.member_id = m.id);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_users__no_secrets()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  new.raw_user_meta_data := usher.without_secrets(new.raw_user_meta_data::jsonb);
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_email_template(template_id uuid, changes jsonb)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    before => (select jsonb_object_agg(b.key, b.value) from jsonb_each(usher.template_facts(v_before)) b
      where to_jsonb(v_after) -> b.key <> b.value),
    after  => (select jsonb_object_agg(a.key, a.value) from jsonb_each(usher.template_facts(v_after)) a
      where to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
end
$function$;

CREATE OR REPLACE FUNCTION usher.validate_invite(token text)
 RETURNS public.organisation_invite_preview
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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

  select o.id, o.name, o.logo_url, o.accent_colour, coalesce(v_invite.locale, o.locale)
  into v_preview.organisation_id, v_preview.organisation_name, v_preview.organisation_logo_url,
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
    -- Whoever reveals a link of their own could otherwise ask it of any address.
    v_preview.has_account := case when v_reading.is_mailed then usher.has_account(v_invite.email) end;
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

CREATE OR REPLACE FUNCTION usher.webhook_event_types()
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    'template.created', 'template.deleted', 'template.failed', 'template.updated',
    'webhook.created', 'webhook.deleted', 'webhook.disabled', 'webhook.secret_rotated',
    'webhook.updated'
  ];
end
$function$;

CREATE OR REPLACE FUNCTION usher.without_addresses(value jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Most lines have none, and looking for the sign is all that they cost.
  if position('@' in without_addresses.value::text) = 0 then
    return without_addresses.value;
  end if;
  return usher.redact(without_addresses.value, '[^[:space:]"''@<>(),;:/=]+@([[:alnum:]-]+\.)', '…@\1');
end
$function$;

CREATE OR REPLACE FUNCTION usher.without_secrets(user_metadata jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Anything but an object has no keys to take away.
  if jsonb_typeof(without_secrets.user_metadata) = 'object' then
    return without_secrets.user_metadata - usher.sign_up_secrets();
  end if;
  return without_secrets.user_metadata;
end
$function$;

CREATE OR REPLACE FUNCTION usher.words_pattern(words text[], is_whole boolean)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_any text;
begin
  select string_agg(regexp_replace(w, '([][\\.^$*+?(){}|])', '\\\1', 'g'), '|' order by length(w) desc)
  into v_any
  from unnest(words_pattern.words) w;
  -- Of joanne@example.com, anne@example.com is no part; nor of anne@example.com.au.
  return case when words_pattern.is_whole
    then '(?<![[:alnum:]._%+-])(?:' || v_any || ')(?![[:alnum:]_-]|\.[[:alnum:]])' else v_any end;
end
$function$;

ALTER TABLE "usher"."erased_members" ADD CONSTRAINT "erased_members_member_id_fkey" FOREIGN KEY (member_id) REFERENCES public.organisation_members(id) ON DELETE CASCADE;

ALTER TABLE "usher"."erased_stops" ADD CONSTRAINT "erased_stops_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

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
 SELECT 'mail templates that cannot be drawn'::text AS what,
    count(*) AS how_many,
    min(t.failed_at) AS since,
    'select * from public.organisation_email_templates where failed_at is not null'::text AS look_at
   FROM public.organisation_email_templates t
  WHERE (t.failed_at IS NOT NULL)
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'signing key is old'::text AS what,
    count(*) AS how_many,
    min(k.created_at) AS since,
    'select usher.rotate_signing_key()'::text AS look_at
   FROM usher.signing_key_states k
  WHERE k.is_due
 HAVING (count(*) > 0);

CREATE INDEX erased_stops_hash ON usher.erased_stops USING btree (hash);

CREATE INDEX erased_stops_organisation_id ON usher.erased_stops USING btree (organisation_id);

-- By hand, as above.
do $$
begin
  if to_regclass('auth.identities') is not null then
    create trigger usher_no_secrets
    before insert or update on auth.identities
    for each row execute function usher.tg_identities__no_secrets();
  end if;
end
$$;

CREATE TRIGGER usher_no_secrets BEFORE INSERT OR UPDATE ON auth.users FOR EACH ROW EXECUTE FUNCTION usher.tg_users__no_secrets();

CREATE TRIGGER usher_bring_back_stops AFTER INSERT ON public.organisation_deliveries REFERENCING NEW TABLE AS new_deliveries FOR EACH STATEMENT EXECUTE FUNCTION usher.tg_organisation_deliveries__bring_back_stops();

CREATE TRIGGER usher_known_again AFTER UPDATE OF email ON public.organisation_members FOR EACH ROW WHEN (((old.email IS NULL) AND (new.email IS NOT NULL))) EXECUTE FUNCTION usher.tg_organisation_members__known_again();

CREATE POLICY "address_salt_nobody" ON "usher"."address_salt" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "erased_members_nobody" ON "usher"."erased_members" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "erased_stops_nobody" ON "usher"."erased_stops" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_email_templates"."failed_at" IS 'Since when mails go out as built in, because this could not be drawn; null: it can. Saving it tries it anew.';

COMMENT ON COLUMN "public"."organisation_email_templates"."failure" IS 'What the worker said about that.';

COMMENT ON COLUMN "usher"."erased_stops"."kept" IS 'The row as it was, without its address.';

COMMENT ON FUNCTION "public"."validate_organisation_invite"(text) IS 'What an invitee may see before deciding: who invites to what, as what, until when.

  token  as the mailed link carries it

Never raises for a bad token and never changes anything. status is pending, accepted, declined, revoked,
expired, superseded (a newer mail was sent) or invalid; reason is the error code that accepting would give,
null while it is pending. membership_ends_at says until when the membership would count; null: without an
end. has_account says whether to offer signing in or registering; null: offer both, because a link that was revealed
does not tell whether an address has an account. sign_in_provider, sign_in_domain and
sign_in_level say which way in the organisation asks for, as its sign-in rule has it; one_click says whether
functions/one-click takes this link. A link that is
spent shows the organisation only; one that is not ours, nothing. organisation_id is no secret: it, and never
the token, may stand in an address that passes through mail and Supabase Auth. Anyone may.';

COMMENT ON FUNCTION "usher"."accounts_of"(text) IS 'The accounts with this normalised address, by whichever way in: single sign-on keeps one of its own.';

COMMENT ON FUNCTION "usher"."address_hash"(text) IS 'The salted SHA-256 of an address; null where none was ever needed. Whoever has the whole database can try addresses
against it: it hides them from reading, not from asking.';

COMMENT ON FUNCTION "usher"."custom_access_token_hook"(jsonb) IS 'Supabase Auth''s custom access token hook: takes tokens and codes out of the claim user_metadata. Where Auth asks
for no confirmation it signs a session in the request that makes the account, from what it holds in memory.

  event  as Supabase Auth sends it: {"user_id", "claims": {"user_metadata", …}, "authentication_method"}

Returns the event; Auth reads its claims. In config.toml, [auth.hook.custom_access_token] with
uri = "pg-functions://postgres/usher/custom_access_token_hook".
Source: https://supabase.com/docs/guides/auth/auth-hooks/custom-access-token-hook';

COMMENT ON FUNCTION "usher"."erase_address"(text) IS 'As usher.erase_person, by an address: for whoever was invited, asked or named by a directory and has no account, or
has deleted it. Accounts with the address are erased as well. Fails with invalid_email. For operators.';

COMMENT ON FUNCTION "usher"."erase_from_trail"(usher.person_traces) IS 'Takes what is personal out of the lines of the trail that a person caused, that are about them, or whose reason names
them; and with it the salt of its hash, so that nothing can be tried against that.';

COMMENT ON FUNCTION "usher"."erase_person"(uuid) IS 'Forgets a person: addresses, names, reasons, computers and browsers go from members, invites, mails to them and to
others, texts that name them, and the trail. What they were and did stays, under an id that no longer leads to
anyone; a ban, and that they want no mail, hold. For operators; then delete the account in Auth, which an owner has
to be relieved of first.

  user_id  the account; while it is still there, its address leads to all that was there before the account

What stays, and why, is in usher.kept_at_erasure(). Where the account changes its address or name later, nothing of
it comes back.';

COMMENT ON FUNCTION "usher"."erase_traces"(usher.person_traces) IS 'Forgets a person by all that they are known by.';

COMMENT ON FUNCTION "usher"."error_of"(text) IS 'An error in the words for whoever is spoken to; no row for an unknown code.';

COMMENT ON FUNCTION "usher"."fail_template"(uuid, text) IS 'Writes down that a template could not be drawn, so that its organisation and operators see it; the mail went out as
built in. For workers. Returns whether that was not known yet.

  failure  what went wrong, kept to 500 characters';

COMMENT ON FUNCTION "usher"."invitee_errors"() IS 'The same codes to somebody who answers an invite, enrols a device or joins: what happened to them, and what they
themselves can do about it. message is null where usher.errors() says it well.

A function that they call says so first, by usher.speak_to_invitee().';

COMMENT ON FUNCTION "usher"."is_to_invitee"() IS 'Whether usher.speak_to_invitee() was said in this statement.';

COMMENT ON FUNCTION "usher"."keep_stops"(text[]) IS 'Puts hashes in the place of these addresses, where they stop mail.';

COMMENT ON FUNCTION "usher"."kept_at_erasure"() IS 'Which columns erasing a person leaves as they are, and why.

  place   schema.table.column
  what    all; names: addresses go all the same';

COMMENT ON FUNCTION "usher"."markdown_problem"(text) IS 'What of a body the worker could not draw, in words; null when it can. Of each thing that can stand within itself,
there is a most.';

COMMENT ON FUNCTION "usher"."own_tables"() IS 'The tables of ours: all of usher, and of public those that are listed here. Never one of the application''s own.';

COMMENT ON FUNCTION "usher"."person_traces"(uuid[], text) IS 'By what a person is known: of these accounts, or of a normalised address with or without one.';

COMMENT ON FUNCTION "usher"."redact"(jsonb, text, text) IS 'A JSON value in which a replacement stands for all that fits a pattern, in any text of it, keys included.';

COMMENT ON FUNCTION "usher"."redact"(text, text, text) IS 'A text in which a replacement stands for all that fits a pattern, in any case.';

COMMENT ON FUNCTION "usher"."redact_everywhere"(usher.person_traces) IS 'Takes the addresses of a person out of every text of ours, and their full names out of the texts of the organisations
that know them, but for usher.kept_at_erasure().';

COMMENT ON FUNCTION "usher"."report_address"(text) IS 'As usher.report_person, by an address, with an account or without. An account of single sign-on has the address that
its provider names: look who it is. Fails with invalid_email. For operators.';

COMMENT ON FUNCTION "usher"."report_person"(uuid) IS 'Everything that is held of a person (GDPR article 15): each row of ours in which their account, their address or
their full name stands, and what Supabase Auth keeps of the account. For operators.

  user_id  the account; one that is gone is still found in the trail

Returns the table, and the row without hashes and keys. Look through it before it is handed out: a row may hold what
belongs to others, such as whom they have invited (article 15(4)).';

COMMENT ON FUNCTION "usher"."report_traces"(usher.person_traces) IS 'Every row in which a person is known by one of these traces.';

COMMENT ON FUNCTION "usher"."searched_words"(usher.person_traces) IS 'What of a person is looked for in texts: addresses, also as links write them, and names of two words or more.';

COMMENT ON FUNCTION "usher"."sign_up_secrets"() IS 'What sign-up data may hold that opens something: it is used when an account is made, and kept nowhere.';

COMMENT ON FUNCTION "usher"."speak_to_invitee"() IS 'Says that whoever called answers an invite, enrols a device or joins: errors are in the words of usher.invitee_errors().';

COMMENT ON FUNCTION "usher"."template_facts"(public.organisation_email_templates) IS 'What the trail says of a template: what somebody wrote, and nothing that came of it.';

COMMENT ON FUNCTION "usher"."tg_organisation_deliveries__bring_back_stops"() IS 'Before a new mail to an address that was erased goes out: what stopped mail to it stops it again.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__known_again"() IS 'A membership that has an address again follows its account again.';

COMMENT ON FUNCTION "usher"."tg_users__closed_door"() IS 'Refuses with signup_not_invited; notes the invite of a token in the sign-up data.';

COMMENT ON FUNCTION "usher"."tg_users__follow_profile"() IS 'Copies address and name of an account to its memberships, but for those that were erased.';

COMMENT ON FUNCTION "usher"."tg_users__no_secrets"() IS 'Takes tokens and codes out of the sign-up data, at each write: Auth writes it again from its memory.';

COMMENT ON FUNCTION "usher"."without_addresses"(jsonb) IS 'What a line of the trail may say of a change: of mail addresses in it, only the domain. Lines are sealed, so that
an address in one could never be forgotten.';

COMMENT ON FUNCTION "usher"."without_secrets"(jsonb) IS 'The data of an account (user_metadata) without the tokens and codes that it signed up with. A custom access token
hook of a project''s own calls it for the claim of that name: see docs/install.md.';

COMMENT ON FUNCTION "usher"."words_pattern"(text[], boolean) IS 'A pattern that finds any of these words; is_whole: only where it is not part of a longer one. Null: there are none.';

COMMENT ON TABLE "usher"."address_salt" IS 'What addresses are hashed with that are erased and still want no mail.';

COMMENT ON TABLE "usher"."erased_members" IS 'Memberships whose person was forgotten (71_erasure.sql): what the account is called does not come back into them.';

COMMENT ON TABLE "usher"."erased_stops" IS 'Of people who were erased, what stopped mail to them: a salted hash in place of the address. Somebody who wants no
mail, and to be forgotten, is not to be mailed anew because we have forgotten that they want none.';

COMMENT ON TYPE "usher"."person_traces" IS 'By what a person is known here: ids, addresses, names, and to whom.';

COMMENT ON TYPE "usher"."token_reading" IS 'The invite that a genuine token is for, the error code of why it cannot be answered with it any more, and whether
it went out in a mail: only then does its holder read the invited mailbox.';

COMMENT ON VIEW "usher"."stuck" IS 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

REVOKE ALL ON FUNCTION "usher"."accounts_of"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."address_hash"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."custom_access_token_hook"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."erase_address"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."erase_from_trail"(usher.person_traces) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."erase_traces"(usher.person_traces) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."error_of"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."fail_template"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."fail_template"(uuid, text) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."invitee_errors"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_to_invitee"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."keep_stops"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."kept_at_erasure"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."markdown_problem"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."own_tables"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."person_traces"(uuid[], text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."redact"(jsonb, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."redact"(text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."redact_everywhere"(usher.person_traces) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."report_address"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."report_person"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."report_traces"(usher.person_traces) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."searched_words"(usher.person_traces) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."sign_up_secrets"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."speak_to_invitee"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."speak_to_invitee"() TO "anon", "authenticated", "service_role";

REVOKE ALL ON FUNCTION "usher"."template_facts"(public.organisation_email_templates) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_deliveries__bring_back_stops"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__known_again"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_users__no_secrets"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."without_addresses"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."without_secrets"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."words_pattern"(text[], boolean) FROM PUBLIC;

-- By hand: only where the platform has this role; a bare Postgres has not.
do $$
begin
  if exists (select from pg_catalog.pg_roles r where r.rolname = 'supabase_auth_admin') then
    grant execute on function usher.custom_access_token_hook, usher.without_secrets to supabase_auth_admin;
  end if;
end
$$;

-- By hand: what stayed in accounts goes; the triggers take it out of what is written.
do $$
begin
  update auth.users u
  set raw_user_meta_data = u.raw_user_meta_data
  where u.raw_user_meta_data::jsonb ?| array['invite_token', 'device_code'];
  if to_regclass('auth.identities') is not null then
    update auth.identities d
    set identity_data = d.identity_data
    where d.identity_data::jsonb ?| array['invite_token', 'device_code'];
  end if;
exception
  when insufficient_privilege then
    raise warning 'Tokens that lie in accounts could not be taken out: run, as the owner of Auth''s tables, update '
      'auth.users set raw_user_meta_data = raw_user_meta_data where raw_user_meta_data ?| ''{invite_token,device_code}''; '
      'and the same for identity_data of auth.identities.';
end
$$;

-- By hand: whoever was erased before stays so; and of lines that no seal covers yet, addresses go.
insert into usher.erased_members (member_id)
select m.id
from public.organisation_members m
where m.email is null and m.kind = 'user' and exists (
  select from public.organisation_audit_events e
  where e.organisation_id = m.organisation_id and e.event = 'person.erased' and e.target_id = m.user_id);

do $$
begin
  perform set_config('usher.audit_exception', 'UPDATE', true);
  update public.organisation_audit_events e
  set before = usher.without_addresses(e.before), after = usher.without_addresses(e.after)
  where position('@' in concat_ws(' ', e.before::text, e.after::text)) > 0
    and not exists (select from usher.sealed_events s where s.event_id = e.id);
  perform set_config('usher.audit_exception', '', true);
end
$$;
