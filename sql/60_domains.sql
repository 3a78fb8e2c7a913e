-- Domains: an organisation proves that a mail domain is its own, and lets its people join by themselves.
--
-- Proof is a TXT record at _usher.<domain>, which a worker looks up. Then people of that domain may join
-- with a role (join), or ask to and be approved (ask). Only where the project's Auth confirms addresses by
-- mail: otherwise anyone could register an address of the domain.
-- Domains need organisation.update, requests invite.read to see and invite.create to decide.

create table public.organisation_domains (
  organisation_id uuid not null references public.organisations on delete cascade,
  domain          text not null,
  verification    text not null,
  verified_at     timestamptz,
  checked_at      timestamptz,
  join_policy     text not null default 'none',
  role            text not null default 'member',
  created_at      timestamptz not null default now(),
  id              uuid not null default gen_random_uuid(),
  responsible_id  uuid,
  stops_at        timestamptz,

  primary key (organisation_id, domain),
  constraint organisation_domains_id_key unique (id),
  constraint organisation_domains_join_policy check (join_policy in ('none', 'join', 'ask')),
  constraint organisation_domains_bounds check (
    length(domain) <= 253 and length(verification) <= 100 and length(role) <= 63)
);
comment on table public.organisation_domains is
  'Mail domains of organisations. Read with organisation.update; written by functions only.';
comment on column public.organisation_domains.verification is
  'What the TXT record at _usher.<domain> has to say.';
comment on column public.organisation_domains.join_policy is
  'none; join: people of the domain become members by themselves; ask: they ask, and are approved.';
comment on column public.organisation_domains.role is 'What they join with.';
comment on column public.organisation_domains.responsible_id is
  'By whose word people join: who claimed the domain, or said last what its people may do; null: the project itself.';
comment on column public.organisation_domains.stops_at is
  'From when people ask and no longer join, unless somebody takes it over, because who answers for it has lost the right
to; null: it does not stop.';

-- Several may claim a domain; one proves it.
create unique index organisation_domains_one_owner
  on public.organisation_domains (domain) where verified_at is not null;

alter table public.organisation_domains enable row level security;
create policy organisation_domains_select on public.organisation_domains
  for select to authenticated
  using (organisation_id in (select usher.organisations_where('organisation.update')));
grant select on public.organisation_domains to authenticated, service_role;

create table public.organisation_join_requests (
  id              uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations on delete cascade,
  user_id         uuid not null references auth.users on delete cascade,
  email           text not null,
  status          text not null default 'pending',
  reason          text,
  created_at      timestamptz not null default now(),
  decided_at      timestamptz,
  decided_by      uuid,

  constraint organisation_join_requests_status check (status in ('pending', 'approved', 'declined')),
  constraint organisation_join_requests_decided check ((status = 'pending') = (decided_at is null)),
  constraint organisation_join_requests_bounds check (
    length(email) <= 254 and length(reason) <= 500)
);
comment on table public.organisation_join_requests is
  'Requests to join. Read with invite.read, and one''s own; written by functions only.';
create unique index organisation_join_requests_one_pending
  on public.organisation_join_requests (organisation_id, user_id) where status = 'pending';
create index organisation_join_requests_newest
  on public.organisation_join_requests (organisation_id, created_at desc);
create index organisation_join_requests_user_id on public.organisation_join_requests (user_id);

alter table public.organisation_join_requests enable row level security;
create policy organisation_join_requests_select on public.organisation_join_requests
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or organisation_id in (select usher.organisations_where('invite.read')));
grant select on public.organisation_join_requests to authenticated, service_role;

create function usher.create_domain(organisation_id uuid, domain text)
returns public.organisation_domains
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.create_domain is 'The rule behind public.create_organisation_domain.';

create function public.create_organisation_domain(organisation_id uuid, domain text)
returns public.organisation_domains
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.create_domain($1, $2) $$;
comment on function public.create_organisation_domain is
$$Claims a mail domain. It counts once a TXT record at _usher.<domain> holds what verification says; workers
look for it for 30 days.

Returns the domain with its verification. An organisation has at most 200, of which 20 are not verified yet. Needs
organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_domain to authenticated;
grant execute on function usher.create_domain to authenticated;

create function usher.update_domain(organisation_id uuid, domain text, join_policy text, role text)
returns public.organisation_domains
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.update_domain is 'The rule behind public.update_organisation_domain.';

create function public.update_organisation_domain(
  organisation_id uuid, domain text, join_policy text default null, role text default null
)
returns public.organisation_domains
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.update_domain($1, $2, $3, $4) $$;
comment on function public.update_organisation_domain is
$$Says what people of a domain may do, once it is verified; what is left out stays.

  join_policy  none; join: become members by themselves; ask: ask, and be approved
  role         what they join with; the caller must be able to give it

Returns the domain. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_role, role_not_assignable.$$;
grant execute on function public.update_organisation_domain to authenticated;
grant execute on function usher.update_domain to authenticated;

