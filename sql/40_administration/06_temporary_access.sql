-- Temporary access: a membership, or a role of it, may carry an end.
--
-- From that second on it no longer counts, because every rule asks usher.current_members. The sweep then writes
-- down what is over: the membership is removed, or the role taken away, with an event and a mail. Some days
-- before, the member gets a mail, too. The owner's access has no end.

create function usher.require_end(ends_at timestamptz) returns void
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if require_end.ends_at <= statement_timestamp() or require_end.ends_at >= timestamptz '10000-01-01T00:00:00Z' then
    perform usher.fail('invalid_expiry',
      hint => 'An end is a moment to come, before the year 10000; null stands for none.');
  end if;
end
$$;
comment on function usher.require_end
  is 'Fails with invalid_expiry for an end that is not to come, or not before the year 10000.';

create function usher.update_member_ends(
  organisation_id uuid,
  user_id uuid,
  ends_at timestamptz default null,
  role_ends jsonb default '{}'
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member    public.organisation_members := usher.member_for_change(
    update_member_ends.organisation_id, update_member_ends.user_id, 'member.update');
  v_before    public.organisation_members := v_member;
  v_role_ends jsonb := coalesce(nullif(update_member_ends.role_ends, 'null'), '{}');
  v_end       record;
  v_prolonged text[];
  v_problem   text;
begin
  if v_member.status <> 'active' or v_member.ends_at <= statement_timestamp() then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  end if;

  if jsonb_typeof(v_role_ends) <> 'object' then
    perform usher.fail('invalid_settings', hint => 'role_ends is an object of roles and times.');
  end if;
  perform usher.require_end(update_member_ends.ends_at);
  v_role_ends := jsonb_strip_nulls(v_role_ends);
  for v_end in select e.key as role, usher.read_time(e.value) as at from jsonb_each_text(v_role_ends) e loop
    if v_end.role <> all (v_member.roles) then
      perform usher.fail('invalid_role', details => v_end.role,
        hint => 'Only a role that the member holds has an end.');
    end if;
    if v_end.at is null then
      perform usher.fail('invalid_expiry', details => v_end.role,
        hint => 'An end is a time in ISO 8601 with its offset, such as 2027-03-31T18:00:00Z.');
    end if;
    perform usher.require_end(v_end.at);
  end loop;

  update public.organisation_members m
  set ends_at = update_member_ends.ends_at, role_ends = v_role_ends
  where m.id = v_member.id
  returning m.* into v_member;

  -- A longer time is a gift, as the role itself is: it has to be the caller's to give.
  v_prolonged := array(
    select r from unnest(v_member.roles) r
    where coalesce(least(v_member.ends_at, (v_member.role_ends ->> r)::timestamptz), 'infinity')
      > coalesce(least(v_before.ends_at, (v_before.role_ends ->> r)::timestamptz), 'infinity'));
  if cardinality(v_prolonged) > 0 then
    v_problem := usher.roles_problem(v_member.organisation_id, v_prolonged,
      (usher.caller_membership(v_member.organisation_id)).roles);
    if v_problem is not null then
      perform usher.fail(v_problem, details => array_to_string(v_prolonged, ', '));
    elsif v_member.user_id = auth.uid() then
      perform usher.fail('role_not_assignable', hint => 'Nobody prolongs their own access.');
    elsif exists (
      select from unnest(v_prolonged) r
      where coalesce(least(v_member.ends_at, (v_member.role_ends ->> r)::timestamptz), 'infinity')
        > usher.giving_ends_at(usher.caller_membership(v_member.organisation_id), 'member.update', array[r]))
    then
      perform usher.fail('invalid_expiry', hint => 'Nobody gives for longer than they have themselves.');
    end if;
  end if;

  perform usher.record_event(v_member.organisation_id, 'member.ends_updated', 'user', v_member.user_id,
    before => jsonb_build_object('ends_at', v_before.ends_at, 'role_ends', v_before.role_ends),
    after  => jsonb_build_object('ends_at', v_member.ends_at, 'role_ends', v_member.role_ends));
  return v_member;
end
$$;
comment on function usher.update_member_ends
  is 'The rule behind public.update_organisation_member_ends.';

create function public.update_organisation_member_ends(
  organisation_id uuid,
  user_id uuid,
  ends_at timestamptz default null,
  role_ends jsonb default '{}'
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_member_ends($1, $2, $3, $4) $$;
comment on function public.update_organisation_member_ends
  is $$Says until when a membership counts, and each of its roles; what was said before is forgotten.

  ends_at    when the membership ends; null: it has no end
  role_ends  an object of roles that the member holds and their ends, in ISO 8601 with an offset, such as
             {"finance": "2027-03-31T18:00:00Z"}; a role that it does not name has no end of its own

At that second it stops counting; within a minute it is written down as removed, and the member gets a mail,
as some days before. Returns the membership. Needs member.update, at least the permissions that the member
holds, and the right to give every role that would count for longer, which nobody gives themselves.
Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found, owner_required, invalid_role, invalid_expiry,
invalid_settings, role_not_assignable.$$;
grant execute on function public.update_organisation_member_ends to authenticated;
grant execute on function usher.update_member_ends to authenticated;

create function usher.announce_ending_access_of(
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
  v_member public.organisation_members;
  v_count  integer := 0;
begin
  for v_member in
    select m.*
    from public.organisation_members m
    where m.id = any (announce_ending_access_of.ids)
      and m.organisation_id = announce_ending_access_of.organisation_id
      and m.status = 'active' and m.next_end_at > statement_timestamp()
      and m.announced_end_at is distinct from m.next_end_at
    order by m.next_end_at
    for update skip locked
  loop
    update public.organisation_members m set announced_end_at = m.next_end_at where m.id = v_member.id;
    perform usher.record_event(v_member.organisation_id, 'member.access_ending', 'user', v_member.user_id,
      after => jsonb_build_object(
        'roles', case when v_member.ends_at = v_member.next_end_at then v_member.roles else array(
          select e.key from jsonb_each_text(v_member.role_ends) e
          where e.value::timestamptz = v_member.next_end_at order by e.key) end,
        'is_membership', coalesce(v_member.ends_at = v_member.next_end_at, false),
        'ends_at', v_member.next_end_at),
      actor_kind => 'worker');
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function usher.announce_ending_access_of
  is 'usher.announce_ending_access for these members of one organisation.';

create function usher.announce_ending_access(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('announce_ending_access', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select m.organisation_id, m.id, m.next_end_at,
        row_number() over (partition by m.organisation_id order by m.next_end_at) as turn
      from public.organisation_members m, usher.settings s
      where m.status = 'active'
        and m.next_end_at > statement_timestamp()
        and m.next_end_at <= statement_timestamp() + s.access_end_notice
        and m.announced_end_at is distinct from m.next_end_at
        and m.organisation_id not in (select usher.resting_organisations('announce_ending_access'))
    ) d
    order by d.turn, d.next_end_at
    limit announce_ending_access.batch_size));
end
$$;
comment on function usher.announce_ending_access
  is $$Tells members, once for each end, what of their access will end within usher.settings.access_end_notice. For
workers, every minute. Returns how many.$$;
grant execute on function usher.announce_ending_access to usher_worker;

create function usher.end_due_access_of(
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
  v_member public.organisation_members;
  v_kept   text[];
  v_count  integer := 0;
begin
  for v_member in
    select m.*
    from public.organisation_members m
    where m.id = any (end_due_access_of.ids) and m.organisation_id = end_due_access_of.organisation_id
      and m.status = 'active' and m.next_end_at <= statement_timestamp()
    order by m.next_end_at
    -- One that is being changed at this moment is left to the next sweep.
    for update skip locked
  loop
    v_count := v_count + 1;
    if v_member.ends_at <= statement_timestamp() then
      perform usher.end_access(v_member);
      continue;
    end if;

    v_kept := usher.counting_roles(v_member.roles, v_member.ends_at, v_member.role_ends);
    update public.organisation_members m set roles = v_kept where m.id = v_member.id;
    perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
      before     => jsonb_build_object('roles', v_member.roles, 'ends_at', v_member.next_end_at),
      after      => jsonb_build_object('roles', v_kept),
      reason     => 'The role had an end.',
      actor_kind => 'worker');
  end loop;
  return v_count;
end
$$;
comment on function usher.end_due_access_of
  is 'usher.end_due_access for these members of one organisation.';

create function usher.end_due_access(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('end_due_access', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select m.organisation_id, m.id, m.next_end_at,
        row_number() over (partition by m.organisation_id order by m.next_end_at) as turn
      from public.organisation_members m
      where m.status = 'active' and m.next_end_at <= statement_timestamp()
        and m.organisation_id not in (select usher.resting_organisations('end_due_access'))
    ) d
    order by d.turn, d.next_end_at
    limit end_due_access.batch_size));
end
$$;
comment on function usher.end_due_access
  is $$The sweep: writes down what access has come to its end, earliest first, with an event and a mail each. It counts
no more before that, too. For workers, every minute.

Returns how many memberships; call again when it is as many as batch_size.$$;
grant execute on function usher.end_due_access to usher_worker;
