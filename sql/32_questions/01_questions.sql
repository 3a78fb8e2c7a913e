-- Questions that many subjects answer, put together here once.
--
--   May this person sign up?             usher.may_sign_up
--   May this person join?                usher.require_may_join
--   Does this membership count now?      usher.current_members, in 05_organisations/05_members.sql, because the guard
--                                        asks it: a new subject that has a word in it says so in that view
--
-- They stand behind all that they ask and before all that ask them. A new rule of joining has its place here, so that
-- no way of joining is without it (test/database/questions.test.ts). That nobody is banned, or a member already, is
-- asked where the membership is written, usher.add_member.

create function usher.may_sign_up(
  email text,
  user_metadata jsonb
) returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select (select s.sign_up from usher.settings s) = 'open'
    or exists (
      select from usher.invites i
      where i.email = usher.normalise_email(may_sign_up.email)
        and i.status = 'pending' and usher.invite_problem(i) is null)
    or exists (
      select from public.organisation_domains d
      where d.domain = usher.email_domain(usher.normalise_email(may_sign_up.email))
        and d.verified_at is not null and d.join_policy <> 'none')
    or case when length(may_sign_up.user_metadata ->> 'device_code') <= 20 then exists (
      select from usher.signing_keys k
      join usher.device_codes d on d.key_id = k.id
        and d.hash = usher.device_code_hash(may_sign_up.user_metadata ->> 'device_code', k.id)
      join usher.invites i on i.id = d.invite_id
      where usher.invite_problem(i) is null)
    else false end
$$;
comment on function usher.may_sign_up
  is $$Whether an account may be made: sign-up is open, the address has a pending invite or is of a domain that lets
its people join, or the sign-up data holds the code of an open device invite (device_code).$$;

create function usher.require_may_join(
  organisation_id uuid,
  user_id uuid,
  email text,
  roles text[],
  asks text[] default '{}'
) returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_organisation record;
begin
  perform usher.require_roles(require_may_join.organisation_id, require_may_join.roles);
  select o.seat_limit, o.allowed_email_domains, exists (
      select from public.organisation_sign_in_rules r where r.organisation_id = o.id) as has_sign_in_rule
  into v_organisation
  from public.organisations o
  where o.id = require_may_join.organisation_id;
  if not found then
    perform usher.fail('organisation_not_found');
  end if;

  if 'domain' = any (require_may_join.asks)
    and cardinality(v_organisation.allowed_email_domains) > 0
    and coalesce(usher.email_domain(require_may_join.email) <> all (v_organisation.allowed_email_domains), true)
  then
    perform usher.fail('domain_not_allowed');
  end if;
  if v_organisation.has_sign_in_rule and 'session' = any (require_may_join.asks) then
    perform usher.require_sign_in(
      require_may_join.organisation_id, require_may_join.user_id, require_may_join.email);
  end if;
  if v_organisation.seat_limit is not null then
    perform usher.require_free_seat(require_may_join.organisation_id);
  end if;
end
$$;
comment on function usher.require_may_join
  is $$Refuses whoever may not become a member at this moment, whichever way they come; asked under the locks of
usher.lock_for_joining. That they are not banned, and no member yet, usher.add_member asks.

  email  the address of their account; null: it has none
  asks   what else this way of joining asks of them:
           domain   that the organisation takes people of their address's domain
           session  that they, who are the caller, have signed in as the organisation asks

Fails with invalid_role (a role is gone), role_not_assignable (roles that may not be held together),
domain_not_allowed, sso_required, seat_limit_reached.$$;
