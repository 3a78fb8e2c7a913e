-- outbox

set local check_function_bodies = off;

DROP TRIGGER "usher_tell_webhooks" ON "public"."organisation_audit_events";

DROP VIEW "usher"."stuck";

DROP FUNCTION "usher"."enqueue_access_mail"(text, uuid, text[], boolean, timestamp with time zone);

DROP FUNCTION "usher"."enqueue_delivery"(text, uuid, text, text, uuid, boolean);

DROP FUNCTION "usher"."enqueue_invites"(uuid[], boolean);

DROP FUNCTION "usher"."enqueue_join_mail"(text, uuid, text, jsonb);

DROP FUNCTION "usher"."enqueue_lost_right_mail"(text, uuid, uuid, text[], jsonb);

DROP FUNCTION "usher"."enqueue_notice"(text, uuid, uuid);

DROP FUNCTION "usher"."enqueue_review_mail"(text, public.organisation_access_reviews);

DROP FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text);

DROP FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text);

DROP FUNCTION "usher"."tg_organisation_audit_events__tell_webhooks"();

DROP FUNCTION "usher"."wake_worker"();

ALTER TABLE "public"."organisation_deliveries" ALTER COLUMN "caused_by" DROP DEFAULT;

CREATE TABLE "usher"."outbox" ("is_bulk" boolean NOT NULL DEFAULT false, "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "event_id" uuid NOT NULL, "attempts" smallint NOT NULL DEFAULT 0, "due_at" timestamp with time zone, "last_error" text, CONSTRAINT "outbox_bounds" CHECK ((length(last_error) <= 1000)), CONSTRAINT "outbox_pkey" PRIMARY KEY (is_bulk, id));

ALTER TABLE "usher"."outbox" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "usher"."outbox" SET (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_insert_threshold=-1, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);

ALTER TABLE "public"."organisation_deliveries" ADD COLUMN "event_id" uuid;

CREATE TYPE "usher"."event_mail" AS ("event_id" uuid, "kind" text, "recipient" text, "locale" text, "invite_id" uuid, "issue" integer, "member_id" uuid, "facts" jsonb);

CREATE OR REPLACE FUNCTION usher.accept_open_invite(invite usher.invites)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite usher.invites := accept_open_invite.invite;
  v_user   record;
  v_member public.organisation_members;
  v_right_ends_at timestamptz;
begin
  select u.id, usher.normalise_email(u.email) as email, u.email_confirmed_at
  into v_user
  from auth.users u
  where u.id = auth.uid();
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  perform usher.require_person();
  if v_user.email is distinct from v_invite.email then
    perform usher.fail('invite_wrong_email');
  end if;
  if v_user.email_confirmed_at is null then
    perform usher.fail('email_unverified');
  end if;

  perform usher.lock_for_joining(v_invite.organisation_id, v_user.id, v_invite.invited_by);
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
    perform usher.fail(case when v_invite.id is null then 'invite_invalid'
      else coalesce(usher.invite_problem(v_invite), 'invite_superseded') end);
  end if;
  -- Whoever waited for a row that then stayed as it was had its time compared before the wait.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  -- What may have changed since it was sent: the right of who sent it, the roles, the domains, the way in, the
  -- seats, a ban.
  v_right_ends_at := usher.inviter_right_ends_at(v_invite);
  if v_right_ends_at <= clock_timestamp() then
    perform usher.fail('inviter_lost_right');
  end if;
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
  v_member := usher.add_member(v_invite.organisation_id, v_user.id, v_invite.roles,
    least(v_invite.membership_ends_at, nullif(v_right_ends_at, 'infinity')));

  perform usher.record_event(v_invite.organisation_id, 'invite.accepted', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'accepted', 'user_id', v_user.id, 'roles', v_member.roles)
      || jsonb_strip_nulls(jsonb_build_object('ends_at', v_member.ends_at)));
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.add_member(organisation_id uuid, user_id uuid, roles text[], ends_at timestamp with time zone DEFAULT NULL::timestamp with time zone, kind text DEFAULT 'user'::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  set status = 'active', kind = excluded.kind, roles = excluded.roles, ends_at = excluded.ends_at, role_ends = '{}',
    email = excluded.email, display_name = excluded.display_name,
    joined_at = now(), ended_at = null, status_reason = null
  where m.status in ('left', 'removed')
  returning * into v_member;
  if found then
    if usher.has_sanction(v_member.organisation_id, v_member.email, 'banned') then
      perform usher.fail('member_banned');
    end if;
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

CREATE OR REPLACE FUNCTION usher.announce_ending_access_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members;
  v_count  integer := 0;
begin
  for v_member in
    select m.*
    from public.organisation_members m
    where m.id = any (announce_ending_access_of.ids)
      and m.organisation_id = announce_ending_access_of.organisation_id
      and m.status = 'active' and m.next_end_at > statement_timestamp()
      and m.announced_end_at is distinct from m.next_end_at
    order by m.next_end_at
    for update skip locked
  loop
    update public.organisation_members m set announced_end_at = m.next_end_at where m.id = v_member.id;
    perform usher.record_event(v_member.organisation_id, 'member.access_ending', 'user', v_member.user_id,
      after => jsonb_build_object(
        'roles', case when v_member.ends_at = v_member.next_end_at then v_member.roles else array(
          select e.key from jsonb_each_text(v_member.role_ends) e
          where e.value::timestamptz = v_member.next_end_at order by e.key) end,
        'is_membership', coalesce(v_member.ends_at = v_member.next_end_at, false),
        'ends_at', v_member.next_end_at),
      actor_kind => 'worker');
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$function$;

CREATE OR REPLACE FUNCTION usher.answer_access_review(review_id uuid, answers jsonb)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_review public.organisation_access_reviews := usher.access_review_for_change(answer_access_review.review_id);
  v_answer record;
  v_item   public.organisation_access_review_items;
begin
  if jsonb_typeof(answer_access_review.answers) is distinct from 'array'
    or jsonb_array_length(answer_access_review.answers) not between 1 and 1000
  then
    perform usher.fail('invalid_settings', hint => 'answers is an array of 1 to 1,000 answers.');
  end if;
  perform usher.lock_members(v_review.organisation_id, array(
    select auth.uid()
    union
    select i.user_id
    from jsonb_array_elements(answer_access_review.answers) a
    join public.organisation_access_review_items i
      on i.review_id = v_review.id and i.id::text = a ->> 'item_id'));
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
      perform usher.fail('access_review_not_found',
        hint => 'The review does not ask about this.', details => v_answer.item_id);
    end if;
    perform usher.answer_review_item(v_item, v_answer.decision, v_answer.reason);
  end loop;

  perform usher.complete_access_review(v_review.id);
  select r.* into v_review from public.organisation_access_reviews r where r.id = v_review.id;
  return v_review;
end
$function$;

CREATE OR REPLACE FUNCTION usher.approve_join_request(request_id uuid, roles text[])
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_request public.organisation_join_requests :=
    usher.join_request_for_change(approve_join_request.request_id, true);
  v_actor   public.organisation_members := usher.caller_membership(v_request.organisation_id);
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
  v_member := usher.add_member(v_request.organisation_id, v_request.user_id, v_roles,
    nullif(usher.giving_ends_at(v_actor, 'invite.create', v_roles), 'infinity'));
  v_member := usher.settle_open_invite(v_member);
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(ban_member.organisation_id, 'member.ban', 'share');
  v_member public.organisation_members;
begin
  perform usher.lock_person(v_actor.organisation_id, a.email)
    from usher.addresses_of(v_actor.organisation_id, ban_member.user_id) a (email);
  v_member := usher.member_for_change(ban_member.organisation_id, ban_member.user_id, 'member.ban');
  if v_member.user_id = v_actor.user_id then
    perform usher.fail('permission_denied', hint => 'Nobody bans themselves. To go, leave the organisation.');
  elsif v_member.status = 'banned' then
    perform usher.fail('member_banned');
  end if;
  v_member := usher.end_membership(v_member.id, 'banned', 'member.banned', ban_member.reason);

  -- No way back by an invite that was sent to them; of what they sent, usher.invite_problem says that it is dead.
  perform usher.revoke_invites_to(v_member.organisation_id, a.email, 'The address was banned')
    from usher.addresses_of(v_member.organisation_id, v_member.user_id) a (email);
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_name(value text, max_length integer DEFAULT 100, may_link boolean DEFAULT false)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_name text := usher.clean_line(clean_name.value, clean_name.max_length);
begin
  return case
    -- An encoded word (RFC 2047) is read as what it stands for: another name, or a sign that turns the subject.
    when v_name !~ '=\?[^?\s]*\?[bqBQ]\?' and v_name !~ '\u061c'
      -- Fillers, the blank of Braille and marks are letters and symbols to Unicode, and to the eye nothing.
      and regexp_replace(v_name,
        '[\u0300-\u036f\u1160\u115f\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2800'
        '\u3164\ufe00-\ufe0f\ufe20-\ufe2f\uffa0\U00016fe4\U0001d159\U000e0000-\U000e0fff]',
        '', 'g') ~ ('[[:graph:]]' collate "und-x-icu")
      and (clean_name.may_link or not exists (select from usher.find_links(v_name)))
    then v_name
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.complete_delivery(delivery_id uuid, fence bigint, response text, provider_message_id text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_delivery public.organisation_deliveries;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d
    where d.id = complete_delivery.delivery_id), 'exists');
  update public.organisation_deliveries d
  set status = 'sent', sent_at = clock_timestamp(),
    last_response = usher.response_to_keep(d, complete_delivery.response),
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

CREATE OR REPLACE FUNCTION usher.complete_directory_change(endpoint_id uuid, member_id uuid, fence bigint, change bigint, remote_id text, roles text[], error text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = complete_directory_change.endpoint_id), 'exists');
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

CREATE OR REPLACE FUNCTION usher.create_directory_endpoint(organisation_id uuid, name text, url text, token text)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member   public.organisation_members :=
    usher.require_permission(create_directory_endpoint.organisation_id, 'directory.manage', 'settings');
  v_name     text := usher.clean_name(create_directory_endpoint.name);
  v_url      text := usher.directory_url(create_directory_endpoint.url);
  v_endpoint public.organisation_directory_endpoints;
begin
  -- What it sends out are addresses: to manage directories is not enough.
  perform usher.require_permission(create_directory_endpoint.organisation_id, 'member.read');
  if v_name is null or v_url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_url is null then usher.target_problem(btrim(create_directory_endpoint.url)) end,
        'Give a name of one line without addresses and links, '
        'and the https address that the application calls its SCIM base URL.'));
  end if;
  perform usher.require_room('directory endpoints', v_member.organisation_id);
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_directory_token.organisation_id, 'directory.manage', 'settings');
  v_name   text := usher.clean_name(create_directory_token.name);
  v_secret text := 'scim_' || translate(
    encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || e'\n', '-_');
  v_token  public.organisation_directory_tokens;
begin
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'A name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if not usher.is_span(create_directory_token.expires_in, '1 hour', '10 years') then
    perform usher.fail('invalid_expiry', hint => 'Give an interval from 1 hour to 10 years, or none.');
  end if;
  perform usher.require_room('directory tokens', v_member.organisation_id);
  -- Those that were revoked stay on record.
  perform usher.take_allowance('directory_tokens:' || v_member.organisation_id, 1, 100, interval '1 day');

  insert into public.organisation_directory_tokens as t (organisation_id, name, created_by, responsible_id, expires_at)
  values (
    v_member.organisation_id, v_name, v_member.user_id, v_member.user_id, now() + create_directory_token.expires_in)
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
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_invites.organisation_id, 'invite.create', 'share');
  v_ttl     interval;
  v_emails  text[];
  v_results public.organisation_invite_result[];
  v_created integer;
  v_created_at timestamptz := clock_timestamp();
  v_inviter_kind text := case when usher.acts_as_directory() then 'directory' else 'user' end;
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

  -- Each address and each set of roles is looked at once: a batch has many rows and few kinds of them. A row may
  -- be anything that JSON has: a field of it that is not there, or not of its kind, is that row's own fault.
  select array_agg(usher.normalise_email(d.item ->> 'email') order by d.n) into v_emails
  from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n);
  -- An invite that is past its time must not stand in the way of a new one.
  perform usher.expire_overdue_invites(create_invites.organisation_id, v_emails);

  with draft as materialized (
    select
      d.n::integer as row_number,
      gen_random_uuid() as id,
      coalesce(a.address, left(d.item ->> 'email', 1016)) as email,
      a.address,
      d.item,
      coalesce(d.item -> 'roles', 'null') as given_roles,
      case when d.item ->> 'expires_in' is null then v_ttl
        else usher.invite_lifetime(d.item ->> 'expires_in', v_ttl) end as lifetime,
      d.item ->> 'message' as given_message,
      case when d.item ->> 'message' is not null
        then usher.clean_text(d.item ->> 'message', 1000) end as message,
      d.item ->> 'locale' as locale,
      d.item ->> 'redirect_to' as redirect_to,
      coalesce(nullif(d.item -> 'metadata', 'null'), '{}') as metadata,
      left(d.item ->> 'template_id', 37) as template_id,
      d.item ->> 'membership_ends_at' as given_end,
      usher.read_time(d.item ->> 'membership_ends_at') as membership_ends_at
    from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n)
    join unnest(v_emails) with ordinality a (address, n) on a.n = d.n
  ),
  role_set as materialized (
    select c.given_roles, c.roles,
      usher.roles_problem(create_invites.organisation_id, c.roles, v_member.roles) as problem,
      -- Nobody gives for longer than they have.
      case when v_member.next_end_at is not null
        then nullif(usher.giving_ends_at(v_member, 'invite.create', c.roles), 'infinity') end as giving_ends_at
    from (
      select g.given_roles, case
        when jsonb_typeof(g.given_roles) <> 'array' or not g.given_roles @? 'strict $ ? (@.size() <= 1000)' then null
        when not g.given_roles @? 'strict $[*] ? (@.type() <> "string")'
          then usher.clean_roles(array(select jsonb_array_elements_text(g.given_roles))) end as roles
      from (select distinct d.given_roles from draft d) g
    ) c
  ),
  -- Once for each row: the problem is asked for several times below, and a message is read for it.
  judged as materialized (
    select d.*, t.id as checked_template_id, r.roles, p.invite_id as open_invite_id,
      coalesce(d.membership_ends_at, r.giving_ends_at) as ends_at,
      case
        when d.address is null then 'invalid_email'
        when r.problem is not null then r.problem
        when d.lifetime is null or jsonb_typeof(d.item -> 'expires_in') not in ('string', 'null')
          then 'invalid_expiry'
        when d.given_end is not null
          and (coalesce(d.membership_ends_at <= now() + interval '1 hour', true)
            or d.membership_ends_at > r.giving_ends_at) then 'invalid_expiry'
        when d.given_message is not null and d.message is null
          or jsonb_typeof(d.item -> 'message') not in ('string', 'null')
          or exists (select from usher.find_links(d.message)) then 'invalid_message'
        when d.redirect_to is not null and not usher.is_redirect(d.redirect_to) then 'invalid_redirect'
        when d.locale is not null and not usher.is_locale(d.locale) then 'invalid_settings'
        when jsonb_typeof(d.metadata) <> 'object'
          or pg_column_size(d.metadata) > 8192 then 'invalid_settings'
        when d.template_id is not null and t.id is null then 'invalid_settings'
        when p.problem is not null then p.problem
        when p.invite_id is not null then 'already_invited'
      end as problem
    from draft d
    join role_set r on r.given_roles = d.given_roles
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
      invited_by, inviter_kind, lifetime, membership_ends_at, expires_at, created_at)
    select r.id, create_invites.organisation_id, r.address, r.roles, nullif(r.message, ''), r.locale, r.redirect_to,
      r.metadata, r.checked_template_id, v_member.user_id,
      v_inviter_kind, r.lifetime, r.ends_at,
      usher.invite_end(r.lifetime, r.ends_at),
      -- Listed in the order in which they were given.
      v_created_at + r.row_number * interval '1 microsecond'
    from ranked r
    where r.problem is null and r.first_id = r.id
    -- Two batches with the same addresses wait for each other in one order.
    order by r.address
    -- Someone else may be inviting the same address at this moment; theirs stands then.
    on conflict do nothing
    returning id
  )
  select array_agg(
    case when i.id is not null
      then row(r.row_number, r.email, 'created', r.id, null, null)::public.organisation_invite_result
      else row(r.row_number, r.email, 'failed', null, coalesce(r.problem, 'already_invited'),
        case when coalesce(r.problem, 'already_invited') = 'already_invited'
          then coalesce(r.open_invite_id, nullif(r.first_id, r.id))::text end)::public.organisation_invite_result
    end order by r.row_number)
  into v_results
  from ranked r
  left join inserted i on i.id = r.id;

  select count(*)::integer into v_created from unnest(v_results) r where r.status = 'created';
  if v_created > 0 then
    perform usher.take_allowance('invites:' || create_invites.organisation_id, v_created,
      (select s.invites_per_day from usher.settings s), interval '1 day');
    perform usher.require_room_for_invites(create_invites.organisation_id);
    select array_agg(i.id order by r.row_number),
      array_agg(jsonb_build_object('roles', i.roles, 'expires_at', i.expires_at)
        || case when i.membership_ends_at is null then '{}'
          else jsonb_build_object('membership_ends_at', i.membership_ends_at) end order by r.row_number)
    into v_ids, v_afters
    from unnest(v_results) r join usher.invites i on i.id = r.invite_id
    where r.status = 'created';
    -- One that somebody waits for does not stand behind ten thousand.
    perform usher.record_events(create_invites.organisation_id, 'invite.created', 'invite', v_ids,
      null, v_afters, null, null, is_bulk => v_created > 20);
  end if;

  return query select r.* from unnest(v_results) r order by r.row_number;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_permission(name text, description text, roles text[] DEFAULT '{}'::text[])
 RETURNS usher.permissions
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_permission usher.permissions;
begin
  if length(create_permission.name) > 100
    or create_permission.name !~ '^[a-z][a-z_]*\.[a-z][a-z_]*$'
    or create_permission.name is null
  then
    perform usher.fail('invalid_settings', hint => 'A permission is thing.action, such as invoice.approve.');
  end if;
  -- The API answers lists of permissions as rows, and hosted projects let through a thousand of them.
  if (select count(*) from usher.permissions p where p.name <> create_permission.name) >= 500 then
    perform usher.fail('invalid_settings', hint => 'A project has at most 500 permissions.');
  end if;
  insert into usher.permissions as p (name, description)
  values (create_permission.name, coalesce(usher.clean_description(create_permission.description, 500), ''))
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

