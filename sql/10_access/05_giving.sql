-- Giving with an end: what somebody gives lasts no longer than their own right to give it.

create function usher.giving_ends_at(
  member public.organisation_members,
  permission text,
  roles text[]
) returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := giving_ends_at.member;
  v_roles  text[];
  v_end    timestamptz := timestamptz '-infinity';
begin
  -- Most have no end, and give built-in roles: then one question is enough.
  if v_member.next_end_at is null
    -- As usher.permits, in the same question.
    and exists (
      select from public.organisation_roles r
      where r.name = any (v_member.roles)
        and (r.organisation_id is null or r.organisation_id = v_member.organisation_id)
        and giving_ends_at.permission = any (r.permissions))
    and not exists (
      select from unnest(giving_ends_at.roles) g (name)
      where not exists (
        select from usher.role_assigners a where a.role = g.name and a.assigner = any (v_member.roles)))
  then
    return timestamptz 'infinity';
  end if;

  -- With the roles of this moment, then with those that are left after each end, for as long as they are enough.
  while v_member.status = 'active' loop
    v_roles := array(
      select r from unnest(v_member.roles) r
      where coalesce((v_member.role_ends ->> r)::timestamptz, 'infinity') > greatest(v_end, statement_timestamp()));
    exit when not usher.permits(v_member.organisation_id, v_roles, giving_ends_at.permission)
      or usher.unassignable_role(v_member.organisation_id, giving_ends_at.roles, v_roles) is not null;
    v_end := coalesce(least(v_member.ends_at, (
      select min(e.value::timestamptz) from jsonb_each_text(v_member.role_ends) e where e.key = any (v_roles))),
      'infinity');
    exit when v_end = 'infinity' or v_end = v_member.ends_at;
  end loop;
  return v_end;
end
$$;
comment on function usher.giving_ends_at
  is $$Until when a member of usher.current_members may give these roles by a permission such as invite.create, as the
ends of their membership and of their roles say: infinity without an end, -infinity when they may not now, and for
nobody. What somebody with an end gives ends no later.$$;

create function usher.role_ends_of_gift(
  member public.organisation_members,
  permission text,
  roles text[]
) returns jsonb
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case when (role_ends_of_gift.member).next_end_at is null then '{}' else (
    select coalesce(jsonb_object_agg(g.role, g.ends_at), '{}')
    from (
      select r as role,
        usher.giving_ends_at(role_ends_of_gift.member, role_ends_of_gift.permission, array[r]) as ends_at
      from unnest(role_ends_of_gift.roles) r
    ) g
    where g.ends_at <> 'infinity') end;
end
$$;
comment on function usher.role_ends_of_gift
  is $$The ends, as in organisation_members.role_ends, of roles that a member gives: of those that the member has the
right to give only until then.$$;

create function usher.require_other_than_responsible(
  organisation_id uuid,
  email text,
  member_id uuid
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- While they are a member they may do by themselves what the token may; afterwards it must not let them in.
  if (usher.directory_membership(require_other_than_responsible.organisation_id)).id is not null
    and (
      require_other_than_responsible.email in (
        select usher.addresses_of(require_other_than_responsible.organisation_id, auth.uid()))
      or exists (
        select from public.organisation_members m
        where m.id = require_other_than_responsible.member_id and m.user_id = auth.uid()))
  then
    perform usher.fail('permission_denied',
      hint => 'Nobody lets themselves in, or gives themselves more, by a token that they answer for.');
  end if;
end
$$;
comment on function usher.require_other_than_responsible
  is $$Refuses with permission_denied when a directory gives something to the one who answered for its token, while
that token goes on without their right.$$;

create function usher.directory_giving_ends_at(
  organisation_id uuid,
  permission text,
  roles text[]
) returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce((
    select max(case
      when t.stops_at is null then (
        select usher.giving_ends_at(
          row(m.*)::public.organisation_members, directory_giving_ends_at.permission, directory_giving_ends_at.roles)
        from usher.current_members m
        where m.organisation_id = t.organisation_id and m.user_id = t.responsible_id)
      when usher.permits(t.organisation_id, t.carried_roles, directory_giving_ends_at.permission)
        and usher.unassignable_role(t.organisation_id, directory_giving_ends_at.roles, t.carried_roles) is null
        then timestamptz 'infinity'
    end)
    from public.organisation_directory_tokens t
    where t.organisation_id = directory_giving_ends_at.organisation_id
      and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > statement_timestamp())
      and (t.stops_at is null or t.stops_at > statement_timestamp())), '-infinity');
end
$$;
comment on function usher.directory_giving_ends_at
  is $$Until when the directory of an organisation may give these roles, as usher.giving_ends_at says of a member: by
the best of its tokens that work; -infinity when there is none.$$;
