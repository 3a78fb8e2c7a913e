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
