-- Answering an invite: look, accept, decline.
--
-- The link proves a mailbox and signs nobody in. To look and to decline, the link is enough; to accept,
-- there must be a session whose confirmed address is the invited one. Looking changes nothing, because
-- mail scanners follow links.

create type public.organisation_invite_preview as (
  status text,
  reason text,
  organisation_name text,
  organisation_logo_url text,
  organisation_accent_colour text,
  email text,
  roles text[],
  inviter_name text,
  inviter_email text,
  message text,
  locale text,
  redirect_to text,
  expires_at timestamptz,
  has_account boolean,
  membership_ends_at timestamptz,
  sign_in_provider text,
  sign_in_domain text,
  sign_in_level text,
  one_click boolean,
  organisation_id uuid
);
comment on type public.organisation_invite_preview
  is 'What an invitee may see before deciding, as validate_organisation_invite returns it.';

create function usher.validate_invite(
  token text
) returns public.organisation_invite_preview
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_reading usher.token_reading := usher.read_invite_token(validate_invite.token);
  v_invite  usher.invites := v_reading.invite;
  v_preview public.organisation_invite_preview;
  v_scene   record;
begin
  if v_reading.problem is null then
    v_reading.problem := usher.invite_problem(v_invite);
  end if;
  v_preview.reason := v_reading.problem;
  v_preview.status := case v_reading.problem
    when 'invite_invalid' then 'invalid'
    when 'invite_superseded' then 'superseded'
    when 'invite_expired' then 'expired'
    when 'inviter_lost_right' then 'revoked'
    else v_invite.status
  end;
  if v_reading.problem = 'invite_invalid' then
    return v_preview;
  end if;

  select o.id, o.name, o.logo_url, o.accent_colour, o.locale, r.provider, r.domain, r.level,
    m.display_name, m.email
  into v_scene
  from public.organisations o
  left join public.organisation_sign_in_rules r on r.organisation_id = o.id
  left join public.organisation_members m on m.organisation_id = o.id and m.user_id = v_invite.invited_by
  where o.id = v_invite.organisation_id;
  v_preview.organisation_id := v_scene.id;
  v_preview.organisation_name := v_scene.name;
  v_preview.organisation_logo_url := v_scene.logo_url;
  v_preview.organisation_accent_colour := v_scene.accent_colour;
  v_preview.locale := coalesce(v_invite.locale, v_scene.locale);

  -- A link that is spent shows whose it was, and no more.
  if v_reading.problem is null or v_reading.problem = 'invite_expired' then
    v_preview.email := v_invite.email;
    v_preview.roles := v_invite.roles;
    v_preview.message := v_invite.message;
    v_preview.redirect_to := v_invite.redirect_to;
    v_preview.expires_at := v_invite.expires_at;
    v_preview.membership_ends_at := v_invite.membership_ends_at;
    -- Whoever reveals a link of their own could otherwise ask it of any address.
    v_preview.has_account := case when v_reading.is_mailed then usher.has_account(v_invite.email) end;
    v_preview.sign_in_provider := v_scene.provider;
    v_preview.sign_in_domain := v_scene.domain;
    v_preview.sign_in_level := v_scene.level;
    v_preview.one_click := (usher.one_click_invite(validate_invite.token)).id is not null;
    v_preview.inviter_name := v_scene.display_name;
    v_preview.inviter_email := v_scene.email;
  end if;
  return v_preview;
end
$$;
comment on function usher.validate_invite
  is 'The rule behind public.validate_organisation_invite.';

create function public.validate_organisation_invite(
  token text
) returns public.organisation_invite_preview
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.validate_invite(validate_organisation_invite.token);
end
$$;
comment on function public.validate_organisation_invite
  is $$What an invitee may see before deciding: who invites to what, as what, until when.

  token  as the mailed link carries it

Never raises for a bad token and never changes anything. status is pending, accepted, declined, revoked,
expired, superseded (a newer mail was sent) or invalid; reason is the error code that accepting would give,
null while it is pending; for inviter_lost_right, status is revoked. membership_ends_at says until when the membership
would count; null: without an end. has_account says whether to offer signing in or registering; null: offer both,
because a link that was revealed does not tell whether an address has an account. sign_in_provider, sign_in_domain and
sign_in_level say which way in the organisation asks for, as its sign-in rule has it; one_click says whether
functions/one-click takes this link. A link that is
spent shows the organisation only; one that is not ours, nothing. organisation_id is no secret: it, and never
the token, may stand in an address that passes through mail and Supabase Auth. Anyone may.$$;
grant execute on function public.validate_organisation_invite to anon, authenticated, service_role;
grant execute on function usher.validate_invite to anon, authenticated, service_role;

create function usher.accept_open_invite(
  invite usher.invites
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites := accept_open_invite.invite;
  v_user   record;
  v_member public.organisation_members;
begin
  select u.id, usher.normalise_email(u.email) as email, u.email_confirmed_at
  into v_user
  from auth.users u
  where u.id = auth.uid();
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  perform usher.require_person();
  if v_user.email is distinct from v_invite.email then
    perform usher.fail('invite_wrong_email');
  end if;
  if v_user.email_confirmed_at is null then
    perform usher.fail('email_unverified');
  end if;

  v_member := usher.join_by_invite(v_invite, v_user.email, asks => '{domain,session}');

  perform usher.record_event(v_invite.organisation_id, 'invite.accepted', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'accepted', 'user_id', v_user.id, 'roles', v_member.roles)
      || jsonb_strip_nulls(jsonb_build_object('ends_at', v_member.ends_at)));
  return v_member;
