-- One guard and one order of locks; what somebody gives counts only while they may give it; bans outlive accounts.

set local check_function_bodies = off;

-- Few rows, or small ones.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX "usher"."sign_up_invites_invite_id";

DROP VIEW "usher"."stuck";

ALTER TABLE "public"."organisation_deliveries" DROP CONSTRAINT "organisation_deliveries_kind";

ALTER TABLE "public"."organisation_members" DROP CONSTRAINT "organisation_members_user_id_fkey";

ALTER TABLE "public"."organisation_sign_in_rules" DROP CONSTRAINT "organisation_sign_in_rules_max_age";

ALTER TABLE "public"."organisations" DROP CONSTRAINT "organisations_audit_retention";

ALTER TABLE "public"."organisations" DROP CONSTRAINT "organisations_invite_ttl";

ALTER TABLE "public"."organisations" DROP CONSTRAINT "organisations_reminder_before";

ALTER TABLE "usher"."directory_users" DROP CONSTRAINT "directory_users_bounds";

ALTER TABLE "usher"."invites" DROP CONSTRAINT "invites_lifetime";

ALTER TABLE "usher"."settings" DROP CONSTRAINT "settings_allowances";

ALTER TABLE "usher"."settings" DROP CONSTRAINT "settings_bounds";

ALTER TABLE "usher"."settings" DROP CONSTRAINT "settings_limits";

ALTER TABLE "usher"."settings" DROP CONSTRAINT "settings_one_click";

ALTER TABLE "usher"."sign_up_invites" DROP CONSTRAINT "sign_up_invites_invite_id_fkey";

DROP FUNCTION "usher"."directory_endpoint_for_change"(uuid);

DROP FUNCTION "usher"."end_invite"(uuid, text);

DROP FUNCTION "usher"."issue_again"(uuid, text);

DROP FUNCTION "usher"."join_request_for_change"(uuid);

DROP FUNCTION "usher"."require_access_review"(uuid);

DROP FUNCTION "usher"."require_member"(uuid);

DROP FUNCTION "usher"."require_permission"(uuid, text);

DROP FUNCTION "usher"."revoke_invites_to"(uuid, text);

DROP FUNCTION "usher"."template_for_change"(uuid);

DROP FUNCTION "usher"."webhook_for_change"(uuid);

CREATE TABLE "usher"."lost_rights" ("organisation_id" uuid NOT NULL, "user_id" uuid NOT NULL, "noted_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "is_stopping" boolean NOT NULL DEFAULT false, CONSTRAINT "lost_rights_pkey" PRIMARY KEY (organisation_id, user_id));

ALTER TABLE "usher"."lost_rights" ENABLE ROW LEVEL SECURITY;

CREATE TABLE "usher"."sanctions" ("member_id" uuid NOT NULL, "organisation_id" uuid NOT NULL, "address_hash" bytea NOT NULL, "status" text NOT NULL, CONSTRAINT "sanctions_pkey" PRIMARY KEY (member_id, address_hash), CONSTRAINT "sanctions_status" CHECK ((status = ANY (ARRAY['banned'::text, 'removed'::text]))));

ALTER TABLE "usher"."sanctions" ENABLE ROW LEVEL SECURITY;

-- Who made a token has answered for it so far.
ALTER TABLE "public"."organisation_directory_tokens" ADD COLUMN "responsible_id" uuid;
UPDATE public.organisation_directory_tokens SET responsible_id = created_by;
-- Few rows, or small ones.
-- squawk-ignore adding-not-nullable-field
ALTER TABLE "public"."organisation_directory_tokens" ALTER COLUMN "responsible_id" SET NOT NULL;

ALTER TABLE "public"."organisation_directory_tokens" ADD COLUMN "stops_at" timestamp with time zone;

ALTER TABLE "public"."organisation_directory_tokens" ADD COLUMN "carried_roles" text[] NOT NULL DEFAULT '{}'::text[];

-- Few rows, or small ones.
-- squawk-ignore adding-field-with-default
ALTER TABLE "public"."organisation_domains" ADD COLUMN "id" uuid NOT NULL DEFAULT gen_random_uuid();

-- Who changed a domain last is in the trail; where it says nothing any more, the owner answers for it.
ALTER TABLE "public"."organisation_domains" ADD COLUMN "responsible_id" uuid;
UPDATE public.organisation_domains d SET responsible_id = coalesce(
  (SELECT m.user_id FROM public.organisation_members m
    WHERE m.organisation_id = d.organisation_id AND m.status = 'active' AND m.user_id = (
      SELECT e.actor_id FROM public.organisation_audit_events e
      WHERE e.organisation_id = d.organisation_id AND e.event IN ('domain.claimed', 'domain.updated')
        AND e.after ->> 'domain' = d.domain AND e.actor_id IS NOT NULL
      ORDER BY e.occurred_at DESC LIMIT 1)),
  (SELECT m.user_id FROM public.organisation_members m
    WHERE m.organisation_id = d.organisation_id AND 'owner' = ANY (m.roles)));

ALTER TABLE "public"."organisation_domains" ADD COLUMN "stops_at" timestamp with time zone;

ALTER TABLE "public"."organisations" ADD COLUMN "credential_grace" interval NOT NULL DEFAULT '7 days'::interval;

ALTER TABLE "usher"."directory_users" ADD COLUMN "role_ends" jsonb NOT NULL DEFAULT '{}'::jsonb;

ALTER TABLE "usher"."invites" ADD COLUMN "inviter_kind" text NOT NULL DEFAULT 'user'::text;

ALTER TABLE "usher"."sign_up_invites" ADD COLUMN "organisation_id" uuid;
UPDATE usher.sign_up_invites s SET organisation_id = i.organisation_id FROM usher.invites i WHERE i.id = s.invite_id;
-- Few rows, or small ones.
-- squawk-ignore adding-not-nullable-field
ALTER TABLE "usher"."sign_up_invites" ALTER COLUMN "organisation_id" SET NOT NULL;

CREATE OR REPLACE FUNCTION public.reissue_organisation_invites(invite_ids uuid[])
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select coalesce(jsonb_agg(to_jsonb(r) order by r.row_number), '[]') from usher.reissue_invites($1) r $function$;

REVOKE ALL ON FUNCTION "public"."reissue_organisation_invites"(uuid[]) FROM "anon";

REVOKE ALL ON FUNCTION "public"."reissue_organisation_invites"(uuid[]) FROM "service_role";

CREATE OR REPLACE FUNCTION public.stop_organisation_mail(token text, stop boolean DEFAULT true, everywhere boolean DEFAULT false)
 RETURNS text
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select usher.speak_to_invitee();
  select usher.stop_mail($1, $2, $3);
$function$;

CREATE OR REPLACE FUNCTION public.take_over_organisation_credentials(ids uuid[])
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select usher.take_over_credentials($1) $function$;

REVOKE ALL ON FUNCTION "public"."take_over_organisation_credentials"(uuid[]) FROM "anon";

REVOKE ALL ON FUNCTION "public"."take_over_organisation_credentials"(uuid[]) FROM "service_role";

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
  -- Not by usher.enqueue_delivery, which would read the invite again.
  insert into public.organisation_deliveries (organisation_id, invite_id, issue, kind, recipient)
  select v_invite.organisation_id, v_invite.id, v_invite.issue, 'invite_accepted', m.email
  from usher.current_members m
  where m.organisation_id = v_invite.organisation_id
    and m.user_id = v_invite.invited_by and m.email is not null;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.access_review_for_change(review_id uuid)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_review public.organisation_access_reviews;
begin
  perform usher.require_permission((
    select r.organisation_id from public.organisation_access_reviews r where r.id = access_review_for_change.review_id),
    'access_review.manage', 'share', 'access_review_not_found');
  select r.* into v_review
  from public.organisation_access_reviews r where r.id = access_review_for_change.review_id;
  if not found then
    perform usher.fail('access_review_not_found');
  end if;
  return v_review;
end
$function$;

CREATE OR REPLACE FUNCTION usher.acts_as_directory()
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select coalesce(current_setting('usher.directory', true), '') <> '' $function$;

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
  set status = 'active', kind = excluded.kind, roles = excluded.roles, ends_at = excluded.ends_at, role_ends = '{}', email = excluded.email,
    display_name = excluded.display_name, joined_at = now(), ended_at = null, status_reason = null
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

CREATE OR REPLACE FUNCTION usher.addresses_of(organisation_id uuid, user_id uuid)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
    select usher.normalise_email(u.email) from auth.users u
    where u.id = addresses_of.user_id and usher.normalise_email(u.email) is not null
    union
    select m.email from public.organisation_members m
    where m.organisation_id = addresses_of.organisation_id and m.user_id = addresses_of.user_id
      and m.email is not null
    order by 1;
end
$function$;

CREATE OR REPLACE FUNCTION usher.admit_directory_user(directory_user usher.directory_users)
 RETURNS usher.directory_users
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user    usher.directory_users := admit_directory_user.directory_user;
  v_actor   public.organisation_members :=
    usher.require_permission(v_user.organisation_id, 'invite.create', 'share');
  v_problem text := case when v_user.roles <> '{}'
    then usher.roles_problem(v_user.organisation_id, v_user.roles, v_actor.roles) end;
  v_account uuid := usher.directory_account(v_user);
  v_before  public.organisation_members;
  v_member  public.organisation_members;
begin
  perform usher.require_other_than_responsible(v_user.organisation_id, v_user.email, v_user.member_id);
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
    perform usher.lock_for_joining(v_user.organisation_id, v_account);
    -- What was offered to them is in their hands now.
    perform usher.revoke_invites_to(v_user.organisation_id, v_user.email, 'By the directory');
    v_user.invite_id := null;
    perform usher.require_roles(v_user.organisation_id, v_user.roles);
    perform usher.require_free_seat(v_user.organisation_id);
    select m.* into v_before from public.organisation_members m
    where m.organisation_id = v_user.organisation_id and m.user_id = v_account;
    v_member := usher.add_member(v_user.organisation_id, v_account, v_user.roles,
      least(v_before.ends_at, nullif(usher.giving_ends_at(v_actor, 'invite.create', v_user.roles), 'infinity')));
    -- What a directory turns off and on again has the ends that people here gave it.
    if v_before.role_ends <> '{}' or v_user.role_ends <> '{}' then
      update public.organisation_members m
      set role_ends = coalesce(v_before.role_ends, '{}') || coalesce(v_user.role_ends, '{}')
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
      perform usher.fail('access_review_not_found', hint => 'The review does not ask about this.', details => v_answer.item_id);
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
  perform usher.enqueue_notice('join_approved', v_member.id, auth.uid());
  perform usher.wake_worker();
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
  perform usher.enqueue_notice('member_banned', v_member.id, v_actor.user_id);
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.caller_membership(organisation_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members;
begin
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = caller_membership.organisation_id
    and m.user_id = auth.uid();
  if coalesce(current_setting('usher.directory', true), '') <> '' then
    v_member := coalesce(usher.directory_membership(caller_membership.organisation_id), v_member);
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.close_access_review(review_id uuid, reason text)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_review public.organisation_access_reviews := usher.access_review_for_change(close_access_review.review_id);
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

CREATE OR REPLACE FUNCTION usher.complete_directory_change(endpoint_id uuid, member_id uuid, fence bigint, change bigint, remote_id text, roles text[], error text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e where e.id = complete_directory_change.endpoint_id), 'exists');
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

CREATE OR REPLACE FUNCTION usher.confirm_domain(organisation_id uuid, domain text, txt_values text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_verified_at timestamptz;
begin
  perform usher.lock_organisation(confirm_domain.organisation_id, 'share');
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_device_invite.organisation_id, 'invite.create', 'share');
  v_name    text := usher.clean_name(create_device_invite.device_name);
  v_roles   text[] := usher.clean_roles(create_device_invite.roles);
  v_problem text := usher.roles_problem(v_member.organisation_id, v_roles, v_member.roles);
  v_ttl     interval := usher.invite_lifetime(
    coalesce(create_device_invite.expires_in, interval '1 day')::text, interval '1 day');
  v_invite  public.organisation_device_invite;
  v_key_id  smallint;
begin
  if v_name is null then
    perform usher.fail('invalid_settings', 
      hint => 'device_name is one line of 1 to 100 characters that can be seen, without addresses and links.');
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

  perform usher.require_room_for_invites(v_member.organisation_id);

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
        'Give a name of one line without addresses and links, and the https address that the application calls its SCIM base URL.'));
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
  values (v_member.organisation_id, v_name, v_member.user_id, v_member.user_id, now() + create_directory_token.expires_in)
  returning t.* into v_token;
  insert into usher.directory_token_hashes (hash, token_id)
  values (sha256(convert_to(v_secret, 'UTF8')), v_token.id);
  perform usher.record_event(v_token.organisation_id, 'directory.token_created', 'directory', v_token.id,
    after => jsonb_build_object('name', v_token.name, 'expires_at', v_token.expires_at));
  return row(v_token.id, v_token.organisation_id, v_token.name, v_token.expires_at, v_secret,
    (select s.functions_url || '/scim/v2' from usher.settings s));
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_domain(organisation_id uuid, domain text)
 RETURNS public.organisation_domains
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_domain.organisation_id, 'organisation.update', 'settings');
  v_domain text := usher.email_domain(usher.normalise_email('a@' || btrim(create_domain.domain, ' @')));
  v_row    public.organisation_domains;
begin
  if v_domain is null then
    perform usher.fail('invalid_settings', hint => 'Give a domain such as example.com.');
  end if;

  -- Each one that is not verified is looked up again and again.
  if not exists (
    select from public.organisation_domains d
    where d.organisation_id = v_member.organisation_id and d.domain = v_domain)
  then
    perform usher.require_room('domains', v_member.organisation_id);
    perform usher.require_room('unverified domains', v_member.organisation_id);
  end if;

  insert into public.organisation_domains as d (organisation_id, domain, responsible_id, verification)
  values (v_member.organisation_id, v_domain, v_member.user_id,
    'usher-verification=' || encode(extensions.gen_random_bytes(16), 'hex'))
  -- Claimed again: the same record is still good, and is looked for again.
  on conflict on constraint organisation_domains_pkey do update set created_at = now()
  returning d.* into v_row;
  perform usher.record_event(v_row.organisation_id, 'domain.claimed', 'organisation', v_row.organisation_id,
    after => jsonb_build_object('domain', v_row.domain));
  return v_row;
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
  perform usher.require_permission(create_email_template.organisation_id, 'organisation.update', 'settings');
  v_template := jsonb_populate_record(null::public.organisation_email_templates, create_email_template.draft);
  v_template.id := gen_random_uuid();
  v_template.organisation_id := create_email_template.organisation_id;
  -- A template is read in whole for each mail, and an editor shows all of them at once.
  perform usher.require_room('email templates', v_template.organisation_id);
  v_template := usher.save_email_template(v_template);
  perform usher.record_event(v_template.organisation_id, 'template.created', 'template', v_template.id,
    after => usher.template_facts(v_template));
  return v_template;
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
        when not g.given_roles @? 'strict $[*] ? (@.type() <> "string")' then usher.clean_roles(array(select jsonb_array_elements_text(g.given_roles))) end as roles
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_name         text := usher.clean_name(create_organisation.name);
  v_organisation public.organisations;
begin
  perform usher.require_confirmed_person();
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if create_organisation.slug is not null
    and (not usher.is_slug(create_organisation.slug) or usher.is_reserved_slug(create_organisation.slug))
  then
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

