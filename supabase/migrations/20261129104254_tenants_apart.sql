-- One organisation holds up no other: upkeep, locks, limits and bounds; and the trail tells whence from what is claimed.

set local check_function_bodies = off;

DROP VIEW "usher"."audit_export";

DROP VIEW "usher"."stuck";

ALTER TABLE "public"."organisations" DROP CONSTRAINT "organisations_seat_limit";

DROP FUNCTION "usher"."purge_audit_trail"();

DROP FUNCTION "usher"."remind_overdue_reviews"();

CREATE TABLE "usher"."upkeep_failures" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "step" text NOT NULL, "organisation_id" uuid, "failing_since" timestamp with time zone NOT NULL DEFAULT now(), "failed_at" timestamp with time zone NOT NULL DEFAULT now(), "times" integer NOT NULL DEFAULT 1, "retry_at" timestamp with time zone NOT NULL DEFAULT now(), "error" text NOT NULL, CONSTRAINT "upkeep_failures_key" UNIQUE NULLS NOT DISTINCT (step, organisation_id), CONSTRAINT "upkeep_failures_pkey" PRIMARY KEY (id));

ALTER TABLE "usher"."upkeep_failures" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."organisation_audit_events" ADD COLUMN "claimed_ip" text;

ALTER TABLE "usher"."settings" ADD COLUMN "client_address_header" text NOT NULL DEFAULT 'cf-connecting-ip'::text;

ALTER TABLE "usher"."settings" ADD COLUMN "trusted_proxies" cidr[] NOT NULL DEFAULT '{}'::cidr[];

CREATE TYPE "usher"."upkeep_item" AS ("organisation_id" uuid, "id" uuid);

CREATE OR REPLACE FUNCTION usher.announce_ending_access(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('announce_ending_access', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select m.organisation_id, m.id, m.next_end_at,
        row_number() over (partition by m.organisation_id order by m.next_end_at) as turn
      from public.organisation_members m, usher.settings s
      where m.status = 'active'
        and m.next_end_at > statement_timestamp()
        and m.next_end_at <= statement_timestamp() + s.access_end_notice
        and m.announced_end_at is distinct from m.next_end_at
        and m.organisation_id not in (select usher.resting_organisations('announce_ending_access'))
    ) d
    order by d.turn, d.next_end_at
    limit announce_ending_access.batch_size));
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

CREATE OR REPLACE FUNCTION usher.check_audit_trail(organisation_id uuid)
 RETURNS public.organisation_audit_verification
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_found    public.organisation_audit_verification;
  v_seal     usher.audit_seals;
  v_previous bytea := ''::bytea;
  v_purged   integer;
begin
  select count(*) into v_found.events
  from public.organisation_audit_events e where e.organisation_id = check_audit_trail.organisation_id;
  select count(*) into v_found.sealed_events
  from usher.sealed_events s where s.organisation_id = check_audit_trail.organisation_id;

  -- Nothing is not whole: whoever has mistaken the id has to hear it.
  if v_found.events = 0 and v_found.sealed_events = 0
    and not exists (select from usher.audit_seals s where s.organisation_id = check_audit_trail.organisation_id)
    and not exists (select from public.organisations o where o.id = check_audit_trail.organisation_id)
  then
    perform usher.fail('organisation_not_found');
  end if;

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
      when s.personal_salt is null then num_nonnulls(e.reason, e.ip, e.user_agent, e.claimed_ip) > 0
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select i.organisation_id, o.name, c.*
  from (
    select e.organisation_id from public.organisation_audit_events e
    union
    select s.organisation_id from usher.audit_seals s
    union
    -- One without a single line is shown with none: it began with one.
    select o.id from public.organisations o
  ) i
  left join public.organisations o on o.id = i.organisation_id
  cross join lateral usher.check_audit_trail(i.organisation_id) c
  order by c.is_whole, o.name, i.organisation_id
$function$;

CREATE OR REPLACE FUNCTION usher.client_address(headers jsonb, OUT ip text, OUT claimed_ip text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_settings  record;
  v_forwarded text := client_address.headers ->> 'x-forwarded-for';
  v_chain     text[];
  v_address   inet;
begin
  if client_address.headers is null then
    return;
  end if;
  select s.client_address_header as header, s.trusted_proxies into strict v_settings from usher.settings s;
  -- Of a header as long as a gateway lets it be, no more is read than the hops that we can have; the first of what is
  -- left may be half of one.
  v_chain := string_to_array(right(v_forwarded, 1000), ',');
  if length(v_forwarded) > 1000 then
    v_chain := v_chain[2:];
  end if;
  if v_settings.header <> 'x-forwarded-for' then
    v_chain := case when client_address.headers ->> v_settings.header is not null
      then v_chain || (client_address.headers ->> v_settings.header) end;
  end if;

  -- From the gateway outwards: each hop is vouched for by the one after it, as far as those are ours.
  for v_hop in reverse coalesce(cardinality(v_chain), 0) .. 1 loop
    v_address := usher.read_address(v_chain[v_hop]);
    exit when v_address is null;
    client_address.ip := host(v_address);
    exit when not v_address <<= any (v_settings.trusted_proxies);
  end loop;

  client_address.claimed_ip := nullif(
    regexp_replace(left(split_part(left(v_forwarded, 1000), ',', 1), 64), '[^!-~]', '', 'g'), '');
  if client_address.claimed_ip = client_address.ip
    or host(usher.read_address(client_address.claimed_ip)) = client_address.ip
  then
    client_address.claimed_ip := null;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.collect_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer, page_size integer)
 RETURNS SETOF public.organisation_evidence_event
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if collect_evidence_events.page_size is null or collect_evidence_events.page_size not between 1 and 5000 then
    perform usher.fail('invalid_settings', hint => 'page_size is 1 to 5,000.');
  end if;
  -- No events are not those of a mistaken id.
  if not exists (
    select from usher.audit_seals a where a.organisation_id = collect_evidence_events.organisation_id)
    and not exists (
      select from public.organisations o where o.id = collect_evidence_events.organisation_id)
  then
    perform usher.fail('organisation_not_found');
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

