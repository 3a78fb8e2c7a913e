-- Ownership: an organisation has exactly one owner, and only the owner can change who that is.

create function usher.transfer_ownership(
  organisation_id uuid,
  new_owner_id uuid
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Of two transfers at once, the second waits here and finds that its caller owns nothing any more.
  v_owner     public.organisation_members :=
    usher.require_permission(transfer_ownership.organisation_id, 'organisation.transfer', 'settings');
  v_new_owner public.organisation_members;
begin
  perform usher.lock_members(v_owner.organisation_id, array[v_owner.user_id, transfer_ownership.new_owner_id]);
  select m.* into v_new_owner
  from usher.current_members m
  where m.organisation_id = v_owner.organisation_id
    and m.user_id = transfer_ownership.new_owner_id
    and m.kind = 'user' and m.id <> v_owner.id;
  if not found then
    perform usher.fail('member_not_found', hint => 'The new owner is another active member, and a person.');
  end if;

  update public.organisation_members m
  set roles = usher.clean_roles(array_append(array_remove(m.roles, 'owner'), 'admin'))
  where m.id = v_owner.id;
  update public.organisation_members m
  set roles = '{owner}', ends_at = null
  where m.id = v_new_owner.id;

  perform usher.record_event(v_owner.organisation_id, 'organisation.transferred', 'user', v_new_owner.user_id,
    before => jsonb_build_object('owner_id', v_owner.user_id, 'roles', v_new_owner.roles),
    after  => jsonb_build_object(
      'owner_id', v_new_owner.user_id, 'roles', array['owner'],
      'former_owner_roles', usher.clean_roles(array_append(array_remove(v_owner.roles, 'owner'), 'admin'))));

  select m.* into v_new_owner from public.organisation_members m where m.id = v_new_owner.id;
  return v_new_owner;
end
$$;
comment on function usher.transfer_ownership
  is 'The rule behind public.transfer_organisation_ownership.';

create function public.transfer_organisation_ownership(
  organisation_id uuid,
  new_owner_id uuid
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.transfer_ownership($1, $2) $$;
comment on function public.transfer_organisation_ownership
  is $$Hands an organisation over; the old owner becomes an admin. The only way to a second owner.

  new_owner_id  the user id of another active member

Returns the membership of the new owner; both get a mail. The owner may. Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found.$$;
grant execute on function public.transfer_organisation_ownership to authenticated;
grant execute on function usher.transfer_ownership to authenticated;
