-- Lists come whole, however few rows the API lets through at once: as one value or in pages.

set local check_function_bodies = off;

DROP FUNCTION "public"."list_assignable_organisation_roles"(uuid);

DROP FUNCTION "public"."list_my_organisation_invites"();

DROP FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer);

DROP FUNCTION "public"."list_organisation_role_members"(uuid, text);

DROP FUNCTION "usher"."list_assignable_roles"(uuid);

DROP FUNCTION "usher"."list_my_invites"();

CREATE OR REPLACE FUNCTION public.list_assignable_organisation_roles(organisation_id uuid)
 RETURNS text[]
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select usher.list_assignable_roles($1) $function$;

REVOKE ALL ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_my_organisation_invites()
 RETURNS TABLE(id uuid, organisation_id uuid, organisation_name text, organisation_logo_url text, organisation_accent_colour text, roles text[], inviter_name text, inviter_email text, message text, created_at timestamp with time zone, expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select * from usher.list_my_invites() $function$;

REVOKE ALL ON FUNCTION "public"."list_my_organisation_invites"() FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_my_organisation_invites"() FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer DEFAULT 0, page_size integer DEFAULT 1000)
 RETURNS json
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce(json_agg(e order by e.seal_number, e.position), '[]')
  from usher.list_evidence_events($1, $2, $3, $4, $5) e
$function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) FROM "service_role";

CREATE OR REPLACE FUNCTION public.list_organisation_role_members(organisation_id uuid, role text)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select coalesce(jsonb_agg(to_jsonb(m) order by m.email, m.id), '[]') from usher.list_role_members($1, $2) m $function$;

REVOKE ALL ON FUNCTION "public"."list_organisation_role_members"(uuid, text) FROM "anon";

REVOKE ALL ON FUNCTION "public"."list_organisation_role_members"(uuid, text) FROM "service_role";

CREATE OR REPLACE FUNCTION usher.create_permission(name text, description text, roles text[] DEFAULT '{}'::text[])
 RETURNS usher.permissions
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_permission usher.permissions;
begin
  if create_permission.name !~ '^[a-z][a-z_]*\.[a-z][a-z_]*$' or create_permission.name is null then
    perform usher.fail('invalid_settings', hint => 'A permission is thing.action, such as invoice.approve.');
  end if;
  -- The API answers lists of permissions as rows, and hosted projects let through a thousand of them.
  if (select count(*) from usher.permissions p where p.name <> create_permission.name) >= 500 then
    perform usher.fail('invalid_settings', hint => 'A project has at most 500 permissions.');
  end if;
  insert into usher.permissions as p (name, description)
  values (create_permission.name, coalesce(usher.clean_text(create_permission.description, 500), ''))
  on conflict on constraint permissions_pkey do update set description = excluded.description
  returning p.* into v_permission;

  -- The owner holds everything; otherwise nobody could give it to anyone.
  update public.organisation_roles r
  set permissions = usher.clean_roles(array_append(r.permissions, v_permission.name))
  where r.organisation_id is null
    and (r.name = 'owner' or r.name = any (create_permission.roles))
    and v_permission.name <> all (r.permissions);
  return v_permission;
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_assignable_roles(organisation_id uuid)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_member public.organisation_members := usher.require_member(list_assignable_roles.organisation_id);
begin
  return array(
    select r.name
    from public.organisation_roles r
    where (r.organisation_id is null or r.organisation_id = list_assignable_roles.organisation_id)
      and usher.roles_problem(list_assignable_roles.organisation_id, array[r.name], v_member.roles) is null
    order by r.organisation_id is not null, r.name);
end
$function$;

