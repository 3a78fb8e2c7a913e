-- Domains: an organisation proves that a mail domain is its own, and lets its people join by themselves.
--
-- Proof is a TXT record at _usher.<domain>, which a worker looks up. Then people of that domain may join
-- with a role (join), or ask to and be approved (ask). Only where the project's Auth confirms addresses by
-- mail: otherwise anyone could register an address of the domain.
-- Domains need organisation.update, requests invite.read to see and invite.create to decide.

create function usher.may_take_answers(
  organisation_id uuid,
  email text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
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
$$;
comment on function usher.may_take_answers
  is $$Whether answers to an organisation's mails may go to this normalised address: at this moment it is the confirmed
address of a member, or one of a domain that the organisation has verified. Nobody has answers sent to a stranger.$$;
create table public.organisation_domains (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  domain text not null,
  verification text not null,
  verified_at timestamptz,
  checked_at timestamptz,
  join_policy text not null default 'none',
  role text not null default 'member',
  created_at timestamptz not null default now(),
  id uuid not null default gen_random_uuid(),
  responsible_id uuid,
  stops_at timestamptz,
  primary key (organisation_id, domain),
  constraint organisation_domains_id_key unique (id),
  constraint organisation_domains_join_policy check (
    join_policy in ('none', 'join', 'ask')
  ),
  constraint organisation_domains_bounds check (
    length(domain) <= 253 and length(verification) <= 100 and length(role) <= 63
  )
);
comment on table public.organisation_domains
  is 'Mail domains of organisations. Read with organisation.update; written by functions only.';
comment on column public.organisation_domains.verification
  is 'What the TXT record at _usher.<domain> has to say.';
comment on column public.organisation_domains.join_policy
  is 'none; join: people of the domain become members by themselves; ask: they ask, and are approved.';
comment on column public.organisation_domains.role is 'What they join with.';
comment on column public.organisation_domains.responsible_id
  is 'By whose word people join: who claimed the domain, or last said what its people may do; null: the project.';
comment on column public.organisation_domains.stops_at
  is 'From when people ask and no longer join, unless somebody takes it over, because who answers for it has lost the
right to; null: it does not stop.';

-- Several may claim a domain; one proves it.
create unique index organisation_domains_one_owner
  on public.organisation_domains (domain)
  where verified_at is not null;

alter table public.organisation_domains enable row level security;
create policy organisation_domains_select
  on public.organisation_domains
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('organisation.update'))
  );
grant select on public.organisation_domains to authenticated, service_role;

create function usher.create_domain(
  organisation_id uuid,
  domain text
) returns public.organisation_domains
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_domain.organisation_id, 'organisation.update', 'settings');
  v_domain text := usher.clean_domain(btrim(create_domain.domain, ' @'));
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
comment on function usher.create_domain
  is 'The rule behind public.create_organisation_domain.';

create function public.create_organisation_domain(
  organisation_id uuid,
  domain text
) returns public.organisation_domains
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_domain($1, $2) $$;
comment on function public.create_organisation_domain
  is $$Claims a mail domain. It counts once a TXT record at _usher.<domain> holds what verification says; workers
look for it for 30 days.

Returns the domain with its verification. An organisation has at most 200, of which 20 are not verified yet. Needs
organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_domain to authenticated;
grant execute on function usher.create_domain to authenticated;

create function usher.update_domain(
  organisation_id uuid,
  domain text,
  join_policy text,
  role text
) returns public.organisation_domains
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
  where d.organisation_id = v_member.organisation_id
    and d.domain = usher.clean_domain(btrim(update_domain.domain, ' @'))
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
comment on function usher.update_domain
  is 'The rule behind public.update_organisation_domain.';

create function public.update_organisation_domain(
  organisation_id uuid,
  domain text,
  join_policy text default null,
  role text default null
) returns public.organisation_domains
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_domain($1, $2, $3, $4) $$;
comment on function public.update_organisation_domain
  is $$Says what people of a domain may do, once it is verified; what is left out stays.

  join_policy  none; join: become members by themselves; ask: ask, and be approved
  role         what they join with; the caller must be able to give it

Returns the domain. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_role, role_not_assignable.$$;
grant execute on function public.update_organisation_domain to authenticated;
grant execute on function usher.update_domain to authenticated;

create function usher.delete_domain(
  organisation_id uuid,
  domain text
) returns void
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
  where d.organisation_id = delete_domain.organisation_id
    and d.domain = usher.clean_domain(btrim(delete_domain.domain, ' @'))
  returning * into v_row;
  if not found then
    perform usher.fail('invalid_settings', hint => 'The organisation has no such domain.');
  end if;
  perform usher.record_event(v_row.organisation_id, 'domain.deleted', 'organisation', v_row.organisation_id,
    before => jsonb_build_object('domain', v_row.domain));
end
$$;
comment on function usher.delete_domain
  is 'The rule behind public.delete_organisation_domain.';

create function public.delete_organisation_domain(
  organisation_id uuid,
  domain text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_domain($1, $2) $$;
comment on function public.delete_organisation_domain
  is $$Gives a domain up; who has joined by it stays. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.delete_organisation_domain to authenticated;
grant execute on function usher.delete_domain to authenticated;

create function usher.list_domains_to_verify() returns table (
  organisation_id uuid,
  domain text
)
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
comment on function usher.list_domains_to_verify
  is $$Claimed domains whose TXT record should be looked up now: one of each organisation before the second of any,
100 at most. For workers.$$;
grant execute on function usher.list_domains_to_verify to usher_worker;

create function usher.confirm_domain(
  organisation_id uuid,
  domain text,
  txt_values text[]
) returns boolean
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
comment on function usher.confirm_domain
  is $$Takes what a worker found in the TXT records at _usher.<domain>, and decides whether that proves the domain.

  txt_values  each record as one text; empty when there are none

Returns whether the domain is verified by this.$$;
grant execute on function usher.confirm_domain to usher_worker;
