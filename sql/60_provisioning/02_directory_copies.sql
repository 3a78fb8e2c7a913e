-- Directory copies: what other applications are known to hold of members and roles.
--
-- A copy is a member at an endpoint. It is marked in the transaction that changes the member, and says that
-- something changed, never what.

create table public.organisation_directory_copies (
  endpoint_id uuid not null references public.organisation_directory_endpoints
    on delete cascade,
  member_id uuid not null,
  organisation_id uuid not null references public.organisations
    on delete cascade,
  status text not null default 'waiting',
  remote_id text,
  roles text[] not null default '{}',
  change bigint not null default 1,
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  fence bigint not null default 0,
  leased_until timestamptz,
  last_error text,
  synced_at timestamptz,
  primary key (endpoint_id, member_id),
  constraint organisation_directory_copies_status check (
    status in ('waiting', 'current', 'failed')
  ),
  constraint organisation_directory_copies_bounds check (
    length(remote_id) <= 1000
      and cardinality(roles) <= 1000
      and octet_length(array_to_string(roles, '')) <= 63000
  )
);
comment on table public.organisation_directory_copies
  is 'Members as other applications have them. Read with directory.manage; written by functions only.';
comment on column public.organisation_directory_copies.member_id
  is 'No foreign key: whoever is gone here has still to be gone there.';
comment on column public.organisation_directory_copies.remote_id
  is 'The id of the User there; null: none is known.';
comment on column public.organisation_directory_copies.roles
  is 'In whose Groups they are there, as far as is known.';
comment on column public.organisation_directory_copies.change
  is 'Goes up with each mark.';
comment on column public.organisation_directory_copies.fence
  is 'Goes up with each lease; older holders are refused.';

create index organisation_directory_copies_due
  on public.organisation_directory_copies (endpoint_id, due_at)
  where status = 'waiting';
create index organisation_directory_copies_member_id
  on public.organisation_directory_copies (member_id);
create index organisation_directory_copies_organisation_id
  on public.organisation_directory_copies (organisation_id);

alter table public.organisation_directory_copies enable row level security;
create policy organisation_directory_copies_select
  on public.organisation_directory_copies
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('directory.manage'))
  );
grant select on public.organisation_directory_copies to authenticated, service_role;

create table usher.directory_group_copies (
  endpoint_id uuid not null references public.organisation_directory_endpoints
    on delete cascade,
  role text not null,
  remote_id text,
  fence bigint not null default 0,
  leased_until timestamptz,
  primary key (endpoint_id, role),
  constraint directory_group_copies_bounds check (
    length(role) <= 63
      and length(remote_id) <= 1000
      and fence between 0 and 1000000000000
      and leased_until
        between timestamptz '2000-01-01T00:00:00Z'
        and timestamptz '9999-12-31T23:59:59.999999Z'
  )
);
comment on table usher.directory_group_copies
  is 'Which Group of an endpoint stands for which role, and who may write to it at this moment.';
comment on column usher.directory_group_copies.remote_id
  is 'The id of the Group there; null: none is known.';
comment on column usher.directory_group_copies.fence
  is 'Goes up with each lease; older holders are refused.';
alter table usher.directory_group_copies enable row level security;
create policy directory_group_copies_nobody
  on usher.directory_group_copies
  for select
  to public
  using (false);

create function usher.mark_copies(endpoint_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into public.organisation_directory_copies (endpoint_id, member_id, organisation_id)
  select e.id, m.id, e.organisation_id
  from public.organisation_directory_endpoints e
  join public.organisation_members m on m.organisation_id = e.organisation_id
  where e.id = mark_copies.endpoint_id and m.status = 'active' and m.kind = 'user';
end
$$;
comment on function usher.mark_copies
  is 'Marks every member at an endpoint at which nobody is marked yet.';

create function usher.tg_organisation_members__mark_copies() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := coalesce(new, old);
begin
  if not exists (
    select from public.organisation_directory_endpoints e where e.organisation_id = v_member.organisation_id)
  then
    return null;
  end if;
  insert into public.organisation_directory_copies as c (endpoint_id, member_id, organisation_id)
  select e.id, v_member.id, e.organisation_id
  from public.organisation_directory_endpoints e
  where e.organisation_id = v_member.organisation_id
    and (v_member.status = 'active' and v_member.kind = 'user' and tg_op <> 'DELETE' or exists (
      select from public.organisation_directory_copies k
      where k.endpoint_id = e.id and k.member_id = v_member.id))
  on conflict on constraint organisation_directory_copies_pkey do update
  set status = 'waiting', change = c.change + 1, due_at = now(), attempts = 0;
  return null;
end
$$;
comment on function usher.tg_organisation_members__mark_copies
  is 'Marks a member who has changed at each endpoint of the organisation.';

create trigger usher_mark_copies
  after insert or delete
  on public.organisation_members
  for each row
  execute function usher.tg_organisation_members__mark_copies();
create trigger usher_mark_changed_copies
  after update of status, roles, email, display_name, kind
  on public.organisation_members
  for each row
  when (
    old.status <> new.status
      or old.roles <> new.roles
      or old.kind <> new.kind
      or old.email is distinct from new.email
      or old.display_name is distinct from new.display_name
  )
  execute function usher.tg_organisation_members__mark_copies();
