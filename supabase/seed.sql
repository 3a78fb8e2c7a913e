-- Demo data: two organisations, people of every role, invites in every state.
--
-- Everything goes through the functions, as it would in life, so that trail and mailbox are true as well.
-- All passwords are "password". For a local database only.

create function pg_temp.person(email text, name text)
returns uuid
language plpgsql
as $$
declare
  v_id uuid := gen_random_uuid();
begin
  insert into auth.users (
    id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data)
  values (
    v_id, 'authenticated', 'authenticated', person.email,
    extensions.crypt('password', extensions.gen_salt('bf')), now(),
    '{"provider": "email", "providers": ["email"], "seed": "true"}',
    jsonb_build_object('full_name', person.name));
  insert into auth.identities (id, provider, provider_id, user_id, identity_data)
  values (gen_random_uuid(), 'email', v_id::text, v_id,
    jsonb_build_object('sub', v_id, 'email', person.email, 'email_verified', true));
  return v_id;
end
$$;

-- From here on, this person acts; null: nobody.
create function pg_temp.act_as(user_id uuid)
returns void
language sql
as $$
  select set_config('request.jwt.claims', case when user_id is null then '' else
    json_build_object('sub', user_id, 'role', 'authenticated')::text end, false)
$$;

create function pg_temp.organisation(owner_id uuid, name text, colour text)
returns uuid
language plpgsql
as $$
declare
  v_id uuid;
begin
  perform pg_temp.act_as(owner_id);
  v_id := (public.create_organisation(organisation.name)).id;
  update public.organisations o set accent_colour = colour where o.id = v_id;
  return v_id;
end
$$;

create function pg_temp.join_by_invite(organisation_id uuid, inviter_id uuid, email text, name text, roles text[])
returns uuid
language plpgsql
as $$
declare
  v_user_id uuid := pg_temp.person(join_by_invite.email, join_by_invite.name);
  v_invite  public.organisation_invites;
begin
  perform pg_temp.act_as(inviter_id);
  v_invite := public.create_organisation_invite(
    join_by_invite.organisation_id, join_by_invite.email, join_by_invite.roles);
  perform pg_temp.act_as(v_user_id);
  perform public.accept_organisation_invite(usher.mint_invite_token(v_invite.id));
  return v_user_id;
end
$$;

do $$
declare
  v_owner    uuid := pg_temp.person('owner@example.com', 'Olive Owner');
  v_rockets  uuid := pg_temp.organisation(v_owner, 'Example Rockets', '#4f46e5');
  v_admin    uuid := pg_temp.join_by_invite(v_rockets, v_owner, 'admin@example.com', 'Ada Admin', '{admin}');
  v_finance  uuid := pg_temp.join_by_invite(v_rockets, v_admin, 'finance@example.com', 'Finn Finance', '{finance}');
  v_member   uuid := pg_temp.join_by_invite(v_rockets, v_admin, 'member@example.com', 'Mel Member', '{member}');
  v_baker    uuid := pg_temp.person('baker@example.com', 'Bo Baker');
  v_bakery   uuid := pg_temp.organisation(v_baker, 'Sample Bakery', '#b45309');
  v_invite   public.organisation_invites;
begin
  -- One person in both, with different roles.
  perform pg_temp.act_as(v_baker);
  v_invite := public.create_organisation_invite(v_bakery, 'admin@example.com', '{member,finance}');
  perform pg_temp.act_as(v_admin);
  perform public.accept_organisation_invite(usher.mint_invite_token(v_invite.id));

  -- Sample Bakery: something waits there for someone of Example Rockets.
  perform pg_temp.act_as(v_baker);
  perform public.create_organisation_invite(v_bakery, 'member@example.com', '{member}',
    expires_in => '3 days', message => 'We need someone who knows about heat shields. For the oven.');

  -- Example Rockets: one invite in each state.
  perform pg_temp.act_as(v_admin);
  perform public.create_organisation_invite(v_rockets, 'pending@example.com', '{member}',
    message => 'Welcome! The launch window is short, so please answer soon.');
  perform public.create_organisation_invite(v_rockets, 'ausstehend@example.com', '{member,finance}', locale => 'de');

  v_invite := public.create_organisation_invite(v_rockets, 'declined@example.com', '{member}');
  perform pg_temp.act_as(null);
  perform public.decline_organisation_invite(usher.mint_invite_token(v_invite.id), 'I am afraid of heights.');

  perform pg_temp.act_as(v_admin);
  v_invite := public.create_organisation_invite(v_rockets, 'revoked@example.com', '{finance}');
  perform public.revoke_organisation_invite(v_invite.id, 'Wrong role');

  v_invite := public.create_organisation_invite(v_rockets, 'expired@example.com', '{member}');
  update usher.invites i set issued_at = now() - interval '8 days', expires_at = now() - interval '1 day'
  where i.id = v_invite.id;
end
$$;
