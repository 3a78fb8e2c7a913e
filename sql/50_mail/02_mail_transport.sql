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
