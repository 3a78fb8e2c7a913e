-- What callers send is measured before it is worked on, and names, messages, slugs and links in mails are what they seem.

set local check_function_bodies = off;

DROP FUNCTION "usher"."clean_name"(jsonb);

CREATE OR REPLACE FUNCTION usher.accept_my_invite(invite_id uuid)
 RETURNS public.organisation_members
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  join auth.users u on u.id = auth.uid() and i.email = usher.normalise_email(u.email)
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_invite usher.invites := accept_open_invite.invite;
  v_user   record;
  v_member public.organisation_members;
begin
  select u.id, usher.normalise_email(u.email) as email, u.email_confirmed_at
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

CREATE OR REPLACE FUNCTION usher.call_statement(function_name text, arguments jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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

  -- What is not of its kind is refused in words, and before the call: an error within it is another thing.
  begin
    execute format('select from jsonb_to_record($1) a(%s)', v_columns) using call_statement.arguments;
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'An argument is not of its kind: ' || sqlerrm);
  end;

  return format(
    'select %s from jsonb_to_record($1) a(%s) cross join lateral public.%I(%s) f',
    case when v_function.proretset then $sql$coalesce(jsonb_agg(to_jsonb(f)), '[]')$sql$ else 'to_jsonb(f)' end,
    v_columns, v_function.proname, v_list);
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_description(value text, max_length integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_text text := usher.clean_text(clean_description.value, clean_description.max_length);
begin
  return case when v_text = '' or usher.clean_name(
    translate(v_text, e'\n\t', '  '), clean_description.max_length, may_link => true) is not null then v_text end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_line(value text, max_length integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_line text;
begin
  -- Measured before anything else is done with it: blanks around it go, and four characters may become one.
  if length(clean_line.value) > 4 * clean_line.max_length then
    return null;
  end if;
  v_line := usher.nfc(btrim(clean_line.value));
  return case
    when v_line !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]'
      and length(v_line) between 1 and clean_line.max_length
    then v_line
  end;
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
      -- Fillers, the blank of Braille and marks are letters and symbols to Unicode, and by themselves nothing to the eye.
      and regexp_replace(v_name,
        '[\u0300-\u036f\u1160\u115f\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2800\u3164\ufe00-\ufe0f\ufe20-\ufe2f\uffa0\U00016fe4\U0001d159\U000e0000-\U000e0fff]',
        '', 'g') ~ ('[[:graph:]]' collate "und-x-icu")
      and (clean_name.may_link or not exists (select from usher.find_links(v_name)))
    then v_name
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_roles(roles text[])
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Twice as many as there can be permissions, and longer than any of them is called.
  if cardinality(clean_roles.roles) > 1000
    or exists (select from unnest(clean_roles.roles) r where length(r) > 200)
  then
    return null;
  end if;
  return array(select distinct btrim(r) from unnest(clean_roles.roles) r order by 1);
end
$function$;

CREATE OR REPLACE FUNCTION usher.clean_text(value text, max_length integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_text text;
begin
  -- As in usher.clean_line.
  if length(clean_text.value) > 4 * clean_text.max_length then
    return null;
  end if;
  v_text := usher.nfc(btrim(replace(clean_text.value, e'\r\n', e'\n'), e' \t\n'));
  return case
    when v_text !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]'
      and length(v_text) <= clean_text.max_length
    then v_text
  end;
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
    usher.require_permission(create_device_invite.organisation_id, 'invite.create');
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
    usher.require_permission(create_directory_endpoint.organisation_id, 'directory.manage');
  v_name     text := usher.clean_name(create_directory_endpoint.name);
  v_url      text := usher.directory_url(create_directory_endpoint.url);
  v_endpoint public.organisation_directory_endpoints;
begin
  if v_name is null or v_url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_url is null then usher.target_problem(btrim(create_directory_endpoint.url)) end,
        'Give a name of one line without addresses and links, and the https address that the application calls its SCIM base URL.'));
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_directory_token.organisation_id, 'directory.manage');
  v_name   text := usher.clean_name(create_directory_token.name);
  v_secret text := 'scim_' || translate(
    encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || e'\n', '-_');
  v_token  public.organisation_directory_tokens;
