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
