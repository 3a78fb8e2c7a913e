-- Invites: one offer of membership to one address, or one device, carrying exact roles.
--
-- pending ─▶ accepted │ declined │ revoked │ expired.   Pending and expired can be sent again.
-- Reading needs invite.read. Nobody writes them: every change is a function.
--
-- The rows live here and are read through public.organisation_invites, because a row past its time
-- must read as expired before any sweep has come by, and a stored column cannot know the time.

-- One check and not nine: Postgres reads and plans each anew in every statement that writes a row, which took longer
-- than to write it.
create function usher.is_sound_invite(
  status text,
  inviter_kind text,
  email text,
  device_name text,
  roles text[],
  message text,
  locale text,
  redirect_to text,
  metadata jsonb,
  lifetime interval,
  membership_ends_at timestamptz,
  expires_at timestamptz,
  accepted_at timestamptz,
  accepted_by uuid,
  declined_at timestamptz,
  declined_reason text,
  revoked_at timestamptz,
  revoked_reason text
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_sound_invite.status in ('pending', 'accepted', 'declined', 'revoked', 'expired')
    and is_sound_invite.inviter_kind in ('user', 'directory')
    and usher.is_span(is_sound_invite.lifetime, '1 hour', '30 days')
    -- The owner is transferred, never invited.
    and cardinality(is_sound_invite.roles) between 1 and 20
    and octet_length(array_to_string(is_sound_invite.roles, '')) <= 20 * 63
    and not 'owner' = any (is_sound_invite.roles)
    and (is_sound_invite.status = 'accepted')
      = (is_sound_invite.accepted_at is not null and is_sound_invite.accepted_by is not null)
    and (is_sound_invite.status = 'declined') = (is_sound_invite.declined_at is not null)
    and (is_sound_invite.status = 'revoked') = (is_sound_invite.revoked_at is not null)
    and length(is_sound_invite.email) <= 254
    and length(is_sound_invite.device_name) <= 100
    and length(is_sound_invite.message) <= 1000
    and length(is_sound_invite.locale) <= 35
    and length(is_sound_invite.redirect_to) <= 2000
    and pg_column_size(is_sound_invite.metadata) <= 8192
    and length(is_sound_invite.declined_reason) <= 500
    and length(is_sound_invite.revoked_reason) <= 500
    and is_sound_invite.expires_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and is_sound_invite.membership_ends_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z';
end
$$;
comment on function usher.is_sound_invite
  is 'What holds for every row of usher.invites: its words, its bounds, and which times belong to which status.';

create table usher.invites (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  kind text not null default 'user',
  email text,
  device_name text,
  roles text[] not null,
  status text not null default 'pending',
  message text,
  locale text,
  redirect_to text,
  metadata jsonb not null default '{}',
  template_id uuid references public.organisation_email_templates
    on delete set null,
  invited_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  issue integer not null default 1,
  issued_at timestamptz not null default now(),
  lifetime interval not null,
  membership_ends_at timestamptz,
  reminded_issue integer not null default 0,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by uuid,
  declined_at timestamptz,
  declined_reason text,
  revoked_at timestamptz,
  revoked_by uuid,
  revoked_reason text,
  bounced_at timestamptz,
  inviter_kind text not null default 'user',
  constraint invites_subject check (
    kind = 'user' and email is not null and device_name is null
      or kind = 'device' and email is null and device_name is not null
  ),
  constraint invites_are_sound check (
    usher.is_sound_invite(
      status,
      inviter_kind,
      email,
      device_name,
      roles,
      message,
      locale,
      redirect_to,
      metadata,
      lifetime,
      membership_ends_at,
      expires_at,
      accepted_at,
      accepted_by,
      declined_at,
      declined_reason,
      revoked_at,
      revoked_reason
    )
  )
);
comment on table usher.invites
  is 'Offers of membership. The API reads them as public.organisation_invites.';
comment on column usher.invites.issue
  is 'Which sending of it counts: links of an earlier issue are dead. 1 at first, one more with each resend.';
comment on column usher.invites.invited_by
  is 'By whose word it lets in: who made it, or who sent it again once that right was gone; no foreign key, because
it outlives the account. Null: by the project itself.';
comment on column usher.invites.inviter_kind
  is 'user; directory: by a token of a directory, and invited_by is who answered for that token.';
comment on column usher.invites.reminded_issue
  is 'The issue that was brought to mind; each is at most once.';
comment on column usher.invites.template_id
  is 'How its mail is worded; null: by the organisation''s default.';
comment on column usher.invites.bounced_at
  is 'When the mail of the present issue came back for good, or was not sent because the address takes none.';
comment on column usher.invites.lifetime
  is 'How long each issue of it lives: 1 hour to 30 days.';

-- One open offer per address and organisation: the guard against two at once, and the lookup.
create unique index invites_one_pending on usher.invites (
  organisation_id,
  email
)
  where status = 'pending';
-- What waits for one address, in whichever organisation: signing up, and one's own list.
create index invites_pending_email on usher.invites (email)
  where status = 'pending';
create index invites_template_id on usher.invites (template_id)
  where template_id is not null;
-- What one has sent, for when their right to give it ends.
-- Not by the organisation first: it would be taken for what finds an address in it, and reads all of its open invites.
create index invites_pending_inviter on usher.invites (invited_by)
  where status = 'pending';
create index invites_due on usher.invites (expires_at) where status = 'pending';
create index invites_newest on usher.invites (
  organisation_id,
  created_at desc,
  id desc
);
-- When it came, or will come, to its end: each invite has one.
create index invites_ended on usher.invites (
  organisation_id,
  (coalesce(accepted_at, declined_at, revoked_at, expires_at))
);

alter table usher.invites enable row level security;
create policy invites_select
  on usher.invites
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on usher.invites to authenticated, service_role;

create function usher.invite_status(
  status text,
  expires_at timestamptz
) returns text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select case when $1 = 'pending' and $2 <= statement_timestamp() then 'expired' else $1 end $$;
comment on function usher.invite_status
  is 'The status that a stored one stands for at this moment: a pending invite past its time is expired.';
grant execute on function usher.invite_status to authenticated, service_role;

create view public.organisation_invites
  with (security_invoker = true)
  as
  select
    i.id,
    i.organisation_id,
    i.kind,
    i.email,
    i.device_name,
    i.roles,
    -- usher.invite_status, written out: a function that pins its search_path is called row by row.
    case
      when i.status = 'pending' and i.expires_at <= statement_timestamp() then
        'expired'
      else i.status
    end as status,
    i.message,
    i.locale,
    i.redirect_to,
    i.metadata,
    i.invited_by,
    i.created_at,
    i.issued_at,
    i.issue - 1 as resend_count,
    i.expires_at,
    i.accepted_at,
    i.accepted_by,
    i.declined_at,
    i.declined_reason,
    i.revoked_at,
    i.revoked_by,
    i.revoked_reason,
    i.template_id,
    i.bounced_at,
    i.membership_ends_at
  from usher.invites i;
comment on view public.organisation_invites
  is 'Invites as they stand at this moment. Read with invite.read; written by functions only.';
comment on column public.organisation_invites.status
  is 'pending, accepted, declined, revoked or expired; expired from expires_at on, swept or not.';
comment on column public.organisation_invites.bounced_at
  is 'When its last mail came back for good, or was not sent because the address takes none; null: not known to.';
comment on column public.organisation_invites.membership_ends_at
  is 'Until when the membership that it offers counts; null: it has no end.';
comment on column public.organisation_invites.resend_count
  is 'How often it was sent again.';
grant select on public.organisation_invites to authenticated, service_role;

create function usher.invite_view(
  invite_id uuid
) returns public.organisation_invites
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite public.organisation_invites;
begin
  select v.* into v_invite from public.organisation_invites v where v.id = invite_view.invite_id;
  return v_invite;
end
$$;
comment on function usher.invite_view
  is 'An invite as the API shows it, for functions that return one.';

create function usher.invite_for_change(
  invite_id uuid,
  permission text
) returns usher.invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites;
begin
  perform usher.require_permission((
    select i.organisation_id from usher.invites i where i.id = invite_for_change.invite_id),
    invite_for_change.permission, 'share', 'invite_not_found');
  select i.* into v_invite from usher.invites i where i.id = invite_for_change.invite_id for update;
  if not found then
    perform usher.fail('invite_not_found');
  end if;
  v_invite.status := usher.invite_status(v_invite.status, v_invite.expires_at);
  return v_invite;
end
$$;
comment on function usher.invite_for_change
  is $$The invite, locked until the end of the transaction, with the status it has at this moment. Fails with
unauthenticated, invite_not_found (also for another tenant's), permission_denied.$$;

create function usher.list_invites(
  organisation_id uuid,
  status text default null,
  search text default null,
  cursor uuid default null,
  page_size integer default 50
) returns setof public.organisation_invites
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  -- One plan for every page, because planning takes longer than a page; and one that walks the index, because
  -- nobody can tell beforehand that there are too many rows to be sorted.
  set plan_cache_mode = force_generic_plan
  set enable_sort = off
  as $$
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
          in lower(concat_ws(' ', v.email, usher.readable_email(v.email), v.device_name) collate "und-x-icu")) > 0)
      and (v.created_at, v.id) < (v_after.created_at, v_after.id)
    order by v.created_at desc, v.id desc
    limit list_invites.page_size;
end
$$;
comment on function usher.list_invites
  is 'The rule behind public.list_organisation_invites.';

create function public.list_organisation_invites(
  organisation_id uuid,
  status text default null,
  search text default null,
  cursor uuid default null,
  page_size integer default 50
) returns setof public.organisation_invites
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select * from usher.list_invites(
      list_organisation_invites.organisation_id, list_organisation_invites.status,
      list_organisation_invites.search, list_organisation_invites.cursor, list_organisation_invites.page_size);
end
$$;
comment on function public.list_organisation_invites
  is $$The invites of an organisation, newest first, a page at a time.

  status     only those that are pending, accepted, declined, revoked or expired
  search     only those whose address, or device's name, holds this text of at most 254 characters, in any case
  cursor     the id of the last invite of the page before; without it, the first page
  page_size  1 to 500

Returns invites; fewer than page_size means that there are no more. Needs invite.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invite_not_found (a cursor
that is not this organisation's).$$;
grant execute on function public.list_organisation_invites to authenticated;
grant execute on function usher.list_invites to authenticated;