CREATE OR REPLACE FUNCTION usher.list_my_invites()
 RETURNS TABLE(id uuid, organisation_id uuid, organisation_name text, organisation_logo_url text, organisation_accent_colour text, roles text[], inviter_name text, inviter_email text, message text, created_at timestamp with time zone, expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select i.id, o.id, o.name, o.logo_url, o.accent_colour, i.roles, m.display_name, m.email, i.message,
    i.created_at, i.expires_at
  from auth.users u
  join usher.invites i on i.email = lower(normalize(u.email, nfc) collate "und-x-icu")
  join public.organisations o on o.id = i.organisation_id
  left join public.organisation_members m
    on m.organisation_id = i.organisation_id and m.user_id = i.invited_by
  where u.id = auth.uid()
    and usher.has_proven_address(u.id)
    and i.status = 'pending' and usher.invite_status(i.status, i.expires_at) = 'pending'
  order by i.created_at desc, i.id desc
$function$;

CREATE OR REPLACE FUNCTION usher.list_role_members(organisation_id uuid, role text)
 RETURNS SETOF public.organisation_members
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- Before the query, not in it: there it is asked only where there are members, and an organisation that is
  -- somebody else's could be told from one that is not there.
  v_role public.organisation_roles :=
    usher.require_role(list_role_members.organisation_id, list_role_members.role);
begin
  return query
    select m.*
    from usher.current_members m
    where m.organisation_id = list_role_members.organisation_id
      and v_role.name = any (m.roles);
end
$function$;

COMMENT ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) IS 'The roles that the caller may give, built-in ones first, by name: what a page offers to those who may invite or
change members. Two of them together may still be refused, where they may not be held together. Any member
may. Fails with unauthenticated, organisation_not_found.';

COMMENT ON FUNCTION "public"."list_my_organisation_invites"() IS 'The pending invites to the caller''s own address, newest first.

Empty until the address is confirmed; and for single sign-on by a provider that the project does not have for the
domain of the address: then the mailed link is the way. Anyone signed in may.';

COMMENT ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) IS 'The sealed events of the trail, oldest seal first, a page at a time. What is sealed never changes, so that pages
fetched one after the other fit together.

  last_seal                   up to this seal, events come with what they say; later ones with their hashes only
  after_seal, after_position  those of the last event of the page before; at first, first_seal of
                              export_organisation_evidence and 0
  page_size                   1 to 5,000

Returns one array of events: seal_number, position, event_id, event_hash, personal_hash, personal_salt, event,
personal; fewer than page_size means that there are no more. event and personal are the very texts whose
SHA-256 (of personal with the salt before it) are event_hash and personal_hash; both are null for an event whose
time was over, the salt for one that was erased. Needs audit.read. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.';

COMMENT ON FUNCTION "public"."list_organisation_role_members"(uuid, text) IS 'AssignedUsers: the active members who are given this role itself, by address. A member who has it by
inheritance only is not among them.

Returns one array of objects, each as a row of organisation_members. Needs member.read. Fails with
unauthenticated, organisation_not_found, permission_denied, invalid_role.';

COMMENT ON FUNCTION "usher"."create_permission"(text, text, text[]) IS 'Adds a permission of the application to the registry. For operators, in a migration of the application.

  name         thing.action, in lower case, such as invoice.approve
  description  at most 500 characters
  roles        which built-in roles hold it, beside owner, who holds everything

Ask for it by has_organisation_permission and usher.organisations_where. Returns the permission. A project has at most
500. Fails with invalid_settings.';

COMMENT ON FUNCTION "usher"."list_assignable_roles"(uuid) IS 'The rule behind public.list_assignable_organisation_roles.';

COMMENT ON FUNCTION "usher"."list_my_invites"() IS 'The rule behind public.list_my_organisation_invites.';

REVOKE ALL ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_assignable_organisation_roles"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_my_organisation_invites"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_my_organisation_invites"() TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_evidence_events"(uuid, integer, integer, integer, integer) TO "authenticated";

REVOKE ALL ON FUNCTION "public"."list_organisation_role_members"(uuid, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."list_organisation_role_members"(uuid, text) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_assignable_roles"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_assignable_roles"(uuid) TO "authenticated";

REVOKE ALL ON FUNCTION "usher"."list_my_invites"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."list_my_invites"() TO "authenticated";
