-- Changing organisations: creating one, its settings, deleting it.

create function usher.free_slug(name text) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
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
$$;
comment on function usher.free_slug
  is 'A slug made of a name of at most 100 characters that no organisation has at this moment, and none is kept from.';

create function usher.create_organisation(
  name text,
  slug text default null
) returns public.organisations
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
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
$$;
comment on function usher.create_organisation
  is 'The rule behind public.create_organisation.';

create function public.create_organisation(
  name text,
  slug text default null
) returns public.organisations
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_organisation($1, $2) $$;
comment on function public.create_organisation
  is $$Creates an organisation; the caller becomes its owner.

  name  one line, 1 to 100 characters, without addresses and links
  slug  2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www; without it, one is
        made of the name

Returns the organisation. Anyone signed in with a confirmed address may. Fails with unauthenticated,
permission_denied (an anonymous account), email_unverified, invalid_settings, invalid_slug, slug_taken.$$;
grant execute on function public.create_organisation to authenticated;
grant execute on function usher.create_organisation to authenticated;

create function usher.update_organisation(
  organisation_id uuid,
  changes jsonb
) returns public.organisations
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
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
    select distinct coalesce(usher.clean_domain(btrim(d, ' @')), '')
    from unnest(v_after.allowed_email_domains) d order by 1);

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
    or '' = any (v_after.allowed_email_domains)
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
$$;
comment on function usher.update_organisation
  is 'The rule behind public.update_organisation.';

create function public.update_organisation(
  organisation_id uuid,
  changes jsonb
) returns public.organisations
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_organisation($1, $2) $$;
comment on function public.update_organisation
  is $$Changes settings of an organisation; what is left out stays, and null takes an optional one back.

  changes  an object with any of
    name                   one line, 1 to 100 characters, without addresses and links
    slug                   2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www
    logo_url               an https address, or null
    accent_colour          #rrggbb, or null
    sender_name            who its mails come from by name, before "via" and the project's: as name, or null: its name
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
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.$$;
grant execute on function public.update_organisation to authenticated;
grant execute on function usher.update_organisation to authenticated;

create function usher.delete_organisation(organisation_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(delete_organisation.organisation_id, 'organisation.delete', 'delete');
begin
  perform usher.record_event(v_member.organisation_id, 'organisation.deleted', 'organisation',
    v_member.organisation_id);
  -- What goes with it is locked in the order of all changes, and not in that of the tables' foreign keys.
  perform from public.organisation_members m
  where m.organisation_id = v_member.organisation_id order by m.id for update;
  perform from usher.invites i
  where i.organisation_id = v_member.organisation_id order by i.id for update;
  delete from public.organisations o where o.id = v_member.organisation_id;
end
$$;
comment on function usher.delete_organisation
  is 'The rule behind public.delete_organisation.';

create function public.delete_organisation(organisation_id uuid) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_organisation($1) $$;
comment on function public.delete_organisation
  is $$Deletes an organisation with its members, roles, invites and mails, for good. Its audit trail stays, for
operators. The owner may. Fails with unauthenticated, organisation_not_found, permission_denied.$$;
grant execute on function public.delete_organisation to authenticated;
grant execute on function usher.delete_organisation to authenticated;