CREATE OR REPLACE FUNCTION usher.counting_roles(roles text[], ends_at timestamp with time zone, role_ends jsonb)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if counting_roles.ends_at <= statement_timestamp() then
    return '{}'::text[];
  end if;
  return array(
    select r from unnest(counting_roles.roles) r
    where coalesce((counting_roles.role_ends ->> r)::timestamptz > statement_timestamp(), true)
    order by r);
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
  perform usher.require_room('directory tokens', v_member.organisation_id);
  -- Those that were revoked stay on record.
  perform usher.take_allowance('directory_tokens:' || v_member.organisation_id, 1, 100, interval '1 day');

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

CREATE OR REPLACE FUNCTION usher.create_domain(organisation_id uuid, domain text)
 RETURNS public.organisation_domains
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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

  perform from public.organisations o where o.id = v_member.organisation_id for no key update;
  -- Each one that is not verified is looked up again and again.
  if not exists (
    select from public.organisation_domains d
    where d.organisation_id = v_member.organisation_id and d.domain = v_domain)
  then
    perform usher.require_room('domains', v_member.organisation_id);
    perform usher.require_room('unverified domains', v_member.organisation_id);
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
  perform from public.organisations o where o.id = v_template.organisation_id for no key update;
  -- A template is read in whole for each mail, and an editor shows all of them at once.
  perform usher.require_room('email templates', v_template.organisation_id);
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

  perform from public.organisations o where o.id = create_role.organisation_id for no key update;
  perform usher.require_room('own roles', create_role.organisation_id);
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
 SET search_path TO 'pg_catalog', 'pg_temp'
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

  if not exists (
    select from public.organisation_role_exclusions e
    where e.organisation_id = create_role_exclusion.organisation_id
      and e.name = usher.clean_line(create_role_exclusion.name, 100))
  then
    perform usher.require_room('role exclusions', create_role_exclusion.organisation_id);
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
  perform usher.require_room('webhooks', v_member.organisation_id);

  insert into public.organisation_webhooks as w (organisation_id, url, events, description)
  values (v_member.organisation_id, create_webhook.url, usher.clean_events(create_webhook.events),
    coalesce(usher.clean_line(create_webhook.description, 200), ''))
  returning w.* into v_webhook;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.created', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook));
  return usher.add_webhook_secret(v_webhook);
end
$function$;

CREATE OR REPLACE FUNCTION usher.end_due_access(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('end_due_access', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select m.organisation_id, m.id, m.next_end_at,
        row_number() over (partition by m.organisation_id order by m.next_end_at) as turn
      from public.organisation_members m
      where m.status = 'active' and m.next_end_at <= statement_timestamp()
        and m.organisation_id not in (select usher.resting_organisations('end_due_access'))
    ) d
    order by d.turn, d.next_end_at
    limit end_due_access.batch_size));
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
  v_ended  text[];
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

CREATE OR REPLACE FUNCTION usher.erase_person(user_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
  set reason = null, ip = null, user_agent = null, claimed_ip = null
  where erase_person.user_id in (e.actor_id, e.target_id);
  perform set_config('usher.audit_exception', '', true);

  perform usher.record_event(m.organisation_id, 'person.erased', 'user', erase_person.user_id)
    from public.organisation_members m where m.user_id = erase_person.user_id;
  update public.organisation_members m
  set email = null, display_name = null, status_reason = null
  where m.user_id = erase_person.user_id;
end
$function$;

CREATE OR REPLACE FUNCTION usher.expire_due_invites(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('expire_due_invites', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select i.organisation_id, i.id, i.expires_at,
        row_number() over (partition by i.organisation_id order by i.expires_at) as turn
      from usher.invites i
      where i.status = 'pending' and i.expires_at <= statement_timestamp()
        and i.organisation_id not in (select usher.resting_organisations('expire_due_invites'))
    ) d
    order by d.turn, d.expires_at
    limit expire_due_invites.batch_size));
end
$function$;

CREATE OR REPLACE FUNCTION usher.expire_due_invites_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_expired usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    where i.id = any (expire_due_invites_of.ids) and i.organisation_id = expire_due_invites_of.organisation_id
      and i.status = 'pending' and i.expires_at <= statement_timestamp()
    order by i.expires_at
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

