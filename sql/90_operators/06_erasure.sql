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
