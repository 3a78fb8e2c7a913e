-- The bulk answers one array, which no limit of the API on rows cuts; a row of anything costs itself only.

set local check_function_bodies = off;

DROP FUNCTION "public"."create_organisation_invites"(uuid, jsonb);

CREATE OR REPLACE FUNCTION public.create_organisation_invites(organisation_id uuid, invites jsonb)
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO ''
AS $function$ select coalesce(jsonb_agg(to_jsonb(r) order by r.row_number), '[]') from usher.create_invites($1, $2) r $function$;

REVOKE ALL ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) FROM "anon";

REVOKE ALL ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) FROM "service_role";

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
      coalesce(a.address, d.item ->> 'email') as email,
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
      select g.given_roles, case
        when jsonb_typeof(g.given_roles) = 'array' and not g.given_roles @? 'strict $[*] ? (@.type() <> "string")'
        then usher.clean_roles(array(select jsonb_array_elements_text(g.given_roles))) end as roles
      from (select distinct d.given_roles from draft d) g
    ) c
  ),
  judged as (
    select d.*, t.id as checked_template_id, r.roles, p.invite_id as open_invite_id,
      case
        when d.address is null then 'invalid_email'
        when r.problem is not null then r.problem
        when d.lifetime is null or jsonb_typeof(d.item -> 'expires_in') not in ('string', 'null')
          then 'invalid_expiry'
        when d.given_end is not null
          and coalesce(d.membership_ends_at <= now() + interval '1 hour', true) then 'invalid_expiry'
        when d.given_message is not null and d.message is null
          or jsonb_typeof(d.item -> 'message') not in ('string', 'null') then 'invalid_message'
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
        case when coalesce(r.problem, 'already_invited') = 'already_invited'
          then coalesce(r.open_invite_id, nullif(r.first_id, r.id))::text end)::public.organisation_invite_result
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
  when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
    return null;
end
$function$;

COMMENT ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) IS 'Invites up to 10,000 addresses in one call; good rows are not lost to bad ones.

  invites  an array of objects with the parameters of create_organisation_invite: email and roles, and
           where wanted expires_in, message, locale, redirect_to, metadata, template_id, membership_ends_at

Returns one array with an object for each row given, in order: row_number (from 1), email, status (created or
failed), invite_id, error_code, error_details (for already_invited: the id of the invite in the way). A row that is
no object, or holds what is not of its kind, fails by itself. Needs invite.create. Fails as a whole with
unauthenticated, organisation_not_found, permission_denied, batch_too_large, seat_limit_reached, invalid_settings,
rate_limited. Text with NUL (U+0000) or half of a surrogate pair is no JSON to Postgres, which refuses the whole call
before it reaches this function (22P05, 22P02): leave such rows out.';

REVOKE ALL ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."create_organisation_invites"(uuid, jsonb) TO "authenticated";
