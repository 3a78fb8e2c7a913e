-- Roles: named sets of permissions, and who may give which.
--
-- Four are built in and the same everywhere: owner, admin, finance, member. What they hold and who may
-- assign them is data: three tables, filled below. Reading an organisation's roles needs role.read.

create table usher.permissions (
  name text primary key,
  description text not null,
  constraint permissions_name check (name ~ '^[a-z][a-z_]*\.[a-z][a-z_]*$')
);
comment on table usher.permissions
  is 'Every permission there is, as thing.action.';
alter table usher.permissions enable row level security;
create policy permissions_nobody
  on usher.permissions
  for select
  to public
  using (false);

insert into usher.permissions (name, description) values
  ('organisation.read', 'See the organisation itself'),
  ('organisation.update', 'Change name, branding, lifetimes and limits'),
  ('organisation.delete', 'Delete the organisation'),
  ('organisation.transfer', 'Make another member the owner'),
  ('member.read', 'See members, their roles and addresses'),
  ('member.update', 'Change the roles of members'),
  ('member.remove', 'Remove members'),
  ('member.ban', 'Ban members and lift bans'),
  ('role.read', 'See roles and what they permit'),
  ('role.manage', 'Create, change and delete own roles'),
  ('invite.read', 'See invites and what became of them'),
  ('invite.create', 'Invite people and devices'),
  ('invite.resend', 'Send an invite again'),
  ('invite.revoke', 'Withdraw an invite, or let it expire'),
  ('invite.reveal', 'See the link of an invite'),
  ('audit.read', 'Read and verify the audit trail'),
  (
    'access_review.manage',
    'Review who may do what: confirm and withdraw rights'
  ),
  ('directory.manage', 'Let identity providers and applications keep members'),
  ('webhook.manage', 'See and change webhooks'),
  ('billing.read', 'For your application: see invoices and plans'),
  ('billing.manage', 'For your application: pay and change plans');

create table public.organisation_roles (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid references public.organisations on delete cascade,
  name text not null,
  description text not null default '',
  permissions text[] not null default '{}',
  granted_permissions text[] not null default '{}',
  inherits text[] not null default '{}',
  created_at timestamptz not null default now(),
  constraint organisation_roles_name_key unique nulls not distinct (
    organisation_id,
    name
  ),
  constraint organisation_roles_name check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
  constraint organisation_roles_bounds check (
    length(description) <= 500
      and cardinality(inherits) <= 1000
      and cardinality(permissions) <= 1000
      and cardinality(granted_permissions) <= 1000
      and octet_length(
        array_to_string(permissions || granted_permissions || inherits, '')
      )
      <= 200000
  )
);
comment on table public.organisation_roles
  is 'The built-in roles (no organisation_id) and the own roles of organisations. Read with role.read.';
comment on column public.organisation_roles.permissions
  is 'All that it permits: what was granted and what it inherits. Names out of usher.permissions.';
comment on column public.organisation_roles.granted_permissions
  is 'What was granted to an own role itself; empty for a built-in one.';
comment on column public.organisation_roles.inherits
  is 'Roles whose permissions an own role has as well.';

-- The keys of built-in roles are fixed, so that they are the same in every project.
insert into public.organisation_roles (
  id,
  name,
  description,
  permissions,
  created_at
)
values
  (
    '00000000-0000-4000-8000-000000000001',
    'owner',
    'Everything. Exactly one member, never invited.',
    '{organisation.read,organisation.update,organisation.delete,organisation.transfer,'
    'member.read,member.update,member.remove,member.ban,role.read,role.manage,'
    'invite.read,invite.create,invite.resend,invite.revoke,invite.reveal,directory.manage,'
    'audit.read,access_review.manage,webhook.manage,billing.read,billing.manage}',
    '2026-01-01T00:00:00Z'
  ),
  (
    '00000000-0000-4000-8000-000000000002',
    'admin',
    'Everything but deleting or handing over the organisation.',
    '{organisation.read,organisation.update,'
    'member.read,member.update,member.remove,member.ban,role.read,role.manage,'
    'invite.read,invite.create,invite.resend,invite.revoke,invite.reveal,directory.manage,'
    'audit.read,access_review.manage,webhook.manage,billing.read,billing.manage}',
    '2026-01-01T00:00:00Z'
  ),
  (
    '00000000-0000-4000-8000-000000000003',
    'finance',
    'A member who also sees to the bills.',
    '{organisation.read,member.read,role.read,billing.read,billing.manage}',
    '2026-01-01T00:00:00Z'
  ),
  (
    '00000000-0000-4000-8000-000000000004',
    'member',
    'Sees the organisation, its members and its roles.',
    '{organisation.read,member.read,role.read}',
    '2026-01-01T00:00:00Z'
  );

create table usher.role_assigners (
  assigner text not null,
  role text not null,
  primary key (assigner, role)
);
comment on table usher.role_assigners
  is 'Who may give which built-in role. owner is nobody''s to give: it is transferred.';
alter table usher.role_assigners enable row level security;
create policy role_assigners_nobody
  on usher.role_assigners
  for select
  to public
  using (false);

insert into usher.role_assigners (assigner, role) values
  ('owner', 'admin'),
  ('owner', 'finance'),
  ('owner', 'member'),
  ('admin', 'finance'),
  ('admin', 'member');

create function usher.create_permission(
  name text,
  description text,
  roles text[] default '{}'
) returns usher.permissions
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_permission usher.permissions;
begin
  if length(create_permission.name) > 100
    or create_permission.name !~ '^[a-z][a-z_]*\.[a-z][a-z_]*$'
    or create_permission.name is null
  then
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
$$;
comment on function usher.create_permission
  is $$Adds a permission of the application to the registry. For operators, in a migration of the application.

  name         thing.action, in lower case, such as invoice.approve
  description  at most 500 characters
  roles        which built-in roles hold it, beside owner, who holds everything

Ask for it by has_organisation_permission and usher.organisations_where. Returns the permission. A project has at most
500. Fails with invalid_settings.$$;

create function usher.permissions_of(
  organisation_id uuid,
  roles text[]
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select distinct p.name
    from public.organisation_roles r
    cross join unnest(r.permissions) p (name)
    where r.name = any (permissions_of.roles)
      and (r.organisation_id is null or r.organisation_id = permissions_of.organisation_id);
end
$$;
comment on function usher.permissions_of
  is 'What these roles permit together in this organisation.';

create function usher.permits(
  organisation_id uuid,
  roles text[],
  permission text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from public.organisation_roles r
    where r.name = any (permits.roles)
      and (r.organisation_id is null or r.organisation_id = permits.organisation_id)
      and permits.permission = any (r.permissions));
end
$$;
comment on function usher.permits
  is 'Whether one of these roles permits this in this organisation: usher.permissions_of for one permission.';

create function usher.clean_roles(roles text[]) returns text[]
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Twice as many as there can be permissions, and longer than any of them is called.
  if cardinality(clean_roles.roles) > 1000
    or exists (select from unnest(clean_roles.roles) r where length(r) > 200)
  then
    return null;
  end if;
  return array(select distinct btrim(r) from unnest(clean_roles.roles) r order by 1);
end
$$;
comment on function usher.clean_roles
  is $$Sorted, each once: the one form in which a set of roles, or of permissions, is stored, compared and signed. Null
for more than 1,000, and for what none of them can be called.$$;
