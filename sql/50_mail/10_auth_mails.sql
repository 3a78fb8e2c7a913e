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
