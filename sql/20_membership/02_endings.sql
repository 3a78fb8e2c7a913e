-- Endings: how a membership, or a role of it, ends. Every way of losing access comes through here.

create function usher.end_membership(
  member_id uuid,
  status text,
  event text,
  reason text,
  actor_kind text default null
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before public.organisation_members;
  v_member public.organisation_members;
begin
  if end_membership.reason is not null and usher.clean_text(end_membership.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;

  select m.* into strict v_before from public.organisation_members m where m.id = end_membership.member_id;
  update public.organisation_members m
  set status = end_membership.status, ended_at = now(),
    status_reason = nullif(usher.clean_text(end_membership.reason, 500), '')
  where m.id = end_membership.member_id
  returning m.* into v_member;

  perform usher.record_event(v_member.organisation_id, end_membership.event, 'user', v_member.user_id,
    before => jsonb_build_object('status', v_before.status, 'roles', v_before.roles)
      || jsonb_strip_nulls(jsonb_build_object('ends_at', v_before.ends_at)),
    after  => jsonb_build_object('status', v_member.status),
    reason => v_member.status_reason,
    actor_kind => end_membership.actor_kind);
  return v_member;
end
$$;
comment on function usher.end_membership
  is 'Ends a membership that its caller has checked, with the event; its roles are kept as they were.';

create function usher.end_access(
  member public.organisation_members
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.end_membership(
    (end_access.member).id, 'removed', 'member.access_ended', 'The membership had an end.', 'worker');
end
$$;
comment on function usher.end_access
  is 'Writes down that a membership whose end its caller has seen is over, with the event.';
