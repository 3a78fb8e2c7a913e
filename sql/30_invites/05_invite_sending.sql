-- Sending invites: create, one or many.
--
-- One and ten thousand go through the same set-based rule, usher.create_invites, so that a row of a
-- batch is judged exactly as a single invite is.

create function usher.create_invites(
  organisation_id uuid,
  drafts jsonb
) returns setof public.organisation_invite_result
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- No plan is better for knowing the drafts, and planning takes longer than to create a single invite.
  set plan_cache_mode = force_generic_plan
  as $$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_invites.organisation_id, 'invite.create', 'share');
  v_ttl     interval;
  v_emails  text[];
  v_made    record;
  v_created_at timestamptz := clock_timestamp();
  v_inviter_kind text := case when usher.acts_as_directory() then 'directory' else 'user' end;
begin
  if jsonb_typeof(create_invites.drafts) is distinct from 'array' then
    perform usher.fail('invalid_settings', hint => 'invites is an array of objects.');
  end if;
  if jsonb_array_length(create_invites.drafts) > 10000 then
    perform usher.fail('batch_too_large');
  end if;

  select o.invite_ttl into strict v_ttl
  from public.organisations o where o.id = create_invites.organisation_id;
  perform usher.require_free_seat(create_invites.organisation_id);

  -- Each address and each set of roles is looked at once: a batch has many rows and few kinds of them. A row may
  -- be anything that JSON has: a field of it that is not there, or not of its kind, is that row's own fault.
  select array_agg(usher.normalise_email(d.item ->> 'email') order by d.n) into v_emails
  from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n);
  -- An invite that is past its time must not stand in the way of a new one.
  perform usher.expire_overdue_invites(create_invites.organisation_id, v_emails);

  with draft as materialized (
    select
      d.n::integer as row_number,
      gen_random_uuid() as id,
      coalesce(a.address, left(d.item ->> 'email', 1016)) as email,
      a.address,
      d.item,
      coalesce(d.item -> 'roles', 'null') as given_roles,
      case when d.item ->> 'expires_in' is null then v_ttl
        else usher.invite_lifetime(d.item ->> 'expires_in', v_ttl) end as lifetime,
      d.item ->> 'message' as given_message,
      case when d.item ->> 'message' is not null
        then usher.clean_text(d.item ->> 'message', 1000) end as message,
      d.item ->> 'locale' as locale,
      d.item ->> 'redirect_to' as redirect_to,
      coalesce(nullif(d.item -> 'metadata', 'null'), '{}') as metadata,
      left(d.item ->> 'template_id', 37) as template_id,
      d.item ->> 'membership_ends_at' as given_end,
      usher.read_time(d.item ->> 'membership_ends_at') as membership_ends_at
    from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n)
    join unnest(v_emails) with ordinality a (address, n) on a.n = d.n
  ),
  clean_set as materialized (
    select g.given_roles, case
      when jsonb_typeof(g.given_roles) <> 'array' or not g.given_roles @? 'strict $ ? (@.size() <= 1000)' then null
      when not g.given_roles @? 'strict $[*] ? (@.type() <> "string")'
        then usher.clean_roles(array(select jsonb_array_elements_text(g.given_roles))) end as roles
    from (select distinct d.given_roles from draft d) g
  ),
  role_set as materialized (
    select c.given_roles, c.roles,
      usher.roles_problem(create_invites.organisation_id, c.roles, v_member.roles) as problem,
      -- Nobody gives for longer than they have.
      case when v_member.next_end_at is not null
        then nullif(usher.giving_ends_at(v_member, 'invite.create', c.roles), 'infinity') end as giving_ends_at
    from clean_set c
  ),
  -- Once for each row: the problem is asked for several times below, and a message is read for it.
  judged as materialized (
    select d.*, t.id as checked_template_id, r.roles, p.invite_id as open_invite_id,
      coalesce(d.membership_ends_at, r.giving_ends_at) as ends_at,
      case
        when d.address is null then 'invalid_email'
        when r.problem is not null then r.problem
        when d.lifetime is null or jsonb_typeof(d.item -> 'expires_in') not in ('string', 'null')
          then 'invalid_expiry'
        when d.given_end is not null
          and (coalesce(d.membership_ends_at <= now() + interval '1 hour', true)
            or d.membership_ends_at > r.giving_ends_at) then 'invalid_expiry'
        when d.given_message is not null and d.message is null
          or jsonb_typeof(d.item -> 'message') not in ('string', 'null')
          or exists (select from usher.find_links(d.message)) then 'invalid_message'
        when d.redirect_to is not null and not usher.is_redirect(d.redirect_to) then 'invalid_redirect'
        when d.locale is not null and not usher.is_locale(d.locale) then 'invalid_settings'
        when jsonb_typeof(d.metadata) <> 'object'
          or pg_column_size(d.metadata) > 8192 then 'invalid_settings'
        when d.template_id is not null and t.id is null then 'invalid_settings'
        when p.problem is not null then p.problem
        when p.invite_id is not null then 'already_invited'
      end as problem
    from draft d
    join role_set r on r.given_roles = d.given_roles
    left join public.organisation_email_templates t
      on t.id::text = lower(d.template_id) and t.organisation_id = create_invites.organisation_id
      and t.kind = 'invite'
    left join usher.recipient_problems(create_invites.organisation_id, v_emails) p on p.email = d.address
  ),
  -- Of two good rows for one address, the first is sent.
  ranked as (
    select j.*, first_value(j.id) over (
      partition by j.address, j.problem is null order by j.row_number) as first_id
    from judged j
  ),
  inserted as (
    insert into usher.invites (
      id, organisation_id, email, roles, message, locale, redirect_to, metadata, template_id,
      invited_by, inviter_kind, lifetime, membership_ends_at, expires_at, created_at)
    select r.id, create_invites.organisation_id, r.address, r.roles, nullif(r.message, ''), r.locale, r.redirect_to,
      r.metadata, r.checked_template_id, v_member.user_id,
      v_inviter_kind, r.lifetime, r.ends_at,
      usher.invite_end(r.lifetime, r.ends_at),
      -- Listed in the order in which they were given.
      v_created_at + r.row_number * interval '1 microsecond'
    from ranked r
    where r.problem is null and r.first_id = r.id
    -- Two batches with the same addresses wait for each other in one order.
    order by r.address
    -- Someone else may be inviting the same address at this moment; theirs stands then.
    on conflict do nothing
    returning id, jsonb_build_object('roles', roles, 'expires_at', expires_at)
      || case when membership_ends_at is null then '{}'
        else jsonb_build_object('membership_ends_at', membership_ends_at) end as facts
  )
  select array_agg(
    case when i.id is not null
      then row(r.row_number, r.email, 'created', r.id, null, null)::public.organisation_invite_result
      else row(r.row_number, r.email, 'failed', null, coalesce(r.problem, 'already_invited'),
        case when coalesce(r.problem, 'already_invited') = 'already_invited'
          then coalesce(r.open_invite_id, nullif(r.first_id, r.id))::text end)::public.organisation_invite_result
    end order by r.row_number) as results,
    array_agg(i.id order by r.row_number) filter (where i.id is not null) as ids,
    array_agg(i.facts order by r.row_number) filter (where i.id is not null) as facts
  into v_made
  from ranked r
  left join inserted i on i.id = r.id;

  if v_made.ids is not null then
    -- One that somebody waits for does not stand behind ten thousand.
    perform usher.record_events(create_invites.organisation_id, 'invite.created', 'invite', v_made.ids,
      null, v_made.facts, null, null, is_bulk => cardinality(v_made.ids) > 20);
    -- Last, because for what may be the last of it one waits for the other.
    perform usher.require_room_for_invites(create_invites.organisation_id, usher.take_shared_allowance(
      'invites:' || create_invites.organisation_id, cardinality(v_made.ids),
      (select s.invites_per_day from usher.settings s), interval '1 day'));
  end if;

  return query select r.* from unnest(v_made.results) r order by r.row_number;
