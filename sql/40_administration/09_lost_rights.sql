-- Lost rights: what somebody gave in their own name, once they may not give it any more.
--
-- An invite lets in by its inviter's word, and the word is asked when it is answered (usher.invite_problem). Here it is
-- tidied up: whoever loses a right is noted in the transaction that takes it, and a worker revokes what they had sent
-- and tells those who may send it again. Tokens of directories and joining by domain are the organisation's: somebody
-- answers for each, and when that one loses the right, it goes on for organisations.credential_grace and then stops,
-- unless another takes it over. A ban stops it at once.

create table usher.lost_rights (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_id uuid not null,
  noted_at timestamptz not null default clock_timestamp(),
  is_stopping boolean not null default false,
  primary key (organisation_id, user_id)
);
comment on table usher.lost_rights
  is 'Whoever has less than before, for the worker to see what hung on it: one row a person and organisation.';
comment on column usher.lost_rights.is_stopping
  is 'Whether something that they answer for stops now that did not before.';
alter table usher.lost_rights enable row level security;
create policy lost_rights_nobody
  on usher.lost_rights
  for select
  to public
  using (false);

create function usher.stop_credentials(
  organisation_id uuid,
  user_id uuid,
  carried_roles text[],
  is_banned boolean
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member   public.organisation_members;
  v_stops_at timestamptz;
  v_is_new   boolean;
begin
  v_is_new := exists (
    select from public.organisation_directory_tokens t
    where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
      and t.revoked_at is null and t.stops_at is null)
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = stop_credentials.organisation_id and d.responsible_id = stop_credentials.user_id
        and d.join_policy = 'join' and d.stops_at is null);
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = stop_credentials.organisation_id and m.user_id = stop_credentials.user_id;
  select now() + case when stop_credentials.is_banned then interval '0' else o.credential_grace end into v_stops_at
  from public.organisations o where o.id = stop_credentials.organisation_id;

  -- In one order, as taking over does.
  perform from public.organisation_directory_tokens t
  where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
  order by t.id
  for update;
  -- Whoever has the right again answers for it again.
  update public.organisation_directory_tokens t
  set stops_at = case when r.has_right then null else v_stops_at end,
    carried_roles = case when r.has_right then '{}' else coalesce(stop_credentials.carried_roles, '{}') end
  from (
    select usher.permits(v_member.organisation_id, v_member.roles, 'directory.manage') as has_right
  ) r
  where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
    and t.revoked_at is null
    and (r.has_right and t.stops_at > now() or not r.has_right and coalesce(t.stops_at > v_stops_at, true));

  update public.organisation_domains d
  set stops_at = case when r.has_right then null when r.is_carried then v_stops_at else now() end
  from (
    select o.domain,
      usher.giving_ends_at(v_member, 'organisation.update', array[o.role]) > statement_timestamp() as has_right,
      -- What they had to an end of their own goes on no longer.
      coalesce('organisation.update' in (
          select usher.permissions_of(o.organisation_id, stop_credentials.carried_roles))
        and usher.unassignable_role(o.organisation_id, array[o.role], stop_credentials.carried_roles) is null, true)
        or stop_credentials.carried_roles is null as is_carried
    from public.organisation_domains o
    where o.organisation_id = stop_credentials.organisation_id and o.responsible_id = stop_credentials.user_id
    order by o.domain
    for update
  ) r
  where d.organisation_id = stop_credentials.organisation_id and d.domain = r.domain
    and (r.has_right and d.stops_at > now() or not r.has_right and coalesce(d.stops_at > v_stops_at, true));
  return v_is_new and (
    exists (
      select from public.organisation_directory_tokens t
      where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
        and t.revoked_at is null and t.stops_at is not null)
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = stop_credentials.organisation_id and d.responsible_id = stop_credentials.user_id
        and d.join_policy = 'join' and d.stops_at is not null));
end
$$;
comment on function usher.stop_credentials
  is $$Says when directory tokens and joining by domain stop whose responsible person may not have them (any more);
or that they go on, when the right is theirs again.

  carried_roles  what a token goes on with until then: the roles that they had, those with an end of their own left out;
                 null: not known
  is_banned      it stops at once

Returns whether something stops now that did not before.$$;