create function usher.delete_domain(organisation_id uuid, domain text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.delete_domain is 'The rule behind public.delete_organisation_domain.';

create function public.delete_organisation_domain(organisation_id uuid, domain text)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.delete_domain($1, $2) $$;
comment on function public.delete_organisation_domain is
$$Gives a domain up; who has joined by it stays. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.delete_organisation_domain to authenticated;
grant execute on function usher.delete_domain to authenticated;

create function usher.list_domains_to_verify()
returns table (organisation_id uuid, domain text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.list_domains_to_verify is
$$Claimed domains whose TXT record should be looked up now: one of each organisation before the second of any, 100 at
most. For workers.$$;
grant execute on function usher.list_domains_to_verify to usher_worker;

create function usher.confirm_domain(organisation_id uuid, domain text, txt_values text[])
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.confirm_domain is
$$Takes what a worker found in the TXT records at _usher.<domain>, and decides whether that proves the domain.

  txt_values  each record as one text; empty when there are none

Returns whether the domain is verified by this.$$;
grant execute on function usher.confirm_domain to usher_worker;

create function usher.my_joinable_domains()
returns setof public.organisation_domains
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select d.organisation_id, d.domain, d.verification, d.verified_at, d.checked_at,
    -- Without anybody's word nobody comes in by themselves: then they ask.
    case when d.stops_at <= statement_timestamp() then 'ask' else d.join_policy end,
    d.role, d.created_at, d.id, d.responsible_id, d.stops_at
  from auth.users u
  join public.organisation_domains d on d.domain = usher.email_domain(usher.normalise_email(u.email))
  where u.id = auth.uid() and usher.has_proven_address(u.id)
    and (select s.auth_confirms_addresses from usher.settings s)
    and d.verified_at is not null and d.join_policy <> 'none'
$$;
comment on function usher.my_joinable_domains is
  'Verified domains that the caller''s proven address belongs to and that let people join or ask.';

create function usher.domain_word_ends_at(domain public.organisation_domains)
returns timestamptz
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.domain_word_ends_at is
  'Until when a membership counts that somebody gets by a domain: no longer than the right of who answers for the rule.';

create function usher.list_joinable_organisations()
returns table (id uuid, name text, logo_url text, accent_colour text, domain text, join_policy text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select o.id, o.name, o.logo_url, o.accent_colour, d.domain,
    case when usher.domain_word_ends_at(d) <= statement_timestamp() then 'ask' else d.join_policy end
  from usher.my_joinable_domains() d
  join public.organisations o on o.id = d.organisation_id
  where not usher.is_banned(o.id, auth.uid()) and not exists (
    select from public.organisation_members m
    where m.organisation_id = o.id and m.user_id = auth.uid() and m.status in ('active', 'banned'))
  order by o.name
$$;
comment on function usher.list_joinable_organisations is 'The rule behind public.list_joinable_organisations.';

create function public.list_joinable_organisations()
returns table (id uuid, name text, logo_url text, accent_colour text, domain text, join_policy text)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$ select * from usher.list_joinable_organisations() $$;
comment on function public.list_joinable_organisations is
$$Organisations that the caller may join, or ask to, because of the domain of their confirmed address. Anyone
signed in may.$$;
grant execute on function public.list_joinable_organisations to authenticated;
grant execute on function usher.list_joinable_organisations to authenticated;

create function usher.join_organisation(organisation_id uuid)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.join_organisation is 'The rule behind public.join_organisation.';

create function public.join_organisation(organisation_id uuid)
returns text
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select usher.speak_to_invitee();
  select usher.join_organisation($1);
$$;
comment on function public.join_organisation is
$$Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested: where the organisation wants to be asked, for whoever was removed, had access with an
end or is turned off by a directory, and when asked before. Fails with unauthenticated, permission_denied (an
anonymous account), organisation_not_found (also where the caller's address does not open it), sso_required,
already_member, member_banned, seat_limit_reached, invalid_role, role_not_assignable, try_again, rate_limited (asked
five times within a day, or a thousand wait).$$;
grant execute on function public.join_organisation to authenticated;
grant execute on function usher.join_organisation to authenticated;

create function usher.join_request_for_change(request_id uuid, is_joining boolean)
returns public.organisation_join_requests
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.join_request_for_change is
$$A pending request, locked, for a caller with invite.create; is_joining: with all that whoever asked relies on when they
join. Fails with unauthenticated, request_not_found (also for another tenant's), permission_denied, request_not_open.$$;

create function usher.approve_join_request(request_id uuid, roles text[])
returns public.organisation_members
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.approve_join_request is 'The rule behind public.approve_organisation_join_request.';

create function public.approve_organisation_join_request(request_id uuid, roles text[] default null)
returns public.organisation_members
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.approve_join_request($1, $2) $$;
comment on function public.approve_organisation_join_request is
$$Lets somebody in who asked to join.

  roles  what they join with; without it, the role of their domain

Returns the membership. Needs invite.create, and the right to give the roles. Fails with unauthenticated,
request_not_found, permission_denied, request_not_open, invalid_role, role_not_assignable,
sso_required (they asked before the organisation asked for another way in), seat_limit_reached, already_member,
member_banned.$$;
grant execute on function public.approve_organisation_join_request to authenticated;
grant execute on function usher.approve_join_request to authenticated;

create function usher.decline_join_request(request_id uuid, reason text)
returns public.organisation_join_requests
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function usher.decline_join_request is 'The rule behind public.decline_organisation_join_request.';

create function public.decline_organisation_join_request(request_id uuid, reason text default null)
returns public.organisation_join_requests
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$ select usher.decline_join_request($1, $2) $$;
comment on function public.decline_organisation_join_request is
$$Turns a request to join down; they may ask again.

  reason  at most 500 characters, without addresses and links; the one who asked can read it

Returns the request. Needs invite.create. Fails with unauthenticated, request_not_found, permission_denied,
request_not_open, invalid_message.$$;
grant execute on function public.decline_organisation_join_request to authenticated;
grant execute on function usher.decline_join_request to authenticated;
