-- Organisations: the tenants. Every other row belongs to exactly one of them.
--
-- Anyone signed in with a confirmed address may create one and is then its owner. Reading needs organisation.read.

create table public.organisations (
  id                    uuid primary key default gen_random_uuid(),
  name                  text not null,
  slug                  text not null,
  logo_url              text,
  accent_colour         text,
  sender_name           text,
  reply_to              text,
  locale                text not null default 'en',
  invite_ttl            interval not null default '7 days',
  seat_limit            integer,
  allowed_email_domains text[] not null default '{}',
  self_service_resend   boolean not null default false,
  expiry_mail           boolean not null default false,
  track_opens           boolean not null default false,
  reminder_before       interval,
  audit_retention       interval,
  created_at            timestamptz not null default now(),
  credential_grace      interval not null default '7 days',

  constraint organisations_slug_key unique (slug),
  constraint organisations_name check (usher.clean_line(name, 100) = name),
  constraint organisations_slug check (usher.is_slug(slug)),
  constraint organisations_logo_url check (usher.url_origin(logo_url) is not null or logo_url is null),
  constraint organisations_accent_colour check (accent_colour ~ '^#[0-9a-f]{6}$'),
  constraint organisations_sender_name check (usher.clean_line(sender_name, 100) = sender_name or sender_name is null),
  constraint organisations_reply_to check (usher.normalise_email(reply_to) = reply_to or reply_to is null),
  constraint organisations_locale check (usher.is_locale(locale)),
  constraint organisations_invite_ttl check (usher.is_span(invite_ttl, '1 hour', '30 days')),
  constraint organisations_reminder_before check (usher.is_span(reminder_before, '1 hour', '14 days')),
  constraint organisations_audit_retention check (usher.is_span(audit_retention, '30 days', '100 years')),
  constraint organisations_credential_grace check (usher.is_span(credential_grace, '0', '30 days')),
  constraint organisations_seat_limit check (seat_limit between 1 and 1000000),
  constraint organisations_allowed_email_domains check (
    cardinality(allowed_email_domains) <= 1000
    and octet_length(array_to_string(allowed_email_domains, '')) <= 254000),
  constraint organisations_bounds check (length(name) <= 100 and length(sender_name) <= 100 and length(reply_to) <= 254)
);
comment on table public.organisations is 'The tenants. Read with organisation.read; written by functions only.';
comment on column public.organisations.accent_colour is 'For pages and mails: # and six lower-case hex digits.';
comment on column public.organisations.sender_name is 'Who its mails come from by name; null: its name.';
comment on column public.organisations.reply_to is 'Where answers to its mails go; null: nowhere.';
comment on column public.organisations.locale is 'Language of its mails when an invite names none.';
comment on column public.organisations.invite_ttl is 'Lifetime of an invite when it names none: 1 hour to 30 days.';
comment on column public.organisations.seat_limit is 'How many active members there may be; null: any number.';
comment on column public.organisations.allowed_email_domains is
  'Only addresses of these domains may be invited and may accept; empty: any.';
comment on column public.organisations.self_service_resend is
  'Whether the holder of an expired link gets a new one without asking an admin.';

comment on column public.organisations.expiry_mail is 'Whether who sent an invite hears when it has expired.';

comment on column public.organisations.track_opens is
  'Whether it is recorded that a mail was opened, where the mail provider tells.';

comment on column public.organisations.reminder_before is
  'How long before its end an unanswered invite is brought to mind again, once; null: not.';
comment on column public.organisations.audit_retention is
  'How long the trail is kept, 30 days to 100 years; null: for ever. The owner alone changes it.';
comment on column public.organisations.credential_grace is
  'How long tokens of directories and joining by domain go on after who answers for them lost the right: 0 to 30 days.';

create function usher.tenant_limits()
returns table (thing text, relation regclass, counted text, at_most integer, code text)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.tenant_limits is
$$What one organisation may have at most, so that none fills what all share: thing, the table that it is counted in, which
of its rows count, how many, and the code of the refusal. What is not here has another bound, which
test/database/tenant-limits.test.ts names.$$;

create function usher.require_room(thing text, organisation_id uuid, more integer default 1)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.require_room is
$$Fails, as usher.tenant_limits says, when an organisation would have more of a thing than it may.

  thing  as usher.tenant_limits names it
  more   how many are to come

To be exact, its caller has locked the organisation; where many come at once and do not wait for each other, as those
who ask to join, a few more may get in.$$;

create function usher.free_slug(name text)
returns text
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
  while not usher.is_slug(v_slug) or usher.is_reserved_slug(v_slug) or exists (select from public.organisations o where o.slug = v_slug) loop
    v_slug := concat_ws('-', nullif(v_base, ''), encode(extensions.gen_random_bytes(3), 'hex'));
  end loop;
  return v_slug;
end
$$;
comment on function usher.free_slug is
  'A slug made of a name of at most 100 characters that no organisation has at this moment, and none is kept from.';

create function usher.create_organisation(name text, slug text default null)
returns public.organisations
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
comment on function usher.create_organisation is 'The rule behind public.create_organisation.';

create function public.create_organisation(name text, slug text default null)
returns public.organisations
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.create_organisation($1, $2) $$;
comment on function public.create_organisation is
$$Creates an organisation; the caller becomes its owner.

  name  one line, 1 to 100 characters, without addresses and links
  slug  2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www; without it, one is
        made of the name

Returns the organisation. Anyone signed in with a confirmed address may. Fails with unauthenticated,
permission_denied (an anonymous account), email_unverified, invalid_settings, invalid_slug, slug_taken.$$;
grant execute on function public.create_organisation to authenticated;
grant execute on function usher.create_organisation to authenticated;
