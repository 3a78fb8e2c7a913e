-- Keeping the trail for hundreds of thousands of years made the upkeep of everybody fail; the same roles once more
-- were a change and a mail; a trail that never was counted as whole.

set local check_function_bodies = off;

update public.organisations set audit_retention = interval '100 years' where audit_retention > interval '100 years';

ALTER TABLE "public"."organisations" DROP CONSTRAINT "organisations_audit_retention";

CREATE OR REPLACE FUNCTION usher.check_audit_trail(organisation_id uuid)
 RETURNS public.organisation_audit_verification
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER TABLE "public"."organisations" ADD CONSTRAINT "organisations_audit_retention" CHECK (((audit_retention >= '30 days'::interval) AND (audit_retention <= '100 years'::interval)));

COMMENT ON COLUMN "public"."organisations"."audit_retention" IS 'How long the trail is kept, 30 days to 100 years; null: for ever.';

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
    audit_retention        how long the trail is kept: 30 days to 100 years, or null: for ever

Returns the organisation. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.';

COMMENT ON FUNCTION "public"."update_organisation_member_roles"(uuid, uuid, text[]) IS 'Gives a member exactly these roles; they count at once, and the member gets a mail. Roles that the member has
already are no change: nothing is recorded, and no mail is sent.

  roles  names of roles, or none: a member without a role may do nothing; never owner

Returns the membership. Needs member.update, at least the permissions that the member holds, and the right
to give what is added. Fails with unauthenticated, organisation_not_found, permission_denied,
member_not_found, owner_required, invalid_role, role_not_assignable.';

COMMENT ON FUNCTION "usher"."check_audit_trail"(uuid) IS 'Recomputes the seals of a trail, whoever asks; also of an organisation that is gone. For operators, and for
usher.verify_audit_trail. Fails with organisation_not_found where there never was one.';