begin
  if v_name is null then
    perform usher.fail('invalid_settings', 
      hint => 'A name is one line of 1 to 100 characters that can be seen, without addresses and links.');
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
 SET search_path TO 'pg_catalog', 'pg_temp'
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
      usher.roles_problem(create_invites.organisation_id, c.roles, v_member.roles) as problem
    from (
      select g.given_roles, case
        when jsonb_typeof(g.given_roles) <> 'array' or not g.given_roles @? 'strict $ ? (@.size() <= 1000)' then null
        when not g.given_roles @? 'strict $[*] ? (@.type() <> "string")' then usher.clean_roles(array(select jsonb_array_elements_text(g.given_roles))) end as roles
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
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;
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

CREATE OR REPLACE FUNCTION usher.create_permission(name text, description text, roles text[] DEFAULT '{}'::text[])
 RETURNS usher.permissions
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_permission usher.permissions;
begin
  if length(create_permission.name) > 100 or create_permission.name !~ '^[a-z][a-z_]*\.[a-z][a-z_]*$' or create_permission.name is null then
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

  v_role.id := gen_random_uuid();
  v_role.organisation_id := create_role.organisation_id;
  v_role.name := create_role.name;
  v_role.description := usher.clean_description(coalesce(create_role.description, ''), 500);
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_roles     text[] := usher.clean_roles(create_role_exclusion.roles);
  v_exclusion public.organisation_role_exclusions;
begin
  perform usher.require_permission(create_role_exclusion.organisation_id, 'role.manage');
  -- Nobody joins or is given roles between this check and the end: joining locks the same row, shared.
  perform from public.organisations o where o.id = create_role_exclusion.organisation_id for update;

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
  v_request public.organisation_join_requests := usher.join_request_for_change(decline_join_request.request_id);
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

CREATE OR REPLACE FUNCTION usher.display_name(user_metadata jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_key  text;
  v_name text;
begin
  foreach v_key in array array['display_name', 'full_name', 'name'] loop
    if jsonb_typeof(display_name.user_metadata -> v_key) = 'string' then
      v_name := usher.clean_name(display_name.user_metadata ->> v_key);
      exit when v_name is not null;
    end if;
  end loop;
  return v_name;
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
    ('rate_limited',            429, 'Too many requests.',
      'Wait as long as Retry-After says.')
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
  select e.* into strict v_error from usher.errors() e where e.code = fail.code;

  raise sqlstate 'PGRST' using
    message = json_build_object(
      'code', fail.code, 'message', v_error.message, 'details', left(fail.details, 2000),
      -- A hint may repeat what was sent, and that may be of any length.
      'hint', left(coalesce(fail.hint, v_error.hint), 1000)),
    detail = json_build_object('status', v_error.status, 'headers', fail.headers);
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
  v_token  text;
  v_labels text[];
  -- With a scheme, whichever; an address; www.
  v_plain  constant text :=
    '((?:[a-z][a-z0-9+-]*:[/\\]{2}|(?:h..ps?|ftp|mailto|javascript):[^\s])[^\s]*'
    '|[^\s@<>"(),;:]+@(?:[^\s@.]+\.)+[^\s@.,;:!?<>")]+|[^\s@<>"(),;:]+@\[[^\s]*'
    '|\mwww\d?\.[^\s]+)';
begin
  -- Most text holds none of the signs that make a link, nor of those that look like them.
  if v_text is null or v_text !~* '[.@:]|dot|[^\u0001-\u007f]' then
    return;
  elsif usher.is_heaped(v_text) then
    return next left(v_text, 30);
    return;
  end if;
  -- As a browser reads it: full-width signs as their narrow ones, and what cannot be seen not at all.
  v_text := lower(regexp_replace(normalize(v_text, nfkc),
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]',
    '', 'g') collate "und-x-icu");
  -- A full stop of Chinese ends a sentence, and before Latin letters it is the dot of a domain.
  v_text := regexp_replace(v_text, '\u3002(?=[a-z0-9])', '.', 'g');
  -- What is to be typed by hand, so that no program sees it.
  v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:\.|dot)\s*[\])}]\s*', '.', 'g');
  v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:@|at)\s*[\])}]\s*', '@', 'g');

  return query select m.found [1] from regexp_matches(v_text, v_plain, 'g') m (found);
  v_text := regexp_replace(v_text, v_plain, ' ', 'g');

  -- By itself, and mail programs make a link of it: an IPv4 address, or a label that is followed by a top level domain.
  for v_token in
    select distinct m.found [1]
    from regexp_matches(v_text,
      '((?:(?:[^[:space:][:punct:]]|[_-])+\.)+(?:[^[:space:][:punct:]]|-)+)' collate "und-x-icu", 'g') m (found)
  loop
    -- What firms are called by law: Müller GmbH & Co.KG.
    continue when v_token in ('co.kg', 'co.ltd', 'pty.ltd', 'pvt.ltd');
    v_labels := string_to_array(v_token, '.');
    if v_token ~ '^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$' or exists (
      select from unnest(v_labels [2:]) l
      where l = any (usher.top_level_domains()) or l like 'xn--%')
    then
      return next v_token;
    end if;
  end loop;
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
  while not usher.is_slug(v_slug) or usher.is_reserved_slug(v_slug) or exists (select from public.organisations o where o.slug = v_slug) loop
    v_slug := concat_ws('-', nullif(v_base, ''), encode(extensions.gen_random_bytes(3), 'hex'));
  end loop;
  return v_slug;
end
$function$;

