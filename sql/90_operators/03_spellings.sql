-- Spellings: every way in which an address, or a name, may stand in a text, so that all of them are found.
--
-- Source: RFC 3492 (Punycode), sections 5 and 6.

-- Punycode (RFC 3492): münchen.example and xn--mnchen-3ya.example are one domain: an address may stand here by either.

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
  v_points integer[] := array(
    select ascii(c.letter)
    from regexp_split_to_table(label_to_ascii.label, '') with ordinality c (letter, n) order by c.n);
  v_count  integer := cardinality(v_points);
  v_ascii  text := regexp_replace(label_to_ascii.label, '[^\u0001-\u007f]', '', 'g');
  v_basic  integer := length(v_ascii);
  v_done   integer := v_basic;
  v_next   bigint := 128::bigint;
  v_delta  bigint := 0::bigint;
  v_bias   integer := 72;
  v_least  bigint;
  v_point  integer;
  v_q      bigint;
  v_k      integer;
  v_t      integer;
begin
  if v_done = v_count then
    return label_to_ascii.label;
  end if;
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
  is 'A label of a normalised domain as the DNS writes it: xn--…, or as it is where it is ASCII. RFC 3492 section 6.3.';

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

create function usher.spellings(email text) returns text[]
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select array(
    select $1
    union
    select split_part($1, '@', 1) || '@' || f.domain
    from (
      select string_agg(usher.label_to_ascii(l.label), '.' order by l.n),
        string_agg(usher.label_to_unicode(l.label), '.' order by l.n)
      from regexp_split_to_table(split_part($1, '@', 2), '\.') with ordinality l (label, n)
    ) s (in_ascii, in_unicode)
    cross join lateral (values (s.in_ascii), (s.in_unicode)) f (domain)
    where position('@' in $1) > 0)
$$;
comment on function usher.spellings
  is 'An address as it may be written: its domain in its own letters, and in the ASCII of the DNS.';

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
