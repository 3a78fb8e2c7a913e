-- Taking over: an admin sends again, in their own name, what somebody gave who has lost the right to; or answers for
-- a directory token, or a domain, that was left behind.

create function usher.reissue_invites(
  invite_ids uuid[]
) returns setof public.organisation_invite_result
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid;
  v_drafts jsonb;
  v_rows   integer[];
begin
  perform usher.require_person();
  if cardinality(reissue_invites.invite_ids) > 10000 then
    perform usher.fail('batch_too_large');
  end if;
  -- That of the first which the caller may know of: another's looks like none at all.
  select g.organisation_id into v_organisation_id
  from (
    select i.organisation_id
    from unnest(reissue_invites.invite_ids) with ordinality g (id, n)
    join usher.invites i on i.id = g.id
    order by g.n
  ) g
  where (usher.caller_membership(g.organisation_id)).id is not null
  limit 1;
  perform usher.require_permission(v_organisation_id, 'invite.create', 'share', 'invite_not_found');

  -- What is dead and not swept yet is revoked here; what cannot be given again is told by its code.
  perform usher.end_invite(i.id, 'inviter_lost_right', revoked_by => null)
    from (
      select i.* from usher.invites i
      where i.organisation_id = v_organisation_id and i.id = any (reissue_invites.invite_ids)
        and i.status = 'pending' and i.kind = 'user'
      order by i.id
      for update
    ) i
    where usher.invite_problem(i.*::usher.invites) = 'inviter_lost_right';
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'email', i.email, 'roles', i.roles, 'expires_in', i.lifetime::text, 'message', i.message, 'locale', i.locale,
      'redirect_to', i.redirect_to, 'template_id', i.template_id,
      'membership_ends_at', to_char(i.membership_ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
      || jsonb_build_object('metadata', i.metadata) order by g.n),
    array_agg(g.n::integer order by g.n)
  into v_drafts, v_rows
  from unnest(reissue_invites.invite_ids) with ordinality g (id, n)
  join usher.invites i on i.id = g.id and i.organisation_id = v_organisation_id
  where usher.invite_state_problem(i.*::usher.invites) = 'inviter_lost_right' and i.kind = 'user';

  return query
    select g.n::integer, coalesce(r.email, i.email), coalesce(r.status, 'failed'), r.invite_id,
      case when r.status is not null then r.error_code
        when i.id is null then 'invite_not_found' else 'invite_not_pending' end,
      coalesce(r.error_details, case when r.status is null then i.status end)
    from unnest(reissue_invites.invite_ids) with ordinality g (id, n)
    left join usher.invites i on i.id = g.id and i.organisation_id = v_organisation_id
    left join usher.create_invites(v_organisation_id, coalesce(v_drafts, '[]')) r on v_rows[r.row_number] = g.n
    order by g.n;
end
$$;
comment on function usher.reissue_invites
  is 'The rule behind public.reissue_organisation_invites.';

create function public.reissue_organisation_invites(
  invite_ids uuid[]
) returns jsonb
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select coalesce(jsonb_agg(to_jsonb(r) order by r.row_number), '[]') from usher.reissue_invites($1) r $$;
comment on function public.reissue_organisation_invites
  is $$Makes new invites under the caller's own name, with what the old ones offered, of those that were revoked because
whoever sent them may not give it any more (inviter_lost_right). The old ones stay revoked; new mails go out.

  invite_ids  at most 10,000, of one organisation

Returns an array with an object per id, in order, as create_organisation_invites does: invite_id is that of the new
one. error_code is invite_not_found (also for another organisation's), invite_not_pending (it was not revoked for that
reason; error_details says what it is), or what creating it anew was refused with. Needs invite.create. Fails as a whole
with unauthenticated, invite_not_found, permission_denied, batch_too_large, seat_limit_reached, rate_limited.$$;
grant execute on function public.reissue_organisation_invites to authenticated;
grant execute on function usher.reissue_invites to authenticated;

create function usher.take_over_credentials(ids uuid[]) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_credential record;
  v_member     public.organisation_members;
  v_taken      jsonb := jsonb '[]';
begin
  if coalesce(cardinality(take_over_credentials.ids), 0) not between 1 and 100 then
    perform usher.fail('invalid_settings', hint => 'Give 1 to 100 ids.');
  end if;
  for v_credential in
    select g.id, coalesce(t.organisation_id, d.organisation_id) as organisation_id, d.role,
      coalesce(t.name, d.domain) as name,
      case when d.id is null then 'directory_token' else 'domain' end as kind
    from (select distinct unnest(take_over_credentials.ids) as id) g
    left join public.organisation_directory_tokens t on t.id = g.id and t.revoked_at is null
    left join public.organisation_domains d on d.id = g.id
    order by 2, d.id is not null, d.domain, 1
  loop
    v_member := usher.require_permission(v_credential.organisation_id,
      case v_credential.kind when 'domain' then 'organisation.update' else 'directory.manage' end,
      'settings', 'credential_not_found');
    if v_credential.kind = 'domain' then
      if usher.roles_problem(v_member.organisation_id, array[v_credential.role], v_member.roles) is not null then
        perform usher.fail(usher.roles_problem(v_member.organisation_id, array[v_credential.role], v_member.roles),
          details => v_credential.role);
      end if;
      update public.organisation_domains d set responsible_id = v_member.user_id, stops_at = null
      where d.id = v_credential.id;
    else
      update public.organisation_directory_tokens t
      set responsible_id = v_member.user_id, stops_at = null, carried_roles = '{}'
      where t.id = v_credential.id;
    end if;
    perform usher.record_event(v_member.organisation_id, 'credentials.taken_over',
      case v_credential.kind when 'domain' then 'organisation' else 'directory' end,
      case v_credential.kind when 'domain' then v_member.organisation_id else v_credential.id end,
      after => jsonb_build_object('kind', v_credential.kind, 'name', v_credential.name));
    v_taken := v_taken || jsonb_build_object('id', v_credential.id, 'kind', v_credential.kind,
      'organisation_id', v_member.organisation_id, 'name', v_credential.name);
  end loop;
  return v_taken;
end
$$;
comment on function usher.take_over_credentials
  is 'The rule behind public.take_over_organisation_credentials.';

create function public.take_over_organisation_credentials(
  ids uuid[]
) returns jsonb
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.take_over_credentials($1) $$;
comment on function public.take_over_organisation_credentials
  is $$The caller answers from now on for directory tokens and for domains whose people join by themselves: they carry
the caller's rights and go on. Needed when whoever answered for them has lost the right; stops_at of the table says when
they stop otherwise.

  ids  1 to 100 of organisation_directory_tokens.id and organisation_domains.id

Returns an array of objects: id, kind (directory_token or domain), organisation_id, name. All are taken over,
or none. Needs directory.manage for a token, and for a domain organisation.update and the right to give its role. Fails
with unauthenticated, credential_not_found (also for another organisation's), permission_denied, role_not_assignable,
invalid_role, invalid_settings.$$;
grant execute on function public.take_over_organisation_credentials to authenticated;
grant execute on function usher.take_over_credentials to authenticated;
