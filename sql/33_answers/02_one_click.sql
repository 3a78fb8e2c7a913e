-- One click: a fresh link of somebody new, exchanged for a one-time code of Supabase Auth.
--
-- The mailed link proves a mailbox, as the confirmation mail does that Auth would send next. Where the
-- project's settings say so, functions/one-click takes the first for the second: it asks here, has Auth's
-- admin API make the account and its code, asks here again, and hands the code out. So the mail and one
-- button register, sign in and accept.
--
--   start_one_click ─▶ Auth: generate_link, type invite ─▶ finish_one_click ─▶ the code
--
-- Once an issue of an invite, decided under its lock before Auth is asked; what fails then stays used, and
-- the ordinary way is open. Only a link that was mailed counts: who has seen a revealed one does not
-- thereby read the mailbox. Never where somebody has an account with the address, confirmed or not, and
-- never where a sign-in rule asks for more than reading a mailbox.

create table usher.one_clicks (
  invite_id uuid not null references usher.invites on delete cascade,
  issue integer not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  user_id uuid,
  primary key (invite_id, issue),
  constraint one_clicks_user check (user_id is null or ended_at is not null)
);
comment on table usher.one_clicks
  is 'Which issue of an invite was exchanged for a code of Auth; each at most once.';
comment on column usher.one_clicks.ended_at
  is 'When it came out well or not; null: under way, or never heard of again.';
comment on column usher.one_clicks.user_id
  is 'The account whose code was handed out; null: none was.';
alter table usher.one_clicks enable row level security;
create policy one_clicks_nobody
  on usher.one_clicks
  for select
  to public
  using (false);

create function usher.one_click_invite(token text) returns usher.invites
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_within  interval;
  v_reading usher.token_reading;
  v_claims  usher.token_claims;
begin
  select s.one_click_within into v_within from usher.settings s where s.one_click = 'new_addresses';
  if not found then
    return null;
  end if;
  v_reading := usher.read_invite_token(one_click_invite.token);
  if v_reading.problem is not null or (v_reading.invite).kind <> 'user'
    or usher.invite_problem(v_reading.invite) is not null
  then
    return null;
  end if;
  v_claims := usher.verify_invite_token(one_click_invite.token);

  if not exists (
      select from usher.invite_tokens t
      where t.invite_id = v_claims.invite_id and t.nonce_hash = v_claims.nonce_hash
        and t.is_mailed and t.minted_at > clock_timestamp() - v_within)
    or exists (
      select from usher.one_clicks c
      where c.invite_id = (v_reading.invite).id and c.issue = (v_reading.invite).issue)
    or exists (
      select from public.organisation_sign_in_rules r where r.organisation_id = (v_reading.invite).organisation_id)
    or usher.has_account((v_reading.invite).email)
  then
    return null;
  end if;
  return v_reading.invite;
end
$$;
comment on function usher.one_click_invite
  is 'The invite whose link may register by one click at this moment; null for any other.';

create function usher.start_one_click(
  token text
) returns table (invite_id uuid, issue integer, email text)
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites := usher.one_click_invite(start_one_click.token);
begin
  if v_invite.id is null then
    return;
  end if;
  -- Who revokes, resends or answers it at this moment is waited for; what they did is then seen.
  perform usher.lock_organisation(v_invite.organisation_id, 'share');
  perform from usher.invites i where i.id = v_invite.id for no key update;
  v_invite := usher.one_click_invite(start_one_click.token);
  if v_invite.id is null then
    return;
  end if;
  perform usher.take_allowance('one_clicks:' || v_invite.organisation_id,
    1, 1000, interval '1 hour', is_secret => true);
  -- The address itself is nobody's to read out of this table.
  perform usher.take_allowance('one_clicks:' || encode(sha256(convert_to(v_invite.email, 'UTF8')), 'hex'),
    1, 5, interval '1 day', is_secret => true);
  insert into usher.one_clicks (invite_id, issue) values (v_invite.id, v_invite.issue);
  perform usher.record_event(v_invite.organisation_id, 'invite.one_click_started', 'invite', v_invite.id,
    actor_kind => 'invitee');
  return query select v_invite.id, v_invite.issue, v_invite.email;
end
$$;
comment on function usher.start_one_click
  is $$Uses a link up for one click: from now on nobody else can, whatever comes of it. For functions/one-click.

Returns whom to make an account for; no row when the link is not good for it, whyever. Fails with rate_limited:
1,000 an hour of one organisation, 5 a day of one address.$$;
grant execute on function usher.start_one_click to usher_worker;

create function usher.finish_one_click(
  invite_id uuid,
  issue integer,
  user_id uuid
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite  usher.invites;
  v_is_good boolean;
begin
  select i.* into v_invite from usher.invites i where i.id = finish_one_click.invite_id;
  perform usher.lock_organisation(v_invite.organisation_id, 'share');
  select i.* into v_invite from usher.invites i where i.id = finish_one_click.invite_id for no key update;
  -- Somebody may have signed up with the address since we looked. Auth gives no code of a confirmed account;
  -- one that is not confirmed yet has a password, which only who made it knows, and would be left with it.
  v_is_good := coalesce(
    v_invite.issue = finish_one_click.issue and usher.invite_problem(v_invite) is null
    and exists (
      select from auth.users u
      where u.id = finish_one_click.user_id
        and usher.normalise_email(u.email) = v_invite.email
        and not u.is_sso_user
        and u.email_confirmed_at is null
        and coalesce(u.encrypted_password, '') = ''), false);

  update usher.one_clicks c
  set ended_at = clock_timestamp(), user_id = case when v_is_good then finish_one_click.user_id end
  where c.invite_id = finish_one_click.invite_id and c.issue = finish_one_click.issue and c.ended_at is null;
  if not found then
    return false;
  end if;
  perform usher.record_event(v_invite.organisation_id,
    case when v_is_good then 'invite.one_click_done' else 'invite.one_click_failed' end, 'invite', v_invite.id,
    after => case when v_is_good then jsonb_build_object('user_id', finish_one_click.user_id) end,
    actor_kind => 'invitee');
  return v_is_good;
end
$$;
comment on function usher.finish_one_click
  is $$Decides, once, whether the code of an account may be handed out. For functions/one-click.

  invite_id, issue  as start_one_click returned them
  user_id           the account that Auth made, or found; null: Auth has refused, or did not answer

Returns true only for an account without a password that nobody has confirmed, of the invite's address, while the
invite is still as it was.$$;
grant execute on function usher.finish_one_click to usher_worker;