CREATE OR REPLACE FUNCTION usher.fail_delivery(delivery_id uuid, fence bigint, failure text, response text DEFAULT NULL::text, status_code text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_delivery public.organisation_deliveries;
  -- About when a greylist lets through, then rarer; eight tries in two days.
  v_delays   constant interval[] := '{1 minute,5 minutes,30 minutes,2 hours,6 hours,12 hours,1 day}'::interval[];
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

CREATE OR REPLACE FUNCTION usher.join_organisation(organisation_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE OR REPLACE FUNCTION usher.lease_directory_reconcile()
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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
    begin
      v_token := usher.endpoint_token(v_endpoint.id);
    exception
      -- Vault cannot open it: that of one endpoint keeps no other waiting.
      when others then
        v_token := null;
    end;
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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_failing_under_way integer;
begin
  -- One that took its workers down with it at its last try is not tried again.
  update public.organisation_webhook_deliveries d
  set status = 'failed', last_response = 'Given up: no worker came back from sending it.'
  where d.status = 'sending' and d.due_at <= clock_timestamp() and d.attempts >= 10;

  select count(*)::integer into v_failing_under_way
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

CREATE OR REPLACE FUNCTION usher.list_domains_to_verify()
 RETURNS TABLE(organisation_id uuid, domain text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select t.organisation_id, t.domain
  from (
    select d.organisation_id, d.domain, d.checked_at,
      row_number() over (partition by d.organisation_id order by d.checked_at nulls first) as turn
    from public.organisation_domains d
    where d.verified_at is null
      and d.created_at > now() - interval '30 days'
      -- Every minute at first, every hour in the end: a tenth of its age.
      and (d.checked_at is null
        or d.checked_at < now() - greatest(interval '1 minute', least(interval '1 hour', (now() - d.created_at) / 10)))
  ) t
  order by t.turn, t.checked_at nulls first
  limit 100
$function$;

CREATE OR REPLACE FUNCTION usher.personal_text(event public.organisation_audit_events)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- What was claimed came later: lines that were sealed before it read as they did.
  return (jsonb_build_array(
      (personal_text.event).reason, (personal_text.event).ip, (personal_text.event).user_agent)
    || case when (personal_text.event).claimed_ip is null then '[]'
      else jsonb_build_array((personal_text.event).claimed_ip) end)::text;
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_audit_trail(batch_size integer DEFAULT 50000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('purge_audit_trail', array(
    select row(o.id, null)::usher.upkeep_item
    from public.organisations o
    where o.audit_retention is not null
      and exists (
        select from usher.audit_seals s
        where s.organisation_id = o.id and s.purged_at is null
          and s.last_event_at < now() - least(o.audit_retention, interval '100 years'))
      and o.id not in (select usher.resting_organisations('purge_audit_trail'))
    limit 1000), purge_audit_trail.batch_size);
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_audit_trail_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_up_to_seal integer;
  v_events     integer;
begin
  -- By whole seals, oldest first: about as many events as one organisation may keep the others waiting for.
  select max(d.number) into v_up_to_seal
  from (
    select s.number, sum(s.events) over (order by s.number) - s.events as events_before
    from usher.audit_seals s
    join public.organisations o on o.id = s.organisation_id
    where s.organisation_id = purge_audit_trail_of.organisation_id and s.purged_at is null
      and o.audit_retention is not null
      -- least, so that no length, however it came there, goes beyond the beginning of time.
      and s.last_event_at < now() - least(o.audit_retention, interval '100 years')
  ) d
  where d.events_before < purge_audit_trail_of.batch_size;
  if v_up_to_seal is null then
    return 0;
  end if;

  perform set_config('usher.audit_exception', 'DELETE', true);
  delete from public.organisation_audit_events e
  using usher.sealed_events c
  where c.event_id = e.id and c.organisation_id = purge_audit_trail_of.organisation_id
    and c.seal_number <= v_up_to_seal;
  get diagnostics v_events = row_count;
  perform set_config('usher.audit_exception', '', true);
  update usher.audit_seals s set purged_at = now()
  where s.organisation_id = purge_audit_trail_of.organisation_id and s.number <= v_up_to_seal and s.purged_at is null;
  perform usher.record_event(purge_audit_trail_of.organisation_id, 'audit.purged', 'organisation',
    purge_audit_trail_of.organisation_id,
    after      => jsonb_build_object('up_to_seal', v_up_to_seal, 'events', v_events),
    actor_kind => 'worker');
  return v_events;
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_auth_mails()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('purge_auth_mails', array[row(null, null)::usher.upkeep_item]);
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
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_webhook_answers()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('purge_webhook_answers', array(
    select row(d.organisation_id, null)::usher.upkeep_item
    from public.organisation_webhook_deliveries d
    join public.organisations o on o.id = d.organisation_id
    cross join usher.settings s
    where d.last_response is not null and d.status in ('delivered', 'failed')
        and d.created_at < now() - s.webhook_answers_kept_for
      or o.audit_retention is not null and d.created_at < now() - least(o.audit_retention, interval '100 years')
    group by d.organisation_id
    having d.organisation_id not in (select usher.resting_organisations('purge_webhook_answers'))
    limit 1000));
end
$function$;

CREATE OR REPLACE FUNCTION usher.purge_webhook_answers_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_purged integer;
begin
  update public.organisation_webhook_deliveries d
  set last_response = null
  where d.organisation_id = purge_webhook_answers_of.organisation_id
    and d.last_response is not null and d.status in ('delivered', 'failed')
    and d.created_at < now() - (select s.webhook_answers_kept_for from usher.settings s);
  get diagnostics v_purged = row_count;
  -- With the line of the trail, what became of it goes.
  delete from public.organisation_webhook_deliveries d
  using public.organisations o
  where o.id = d.organisation_id and o.id = purge_webhook_answers_of.organisation_id
    and o.audit_retention is not null
    and d.created_at < now() - least(o.audit_retention, interval '100 years');
  return v_purged;
end
$function$;

CREATE OR REPLACE FUNCTION usher.read_address(value text)
 RETURNS inet
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_value text := btrim(left(read_address.value, 100));
begin
  -- With a port, as some gateways write it, or an IPv4 address in the clothes of IPv6.
  v_value := coalesce(
    (regexp_match(v_value, '^\[([0-9a-f:.]{2,45})\](?::\d{1,5})?$', 'i'))[1],
    (regexp_match(v_value, '^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$', 'i'))[1],
    (regexp_match(v_value, '^[0-9a-f:.]{2,45}$', 'i'))[1]);
  return v_value::inet;
exception
  when invalid_text_representation then
    return null;
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
  if read_time.value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$' then
    return null;
  end if;
  -- The year 9999 in one place is the year 10000 in another.
  return (select t.at from (select read_time.value::timestamptz as at) t where t.at < timestamptz '10000-01-01T00:00:00Z');
exception
  when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
    return null;
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
      when current_setting('usher.directory', true) = 'on' then 'directory'
      else 'user'
    end), auth.uid(),
    record_events.target_kind, t.id, record_events.before, t.after, record_events.reason,
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

CREATE OR REPLACE FUNCTION usher.remind_due_invites(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('remind_due_invites', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select i.organisation_id, i.id, i.expires_at,
        row_number() over (partition by i.organisation_id order by i.expires_at) as turn
      from usher.invites i
      join public.organisations o on o.id = i.organisation_id
      where i.status = 'pending' and i.kind = 'user'
        and i.reminded_issue < i.issue
        and i.expires_at > statement_timestamp()
        and o.reminder_before is not null
        and i.expires_at <= statement_timestamp() + least(o.reminder_before, interval '14 days')
        -- Not on the day of the mail itself: what has just come needs no bringing to mind.
        and i.issued_at < statement_timestamp() - interval '1 day'
        and i.organisation_id not in (select usher.resting_organisations('remind_due_invites'))
    ) d
    order by d.turn, d.expires_at
    limit remind_due_invites.batch_size));
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

  perform usher.record_event(i.organisation_id, 'invite.reminded', 'invite', i.id, actor_kind => 'worker')
    from unnest(v_reminded) i;
  perform usher.enqueue_delivery('invite_reminder', i.organisation_id, i.email, i.locale, i.id, is_bulk => true)
    from unnest(v_reminded) i;
  return coalesce(cardinality(v_reminded), 0);
end
$function$;

CREATE OR REPLACE FUNCTION usher.remind_overdue_reviews(batch_size integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('remind_overdue_reviews', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select r.organisation_id, r.id, r.due_at,
        row_number() over (partition by r.organisation_id order by r.due_at) as turn
      from public.organisation_access_reviews r
      where r.status = 'open' and r.due_at < now() and r.reminded_at is null
        and r.organisation_id not in (select usher.resting_organisations('remind_overdue_reviews'))
    ) d
    order by d.turn, d.due_at
    limit remind_overdue_reviews.batch_size));
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
    perform usher.record_event(v_review.organisation_id, 'access_review.overdue', 'access_review', v_review.id,
      after => usher.review_results(v_review.id), actor_kind => 'worker');
    perform usher.enqueue_review_mail('access_review_overdue', v_review);
    v_reminded := v_reminded + 1;
  end loop;
  return v_reminded;
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
  perform usher.wake_worker();
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
    perform usher.fail('invalid_expiry', hint => 'An end is a moment to come, before the year 10000; null stands for none.');
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION usher.require_room(thing text, organisation_id uuid, more integer DEFAULT 1)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_limit record;
  v_held  integer;
  v_hint  text;
begin
  select l.* into strict v_limit from usher.tenant_limits() l where l.thing = require_room.thing;
  -- No further than needed: whoever has few pays for few.
  execute format(
    'select count(*)::integer from (select from %s t where t.organisation_id = $1 and (%s) limit $2) c',
    v_limit.relation, v_limit.counted)
  into strict v_held
  using require_room.organisation_id, v_limit.at_most + 1;
  if v_held + require_room.more <= v_limit.at_most then
    return;
  end if;
  v_hint := format('An organisation has at most %s %s', to_char(v_limit.at_most, 'FM999,999'), v_limit.thing);
  if v_limit.code = 'rate_limited' then
    -- Whoever is refused can do nothing but wait.
    perform usher.fail(v_limit.code, hint => v_hint || ': some have to be answered first.', details => '3600',
      headers => '{"Retry-After": "3600"}');
  end if;
  perform usher.fail(v_limit.code, hint => v_hint || ': end or delete some first.');
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
  select l.* into strict v_day from usher.rate_limits l where l.key = 'invites:' || require_room_for_invites.organisation_id;
  select l.* into v_base from usher.rate_limits l where l.key = 'open_invites:' || require_room_for_invites.organisation_id;
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

CREATE OR REPLACE FUNCTION usher.resting_organisations(step text)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
    select f.organisation_id from usher.upkeep_failures f
    where f.step = resting_organisations.step and f.organisation_id is not null and f.retry_at > now();
end
$function$;

CREATE OR REPLACE FUNCTION usher.rotate_signing_key()
 RETURNS smallint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_secret   bytea := extensions.gen_random_bytes(32);
  v_id       smallint;
  v_vault_id uuid;
begin
  lock table usher.signing_keys in share row exclusive mode;
  select (coalesce(max(k.id), 0) + 1)::smallint into v_id from usher.signing_keys k;

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
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return usher.run_upkeep('seal_audit_trail', array(
    select row(e.organisation_id, null)::usher.upkeep_item
    from public.organisation_audit_events e
    where not exists (select from usher.sealed_events s where s.event_id = e.id)
    group by e.organisation_id
    having e.organisation_id not in (select usher.resting_organisations('seal_audit_trail'))
    order by min(e.occurred_at)
    limit 1000), seal_audit_trail.batch_size);
end
$function$;

CREATE OR REPLACE FUNCTION usher.seal_audit_trail_of(organisation_id uuid, ids uuid[], batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Somebody exports this trail at this moment, and seals it for that: there is nothing to be waited for.
  if not pg_try_advisory_xact_lock(hashtextextended('usher seal ' || seal_audit_trail_of.organisation_id, 0)) then
    return 0;
  end if;
  return usher.seal_events(seal_audit_trail_of.organisation_id, seal_audit_trail_of.batch_size);
end
$function$;

CREATE OR REPLACE FUNCTION usher.seal_events(organisation_id uuid, batch_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_number   integer;
  v_previous bytea;
  v_events   integer;
begin
  -- One at a time: two would number their seals alike. Whoever seals another trail waits for nobody.
  perform pg_advisory_xact_lock(hashtextextended('usher seal ' || seal_events.organisation_id, 0));
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
  if usher.clean_line(start_access_review.title, 100) is null then
    perform usher.fail('invalid_settings', hint => 'A title is one line of 1 to 100 characters.');
  end if;
  if start_access_review.due_at is null
    or start_access_review.due_at not between now() and now() + interval '1 year'
  then
    perform usher.fail('invalid_settings', hint => 'due_at is in the future, by a year at most.');
  end if;

  -- Each asks about every right of every member, and mails every reviewer.
  perform from public.organisations o where o.id = v_actor.organisation_id for no key update;
  perform usher.require_room('open access reviews', v_actor.organisation_id);
  perform usher.take_allowance('access_reviews:' || v_actor.organisation_id, 1, 20, interval '1 day');

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
    ('own roles',           'public.organisation_roles',               'true',                     500, 'invalid_settings'),
    ('role exclusions',     'public.organisation_role_exclusions',     'true',                     100, 'invalid_settings'),
    ('email templates',     'public.organisation_email_templates',     'true',                     500, 'invalid_settings'),
    ('open access reviews', 'public.organisation_access_reviews',      $q$status = 'open'$q$,       10, 'invalid_settings'),
    ('open invites',        'usher.invites',                           $q$status = 'pending'$q$, 50000, 'invalid_settings'),
    ('webhooks',            'public.organisation_webhooks',            'true',                      20, 'invalid_settings'),
    ('domains',             'public.organisation_domains',             'true',                     200, 'invalid_settings'),
    ('unverified domains',  'public.organisation_domains',             'verified_at is null',       20, 'invalid_settings'),
    ('requests to join',    'public.organisation_join_requests',       $q$status = 'pending'$q$,  1000, 'rate_limited'),
    ('directory tokens',    'public.organisation_directory_tokens',
      'revoked_at is null and (expires_at is null or expires_at > now())',                            20, 'invalid_settings'),
    ('directory endpoints', 'public.organisation_directory_endpoints', 'true',                      10, 'invalid_settings'),
    ('directory users',     'usher.directory_users',                   'true',                  100000, 'invalid_settings')
  ) l (thing, relation, counted, at_most, code);
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
  v_member  public.organisation_members;
  v_before  public.organisations;
  v_after   public.organisations;
  v_unknown text;
begin
  v_member := usher.require_permission(update_organisation.organisation_id, 'organisation.update');
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
    or v_after.seat_limit not between 1 and 1000000
    or cardinality(v_after.allowed_email_domains) > 1000
    or v_after.self_service_resend is null or v_after.expiry_mail is null or v_after.track_opens is null
    or v_after.reminder_before not between interval '1 hour' and interval '14 days'
    or v_after.audit_retention not between interval '30 days' and interval '100 years'
    or exists (
      select from unnest(v_after.allowed_email_domains) d
      where usher.normalise_email('a@' || d) is null)
  then
    perform usher.fail('invalid_settings', hint => 'logo_url is an https address, accent_colour #rrggbb, '
      'locale such as de-AT, seat_limit 1 to 1,000,000, allowed_email_domains a list of at most 1,000 domains, '
      'reminder_before 1 hour to 14 days, audit_retention 30 days to 100 years.');
  end if;

  -- Whoever shortens it makes what they have done go. Set to what it is, it is no change: pages send all that they show.
  if v_after.audit_retention is distinct from v_before.audit_retention and not 'owner' = any (v_member.roles) then
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

CREATE OR REPLACE FUNCTION usher.webhook_signatures(webhook_id uuid, content text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_row        usher.webhook_secrets;
  v_secret     text;
  v_signatures text[] := '{}'::text[];
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

-- Rows of before that go beyond the bounds below. An end so far away stands for none to anybody who reads it.
UPDATE public.organisation_members m
SET ends_at = CASE WHEN m.ends_at > '9999-12-31T00:00:00Z' THEN '9999-12-31T00:00:00Z' ELSE m.ends_at END,
  role_ends = coalesce((
    SELECT jsonb_object_agg(e.key, CASE WHEN e.value::timestamptz > '9999-12-31T00:00:00Z'
      THEN '9999-12-31T00:00:00Z' ELSE e.value END)
    FROM jsonb_each_text(m.role_ends) e), '{}')
WHERE m.next_end_at IS NOT NULL
  AND (m.ends_at > '9999-12-31T00:00:00Z' OR EXISTS (
    SELECT FROM jsonb_each_text(m.role_ends) e WHERE e.value::timestamptz > '9999-12-31T00:00:00Z'));
UPDATE public.organisation_members m SET announced_end_at = NULL
WHERE m.announced_end_at > '9999-12-31T00:00:00Z';
UPDATE usher.invites i SET membership_ends_at = '9999-12-31T00:00:00Z'
WHERE i.membership_ends_at > '9999-12-31T00:00:00Z';
UPDATE public.organisations o SET seat_limit = NULL WHERE o.seat_limit > 1000000;
-- What stands beyond is not let in: less is opened by this, never more.
UPDATE public.organisations o SET allowed_email_domains = o.allowed_email_domains[1:1000]
WHERE cardinality(o.allowed_email_domains) > 1000;
-- Null stays null, which stands for no limit: least() would make one of it.
UPDATE usher.settings s
SET resend_cooldown = least(s.resend_cooldown, interval '30 days'),
  resends_per_day = least(s.resends_per_day, 10000),
  invites_per_day = least(s.invites_per_day, 2000000000),
  access_end_notice = least(s.access_end_notice, interval '1 year'),
  webhook_failing_for = least(s.webhook_failing_for, interval '1 year'),
  webhook_answers_kept_for = least(s.webhook_answers_kept_for, interval '10 years'),
  mails_per_minute_to_domain = CASE WHEN s.mails_per_minute_to_domain > 1000000
    THEN 1000000 ELSE s.mails_per_minute_to_domain END,
  mails_per_minute_of_organisation = CASE WHEN s.mails_per_minute_of_organisation > 1000000
    THEN 1000000 ELSE s.mails_per_minute_of_organisation END;
UPDATE public.organisation_directory_copies c SET remote_id = NULL, status = 'waiting', due_at = now()
WHERE length(c.remote_id) > 1000;
DELETE FROM usher.directory_group_copies g WHERE length(g.remote_id) > 1000;

ALTER TABLE "public"."organisation_access_review_items" ADD CONSTRAINT "organisation_access_review_items_bounds" CHECK (((length(role) <= 63) AND (length(reason) <= 500)));

ALTER TABLE "public"."organisation_access_reviews" ADD CONSTRAINT "organisation_access_reviews_bounds" CHECK (((length(title) <= 100) AND (length(closed_reason) <= 500) AND ((due_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (due_at <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone))));

ALTER TABLE "public"."organisation_audit_events" ADD CONSTRAINT "organisation_audit_events_bounds" CHECK (((length(ip) <= 64) AND (length(claimed_ip) <= 64) AND (length(user_agent) <= 500) AND (length(reason) <= 1000)));

ALTER TABLE "public"."organisation_directory_copies" ADD CONSTRAINT "organisation_directory_copies_bounds" CHECK (((length(remote_id) <= 1000) AND (cardinality(roles) <= 1000) AND (octet_length(array_to_string(roles, ''::text)) <= 63000)));

ALTER TABLE "public"."organisation_directory_endpoints" ADD CONSTRAINT "organisation_directory_endpoints_bounds" CHECK (((length(name) <= 100) AND (length(url) <= 2000)));

ALTER TABLE "public"."organisation_directory_tokens" ADD CONSTRAINT "organisation_directory_tokens_bounds" CHECK (((length(name) <= 100) AND ((expires_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone))));

ALTER TABLE "public"."organisation_domains" ADD CONSTRAINT "organisation_domains_bounds" CHECK (((length(domain) <= 253) AND (length(verification) <= 100) AND (length(role) <= 63)));

ALTER TABLE "public"."organisation_email_templates" ADD CONSTRAINT "organisation_email_templates_bounds" CHECK (((length(kind) <= 63) AND (length(name) <= 100) AND (length(subject) <= 200) AND (length(heading) <= 200) AND (length(body) <= 5000) AND (length(button) <= 60)));

ALTER TABLE "public"."organisation_join_requests" ADD CONSTRAINT "organisation_join_requests_bounds" CHECK (((length(email) <= 254) AND (length(reason) <= 500)));

ALTER TABLE "public"."organisation_members" ADD CONSTRAINT "organisation_members_bounds" CHECK (((length(email) <= 254) AND (length(display_name) <= 100) AND (length(status_reason) <= 500) AND (cardinality(roles) <= 1000) AND (octet_length(array_to_string(roles, ''::text)) <= 63000) AND (pg_column_size(role_ends) <= 131072) AND ((ends_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (ends_at <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone)) AND ((next_end_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (next_end_at <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone)) AND ((announced_end_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (announced_end_at <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone))));

ALTER TABLE "public"."organisation_role_exclusions" ADD CONSTRAINT "organisation_role_exclusions_bounds" CHECK (((length(name) <= 100) AND (cardinality <= 1000) AND (cardinality(roles) <= 1000) AND (octet_length(array_to_string(roles, ''::text)) <= 63000)));

ALTER TABLE "public"."organisation_roles" ADD CONSTRAINT "organisation_roles_bounds" CHECK (((length(description) <= 500) AND (cardinality(inherits) <= 1000) AND (cardinality(permissions) <= 1000) AND (cardinality(granted_permissions) <= 1000) AND (octet_length(array_to_string(((permissions || granted_permissions) || inherits), ''::text)) <= 200000)));

ALTER TABLE "public"."organisation_sign_in_rules" ADD CONSTRAINT "organisation_sign_in_rules_bounds" CHECK (((length(domain) <= 253) AND (cardinality(methods) <= 10) AND (octet_length(array_to_string(methods, ''::text)) <= 400)));

ALTER TABLE "public"."organisation_webhooks" ADD CONSTRAINT "organisation_webhooks_bounds" CHECK (((length(url) <= 2000) AND (length(description) <= 200) AND (cardinality(events) <= 1000) AND (octet_length(array_to_string(events, ''::text)) <= 100000)));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_allowed_email_domains" CHECK (((cardinality(allowed_email_domains) <= 1000) AND (octet_length(array_to_string(allowed_email_domains, ''::text)) <= 254000)));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_bounds" CHECK (((length(name) <= 100) AND (length(sender_name) <= 100) AND (length(reply_to) <= 254)));

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_seat_limit" CHECK (((seat_limit >= 1) AND (seat_limit <= 1000000)));

ALTER TABLE "usher"."directory_endpoint_tokens" ADD CONSTRAINT "directory_endpoint_tokens_bounds" CHECK ((length(token) <= 4000));

ALTER TABLE "usher"."directory_group_copies" ADD CONSTRAINT "directory_group_copies_bounds" CHECK (((length(role) <= 63) AND (length(remote_id) <= 1000)));

ALTER TABLE "usher"."directory_groups" ADD CONSTRAINT "directory_groups_bounds" CHECK (((length(display_name) <= 200) AND (length(external_id) <= 254)));

ALTER TABLE "usher"."directory_users" ADD CONSTRAINT "directory_users_bounds" CHECK (((length(user_name) <= 254) AND (length(external_id) <= 254) AND (length(email) <= 254) AND (cardinality(roles) <= 1000) AND (octet_length(array_to_string(roles, ''::text)) <= 63000) AND (pg_column_size(attributes) <= 16384)));

ALTER TABLE "usher"."invites" ADD CONSTRAINT "invites_bounds" CHECK (((length(email) <= 254) AND (length(device_name) <= 100) AND (length(message) <= 1000) AND (length(locale) <= 35) AND (length(redirect_to) <= 2000) AND (pg_column_size(metadata) <= 8192) AND (cardinality(roles) <= 20) AND (octet_length(array_to_string(roles, ''::text)) <= (20 * 63)) AND (length(declined_reason) <= 500) AND (length(revoked_reason) <= 500) AND ((expires_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone)) AND ((membership_ends_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (membership_ends_at <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone))));

ALTER TABLE "usher"."mail_opt_outs" ADD CONSTRAINT "mail_opt_outs_bounds" CHECK ((length(email) <= 254));

ALTER TABLE "usher"."settings" ADD CONSTRAINT "settings_bounds" CHECK (((length(site_url) <= 2000) AND (length(functions_url) <= 2000) AND (cardinality(redirect_origins) <= 100) AND (octet_length(array_to_string(redirect_origins, ''::text)) <= 30000) AND (resend_cooldown <= '30 days'::interval) AND (resends_per_day <= 10000) AND (invites_per_day <= 2000000000) AND (access_end_notice <= '1 year'::interval) AND (client_address_header ~ '^[a-z0-9-]{1,60}$'::text) AND (cardinality(trusted_proxies) <= 100) AND (webhook_failing_for <= '1 year'::interval) AND (webhook_answers_kept_for <= '10 years'::interval) AND (mails_per_minute_to_domain <= 1000000) AND (mails_per_minute_of_organisation <= 1000000)));

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
    encode(s.personal_hash, 'hex'::text) AS personal_hash,
    e.claimed_ip
   FROM ((((public.organisation_audit_events e
     LEFT JOIN public.organisations o ON ((o.id = e.organisation_id)))
     LEFT JOIN public.organisation_members a ON (((a.organisation_id = e.organisation_id) AND (a.user_id = e.actor_id))))
     LEFT JOIN public.organisation_members t ON (((t.organisation_id = e.organisation_id) AND (t.user_id = e.target_id) AND (e.target_kind = 'user'::text))))
     LEFT JOIN usher.sealed_events s ON ((s.event_id = e.id)));

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

CREATE POLICY "upkeep_failures_nobody" ON "usher"."upkeep_failures" FOR SELECT TO PUBLIC USING (false);

COMMENT ON COLUMN "public"."organisation_audit_events"."claimed_ip" IS 'What the request said of its address beside that, which anybody can write; null where it said nothing else.';

COMMENT ON COLUMN "public"."organisation_audit_events"."ip" IS 'Who called, as the API''s gateway itself says: see usher.settings.client_address_header. Null for SQL and the worker.';

COMMENT ON COLUMN "public"."organisations"."audit_retention" IS 'How long the trail is kept, 30 days to 100 years; null: for ever. The owner alone changes it.';

COMMENT ON COLUMN "usher"."settings"."client_address_header" IS 'The header in which the gateway itself says who called, in lower case. cf-connecting-ip: Cloudflare''s, in front of hosted
projects, which callers cannot write. Behind a gateway that only appends to it, such as Kong: x-forwarded-for, of which
the last place counts. Anything else that a request says of its address is kept as claimed.

Sources: developers.cloudflare.com/fundamentals/reference/http-headers; github.com/orgs/supabase/discussions/34647';

COMMENT ON COLUMN "usher"."settings"."trusted_proxies" IS 'Proxies of one''s own between callers and that gateway, as networks. Where the gateway names one of these, who called it
is read from x-forwarded-for, from the last place on to the first that is none of them.';

COMMENT ON COLUMN "usher"."upkeep_failures"."error" IS 'SQLSTATE and message, without the values of the row.';

COMMENT ON COLUMN "usher"."upkeep_failures"."organisation_id" IS 'Null: the step is about no single organisation.';

COMMENT ON COLUMN "usher"."upkeep_failures"."retry_at" IS 'The organisation is left out of the step until then: a minute, two, four … an hour.';

COMMENT ON FUNCTION "public"."create_organisation_directory_token"(uuid, text, interval) IS 'Makes a token with which an identity provider keeps the people and roles of the organisation by SCIM 2.0. It
carries the rights of the caller, asked anew with each request.

  name        what it is for, one line of at most 100 characters, such as Okta
  expires_in  1 hour to 10 years; without it, it does not end by itself

Returns the token, which is shown this once. At most 20 at a time, and 100 a day. Needs directory.manage. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invalid_expiry, rate_limited.';

COMMENT ON FUNCTION "public"."create_organisation_domain"(uuid, text) IS 'Claims a mail domain. It counts once a TXT record at _usher.<domain> holds what verification says; workers
look for it for 30 days.

Returns the domain with its verification. An organisation has at most 200, of which 20 are not verified yet. Needs
organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."create_organisation_role"(uuid, text, text, text[], text[]) IS 'Makes an own role.

  name         1 to 63 of a-z, 0-9, - and _, a letter first; free in the organisation and not built in
  description  at most 500 characters
  permissions  what it permits, out of what the caller holds
  inherits     roles whose permissions it has as well; never owner

Returns the role. Needs role.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_role, invalid_settings (an unknown permission, or 500 roles already).';

COMMENT ON FUNCTION "public"."create_organisation_role_exclusion"(uuid, text, text[], integer) IS 'Separates duties: nobody may hold so many of these roles, by themselves or by inheritance. One of the same
name is replaced.

  name         one line, at most 100 characters
  roles        two or more roles of the organisation, never owner
  cardinality  how many are too many; 2: no two together

Returns the exclusion. It holds for invites, for accepting and for changes of roles. Needs role.manage.
At most 100. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_in_use (a member holds them together already). Source: ANSI/INCITS 359-2004, CreateSsdSet and SetSsdSetCardinality.';

COMMENT ON FUNCTION "public"."join_organisation"(uuid) IS 'Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested: where the organisation wants to be asked, for whoever was removed, had access with an
end or is turned off by a directory, and when asked before. Fails with unauthenticated, organisation_not_found
(also where the caller''s address does not open it), sso_required, already_member, member_banned,
seat_limit_reached, invalid_role, role_not_assignable, rate_limited (asked five times within a day, or a thousand wait).';

COMMENT ON FUNCTION "public"."start_organisation_access_review"(uuid, text, timestamp with time zone) IS 'Starts a review: each role of each active member, as it is now, is to be confirmed or withdrawn. Whoever holds
access_review.manage gets a mail.

  title   one line of at most 100 characters, such as "Third quarter"
  due_at  by when it should be done; in the future, by a year at most

Returns the review; what it asks about is in organisation_access_review_items. At most 10 are open at a time, and 20
are started a day. Needs access_review.manage. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings, rate_limited.';

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
    seat_limit             how many active members there may be, 1 to 1,000,000, or null
    allowed_email_domains  only addresses of these, 1,000 at most, may be invited and may accept; empty: any
    self_service_resend    whether the holder of an expired link gets a new one without an admin
    expiry_mail            whether who sent an invite hears when it has expired
    track_opens            whether it is recorded that a mail was opened, where the mail provider tells
    reminder_before        how long before its end an invite is brought to mind: 1 hour to 14 days, or null
    audit_retention        how long the trail is kept: 30 days to 100 years, or null: for ever; the owner alone

Returns the organisation. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.';

COMMENT ON FUNCTION "usher"."announce_ending_access_of"(uuid, uuid[], integer) IS 'usher.announce_ending_access for these members of one organisation.';

COMMENT ON FUNCTION "usher"."check_audit_trails"() IS 'Recomputes the seals of all trails, also of organisations that are gone, or of which there is none; those that are not whole come first.
Columns as in verify_organisation_audit_trail. For operators. Reads every event: minutes, where there are
millions.';

COMMENT ON FUNCTION "usher"."client_address"(jsonb) IS 'Where a request came from, out of its headers as PostgREST gives them.

  ip          what the gateway itself says; null where it says nothing, or nothing that is an address
  claimed_ip  the first place of x-forwarded-for, which anybody can write, where it says something else';

COMMENT ON FUNCTION "usher"."collect_evidence_events"(uuid, integer, integer, integer, integer) IS 'A page of the events of a package of evidence, whoever asks. For operators, and for usher.list_evidence_events. Fails
with organisation_not_found where there never was one, invalid_settings.';

COMMENT ON FUNCTION "usher"."end_due_access_of"(uuid, uuid[], integer) IS 'usher.end_due_access for these members of one organisation.';

COMMENT ON FUNCTION "usher"."expire_due_invites_of"(uuid, uuid[], integer) IS 'usher.expire_due_invites for these invites of one organisation.';

COMMENT ON FUNCTION "usher"."list_domains_to_verify"() IS 'Claimed domains whose TXT record should be looked up now: one of each organisation before the second of any, 100 at
most. For workers.';

COMMENT ON FUNCTION "usher"."purge_audit_trail"(integer) IS 'Removes events that are older than their organisation''s audit_retention, by whole seals, and says so in the
trail. For workers, once a day or more often. Returns how many events went.

  batch_size  about how many events of one organisation go at most; the rest goes the next time';

COMMENT ON FUNCTION "usher"."purge_audit_trail_of"(uuid, uuid[], integer) IS 'usher.purge_audit_trail for one organisation.';

COMMENT ON FUNCTION "usher"."purge_auth_mails_of"(uuid, uuid[], integer) IS 'usher.purge_auth_mails: these mails are no organisation''s.';

COMMENT ON FUNCTION "usher"."purge_webhook_answers_of"(uuid, uuid[], integer) IS 'usher.purge_webhook_answers for one organisation.';

COMMENT ON FUNCTION "usher"."read_address"(text) IS 'The address in one place of a header; null for what is none.';

COMMENT ON FUNCTION "usher"."remind_due_invites_of"(uuid, uuid[], integer) IS 'usher.remind_due_invites for these invites of one organisation.';

COMMENT ON FUNCTION "usher"."remind_overdue_reviews"(integer) IS 'Tells reviewers, once, of reviews that are past their day. For workers, now and then. Returns how many reviews
there were.';

COMMENT ON FUNCTION "usher"."remind_overdue_reviews_of"(uuid, uuid[], integer) IS 'usher.remind_overdue_reviews for these reviews of one organisation.';

COMMENT ON FUNCTION "usher"."require_end"(timestamp with time zone) IS 'Fails with invalid_expiry for an end that is not to come, or not before the year 10000.';

COMMENT ON FUNCTION "usher"."require_room"(text, uuid, integer) IS 'Fails, as usher.tenant_limits says, when an organisation would have more of a thing than it may.

  thing  as usher.tenant_limits names it
  more   how many are to come

To be exact, its caller has locked the organisation; where many come at once and do not wait for each other, as those
who ask to join, a few more may get in.';

COMMENT ON FUNCTION "usher"."require_room_for_invites"(uuid) IS 'Fails with invalid_settings when an organisation has more open invites than usher.tenant_limits lets it have. To be called
once the invites are there, and counted by usher.take_allowance, whose row makes those who invite at once wait.';

COMMENT ON FUNCTION "usher"."resting_organisations"(text) IS 'For whom a step has failed, and whose next try is not due yet.';

COMMENT ON FUNCTION "usher"."run_upkeep"(text, usher.upkeep_item[], integer) IS 'Does what is due in a step, organisation by organisation, by the function that is called as the step with _of at the end:
(organisation_id, ids, batch_size), which returns how much it did. What fails, or has to wait for a lock for longer than
half a second, is undone for that organisation alone and noted in usher.upkeep_failures.

  step        the function that was called, such as expire_due_invites
  items       what is due, in the order in which it is to be done; none of whoever is resting
  batch_size  handed on

Returns how much was done in all.';

COMMENT ON FUNCTION "usher"."seal_audit_trail_of"(uuid, uuid[], integer) IS 'usher.seal_audit_trail for one organisation.';

COMMENT ON FUNCTION "usher"."tenant_limits"() IS 'What one organisation may have at most, so that none fills what all share: thing, the table that it is counted in, which
of its rows count, how many, and the code of the refusal. What is not here has another bound, which
test/database/tenant-limits.test.ts names.';

COMMENT ON TABLE "usher"."upkeep_failures" IS 'What upkeep could not do, for whom, and why: a line goes when the step has been done, or a day after the last failure.
usher.stuck shows them. No foreign key, because a trail outlives its organisation.';

COMMENT ON TYPE "usher"."upkeep_item" IS 'What is due in a step: a thing of an organisation; without an id, the organisation as a whole.';

COMMENT ON VIEW "usher"."audit_export" IS 'The trail as an auditor wants it: with the addresses that people have today, and with the seal that covers each
line. An address is null for somebody who was erased. Order it by occurred_at, event_id.';

COMMENT ON VIEW "usher"."stuck" IS 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

REVOKE ALL ON FUNCTION "usher"."announce_ending_access_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."client_address"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."end_due_access_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."expire_due_invites_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."purge_audit_trail"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."purge_audit_trail"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."purge_audit_trail_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."purge_auth_mails_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."purge_webhook_answers_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."read_address"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."remind_due_invites_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."remind_overdue_reviews"(integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."remind_overdue_reviews"(integer) TO "usher_worker";

REVOKE ALL ON FUNCTION "usher"."remind_overdue_reviews_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_room"(text, uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."require_room_for_invites"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."resting_organisations"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."run_upkeep"(text, usher.upkeep_item[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."seal_audit_trail_of"(uuid, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."tenant_limits"() FROM PUBLIC;

-- The first signing key, where no mail has made one yet: see sql/31_invite_tokens.sql.
SELECT usher.ensure_signing_key();