CREATE OR REPLACE FUNCTION usher.create_role(organisation_id uuid, name text, description text, permissions text[], inherits text[])
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_manageable(create_role.organisation_id, create_role.permissions);
  if create_role.name is null or length(create_role.name) > 63 or create_role.name !~ '^[a-z][a-z0-9_-]{0,62}$'
    or usher.clean_description(coalesce(create_role.description, ''), 500) is null
    or usher.clean_roles(coalesce(create_role.permissions, '{}')) is null
    or usher.clean_roles(coalesce(create_role.inherits, '{}')) is null
    or exists (
      select from public.organisation_roles r
      where r.name = create_role.name
        and (r.organisation_id is null or r.organisation_id = create_role.organisation_id))
  then
    perform usher.fail('invalid_role', hint =>
      'A name is free in the organisation, not built in, and 1 to 63 of a-z, 0-9, - and _, a letter first.');
  end if;

  perform usher.require_room('own roles', create_role.organisation_id);
  v_role.id := gen_random_uuid();
  v_role.organisation_id := create_role.organisation_id;
  v_role.name := create_role.name;
  v_role.description := usher.clean_description(coalesce(create_role.description, ''), 500);
  v_role.granted_permissions := usher.clean_roles(coalesce(create_role.permissions, '{}'));
  v_role.inherits := usher.clean_roles(coalesce(create_role.inherits, '{}'));
  v_role.created_at := now();
  return usher.save_own_role(v_role, 'role.created', null);
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_role_exclusion(organisation_id uuid, name text, roles text[], cardinality integer)
 RETURNS public.organisation_role_exclusions
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_roles     text[] := usher.clean_roles(create_role_exclusion.roles);
  v_exclusion public.organisation_role_exclusions;
begin
  -- Nobody joins or is given roles between this check and the end: that takes the same lock, shared.
  perform usher.require_permission(create_role_exclusion.organisation_id, 'role.manage', 'settings');
  if usher.clean_name(create_role_exclusion.name) is null
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

  if not exists (
    select from public.organisation_role_exclusions e
    where e.organisation_id = create_role_exclusion.organisation_id
      and e.name = usher.clean_line(create_role_exclusion.name, 100))
  then
    perform usher.require_room('role exclusions', create_role_exclusion.organisation_id);
  end if;
  insert into public.organisation_role_exclusions (organisation_id, name, roles, cardinality)
  values (create_role_exclusion.organisation_id, usher.clean_name(create_role_exclusion.name), v_roles,
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

CREATE OR REPLACE FUNCTION usher.create_webhook(organisation_id uuid, url text, events text[], description text)
 RETURNS public.organisation_webhook_secret
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_webhook.organisation_id, 'webhook.manage', 'settings');
  v_webhook public.organisation_webhooks;
begin
  perform usher.require_webhook(create_webhook.url, create_webhook.events, create_webhook.description);
  -- Each one more is one more request for each thing that happens.
  perform usher.require_room('webhooks', v_member.organisation_id);

  insert into public.organisation_webhooks as w (organisation_id, url, events, description)
  values (v_member.organisation_id, create_webhook.url, usher.clean_events(create_webhook.events),
    coalesce(usher.clean_name(create_webhook.description, 200, may_link => true), ''))
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
  perform usher.enqueue_delivery('invite_declined', v_invite.organisation_id, m.email, null, v_invite.id)
    from usher.current_members m
    where m.organisation_id = v_invite.organisation_id and m.email is not null
      and 'invite.create' in (select usher.permissions_of(m.organisation_id, m.roles));
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
  perform usher.enqueue_join_mail('join_declined', m.organisation_id, v_request.email, jsonb_build_object(
      'actor_name', m.display_name, 'actor_email', m.email, 'reason', v_request.reason))
    from public.organisation_members m
    where m.organisation_id = v_request.organisation_id and m.user_id = auth.uid();
  perform usher.wake_worker();
  return v_request;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_directory_endpoint(endpoint_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_endpoint public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(delete_directory_endpoint.endpoint_id, 'settings');
begin
  delete from public.organisation_directory_endpoints e where e.id = v_endpoint.id;
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_deleted', 'directory', v_endpoint.id,
    before => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url)));
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_domain(organisation_id uuid, domain text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_row public.organisation_domains;
begin
  perform usher.require_permission(delete_domain.organisation_id, 'organisation.update', 'settings');
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

CREATE OR REPLACE FUNCTION usher.delete_email_template(template_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_template public.organisation_email_templates :=
    usher.template_for_change(delete_email_template.template_id, 'settings');
begin
  delete from public.organisation_email_templates t where t.id = v_template.id;
  perform usher.record_event(v_template.organisation_id, 'template.deleted', 'template', v_template.id,
    before => usher.template_facts(v_template));
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_organisation(organisation_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(delete_organisation.organisation_id, 'organisation.delete', 'delete');
begin
  perform usher.record_event(v_member.organisation_id, 'organisation.deleted', 'organisation',
    v_member.organisation_id);
  delete from public.organisations o where o.id = v_member.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.delete_role_exclusion(organisation_id uuid, name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_exclusion public.organisation_role_exclusions;
begin
  perform usher.require_permission(delete_role_exclusion.organisation_id, 'role.manage', 'settings');
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

CREATE OR REPLACE FUNCTION usher.delete_webhook(webhook_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(delete_webhook.webhook_id, 'settings');
begin
  delete from public.organisation_webhooks w where w.id = v_webhook.id;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.deleted', 'webhook', v_webhook.id,
    before => usher.webhook_facts(v_webhook));
end
$function$;

CREATE OR REPLACE FUNCTION usher.delivery_end(delivery public.organisation_deliveries, invite usher.invites)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_delivery public.organisation_deliveries := delivery_end.delivery;
  v_invite   usher.invites := delivery_end.invite;
  v_is_offer boolean := v_delivery.kind in ('invite', 'invite_reminder');
begin
  return case
    when usher.is_suppressed(v_delivery.recipient, v_delivery.mailbox)
      or v_is_offer and exists (
        select from usher.mail_opt_outs o
        where o.email = v_delivery.mailbox
          and (o.organisation_id is null or o.organisation_id = v_delivery.organisation_id))
      then 'suppressed'
    when v_is_offer and (
      v_delivery.issue <> v_invite.issue
      or v_invite.status <> 'pending' or v_invite.expires_at <= statement_timestamp()
      or usher.inviter_right_ends_at(v_invite) <= statement_timestamp())
      then 'cancelled'
    -- What it lets its reader do is over by then: Supabase Auth's codes live for an hour unless set otherwise.
    when v_delivery.kind = 'auth' and v_delivery.created_at < clock_timestamp() - interval '1 day'
      then 'cancelled'
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_endpoint_for_change(endpoint_id uuid, lock text DEFAULT 'share'::text)
 RETURNS public.organisation_directory_endpoints
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_endpoint public.organisation_directory_endpoints;
begin
  perform usher.require_permission((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = directory_endpoint_for_change.endpoint_id),
    'directory.manage', directory_endpoint_for_change.lock, 'directory_not_found');
  select e.* into v_endpoint
  from public.organisation_directory_endpoints e where e.id = directory_endpoint_for_change.endpoint_id for update;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  return v_endpoint;
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_giving_ends_at(organisation_id uuid, permission text, roles text[])
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce((
    select max(case
      when t.stops_at is null then (
        select usher.giving_ends_at(
          row(m.*)::public.organisation_members, directory_giving_ends_at.permission, directory_giving_ends_at.roles)
        from usher.current_members m
        where m.organisation_id = t.organisation_id and m.user_id = t.responsible_id)
      when directory_giving_ends_at.permission in (select usher.permissions_of(t.organisation_id, t.carried_roles))
        and usher.unassignable_role(t.organisation_id, directory_giving_ends_at.roles, t.carried_roles) is null
        then timestamptz 'infinity'
    end)
    from public.organisation_directory_tokens t
    where t.organisation_id = directory_giving_ends_at.organisation_id
      and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > statement_timestamp())
      and (t.stops_at is null or t.stops_at > statement_timestamp())), '-infinity');
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_membership(organisation_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_token  public.organisation_directory_tokens;
  v_member public.organisation_members;
begin
  select t.* into v_token
  from public.organisation_directory_tokens t
  where t.id::text = current_setting('usher.directory', true)
    and t.organisation_id = directory_membership.organisation_id
    and t.responsible_id = auth.uid()
    and t.stops_at > statement_timestamp();
  if found then
    v_member.id := v_token.id;
    v_member.organisation_id := v_token.organisation_id;
    v_member.user_id := v_token.responsible_id;
    v_member.kind := 'user';
    v_member.status := 'active';
    v_member.roles := v_token.carried_roles;
    v_member.role_ends := '{}';
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.directory_user_for_change(organisation_id uuid, id uuid)
 RETURNS usher.directory_users
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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

  select d.* into v_user
  from usher.directory_users d
  where d.id = directory_user_for_change.id
    and d.organisation_id = directory_user_for_change.organisation_id;
  -- The accounts before the members, as whoever deletes one does.
  perform from auth.users u
  where u.email = v_user.email
    or u.id = (select m.user_id from public.organisation_members m where m.id = v_user.member_id)
  order by u.id
  for key share;
  perform usher.lock_person(v_user.organisation_id, v_user.email);
  perform usher.lock_members(v_user.organisation_id, array(
    select m.user_id from public.organisation_members m where m.id = v_user.member_id or m.user_id = auth.uid()));
  perform usher.lock_open_invites(v_user.organisation_id, v_user.email);
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

CREATE OR REPLACE FUNCTION usher.dismiss_directory_user(directory_user usher.directory_users)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user usher.directory_users := dismiss_directory_user.directory_user;
begin
  perform usher.remove_member(m.organisation_id, m.user_id, 'By the directory')
    from public.organisation_members m
    where m.id = v_user.member_id and m.status = 'active';
  perform usher.revoke_invites_to(v_user.organisation_id, v_user.email, 'By the directory');
end
$function$;

CREATE OR REPLACE FUNCTION usher.domain_word_ends_at(domain public.organisation_domains)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- While the rule goes on without them, what they had themselves had no end.
  if (domain_word_ends_at.domain).stops_at is not null or (domain_word_ends_at.domain).responsible_id is null then
    return timestamptz 'infinity';
  end if;
  return coalesce((
    select usher.giving_ends_at(row(m.*)::public.organisation_members, 'organisation.update',
      array[(domain_word_ends_at.domain).role])
    from usher.current_members m
    where m.organisation_id = (domain_word_ends_at.domain).organisation_id
      and m.user_id = (domain_word_ends_at.domain).responsible_id), '-infinity');
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_invite(invite_id uuid, reason text, actor_kind text DEFAULT NULL::text, revoked_by uuid DEFAULT auth.uid())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite usher.invites;
begin
  update usher.invites i
  set status = 'revoked', revoked_at = now(), revoked_by = end_invite.revoked_by, revoked_reason = end_invite.reason
  where i.id = end_invite.invite_id
  returning i.* into strict v_invite;

  perform usher.record_event(v_invite.organisation_id, 'invite.revoked', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'revoked'),
    reason => v_invite.revoked_reason,
    actor_kind => end_invite.actor_kind);
end
$function$;

CREATE OR REPLACE FUNCTION usher.enqueue_lost_right_mail(kind text, organisation_id uuid, user_id uuid, permissions text[], facts jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into public.organisation_deliveries (organisation_id, member_id, kind, recipient, facts)
  select m.organisation_id, m.id, enqueue_lost_right_mail.kind, m.email,
    enqueue_lost_right_mail.facts || jsonb_build_object('person_name', p.display_name, 'person_email', p.email)
  from usher.current_members m
  left join public.organisation_members p
    on p.organisation_id = m.organisation_id and p.user_id = enqueue_lost_right_mail.user_id
  where m.organisation_id = enqueue_lost_right_mail.organisation_id and m.kind = 'user' and m.email is not null
    and enqueue_lost_right_mail.permissions && array(select usher.permissions_of(m.organisation_id, m.roles));
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
  -- An account with an address or a phone number is somebody's: a code is no way round what the organisation asks of people.
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
  perform usher.enqueue_delivery('device_enrolled', v_invite.organisation_id, m.email, null, v_invite.id)
    from usher.current_members m
    where m.organisation_id = v_invite.organisation_id
      and m.user_id = v_invite.invited_by and m.email is not null;
  return to_jsonb(v_member);
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
    where num_nonnulls(e.reason, e.ip, e.claimed_ip, e.user_agent) > 0
      and (e.actor_id = any (v_traces.user_ids) or e.target_id = any (v_traces.user_ids)
        -- What they did with a link and without a session, and what somebody said of them.
        or (e.target_id = any (v_traces.invite_ids) or e.target_id = any (v_traces.delivery_ids))
          and (e.actor_kind = 'invitee' or e.reason is not null)
        or concat_ws(' ', e.reason, e.user_agent) collate "und-x-icu" ~* v_emails
        or e.organisation_id = any (v_traces.organisation_ids) and e.reason collate "und-x-icu" ~* v_names));

  perform set_config('usher.audit_exception', 'UPDATE', true);
  update usher.sealed_events c set personal_salt = null where c.event_id = any (v_events);
  update public.organisation_audit_events e
  set reason = null, ip = null, claimed_ip = null, user_agent = null
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

CREATE OR REPLACE FUNCTION usher.errors()
 RETURNS TABLE(code text, status integer, message text, hint text)
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    ('template_not_found',      404, 'There is no such template, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('delivery_not_found',      404, 'There is no such mail, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('credential_not_found',    404, 'There is no such token or domain, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('request_not_found',       404, 'There is no such request, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('invite_invalid',          404, 'This is not a link that we have sent.',
      'Open the link straight from the mail, without changing it.'),
    ('invite_already_accepted', 409, 'This invite has already been accepted.',
      'Sign in to see the organisation.'),
    ('invite_not_pending',      409, 'This invite is no longer open.',
      'Make a new one.'),
    ('request_not_open',        409, 'This request has been decided.',
      'See what was decided; they can ask again.'),
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
      'Use 2 to 63 of a-z, 0-9 and single hyphens between them, and no word such as admin, api or www.'),
    ('invalid_role',            422, 'There is no such role here, or it cannot be given.',
      'Give 1 to 20 roles of this organisation.'),
    ('invalid_redirect',        422, 'This redirect is not allowed.',
      'Give a path such as /welcome, or an https address of an allowed origin.'),
    ('invalid_message',         422, 'This message cannot be sent.',
      'Give at most 1,000 characters of plain text, without addresses and links.'),
    ('invalid_settings',        422, 'A value is not allowed.',
      'See what the function''s comment says of its parameters.'),
    ('idempotency_key_reused',  422, 'This key belongs to another request.',
      'Take a new key for each new request.'),
    ('inviter_lost_right',      410, 'Whoever sent this invite may not give it any more.',
      'Ask the organisation for a new one.'),
    ('rate_limited',            429, 'Too many requests.',
      'Wait as long as Retry-After says.'),
    ('try_again',               503, 'Somebody else changed the same thing at this moment.',
      'Send the same request again, after the time in Retry-After.')
$function$;

CREATE OR REPLACE FUNCTION usher.expire_overdue_invites(organisation_id uuid, emails text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_expired usher.invites[];
begin
  with overdue as materialized (
    select i.id
    -- A join, because it can only be done address by address; for = any, whole indexes were read.
    from unnest(expire_overdue_invites.emails) e (email)
    join usher.invites i on i.email = e.email
    where i.organisation_id = expire_overdue_invites.organisation_id
      and i.status = 'pending'
      and i.expires_at <= statement_timestamp()
    order by i.id
    for update of i
  ),
  expired as (
    update usher.invites i set status = 'expired'
    from overdue o where i.id = o.id and i.status = 'pending'
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  if v_expired is not null then
    perform usher.record_expiry(v_expired);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.export_evidence(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)
 RETURNS json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.require_permission(export_evidence.organisation_id, 'audit.read', 'share');
  return usher.collect_evidence(export_evidence.organisation_id, export_evidence.since, export_evidence.until,
    usher.has_permission(export_evidence.organisation_id, 'member.read'),
    usher.has_permission(export_evidence.organisation_id, 'invite.read'));
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
      'code', fail.code, 'message', v_error.message, 'details', left(fail.details, 2000),
      -- What a rule adds is for those who manage; an invitee is told what they can do. It may repeat what was sent, and
      -- that may be of any length.
      'hint', left(case when usher.is_to_invitee() then v_error.hint else coalesce(fail.hint, v_error.hint) end, 1000)),
    detail = json_build_object('status', v_error.status, 'headers', fail.headers);
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
    select e.organisation_id from public.organisation_directory_endpoints e where e.id = fail_directory_change.endpoint_id), 'exists');
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
    select e.organisation_id from public.organisation_directory_endpoints e where e.id = fail_directory_reconcile.endpoint_id), 'exists');
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
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_nestloop TO 'off'
AS $function$
declare
  v_endpoint  public.organisation_directory_endpoints;
  v_drift     integer;
  v_strangers jsonb;
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e where e.id = finish_directory_reconcile.endpoint_id), 'exists');
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