CREATE OR REPLACE FUNCTION usher.decline_invite(token text, reason text DEFAULT NULL::text)
 RETURNS public.organisation_invite_preview
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_reading usher.token_reading := usher.read_invite_token(decline_invite.token);
  v_invite  usher.invites := v_reading.invite;
begin
  if v_reading.problem is not null then
    perform usher.fail(v_reading.problem);
  end if;
  -- It is mailed to the admins, and may come from anybody to whom the link was passed on.
  if decline_invite.reason is not null and usher.clean_text(decline_invite.reason, 500) is null
    or exists (select from usher.find_links(usher.clean_text(decline_invite.reason, 500)))
  then
    perform usher.fail('invalid_message',
      hint => 'A reason is plain text of at most 500 characters, without addresses and links.');
  end if;

  perform usher.lock_organisation(v_invite.organisation_id, 'share');
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
  return usher.validate_invite(decline_invite.token);
end
$function$;

CREATE OR REPLACE FUNCTION usher.decline_join_request(request_id uuid, reason text)
 RETURNS public.organisation_join_requests
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_request public.organisation_join_requests :=
    usher.join_request_for_change(decline_join_request.request_id, false);
begin
  if decline_join_request.reason is not null and usher.clean_text(decline_join_request.reason, 500) is null
    or exists (select from usher.find_links(usher.clean_text(decline_join_request.reason, 500)))
  then
    perform usher.fail('invalid_message',
      hint => 'A reason is plain text of at most 500 characters, without addresses and links.');
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

CREATE OR REPLACE FUNCTION usher.delay_mails(judgement usher.mail_judgement, settings usher.settings)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_settings usher.settings := delay_mails.settings;
  v_now      timestamptz := clock_timestamp();
  v_since    timestamptz := v_now - v_settings.organisation_is_new_for;
  v_held     uuid[] := (delay_mails.judgement).held_by_mailbox || (delay_mails.judgement).held_by_sender;
  v_mail     record;
  v_line     text;
  v_hash     text;
  v_free_at  timestamptz;
  v_step     interval;
begin
  for v_mail in
    select d.id, d.mailbox, d.organisation_id, d.kind, d.caused_by, d.is_bulk,
      o.created_at > v_since as is_new, d.id = any ((delay_mails.judgement).held_by_sender) as is_by_sender
    from unnest(v_held) with ordinality h (id, n)
    join public.organisation_deliveries d on d.id = h.id
    join public.organisations o on o.id = d.organisation_id
    order by h.n
  loop
    if v_mail.is_by_sender then
      -- Looked at again soon, each at a time of its own: its hour may hold thousands.
      update public.organisation_deliveries d
      set due_at = usher.next_place(format('sender:%s:%s', v_mail.caused_by, v_mail.is_bulk),
        interval '1 hour' / coalesce(
          case when v_mail.is_new then v_settings.new_mails_per_hour_of_sender end,
          v_settings.mails_per_hour_of_sender),
        v_now + interval '1 minute')
      where d.id = v_mail.id;
      continue;
    end if;

    if v_line is distinct from v_mail.mailbox || v_mail.is_new then
      v_line := v_mail.mailbox || v_mail.is_new;
      -- Salted: whoever reads the names of lines is not told whose mailbox is full.
      v_hash := encode(usher.address_hash(v_mail.mailbox), 'hex');
      v_free_at := coalesce(greatest(
        usher.mailbox_free_at(v_mail.mailbox, v_settings.mails_per_hour_to_recipient, null, v_held),
        case when v_mail.is_new then usher.mailbox_free_at(
          v_mail.mailbox, v_settings.new_mails_per_hour_to_recipient, v_since, v_held) end),
        v_now + interval '1 minute');
      v_step := interval '1 hour' / coalesce(
        case when v_mail.is_new then v_settings.new_mails_per_hour_to_recipient end,
        v_settings.mails_per_hour_to_recipient);
    end if;
    -- One behind the other, by what they are about and by who causes them, and not behind everything that waits
    -- for this mailbox: a thousand notices do not keep the one that matters, nor a stranger's mail anybody else's.
    update public.organisation_deliveries d
    set due_at = greatest(
      usher.next_place(format('mailbox:%s:%s:%s', v_hash, v_mail.organisation_id, v_mail.kind), v_step, v_free_at),
      case when v_mail.caused_by is not null then usher.next_place(
        format('mailbox:%s:%s', v_hash, v_mail.caused_by), v_step, v_free_at) end)
    where d.id = v_mail.id;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.disable_webhook(webhook_id uuid, reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_access(member public.organisation_members)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.end_membership(
    (end_access.member).id, 'removed', 'member.access_ended', 'The membership had an end.', 'worker');
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_due_access_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members;
  v_kept   text[];
  v_count  integer := 0;
begin
  for v_member in
    select m.*
    from public.organisation_members m
    where m.id = any (end_due_access_of.ids) and m.organisation_id = end_due_access_of.organisation_id
      and m.status = 'active' and m.next_end_at <= statement_timestamp()
    order by m.next_end_at
    -- One that is being changed at this moment is left to the next sweep.
    for update skip locked
  loop
    v_count := v_count + 1;
    if v_member.ends_at <= statement_timestamp() then
      perform usher.end_access(v_member);
      continue;
    end if;

    v_kept := usher.counting_roles(v_member.roles, v_member.ends_at, v_member.role_ends);
    update public.organisation_members m set roles = v_kept where m.id = v_member.id;
    perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
      before     => jsonb_build_object('roles', v_member.roles, 'ends_at', v_member.next_end_at),
      after      => jsonb_build_object('roles', v_kept),
      reason     => 'The role had an end.',
      actor_kind => 'worker');
  end loop;
  return v_count;
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_membership(member_id uuid, status text, event text, reason text, actor_kind text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    before => jsonb_build_object('status', v_before.status, 'roles', v_before.roles)
      || jsonb_strip_nulls(jsonb_build_object('ends_at', v_before.ends_at)),
    after  => jsonb_build_object('status', v_member.status),
    reason => v_member.status_reason,
    actor_kind => end_membership.actor_kind);
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_auth_mail(recipient text, locale text, sealed text, dedupe_key bytea)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION usher.enrol_device(code text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_wait   interval;
  v_invite usher.invites;
  v_member public.organisation_members;
  v_email  text;
  v_has_phone boolean;
  v_right_ends_at timestamptz;
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

  if length(enrol_device.code) <= 20 then
    select i.* into v_invite
    from usher.signing_keys k
    join usher.device_codes d
      on d.key_id = k.id and d.hash = usher.device_code_hash(enrol_device.code, k.id)
    join usher.invites i on i.id = d.invite_id;
  end if;
  if v_invite.id is null then
    perform usher.take_allowance('device_codes:' || auth.uid(), 1, 10, interval '1 hour');
    return usher.answer_error('invite_invalid');
  end if;
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
  end if;

  perform usher.lock_for_joining(v_invite.organisation_id, auth.uid(), v_invite.invited_by);
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = auth.uid()
  where i.id = v_invite.id and i.status = 'pending' and i.expires_at > clock_timestamp();
  if not found then
    select i.* into v_invite from usher.invites i where i.id = v_invite.id;
    perform usher.fail(case when v_invite.id is null then 'invite_invalid'
      else coalesce(usher.invite_problem(v_invite), 'invite_not_pending') end);
  end if;
  -- As when accepting an invite: it may have waited for the row until after its end.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  v_right_ends_at := usher.inviter_right_ends_at(v_invite);
  if v_right_ends_at <= clock_timestamp() then
    perform usher.fail('inviter_lost_right');
  end if;
  perform usher.require_roles(v_invite.organisation_id, v_invite.roles);
  -- An account with an address or a phone number is somebody's: a code is no way round what is asked of people.
  select usher.normalise_email(u.email), coalesce(to_jsonb(u) ->> 'phone', '') <> '' into v_email, v_has_phone
  from auth.users u where u.id = auth.uid();
  if v_email is not null or v_has_phone then
    if exists (
      select from public.organisations o
      where o.id = v_invite.organisation_id and cardinality(o.allowed_email_domains) > 0
        and coalesce(usher.email_domain(v_email) <> all (o.allowed_email_domains), true))
    then
      perform usher.fail('domain_not_allowed');
    end if;
    perform usher.require_sign_in(v_invite.organisation_id, auth.uid(), v_email);
  end if;
  perform usher.require_free_seat(v_invite.organisation_id);
  v_member := usher.add_member(v_invite.organisation_id, auth.uid(), v_invite.roles,
    nullif(v_right_ends_at, 'infinity'), 'device');
  update public.organisation_members m
  set display_name = v_invite.device_name, email = null
  where m.id = v_member.id
  returning m.* into v_member;

  perform usher.record_event(v_invite.organisation_id, 'device.enrolled', 'user', v_member.user_id,
    after => jsonb_build_object('invite_id', v_invite.id, 'roles', v_member.roles),
    actor_kind => 'device');
  return to_jsonb(v_member);
end
$function$;

CREATE OR REPLACE FUNCTION usher.evidence_tables(organisation_id uuid, since timestamp with time zone, until timestamp with time zone, with_people boolean, with_invites boolean)
 RETURNS json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
      r.granted_at < v_until
      and case when r.ended_at is null then r.is_held else r.ended_at >= v_until end as is_held_then
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
          select e.id, e.occurred_at, e.target_id, null, 'end_changed', e.event,
            e.actor_kind, e.actor_id, e.reason, e.after
          from public.organisation_audit_events e
          where e.organisation_id = v_id and e.event = 'member.ends_updated'
        ) c
        left join people p on p.user_id = c.user_id
        left join people a on a.user_id = c.actor_id
        where c.occurred_at >= v_since and c.occurred_at < v_until) x),
    'invites', (
      select coalesce(json_agg(x order by x.created_at, x.id), '[]') from (
        select i.id, i.kind,
          case when evidence_tables.with_invites then coalesce(i.email, i.device_name) end as invitee,
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
        select 'excluded_roles_held' as finding, e.name as exclusion, m.user_id, p.email, h.roles,
          null::timestamptz as at
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

CREATE OR REPLACE FUNCTION usher.fail_directory_change(endpoint_id uuid, member_id uuid, fence bigint, failure text, error text, retry_after integer DEFAULT NULL::integer)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_status text;
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = fail_directory_change.endpoint_id), 'exists');
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = fail_directory_reconcile.endpoint_id), 'exists');
  update public.organisation_directory_endpoints e
  set leased_at = null, reconcile_at = least(e.reconcile_at, now())
  where e.id = fail_directory_reconcile.endpoint_id and e.fence = fail_directory_reconcile.fence;
  if found then
    perform usher.pause_directory_endpoint(
      fail_directory_reconcile.endpoint_id, fail_directory_reconcile.error, fail_directory_reconcile.retry_after);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.fan_out(batch_size integer DEFAULT 1000, after_id bigint DEFAULT 0, OUT followed integer, OUT newest_id bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '100ms'
AS $function$
declare
  v_rows usher.outbox[] := '{}';
  v_row  usher.outbox;
  v_is_bulk boolean;
begin
  fan_out.followed := 0;
  fan_out.newest_id := coalesce(pg_sequence_last_value('usher.outbox_id_seq'), 0);
  -- Single ones first, and then as many of the others as there is room for.
  foreach v_is_bulk in array '{false,true}'::boolean[] loop
    v_rows := v_rows || array(
      select o
      from usher.outbox o
      where o.is_bulk = v_is_bulk and o.id > fan_out.after_id
        and (o.due_at is null or o.due_at <= clock_timestamp())
      order by o.id
      limit fan_out.batch_size - cardinality(v_rows)
      for update skip locked);
  end loop;
  if v_rows = '{}' then
    return;
  end if;

  begin
    perform usher.follow_lines(array(select r.event_id from unnest(v_rows) r),
      array(select r.event_id from unnest(v_rows) r where r.is_bulk));
    delete from usher.outbox o
    using unnest(v_rows) r where o.is_bulk = r.is_bulk and o.id = r.id;
    fan_out.followed := cardinality(v_rows);
    return;
  exception
    when others then
      -- One of them cannot be followed: each is tried alone.
      null;
  end;

  foreach v_row in array v_rows loop
    begin
      perform usher.follow_lines(array[v_row.event_id], case when v_row.is_bulk then array[v_row.event_id] end);
      delete from usher.outbox o where o.is_bulk = v_row.is_bulk and o.id = v_row.id;
      fan_out.followed := fan_out.followed + 1;
    exception
      when lock_not_available then
        -- A change holds what it needs.
        null;
      when others then
        update usher.outbox o
        set attempts = least(o.attempts + 1, 1000), last_error = left(sqlerrm, 1000),
          due_at = clock_timestamp() + least(interval '1 second' * 2 ^ least(o.attempts, 12), interval '1 hour')
        where o.is_bulk = v_row.is_bulk and o.id = v_row.id;
    end;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.find_links(value text)
 RETURNS SETOF text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_text   text := find_links.value;
  v_found  text[];
  v_labels text[];
  -- With a scheme, whichever, or what a browser reads as one; an address; www.
  v_plain constant text :=
    '((?:[a-z][a-z0-9+-]*:[/\\]{2}'
    '|(?:h..ps?|ftp|mailto|javascript|data|tel|sms|callto|facetime|skype|whatsapp):[^\s])[^\s]*'
    '|[/\\]{2}[^\s/\\][^\s]*'
    '|[^\s@<>"(),;:]+@(?:[^\s@.]+\.)+[^\s@.,;:!?<>")]+|[^\s@<>"(),;:]+@\[[^\s]*'
    '|\mwww\d?\.[^\s]+)';
  -- A label of a domain: letters, marks and digits of any script, hyphens. A symbol ends it, and no class holds
  -- those. But a domain may begin with a picture.
  v_first  text := '(?:[^[:space:][:punct:]]|[_-])';
  v_label  text :=
    '(?:[^[:space:][:punct:]\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf'
    '\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u02e5-\u02ff\u0375\u0384\u0385\u03f6\u0482\u058d-\u058f\u0606-\u060f'
    '\u06de\u06e9\u06fd\u06fe\u0e3f\u17db\u1fbd-\u1fc1\u2000-\u2bff\u2e80-\u3004\u3012-\u3020\u3036-\u303f\u309b\u309c'
    '\u3190-\u319f\u31c0-\u31ef\u3200-\u33ff\u4dc0-\u4dff\ufdfc-\ufdff\ufe62-\ufe69\ufff0-\uffff\U0001d000-\U0001d3ff'
    '\U0001f000-\U0001ffff]|[_-])';
  -- What cannot be seen.
  v_hidden constant text :=
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f'
    '\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]';
begin
  -- Most text holds none of the signs that make a link, nor of those that look like them.
  if v_text is null or v_text !~* '[.@:\\]|//|dot|[^\u0001-\u007f]' then
    return;
  end if;
  if v_text ~ '[^\u0001-\u007f]' then
    if usher.is_heaped(v_text) then
      return next left(v_text, 30);
      return;
    end if;
    -- As a browser reads it: full-width signs as their narrow ones, and what cannot be seen not at all. And as a
    -- program reads it that looks for the end of a link: there, such signs end it, and ™ is not the letters "tm".
    v_text := normalize(regexp_replace(v_text, v_hidden, '', 'g')
      || case when v_text ~ '[\u00a0-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]' or v_text ~ v_hidden then
        e'\n' || regexp_replace(regexp_replace(v_text, v_hidden, ' ', 'g'),
          '[\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]',
          ' ', 'g')
      else '' end, nfkc);
    -- A full stop of Chinese ends a sentence, and is the dot of a domain.
    v_text := lower(replace(v_text, '。', '.') collate "und-x-icu");
  else
    v_text := lower(v_text);
    v_label := '[a-z0-9_-]';
    v_first := v_label;
  end if;
  -- What is to be typed by hand, so that no program sees it.
  if v_text ~ '[\[({]' then
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:\.|dot)\s*[\])}]\s*', '.', 'g');
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:@|at)\s*[\])}]\s*', '@', 'g');
  end if;

  if v_text ~ '[@:/\\]|www' then
    for v_found in select m from regexp_matches(v_text, v_plain, 'g') m loop
      return next v_found [1];
    end loop;
    if found then
      v_text := regexp_replace(v_text, v_plain, ' ', 'g');
    end if;
  end if;

  if v_text !~ '\.[^\s]' then
    return;
  end if;
  -- By itself, and mail programs make a link of it: an IPv4 address, or a label that is followed by a top level domain.
  for v_found in
    select m from regexp_matches(v_text,
      ('(' || v_first || '+\.(?:' || v_label || '+\.)*' || v_label || '+)(\.*(?:[/?#\\]|:\d)[^\s]?)?')
      collate "und-x-icu", 'g') m
  loop
    v_labels := string_to_array(v_found [1], '.');
    if usher.top_level_domains() ?| v_labels [2:] and not usher.is_title(v_labels, v_found [2] is null)
      or v_found [1] like '%.xn--%' or v_found [1] ~ '^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$'
    then
      return next v_found [1];
    end if;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.finish_directory_reconcile(endpoint_id uuid, fence bigint, features jsonb, users jsonb, groups jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_nestloop TO 'off'
AS $function$
declare
  v_endpoint  public.organisation_directory_endpoints;
  v_drift     integer;
  v_strangers jsonb;
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = finish_directory_reconcile.endpoint_id), 'exists');
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
  select (count(*) filter (where p.has_drifted))::integer into v_drift from compared p;

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

