-- Locks: the order in which every change takes them, so that two changes wait for each other and never in a circle.
--
-- The account where somebody joins, the organisation, the person, members by id, roles by id, invites by id, whatever
-- else.

create function usher.lock_organisation(
  organisation_id uuid,
  lock text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  case lock_organisation.lock
    when 'exists' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for key share;
    when 'share' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for share;
    when 'settings' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for no key update;
    when 'delete' then
      perform from public.organisations o where o.id = lock_organisation.organisation_id for update;
  end case;
end
$$;
comment on function usher.lock_organisation
  is $$The first lock of every change, held until the end of its transaction, and never made stronger in it.

  lock  exists    what the worker notes down: it waits for nothing but the deletion of the organisation
        share     whatever happens in the organisation: many at once
        settings  what others rely on while they change something: settings, roles, rules, counts, the last seat
        delete    the organisation itself

After it, and in this order: the person (usher.lock_person), members by id, roles by id, invites by id, whatever else.
Before it, for those who join, their account (usher.lock_for_joining), as whoever deletes it has it. So two changes wait
for each other and never in a circle. Whoever has waited sees the world anew in its next statement.$$;

create function usher.lock_person(organisation_id uuid, email text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(
    concat_ws(' ', 'usher person', lock_person.organisation_id, lock_person.email), 0));
end
$$;
comment on function usher.lock_person
  is $$The second lock: one address in one organisation, whoever it belongs to now. A ban takes it, and every way of
joining, so that nobody comes in while they are being shut out.$$;
create function usher.lock_members(
  organisation_id uuid,
  user_ids uuid[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform from public.organisation_members m
  where m.organisation_id = lock_members.organisation_id and m.user_id = any (lock_members.user_ids)
  order by m.id
  for no key update;
end
$$;
comment on function usher.lock_members
  is 'The third lock: memberships of these accounts, past ones too, in the order of their ids.';
