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