CREATE OR REPLACE FUNCTION usher.follow_lines(event_ids uuid[], bulk_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_lines public.organisation_audit_events[];
begin
  -- A line that is gone meanwhile, as its organisation's time for it was over, is followed by nothing.
  select array_agg(e) into v_lines
  from public.organisation_audit_events e
  where e.id = any (follow_lines.event_ids);
  if v_lines is not null then
    perform usher.queue_mails(v_lines, follow_lines.bulk_ids);
    perform usher.tell_webhooks(v_lines);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.follow_lost_rights_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_lost     usher.lost_rights;
  v_invites  uuid[];
  v_stopping jsonb;
  v_stops_at timestamptz;
  v_count    integer := 0;
begin
  for v_lost in
    select l.*
    from usher.lost_rights l
    where l.organisation_id = follow_lost_rights_of.organisation_id and l.user_id = any (follow_lost_rights_of.ids)
    order by l.user_id
    for update skip locked
  loop
    v_count := v_count + 1;
    select array_agg(l.id) into v_invites
    from (
      select i.id
      from (
        select i.* from usher.invites i
        where i.organisation_id = v_lost.organisation_id and i.invited_by = v_lost.user_id
          and i.inviter_kind = 'user' and i.status = 'pending' and i.expires_at > clock_timestamp()
        order by i.id
        -- One that is being answered or sent again at this moment is judged by that.
        for update skip locked
      ) i
      where usher.invite_problem(i.*::usher.invites) = 'inviter_lost_right'
      limit 1000
    ) l;
    perform usher.end_invite(i, 'inviter_lost_right', 'worker', null) from unnest(v_invites) i;
    if v_invites is not null then
      perform usher.record_event(v_lost.organisation_id, 'invites.inviter_lost_right', 'user', v_lost.user_id,
        after => jsonb_build_object('count', cardinality(v_invites)), actor_kind => 'worker');
    end if;
    -- There may be more of them: the line stays for the next time.
    continue when cardinality(v_invites) = 1000;

    select jsonb_agg(c.name order by c.name), min(c.stops_at) into v_stopping, v_stops_at
    from (
      select t.name, t.stops_at from public.organisation_directory_tokens t
      where t.organisation_id = v_lost.organisation_id and t.responsible_id = v_lost.user_id
        and t.revoked_at is null and t.stops_at is not null
      union all
      select d.domain, d.stops_at from public.organisation_domains d
      where d.organisation_id = v_lost.organisation_id and d.responsible_id = v_lost.user_id
        and d.join_policy = 'join' and d.stops_at is not null
    ) c;
    if v_lost.is_stopping and v_stopping is not null then
      perform usher.record_event(v_lost.organisation_id, 'credentials.responsible_lost_right', 'user', v_lost.user_id,
        after => jsonb_build_object('credentials', v_stopping, 'stops_at', v_stops_at), actor_kind => 'worker');
    end if;
    delete from usher.lost_rights l
    where l.organisation_id = v_lost.organisation_id and l.user_id = v_lost.user_id;
  end loop;
  return v_count;
end
$function$;

CREATE OR REPLACE FUNCTION usher.free_slug(name text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- Accents go first, so that Söhne gives sohne; then everything that is not a letter or digit.
  v_base text := regexp_replace(normalize(lower(free_slug.name collate "und-x-icu"), nfkd), '[\u0300-\u036f]', '', 'g');
  v_slug text;
begin
  v_base := trim('-' from left(regexp_replace(v_base, '[^a-z0-9]+', '-', 'g'), 50));
  v_slug := v_base;
  -- Names in other scripts leave nothing over; names that are taken, or not to be had, get a random tail.
  while not usher.is_slug(v_slug)
    or usher.is_reserved_slug(v_slug)
    or exists (select from public.organisations o where o.slug = v_slug)
  loop
    v_slug := concat_ws('-', nullif(v_base, ''), encode(extensions.gen_random_bytes(3), 'hex'));
  end loop;
  return v_slug;
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_mails(lines public.organisation_audit_events[])
 RETURNS SETOF usher.event_mail
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
    select e.id, case e.event when 'invite.reminded' then 'invite_reminder' else 'invite' end,
      i.email, i.locale, i.id, coalesce((e.after ->> 'issue')::integer, 1), null::uuid, '{}'::jsonb
    from unnest(invite_mails.lines) e
    join usher.invites i on i.id = e.target_id and i.kind = 'user'
    where e.event in ('invite.created', 'invite.resent', 'invite.roles_updated', 'invite.reminded')
    union all
    -- To who invited them.
    select e.id, case e.event
        when 'invite.accepted' then 'invite_accepted'
        when 'invite.expired' then 'invite_expired'
        when 'device.enrolled' then 'device_enrolled'
      end, m.email, null, i.id, i.issue, null, '{}'
    from unnest(invite_mails.lines) e
    join usher.invites i
      on i.id = case e.event when 'device.enrolled' then (e.after ->> 'invite_id')::uuid else e.target_id end
    join usher.current_members m on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
    where m.email is not null
      and (e.event in ('invite.accepted', 'device.enrolled')
        -- Whoever lets one expire by hand knows.
        or e.event = 'invite.expired' and e.actor_kind = 'worker' and (
          select o.expiry_mail from public.organisations o where o.id = e.organisation_id));
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_state_problem(invite usher.invites)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case (invite_state_problem.invite).status
    when 'accepted' then 'invite_already_accepted'
    when 'declined' then 'invite_declined'
    -- By nobody: whoever revokes by hand may write any reason.
    when 'revoked' then case
      when (invite_state_problem.invite).revoked_by is null
        and (invite_state_problem.invite).revoked_reason = 'inviter_lost_right'
      then 'inviter_lost_right' else 'invite_revoked' end
    when 'expired' then 'invite_expired'
    -- By the clock, not by the start of the transaction, which may have waited for another.
    else case when (invite_state_problem.invite).expires_at <= clock_timestamp() then 'invite_expired' end
  end;
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
    ('member_banned',           'You are banned from the organisation.',
      'Write to the organisation if that is a mistake.'),
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
    ('inviter_lost_right',      null, 'Ask the organisation for a new one.'),
    ('try_again',               null, 'Wait a moment, then try again.'),
    ('invite_declined',         null, 'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       null, 'Open the link in the newest mail.'),
    ('invalid_role',            'A role that this gives is no longer there.', 'Ask whoever invited you for a new one.'),
    ('invalid_message',         null,
      'Give a reason of at most 500 characters of plain text without addresses and links, or none.'),
    ('rate_limited',            null, 'Wait as long as Retry-After says.')
$function$;

CREATE OR REPLACE FUNCTION usher.is_redirect(redirect_to text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(
    -- A path of the pages themselves: one slash, then none and no backslash, which browsers take for one.
    case
      when length(is_redirect.redirect_to) <= 2000
      then is_redirect.redirect_to ~ '^/([!-.0-\[\]-~][!-\[\]-~]*)?$'
    end
    or usher.url_origin(is_redirect.redirect_to) in (
      select usher.url_origin(s.site_url) from usher.settings s
      union all
      select lower(o) from usher.settings s, unnest(s.redirect_origins) o),
    false)
$function$;

CREATE OR REPLACE FUNCTION usher.is_title(labels text[], is_alone boolean)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_last text := is_title.labels [cardinality(is_title.labels)];
begin
  -- What firms are called by law, and degrees: Müller GmbH & Co.KG, Ann Smith M.Sc.
  return is_title.is_alone and (
    array_to_string(is_title.labels, '.') in ('co.kg', 'co.ltd', 'pty.ltd', 'pvt.ltd', 'm.sc', 'b.sc')
    or v_last not in (
      'com', 'net', 'org', 'info', 'biz', 'co', 'io', 'ai', 'me', 'cc', 'tv', 'to', 'ly', 'gl', 'gg', 'app', 'dev',
      'xyz', 'link', 'click', 'page', 'site', 'online', 'shop', 'store', 'top', 'icu', 'club', 'live', 'new', 'web',
      'cloud')
    and not exists (
      select from unnest(is_title.labels [:cardinality(is_title.labels) - 1]) l
      where l not in (
        'dr', 'prof', 'mag', 'mr', 'mrs', 'ms', 'mx', 'st', 'ste', 'sr', 'jr', 'dipl', 'ing', 'med', 'dent', 'vet',
        'phil', 'rer', 'nat', 'jur', 'iur', 'oec', 'pol', 'habil')
      -- Domains of one letter are known under two letters, such as t.co, and elsewhere next to none is given.
      and not (l ~ ('^[[:alpha:]]$' collate "und-x-icu") and length(v_last) > 2)));
end
$function$;

CREATE OR REPLACE FUNCTION usher.issue_again(invite_id uuid, actor_kind text DEFAULT NULL::text, inviter_id uuid DEFAULT NULL::uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_before usher.invites;
  v_invite usher.invites;
begin
  select i.* into strict v_before from usher.invites i where i.id = issue_again.invite_id for update;
  begin
    update usher.invites i
    set status = 'pending', issue = i.issue + 1, issued_at = now(), bounced_at = null,
      invited_by = coalesce(issue_again.inviter_id, i.invited_by),
      inviter_kind = case when issue_again.inviter_id is null then i.inviter_kind else 'user' end,
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
    after      => jsonb_build_object(
      'status', 'pending', 'expires_at', v_invite.expires_at, 'issue', v_invite.issue),
    actor_kind => issue_again.actor_kind);
end
$function$;

CREATE OR REPLACE FUNCTION usher.join_organisation(organisation_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_domain public.organisation_domains;
  v_member public.organisation_members;
  v_invite usher.invites;
  v_email  text;
  v_ends_at timestamptz;
begin
  perform usher.require_person();
  -- Only who may join lets others wait.
  if exists (
    select from usher.my_joinable_domains() d where d.organisation_id = join_organisation.organisation_id)
  then
    perform usher.lock_for_joining(join_organisation.organisation_id, auth.uid(), (
      select i.invited_by
      from usher.invites i
      join auth.users u on u.id = auth.uid() and i.email = usher.normalise_email(u.email)
      where i.organisation_id = join_organisation.organisation_id and i.status = 'pending'));
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
  elsif v_member.status = 'banned' or usher.is_banned(v_domain.organisation_id, auth.uid()) then
    perform usher.fail('member_banned');
  end if;
  select usher.normalise_email(u.email) into v_email from auth.users u where u.id = auth.uid();
  -- Whoever was sent away, whose time was over, or whom a directory has turned off: not back by themselves.
  if usher.has_sanction(v_domain.organisation_id, v_email, 'removed') or v_member.ends_at is not null or exists (
    select from usher.directory_users d
    where d.organisation_id = v_domain.organisation_id and not d.is_active
      and (d.member_id = v_member.id or d.email = v_email))
  then
    v_domain.join_policy := 'ask';
  end if;
  -- Whoever has been invited comes in as what they were invited as, and the invite is answered by it.
  select i.* into v_invite
  from usher.invites i
  where i.organisation_id = v_domain.organisation_id and i.email = v_email and i.status = 'pending';
  if found and usher.invite_problem(v_invite) is null then
    perform usher.accept_open_invite(v_invite);
    return 'joined';
  end if;
  perform usher.require_sign_in(v_domain.organisation_id, auth.uid(), v_email);

  v_ends_at := usher.domain_word_ends_at(v_domain);
  if v_domain.join_policy = 'join' and v_ends_at > statement_timestamp() then
    perform usher.require_roles(v_domain.organisation_id, array[v_domain.role]);
    perform usher.require_free_seat(v_domain.organisation_id);
    v_member := usher.add_member(v_domain.organisation_id, auth.uid(), array[v_domain.role],
      nullif(v_ends_at, 'infinity'));
    perform usher.revoke_invites_to(v_domain.organisation_id, v_email, 'Joined by the domain');
    perform usher.record_event(v_domain.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('domain', v_domain.domain, 'roles', v_member.roles));
    return 'joined';
  end if;

  if not exists (
    select from public.organisation_join_requests r
    where r.organisation_id = v_domain.organisation_id and r.user_id = auth.uid() and r.status = 'pending')
  then
    -- Each one is a mail to every admin, and may be asked for again once it was turned down.
    perform usher.require_room('requests to join', v_domain.organisation_id);
    perform usher.take_allowance('join_requests:' || v_domain.organisation_id || ':' || auth.uid(),
      1, 5, interval '1 day');
  end if;
  insert into public.organisation_join_requests (organisation_id, user_id, email)
  values (v_domain.organisation_id, auth.uid(), v_email)
  on conflict do nothing;
  if found then
    perform usher.record_event(v_domain.organisation_id, 'join.requested', 'user', auth.uid());
  end if;
  return 'requested';
end
$function$;

CREATE OR REPLACE FUNCTION usher.kept_at_erasure()
 RETURNS TABLE(place text, what text, reason text)
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  values
    ('public.organisation_audit_events.before', 'all',
      'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.after', 'all',
      'Sealed. Of an address only its domain comes in; a name may stand there.'),
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

CREATE OR REPLACE FUNCTION usher.label_to_ascii(label text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_points integer[] := array(
    select ascii(c.letter)
    from regexp_split_to_table(label_to_ascii.label, '') with ordinality c (letter, n) order by c.n);
  v_count  integer := cardinality(v_points);
  v_ascii  text := regexp_replace(label_to_ascii.label, '[^\u0001-\u007f]', '', 'g');
  v_basic  integer := length(v_ascii);
  v_done   integer := v_basic;
  v_next   bigint := 128::bigint;
  v_delta  bigint := 0::bigint;
  v_bias   integer := 72;
  v_least  bigint;
  v_point  integer;
  v_q      bigint;
  v_k      integer;
  v_t      integer;
begin
  if v_done = v_count then
    return label_to_ascii.label;
  end if;
  v_ascii := 'xn--' || v_ascii || case when v_basic > 0 then '-' else '' end;
  while v_done < v_count loop
    v_least := (select min(p)::bigint from unnest(v_points) p where p >= v_next);
    v_delta := v_delta + (v_least - v_next) * (v_done + 1);
    v_next := v_least;
    foreach v_point in array v_points loop
      if v_point < v_next then
        v_delta := v_delta + 1;
      elsif v_point = v_next then
        v_q := v_delta;
        v_k := 36;
        loop
          v_t := least(greatest(v_k - v_bias, 1), 26);
          exit when v_q < v_t;
          v_ascii := v_ascii
            || substr('abcdefghijklmnopqrstuvwxyz0123456789', (v_t + (v_q - v_t) % (36 - v_t))::integer + 1, 1);
          v_q := (v_q - v_t) / (36 - v_t);
          v_k := v_k + 36;
        end loop;
        v_ascii := v_ascii || substr('abcdefghijklmnopqrstuvwxyz0123456789', v_q::integer + 1, 1);
        v_bias := usher.punycode_bias(v_delta, v_done + 1, v_done = v_basic);
        v_delta := 0;
        v_done := v_done + 1;
      end if;
    end loop;
    v_delta := v_delta + 1;
    v_next := v_next + 1;
  end loop;
  return v_ascii;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_directory_groups(token text, id uuid DEFAULT NULL::uuid, display_name text DEFAULT NULL::text, with_members boolean DEFAULT true, for_change boolean DEFAULT false)
 RETURNS TABLE(item usher.directory_group, members jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_groups.token, list_directory_groups.for_change);
begin
  -- No group has such a name, and it would be compared with that of each.
  if length(list_directory_groups.display_name) > 254 then
    return;
  end if;
  return query
    with held as (
      select h.role, jsonb_agg(
        jsonb_build_object('value', u.id, 'display',
          coalesce(u.attributes ->> 'displayName', u.display_name, u.user_name))
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

CREATE OR REPLACE FUNCTION usher.mailbox_free_at(mailbox text, allowance integer, since timestamp with time zone, except_ids uuid[])
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select d.taken_at + interval '1 hour'
    from public.organisation_deliveries d
    where d.mailbox = mailbox_free_at.mailbox and d.taken_at > clock_timestamp() - interval '1 hour'
      and d.id <> all (mailbox_free_at.except_ids)
      and case when mailbox_free_at.since is null then d.organisation_id is not null
        else mailbox_free_at.since < (
          select o.created_at from public.organisations o where o.id = d.organisation_id) end
    order by d.taken_at desc
    offset mailbox_free_at.allowance - 1
    limit 1);
end
$function$;

CREATE OR REPLACE FUNCTION usher.notices_to_admins(lines public.organisation_audit_events[])
 RETURNS SETOF usher.event_mail
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
    select e.id, k.kind, m.email, null::text, i.id, i.issue, case when k.is_of_members then m.id end,
      case k.kind
        when 'join_requested' then jsonb_build_object('requester_email', (
          select r.email from public.organisation_join_requests r
          where r.organisation_id = e.organisation_id and r.user_id = e.target_id
          order by r.created_at desc limit 1))
        when 'webhook_disabled' then jsonb_build_object('webhook', e.after -> 'host')
        when 'invites_lost_right' then jsonb_build_object(
          'count', e.after -> 'count', 'person_name', p.display_name, 'person_email', p.email)
        when 'credentials_lost_right' then jsonb_build_object(
          'names', e.after -> 'credentials', 'ends_at', e.after -> 'stops_at',
          'person_name', p.display_name, 'person_email', p.email)
        when 'access_review_started' then usher.review_facts(e.target_id)
        when 'access_review_overdue' then usher.review_facts(e.target_id)
        else '{}'
      end
    from unnest(notices_to_admins.lines) e
    join (values
      ('invite.declined', 'invite_declined', '{invite.create}'::text[], false),
      ('invite.resend_requested', 'invite_resend_requested', '{invite.resend}', false),
      ('join.requested', 'join_requested', '{invite.create}', false),
      ('webhook.disabled', 'webhook_disabled', '{webhook.manage}', false),
      ('invites.inviter_lost_right', 'invites_lost_right', '{invite.create}', true),
      ('credentials.responsible_lost_right', 'credentials_lost_right',
        '{organisation.update,directory.manage}', true),
      ('access_review.started', 'access_review_started', '{access_review.manage}', true),
      ('access_review.overdue', 'access_review_overdue', '{access_review.manage}', true)
    ) k (event, kind, permissions, is_of_members) on k.event = e.event
    join usher.current_members m on m.organisation_id = e.organisation_id and m.email is not null
    left join usher.invites i on e.target_kind = 'invite' and i.id = e.target_id
    left join public.organisation_members p on p.organisation_id = e.organisation_id and p.user_id = e.target_id
    where k.permissions && array(select usher.permissions_of(m.organisation_id, m.roles))
      and (m.kind = 'user' or not k.is_of_members)
      -- A new link went to the invitee by itself.
      and e.after -> 'is_sent' is distinct from 'true';
end
$function$;

CREATE OR REPLACE FUNCTION usher.notices_to_members(lines public.organisation_audit_events[])
 RETURNS SETOF usher.event_mail
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
    select n.event_id, n.kind, m.email, null::text, null::uuid, null::integer, m.id,
      case when n.kind in ('access_ending', 'access_ended') then n.facts
        else n.facts || jsonb_build_object(
          'actor_name', a.display_name, 'actor_email', a.email,
          'owner_name', coalesce(o.display_name, o.email))
      end
    from (
      select e.id as event_id, e.organisation_id, e.actor_id, e.target_id as user_id, case e.event
          when 'member.roles_updated' then
            case e.actor_kind when 'user' then 'member_roles_updated' when 'worker' then 'access_ended' end
          -- A device that was removed by a rule has no reader.
          when 'member.removed' then case when e.actor_kind <> 'worker' then 'member_removed' end
          when 'member.banned' then 'member_banned'
          when 'join.approved' then 'join_approved'
          when 'member.access_ending' then 'access_ending'
          when 'member.access_ended' then 'access_ended'
          when 'organisation.transferred' then 'ownership_transferred'
        end as kind,
        case
          when e.event = 'member.access_ending' then e.after
          when e.event = 'member.access_ended' then jsonb_build_object(
            'roles', e.before -> 'roles', 'is_membership', true, 'ends_at', e.before -> 'ends_at')
          when e.event = 'member.roles_updated' and e.actor_kind = 'worker' then jsonb_build_object(
            'roles', (
              select jsonb_agg(r order by r) from jsonb_array_elements_text(e.before -> 'roles') r
              where not e.after -> 'roles' ? r),
            'is_membership', false, 'ends_at', e.before -> 'ends_at')
          when e.event in ('member.removed', 'member.banned') then jsonb_build_object('roles', e.before -> 'roles')
          else jsonb_build_object('roles', e.after -> 'roles')
        end as facts
      from unnest(notices_to_members.lines) e
      union all
      -- The old owner hears of it as well.
      select e.id, e.organisation_id, e.actor_id, (e.before ->> 'owner_id')::uuid, 'ownership_transferred',
        jsonb_build_object('roles', m.roles)
      from unnest(notices_to_members.lines) e
      join public.organisation_members m
        on m.organisation_id = e.organisation_id and m.user_id = (e.before ->> 'owner_id')::uuid
      where e.event = 'organisation.transferred'
    ) n
    join public.organisation_members m
      on m.organisation_id = n.organisation_id and m.user_id = n.user_id
    left join public.organisation_members a on a.organisation_id = n.organisation_id and a.user_id = n.actor_id
    left join public.organisation_members o on o.organisation_id = n.organisation_id and 'owner' = any (o.roles)
    where n.kind is not null and m.email is not null and m.kind = 'user';
end
$function$;

CREATE OR REPLACE FUNCTION usher.open_directory(token text, for_change boolean)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_token public.organisation_directory_tokens;
  v_right text;
begin
  if length(open_directory.token) <= 100 then
    select t.* into v_token
    from usher.directory_token_hashes h
    join public.organisation_directory_tokens t on t.id = h.token_id
    where h.hash = sha256(convert_to(open_directory.token, 'UTF8'))
      and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > statement_timestamp());
  end if;
  if v_token.id is null then
    perform usher.fail('directory_token_invalid');
  end if;

  if v_token.stops_at <= statement_timestamp() then
    perform usher.fail('permission_denied', details => 'directory.manage',
      hint => 'Nobody answers for this token any more. Let somebody who may take it over, or make a new one.');
  end if;

  -- From here on to the end of the transaction, the rules ask after whoever answers for the token.
  perform set_config('request.jwt.claims',
    json_build_object('sub', v_token.responsible_id, 'role', 'authenticated')::text, true);
  perform set_config('usher.directory', v_token.id::text, true);
  -- Changes of one directory come one after another: each starts from what the one before has left.
  if open_directory.for_change then
    perform usher.lock_organisation(v_token.organisation_id, 'settings');
  end if;
  -- It reads and keeps addresses: to manage directories is not enough.
  foreach v_right in array '{directory.manage,member.read}'::text[] loop
    if v_right not in (
      select usher.permissions_of(v_token.organisation_id, m.roles)
      from usher.caller_membership(v_token.organisation_id) m)
    then
      perform usher.fail('permission_denied', details => v_right,
        hint => 'Whoever answers for this token may no longer do this. '
          'Let somebody who may take it over, or make a new one.');
    end if;
  end loop;

  update public.organisation_directory_tokens t set last_used_at = now()
  where t.id = v_token.id
    and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
  return v_token.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.other_notices(lines public.organisation_audit_events[])
 RETURNS SETOF usher.event_mail
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
    select e.id, 'join_declined', r.email, null::text, null::uuid, null::integer, null::uuid, jsonb_build_object(
      'actor_name', m.display_name, 'actor_email', m.email, 'reason', e.reason)
    from unnest(other_notices.lines) e
    join public.organisation_join_requests r on r.id = (e.after ->> 'request_id')::uuid
    left join public.organisation_members m on m.organisation_id = e.organisation_id and m.user_id = e.actor_id
    where e.event = 'join.declined';
end
$function$;

CREATE OR REPLACE FUNCTION usher.outbox_metrics(OUT count bigint, OUT oldest_seconds double precision)
 RETURNS record
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select count(*), extract(epoch from clock_timestamp() - min(e.occurred_at))::double precision
  from usher.outbox o
  left join public.organisation_audit_events e on e.id = o.event_id
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
  v_traces.emails := array(
    select distinct s from unnest(v_traces.emails) e cross join lateral unnest(usher.spellings(e)) s);
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
      or d.invite_id = any (v_traces.invite_ids)
    union
    -- What they did by a link in a mail, after they were erased the last time.
    select e.delivery_id from usher.erased_deliveries e
    where e.recipient_hash = any (array(select usher.address_hash(a) from unnest(v_traces.emails) a)));
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
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d
    where d.id = prepare_delivery.delivery_id), 'exists');
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
  -- By the link of a mail from before they were erased, its reader may have stopped this one, too.
  perform usher.bring_back_stops(array[v_delivery.recipient]);
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
    -- Judged at this moment: the member may have left since, or the domain been lost.
    'reply_to', case when usher.may_take_answers(v_organisation.id, v_organisation.reply_to)
      then v_organisation.reply_to end,
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

CREATE OR REPLACE FUNCTION usher.prepare_webhook_delivery(delivery_id uuid, fence bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_webhook_deliveries d
    where d.id = prepare_webhook_delivery.delivery_id), 'exists');
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

CREATE OR REPLACE FUNCTION usher.purge_auth_mails_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_purged integer;
begin
  delete from public.organisation_deliveries d
  where d.kind = 'auth' and d.created_at < now() - interval '30 days';
  get diagnostics v_purged = row_count;
  -- What is kept of lines at the outbox names addresses, if only by a salted hash, and accounts: kept while it serves.
  perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
  delete from usher.mail_pace p where p.next_free_at < now() - interval '1 hour';
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.queue_mails(lines public.organisation_audit_events[], bulk_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into public.organisation_deliveries (
    organisation_id, event_id, invite_id, issue, member_id, kind, recipient, locale, facts, is_bulk, caused_by)
  select e.organisation_id, q.event_id, q.invite_id, q.issue, q.member_id, q.kind, q.recipient, q.locale, q.facts,
    e.id = any (queue_mails.bulk_ids), e.actor_id
  from (
    select q.* from usher.invite_mails(queue_mails.lines) q
    union all select q.* from usher.notices_to_members(queue_mails.lines) q
    union all select q.* from usher.notices_to_admins(queue_mails.lines) q
    union all select q.* from usher.other_notices(queue_mails.lines) q
  ) q
  join unnest(queue_mails.lines) e on e.id = q.event_id
  where exists (select from public.organisations o where o.id = e.organisation_id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.random_device_code()
 RETURNS text
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- No 0 O, 1 I L, U V. A byte of 240 or more is left out, so that each character is as likely.
  select substring(c.code from 1 for 5) || '-' || substring(c.code from 6 for 5)
  from (
    select string_agg(substring('23456789ABCDEFGHJKMNPQRSTVWXYZ' from b.value % 30 + 1 for 1), '' order by b.n) as code
    from (
      select r.n, get_byte(r.bytes, r.n) as value, row_number() over (order by r.n) as place
      from (
        select g.n, t.bytes
        from (select extensions.gen_random_bytes(64) as bytes) t, generate_series(0, 63) g (n)) r
      where get_byte(r.bytes, r.n) < 240
    ) b
    where b.place <= 10
  ) c
$function$;

CREATE OR REPLACE FUNCTION usher.read_time(value text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Without a date, or without an offset, it would be another moment in another session.
  if length(read_time.value) > 40
    or read_time.value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$'
  then
    return null;
  end if;
  -- The year 9999 in one place is the year 10000 in another.
  return (
    select t.at from (select read_time.value::timestamptz as at) t
    where t.at < timestamptz '10000-01-01T00:00:00Z');
exception
  when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.recipient_problems(organisation_id uuid, emails text[])
 RETURNS TABLE(email text, problem text, invite_id uuid)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Address by address, each by an index: an organisation may have many more members than are asked for.
  return query
    select a.email,
      case
        when cardinality(o.allowed_email_domains) > 0
          and usher.email_domain(a.email) <> all (o.allowed_email_domains) then 'domain_not_allowed'
        else (
          select case when usher.has_sanction(o.id, a.email, 'banned') then 'member_banned'
            when bool_or(m.status = 'active' and coalesce(m.ends_at > statement_timestamp(), true))
            then 'already_member' end
          from public.organisation_members m
          where m.organisation_id = o.id and m.email = a.email)
      end,
      (select i.id from usher.invites i
        where i.organisation_id = o.id and i.email = a.email and i.status = 'pending')
    from (select distinct e as email from unnest(recipient_problems.emails) e) a
    join public.organisations o on o.id = recipient_problems.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_event(organisation_id uuid, event text, target_kind text, target_id uuid, before jsonb DEFAULT NULL::jsonb, after jsonb DEFAULT NULL::jsonb, reason text DEFAULT NULL::text, actor_kind text DEFAULT NULL::text, is_bulk boolean DEFAULT false)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (usher.record_events(
    record_event.organisation_id, record_event.event, record_event.target_kind, array[record_event.target_id],
    record_event.before, array[record_event.after], record_event.reason, record_event.actor_kind,
    record_event.is_bulk))[1];
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_events(organisation_id uuid, event text, target_kind text, target_ids uuid[], before jsonb, afters jsonb[], reason text, actor_kind text, is_bulk boolean DEFAULT false)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  v_address record;
  v_lines   uuid[];
begin
  select a.ip, a.claimed_ip into v_address from usher.client_address(v_headers) a;
  with lines as (
    insert into public.organisation_audit_events (
      organisation_id, event, actor_kind, actor_id, target_kind, target_id,
      before, after, reason, ip, claimed_ip, user_agent)
    select record_events.organisation_id, record_events.event,
      coalesce(record_events.actor_kind, case
        when auth.uid() is null then 'operator'
        when coalesce(current_setting('usher.directory', true), '') <> '' then 'directory'
        else 'user'
      end), auth.uid(),
      record_events.target_kind, t.id, usher.without_addresses(record_events.before),
      usher.without_addresses(t.after), record_events.reason,
      v_address.ip, v_address.claimed_ip, left(v_headers ->> 'user-agent', 500)
    from unnest(record_events.target_ids, record_events.afters) t (id, after)
    returning id
  ),
  fresh as (
    insert into usher.outbox (event_id, is_bulk) select l.id, record_events.is_bulk from lines l
  )
  select array_agg(l.id) into v_lines from lines l;
  return v_lines;
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_expiry(invites usher.invites[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.record_event(i.organisation_id, 'invite.expired', 'invite', i.id,
      before     => jsonb_build_object('status', 'pending', 'expires_at', i.expires_at),
      after      => jsonb_build_object('status', 'expired'),
      actor_kind => 'worker', is_bulk => true)
    from unnest(record_expiry.invites) i;
end
$function$;

CREATE OR REPLACE FUNCTION usher.record_webhook_try(delivery_id uuid, fence bigint, status_code integer, response text, milliseconds integer, retry_after integer DEFAULT NULL::integer)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_webhook  public.organisation_webhooks;
  v_delivery public.organisation_webhook_deliveries;
  v_delays   constant interval[] :=
    '{5 seconds,5 minutes,30 minutes,2 hours,5 hours,10 hours,14 hours,20 hours,24 hours}'::interval[];
  v_is_ok    boolean := coalesce(record_webhook_try.status_code between 200 and 299, false);
  v_status   text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_webhook_deliveries d
    where d.id = record_webhook_try.delivery_id), 'exists');
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
    (select min(length(regexp_replace(w collate "und-x-icu", '[[:space:]]+', ' ', 'g')))
      from unnest(v_words.emails || v_words.names) w));

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
        'text', 'character varying', 'citext', 'extensions.citext', 'character', 'text[]', 'character varying[]',
        'json', 'jsonb')
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
            'update %1$s t set %2$I = usher.redact(t.%2$I::jsonb, $2, $3)::%3$s
            where t.%2$I::text collate "und-x-icu" ~* $1'
          when v_column.type like '%[]' then
            'update %1$s t set %2$I = array(
              select usher.redact(e.value, $2, $3) from unnest(t.%2$I) with ordinality e (value, n) order by e.n)
            where array_to_string(t.%2$I, '' '') collate "und-x-icu" ~* $1'
          else 'update %1$s t set %2$I = usher.redact(t.%2$I::text, $2, $3)
            where t.%2$I::text collate "und-x-icu" ~* $1'
        end || case when v_known = v_words.names then ' and t.organisation_id = any ($4)' else '' end,
        v_column.table_name, v_column.name, v_column.type)
      using usher.words_pattern(v_known, false), usher.words_pattern(v_known, true),
        v_instead, v_traces.organisation_ids;
    end loop;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.remind_due_invites_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_reminded usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    where i.id = any (remind_due_invites_of.ids) and i.organisation_id = remind_due_invites_of.organisation_id
      -- It may have been answered, or brought to mind, since it was found to be due.
      and i.status = 'pending' and i.reminded_issue < i.issue and i.expires_at > statement_timestamp()
    for update skip locked
  ),
  reminded as (
    update usher.invites i set reminded_issue = i.issue from due d where i.id = d.id
    returning i
  )
  select array_agg(r.i) into v_reminded from reminded r;

  perform usher.record_event(i.organisation_id, 'invite.reminded', 'invite', i.id,
      after => jsonb_build_object('issue', i.issue), actor_kind => 'worker', is_bulk => true)
    from unnest(v_reminded) i;
  return coalesce(cardinality(v_reminded), 0);
