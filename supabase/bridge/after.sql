-- Rows that a new project is made with.
insert into usher.address_salt default values on conflict do nothing;
insert into usher.mail_turns (is_bulk, organisation_id)
values (false, '00000000-0000-0000-0000-000000000000'), (true, '00000000-0000-0000-0000-000000000000')
on conflict do nothing;
select usher.ensure_signing_key();

-- Only where the platform has this role; a bare Postgres has not.
do $$
begin
  if exists (select from pg_catalog.pg_roles r where r.rolname = 'supabase_auth_admin') then
    grant execute on function usher.custom_access_token_hook, usher.without_secrets to supabase_auth_admin;
  end if;
end
$$;

-- Addresses and domains that are not ASCII get their one spelling. Where both spellings of one were there, the other
-- has it already: what says no to both goes, and of the rest, such as an open invite, the row stays as it is.
update public.organisations o set reply_to = usher.normalise_email(a.reply_to) from answers_elsewhere a where a.id = o.id;
update public.organisations o
set allowed_email_domains = array(
  select distinct coalesce(usher.clean_domain(d), d) from unnest(o.allowed_email_domains) d order by 1)
where array_to_string(o.allowed_email_domains, '') ~ '[^\u0001-\u007f]';
do $$
declare
  v_column record;
  v_row    record;
begin
  for v_column in
    select c.*
    from (values
      ('public.organisation_members', 'email', 'normalise_email', false),
      ('public.organisation_deliveries', 'recipient', 'normalise_email', false),
      ('public.organisation_domains', 'domain', 'clean_domain', true),
      ('public.organisation_sign_in_rules', 'domain', 'clean_domain', false),
      ('public.organisation_join_requests', 'email', 'normalise_email', false),
      ('usher.invites', 'email', 'normalise_email', false),
      ('usher.directory_users', 'email', 'normalise_email', false),
      ('usher.suppressed_addresses', 'email', 'normalise_email', true),
      ('usher.mail_opt_outs', 'email', 'normalise_email', true)
    ) c (relation, name, clean, is_double_gone)
  loop
    for v_row in execute format(
      'select ctid as at, usher.%2$I(%1$I) as clean from %3$s where %1$I ~ %4$L',
      v_column.name, v_column.clean, v_column.relation, '[^\u0001-\u007f]')
    loop
      begin
        execute format('update %s set %I = $1 where ctid = $2 and $1 is not null', v_column.relation, v_column.name)
        using v_row.clean, v_row.at;
      exception
        when unique_violation then
          if v_column.is_double_gone then
            execute format('delete from %s where ctid = $1', v_column.relation) using v_row.at;
          end if;
      end;
    end loop;
  end loop;
end
$$;

-- Tokens of invitations and codes of devices that stayed in accounts go: the triggers take them out of what is written.
do $$
begin
  update auth.users u
  set raw_user_meta_data = u.raw_user_meta_data
  where u.raw_user_meta_data::jsonb ?| array['invite_token', 'device_code'];
  if to_regclass('auth.identities') is not null then
    update auth.identities d
    set identity_data = d.identity_data
    where d.identity_data::jsonb ?| array['invite_token', 'device_code'];
  end if;
exception
  when insufficient_privilege then
    raise warning 'Tokens that lie in accounts could not be taken out: run, as the owner of Auth''s tables, update '
      'auth.users set raw_user_meta_data = raw_user_meta_data where raw_user_meta_data ?| ''{invite_token,device_code}''; '
      'and the same for identity_data of auth.identities.';
end
$$;

-- Whoever was erased before stays so, also where their account is still there and is changed.
insert into usher.erased_members (member_id)
select m.id
from public.organisation_members m
where m.email is null and m.kind = 'user' and exists (
  select from public.organisation_audit_events e
  where e.organisation_id = m.organisation_id and e.event = 'person.erased' and e.target_id = m.user_id)
on conflict do nothing;
-- What was stored for an address that stands for nobody stops nothing, and answers of servers repeated the real one.
delete from usher.mail_opt_outs o where o.email ~ '^erased@[0-9a-f-]{36}\.invalid$';
delete from usher.suppressed_addresses s where s.email ~ '^erased@[0-9a-f-]{36}\.invalid$';
update public.organisation_deliveries d set last_response = null
where d.recipient = usher.erased_recipient(d.id) and d.last_response is not null;

-- Addresses within lines of the trail, of those that no seal covers yet: the others would not fit their seals any more.
do $$
begin
  perform set_config('usher.audit_exception', 'UPDATE', true);
  update public.organisation_audit_events e
  set before = usher.without_addresses(e.before), after = usher.without_addresses(e.after)
  where position('@' in concat_ws(' ', e.before::text, e.after::text)) > 0
    and not exists (select from usher.sealed_events s where s.event_id = e.id);
  perform set_config('usher.audit_exception', '', true);
end
$$;

-- Who called themselves what nobody may be called any more, such as an address, goes by their address.
update public.organisation_members m
set display_name = null
where m.kind = 'user' and m.display_name is not null and usher.clean_name(m.display_name) is null;

-- Who has stopped mail has stopped it for their mailbox, whatever +tag they were written to with.
insert into usher.mail_opt_outs (organisation_id, email, created_at)
select o.organisation_id, usher.mailbox(o.email), o.created_at
from usher.mail_opt_outs o
where o.email <> usher.mailbox(o.email)
on conflict do nothing;
delete from usher.mail_opt_outs o where o.email <> usher.mailbox(o.email);

-- Bans and removals of today hold by their address as well.
insert into usher.sanctions (member_id, organisation_id, address_hash, status)
select m.id, m.organisation_id, usher.sanction_hash(m.organisation_id, a.email), m.status
from public.organisation_members m
cross join lateral usher.addresses_of(m.organisation_id, m.user_id) a (email)
where m.status = 'banned' or m.status = 'removed' and not exists (
  -- Somebody has let them in again since, with another account.
  select from public.organisation_members n
  where n.organisation_id = m.organisation_id and n.email = a.email and n.status = 'active')
on conflict do nothing;

-- Nobody has been asked so far whether they may still have what they answer for: it goes on for as long as for anybody
-- who loses the right now, and those who can take it over are told.
select usher.note_lost_right(c.organisation_id, c.responsible_id, null, false)
from (
  select organisation_id, responsible_id from public.organisation_domains where responsible_id is not null
  union
  select organisation_id, responsible_id from public.organisation_directory_tokens where revoked_at is null
) c;

-- Whoever has sent what they may not give any more is looked at once.
insert into usher.lost_rights (organisation_id, user_id)
select distinct i.organisation_id, i.invited_by
from usher.invites i
where i.status = 'pending' and i.invited_by is not null
on conflict do nothing;
