-- Tokens: the secret in the mailed link, which proves that its holder reads the invited mailbox.
--
-- inv_ and the base64url of 87 bytes (120 characters in all; 87 divides by 3, so there is one way only
-- to write a token):
--
--    1  version          1
--    2  key id           which signing key
--   16  invite id
--   16  nonce            new with each minting; 128 bits from a CSPRNG
--    4  expiry           seconds since 1970, unsigned
--   16  fingerprint      of email and roles (half of a SHA-256)
--   32  HMAC-SHA-256     over all of the above
--
-- No token is stored, and none can be made from what is stored: of the nonce only the hash is kept, so
-- that a dump of the database holds no live link, with the keys or without.
-- Checked in this order: shape, signature (before any table but the keys is read), issue, state, expiry.
--
-- Sources: OWASP ASVS 5.0 (6.5.2, 9.1.1, 11.2.4, 11.5.1); RFC 2104; RFC 4648 section 5.

create table usher.invite_tokens (
  invite_id uuid not null references usher.invites on delete cascade,
  nonce_hash bytea not null,
  issue integer not null,
  is_mailed boolean not null default false,
  minted_at timestamptz not null default now(),
  primary key (invite_id, nonce_hash)
);
comment on table usher.invite_tokens
  is 'One row a minted token: the SHA-256 of its nonce, and the issue of the invite that it belongs to.';
comment on column usher.invite_tokens.is_mailed
  is 'Whether it went out in a mail, to be seen by whoever reads the mailbox; false: shown to somebody else.';
alter table usher.invite_tokens enable row level security;
create policy invite_tokens_nobody
  on usher.invite_tokens
  for select
  to public
  using (false);

create function usher.invite_fingerprint(email text, roles text[]) returns bytea
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- JSON keeps apart where one value ends and the next begins.
  return substring(
    sha256(convert_to(jsonb_build_array(invite_fingerprint.email, invite_fingerprint.roles)::text, 'UTF8'))
    from 1 for 16);
end
$$;
comment on function usher.invite_fingerprint
  is '16 bytes that bind a token to the address and the exact roles that it was minted for.';