end
$$;
comment on function usher.accept_open_invite
  is $$Makes the caller a member by this invite, which was open when it was read, if it is theirs and still is: one
transaction, with the event. Fails as public.accept_organisation_invite says, but for what is
wrong with a token.$$;

create function usher.settle_open_invite(
  member public.organisation_members
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member   public.organisation_members := settle_open_invite.member;
  v_invite   usher.invites;
  v_roles    text[];
  v_ends_at  timestamptz;
begin
  select i.* into v_invite
  from usher.invites i
  where i.organisation_id = v_member.organisation_id and i.email = v_member.email and i.status = 'pending'
  for update;
  if not found then
    return v_member;
  end if;
  v_roles := usher.clean_roles(v_member.roles || v_invite.roles);
  if usher.invite_problem(v_invite) is not null
    or usher.excluded_together(v_member.organisation_id, v_roles) is not null
  then
    perform usher.end_invite(v_invite.id, 'They became a member in another way');
    return v_member;
  end if;

  v_ends_at := least(v_invite.membership_ends_at, usher.inviter_right_ends_at(v_invite));
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = v_member.user_id
  where i.id = v_invite.id;
  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || coalesce((
    select jsonb_object_agg(r, v_ends_at)
    from unnest(v_invite.roles) r where r <> all (v_member.roles) and v_ends_at < 'infinity'), '{}')
  where m.id = v_member.id
  returning m.* into v_member;
  perform usher.record_event(v_invite.organisation_id, 'invite.accepted', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'accepted', 'user_id', v_member.user_id, 'roles', v_member.roles));
  return v_member;
end
$$;
comment on function usher.settle_open_invite
  is $$Whoever has just become a member another way holds the roles of their open invite too, and it is accepted; one
that cannot be accepted any more is revoked. So no offer stays open to a member. Returns the membership.$$;

create function usher.accept_invite(
  token text
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_reading usher.token_reading := usher.read_invite_token(accept_invite.token);
begin
  if v_reading.problem is not null then
    perform usher.fail(v_reading.problem);
  end if;
  return usher.accept_open_invite(v_reading.invite);
end
$$;
comment on function usher.accept_invite
  is 'The rule behind public.accept_organisation_invite.';

create function public.accept_organisation_invite(
  token text
) returns public.organisation_members
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.speak_to_invitee();
  return usher.accept_invite(accept_organisation_invite.token);
end
$$;
comment on function public.accept_organisation_invite
  is $$Accepts an invite: the caller becomes a member with the invite's roles, in one transaction.

  token  as the mailed link carries it

Returns the membership. Anyone signed in whose confirmed address is the invited one may. Fails with
unauthenticated, permission_denied (an anonymous account), invite_invalid, invite_superseded,
invite_already_accepted, invite_declined, invite_revoked, invite_expired, inviter_lost_right, invite_wrong_email,
email_unverified, invalid_role (a role is gone), domain_not_allowed, sso_required, seat_limit_reached, already_member,
member_banned, try_again; the invite then stays as it was.$$;
grant execute on function public.accept_organisation_invite to authenticated;
grant execute on function usher.accept_invite to authenticated;

create function usher.decline_invite(
  token text,
  reason text default null
) returns public.organisation_invite_preview
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_reading usher.token_reading := usher.read_invite_token(decline_invite.token);
  v_invite  usher.invites := v_reading.invite;
begin
  if v_reading.problem is not null then
    perform usher.fail(v_reading.problem);
  end if;
  -- It is mailed to the admins, and may come from anybody to whom the link was passed on.
  if decline_invite.reason is not null and usher.clean_text(decline_invite.reason, 500) is null
    or exists (select from usher.find_links(usher.clean_text(decline_invite.reason, 500)))
  then
    perform usher.fail('invalid_message',
      hint => 'A reason is plain text of at most 500 characters, without addresses and links.');
  end if;

  perform usher.lock_organisation(v_invite.organisation_id, 'share');
  update usher.invites i
  set status = 'declined', declined_at = now(),
    declined_reason = nullif(usher.clean_text(decline_invite.reason, 500), '')
  where i.id = v_invite.id
    and i.status = 'pending'
    and i.issue = v_invite.issue
    and i.expires_at > clock_timestamp()
  returning i.* into v_invite;
  if not found then
    perform usher.fail(
      coalesce((usher.read_invite_token(decline_invite.token)).problem, 'invite_not_pending'));
  end if;
  -- As when accepting: it may have waited for the row until after its end.
  if v_invite.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;

  perform usher.record_event(v_invite.organisation_id, 'invite.declined', 'invite', v_invite.id,
    before     => jsonb_build_object('status', 'pending'),
    after      => jsonb_build_object('status', 'declined'),
    reason     => v_invite.declined_reason,
    actor_kind => case when auth.uid() is null then 'invitee' end);
  return usher.validate_invite(decline_invite.token);
end
$$;
comment on function usher.decline_invite
  is 'The rule behind public.decline_organisation_invite.';

create function public.decline_organisation_invite(
  token text,
  reason text default null
) returns public.organisation_invite_preview
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.decline_invite($1, $2);
$$;
comment on function public.decline_organisation_invite
  is $$Declines an invite for good; the admins of the organisation get a mail.

  token   as the mailed link carries it
  reason  for the admins: plain text of at most 500 characters, without addresses and links

Returns what validate_organisation_invite now says. Whoever holds the link may, with or without an account.
Fails with invite_invalid, invite_superseded, invite_already_accepted, invite_declined, invite_revoked,
invite_expired, inviter_lost_right, invalid_message.$$;
grant execute on function public.decline_organisation_invite to anon, authenticated, service_role;
grant execute on function usher.decline_invite to anon, authenticated, service_role;
