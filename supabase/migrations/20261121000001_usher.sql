-- Usher: organisations, members, roles and invitations.
--
-- The files of sql/ in load order, put together by npm run baseline. Do not edit.

-- What the project itself grants on new objects, kept until the end of this file.
create temporary table usher_own_defaults as
select '' as place, 'functions' as objects, 'public' as grantee, a.privilege_type, a.is_grantable
from pg_catalog.pg_roles r
left join pg_catalog.pg_default_acl d
  on d.defaclrole = r.oid and d.defaclnamespace = 0 and d.defaclobjtype = 'f'
cross join lateral pg_catalog.aclexplode(coalesce(d.defaclacl, pg_catalog.acldefault('f', r.oid))) a
where r.rolname = current_user and a.grantee = 0
union all
select 'in schema public', case d.defaclobjtype when 'r' then 'tables' else 'functions' end,
  g.rolname, a.privilege_type, a.is_grantable
from pg_catalog.pg_default_acl d
join pg_catalog.pg_roles r on r.oid = d.defaclrole and r.rolname = current_user
cross join lateral pg_catalog.aclexplode(d.defaclacl) a
join pg_catalog.pg_roles g on g.oid = a.grantee
where d.defaclnamespace = 'public'::regnamespace and d.defaclobjtype in ('r', 'f')
  and g.rolname in ('anon', 'authenticated', 'service_role');

-- sql/00_base/01_schemas.sql

-- Schemas, the worker's role, and what nobody holds by default.
--
-- public   what the API exposes: tables to read under RLS, and thin RPC functions.
-- usher    the rules, tokens, keys and outbox. Never list it in the API's exposed schemas.

create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;

-- A role belongs to the whole cluster, so another database may have made it, even just now.
do $$
begin
  if not exists (select from pg_catalog.pg_roles r where r.rolname = 'usher_worker') then
    create role usher_worker nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
end
$$;

create schema usher;
comment on schema usher
  is 'The rules behind the organisation functions of public. Not exposed over HTTP.';

-- Usage alone opens nothing: each function and table below says who may use it.
grant usage on schema usher to anon, authenticated, service_role, usher_worker;

-- While these files load, nothing is granted by itself, so that every grant is written out beside
-- its object. 99_defaults/01_default_privileges.sql gives the project its own defaults back.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;

-- sql/00_base/02_errors.sql

-- Errors: one closed list of words, and one way to raise them.
--
-- PostgREST turns sqlstate PGRST into the HTTP answer, so that error.code in supabase-js is the word
-- below; psql shows the same word.
-- https://docs.postgrest.org/en/stable/references/errors.html#raise-errors-with-http-status-codes

create function usher.errors() returns table (
  code text,
  status integer,
  message text,
  hint text
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('unauthenticated',         401, 'You are not signed in.',
      'Sign in and try again.'),
    ('directory_token_invalid', 401, 'This directory token is not valid, or not any more.',
      'Make a new one on the page Directories, and give it to the identity provider.'),
    ('permission_denied',       403, 'Your roles do not permit this in this organisation.',
      'Ask an admin of the organisation.'),
    ('invite_wrong_email',      403, 'This invite was sent to another address.',
      'Sign in with the address that the invite was sent to.'),
    ('email_unverified',        403, 'Your address has not been confirmed yet.',
      'Follow the link in the confirmation mail, then try again.'),
    ('role_not_assignable',     403, 'Your roles do not let you give out this role.',
      'Ask someone who holds it, or choose another role.'),
    ('member_banned',           403, 'This person is banned from the organisation.',
      'An admin can lift the ban.'),
    ('domain_not_allowed',      403, 'The organisation does not take addresses of this domain.',
      'Use an address of one of its own domains.'),
    ('sso_required',            403, 'The organisation asks for another way of signing in.',
      'Sign in the way that details names, then try again.'),
    ('signup_not_invited',      403, 'Only people who have been invited can make an account.',
      'Ask for an invite, and sign up with the address that it was sent to.'),
    ('organisation_not_found',  404, 'There is no such organisation, or you are not in it.',
      'Check the id, and who you are signed in as.'),
    ('member_not_found',        404, 'There is no such member, or you are not in the organisation.',
      'Check the ids, and who you are signed in as.'),
    ('invite_not_found',        404, 'There is no such invite, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('access_review_not_found', 404, 'There is no such review, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('webhook_not_found',       404, 'There is no such webhook, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('directory_not_found',     404, 'The directory holds no such thing, or it is not yours to see.',
      'Check the id, and which token you use.'),
    ('template_not_found',      404, 'There is no such template, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('delivery_not_found',      404, 'There is no such mail, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('credential_not_found',    404, 'There is no such token or domain, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('request_not_found',       404, 'There is no such request, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('invite_invalid',          404, 'This is not a link that we have sent.',
      'Open the link straight from the mail, without changing it.'),
    ('invite_already_accepted', 409, 'This invite has already been accepted.',
      'Sign in to see the organisation.'),
    ('invite_not_pending',      409, 'This invite is no longer open.',
      'Make a new one.'),
    ('request_not_open',        409, 'This request has been decided.',
      'See what was decided; they can ask again.'),
    ('access_review_not_open',  409, 'This has been answered, or the review has ended.',
      'See what the review says; start a new one if need be.'),
    ('already_member',          409, 'This person is already a member.',
      'Change the roles of the member instead.'),
    ('already_invited',         409, 'This address already has an open invite.',
      'Resend that one, or revoke it first; details holds its id.'),
    ('owner_required',          409, 'An organisation cannot be without its owner.',
      'Transfer or delete the organisation first.'),
    ('slug_taken',              409, 'Another organisation has this slug.',
      'Choose another slug, or leave it out.'),
    ('role_in_use',             409, 'Somebody holds this role, or it is part of another.',
      'Take it from members, invites and roles first; details says where it was found.'),
    ('directory_conflict',      409, 'The directory holds another one with this name or address.',
      'Look for that one, and change it instead.'),
    ('seat_limit_reached',      409, 'All seats of the organisation are taken.',
      'Remove a member, or raise the limit.'),
    ('webhook_disabled',        409, 'This webhook is switched off.',
      'Switch it on first; details says why it is off.'),
    ('idempotency_key_in_use',  409, 'A request with this key is being carried out.',
      'Wait a moment, then send the same request with the same key.'),
    ('invite_expired',          410, 'This invite has expired.',
      'Ask for a new one.'),
    ('invite_revoked',          410, 'This invite has been withdrawn.',
      'Ask the organisation if that was not meant.'),
    ('invite_declined',         410, 'This invite has been declined.',
      'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       410, 'A newer mail has replaced this link.',
      'Open the link in the newest mail.'),
    ('batch_too_large',         413, 'Too many invites in one call.',
      'Send at most 10,000 at a time.'),
    ('invalid_email',           422, 'This is not an address that mail can be sent to.',
      'Give one address such as name@example.com, of at most 254 characters.'),
    ('invalid_expiry',          422, 'This lifetime is not allowed.',
      'Give an interval from 1 hour to 30 days, such as "3 days".'),
    ('invalid_slug',            422, 'This slug cannot be used.',
      'Use 2 to 63 of a-z, 0-9 and single hyphens between them, and no word such as admin, api or www.'),
    ('invalid_role',            422, 'There is no such role here, or it cannot be given.',
      'Give 1 to 20 roles of this organisation.'),
    ('invalid_redirect',        422, 'This redirect is not allowed.',
      'Give a path such as /welcome, or an https address of an allowed origin.'),
    ('invalid_message',         422, 'This message cannot be sent.',
      'Give at most 1,000 characters of plain text, without addresses and links.'),
    ('invalid_settings',        422, 'A value is not allowed.',
      'See what the function''s comment says of its parameters.'),
    ('idempotency_key_reused',  422, 'This key belongs to another request.',
      'Take a new key for each new request.'),
    ('inviter_lost_right',      410, 'Whoever sent this invite may not give it any more.',
      'Ask the organisation for a new one.'),
    ('rate_limited',            429, 'Too many requests.',
      'Wait as long as Retry-After says.'),
    ('try_again',               503, 'Somebody else changed the same thing at this moment.',
      'Send the same request again, after the time in Retry-After.')
$$;
comment on function usher.errors
  is $$Every error that Usher raises: code, HTTP status, message, and what to do about it.

TypeScript's ErrorCode union is generated from this list.$$;

create function usher.invitee_errors() returns table (
  code text,
  message text,
  hint text
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('unauthenticated',         null, 'Sign in and try again.'),
    ('permission_denied',       'This cannot be accepted without its link.', 'Accept by the link in the mail.'),
    ('invite_wrong_email',      null, 'Sign in with the address that the invite was sent to.'),
    ('email_unverified',        null, 'Follow the link in the confirmation mail, then try again.'),
    ('role_not_assignable',     'The roles of this invite cannot be yours as they are.',
      'Ask whoever invited you for a new one.'),
    ('member_banned',           'You are banned from the organisation.',
      'Write to the organisation if that is a mistake.'),
    ('domain_not_allowed',      null, 'Ask whoever invited you to invite an address that the organisation takes.'),
    ('sso_required',            null, 'Sign in the way that details names, then try again.'),
    ('organisation_not_found',  'There is no such organisation, or your address does not let you join it.',
      'Check who you are signed in as.'),
    ('invite_not_found',        'There is no such invite, or it is not for you.',
      'Check who you are signed in as, or open the link in the mail.'),
    ('invite_invalid',          'This is not a link or a code of ours.',
      'Open the link straight from the mail, or enter the code as it was shown.'),
    ('invite_already_accepted', null, 'Sign in to see the organisation.'),
    ('invite_not_pending',      null, 'Open the link in the newest mail, or ask for a new one.'),
    ('already_member',          'You are already a member.', 'Go on to the organisation.'),
    ('seat_limit_reached',      null, 'Ask an admin of the organisation to make room, then try again.'),
    ('invite_expired',          null, 'Ask for a new one.'),
    ('invite_revoked',          null, 'Ask the organisation if that was not meant.'),
    ('inviter_lost_right',      null, 'Ask the organisation for a new one.'),
    ('try_again',               null, 'Wait a moment, then try again.'),
    ('invite_declined',         null, 'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       null, 'Open the link in the newest mail.'),
    ('invalid_role',            'A role that this gives is no longer there.', 'Ask whoever invited you for a new one.'),
    ('invalid_message',         null,
      'Give a reason of at most 500 characters of plain text without addresses and links, or none.'),
    ('rate_limited',            null, 'Wait as long as Retry-After says.')
$$;
comment on function usher.invitee_errors
  is $$The same codes to somebody who answers an invite, enrols a device or joins: what happened to them, and what they
themselves can do about it. message is null where usher.errors() says it well.

A function that they call says so first, by usher.speak_to_invitee().$$;

create function usher.speak_to_invitee() returns void
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- For this statement alone: another one of the same transaction may be somebody else's business.
  perform set_config('usher.reader', 'invitee ' || statement_timestamp(), true);
end
$$;
comment on function usher.speak_to_invitee
  is 'Says that the caller answers an invite, enrols a device or joins: errors are worded by usher.invitee_errors().';
grant execute on function usher.speak_to_invitee to anon, authenticated, service_role;

create function usher.is_to_invitee() returns boolean
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce(current_setting('usher.reader', true) = 'invitee ' || statement_timestamp(), false);
end
$$;
comment on function usher.is_to_invitee
  is 'Whether usher.speak_to_invitee() was said in this statement.';

create function usher.error_of(
  code text
) returns table (status integer, message text, hint text)
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if usher.is_to_invitee() then
    return query
      select e.status, coalesce(i.message, e.message), coalesce(i.hint, e.hint)
      from usher.errors() e
      left join usher.invitee_errors() i on i.code = e.code
      where e.code = error_of.code;
  else
    return query select e.status, e.message, e.hint from usher.errors() e where e.code = error_of.code;
  end if;
end
$$;
comment on function usher.error_of
  is 'An error in the words for whoever is spoken to; no row for an unknown code.';

create function usher.fail(
  code text,
  hint text default null,
  details text default null,
  headers jsonb default '{}'
) returns void
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_error record;
begin
  -- strict: a code that is not in the list is our own mistake, and must not pass for an answer.
  select e.* into strict v_error from usher.error_of(fail.code) e;

  raise sqlstate 'PGRST' using
    message = json_build_object(
      'code', fail.code, 'message', v_error.message, 'details', left(fail.details, 2000),
      -- What a rule adds is for those who manage; an invitee is told what they can do. It may repeat what was sent, and
      -- that may be of any length.
      'hint', left(case when usher.is_to_invitee() then v_error.hint else coalesce(fail.hint, v_error.hint) end, 1000)),
    detail = json_build_object('status', v_error.status, 'headers', fail.headers);
end
$$;
comment on function usher.fail
  is $$Refuses: raises the error of this code, so that nothing of the transaction stays.

  code     a word of usher.errors(); an unknown one fails loudly
  hint     what to do about it, where that can be said better than in the list
  details  what it was about, such as the id of the invite in the way; never an address or a token
  headers  HTTP headers of the answer, such as {"Retry-After": "60"}

Never returns.$$;

-- sql/00_base/03_text.sql

-- Text that people give us: names, messages, slugs, locales, links. Each shape is checked
-- here, once. All answer null for what cannot be used, and the caller says which error that is.
--
-- All of them look at the length first, before they normalise, match or parse: what is sent may be of any length.
--
-- Letters are folded and classed by ICU's root collation, because a database may be in the C locale.

create function usher.nfc(
  value text,
  is_compatible boolean default false
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if not nfc.is_compatible and nfc.value is nfc normalized then
    return nfc.value;
  elsif usher.is_heaped(nfc.value) then
    return null;
  end if;
  return case when nfc.is_compatible then normalize(nfc.value, nfkc) else normalize(nfc.value, nfc) end;
end
$$;
comment on function usher.nfc
  is $$Text in NFC; with is_compatible in NFKC, in which full-width letters are plain ones. For text whose length was
looked at: this is done to nothing that may be of any length.

Null where more than 30 marks stand on one letter, in the wrong order: no language has them, and to put them in
order takes the square of their number, during which nothing can stop Postgres, statement_timeout included.
Source: UAX 15 section 13, Stream-Safe Text Format.$$;

create function usher.is_heaped(value text) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Marks have no class of their own here: what is no letter, digit, blank, punctuation or picture. The two at the
  -- end are letters, and become marks in NFKC.
  return is_heaped.value ~ (
    '(?:[^[:alnum:][:space:][:punct:]\u0001-\u02ff\u2190-\u2bff\U0001f000-\U0001ffff]|[\uff9e\uff9f]){31}'
    collate "und-x-icu");
end
$$;
comment on function usher.is_heaped
  is 'Whether more than 30 marks follow each other somewhere in it.';

create function usher.clean_line(value text, max_length integer) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_line text;
begin
  -- Measured before anything else is done with it: blanks around it go, and four characters may become one.
  if length(clean_line.value) > 4 * clean_line.max_length then
    return null;
  end if;
  -- Marks of direction around it turn nothing, and keyboards of Arabic and Hebrew leave them there.
  v_line := usher.nfc(btrim(clean_line.value, e' \u200e\u200f'));
  return case
    when v_line !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]'
      and length(v_line) between 1 and clean_line.max_length
    then v_line
  end;
end
$$;
comment on function usher.clean_line
  is $$One line of text that may stand in a subject or beside other text: trimmed, marks of direction at its ends
included, NFC, 1 to max_length characters. Null if it holds a line break, another control character, or one that turns
the direction of the text around it: each can make a mail say what its sender did not write.$$;

create function usher.clean_text(value text, max_length integer) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_text text;
begin
  -- As in usher.clean_line.
  if length(clean_text.value) > 4 * clean_text.max_length then
    return null;
  end if;
  v_text := usher.nfc(btrim(replace(clean_text.value, e'\r\n', e'\n'), e' \t\n'));
  return case
    when v_text !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]'
      and length(v_text) <= clean_text.max_length
    then v_text
  end;
end
$$;
comment on function usher.clean_text
  is $$Text of several lines: trimmed, NFC, at most max_length characters. Null if it holds a control
character other than a line break or a tab, or one that turns the direction of the text.$$;

create function usher.is_locale(locale text) returns boolean
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select length($1) <= 35 and $1 ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$' $$;
comment on function usher.is_locale
  is 'Whether this is a language tag such as en, de-AT, zh-Hant-TW. Source: RFC 5646, without variants.';

create function usher.is_slug(slug text) returns boolean
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select length($1) between 2 and 63 and $1 ~ '^[a-z0-9]+(-[a-z0-9]+)*$' $$;
comment on function usher.is_slug
  is $$Whether this can name an organisation in an address: 2 to 63 of a-z, 0-9 and single inner hyphens, so
that it can also be a DNS label. Source: RFC 1035 section 2.3.1.$$;

create function usher.url_origin(url text) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select case when length($1) <= 2000 then (
    select lower((regexp_match(
      $1, '^(https://[a-z0-9.-]+(?::\d{1,5})?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?)(?:[/?#][!-~]*)?$',
      'i'))[1])
    where $1 !~ '[\\<>"`]') end
$$;
comment on function usher.url_origin
  is $$Scheme, host and port of an absolute https address (http only for this machine itself). Null for any
other, so also for javascript:, for user@host, for backslashes and for spaces.
Source: OWASP Unvalidated Redirects Cheat Sheet.$$;

create function usher.is_span(
  value interval,
  at_least interval,
  at_most interval
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Every part by itself: '-70000000 mons 2100000007 days' equals a week, and added to a date it is no week.
  return is_span.value between is_span.at_least and is_span.at_most
    and extract(year from is_span.value) >= 0 and extract(month from is_span.value) >= 0
    and extract(day from is_span.value) >= 0 and extract(hour from is_span.value) >= 0
    and extract(minute from is_span.value) >= 0 and extract(second from is_span.value) >= 0;
end
$$;
comment on function usher.is_span
  is $$Whether a length of time is within these bounds, and none of its parts (months, days, time) is negative, so
that it stays within them when it is added to a date. Null for null.$$;
create function usher.read_time(value text) returns timestamptz
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Without a date, or without an offset, it would be another moment in another session.
  if length(read_time.value) > 40
    or read_time.value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$'
  then
    return null;
  end if;
  -- The year 9999 in one place is the year 10000 in another.
  return (
    select t.at from (select read_time.value::timestamptz as at) t
    where t.at < timestamptz '10000-01-01T00:00:00Z');
exception
  when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
    return null;
end
$$;
comment on function usher.read_time
  is 'A moment in ISO 8601, with its offset, such as 2027-03-31T18:00:00Z; null for anything else.';

-- sql/00_base/04_addresses.sql

-- Addresses: each has one spelling, by which it is stored and compared. Of its domain that is the ASCII of the DNS, as
-- which Supabase Auth and browsers hand it over; its own letters are for showing.
--
-- Sources: RFC 5321 section 4.1.2; RFC 3492 (Punycode), sections 5 and 6; RFC 5891 and UTS 46 for what becomes of
-- letters before; OWASP Input Validation Cheat Sheet, e-mail addresses.

create function usher.punycode_bias(
  delta bigint,
  points integer,
  is_first boolean
) returns integer
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delta bigint := punycode_bias.delta / case when punycode_bias.is_first then 700 else 2 end;
  v_k     integer := 0;
begin
  v_delta := v_delta + v_delta / punycode_bias.points;
  while v_delta > 455 loop
    v_delta := v_delta / 35;
    v_k := v_k + 36;
  end loop;
  return (v_k + 36 * v_delta / (v_delta + 38))::integer;
end
$$;
comment on function usher.punycode_bias is 'RFC 3492 section 6.1.';

create function usher.label_to_ascii(label text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_points integer[];
  v_count  integer := length(label_to_ascii.label);
  v_ascii  text;
  v_basic  integer;
  v_done   integer;
  v_next   bigint := 128::bigint;
  v_delta  bigint := 0::bigint;
  v_bias   integer := 72;
  v_least  bigint;
  v_point  integer;
  v_q      bigint;
  v_k      integer;
  v_t      integer;
begin
  -- The DNS has labels of at most 63, and Punycode is longer than what it stands for.
  if v_count > 63 or label_to_ascii.label ~ '^[\u0001-\u007f]*$' then
    return label_to_ascii.label;
  end if;
  v_points := array(
    select ascii(c.letter)
    from regexp_split_to_table(label_to_ascii.label, '') with ordinality c (letter, n) order by c.n);
  v_ascii := regexp_replace(label_to_ascii.label, '[^\u0001-\u007f]', '', 'g');
  v_basic := length(v_ascii);
  v_done := v_basic;
  v_ascii := 'xn--' || v_ascii || case when v_basic > 0 then '-' else '' end;
  while v_done < v_count loop
    v_least := (select min(p)::bigint from unnest(v_points) p where p >= v_next);
    v_delta := v_delta + (v_least - v_next) * (v_done + 1);
    v_next := v_least;
    foreach v_point in array v_points loop
      if v_point < v_next then
        v_delta := v_delta + 1;
      elsif v_point = v_next then
        v_q := v_delta;
        v_k := 36;
        loop
          v_t := least(greatest(v_k - v_bias, 1), 26);
          exit when v_q < v_t;
          v_ascii := v_ascii
            || substr('abcdefghijklmnopqrstuvwxyz0123456789', (v_t + (v_q - v_t) % (36 - v_t))::integer + 1, 1);
          v_q := (v_q - v_t) / (36 - v_t);
          v_k := v_k + 36;
        end loop;
        v_ascii := v_ascii || substr('abcdefghijklmnopqrstuvwxyz0123456789', v_q::integer + 1, 1);
        v_bias := usher.punycode_bias(v_delta, v_done + 1, v_done = v_basic);
        v_delta := 0;
        v_done := v_done + 1;
      end if;
    end loop;
    v_delta := v_delta + 1;
    v_next := v_next + 1;
  end loop;
  return v_ascii;
end
$$;
comment on function usher.label_to_ascii
  is 'A label of a normalised domain as the DNS writes it: xn--…; as it is: ASCII, or too long. RFC 3492 6.3.';

create function usher.label_to_unicode(label text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_basic text := coalesce(substring(label_to_unicode.label from '^xn--(.*)-[^-]*$'), '');
  v_rest  text := substring(label_to_unicode.label from '^xn--(?:.*-)?([^-]*)$');
  v_text  text := v_basic;
  v_next  bigint := 128::bigint;
  v_i     bigint := 0::bigint;
  v_bias  integer := 72;
  v_from  bigint;
  v_w     bigint;
  v_k     integer;
  v_t     integer;
  v_digit bigint;
  v_count integer;
begin
  if v_rest is null or length(label_to_unicode.label) > 63 then
    return label_to_unicode.label;
  end if;
  while v_rest <> '' loop
    v_from := v_i;
    v_w := 1;
    v_k := 36;
    loop
      v_digit := (position(left(v_rest, 1) in 'abcdefghijklmnopqrstuvwxyz0123456789') - 1)::bigint;
      -- Not punycode, or of no letter that there is.
      if v_rest = '' or v_digit < 0 or v_w > 100000000 then
        return label_to_unicode.label;
      end if;
      v_rest := substr(v_rest, 2);
      v_i := v_i + v_digit * v_w;
      v_t := least(greatest(v_k - v_bias, 1), 26);
      exit when v_digit < v_t;
      v_w := v_w * (36 - v_t);
      v_k := v_k + 36;
    end loop;
    v_count := length(v_text) + 1;
    v_bias := usher.punycode_bias(v_i - v_from, v_count, v_from = 0);
    v_next := v_next + v_i / v_count;
    v_i := v_i % v_count;
    if v_next > 1114111 or v_next between 55296 and 57343 then
      return label_to_unicode.label;
    end if;
    v_text := left(v_text, v_i::integer) || chr(v_next::integer) || substr(v_text, v_i::integer + 1);
    v_i := v_i + 1;
  end loop;
  return v_text;
end
$$;
comment on function usher.label_to_unicode
  is 'A label of a normalised domain as people write it; as it is where it is no punycode. RFC 3492 section 6.2.';

create function usher.clean_label(label text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_label text;
begin
  -- Measured before anything else is done with it.
  if length(clean_label.label) > 253 then
    return null;
  end if;
  -- In small letters before and after: some become capitals by it, and others become several.
  -- Of sigma only where somebody wrote the small one that ends a word, as UTS 46 has it.
  v_label := lower(usher.nfc(
    lower(replace(clean_label.label, e'\u03a3', e'\u03c3') collate "und-x-icu"), is_compatible => true)
    collate "und-x-icu");
  if v_label like 'xn--%' then
    -- A name that its own letters do not lead back to would be shown as another's.
    return case
      when usher.label_to_unicode(v_label) <> v_label
        and usher.clean_label(usher.label_to_unicode(v_label)) = v_label
      then v_label
    end;
  elsif v_label ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' collate "C" then
    return v_label;
  end if;
  -- Letters, digits and the marks on them, as RFC 5892 lets them stand: no blanks, no pictures, nothing that cannot be
  -- seen. Four signs are part of words in Catalan, Hebrew and Japanese; and two, unseen, in Persian and in India.
  return case
    when v_label ~ '^[[:alnum:]].*[^-]$' collate "und-x-icu"
      and translate(
        regexp_replace(v_label, '([\u0600-\u0fff])[\u200c\u200d](?=[\u0600-\u0fff])', '\1', 'g'),
        e'-\u00b7\u05f3\u05f4\u30fb', '') !~ (
        '[[:space:][:punct:]\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u034f\u061c\u115f\u1160\u17b4\u17b5'
        '\u180b-\u180f\u2000-\u2bff\u3000-\u3004\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff'
        '\U0001d100-\U0001d7ff\U0001f000-\U0001ffff\U000e0000-\U0010ffff]'
        collate "und-x-icu")
    then usher.label_to_ascii(v_label)
  end;
end
$$;
comment on function usher.clean_label
  is $$One label of a domain, of at most 253 characters, as the DNS writes it: NFKC, lower case, Punycode where it is
not ASCII. Null for what can be none, and for Punycode that stands for nothing or for what is written in another way.$$;

create function usher.clean_domain(domain text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_labels text[];
  v_domain text;
begin
  -- Measured before anything else is done with it.
  if length(clean_domain.domain) > 253 then
    return null;
  end if;
  v_domain := clean_domain.domain;
  if v_domain !~ '^[a-z0-9.-]*$' collate "C" or v_domain ~ '(^|\.)xn--' then
    -- Chinese and Japanese keyboards write other full stops.
    v_labels := array(
      select usher.clean_label(l.label)
      from regexp_split_to_table(v_domain, '[.\u3002\uff0e\uff61]') with ordinality l (label, n) order by l.n);
    v_domain := case when array_position(v_labels, null) is null then array_to_string(v_labels, '.') end;
  end if;
  return case
    when length(v_domain) <= 253
      and v_domain ~ '^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$' collate "C"
      -- Each label at most 63. Not part of the shape above: counting makes a match fifty times as slow.
      and (length(v_domain) <= 63 or v_domain !~ '[^.]{64}')
    then v_domain
  end;
end
$$;
comment on function usher.clean_domain
  is $$The one form of a domain that is stored and compared: as the DNS writes it, in lower case. münchen.example
becomes xn--mnchen-3ya.example. Null for what is not one domain of at most 253 characters, of at least two labels.$$;

create function usher.readable_domain(domain text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if length(readable_domain.domain) > 253 or readable_domain.domain !~ '(^|\.)xn--' then
    return readable_domain.domain;
  end if;
  return (
    select string_agg(usher.label_to_unicode(l.label), '.' order by l.n)
    from regexp_split_to_table(readable_domain.domain, '\.') with ordinality l (label, n));
end
$$;
comment on function usher.readable_domain
  is 'A clean domain in its own letters.';

create function usher.normalise_email(email text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_address text;
  v_local   text;
  v_domain  text;
begin
  -- The plain ones first, which are nearly all: for ASCII, Unicode has nothing to say.
  if length(normalise_email.email) <= 64
    and normalise_email.email ~ '^[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z][a-z0-9]+$' collate "C"
  then
    return normalise_email.email;
  end if;
  -- Measured before anything else is done with it: what cannot be seen around it goes, and letters become fewer.
  if length(normalise_email.email) > 1016 then
    return null;
  end if;
  v_address := regexp_replace(normalise_email.email,
    '^[[:space:]\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+'
    '|[[:space:]\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+$', '', 'g');
  v_local := lower(split_part(v_address, '@', 1) collate "C");
  v_domain := usher.clean_domain(substr(v_address, length(v_local) + 2));
  return case
    when length(v_local) + 1 + length(v_domain) <= 254
      -- The local part as an RFC 5321 dot-atom of at most 64; anything else needs SMTPUTF8 all the
      -- way to the mailbox, which no sender can promise.
      and length(v_local) <= 64
      and v_local ~ '^[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*$' collate "C"
      and substr(v_address, length(v_local) + 1, 1) = '@'
    then v_local || '@' || v_domain
  end;
end
$$;
comment on function usher.normalise_email
  is $$The one form of an address that is stored and compared: trimmed, also of what cannot be seen, lower case, its
domain as usher.clean_domain writes it. Null for anything that is not one address of at most 254 characters. Dots and
tags (a.b+c@…) are kept, because only the mailbox's owner knows what they mean there.$$;

create function usher.email_domain(email text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return substring(email_domain.email from position('@' in email_domain.email) + 1);
end
$$;
comment on function usher.email_domain
  is 'The part after the @ of a normalised address.';

create function usher.readable_email(email text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case
    when position('@xn--' in readable_email.email) + position('.xn--' in readable_email.email) > 0
    then split_part(readable_email.email, '@', 1) || '@'
      || usher.readable_domain(usher.email_domain(readable_email.email))
    else readable_email.email
  end;
end
$$;
comment on function usher.readable_email
  is 'A normalised address with its domain in its own letters, as it is shown, and as others may have stored it.';

create function usher.spellings(email text) returns text[]
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email    text := usher.normalise_email(spellings.email);
  v_readable text := usher.readable_email(v_email);
begin
  if v_readable = spellings.email and v_email = spellings.email then
    return array[spellings.email];
  end if;
  return array(
    select distinct s from unnest(array[spellings.email, v_email, v_readable]) s where s is not null);
end
$$;
comment on function usher.spellings
  is 'An address as it may be written: as it is here, with its domain in the ASCII of the DNS, and in its own letters.';

-- sql/00_base/05_names.sql

-- Names: what people see in mails and on pages, often without knowing who chose it.
--
-- A name is one line in which something can be seen, and nothing else than it seems to be: no sign that turns the
-- text around it, no code that mail programs would read, and, where strangers read it, no address and no link.

create function usher.top_level_domains() returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  -- By key, so that a label is looked up; immutable, so that it is made once for each session.
  select jsonb_object_agg(d.name, true) from regexp_split_to_table(btrim('
    aaa aarp abb abbott abbvie abc able abogado abudhabi ac academy accenture accountant accountants aco actor ad
    ads adult ae aeg aero aetna af afl africa ag agakhan agency ai aig airbus airforce airtel akdn al alibaba alipay
    allfinanz allstate ally alsace alstom am amazon americanexpress americanfamily amex amfam amica amsterdam
    analytics android anquan anz ao aol apartments app apple aq aquarelle ar arab aramco archi army arpa art arte as
    asda asia associates at athleta attorney au auction audi audible audio auspost author auto autos aw aws ax axa
    az azure ba baby baidu banamex band bank bar barcelona barclaycard barclays barefoot bargains baseball
    basketball bauhaus bayern bb bbc bbt bbva bcg bcn bd be beats beauty beer berlin best bestbuy bet bf bg bh
    bharti bi bible bid bike bing bingo bio biz bj black blackfriday blockbuster blog bloomberg blue bm bms bmw bn
    bnpparibas bo boats boehringer bofa bom bond boo book booking bosch bostik boston bot boutique box br bradesco
    bridgestone broadway broker brother brussels bs bt build builders business buy buzz bv bw by bz bzh ca cab cafe
    cal call calvinklein cam camera camp canon capetown capital capitalone car caravan cards care career careers
    cars casa case cash casino cat catering catholic cba cbn cbre cc cd center ceo cern cf cfa cfd cg ch chanel
    channel charity chase chat cheap chintai christmas chrome church ci cipriani circle cisco citadel citi citic
    city ck cl claims cleaning click clinic clinique clothing cloud club clubmed cm cn co coach codes coffee college
    cologne com commbank community company compare computer comsec condos construction consulting contact
    contractors cooking cool coop corsica country coupon coupons courses cpa cr credit creditcard creditunion
    cricket crown crs cruise cruises cu cuisinella cv cw cx cy cymru cyou cz dad dance data date dating datsun day
    dclk dds de deal dealer deals degree delivery dell deloitte delta democrat dental dentist desi design dev dhl
    diamonds diet digital direct directory discount discover dish diy dj dk dm dnp do docs doctor dog domains dot
    download drive dtv dubai dupont durban dvag dvr dz earth eat ec eco edeka edu education ee eg email emerck
    energy engineer engineering enterprises epson equipment er ericsson erni es esq estate et eu eurovision eus
    events exchange expert exposed express extraspace fage fail fairwinds faith family fan fans farm farmers fashion
    fast fedex feedback ferrari ferrero fi fidelity fido film final finance financial fire firestone firmdale fish
    fishing fit fitness fj fk flickr flights flir florist flowers fly fm fo foo food football ford forex forsale
    forum foundation fox fr free fresenius frl frogans frontier ftr fujitsu fun fund furniture futbol fyi ga gal
    gallery gallo gallup game games gap garden gay gb gbiz gd gdn ge gea gent genting george gf gg ggee gh gi gift
    gifts gives giving gl glass gle global globo gm gmail gmbh gmo gmx gn godaddy gold goldpoint golf goo goodyear
    goog google gop got gov gp gq gr grainger graphics gratis green gripe grocery group gs gt gu gucci guge guide
    guitars guru gw gy hair hamburg hangout haus hbo hdfc hdfcbank health healthcare help helsinki here hermes
    hiphop hisamitsu hitachi hiv hk hkt hm hn hockey holdings holiday homedepot homegoods homes homesense honda
    horse hospital host hosting hot hotels hotmail house how hr hsbc ht hu hughes hyatt hyundai ibm icbc ice icu id
    ie ieee ifm ikano il im imamat imdb immo immobilien in inc industries infiniti info ing ink institute insurance
    insure int international intuit investments io ipiranga iq ir irish is ismaili ist istanbul it itau itv jaguar
    java jcb je jeep jetzt jewelry jio jll jm jmp jnj jo jobs joburg jot joy jp jpmorgan jprs juegos juniper kaufen
    kddi ke kerryhotels kerryproperties kfh kg kh ki kia kids kim kindle kitchen kiwi km kn koeln komatsu kosher kp
    kpmg kpn kr krd kred kuokgroup kw ky kyoto kz la lacaixa lamborghini lamer land landrover lanxess lasalle lat
    latino latrobe law lawyer lb lc lds lease leclerc lefrak legal lego lexus lgbt li lidl life lifeinsurance
    lifestyle lighting like lilly limited limo lincoln link live living lk llc llp loan loans locker locus lol
    london lotte lotto love lpl lplfinancial lr ls lt ltd ltda lu lundbeck luxe luxury lv ly ma madrid maif maison
    makeup man management mango map market marketing markets marriott marshalls mattel mba mc mckinsey md me med
    media meet melbourne meme memorial men menu merckmsd mg mh miami microsoft mil mini mint mit mitsubishi mk ml
    mlb mls mm mma mn mo mobi mobile moda moe moi mom monash money monster mormon mortgage moscow moto motorcycles
    mov movie mp mq mr ms msd mt mtn mtr mu museum music mv mw mx my mz na nab nagoya name navy nba nc ne nec net
    netbank netflix network neustar new news next nextdirect nexus nf nfl ng ngo nhk ni nico nike nikon ninja nissan
    nissay nl no nokia norton now nowruz nowtv np nr nra nrw ntt nu nyc nz obi observer office okinawa olayan
    olayangroup ollo om omega one ong onl online ooo open oracle orange org organic origins osaka otsuka ott ovh pa
    page panasonic paris pars partners parts party pay pccw pe pet pf pfizer pg ph pharmacy phd philips phone photo
    photography photos physio pics pictet pictures pid pin ping pink pioneer pizza pk pl place play playstation
    plumbing plus pm pn pnc pohl poker politie porn post pr praxi press prime pro prod productions prof progressive
    promo properties property protection pru prudential ps pt pub pw pwc py qa qpon quebec quest racing radio re
    read realestate realtor realty recipes red redumbrella rehab reise reisen reit reliance ren rent rentals repair
    report republican rest restaurant review reviews rexroth rich richardli ricoh ril rio rip ro rocks rodeo rogers
    room rs rsvp ru rugby ruhr run rw rwe ryukyu sa saarland safe safety sakura sale salon samsclub samsung sandvik
    sandvikcoromant sanofi sap sarl sas save saxo sb sbi sbs sc scb schaeffler schmidt scholarships school schule
    schwarz science scot sd se search seat secure security seek select sener services seven sew sex sexy sfr sg sh
    shangrila sharp shell shia shiksha shoes shop shopping shouji show si silk sina singles site sj sk ski skin sky
    skype sl sling sm smart smile sn sncf so soccer social softbank software sohu solar solutions song sony soy spa
    space sport spot sr srl ss st stada staples star statebank statefarm stc stcgroup stockholm storage store stream
    studio study style su sucks supplies supply support surf surgery suzuki sv swatch swiss sx sy sydney systems sz
    tab taipei talk taobao target tatamotors tatar tattoo tax taxi tc tci td tdk team tech technology tel temasek
    tennis teva tf tg th thd theater theatre tiaa tickets tienda tips tires tirol tj tjmaxx tjx tk tkmaxx tl tm
    tmall tn to today tokyo tools top toray toshiba total tours town toyota toys tr trade trading training travel
    travelers travelersinsurance trust trv tt tube tui tunes tushu tv tvs tw tz ua ubank ubs ug uk unicom university
    uno uol ups us uy uz va vacations vana vanguard vc ve vegas ventures verisign versicherung vet vg vi viajes
    video vig viking villas vin vip virgin visa vision viva vivo vlaanderen vn vodka volvo vote voting voto voyage
    vu wales walmart walter wang wanggou watch watches weather weatherchannel webcam weber website wed wedding weibo
    weir wf whoswho wien wiki williamhill win windows wine winners wme wolterskluwer woodside work works world wow
    ws wtc wtf xbox xerox xihuan xin xxx xyz yachts yahoo yamaxun yandex ye yodobashi yoga yokohama you youtube yt
    yun za zappos zara zero zip zm zone zuerich zw
    vermögensberater vermögensberatung ελ ευ бг бел дети ею католик ком мкд мон москва онлайн орг рус рф сайт срб
    укр қаз հայ ישראל קום ابوظبي ارامكو الاردن البحرين الجزائر السعودية العليان المغرب امارات ایران بارت بازار بيتك
    بھارت تونس سودان سورية شبكة عراق عرب عمان فلسطين قطر كاثوليك كوم مصر مليسيا موريتانيا موقع همراه پاکستان ڀارت
    कॉम नेट भारत भारतम् भारोत संगठन বাংলা ভারত ভাৰত ਭਾਰਤ ભારત ଭାରତ இந்தியா இலங்கை சிங்கப்பூர் భారత్ ಭಾರತ ഭാരതം ලංකා
    คอม ไทย ລາວ გე みんな アマゾン クラウド グーグル コム ストア セール ファッション ポイント 世界 中信 中国 中國 中文网 亚马逊 企业 佛山 信息 健康 八卦 公司 公益 台湾 台灣 商城 商店 商标
    嘉里 嘉里大酒店 在线 大拿 天主教 娱乐 家電 广东 微博 慈善 我爱你 手机 招聘 政务 政府 新加坡 新闻 时尚 書籍 机构 淡马锡 游戏 澳門 点看 移动 组织机构 网址 网店 网站 网络 联通 谷歌 购物 通販
    集团 電訊盈科 飞利浦 食品 餐厅 香格里拉 香港 닷넷 닷컴 삼성 한국
  ', e' \n'), '\s+') d (name)
$$;
comment on function usher.top_level_domains
  is $$The top level domains that there are, as the keys of an object, in lower case: those of other scripts as they
are read, in NFKC.
Source: https://data.iana.org/TLD/tlds-alpha-by-domain.txt, by the npm package tlds 1.261.0.$$;

create function usher.is_title(labels text[], is_alone boolean) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_last text := is_title.labels [cardinality(is_title.labels)];
begin
  -- What firms are called by law, and degrees: Müller GmbH & Co.KG, Ann Smith M.Sc.
  return is_title.is_alone and (
    array_to_string(is_title.labels, '.') in ('co.kg', 'co.ltd', 'pty.ltd', 'pvt.ltd', 'm.sc', 'b.sc')
    or v_last not in (
      'com', 'net', 'org', 'info', 'biz', 'co', 'io', 'ai', 'me', 'cc', 'tv', 'to', 'ly', 'gl', 'gg', 'app', 'dev',
      'xyz', 'link', 'click', 'page', 'site', 'online', 'shop', 'store', 'top', 'icu', 'club', 'live', 'new', 'web',
      'cloud')
    and not exists (
      select from unnest(is_title.labels [:cardinality(is_title.labels) - 1]) l
      where l not in (
        'dr', 'prof', 'mag', 'mr', 'mrs', 'ms', 'mx', 'st', 'ste', 'sr', 'jr', 'dipl', 'ing', 'med', 'dent', 'vet',
        'phil', 'rer', 'nat', 'jur', 'iur', 'oec', 'pol', 'habil')
      -- Domains of one letter are known under two letters, such as t.co, and elsewhere next to none is given.
      and not (l ~ ('^[[:alpha:]]$' collate "und-x-icu") and length(v_last) > 2)));
end
$$;
comment on function usher.is_title
  is $$Whether labels with dots between them are a title, an initial or a form of company in front of a name, written
without the blank: Dr.med, E.Leclerc, Co.KG. They end with what is a top level domain as well, but not with one that
everybody takes for that.

  is_alone  whether nothing follows that would make an address of it, such as a path$$;

create function usher.find_links(value text) returns setof text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_text   text := find_links.value;
  v_found  text[];
  v_labels text[];
  -- With a scheme, whichever, or what a browser reads as one; an address; www.
  v_plain constant text :=
    '((?:[a-z][a-z0-9+-]*:[/\\]{2}'
    '|(?:h..ps?|ftp|mailto|javascript|data|tel|sms|callto|facetime|skype|whatsapp):[^\s])[^\s]*'
    '|[/\\]{2}[^\s/\\][^\s]*'
    '|[^\s@<>"(),;:]+@(?:[^\s@.]+\.)+[^\s@.,;:!?<>")]+|[^\s@<>"(),;:]+@\[[^\s]*'
    '|\mwww\d?\.[^\s]+)';
  -- A label of a domain: letters, marks and digits of any script, hyphens. A symbol ends it, and no class holds
  -- those. But a domain may begin with a picture.
  v_first  text := '(?:[^[:space:][:punct:]]|[_-])';
  v_label  text :=
    '(?:[^[:space:][:punct:]\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf'
    '\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u02e5-\u02ff\u0375\u0384\u0385\u03f6\u0482\u058d-\u058f\u0606-\u060f'
    '\u06de\u06e9\u06fd\u06fe\u0e3f\u17db\u1fbd-\u1fc1\u2000-\u2bff\u2e80-\u3004\u3012-\u3020\u3036-\u303f\u309b\u309c'
    '\u3190-\u319f\u31c0-\u31ef\u3200-\u33ff\u4dc0-\u4dff\ufdfc-\ufdff\ufe62-\ufe69\ufff0-\uffff\U0001d000-\U0001d3ff'
    '\U0001f000-\U0001ffff]|[_-])';
  -- What cannot be seen.
  v_hidden constant text :=
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f'
    '\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]';
begin
  -- Most text holds none of the signs that make a link, nor of those that look like them.
  if v_text is null or v_text !~* '[.@:\\]|//|dot|[^\u0001-\u007f]' then
    return;
  end if;
  if v_text ~ '[^\u0001-\u007f]' then
    if usher.is_heaped(v_text) then
      return next left(v_text, 30);
      return;
    end if;
    -- As a browser reads it: full-width signs as their narrow ones, and what cannot be seen not at all. And as a
    -- program reads it that looks for the end of a link: there, such signs end it, and ™ is not the letters "tm".
    v_text := normalize(regexp_replace(v_text, v_hidden, '', 'g')
      || case when v_text ~ '[\u00a0-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]' or v_text ~ v_hidden then
        e'\n' || regexp_replace(regexp_replace(v_text, v_hidden, ' ', 'g'),
          '[\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]',
          ' ', 'g')
      else '' end, nfkc);
    -- A full stop of Chinese ends a sentence, and is the dot of a domain.
    v_text := lower(replace(v_text, '。', '.') collate "und-x-icu");
  else
    v_text := lower(v_text);
    v_label := '[a-z0-9_-]';
    v_first := v_label;
  end if;
  -- What is to be typed by hand, so that no program sees it.
  if v_text ~ '[\[({]' then
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:\.|dot)\s*[\])}]\s*', '.', 'g');
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:@|at)\s*[\])}]\s*', '@', 'g');
  end if;

  if v_text ~ '[@:/\\]|www' then
    for v_found in select m from regexp_matches(v_text, v_plain, 'g') m loop
      return next v_found [1];
    end loop;
    if found then
      v_text := regexp_replace(v_text, v_plain, ' ', 'g');
    end if;
  end if;

  if v_text !~ '\.[^\s]' then
    return;
  end if;
  -- By itself, and mail programs make a link of it: an IPv4 address, or a label that is followed by a top level domain.
  for v_found in
    select m from regexp_matches(v_text,
      ('(' || v_first || '+\.(?:' || v_label || '+\.)*' || v_label || '+)(\.*(?:[/?#\\]|:\d)[^\s]?)?')
      collate "und-x-icu", 'g') m
  loop
    v_labels := string_to_array(v_found [1], '.');
    if usher.top_level_domains() ?| v_labels [2:] and not usher.is_title(v_labels, v_found [2] is null)
      or v_found [1] like '%.xn--%' or v_found [1] ~ '^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$'
    then
      return next v_found [1];
    end if;
  end loop;
end
$$;
comment on function usher.find_links
  is $$The addresses and links in a text, in lower case: URLs of any scheme, addresses of mail, and domains without a
scheme, because mail programs make links of those as well. For text whose length was looked at.

So a sentence without a blank after its full stop counts where the next word is a top level domain ("ready.It is"):
programs take it for a link, too. Titles and initials do not (usher.is_title).$$;

create function usher.clean_name(
  value text,
  max_length integer default 100,
  may_link boolean default false
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_name text;
begin
  -- Words of plain letters first: there is nothing in them to clean.
  if length(clean_name.value) <= least(clean_name.max_length, 100)
    and clean_name.value ~ '^[A-Za-z]+( [A-Za-z]+)*$' collate "C"
  then
    return clean_name.value;
  end if;
  v_name := usher.clean_line(clean_name.value, clean_name.max_length);
  return case
    -- An encoded word (RFC 2047) is read as what it stands for: another name, or a sign that turns the subject.
    when v_name !~ '=\?[^?\s]*\?[bqBQ]\?' and v_name !~ '\u061c'
      -- Fillers, the blank of Braille and marks are letters and symbols to Unicode, and to the eye nothing.
      and regexp_replace(v_name,
        '[\u0300-\u036f\u1160\u115f\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2800'
        '\u3164\ufe00-\ufe0f\ufe20-\ufe2f\uffa0\U00016fe4\U0001d159\U000e0000-\U000e0fff]',
        '', 'g') ~ ('[[:graph:]]' collate "und-x-icu")
      and (clean_name.may_link or not exists (select from usher.find_links(v_name)))
    then v_name
  end;
end
$$;
comment on function usher.clean_name
  is $$A name as people may be shown it: one line of 1 to max_length characters of which at least one can be seen. Null
for anything else, also for what a mail program would read as an encoded word (RFC 2047).

  may_link  whether it may be or hold an address or a link: what comes from a directory, and only admins see$$;

create function usher.clean_description(
  value text,
  max_length integer
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_text text := usher.clean_text(clean_description.value, clean_description.max_length);
begin
  return case when v_text = '' or usher.clean_name(
    translate(v_text, e'\n\t', '  '), clean_description.max_length, may_link => true) is not null then v_text end;
end
$$;
comment on function usher.clean_description
  is $$What is said beside a name: nothing, or text of several lines that is otherwise as usher.clean_name has it. It
may hold links.$$;

create function usher.is_reserved_slug(slug text) returns boolean
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select $1 in (
    -- Pages and hosts that a project has itself, or will have.
    'about', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'assets', 'auth', 'billing', 'blog', 'cdn',
    'console', 'dashboard', 'docs', 'download', 'functions', 'graphql', 'help', 'invite', 'join', 'localhost', 'login',
    'logout', 'mcp', 'new', 'oauth', 'organisations', 'public', 'register', 'rest', 'root', 'scim', 'security',
    'settings', 'sign-in', 'sign-out', 'sign-up', 'signin', 'signup', 'sso', 'staff', 'static', 'status', 'stop-mail',
    'storage', 'support', 'system', 'usher', 'www',
    -- Names of hosts that mail programs and browsers look for by themselves.
    'autoconfig', 'autodiscover', 'ftp', 'imap', 'isatap', 'mail', 'mta-sts', 'mx', 'ns', 'ns1', 'ns2', 'pop', 'pop3',
    'smtp', 'webmail', 'wpad',
    -- Mailboxes that stand for whoever runs a domain (RFC 2142, and what CAs write to).
    'abuse', 'hostmaster', 'info', 'noc', 'no-reply', 'noreply', 'postmaster', 'webmaster',
    -- What a path says of whoever reads it, or of nothing, and steps on the way in.
    'callback', 'me', 'owner', 'payments', 'secure', 'undefined', 'verify')
    -- Further ones of a kind: www1, api-v1, admins. Few digits, so that usher.free_slug finds one that is not.
    or $1 ~ '^(admin|api|app|auth|cdn|mail|mx|ns|smtp|static|www)s?-?v?[0-9]{0,3}$'
$$;
comment on function usher.is_reserved_slug
  is $$Whether a slug would be taken for the project itself, as a path or as a host of its own: no organisation is given
it any more. One that has it keeps it.$$;

-- sql/00_base/06_settings.sql

-- Settings of the whole project: one row, typed, each limit with its unit. Operators change them by SQL.

create table usher.settings (
  is_only_row boolean primary key default true,
  site_url text not null default 'http://localhost:3000',
  redirect_origins text[] not null default '{}',
  resend_cooldown interval not null default '1 minute',
  resends_per_day integer not null default 5,
  invites_per_day integer not null default 20000,
  auth_confirms_addresses boolean not null default false,
  sign_up text not null default 'open',
  functions_url text,
  one_click text not null default 'off',
  one_click_within interval not null default '24 hours',
  mails_per_minute_to_domain integer,
  mails_per_minute_of_organisation integer,
  mails_per_hour_to_recipient integer default 20,
  mails_per_hour_of_sender integer default 10000,
  organisation_is_new_for interval not null default '7 days',
  new_mails_per_hour_to_recipient integer default 8,
  new_mails_per_hour_of_sender integer default 1000,
  access_end_notice interval not null default '3 days',
  allow_private_targets boolean not null default false,
  webhook_failing_for interval not null default '5 days',
  webhook_answers_kept_for interval not null default '30 days',
  client_address_header text not null default 'cf-connecting-ip',
  trusted_proxies cidr[] not null default '{}',
  constraint settings_is_only_row check (is_only_row),
  constraint settings_sign_up check (sign_up in ('open', 'invite_only')),
  constraint settings_one_click check (
    one_click in ('off', 'new_addresses')
      and usher.is_span(one_click_within, '1 minute', '24 hours')
  ),
  constraint settings_limits check (
    resends_per_day >= 0
      and invites_per_day >= 0
      and mails_per_minute_to_domain > 0
      and mails_per_minute_of_organisation > 0
  ),
  -- What an account sends does not hold up its new organisation's first 50 single mails, whatever else is set; only one
  -- to a mailbox that gets too much waits as any other.
  constraint settings_allowances check (
    mails_per_hour_to_recipient >= 1
      and mails_per_hour_to_recipient <= 10000
      and mails_per_hour_of_sender >= 50
      and mails_per_hour_of_sender <= 1000000
      and usher.is_span(organisation_is_new_for, '0', '365 days')
      and new_mails_per_hour_to_recipient >= 1
      and new_mails_per_hour_to_recipient <= 10000
      and new_mails_per_hour_of_sender >= 50
      and new_mails_per_hour_of_sender <= 1000000
  ),
  constraint settings_bounds check (
    length(site_url) <= 2000
      and length(functions_url) <= 2000
      and cardinality(redirect_origins) <= 100
      and octet_length(array_to_string(redirect_origins, '')) <= 30000
      and usher.is_span(resend_cooldown, '0', '30 days')
      and resends_per_day <= 10000
      and invites_per_day <= 2000000000
      and usher.is_span(access_end_notice, '0', '1 year')
      and client_address_header ~ '^[a-z0-9-]{1,60}$'
      and cardinality(trusted_proxies) <= 100
      and usher.is_span(webhook_failing_for, '1 hour', '1 year')
      and usher.is_span(webhook_answers_kept_for, '1 day', '10 years')
      and mails_per_minute_to_domain <= 1000000
      and mails_per_minute_of_organisation <= 1000000
  )
);
comment on table usher.settings
  is 'Settings of the project. One row; change it by usher.update_settings.';
comment on column usher.settings.site_url
  is 'Where the pages are, without a slash at the end. Mailed links are {site_url}/invite#{token}.';
comment on column usher.settings.redirect_origins
  is 'Origins, beside site_url''s own, that an invite may lead to once it is accepted.';
comment on column usher.settings.resend_cooldown
  is 'Time between two resends of one invite. A minute, as Supabase Auth has it between two mails.';
comment on column usher.settings.resends_per_day
  is 'Resends of one invite within 24 hours: whoever ignores five will ignore the sixth.';
comment on column usher.settings.invites_per_day
  is 'Invites of one organisation within 24 hours: two full batches, so that a stolen session cannot spam.';

comment on column usher.settings.auth_confirms_addresses
  is 'Whether the project''s Auth confirms an address by a mail to it. Only then is having the address proof
enough to accept an invite without its link.';

comment on column usher.settings.sign_up
  is 'open: anyone may make an account; invite_only: those with a pending invite, or a device with a code.';

comment on column usher.settings.functions_url
  is 'Where edge functions answer, without a slash at the end, such as https://<project>.supabase.co/functions/v1.
With it, mails to invitees carry a one-click header to stop them (RFC 8058).';
comment on column usher.settings.one_click
  is 'Who may register by one click, without a second mail. new_addresses: addresses that nobody has an account with;
off: nobody. It takes functions/one-click and Supabase Auth''s admin API.';
comment on column usher.settings.one_click_within
  is 'How long after its mail a link registers by one click: 1 minute to 24 hours.';
comment on column usher.settings.mails_per_minute_to_domain
  is 'How many mails may go to one domain in a minute; null: as many as there are.';
comment on column usher.settings.mails_per_minute_of_organisation
  is 'How many mails of one organisation may go out in a minute; null: as many as there are.';
comment on column usher.settings.mails_per_hour_to_recipient
  is 'How many mails go to one mailbox (an address without its +tag) within an hour, of all organisations together; what
is more goes later. Mails of Supabase Auth are not held and not counted. Null: as many as there are.';
comment on column usher.settings.mails_per_hour_of_sender
  is 'How many mails that one account causes go out within an hour, over all its organisations, single ones and bulk
counted apart; what is more goes later. 10,000 is one full batch. Null: as many as there are.';
comment on column usher.settings.organisation_is_new_for
  is 'How long an organisation counts as new, for the two smaller allowances; 0: none does.';
comment on column usher.settings.new_mails_per_hour_to_recipient
  is 'Of mails_per_hour_to_recipient, how many may come from new organisations, all of them together. Null: no fewer.';
comment on column usher.settings.new_mails_per_hour_of_sender
  is 'Of mails_per_hour_of_sender, how many may come from new organisations: at least 50. Null: no fewer.';
comment on column usher.settings.access_end_notice
  is 'How long before a membership or a role ends its member is told; 0: not at all.';
comment on column usher.settings.allow_private_targets
  is 'Whether organisations may name private addresses, and http, to be called at. The worker calls those that
its own USHER_ALLOW_PRIVATE_TARGETS names, and no others.';
comment on column usher.settings.webhook_failing_for
  is 'A webhook that has taken nothing for so long is switched off. Longer than the ten tries of one event take.';
comment on column usher.settings.client_address_header
  is $$The header in which the gateway itself says who called, in lower case. cf-connecting-ip: Cloudflare's, in front
of hosted projects, which callers cannot write. Behind a gateway that only appends to it, such as Kong:
x-forwarded-for, of which the last place counts. Anything else that a request says of its address is kept as claimed.

Sources: developers.cloudflare.com/fundamentals/reference/http-headers; github.com/orgs/supabase/discussions/34647$$;
comment on column usher.settings.trusted_proxies
  is $$Proxies of one's own between callers and that gateway, as networks. Where the gateway names one of these, who
called it is read from x-forwarded-for, from the last place on to the first that is none of them.$$;
comment on column usher.settings.webhook_answers_kept_for
  is 'How long the log keeps what endpoints answered.';

alter table usher.settings enable row level security;
create policy settings_nobody
  on usher.settings
  for select
  to public
  using (false);

insert into usher.settings default values;

create function usher.update_settings(changes jsonb) returns usher.settings
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings usher.settings;
  v_unknown  text;
begin
  select s.* into strict v_settings from usher.settings s;

  select k into v_unknown
  from jsonb_object_keys(update_settings.changes) k
  where not to_jsonb(v_settings) - 'is_only_row' ? k;
  if found then
    perform usher.fail('invalid_settings', hint => format('There is no setting %L.', v_unknown));
  end if;

  v_settings := jsonb_populate_record(v_settings, update_settings.changes);
  v_settings.site_url := rtrim(v_settings.site_url, '/');
  if usher.url_origin(v_settings.site_url) is null then
    perform usher.fail('invalid_settings',
      hint => 'site_url is an absolute https address (http only for this machine itself).');
  end if;
  v_settings.functions_url := rtrim(v_settings.functions_url, '/');
  if v_settings.functions_url is not null and usher.url_origin(v_settings.functions_url) is null then
    perform usher.fail('invalid_settings',
      hint => 'functions_url is an absolute https address (http only for this machine itself), or null.');
  end if;

  begin
    delete from usher.settings;
    insert into usher.settings select v_settings.*;
  exception
    when check_violation or not_null_violation then
      perform usher.fail('invalid_settings', hint => sqlerrm);
  end;
  return v_settings;
end
$$;
comment on function usher.update_settings
  is $$Changes settings of the project, for operators: no role of the API may call it.

  changes  an object of column names of usher.settings and their new values, such as
           {"site_url": "https://app.example.com", "resend_cooldown": "2 minutes"}

Returns all settings. Fails with invalid_settings.$$;

-- sql/00_base/07_targets.sql

-- Targets: addresses that organisations want the project's servers to call.

create function usher.target_problem(url text) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_parts      text[];
  v_host       text;
  v_is_private boolean;
begin
  -- Measured before it is read.
  if length(target_problem.url) <= 2000 then
    v_parts := regexp_match(target_problem.url,
      '^(https?)://(\[[0-9a-f:.]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?)(?::\d{1,5})?(?:[/?][!-~]*)?$', 'i');
    v_host := lower(rtrim(v_parts[2], '.'));
  end if;
  if v_parts is null or target_problem.url ~ '[\\#]' then
    return 'Give an address such as https://example.com: at most 2,000 characters, without user name and fragment.';
  elsif (select s.allow_private_targets from usher.settings s) then
    return null;
  elsif lower(v_parts[1]) <> 'https' then
    return 'The address begins with https://.';
  elsif v_host ~ '(^|\.)(localhost|local|internal)$' or v_host !~ '[.:]' then
    return 'The address is one of the public internet.';
  elsif v_host !~ '^\[' and v_host !~ '(^|\.)(\d+|0x[0-9a-f]*)$' then
    return null;
  end if;

  -- An address can be written in many ways, of which one is allowed; 0177 is 127 to some.
  if v_host ~ '(^|\.)0\d' then
    return 'The address is one of the public internet.';
  end if;
  begin
    v_is_private := case family(btrim(v_host, '[]')::inet)
      when 4 then exists (
        select from unnest('{0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,
          192.0.0.0/24,192.0.2.0/24,192.168.0.0/16,198.18.0.0/15,198.51.100.0/24,203.0.113.0/24,
          224.0.0.0/3}'::cidr[]) c
        where btrim(v_host, '[]')::inet <<= c)
      -- Of IPv6, all that is public begins with 2 or 3; 2002: holds an address of IPv4.
      else not btrim(v_host, '[]')::inet <<= '2000::/3'
        or btrim(v_host, '[]')::inet <<= any ('{2001::/23,2001:db8::/32,2002::/16,3fff::/20}'::cidr[])
    end;
  exception
    when invalid_text_representation then
      v_is_private := true;
  end;
  return case when v_is_private then 'The address is one of the public internet.' end;
end
$$;
comment on function usher.target_problem
  is $$What is wrong with an address that an organisation wants to be called at, as far as its text tells; null for
nothing. Who calls it looks at what its name means at that moment.

Source: OWASP Server-Side Request Forgery Prevention Cheat Sheet.$$;

create function usher.target_host(url text) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select (regexp_match($1, '^https?://([^/?]+)', 'i'))[1] $$;
comment on function usher.target_host
  is 'What the trail says of such an address: without path and query, because whoever knows those can often send.';

create function usher.is_redirect(redirect_to text) returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select coalesce(
    -- A path of the pages themselves: one slash, then none and no backslash, which browsers take for one.
    case
      when length(is_redirect.redirect_to) <= 2000
      then is_redirect.redirect_to ~ '^/([!-.0-\[\]-~][!-\[\]-~]*)?$'
    end
    or usher.url_origin(is_redirect.redirect_to) in (
      select usher.url_origin(s.site_url) from usher.settings s
      union all
      select lower(o) from usher.settings s, unnest(s.redirect_origins) o),
    false)
$$;
comment on function usher.is_redirect
  is $$Whether an invite may lead there: a path of the pages, or an address of site_url's origin or of an origin
in usher.settings.redirect_origins. Source: OWASP Unvalidated Redirects Cheat Sheet.$$;

-- sql/00_base/08_rate_limits.sql

-- Rate limits: so many of a thing within a time.

create table usher.rate_limits (
  key text not null,
  window_start timestamptz not null,
  used integer not null,
  slot smallint not null default 0,
  primary key (key, slot),
  constraint rate_limits_slot check (slot between 0 and 31)
);
comment on table usher.rate_limits
  is 'How much of an allowance is used: a thing, such as resends:<invite id>. Old rows may be deleted.';
comment on column usher.rate_limits.slot
  is 'Of an allowance that many share, which part of what is used: see usher.take_shared_allowance. Else 0.';
alter table usher.rate_limits enable row level security;
create policy rate_limits_nobody
  on usher.rate_limits
  for select
  to public
  using (false);

create function usher.fail_rate_limited(
  wait interval,
  headers jsonb default '{}'
) returns void
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_seconds text := greatest(1, ceil(extract(epoch from fail_rate_limited.wait)))::integer::text;
begin
  perform usher.fail('rate_limited', details => v_seconds,
    headers => fail_rate_limited.headers || jsonb_build_object('Retry-After', v_seconds));
end
$$;
comment on function usher.fail_rate_limited
  is 'Refuses with rate_limited; Retry-After, and details, say how many seconds to wait, at least one.';

create function usher.rate_limit_headers(
  policy text,
  allowance integer,
  remaining integer,
  period interval,
  reset interval
) returns jsonb
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return jsonb_build_object(
    'RateLimit-Policy', format('"%s";q=%s;w=%s', rate_limit_headers.policy, rate_limit_headers.allowance,
      extract(epoch from rate_limit_headers.period)::integer),
    'RateLimit', format('"%s";r=%s;t=%s', rate_limit_headers.policy, greatest(rate_limit_headers.remaining, 0),
      greatest(1, ceil(extract(epoch from rate_limit_headers.reset))::integer)));
end
$$;
comment on function usher.rate_limit_headers
  is $$The headers that say how much is left: the allowance of a period, what remains of it, and for how many
seconds. Source: draft-ietf-httpapi-ratelimit-headers.$$;

create function usher.answer_allowance(
  taken usher.rate_limits,
  allowance integer,
  period interval,
  is_secret boolean default false
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_left    interval := (answer_allowance.taken).window_start + answer_allowance.period - now();
  v_headers jsonb := case when answer_allowance.is_secret then '{}' else usher.rate_limit_headers(
    split_part((answer_allowance.taken).key, ':', 1), answer_allowance.allowance,
    answer_allowance.allowance - (answer_allowance.taken).used, answer_allowance.period, v_left) end;
begin
  if (answer_allowance.taken).used > answer_allowance.allowance then
    perform usher.fail_rate_limited(v_left, v_headers);
  elsif not answer_allowance.is_secret then
    -- PostgREST's way to set headers of the answer; nobody reads it elsewhere.
    perform set_config('response.headers',
      (select jsonb_agg(jsonb_build_object(h.key, h.value)) from jsonb_each(v_headers) h)::text, true);
  end if;
end
$$;
comment on function usher.answer_allowance
  is $$Says in the headers of the answer what is left of an allowance, unless that is_secret; fails with rate_limited
when more is taken than there is.$$;

create function usher.take_allowance(
  key text,
  amount integer,
  allowance integer,
  period interval,
  is_secret boolean default false
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_taken usher.rate_limits;
begin
  insert into usher.rate_limits as r (key, window_start, used)
  values (take_allowance.key, now(), take_allowance.amount)
  on conflict on constraint rate_limits_pkey do update
  set
    window_start = case when r.window_start + take_allowance.period <= now() then now() else r.window_start end,
    used = take_allowance.amount
      + case when r.window_start + take_allowance.period <= now() then 0 else r.used end
  returning r.* into v_taken;
  perform usher.answer_allowance(v_taken, take_allowance.allowance, take_allowance.period, take_allowance.is_secret);
end
$$;
comment on function usher.take_allowance
  is $$Counts amount against an allowance within a period that starts with the first use, and says in the headers of
the answer what is left, unless that is_secret. Fails with rate_limited when that is more than there is; nothing
is counted then. Two who take of one allowance wait for each other: see usher.take_shared_allowance.$$;

create function usher.allowance_used(
  key text,
  period interval
) returns usher.rate_limits
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_used usher.rate_limits;
begin
  select r.key, min(r.window_start), sum(r.used), count(*) into v_used
  from usher.rate_limits r
  where r.key = allowance_used.key and r.window_start + allowance_used.period > now()
  group by r.key;
  return v_used;
end
$$;
comment on function usher.allowance_used
  is $$What is used of a shared allowance in all of its slots, and in slot how many of them there are; null where its
period is over, or has not begun. See usher.take_shared_allowance.$$;

create function usher.slot_allowance(
  slot smallint,
  allowance integer,
  slots integer
) returns integer
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case
    when slot_allowance.slot >= slot_allowance.slots then 0
    when slot_allowance.slot = 0
      then slot_allowance.allowance / slot_allowance.slots + slot_allowance.allowance % slot_allowance.slots
    else slot_allowance.allowance / slot_allowance.slots
  end;
end
$$;
comment on function usher.slot_allowance
  is 'The part of a shared allowance that is in one of its slots: all alike, and what is left over in the first.';

create function usher.take_from_slots(
  key text,
  amount integer,
  allowance integer,
  slots integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rest  integer := take_from_slots.amount;
  v_taken integer;
begin
  while v_rest > 0 loop
    -- Found once, and then written: within the update, it would be looked for anew for each row.
    with found as materialized (
      select l.slot,
        least(v_rest, usher.slot_allowance(l.slot, take_from_slots.allowance, take_from_slots.slots) - l.used) as taken
      from usher.rate_limits l
      where l.key = take_from_slots.key
        and l.used < usher.slot_allowance(l.slot, take_from_slots.allowance, take_from_slots.slots)
      -- Little is taken from the front and much from the back, so that they do not meet.
      order by case when take_from_slots.amount > 20 then - l.slot else l.slot end
      limit 1
      for update skip locked
    )
    update usher.rate_limits r
    set used = r.used + s.taken
    from found s
    where r.key = take_from_slots.key and r.slot = s.slot
    returning s.taken into v_taken;
    exit when not found;
    v_rest := v_rest - v_taken;
  end loop;
  return v_rest;
end
$$;
comment on function usher.take_from_slots
  is $$Takes what it can of an allowance that is parted among slots, out of those that nobody else is writing. Returns
what is still to be taken.$$;

create function usher.take_shared_allowance(
  key text,
  amount integer,
  allowance integer,
  period interval
) returns usher.rate_limits
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Small ones are not worth parting.
  v_slots constant integer := least(32, greatest(1, take_shared_allowance.allowance / 20));
  v_used  usher.rate_limits := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
  v_rest  integer := take_shared_allowance.amount;
begin
  -- The first of a period, or of a larger allowance than before.
  if coalesce(v_used.slot, 0) < v_slots then
    insert into usher.rate_limits (key, window_start, used, slot)
    select take_shared_allowance.key, coalesce(v_used.window_start, now()), 0, s
    from generate_series(0, v_slots - 1) s
    order by s
    on conflict on constraint rate_limits_pkey do nothing;
    perform from usher.rate_limits r where r.key = take_shared_allowance.key order by r.slot for update;
    v_used := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
    update usher.rate_limits r
    set window_start = coalesce(v_used.window_start, now()), used = 0
    where r.key = take_shared_allowance.key and r.window_start + take_shared_allowance.period <= now();
  end if;

  -- Where it was larger before, some may hold more than their part, and what the others have is not theirs to give.
  if not exists (
    select from usher.rate_limits r
    where r.key = take_shared_allowance.key
      and r.used > usher.slot_allowance(r.slot, take_shared_allowance.allowance, v_slots))
  then
    -- Of one, nothing can be kept while waiting for the rest, and nothing has to be given back.
    if v_rest = 1 then
      v_rest := usher.take_from_slots(take_shared_allowance.key, 1, take_shared_allowance.allowance, v_slots);
    else
    begin
      v_rest := usher.take_from_slots(take_shared_allowance.key, v_rest, take_shared_allowance.allowance, v_slots);
      if v_rest between 1 and take_shared_allowance.amount - 1 then
        raise sqlstate 'UPART';
      end if;
    exception
      -- Given back: two who keep what they have and wait for the rest would wait for each other.
      when sqlstate 'UPART' then
        v_rest := take_shared_allowance.amount;
    end;
    end if;
  end if;
  if v_rest > 0 then
    -- Those that are left are being written: near the end of it, and of a small one always, one waits for the other.
    perform from usher.rate_limits r where r.key = take_shared_allowance.key order by r.slot for update;
    v_rest := usher.take_from_slots(take_shared_allowance.key, v_rest, take_shared_allowance.allowance, v_slots);
  end if;
  v_used := usher.allowance_used(take_shared_allowance.key, take_shared_allowance.period);
  v_used.used := v_used.used + v_rest;
  perform usher.answer_allowance(v_used, take_shared_allowance.allowance, take_shared_allowance.period);
  return v_used;
end
$$;
comment on function usher.take_shared_allowance
  is $$usher.take_allowance where many take of one allowance at once, as all who invite in an organisation do: it is
parted among up to 32 slots, and each takes out of those that nobody else is writing. Only for what may be the last of
it, one waits for the other. As exact as one row.

Returns what is used now, as usher.allowance_used does. Fails with rate_limited.$$;

-- sql/00_base/09_signing_keys.sql

-- Signing keys: what the tokens in mailed links are signed with. They never leave the database.

create table usher.signing_keys (
  id smallint primary key,
  secret bytea,
  vault_secret_id uuid,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  constraint signing_keys_one_place check (
    num_nonnulls(secret, vault_secret_id) = 1
  )
);
comment on table usher.signing_keys
  is 'Keys that sign tokens. The one not retired signs; retired ones verify until their last token has expired.';
comment on column usher.signing_keys.secret
  is '32 bytes, only where the project has no Vault.';
comment on column usher.signing_keys.vault_secret_id
  is 'Where it lies in vault.secrets, as hex.';

create unique index signing_keys_one_signs on usher.signing_keys ((true))
  where retired_at is null;

alter table usher.signing_keys enable row level security;
create policy signing_keys_nobody
  on usher.signing_keys
  for select
  to public
  using (false);

create function usher.rotate_signing_key() returns smallint
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_secret   bytea := extensions.gen_random_bytes(32);
  v_id       smallint;
  v_vault_id uuid;
begin
  lock table usher.signing_keys in share row exclusive mode;
  select (coalesce(max(k.id), 0) + 1)::smallint into v_id from usher.signing_keys k;

  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using encode(v_secret, 'hex'), 'usher_signing_key_' || v_id, 'Signs the links of invites (Usher).';
    v_secret := null;
  end if;

  update usher.signing_keys k set retired_at = now() where k.retired_at is null;
  insert into usher.signing_keys (id, secret, vault_secret_id) values (v_id, v_secret, v_vault_id);
  return v_id;
end
$$;
comment on function usher.rotate_signing_key
  is $$Makes a new signing key, in Vault where the project has one, and retires the one that signed so far. Links
that are out keep working until they expire. For operators.

Returns the id of the new key.$$;

create function usher.ensure_signing_key() returns smallint
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_id smallint;
begin
  select k.id into v_id from usher.signing_keys k where k.retired_at is null;
  if found then
    return v_id;
  end if;

  -- Two first mails at once: the second waits here and finds the key of the first.
  lock table usher.signing_keys in share row exclusive mode;
  select k.id into v_id from usher.signing_keys k where k.retired_at is null;
  return coalesce(v_id, usher.rotate_signing_key());
end
$$;
comment on function usher.ensure_signing_key
  is 'The id of the key that signs; makes the first one when there is none yet.';

-- The first one is there from the beginning: made in the middle of something else, it would let everybody wait.
select usher.ensure_signing_key();

create function usher.signing_key_secret(key_id integer) returns bytea
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_key    usher.signing_keys;
  v_secret text;
begin
  -- No token outlives its key's retirement by more than the longest lifetime, 30 days.
  select k.* into v_key
  from usher.signing_keys k
  where k.id = signing_key_secret.key_id
    and (k.retired_at is null or k.retired_at > statement_timestamp() - interval '30 days');
  if not found or v_key.secret is not null then
    return v_key.secret;
  end if;

  execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
    into v_secret using v_key.vault_secret_id;
  return decode(v_secret, 'hex');
end
$$;
comment on function usher.signing_key_secret
  is 'The 32 bytes of a key that still signs or verifies; null for any other.';

create view usher.signing_key_states
  with (security_invoker = true)
  as
  select
    k.id,
    case
      when k.retired_at is null then 'signs'
      when k.retired_at > now() - interval '30 days' then 'verifies'
      else 'dead'
    end as state,
    case when k.secret is null then 'vault' else 'table' end as kept_in,
    k.created_at,
    k.retired_at,
    k.retired_at + interval '30 days' as verifies_until,
    k.retired_at is null and k.created_at < now() - interval '1 year' as is_due
  from usher.signing_keys k;
comment on view usher.signing_key_states
  is $$The keys that sign links, without the keys: which one signs, which still verify and until when, and whether it
is time for usher.rotate_signing_key.

Source: NIST SP 800-57 part 1 rev. 5, table 1: a symmetric authentication key signs for at most two years. Half
of that leaves time.$$;

-- sql/00_base/10_accounts.sql

-- Accounts: what Supabase Auth's own tables say of an address.
--
-- An address alone does not tell who somebody is. Auth keeps each single sign-on account apart from all
-- others of the same address, and believes whatever address an identity provider names: so that one
-- customer's provider could name the address of another customer's people.

create function usher.has_account(email text) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Auth writes addresses in lower case, and has an index of those without single sign-on.
  if exists (
    select from auth.users u where u.email = any (usher.spellings(has_account.email)) and u.is_sso_user = false)
  then
    return true;
  end if;
  -- Auth's own table, which a stand-in for Auth may lack.
  return to_regclass('auth.identities') is not null and exists (
    select from auth.identities d where d.email = any (usher.spellings(has_account.email)) and d.provider like 'sso:%');
end
$$;
comment on function usher.has_account
  is 'Whether anyone has an account with this normalised address, confirmed or not, by whichever way in.';

create function usher.has_identity(
  user_id uuid,
  provider text,
  email text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return to_regclass('auth.identities') is not null and exists (
    select from auth.identities d
    where d.user_id = has_identity.user_id
      and d.provider = has_identity.provider
      and usher.normalise_email(d.email) = has_identity.email);
end
$$;
comment on function usher.has_identity
  is $$Whether this account is known to a provider under this normalised address. Provider and address have to
belong to the one identity: an address that another identity of the account brought along does not count.$$;

create function usher.sso_provider_of(domain text) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- A stand-in for Auth may lack it, and a platform may keep it to itself: then no domain leads anywhere.
  if has_table_privilege(to_regclass('auth.sso_domains'), 'select') is not true then
    return null;
  end if;
  return (
    select 'sso:' || d.sso_provider_id
    from auth.sso_domains d
    where lower(d.domain) in (lower(sso_provider_of.domain), usher.readable_domain(lower(sso_provider_of.domain))));
end
$$;
comment on function usher.sso_provider_of
  is $$The SAML provider that Supabase Auth knows for a mail domain, as sso:<id>; null where there is none. It is what
signInWithSSO({ domain }) leads to.$$;

create function usher.has_proven_address(user_id uuid) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user record;
begin
  select usher.normalise_email(u.email) as email, u.email_confirmed_at, u.is_sso_user into v_user
  from auth.users u where u.id = has_proven_address.user_id;
  if not found or v_user.email_confirmed_at is null then
    return false;
  elsif not v_user.is_sso_user then
    return true;
  end if;
  return coalesce(usher.has_identity(has_proven_address.user_id,
    usher.sso_provider_of(usher.email_domain(v_user.email)), v_user.email), false);
end
$$;
comment on function usher.has_proven_address
  is $$Whether an account may do by its address alone what otherwise takes a mailed link: the address is confirmed,
and, where a SAML provider named it, that provider is the one that the project has for its domain.$$;

create function usher.is_anonymous() returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- By the session, and by the account: a token that was made before says what was true then. A stand-in for
  -- Auth may lack the column.
  -- Auth's if it is there, and otherwise the one beside it.
  return coalesce(auth.jwt() ->> 'is_anonymous', 'false') = 'true' or exists (
    select from (values (false)) otherwise (is_anonymous)
    cross join lateral (
      select is_anonymous as is_so from auth.users u where u.id = auth.uid()) account
    where account.is_so);
end
$$;
comment on function usher.is_anonymous
  is $$Whether the caller's session is one of an anonymous account, which Supabase Auth gives to anyone who asks:
signInAnonymously. Such a session may look, decline and enrol a device, and nothing else.$$;

create function usher.require_person() returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  elsif usher.is_anonymous() then
    perform usher.fail('permission_denied', hint => 'This account is anonymous. Sign in with an address to do this.');
  end if;
end
$$;
comment on function usher.require_person
  is $$Refuses a caller who is nobody in particular: unauthenticated, or permission_denied for an anonymous account. For
every rule by which somebody changes something in their own name.$$;

create function usher.require_confirmed_person() returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_person();
  if not exists (
    select from auth.users u where u.id = auth.uid() and u.email is not null and u.email_confirmed_at is not null)
  then
    perform usher.fail('email_unverified');
  end if;
end
$$;
comment on function usher.require_confirmed_person
  is 'Refuses as usher.require_person does, and with email_unverified an account without a confirmed address.';

-- sql/00_base/11_erased_addresses.sql

-- Hashes of addresses: what is remembered of an address that is erased.

create table usher.address_salt (
  is_only_row boolean primary key default true,
  salt bytea not null default extensions.gen_random_bytes(32),
  constraint address_salt_one_row check (is_only_row)
);
comment on table usher.address_salt
  is 'What addresses are hashed with: of erased people who want no mail, and in the names of lines at the outbox.';
alter table usher.address_salt enable row level security;
create policy address_salt_nobody
  on usher.address_salt
  for select
  to public
  using (false);
insert into usher.address_salt default values;

create function usher.address_hash(email text) returns bytea
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (select sha256(s.salt || convert_to(address_hash.email, 'UTF8')) from usher.address_salt s);
end
$$;
comment on function usher.address_hash
  is $$The salted SHA-256 of an address. Whoever has the whole database can try addresses against it: it hides them from
reading, not from asking.$$;

create function usher.is_erased_address(email text) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_erased_address.email like 'erased@%.invalid';
end
$$;
comment on function usher.is_erased_address
  is 'Whether this stands where the address of somebody was who was forgotten. Null for none.';

-- sql/05_organisations/01_organisations.sql

-- Organisations: the tenants. Every other row belongs to exactly one of them.
--
-- Anyone signed in with a confirmed address may create one and is then its owner. Reading needs organisation.read.

create table public.organisations (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  slug text not null,
  logo_url text,
  accent_colour text,
  sender_name text,
  reply_to text,
  locale text not null default 'en',
  invite_ttl interval not null default '7 days',
  seat_limit integer,
  allowed_email_domains text[] not null default '{}',
  self_service_resend boolean not null default false,
  expiry_mail boolean not null default false,
  track_opens boolean not null default false,
  reminder_before interval,
  audit_retention interval,
  created_at timestamptz not null default now(),
  credential_grace interval not null default '7 days',
  constraint organisations_slug_key unique (slug),
  constraint organisations_name check (usher.clean_line(name, 100) = name),
  constraint organisations_slug check (usher.is_slug(slug)),
  constraint organisations_logo_url check (
    usher.url_origin(logo_url) is not null or logo_url is null
  ),
  constraint organisations_accent_colour check (
    accent_colour ~ '^#[0-9a-f]{6}$'
  ),
  constraint organisations_sender_name check (
    usher.clean_line(sender_name, 100) = sender_name or sender_name is null
  ),
  constraint organisations_reply_to check (
    usher.normalise_email(reply_to) = reply_to or reply_to is null
  ),
  constraint organisations_locale check (usher.is_locale(locale)),
  constraint organisations_invite_ttl check (
    usher.is_span(invite_ttl, '1 hour', '30 days')
  ),
  constraint organisations_reminder_before check (
    usher.is_span(reminder_before, '1 hour', '14 days')
  ),
  constraint organisations_audit_retention check (
    usher.is_span(audit_retention, '30 days', '100 years')
  ),
  constraint organisations_credential_grace check (
    usher.is_span(credential_grace, '0', '30 days')
  ),
  constraint organisations_seat_limit check (seat_limit between 1 and 1000000),
  constraint organisations_allowed_email_domains check (
    cardinality(allowed_email_domains) <= 1000
      and octet_length(array_to_string(allowed_email_domains, '')) <= 254000
  ),
  constraint organisations_bounds check (
    length(name) <= 100
      and length(sender_name) <= 100
      and length(reply_to) <= 254
  )
);
comment on table public.organisations
  is 'The tenants. Read with organisation.read; written by functions only.';
comment on column public.organisations.accent_colour
  is 'For pages and mails: # and six lower-case hex digits.';
comment on column public.organisations.sender_name
  is 'Who its mails come from by name; null: its name.';
comment on column public.organisations.reply_to
  is 'Where answers to its mails go; null: nowhere.';
comment on column public.organisations.locale
  is 'Language of its mails when an invite names none.';
comment on column public.organisations.invite_ttl
  is 'Lifetime of an invite when it names none: 1 hour to 30 days.';
comment on column public.organisations.seat_limit
  is 'How many active members there may be; null: any number.';
comment on column public.organisations.allowed_email_domains
  is 'Only addresses of these domains may be invited and may accept; empty: any.';
comment on column public.organisations.self_service_resend
  is 'Whether the holder of an expired link gets a new one without asking an admin.';

comment on column public.organisations.expiry_mail
  is 'Whether who sent an invite hears when it has expired.';

comment on column public.organisations.track_opens
  is 'Whether it is recorded that a mail was opened, where the mail provider tells.';

comment on column public.organisations.reminder_before
  is 'How long before its end an unanswered invite is brought to mind again, once; null: not.';
comment on column public.organisations.audit_retention
  is 'How long the trail is kept, 30 days to 100 years; null: for ever. The owner alone changes it.';
comment on column public.organisations.credential_grace
  is 'How long directory tokens and joining by domain go on after who answers for them lost the right: 0 to 30 days.';

-- sql/05_organisations/02_roles.sql

-- Roles: named sets of permissions, and who may give which.
--
-- Four are built in and the same everywhere: owner, admin, finance, member. What they hold and who may
-- assign them is data: three tables, filled below. Reading an organisation's roles needs role.read.

create table usher.permissions (
  name text primary key,
  description text not null,
  constraint permissions_name check (name ~ '^[a-z][a-z_]*\.[a-z][a-z_]*$')
);
comment on table usher.permissions
  is 'Every permission there is, as thing.action.';
alter table usher.permissions enable row level security;
create policy permissions_nobody
  on usher.permissions
  for select
  to public
  using (false);

insert into usher.permissions (name, description) values
  ('organisation.read', 'See the organisation itself'),
  ('organisation.update', 'Change name, branding, lifetimes and limits'),
  ('organisation.delete', 'Delete the organisation'),
  ('organisation.transfer', 'Make another member the owner'),
  ('member.read', 'See members, their roles and addresses'),
  ('member.update', 'Change the roles of members'),
  ('member.remove', 'Remove members'),
  ('member.ban', 'Ban members and lift bans'),
  ('role.read', 'See roles and what they permit'),
  ('role.manage', 'Create, change and delete own roles'),
  ('invite.read', 'See invites and what became of them'),
  ('invite.create', 'Invite people and devices'),
  ('invite.resend', 'Send an invite again'),
  ('invite.revoke', 'Withdraw an invite, or let it expire'),
  ('invite.reveal', 'See the link of an invite'),
  ('audit.read', 'Read and verify the audit trail'),
  (
    'access_review.manage',
    'Review who may do what: confirm and withdraw rights'
  ),
  ('directory.manage', 'Let identity providers and applications keep members'),
  ('webhook.manage', 'See and change webhooks'),
  ('billing.read', 'For your application: see invoices and plans'),
  ('billing.manage', 'For your application: pay and change plans');

create table public.organisation_roles (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid references public.organisations on delete cascade,
  name text not null,
  description text not null default '',
  permissions text[] not null default '{}',
  granted_permissions text[] not null default '{}',
  inherits text[] not null default '{}',
  created_at timestamptz not null default now(),
  constraint organisation_roles_name_key unique nulls not distinct (
    organisation_id,
    name
  ),
  constraint organisation_roles_name check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
  constraint organisation_roles_bounds check (
    length(description) <= 500
      and cardinality(inherits) <= 1000
      and cardinality(permissions) <= 1000
      and cardinality(granted_permissions) <= 1000
      and octet_length(
        array_to_string(permissions || granted_permissions || inherits, '')
      )
      <= 200000
  )
);
comment on table public.organisation_roles
  is 'The built-in roles (no organisation_id) and the own roles of organisations. Read with role.read.';
comment on column public.organisation_roles.permissions
  is 'All that it permits: what was granted and what it inherits. Names out of usher.permissions.';
comment on column public.organisation_roles.granted_permissions
  is 'What was granted to an own role itself; empty for a built-in one.';
comment on column public.organisation_roles.inherits
  is 'Roles whose permissions an own role has as well.';

-- The keys of built-in roles are fixed, so that they are the same in every project.
insert into public.organisation_roles (
  id,
  name,
  description,
  permissions,
  created_at
)
values
  (
    '00000000-0000-4000-8000-000000000001',
    'owner',
    'Everything. Exactly one member, never invited.',
    '{organisation.read,organisation.update,organisation.delete,organisation.transfer,'
    'member.read,member.update,member.remove,member.ban,role.read,role.manage,'
    'invite.read,invite.create,invite.resend,invite.revoke,invite.reveal,directory.manage,'
    'audit.read,access_review.manage,webhook.manage,billing.read,billing.manage}',
    '2026-01-01T00:00:00Z'
  ),
  (
    '00000000-0000-4000-8000-000000000002',
    'admin',
    'Everything but deleting or handing over the organisation.',
    '{organisation.read,organisation.update,'
    'member.read,member.update,member.remove,member.ban,role.read,role.manage,'
    'invite.read,invite.create,invite.resend,invite.revoke,invite.reveal,directory.manage,'
    'audit.read,access_review.manage,webhook.manage,billing.read,billing.manage}',
    '2026-01-01T00:00:00Z'
  ),
  (
    '00000000-0000-4000-8000-000000000003',
    'finance',
    'A member who also sees to the bills.',
    '{organisation.read,member.read,role.read,billing.read,billing.manage}',
    '2026-01-01T00:00:00Z'
  ),
  (
    '00000000-0000-4000-8000-000000000004',
    'member',
    'Sees the organisation, its members and its roles.',
    '{organisation.read,member.read,role.read}',
    '2026-01-01T00:00:00Z'
  );

create table usher.role_assigners (
  assigner text not null,
  role text not null,
  primary key (assigner, role)
);
comment on table usher.role_assigners
  is 'Who may give which built-in role. owner is nobody''s to give: it is transferred.';
alter table usher.role_assigners enable row level security;
create policy role_assigners_nobody
  on usher.role_assigners
  for select
  to public
  using (false);

insert into usher.role_assigners (assigner, role) values
  ('owner', 'admin'),
  ('owner', 'finance'),
  ('owner', 'member'),
  ('admin', 'finance'),
  ('admin', 'member');

create function usher.create_permission(
  name text,
  description text,
  roles text[] default '{}'
) returns usher.permissions
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_permission usher.permissions;
begin
  if length(create_permission.name) > 100
    or create_permission.name !~ '^[a-z][a-z_]*\.[a-z][a-z_]*$'
    or create_permission.name is null
  then
    perform usher.fail('invalid_settings', hint => 'A permission is thing.action, such as invoice.approve.');
  end if;
  -- The API answers lists of permissions as rows, and hosted projects let through a thousand of them.
  if (select count(*) from usher.permissions p where p.name <> create_permission.name) >= 500 then
    perform usher.fail('invalid_settings', hint => 'A project has at most 500 permissions.');
  end if;
  insert into usher.permissions as p (name, description)
  values (create_permission.name, coalesce(usher.clean_description(create_permission.description, 500), ''))
  on conflict on constraint permissions_pkey do update set description = excluded.description
  returning p.* into v_permission;

  -- The owner holds everything; otherwise nobody could give it to anyone.
  update public.organisation_roles r
  set permissions = usher.clean_roles(array_append(r.permissions, v_permission.name))
  where r.organisation_id is null
    and (r.name = 'owner' or r.name = any (create_permission.roles))
    and v_permission.name <> all (r.permissions);
  return v_permission;
end
$$;
comment on function usher.create_permission
  is $$Adds a permission of the application to the registry. For operators, in a migration of the application.

  name         thing.action, in lower case, such as invoice.approve
  description  at most 500 characters
  roles        which built-in roles hold it, beside owner, who holds everything

Ask for it by has_organisation_permission and usher.organisations_where. Returns the permission. A project has at most
500. Fails with invalid_settings.$$;

create function usher.permissions_of(
  organisation_id uuid,
  roles text[]
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select distinct p.name
    from public.organisation_roles r
    cross join unnest(r.permissions) p (name)
    where r.name = any (permissions_of.roles)
      and (r.organisation_id is null or r.organisation_id = permissions_of.organisation_id);
end
$$;
comment on function usher.permissions_of
  is 'What these roles permit together in this organisation.';

create function usher.permits(
  organisation_id uuid,
  roles text[],
  permission text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from public.organisation_roles r
    where r.name = any (permits.roles)
      and (r.organisation_id is null or r.organisation_id = permits.organisation_id)
      and permits.permission = any (r.permissions));
end
$$;
comment on function usher.permits
  is 'Whether one of these roles permits this in this organisation: usher.permissions_of for one permission.';

create function usher.clean_roles(roles text[]) returns text[]
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Twice as many as there can be permissions, and longer than any of them is called.
  if cardinality(clean_roles.roles) > 1000
    or exists (select from unnest(clean_roles.roles) r where length(r) > 200)
  then
    return null;
  end if;
  return array(select distinct btrim(r) from unnest(clean_roles.roles) r order by 1);
end
$$;
comment on function usher.clean_roles
  is $$Sorted, each once: the one form in which a set of roles, or of permissions, is stored, compared and signed. Null
for more than 1,000, and for what none of them can be called.$$;

-- sql/05_organisations/03_role_exclusions.sql

-- Role exclusions: pairs of roles that nobody may hold together (separation of duty), inherited roles included.
--
-- Source: ANSI/INCITS 359-2004, static separation of duty (docs/rbac.md).

create table public.organisation_role_exclusions (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  name text not null,
  roles text[] not null,
  cardinality integer not null default 2,
  primary key (organisation_id, name),
  constraint organisation_role_exclusions_name check (
    usher.clean_line(name, 100) = name
  ),
  constraint organisation_role_exclusions_cardinality check (
    cardinality between 2 and cardinality(roles)
  ),
  constraint organisation_role_exclusions_bounds check (
    length(name) <= 100
      and cardinality <= 1000
      and cardinality(roles) <= 1000
      and octet_length(array_to_string(roles, '')) <= 63000
  )
);
comment on table public.organisation_role_exclusions
  is 'Static separation of duty: of these roles, one subject holds fewer than cardinality. Read with role.read.';
comment on column public.organisation_role_exclusions.cardinality
  is 'So many of the roles may not come together: 2 means that no two may.';

alter table public.organisation_role_exclusions enable row level security;
grant select on public.organisation_role_exclusions to authenticated, service_role;

create function usher.roles_with_inherited(
  organisation_id uuid,
  roles text[]
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with recursive held (name) as (
      select unnest(roles_with_inherited.roles)
      union
      select i.name
      from held h
      join public.organisation_roles r on r.name = h.name
        and (r.organisation_id is null or r.organisation_id = roles_with_inherited.organisation_id)
      cross join unnest(r.inherits) i (name)
    )
    select h.name from held h;
end
$$;
comment on function usher.roles_with_inherited
  is 'These roles and all that they inherit: the authorised roles of ANSI/INCITS 359-2004.';

create function usher.excluded_together(
  organisation_id uuid,
  roles text[]
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (
    select e.name
    from public.organisation_role_exclusions e
    where e.organisation_id = excluded_together.organisation_id
      and e.cardinality <= (
        select count(*)
        from usher.roles_with_inherited(excluded_together.organisation_id, excluded_together.roles) h (name)
        where h.name = any (e.roles))
    limit 1);
end
$$;
comment on function usher.excluded_together
  is 'The name of a separation of duty that these roles, held together, would break; null when none.';

-- sql/05_organisations/04_giving_roles.sql

-- Giving roles: which roles somebody may give to others, and which cannot be held together.
--
-- Nobody gives more than they hold. Every way of gaining a role asks here: invites, joining by a domain,
-- directories, changes of members.

create function usher.is_for_owners(
  organisation_id uuid,
  roles text[]
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from usher.role_assigners a
    join public.organisation_roles b on b.organisation_id is null and b.name = a.role
    where a.role in (select a.role from usher.role_assigners a group by a.role having bool_and(a.assigner = 'owner'))
      and (
        a.role in (select usher.roles_with_inherited(is_for_owners.organisation_id, is_for_owners.roles))
        or b.permissions <@ array(select usher.permissions_of(is_for_owners.organisation_id, is_for_owners.roles))));
end
$$;
comment on function usher.is_for_owners
  is $$Whether these roles contain one that the owner alone may give, such as admin: it is among them, one of them
inherits it, or together they permit all that it permits.$$;

create function usher.unassignable_role(
  organisation_id uuid,
  roles text[],
  assigner_roles text[]
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- What somebody's role inherits they may give as its holders may.
  v_assigners   text[] := array(
    select usher.roles_with_inherited(unassignable_role.organisation_id, unassignable_role.assigner_roles));
  v_permissions text[] := array(
    select usher.permissions_of(unassignable_role.organisation_id, unassignable_role.assigner_roles));
begin
  return (
    select r.name
    from public.organisation_roles r
    where r.name = any (unassignable_role.roles)
      and (r.organisation_id is null or r.organisation_id = unassignable_role.organisation_id)
      and case
        when r.organisation_id is null then not exists (
          select from usher.role_assigners a where a.role = r.name and a.assigner = any (v_assigners))
        else not r.permissions <@ v_permissions
          or not 'owner' = any (v_assigners)
            and usher.is_for_owners(unassignable_role.organisation_id, unassignable_role.roles)
      end
    order by r.name
    limit 1);
end
$$;
comment on function usher.unassignable_role
  is $$The first of these roles that a holder of assigner_roles may not give; null when they may give all. A built-in
role is given by those in usher.role_assigners, and by holders of what inherits theirs; an own role by whoever holds
all that is in it, but by the owner alone where it contains, with the others, what the owner alone gives.$$;

create function usher.roles_problem(
  organisation_id uuid,
  roles text[],
  assigner_roles text[]
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Built-in roles that these assigners give, where nothing is kept apart, are nearly all.
  if cardinality(roles_problem.roles) between 1 and 20
    and not exists (
      select from unnest(roles_problem.roles) g (name)
      where not exists (
        select from usher.role_assigners a
        where a.role = g.name and a.assigner = any (roles_problem.assigner_roles)))
    and not exists (
      select from public.organisation_role_exclusions e
      where e.organisation_id = roles_problem.organisation_id)
  then
    return null;
  end if;
  return case
    when roles_problem.roles is null or cardinality(roles_problem.roles) not between 1 and 20
      or exists (
        select from unnest(roles_problem.roles) g (name)
        where not exists (
          select from public.organisation_roles r
          where r.name = g.name
            and (r.organisation_id is null or r.organisation_id = roles_problem.organisation_id)))
      then 'invalid_role'
    when usher.unassignable_role(
        roles_problem.organisation_id, roles_problem.roles, roles_problem.assigner_roles) is not null
      or usher.excluded_together(roles_problem.organisation_id, roles_problem.roles) is not null
      then 'role_not_assignable'
  end;
end
$$;
comment on function usher.roles_problem
  is $$Why a holder of assigner_roles may not give these roles: invalid_role (none, over 20, unknown here) or
role_not_assignable (not theirs to give, as usher.unassignable_role says, or not to be held together). Null when they
may.$$;

create function usher.require_roles(
  organisation_id uuid,
  roles text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_are_known boolean;
  v_are_apart boolean;
begin
  select not exists (
      select from unnest(require_roles.roles) g (name)
      where not exists (
        select from public.organisation_roles r
        where r.name = g.name
          and (r.organisation_id is null or r.organisation_id = require_roles.organisation_id))),
    exists (
      select from public.organisation_role_exclusions e
      where e.organisation_id = require_roles.organisation_id)
  into v_are_known, v_are_apart;
  if not v_are_known then
    perform usher.fail('invalid_role');
  end if;
  -- Most organisations keep no roles apart.
  if v_are_apart and usher.excluded_together(require_roles.organisation_id, require_roles.roles) is not null then
    perform usher.fail('role_not_assignable', hint => 'These roles may not be held together.');
  end if;
end
$$;
comment on function usher.require_roles
  is $$Fails unless all of these roles exist in the organisation at this moment (invalid_role) and may be held
together (role_not_assignable). Both stay so: whoever changes roles waits for the lock that its caller holds.$$;

-- sql/05_organisations/05_members.sql

-- Members: a subject's membership of an organisation, with its roles.
--
-- active ─▶ left │ removed │ banned.   left, removed ─(new invite)─▶ active.   banned ─(unban)─▶ removed.
-- One row a subject and organisation for ever, so that whoever comes back has their history.
-- Reading needs member.read; everyone sees their own memberships.

-- One check and not six: see usher.is_sound_invite.
create function usher.is_sound_member(
  kind text,
  status text,
  roles text[],
  email text,
  display_name text,
  status_reason text,
  ended_at timestamptz,
  ends_at timestamptz,
  role_ends jsonb,
  next_end_at timestamptz,
  announced_end_at timestamptz
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_sound_member.kind in ('user', 'device')
    and is_sound_member.status in ('active', 'banned', 'left', 'removed')
    and (is_sound_member.status = 'active') = (is_sound_member.ended_at is null)
    -- The owner is active and has no end.
    and (is_sound_member.status = 'active' and is_sound_member.next_end_at is null
      or not 'owner' = any (is_sound_member.roles))
    and cardinality(is_sound_member.roles) <= 1000
    and octet_length(array_to_string(is_sound_member.roles, '')) <= 63000
    and length(is_sound_member.email) <= 254
    and length(is_sound_member.display_name) <= 100
    and length(is_sound_member.status_reason) <= 500
    and pg_column_size(is_sound_member.role_ends) <= 131072
    and is_sound_member.ends_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and is_sound_member.next_end_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and is_sound_member.announced_end_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z';
end
$$;
comment on function usher.is_sound_member
  is 'What holds for every row of public.organisation_members: words, bounds, and what belongs to which status.';

create table public.organisation_members (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_id uuid not null,
  kind text not null default 'user',
  status text not null default 'active',
  roles text[] not null,
  email text,
  display_name text,
  joined_at timestamptz not null default now(),
  ended_at timestamptz,
  status_reason text,
  ends_at timestamptz,
  role_ends jsonb not null default '{}',
  next_end_at timestamptz,
  announced_end_at timestamptz,
  constraint organisation_members_subject_key unique (organisation_id, user_id),
  constraint organisation_members_are_sound check (
    usher.is_sound_member(
      kind,
      status,
      roles,
      email,
      display_name,
      status_reason,
      ended_at,
      ends_at,
      role_ends,
      next_end_at,
      announced_end_at
    )
  )
);
comment on table public.organisation_members
  is 'Memberships, past ones too. Read with member.read, and one''s own; written by functions only.';
comment on column public.organisation_members.user_id
  is 'The account. No foreign key: a ban outlives the account, so that it can be seen and lifted.';
comment on column public.organisation_members.email
  is 'The account''s address, kept in step with auth.users, which the API does not show.';
comment on column public.organisation_members.display_name
  is 'What the account calls itself; null when it says nothing fit to show.';
comment on column public.organisation_members.status_reason
  is 'Why they were removed or banned.';
comment on column public.organisation_members.ends_at
  is 'When the membership stops counting; null: it has no end. See 40_administration/06_temporary_access.sql.';
comment on column public.organisation_members.role_ends
  is 'When roles stop counting: names of roles to times in ISO 8601. A role that is not among them has no end.';
comment on column public.organisation_members.next_end_at
  is 'The first of all these ends. Kept by a trigger, so that whoever has none pays for one comparison only.';
comment on column public.organisation_members.announced_end_at
  is 'Which next_end_at the member was told of beforehand.';

create index organisation_members_user_id on public.organisation_members (
  user_id
);
create index organisation_members_next_end_at on public.organisation_members (
  next_end_at
)
  where next_end_at is not null and status = 'active';
create index organisation_members_email on public.organisation_members (
  organisation_id,
  email
);
create unique index organisation_members_one_owner
  on public.organisation_members (organisation_id)
  where 'owner' = any(roles);

create function usher.tg_organisation_members__follow_ends() returns trigger
  language plpgsql
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- A role that is not held any more has no end either: whoever gets it again gets it as it is given then.
  new.role_ends := coalesce((
    select jsonb_object_agg(e.key, e.value)
    from jsonb_each(new.role_ends) e
    where e.key = any (new.roles)), '{}');
  new.next_end_at := least(new.ends_at, (
    select min(e.value::timestamptz) from jsonb_each_text(new.role_ends) e));
  return new;
end
$$;
comment on function usher.tg_organisation_members__follow_ends
  is 'Keeps next_end_at, and forgets the ends of roles that are no longer held.';

create trigger usher_follow_ends
  before insert or update of roles, ends_at, role_ends
  on public.organisation_members
  for each row
  when (
    new.ends_at is not null
      or new.role_ends <> '{}'
      or new.next_end_at is not null
  )
  execute function usher.tg_organisation_members__follow_ends();

create function usher.counting_roles(
  roles text[],
  ends_at timestamptz,
  role_ends jsonb
) returns text[]
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if counting_roles.ends_at <= statement_timestamp() then
    return '{}'::text[];
  end if;
  return array(
    select r from unnest(counting_roles.roles) r
    where coalesce((counting_roles.role_ends ->> r)::timestamptz > statement_timestamp(), true)
    order by r);
end
$$;
comment on function usher.counting_roles
  is 'Those of a member''s roles whose end has not come yet.';

create view usher.current_members
  with (security_invoker = true)
  as
  select
    m.id,
    m.organisation_id,
    m.user_id,
    m.kind,
    m.status,
    case
      when m.next_end_at <= statement_timestamp() then
        usher.counting_roles(m.roles, m.ends_at, m.role_ends)
      else m.roles
    end as roles,
    m.email,
    m.display_name,
    m.joined_at,
    m.ended_at,
    m.status_reason,
    m.ends_at,
    m.role_ends,
    m.next_end_at,
    m.announced_end_at
  from public.organisation_members m
  where
    m.status = 'active'
    and (m.ends_at is null or m.ends_at > statement_timestamp());
comment on view usher.current_members
  is $$The members of this moment, with the roles that count now: what has come to its end is left out, swept or not.
Every rule asks it, and not the table, which may be up to a minute behind. Its columns are the table's.$$;

create function usher.tg_organisation_members__keep_owner() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- When the organisation itself is deleted, it is gone already, and so may its owner be.
  if exists (select from public.organisations o where o.id = old.organisation_id) then
    perform usher.fail('owner_required', details => old.organisation_id::text);
  end if;
  return old;
end
$$;
comment on function usher.tg_organisation_members__keep_owner
  is 'Refuses with owner_required when the row of an owner would go while the organisation stays.';

create trigger usher_keep_owner
  before delete
  on public.organisation_members
  for each row
  when ('owner' = any(old.roles))
  execute function usher.tg_organisation_members__keep_owner();

create function usher.addresses_of(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select usher.normalise_email(u.email) from auth.users u
    where u.id = addresses_of.user_id and usher.normalise_email(u.email) is not null
    union
    select m.email from public.organisation_members m
    where m.organisation_id = addresses_of.organisation_id and m.user_id = addresses_of.user_id
      and m.email is not null
    order by 1;
end
$$;
comment on function usher.addresses_of
  is 'By which addresses a member, or a former one, is known: that of the account, and that of the membership.';

-- sql/05_organisations/06_upkeep.sql

-- Upkeep: what workers do from time to time for all organisations, each organisation on its own.
--
-- A step is a function that workers call every minute. It finds what is due, of each organisation one before the
-- second of any, and hands it over organisation by organisation to the function of the same name that ends in _of.
-- What fails there is undone for that one organisation, written down here, and tried again after a while; the others
-- go on. So it is with an organisation that is locked at that moment.

create table usher.upkeep_failures (
  id uuid primary key default gen_random_uuid(),
  step text not null,
  organisation_id uuid,
  failing_since timestamptz not null default now(),
  failed_at timestamptz not null default now(),
  times integer not null default 1,
  retry_at timestamptz not null default now(),
  error text not null,
  constraint upkeep_failures_key unique nulls not distinct (
    step,
    organisation_id
  )
);
comment on table usher.upkeep_failures
  is $$What upkeep could not do, for whom, and why: a line goes when the step has been done, or a day after the last
failure. usher.stuck shows them. No foreign key, because a trail outlives its organisation.$$;
comment on column usher.upkeep_failures.organisation_id
  is 'Null: the step is about no single organisation.';
comment on column usher.upkeep_failures.retry_at
  is 'The organisation is left out of the step until then: a minute, two, four … an hour.';
comment on column usher.upkeep_failures.error
  is 'SQLSTATE and message, without the values of the row.';
alter table usher.upkeep_failures enable row level security;
create policy upkeep_failures_nobody
  on usher.upkeep_failures
  for select
  to public
  using (false);

create type usher.upkeep_item as (
  organisation_id uuid,
  id uuid
);
comment on type usher.upkeep_item
  is 'What is due in a step: a thing of an organisation; without an id, the organisation as a whole.';

create function usher.resting_organisations(step text) returns setof uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select f.organisation_id from usher.upkeep_failures f
    where f.step = resting_organisations.step and f.organisation_id is not null and f.retry_at > now();
end
$$;
comment on function usher.resting_organisations
  is 'For whom a step has failed, and whose next try is not due yet.';

create function usher.run_upkeep(
  step text,
  items usher.upkeep_item[],
  batch_size integer default null
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Whoever holds an organisation locked holds up this much of the upkeep of the others.
  set lock_timeout = '500ms'
  as $$
declare
  v_tenant record;
  v_state  text;
  v_error  text;
  v_count  integer;
  v_total  integer := 0;
begin
  -- Of an organisation for which nothing is due any more.
  delete from usher.upkeep_failures f
  where f.ctid = any (array(
    select o.ctid from usher.upkeep_failures o
    where o.step = run_upkeep.step and o.failed_at < now() - interval '1 day'
    for update skip locked));

  for v_tenant in
    select i.organisation_id, array_agg(i.id order by i.n) as ids
    from unnest(run_upkeep.items) with ordinality i (organisation_id, id, n)
    group by i.organisation_id
    order by min(i.n)
  loop
    -- Another worker is at it.
    continue when not pg_try_advisory_xact_lock(
      hashtextextended('usher upkeep ' || concat_ws(' ', run_upkeep.step, v_tenant.organisation_id), 0));
    -- The organisation first, as in every change; one that is being deleted needs no upkeep. A trail outlives its own.
    perform from public.organisations o where o.id = v_tenant.organisation_id for key share skip locked;
    continue when not found and exists (
      select from public.organisations o where o.id = v_tenant.organisation_id);
    begin
      execute format('select usher.%I($1, $2, $3)', run_upkeep.step || '_of')
      into strict v_count
      using v_tenant.organisation_id, v_tenant.ids, run_upkeep.batch_size;
      v_total := v_total + v_count;
      delete from usher.upkeep_failures f
      where f.step = run_upkeep.step and f.organisation_id is not distinct from v_tenant.organisation_id;
    exception
      when others then
        get stacked diagnostics v_state = returned_sqlstate, v_error = message_text;
        raise warning 'Upkeep % failed for organisation %: % %',
          run_upkeep.step, v_tenant.organisation_id, v_state, v_error;
        insert into usher.upkeep_failures as f (step, organisation_id, retry_at, error)
        values (run_upkeep.step, v_tenant.organisation_id,
          now() + case when v_state <> '55P03' then interval '1 minute' else interval '0' end,
          left(v_state || ' ' || v_error, 500))
        on conflict on constraint upkeep_failures_key do update
        set failed_at = now(), times = f.times + 1, error = excluded.error,
          -- One that was only locked is looked at the next time.
          retry_at = case when v_state = '55P03' then now()
            else now() + least(interval '1 hour', interval '1 minute' * 2 ^ least(f.times, 6)) end;
    end;
  end loop;
  return v_total;
end
$$;
comment on function usher.run_upkeep
  is $$Does what is due in a step, organisation by organisation, by the function that is called as the step with _of
at the end: (organisation_id, ids, batch_size), which returns how much it did. What fails, or has to wait for a lock
for longer than half a second, is undone for that organisation alone and noted in usher.upkeep_failures.

  step        the function that was called, such as expire_due_invites
  items       what is due, in the order in which it is to be done; none of whoever is resting
  batch_size  handed on

Returns how much was done in all.$$;

-- sql/05_organisations/07_limits.sql

-- Limits: how much of each thing one organisation may have, so that no tenant fills what all share.

create function usher.tenant_limits(
  only_thing text default null
) returns table (
  thing text,
  relation regclass,
  counted text,
  at_most integer,
  code text
)
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
  -- Names until they are asked for: the tables come in later files.
  select l.thing, to_regclass(l.relation), l.counted, l.at_most, l.code
  from (values
    ('own roles',           'public.organisation_roles',           'true',                    500, 'invalid_settings'),
    ('role exclusions',     'public.organisation_role_exclusions', 'true',                    100, 'invalid_settings'),
    ('email templates',     'public.organisation_email_templates', 'true',                    500, 'invalid_settings'),
    ('open access reviews', 'public.organisation_access_reviews',  'status = ''open''',        10, 'invalid_settings'),
    ('open invites',        'usher.invites',                       'status = ''pending''',  50000, 'invalid_settings'),
    ('webhooks',            'public.organisation_webhooks',        'true',                     20, 'invalid_settings'),
    ('domains',             'public.organisation_domains',         'true',                    200, 'invalid_settings'),
    ('unverified domains',  'public.organisation_domains',         'verified_at is null',      20, 'invalid_settings'),
    ('requests to join',    'public.organisation_join_requests',   'status = ''pending''',   1000, 'rate_limited'),
    ('directory tokens',    'public.organisation_directory_tokens',
      'revoked_at is null and (expires_at is null or expires_at > now())',                    20, 'invalid_settings'),
    ('directory endpoints', 'public.organisation_directory_endpoints',
      'true',                                                                                 10, 'invalid_settings'),
    ('directory users',     'usher.directory_users',               'true',                 100000, 'invalid_settings')
  ) l (thing, relation, counted, at_most, code)
  where tenant_limits.only_thing is null or l.thing = tenant_limits.only_thing;
end
$$;
comment on function usher.tenant_limits
  is $$What one organisation may have at most, so that none fills what all share: thing, the table that it is counted
in, which of its rows count, how many, and the code of the refusal. What is not here has another bound, which
test/database/tenant-limits.test.ts names.

  only_thing  that thing alone; null: all$$;

create function usher.require_room(
  thing text,
  organisation_id uuid,
  more integer default 1
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_limit record;
  v_held  integer;
  v_hint  text;
begin
  select l.* into strict v_limit from usher.tenant_limits(require_room.thing) l;
  -- No further than needed: whoever has few pays for few.
  execute format(
    'select count(*)::integer from (select from %s t where t.organisation_id = $1 and (%s) limit $2) c',
    v_limit.relation, v_limit.counted)
  into strict v_held
  using require_room.organisation_id, v_limit.at_most + 1;
  if v_held + require_room.more <= v_limit.at_most then
    return;
  end if;
  v_hint := format('An organisation has at most %s %s', to_char(v_limit.at_most, 'FM999,999'), v_limit.thing);
  if v_limit.code = 'rate_limited' then
    -- Whoever is refused can do nothing but wait.
    perform usher.fail(v_limit.code, hint => v_hint || ': some have to be answered first.', details => '3600',
      headers => '{"Retry-After": "3600"}');
  end if;
  perform usher.fail(v_limit.code, hint => v_hint || ': end or delete some first.');
end
$$;
comment on function usher.require_room
  is $$Fails, as usher.tenant_limits says, when an organisation would have more of a thing than it may.

  thing  as usher.tenant_limits names it
  more   how many are to come

To be exact, its caller has locked the organisation; where many come at once and do not wait for each other, as those
who ask to join, a few more may get in.$$;

-- sql/05_organisations/08_locks.sql

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

-- sql/10_access/01_directory_tokens.sql

-- Directory tokens: what an identity provider calls us with, and as whom it then acts.
--
-- A token opens one organisation and nothing else. It carries the rights of whoever answers for it, asked anew with
-- each request. It is 256 random bits; only its SHA-256 is kept. How tokens are made, revoked and used stands in
-- 45_directories/01_directory_access.sql.

create function usher.acts_as_directory() returns boolean
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce(current_setting('usher.directory', true), '') <> '';
end
$$;
comment on function usher.acts_as_directory
  is 'Whether the transaction acts as a directory: usher.open_directory has noted its token.';
create table public.organisation_directory_tokens (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  name text not null,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by uuid,
  responsible_id uuid not null,
  stops_at timestamptz,
  carried_roles text[] not null default '{}',
  constraint organisation_directory_tokens_bounds check (
    length(name) <= 100
      and expires_at
        between timestamptz '2000-01-01T00:00:00Z'
        and timestamptz '9999-12-31T23:59:59.999999Z'
  )
);
comment on table public.organisation_directory_tokens
  is 'Tokens of identity providers, without the secret. Read with directory.manage; written by functions only.';
comment on column public.organisation_directory_tokens.created_by
  is 'Who made it; no foreign key, because it outlives the account.';
comment on column public.organisation_directory_tokens.responsible_id
  is 'Who answers for it, and whose rights it carries.';
comment on column public.organisation_directory_tokens.stops_at
  is 'When it stops unless somebody takes it over, because who answers for it has lost the right; null: it does not.';
comment on column public.organisation_directory_tokens.carried_roles
  is 'Until stops_at it goes on with these roles, which they had without an end when they lost the right.';
comment on column public.organisation_directory_tokens.expires_at
  is 'Null: it does not end by itself.';
comment on column public.organisation_directory_tokens.last_used_at
  is 'To the minute; null: never.';

create index organisation_directory_tokens_organisation_id
  on public.organisation_directory_tokens (organisation_id, created_at desc);

alter table public.organisation_directory_tokens enable row level security;
grant select on public.organisation_directory_tokens to authenticated, service_role;

create table usher.directory_token_hashes (
  hash bytea primary key,
  token_id uuid not null unique references public.organisation_directory_tokens
    on delete cascade
);
comment on table usher.directory_token_hashes
  is 'The SHA-256 of each directory token; the token itself is kept nowhere.';
alter table usher.directory_token_hashes enable row level security;
create policy directory_token_hashes_nobody
  on usher.directory_token_hashes
  for select
  to public
  using (false);

create function usher.directory_membership(
  organisation_id uuid
) returns public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_token  public.organisation_directory_tokens;
  v_member public.organisation_members;
begin
  select t.* into v_token
  from public.organisation_directory_tokens t
  where t.id::text = current_setting('usher.directory', true)
    and t.organisation_id = directory_membership.organisation_id
    and t.responsible_id = auth.uid()
    and t.stops_at > statement_timestamp();
  if found then
    v_member.id := v_token.id;
    v_member.organisation_id := v_token.organisation_id;
    v_member.user_id := v_token.responsible_id;
    v_member.kind := 'user';
    v_member.status := 'active';
    v_member.roles := v_token.carried_roles;
    v_member.role_ends := '{}';
  end if;
  return v_member;
end
$$;
comment on function usher.directory_membership
  is $$What a directory acts with while its token goes on without whoever answered for it: their user id, and the
roles that they had; null for any other token.$$;

-- sql/10_access/02_sign_in_rules.sql

-- Sign-in rules: which way an organisation's people have to come in.
--
-- Supabase Auth is the SAML service provider and the OIDC client; here stands only what a session may
-- accept. It is read out of the token's claims that Auth alone writes: app_metadata, amr and aal. What people
-- can write themselves, user_metadata, is never looked at. Provider and address have to belong to one
-- identity of the account: an address alone proves nothing.
--
-- Asked of whoever becomes a member, by whichever way; with for_members also of members at each call, but
-- for the owner, so that a provider that is down shuts nobody out for good, and for devices.
-- Changing it needs organisation.update; every member may read it.
--
-- Sources: internal/models/sessions.go of github.com/supabase/auth (amr, aal, and which identity makes
-- sso/saml name its provider); https://supabase.com/docs/guides/auth/enterprise-sso/auth-sso-saml

create table public.organisation_sign_in_rules (
  organisation_id uuid primary key references public.organisations
    on delete cascade,
  provider text,
  domain text,
  level text not null default 'aal1',
  methods text[] not null default '{}',
  max_age interval,
  for_members boolean not null default false,
  updated_at timestamptz not null default now(),
  constraint organisation_sign_in_rules_provider check (
    provider
        ~ '^(sso:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|custom:[a-z0-9:-]{1,43}|[a-z][a-z0-9_]{1,49})$'
      and provider not in ('email', 'phone', 'sso', 'custom')
  ),
  constraint organisation_sign_in_rules_one_provider check (
    num_nonnulls(provider, domain) <= 1
  ),
  constraint organisation_sign_in_rules_level check (level in ('aal1', 'aal2')),
  constraint organisation_sign_in_rules_max_age check (
    usher.is_span(max_age, '1 minute', '30 days')
  ),
  constraint organisation_sign_in_rules_bounds check (
    length(domain) <= 253
      and cardinality(methods) <= 10
      and octet_length(array_to_string(methods, '')) <= 400
  )
);
comment on table public.organisation_sign_in_rules
  is 'Which way an organisation''s people have to come in; no row: any. Read by members; written by functions only.';
comment on column public.organisation_sign_in_rules.provider
  is 'As Supabase Auth names it: sso:<id> for SAML, keycloak or custom:<name> for OIDC; null: any, or by domain.';
comment on column public.organisation_sign_in_rules.domain
  is 'In place of provider: the SAML provider that the project has for this mail domain.';
comment on column public.organisation_sign_in_rules.level
  is 'The assurance level that Auth itself vouches for; aal2: with a second factor.';
comment on column public.organisation_sign_in_rules.methods
  is 'One of these has to be among the session''s methods (amr), such as totp; empty: any.';
comment on column public.organisation_sign_in_rules.max_age
  is 'How long ago they signed in at most, 1 minute to 30 days; null: as long as the session lives.';
comment on column public.organisation_sign_in_rules.for_members
  is 'Whether members, too, need such a session for what they do; the owner and devices do not.';

alter table public.organisation_sign_in_rules enable row level security;
grant select on public.organisation_sign_in_rules to authenticated, service_role;

create function usher.amr_entries(
  claims jsonb
) returns table (method text, provider text, at timestamptz)
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Auth writes objects; a hook that rewrites tokens may leave the plain words of RFC 8176.
  return query
    select coalesce(a.entry ->> 'method', a.entry #>> '{}'), nullif(a.entry ->> 'provider', ''),
      case when jsonb_typeof(a.entry -> 'timestamp') = 'number'
        then to_timestamp((a.entry ->> 'timestamp')::double precision) end
    from jsonb_array_elements(
      case jsonb_typeof(amr_entries.claims -> 'amr') when 'array' then amr_entries.claims -> 'amr' end) a (entry);
end
$$;
comment on function usher.amr_entries
  is 'How the session of a token has signed in, and when, as its amr claim says.';

create function usher.session_came_by(
  claims jsonb,
  provider text,
  since timestamptz
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_app      jsonb := session_came_by.claims -> 'app_metadata';
  v_is_saml  boolean := session_came_by.provider like 'sso:%';
  -- Which providers the account has come by at one time or another, beside mail and phone.
  v_external text[] := array(
    select distinct p.name
    from jsonb_array_elements_text(
      case jsonb_typeof(v_app -> 'providers') when 'array' then v_app -> 'providers' end) p (name)
    where p.name not in ('email', 'phone'));
begin
  return exists (
    select from usher.amr_entries(session_came_by.claims) a
    where a.method = case when v_is_saml then 'sso/saml' else 'oauth' end
      and (session_came_by.since is null or a.at >= session_came_by.since)
      and case
        -- A SAML account has one identity; Auth names it in both places, here without sso:.
        when v_is_saml then v_app ->> 'provider' = session_came_by.provider
          and coalesce('sso:' || a.provider, session_came_by.provider) = session_came_by.provider
        when a.provider is not null then a.provider = session_came_by.provider
        -- oauth does not say through whom: good only where there is one whom it can have been.
        else v_external = array[session_came_by.provider]
      end);
end
$$;
comment on function usher.session_came_by
  is $$Whether the session of a token was begun through a provider, and not only belongs to an account that could.

  claims    the token's
  provider  sso:<id>, or the name of an OIDC provider
  since     not before; null: whenever$$;

create function usher.sign_in_problem(
  rule public.organisation_sign_in_rules,
  user_id uuid,
  email text
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule     public.organisation_sign_in_rules := sign_in_problem.rule;
  v_claims   jsonb := auth.jwt();
  v_since    timestamptz := now() - v_rule.max_age;
  v_provider text := coalesce(v_rule.provider, usher.sso_provider_of(v_rule.domain));
begin
  if num_nonnulls(v_rule.provider, v_rule.domain) > 0 and (
    v_provider is null
    or usher.session_came_by(v_claims, v_provider, v_since) is not true
    or not usher.has_identity(sign_in_problem.user_id, v_provider, sign_in_problem.email))
  then
    return coalesce(v_rule.provider, 'domain:' || v_rule.domain);
  end if;

  if v_rule.level = 'aal2' and coalesce(v_claims ->> 'aal', '') not in ('aal2', 'aal3') then
    return 'aal2';
  elsif cardinality(v_rule.methods) > 0 and not exists (
    select from usher.amr_entries(v_claims) a where a.method = any (v_rule.methods))
  then
    return 'amr:' || array_to_string(v_rule.methods, ',');
  elsif v_since is not null and not exists (
    select from usher.amr_entries(v_claims) a where a.at >= v_since and a.method <> 'token_refresh')
  then
    return 'max_age';
  end if;
  return null;
end
$$;
comment on function usher.sign_in_problem
  is $$What the caller's session lacks for a rule: the provider as the rule names it (sso:<id>, keycloak, custom:<name>,
domain:<domain>), aal2, amr:<methods>, or max_age; null when it lacks nothing.

  user_id, email  the account, and the address that it is to be known by at the provider$$;

create function usher.require_sign_in(
  organisation_id uuid,
  user_id uuid,
  email text
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule    public.organisation_sign_in_rules;
  v_problem text;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r where r.organisation_id = require_sign_in.organisation_id;
  if not found then
    return;
  end if;
  v_problem := usher.sign_in_problem(v_rule, require_sign_in.user_id, require_sign_in.email);
  if v_problem is not null then
    perform usher.fail('sso_required', details => v_problem);
  end if;
end
$$;
comment on function usher.require_sign_in
  is $$Fails with sso_required unless the caller's session is as the organisation asks; details say what it lacks, as
usher.sign_in_problem does. To be asked only of whoever is known to be meant: details name the provider.$$;

create function usher.lacks_identity(
  organisation_id uuid,
  user_id uuid,
  email text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule public.organisation_sign_in_rules;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r
  where r.organisation_id = lacks_identity.organisation_id and num_nonnulls(r.provider, r.domain) > 0;
  return found and usher.has_identity(lacks_identity.user_id,
    coalesce(v_rule.provider, usher.sso_provider_of(v_rule.domain)), lacks_identity.email) is not true;
end
$$;
comment on function usher.lacks_identity
  is $$Whether an organisation asks for a provider that does not know this account under this address: what can be said
of somebody who is not there to show a session.$$;

create function usher.is_kept_out(
  member public.organisation_members
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rule public.organisation_sign_in_rules;
begin
  select r.* into v_rule
  from public.organisation_sign_in_rules r
  where r.organisation_id = (is_kept_out.member).organisation_id and r.for_members;
  return found
    and (is_kept_out.member).kind = 'user'
    and not usher.acts_as_directory()
    and not 'owner' = any ((is_kept_out.member).roles)
    and usher.sign_in_problem(v_rule, (is_kept_out.member).user_id, (is_kept_out.member).email) is not null;
end
$$;
comment on function usher.is_kept_out
  is 'Whether a rule for members asks more than the caller''s session has; member is the caller''s own row.';

-- sql/10_access/03_permissions.sql

-- Permissions: the one question behind every rule, asked of a row or of a set.
--
-- A permission counts from the moment a membership or role changes, to the second at which it ends: nothing is
-- cached in a session.
-- The read policies of the tables that were made before stand here, because they ask this question.

create function usher.organisations_where(permission text) returns setof uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  rows 10
  as $$
begin
  return query
    select m.organisation_id
    from usher.current_members m
    where m.user_id = auth.uid()
      and not usher.is_kept_out(row(m.*)::public.organisation_members)
      and exists (
        select from public.organisation_roles r
        where r.name = any (m.roles)
          and (r.organisation_id is null or r.organisation_id = m.organisation_id)
          and organisations_where.permission = any (r.permissions));
end
$$;
comment on function usher.organisations_where
  is $$The organisations in which the caller has a permission. For row level security, also of an application's
own tables, evaluated once a query:

  using (organisation_id in (select usher.organisations_where('billing.read')))

Empty for whoever is not signed in.$$;
grant execute on function usher.organisations_where to authenticated;

create function usher.has_permission(
  organisation_id uuid,
  permission text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from usher.current_members m
    join public.organisation_roles r on r.name = any (m.roles)
    where m.organisation_id = has_permission.organisation_id
      and m.user_id = auth.uid()
      and not usher.is_kept_out(row(m.*)::public.organisation_members)
      and (r.organisation_id is null or r.organisation_id = m.organisation_id)
      and has_permission.permission = any (r.permissions));
end
$$;
comment on function usher.has_permission
  is 'The rule behind public.has_organisation_permission.';

create function public.has_organisation_permission(
  organisation_id uuid,
  permission text
) returns boolean
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.has_permission(has_organisation_permission.organisation_id, has_organisation_permission.permission);
end
$$;
comment on function public.has_organisation_permission
  is $$Whether the caller may do something in an organisation.

  permission  thing.action, such as invite.create

False, too, for an organisation or a permission that does not exist. For one row; to filter many, let a
policy ask usher.organisations_where. Anyone signed in may.$$;
grant execute on function public.has_organisation_permission to authenticated;
grant execute on function usher.has_permission to authenticated;

alter table public.organisations enable row level security;
create policy organisations_select
  on public.organisations
  for select
  to authenticated
  using (id in (select usher.organisations_where('organisation.read')));
grant select on public.organisations to authenticated, service_role;

alter table public.organisation_roles enable row level security;
create policy organisation_roles_select
  on public.organisation_roles
  for select
  to authenticated
  using (
    organisation_id is null
      or organisation_id in (select usher.organisations_where('role.read'))
  );
grant select on public.organisation_roles to authenticated, service_role;

alter table public.organisation_members enable row level security;
create policy organisation_members_select
  on public.organisation_members
  for select
  to authenticated
  using (
    user_id = (select auth.uid())
      or organisation_id in (select usher.organisations_where('member.read'))
  );
grant select on public.organisation_members to authenticated, service_role;
create policy organisation_sign_in_rules_select
  on public.organisation_sign_in_rules
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('organisation.read'))
  );

-- sql/10_access/04_guard.sql

-- The guard: the first line of every rule. It finds the caller, locks what the change relies on, asks, and refuses.

create function usher.caller_membership(
  organisation_id uuid
) returns public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members;
begin
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = caller_membership.organisation_id
    and m.user_id = auth.uid();
  if coalesce(current_setting('usher.directory', true), '') <> '' then
    v_member := coalesce(usher.directory_membership(caller_membership.organisation_id), v_member);
  end if;
  return v_member;
end
$$;
comment on function usher.caller_membership
  is $$The caller's membership of an organisation at this moment, with the roles that count now; null for none. For a
directory, that of whoever answers for its token, or what they had while the token may go on without them.$$;

create function usher.require_permission(
  organisation_id uuid,
  permission text,
  lock text default null,
  not_found text default 'organisation_not_found'
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members;
begin
  -- An anonymous account, as a device may have, looks and changes nothing.
  if require_permission.lock is not null then
    perform usher.require_person();
  elsif auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  v_member := usher.caller_membership(require_permission.organisation_id);
  -- Only a member lets others wait. What was true before a wait is asked again after it.
  if v_member.id is not null and require_permission.lock is not null then
    perform usher.lock_organisation(v_member.organisation_id, require_permission.lock);
    v_member := usher.caller_membership(require_permission.organisation_id);
  end if;
  if v_member.id is null then
    perform usher.fail(require_permission.not_found);
  elsif usher.is_kept_out(v_member) then
    perform usher.require_sign_in(v_member.organisation_id, v_member.user_id, v_member.email);
  end if;

  if require_permission.permission is not null
    and not usher.permits(v_member.organisation_id, v_member.roles, require_permission.permission)
  then
    perform usher.fail('permission_denied', details => require_permission.permission);
  end if;
  return v_member;
end
$$;
comment on function usher.require_permission
  is $$The guard: the first line of every rule, also of those that start from the id of a thing, which find its
organisation by it.

  organisation_id  where; null, too, for a thing that is not there
  permission       what the caller has to hold; null: any member may
  lock             of usher.lock_organisation, for a change; null: the caller only reads
  not_found        what a stranger is told, who cannot tell what is not there from what is somebody else's:
                   organisation_not_found, or the word for the thing

Returns the caller's membership. Fails with unauthenticated, not_found, sso_required, permission_denied (also for an
anonymous account that would change something).$$;

-- sql/10_access/05_giving.sql

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

-- sql/10_access/06_my_access.sql

-- My access: the caller's own organisations, and what they may do in one.

create function usher.list_my_permissions(
  organisation_id uuid
) returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.require_permission(list_my_permissions.organisation_id, null);
begin
  return query
    select p.name from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    order by p.name;
end
$$;
comment on function usher.list_my_permissions
  is 'The rule behind public.list_my_organisation_permissions.';

create function public.list_my_organisation_permissions(
  organisation_id uuid
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.list_my_permissions($1) $$;
comment on function public.list_my_organisation_permissions
  is $$What the caller may do in an organisation: names of permissions, sorted; none for a member without a
role.

Any member may. Fails with unauthenticated, organisation_not_found.$$;
grant execute on function public.list_my_organisation_permissions to authenticated;
grant execute on function usher.list_my_permissions to authenticated;

create function usher.list_my_organisations() returns table (
  id uuid,
  name text,
  slug text,
  roles text[],
  kind text,
  joined_at timestamptz,
  is_owner boolean
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select o.id, o.name, o.slug, m.roles, m.kind, m.joined_at, 'owner' = any (m.roles)
  from usher.current_members m
  join public.organisations o on o.id = m.organisation_id
  where m.user_id = auth.uid()
  order by o.name, o.id
$$;
comment on function usher.list_my_organisations
  is 'The rule behind public.list_my_organisations.';

create function public.list_my_organisations() returns table (
  id uuid,
  name text,
  slug text,
  roles text[],
  kind text,
  joined_at timestamptz,
  is_owner boolean
)
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_my_organisations() $$;
comment on function public.list_my_organisations
  is $$The organisations that the caller is an active member of, by name, with the caller's own roles, kind of
membership (user or device) and day of joining. Anyone signed in may.$$;
grant execute on function public.list_my_organisations to authenticated;
grant execute on function usher.list_my_organisations to authenticated;

-- sql/15_audit/01_outbox.sql

-- The outbox: what has just happened, and has still to be followed by mails and webhook calls.
--
-- A change writes its line of the trail, and here one narrow row that says "this line is fresh", in its own
-- transaction. usher.fan_out (70_worker/02_fan_out.sql) takes rows and writes all that follows in the transaction
-- that deletes them: exactly once. So a change costs its caller the same however many hear of it.
--
-- No NOTIFY: it makes commits wait for each other.

create table usher.outbox (
  is_bulk boolean not null default false,
  id bigint generated always as identity,
  event_id uuid not null,
  attempts smallint not null default 0,
  due_at timestamptz,
  last_error text,
  -- What somebody waits for comes before what went in by the thousand.
  primary key (is_bulk, id),
  constraint outbox_bounds check (length(last_error) <= 1000)
)
  with (
    -- Rows live for less than a second, and scans read over those that are gone.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0
  );
comment on table usher.outbox
  is 'Lines of the trail that nothing has followed yet: one row each, for less than a second.';
comment on column usher.outbox.is_bulk
  is 'One of many that came in one call: single ones go first.';
comment on column usher.outbox.due_at
  is 'When it is tried again; null: at once.';
comment on column usher.outbox.last_error
  is 'Why it could not be followed, at most 1,000 characters.';
alter table usher.outbox enable row level security;
create policy outbox_nobody on usher.outbox for select to public using (false);

-- sql/15_audit/02_audit.sql

-- The audit trail: what happened, who did it, to whom, from where. Lines are only ever added.
--
-- A line is written in the transaction of the change that it tells of, so neither is there without the
-- other. It holds ids, roles and times but no address, so that a person can be erased without touching what
-- changed; a name that somebody wrote into a text or a title may stand there, and stays.
-- It outlives its organisation: hence no foreign key. Reading needs audit.read.

-- One check and not two: see usher.is_sound_invite.
create function usher.is_sound_event(
  actor_kind text,
  reason text,
  ip text,
  claimed_ip text,
  user_agent text
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_sound_event.actor_kind in ('user', 'device', 'invitee', 'directory', 'worker', 'operator')
    and length(is_sound_event.reason) <= 1000
    and length(is_sound_event.ip) <= 64
    and length(is_sound_event.claimed_ip) <= 64
    and length(is_sound_event.user_agent) <= 500;
end
$$;
comment on function usher.is_sound_event
  is 'What holds for every row of public.organisation_audit_events: who may be the actor, and how long texts may be.';

create table public.organisation_audit_events (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null,
  occurred_at timestamptz not null default clock_timestamp(),
  event text not null,
  actor_kind text not null,
  actor_id uuid,
  target_kind text not null,
  target_id uuid not null,
  before jsonb,
  after jsonb,
  reason text,
  ip text,
  user_agent text,
  claimed_ip text,
  constraint organisation_audit_events_are_sound check (
    usher.is_sound_event(actor_kind, reason, ip, claimed_ip, user_agent)
  )
);
comment on table public.organisation_audit_events
  is 'The append-only record. Read with audit.read; written in the transaction of the change itself.';
comment on column public.organisation_audit_events.event
  is 'thing.happened, such as invite.accepted.';
comment on column public.organisation_audit_events.actor_kind
  is 'user, device; invitee: the holder of a link, without a session; directory: an identity provider, with the
rights of actor_id, who answers for its token; worker; operator: by SQL.';
comment on column public.organisation_audit_events.ip
  is 'Who called, as the API''s gateway says: see usher.settings.client_address_header. Null for SQL and the worker.';
comment on column public.organisation_audit_events.claimed_ip
  is 'What the request said of its address beside that, which anybody can write; null where it said nothing else.';

create index organisation_audit_events_newest
  on public.organisation_audit_events (
  organisation_id,
  occurred_at desc,
  id desc
);

alter table public.organisation_audit_events enable row level security;
create policy organisation_audit_events_select
  on public.organisation_audit_events
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('audit.read')));
grant select on public.organisation_audit_events to authenticated, service_role;

-- Retention (04_audit_retention.sql) and erasure (90_operators/06_erasure.sql) take away what by law must go; they say
-- so for the length of their transaction. Nobody who comes through the API holds update or delete in any case.
create function usher.tg_organisation_audit_events__append_only() returns trigger
  language plpgsql
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if tg_op = current_setting('usher.audit_exception', true) then
    return null;
  end if;
  raise exception 'The audit trail is append-only.'
    using errcode = 'insufficient_privilege', hint = 'Lines can be added and read, never changed or removed.';
end
$$;
comment on function usher.tg_organisation_audit_events__append_only
  is 'Refuses to change or remove a line, whoever asks, but for retention and erasure.';

create trigger usher_append_only
  before update or delete or truncate
  on public.organisation_audit_events
  for each statement
  execute function usher.tg_organisation_audit_events__append_only();

create function usher.redact(
  value text,
  pattern text,
  replacement text
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return regexp_replace(redact.value collate "und-x-icu", redact.pattern, redact.replacement, 'gi');
end
$$;
comment on function usher.redact(text, text, text)
  is 'A text in which a replacement stands for all that fits a pattern, in any case.';

create function usher.redact(
  value jsonb,
  pattern text,
  replacement text
) returns jsonb
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Value by value: in the text of JSON, the n of a line break would stand before the word that follows it.
  return case jsonb_typeof(redact.value)
    when 'string' then to_jsonb(usher.redact(redact.value #>> '{}', redact.pattern, redact.replacement))
    when 'array' then (
      select coalesce(jsonb_agg(usher.redact(a.value, redact.pattern, redact.replacement) order by a.n), '[]')
      from jsonb_array_elements(redact.value) with ordinality a (value, n))
    when 'object' then (
      select coalesce(jsonb_object_agg(usher.redact(o.key, redact.pattern, redact.replacement),
        usher.redact(o.value, redact.pattern, redact.replacement)), '{}')
      from jsonb_each(redact.value) o)
    else redact.value
  end;
end
$$;
comment on function usher.redact(jsonb, text, text)
  is 'A JSON value in which a replacement stands for all that fits a pattern, in any text of it, keys included.';

create function usher.without_addresses(value jsonb) returns jsonb
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Most lines have none, and looking for the sign is all that they cost.
  if without_addresses.value is null or without_addresses.value::text !~ '[@\uff20\ufe6b]|%(?:25)*40' then
    return without_addresses.value;
  end if;
  -- A name before the sign may hold all that RFC 5321 lets stand in a dot-atom: o'brien, a/b, c=d. So what is written
  -- up against one goes with it, but for the beginning of a URL, up to what it says of a thing.
  return usher.redact(without_addresses.value,
    '(://[[:alnum:].-]+(?::[0-9]+)?(?:/[^[:space:]"@<>(),;:?]*)?\?'
    '(?:[^[:space:]"@<>(),;:=&]+=[^[:space:]"@<>(),;:=&]*&)*'
    || '[^[:space:]"@<>(),;:=&%]+=)?[^[:space:]"@\uff20\ufe6b<>(),;:]+(?:[@\uff20\ufe6b]|%(?:25)*40)([[:alnum:]%-]+\.)',
    '\1…@\2');
end
$$;
comment on function usher.without_addresses
  is $$What a line of the trail may say of a change: of mail addresses, also percent-encoded ones, only the domain.
Lines are sealed, so that an address in one could never be forgotten.$$;

create function usher.read_address(value text) returns inet
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_value text;
begin
  if length(read_address.value) <= 15
    and read_address.value ~ '^[0-9]{1,3}(\.[0-9]{1,3}){3}$' collate "C"
  then
    return read_address.value::inet;
  end if;
  v_value := btrim(left(read_address.value, 100));
  -- With a port, as some gateways write it, or an IPv4 address in the clothes of IPv6.
  v_value := coalesce(
    (regexp_match(v_value, '^\[([0-9a-f:.]{2,45})\](?::\d{1,5})?$', 'i'))[1],
    (regexp_match(v_value, '^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$', 'i'))[1],
    (regexp_match(v_value, '^[0-9a-f:.]{2,45}$', 'i'))[1]);
  return v_value::inet;
exception
  when invalid_text_representation then
    return null;
end
$$;
comment on function usher.read_address
  is 'The address in one place of a header; null for what is none.';

create function usher.client_address(
  headers jsonb,
  out ip text,
  out claimed_ip text
) returns record
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings  record;
  v_forwarded text := client_address.headers ->> 'x-forwarded-for';
  v_chain     text[];
  v_address   inet;
begin
  if client_address.headers is null then
    return;
  end if;
  select s.client_address_header as header, s.trusted_proxies into strict v_settings from usher.settings s;
  -- One plain address of the gateway's own, and nobody says another: no chain to walk.
  client_address.ip := client_address.headers ->> v_settings.header;
  if v_settings.header <> 'x-forwarded-for' and v_settings.trusted_proxies = '{}'
    and length(client_address.ip) <= 15
    and host(usher.read_address(client_address.ip)) = client_address.ip
    and coalesce(v_forwarded, client_address.ip) = client_address.ip
  then
    return;
  end if;
  client_address.ip := null;
  -- Of a header as long as a gateway lets it be, no more is read than the hops that we can have; the first of what is
  -- left may be half of one.
  v_chain := string_to_array(right(v_forwarded, 1000), ',');
  if length(v_forwarded) > 1000 then
    v_chain := v_chain[2:];
  end if;
  if v_settings.header <> 'x-forwarded-for' then
    v_chain := case when client_address.headers ->> v_settings.header is not null
      then v_chain || (client_address.headers ->> v_settings.header) end;
  end if;

  -- From the gateway outwards: each hop is vouched for by the one after it, as far as those are ours.
  for v_hop in reverse coalesce(cardinality(v_chain), 0) .. 1 loop
    v_address := usher.read_address(v_chain[v_hop]);
    exit when v_address is null;
    client_address.ip := host(v_address);
    exit when not v_address <<= any (v_settings.trusted_proxies);
  end loop;

  client_address.claimed_ip := nullif(
    regexp_replace(left(split_part(left(v_forwarded, 1000), ',', 1), 64), '[^!-~]', '', 'g'), '');
  if client_address.claimed_ip = client_address.ip
    or host(usher.read_address(client_address.claimed_ip)) = client_address.ip
  then
    client_address.claimed_ip := null;
  end if;
end
$$;
comment on function usher.client_address
  is $$Where a request came from, out of its headers as PostgREST gives them.

  ip          what the gateway itself says; null where it says nothing, or nothing that is an address
  claimed_ip  the first place of x-forwarded-for, which anybody can write, where it says something else$$;

create function usher.record_events(
  organisation_id uuid,
  event text,
  target_kind text,
  target_ids uuid[],
  before jsonb,
  afters jsonb[],
  reason text,
  actor_kind text,
  is_bulk boolean default false
) returns uuid[]
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_headers    jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  v_address    record;
  v_actor_id   uuid := auth.uid();
  v_actor_kind text := coalesce(record_events.actor_kind, case
    when v_actor_id is null then 'operator'
    when coalesce(current_setting('usher.directory', true), '') <> '' then 'directory'
    else 'user'
  end);
  v_before     jsonb := usher.without_addresses(record_events.before);
  v_lines      uuid[] := array(select gen_random_uuid() from unnest(record_events.target_ids));
begin
  v_address := usher.client_address(v_headers);
  insert into public.organisation_audit_events (
    id, organisation_id, event, actor_kind, actor_id, target_kind, target_id,
    before, after, reason, ip, claimed_ip, user_agent)
  select l.id, record_events.organisation_id, record_events.event, v_actor_kind, v_actor_id,
    record_events.target_kind, l.target_id, v_before, usher.without_addresses(l.after), record_events.reason,
    v_address.ip, v_address.claimed_ip, left(v_headers ->> 'user-agent', 500)
  from unnest(v_lines, record_events.target_ids, record_events.afters) l (id, target_id, after);
  insert into usher.outbox (event_id, is_bulk)
  select l.id, record_events.is_bulk from unnest(v_lines) l (id);
  return v_lines;
end
$$;
comment on function usher.record_events
  is $$Adds a line to the audit trail for each of several targets, and says that they are fresh. See usher.record_event.

  is_bulk  whether mails and webhook calls of theirs stand behind those that somebody waits for

Returns the ids of the lines.$$;

create function usher.record_event(
  organisation_id uuid,
  event text,
  target_kind text,
  target_id uuid,
  before jsonb default null,
  after jsonb default null,
  reason text default null,
  actor_kind text default null,
  is_bulk boolean default false
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (usher.record_events(
    record_event.organisation_id, record_event.event, record_event.target_kind, array[record_event.target_id],
    record_event.before, array[record_event.after], record_event.reason, record_event.actor_kind,
    record_event.is_bulk))[1];
end
$$;
comment on function usher.record_event
  is $$Adds a line to the audit trail.

  event          thing.happened, such as invite.revoked
  target         what it happened to
  before, after  what changed, as it was and as it is; ids and values, never an address or a token
  actor_kind     null: the caller, or an operator when there is none
  is_bulk        as in usher.record_events

Which mails follow it stands in 70_worker/01_event_mails.sql. Returns the id of the line.$$;

-- sql/15_audit/03_audit_seals.sql

-- Seals: proof that the trail is whole.
--
-- A worker seals what has happened, organisation by organisation: a seal holds the hash of the events that it
-- covers, chained to the seal before. Nobody who writes an event waits for it. Whoever changes, removes or
-- inserts a line afterwards breaks the seal that covers it; whoever removes seals from the end is found out by
-- a copy of the last one kept elsewhere.
--
-- Sources: RFC 6962 for chaining what is append-only; ISO/IEC 27001:2022 A.8.15, protection of logs.

create table usher.audit_seals (
  organisation_id uuid not null,
  number integer not null,
  sealed_at timestamptz not null default clock_timestamp(),
  events integer not null,
  first_event_at timestamptz not null,
  last_event_at timestamptz not null,
  hash bytea not null,
  purged_at timestamptz,
  primary key (organisation_id, number)
);
comment on table usher.audit_seals
  is 'The chain of seals, from 1 for each organisation.';
comment on column usher.audit_seals.purged_at
  is 'When its events were removed because their time was over; their hashes stay.';
comment on column usher.audit_seals.hash
  is 'SHA-256 over the hash of the seal before and the hashes of the events that it covers, in order.';
alter table usher.audit_seals enable row level security;
create policy audit_seals_nobody
  on usher.audit_seals
  for select
  to public
  using (false);

create table usher.sealed_events (
  event_id uuid primary key,
  organisation_id uuid not null,
  seal_number integer not null,
  position integer not null,
  hash bytea not null,
  personal_hash bytea not null,
  personal_salt bytea,
  constraint sealed_events_position unique (
    organisation_id,
    seal_number,
    position
  ),
  constraint sealed_events_seal
    foreign key (organisation_id, seal_number) references usher.audit_seals
);
comment on table usher.sealed_events
  is $$Which seal covers an event, at which place, and its SHA-256 by then. What is personal (address of the
computer, browser, reason) is hashed apart, with a salt: without the salt, nothing can be tried against the
hash, so that it may stay when the data has to go.$$;
alter table usher.sealed_events enable row level security;
create policy sealed_events_nobody
  on usher.sealed_events
  for select
  to public
  using (false);

create function usher.event_text(
  event public.organisation_audit_events
) returns text
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_event public.organisation_audit_events := event_text.event;
begin
  -- As JSON in UTC: every column, each value apart from the next, the same on every machine.
  return jsonb_build_array(
    v_event.id, v_event.organisation_id, extract(epoch from v_event.occurred_at), v_event.event,
    v_event.actor_kind, v_event.actor_id, v_event.target_kind, v_event.target_id, v_event.before,
    v_event.after)::text;
end
$$;
comment on function usher.event_text
  is 'All that a line of the trail says, but for what is personal, as the text that is hashed.';

create function usher.event_hash(
  event public.organisation_audit_events
) returns bytea
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return sha256(convert_to(usher.event_text(event_hash.event), 'UTF8'));
end
$$;
comment on function usher.event_hash
  is 'The SHA-256 of all that a line of the trail says, but for what is personal.';

create function usher.personal_text(
  event public.organisation_audit_events
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- What was claimed came later: lines that were sealed before it read as they did.
  return (jsonb_build_array(
      (personal_text.event).reason, (personal_text.event).ip, (personal_text.event).user_agent)
    || case when (personal_text.event).claimed_ip is null then '[]'
      else jsonb_build_array((personal_text.event).claimed_ip) end)::text;
end
$$;
comment on function usher.personal_text
  is 'What is personal in a line of the trail, as the text that is hashed.';

create function usher.personal_hash(
  event public.organisation_audit_events,
  salt bytea
) returns bytea
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return sha256(personal_hash.salt || convert_to(usher.personal_text(personal_hash.event), 'UTF8'));
end
$$;
comment on function usher.personal_hash
  is 'The SHA-256 of what is personal in a line of the trail, with a salt of 16 random bytes.';

create function usher.seal_events(
  organisation_id uuid,
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_number   integer;
  v_previous bytea;
  v_events   integer;
begin
  -- One at a time: two would number their seals alike. Whoever seals another trail waits for nobody.
  perform pg_advisory_xact_lock(hashtextextended('usher seal ' || seal_events.organisation_id, 0));
  if not exists (
    select from public.organisation_audit_events e
    where e.organisation_id = seal_events.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id))
  then
    return 0;
  end if;

  select s.number, s.hash into v_number, v_previous
  from usher.audit_seals s
  where s.organisation_id = seal_events.organisation_id
  order by s.number desc
  limit 1;
  v_number := coalesce(v_number, 0) + 1;

  insert into usher.audit_seals (organisation_id, number, events, first_event_at, last_event_at, hash)
  values (seal_events.organisation_id, v_number, 0, now(), now(), '');
  insert into usher.sealed_events (
    event_id, organisation_id, seal_number, position, hash, personal_hash, personal_salt)
  select (d.e).id, seal_events.organisation_id, v_number,
    row_number() over (order by (d.e).occurred_at, (d.e).id),
    usher.event_hash(d.e), usher.personal_hash(d.e, d.salt), d.salt
  from (
    select e, extensions.gen_random_bytes(16) as salt
    from public.organisation_audit_events e
    where e.organisation_id = seal_events.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id)
    order by e.occurred_at, e.id
    limit seal_events.batch_size
  ) d;
  get diagnostics v_events = row_count;

  update usher.audit_seals s
  set events = v_events, hash = usher.seal_hash(seal_events.organisation_id, v_number, coalesce(v_previous, '')),
    first_event_at = t.first_at, last_event_at = t.last_at
  from (
    select min(e.occurred_at) as first_at, max(e.occurred_at) as last_at
    from usher.sealed_events c
    join public.organisation_audit_events e on e.id = c.event_id
    where c.organisation_id = seal_events.organisation_id and c.seal_number = v_number
  ) t
  where s.organisation_id = seal_events.organisation_id and s.number = v_number;
  return v_events;
end
$$;
comment on function usher.seal_events
  is $$Puts one seal on the oldest events of an organisation that have none yet, batch_size of them at most. Returns how
many there were; with none, there is no seal.$$;

create function usher.seal_audit_trail_of(
  organisation_id uuid,
  ids uuid[],
  batch_size integer
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Somebody exports this trail at this moment, and seals it for that: there is nothing to be waited for.
  if not pg_try_advisory_xact_lock(hashtextextended('usher seal ' || seal_audit_trail_of.organisation_id, 0)) then
    return 0;
  end if;
  return usher.seal_events(seal_audit_trail_of.organisation_id, seal_audit_trail_of.batch_size);
end
$$;
comment on function usher.seal_audit_trail_of
  is 'usher.seal_audit_trail for one organisation.';

create function usher.seal_audit_trail(
  batch_size integer default 10000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('seal_audit_trail', array(
    select row(e.organisation_id, null)::usher.upkeep_item
    from public.organisation_audit_events e
    where not exists (select from usher.sealed_events s where s.event_id = e.id)
    group by e.organisation_id
    having e.organisation_id not in (select usher.resting_organisations('seal_audit_trail'))
    order by min(e.occurred_at)
    limit 1000), seal_audit_trail.batch_size);
end
$$;
comment on function usher.seal_audit_trail
  is $$Seals the events of all organisations that are not sealed yet. For workers, every minute. Returns how many
events it sealed.

  batch_size  how many events a seal covers at most$$;
grant execute on function usher.seal_audit_trail to usher_worker;

create function usher.seal_hash(
  organisation_id uuid,
  number integer,
  previous bytea
) returns bytea
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select sha256(seal_hash.previous || coalesce(
    string_agg(s.hash || s.personal_hash, ''::bytea order by s.position), ''))
  from usher.sealed_events s
  where s.organisation_id = seal_hash.organisation_id and s.seal_number = seal_hash.number
$$;
comment on function usher.seal_hash
  is 'What the hash of a seal has to be, given the one before.';

-- sql/15_audit/04_audit_retention.sql

-- The end of the trail's time: events that are older than their organisation keeps them.
--
-- The trail stays verifiable: the hashes stay, and it says up to which seal events went. What goes of a person
-- who is to be forgotten stands in 90_operators/06_erasure.sql.
--
-- Sources: GDPR article 5(1)(e); Implementing Regulation (EU) 2024/2690, annex 3.2.

create function usher.purge_audit_trail_of(
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
  v_up_to_seal integer;
  v_events     integer;
begin
  -- By whole seals, oldest first: about as many events as one organisation may keep the others waiting for.
  select max(d.number) into v_up_to_seal
  from (
    select s.number, sum(s.events) over (order by s.number) - s.events as events_before
    from usher.audit_seals s
    join public.organisations o on o.id = s.organisation_id
    where s.organisation_id = purge_audit_trail_of.organisation_id and s.purged_at is null
      and o.audit_retention is not null
      -- least, so that no length, however it came there, goes beyond the beginning of time.
      and s.last_event_at < now() - least(o.audit_retention, interval '100 years')
  ) d
  where d.events_before < purge_audit_trail_of.batch_size;
  if v_up_to_seal is null then
    return 0;
  end if;

  perform set_config('usher.audit_exception', 'DELETE', true);
  delete from public.organisation_audit_events e
  using usher.sealed_events c
  where c.event_id = e.id and c.organisation_id = purge_audit_trail_of.organisation_id
    and c.seal_number <= v_up_to_seal;
  get diagnostics v_events = row_count;
  perform set_config('usher.audit_exception', '', true);
  update usher.audit_seals s set purged_at = now()
  where s.organisation_id = purge_audit_trail_of.organisation_id and s.number <= v_up_to_seal and s.purged_at is null;
  perform usher.record_event(purge_audit_trail_of.organisation_id, 'audit.purged', 'organisation',
    purge_audit_trail_of.organisation_id,
    after      => jsonb_build_object('up_to_seal', v_up_to_seal, 'events', v_events),
    actor_kind => 'worker');
  return v_events;
end
$$;
comment on function usher.purge_audit_trail_of
  is 'usher.purge_audit_trail for one organisation.';

create function usher.purge_audit_trail(
  batch_size integer default 50000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('purge_audit_trail', array(
    select row(o.id, null)::usher.upkeep_item
    from public.organisations o
    where o.audit_retention is not null
      and exists (
        select from usher.audit_seals s
        where s.organisation_id = o.id and s.purged_at is null
          and s.last_event_at < now() - least(o.audit_retention, interval '100 years'))
      and o.id not in (select usher.resting_organisations('purge_audit_trail'))
    limit 1000), purge_audit_trail.batch_size);
end
$$;
comment on function usher.purge_audit_trail
  is $$Removes events that are older than their organisation's audit_retention, by whole seals, and says so in the
trail. For workers, once a day or more often. Returns how many events went.

  batch_size  about how many events of one organisation go at most; the rest goes the next time$$;
grant execute on function usher.purge_audit_trail to usher_worker;

-- sql/15_audit/05_audit_verification.sql

-- Verifying the trail: its seals are computed again, and the first that does not fit is named.

create type public.organisation_audit_verification as (
  is_whole boolean,
  events bigint,
  sealed_events bigint,
  erased_events bigint,
  seals integer,
  last_seal text,
  problem text,
  event_id uuid,
  seal_number integer
);
comment on type public.organisation_audit_verification
  is 'What verify_organisation_audit_trail found.';

create function usher.check_audit_trail(
  organisation_id uuid
) returns public.organisation_audit_verification
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_found    public.organisation_audit_verification;
  v_seal     usher.audit_seals;
  v_previous bytea := ''::bytea;
  v_purged   integer;
begin
  select count(*) into v_found.events
  from public.organisation_audit_events e where e.organisation_id = check_audit_trail.organisation_id;
  select count(*) into v_found.sealed_events
  from usher.sealed_events s where s.organisation_id = check_audit_trail.organisation_id;

  -- Nothing is not whole: whoever has mistaken the id has to hear it.
  if v_found.events = 0 and v_found.sealed_events = 0
    and not exists (select from usher.audit_seals s where s.organisation_id = check_audit_trail.organisation_id)
    and not exists (select from public.organisations o where o.id = check_audit_trail.organisation_id)
  then
    perform usher.fail('organisation_not_found');
  end if;

  -- Up to this seal the trail itself says that events were removed because their time was over.
  select coalesce(max((e.after ->> 'up_to_seal')::integer), 0) into v_purged
  from public.organisation_audit_events e
  where e.organisation_id = check_audit_trail.organisation_id and e.event = 'audit.purged';
  select count(*) into v_found.erased_events
  from usher.sealed_events s
  where s.organisation_id = check_audit_trail.organisation_id and s.personal_salt is null;

  -- The first line that does not fit, in the order of the seals.
  select s.event_id, s.seal_number,
    case when e.id is null then 'event_removed' else 'event_changed' end
  into v_found.event_id, v_found.seal_number, v_found.problem
  from usher.sealed_events s
  join usher.audit_seals a on a.organisation_id = s.organisation_id and a.number = s.seal_number
  left join public.organisation_audit_events e on e.id = s.event_id
  where s.organisation_id = check_audit_trail.organisation_id
    and not (a.purged_at is not null and a.number <= v_purged)
    and (e.id is null or usher.event_hash(e) <> s.hash or case
      when s.personal_salt is null then num_nonnulls(e.reason, e.ip, e.user_agent, e.claimed_ip) > 0
      else usher.personal_hash(e, s.personal_salt) <> s.personal_hash end)
  order by s.seal_number, s.position
  limit 1;

  if v_found.problem is null then
    -- A line from a time that was sealed long before, which no seal covers. A transaction may be slow to
    -- commit what it wrote down, but not by five minutes: the API ends it sooner.
    select e.id, x.number, 'event_inserted'
    into v_found.event_id, v_found.seal_number, v_found.problem
    from public.organisation_audit_events e
    join lateral (
      select s.number from usher.audit_seals s
      where s.organisation_id = e.organisation_id and e.occurred_at < s.sealed_at - interval '5 minutes'
      order by s.number
      limit 1
    ) x on true
    where e.organisation_id = check_audit_trail.organisation_id
      and not exists (select from usher.sealed_events s where s.event_id = e.id)
    order by e.occurred_at, e.id
    limit 1;
  end if;

  v_found.seals := 0;
  for v_seal in
    select s.* from usher.audit_seals s
    where s.organisation_id = check_audit_trail.organisation_id
    order by s.number
  loop
    v_found.seals := v_found.seals + 1;
    if v_found.problem is null and (
      v_seal.number <> v_found.seals
      or v_seal.hash <> usher.seal_hash(v_seal.organisation_id, v_seal.number, v_previous))
    then
      v_found.problem := 'seal_broken';
      v_found.seal_number := v_found.seals;
    end if;
    v_previous := v_seal.hash;
  end loop;

  v_found.last_seal := nullif(encode(v_previous, 'hex'), '');
  v_found.is_whole := v_found.problem is null;
  return v_found;
end
$$;
comment on function usher.check_audit_trail
  is $$Recomputes the seals of a trail, whoever asks; also of an organisation that is gone. For operators, and for
usher.verify_audit_trail. Fails with organisation_not_found where there never was one.$$;

create function usher.verify_audit_trail(
  organisation_id uuid
) returns public.organisation_audit_verification
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_permission(verify_audit_trail.organisation_id, 'audit.read');
  return usher.check_audit_trail(verify_audit_trail.organisation_id);
end
$$;
comment on function usher.verify_audit_trail
  is 'The rule behind public.verify_organisation_audit_trail.';

create function public.verify_organisation_audit_trail(
  organisation_id uuid
) returns public.organisation_audit_verification
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.verify_audit_trail($1) $$;
comment on function public.verify_organisation_audit_trail
  is $$Recomputes the seals of the trail, and says the first event that does not fit.

Returns is_whole; how many events there are, how many are sealed (those of the last minute are not yet) and
from how many a person's data was erased;
last_seal, the newest hash, to be kept elsewhere and compared later; and where it is not whole, problem
(event_changed, event_removed, event_inserted, seal_broken) with the event_id and the seal_number. Needs
audit.read. Fails with unauthenticated, organisation_not_found, permission_denied.$$;
grant execute on function public.verify_organisation_audit_trail to authenticated;
grant execute on function usher.verify_audit_trail to authenticated;

-- sql/20_membership/01_sanctions.sql

-- Sanctions: who is banned or was removed, by address, so that it holds without the account as well.
--
-- Accounts can be deleted and made again, and a person can be erased: the hash of the address stays. Kept by a
-- trigger, in step with the status of the membership.

create table usher.sanctions (
  member_id uuid not null,
  organisation_id uuid not null references public.organisations
    on delete cascade,
  address_hash bytea not null,
  status text not null,
  primary key (member_id, address_hash),
  constraint sanctions_status check (status in ('banned', 'removed'))
);
comment on table usher.sanctions
  is 'Addresses of banned and removed members. No foreign key to the membership, which goes with the account.';
comment on column usher.sanctions.address_hash
  is 'usher.sanction_hash: the address itself is not kept, because it may have to be erased.';
create index sanctions_address on usher.sanctions (
  organisation_id,
  address_hash
);
alter table usher.sanctions enable row level security;
create policy sanctions_nobody
  on usher.sanctions
  for select
  to public
  using (false);

create function usher.sanction_hash(
  organisation_id uuid,
  email text
) returns bytea
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return sha256(convert_to(concat_ws(' ', sanction_hash.organisation_id, sanction_hash.email), 'UTF8'));
end
$$;
comment on function usher.sanction_hash
  is 'What a sanction keeps of a normalised address: another hash in each organisation, which nobody can compare.';

create function usher.has_sanction(
  organisation_id uuid,
  email text,
  status text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from usher.sanctions s
    where s.organisation_id = has_sanction.organisation_id
      and s.address_hash = usher.sanction_hash(has_sanction.organisation_id, has_sanction.email)
      and s.status = has_sanction.status);
end
$$;
comment on function usher.has_sanction
  is 'Whether whoever had this normalised address was banned, or removed and has not come back since.';

create function usher.is_banned(
  organisation_id uuid,
  user_id uuid
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from auth.users u
    where u.id = is_banned.user_id
      and usher.has_sanction(is_banned.organisation_id, usher.normalise_email(u.email), 'banned'));
end
$$;
comment on function usher.is_banned
  is 'Whether the address of an account is banned, whichever account it belonged to then.';

create function usher.tg_organisation_members__keep_sanctions() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if new.status in ('banned', 'removed') then
    update usher.sanctions s set status = new.status where s.member_id = new.id;
    insert into usher.sanctions (member_id, organisation_id, address_hash, status)
    select new.id, new.organisation_id, usher.sanction_hash(new.organisation_id, a.email), new.status
    from usher.addresses_of(new.organisation_id, new.user_id) a (email)
    -- Of an address that they take later, only where it is proved to be theirs: else they could have others banned.
    where tg_op = 'INSERT' or old.status is distinct from new.status
      or usher.has_proven_address(new.user_id) and (select s.auth_confirms_addresses from usher.settings s)
    on conflict do nothing;
  else
    delete from usher.sanctions s where s.member_id = new.id;
    -- Of an address that they take later: what an earlier account of theirs was removed for is over.
    delete from usher.sanctions s
    where s.organisation_id = new.organisation_id and s.status = 'removed'
      and s.address_hash = usher.sanction_hash(new.organisation_id, new.email);
  end if;
  return null;
end
$$;
comment on function usher.tg_organisation_members__keep_sanctions
  is 'Keeps the hashes of addresses of banned and removed members, also of one that they take later and prove.';

create trigger usher_keep_sanctions
  after update of status, email
  on public.organisation_members
  for each row
  when (
    old.status <> new.status
      or old.email is distinct from new.email
      or new.status in ('banned', 'removed')
  )
  execute function usher.tg_organisation_members__keep_sanctions();
create trigger usher_keep_sanctions_of_new
  after insert
  on public.organisation_members
  for each row
  when (new.status in ('banned', 'removed'))
  execute function usher.tg_organisation_members__keep_sanctions();

-- sql/20_membership/02_endings.sql

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

-- sql/20_membership/03_profiles.sql

-- Profiles: what a membership knows of its account, kept in step with Supabase Auth.
--
-- A membership keeps address and name of the account, so that those who may read members need not read accounts.
-- A changed address is judged as if its owner came in anew. Deleting an account ends its memberships.

create function usher.display_name(user_metadata jsonb) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_key  text;
  v_name text;
begin
  foreach v_key in array array['display_name', 'full_name', 'name'] loop
    if jsonb_typeof(display_name.user_metadata -> v_key) = 'string' then
      v_name := usher.clean_name(display_name.user_metadata ->> v_key);
      exit when v_name is not null;
    end if;
  end loop;
  return v_name;
end
$$;
comment on function usher.display_name
  is $$What a person calls themselves in their sign-up data: display_name, full_name or name, the first that may be
shown (usher.clean_name). They can write anything there: it is shown beside the address, and decides nothing.$$;

create table usher.erased_members (
  member_id uuid primary key references public.organisation_members
    on delete cascade,
  erased_at timestamptz not null default now()
);
comment on table usher.erased_members
  is $$Memberships whose person was forgotten (90_operators/06_erasure.sql): what the account is called does not come
back into them.$$;
alter table usher.erased_members enable row level security;
create policy erased_members_nobody
  on usher.erased_members
  for select
  to public
  using (false);

-- Whoever joins again after they were erased gives their address anew.
create function usher.tg_organisation_members__known_again() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  delete from usher.erased_members e where e.member_id = new.id;
  return null;
end
$$;
comment on function usher.tg_organisation_members__known_again
  is 'Lets a membership whose address was erased, and that has one again, follow its account again.';

create trigger usher_known_again
  after update of email
  on public.organisation_members
  for each row
  when (old.email is null and new.email is not null)
  execute function usher.tg_organisation_members__known_again();

-- The account behind a membership changes its address or name: show the new one.
create function usher.tg_users__follow_profile() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  update public.organisation_members m
  set email = usher.normalise_email(new.email),
    display_name = usher.display_name(new.raw_user_meta_data::jsonb)
  -- A device goes by the name that it was given.
  where m.user_id = new.id and m.kind = 'user'
    and not exists (select from usher.erased_members e where e.member_id = m.id);
  if old.email is distinct from new.email then
    perform usher.judge_new_address(m, usher.normalise_email(new.email))
      from public.organisation_members m
      where m.user_id = new.id
      order by m.organisation_id;
  end if;
  return null;
end
$$;
comment on function usher.tg_users__follow_profile
  is $$Copies address and name of an account to its memberships, but for those that were erased. A ban, and which
domains an organisation lets in, hold for the new address as well.$$;

create trigger usher_follow_profile
  after update of email, raw_user_meta_data
  on auth.users
  for each row
  when (
    old.email is distinct from new.email
      or old.raw_user_meta_data::text
        is distinct from new.raw_user_meta_data::text
  )
  execute function usher.tg_users__follow_profile();

-- Deleting an account deletes its memberships, but not its bans, and never leaves an organisation without its owner.
create function usher.tg_users__end_memberships() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid;
begin
  -- The organisations first, in one order, as every change does; then one after the other, with all that hangs on it.
  perform from public.organisations o
  where o.id in (select m.organisation_id from public.organisation_members m where m.user_id = old.id)
  order by o.id
  for key share;
  for v_organisation_id in
    select m.organisation_id from public.organisation_members m where m.user_id = old.id order by m.organisation_id
  loop
    delete from public.organisation_members m
    where m.organisation_id = v_organisation_id and m.user_id = old.id and m.status <> 'banned';
  end loop;
  return old;
end
$$;
comment on function usher.tg_users__end_memberships
  is 'Deletes the memberships of an account that is being deleted; a ban stays, so that it holds and can be lifted.';

create trigger usher_end_memberships
  before delete
  on auth.users
  for each row
  execute function usher.tg_users__end_memberships();

create function usher.judge_new_address(
  member public.organisation_members,
  email text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := judge_new_address.member;
begin
  if v_member.status = 'banned' then
    -- Of a device, and of somebody who was erased, the membership shows no address that could be followed.
    insert into usher.sanctions (member_id, organisation_id, address_hash, status)
    select v_member.id, v_member.organisation_id,
      usher.sanction_hash(v_member.organisation_id, judge_new_address.email), 'banned'
    where judge_new_address.email is not null and usher.has_proven_address(v_member.user_id)
      and (select s.auth_confirms_addresses from usher.settings s)
    on conflict do nothing;
  elsif v_member.status = 'active' and v_member.kind = 'device' and judge_new_address.email is not null
    and (
      usher.has_sanction(v_member.organisation_id, judge_new_address.email, 'banned')
      or exists (
        select from public.organisations o
        where o.id = v_member.organisation_id and cardinality(o.allowed_email_domains) > 0
          and usher.email_domain(judge_new_address.email) <> all (o.allowed_email_domains))
      or usher.lacks_identity(v_member.organisation_id, v_member.user_id, judge_new_address.email))
  then
    -- A device without an address was let in by its code alone; with one, it is somebody's account.
    perform usher.end_membership(v_member.id, 'removed', 'member.removed',
      'The account of the device took an address that the organisation does not take.', 'worker');
  end if;
end
$$;
comment on function usher.judge_new_address
  is $$Follows an account that takes another address: a ban holds for it, once it is proved; a device that takes one
which the organisation would not have let in is a member no more.$$;

-- sql/20_membership/04_admission.sql

-- Admission: how somebody becomes a member. Every way of joining comes through here.
--
-- It takes the locks, looks for a free seat and for bans, and writes the membership.

create function usher.add_member(
  organisation_id uuid,
  user_id uuid,
  roles text[],
  ends_at timestamptz default null,
  kind text default 'user'
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member      public.organisation_members;
  v_email       text;
  v_name        text;
  v_is_banned   boolean;
  v_was_removed boolean;
begin
  select usher.normalise_email(u.email), usher.display_name(u.raw_user_meta_data::jsonb) into v_email, v_name
  from auth.users u
  where u.id = add_member.user_id;
  if not found then
    perform usher.fail('unauthenticated');
  end if;
  select bool_or(s.status = 'banned'), bool_or(s.status = 'removed') into v_is_banned, v_was_removed
  from usher.sanctions s
  where s.organisation_id = add_member.organisation_id
    and s.address_hash = usher.sanction_hash(add_member.organisation_id, v_email);
  if v_is_banned then
    perform usher.fail(case when exists (
      select from usher.current_members m
      where m.organisation_id = add_member.organisation_id and m.user_id = add_member.user_id)
      then 'already_member' else 'member_banned' end);
  elsif v_was_removed then
    -- Somebody lets them in again: what an earlier account of theirs was removed for is over.
    delete from usher.sanctions s
    where s.organisation_id = add_member.organisation_id and s.status = 'removed'
      and s.address_hash = usher.sanction_hash(add_member.organisation_id, v_email);
  end if;
  -- The unique key decides between two who come at once: one inserts, the other finds the row.
  insert into public.organisation_members as m (organisation_id, user_id, kind, roles, ends_at, email, display_name)
  values (add_member.organisation_id, add_member.user_id, add_member.kind, add_member.roles, add_member.ends_at,
    v_email, v_name)
  on conflict on constraint organisation_members_subject_key do update
  set status = 'active', kind = excluded.kind, roles = excluded.roles, ends_at = excluded.ends_at, role_ends = '{}',
    email = excluded.email, display_name = excluded.display_name,
    joined_at = now(), ended_at = null, status_reason = null
  where m.status in ('left', 'removed')
  returning * into v_member;
  if found then
    -- A directory may have given more: see usher.tg_organisation_members__join_directory.
    select m.* into v_member from public.organisation_members m where m.id = v_member.id;
    return v_member;
  end if;

  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = add_member.organisation_id and m.user_id = add_member.user_id;
  if v_member.status = 'active' and v_member.ends_at <= statement_timestamp() then
    -- The sweep has not come by: the end is written down before the new beginning.
    perform usher.end_access(v_member);
    return usher.add_member(
      add_member.organisation_id, add_member.user_id, add_member.roles, add_member.ends_at, add_member.kind);
  end if;
  perform usher.fail(case v_member.status when 'banned' then 'member_banned' else 'already_member' end);
end
$$;
comment on function usher.add_member
  is $$Makes someone an active member with exactly these roles, until ends_at if it says so, or brings back who had
left or was removed.

Fails with already_member, member_banned, and unauthenticated when the account is gone.$$;

create function usher.require_free_seat(organisation_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_seat_limit integer;
begin
  select o.seat_limit into v_seat_limit
  from public.organisations o where o.id = require_free_seat.organisation_id;
  -- Apart, because even a count that is not made has to be prepared.
  if v_seat_limit is not null then
    if v_seat_limit <= (
      select count(*) from usher.current_members m
      where m.organisation_id = require_free_seat.organisation_id)
    then
      perform usher.fail('seat_limit_reached');
    end if;
  end if;
end
$$;
comment on function usher.require_free_seat
  is $$Fails with seat_limit_reached when the organisation has as many active members as it may. Nobody else takes the
seat until the end of the transaction, if its caller came by usher.lock_for_joining.$$;

create function usher.lock_for_joining(
  organisation_id uuid,
  user_id uuid,
  inviter_id uuid default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email      text;
  v_seat_limit integer;
  v_member     record;
begin
  -- The account first, as whoever deletes it does: it stays, and with its address, until the membership is written.
  select usher.normalise_email(u.email), o.seat_limit into v_email, v_seat_limit
  from auth.users u
  left join public.organisations o on o.id = lock_for_joining.organisation_id
  where u.id = lock_for_joining.user_id
  for share of u;
  if not found then
    perform usher.fail('unauthenticated');
  end if;

  if v_seat_limit is not null then
    perform usher.lock_organisation(lock_for_joining.organisation_id, 'settings');
  else
    select o.seat_limit into v_seat_limit
    from public.organisations o where o.id = lock_for_joining.organisation_id for share;
    -- Seats were limited at this very moment. A lock is never made stronger: two who did would wait in a circle.
    if v_seat_limit is not null then
      perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
    end if;
  end if;

  perform usher.lock_person(lock_for_joining.organisation_id, v_email);
  -- Whoever comes back has a row already; for anyone else the unique key decides. The inviter's is shared, because many
  -- accept what one has sent.
  for v_member in
    select m.id, m.user_id
    from public.organisation_members m
    where m.organisation_id = lock_for_joining.organisation_id
      and m.user_id in (lock_for_joining.user_id, lock_for_joining.inviter_id)
    order by m.id
  loop
    if v_member.user_id = lock_for_joining.user_id then
      perform from public.organisation_members m where m.id = v_member.id for no key update;
    else
      perform from public.organisation_members m where m.id = v_member.id for share;
    end if;
  end loop;
  return v_email;
end
$$;
comment on function usher.lock_for_joining
  is $$Locks, in the order of usher.lock_organisation, what every way of becoming a member relies on: the account, the
organisation (alone, where seats are counted), the address, the memberships of the joining and of the inviting one.

  user_id     who joins
  inviter_id  by whose word; null: by nobody's in particular

Returns the address of the account, which stays until the transaction ends; what was read of it before may be of
earlier. Fails with unauthenticated when the account is gone, and with try_again.$$;

-- sql/20_membership/05_domains.sql

-- Domains: an organisation proves that a mail domain is its own, and lets its people join by themselves.
--
-- Proof is a TXT record at _usher.<domain>, which a worker looks up. Then people of that domain may join
-- with a role (join), or ask to and be approved (ask). Only where the project's Auth confirms addresses by
-- mail: otherwise anyone could register an address of the domain.
-- Domains need organisation.update, requests invite.read to see and invite.create to decide.

create function usher.may_take_answers(
  organisation_id uuid,
  email text
) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
      select from usher.current_members m
      where m.organisation_id = may_take_answers.organisation_id and m.email = may_take_answers.email
        and usher.has_proven_address(m.user_id))
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = may_take_answers.organisation_id and d.verified_at is not null
        and d.domain = usher.email_domain(may_take_answers.email));
end
$$;
comment on function usher.may_take_answers
  is $$Whether answers to an organisation's mails may go to this normalised address: at this moment it is the confirmed
address of a member, or one of a domain that the organisation has verified. Nobody has answers sent to a stranger.$$;
create table public.organisation_domains (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  domain text not null,
  verification text not null,
  verified_at timestamptz,
  checked_at timestamptz,
  join_policy text not null default 'none',
  role text not null default 'member',
  created_at timestamptz not null default now(),
  id uuid not null default gen_random_uuid(),
  responsible_id uuid,
  stops_at timestamptz,
  primary key (organisation_id, domain),
  constraint organisation_domains_id_key unique (id),
  constraint organisation_domains_join_policy check (
    join_policy in ('none', 'join', 'ask')
  ),
  constraint organisation_domains_bounds check (
    length(domain) <= 253 and length(verification) <= 100 and length(role) <= 63
  )
);
comment on table public.organisation_domains
  is 'Mail domains of organisations. Read with organisation.update; written by functions only.';
comment on column public.organisation_domains.verification
  is 'What the TXT record at _usher.<domain> has to say.';
comment on column public.organisation_domains.join_policy
  is 'none; join: people of the domain become members by themselves; ask: they ask, and are approved.';
comment on column public.organisation_domains.role is 'What they join with.';
comment on column public.organisation_domains.responsible_id
  is 'By whose word people join: who claimed the domain, or last said what its people may do; null: the project.';
comment on column public.organisation_domains.stops_at
  is 'From when people ask and no longer join, unless somebody takes it over, because who answers for it has lost the
right to; null: it does not stop.';

-- Several may claim a domain; one proves it.
create unique index organisation_domains_one_owner
  on public.organisation_domains (domain)
  where verified_at is not null;

alter table public.organisation_domains enable row level security;
create policy organisation_domains_select
  on public.organisation_domains
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('organisation.update'))
  );
grant select on public.organisation_domains to authenticated, service_role;

create function usher.create_domain(
  organisation_id uuid,
  domain text
) returns public.organisation_domains
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_domain.organisation_id, 'organisation.update', 'settings');
  v_domain text := usher.clean_domain(btrim(create_domain.domain, ' @'));
  v_row    public.organisation_domains;
begin
  if v_domain is null then
    perform usher.fail('invalid_settings', hint => 'Give a domain such as example.com.');
  end if;

  -- Each one that is not verified is looked up again and again.
  if not exists (
    select from public.organisation_domains d
    where d.organisation_id = v_member.organisation_id and d.domain = v_domain)
  then
    perform usher.require_room('domains', v_member.organisation_id);
    perform usher.require_room('unverified domains', v_member.organisation_id);
  end if;

  insert into public.organisation_domains as d (organisation_id, domain, responsible_id, verification)
  values (v_member.organisation_id, v_domain, v_member.user_id,
    'usher-verification=' || encode(extensions.gen_random_bytes(16), 'hex'))
  -- Claimed again: the same record is still good, and is looked for again.
  on conflict on constraint organisation_domains_pkey do update set created_at = now()
  returning d.* into v_row;
  perform usher.record_event(v_row.organisation_id, 'domain.claimed', 'organisation', v_row.organisation_id,
    after => jsonb_build_object('domain', v_row.domain));
  return v_row;
end
$$;
comment on function usher.create_domain
  is 'The rule behind public.create_organisation_domain.';

create function public.create_organisation_domain(
  organisation_id uuid,
  domain text
) returns public.organisation_domains
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_domain($1, $2) $$;
comment on function public.create_organisation_domain
  is $$Claims a mail domain. It counts once a TXT record at _usher.<domain> holds what verification says; workers
look for it for 30 days.

Returns the domain with its verification. An organisation has at most 200, of which 20 are not verified yet. Needs
organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_domain to authenticated;
grant execute on function usher.create_domain to authenticated;

create function usher.update_domain(
  organisation_id uuid,
  domain text,
  join_policy text,
  role text
) returns public.organisation_domains
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member  public.organisation_members :=
    usher.require_permission(update_domain.organisation_id, 'organisation.update', 'settings');
  v_before  public.organisation_domains;
  v_row     public.organisation_domains;
  v_problem text;
begin
  select d.* into v_before
  from public.organisation_domains d
  where d.organisation_id = v_member.organisation_id
    and d.domain = usher.clean_domain(btrim(update_domain.domain, ' @'))
  for update;
  if not found then
    perform usher.fail('invalid_settings', hint => 'Claim the domain first.');
  elsif update_domain.join_policy not in ('none', 'join', 'ask') then
    perform usher.fail('invalid_settings', hint => 'join_policy is none, join or ask.');
  end if;
  -- Whoever opens this door gives the role to all who come through.
  v_problem := usher.roles_problem(v_member.organisation_id,
    array[coalesce(update_domain.role, v_before.role)], v_member.roles);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  update public.organisation_domains d
  set join_policy = coalesce(update_domain.join_policy, d.join_policy), role = coalesce(update_domain.role, d.role),
    responsible_id = v_member.user_id, stops_at = null
  where d.organisation_id = v_before.organisation_id and d.domain = v_before.domain
  returning d.* into v_row;
  perform usher.record_event(v_row.organisation_id, 'domain.updated', 'organisation', v_row.organisation_id,
    before => jsonb_build_object('domain', v_row.domain, 'join_policy', v_before.join_policy, 'role', v_before.role),
    after  => jsonb_build_object('domain', v_row.domain, 'join_policy', v_row.join_policy, 'role', v_row.role));
  return v_row;
end
$$;
comment on function usher.update_domain
  is 'The rule behind public.update_organisation_domain.';

create function public.update_organisation_domain(
  organisation_id uuid,
  domain text,
  join_policy text default null,
  role text default null
) returns public.organisation_domains
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_domain($1, $2, $3, $4) $$;
comment on function public.update_organisation_domain
  is $$Says what people of a domain may do, once it is verified; what is left out stays.

  join_policy  none; join: become members by themselves; ask: ask, and be approved
  role         what they join with; the caller must be able to give it

Returns the domain. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_role, role_not_assignable.$$;
grant execute on function public.update_organisation_domain to authenticated;
grant execute on function usher.update_domain to authenticated;

create function usher.delete_domain(
  organisation_id uuid,
  domain text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_row public.organisation_domains;
begin
  perform usher.require_permission(delete_domain.organisation_id, 'organisation.update', 'settings');
  delete from public.organisation_domains d
  where d.organisation_id = delete_domain.organisation_id
    and d.domain = usher.clean_domain(btrim(delete_domain.domain, ' @'))
  returning * into v_row;
  if not found then
    perform usher.fail('invalid_settings', hint => 'The organisation has no such domain.');
  end if;
  perform usher.record_event(v_row.organisation_id, 'domain.deleted', 'organisation', v_row.organisation_id,
    before => jsonb_build_object('domain', v_row.domain));
end
$$;
comment on function usher.delete_domain
  is 'The rule behind public.delete_organisation_domain.';

create function public.delete_organisation_domain(
  organisation_id uuid,
  domain text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_domain($1, $2) $$;
comment on function public.delete_organisation_domain
  is $$Gives a domain up; who has joined by it stays. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.delete_organisation_domain to authenticated;
grant execute on function usher.delete_domain to authenticated;

create function usher.list_domains_to_verify() returns table (
  organisation_id uuid,
  domain text
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select t.organisation_id, t.domain
  from (
    select d.organisation_id, d.domain, d.checked_at,
      row_number() over (partition by d.organisation_id order by d.checked_at nulls first) as turn
    from public.organisation_domains d
    where d.verified_at is null
      and d.created_at > now() - interval '30 days'
      -- Every minute at first, every hour in the end: a tenth of its age.
      and (d.checked_at is null
        or d.checked_at < now() - greatest(interval '1 minute', least(interval '1 hour', (now() - d.created_at) / 10)))
  ) t
  order by t.turn, t.checked_at nulls first
  limit 100
$$;
comment on function usher.list_domains_to_verify
  is $$Claimed domains whose TXT record should be looked up now: one of each organisation before the second of any,
100 at most. For workers.$$;
grant execute on function usher.list_domains_to_verify to usher_worker;

create function usher.confirm_domain(
  organisation_id uuid,
  domain text,
  txt_values text[]
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_verified_at timestamptz;
begin
  perform usher.lock_organisation(confirm_domain.organisation_id, 'share');
  begin
    update public.organisation_domains d
    set checked_at = now(),
      verified_at = case when d.verification = any (confirm_domain.txt_values) then now() end
    where d.organisation_id = confirm_domain.organisation_id and d.domain = confirm_domain.domain
      and d.verified_at is null
    returning d.verified_at into v_verified_at;
  exception
    when unique_violation then
      -- Another organisation proved it first, and keeps it until it gives it up.
      update public.organisation_domains d set checked_at = now()
      where d.organisation_id = confirm_domain.organisation_id and d.domain = confirm_domain.domain;
  end;
  if v_verified_at is not null then
    perform usher.record_event(confirm_domain.organisation_id, 'domain.verified', 'organisation',
      confirm_domain.organisation_id, after => jsonb_build_object('domain', confirm_domain.domain),
      actor_kind => 'worker');
  end if;
  return v_verified_at is not null;
end
$$;
comment on function usher.confirm_domain
  is $$Takes what a worker found in the TXT records at _usher.<domain>, and decides whether that proves the domain.

  txt_values  each record as one text; empty when there are none

Returns whether the domain is verified by this.$$;
grant execute on function usher.confirm_domain to usher_worker;

-- sql/25_templates/01_template_checks.sql

-- Template checks: what an organisation may write into a mail.
--
-- Text with named placeholders and a little Markdown. No link leads to where the organisation may not send people,
-- and nothing that fills a placeholder can become a link or an address together with what stands beside it.

create function usher.mail_kinds() returns table (
  kind text,
  placeholders text[]
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('invite',                  array['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at']),
    ('invite_reminder',         array['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at']),
    ('invite_accepted',         array['organisation', 'invitee', 'roles']),
    ('invite_declined',         array['organisation', 'invitee', 'roles']),
    ('invite_expired',          array['organisation', 'invitee', 'roles']),
    ('invite_resend_requested', array['organisation', 'invitee', 'roles']),
    ('member_roles_updated',    array['organisation', 'roles', 'actor']),
    ('member_removed',          array['organisation', 'actor']),
    ('member_banned',           array['organisation', 'actor']),
    ('access_ending',           array['organisation', 'roles', 'ends_at']),
    ('access_ended',            array['organisation', 'roles']),
    ('ownership_transferred',   array['organisation', 'roles', 'actor', 'owner']),
    ('join_requested',          array['organisation', 'requester']),
    ('join_approved',           array['organisation', 'roles', 'actor']),
    ('join_declined',           array['organisation', 'actor']),
    ('device_enrolled',         array['organisation', 'device', 'roles']),
    ('access_review_started',   array['organisation', 'review', 'due_at', 'actor']),
    ('access_review_overdue',   array['organisation', 'review', 'due_at']),
    ('webhook_disabled',        array['organisation', 'webhook']),
    ('invites_lost_right',      array['organisation', 'person', 'count']),
    ('credentials_lost_right',  array['organisation', 'person', 'credentials', 'ends_at'])
$$;
comment on function usher.mail_kinds
  is 'Every kind of mail of an organisation, and the placeholders that a template of it may name.';

create function usher.markdown_problem(body text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- What stands within something else is drawn by what draws that: thousands of levels are more than it can hold.
  -- A line of one sign alone is a rule, and nests nothing.
  if exists (
    select from regexp_split_to_table(markdown_problem.body, '\n') l (line)
    where l.line ~ '^[ \t]*((>|([*+-]|[0-9]{1,9}[.)])([ \t]|$))[ \t]*){7}'
      and l.line !~ '^[ \t]*([-*])[ \t]*(\1[ \t]*)*$')
  then
    return 'body: at most 6 lists and quotes stand within each other.';
  end if;
  -- Emphasis ends with its paragraph, or its line of a list. Names of placeholders have underscores of their own.
  if exists (
    select from regexp_split_to_table(
      regexp_replace(markdown_problem.body, '\{\{ *[a-z_]+ *\}\}', '', 'g'),
      '\n[ \t]*(?:\n|(?:[>*+-]|[0-9]{1,9}[.)])[ \t])') p (block)
    where length(p.block) - length(translate(p.block, '*_~', '')) > 100)
  then
    return 'body: at most 100 of the signs * _ ~ stand in one paragraph.';
  end if;
  if length(markdown_problem.body) - length(translate(markdown_problem.body, '[', '')) > 200 then
    return 'body: at most 200 of the sign [.';
  end if;
  return null;
end
$$;
comment on function usher.markdown_problem
  is $$What of a body the worker could not draw, in words; null when it can. Of each thing that can stand within itself,
there is a most.$$;

create function usher.template_leads_astray(body text) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from regexp_matches(template_leads_astray.body, '\]\(([^\s()]*)\)', 'g') m (found)
    where not usher.is_redirect(m.found [1]));
end
$$;
comment on function usher.template_leads_astray
  is $$Whether a link of this text leads anywhere but to site_url's origin or an origin in
usher.settings.redirect_origins: the mail comes from the project's own address, and is believed.$$;

create function usher.template_as_read(value text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return regexp_replace(regexp_replace(regexp_replace(regexp_replace(template_as_read.value,
    '\{\{[^{}]*\}\}', e'\u0001', 'g'),
    '\]\([^\s()]*\)', '', 'g'),
    -- A backslash shows the sign that follows it, which then is none of Markdown.
    '\\([!-/:-@\[-`{-~])', '\1', 'g'),
    '<[/a-z]?>|[*_~`\[]', '', 'gi');
end
$$;
comment on function usher.template_as_read
  is $$The text of a template as it stands in a mail: without signs of Markdown and where its links lead, and a
character U+0001 for each placeholder.$$;

create function usher.template_touches(value text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_read text := usher.template_as_read(template_touches.value);
  v_near text;
begin
  -- Letters of scripts without blanks between words may touch one, where they cannot be part of a top level domain.
  v_near := substring(v_read from (
    '(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[.:/@\\．：／＠。｡․﹒]'
    '|[\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff\u0001]|--)\u0001')
    collate "und-x-icu");
  -- What ends a sentence may stand behind one.
  v_near := coalesce(v_near, substring(v_read from (
    '\u0001(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[/@\\／＠]|--'
    '|[\u0300-\u036f\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]'
    '|[.:．：。｡․﹒]+[[:alnum:]/@\\\u0001])') collate "und-x-icu"));
  return coalesce(v_near, (
    select n.near
    from (
      select m.found [1], '%' || m.found [1]
      from regexp_matches(v_read, '\u0001([^[:space:][:punct:]\u0001]+)' collate "und-x-icu", 'g') m (found)
      union all
      select m.found [1], m.found [1] || '%'
      from regexp_matches(v_read, '[.．。｡․﹒]([^[:space:][:punct:]\u0001]+)\u0001' collate "und-x-icu", 'g') m (found)
    ) n (near, pattern)
    where exists (select from jsonb_object_keys(usher.top_level_domains()) d (name) where d.name like n.pattern)
    limit 1));
end
$$;
comment on function usher.template_touches
  is $$Where a placeholder of a template touches what would make a link or an address together with whatever fills it: a
letter, a digit, a dot, a slash, a colon, an @ or another placeholder. Null where none does. For text whose length was
looked at.$$;

create function usher.template_problem(kind text, template jsonb) returns text
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_allowed text[] := (select k.placeholders from usher.mail_kinds() k where k.kind = template_problem.kind);
  v_part    record;
  v_unknown text;
  v_link    text;
begin
  if v_allowed is null then
    return format('There is no mail of the kind %L.', left(template_problem.kind, 100));
  end if;
  if not coalesce(usher.is_locale(template_problem.template ->> 'locale'), false) then
    return 'locale is a language such as de or de-AT.';
  end if;
  if usher.clean_name(template_problem.template ->> 'name') is null then
    return 'name is one line of 1 to 100 characters that can be seen, without addresses and links.';
  end if;

  for v_part in
    select p.name, template_problem.template ->> p.name as value,
      case p.name when 'body' then usher.clean_text(template_problem.template ->> p.name, 5000)
        else usher.clean_name(template_problem.template ->> p.name, p.max_length, may_link => true) end as clean
    from (values ('subject', 200), ('heading', 200), ('body', 5000), ('button', 60)) p (name, max_length)
  loop
    continue when v_part.value is null;
    if coalesce(v_part.clean, '') = '' then
      return format('%s is %s that can be seen, without control characters, or null.', v_part.name,
        case v_part.name when 'body' then 'text of 1 to 5,000 characters'
          when 'button' then 'one line of 1 to 60 characters' else 'one line of 1 to 200 characters' end);
    end if;
    select m.found [1] into v_unknown
    -- On one line, as it is read when it is filled: a line break inside ends the paragraph first.
    from regexp_matches(v_part.clean, '\{\{ *([^{}]*?) *\}\}', 'g') m (found)
    where m.found [1] <> all (v_allowed) or v_part.name = 'button'
    limit 1;
    if found then
      return format('%s: there is no placeholder {{%s}} here; %s.', v_part.name, v_unknown,
        case v_part.name when 'button' then 'a button has none'
          else 'there are {{' || array_to_string(v_allowed, '}}, {{') || '}}' end);
    end if;
    if regexp_replace(v_part.clean, '\{\{[^{}]*\}\}', '', 'g') ~ '\{\{|\}\}' then
      return format('%s: a placeholder is {{name}}, in two braces on each side.', v_part.name);
    end if;
    -- A link must lead where whoever saved it saw it lead.
    if v_part.name = 'body' then
      if v_part.clean ~ '\]\((?!https://[^\s{}()]+\))' then
        return 'body: a link is [words](https://…), to an https address without spaces, brackets or placeholders.';
      elsif usher.template_leads_astray(v_part.clean) then
        return 'body: a link leads to the origin of the project''s pages, or to one of its redirect_origins.';
      end if;
    end if;
    -- Mail programs make links of these as well; whatever fills a placeholder may be the end of one. An address that
    -- answers may go to anyway may stand here, too.
    if usher.template_touches(v_part.clean) is not null then
      return format('%s: between a placeholder and letters, digits, other placeholders and the signs . : / @ stands a '
        'blank, so that they make no link together. A dot or colon behind one may end a sentence.', v_part.name);
    end if;
    select l into v_link
    from unnest(array[
      regexp_replace(regexp_replace(v_part.clean, '\]\([^\s()]*\)', ' ', 'g'), '\{\{[^{}]*\}\}', 'com', 'g'),
      replace(usher.template_as_read(v_part.clean), e'\u0001', 'com')]) t (as_read)
    cross join usher.find_links(t.as_read) l
    where not usher.may_take_answers((template_problem.template ->> 'organisation_id')::uuid,
      usher.normalise_email(l))
    limit 1;
    if found then
      return format('%s: %L would be a link. One to an allowed origin is [words](https://…), in the body alone; an '
        'address is that of a member, or of a verified domain.', v_part.name, left(v_link, 100));
    end if;
  end loop;
  return usher.markdown_problem(usher.clean_text(template_problem.template ->> 'body', 5000));
end
$$;
comment on function usher.template_problem
  is 'What is wrong with a template of this kind, in words; null when it can be saved.';

-- sql/25_templates/02_email_templates.sql

-- Templates: how an organisation words its mails.
--
-- One template is one kind of mail in one language. What it leaves out is said as built in. Several of one
-- kind may stand side by side: an invite names one by template_id, and without that the default of the
-- reader's language counts. Reading needs invite.read, changing organisation.update.
--
-- What people write here is text with named placeholders, {{organisation}}, checked when it is saved. The
-- body knows a little Markdown: paragraphs, lists, **bold**, *italic*, and links to allowed origins. The
-- worker draws it; no HTML ever comes of it. Why the reader gets the mail, who sends it and where the
-- button leads cannot be changed, so that no organisation can speak as another.

create table public.organisation_email_templates (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  kind text not null,
  locale text not null,
  name text not null,
  subject text,
  heading text,
  body text,
  button text,
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  failed_at timestamptz,
  failure text,
  constraint organisation_email_templates_name_key unique (
    organisation_id,
    kind,
    locale,
    name
  ),
  constraint organisation_email_templates_name check (
    usher.clean_line(name, 100) = name
  ),
  constraint organisation_email_templates_locale check (
    usher.is_locale(locale)
  ),
  constraint organisation_email_templates_says_something check (
    num_nonnulls(subject, heading, body, button) > 0
  ),
  constraint organisation_email_templates_bounds check (
    length(kind) <= 63
      and length(name) <= 100
      and length(subject) <= 200
      and length(heading) <= 200
      and length(body) <= 5000
      and length(button) <= 60
  )
);
comment on table public.organisation_email_templates
  is 'How organisations word their mails. Read with invite.read; written by functions only.';
comment on column public.organisation_email_templates.kind
  is 'Which mail; one of usher.mail_kinds().';
comment on column public.organisation_email_templates.locale
  is 'Its language, such as de or de-AT: dates and roles in the mail are said in it, too.';
comment on column public.organisation_email_templates.subject
  is 'One line with placeholders; null: as built in.';
comment on column public.organisation_email_templates.heading
  is 'One line with placeholders; null: as built in.';
comment on column public.organisation_email_templates.body
  is 'Text with placeholders and a little Markdown, in place of the mail''s first words; null: as built in.';
comment on column public.organisation_email_templates.button
  is 'One line without placeholders; null: as built in.';
comment on column public.organisation_email_templates.is_default
  is 'Whether it counts for mails of its kind and language that name no template.';

comment on column public.organisation_email_templates.failed_at
  is 'Since when mails go out as built in, because this could not be drawn; null: it can. Saving it tries it anew.';
comment on column public.organisation_email_templates.failure
  is 'What the worker said about that.';

create unique index organisation_email_templates_one_default
  on public.organisation_email_templates (organisation_id, kind, locale)
  where is_default;

alter table public.organisation_email_templates enable row level security;
create policy organisation_email_templates_select
  on public.organisation_email_templates
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on public.organisation_email_templates to authenticated, service_role;

create function usher.template_for_change(
  template_id uuid,
  lock text default 'share'
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates;
begin
  perform usher.require_permission((
    select t.organisation_id from public.organisation_email_templates t where t.id = template_for_change.template_id),
    'organisation.update', template_for_change.lock, 'template_not_found');
  select t.* into v_template
  from public.organisation_email_templates t where t.id = template_for_change.template_id for update;
  if not found then
    perform usher.fail('template_not_found');
  end if;
  return v_template;
end
$$;
comment on function usher.template_for_change
  is 'A template, locked, for a caller with organisation.update in its organisation; otherwise a refusal.';

create function usher.save_email_template(
  template public.organisation_email_templates
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates := save_email_template.template;
  v_problem  text := usher.template_problem(v_template.kind, to_jsonb(v_template));
begin
  if v_problem is not null then
    perform usher.fail('invalid_settings', hint => v_problem);
  end if;
  if num_nonnulls(v_template.subject, v_template.heading, v_template.body, v_template.button) = 0 then
    perform usher.fail('invalid_settings', hint => 'Give one of subject, heading, body and button.');
  end if;

  -- The new default takes the place of the old one.
  if v_template.is_default then
    update public.organisation_email_templates t
    set is_default = false
    where t.organisation_id = v_template.organisation_id and t.kind = v_template.kind
      and t.locale = v_template.locale and t.is_default and t.id <> v_template.id;
  end if;
  begin
    insert into public.organisation_email_templates as t (
      id, organisation_id, kind, locale, name, subject, heading, body, button, is_default)
    values (v_template.id, v_template.organisation_id, v_template.kind, v_template.locale,
      usher.clean_name(v_template.name), usher.clean_line(v_template.subject, 200),
      usher.clean_line(v_template.heading, 200), usher.clean_text(v_template.body, 5000),
      usher.clean_line(v_template.button, 60), coalesce(v_template.is_default, false))
    on conflict (id) do update
    set locale = excluded.locale, name = excluded.name, subject = excluded.subject,
      heading = excluded.heading, body = excluded.body, button = excluded.button,
      is_default = excluded.is_default, updated_at = now(), failed_at = null, failure = null
    returning t.* into strict v_template;
  exception
    when unique_violation then
      perform usher.fail('invalid_settings',
        hint => 'There is a template of this kind, language and name already: change that one.');
  end;
  return v_template;
end
$$;
comment on function usher.save_email_template
  is 'Checks a template and writes it down, new or changed. Fails with invalid_settings, which says why.';

create function usher.template_facts(
  template public.organisation_email_templates
) returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select to_jsonb(template_facts.template)
    - array['id', 'organisation_id', 'created_at', 'updated_at', 'failed_at', 'failure']
$$;
comment on function usher.template_facts
  is 'What the trail says of a template: what somebody wrote, and nothing that came of it.';

create function usher.create_email_template(
  organisation_id uuid,
  draft jsonb
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates;
begin
  perform usher.require_permission(create_email_template.organisation_id, 'organisation.update', 'settings');
  v_template := jsonb_populate_record(null::public.organisation_email_templates, create_email_template.draft);
  v_template.id := gen_random_uuid();
  v_template.organisation_id := create_email_template.organisation_id;
  -- A template is read in whole for each mail, and an editor shows all of them at once.
  perform usher.require_room('email templates', v_template.organisation_id);
  v_template := usher.save_email_template(v_template);
  perform usher.record_event(v_template.organisation_id, 'template.created', 'template', v_template.id,
    after => usher.template_facts(v_template));
  return v_template;
end
$$;
comment on function usher.create_email_template
  is 'The rule behind public.create_organisation_email_template.';

create function public.create_organisation_email_template(
  organisation_id uuid,
  kind text,
  locale text,
  name text default 'default',
  subject text default null,
  heading text default null,
  body text default null,
  button text default null,
  is_default boolean default true
) returns public.organisation_email_templates
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.create_email_template($1, jsonb_build_object(
    'kind', $2, 'locale', $3, 'name', $4, 'subject', $5, 'heading', $6, 'body', $7, 'button', $8,
    'is_default', $9))
$$;
comment on function public.create_organisation_email_template
  is $$Words a kind of mail in one language; what is left out is said as built in.

  kind        such as invite, invite_reminder, member_roles_updated, join_approved
  locale      such as de or de-AT
  name        tells several of one kind apart: one line, 1 to 100 characters, without addresses and links
  subject     one line of at most 200 characters, with placeholders such as {{organisation}}
  heading     the same
  body        at most 5,000 characters, with placeholders and a little Markdown: paragraphs, lists, **bold**,
              *italic*, [links](https://…) to the origin of site_url or one of redirect_origins; a placeholder
              touches no letter, digit, slash or @, and no dot or colon but one that ends a sentence
  button      one line of at most 60 characters
  is_default  whether it counts for mails that name no template; takes the place of the one that did

Placeholders: organisation everywhere; for invites inviter, invitee, roles, expires_in, expires_at; what a
refusal does not know, its hint lists. Returns the template; its id is what create_organisation_invite takes.
Needs organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings (hint says what is wrong).$$;
grant execute on function public.create_organisation_email_template to authenticated;
grant execute on function usher.create_email_template to authenticated;

create function usher.update_email_template(
  template_id uuid,
  changes jsonb
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before  public.organisation_email_templates := usher.template_for_change(update_email_template.template_id);
  v_after   public.organisation_email_templates;
  v_unknown text;
begin
  if jsonb_typeof(update_email_template.changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of parts and texts.');
  end if;
  select k into v_unknown
  from jsonb_object_keys(update_email_template.changes) k
  where k not in ('locale', 'name', 'subject', 'heading', 'body', 'button', 'is_default') limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be changed.', v_unknown));
  end if;
  begin
    v_after := jsonb_populate_record(v_before, update_email_template.changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'is_default is true or false.');
  end;

  v_after := usher.save_email_template(v_after);
  perform usher.record_event(v_after.organisation_id, 'template.updated', 'template', v_after.id,
    before => (select jsonb_object_agg(b.key, b.value) from jsonb_each(usher.template_facts(v_before)) b
      where to_jsonb(v_after) -> b.key <> b.value),
    after  => (select jsonb_object_agg(a.key, a.value) from jsonb_each(usher.template_facts(v_after)) a
      where to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
end
$$;
comment on function usher.update_email_template
  is 'The rule behind public.update_organisation_email_template.';

create function public.update_organisation_email_template(
  template_id uuid,
  changes jsonb
) returns public.organisation_email_templates
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_email_template($1, $2) $$;
comment on function public.update_organisation_email_template
  is $$Changes a template; mails that go out from now on say it so.

  changes  an object with any of locale, name, subject, heading, body, button, is_default, as in
           create_organisation_email_template; what is left out stays, null: as built in

Returns the template. Needs organisation.update. Fails with unauthenticated, template_not_found (no such
template), permission_denied, invalid_settings (hint says what is wrong).$$;
grant execute on function public.update_organisation_email_template to authenticated;
grant execute on function usher.update_email_template to authenticated;

create function usher.delete_email_template(template_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates :=
    usher.template_for_change(delete_email_template.template_id, 'settings');
begin
  delete from public.organisation_email_templates t where t.id = v_template.id;
  perform usher.record_event(v_template.organisation_id, 'template.deleted', 'template', v_template.id,
    before => usher.template_facts(v_template));
end
$$;
comment on function usher.delete_email_template
  is 'The rule behind public.delete_organisation_email_template.';

create function public.delete_organisation_email_template(
  template_id uuid
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_email_template($1) $$;
comment on function public.delete_organisation_email_template
  is $$Deletes a template; invites that name it are mailed by the default from now on. Needs organisation.update.
Fails with unauthenticated, template_not_found, permission_denied.$$;
grant execute on function public.delete_organisation_email_template to authenticated;
grant execute on function usher.delete_email_template to authenticated;

create function usher.template_for_mail(
  kind text,
  organisation_id uuid,
  locale text,
  template_id uuid
) returns public.organisation_email_templates
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select t
  from public.organisation_email_templates t
  where t.organisation_id = $2 and t.kind = $1
    and (t.id = $4 or t.is_default and t.locale in ($3, split_part($3, '-', 1)))
    -- Older than the rule, or the project has taken an origin back: better the built-in words.
    and not coalesce(usher.template_leads_astray(t.body), false)
  order by t.id is not distinct from $4 desc, length(t.locale) desc
  limit 1
$$;
comment on function usher.template_for_mail
  is $$The template that a mail is worded by: the one that its invite names, or else the default of the reader's
language, de-AT before de. Null: as built in.$$;

create function usher.fail_template(
  template_id uuid,
  failure text
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates;
begin
  -- Once: the next thousand mails say nothing new, and do not wait for each other.
  update public.organisation_email_templates t
  set failed_at = clock_timestamp(), failure = left(fail_template.failure, 500)
  where t.id = fail_template.template_id and t.failed_at is null
  returning t.* into v_template;
  if not found then
    return false;
  end if;
  perform usher.record_event(v_template.organisation_id, 'template.failed', 'template', v_template.id,
    after      => jsonb_build_object('kind', v_template.kind, 'locale', v_template.locale, 'name', v_template.name),
    actor_kind => 'worker');
  return true;
end
$$;
comment on function usher.fail_template
  is $$Writes down that a template could not be drawn, so that its organisation and operators see it; the mail went
out as built in. For workers. Returns whether that was not known yet.

  failure  what went wrong, kept to 500 characters$$;
grant execute on function usher.fail_template to usher_worker;

-- sql/30_invites/01_invites.sql

-- Invites: one offer of membership to one address, or one device, carrying exact roles.
--
-- pending ─▶ accepted │ declined │ revoked │ expired.   Pending and expired can be sent again.
-- Reading needs invite.read. Nobody writes them: every change is a function.
--
-- The rows live here and are read through public.organisation_invites, because a row past its time
-- must read as expired before any sweep has come by, and a stored column cannot know the time.

-- One check and not nine: Postgres reads and plans each anew in every statement that writes a row, which took longer
-- than to write it.
create function usher.is_sound_invite(
  status text,
  inviter_kind text,
  email text,
  device_name text,
  roles text[],
  message text,
  locale text,
  redirect_to text,
  metadata jsonb,
  lifetime interval,
  membership_ends_at timestamptz,
  expires_at timestamptz,
  accepted_at timestamptz,
  accepted_by uuid,
  declined_at timestamptz,
  declined_reason text,
  revoked_at timestamptz,
  revoked_reason text
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return is_sound_invite.status in ('pending', 'accepted', 'declined', 'revoked', 'expired')
    and is_sound_invite.inviter_kind in ('user', 'directory')
    and usher.is_span(is_sound_invite.lifetime, '1 hour', '30 days')
    -- The owner is transferred, never invited.
    and cardinality(is_sound_invite.roles) between 1 and 20
    and octet_length(array_to_string(is_sound_invite.roles, '')) <= 20 * 63
    and not 'owner' = any (is_sound_invite.roles)
    and (is_sound_invite.status = 'accepted')
      = (is_sound_invite.accepted_at is not null and is_sound_invite.accepted_by is not null)
    and (is_sound_invite.status = 'declined') = (is_sound_invite.declined_at is not null)
    and (is_sound_invite.status = 'revoked') = (is_sound_invite.revoked_at is not null)
    and length(is_sound_invite.email) <= 254
    and length(is_sound_invite.device_name) <= 100
    and length(is_sound_invite.message) <= 1000
    and length(is_sound_invite.locale) <= 35
    and length(is_sound_invite.redirect_to) <= 2000
    and pg_column_size(is_sound_invite.metadata) <= 8192
    and length(is_sound_invite.declined_reason) <= 500
    and length(is_sound_invite.revoked_reason) <= 500
    and is_sound_invite.expires_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z'
    and is_sound_invite.membership_ends_at
      between timestamptz '2000-01-01T00:00:00Z' and timestamptz '9999-12-31T23:59:59.999999Z';
end
$$;
comment on function usher.is_sound_invite
  is 'What holds for every row of usher.invites: its words, its bounds, and which times belong to which status.';

create table usher.invites (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  kind text not null default 'user',
  email text,
  device_name text,
  roles text[] not null,
  status text not null default 'pending',
  message text,
  locale text,
  redirect_to text,
  metadata jsonb not null default '{}',
  template_id uuid references public.organisation_email_templates
    on delete set null,
  invited_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  issue integer not null default 1,
  issued_at timestamptz not null default now(),
  lifetime interval not null,
  membership_ends_at timestamptz,
  reminded_issue integer not null default 0,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by uuid,
  declined_at timestamptz,
  declined_reason text,
  revoked_at timestamptz,
  revoked_by uuid,
  revoked_reason text,
  bounced_at timestamptz,
  inviter_kind text not null default 'user',
  constraint invites_subject check (
    kind = 'user' and email is not null and device_name is null
      or kind = 'device' and email is null and device_name is not null
  ),
  constraint invites_are_sound check (
    usher.is_sound_invite(
      status,
      inviter_kind,
      email,
      device_name,
      roles,
      message,
      locale,
      redirect_to,
      metadata,
      lifetime,
      membership_ends_at,
      expires_at,
      accepted_at,
      accepted_by,
      declined_at,
      declined_reason,
      revoked_at,
      revoked_reason
    )
  )
);
comment on table usher.invites
  is 'Offers of membership. The API reads them as public.organisation_invites.';
comment on column usher.invites.issue
  is 'Which sending of it counts: links of an earlier issue are dead. 1 at first, one more with each resend.';
comment on column usher.invites.invited_by
  is 'By whose word it lets in: who made it, or who sent it again once that right was gone; no foreign key, because
it outlives the account. Null: by the project itself.';
comment on column usher.invites.inviter_kind
  is 'user; directory: by a token of a directory, and invited_by is who answered for that token.';
comment on column usher.invites.reminded_issue
  is 'The issue that was brought to mind; each is at most once.';
comment on column usher.invites.template_id
  is 'How its mail is worded; null: by the organisation''s default.';
comment on column usher.invites.bounced_at
  is 'When the mail of the present issue came back for good, or was not sent because the address takes none.';
comment on column usher.invites.lifetime
  is 'How long each issue of it lives: 1 hour to 30 days.';

-- One open offer per address and organisation: the guard against two at once, and the lookup.
create unique index invites_one_pending on usher.invites (
  organisation_id,
  email
)
  where status = 'pending';
-- What waits for one address, in whichever organisation: signing up, and one's own list.
create index invites_pending_email on usher.invites (email)
  where status = 'pending';
create index invites_template_id on usher.invites (template_id)
  where template_id is not null;
-- What one has sent, for when their right to give it ends.
-- Not by the organisation first: it would be taken for what finds an address in it, and reads all of its open invites.
create index invites_pending_inviter on usher.invites (invited_by)
  where status = 'pending';
create index invites_due on usher.invites (expires_at) where status = 'pending';
create index invites_newest on usher.invites (
  organisation_id,
  created_at desc,
  id desc
);
-- When it came, or will come, to its end: each invite has one.
create index invites_ended on usher.invites (
  organisation_id,
  (coalesce(accepted_at, declined_at, revoked_at, expires_at))
);

alter table usher.invites enable row level security;
create policy invites_select
  on usher.invites
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on usher.invites to authenticated, service_role;

create function usher.invite_status(
  status text,
  expires_at timestamptz
) returns text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select case when $1 = 'pending' and $2 <= statement_timestamp() then 'expired' else $1 end $$;
comment on function usher.invite_status
  is 'The status that a stored one stands for at this moment: a pending invite past its time is expired.';
grant execute on function usher.invite_status to authenticated, service_role;

create view public.organisation_invites
  with (security_invoker = true)
  as
  select
    i.id,
    i.organisation_id,
    i.kind,
    i.email,
    i.device_name,
    i.roles,
    -- usher.invite_status, written out: a function that pins its search_path is called row by row.
    case
      when i.status = 'pending' and i.expires_at <= statement_timestamp() then
        'expired'
      else i.status
    end as status,
    i.message,
    i.locale,
    i.redirect_to,
    i.metadata,
    i.invited_by,
    i.created_at,
    i.issued_at,
    i.issue - 1 as resend_count,
    i.expires_at,
    i.accepted_at,
    i.accepted_by,
    i.declined_at,
    i.declined_reason,
    i.revoked_at,
    i.revoked_by,
    i.revoked_reason,
    i.template_id,
    i.bounced_at,
    i.membership_ends_at
  from usher.invites i;
comment on view public.organisation_invites
  is 'Invites as they stand at this moment. Read with invite.read; written by functions only.';
comment on column public.organisation_invites.status
  is 'pending, accepted, declined, revoked or expired; expired from expires_at on, swept or not.';
comment on column public.organisation_invites.bounced_at
  is 'When its last mail came back for good, or was not sent because the address takes none; null: not known to.';
comment on column public.organisation_invites.membership_ends_at
  is 'Until when the membership that it offers counts; null: it has no end.';
comment on column public.organisation_invites.resend_count
  is 'How often it was sent again.';
grant select on public.organisation_invites to authenticated, service_role;

create function usher.invite_view(
  invite_id uuid
) returns public.organisation_invites
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite public.organisation_invites;
begin
  select v.* into v_invite from public.organisation_invites v where v.id = invite_view.invite_id;
  return v_invite;
end
$$;
comment on function usher.invite_view
  is 'An invite as the API shows it, for functions that return one.';

create function usher.invite_for_change(
  invite_id uuid,
  permission text
) returns usher.invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites;
begin
  perform usher.require_permission((
    select i.organisation_id from usher.invites i where i.id = invite_for_change.invite_id),
    invite_for_change.permission, 'share', 'invite_not_found');
  select i.* into v_invite from usher.invites i where i.id = invite_for_change.invite_id for update;
  if not found then
    perform usher.fail('invite_not_found');
  end if;
  v_invite.status := usher.invite_status(v_invite.status, v_invite.expires_at);
  return v_invite;
end
$$;
comment on function usher.invite_for_change
  is $$The invite, locked until the end of the transaction, with the status it has at this moment. Fails with
unauthenticated, invite_not_found (also for another tenant's), permission_denied.$$;

create function usher.list_invites(
  organisation_id uuid,
  status text default null,
  search text default null,
  cursor uuid default null,
  page_size integer default 50
) returns setof public.organisation_invites
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  -- One plan for every page, because planning takes longer than a page; and one that walks the index, because
  -- nobody can tell beforehand that there are too many rows to be sorted.
  set plan_cache_mode = force_generic_plan
  set enable_sort = off
  as $$
declare
  v_after usher.invites;
begin
  perform usher.require_permission(list_invites.organisation_id, 'invite.read');

  if list_invites.status not in ('pending', 'accepted', 'declined', 'revoked', 'expired') then
    perform usher.fail('invalid_settings',
      hint => 'status is pending, accepted, declined, revoked or expired.');
  end if;
  if list_invites.page_size is null or list_invites.page_size not between 1 and 500 then
    perform usher.fail('invalid_settings', hint => 'page_size is 1 to 500.');
  end if;
  -- It is looked for in every invite.
  if length(list_invites.search) > 254 then
    perform usher.fail('invalid_settings', hint => 'search is at most 254 characters.');
  end if;
  -- The first page comes after the end of time, so that every page is one range of the index.
  v_after.created_at := 'infinity';
  v_after.id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  if list_invites.cursor is not null then
    select i.* into v_after
    from usher.invites i
    where i.id = list_invites.cursor and i.organisation_id = list_invites.organisation_id;
    if not found then
      perform usher.fail('invite_not_found', hint => 'cursor is the id of the last invite that you have.');
    end if;
  end if;

  return query
    select v.*
    from public.organisation_invites v
    where v.organisation_id = list_invites.organisation_id
      and (list_invites.status is null or v.status = list_invites.status)
      and (list_invites.search is null
        or position(lower(btrim(list_invites.search) collate "und-x-icu")
          in lower(concat_ws(' ', v.email, usher.readable_email(v.email), v.device_name) collate "und-x-icu")) > 0)
      and (v.created_at, v.id) < (v_after.created_at, v_after.id)
    order by v.created_at desc, v.id desc
    limit list_invites.page_size;
end
$$;
comment on function usher.list_invites
  is 'The rule behind public.list_organisation_invites.';

create function public.list_organisation_invites(
  organisation_id uuid,
  status text default null,
  search text default null,
  cursor uuid default null,
  page_size integer default 50
) returns setof public.organisation_invites
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select * from usher.list_invites(
      list_organisation_invites.organisation_id, list_organisation_invites.status,
      list_organisation_invites.search, list_organisation_invites.cursor, list_organisation_invites.page_size);
end
$$;
comment on function public.list_organisation_invites
  is $$The invites of an organisation, newest first, a page at a time.

  status     only those that are pending, accepted, declined, revoked or expired
  search     only those whose address, or device's name, holds this text of at most 254 characters, in any case
  cursor     the id of the last invite of the page before; without it, the first page
  page_size  1 to 500

Returns invites; fewer than page_size means that there are no more. Needs invite.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_settings, invite_not_found (a cursor
that is not this organisation's).$$;
grant execute on function public.list_organisation_invites to authenticated;
grant execute on function usher.list_invites to authenticated;

-- sql/30_invites/02_invite_tokens.sql

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

-- sql/30_invites/03_invite_rows.sql

-- Invite rows: what is judged of each row of a batch of invites, before any of it is written.

create type public.organisation_invite_result as (
  row_number integer,
  email text,
  status text,
  invite_id uuid,
  error_code text,
  error_details text
);
comment on type public.organisation_invite_result
  is 'What became of one row: created with its id, or failed with a code, and what stood in the way.';

create function usher.invite_lifetime(
  expires_in text,
  organisation_ttl interval
) returns interval
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_lifetime interval := organisation_ttl;
begin
  if length(expires_in) > 100 then
    return null;
  elsif expires_in is not null then
    v_lifetime := expires_in::interval;
  end if;
  return case when usher.is_span(v_lifetime, '1 hour', '30 days') then v_lifetime end;
exception
  when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
    return null;
end
$$;
comment on function usher.invite_lifetime
  is 'The lifetime asked for, or the organisation''s; null when it is no interval from 1 hour to 30 days.';

create function usher.invite_end(
  lifetime interval,
  membership_ends_at timestamptz
) returns timestamptz
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Whoever accepted after the end of the membership would be no member.
  return least(date_trunc('second', now() + invite_end.lifetime), invite_end.membership_ends_at);
end
$$;
comment on function usher.invite_end
  is 'Until when an invite that is sent now can be answered.';

create function usher.recipient_problems(
  organisation_id uuid,
  emails text[]
) returns table (email text, problem text, invite_id uuid)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Address by address, each by an index: an organisation may have many more members than are asked for.
  return query
    select a.email,
      case
        when cardinality(o.allowed_email_domains) > 0
          and usher.email_domain(a.email) <> all (o.allowed_email_domains) then 'domain_not_allowed'
        else (
          select case when usher.has_sanction(o.id, a.email, 'banned') then 'member_banned'
            when bool_or(m.status = 'active' and coalesce(m.ends_at > statement_timestamp(), true))
            then 'already_member' end
          from public.organisation_members m
          where m.organisation_id = o.id and m.email = a.email)
      end,
      (select i.id from usher.invites i
        where i.organisation_id = o.id and i.email = a.email and i.status = 'pending')
    from (select distinct e as email from unnest(recipient_problems.emails) e) a
    join public.organisations o on o.id = recipient_problems.organisation_id;
end
$$;
comment on function usher.recipient_problems
  is $$For each of these addresses, why it may not be sent an invite of this organisation: domain_not_allowed,
member_banned, already_member; null when it may. invite_id is its open invite, if it has one.$$;

create function usher.require_room_for_invites(
  organisation_id uuid,
  day usher.rate_limits
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_base  record;
  v_limit integer;
  v_open  integer;
begin
  -- Counting tens of thousands for each invite would cost more than all else: they are counted once a day, and what was
  -- made since is added to that. Only where that is too many, they are counted again.
  select l.* into v_base from usher.rate_limits l
  where l.key = 'open_invites:' || require_room_for_invites.organisation_id;
  select l.at_most into strict v_limit from usher.tenant_limits('open invites') l;
  if v_base.window_start = (require_room_for_invites.day).window_start
    and v_base.used + (require_room_for_invites.day).used <= v_limit
  then
    return;
  end if;

  perform usher.require_room('open invites', require_room_for_invites.organisation_id, more => 0);
  select count(*)::integer into v_open
  from usher.invites i
  where i.organisation_id = require_room_for_invites.organisation_id and i.status = 'pending';
  insert into usher.rate_limits as r (key, window_start, used)
  values ('open_invites:' || require_room_for_invites.organisation_id, (require_room_for_invites.day).window_start,
    v_open - (require_room_for_invites.day).used)
  on conflict on constraint rate_limits_pkey do update
  set window_start = excluded.window_start, used = excluded.used;
end
$$;
comment on function usher.require_room_for_invites
  is $$Fails with invalid_settings when an organisation has more open invites than usher.tenant_limits allows, but for
what others are making at this moment. Called once the invites are there.

  day  what usher.take_shared_allowance said of the invites of the day$$;

-- sql/30_invites/04_invite_ending.sql

-- Ending an invite from our side: an admin revokes it, or its time runs out.

create function usher.end_invite(
  invite_id uuid,
  reason text,
  actor_kind text default null,
  revoked_by uuid default auth.uid()
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites;
begin
  update usher.invites i
  set status = 'revoked', revoked_at = now(), revoked_by = end_invite.revoked_by, revoked_reason = end_invite.reason
  where i.id = end_invite.invite_id
  returning i.* into strict v_invite;

  perform usher.record_event(v_invite.organisation_id, 'invite.revoked', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending'),
    after  => jsonb_build_object('status', 'revoked'),
    reason => v_invite.revoked_reason,
    actor_kind => end_invite.actor_kind);
end
$$;
comment on function usher.end_invite
  is 'Revokes an invite that its caller has checked, with the event.';

create function usher.lock_open_invites(
  organisation_id uuid,
  email text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform from usher.invites i
  where i.organisation_id = lock_open_invites.organisation_id and i.email = lock_open_invites.email
    and i.status = 'pending'
  order by i.id
  for update;
end
$$;
comment on function usher.lock_open_invites
  is 'Locks what an address has open in an organisation, in the order of its ids.';

create function usher.revoke_invites_to(
  organisation_id uuid,
  email text,
  reason text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_open_invites(revoke_invites_to.organisation_id, revoke_invites_to.email);
  perform usher.end_invite(i.id, revoke_invites_to.reason)
    from usher.invites i
    where i.organisation_id = revoke_invites_to.organisation_id and i.email = revoke_invites_to.email
      and i.status = 'pending';
end
$$;
comment on function usher.revoke_invites_to
  is 'Withdraws what an address has open in an organisation, for a reason that stands in the trail.';

create function usher.revoke_invite(
  invite_id uuid,
  reason text default null
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites := usher.invite_for_change(revoke_invite.invite_id, 'invite.revoke');
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  if revoke_invite.reason is not null and usher.clean_text(revoke_invite.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;

  perform usher.end_invite(v_invite.id, nullif(usher.clean_text(revoke_invite.reason, 500), ''));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.revoke_invite
  is 'The rule behind public.revoke_organisation_invite.';

create function public.revoke_organisation_invite(
  invite_id uuid,
  reason text default null
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.revoke_invite($1, $2) $$;
comment on function public.revoke_organisation_invite
  is $$Withdraws a pending invite for good; its link stops working at once.

  invite_id  the invite
  reason     at most 500 characters; for the audit trail, never shown to the invitee

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found (also for another
tenant's), permission_denied, invite_not_pending, invalid_message.$$;
grant execute on function public.revoke_organisation_invite to authenticated;
grant execute on function usher.revoke_invite to authenticated;

create function usher.expire_invite(
  invite_id uuid
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites := usher.invite_for_change(expire_invite.invite_id, 'invite.revoke');
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;

  update usher.invites i
  set status = 'expired', expires_at = least(i.expires_at, clock_timestamp())
  where i.id = v_invite.id;
  perform usher.record_event(v_invite.organisation_id, 'invite.expired', 'invite', v_invite.id,
    before => jsonb_build_object('status', 'pending', 'expires_at', v_invite.expires_at),
    after  => jsonb_build_object('status', 'expired'));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.expire_invite
  is 'The rule behind public.expire_organisation_invite.';

create function public.expire_organisation_invite(
  invite_id uuid
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.expire_invite($1) $$;
comment on function public.expire_organisation_invite
  is $$Lets a pending invite expire now. Unlike a revoked one, it can be sent again.

Returns the invite. Needs invite.revoke. Fails with unauthenticated, invite_not_found,
permission_denied, invite_not_pending.$$;
grant execute on function public.expire_organisation_invite to authenticated;
grant execute on function usher.expire_invite to authenticated;

create function usher.record_expiry(invites usher.invites[]) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.record_event(i.organisation_id, 'invite.expired', 'invite', i.id,
      before     => jsonb_build_object('status', 'pending', 'expires_at', i.expires_at),
      after      => jsonb_build_object('status', 'expired'),
      actor_kind => 'worker', is_bulk => true)
    from unnest(record_expiry.invites) i;
end
$$;
comment on function usher.record_expiry
  is 'Writes the events of invites that have just expired.';

create function usher.expire_overdue_invites(
  organisation_id uuid,
  emails text[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_expired usher.invites[];
begin
  -- Of few addresses, there is rarely one: looking costs less than beginning to write.
  -- Address by address, which offset 0 makes sure of: a planner that expects few open invites reads all of them.
  if cardinality(expire_overdue_invites.emails) <= 20 and not exists (
    select from unnest(expire_overdue_invites.emails) e (email)
    cross join lateral (
      select i.expires_at from usher.invites i
      where i.organisation_id = expire_overdue_invites.organisation_id and i.email = e.email and i.status = 'pending'
      offset 0
    ) i
    where i.expires_at <= statement_timestamp())
  then
    return;
  end if;
  with overdue as materialized (
    select i.id
    -- A join, because it can only be done address by address; for = any, whole indexes were read.
    from unnest(expire_overdue_invites.emails) e (email)
    join usher.invites i on i.email = e.email
    where i.organisation_id = expire_overdue_invites.organisation_id
      and i.status = 'pending'
      and i.expires_at <= statement_timestamp()
    order by i.id
    for update of i
  ),
  expired as (
    update usher.invites i set status = 'expired'
    from overdue o where i.id = o.id and i.status = 'pending'
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  if v_expired is not null then
    perform usher.record_expiry(v_expired);
  end if;
end
$$;
comment on function usher.expire_overdue_invites
  is 'Writes down that the invites of these addresses that are past their time have expired.';

create function usher.remind_due_invites_of(
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
  v_reminded usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    where i.id = any (remind_due_invites_of.ids) and i.organisation_id = remind_due_invites_of.organisation_id
      -- It may have been answered, or brought to mind, since it was found to be due.
      and i.status = 'pending' and i.reminded_issue < i.issue and i.expires_at > statement_timestamp()
    for update skip locked
  ),
  reminded as (
    update usher.invites i set reminded_issue = i.issue from due d where i.id = d.id
    returning i
  )
  select array_agg(r.i) into v_reminded from reminded r;

  perform usher.record_event(i.organisation_id, 'invite.reminded', 'invite', i.id,
      after => jsonb_build_object('issue', i.issue), actor_kind => 'worker', is_bulk => true)
    from unnest(v_reminded) i;
  return coalesce(cardinality(v_reminded), 0);
end
$$;
comment on function usher.remind_due_invites_of
  is 'usher.remind_due_invites for these invites of one organisation.';

create function usher.remind_due_invites(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('remind_due_invites', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select i.organisation_id, i.id, i.expires_at,
        row_number() over (partition by i.organisation_id order by i.expires_at) as turn
      from usher.invites i
      join public.organisations o on o.id = i.organisation_id
      where i.status = 'pending' and i.kind = 'user'
        and i.reminded_issue < i.issue
        and i.expires_at > statement_timestamp()
        and o.reminder_before is not null
        and i.expires_at <= statement_timestamp() + least(o.reminder_before, interval '14 days')
        -- Not on the day of the mail itself: what has just come needs no bringing to mind.
        and i.issued_at < statement_timestamp() - interval '1 day'
        and i.organisation_id not in (select usher.resting_organisations('remind_due_invites'))
    ) d
    order by d.turn, d.expires_at
    limit remind_due_invites.batch_size));
end
$$;
comment on function usher.remind_due_invites
  is $$Brings unanswered invites to mind before they end, once an issue, where the organisation wants it
(reminder_before). For workers, every minute. Returns how many.$$;
grant execute on function usher.remind_due_invites to usher_worker;

create function usher.expire_due_invites_of(
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
  v_expired usher.invites[];
begin
  with due as (
    select i.id
    from usher.invites i
    where i.id = any (expire_due_invites_of.ids) and i.organisation_id = expire_due_invites_of.organisation_id
      and i.status = 'pending' and i.expires_at <= statement_timestamp()
    order by i.expires_at
    -- One that is being answered or sent again at this moment is left to the next sweep.
    for update skip locked
  ),
  expired as (
    update usher.invites i set status = 'expired' from due d where i.id = d.id
    returning i
  )
  select array_agg(e.i) into v_expired from expired e;
  perform usher.record_expiry(v_expired);
  return coalesce(cardinality(v_expired), 0);
end
$$;
comment on function usher.expire_due_invites_of
  is 'usher.expire_due_invites for these invites of one organisation.';

create function usher.expire_due_invites(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('expire_due_invites', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select i.organisation_id, i.id, i.expires_at,
        row_number() over (partition by i.organisation_id order by i.expires_at) as turn
      from usher.invites i
      where i.status = 'pending' and i.expires_at <= statement_timestamp()
        and i.organisation_id not in (select usher.resting_organisations('expire_due_invites'))
    ) d
    order by d.turn, d.expires_at
    limit expire_due_invites.batch_size));
end
$$;
comment on function usher.expire_due_invites
  is $$The sweep: writes down that invites past their time have expired, oldest first. They read as expired before
it, too; the sweep adds the event, and the mail where the organisation wants it. For workers, every minute.

Returns how many; call again when it is as many as batch_size.$$;
grant execute on function usher.expire_due_invites to usher_worker;

-- sql/30_invites/05_invite_sending.sql

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

-- sql/30_invites/06_invite_resending.sql

-- Sending again: a new mail with a new token, after which the old one is dead.

create function usher.require_mailed(invite usher.invites) returns void
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if (require_mailed.invite).kind <> 'user' then
    perform usher.fail('invite_not_pending',
      hint => 'A device gets a code, not a mail: revoke this one and make another.');
  end if;
end
$$;
comment on function usher.require_mailed
  is 'Refuses with invite_not_pending what is not sent by mail: the invite of a device.';

create function usher.issue_again(
  invite_id uuid,
  actor_kind text default null,
  inviter_id uuid default null
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before usher.invites;
  v_invite usher.invites;
begin
  select i.* into strict v_before from usher.invites i where i.id = issue_again.invite_id for update;
  begin
    update usher.invites i
    set status = 'pending', issue = i.issue + 1, issued_at = now(), bounced_at = null,
      invited_by = coalesce(issue_again.inviter_id, i.invited_by),
      inviter_kind = case when issue_again.inviter_id is null then i.inviter_kind else 'user' end,
      expires_at = usher.invite_end(i.lifetime, i.membership_ends_at)
    where i.id = v_before.id
    returning i.* into strict v_invite;
  exception
    when unique_violation then
      perform usher.fail('already_invited', details => (
        select i.id::text from usher.invites i
        where i.organisation_id = v_before.organisation_id and i.email = v_before.email
          and i.status = 'pending'));
  end;

  perform usher.record_event(v_invite.organisation_id, 'invite.resent', 'invite', v_invite.id,
    before     => jsonb_build_object(
      'status', usher.invite_status(v_before.status, v_before.expires_at), 'expires_at', v_before.expires_at),
    after      => jsonb_build_object(
      'status', 'pending', 'expires_at', v_invite.expires_at, 'issue', v_invite.issue),
    actor_kind => issue_again.actor_kind);
end
$$;
comment on function usher.issue_again
  is $$A new issue of an invite that the caller checked: old links die, its time restarts, a mail goes out. inviter_id:
by whose word from now on; null: as before.
Fails with already_invited when a newer invite of the address is open.$$;

create function usher.new_inviter(invite usher.invites) returns uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case when usher.inviter_right_ends_at(new_inviter.invite) <= statement_timestamp() then auth.uid() end;
end
$$;
comment on function usher.new_inviter
  is $$By whose word an invite that the caller resends lets in: null where it stays with its sender, the caller where
that one may not give its roles any more.$$;

create function usher.resend_invite(
  invite_id uuid
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite   usher.invites := usher.invite_for_change(resend_invite.invite_id, 'invite.resend');
  v_settings usher.settings;
  v_problem  text;
begin
  if v_invite.status not in ('pending', 'expired') then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  if v_invite.membership_ends_at <= now() then
    perform usher.fail('invalid_expiry', hint => 'The membership that it offers would be over: make another invite.');
  end if;

  -- Sending again offers the roles again, so it is judged as a new offer by whoever sends it.
  v_problem := usher.roles_problem(v_invite.organisation_id, v_invite.roles,
    (usher.caller_membership(v_invite.organisation_id)).roles);
  v_problem := coalesce(v_problem, (
    select p.problem from usher.recipient_problems(v_invite.organisation_id, array[v_invite.email]) p));
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  select s.* into strict v_settings from usher.settings s;
  -- The first resend may follow at once: whoever just mistyped a message should not have to wait.
  if v_invite.issue > 1 and v_invite.issued_at + v_settings.resend_cooldown > now() then
    perform usher.fail_rate_limited(v_invite.issued_at + v_settings.resend_cooldown - now());
  end if;
  perform usher.take_allowance('resends:' || v_invite.id, 1, v_settings.resends_per_day, interval '1 day');

  perform usher.issue_again(v_invite.id,
    inviter_id => usher.new_inviter(v_invite));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.resend_invite
  is 'The rule behind public.resend_organisation_invite.';

create function public.resend_organisation_invite(
  invite_id uuid
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.resend_invite($1) $$;
comment on function public.resend_organisation_invite
  is $$Sends an invite again: a new mail with a new link, the old links die, and its time starts anew.

  invite_id  an invite that is pending or has expired

Returns the invite. Needs invite.resend, and the right to give its roles. Fails with unauthenticated,
invite_not_found, permission_denied, invite_not_pending, role_not_assignable, invalid_role,
domain_not_allowed, already_member, member_banned, already_invited, invalid_expiry (the membership that it
offers would be over), rate_limited (with Retry-After).$$;
grant execute on function public.resend_organisation_invite to authenticated;
grant execute on function usher.resend_invite to authenticated;

-- sql/30_invites/07_device_invites.sql

-- Device invites: a short code instead of a mail.
--
-- An admin makes one and reads the code to whoever sets the device up; the device signs in to an account of
-- its own and enrols with the code. From then on it is a subject that holds roles like anyone else.
-- A code is 10 of 30 characters that no one takes for another, about 49 bits; it works once, and whoever
-- guesses is stopped after ten wrong codes an hour (33_answers/05_enrolment.sql).
--
-- The row is an invite of kind device: it is listed, revoked and expires as any other.

create function usher.device_code_hash(code text, key_id integer) returns bytea
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  -- Keyed, because so short a code could be found from a plain hash by trying them all.
  select extensions.hmac(
    convert_to(translate(upper(device_code_hash.code), '- ', ''), 'UTF8'),
    usher.signing_key_secret(device_code_hash.key_id), 'sha256')
$$;
comment on function usher.device_code_hash
  is 'What is kept of a device code: its HMAC under a signing key. Case, spaces and hyphens do not matter.';

create function usher.random_device_code() returns text
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  -- No 0 O, 1 I L, U V. A byte of 240 or more is left out, so that each character is as likely.
  select substring(c.code from 1 for 5) || '-' || substring(c.code from 6 for 5)
  from (
    select string_agg(substring('23456789ABCDEFGHJKMNPQRSTVWXYZ' from b.value % 30 + 1 for 1), '' order by b.n) as code
    from (
      select r.n, get_byte(r.bytes, r.n) as value, row_number() over (order by r.n) as place
      from (
        select g.n, t.bytes
        from (select extensions.gen_random_bytes(64) as bytes) t, generate_series(0, 63) g (n)) r
      where get_byte(r.bytes, r.n) < 240
    ) b
    where b.place <= 10
  ) c
$$;
comment on function usher.random_device_code
  is 'A new code such as 7KQ4M-XW2BD, from a CSPRNG.';

create table usher.device_codes (
  invite_id uuid primary key references usher.invites on delete cascade,
  key_id smallint not null references usher.signing_keys,
  hash bytea not null unique
);
comment on table usher.device_codes
  is 'The HMAC of the code of each device invite. The code itself is kept nowhere.';
create index device_codes_key_id on usher.device_codes (key_id);
alter table usher.device_codes enable row level security;
create policy device_codes_nobody
  on usher.device_codes
  for select
  to public
  using (false);

create type public.organisation_device_invite as (
  invite_id uuid,
  organisation_id uuid,
  device_name text,
  roles text[],
  expires_at timestamptz,
  code text
);
comment on type public.organisation_device_invite
  is 'A device invite with its code, which is shown this once.';

create function usher.create_device_invite(
  organisation_id uuid,
  device_name text,
  roles text[],
  expires_in interval
) returns public.organisation_device_invite
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_device_invite.organisation_id, 'invite.create', 'share');
  v_name    text := usher.clean_name(create_device_invite.device_name);
  v_roles   text[] := usher.clean_roles(create_device_invite.roles);
  v_problem text := usher.roles_problem(v_member.organisation_id, v_roles, v_member.roles);
  v_ttl     interval := usher.invite_lifetime(
    coalesce(create_device_invite.expires_in, interval '1 day')::text, interval '1 day');
  v_invite  public.organisation_device_invite;
  v_key_id  smallint;
  v_day     usher.rate_limits;
begin
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'device_name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  elsif v_problem is not null then
    perform usher.fail(v_problem);
  elsif v_ttl is null then
    perform usher.fail('invalid_expiry');
  end if;
  perform usher.require_free_seat(v_member.organisation_id);
  v_day := usher.take_shared_allowance('invites:' || v_member.organisation_id, 1,
    (select s.invites_per_day from usher.settings s), interval '1 day');

  insert into usher.invites as i (organisation_id, kind, device_name, roles, invited_by, lifetime, expires_at)
  values (v_member.organisation_id, 'device', v_name, v_roles, v_member.user_id, v_ttl,
    date_trunc('second', now() + v_ttl))
  returning i.id, i.organisation_id, i.device_name, i.roles, i.expires_at
  into v_invite.invite_id, v_invite.organisation_id, v_invite.device_name, v_invite.roles, v_invite.expires_at;

  perform usher.require_room_for_invites(v_member.organisation_id, v_day);

  v_key_id := usher.ensure_signing_key();
  v_invite.code := usher.random_device_code();
  insert into usher.device_codes (invite_id, key_id, hash)
  values (v_invite.invite_id, v_key_id, usher.device_code_hash(v_invite.code, v_key_id));

  perform usher.record_event(v_invite.organisation_id, 'invite.created', 'invite', v_invite.invite_id,
    after => jsonb_build_object(
      'kind', 'device', 'roles', v_invite.roles, 'expires_at', v_invite.expires_at));
  return v_invite;
end
$$;
comment on function usher.create_device_invite
  is 'The rule behind public.create_organisation_device_invite.';

create function public.create_organisation_device_invite(
  organisation_id uuid,
  device_name text,
  roles text[],
  expires_in interval default null
) returns public.organisation_device_invite
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_device_invite($1, $2, $3, $4) $$;
comment on function public.create_organisation_device_invite
  is $$Invites a device: makes a short code for it, to be read out and typed in.

  device_name  what people call it: one line, 1 to 100 characters, without addresses and links
  roles        as in create_organisation_invite
  expires_in   1 hour to 30 days; without it, a day

Returns the invite with its code, shown this once. Needs invite.create, and the right to give each of the
roles. Fails with unauthenticated, organisation_not_found, permission_denied, role_not_assignable,
invalid_role, invalid_expiry, invalid_settings, seat_limit_reached, rate_limited.$$;
grant execute on function public.create_organisation_device_invite to authenticated;
grant execute on function usher.create_device_invite to authenticated;

-- sql/32_questions/01_questions.sql

-- Questions that many subjects answer, put together here once.
--
--   May this person sign up?             usher.may_sign_up
--   May this person join?                usher.require_may_join
--   Does this membership count now?      usher.current_members, in 05_organisations/05_members.sql, because the guard
--                                        asks it: a new subject that has a word in it says so in that view
--
-- They stand behind all that they ask and before all that ask them. A new rule of joining has its place here, so that
-- no way of joining is without it (test/database/questions.test.ts). That nobody is banned, or a member already, is
-- asked where the membership is written, usher.add_member.

create function usher.may_sign_up(
  email text,
  user_metadata jsonb
) returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select (select s.sign_up from usher.settings s) = 'open'
    or exists (
      select from usher.invites i
      where i.email = usher.normalise_email(may_sign_up.email)
        and i.status = 'pending' and usher.invite_problem(i) is null)
    or exists (
      select from public.organisation_domains d
      where d.domain = usher.email_domain(usher.normalise_email(may_sign_up.email))
        and d.verified_at is not null and d.join_policy <> 'none')
    or case when length(may_sign_up.user_metadata ->> 'device_code') <= 20 then exists (
      select from usher.signing_keys k
      join usher.device_codes d on d.key_id = k.id
        and d.hash = usher.device_code_hash(may_sign_up.user_metadata ->> 'device_code', k.id)
      join usher.invites i on i.id = d.invite_id
      where usher.invite_problem(i) is null)
    else false end
$$;
comment on function usher.may_sign_up
  is $$Whether an account may be made: sign-up is open, the address has a pending invite or is of a domain that lets
its people join, or the sign-up data holds the code of an open device invite (device_code).$$;

create function usher.require_may_join(
  organisation_id uuid,
  user_id uuid,
  email text,
  roles text[],
  asks text[] default '{}'
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation record;
begin
  perform usher.require_roles(require_may_join.organisation_id, require_may_join.roles);
  select o.seat_limit, o.allowed_email_domains, exists (
      select from public.organisation_sign_in_rules r where r.organisation_id = o.id) as has_sign_in_rule
  into v_organisation
  from public.organisations o
  where o.id = require_may_join.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;

  if 'domain' = any (require_may_join.asks)
    and cardinality(v_organisation.allowed_email_domains) > 0
    and coalesce(usher.email_domain(require_may_join.email) <> all (v_organisation.allowed_email_domains), true)
  then
    perform usher.fail('domain_not_allowed');
  end if;
  if v_organisation.has_sign_in_rule and 'session' = any (require_may_join.asks) then
    perform usher.require_sign_in(
      require_may_join.organisation_id, require_may_join.user_id, require_may_join.email);
  end if;
  if v_organisation.seat_limit is not null then
    perform usher.require_free_seat(require_may_join.organisation_id);
  end if;
end
$$;
comment on function usher.require_may_join
  is $$Refuses whoever may not become a member at this moment, whichever way they come; asked under the locks of
usher.lock_for_joining. That they are not banned, and no member yet, usher.add_member asks.

  email  the address of their account; null: it has none
  asks   what else this way of joining asks of them:
           domain   that the organisation takes people of their address's domain
           session  that they, who are the caller, have signed in as the organisation asks

Fails with invalid_role (a role is gone), role_not_assignable (roles that may not be held together),
domain_not_allowed, sso_required, seat_limit_reached.$$;

-- sql/33_answers/01_joining_by_invite.sql

-- Joining by an invite: by its link, without it, or by the code of a device. Lock, judge, write.

create function usher.join_by_invite(
  invite usher.invites,
  email text,
  asks text[],
  kind text default 'user'
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite        usher.invites := join_by_invite.invite;
  v_now           usher.invites;
  v_problem       text;
  v_right_ends_at timestamptz;
begin
  -- By another address, which they have had for no longer than this has waited, other things would be theirs.
  if usher.lock_for_joining(v_invite.organisation_id, auth.uid(), v_invite.invited_by)
    is distinct from join_by_invite.email
  then
    perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
  end if;

  -- What may have changed since it was sent: its state, the right of who sent it, and all that joining asks.
  select i.* into v_now from usher.invites i where i.id = v_invite.id;
  v_problem := case
    when not found then 'invite_invalid'
    when v_now.issue <> v_invite.issue or v_now.roles <> v_invite.roles then 'invite_superseded'
    else usher.invite_state_problem(v_now)
  end;
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  v_right_ends_at := usher.inviter_right_ends_at(v_now);
  if v_right_ends_at <= clock_timestamp() then
    perform usher.fail('inviter_lost_right');
  end if;
  perform usher.require_may_join(
    v_now.organisation_id, auth.uid(), join_by_invite.email, v_now.roles, join_by_invite.asks);

  -- The race is decided here: whoever revokes it, sends it again or declines it at this moment is waited for, and
  -- finds it accepted, or is found.
  update usher.invites i
  set status = 'accepted', accepted_at = now(), accepted_by = auth.uid()
  where i.id = v_now.id
    and i.status = 'pending'
    and i.issue = v_now.issue
    and i.roles = v_now.roles
    and i.expires_at > clock_timestamp();
  if not found then
    select i.* into v_now from usher.invites i where i.id = v_invite.id;
    perform usher.fail(case when not found then 'invite_invalid'
      else coalesce(usher.invite_problem(v_now), 'invite_superseded') end);
  end if;
  -- Whoever waited for a row that then stayed as it was had its time compared before the wait.
  if v_now.expires_at <= clock_timestamp() then
    perform usher.fail('invite_expired');
  end if;
  return usher.add_member(v_now.organisation_id, auth.uid(), v_now.roles,
    least(v_now.membership_ends_at, nullif(v_right_ends_at, 'infinity')), join_by_invite.kind);
end
$$;
comment on function usher.join_by_invite
  is $$Makes the caller a member by this invite, which was open when it was read, if it still is: locks, judges, writes.

  email  the address of their account; null: it has none
  asks   as usher.require_may_join has it
  kind   of the membership: user or device

Returns the membership; the event is its caller's. Fails as public.accept_organisation_invite says, but for
what is wrong with a token or with the caller.$$;

-- sql/33_answers/02_one_click.sql

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

-- sql/33_answers/03_invite_answering.sql

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

-- sql/33_answers/04_invite_links.sql

-- New links and other ways to an invite: change its roles, reveal it, ask for another, see one's own.

create function usher.update_invite_roles(
  invite_id uuid,
  roles text[]
) returns public.organisation_invites
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite  usher.invites := usher.invite_for_change(update_invite_roles.invite_id, 'invite.create');
  v_roles   text[] := usher.clean_roles(update_invite_roles.roles);
  v_actor   public.organisation_members;
  v_problem text;
  v_inviter_id uuid;
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  v_actor := usher.caller_membership(v_invite.organisation_id);
  -- Whoever may not give the roles that it carries may not take them away either.
  v_problem := coalesce(
    usher.roles_problem(v_invite.organisation_id, v_roles, v_actor.roles),
    nullif(usher.roles_problem(v_invite.organisation_id, v_invite.roles, v_actor.roles), 'invalid_role'));
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  if v_roles = v_invite.roles then
    return usher.invite_view(v_invite.id);
  end if;

  -- Whoever offers more than before does so by their own word.
  v_inviter_id := case when v_roles <@ v_invite.roles then usher.new_inviter(v_invite) else v_actor.user_id end;
  update usher.invites i
  set roles = v_roles, issue = i.issue + 1, bounced_at = null, invited_by = coalesce(v_inviter_id, i.invited_by),
    inviter_kind = case when v_inviter_id is null then i.inviter_kind else 'user' end
  where i.id = v_invite.id;
  perform usher.record_event(v_invite.organisation_id, 'invite.roles_updated', 'invite', v_invite.id,
    before => jsonb_build_object('roles', v_invite.roles),
    after  => jsonb_build_object('roles', v_roles, 'issue', v_invite.issue + 1));
  return usher.invite_view(v_invite.id);
end
$$;
comment on function usher.update_invite_roles
  is 'The rule behind public.update_organisation_invite_roles.';

create function public.update_organisation_invite_roles(
  invite_id uuid,
  roles text[]
) returns public.organisation_invites
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_invite_roles($1, $2) $$;
comment on function public.update_organisation_invite_roles
  is $$Changes what a pending invite offers. The roles are signed into the link, so a new mail goes out, and the old
links die; the time that is left stays.

  roles  as in create_organisation_invite

Returns the invite. Needs invite.create, and the right to give the old roles and the new. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, invalid_role,
role_not_assignable.$$;
grant execute on function public.update_organisation_invite_roles to authenticated;
grant execute on function usher.update_invite_roles to authenticated;

create function usher.reveal_invite_link(invite_id uuid) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- The key before the invite, as the worker does it: on a first day it is being made at this moment.
  v_key_id  smallint := usher.ensure_signing_key();
  v_invite  usher.invites := usher.invite_for_change(reveal_invite_link.invite_id, 'invite.reveal');
  v_problem text;
begin
  if v_invite.status <> 'pending' then
    perform usher.fail('invite_not_pending', details => v_invite.status);
  end if;
  perform usher.require_mailed(v_invite);
  v_problem := usher.roles_problem(
    v_invite.organisation_id, v_invite.roles, (usher.caller_membership(v_invite.organisation_id)).roles);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;

  perform usher.record_event(v_invite.organisation_id, 'invite.link_revealed', 'invite', v_invite.id);
  return (select s.site_url from usher.settings s) || '/invite#' || usher.mint_invite_token(v_invite.id);
end
$$;
comment on function usher.reveal_invite_link
  is 'The rule behind public.reveal_organisation_invite_link.';

create function public.reveal_organisation_invite_link(
  invite_id uuid
) returns text
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.reveal_invite_link($1) $$;
comment on function public.reveal_organisation_invite_link
  is $$The link of a pending invite, for when mail cannot bring it; the trail says who took it. It works beside the
mailed one, and only for the invited address.

Returns the link. Needs invite.reveal, and the right to give the invite's roles. Fails with
unauthenticated, invite_not_found, permission_denied, invite_not_pending, role_not_assignable.$$;
grant execute on function public.reveal_organisation_invite_link to authenticated;
grant execute on function usher.reveal_invite_link to authenticated;

create function usher.request_invite_resend(token text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_reading usher.token_reading := usher.read_invite_token(request_invite_resend.token);
  v_invite  usher.invites := v_reading.invite;
  v_sends   boolean;
begin
  if v_reading.problem is distinct from 'invite_expired' then
    return;
  end if;
  perform usher.lock_organisation(v_invite.organisation_id, 'share');
  select i.* into v_invite from usher.invites i where i.id = v_invite.id for update;
  if not found then
    return;
  end if;
  -- Once a day: whoever presses again is not told, and nobody gets a second mail.
  if exists (
    select from usher.rate_limits r
    where r.key = 'resend_requests:' || v_invite.id and r.window_start > now() - interval '1 day')
  then
    return;
  end if;
  perform usher.take_allowance('resend_requests:' || v_invite.id, 1, 1, interval '1 day', is_secret => true);
  select o.self_service_resend
    and coalesce(v_invite.membership_ends_at > now(), true)
    and usher.inviter_right_ends_at(v_invite) > statement_timestamp()
    -- What has changed since is checked again; otherwise an admin decides.
    and (select p.problem is null and (p.invite_id is null or p.invite_id = v_invite.id)
      from usher.recipient_problems(v_invite.organisation_id, array[v_invite.email]) p)
  into v_sends
  from public.organisations o where o.id = v_invite.organisation_id;
  perform usher.record_event(v_invite.organisation_id, 'invite.resend_requested', 'invite', v_invite.id,
    after => jsonb_build_object('is_sent', coalesce(v_sends, false)),
    actor_kind => case when auth.uid() is null then 'invitee' end);
  if v_sends then
    begin
      perform usher.issue_again(v_invite.id, case when auth.uid() is null then 'invitee' end);
    exception
      when others then
        -- A newer invite was sent at this very moment: that mail is on its way, and the answer is the same.
        null;
    end;
  end if;
end
$$;
comment on function usher.request_invite_resend
  is 'The rule behind public.request_organisation_invite_resend.';

create function public.request_organisation_invite_resend(
  token text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.request_invite_resend($1) $$;
comment on function public.request_organisation_invite_resend
  is $$Asks for a new link with one that has expired. Where the organisation allows it, a new mail goes to the
invited address; otherwise those who may send it again get a mail. Once a day counts.

Answers the same whatever happens, so that nothing can be learnt from it. Whoever holds the link may.$$;
grant execute on function public.request_organisation_invite_resend to anon, authenticated, service_role;
grant execute on function usher.request_invite_resend to anon, authenticated, service_role;

create function usher.list_my_invites() returns table (
  id uuid,
  organisation_id uuid,
  organisation_name text,
  organisation_logo_url text,
  organisation_accent_colour text,
  roles text[],
  inviter_name text,
  inviter_email text,
  message text,
  created_at timestamptz,
  expires_at timestamptz
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select i.id, o.id, o.name, o.logo_url, o.accent_colour, i.roles, m.display_name, m.email, i.message,
    i.created_at, i.expires_at
  from auth.users u
  join usher.invites i on i.email = usher.normalise_email(u.email)
  join public.organisations o on o.id = i.organisation_id
  left join public.organisation_members m
    on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
  where u.id = auth.uid()
    and usher.has_proven_address(u.id)
    and i.status = 'pending' and usher.invite_problem(i) is null
  order by i.created_at desc, i.id desc
$$;
comment on function usher.list_my_invites
  is 'The rule behind public.list_my_organisation_invites.';

create function public.list_my_organisation_invites() returns table (
  id uuid,
  organisation_id uuid,
  organisation_name text,
  organisation_logo_url text,
  organisation_accent_colour text,
  roles text[],
  inviter_name text,
  inviter_email text,
  message text,
  created_at timestamptz,
  expires_at timestamptz
)
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_my_invites() $$;
comment on function public.list_my_organisation_invites
  is $$The pending invites to the caller's own address, newest first.

Empty until the address is confirmed; and for single sign-on by a provider that the project does not have for the
domain of the address: then the mailed link is the way. Anyone signed in may.$$;
grant execute on function public.list_my_organisation_invites to authenticated;
grant execute on function usher.list_my_invites to authenticated;

create function usher.accept_my_invite(
  invite_id uuid
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_invite usher.invites;
begin
  if not (select s.auth_confirms_addresses from usher.settings s)
    or exists (
      select from auth.users u
      where u.id = auth.uid() and u.is_sso_user and not usher.has_proven_address(u.id))
  then
    perform usher.fail('permission_denied', hint => 'Accept by the link in the mail.');
  end if;

  -- Another's invite looks like none at all.
  select i.* into v_invite
  from usher.invites i
  join auth.users u on u.id = auth.uid() and i.email = usher.normalise_email(u.email)
  where i.id = accept_my_invite.invite_id;
  if not found then
    perform usher.fail('invite_not_found');
  end if;
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
  end if;
  return usher.accept_open_invite(v_invite);
end
$$;
comment on function usher.accept_my_invite
  is 'The rule behind public.accept_my_organisation_invite.';

create function public.accept_my_organisation_invite(
  invite_id uuid
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.accept_my_invite($1);
$$;
comment on function public.accept_my_organisation_invite
  is $$Accepts one of list_my_organisation_invites without the link.

Only where usher.settings.auth_confirms_addresses says that the project's Auth confirms addresses by mail:
otherwise anyone could register the address and take the invite, and it fails with permission_denied; so it does
for single sign-on by a provider that the project does not have for the domain of the address.
Fails with invite_not_found, and as accept_organisation_invite does.$$;
grant execute on function public.accept_my_organisation_invite to authenticated;
grant execute on function usher.accept_my_invite to authenticated;

-- sql/33_answers/05_enrolment.sql

-- Enrolment: a device comes in by the code that was read out to it.

create function usher.answer_error(code text) returns jsonb
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_error record;
begin
  select e.* into strict v_error from usher.error_of(answer_error.code) e;
  perform set_config('response.status', v_error.status::text, true);
  return jsonb_build_object(
    'code', answer_error.code, 'message', v_error.message, 'details', null, 'hint', v_error.hint);
end
$$;
comment on function usher.answer_error
  is $$An error as an answer instead of an exception: same status and body over HTTP, but what the transaction has
counted stays counted. For guesses.$$;

create function usher.enrol_device(code text) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_wait   interval;
  v_invite usher.invites;
  v_member public.organisation_members;
  v_email  text;
  v_has_phone boolean;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  end if;

  -- Before the code is looked at: who has guessed too often learns nothing more, right or wrong.
  select r.window_start + interval '1 hour' - now() into v_wait
  from usher.rate_limits r
  where r.key = 'device_codes:' || auth.uid() and r.used >= 10
    and r.window_start + interval '1 hour' > now();
  if found then
    perform usher.fail_rate_limited(v_wait);
  end if;

  if length(enrol_device.code) <= 20 then
    select i.* into v_invite
    from usher.signing_keys k
    join usher.device_codes d
      on d.key_id = k.id and d.hash = usher.device_code_hash(enrol_device.code, k.id)
    join usher.invites i on i.id = d.invite_id;
  end if;
  if v_invite.id is null then
    perform usher.take_allowance('device_codes:' || auth.uid(), 1, 10, interval '1 hour');
    return usher.answer_error('invite_invalid');
  end if;
  if usher.invite_problem(v_invite) is not null then
    perform usher.fail(usher.invite_problem(v_invite));
  end if;

  -- An account with an address or a phone number is somebody's: a code is no way round what is asked of people.
  select usher.normalise_email(u.email), coalesce(to_jsonb(u) ->> 'phone', '') <> '' into v_email, v_has_phone
  from auth.users u where u.id = auth.uid();
  v_member := usher.join_by_invite(v_invite, v_email,
    asks => case when v_email is not null or v_has_phone then array['domain', 'session'] else '{}' end,
    kind => 'device');
  update public.organisation_members m
  set display_name = v_invite.device_name, email = null
  where m.id = v_member.id
  returning m.* into v_member;

  perform usher.record_event(v_invite.organisation_id, 'device.enrolled', 'user', v_member.user_id,
    after => jsonb_build_object('invite_id', v_invite.id, 'roles', v_member.roles),
    actor_kind => 'device');
  return to_jsonb(v_member);
end
$$;
comment on function usher.enrol_device
  is 'The rule behind public.enrol_organisation_device.';

create function public.enrol_organisation_device(code text) returns jsonb
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.enrol_device($1);
$$;
comment on function public.enrol_organisation_device
  is $$Enrols the caller, a device that is signed in to an account of its own, with a code.

  code  as the admin was shown it; case, spaces and hyphens do not matter

Returns the membership, of kind device. Anyone signed in may. Fails with unauthenticated, invite_invalid (no
such code; an answer of status 404, not an exception, so that the guess is counted), rate_limited (ten wrong
codes within an hour), invite_already_accepted, invite_revoked, invite_expired, inviter_lost_right, invalid_role,
role_not_assignable, seat_limit_reached, already_member, member_banned, try_again; for an account with an address, which
is a person's, also domain_not_allowed and sso_required.$$;
grant execute on function public.enrol_organisation_device to authenticated;
grant execute on function usher.enrol_device to authenticated;

-- sql/35_joining/00_directory_users.sql

-- Directory users: whom an identity provider has named, and what its groups give them.
--
-- What joining and roles have to know of a directory. What it sends and is told stands in
-- 45_directories/02_scim_users.sql.

create function usher.folded_user_name(user_name text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce(usher.normalise_email(folded_user_name.user_name), lower(folded_user_name.user_name));
end
$$;
comment on function usher.folded_user_name
  is $$A userName as it is compared: case does not matter (RFC 7643 section 4.1.1), nor how the domain of an address is
spelt.$$;

create table usher.directory_users (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_name text not null,
  external_id text,
  email text not null,
  is_active boolean not null default false,
  roles text[] not null default '{member}',
  attributes jsonb not null default '{}',
  member_id uuid unique references public.organisation_members on delete cascade,
  invite_id uuid references usher.invites on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  role_ends jsonb not null default '{}',
  constraint directory_users_bounds check (
    pg_column_size(role_ends) <= 16384
      and length(user_name) <= 254
      and length(external_id) <= 254
      and length(email) <= 254
      and cardinality(roles) <= 1000
      and octet_length(array_to_string(roles, '')) <= 63000
      and pg_column_size(attributes) <= 16384
  )
);
comment on table usher.directory_users
  is 'Whom a directory has named: one row a person and organisation.';
comment on column usher.directory_users.id
  is 'The id by SCIM: of a member whom the directory took over, that of the membership.';
comment on column usher.directory_users.is_active
  is 'What the directory said last.';
comment on column usher.directory_users.roles
  is 'What its groups give: held once they are a member, and again when they come back.';
comment on column usher.directory_users.attributes
  is 'What else it says of them, to be given back to it; decides nothing. At most 16 kB.';

comment on column usher.directory_users.role_ends
  is 'Until when those of roles are given that somebody gave through the directory whose own right has an end.';

create unique index directory_users_user_name on usher.directory_users (
  organisation_id,
  usher.folded_user_name(user_name)
);
create unique index directory_users_email on usher.directory_users (
  organisation_id,
  email
);
create index directory_users_external_id on usher.directory_users (
  organisation_id,
  external_id
);
create index directory_users_invite_id on usher.directory_users (invite_id);

alter table usher.directory_users enable row level security;
create policy directory_users_nobody
  on usher.directory_users
  for select
  to public
  using (false);

-- sql/35_joining/01_joining_by_domain.sql

-- Joining by domain: people of a verified domain join by themselves, or ask to.
--
-- Only where the project's Auth confirms addresses by mail: otherwise anyone could register an address of the domain.

create table public.organisation_join_requests (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_id uuid not null references auth.users on delete cascade,
  email text not null,
  status text not null default 'pending',
  reason text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  decided_by uuid,
  constraint organisation_join_requests_status check (
    status in ('pending', 'approved', 'declined')
  ),
  constraint organisation_join_requests_decided check (
    (status = 'pending') = (decided_at is null)
  ),
  constraint organisation_join_requests_bounds check (
    length(email) <= 254 and length(reason) <= 500
  )
);
comment on table public.organisation_join_requests
  is 'Requests to join. Read with invite.read, and one''s own; written by functions only.';
create unique index organisation_join_requests_one_pending
  on public.organisation_join_requests (organisation_id, user_id)
  where status = 'pending';
create index organisation_join_requests_newest
  on public.organisation_join_requests (organisation_id, created_at desc);
create index organisation_join_requests_user_id
  on public.organisation_join_requests (user_id);

alter table public.organisation_join_requests enable row level security;
create policy organisation_join_requests_select
  on public.organisation_join_requests
  for select
  to authenticated
  using (
    user_id = (select auth.uid())
      or organisation_id in (select usher.organisations_where('invite.read'))
  );
grant select on public.organisation_join_requests to authenticated, service_role;

create function usher.my_joinable_domains() returns setof public.organisation_domains
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select d.organisation_id, d.domain, d.verification, d.verified_at, d.checked_at,
    -- Without anybody's word nobody comes in by themselves: then they ask.
    case when d.stops_at <= statement_timestamp() then 'ask' else d.join_policy end,
    d.role, d.created_at, d.id, d.responsible_id, d.stops_at
  from auth.users u
  join public.organisation_domains d on d.domain = usher.email_domain(usher.normalise_email(u.email))
  where u.id = auth.uid() and usher.has_proven_address(u.id)
    and (select s.auth_confirms_addresses from usher.settings s)
    and d.verified_at is not null and d.join_policy <> 'none'
$$;
comment on function usher.my_joinable_domains
  is 'Verified domains that the caller''s proven address belongs to and that let people join or ask.';

create function usher.domain_word_ends_at(
  domain public.organisation_domains
) returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- While the rule goes on without them, what they had themselves had no end.
  if (domain_word_ends_at.domain).stops_at is not null or (domain_word_ends_at.domain).responsible_id is null then
    return timestamptz 'infinity';
  end if;
  return coalesce((
    select usher.giving_ends_at(row(m.*)::public.organisation_members, 'organisation.update',
      array[(domain_word_ends_at.domain).role])
    from usher.current_members m
    where m.organisation_id = (domain_word_ends_at.domain).organisation_id
      and m.user_id = (domain_word_ends_at.domain).responsible_id), '-infinity');
end
$$;
comment on function usher.domain_word_ends_at
  is 'Until when a membership gained by a domain counts: no longer than the right of who answers for the rule.';

create function usher.list_joinable_organisations() returns table (
  id uuid,
  name text,
  logo_url text,
  accent_colour text,
  domain text,
  join_policy text
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select o.id, o.name, o.logo_url, o.accent_colour, d.domain,
    case when usher.domain_word_ends_at(d) <= statement_timestamp() then 'ask' else d.join_policy end
  from usher.my_joinable_domains() d
  join public.organisations o on o.id = d.organisation_id
  where not usher.is_banned(o.id, auth.uid()) and not exists (
    select from public.organisation_members m
    where m.organisation_id = o.id and m.user_id = auth.uid() and m.status in ('active', 'banned'))
  order by o.name
$$;
comment on function usher.list_joinable_organisations
  is 'The rule behind public.list_joinable_organisations.';

create function public.list_joinable_organisations() returns table (
  id uuid,
  name text,
  logo_url text,
  accent_colour text,
  domain text,
  join_policy text
)
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_joinable_organisations() $$;
comment on function public.list_joinable_organisations
  is $$Organisations that the caller may join, or ask to, because of the domain of their confirmed address. Anyone
signed in may.$$;
grant execute on function public.list_joinable_organisations to authenticated;
grant execute on function usher.list_joinable_organisations to authenticated;

create function usher.join_organisation(organisation_id uuid) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_domain public.organisation_domains;
  v_member public.organisation_members;
  v_invite usher.invites;
  v_email  text;
  v_ends_at timestamptz;
begin
  perform usher.require_person();
  -- Only who may join lets others wait.
  if exists (
    select from usher.my_joinable_domains() d where d.organisation_id = join_organisation.organisation_id)
  then
    perform usher.lock_for_joining(join_organisation.organisation_id, auth.uid(), (
      select i.invited_by
      from usher.invites i
      join auth.users u on u.id = auth.uid() and i.email = usher.normalise_email(u.email)
      where i.organisation_id = join_organisation.organisation_id and i.status = 'pending'));
  end if;
  select d.* into v_domain
  from usher.my_joinable_domains() d where d.organisation_id = join_organisation.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = v_domain.organisation_id and m.user_id = auth.uid();
  if v_member.status = 'active' then
    perform usher.fail('already_member');
  elsif v_member.status = 'banned' or usher.is_banned(v_domain.organisation_id, auth.uid()) then
    perform usher.fail('member_banned');
  end if;
  select usher.normalise_email(u.email) into v_email from auth.users u where u.id = auth.uid();
  -- Whoever was sent away, whose time was over, or whom a directory has turned off: not back by themselves.
  if usher.has_sanction(v_domain.organisation_id, v_email, 'removed') or v_member.ends_at is not null or exists (
    select from usher.directory_users d
    where d.organisation_id = v_domain.organisation_id and not d.is_active
      and (d.member_id = v_member.id or d.email = v_email))
  then
    v_domain.join_policy := 'ask';
  end if;
  -- Whoever has been invited comes in as what they were invited as, and the invite is answered by it.
  select i.* into v_invite
  from usher.invites i
  where i.organisation_id = v_domain.organisation_id and i.email = v_email and i.status = 'pending';
  if found and usher.invite_problem(v_invite) is null then
    perform usher.accept_open_invite(v_invite);
    return 'joined';
  end if;
  perform usher.require_sign_in(v_domain.organisation_id, auth.uid(), v_email);

  v_ends_at := usher.domain_word_ends_at(v_domain);
  if v_domain.join_policy = 'join' and v_ends_at > statement_timestamp() then
    perform usher.require_may_join(v_domain.organisation_id, auth.uid(), v_email, array[v_domain.role]);
    v_member := usher.add_member(v_domain.organisation_id, auth.uid(), array[v_domain.role],
      nullif(v_ends_at, 'infinity'));
    perform usher.revoke_invites_to(v_domain.organisation_id, v_email, 'Joined by the domain');
    perform usher.record_event(v_domain.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('domain', v_domain.domain, 'roles', v_member.roles));
    return 'joined';
  end if;

  if not exists (
    select from public.organisation_join_requests r
    where r.organisation_id = v_domain.organisation_id and r.user_id = auth.uid() and r.status = 'pending')
  then
    -- Each one is a mail to every admin, and may be asked for again once it was turned down.
    perform usher.require_room('requests to join', v_domain.organisation_id);
    perform usher.take_allowance('join_requests:' || v_domain.organisation_id || ':' || auth.uid(),
      1, 5, interval '1 day');
  end if;
  insert into public.organisation_join_requests (organisation_id, user_id, email)
  values (v_domain.organisation_id, auth.uid(), v_email)
  on conflict do nothing;
  if found then
    perform usher.record_event(v_domain.organisation_id, 'join.requested', 'user', auth.uid());
  end if;
  return 'requested';
end
$$;
comment on function usher.join_organisation
  is 'The rule behind public.join_organisation.';

create function public.join_organisation(organisation_id uuid) returns text
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.join_organisation($1);
$$;
comment on function public.join_organisation
  is $$Joins one of list_joinable_organisations, or asks to.

Returns joined, or requested: where the organisation wants to be asked, for whoever was removed, had access with an
end or is turned off by a directory, and when asked before. Fails with unauthenticated, permission_denied (an
anonymous account), organisation_not_found (also where the caller's address does not open it), sso_required,
already_member, member_banned, seat_limit_reached, invalid_role, role_not_assignable, try_again, rate_limited (asked
five times within a day, or a thousand wait).$$;
grant execute on function public.join_organisation to authenticated;
grant execute on function usher.join_organisation to authenticated;

-- sql/35_joining/02_join_requests.sql

-- Join requests: who asked to join, approved or declined. Seeing them needs invite.read, deciding invite.create.

create function usher.join_request_for_change(
  request_id uuid,
  is_joining boolean
) returns public.organisation_join_requests
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_request public.organisation_join_requests;
begin
  select r.* into v_request
  from public.organisation_join_requests r where r.id = join_request_for_change.request_id;
  -- Where seats are counted, whoever joins needs the stronger lock, and none is made stronger later.
  perform usher.require_permission(v_request.organisation_id, 'invite.create',
    case when join_request_for_change.is_joining then 'settings' else 'share' end, 'request_not_found');
  if join_request_for_change.is_joining then
    perform usher.lock_for_joining(v_request.organisation_id, v_request.user_id);
    perform usher.lock_open_invites(v_request.organisation_id, v_request.email);
  end if;

  select r.* into v_request
  from public.organisation_join_requests r where r.id = join_request_for_change.request_id for update;
  if not found then
    perform usher.fail('request_not_found');
  elsif v_request.status <> 'pending' then
    perform usher.fail('request_not_open', details => v_request.status);
  elsif join_request_for_change.is_joining and not exists (
    select from auth.users u where u.id = v_request.user_id and usher.normalise_email(u.email) = v_request.email)
  then
    perform usher.fail('request_not_open', details => 'address_changed',
      hint => 'They have another address than the one that asked. Decline the request: they can ask again.');
  end if;
  return v_request;
end
$$;
comment on function usher.join_request_for_change
  is $$A pending request, locked, for a caller with invite.create; is_joining: with all that whoever asked needs to
join. Fails with unauthenticated, request_not_found (also for another tenant's), permission_denied, request_not_open.$$;

create function usher.approve_join_request(
  request_id uuid,
  roles text[]
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_request public.organisation_join_requests :=
    usher.join_request_for_change(approve_join_request.request_id, true);
  v_actor   public.organisation_members := usher.caller_membership(v_request.organisation_id);
  v_roles   text[] := usher.clean_roles(coalesce(approve_join_request.roles, array[(
    select d.role from public.organisation_domains d
    where d.organisation_id = v_request.organisation_id
      and d.domain = usher.email_domain(v_request.email))]));
  v_problem text := usher.roles_problem(v_request.organisation_id, v_roles, v_actor.roles);
  v_member  public.organisation_members;
begin
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  -- They came as the organisation asks when they asked to join; but it may ask more since.
  if usher.lacks_identity(v_request.organisation_id, v_request.user_id, v_request.email) then
    perform usher.fail('sso_required',
      hint => 'Decline the request: they can ask again once they sign in the way that the organisation asks for.');
  end if;
  perform usher.require_may_join(v_request.organisation_id, v_request.user_id, v_request.email, v_roles);
  v_member := usher.add_member(v_request.organisation_id, v_request.user_id, v_roles,
    nullif(usher.giving_ends_at(v_actor, 'invite.create', v_roles), 'infinity'));
  v_member := usher.settle_open_invite(v_member);
  update public.organisation_join_requests r
  set status = 'approved', decided_at = now(), decided_by = auth.uid()
  where r.id = v_request.id;
  perform usher.record_event(v_request.organisation_id, 'join.approved', 'user', v_request.user_id,
    after => jsonb_build_object('request_id', v_request.id, 'roles', v_member.roles));
  return v_member;
end
$$;
comment on function usher.approve_join_request
  is 'The rule behind public.approve_organisation_join_request.';

create function public.approve_organisation_join_request(
  request_id uuid,
  roles text[] default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.approve_join_request($1, $2) $$;
comment on function public.approve_organisation_join_request
  is $$Lets somebody in who asked to join.

  roles  what they join with; without it, the role of their domain

Returns the membership. Needs invite.create, and the right to give the roles. Fails with unauthenticated,
request_not_found, permission_denied, request_not_open, invalid_role, role_not_assignable,
sso_required (they asked before the organisation asked for another way in), seat_limit_reached, already_member,
member_banned.$$;
grant execute on function public.approve_organisation_join_request to authenticated;
grant execute on function usher.approve_join_request to authenticated;

create function usher.decline_join_request(
  request_id uuid,
  reason text
) returns public.organisation_join_requests
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_request public.organisation_join_requests :=
    usher.join_request_for_change(decline_join_request.request_id, false);
begin
  if decline_join_request.reason is not null and usher.clean_text(decline_join_request.reason, 500) is null
    or exists (select from usher.find_links(usher.clean_text(decline_join_request.reason, 500)))
  then
    perform usher.fail('invalid_message',
      hint => 'A reason is plain text of at most 500 characters, without addresses and links.');
  end if;
  update public.organisation_join_requests r
  set status = 'declined', decided_at = now(), decided_by = auth.uid(),
    reason = nullif(usher.clean_text(decline_join_request.reason, 500), '')
  where r.id = v_request.id
  returning r.* into v_request;
  perform usher.record_event(v_request.organisation_id, 'join.declined', 'user', v_request.user_id,
    after => jsonb_build_object('request_id', v_request.id), reason => v_request.reason);
  return v_request;
end
$$;
comment on function usher.decline_join_request
  is 'The rule behind public.decline_organisation_join_request.';

create function public.decline_organisation_join_request(
  request_id uuid,
  reason text default null
) returns public.organisation_join_requests
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.decline_join_request($1, $2) $$;
comment on function public.decline_organisation_join_request
  is $$Turns a request to join down; they may ask again.

  reason  at most 500 characters, without addresses and links; the one who asked can read it

Returns the request. Needs invite.create. Fails with unauthenticated, request_not_found, permission_denied,
request_not_open, invalid_message.$$;
grant execute on function public.decline_organisation_join_request to authenticated;
grant execute on function usher.decline_join_request to authenticated;

-- sql/35_joining/03_auth_hooks.sql

-- Signing up: the closed door, and joining on the way in.
--
-- Where usher.settings.sign_up is invite_only, an account can be made only for an address with a pending
-- invite, or by a device that brings an open code. Supabase Auth's before-user-created hook says so in
-- words; underneath, a trigger on auth.users holds for every other way, the admin API and SQL included.
--
-- Whoever signs up with invite_token in their sign-up data is a member as soon as their address is
-- confirmed, in that very transaction. A token that is no good never stands in the way of signing up.
--
-- Tokens and codes are kept nowhere. Supabase Auth holds a new account in memory, with the sign-up data as it
-- came, and writes that data several times: with the account, with its identity, and by an update afterwards.
-- So it is cleaned at each write; and where Auth signs a session in the very request, from memory, its custom
-- access token hook cleans the token.
--
-- Source: internal/api/signup.go and internal/models/user.go of github.com/supabase/auth.

create table usher.sign_up_invites (
  user_id uuid primary key,
  invite_id uuid not null,
  issue integer not null,
  organisation_id uuid not null references public.organisations
    on delete cascade
);
comment on table usher.sign_up_invites
  is 'Which invite an account that is not confirmed yet came with. The token itself is not kept.';
comment on column usher.sign_up_invites.invite_id
  is 'No foreign key: it would lock the invite before the person and the members, whom joining locks first.';
create index sign_up_invites_organisation_id on usher.sign_up_invites (
  organisation_id
);
alter table usher.sign_up_invites enable row level security;
create policy sign_up_invites_nobody
  on usher.sign_up_invites
  for select
  to public
  using (false);

create function usher.before_user_created(event jsonb) returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select case
    when usher.may_sign_up($1 -> 'user' ->> 'email', $1 -> 'user' -> 'user_metadata') then '{}'::jsonb
    else (
      select jsonb_build_object('error', jsonb_build_object('http_code', e.status, 'message', e.message))
      from usher.errors() e where e.code = 'signup_not_invited')
  end
$$;
comment on function usher.before_user_created
  is $$Supabase Auth's before-user-created hook: refuses in words whom the trigger on auth.users would refuse.

  event  as Supabase Auth sends it: {"metadata": …, "user": {"email", "user_metadata", …}}

Returns {} or {"error": {"http_code", "message"}}. In config.toml, [auth.hook.before_user_created] with
uri = "pg-functions://postgres/usher/before_user_created".
Source: https://supabase.com/docs/guides/auth/auth-hooks/before-user-created-hook$$;

create type public.organisation_sign_up_policy as (
  sign_up text,
  auth_confirms_addresses boolean
);
comment on type public.organisation_sign_up_policy
  is 'What pages have to know before anybody has an account, as organisation_sign_up_policy returns it.';

create function usher.sign_up_policy() returns public.organisation_sign_up_policy
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_policy public.organisation_sign_up_policy;
begin
  select s.sign_up, s.auth_confirms_addresses into strict v_policy from usher.settings s;
  return v_policy;
end
$$;
comment on function usher.sign_up_policy
  is 'The rule behind public.organisation_sign_up_policy: these two of the settings, and no other, are for everyone.';

create function public.organisation_sign_up_policy() returns public.organisation_sign_up_policy
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.sign_up_policy();
end
$$;
comment on function public.organisation_sign_up_policy
  is $$Who may create an account here, and whether its Auth confirms addresses: for pages, so that none offers
what would be refused.

sign_up is open, or invite_only: then an account is only for people with a pending invitation, or with an email
address of a domain that lets its people join, and for devices with a code. auth_confirms_addresses says whether
accept_my_organisation_invite accepts without the link. Both are settings of the whole project, which its operator
changes by usher.update_settings. Anyone may.$$;
grant execute on function public.organisation_sign_up_policy to anon, authenticated, service_role;
grant execute on function usher.sign_up_policy to anon, authenticated, service_role;

-- Only where the platform has this role; a bare Postgres has not.
do $$
begin
  if exists (select from pg_catalog.pg_roles r where r.rolname = 'supabase_auth_admin') then
    grant usage on schema usher to supabase_auth_admin;
    grant execute on function usher.before_user_created to supabase_auth_admin;
  end if;
end
$$;

create function usher.tg_users__closed_door() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_reading usher.token_reading;
begin
  if not usher.may_sign_up(new.email, new.raw_user_meta_data::jsonb) then
    perform usher.fail('signup_not_invited');
  end if;

  if new.raw_user_meta_data::jsonb ? 'invite_token' then
    v_reading := usher.read_invite_token(new.raw_user_meta_data::jsonb ->> 'invite_token');
    if v_reading.problem is null then
      -- No more than that it stays: whether joining needs it alone is found out when they join.
      perform usher.lock_organisation((v_reading.invite).organisation_id, 'exists');
      insert into usher.sign_up_invites (user_id, invite_id, issue, organisation_id)
      select new.id, i.id, i.issue, i.organisation_id
      from usher.invites i where i.id = (v_reading.invite).id and i.issue = (v_reading.invite).issue
      on conflict on constraint sign_up_invites_pkey do nothing;
    end if;
  end if;
  return new;
end
$$;
comment on function usher.tg_users__closed_door
  is 'Refuses with signup_not_invited; notes the invite of a token in the sign-up data.';

create trigger usher_closed_door
  before insert
  on auth.users
  for each row
  execute function usher.tg_users__closed_door();

create function usher.sign_up_secrets() returns text[]
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select array['invite_token', 'device_code'] $$;
comment on function usher.sign_up_secrets
  is 'What sign-up data may hold that opens something: it is used when an account is made, and kept nowhere.';

create function usher.without_secrets(user_metadata jsonb) returns jsonb
  language plpgsql
  immutable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Anything but an object has no keys to take away.
  if jsonb_typeof(without_secrets.user_metadata) = 'object' then
    return without_secrets.user_metadata - usher.sign_up_secrets();
  end if;
  return without_secrets.user_metadata;
end
$$;
comment on function usher.without_secrets
  is $$The data of an account (user_metadata) without the tokens and codes that it signed up with. A custom access token
hook of a project's own calls it for the claim of that name: see docs/install.md.$$;

-- Its name sorts behind usher_closed_door, which reads the token first: triggers fire by name.
create function usher.tg_users__no_secrets() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  new.raw_user_meta_data := usher.without_secrets(new.raw_user_meta_data::jsonb);
  return new;
end
$$;
comment on function usher.tg_users__no_secrets
  is 'Takes tokens and codes out of the sign-up data, at each write, because Auth writes them back from its memory.';

create trigger usher_no_secrets
  before insert or update
  on auth.users
  for each row
  execute function usher.tg_users__no_secrets();

create function usher.tg_identities__no_secrets() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  new.identity_data := usher.without_secrets(new.identity_data::jsonb);
  return new;
end
$$;
comment on function usher.tg_identities__no_secrets
  is 'Takes tokens and codes out of the copy of the sign-up data that Auth keeps with the identity.';

-- Auth's own table, which a stand-in for Auth may lack.
do $$
begin
  if to_regclass('auth.identities') is not null then
    create trigger usher_no_secrets
    before insert or update on auth.identities
    for each row execute function usher.tg_identities__no_secrets();
  end if;
end
$$;

create function usher.custom_access_token_hook(event jsonb) returns jsonb
  language plpgsql
  immutable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if jsonb_typeof(custom_access_token_hook.event #> '{claims,user_metadata}') = 'object' then
    return jsonb_set(custom_access_token_hook.event, '{claims,user_metadata}',
      usher.without_secrets(custom_access_token_hook.event #> '{claims,user_metadata}'));
  end if;
  return custom_access_token_hook.event;
end
$$;
comment on function usher.custom_access_token_hook
  is $$Supabase Auth's custom access token hook: takes tokens and codes out of the claim user_metadata. Where Auth asks
for no confirmation it signs a session in the request that makes the account, from what it holds in memory.

  event  as Supabase Auth sends it: {"user_id", "claims": {"user_metadata", …}, "authentication_method"}

Returns the event; Auth reads its claims. In config.toml, [auth.hook.custom_access_token] with
uri = "pg-functions://postgres/usher/custom_access_token_hook".
Source: https://supabase.com/docs/guides/auth/auth-hooks/custom-access-token-hook$$;

-- Only where the platform has this role; a bare Postgres has not.
do $$
begin
  if exists (select from pg_catalog.pg_roles r where r.rolname = 'supabase_auth_admin') then
    grant execute on function usher.custom_access_token_hook, usher.without_secrets to supabase_auth_admin;
  end if;
end
$$;

create function usher.tg_users__join_when_confirmed() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_claims text := current_setting('request.jwt.claims', true);
  v_sub    text := current_setting('request.jwt.claim.sub', true);
  v_invite usher.invites;
begin
  delete from usher.sign_up_invites s
  using usher.invites i
  where s.user_id = new.id and i.id = s.invite_id and i.issue = s.issue
  returning i.* into v_invite;
  if not found then
    return null;
  end if;

  begin
    -- They act themselves, though Auth does it for them: their name stands in the trail.
    perform set_config('request.jwt.claims', json_build_object('sub', new.id)::text, true),
      set_config('request.jwt.claim.sub', new.id::text, true);
    perform usher.accept_open_invite(v_invite);
  exception
    when others then
      -- Whatever is wrong with the invite, the account is made; its page says what is wrong.
      null;
  end;
  perform set_config('request.jwt.claims', coalesce(v_claims, ''), true),
    set_config('request.jwt.claim.sub', coalesce(v_sub, ''), true);
  return null;
end
$$;
comment on function usher.tg_users__join_when_confirmed
  is 'Accepts the invite that an account came with, now that its address is confirmed; never fails.';

create trigger usher_join_when_confirmed_at_once
  after insert
  on auth.users
  for each row
  when (new.email_confirmed_at is not null)
  execute function usher.tg_users__join_when_confirmed();

create trigger usher_join_when_confirmed
  after update of email_confirmed_at
  on auth.users
  for each row
  when (old.email_confirmed_at is null and new.email_confirmed_at is not null)
  execute function usher.tg_users__join_when_confirmed();

-- sql/40_administration/01_organisation_changes.sql

-- Changing organisations: creating one, its settings, deleting it.

create function usher.free_slug(name text) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Accents go first, so that Söhne gives sohne; then everything that is not a letter or digit.
  v_base text := regexp_replace(normalize(lower(free_slug.name collate "und-x-icu"), nfkd), '[\u0300-\u036f]', '', 'g');
  v_slug text;
begin
  v_base := trim('-' from left(regexp_replace(v_base, '[^a-z0-9]+', '-', 'g'), 50));
  v_slug := v_base;
  -- Names in other scripts leave nothing over; names that are taken, or not to be had, get a random tail.
  while not usher.is_slug(v_slug)
    or usher.is_reserved_slug(v_slug)
    or exists (select from public.organisations o where o.slug = v_slug)
  loop
    v_slug := concat_ws('-', nullif(v_base, ''), encode(extensions.gen_random_bytes(3), 'hex'));
  end loop;
  return v_slug;
end
$$;
comment on function usher.free_slug
  is 'A slug made of a name of at most 100 characters that no organisation has at this moment, and none is kept from.';

create function usher.create_organisation(
  name text,
  slug text default null
) returns public.organisations
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_name         text := usher.clean_name(create_organisation.name);
  v_organisation public.organisations;
begin
  perform usher.require_confirmed_person();
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if create_organisation.slug is not null
    and (not usher.is_slug(create_organisation.slug) or usher.is_reserved_slug(create_organisation.slug))
  then
    perform usher.fail('invalid_slug');
  end if;

  loop
    insert into public.organisations (name, slug)
    values (v_name, coalesce(create_organisation.slug, usher.free_slug(v_name)))
    on conflict on constraint organisations_slug_key do nothing
    returning * into v_organisation;
    exit when found;
    if create_organisation.slug is not null then
      perform usher.fail('slug_taken');
    end if;
    -- Somebody took the free slug at this very moment: look for the next.
  end loop;

  perform usher.add_member(v_organisation.id, auth.uid(), array['owner']);
  perform usher.record_event(v_organisation.id, 'organisation.created', 'organisation',
    v_organisation.id, after => jsonb_build_object('name', v_organisation.name, 'slug', v_organisation.slug));
  return v_organisation;
end
$$;
comment on function usher.create_organisation
  is 'The rule behind public.create_organisation.';

create function public.create_organisation(
  name text,
  slug text default null
) returns public.organisations
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_organisation($1, $2) $$;
comment on function public.create_organisation
  is $$Creates an organisation; the caller becomes its owner.

  name  one line, 1 to 100 characters, without addresses and links
  slug  2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www; without it, one is
        made of the name

Returns the organisation. Anyone signed in with a confirmed address may. Fails with unauthenticated,
permission_denied (an anonymous account), email_unverified, invalid_settings, invalid_slug, slug_taken.$$;
grant execute on function public.create_organisation to authenticated;
grant execute on function usher.create_organisation to authenticated;

create function usher.update_organisation(
  organisation_id uuid,
  changes jsonb
) returns public.organisations
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_keys    constant text[] := array['name', 'slug', 'logo_url', 'accent_colour', 'reply_to', 'locale',
    'invite_ttl', 'seat_limit', 'allowed_email_domains', 'self_service_resend', 'expiry_mail', 'reminder_before',
    'audit_retention', 'sender_name', 'track_opens', 'credential_grace'];
  v_changes jsonb := update_organisation.changes;
  v_member  public.organisation_members;
  v_before  public.organisations;
  v_after   public.organisations;
  v_unknown text;
begin
  v_member := usher.require_permission(update_organisation.organisation_id, 'organisation.update', 'settings');
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k where k <> all (v_keys) limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;

  select o.* into strict v_before
  from public.organisations o where o.id = update_organisation.organisation_id;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;

  -- null puts a setting back, where it can be without a value.
  -- What stays as it is is not judged: it may be older than the rule.
  v_after.name := case when v_after.name = v_before.name then v_after.name else usher.clean_name(v_after.name) end;
  v_after.sender_name := case when v_after.sender_name = v_before.sender_name then v_after.sender_name
    when v_after.sender_name is not null then coalesce(usher.clean_name(v_after.sender_name), '') end;
  v_after.reply_to := case when v_after.reply_to is not null
    then coalesce(usher.normalise_email(v_after.reply_to), '') end;
  if length(v_after.accent_colour) > 7 or cardinality(v_after.allowed_email_domains) > 1000 then
    perform usher.fail('invalid_settings',
      hint => 'accent_colour is #rrggbb, and allowed_email_domains a list of at most 1,000.');
  end if;
  v_after.accent_colour := lower(v_after.accent_colour);
  v_after.allowed_email_domains := array(
    select distinct coalesce(usher.clean_domain(btrim(d, ' @')), '')
    from unnest(v_after.allowed_email_domains) d order by 1);

  if v_after.name is null then
    perform usher.fail('invalid_settings',
      hint => 'The name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  elsif v_after.sender_name = '' then
    perform usher.fail('invalid_settings',
      hint => 'sender_name is one line of 1 to 100 characters that can be seen, without addresses and links, or null.');
  elsif v_after.slug is null or not usher.is_slug(v_after.slug)
    or v_after.slug <> v_before.slug and usher.is_reserved_slug(v_after.slug)
  then
    perform usher.fail('invalid_slug');
  elsif v_after.reply_to = '' then
    perform usher.fail('invalid_email');
  elsif v_after.reply_to is distinct from v_before.reply_to
    and not usher.may_take_answers(v_after.id, v_after.reply_to)
  then
    perform usher.fail('invalid_email',
      hint => 'reply_to is the confirmed address of a member, or one of a domain that the organisation has verified.');
  elsif usher.is_span(v_after.invite_ttl, '1 hour', '30 days') is not true then
    perform usher.fail('invalid_expiry');
  elsif v_after.logo_url is not null and usher.url_origin(v_after.logo_url) is null
    or v_after.accent_colour !~ '^#[0-9a-f]{6}$'
    or v_after.locale is null or not usher.is_locale(v_after.locale)
    or v_after.seat_limit not between 1 and 1000000
    or v_after.self_service_resend is null or v_after.expiry_mail is null or v_after.track_opens is null
    or not usher.is_span(v_after.reminder_before, '1 hour', '14 days')
    or not usher.is_span(v_after.audit_retention, '30 days', '100 years')
    or usher.is_span(v_after.credential_grace, '0', '30 days') is not true
    or '' = any (v_after.allowed_email_domains)
  then
    perform usher.fail('invalid_settings', hint => 'logo_url is an https address, accent_colour #rrggbb, '
      'locale such as de-AT, seat_limit 1 to 1,000,000, allowed_email_domains a list of at most 1,000 domains, '
      'reminder_before 1 hour to 14 days, audit_retention 30 days to 100 years, credential_grace 0 to 30 days.');
  end if;

  -- Whoever shortens it makes what they did go. Set to what it is, it is no change: pages send all that they show.
  -- As it is written, and not as it compares: a month is no 30 days when it is taken from a date.
  if v_after.audit_retention::text is distinct from v_before.audit_retention::text
    and not 'owner' = any (v_member.roles)
  then
    perform usher.fail('permission_denied', details => 'audit_retention',
      hint => 'Only the owner changes how long the trail is kept.');
  end if;

  begin
    update public.organisations o
    set name = v_after.name, slug = v_after.slug, logo_url = v_after.logo_url,
      accent_colour = v_after.accent_colour, reply_to = v_after.reply_to, locale = v_after.locale,
      invite_ttl = v_after.invite_ttl, seat_limit = v_after.seat_limit,
      allowed_email_domains = v_after.allowed_email_domains,
      self_service_resend = v_after.self_service_resend, expiry_mail = v_after.expiry_mail,
      reminder_before = v_after.reminder_before, audit_retention = v_after.audit_retention,
      sender_name = v_after.sender_name, track_opens = v_after.track_opens,
      credential_grace = v_after.credential_grace
    where o.id = v_after.id;
  exception
    when unique_violation then
      perform usher.fail('slug_taken');
  end;

  -- What has changed; that there is another address for answers is said, the address is not.
  perform usher.record_event(v_after.id, 'organisation.updated', 'organisation', v_after.id,
    before => (
      select jsonb_object_agg(b.key, case b.key when 'reply_to' then to_jsonb(b.value <> 'null') else b.value end)
      from jsonb_each(to_jsonb(v_before)) b where to_jsonb(v_after) -> b.key <> b.value),
    after  => (
      select jsonb_object_agg(a.key, case a.key when 'reply_to' then to_jsonb(a.value <> 'null') else a.value end)
      from jsonb_each(to_jsonb(v_after)) a where to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
end
$$;
comment on function usher.update_organisation
  is 'The rule behind public.update_organisation.';

create function public.update_organisation(
  organisation_id uuid,
  changes jsonb
) returns public.organisations
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_organisation($1, $2) $$;
comment on function public.update_organisation
  is $$Changes settings of an organisation; what is left out stays, and null takes an optional one back.

  changes  an object with any of
    name                   one line, 1 to 100 characters, without addresses and links
    slug                   2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin, api or www
    logo_url               an https address, or null
    accent_colour          #rrggbb, or null
    sender_name            who its mails come from by name, before "via" and the project's: as name, or null: its name
    reply_to               where answers to its mails go: the confirmed address of a member, or one of a domain that
                           it has verified, for as long as that is so; or null
    locale                 language of its mails, such as de-AT
    invite_ttl             lifetime of invites: 1 hour to 30 days
    seat_limit             how many active members there may be, 1 to 1,000,000, or null
    allowed_email_domains  only addresses of these, 1,000 at most, may be invited and may accept; empty: any
    self_service_resend    whether the holder of an expired link gets a new one without an admin
    expiry_mail            whether who sent an invite hears when it has expired
    track_opens            whether it is recorded that a mail was opened, where the mail provider tells
    reminder_before        how long before its end an invite is brought to mind: 1 hour to 14 days, or null
    audit_retention        how long the trail is kept: 30 days to 100 years, or null: for ever; the owner alone
    credential_grace       how long tokens of directories, and joining by domain, go on when whoever answers for them
                           has lost the right to: 0 to 30 days

Returns the organisation. Needs organisation.update. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_slug, invalid_email, invalid_expiry, slug_taken.$$;
grant execute on function public.update_organisation to authenticated;
grant execute on function usher.update_organisation to authenticated;

create function usher.delete_organisation(organisation_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(delete_organisation.organisation_id, 'organisation.delete', 'delete');
begin
  perform usher.record_event(v_member.organisation_id, 'organisation.deleted', 'organisation',
    v_member.organisation_id);
  -- What goes with it is locked in the order of all changes, and not in that of the tables' foreign keys.
  perform from public.organisation_members m
  where m.organisation_id = v_member.organisation_id order by m.id for update;
  perform from usher.invites i
  where i.organisation_id = v_member.organisation_id order by i.id for update;
  delete from public.organisations o where o.id = v_member.organisation_id;
end
$$;
comment on function usher.delete_organisation
  is 'The rule behind public.delete_organisation.';

create function public.delete_organisation(organisation_id uuid) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_organisation($1) $$;
comment on function public.delete_organisation
  is $$Deletes an organisation with its members, roles, invites and mails, for good. Its audit trail stays, for
operators. The owner may. Fails with unauthenticated, organisation_not_found, permission_denied.$$;
grant execute on function public.delete_organisation to authenticated;
grant execute on function usher.delete_organisation to authenticated;

-- sql/40_administration/02_own_roles.sql

-- Own roles: an organisation's roles beside the built-in four.
--
-- A role may inherit others: then it permits what they permit. What it permits in all is kept in
-- organisation_roles.permissions, so that asking costs no more than for a built-in role.
-- Nobody makes or changes a role that holds more than they do. Reading needs role.read.
--
-- Source: ANSI/INCITS 359-2004, hierarchical RBAC (docs/rbac.md).

create policy organisation_role_exclusions_select
  on public.organisation_role_exclusions
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('role.read')));

create function usher.require_manageable(
  organisation_id uuid,
  permissions text[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor   public.organisation_members :=
    usher.require_permission(require_manageable.organisation_id, 'role.manage', 'settings');
  v_unknown text;
  v_lacking text;
begin
  select p into v_unknown
  from unnest(require_manageable.permissions) p
  where p not in (select k.name from usher.permissions k)
  limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('There is no permission %L.', v_unknown));
  end if;

  select p into v_lacking
  from unnest(require_manageable.permissions) p
  where p not in (select usher.permissions_of(v_actor.organisation_id, v_actor.roles))
  limit 1;
  if found then
    perform usher.fail('permission_denied',
      hint => 'Nobody manages a role that holds more than they do.', details => v_lacking);
  end if;
end
$$;
comment on function usher.require_manageable
  is $$Refuses unless the caller has role.manage and holds all of these permissions. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings (an unknown permission).$$;

create function usher.require_owner_of_role(
  organisation_id uuid,
  roles text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if usher.is_for_owners(require_owner_of_role.organisation_id, require_owner_of_role.roles)
    and not 'owner' = any ((usher.caller_membership(require_owner_of_role.organisation_id)).roles)
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'A role that contains what the owner alone may give, such as admin, is made and changed by the owner.');
  end if;
end
$$;
comment on function usher.require_owner_of_role
  is 'Refuses with permission_denied unless others than the owner may give these roles, or the caller is the owner.';

create function usher.require_lasting_right(
  organisation_id uuid,
  permissions text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor public.organisation_members := usher.caller_membership(require_lasting_right.organisation_id);
begin
  if v_actor.next_end_at is not null and exists (
    select from unnest(require_lasting_right.permissions || '{role.manage}'::text[]) p
    where usher.giving_ends_at(v_actor, p, '{}') <> 'infinity')
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'Your own right to this has an end. What a role permits has none: '
        'let somebody add it whose right lasts.');
  end if;
end
$$;
comment on function usher.require_lasting_right
  is 'Refuses with permission_denied unless the caller holds these permissions, and role.manage, without an end.';

create function usher.own_role_for_change(
  organisation_id uuid,
  role text
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_permission(own_role_for_change.organisation_id, 'role.manage', 'settings');
  select r.* into v_role
  from public.organisation_roles r
  where r.organisation_id = own_role_for_change.organisation_id and r.name = own_role_for_change.role;
  if not found then
    perform usher.fail('invalid_role', hint => 'Only an own role of the organisation can be changed.');
  end if;
  perform usher.require_owner_of_role(v_role.organisation_id, array[v_role.name]);
  perform usher.require_manageable(v_role.organisation_id, v_role.permissions);
  return v_role;
end
$$;
comment on function usher.own_role_for_change
  is 'An own role that the caller may manage as it is, and nobody else changes meanwhile; otherwise a refusal.';

create function usher.save_own_role(
  role public.organisation_roles,
  event text,
  before jsonb
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role      public.organisation_roles := save_own_role.role;
  v_inherited text[];
  v_added     text[];
begin
  if exists (
    select from unnest(v_role.inherits) i (name)
    where i.name = 'owner' or not exists (
      select from public.organisation_roles r
      where r.name = i.name and (r.organisation_id is null or r.organisation_id = v_role.organisation_id)))
  then
    perform usher.fail('invalid_role', hint => 'A role inherits roles of the organisation, never owner.');
  end if;
  if v_role.name in (select usher.roles_with_inherited(v_role.organisation_id, v_role.inherits)) then
    perform usher.fail('invalid_role', hint => 'A role cannot inherit itself, not even by way of others.');
  end if;

  v_inherited := array(select usher.permissions_of(v_role.organisation_id, v_role.inherits));
  v_role.permissions := usher.clean_roles(v_role.granted_permissions || v_inherited);
  perform usher.require_manageable(v_role.organisation_id, v_role.permissions);
  -- Whoever holds it holds what is added from now on, for as long as they hold the role.
  v_added := array(
    select unnest(v_role.permissions)
    except select unnest(r.permissions) from public.organisation_roles r where r.id = v_role.id);
  if cardinality(v_added) > 0 and exists (select from public.organisation_roles r where r.id = v_role.id) then
    perform usher.require_lasting_right(v_role.organisation_id, v_added);
  end if;

  insert into public.organisation_roles select v_role.*
  on conflict (id) do update
  set description = excluded.description, inherits = excluded.inherits,
    granted_permissions = excluded.granted_permissions, permissions = excluded.permissions;
  perform usher.require_owner_of_role(v_role.organisation_id, array[v_role.name]);

  -- Roles that inherit this one permit what it permits now; each pass reaches one step further.
  loop
    update public.organisation_roles r
    set permissions = p.permissions
    from (
      select c.id, usher.clean_roles(c.granted_permissions
        || array(select usher.permissions_of(c.organisation_id, c.inherits))) as permissions
      from public.organisation_roles c
      where c.organisation_id = v_role.organisation_id and cardinality(c.inherits) > 0
    ) p
    where r.id = p.id and r.permissions <> p.permissions;
    exit when not found;
  end loop;
  if exists (
    select from public.organisation_members m
    where m.organisation_id = v_role.organisation_id and m.status = 'active'
      and usher.excluded_together(m.organisation_id, m.roles) is not null)
  then
    perform usher.fail('role_not_assignable',
      hint => 'A member would hold roles that may not be held together.');
  end if;
  -- Together with others that somebody holds it may come to be what the owner alone gives.
  if cardinality(v_added) > 0
    and not 'owner' = any ((usher.caller_membership(v_role.organisation_id)).roles)
    and exists (
      select from public.organisation_members m
      where m.organisation_id = v_role.organisation_id and m.status = 'active'
        and v_role.name in (select usher.roles_with_inherited(m.organisation_id, m.roles))
        and not usher.is_for_owners(m.organisation_id, array_remove(m.roles, v_role.name))
        and usher.is_for_owners(m.organisation_id, m.roles))
  then
    perform usher.fail('permission_denied', details => 'role.manage',
      hint => 'With their other roles somebody would hold what the owner alone may give.');
  end if;

  perform usher.record_event(v_role.organisation_id, save_own_role.event, 'role', v_role.id,
    before => save_own_role.before, after => usher.role_facts(v_role));
  return v_role;
end
$$;
comment on function usher.save_own_role
  is $$Writes a role down, with what it permits by inheritance, and brings those that inherit it up to date. Fails
with invalid_role (an unknown role, a circle), permission_denied, role_not_assignable.$$;

create function usher.role_facts(role public.organisation_roles) returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select jsonb_build_object(
    'name', ($1).name, 'permissions', ($1).granted_permissions, 'inherits', ($1).inherits)
$$;
comment on function usher.role_facts is 'What the trail keeps of a role.';

-- sql/40_administration/03_role_exclusion_changes.sql

-- Changing role exclusions: which roles may not be held together, and that nobody holds them now.

create function usher.create_role_exclusion(
  organisation_id uuid,
  name text,
  roles text[],
  cardinality integer
) returns public.organisation_role_exclusions
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_roles     text[] := usher.clean_roles(create_role_exclusion.roles);
  v_exclusion public.organisation_role_exclusions;
begin
  -- Nobody joins or is given roles between this check and the end: that takes the same lock, shared.
  perform usher.require_permission(create_role_exclusion.organisation_id, 'role.manage', 'settings');
  if usher.clean_name(create_role_exclusion.name) is null
    or coalesce(cardinality(v_roles), 0) < 2
    or create_role_exclusion.cardinality not between 2 and cardinality(v_roles)
    or exists (
      select from unnest(v_roles) g (name)
      where g.name = 'owner' or not exists (
        select from public.organisation_roles r
        where r.name = g.name
          and (r.organisation_id is null or r.organisation_id = create_role_exclusion.organisation_id)))
  then
    perform usher.fail('invalid_role',
      hint => 'Give a name, two or more roles of the organisation other than owner, and how many are too many.');
  end if;

  if not exists (
    select from public.organisation_role_exclusions e
    where e.organisation_id = create_role_exclusion.organisation_id
      and e.name = usher.clean_line(create_role_exclusion.name, 100))
  then
    perform usher.require_room('role exclusions', create_role_exclusion.organisation_id);
  end if;
  insert into public.organisation_role_exclusions (organisation_id, name, roles, cardinality)
  values (create_role_exclusion.organisation_id, usher.clean_name(create_role_exclusion.name), v_roles,
    create_role_exclusion.cardinality)
  on conflict on constraint organisation_role_exclusions_pkey do update
  set roles = excluded.roles, cardinality = excluded.cardinality
  returning * into v_exclusion;

  if exists (
    select from public.organisation_members m
    where m.organisation_id = v_exclusion.organisation_id and m.status = 'active'
      and usher.excluded_together(m.organisation_id, m.roles) is not null)
  then
    perform usher.fail('role_in_use', hint => 'A member holds these roles together: change that first.',
      details => 'members');
  end if;

  perform usher.record_event(v_exclusion.organisation_id, 'role_exclusion.created', 'organisation',
    v_exclusion.organisation_id, after => to_jsonb(v_exclusion) - 'organisation_id');
  return v_exclusion;
end
$$;
comment on function usher.create_role_exclusion
  is 'The rule behind public.create_organisation_role_exclusion.';

create function public.create_organisation_role_exclusion(
  organisation_id uuid,
  name text,
  roles text[],
  cardinality integer default 2
) returns public.organisation_role_exclusions
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_role_exclusion($1, $2, $3, $4) $$;
comment on function public.create_organisation_role_exclusion
  is $$Separates duties: nobody may hold so many of these roles, by themselves or by inheritance. One of the same
name is replaced.

  name         one line, at most 100 characters, without addresses and links
  roles        two or more roles of the organisation, never owner
  cardinality  how many are too many; 2: no two together

Returns the exclusion. It holds for invites, for accepting and for changes of roles. Needs role.manage.
At most 100. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_in_use (a member holds them together already).
Source: ANSI/INCITS 359-2004, CreateSsdSet and SetSsdSetCardinality.$$;
grant execute on function public.create_organisation_role_exclusion to authenticated;
grant execute on function usher.create_role_exclusion to authenticated;

create function usher.delete_role_exclusion(
  organisation_id uuid,
  name text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_exclusion public.organisation_role_exclusions;
begin
  perform usher.require_permission(delete_role_exclusion.organisation_id, 'role.manage', 'settings');
  delete from public.organisation_role_exclusions e
  where e.organisation_id = delete_role_exclusion.organisation_id and e.name = delete_role_exclusion.name
  returning * into v_exclusion;
  if not found then
    perform usher.fail('invalid_role', hint => 'There is no exclusion of this name.');
  end if;
  perform usher.record_event(v_exclusion.organisation_id, 'role_exclusion.deleted', 'organisation',
    v_exclusion.organisation_id, before => to_jsonb(v_exclusion) - 'organisation_id');
end
$$;
comment on function usher.delete_role_exclusion
  is 'The rule behind public.delete_organisation_role_exclusion.';

create function public.delete_organisation_role_exclusion(
  organisation_id uuid,
  name text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_role_exclusion($1, $2) $$;
comment on function public.delete_organisation_role_exclusion
  is $$Lifts a separation of duty. Needs role.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_role. Source: ANSI/INCITS 359-2004, DeleteSsdSet.$$;
grant execute on function public.delete_organisation_role_exclusion to authenticated;
grant execute on function usher.delete_role_exclusion to authenticated;

-- sql/40_administration/04_member_changes.sql

-- Changing members: their roles, removing, banning, leaving.
--
-- Nobody acts on someone who holds a permission that they lack, and nobody but transfer touches the owner.
-- Roles count from the member's very next query on.

create function usher.member_for_change(
  organisation_id uuid,
  user_id uuid,
  permission text
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(member_for_change.organisation_id, member_for_change.permission, 'share');
  v_member public.organisation_members;
begin
  -- Both, so that of two who shut each other out the second finds that it may not any more.
  perform usher.lock_members(v_actor.organisation_id, array[v_actor.user_id, member_for_change.user_id]);
  v_actor := usher.require_permission(member_for_change.organisation_id, member_for_change.permission);
  select m.* into v_member
  from public.organisation_members m
  where m.organisation_id = v_actor.organisation_id and m.user_id = member_for_change.user_id;
  if not found then
    perform usher.fail('member_not_found');
  end if;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required', hint => 'Transfer the organisation first.');
  end if;
  if exists (
    select from usher.permissions_of(v_member.organisation_id, v_member.roles) p (name)
    where p.name not in (select usher.permissions_of(v_actor.organisation_id, v_actor.roles)))
  then
    perform usher.fail('permission_denied', hint => 'This member may do more than you.',
      details => member_for_change.permission);
  end if;
  return v_member;
end
$$;
comment on function usher.member_for_change
  is $$The membership, locked until the end of the transaction, as is the caller's own. Fails with unauthenticated,
organisation_not_found, permission_denied (also for a member who holds more than the caller),
member_not_found, owner_required.$$;

create function usher.require_no_owners_set(
  actor public.organisation_members,
  before text[],
  after text[]
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if not 'owner' = any ((require_no_owners_set.actor).roles)
    and usher.is_for_owners((require_no_owners_set.actor).organisation_id, require_no_owners_set.after)
    and not usher.is_for_owners((require_no_owners_set.actor).organisation_id, require_no_owners_set.before)
  then
    perform usher.fail('role_not_assignable',
      hint => 'Together these roles contain what the owner alone may give, such as admin.');
  end if;
end
$$;
comment on function usher.require_no_owners_set
  is $$Refuses with role_not_assignable when somebody other than the owner gives roles that come to be what the owner
alone gives.$$;

create function usher.update_member_roles(
  organisation_id uuid,
  user_id uuid,
  roles text[]
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor   public.organisation_members;
  v_member  public.organisation_members := usher.member_for_change(
    update_member_roles.organisation_id, update_member_roles.user_id, 'member.update');
  v_before  text[] := v_member.roles;
  v_roles   text[] := usher.clean_roles(update_member_roles.roles);
  v_added   text[] := array(select unnest(v_roles) except select unnest(v_member.roles));
  v_problem text;
begin
  if v_member.status <> 'active' then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  end if;
  if v_roles is null then
    perform usher.fail('invalid_role');
  end if;
  -- The same roles are no change, and no news to anybody.
  if v_roles <@ v_member.roles and v_member.roles <@ v_roles then
    return v_member;
  end if;

  v_actor := usher.caller_membership(v_member.organisation_id);
  -- Who keeps a role is not given it anew: only what is added has to be the caller's to give.
  if cardinality(v_added) > 0 then
    v_problem := usher.roles_problem(v_member.organisation_id, v_added, v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem);
    end if;
    perform usher.require_roles(v_member.organisation_id, v_roles);
    perform usher.require_no_owners_set(v_actor, v_before, v_roles);
  end if;

  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || usher.role_ends_of_gift(v_actor, 'member.update', v_added)
  where m.id = v_member.id
  returning m.* into v_member;
  perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
    before => jsonb_build_object('roles', v_before), after => jsonb_build_object('roles', v_roles)
      || case when v_member.role_ends = '{}' then '{}' else jsonb_build_object('role_ends', v_member.role_ends) end);
  return v_member;
end
$$;
comment on function usher.update_member_roles
  is 'The rule behind public.update_organisation_member_roles.';

create function public.update_organisation_member_roles(
  organisation_id uuid,
  user_id uuid,
  roles text[]
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_member_roles($1, $2, $3) $$;
comment on function public.update_organisation_member_roles
  is $$Gives a member exactly these roles; they count at once, and the member gets a mail. Roles that the member has
already are no change: nothing is recorded, and no mail is sent.

  roles  names of roles, or none: a member without a role may do nothing; never owner

Returns the membership. Needs member.update, at least the permissions that the member holds, and the right
to give what is added, which ends when the caller's own right does. Fails with
unauthenticated, organisation_not_found, permission_denied,
member_not_found, owner_required, invalid_role, role_not_assignable.$$;
grant execute on function public.update_organisation_member_roles to authenticated;
grant execute on function usher.update_member_roles to authenticated;

create function usher.remove_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.member_for_change(
    remove_member.organisation_id, remove_member.user_id, 'member.remove');
begin
  if v_member.status <> 'active' then
    perform usher.fail('member_not_found', hint => 'This person is not an active member.');
  elsif v_member.user_id = auth.uid() then
    perform usher.fail('permission_denied', hint => 'Nobody removes themselves. To go, leave the organisation.');
  end if;
  return usher.end_membership(v_member.id, 'removed', 'member.removed', remove_member.reason);
end
$$;
comment on function usher.remove_member
  is 'The rule behind public.remove_organisation_member.';

create function public.remove_organisation_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.remove_member($1, $2, $3) $$;
comment on function public.remove_organisation_member
  is $$Ends a membership at once; the person gets a mail and may be invited again.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.remove and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
invalid_message.$$;
grant execute on function public.remove_organisation_member to authenticated;
grant execute on function usher.remove_member to authenticated;

create function usher.ban_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(ban_member.organisation_id, 'member.ban', 'share');
  v_member public.organisation_members;
begin
  perform usher.lock_person(v_actor.organisation_id, a.email)
    from usher.addresses_of(v_actor.organisation_id, ban_member.user_id) a (email);
  v_member := usher.member_for_change(ban_member.organisation_id, ban_member.user_id, 'member.ban');
  if v_member.user_id = v_actor.user_id then
    perform usher.fail('permission_denied', hint => 'Nobody bans themselves. To go, leave the organisation.');
  elsif v_member.status = 'banned' then
    perform usher.fail('member_banned');
  end if;
  v_member := usher.end_membership(v_member.id, 'banned', 'member.banned', ban_member.reason);

  -- No way back by an invite that was sent to them; of what they sent, usher.invite_problem says that it is dead.
  perform usher.revoke_invites_to(v_member.organisation_id, a.email, 'The address was banned')
    from usher.addresses_of(v_member.organisation_id, v_member.user_id) a (email);
  return v_member;
end
$$;
comment on function usher.ban_member
  is 'The rule behind public.ban_organisation_member.';

create function public.ban_organisation_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.ban_member($1, $2, $3) $$;
comment on function public.ban_organisation_member
  is $$Shuts a member, or a former one, out: no access, no invite, no accepting, until unbanned. It holds for the
address as well, also after the account was deleted and made again. Pending invites to them are revoked at once; those
that they sent let nobody in any more.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member holds. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, owner_required,
member_banned, invalid_message.$$;
grant execute on function public.ban_organisation_member to authenticated;
grant execute on function usher.ban_member to authenticated;

create function usher.unban_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.member_for_change(
    unban_member.organisation_id, unban_member.user_id, 'member.ban');
begin
  if v_member.status <> 'banned' then
    perform usher.fail('member_not_found', hint => 'This person is not banned.');
  end if;
  return usher.end_membership(v_member.id, 'removed', 'member.unbanned', unban_member.reason);
end
$$;
comment on function usher.unban_member
  is 'The rule behind public.unban_organisation_member.';

create function public.unban_organisation_member(
  organisation_id uuid,
  user_id uuid,
  reason text default null
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.unban_member($1, $2, $3) $$;
comment on function public.unban_organisation_member
  is $$Lifts a ban. The person is then a removed member, who may be invited again.

  reason  at most 500 characters, kept with the membership and in the trail

Returns the membership. Needs member.ban and at least the permissions that the member held. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found, invalid_message.$$;
grant execute on function public.unban_organisation_member to authenticated;
grant execute on function usher.unban_member to authenticated;

create function usher.leave_organisation(
  organisation_id uuid
) returns public.organisation_members
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(leave_organisation.organisation_id, null, 'share');
begin
  -- Roles may be changing at this moment: who has just become the owner stays.
  perform usher.lock_members(v_member.organisation_id, array[v_member.user_id]);
  select m.* into v_member from public.organisation_members m where m.id = v_member.id;
  if 'owner' = any (v_member.roles) then
    perform usher.fail('owner_required');
  end if;
  if v_member.status is distinct from 'active' then
    perform usher.fail('organisation_not_found');
  end if;
  return usher.end_membership(v_member.id, 'left', 'member.left', null);
end
$$;
comment on function usher.leave_organisation
  is 'The rule behind public.leave_organisation.';

create function public.leave_organisation(
  organisation_id uuid
) returns public.organisation_members
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.leave_organisation($1) $$;
comment on function public.leave_organisation
  is $$Ends the caller's own membership. Returns it. Any member may but the owner, who transfers or deletes the
organisation. Fails with unauthenticated, permission_denied (an anonymous account, such as a device's),
organisation_not_found, owner_required.$$;
grant execute on function public.leave_organisation to authenticated;
grant execute on function usher.leave_organisation to authenticated;

-- sql/40_administration/05_ownership.sql

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

-- sql/40_administration/06_temporary_access.sql

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

-- sql/40_administration/07_sign_in_changes.sql

-- Changing the sign-in rule of an organisation. What it asks for stands in 10_access/02_sign_in_rules.sql.

create function usher.update_sign_in_rule(
  organisation_id uuid,
  changes jsonb
) returns public.organisation_sign_in_rules
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_keys    constant text[] := array['provider', 'domain', 'level', 'methods', 'max_age', 'for_members'];
  v_changes jsonb := update_sign_in_rule.changes;
  v_member  public.organisation_members;
  v_before  public.organisation_sign_in_rules;
  v_after   public.organisation_sign_in_rules;
  v_unknown text;
begin
  v_member := usher.require_permission(update_sign_in_rule.organisation_id, 'organisation.update', 'settings');
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k where k <> all (v_keys) limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;

  select r.* into v_before
  from public.organisation_sign_in_rules r where r.organisation_id = v_member.organisation_id;
  v_before.organisation_id := v_member.organisation_id;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  if length(v_after.provider) > 200 or length(v_after.domain) > 300 or length(v_after.level) > 10
    or cardinality(v_after.methods) > 10
  then
    perform usher.fail('invalid_settings', hint => 'methods is a list of at most 10, such as ["totp"], provider and '
      'domain have at most 200 characters, and level is aal1 or aal2.');
  end if;
  v_after.provider := lower(btrim(v_after.provider));
  v_after.domain := coalesce(usher.clean_domain(btrim(v_after.domain, ' @')), lower(btrim(v_after.domain, ' @')));
  v_after.level := coalesce(v_after.level, 'aal1');
  v_after.methods := array(select distinct lower(btrim(m)) from unnest(v_after.methods) m order by 1);
  v_after.for_members := coalesce(v_after.for_members, false);
  v_after.updated_at := now();

  if exists (
    select from unnest(v_after.methods) m
    where m is null or length(m) > 40 or m !~ '^[a-z0-9][a-z0-9_/-]{0,39}$')
  then
    perform usher.fail('invalid_settings', hint => 'methods is a list of at most 10, such as ["totp"].');
  elsif v_after.domain is not null and usher.sso_provider_of(v_after.domain) is null then
    perform usher.fail('invalid_settings',
      hint => 'The project has no SAML provider for this domain: supabase sso add, or sso update --add-domains.');
  elsif v_after.for_members and usher.sign_in_problem(v_after, v_member.user_id, v_member.email) is not null then
    perform usher.fail('sso_required',
      hint => 'Come this way yourself before you ask it of all members.',
      details => usher.sign_in_problem(v_after, v_member.user_id, v_member.email));
  end if;

  begin
    delete from public.organisation_sign_in_rules r where r.organisation_id = v_member.organisation_id;
    -- A rule that asks nothing is none.
    if num_nonnulls(v_after.provider, v_after.domain, v_after.max_age) > 0
      or v_after.level <> 'aal1' or cardinality(v_after.methods) > 0
    then
      insert into public.organisation_sign_in_rules select v_after.*;
    else
      v_after.for_members := false;
    end if;
  exception
    when check_violation then
      perform usher.fail('invalid_settings', hint => 'provider is sso:<id>, custom:<name> or the name of a '
        'provider such as keycloak, and not beside domain; level aal1 or aal2; max_age 1 minute to 30 days.');
  end;

  perform usher.record_event(v_after.organisation_id, 'sign_in_rule.updated', 'organisation', v_after.organisation_id,
    before => (select jsonb_object_agg(k, to_jsonb(v_before) -> k) from unnest(v_keys) k),
    after  => (select jsonb_object_agg(k, to_jsonb(v_after) -> k) from unnest(v_keys) k));
  return v_after;
end
$$;
comment on function usher.update_sign_in_rule
  is 'The rule behind public.update_organisation_sign_in_rule.';

create function public.update_organisation_sign_in_rule(
  organisation_id uuid,
  changes jsonb
) returns public.organisation_sign_in_rules
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_sign_in_rule($1, $2) $$;
comment on function public.update_organisation_sign_in_rule
  is $$Says which way people have to come in to become members; what is left out stays, null takes it back.

  changes  an object with any of
    provider     as Supabase Auth names it: sso:<id> (SAML), keycloak, custom:<name> (OIDC)
    domain       in its place: the SAML provider that the project has for this mail domain
    level        aal1, or aal2: with a second factor of Supabase Auth's own
    methods      one of these has to be among the session's methods (amr), such as ["totp"]
    max_age      how long ago they signed in at most: 1 minute to 30 days
    for_members  whether members, too, need such a session for what they do; not the owner, and no device.
                 Only a caller whose own session is such a one may turn it on

Returns the rule; one that asks nothing is taken away. Needs organisation.update. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings, sso_required (for_members).$$;
grant execute on function public.update_organisation_sign_in_rule to authenticated;
grant execute on function usher.update_sign_in_rule to authenticated;

-- sql/40_administration/08_role_review.sql

-- Reviewing roles: who holds what, and what it permits. For admins, pages and auditors.
--
-- The review functions of ANSI/INCITS 359-2004: AssignedUsers, AssignedRoles, RolePermissions,
-- UserPermissions. These need member.read. Beside them, what one may give oneself.

create function usher.require_role(
  organisation_id uuid,
  role text
) returns public.organisation_roles
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_permission(require_role.organisation_id, 'member.read');
  select r.* into v_role
  from public.organisation_roles r
  where r.name = require_role.role
    and (r.organisation_id is null or r.organisation_id = require_role.organisation_id);
  if not found then
    perform usher.fail('invalid_role');
  end if;
  return v_role;
end
$$;
comment on function usher.require_role
  is 'A role that can be held in the organisation, for a caller with member.read; otherwise a refusal.';

create function usher.require_reviewed_member(
  organisation_id uuid,
  user_id uuid
) returns public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members;
begin
  perform usher.require_permission(require_reviewed_member.organisation_id, 'member.read');
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = require_reviewed_member.organisation_id
    and m.user_id = require_reviewed_member.user_id;
  if not found then
    perform usher.fail('member_not_found');
  end if;
  return v_member;
end
$$;
comment on function usher.require_reviewed_member
  is 'An active member of the organisation, for a caller with member.read; otherwise a refusal.';

create function usher.list_role_members(
  organisation_id uuid,
  role text
) returns setof public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Before the query, not in it: there it is asked only where there are members, and an organisation that is
  -- somebody else's could be told from one that is not there.
  v_role public.organisation_roles :=
    usher.require_role(list_role_members.organisation_id, list_role_members.role);
begin
  return query
    select m.*
    from usher.current_members m
    where m.organisation_id = list_role_members.organisation_id
      and v_role.name = any (m.roles);
end
$$;
comment on function usher.list_role_members
  is 'The rule behind public.list_organisation_role_members.';
grant execute on function usher.list_role_members to authenticated;

create function usher.list_member_roles(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$ select r from usher.require_reviewed_member($1, $2) m, unnest(m.roles) r order by r $$;
comment on function usher.list_member_roles
  is 'The rule behind public.list_organisation_member_roles.';
grant execute on function usher.list_member_roles to authenticated;

create function usher.list_role_permissions(
  organisation_id uuid,
  role text
) returns setof text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$ select p from usher.require_role($1, $2) r, unnest(r.permissions) p order by p $$;
comment on function usher.list_role_permissions
  is 'The rule behind public.list_organisation_role_permissions.';
grant execute on function usher.list_role_permissions to authenticated;

create function usher.list_member_permissions(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select p.name
  from usher.require_reviewed_member($1, $2) m
  cross join usher.permissions_of(m.organisation_id, m.roles) p (name)
  order by p.name
$$;
comment on function usher.list_member_permissions
  is 'The rule behind public.list_organisation_member_permissions.';
grant execute on function usher.list_member_permissions to authenticated;

create function usher.list_assignable_roles(organisation_id uuid) returns text[]
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := usher.require_permission(list_assignable_roles.organisation_id, null);
begin
  return array(
    select r.name
    from public.organisation_roles r
    where (r.organisation_id is null or r.organisation_id = list_assignable_roles.organisation_id)
      and usher.roles_problem(list_assignable_roles.organisation_id, array[r.name], v_member.roles) is null
    order by r.organisation_id is not null, r.name);
end
$$;
comment on function usher.list_assignable_roles
  is 'The rule behind public.list_assignable_organisation_roles.';
grant execute on function usher.list_assignable_roles to authenticated;

create function public.list_organisation_role_members(
  organisation_id uuid,
  role text
) returns jsonb
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select coalesce(jsonb_agg(to_jsonb(m) order by m.email, m.id), '[]') from usher.list_role_members($1, $2) m $$;
comment on function public.list_organisation_role_members
  is $$AssignedUsers: the active members who are given this role itself, by address. A member who has it by
inheritance only is not among them.

Returns one array of objects, each as a row of organisation_members. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role.$$;
grant execute on function public.list_organisation_role_members to authenticated;

create function public.list_organisation_member_roles(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_member_roles($1, $2) $$;
comment on function public.list_organisation_member_roles
  is $$AssignedRoles: the roles that an active member is given, sorted. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, member_not_found.$$;
grant execute on function public.list_organisation_member_roles to authenticated;

create function public.list_organisation_role_permissions(
  organisation_id uuid,
  role text
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_role_permissions($1, $2) $$;
comment on function public.list_organisation_role_permissions
  is $$RolePermissions: all that a role permits, its own and what it inherits, sorted. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role.$$;
grant execute on function public.list_organisation_role_permissions to authenticated;

create function public.list_organisation_member_permissions(
  organisation_id uuid,
  user_id uuid
) returns setof text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select * from usher.list_member_permissions($1, $2) $$;
comment on function public.list_organisation_member_permissions
  is $$UserPermissions: all that an active member may do, sorted. Needs member.read. Fails with unauthenticated,
organisation_not_found, permission_denied, member_not_found.$$;
grant execute on function public.list_organisation_member_permissions to authenticated;

create function public.list_assignable_organisation_roles(
  organisation_id uuid
) returns text[]
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.list_assignable_roles($1) $$;
comment on function public.list_assignable_organisation_roles
  is $$The roles that the caller may give, built-in ones first, by name: what a page offers to those who may invite or
change members. Two of them together may still be refused, where they may not be held together. Any member
may. Fails with unauthenticated, organisation_not_found.$$;
grant execute on function public.list_assignable_organisation_roles to authenticated;

-- sql/40_administration/09_lost_rights.sql

-- Lost rights: what somebody gave in their own name, once they may not give it any more.
--
-- An invite lets in by its inviter's word, and the word is asked when it is answered (usher.invite_problem). Here it is
-- tidied up: whoever loses a right is noted in the transaction that takes it, and a worker revokes what they had sent
-- and tells those who may send it again. Tokens of directories and joining by domain are the organisation's: somebody
-- answers for each, and when that one loses the right, it goes on for organisations.credential_grace and then stops,
-- unless another takes it over. A ban stops it at once.

create table usher.lost_rights (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  user_id uuid not null,
  noted_at timestamptz not null default clock_timestamp(),
  is_stopping boolean not null default false,
  primary key (organisation_id, user_id)
);
comment on table usher.lost_rights
  is 'Whoever has less than before, for the worker to see what hung on it: one row a person and organisation.';
comment on column usher.lost_rights.is_stopping
  is 'Whether something that they answer for stops now that did not before.';
alter table usher.lost_rights enable row level security;
create policy lost_rights_nobody
  on usher.lost_rights
  for select
  to public
  using (false);

create function usher.stop_credentials(
  organisation_id uuid,
  user_id uuid,
  carried_roles text[],
  is_banned boolean
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member   public.organisation_members;
  v_stops_at timestamptz;
  v_is_new   boolean;
begin
  v_is_new := exists (
    select from public.organisation_directory_tokens t
    where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
      and t.revoked_at is null and t.stops_at is null)
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = stop_credentials.organisation_id and d.responsible_id = stop_credentials.user_id
        and d.join_policy = 'join' and d.stops_at is null);
  select m.* into v_member
  from usher.current_members m
  where m.organisation_id = stop_credentials.organisation_id and m.user_id = stop_credentials.user_id;
  select now() + case when stop_credentials.is_banned then interval '0' else o.credential_grace end into v_stops_at
  from public.organisations o where o.id = stop_credentials.organisation_id;

  -- In one order, as taking over does.
  perform from public.organisation_directory_tokens t
  where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
  order by t.id
  for update;
  -- Whoever has the right again answers for it again.
  update public.organisation_directory_tokens t
  set stops_at = case when r.has_right then null else v_stops_at end,
    carried_roles = case when r.has_right then '{}' else coalesce(stop_credentials.carried_roles, '{}') end
  from (
    select usher.permits(v_member.organisation_id, v_member.roles, 'directory.manage') as has_right
  ) r
  where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
    and t.revoked_at is null
    and (r.has_right and t.stops_at > now() or not r.has_right and coalesce(t.stops_at > v_stops_at, true));

  update public.organisation_domains d
  set stops_at = case when r.has_right then null when r.is_carried then v_stops_at else now() end
  from (
    select o.domain,
      usher.giving_ends_at(v_member, 'organisation.update', array[o.role]) > statement_timestamp() as has_right,
      -- What they had to an end of their own goes on no longer.
      coalesce('organisation.update' in (
          select usher.permissions_of(o.organisation_id, stop_credentials.carried_roles))
        and usher.unassignable_role(o.organisation_id, array[o.role], stop_credentials.carried_roles) is null, true)
        or stop_credentials.carried_roles is null as is_carried
    from public.organisation_domains o
    where o.organisation_id = stop_credentials.organisation_id and o.responsible_id = stop_credentials.user_id
    order by o.domain
    for update
  ) r
  where d.organisation_id = stop_credentials.organisation_id and d.domain = r.domain
    and (r.has_right and d.stops_at > now() or not r.has_right and coalesce(d.stops_at > v_stops_at, true));
  return v_is_new and (
    exists (
      select from public.organisation_directory_tokens t
      where t.organisation_id = stop_credentials.organisation_id and t.responsible_id = stop_credentials.user_id
        and t.revoked_at is null and t.stops_at is not null)
    or exists (
      select from public.organisation_domains d
      where d.organisation_id = stop_credentials.organisation_id and d.responsible_id = stop_credentials.user_id
        and d.join_policy = 'join' and d.stops_at is not null));
end
$$;
comment on function usher.stop_credentials
  is $$Says when directory tokens and joining by domain stop whose responsible person may not have them (any more);
or that they go on, when the right is theirs again.

  carried_roles  what a token goes on with until then: the roles that they had, those with an end of their own left out;
                 null: not known
  is_banned      it stops at once

Returns whether something stops now that did not before.$$;

create function usher.note_lost_right(
  organisation_id uuid,
  user_id uuid,
  carried_roles text[],
  is_banned boolean
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into usher.lost_rights as l (organisation_id, user_id, is_stopping)
  values (note_lost_right.organisation_id, note_lost_right.user_id, usher.stop_credentials(
    note_lost_right.organisation_id, note_lost_right.user_id, note_lost_right.carried_roles, note_lost_right.is_banned))
  on conflict on constraint lost_rights_pkey do update set is_stopping = l.is_stopping or excluded.is_stopping;
end
$$;
comment on function usher.note_lost_right
  is 'Notes somebody who has less, or more, than before. Parameters as of usher.stop_credentials.';

create function usher.tg_organisation_members__note_lost_rights() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- When the organisation itself is deleted, all of this goes as well.
  if not exists (select from public.organisations o where o.id = old.organisation_id) then
    return null;
  end if;
  perform usher.note_lost_right(old.organisation_id, old.user_id,
    case
      when old.ends_at is null then array(select r from unnest(old.roles) r where not old.role_ends ? r)
      else '{}'
    end,
    tg_op = 'UPDATE' and new.status = 'banned');
  return null;
end
$$;
comment on function usher.tg_organisation_members__note_lost_rights
  is 'Notes a member who may do less, or more, than before, and sets when the credentials that they answer for stop.';

create trigger usher_note_lost_rights
  after update of roles, status
  on public.organisation_members
  for each row
  when (old.roles is distinct from new.roles or old.status <> new.status)
  execute function usher.tg_organisation_members__note_lost_rights();

create trigger usher_note_lost_rights_of_deleted
  after delete
  on public.organisation_members
  for each row
  execute function usher.tg_organisation_members__note_lost_rights();

create function usher.tg_organisation_roles__note_lost_rights() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members;
begin
  for v_member in
    select m.* from public.organisation_members m
    where m.organisation_id = new.organisation_id and m.status = 'active' and new.name = any (m.roles)
      and (
        exists (
          select from usher.invites i
          where i.organisation_id = m.organisation_id and i.invited_by = m.user_id and i.status = 'pending')
        or exists (
          select from public.organisation_directory_tokens t
          where t.organisation_id = m.organisation_id and t.responsible_id = m.user_id)
        or exists (
          select from public.organisation_domains d
          where d.organisation_id = m.organisation_id and d.responsible_id = m.user_id))
    order by m.id
  loop
    perform usher.note_lost_right(v_member.organisation_id, v_member.user_id, v_member.roles, false);
  end loop;
  return null;
end
$$;
comment on function usher.tg_organisation_roles__note_lost_rights
  is 'As for members, for all who hold an own role that permits something else than before.';

create trigger usher_note_lost_rights
  after update of permissions, inherits
  on public.organisation_roles
  for each row
  when (
    new.organisation_id is not null
      and old.permissions is distinct from new.permissions
  )
  execute function usher.tg_organisation_roles__note_lost_rights();

create function usher.follow_lost_rights_of(
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
  v_lost     usher.lost_rights;
  v_invites  uuid[];
  v_stopping jsonb;
  v_stops_at timestamptz;
  v_count    integer := 0;
begin
  for v_lost in
    select l.*
    from usher.lost_rights l
    where l.organisation_id = follow_lost_rights_of.organisation_id and l.user_id = any (follow_lost_rights_of.ids)
    order by l.user_id
    for update skip locked
  loop
    v_count := v_count + 1;
    select array_agg(l.id) into v_invites
    from (
      select i.id
      from (
        select i.* from usher.invites i
        where i.organisation_id = v_lost.organisation_id and i.invited_by = v_lost.user_id
          and i.inviter_kind = 'user' and i.status = 'pending' and i.expires_at > clock_timestamp()
        order by i.id
        -- One that is being answered or sent again at this moment is judged by that.
        for update skip locked
      ) i
      where usher.invite_problem(i.*::usher.invites) = 'inviter_lost_right'
      limit 1000
    ) l;
    perform usher.end_invite(i, 'inviter_lost_right', 'worker', null) from unnest(v_invites) i;
    if v_invites is not null then
      perform usher.record_event(v_lost.organisation_id, 'invites.inviter_lost_right', 'user', v_lost.user_id,
        after => jsonb_build_object('count', cardinality(v_invites)), actor_kind => 'worker');
    end if;
    -- There may be more of them: the line stays for the next time.
    continue when cardinality(v_invites) = 1000;

    select jsonb_agg(c.name order by c.name), min(c.stops_at) into v_stopping, v_stops_at
    from (
      select t.name, t.stops_at from public.organisation_directory_tokens t
      where t.organisation_id = v_lost.organisation_id and t.responsible_id = v_lost.user_id
        and t.revoked_at is null and t.stops_at is not null
      union all
      select d.domain, d.stops_at from public.organisation_domains d
      where d.organisation_id = v_lost.organisation_id and d.responsible_id = v_lost.user_id
        and d.join_policy = 'join' and d.stops_at is not null
    ) c;
    if v_lost.is_stopping and v_stopping is not null then
      perform usher.record_event(v_lost.organisation_id, 'credentials.responsible_lost_right', 'user', v_lost.user_id,
        after => jsonb_build_object('credentials', v_stopping, 'stops_at', v_stops_at), actor_kind => 'worker');
    end if;
    delete from usher.lost_rights l
    where l.organisation_id = v_lost.organisation_id and l.user_id = v_lost.user_id;
  end loop;
  return v_count;
end
$$;
comment on function usher.follow_lost_rights_of
  is 'What usher.follow_lost_rights does for these members of one organisation.';

create function usher.follow_lost_rights(
  batch_size integer default 100
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('follow_lost_rights', array(
    select row(d.organisation_id, d.user_id)::usher.upkeep_item
    from (
      select l.organisation_id, l.user_id, l.noted_at,
        row_number() over (partition by l.organisation_id order by l.noted_at) as turn
      from usher.lost_rights l
      where l.organisation_id not in (select usher.resting_organisations('follow_lost_rights'))
    ) d
    order by d.turn, d.noted_at
    limit follow_lost_rights.batch_size));
end
$$;
comment on function usher.follow_lost_rights
  is $$Revokes, with the reason inviter_lost_right, pending invites of members who may no longer give them, and sends
one notice to those who may invite; tells those who keep the organisation which tokens of directories and which domains
need somebody to answer for them. For workers, every second.

Returns how many members it looked at; call again when it is as many as batch_size.$$;
grant execute on function usher.follow_lost_rights to usher_worker;

-- sql/40_administration/10_taking_over.sql

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

-- sql/40_administration/11_own_role_changes.sql

-- Changing own roles: creating one, what it permits and inherits, deleting it. Who may, and what is checked
-- before one is written down, stands in 02_own_roles.sql.

create function usher.create_role(
  organisation_id uuid,
  name text,
  description text,
  permissions text[],
  inherits text[]
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles;
begin
  perform usher.require_manageable(create_role.organisation_id, create_role.permissions);
  if create_role.name is null or length(create_role.name) > 63 or create_role.name !~ '^[a-z][a-z0-9_-]{0,62}$'
    or usher.clean_description(coalesce(create_role.description, ''), 500) is null
    or usher.clean_roles(coalesce(create_role.permissions, '{}')) is null
    or usher.clean_roles(coalesce(create_role.inherits, '{}')) is null
    or exists (
      select from public.organisation_roles r
      where r.name = create_role.name
        and (r.organisation_id is null or r.organisation_id = create_role.organisation_id))
  then
    perform usher.fail('invalid_role', hint =>
      'A name is free in the organisation, not built in, and 1 to 63 of a-z, 0-9, - and _, a letter first.');
  end if;

  perform usher.require_room('own roles', create_role.organisation_id);
  v_role.id := gen_random_uuid();
  v_role.organisation_id := create_role.organisation_id;
  v_role.name := create_role.name;
  v_role.description := usher.clean_description(coalesce(create_role.description, ''), 500);
  v_role.granted_permissions := usher.clean_roles(coalesce(create_role.permissions, '{}'));
  v_role.inherits := usher.clean_roles(coalesce(create_role.inherits, '{}'));
  v_role.created_at := now();
  return usher.save_own_role(v_role, 'role.created', null);
end
$$;
comment on function usher.create_role
  is 'The rule behind public.create_organisation_role.';

create function public.create_organisation_role(
  organisation_id uuid,
  name text,
  description text default '',
  permissions text[] default '{}',
  inherits text[] default '{}'
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_role($1, $2, $3, $4, $5) $$;
comment on function public.create_organisation_role
  is $$Makes an own role.

  name         1 to 63 of a-z, 0-9, - and _, a letter first; free in the organisation and not built in
  description  at most 500 characters
  permissions  what it permits, out of what the caller holds
  inherits     roles whose permissions it has as well; never owner

Returns the role. Needs role.manage. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_role, invalid_settings (an unknown permission, or 500 roles already).$$;
grant execute on function public.create_organisation_role to authenticated;
grant execute on function usher.create_role to authenticated;

create function usher.update_role(
  organisation_id uuid,
  role text,
  description text,
  permissions text[],
  inherits text[]
) returns public.organisation_roles
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role   public.organisation_roles := usher.own_role_for_change(update_role.organisation_id, update_role.role);
  v_before jsonb := usher.role_facts(v_role);
begin
  if usher.clean_description(coalesce(update_role.description, ''), 500) is null then
    perform usher.fail('invalid_role', hint => 'A description is plain text of at most 500 characters.');
  elsif usher.clean_roles(coalesce(update_role.permissions, '{}')) is null
    or usher.clean_roles(coalesce(update_role.inherits, '{}')) is null
  then
    perform usher.fail('invalid_role', hint => 'Give permissions and roles by their names, at most 1,000.');
  end if;
  v_role.description := coalesce(usher.clean_description(update_role.description, 500), v_role.description);
  v_role.granted_permissions := usher.clean_roles(coalesce(update_role.permissions, v_role.granted_permissions));
  v_role.inherits := usher.clean_roles(coalesce(update_role.inherits, v_role.inherits));
  perform usher.require_manageable(v_role.organisation_id, v_role.granted_permissions);
  return usher.save_own_role(v_role, 'role.updated', v_before);
end
$$;
comment on function usher.update_role
  is 'The rule behind public.update_organisation_role, and of granting and revoking.';

create function public.update_organisation_role(
  organisation_id uuid,
  role text,
  description text default null,
  permissions text[] default null,
  inherits text[] default null
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_role($1, $2, $3, $4, $5) $$;
comment on function public.update_organisation_role
  is $$Changes an own role; what is left out stays. Its holders have the new permissions at once. The name stays for
good, because it is signed into links.

  description, permissions, inherits  as in create_organisation_role

Returns the role. Needs role.manage and all that the role permits, before and after. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role, invalid_settings,
role_not_assignable (a member would hold what may not be held together).$$;
grant execute on function public.update_organisation_role to authenticated;
grant execute on function usher.update_role to authenticated;

create function usher.grant_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.update_role($1, $2, null, r.granted_permissions || $3, null)
  from usher.own_role_for_change($1, $2) r
$$;
comment on function usher.grant_permission
  is 'The rule behind public.grant_organisation_permission.';

create function public.grant_organisation_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.grant_permission($1, $2, $3) $$;
comment on function public.grant_organisation_permission
  is $$Adds a permission that the caller holds to an own role. Returns the role. Needs role.manage. Fails as
update_organisation_role does.$$;
grant execute on function public.grant_organisation_permission to authenticated;
grant execute on function usher.grant_permission to authenticated;

create function usher.revoke_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.update_role($1, $2, null,
    -- What no permission can be called is refused as one that there is not.
    case when length($3) > 100 then array[$3] else array_remove(r.granted_permissions, $3) end, null)
  from usher.own_role_for_change($1, $2) r
$$;
comment on function usher.revoke_permission
  is 'The rule behind public.revoke_organisation_permission.';

create function public.revoke_organisation_permission(
  organisation_id uuid,
  role text,
  permission text
) returns public.organisation_roles
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.revoke_permission($1, $2, $3) $$;
comment on function public.revoke_organisation_permission
  is $$Takes a permission from an own role; what it inherits stays. Returns the role. Needs role.manage. Fails as
update_organisation_role does.$$;
grant execute on function public.revoke_organisation_permission to authenticated;
grant execute on function usher.revoke_permission to authenticated;

create function usher.delete_role(organisation_id uuid, role text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_role public.organisation_roles := usher.own_role_for_change(delete_role.organisation_id, delete_role.role);
  v_use  text;
begin
  v_use := case
    when exists (
      select from public.organisation_members m
      where m.organisation_id = v_role.organisation_id and m.status = 'active' and v_role.name = any (m.roles))
      then 'members'
    when exists (
      select from usher.invites i
      where i.organisation_id = v_role.organisation_id and i.status = 'pending' and v_role.name = any (i.roles)
        and usher.invite_status(i.status, i.expires_at) = 'pending')
      then 'invites'
    when exists (
      select from public.organisation_roles r
      where r.organisation_id = v_role.organisation_id and v_role.name = any (r.inherits))
      then 'roles'
    when exists (
      select from public.organisation_role_exclusions e
      where e.organisation_id = v_role.organisation_id and v_role.name = any (e.roles))
      then 'exclusions'
  end;
  if v_use is not null then
    perform usher.fail('role_in_use', details => v_use);
  end if;

  update usher.directory_users d set roles = array_remove(d.roles, v_role.name)
  where d.organisation_id = v_role.organisation_id and v_role.name = any (d.roles);
  delete from public.organisation_roles r where r.id = v_role.id;
  perform usher.record_event(v_role.organisation_id, 'role.deleted', 'role', v_role.id,
    before => usher.role_facts(v_role));
end
$$;
comment on function usher.delete_role
  is 'The rule behind public.delete_organisation_role.';

create function public.delete_organisation_role(
  organisation_id uuid,
  role text
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_role($1, $2) $$;
comment on function public.delete_organisation_role
  is $$Deletes an own role that nobody holds. Needs role.manage and all that the role permits. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role, role_in_use (details: members,
invites, roles or exclusions).$$;
grant execute on function public.delete_organisation_role to authenticated;
grant execute on function usher.delete_role to authenticated;

-- sql/45_directories/01_directory_access.sql

-- Directories: an identity provider (Okta, Entra ID, Keycloak, …) keeps the people of one organisation by
-- SCIM 2.0. Here are its tokens, and as whom it acts.
--
-- A token opens one organisation and nothing else. It carries the rights of whoever answers for it, its maker at
-- first, asked anew with each request. When they lose the right, it goes on for organisations.credential_grace with
-- what they had, and then stops unless somebody takes it over: 40_administration/09_lost_rights.sql. So every rule
-- of an admin holds for a directory as well: roles, seats, bans, separation of duty, limits.
-- A token is 256 random bits; only its SHA-256 is kept. Several may be valid at once, so that one can be
-- replaced without a gap. Managing them needs directory.manage.
--
-- Sources: RFC 7643, RFC 7644; section 7 of the latter, and OWASP ASVS 5.0 (6.5.2, 11.5.1) on tokens.

create policy organisation_directory_tokens_select
  on public.organisation_directory_tokens
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('directory.manage'))
  );

create type public.organisation_directory_token as (
  id uuid,
  organisation_id uuid,
  name text,
  expires_at timestamptz,
  token text,
  scim_url text
);
comment on type public.organisation_directory_token
  is $$A new token of a directory with its secret, which is shown this once. scim_url is where it opens the directory;
null when the project's settings do not say where its functions answer (functions_url).$$;

create function usher.create_directory_token(
  organisation_id uuid,
  name text,
  expires_in interval
) returns public.organisation_directory_token
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(create_directory_token.organisation_id, 'directory.manage', 'settings');
  v_name   text := usher.clean_name(create_directory_token.name);
  v_secret text := 'scim_' || translate(
    encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || e'\n', '-_');
  v_token  public.organisation_directory_tokens;
begin
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'A name is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if not usher.is_span(create_directory_token.expires_in, '1 hour', '10 years') then
    perform usher.fail('invalid_expiry', hint => 'Give an interval from 1 hour to 10 years, or none.');
  end if;
  perform usher.require_room('directory tokens', v_member.organisation_id);
  -- Those that were revoked stay on record.
  perform usher.take_allowance('directory_tokens:' || v_member.organisation_id, 1, 100, interval '1 day');

  insert into public.organisation_directory_tokens as t (organisation_id, name, created_by, responsible_id, expires_at)
  values (
    v_member.organisation_id, v_name, v_member.user_id, v_member.user_id, now() + create_directory_token.expires_in)
  returning t.* into v_token;
  insert into usher.directory_token_hashes (hash, token_id)
  values (sha256(convert_to(v_secret, 'UTF8')), v_token.id);
  perform usher.record_event(v_token.organisation_id, 'directory.token_created', 'directory', v_token.id,
    after => jsonb_build_object('name', v_token.name, 'expires_at', v_token.expires_at));
  return row(v_token.id, v_token.organisation_id, v_token.name, v_token.expires_at, v_secret,
    (select s.functions_url || '/scim/v2' from usher.settings s));
end
$$;
comment on function usher.create_directory_token
  is 'The rule behind public.create_organisation_directory_token.';

create function public.create_organisation_directory_token(
  organisation_id uuid,
  name text,
  expires_in interval default null
) returns public.organisation_directory_token
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_directory_token($1, $2, $3) $$;
comment on function public.create_organisation_directory_token
  is $$Makes a token with which an identity provider keeps the people and roles of the organisation by SCIM 2.0. It
carries the rights of the caller, asked anew with each request.

  name        what it is for, one line of at most 100 characters, such as Okta
  expires_in  1 hour to 10 years; without it, it does not end by itself

Returns the token, which is shown this once. At most 20 at a time, and 100 a day. Needs directory.manage, and works
while who answers for it has member.read as well. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings, invalid_expiry, rate_limited.$$;
grant execute on function public.create_organisation_directory_token to authenticated;
grant execute on function usher.create_directory_token to authenticated;

create function usher.revoke_directory_token(
  token_id uuid
) returns public.organisation_directory_tokens
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_token public.organisation_directory_tokens;
begin
  perform usher.require_permission((
    select t.organisation_id from public.organisation_directory_tokens t where t.id = revoke_directory_token.token_id),
    'directory.manage', 'share', 'directory_not_found');
  update public.organisation_directory_tokens t
  set revoked_at = now(), revoked_by = auth.uid()
  where t.id = revoke_directory_token.token_id and t.revoked_at is null
  returning t.* into v_token;
  if found then
    delete from usher.directory_token_hashes h where h.token_id = v_token.id;
    perform usher.record_event(v_token.organisation_id, 'directory.token_revoked', 'directory', v_token.id,
      before => jsonb_build_object('name', v_token.name));
  else
    select t.* into v_token from public.organisation_directory_tokens t where t.id = revoke_directory_token.token_id;
  end if;
  return v_token;
end
$$;
comment on function usher.revoke_directory_token
  is 'The rule behind public.revoke_organisation_directory_token.';

create function public.revoke_organisation_directory_token(
  token_id uuid
) returns public.organisation_directory_tokens
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.revoke_directory_token($1) $$;
comment on function public.revoke_organisation_directory_token
  is $$Ends a token of a directory at once and for good; whom it brought in stays. Twice does no harm.

Returns the token, without its secret. Needs directory.manage. Fails with unauthenticated,
directory_not_found, permission_denied.$$;
grant execute on function public.revoke_organisation_directory_token to authenticated;
grant execute on function usher.revoke_directory_token to authenticated;

create function usher.open_directory(
  token text,
  for_change boolean
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_token public.organisation_directory_tokens;
  v_right text;
begin
  if length(open_directory.token) <= 100 then
    select t.* into v_token
    from usher.directory_token_hashes h
    join public.organisation_directory_tokens t on t.id = h.token_id
    where h.hash = sha256(convert_to(open_directory.token, 'UTF8'))
      and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > statement_timestamp());
  end if;
  if v_token.id is null then
    perform usher.fail('directory_token_invalid');
  end if;

  if v_token.stops_at <= statement_timestamp() then
    perform usher.fail('permission_denied', details => 'directory.manage',
      hint => 'Nobody answers for this token any more. Let somebody who may take it over, or make a new one.');
  end if;

  -- From here on to the end of the transaction, the rules ask after whoever answers for the token.
  perform set_config('request.jwt.claims',
    json_build_object('sub', v_token.responsible_id, 'role', 'authenticated')::text, true);
  perform set_config('usher.directory', v_token.id::text, true);
  -- Changes of one directory come one after another: each starts from what the one before has left.
  if open_directory.for_change then
    perform usher.lock_organisation(v_token.organisation_id, 'settings');
  end if;
  -- It reads and keeps addresses: to manage directories is not enough.
  foreach v_right in array '{directory.manage,member.read}'::text[] loop
    if v_right not in (
      select usher.permissions_of(v_token.organisation_id, m.roles)
      from usher.caller_membership(v_token.organisation_id) m)
    then
      perform usher.fail('permission_denied', details => v_right,
        hint => 'Whoever answers for this token may no longer do this. '
          'Let somebody who may take it over, or make a new one.');
    end if;
  end loop;

  update public.organisation_directory_tokens t set last_used_at = now()
  where t.id = v_token.id
    and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
  return v_token.organisation_id;
end
$$;
comment on function usher.open_directory
  is $$The organisation that a token opens; from here on, the transaction acts as whoever answers for the token, and the
trail calls it directory. With for_change, other changes in the organisation wait. Fails with directory_token_invalid,
and permission_denied when who answers for it has not directory.manage and member.read (any more).$$;

-- sql/45_directories/02_scim_users.sql

-- SCIM Users: what a directory says of people, and what that makes of them here.
--
-- A User is everyone whom the directory has named, and every active member that it has not named yet, so
-- that it finds and takes over who is there already.
--
-- active: true   a member at once, if the account of that address is proved to be theirs: its domain is one
--                that the organisation has verified, or they were a member before and were removed.
--                Everyone else gets an invite by mail: naming an address must not let in whoever registered it.
-- active: false  removed at once; open invites to the address are revoked.
-- deleted        the same, and the directory's record is forgotten.
--
-- What the directory says holds until somebody here says otherwise: a ban is never lifted by a directory, and
-- the owner never removed. An invite that was declined or has expired is not sent again by itself; a directory
-- that deactivates and activates somebody again sends one.

create type usher.directory_user as (
  id uuid,
  user_name text,
  external_id text,
  email text,
  display_name text,
  is_active boolean,
  roles text[],
  attributes jsonb,
  member_id uuid,
  created_at timestamptz,
  updated_at timestamptz
);
comment on type usher.directory_user
  is 'A User as the directory sees it at this moment.';

create function usher.directory_users_of(
  organisation_id uuid
) returns setof usher.directory_user
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select d.id, d.user_name, d.external_id, d.email, m.display_name,
    -- An invite that somebody here took back is a no; one that is not answered yet is not.
    d.is_active and coalesce(m.status = 'active', i.status is distinct from 'revoked'),
    case when m.status = 'active' and not 'owner' = any (m.roles) then m.roles else d.roles end,
    d.attributes, d.member_id, d.created_at, greatest(d.updated_at, m.ended_at)
  from usher.directory_users d
  left join public.organisation_members m on m.id = d.member_id
  left join usher.invites i on i.id = d.invite_id
  where d.organisation_id = $1
  union all
  select m.id, m.email, null, m.email, m.display_name, true, array_remove(m.roles, 'owner'),
    '{}', m.id, m.joined_at, m.joined_at
  from public.organisation_members m
  where m.organisation_id = $1 and m.kind = 'user' and m.status = 'active' and m.email is not null
    and not exists (select from usher.directory_users d where d.member_id = m.id)
$$;
comment on function usher.directory_users_of
  is $$Everyone whom a directory of this organisation sees: whom it has named, and the active members beside them. Never
a device. roles are those that its groups may give and take: never owner.$$;

create function usher.list_directory_users(
  token text,
  id uuid default null,
  user_name text default null,
  external_id text default null,
  email text default null,
  start_index integer default 1,
  page_size integer default null,
  for_change boolean default false
) returns table (item usher.directory_user, total bigint)
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_users.token, list_directory_users.for_change);
begin
  -- Nobody has such a name, and it would be compared with that of everyone.
  if greatest(length(list_directory_users.user_name), length(list_directory_users.external_id),
    length(list_directory_users.email)) > 254
  then
    return;
  end if;
  return query
    select u::usher.directory_user, count(*) over ()
    from usher.directory_users_of(v_organisation_id) u
    where (list_directory_users.id is null or u.id = list_directory_users.id)
      and (list_directory_users.user_name is null
        or usher.folded_user_name(u.user_name) = usher.folded_user_name(list_directory_users.user_name))
      and (list_directory_users.external_id is null or u.external_id = list_directory_users.external_id)
      and (list_directory_users.email is null or u.email = usher.normalise_email(list_directory_users.email))
    order by u.created_at, u.id
    offset greatest(list_directory_users.start_index, 1) - 1
    limit list_directory_users.page_size;
end
$$;
comment on function usher.list_directory_users
  is $$The Users that a directory sees, oldest first, with how many there are in all. For the SCIM function.

  id, user_name, external_id, email  only this one; case matters in external_id alone
  start_index, page_size             from the first on, counted from 1; null: all
  for_change                         a change follows in this transaction: others wait

Fails with directory_token_invalid, permission_denied.$$;
grant execute on function usher.list_directory_users to usher_worker;

create function usher.directory_user_for_change(
  organisation_id uuid,
  id uuid
) returns usher.directory_users
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user usher.directory_users;
begin
  -- A member whom the directory has not named so far is taken over, under the id that it was shown.
  insert into usher.directory_users (
    id, organisation_id, user_name, email, is_active, roles, member_id, created_at)
  select m.id, m.organisation_id, m.email, m.email, true, array_remove(m.roles, 'owner'), m.id, m.joined_at
  from public.organisation_members m
  where m.id = directory_user_for_change.id
    and m.organisation_id = directory_user_for_change.organisation_id
    and m.kind = 'user' and m.status = 'active' and m.email is not null
    and not exists (select from usher.directory_users d where d.member_id = m.id)
  on conflict do nothing;

  select d.* into v_user
  from usher.directory_users d
  where d.id = directory_user_for_change.id
    and d.organisation_id = directory_user_for_change.organisation_id;
  -- The accounts before the members, as whoever deletes one does.
  perform from auth.users u
  where u.email = any (usher.spellings(v_user.email)) and u.is_sso_user = false
    or u.id = (select m.user_id from public.organisation_members m where m.id = v_user.member_id)
  order by u.id
  for key share;
  perform usher.lock_person(v_user.organisation_id, v_user.email);
  perform usher.lock_members(v_user.organisation_id, array(
    select m.user_id from public.organisation_members m where m.id = v_user.member_id or m.user_id = auth.uid()));
  perform usher.lock_open_invites(v_user.organisation_id, v_user.email);
  select d.* into v_user
  from usher.directory_users d
  where d.id = directory_user_for_change.id
    and d.organisation_id = directory_user_for_change.organisation_id
  for update;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  return v_user;
end
$$;
comment on function usher.directory_user_for_change
  is 'A User of this organisation, locked until the end of the transaction. Fails with directory_not_found.';

create function usher.directory_account(
  directory_user usher.directory_users
) returns uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user     usher.directory_users := directory_account.directory_user;
  v_accounts uuid[];
  v_status   text;
begin
  -- What only a session can show is asked of them when they accept.
  if exists (
    select from public.organisation_sign_in_rules r
    where r.organisation_id = v_user.organisation_id
      and (r.level <> 'aal1' or cardinality(r.methods) > 0 or r.max_age is not null))
  then
    return null;
  end if;
  -- Whoever was a member is the same account, by whichever way they sign in.
  select array_agg(m.user_id), max(m.status) into v_accounts, v_status
  from public.organisation_members m
  join auth.users u on u.id = m.user_id
  where m.id = v_user.member_id and u.email = any (usher.spellings(v_user.email)) and u.email_confirmed_at is not null
    -- Where people have to come in through a provider, an account without it is nobody's yet.
    and not usher.lacks_identity(m.organisation_id, u.id, v_user.email);
  if v_accounts is not null then
    return case when v_status = 'removed' then v_accounts[1] end;
  end if;

  -- Of single sign-on only where the project has that provider for the domain: else the address is whatever the
  -- provider says.
  select array_agg(u.id) into v_accounts
  from auth.users u
  where u.email = any (usher.spellings(v_user.email)) and u.email_confirmed_at is not null
    and (u.is_sso_user = false or usher.has_proven_address(u.id))
    and not usher.lacks_identity(v_user.organisation_id, u.id, v_user.email);
  return (
    select v_accounts[1]
    where cardinality(v_accounts) = 1
      and (select s.auth_confirms_addresses from usher.settings s)
      and exists (
        select from public.organisation_domains d
        where d.organisation_id = v_user.organisation_id and d.verified_at is not null
          and d.domain = usher.email_domain(v_user.email))
      and not exists (
        select from public.organisation_members m
        where m.organisation_id = v_user.organisation_id and m.user_id = v_accounts[1]));
end
$$;
comment on function usher.directory_account
  is $$The account that is certainly this User's, so that no invite is needed; null when that is not known. Certain
is who was a member before and was removed, and who has confirmed an address of a domain that the
organisation has verified. Who left by themselves, or comes for the first time, is asked by an invite.$$;

create function usher.admit_directory_user(
  directory_user usher.directory_users
) returns usher.directory_users
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user    usher.directory_users := admit_directory_user.directory_user;
  v_actor   public.organisation_members :=
    usher.require_permission(v_user.organisation_id, 'invite.create', 'share');
  v_problem text := case when v_user.roles <> '{}'
    then usher.roles_problem(v_user.organisation_id, v_user.roles, v_actor.roles) end;
  v_account uuid := usher.directory_account(v_user);
  v_before  public.organisation_members;
  v_member  public.organisation_members;
begin
  perform usher.require_other_than_responsible(v_user.organisation_id, v_user.email, v_user.member_id);
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  select p.problem, p.invite_id into v_problem, v_user.invite_id
  from usher.recipient_problems(v_user.organisation_id, array[v_user.email]) p;
  -- A ban holds under whatever address the directory gives them now.
  if exists (
    select from public.organisation_members m where m.id = v_user.member_id and m.status = 'banned')
  then
    v_problem := 'member_banned';
  end if;
  if v_problem is not null then
    perform usher.fail(v_problem);
  end if;
  select m.* into v_before from public.organisation_members m where m.id = v_user.member_id;
  if v_before.ends_at <= statement_timestamp() then
    perform usher.fail('permission_denied', hint => 'Their access had an end: somebody here has to give it anew.');
  end if;

  if v_account is null and v_user.invite_id is null then
    v_user.invite_id := (usher.create_invite(v_user.organisation_id,
      jsonb_strip_nulls(jsonb_build_object(
        'email', v_user.email, 'roles', '{member}'::text[], 'membership_ends_at', v_before.ends_at)))).id;
  elsif v_account is not null then
    -- It was found by its address, which may have become another since.
    if usher.lock_for_joining(v_user.organisation_id, v_account) is distinct from v_user.email then
      perform usher.fail('try_again', headers => '{"Retry-After": "1"}');
    end if;
    -- What was offered to them is in their hands now.
    perform usher.revoke_invites_to(v_user.organisation_id, v_user.email, 'By the directory');
    v_user.invite_id := null;
    perform usher.require_may_join(v_user.organisation_id, v_account, v_user.email, v_user.roles);
    select m.* into v_before from public.organisation_members m
    where m.organisation_id = v_user.organisation_id and m.user_id = v_account;
    v_member := usher.add_member(v_user.organisation_id, v_account, v_user.roles,
      least(v_before.ends_at, nullif(usher.giving_ends_at(v_actor, 'invite.create', v_user.roles), 'infinity')));
    -- What a directory turns off and on again has the ends that people here gave it.
    if v_before.role_ends <> '{}' or v_user.role_ends <> '{}' then
      update public.organisation_members m
      set role_ends = coalesce(v_before.role_ends, '{}') || coalesce(v_user.role_ends, '{}')
      where m.id = v_member.id
      returning m.* into v_member;
    end if;
    v_user.member_id := v_member.id;
    perform usher.record_event(v_user.organisation_id, 'member.joined', 'user', v_member.user_id,
      after => jsonb_build_object('roles', v_member.roles));
  end if;
  return v_user;
end
$$;
comment on function usher.admit_directory_user
  is $$Makes a User a member with the roles of their groups, or invites them as a member: the roles of groups come on
joining, as they are then. Fails with role_not_assignable, invalid_role, domain_not_allowed, member_banned,
already_member, seat_limit_reached, permission_denied, rate_limited.$$;

create function usher.dismiss_directory_user(
  directory_user usher.directory_users
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user usher.directory_users := dismiss_directory_user.directory_user;
begin
  perform usher.remove_member(m.organisation_id, m.user_id, 'By the directory')
    from public.organisation_members m
    where m.id = v_user.member_id and m.status = 'active';
  perform usher.revoke_invites_to(v_user.organisation_id, v_user.email, 'By the directory');
end
$$;
comment on function usher.dismiss_directory_user
  is $$Removes a User at once, and revokes what is open for their address. Fails with owner_required, and
permission_denied where the token's maker may not remove them.$$;

-- sql/45_directories/03_scim_groups.sql

-- Groups of a directory: a Group is a role of the organisation, and its members are those who hold it.
--
-- Every role but owner is a Group. Putting somebody in gives the role, taking them out takes it: at once for
-- members, on joining for those who are invited. The token's maker must be able to give it, as anywhere.
-- Owner is transferred by people only: whatever groups the owner is in is written down, and changes nothing.
--
-- A Group that the directory makes becomes an own role that permits nothing until an admin says what: a name
-- in a directory must not open anything by itself. Only such a role can be deleted by the directory.

create table usher.directory_groups (
  organisation_id uuid not null references public.organisations
    on delete cascade,
  role_id uuid not null references public.organisation_roles on delete cascade,
  display_name text not null,
  external_id text,
  is_made boolean not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organisation_id, role_id),
  constraint directory_groups_bounds check (
    length(display_name) <= 200 and length(external_id) <= 254
  )
);
comment on table usher.directory_groups
  is 'What a directory calls a role. A role that it has not named goes by its own name.';
comment on column usher.directory_groups.is_made
  is 'Whether the directory made the role.';
create index directory_groups_role_id on usher.directory_groups (role_id);
alter table usher.directory_groups enable row level security;
create policy directory_groups_nobody
  on usher.directory_groups
  for select
  to public
  using (false);

create type usher.directory_group as (
  id uuid,
  role text,
  display_name text,
  external_id text,
  is_made boolean,
  created_at timestamptz,
  updated_at timestamptz
);
comment on type usher.directory_group
  is 'A Group as the directory sees it at this moment.';

create function usher.directory_groups_of(
  organisation_id uuid
) returns setof usher.directory_group
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select r.id, r.name, coalesce(g.display_name, r.name), g.external_id, coalesce(g.is_made, false),
    coalesce(g.created_at, r.created_at), coalesce(g.updated_at, r.created_at)
  from public.organisation_roles r
  left join usher.directory_groups g on g.organisation_id = $1 and g.role_id = r.id
  where (r.organisation_id is null or r.organisation_id = $1)
    and not (r.organisation_id is null and r.name = 'owner')
$$;
comment on function usher.directory_groups_of
  is 'The roles of an organisation as Groups: all but owner.';

create function usher.list_directory_groups(
  token text,
  id uuid default null,
  display_name text default null,
  with_members boolean default true,
  for_change boolean default false
) returns table (item usher.directory_group, members jsonb)
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid :=
    usher.open_directory(list_directory_groups.token, list_directory_groups.for_change);
begin
  -- No group has such a name, and it would be compared with that of each.
  if length(list_directory_groups.display_name) > 254 then
    return;
  end if;
  return query
    with held as (
      select h.role, jsonb_agg(
        jsonb_build_object('value', u.id, 'display',
          coalesce(u.attributes ->> 'displayName', u.display_name, u.user_name))
        order by u.created_at, u.id) as members
      from usher.directory_users_of(v_organisation_id) u
      cross join unnest(u.roles) h (role)
      where list_directory_groups.with_members
      group by h.role
    )
    select g::usher.directory_group, coalesce(h.members, '[]')
    from usher.directory_groups_of(v_organisation_id) g
    left join held h on h.role = g.role
    where (list_directory_groups.id is null or g.id = list_directory_groups.id)
      and (list_directory_groups.display_name is null
        or lower(g.display_name) = lower(list_directory_groups.display_name))
    order by g.created_at, g.id;
end
$$;
comment on function usher.list_directory_groups
  is $$The Groups that a directory sees, each with its members as value (the id of a User) and display. For the SCIM
function.

  id, display_name  only this one, in any case
  with_members      false: members are left empty
  for_change        a change follows in this transaction: others wait

Fails with directory_token_invalid, permission_denied.$$;
grant execute on function usher.list_directory_groups to usher_worker;

create function usher.set_directory_role(
  organisation_id uuid,
  user_id uuid,
  role text,
  is_held boolean
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user    usher.directory_users :=
    usher.directory_user_for_change(set_directory_role.organisation_id, set_directory_role.user_id);
  v_actor   public.organisation_members :=
    usher.require_permission(set_directory_role.organisation_id, 'member.update', 'share');
  v_member  public.organisation_members;
  v_roles   text[];
  v_problem text;
begin
  if set_directory_role.is_held then
    perform usher.require_other_than_responsible(v_user.organisation_id, v_user.email, v_user.member_id);
    v_problem := usher.roles_problem(v_user.organisation_id, array[set_directory_role.role], v_actor.roles);
    if v_problem is not null then
      perform usher.fail(v_problem, details => set_directory_role.role);
    end if;
  end if;
  update usher.directory_users d
  set updated_at = now(), roles = case when set_directory_role.is_held
    then usher.clean_roles(d.roles || set_directory_role.role) else array_remove(d.roles, set_directory_role.role) end,
    -- For no longer than whoever answers for the token that gives it.
    role_ends = (d.role_ends - set_directory_role.role) || case when set_directory_role.is_held
      then usher.role_ends_of_gift(v_actor, 'member.update', array[set_directory_role.role]) else '{}' end
  where d.id = v_user.id
  returning d.roles into v_roles;

  select m.* into v_member from public.organisation_members m where m.id = v_user.member_id;
  if not found or v_member.status <> 'active' then
    if set_directory_role.is_held and usher.excluded_together(v_user.organisation_id, v_roles) is not null then
      perform usher.fail('role_not_assignable', hint => 'These roles may not be held together.');
    end if;
    return;
  elsif 'owner' = any (v_member.roles) then
    return;
  end if;

  v_member := usher.member_for_change(v_member.organisation_id, v_member.user_id, 'member.update');
  v_roles := case when set_directory_role.is_held
    then usher.clean_roles(v_member.roles || set_directory_role.role)
    else array_remove(v_member.roles, set_directory_role.role) end;
  if set_directory_role.is_held then
    perform usher.require_roles(v_member.organisation_id, v_roles);
    perform usher.require_no_owners_set(v_actor, v_member.roles, v_roles);
  end if;
  -- No mail, unlike a change by hand: a directory makes many of them, and tells its people itself.
  update public.organisation_members m
  set roles = v_roles, role_ends = m.role_ends || usher.role_ends_of_gift(
    v_actor, 'member.update', array(select unnest(v_roles) except select unnest(m.roles)))
  where m.id = v_member.id and m.roles <> v_roles;
  if found then
    perform usher.record_event(v_member.organisation_id, 'member.roles_updated', 'user', v_member.user_id,
      before => jsonb_build_object('roles', v_member.roles), after => jsonb_build_object('roles', v_roles));
  end if;
end
$$;
comment on function usher.set_directory_role
  is $$Gives a User a role or takes it: at once if they are a member, otherwise for when they join. Fails with
directory_not_found, invalid_role, role_not_assignable, permission_denied.$$;

create function usher.set_directory_members(
  organisation_id uuid,
  role text,
  user_ids uuid[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.set_directory_role(
      set_directory_members.organisation_id, coalesce(h.id, w.id), set_directory_members.role, w.id is not null)
    from (
      select u.id from usher.directory_users_of(set_directory_members.organisation_id) u
      where set_directory_members.role = any (u.roles)
    ) h
    full join (
      -- A group within the group, or somebody who is not there (any more), costs nobody else the change.
      select distinct u.id
      from unnest(set_directory_members.user_ids) i (id)
      join usher.directory_users_of(set_directory_members.organisation_id) u on u.id = i.id
    ) w on w.id = h.id
    where h.id is null or w.id is null;
end
$$;
comment on function usher.set_directory_members
  is 'Gives a role to exactly these Users: only whom it is new to, or taken from, is changed. What is no User is left
out. Fails as set_directory_role.';

create function usher.make_directory_role(
  organisation_id uuid,
  display_name text
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_stem text := btrim(regexp_replace(lower(make_directory_role.display_name), '[^a-z0-9_]+', '-', 'g'), '-_');
  v_name text;
begin
  v_stem := left(case when v_stem ~ '^[a-z]' then v_stem else btrim('group-' || v_stem, '-') end, 56);
  select c.name into v_name
  from (
    select 0 as n, v_stem as name
    union all
    select n, v_stem || '-' || n from generate_series(2, 1000) n
  ) c
  where not exists (
    select from public.organisation_roles r
    where r.name = c.name
      and (r.organisation_id is null or r.organisation_id = make_directory_role.organisation_id))
  order by c.n
  limit 1;
  return (usher.create_role(make_directory_role.organisation_id, v_name,
    'A group of the directory: ' || make_directory_role.display_name, '{}', '{}')).id;
end
$$;
comment on function usher.make_directory_role
  is 'An own role without permissions for a new Group, named after it as far as a role''s name can be.';

create function usher.save_directory_group(
  token text,
  id uuid,
  facts jsonb
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := usher.open_directory(save_directory_group.token, true);
  v_name        text := usher.clean_name(save_directory_group.facts ->> 'display_name', 200, may_link => true);
  v_external_id text := usher.clean_line(save_directory_group.facts ->> 'external_id', 254);
  v_group       usher.directory_group;
begin
  if v_name is null then
    perform usher.fail('invalid_settings',
      hint => 'A displayName is one line of 1 to 200 characters that can be seen.');
  elsif v_external_id is null and save_directory_group.facts ->> 'external_id' <> '' then
    perform usher.fail('invalid_settings', hint => 'An externalId is one line of at most 254 characters.');
  end if;
  if exists (
    select from usher.directory_groups_of(v_organisation_id) g
    where lower(g.display_name) = lower(v_name) and g.id is distinct from save_directory_group.id)
  then
    perform usher.fail('directory_conflict');
  elsif lower(v_name) = 'owner' then
    perform usher.fail('directory_conflict', hint => 'Owner is transferred by people, never given by a directory.');
  end if;

  select g.* into v_group
  from usher.directory_groups_of(v_organisation_id) g where g.id = save_directory_group.id;
  if save_directory_group.id is null then
    v_group.id := usher.make_directory_role(v_organisation_id, v_name);
    v_group.is_made := true;
    select r.name into v_group.role from public.organisation_roles r where r.id = v_group.id;
  elsif not found then
    perform usher.fail('directory_not_found');
  end if;
  if (v_name, v_external_id) is distinct from (v_group.display_name, v_group.external_id) then
    insert into usher.directory_groups (organisation_id, role_id, display_name, external_id, is_made)
    values (v_organisation_id, v_group.id, v_name, v_external_id, v_group.is_made)
    on conflict on constraint directory_groups_pkey do update
    set display_name = excluded.display_name, external_id = excluded.external_id, updated_at = now();
  end if;
  -- Whoever asks for nothing else is told that nothing was done.
  if save_directory_group.facts ? 'added' and not exists (
    select
    from jsonb_array_elements_text(save_directory_group.facts -> 'added') a (id)
    join usher.directory_users_of(v_organisation_id) u on u.id::text = a.id)
  then
    perform usher.fail('invalid_settings', hint => 'None of these is a User, who could be a member.');
  end if;
  if save_directory_group.facts ? 'members' then
    perform usher.set_directory_members(v_organisation_id, v_group.role, array(
      select m.id::uuid from jsonb_array_elements_text(save_directory_group.facts -> 'members') m (id)));
  end if;
  return v_group.id;
end
$$;
comment on function usher.save_directory_group
  is $$Writes a Group as a directory says it is: who holds the role, and what the directory calls it. The name of the
role itself stays, because it is signed into links. For the SCIM function.

  id     the Group; null: a new one, which makes an own role without permissions
  facts  display_name, external_id, members (ids of Users: exactly these, but for those that are none; left out: as they
         are), added (ids, when nothing else is asked for: one of them has to be a User)

Returns the id. Fails with directory_token_invalid, directory_not_found, directory_conflict,
invalid_settings, invalid_role, role_not_assignable, permission_denied.$$;
grant execute on function usher.save_directory_group to usher_worker;

create function usher.delete_directory_group(token text, id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := usher.open_directory(delete_directory_group.token, true);
  v_group usher.directory_group;
begin
  select g.* into v_group
  from usher.directory_groups_of(v_organisation_id) g where g.id = delete_directory_group.id;
  if not found then
    perform usher.fail('directory_not_found');
  elsif not v_group.is_made then
    perform usher.fail('permission_denied',
      hint => 'This role was not made by the directory: it can be emptied, not deleted.');
  end if;
  perform usher.set_directory_members(v_organisation_id, v_group.role, '{}');
  perform usher.delete_role(v_organisation_id, v_group.role);
end
$$;
comment on function usher.delete_directory_group
  is $$Takes the role of a Group from everyone and deletes it. For the SCIM function. Fails with
directory_token_invalid, directory_not_found, permission_denied (a role that the directory did not make),
role_in_use.$$;
grant execute on function usher.delete_directory_group to usher_worker;

-- sql/45_directories/04_scim_user_changes.sql

-- Changing SCIM Users: when the directory says something new of them, and when their membership here changes.
--
-- Whoever joins is known to the directory from then on, and has the roles of its groups. Whoever loses a role
-- here does not get it back through a group.

create function usher.directory_user_problem(
  directory_user usher.directory_users
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user usher.directory_users := directory_user_problem.directory_user;
begin
  return case
    when v_user.email is null then 'invalid_email'
    when v_user.user_name is null or pg_column_size(v_user.attributes) > 16384 then 'invalid_settings'
    when exists (
      select from usher.directory_users_of(v_user.organisation_id) u
      where u.id <> v_user.id
        and (usher.folded_user_name(u.user_name) = usher.folded_user_name(v_user.user_name) or u.email = v_user.email))
    then 'directory_conflict'
  end;
end
$$;
comment on function usher.directory_user_problem
  is 'Why a User cannot be written as it is: a word of usher.errors(); null when it can.';

create function usher.save_directory_user(
  token text,
  id uuid,
  facts jsonb
) returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := usher.open_directory(save_directory_user.token, true);
  v_facts  jsonb := save_directory_user.facts;
  v_user   usher.directory_users;
  v_before usher.directory_users;
  v_wanted boolean := coalesce((v_facts ->> 'is_active')::boolean, true);
  v_is_in  boolean := false;
  v_problem text;
begin
  if save_directory_user.id is not null then
    v_user := usher.directory_user_for_change(v_organisation_id, save_directory_user.id);
    select u.is_active into v_is_in
    from usher.directory_users_of(v_organisation_id) u where u.id = v_user.id;
  else
    perform usher.require_room('directory users', v_organisation_id);
    v_user.id := gen_random_uuid();
    v_user.organisation_id := v_organisation_id;
    v_user.roles := '{member}';
  end if;
  v_before := v_user;
  v_user.user_name := usher.clean_line(v_facts ->> 'user_name', 254);
  v_user.external_id := usher.clean_line(v_facts ->> 'external_id', 254);
  v_user.email := usher.normalise_email(v_facts ->> 'email');
  v_user.attributes := coalesce(v_facts -> 'attributes', '{}');
  v_user.is_active := v_wanted;
  v_problem := case
    -- By it the directory finds them again: it is kept as it was sent, or said to be none.
    when v_user.external_id is null and v_facts ->> 'external_id' <> '' then 'invalid_settings'
    else usher.directory_user_problem(v_user)
  end;
  -- Whoever is turned off is out, whatever else is said of them: the rest stays as it was.
  if v_problem is not null and v_is_in and not v_wanted then
    v_user := v_before;
    v_user.is_active := false;
  elsif v_problem is not null then
    perform usher.fail(v_problem, hint => case v_problem
      when 'invalid_email' then 'A User needs an address: as userName, or as one of emails.'
      when 'invalid_settings'
        then 'userName and externalId are lines of at most 254 characters; the rest has at most 16 kB.' end);
  end if;

  if v_user.member_id is null then
    select m.id into v_user.member_id
    from public.organisation_members m
    where m.organisation_id = v_organisation_id and m.email = v_user.email and m.kind = 'user'
      -- By the address alone nobody comes back who has not proved it.
      and (m.status in ('active', 'banned') or usher.has_proven_address(m.user_id)
        and (select s.auth_confirms_addresses from usher.settings s))
      and not exists (select from usher.directory_users d where d.member_id = m.id)
    order by m.joined_at desc
    limit 1;
  end if;

  if not v_wanted then
    perform usher.dismiss_directory_user(v_before) where v_before.email is not null;
    perform usher.revoke_invites_to(v_organisation_id, v_user.email, 'By the directory');
  elsif not v_is_in then
    v_user := usher.admit_directory_user(v_user);
  elsif v_before.email <> v_user.email and exists (
    select from usher.invites i where i.id = v_user.invite_id and i.status = 'pending')
  then
    -- The offer follows them to their new address; the membership of a member is tied to the account.
    perform usher.revoke_invites_to(v_organisation_id, v_before.email, 'By the directory');
    v_user := usher.admit_directory_user(v_user);
  end if;

  insert into usher.directory_users as d (
    id, organisation_id, user_name, external_id, email, is_active, roles, attributes, member_id, invite_id)
  values (
    v_user.id, v_user.organisation_id, v_user.user_name, v_user.external_id, v_user.email, v_user.is_active,
    v_user.roles, v_user.attributes, v_user.member_id, v_user.invite_id)
  on conflict on constraint directory_users_pkey do update
  set user_name = excluded.user_name, external_id = excluded.external_id, email = excluded.email,
    is_active = excluded.is_active, attributes = excluded.attributes, member_id = excluded.member_id,
    invite_id = excluded.invite_id, updated_at = now();
  return v_user.id;
end
$$;
comment on function usher.save_directory_user
  is $$Writes a User as a directory says they are, and does what follows from it. For the SCIM function.

  id     the User; null: a new one. Whoever is turned off is out, also where the rest cannot be kept: that stays then
  facts  user_name, external_id, email, is_active (default: true), attributes (an object, at most 16 kB)

Returns the id. Fails with directory_token_invalid, directory_not_found, directory_conflict, invalid_email,
invalid_settings, owner_required, and as usher.admit_directory_user does.$$;
grant execute on function usher.save_directory_user to usher_worker;

create function usher.delete_directory_user(token text, id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := usher.open_directory(delete_directory_user.token, true);
  v_user usher.directory_users :=
    usher.directory_user_for_change(v_organisation_id, delete_directory_user.id);
begin
  perform usher.dismiss_directory_user(v_user);
  delete from usher.directory_users d where d.id = v_user.id;
end
$$;
comment on function usher.delete_directory_user
  is $$Removes a User at once and forgets what the directory said of them; the membership's history stays. For the SCIM
function. Fails with directory_token_invalid, directory_not_found, owner_required, permission_denied.$$;
grant execute on function usher.delete_directory_user to usher_worker;

-- Somebody comes in, by whichever way: the directory knows them from then on, and its groups count.
create function usher.tg_organisation_members__join_directory() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_user  usher.directory_users;
  v_roles text[];
  v_gifts jsonb;
begin
  -- Most know of no directory, and looking is all that it costs them.
  if not exists (select from usher.directory_users u where u.organisation_id = new.organisation_id) then
    return null;
  end if;
  update usher.directory_users d
  set member_id = new.id, is_active = true, updated_at = now()
  from usher.directory_users o
  where o.id = d.id
    -- One User, also when the directory has named a new address of theirs as somebody else.
    and d.id = (
      select u.id from usher.directory_users u
      where u.organisation_id = new.organisation_id
        and (u.member_id = new.id or u.email = new.email and not exists (
          select from public.organisation_members m where m.id = u.member_id and m.status = 'active'))
      order by u.member_id is not distinct from new.id desc, u.created_at
      limit 1)
  returning o.* into v_user;
  if v_user.is_active is not true then
    return null;
  end if;

  -- What the directory may give at this second, and until when.
  select coalesce(jsonb_object_agg(g.name, g.ends_at), '{}') into v_gifts
  from (
    select r.name, least((v_user.role_ends ->> r.name)::timestamptz,
      usher.directory_giving_ends_at(new.organisation_id, 'member.update', array[r.name])) as ends_at
    from public.organisation_roles r
    where r.name = any (v_user.roles)
      -- What they had for a time is theirs again when somebody gives it again.
      and not coalesce(old.role_ends ? r.name, false)
      and (r.organisation_id is null or r.organisation_id = new.organisation_id)
  ) g
  where g.ends_at > statement_timestamp();
  -- What the invite of a directory carries stands for those; what somebody here has offered comes on top.
  v_roles := usher.clean_roles(case when (v_gifts <> '{}' or v_user.roles = '{}') and exists (
    select from usher.invites i
    where i.id = v_user.invite_id and i.accepted_by = new.user_id and i.roles = '{member}')
    then '{}' else new.roles end || array(select jsonb_object_keys(v_gifts)));
  -- What may not be held together stays with what they were let in as.
  if v_roles <> new.roles and usher.excluded_together(new.organisation_id, v_roles) is null then
    update public.organisation_members m
    set roles = v_roles, role_ends = m.role_ends || (
      select coalesce(jsonb_object_agg(g.key, g.value), '{}')
      from jsonb_each(v_gifts) g where g.value <> '"infinity"' and g.key <> all (new.roles))
    where m.id = new.id;
    perform usher.record_event(new.organisation_id, 'member.roles_updated', 'user', new.user_id,
      before => jsonb_build_object('roles', new.roles), after => jsonb_build_object('roles', v_roles),
      actor_kind => 'directory');
  end if;
  return null;
end
$$;
comment on function usher.tg_organisation_members__join_directory
  is 'Ties a new member to the User of the same address, and gives the roles of that User''s groups.';

create trigger usher_join_directory
  after insert
  on public.organisation_members
  for each row
  when (new.kind = 'user' and new.status = 'active')
  execute function usher.tg_organisation_members__join_directory();
create trigger usher_rejoin_directory
  after update of status
  on public.organisation_members
  for each row
  when (new.kind = 'user' and new.status = 'active' and old.status <> 'active')
  execute function usher.tg_organisation_members__join_directory();

create function usher.tg_organisation_members__lose_directory_roles() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  update usher.directory_users d
  set roles = array(select r from unnest(d.roles) r where r = any (new.roles) or r <> all (old.roles) order by r)
  where d.member_id = new.id;
  return null;
end
$$;
comment on function usher.tg_organisation_members__lose_directory_roles
  is $$Forgets that a directory gave a role, once the member has lost it in any way, so that leaving and coming again
does not bring it back.$$;
create trigger usher_lose_directory_roles
  after update of roles
  on public.organisation_members
  for each row
  when (
    old.status = 'active'
      and new.status = 'active'
      and not old.roles <@ new.roles
      and not 'owner' = any(new.roles)
  )
  execute function usher.tg_organisation_members__lose_directory_roles();

-- sql/50_mail/01_deliveries.sql

-- Deliveries: one row is one mail to one address, from queued to its end.
--
-- queued ─▶ sending ─▶ sent │ failed;   sending ─(refused for now)─▶ queued;   failed ─(by hand)─▶ queued;
-- queued ─▶ cancelled (its invite is no longer open) │ suppressed (04_suppressed_addresses.sql);
-- sent ─▶ delivered │ opened │ bounced │ complained, as the mail provider tells (09_delivery_events.sql).
--
-- A row follows a line of the trail (70_worker/01_event_mails.sql). A worker leases rows (08_delivery_turns.sql),
-- renders, sends and says what the mail server answered. A lease that runs out is taken over by another worker: at
-- least once, never lost. Each lease carries a fence, so that a worker that was only asleep cannot send or record any
-- more.
--
-- Reading needs invite.read.

create function usher.mailbox(email text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- An address that is nothing but a tag (+a@…) is its own: without it, strangers would share one.
  return regexp_replace(lower(mailbox.email collate "und-x-icu"), '^([^+@]+)\+[^@]*@', '\1@');
end
$$;
comment on function usher.mailbox
  is $$Where mails to a normalised address arrive: the address without its +tag, so that ann+1@example.com and
ann+2@example.com are one mailbox. For what is about being left in peace: allowances, stopping mail, complaints.
Who somebody is, is never asked of it.

Source: RFC 5233, subaddressing.$$;

create table public.organisation_deliveries (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid references public.organisations on delete cascade,
  event_id uuid,
  invite_id uuid references usher.invites on delete cascade,
  member_id uuid references public.organisation_members on delete cascade,
  issue integer,
  kind text not null,
  recipient text not null,
  mailbox text generated always as (usher.mailbox(recipient)) stored,
  caused_by uuid,
  locale text,
  is_bulk boolean not null default false,
  status text not null default 'queued',
  attempts integer not null default 0,
  due_at timestamptz not null default now(),
  fence bigint not null default 0,
  leased_by text,
  in_doubt_at timestamptz,
  last_response text,
  last_status_code text,
  provider_message_id text,
  facts jsonb not null default '{}',
  is_paced boolean not null default false,
  taken_at timestamptz,
  dedupe_key bytea,
  sent_at timestamptz,
  delivered_at timestamptz,
  opened_at timestamptz,
  bounced_at timestamptz,
  complained_at timestamptz,
  created_at timestamptz not null default now(),
  constraint organisation_deliveries_kind check (
    kind in (
      'invite',
      'invite_reminder',
      'invite_accepted',
      'invite_declined',
      'invite_expired',
      'invite_resend_requested',
      'member_roles_updated',
      'member_removed',
      'member_banned',
      'ownership_transferred',
      'access_ending',
      'access_ended',
      'join_requested',
      'join_approved',
      'join_declined',
      'device_enrolled',
      'access_review_started',
      'access_review_overdue',
      'webhook_disabled',
      'invites_lost_right',
      'credentials_lost_right',
      'auth'
    )
  ),
  constraint organisation_deliveries_tenant check (
    (organisation_id is null) = (kind = 'auth')
  ),
  constraint organisation_deliveries_subject check (
    num_nonnulls(invite_id, member_id) <= 1
  ),
  constraint organisation_deliveries_status check (
    status in (
      'queued',
      'sending',
      'sent',
      'failed',
      'cancelled',
      'suppressed',
      'delivered',
      'opened',
      'bounced',
      'complained'
    )
  ),
  constraint organisation_deliveries_sent check (
    (status in ('sent', 'delivered', 'opened', 'bounced', 'complained')) = (
      sent_at is not null
    )
  )
);
comment on table public.organisation_deliveries
  is 'Mails, sent and to be sent. The Message-ID is the id. Read with invite.read; written by functions only.';
comment on column public.organisation_deliveries.organisation_id
  is 'Null for mails of Supabase Auth only, which no member can read: see 50_mail/10_auth_mails.sql.';
comment on column public.organisation_deliveries.event_id
  is 'The line of the audit trail that it follows; null for mails of Supabase Auth.';
comment on column public.organisation_deliveries.mailbox
  is 'Where it arrives: recipient without its +tag. Allowances and stopping mail go by it.';
comment on column public.organisation_deliveries.caused_by
  is 'The account whose call caused it; null where nobody was signed in, or the worker did.';
comment on column public.organisation_deliveries.taken_at
  is 'When a worker took it last: from then on it counts against the allowances, unless it was no longer to be sent.';
comment on column public.organisation_deliveries.is_paced
  is 'Whether its due_at is a place in the line of its organisation and its recipient''s domain.';
comment on column public.organisation_deliveries.dedupe_key
  is 'Tells that a mail of Supabase Auth was asked for before.';
comment on column public.organisation_deliveries.opened_at
  is 'When it was first opened; only where the organisation allows it, and its mail provider tells.';
comment on column public.organisation_deliveries.issue
  is 'Which issue of the invite it announces.';
comment on column public.organisation_deliveries.facts
  is 'What a mail says beside its invite, as it was when it was caused: roles, by whom, the reason.';
comment on column public.organisation_deliveries.due_at
  is 'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';
comment on column public.organisation_deliveries.fence
  is 'Goes up with each lease; older holders are refused.';
comment on column public.organisation_deliveries.in_doubt_at
  is 'When a connection was lost after the mail had gone out: it may have arrived. One more try follows.';

create index organisation_deliveries_due on public.organisation_deliveries (
  is_bulk,
  due_at
)
  where status in ('queued', 'sending');
-- For fair turns (08_delivery_turns.sql): from one organisation to the next, and in each what has waited longest.
create index organisation_deliveries_turns on public.organisation_deliveries (
  is_bulk,
  organisation_id,
  due_at
)
  where status in ('queued', 'sending');
create index organisation_deliveries_leased on public.organisation_deliveries (
  due_at
)
  where status = 'sending';
-- For allowances; a mail is in them once it was taken, so that they cost its sender nothing.
create index organisation_deliveries_mailbox on public.organisation_deliveries (
  mailbox,
  taken_at desc
)
  where taken_at is not null;
create index organisation_deliveries_caused_by
  on public.organisation_deliveries (caused_by, is_bulk, taken_at desc)
  where taken_at is not null;
create index organisation_deliveries_organisation_id
  on public.organisation_deliveries (organisation_id, created_at desc);
create index organisation_deliveries_invite_id
  on public.organisation_deliveries (invite_id);
create index organisation_deliveries_member_id
  on public.organisation_deliveries (member_id)
  where member_id is not null;
create index organisation_deliveries_provider_message_id
  on public.organisation_deliveries (provider_message_id)
  where provider_message_id is not null;
-- What follows a line of the trail follows it once.
create unique index organisation_deliveries_once
  on public.organisation_deliveries (event_id, kind, recipient)
  where event_id is not null;
create unique index organisation_deliveries_dedupe_key
  on public.organisation_deliveries (dedupe_key)
  where dedupe_key is not null;

alter table public.organisation_deliveries enable row level security;
create policy organisation_deliveries_select
  on public.organisation_deliveries
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on public.organisation_deliveries to authenticated, service_role;

create function usher.delivery_status(
  status text,
  attempts integer,
  due_at timestamptz
) returns text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select case when $1 = 'queued' and $2 = 0 and $3 > clock_timestamp() then 'delayed' else $1 end $$;
comment on function usher.delivery_status
  is $$The status of a mail, and delayed for one that was never tried and is due later: an allowance or a pace of
50_mail/07_delivery_pace.sql delays it. It is not stuck.$$;

create function usher.erased_recipient(delivery_id uuid) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select 'erased@' || $1 || '.invalid' $$;
comment on function usher.erased_recipient
  is 'What stands in the place of a mail''s recipient who was erased (90_operators/06_erasure.sql).';

create function usher.response_to_keep(
  delivery public.organisation_deliveries,
  response text
) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select case when ($1).recipient <> usher.erased_recipient(($1).id) then left($2, 1000) end $$;
comment on function usher.response_to_keep
  is $$What is kept of a mail server's answer: 1,000 characters. Of a mail whose recipient was erased, nothing: answers
repeat the address.$$;

-- sql/50_mail/02_mail_transport.sql

-- The way out: whether whoever takes our mails takes any, and how what goes out is signed.
--
-- A quota that is used up, a sender that is not verified or a wrong password say nothing of a mail, and all that follow
-- fare alike. Three refusals in a row, with no mail taken between them, stop the way; one that a server happens to
-- dislike stops nothing. When the pause is over one mail is tried: taken, it opens the way; refused, the pause is twice
-- as long, up to half an hour. Meanwhile mails stay queued, and count no tries.

create table usher.mail_transport (
  is_only_row boolean primary key default true,
  refusals integer not null default 0,
  refused_since timestamptz,
  stopped_until timestamptz,
  is_tried boolean not null default false,
  last_response text,
  last_status_code text,
  signed_by text,
  signing_key text,
  signed_at timestamptz,
  constraint mail_transport_is_only_row check (is_only_row),
  constraint mail_transport_bounds check (
    refusals >= 0
      and length(last_response) <= 1000
      and length(last_status_code) <= 20
      and length(signed_by) <= 500
      and length(signing_key) <= 2000
  )
);
comment on table usher.mail_transport
  is 'What is known of the mail server or provider, in one row; none, as long as nothing is.';
comment on column usher.mail_transport.refusals
  is 'How often it has refused us since it took a mail the last time; while it is stopped they are not counted.';
comment on column usher.mail_transport.refused_since
  is 'When it did so first; null: it takes mails.';
comment on column usher.mail_transport.stopped_until
  is 'Until then no mail is tried.';
comment on column usher.mail_transport.is_tried
  is 'Whether one mail is under way to see whether it takes mails again.';
comment on column usher.mail_transport.signed_by
  is 'Where DNS has the key with which the worker signed the last mail that was taken; null: it does not sign.';
comment on column usher.mail_transport.signing_key
  is 'The public half of that key, as it stands behind p=.';
alter table usher.mail_transport enable row level security;
create policy mail_transport_nobody
  on usher.mail_transport
  for select
  to public
  using (false);

create function usher.note_refusal(response text, status_code text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_now       timestamptz := clock_timestamp();
  v_transport usher.mail_transport;
begin
  insert into usher.mail_transport (is_only_row) values (true) on conflict do nothing;
  select t.* into strict v_transport from usher.mail_transport t for update;
  -- Those that were under way when it was stopped say nothing new.
  if v_transport.stopped_until > v_now and not v_transport.is_tried then
    return;
  end if;
  v_transport.refusals := v_transport.refusals + 1;
  update usher.mail_transport t
  set refusals = v_transport.refusals,
    refused_since = coalesce(t.refused_since, v_now),
    is_tried = false,
    -- A minute at the third, then twice as long each time.
    stopped_until = case when v_transport.refusals >= 3 then v_now
      + least(interval '1 minute' * 2 ^ least(v_transport.refusals - 3, 10), interval '30 minutes') end,
    last_response = left(note_refusal.response, 1000),
    last_status_code = left(note_refusal.status_code, 20);
end
$$;
comment on function usher.note_refusal
  is 'Writes down that the mail server or provider has refused us, and stops the way at the third time in a row.';

create function usher.note_taken() returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Without a write for each mail while all is well.
  update usher.mail_transport t
  set refusals = 0, refused_since = null, stopped_until = null, is_tried = false
  where t.refused_since is not null;
end
$$;
comment on function usher.note_taken
  is 'Writes down that a mail was taken: the way is open.';

create function usher.mails_to_try(
  batch_size integer,
  lease interval
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  if not exists (select from usher.mail_transport t where t.stopped_until is not null) then
    return mails_to_try.batch_size;
  end if;
  -- One mail of one worker; where nothing comes of it, the next is tried when its lease is over.
  update usher.mail_transport t
  set is_tried = true, stopped_until = v_now + mails_to_try.lease
  where t.stopped_until <= v_now;
  return case when found then least(mails_to_try.batch_size, 1) else 0 end;
end
$$;
comment on function usher.mails_to_try
  is 'How many mails a worker may take now: all that it wants, none while the way is stopped, one after the pause.';

create function usher.note_signature(
  signed_by text,
  signing_key text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into usher.mail_transport as t (signed_by, signing_key, signed_at)
  values (left(note_signature.signed_by, 500), left(note_signature.signing_key, 2000), clock_timestamp())
  on conflict on constraint mail_transport_pkey do update
  set signed_by = excluded.signed_by, signing_key = excluded.signing_key, signed_at = excluded.signed_at;
end
$$;
comment on function usher.note_signature
  is $$Writes down how a mail was signed that was taken, for usher doctor. For workers, at their first mail.

  signed_by    where DNS has the key, such as mail._domainkey.example.com; null: the worker does not sign
  signing_key  its public half, in base64$$;
grant execute on function usher.note_signature to usher_worker;

create function usher.is_mail_stopped() returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$ select exists (select from usher.mail_transport t where t.stopped_until is not null) $$;
comment on function usher.is_mail_stopped
  is 'Whether mails wait because the mail server or provider refuses us. For the worker''s health and metrics.';
grant execute on function usher.is_mail_stopped to usher_worker;

-- sql/50_mail/03_erased_stops.sql

-- Erased stops: that an address wants no mail, kept as a hash, so that it outlives the address itself.

create table usher.suppressed_addresses (
  email text primary key,
  reason text not null default 'bounce',
  status_code text,
  created_at timestamptz not null default now(),
  constraint suppressed_addresses_reason check (
    reason in ('bounce', 'complaint', 'operator')
  )
);
comment on table usher.suppressed_addresses
  is 'Addresses that nothing is sent to. usher.lift_suppression takes one off.';
comment on column usher.suppressed_addresses.reason
  is 'bounce: a mail server said that it does not exist; complaint: its owner called a mail spam; operator: by hand.';
comment on column usher.suppressed_addresses.status_code
  is 'What the mail server said, such as 5.1.1 (RFC 3463).';
create index suppressed_addresses_mailbox on usher.suppressed_addresses (
  usher.mailbox(email)
)
  where reason = 'complaint';
alter table usher.suppressed_addresses enable row level security;
create policy suppressed_addresses_nobody
  on usher.suppressed_addresses
  for select
  to public
  using (false);

create table usher.mail_opt_outs (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid references public.organisations on delete cascade,
  email text not null,
  created_at timestamptz not null default now(),
  constraint mail_opt_outs_bounds check (length(email) <= 254)
);
comment on table usher.mail_opt_outs
  is 'Who has stopped invites and reminders of which organisation; only they start them again.';
comment on column usher.mail_opt_outs.organisation_id
  is 'Null: of all organisations, also of those to come.';
comment on column usher.mail_opt_outs.email
  is 'The mailbox, as usher.mailbox makes it of an address: without a +tag.';
create unique index mail_opt_outs_key on usher.mail_opt_outs (
  email,
  organisation_id
)
  nulls not distinct;
create index mail_opt_outs_organisation_id on usher.mail_opt_outs (
  organisation_id
);
alter table usher.mail_opt_outs enable row level security;
create policy mail_opt_outs_nobody
  on usher.mail_opt_outs
  for select
  to public
  using (false);

create table usher.erased_stops (
  id uuid primary key default gen_random_uuid(),
  hash bytea not null,
  place text not null,
  organisation_id uuid references public.organisations on delete cascade,
  kept jsonb not null,
  constraint erased_stops_place check (
    place in ('mail_opt_outs', 'suppressed_addresses')
  )
);
comment on table usher.erased_stops
  is $$Of erased people, what stopped mail to them: a salted hash in place of the address. Somebody who wants no
mail, and to be forgotten, is not to be mailed anew because we have forgotten that they want none.$$;
comment on column usher.erased_stops.kept
  is 'The row as it was, without its address.';
create index erased_stops_hash on usher.erased_stops (hash);
create index erased_stops_organisation_id on usher.erased_stops (
  organisation_id
);
alter table usher.erased_stops enable row level security;
create policy erased_stops_nobody
  on usher.erased_stops
  for select
  to public
  using (false);

create table usher.erased_deliveries (
  delivery_id uuid primary key references public.organisation_deliveries
    on delete cascade,
  recipient_hash bytea not null,
  mailbox_hash bytea not null
);
comment on table usher.erased_deliveries
  is $$Mails to people erased since: a salted hash of whom they went to, so that a stop, a complaint or a bounce that
comes of them later still holds for the mailbox.$$;
comment on column usher.erased_deliveries.mailbox_hash
  is 'Of the address without its +tag.';
create index erased_deliveries_recipient_hash on usher.erased_deliveries (
  recipient_hash
);
alter table usher.erased_deliveries enable row level security;
create policy erased_deliveries_nobody
  on usher.erased_deliveries
  for select
  to public
  using (false);

create function usher.keep_stops(emails text[]) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  with gone as (
    delete from usher.mail_opt_outs o where o.email = any (keep_stops.emails) returning o.*
  )
  insert into usher.erased_stops (hash, place, organisation_id, kept)
  select usher.address_hash(g.email), 'mail_opt_outs', g.organisation_id, to_jsonb(g) - 'email' from gone g;
  with gone as (
    delete from usher.suppressed_addresses s where s.email = any (keep_stops.emails) returning s.*
  )
  insert into usher.erased_stops (hash, place, kept)
  -- A complaint holds for the mailbox, whatever tag comes next.
  select usher.address_hash(case g.reason when 'complaint' then usher.mailbox(g.email) else g.email end),
    'suppressed_addresses', to_jsonb(g) - 'email'
  from gone g;
end
$$;
comment on function usher.keep_stops
  is 'Puts hashes in the place of these addresses, where they stop mail.';

create function usher.keep_late_suppression(
  delivery_id uuid,
  reason text,
  status_code text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into usher.erased_stops (hash, place, kept)
  select k.hash, 'suppressed_addresses', jsonb_build_object(
    'reason', keep_late_suppression.reason, 'status_code', keep_late_suppression.status_code, 'created_at', now())
  from usher.erased_deliveries e
  cross join lateral (
    select case keep_late_suppression.reason when 'complaint' then e.mailbox_hash else e.recipient_hash end as hash) k
  where e.delivery_id = keep_late_suppression.delivery_id and not exists (
    select from usher.erased_stops s
    where s.hash = k.hash and s.place = 'suppressed_addresses' and s.kept ->> 'reason' = keep_late_suppression.reason);
end
$$;
comment on function usher.keep_late_suppression
  is 'usher.suppress_address, for a mail whose recipient was erased before it came back or was complained about.';

create function usher.keep_late_stop(
  delivery_id uuid,
  organisation_id uuid
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into usher.erased_stops (hash, place, organisation_id, kept)
  select e.mailbox_hash, 'mail_opt_outs', keep_late_stop.organisation_id, jsonb_build_object(
    'id', gen_random_uuid(), 'organisation_id', keep_late_stop.organisation_id, 'created_at', now())
  from usher.erased_deliveries e
  where e.delivery_id = keep_late_stop.delivery_id
    and not exists (
      select from usher.erased_stops s
      where s.hash = e.mailbox_hash and s.place = 'mail_opt_outs'
        and s.organisation_id is not distinct from keep_late_stop.organisation_id)
    -- Somebody may have entered the address again meanwhile.
    and not exists (
      select from usher.mail_opt_outs o
      where o.organisation_id is not distinct from keep_late_stop.organisation_id
        and usher.address_hash(o.email) = e.mailbox_hash);
  return found;
end
$$;
comment on function usher.keep_late_stop
  is $$Stops mail, of an organisation or (null) of all, to someone erased since they got one. Returns whether it was not
stopped before.$$;

create function usher.lift_erased_stop(
  hash bytea,
  organisation_id uuid
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  delete from usher.erased_stops s
  where s.hash = lift_erased_stop.hash and s.place = 'mail_opt_outs'
    and s.organisation_id is not distinct from lift_erased_stop.organisation_id;
  return found;
end
$$;
comment on function usher.lift_erased_stop
  is 'Takes back a stop that is kept by the hash of its mailbox. Returns whether there was one.';

create function usher.bring_back_stops(recipients text[]) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- In most projects nobody was erased who had stopped anything.
  if not exists (select from usher.erased_stops) then
    return;
  end if;
  -- The address is here again, because somebody has entered it again: then what it wants is, too. Also the one
  -- without its tag, which a stop may be kept for.
  with known as materialized (
    select distinct k.email
    from unnest(bring_back_stops.recipients) r
    cross join lateral (values (r), (usher.mailbox(r))) k (email)
  ), back as (
    delete from usher.erased_stops s
    using known k
    where s.hash = usher.address_hash(k.email)
    returning s.place, s.kept || jsonb_build_object('email', k.email) as stop
  ), opt_outs as (
    insert into usher.mail_opt_outs
    select (jsonb_populate_record(null::usher.mail_opt_outs, b.stop)).* from back b where b.place = 'mail_opt_outs'
    on conflict do nothing
  )
  insert into usher.suppressed_addresses as a
  select (jsonb_populate_record(null::usher.suppressed_addresses, b.stop)).*
  from (
    -- Of several, what weighs most, as in usher.suppress_address.
    select distinct on (k.stop ->> 'email') k.stop
    from back k
    where k.place = 'suppressed_addresses'
    order by k.stop ->> 'email', k.stop ->> 'reason' = 'bounce'
  ) b
  on conflict on constraint suppressed_addresses_pkey do update
  set reason = excluded.reason, status_code = excluded.status_code
  where a.reason = 'bounce' and excluded.reason <> 'bounce';
end
$$;
comment on function usher.bring_back_stops
  is 'What stopped mail to these normalised addresses before they were erased, or by a mail of before, stops it again.';

create function usher.tg_organisation_deliveries__bring_back_stops() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.bring_back_stops(array(select d.recipient from new_deliveries d));
  return null;
end
$$;
comment on function usher.tg_organisation_deliveries__bring_back_stops
  is 'Before a new mail to an address that was erased goes out: what stopped mail to it stops it again.';

create trigger usher_bring_back_stops
  after insert
  on public.organisation_deliveries
  referencing new table as new_deliveries
  for each statement
  execute function usher.tg_organisation_deliveries__bring_back_stops();

-- sql/50_mail/04_suppressed_addresses.sql

-- Addresses that get no mail: those that do not exist, whose owner complained, or who asked one
-- organisation, or all of them, to stop.
--
-- The first two hold for the whole project, because they are about the address and about the sender's good
-- name. The third is about invites only: who is a member still hears what happens to their own membership.
--
-- What a person wants, a complaint or a stop, holds for their mailbox, whatever +tag is written behind its name.
-- That an address does not exist is told of the address as it was written: where tags mean nothing, ann+1@ may
-- not exist while ann@ does.

create function usher.suppress_address(
  email text,
  reason text,
  status_code text default null
) returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  insert into usher.suppressed_addresses as s (email, reason, status_code)
  values ($1, $2, $3)
  on conflict on constraint suppressed_addresses_pkey do update
  -- A complaint weighs more than a bounce: it says that the mail came, and was not wanted.
  set reason = excluded.reason, status_code = excluded.status_code
  where s.reason = 'bounce' and excluded.reason <> 'bounce'
$$;
comment on function usher.suppress_address
  is 'Puts an address on the list of those that nothing is sent to: bounce, complaint or operator.';

create function usher.suppress_recipient(
  delivery public.organisation_deliveries,
  reason text,
  status_code text default null
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries := suppress_recipient.delivery;
begin
  if v_delivery.recipient = usher.erased_recipient(v_delivery.id) then
    perform usher.keep_late_suppression(v_delivery.id, suppress_recipient.reason, suppress_recipient.status_code);
  else
    perform usher.suppress_address(v_delivery.recipient, suppress_recipient.reason, suppress_recipient.status_code);
  end if;
end
$$;
comment on function usher.suppress_recipient
  is 'usher.suppress_address, for whom a mail went to; by a hash, where they were erased since.';

create function usher.is_suppressed(email text, mailbox text) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (select from usher.suppressed_addresses s where s.email = is_suppressed.email)
    or exists (
      select from usher.suppressed_addresses s
      where s.reason = 'complaint' and usher.mailbox(s.email) = is_suppressed.mailbox);
end
$$;
comment on function usher.is_suppressed
  is 'Whether nothing is sent to a normalised address: it is on the list, or its mailbox is, by a complaint.';

create function usher.lift_suppression(email text) returns boolean
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email  text := usher.normalise_email(lift_suppression.email);
  v_lifted integer;
  v_erased integer;
begin
  delete from usher.suppressed_addresses s
  where s.email = v_email or s.reason = 'complaint' and usher.mailbox(s.email) = usher.mailbox(v_email);
  get diagnostics v_lifted = row_count;
  delete from usher.erased_stops s
  where s.place = 'suppressed_addresses' and (s.hash = usher.address_hash(v_email)
    or s.kept ->> 'reason' = 'complaint' and s.hash = usher.address_hash(usher.mailbox(v_email)));
  get diagnostics v_erased = row_count;
  return v_lifted + v_erased > 0;
end
$$;
comment on function usher.lift_suppression
  is $$Lets mails go to an address again, whatever stopped them; for operators. Returns whether it was on the list.
What its owner has stopped, of one organisation or of all, stays stopped.$$;

create function usher.lift_mail_suppression(
  organisation_id uuid,
  email text
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members :=
    usher.require_permission(lift_mail_suppression.organisation_id, 'invite.resend', 'share');
  v_email  text := usher.normalise_email(lift_mail_suppression.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  -- Only where this organisation has met it, so that nobody can ask which addresses are on the list.
  delete from usher.suppressed_addresses s
  where s.email = v_email and s.reason = 'bounce'
    and exists (
      select from public.organisation_deliveries d
      where d.organisation_id = v_member.organisation_id and d.recipient = v_email
        and d.status in ('failed', 'bounced', 'suppressed'));
  if not found then
    return false;
  end if;
  perform usher.take_allowance('lifted:' || v_member.organisation_id, 1, 50, interval '1 day');
  perform usher.record_event(v_member.organisation_id, 'mail.suppression_lifted', 'organisation',
    v_member.organisation_id);
  return true;
end
$$;
comment on function usher.lift_mail_suppression
  is 'The rule behind public.lift_organisation_mail_suppression.';

create function public.lift_organisation_mail_suppression(
  organisation_id uuid,
  email text
) returns boolean
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.lift_mail_suppression($1, $2) $$;
comment on function public.lift_organisation_mail_suppression
  is $$Lets mails go again to an address that a mail server said does not exist: for a mailbox that was made since.

  email  one that a mail of this organisation came back from

Returns whether it was stopped for that. Complaints, and what its owner has stopped, stay. Needs invite.resend;
50 a day. Fails with unauthenticated, organisation_not_found, permission_denied, invalid_email, rate_limited.$$;
grant execute on function public.lift_organisation_mail_suppression to authenticated;
grant execute on function usher.lift_mail_suppression to authenticated;

-- sql/50_mail/05_stopping_mail.sql

-- Stopping mail: the link at the foot of each mail, which anyone who holds it may follow.

-- The link that stops them: stp_ and the base64url of version, key id, delivery id and HMAC (51 bytes, 68
-- characters). It opens nothing but this, so it may stand in a header that mail programs and servers read.

create function usher.mint_stop_token(delivery_id uuid) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_key_id  smallint := usher.ensure_signing_key();
  -- Another version than a token of an invite, so that neither can be taken for the other.
  v_payload bytea := '\x02'::bytea || int2send(v_key_id) || uuid_send(mint_stop_token.delivery_id);
begin
  return 'stp_' || translate(
    encode(v_payload || extensions.hmac(v_payload, usher.signing_key_secret(v_key_id), 'sha256'), 'base64'),
    e'+/\n', '-_');
end
$$;
comment on function usher.mint_stop_token
  is $$The token with which the recipient of this mail stops more of the same. Never stored; it works for as long as
its signing key is there, 30 days after a rotation at least. Source: RFC 8058 section 3.1.$$;

create function usher.verify_stop_token(token text) returns uuid
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
  if verify_stop_token.token is null or length(verify_stop_token.token) <> 72
    or verify_stop_token.token !~ '^stp_[A-Za-z0-9_-]+$'
  then
    return null;
  end if;
  v_bytes := decode(translate(substring(verify_stop_token.token from 5), '-_', '+/'), 'base64');
  v_secret := usher.signing_key_secret(get_byte(v_bytes, 1) * 256 + get_byte(v_bytes, 2));
  -- Compared in constant time, as usher.verify_invite_token does.
  if get_byte(v_bytes, 0) <> 2 or v_secret is null
    or extensions.hmac(extensions.hmac(substring(v_bytes from 1 for 19), v_secret, 'sha256'), v_blind, 'sha256')
      <> extensions.hmac(substring(v_bytes from 20), v_blind, 'sha256')
  then
    return null;
  end if;
  return encode(substring(v_bytes from 4 for 16), 'hex')::uuid;
end
$$;
comment on function usher.verify_stop_token
  is 'The delivery that a stop token was minted for; null when it is none of ours.';

create function usher.stop_mail(
  token text,
  stop boolean default true,
  everywhere boolean default false
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery        public.organisation_deliveries;
  v_organisation_id uuid;
  v_is_erased       boolean;
  v_is_news         boolean;
  v_hash            bytea;
begin
  select d.* into v_delivery
  from public.organisation_deliveries d where d.id = usher.verify_stop_token(stop_mail.token);
  perform usher.lock_organisation(v_delivery.organisation_id, 'share');
  select d.* into v_delivery from public.organisation_deliveries d where d.id = v_delivery.id;
  if not found or v_delivery.organisation_id is null then
    perform usher.fail('invite_invalid');
  end if;
  v_is_erased := v_delivery.recipient = usher.erased_recipient(v_delivery.id);
  v_hash := case when v_is_erased
    then (select e.mailbox_hash from usher.erased_deliveries e where e.delivery_id = v_delivery.id)
    else usher.address_hash(v_delivery.mailbox) end;
  -- Erased by a version that kept nothing of whom it went to: then nothing can be promised.
  if v_is_erased and v_hash is null then
    perform usher.fail('invite_invalid');
  end if;
  if stop_mail.everywhere is not true then
    v_organisation_id := v_delivery.organisation_id;
  end if;

  if stop_mail.stop and v_is_erased then
    v_is_news := usher.keep_late_stop(v_delivery.id, v_organisation_id);
  elsif stop_mail.stop then
    insert into usher.mail_opt_outs (organisation_id, email)
    values (v_organisation_id, v_delivery.mailbox)
    on conflict do nothing;
    v_is_news := found;
  else
    -- The address may have been erased, or entered again, since it was stopped.
    delete from usher.mail_opt_outs o
    where o.organisation_id is not distinct from v_organisation_id
      and case when v_is_erased then usher.address_hash(o.email) = v_hash else o.email = v_delivery.mailbox end;
    v_is_news := found;
    v_is_news := usher.lift_erased_stop(v_hash, v_organisation_id) or v_is_news;
  end if;
  -- Of all, the trail of the one whose mail it was says so; that of others would tell them of their absence.
  if v_is_news then
    perform usher.record_event(v_delivery.organisation_id,
      case when stop_mail.stop then 'mail.stopped' else 'mail.resumed' end, 'delivery', v_delivery.id,
      actor_kind => 'invitee');
  end if;
  return (select o.name from public.organisations o where o.id = v_delivery.organisation_id);
end
$$;
comment on function usher.stop_mail
  is 'The rule behind public.stop_organisation_mail.';
grant execute on function usher.stop_mail to usher_worker;

create function public.stop_organisation_mail(
  token text,
  stop boolean default true,
  everywhere boolean default false
) returns text
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.speak_to_invitee();
  select usher.stop_mail($1, $2, $3);
$$;
comment on function public.stop_organisation_mail
  is $$Stops invites and reminders of an organisation, or of all of them, to the mailbox that a mail went to: also to
the same address with another +tag.

  token       as the mail's link to stop carries it; it is good for nothing else
  stop        false takes it back: of the organisation, or with everywhere what was stopped of all
  everywhere  true: of every organisation, also of those to come; otherwise only the one that sent the mail

Returns the name of the organisation that sent the mail, also when it was stopped before. Whoever holds the link
may, with or without an account. Fails with invite_invalid.$$;
grant execute on function public.stop_organisation_mail to anon, authenticated, service_role;
grant execute on function usher.stop_mail to anon, authenticated, service_role;

-- sql/50_mail/06_sending.sql

-- Sending: what a worker gets to send a mail, and what it says of the outcome.
--
-- Each lease carries a fence: a worker that was only asleep cannot send or record any more.

create function usher.record_turn(
  delivery public.organisation_deliveries,
  event text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries := record_turn.delivery;
begin
  -- Mails of Supabase Auth belong to no organisation, and so to no trail.
  if v_delivery.organisation_id is null then
    return;
  end if;
  perform usher.record_event(v_delivery.organisation_id, record_turn.event, 'delivery', v_delivery.id,
    after      => jsonb_strip_nulls(jsonb_build_object(
      'kind', v_delivery.kind, 'invite_id', v_delivery.invite_id, 'attempts', v_delivery.attempts,
      'status_code', v_delivery.last_status_code)),
    actor_kind => 'worker');
end
$$;
comment on function usher.record_turn
  is 'Adds what became of a mail to the trail of its organisation: which mail and what, never to whom.';

create function usher.mark_bounced(
  delivery public.organisation_deliveries
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries := mark_bounced.delivery;
begin
  update usher.invites i
  set bounced_at = now()
  where i.id = v_delivery.invite_id and i.issue = v_delivery.issue
    and v_delivery.kind in ('invite', 'invite_reminder');
end
$$;
comment on function usher.mark_bounced
  is 'Shows on an invite that its mail did not arrive, unless it has been sent again since.';

create type usher.delivery_lease as (
  delivery_id uuid,
  fence bigint,
  attempts integer
);
comment on type usher.delivery_lease
  is 'A delivery that a worker may send now, and the fence to name with it.';

create function usher.prepare_delivery(
  delivery_id uuid,
  fence bigint
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery     public.organisation_deliveries;
  v_invite       usher.invites;
  v_invite_id    uuid;
  v_organisation public.organisations;
  v_inviter      public.organisation_members;
  v_template     public.organisation_email_templates;
  v_settings     usher.settings;
  v_is_offer     boolean;
  v_locale       text;
  v_link         text;
  v_stop_token   text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d
    where d.id = prepare_delivery.delivery_id), 'exists');
  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = prepare_delivery.delivery_id
    and d.fence = prepare_delivery.fence
    and d.status = 'sending'
    and d.due_at > clock_timestamp()
  for update;
  if not found then
    return null;
  end if;

  v_invite_id := v_delivery.invite_id;
  -- A mail of Supabase Auth to somebody who is invited says to what.
  if v_delivery.kind = 'auth' then
    select i.id into v_invite_id
    from usher.invites i
    where i.email = v_delivery.recipient and i.status = 'pending' and i.expires_at > clock_timestamp()
    order by i.created_at desc
    limit 1;
  end if;
  select i.* into v_invite from usher.invites i where i.id = v_invite_id;
  -- By the link of a mail from before they were erased, its reader may have stopped this one, too.
  perform usher.bring_back_stops(array[v_delivery.recipient]);
  if usher.end_undeliverable(v_delivery, v_invite) then
    return null;
  end if;

  v_is_offer := v_delivery.kind in ('invite', 'invite_reminder');
  select s.* into strict v_settings from usher.settings s;
  select o.* into v_organisation
  from public.organisations o where o.id = coalesce(v_delivery.organisation_id, v_invite.organisation_id);
  select m.* into v_inviter
  from public.organisation_members m
  where m.organisation_id = v_invite.organisation_id and m.user_id = v_invite.invited_by;

  v_locale := coalesce(v_delivery.locale, v_invite.locale, v_organisation.locale, 'en');
  v_template := usher.template_for_mail(v_delivery.kind, v_organisation.id, v_locale,
    case when v_delivery.kind = 'invite' then v_invite.template_id end);
  if v_is_offer then
    v_link := v_settings.site_url || '/invite#' || usher.mint_invite_token(v_invite.id, is_mailed => true);
    v_stop_token := usher.mint_stop_token(v_delivery.id);
  end if;

  return jsonb_build_object(
    'id', v_delivery.id,
    'kind', v_delivery.kind,
    'to', v_delivery.recipient,
    'locale', coalesce(v_template.locale, v_locale),
    -- Judged at this moment: the member may have left since, or the domain been lost.
    'reply_to', case when usher.may_take_answers(v_organisation.id, v_organisation.reply_to)
      then v_organisation.reply_to end,
    'site_url', v_settings.site_url,
    'link', v_link,
    'stop_link', v_settings.site_url || '/stop-mail#' || v_stop_token,
    'one_click_stop_url', v_settings.functions_url || '/stop-mail?token=' || v_stop_token,
    'track_opens', coalesce(v_organisation.track_opens, false),
    'template_id', v_template.id,
    'template', case when v_template.id is not null then jsonb_build_object(
      'subject', v_template.subject, 'heading', v_template.heading,
      'body', v_template.body, 'button', v_template.button) end,
    'organisation', case when v_organisation.id is not null then jsonb_build_object(
      'id', v_organisation.id,
      'name', v_organisation.name,
      'sender_name', coalesce(v_organisation.sender_name, v_organisation.name),
      'logo_url', v_organisation.logo_url,
      'accent_colour', v_organisation.accent_colour) end,
    'facts', v_delivery.facts,
    'invite', case when v_invite.id is not null then jsonb_build_object(
      'id', v_invite.id,
      'email', v_invite.email,
      'device_name', v_invite.device_name,
      'roles', v_invite.roles,
      'inviter_name', v_inviter.display_name,
      'inviter_email', v_inviter.email,
      'message', v_invite.message,
      'expires_at', v_invite.expires_at,
      'decline_reason', v_invite.declined_reason,
      'membership_ends_at', v_invite.membership_ends_at) end);
end
$$;
comment on function usher.prepare_delivery
  is $$All that a leased mail needs, read at this moment, with a token of its own. For workers, just before
sending.

Null when it is not to be sent any more: the fence is old, its invite is no longer open or was sent again
(the delivery is then cancelled), or the address gets no mail (it is then suppressed).$$;
grant execute on function usher.prepare_delivery to usher_worker;

create function usher.delivery_end(
  delivery public.organisation_deliveries,
  invite usher.invites
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries := delivery_end.delivery;
  v_invite   usher.invites := delivery_end.invite;
  v_is_offer boolean := v_delivery.kind in ('invite', 'invite_reminder');
begin
  return case
    when usher.is_suppressed(v_delivery.recipient, v_delivery.mailbox)
      or v_is_offer and exists (
        select from usher.mail_opt_outs o
        where o.email = v_delivery.mailbox
          and (o.organisation_id is null or o.organisation_id = v_delivery.organisation_id))
      then 'suppressed'
    when v_is_offer and (
      v_delivery.issue <> v_invite.issue
      or v_invite.status <> 'pending' or v_invite.expires_at <= statement_timestamp()
      or usher.inviter_right_ends_at(v_invite) <= statement_timestamp())
      then 'cancelled'
    -- What it lets its reader do is over by then: Supabase Auth's codes live for an hour unless set otherwise.
    when v_delivery.kind = 'auth' and v_delivery.created_at < clock_timestamp() - interval '1 day'
      then 'cancelled'
  end;
end
$$;
comment on function usher.delivery_end
  is $$Why a mail must no longer go out: suppressed, or cancelled when its invite is no longer open or was sent again.
Null when it may go.$$;

create function usher.end_undeliverable(
  delivery public.organisation_deliveries,
  invite usher.invites
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries := end_undeliverable.delivery;
  v_end      text := usher.delivery_end(v_delivery, end_undeliverable.invite);
begin
  if v_end is null then
    return false;
  end if;

  update public.organisation_deliveries d
  set status = v_end, facts = d.facts - 'sealed', taken_at = null
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;
  if v_end = 'suppressed' then
    perform usher.mark_bounced(v_delivery);
  end if;
  perform usher.record_turn(v_delivery, 'delivery.' || v_end);
  return true;
end
$$;
comment on function usher.end_undeliverable
  is 'Ends a delivery that must not go out any more, cancelled or suppressed. Returns whether it did.';

create function usher.complete_delivery(
  delivery_id uuid,
  fence bigint,
  response text,
  provider_message_id text default null
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d
    where d.id = complete_delivery.delivery_id), 'exists');
  update public.organisation_deliveries d
  set status = 'sent', sent_at = clock_timestamp(),
    last_response = usher.response_to_keep(d, complete_delivery.response),
    last_status_code = null, provider_message_id = complete_delivery.provider_message_id,
    facts = d.facts - 'sealed'
  where d.id = complete_delivery.delivery_id
    and d.fence = complete_delivery.fence
    and d.status = 'sending'
  returning d.* into v_delivery;
  if not found then
    return false;
  end if;
  perform usher.note_taken();
  perform usher.record_turn(v_delivery, 'delivery.sent');
  return true;
end
$$;
comment on function usher.complete_delivery
  is $$Writes down that a mail server took a mail. For workers.

  response             what it answered, kept to 1,000 characters
  provider_message_id  the provider's own id, to match its webhooks

False when the fence is old: another worker has taken over, and what it says counts.$$;
grant execute on function usher.complete_delivery to usher_worker;

create function usher.fail_delivery(
  delivery_id uuid,
  fence bigint,
  failure text,
  response text default null,
  status_code text default null,
  about text default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries;
  -- Where nothing is said of it, a refusal for good is of the recipient.
  v_about    text := coalesce(fail_delivery.about, case when fail_delivery.failure = 'permanent' then
    case when fail_delivery.status_code = '5.1.1' then 'address' else 'recipient' end end);
  v_is_ours  boolean;
  v_tries    integer;
  -- About when a greylist lets through, then rarer; eight tries in two days.
  v_delays   constant interval[] := '{1 minute,5 minutes,30 minutes,2 hours,6 hours,12 hours,1 day}'::interval[];
  v_is_final boolean;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d where d.id = fail_delivery.delivery_id), 'exists');
  if fail_delivery.failure not in ('temporary', 'permanent', 'in_doubt') then
    raise exception 'failure is temporary, permanent or in_doubt, not %', fail_delivery.failure
      using errcode = 'invalid_parameter_value';
  end if;
  if fail_delivery.about not in ('address', 'recipient', 'message', 'sender') then
    raise exception 'about is address, recipient, message or sender, not %', fail_delivery.about
      using errcode = 'invalid_parameter_value';
  end if;

  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = fail_delivery.delivery_id
    and d.fence = fail_delivery.fence
    and d.status = 'sending'
  for update;
  if not found then
    return null;
  end if;

  v_tries := v_delivery.attempts;
  -- What is ours to mend counts no tries, so that none is lost over it; after a month it is nobody's any more.
  v_is_ours := coalesce(v_about = 'sender', false) and fail_delivery.failure = 'temporary'
    and v_delivery.created_at > clock_timestamp() - interval '30 days';
  v_is_final := fail_delivery.failure = 'permanent'
    or fail_delivery.failure = 'in_doubt' and v_delivery.in_doubt_at is not null
    or v_delivery.attempts >= 8 and not v_is_ours;

  update public.organisation_deliveries d
  set status = case when v_is_final then 'failed' else 'queued' end,
    -- A fifth more or less, so that what failed together does not come back together.
    due_at = clock_timestamp() + case when v_is_ours then interval '15 minutes' else v_delays[least(d.attempts, 7)] end
      * (0.8 + 0.4 * random()),
    attempts = case when v_is_ours then greatest(d.attempts - 1, 1) else d.attempts end,
    in_doubt_at = case when fail_delivery.failure = 'in_doubt' then clock_timestamp() else d.in_doubt_at end,
    last_response = usher.response_to_keep(d, fail_delivery.response),
    last_status_code = fail_delivery.status_code,
    facts = case when v_is_final then d.facts - 'sealed' else d.facts end
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if v_about = 'sender' then
    perform usher.note_refusal(v_delivery.last_response, v_delivery.last_status_code);
  end if;
  if fail_delivery.failure = 'permanent' and v_about = 'address' then
    perform usher.suppress_recipient(v_delivery, 'bounce', fail_delivery.status_code);
  end if;
  if v_is_final and v_about in ('address', 'recipient') then
    perform usher.mark_bounced(v_delivery);
  end if;
  -- The trail hears of the first of those that count no tries.
  if v_is_final or not v_is_ours or v_tries = 1 then
    perform usher.record_turn(v_delivery,
      case when v_is_final then 'delivery.failed' else 'delivery.deferred' end);
  end if;
  return v_delivery.status;
end
$$;
comment on function usher.fail_delivery
  is $$Writes down that a mail was not taken, and decides whether it is tried again. For workers.

  failure      temporary: again later, at most eight times in all; permanent: never again; in_doubt: the
               connection was lost after the mail had gone out, so at most one more try
  response     what the mail server answered, kept to 1,000 characters
  status_code  its enhanced status code (RFC 3463)
  about        of whom it speaks. address: it does not exist, and no mail goes there any more; recipient: takes none;
               message: this mail; sender: us, so that no try counts, and three in a row stop all mail for a while
               (02_mail_transport.sql); null: of nobody, and of the recipient where it is for good

Shows on an invite as bounced only where it is of the recipient or their address. Returns the delivery's status,
queued or failed; null when the fence is old. Waiting times grow from a minute to a day, a fifth more or less.
Source: RFC 5321 section 4.5.4.1.$$;
grant execute on function usher.fail_delivery to usher_worker;

-- sql/50_mail/07_delivery_pace.sql

-- Allowances and pace: how many mails go to one mailbox, from one sender, to one domain, in a time.
--
-- Allowances keep people from being bombed, and are always on. One counts what went to a mailbox, of all
-- organisations together; one what one account caused, in all of its organisations. Smaller ones count the
-- same of organisations that are new, so that an account with many of them gains nothing by it, and whatever
-- they send, an older organisation's mail still finds room. What is too much becomes due later, and then stands
-- in turn again. Nobody is told: who floods a mailbox would learn when to stop. Counting is done when a worker
-- looks, from what workers have taken, so that no caller waits for another at a counter.
--
-- A pace is for mail servers that take only so much, and off until it is set. Each mail gets a place in two lines
-- when it first comes up, its organisation's and its recipient's domain's, and is due at the later of the two. Bulk
-- mails stand in lines of their own. This is a leaky bucket: per line one time is kept, that of the next free place.
-- Places with a domain are given for the next minute only, and beyond it each organisation waits in a line of its
-- own: so nobody's thousands are before somebody's one.

create table usher.mail_pace (
  line text primary key,
  next_free_at timestamptz not null
);
comment on table usher.mail_pace
  is 'When the next place is free in a line, such as domain:example.com. Old rows may be deleted.';
alter table usher.mail_pace enable row level security;
create policy mail_pace_nobody
  on usher.mail_pace
  for select
  to public
  using (false);

create function usher.next_place(
  line text,
  step interval,
  not_before timestamptz
) returns timestamptz
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_at    timestamptz := next_place.not_before;
  v_limit timestamptz := next_place.not_before + interval '1 day';
begin
  -- One worker at a time, or two with lines in another order would wait for each other.
  perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
  select greatest(p.next_free_at, v_at) into v_at from usher.mail_pace p where p.line = next_place.line;
  v_at := coalesce(v_at, next_place.not_before);
  if v_at > v_limit then
    -- So far ahead no place is kept: by then it may be moot, and has to be looked at again.
    return v_limit - random() * interval '12 hours';
  end if;
  insert into usher.mail_pace as p (line, next_free_at)
  values (next_place.line, v_at + next_place.step)
  on conflict on constraint mail_pace_pkey do update set next_free_at = excluded.next_free_at;
  return v_at;
end
$$;
comment on function usher.next_place
  is $$Takes the next place in a line, not before a time; the one after it is a step later. When a day's places are
taken, some time within that day, without taking any.$$;

create function usher.mailbox_free_at(
  mailbox text,
  allowance integer,
  since timestamptz,
  except_ids uuid[]
) returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return (
    select d.taken_at + interval '1 hour'
    from public.organisation_deliveries d
    where d.mailbox = mailbox_free_at.mailbox and d.taken_at > clock_timestamp() - interval '1 hour'
      and d.id <> all (mailbox_free_at.except_ids)
      and case when mailbox_free_at.since is null then d.organisation_id is not null
        else (
          select o.created_at from public.organisations o where o.id = d.organisation_id
        ) > mailbox_free_at.since end
    order by d.taken_at desc
    offset mailbox_free_at.allowance - 1
    limit 1);
end
$$;
comment on function usher.mailbox_free_at
  is $$When a mailbox has room for one more: null for now, otherwise when the hour of the oldest that counts is over.

  allowance   mails of an hour
  since       counts organisations only that were created later; null: all
  except_ids  mails that are not counted$$;

create function usher.pace_mails(
  ids uuid[],
  settings usher.settings
) returns uuid[]
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_to_domain       interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_to_domain;
  v_of_organisation interval := interval '1 minute' / (pace_mails.settings).mails_per_minute_of_organisation;
  v_now             timestamptz := clock_timestamp();
  v_ids             uuid[] := array[]::uuid[];
  v_mail            record;
  v_class           text;
  v_domain          text;
  v_due_at          timestamptz;
  v_is_paced        boolean;
begin
  if num_nonnulls(v_to_domain, v_of_organisation) = 0 then
    return pace_mails.ids;
  end if;

  for v_mail in
    select d.* from unnest(pace_mails.ids) with ordinality m (id, n)
    join public.organisation_deliveries d on d.id = m.id
    order by m.n
  loop
    v_due_at := null;
    v_is_paced := true;
    if v_mail.status = 'queued' and not v_mail.is_paced then
      perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
      v_class := case when v_mail.is_bulk then 'bulk:' else 'single:' end;
      v_domain := v_class || 'domain:' || usher.email_domain(v_mail.recipient);
      v_is_paced := v_to_domain is null or not exists (
        select from usher.mail_pace p where p.line = v_domain and p.next_free_at > v_now + interval '1 minute');
      v_due_at := case
        when not v_is_paced then usher.next_place(
          v_domain || ':' || v_mail.organisation_id, v_to_domain, v_now + interval '1 minute')
        else greatest(
          case when v_to_domain is not null then usher.next_place(v_domain, v_to_domain, v_now) end,
          case when v_of_organisation is not null then usher.next_place(
            v_class || 'organisation:' || v_mail.organisation_id, v_of_organisation, v_now) end)
      end;
      update public.organisation_deliveries d
      set is_paced = v_is_paced, due_at = greatest(d.due_at, v_due_at)
      where d.id = v_mail.id;
    end if;
    if v_due_at is null or v_due_at <= v_now then
      v_ids := v_ids || v_mail.id;
    end if;
  end loop;
  return v_ids;
end
$$;
comment on function usher.pace_mails
  is $$Gives mails that have come up their places in line, where there is a pace: mails_per_minute_to_domain or
mails_per_minute_of_organisation. Returns those whose place is now, in the same order.$$;

create type usher.mail_judgement as (
  free uuid[],
  moot uuid[],
  held_by_mailbox uuid[],
  held_by_sender uuid[]
);
comment on type usher.mail_judgement
  is 'Of mails that are due, in their order: free may be sent now, of which moot will be found to be of no use any more;
the others are more than their mailbox, or who caused them, has room for.';

create function usher.judge_mails(
  ids uuid[],
  is_bulk boolean,
  settings usher.settings
) returns usher.mail_judgement
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings usher.settings := judge_mails.settings;
  v_now      timestamptz := clock_timestamp();
  v_since    timestamptz := v_now - v_settings.organisation_is_new_for;
  v_judged   usher.mail_judgement;
begin
  with mail as materialized (
    select d.id, c.n, d.mailbox, d.caused_by, o.created_at > v_since as is_new,
      -- What a worker had and did not come back with has been counted already, and may be out.
      d.status = 'queued' as is_queued,
      d.status = 'queued' and usher.delivery_end(d, i) is not null as is_moot
    from unnest(judge_mails.ids) with ordinality c (id, n)
    join public.organisation_deliveries d on d.id = c.id
    join public.organisations o on o.id = d.organisation_id
    left join usher.invites i on i.id = d.invite_id
  ),
  counted as materialized (
    select m.* from mail m where m.is_queued and not m.is_moot
  ),
  to_mailbox as materialized (
    select b.mailbox, count(t.organisation_id) as used,
      count(*) filter (where t.is_new) as used_new
    from (select distinct c.mailbox from counted c) b
    left join lateral (
      select d.organisation_id,
        (select o.created_at from public.organisations o where o.id = d.organisation_id) > v_since as is_new
      from public.organisation_deliveries d
      where d.mailbox = b.mailbox and d.taken_at > v_now - interval '1 hour' and d.id <> all (judge_mails.ids)
    ) t on true
    group by b.mailbox
  ),
  -- A sender may have thousands; their organisations are few.
  of_sender as materialized (
    select b.caused_by, sum(t.used) as used,
      sum(t.used) filter (where (
        select o.created_at from public.organisations o where o.id = t.organisation_id) > v_since) as used_new
    from (select distinct c.caused_by from counted c where c.caused_by is not null) b
    cross join lateral (
      select d.organisation_id, count(*) as used
      from public.organisation_deliveries d
      where d.caused_by = b.caused_by
        and d.is_bulk = judge_mails.is_bulk
        and d.taken_at > v_now - interval '1 hour'
      group by d.organisation_id
    ) t
    group by b.caused_by
  ),
  -- One allowance after the other: what the one holds takes no room of the next.
  new_to_mailbox as (
    select c.*, b.used,
      coalesce(not c.is_new or b.used_new + count(*) filter (where c.is_new) over w
        <= v_settings.new_mails_per_hour_to_recipient, true) as fits
    from counted c
    join to_mailbox b on b.mailbox = c.mailbox
    window w as (partition by c.mailbox order by c.n)
  ),
  all_to_mailbox as (
    select c.*,
      c.fits and coalesce(c.used + count(*) filter (where c.fits) over w
        <= v_settings.mails_per_hour_to_recipient, true) as fits_mailbox
    from new_to_mailbox c
    window w as (partition by c.mailbox order by c.n)
  ),
  new_of_sender as (
    select c.*, s.used as used_by_sender,
      c.fits_mailbox and coalesce(not c.is_new or c.caused_by is null
        or coalesce(s.used_new, 0) + count(*) filter (where c.fits_mailbox and c.is_new) over w
        <= v_settings.new_mails_per_hour_of_sender, true) as fits_sender
    from all_to_mailbox c
    left join of_sender s on s.caused_by = c.caused_by
    window w as (partition by c.caused_by order by c.n)
  ),
  all_of_sender as (
    select c.id, c.fits_mailbox,
      c.fits_sender and coalesce(c.caused_by is null
        or coalesce(c.used_by_sender, 0) + count(*) filter (where c.fits_sender) over w
        <= v_settings.mails_per_hour_of_sender, true) as fits_all
    from new_of_sender c
    window w as (partition by c.caused_by order by c.n)
  )
  select
    coalesce(array_agg(m.id order by m.n) filter (where coalesce(a.fits_all, true)), '{}'),
    coalesce(array_agg(m.id) filter (where m.is_moot), '{}'),
    coalesce(array_agg(m.id order by m.n) filter (where not a.fits_mailbox), '{}'),
    coalesce(array_agg(m.id order by m.n) filter (where a.fits_mailbox and not a.fits_all), '{}')
  into v_judged.free, v_judged.moot, v_judged.held_by_mailbox, v_judged.held_by_sender
  from mail m
  left join all_of_sender a on a.id = m.id;
  return v_judged;
end
$$;
comment on function usher.judge_mails
  is $$Which of these mails may go now, by the allowances of their mailboxes and of who caused them. One refused
for now is judged again when it is tried again, and counts once.

  ids      mails that are due and locked, all single or all bulk, in the order in which they stand in turn
  is_bulk  which of the two$$;

create function usher.delay_mails(
  judgement usher.mail_judgement,
  settings usher.settings
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings usher.settings := delay_mails.settings;
  v_now      timestamptz := clock_timestamp();
  v_since    timestamptz := v_now - v_settings.organisation_is_new_for;
  v_held     uuid[] := (delay_mails.judgement).held_by_mailbox || (delay_mails.judgement).held_by_sender;
  v_mail     record;
  v_line     text;
  v_hash     text;
  v_free_at  timestamptz;
  v_step     interval;
begin
  for v_mail in
    select d.id, d.mailbox, d.organisation_id, d.kind, d.caused_by, d.is_bulk,
      o.created_at > v_since as is_new, d.id = any ((delay_mails.judgement).held_by_sender) as is_by_sender
    from unnest(v_held) with ordinality h (id, n)
    join public.organisation_deliveries d on d.id = h.id
    join public.organisations o on o.id = d.organisation_id
    order by h.n
  loop
    if v_mail.is_by_sender then
      -- Looked at again soon, each at a time of its own: its hour may hold thousands.
      update public.organisation_deliveries d
      set due_at = usher.next_place(format('sender:%s:%s', v_mail.caused_by, v_mail.is_bulk),
        interval '1 hour' / coalesce(
          case when v_mail.is_new then v_settings.new_mails_per_hour_of_sender end,
          v_settings.mails_per_hour_of_sender),
        v_now + interval '1 minute')
      where d.id = v_mail.id;
      continue;
    end if;

    if v_line is distinct from v_mail.mailbox || v_mail.is_new then
      v_line := v_mail.mailbox || v_mail.is_new;
      -- Salted: whoever reads the names of lines is not told whose mailbox is full.
      v_hash := encode(usher.address_hash(v_mail.mailbox), 'hex');
      v_free_at := coalesce(greatest(
        usher.mailbox_free_at(v_mail.mailbox, v_settings.mails_per_hour_to_recipient, null, v_held),
        case when v_mail.is_new then usher.mailbox_free_at(
          v_mail.mailbox, v_settings.new_mails_per_hour_to_recipient, v_since, v_held) end),
        v_now + interval '1 minute');
      v_step := interval '1 hour' / coalesce(
        case when v_mail.is_new then v_settings.new_mails_per_hour_to_recipient end,
        v_settings.mails_per_hour_to_recipient);
    end if;
    -- One behind the other, by what they are about and by who causes them, and not behind everything that waits
    -- for this mailbox: a thousand notices do not keep the one that matters, nor a stranger's mail anybody else's.
    update public.organisation_deliveries d
    set due_at = greatest(
      usher.next_place(format('mailbox:%s:%s:%s', v_hash, v_mail.organisation_id, v_mail.kind), v_step, v_free_at),
      case when v_mail.caused_by is not null then usher.next_place(
        format('mailbox:%s:%s', v_hash, v_mail.caused_by), v_step, v_free_at) end)
    where d.id = v_mail.id;
  end loop;
end
$$;
comment on function usher.delay_mails
  is $$Lets mails beyond an allowance become due later, when they stand in turn again: after those that may go
were taken, because what was taken tells when there is room.$$;

-- sql/50_mail/08_delivery_turns.sql

-- Turns: which mails a worker gets next.
--
-- Mails of Supabase Auth first, then single mails, then bulk; of each organisation one in turn, so that nobody's
-- thousands stand before somebody's one. An index leads from one organisation to the next, past whatever each has
-- in the queue: a lease costs what it takes, and not what waits.

create table usher.mail_turns (
  is_bulk boolean primary key,
  organisation_id uuid not null
);
comment on table usher.mail_turns
  is 'Whose turn it was last, among single mails and among bulk. A hint, which two workers may overwrite: it says where
a round begins, and never who is in it.';
alter table usher.mail_turns enable row level security;
create policy mail_turns_nobody
  on usher.mail_turns
  for select
  to public
  using (false);
insert into usher.mail_turns (is_bulk, organisation_id) values
  (false, '00000000-0000-0000-0000-000000000000'),
  (true, '00000000-0000-0000-0000-000000000000');

create function usher.organisations_in_turn(
  is_bulk boolean,
  after uuid,
  at timestamptz,
  how_many integer
) returns uuid[]
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_due uuid[];
  v_ids uuid[] := array[]::uuid[];
  v_lap record;
begin
  -- With little to do, who has mails that are due is seen by looking at those, however many wait for later.
  v_due := array(
    select d.organisation_id
    from public.organisation_deliveries d
    where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
      and d.due_at <= organisations_in_turn.at and d.organisation_id is not null
    order by d.due_at
    limit 1000);
  if cardinality(v_due) < 1000 then
    return array(
      select o.id from unnest(v_due) o (id) group by o.id
      order by o.id <= organisations_in_turn.after, o.id
      limit organisations_in_turn.how_many);
  end if;

  -- Otherwise to the end, and then from the beginning to where it began.
  for v_lap in
    select * from (values
      (organisations_in_turn.after, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid),
      ('00000000-0000-0000-0000-000000000000'::uuid, organisations_in_turn.after)) l (after, until)
  loop
    v_ids := v_ids || array(
      -- From one organisation to the next by the index, whatever each has in the queue. Its first mail says
      -- whether it has one that is due.
      with recursive step as (
        (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > v_lap.after and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        )
        union all
        select n.*
        from step s
        cross join lateral (
          select d.organisation_id, d.due_at
          from public.organisation_deliveries d
          where d.status in ('queued', 'sending') and d.is_bulk = organisations_in_turn.is_bulk
            and d.organisation_id > s.organisation_id and d.organisation_id <= v_lap.until
          order by d.organisation_id, d.due_at
          limit 1
        ) n
      )
      select s.organisation_id
      from step s
      where s.due_at <= organisations_in_turn.at
      limit organisations_in_turn.how_many - cardinality(v_ids));
    exit when cardinality(v_ids) >= organisations_in_turn.how_many;
  end loop;
  return v_ids;
end
$$;
comment on function usher.organisations_in_turn
  is $$The next organisations with mails that are due, from the one after that whose turn it was last, once round.

  is_bulk   whether of bulk mails or of single ones
  after     whose turn it was last
  at        what counts as now
  how_many  at most$$;

create function usher.lease_in_turn(
  worker text,
  wanted integer,
  lease interval,
  is_bulk boolean,
  settings usher.settings
) returns setof usher.delivery_lease
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Of these arrays no plan is better for knowing how long they are, and planning takes longer than leasing. What is
  -- known of a queue's size is always of another time: every row is found by an index, whatever seems quicker.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  as $$
declare
  v_now           timestamptz := clock_timestamp();
  v_left          integer := lease_in_turn.wanted;
  -- Of thousands that have to wait, so many are put off in one call: the others stand in nobody's way meanwhile.
  v_looks         integer := lease_in_turn.wanted + 200;
  v_last          uuid;
  v_organisations uuid[];
  v_ids           uuid[];
  v_judged        usher.mail_judgement;
begin
  v_last := coalesce((select t.organisation_id from usher.mail_turns t where t.is_bulk = lease_in_turn.is_bulk),
    '00000000-0000-0000-0000-000000000000');
  while v_left > 0 and v_looks > 0 loop
    v_organisations := usher.organisations_in_turn(lease_in_turn.is_bulk, v_last, v_now, v_left);
    exit when cardinality(v_organisations) = 0;

    -- The first of each, then the second of each. Two workers that counted the mails to a mailbox at once would
    -- each see the room that there is for one: what another has in hand to the same one is left to it.
    select array_agg(x.id order by x.round, x.turn) filter (
      where pg_try_advisory_xact_lock(hashtextextended('usher.mailbox ' || x.mailbox, 0)))
    into v_ids
    from (
      select q.id, q.mailbox, o.turn, row_number() over (partition by o.id order by q.due_at) as round
      from unnest(v_organisations) with ordinality o (id, turn)
      cross join lateral (
        select d.id, d.mailbox, d.due_at
        from public.organisation_deliveries d
        where d.status in ('queued', 'sending') and d.is_bulk = lease_in_turn.is_bulk
          and d.organisation_id = o.id and d.due_at <= v_now
        order by d.due_at
        limit ceil(v_left::numeric / cardinality(v_organisations))
        for update skip locked
      ) q
    ) x;
    v_ids := coalesce(v_ids[1:v_left], '{}');

    v_judged := usher.judge_mails(
      usher.pace_mails(v_ids, lease_in_turn.settings), lease_in_turn.is_bulk, lease_in_turn.settings);
    return query
      with taken as (
        update public.organisation_deliveries d
        set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
          leased_by = lease_in_turn.worker, due_at = clock_timestamp() + lease_in_turn.lease,
          -- What is not to be sent any more counts for nothing: usher.prepare_delivery ends it.
          taken_at = case when d.id <> all (v_judged.moot) then clock_timestamp() end
        where d.id = any (v_judged.free)
        returning d.id, d.fence, d.attempts
      )
      select t.id, t.fence, t.attempts
      from taken t
      order by array_position(v_judged.free, t.id);

    perform usher.delay_mails(v_judged, lease_in_turn.settings);

    -- With nothing to look at, all that was due is with other workers, unless not everybody was asked.
    exit when v_ids = '{}' and cardinality(v_organisations) < v_left;
    v_left := v_left - cardinality(v_judged.free);
    v_looks := v_looks - greatest(cardinality(v_organisations), cardinality(v_ids));
    v_last := v_organisations[cardinality(v_organisations)];
  end loop;

  -- Without waiting for another worker, who writes something as good.
  update usher.mail_turns t
  set organisation_id = v_last
  from (
    select n.is_bulk from usher.mail_turns n where n.is_bulk = lease_in_turn.is_bulk for update skip locked
  ) mine
  where t.is_bulk = mine.is_bulk and t.organisation_id <> v_last;
end
$$;
comment on function usher.lease_in_turn
  is $$Takes mails of organisations that are due, one of each in turn, and puts off what is more than an allowance or a
pace lets out. The part of usher.lease_deliveries that is about single mails, or about bulk.$$;

create function usher.lease_deliveries(
  worker text,
  batch_size integer default 50,
  lease interval default '1 minute'
) returns setof usher.delivery_lease
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Not clock_timestamp() in a condition: it changes while an index is read, so that none can be used for it.
  v_now      timestamptz := clock_timestamp();
  v_left     integer := lease_deliveries.batch_size;
  v_leased   integer;
  v_is_bulk  boolean;
  v_settings usher.settings;
  v_given_up public.organisation_deliveries;
begin
  -- A mail that took its workers down with it eight times is not tried a ninth.
  for v_given_up in
    update public.organisation_deliveries d
    set status = 'failed', last_response = 'Given up: no worker came back from sending it.',
      facts = d.facts - 'sealed'
    where d.status = 'sending' and d.due_at <= v_now and d.attempts >= 8
    returning d.*
  loop
    perform usher.record_turn(v_given_up, 'delivery.failed');
  end loop;

  v_left := usher.mails_to_try(v_left, lease_deliveries.lease);
  if v_left <= 0 then
    return;
  end if;

  -- Somebody sits before a page and waits for the code. No allowance holds it, or whoever floods a mailbox
  -- would keep its owner out; Supabase Auth has limits of its own.
  return query
    update public.organisation_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_deliveries.worker, due_at = clock_timestamp() + lease_deliveries.lease
    from (
      select q.id
      from public.organisation_deliveries q
      where q.status in ('queued', 'sending') and not q.is_bulk and q.organisation_id is null and q.due_at <= v_now
      order by q.due_at
      limit v_left
      for update skip locked
    ) due
    where d.id = due.id
    returning d.id, d.fence, d.attempts;
  get diagnostics v_leased = row_count;
  v_left := v_left - v_leased;

  select s.* into strict v_settings from usher.settings s;
  foreach v_is_bulk in array array[false, true] loop
    exit when v_left <= 0;
    return query
      select l.* from usher.lease_in_turn(
        lease_deliveries.worker, v_left, lease_deliveries.lease, v_is_bulk, v_settings) l;
    get diagnostics v_leased = row_count;
    v_left := v_left - v_leased;
  end loop;
end
$$;
comment on function usher.lease_deliveries
  is $$Takes mails that are due: those of Supabase Auth first, then single ones before bulk, of each organisation one in
turn. What is more than an allowance or a pace lets out becomes due later instead. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is; none while the mail server or
provider refuses us, and one when the pause is over (02_mail_transport.sql).$$;
grant execute on function usher.lease_deliveries to usher_worker;

-- sql/50_mail/09_delivery_events.sql

-- What became of a mail after it was taken: delivered, opened, bounced, complained about.
--
-- Mail providers tell it by webhook, more than once, late, and in any order; sometimes before the worker has
-- written down that the mail was taken. Each telling counts once, and no later one takes back what is worse.

create table usher.delivery_events (
  provider text not null,
  event_id text not null,
  delivery_id uuid not null references public.organisation_deliveries
    on delete cascade,
  kind text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  primary key (provider, event_id),
  constraint delivery_events_kind check (
    kind in ('delivered', 'opened', 'bounced', 'complained')
  )
);
comment on table usher.delivery_events
  is 'What providers have told, once each, so that a webhook that comes again changes nothing.';
create index delivery_events_delivery_id on usher.delivery_events (delivery_id);
alter table usher.delivery_events enable row level security;
create policy delivery_events_nobody
  on usher.delivery_events
  for select
  to public
  using (false);

create function usher.record_delivery_event(
  provider text,
  event_id text,
  kind text,
  delivery_id uuid default null,
  provider_message_id text default null,
  occurred_at timestamptz default null,
  is_permanent boolean default false,
  response text default null,
  status_code text default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_kind     text := record_delivery_event.kind;
  -- A provider's clock may be wrong; nothing has happened after now.
  v_at       timestamptz := least(coalesce(record_delivery_event.occurred_at, now()), now());
  v_delivery public.organisation_deliveries;
begin
  perform usher.lock_organisation(d.organisation_id, 'exists')
    from public.organisation_deliveries d
    where d.id = record_delivery_event.delivery_id
      or record_delivery_event.delivery_id is null
        and d.provider_message_id = record_delivery_event.provider_message_id;
  if v_kind is null or v_kind not in ('delivered', 'opened', 'bounced', 'complained') then
    raise exception 'kind is delivered, opened, bounced or complained, not %', v_kind
      using errcode = 'invalid_parameter_value';
  end if;
  select d.* into v_delivery
  from public.organisation_deliveries d
  where d.id = record_delivery_event.delivery_id
    or record_delivery_event.delivery_id is null
      and d.provider_message_id = record_delivery_event.provider_message_id
  for update;
  -- Not ours, or of a time before the mail was ever handed out.
  if not found or v_delivery.fence = 0 then
    return 'unknown';
  end if;
  if v_kind = 'opened' and not coalesce((
    select o.track_opens from public.organisations o where o.id = v_delivery.organisation_id), false) then
    return 'ignored';
  end if;

  insert into usher.delivery_events (provider, event_id, delivery_id, kind, occurred_at)
  values (record_delivery_event.provider, record_delivery_event.event_id, v_delivery.id, v_kind, v_at)
  on conflict do nothing;
  if not found then
    return 'duplicate';
  end if;

  update public.organisation_deliveries d
  set
    delivered_at = case when v_kind = 'delivered' then least(d.delivered_at, v_at) else d.delivered_at end,
    opened_at = case when v_kind = 'opened' then least(d.opened_at, v_at) else d.opened_at end,
    bounced_at = case when v_kind = 'bounced' then least(d.bounced_at, v_at) else d.bounced_at end,
    complained_at = case when v_kind = 'complained' then least(d.complained_at, v_at) else d.complained_at end,
    last_response = case when v_kind = 'bounced'
      then usher.response_to_keep(d, record_delivery_event.response) else d.last_response end,
    last_status_code = case when v_kind = 'bounced'
      then record_delivery_event.status_code else d.last_status_code end,
    -- Whoever tells of it has taken it, whether or not the worker lived to hear so.
    sent_at = coalesce(d.sent_at, v_at),
    provider_message_id = coalesce(d.provider_message_id, record_delivery_event.provider_message_id),
    status = case
      when v_kind = 'complained' or d.complained_at is not null then 'complained'
      when v_kind = 'bounced' or d.bounced_at is not null then 'bounced'
      when v_kind = 'opened' or d.opened_at is not null then 'opened'
      else 'delivered'
    end,
    facts = d.facts - 'sealed'
  where d.id = v_delivery.id
  returning d.* into strict v_delivery;

  if v_kind = 'bounced' then
    perform usher.mark_bounced(v_delivery);
    if record_delivery_event.is_permanent then
      perform usher.suppress_recipient(v_delivery, 'bounce', record_delivery_event.status_code);
    end if;
  elsif v_kind = 'complained' then
    perform usher.suppress_recipient(v_delivery, 'complaint');
  end if;
  perform usher.record_turn(v_delivery, 'delivery.' || v_kind);
  return 'recorded';
end
$$;
comment on function usher.record_delivery_event
  is $$Writes down what a mail provider tells of a mail. For the function that takes its webhooks and has checked
that they are genuine.

  provider             such as resend; with event_id, what tells a repetition
  event_id             the provider's own id of the event, or one made of what it tells
  kind                 delivered, opened, bounced or complained
  delivery_id          which mail, when the provider was given our id
  provider_message_id  which mail, otherwise
  occurred_at          when, by the provider's clock; null: now
  is_permanent         of a bounce: whether the address will never take mail; it is then suppressed
  response             of a bounce: what the recipient's server said, up to 1,000 characters; nothing once erased
  status_code          of a bounce: its enhanced status code (RFC 3463)

Returns recorded, duplicate (told before), unknown (no mail of ours), or ignored (opened, where the organisation
does not track that). The worst that is known is the status: complained, bounced, opened, delivered, sent.$$;
grant execute on function usher.record_delivery_event to usher_worker;

create function usher.delivery_metrics() returns table (
  status text,
  is_bulk boolean,
  count bigint,
  oldest_seconds double precision
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select s.status, d.is_bulk, count(*),
    -- Since it was due, not since it was made: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - d.due_at))
      filter (where s.status = 'queued' and d.due_at <= clock_timestamp())::double precision
  from public.organisation_deliveries d
  cross join lateral usher.delivery_status(d.status, d.attempts, d.due_at) s (status)
  group by s.status, d.is_bulk
$$;
comment on function usher.delivery_metrics
  is $$How many mails are in which status, and how many seconds the oldest of those due has waited; delayed are those
that an allowance or a pace lets out later. For the worker's metrics.$$;
grant execute on function usher.delivery_metrics to usher_worker;

-- sql/50_mail/10_auth_mails.sql

-- Mails of Supabase Auth: sign-up, magic link, recovery and the like, sent through the same outbox.
--
-- Supabase Auth's Send Email hook gives 5 seconds for all its tries, each with a new id: the function that
-- takes it checks the signature, puts the mail here, and answers. The codes and links in such a mail are
-- secrets, so they come sealed with a key that the database does not have, and go once the mail is out.

create function usher.enqueue_auth_mail(
  recipient text,
  locale text,
  sealed text,
  dedupe_key bytea
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_recipient text := usher.normalise_email(enqueue_auth_mail.recipient);
begin
  if v_recipient is null then
    perform usher.fail('invalid_email');
  end if;
  insert into public.organisation_deliveries (kind, recipient, locale, facts, dedupe_key)
  values ('auth', v_recipient,
    case when usher.is_locale(enqueue_auth_mail.locale) then enqueue_auth_mail.locale end,
    jsonb_build_object('sealed', enqueue_auth_mail.sealed), enqueue_auth_mail.dedupe_key)
  on conflict do nothing;
  if not found then
    return false;
  end if;
  return true;
end
$$;
comment on function usher.enqueue_auth_mail
  is $$Puts a mail of Supabase Auth into the outbox. For the function behind its Send Email hook.

  recipient   the address
  locale      the reader's language, such as de-AT; null or another shape: that of their invite, or English
  sealed      what the mail says, encrypted with a key that only the functions have
  dedupe_key  a hash of user, action and token: the same again is not sent again

Returns whether it is new. Fails with invalid_email.$$;
grant execute on function usher.enqueue_auth_mail to usher_worker;

create function usher.purge_auth_mails_of(
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
  v_purged integer;
begin
  delete from public.organisation_deliveries d
  where d.kind = 'auth' and d.created_at < now() - interval '30 days';
  get diagnostics v_purged = row_count;
  -- What is kept of lines at the outbox names addresses, if only by a salted hash, and accounts: kept while it serves.
  perform pg_advisory_xact_lock(hashtextextended('usher.mail_pace', 0));
  delete from usher.mail_pace p where p.next_free_at < now() - interval '1 hour';
  return v_purged;
end
$$;
comment on function usher.purge_auth_mails_of
  is 'usher.purge_auth_mails: these mails are no organisation''s.';

create function usher.purge_auth_mails() returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('purge_auth_mails', array[row(null, null)::usher.upkeep_item]);
end
$$;
comment on function usher.purge_auth_mails
  is 'Removes mails of Supabase Auth that are older than 30 days: no trail needs them; and places in line that are past.
For workers. Returns how many mails.';
grant execute on function usher.purge_auth_mails to usher_worker;

-- sql/50_mail/11_invite_metrics.sql

-- Metrics of invites: exact, counted from the rows themselves.

create type public.organisation_invite_metrics as (
  created bigint,
  pending bigint,
  accepted bigint,
  declined bigint,
  revoked bigint,
  expired bigint,
  acceptance_rate numeric,
  median_hours_to_accept numeric,
  mails_sent bigint,
  delivery_rate numeric,
  bounce_rate numeric,
  days jsonb
);
comment on type public.organisation_invite_metrics
  is 'Counts and rates of invites over a time, as organisation_invite_metrics returns them.';

create function usher.invite_metrics(
  organisation_id uuid,
  since timestamptz,
  until timestamptz
) returns public.organisation_invite_metrics
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_since   timestamptz := coalesce(invite_metrics.since, now() - interval '30 days');
  v_until   timestamptz := coalesce(invite_metrics.until, now());
  v_metrics public.organisation_invite_metrics;
begin
  perform usher.require_permission(invite_metrics.organisation_id, 'invite.read');
  if v_until <= v_since or v_until - v_since > interval '5 years' then
    perform usher.fail('invalid_settings', hint => 'until lies after since, by at most five years.');
  end if;

  select
    count(*),
    count(*) filter (where i.status = 'pending'),
    count(*) filter (where i.status = 'accepted'),
    count(*) filter (where i.status = 'declined'),
    count(*) filter (where i.status = 'revoked'),
    count(*) filter (where i.status = 'expired'),
    round(count(*) filter (where i.status = 'accepted')::numeric
      / nullif(count(*) filter (where i.status <> 'pending'), 0), 4),
    round(percentile_cont(0.5) within group (
      order by extract(epoch from i.accepted_at - i.created_at) / 3600)::numeric, 2)
  into v_metrics.created, v_metrics.pending, v_metrics.accepted, v_metrics.declined, v_metrics.revoked,
    v_metrics.expired, v_metrics.acceptance_rate, v_metrics.median_hours_to_accept
  from public.organisation_invites i
  where i.organisation_id = invite_metrics.organisation_id
    and i.created_at >= v_since and i.created_at < v_until;

  select
    count(*) filter (where d.sent_at is not null),
    round(count(*) filter (where d.status in ('sent', 'delivered', 'opened', 'complained'))::numeric
      / nullif(count(*), 0), 4),
    round(count(*) filter (where d.status in ('failed', 'suppressed', 'bounced'))::numeric / nullif(count(*), 0), 4)
  into v_metrics.mails_sent, v_metrics.delivery_rate, v_metrics.bounce_rate
  from public.organisation_deliveries d
  where d.organisation_id = invite_metrics.organisation_id
    and d.kind = 'invite' and d.status in ('sent', 'failed', 'suppressed')
    and d.created_at >= v_since and d.created_at < v_until;

  -- What happened on which day, in UTC, of all invites: also of those made before.
  select coalesce(jsonb_agg(jsonb_build_object(
      'day', e.day, 'created', e.created, 'accepted', e.accepted, 'declined', e.declined,
      'revoked', e.revoked, 'expired', e.expired) order by e.day), '[]')
  into v_metrics.days
  from (
    select (h.at at time zone 'UTC')::date as day,
      count(*) filter (where h.what = 'created') as created,
      count(*) filter (where h.what = 'accepted') as accepted,
      count(*) filter (where h.what = 'declined') as declined,
      count(*) filter (where h.what = 'revoked') as revoked,
      count(*) filter (where h.what = 'expired') as expired
    from (
      -- Two ranges of two indexes, invites_newest and invites_ended: what lies before them is not read.
      select 'created' as what, i.created_at as at
      from usher.invites i
      where i.organisation_id = invite_metrics.organisation_id
        and i.created_at >= v_since and i.created_at < v_until
      union all
      select i.status, coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at)
      from public.organisation_invites i
      where i.organisation_id = invite_metrics.organisation_id
        and i.created_at < v_until and i.status <> 'pending'
        and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) >= v_since
        and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) < v_until
    ) h
    group by 1
  ) e;
  return v_metrics;
end
$$;
comment on function usher.invite_metrics
  is 'The rule behind public.organisation_invite_metrics.';

create function public.organisation_invite_metrics(
  organisation_id uuid,
  since timestamptz default null,
  until timestamptz default null
) returns public.organisation_invite_metrics
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.invite_metrics($1, $2, $3) $$;
comment on function public.organisation_invite_metrics
  is $$How invites fare, exactly, from the rows.

  since, until  the time in which invites were made: from since on, before until; without them, the last 30
                days; at most five years

Returns counts by state as they are now; acceptance_rate, of those no longer pending; the median of hours
from making to accepting; mails sent, and the shares of mails delivered and bounced (0 to 1, null when there
are none); days: for each day in UTC on which something happened, how many were created, accepted, declined,
revoked and expired. Needs invite.read. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings.$$;
grant execute on function public.organisation_invite_metrics to authenticated;
grant execute on function usher.invite_metrics to authenticated;

-- sql/50_mail/12_retrying.sql

-- Retrying: an admin has a mail tried again that has failed or was suppressed.

create function usher.retry_delivery(
  delivery_id uuid
) returns public.organisation_deliveries
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery public.organisation_deliveries;
begin
  perform usher.require_permission((
    select d.organisation_id from public.organisation_deliveries d where d.id = retry_delivery.delivery_id),
    'invite.resend', 'share', 'delivery_not_found');
  -- The invite first, as wherever both are locked.
  perform from usher.invites i
  where i.id = (select d.invite_id from public.organisation_deliveries d where d.id = retry_delivery.delivery_id)
  for no key update;

  update public.organisation_deliveries d
  set status = 'queued', attempts = 0, due_at = clock_timestamp(), in_doubt_at = null
  where d.id = retry_delivery.delivery_id and d.status in ('failed', 'suppressed')
  returning d.* into v_delivery;
  if not found then
    perform usher.fail('invite_not_pending', hint => 'Only a mail that has failed can be tried again.',
      details => (select d.status from public.organisation_deliveries d where d.id = retry_delivery.delivery_id));
  end if;
  -- What is under way again has not come back.
  update usher.invites i
  set bounced_at = null
  where i.id = v_delivery.invite_id and i.issue = v_delivery.issue
    and v_delivery.kind in ('invite', 'invite_reminder');
  perform usher.record_event(v_delivery.organisation_id, 'delivery.retried', 'delivery', v_delivery.id,
    after => jsonb_build_object('kind', v_delivery.kind, 'invite_id', v_delivery.invite_id));
  return v_delivery;
end
$$;
comment on function usher.retry_delivery
  is 'The rule behind public.retry_organisation_delivery.';

create function public.retry_organisation_delivery(
  delivery_id uuid
) returns public.organisation_deliveries
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.retry_delivery($1) $$;
comment on function public.retry_organisation_delivery
  is $$Tries a mail anew that has failed or was suppressed, from its first try on. One for an invite that is no
longer open is cancelled when its turn comes, and one to an address that still gets no mail is suppressed again:
lift_organisation_mail_suppression comes first.

  delivery_id  a row of organisation_deliveries

Returns the delivery. Needs invite.resend. Fails with unauthenticated, delivery_not_found,
permission_denied, invite_not_pending (it has not failed; details: its status).$$;
grant execute on function public.retry_organisation_delivery to authenticated;
grant execute on function usher.retry_delivery to authenticated;

-- sql/50_mail/13_returned_mail.sql

-- Returned mail: a server has taken a mail, could not pass it on, and says so later, by a mail to where the first one
-- came from: a delivery status notification (RFC 3464).
--
-- So each mail comes from an address of its own, bounces+<tag>@…, that says which mail it was (VERP). The tag is the
-- hex of key id, delivery id and 64 bits of an HMAC: who knows it has had this mail in hands, or its server has. It is
-- read in any case of letters, and short enough for the 64 characters that a local part may have (RFC 5321 4.5.3.1.1).
--
-- A report is believed of the recipient of that mail and of nobody else: whoever makes one up can keep mail from
-- themselves.

create function usher.return_tag_hmac(
  key_id integer,
  delivery_id uuid
) returns bytea
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- Another version than the tokens of invites and of stopping mail, so that none can be taken for another.
  return substring(extensions.hmac(
    '\x03'::bytea || int2send(return_tag_hmac.key_id::smallint) || uuid_send(return_tag_hmac.delivery_id),
    usher.signing_key_secret(return_tag_hmac.key_id), 'sha256') from 1 for 8);
end
$$;
comment on function usher.return_tag_hmac
  is 'What only this database can say of a key and a mail; null where the key is gone.';

create function usher.mint_return_tag(delivery_id uuid) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_key_id smallint := usher.ensure_signing_key();
begin
  return encode(int2send(v_key_id) || uuid_send(mint_return_tag.delivery_id)
    || usher.return_tag_hmac(v_key_id, mint_return_tag.delivery_id), 'hex');
end
$$;
comment on function usher.mint_return_tag
  is 'What stands in the address that a mail comes from, 52 characters, so that a report to it says which mail it was.
For workers, while they send it. Works for as long as its signing key is there, 30 days after a rotation at least.';
grant execute on function usher.mint_return_tag to usher_worker;

create function usher.verify_return_tag(tag text) returns uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_bytes bytea;
  v_id    uuid;
  v_blind bytea := extensions.gen_random_bytes(32);
begin
  if verify_return_tag.tag is null or length(verify_return_tag.tag) <> 52
    or verify_return_tag.tag !~ '^[0-9a-fA-F]{52}$'
  then
    return null;
  end if;
  v_bytes := decode(verify_return_tag.tag, 'hex');
  v_id := encode(substring(v_bytes from 3 for 16), 'hex')::uuid;
  -- Compared in constant time, as usher.verify_invite_token does. Beyond smallint there is no key.
  if get_byte(v_bytes, 0) < 128 and extensions.hmac(
      usher.return_tag_hmac(get_byte(v_bytes, 0) * 256 + get_byte(v_bytes, 1), v_id), v_blind, 'sha256')
    = extensions.hmac(substring(v_bytes from 19), v_blind, 'sha256')
  then
    return v_id;
  end if;
  return null;
end
$$;
comment on function usher.verify_return_tag
  is 'The delivery that a tag was minted for; null when it is none of ours.';

create function usher.record_mail_report(
  tag text,
  event_id text,
  recipients text[],
  action text,
  about text default null,
  response text default null,
  status_code text default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_id         uuid := usher.verify_return_tag(record_mail_report.tag);
  v_delivery   public.organisation_deliveries;
  v_recipients text[];
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_deliveries d where d.id = v_id), 'exists');
  if record_mail_report.about not in ('address', 'recipient', 'message', 'sender') then
    raise exception 'about is address, recipient, message or sender, not %', record_mail_report.about
      using errcode = 'invalid_parameter_value';
  end if;
  select d.* into v_delivery from public.organisation_deliveries d where d.id = v_id for update;
  if not found or v_delivery.fence = 0 then
    return 'unknown';
  end if;
  -- Late, expanded into a list, or passed to where nothing more is heard: no end of it.
  if record_mail_report.action is null or record_mail_report.action not in ('failed', 'delivered') then
    return 'ignored';
  end if;
  v_recipients := array(
    select usher.normalise_email(left(r, 1000)) from unnest(record_mail_report.recipients) r);
  -- Of somebody who was erased, a hash is left.
  if not (coalesce(v_delivery.recipient = any (v_recipients), false) or exists (
    select from usher.erased_deliveries e
    where e.delivery_id = v_id
      and e.recipient_hash in (select usher.address_hash(r) from unnest(v_recipients) r where r is not null)))
  then
    return 'ignored';
  end if;

  if record_mail_report.action = 'delivered' then
    return usher.record_delivery_event('report', record_mail_report.event_id, 'delivered', v_id);
  end if;
  if coalesce(record_mail_report.about, 'recipient') in ('address', 'recipient') then
    return usher.record_delivery_event('report', record_mail_report.event_id, 'bounced', v_id,
      is_permanent => coalesce(record_mail_report.about = 'address', false),
      response     => record_mail_report.response,
      status_code  => left(record_mail_report.status_code, 20));
  end if;

  -- Said of us or of the mail, by one server on the way: the address is as good as before, and other servers have
  -- nothing to do with it. The mail can be sent again.
  if v_delivery.status not in ('sending', 'sent', 'delivered') then
    return 'ignored';
  end if;
  insert into usher.delivery_events (provider, event_id, delivery_id, kind, occurred_at)
  values ('report', record_mail_report.event_id, v_id, 'bounced', now())
  on conflict do nothing;
  if not found then
    return 'duplicate';
  end if;
  update public.organisation_deliveries d
  set status = 'failed', sent_at = null, delivered_at = null, facts = d.facts - 'sealed',
    last_response = usher.response_to_keep(d, record_mail_report.response),
    last_status_code = left(record_mail_report.status_code, 20)
  where d.id = v_id
  returning d.* into strict v_delivery;
  perform usher.record_turn(v_delivery, 'delivery.failed');
  return 'recorded';
end
$$;
comment on function usher.record_mail_report
  is $$Writes down what a delivery status notification says of one recipient. For the function that takes them, and for
workers that read a mailbox.

  tag          of the address that it came to
  event_id     the same for the same report, however often it comes
  recipients   the recipient as it names them, original and final: one has to be whom the mail was for
  action       failed or delivered; delayed, relayed and expanded change nothing
  about        of whom it speaks, as in usher.fail_delivery. address: it does not exist, and no mail goes there any
               more; recipient, or null: it came back, and shows so on the invite; message or sender: it failed, and can
               be tried again
  response     what the recipient's server said, up to 1,000 characters
  status_code  its enhanced status code (RFC 3463)

Returns recorded, duplicate, unknown (no tag of ours), or ignored. Source: RFC 3464.$$;
grant execute on function usher.record_mail_report to usher_worker;

-- sql/55_webhooks/01_webhooks.sql

-- Webhooks: where an organisation wants to hear what happens to it, by Standard Webhooks.
--
-- What is sent is what the audit trail says, in the trail's own words; 04_webhook_sending.sql sends it,
-- 02_webhook_secrets.sql signs it.
-- Reading and changing need webhook.manage.
--
-- Source: https://www.standardwebhooks.com

create table public.organisation_webhooks (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  url text not null,
  description text not null default '',
  events text[],
  is_enabled boolean not null default true,
  disabled_at timestamptz,
  disabled_reason text,
  failing_since timestamptz,
  created_at timestamptz not null default now(),
  constraint organisation_webhooks_has_events check (cardinality(events) > 0),
  constraint organisation_webhooks_disabled_reason check (
    disabled_reason in ('by_hand', 'failing', 'gone')
  ),
  constraint organisation_webhooks_disabled check (
    is_enabled = (disabled_at is null)
      and is_enabled = (disabled_reason is null)
  ),
  constraint organisation_webhooks_bounds check (
    length(url) <= 2000
      and length(description) <= 200
      and cardinality(events) <= 1000
      and octet_length(array_to_string(events, '')) <= 100000
  )
);
comment on table public.organisation_webhooks
  is 'Endpoints that hear what happens. Read with webhook.manage; written by functions only.';
comment on column public.organisation_webhooks.events
  is 'Which types of usher.webhook_event_types() it hears; null: all of them, those to come as well.';
comment on column public.organisation_webhooks.disabled_reason
  is 'by_hand; failing: for days nothing was taken; gone: it answered 410.';
comment on column public.organisation_webhooks.failing_since
  is 'The first try that failed since the last one that was taken; null while all is well.';

create index organisation_webhooks_organisation_id
  on public.organisation_webhooks (organisation_id, created_at, id);

alter table public.organisation_webhooks enable row level security;
create policy organisation_webhooks_select
  on public.organisation_webhooks
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('webhook.manage'))
  );
grant select on public.organisation_webhooks to authenticated, service_role;

create function usher.webhook_event_types() returns text[]
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return array[
    'access_review.closed', 'access_review.completed', 'access_review.confirmed', 'access_review.overdue',
    'access_review.started', 'access_review.withdrawn',
    'delivery.bounced', 'delivery.complained', 'delivery.delivered', 'delivery.failed',
    'delivery.opened', 'delivery.sent', 'delivery.suppressed',
    'device.enrolled',
    'directory.drift_found', 'directory.endpoint_created', 'directory.endpoint_deleted', 'directory.endpoint_updated',
    'directory.token_created', 'directory.token_revoked',
    'credentials.responsible_lost_right', 'credentials.taken_over',
    'domain.claimed', 'domain.deleted', 'domain.updated', 'domain.verified',
    'evidence.exported',
    'invite.accepted', 'invite.created', 'invite.declined', 'invite.expired',
    'invite.link_revealed', 'invite.one_click_done', 'invite.one_click_failed', 'invite.one_click_started',
    'invite.reminded', 'invite.resend_requested', 'invite.resent',
    'invite.revoked', 'invite.roles_updated',
    'invites.inviter_lost_right',
    'join.approved', 'join.declined', 'join.requested',
    'member.access_ended', 'member.access_ending', 'member.banned', 'member.ends_updated', 'member.joined',
    'member.left', 'member.removed', 'member.roles_updated', 'member.unbanned',
    'organisation.transferred', 'organisation.updated',
    'person.erased',
    'role.created', 'role.deleted', 'role.updated',
    'role_exclusion.created', 'role_exclusion.deleted',
    'sign_in_rule.updated',
    'template.created', 'template.deleted', 'template.failed', 'template.updated',
    'webhook.created', 'webhook.deleted', 'webhook.disabled', 'webhook.secret_rotated',
    'webhook.updated'
  ];
end
$$;
comment on function usher.webhook_event_types
  is $$Every type that an endpoint can choose, in the words of the audit trail. Left out is what only the machinery
does, and an organisation's own beginning and end: before the one and after the other it has no endpoints.$$;

create function usher.require_webhook(
  url text,
  events text[],
  description text
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_problem text := usher.target_problem(require_webhook.url);
  v_unknown text;
begin
  if cardinality(require_webhook.events) > 200 then
    perform usher.fail('invalid_settings', hint => 'Choose at most 200 types of events, or null for all.');
  end if;
  select e into v_unknown from unnest(require_webhook.events) e
  where e is null or e <> all (usher.webhook_event_types()) limit 1;
  if require_webhook.url is null or v_problem is not null then
    perform usher.fail('invalid_settings', hint => coalesce(v_problem, 'Give a url.'));
  elsif cardinality(require_webhook.events) = 0 then
    perform usher.fail('invalid_settings', hint => 'Choose at least one type of events, or null for all.');
  elsif v_unknown is not null then
    perform usher.fail('invalid_settings', hint => format('There is no type of events %L.', v_unknown));
  elsif require_webhook.description <> ''
    and usher.clean_name(require_webhook.description, 200, may_link => true) is null
  then
    perform usher.fail('invalid_settings',
      hint => 'description is one line of at most 200 characters that can be seen.');
  end if;
end
$$;
comment on function usher.require_webhook
  is 'Fails with invalid_settings unless an endpoint may be like this.';

create function usher.clean_events(events text[]) returns text[]
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select array_agg(distinct e order by e) from unnest($1) e $$;
comment on function usher.clean_events
  is 'Sorted, each once; null stays null, and means all.';

create function usher.webhook_for_change(
  webhook_id uuid,
  lock text default 'share'
) returns public.organisation_webhooks
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks;
begin
  perform usher.require_permission((
    select w.organisation_id from public.organisation_webhooks w where w.id = webhook_for_change.webhook_id),
    'webhook.manage', webhook_for_change.lock, 'webhook_not_found');
  select w.* into v_webhook
  from public.organisation_webhooks w where w.id = webhook_for_change.webhook_id for no key update;
  if not found then
    perform usher.fail('webhook_not_found');
  end if;
  return v_webhook;
end
$$;
comment on function usher.webhook_for_change
  is 'An endpoint, locked, for a caller with webhook.manage; else a refusal. To delete it, lock is settings: nothing is
sent to it meanwhile.';

create function usher.webhook_facts(
  webhook public.organisation_webhooks
) returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  -- Without path and query: with many receivers, whoever knows those can send.
  select jsonb_build_object('host', usher.target_host(($1).url),
    'events', ($1).events, 'is_enabled', ($1).is_enabled)
$$;
comment on function usher.webhook_facts
  is 'What the trail says of an endpoint.';

create type public.organisation_webhook_secret as (
  webhook_id uuid,
  organisation_id uuid,
  secret text,
  old_secrets_end timestamptz
);
comment on type public.organisation_webhook_secret
  is 'The secret of an endpoint, whsec_…, which is shown this once, and until when older ones sign beside it.';

-- sql/55_webhooks/02_webhook_secrets.sql

-- Secrets of webhooks: what a receiver verifies with.
--
-- Each endpoint has its own, which is shown once, when it is made or rotated. After a rotation the old one signs
-- beside the new one for a while, so that no receiver misses an event.
--
-- Source: Standard Webhooks, signature scheme.

create table usher.webhook_secrets (
  id uuid primary key default gen_random_uuid(),
  webhook_id uuid not null references public.organisation_webhooks
    on delete cascade,
  secret bytea,
  vault_secret_id uuid,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  constraint webhook_secrets_one_place check (
    num_nonnulls(secret, vault_secret_id) = 1
  )
);
comment on table usher.webhook_secrets
  is 'What signs for an endpoint: one without an end, and those that it has replaced, until their end.';
comment on column usher.webhook_secrets.secret
  is '32 bytes, only where the project has no Vault.';
comment on column usher.webhook_secrets.vault_secret_id
  is 'Where it lies in vault.secrets, as whsec_….';

create unique index webhook_secrets_one_stays on usher.webhook_secrets (
  webhook_id
)
  where expires_at is null;
create index webhook_secrets_webhook_id on usher.webhook_secrets (webhook_id);

alter table usher.webhook_secrets enable row level security;
create policy webhook_secrets_nobody
  on usher.webhook_secrets
  for select
  to public
  using (false);

create function usher.tg_webhook_secrets__leave_vault() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if old.vault_secret_id is not null then
    execute 'delete from vault.secrets where id = $1' using old.vault_secret_id;
  end if;
  return null;
end
$$;
comment on function usher.tg_webhook_secrets__leave_vault
  is 'Takes a secret out of Vault when its endpoint is done with it.';

create trigger usher_leave_vault
  after delete
  on usher.webhook_secrets
  for each row
  execute function usher.tg_webhook_secrets__leave_vault();

create function usher.add_webhook_secret(
  webhook public.organisation_webhooks
) returns public.organisation_webhook_secret
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook  public.organisation_webhooks := add_webhook_secret.webhook;
  -- 192 to 512 bits, says the specification.
  v_secret   bytea := extensions.gen_random_bytes(32);
  v_text     text := 'whsec_' || encode(v_secret, 'base64');
  v_id       uuid := gen_random_uuid();
  v_vault_id uuid;
begin
  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using v_text, 'usher_webhook_secret_' || v_id, 'Signs what a webhook is sent (Usher).';
    v_secret := null;
  end if;
  insert into usher.webhook_secrets (id, webhook_id, secret, vault_secret_id)
  values (v_id, v_webhook.id, v_secret, v_vault_id);
  return row(v_webhook.id, v_webhook.organisation_id, v_text, (
    select max(s.expires_at) from usher.webhook_secrets s where s.webhook_id = v_webhook.id
  ))::public.organisation_webhook_secret;
end
$$;
comment on function usher.add_webhook_secret
  is 'Makes a secret for an endpoint, in Vault where the project has one; answers it, as nothing else ever will.';

create function usher.webhook_signatures(
  webhook_id uuid,
  content text
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_row        usher.webhook_secrets;
  v_secret     text;
  v_signatures text[] := '{}'::text[];
begin
  for v_row in
    select s.* from usher.webhook_secrets s
    where s.webhook_id = webhook_signatures.webhook_id
      and (s.expires_at is null or s.expires_at > clock_timestamp())
    order by s.created_at desc
  loop
    if v_row.secret is null then
      execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
        into v_secret using v_row.vault_secret_id;
      if v_secret is null then
        return null;
      end if;
      v_row.secret := decode(substring(v_secret from 7), 'base64');
    end if;
    v_signatures := v_signatures || ('v1,' || encode(extensions.hmac(
      convert_to(webhook_signatures.content, 'UTF8'), v_row.secret, 'sha256'), 'base64'));
  end loop;
  return array_to_string(v_signatures, ' ');
end
$$;
comment on function usher.webhook_signatures
  is $$The header webhook-signature: HMAC-SHA-256 by each secret that still signs, the newest first. Made here, so
that no secret leaves the database. Null when Vault has lost one of them.$$;

create function usher.rotate_webhook_secret(
  webhook_id uuid,
  keep_old_for interval
) returns public.organisation_webhook_secret
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(rotate_webhook_secret.webhook_id);
  v_keep    interval := coalesce(rotate_webhook_secret.keep_old_for, interval '1 day');
  v_secret  public.organisation_webhook_secret;
begin
  if not usher.is_span(v_keep, '0', '7 days') then
    perform usher.fail('invalid_settings', hint => 'keep_old_for is from 0 to 7 days.');
  end if;
  -- Each that still signs is one more signature in the header.
  perform usher.take_allowance('webhook-rotations:' || v_webhook.id, 1, 10, interval '1 day');

  update usher.webhook_secrets s
  set expires_at = least(s.expires_at, clock_timestamp() + v_keep)
  where s.webhook_id = v_webhook.id;
  delete from usher.webhook_secrets s
  where s.webhook_id = v_webhook.id and s.expires_at <= clock_timestamp();
  v_secret := usher.add_webhook_secret(v_webhook);
  perform usher.record_event(v_webhook.organisation_id, 'webhook.secret_rotated', 'webhook', v_webhook.id,
    after => jsonb_build_object('old_secrets_end', v_secret.old_secrets_end));
  return v_secret;
end
$$;
comment on function usher.rotate_webhook_secret
  is 'The rule behind public.rotate_organisation_webhook_secret.';

create function public.rotate_organisation_webhook_secret(
  webhook_id uuid,
  keep_old_for interval default null
) returns public.organisation_webhook_secret
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.rotate_webhook_secret($1, $2) $$;
comment on function public.rotate_organisation_webhook_secret
  is $$Makes a new secret for an endpoint. Older ones sign beside it for a while, so that receivers can change over
without missing an event. At most ten times a day.

  keep_old_for  how long older ones go on signing: 0, for one that has become known, to 7 days; without it,
                1 day. Also ends those of an earlier rotation that would have gone on longer

Returns the secret, shown this once. Needs webhook.manage. Fails with unauthenticated, webhook_not_found,
permission_denied, invalid_settings, rate_limited.$$;
grant execute on function public.rotate_organisation_webhook_secret to authenticated;
grant execute on function usher.rotate_webhook_secret to authenticated;

-- sql/55_webhooks/03_webhook_deliveries.sql

-- What webhooks are sent: one row is one event on its way to one endpoint.
--
-- queued ─▶ sending ─▶ delivered │ failed;   sending ─(not taken)─▶ queued;   delivered, failed ─(replay)─▶ queued.
--
-- A line of the audit trail becomes a row for each endpoint that has chosen its type. Reading needs webhook.manage.

create table public.organisation_webhook_deliveries (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  webhook_id uuid not null references public.organisation_webhooks
    on delete cascade,
  event_id uuid not null,
  event text not null,
  status text not null default 'queued',
  attempts integer not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  fence bigint not null default 0,
  leased_by text,
  last_status_code integer,
  last_response text,
  tries jsonb not null default '[]',
  delivered_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint organisation_webhook_deliveries_once unique (webhook_id, event_id),
  constraint organisation_webhook_deliveries_status check (
    status in ('queued', 'sending', 'delivered', 'failed')
  ),
  constraint organisation_webhook_deliveries_delivered check (
    status <> 'delivered' or delivered_at is not null
  )
);
comment on table public.organisation_webhook_deliveries
  is 'Events on their way to endpoints, and what became of them. Read with webhook.manage; written by functions only.';
comment on column public.organisation_webhook_deliveries.event_id
  is 'The line of the audit trail that is sent; the webhook-id is made of it.';
comment on column public.organisation_webhook_deliveries.due_at
  is 'When a worker may take it: the next try, or, while it is being sent, the end of the lease.';
comment on column public.organisation_webhook_deliveries.fence
  is 'Goes up with each lease; older holders are refused.';
comment on column public.organisation_webhook_deliveries.last_response
  is 'What the endpoint answered the last time, or why there was no answer; null once its days are over.';
comment on column public.organisation_webhook_deliveries.tries
  is 'The last 20 tries: [{"at", "status_code" (null: no answer), "milliseconds"}].';

create index organisation_webhook_deliveries_open
  on public.organisation_webhook_deliveries (webhook_id, due_at)
  where status in ('queued', 'sending');
create index organisation_webhook_deliveries_newest
  on public.organisation_webhook_deliveries (
  organisation_id,
  created_at desc,
  id desc
);
create index organisation_webhook_deliveries_answers
  on public.organisation_webhook_deliveries (created_at)
  where last_response is not null;

alter table public.organisation_webhook_deliveries enable row level security;
create policy organisation_webhook_deliveries_select
  on public.organisation_webhook_deliveries
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('webhook.manage'))
  );
grant select on public.organisation_webhook_deliveries to authenticated, service_role;

create function usher.webhook_hears(
  webhook public.organisation_webhooks,
  event text,
  target_id uuid
) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := webhook_hears.webhook;
begin
  return case
    -- A test is for the one endpoint that is tested.
    when webhook_hears.event = 'webhook.tested' then v_webhook.id = webhook_hears.target_id
    -- Nobody has the secret of one that is only being made.
    when webhook_hears.event = 'webhook.created' and v_webhook.id = webhook_hears.target_id then false
    else webhook_hears.event = any (coalesce(v_webhook.events, usher.webhook_event_types()))
  end;
end
$$;
comment on function usher.webhook_hears
  is 'Whether an endpoint has chosen an event.';

create function usher.tell_webhooks(
  lines public.organisation_audit_events[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
  select e.organisation_id, w.id, e.id, e.event
  from unnest(tell_webhooks.lines) e
  join public.organisation_webhooks w
    -- One that was added since hears of what happens from then on.
    on w.organisation_id = e.organisation_id and w.created_at <= e.occurred_at
  where w.is_enabled and usher.webhook_hears(w, e.event, e.target_id)
  on conflict on constraint organisation_webhook_deliveries_once do nothing;
end
$$;
comment on function usher.tell_webhooks
  is 'Puts lines of the trail on their way to the endpoints that have chosen them.';

-- sql/55_webhooks/04_webhook_sending.sql

-- Sending webhooks: the worker's functions.
--
-- What is sent is drawn from the trail's line each time, and signed at that moment: the same words and the same
-- webhook-id on every try. Leases and fences are those of mails: at least once, never lost, in no promised order.
--
-- Source: Standard Webhooks, operational considerations (timetable, status codes, switching off).

create function usher.webhook_body(
  event public.organisation_audit_events
) returns text
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  -- json, not jsonb, which would sort the keys. Nothing personal: no reason, address or browser.
  select json_build_object(
    'type', ($1).event,
    'timestamp', to_char(($1).occurred_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'data', json_build_object(
      'id', ($1).id,
      'organisation_id', ($1).organisation_id,
      'actor', json_build_object('kind', ($1).actor_kind, 'id', ($1).actor_id),
      'target', json_build_object('kind', ($1).target_kind, 'id', ($1).target_id),
      'before', ($1).before,
      'after', ($1).after))::text
$$;
comment on function usher.webhook_body
  is 'What is sent of a line of the trail: {type, timestamp, data}.';

create function usher.end_queued_webhook_deliveries(
  webhook_id uuid
) returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  update public.organisation_webhook_deliveries d
  set status = 'failed', last_response = 'Not sent: the webhook was switched off.'
  where d.webhook_id = end_queued_webhook_deliveries.webhook_id and d.status = 'queued'
$$;
comment on function usher.end_queued_webhook_deliveries
  is 'Ends what has not gone out yet to an endpoint that is switched off; it can be replayed later.';

create function usher.disable_webhook(webhook_id uuid, reason text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks;
begin
  update public.organisation_webhooks w
  set is_enabled = false, disabled_at = clock_timestamp(), disabled_reason = disable_webhook.reason
  where w.id = disable_webhook.webhook_id and w.is_enabled
  returning w.* into v_webhook;
  if not found then
    return;
  end if;
  perform usher.end_queued_webhook_deliveries(v_webhook.id);
  perform usher.record_event(v_webhook.organisation_id, 'webhook.disabled', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook) || jsonb_build_object('reason', v_webhook.disabled_reason),
    actor_kind => 'worker');
end
$$;
comment on function usher.disable_webhook
  is 'Switches an endpoint off that no longer takes anything, failing or gone, and tells whoever manages webhooks.';

create type usher.webhook_lease as (
  delivery_id uuid,
  fence bigint,
  attempts integer
);
comment on type usher.webhook_lease
  is 'An event that a worker may send to an endpoint now, and the fence to name with it.';

create function usher.lease_webhook_deliveries(
  worker text,
  batch_size integer default 50,
  lease interval default '1 minute'
) returns setof usher.webhook_lease
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_failing_under_way integer;
begin
  -- One that took its workers down with it at its last try is not tried again.
  update public.organisation_webhook_deliveries d
  set status = 'failed', last_response = 'Given up: no worker came back from sending it.'
  where d.status = 'sending' and d.due_at <= clock_timestamp() and d.attempts >= 10;

  select count(*)::integer into v_failing_under_way
  from public.organisation_webhook_deliveries d
  join public.organisation_webhooks w on w.id = d.webhook_id
  where d.status = 'sending' and d.due_at > clock_timestamp() and w.failing_since is not null;

  return query
    -- From one endpoint to the next by the index: as many steps as endpoints have something to be sent,
    -- however much that is.
    with recursive open_webhooks (id) as (
      (select d.webhook_id
        from public.organisation_webhook_deliveries d
        where d.status in ('queued', 'sending')
        order by d.webhook_id limit 1)
      union all
      select (
        select d.webhook_id
        from public.organisation_webhook_deliveries d
        where d.status in ('queued', 'sending') and d.webhook_id > o.id
        order by d.webhook_id limit 1)
      from open_webhooks o
      where o.id is not null
    ),
    due as (
      select q.id, q.due_at, w.failing_since,
        row_number() over (partition by w.organisation_id, w.failing_since is null order by q.due_at) as turn,
        row_number() over (partition by w.failing_since is null order by q.due_at) as place
      from open_webhooks o
      join public.organisation_webhooks w on w.id = o.id
      cross join lateral (
        select d.id, d.due_at
        from public.organisation_webhook_deliveries d
        where d.webhook_id = w.id and d.status in ('queued', 'sending') and d.due_at <= clock_timestamp()
        order by d.due_at
        -- Five at once, but one where the last one failed: a dead endpoint holds up one place, for one timeout.
        limit greatest(0, case when w.failing_since is null then 5 else 1 end - (
          select count(*)
          from public.organisation_webhook_deliveries s
          where s.webhook_id = w.id and s.status = 'sending' and s.due_at > clock_timestamp()))
        for update skip locked
      ) q
    ),
    -- The healthy before the failing, and each organisation's first before any one's second.
    chosen as (
      select d.id from due d
      -- However many endpoints are dead, most places stay free of them.
      where d.failing_since is null or d.place <= 50 - v_failing_under_way
      order by d.failing_since is not null, d.turn, d.due_at
      limit lease_webhook_deliveries.batch_size
    )
    update public.organisation_webhook_deliveries d
    set status = 'sending', attempts = d.attempts + 1, fence = d.fence + 1,
      leased_by = lease_webhook_deliveries.worker,
      due_at = clock_timestamp() + lease_webhook_deliveries.lease
    from chosen c
    where d.id = c.id
    returning d.id, d.fence, d.attempts;
end
$$;
comment on function usher.lease_webhook_deliveries
  is $$Takes events that are due to be sent: of healthy endpoints first, organisation by organisation, about five at
once of an endpoint; one where the last try failed, and 50 of all such. For workers.

  worker      a name for the log, such as host and process
  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each its id, the fence to name when answering, and which try this is.$$;
grant execute on function usher.lease_webhook_deliveries to usher_worker;

create function usher.prepare_webhook_delivery(
  delivery_id uuid,
  fence bigint
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_delivery  public.organisation_webhook_deliveries;
  v_webhook   public.organisation_webhooks;
  v_event     public.organisation_audit_events;
  v_message   text;
  v_timestamp text := floor(extract(epoch from clock_timestamp()))::bigint::text;
  v_body      text;
  v_signed    text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_webhook_deliveries d
    where d.id = prepare_webhook_delivery.delivery_id), 'exists');
  select d.* into v_delivery
  from public.organisation_webhook_deliveries d
  where d.id = prepare_webhook_delivery.delivery_id
    and d.fence = prepare_webhook_delivery.fence
    and d.status = 'sending'
    and d.due_at > clock_timestamp()
  for update;
  if not found then
    return null;
  end if;
  select w.* into strict v_webhook from public.organisation_webhooks w where w.id = v_delivery.webhook_id;
  select e.* into v_event from public.organisation_audit_events e where e.id = v_delivery.event_id;
  if v_event.id is null or not v_webhook.is_enabled then
    update public.organisation_webhook_deliveries d
    set status = 'failed', last_response = case when v_event.id is null
      then 'Not sent: its time in the audit trail is over.' else 'Not sent: the webhook was switched off.' end
    where d.id = v_delivery.id;
    return null;
  end if;

  v_message := 'msg_' || replace(v_event.id::text, '-', '');
  v_body := usher.webhook_body(v_event);
  v_signed := usher.webhook_signatures(v_webhook.id, concat_ws('.', v_message, v_timestamp, v_body));
  if v_signed is null then
    perform usher.record_webhook_try(v_delivery.id, v_delivery.fence, null,
      'Not sent: the secret that signs is not in Vault any more. Rotate it.', 0);
    return null;
  end if;
  return jsonb_build_object(
    'url', v_webhook.url,
    'body', v_body,
    'headers', jsonb_build_object(
      'content-type', 'application/json',
      'user-agent', 'Usher-Webhooks/1',
      'webhook-id', v_message,
      'webhook-timestamp', v_timestamp,
      'webhook-signature', v_signed));
end
$$;
comment on function usher.prepare_webhook_delivery
  is $$The request that a leased delivery is, {url, body, headers}, signed for this moment: to be sent as it is, at
once. For workers. Null when it is not to be sent any more: the fence is old, the endpoint is switched off, or
the line of the trail is gone; or not now: the secret is missing from Vault, which counts as a try.$$;
grant execute on function usher.prepare_webhook_delivery to usher_worker;

create function usher.record_webhook_try(
  delivery_id uuid,
  fence bigint,
  status_code integer,
  response text,
  milliseconds integer,
  retry_after integer default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook  public.organisation_webhooks;
  v_delivery public.organisation_webhook_deliveries;
  v_delays   constant interval[] :=
    '{5 seconds,5 minutes,30 minutes,2 hours,5 hours,10 hours,14 hours,20 hours,24 hours}'::interval[];
  v_is_ok    boolean := coalesce(record_webhook_try.status_code between 200 and 299, false);
  v_status   text;
begin
  perform usher.lock_organisation((
    select d.organisation_id from public.organisation_webhook_deliveries d
    where d.id = record_webhook_try.delivery_id), 'exists');
  -- The endpoint first, as wherever both are locked.
  select w.* into v_webhook
  from public.organisation_webhooks w
  where w.id = (
    select d.webhook_id from public.organisation_webhook_deliveries d
    where d.id = record_webhook_try.delivery_id)
  for no key update;
  select d.* into v_delivery
  from public.organisation_webhook_deliveries d
  where d.id = record_webhook_try.delivery_id
    and d.fence = record_webhook_try.fence
    and d.status = 'sending'
  for update;
  if not found then
    return null;
  end if;

  v_status := case
    when v_is_ok then 'delivered'
    when v_delivery.attempts >= 10 or record_webhook_try.status_code = 410 or not v_webhook.is_enabled then 'failed'
    else 'queued' end;

  update public.organisation_webhook_deliveries d
  set status = v_status,
    delivered_at = case when v_is_ok then clock_timestamp() else d.delivered_at end,
    -- Up to a fifth later, so that what failed together does not come back together; and no earlier than the
    -- endpoint asks for, within a day.
    due_at = case when v_status <> 'queued' then clock_timestamp() else
      clock_timestamp() + greatest(v_delays[least(d.attempts, 9)] * (1 + 0.2 * random()),
        make_interval(secs => least(greatest(record_webhook_try.retry_after, 0), 86400))) end,
    last_status_code = record_webhook_try.status_code,
    last_response = left(record_webhook_try.response, 1000),
    tries = case when jsonb_array_length(d.tries) >= 20 then d.tries - 0 else d.tries end || jsonb_build_object(
      'at', clock_timestamp(), 'status_code', record_webhook_try.status_code,
      'milliseconds', record_webhook_try.milliseconds)
  where d.id = v_delivery.id;

  if v_is_ok <> (v_webhook.failing_since is null) then
    update public.organisation_webhooks w
    set failing_since = case when not v_is_ok then clock_timestamp() end
    where w.id = v_webhook.id;
  end if;
  if record_webhook_try.status_code = 410 then
    perform usher.disable_webhook(v_webhook.id, 'gone');
  elsif not v_is_ok
    and v_webhook.failing_since < clock_timestamp() - (select s.webhook_failing_for from usher.settings s)
  then
    perform usher.disable_webhook(v_webhook.id, 'failing');
  end if;
  return v_status;
end
$$;
comment on function usher.record_webhook_try
  is $$Writes down what an endpoint answered, and decides what follows. For workers.

  status_code   of HTTP; 200 to 299: taken; 410: the endpoint is switched off; null: there was no answer
  response      the answer's body, or why there was none, kept to 1,000 characters
  milliseconds  how long it took
  retry_after   seconds, where the answer says so

Returns the delivery's status, delivered, queued or failed; null when the fence is old. Ten tries within about
three days, each wait up to a fifth longer; an endpoint that has taken nothing for settings.webhook_failing_for
is switched off.$$;
grant execute on function usher.record_webhook_try to usher_worker;

-- sql/55_webhooks/05_webhook_changes.sql

-- Changing webhooks: create, update, delete. They need webhook.manage.

create function usher.create_webhook(
  organisation_id uuid,
  url text,
  events text[],
  description text
) returns public.organisation_webhook_secret
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_webhook.organisation_id, 'webhook.manage', 'settings');
  v_webhook public.organisation_webhooks;
begin
  perform usher.require_webhook(create_webhook.url, create_webhook.events, create_webhook.description);
  -- Each one more is one more request for each thing that happens.
  perform usher.require_room('webhooks', v_member.organisation_id);

  insert into public.organisation_webhooks as w (organisation_id, url, events, description)
  values (v_member.organisation_id, create_webhook.url, usher.clean_events(create_webhook.events),
    coalesce(usher.clean_name(create_webhook.description, 200, may_link => true), ''))
  returning w.* into v_webhook;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.created', 'webhook', v_webhook.id,
    after => usher.webhook_facts(v_webhook));
  return usher.add_webhook_secret(v_webhook);
end
$$;
comment on function usher.create_webhook
  is 'The rule behind public.create_organisation_webhook.';

create function public.create_organisation_webhook(
  organisation_id uuid,
  url text,
  events text[] default null,
  description text default null
) returns public.organisation_webhook_secret
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_webhook($1, $2, $3, $4) $$;
comment on function public.create_organisation_webhook
  is $$Lets an endpoint hear what happens in an organisation, by Standard Webhooks. At most 20 of an organisation.

  url          where to POST: https, on the public internet, at most 2,000 characters
  events       which types, such as member.joined; without it, all
  description  what it is for: one line of at most 200 characters

Returns its id, and its secret, shown this once. Needs webhook.manage. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_webhook to authenticated;
grant execute on function usher.create_webhook to authenticated;

create function usher.update_webhook(
  webhook_id uuid,
  changes jsonb
) returns public.organisation_webhooks
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before  public.organisation_webhooks := usher.webhook_for_change(update_webhook.webhook_id);
  v_changes jsonb := update_webhook.changes;
  v_after   public.organisation_webhooks;
  v_unknown text;
begin
  if jsonb_typeof(v_changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of settings and values.');
  end if;
  select k into v_unknown from jsonb_object_keys(v_changes) k
  where k not in ('url', 'events', 'description', 'is_enabled') limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be set.', v_unknown));
  end if;
  begin
    v_after := jsonb_populate_record(v_before, v_changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'A value is not of its kind: ' || sqlerrm);
  end;
  perform usher.require_webhook(v_after.url, v_after.events, v_after.description);
  if v_after.is_enabled is null then
    perform usher.fail('invalid_settings', hint => 'is_enabled is true or false.');
  end if;

  update public.organisation_webhooks w
  set url = v_after.url, events = usher.clean_events(v_after.events), is_enabled = v_after.is_enabled,
    description = coalesce(usher.clean_name(v_after.description, 200, may_link => true), ''),
    disabled_at = case when not v_after.is_enabled then coalesce(w.disabled_at, now()) end,
    disabled_reason = case when not v_after.is_enabled then coalesce(w.disabled_reason, 'by_hand') end,
    -- Elsewhere, or switched on again, it begins anew.
    failing_since = case when v_after.is_enabled = w.is_enabled and v_after.url = w.url then w.failing_since end
  where w.id = v_before.id
  returning w.* into strict v_after;
  if not v_after.is_enabled then
    perform usher.end_queued_webhook_deliveries(v_after.id);
  end if;
  perform usher.record_event(v_after.organisation_id, 'webhook.updated', 'webhook', v_after.id,
    before => usher.webhook_facts(v_before), after => usher.webhook_facts(v_after));
  return v_after;
end
$$;
comment on function usher.update_webhook
  is 'The rule behind public.update_organisation_webhook.';

create function public.update_organisation_webhook(
  webhook_id uuid,
  changes jsonb
) returns public.organisation_webhooks
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_webhook($1, $2) $$;
comment on function public.update_organisation_webhook
  is $$Changes an endpoint; what is left out stays.

  changes  any of url, events (null: all), description, is_enabled, such as {"is_enabled": false}. What waits
           for an endpoint that is switched off fails; replay_organisation_webhook_deliveries brings it, and
           what happened meanwhile, once it is on again

Returns the endpoint. Needs webhook.manage. Fails with unauthenticated, webhook_not_found, permission_denied,
invalid_settings.$$;
grant execute on function public.update_organisation_webhook to authenticated;
grant execute on function usher.update_webhook to authenticated;

create function usher.delete_webhook(webhook_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(delete_webhook.webhook_id, 'settings');
begin
  delete from public.organisation_webhooks w where w.id = v_webhook.id;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.deleted', 'webhook', v_webhook.id,
    before => usher.webhook_facts(v_webhook));
end
$$;
comment on function usher.delete_webhook
  is 'The rule behind public.delete_organisation_webhook.';

create function public.delete_organisation_webhook(webhook_id uuid) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_webhook($1) $$;
comment on function public.delete_organisation_webhook
  is $$Deletes an endpoint, its secrets and its log. Needs webhook.manage. Fails with unauthenticated,
webhook_not_found, permission_denied.$$;
grant execute on function public.delete_organisation_webhook to authenticated;
grant execute on function usher.delete_webhook to authenticated;

-- sql/55_webhooks/06_webhook_replay.sql

-- Sending again, and sending a test: what whoever manages webhooks does when a receiver was down, or is new.

create function usher.enabled_webhook_for_change(
  webhook_id uuid
) returns public.organisation_webhooks
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.webhook_for_change(enabled_webhook_for_change.webhook_id);
begin
  if not v_webhook.is_enabled then
    perform usher.fail('webhook_disabled', details => v_webhook.disabled_reason);
  end if;
  return v_webhook;
end
$$;
comment on function usher.enabled_webhook_for_change
  is 'As usher.webhook_for_change, but refused while the endpoint is switched off.';

create function usher.replay_webhook_deliveries(
  webhook_id uuid,
  delivery_id uuid,
  since timestamptz
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook public.organisation_webhooks := usher.enabled_webhook_for_change(replay_webhook_deliveries.webhook_id);
  v_again   integer;
  v_missed  integer := 0;
begin
  if num_nonnulls(replay_webhook_deliveries.delivery_id, replay_webhook_deliveries.since) <> 1 then
    perform usher.fail('invalid_settings', hint => 'Give either delivery_id or since.');
  end if;
  perform usher.take_allowance('webhook-replays:' || v_webhook.id, 1, 60, interval '1 hour');
  if replay_webhook_deliveries.delivery_id is not null and not exists (
    select from public.organisation_webhook_deliveries d
    where d.id = replay_webhook_deliveries.delivery_id and d.webhook_id = v_webhook.id)
  then
    perform usher.fail('webhook_not_found', hint => 'The webhook has no such delivery.');
  end if;

  update public.organisation_webhook_deliveries d
  set status = 'queued', attempts = 0, due_at = clock_timestamp()
  where d.webhook_id = v_webhook.id
    and (d.id = replay_webhook_deliveries.delivery_id and d.status in ('delivered', 'failed')
      or d.created_at >= replay_webhook_deliveries.since and d.status = 'failed');
  get diagnostics v_again = row_count;

  if replay_webhook_deliveries.since is not null then
    insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
    select e.organisation_id, v_webhook.id, e.id, e.event
    from public.organisation_audit_events e
    where e.organisation_id = v_webhook.organisation_id
      and e.occurred_at >= greatest(replay_webhook_deliveries.since, v_webhook.created_at)
      and e.event <> 'webhook.tested' and usher.webhook_hears(v_webhook, e.event, e.target_id)
      and not exists (
        select from public.organisation_webhook_deliveries d
        where d.webhook_id = v_webhook.id and d.event_id = e.id)
    order by e.occurred_at
    -- More would take longer than a call may; the next call brings the rest.
    limit 10000
    on conflict on constraint organisation_webhook_deliveries_once do nothing;
    get diagnostics v_missed = row_count;
  end if;
  perform usher.record_event(v_webhook.organisation_id, 'webhook.replayed', 'webhook', v_webhook.id,
    after => jsonb_build_object('deliveries', v_again + v_missed, 'since', replay_webhook_deliveries.since));
  return v_again + v_missed;
end
$$;
comment on function usher.replay_webhook_deliveries
  is 'The rule behind public.replay_organisation_webhook_deliveries.';

create function public.replay_organisation_webhook_deliveries(
  webhook_id uuid,
  delivery_id uuid default null,
  since timestamptz default null
) returns integer
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.replay_webhook_deliveries($1, $2, $3) $$;
comment on function public.replay_organisation_webhook_deliveries
  is $$Sends again what an endpoint has missed, from the first try on and under the same webhook-id. Either, or:

  delivery_id  this one, also if it was taken before
  since        all that failed since then, and all that happened since then and was never put on its way,
               because the endpoint was switched off or had not chosen it; of these at most 10,000 in a call

Returns how many go out; 0 when the one is on its way already. Needs webhook.manage. Fails with
unauthenticated, webhook_not_found (also for a delivery that is not the endpoint's), permission_denied,
webhook_disabled, invalid_settings, rate_limited.$$;
grant execute on function public.replay_organisation_webhook_deliveries to authenticated;
grant execute on function usher.replay_webhook_deliveries to authenticated;

create function usher.test_webhook(
  webhook_id uuid
) returns public.organisation_webhook_deliveries
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_webhook  public.organisation_webhooks := usher.enabled_webhook_for_change(test_webhook.webhook_id);
  v_delivery public.organisation_webhook_deliveries;
begin
  perform usher.take_allowance('webhook-tests:' || v_webhook.id, 1, 60, interval '1 hour');
  -- Whoever tests waits for it: it is on its way at once, and usher.fan_out finds it there.
  insert into public.organisation_webhook_deliveries (organisation_id, webhook_id, event_id, event)
  values (v_webhook.organisation_id, v_webhook.id,
    usher.record_event(v_webhook.organisation_id, 'webhook.tested', 'webhook', v_webhook.id,
      after => usher.webhook_facts(v_webhook)), 'webhook.tested')
  returning * into strict v_delivery;
  return v_delivery;
end
$$;
comment on function usher.test_webhook
  is 'The rule behind public.test_organisation_webhook.';

create function public.test_organisation_webhook(
  webhook_id uuid
) returns public.organisation_webhook_deliveries
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.test_webhook($1) $$;
comment on function public.test_organisation_webhook
  is $$Sends an event of type webhook.tested to this one endpoint, whatever it has chosen. At most 60 an hour.

Returns the delivery, whose status tells what became of it. Needs webhook.manage. Fails with unauthenticated,
webhook_not_found, permission_denied, webhook_disabled, rate_limited.$$;
grant execute on function public.test_organisation_webhook to authenticated;
grant execute on function usher.test_webhook to authenticated;

-- sql/55_webhooks/07_webhook_upkeep.sql

-- Upkeep of webhooks: how they are doing, and what is not kept.

create function usher.webhook_metrics() returns table (
  status text,
  count bigint,
  oldest_seconds double precision
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select d.status, count(*),
    -- Since it was due, not since it was made: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - d.due_at))
      filter (where d.status = 'queued' and d.due_at <= clock_timestamp())::double precision
  from public.organisation_webhook_deliveries d
  group by d.status
$$;
comment on function usher.webhook_metrics
  is $$How many events to webhooks are in which status, and for how many seconds the oldest of those due has waited. For
the worker's metrics.$$;
grant execute on function usher.webhook_metrics to usher_worker;

create function usher.purge_webhook_answers_of(
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
  v_purged integer;
begin
  update public.organisation_webhook_deliveries d
  set last_response = null
  where d.organisation_id = purge_webhook_answers_of.organisation_id
    and d.last_response is not null and d.status in ('delivered', 'failed')
    and d.created_at < now() - (select s.webhook_answers_kept_for from usher.settings s);
  get diagnostics v_purged = row_count;
  -- With the line of the trail, what became of it goes.
  delete from public.organisation_webhook_deliveries d
  using public.organisations o
  where o.id = d.organisation_id and o.id = purge_webhook_answers_of.organisation_id
    and o.audit_retention is not null
    and d.created_at < now() - least(o.audit_retention, interval '100 years');
  return v_purged;
end
$$;
comment on function usher.purge_webhook_answers_of
  is 'usher.purge_webhook_answers for one organisation.';

create function usher.purge_webhook_answers() returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('purge_webhook_answers', array(
    select row(d.organisation_id, null)::usher.upkeep_item
    from public.organisation_webhook_deliveries d
    join public.organisations o on o.id = d.organisation_id
    cross join usher.settings s
    where d.last_response is not null and d.status in ('delivered', 'failed')
        and d.created_at < now() - s.webhook_answers_kept_for
      or o.audit_retention is not null and d.created_at < now() - least(o.audit_retention, interval '100 years')
    group by d.organisation_id
    having d.organisation_id not in (select usher.resting_organisations('purge_webhook_answers'))
    limit 1000));
end
$$;
comment on function usher.purge_webhook_answers
  is $$Removes what endpoints answered once settings.webhook_answers_kept_for is over, and rows that are older than
their organisation's audit_retention. For workers. Returns how many answers went.$$;
grant execute on function usher.purge_webhook_answers to usher_worker;

-- sql/60_provisioning/01_directory_endpoints.sql

-- Directory endpoints: other applications that are told, by SCIM 2.0, who is a member and with which roles.
--
-- An organisation names an endpoint and gives the token that opens it. Its members become Users there, its roles
-- Groups. What is sent, and when, stands in 04_directory_changes.sql. Managing them needs directory.manage.
--
-- The token lies in Vault where the project has it. Nobody reads it back: it is only given to the worker.

create table public.organisation_directory_endpoints (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  name text not null,
  url text not null,
  is_enabled boolean not null default true,
  features jsonb,
  failures integer not null default 0,
  retry_at timestamptz,
  last_error text,
  last_success_at timestamptz,
  reconcile_at timestamptz not null default now(),
  reconciled_at timestamptz,
  drift integer,
  fence bigint not null default 0,
  leased_at timestamptz,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  constraint organisation_directory_endpoints_bounds check (
    length(name) <= 100 and length(url) <= 2000
  )
);
comment on table public.organisation_directory_endpoints
  is 'SCIM servers of other applications, without their tokens. Read with directory.manage; written by functions only.';
comment on column public.organisation_directory_endpoints.features
  is 'What its /ServiceProviderConfig says: {"patch": true, "filter": true}, and whether it has groups; null:
not asked yet.';
comment on column public.organisation_directory_endpoints.retry_at
  is 'Nothing is sent there before this time, because it did not answer; null: nothing is wrong with it.';
comment on column public.organisation_directory_endpoints.reconcile_at
  is 'When it is compared as a whole the next time: once a day, or as soon as somebody asks for it.';
comment on column public.organisation_directory_endpoints.drift
  is 'How many members were found to be other than they should, the last time that it was compared.';
comment on column public.organisation_directory_endpoints.fence
  is 'Goes up with each lease; older holders are refused.';

create index organisation_directory_endpoints_organisation_id
  on public.organisation_directory_endpoints (organisation_id);
create index organisation_directory_endpoints_due
  on public.organisation_directory_endpoints (reconcile_at)
  where is_enabled;

alter table public.organisation_directory_endpoints enable row level security;
create policy organisation_directory_endpoints_select
  on public.organisation_directory_endpoints
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('directory.manage'))
  );
grant select on public.organisation_directory_endpoints to authenticated, service_role;

create table usher.directory_endpoint_tokens (
  endpoint_id uuid primary key
    references public.organisation_directory_endpoints on delete cascade,
  token text,
  vault_secret_id uuid,
  constraint directory_endpoint_tokens_one_place check (
    num_nonnulls(token, vault_secret_id) = 1
  ),
  constraint directory_endpoint_tokens_bounds check (length(token) <= 4000)
);
comment on table usher.directory_endpoint_tokens is 'What opens each endpoint.';
comment on column usher.directory_endpoint_tokens.token
  is 'Only where the project has no Vault.';
comment on column usher.directory_endpoint_tokens.vault_secret_id
  is 'Where it lies in vault.secrets.';
alter table usher.directory_endpoint_tokens enable row level security;
create policy directory_endpoint_tokens_nobody
  on usher.directory_endpoint_tokens
  for select
  to public
  using (false);

-- However it goes, with its endpoint or with the whole organisation: Vault forgets it as well.
create function usher.tg_directory_endpoint_tokens__forget() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  execute 'delete from vault.secrets s where s.id = $1' using old.vault_secret_id;
  return null;
end
$$;
comment on function usher.tg_directory_endpoint_tokens__forget
  is 'Deletes what opened an endpoint from Vault.';

create trigger usher_forget
  after delete
  on usher.directory_endpoint_tokens
  for each row
  when (old.vault_secret_id is not null)
  execute function usher.tg_directory_endpoint_tokens__forget();

create function usher.keep_endpoint_token(
  endpoint_id uuid,
  token text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_vault_id uuid;
begin
  if keep_endpoint_token.token is null
    or length(keep_endpoint_token.token) not between 1 and 4000 or keep_endpoint_token.token !~ '^[!-~]+$'
  then
    perform usher.fail('invalid_settings', hint => 'A token is 1 to 4,000 characters of ASCII, without spaces.');
  end if;
  delete from usher.directory_endpoint_tokens t where t.endpoint_id = keep_endpoint_token.endpoint_id;
  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select vault.create_secret($1, $2, $3)' into v_vault_id
      using keep_endpoint_token.token, 'usher_directory_endpoint_' || keep_endpoint_token.endpoint_id,
        'Opens a directory endpoint (Usher).';
  end if;
  insert into usher.directory_endpoint_tokens (endpoint_id, token, vault_secret_id)
  values (keep_endpoint_token.endpoint_id,
    case when v_vault_id is null then keep_endpoint_token.token end, v_vault_id);
end
$$;
comment on function usher.keep_endpoint_token
  is 'Puts away what opens an endpoint, in the place of what did so far. Fails with invalid_settings.';

create function usher.endpoint_token(endpoint_id uuid) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_kept  usher.directory_endpoint_tokens;
  v_token text;
begin
  select t.* into v_kept from usher.directory_endpoint_tokens t where t.endpoint_id = endpoint_token.endpoint_id;
  if v_kept.vault_secret_id is null then
    return v_kept.token;
  end if;
  execute 'select s.decrypted_secret from vault.decrypted_secrets s where s.id = $1'
    into v_token using v_kept.vault_secret_id;
  return v_token;
end
$$;
comment on function usher.endpoint_token
  is 'What opens an endpoint; null when Vault has lost it.';

-- sql/60_provisioning/02_directory_copies.sql

-- Directory copies: what other applications are known to hold of members and roles.
--
-- A copy is a member at an endpoint. It is marked in the transaction that changes the member, and says that
-- something changed, never what.

create table public.organisation_directory_copies (
  endpoint_id uuid not null references public.organisation_directory_endpoints
    on delete cascade,
  member_id uuid not null,
  organisation_id uuid not null references public.organisations
    on delete cascade,
  status text not null default 'waiting',
  remote_id text,
  roles text[] not null default '{}',
  change bigint not null default 1,
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  fence bigint not null default 0,
  leased_until timestamptz,
  last_error text,
  synced_at timestamptz,
  primary key (endpoint_id, member_id),
  constraint organisation_directory_copies_status check (
    status in ('waiting', 'current', 'failed')
  ),
  constraint organisation_directory_copies_bounds check (
    length(remote_id) <= 1000
      and cardinality(roles) <= 1000
      and octet_length(array_to_string(roles, '')) <= 63000
  )
);
comment on table public.organisation_directory_copies
  is 'Members as other applications have them. Read with directory.manage; written by functions only.';
comment on column public.organisation_directory_copies.member_id
  is 'No foreign key: whoever is gone here has still to be gone there.';
comment on column public.organisation_directory_copies.remote_id
  is 'The id of the User there; null: none is known.';
comment on column public.organisation_directory_copies.roles
  is 'In whose Groups they are there, as far as is known.';
comment on column public.organisation_directory_copies.change
  is 'Goes up with each mark.';
comment on column public.organisation_directory_copies.fence
  is 'Goes up with each lease; older holders are refused.';

create index organisation_directory_copies_due
  on public.organisation_directory_copies (endpoint_id, due_at)
  where status = 'waiting';
create index organisation_directory_copies_member_id
  on public.organisation_directory_copies (member_id);
create index organisation_directory_copies_organisation_id
  on public.organisation_directory_copies (organisation_id);

alter table public.organisation_directory_copies enable row level security;
create policy organisation_directory_copies_select
  on public.organisation_directory_copies
  for select
  to authenticated
  using (
    organisation_id in (select usher.organisations_where('directory.manage'))
  );
grant select on public.organisation_directory_copies to authenticated, service_role;

create table usher.directory_group_copies (
  endpoint_id uuid not null references public.organisation_directory_endpoints
    on delete cascade,
  role text not null,
  remote_id text,
  fence bigint not null default 0,
  leased_until timestamptz,
  primary key (endpoint_id, role),
  constraint directory_group_copies_bounds check (
    length(role) <= 63
      and length(remote_id) <= 1000
      and fence between 0 and 1000000000000
      and leased_until
        between timestamptz '2000-01-01T00:00:00Z'
        and timestamptz '9999-12-31T23:59:59.999999Z'
  )
);
comment on table usher.directory_group_copies
  is 'Which Group of an endpoint stands for which role, and who may write to it at this moment.';
comment on column usher.directory_group_copies.remote_id
  is 'The id of the Group there; null: none is known.';
comment on column usher.directory_group_copies.fence
  is 'Goes up with each lease; older holders are refused.';
alter table usher.directory_group_copies enable row level security;
create policy directory_group_copies_nobody
  on usher.directory_group_copies
  for select
  to public
  using (false);

create function usher.mark_copies(endpoint_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into public.organisation_directory_copies (endpoint_id, member_id, organisation_id)
  select e.id, m.id, e.organisation_id
  from public.organisation_directory_endpoints e
  join public.organisation_members m on m.organisation_id = e.organisation_id
  where e.id = mark_copies.endpoint_id and m.status = 'active' and m.kind = 'user';
end
$$;
comment on function usher.mark_copies
  is 'Marks every member at an endpoint at which nobody is marked yet.';

create function usher.tg_organisation_members__mark_copies() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member public.organisation_members := coalesce(new, old);
begin
  if not exists (
    select from public.organisation_directory_endpoints e where e.organisation_id = v_member.organisation_id)
  then
    return null;
  end if;
  insert into public.organisation_directory_copies as c (endpoint_id, member_id, organisation_id)
  select e.id, v_member.id, e.organisation_id
  from public.organisation_directory_endpoints e
  where e.organisation_id = v_member.organisation_id
    and (v_member.status = 'active' and v_member.kind = 'user' and tg_op <> 'DELETE' or exists (
      select from public.organisation_directory_copies k
      where k.endpoint_id = e.id and k.member_id = v_member.id))
  on conflict on constraint organisation_directory_copies_pkey do update
  set status = 'waiting', change = c.change + 1, due_at = now(), attempts = 0;
  return null;
end
$$;
comment on function usher.tg_organisation_members__mark_copies
  is 'Marks a member who has changed at each endpoint of the organisation.';

create trigger usher_mark_copies
  after insert or delete
  on public.organisation_members
  for each row
  execute function usher.tg_organisation_members__mark_copies();
create trigger usher_mark_changed_copies
  after update of status, roles, email, display_name, kind
  on public.organisation_members
  for each row
  when (
    old.status <> new.status
      or old.roles <> new.roles
      or old.kind <> new.kind
      or old.email is distinct from new.email
      or old.display_name is distinct from new.display_name
  )
  execute function usher.tg_organisation_members__mark_copies();

-- sql/60_provisioning/03_directory_endpoint_changes.sql

-- Changing directory endpoints: create, update, delete, compare now. They need directory.manage.

create function usher.directory_url(url text) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return case when usher.target_problem(btrim(directory_url.url)) is null and directory_url.url !~ '[?#]'
    then rtrim(btrim(directory_url.url), '/') end;
end
$$;
comment on function usher.directory_url
  is 'The base address of a SCIM server, without a slash at its end; null for what is none.';

create function usher.create_directory_endpoint(
  organisation_id uuid,
  name text,
  url text,
  token text
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_member   public.organisation_members :=
    usher.require_permission(create_directory_endpoint.organisation_id, 'directory.manage', 'settings');
  v_name     text := usher.clean_name(create_directory_endpoint.name);
  v_url      text := usher.directory_url(create_directory_endpoint.url);
  v_endpoint public.organisation_directory_endpoints;
begin
  -- What it sends out are addresses: to manage directories is not enough.
  perform usher.require_permission(create_directory_endpoint.organisation_id, 'member.read');
  if v_name is null or v_url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_url is null then usher.target_problem(btrim(create_directory_endpoint.url)) end,
        'Give a name of one line without addresses and links, '
        'and the https address that the application calls its SCIM base URL.'));
  end if;
  perform usher.require_room('directory endpoints', v_member.organisation_id);
  insert into public.organisation_directory_endpoints as e (organisation_id, name, url, created_by)
  values (v_member.organisation_id, v_name, v_url, v_member.user_id)
  returning e.* into v_endpoint;
  perform usher.keep_endpoint_token(v_endpoint.id, create_directory_endpoint.token);
  perform usher.mark_copies(v_endpoint.id);
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_created', 'directory', v_endpoint.id,
    after => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url)));
  return v_endpoint;
end
$$;
comment on function usher.create_directory_endpoint
  is 'The rule behind public.create_organisation_directory_endpoint.';

create function public.create_organisation_directory_endpoint(
  organisation_id uuid,
  name text,
  url text,
  token text
) returns public.organisation_directory_endpoints
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.create_directory_endpoint($1, $2, $3, $4) $$;
comment on function public.create_organisation_directory_endpoint
  is $$Tells another application, by SCIM 2.0, who is a member and with which roles: from now on, and at first for all.

  name   of the application, one line of at most 100 characters
  url    its SCIM base URL, https, such as https://app.example.com/scim/v2
  token  the bearer token that it gave out; nobody can read it back

Returns the endpoint. Needs directory.manage and member.read. Fails with unauthenticated, organisation_not_found,
permission_denied, invalid_settings.$$;
grant execute on function public.create_organisation_directory_endpoint to authenticated;
grant execute on function usher.create_directory_endpoint to authenticated;

create function usher.directory_endpoint_for_change(
  endpoint_id uuid,
  lock text default 'share'
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints;
begin
  perform usher.require_permission((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = directory_endpoint_for_change.endpoint_id),
    'directory.manage', directory_endpoint_for_change.lock, 'directory_not_found');
  select e.* into v_endpoint
  from public.organisation_directory_endpoints e where e.id = directory_endpoint_for_change.endpoint_id for update;
  if not found then
    perform usher.fail('directory_not_found');
  end if;
  return v_endpoint;
end
$$;
comment on function usher.directory_endpoint_for_change
  is $$An endpoint, locked until the end of the transaction. Fails with unauthenticated, directory_not_found (also
for another tenant's), permission_denied.$$;

create function usher.update_directory_endpoint(
  endpoint_id uuid,
  changes jsonb
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before   public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(update_directory_endpoint.endpoint_id);
  v_changes  jsonb := update_directory_endpoint.changes;
  v_endpoint public.organisation_directory_endpoints := v_before;
begin
  perform usher.require_permission(v_before.organisation_id, 'member.read');
  if jsonb_typeof(v_changes) is distinct from 'object' or v_changes - '{name,url,token,is_enabled}'::text[] <> '{}'
    or v_changes ? 'is_enabled' and jsonb_typeof(v_changes -> 'is_enabled') <> 'boolean'
  then
    perform usher.fail('invalid_settings', hint => 'changes is an object of name, url, token and is_enabled.');
  end if;
  if v_changes ? 'name' then
    v_endpoint.name := case when v_changes ->> 'name' = v_before.name then v_before.name
      else usher.clean_name(v_changes ->> 'name') end;
  end if;
  if v_changes ? 'url' then
    v_endpoint.url := usher.directory_url(v_changes ->> 'url');
  end if;
  if v_endpoint.name is null or v_endpoint.url is null then
    perform usher.fail('invalid_settings',
      hint => coalesce(case when v_endpoint.url is null then usher.target_problem(btrim(v_changes ->> 'url')) end,
        'Give a name of one line without addresses and links, '
        'and the https address that the application calls its SCIM base URL.'));
  end if;
  -- Nobody reads the token back: not by having it sent to an address of theirs either.
  if v_endpoint.url <> v_before.url and not v_changes ? 'token' then
    perform usher.fail('invalid_settings', hint => 'A new url needs its token as well.');
  end if;
  if v_changes ? 'token' then
    perform usher.keep_endpoint_token(v_before.id, v_changes ->> 'token');
  end if;

  -- Whatever was wrong with it may be right now: it is asked anew, and compared as a whole.
  update public.organisation_directory_endpoints e
  set name = v_endpoint.name, url = v_endpoint.url,
    is_enabled = coalesce((v_changes ->> 'is_enabled')::boolean, e.is_enabled),
    failures = 0, retry_at = null, last_error = null, features = null, reconcile_at = now(),
    -- A lease is over: what its holder finds is that of another address, or of another token.
    fence = e.fence + 1, leased_at = null
  where e.id = v_before.id
  returning e.* into v_endpoint;
  -- At another address there is another application, in which nobody is known yet.
  if v_endpoint.url <> v_before.url then
    delete from public.organisation_directory_copies c where c.endpoint_id = v_endpoint.id;
    delete from usher.directory_group_copies g where g.endpoint_id = v_endpoint.id;
    update public.organisation_directory_endpoints e set reconciled_at = null
    where e.id = v_endpoint.id
    returning e.* into v_endpoint;
    perform usher.mark_copies(v_endpoint.id);
  end if;
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_updated', 'directory', v_endpoint.id,
    before => jsonb_build_object(
      'name', v_before.name, 'host', usher.target_host(v_before.url), 'is_enabled', v_before.is_enabled),
    after  => jsonb_build_object(
      'name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url), 'is_enabled', v_endpoint.is_enabled,
      'has_new_token', v_changes ? 'token'));
  return v_endpoint;
end
$$;
comment on function usher.update_directory_endpoint
  is 'The rule behind public.update_organisation_directory_endpoint.';

create function public.update_organisation_directory_endpoint(
  endpoint_id uuid,
  changes jsonb
) returns public.organisation_directory_endpoints
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_directory_endpoint($1, $2) $$;
comment on function public.update_organisation_directory_endpoint
  is $$Changes an endpoint, and tries it again at once if it had failed.

  changes  an object with any of name, url, token (as in create_organisation_directory_endpoint) and
           is_enabled; what is left out stays. A new url needs its token, and starts from nothing: that is
           another application

Returns the endpoint. Needs directory.manage and member.read. Fails with unauthenticated, directory_not_found,
permission_denied, invalid_settings.$$;
grant execute on function public.update_organisation_directory_endpoint to authenticated;
grant execute on function usher.update_directory_endpoint to authenticated;

create function usher.delete_directory_endpoint(endpoint_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(delete_directory_endpoint.endpoint_id, 'settings');
begin
  delete from public.organisation_directory_endpoints e where e.id = v_endpoint.id;
  perform usher.record_event(v_endpoint.organisation_id, 'directory.endpoint_deleted', 'directory', v_endpoint.id,
    before => jsonb_build_object('name', v_endpoint.name, 'host', usher.target_host(v_endpoint.url)));
end
$$;
comment on function usher.delete_directory_endpoint
  is 'The rule behind public.delete_organisation_directory_endpoint.';

create function public.delete_organisation_directory_endpoint(
  endpoint_id uuid
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_directory_endpoint($1) $$;
comment on function public.delete_organisation_directory_endpoint
  is $$Tells an application of nothing any more, and forgets its token; what it has stays there as it is. Needs
directory.manage. Fails with unauthenticated, directory_not_found, permission_denied.$$;
grant execute on function public.delete_organisation_directory_endpoint to authenticated;
grant execute on function usher.delete_directory_endpoint to authenticated;

create function usher.reconcile_directory_endpoint(
  endpoint_id uuid
) returns public.organisation_directory_endpoints
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints :=
    usher.directory_endpoint_for_change(reconcile_directory_endpoint.endpoint_id);
begin
  if not v_endpoint.is_enabled then
    perform usher.fail('invalid_settings', hint => 'The endpoint is turned off: turn it on first.');
  end if;
  update public.organisation_directory_endpoints e
  set reconcile_at = now(), retry_at = null
  where e.id = v_endpoint.id
  returning e.* into v_endpoint;
  return v_endpoint;
end
$$;
comment on function usher.reconcile_directory_endpoint
  is 'The rule behind public.reconcile_organisation_directory_endpoint.';

create function public.reconcile_organisation_directory_endpoint(
  endpoint_id uuid
) returns public.organisation_directory_endpoints
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.reconcile_directory_endpoint($1) $$;
comment on function public.reconcile_organisation_directory_endpoint
  is $$Has an endpoint compared as a whole now, and put right what differs, as happens by itself once a day. It is done
when reconciled_at is later than now; drift then says how much there was.

Returns the endpoint. Needs directory.manage. Fails with unauthenticated, directory_not_found,
permission_denied, invalid_settings (it is turned off).$$;
grant execute on function public.reconcile_organisation_directory_endpoint to authenticated;
grant execute on function usher.reconcile_directory_endpoint to authenticated;

-- sql/60_provisioning/04_directory_changes.sql

-- Directory changes: what the endpoints are told.
--
-- A worker leases a copy, reads how the member is at that moment, and makes the other side so. Ten changes at once are
-- sent once, and their order does not matter.
--
-- waiting ─▶ current │ failed (refused for good: until the next change, or until it is compared)
--
-- A lease carries a fence. Where a worker comes back after its lease is over, what it did meanwhile may have
-- undone what another one did: the copy is then sent once more.
-- Now and then all is compared: 06_directory_reconcile.sql. Reading needs directory.manage.

create type usher.directory_change as (
  endpoint_id uuid,
  member_id uuid,
  fence bigint,
  attempts integer
);
comment on type usher.directory_change
  is 'A copy that a worker may bring up to date now, and the fence to name with it.';

create function usher.lease_directory_changes(
  batch_size integer default 20,
  lease interval default '2 minutes'
) returns setof usher.directory_change
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    update public.organisation_directory_copies c
    set fence = c.fence + 1, attempts = c.attempts + 1,
      leased_until = clock_timestamp() + lease_directory_changes.lease
    from (
      select q.endpoint_id, q.member_id
      from public.organisation_directory_endpoints e
      cross join lateral (
        select k.endpoint_id, k.member_id, m.status is not distinct from 'active' as is_in, k.due_at
        from public.organisation_directory_copies k
        left join public.organisation_members m on m.id = k.member_id
        where k.endpoint_id = e.id and k.status = 'waiting' and k.due_at <= clock_timestamp()
          and (k.leased_until is null or k.leased_until <= clock_timestamp())
        -- Whoever is out does not wait behind thousands who are in.
        order by is_in, k.due_at
        -- Two at once, but one where the last one failed: an endpoint that hangs holds up few places.
        limit greatest(0, case when e.failures = 0 then 2 else 1 end - (
          select count(*)
          from public.organisation_directory_copies s
          where s.endpoint_id = e.id and s.status = 'waiting' and s.leased_until > clock_timestamp()))
        for update of k skip locked
      ) q
      -- What it is able to do has to be known, and who is there already.
      where e.is_enabled and e.features is not null and e.reconciled_at is not null
        and (e.retry_at is null or e.retry_at <= clock_timestamp())
      order by q.is_in, q.due_at
      limit lease_directory_changes.batch_size
    ) due
    where c.endpoint_id = due.endpoint_id and c.member_id = due.member_id
    returning c.endpoint_id, c.member_id, c.fence, c.attempts;
end
$$;
comment on function usher.lease_directory_changes
  is $$Takes copies that are due, of endpoints that answer: removals first, then oldest first; of one endpoint about
two at once. For workers.

  batch_size  how many at most
  lease       after this time without an answer, another worker may take them over

Returns for each what to name when answering, and which try this is.$$;
grant execute on function usher.lease_directory_changes to usher_worker;

create function usher.prepare_directory_change(
  endpoint_id uuid,
  member_id uuid,
  fence bigint
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_change jsonb;
begin
  select jsonb_build_object(
    'change', c.change,
    'remote_id', c.remote_id,
    'remote_roles', c.roles,
    'groups', coalesce((
      select jsonb_object_agg(g.role, g.remote_id)
      from usher.directory_group_copies g
      where g.endpoint_id = c.endpoint_id and g.remote_id is not null), '{}'),
    'user', case when m.status = 'active' and m.kind = 'user' and m.email is not null then jsonb_build_object(
      'user_id', m.user_id,
      'email', m.email,
      'display_name', coalesce(m.display_name, m.email),
      'roles', m.roles) end,
    'former', case when m.status <> 'active' then jsonb_build_object('user_id', m.user_id) end,
    'endpoint', jsonb_build_object(
      'id', e.id, 'url', e.url, 'token', usher.endpoint_token(e.id), 'features', e.features))
  into v_change
  from public.organisation_directory_copies c
  join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  left join public.organisation_members m on m.id = c.member_id
  where c.endpoint_id = prepare_directory_change.endpoint_id
    and c.member_id = prepare_directory_change.member_id
    and c.fence = prepare_directory_change.fence
    and c.leased_until > clock_timestamp();
  if v_change #>> '{endpoint,token}' is null and v_change is not null then
    perform usher.fail_directory_change(prepare_directory_change.endpoint_id, prepare_directory_change.member_id,
      prepare_directory_change.fence, 'endpoint', 'The token that opens it is not in Vault any more: give it anew.');
    return null;
  end if;
  return v_change;
end
$$;
comment on function usher.prepare_directory_change
  is $$How a leased copy has to be, read at this moment, and how it is known to be there; user is null for whoever is no
active member, and former says who that was. For workers, just before sending. Null when the lease is over; or when the
token is missing from Vault: the endpoint is then left alone for a while.$$;
grant execute on function usher.prepare_directory_change to usher_worker;

create function usher.end_directory_lease(
  endpoint_id uuid,
  member_id uuid,
  fence bigint
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  update public.organisation_directory_copies c
  set leased_until = null
  where c.endpoint_id = end_directory_lease.endpoint_id
    and c.member_id = end_directory_lease.member_id
    and c.fence = end_directory_lease.fence;
  if found then
    return true;
  end if;
  -- Whoever took over may have been first: what is there now is anybody's guess, and is sent again.
  update public.organisation_directory_copies c
  set status = 'waiting', change = c.change + 1, due_at = now()
  where c.endpoint_id = end_directory_lease.endpoint_id and c.member_id = end_directory_lease.member_id;
  return false;
end
$$;
comment on function usher.end_directory_lease
  is 'Gives a leased copy back; false when another worker has taken over, and then marks it once more.';

create function usher.complete_directory_change(
  endpoint_id uuid,
  member_id uuid,
  fence bigint,
  change bigint,
  remote_id text,
  roles text[],
  error text default null
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = complete_directory_change.endpoint_id), 'exists');
  if not usher.end_directory_lease(
    complete_directory_change.endpoint_id, complete_directory_change.member_id, complete_directory_change.fence)
  then
    return false;
  end if;
  update public.organisation_directory_copies c
  set remote_id = complete_directory_change.remote_id,
    roles = usher.clean_roles(complete_directory_change.roles),
    last_error = left(complete_directory_change.error, 500),
    synced_at = now(), attempts = 0,
    -- Marked while it was being sent: once more.
    status = case
      when c.change <> complete_directory_change.change then 'waiting'
      when complete_directory_change.error is not null then 'failed'
      else 'current'
    end
  where c.endpoint_id = complete_directory_change.endpoint_id and c.member_id = complete_directory_change.member_id;
  -- Not each time: many at once would wait for this row.
  update public.organisation_directory_endpoints e
  set last_success_at = now(), failures = 0, retry_at = null, last_error = null
  where e.id = complete_directory_change.endpoint_id
    and (e.last_error is not null or e.last_success_at is null or e.last_success_at < now() - interval '10 seconds');
  return true;
end
$$;
comment on function usher.complete_directory_change
  is $$Writes down that a copy is as prepare_directory_change said. For workers.

  change     as prepared: what was marked meanwhile stays marked
  remote_id  the User there; null: none
  roles      in whose Groups they are there
  error      what was refused for good nevertheless, such as one of the Groups

False when another worker has taken over.$$;
grant execute on function usher.complete_directory_change to usher_worker;

create function usher.pause_directory_endpoint(
  endpoint_id uuid,
  error text,
  retry_after integer
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  update public.organisation_directory_endpoints e
  set failures = e.failures + 1, last_error = left(pause_directory_endpoint.error, 500),
    -- 10, 20, 40 seconds … up to an hour; and not all endpoints of a host that is down at the same moment.
    retry_at = now() + greatest(
      case when pause_directory_endpoint.retry_after > 0
        then make_interval(secs => least(pause_directory_endpoint.retry_after, 86400)) end,
      least(interval '1 hour', interval '10 seconds' * 2 ^ least(e.failures, 10)) * (0.8 + 0.4 * random()))
  where e.id = pause_directory_endpoint.endpoint_id
    -- Of several that fail at the same time, the first counts.
    and (e.retry_at is null or e.retry_at <= clock_timestamp());
end
$$;
comment on function usher.pause_directory_endpoint
  is 'Sends nothing to an endpoint for a while, longer each time; retry_after: at least so many seconds.';

create function usher.fail_directory_change(
  endpoint_id uuid,
  member_id uuid,
  fence bigint,
  failure text,
  error text,
  retry_after integer default null
) returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_status text;
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = fail_directory_change.endpoint_id), 'exists');
  if not usher.end_directory_lease(
    fail_directory_change.endpoint_id, fail_directory_change.member_id, fail_directory_change.fence)
  then
    return null;
  end if;
  if fail_directory_change.failure = 'endpoint' then
    perform usher.pause_directory_endpoint(
      fail_directory_change.endpoint_id, fail_directory_change.error, fail_directory_change.retry_after);
  end if;
  update public.organisation_directory_copies c
  set last_error = left(fail_directory_change.error, 500),
    -- What is wrong with the endpoint is no fault of this member.
    attempts = case when fail_directory_change.failure = 'endpoint' then c.attempts - 1 else c.attempts end,
    due_at = case when fail_directory_change.failure = 'temporary'
      then now() + least(interval '1 hour', interval '5 seconds' * 2 ^ c.attempts) * (0.8 + 0.4 * random())
      else c.due_at end,
    status = case
      when fail_directory_change.failure = 'permanent' then 'failed'
      when fail_directory_change.failure = 'temporary' and c.attempts >= 12 then 'failed'
      else 'waiting'
    end
  where c.endpoint_id = fail_directory_change.endpoint_id and c.member_id = fail_directory_change.member_id
  returning c.status into v_status;
  return v_status;
end
$$;
comment on function usher.fail_directory_change
  is $$Writes down that a copy could not be brought up to date. For workers.

  failure      permanent: refused; temporary: tried again, 12 times at most; endpoint: it is the whole endpoint,
               which is then left alone for a while
  error        in words, for the admins of the organisation
  retry_after  seconds, where the other side says so

Returns the new status; null when another worker has taken over.$$;
grant execute on function usher.fail_directory_change to usher_worker;

create function usher.directory_metrics() returns table (
  status text,
  count bigint,
  oldest_seconds double precision
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select c.status, count(*),
    -- Since it was due, not since it was marked: what waits for its next try is not late.
    max(extract(epoch from clock_timestamp() - c.due_at))
      filter (where c.status = 'waiting' and c.due_at <= clock_timestamp() and e.is_enabled)::double precision
  from public.organisation_directory_copies c
  join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  group by c.status
$$;
comment on function usher.directory_metrics
  is $$How many members at other applications are in which status, and for how many seconds the oldest of those due has
waited, where the application is not turned off. For the worker's metrics.$$;
grant execute on function usher.directory_metrics to usher_worker;

-- sql/60_provisioning/05_directory_groups.sql

-- Groups of directory endpoints: one writer at a time for each.
--
-- A Group's name need not be unique (RFC 7643 section 8.7.1): of two workers who look for it, find none and make one,
-- both succeed, and people stay in the one that nobody knows of. So whoever writes to a Group, or makes it, leases its
-- role at this endpoint first. A Group that is made carries an externalId, by which 06_directory_reconcile.sql finds it
-- under any name.

create function usher.directory_group_external_id(
  organisation_id uuid,
  role text
) returns text
  language plpgsql
  immutable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return directory_group_external_id.organisation_id || ':' || directory_group_external_id.role;
end
$$;
comment on function usher.directory_group_external_id
  is 'What the Group of a role is called by us at every endpoint.';

create function usher.lease_directory_group(
  endpoint_id uuid,
  role text,
  lease interval default '2 minutes'
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation_id uuid := (
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = lease_directory_group.endpoint_id);
  v_copy usher.directory_group_copies;
begin
  perform usher.lock_organisation(v_organisation_id, 'exists');
  insert into usher.directory_group_copies as g (endpoint_id, role, fence, leased_until)
  select e.id, lease_directory_group.role, 1, clock_timestamp() + lease_directory_group.lease
  from public.organisation_directory_endpoints e where e.id = lease_directory_group.endpoint_id
  on conflict on constraint directory_group_copies_pkey do update
  set fence = g.fence + 1, leased_until = excluded.leased_until
  where g.leased_until is null or g.leased_until <= clock_timestamp()
  returning g.* into v_copy;
  if not found then
    return null;
  end if;
  return jsonb_build_object('fence', v_copy.fence::text, 'remote_id', v_copy.remote_id,
    'external_id', usher.directory_group_external_id(v_organisation_id, v_copy.role));
end
$$;
comment on function usher.lease_directory_group
  is $$Takes the Group of a role at an endpoint, to make it or to change who is in it. For workers.

  lease  after this time without an answer, another worker may take it

Returns {"fence", "remote_id" (null: none is known), "external_id" (for a new one)}; null when another worker has it,
or when there is no such endpoint any more.$$;
grant execute on function usher.lease_directory_group to usher_worker;

create function usher.release_directory_group(
  endpoint_id uuid,
  role text,
  fence bigint,
  remote_id text
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = release_directory_group.endpoint_id), 'exists');
  update usher.directory_group_copies g
  set leased_until = null, remote_id = release_directory_group.remote_id
  where g.endpoint_id = release_directory_group.endpoint_id
    and g.role = release_directory_group.role
    and g.fence = release_directory_group.fence;
  if found then
    return true;
  end if;
  -- Whoever took over may have made one of its own meanwhile: all of it is compared.
  update public.organisation_directory_endpoints e
  set reconcile_at = least(e.reconcile_at, now())
  where e.id = release_directory_group.endpoint_id;
  return false;
end
$$;
comment on function usher.release_directory_group
  is $$Gives the Group of a role back, and writes down which one it is; null: there is none any more. For workers. False
when another worker has taken over: the endpoint is then compared as a whole.$$;
grant execute on function usher.release_directory_group to usher_worker;

-- sql/60_provisioning/06_directory_reconcile.sql

-- Comparing directory endpoints as a whole: once a day, after a change of the endpoint, and when somebody asks.
--
-- A worker leases an endpoint, reads all Users and Groups that it has, and says what it found. What that means is
-- decided here: it is written down on the copies of 04_directory_changes.sql, and whoever is other there than here
-- is marked. The rest goes the ordinary way.

create function usher.lease_directory_reconcile() returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_endpoint public.organisation_directory_endpoints;
  v_token    text;
begin
  loop
    update public.organisation_directory_endpoints e
    set fence = e.fence + 1, leased_at = clock_timestamp()
    from (
      select d.id
      from public.organisation_directory_endpoints d
      where d.is_enabled and d.reconcile_at <= clock_timestamp()
        and (d.retry_at is null or d.retry_at <= clock_timestamp())
        -- Whoever takes longer than that has died over it.
        and (d.leased_at is null or d.leased_at <= clock_timestamp() - interval '10 minutes')
        -- Members first, once they can be sent: whoever waits is no drift.
        and (d.features is null or d.reconciled_at is null or not exists (
          select from public.organisation_directory_copies c
          where c.endpoint_id = d.id and c.status = 'waiting' and c.due_at <= clock_timestamp()))
      order by d.reconcile_at
      limit 1
      for update skip locked
    ) due
    where e.id = due.id
    returning e.* into v_endpoint;
    if not found then
      return null;
    end if;
    begin
      v_token := usher.endpoint_token(v_endpoint.id);
    exception
      -- Vault cannot open it: that of one endpoint keeps no other waiting.
      when others then
        v_token := null;
    end;
    exit when v_token is not null;
    perform usher.fail_directory_reconcile(v_endpoint.id, v_endpoint.fence,
      'The token that opens it is not in Vault any more: give it anew.');
  end loop;
  return jsonb_build_object(
    'id', v_endpoint.id, 'fence', v_endpoint.fence::text, 'url', v_endpoint.url, 'token', v_token);
end
$$;
comment on function usher.lease_directory_reconcile
  is $$Takes an endpoint that is due to be compared as a whole; null: none is. For workers. One whose token is missing
from Vault is left alone for a while.$$;
grant execute on function usher.lease_directory_reconcile to usher_worker;

create function usher.finish_directory_reconcile(
  endpoint_id uuid,
  fence bigint,
  features jsonb,
  users jsonb,
  groups jsonb
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Nobody can tell beforehand that there are thousands in the JSON, and they must not be compared each with each.
  set enable_nestloop = off
  as $$
declare
  v_endpoint  public.organisation_directory_endpoints;
  v_drift     integer;
  v_strangers jsonb;
  v_doubles   jsonb;
  v_known     jsonb;
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = finish_directory_reconcile.endpoint_id), 'exists');
  select e.* into v_endpoint
  from public.organisation_directory_endpoints e
  where e.id = finish_directory_reconcile.endpoint_id and e.fence = finish_directory_reconcile.fence
  for update;
  if not found then
    return null;
  end if;

  -- Those that are being written to at this moment are left to whoever does it.
  with ended as (
    delete from usher.directory_group_copies g
    where g.endpoint_id = v_endpoint.id and (g.leased_until is null or g.leased_until <= clock_timestamp())
    returning g.role, g.remote_id
  )
  select coalesce(jsonb_object_agg(e.role, e.remote_id), '{}') into v_known from ended e;
  with candidate as (
    select r.name as role, g.item ->> 'id' as id, g.item ->> 'external_id' as external_id,
      usher.directory_group_external_id(v_endpoint.organisation_id, r.name) as own_id,
      g.item ->> 'id' is not distinct from v_known ->> r.name as is_known
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    join public.organisation_roles r on (r.organisation_id is null or r.organisation_id = v_endpoint.organisation_id)
      and (g.item ->> 'external_id' = usher.directory_group_external_id(v_endpoint.organisation_id, r.name)
        -- One of ours that is called otherwise there is still that of its own role.
        -- Some keep no externalId: the one that we have written to is ours under any name.
        or g.item ->> 'external_id' is null and g.item ->> 'id' = v_known ->> r.name
        or lower(g.item ->> 'display_name') = r.name
          and starts_with(g.item ->> 'external_id', v_endpoint.organisation_id || ':') is not true)
    where r.name not in (select k.role from usher.directory_group_copies k where k.endpoint_id = v_endpoint.id)
  ),
  -- The one that we made; else the one that we have written to; else one that is nobody's; else whichever has the name.
  kept as (
    insert into usher.directory_group_copies (endpoint_id, role, remote_id)
    select distinct on (c.role) v_endpoint.id, c.role, c.id
    from candidate c
    order by c.role, c.external_id is not distinct from c.own_id desc, c.is_known desc, c.external_id is null desc,
      c.id
    returning role, remote_id
  )
  -- What somebody else has named is theirs, whatever it is called.
  select coalesce(jsonb_agg(jsonb_build_object('group_id', c.id, 'role', c.role)), '[]') into v_doubles
  from candidate c
  join kept k on k.role = c.role and k.remote_id <> c.id
  where c.external_id is null or c.external_id = c.own_id;

  with remote as materialized (
    select u.item ->> 'id' as id, u.item ->> 'external_id' as external_id,
      usher.folded_user_name(u.item ->> 'user_name') as user_name, u.item ->> 'display_name' as display_name,
      (u.item ->> 'active')::boolean as is_active
    from jsonb_array_elements(finish_directory_reconcile.users) u (item)
  ),
  held as materialized (
    select h.id, array_agg(distinct c.role order by c.role) as roles
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    join usher.directory_group_copies c on c.endpoint_id = v_endpoint.id and c.remote_id = g.item ->> 'id'
    cross join jsonb_array_elements_text(g.item -> 'members') h (id)
    group by h.id
  ),
  -- Who is being sent, or was since the reading began: what was read of them may be older than that.
  sent as materialized (
    select c.member_id
    from public.organisation_directory_copies c
    where c.endpoint_id = v_endpoint.id
      and (c.leased_until > clock_timestamp() or c.synced_at >= v_endpoint.leased_at)
  ),
  subject as (
    select m.id, m.user_id, m.email, coalesce(m.display_name, m.email) as display_name, m.roles, c.remote_id,
      m.status = 'active' and m.kind = 'user' and m.email is not null as is_member
    from public.organisation_members m
    left join public.organisation_directory_copies c on c.endpoint_id = v_endpoint.id and c.member_id = m.id
    where m.organisation_id = v_endpoint.organisation_id
      and (m.status = 'active' and m.kind = 'user' or c.remote_id is not null
        -- Made there, though nobody heard the answer, and removed here since.
        or c.member_id is not null and m.user_id::text in (
          select r.external_id from remote r where r.external_id is not null))
      and not exists (select from sent s where s.member_id = m.id)
    union all
    -- Whose account was deleted here, and is still known there.
    select c.member_id, null, null, null, '{}', c.remote_id, false
    from public.organisation_directory_copies c
    where c.endpoint_id = v_endpoint.id
      and not exists (select from public.organisation_members m where m.id = c.member_id)
      and not exists (select from sent s where s.member_id = c.member_id)
  ),
  -- Known, or named by us, or of the same address: the first of these that is there.
  found as (
    select distinct on (s.id) s.*, coalesce(k.id, x.id, a.id) as found_id
    from subject s
    left join remote k on k.id = s.remote_id
    left join remote x on x.external_id = s.user_id::text
    left join remote a on a.user_name = s.email and s.is_member
    order by s.id
  ),
  compared as (
    select s.id, r.id as remote_id, coalesce(h.roles, '{}') as roles,
      case when s.is_member
        then r.is_active and r.user_name = s.email and coalesce(r.display_name, s.display_name) = s.display_name
          and (coalesce(h.roles, '{}') = s.roles or finish_directory_reconcile.features ->> 'groups' = 'false')
        else r.id is null or not r.is_active and h.roles is null
      end is not true as has_drifted
    from found s
    left join remote r on r.id = s.found_id
    left join held h on h.id = r.id
  ),
  written as (
    insert into public.organisation_directory_copies as c (
      endpoint_id, member_id, organisation_id, status, remote_id, roles, synced_at)
    select v_endpoint.id, p.id, v_endpoint.organisation_id,
      case when p.has_drifted then 'waiting' else 'current' end, p.remote_id, p.roles, now()
    from compared p
    on conflict on constraint organisation_directory_copies_pkey do update
    set remote_id = excluded.remote_id, roles = excluded.roles,
      -- What waits already waits on; what was refused, and still differs, is tried once more.
      status = case when c.status = 'waiting' then 'waiting' else excluded.status end,
      change = c.change + (excluded.status = 'waiting')::integer,
      due_at = case when excluded.status = 'waiting' then now() else c.due_at end,
      attempts = case when excluded.status = 'waiting' then 0 else c.attempts end,
      last_error = case when excluded.status = 'current' then null else c.last_error end,
      synced_at = case when excluded.status = 'current' then now() else c.synced_at end
  )
  select (count(*) filter (where p.has_drifted))::integer into v_drift from compared p;

  -- Names alone: each of thousands of members would carry all of its group along.
  with named as materialized (
    select g.item ->> 'id' as group_id, h.id as user_id
    from jsonb_array_elements(finish_directory_reconcile.groups) g (item)
    cross join jsonb_array_elements_text(g.item -> 'members') h (id)
  )
  select coalesce(jsonb_agg(jsonb_build_object('group_id', n.group_id, 'role', c.role, 'user_id', n.user_id)), '[]')
  into v_strangers
  from named n
  join usher.directory_group_copies c on c.endpoint_id = v_endpoint.id and c.remote_id = n.group_id
  where not exists (
    select from public.organisation_directory_copies k
    where k.endpoint_id = v_endpoint.id
      -- Or one who is being made there at this moment: nobody knows yet as whom.
      and (k.remote_id = n.user_id or k.remote_id is null and k.leased_until > clock_timestamp()));

  v_drift := v_drift + jsonb_array_length(v_strangers) + jsonb_array_length(v_doubles);
  update public.organisation_directory_endpoints e
  set features = finish_directory_reconcile.features, leased_at = null,
    failures = 0, retry_at = null, last_error = null, last_success_at = now(), reconciled_at = now(), drift = v_drift,
    -- Unless somebody has asked for it meanwhile; and not all at the same hour.
    reconcile_at = case when e.reconcile_at > e.leased_at then e.reconcile_at
      else now() + interval '1 day' * (0.9 + 0.2 * random()) end
  where e.id = v_endpoint.id;
  if v_drift > 0 and v_endpoint.reconciled_at is not null then
    perform usher.record_event(v_endpoint.organisation_id, 'directory.drift_found', 'directory', v_endpoint.id,
      after => jsonb_build_object('drift', v_drift), actor_kind => 'worker');
  end if;
  return jsonb_build_object('drift', v_drift, 'strangers', v_strangers, 'doubles', v_doubles);
end
$$;
comment on function usher.finish_directory_reconcile
  is $$Takes what a worker found at an endpoint, and marks every member who is other there than here. For workers.

  features  {"patch", "filter", "groups"}: whether it can do these, and has Groups at all
  users     [{"id", "external_id", "user_name", "display_name", "active"}], all of them
  groups    [{"id", "display_name", "external_id", "members": [id, …]}], all of them

Users of the other side that have nothing to do with the organisation are left alone; in the Groups that stand for
roles they have no place. Returns drift (how much differs), strangers, [{"group_id", "role", "user_id"}], to be taken
out of those Groups, and doubles, [{"group_id", "role"}], of which there is another one: to be emptied and deleted;
null when another worker has taken over.$$;
grant execute on function usher.finish_directory_reconcile to usher_worker;

create function usher.fail_directory_reconcile(
  endpoint_id uuid,
  fence bigint,
  error text,
  retry_after integer default null
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = fail_directory_reconcile.endpoint_id), 'exists');
  update public.organisation_directory_endpoints e
  set leased_at = null, reconcile_at = least(e.reconcile_at, now())
  where e.id = fail_directory_reconcile.endpoint_id and e.fence = fail_directory_reconcile.fence;
  if found then
    perform usher.pause_directory_endpoint(
      fail_directory_reconcile.endpoint_id, fail_directory_reconcile.error, fail_directory_reconcile.retry_after);
  end if;
end
$$;
comment on function usher.fail_directory_reconcile
  is 'Writes down that an endpoint could not be compared; it is tried again after a while. For workers.';
grant execute on function usher.fail_directory_reconcile to usher_worker;

create function usher.refuse_directory_reconcile(
  endpoint_id uuid,
  fence bigint,
  error text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.lock_organisation((
    select e.organisation_id from public.organisation_directory_endpoints e
    where e.id = refuse_directory_reconcile.endpoint_id), 'exists');
  update public.organisation_directory_endpoints e
  set last_error = left(refuse_directory_reconcile.error, 500),
    reconcile_at = least(e.reconcile_at, now() + interval '1 hour')
  where e.id = refuse_directory_reconcile.endpoint_id and e.fence = refuse_directory_reconcile.fence;
end
$$;
comment on function usher.refuse_directory_reconcile
  is $$Writes down what an endpoint would not let be put right when it was compared: it is shown, and tried again in an
hour. Members are sent all the same. For workers.$$;
grant execute on function usher.refuse_directory_reconcile to usher_worker;

-- sql/65_reviews/01_access_reviews.sql

-- Access reviews: campaigns in which every right is confirmed or withdrawn.
--
-- open ─▶ completed (every right is answered) │ closed (by hand, with what was left open).
-- Each role of each active member is an item: who holds what, since when, given by whom. Nobody answers for
-- their own rights, unless nobody else could. To withdraw is to take the role away by the ordinary rule.
-- Reading needs access_review.manage or audit.read.
--
-- Sources: Implementing Regulation (EU) 2024/2690, annex 11.2.3 (rights are reviewed at planned intervals and
-- the results documented); ISO/IEC 27001:2022 A.5.18.

create table public.organisation_access_reviews (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  title text not null,
  status text not null default 'open',
  due_at timestamptz not null,
  started_at timestamptz not null default now(),
  started_by uuid,
  ended_at timestamptz,
  closed_by uuid,
  closed_reason text,
  reminded_at timestamptz,
  constraint organisation_access_reviews_title check (
    usher.clean_line(title, 100) = title
  ),
  constraint organisation_access_reviews_status check (
    status in ('open', 'completed', 'closed')
  ),
  constraint organisation_access_reviews_ended check (
    (status = 'open') = (ended_at is null)
  ),
  constraint organisation_access_reviews_closed check (
    status = 'closed' or closed_reason is null
  ),
  constraint organisation_access_reviews_bounds check (
    length(title) <= 100
      and length(closed_reason) <= 500
      and due_at
        between timestamptz '2000-01-01T00:00:00Z'
        and timestamptz '9999-12-31T23:59:59.999999Z'
  )
);
comment on table public.organisation_access_reviews
  is 'Reviews of who may do what. Read with access_review.manage or audit.read; written by functions only.';
comment on column public.organisation_access_reviews.due_at
  is 'By when it should be done; a later answer counts as well.';
comment on column public.organisation_access_reviews.started_by
  is 'Who started it; no foreign key, because it outlives the account. Null: an operator.';
comment on column public.organisation_access_reviews.ended_at
  is 'When the last right was answered, or when it was closed by hand.';
comment on column public.organisation_access_reviews.reminded_at
  is 'When reviewers were told that it is overdue; once.';

create index organisation_access_reviews_newest
  on public.organisation_access_reviews (
  organisation_id,
  started_at desc,
  id desc
);
create index organisation_access_reviews_open
  on public.organisation_access_reviews (due_at)
  where status = 'open';

create table public.organisation_access_review_items (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  review_id uuid not null references public.organisation_access_reviews
    on delete cascade,
  user_id uuid not null,
  role text not null,
  granted_at timestamptz not null,
  granted_by uuid,
  decision text,
  reason text,
  decided_at timestamptz,
  decided_by uuid,
  constraint organisation_access_review_items_right unique (
    review_id,
    user_id,
    role
  ),
  constraint organisation_access_review_items_decision check (
    decision in ('confirmed', 'withdrawn', 'lapsed')
  ),
  constraint organisation_access_review_items_decided check (
    (decision is null) = (decided_at is null)
  ),
  constraint organisation_access_review_items_withdrawn_for_a_reason check (
    decision is distinct from 'withdrawn' or reason is not null
  ),
  constraint organisation_access_review_items_bounds check (
    length(role) <= 63 and length(reason) <= 500
  )
);
comment on table public.organisation_access_review_items
  is 'The rights that a review asks about, one a row. Read with access_review.manage or audit.read.';
comment on column public.organisation_access_review_items.user_id
  is 'Who held the role when the review started; no foreign key, because it outlives the account.';
comment on column public.organisation_access_review_items.granted_by
  is 'Who gave it to them; null where the trail does not say.';
comment on column public.organisation_access_review_items.decision
  is 'confirmed; withdrawn: the reviewer took the role away; lapsed: it went before anybody answered; null: open.';

create index organisation_access_review_items_organisation_id
  on public.organisation_access_review_items (organisation_id);
create index organisation_access_review_items_open
  on public.organisation_access_review_items (organisation_id, user_id)
  where decision is null;

alter table public.organisation_access_reviews enable row level security;
create policy organisation_access_reviews_select
  on public.organisation_access_reviews
  for select
  to authenticated
  using (
    organisation_id in (
        select usher.organisations_where('access_review.manage')
      )
      or organisation_id in (select usher.organisations_where('audit.read'))
  );
grant select on public.organisation_access_reviews to authenticated, service_role;

alter table public.organisation_access_review_items enable row level security;
create policy organisation_access_review_items_select
  on public.organisation_access_review_items
  for select
  to authenticated
  using (
    organisation_id in (
        select usher.organisations_where('access_review.manage')
      )
      or organisation_id in (select usher.organisations_where('audit.read'))
  );
grant select on public.organisation_access_review_items to authenticated, service_role;

create function usher.reviewers(
  organisation_id uuid
) returns setof public.organisation_members
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select m.*
    from usher.current_members m
    where m.organisation_id = reviewers.organisation_id
      and usher.permits(m.organisation_id, m.roles, 'access_review.manage');
end
$$;
comment on function usher.reviewers
  is 'The active members who may answer a review: those with access_review.manage.';

create function usher.complete_access_review(review_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review public.organisation_access_reviews;
begin
  update public.organisation_access_reviews r
  set status = 'completed', ended_at = now()
  where r.id = complete_access_review.review_id and r.status = 'open'
    and not exists (
      select from public.organisation_access_review_items i where i.review_id = r.id and i.decision is null)
  returning r.* into v_review;
  if found then
    perform usher.record_event(v_review.organisation_id, 'access_review.completed', 'access_review', v_review.id,
      after => usher.review_results(v_review.id));
  end if;
end
$$;
comment on function usher.complete_access_review
  is 'Ends a review, which its caller has locked, once nothing in it is open any more.';

create function usher.review_results(review_id uuid) returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select jsonb_build_object(
    'confirmed', count(*) filter (where i.decision = 'confirmed'),
    'withdrawn', count(*) filter (where i.decision = 'withdrawn'),
    'lapsed',    count(*) filter (where i.decision = 'lapsed'),
    'open',      count(*) filter (where i.decision is null))
  from public.organisation_access_review_items i
  where i.review_id = review_results.review_id
$$;
comment on function usher.review_results
  is 'How many rights of a review were answered in which way.';

-- A right that goes while a review is open, in whichever way, needs no answer any more.
create function usher.tg_organisation_members__lapse_review_items() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review_id uuid;
begin
  -- When the organisation itself is deleted, its reviews go as well.
  if tg_op = 'DELETE' and not exists (select from public.organisations o where o.id = old.organisation_id) then
    return null;
  end if;
  for v_review_id in
    select distinct i.review_id
    from public.organisation_access_review_items i
    join public.organisation_access_reviews r on r.id = i.review_id and r.status = 'open'
    where i.organisation_id = old.organisation_id and i.user_id = old.user_id and i.decision is null
    order by i.review_id
  loop
    perform from public.organisation_access_reviews r where r.id = v_review_id for update;
    update public.organisation_access_review_items i
    set decision = 'lapsed', decided_at = now()
    where i.review_id = v_review_id and i.user_id = old.user_id and i.decision is null
      and (tg_op = 'DELETE' or new.status <> 'active' or i.role <> all (new.roles));
    perform usher.complete_access_review(v_review_id);
  end loop;
  return null;
end
$$;
comment on function usher.tg_organisation_members__lapse_review_items
  is 'Takes rights that are gone out of what open reviews still ask about.';

create trigger usher_lapse_review_items
  after update of roles, status
  on public.organisation_members
  for each row
  when (old.roles is distinct from new.roles or old.status <> new.status)
  execute function usher.tg_organisation_members__lapse_review_items();

create trigger usher_lapse_review_items_of_deleted
  after delete
  on public.organisation_members
  for each row
  execute function usher.tg_organisation_members__lapse_review_items();

create function usher.review_facts(review_id uuid) returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select jsonb_build_object('review', r.title, 'review_id', r.id, 'due_at', r.due_at,
    'actor_name', a.display_name, 'actor_email', a.email)
  from public.organisation_access_reviews r
  left join public.organisation_members a
    on a.organisation_id = r.organisation_id and a.user_id = r.started_by
  where r.id = review_facts.review_id
$$;
comment on function usher.review_facts is 'What mails say of a review.';

create function usher.remind_overdue_reviews_of(
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
  v_review   public.organisation_access_reviews;
  v_reminded integer := 0;
begin
  for v_review in
    update public.organisation_access_reviews r
    set reminded_at = now()
    where r.id = any (remind_overdue_reviews_of.ids)
      and r.organisation_id = remind_overdue_reviews_of.organisation_id
      and r.status = 'open' and r.reminded_at is null
    returning r.*
  loop
    update public.organisation_access_reviews r set reminded_at = now() where r.id = v_review.id;
    perform usher.record_event(v_review.organisation_id, 'access_review.overdue', 'access_review', v_review.id,
      after => usher.review_results(v_review.id), actor_kind => 'worker');
    v_reminded := v_reminded + 1;
  end loop;
  return v_reminded;
end
$$;
comment on function usher.remind_overdue_reviews_of
  is 'usher.remind_overdue_reviews for these reviews of one organisation.';

create function usher.remind_overdue_reviews(
  batch_size integer default 1000
) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return usher.run_upkeep('remind_overdue_reviews', array(
    select row(d.organisation_id, d.id)::usher.upkeep_item
    from (
      select r.organisation_id, r.id, r.due_at,
        row_number() over (partition by r.organisation_id order by r.due_at) as turn
      from public.organisation_access_reviews r
      where r.status = 'open' and r.due_at < now() and r.reminded_at is null
        and r.organisation_id not in (select usher.resting_organisations('remind_overdue_reviews'))
    ) d
    order by d.turn, d.due_at
    limit remind_overdue_reviews.batch_size));
end
$$;
comment on function usher.remind_overdue_reviews
  is $$Tells reviewers, once, of reviews that are past their day. For workers, now and then. Returns how many reviews
there were.$$;
grant execute on function usher.remind_overdue_reviews to usher_worker;

-- sql/65_reviews/02_access_history.sql

-- The history of access: who held which role from when to when, by whom, through what and why.
--
-- The trail tells it. Beside it stands what is true now: where the two do not agree, because somebody worked
-- by SQL or the trail was purged, the right is there all the same and says that it is not explained.

create type usher.access_change as (
  event_id uuid,
  occurred_at timestamptz,
  user_id uuid,
  role text,
  change text,
  through text,
  actor_kind text,
  actor_id uuid,
  reason text
);
comment on type usher.access_change
  is 'A role given to somebody, or taken from them.';

create function usher.access_changes(
  organisation_id uuid
) returns setof usher.access_change
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with touched as (
      select e.id, e.occurred_at, e.event, e.actor_kind, coalesce(i.invited_by, e.actor_id) as actor_id,
        coalesce(e.reason, i.message) as reason, t.user_id, t.had, t.has
      from public.organisation_audit_events e
      left join usher.invites i on i.id = case e.event
        when 'invite.accepted' then e.target_id
        when 'device.enrolled' then (e.after ->> 'invite_id')::uuid
      end
      cross join lateral (
        select e.actor_id, '[]'::jsonb, '["owner"]'::jsonb where e.event = 'organisation.created'
        union all
        select (e.after ->> 'user_id')::uuid, '[]', e.after -> 'roles' where e.event = 'invite.accepted'
        union all
        -- Of two people: the new owner stands below, with all others.
        select (e.before ->> 'owner_id')::uuid, '["owner"]', '["admin"]' where e.event = 'organisation.transferred'
        union all
        -- Whoever has gone, or is banned, keeps their roles in name only.
        select e.target_id,
          case when coalesce(e.before ->> 'status', 'active') = 'active' then e.before -> 'roles' end,
          case when coalesce(e.after ->> 'status', 'active') = 'active' then e.after -> 'roles' end
        where e.target_kind = 'user' and (e.before ? 'roles' or e.after ? 'roles')
      ) t (user_id, had, has)
      where e.organisation_id = access_changes.organisation_id
    ), changed as (
      select t.*, r.role, 'granted' as change
      from touched t
      cross join jsonb_array_elements_text(coalesce(t.has, '[]')) r (role)
      where not coalesce(t.had ? r.role, false)
      union all
      select t.*, r.role, 'withdrawn'
      from touched t
      cross join jsonb_array_elements_text(coalesce(t.had, '[]')) r (role)
      where not coalesce(t.has ? r.role, false)
    )
    select c.id, c.occurred_at, c.user_id, c.role, c.change, c.event, c.actor_kind, c.actor_id,
      coalesce(c.reason, a.reason)
    from changed c
    -- By a review: why is what the reviewer wrote, just before.
    left join lateral (
      select i.reason
      from public.organisation_access_review_items i
      where i.organisation_id = access_changes.organisation_id and i.user_id = c.user_id and i.role = c.role
        and i.decision = 'withdrawn' and c.change = 'withdrawn' and c.event = 'member.roles_updated'
        and i.decided_at between c.occurred_at - interval '10 seconds' and c.occurred_at
      order by i.decided_at desc
      limit 1
    ) a on true;
end
$$;
comment on function usher.access_changes
  is $$Every role that was given or taken away in an organisation, as the trail tells it, in no order. Whoever invited
somebody has given the roles; the message of the invite is why.$$;

create type usher.access_right as (
  user_id uuid,
  role text,
  is_held boolean,
  is_explained boolean,
  granted_at timestamptz,
  granted_through text,
  granted_by uuid,
  granted_event_id uuid,
  grant_reason text,
  ends_at timestamptz,
  ended_at timestamptz,
  ended_through text,
  ended_by uuid,
  ended_event_id uuid,
  end_reason text
);
comment on type usher.access_right
  is 'A role that somebody held, or holds, for one stretch of time.';

create function usher.access_rights(
  organisation_id uuid
) returns setof usher.access_right
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with steps as (
      select c.*,
        row_number() over w as step,
        count(*) over (partition by c.user_id, c.role) as steps,
        lead(c.change) over w as next_change,
        lead(c.occurred_at) over w as next_at,
        lead(c.through) over w as next_through,
        lead(c.actor_id) over w as next_by,
        lead(c.event_id) over w as next_event_id,
        lead(c.reason) over w as next_reason
      from usher.access_changes(access_rights.organisation_id) c
      window w as (partition by c.user_id, c.role order by c.occurred_at, c.event_id)
    ), held as (
      select m.user_id, r.role, m.joined_at,
        least(m.ends_at, (m.role_ends ->> r.role)::timestamptz) as ends_at,
        -- Over, though the sweep has not come by.
        coalesce(least(m.ends_at, (m.role_ends ->> r.role)::timestamptz) <= statement_timestamp(), false) as is_over
      from public.organisation_members m
      cross join unnest(m.roles) r (role)
      where m.organisation_id = access_rights.organisation_id and m.status = 'active'
    )
    select s.user_id, s.role,
      s.step = s.steps and h.user_id is not null and not h.is_over,
      -- A right that is gone, and nothing tells how.
      coalesce(s.next_change = 'withdrawn', h.user_id is not null),
      s.occurred_at, s.through, s.actor_id, s.event_id, s.reason,
      case when s.step = s.steps then h.ends_at end,
      coalesce(s.next_at, case when h.is_over then h.ends_at end, m.ended_at),
      case when s.next_change = 'withdrawn' then s.next_through end,
      case when s.next_change = 'withdrawn' then s.next_by end,
      case when s.next_change = 'withdrawn' then s.next_event_id end,
      case when s.next_change = 'withdrawn' then s.next_reason end
    from steps s
    left join held h on h.user_id = s.user_id and h.role = s.role
    left join public.organisation_members m
      on m.organisation_id = access_rights.organisation_id and m.user_id = s.user_id
    where s.change = 'granted'
    union all
    -- A right that is there, and nothing tells how it came.
    select h.user_id, h.role, not h.is_over, false, h.joined_at, null, null, null, null, h.ends_at,
      case when h.is_over then h.ends_at end, null, null, null, null
    from held h
    where not exists (
      select from steps s
      where s.user_id = h.user_id and s.role = h.role and s.step = s.steps and s.change = 'granted');
end
$$;
comment on function usher.access_rights
  is $$Who holds which role, and who held it: a row for each stretch of time, in no order.

  is_held       now
  is_explained  false: it came or went in a way that the trail does not tell; then granted_at is the day of
                joining, and ended_at null where nobody knows
  ends_at       when it will end by itself, for access that is temporary$$;

-- sql/65_reviews/03_access_review_changes.sql

-- Running access reviews: start, answer, close.

create function usher.start_access_review(
  organisation_id uuid,
  title text,
  due_at timestamptz
) returns public.organisation_access_reviews
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_actor  public.organisation_members :=
    usher.require_permission(start_access_review.organisation_id, 'access_review.manage', 'settings');
  v_review public.organisation_access_reviews;
  v_items  integer;
begin
  if usher.clean_name(start_access_review.title) is null then
    perform usher.fail('invalid_settings',
      hint => 'A title is one line of 1 to 100 characters that can be seen, without addresses and links.');
  end if;
  if start_access_review.due_at is null
    or start_access_review.due_at not between now() and now() + interval '1 year'
  then
    perform usher.fail('invalid_settings', hint => 'due_at is in the future, by a year at most.');
  end if;

  -- Each asks about every right of every member, and mails every reviewer.
  perform usher.require_room('open access reviews', v_actor.organisation_id);
  perform usher.take_allowance('access_reviews:' || v_actor.organisation_id, 1, 20, interval '1 day');

  insert into public.organisation_access_reviews (organisation_id, title, due_at, started_by)
  values (v_actor.organisation_id, usher.clean_name(start_access_review.title),
    start_access_review.due_at, v_actor.user_id)
  returning * into v_review;
  insert into public.organisation_access_review_items (
    organisation_id, review_id, user_id, role, granted_at, granted_by)
  select v_review.organisation_id, v_review.id, r.user_id, r.role, r.granted_at, r.granted_by
  from usher.access_rights(v_review.organisation_id) r
  where r.is_held;
  get diagnostics v_items = row_count;

  perform usher.record_event(v_review.organisation_id, 'access_review.started', 'access_review', v_review.id,
    after => jsonb_build_object('title', v_review.title, 'due_at', v_review.due_at, 'items', v_items));
  return v_review;
end
$$;
comment on function usher.start_access_review
  is 'The rule behind public.start_organisation_access_review.';

create function public.start_organisation_access_review(
  organisation_id uuid,
  title text,
  due_at timestamptz
) returns public.organisation_access_reviews
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.start_access_review($1, $2, $3) $$;
comment on function public.start_organisation_access_review
  is $$Starts a review: each role of each active member, as it is now, is to be confirmed or withdrawn. Whoever holds
access_review.manage gets a mail.

  title   one line of at most 100 characters, such as "Third quarter"
  due_at  by when it should be done; in the future, by a year at most

Returns the review; what it asks about is in organisation_access_review_items. At most 10 are open at a time, and 20
are started a day. Needs access_review.manage. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings, rate_limited.$$;
grant execute on function public.start_organisation_access_review to authenticated;
grant execute on function usher.start_access_review to authenticated;

create function usher.access_review_for_change(
  review_id uuid
) returns public.organisation_access_reviews
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review public.organisation_access_reviews;
begin
  perform usher.require_permission((
    select r.organisation_id from public.organisation_access_reviews r where r.id = access_review_for_change.review_id),
    'access_review.manage', 'share', 'access_review_not_found');
  select r.* into v_review
  from public.organisation_access_reviews r where r.id = access_review_for_change.review_id;
  if not found then
    perform usher.fail('access_review_not_found');
  end if;
  return v_review;
end
$$;
comment on function usher.access_review_for_change
  is $$A review, for a caller with access_review.manage there. Fails with unauthenticated, access_review_not_found
(also for another tenant's), permission_denied.$$;

create function usher.lock_open_review(review_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_status text;
begin
  -- All that are open, in one order: to withdraw makes rights lapse in the others.
  perform from public.organisation_access_reviews r
  where r.status = 'open' and r.organisation_id = (
    select o.organisation_id from public.organisation_access_reviews o where o.id = lock_open_review.review_id)
  order by r.id
  for update;
  select r.status into v_status
  from public.organisation_access_reviews r where r.id = lock_open_review.review_id for update;
  if v_status is distinct from 'open' then
    perform usher.fail('access_review_not_open', details => v_status);
  end if;
end
$$;
comment on function usher.lock_open_review
  is $$Locks a review until the transaction ends; fails with access_review_not_open. Members are always locked before
their reviews, so that nobody waits in a circle.$$;

create function usher.answer_review_item(
  item public.organisation_access_review_items,
  decision text,
  reason text
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_item   public.organisation_access_review_items := answer_review_item.item;
  v_reason text := nullif(usher.clean_text(answer_review_item.reason, 500), '');
  v_roles  text[];
begin
  if answer_review_item.reason is not null and usher.clean_text(answer_review_item.reason, 500) is null
    or answer_review_item.decision = 'withdraw' and v_reason is null
  then
    perform usher.fail('invalid_message', details => v_item.id::text,
      hint => 'A reason is plain text of at most 500 characters; to withdraw, one is needed.');
  end if;
  if v_item.decision is not null then
    perform usher.fail('access_review_not_open', hint => 'This right has been answered.', details => v_item.id::text);
  end if;
  if v_item.user_id = auth.uid()
    and exists (select from usher.reviewers(v_item.organisation_id) m where m.user_id <> v_item.user_id)
  then
    perform usher.fail('permission_denied', details => v_item.id::text,
      hint => 'Nobody reviews their own rights: ask another who holds access_review.manage.');
  end if;

  -- Gone at the very moment at which the review was started, or over, though the sweep has not come by.
  if not exists (
    select from usher.current_members m
    where m.organisation_id = v_item.organisation_id and m.user_id = v_item.user_id
      and v_item.role = any (m.roles))
  then
    update public.organisation_access_review_items i
    set decision = 'lapsed', decided_at = clock_timestamp() where i.id = v_item.id;
    return;
  end if;

  -- Before the role goes, so that it goes by this answer and does not lapse.
  update public.organisation_access_review_items i
  set decision = case answer_review_item.decision when 'confirm' then 'confirmed' else 'withdrawn' end,
    reason = v_reason, decided_at = clock_timestamp(), decided_by = auth.uid()
  where i.id = v_item.id
  returning i.* into v_item;
  perform usher.record_event(v_item.organisation_id, 'access_review.' || v_item.decision, 'user', v_item.user_id,
    after  => jsonb_build_object('review_id', v_item.review_id, 'item_id', v_item.id, 'role', v_item.role),
    reason => v_item.reason);
  if v_item.decision = 'withdrawn' then
    select array_remove(m.roles, v_item.role) into v_roles
    from public.organisation_members m
    where m.organisation_id = v_item.organisation_id and m.user_id = v_item.user_id;
    perform usher.update_member_roles(v_item.organisation_id, v_item.user_id, v_roles);
  end if;
end
$$;
comment on function usher.answer_review_item
  is $$Writes down the answer to one item, whose member and review its caller has locked, and carries it out. Fails with
invalid_message, access_review_not_open (answered before), permission_denied (one's own right), and as
usher.update_member_roles does.$$;

create function usher.answer_access_review(
  review_id uuid,
  answers jsonb
) returns public.organisation_access_reviews
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review public.organisation_access_reviews := usher.access_review_for_change(answer_access_review.review_id);
  v_answer record;
  v_item   public.organisation_access_review_items;
begin
  if jsonb_typeof(answer_access_review.answers) is distinct from 'array'
    or jsonb_array_length(answer_access_review.answers) not between 1 and 1000
  then
    perform usher.fail('invalid_settings', hint => 'answers is an array of 1 to 1,000 answers.');
  end if;
  perform usher.lock_members(v_review.organisation_id, array(
    select auth.uid()
    union
    select i.user_id
    from jsonb_array_elements(answer_access_review.answers) a
    join public.organisation_access_review_items i
      on i.review_id = v_review.id and i.id::text = a ->> 'item_id'));
  perform usher.lock_open_review(v_review.id);

  for v_answer in
    select a.item ->> 'item_id' as item_id, a.item ->> 'decision' as decision, a.item ->> 'reason' as reason
    from jsonb_array_elements(answer_access_review.answers) with ordinality a (item, position)
    order by a.position
  loop
    if v_answer.decision is null or v_answer.decision not in ('confirm', 'withdraw') then
      perform usher.fail('invalid_settings', hint => 'decision is confirm or withdraw.', details => v_answer.item_id);
    end if;
    select i.* into v_item
    from public.organisation_access_review_items i
    where i.review_id = v_review.id and i.id::text = v_answer.item_id;
    if not found then
      perform usher.fail('access_review_not_found',
        hint => 'The review does not ask about this.', details => v_answer.item_id);
    end if;
    perform usher.answer_review_item(v_item, v_answer.decision, v_answer.reason);
  end loop;

  perform usher.complete_access_review(v_review.id);
  select r.* into v_review from public.organisation_access_reviews r where r.id = v_review.id;
  return v_review;
end
$$;
comment on function usher.answer_access_review
  is 'The rule behind public.answer_organisation_access_review.';

create function public.answer_organisation_access_review(
  review_id uuid,
  answers jsonb
) returns public.organisation_access_reviews
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.answer_access_review($1, $2) $$;
comment on function public.answer_organisation_access_review
  is $$Confirms or withdraws rights that a review asks about: all of these answers count, or none does. Whoever loses a
role gets a mail; the last answer completes the review.

  answers  1 to 1,000 of {"item_id", "decision", "reason"}: decision is confirm or withdraw; reason is at most
           500 characters, and has to be there to withdraw

Returns the review. Needs access_review.manage, and to withdraw, what update_organisation_member_roles needs. Nobody
answers for their own rights unless nobody else holds access_review.manage. Fails with unauthenticated,
access_review_not_found, permission_denied, access_review_not_open (also for a right already answered; details holds
its id), invalid_settings, invalid_message, owner_required (the owner's right can only be confirmed).$$;
grant execute on function public.answer_organisation_access_review to authenticated;
grant execute on function usher.answer_access_review to authenticated;

create function usher.close_access_review(
  review_id uuid,
  reason text
) returns public.organisation_access_reviews
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_review public.organisation_access_reviews := usher.access_review_for_change(close_access_review.review_id);
begin
  if close_access_review.reason is not null and usher.clean_text(close_access_review.reason, 500) is null then
    perform usher.fail('invalid_message', hint => 'A reason is plain text of at most 500 characters.');
  end if;
  perform usher.lock_open_review(v_review.id);
  update public.organisation_access_reviews r
  set status = 'closed', ended_at = now(), closed_by = auth.uid(),
    closed_reason = nullif(usher.clean_text(close_access_review.reason, 500), '')
  where r.id = v_review.id
  returning r.* into v_review;
  perform usher.record_event(v_review.organisation_id, 'access_review.closed', 'access_review', v_review.id,
    after => usher.review_results(v_review.id), reason => v_review.closed_reason);
  return v_review;
end
$$;
comment on function usher.close_access_review
  is 'The rule behind public.close_organisation_access_review.';

create function public.close_organisation_access_review(
  review_id uuid,
  reason text default null
) returns public.organisation_access_reviews
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.close_access_review($1, $2) $$;
comment on function public.close_organisation_access_review
  is $$Ends a review by hand. Answers that were given stand; rights that nobody answered stay as they are, and the
review says so for good.

  reason  at most 500 characters

Returns the review. Needs access_review.manage. Fails with unauthenticated, access_review_not_found, permission_denied,
access_review_not_open, invalid_message.$$;
grant execute on function public.close_organisation_access_review to authenticated;
grant execute on function usher.close_access_review to authenticated;

-- sql/65_reviews/04_evidence.sql

-- Evidence: what an auditor is given about a period, in one snapshot, and the trail with what proves it whole.
--
-- client/evidence/ makes a package of it, for the console's button and for the operator's command alike.
-- To ask for it needs audit.read, is itself in the trail, and seals the trail first. Addresses are there only
-- for those who may see them anyway: of members with member.read, of invites and mails with invite.read.
--
-- Sources: Implementing Regulation (EU) 2024/2690, annex 3.2 (logs) and 11 (access); ISO 8601 for times.

create function usher.seal_trail(organisation_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  while usher.seal_events(seal_trail.organisation_id, 10000) > 0 loop
  end loop;
end
$$;
comment on function usher.seal_trail
  is 'Seals all of an organisation''s events that have no seal yet.';

create function usher.evidence_tables(
  organisation_id uuid,
  since timestamptz,
  until timestamptz,
  with_people boolean,
  with_invites boolean
) returns json
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  as $$
declare
  v_id     uuid        := evidence_tables.organisation_id;
  v_since  timestamptz := evidence_tables.since;
  v_until  timestamptz := evidence_tables.until;
  v_tables json;
begin
  with people as (
    select m.user_id, m.kind, case when evidence_tables.with_people then m.display_name end as display_name,
      case when evidence_tables.with_people then m.email end as email
    from public.organisation_members m where m.organisation_id = v_id
  ), rights as (
    select r.*,
      r.granted_at < v_until
      and case when r.ended_at is null then r.is_held else r.ended_at >= v_until end as is_held_then
    from usher.access_rights(v_id) r
    where r.granted_at < v_until and (r.ended_at is null or r.ended_at >= v_since)
  ), members as (
    select m.user_id, m.roles from usher.current_members m where m.organisation_id = v_id
  )
  select json_build_object(
    'rights', (
      select coalesce(json_agg(x order by x.email, x.user_id, x.role, x.granted_at), '[]') from (
        select r.user_id, p.kind, p.display_name as name, p.email, r.role, r.is_held_then as is_held,
          r.granted_at, r.granted_through, r.granted_by, g.email as granted_by_email,
          -- Of an invite, it is what the invite said.
          case when evidence_tables.with_invites
            or r.granted_through not in ('invite.accepted', 'device.enrolled') then r.grant_reason end as grant_reason,
          r.ends_at,
          r.ended_at, r.ended_through, r.ended_by, e.email as ended_by_email, r.end_reason, r.is_explained,
          r.granted_event_id, r.ended_event_id
        from rights r
        left join people p on p.user_id = r.user_id
        left join people g on g.user_id = r.granted_by
        left join people e on e.user_id = r.ended_by) x),
    'changes', (
      select coalesce(json_agg(x order by x.occurred_at, x.event_id, x.change, x.role), '[]') from (
        select c.occurred_at, c.event_id, c.change, c.user_id, p.email, c.role, c.through, c.actor_kind, c.actor_id,
          a.email as actor_email,
          case when evidence_tables.with_invites
            or c.through not in ('invite.accepted', 'device.enrolled') then c.reason end as reason,
          c.ends
        from (
          select h.*, null::jsonb as ends from usher.access_changes(v_id) h
          union all
          select e.id, e.occurred_at, e.target_id, null, 'end_changed', e.event,
            e.actor_kind, e.actor_id, e.reason, e.after
          from public.organisation_audit_events e
          where e.organisation_id = v_id and e.event = 'member.ends_updated'
        ) c
        left join people p on p.user_id = c.user_id
        left join people a on a.user_id = c.actor_id
        where c.occurred_at >= v_since and c.occurred_at < v_until) x),
    'invites', (
      select coalesce(json_agg(x order by x.created_at, x.id), '[]') from (
        select i.id, i.kind,
          case when evidence_tables.with_invites then coalesce(i.email, i.device_name) end as invitee,
          i.roles, i.status, i.created_at, i.invited_by, p.email as invited_by_email,
          case when evidence_tables.with_invites then i.message end as message, i.expires_at, i.resend_count,
          i.accepted_at, i.accepted_by, i.declined_at,
          case when evidence_tables.with_invites then i.declined_reason end as declined_reason,
          i.revoked_at, i.revoked_by, i.revoked_reason, d.status as mail
        from public.organisation_invites i
        left join people p on p.user_id = i.invited_by
        left join lateral (
          select n.status
          from public.organisation_deliveries n
          where n.invite_id = i.id and n.kind = 'invite'
          order by n.created_at desc
          limit 1
        ) d on true
        where i.organisation_id = v_id and i.created_at < v_until
          and coalesce(i.accepted_at, i.declined_at, i.revoked_at, i.expires_at) >= v_since) x),
    'roles', (
      select coalesce(json_agg(x order by x.is_built_in desc, x.name), '[]') from (
        select r.name, r.description, r.organisation_id is null as is_built_in, r.permissions, r.inherits,
          (select count(*) from members m where r.name = any (m.roles)) as holders, r.created_at
        from public.organisation_roles r
        where r.organisation_id is null or r.organisation_id = v_id) x),
    'reviews', (
      select coalesce(json_agg(x order by x.started_at, x.id), '[]') from (
        select r.id, r.title, r.status, r.started_at, r.started_by, s.email as started_by_email, r.due_at, r.ended_at,
          r.closed_by, c.email as closed_by_email, r.closed_reason, n.confirmed, n.withdrawn, n.lapsed, n.open
        from public.organisation_access_reviews r
        cross join jsonb_to_record(usher.review_results(r.id))
          n (confirmed integer, withdrawn integer, lapsed integer, open integer)
        left join people s on s.user_id = r.started_by
        left join people c on c.user_id = r.closed_by
        where r.organisation_id = v_id and r.started_at < v_until and coalesce(r.ended_at, now()) >= v_since) x),
    'review_items', (
      select coalesce(json_agg(x order by x.review_id, x.email, x.user_id, x.role), '[]') from (
        select i.review_id, i.id, i.user_id, p.email, i.role, i.granted_at, i.granted_by, i.decision, i.reason,
          i.decided_at, i.decided_by, d.email as decided_by_email
        from public.organisation_access_review_items i
        join public.organisation_access_reviews r on r.id = i.review_id
        left join people p on p.user_id = i.user_id
        left join people d on d.user_id = i.decided_by
        where r.organisation_id = v_id and r.started_at < v_until and coalesce(r.ended_at, now()) >= v_since) x),
    'exclusions', (
      select coalesce(json_agg(x order by x.name), '[]') from (
        select e.name, e.roles, e.cardinality, (
          select count(*) from members m
          where e.cardinality <= (
            select count(*) from usher.roles_with_inherited(v_id, m.roles) h (name) where h.name = any (e.roles))
        ) as violations
        from public.organisation_role_exclusions e where e.organisation_id = v_id) x),
    'duty_findings', (
      select coalesce(json_agg(x order by x.finding, x.email, x.user_id, x.at), '[]') from (
        select 'excluded_roles_held' as finding, e.name as exclusion, m.user_id, p.email, h.roles,
          null::timestamptz as at
        from public.organisation_role_exclusions e
        cross join members m
        cross join lateral (
          select array_agg(r.name order by r.name) as roles
          from usher.roles_with_inherited(v_id, m.roles) r (name) where r.name = any (e.roles)
        ) h
        left join people p on p.user_id = m.user_id
        where e.organisation_id = v_id and cardinality(h.roles) >= e.cardinality
        union all
        -- Founding and joining by a domain are nobody's decision about themselves.
        select 'granted_to_oneself', null, r.user_id, p.email, array[r.role], r.granted_at
        from rights r
        left join people p on p.user_id = r.user_id
        where r.granted_by = r.user_id and r.granted_through not in ('organisation.created', 'member.joined')
        union all
        select 'reviewed_by_oneself', null, i.user_id, p.email, array[i.role], i.decided_at
        from public.organisation_access_review_items i
        left join people p on p.user_id = i.user_id
        where i.organisation_id = v_id and i.decided_by = i.user_id
          and i.decided_at >= v_since and i.decided_at < v_until) x),
    'signing_keys', (
      select coalesce(json_agg(x order by x.id), '[]') from (
        select k.id, k.state, k.kept_in, k.created_at, k.retired_at, k.verifies_until, k.is_due
        from usher.signing_key_states k
        where k.created_at < v_until and (k.retired_at is null or k.verifies_until >= v_since)) x),
    'deliveries', (
      select coalesce(json_agg(x order by x.created_at, x.id), '[]') from (
        select d.id, d.kind, d.status, case when evidence_tables.with_invites then d.recipient end as recipient,
          d.invite_id, d.attempts, d.created_at, d.sent_at, d.delivered_at, d.opened_at, d.bounced_at, d.complained_at,
          d.last_status_code,
          case when evidence_tables.with_invites then d.last_response end as last_response,
          d.provider_message_id
        from public.organisation_deliveries d
        where d.organisation_id = v_id and d.created_at >= v_since and d.created_at < v_until) x),
    'delivery_counts', (
      select coalesce(json_agg(x order by x.kind, x.status), '[]') from (
        select d.kind, d.status, count(*) as mails
        from public.organisation_deliveries d
        where d.organisation_id = v_id and d.created_at >= v_since and d.created_at < v_until
        group by d.kind, d.status) x),
    -- Those who did something, or had something done to them: the trail itself names no one.
    'people', (
      select coalesce(json_agg(x order by x.user_id), '[]') from (
        select p.user_id, p.kind, p.display_name as name, p.email from people p) x)
  ) into v_tables;
  return v_tables;
end
$$;
comment on function usher.evidence_tables
  is $$The registers of an evidence package, at one moment. with_people and with_invites: whether names and addresses
of members are in it, and addresses and words of invites and mails.$$;

create function usher.evidence_trail(
  organisation_id uuid,
  since timestamptz,
  until timestamptz
) returns json
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  as $$
declare
  v_first integer;
  v_last  integer;
begin
  -- By the events themselves; of those whose time is over, by the times of their seal.
  select min(n.number), max(n.number) into v_first, v_last
  from (
    select s.seal_number as number
    from public.organisation_audit_events e
    join usher.sealed_events s on s.event_id = e.id
    where e.organisation_id = evidence_trail.organisation_id
      and e.occurred_at >= evidence_trail.since and e.occurred_at < evidence_trail.until
    union all
    select a.number
    from usher.audit_seals a
    where a.organisation_id = evidence_trail.organisation_id and a.purged_at is not null
      and a.last_event_at >= evidence_trail.since and a.first_event_at < evidence_trail.until
  ) n;

  return json_build_object(
    'first_seal', v_first,
    'last_seal', v_last,
    'head_seal', (
      select max(a.number) from usher.audit_seals a where a.organisation_id = evidence_trail.organisation_id),
    'seals', (
      select coalesce(json_agg(x order by x.number), '[]') from (
        select a.number, a.events, a.sealed_at, a.first_event_at, a.last_event_at, a.purged_at,
          encode(a.hash, 'hex') as hash
        from usher.audit_seals a
        -- And the one before, which the first is chained to.
        where a.organisation_id = evidence_trail.organisation_id and a.number >= v_first - 1) x));
end
$$;
comment on function usher.evidence_trail
  is $$The seals of the events of a period, and all later ones: first_seal to last_seal cover it, head_seal is the
newest; seals begins one before the first.$$;

create function usher.collect_evidence(
  organisation_id uuid,
  since timestamptz,
  until timestamptz,
  with_people boolean default true,
  with_invites boolean default true
) returns json
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set intervalstyle = 'iso_8601'
  as $$
declare
  v_organisation public.organisations;
  v_until        timestamptz := least(collect_evidence.until, now());
begin
  select o.* into v_organisation from public.organisations o where o.id = collect_evidence.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;
  if collect_evidence.since is null or v_until is null or collect_evidence.since >= v_until then
    perform usher.fail('invalid_settings', hint => 'since is before until, and in the past.');
  end if;
  -- Whoever is given evidence stands in it, and all that it tells of is under a seal.
  perform usher.record_event(v_organisation.id, 'evidence.exported', 'organisation', v_organisation.id,
    after => jsonb_build_object('since', collect_evidence.since, 'until', v_until));
  perform usher.seal_trail(v_organisation.id);

  return (
    -- One statement, so that all of it is of one moment.
    select json_build_object(
      'organisation', json_build_object(
        'id', v_organisation.id, 'name', v_organisation.name, 'slug', v_organisation.slug,
        'created_at', v_organisation.created_at, 'audit_retention', v_organisation.audit_retention),
      'since', collect_evidence.since,
      'until', v_until,
      'collected_at', now(),
      'has_member_addresses', collect_evidence.with_people,
      'has_invite_addresses', collect_evidence.with_invites,
      'trail', usher.evidence_trail(v_organisation.id, collect_evidence.since, v_until),
      'tables', usher.evidence_tables(v_organisation.id, collect_evidence.since, v_until,
        collect_evidence.with_people, collect_evidence.with_invites)));
end
$$;
comment on function usher.collect_evidence
  is $$All of a package of evidence but the events themselves, whoever asks. For operators, and for
usher.export_evidence. Fails with organisation_not_found, invalid_settings.

  since, until  the period: from the first on, before the second; until is at most now$$;

create function usher.export_evidence(
  organisation_id uuid,
  since timestamptz,
  until timestamptz
) returns json
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_permission(export_evidence.organisation_id, 'audit.read', 'share');
  return usher.collect_evidence(export_evidence.organisation_id, export_evidence.since, export_evidence.until,
    usher.has_permission(export_evidence.organisation_id, 'member.read'),
    usher.has_permission(export_evidence.organisation_id, 'invite.read'));
end
$$;
comment on function usher.export_evidence
  is 'The rule behind public.export_organisation_evidence.';

create function public.export_organisation_evidence(
  organisation_id uuid,
  since timestamptz,
  until timestamptz default now()
) returns json
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.export_evidence($1, $2, $3) $$;
comment on function public.export_organisation_evidence
  is $$The registers for an auditor, all of one moment, and the seals of the trail; its events come from
list_organisation_evidence_events. The export is itself recorded, and the trail is sealed by it.

  since, until  the period: from the first on, before the second; until is at most now

Returns organisation, since, until, collected_at, trail (first_seal, last_seal, head_seal, seals) and tables: rights,
changes, invites, roles, reviews, review_items, exclusions, duty_findings, signing_keys, deliveries,
delivery_counts, people. Addresses of members are null without member.read, those of invites and mails without
invite.read. Needs audit.read. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings.$$;
grant execute on function public.export_organisation_evidence to authenticated;
grant execute on function usher.export_evidence to authenticated;

-- sql/65_reviews/05_evidence_events.sql

-- The events of a package of evidence, page by page, as they were hashed: whoever has them can compute the seals
-- again. The package itself is in 04_evidence.sql.

create type public.organisation_evidence_event as (
  seal_number integer,
  position integer,
  event_id uuid,
  event_hash text,
  personal_hash text,
  personal_salt text,
  event text,
  personal text
);
comment on type public.organisation_evidence_event
  is 'An event of the trail, as the texts that its seal was made of.';

create function usher.collect_evidence_events(
  organisation_id uuid,
  last_seal integer,
  after_seal integer,
  after_position integer,
  page_size integer
) returns setof public.organisation_evidence_event
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if collect_evidence_events.page_size is null or collect_evidence_events.page_size not between 1 and 5000 then
    perform usher.fail('invalid_settings', hint => 'page_size is 1 to 5,000.');
  end if;
  -- No events are not those of a mistaken id.
  if not exists (
    select from usher.audit_seals a where a.organisation_id = collect_evidence_events.organisation_id)
    and not exists (
      select from public.organisations o where o.id = collect_evidence_events.organisation_id)
  then
    perform usher.fail('organisation_not_found');
  end if;
  return query
    select s.seal_number, s.position, s.event_id, encode(s.hash, 'hex'), encode(s.personal_hash, 'hex'),
      encode(s.personal_salt, 'hex'),
      case when e.id is not null then usher.event_text(e) end,
      case when e.id is not null then usher.personal_text(e) end
    from (
      select c.*
      from usher.sealed_events c
      where c.organisation_id = collect_evidence_events.organisation_id
        and (c.seal_number, c.position) >
          (collect_evidence_events.after_seal, collect_evidence_events.after_position)
      order by c.seal_number, c.position
      limit collect_evidence_events.page_size
    ) s
    -- After the period only what tells that older events were removed.
    left join public.organisation_audit_events e
      on e.id = s.event_id and (s.seal_number <= collect_evidence_events.last_seal or e.event = 'audit.purged')
    order by s.seal_number, s.position;
end
$$;
comment on function usher.collect_evidence_events
  is $$A page of the events of an evidence package, whoever asks. For operators and usher.list_evidence_events. Fails
with organisation_not_found where there never was one, invalid_settings.$$;

create function usher.list_evidence_events(
  organisation_id uuid,
  last_seal integer,
  after_seal integer,
  after_position integer,
  page_size integer
) returns setof public.organisation_evidence_event
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_permission(list_evidence_events.organisation_id, 'audit.read');
  return query
    select * from usher.collect_evidence_events(list_evidence_events.organisation_id,
      list_evidence_events.last_seal, list_evidence_events.after_seal, list_evidence_events.after_position,
      list_evidence_events.page_size);
end
$$;
comment on function usher.list_evidence_events
  is 'The rule behind public.list_organisation_evidence_events.';

create function public.list_organisation_evidence_events(
  organisation_id uuid,
  last_seal integer,
  after_seal integer,
  after_position integer default 0,
  page_size integer default 1000
) returns json
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select coalesce(json_agg(e order by e.seal_number, e.position), '[]')
  from usher.list_evidence_events($1, $2, $3, $4, $5) e
$$;
comment on function public.list_organisation_evidence_events
  is $$The sealed events of the trail, oldest seal first, a page at a time. What is sealed never changes, so that pages
fetched one after the other fit together.

  last_seal                   up to this seal, events come with what they say; later ones with their hashes only
  after_seal, after_position  those of the last event of the page before; at first, first_seal of
                              export_organisation_evidence and 0
  page_size                   1 to 5,000

Returns one array of events: seal_number, position, event_id, event_hash, personal_hash, personal_salt, event,
personal; fewer than page_size means that there are no more. event and personal are the very texts whose
SHA-256 (of personal with the salt before it) are event_hash and personal_hash; both are null for an event whose
time was over, the salt for one that was erased. Needs audit.read. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.list_organisation_evidence_events to authenticated;
grant execute on function usher.list_evidence_events to authenticated;

-- sql/70_worker/01_event_mails.sql

-- Mails that follow from what happened: which line of the trail is told to whom, in which words.
--
-- What a mail says is taken from the line itself, so that what is written later does not change what it says
-- happened; names and addresses are as they are when it is queued, within a second.

create type usher.event_mail as (
  event_id uuid,
  kind text,
  recipient text,
  locale text,
  invite_id uuid,
  issue integer,
  member_id uuid,
  facts jsonb
);
comment on type usher.event_mail
  is 'A mail that follows from a line of the trail; its columns are those of organisation_deliveries.';

create function usher.invite_mails(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select e.id, case e.event when 'invite.reminded' then 'invite_reminder' else 'invite' end,
      i.email, i.locale, i.id, coalesce((e.after ->> 'issue')::integer, 1), null::uuid, '{}'::jsonb
    from unnest(invite_mails.lines) e
    join usher.invites i on i.id = e.target_id and i.kind = 'user'
    where e.event in ('invite.created', 'invite.resent', 'invite.roles_updated', 'invite.reminded')
      and not usher.is_erased_address(i.email)
    union all
    -- To who invited them.
    select e.id, case e.event
        when 'invite.accepted' then 'invite_accepted'
        when 'invite.expired' then 'invite_expired'
        when 'device.enrolled' then 'device_enrolled'
      end, m.email, null, i.id, i.issue, null, '{}'
    from unnest(invite_mails.lines) e
    join usher.invites i
      on i.id = case e.event when 'device.enrolled' then (e.after ->> 'invite_id')::uuid else e.target_id end
    join usher.current_members m on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
    where m.email is not null and usher.is_erased_address(i.email) is not true
      and (e.event in ('invite.accepted', 'device.enrolled')
        -- Whoever lets one expire by hand knows.
        or e.event = 'invite.expired' and e.actor_kind = 'worker' and (
          select o.expiry_mail from public.organisations o where o.id = e.organisation_id));
end
$$;
comment on function usher.invite_mails
  is 'What is mailed to invitees, and to who invited them.';

create function usher.notices_to_members(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select n.event_id, n.kind, m.email, null::text, null::uuid, null::integer, m.id,
      case when n.kind in ('access_ending', 'access_ended') then n.facts
        else n.facts || jsonb_build_object(
          'actor_name', a.display_name, 'actor_email', a.email,
          'owner_name', coalesce(o.display_name, o.email))
      end
    from (
      select e.id as event_id, e.organisation_id, e.actor_id, e.target_id as user_id,
        (e.after ->> 'owner_id')::uuid as owner_id, case e.event
          when 'member.roles_updated' then
            case e.actor_kind when 'user' then 'member_roles_updated' when 'worker' then 'access_ended' end
          -- A device that was removed by a rule has no reader.
          when 'member.removed' then case when e.actor_kind <> 'worker' then 'member_removed' end
          when 'member.banned' then 'member_banned'
          when 'join.approved' then 'join_approved'
          when 'member.access_ending' then 'access_ending'
          when 'member.access_ended' then 'access_ended'
          when 'organisation.transferred' then 'ownership_transferred'
        end as kind,
        case
          when e.event = 'member.access_ending' then e.after
          when e.event = 'member.access_ended' then jsonb_build_object(
            'roles', e.before -> 'roles', 'is_membership', true, 'ends_at', e.before -> 'ends_at')
          when e.event = 'member.roles_updated' and e.actor_kind = 'worker' then jsonb_build_object(
            'roles', (
              select jsonb_agg(r order by r) from jsonb_array_elements_text(e.before -> 'roles') r
              where not e.after -> 'roles' ? r),
            'is_membership', false, 'ends_at', e.before -> 'ends_at')
          when e.event in ('member.removed', 'member.banned') then jsonb_build_object('roles', e.before -> 'roles')
          else jsonb_build_object('roles', e.after -> 'roles')
        end as facts
      from unnest(notices_to_members.lines) e
      union all
      -- The old owner hears of it as well.
      select e.id, e.organisation_id, e.actor_id, (e.before ->> 'owner_id')::uuid, (e.after ->> 'owner_id')::uuid,
        'ownership_transferred', jsonb_build_object('roles', e.after -> 'former_owner_roles')
      from unnest(notices_to_members.lines) e
      where e.event = 'organisation.transferred'
    ) n
    join public.organisation_members m
      on m.organisation_id = n.organisation_id and m.user_id = n.user_id
    left join public.organisation_members a on a.organisation_id = n.organisation_id and a.user_id = n.actor_id
    left join public.organisation_members o
      on o.organisation_id = n.organisation_id
      and case when n.owner_id is null then 'owner' = any (o.roles) else o.user_id = n.owner_id end
    where n.kind is not null and m.email is not null and m.kind = 'user';
end
$$;
comment on function usher.notices_to_members
  is 'What is mailed to members about their own membership.';

create function usher.notices_to_admins(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    with kinds (event, kind, permissions, is_of_members) as (values
      ('invite.declined', 'invite_declined', '{invite.create}'::text[], false),
      ('invite.resend_requested', 'invite_resend_requested', '{invite.resend}', false),
      ('join.requested', 'join_requested', '{invite.create}', false),
      ('webhook.disabled', 'webhook_disabled', '{webhook.manage}', false),
      ('invites.inviter_lost_right', 'invites_lost_right', '{invite.create}', true),
      ('credentials.responsible_lost_right', 'credentials_lost_right',
        '{organisation.update,directory.manage}', true),
      ('access_review.started', 'access_review_started', '{access_review.manage}', true),
      ('access_review.overdue', 'access_review_overdue', '{access_review.manage}', true)
    ),
    asked as materialized (
      select e.*, k.kind, k.permissions, k.is_of_members
      from unnest(notices_to_admins.lines) e
      join kinds k on k.event = e.event
      -- A new link went to the invitee by itself.
      where e.after -> 'is_sent' is distinct from 'true'
    ),
    -- Once for each set of roles, and not for each member and line.
    held as materialized (
      select r.organisation_id, r.roles, array(select usher.permissions_of(r.organisation_id, r.roles)) as permissions
      from (
        select distinct m.organisation_id, m.roles
        from usher.current_members m
        where m.organisation_id in (select a.organisation_id from asked a)
      ) r
    )
    select a.id, a.kind, m.email, null::text, i.id, i.issue, case when a.is_of_members then m.id end,
      case a.kind
        when 'join_requested' then jsonb_build_object('requester_email', q.email)
        when 'webhook_disabled' then jsonb_build_object('webhook', a.after -> 'host')
        when 'invites_lost_right' then jsonb_build_object(
          'count', a.after -> 'count', 'person_name', p.display_name, 'person_email', p.email)
        when 'credentials_lost_right' then jsonb_build_object(
          'names', a.after -> 'credentials', 'ends_at', a.after -> 'stops_at',
          'person_name', p.display_name, 'person_email', p.email)
        when 'access_review_started' then usher.review_facts(a.target_id)
        when 'access_review_overdue' then usher.review_facts(a.target_id)
        else '{}'
      end
    from asked a
    join held h on h.organisation_id = a.organisation_id and h.permissions && a.permissions
    join usher.current_members m
      on m.organisation_id = h.organisation_id and m.roles = h.roles and m.email is not null
    left join usher.invites i on a.target_kind = 'invite' and i.id = a.target_id
    left join public.organisation_members p on p.organisation_id = a.organisation_id and p.user_id = a.target_id
    left join lateral (
      select r.email
      from public.organisation_join_requests r
      where a.kind = 'join_requested' and r.organisation_id = a.organisation_id and r.user_id = a.target_id
      order by r.created_at desc
      limit 1
    ) q on true
    where (m.kind = 'user' or not a.is_of_members)
      -- Nobody is told of who was forgotten meanwhile.
      and usher.is_erased_address(i.email) is not true
      and (a.kind <> 'join_requested' or not usher.is_erased_address(q.email));
end
$$;
comment on function usher.notices_to_admins
  is 'What is mailed to everybody who may do something about it.';

create function usher.other_notices(
  lines public.organisation_audit_events[]
) returns setof usher.event_mail
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return query
    select e.id, 'join_declined', r.email, null::text, null::uuid, null::integer, null::uuid, jsonb_build_object(
      'actor_name', m.display_name, 'actor_email', m.email, 'reason', e.reason)
    from unnest(other_notices.lines) e
    join public.organisation_join_requests r on r.id = (e.after ->> 'request_id')::uuid
    left join public.organisation_members m on m.organisation_id = e.organisation_id and m.user_id = e.actor_id
    where e.event = 'join.declined' and not usher.is_erased_address(r.email);
end
$$;
comment on function usher.other_notices
  is 'What is mailed to people who are not members: that their request to join was declined.';

create function usher.queue_mails(
  lines public.organisation_audit_events[],
  bulk_ids uuid[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  insert into public.organisation_deliveries (
    organisation_id, event_id, invite_id, issue, member_id, kind, recipient, locale, facts, is_bulk, caused_by)
  select e.organisation_id, q.event_id, q.invite_id, q.issue, q.member_id, q.kind, q.recipient, q.locale, q.facts,
    e.id = any (queue_mails.bulk_ids), e.actor_id
  from (
    select q.* from usher.invite_mails(queue_mails.lines) q
    union all select q.* from usher.notices_to_members(queue_mails.lines) q
    union all select q.* from usher.notices_to_admins(queue_mails.lines) q
    union all select q.* from usher.other_notices(queue_mails.lines) q
  ) q
  join unnest(queue_mails.lines) e on e.id = q.event_id
  where exists (select from public.organisations o where o.id = e.organisation_id)
  -- Two members may have one address: an account with a password, and one of single sign-on.
  on conflict (event_id, kind, recipient) where event_id is not null do nothing;
end
$$;
comment on function usher.queue_mails
  is 'Queues the mails that follow from lines of the trail; bulk_ids: of those that stand behind single ones.';

-- sql/70_worker/02_fan_out.sql

-- Fan-out: from a fresh line of the trail to all that follows it.
--
-- Each row of the outbox is deleted in the transaction that writes what follows, so that nothing follows twice and
-- nothing is left out. What fails is tried again alone, later and later, and shows in usher.stuck.

create function usher.follow_lines(
  event_ids uuid[],
  bulk_ids uuid[]
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_lines public.organisation_audit_events[];
begin
  -- A line that is gone meanwhile, as its organisation's time for it was over, is followed by nothing.
  select array_agg(e) into v_lines
  from public.organisation_audit_events e
  where e.id = any (follow_lines.event_ids);
  if v_lines is not null then
    perform usher.queue_mails(v_lines, follow_lines.bulk_ids);
    perform usher.tell_webhooks(v_lines);
  end if;
end
$$;
comment on function usher.follow_lines
  is 'Writes the mails and webhook calls that follow from lines of the trail; bulk_ids: of those that may wait.';

create function usher.held_events(event_ids uuid[]) returns uuid[]
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  -- Read once, and asked for by key: whenever statistics are made of the outbox, it is nearly empty.
  v_lines public.organisation_audit_events[] := array(
    select e from public.organisation_audit_events e where e.id = any (held_events.event_ids));
  v_organisation_ids uuid[];
  v_invite_ids       uuid[];
begin
  -- What follows names its organisation and its invite, and so needs them to stay. Those that can be had are kept.
  v_organisation_ids := array(
    select o.id
    from public.organisations o
    where o.id = any (array(select l.organisation_id from unnest(v_lines) l))
    -- Shared, so that nobody is forgotten between what is read of them here and what is queued.
    for share skip locked);
  v_invite_ids := array(
    select i.id
    from usher.invites i
    where i.id = any (array(select l.target_id from unnest(v_lines) l where l.target_kind = 'invite'))
    for key share skip locked);
  return array(
    select l.id
    from unnest(v_lines) l
    where l.organisation_id <> all (v_organisation_ids)
        and exists (select from public.organisations o where o.id = l.organisation_id)
      or l.target_kind = 'invite' and l.target_id <> all (v_invite_ids)
        and exists (select from usher.invites i where i.id = l.target_id));
end
$$;
comment on function usher.held_events
  is $$Those lines of the trail whose organisation or invite is being deleted or changed at this moment. Waits for
nobody, and keeps the organisations and invites of the others until the end of the transaction.$$;

create function usher.take_fresh(
  batch_size integer,
  after_id bigint
) returns setof usher.outbox
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_rows usher.outbox[];
  v_held uuid[];
  -- Where each of the two kinds is read on: single ones, and those in bulk.
  v_after bigint[] := array[take_fresh.after_id, take_fresh.after_id];
begin
  loop
    v_rows := '{}';
    -- Single ones first, and then as many of the others as there is room for.
    for v_kind in 1 .. 2 loop
      v_rows := v_rows || array(
        select o
        from usher.outbox o
        where o.is_bulk = (v_kind = 2) and o.id > v_after[v_kind]
          and (o.due_at is null or o.due_at <= statement_timestamp())
        order by o.id
        limit take_fresh.batch_size - cardinality(v_rows)
        for update skip locked);
      v_after[v_kind] := greatest(v_after[v_kind], (
        select max(r.id) from unnest(v_rows) r where r.is_bulk = (v_kind = 2)));
    end loop;
    v_held := usher.held_events(array(select r.event_id from unnest(v_rows) r));
    exit when v_held = '{}';

    update usher.outbox o
    set due_at = clock_timestamp() + interval '200 milliseconds'
    where o.is_bulk = any ('{false,true}')
      and o.id = any (array(select r.id from unnest(v_rows) r where r.event_id in (select unnest(v_held))));
    v_rows := array(select r from unnest(v_rows) r where r.event_id not in (select unnest(v_held)));
    -- Thousands that are held do not stand before one that is not.
    exit when v_rows <> '{}';
  end loop;
  return query select r.* from unnest(v_rows) r;
end
$$;
comment on function usher.take_fresh
  is $$Locks the next rows of the outbox, as usher.fan_out is told. Those whose organisation or invite somebody holds
are left for a fifth of a second.$$;

create function usher.fan_out(
  batch_size integer default 1000,
  after_id bigint default 0,
  out followed integer,
  out newest_id bigint
) returns record
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- Nobody waits here for a change that goes on: what it holds is followed the next time.
  set lock_timeout = '100ms'
  as $$
declare
  v_rows usher.outbox[];
  v_row  usher.outbox;
  v_organisation_id uuid;
  -- Organisations in which a change holds something that is needed.
  v_held uuid[] := '{}';
begin
  fan_out.followed := 0;
  fan_out.newest_id := coalesce(pg_sequence_last_value('usher.outbox_id_seq'), 0);
  v_rows := array(select t from usher.take_fresh(fan_out.batch_size, fan_out.after_id) t);
  if v_rows = '{}' then
    return;
  end if;

  begin
    perform usher.follow_lines(array(select r.event_id from unnest(v_rows) r),
      array(select r.event_id from unnest(v_rows) r where r.is_bulk));
    delete from usher.outbox o
    where o.is_bulk = any ('{false,true}') and o.id = any (array(select r.id from unnest(v_rows) r));
    fan_out.followed := cardinality(v_rows);
    return;
  exception
    when others then
      -- One of them cannot be followed: each is tried alone.
      null;
  end;

  foreach v_row in array v_rows loop
    select e.organisation_id into v_organisation_id
    from public.organisation_audit_events e where e.id = v_row.event_id;
    continue when v_organisation_id = any (v_held);
    begin
      perform usher.follow_lines(array[v_row.event_id],
        case when v_row.is_bulk then array[v_row.event_id] else '{}' end);
      delete from usher.outbox o where o.is_bulk = v_row.is_bulk and o.id = v_row.id;
      fan_out.followed := fan_out.followed + 1;
    exception
      when lock_not_available then
        -- A change holds what it needs, such as the member whom it is mailed to. What else is of that organisation
        -- would wait as well.
        v_held := v_held || v_organisation_id;
        update usher.outbox o
        set due_at = clock_timestamp() + interval '1 second'
        where o.is_bulk = any ('{false,true}') and o.id = any (array(
          select r.id
          from unnest(v_rows) r
          join public.organisation_audit_events e on e.id = r.event_id
          where e.organisation_id = v_organisation_id));
        exit when cardinality(v_held) = 5;
      when others then
        update usher.outbox o
        set attempts = least(o.attempts + 1, 1000), last_error = left(sqlerrm, 1000),
          due_at = clock_timestamp() + least(interval '1 second' * 2 ^ least(o.attempts, 12), interval '1 hour')
        where o.is_bulk = v_row.is_bulk and o.id = v_row.id;
    end;
  end loop;
end
$$;
comment on function usher.fan_out
  is $$Writes what follows from what has happened: mails and webhook calls. For workers, again and again; any number may
at once.

  batch_size  how many lines of the trail at most
  after_id    where to begin: rows up to it were followed before. 0: all. A worker begins where its last scan but some
              seconds had ended, so that rows that are gone cost nothing, and from time to time at 0, for transactions
              that took long

Returns how many lines were followed, and the newest id that had been given out when it began. Call again at once while
it is more than none: what is held or fails is put off.$$;
grant execute on function usher.fan_out to usher_worker;

create function usher.outbox_metrics(
  out count bigint,
  out oldest_seconds double precision
) returns record
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select count(*), extract(epoch from clock_timestamp() - min(e.occurred_at))::double precision
  from usher.outbox o
  left join public.organisation_audit_events e on e.id = o.event_id
$$;
comment on function usher.outbox_metrics
  is 'How much has happened that nothing has followed yet, and how long ago the oldest of it. For workers.';
grant execute on function usher.outbox_metrics to usher_worker;

-- sql/90_operators/01_idempotency.sql

-- Idempotency: a create that is sent twice is carried out once.
--
-- Over HTTP an answer can get lost after the change was made. Who sends the same request again under the
-- same key gets the first answer, and nothing happens twice. A call, its key and its result are one
-- transaction: a call that was refused leaves nothing behind, so that its key is free for the next try.
-- Keys are the caller's own, and are forgotten after 24 hours.
--
-- Source: draft-ietf-httpapi-idempotency-key-header.

create table usher.idempotency_keys (
  user_id uuid not null references auth.users on delete cascade,
  key_hash bytea not null,
  request_hash bytea not null,
  result bytea not null,
  created_at timestamptz not null default now(),
  primary key (user_id, key_hash)
);
comment on table usher.idempotency_keys
  is 'What the calls of the last 24 hours that came with a key have returned.';
comment on column usher.idempotency_keys.result
  is 'Encrypted under the key, which is kept nowhere: the code of a device may be in it.';
create index idempotency_keys_created_at on usher.idempotency_keys (created_at);
alter table usher.idempotency_keys enable row level security;
create policy idempotency_keys_nobody
  on usher.idempotency_keys
  for select
  to public
  using (false);

create function usher.take_idempotency_key(
  idempotency_key text,
  request_hash bytea
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_kept usher.idempotency_keys;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  elsif coalesce(length(take_idempotency_key.idempotency_key), 0) not between 16 and 255
    or take_idempotency_key.idempotency_key !~ '^[!-~]+$'
  then
    perform usher.fail('invalid_settings',
      hint => 'The idempotency key is 16 to 255 visible ASCII characters, such as a new UUID.');
  end if;

  -- Held until the end of the transaction, so that a second request at the same time is told apart
  -- from one that comes later.
  if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended(
    'usher.idempotency_keys:' || auth.uid() || take_idempotency_key.idempotency_key, 0)) then
    perform usher.fail('idempotency_key_in_use', headers => '{"Retry-After": "1"}');
  end if;

  -- A few at a time, and none that another caller is removing now.
  delete from usher.idempotency_keys k
  where (k.user_id, k.key_hash) in (
    select o.user_id, o.key_hash
    from usher.idempotency_keys o
    where o.created_at < now() - interval '24 hours'
    order by o.created_at
    limit 100
    for update skip locked
  );

  select k.* into v_kept
  from usher.idempotency_keys k
  where k.user_id = auth.uid()
    and k.key_hash = sha256(convert_to(take_idempotency_key.idempotency_key, 'UTF8'))
    and k.created_at >= now() - interval '24 hours';
  if not found then
    return null;
  elsif v_kept.request_hash <> take_idempotency_key.request_hash then
    perform usher.fail('idempotency_key_reused');
  end if;
  return extensions.pgp_sym_decrypt(v_kept.result, take_idempotency_key.idempotency_key)::jsonb;
end
$$;
comment on function usher.take_idempotency_key
  is $$Takes the caller's key until the end of the transaction. Returns the result kept under it, null when there
is none. Fails with unauthenticated, invalid_settings, idempotency_key_in_use, idempotency_key_reused.$$;
grant execute on function usher.take_idempotency_key to authenticated;

create function usher.keep_idempotent_result(
  idempotency_key text,
  request_hash bytea,
  result jsonb
) returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  insert into usher.idempotency_keys as k (user_id, key_hash, request_hash, result)
  values (auth.uid(), sha256(convert_to($1, 'UTF8')), $2, extensions.pgp_sym_encrypt($3::text, $1))
  -- Of a key that has run out and is not swept yet.
  on conflict on constraint idempotency_keys_pkey do update
  set request_hash = excluded.request_hash, result = excluded.result, created_at = excluded.created_at
  where k.created_at < now() - interval '24 hours'
$$;
comment on function usher.keep_idempotent_result
  is 'Keeps what a call has returned under the key that take_idempotency_key has taken.';
grant execute on function usher.keep_idempotent_result to authenticated;

create function usher.call_statement(
  function_name text,
  arguments jsonb
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_function pg_catalog.pg_proc;
  v_problem  text;
  v_list     text;
  v_columns  text;
begin
  select p.* into v_function
  from pg_catalog.pg_proc p
  where p.pronamespace = 'public'::regnamespace
    and p.proname = call_statement.function_name
    and p.proname ~ '^create_organisation(_|$)';
  if not found then
    perform usher.fail('invalid_settings', hint => 'function_name is one of the create_organisation functions.');
  elsif jsonb_typeof(call_statement.arguments) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'arguments is an object.');
  end if;

  select
    string_agg(format('%I => a.%1$I', n.name), ', ') filter (where n.is_given),
    string_agg(format('%I %s', n.name, pg_catalog.format_type(n.type, null)), ', ') filter (where n.is_given),
    string_agg(n.name || ' is missing.', ' ')
      filter (where not n.is_given and n.place <= v_function.pronargs - v_function.pronargdefaults)
  into v_list, v_columns, v_problem
  from (
    select t.name, t.type, t.place, call_statement.arguments ? t.name as is_given
    from unnest(v_function.proargnames, v_function.proargtypes::oid[]) with ordinality t (name, type, place)
  ) n;
  select coalesce(v_problem, string_agg(k.name || ' is not an argument of it.', ' ')) into v_problem
  from jsonb_object_keys(call_statement.arguments) k (name)
  where k.name <> all (v_function.proargnames);
  if v_problem is not null then
    perform usher.fail('invalid_settings', hint => v_problem);
  end if;

  -- What is not of its kind is refused in words, and before the call: an error within it is another thing.
  begin
    execute format('select from jsonb_to_record($1) a(%s)', v_columns) using call_statement.arguments;
  exception
    when data_exception or program_limit_exceeded then
      -- A length of time that is none has the code of one that is too long.
      perform usher.fail(
        case when sqlerrm ~ '^(invalid input syntax for type )?interval[ :]'
          then 'invalid_expiry' else 'invalid_settings' end,
        hint => 'An argument is not of its kind: ' || sqlerrm);
  end;

  return format(
    'select %s from jsonb_to_record($1) a(%s) cross join lateral public.%I(%s) f',
    case when v_function.proretset then $sql$coalesce(jsonb_agg(to_jsonb(f)), '[]')$sql$ else 'to_jsonb(f)' end,
    v_columns, v_function.proname, v_list);
end
$$;
comment on function usher.call_statement
  is $$The statement that calls a create_organisation function with the arguments in $1, named as in SQL. Every name
in it comes from the catalog. Fails with invalid_settings.$$;
grant execute on function usher.call_statement to authenticated;

create type public.organisation_call as (
  result jsonb,
  is_replay boolean
);
comment on type public.organisation_call
  is 'What a call has returned, and whether that was kept from an earlier one with the same key.';

create function usher.call_function_once(
  idempotency_key text,
  function_name text,
  arguments jsonb
) returns public.organisation_call
  language plpgsql
  volatile
  -- The caller's own rights: what they may not call, they may not call once.
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_hash bytea := sha256(
    convert_to(call_function_once.function_name || call_function_once.arguments::text, 'UTF8'));
  v_call public.organisation_call;
begin
  v_call.result := usher.take_idempotency_key(call_function_once.idempotency_key, v_hash);
  v_call.is_replay := v_call.result is not null;
  if not v_call.is_replay then
    execute usher.call_statement(call_function_once.function_name, call_function_once.arguments)
    into strict v_call.result
    using call_function_once.arguments;
    perform usher.keep_idempotent_result(call_function_once.idempotency_key, v_hash, v_call.result);
  end if;
  return v_call;
end
$$;
comment on function usher.call_function_once
  is 'The rule behind public.call_organisation_function_once.';

create function public.call_organisation_function_once(
  idempotency_key text,
  function_name text,
  arguments jsonb
) returns public.organisation_call
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.call_function_once($1, $2, $3) $$;
comment on function public.call_organisation_function_once
  is $$Calls one of the create_organisation functions, but only once for each key: called again with the same key
and the same arguments, it does nothing and returns what the first call has returned.

  idempotency_key  16 to 255 visible ASCII characters, such as a new UUID; kept for 24 hours, for the caller
  function_name    such as create_organisation_invite
  arguments        an object of its arguments, named as in SQL

Returns the result of the function and whether it is that of an earlier call. Needs what the function
needs. Fails as the function does, and then keeps nothing; and with unauthenticated, invalid_settings,
idempotency_key_in_use (the first call still runs), idempotency_key_reused (for other arguments).$$;
grant execute on function public.call_organisation_function_once to authenticated;
grant execute on function usher.call_function_once to authenticated;

-- sql/90_operators/02_operators.sql

-- For operators, who sit in psql as the owner of the database: who has access to what, what is stuck, what
-- was sent, and what auditors ask. docs/sql.md says how to use it. Functions of theirs stand in
-- 07_operator_functions.sql.
--
-- Nothing here can be reached through the API: no role but the owner holds any right on it.

create view usher.access_register
  with (security_invoker = true)
  as
  select
    m.organisation_id,
    o.name as organisation,
    m.user_id,
    m.email,
    m.display_name,
    m.kind,
    h.role,
    array(
      select p.name
      from usher.permissions_of(m.organisation_id, array[h.role]) p (name)
      order by p.name
    ) as permissions,
    coalesce(g.occurred_at, m.joined_at) as since,
    g.event as granted_through,
    g.granted_by,
    a.email as granted_by_email,
    least(m.ends_at, (m.role_ends ->> h.role)::timestamptz) as until
  from usher.current_members m
    join public.organisations o on o.id = m.organisation_id
    left join lateral unnest(m.roles) h (role) on true
    -- The event by which they came to the role the last time.
    left join lateral (
      select
        e.occurred_at,
        e.event,
        coalesce(i.invited_by, e.actor_id) as granted_by
      from public.organisation_audit_events e
        left join usher.invites i on
          i.id
            = case e.event
              when 'invite.accepted' then e.target_id
              when 'device.enrolled' then (e.after ->> 'invite_id')::uuid
            end
      where
        e.organisation_id = m.organisation_id
        and case
          when e.event = 'organisation.created' then
            e.actor_id = m.user_id and h.role = 'owner'
          when e.event = 'invite.accepted' then
            e.after ->> 'user_id' = m.user_id::text
              and e.after -> 'roles' ? h.role
          -- Of two people: the new owner, and the old one, who is an admin from then on.
          when e.event = 'organisation.transferred'
            and e.before ->> 'owner_id' = m.user_id::text then
            h.role = 'admin'
          when e.event in (
            'organisation.transferred',
            'member.roles_updated',
            'member.joined',
            'join.approved',
            'device.enrolled'
          ) then
            e.target_id = m.user_id
              and e.after -> 'roles' ? h.role
              and not coalesce(e.before -> 'roles' ? h.role, false)
          else false
        end
      order by e.occurred_at desc, e.id desc
      limit 1
    ) g on true
    left join public.organisation_members a on
      a.organisation_id = m.organisation_id and a.user_id = g.granted_by;
comment on view usher.access_register
  is $$Who has access to what at this moment: a row for each role of each active member, with what the role
permits, since when they hold it and until when (null: without an end), and who gave it to them. A member without a
role is there with none. Where the trail does not know (purged, or by SQL), since is the day of joining, and nobody has
granted it.

Source: ISO/IEC 27001:2022 A.5.18, review of access rights.$$;

create view usher.stuck_deliveries
  with (security_invoker = true)
  as
  select
    case
      when d.status = 'failed' and d.in_doubt_at is not null then 'in_doubt'
      when d.status in ('failed', 'suppressed') then d.status
      when d.status = 'sending' then 'abandoned'
      when d.attempts = 0 then 'waiting'
      else 'retrying'
    end as problem,
    d.id,
    d.organisation_id,
    o.name as organisation,
    d.kind,
    d.recipient,
    d.attempts,
    d.created_at,
    d.due_at,
    d.in_doubt_at,
    d.last_status_code,
    d.last_response
  from public.organisation_deliveries d
    join public.organisations o on o.id = d.organisation_id
  where
    d.status in ('failed', 'suppressed')
    -- A worker looks every minute, so that ten are a sign of there being none.
    or d.status in ('queued', 'sending')
      and d.due_at < now() - interval '10 minutes'
    or d.status = 'queued' and d.attempts >= 3
    or d.status = 'queued'
      and d.attempts > 0
      and d.created_at < now() - interval '6 hours';
comment on view usher.stuck_deliveries
  is $$Mails that somebody should look at.

  failed      given up; last_response says what the mail server answered
  in_doubt    given up after a connection was lost twice: it may have arrived
  suppressed  not sent, because the address does not exist
  waiting     due for ten minutes, and no worker has come
  abandoned   a worker took it and did not come back, and no other has come
  retrying    refused three times or more, or for six hours, and tried again

One that an allowance or a pace delays is due later, and so is not among them: usher.delayed_deliveries.
After mending the cause: usher.requeue_deliveries.$$;

create view usher.delayed_deliveries
  with (security_invoker = true)
  as
  select
    d.id,
    d.organisation_id,
    o.name as organisation,
    d.kind,
    d.recipient,
    d.mailbox,
    d.caused_by,
    a.email as caused_by_email,
    d.is_bulk,
    d.created_at,
    d.due_at
  from public.organisation_deliveries d
    join public.organisations o on o.id = d.organisation_id
    left join public.organisation_members a on
      a.organisation_id = d.organisation_id and a.user_id = d.caused_by
  where usher.delivery_status(d.status, d.attempts, d.due_at) = 'delayed';
comment on view usher.delayed_deliveries
  is $$Mails that are more than an allowance or a pace of usher.settings lets out, and go by themselves later; due_at is
when each is looked at next. Many to one mailbox, or caused by one account: somebody may be using this project to bomb
somebody else.$$;

create view usher.expiring_invites
  with (security_invoker = true)
  as
  select
    i.id,
    i.organisation_id,
    o.name as organisation,
    i.email,
    i.device_name,
    i.roles,
    m.email as invited_by_email,
    i.issued_at,
    i.expires_at,
    i.reminded_issue = i.issue as is_reminded,
    d.status as mail
  from usher.invites i join public.organisations o on o.id = i.organisation_id
    left join public.organisation_members m on
      m.organisation_id = i.organisation_id and m.user_id = i.invited_by
    left join lateral (
      select usher.delivery_status(n.status, n.attempts, n.due_at) as status
      from public.organisation_deliveries n
      where n.invite_id = i.id and n.kind = 'invite'
      order by n.created_at desc
      limit 1
    ) d on true
  where
    i.status = 'pending'
    and i.expires_at between now() and now() + interval '2 days';
comment on view usher.expiring_invites
  is 'Pending invites that expire within two days, and what became of their mail: not sent, they cannot be accepted;
delayed, an allowance or a pace lets it out later.';

create view usher.unsealed_trails
  with (security_invoker = true)
  as
  select
    e.organisation_id,
    o.name as organisation,
    count(*) as events,
    min(e.occurred_at) as oldest_at,
    min(e.occurred_at) < now() - interval '10 minutes' as is_late
  from public.organisation_audit_events e
    left join public.organisations o on o.id = e.organisation_id
  where not exists(select from usher.sealed_events s where s.event_id = e.id)
  group by e.organisation_id, o.name;
comment on view usher.unsealed_trails
  is $$Events that no seal covers yet, by organisation. A worker seals every minute; is_late after ten: until then,
nothing would tell that one was changed.$$;

create view usher.stuck
  with (security_invoker = true)
  as
  select
    'deliveries ' || s.problem as what,
    count(*) as how_many,
    min(s.created_at) as since,
    'select * from usher.stuck_deliveries' as look_at
  from usher.stuck_deliveries s
  group by s.problem
  union all
  select
    'mail server that refuses us',
    count(*),
    min(t.refused_since),
    'select * from usher.mail_transport'
  from usher.mail_transport t
  where t.refused_since is not null
  having count(*) > 0
  union all
  select
    'invites that expire, not delivered',
    count(*),
    min(e.issued_at),
    'select * from usher.expiring_invites'
  from usher.expiring_invites e
  where e.mail in ('queued', 'sending', 'failed', 'suppressed')
  having count(*) > 0
  union all
  -- A worker looks every second, or is called every minute: ten are a sign of there being none.
  select
    'events that no worker follows',
    count(*),
    min(e.occurred_at),
    'select * from usher.outbox'
  from usher.outbox f
    join public.organisation_audit_events e on e.id = f.event_id
  where f.attempts = 0 and e.occurred_at < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'events that cannot be followed',
    count(*),
    min(e.occurred_at),
    'select * from usher.outbox where attempts > 0'
  from usher.outbox f
    join public.organisation_audit_events e on e.id = f.event_id
  where f.attempts >= 3
  having count(*) > 0
  union all
  select
    'events that no worker sends to webhooks',
    count(*),
    min(d.created_at),
    'select * from public.organisation_webhook_deliveries where status in (''queued'', ''sending'')'
  from public.organisation_webhook_deliveries d
  where
    d.status in ('queued', 'sending')
    and d.due_at < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'members that no worker tells applications of',
    count(*),
    min(c.due_at),
    'select * from public.organisation_directory_copies where status = ''waiting'''
  from public.organisation_directory_copies c
    join public.organisation_directory_endpoints e on e.id = c.endpoint_id
  where
    c.status = 'waiting'
    and c.due_at < now() - interval '10 minutes'
    and e.is_enabled
    and e.last_error is null
    -- Of thousands, the last are told late as well.
    and coalesce(e.last_success_at, e.created_at)
    < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'applications that no worker compares',
    count(*),
    min(e.reconcile_at),
    'select * from public.organisation_directory_endpoints where is_enabled order by reconcile_at'
  from public.organisation_directory_endpoints e
  where
    e.is_enabled
    and e.last_error is null
    and e.reconcile_at < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'applications that do not answer',
    count(*),
    min(coalesce(e.last_success_at, e.created_at)),
    'select * from public.organisation_directory_endpoints where is_enabled and last_error is not null'
  from public.organisation_directory_endpoints e
  where
    e.is_enabled
    and e.last_error is not null
    and coalesce(e.last_success_at, e.created_at)
    < now() - interval '10 minutes'
  having count(*) > 0
  union all
  select
    'events not sealed',
    sum(u.events)::bigint,
    min(u.oldest_at),
    'select * from usher.unsealed_trails'
  from usher.unsealed_trails u
  where u.is_late
  having count(*) > 0
  union all
  select
    'mail templates that cannot be drawn',
    count(*),
    min(t.failed_at),
    'select * from public.organisation_email_templates where failed_at is not null'
  from public.organisation_email_templates t
  where t.failed_at is not null
  having count(*) > 0
  union all
  select
    'upkeep that fails',
    count(*),
    min(f.failing_since),
    'select * from usher.upkeep_failures'
  from usher.upkeep_failures f
  having count(*) > 0
  union all
  select
    'signing key is old',
    count(*),
    min(k.created_at),
    'select usher.rotate_signing_key()'
  from usher.signing_key_states k
  where k.is_due
  having count(*) > 0;
comment on view usher.stuck
  is 'All that waits for somebody, a line a kind: what, how many, since when, and where to look. Empty is well.';

create view usher.sent_mails
  with (security_invoker = true)
  as
  select
    d.sent_at,
    d.organisation_id,
    o.name as organisation,
    d.kind,
    d.recipient,
    d.id as message_id,
    d.provider_message_id,
    d.attempts,
    d.last_response as answer,
    d.invite_id,
    d.member_id
  from public.organisation_deliveries d
    join public.organisations o on o.id = d.organisation_id
  where d.status = 'sent';
comment on view usher.sent_mails
  is $$What a mail server took, when, for whom, and what it answered. message_id is the part of the Message-ID before
the @, to be found in the logs of any mail server on the way.$$;

create view usher.audit_export
  with (security_invoker = true)
  as
  select
    e.organisation_id,
    o.name as organisation,
    e.occurred_at,
    e.id as event_id,
    e.event,
    e.actor_kind,
    e.actor_id,
    a.email as actor_email,
    e.target_kind,
    e.target_id,
    t.email as target_email,
    e.before,
    e.after,
    e.reason,
    e.ip,
    e.user_agent,
    s.seal_number,
    s.position as seal_position,
    encode(s.hash, 'hex') as event_hash,
    encode(s.personal_hash, 'hex') as personal_hash,
    e.claimed_ip
  from public.organisation_audit_events e
    left join public.organisations o on o.id = e.organisation_id
    left join public.organisation_members a on
      a.organisation_id = e.organisation_id and a.user_id = e.actor_id
    left join public.organisation_members t on
      t.organisation_id = e.organisation_id
        and t.user_id = e.target_id
        and e.target_kind = 'user'
    left join usher.sealed_events s on s.event_id = e.id;
comment on view usher.audit_export
  is $$The trail as an auditor wants it: with the addresses that people have today, and with the seal that covers each
line. An address is null for somebody who was erased. Order it by occurred_at, event_id.$$;

-- sql/90_operators/03_spellings.sql

-- Spellings: every way in which an address, or a name, may stand in a text, so that all of them are found.

create function usher.percent_pattern(letter text) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select regexp_replace(encode(convert_to($1, 'UTF8'), 'hex'), '(..)', '%(?:25)*\1', 'g') $$;
comment on function usher.percent_pattern
  is 'A pattern that finds a character in its percent-encoded form (RFC 3986 section 2.1).';

create function usher.word_pattern(word text) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select string_agg(case
    when p.part ~ '[[:space:]\u00a0]' collate "und-x-icu"
      then '(?:[[:space:]\u00a0]|\\[nrt]|\+|%(?:25)*(?:20|09|0a|0d|c2%(?:25)*a0))+'
    when p.part ~ '[a-zA-Z0-9_~-]' then p.part
    when p.part = '.' then '\.'
    when p.part = '"' then '(?:\\?"|%(?:25)*22)'
    when p.part = '\' then '(?:\\{1,2}|%(?:25)*5c)'
    when ascii(p.part) < 128 then '(?:\' || p.part || '|' || usher.percent_pattern(p.part) || ')'
    else '(?:' || p.part || '|' || usher.percent_pattern(lower(p.part collate "und-x-icu")) || '|'
      || usher.percent_pattern(upper(p.part collate "und-x-icu")) || ')'
  end, '' order by w.n)
  from regexp_matches($1 collate "und-x-icu", '[[:space:]\u00a0]+|.', 'g') with ordinality w (match, n)
  cross join lateral (select w.match[1] as part) p
$$;
comment on function usher.word_pattern
  is $$A pattern that finds an address or a name as it is written, in JSON, and percent-encoded in a URL, also more
than once; whatever blanks, or line breaks, are between its words.$$;

create function usher.words_pattern(words text[], is_whole boolean) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_any text;
begin
  select string_agg(usher.word_pattern(w), '|' order by length(w) desc)
  into v_any
  from unnest(words_pattern.words) w;
  -- Of joanne@example.com, anne@example.com is no part; nor of anne@example.com.au.
  return case when words_pattern.is_whole
    -- In a URL, what is before may be encoded as well, and a plus sign be a blank.
    then '(?:(?<![[:alnum:]._%+-])|(?<=%(?:[013-46-9a-f][[:xdigit:]]|2[0-46-9acf]|5[0-9a-e]))'
      || '|(?<=\+)(?=[^@[:space:]]+%(?:25)*40))(?:' || v_any || ')(?![[:alnum:]_-]|\.[[:alnum:]])' else v_any end;
end
$$;
comment on function usher.words_pattern
  is 'A pattern that finds any of these words; is_whole: only where not part of a longer one. Null: there are none.';

-- sql/90_operators/04_personal_data.sql

-- Personal data: where something about a person may stand. The catalogue says it, so that a column that is added
-- tomorrow is reported and erased tomorrow. What stays is listed in usher.kept_at_erasure(), each with its reason.

create function usher.own_tables() returns setof regclass
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select c.oid::regclass
  from pg_catalog.pg_class c
  where c.relkind in ('r', 'p') and not c.relispartition
    and (c.relnamespace = to_regnamespace('usher')
      -- An application may have called tables of its own alike: those are named, and no others are touched.
      or c.relnamespace = to_regnamespace('public') and c.relname in (
        'organisation_access_review_items', 'organisation_access_reviews', 'organisation_audit_events',
        'organisation_deliveries', 'organisation_directory_copies', 'organisation_directory_endpoints',
        'organisation_directory_tokens', 'organisation_domains', 'organisation_email_templates',
        'organisation_join_requests', 'organisation_members', 'organisation_role_exclusions',
        'organisation_roles', 'organisation_sign_in_rules', 'organisation_webhook_deliveries',
        'organisation_webhooks', 'organisations'))
  order by c.oid::regclass::text
$$;
comment on function usher.own_tables
  is 'The tables of ours: all of usher, and of public those that are listed here. Never one of the application''s own.';

create function usher.kept_at_erasure() returns table (
  place text,
  what text,
  reason text
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('public.organisation_audit_events.before', 'all',
      'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.after', 'all',
      'Sealed. Of an address only its domain comes in; a name may stand there.'),
    ('public.organisation_audit_events.event', 'all', 'A word of ours.'),
    ('public.organisation_audit_events.target_kind', 'all', 'A word of ours.'),
    ('usher.directory_endpoint_tokens.token', 'all', 'The key of another system, which a change would break.'),
    ('usher.idempotency_keys.result', 'all', 'Encrypted under a key that is kept nowhere; gone within a day.'),
    ('public.organisations.name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisations.sender_name', 'names', 'What an organisation is called is the organisation''s.'),
    ('public.organisation_members.display_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.user_name', 'names', 'Of another member who is called the same.'),
    ('usher.directory_users.attributes', 'names', 'Of another member who is called the same.')
$$;
comment on function usher.kept_at_erasure
  is $$Which columns erasing a person leaves as they are, and why.

  place   schema.table.column
  what    all; names: addresses go all the same$$;

create type usher.person_traces as (
  user_ids uuid[],
  member_ids uuid[],
  invite_ids uuid[],
  delivery_ids uuid[],
  organisation_ids uuid[],
  emails text[],
  names text[]
);
comment on type usher.person_traces
  is 'By what a person is known here: ids, addresses, names, and to whom.';

create function usher.accounts_of(email text) returns uuid[]
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select coalesce(array_agg(u.id), '{}') from auth.users u where usher.normalise_email(u.email) = accounts_of.email
$$;
comment on function usher.accounts_of
  is 'The accounts with this normalised address, by whichever way in: single sign-on keeps one of its own.';

create function usher.person_traces(
  user_ids uuid[],
  email text
) returns usher.person_traces
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_traces usher.person_traces;
begin
  v_traces.user_ids := person_traces.user_ids;
  v_traces.member_ids := array(
    select m.id from public.organisation_members m where m.user_id = any (v_traces.user_ids));
  v_traces.emails := array(
    select person_traces.email
    union
    select u.email from auth.users u where u.id = any (v_traces.user_ids)
    union
    select usher.normalise_email(u.email) from auth.users u where u.id = any (v_traces.user_ids)
    union
    select m.email from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select r.email from public.organisation_join_requests r where r.user_id = any (v_traces.user_ids)
    union
    select i.email from usher.invites i where i.accepted_by = any (v_traces.user_ids)
    union
    select d.email from usher.directory_users d where d.member_id = any (v_traces.member_ids));
  v_traces.emails := array(
    select distinct s from unnest(v_traces.emails) e cross join lateral unnest(usher.spellings(e)) s);
  -- An address of theirs from before may be somebody else's today.
  v_traces.emails := array(
    select e from unnest(v_traces.emails) e
    where position('@' in e) > 1 and not usher.is_erased_address(e)
      and (e = person_traces.email or not exists (
        select from auth.users u
        where usher.normalise_email(u.email) = usher.normalise_email(e) and u.id <> all (v_traces.user_ids))));
  v_traces.invite_ids := array(
    select i.id from usher.invites i
    where i.email = any (v_traces.emails) or i.accepted_by = any (v_traces.user_ids));
  v_traces.delivery_ids := array(
    select d.id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      or d.invite_id = any (v_traces.invite_ids)
    union
    -- What they did by a link in a mail, after they were erased the last time.
    select e.delivery_id from usher.erased_deliveries e
    where e.recipient_hash = any (array(select usher.address_hash(a) from unnest(v_traces.emails) a)));
  v_traces.organisation_ids := array(
    select m.organisation_id from public.organisation_members m where m.id = any (v_traces.member_ids)
    union
    select i.organisation_id from usher.invites i where i.id = any (v_traces.invite_ids)
    union
    select r.organisation_id from public.organisation_join_requests r
    where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails)
    union
    select d.organisation_id from usher.directory_users d
    where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
    union
    select d.organisation_id from public.organisation_deliveries d
    where d.recipient = any (v_traces.emails) and d.organisation_id is not null);
  v_traces.names := array(
    select n.name
    from (
      select m.display_name from public.organisation_members m where m.id = any (v_traces.member_ids)
      union
      select k.value #>> '{}'
      from auth.users u
      cross join lateral jsonb_each(
        case jsonb_typeof(u.raw_user_meta_data::jsonb) when 'object' then u.raw_user_meta_data::jsonb end) k
      where u.id = any (v_traces.user_ids) and k.key in ('display_name', 'full_name', 'name')
        and jsonb_typeof(k.value) = 'string'
      union
      select coalesce(d.attributes ->> 'displayName', d.attributes #>> '{name,formatted}')
      from usher.directory_users d
      where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids)
      union
      select d.facts ->> 'actor_name'
      from public.organisation_deliveries d where d.facts ->> 'actor_email' = any (v_traces.emails)
    ) n (name)
    where btrim(n.name) <> '');
  return v_traces;
end
$$;
comment on function usher.person_traces
  is 'By what a person is known: of these accounts, or of a normalised address with or without one.';

create function usher.searched_words(
  traces usher.person_traces
) returns table (emails text[], names text[])
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select (searched_words.traces).emails,
    -- A name of one word is a word as well: Max, Will, Ann. Where it stands by itself it is found otherwise.
    array(
      select n.name
      from unnest((searched_words.traces).names) t
      cross join lateral (
        select regexp_replace(t collate "und-x-icu", '^[[:space:]\u00a0]+|[[:space:]\u00a0]+$', '', 'g') as name) n
      where n.name ~ '[[:space:]\u00a0]' collate "und-x-icu")
$$;
comment on function usher.searched_words
  is 'What of a person is looked for in texts: addresses, and names of two words or more.';

-- sql/90_operators/05_person_reports.sql

-- Person reports: all that is held of a person (GDPR article 15).
--
-- A person is an account, or an address without one: whoever was invited, asked to join, was named by a directory
-- or got a mail. For operators. Reads every table: minutes, where there are millions of rows.

create function usher.report_traces(
  traces usher.person_traces
) returns table (place text, data jsonb)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_traces usher.person_traces := report_traces.traces;
  v_words  record;
  v_known  text;
  v_names  text;
  v_table  regclass;
  v_mailboxes text[] := array(select usher.mailbox(e) from unnest((report_traces.traces).emails) e);
begin
  select * into v_words from usher.searched_words(v_traces);
  v_known := usher.words_pattern(v_words.emails
    || (v_traces.user_ids || v_traces.member_ids || v_traces.invite_ids)::text[], false);
  v_names := usher.words_pattern(v_words.names, false);

  for v_table in select usher.own_tables() loop
    -- What opens something is no data of a person, and a report is handed out.
    return query execute format(
      $query$
        select %1$L, r.data - $4
        from %1$s t
        cross join lateral (select to_jsonb(t) as data) r
        where r.data::text collate "und-x-icu" ~* $1
          or r.data ->> %2$L = any ($3::text[]) and r.data::text collate "und-x-icu" ~* $2
      $query$,
      case when position('.' in v_table::text) = 0 then 'public.' || v_table::text else v_table::text end,
      case when v_table = 'public.organisations'::regclass then 'id' else 'organisation_id' end)
    using v_known, v_names, v_traces.organisation_ids, array(
      select a.attname from pg_catalog.pg_attribute a
      where a.attrelid = v_table and (a.atttypid = 'bytea'::regtype or a.attname in ('token', 'secret')));
  end loop;

  -- What they want is kept for their mailbox, whatever tag they said it with.
  return query
    select 'usher.mail_opt_outs', to_jsonb(o)
    from usher.mail_opt_outs o
    where o.email = any (v_mailboxes) and o.email <> all (v_traces.emails)
    union all
    select 'usher.suppressed_addresses', to_jsonb(s)
    from usher.suppressed_addresses s
    where s.reason = 'complaint' and usher.mailbox(s.email) = any (v_mailboxes) and s.email <> all (v_traces.emails);

  return query
    select 'auth.users', to_jsonb(u) - array['encrypted_password', 'confirmation_token', 'recovery_token',
      'email_change_token_new', 'email_change_token_current', 'phone_change_token', 'reauthentication_token']
    from auth.users u where u.id = any (v_traces.user_ids);
  -- Auth's own table, which a stand-in for Auth may lack.
  if to_regclass('auth.identities') is not null then
    return query
      select 'auth.identities', to_jsonb(d) from auth.identities d where d.user_id = any (v_traces.user_ids);
  end if;
end
$$;
comment on function usher.report_traces
  is 'Every row in which a person is known by one of these traces.';

create function usher.report_person(
  user_id uuid
) returns table (place text, data jsonb)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email text := (select usher.normalise_email(u.email) from auth.users u where u.id = report_person.user_id);
begin
  return query
    select r.place, r.data
    from usher.report_traces(usher.person_traces(
      array(select report_person.user_id union select unnest(usher.accounts_of(v_email))), v_email)) r;
end
$$;
comment on function usher.report_person
  is $$Everything that is held of a person (GDPR article 15): each row of ours in which their account, their address or
their full name stands, and what Supabase Auth keeps of the account. For operators.

  user_id  the account; one that is gone is still found in the trail

Returns the table, and the row without hashes and keys. Look through it before it is handed out: a row may hold what
belongs to others, such as whom they have invited (article 15(4)).$$;

create function usher.report_address(
  email text
) returns table (place text, data jsonb)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email text := usher.normalise_email(report_address.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  return query
    select r.place, r.data from usher.report_traces(usher.person_traces(usher.accounts_of(v_email), v_email)) r;
end
$$;
comment on function usher.report_address
  is $$As usher.report_person, by an address, with an account or without. An account of single sign-on has the address
that its provider names: look who it is. Fails with invalid_email. For operators.$$;

-- sql/90_operators/06_erasure.sql

-- Erasure: forgetting a person (GDPR article 17).
--
-- What is looked through, and what stays, says 04_personal_data.sql. For operators. Reads every table: minutes, where
-- there are millions of rows.

create function usher.redact_everywhere(traces usher.person_traces) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_traces  usher.person_traces := redact_everywhere.traces;
  v_words   record;
  v_known   text[];
  v_instead text;
  v_column  record;
begin
  select * into v_words from usher.searched_words(v_traces);
  -- Of the kind that columns of addresses, names and titles take, and never longer than what it stands for. Not the
  -- same each time, so that two who are erased do not become one where names are unique.
  v_instead := left('erased-' || encode(extensions.gen_random_bytes(2), 'hex'),
    (select min(length(regexp_replace(w collate "und-x-icu", '[[:space:]]+', ' ', 'g')))
      from unnest(v_words.emails || v_words.names) w));

  for v_column in
    select t.id as table_id, n.nspname || '.' || c.relname as table_name, a.attname as name,
      coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text as type, k.what as kept,
      exists (
        select from pg_catalog.pg_attribute o
        where o.attrelid = t.id and o.attname = 'organisation_id' and not o.attisdropped) as is_of_organisation
    from usher.own_tables() t (id)
    join pg_catalog.pg_class c on c.oid = t.id
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a
      on a.attrelid = t.id and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_catalog.pg_type y on y.oid = a.atttypid
    left join usher.kept_at_erasure() k on k.place = n.nspname || '.' || c.relname || '.' || a.attname
    where t.id <> 'public.organisation_audit_events'::regclass
      and k.what is distinct from 'all'
      and coalesce(nullif(y.typbasetype, 0), y.oid)::regtype::text in (
        'text', 'character varying', 'citext', 'extensions.citext', 'character', 'text[]', 'character varying[]',
        'json', 'jsonb')
    order by t.id::text, a.attnum
  loop
    for v_known in
      select w.words
      from (values (v_words.emails, false), (v_words.names, true)) w (words, are_names)
      where cardinality(w.words) > 0
        and (not w.are_names or v_column.kept is null and v_column.is_of_organisation)
    loop
      execute format(
        case
          when v_column.type like 'json%' then
            'update %1$s t set %2$I = usher.redact(t.%2$I::jsonb, $2, $3)::%3$s
            where t.%2$I::text collate "und-x-icu" ~* $1'
          when v_column.type like '%[]' then
            'update %1$s t set %2$I = array(
              select usher.redact(e.value, $2, $3) from unnest(t.%2$I) with ordinality e (value, n) order by e.n)
            where array_to_string(t.%2$I, '' '') collate "und-x-icu" ~* $1'
          else 'update %1$s t set %2$I = usher.redact(t.%2$I::text, $2, $3)
            where t.%2$I::text collate "und-x-icu" ~* $1'
        end || case when v_known = v_words.names then ' and t.organisation_id = any ($4)' else '' end,
        v_column.table_name, v_column.name, v_column.type)
      using usher.words_pattern(v_known, false), usher.words_pattern(v_known, true),
        v_instead, v_traces.organisation_ids;
    end loop;
  end loop;
end
$$;
comment on function usher.redact_everywhere
  is $$Takes the addresses of a person out of every text of ours, and their full names out of the texts of the
organisations that know them, but for usher.kept_at_erasure().$$;

create function usher.erase_traces(traces usher.person_traces) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_traces usher.person_traces := erase_traces.traces;
begin
  -- Every organisation that knows them, alone: nothing of theirs changes while they are forgotten.
  perform usher.lock_organisation(o.id, 'settings')
    from (
      select unnest(v_traces.organisation_ids) as id
      union
      select i.organisation_id from usher.invites i where i.id = any (v_traces.invite_ids)
      union
      select d.organisation_id from public.organisation_deliveries d
      where d.id = any (v_traces.delivery_ids) and d.organisation_id is not null
      order by 1
    ) o;
  -- Their open invites end, so that no mail goes out any more.
  perform usher.end_invite(i.id, null)
    from usher.invites i
    where i.status = 'pending' and i.email = any (v_traces.emails)
    order by i.id;
  -- Stops are kept by the mailbox, whatever the tag.
  perform usher.keep_stops(array(
    select e from unnest(v_traces.emails) e union select usher.mailbox(e) from unnest(v_traces.emails) e));

  -- Their mails are out there, with a link to stop more, and servers that may yet answer.
  insert into usher.erased_deliveries (delivery_id, recipient_hash, mailbox_hash)
  select d.id, usher.address_hash(d.recipient), usher.address_hash(d.mailbox)
  from public.organisation_deliveries d
  where (d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids))
    and d.recipient <> usher.erased_recipient(d.id)
  on conflict on constraint erased_deliveries_pkey do nothing;

  -- In the words of RFC 2606, an address that can never be anyone's.
  update public.organisation_deliveries d
  set recipient = usher.erased_recipient(d.id), facts = '{}', last_response = null,
    status = case when d.status in ('queued', 'sending') then 'cancelled' else d.status end
  where d.recipient = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);
  -- To others, about them: whoever acted is nobody in particular, and news of an invite has lost what it tells.
  update public.organisation_deliveries d
  set facts = d.facts
    || case when d.facts ->> 'actor_email' = any (v_traces.emails)
      then '{"actor_email": null, "actor_name": null}'::jsonb else '{}' end
    || case when d.facts ->> 'owner_name' = any (v_traces.names) then '{"owner_name": null}'::jsonb else '{}' end,
    status = case when d.status in ('queued', 'sending')
      and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails))
      then 'cancelled' else d.status end
  where d.organisation_id = any (v_traces.organisation_ids)
    and (d.invite_id = any (v_traces.invite_ids) or d.facts ->> 'requester_email' = any (v_traces.emails)
      or d.facts ->> 'actor_email' = any (v_traces.emails) or d.facts ->> 'owner_name' = any (v_traces.names));
  update usher.invites i
  set email = 'erased@' || i.id || '.invalid', message = null, declined_reason = null, revoked_reason = null,
    metadata = '{}'
  where i.id = any (v_traces.invite_ids) and i.kind = 'user';
  update public.organisation_join_requests r
  set email = 'erased@' || r.id || '.invalid', reason = null
  where r.user_id = any (v_traces.user_ids) or r.email = any (v_traces.emails);
  update public.organisation_access_review_items i
  set reason = case when i.decision = 'withdrawn' then '-' end
  where i.user_id = any (v_traces.user_ids) and i.reason is not null;
  update public.organisations o set reply_to = null where o.reply_to = any (v_traces.emails);
  delete from usher.sign_up_invites s
  where s.user_id = any (v_traces.user_ids) or s.invite_id = any (v_traces.invite_ids);
  delete from usher.idempotency_keys k where k.user_id = any (v_traces.user_ids);
  delete from usher.directory_users d
  where d.email = any (v_traces.emails) or d.member_id = any (v_traces.member_ids);

  perform usher.erase_from_trail(v_traces);

  perform usher.record_event(m.organisation_id, 'person.erased', 'user', m.user_id)
    from public.organisation_members m where m.id = any (v_traces.member_ids);
  -- Who never had an account here is known to others by the invite alone.
  perform usher.record_event(i.organisation_id, 'person.erased', 'invite', i.id)
    from usher.invites i
    where i.id = any (v_traces.invite_ids) and not exists (
      select from public.organisation_members m
      where m.organisation_id = i.organisation_id and m.id = any (v_traces.member_ids));
  update public.organisation_members m
  set email = null, display_name = null, status_reason = null
  where m.id = any (v_traces.member_ids);
  insert into usher.erased_members (member_id) select unnest(v_traces.member_ids)
  on conflict on constraint erased_members_pkey do nothing;
  perform usher.redact_everywhere(v_traces);
end
$$;
comment on function usher.erase_traces
  is 'Forgets a person by all that they are known by.';

create function usher.erase_from_trail(traces usher.person_traces) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_traces usher.person_traces := erase_from_trail.traces;
  v_words  record;
  v_emails text;
  v_names  text;
  v_events uuid[];
begin
  select * into v_words from usher.searched_words(v_traces);
  v_emails := usher.words_pattern(v_words.emails, false);
  v_names := usher.words_pattern(v_words.names, false);
  v_events := array(
    select e.id
    from public.organisation_audit_events e
    where num_nonnulls(e.reason, e.ip, e.claimed_ip, e.user_agent) > 0
      and (e.actor_id = any (v_traces.user_ids) or e.target_id = any (v_traces.user_ids)
        -- What they did with a link and without a session, and what somebody said of them.
        or (e.target_id = any (v_traces.invite_ids) or e.target_id = any (v_traces.delivery_ids))
          and (e.actor_kind = 'invitee' or e.reason is not null)
        or concat_ws(' ', e.reason, e.user_agent) collate "und-x-icu" ~* v_emails
        or e.organisation_id = any (v_traces.organisation_ids) and e.reason collate "und-x-icu" ~* v_names));

  perform set_config('usher.audit_exception', 'UPDATE', true);
  update usher.sealed_events c set personal_salt = null where c.event_id = any (v_events);
  update public.organisation_audit_events e
  set reason = null, ip = null, claimed_ip = null, user_agent = null
  where e.id = any (v_events);
  perform set_config('usher.audit_exception', '', true);
end
$$;
comment on function usher.erase_from_trail
  is $$Takes what is personal out of the lines of the trail that a person caused, that are about them, or whose reason
names them; and with it the salt of its hash, so that nothing can be tried against that.$$;

create function usher.erase_person(user_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email text := (select usher.normalise_email(u.email) from auth.users u where u.id = erase_person.user_id);
begin
  perform usher.erase_traces(usher.person_traces(
    array(select erase_person.user_id union select unnest(usher.accounts_of(v_email))), v_email));
end
$$;
comment on function usher.erase_person
  is $$Forgets a person: addresses, names, reasons, computers and browsers go from members, invites, mails to them and
to others, texts that name them, and the trail. What they were and did stays, under an id that no longer leads to
anyone; a ban, and that they want no mail, hold. For operators; then delete the account in Auth, which an owner has
to be relieved of first.

  user_id  the account; while it is still there, its address leads to all that was there before the account

What stays, and why, is in usher.kept_at_erasure(). Where the account changes its address or name later, nothing of
it comes back.$$;

create function usher.erase_address(email text) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_email text := usher.normalise_email(erase_address.email);
begin
  if v_email is null then
    perform usher.fail('invalid_email');
  end if;
  perform usher.erase_traces(usher.person_traces(usher.accounts_of(v_email), v_email));
end
$$;
comment on function usher.erase_address
  is $$As usher.erase_person, by an address: for whoever was invited, asked or named by a directory and has no
account, or has deleted it. Accounts with the address are erased as well. Fails with invalid_email. For operators.$$;

-- sql/90_operators/07_operator_functions.sql

-- What operators call: proving that the trails are whole, and sending mails again that have failed.
--
-- No role but the owner of the database may call any of it. docs/sql.md says how to use it.

create function usher.check_audit_trails() returns table (
  organisation_id uuid,
  organisation text,
  is_whole boolean,
  events bigint,
  sealed_events bigint,
  erased_events bigint,
  seals integer,
  last_seal text,
  problem text,
  event_id uuid,
  seal_number integer
)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select i.organisation_id, o.name, c.*
  from (
    select e.organisation_id from public.organisation_audit_events e
    union
    select s.organisation_id from usher.audit_seals s
    union
    -- One without a single line is shown with none: it began with one.
    select o.id from public.organisations o
  ) i
  left join public.organisations o on o.id = i.organisation_id
  cross join lateral usher.check_audit_trail(i.organisation_id) c
  order by c.is_whole, o.name, i.organisation_id
$$;
comment on function usher.check_audit_trails
  is $$Recomputes the seals of all trails, also of organisations that are gone, or of which there is none; those that
are not whole come first. Columns as in verify_organisation_audit_trail. For operators. Reads every event: minutes,
where there are millions.$$;

create function usher.requeue_deliveries(delivery_ids uuid[]) returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_requeued integer;
begin
  with requeued as (
    update public.organisation_deliveries d
    set status = 'queued', attempts = 0, due_at = now(), in_doubt_at = null
    where d.id = any (requeue_deliveries.delivery_ids)
      and (d.status in ('failed', 'suppressed') or d.status = 'queued' and d.attempts > 0)
    returning d.*
  ), recorded as (
    select usher.record_event(r.organisation_id, 'delivery.requeued', 'delivery', r.id,
      after => jsonb_build_object('kind', r.kind, 'invite_id', r.invite_id))
    from requeued r
  )
  select count(*)::integer into v_requeued from recorded;
  return v_requeued;
end
$$;
comment on function usher.requeue_deliveries
  is $$Lets mails that failed, or wait for their next try, go out now, with all tries before them again. For operators,
once the cause is mended; an address that is suppressed has to be taken from usher.suppressed_addresses first. An
invite that is no longer open is not sent in any case.

  delivery_ids  the id of usher.stuck_deliveries

Returns how many there were.$$;

create function usher.resume_mail() returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_resumed integer;
begin
  update public.organisation_deliveries d
  set due_at = now()
  where d.status = 'queued' and d.attempts > 0 and d.due_at > now();
  get diagnostics v_resumed = row_count;
  -- Last, as whoever records an answer has it: the mail first, then the way.
  perform usher.note_taken();
  return v_resumed;
end
$$;
comment on function usher.resume_mail
  is $$Lets mails go out now that wait because the mail server or provider refused us, and those that wait for another
try. For operators, once the cause is mended: by itself it is found out within half an hour.

Returns how many there were.$$;

-- sql/99_defaults/01_default_privileges.sql

-- Gives back the default privileges that 00_base/01_schemas.sql took away while the files loaded: they belong
-- to the project, not to Usher, and a Supabase project is made with exactly these.

alter default privileges grant execute on functions to public;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;

-- What the project itself grants on new objects, as it was before this file.
do $$
declare
  v_default record;
begin
  alter default privileges revoke execute on functions from public;
  alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
  alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
  for v_default in select * from pg_temp.usher_own_defaults loop
    execute format('alter default privileges %s grant %s on %s to %s%s', v_default.place,
      v_default.privilege_type, v_default.objects, v_default.grantee,
      case when v_default.is_grantable then ' with grant option' else '' end);
  end loop;
end
$$;

drop table pg_temp.usher_own_defaults;
