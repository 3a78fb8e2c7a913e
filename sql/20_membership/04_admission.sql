-- Admission: how somebody becomes a member. Every way of joining comes through here.
--
-- It takes the locks, looks for a free seat and for bans, and writes the membership.

create function usher.add_member(
  organisation_id uuid,
  user_id uuid,
  roles text[],
  ends_at timestamptz default null,
  kind text default 'user'
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member      public.organisation_members;
  v_email       text;
  v_name        text;
  v_is_banned   boolean;
  v_was_removed boolean;
begin
  select usher.normalise_email(u.email), usher.display_name(u.raw_user_meta_data::jsonb) into v_email, v_name
  from auth.users u
  where u.id = add_member.user_id;
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  select bool_or(s.status = 'banned'), bool_or(s.status = 'removed') into v_is_banned, v_was_removed
  from usher.sanctions s
  where s.organisation_id = add_member.organisation_id
    and s.address_hash = usher.sanction_hash(add_member.organisation_id, v_email);
  if v_is_banned then
    perform usher.fail(case when exists (
      select from usher.current_members m
      where m.organisation_id = add_member.organisation_id and m.user_id = add_member.user_id)
      then 'already_member' else 'member_banned' end);
  elsif v_was_removed then
    -- Somebody lets them in again: what an earlier account of theirs was removed for is over.
    delete from usher.sanctions s
    where s.organisation_id = add_member.organisation_id and s.status = 'removed'
      and s.address_hash = usher.sanction_hash(add_member.organisation_id, v_email);
  end if;
  -- The unique key decides between two who come at once: one inserts, the other finds the row.
  insert into public.organisation_members as m (organisation_id, user_id, kind, roles, ends_at, email, display_name)
  values (add_member.organisation_id, add_member.user_id, add_member.kind, add_member.roles, add_member.ends_at,
    v_email, v_name)
  on conflict on constraint organisation_members_subject_key do update
  set status = 'active', kind = excluded.kind, roles = excluded.roles, ends_at = excluded.ends_at, role_ends = '{}',
    email = excluded.email, display_name = excluded.display_name,
    joined_at = now(), ended_at = null, status_reason = null
  where m.status in ('left', 'removed')
  returning * into v_member;
  if found then
    -- A directory may have given more: see usher.tg_organisation_members__join_directory.
    select m.* into v_member from public.organisation_members m where m.id = v_member.id;
    return v_member;
  end if;

  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = add_member.organisation_id and m.user_id = add_member.user_id;
  if v_member.status = 'active' and v_member.ends_at <= statement_timestamp() then
    -- The sweep has not come by: the end is written down before the new beginning.
    perform usher.end_access(v_member);
    return usher.add_member(
      add_member.organisation_id, add_member.user_id, add_member.roles, add_member.ends_at, add_member.kind);
  end if;
  perform usher.fail(case v_member.status when 'banned' then 'member_banned' else 'already_member' end);
end
$$;
comment on function usher.add_member
  is $$Makes someone an active member with exactly these roles, until ends_at if it says so, or brings back who had
left or was removed.

Fails with already_member, member_banned, and unauthenticated when the account is gone.$$;

create function usher.require_free_seat(organisation_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_seat_limit integer;
begin
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id;
  -- Apart, because even a count that is not made has to be prepared.
  if v_seat_limit is not null then
    if v_seat_limit <= (
      select count(*) from usher.current_members m
      where m.organisation_id = require_free_seat.organisation_id)
    then
      perform usher.fail('seat_limit_reached');
    end if;
  end if;
end
$$;
comment on function usher.require_free_seat
  is $$Fails with seat_limit_reached when the organisation has as many active members as it may. Nobody else takes the
seat until the end of the transaction, if its caller came by usher.lock_for_joining.$$;

create function usher.lock_for_joining(
  organisation_id uuid,
  user_id uuid,
  inviter_id uuid default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email      text;
  v_seat_limit integer;
  v_member     record;
begin
  -- The account first, as whoever deletes it does: it stays, and with its address, until the membership is written.
  select usher.normalise_email(u.email), o.seat_limit into v_email, v_seat_limit
  from auth.users u
  left join public.organisations o on o.id = lock_for_joining.organisation_id
  where u.id = lock_for_joining.user_id
  for share of u;
  if not found then
    perform usher.fail('unauthenticated');
  end if;

  if v_seat_limit is not null then
    perform usher.lock_organisation(lock_for_joining.organisation_id, 'settings');
  else
    select o.seat_limit into v_seat_limit
    from public.organisations o where o.id = lock_for_joining.organisation_id for share;
    -- Seats were limited at this very moment. A lock is never made stronger: two who did would wait in a circle.
    if v_seat_limit is not null then
      perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
    end if;
  end if;

  perform usher.lock_person(lock_for_joining.organisation_id, v_email);
  -- Whoever comes back has a row already; for anyone else the unique key decides. The inviter's is shared, because many
  -- accept what one has sent.
  for v_member in
    select m.id, m.user_id
    from public.organisation_members m
    where m.organisation_id = lock_for_joining.organisation_id
      and m.user_id in (lock_for_joining.user_id, lock_for_joining.inviter_id)
    order by m.id
  loop
    if v_member.user_id = lock_for_joining.user_id then
      perform from public.organisation_members m where m.id = v_member.id for no key update;
    else
      perform from public.organisation_members m where m.id = v_member.id for share;
    end if;
  end loop;
  return v_email;
end
$$;
comment on function usher.lock_for_joining
  is $$Locks, in the order of usher.lock_organisation, what every way of becoming a member relies on: the account, the
organisation (alone, where seats are counted), the address, the memberships of the joining and of the inviting one.

  user_id     who joins
  inviter_id  by whose word; null: by nobody's in particular

Returns the address of the account, which stays until the transaction ends; what was read of it before may be of
earlier. Fails with unauthenticated when the account is gone, and with try_again.$$;
