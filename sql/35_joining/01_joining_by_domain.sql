-- Joining by domain: people of a verified domain join by themselves, or ask to.
--
-- Only where the project's Auth confirms addresses by mail: otherwise anyone could register an address of the domain.

create table public.organisation_join_requests (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_id uuid not null references auth.users on delete cascade,
  email text not null,
  status text not null default 'pending',
  reason text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  decided_by uuid,
  constraint organisation_join_requests_status check (
    status in ('pending', 'approved', 'declined')
  ),
  constraint organisation_join_requests_decided check (
    (status = 'pending') = (decided_at is null)
  ),
  constraint organisation_join_requests_bounds check (
    length(email) <= 254 and length(reason) <= 500
  )
);
comment on table public.organisation_join_requests
  is 'Requests to join. Read with invite.read, and one''s own; written by functions only.';
create unique index organisation_join_requests_one_pending
  on public.organisation_join_requests (organisation_id, user_id)
  where status = 'pending';
create index organisation_join_requests_newest
  on public.organisation_join_requests (organisation_id, created_at desc);
create index organisation_join_requests_user_id
  on public.organisation_join_requests (user_id);

alter table public.organisation_join_requests enable row level security;
create policy organisation_join_requests_select
  on public.organisation_join_requests
  for select
  to authenticated
  using (
    user_id = (select auth.uid())
      or organisation_id in (select usher.organisations_where('invite.read'))
  );
grant select on public.organisation_join_requests to authenticated, service_role;

create function usher.my_joinable_domains() returns setof public.organisation_domains
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
comment on function usher.my_joinable_domains
  is 'Verified domains that the caller''s proven address belongs to and that let people join or ask.';

create function usher.domain_word_ends_at(
  domain public.organisation_domains
) returns timestamptz
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
comment on function usher.domain_word_ends_at
  is 'Until when a membership gained by a domain counts: no longer than the right of who answers for the rule.';

create function usher.list_joinable_organisations() returns table (
  id uuid,
  name text,
  logo_url text,
  accent_colour text,
  domain text,
  join_policy text
)
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
comment on function usher.list_joinable_organisations
  is 'The rule behind public.list_joinable_organisations.';

create function public.list_joinable_organisations() returns table (
  id uuid,
  name text,
  logo_url text,
  accent_colour text,
  domain text,
  join_policy text
)
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_joinable_organisations() $$;
comment on function public.list_joinable_organisations
  is $$Organisations that the caller may join, or ask to, because of the domain of their confirmed address. Anyone
signed in may.$$;
grant execute on function public.list_joinable_organisations to authenticated;
grant execute on function usher.list_joinable_organisations to authenticated;

create function usher.join_organisation(organisation_id uuid) returns text
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
    perform usher.require_may_join(v_domain.organisation_id, auth.uid(), v_email, array[v_domain.role]);
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
$$;
comment on function usher.join_organisation
  is 'The rule behind public.join_organisation.';

create function public.join_organisation(organisation_id uuid) returns text
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.join_organisation($1);
$$;
comment on function public.join_organisation
  is $$Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested: where the organisation wants to be asked, for whoever was removed, had access with an
end or is turned off by a directory, and when asked before. Fails with unauthenticated, permission_denied (an
anonymous account), organisation_not_found (also where the caller's address does not open it), sso_required,
already_member, member_banned, seat_limit_reached, invalid_role, role_not_assignable, try_again, rate_limited (asked
five times within a day, or a thousand wait).$$;
grant execute on function public.join_organisation to authenticated;
grant execute on function usher.join_organisation to authenticated;