CREATE OR REPLACE FUNCTION usher.has_identity(user_id uuid, provider text, email text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return to_regclass('auth.identities') is not null and exists (
    select from auth.identities d
    where d.user_id = has_identity.user_id
      and d.provider = has_identity.provider
      and usher.normalise_email(d.email) = has_identity.email);
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
  return case when v_lifetime between interval '1 hour' and interval '30 days' then v_lifetime end;
exception
  when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
    return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_heaped(value text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Marks have no class of their own here: what is no letter, digit, blank, punctuation or picture. The two at the
  -- end are letters, and become marks in NFKC.
  return is_heaped.value ~ (
    '(?:[^[:alnum:][:space:][:punct:]\u0001-\u02ff\u2190-\u2bff\U0001f000-\U0001ffff]|[\uff9e\uff9f]){31}'
    collate "und-x-icu");
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_locale(locale text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select length($1) <= 35 and $1 ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$' $function$;

CREATE OR REPLACE FUNCTION usher.is_redirect(redirect_to text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(
    -- A path of the pages themselves: one slash, then none and no backslash, which browsers take for one.
    case when length(is_redirect.redirect_to) <= 2000 then is_redirect.redirect_to ~ '^/([!-.0-\[\]-~][!-\[\]-~]*)?$' end
    or usher.url_origin(is_redirect.redirect_to) in (
      select usher.url_origin(s.site_url) from usher.settings s
      union all
      select lower(o) from usher.settings s, unnest(s.redirect_origins) o),
    false)
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
    'abuse', 'hostmaster', 'info', 'noc', 'no-reply', 'noreply', 'postmaster', 'webmaster')
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_users.token, list_directory_users.for_change);
begin
  -- Nobody has such a name, and it would be compared with that of everyone.
  if greatest(length(list_directory_users.user_name), length(list_directory_users.external_id),
    length(list_directory_users.email)) > 254
  then
    return;
  end if;
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

CREATE OR REPLACE FUNCTION usher.list_invites(organisation_id uuid, status text DEFAULT NULL::text, search text DEFAULT NULL::text, cursor uuid DEFAULT NULL::uuid, page_size integer DEFAULT 50)
 RETURNS SETOF public.organisation_invites
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  -- It is looked for in every invite.
  if length(list_invites.search) > 254 then
    perform usher.fail('invalid_settings', hint => 'search is at most 254 characters.');
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
    and i.status = 'pending' and usher.invite_status(i.status, i.expires_at) = 'pending'
  order by i.created_at desc, i.id desc
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
        and i.status = 'pending' and usher.invite_status(i.status, i.expires_at) = 'pending')
    or exists (
      select from public.organisation_domains d
      where d.domain = usher.email_domain(usher.normalise_email(may_sign_up.email))
        and d.verified_at is not null and d.join_policy <> 'none')
    or case when length(may_sign_up.user_metadata ->> 'device_code') <= 20 then exists (
      select from usher.signing_keys k
      join usher.device_codes d on d.key_id = k.id
        and d.hash = usher.device_code_hash(may_sign_up.user_metadata ->> 'device_code', k.id)
      join usher.invites i on i.id = d.invite_id
      where usher.invite_status(i.status, i.expires_at) = 'pending')
    else false end
$function$;

CREATE OR REPLACE FUNCTION usher.may_take_answers(organisation_id uuid, email text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (
      select from usher.current_members m
      where m.organisation_id = may_take_answers.organisation_id and m.email = may_take_answers.email
        and usher.has_proven_address(m.user_id))
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = may_take_answers.organisation_id and d.verified_at is not null
        and d.domain = usher.email_domain(may_take_answers.email));
end
$function$;

CREATE OR REPLACE FUNCTION usher.nfc(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if nfc.value is nfc normalized then
    return nfc.value;
  elsif usher.is_heaped(nfc.value) then
    return null;
  end if;
  return normalize(nfc.value, nfc);
end
$function$;

CREATE OR REPLACE FUNCTION usher.normalise_email(email text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_address text;
begin
  -- Measured before anything else is done with it: blanks around it go, and of two characters may become one.
  if length(normalise_email.email) > 1016 then
    return null;
  end if;
  v_address := lower(
    usher.nfc(regexp_replace(normalise_email.email, '^[\s\u00a0\u200b\ufeff]+|[\s\u00a0\u200b\ufeff]+$', '', 'g'))
    collate "und-x-icu");
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

CREATE OR REPLACE FUNCTION usher.open_directory(token text, for_change boolean)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_token public.organisation_directory_tokens;
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
    -- Judged at this moment: the member may have left since, or the domain been lost.
    'reply_to', case when usher.may_take_answers(v_organisation.id, v_organisation.reply_to)
      then v_organisation.reply_to end,
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
  return read_time.value::timestamptz;
exception
  when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
    return null;
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
    perform usher.fail('invalid_settings', hint => 'description is one line of at most 200 characters that can be seen.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.revoke_permission(organisation_id uuid, role text, permission text)
 RETURNS public.organisation_roles
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select usher.update_role($1, $2, null,
    -- What no permission can be called is refused as one that there is not.
    case when length($3) > 100 then array[$3] else array_remove(r.granted_permissions, $3) end, null)
  from usher.own_role_for_change($1, $2) r
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
    perform usher.fail('invalid_settings', hint => 'A displayName is one line of 1 to 200 characters that can be seen.');
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

CREATE OR REPLACE FUNCTION usher.start_access_review(organisation_id uuid, title text, due_at timestamp with time zone)
 RETURNS public.organisation_access_reviews
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(start_access_review.organisation_id, 'access_review.manage');
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

CREATE OR REPLACE FUNCTION usher.take_idempotency_key(idempotency_key text, request_hash bytea)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_kept usher.idempotency_keys;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  elsif coalesce(length(take_idempotency_key.idempotency_key), 0) not between 16 and 255
    or take_idempotency_key.idempotency_key !~ '^[!-~]+$'
  then
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

CREATE OR REPLACE FUNCTION usher.target_problem(url text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_parts      text[];
  v_host       text;
  v_is_private boolean;
begin
  -- Measured before it is read.
  if length(target_problem.url) <= 2000 then
    v_parts := regexp_match(target_problem.url,
      '^(https?)://(\[[0-9a-f:.]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?)(?::\d{1,5})?(?:[/?][!-~]*)?$', 'i');
    v_host := lower(rtrim(v_parts[2], '.'));
  end if;
  if v_parts is null or target_problem.url ~ '[\\#]' then
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

CREATE OR REPLACE FUNCTION usher.template_for_mail(kind text, organisation_id uuid, locale text, template_id uuid)
 RETURNS public.organisation_email_templates
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select t
  from public.organisation_email_templates t
  where t.organisation_id = $2 and t.kind = $1
    and (t.id = $4 or t.is_default and t.locale in ($3, split_part($3, '-', 1)))
    -- Older than the rule, or the project has taken an origin back: better the built-in words.
    and not coalesce(usher.template_leads_astray(t.body), false)
  order by t.id is not distinct from $4 desc, length(t.locale) desc
  limit 1
$function$;

CREATE OR REPLACE FUNCTION usher.template_leads_astray(body text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (
    select from regexp_matches(template_leads_astray.body, '\]\(([^\s()]*)\)', 'g') m (found)
    where not usher.is_redirect(m.found [1]));
end
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
  v_link    text;
begin
  if v_allowed is null then
    return format('There is no mail of the kind %L.', left(template_problem.kind, 100));
  end if;
  if not coalesce(usher.is_locale(template_problem.template ->> 'locale'), false) then
    return 'locale is a language such as de or de-AT.';
  end if;
  if usher.clean_name(template_problem.template ->> 'name') is null then
    return 'name is one line of 1 to 100 characters that can be seen, without addresses and links.';
  end if;

  for v_part in
    select p.name, template_problem.template ->> p.name as value,
      case p.name when 'body' then usher.clean_text(template_problem.template ->> p.name, 5000)
        else usher.clean_name(template_problem.template ->> p.name, p.max_length, may_link => true) end as clean
    from (values ('subject', 200), ('heading', 200), ('body', 5000), ('button', 60)) p (name, max_length)
  loop
    continue when v_part.value is null;
    if coalesce(v_part.clean, '') = '' then
      return format('%s is %s that can be seen, without control characters, or null.', v_part.name,
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
    -- A link must lead where whoever saved it saw it lead.
    if v_part.name = 'body' then
      if v_part.clean ~ '\]\((?!https://[^\s{}()]+\))' then
        return 'body: a link is [words](https://…), to an https address without spaces, brackets or placeholders.';
      elsif usher.template_leads_astray(v_part.clean) then
        return 'body: a link leads to the origin of the project''s pages, or to one of its redirect_origins.';
      end if;
    end if;
    -- Mail programs make links of these as well; whatever fills a placeholder may be the end of one. An address that
    -- answers may go to anyway may stand here, too.
    select l into v_link
    from usher.find_links(regexp_replace(regexp_replace(replace(v_part.clean, '}}{{', '}}.{{'),
      '\]\([^\s()]*\)', ' ', 'g'), '\{\{[^{}]*\}\}', 'com', 'g')) l
    where not usher.may_take_answers((template_problem.template ->> 'organisation_id')::uuid,
      usher.normalise_email(l))
    limit 1;
    if found then
      return format('%s: %L would be a link. One to an allowed origin is [words](https://…), in the body alone; an '
        'address is that of a member, or of a verified domain.', v_part.name, left(v_link, 100));
    end if;
  end loop;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION usher.top_level_domains()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select string_to_array(btrim(regexp_replace('
    aaa aarp abb abbott abbvie abc able abogado abudhabi ac academy accenture accountant accountants aco actor ad
    ads adult ae aeg aero aetna af afl africa ag agakhan agency ai aig airbus airforce airtel akdn al alibaba alipay
    allfinanz allstate ally alsace alstom am amazon americanexpress americanfamily amex amfam amica amsterdam
    analytics android anquan anz ao aol apartments app apple aq aquarelle ar arab aramco archi army arpa art arte as
    asda asia associates at athleta attorney au auction audi audible audio auspost author auto autos aw aws ax axa
    az azure ba baby baidu banamex band bank bar barcelona barclaycard barclays barefoot bargains baseball
    basketball bauhaus bayern bb bbc bbt bbva bcg bcn bd be beats beauty beer berlin best bestbuy bet bf bg bh
    bharti bi bible bid bike bing bingo bio biz bj black blackfriday blockbuster blog bloomberg blue bm bms bmw bn
    bnpparibas bo boats boehringer bofa bom bond boo book booking bosch bostik boston bot boutique box br bradesco
    bridgestone broadway broker brother brussels bs bt build builders business buy buzz bv bw by bz bzh ca cab cafe
    cal call calvinklein cam camera camp canon capetown capital capitalone car caravan cards care career careers
    cars casa case cash casino cat catering catholic cba cbn cbre cc cd center ceo cern cf cfa cfd cg ch chanel
    channel charity chase chat cheap chintai christmas chrome church ci cipriani circle cisco citadel citi citic
    city ck cl claims cleaning click clinic clinique clothing cloud club clubmed cm cn co coach codes coffee college
    cologne com commbank community company compare computer comsec condos construction consulting contact
    contractors cooking cool coop corsica country coupon coupons courses cpa cr credit creditcard creditunion
    cricket crown crs cruise cruises cu cuisinella cv cw cx cy cymru cyou cz dad dance data date dating datsun day
    dclk dds de deal dealer deals degree delivery dell deloitte delta democrat dental dentist desi design dev dhl
    diamonds diet digital direct directory discount discover dish diy dj dk dm dnp do docs doctor dog domains dot
    download drive dtv dubai dupont durban dvag dvr dz earth eat ec eco edeka edu education ee eg email emerck
    energy engineer engineering enterprises epson equipment er ericsson erni es esq estate et eu eurovision eus
    events exchange expert exposed express extraspace fage fail fairwinds faith family fan fans farm farmers fashion
    fast fedex feedback ferrari ferrero fi fidelity fido film final finance financial fire firestone firmdale fish
    fishing fit fitness fj fk flickr flights flir florist flowers fly fm fo foo food football ford forex forsale
    forum foundation fox fr free fresenius frl frogans frontier ftr fujitsu fun fund furniture futbol fyi ga gal
    gallery gallo gallup game games gap garden gay gb gbiz gd gdn ge gea gent genting george gf gg ggee gh gi gift
    gifts gives giving gl glass gle global globo gm gmail gmbh gmo gmx gn godaddy gold goldpoint golf goo goodyear
    goog google gop got gov gp gq gr grainger graphics gratis green gripe grocery group gs gt gu gucci guge guide
    guitars guru gw gy hair hamburg hangout haus hbo hdfc hdfcbank health healthcare help helsinki here hermes
    hiphop hisamitsu hitachi hiv hk hkt hm hn hockey holdings holiday homedepot homegoods homes homesense honda
    horse hospital host hosting hot hotels hotmail house how hr hsbc ht hu hughes hyatt hyundai ibm icbc ice icu id
    ie ieee ifm ikano il im imamat imdb immo immobilien in inc industries infiniti info ing ink institute insurance
    insure int international intuit investments io ipiranga iq ir irish is ismaili ist istanbul it itau itv jaguar
    java jcb je jeep jetzt jewelry jio jll jm jmp jnj jo jobs joburg jot joy jp jpmorgan jprs juegos juniper kaufen
    kddi ke kerryhotels kerryproperties kfh kg kh ki kia kids kim kindle kitchen kiwi km kn koeln komatsu kosher kp
    kpmg kpn kr krd kred kuokgroup kw ky kyoto kz la lacaixa lamborghini lamer land landrover lanxess lasalle lat
    latino latrobe law lawyer lb lc lds lease leclerc lefrak legal lego lexus lgbt li lidl life lifeinsurance
    lifestyle lighting like lilly limited limo lincoln link live living lk llc llp loan loans locker locus lol
    london lotte lotto love lpl lplfinancial lr ls lt ltd ltda lu lundbeck luxe luxury lv ly ma madrid maif maison
    makeup man management mango map market marketing markets marriott marshalls mattel mba mc mckinsey md me med
    media meet melbourne meme memorial men menu merckmsd mg mh miami microsoft mil mini mint mit mitsubishi mk ml
    mlb mls mm mma mn mo mobi mobile moda moe moi mom monash money monster mormon mortgage moscow moto motorcycles
    mov movie mp mq mr ms msd mt mtn mtr mu museum music mv mw mx my mz na nab nagoya name navy nba nc ne nec net
    netbank netflix network neustar new news next nextdirect nexus nf nfl ng ngo nhk ni nico nike nikon ninja nissan
    nissay nl no nokia norton now nowruz nowtv np nr nra nrw ntt nu nyc nz obi observer office okinawa olayan
    olayangroup ollo om omega one ong onl online ooo open oracle orange org organic origins osaka otsuka ott ovh pa
    page panasonic paris pars partners parts party pay pccw pe pet pf pfizer pg ph pharmacy phd philips phone photo
    photography photos physio pics pictet pictures pid pin ping pink pioneer pizza pk pl place play playstation
    plumbing plus pm pn pnc pohl poker politie porn post pr praxi press prime pro prod productions prof progressive
    promo properties property protection pru prudential ps pt pub pw pwc py qa qpon quebec quest racing radio re
    read realestate realtor realty recipes red redumbrella rehab reise reisen reit reliance ren rent rentals repair
    report republican rest restaurant review reviews rexroth rich richardli ricoh ril rio rip ro rocks rodeo rogers
    room rs rsvp ru rugby ruhr run rw rwe ryukyu sa saarland safe safety sakura sale salon samsclub samsung sandvik
    sandvikcoromant sanofi sap sarl sas save saxo sb sbi sbs sc scb schaeffler schmidt scholarships school schule
    schwarz science scot sd se search seat secure security seek select sener services seven sew sex sexy sfr sg sh
    shangrila sharp shell shia shiksha shoes shop shopping shouji show si silk sina singles site sj sk ski skin sky
    skype sl sling sm smart smile sn sncf so soccer social softbank software sohu solar solutions song sony soy spa
    space sport spot sr srl ss st stada staples star statebank statefarm stc stcgroup stockholm storage store stream
    studio study style su sucks supplies supply support surf surgery suzuki sv swatch swiss sx sy sydney systems sz
    tab taipei talk taobao target tatamotors tatar tattoo tax taxi tc tci td tdk team tech technology tel temasek
    tennis teva tf tg th thd theater theatre tiaa tickets tienda tips tires tirol tj tjmaxx tjx tk tkmaxx tl tm
    tmall tn to today tokyo tools top toray toshiba total tours town toyota toys tr trade trading training travel
    travelers travelersinsurance trust trv tt tube tui tunes tushu tv tvs tw tz ua ubank ubs ug uk unicom university
    uno uol ups us uy uz va vacations vana vanguard vc ve vegas ventures verisign versicherung vet vg vi viajes
    video vig viking villas vin vip virgin visa vision viva vivo vlaanderen vn vodka volvo vote voting voto voyage
    vu wales walmart walter wang wanggou watch watches weather weatherchannel webcam weber website wed wedding weibo
    weir wf whoswho wien wiki williamhill win windows wine winners wme wolterskluwer woodside work works world wow
    ws wtc wtf xbox xerox xihuan xin xxx xyz yachts yahoo yamaxun yandex ye yodobashi yoga yokohama you youtube yt
    yun za zappos zara zero zip zm zone zuerich zw
    vermögensberater vermögensberatung ελ ευ бг бел дети ею католик ком мкд мон москва онлайн орг рус рф сайт срб
    укр қаз հայ ישראל קום ابوظبي ارامكو الاردن البحرين الجزائر السعودية العليان المغرب امارات ایران بارت بازار بيتك
    بھارت تونس سودان سورية شبكة عراق عرب عمان فلسطين قطر كاثوليك كوم مصر مليسيا موريتانيا موقع همراه پاکستان ڀارت
    कॉम नेट भारत भारतम् भारोत संगठन বাংলা ভারত ভাৰত ਭਾਰਤ ભારત ଭାରତ இந்தியா இலங்கை சிங்கப்பூர் భారత్ ಭಾರತ ഭാരതം ලංකා
    คอม ไทย ລາວ გე みんな アマゾン クラウド グーグル コム ストア セール ファッション ポイント 世界 中信 中国 中國 中文网 亚马逊 企业 佛山 信息 健康 八卦 公司 公益 台湾 台灣 商城 商店 商标
    嘉里 嘉里大酒店 在线 大拿 天主教 娱乐 家電 广东 微博 慈善 我爱你 手机 招聘 政务 政府 新加坡 新闻 时尚 書籍 机构 淡马锡 游戏 澳門 点看 移动 组织机构 网址 网店 网站 网络 联通 谷歌 购物 通販
    集团 電訊盈科 飞利浦 食品 餐厅 香格里拉 香港 닷넷 닷컴 삼성 한국
  ', '\s+', ' ', 'g')), ' ')
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
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  if length(v_after.accent_colour) > 7 or cardinality(v_after.allowed_email_domains) > 500 then
    perform usher.fail('invalid_settings',
      hint => 'accent_colour is #rrggbb, and allowed_email_domains a list of at most 500.');
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
  elsif v_after.invite_ttl is null or v_after.invite_ttl not between interval '1 hour' and interval '30 days' then
    perform usher.fail('invalid_expiry');
  elsif v_after.logo_url is not null and usher.url_origin(v_after.logo_url) is null
    or v_after.accent_colour !~ '^#[0-9a-f]{6}$'
    or v_after.locale is null or not usher.is_locale(v_after.locale)
    or v_after.seat_limit < 1
    or v_after.self_service_resend is null or v_after.expiry_mail is null or v_after.track_opens is null
    or v_after.reminder_before not between interval '1 hour' and interval '14 days'
    or v_after.audit_retention not between interval '30 days' and interval '100 years'
    or exists (
      select from unnest(v_after.allowed_email_domains) d
      where usher.normalise_email('a@' || d) is null)
  then
    perform usher.fail('invalid_settings', hint => 'logo_url is an https address, accent_colour #rrggbb, '
      'locale such as de-AT, seat_limit 1 or more, allowed_email_domains a list of domains, '
      'reminder_before 1 hour to 14 days, audit_retention 30 days to 100 years.');
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

CREATE OR REPLACE FUNCTION usher.update_role(organisation_id uuid, role text, description text, permissions text[], inherits text[])
 RETURNS public.organisation_roles
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_role   public.organisation_roles := usher.own_role_for_change(update_role.organisation_id, update_role.role);
  v_before jsonb := usher.role_facts(v_role);
begin
  if usher.clean_description(coalesce(update_role.description, ''), 500) is null then
    perform usher.fail('invalid_role', hint => 'A description is plain text of at most 500 characters.');
  elsif usher.clean_roles(coalesce(update_role.permissions, '{}')) is null
    or usher.clean_roles(coalesce(update_role.inherits, '{}')) is null
  then
    perform usher.fail('invalid_role', hint => 'Give permissions and roles by their names, at most 1,000.');
  end if;
  v_role.description := coalesce(usher.clean_description(update_role.description, 500), v_role.description);
  v_role.granted_permissions := usher.clean_roles(coalesce(update_role.permissions, v_role.granted_permissions));
  v_role.inherits := usher.clean_roles(coalesce(update_role.inherits, v_role.inherits));
  perform usher.require_manageable(v_role.organisation_id, v_role.granted_permissions);
  return usher.save_own_role(v_role, 'role.updated', v_before);
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

CREATE OR REPLACE FUNCTION usher.update_webhook(webhook_id uuid, changes jsonb)
 RETURNS public.organisation_webhooks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  perform usher.require_webhook(v_after.url, v_after.events, v_after.description);
  if v_after.is_enabled is null then
    perform usher.fail('invalid_settings', hint => 'is_enabled is true or false.');
  end if;

  update public.organisation_webhooks w
  set url = v_after.url, events = usher.clean_events(v_after.events), is_enabled = v_after.is_enabled,
    description = coalesce(usher.clean_name(v_after.description, 200, may_link => true), ''),
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

CREATE OR REPLACE FUNCTION usher.url_origin(url text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case when length($1) <= 2000 then (
    select lower((regexp_match(
      $1, '^(https://[a-z0-9.-]+(?::\d{1,5})?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?)(?:[/?#][!-~]*)?$',
      'i'))[1])
    where $1 !~ '[\\<>"`]') end
$function$;

CREATE OR REPLACE FUNCTION usher.verify_stop_token(token text)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_bytes  bytea;
  v_secret bytea;
  v_blind  bytea := extensions.gen_random_bytes(32);
begin
  if verify_stop_token.token is null or length(verify_stop_token.token) <> 72
    or verify_stop_token.token !~ '^stp_[A-Za-z0-9_-]+$'
  then
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

COMMENT ON FUNCTION "public"."create_organisation"(text, text) IS 'Creates an organisation; the caller becomes its owner.

  name  one line, 1 to 100 characters, without addresses and links
  slug  2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www; without it, one is
        made of the name

Returns the organisation. Anyone signed in may. Fails with unauthenticated, invalid_settings,
invalid_slug, slug_taken.';

COMMENT ON FUNCTION "public"."create_organisation_device_invite"(uuid, text, text[], interval) IS 'Invites a device: makes a short code for it, to be read out and typed in.

  device_name  what people call it: one line, 1 to 100 characters, without addresses and links
  roles        as in create_organisation_invite
  expires_in   1 hour to 30 days; without it, a day

Returns the invite with its code, shown this once. Needs invite.create, and the right to give each of the
roles. Fails with unauthenticated, organisation_not_found, permission_denied, role_not_assignable,
invalid_role, invalid_expiry, invalid_settings, seat_limit_reached, rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_email_template"(uuid, text, text, text, text, text, text, text, boolean) IS 'Words a kind of mail in one language; what is left out is said as built in.

  kind        such as invite, invite_reminder, member_roles_updated, join_approved
  locale      such as de or de-AT
  name        tells several of one kind apart: one line, 1 to 100 characters, without addresses and links
  subject     one line of at most 200 characters, with placeholders such as {{organisation}}
  heading     the same
  body        at most 5,000 characters, with placeholders and a little Markdown: paragraphs, lists, **bold**,
              *italic*, [links](https://…) to the origin of site_url or one of redirect_origins
  button      one line of at most 60 characters
  is_default  whether it counts for mails that name no template; takes the place of the one that did

Placeholders: organisation everywhere; for invites inviter, invitee, roles, expires_in, expires_at; what a
refusal does not know, its hint lists. Returns the template; its id is what create_organisation_invite takes.
Needs organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings (hint says what is wrong).';

COMMENT ON FUNCTION "public"."create_organisation_invite"(uuid, text, text[], interval, text, text, text, jsonb, uuid, timestamp with time zone) IS 'Invites an address to an organisation, with exactly these roles; the mail goes out at once.

  email        one address; case and spaces around it do not matter
  roles        1 to 20 names of roles; never owner, which is transferred
  expires_in   1 hour to 30 days; without it, the organisation''s invite_ttl (7 days)
  message      to the invitee: plain text of at most 1,000 characters, without addresses and links
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

COMMENT ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) IS 'Separates duties: nobody may hold so many of these roles, by themselves or by inheritance. One of the same
name is replaced.

  name         one line, at most 100 characters, without addresses and links
  roles        two or more roles of the organisation, never owner
  cardinality  how many are too many; 2: no two together

Returns the exclusion. It holds for invites, for accepting and for changes of roles. Needs role.manage.
Fails with unauthenticated, organisation_not_found, permission_denied, invalid_role, role_in_use (a member
holds them together already). Source: ANSI/INCITS 359-2004, CreateSsdSet and SetSsdSetCardinality.';

COMMENT ON FUNCTION "public"."decline_organisation_invite"(text, text) IS 'Declines an invite for good; the admins of the organisation get a mail.

  token   as the mailed link carries it
  reason  for the admins: plain text of at most 500 characters, without addresses and links

Returns what validate_organisation_invite now says. Whoever holds the link may, with or without an account.
Fails with invite_invalid, invite_superseded, invite_already_accepted, invite_declined, invite_revoked,
invite_expired, invalid_message.';

COMMENT ON FUNCTION "public"."decline_organisation_join_request"(uuid, text) IS 'Turns a request to join down; they may ask again.

  reason  at most 500 characters, without addresses and links; the one who asked can read it

Returns the request. Needs invite.create. Fails with unauthenticated, invite_not_found, permission_denied,
invite_not_pending, invalid_message.';

COMMENT ON FUNCTION "public"."list_organisation_invites"(uuid, text, text, uuid, integer) IS 'The invites of an organisation, newest first, a page at a time.

  status     only those that are pending, accepted, declined, revoked or expired
  search     only those whose address, or device''s name, holds this text of at most 254 characters, in any case
  cursor     the id of the last invite of the page before; without it, the first page
  page_size  1 to 500

Returns invites; fewer than page_size means that there are no more. Needs invite.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invite_not_found (a cursor
that is not this organisation''s).';

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
    seat_limit             how many active members there may be, 1 or more, or null
    allowed_email_domains  only addresses of these may be invited and may accept; empty: any
    self_service_resend    whether the holder of an expired link gets a new one without an admin
    expiry_mail            whether who sent an invite hears when it has expired
    track_opens            whether it is recorded that a mail was opened, where the mail provider tells
    reminder_before        how long before its end an invite is brought to mind: 1 hour to 14 days, or null
    audit_retention        how long the trail is kept: 30 days to 100 years, or null: for ever

Returns the organisation. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.';

COMMENT ON FUNCTION "usher"."clean_description"(text, integer) IS 'What is said beside a name: nothing, or text of several lines that is otherwise as usher.clean_name has it. It may
hold links.';

COMMENT ON FUNCTION "usher"."clean_name"(text, integer, boolean) IS 'A name as people may be shown it: one line of 1 to max_length characters of which at least one can be seen. Null
for anything else, also for what a mail program would read as an encoded word (RFC 2047).

  may_link  whether it may be or hold an address or a link: what comes from a directory, and only admins see';

COMMENT ON FUNCTION "usher"."clean_roles"(text[]) IS 'Sorted, each once: the one form in which a set of roles, or of permissions, is stored, compared and signed. Null
for more than 1,000, and for what none of them can be called.';

COMMENT ON FUNCTION "usher"."find_links"(text) IS 'The addresses and links in a text, in lower case: URLs of any scheme, addresses of mail, and domains without a
scheme, because mail programs make links of those as well. For text whose length was looked at.

So a sentence without a blank after its full stop counts where the next word is a top level domain ("ready.It is"):
programs take it for a link, too.';

COMMENT ON FUNCTION "usher"."free_slug"(text) IS 'A slug made of a name of at most 100 characters that no organisation has at this moment, and none is kept from.';

COMMENT ON FUNCTION "usher"."is_heaped"(text) IS 'Whether more than 30 marks follow each other somewhere in it.';

COMMENT ON FUNCTION "usher"."is_reserved_slug"(text) IS 'Whether a slug would be taken for the project itself, as a path or as a host of its own: no organisation is given
it any more. One that has it keeps it.';

COMMENT ON FUNCTION "usher"."may_take_answers"(uuid, text) IS 'Whether answers to an organisation''s mails may go to this normalised address: at this moment it is the confirmed
address of a member, or one of a domain that the organisation has verified. Nobody has answers sent to a stranger.';

COMMENT ON FUNCTION "usher"."nfc"(text) IS 'Text in NFC. For text whose length was looked at: this is done to nothing that may be of any length.

Null where more than 30 marks stand on one letter, in the wrong order: no language has them, and to put them in
order takes the square of their number, during which nothing can stop Postgres, statement_timeout included.
Source: UAX 15 section 13, Stream-Safe Text Format.';

COMMENT ON FUNCTION "usher"."template_leads_astray"(text) IS 'Whether a link of this text leads anywhere but to site_url''s origin or an origin in usher.settings.redirect_origins:
the mail comes from the project''s own address, and is believed.';

COMMENT ON FUNCTION "usher"."top_level_domains"() IS 'The top level domains that there are, in lower case: those of other scripts as they are read, in NFKC.
Source: https://data.iana.org/TLD/tlds-alpha-by-domain.txt, by the npm package tlds 1.261.0.';

REVOKE ALL ON FUNCTION "usher"."clean_description"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."clean_name"(text, integer, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."find_links"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_heaped"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."is_reserved_slug"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."may_take_answers"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."nfc"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."template_leads_astray"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."top_level_domains"() FROM PUBLIC;

-- By hand. Who called themselves what nobody may be called any more, such as an address, goes by their address.
update public.organisation_members m
set display_name = null
where m.kind = 'user' and m.display_name is not null and usher.clean_name(m.display_name) is null;