create function usher.mint_invite_token(
  invite_id uuid,
  is_mailed boolean default false
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_key_id  smallint := usher.ensure_signing_key();
  v_nonce   bytea := extensions.gen_random_bytes(16);
  v_invite  usher.invites;
  v_payload bytea;
begin
  select i.* into strict v_invite from usher.invites i where i.id = mint_invite_token.invite_id;

  v_payload := '\x01'::bytea
    || int2send(v_key_id)
    || uuid_send(v_invite.id)
    || v_nonce
    || substring(int8send(floor(extract(epoch from v_invite.expires_at))::bigint) from 5)
    || usher.invite_fingerprint(v_invite.email, v_invite.roles);

  insert into usher.invite_tokens (invite_id, nonce_hash, issue, is_mailed)
  values (v_invite.id, sha256(v_nonce), v_invite.issue, mint_invite_token.is_mailed);

  return 'inv_' || translate(
    encode(v_payload || extensions.hmac(v_payload, usher.signing_key_secret(v_key_id), 'sha256'), 'base64'),
    e'+/\n', '-_');
end
$$;
comment on function usher.mint_invite_token
  is $$A new token for the invite as it is now. It works beside those minted earlier for the same issue, so that
a mail that is sent twice has two good links; all die with the next issue.

  is_mailed  whether it goes out in a mail: only then may it register somebody by one click

Called when the mail is rendered or the link revealed; never stored.$$;

create type usher.token_claims as (
  invite_id uuid,
  nonce_hash bytea,
  expires_at timestamptz,
  fingerprint bytea
);
comment on type usher.token_claims
  is 'What a token with a good signature says.';

create function usher.verify_invite_token(token text) returns usher.token_claims
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_bytes  bytea;
  v_secret bytea;
  v_blind  bytea := extensions.gen_random_bytes(32);
begin
  -- The length apart: counting in a pattern takes longer than all else here.
  if verify_invite_token.token is null or length(verify_invite_token.token) <> 120
    or verify_invite_token.token !~ '^inv_[A-Za-z0-9_-]+$'
  then
    return null;
  end if;
  v_bytes := decode(translate(substring(verify_invite_token.token from 5), '-_', '+/'), 'base64');
  if get_byte(v_bytes, 0) <> 1 then
    return null;
  end if;

  v_secret := usher.signing_key_secret(get_byte(v_bytes, 1) * 256 + get_byte(v_bytes, 2));
  -- Both sides go through a MAC under a key of this moment, so that how long the comparison takes
  -- tells nothing of the true one (double HMAC verification).
  if v_secret is null
    or extensions.hmac(extensions.hmac(substring(v_bytes from 1 for 55), v_secret, 'sha256'), v_blind, 'sha256')
      <> extensions.hmac(substring(v_bytes from 56), v_blind, 'sha256')
  then
    return null;
  end if;

  return row(
    encode(substring(v_bytes from 4 for 16), 'hex')::uuid,
    sha256(substring(v_bytes from 20 for 16)),
    to_timestamp(('x' || encode(substring(v_bytes from 36 for 4), 'hex'))::bit(32)::bigint),
    substring(v_bytes from 40 for 16)
  )::usher.token_claims;
end
$$;
comment on function usher.verify_invite_token
  is $$What a token says, if it is one of ours: shape and signature only, in constant time, before any invite is
read. Null for anything else.$$;

create type usher.token_reading as (
  invite usher.invites,
  problem text,
  is_mailed boolean
);
comment on type usher.token_reading
  is $$The invite that a genuine token is for, the error code of why it cannot be answered with it any more, and whether
it went out in a mail: only then does its holder read the invited mailbox.$$;

create function usher.inviter_right_ends_at(
  invite usher.invites
) returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_inviter public.organisation_members;
begin
  -- By the project itself, in SQL.
  if (inviter_right_ends_at.invite).invited_by is null then
    return timestamptz 'infinity';
  elsif (inviter_right_ends_at.invite).inviter_kind = 'directory' then
    return usher.directory_giving_ends_at(
      (inviter_right_ends_at.invite).organisation_id, 'invite.create', (inviter_right_ends_at.invite).roles);
  end if;
  select m.* into v_inviter
  from usher.current_members m
  where m.organisation_id = (inviter_right_ends_at.invite).organisation_id
    and m.user_id = (inviter_right_ends_at.invite).invited_by;
  if not found then
    return timestamptz '-infinity';
  end if;
  return usher.giving_ends_at(v_inviter, 'invite.create', (inviter_right_ends_at.invite).roles);
end
$$;
comment on function usher.inviter_right_ends_at
  is $$Until when the word by which an invite lets in counts: infinity where it has no end; -infinity when it does not
count any more, because whoever sent it was removed, demoted, banned, or has left.$$;

create function usher.invite_state_problem(invite usher.invites) returns text
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case (invite_state_problem.invite).status
    when 'accepted' then 'invite_already_accepted'
    when 'declined' then 'invite_declined'
    -- By nobody: whoever revokes by hand may write any reason.
    when 'revoked' then case
      when (invite_state_problem.invite).revoked_by is null
        and (invite_state_problem.invite).revoked_reason = 'inviter_lost_right'
      then 'inviter_lost_right' else 'invite_revoked' end
    when 'expired' then 'invite_expired'
    -- By the clock, not by the start of the transaction, which may have waited for another.
    else case when (invite_state_problem.invite).expires_at <= clock_timestamp() then 'invite_expired' end
  end;
end
$$;
comment on function usher.invite_state_problem
  is 'The error code of why an invite cannot be answered, as far as its own row tells; null when it can.';

create function usher.invite_problem(invite usher.invites) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce(usher.invite_state_problem(invite_problem.invite),
    case when usher.inviter_right_ends_at(invite_problem.invite) <= clock_timestamp() then 'inviter_lost_right' end);
end
$$;
comment on function usher.invite_problem
  is 'The error code of why an invite lets nobody in now, for its own state or its inviter''s; null when it does.';

create function usher.read_invite_token(token text) returns usher.token_reading
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_claims  usher.token_claims := usher.verify_invite_token(read_invite_token.token);
  v_reading usher.token_reading;
  v_found   record;
begin
  v_reading.problem := 'invite_invalid';
  if v_claims.invite_id is null then
    return v_reading;
  end if;

  select t.issue, t.is_mailed, i as invite into v_found
  from usher.invite_tokens t
  join usher.invites i on i.id = t.invite_id
  where t.invite_id = v_claims.invite_id and t.nonce_hash = v_claims.nonce_hash;
  if not found then
    return v_reading;
  end if;

  v_reading.invite := v_found.invite;
  v_reading.is_mailed := v_found.is_mailed;
  v_reading.problem := case
    when v_found.issue <> (v_reading.invite).issue then 'invite_superseded'
    when v_claims.fingerprint
      <> usher.invite_fingerprint((v_reading.invite).email, (v_reading.invite).roles) then 'invite_invalid'
    when v_claims.expires_at <= clock_timestamp()
      then coalesce(usher.invite_state_problem(v_reading.invite), 'invite_expired')
    else usher.invite_state_problem(v_reading.invite)
  end;
  return v_reading;
end
$$;
comment on function usher.read_invite_token
  is $$The invite behind a token, and why it can no longer be answered (null: it can, if its sender may still give it:
usher.invite_problem). For a token that is not
ours, problem is invite_invalid and there is no invite.$$;
