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
