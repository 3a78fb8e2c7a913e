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