CREATE OR REPLACE FUNCTION usher.finish_one_click(invite_id uuid, issue integer, user_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite  usher.invites;
  v_is_good boolean;
begin
  select i.* into v_invite from usher.invites i where i.id = finish_one_click.invite_id;
  perform usher.lock_organisation(v_invite.organisation_id, 'share');
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

CREATE OR REPLACE FUNCTION usher.follow_lost_rights(batch_size integer DEFAULT 100)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('follow_lost_rights', array(
    select row(d.organisation_id, d.user_id)::usher.upkeep_item
    from (
      select l.organisation_id, l.user_id, l.noted_at,
        row_number() over (partition by l.organisation_id order by l.noted_at) as turn
      from usher.lost_rights l
      where l.organisation_id not in (select usher.resting_organisations('follow_lost_rights'))
    ) d
    order by d.turn, d.noted_at
    limit follow_lost_rights.batch_size));
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
      perform usher.enqueue_lost_right_mail('invites_lost_right', v_lost.organisation_id, v_lost.user_id,
        '{invite.create}', jsonb_build_object('count', cardinality(v_invites)));
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
      perform usher.enqueue_lost_right_mail('credentials_lost_right', v_lost.organisation_id, v_lost.user_id,
        '{organisation.update,directory.manage}', jsonb_build_object('names', v_stopping, 'ends_at', v_stops_at));
    end if;
    delete from usher.lost_rights l
    where l.organisation_id = v_lost.organisation_id and l.user_id = v_lost.user_id;
  end loop;
  if v_count > 0 then
    perform usher.wake_worker();
  end if;
  return v_count;
end
$function$;

CREATE OR REPLACE FUNCTION usher.giving_ends_at(member public.organisation_members, permission text, roles text[])
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members := giving_ends_at.member;
  v_roles  text[];
  v_end    timestamptz := timestamptz '-infinity';
begin
  -- Most have no end, and give built-in roles: then one question is enough.
  if v_member.next_end_at is null
    and exists (
      select from public.organisation_roles r
      where r.name = any (v_member.roles)
        and (r.organisation_id is null or r.organisation_id = v_member.organisation_id)
        and giving_ends_at.permission = any (r.permissions))
    and not exists (
      select from unnest(giving_ends_at.roles) g (name)
      where not exists (
        select from usher.role_assigners a where a.role = g.name and a.assigner = any (v_member.roles)))
  then
    return timestamptz 'infinity';
  end if;

  -- With the roles of this moment, then with those that are left after each end, for as long as they are enough.
  while v_member.status = 'active' loop
    v_roles := array(
      select r from unnest(v_member.roles) r
      where coalesce((v_member.role_ends ->> r)::timestamptz, 'infinity') > greatest(v_end, statement_timestamp()));
    exit when giving_ends_at.permission not in (select usher.permissions_of(v_member.organisation_id, v_roles))
      or usher.unassignable_role(v_member.organisation_id, giving_ends_at.roles, v_roles) is not null;
    v_end := coalesce(least(v_member.ends_at, (
      select min(e.value::timestamptz) from jsonb_each_text(v_member.role_ends) e where e.key = any (v_roles))),
      'infinity');
    exit when v_end = 'infinity' or v_end = v_member.ends_at;
  end loop;
  return v_end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.has_sanction(organisation_id uuid, email text, status text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (
    select from usher.sanctions s
    where s.organisation_id = has_sanction.organisation_id
      and s.address_hash = usher.sanction_hash(has_sanction.organisation_id, has_sanction.email)
      and s.status = has_sanction.status);
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_for_change(invite_id uuid, permission text)
 RETURNS usher.invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite usher.invites;
begin
  perform usher.require_permission((
    select i.organisation_id from usher.invites i where i.id = invite_for_change.invite_id),
    invite_for_change.permission, 'share', 'invite_not_found');
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_lifetime interval := organisation_ttl;
begin
  if length(expires_in) > 100 then
    return null;
  elsif expires_in is not null then
    v_lifetime := expires_in::interval;
  end if;
  return case when usher.is_span(v_lifetime, '1 hour', '30 days') then v_lifetime end;
exception
  when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.invite_problem(invite usher.invites)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(usher.invite_state_problem(invite_problem.invite),
    case when usher.inviter_right_ends_at(invite_problem.invite) <= clock_timestamp() then 'inviter_lost_right' end);
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
        and (invite_state_problem.invite).revoked_reason = 'inviter_lost_right' then 'inviter_lost_right' else 'invite_revoked' end
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
    ('inviter_lost_right',      null, 'Ask the organisation for a new one.'),
    ('try_again',               null, 'Wait a moment, then try again.'),
    ('invite_declined',         null, 'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       null, 'Open the link in the newest mail.'),
    ('invalid_role',            'A role that this gives is no longer there.', 'Ask whoever invited you for a new one.'),
    ('invalid_message',         null, 'Give a reason of at most 500 characters of plain text without addresses and links, or none.'),
    ('rate_limited',            null, 'Wait as long as Retry-After says.')
$function$;

CREATE OR REPLACE FUNCTION usher.inviter_right_ends_at(invite usher.invites)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- By the project itself, in SQL.
  if (inviter_right_ends_at.invite).invited_by is null then
    return timestamptz 'infinity';
  elsif (inviter_right_ends_at.invite).inviter_kind = 'directory' then
    return usher.directory_giving_ends_at(
      (inviter_right_ends_at.invite).organisation_id, 'invite.create', (inviter_right_ends_at.invite).roles);
  end if;
  return coalesce((
    select usher.giving_ends_at(
      row(m.*)::public.organisation_members, 'invite.create', (inviter_right_ends_at.invite).roles)
    from usher.current_members m
    where m.organisation_id = (inviter_right_ends_at.invite).organisation_id
      and m.user_id = (inviter_right_ends_at.invite).invited_by), '-infinity');
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_anonymous()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- By the session, and by the account: a token that was made before says what was true then. A stand-in for
  -- Auth may lack the column.
  -- Auth's if it is there, and otherwise the one beside it.
  return coalesce(auth.jwt() ->> 'is_anonymous', 'false') = 'true' or exists (
    select from (values (false)) otherwise (is_anonymous)
    cross join lateral (
      select is_anonymous as is_so from auth.users u where u.id = auth.uid()) account
    where account.is_so);
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_banned(organisation_id uuid, user_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (
    select from auth.users u
    where u.id = is_banned.user_id
      and usher.has_sanction(is_banned.organisation_id, usher.normalise_email(u.email), 'banned'));
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_for_owners(organisation_id uuid, roles text[])
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (
    select from usher.role_assigners a
    join public.organisation_roles b on b.organisation_id is null and b.name = a.role
    where a.role in (select a.role from usher.role_assigners a group by a.role having bool_and(a.assigner = 'owner'))
      and (
        a.role in (select usher.roles_with_inherited(is_for_owners.organisation_id, is_for_owners.roles))
        or b.permissions <@ array(select usher.permissions_of(is_for_owners.organisation_id, is_for_owners.roles))));
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_kept_out(member public.organisation_members)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_rule public.organisation_sign_in_rules;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r
  where r.organisation_id = (is_kept_out.member).organisation_id and r.for_members;
  return found
    and (is_kept_out.member).kind = 'user'
    and not usher.acts_as_directory()
    and not 'owner' = any ((is_kept_out.member).roles)
    and usher.sign_in_problem(v_rule, (is_kept_out.member).user_id, (is_kept_out.member).email) is not null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_reserved_slug(slug text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select $1 in (
    -- Pages and hosts that a project has itself, or will have.
    'about', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'assets', 'auth', 'billing', 'blog', 'cdn',
    'console', 'dashboard', 'docs', 'download', 'functions', 'graphql', 'help', 'invite', 'join', 'localhost', 'login',
    'logout', 'mcp', 'new', 'oauth', 'organisations', 'public', 'register', 'rest', 'root', 'scim', 'security',
    'settings', 'sign-in', 'sign-out', 'sign-up', 'signin', 'signup', 'sso', 'staff', 'static', 'status', 'stop-mail',
    'storage', 'support', 'system', 'usher', 'www',
    -- Names of hosts that mail programs and browsers look for by themselves.
    'autoconfig', 'autodiscover', 'ftp', 'imap', 'isatap', 'mail', 'mta-sts', 'mx', 'ns', 'ns1', 'ns2', 'pop', 'pop3',
    'smtp', 'webmail', 'wpad',
    -- Mailboxes that stand for whoever runs a domain (RFC 2142, and what CAs write to).
    'abuse', 'hostmaster', 'info', 'noc', 'no-reply', 'noreply', 'postmaster', 'webmaster',
    -- What a path says of whoever reads it, or of nothing, and steps on the way in.
    'callback', 'me', 'owner', 'payments', 'secure', 'undefined', 'verify')
    -- Further ones of a kind: www1, api-v1, admins. Few digits, so that usher.free_slug finds one that is not.
    or $1 ~ '^(admin|api|app|auth|cdn|mail|mx|ns|smtp|static|www)s?-?v?[0-9]{0,3}$'
$function$;

CREATE OR REPLACE FUNCTION usher.is_span(value interval, at_least interval, at_most interval)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Every part by itself: '-70000000 mons 2100000007 days' equals a week, and added to a date it is no week.
  return is_span.value between is_span.at_least and is_span.at_most
    and extract(year from is_span.value) >= 0 and extract(month from is_span.value) >= 0
    and extract(day from is_span.value) >= 0 and extract(hour from is_span.value) >= 0
    and extract(minute from is_span.value) >= 0 and extract(second from is_span.value) >= 0;
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
    perform usher.take_allowance('join_requests:' || v_domain.organisation_id || ':' || auth.uid(), 1, 5, interval '1 day');
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

CREATE OR REPLACE FUNCTION usher.join_request_for_change(request_id uuid, is_joining boolean)
 RETURNS public.organisation_join_requests
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_request public.organisation_join_requests;
begin
  select r.* into v_request
  from public.organisation_join_requests r where r.id = join_request_for_change.request_id;
  -- Where seats are counted, whoever joins needs the stronger lock, and none is made stronger later.
  perform usher.require_permission(v_request.organisation_id, 'invite.create',
    case when join_request_for_change.is_joining then 'settings' else 'share' end, 'request_not_found');
  if join_request_for_change.is_joining then
    perform usher.lock_for_joining(v_request.organisation_id, v_request.user_id);
    perform usher.lock_open_invites(v_request.organisation_id, v_request.email);
  end if;

  select r.* into v_request
  from public.organisation_join_requests r where r.id = join_request_for_change.request_id for update;
  if not found then
    perform usher.fail('request_not_found');
  elsif v_request.status <> 'pending' then
    perform usher.fail('request_not_open', details => v_request.status);
  elsif join_request_for_change.is_joining and not exists (
    select from auth.users u where u.id = v_request.user_id and usher.normalise_email(u.email) = v_request.email)
  then
    perform usher.fail('request_not_open', details => 'address_changed',
      hint => 'They have another address than the one that asked. Decline the request: they can ask again.');
  end if;
  return v_request;
end
$function$;

CREATE OR REPLACE FUNCTION usher.judge_new_address(member public.organisation_members, email text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members := judge_new_address.member;
begin
  if v_member.status = 'banned' then
    -- Of a device, and of somebody who was erased, the membership shows no address that could be followed.
    insert into usher.sanctions (member_id, organisation_id, address_hash, status)
    select v_member.id, v_member.organisation_id,
      usher.sanction_hash(v_member.organisation_id, judge_new_address.email), 'banned'
    where judge_new_address.email is not null and usher.has_proven_address(v_member.user_id)
      and (select s.auth_confirms_addresses from usher.settings s)
    on conflict do nothing;
  elsif v_member.status = 'active' and v_member.kind = 'device' and judge_new_address.email is not null
    and (
      usher.has_sanction(v_member.organisation_id, judge_new_address.email, 'banned')
      or exists (
        select from public.organisations o
        where o.id = v_member.organisation_id and cardinality(o.allowed_email_domains) > 0
          and usher.email_domain(judge_new_address.email) <> all (o.allowed_email_domains))
      or usher.lacks_identity(v_member.organisation_id, v_member.user_id, judge_new_address.email))
  then
    -- A device without an address was let in by its code alone; with one, it is somebody's account.
    perform usher.end_membership(v_member.id, 'removed', 'member.removed',
      'The account of the device took an address that the organisation does not take.', 'worker');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.leave_organisation(organisation_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(leave_organisation.organisation_id, null, 'share');
begin
  -- Roles may be changing at this moment: who has just become the owner stays.
  perform usher.lock_members(v_member.organisation_id, array[v_member.user_id]);
  select m.* into v_member from public.organisation_members m where m.id = v_member.id;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required');
  end if;
  if v_member.status is distinct from 'active' then
    perform usher.fail('organisation_not_found');
  end if;
  return usher.end_membership(v_member.id, 'left', 'member.left', null);
end
$function$;

CREATE OR REPLACE FUNCTION usher.lift_mail_suppression(organisation_id uuid, email text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(lift_mail_suppression.organisation_id, 'invite.resend', 'share');
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

CREATE OR REPLACE FUNCTION usher.list_assignable_roles(organisation_id uuid)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members := usher.require_permission(list_assignable_roles.organisation_id, null);
begin
  return array(
    select r.name
    from public.organisation_roles r
    where (r.organisation_id is null or r.organisation_id = list_assignable_roles.organisation_id)
      and usher.roles_problem(list_assignable_roles.organisation_id, array[r.name], v_member.roles) is null
    order by r.organisation_id is not null, r.name);
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_joinable_organisations()
 RETURNS TABLE(id uuid, name text, logo_url text, accent_colour text, domain text, join_policy text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select o.id, o.name, o.logo_url, o.accent_colour, d.domain,
    case when usher.domain_word_ends_at(d) <= statement_timestamp() then 'ask' else d.join_policy end
  from usher.my_joinable_domains() d
  join public.organisations o on o.id = d.organisation_id
  where not usher.is_banned(o.id, auth.uid()) and not exists (
    select from public.organisation_members m
    where m.organisation_id = o.id and m.user_id = auth.uid() and m.status in ('active', 'banned'))
  order by o.name
$function$;

CREATE OR REPLACE FUNCTION usher.list_my_invites()
 RETURNS TABLE(id uuid, organisation_id uuid, organisation_name text, organisation_logo_url text, organisation_accent_colour text, roles text[], inviter_name text, inviter_email text, message text, created_at timestamp with time zone, expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select i.id, o.id, o.name, o.logo_url, o.accent_colour, i.roles, m.display_name, m.email, i.message,
    i.created_at, i.expires_at
  from auth.users u
  join usher.invites i on i.email = usher.normalise_email(u.email)
  join public.organisations o on o.id = i.organisation_id
  left join public.organisation_members m
    on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
  where u.id = auth.uid()
    and usher.has_proven_address(u.id)
    and i.status = 'pending' and usher.invite_problem(i) is null
  order by i.created_at desc, i.id desc
$function$;

CREATE OR REPLACE FUNCTION usher.list_my_permissions(organisation_id uuid)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members := usher.require_permission(list_my_permissions.organisation_id, null);
begin
  return query
    select p.name from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    order by p.name;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lock_for_joining(organisation_id uuid, user_id uuid, inviter_id uuid DEFAULT NULL::uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_email      text;
  v_seat_limit integer;
begin
  -- The account first, as whoever deletes it does: it stays until the membership is written.
  select usher.normalise_email(u.email), o.seat_limit into v_email, v_seat_limit
  from auth.users u
  left join public.organisations o on o.id = lock_for_joining.organisation_id
  where u.id = lock_for_joining.user_id
  for key share of u;
  if not found then
    perform usher.fail('unauthenticated');
  end if;

  if v_seat_limit is not null then
    perform usher.lock_organisation(lock_for_joining.organisation_id, 'settings');
  else
    select o.seat_limit into v_seat_limit
    from public.organisations o where o.id = lock_for_joining.organisation_id for share;
    -- Seats were limited at this very moment. A lock is never made stronger: two who did would wait in a circle.
    if v_seat_limit is not null then
      perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
    end if;
  end if;

  perform usher.lock_person(lock_for_joining.organisation_id, v_email);
  -- Whoever comes back has a row already; for anyone else the unique key decides.
  if exists (
    select from public.organisation_members m
    where m.organisation_id = lock_for_joining.organisation_id and m.user_id = lock_for_joining.user_id)
  then
    perform usher.lock_members(
      lock_for_joining.organisation_id, array[lock_for_joining.user_id, lock_for_joining.inviter_id]);
  elsif lock_for_joining.inviter_id is not null then
    -- Shared, because many accept what one has sent.
    perform from public.organisation_members m
    where m.organisation_id = lock_for_joining.organisation_id and m.user_id = lock_for_joining.inviter_id
    for share;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lock_members(organisation_id uuid, user_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform from public.organisation_members m
  where m.organisation_id = lock_members.organisation_id and m.user_id = any (lock_members.user_ids)
  order by m.id
  for no key update;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lock_open_invites(organisation_id uuid, email text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform from usher.invites i
  where i.organisation_id = lock_open_invites.organisation_id and i.email = lock_open_invites.email
    and i.status = 'pending'
  order by i.id
  for update;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lock_organisation(organisation_id uuid, lock text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  case lock_organisation.lock
    when 'exists' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for key share;
    when 'share' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for share;
    when 'settings' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for no key update;
    when 'delete' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for update;
  end case;
end
$function$;

CREATE OR REPLACE FUNCTION usher.lock_person(organisation_id uuid, email text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended(
    concat_ws(' ', 'usher person', lock_person.organisation_id, lock_person.email), 0));
end
$function$;

CREATE OR REPLACE FUNCTION usher.mail_kinds()
 RETURNS TABLE(kind text, placeholders text[])
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    ('webhook_disabled',        array['organisation', 'webhook']),
    ('invites_lost_right',      array['organisation', 'person', 'count']),
    ('credentials_lost_right',  array['organisation', 'person', 'credentials', 'ends_at'])
$function$;

CREATE OR REPLACE FUNCTION usher.may_sign_up(email text, user_metadata jsonb)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (select s.sign_up from usher.settings s) = 'open'
    or exists (
      select from usher.invites i
      where i.email = usher.normalise_email(may_sign_up.email)
        and i.status = 'pending' and usher.invite_problem(i) is null)
    or exists (
      select from public.organisation_domains d
      where d.domain = usher.email_domain(usher.normalise_email(may_sign_up.email))
        and d.verified_at is not null and d.join_policy <> 'none')
    or case when length(may_sign_up.user_metadata ->> 'device_code') <= 20 then exists (
      select from usher.signing_keys k
      join usher.device_codes d on d.key_id = k.id
        and d.hash = usher.device_code_hash(may_sign_up.user_metadata ->> 'device_code', k.id)
      join usher.invites i on i.id = d.invite_id
      where usher.invite_problem(i) is null)
    else false end
$function$;

CREATE OR REPLACE FUNCTION usher.member_for_change(organisation_id uuid, user_id uuid, permission text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(member_for_change.organisation_id, member_for_change.permission, 'share');
  v_member public.organisation_members;
begin
  -- Both, so that of two who shut each other out the second finds that it may not any more.
  perform usher.lock_members(v_actor.organisation_id, array[v_actor.user_id, member_for_change.user_id]);
  v_actor := usher.require_permission(member_for_change.organisation_id, member_for_change.permission);
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = v_actor.organisation_id and m.user_id = member_for_change.user_id;
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

CREATE OR REPLACE FUNCTION usher.my_joinable_domains()
 RETURNS SETOF public.organisation_domains
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select d.organisation_id, d.domain, d.verification, d.verified_at, d.checked_at,
    -- Without anybody's word nobody comes in by themselves: then they ask.
    case when d.stops_at <= statement_timestamp() then 'ask' else d.join_policy end,
    d.role, d.created_at, d.id, d.responsible_id, d.stops_at
  from auth.users u
  join public.organisation_domains d on d.domain = usher.email_domain(usher.normalise_email(u.email))
  where u.id = auth.uid() and usher.has_proven_address(u.id)
    and (select s.auth_confirms_addresses from usher.settings s)
    and d.verified_at is not null and d.join_policy <> 'none'
$function$;

CREATE OR REPLACE FUNCTION usher.new_inviter(invite usher.invites)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when usher.inviter_right_ends_at(new_inviter.invite) <= statement_timestamp() then auth.uid() end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.note_lost_right(organisation_id uuid, user_id uuid, carried_roles text[], is_banned boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into usher.lost_rights as l (organisation_id, user_id, is_stopping)
  values (note_lost_right.organisation_id, note_lost_right.user_id, usher.stop_credentials(
    note_lost_right.organisation_id, note_lost_right.user_id, note_lost_right.carried_roles, note_lost_right.is_banned))
  on conflict on constraint lost_rights_pkey do update set is_stopping = l.is_stopping or excluded.is_stopping;
end
$function$;

CREATE OR REPLACE FUNCTION usher.one_click_invite(token text)
 RETURNS usher.invites
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  if v_reading.problem is not null or (v_reading.invite).kind <> 'user'
    or usher.invite_problem(v_reading.invite) is not null
  then
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
        hint => 'Whoever answers for this token may no longer do this. Let somebody who may take it over, or make a new one.');
    end if;
  end loop;

  update public.organisation_directory_tokens t set last_used_at = now()
  where t.id = v_token.id
    and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
  return v_token.organisation_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.organisations_in_turn(is_bulk boolean, after uuid, at timestamp with time zone, how_many integer)
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_due uuid[];
  v_ids uuid[] := array[]::uuid[];
  v_lap record;
begin
  -- With little to do, who has mails that are due is seen by looking at those, however many wait for later.
  v_due := array(
    select d.organisation_id
    from public.organisation_deliveries d
    where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
      and d.due_at <= organisations_in_turn.at and d.organisation_id is not null
    order by d.due_at
    limit 1000);
  if cardinality(v_due) < 1000 then
    return array(
      select o.id from unnest(v_due) o (id) group by o.id
      order by o.id <= organisations_in_turn.after, o.id
      limit organisations_in_turn.how_many);
  end if;

  -- Otherwise to the end, and then from the beginning to where it began.
  for v_lap in
    select * from (values
      (organisations_in_turn.after, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid),
      ('00000000-0000-0000-0000-000000000000'::uuid, organisations_in_turn.after)) l (after, until)
  loop
    v_ids := v_ids || array(
      -- From one organisation to the next by the index, whatever each has in the queue. Its first mail says
      -- whether it has one that is due.
      with recursive step as (
        (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > v_lap.after and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        )
        union all
        select n.*
        from step s
        cross join lateral (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > s.organisation_id and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        ) n
      )
      select s.organisation_id
      from step s
      where s.due_at <= organisations_in_turn.at
      limit organisations_in_turn.how_many - cardinality(v_ids));
    exit when cardinality(v_ids) >= organisations_in_turn.how_many;
  end loop;
  return v_ids;
end
$function$;

CREATE OR REPLACE FUNCTION usher.own_role_for_change(organisation_id uuid, role text)
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_permission(own_role_for_change.organisation_id, 'role.manage', 'settings');
  select r.* into v_role
  from public.organisation_roles r
  where r.organisation_id = own_role_for_change.organisation_id and r.name = own_role_for_change.role;
  if not found then
    perform usher.fail('invalid_role', hint => 'Only an own role of the organisation can be changed.');
  end if;
  perform usher.require_owner_of_role(v_role.organisation_id, array[v_role.name]);
  perform usher.require_manageable(v_role.organisation_id, v_role.permissions);
  return v_role;
end
$function$;

CREATE OR REPLACE FUNCTION usher.pace_mails(ids uuid[], settings usher.settings)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_to_domain       interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_to_domain;
  v_of_organisation interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_of_organisation;
  v_now             timestamptz := clock_timestamp();
  v_ids             uuid[] := array[]::uuid[];
  v_mail            record;
  v_class           text;
  v_domain          text;
  v_due_at          timestamptz;
  v_is_paced        boolean;
begin
  if num_nonnulls(v_to_domain, v_of_organisation) = 0 then
    return pace_mails.ids;
  end if;

  for v_mail in
    select d.* from unnest(pace_mails.ids) with ordinality m (id, n)
    join public.organisation_deliveries d on d.id = m.id
    order by m.n
  loop
    v_due_at := null;
    v_is_paced := true;
    if v_mail.status = 'queued' and not v_mail.is_paced then
      perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
      v_class := case when v_mail.is_bulk then 'bulk:' else 'single:' end;
      v_domain := v_class || 'domain:' || usher.email_domain(v_mail.recipient);
      v_is_paced := v_to_domain is null or not exists (
        select from usher.mail_pace p where p.line = v_domain and p.next_free_at > v_now + interval '1 minute');
      v_due_at := case
        when not v_is_paced then usher.next_place(
          v_domain || ':' || v_mail.organisation_id, v_to_domain, v_now + interval '1 minute')
        else greatest(
          case when v_to_domain is not null then usher.next_place(v_domain, v_to_domain, v_now) end,
          case when v_of_organisation is not null then usher.next_place(
            v_class || 'organisation:' || v_mail.organisation_id, v_of_organisation, v_now) end)
      end;
      update public.organisation_deliveries d
      set is_paced = v_is_paced, due_at = greatest(d.due_at, v_due_at)
      where d.id = v_mail.id;
    end if;
    if v_due_at is null or v_due_at <= v_now then
      v_ids := v_ids || v_mail.id;
    end if;
  end loop;
  return v_ids;
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
    select d.organisation_id from public.organisation_webhook_deliveries d where d.id = prepare_webhook_delivery.delivery_id), 'exists');
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
      then coalesce(usher.invite_state_problem(v_reading.invite), 'invite_expired')
    else usher.invite_state_problem(v_reading.invite)
  end;
  return v_reading;
end
$function$;

CREATE OR REPLACE FUNCTION usher.read_time(value text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Without a date, or without an offset, it would be another moment in another session.
  if length(read_time.value) > 40 or read_time.value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$' then
    return null;
  end if;
  -- The year 9999 in one place is the year 10000 in another.
  return (select t.at from (select read_time.value::timestamptz as at) t where t.at < timestamptz '10000-01-01T00:00:00Z');
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

CREATE OR REPLACE FUNCTION usher.record_events(organisation_id uuid, event text, target_kind text, target_ids uuid[], before jsonb, afters jsonb[], reason text, actor_kind text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  v_address record;
begin
  select a.ip, a.claimed_ip into v_address from usher.client_address(v_headers) a;
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
  from unnest(record_events.target_ids, record_events.afters) t (id, after);
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
  v_delays   constant interval[] := '{5 seconds,5 minutes,30 minutes,2 hours,5 hours,10 hours,14 hours,20 hours,24 hours}'::interval[];
  v_is_ok    boolean := coalesce(record_webhook_try.status_code between 200 and 299, false);
  v_status   text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_webhook_deliveries d where d.id = record_webhook_try.delivery_id), 'exists');
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

CREATE OR REPLACE FUNCTION usher.reissue_invites(invite_ids uuid[])
 RETURNS SETOF public.organisation_invite_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_organisation_id uuid;
  v_drafts jsonb;
  v_rows   integer[];
begin
  perform usher.require_person();
  if cardinality(reissue_invites.invite_ids) > 10000 then
    perform usher.fail('batch_too_large');
  end if;
  -- That of the first which the caller may know of: another's looks like none at all.
  select g.organisation_id into v_organisation_id
  from (
    select i.organisation_id
    from unnest(reissue_invites.invite_ids) with ordinality g (id, n)
    join usher.invites i on i.id = g.id
    order by g.n
  ) g
  where (usher.caller_membership(g.organisation_id)).id is not null
  limit 1;
  perform usher.require_permission(v_organisation_id, 'invite.create', 'share', 'invite_not_found');

  -- What is dead and not swept yet is revoked here; what cannot be given again is told by its code.
  perform usher.end_invite(i.id, 'inviter_lost_right', revoked_by => null)
    from (
      select i.* from usher.invites i
      where i.organisation_id = v_organisation_id and i.id = any (reissue_invites.invite_ids)
        and i.status = 'pending' and i.kind = 'user'
      order by i.id
      for update
    ) i
    where usher.invite_problem(i.*::usher.invites) = 'inviter_lost_right';
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'email', i.email, 'roles', i.roles, 'expires_in', i.lifetime::text, 'message', i.message, 'locale', i.locale,
      'redirect_to', i.redirect_to, 'template_id', i.template_id,
      'membership_ends_at', to_char(i.membership_ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
      || jsonb_build_object('metadata', i.metadata) order by g.n),
    array_agg(g.n::integer order by g.n)
  into v_drafts, v_rows
  from unnest(reissue_invites.invite_ids) with ordinality g (id, n)
  join usher.invites i on i.id = g.id and i.organisation_id = v_organisation_id
  where usher.invite_state_problem(i.*::usher.invites) = 'inviter_lost_right' and i.kind = 'user';

  return query
    select g.n::integer, coalesce(r.email, i.email), coalesce(r.status, 'failed'), r.invite_id,
      case when r.status is not null then r.error_code
        when i.id is null then 'invite_not_found' else 'invite_not_pending' end,
      coalesce(r.error_details, case when r.status is null then i.status end)
    from unnest(reissue_invites.invite_ids) with ordinality g (id, n)
    left join usher.invites i on i.id = g.id and i.organisation_id = v_organisation_id
    left join usher.create_invites(v_organisation_id, coalesce(v_drafts, '[]')) r on v_rows[r.row_number] = g.n
    order by g.n;
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
    perform usher.enqueue_review_mail('access_review_overdue', v_review);
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
  v_member := usher.end_membership(v_member.id, 'removed', 'member.removed', remove_member.reason);
  perform usher.enqueue_notice('member_removed', v_member.id, auth.uid());
  return v_member;
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
  v_is_self_service boolean;
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
  perform usher.record_event(v_invite.organisation_id, 'invite.resend_requested', 'invite', v_invite.id,
    actor_kind => case when auth.uid() is null then 'invitee' end);

  select o.self_service_resend into v_is_self_service
  from public.organisations o where o.id = v_invite.organisation_id;
  if v_is_self_service
    and coalesce(v_invite.membership_ends_at > now(), true)
    and usher.inviter_right_ends_at(v_invite) > statement_timestamp()
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

CREATE OR REPLACE FUNCTION usher.require_free_seat(organisation_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_seat_limit integer;
begin
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id;
  if v_seat_limit is not null and v_seat_limit <= (
    select count(*) from usher.current_members m
    where m.organisation_id = require_free_seat.organisation_id)
  then
    perform usher.fail('seat_limit_reached');
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
      hint => 'Your own right to this has an end. What a role permits has none: let somebody add it whose right lasts.');
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
  v_actor   public.organisation_members := usher.require_permission(require_manageable.organisation_id, 'role.manage', 'settings');
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

CREATE OR REPLACE FUNCTION usher.require_no_owners_set(actor public.organisation_members, before text[], after text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not 'owner' = any ((require_no_owners_set.actor).roles)
    and usher.is_for_owners((require_no_owners_set.actor).organisation_id, require_no_owners_set.after)
    and not usher.is_for_owners((require_no_owners_set.actor).organisation_id, require_no_owners_set.before)
  then
    perform usher.fail('role_not_assignable',
      hint => 'Together these roles contain what the owner alone may give, such as admin.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_other_than_responsible(organisation_id uuid, email text, member_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- While they are a member they may do by themselves what the token may; afterwards it must not let them in.
  if (usher.directory_membership(require_other_than_responsible.organisation_id)).id is not null
    and (
      require_other_than_responsible.email in (
        select usher.addresses_of(require_other_than_responsible.organisation_id, auth.uid()))
      or exists (
        select from public.organisation_members m
        where m.id = require_other_than_responsible.member_id and m.user_id = auth.uid()))
  then
    perform usher.fail('permission_denied',
      hint => 'Nobody lets themselves in, or gives themselves more, by a token that they answer for.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_owner_of_role(organisation_id uuid, roles text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if usher.is_for_owners(require_owner_of_role.organisation_id, require_owner_of_role.roles)
    and not 'owner' = any ((usher.caller_membership(require_owner_of_role.organisation_id)).roles)
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'A role that contains what the owner alone may give, such as admin, is made and changed by the owner.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_permission(organisation_id uuid, permission text, lock text DEFAULT NULL::text, not_found text DEFAULT 'organisation_not_found'::text)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members;
begin
  -- An anonymous account, as a device may have, looks and changes nothing.
  if require_permission.lock is not null then
    perform usher.require_person();
  elsif auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  v_member := usher.caller_membership(require_permission.organisation_id);
  -- Only a member lets others wait. What was true before a wait is asked again after it.
  if v_member.id is not null and require_permission.lock is not null then
    perform usher.lock_organisation(v_member.organisation_id, require_permission.lock);
    v_member := usher.caller_membership(require_permission.organisation_id);
  end if;
  if v_member.id is null then
    perform usher.fail(require_permission.not_found);
  elsif usher.is_kept_out(v_member) then
    perform usher.require_sign_in(v_member.organisation_id, v_member.user_id, v_member.email);
  end if;

  if require_permission.permission is not null and require_permission.permission not in (
    select usher.permissions_of(v_member.organisation_id, v_member.roles))
  then
    perform usher.fail('permission_denied', details => require_permission.permission);
  end if;
  return v_member;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_roles(organisation_id uuid, roles text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
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

CREATE OR REPLACE FUNCTION usher.resend_invite(invite_id uuid)
 RETURNS public.organisation_invites
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    (usher.caller_membership(v_invite.organisation_id)).roles);
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

  perform usher.issue_again(v_invite.id,
    inviter_id => usher.new_inviter(v_invite));
  return usher.invite_view(v_invite.id);
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
  perform usher.wake_worker();
  return v_delivery;
end
$function$;

CREATE OR REPLACE FUNCTION usher.reveal_invite_link(invite_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    v_invite.organisation_id, v_invite.roles, (usher.caller_membership(v_invite.organisation_id)).roles);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  perform usher.record_event(v_invite.organisation_id, 'invite.link_revealed', 'invite', v_invite.id);
  return (select s.site_url from usher.settings s) || '/invite#' || usher.mint_invite_token(v_invite.id);
end
$function$;

CREATE OR REPLACE FUNCTION usher.revoke_directory_token(token_id uuid)
 RETURNS public.organisation_directory_tokens
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_token public.organisation_directory_tokens;
begin
  perform usher.require_permission((
    select t.organisation_id from public.organisation_directory_tokens t where t.id = revoke_directory_token.token_id),
    'directory.manage', 'share', 'directory_not_found');
  update public.organisation_directory_tokens t
  set revoked_at = now(), revoked_by = auth.uid()
  where t.id = revoke_directory_token.token_id and t.revoked_at is null
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

CREATE OR REPLACE FUNCTION usher.revoke_invites_to(organisation_id uuid, email text, reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform usher.lock_open_invites(revoke_invites_to.organisation_id, revoke_invites_to.email);
  perform usher.end_invite(i.id, revoke_invites_to.reason)
    from usher.invites i
    where i.organisation_id = revoke_invites_to.organisation_id and i.email = revoke_invites_to.email
      and i.status = 'pending';
end
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
      select r as role, usher.giving_ends_at(role_ends_of_gift.member, role_ends_of_gift.permission, array[r]) as ends_at
      from unnest(role_ends_of_gift.roles) r
    ) g
    where g.ends_at <> 'infinity') end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.roles_problem(organisation_id uuid, roles text[], assigner_roles text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case
    when roles_problem.roles is null or cardinality(roles_problem.roles) not between 1 and 20
      or exists (
        select from unnest(roles_problem.roles) g (name)
        where not exists (
          select from public.organisation_roles r
          where r.name = g.name
            and (r.organisation_id is null or r.organisation_id = roles_problem.organisation_id)))
      then 'invalid_role'
    when usher.unassignable_role(
        roles_problem.organisation_id, roles_problem.roles, roles_problem.assigner_roles) is not null
      or usher.excluded_together(roles_problem.organisation_id, roles_problem.roles) is not null
      then 'role_not_assignable'
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.rotate_webhook_secret(webhook_id uuid, keep_old_for interval)
 RETURNS public.organisation_webhook_secret
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(rotate_webhook_secret.webhook_id);
  v_keep    interval := coalesce(rotate_webhook_secret.keep_old_for, interval '1 day');
  v_secret  public.organisation_webhook_secret;
begin
  if not usher.is_span(v_keep, '0', '7 days') then
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
        raise warning 'Upkeep % failed for organisation %: % %', run_upkeep.step, v_tenant.organisation_id, v_state, v_error;
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

CREATE OR REPLACE FUNCTION usher.sanction_hash(organisation_id uuid, email text)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return sha256(convert_to(concat_ws(' ', sanction_hash.organisation_id, sanction_hash.email), 'UTF8'));
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
    select e.organisation_id from public.organisation_directory_endpoints e where e.id = save_directory_group_copy.endpoint_id), 'exists');
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
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    perform usher.require_room('directory users', v_organisation_id);
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
    perform usher.revoke_invites_to(v_organisation_id, v_user.email, 'By the directory');
  elsif not v_is_in then
    v_user := usher.admit_directory_user(v_user);
  elsif v_before.email <> v_user.email and exists (
    select from usher.invites i where i.id = v_user.invite_id and i.status = 'pending')
  then
    -- The offer follows them to their new address; the membership of a member is tied to the account.
    perform usher.revoke_invites_to(v_organisation_id, v_before.email, 'By the directory');
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
      usher.clean_name(v_template.name), usher.clean_line(v_template.subject, 200),
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

CREATE OR REPLACE FUNCTION usher.save_own_role(role public.organisation_roles, event text, before jsonb)
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_role      public.organisation_roles := save_own_role.role;
  v_inherited text[];
  v_added     text[];
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
  -- Whoever holds it holds what is added from now on, for as long as they hold the role.
  v_added := array(
    select unnest(v_role.permissions)
    except select unnest(r.permissions) from public.organisation_roles r where r.id = v_role.id);
  if cardinality(v_added) > 0 and exists (select from public.organisation_roles r where r.id = v_role.id) then
    perform usher.require_lasting_right(v_role.organisation_id, v_added);
  end if;

  insert into public.organisation_roles select v_role.*
  on conflict (id) do update
  set description = excluded.description, inherits = excluded.inherits,
    granted_permissions = excluded.granted_permissions, permissions = excluded.permissions;
  perform usher.require_owner_of_role(v_role.organisation_id, array[v_role.name]);

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
  -- Together with others that somebody holds it may come to be what the owner alone gives.
  if cardinality(v_added) > 0
    and not 'owner' = any ((usher.caller_membership(v_role.organisation_id)).roles)
    and exists (
      select from public.organisation_members m
      where m.organisation_id = v_role.organisation_id and m.status = 'active'
        and v_role.name in (select usher.roles_with_inherited(m.organisation_id, m.roles))
        and not usher.is_for_owners(m.organisation_id, array_remove(m.roles, v_role.name))
        and usher.is_for_owners(m.organisation_id, m.roles))
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'With their other roles somebody would hold what the owner alone may give.');
  end if;

  perform usher.record_event(v_role.organisation_id, save_own_role.event, 'role', v_role.id,
    before => save_own_role.before, after => usher.role_facts(v_role));
  return v_role;
end
$function$;

CREATE OR REPLACE FUNCTION usher.set_directory_role(organisation_id uuid, user_id uuid, role text, is_held boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user    usher.directory_users :=
    usher.directory_user_for_change(set_directory_role.organisation_id, set_directory_role.user_id);
  v_actor   public.organisation_members :=
    usher.require_permission(set_directory_role.organisation_id, 'member.update', 'share');
  v_member  public.organisation_members;
  v_roles   text[];
  v_problem text;
begin
  if set_directory_role.is_held then
    perform usher.require_other_than_responsible(v_user.organisation_id, v_user.email, v_user.member_id);
    v_problem := usher.roles_problem(v_user.organisation_id, array[set_directory_role.role], v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem, details => set_directory_role.role);
    end if;
  end if;
  update usher.directory_users d
  set updated_at = now(), roles = case when set_directory_role.is_held
    then usher.clean_roles(d.roles || set_directory_role.role) else array_remove(d.roles, set_directory_role.role) end,
    -- For no longer than whoever answers for the token that gives it.
    role_ends = (d.role_ends - set_directory_role.role) || case when set_directory_role.is_held
      then usher.role_ends_of_gift(v_actor, 'member.update', array[set_directory_role.role]) else '{}' end
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
    perform usher.require_no_owners_set(v_actor, v_member.roles, v_roles);
  end if;
  -- No mail, unlike a change by hand: a directory makes many of them, and tells its people itself.
  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || usher.role_ends_of_gift(
    v_actor, 'member.update', array(select unnest(v_roles) except select unnest(m.roles)))
  where m.id = v_member.id and m.roles <> v_roles;
  if found then
    perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
      before => jsonb_build_object('roles', v_member.roles), after => jsonb_build_object('roles', v_roles));
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.settle_open_invite(member public.organisation_members)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member   public.organisation_members := settle_open_invite.member;
  v_invite   usher.invites;
  v_roles    text[];
  v_ends_at  timestamptz;
begin
  select i.* into v_invite
  from usher.invites i
  where i.organisation_id = v_member.organisation_id and i.email = v_member.email and i.status = 'pending'
  for update;
  if not found then
    return v_member;
  end if;
  v_roles := usher.clean_roles(v_member.roles || v_invite.roles);
  if usher.invite_problem(v_invite) is not null
    or usher.excluded_together(v_member.organisation_id, v_roles) is not null
  then
    perform usher.end_invite(v_invite.id, 'They became a member in another way');
    return v_member;
  end if;

  v_ends_at := least(v_invite.membership_ends_at, usher.inviter_right_ends_at(v_invite));
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = v_member.user_id
  where i.id = v_invite.id;
  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || coalesce((
    select jsonb_object_agg(r, v_ends_at)
    from unnest(v_invite.roles) r where r <> all (v_member.roles) and v_ends_at < 'infinity'), '{}')
  where m.id = v_member.id
  returning m.* into v_member;
  perform usher.record_event(v_invite.organisation_id, 'invite.accepted', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'accepted', 'user_id', v_member.user_id, 'roles', v_member.roles));
  return v_member;
end
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
  perform usher.enqueue_review_mail('access_review_started', v_review);
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
  perform usher.take_allowance('one_clicks:' || v_invite.organisation_id, 1, 1000, interval '1 hour', is_secret => true);
  -- The address itself is nobody's to read out of this table.
  perform usher.take_allowance('one_clicks:' || encode(sha256(convert_to(v_invite.email, 'UTF8')), 'hex'),
    1, 5, interval '1 day', is_secret => true);
  insert into usher.one_clicks (invite_id, issue) values (v_invite.id, v_invite.issue);
  perform usher.record_event(v_invite.organisation_id, 'invite.one_click_started', 'invite', v_invite.id,
    actor_kind => 'invitee');
  return query select v_invite.id, v_invite.issue, v_invite.email;
end
$function$;

CREATE OR REPLACE FUNCTION usher.stop_credentials(organisation_id uuid, user_id uuid, carried_roles text[], is_banned boolean)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member   public.organisation_members;
  v_stops_at timestamptz;
  v_is_new   boolean;
begin
  v_is_new := exists (
    select from public.organisation_directory_tokens t
    where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
      and t.revoked_at is null and t.stops_at is null)
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = stop_credentials.organisation_id and d.responsible_id = stop_credentials.user_id
        and d.join_policy = 'join' and d.stops_at is null);
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = stop_credentials.organisation_id and m.user_id = stop_credentials.user_id;
  select now() + case when stop_credentials.is_banned then interval '0' else o.credential_grace end into v_stops_at
  from public.organisations o where o.id = stop_credentials.organisation_id;

  -- In one order, as taking over does.
  perform from public.organisation_directory_tokens t
  where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
  order by t.id
  for update;
  -- Whoever has the right again answers for it again.
  update public.organisation_directory_tokens t
  set stops_at = case when r.has_right then null else v_stops_at end,
    carried_roles = case when r.has_right then '{}' else coalesce(stop_credentials.carried_roles, '{}') end
  from (
    select 'directory.manage' in (select usher.permissions_of(v_member.organisation_id, v_member.roles)) as has_right
  ) r
  where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
    and t.revoked_at is null
    and (r.has_right and t.stops_at > now() or not r.has_right and coalesce(t.stops_at > v_stops_at, true));

  update public.organisation_domains d
  set stops_at = case when r.has_right then null when r.is_carried then v_stops_at else now() end
  from (
    select o.domain,
      usher.giving_ends_at(v_member, 'organisation.update', array[o.role]) > statement_timestamp() as has_right,
      -- What they had to an end of their own goes on no longer.
      coalesce('organisation.update' in (
          select usher.permissions_of(o.organisation_id, stop_credentials.carried_roles))
        and usher.unassignable_role(o.organisation_id, array[o.role], stop_credentials.carried_roles) is null, true)
        or stop_credentials.carried_roles is null as is_carried
    from public.organisation_domains o
    where o.organisation_id = stop_credentials.organisation_id and o.responsible_id = stop_credentials.user_id
    order by o.domain
    for update
  ) r
  where d.organisation_id = stop_credentials.organisation_id and d.domain = r.domain
    and (r.has_right and d.stops_at > now() or not r.has_right and coalesce(d.stops_at > v_stops_at, true));
  return v_is_new and (
    exists (
      select from public.organisation_directory_tokens t
      where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
        and t.revoked_at is null and t.stops_at is not null)
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = stop_credentials.organisation_id and d.responsible_id = stop_credentials.user_id
        and d.join_policy = 'join' and d.stops_at is not null));
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
    select g.id, coalesce(t.organisation_id, d.organisation_id) as organisation_id, d.role, coalesce(t.name, d.domain) as name,
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

CREATE OR REPLACE FUNCTION usher.template_for_change(template_id uuid, lock text DEFAULT 'share'::text)
 RETURNS public.organisation_email_templates
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_template public.organisation_email_templates;
begin
  perform usher.require_permission((
    select t.organisation_id from public.organisation_email_templates t where t.id = template_for_change.template_id),
    'organisation.update', template_for_change.lock, 'template_not_found');
  select t.* into v_template
  from public.organisation_email_templates t where t.id = template_for_change.template_id for update;
  if not found then
    perform usher.fail('template_not_found');
  end if;
  return v_template;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_members__join_directory()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user  usher.directory_users;
  v_roles text[];
  v_gifts jsonb;
begin
  update usher.directory_users d
  set member_id = new.id, is_active = true, updated_at = now()
  from usher.directory_users o
  where o.id = d.id
    -- One User, also when the directory has named a new address of theirs as somebody else.
    and d.id = (
      select u.id from usher.directory_users u
      where u.organisation_id = new.organisation_id
        and (u.member_id = new.id or u.email = new.email and not exists (
          select from public.organisation_members m where m.id = u.member_id and m.status = 'active'))
      order by u.member_id is not distinct from new.id desc, u.created_at
      limit 1)
  returning o.* into v_user;
  if v_user.is_active is not true then
    return null;
  end if;

  -- What the directory may give at this second, and until when.
  select coalesce(jsonb_object_agg(g.name, g.ends_at), '{}') into v_gifts
  from (
    select r.name, least((v_user.role_ends ->> r.name)::timestamptz,
      usher.directory_giving_ends_at(new.organisation_id, 'member.update', array[r.name])) as ends_at
    from public.organisation_roles r
    where r.name = any (v_user.roles)
      -- What they had for a time is theirs again when somebody gives it again.
      and not coalesce(old.role_ends ? r.name, false)
      and (r.organisation_id is null or r.organisation_id = new.organisation_id)
  ) g
  where g.ends_at > statement_timestamp();
  -- What the invite of a directory carries stands for those; what somebody here has offered comes on top.
  v_roles := usher.clean_roles(case when (v_gifts <> '{}' or v_user.roles = '{}') and exists (
    select from usher.invites i
    where i.id = v_user.invite_id and i.accepted_by = new.user_id and i.roles = '{member}')
    then '{}' else new.roles end || array(select jsonb_object_keys(v_gifts)));
  -- What may not be held together stays with what they were let in as.
  if v_roles <> new.roles and usher.excluded_together(new.organisation_id, v_roles) is null then
    update public.organisation_members m
    set roles = v_roles, role_ends = m.role_ends || (
      select coalesce(jsonb_object_agg(g.key, g.value), '{}')
      from jsonb_each(v_gifts) g where g.value <> '"infinity"' and g.key <> all (new.roles))
    where m.id = new.id;
    perform usher.record_event(new.organisation_id, 'member.roles_updated', 'user', new.user_id,
      before => jsonb_build_object('roles', new.roles), after => jsonb_build_object('roles', v_roles),
      actor_kind => 'directory');
  end if;
  return null;
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
    -- Of an address that they take later, only where it is proved to be theirs: otherwise they could have others banned.
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
    case when old.ends_at is null then array(select r from unnest(old.roles) r where not old.role_ends ? r) else '{}' end,
    tg_op = 'UPDATE' and new.status = 'banned');
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_organisation_roles__note_lost_rights()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members;
begin
  for v_member in
    select m.* from public.organisation_members m
    where m.organisation_id = new.organisation_id and m.status = 'active' and new.name = any (m.roles)
      and (
        exists (
          select from usher.invites i
          where i.organisation_id = m.organisation_id and i.invited_by = m.user_id and i.status = 'pending')
        or exists (
          select from public.organisation_directory_tokens t
          where t.organisation_id = m.organisation_id and t.responsible_id = m.user_id)
        or exists (
          select from public.organisation_domains d
          where d.organisation_id = m.organisation_id and d.responsible_id = m.user_id))
    order by m.id
  loop
    perform usher.note_lost_right(v_member.organisation_id, v_member.user_id, v_member.roles, false);
  end loop;
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
      -- No more than that it stays: whether joining needs it alone is found out when they join.
      perform usher.lock_organisation((v_reading.invite).organisation_id, 'exists');
      insert into usher.sign_up_invites (user_id, invite_id, issue, organisation_id)
      select new.id, i.id, i.issue, i.organisation_id
      from usher.invites i where i.id = (v_reading.invite).id and i.issue = (v_reading.invite).issue
      on conflict on constraint sign_up_invites_pkey do nothing;
    end if;
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION usher.tg_users__end_memberships()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_organisation_id uuid;
begin
  -- The organisations first, in one order, as every change does; then one after the other, with all that hangs on it.
  perform from public.organisations o
  where o.id in (select m.organisation_id from public.organisation_members m where m.user_id = old.id)
  order by o.id
  for key share;
  for v_organisation_id in
    select m.organisation_id from public.organisation_members m where m.user_id = old.id order by m.organisation_id
  loop
    delete from public.organisation_members m
    where m.organisation_id = v_organisation_id and m.user_id = old.id and m.status <> 'banned';
  end loop;
  return old;
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
  if old.email is distinct from new.email then
    perform usher.judge_new_address(m, usher.normalise_email(new.email))
      from public.organisation_members m
      where m.user_id = new.id
      order by m.organisation_id;
  end if;
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
  perform usher.enqueue_notice('ownership_transferred', m.id, v_owner.user_id)
    from public.organisation_members m where m.id in (v_owner.id, v_new_owner.id);

  select m.* into v_new_owner from public.organisation_members m where m.id = v_new_owner.id;
  return v_new_owner;
end
$function$;

CREATE OR REPLACE FUNCTION usher.unassignable_role(organisation_id uuid, roles text[], assigner_roles text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- What somebody's role inherits they may give as its holders may.
  v_assigners   text[] := array(
    select usher.roles_with_inherited(unassignable_role.organisation_id, unassignable_role.assigner_roles));
  v_permissions text[] := array(
    select usher.permissions_of(unassignable_role.organisation_id, unassignable_role.assigner_roles));
begin
  return (
    select r.name
    from public.organisation_roles r
    where r.name = any (unassignable_role.roles)
      and (r.organisation_id is null or r.organisation_id = unassignable_role.organisation_id)
      and case
        when r.organisation_id is null then not exists (
          select from usher.role_assigners a where a.role = r.name and a.assigner = any (v_assigners))
        else not r.permissions <@ v_permissions
          or not 'owner' = any (v_assigners)
            and usher.is_for_owners(unassignable_role.organisation_id, unassignable_role.roles)
      end
    order by r.name
    limit 1);
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
        'Give a name of one line without addresses and links, and the https address that the application calls its SCIM base URL.'));
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

CREATE OR REPLACE FUNCTION usher.update_domain(organisation_id uuid, domain text, join_policy text, role text)
 RETURNS public.organisation_domains
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(update_domain.organisation_id, 'organisation.update', 'settings');
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
  set join_policy = coalesce(update_domain.join_policy, d.join_policy), role = coalesce(update_domain.role, d.role),
    responsible_id = v_member.user_id, stops_at = null
  where d.organisation_id = v_before.organisation_id and d.domain = v_before.domain
  returning d.* into v_row;
  perform usher.record_event(v_row.organisation_id, 'domain.updated', 'organisation', v_row.organisation_id,
    before => jsonb_build_object('domain', v_row.domain, 'join_policy', v_before.join_policy, 'role', v_before.role),
    after  => jsonb_build_object('domain', v_row.domain, 'join_policy', v_row.join_policy, 'role', v_row.role));
  return v_row;
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
    when data_exception or program_limit_exceeded then
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
    before => jsonb_build_object('roles', v_invite.roles), after => jsonb_build_object('roles', v_roles));
  perform usher.enqueue_delivery(
    'invite', v_invite.organisation_id, v_invite.email, v_invite.locale, v_invite.id);
  perform usher.wake_worker();
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
  perform usher.enqueue_notice('member_roles_updated', v_member.id, v_actor.user_id);
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

  -- Whoever shortens it makes what they have done go. Set to what it is, it is no change: pages send all that they show.
  -- As it is written, and not as it compares: a month is no 30 days when it is taken from a date.
  if v_after.audit_retention::text is distinct from v_before.audit_retention::text and not 'owner' = any (v_member.roles) then
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
    before => (select jsonb_object_agg(b.key, case b.key when 'reply_to' then to_jsonb(b.value <> 'null') else b.value end)
      from jsonb_each(to_jsonb(v_before)) b where to_jsonb(v_after) -> b.key <> b.value),
    after  => (select jsonb_object_agg(a.key, case a.key when 'reply_to' then to_jsonb(a.value <> 'null') else a.value end)
      from jsonb_each(to_jsonb(v_after)) a where to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
end
$function$;

CREATE OR REPLACE FUNCTION usher.update_sign_in_rule(organisation_id uuid, changes jsonb)
 RETURNS public.organisation_sign_in_rules
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_keys    constant text[] := array['provider', 'domain', 'level', 'methods', 'max_age', 'for_members'];
  v_changes jsonb := update_sign_in_rule.changes;
  v_member  public.organisation_members;
  v_before  public.organisation_sign_in_rules;
  v_after   public.organisation_sign_in_rules;
  v_unknown text;
begin
  v_member := usher.require_permission(update_sign_in_rule.organisation_id, 'organisation.update', 'settings');
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k where k <> all (v_keys) limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;

  select r.* into v_before
  from public.organisation_sign_in_rules r where r.organisation_id = v_member.organisation_id;
  v_before.organisation_id := v_member.organisation_id;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  if length(v_after.provider) > 200 or length(v_after.domain) > 300 or length(v_after.level) > 10
    or cardinality(v_after.methods) > 10
  then
    perform usher.fail('invalid_settings', hint => 'methods is a list of at most 10, such as ["totp"], provider and '
      'domain have at most 200 characters, and level is aal1 or aal2.');
  end if;
  v_after.provider := lower(btrim(v_after.provider));
  v_after.domain := lower(btrim(v_after.domain, ' @'));
  v_after.level := coalesce(v_after.level, 'aal1');
  v_after.methods := array(select distinct lower(btrim(m)) from unnest(v_after.methods) m order by 1);
  v_after.for_members := coalesce(v_after.for_members, false);
  v_after.updated_at := now();

  if exists (
    select from unnest(v_after.methods) m
    where m is null or length(m) > 40 or m !~ '^[a-z0-9][a-z0-9_/-]{0,39}$')
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
  if v_reading.problem is null then
    v_reading.problem := usher.invite_problem(v_invite);
  end if;
  v_preview.reason := v_reading.problem;
  v_preview.status := case v_reading.problem
    when 'invite_invalid' then 'invalid'
    when 'invite_superseded' then 'superseded'
    when 'invite_expired' then 'expired'
    when 'inviter_lost_right' then 'revoked'
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
    'credentials.responsible_lost_right', 'credentials.taken_over',
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

CREATE OR REPLACE FUNCTION usher.webhook_for_change(webhook_id uuid, lock text DEFAULT 'share'::text)
 RETURNS public.organisation_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_webhook public.organisation_webhooks;
begin
  perform usher.require_permission((
    select w.organisation_id from public.organisation_webhooks w where w.id = webhook_for_change.webhook_id),
    'webhook.manage', webhook_for_change.lock, 'webhook_not_found');
  select w.* into v_webhook
  from public.organisation_webhooks w where w.id = webhook_for_change.webhook_id for no key update;
  if not found then
    perform usher.fail('webhook_not_found');
  end if;
  return v_webhook;
end
$function$;

-- Lengths of time that only compare as allowed, with a negative part, are written as what they compare as.
UPDATE public.organisations o SET
  invite_ttl = make_interval(secs => extract(epoch FROM o.invite_ttl)),
  reminder_before = make_interval(secs => extract(epoch FROM o.reminder_before)),
  audit_retention = make_interval(secs => extract(epoch FROM o.audit_retention))
WHERE NOT coalesce(usher.is_span(o.invite_ttl, '0', '100 years'), true)
  OR NOT coalesce(usher.is_span(o.reminder_before, '0', '100 years'), true)
  OR NOT coalesce(usher.is_span(o.audit_retention, '0', '100 years'), true);
UPDATE usher.invites i SET lifetime = make_interval(secs => extract(epoch FROM i.lifetime))
WHERE NOT usher.is_span(i.lifetime, '0', '30 days');
UPDATE public.organisation_sign_in_rules r SET max_age = make_interval(secs => extract(epoch FROM r.max_age))
WHERE NOT usher.is_span(r.max_age, '0', '30 days');

ALTER TABLE "public"."organisation_deliveries" ADD CONSTRAINT "organisation_deliveries_kind" CHECK ((kind = ANY (ARRAY['invite'::text, 'invite_reminder'::text, 'invite_accepted'::text, 'invite_declined'::text, 'invite_expired'::text, 'invite_resend_requested'::text, 'member_roles_updated'::text, 'member_removed'::text, 'member_banned'::text, 'ownership_transferred'::text, 'access_ending'::text, 'access_ended'::text, 'join_requested'::text, 'join_approved'::text, 'join_declined'::text, 'device_enrolled'::text, 'access_review_started'::text, 'access_review_overdue'::text, 'webhook_disabled'::text, 'invites_lost_right'::text, 'credentials_lost_right'::text, 'auth'::text])));

-- Few rows, or small ones.
-- squawk-ignore disallowed-unique-constraint
ALTER TABLE "public"."organisation_domains" ADD CONSTRAINT "organisation_domains_id_key" UNIQUE (id);

ALTER TABLE "usher"."directory_users" ADD CONSTRAINT "directory_users_bounds" CHECK (((pg_column_size(role_ends) <= 16384) AND (length(user_name) <= 254) AND (length(external_id) <= 254) AND (length(email) <= 254) AND (cardinality(roles) <= 1000) AND (octet_length(array_to_string(roles, ''::text)) <= 63000) AND (pg_column_size(attributes) <= 16384)));

ALTER TABLE "usher"."invites" ADD CONSTRAINT "invites_inviter_kind" CHECK ((inviter_kind = ANY (ARRAY['user'::text, 'directory'::text])));

ALTER TABLE "usher"."lost_rights" ADD CONSTRAINT "lost_rights_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "usher"."sanctions" ADD CONSTRAINT "sanctions_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_limits" CHECK (((resends_per_day >= 0) AND (invites_per_day >= 0) AND (mails_per_minute_to_domain > 0) AND (mails_per_minute_of_organisation > 0)));

ALTER TABLE "usher"."sign_up_invites" ADD CONSTRAINT "sign_up_invites_organisation_id_fkey" FOREIGN KEY (organisation_id) REFERENCES public.organisations(id) ON DELETE CASCADE;

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

CREATE INDEX invites_pending_inviter ON usher.invites USING btree (invited_by) WHERE (status = 'pending'::text);

CREATE INDEX sanctions_address ON usher.sanctions USING btree (organisation_id, address_hash);

CREATE INDEX sign_up_invites_organisation_id ON usher.sign_up_invites USING btree (organisation_id);

CREATE TRIGGER usher_end_memberships BEFORE DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION usher.tg_users__end_memberships();

CREATE TRIGGER usher_keep_sanctions AFTER INSERT OR UPDATE OF status, email ON public.organisation_members FOR EACH ROW EXECUTE FUNCTION usher.tg_organisation_members__keep_sanctions();

CREATE TRIGGER usher_note_lost_rights_of_deleted AFTER DELETE ON public.organisation_members FOR EACH ROW EXECUTE FUNCTION usher.tg_organisation_members__note_lost_rights();

CREATE TRIGGER usher_note_lost_rights AFTER UPDATE OF roles, status ON public.organisation_members FOR EACH ROW WHEN (((old.roles IS DISTINCT FROM new.roles) OR (old.status <> new.status))) EXECUTE FUNCTION usher.tg_organisation_members__note_lost_rights();

CREATE TRIGGER usher_note_lost_rights AFTER UPDATE OF permissions, inherits ON public.organisation_roles FOR EACH ROW WHEN (((new.organisation_id IS NOT NULL) AND (old.permissions IS DISTINCT FROM new.permissions))) EXECUTE FUNCTION usher.tg_organisation_roles__note_lost_rights();

CREATE POLICY "lost_rights_nobody" ON "usher"."lost_rights" FOR SELECT TO PUBLIC USING (false);

CREATE POLICY "sanctions_nobody" ON "usher"."sanctions" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_audit_events"."actor_kind" IS 'user, device; invitee: the holder of a link, without a session; directory: an identity provider, with the
rights of actor_id, who answers for its token; worker; operator: by SQL.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."carried_roles" IS 'Until stops_at it goes on with these roles, which they had without an end when they lost the right.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."created_by" IS 'Who made it; no foreign key, because it outlives the account.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."responsible_id" IS 'Who answers for it, and whose rights it carries.';

COMMENT ON COLUMN "public"."organisation_directory_tokens"."stops_at" IS 'When it stops unless somebody takes it over, because who answers for it has lost the right to; null: it does not.';

COMMENT ON COLUMN "public"."organisation_domains"."responsible_id" IS 'By whose word people join: who claimed the domain, or said last what its people may do; null: the project itself.';

COMMENT ON COLUMN "public"."organisation_domains"."stops_at" IS 'From when people ask and no longer join, unless somebody takes it over, because who answers for it has lost the right
to; null: it does not stop.';

COMMENT ON COLUMN "public"."organisation_members"."user_id" IS 'The account. No foreign key: a ban outlives the account, so that it can be seen and lifted.';

COMMENT ON COLUMN "public"."organisations"."credential_grace" IS 'How long tokens of directories and joining by domain go on after who answers for them lost the right: 0 to 30 days.';

COMMENT ON COLUMN "usher"."directory_users"."role_ends" IS 'Until when those of roles are given that somebody gave through the directory whose own right has an end.';

COMMENT ON COLUMN "usher"."invites"."invited_by" IS 'By whose word it lets in: who made it, or who sent it again when that one''s right was gone; no foreign key, because
it outlives the account. Null: by the project itself.';

COMMENT ON COLUMN "usher"."invites"."inviter_kind" IS 'user; directory: by a token of a directory, and invited_by is who answered for that token.';

COMMENT ON COLUMN "usher"."lost_rights"."is_stopping" IS 'Whether something that they answer for stops now that did not before.';

COMMENT ON COLUMN "usher"."sanctions"."address_hash" IS 'usher.sanction_hash: the address itself is not kept, because it may have to be erased.';

COMMENT ON COLUMN "usher"."sign_up_invites"."invite_id" IS 'No foreign key: it would lock the invite before the person and the members, whom joining locks first.';

COMMENT ON FUNCTION "public"."accept_organisation_invite"(text) IS 'Accepts an invite: the caller becomes a member with the invite''s roles, in one transaction.

  token  as the mailed link carries it

Returns the membership. Anyone signed in whose confirmed address is the invited one may. Fails with
unauthenticated, permission_denied (an anonymous account), invite_invalid, invite_superseded,
invite_already_accepted, invite_declined, invite_revoked, invite_expired, inviter_lost_right, invite_wrong_email,
email_unverified, invalid_role (a role is gone), domain_not_allowed, sso_required, seat_limit_reached, already_member,
member_banned, try_again; the invite then stays as it was.';

COMMENT ON FUNCTION "public"."approve_organisation_join_request"(uuid, text[]) IS 'Lets somebody in who asked to join.

  roles  what they join with; without it, the role of their domain

Returns the membership. Needs invite.create, and the right to give the roles. Fails with unauthenticated,
request_not_found, permission_denied, request_not_open, invalid_role, role_not_assignable,
sso_required (they asked before the organisation asked for another way in), seat_limit_reached, already_member,
member_banned.';

COMMENT ON FUNCTION "public"."ban_organisation_member"(uuid, uuid, text) IS 'Shuts a member, or a former one, out: no access, no invite, no accepting, until the ban is lifted. It holds for the
address as well, also after the account was deleted and made again. Pending invites to them are revoked at once; those
that they sent let nobody in any more.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
member_banned, invalid_message.';

COMMENT ON FUNCTION "public"."create_organisation"(text, text) IS 'Creates an organisation; the caller becomes its owner.

  name  one line, 1 to 100 characters, without addresses and links
  slug  2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www; without it, one is
        made of the name

Returns the organisation. Anyone signed in with a confirmed address may. Fails with unauthenticated,
permission_denied (an anonymous account), email_unverified, invalid_settings, invalid_slug, slug_taken.';

COMMENT ON FUNCTION "public"."create_organisation_directory_endpoint"(uuid, text, text, text) IS 'Tells another application, by SCIM 2.0, who is a member and with which roles: from now on, and at first for all.

  name   of the application, one line of at most 100 characters
  url    its SCIM base URL, https, such as https://app.example.com/scim/v2
  token  the bearer token that it gave out; nobody can read it back

Returns the endpoint. Needs directory.manage and member.read. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) IS 'Makes a token with which an identity provider keeps the people and roles of the organisation by SCIM 2.0. It
carries the rights of the caller, asked anew with each request.

  name        what it is for, one line of at most 100 characters, such as Okta
  expires_in  1 hour to 10 years; without it, it does not end by itself

Returns the token, which is shown this once. At most 20 at a time, and 100 a day. Needs directory.manage, and works while
who answers for it has member.read as well. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invalid_expiry, rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) IS 'Separates duties: nobody may hold so many of these roles, by themselves or by inheritance. One of the same
name is replaced.

  name         one line, at most 100 characters, without addresses and links
  roles        two or more roles of the organisation, never owner
  cardinality  how many are too many; 2: no two together

Returns the exclusion. It holds for invites, for accepting and for changes of roles. Needs role.manage.
At most 100. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_in_use (a member holds them together already). Source: ANSI/INCITS 359-2004, CreateSsdSet and SetSsdSetCardinality.';

COMMENT ON FUNCTION "public"."decline_organisation_invite"(text, text) IS 'Declines an invite for good; the admins of the organisation get a mail.

  token   as the mailed link carries it
  reason  for the admins: plain text of at most 500 characters, without addresses and links

Returns what validate_organisation_invite now says. Whoever holds the link may, with or without an account.
Fails with invite_invalid, invite_superseded, invite_already_accepted, invite_declined, invite_revoked,
invite_expired, inviter_lost_right, invalid_message.';

COMMENT ON FUNCTION "public"."decline_organisation_join_request"(uuid, text) IS 'Turns a request to join down; they may ask again.

  reason  at most 500 characters, without addresses and links; the one who asked can read it

Returns the request. Needs invite.create. Fails with unauthenticated, request_not_found, permission_denied,
request_not_open, invalid_message.';

COMMENT ON FUNCTION "public"."delete_organisation_email_template"(uuid) IS 'Deletes a template; invites that name it are mailed by the default from now on. Needs organisation.update.
Fails with unauthenticated, template_not_found, permission_denied.';

COMMENT ON FUNCTION "public"."enrol_organisation_device"(text) IS 'Enrols the caller, a device that is signed in to an account of its own, with a code.

  code  as the admin was shown it; case, spaces and hyphens do not matter

Returns the membership, of kind device. Anyone signed in may. Fails with unauthenticated, invite_invalid (no
such code; an answer of status 404, not an exception, so that the guess is counted), rate_limited (ten wrong
codes within an hour), invite_already_accepted, invite_revoked, invite_expired, inviter_lost_right, invalid_role,
role_not_assignable, seat_limit_reached, already_member, member_banned, try_again; for an account with an address, which
is a person''s, also domain_not_allowed and sso_required.';

COMMENT ON FUNCTION "public"."join_organisation"(uuid) IS 'Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested: where the organisation wants to be asked, for whoever was removed, had access with an
end or is turned off by a directory, and when asked before. Fails with unauthenticated, permission_denied (an
anonymous account), organisation_not_found (also where the caller''s address does not open it), sso_required,
already_member, member_banned, seat_limit_reached, invalid_role, role_not_assignable, try_again, rate_limited (asked
five times within a day, or a thousand wait).';

COMMENT ON FUNCTION "public"."reissue_organisation_invites"(uuid[]) IS 'Makes new invites under the caller''s own name, with what the old ones offered, of those that were revoked because
whoever sent them may not give it any more (inviter_lost_right). The old ones stay revoked; new mails go out.

  invite_ids  at most 10,000, of one organisation

Returns one array with an object for each id, in order, as create_organisation_invites does: invite_id is that of the new
one. error_code is invite_not_found (also for another organisation''s), invite_not_pending (it was not revoked for that
reason; error_details says what it is), or what creating it anew was refused with. Needs invite.create. Fails as a whole
with unauthenticated, invite_not_found, permission_denied, batch_too_large, seat_limit_reached, rate_limited.';

COMMENT ON FUNCTION "public"."retry_organisation_delivery"(uuid) IS 'Tries a mail anew that has failed or was suppressed, from its first try on. One for an invite that is no
longer open is cancelled when its turn comes, and one to an address that still gets no mail is suppressed again:
lift_organisation_mail_suppression comes first.

  delivery_id  a row of organisation_deliveries

Returns the delivery. Needs invite.resend. Fails with unauthenticated, delivery_not_found,
permission_denied, invite_not_pending (it has not failed; details: its status).';

COMMENT ON FUNCTION "public"."take_over_organisation_credentials"(uuid[]) IS 'The caller answers from now on for tokens of directories and for domains whose people join by themselves: they carry
the caller''s rights and go on. Needed when whoever answered for them has lost the right; stops_at of the table says when
they stop otherwise.

  ids  1 to 100 of organisation_directory_tokens.id and organisation_domains.id

Returns an array with an object for each: id, kind (directory_token or domain), organisation_id, name. All are taken over,
or none. Needs directory.manage for a token, and for a domain organisation.update and the right to give its role. Fails
with unauthenticated, credential_not_found (also for another organisation''s), permission_denied, role_not_assignable,
invalid_role, invalid_settings.';

COMMENT ON FUNCTION "public"."update_organisation"(uuid, jsonb) IS 'Changes settings of an organisation; what is left out stays, and null takes an optional one back.

  changes  an object with any of
    name                   one line, 1 to 100 characters, without addresses and links
    slug                   2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www
    logo_url               an https address, or null
    accent_colour          #rrggbb, or null
    sender_name            who its mails come from by name, before "via" and the project''s: as name, or null: its name
    reply_to               where answers to its mails go: the confirmed address of a member, or one of a domain that
                           it has verified, for as long as that is so; or null
    locale                 language of its mails, such as de-AT
    invite_ttl             lifetime of invites: 1 hour to 30 days
    seat_limit             how many active members there may be, 1 to 1,000,000, or null
    allowed_email_domains  only addresses of these, 1,000 at most, may be invited and may accept; empty: any
    self_service_resend    whether the holder of an expired link gets a new one without an admin
    expiry_mail            whether who sent an invite hears when it has expired
    track_opens            whether it is recorded that a mail was opened, where the mail provider tells
    reminder_before        how long before its end an invite is brought to mind: 1 hour to 14 days, or null
    audit_retention        how long the trail is kept: 30 days to 100 years, or null: for ever; the owner alone
    credential_grace       how long tokens of directories, and joining by domain, go on when whoever answers for them
                           has lost the right to: 0 to 30 days

Returns the organisation. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.';

COMMENT ON FUNCTION "public"."update_organisation_directory_endpoint"(uuid, jsonb) IS 'Changes an endpoint, and tries it again at once if it had failed.

  changes  an object with any of name, url, token (as in create_organisation_directory_endpoint) and
           is_enabled; what is left out stays. A new url needs its token, and starts from nothing: that is
           another application

Returns the endpoint. Needs directory.manage and member.read. Fails with unauthenticated, directory_not_found,
permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."update_organisation_email_template"(uuid, jsonb) IS 'Changes a template; mails that go out from now on say it so.

  changes  an object with any of locale, name, subject, heading, body, button, is_default, as in
           create_organisation_email_template; what is left out stays, null: as built in

Returns the template. Needs organisation.update. Fails with unauthenticated, template_not_found (no such
template), permission_denied, invalid_settings (hint says what is wrong).';

COMMENT ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) IS 'Gives a member exactly these roles; they count at once, and the member gets a mail. Roles that the member has
already are no change: nothing is recorded, and no mail is sent.

  roles  names of roles, or none: a member without a role may do nothing; never owner

Returns the membership. Needs member.update, at least the permissions that the member holds, and the right
to give what is added, which ends when the caller''s own right does. Fails with unauthenticated, organisation_not_found, permission_denied,
member_not_found, owner_required, invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "public"."validate_organisation_invite"(text) IS 'What an invitee may see before deciding: who invites to what, as what, until when.

  token  as the mailed link carries it

Never raises for a bad token and never changes anything. status is pending, accepted, declined, revoked,
expired, superseded (a newer mail was sent) or invalid; reason is the error code that accepting would give,
null while it is pending; for inviter_lost_right, status is revoked. membership_ends_at says until when the membership
would count; null: without an end. has_account says whether to offer signing in or registering; null: offer both,
because a link that was revealed does not tell whether an address has an account. sign_in_provider, sign_in_domain and
sign_in_level say which way in the organisation asks for, as its sign-in rule has it; one_click says whether
functions/one-click takes this link. A link that is
spent shows the organisation only; one that is not ours, nothing. organisation_id is no secret: it, and never
the token, may stand in an address that passes through mail and Supabase Auth. Anyone may.';

COMMENT ON FUNCTION "usher"."access_review_for_change"(uuid) IS 'A review, for a caller with access_review.manage in its organisation. Fails with unauthenticated, access_review_not_found
(also for another tenant''s), permission_denied.';

COMMENT ON FUNCTION "usher"."acts_as_directory"() IS 'Whether the transaction acts as a directory: usher.open_directory has noted its token.';

COMMENT ON FUNCTION "usher"."addresses_of"(uuid, uuid) IS 'By which addresses a member, or a former one, is known: that of the account, and that of the membership.';

COMMENT ON FUNCTION "usher"."caller_membership"(uuid) IS 'The caller''s membership of an organisation at this moment, with the roles that count now; null for none. For a
directory, that of whoever answers for its token, or what they had while the token may go on without them.';

COMMENT ON FUNCTION "usher"."directory_endpoint_for_change"(uuid, text) IS 'An endpoint, locked until the end of the transaction. Fails with unauthenticated, directory_not_found (also
for another tenant''s), permission_denied.';

COMMENT ON FUNCTION "usher"."directory_giving_ends_at"(uuid, text, text[]) IS 'Until when the directory of an organisation may give these roles, as usher.giving_ends_at says of a member: by the best
of its tokens that work; -infinity when there is none.';

COMMENT ON FUNCTION "usher"."directory_membership"(uuid) IS 'What a directory acts with while its token goes on without whoever answered for it: their user id, and the roles that
they had; null for any other token.';

COMMENT ON FUNCTION "usher"."domain_word_ends_at"(public.organisation_domains) IS 'Until when a membership counts that somebody gets by a domain: no longer than the right of who answers for the rule.';

COMMENT ON FUNCTION "usher"."end_invite"(uuid, text, text, uuid) IS 'Revokes an invite that its caller has checked, with the event.';

COMMENT ON FUNCTION "usher"."enqueue_lost_right_mail"(text, uuid, uuid, text[], jsonb) IS 'Puts a mail into the outbox to every member with one of these permissions, about what hung on the right of somebody who lost it.';

COMMENT ON FUNCTION "usher"."follow_lost_rights"(integer) IS 'Revokes, with the reason inviter_lost_right, the pending invites of members who may not give them any more, and sends
one notice to those who may invite; tells those who keep the organisation which tokens of directories and which domains
need somebody to answer for them. For workers, every second.

Returns how many members it looked at; call again when it is as many as batch_size.';

COMMENT ON FUNCTION "usher"."follow_lost_rights_of"(uuid, uuid[], integer) IS 'What usher.follow_lost_rights does for these members of one organisation.';

COMMENT ON FUNCTION "usher"."giving_ends_at"(public.organisation_members, text, text[]) IS 'Until when a member of usher.current_members may give these roles by a permission such as invite.create, as the ends
of their membership and of their roles say: infinity without an end, -infinity when they may not now, and for nobody.
What somebody with an end gives ends no later.';

COMMENT ON FUNCTION "usher"."has_sanction"(uuid, text, text) IS 'Whether whoever had this normalised address was banned, or removed and has not come back since.';

COMMENT ON FUNCTION "usher"."invite_problem"(usher.invites) IS 'The error code of why an invite lets nobody in at this second, for its own state or its inviter''s; null when it does.';

COMMENT ON FUNCTION "usher"."invite_state_problem"(usher.invites) IS 'The error code of why an invite cannot be answered, as far as its own row tells; null when it can.';

COMMENT ON FUNCTION "usher"."inviter_right_ends_at"(usher.invites) IS 'Until when the word counts by which an invite lets in: infinity for one without an end; -infinity when it does not
count any more, because whoever sent it was removed, demoted, banned, or has left.';

COMMENT ON FUNCTION "usher"."is_banned"(uuid, uuid) IS 'Whether the address of an account is banned, whichever account it belonged to then.';

COMMENT ON FUNCTION "usher"."is_for_owners"(uuid, text[]) IS 'Whether these roles contain one that the owner alone may give, such as admin: it is among them, one of them inherits
it, or together they permit all that it permits.';

COMMENT ON FUNCTION "usher"."is_span"(interval, interval, interval) IS 'Whether a length of time is within these bounds, and none of its parts (months, days, time) is negative, so that it stays
within them when it is added to a date. Null for null.';

COMMENT ON FUNCTION "usher"."issue_again"(uuid, text, uuid) IS 'A new issue of an invite that its caller has checked: old links die, its time starts anew, a mail goes out. inviter_id:
by whose word from now on; null: as before.
Fails with already_invited when a newer invite of the address is open.';

COMMENT ON FUNCTION "usher"."join_request_for_change"(uuid, boolean) IS 'A pending request, locked, for a caller with invite.create; is_joining: with all that whoever asked relies on when they
join. Fails with unauthenticated, request_not_found (also for another tenant''s), permission_denied, request_not_open.';

COMMENT ON FUNCTION "usher"."judge_new_address"(public.organisation_members, text) IS 'Follows an account that takes another address: a ban holds for it, once it is proved; a device that takes one which the
organisation would not have let in is a member no more.';

COMMENT ON FUNCTION "usher"."lock_for_joining"(uuid, uuid, uuid) IS 'Locks, in the order of usher.lock_organisation, what every way of becoming a member relies on: the account, the
organisation (alone, where seats are counted), the address, the memberships of the joining and of the inviting one.

  user_id     who joins
  inviter_id  by whose word; null: by nobody''s in particular

Fails with unauthenticated when the account is gone, and with try_again.';

COMMENT ON FUNCTION "usher"."lock_members"(uuid, uuid[]) IS 'The third lock: memberships of these accounts, past ones too, in the order of their ids.';

COMMENT ON FUNCTION "usher"."lock_open_invites"(uuid, text) IS 'Locks what an address has open in an organisation, in the order of its ids.';

COMMENT ON FUNCTION "usher"."lock_organisation"(uuid, text) IS 'The first lock of every change, held until the end of its transaction, and never made stronger in it.

  lock  exists    what the worker notes down: it waits for nothing but the deletion of the organisation
        share     whatever happens in the organisation: many at once
        settings  what others rely on while they change something: settings, roles, rules, counts, the last seat
        delete    the organisation itself

After it, and in this order: the person (usher.lock_person), members by id, invites by id, whatever else. So two
changes wait for each other and never in a circle. Whoever has waited sees the world anew in its next statement.';

COMMENT ON FUNCTION "usher"."lock_person"(uuid, text) IS 'The second lock: one address in one organisation, whoever it belongs to now. A ban takes it, and every way of
joining, so that nobody comes in while they are being shut out.';

COMMENT ON FUNCTION "usher"."member_for_change"(uuid, uuid, text) IS 'The membership, locked until the end of the transaction, as is the caller''s own. Fails with unauthenticated,
organisation_not_found, permission_denied (also for a member who holds more than the caller),
member_not_found, owner_required.';

COMMENT ON FUNCTION "usher"."new_inviter"(usher.invites) IS 'By whose word an invite lets in that the caller sends again: null where it stays with who sent it, and the caller where
that one may not give its roles any more.';

COMMENT ON FUNCTION "usher"."note_lost_right"(uuid, uuid, text[], boolean) IS 'Notes somebody who has less, or more, than before. Parameters as of usher.stop_credentials.';

COMMENT ON FUNCTION "usher"."open_directory"(text, boolean) IS 'The organisation that a token opens; from here on, the transaction acts as whoever answers for the token, and the
trail calls it directory. With for_change, other changes in the organisation wait. Fails with directory_token_invalid,
and permission_denied when who answers for it has not directory.manage and member.read (any more).';

COMMENT ON FUNCTION "usher"."own_role_for_change"(uuid, text) IS 'An own role that the caller may manage as it is, and nobody else changes meanwhile; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."read_invite_token"(text) IS 'The invite behind a token, and why it cannot be answered any more (null: it can, if whoever sent it may still give it:
usher.invite_problem). For a token that is not
ours, problem is invite_invalid and there is no invite.';

COMMENT ON FUNCTION "usher"."reissue_invites"(uuid[]) IS 'The rule behind public.reissue_organisation_invites.';

COMMENT ON FUNCTION "usher"."require_free_seat"(uuid) IS 'Fails with seat_limit_reached when the organisation has as many active members as it may. Nobody else takes the
seat until the end of the transaction, if its caller came by usher.lock_for_joining.';

COMMENT ON FUNCTION "usher"."require_lasting_right"(uuid, text[]) IS 'Refuses with permission_denied unless the caller holds these permissions, and role.manage, without an end.';

COMMENT ON FUNCTION "usher"."require_no_owners_set"(public.organisation_members, text[], text[]) IS 'Refuses with role_not_assignable when somebody other than the owner gives roles that come to be what the owner alone gives.';

COMMENT ON FUNCTION "usher"."require_other_than_responsible"(uuid, text, uuid) IS 'Refuses with permission_denied when a directory gives something to the one who answered for its token, while that token
goes on without their right.';

COMMENT ON FUNCTION "usher"."require_owner_of_role"(uuid, text[]) IS 'Refuses with permission_denied unless these roles are within what others than the owner may give, or the caller is the owner.';

COMMENT ON FUNCTION "usher"."require_permission"(uuid, text, text, text) IS 'The guard: the first line of every rule, also of those that start from the id of a thing, which find its
organisation by it.

  organisation_id  where; null, too, for a thing that is not there
  permission       what the caller has to hold; null: any member may
  lock             of usher.lock_organisation, for a change; null: the caller only reads
  not_found        what a stranger is told, who cannot tell what is not there from what is somebody else''s:
                   organisation_not_found, or the word for the thing

Returns the caller''s membership. Fails with unauthenticated, not_found, sso_required, permission_denied (also for an
anonymous account that would change something).';

COMMENT ON FUNCTION "usher"."require_roles"(uuid, text[]) IS 'Fails unless all of these roles exist in the organisation at this moment (invalid_role) and may be held
together (role_not_assignable). Both stay so: whoever changes roles waits for the lock that its caller holds.';

COMMENT ON FUNCTION "usher"."revoke_invites_to"(uuid, text, text) IS 'Withdraws what an address has open in an organisation, for a reason that stands in the trail.';

COMMENT ON FUNCTION "usher"."role_ends_of_gift"(public.organisation_members, text, text[]) IS 'The ends, as in organisation_members.role_ends, of roles that a member gives: those whose right to give them has an end.';

COMMENT ON FUNCTION "usher"."roles_problem"(uuid, text[], text[]) IS 'Why a holder of assigner_roles may not give these roles: invalid_role (none, over 20, unknown here) or
role_not_assignable (not theirs to give, as usher.unassignable_role says, or not to be held together). Null when they
may.';

COMMENT ON FUNCTION "usher"."sanction_hash"(uuid, text) IS 'What a sanction keeps of a normalised address: another hash in each organisation, so that nobody can compare them.';

COMMENT ON FUNCTION "usher"."settle_open_invite"(public.organisation_members) IS 'Whoever has just become a member in another way holds the roles of their open invite as well, and it is accepted; one
that cannot be accepted any more is revoked. So no offer stays open to a member. Returns the membership.';

COMMENT ON FUNCTION "usher"."stop_credentials"(uuid, uuid, text[], boolean) IS 'Says when tokens of directories and joining by domain stop for which somebody answers who may not have them (any more);
or that they go on, when the right is theirs again.

  carried_roles  what a token goes on with until then: the roles that they had, those with an end of their own left out;
                 null: not known
  is_banned      it stops at once

Returns whether something stops now that did not before.';

COMMENT ON FUNCTION "usher"."take_over_credentials"(uuid[]) IS 'The rule behind public.take_over_organisation_credentials.';

COMMENT ON FUNCTION "usher"."template_for_change"(uuid, text) IS 'A template, locked, for a caller with organisation.update in its organisation; otherwise a refusal.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__keep_sanctions"() IS 'Keeps the hashes of addresses of banned and removed members, also of one that they take later and prove.';

COMMENT ON FUNCTION "usher"."tg_organisation_members__note_lost_rights"() IS 'Notes whoever has less, or more, than before, and says when what they answer for stops.';

COMMENT ON FUNCTION "usher"."tg_organisation_roles__note_lost_rights"() IS 'As for members, for all who hold an own role that permits something else than before.';

COMMENT ON FUNCTION "usher"."tg_users__end_memberships"() IS 'Deletes the memberships of an account that is being deleted; a ban stays, so that it holds and can be lifted.';

COMMENT ON FUNCTION "usher"."tg_users__follow_profile"() IS 'Copies address and name of an account to its memberships, but for those that were erased, and asks of the new address
what was asked of the old one.';

COMMENT ON FUNCTION "usher"."unassignable_role"(uuid, text[], text[]) IS 'The first of these roles that a holder of assigner_roles may not give; null when they may give all. A built-in role
is given by those in usher.role_assigners, and by holders of what inherits theirs; an own role by whoever holds all
that is in it, but by the owner alone where it contains, with the others, what the owner alone gives.';

COMMENT ON FUNCTION "usher"."webhook_for_change"(uuid, text) IS 'An endpoint, locked, for a caller with webhook.manage; otherwise a refusal. To delete it, lock is settings: nothing is
sent to it meanwhile.';

COMMENT ON TABLE "usher"."lost_rights" IS 'Whoever has less than before, for the worker to see what hung on it: one row a person and organisation.';

COMMENT ON TABLE "usher"."sanctions" IS 'Addresses of banned and removed members. No foreign key to the membership, which goes with the account.';

COMMENT ON VIEW "usher"."stuck" IS 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

REVOKE ALL ON FUNCTION "public"."reissue_organisation_invites"(uuid[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."reissue_organisation_invites"(uuid[]) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."take_over_organisation_credentials"(uuid[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."take_over_organisation_credentials"(uuid[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."access_review_for_change"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."acts_as_directory"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."addresses_of"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."caller_membership"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_endpoint_for_change"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_giving_ends_at"(uuid, text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."directory_membership"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."domain_word_ends_at"(public.organisation_domains) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_invite"(uuid, text, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."enqueue_lost_right_mail"(text, uuid, uuid, text[], jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."follow_lost_rights"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."follow_lost_rights"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."follow_lost_rights_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."giving_ends_at"(public.organisation_members, text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."has_sanction"(uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."invite_state_problem"(usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."inviter_right_ends_at"(usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_banned"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_for_owners"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_span"(interval, interval, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."issue_again"(uuid, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."join_request_for_change"(uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."judge_new_address"(public.organisation_members, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lock_for_joining"(uuid, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lock_members"(uuid, uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lock_open_invites"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lock_organisation"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."lock_person"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."new_inviter"(usher.invites) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."note_lost_right"(uuid, uuid, text[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."reissue_invites"(uuid[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."reissue_invites"(uuid[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."require_lasting_right"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_no_owners_set"(public.organisation_members, text[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_other_than_responsible"(uuid, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_owner_of_role"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_permission"(uuid, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."revoke_invites_to"(uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."role_ends_of_gift"(public.organisation_members, text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."sanction_hash"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."settle_open_invite"(public.organisation_members) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."stop_credentials"(uuid, uuid, text[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."take_over_credentials"(uuid[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."take_over_credentials"(uuid[]) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."template_for_change"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__keep_sanctions"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_members__note_lost_rights"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_organisation_roles__note_lost_rights"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tg_users__end_memberships"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."unassignable_role"(uuid, text[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."webhook_for_change"(uuid, text) FROM PUBLIC;

ALTER TABLE "public"."organisation_sign_in_rules" ADD CONSTRAINT "organisation_sign_in_rules_max_age" CHECK (usher.is_span(max_age, '00:01:00'::interval, '30 days'::interval));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_audit_retention" CHECK (usher.is_span(audit_retention, '30 days'::interval, '100 years'::interval));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_credential_grace" CHECK (usher.is_span(credential_grace, '00:00:00'::interval, '30 days'::interval));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_invite_ttl" CHECK (usher.is_span(invite_ttl, '01:00:00'::interval, '30 days'::interval));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_reminder_before" CHECK (usher.is_span(reminder_before, '01:00:00'::interval, '14 days'::interval));

ALTER TABLE "usher"."invites" ADD CONSTRAINT "invites_lifetime" CHECK (usher.is_span(lifetime, '01:00:00'::interval, '30 days'::interval));

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_allowances" CHECK (((mails_per_hour_to_recipient >= 1) AND (mails_per_hour_to_recipient <= 10000) AND (mails_per_hour_of_sender >= 50) AND (mails_per_hour_of_sender <= 1000000) AND usher.is_span(organisation_is_new_for, '00:00:00'::interval, '365 days'::interval) AND (new_mails_per_hour_to_recipient >= 1) AND (new_mails_per_hour_to_recipient <= 10000) AND (new_mails_per_hour_of_sender >= 50) AND (new_mails_per_hour_of_sender <= 1000000)));

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_bounds" CHECK (((length(site_url) <= 2000) AND (length(functions_url) <= 2000) AND (cardinality(redirect_origins) <= 100) AND (octet_length(array_to_string(redirect_origins, ''::text)) <= 30000) AND usher.is_span(resend_cooldown, '00:00:00'::interval, '30 days'::interval) AND (resends_per_day <= 10000) AND (invites_per_day <= 2000000000) AND usher.is_span(access_end_notice, '00:00:00'::interval, '1 year'::interval) AND (client_address_header ~ '^[a-z0-9-]{1,60}$'::text) AND (cardinality(trusted_proxies) <= 100) AND usher.is_span(webhook_failing_for, '01:00:00'::interval, '1 year'::interval) AND usher.is_span(webhook_answers_kept_for, '1 day'::interval, '10 years'::interval) AND (mails_per_minute_to_domain <= 1000000) AND (mails_per_minute_of_organisation <= 1000000)));

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_one_click" CHECK (((one_click = ANY (ARRAY['off'::text, 'new_addresses'::text])) AND usher.is_span(one_click_within, '00:01:00'::interval, '24:00:00'::interval)));

-- Bans and removals of today hold by their address as well.
INSERT INTO usher.sanctions (member_id, organisation_id, address_hash, status)
SELECT m.id, m.organisation_id, usher.sanction_hash(m.organisation_id, a.email), m.status
FROM public.organisation_members m
CROSS JOIN LATERAL usher.addresses_of(m.organisation_id, m.user_id) a (email)
WHERE m.status = 'banned' OR m.status = 'removed' AND NOT EXISTS (
  -- Somebody has let them in again since, with another account.
  SELECT FROM public.organisation_members n
  WHERE n.organisation_id = m.organisation_id AND n.email = a.email AND n.status = 'active')
ON CONFLICT DO NOTHING;

-- Nobody has been asked so far whether they may still have what they answer for: it goes on for as long as for anybody
-- who loses the right now, and those who can take it over are told.
SELECT usher.note_lost_right(c.organisation_id, c.responsible_id, null, false)
FROM (
  SELECT organisation_id, responsible_id FROM public.organisation_domains WHERE responsible_id IS NOT NULL
  UNION
  SELECT organisation_id, responsible_id FROM public.organisation_directory_tokens WHERE revoked_at IS NULL
) c;

-- Whoever has sent what they may not give any more is looked at once.
INSERT INTO usher.lost_rights (organisation_id, user_id)
SELECT DISTINCT i.organisation_id, i.invited_by FROM usher.invites i
WHERE i.status = 'pending' AND i.invited_by IS NOT NULL
ON CONFLICT DO NOTHING;