end
$function$;

CREATE OR REPLACE FUNCTION usher.remind_overdue_reviews_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_review   public.organisation_access_reviews;
  v_reminded integer := 0;
begin
  for v_review in
    update public.organisation_access_reviews r
    set reminded_at = now()
    where r.id = any (remind_overdue_reviews_of.ids)
      and r.organisation_id = remind_overdue_reviews_of.organisation_id
      and r.status = 'open' and r.reminded_at is null
    returning r.*
  loop
    update public.organisation_access_reviews r set reminded_at = now() where r.id = v_review.id;
    perform usher.record_event(v_review.organisation_id, 'access_review.overdue', 'access_review', v_review.id,
      after => usher.review_results(v_review.id), actor_kind => 'worker');
    v_reminded := v_reminded + 1;
  end loop;
  return v_reminded;
end
$function$;

CREATE OR REPLACE FUNCTION usher.remove_member(organisation_id uuid, user_id uuid, reason text DEFAULT NULL::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members := usher.member_for_change(
    remove_member.organisation_id, remove_member.user_id, 'member.remove');
begin
  if v_member.status <> 'active' then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  elsif v_member.user_id = auth.uid() then
    perform usher.fail('permission_denied', hint => 'Nobody removes themselves. To go, leave the organisation.');
  end if;
  return usher.end_membership(v_member.id, 'removed', 'member.removed', remove_member.reason);
end
$function$;

CREATE OR REPLACE FUNCTION usher.request_invite_resend(token text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_reading usher.token_reading := usher.read_invite_token(request_invite_resend.token);
  v_invite  usher.invites := v_reading.invite;
  v_sends   boolean;
begin
  if v_reading.problem is distinct from 'invite_expired' then
    return;
  end if;
  perform usher.lock_organisation(v_invite.organisation_id, 'share');
  select i.* into v_invite from usher.invites i where i.id = v_invite.id for update;
  if not found then
    return;
  end if;
  -- Once a day: whoever presses again is not told, and nobody gets a second mail.
  if exists (
    select from usher.rate_limits r
    where r.key = 'resend_requests:' || v_invite.id and r.window_start > now() - interval '1 day')
  then
    return;
  end if;
  perform usher.take_allowance('resend_requests:' || v_invite.id, 1, 1, interval '1 day', is_secret => true);
  select o.self_service_resend
    and coalesce(v_invite.membership_ends_at > now(), true)
    and usher.inviter_right_ends_at(v_invite) > statement_timestamp()
    -- What has changed since is checked again; otherwise an admin decides.
    and (select p.problem is null and (p.invite_id is null or p.invite_id = v_invite.id)
      from usher.recipient_problems(v_invite.organisation_id, array[v_invite.email]) p)
  into v_sends
  from public.organisations o where o.id = v_invite.organisation_id;
  perform usher.record_event(v_invite.organisation_id, 'invite.resend_requested', 'invite', v_invite.id,
    after => jsonb_build_object('is_sent', coalesce(v_sends, false)),
    actor_kind => case when auth.uid() is null then 'invitee' end);
  if v_sends then
    begin
      perform usher.issue_again(v_invite.id, case when auth.uid() is null then 'invitee' end);
    exception
      when others then
        -- A newer invite was sent at this very moment: that mail is on its way, and the answer is the same.
        null;
    end;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.requeue_deliveries(delivery_ids uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  select count(*)::integer into v_requeued from recorded;
  return v_requeued;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_end(ends_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if require_end.ends_at <= statement_timestamp() or require_end.ends_at >= timestamptz '10000-01-01T00:00:00Z' then
    perform usher.fail('invalid_expiry',
      hint => 'An end is a moment to come, before the year 10000; null stands for none.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_lasting_right(organisation_id uuid, permissions text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_actor public.organisation_members := usher.caller_membership(require_lasting_right.organisation_id);
begin
  if v_actor.next_end_at is not null and exists (
    select from unnest(require_lasting_right.permissions || '{role.manage}'::text[]) p
    where usher.giving_ends_at(v_actor, p, '{}') <> 'infinity')
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'Your own right to this has an end. What a role permits has none: '
        'let somebody add it whose right lasts.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_mailed(invite usher.invites)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if (require_mailed.invite).kind <> 'user' then
    perform usher.fail('invite_not_pending',
      hint => 'A device gets a code, not a mail: revoke this one and make another.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_manageable(organisation_id uuid, permissions text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_actor   public.organisation_members :=
    usher.require_permission(require_manageable.organisation_id, 'role.manage', 'settings');
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

CREATE OR REPLACE FUNCTION usher.require_room_for_invites(organisation_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_day   record;
  v_base  record;
  v_limit integer;
  v_open  integer;
begin
  -- Counting tens of thousands for each invite would cost more than all else: they are counted once a day, and what was
  -- made since is added to that, which is never too few. Only where that is too many, they are counted again.
  select l.* into strict v_day from usher.rate_limits l
  where l.key = 'invites:' || require_room_for_invites.organisation_id;
  select l.* into v_base from usher.rate_limits l
  where l.key = 'open_invites:' || require_room_for_invites.organisation_id;
  select l.at_most into strict v_limit from usher.tenant_limits() l where l.thing = 'open invites';
  if v_base.window_start = v_day.window_start and v_base.used + v_day.used <= v_limit then
    return;
  end if;

  perform usher.require_room('open invites', require_room_for_invites.organisation_id, more => 0);
  select count(*)::integer into v_open
  from usher.invites i
  where i.organisation_id = require_room_for_invites.organisation_id and i.status = 'pending';
  insert into usher.rate_limits as r (key, window_start, used)
  values ('open_invites:' || require_room_for_invites.organisation_id, v_day.window_start, v_open - v_day.used)
  on conflict on constraint rate_limits_pkey do update
  set window_start = excluded.window_start, used = excluded.used;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_webhook(url text, events text[], description text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_problem text := usher.target_problem(require_webhook.url);
  v_unknown text;
begin
  if cardinality(require_webhook.events) > 200 then
    perform usher.fail('invalid_settings', hint => 'Choose at most 200 types of events, or null for all.');
  end if;
  select e into v_unknown from unnest(require_webhook.events) e
  where e is null or e <> all (usher.webhook_event_types()) limit 1;
  if require_webhook.url is null or v_problem is not null then
    perform usher.fail('invalid_settings', hint => coalesce(v_problem, 'Give a url.'));
  elsif cardinality(require_webhook.events) = 0 then
    perform usher.fail('invalid_settings', hint => 'Choose at least one type of events, or null for all.');
  elsif v_unknown is not null then
    perform usher.fail('invalid_settings', hint => format('There is no type of events %L.', v_unknown));
  elsif require_webhook.description <> ''
    and usher.clean_name(require_webhook.description, 200, may_link => true) is null
  then
    perform usher.fail('invalid_settings',
      hint => 'description is one line of at most 200 characters that can be seen.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.retry_delivery(delivery_id uuid)
 RETURNS public.organisation_deliveries
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_delivery public.organisation_deliveries;
begin
  perform usher.require_permission((
    select d.organisation_id from public.organisation_deliveries d where d.id = retry_delivery.delivery_id),
    'invite.resend', 'share', 'delivery_not_found');
  -- The invite first, as wherever both are locked.
  perform from usher.invites i
  where i.id = (select d.invite_id from public.organisation_deliveries d where d.id = retry_delivery.delivery_id)
  for no key update;

  update public.organisation_deliveries d
  set status = 'queued', attempts = 0, due_at = clock_timestamp(), in_doubt_at = null
  where d.id = retry_delivery.delivery_id and d.status in ('failed', 'suppressed')
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
  return v_delivery;
end
$function$;

CREATE OR REPLACE FUNCTION usher.review_facts(review_id uuid)
 RETURNS jsonb
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select jsonb_build_object('review', r.title, 'review_id', r.id, 'due_at', r.due_at,
    'actor_name', a.display_name, 'actor_email', a.email)
  from public.organisation_access_reviews r
  left join public.organisation_members a
    on a.organisation_id = r.organisation_id and a.user_id = r.started_by
  where r.id = review_facts.review_id
$function$;

CREATE OR REPLACE FUNCTION usher.role_ends_of_gift(member public.organisation_members, permission text, roles text[])
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when (role_ends_of_gift.member).next_end_at is null then '{}' else (
    select coalesce(jsonb_object_agg(g.role, g.ends_at), '{}')
    from (
      select r as role,
        usher.giving_ends_at(role_ends_of_gift.member, role_ends_of_gift.permission, array[r]) as ends_at
      from unnest(role_ends_of_gift.roles) r
    ) g
    where g.ends_at <> 'infinity') end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.run_upkeep(step text, items usher.upkeep_item[], batch_size integer DEFAULT NULL::integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '500ms'
AS $function$
declare
  v_tenant record;
  v_state  text;
  v_error  text;
  v_count  integer;
  v_total  integer := 0;
begin
  -- Of an organisation for which nothing is due any more.
  delete from usher.upkeep_failures f
  where f.ctid = any (array(
    select o.ctid from usher.upkeep_failures o
    where o.step = run_upkeep.step and o.failed_at < now() - interval '1 day'
    for update skip locked));

  for v_tenant in
    select i.organisation_id, array_agg(i.id order by i.n) as ids
    from unnest(run_upkeep.items) with ordinality i (organisation_id, id, n)
    group by i.organisation_id
    order by min(i.n)
  loop
    -- Another worker is at it.
    continue when not pg_try_advisory_xact_lock(
      hashtextextended('usher upkeep ' || concat_ws(' ', run_upkeep.step, v_tenant.organisation_id), 0));
    -- The organisation first, as in every change; one that is being deleted needs no upkeep. A trail outlives its own.
    perform from public.organisations o where o.id = v_tenant.organisation_id for key share skip locked;
    continue when not found and exists (
      select from public.organisations o where o.id = v_tenant.organisation_id);
    begin
      execute format('select usher.%I($1, $2, $3)', run_upkeep.step || '_of')
      into strict v_count
      using v_tenant.organisation_id, v_tenant.ids, run_upkeep.batch_size;
      v_total := v_total + v_count;
      delete from usher.upkeep_failures f
      where f.step = run_upkeep.step and f.organisation_id is not distinct from v_tenant.organisation_id;
    exception
      when others then
        get stacked diagnostics v_state = returned_sqlstate, v_error = message_text;
        raise warning 'Upkeep % failed for organisation %: % %',
          run_upkeep.step, v_tenant.organisation_id, v_state, v_error;
        insert into usher.upkeep_failures as f (step, organisation_id, retry_at, error)
        values (run_upkeep.step, v_tenant.organisation_id,
          now() + case when v_state <> '55P03' then interval '1 minute' else interval '0' end,
          left(v_state || ' ' || v_error, 500))
        on conflict on constraint upkeep_failures_key do update
        set failed_at = now(), times = f.times + 1, error = excluded.error,
          -- One that was only locked is looked at the next time.
          retry_at = case when v_state = '55P03' then now()
            else now() + least(interval '1 hour', interval '1 minute' * 2 ^ least(f.times, 6)) end;
    end;
  end loop;
  return v_total;
end
$function$;

CREATE OR REPLACE FUNCTION usher.save_directory_group(token text, id uuid, facts jsonb)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_organisation_id uuid := usher.open_directory(save_directory_group.token, true);
  v_name        text := usher.clean_name(save_directory_group.facts ->> 'display_name', 200, may_link => true);
  v_external_id text := usher.clean_line(save_directory_group.facts ->> 'external_id', 254);
  v_group       usher.directory_group;
begin
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'A displayName is one line of 1 to 200 characters that can be seen.');
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = save_directory_group_copy.endpoint_id), 'exists');
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

CREATE OR REPLACE FUNCTION usher.spellings(email text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select array(
    select $1
    union
    select split_part($1, '@', 1) || '@' || f.domain
    from (
      select string_agg(usher.label_to_ascii(l.label), '.' order by l.n),
        string_agg(usher.label_to_unicode(l.label), '.' order by l.n)
      from regexp_split_to_table(split_part($1, '@', 2), '\.') with ordinality l (label, n)
    ) s (in_ascii, in_unicode)
    cross join lateral (values (s.in_ascii), (s.in_unicode)) f (domain)
    where position('@' in $1) > 0)
$function$;

CREATE OR REPLACE FUNCTION usher.start_access_review(organisation_id uuid, title text, due_at timestamp with time zone)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(start_access_review.organisation_id, 'access_review.manage', 'settings');
  v_review public.organisation_access_reviews;
  v_items  integer;
begin
  if usher.clean_name(start_access_review.title) is null then
    perform usher.fail('invalid_settings',
      hint => 'A title is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if start_access_review.due_at is null
    or start_access_review.due_at not between now() and now() + interval '1 year'
  then
    perform usher.fail('invalid_settings', hint => 'due_at is in the future, by a year at most.');
  end if;

  -- Each asks about every right of every member, and mails every reviewer.
  perform usher.require_room('open access reviews', v_actor.organisation_id);
  perform usher.take_allowance('access_reviews:' || v_actor.organisation_id, 1, 20, interval '1 day');

  insert into public.organisation_access_reviews (organisation_id, title, due_at, started_by)
  values (v_actor.organisation_id, usher.clean_name(start_access_review.title),
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
  return v_review;
end
$function$;

CREATE OR REPLACE FUNCTION usher.start_one_click(token text)
 RETURNS TABLE(invite_id uuid, issue integer, email text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite usher.invites := usher.one_click_invite(start_one_click.token);
begin
  if v_invite.id is null then
    return;
  end if;
  -- Who revokes, resends or answers it at this moment is waited for; what they did is then seen.
  perform usher.lock_organisation(v_invite.organisation_id, 'share');
  perform from usher.invites i where i.id = v_invite.id for no key update;
  v_invite := usher.one_click_invite(start_one_click.token);
  if v_invite.id is null then
    return;
  end if;
  perform usher.take_allowance('one_clicks:' || v_invite.organisation_id,
    1, 1000, interval '1 hour', is_secret => true);
  -- The address itself is nobody's to read out of this table.
  perform usher.take_allowance('one_clicks:' || encode(sha256(convert_to(v_invite.email, 'UTF8')), 'hex'),
    1, 5, interval '1 day', is_secret => true);
  insert into usher.one_clicks (invite_id, issue) values (v_invite.id, v_invite.issue);
  perform usher.record_event(v_invite.organisation_id, 'invite.one_click_started', 'invite', v_invite.id,
    actor_kind => 'invitee');
  return query select v_invite.id, v_invite.issue, v_invite.email;
end
$function$;

CREATE OR REPLACE FUNCTION usher.take_over_credentials(ids uuid[])
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_credential record;
  v_member     public.organisation_members;
  v_taken      jsonb := jsonb '[]';
begin
  if coalesce(cardinality(take_over_credentials.ids), 0) not between 1 and 100 then
    perform usher.fail('invalid_settings', hint => 'Give 1 to 100 ids.');
  end if;
  for v_credential in
    select g.id, coalesce(t.organisation_id, d.organisation_id) as organisation_id, d.role,
      coalesce(t.name, d.domain) as name,
      case when d.id is null then 'directory_token' else 'domain' end as kind
    from (select distinct unnest(take_over_credentials.ids) as id) g
    left join public.organisation_directory_tokens t on t.id = g.id and t.revoked_at is null
    left join public.organisation_domains d on d.id = g.id
    order by 2, d.id is not null, d.domain, 1
  loop
    v_member := usher.require_permission(v_credential.organisation_id,
      case v_credential.kind when 'domain' then 'organisation.update' else 'directory.manage' end,
      'settings', 'credential_not_found');
    if v_credential.kind = 'domain' then
      if usher.roles_problem(v_member.organisation_id, array[v_credential.role], v_member.roles) is not null then
        perform usher.fail(usher.roles_problem(v_member.organisation_id, array[v_credential.role], v_member.roles),
          details => v_credential.role);
      end if;
      update public.organisation_domains d set responsible_id = v_member.user_id, stops_at = null
      where d.id = v_credential.id;
    else
      update public.organisation_directory_tokens t
      set responsible_id = v_member.user_id, stops_at = null, carried_roles = '{}'
      where t.id = v_credential.id;
    end if;
    perform usher.record_event(v_member.organisation_id, 'credentials.taken_over',
      case v_credential.kind when 'domain' then 'organisation' else 'directory' end,
      case v_credential.kind when 'domain' then v_member.organisation_id else v_credential.id end,
      after => jsonb_build_object('kind', v_credential.kind, 'name', v_credential.name));
    v_taken := v_taken || jsonb_build_object('id', v_credential.id, 'kind', v_credential.kind,
      'organisation_id', v_member.organisation_id, 'name', v_credential.name);
  end loop;
  return v_taken;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tell_webhooks(lines public.organisation_audit_events[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
  select e.organisation_id, w.id, e.id, e.event
  from unnest(tell_webhooks.lines) e
  join public.organisation_webhooks w
    -- One that was added since hears of what happens from then on.
    on w.organisation_id = e.organisation_id and w.created_at <= e.occurred_at
  where w.is_enabled and usher.webhook_hears(w, e.event, e.target_id)
  on conflict on constraint organisation_webhook_deliveries_once do nothing;
end
$function$;

CREATE OR REPLACE FUNCTION usher.template_touches(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_read text := usher.template_as_read(template_touches.value);
  v_near text;
begin
  -- Letters of scripts without blanks between words may touch one, where they cannot be part of a top level domain.
  v_near := substring(v_read from (
    '(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[.:/@\\．：／＠。｡․﹒]'
    '|[\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff\u0001]|--)\u0001')
    collate "und-x-icu");
  -- What ends a sentence may stand behind one.
  v_near := coalesce(v_near, substring(v_read from (
    '\u0001(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[/@\\／＠]|--'
    '|[\u0300-\u036f\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]'
    '|[.:．：。｡․﹒]+[[:alnum:]/@\\\u0001])') collate "und-x-icu"));
  return coalesce(v_near, (
    select n.near
    from (
      select m.found [1], '%' || m.found [1]
      from regexp_matches(v_read, '\u0001([^[:space:][:punct:]\u0001]+)' collate "und-x-icu", 'g') m (found)
      union all
      select m.found [1], m.found [1] || '%'
      from regexp_matches(v_read, '[.．。｡․﹒]([^[:space:][:punct:]\u0001]+)\u0001' collate "und-x-icu", 'g') m (found)
    ) n (near, pattern)
    where exists (select from jsonb_object_keys(usher.top_level_domains()) d (name) where d.name like n.pattern)
    limit 1));
end
$function$;

CREATE OR REPLACE FUNCTION usher.tenant_limits()
 RETURNS TABLE(thing text, relation regclass, counted text, at_most integer, code text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  -- Names until they are asked for: the tables come in later files.
  select l.thing, to_regclass(l.relation), l.counted, l.at_most, l.code
  from (values
    ('own roles',           'public.organisation_roles',           'true',                    500, 'invalid_settings'),
    ('role exclusions',     'public.organisation_role_exclusions', 'true',                    100, 'invalid_settings'),
    ('email templates',     'public.organisation_email_templates', 'true',                    500, 'invalid_settings'),
    ('open access reviews', 'public.organisation_access_reviews',  'status = ''open''',        10, 'invalid_settings'),
    ('open invites',        'usher.invites',                       'status = ''pending''',  50000, 'invalid_settings'),
    ('webhooks',            'public.organisation_webhooks',        'true',                     20, 'invalid_settings'),
    ('domains',             'public.organisation_domains',         'true',                    200, 'invalid_settings'),
    ('unverified domains',  'public.organisation_domains',         'verified_at is null',      20, 'invalid_settings'),
    ('requests to join',    'public.organisation_join_requests',   'status = ''pending''',   1000, 'rate_limited'),
    ('directory tokens',    'public.organisation_directory_tokens',
      'revoked_at is null and (expires_at is null or expires_at > now())',                    20, 'invalid_settings'),
    ('directory endpoints', 'public.organisation_directory_endpoints',
      'true',                                                                                 10, 'invalid_settings'),
    ('directory users',     'usher.directory_users',               'true',                 100000, 'invalid_settings')
  ) l (thing, relation, counted, at_most, code);
end
$function$;

CREATE OR REPLACE FUNCTION usher.test_webhook(webhook_id uuid)
 RETURNS public.organisation_webhook_deliveries
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_webhook  public.organisation_webhooks := usher.enabled_webhook_for_change(test_webhook.webhook_id);
  v_delivery public.organisation_webhook_deliveries;
begin
  perform usher.take_allowance('webhook-tests:' || v_webhook.id, 1, 60, interval '1 hour');
  -- Whoever tests waits for it: it is on its way at once, and usher.fan_out finds it there.
  insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
  values (v_webhook.organisation_id, v_webhook.id,
    usher.record_event(v_webhook.organisation_id, 'webhook.tested', 'webhook', v_webhook.id,
      after => usher.webhook_facts(v_webhook)), 'webhook.tested')
  returning * into strict v_delivery;
  return v_delivery;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__keep_sanctions()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if new.status in ('banned', 'removed') then
    update usher.sanctions s set status = new.status where s.member_id = new.id;
    insert into usher.sanctions (member_id, organisation_id, address_hash, status)
    select new.id, new.organisation_id, usher.sanction_hash(new.organisation_id, a.email), new.status
    from usher.addresses_of(new.organisation_id, new.user_id) a (email)
    -- Of an address that they take later, only where it is proved to be theirs: else they could have others banned.
    where tg_op = 'INSERT' or old.status is distinct from new.status
      or usher.has_proven_address(new.user_id) and (select s.auth_confirms_addresses from usher.settings s)
    on conflict do nothing;
  else
    if tg_op = 'UPDATE' then
      delete from usher.sanctions s where s.member_id = new.id;
    end if;
    -- Somebody has let them in again: what an earlier account of theirs was removed for is over.
    delete from usher.sanctions s
    where s.organisation_id = new.organisation_id and s.status = 'removed'
      and s.address_hash = usher.sanction_hash(new.organisation_id, new.email);
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__note_lost_rights()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- When the organisation itself is deleted, all of this goes as well.
  if not exists (select from public.organisations o where o.id = old.organisation_id) then
    return null;
  end if;
  perform usher.note_lost_right(old.organisation_id, old.user_id,
    case
      when old.ends_at is null then array(select r from unnest(old.roles) r where not old.role_ends ? r)
      else '{}'
    end,
    tg_op = 'UPDATE' and new.status = 'banned');
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.transfer_ownership(organisation_id uuid, new_owner_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- Of two transfers at once, the second waits here and finds that its caller owns nothing any more.
  v_owner     public.organisation_members :=
    usher.require_permission(transfer_ownership.organisation_id, 'organisation.transfer', 'settings');
  v_new_owner public.organisation_members;
begin
  perform usher.lock_members(v_owner.organisation_id, array[v_owner.user_id, transfer_ownership.new_owner_id]);
  select m.* into v_new_owner
  from usher.current_members m
  where m.organisation_id = v_owner.organisation_id
    and m.user_id = transfer_ownership.new_owner_id
    and m.kind = 'user' and m.id <> v_owner.id;
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

  select m.* into v_new_owner from public.organisation_members m where m.id = v_new_owner.id;
  return v_new_owner;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_directory_endpoint(endpoint_id uuid, changes jsonb)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_before   public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(update_directory_endpoint.endpoint_id);
  v_changes  jsonb := update_directory_endpoint.changes;
  v_endpoint public.organisation_directory_endpoints := v_before;
begin
  perform usher.require_permission(v_before.organisation_id, 'member.read');
  if jsonb_typeof(v_changes) is distinct from 'object' or v_changes - '{name,url,token,is_enabled}'::text[] <> '{}'
    or v_changes ? 'is_enabled' and jsonb_typeof(v_changes -> 'is_enabled') <> 'boolean'
  then
    perform usher.fail('invalid_settings', hint => 'changes is an object of name, url, token and is_enabled.');
  end if;
  if v_changes ? 'name' then
    v_endpoint.name := case when v_changes ->> 'name' = v_before.name then v_before.name
      else usher.clean_name(v_changes ->> 'name') end;
  end if;
  if v_changes ? 'url' then
    v_endpoint.url := usher.directory_url(v_changes ->> 'url');
  end if;
  if v_endpoint.name is null or v_endpoint.url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_endpoint.url is null then usher.target_problem(btrim(v_changes ->> 'url')) end,
        'Give a name of one line without addresses and links, '
        'and the https address that the application calls its SCIM base URL.'));
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
    before => jsonb_build_object(
      'name', v_before.name, 'host', usher.target_host(v_before.url), 'is_enabled', v_before.is_enabled),
    after  => jsonb_build_object(
      'name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url), 'is_enabled', v_endpoint.is_enabled,
      'has_new_token', v_changes ? 'token'));
  return v_endpoint;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_invite_roles(invite_id uuid, roles text[])
 RETURNS public.organisation_invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite  usher.invites := usher.invite_for_change(update_invite_roles.invite_id, 'invite.create');
  v_roles   text[] := usher.clean_roles(update_invite_roles.roles);
  v_actor   public.organisation_members;
  v_problem text;
  v_inviter_id uuid;
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  v_actor := usher.caller_membership(v_invite.organisation_id);
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

  -- Whoever offers more than before does so by their own word.
  v_inviter_id := case when v_roles <@ v_invite.roles then usher.new_inviter(v_invite) else v_actor.user_id end;
  update usher.invites i
  set roles = v_roles, issue = i.issue + 1, bounced_at = null, invited_by = coalesce(v_inviter_id, i.invited_by),
    inviter_kind = case when v_inviter_id is null then i.inviter_kind else 'user' end
  where i.id = v_invite.id;
  perform usher.record_event(v_invite.organisation_id, 'invite.roles_updated', 'invite', v_invite.id,
    before => jsonb_build_object('roles', v_invite.roles),
    after  => jsonb_build_object('roles', v_roles, 'issue', v_invite.issue + 1));
  return usher.invite_view(v_invite.id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_member_ends(organisation_id uuid, user_id uuid, ends_at timestamp with time zone DEFAULT NULL::timestamp with time zone, role_ends jsonb DEFAULT '{}'::jsonb)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
      perform usher.fail('invalid_role', details => v_end.role,
        hint => 'Only a role that the member holds has an end.');
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
      (usher.caller_membership(v_member.organisation_id)).roles);
    if v_problem is not null then
      perform usher.fail(v_problem, details => array_to_string(v_prolonged, ', '));
    elsif v_member.user_id = auth.uid() then
      perform usher.fail('role_not_assignable', hint => 'Nobody prolongs their own access.');
    elsif exists (
      select from unnest(v_prolonged) r
      where coalesce(least(v_member.ends_at, (v_member.role_ends ->> r)::timestamptz), 'infinity')
        > usher.giving_ends_at(usher.caller_membership(v_member.organisation_id), 'member.update', array[r]))
    then
      perform usher.fail('invalid_expiry', hint => 'Nobody gives for longer than they have themselves.');
    end if;
  end if;

  perform usher.record_event(v_member.organisation_id, 'member.ends_updated', 'user', v_member.user_id,
    before => jsonb_build_object('ends_at', v_before.ends_at, 'role_ends', v_before.role_ends),
    after  => jsonb_build_object('ends_at', v_member.ends_at, 'role_ends', v_member.role_ends));
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_member_roles(organisation_id uuid, user_id uuid, roles text[])
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_actor   public.organisation_members;
  v_member  public.organisation_members := usher.member_for_change(
    update_member_roles.organisation_id, update_member_roles.user_id, 'member.update');
  v_before  text[] := v_member.roles;
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
  -- The same roles are no change, and no news to anybody.
  if v_roles <@ v_member.roles and v_member.roles <@ v_roles then
    return v_member;
  end if;

  v_actor := usher.caller_membership(v_member.organisation_id);
  -- Who keeps a role is not given it anew: only what is added has to be the caller's to give.
  if cardinality(v_added) > 0 then
    v_problem := usher.roles_problem(v_member.organisation_id, v_added, v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem);
    end if;
    perform usher.require_roles(v_member.organisation_id, v_roles);
    perform usher.require_no_owners_set(v_actor, v_before, v_roles);
  end if;

  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || usher.role_ends_of_gift(v_actor, 'member.update', v_added)
  where m.id = v_member.id
  returning m.* into v_member;
  perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
    before => jsonb_build_object('roles', v_before), after => jsonb_build_object('roles', v_roles)
      || case when v_member.role_ends = '{}' then '{}' else jsonb_build_object('role_ends', v_member.role_ends) end);
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_organisation(organisation_id uuid, changes jsonb)
 RETURNS public.organisations
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_keys    constant text[] := array['name', 'slug', 'logo_url', 'accent_colour', 'reply_to', 'locale',
    'invite_ttl', 'seat_limit', 'allowed_email_domains', 'self_service_resend', 'expiry_mail', 'reminder_before',
    'audit_retention', 'sender_name', 'track_opens', 'credential_grace'];
  v_changes jsonb := update_organisation.changes;
  v_member  public.organisation_members;
  v_before  public.organisations;
  v_after   public.organisations;
  v_unknown text;
begin
  v_member := usher.require_permission(update_organisation.organisation_id, 'organisation.update', 'settings');
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k where k <> all (v_keys) limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;

  select o.* into strict v_before
  from public.organisations o where o.id = update_organisation.organisation_id;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;

  -- null puts a setting back, where it can be without a value.
  -- What stays as it is is not judged: it may be older than the rule.
  v_after.name := case when v_after.name = v_before.name then v_after.name else usher.clean_name(v_after.name) end;
  v_after.sender_name := case when v_after.sender_name = v_before.sender_name then v_after.sender_name
    when v_after.sender_name is not null then coalesce(usher.clean_name(v_after.sender_name), '') end;
  v_after.reply_to := case when v_after.reply_to is not null
    then coalesce(usher.normalise_email(v_after.reply_to), '') end;
  if length(v_after.accent_colour) > 7 or cardinality(v_after.allowed_email_domains) > 1000 then
    perform usher.fail('invalid_settings',
      hint => 'accent_colour is #rrggbb, and allowed_email_domains a list of at most 1,000.');
  end if;
  v_after.accent_colour := lower(v_after.accent_colour);
  v_after.allowed_email_domains := array(
    select distinct lower(btrim(d, ' @')) from unnest(v_after.allowed_email_domains) d order by 1);

  if v_after.name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  elsif v_after.sender_name = '' then
    perform usher.fail('invalid_settings',
      hint => 'sender_name is one line of 1 to 100 characters that can be seen, without addresses and links, or null.');
  elsif v_after.slug is null or not usher.is_slug(v_after.slug)
    or v_after.slug <> v_before.slug and usher.is_reserved_slug(v_after.slug)
  then
    perform usher.fail('invalid_slug');
  elsif v_after.reply_to = '' then
    perform usher.fail('invalid_email');
  elsif v_after.reply_to is distinct from v_before.reply_to
    and not usher.may_take_answers(v_after.id, v_after.reply_to)
  then
    perform usher.fail('invalid_email',
      hint => 'reply_to is the confirmed address of a member, or one of a domain that the organisation has verified.');
  elsif usher.is_span(v_after.invite_ttl, '1 hour', '30 days') is not true then
    perform usher.fail('invalid_expiry');
  elsif v_after.logo_url is not null and usher.url_origin(v_after.logo_url) is null
    or v_after.accent_colour !~ '^#[0-9a-f]{6}$'
    or v_after.locale is null or not usher.is_locale(v_after.locale)
    or v_after.seat_limit not between 1 and 1000000
    or v_after.self_service_resend is null or v_after.expiry_mail is null or v_after.track_opens is null
    or not usher.is_span(v_after.reminder_before, '1 hour', '14 days')
    or not usher.is_span(v_after.audit_retention, '30 days', '100 years')
    or usher.is_span(v_after.credential_grace, '0', '30 days') is not true
    or exists (
      select from unnest(v_after.allowed_email_domains) d
      where usher.normalise_email('a@' || d) is null)
  then
    perform usher.fail('invalid_settings', hint => 'logo_url is an https address, accent_colour #rrggbb, '
      'locale such as de-AT, seat_limit 1 to 1,000,000, allowed_email_domains a list of at most 1,000 domains, '
      'reminder_before 1 hour to 14 days, audit_retention 30 days to 100 years, credential_grace 0 to 30 days.');
  end if;

  -- Whoever shortens it makes what they did go. Set to what it is, it is no change: pages send all that they show.
  -- As it is written, and not as it compares: a month is no 30 days when it is taken from a date.
  if v_after.audit_retention::text is distinct from v_before.audit_retention::text
    and not 'owner' = any (v_member.roles)
  then
    perform usher.fail('permission_denied', details => 'audit_retention',
      hint => 'Only the owner changes how long the trail is kept.');
  end if;

  begin
    update public.organisations o
    set name = v_after.name, slug = v_after.slug, logo_url = v_after.logo_url,
      accent_colour = v_after.accent_colour, reply_to = v_after.reply_to, locale = v_after.locale,
      invite_ttl = v_after.invite_ttl, seat_limit = v_after.seat_limit,
      allowed_email_domains = v_after.allowed_email_domains,
      self_service_resend = v_after.self_service_resend, expiry_mail = v_after.expiry_mail,
      reminder_before = v_after.reminder_before, audit_retention = v_after.audit_retention,
      sender_name = v_after.sender_name, track_opens = v_after.track_opens,
      credential_grace = v_after.credential_grace
    where o.id = v_after.id;
  exception
    when unique_violation then
      perform usher.fail('slug_taken');
  end;

  -- What has changed; that there is another address for answers is said, the address is not.
  perform usher.record_event(v_after.id, 'organisation.updated', 'organisation', v_after.id,
    before => (
      select jsonb_object_agg(b.key, case b.key when 'reply_to' then to_jsonb(b.value <> 'null') else b.value end)
      from jsonb_each(to_jsonb(v_before)) b where to_jsonb(v_after) -> b.key <> b.value),
    after  => (
      select jsonb_object_agg(a.key, case a.key when 'reply_to' then to_jsonb(a.value <> 'null') else a.value end)
      from jsonb_each(to_jsonb(v_after)) a where to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
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
  if without_addresses.value::text !~ '[@\uff20\ufe6b]|%(?:25)*40' then
    return without_addresses.value;
  end if;
  -- A name before the sign may hold all that RFC 5321 lets stand in a dot-atom: o'brien, a/b, c=d. So what is written
  -- up against one goes with it, but for the beginning of a URL, up to what it says of a thing.
  return usher.redact(without_addresses.value,
    '(://[[:alnum:].-]+(?::[0-9]+)?(?:/[^[:space:]"@<>(),;:?]*)?\?'
    '(?:[^[:space:]"@<>(),;:=&]+=[^[:space:]"@<>(),;:=&]*&)*'
    || '[^[:space:]"@<>(),;:=&%]+=)?[^[:space:]"@\uff20\ufe6b<>(),;:]+(?:[@\uff20\ufe6b]|%(?:25)*40)([[:alnum:]%-]+\.)',
    '\1…@\2');
end
$function$;

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
 SELECT 'events that no worker follows'::text AS what,
    count(*) AS how_many,
    min(e.occurred_at) AS since,
    'select * from usher.outbox'::text AS look_at
   FROM (usher.outbox f
     JOIN public.organisation_audit_events e ON ((e.id = f.event_id)))
  WHERE ((f.attempts = 0) AND (e.occurred_at < (now() - '00:10:00'::interval)))
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'events that cannot be followed'::text AS what,
    count(*) AS how_many,
    min(e.occurred_at) AS since,
    'select * from usher.outbox where attempts > 0'::text AS look_at
   FROM (usher.outbox f
     JOIN public.organisation_audit_events e ON ((e.id = f.event_id)))
  WHERE (f.attempts >= 3)
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
 SELECT 'upkeep that fails'::text AS what,
    count(*) AS how_many,
    min(f.failing_since) AS since,
    'select * from usher.upkeep_failures'::text AS look_at
   FROM usher.upkeep_failures f
 HAVING (count(*) > 0)
UNION ALL
 SELECT 'signing key is old'::text AS what,
    count(*) AS how_many,
    min(k.created_at) AS since,
    'select usher.rotate_signing_key()'::text AS look_at
   FROM usher.signing_key_states k
  WHERE k.is_due
 HAVING (count(*) > 0);

CREATE UNIQUE INDEX organisation_deliveries_once ON public.organisation_deliveries USING btree (event_id, kind, recipient) WHERE (event_id IS NOT NULL);

CREATE POLICY "outbox_nobody" ON "usher"."outbox" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_audit_events"."ip" IS 'Who called, as the API''s gateway says: see usher.settings.client_address_header. Null for SQL and the worker.';

COMMENT ON COLUMN "public"."organisation_deliveries"."event_id" IS 'The line of the audit trail that it follows; null for mails of Supabase Auth.';

COMMENT ON COLUMN "public"."organisation_deliveries"."taken_at" IS 'When a worker took it last: from then on it counts against the allowances, unless it was no longer to be sent.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."stops_at" IS 'When it stops unless somebody takes it over, because who answers for it has lost the right; null: it does not.';

COMMENT ON COLUMN "public"."organisation_domains"."responsible_id" IS 'By whose word people join: who claimed the domain, or last said what its people may do; null: the project.';

COMMENT ON COLUMN "public"."organisation_domains"."stops_at" IS 'From when people ask and no longer join, unless somebody takes it over, because who answers for it has lost the
right to; null: it does not stop.';

COMMENT ON COLUMN "public"."organisations"."credential_grace" IS 'How long directory tokens and joining by domain go on after who answers for them lost the right: 0 to 30 days.';

COMMENT ON COLUMN "usher"."invites"."invited_by" IS 'By whose word it lets in: who made it, or who sent it again once that right was gone; no foreign key, because
it outlives the account. Null: by the project itself.';

COMMENT ON COLUMN "usher"."outbox"."due_at" IS 'When it is tried again; null: at once.';

COMMENT ON COLUMN "usher"."outbox"."is_bulk" IS 'One of many that came in one call: single ones go first.';

COMMENT ON COLUMN "usher"."outbox"."last_error" IS 'Why it could not be followed, at most 1,000 characters.';

COMMENT ON COLUMN "usher"."settings"."client_address_header" IS 'The header in which the gateway itself says who called, in lower case. cf-connecting-ip: Cloudflare''s, in front
of hosted projects, which callers cannot write. Behind a gateway that only appends to it, such as Kong:
x-forwarded-for, of which the last place counts. Anything else that a request says of its address is kept as claimed.

Sources: developers.cloudflare.com/fundamentals/reference/http-headers; github.com/orgs/supabase/discussions/34647';

COMMENT ON COLUMN "usher"."settings"."trusted_proxies" IS 'Proxies of one''s own between callers and that gateway, as networks. Where the gateway names one of these, who
called it is read from x-forwarded-for, from the last place on to the first that is none of them.';

COMMENT ON FUNCTION "public"."answer_organisation_access_review"(uuid, jsonb) IS 'Confirms or withdraws rights that a review asks about: all of these answers count, or none does. Whoever loses a
role gets a mail; the last answer completes the review.

  answers  1 to 1,000 of {"item_id", "decision", "reason"}: decision is confirm or withdraw; reason is at most
           500 characters, and has to be there to withdraw

Returns the review. Needs access_review.manage, and to withdraw, what update_organisation_member_roles needs. Nobody
answers for their own rights unless nobody else holds access_review.manage. Fails with unauthenticated,
access_review_not_found, permission_denied, access_review_not_open (also for a right already answered; details holds
its id), invalid_settings, invalid_message, owner_required (the owner''s right can only be confirmed).';

COMMENT ON FUNCTION "public"."ban_organisation_member"(uuid, uuid, text) IS 'Shuts a member, or a former one, out: no access, no invite, no accepting, until unbanned. It holds for the
address as well, also after the account was deleted and made again. Pending invites to them are revoked at once; those
that they sent let nobody in any more.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
member_banned, invalid_message.';

COMMENT ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) IS 'Makes a token with which an identity provider keeps the people and roles of the organisation by SCIM 2.0. It
carries the rights of the caller, asked anew with each request.

  name        what it is for, one line of at most 100 characters, such as Okta
  expires_in  1 hour to 10 years; without it, it does not end by itself

Returns the token, which is shown this once. At most 20 at a time, and 100 a day. Needs directory.manage, and works
while who answers for it has member.read as well. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_expiry, rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) IS 'Separates duties: nobody may hold so many of these roles, by themselves or by inheritance. One of the same
name is replaced.

  name         one line, at most 100 characters, without addresses and links
  roles        two or more roles of the organisation, never owner
  cardinality  how many are too many; 2: no two together

Returns the exclusion. It holds for invites, for accepting and for changes of roles. Needs role.manage.
At most 100. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_in_use (a member holds them together already).
Source: ANSI/INCITS 359-2004, CreateSsdSet and SetSsdSetCardinality.';

COMMENT ON FUNCTION "public"."organisation_sign_up_policy"() IS 'Who may create an account here, and whether its Auth confirms addresses: for pages, so that none offers
what would be refused.

sign_up is open, or invite_only: then an account is only for people with a pending invitation, or with an email
address of a domain that lets its people join, and for devices with a code. auth_confirms_addresses says whether
accept_my_organisation_invite accepts without the link. Both are settings of the whole project, which its operator
changes by usher.update_settings. Anyone may.';

COMMENT ON FUNCTION "public"."reissue_organisation_invites"(uuid[]) IS 'Makes new invites under the caller''s own name, with what the old ones offered, of those that were revoked because
whoever sent them may not give it any more (inviter_lost_right). The old ones stay revoked; new mails go out.

  invite_ids  at most 10,000, of one organisation

Returns an array with an object per id, in order, as create_organisation_invites does: invite_id is that of the new
one. error_code is invite_not_found (also for another organisation''s), invite_not_pending (it was not revoked for that
reason; error_details says what it is), or what creating it anew was refused with. Needs invite.create. Fails as a whole
with unauthenticated, invite_not_found, permission_denied, batch_too_large, seat_limit_reached, rate_limited.';

COMMENT ON FUNCTION "public"."take_over_organisation_credentials"(uuid[]) IS 'The caller answers from now on for directory tokens and for domains whose people join by themselves: they carry
the caller''s rights and go on. Needed when whoever answered for them has lost the right; stops_at of the table says when
they stop otherwise.

  ids  1 to 100 of organisation_directory_tokens.id and organisation_domains.id

Returns an array of objects: id, kind (directory_token or domain), organisation_id, name. All are taken over,
or none. Needs directory.manage for a token, and for a domain organisation.update and the right to give its role. Fails
with unauthenticated, credential_not_found (also for another organisation''s), permission_denied, role_not_assignable,
invalid_role, invalid_settings.';

COMMENT ON FUNCTION "public"."update_organisation_member_ends"(uuid, uuid, timestamp with time zone, jsonb) IS 'Says until when a membership counts, and each of its roles; what was said before is forgotten.

  ends_at    when the membership ends; null: it has no end
  role_ends  an object of roles that the member holds and their ends, in ISO 8601 with an offset, such as
             {"finance": "2027-03-31T18:00:00Z"}; a role that it does not name has no end of its own

At that second it stops counting; within a minute it is written down as removed, and the member gets a mail,
as some days before. Returns the membership. Needs member.update, at least the permissions that the member
holds, and the right to give every role that would count for longer, which nobody gives themselves.
Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found, owner_required, invalid_role, invalid_expiry,
invalid_settings, role_not_assignable.';

COMMENT ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) IS 'Gives a member exactly these roles; they count at once, and the member gets a mail. Roles that the member has
already are no change: nothing is recorded, and no mail is sent.

  roles  names of roles, or none: a member without a role may do nothing; never owner

Returns the membership. Needs member.update, at least the permissions that the member holds, and the right
to give what is added, which ends when the caller''s own right does. Fails with
unauthenticated, organisation_not_found, permission_denied,
member_not_found, owner_required, invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "usher"."accept_open_invite"(usher.invites) IS 'Makes the caller a member by this invite, which was open when it was read, if it is theirs and still is: one
transaction, with the event. Fails as public.accept_organisation_invite says, but for what is
wrong with a token.';

COMMENT ON FUNCTION "usher"."access_review_for_change"(uuid) IS 'A review, for a caller with access_review.manage there. Fails with unauthenticated, access_review_not_found
(also for another tenant''s), permission_denied.';

COMMENT ON FUNCTION "usher"."check_audit_trails"() IS 'Recomputes the seals of all trails, also of organisations that are gone, or of which there is none; those that
are not whole come first. Columns as in verify_organisation_audit_trail. For operators. Reads every event: minutes,
where there are millions.';

COMMENT ON FUNCTION "usher"."clean_description"(text, integer) IS 'What is said beside a name: nothing, or text of several lines that is otherwise as usher.clean_name has it. It
may hold links.';

COMMENT ON FUNCTION "usher"."clean_line"(text, integer) IS 'One line of text that may stand in a subject or beside other text: trimmed, marks of direction at its ends
included, NFC, 1 to max_length characters. Null if it holds a line break, another control character, or one that turns
the direction of the text around it: each can make a mail say what its sender did not write.';

COMMENT ON FUNCTION "usher"."collect_evidence_events"(uuid, integer, integer, integer, integer) IS 'A page of the events of an evidence package, whoever asks. For operators and usher.list_evidence_events. Fails
with organisation_not_found where there never was one, invalid_settings.';

COMMENT ON FUNCTION "usher"."create_invites"(uuid, jsonb) IS 'The rule behind create_organisation_invite and create_organisation_invites: judges each draft, creates the
good ones with their audit events, and says what became of each, in order.';

COMMENT ON FUNCTION "usher"."delay_mails"(usher.mail_judgement, usher.settings) IS 'Lets mails beyond an allowance become due later, when they stand in turn again: after those that may go
were taken, because what was taken tells when there is room.';

COMMENT ON FUNCTION "usher"."delivery_end"(public.organisation_deliveries, usher.invites) IS 'Why a mail must no longer go out: suppressed, or cancelled when its invite is no longer open or was sent again.
Null when it may go.';

COMMENT ON FUNCTION "usher"."delivery_metrics"() IS 'How many mails are in which status, and how many seconds the oldest of those due has waited; delayed are those
that an allowance or a pace lets out later. For the worker''s metrics.';

COMMENT ON FUNCTION "usher"."directory_giving_ends_at"(uuid, text, text[]) IS 'Until when the directory of an organisation may give these roles, as usher.giving_ends_at says of a member: by
the best of its tokens that work; -infinity when there is none.';

COMMENT ON FUNCTION "usher"."directory_membership"(uuid) IS 'What a directory acts with while its token goes on without whoever answered for it: their user id, and the
roles that they had; null for any other token.';

COMMENT ON FUNCTION "usher"."display_name"(jsonb) IS 'What a person calls themselves in their sign-up data: display_name, full_name or name, the first that may be
shown (usher.clean_name). They can write anything there: it is shown beside the address, and decides nothing.';

COMMENT ON FUNCTION "usher"."domain_word_ends_at"(public.organisation_domains) IS 'Until when a membership gained by a domain counts: no longer than the right of who answers for the rule.';

COMMENT ON FUNCTION "usher"."end_access"(public.organisation_members) IS 'Writes down that a membership whose end its caller has seen is over, with the event.';

COMMENT ON FUNCTION "usher"."erase_address"(text) IS 'As usher.erase_person, by an address: for whoever was invited, asked or named by a directory and has no
account, or has deleted it. Accounts with the address are erased as well. Fails with invalid_email. For operators.';

COMMENT ON FUNCTION "usher"."erase_from_trail"(usher.person_traces) IS 'Takes what is personal out of the lines of the trail that a person caused, that are about them, or whose reason
names them; and with it the salt of its hash, so that nothing can be tried against that.';

COMMENT ON FUNCTION "usher"."erase_person"(uuid) IS 'Forgets a person: addresses, names, reasons, computers and browsers go from members, invites, mails to them and
to others, texts that name them, and the trail. What they were and did stays, under an id that no longer leads to
anyone; a ban, and that they want no mail, hold. For operators; then delete the account in Auth, which an owner has
to be relieved of first.

  user_id  the account; while it is still there, its address leads to all that was there before the account

What stays, and why, is in usher.kept_at_erasure(). Where the account changes its address or name later, nothing of
it comes back.';

COMMENT ON FUNCTION "usher"."evidence_tables"(uuid, timestamp with time zone, timestamp with time zone, boolean, boolean) IS 'The registers of an evidence package, at one moment. with_people and with_invites: whether names and addresses
of members are in it, and addresses and words of invites and mails.';

COMMENT ON FUNCTION "usher"."evidence_trail"(uuid, timestamp with time zone, timestamp with time zone) IS 'The seals of the events of a period, and all later ones: first_seal to last_seal cover it, head_seal is the
newest; seals begins one before the first.';

COMMENT ON FUNCTION "usher"."fail_template"(uuid, text) IS 'Writes down that a template could not be drawn, so that its organisation and operators see it; the mail went
out as built in. For workers. Returns whether that was not known yet.

  failure  what went wrong, kept to 500 characters';

COMMENT ON FUNCTION "usher"."fan_out"(integer, bigint) IS 'Writes what follows from what has happened: mails and webhook calls. For workers, again and again; any number may
at once.

  batch_size  how many lines of the trail at most
  after_id    where to begin: rows up to it were followed before. 0: all. A worker begins where its last scan but some
              seconds had ended, so that rows that are gone cost nothing, and from time to time at 0, for transactions
              that took long

Returns how many lines were followed, and the newest id that had been given out when it began. Call again at once while
it is as many as batch_size.';

COMMENT ON FUNCTION "usher"."follow_lines"(uuid[], uuid[]) IS 'Writes the mails and webhook calls that follow from lines of the trail; bulk_ids: of those that may wait.';

COMMENT ON FUNCTION "usher"."follow_lost_rights"(integer) IS 'Revokes, with the reason inviter_lost_right, pending invites of members who may no longer give them, and sends
one notice to those who may invite; tells those who keep the organisation which tokens of directories and which domains
need somebody to answer for them. For workers, every second.

Returns how many members it looked at; call again when it is as many as batch_size.';

COMMENT ON FUNCTION "usher"."giving_ends_at"(public.organisation_members, text, text[]) IS 'Until when a member of usher.current_members may give these roles by a permission such as invite.create, as the
ends of their membership and of their roles say: infinity without an end, -infinity when they may not now, and for
nobody. What somebody with an end gives ends no later.';

COMMENT ON FUNCTION "usher"."invite_mails"(public.organisation_audit_events[]) IS 'What is mailed to invitees, and to who invited them.';

COMMENT ON FUNCTION "usher"."invite_problem"(usher.invites) IS 'The error code of why an invite lets nobody in now, for its own state or its inviter''s; null when it does.';

COMMENT ON FUNCTION "usher"."inviter_right_ends_at"(usher.invites) IS 'Until when the word by which an invite lets in counts: infinity where it has no end; -infinity when it does not
count any more, because whoever sent it was removed, demoted, banned, or has left.';

COMMENT ON FUNCTION "usher"."is_for_owners"(uuid, text[]) IS 'Whether these roles contain one that the owner alone may give, such as admin: it is among them, one of them
inherits it, or together they permit all that it permits.';

COMMENT ON FUNCTION "usher"."is_span"(interval, interval, interval) IS 'Whether a length of time is within these bounds, and none of its parts (months, days, time) is negative, so
that it stays within them when it is added to a date. Null for null.';

COMMENT ON FUNCTION "usher"."is_title"(text[], boolean) IS 'Whether labels with dots between them are a title, an initial or a form of company in front of a name, written
without the blank: Dr.med, E.Leclerc, Co.KG. They end with what is a top level domain as well, but not with one that
everybody takes for that.

  is_alone  whether nothing follows that would make an address of it, such as a path';

COMMENT ON FUNCTION "usher"."issue_again"(uuid, text, uuid) IS 'A new issue of an invite that the caller checked: old links die, its time restarts, a mail goes out. inviter_id:
by whose word from now on; null: as before.
Fails with already_invited when a newer invite of the address is open.';

COMMENT ON FUNCTION "usher"."join_request_for_change"(uuid, boolean) IS 'A pending request, locked, for a caller with invite.create; is_joining: with all that whoever asked needs to
join. Fails with unauthenticated, request_not_found (also for another tenant''s), permission_denied, request_not_open.';

COMMENT ON FUNCTION "usher"."judge_mails"(uuid[], boolean, usher.settings) IS 'Which of these mails may go now, by the allowances of their mailboxes and of who caused them. One refused
for now is judged again when it is tried again, and counts once.

  ids      mails that are due and locked, all single or all bulk, in the order in which they stand in turn
  is_bulk  which of the two';

COMMENT ON FUNCTION "usher"."judge_new_address"(public.organisation_members, text) IS 'Follows an account that takes another address: a ban holds for it, once it is proved; a device that takes one
which the organisation would not have let in is a member no more.';

COMMENT ON FUNCTION "usher"."keep_late_stop"(uuid, uuid) IS 'Stops mail, of an organisation or (null) of all, to someone erased since they got one. Returns whether it was not
stopped before.';

COMMENT ON FUNCTION "usher"."list_domains_to_verify"() IS 'Claimed domains whose TXT record should be looked up now: one of each organisation before the second of any,
100 at most. For workers.';

COMMENT ON FUNCTION "usher"."lock_open_review"(uuid) IS 'Locks a review until the transaction ends; fails with access_review_not_open. Members are always locked before
their reviews, so that nobody waits in a circle.';

COMMENT ON FUNCTION "usher"."new_inviter"(usher.invites) IS 'By whose word an invite that the caller resends lets in: null where it stays with its sender, the caller where
that one may not give its roles any more.';

COMMENT ON FUNCTION "usher"."notices_to_admins"(public.organisation_audit_events[]) IS 'What is mailed to everybody who may do something about it.';

COMMENT ON FUNCTION "usher"."notices_to_members"(public.organisation_audit_events[]) IS 'What is mailed to members about their own membership.';

COMMENT ON FUNCTION "usher"."other_notices"(public.organisation_audit_events[]) IS 'What is mailed to people who are not members: that their request to join was declined.';

COMMENT ON FUNCTION "usher"."outbox_metrics"() IS 'How much has happened that nothing has followed yet, and how long ago the oldest of it. For workers.';

COMMENT ON FUNCTION "usher"."queue_mails"(public.organisation_audit_events[], uuid[]) IS 'Queues the mails that follow from lines of the trail; bulk_ids: of those that stand behind single ones.';

COMMENT ON FUNCTION "usher"."read_invite_token"(text) IS 'The invite behind a token, and why it can no longer be answered (null: it can, if its sender may still give it:
usher.invite_problem). For a token that is not
ours, problem is invite_invalid and there is no invite.';

COMMENT ON FUNCTION "usher"."record_delivery_event"(text, text, text, uuid, text, timestamp with time zone, boolean, text, text) IS 'Writes down what a mail provider tells of a mail. For the function that takes its webhooks and has checked
that they are genuine.

  provider             such as resend; with event_id, what tells a repetition
  event_id             the provider''s own id of the event, or one made of what it tells
  kind                 delivered, opened, bounced or complained
  delivery_id          which mail, when the provider was given our id
  provider_message_id  which mail, otherwise
  occurred_at          when, by the provider''s clock; null: now
  is_permanent         of a bounce: whether the address will never take mail; it is then suppressed
  response             of a bounce: what the recipient''s server said, up to 1,000 characters; nothing once erased
  status_code          of a bounce: its enhanced status code (RFC 3463)

Returns recorded, duplicate (told before), unknown (no mail of ours), or ignored (opened, where the organisation
does not track that). The worst that is known is the status: complained, bounced, opened, delivered, sent.';

COMMENT ON FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text, boolean) IS 'Adds a line to the audit trail.

  event          thing.happened, such as invite.revoked
  target         what it happened to
  before, after  what changed, as it was and as it is; ids and values, never an address or a token
  actor_kind     null: the caller, or an operator when there is none
  is_bulk        as in usher.record_events

Which mails follow it stands in 50_mail/02_event_mails.sql. Returns the id of the line.';

COMMENT ON FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text, boolean) IS 'Adds a line to the audit trail for each of several targets, and says that they are fresh. See usher.record_event.

  is_bulk  whether mails and webhook calls of theirs stand behind those that somebody waits for

Returns the ids of the lines.';

COMMENT ON FUNCTION "usher"."record_expiry"(usher.invites[]) IS 'Writes the events of invites that have just expired.';

COMMENT ON FUNCTION "usher"."redact_everywhere"(usher.person_traces) IS 'Takes the addresses of a person out of every text of ours, and their full names out of the texts of the
organisations that know them, but for usher.kept_at_erasure().';

COMMENT ON FUNCTION "usher"."report_address"(text) IS 'As usher.report_person, by an address, with an account or without. An account of single sign-on has the address
that its provider names: look who it is. Fails with invalid_email. For operators.';

COMMENT ON FUNCTION "usher"."require_no_owners_set"(public.organisation_members, text[], text[]) IS 'Refuses with role_not_assignable when somebody other than the owner gives roles that come to be what the owner
alone gives.';

COMMENT ON FUNCTION "usher"."require_other_than_responsible"(uuid, text, uuid) IS 'Refuses with permission_denied when a directory gives something to the one who answered for its token, while
that token goes on without their right.';

COMMENT ON FUNCTION "usher"."require_owner_of_role"(uuid, text[]) IS 'Refuses with permission_denied unless others than the owner may give these roles, or the caller is the owner.';

COMMENT ON FUNCTION "usher"."require_room_for_invites"(uuid) IS 'Fails with invalid_settings when an organisation has more open invites than usher.tenant_limits allows. Called
once the invites are there, and counted by usher.take_allowance, whose row makes those who invite at once wait.';

COMMENT ON FUNCTION "usher"."review_facts"(uuid) IS 'What mails say of a review.';

COMMENT ON FUNCTION "usher"."role_ends_of_gift"(public.organisation_members, text, text[]) IS 'The ends, as in organisation_members.role_ends, of roles that a member gives: of those that the member has the
right to give only until then.';

COMMENT ON FUNCTION "usher"."run_upkeep"(text, usher.upkeep_item[], integer) IS 'Does what is due in a step, organisation by organisation, by the function that is called as the step with _of
at the end: (organisation_id, ids, batch_size), which returns how much it did. What fails, or has to wait for a lock
for longer than half a second, is undone for that organisation alone and noted in usher.upkeep_failures.

  step        the function that was called, such as expire_due_invites
  items       what is due, in the order in which it is to be done; none of whoever is resting
  batch_size  handed on

Returns how much was done in all.';

COMMENT ON FUNCTION "usher"."sanction_hash"(uuid, text) IS 'What a sanction keeps of a normalised address: another hash in each organisation, so that none are comparable.';

COMMENT ON FUNCTION "usher"."settle_open_invite"(public.organisation_members) IS 'Whoever has just become a member another way holds the roles of their open invite too, and it is accepted; one
that cannot be accepted any more is revoked. So no offer stays open to a member. Returns the membership.';

COMMENT ON FUNCTION "usher"."speak_to_invitee"() IS 'Says that the caller answers an invite, enrols a device or joins: errors are worded by usher.invitee_errors().';

COMMENT ON FUNCTION "usher"."stop_credentials"(uuid, uuid, text[], boolean) IS 'Says when directory tokens and joining by domain stop whose responsible person may not have them (any more);
or that they go on, when the right is theirs again.

  carried_roles  what a token goes on with until then: the roles that they had, those with an end of their own left out;
                 null: not known
  is_banned      it stops at once

Returns whether something stops now that did not before.';

COMMENT ON FUNCTION "usher"."tell_webhooks"(public.organisation_audit_events[]) IS 'Puts lines of the trail on their way to the endpoints that have chosen them.';

COMMENT ON FUNCTION "usher"."template_as_read"(text) IS 'The text of a template as it stands in a mail: without signs of Markdown and where its links lead, and a
character U+0001 for each placeholder.';

COMMENT ON FUNCTION "usher"."template_leads_astray"(text) IS 'Whether a link of this text leads anywhere but to site_url''s origin or an origin in
usher.settings.redirect_origins: the mail comes from the project''s own address, and is believed.';

COMMENT ON FUNCTION "usher"."tenant_limits"() IS 'What one organisation may have at most, so that none fills what all share: thing, the table that it is counted
in, which of its rows count, how many, and the code of the refusal. What is not here has another bound, which
test/database/tenant-limits.test.ts names.';

COMMENT ON FUNCTION "usher"."tg_users__follow_profile"() IS 'Copies address and name of an account to its memberships, but for those that were erased, and asks of the new
address what was asked of the old one.';

COMMENT ON FUNCTION "usher"."top_level_domains"() IS 'The top level domains that there are, as the keys of an object, in lower case: those of other scripts as they
are read, in NFKC.
Source: https://data.iana.org/TLD/tlds-alpha-by-domain.txt, by the npm package tlds 1.261.0.';

COMMENT ON FUNCTION "usher"."unassignable_role"(uuid, text[], text[]) IS 'The first of these roles that a holder of assigner_roles may not give; null when they may give all. A built-in
role is given by those in usher.role_assigners, and by holders of what inherits theirs; an own role by whoever holds
all that is in it, but by the owner alone where it contains, with the others, what the owner alone gives.';

COMMENT ON FUNCTION "usher"."webhook_for_change"(uuid, text) IS 'An endpoint, locked, for a caller with webhook.manage; else a refusal. To delete it, lock is settings: nothing is
sent to it meanwhile.';

COMMENT ON FUNCTION "usher"."without_addresses"(jsonb) IS 'What a line of the trail may say of a change: of mail addresses, also percent-encoded ones, only the domain.
Lines are sealed, so that an address in one could never be forgotten.';

COMMENT ON FUNCTION "usher"."word_pattern"(text) IS 'A pattern that finds an address or a name as it is written, in JSON, and percent-encoded in a URL, also more
than once; whatever blanks, or line breaks, are between its words.';

COMMENT ON FUNCTION "usher"."words_pattern"(text[], boolean) IS 'A pattern that finds any of these words; is_whole: only where not part of a longer one. Null: there are none.';

COMMENT ON TABLE "usher"."address_salt" IS 'What addresses are hashed with: of erased people who want no mail, and in the names of lines at the outbox.';

COMMENT ON TABLE "usher"."erased_deliveries" IS 'Mails to people erased since: a salted hash of whom they went to, so that a stop, a complaint or a bounce that
comes of them later still holds for the mailbox.';

COMMENT ON TABLE "usher"."erased_members" IS 'Memberships whose person was forgotten (90_operators/06_erasure.sql): what the account is called does not come
back into them.';

COMMENT ON TABLE "usher"."erased_stops" IS 'Of erased people, what stopped mail to them: a salted hash in place of the address. Somebody who wants no
mail, and to be forgotten, is not to be mailed anew because we have forgotten that they want none.';

COMMENT ON TABLE "usher"."mail_turns" IS 'Whose turn it was last, among single mails and among bulk. A hint, which two workers may overwrite: it says where
a round begins, and never who is in it.';

COMMENT ON TABLE "usher"."outbox" IS 'Lines of the trail that nothing has followed yet: one row each, for less than a second.';

COMMENT ON TABLE "usher"."upkeep_failures" IS 'What upkeep could not do, for whom, and why: a line goes when the step has been done, or a day after the last
failure. usher.stuck shows them. No foreign key, because a trail outlives its organisation.';

COMMENT ON TYPE "usher"."event_mail" IS 'A mail that follows from a line of the trail; its columns are those of organisation_deliveries.';

COMMENT ON VIEW "usher"."access_register" IS 'Who has access to what at this moment: a row for each role of each active member, with what the role
permits, since when they hold it and until when (null: without an end), and who gave it to them. A member without a
role is there with none. Where the trail does not know (purged, or by SQL), since is the day of joining, and nobody has
granted it.

Source: ISO/IEC 27001:2022 A.5.18, review of access rights.';

COMMENT ON VIEW "usher"."expiring_invites" IS 'Pending invites that expire within two days, and what became of their mail: not sent, they cannot be accepted;
delayed, an allowance or a pace lets it out later.';

COMMENT ON VIEW "usher"."stuck" IS 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

REVOKE ALL ON FUNCTION "usher"."fan_out"(integer, bigint) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."fan_out"(integer, bigint) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."follow_lines"(uuid[], uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_mails"(public.organisation_audit_events[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."notices_to_admins"(public.organisation_audit_events[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."notices_to_members"(public.organisation_audit_events[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."other_notices"(public.organisation_audit_events[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."outbox_metrics"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."outbox_metrics"() TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."queue_mails"(public.organisation_audit_events[], uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_event"(uuid, text, text, uuid, jsonb, jsonb, text, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."record_events"(uuid, text, text, uuid[], jsonb, jsonb[], text, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."review_facts"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tell_webhooks"(public.organisation_audit_events[]) FROM PUBLIC;