end
$$;
comment on function usher.create_invites
  is $$The rule behind create_organisation_invite and create_organisation_invites: judges each draft, creates the
good ones with their audit events, and says what became of each, in order.$$;

create function usher.create_invite(
  organisation_id uuid,
  draft jsonb
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_result public.organisation_invite_result;
begin
  select r.* into strict v_result
  from usher.create_invites(create_invite.organisation_id, jsonb_build_array(create_invite.draft)) r;
  if v_result.error_code is not null then
    perform usher.fail(v_result.error_code,
      details => case when v_result.error_code = 'already_invited' then v_result.error_details end);
  end if;
  return usher.invite_view(v_result.invite_id);
end
$$;
comment on function usher.create_invite
  is 'One invite by the rule of usher.create_invites; a refusal is raised.';

create function public.create_organisation_invite(
  organisation_id uuid,
  email text,
  roles text[],
  expires_in interval default null,
  message text default null,
  locale text default null,
  redirect_to text default null,
  metadata jsonb default null,
  template_id uuid default null,
  membership_ends_at timestamptz default null
) returns public.organisation_invites
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.create_invite(create_organisation_invite.organisation_id, jsonb_build_object(
    'email', create_organisation_invite.email,
    'roles', create_organisation_invite.roles,
    'expires_in', create_organisation_invite.expires_in,
    'message', create_organisation_invite.message,
    'locale', create_organisation_invite.locale,
    'redirect_to', create_organisation_invite.redirect_to,
    'metadata', create_organisation_invite.metadata,
    'template_id', create_organisation_invite.template_id,
    'membership_ends_at', create_organisation_invite.membership_ends_at));
end
$$;
comment on function public.create_organisation_invite
  is $$Invites an address to an organisation, with exactly these roles; the mail goes out at once.

  email        one address; case and spaces around it do not matter
  roles        1 to 20 names of roles; never owner, which is transferred
  expires_in   1 hour to 30 days; without it, the organisation's invite_ttl (7 days)
  message      to the invitee: plain text of at most 1,000 characters, without addresses and links
  locale       language of the mail and the page, such as de-AT; without it, the organisation's
  redirect_to  where to go after accepting: a path, or an address of an allowed origin
  metadata     an object of at most 8 kB for the application's own use
  template_id  a template of the kind invite; without it, the organisation's default, or the built-in one
  membership_ends_at  until when the membership counts, more than an hour from now; without it, it has no end

Returns the invite, never the token. Needs invite.create, and the right to give each of the roles. Fails
with unauthenticated, organisation_not_found, permission_denied, role_not_assignable, domain_not_allowed,
member_banned, already_member, already_invited (details: the id of the open invite), seat_limit_reached,
invalid_email, invalid_role, invalid_expiry, invalid_message, invalid_redirect, invalid_settings,
rate_limited.$$;
grant execute on function public.create_organisation_invite to authenticated;
grant execute on function usher.create_invite to authenticated;

create function public.create_organisation_invites(
  organisation_id uuid,
  invites jsonb
) returns jsonb
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  -- One value and not a set of rows, which the API cuts at its max_rows without a word.
  as $$ select coalesce(jsonb_agg(to_jsonb(r) order by r.row_number), '[]') from usher.create_invites($1, $2) r $$;
comment on function public.create_organisation_invites
  is $$Invites up to 10,000 addresses in one call; good rows are not lost to bad ones.

  invites  an array of objects with the parameters of create_organisation_invite: email and roles, and
           where wanted expires_in, message, locale, redirect_to, metadata, template_id, membership_ends_at

Returns one array with an object for each row given, in order: row_number (from 1), email, status (created or
failed), invite_id, error_code, error_details (for already_invited: the id of the invite in the way). A row that is
no object, or holds what is not of its kind, fails by itself. Needs invite.create. Fails as a whole with
unauthenticated, organisation_not_found, permission_denied, batch_too_large, seat_limit_reached, invalid_settings,
rate_limited. Text with NUL (U+0000) or half of a surrogate pair is no JSON to Postgres, which refuses the whole call
before it reaches this function (22P05, 22P02): leave such rows out.$$;
grant execute on function public.create_organisation_invites to authenticated;
grant execute on function usher.create_invites to authenticated;