create function usher.note_lost_right(
  organisation_id uuid,
  user_id uuid,
  carried_roles text[],
  is_banned boolean
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into usher.lost_rights as l (organisation_id, user_id, is_stopping)
  values (note_lost_right.organisation_id, note_lost_right.user_id, usher.stop_credentials(
    note_lost_right.organisation_id, note_lost_right.user_id, note_lost_right.carried_roles, note_lost_right.is_banned))
  on conflict on constraint lost_rights_pkey do update set is_stopping = l.is_stopping or excluded.is_stopping;
end
$$;
comment on function usher.note_lost_right
  is 'Notes somebody who has less, or more, than before. Parameters as of usher.stop_credentials.';

create function usher.tg_organisation_members__note_lost_rights() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- When the organisation itself is deleted, all of this goes as well.
  if not exists (select from public.organisations o where o.id = old.organisation_id) then
    return null;
  end if;
  perform usher.note_lost_right(old.organisation_id, old.user_id,
    case
      when old.ends_at is null then array(select r from unnest(old.roles) r where not old.role_ends ? r)
      else '{}'
    end,
    tg_op = 'UPDATE' and new.status = 'banned');
  return null;
end
$$;
comment on function usher.tg_organisation_members__note_lost_rights
  is 'Notes a member who may do less, or more, than before, and sets when the credentials that they answer for stop.';

create trigger usher_note_lost_rights
  after update of roles, status
  on public.organisation_members
  for each row
  when (old.roles is distinct from new.roles or old.status <> new.status)
  execute function usher.tg_organisation_members__note_lost_rights();

create trigger usher_note_lost_rights_of_deleted
  after delete
  on public.organisation_members
  for each row
  execute function usher.tg_organisation_members__note_lost_rights();

create function usher.tg_organisation_roles__note_lost_rights() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members;
begin
  for v_member in
    select m.* from public.organisation_members m
    where m.organisation_id = new.organisation_id and m.status = 'active' and new.name = any (m.roles)
      and (
        exists (
          select from usher.invites i
          where i.organisation_id = m.organisation_id and i.invited_by = m.user_id and i.status = 'pending')
        or exists (
          select from public.organisation_directory_tokens t
          where t.organisation_id = m.organisation_id and t.responsible_id = m.user_id)
        or exists (
          select from public.organisation_domains d
          where d.organisation_id = m.organisation_id and d.responsible_id = m.user_id))
    order by m.id
  loop
    perform usher.note_lost_right(v_member.organisation_id, v_member.user_id, v_member.roles, false);
  end loop;
  return null;
end
$$;
comment on function usher.tg_organisation_roles__note_lost_rights
  is 'As for members, for all who hold an own role that permits something else than before.';

create trigger usher_note_lost_rights
  after update of permissions, inherits
  on public.organisation_roles
  for each row
  when (
    new.organisation_id is not null
      and old.permissions is distinct from new.permissions
  )
  execute function usher.tg_organisation_roles__note_lost_rights();

create function usher.follow_lost_rights_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_lost     usher.lost_rights;
  v_invites  uuid[];
  v_stopping jsonb;
  v_stops_at timestamptz;
  v_count    integer := 0;
begin
  for v_lost in
    select l.*
    from usher.lost_rights l
    where l.organisation_id = follow_lost_rights_of.organisation_id and l.user_id = any (follow_lost_rights_of.ids)
    order by l.user_id
    for update skip locked
  loop
    v_count := v_count + 1;
    select array_agg(l.id) into v_invites
    from (
      select i.id
      from (
        select i.* from usher.invites i
        where i.organisation_id = v_lost.organisation_id and i.invited_by = v_lost.user_id
          and i.inviter_kind = 'user' and i.status = 'pending' and i.expires_at > clock_timestamp()
        order by i.id
        -- One that is being answered or sent again at this moment is judged by that.
        for update skip locked
      ) i
      where usher.invite_problem(i.*::usher.invites) = 'inviter_lost_right'
      limit 1000
    ) l;
    perform usher.end_invite(i, 'inviter_lost_right', 'worker', null) from unnest(v_invites) i;
    if v_invites is not null then
      perform usher.record_event(v_lost.organisation_id, 'invites.inviter_lost_right', 'user', v_lost.user_id,
        after => jsonb_build_object('count', cardinality(v_invites)), actor_kind => 'worker');
    end if;
    -- There may be more of them: the line stays for the next time.
    continue when cardinality(v_invites) = 1000;

    select jsonb_agg(c.name order by c.name), min(c.stops_at) into v_stopping, v_stops_at
    from (
      select t.name, t.stops_at from public.organisation_directory_tokens t
      where t.organisation_id = v_lost.organisation_id and t.responsible_id = v_lost.user_id
        and t.revoked_at is null and t.stops_at is not null
      union all
      select d.domain, d.stops_at from public.organisation_domains d
      where d.organisation_id = v_lost.organisation_id and d.responsible_id = v_lost.user_id
        and d.join_policy = 'join' and d.stops_at is not null
    ) c;
    if v_lost.is_stopping and v_stopping is not null then
      perform usher.record_event(v_lost.organisation_id, 'credentials.responsible_lost_right', 'user', v_lost.user_id,
        after => jsonb_build_object('credentials', v_stopping, 'stops_at', v_stops_at), actor_kind => 'worker');
    end if;
    delete from usher.lost_rights l
    where l.organisation_id = v_lost.organisation_id and l.user_id = v_lost.user_id;
  end loop;
  return v_count;
end
$$;
comment on function usher.follow_lost_rights_of
  is 'What usher.follow_lost_rights does for these members of one organisation.';

create function usher.follow_lost_rights(
  batch_size integer default 100
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('follow_lost_rights', array(
    select row(d.organisation_id, d.user_id)::usher.upkeep_item
    from (
      select l.organisation_id, l.user_id, l.noted_at,
        row_number() over (partition by l.organisation_id order by l.noted_at) as turn
      from usher.lost_rights l
      where l.organisation_id not in (select usher.resting_organisations('follow_lost_rights'))
    ) d
    order by d.turn, d.noted_at
    limit follow_lost_rights.batch_size));
end
$$;
comment on function usher.follow_lost_rights
  is $$Revokes, with the reason inviter_lost_right, pending invites of members who may no longer give them, and sends
one notice to those who may invite; tells those who keep the organisation which tokens of directories and which domains
need somebody to answer for them. For workers, every second.

Returns how many members it looked at; call again when it is as many as batch_size.$$;
grant execute on function usher.follow_lost_rights to usher_worker;
